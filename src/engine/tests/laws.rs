//! What holds for every conversation, every history and every set of rules.

use proptest::prelude::*;

use super::generators::{begun, conversation, folded, history, moment, rule_set, sightings};
use super::world::attempt;
use super::*;
use crate::engine::rule::{self, StepKind};

/// The attempt at what a decision says, done at `now`.
fn done(decision: &Decision, now: Timestamp) -> Option<Attempt> {
    let Decision::Act { rule, step, anchor_at, due_at, action, .. } = decision else { return None };
    let body = action.template();
    let passed = matches!(action, Action::PassOver { .. });
    let mut done = attempt(rule.clone(), *step, *anchor_at, *due_at);
    done.phase = if passed { Phase::Passed } else { Phase::Done };
    if !passed {
        (done.sent_at, done.done_at) = (Some(now), Some(now));
        done.template = body.map(|body| rule::digest(body));
    }
    Some(done)
}

fn last_of(conversation: &Conversation, class: Class) -> Option<Timestamp> {
    let told = conversation.latest.iter().filter(|((known, _), _)| *known == class).map(|(_, (at, _))| *at);
    let by_admin = conversation.by_admin.iter().filter(|part| part.classes.contains(&class)).map(|part| part.at);
    told.chain(by_admin).max()
}

/// Times at the very ends, and everything between.
fn any_time() -> impl Strategy<Value = Timestamp> {
    let ends = prop::sample::select(&[Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH][..]);
    prop_oneof![1 => ends, 2 => moment()]
}

proptest! {
    #[test]
    fn every_question_has_an_answer_and_always_the_same(
        seen in sightings(), history in history(), rules in rule_set(), now in any_time(), moved in any_time(),
    ) {
        let mut history = history;
        for attempt in &mut history.attempts {
            attempt.sent_at = attempt.sent_at.map(|_| moved);
            attempt.done_at = attempt.done_at.map(|_| moved);
        }
        let mut seen = seen;
        for part in seen.iter_mut().flat_map(|seen| &mut seen.parts).take(3) {
            part.at = moved;
        }
        let conversation = folded(&seen);
        let decision = decide(&conversation, &history, &rules, now);
        prop_assert_eq!(decide(&conversation, &history, &rules, now), decision.clone());
        prop_assert!(!brief(&decision).is_empty());
        let _ = snooze_to_restore(&conversation, &history, now);
    }

    #[test]
    fn a_wait_ends_exactly_when_it_said(
        (conversation, history) in begun(), rules in rule_set(), now in moment(),
        between in 0.0..1.0_f64,
    ) {
        let decision = decide(&conversation, &history, &rules, now);
        if let Decision::Wait { until, .. } = &decision {
            prop_assert!(*until > now, "a wait for nothing: {}", brief(&decision));
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "any second will do")]
            let ahead = ((until.as_second() - now.as_second() - 1) as f64 * between) as i64;
            for ahead in [ahead, until.as_second() - now.as_second() - 1] {
                let meanwhile = Timestamp::from_second(now.as_second() + ahead).unwrap();
                prop_assert_eq!(decide(&conversation, &history, &rules, meanwhile), decision.clone());
            }
            let then = decide(&conversation, &history, &rules, *until);
            prop_assert!(then.due_at() != Some(*until) || matches!(then, Decision::Act { .. }), "{}", brief(&then));
        }
    }

    #[test]
    fn what_is_left_stays_left_until_a_new_fact_comes(
        (conversation, history) in begun(), rules in rule_set(), now in moment(), later in moment(),
    ) {
        let decision = decide(&conversation, &history, &rules, now);
        if let Decision::Leave { why } = &decision {
            let then = decide(&conversation, &history, &rules, later.max(now));
            prop_assert!(*why == Why::NotRead || then == decision, "{} became {}", brief(&decision), brief(&then));
        }
    }

    #[test]
    fn our_own_parts_move_nothing(
        (conversation, history) in begun(), rules in rule_set(), now in moment(),
        said in any::<bool>(), later in -2..=2_i64,
    ) {
        let without = decide(&conversation, &history, &rules, now);
        let deeds = history.attempts.iter().flat_map(|attempt| &attempt.deeds);
        let mut parts = Vec::new();
        for (number, deed) in (9_500..).zip(deeds) {
            let by_us = |id, at, classes: &[Class]| Part {
                id, at, admin_id: Some(ADMIN.to_owned()), ..part(0, at, Actor::Teammate, classes)
            };
            let spoken: &[Class] = if said { &[Class::TeammateReply, Class::Closed] } else { &[Class::Closed] };
            parts.push(by_us(deed.part, deed.at, spoken));
            let beside = Timestamp::from_second(deed.at.as_second() + later).unwrap();
            let state = if said { Class::Unsnoozed } else { Class::Snoozed };
            parts.push(by_us(Some(PartId::Part(number)), beside, &[state]));
        }
        let seen = conversation.after(&Sighting { parts, ..Sighting::of(id()) }, Some(ADMIN));
        prop_assert_eq!(decide(&seen, &history, &rules, now), without);
    }

    #[test]
    fn what_was_done_is_not_done_again(
        (conversation, history) in begun(), rules in rule_set(), now in moment(),
    ) {
        let mut history = history;
        let mut spoken = 0;
        for _ in 0..40 {
            let decision = decide(&conversation, &history, &rules, now);
            let Some(act) = done(&decision, now) else { return Ok(()) };
            spoken += u32::from(act.template.is_some());
            prop_assert!(spoken <= 1 || act.step.kind == StepKind::Close, "twice in one instant: {}", brief(&decision));
            let same = |known: &Attempt| (&known.rule, known.step, known.anchor_at) == (&act.rule, act.step, act.anchor_at);
            let closed = act.closed();
            for known in history.attempts.iter().filter(|known| same(known)) {
                prop_assert!(matches!(known.phase, Phase::Open | Phase::Parked { .. }), "again: {}", brief(&decision));
            }
            history.attempts.retain(|known| !same(known));
            history.attempts.push(act);
            if closed {
                return Ok(());
            }
        }
        prop_assert!(false, "it never comes to rest");
    }

    #[test]
    fn nothing_is_done_before_its_time_nor_over_the_contact_s_word(
        (conversation, history) in begun(), rules in rule_set(), now in moment(),
    ) {
        let decision = decide(&conversation, &history, &rules, now);
        if let Decision::Act { rule, step, anchor_at, due_at, action, why } = &decision {
            let rule = rules.rules.iter().find(|known| known.name == *rule).unwrap();
            let after = rule.steps.iter().find(|known| known.id == *step).unwrap().after;
            prop_assert!(rule.later(*anchor_at, after) <= *due_at && *due_at <= now, "too early: {}", brief(&decision));
            let Why::Quiet { since, .. } = why else { panic!("{why}") };
            prop_assert!(since.class != Class::Own && rule.counts_from.contains(&since.class));
            let contact = last_of(&conversation, Class::ContactReply);
            if matches!(action, Action::Close { .. }) && contact >= Some(*anchor_at) {
                prop_assert_eq!((since.class, Some(since.at)), (Class::ContactReply, contact));
            }
            let held = conversation.facts().and_then(|facts| facts.tags.clone()).unwrap();
            prop_assert!(held.iter().all(|tag| tag.name != "autoclose-hold"));
        }
    }

    /// From one `due_at` to the next, acting each time: within one silence nothing is said twice, only one rule
    /// reminds, and no close follows another rule's message within a day.
    #[test]
    fn in_one_silence_nothing_is_said_twice_and_one_rule_reminds(
        conversation in conversation(), rules in rule_set(), now in moment(),
        events in proptest::collection::vec((1..30 * 86_400_i64, 0..4_usize), 0..6),
    ) {
        let mut history = History::default();
        let mut conversation = conversation;
        let mut now = now.max(at(42 * 86_400));
        for (ahead, event) in events {
            let end = Timestamp::from_second(now.as_second() + ahead).unwrap();
            while let Some(due) = decide(&conversation, &history, &rules, now).due_at().filter(|due| *due < end) {
                now = due.max(now);
                let decision = decide(&conversation, &history, &rules, now);
                let Some(act) = done(&decision, now) else { continue };
                check_silence(&history, &act)?;
                history.attempts.push(act);
            }
            now = end;
            conversation = meanwhile(conversation, now, event);
        }
    }
}

