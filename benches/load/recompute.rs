//! Other rules on very many conversations: how long deciding on all of them takes, and who waits meanwhile.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use crate::Place;
use crate::program::{Running, people, rules};
use crate::seed::seed;
use crate::sender::{Load, requests, send};
use crate::table::Table;

/// How many conversations.
#[derive(Debug, Args)]
pub(crate) struct Recompute {
    /// Conversations in the database.
    #[arg(long, default_value_t = 1_000_000)]
    conversations: u64,
    /// How often it is measured.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Notifications in a second meanwhile.
    #[arg(long, default_value_t = 100)]
    rate: u32,
}

/// What the daemon says when it has done so.
const DONE: &str = "decided on every conversation";
/// Notifications come for so many seconds from the start; deciding on all goes on within them.
const SENT_FOR: usize = 40;
/// Longer than it may take.
const PATIENCE: Duration = Duration::from_mins(10);

pub(crate) fn run(place: &Place, asked: &Recompute) -> Result<()> {
    let (folder, mut table) = (place.empty("recompute")?, Table::default());
    seed(place, &folder, asked.conversations)?;
    for round in 0..=asked.rounds {
        // The rules change with each start; what the first start does is not looked at.
        let daemon = place.recipe("mode = \"dry-run\"", rules(4 + round)).start(&folder)?;
        let to = daemon.webhook;
        let load = Load { connections: 16, lasts: PATIENCE, rate: Some(asked.rate), again: false };
        let requests = requests(people(asked.conversations, u64::from(round)), asked.rate as usize * SENT_FOR);
        let sending = std::thread::spawn(move || send(to, requests, load));
        let took = until_done(&daemon)?;
        let sent = sending.join().map_err(|_| anyhow::anyhow!("sending panicked"))??;
        daemon.stop()?;
        ensure!(sent.bad == 0, "{} notifications were not answered with 200", sent.bad);
        if round > 0 {
            let row = format!("{} conversations, {} notifications a second", asked.conversations, asked.rate);
            let seconds = took.as_secs_f64();
            ensure!(seconds < SENT_FOR as f64, "nobody came any more for a part of the {seconds:.0} s");
            table.note(
                &row,
                &[
                    ("decided after the start, s", seconds),
                    ("p99 ms", sent.within(0.99)),
                    ("longest answer, ms", sent.within(1.0)),
                ],
            );
        }
    }
    std::fs::remove_dir_all(folder)?;
    place.tell(&table.told());
    Ok(())
}

/// How long after its start it had decided on all.
fn until_done(daemon: &Running) -> Result<Duration> {
    while !daemon.log()?.contains(DONE) {
        ensure!(daemon.began.elapsed() < PATIENCE, "it did not say that it had decided on all");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(daemon.began.elapsed())
}
