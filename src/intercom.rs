//! What Intercom says, and what is said to it.
//!
//! Owns: Intercom's JSON in every version that is still in use, the signature of its notifications, and what a part
//! of a conversation means. Refuses: keeping text, and deciding anything. What leaves here is a
//! [`Sighting`](crate::engine::Sighting): who did what and when, and the facts that rules look at.

pub mod classify;
pub mod notification;
pub mod signature;
pub mod text;
pub(crate) mod wire;
