//! A lost answer to every kind of deed, in every way, with and without a restart: it is said once, and ten minutes later
//! it is known how it ended.

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, Fault};

use super::{outcomes, status, ten_minutes, texts};
use crate::harness::{House, days, minutes};

/// A kind of deed: the step, the call that does it, and what the conversation has in the end: the state, and how many
/// parts of which kind are ours.
struct Kind {
    name: &'static str,
    step: &'static str,
    call: Endpoint,
    snoozed: bool,
    state: &'static str,
    part: (&'static str, usize),
}

const KINDS: [Kind; 12] = [
    kind("close", r#"do = "close", body = "Bye for now.""#, Endpoint::Close, "closed", ("close", 1)),
    kind("silent close", r#"do = "close", silent = true"#, Endpoint::Close, "closed", ("close", 1)),
    kind("reply", r#"do = "reply", body = "Bye for now.""#, Endpoint::Reply, "open", ("comment", 1)),
    asleep("reply on a snooze", r#"do = "reply", body = "Bye for now.""#, Endpoint::Reply, "snoozed", ("comment", 1)),
    kind("note", r#"do = "note", body = "Bye for now.""#, Endpoint::Note, "open", ("note", 1)),
    kind("assign", r#"do = "assign", team = "Support""#, Endpoint::Assign, "open", ("assignment", 1)),
    kind("snooze", r#"do = "snooze", for = "3 days""#, Endpoint::Snooze, "snoozed", ("snoozed", 1)),
    asleep("open", r#"do = "open""#, Endpoint::Open, "open", ("open", 1)),
    kind("tag", r#"do = "tag", tags = "quiet""#, Endpoint::Tag, "open", ("close", 0)),
    kind("untag", r#"do = "untag", tags = "vip""#, Endpoint::Untag, "open", ("close", 0)),
    kind("update", r#"do = "update", set.topic = "Bug""#, Endpoint::Update, "open", ("close", 0)),
    kind("read", r#"do = "update", read = true"#, Endpoint::Update, "open", ("close", 0)),
];

const fn kind(
    name: &'static str,
    step: &'static str,
    call: Endpoint,
    state: &'static str,
    part: (&'static str, usize),
) -> Kind {
    Kind { name, step, call, snoozed: false, state, part }
}

const fn asleep(
    name: &'static str,
    step: &'static str,
    call: Endpoint,
    state: &'static str,
    part: (&'static str, usize),
) -> Kind {
    Kind { name, step, call, snoozed: true, state, part }
}

fn losses() -> Vec<(&'static str, Fault)> {
    vec![
        ("left before it was done", Fault::Drop),
        ("done, then cut", Fault::ApplyThenDrop),
        ("done, then 500", Fault::ApplyThenStatus(500)),
        ("done, then 204", Fault::ApplyThenStatus(204)),
        ("not done, 503", Fault::Status { status: 503, body: "<html>".into() }),
        ("not done, 408", status(408, "request_timeout")),
        ("not done, 200 with a page", Fault::Garbage200),
        ("not done, 200 and no conversation", Fault::Status { status: 200, body: "{}".into() }),
        ("done, cut short", Fault::Truncated),
        ("done, another conversation", Fault::WrongId),
        ("done, another state", Fault::WrongState),
        ("done, too large to read", Fault::HugeBody),
        ("done half a minute later", Fault::Late(crate::harness::seconds(30))),
        ("done two minutes later", Fault::Late(minutes(2))),
        ("done just within five minutes", Fault::Late(crate::harness::seconds(295))),
    ]
}

/// A conversation whose deed met this fault a day after it was answered.
async fn after_a_loss(kind: &Kind, fault: &Fault, restart: bool) -> (House, ConversationId) {
    let rule = format!("[[rule]]\nname = \"one\"\nmatch_all = true\nstep = [{{ after = \"1 day\", {} }}]\n", kind.step);
    let mut house = House::with(&rule).await;
    let id = house.answered().await;
    house.intercom.tag(&id, "vip");
    if kind.snoozed {
        house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    }
    house.intercom.fault(kind.call, fault.clone());
    house.after(days(1)).await;
    if restart {
        house.restart().await;
    }
    (house, id)
}

/// Those that a restart may make worse.
const BEFORE_A_RESTART: [&str; 4] =
    ["left before it was done", "done, then cut", "done, another state", "done two minutes later"];

async fn ends_well(kinds: std::ops::Range<usize>, restart: bool) {
    for kind in &KINDS[kinds] {
        for (loss, fault) in losses() {
            if restart && !BEFORE_A_RESTART.contains(&loss) {
                continue;
            }
            let (house, id) = after_a_loss(kind, &fault, restart).await;
            ten_minutes(&house).await;
            let told = format!("{}, {loss}: {:?} {:?}", kind.name, house.journal(&id).await, house.deeds());
            assert_eq!(outcomes(&house).await, [("done".to_owned(), 1)], "{told}");
            assert!(texts(&house, &id, "Bye for now.") <= 1, "{told}");
            let (part, count) = kind.part;
            assert_eq!(house.state(&id), kind.state, "{told}");
            // What says nothing may be done twice; what says something may not.
            assert!(count == 0 || (1..=2).contains(&house.ours(&id, part)), "{told}");
        }
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_text_is_found_out_within_ten_minutes_and_nothing_is_said_twice() {
    ends_well(0..5, false).await;
}

#[tokio::test]
async fn a_lost_answer_to_a_silent_deed_is_found_out_within_ten_minutes() {
    ends_well(5..12, false).await;
}

#[tokio::test]
async fn a_restart_after_a_lost_answer_to_a_text_changes_nothing() {
    ends_well(0..5, true).await;
}

#[tokio::test]
async fn a_restart_after_a_lost_answer_to_a_silent_deed_changes_nothing() {
    ends_well(5..12, true).await;
}

/// A teammate works with the daemon's own admin, and writes just when an answer of ours is lost.
#[tokio::test]
async fn a_word_by_our_admin_that_reads_otherwise_is_given_up_within_ten_minutes_and_nothing_is_said_twice() {
    for kind in &KINDS[..5] {
        let (house, id) = after_a_loss(kind, &Fault::Drop, false).await;
        let us = house.intercom.by("1009");
        match kind.call {
            Endpoint::Close => drop(us.teammate_closes(&id, Some("Something else."))),
            Endpoint::Note => drop(us.teammate_notes(&id, "Something else.")),
            _ => drop(us.teammate_replies(&id, "Something else.")),
        }
        ten_minutes(&house).await;
        let told = format!("{}: {:?}", kind.name, house.journal(&id).await);
        assert_ne!(outcomes(&house).await, [("unclear".to_owned(), 1)], "{told}");
        house.after(days(2)).await;
        ten_minutes(&house).await;
        assert!(texts(&house, &id, "Bye for now.") <= 1, "{told}");
    }
}

/// Five hundred parts since, so that ours may have fallen out of what is shown.
#[tokio::test]
async fn what_five_hundred_newer_parts_may_hide_is_given_up_within_ten_minutes_and_never_sent_again() {
    let (house, id) = after_a_loss(&KINDS[2], &Fault::Drop, false).await;
    for _ in 0..501 {
        house.intercom.teammate_notes(&id, "Still looking.");
    }
    ten_minutes(&house).await;
    let journal = house.journal(&id).await;
    assert_eq!(outcomes(&house).await, [("failed".to_owned(), 1)], "{journal:?}");
    assert!(journal.last().unwrap().contains("could not be found out"), "{journal:?}");
    house.after(days(3)).await;
    assert_eq!(texts(&house, &id, "Bye for now."), 0);
}
