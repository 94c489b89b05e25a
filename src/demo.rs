//! A week of conversations in about ten seconds: the unchanged daemon against an Intercom of its own.
//!
//! Owns: the fast clock, the story, and the check that everything came out as promised. Refuses: helping the daemon.
//! It is configured, notified and woken as in daily use, over real HTTP, and leaves nothing behind.

mod ending;
mod folder;
mod page;
mod script;
mod stage;
mod teller;
mod town;

use std::io::Write;
use std::time::Duration;

use self::stage::Stage;

/// Real time between two simulated hours. What has happened is left to be read for three of these.
const PAUSE: Duration = Duration::from_millis(45);

/// Runs it at a pace that can be watched.
pub async fn run(out: &mut impl Write) -> anyhow::Result<()> {
    tokio::select! {
        ran = run_at(out, PAUSE) => ran,
        // Giving up the story ends it like any error does: the temporary folder goes.
        _ = tokio::signal::ctrl_c() => anyhow::bail!("the demo was interrupted"),
    }
}

/// Runs it with this much real time between two simulated hours. An error says what did not come out as promised.
pub async fn run_at(out: &mut impl Write, pause: Duration) -> anyhow::Result<()> {
    let mut stage = Stage::set(out).await?;
    let told = stage.play(pause).await;
    stage.strike().await;
    told
}
