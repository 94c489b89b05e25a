//! Everything that knows Intercom's HTTP and JSON.
//!
//! Owns: one client with one error type, and the shapes of Intercom's answers. Refuses: deciding what to do with a
//! conversation, and repeating a call by itself. Whether a call may be made again is the caller's to decide.

pub mod client;
pub mod error;
pub mod pace;
pub mod wire;

pub use client::{Answer, ClientSettings, Contact, Intercom, Listed, Me, Page, Search, SetupError, Standing};
pub use error::{Class, IntercomError, Refusal};
pub use pace::Permits;
