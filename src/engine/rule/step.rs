//! What a rule does: its steps, how they are told apart, and what each comes to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;

use super::Named;
use crate::engine::facts::AttributeValue;

/// One step of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which step, stable through edits of the others.
    pub id: StepId,
    /// Distance from the anchor; strictly more than the step before, and of the same kind in all steps of a rule.
    pub after: After,
    /// What is done.
    pub act: Act,
    /// Channels (`source.type`) that its text may go out on, if contacts see it.
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
    /// A note that only the team sees.
    Note,
    /// Closing, with or without a last word.
    Close,
    /// Snoozing for a while.
    Snooze,
    /// Opening, out of a snooze too.
    Open,
    /// Assigning to a team, a teammate, both or nobody.
    Assign,
    /// Attaching tags.
    Tag,
    /// Taking tags off.
    Untag,
    /// Setting attributes, or whether it is read.
    Update,
}

impl StepKind {
    /// Every kind with its name in configuration, journal and database.
    pub const NAMES: [(StepKind, &'static str); 9] = [
        (StepKind::Reply, "reply"),
        (StepKind::Note, "note"),
        (StepKind::Close, "close"),
        (StepKind::Snooze, "snooze"),
        (StepKind::Open, "open"),
        (StepKind::Assign, "assign"),
        (StepKind::Tag, "tag"),
        (StepKind::Untag, "untag"),
        (StepKind::Update, "update"),
    ];

    /// The name in configuration, journal and database.
    pub fn name(self) -> &'static str {
        StepKind::NAMES.iter().find(|(kind, _)| *kind == self).map_or("close", |(_, name)| name)
    }

    /// Whether it writes something: to the contact or to the team.
    pub fn writes(self) -> bool {
        matches!(self, StepKind::Reply | StepKind::Note | StepKind::Close)
    }

    /// Whether it only puts labels on or takes them off: nothing depends on them, and doing it again changes nothing.
    pub fn labels(self) -> bool {
        matches!(self, StepKind::Tag | StepKind::Untag | StepKind::Update)
    }

    /// Whether it ends a snooze without meaning to.
    pub fn wakes(self) -> bool {
        matches!(self, StepKind::Reply | StepKind::Note | StepKind::Assign)
    }

    /// Whether it is there to change the state.
    pub fn changes_state(self) -> bool {
        matches!(self, StepKind::Close | StepKind::Snooze | StepKind::Open)
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            StepKind::Close => f.write_str("close"),
            kind => write!(f, "{} {}", kind.name(), self.nth),
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
    /// Leaves a note.
    Note {
        /// Template of the text.
        body: Arc<str>,
    },
    /// Closes.
    Close {
        /// Template of the last word; `None` closes silently.
        body: Option<Arc<str>>,
        /// What is put on it afterwards.
        labels: Labels,
    },
    /// Snoozes.
    Snooze {
        /// For how long, from when it is done.
        length: SignedDuration,
    },
    /// Opens.
    Open,
    /// Assigns.
    Assign(Assignment),
    /// Puts labels on, or takes them off.
    Label(Labels),
}

/// Whom a conversation is given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignment {
    /// Neither teammate nor team.
    Nobody,
    /// A team, a teammate, or both; at least one of them.
    To {
        /// The team; `None` leaves it as it is.
        team: Option<Named>,
        /// The teammate; `None` leaves them as they are.
        teammate: Option<Named>,
    },
}

/// What is put on a conversation, or taken off. Doing it twice changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// Tags to attach, by name; missing ones are created.
    pub tags: Vec<String>,
    /// Tags to take off, by name.
    pub untag: Vec<String>,
    /// Attributes to set, by name.
    pub set: BTreeMap<String, Setting>,
    /// Whether it is to count as read.
    pub read: Option<bool>,
}

impl Labels {
    /// There is nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Labels::default()
    }

    /// Templates of the attributes that are set.
    pub fn templates(&self) -> impl Iterator<Item = &Arc<str>> {
        self.set.values().filter_map(|setting| match setting {
            Setting::Template(template) => Some(template),
            Setting::Value(_) => None,
        })
    }
}

/// What an attribute is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// A text, from this template.
    Template(Arc<str>),
    /// A number, a truth value or a list of texts.
    Value(AttributeValue),
}

impl Act {
    /// Template of the text that goes with it.
    pub fn body(&self) -> Option<&Arc<str>> {
        match self {
            Act::Reply { body } | Act::Note { body } => Some(body),
            Act::Close { body, .. } => body.as_ref(),
            Act::Snooze { .. } | Act::Open | Act::Assign(_) | Act::Label(_) => None,
        }
    }

    /// What it puts on a conversation or takes off, beside anything else that it does.
    pub fn labels(&self) -> Option<&Labels> {
        match self {
            Act::Label(labels) | Act::Close { labels, .. } => Some(labels),
            Act::Reply { .. } | Act::Note { .. } | Act::Snooze { .. } | Act::Open | Act::Assign(_) => None,
        }
    }

    /// Every template in it: of its text, and of the attributes that it sets.
    pub fn templates(&self) -> impl Iterator<Item = &Arc<str>> {
        self.body().into_iter().chain(self.labels().into_iter().flat_map(Labels::templates))
    }
}
