//! What can only be tested from outside: the server over real sockets, and the shape of the source tree.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper that cannot go on fails its test")]

mod closes;
mod demo;
mod harness;
mod hazards;
mod looks;
mod operates;
mod receives;
mod recipes;
mod sockets;
mod survives;
mod tidy;
mod watches;
