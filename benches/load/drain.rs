//! A workspace that the daemon has never seen: a first look at all of it, and closing what is long due.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use autoclosed::clock::Clock;
use autoclosed::fake_intercom::{Call, FakeIntercom, Workspace};
use clap::Args;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::Place;
use crate::program::{Recipe, Running};
use crate::table::Table;

/// How many conversations.
#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// Open conversations in the workspace.
    #[arg(long, default_value_t = 10_000)]
    open: u32,
    /// Of them, so many are due.
    #[arg(long, default_value_t = 10_000)]
    due: u32,
    /// Requests in ten seconds that the daemon allows itself, and the workspace twice.
    #[arg(long, default_value_t = 2_000)]
    allowed: u32,
}

/// One rule, without anything that costs a call beside looking and closing; all budgets raised.
const CONFIGURATION: &str = "[schedule]\nsweep = \"*/2 * * * * *\"\n[safety]\nmax_actions_per_sweep = 10000\n\
    max_closes_per_hour = 1000000\nmax_messages_per_hour = 1000000\nmax_due_at_once = 1000000\ntrip_reopen_rate = 1.0\n\
    [[rule]]\nname = \"quiet\"\nmatch.tags = [\"area-1\"]\nmatch.waiting_on = \"anyone\"\nstep = [{ after = \"1 second\", do = \"close\", body = \"Closing this for now.\" }]\n";

pub(crate) fn run(place: &Place, asked: &Drain, runtime: &Runtime) -> Result<()> {
    let allowed = asked.allowed;
    let settings = Workspace { rate_limit: allowed * 2, ..Workspace::default() };
    let intercom = runtime.block_on(FakeIntercom::start(Clock::System, settings))?;
    for number in 0..asked.open {
        let id = intercom.contact_starts("Hello");
        intercom.teammate_replies(&id, "Hello, what can I do?");
        ensure!(number >= asked.due || intercom.tag(&id, "area-1"), "no tag was given");
    }
    let folder = place.empty("drain")?;
    let recipe = place.recipe("mode = \"live\"", CONFIGURATION.to_owned());
    let recipe = Recipe { intercom: intercom.url(), allowed, ..recipe };
    let daemon = recipe.start(&folder)?;
    let table = watched(&daemon, &intercom, asked)?;
    daemon.stop()?;
    std::fs::remove_dir_all(folder)?;
    place.tell(&table.told());
    Ok(())
}

fn watched(daemon: &Running, intercom: &FakeIntercom, asked: &Drain) -> Result<Table> {
    let began = Instant::now();
    while intercom.mutating_calls().iter().filter(|call| closes(call)).count() < asked.due as usize {
        std::thread::sleep(Duration::from_secs(2));
        ensure!(began.elapsed() < Duration::from_hours(1), "they were not closed within an hour");
    }
    let calls = intercom.calls();
    let first = calls.iter().position(closes).context("a close")?;
    let last = calls.iter().rposition(closes).context("a close")?;
    let seconds = |from: usize, to: usize| (calls[to].at - calls[from].at).total(jiff::Unit::Second);
    let (looked, drained, made) = (seconds(0, first)?, seconds(first, last)?, (last - first + 1) as f64);
    let mut table = Table::default();
    table.note(
        &format!("{} open, {} due", asked.open, asked.due),
        &[
            ("first look, s", looked),
            ("calls in it", first as f64),
            ("drained, s", drained),
            ("share of the allowed calls", made / drained / (f64::from(asked.allowed) / 10.0)),
            ("calls for each close", made / f64::from(asked.due)),
            ("most memory, MB", daemon.rss_mb(true)?),
        ],
    );
    Ok(table)
}

fn closes(call: &Call) -> bool {
    call.mutating && call.path.contains("/parts")
}
