//! The subcommands: each reads, calls the engine, and prints.

pub mod check;
pub mod run;
