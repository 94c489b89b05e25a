//! The pure core: what a conversation is, what the rules say, and what follows.
//!
//! Owns: every decision. Refuses: I/O, async, reading a clock, serde. Everything here is a function of its
//! arguments, so the receiver, the sweep, a test and a replay of old history all get the same answer.

pub mod conversation;
pub mod decide;
pub mod history;
pub mod rule;

pub use conversation::{
    Activity, Actor, Class, Conversation, ConversationId, Facts, Part, PartId, Sighting, Snapshot, State,
};
pub use history::{Attempt, History, Phase};
pub use rule::{Rule, RuleSet, Step};
