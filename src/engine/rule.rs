//! What an operator asks for: rules, their conditions and their steps.
//!
//! Owns: the checked form of the configuration. [`config`](crate::config) builds it and refuses what it cannot mean.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::calendar::Calendar;
use super::conversation::Class;

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

/// The conditions of a rule; all must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// One of these states; `None` is any but closed.
    pub state: Option<Vec<StateName>>,
    /// Whose turn it is, looking at people only.
    pub waiting_on: WaitingOn,
    /// Who spoke last; empty is no condition.
    pub last_speaker: Vec<Speaker>,
    /// The longest snooze that is no promise of a teammate's, from its beginning to its end.
    pub snooze_at_most: Option<SignedDuration>,
    /// At least one of these tags, by name; empty is no condition.
    pub tags: Vec<String>,
    /// All of these tags, by name.
    pub all_tags: Vec<String>,
    /// None of these tags, by name.
    pub not_tags: Vec<String>,
    /// Assigned to neither teammate nor team, or (`false`) to one of them.
    pub unassigned: Option<bool>,
    /// One of these priorities: none, low, medium, high, urgent; empty is no condition.
    pub priority: Vec<String>,
    /// One of these channels (`source.type`); empty is no condition.
    pub channel: Vec<String>,
    /// Begun in one of these ways (`source.delivered_as`); empty is no condition.
    pub delivered_as: Vec<String>,
    /// Whether a contact must have written.
    pub contact_replied: ContactReplied,
    /// Fin's resolution is one of these; empty is no condition.
    pub ai_resolution: Vec<String>,
    /// Fin's resolution is none of these. Without Fin there is none, which fits.
    pub not_ai_resolution: Vec<String>,
    /// Rated by the contact, or (`false`) not.
    pub rated: Option<bool>,
    /// Begun at or after this.
    pub created_after: Option<Timestamp>,
    /// Begun before this.
    pub created_before: Option<Timestamp>,
}

impl Default for Match {
    fn default() -> Match {
        Match {
            state: None,
            waiting_on: WaitingOn::Contact,
            last_speaker: Vec::new(),
            snooze_at_most: None,
            tags: Vec::new(),
            all_tags: Vec::new(),
            not_tags: Vec::new(),
            unassigned: None,
            priority: Vec::new(),
            channel: Vec::new(),
            delivered_as: Vec::new(),
            contact_replied: ContactReplied::Yes,
            ai_resolution: Vec::new(),
            not_ai_resolution: Vec::new(),
            rated: None,
            created_after: None,
            created_before: None,
        }
    }
}

/// A state as rules name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateName {
    /// Open, woken included.
    Open,
    /// Snoozed.
    Snoozed,
    /// Open again because the snooze ran out, and nobody has done anything since.
    Woken,
}

impl StateName {
    /// Every state with its name in the configuration.
    pub const NAMES: [(StateName, &'static str); 3] =
        [(StateName::Open, "open"), (StateName::Snoozed, "snoozed"), (StateName::Woken, "woken")];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        StateName::NAMES.iter().find(|(state, _)| *state == self).map_or("open", |(_, name)| name)
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitingOn {
    /// The last reply by a person is a teammate's.
    Contact,
    /// The last reply by a person is a contact's.
    Teammate,
    /// No matter whose.
    Anyone,
}

impl WaitingOn {
    /// Every value with its name in the configuration.
    pub const NAMES: [(WaitingOn, &'static str); 3] =
        [(WaitingOn::Contact, "contact"), (WaitingOn::Teammate, "teammate"), (WaitingOn::Anyone, "anyone")];
}

/// Who spoke, people and machines alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Speaker {
    /// A contact.
    Contact,
    /// A teammate.
    Teammate,
    /// A bot, a workflow or an app.
    Bot,
}

impl Speaker {
    /// Every speaker with its name in the configuration.
    pub const NAMES: [(Speaker, &'static str); 3] =
        [(Speaker::Contact, "contact"), (Speaker::Teammate, "teammate"), (Speaker::Bot, "bot")];
}

/// Whether the contact has ever written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactReplied {
    /// A contact wrote at least once.
    Yes,
    /// No contact ever wrote.
    No,
    /// No matter.
    Any,
}

/// What follows when a person reopens what the daemon closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterReopen {
    /// Stay away until a contact or teammate speaks.
    WaitForReply,
    /// Count again.
    CountAgain,
}

/// One step of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which step, stable through edits of the others.
    pub id: StepId,
    /// Distance from the anchor; strictly more than the step before, and of the same kind in all steps of a rule.
    pub after: After,
    /// What is done.
    pub act: Act,
    /// Channels (`source.type`) that its text may go out on.
    pub channels: Vec<String>,
}

/// A distance from the anchor, or between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum After {
    /// Time that passes, on the rule's clock if it has one.
    Time(SignedDuration),
    /// Working days of the rule's clock.
    WorkingDays(u32),
}

impl After {
    /// What is left of it after another one of the same kind.
    #[must_use]
    pub fn less(self, other: After) -> After {
        match (self, other) {
            (After::Time(all), After::Time(part)) => After::Time(all.saturating_sub(part)),
            (After::WorkingDays(all), After::WorkingDays(part)) => After::WorkingDays(all.saturating_sub(part)),
            (all, _) => all,
        }
    }
}

/// A step's identity: its kind, and its place among the rule's steps of that kind. Written `reply 1`, `close`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId {
    /// The kind.
    pub kind: StepKind,
    /// 1 for the first of its kind.
    pub nth: u32,
}

/// The kind of a step: the value of `do`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// A message that the contact sees.
    Reply,
    /// Closing, with or without a last word.
    Close,
}

impl StepKind {
    /// Every kind with its name in configuration, journal and database.
    pub const NAMES: [(StepKind, &'static str); 2] = [(StepKind::Reply, "reply"), (StepKind::Close, "close")];

    /// The name in configuration, journal and database.
    pub fn name(self) -> &'static str {
        match self {
            StepKind::Reply => "reply",
            StepKind::Close => "close",
        }
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            StepKind::Close => f.write_str("close"),
            StepKind::Reply => write!(f, "reply {}", self.nth),
        }
    }
}

impl std::str::FromStr for StepId {
    type Err = UnknownStep;
    fn from_str(text: &str) -> Result<StepId, UnknownStep> {
        let (kind, nth) = text.split_once(' ').unwrap_or((text, "1"));
        let kind = StepKind::NAMES.iter().find(|(_, name)| *name == kind).map(|(kind, _)| *kind);
        match (kind, nth.parse()) {
            (Some(kind), Ok(nth)) => Ok(StepId { kind, nth }),
            _ => Err(UnknownStep),
        }
    }
}

/// The text names no step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such step")]
pub struct UnknownStep;

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Sends a message.
    Reply {
        /// Template of the text.
        body: Arc<str>,
    },
    /// Closes.
    Close {
        /// Template of the last word; `None` closes silently.
        body: Option<Arc<str>>,
    },
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

    /// The close step, if the rule has one.
    pub fn close(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.id.kind == StepKind::Close)
    }
}

impl Act {
    /// Template of the message that goes with it.
    pub fn body(&self) -> Option<&Arc<str>> {
        match self {
            Act::Reply { body } => Some(body),
            Act::Close { body } => body.as_ref(),
        }
    }
}

/// Identifies a template by its text, so that a message is known again through renamed rules and moved steps.
pub fn digest(template: &str) -> String {
    hex::encode(&Sha256::digest(template.as_bytes())[..16])
}
