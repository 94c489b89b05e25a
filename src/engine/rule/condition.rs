//! What a rule fits: its conditions and the words they are written in.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Named;
use crate::engine::facts::AttributeValue;

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
    /// Assigned to one of these teams; empty is no condition.
    pub team: Vec<Named>,
    /// Assigned to none of these teams.
    pub not_team: Vec<Named>,
    /// Assigned to one of these teammates; empty is no condition.
    pub assignee: Vec<Named>,
    /// Assigned to none of these teammates.
    pub not_assignee: Vec<Named>,
    /// Assigned to neither teammate nor team, or (`false`) to one of them.
    pub unassigned: Option<bool>,
    /// Attributes by name, each with the values of which it has one.
    pub attributes: BTreeMap<String, Vec<AttributeValue>>,
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
            team: Vec::new(),
            not_team: Vec::new(),
            assignee: Vec::new(),
            not_assignee: Vec::new(),
            unassigned: None,
            attributes: BTreeMap::new(),
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

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        Speaker::NAMES.iter().find(|(speaker, _)| *speaker == self).map_or("contact", |(_, name)| name)
    }

    /// As people say it.
    pub fn said(self) -> &'static str {
        match self {
            Speaker::Contact => "the contact",
            Speaker::Teammate => "a teammate",
            Speaker::Bot => "a bot",
        }
    }
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
