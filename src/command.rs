//! The subcommands: each reads, calls the engine, and prints.
//!
//! Those that work beside a running daemon open the same database at the [`desk`]; what they found is [`Told`] to
//! people, or printed as one JSON document.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use serde::Serialize;

pub mod backlog;
pub mod backup;
pub mod check;
pub mod desk;
pub mod explain;
pub mod forget;
pub mod history;
pub mod hold;
pub mod layout;
pub mod line;
pub mod manual;
pub mod moments;
pub mod pause;
pub mod progress;
pub mod reconcile;
pub mod run;
pub mod status;
pub mod undo;

/// What a command found or did. As JSON it is what serde makes of it.
pub trait Told: Serialize {
    /// Says it to people, with times in their zone.
    fn tell(&self, out: &mut dyn Write, zone: &TimeZone) -> io::Result<()>;

    /// The exit status of the program, where finding it out is not all.
    fn exit_status(&self) -> u8 {
        0
    }
}

/// Prints what a command found: one JSON document, or words.
pub fn print(told: &impl Told, json: bool, out: &mut dyn Write, zone: &TimeZone) -> io::Result<()> {
    if !json {
        return told.tell(out, zone);
    }
    serde_json::to_writer_pretty(&mut *out, told)?;
    writeln!(out)
}
