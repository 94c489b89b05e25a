//! What an operator was to see to, against what is decided now.

use super::world::step;
use super::*;
use crate::engine::backlog::{Entry, Stands, due_at};
use crate::engine::rule::{After, StepId};

/// Step `reply 1` of `quiet`, counted from second 20; due at 100, asked at 200.
fn entry(release_at: Option<i64>) -> Entry {
    Entry { rule: "quiet".into(), step: step("reply 1"), anchor_at: at(20), release_at: release_at.map(at) }
}

fn because() -> Why {
    let since = Activity { class: Class::TeammateReply, actor: Actor::Teammate, at: at(20), part: None };
    Why::Quiet { since, after: After::Time(hours(1)) }
}

fn acts(rule: &str, step: StepId, anchor: i64) -> Decision {
    let (action, why) = (Action::Open, because());
    Decision::Act { rule: rule.into(), step, anchor_at: at(anchor), due_at: at(100), action, why }
}

fn waits(next: Option<(&str, &str)>, why: Why) -> Decision {
    Decision::Wait { until: at(300), next: next.map(|(rule, name)| (rule.into(), step(name))), why }
}

#[test]
fn an_entry_stands_while_its_step_is_due_or_only_kept_from_being_done() {
    let this = Some(("quiet", "reply 1"));
    let asleep = |why| Why::UntilItWakes(Box::new(why));
    let kept_back = [
        Why::OutsideHours,
        Why::OnHold { until: None },
        Why::Held { tag: "wait".into() },
        Why::NotRead,
        Why::Unclear,
        Why::Parked,
        Why::Overslept { since: at(1) },
        Why::JustWritten { rule: "other".into() },
        asleep(Why::Parked),
    ];
    for why in kept_back {
        assert_eq!(entry(None).stands(&Decision::Leave { why: why.clone() }), Stands::Unsaid, "{why}");
        assert_eq!(entry(None).stands(&waits(None, why.clone())), Stands::Unsaid, "{why}");
        assert_eq!(entry(None).stands(&waits(this, why.clone())), Stands::Unsaid, "{why}");
        for next in [("quiet", "close"), ("other", "reply 1")] {
            assert_eq!(entry(None).stands(&waits(Some(next), why.clone())), Stands::Over, "{why}");
        }
    }
    for why in [because(), Why::Closed, Why::LadderDone, Why::NoRuleFits(Vec::new()), asleep(Why::Owed)] {
        assert_eq!(entry(None).stands(&Decision::Leave { why: why.clone() }), Stands::Over, "{why}");
        assert_eq!(entry(None).stands(&waits(this, why.clone())), Stands::Over, "{why}");
    }
}

/// When it is looked at next, and whether the entry is over.
#[test]
fn what_waits_for_an_operator_is_due_when_he_says_and_not_before_its_time() {
    let due = acts("quiet", step("reply 1"), 20);
    for (name, decision, entry, want) in [
        ("nothing was put aside", due.clone(), None, (Some(100), false)),
        ("it waits", due.clone(), Some(entry(None)), (None, false)),
        ("let go later", due.clone(), Some(entry(Some(250))), (Some(250), false)),
        ("let go before it was due", due, Some(entry(Some(50))), (Some(100), false)),
        ("another rule's", acts("other", step("reply 1"), 20), Some(entry(None)), (Some(100), true)),
        ("another step", acts("quiet", step("close"), 20), Some(entry(None)), (Some(100), true)),
        ("another period", acts("quiet", step("reply 1"), 21), Some(entry(None)), (Some(100), true)),
        ("outside hours", waits(Some(("quiet", "reply 1")), Why::OutsideHours), Some(entry(None)), (Some(300), false)),
        ("left for good", Decision::Leave { why: Why::Closed }, Some(entry(Some(250))), (None, true)),
        ("held by a tag", Decision::Leave { why: Why::Held { tag: "wait".into() } }, Some(entry(None)), (None, false)),
    ] {
        let (due, over) = due_at(&decision, entry.as_ref());
        assert_eq!((due, over), (want.0.map(at), want.1), "{name}");
    }
}
