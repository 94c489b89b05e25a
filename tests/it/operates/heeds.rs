//! A running program heeds what an operator says from another one.

use super::*;

/// Sweeps but once a day, so that whatever is done is done on the operator's word.
const SELDOM: &str = r#"
[schedule]
sweep = "0 0 0 * * *"

[[rule]]
name = "snoozed"
match.state = ["snoozed", "woken"]
match.waiting_on = "anyone"
step = [{ after = "1 second", do = "close", silent = true }]
"#;

/// Half a second between two looks, a sweep, and a machine that has other things to do.
const SOON: Duration = Duration::from_secs(5);

async fn status(ready: &Value) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let answer = client.get(ready["health"].as_str().unwrap()).send().await.unwrap();
    (answer.status().as_u16(), answer.json::<Value>().await.unwrap()["status"].clone())
}

/// The program keeps its own time, so the second until the step is due passes on the real clock.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_at_once_and_what_was_due_goes_on_soon_after_it_was_resumed() {
    let fake = FakeIntercom::start(Clock::System, Workspace::default()).await.unwrap();
    let place = Place::new(&configuration(&fake.url(), SELDOM));
    let mut running = Running::start(&place);
    let ready = running.wait_for("is ready");
    fake.send_notifications_to(ready["webhook"].as_str().unwrap(), CLIENT_SECRET);
    until(|| !fake.calls().is_empty()).await;
    assert_eq!(place.output("pause").status.code(), Some(0));
    let id = fake.contact_starts("How do I export my data?");
    fake.teammate_snoozes(&id, Clock::System.now() + SignedDuration::from_hours(24));
    fake.settle().await;
    running.wait_for("an operator's word was heard");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(fake.mutating_calls().len(), 0, "due, and paused");
    assert_eq!(status(&ready).await, (200, json!("paused")));

    let began = Instant::now();
    assert_eq!(place.output("resume").status.code(), Some(0));
    until(|| fake.conversation(&id).unwrap().state == "closed").await;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(status(&ready).await, (200, json!("ok")));
    assert_eq!(running.signal("TERM").0.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_runs_when_it_is_told_to_stop_ends_what_it_has_begun_and_begins_nothing_more() {
    let fake = FakeIntercom::start(Clock::System, Workspace::default()).await.unwrap();
    for _ in 0..8 {
        let id = fake.contact_starts("How do I export my data?");
        fake.teammate_snoozes(&id, Clock::System.now() + SignedDuration::from_hours(24));
    }
    let place = Place::new(&configuration(&fake.url(), RULE));
    let mut gate = fake.gate();
    let mut running = Running::start(&place);
    let first = loop {
        let passing = tokio::time::timeout(PATIENCE, gate.recv()).await.unwrap().unwrap();
        if passing.call.mutating {
            break passing;
        }
    };
    running.send("TERM");
    running.wait_for("stopping");
    drop((first, gate));
    let (status, took, lines) = running.ended();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(fake.mutating_calls().len(), 1, "{lines:#?}");
    assert_eq!(journal(&place.file("a.db")).await, ["done close"]);
}

#[test]
fn a_command_without_a_database_says_what_to_start_and_makes_none() {
    let place = Place::new(&lonely(CALM));
    let done = place.output("pause");
    assert_eq!(done.status.code(), Some(1));
    let why = told(&done.stderr).replace(place.folder.path().to_str().unwrap(), "/home/robin");
    insta::assert_snapshot!(why, @"autoclosed: there is no database at /home/robin/a.db; start `autoclosed run` first, or name another in [database] url");
    std::fs::write(place.file("a.db"), "").unwrap();
    assert_eq!(place.output("pause").status.code(), Some(1));
    std::fs::write(place.file("a.db"), "notes of somebody else's").unwrap();
    assert_eq!(place.output("pause").status.code(), Some(3));
    assert_eq!(std::fs::read(place.file("a.db")).unwrap(), b"notes of somebody else's");
}

#[test]
fn a_command_with_a_broken_configuration_tells_it_as_check_does() {
    let place = Place::new("mode = \"life\"\n");
    let (check, resume) = (place.output("check"), place.output("resume"));
    assert_eq!((resume.status.code(), told(&resume.stderr)), (Some(2), told(&check.stderr)));
}

#[tokio::test]
async fn no_mistake_in_the_configuration_keeps_anybody_from_pausing() {
    let place = Place::new(&lonely(CALM));
    autoclosed::store::Store::open(&place.file("a.db")).await.unwrap().close().await;
    for (broken, arguments) in [
        (lonely(&CALM.replace("7 days", "7")), vec![]),
        (lonely(&CALM.replace("7 days", "7")), vec!["--rule", "snoozed"]),
        (lonely(&format!("{CALM}\n[[rule\n")), vec![]),
    ] {
        std::fs::write(place.file("a.toml"), broken).unwrap();
        let check = place.output("check");
        let done = place.program("pause").args(arguments).output().unwrap();
        assert_eq!((check.status.code(), done.status.code()), (Some(2), Some(0)), "{}", told(&done.stderr));
        assert_eq!(told(&done.stderr), told(&check.stderr));
    }
    let pauses = autoclosed::store::Store::open(&place.file("a.db")).await.unwrap().pauses().await.unwrap();
    assert!(pauses.all.is_some() && pauses.rules.contains_key(&"snoozed".into()), "{pauses:?}");
}
