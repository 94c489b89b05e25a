//! A rule of which contacts reopen too much stops by itself, says so, and goes on when an operator says so.

use autoclosed::command::pause::{pause, resume};
use autoclosed::command::status::status;
use autoclosed::engine::ConversationId;
use autoclosed::sabotage::{Bug, plant};
use jiff::SignedDuration;
use serde_json::json;

use crate::harness::{House, QUIET_A_DAY, SNOOZED_A_WEEK, days, hours, minutes};

/// So many conversations that the rule has closed just now.
async fn closed(house: &House, count: usize) -> Vec<ConversationId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(house.answered().await);
    }
    house.after(days(1)).await;
    assert!(ids.iter().all(|id| house.state(id) == "closed"), "{:?}", house.check("paused").await);
    ids
}

async fn reopened(house: &House, ids: &[ConversationId]) {
    for id in ids {
        house.intercom.contact_replies(id, "It still does not work.");
    }
    house.intercom.settle().await;
}

async fn has_tripped(house: &House) -> bool {
    !house.daemon().store().pauses().await.unwrap().tripped.is_empty()
}

#[tokio::test]
async fn a_rule_of_which_contacts_reopen_a_quarter_does_nothing_until_it_is_resumed() {
    let mut house = House::with(QUIET_A_DAY).await;
    let ids = closed(&house, 20).await;
    house.clock.advance(hours(1));
    reopened(&house, &ids[..4]).await;
    house.after(minutes(1)).await;
    house.look().await;
    assert_eq!(house.bad().await, Vec::<String>::new());
    reopened(&house, &ids[4..5]).await;
    house.after(minutes(1)).await;
    insta::assert_snapshot!(house.check("paused").await, @"bad: rule `quiet-a-day` has tripped at 2026-03-03 10:22:00 UTC and does nothing: contacts reopened 5 of its last 20 closes within 24 hours; see why, then `autoclosed resume --rule NAME`");
    assert_eq!((house.health().await["status"].as_str(), house.bad().await), (Some("bad"), vec!["paused".to_owned()]));

    let later = house.answered().await;
    house.restart().await;
    house.after(days(2)).await;
    assert_eq!(house.state(&later), "open");
    insta::assert_snapshot!(house.journal(&later).await.join("\n"), @"deferred close: rule `quiet-a-day` has tripped: contacts reopened 5 of its last 20 closes within 24 hours");

    let resumed = serde_json::to_value(resume(&house.desk().await, None).await.unwrap()).unwrap();
    assert_eq!((&resumed["changed"], &resumed["lifted"]), (&json!(true), &json!(["quiet-a-day"])));
    house.sweep().await;
    house.look().await;
    assert_eq!(house.state(&later), "closed");
    assert_eq!(house.bad().await, Vec::<String>::new());
}

#[tokio::test]
async fn without_the_judging_it_would_go_on() {
    for (bug, trips) in [(Some(Bug::JudgesNoRule), false), (None, true)] {
        let house = House::with(QUIET_A_DAY).await;
        let ids = closed(&house, 20).await;
        reopened(&house, &ids[..5]).await;
        let planted = bug.map(plant);
        house.after(minutes(1)).await;
        drop(planted);
        assert_eq!(has_tripped(&house).await, trips, "{bug:?}");
    }
}

type Deed = fn(&House, &ConversationId);

#[tokio::test]
async fn what_a_contact_reopens_within_a_day_counts_and_nothing_else() {
    let writes: Deed = |house, id| {
        house.intercom.contact_replies(id, "Hello?");
    };
    let opens: Deed = |house, id| {
        house.intercom.teammate_opens(id);
    };
    let answers: Deed = |house, id| {
        house.intercom.teammate_replies(id, "One more thing.");
    };
    let opened_before: Deed = |house, id| {
        house.intercom.teammate_opens(id);
        house.clock.advance(minutes(1));
        house.intercom.contact_replies(id, "Hello?");
    };
    for (name, after, deed, trips) in [
        ("a contact's reply", hours(1), writes, true),
        ("a contact's reply after just a day", hours(24), writes, true),
        ("a contact's reply after more than a day", hours(24) + minutes(1), writes, false),
        ("a teammate opens it", hours(1), opens, false),
        ("a teammate writes", hours(1), answers, false),
        ("a teammate opens it, then the contact writes", hours(1), opened_before, false),
    ] {
        let house = House::with(QUIET_A_DAY).await;
        let ids = closed(&house, 20).await;
        house.clock.advance(after);
        ids[..5].iter().for_each(|id| deed(&house, id));
        house.after(minutes(1)).await;
        assert_eq!(has_tripped(&house).await, trips, "{name}");
    }
}

