//! The pure core: what a conversation is, what the rules say, and what follows.
//!
//! Owns: every decision. Refuses: I/O, async, reading a clock, serde. Everything here is a function of its
//! arguments, so the receiver, the sweep, a test and a replay of old history all get the same answer.

pub mod activity;
pub mod ahead;
pub mod backlog;
pub mod calendar;
pub mod conversation;
pub mod decide;
pub mod explain;
pub mod facts;
pub mod history;
mod ladder;
mod matching;
pub mod missing;
mod recalled;
pub mod rehearsal;
pub mod rule;
pub mod undo;
mod view;
pub mod why;
pub mod wish;

pub use ahead::{Coming, ahead};
pub use conversation::{
    Activity, Actor, Class, Conversation, ConversationId, Facts, Part, PartId, Sighting, Snapshot, State,
};
pub use decide::{Action, Decision, decide, snooze_to_restore, snoozed_until};
pub use explain::{Explanation, explain};
pub use facts::{AttributeValue, Change};
pub use history::{Attempt, Deed, History, Hold, Phase, Undone};
pub use missing::Missing;
pub use rule::{Rule, RuleSet, Step};
pub use why::Why;
pub use wish::Wish;

#[cfg(test)]
mod tests;
