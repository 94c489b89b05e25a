//! Whether all is well, in one word and in detail.
//!
//! Owns: the checks and their sentences. Refuses: asking Intercom; a probe must cost nothing. What is not known to be
//! well is not called well.

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

use crate::board::{Board, Run};
use crate::engine::why::{at, span};
use crate::intercom::Intercom;
use crate::intercom::error::Class;
use crate::safety;
use crate::standpoint::Standpoint;
use crate::store::{Missed, Recorded, Store};
use crate::tally::Tally;

/// A job is overdue after so many of its longest gaps, but never sooner than a moment that any machine may take.
const GAPS: u32 = 3;
const SHORTEST_OVERDUE: Duration = Duration::from_mins(5);
/// A snooze to restore, a conversation to open again, a tag to put on may wait for so long.
const UNFINISHED: SignedDuration = SignedDuration::from_hours(1);
/// A look that has made no progress for so long is stuck.
const STUCK: Duration = Duration::from_mins(10);
/// The public answer is kept for so long: nobody outside can make the database work by asking.
const KEPT: Duration = Duration::from_secs(1);

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
        let mut checks = vec![
            self.database().await,
            self.intercom().await,
            self.workspace(),
            self.admin(),
            self.clock(),
            self.sweep(),
            self.reconcile(),
            self.notifications().await,
            self.config(),
        ];
        let (paused, check) = self.paused().await;
        checks.push(check);
        let well = checks.iter().all(|check| check.ok);
        let status = match (well, paused) {
            (false, _) => "bad",
            (true, true) => "paused",
            (true, false) => "ok",
        };
        Report { status, checks }
    }

    /// Whether everything is paused, and what is told of it. An operator's word is told, and is not bad.
    async fn paused(&self) -> (bool, Check) {
        let name = "paused";
        let pauses = match self.store.pauses().await {
            Ok(pauses) => pauses,
            Err(error) => return (false, Check { name, ok: false, detail: error.to_string() }),
        };
        let rules: Vec<_> = pauses.rules.keys().map(|rule| format!("`{rule}`")).collect();
        let detail = match (pauses.all, rules.as_slice()) {
            (Some(since), _) => format!("since {}; `autoclosed resume` ends it", at(since)),
            (None, []) => "nothing is paused".into(),
            (None, [rule]) => format!("rule {rule} is paused"),
            (None, rules) => format!("rules {} are paused", rules.join(", ")),
        };
        (pauses.all.is_some(), Check { name, ok: true, detail })
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
        let (ok, detail) = match (self.store.takes_commits().await, self.store.size().await) {
            (Ok(()), Ok(_)) if self.board.damage() > 0 => {
                (false, format!("{} times something in it could not be read; see the log", self.board.damage()))
            }
            (Ok(()), Ok(bytes)) => (true, format!("takes commits; {} MiB", bytes.div_ceil(1 << 20))),
            (Err(error), _) | (_, Err(error)) => (false, error.to_string()),
        };
        Check { name: "database", ok, detail }
    }

    async fn intercom(&self) -> Check {
        let name = "intercom";
        let oldest = self.store.oldest_follow_up().await.ok().flatten();
        let waiting = oldest.map(|done| self.standpoint.now().duration_since(done)).filter(|since| *since > UNFINISHED);
        if let Some(since) = waiting {
            let detail =
                format!("for {} something that follows a deed could not be done; see the journal", span(since));
            return Check { name, ok: false, detail };
        }
        if let Some(why) = self.board.refused().or_else(|| self.board.refused_deed()) {
            return Check { name, ok: false, detail: why };
        }
        if let Some(why) = self.board.withheld() {
            let detail = format!(
                "refuses to show conversations ({why}), so none of them is closed; give the app the permission to read \
                 conversations in the Developer Hub"
            );
            return Check { name, ok: false, detail };
        }
        let standing = self.intercom.standing();
        let unrestored = self.board.unrestored();
        let failing = standing.last_error.filter(|(at, class)| {
            let general = matches!(class, Class::AuthDead | Class::NotSent | Class::Ambiguous);
            general && standing.last_success.is_none_or(|success| success < *at)
        });
        match (standing.last_success, failing) {
            (None, Some((_, class))) => {
                Check { name, ok: false, detail: format!("no good answer since the start ({})", class.name()) }
            }
            (None, None) => Check { name, ok: false, detail: "not asked yet since the start".into() },
            (Some(_), Some((_, class))) => {
                Check { name, ok: false, detail: format!("the last call failed ({})", class.name()) }
            }
            (Some(_), None) if unrestored > 0 => Check {
                name,
                ok: false,
                detail: format!("{unrestored} conversations could not be put back as they were; see the journal"),
            },
            (Some(at), None) => {
                let ago = self.standpoint.clock().elapsed().saturating_sub(at);
                Check { name, ok: true, detail: format!("last answer {} ago", said(ago)) }
            }
        }
    }

    fn workspace(&self) -> Check {
        let name = "workspace";
        if let Some(mismatch) = self.board.mismatch() {
            return Check { name, ok: false, detail: mismatch };
        }
        match self.standpoint.identity().app_id {
            Some(app_id) => Check { name, ok: true, detail: format!("workspace {app_id}") },
            None => Check { name, ok: false, detail: "not known yet: Intercom has not said whose token it is".into() },
        }
    }

    fn admin(&self) -> Check {
        let name = "admin";
        if let Some(unfit) = self.board.unfit() {
            return Check { name, ok: false, detail: format!("nothing is done: {unfit}") };
        }
        match self.standpoint.identity().admin_id {
            Some(admin_id) => Check { name, ok: true, detail: format!("acts as teammate {admin_id}") },
            None => Check { name, ok: false, detail: "not known yet: Intercom has not said whose token it is".into() },
        }
    }

    fn clock(&self) -> Check {
        let name = "clock";
        let Some(intercom_now) = self.intercom.intercom_now() else {
            return Check { name, ok: false, detail: "Intercom's clock is not known yet".into() };
        };
        let skew = self.standpoint.clock().now().duration_since(intercom_now).abs();
        Check { name, ok: skew <= safety::LARGEST_SKEW, detail: format!("{} from Intercom's", span(skew)) }
    }

    fn sweep(&self) -> Check {
        self.run("sweep", self.board.sweep(), self.gaps.0)
    }

    fn reconcile(&self) -> Check {
        if !self.board.looked() {
            let detail = match (self.board.to_read(), self.board.reconcile()) {
                (Some((left, _)), _) => format!("first look at the workspace: {left} conversations left to read"),
                (None, Some(Run { result: Err(why), .. })) => format!("first look at the workspace failed: {why}"),
                _ => "first look at the workspace not done yet".into(),
            };
            return Check { name: "reconcile", ok: false, detail };
        }
        if let Some((left, since)) = self.board.to_read() {
            let still = self.standpoint.clock().elapsed().saturating_sub(since);
            let detail =
                format!("looking at the workspace: {left} conversations left to read, told {} ago", said(still));
            return Check { name: "reconcile", ok: still < STUCK, detail };
        }
        self.run("reconcile", self.board.reconcile(), self.gaps.1)
    }

    fn run(&self, name: &'static str, run: Option<Run>, gap: Duration) -> Check {
        let overdue = (gap * GAPS).max(SHORTEST_OVERDUE);
        let Some(run) = run else { return Check { name, ok: false, detail: "has not run since the start".into() } };
        let ago = self.standpoint.clock().elapsed().saturating_sub(run.elapsed);
        match run.result {
            Ok(did) => Check { name, ok: ago <= overdue, detail: format!("{did}, {} ago", said(ago)) },
            Err(why) => Check { name, ok: false, detail: format!("{why}, {} ago", said(ago)) },
        }
    }

    fn config(&self) -> Check {
        let configured = match (self.board.configured(), self.board.unclear_names()) {
            (Ok(_), Some(unclear)) => Err(format!("nothing is done: {unclear}")),
            (configured, _) => configured,
        };
        Check { name: "config", ok: configured.is_ok(), detail: configured.unwrap_or_else(|why| why) }
    }

    async fn notifications(&self) -> Check {
        let name = "notifications";
        let counts = Recorded::NAMES.map(|(result, name)| format!("{} {name}", self.tally.notifications(result)));
        let counts = format!("since the start: {}", counts.join(", "));
        let Some(app_id) = self.standpoint.identity().app_id else { return Check { name, ok: true, detail: counts } };
        let tolerance = self.board.tolerance();
        match self.store.missed(&app_id, self.standpoint.now(), tolerance.grace).await {
            Ok(missed) => {
                let ok = missed.count <= i64::from(tolerance.most) && !missed.none_arrived;
                Check { name, ok, detail: told(missed, tolerance.most, &counts) }
            }
            Err(error) => Check { name, ok: false, detail: error.to_string() },
        }
    }
}

fn told(missed: Missed, most: u32, counts: &str) -> String {
    let Missed { count, none_arrived } = missed;
    let look = "check the webhook's address and topics in the Developer Hub";
    if none_arrived {
        let changes = if count == 1 { "one change" } else { &format!("{count} changes") };
        format!("no webhook arrives, though others made {changes} in the last hour; {look}; {counts}")
    } else if count > i64::from(most) {
        format!(
            "webhooks told nothing of {count} changes by others in the last hour, more than {most}; {look}; {counts}"
        )
    } else if count > 0 {
        format!("{counts}; {count} missed in the last hour, of {most} allowed")
    } else {
        counts.to_owned()
    }
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
