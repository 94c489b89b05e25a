//! What very many conversations cost: at the start, at rest, and when a sweep asks what is due.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use autoclosed::clock::Clock;
use autoclosed::engine::ConversationId;
use autoclosed::engine::rule::{RuleName, StepId, StepKind};
use autoclosed::fake_intercom::Workspace;
use autoclosed::store::{Claim, Store};
use clap::Args;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::Place;
use crate::people::FIRST;
use crate::program::{people, rules};
use crate::seed::{seed, write};
use crate::sender::{Load, requests, send};
use crate::table::Table;

/// How many conversations.
#[derive(Debug, Args)]
pub(crate) struct Scale {
    /// Conversations in the database; several are measured one after the other.
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000,5000000")]
    conversations: Vec<u64>,
    /// How often everything is measured.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
}

/// Due at the same time.
const DUE: u32 = 1_000;
/// Asked so often in a row: one question is too short to be measured.
const TIMES: u32 = 200;

pub(crate) fn run(place: &Place, asked: &Scale) -> Result<()> {
    let mut table = Table::default();
    for conversations in &asked.conversations {
        let (folder, row) = (place.empty("scale")?, format!("{conversations} conversations"));
        seed(place, &folder, *conversations)?;
        let size = std::fs::metadata(folder.join("autoclosed.db"))?.len();
        table.note(&row, &[("database, bytes each", size as f64 / *conversations as f64)]);
        for round in 0..asked.rounds {
            table.note(&row, &at_rest(place, &folder, round)?);
            table.note(&row, &due(&folder, *conversations)?);
        }
        std::fs::remove_dir_all(folder)?;
    }
    place.tell(&table.told());
    Ok(())
}

/// From the start to the first durable 200, and what it weighs.
fn at_rest(place: &Place, folder: &Path, round: u32) -> Result<Vec<(&'static str, f64)>> {
    let daemon = place.recipe("mode = \"dry-run\"", rules(3)).start(folder)?;
    std::thread::sleep(Duration::from_secs(2));
    let idle = daemon.rss_mb(false)?;
    let load = Load { connections: 128, lasts: Duration::from_secs(3), rate: None, again: false };
    let sent = send(daemon.webhook, requests(people(1_000, u64::from(round)), 40_000), load)?;
    let busy = daemon.rss_mb(true)?;
    let first = daemon.first.as_secs_f64() * 1000.0;
    daemon.stop()?;
    // What was told here is not what the next round begins with.
    write(
        folder,
        "DELETE FROM notification; UPDATE conversation SET fetch_at = NULL WHERE fetch_at IS NOT NULL".into(),
    )?;
    anyhow::ensure!(sent.bad == 0, "{} notifications were not answered with 200", sent.bad);
    Ok(vec![
        ("start to first 200, ms", first),
        ("memory at rest, MB", idle),
        ("memory under 128 connections, MB", busy),
    ])
}

/// What a sweep asks, and what it writes down before it acts.
fn due(folder: &Path, conversations: u64) -> Result<Vec<(&'static str, f64)>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let app_id = Workspace::default().app_id;
    let mut values = Vec::new();
    let nothing = runtime.block_on(asked(folder, &app_id, 0))?;
    values.push(("nothing due, µs", nothing.0));
    let each = (conversations / u64::from(DUE)).max(1);
    let now = Clock::System.now();
    write(
        folder,
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {DUE})
             UPDATE conversation SET due_at = {} + due.i FROM (SELECT i, CAST({FIRST} + i * {each} AS TEXT) AS id FROM n) due
             WHERE conversation.app_id = '{app_id}' AND conversation.id = due.id",
            now.as_millisecond() - 60_000
        ),
    )?;
    let (took, ids) = runtime.block_on(asked(folder, &app_id, DUE))?;
    anyhow::ensure!(ids.len() == DUE as usize, "{} are due", ids.len());
    values.push(("1,000 due, µs", took));
    values.push(("claiming 1,000, ms", runtime.block_on(claimed(folder, &app_id, &ids, now))?));
    let over = format!("due_at < {}", now.as_millisecond());
    write(
        folder,
        format!("DELETE FROM attempt; UPDATE conversation SET due_at = (unixepoch() + 86400) * 1000 WHERE {over}"),
    )?;
    Ok(values)
}

async fn asked(folder: &Path, app_id: &str, most: u32) -> Result<(f64, Vec<ConversationId>)> {
    let store = Store::open_beside(&folder.join("autoclosed.db")).await?;
    let now = Clock::System.now();
    let most = if most == 0 { 120 } else { most };
    let mut ids = store.due(app_id, now, most).await?;
    let began = Instant::now();
    for _ in 0..TIMES {
        ids = store.due(app_id, now, most).await?;
    }
    let took = began.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES);
    store.close().await;
    Ok((took, ids))
}

async fn claimed(folder: &Path, app_id: &str, ids: &[ConversationId], now: Timestamp) -> Result<f64> {
    let store = Store::open_beside(&folder.join("autoclosed.db")).await?;
    let (rule, step) = (RuleName::from("area-0"), StepId { kind: StepKind::Close, nth: 1 });
    let began = Instant::now();
    for conversation in ids {
        let claim = Claim { app_id, conversation, rule: &rule, step, anchor_at: now, due_at: now };
        store.claim(&claim, now).await?.context("a claim")?;
    }
    let took = began.elapsed().as_secs_f64() * 1000.0;
    store.close().await;
    Ok(took)
}
