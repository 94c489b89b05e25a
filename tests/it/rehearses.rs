//! A dry run: each step of a period is told once, nothing is sent, and what people did then is held against it.

use autoclosed::command::status::status;
use autoclosed::fake_intercom::Workspace;
use serde_json::Value;

use crate::harness::{House, QUIET_A_DAY, SNOOZED_A_WEEK, days, hours, minutes};

async fn rehearsing(rules: &str) -> House {
    let mut house = House::configured(&format!("mode = \"dry-run\"\n{rules}"), Workspace::default()).await;
    house.start().await;
    house.look().await;
    house
}

async fn told(house: &House) -> Value {
    serde_json::to_value(status(&house.desk().await).await.unwrap()).unwrap()
}

/// The daemon goes on in this mode.
async fn turn(house: &mut House, mode: &str, rules: &str) {
    house.stop().await;
    house.configure(&format!("mode = \"{mode}\"\n{rules}"));
    house.start().await;
    house.look().await;
}

#[tokio::test]
async fn each_step_of_a_period_is_told_once_however_often_it_is_swept() {
    let mut house = rehearsing(SNOOZED_A_WEEK).await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    for _ in 0..8 {
        house.after(days(1)).await;
        house.sweep().await;
        house.look().await;
    }
    house.restart().await;
    house.after(days(1)).await;
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @"
    dry_run reply 1: 5 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    dry_run close: 7 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    ");
    assert_eq!(house.deeds(), Vec::<String>::new());
    // The contact comes back and is answered: another period.
    house.intercom.contact_replies(&id, "Still there?");
    house.clock.advance(minutes(1));
    house.intercom.teammate_replies(&id, "Yes.");
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    house.after(days(6)).await;
    house.after(days(2)).await;
    assert_eq!(house.journal(&id).await.len(), 4, "{:?}", house.journal(&id).await);
}

#[tokio::test]
async fn turning_live_and_back_tells_nothing_twice() {
    let mut house = rehearsing(QUIET_A_DAY).await;
    let (first, second) = (house.answered().await, house.answered().await);
    house.after(days(1)).await;
    // Live, but before anything is done.
    turn(&mut house, "live", QUIET_A_DAY).await;
    turn(&mut house, "dry-run", QUIET_A_DAY).await;
    house.after(days(1)).await;
    for id in [&first, &second] {
        assert_eq!(house.journal(id).await.len(), 1, "{:?}", house.journal(id).await);
    }
    turn(&mut house, "live", QUIET_A_DAY).await;
    house.sweep().await;
    turn(&mut house, "dry-run", QUIET_A_DAY).await;
    house.after(days(1)).await;
    let outcomes: Vec<String> =
        house.journal(&first).await.iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(outcomes, ["dry_run", "done"]);
    assert_eq!(told(&house).await["actions"]["done"], 2);
    assert_eq!(told(&house).await["dry_run"], serde_json::json!([]), "it is no rehearsal any more");
}

#[tokio::test]
async fn what_people_did_after_a_close_that_was_only_rehearsed_is_counted() {
    let house = rehearsing(QUIET_A_DAY).await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(house.answered().await);
    }
    house.after(days(1)).await;
    house.clock.advance(hours(1));
    let intercom = &house.intercom;
    // A person closed it; closed it, and the contact came back later; the contact came back; and was then closed.
    intercom.teammate_closes(&ids[0], None);
    intercom.teammate_closes(&ids[1], Some("Bye."));
    intercom.contact_replies(&ids[2], "One more thing.");
    intercom.contact_replies(&ids[3], "Thanks!");
    house.clock.advance(hours(1));
    intercom.contact_replies(&ids[1], "Wait.");
    intercom.teammate_closes(&ids[3], None);
    // A teammate's word alone says nothing.
    intercom.teammate_replies(&ids[4], "Any news?");
    intercom.settle().await;
    let rule = |closed: u32, back: u32| {
        serde_json::json!([{ "rule": "quiet-a-day", "would_close": 6, "would_message": 6, "would_do_else": 0,
            "then_closed_by_person": closed, "then_contact_came_back": back }])
    };
    assert_eq!(told(&house).await["dry_run"], rule(2, 2));
    assert_eq!(told(&house).await["actions"]["due"], 0, "nothing was due in earnest");
    house.clock.advance(days(30));
    assert_eq!(told(&house).await["dry_run"], serde_json::json!([]), "a month later");
}

#[tokio::test]
async fn what_would_have_been_said_is_told_apart_from_what_would_have_been_closed() {
    const RULES: &str = r#"
[[rule]]
name = "silent"
match.tags = ["vip"]
step = [{ after = "1 day", do = "close", silent = true }]
[[rule]]
name = "tagged"
match.channel = "email"
step = [{ after = "1 day", do = "tag", tags = ["old"] }]
[[rule]]
name = "ladder"
match_all = true
step = [{ after = "1 day", do = "reply", body = "Hm?" }, { after = "2 days", do = "close", body = "Bye." }]
"#;
    let house = rehearsing(RULES).await;
    let vip = house.answered().await;
    house.intercom.tag(&vip, "vip");
    house.answered().await;
    let mailed = house.intercom.contact_starts_on("email", "Hello?");
    house.clock.advance(minutes(1));
    house.intercom.teammate_replies(&mailed, "Hello.");
    house.intercom.settle().await;
    house.look().await;
    for _ in 0..3 {
        house.after(days(1)).await;
    }
    let told = told(&house).await["dry_run"].clone();
    let would = |told: &Value| {
        format!("{}: {} {} {}", told["rule"], told["would_close"], told["would_message"], told["would_do_else"])
    };
    let told: Vec<String> = told.as_array().unwrap().iter().map(would).collect();
    assert_eq!(told, ["\"ladder\": 1 2 0", "\"silent\": 1 0 0", "\"tagged\": 0 0 1"]);
}
