//! Two databases of one workspace: the one that comes too late finds what the other has closed, and tells.

use autoclosed::config::Config;
use autoclosed::daemon::Daemon;
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};
use jiff::SignedDuration;

use crate::harness::{CLIENT_SECRET, House, QUIET_A_DAY, days, hours, minutes, seconds, secrets};

/// Another daemon in the same workspace, with a database of its own.
async fn another(house: &House) -> Daemon {
    let mut config: Config = house.config();
    config.database.path = house.folder().join("another.db");
    let daemon = Daemon::start(&config, &secrets(), house.clock.clone().into()).await.unwrap();
    daemon.reconcile().await.unwrap();
    daemon
}

async fn admin(daemon: &Daemon) -> String {
    let report = daemon.health().await;
    let check = report.checks.iter().find(|check| check.name == "admin").unwrap();
    format!("{}: {}", if check.ok { "ok" } else { "bad" }, check.detail)
}

#[tokio::test]
async fn whoever_finds_closed_what_was_due_tells_it_in_its_first_sweep_after_it() {
    for notified in [false, true] {
        let house = House::with(QUIET_A_DAY).await;
        house.answered().await;
        let late = another(&house).await;
        if notified {
            let webhook = format!("http://{}/webhooks/intercom", late.public_address());
            house.intercom.send_notifications_to(&webhook, CLIENT_SECRET);
        }
        house.after(days(1)).await;
        late.sweep().await;
        let told = admin(&late).await;
        assert!(told.starts_with("bad: "), "notified: {notified}: {told}");
        if !notified {
            insta::assert_snapshot!(told, @"bad: conversation 215470000000001 was closed at 2026-03-03 09:01:00 UTC when it was due here, by the teammate that this autoclosed acts as, and not by this autoclosed: another one may act in this workspace by another database (stop one of them), or somebody may work as that teammate (give autoclosed one of its own). Told for an hour");
        }
        assert_eq!(house.check("admin").await, "ok: acts as teammate 1009", "who was first knows nothing of it");
        house.clock.advance(hours(1));
        assert_eq!(admin(&late).await, "ok: acts as teammate 1009");
        assert_eq!(house.deeds(), ["close 200"]);
    }
}

#[tokio::test]
async fn a_person_who_closes_something_else_is_no_rival() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(hours(3));
    house.intercom.by(&Workspace::default().token_admin).teammate_closes(&id, Some("Solved by phone"));
    house.intercom.settle().await;
    house.look().await;
    assert_eq!(house.check("admin").await, "ok: acts as teammate 1009");
}

#[tokio::test]
async fn what_we_did_ourselves_is_no_rival_s_however_it_ends() {
    let faults: [(&str, Option<Fault>, SignedDuration); 4] = [
        ("done", None, seconds(0)),
        ("the answer is lost", Some(Fault::ApplyThenDrop), minutes(2)),
        ("the answer fails", Some(Fault::ApplyThenStatus(502)), minutes(2)),
        ("its contact time is hidden", Some(Fault::HideContactTime), seconds(0)),
    ];
    for (what, fault, rest) in faults {
        let mut house = House::with(QUIET_A_DAY).await;
        let id = house.answered().await;
        if let Some(fault) = fault {
            house.intercom.fault(Endpoint::Close, fault);
        }
        house.after(days(1)).await;
        house.after(rest).await;
        house.look().await;
        assert_eq!(house.state(&id), "closed", "{what}");
        assert_eq!(house.check("admin").await, "ok: acts as teammate 1009", "{what}");
        house.restart().await;
        assert_eq!(house.check("admin").await, "ok: acts as teammate 1009", "{what}");
    }
}
