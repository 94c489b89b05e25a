//! All that the daemon counts and knows of itself, in figures for Prometheus.
//!
//! Owns: the registry, made anew at each asking, and where each figure comes from. Refuses: counting; `tally`, the
//! client and the database do that. A figure that is not known is left out, and so is what would cost more the more
//! there is: conversations are not counted by their state.

pub mod names;
mod page;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use self::page::{CONTENT_TYPE, Page, Sample, Value};
use crate::health::Health;
use crate::store::{Actions, BUDGET_WINDOW, Recorded};
use crate::tally::Job;
use crate::writer::Queue;

/// Where the figures come from.
#[derive(Debug, Clone)]
pub struct Metrics {
    health: Health,
    queue: Queue,
}

/// The route of the admin listener.
pub fn routes(metrics: Metrics) -> Router {
    Router::new().route("/metrics", get(told)).with_state(metrics)
}

async fn told(State(metrics): State<Metrics>) -> Response {
    match metrics.page().await.text() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl Metrics {
    /// Figures of what health looks at, and of the notifications that wait.
    pub fn new(health: Health, queue: Queue) -> Metrics {
        Metrics { health, queue }
    }

    async fn page(&self) -> Page {
        let mut page = Page::default();
        page.put(names::BUILD, [(vec![env!("CARGO_PKG_VERSION").to_owned()], Value::Level(1))]);
        self.put_health(&mut page).await;
        self.put_standing(&mut page).await;
        self.count_missed().await;
        self.put_notifications(&mut page);
        self.put_actions(&mut page).await;
        self.put_budget(&mut page).await;
        self.put_calls(&mut page);
        self.put_jobs(&mut page);
        if let Ok(bytes) = self.health.store.size().await {
            page.put_one(names::DATABASE, Value::Level(i64::try_from(bytes).unwrap_or(i64::MAX)));
        }
        let log = self.health.store.log_size();
        page.put_one(names::LOG, Value::Level(i64::try_from(log).unwrap_or(i64::MAX)));
        if let Some(bytes) = self.health.store.free_space() {
            page.put_one(names::FREE, Value::Level(i64::try_from(bytes).unwrap_or(i64::MAX)));
        }
        page
    }

    async fn put_health(&self, page: &mut Page) {
        let checks = self.health.report().await.checks;
        let checks = checks.iter().map(|check| (vec![check.name.to_owned()], Value::Level(i64::from(check.ok))));
        page.put(names::HEALTH, checks);
    }

    /// Whether it acts at all: in none of these ways health is bad.
    async fn put_standing(&self, page: &mut Page) {
        let Health { store, standpoint, board, .. } = &self.health;
        page.put_one(names::LIVE, Value::Level((!standpoint.rulebook().current().dry_run()).into()));
        match store.pauses().await {
            Ok(pauses) => page.put_one(names::PAUSED, Value::Level(pauses.all.is_some().into())),
            Err(error) => tracing::warn!(error = %error, "metrics leave out what the database could not tell"),
        }
        page.put_one(names::STANDS_BY, Value::Level(board.stands_by().into()));
    }

    async fn count_missed(&self) {
        let Health { store, standpoint, board, tally, .. } = &self.health;
        let Some(app_id) = standpoint.identity().app_id else { return };
        match store.missed_in_all(&app_id, standpoint.now(), board.tolerance().grace).await {
            Ok(count) => tally.missed_at_least(count),
            Err(error) => tracing::warn!(error = %error, "what was missed could not be counted"),
        }
    }

    fn put_notifications(&self, page: &mut Page) {
        let tally = &self.health.tally;
        let results = Recorded::NAMES.map(|(result, name)| (vec![name.to_owned()], tally.notifications(result)));
        page.put(names::NOTIFICATIONS, counts(results));
        page.put(
            names::TOPICS,
            counts(tally.topics().into_iter().map(|((topic, result), n)| (both(topic, result), n))),
        );
        let answers = tally.answers().into_iter().map(|(status, count)| (vec![status.to_string()], count));
        page.put(names::REQUESTS, counts(answers));
        page.put_one(names::ACKNOWLEDGED, Value::Spread(tally.acknowledged().clone()));
        page.put_one(names::MISSED, Value::Count(tally.missed_notifications()));
        page.put_one(names::REORDERED, Value::Count(self.health.store.reordered()));
        page.put_one(names::WAITING, Value::Level(i64::try_from(self.queue.waiting()).unwrap_or(i64::MAX)));
    }

    /// The steps of all rules as the database has them, and those that have ended since the start.
    async fn put_actions(&self, page: &mut Page) {
        match self.health.store.actions().await {
            Ok(actions) => {
                let mut standing = Actions::default();
                for (_, outcome, count) in &actions {
                    standing.add(outcome, *count);
                }
                let actions = actions.iter().map(|(rule, outcome, count)| (both(rule, outcome), Value::Level(*count)));
                page.put(names::ACTIONS, actions);
                page.put_one(names::DUE, Value::Level(standing.due()));
            }
            Err(error) => tracing::warn!(error = %error, "metrics leave out what the database could not tell"),
        }
        let ended = self.health.tally.endings().into_iter().map(|((rule, outcome), n)| (both(&rule, outcome), n));
        page.put(names::ENDED, counts(ended));
        match self.health.store.count_backlog().await {
            Ok(backlog) => page.put_one(names::BACKLOG, Value::Level(backlog.waiting)),
            Err(error) => tracing::warn!(error = %error, "metrics leave out what the database could not tell"),
        }
    }

    /// What left in the last hour, of what may. Who may send is told by the same figures as in the health report.
    async fn put_budget(&self, page: &mut Page) {
        const KINDS: [&str; 2] = ["closes", "messages"];
        let of = |figures: [u32; 2]| {
            KINDS.into_iter().zip(figures).map(|(kind, figure)| (vec![kind.to_owned()], Value::Level(figure.into())))
        };
        match self.health.store.sent_since(self.health.standpoint.now() - BUDGET_WINDOW).await {
            Ok((closes, messages)) => page.put(names::SENT, of([closes, messages])),
            Err(error) => tracing::warn!(error = %error, "metrics leave out what the database could not tell"),
        }
        let limits = self.health.board.limits();
        let limits = limits.map(|limits| of([limits.closes_per_hour, limits.messages_per_hour]));
        page.put(names::HOURLY, limits.into_iter().flatten());
    }

    fn put_calls(&self, page: &mut Page) {
        let intercom = &self.health.intercom;
        let sent = intercom.sent().into_iter().map(|((endpoint, status), n)| (both(endpoint, &status), n));
        page.put(names::CALLS, counts(sent));
        for (family, figure) in [(names::RATE_LIMIT, intercom.limit()), (names::RATE_REMAINING, intercom.remaining())] {
            page.put(family, figure.map(|figure| (Vec::new(), Value::Level(figure.into()))));
        }
        page.put_one(names::TROUBLE, Value::Level(intercom.trouble().is_some().into()));
        page.put_one(names::WAITED, Value::Seconds(intercom.waited().as_secs_f64()));
    }

    fn put_jobs(&self, page: &mut Page) {
        let tally = &self.health.tally;
        let jobs = Job::NAMES.map(|(job, name)| (vec![name.to_owned()], tally.runs(job)));
        page.put(names::JOBS, jobs.clone().map(|(name, runs)| (name, Value::Spread(runs.took().clone()))));
        let succeeded = jobs.into_iter().filter_map(|(name, runs)| {
            let at = runs.succeeded_at()?.as_duration().as_secs_f64();
            Some((name, Value::Moment(at)))
        });
        page.put(names::SUCCEEDED, succeeded);
        page.put_one(names::SKIPPED, Value::Count(tally.skipped_sweeps()));
    }
}

fn both(first: &str, second: &str) -> Vec<String> {
    vec![first.to_owned(), second.to_owned()]
}

fn counts(counted: impl IntoIterator<Item = (Vec<String>, u64)>) -> impl Iterator<Item = Sample> {
    counted.into_iter().map(|(labels, count)| (labels, Value::Count(count)))
}
