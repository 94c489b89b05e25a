//! Measures the program as a whole, as a process, against a workspace of its own: how fast notifications come in, what
//! it weighs, how it acts on very many conversations.
//!
//! `cargo bench --bench load -- --help` tells what there is; docs/performance.md has the commands and what came of them.

#![expect(clippy::print_stdout, reason = "what is measured is printed")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts become figures that people read"
)]

mod bare;
mod drain;
mod ingest;
mod people;
mod program;
mod recompute;
mod scale;
mod seed;
mod sender;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use autoclosed::clock::Clock;
use autoclosed::fake_intercom::FakeIntercom;
use clap::{Parser, Subcommand};

use crate::program::{Recipe, workspace};

#[derive(Debug, Parser)]
#[command(about = "Measures the daemon as a whole.")]
struct Line {
    #[command(subcommand)]
    what: What,
    /// The program to measure; left out, the one that tests use.
    #[arg(long, global = true)]
    program: Option<PathBuf>,
    /// A folder on the disk to be measured.
    #[arg(long, global = true, default_value = "target/load")]
    folder: PathBuf,
    /// What cargo adds.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Notifications in, with durable storage before each answer.
    Ingest(ingest::Ingest),
    /// Start, memory, and what is due, with very many conversations.
    Scale(scale::Scale),
    /// Other rules: every conversation is decided on again, while notifications come in.
    Recompute(recompute::Recompute),
    /// A first look at a workspace, and a backlog that is let go.
    Drain(drain::Drain),
    /// The ceiling, as a process of its own.
    #[command(hide = true)]
    Bare { listen: std::net::SocketAddr },
}

/// Where it is measured, and what.
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    program: PathBuf,
    intercom: FakeIntercom,
}

fn main() -> Result<()> {
    let line = Line::parse();
    if let What::Bare { listen } = line.what {
        return bare::run(listen);
    }
    autoclosed::intercom::client::install_tls();
    std::fs::create_dir_all(&line.folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let intercom = runtime.block_on(FakeIntercom::start(Clock::System, workspace()))?;
    let program = line.program.unwrap_or_else(|| env!("CARGO_BIN_EXE_autoclosed").into());
    let place = Place { folder: line.folder.canonicalize()?, program: program.canonicalize()?, intercom };
    match &line.what {
        What::Ingest(asked) => ingest::run(&place, asked),
        What::Scale(asked) => scale::run(&place, asked),
        What::Recompute(asked) => recompute::run(&place, asked),
        What::Drain(asked) => drain::run(&place, asked, &runtime),
        What::Bare { .. } => Ok(()),
    }
}

impl Place {
    /// An empty folder.
    pub(crate) fn empty(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// The program with these rules and sections.
    pub(crate) fn recipe(&self, head: &'static str, rest: String) -> Recipe {
        let (program, intercom) = (self.program.clone(), self.intercom.url());
        Recipe { program, intercom, head, keep_bodies: "odd", allowed: 500, rest, slower: None }
    }

    /// A library that makes each sync take longer, built by the C compiler that building the daemon needs too.
    pub(crate) fn slow_disk(&self) -> Result<PathBuf> {
        let library = self.folder.join("slow_disk.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/load/slow_disk.c");
        let built =
            Command::new("cc").args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).args([source, "-ldl"]).status()?;
        ensure!(built.success(), "the C compiler could not build {source}");
        Ok(library)
    }

    #[expect(clippy::unused_self, reason = "one place that prints")]
    pub(crate) fn tell(&self, text: &str) {
        println!("{text}");
    }
}

/// Rows of a table in the database of a folder.
pub(crate) fn count(folder: &Path, table: &str) -> Result<i64> {
    use sqlx::Connection;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("autoclosed.db"));
        let mut database = sqlx::SqliteConnection::connect_with(&options).await?;
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")));
        let count = count.fetch_one(&mut database).await.context("counting")?;
        database.close().await?;
        Ok(count)
    })
}
