//! After a sync that failed the system shows what the disk does not have. Nothing that is acknowledged later may be built
//! on that.

use reqwest::StatusCode;

use super::Fault;
use super::machine::Machine;
use super::senders::notification;
use crate::simulation::dice::Dice;

/// The second sync is that of a commit of the start. What it was about is in the log as the system shows it, and perhaps
/// nowhere else, when five real seconds later it starts anew.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_built_on_what_a_failed_sync_may_have_lost() {
    let mut machine = Machine::new("http://127.0.0.1:1", "");
    let up = machine.start(None).unwrap();
    assert_eq!(up.post(notification("before", 1)).await, Some(StatusCode::OK));
    up.ends("KILL");
    machine.arm();
    let up = machine.start(Some(&Fault { kind: "sync-once", of: "-wal", nth: 2 })).unwrap();
    assert_eq!(up.post(notification("after", 1)).await, Some(StatusCode::OK));
    up.ends("KILL");
    assert_eq!(machine.failed(), 1);
    let acknowledged = ["before", "after"].map(str::to_owned);
    for seed in 0..12 {
        machine.power_cut(&mut Dice::of(seed));
        assert_eq!(machine.missing(&acknowledged).await, Vec::<String>::new(), "with the luck of {seed}");
        assert_eq!(machine.damage().await, None, "with the luck of {seed}");
    }
}