#[tokio::test]
async fn what_no_webhook_told_counts_as_soon_as_it_is_read() {
    let house = House::with(QUIET_A_DAY).await;
    let ids = closed(&house, 20).await;
    house.intercom.drop_notifications(true);
    reopened(&house, &ids[..5]).await;
    house.intercom.drop_notifications(false);
    house.after(days(3)).await;
    assert!(!has_tripped(&house).await);
    house.look().await;
    house.sweep().await;
    assert!(has_tripped(&house).await, "within a day of its close, however late it is known");
}

#[tokio::test]
async fn a_close_that_raced_is_none_that_stood() {
    let house = House::with(QUIET_A_DAY).await;
    let ids = closed(&house, 19).await;
    reopened(&house, &ids[..5]).await;
    let raced = house.answered().await;
    house.clock.advance(days(1));
    let id = raced.clone();
    house.intercom.after_apply(autoclosed::fake_intercom::Endpoint::Close, move |intercom| {
        intercom.contact_replies(&id, "Wait!");
    });
    house.sweep().await;
    house.after(minutes(1)).await;
    assert!(!has_tripped(&house).await, "{:?}", house.journal(&raced).await);
}

#[tokio::test]
async fn after_a_resume_only_later_closes_are_judged_and_from_the_twentieth_on() {
    for rule in [None, Some("quiet-a-day")] {
        let house = House::with(QUIET_A_DAY).await;
        let ids = closed(&house, 20).await;
        reopened(&house, &ids).await;
        house.after(minutes(1)).await;
        assert!(has_tripped(&house).await);
        resume(&house.desk().await, rule).await.unwrap();
        let ids = closed(&house, 19).await;
        reopened(&house, &ids).await;
        house.after(minutes(1)).await;
        assert!(!has_tripped(&house).await, "{rule:?}");
        closed(&house, 1).await;
        house.after(minutes(1)).await;
        assert!(has_tripped(&house).await, "{rule:?}");
    }
}

#[tokio::test]
async fn a_tripped_rule_does_nothing_else_either_and_others_go_on() {
    let quiet = QUIET_A_DAY.replace("match_all = true", "match.tags = [\"trial\"]");
    let house = House::with(&format!("{quiet}{SNOOZED_A_WEEK}")).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(house.answered().await);
        house.intercom.tag(ids.last().unwrap(), "trial");
    }
    house.look().await;
    house.after(days(1)).await;
    assert!(ids.iter().all(|id| house.state(id) == "closed"));
    reopened(&house, &ids[..5]).await;
    let other = house.answered().await;
    house.intercom.teammate_snoozes(&other, house.clock.now() + days(9));
    house.after(minutes(1)).await;
    assert!(has_tripped(&house).await, "{:?}", house.journal(&ids[0]).await);
    house.after(days(5)).await;
    house.after(days(2)).await;
    assert_eq!(house.state(&other), "closed");
}

