//! What an attempt goes through: claimed, about to be sent, settled, followed up.

use jiff::Timestamp;

use crate::engine::Wish;
use crate::engine::conversation::{ConversationId, Moment};
use crate::engine::facts::Change;
use crate::engine::history::Deed;
use crate::engine::rule::{RuleName, StepId};

/// A step that is about to be done.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// Our workspace.
    pub app_id: &'a str,
    /// The conversation.
    pub conversation: &'a ConversationId,
    /// The rule.
    pub rule: &'a RuleName,
    /// The step.
    pub step: StepId,
    /// The moment that the period counts from.
    pub anchor_at: Timestamp,
    /// When the step was due.
    pub due_at: Timestamp,
}

/// A claimed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimed {
    /// Its row.
    pub id: i64,
    /// Definite refusals so far.
    pub tries: u32,
    /// Which claim of the row this is: only the last one may write.
    pub turn: i64,
    /// The call has left, or may have: what is settled then is what became of it.
    pub sent: bool,
    /// The line of the journal that stands for it until it is settled, where it has left just now.
    pub line: Option<i64>,
    /// It is within reach: nothing but our own waiting keeps it from being done.
    pub able: bool,
    /// Up to when it was known to be so; `None` if it never was.
    pub able_until: Option<Timestamp>,
    /// An operator has let it go from the backlog.
    pub released: bool,
}

/// What is written down before a call, so that its fate can be found out if the answer is lost.
#[derive(Debug, Clone)]
pub struct Sending {
    /// Now, on Intercom's clock.
    pub sent_at: Timestamp,
    /// When to look, should no answer come.
    pub look_at: Timestamp,
    /// Digest of the message template; `None` for a silent deed.
    pub template: Option<String>,
    /// Keyed digest of the text.
    pub digest: Option<String>,
    /// End of the snooze that the conversation is in.
    pub snoozed_until: Option<Timestamp>,
    /// The contact's last reply, as just read.
    pub contact: Option<Moment>,
    /// What it will have changed of the facts.
    pub changes: Vec<Change>,
    /// What is to become so once it is done.
    pub wishes: Vec<Wish>,
}

/// What is known of a deed whose call was answered, while it is not settled yet.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The parts that were made so far.
    pub deeds: &'a [Deed],
    /// When to look, should it not be settled.
    pub look_at: Timestamp,
    /// A snooze was woken by it that must be restored, whatever becomes of the rest.
    pub restore_snooze: bool,
}

/// What the decision looked at, for the journal: a JSON object.
#[derive(Debug, Clone)]
pub struct Inputs(pub String);

/// How an attempt ended, or stands.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Done.
    Done {
        /// When.
        at: Timestamp,
        /// The parts that were made; none if it was so already.
        deeds: Vec<Deed>,
        /// It woke a snooze that must be restored.
        restore_snooze: bool,
        /// The reason, in words.
        why: String,
    },
    /// Done, but a contact had spoken meanwhile.
    Raced {
        /// The part that was made.
        deed: Deed,
        /// The conversation is still closed and must be opened again.
        reopen: bool,
        /// The reason, in words.
        why: String,
    },
    /// Not done, as things had changed; taken up again should they change back.
    Left(String),
    /// Not done now; taken up again.
    Deferred(String),
    /// Not done now; a budget is used up until then.
    Later {
        /// Until then.
        until: Timestamp,
        /// The reason, in words.
        why: String,
    },
    /// Not done until an operator says so.
    PutAside {
        /// What the backlog says of it.
        reason: String,
        /// The reason, in words.
        why: String,
    },
    /// Decided, but nothing is sent in dry-run.
    DryRun {
        /// It would have said something to the contact.
        speaks: bool,
        /// The reason, in words.
        why: String,
    },
    /// The answer was lost.
    Unclear {
        /// When to look.
        look_at: Timestamp,
        /// The reason, in words.
        why: String,
    },
    /// Refused; tried again later.
    Parked {
        /// When.
        until: Timestamp,
        /// The reason, in words.
        why: String,
    },
    /// Passed over on purpose.
    Passed(String),
    /// Refused for good.
    Failed(String),
    /// The answer was lost and what became of the call could not be found out: over, but its message may have left.
    Lost(String),
}

