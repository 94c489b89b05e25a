//! Each check of the health report, through a daemon that runs: what turns it bad, and what makes it well again.

use autoclosed::command::pause::pause;
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use crate::harness::{House, QUIET_A_DAY, days, hours, minutes, seconds, secrets};
use crate::metrics::page::Page;

/// The names that scripts and dashboards may rely on.
pub(crate) const CHECKS: [&str; 12] = [
    "database",
    "intercom",
    "workspace",
    "admin",
    "clock",
    "sweep",
    "reconcile",
    "notifications",
    "backlog",
    "paused",
    "budget",
    "config",
];

/// A daemon that has looked and swept, with a clock of its own.
async fn well() -> House {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    house.give_the_daemon_a_clock();
    house.start().await;
    house.look().await;
    house.answered().await;
    house.daemon_clock().advance(minutes(1));
    pass(&house, hours(1)).await;
    assert_eq!(house.bad().await, Vec::<String>::new());
    house
}

/// Time passes on both clocks; the daemon looks and sweeps.
async fn pass(house: &House, time: jiff::SignedDuration) {
    house.intercom.settle().await;
    house.clock.advance(time);
    house.daemon_clock().advance(time);
    drop(house.daemon().reconcile().await);
    house.sweep().await;
}

/// Holds the database, as another process might, until it is dropped.
async fn lock(house: &House) -> SqliteConnection {
    let mut stranger = SqliteConnectOptions::new().filename(house.database()).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut stranger).await.unwrap();
    stranger
}

fn token(house: &House, token: &str) {
    let token = token.to_owned();
    house.intercom.change_workspace(move |workspace| workspace.token = token);
}

fn workspace(house: &House, app_id: &str) {
    let app_id = app_id.to_owned();
    house.intercom.change_workspace(move |workspace| workspace.app_id = app_id);
}

/// Turns a check bad.
async fn upset(house: &mut House, check: &str) {
    match check {
        "intercom" => token(house, "another"),
        "workspace" => workspace(house, "zz99zz99"),
        "admin" => {
            house.stop().await;
            house.start().await;
            return;
        }
        "clock" => house.daemon_clock().advance(minutes(5) + seconds(1)),
        "sweep" => return both(house, minutes(5) + seconds(1)),
        "reconcile" => house.intercom.fault(Endpoint::Search, Fault::Status { status: 400, body: "{}".into() }),
        "notifications" => {
            house.intercom.drop_notifications(true);
            house.intercom.contact_starts("Is anybody there?");
            house.intercom.drop_notifications(false);
            pass(house, minutes(3)).await;
        }
        "config" => return house.daemon().reload_failed("a.toml:1:1: odd"),
        other => unreachable!("{other} is never bad"),
    }
    pass(house, seconds(1)).await;
}

fn both(house: &House, time: jiff::SignedDuration) {
    house.clock.advance(time);
    house.daemon_clock().advance(time);
}

/// Makes it well again.
async fn calm(house: &mut House, check: &str) {
    match check {
        "intercom" => token(house, &Workspace::default().token),
        "workspace" => workspace(house, &Workspace::default().app_id),
        "clock" => house.clock.advance(minutes(5) + seconds(1)),
        "notifications" => pass(house, hours(1)).await,
        "config" => drop(house.daemon().reload(&house.config(), &secrets()).await.unwrap()),
        _ => {}
    }
    pass(house, seconds(1)).await;
}

/// Whether the metrics say so too.
async fn is_told(house: &House, check: &str, figure: u8) -> bool {
    Page::of(house).await.lines("autoclosed_health").contains(&format!("{check} {figure}"))
}

