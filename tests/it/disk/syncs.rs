//! After a sync that failed the system shows what the disk does not have. Nothing that is acknowledged later may be built
//! on that.

use reqwest::StatusCode;

use super::Fault;
use super::machine::Machine;
use super::senders::notification;
use crate::simulation::dice::Dice;

/// What is lost of what was acknowledged when the n-th sync of the log fails, and the power goes later.
async fn lost_after_a_failed_sync(nth: u64, planted: Option<&'static str>) -> Vec<String> {
    let mut machine = Machine::new("http://127.0.0.1:1", "");
    if let Some(bug) = planted {
        machine = machine.plant(bug);
    }
    let up = machine.start(None).unwrap();
    assert_eq!(up.post(notification("before", 1)).await, Some(StatusCode::OK));
    up.ends("KILL");
    machine.arm();
    let up = machine.start(Some(&Fault { kind: "sync-once", of: "-wal", nth })).unwrap();
    let after = up.post(notification("after", 1)).await == Some(StatusCode::OK);
    up.ends("KILL");
    let acknowledged: Vec<String> =
        ["before", "after"][..=usize::from(after)].iter().map(|&it| it.to_owned()).collect();
    let mut lost = Vec::new();
    for seed in 0..12 {
        machine.power_cut(&mut Dice::of(seed));
        lost.extend(machine.missing(&acknowledged).await);
        lost.extend(machine.damage().await);
    }
    lost
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_built_on_what_a_failed_sync_may_have_lost() {
    for nth in 1..=4 {
        assert_eq!(lost_after_a_failed_sync(nth, None).await, Vec::<String>::new(), "sync {nth}");
    }
}

/// The second sync is that of a commit of the start. What it was about is in the log as the system shows it, and perhaps
/// nowhere else, when five real seconds later the start is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_builds_on_an_old_log_is_caught() {
    assert_ne!(lost_after_a_failed_sync(2, Some("BuildsOnAnOldLog")).await, Vec::<String>::new());
}
