//! An attempt on its way: claimed once, written down before its call, found again when the answer is lost.

use jiff::SignedDuration;

use super::*;
use crate::engine::history::Deed;

pub(super) const CLOSE: StepId = StepId { kind: StepKind::Close, nth: 1 };
pub(super) const REPLY: StepId = StepId { kind: StepKind::Reply, nth: 1 };

/// Claims a step of rule `quiet` on a conversation, in the period that counts from minute 0.
pub(super) async fn claim(shelf: &Shelf, conversation: &str, step: StepId) -> Option<Claimed> {
    claim_in(shelf, conversation, step, 0).await
}

pub(super) async fn claim_in(shelf: &Shelf, conversation: &str, step: StepId, anchor: i64) -> Option<Claimed> {
    let (conversation, rule) = (id(conversation), RuleName::from("quiet"));
    let (anchor_at, due_at) = (at(anchor), at(anchor + DAY));
    let claim = Claim { app_id: "ours", conversation: &conversation, rule: &rule, step, anchor_at, due_at };
    shelf.store.claim(&claim, at(DAY)).await.unwrap()
}

pub(super) fn sending(minute: i64) -> Sending {
    Sending {
        sent_at: at(minute),
        look_at: at(minute + 1),
        template: Some("template".to_owned()),
        digest: Some("digest".to_owned()),
        snoozed_until: Some(at(minute + 500)),
        contact: Some((at(minute - 9), Some(PartId::Part(u64::MAX)))),
        changes: Vec::new(),
        wishes: Vec::new(),
    }
}

pub(super) async fn sent(shelf: &Shelf, conversation: &str, step: StepId, minute: i64) -> Claimed {
    let claimed = claim(shelf, conversation, step).await.unwrap();
    shelf.store.about_to_send(claimed, &sending(minute)).await.unwrap().unwrap()
}

pub(super) fn deed(minute: i64) -> Deed {
    Deed { at: at(minute), part: Some(PartId::Part(77)) }
}

pub(super) fn no_inputs() -> Inputs {
    Inputs("{}".to_owned())
}

pub(super) async fn settle(shelf: &Shelf, claimed: Claimed, outcome: &Outcome, minute: i64) -> Settled {
    shelf.store.settle(claimed, outcome, &no_inputs(), &context_at(minute)).await.unwrap()
}

pub(super) fn done(minute: i64, restore_snooze: bool) -> Outcome {
    let deed = deed(minute);
    Outcome::Done { at: deed.at, deeds: vec![deed], restore_snooze, why: "quiet".to_owned() }
}

#[tokio::test]
async fn a_step_of_a_period_is_one_row_however_often_it_is_claimed() {
    let shelf = Shelf::new().await;
    let first = claim(&shelf, "5", CLOSE).await.unwrap();
    let again = claim(&shelf, "5", CLOSE).await.unwrap();
    assert_eq!((again.id, again.turn), (first.id, first.turn + 1));
    let others = [
        claim(&shelf, "5", REPLY).await.unwrap(),
        claim(&shelf, "6", CLOSE).await.unwrap(),
        claim_in(&shelf, "5", CLOSE, 5).await.unwrap(),
    ];
    assert!(others.iter().all(|other| other.id != first.id));
    assert_eq!(shelf.count("attempt").await, 4);
}

#[tokio::test]
async fn only_what_certainly_took_no_effect_is_claimed_again() {
    let parked = Outcome::Parked { until: at(9 * DAY), why: "refused".to_owned() };
    let lost = Outcome::Unclear { look_at: at(9 * DAY), why: "lost".to_owned() };
    let raced = Outcome::Raced { deed: deed(DAY), reopen: false, why: "raced".to_owned() };
    let word = || "why".to_owned();
    for (outcome, again) in [
        (Outcome::Left(word()), true),
        (Outcome::Deferred(word()), true),
        (Outcome::DryRun { speaks: false, why: word() }, true),
        (parked, true),
        (lost, false),
        (done(DAY, false), false),
        (raced, false),
        (Outcome::Passed(word()), false),
        (Outcome::Failed(word()), false),
    ] {
        let shelf = Shelf::new().await;
        let claimed = sent(&shelf, "5", CLOSE, DAY).await;
        assert_eq!(claim(&shelf, "5", CLOSE).await, None, "in flight");
        assert_eq!(shelf.store.about_to_send(claimed, &sending(DAY)).await.unwrap(), None, "in flight");
        settle(&shelf, claimed, &outcome, DAY).await;
        let shelf = shelf.reopened().await;
        let anew = claim(&shelf, "5", CLOSE).await;
        assert_eq!(anew.is_some(), again, "{outcome:?}");
        let sends = shelf.store.about_to_send(anew.unwrap_or(claimed), &sending(DAY)).await.unwrap();
        assert_eq!(sends.is_some(), again, "{outcome:?}");
    }
}

#[tokio::test]
async fn two_instances_never_both_send() {
    let shelf = Shelf::new().await;
    let other = Store::open(&shelf.path()).await.unwrap();
    let claimed = claim(&shelf, "5", CLOSE).await.unwrap();
    let sending = sending(DAY);
    let (one, two) = tokio::join!(shelf.store.about_to_send(claimed, &sending), other.about_to_send(claimed, &sending));
    assert_eq!([one.unwrap(), two.unwrap()].iter().flatten().count(), 1);
}

