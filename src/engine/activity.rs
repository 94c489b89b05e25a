//! Who did what, when: a part of a conversation reduced to what rules look at, never its text.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

/// Id of a conversation part. Compared as a number; an opening message comes before every part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartId {
    /// The opening message (`source.id`); written `source:ID`.
    Source(u64),
    /// An ordinary part.
    Part(u64),
}

impl fmt::Display for PartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PartId::Source(id) => write!(f, "source:{id}"),
            PartId::Part(id) => write!(f, "{id}"),
        }
    }
}

impl std::str::FromStr for PartId {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<PartId, Self::Err> {
        match text.strip_prefix("source:") {
            Some(id) => id.parse().map(PartId::Source),
            None => text.parse().map(PartId::Part),
        }
    }
}

/// What kind of thing happened. One part can be several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A contact said something.
    ContactReply,
    /// A teammate said something that the contact can see.
    TeammateReply,
    /// A bot, a workflow or an app said something.
    BotReply,
    /// The daemon itself did it.
    Own,
    /// An internal note.
    Note,
    /// Assigned to a teammate, a team or nobody.
    Assigned,
    /// Snoozed.
    Snoozed,
    /// The snooze ended, by its timer or by hand.
    Unsnoozed,
    /// Opened again.
    Opened,
    /// Closed.
    Closed,
    /// The contact rated the conversation.
    Rated,
    /// The contact read it.
    Read,
    /// Anything else.
    Other,
}

impl Class {
    /// Every class with its name in configuration, journal and database.
    pub const NAMES: [(Class, &'static str); 13] = [
        (Class::ContactReply, "contact_reply"),
        (Class::TeammateReply, "teammate_reply"),
        (Class::BotReply, "bot_reply"),
        (Class::Own, "own"),
        (Class::Note, "note"),
        (Class::Assigned, "assigned"),
        (Class::Snoozed, "snoozed"),
        (Class::Unsnoozed, "unsnoozed"),
        (Class::Opened, "opened"),
        (Class::Closed, "closed"),
        (Class::Rated, "rated"),
        (Class::Read, "read"),
        (Class::Other, "other"),
    ];

    /// The name in configuration, journal and database.
    pub fn name(self) -> &'static str {
        Class::NAMES.iter().find(|(class, _)| *class == self).map_or("other", |(_, name)| name)
    }

    /// The class of that name.
    pub fn from_name(name: &str) -> Option<Class> {
        Class::NAMES.iter().find(|(_, known)| *known == name).map(|(class, _)| *class)
    }

    /// Whether somebody spoke, as against did something.
    pub fn speaks(self) -> bool {
        matches!(self, Class::ContactReply | Class::TeammateReply | Class::BotReply)
    }

    /// Whether the conversation's state changed by it.
    pub fn changes_state(self) -> bool {
        matches!(self, Class::Snoozed | Class::Unsnoozed | Class::Opened | Class::Closed)
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// A user, lead, contact or visitor.
    Contact,
    /// A person of the team.
    Teammate,
    /// Fin, Operator, a workflow or an app.
    Bot,
    /// Nobody: the timer of a snooze.
    Timer,
    /// Not said.
    Unknown,
}

impl Actor {
    /// Every actor with its name in the database.
    pub const NAMES: [(Actor, &'static str); 5] = [
        (Actor::Contact, "contact"),
        (Actor::Teammate, "teammate"),
        (Actor::Bot, "bot"),
        (Actor::Timer, "timer"),
        (Actor::Unknown, "unknown"),
    ];

    /// The name in the database.
    pub fn name(self) -> &'static str {
        Actor::NAMES.iter().find(|(actor, _)| *actor == self).map_or("unknown", |(_, name)| name)
    }

    /// The actor of that name.
    pub fn from_name(name: &str) -> Option<Actor> {
        Actor::NAMES.iter().find(|(_, known)| *known == name).map(|(actor, _)| *actor)
    }

    /// A person, as against a machine.
    pub fn is_person(self) -> bool {
        matches!(self, Actor::Contact | Actor::Teammate)
    }
}

/// A conversation part or opening message, reduced to what matters: who did what, when. Never its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Intercom's id. `None` when it came without one (a rating told without its part, a time from statistics).
    pub id: Option<PartId>,
    /// When, in whole seconds.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// Id of the admin, if one did it.
    pub admin_id: Option<String>,
    /// What it was; at least one class, never [`Class::Own`]: that is for [`decide()`](crate::engine::decide()) to say.
    pub classes: BTreeSet<Class>,
    /// Keyed digest of the text, kept of admins' parts to tell our own from others'.
    pub digest: Option<String>,
    /// [`digest`](super::rule::digest)s of our templates that its text may have been made from; kept of admins' parts.
    pub reads_as: BTreeSet<String>,
}

/// One class of activity by one actor, with its moment. The latest of each is what rules look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// What.
    pub class: Class,
    /// Who.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// Which part.
    pub part: Option<PartId>,
}

impl Activity {
    /// Orders activities of different classes: by time, a contact's reply last within a second.
    pub fn order(&self) -> (i64, bool, Option<PartId>) {
        (self.at.as_second(), self.class == Class::ContactReply, self.part)
    }
}