impl Outcome {
    /// The word in journal, metrics and database.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Done { .. } => "done",
            Outcome::Raced { .. } => "raced",
            Outcome::Left(_) | Outcome::Passed(_) => "left",
            Outcome::Deferred(_) | Outcome::Later { .. } | Outcome::PutAside { .. } | Outcome::Parked { .. } => {
                "deferred"
            }
            Outcome::DryRun { .. } => "dry_run",
            Outcome::Unclear { .. } => "unclear",
            Outcome::Failed(_) | Outcome::Lost(_) => "failed",
        }
    }

    /// The reason, in words.
    pub fn why(&self) -> &str {
        match self {
            Outcome::Done { why, .. }
            | Outcome::Raced { why, .. }
            | Outcome::Unclear { why, .. }
            | Outcome::Parked { why, .. }
            | Outcome::Later { why, .. }
            | Outcome::PutAside { why, .. }
            | Outcome::DryRun { why, .. }
            | Outcome::Left(why)
            | Outcome::Deferred(why)
            | Outcome::Passed(why)
            | Outcome::Failed(why)
            | Outcome::Lost(why) => why,
        }
    }

    pub(super) fn phase(&self) -> &'static str {
        match self {
            Outcome::Done { .. } => "done",
            Outcome::Raced { .. } => "raced",
            Outcome::Left(_)
            | Outcome::Deferred(_)
            | Outcome::Later { .. }
            | Outcome::PutAside { .. }
            | Outcome::DryRun { .. } => "open",
            Outcome::Unclear { .. } => "unclear",
            Outcome::Parked { .. } => "parked",
            Outcome::Passed(_) => "passed",
            Outcome::Failed(_) | Outcome::Lost(_) => "failed",
        }
    }

    /// When it was done, and the parts that it made.
    pub(super) fn done(&self) -> Option<(Timestamp, Vec<Deed>)> {
        match self {
            Outcome::Done { at, deeds, .. } => Some((*at, deeds.clone())),
            Outcome::Raced { deed, .. } => Some((deed.at, vec![*deed])),
            _ => None,
        }
    }

    pub(super) fn look_at(&self) -> Option<Timestamp> {
        match self {
            Outcome::Unclear { look_at, .. } => Some(*look_at),
            Outcome::Parked { until, .. } | Outcome::Later { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// What the backlog says of it, if that is where it goes.
    pub(super) fn put_aside(&self) -> Option<&str> {
        match self {
            Outcome::PutAside { reason, .. } => Some(reason),
            _ => None,
        }
    }

    pub(super) fn follow_up(&self) -> Option<&'static str> {
        match self {
            Outcome::Done { restore_snooze: true, .. } => Some(FollowUp::RestoreSnooze.name()),
            Outcome::Raced { reopen: true, .. } => Some(FollowUp::Reopen.name()),
            _ => None,
        }
    }

    /// Nothing will ever be tried again for it.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.phase(), "done" | "raced" | "passed" | "failed")
    }

    /// Intercom said no to it.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Outcome::Parked { .. } | Outcome::Failed(_))
    }

    /// Certainly nothing of it reached the conversation.
    pub(super) fn without_effect(&self) -> bool {
        !matches!(self, Outcome::Done { .. } | Outcome::Raced { .. } | Outcome::Unclear { .. } | Outcome::Lost(_))
    }
}

