//! What can only be tested from outside: the whole daemon against the fake, the program, and the source tree.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper that cannot go on fails its test")]

mod adds_up;
mod backlog;
mod blind;
mod campaigns;
mod checks;
mod closes;
mod commands;
mod converges;
mod demo;
mod fuzz;
mod handbook;
mod harness;
mod hazards;
mod logs;
mod looks;
mod metrics;
mod misses;
mod names;
mod odd;
mod openapi;
mod operates;
mod pages;
mod perils;
mod progress;
mod readme;
mod receives;
mod recipes;
mod rehearses;
mod reloads;
mod sabotage;
mod simulation;
mod sockets;
mod steps;
mod survives;
mod tidy;
mod topics;
mod traps;
mod trips;
mod two;
mod undo;
mod unseen;
mod versions;
mod watches;
