//! Notifications in, by turns with the ceiling: the same requests, and nothing behind the signature.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use crate::program::{Recipe, Running, people, rules, start_bare};
use crate::sender::{Load, Sent, requests, send};
use crate::table::Table;
use crate::{Place, count};

/// How notifications are sent.
#[derive(Debug, Args)]
pub(crate) struct Ingest {
    /// Connections at the same time; several are measured one after the other.
    #[arg(long, value_delimiter = ',', default_value = "1,32,128")]
    connections: Vec<usize>,
    /// Notifications in a second; without it, as fast as they are answered.
    #[arg(long, value_delimiter = ',')]
    rate: Vec<u32>,
    /// How often everything is measured, by turns.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// How long each time, in seconds.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Each sync of a file takes so many microseconds longer.
    #[arg(long, default_value_t = 0)]
    slower: u64,
    /// Conversations that they are about.
    #[arg(long, default_value_t = 100_000)]
    conversations: u64,
}

/// Prepared for each second: more than is answered anywhere.
const PREPARED: f64 = 40_000.0;

pub(crate) fn run(place: &Place, asked: &Ingest) -> Result<()> {
    let rates: Vec<Option<u32>> =
        if asked.rate.is_empty() { vec![None] } else { asked.rate.iter().map(|rate| Some(*rate)).collect() };
    for connections in &asked.connections {
        for rate in &rates {
            let load = Load {
                connections: *connections,
                lasts: Duration::from_secs_f64(asked.seconds),
                rate: *rate,
                again: false,
            };
            let mut table = Table::default();
            for round in 0..asked.rounds {
                measured(place, asked, load, round, &mut table)?;
            }
            let how = rate.map_or("as answered".to_owned(), |rate| format!("{rate} a second"));
            place.tell(&format!("\n{connections} connections, {how}{}", table.told()));
        }
    }
    Ok(())
}

fn measured(place: &Place, asked: &Ingest, load: Load, round: u32, table: &mut Table) -> Result<()> {
    let prepared = load.rate.map_or(PREPARED, f64::from) * load.lasts.as_secs_f64();
    let seed = u64::from(round) << 32 | load.connections as u64;
    let requests = requests(people(asked.conversations, seed), prepared as usize + 1);
    let folder = place.empty("bare")?;
    let bare = start_bare(&folder)?;
    let ceiling = one(bare, requests[..requests.len().min(20_000)].to_vec(), Load { again: true, ..load }, None)?;
    table.note("bare axum, signature alone", &ceiling.values(None));
    for (name, keep_bodies) in [("autoclosed", "odd"), ("autoclosed, bodies kept", "all")] {
        let folder = place.empty("ingest")?;
        let slower = (asked.slower > 0)
            .then(|| place.slow_disk())
            .transpose()?
            .map(|disk| (disk, Duration::from_micros(asked.slower)));
        let recipe = Recipe { keep_bodies, slower, ..place.recipe("mode = \"dry-run\"", rules(3)) };
        let measured = one(recipe.start(&folder)?, requests.clone(), load, Some(&folder))?;
        table.note(name, &measured.values(Some(&ceiling)));
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// One server under one load.
#[derive(Debug)]
struct Measured {
    sent: Sent,
    cpu_us: f64,
    peak_mb: f64,
    commits: Option<f64>,
}

fn one(server: Running, requests: Vec<Vec<u8>>, load: Load, folder: Option<&Path>) -> Result<Measured> {
    let (cpu, commits) = (server.cpu_us()?, server.commits());
    let sent = send(server.webhook, requests, load)?;
    let (cpu_us, peak_mb) = (server.cpu_us()? - cpu, server.rss_mb(true)?);
    let commits = commits.zip(server.commits()).map(|(before, after)| f64::from(after.wrapping_sub(before)));
    server.stop()?;
    let stored = folder.map(|folder| count(folder, "seen_notifications")).transpose()?;
    // The first one told that it had started.
    let lost = stored.map_or(0, |stored| stored.unsigned_abs().abs_diff(sent.ok as u64 + 1));
    ensure!(
        sent.bad == 0 && lost == 0,
        "{} were not answered with 200, and {lost} rows are too many or too few",
        sent.bad
    );
    Ok(Measured { sent, cpu_us, peak_mb, commits })
}

impl Measured {
    fn values(&self, ceiling: Option<&Measured>) -> Vec<(&'static str, f64)> {
        let (sent, each) = (&self.sent, self.sent.ok.max(1) as f64);
        let mut values = vec![
            ("per second", sent.per_second()),
            ("share of the ceiling", ceiling.map_or(1.0, |ceiling| sent.per_second() / ceiling.sent.per_second())),
            ("p50 ms", sent.within(0.5)),
            ("p99 ms", sent.within(0.99)),
            ("p99.9 ms", sent.within(0.999)),
            ("CPU µs each", self.cpu_us / each),
            ("most memory, MB", self.peak_mb),
        ];
        values.extend(self.commits.map(|commits| ("commits each", commits / each)));
        values
    }
}
