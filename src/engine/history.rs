//! What the daemon itself has done to a conversation, as far as deciding needs it.

use jiff::Timestamp;

use super::conversation::PartId;
use super::facts::Change;
use super::rule::{RuleName, StateName, StepId, StepKind};

/// Everything the daemon did to one conversation, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Attempts, one per (period, step).
    pub attempts: Vec<Attempt>,
    /// An operator's word that it is to be left alone; also one that has ended.
    pub hold: Option<Hold>,
}

/// An operator's word that a conversation is to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// When it was given.
    pub since: Timestamp,
    /// When it ends by itself; `None` if it does not.
    pub until: Option<Timestamp>,
}

/// One step of one period: what was tried and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The rule.
    pub rule: RuleName,
    /// The step.
    pub step: StepId,
    /// The moment that the period counts from. Together with the rule it is the period.
    pub anchor_at: Timestamp,
    /// When the step was due.
    pub due_at: Timestamp,
    /// How it stands.
    pub phase: Phase,
    /// When the call was sent last, on Intercom's clock; `None` if nothing was ever sent.
    pub sent_at: Option<Timestamp>,
    /// When it was done, on Intercom's clock: the time of our part.
    pub done_at: Option<Timestamp>,
    /// The parts that the attempt made, as far as they are known.
    pub deeds: Vec<Deed>,
    /// [`digest`](super::rule::digest) of the message template, if the call carried a message.
    pub template: Option<String>,
    /// Keyed digest of the text that was sent, to know it again.
    pub text: Option<String>,
    /// The end of the snooze that the conversation was in just before, if it was.
    pub snoozed_until: Option<Timestamp>,
    /// What it changed of the facts, if it took effect.
    pub changes: Vec<Change>,
    /// An operator has had it taken back.
    pub undone: Option<Undone>,
}

/// An operator's word that a close is taken back. The parts that this made are among the attempt's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undone {
    /// When he gave it: written down before the call that opens the conversation.
    pub at: Timestamp,
    /// How that call went is not known, or not all of it is done.
    pub awaited: bool,
}

/// A part that the daemon made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deed {
    /// When, on Intercom's clock.
    pub at: Timestamp,
    /// Its id; `None` if the answer that named it was lost.
    pub part: Option<PartId>,
}

impl Attempt {
    /// A message to the contact left, or may have left: also where what became of it was never found out.
    pub fn spoke(&self) -> bool {
        self.step.kind != StepKind::Note && self.wrote()
    }

    /// A message to the contact or a note for the team left, or may have left.
    pub fn wrote(&self) -> bool {
        self.template.is_some()
            && self.sent_at.is_some()
            && matches!(self.phase, Phase::Done | Phase::Raced | Phase::Unclear { .. } | Phase::Failed)
    }

    /// It took effect, and that was not taken back.
    pub fn done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Some of it took effect, or all, and that was not taken back: a refusal or a lost answer may have broken it off.
    pub fn took_hold(&self) -> bool {
        let broken_off = matches!(self.phase, Phase::Open | Phase::Parked { .. } | Phase::Failed);
        self.done() || (broken_off && !self.deeds.is_empty())
    }

    /// It ended a snooze without meaning to.
    pub fn woke_a_snooze(&self) -> bool {
        self.step.kind.wakes() && self.snoozed_until.is_some()
    }

    /// The end of the snooze that it began, if it began one.
    pub fn snoozes_until(&self) -> Option<Timestamp> {
        self.changes.iter().find_map(|change| match change {
            Change::State { until, .. } => *until,
            _ => None,
        })
    }

    /// The state that it changed, as it was before, if it changed any.
    pub fn state_found(&self) -> Option<StateName> {
        self.changes.iter().find_map(|change| match change {
            Change::State { was, .. } => Some(*was),
            _ => None,
        })
    }

    /// The conversation was closed by it, and that was not taken back.
    pub fn closed(&self) -> bool {
        self.step.kind == StepKind::Close && self.done() && self.undone.is_none()
    }
}

/// How an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing was sent, or nothing took effect: taken up again when due.
    Open,
    /// A call may be on its way, or its answer was lost: looked into at `look_at`, never repeated blindly.
    Unclear {
        /// When to look.
        look_at: Timestamp,
    },
    /// Refused for now.
    Parked {
        /// When to try again.
        until: Timestamp,
    },
    /// Done.
    Done,
    /// Done, and taken back because a contact had spoken meanwhile.
    Raced,
    /// Passed over on purpose; counts as done at its due time.
    Passed,
    /// Refused for good, or its answer was lost for good.
    Failed,
    /// An operator has discarded it from the backlog: nothing more is done in this period.
    Discarded,
}
