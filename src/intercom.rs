//! What Intercom says, and what is said to it.
//!
//! Owns: Intercom's HTTP and JSON in every version that is still in use, one client with one error type, the
//! signature of notifications, and what a part of a conversation means. Refuses: keeping text, repeating a call by
//! itself, and deciding anything. What leaves here is a [`Sighting`](crate::engine::Sighting): who did what and when,
//! and the facts that rules look at.

pub(crate) mod attribute;
pub mod breaker;
pub mod classify;
pub mod client;
pub mod error;
pub mod lens;
pub mod notification;
pub mod pace;
pub mod signature;
pub mod text;
pub mod topic;
pub(crate) mod wire;

pub use breaker::Trouble;
pub use client::{
    Admin, Answer, Assignee, Attribute, ClientSettings, Contact, Intercom, Kind, Listed, Me, Offered, Page,
    ReadConversation, Search, SetupError, Standing, Tag, Team, Update,
};
pub use error::{Class, IntercomError, Refusal};
pub use pace::Permits;
