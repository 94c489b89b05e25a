//! What an operator asks for: rules, their conditions and their steps.
//!
//! Owns: the checked form of the configuration. [`config`](crate::config) builds it and refuses what it cannot mean.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::calendar::Calendar;
use super::conversation::Class;

mod condition;
mod names;
mod step;

pub use condition::{ContactReplied, Match, Speaker, StateName, WaitingOn};
pub use names::{Called, Named};
pub use step::{Act, After, Assignment, Labels, Setting, Step, StepId, StepKind, UnknownStep};

/// A rule's name; it identifies the rule through edits and restarts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleName(pub Arc<str>);

impl RuleName {
    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RuleName {
    fn from(name: &str) -> RuleName {
        RuleName(name.into())
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All rules in order, with what holds for every one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    /// The first rule whose match fits owns the conversation.
    pub rules: Vec<Rule>,
    /// Names of tags that keep every rule away.
    pub hold_tags: Vec<String>,
    /// How often a conversation is closed without a contact's reply in between.
    pub max_auto_closes: u32,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, unique.
    pub name: RuleName,
    /// What it fits.
    pub matches: Match,
    /// The classes of activity whose latest is the anchor; never empty.
    pub counts_from: Vec<Class>,
    /// What a person's reopening after our close means.
    pub after_reopen: AfterReopen,
    /// Only the hours of this calendar count; `None` counts every hour.
    pub clock: Option<Arc<Calendar>>,
    /// Nothing is done outside the hours of this calendar; `None` is at any time.
    pub act_only: Option<Arc<Calendar>>,
    /// What it does, in order, at most one close, and that last. None at all (`leave = true`): what the rule fits is
    /// left alone by all rules below.
    pub steps: Vec<Step>,
}

/// What follows when a person reopens what the daemon closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterReopen {
    /// Stay away until a contact or teammate speaks.
    WaitForReply,
    /// Count again.
    CountAgain,
}

impl Rule {
    /// The moment so far behind `at` on the rule's clock; the end of time if it lies beyond what can be told.
    pub fn later(&self, at: Timestamp, by: After) -> Timestamp {
        let later = match (by, &self.clock) {
            (After::Time(by), None) => at.checked_add(by).ok(),
            (After::Time(by), Some(clock)) => clock.after(at, by),
            (After::WorkingDays(days), Some(clock)) => clock.after_working_days(at, days),
            (After::WorkingDays(_), None) => None,
        };
        later.unwrap_or(Timestamp::MAX)
    }

    /// The first moment from `at` on at which the rule may act.
    pub fn may_act_from(&self, at: Timestamp) -> Timestamp {
        self.act_only.as_ref().map_or(at, |hours| hours.next_open(at).unwrap_or(Timestamp::MAX))
    }

    /// For how long the hours in which it may act were closed, the last time that they were between the two.
    pub fn closed_before(&self, since: Timestamp, now: Timestamp) -> SignedDuration {
        let Some(calendar) = &self.act_only else { return SignedDuration::ZERO };
        let (mut at, mut closed) = (since, SignedDuration::ZERO);
        loop {
            let end = calendar.open_until(at).unwrap_or(at);
            match calendar.next_open(end).filter(|next| *next <= now && *next > at) {
                Some(next) => (at, closed) = (next, next.duration_since(end)),
                None => return closed,
            }
        }
    }

    /// The close step, if the rule has one.
    pub fn close(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.id.kind == StepKind::Close)
    }
}

/// Identifies a template by its text, so that a message is known again through renamed rules and moved steps.
pub fn digest(template: &str) -> String {
    hex::encode(&Sha256::digest(template.as_bytes())[..16])
}
