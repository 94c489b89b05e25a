//! `autoclosed reconcile`: a look from outside finds everything, and leaves nothing that a daemon takes for its own.

use autoclosed::fake_intercom::{Endpoint, Fault};
use serde_json::Value;

use super::{program, run, said, told};
use crate::harness::{House, QUIET_A_DAY, days, hours, minutes, seconds};

/// What it said, without how long it took.
async fn looked(house: &House, words: &[&str]) -> String {
    let said = told(house, words).await;
    let Some((before, rest)) = said.split_once(" in ") else { return said };
    let Some((_, after)) = rest.split_once(" s:") else { return said };
    format!("{before} in 0 s:{after}")
}

#[tokio::test]
async fn a_look_needs_no_daemon_and_makes_the_database() {
    let house = House::without_daemon(QUIET_A_DAY).await;
    house.intercom.contact_starts("How do I export my data?");
    house.intercom.contact_starts("And my invoices?");
    insta::assert_snapshot!(looked(&house, &["reconcile"]).await, @"0Looked at the whole workspace in 0 s: 2 conversations listed. 2 were new or had changed, and were read.");
    insta::assert_snapshot!(looked(&house, &["reconcile"]).await, @"0Looked at the whole workspace in 0 s: 2 conversations listed. 2 were new or had changed, and were read.");
    let said = said(&house, &["reconcile", "--json"]).await;
    let mut document: Value = serde_json::from_str(&said.out).unwrap();
    assert!(document["seconds"].as_f64().unwrap() >= 0.0);
    document["seconds"] = 0.into();
    insta::assert_snapshot!(document, @r#"{"changed":2,"complete":true,"listed":2,"seconds":0}"#);
    assert_eq!((said.status, said.err.as_str()), (Some(0), ""), "no progress where nobody watches");
}

#[tokio::test]
async fn a_complete_look_finds_what_is_closed_and_changed_as_well() {
    let mut house = House::with(QUIET_A_DAY).await;
    let (closed, open) = (house.answered().await, house.answered().await);
    house.intercom.teammate_closes(&closed, None);
    house.intercom.settle().await;
    house.stop().await;
    house.clock.advance(hours(1));
    house.intercom.drop_notifications(true);
    house.intercom.teammate_opens(&closed);
    house.intercom.teammate_closes(&closed, None);
    house.intercom.teammate_closes(&open, None);
    let said = looked(&house, &["reconcile"]).await;
    house.start().await;
    let states = [&closed, &open].map(|id| house.known(id));
    for known in states {
        assert_eq!(known.await.unwrap().state(), Some(autoclosed::engine::State::Closed), "{said}");
    }
    assert_eq!(house.reads(&closed) + house.reads(&open), 2, "{said}");
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_with_what_to_do() {
    let house = House::without_daemon(QUIET_A_DAY).await;
    let mut nobody = program(&house, &["reconcile"]);
    nobody.env_remove("INTERCOM_ACCESS_TOKEN");
    let nobody = run(nobody).await;
    assert_eq!(nobody.status, Some(2));
    insta::assert_snapshot!(nobody.err, @"autoclosed: INTERCOM_ACCESS_TOKEN is not set; set it, or give the service a systemd credential named intercom-access-token");
    assert!(!house.database().exists(), "nothing is made before that");

    house.intercom.fault(Endpoint::Me, Fault::Html502);
    insta::assert_snapshot!(told(&house, &["reconcile"]).await, @"1autoclosed: Intercom failed to answer (HTTP 502); run `autoclosed reconcile` again in a minute, it goes on where it stopped");
    house.intercom.fault(Endpoint::Search, Fault::Drop);
    let lost = told(&house, &["reconcile"]).await;
    insta::assert_snapshot!(lost.lines().next().unwrap(), @"1autoclosed: Intercom's answer was lost on the way; run `autoclosed reconcile` again in a minute, it goes on where it stopped");

    let mut stranger = program(&house, &["reconcile"]);
    stranger.env("INTERCOM_ACCESS_TOKEN", "token-of-nobody");
    let stranger = run(stranger).await;
    assert_eq!(stranger.status, Some(1));
    insta::assert_snapshot!(stranger.err, @"autoclosed: Intercom refuses the access token, the plan or the acting teammate (HTTP 401, code unauthorized, request 00000001-0000-4000-8000-000000000001); run `autoclosed check --online`");

    assert!(told(&house, &["reconcile"]).await.starts_with("0Looked"));
    house.intercom.change_workspace(|workspace| workspace.app_id = "zz99".into());
    insta::assert_snapshot!(told(&house, &["reconcile"]).await, @"1autoclosed: the access token belongs to workspace zz99, not to ab12cd34; use that workspace's token, or another database");
    house.intercom.stop();
    let gone = told(&house, &["reconcile"]).await;
    insta::assert_snapshot!(gone.lines().next().unwrap(), @"1autoclosed: Intercom could not be reached, so nothing was sent; check the network and the address under [intercom]");
}

#[tokio::test]
async fn a_look_from_outside_does_not_listen_and_misses_nothing_for_a_daemon_that_was_down() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(hours(1));
    house.look().await;
    house.stop().await;
    house.clock.advance(minutes(10));
    house.intercom.drop_notifications(true);
    for _ in 0..30 {
        house.clock.advance(seconds(1));
        house.intercom.contact_replies(&id, "Hello?");
    }
    house.intercom.drop_notifications(false);
    house.clock.advance(minutes(10));
    assert_eq!(said(&house, &["reconcile"]).await.status, Some(0));
    house.clock.advance(minutes(10));
    house.start().await;
    house.look().await;
    insta::assert_snapshot!(house.check("notifications").await, @"ok: since the start: 0 stored, 0 duplicate, 0 ignored, 0 foreign, 0 quarantined");
}

#[tokio::test]
async fn what_a_running_daemon_was_not_told_counts_as_missed_also_where_a_command_reads_it_first() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(hours(1));
    house.look().await;
    house.intercom.drop_notifications(true);
    for _ in 0..21 {
        house.clock.advance(seconds(1));
        house.intercom.contact_replies(&id, "Hello?");
    }
    house.intercom.drop_notifications(false);
    assert_eq!(said(&house, &["reconcile"]).await.status, Some(0));
    house.clock.advance(minutes(3));
    house.look().await;
    insta::assert_snapshot!(house.check("notifications").await, @"bad: no webhook arrives, though others made 21 changes in the last hour; check the webhook's address and topics in the Developer Hub; since the start: 2 stored, 0 duplicate, 0 ignored, 0 foreign, 0 quarantined");
}

#[tokio::test]
async fn rules_that_the_daemon_has_not_read_leave_no_due_dates_behind() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.configure(&format!("mode = \"live\"\n{}", QUIET_A_DAY.replace("1 day", "90 days")));
    house.intercom.drop_notifications(true);
    house.clock.advance(minutes(5));
    house.intercom.teammate_replies(&id, "One more thing.");
    house.intercom.drop_notifications(false);
    assert_eq!(said(&house, &["reconcile"]).await.status, Some(0));
    house.after(days(1)).await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn two_looks_at_once_end_well_and_read_what_is_listed() {
    let house = House::with(QUIET_A_DAY).await;
    house.intercom.drop_notifications(true);
    let ids: Vec<_> = (0..20).map(|_| house.intercom.contact_starts("Hello?")).collect();
    house.clock.advance(days(2));
    let (said, ()) = tokio::join!(said(&house, &["reconcile"]), house.look());
    assert_eq!(said.status, Some(0), "{}", said.err);
    for id in &ids {
        assert!(house.known(id).await.unwrap().whole, "{id}");
    }
}
