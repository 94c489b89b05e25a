//! What a rule asks for and nobody knows yet, in words.

use std::fmt;

/// A fact without which nothing can be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// Open, snoozed or closed.
    State,
    /// Its tags.
    Tags,
    /// Whether a contact ever wrote.
    ContactWrote,
    /// Which person spoke last.
    Turn,
    /// Who spoke last, bots included.
    Speaker,
    /// When its snooze began, or ends.
    SnoozeLength,
    /// The team, or the teammate, that it is assigned to.
    Assignee(&'static str),
    /// Whom a name in a rule stands for: no fact of the conversation.
    Name {
        /// Team or teammate.
        what: &'static str,
        /// As the rule names it.
        name: String,
    },
    /// The attribute of that name.
    Attribute(String),
    /// Another of its facts.
    Fact(&'static str),
    /// Whether it is rated.
    Rated,
    /// When it began.
    Began,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::State => f.write_str("its state"),
            Missing::Tags => f.write_str("its tags"),
            Missing::ContactWrote => f.write_str("whether the contact ever wrote"),
            Missing::Turn => f.write_str("whose turn it is"),
            Missing::Speaker => f.write_str("who spoke last"),
            Missing::SnoozeLength => f.write_str("how long it is snoozed"),
            Missing::Assignee(what) => write!(f, "the {what} it is assigned to"),
            Missing::Name { what, name } => write!(f, "which {what} is meant by `{name}`"),
            Missing::Attribute(name) => write!(f, "its attribute `{name}`"),
            Missing::Fact(what) => write!(f, "its {what}"),
            Missing::Rated => f.write_str("whether it is rated"),
            Missing::Began => f.write_str("when it began"),
        }
    }
}
