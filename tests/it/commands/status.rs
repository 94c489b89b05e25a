//! `status`: what it says beside a daemon that is well, that is not, and where there is none.

use autoclosed::command;
use autoclosed::command::pause::pause;
use autoclosed::command::status::status;
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};
use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{House, QUIET_A_DAY, SNOOZED_A_WEEK, days, hours, minutes};

/// As people read it, at the daemon's time and in Dublin.
async fn told(house: &House) -> String {
    let desk = house.desk().await;
    let answer = status(&desk).await.unwrap();
    let mut out = anstream::StripStream::new(Vec::new());
    command::print(&answer, false, &mut out, &TimeZone::get("Europe/Dublin").unwrap()).unwrap();
    String::from_utf8(out.into_inner()).unwrap()
}

/// A daemon that has closed, put off and failed.
async fn busy() -> House {
    let rules = format!("mode = \"live\"\n[safety]\nmax_closes_per_hour = 2\n{QUIET_A_DAY}");
    let mut house = House::configured(&rules, Workspace::default()).await;
    house.start().await;
    house.look().await;
    for _ in 0..4 {
        house.answered().await;
    }
    house.clock.advance(days(1));
    house.intercom.fault(Endpoint::Close, Fault::ApplyThenDrop);
    house.look().await;
    house.sweep().await;
    house.after(minutes(1)).await;
    house
}

