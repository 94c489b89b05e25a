//! `autoclosed` closes Intercom conversations that have gone quiet, by the operator's rules.

pub mod board;
pub mod clock;
pub mod command;
pub mod config;
pub mod daemon;
pub mod demo;
pub mod engine;
pub mod fake_intercom;
pub mod health;
pub mod identity;
pub mod intercom;
pub mod message;
pub mod receiver;
pub mod reconcile;
pub mod safety;
pub mod scheduler;
pub mod server;
pub mod standpoint;
pub mod store;
pub mod sweep;
pub mod tally;
pub mod telemetry;
pub mod writer;