/// An attempt that needs looking after: its answer was lost, or something is still to do.
#[derive(Debug, Clone)]
pub struct Pending {
    /// Its row, as it was claimed last.
    pub claimed: Claimed,
    /// The conversation.
    pub conversation: ConversationId,
    /// The rule.
    pub rule: RuleName,
    /// The step.
    pub step: StepId,
    /// When the call was sent.
    pub sent_at: Timestamp,
    /// Keyed digest of the text that was sent.
    pub digest: Option<String>,
    /// End of the snooze that it was in just before.
    pub snoozed_until: Option<Timestamp>,
    /// The contact's last reply as seen just before.
    pub contact: Option<Moment>,
    /// The parts that it made, as far as known.
    pub deeds: Vec<Deed>,
    /// When our part was made.
    pub done_at: Option<Timestamp>,
    /// What is still to do.
    pub follow_up: Option<FollowUp>,
    /// How often Intercom said no to that.
    pub follow_tries: u32,
    /// What it was to change of the facts.
    pub changes: Vec<Change>,
    /// What is to become so once it is done, as far as it has not yet.
    pub wishes: Vec<Wish>,
}

/// What is still to do after a deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUp {
    /// Snooze the conversation again, as our message woke it.
    RestoreSnooze,
    /// Open the conversation again, as a contact had spoken.
    Reopen,
    /// Put on it what was to follow.
    Wishes,
}

impl FollowUp {
    const NAMES: [(FollowUp, &'static str); 3] =
        [(FollowUp::RestoreSnooze, "restore_snooze"), (FollowUp::Reopen, "reopen"), (FollowUp::Wishes, "wishes")];

    /// The name in the database.
    pub(super) fn name(self) -> &'static str {
        FollowUp::NAMES.iter().find(|(known, _)| *known == self).map_or("wishes", |(_, name)| name)
    }

    pub(super) fn from_name(name: &str) -> Option<FollowUp> {
        FollowUp::NAMES.iter().find(|(_, known)| *known == name).map(|(known, _)| *known)
    }
}

/// How a follow-up ended.
#[derive(Debug, Clone)]
pub enum Followed {
    /// It was done, making this part.
    Done(Deed),
    /// The snooze was restored, making this part; but the contact had spoken meanwhile, so it must be opened.
    ContactSpoke(Deed),
    /// Some wishes came true, making these parts; these are left, to be tried again then.
    Granted {
        /// The parts.
        deeds: Vec<Deed>,
        /// What is left.
        left: Vec<Wish>,
        /// When to try that again; never, if nothing is left or all of it was refused for good.
        again: Option<Timestamp>,
        /// Intercom said no to some of it.
        refused: bool,
        /// What is missing for good, in words.
        missing: Option<String>,
    },
    /// It is not needed any more, for this reason.
    NotNeeded(&'static str),
    /// It could not be done, or its answer was lost; try again then.
    Again(Timestamp),
    /// Intercom said no to it; try again then.
    Refused(Timestamp),
    /// It was refused for good.
    GivenUp(String),
}

/// What was settled, for whoever wants to tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The outcome's word.
    pub outcome: &'static str,
    /// It is new: the journal has a line for it.
    pub news: bool,
    /// Something is still to do after it: see [`FollowUp`].
    pub to_follow: bool,
    /// The rule, if its step is over with this for good.
    pub ended: Option<RuleName>,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// When.
    pub at: Timestamp,
    /// The conversation.
    pub conversation: String,
    /// The rule.
    pub rule: String,
    /// The step.
    pub step: String,
    /// What it does: the step's kind.
    pub does: String,
    /// The outcome.
    pub outcome: String,
    /// Why.
    pub why: String,
    /// What was looked at, as JSON.
    pub inputs: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_reached_the_contact_is_not_forgotten() {
        let why = String::new;
        for (outcome, forgets) in [
            (Outcome::Left(why()), true),
            (Outcome::Failed(why()), true),
            (Outcome::Lost(why()), false),
            (Outcome::Unclear { look_at: Timestamp::UNIX_EPOCH, why: why() }, false),
        ] {
            assert_eq!(outcome.without_effect(), forgets, "{outcome:?}");
        }
    }
}
