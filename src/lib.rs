//! `autoclosed` closes Intercom conversations that have gone quiet, by the operator's rules.

pub mod clock;
pub mod command;
pub mod config;
pub mod engine;
pub mod fake_intercom;
pub mod intercom;
pub mod message;
pub mod server;
pub mod store;
pub mod telemetry;