/// Something that is no word: the silence goes on.
fn meanwhile(conversation: Conversation, now: Timestamp, event: usize) -> Conversation {
    let until = Some(Timestamp::from_second(now.as_second() + 5 * 86_400).unwrap());
    let (class, state) = [
        (Class::Snoozed, State::Snoozed { until }),
        (Class::Opened, State::Open),
        (Class::Note, State::Open),
        (Class::Unsnoozed, State::Open),
    ][event];
    let tags: &[&str] = if event.is_multiple_of(2) { &["vip"] } else { &["beta"] };
    let number = 1_000 + u64::try_from(now.as_second() - at(0).as_second()).unwrap();
    let parts = vec![part(number, now, Actor::Teammate, &[class])];
    let snapshot = Some(fetched(now, state, tags));
    conversation.after(&Sighting { snapshot, parts, ..Sighting::of(id()) }, Some(ADMIN))
}

fn check_silence(history: &History, act: &Attempt) -> Result<(), TestCaseError> {
    let said = || history.attempts.iter().filter(|known| known.spoke());
    if act.step.kind == StepKind::Reply && act.spoke() {
        prop_assert!(said().all(|known| known.template != act.template), "said twice");
        let mut reminders = said().filter(|known| known.step.kind == StepKind::Reply);
        prop_assert!(reminders.all(|known| known.rule == act.rule), "two rules reminded");
    }
    if act.step.kind == StepKind::Note && act.wrote() {
        let mut noted = history.attempts.iter().filter(|known| known.step.kind == StepKind::Note);
        prop_assert!(noted.all(|known| known.template != act.template), "noted twice");
    }
    if act.closed() {
        let day = |known: &Attempt| act.done_at.unwrap().duration_since(known.done_at.unwrap()) < hours(24);
        prop_assert!(said().all(|known| known.rule == act.rule || !day(known)), "closed on the heels of another rule");
    }
    Ok(())
}
