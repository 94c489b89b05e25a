//! `autoclosed` closes Intercom conversations that have gone quiet, by the operator's rules.
//!
//! It listens to Intercom's webhooks, knows for every conversation who did what and when, and acts through Intercom's
//! API when a rule says so. In the middle stands one pure function, [`decide()`](engine::decide()). Around it a thin shell
//! records, asks, does, and writes down why.
//!
//! # The flow
//!
//! ```text
//! receiver   raw body -> signature -> notification -> writer: one transaction for all that wait
//!              seen before? stop. Conversation::after; decide gives due_at -> commit -> 200
//! sweep      what is due -> claim -> GET -> fold -> decide again:
//!              Wait -> new due_at | Leave -> none | Act -> write down, call Intercom, compare, commit
//! reconcile  search -> mark -> GET -> record, as if notified
//! ```
//!
//! # The map, in reading order
//!
//! * [`engine`]: what a conversation is, what the rules say, what follows. No I/O, no clock.
//! * [`intercom`]: Intercom's HTTP and JSON: notifications, signature, client, pace.
//! * [`store`]: the database; the only place that knows SQL. [`writer`]: many notifications, one transaction.
//! * [`receiver`]: the webhook. [`server`]: the accept loop with its deadlines.
//! * [`sweep`]: acting on what is due. [`reconcile`]: looking at the workspace itself. [`safety`]: may we, and how
//!   much. [`message`]: templates to text.
//! * [`rulebook`]: the rules in force, replaceable while running. [`standpoint`], [`identity`], [`names`], [`board`],
//!   [`pulse`], [`tally`]: what is learnt and told while running. [`health`]: all of it in one word. [`metrics`]: all
//!   of it in figures.
//! * [`config`]: the file, and everything that is wrong with it. [`clock`]: the only reader of the time.
//! * [`tenure`]: which of two daemons on one database acts.
//! * [`daemon`]: all of it put together. [`scheduler`]: who wakes it. [`command`]: the command line. [`telemetry`]:
//!   logs. [`systemd`]: what it is told.
//! * [`fake_intercom`]: a workspace behind real HTTP, for the tests and for [`demo`]. [`sabotage`]: where tests may end
//!   the daemon; not in what is shipped.
//!
//! # Invariants
//!
//! 1. `engine/` does no I/O, is not async, reads no clock, derives no serde.
//! 2. SQL only in `store`; Intercom's JSON only in `intercom` and its fake; the wall clock only in `clock`.
//! 3. HTTP handlers never call Intercom, and 200 is sent after the commit. The same notification twice changes
//!    nothing.
//! 4. `due_at` is a cache of `decide`, computed again when rules, mode or program version changed.
//! 5. Webhooks are hints: just before acting, ask Intercom and decide again.
//! 6. An attempt is written before the call and finished after it. An unfinished one is examined, never blindly
//!    repeated.
//! 7. The daemon's own messages come back as webhooks. They are not activity, or the timer never ends.
//! 8. Unknown topics and fields are ignored and counted. Dry-run differs only in the last step.
//! 9. Every decision says why, in the words that journal, logs and people get.
//!
//! `tests/it/tidy.rs` checks what of this can be seen in the source.

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
pub mod metrics;
pub mod names;
pub mod pulse;
pub mod receiver;
pub mod reconcile;
pub mod rulebook;
pub mod sabotage;
pub mod safety;
pub mod scheduler;
pub mod server;
pub mod standpoint;
pub mod store;
pub mod sweep;
pub mod systemd;
pub mod tally;
pub mod telemetry;
pub mod tenure;
pub mod writer;
