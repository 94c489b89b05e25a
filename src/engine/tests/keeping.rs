//! Laws of what the steps of a rule change, and of the rule that keeps what it has begun.

use proptest::prelude::*;

use super::generators::{begun, conversation, moment, rule_set};
use super::world::attempt;
use super::*;
use crate::engine::matching::{Fit, fit};
use crate::engine::rule::StepKind;
use crate::engine::view::View;

/// What a decision counts on: the latest of each class by anybody but us.
fn latest(conversation: &Conversation, history: &History, now: Timestamp) -> Vec<Option<(Actor, Timestamp)>> {
    let view = View::of(conversation, history, now);
    let others = Class::NAMES.iter().map(|(class, _)| view.latest(*class));
    others.map(|activity| activity.map(|activity| (activity.actor, activity.at))).collect()
}

/// The parts that a deed of this kind leaves: its own, and those that Intercom writes beside it.
fn parts_of(attempt: &Attempt, number: u64, late: i64) -> Vec<Part> {
    let Some(deed) = attempt.deeds.first() else { return Vec::new() };
    let by_us =
        |id, at, classes: &[Class]| Part { id, admin_id: Some(ADMIN.into()), ..part(0, at, Actor::Teammate, classes) };
    let own: &[Class] = match attempt.step.kind {
        StepKind::Reply => &[Class::TeammateReply],
        StepKind::Close => &[Class::TeammateReply, Class::Closed],
        StepKind::Note => &[Class::Note, Class::Unsnoozed],
        StepKind::Snooze => &[Class::Snoozed],
        StepKind::Open => &[Class::Opened],
        StepKind::Assign => &[Class::Assigned, Class::Unsnoozed],
        StepKind::Tag | StepKind::Untag | StepKind::Update => &[Class::Other],
    };
    let beside: &[Class] = if attempt.step.kind == StepKind::Assign { &[Class::Assigned] } else { &[Class::Unsnoozed] };
    let beside_at = Timestamp::from_second(deed.at.as_second() + late % 3).unwrap();
    let mut parts = vec![by_us(deed.part, deed.at, own), by_us(Some(PartId::Part(number)), beside_at, beside)];
    if let Some(until) = attempt.snoozes_until().filter(|_| attempt.done()) {
        let rang = Timestamp::from_second(until.as_second() + late).unwrap();
        parts.push(part(number + 1, rang, Actor::Timer, &[Class::Unsnoozed]));
    }
    parts
}

/// Every rule has done its first step, counted from what it counts from now.
fn all_begun(conversation: &Conversation, rules: &RuleSet, now: Timestamp) -> History {
    let nothing = History::default();
    let view = View::of(conversation, &nothing, now);
    let began = |rule: &Rule| {
        let anchor = view.latest_of(&rule.counts_from)?.at;
        let done = attempt(rule.name.clone(), rule.steps.first()?.id, anchor, anchor);
        Some(Attempt { phase: Phase::Done, done_at: Some(anchor), ..done })
    };
    History { attempts: rules.rules.iter().filter_map(began).collect(), ..History::default() }
}

proptest! {
    #[test]
    fn whatever_our_steps_leave_behind_moves_no_anchor(
        (conversation, history) in begun(), now in moment(), late in 0..=600_i64,
    ) {
        let parts = (9_100..).step_by(10).zip(&history.attempts);
        let parts: Vec<Part> = parts.flat_map(|(number, attempt)| parts_of(attempt, number, late)).collect();
        let seen = conversation.clone().after(&Sighting { parts, ..Sighting::of(id()) }, Some(ADMIN));
        prop_assert_eq!(latest(&seen, &history, now), latest(&conversation, &history, now));
    }

    #[test]
    fn no_rule_does_or_waits_for_anything_below_one_that_leaves_it_alone_or_may(
        conversation in conversation(), rules in rule_set(), now in moment(), untold in any::<bool>(),
    ) {
        let mut rules = rules;
        rules.rules[0].steps.clear();
        if untold {
            rules.rules[0].matches.attributes.insert("tier".into(), vec![AttributeValue::Boolean(true)]);
        }
        let history = all_begun(&conversation, &rules, now);
        let (Decision::Act { rule, .. } | Decision::Wait { next: Some((rule, _)), .. }) =
            decide(&conversation, &history, &rules, now) else { return Ok(()) };
        let view = View::of(&conversation, &history, now);
        let above = rules.rules.iter().take_while(|known| known.name != rule);
        for above in above.filter(|rule| rule.steps.is_empty()) {
            prop_assert!(matches!(fit(&above.matches, &view), Fit::No(_)), "`{rule}` acts below `{}`", above.name);
        }
    }

    /// Thinking away what did not happen changes nothing; what was not done, not even in part, is not thought away.
    #[test]
    fn only_what_was_done_and_still_stands_is_thought_away(
        (conversation, history) in begun(), rules in rule_set(), now in moment(),
    ) {
        let view = View::of(&conversation, &history, now);
        let undone = history.attempts.iter().filter(|attempt| !attempt.took_hold() || attempt.changes.is_empty());
        let same = view.without(undone);
        prop_assert_eq!(same.standing, view.standing);
        prop_assert_eq!(same.facts(), view.facts());
        for rule in &rules.rules {
            prop_assert_eq!(fit(&rule.matches, &same), fit(&rule.matches, &view));
        }
    }
}