#[tokio::test]
async fn all_that_matters_is_on_one_screen() {
    let house = busy().await;
    let told = told(&house).await;
    insta::assert_snapshot!(told, @"
    Health         ok
    Mode           live: conversations are closed and messages are sent

    Tracked        4 conversations
    Held           0 by hand
    Backlog        0 waiting for an operator
    Last hour      2 closes, 2 messages
    Notifications  10 stored, 0 duplicate, 0 ignored, 0 foreign, 0 quarantined
    Steps due      4: 2 done, 0 raced, 0 left, 2 deferred, 0 failed, 0 unclear

    Rule         done  raced  left  deferred  failed  unclear
    quiet-a-day     2      0     0         2       0        0
    ");
    assert!(told.lines().count() < 24 && told.lines().all(|line| line.chars().count() <= 100));
}

#[tokio::test]
async fn what_is_wrong_comes_first() {
    let house = busy().await;
    house.daemon().reload_failed("a.toml:3:1: unknown key `modus`");
    house.clock.advance(minutes(40));
    pause(&house.desk().await, None).await.unwrap();
    pause(&house.desk().await, Some("quiet-a-day")).await.unwrap();
    let told = told(&house).await;
    insta::assert_snapshot!(told.split("\nTracked").next().unwrap(), @"
    Health         bad, 3 of 12 checks:
      sweep      none has ended for 40 minutes; the last one: 2 done, 0 ended otherwise, 0 waiting
      reconcile  none has ended for 41 minutes; the last one: 4 listed, 4 read
      config     a.toml:3:1: unknown key `modus`; not reloaded, the old rules still hold
    Mode           live: conversations are closed and messages are sent
    Paused         since 2026-03-03 09:45:00 GMT; `autoclosed resume` ends it
    Paused rules   quiet-a-day; `autoclosed resume --rule NAME` lets one act again
    ");
}

#[tokio::test]
async fn a_mode_that_the_daemon_has_not_read_yet_is_told() {
    let mut house = House::with(QUIET_A_DAY).await;
    house.sweep().await;
    house.configure(&format!("mode = \"dry-run\"\n{QUIET_A_DAY}"));
    let told = told(&house).await;
    insta::assert_snapshot!(told.split("\n\n").next().unwrap(), @"
    Health         ok
    Mode           live: conversations are closed and messages are sent
                   the file says dry-run by now; reload the daemon (SIGHUP) to have it so
    ");
}

#[tokio::test]
async fn a_dry_run_tells_what_it_would_have_done() {
    let mut house =
        House::configured(&format!("mode = \"dry-run\"\n{SNOOZED_A_WEEK}{QUIET_A_DAY}"), Workspace::default()).await;
    house.start().await;
    house.look().await;
    let (snoozed, quiet) = (house.answered().await, house.answered().await);
    house.intercom.teammate_snoozes(&snoozed, house.clock.now() + days(10));
    for _ in 0..8 {
        house.after(days(1)).await;
    }
    house.intercom.teammate_closes(&quiet, None);
    house.intercom.contact_replies(&snoozed, "I am back.");
    house.intercom.settle().await;
    house.look().await;
    house.sweep().await;
    insta::assert_snapshot!(told(&house).await, @"
    Health         ok
    Mode           dry-run: decisions are written down, nothing is sent to Intercom

    Tracked        2 conversations
    Held           0 by hand
    Backlog        0 waiting for an operator
    Last hour      0 closes, 0 messages
    Notifications  7 stored, 0 duplicate, 0 ignored, 0 foreign, 0 quarantined
    Steps due      0: 0 done, 0 raced, 0 left, 0 deferred, 0 failed, 0 unclear

    Dry run, last 30 days: what would have been done, and what came after a close that was not:

    Rule            would close  would message  would do else  a person closed  contact came back
    quiet-a-day               1              1              0                1                  0
    snoozed-a-week            1              2              0                0                  1
    ");
}

#[tokio::test]
async fn without_a_daemon_it_says_so_and_since_when() {
    let mut house = busy().await;
    house.stop().await;
    house.clock.advance(hours(5));
    let port = house.daemon_address().port().to_string();
    insta::assert_snapshot!(told(&house).await.replace(&port, "PORT"), @"
    Health         down
      no daemon answers at http://127.0.0.2:PORT/health: nothing listens there
      last sign of life: 2026-03-03 09:05:00 GMT
      start it with `autoclosed run`; if it runs, set [admin] listen to where it listens
    Mode           live by the configuration; nothing is done without a daemon

    Tracked        4 conversations
    Held           0 by hand
    Backlog        0 waiting for an operator
    Last hour      0 closes, 0 messages
    Notifications  10 stored, 0 duplicate, 0 ignored, 0 foreign, 0 quarantined
    Steps due      4: 2 done, 0 raced, 0 left, 2 deferred, 0 failed, 0 unclear

    Rule         done  raced  left  deferred  failed  unclear
    quiet-a-day     2      0     0         2       0        0
    ");
    let told = serde_json::to_value(status(&house.desk().await).await.unwrap()).unwrap();
    assert_eq!((&told["health"], &told["checks"]), (&Value::from("down"), &serde_json::json!([])));
    assert_eq!(told["last_sign_of_life"], "2026-03-03T09:05:00Z");
    assert_eq!(house.says(&["status"]).status, Some(1));
}

#[tokio::test]
async fn what_answers_in_the_daemon_s_place_is_not_taken_for_it() {
    let mut house = House::with(QUIET_A_DAY).await;
    house.stop().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    house.ask_health_of(listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut asked, _) = listener.accept().await.unwrap();
        assert!(asked.read(&mut [0; 1024]).await.unwrap() > 0);
        asked.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nall is well").await.unwrap();
        asked
    });
    let told = told(&house).await;
    assert!(told.contains("/health: something else answers there\n"), "{told}");
    drop(serving.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_answers_as_one_document_and_by_its_exit_status() {
    let house = busy().await;
    let answer = house.says(&["status", "--json"]);
    let told: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!((answer.status, &told["health"]), (Some(0), &Value::from("ok")), "{}{}", answer.out, answer.err);
    assert_eq!(told["checks"], house.health().await["checks"]);
    let mut rest = told;
    rest["checks"] = Value::Null;
    insta::assert_snapshot!(serde_json::to_string_pretty(&rest).unwrap(), @r#"
    {
      "actions": {
        "deferred": 2,
        "done": 2,
        "due": 4,
        "failed": 0,
        "left": 0,
        "raced": 0,
        "unclear": 0
      },
      "backlog": 0,
      "checks": null,
      "closes_last_hour": 0,
      "dry_run": [],
      "health": "ok",
      "held": 0,
      "last_sign_of_life": "2026-03-03T09:04:00Z",
      "messages_last_hour": 0,
      "mode": "live",
      "notifications": {
        "duplicate": 0,
        "foreign": 0,
        "ignored": 0,
        "quarantined": 0,
        "stored": 10
      },
      "paused": false,
      "paused_rules": [],
      "paused_since": null,
      "rules": [
        {
          "deferred": 2,
          "done": 2,
          "due": 4,
          "failed": 0,
          "left": 0,
          "raced": 0,
          "rule": "quiet-a-day",
          "unclear": 0
        }
      ],
      "tracked": 4,
      "tripped_rules": []
    }
    "#);
    pause(&house.desk().await, None).await.unwrap();
    house.sweep().await;
    let answer = house.says(&["status"]);
    assert_eq!(answer.status, Some(0), "paused is as the operator wants it");
    assert!(answer.out.starts_with("Health         paused\n"), "{}", answer.out);
    house.daemon().reload_failed("odd");
    assert_eq!(house.says(&["status"]).status, Some(1));
}

#[tokio::test]
async fn no_line_is_wider_than_a_terminal_however_long_the_names_of_rules_are() {
    let name = "answered a long while ago, and quiet since then";
    for mode in ["dry-run", "live"] {
        let rules = QUIET_A_DAY.replace("quiet-a-day", name);
        let mut house = House::configured(&format!("mode = \"{mode}\"\n{rules}"), Workspace::default()).await;
        house.start().await;
        house.look().await;
        house.answered().await;
        house.after(days(1)).await;
        for more in ["another rule with a long name", "and one more with a name as long as that", name] {
            house.daemon().store().pause(Some(more), house.clock.now()).await.unwrap();
        }
        house.daemon().reload_failed(&"a.toml:3:1: a long tale of what is wrong ".repeat(5));
        let told = told(&house).await;
        assert!(told.contains(name), "{told}");
        assert_eq!(told.lines().find(|line| line.chars().count() > 100), None, "{told}");
    }
}
