//! What is to become so of a conversation without a word: each can be asked for again without harm.
//!
//! Owns: whether it is so already, and what it changes if not. Refuses: asking for it.

use std::fmt;

use jiff::Timestamp;

use super::conversation::{AttributeValue, Conversation, Facts, State};
use super::facts::{Change, Tag};
use super::history::History;
use super::rule::StateName;
use super::view::{Standing, View};
use super::why;

/// One thing that is to become so; one call asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Snoozed until then; a whole second.
    Snoozed(Timestamp),
    /// Open.
    Open,
    /// Assigned to this team; `None` is none.
    Team(Option<String>),
    /// Assigned to this teammate; `None` is nobody.
    Teammate(Option<String>),
    /// Tagged so, by name.
    Tagged(String),
    /// Not tagged so, by name.
    Untagged(String),
    /// An attribute has this value.
    Attribute(String, AttributeValue),
    /// Read, or not.
    Read(bool),
}

impl Wish {
    /// Whether it is so already, as far as the facts tell. What is not known is not so.
    pub fn is_so(&self, facts: &Facts) -> bool {
        let tagged = |name: &String| facts.tags.as_ref().map(|tags| tags.iter().any(|tag| tag.name == *name));
        match self {
            Wish::Snoozed(until) => facts.state == Some(State::Snoozed { until: Some(*until) }),
            Wish::Open => facts.state == Some(State::Open),
            Wish::Team(id) => facts.team_assignee_id.as_ref() == Some(id),
            Wish::Teammate(id) => facts.admin_assignee_id.as_ref() == Some(id),
            Wish::Tagged(name) => tagged(name) == Some(true),
            Wish::Untagged(name) => tagged(name) == Some(false),
            Wish::Attribute(name, value) => facts.attributes.get(name).is_some_and(|is| is.as_ref() == Some(value)),
            Wish::Read(_) => false,
        }
    }

    /// Makes it so.
    pub(super) fn grant(&self, facts: &mut Facts) {
        match self.clone() {
            Wish::Snoozed(until) => facts.state = Some(State::Snoozed { until: Some(until) }),
            Wish::Open => facts.state = Some(State::Open),
            Wish::Team(id) => facts.team_assignee_id = Some(id),
            Wish::Teammate(id) => facts.admin_assignee_id = Some(id),
            Wish::Tagged(name) if !self.is_so(facts) => {
                facts.tags.iter_mut().for_each(|tags| tags.push(Tag { id: String::new(), name: name.clone() }));
            }
            Wish::Untagged(name) => facts.tags.iter_mut().for_each(|tags| tags.retain(|tag| tag.name != name)),
            Wish::Attribute(name, value) => drop(facts.attributes.insert(name, Some(value))),
            Wish::Tagged(_) | Wish::Read(_) => {}
        }
    }

    /// What becoming so changes of these facts; nothing where it is so already, or where nobody knows how it was.
    fn change(&self, facts: &Facts, was: Option<StateName>) -> Option<Change> {
        if self.is_so(facts) {
            return None;
        }
        match self.clone() {
            Wish::Snoozed(until) => Some(Change::State { was: was?, until: Some(until) }),
            Wish::Open => Some(Change::State { was: was?, until: None }),
            Wish::Team(is) => facts.team_assignee_id.clone().map(|was| Change::Team { was, is }),
            Wish::Teammate(is) => facts.admin_assignee_id.clone().map(|was| Change::Teammate { was, is }),
            Wish::Tagged(name) => facts.tags.is_some().then_some(Change::Tagged(name)),
            Wish::Untagged(name) => facts.tags.is_some().then_some(Change::Untagged(name)),
            Wish::Attribute(name, is) => {
                let was = facts.attributes.get(&name)?.clone();
                Some(Change::Attribute { name, was, is: Some(is) })
            }
            Wish::Read(_) => None,
        }
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wish::Snoozed(until) => write!(f, "a snooze until {}", why::at(*until)),
            Wish::Open => f.write_str("opening it"),
            Wish::Team(_) => f.write_str("the team"),
            Wish::Teammate(_) => f.write_str("the teammate"),
            Wish::Tagged(name) => write!(f, "the tag `{name}`"),
            Wish::Untagged(name) => write!(f, "taking off the tag `{name}`"),
            Wish::Attribute(name, _) => write!(f, "the attribute `{name}`"),
            Wish::Read(_) => f.write_str("whether it is read"),
        }
    }
}

/// What granting the wishes changes of a conversation as it is now, for a rule to think away later. `before` is what
/// an earlier try of the same step had changed; what of it still stands goes on standing.
pub fn changes(
    wishes: &[Wish],
    conversation: &Conversation,
    history: &History,
    before: &[Change],
    now: Timestamp,
) -> Vec<Change> {
    let unknown = Facts::default();
    let facts = conversation.facts().unwrap_or(&unknown);
    let was = match View::of(conversation, history, now).standing {
        Standing::Open => Some(StateName::Open),
        Standing::Woken => Some(StateName::Woken),
        Standing::Snoozed { .. } => Some(StateName::Snoozed),
        Standing::Closed | Standing::Unknown => None,
    };
    let earlier = before.iter().filter(|change| change.stands(facts)).cloned();
    earlier.chain(wishes.iter().filter_map(|wish| wish.change(facts, was))).collect()
}

/// How much of what an attempt was to change is as it left it.
pub fn standing(changes: &[Change], facts: &Facts) -> usize {
    changes.iter().filter(|change| change.stands(facts)).count()
}