#[tokio::test]
async fn refusals_are_counted_from_claim_to_claim() {
    let shelf = Shelf::new().await;
    for tries in 0..3 {
        let claimed = claim(&shelf, "5", CLOSE).await.unwrap();
        assert_eq!(claimed.tries, tries);
        settle(&shelf, claimed, &Outcome::Deferred("later".to_owned()), DAY).await;
        settle(&shelf, claimed, &Outcome::Parked { until: at(2 * DAY), why: "no".to_owned() }, DAY).await;
    }
}

#[tokio::test]
async fn what_was_claimed_and_neither_sent_nor_ended_is_found() {
    let shelf = Shelf::new().await;
    let never_sent = async || shelf.store.claimed_and_never_sent("ours").await.unwrap();
    assert_eq!(never_sent().await, vec![]);
    let five = claim(&shelf, "5", CLOSE).await.unwrap();
    sent(&shelf, "6", CLOSE, DAY).await;
    assert_eq!(never_sent().await, vec![five]);
    assert_eq!(shelf.store.claimed_and_never_sent("theirs").await.unwrap(), vec![]);
    settle(&shelf, five, &Outcome::Deferred("later".to_owned()), DAY).await;
    assert_eq!(never_sent().await, vec![]);
}

#[tokio::test]
async fn a_lost_answer_is_found_with_all_that_is_needed_to_look_into_it() {
    let shelf = Shelf::new().await;
    let claimed = sent(&shelf, "5", CLOSE, DAY).await;
    let shelf = shelf.reopened().await;
    assert!(shelf.store.unclear("ours", at(DAY), 9).await.unwrap().is_empty(), "it rests first");
    assert!(shelf.store.unclear("theirs", at(DAY + 1), 9).await.unwrap().is_empty());
    let found = shelf.store.unclear("ours", at(DAY + 1), 9).await.unwrap();
    let [pending] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (pending.claimed, &pending.conversation, pending.step),
        (Claimed { line: None, ..claimed }, &id("5"), CLOSE)
    );
    assert_eq!((pending.rule.as_str(), pending.sent_at), ("quiet", at(DAY)));
    assert_eq!(pending.digest.as_deref(), Some("digest"));
    assert_eq!(pending.contact, Some((at(DAY - 9), Some(PartId::Part(u64::MAX)))));
    assert_eq!((pending.snoozed_until, pending.done_at), (Some(at(DAY + 500)), None));
    assert_eq!((&pending.deeds, pending.follow_up, pending.follow_tries), (&vec![], None, 0));
}

#[tokio::test]
async fn an_answer_that_came_is_remembered_and_looked_into_at_once() {
    let shelf = Shelf::new().await;
    let claimed = sent(&shelf, "5", CLOSE, DAY).await;
    shelf
        .store
        .answered(claimed, &Answered { deeds: &[deed(DAY)], look_at: at(DAY), restore_snooze: false })
        .await
        .unwrap();
    let shelf = shelf.reopened().await;
    let found = shelf.store.unclear("ours", at(DAY), 9).await.unwrap();
    assert_eq!((found[0].deeds.clone(), found[0].done_at), (vec![deed(DAY)], Some(at(DAY))));
    settle(&shelf, claimed, &done(DAY, false), DAY).await;
    shelf
        .store
        .answered(claimed, &Answered { deeds: &[deed(3 * DAY)], look_at: at(3 * DAY), restore_snooze: false })
        .await
        .unwrap();
    assert_eq!(shelf.rows("SELECT CAST(done_at AS TEXT) FROM attempt").await, [at(DAY).as_millisecond().to_string()]);
}

#[tokio::test]
async fn a_snooze_that_was_woken_is_to_restore_once_the_attempt_is_settled_whatever_became_of_the_rest() {
    let why = || "no".to_owned();
    for outcome in [Outcome::Left(why()), Outcome::Parked { until: at(9 * DAY), why: why() }, Outcome::Failed(why())] {
        let shelf = Shelf::new().await;
        let claimed = sent(&shelf, "5", CLOSE, DAY).await;
        let answered = Answered { deeds: &[deed(DAY)], look_at: at(DAY), restore_snooze: true };
        shelf.store.answered(claimed, &answered).await.unwrap();
        let waiting = async || shelf.store.follow_ups("ours", at(2 * DAY), 9).await.unwrap().len();
        assert_eq!(waiting().await, 0, "what is not settled is not followed up");
        settle(&shelf, claimed, &outcome, DAY).await;
        assert_eq!(waiting().await, 1, "{outcome:?}");
    }
}

#[tokio::test]
async fn the_oldest_after_which_something_is_to_follow_is_told_by_its_deed() {
    let shelf = Shelf::new().await;
    assert_eq!(shelf.store.oldest_follow_up().await.unwrap(), None);
    for (conversation, done_at, follows) in [("5", DAY - 5, false), ("6", DAY + 7, true), ("7", DAY + 3, true)] {
        let claimed = sent(&shelf, conversation, CLOSE, DAY).await;
        settle(&shelf, claimed, &done(done_at, follows), 2 * DAY).await;
    }
    assert_eq!(shelf.store.oldest_follow_up().await.unwrap(), Some(at(DAY + 3)));
}