#[tokio::test]
async fn whoever_pauses_what_has_tripped_has_seen_it_and_resume_alone_leaves_it_paused() {
    let house = House::with(QUIET_A_DAY).await;
    let ids = closed(&house, 20).await;
    reopened(&house, &ids).await;
    house.after(minutes(1)).await;
    house.look().await;
    assert_eq!(house.bad().await, ["paused"]);
    let desk = house.desk().await;
    assert_eq!(serde_json::to_value(pause(&desk, Some("quiet-a-day")).await.unwrap()).unwrap()["changed"], true);
    assert_eq!(house.bad().await, Vec::<String>::new());
    insta::assert_snapshot!(house.check("paused").await, @"ok: rule `quiet-a-day` is paused; rule `quiet-a-day` has tripped at 2026-03-03 09:21:00 UTC and does nothing: contacts reopened 20 of its last 20 closes within 24 hours; see why, then `autoclosed resume --rule NAME`");
    resume(&desk, None).await.unwrap();
    insta::assert_snapshot!(house.check("paused").await, @"ok: rule `quiet-a-day` is paused");
    let id = house.answered().await;
    house.after(days(1)).await;
    assert_eq!(house.state(&id), "open");
    resume(&desk, Some("quiet-a-day")).await.unwrap();
    house.sweep().await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn a_trip_is_told_wherever_one_looks() {
    let house = House::with(QUIET_A_DAY).await;
    let ids = closed(&house, 20).await;
    reopened(&house, &ids[..6]).await;
    let id = house.answered().await;
    house.after(minutes(1)).await;
    let desk = house.desk().await;
    let told = serde_json::to_value(status(&desk).await.unwrap()).unwrap();
    assert_eq!((&told["health"], &told["paused_rules"]), (&json!("bad"), &json!(["quiet-a-day"])));
    insta::assert_snapshot!(told["tripped_rules"], @r#"[{"at":"2026-03-03T09:22:00Z","closes":20,"paused":false,"reopened":6,"rule":"quiet-a-day","why":"contacts reopened 6 of its last 20 closes within 24 hours"}]"#);
    let explained = autoclosed::command::explain::explain(&desk, &id, &mut Vec::new()).await.unwrap();
    insta::assert_snapshot!(serde_json::to_value(explained).unwrap()["barred"], @r#"[{"by":"rule_tripped","why":"rule `quiet-a-day` has tripped, as contacts reopened 6 of its last 20 closes within 24 hours; `autoclosed resume --rule quiet-a-day` lets it act again"}]"#);
    insta::assert_snapshot!(crate::commands::told(&house, &["status"]).await.lines().take(8).collect::<Vec<_>>().join("\n"), @"
    1Health         bad, 2 of 12 checks:
      reconcile  none has ended for 1 day; the last one: 0 listed, 0 read
      paused     rule `quiet-a-day` has tripped at 2026-03-03 09:22:00 UTC and does nothing: contacts
                 reopened 6 of its last 20 closes within 24 hours; see why, then `autoclosed resume
                 --rule NAME`
    Mode           live: conversations are closed and messages are sent
    Tripped        `quiet-a-day` at 2026-03-03 09:22:00 UTC: contacts reopened 6 of its last 20 closes
                   within 24 hours; `autoclosed resume --rule quiet-a-day` lets it act again
    ");
    insta::assert_snapshot!(crate::commands::told(&house, &["resume"]).await, @"
    0Resumed: the rules act again.
    Tripped, and acting again: `quiet-a-day`. Judging them begins anew.
    ");
    insta::assert_snapshot!(crate::commands::told(&house, &["resume", "--rule", "quiet-a-day"]).await, @"0Rule `quiet-a-day` was not paused.");
}

#[tokio::test]
async fn dry_run_never_trips() {
    let mut house = House::with(QUIET_A_DAY).await;
    let ids = closed(&house, 20).await;
    house.configure(&format!("mode = \"dry-run\"\n{QUIET_A_DAY}"));
    house.restart().await;
    reopened(&house, &ids).await;
    house.after(minutes(1)).await;
    assert!(!has_tripped(&house).await);
}

#[tokio::test]
async fn the_rate_is_the_operators() {
    for (rate, reopen, trips) in [("0.5", 9, false), ("0.5", 10, true), ("1", 19, false), ("1.0", 20, true)] {
        let house = House::with(&format!("[safety]\ntrip_reopen_rate = {rate}\n{QUIET_A_DAY}")).await;
        let ids = closed(&house, 20).await;
        reopened(&house, &ids[..reopen]).await;
        house.after(SignedDuration::from_secs(10)).await;
        assert_eq!(has_tripped(&house).await, trips, "{rate} {reopen}");
    }
}