#[tokio::test]
async fn every_check_that_can_be_bad_turns_bad_and_well_again() {
    let mut told = Vec::new();
    for check in ["intercom", "workspace", "admin", "clock", "sweep", "reconcile", "notifications", "config"] {
        let mut house = well().await;
        upset(&mut house, check).await;
        assert!(house.bad().await.contains(&check.to_owned()), "{check}: {:?}", house.bad().await);
        assert!(is_told(&house, check, 0).await, "{check}");
        told.push(format!("{check:13} {}", house.check(check).await));
        calm(&mut house, check).await;
        assert_eq!(house.bad().await, Vec::<String>::new(), "{check}");
        assert!(is_told(&house, check, 1).await, "{check}");
    }
    insta::assert_snapshot!(told.join("\n"), @"
    intercom      bad: Intercom refuses the access token, the plan or the acting teammate (HTTP 401, code unauthorized, request 00000001-0000-4000-8000-000000000001); run `autoclosed check --online`
    workspace     bad: the access token belongs to workspace zz99zz99, not to ab12cd34; use that workspace's token, or another database
    admin         bad: acts as teammate 1009, but Intercom has not answered for it since the start
    clock         bad: 5 minutes 1 second from Intercom's; set this machine's clock right
    sweep         bad: none has ended for 5 minutes 1 second; the last one: 0 done, 0 ended otherwise, 0 waiting
    reconcile     bad: Intercom refused the request (HTTP 400); see what the code says about this conversation, 0 seconds ago
    notifications bad: no webhook arrives, though others made one change in the last hour; check the webhook's address and topics in the Developer Hub; since the start: 2 stored, 0 duplicate, 0 ignored, 0 foreign, 0 quarantined
    config        bad: a.toml:1:1: odd; not reloaded, the old rules still hold
    ");
}

#[tokio::test]
async fn a_database_that_takes_no_commits_is_bad_until_it_does() {
    let house = well().await;
    let stranger = lock(&house).await;
    assert_eq!(house.bad().await, ["database"]);
    drop(stranger);
    assert_eq!(house.bad().await, Vec::<String>::new());
}

#[tokio::test]
async fn every_check_is_told_in_its_place_with_its_figure() {
    let house = well().await;
    let report = house.health().await;
    let checks = report["checks"].as_array().unwrap();
    let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, CHECKS);
    let told: Vec<String> = checks.iter().map(|check| format!("{}: {}", check["name"], check["detail"])).collect();
    insta::assert_snapshot!(told[1..].join("\n"), @r#"
    "intercom": "last answer 0 seconds ago"
    "workspace": "workspace ab12cd34"
    "admin": "acts as teammate 1009"
    "clock": "0 seconds from Intercom's"
    "sweep": "0 done, 0 ended otherwise, 0 waiting, 0 seconds ago"
    "reconcile": "1 listed, 1 read, 0 seconds ago"
    "notifications": "since the start: 2 stored, 0 duplicate, 0 ignored, 0 foreign, 0 quarantined"
    "backlog": "0 steps wait for an operator"
    "paused": "nothing is paused"
    "budget": "0 of 100 closes and 0 of 100 messages in the last hour"
    "config": "1 rule, live"
    "#);
    assert!(told[0].starts_with("\"database\": \"takes commits; "), "{}", told[0]);
    let figures = Page::of(&house).await.lines("autoclosed_health");
    let mut wanted = CHECKS.map(|check| format!("{check} 1"));
    wanted.sort();
    assert_eq!(figures, wanted);
}

#[tokio::test]
async fn nothing_is_green_before_it_is_known() {
    let mut house = House::without_daemon("[[rule]]\nname = \"vip\"\nmatch.team = \"Support\"\nleave = true\n").await;
    house.start().await;
    let bad = ["intercom", "workspace", "admin", "clock", "sweep", "reconcile", "notifications", "config"];
    assert_eq!(house.bad().await, bad, "at the first start");
}

#[tokio::test]
async fn what_is_only_remembered_is_not_green() {
    let mut house = well().await;
    house.stop().await;
    house.start().await;
    assert_eq!(house.bad().await, ["intercom", "workspace", "admin", "clock", "sweep", "reconcile"]);
}

#[tokio::test]
async fn a_budget_that_is_used_up_is_told_and_not_bad() {
    let limits =
        format!("mode = \"live\"\n[safety]\nmax_closes_per_hour = 1\nmax_messages_per_hour = 7\n{QUIET_A_DAY}");
    let mut house = House::configured(&limits, Workspace::default()).await;
    house.start().await;
    house.look().await;
    let mut told = vec![house.check("budget").await];
    house.answered().await;
    house.answered().await;
    house.after(days(1)).await;
    house.look().await;
    told.push(house.check("budget").await);
    house.after(hours(1)).await;
    told.push(house.check("budget").await);
    house.configure(&limits.replace("hour = 1", "hour = 5"));
    house.daemon().reload(&house.config(), &secrets()).await.unwrap();
    told.push(house.check("budget").await);
    assert!(told.iter().all(|told| told.starts_with("ok: ")), "{told:?}");
    insta::assert_snapshot!(told.join("\n"), @"
    ok: 0 of 1 closes and 0 of 7 messages in the last hour
    ok: 1 of 1 closes and 1 of 7 messages in the last hour; used up, what is due waits until 2026-03-03 10:02:00 UTC
    ok: 1 of 1 closes and 1 of 7 messages in the last hour; used up, what is due waits until 2026-03-03 11:02:00 UTC
    ok: 1 of 5 closes and 1 of 7 messages in the last hour
    ");
}

#[tokio::test]
async fn a_pause_does_not_hide_what_is_wrong() {
    let house = well().await;
    pause(&house.desk().await, None).await.unwrap();
    house.sweep().await;
    assert_eq!(house.health().await["status"], "paused");
    house.daemon().reload_failed("odd");
    assert_eq!(house.health().await["status"], "bad");
}

#[tokio::test]
async fn what_keeps_intercom_from_answering_is_said_in_words() {
    let mut house = well().await;
    house.intercom.fault_always(Endpoint::Me, Fault::Status { status: 500, body: String::new() });
    house.clock.advance(seconds(1));
    house.daemon_clock().advance(seconds(1));
    assert!(house.daemon().reconcile().await.is_err());
    insta::assert_snapshot!(house.check("intercom").await, @"bad: the last call failed: answers are lost or make no sense; it goes on by itself once Intercom answers well again");
    house.intercom.clear_faults();
    house.clock.advance(seconds(1));
    house.daemon_clock().advance(seconds(1));
    house.look().await;
    assert_eq!(house.check("intercom").await, "ok: last answer 0 seconds ago");

    house.stop().await;
    house.configure("mode = \"live\"");
    house.intercom.stop();
    house.start().await;
    assert!(house.daemon().reconcile().await.is_err());
    insta::assert_snapshot!(house.check("intercom").await, @"bad: no good answer since the start: Intercom cannot be reached; check the network and the address under [intercom]");
}
