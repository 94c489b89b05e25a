//! What is explained is what is decided, and what is announced is what is done.

use proptest::prelude::*;

use super::generators::{begun, conversation, folded, history, moment, rule_set, sightings};
use super::*;
use crate::engine::explain::{Explanation, Fits};
use crate::engine::rule::RuleName;

/// The rule that a decision names as its own.
fn named(decision: &Decision) -> Option<&RuleName> {
    match decision {
        Decision::Act { rule, .. }
        | Decision::Wait { next: Some((rule, _)), .. }
        | Decision::Leave { why: Why::LeftByRule { rule } } => Some(rule),
        _ => None,
    }
}

/// Nobody owns what no rule may touch, and what fits no rule.
fn is_nobodys(why: &Why) -> bool {
    let never = matches!(why, Why::Gone | Why::Ticket | Why::Closed | Why::Held { .. } | Why::OnHold { .. });
    never || matches!(why, Why::NotRead | Why::NoRuleFits(_) | Why::ClosedOften { .. })
}

fn agrees(explained: &Explanation, decision: &Decision) -> Result<(), TestCaseError> {
    prop_assert_eq!(&explained.decision, decision);
    if let Some(rule) = named(decision) {
        prop_assert_eq!(explained.owner.as_ref(), Some(rule));
    }
    prop_assert!(explained.owner.is_none() || !is_nobodys(decision.why()), "{}", brief(decision));
    prop_assert_eq!(matches!(decision.why(), Why::NotRead), !explained.missing.is_empty());
    let owns = |fits: &Fits| matches!(fits, Fits::Owns | Fits::Keeps);
    let owners: Vec<_> = explained.rules.iter().filter(|(_, fits)| owns(fits)).map(|(rule, _)| rule).collect();
    prop_assert_eq!(owners, explained.owner.iter().collect::<Vec<_>>());
    let above = explained.rules.iter().take_while(|(_, fits)| *fits != Fits::Owns);
    if explained.rules.iter().any(|(_, fits)| *fits == Fits::Owns) {
        for (rule, fits) in above {
            prop_assert!(matches!(fits, Fits::No(_)), "`{rule}` stands above the owner: {fits:?}");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_is_explained_is_what_is_decided(
        (conversation, history) in begun(), rules in rule_set(), now in moment(),
    ) {
        agrees(&explain(&conversation, &history, &rules, now), &decide(&conversation, &history, &rules, now))?;
    }

    #[test]
    fn whatever_is_not_known_yet_is_named(
        seen in sightings(), history in history(), rules in rule_set(), now in moment(),
    ) {
        let conversation = folded(&seen);
        let explained = explain(&conversation, &history, &rules, now);
        agrees(&explained, &decide(&conversation, &history, &rules, now))?;
        if let Decision::Leave { why: Why::NoRuleFits(reasons) } = &explained.decision {
            let told: Vec<_> = explained.rules.iter().filter_map(|(rule, fits)| match fits {
                Fits::No(misfit) => Some((rule.clone(), misfit.clone())),
                _ => None,
            }).collect();
            prop_assert_eq!(&told, reasons);
        }
    }

    #[test]
    fn the_first_step_announced_is_the_one_that_is_decided_on(
        (conversation, history) in begun(), rules in rule_set(), now in moment(),
    ) {
        let explained = explain(&conversation, &history, &rules, now);
        match (&explained.decision, explained.ahead.first()) {
            (Decision::Act { rule, step, due_at, .. }, first) => {
                let first = first.map(|coming| (&coming.rule, coming.step, coming.at));
                prop_assert_eq!(first, Some((rule, *step, *due_at)));
            }
            (Decision::Leave { .. }, first) => prop_assert_eq!(first, None),
            (Decision::Wait { until, .. }, first) => {
                prop_assert!(first.is_none_or(|coming| coming.at >= *until), "{:?}", first);
            }
        }
        let times: Vec<_> = explained.ahead.iter().map(|coming| coming.at).collect();
        prop_assert!(times.is_sorted(), "{:?}", times);
    }

    #[test]
    fn what_nobody_may_touch_nothing_changes(conversation in conversation(), rules in rule_set(), now in moment()) {
        for conversation in [Conversation { gone: true, ..conversation.clone() }, Conversation { ticket: true, ..conversation }] {
            prop_assert!(explain(&conversation, &History::default(), &rules, now).changes.is_empty());
        }
    }
}

const WEEK: &str = r#"
[[rule]]
name = "week"
match.state = ["open", "snoozed"]
[[rule.step]]
after = "5 days"
do = "reply"
body = "Did that solve it?"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;

const DAY: i64 = 86_400;

/// A contact writes at second 10, a teammate answers at second 20, and it was read whole.
fn answered(state: State) -> Conversation {
    let parts = vec![
        part(1, at(10), Actor::Contact, &[Class::ContactReply]),
        part(2, at(20), Actor::Teammate, &[Class::TeammateReply]),
    ];
    let (snapshot, channel) = (Some(fetched(at(20), state, &[])), Some("conversation".to_owned()));
    Conversation::unread(id()).after(&Sighting { parts, snapshot, channel, whole: true, ..Sighting::of(id()) }, None)
}

fn told(explained: &Explanation) -> Vec<String> {
    explained.ahead.iter().map(|coming| format!("{} {}", why::at(coming.at), coming.step)).collect()
}

/// The end of a snooze moves the anchor of a rule that counts from it: what was waited for comes later.
#[test]
fn steps_to_come_are_told_with_the_end_of_the_snooze_in_mind() {
    let snoozed = answered(State::Snoozed { until: Some(at(3 * DAY)) });
    for (name, conversation, want) in [
        ("open", answered(State::Open), ["2026-03-07 00:00:20 UTC reply 1", "2026-03-09 00:00:20 UTC close"]),
        ("snoozed", snoozed, ["2026-03-10 00:00:00 UTC reply 1", "2026-03-12 00:00:00 UTC close"]),
    ] {
        assert_eq!(told(&explain(&conversation, &History::default(), &rules(WEEK), at(30))), want, "{name}");
    }
}

#[test]
fn a_step_that_is_due_is_announced_with_the_moment_since_when() {
    let explained = explain(&answered(State::Open), &History::default(), &rules(WEEK), at(9 * DAY));
    assert_eq!(told(&explained), ["2026-03-07 00:00:20 UTC reply 1", "2026-03-13 00:00:00 UTC close"]);
}

/// Each in turn: what somebody could do, and what it would come to.
#[test]
fn what_would_change_it_is_what_decide_says_then() {
    let would = |conversation: &Conversation, history: &History| {
        let explained = explain(conversation, history, &rules(WEEK), at(DAY));
        let told = explained.changes.iter().map(|(change, outlook)| {
            let next = outlook.next.as_ref().map(|coming| format!("{} {}", coming.step, why::at(coming.at)));
            format!("{change:?}: {}", next.unwrap_or_else(|| brief(&outlook.decision)))
        });
        told.collect::<Vec<_>>().join("\n")
    };
    let held = History { hold: Some(Hold { since: at(30), until: None }), ..History::default() };
    insta::assert_snapshot!(would(&answered(State::Open), &History::default()), @r#"
    ContactReplies: leave: no rule fits: `week`: the contact is owed an answer
    TeammateReplies: reply 1 2026-03-08 00:00:01 UTC
    Tagged("autoclose-hold"): leave: held by the tag `autoclose-hold`
    "#);
    insta::assert_snapshot!(would(&answered(State::Closed), &History::default()), @r"
    ContactReplies: leave: no rule fits: `week`: the contact is owed an answer
    Opened: reply 1 2026-03-08 00:00:01 UTC
    ");
    insta::assert_snapshot!(would(&answered(State::Open), &held), @"Released: reply 1 2026-03-07 00:00:20 UTC");
}

/// A glimpse of a conversation, and rules that each ask for one thing that it did not show.
#[test]
fn each_fact_that_a_rule_waits_for_is_named() {
    let glimpse = Sighting { snapshot: Some(fetched(at(20), State::Open, &[])), ..Sighting::of(id()) };
    let known = Conversation::unread(id()).after(&glimpse, None);
    let (turn, wrote) = ("match.waiting_on = \"anyone\"\n", "match.contact_replied = \"any\"\n");
    let rule = |conditions: &str| {
        let step = "step = [{ after = \"1 day\", do = \"close\", silent = true }]";
        rules(&format!("[[rule]]\nname = \"a\"\n{conditions}\n{step}"))
    };
    for (condition, missing) in [
        ("match.last_speaker = \"contact\"", "who spoke last"),
        ("match.team = \"Billing\"", "the team it is assigned to"),
        ("match.assignee = \"7\"", "the teammate it is assigned to"),
        ("match.unassigned = true", "the teammate or team it is assigned to"),
        ("match.attribute.plan = \"pro\"", "its attribute `plan`"),
        ("match.priority = \"high\"", "its priority"),
        ("match.channel = \"email\"", "its channel"),
        ("match.delivered_as = \"automated\"", "its beginning"),
        ("match.ai_resolution = \"escalated\"", "its AI resolution"),
        ("match.rated = true", "whether it is rated"),
        ("match.created_before = 2026-01-01", "when it began"),
    ] {
        let explained = explain(&known, &History::default(), &rule(&format!("{turn}{wrote}{condition}")), at(30));
        let told: Vec<_> = explained.missing.iter().map(ToString::to_string).collect();
        assert_eq!(told, [missing], "{condition}");
        assert_eq!(explained.rules[0].1, Fits::Unknown(explained.missing));
    }
    for (conditions, missing) in [(turn, Missing::ContactWrote), (wrote, Missing::Turn)] {
        assert_eq!(explain(&known, &History::default(), &rule(conditions), at(30)).missing, [missing]);
    }
    let mut assigned = known;
    let facts = &mut assigned.snapshot.as_mut().unwrap().facts;
    facts.team_assignee_id = Some(Some("5".to_owned()));
    let not_billing = rule(&format!("{turn}{wrote}match.not_team = \"Billing\""));
    let explained = explain(&assigned, &History::default(), &not_billing, at(30));
    assert_eq!(explained.missing, [Missing::Name { what: "team", name: "Billing".to_owned() }]);
}
