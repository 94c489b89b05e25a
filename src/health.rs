//! Whether all is well, in one word and in detail.
//!
//! Owns: the checks and their sentences, in files by what they look at. Refuses: asking Intercom; a probe must cost
//! nothing. What is not known to be well is not called well.

mod connection;
pub(crate) mod jobs;
mod notifications;
mod operator;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::SignedDuration;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::board::Board;
use crate::config::Mode;
use crate::engine::why::span;
use crate::intercom::Intercom;
use crate::standpoint::Standpoint;
use crate::store::Store;
use crate::tally::Tally;

/// The public answer is kept for so long: nobody outside can make the database work by asking.
const KEPT: Duration = Duration::from_secs(1);

/// A write-ahead log above this is told, in bytes: it is a few MiB unless somebody reads for long.
const LARGE_LOG: u64 = 64 << 20;

/// What health looks at.
#[derive(Debug, Clone)]
pub struct Health {
    /// The database.
    pub store: Store,
    /// Intercom, for what its last answers told.
    pub intercom: Intercom,
    /// Who we are, and what time it is.
    pub standpoint: Standpoint,
    /// What the parts tell of themselves.
    pub board: Arc<Board>,
    /// What is counted.
    pub tally: Arc<Tally>,
    /// The longest gaps in the schedules of sweep and reconcile.
    pub gaps: (Duration, Duration),
    /// The last public answer, and when it was made.
    pub kept: Arc<Mutex<Option<(Duration, &'static str)>>>,
}

/// All checks.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `ok`, `bad` or `paused`.
    pub status: &'static str,
    /// `live` or `dry-run`: how the daemon acts now, whatever the file says by now.
    pub mode: &'static str,
    /// Each check.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// Its name, fixed.
    pub name: &'static str,
    /// Whether it is well.
    pub ok: bool,
    /// The figure, in a sentence.
    pub detail: String,
}

impl Health {
    /// Makes every check.
    pub async fn report(&self) -> Report {
        let (paused, told) = self.paused().await;
        let checks = vec![
            self.database().await,
            self.intercom().await,
            self.workspace(),
            self.admin(),
            self.clock(),
            self.sweep(),
            self.reconcile(),
            self.notifications().await,
            self.backlog().await,
            told,
            self.budget().await,
            self.config(),
        ];
        let well = checks.iter().all(|check| check.ok);
        let status = match (well, paused) {
            (false, _) => "bad",
            (true, true) => "paused",
            (true, false) => "ok",
        };
        let mode = if self.standpoint.rulebook().current().dry_run() { Mode::DryRun } else { Mode::Live };
        Report { status, mode: mode.name(), checks }
    }

    async fn kept_status(&self) -> &'static str {
        let now = self.standpoint.clock().elapsed();
        let mut kept = self.kept.lock().await;
        if let Some((at, status)) = *kept
            && now.saturating_sub(at) < KEPT
        {
            return status;
        }
        let status = self.report().await.status;
        *kept = Some((now, status));
        status
    }

    async fn database(&self) -> Check {
        if let Some(what) = self.store.damage() {
            let detail =
                format!("it is damaged ({what}); nothing is done any more. Stop, keep the file, and restore a backup");
            return Check { name: "database", ok: false, detail };
        }
        let (ok, detail) = match (self.store.takes_commits().await, self.store.size().await) {
            (Ok(()), Ok(_)) if self.board.damage() > 0 => {
                (false, format!("{} times something in it could not be read; see the log", self.board.damage()))
            }
            (Ok(()), Ok(bytes)) => (true, taking(bytes, self.store.log_size())),
            (Err(error), _) | (_, Err(error)) => {
                self.store.heed(&error);
                (false, error.to_string())
            }
        };
        Check { name: "database", ok, detail }
    }
}

/// That the log is large is told and not bad: whoever keeps it so may be a backup.
fn taking(bytes: u64, log: u64) -> String {
    let size = format!("takes commits; {} MiB", bytes.div_ceil(1 << 20));
    if log <= LARGE_LOG {
        return size;
    }
    format!(
        "{size}, and a log of {} MiB beside it that somebody who reads for long keeps from being emptied",
        log.div_ceil(1 << 20)
    )
}

fn said(length: Duration) -> String {
    span(SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX))
}

/// Routes of the public listener: the status alone.
pub fn public_routes(health: Health) -> Router {
    Router::new().route("/health", get(public)).with_state(health)
}

/// Routes of the admin listener: every check, and whether to send notifications here.
pub fn admin_routes(health: Health) -> Router {
    Router::new().route("/health", get(detailed)).route("/ready", get(ready)).with_state(health)
}

async fn public(State(health): State<Health>) -> Response {
    let status = health.kept_status().await;
    json(status, format!("{{\"status\":\"{status}\"}}"))
}

async fn detailed(State(health): State<Health>) -> Response {
    let report = health.report().await;
    match serde_json::to_string(&report) {
        Ok(body) => json(report.status, body),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Able to record. A dead token must not cost notifications, so nothing else counts here.
async fn ready(State(health): State<Health>) -> Response {
    match health.store.takes_commits().await {
        Ok(()) => json("ok", "{\"status\":\"ok\"}".into()),
        Err(error) => {
            tracing::warn!(error = %error, "not ready: the database takes no commits");
            json("bad", "{\"status\":\"bad\"}".into())
        }
    }
}

fn json(status: &str, body: String) -> Response {
    let code = if status == "bad" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
