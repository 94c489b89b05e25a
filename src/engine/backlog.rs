//! What was put aside for an operator, against what is decided now.
//!
//! Owns: whether an entry still stands, and what the conversation's `due_at` comes to with it. Refuses: putting anything
//! aside; that is for `safety`. It never changes a decision, it only keeps one waiting.

use jiff::Timestamp;

use super::decide::Decision;
use super::rule::{RuleName, StepId};
use super::why::Why;

/// A due step that waits for an operator, or that one has let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The rule.
    pub rule: RuleName,
    /// The step.
    pub step: StepId,
    /// The moment that the period counts from.
    pub anchor_at: Timestamp,
    /// When an operator lets it go; `None`: it waits.
    pub release_at: Option<Timestamp>,
}

/// How an entry stands with a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// This step is due, and waits for an operator.
    Waits,
    /// This step is due, and an operator lets it go then.
    LetGo(Timestamp),
    /// Something else keeps it from being done for now, and says nothing of the step itself.
    Unsaid,
    /// It is about something else by now.
    Over,
}

impl Entry {
    /// Whether it is about this step of this period.
    pub fn is(&self, rule: &RuleName, step: StepId, anchor_at: Timestamp) -> bool {
        (&self.rule, self.step, self.anchor_at) == (rule, step, anchor_at)
    }

    /// How it stands with what is decided now.
    pub fn stands(&self, decision: &Decision) -> Stands {
        match decision {
            Decision::Act { rule, step, anchor_at, .. } if self.is(rule, *step, *anchor_at) => {
                self.release_at.map_or(Stands::Waits, Stands::LetGo)
            }
            Decision::Wait { next: Some((rule, step)), .. } if (rule, *step) != (&self.rule, self.step) => Stands::Over,
            Decision::Wait { why, .. } | Decision::Leave { why } if keeps(why) => Stands::Unsaid,
            Decision::Act { .. } | Decision::Wait { .. } | Decision::Leave { .. } => Stands::Over,
        }
    }
}

/// Whether this may pass and leave the step as due as it was: somebody's word, an hour, a fact that is not known.
fn keeps(why: &Why) -> bool {
    match why {
        Why::UntilItWakes(why) => keeps(why),
        Why::OutsideHours
        | Why::OnHold { .. }
        | Why::Held { .. }
        | Why::NotRead
        | Why::Unclear
        | Why::Parked
        | Why::Overslept { .. }
        | Why::JustWritten { .. } => true,
        // Anything else follows from what somebody has said or done since, or from other rules.
        _ => false,
    }
}

/// When the conversation is to be looked at next, and whether its entry is over.
pub fn due_at(decision: &Decision, entry: Option<&Entry>) -> (Option<Timestamp>, bool) {
    match entry.map(|entry| entry.stands(decision)) {
        None | Some(Stands::Unsaid) => (decision.due_at(), false),
        Some(Stands::Waits) => (None, false),
        Some(Stands::LetGo(at)) => (decision.due_at().map(|due| due.max(at)), false),
        Some(Stands::Over) => (decision.due_at(), true),
    }
}