#[tokio::test]
async fn what_an_attempt_did_is_part_of_the_history_that_decides() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 0))]).await;
    let claimed = sent(&shelf, "5", CLOSE, DAY).await;
    let history = async || shelf.store.decided(&id("5"), &context_at(DAY)).await.unwrap().unwrap().history.attempts;
    let unclear = &history().await[0];
    assert_eq!(unclear.phase, crate::engine::Phase::Unclear { look_at: at(DAY + 1) });
    assert_eq!((unclear.sent_at, unclear.template.as_deref()), (Some(at(DAY)), Some("template")));
    assert_eq!((unclear.text.as_deref(), unclear.anchor_at), (Some("digest"), at(0)));
    settle(&shelf, claimed, &done(DAY + 2, false), DAY + 2).await;
    let done = &history().await[0];
    assert_eq!((done.phase, done.done_at), (crate::engine::Phase::Done, Some(at(DAY + 2))));
    assert_eq!((&done.deeds, done.snoozed_until), (&vec![deed(DAY + 2)], Some(at(DAY + 500))));
}

#[tokio::test]
async fn what_was_rehearsed_counts_as_done_in_dry_run_only() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 0))]).await;
    let claimed = claim(&shelf, "5", CLOSE).await.unwrap();
    settle(&shelf, claimed, &Outcome::DryRun { speaks: false, why: "quiet".to_owned() }, DAY).await;
    for (dry_run, phase, done_at) in
        [(true, crate::engine::Phase::Done, Some(at(DAY))), (false, crate::engine::Phase::Open, None)]
    {
        let rules = edition(RULES).rules().clone();
        let context = Context { now: at(DAY), ..by(Edition::new(rules, dry_run)) };
        let known = shelf.store.decided(&id("5"), &context).await.unwrap().unwrap();
        let attempt = &known.history.attempts[0];
        assert_eq!((attempt.phase, attempt.done_at), (phase, done_at), "dry_run = {dry_run}");
    }
    assert_eq!(shelf.store.sent_since(at(0)).await.unwrap(), (0, 0), "nothing left");
}

#[tokio::test]
async fn the_sliding_hour_counts_what_left_or_may_have_and_survives_a_restart() {
    let shelf = Shelf::new().await;
    let silent = Sending { template: None, ..sending(DAY) };
    for (conversation, step, sending) in
        [("1", CLOSE, sending(DAY)), ("2", CLOSE, silent), ("3", REPLY, sending(DAY + 30)), ("4", REPLY, sending(DAY))]
    {
        let claimed = claim(&shelf, conversation, step).await.unwrap();
        let claimed = shelf.store.about_to_send(claimed, &sending).await.unwrap().unwrap();
        match conversation {
            "1" => assert!(settle(&shelf, claimed, &done(DAY, false), DAY).await.news),
            "4" => assert!(settle(&shelf, claimed, &Outcome::Deferred("not sent".to_owned()), DAY).await.news),
            _ => {}
        }
    }
    let shelf = shelf.reopened().await;
    let sent = async |since: Timestamp| shelf.store.sent_since(since).await.unwrap();
    assert_eq!(BUDGET_WINDOW, SignedDuration::from_hours(1));
    assert_eq!(sent(at(DAY + 59) - BUDGET_WINDOW).await, (2, 2));
    assert_eq!(sent(at(DAY + 60) - BUDGET_WINDOW).await, (0, 1), "an hour later to the second");
    assert_eq!(sent(at(DAY + 90) - BUDGET_WINDOW).await, (0, 0));
    assert_eq!(shelf.store.oldest_sent_since(at(DAY - 1)).await.unwrap(), Some(at(DAY)));
    assert_eq!(shelf.store.oldest_sent_since(at(DAY)).await.unwrap(), Some(at(DAY + 30)));
    assert_eq!(shelf.store.oldest_sent_since(at(9 * DAY)).await.unwrap(), None);
}

#[tokio::test]
async fn the_budgets_are_what_the_last_hour_has_left_of_them() {
    use crate::safety::{Budget, Limits, Spent};
    let shelf = Shelf::new().await;
    let _sent = sent(&shelf, "5", CLOSE, DAY).await;
    let limits = Limits {
        actions_per_sweep: 9,
        closes_per_hour: 1,
        messages_per_hour: 9,
        lateness: SignedDuration::from_hours(72),
        due_at_once: 50,
    };
    for (now, allowed, grows_at) in [
        (DAY, Err(Spent::Closes), Some(DAY + 60)),
        (DAY + 59, Err(Spent::Closes), Some(DAY + 60)),
        (DAY + 61, Ok(()), None),
    ] {
        let left = Budget::read(&shelf.store, limits, at(now)).await.unwrap();
        assert_eq!((left.allows(CLOSE.kind, false), left.grows_at), (allowed, grows_at.map(at)), "{now}");
    }
}
