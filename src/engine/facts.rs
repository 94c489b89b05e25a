//! The facts that rules match on, and what our own deeds change of them.
//!
//! Owns: thinking a change of ours away, so that a rule keeps what it has begun. Refuses: knowing any rule.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::rule::StateName;

/// Whether a conversation is open, snoozed or closed. `open` on the wire is true while snoozed: never use it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Open.
    Open,
    /// Snoozed.
    Snoozed {
        /// When Intercom will open it again; `None` if it did not say.
        until: Option<Timestamp>,
    },
    /// Closed.
    Closed,
}

/// A tag on a conversation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// Intercom's id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// The facts that can change and that rules match on. `None` is *not known*, never zero or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Facts {
    /// Open, snoozed or closed.
    pub state: Option<State>,
    /// Tags, sorted.
    pub tags: Option<Vec<Tag>>,
    /// Teammate it is assigned to; `Some(None)` is nobody.
    pub admin_assignee_id: Option<Option<String>>,
    /// Team it is assigned to; `Some(None)` is none.
    pub team_assignee_id: Option<Option<String>>,
    /// Priority in Intercom's newest words: none, low, medium, high, urgent.
    pub priority: Option<String>,
    /// Fin's resolution (`ai_agent.resolution_state`); `Some(None)` where Fin took no part.
    pub ai_resolution: Option<Option<String>>,
    /// Attributes that rules name; `None` is not set, one that is not here is not known.
    pub attributes: BTreeMap<String, Option<AttributeValue>>,
}

/// The value of an attribute. Compared by type and value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttributeValue {
    /// A text.
    Text(String),
    /// A number, in the one spelling that [`AttributeValue::number`] gives it.
    Number(String),
    /// A truth value.
    Boolean(bool),
    /// A list of texts.
    List(Vec<String>),
    /// Anything else; rules cannot name it.
    Other,
}

impl AttributeValue {
    /// A number; whole ones have no fraction, so that 5 and 5.0 are the same, and zero has no sign.
    pub fn number(number: f64) -> AttributeValue {
        AttributeValue::Number(format!("{}", number + 0.0))
    }
}

/// A fact that a deed of ours changed, as it was before and as it was since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The state.
    State {
        /// Before; if snoozed, until the end that the attempt remembers.
        was: StateName,
        /// The end of the snooze that we set.
        until: Option<Timestamp>,
    },
    /// A tag was attached that was not there.
    Tagged(String),
    /// A tag was taken off that was there.
    Untagged(String),
    /// The teammate it is assigned to; `None` is nobody.
    Teammate {
        /// Before.
        was: Option<String>,
        /// Since.
        is: Option<String>,
    },
    /// The team it is assigned to; `None` is none.
    Team {
        /// Before.
        was: Option<String>,
        /// Since.
        is: Option<String>,
    },
    /// An attribute; `None` is not set.
    Attribute {
        /// Its name.
        name: String,
        /// Before.
        was: Option<AttributeValue>,
        /// Since.
        is: Option<AttributeValue>,
    },
}

impl Change {
    /// Whether the facts are as it left them.
    pub fn stands(&self, facts: &Facts) -> bool {
        facts.clone().without(self) != *facts
    }

    /// It is about the same fact.
    fn same_fact(&self, other: &Change) -> bool {
        match (self, other) {
            (Change::Tagged(one) | Change::Untagged(one), Change::Tagged(other) | Change::Untagged(other)) => {
                one == other
            }
            (Change::Attribute { name: one, .. }, Change::Attribute { name: other, .. }) => one == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl Facts {
    /// The facts as if the change had not been, where it still stands. What somebody has changed since stays.
    #[must_use]
    pub fn without(mut self, change: &Change) -> Facts {
        self.take_back(change);
        self
    }

    /// The same of several changes, the newest of them first. What somebody has changed since the newest stays, also
    /// where it is again as an older one had made it.
    #[must_use]
    pub fn without_all<'a>(mut self, changes: impl IntoIterator<Item = &'a Change>) -> Facts {
        let mut theirs: Vec<&Change> = Vec::new();
        for change in changes {
            if !theirs.iter().any(|their| their.same_fact(change)) && !self.take_back(change) {
                theirs.push(change);
            }
        }
        self
    }

    /// Whether the change still stood; then it no longer does.
    fn take_back(&mut self, change: &Change) -> bool {
        match change {
            // Whether it still stands is not told by the state alone.
            Change::State { .. } => true,
            Change::Tagged(name) => self.tags.as_mut().is_some_and(|tags| {
                let before = tags.len();
                tags.retain(|tag| tag.name != *name);
                tags.len() < before
            }),
            Change::Untagged(name) => self.tags.as_mut().is_some_and(|tags| {
                let gone = tags.iter().all(|tag| tag.name != *name);
                tags.extend(gone.then(|| Tag { id: String::new(), name: name.clone() }));
                gone
            }),
            Change::Teammate { was, is } => back(&mut self.admin_assignee_id, was.as_ref(), is.as_ref()),
            Change::Team { was, is } => back(&mut self.team_assignee_id, was.as_ref(), is.as_ref()),
            Change::Attribute { name, was, is } => {
                let stands = self.attributes.get_mut(name).filter(|known| *known == is);
                stands.map(|known| known.clone_from(was)).is_some()
            }
        }
    }
}

#[expect(clippy::option_option, reason = "nobody is not the same as not known")]
fn back(known: &mut Option<Option<String>>, was: Option<&String>, is: Option<&String>) -> bool {
    let stands = known.as_ref().map(Option::as_ref) == Some(is);
    if stands {
        *known = Some(was.cloned());
    }
    stands
}
