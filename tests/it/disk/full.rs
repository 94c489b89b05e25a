//! A disk without space: 503, nothing is done, health says why, and all goes on by itself when there is space again.

use std::time::Duration;

use autoclosed::clock::Clock;
use autoclosed::fake_intercom::{FakeIntercom, Workspace};
use reqwest::StatusCode;
use tokio::time::{Instant, sleep};

use super::Fault;
use super::machine::{Machine, PATIENCE};
use super::senders::notification;
use crate::harness::CLIENT_SECRET;

const RULE: &str = r#"
[schedule]
sweep = "* * * * * *"

[[rule]]
name = "quiet"
match.state = ["open"]
match.waiting_on = "anyone"
step = [{ after = "3 seconds", do = "close", body = "Closing this for now." }]
"#;

/// Real seconds: a step falls due while the disk is full, and several sweeps pass over it.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_nothing_is_acknowledged_or_done_and_then_all_goes_on() {
    let fake = FakeIntercom::start(Clock::System, Workspace::default()).await.unwrap();
    let mut machine = Machine::new(&fake.url(), RULE);
    let up = machine.start(Some(&Fault { kind: "full", of: "", nth: 1 })).unwrap();
    fake.send_notifications_to(&up.webhook, CLIENT_SECRET);
    let id = fake.contact_starts("How do I export my data?");
    fake.teammate_replies(&id, "Under Settings, then Export.");
    fake.settle().await;
    machine.arm();
    let answer = up.post(notification("full", 1)).await;
    assert_eq!(answer, Some(StatusCode::SERVICE_UNAVAILABLE));
    assert!(!up.is_ready().await);
    sleep(Duration::from_secs(6)).await;
    let (database, sweep) = (up.check("database").await, up.check("sweep").await);
    assert_eq!((fake.mutating_calls().len(), database.0, sweep.0), (0, false, false), "{database:?} {sweep:?}");
    insta::assert_snapshot!(database.1, @"the disk of the database is full; make room there (`df` tells where), it then goes on by itself");
    machine.mend();
    let began = Instant::now();
    while up.post(notification("full", 1)).await != Some(StatusCode::OK)
        || fake.conversation(&id).unwrap().state != "closed"
    {
        assert!(began.elapsed() < PATIENCE, "{:?}", up.check("sweep").await);
        sleep(Duration::from_millis(100)).await;
    }
    assert!(up.check("database").await.0);
    assert_eq!(fake.mutating_calls().len(), 1);
    let over = up.ends("TERM");
    assert_eq!(over.status.code(), Some(0), "{:#?}", over.said);
}

/// Five real seconds, after which it tries again. Ending at once, ten times in a minute, would have systemd give up.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_on_a_full_disk_says_so_and_waits_until_there_is_space() {
    let mut machine = Machine::new("http://127.0.0.1:1", "");
    machine.arm();
    let up = machine.start(Some(&Fault { kind: "full", of: "", nth: 20 })).unwrap();
    let told: Vec<serde_json::Value> = up.said.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let waited = told.iter().find(|line| line["level"] == "WARN").unwrap();
    insta::assert_snapshot!(format!("{}\n{}", waited["message"].as_str().unwrap(), waited["error"].as_str().unwrap()), @"
    the database cannot be opened; trying again in 5 s
    the disk of the database is full; make room there (`df` tells where), it then goes on by itself: error returned from database: (code: 13) database or disk is full: (code: 13) database or disk is full
    ");
    assert!(up.is_ready().await);
    assert_eq!(machine.damage().await, None);
}
