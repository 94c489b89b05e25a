//! What an operator has taken into his own hand is left alone, and what that kept waiting is not late.

use proptest::prelude::*;

use super::generators::{begun, moment, rule_set};
use super::*;

const RULES: &str = r#"
[safety]
hold_tags = ["wait"]
[[rule]]
name = "quiet"
match_all = true
step = [{ after = "1 day", do = "close", silent = true }]
"#;

const DAY: i64 = 24 * 3_600;

/// A teammate answered at second 20.
fn answered(state: State, tags: &[&str]) -> Conversation {
    let parts = vec![
        part(1, at(10), Actor::Contact, &[Class::ContactReply]),
        part(2, at(20), Actor::Teammate, &[Class::TeammateReply]),
    ];
    let snapshot = Some(fetched(at(20), state, tags));
    Conversation::unread(id()).after(&Sighting { parts, snapshot, whole: true, ..Sighting::of(id()) }, None)
}

fn held(until: Option<Timestamp>) -> History {
    History { hold: Some(Hold { since: at(30), until }), ..History::default() }
}

#[test]
fn a_hold_lasts_until_its_end_or_until_it_is_released() {
    let snoozed = State::Snoozed { until: Some(at(9 * DAY)) };
    for (name, conversation, until, now, want) in [
        ("without an end", answered(State::Open, &[]), None, 90, "leave: held by hand until it is released"),
        (
            "with an end ahead",
            answered(State::Open, &[]),
            Some(3),
            2,
            "wait until 2026-03-05 00:00:00 UTC: held by hand until 2026-03-05 00:00:00 UTC",
        ),
        (
            "at its end",
            answered(State::Open, &[]),
            Some(3),
            3,
            "close silently by `close` of `quiet`: 1 day without a word since a teammate wrote at 2026-03-02 00:00:20 UTC",
        ),
        (
            "of what is snoozed, it does not look at the end of the snooze",
            answered(snoozed, &[]),
            Some(12),
            2,
            "wait until 2026-03-14 00:00:00 UTC: held by hand until 2026-03-14 00:00:00 UTC",
        ),
        ("of what is closed", answered(State::Closed, &[]), Some(3), 2, "leave: it is closed"),
        ("of what is held by a tag too", answered(State::Open, &["wait"]), Some(3), 2, "leave: held by the tag `wait`"),
    ] {
        let until = until.map(|days| at(days * DAY));
        assert_eq!(brief(&decide(&conversation, &held(until), &rules(RULES), at(now * DAY))), want, "{name}");
    }
}

#[test]
fn what_a_hold_kept_waiting_became_due_at_its_end_and_nothing_else_did() {
    for (name, until, want) in [
        ("due while it was held", 3 * DAY, 3 * DAY),
        ("due after the hold had ended", 3_600, DAY + 20),
        ("due in the second of its end", DAY + 20, DAY + 20),
    ] {
        let decision = decide(&answered(State::Open, &[]), &held(Some(at(until))), &rules(RULES), at(5 * DAY));
        assert_eq!(decision.due_at(), Some(at(want)), "{name}");
    }
}

proptest! {
    #[test]
    fn while_it_is_held_nothing_is_ever_due(
        (conversation, history) in begun(), rules in rule_set(), now in moment(), until in prop::option::of(moment()),
    ) {
        prop_assume!(until.is_none_or(|until| until > now));
        let history = History { hold: Some(Hold { since: at(0), until }), ..history };
        let decision = decide(&conversation, &history, &rules, now);
        prop_assert!(!matches!(decision, Decision::Act { .. }), "{}", brief(&decision));
        prop_assert!(decision.due_at().is_none_or(|due| Some(due) == until), "{}", brief(&decision));
    }
}
