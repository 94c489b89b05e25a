//! What is counted since the start, for health, logs and metrics.
//!
//! Owns: the counters. Refuses: their names and their text; those are for `metrics`. What can be counted in the database
//! or is known to a part by itself is not counted here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::histogram::Histogram;

use crate::engine::rule::RuleName;
use crate::store::Recorded;

/// Bounds of the time to an acknowledgement, in seconds: Intercom wants it within half a second, and waits for five.
const ACKNOWLEDGED_WITHIN: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// Bounds of the time that a job takes, in seconds: from one with nothing to do to the first look at a large workspace.
const RAN_WITHIN: [f64; 9] = [0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0];

/// Counters. Reading them never disturbs counting.
#[derive(Debug)]
pub struct Tally {
    notifications: [AtomicU64; Recorded::NAMES.len()],
    topics: Counters<(&'static str, &'static str)>,
    answers: Counters<u16>,
    acknowledged: Histogram,
    missed: AtomicU64,
    missed_and_forgotten: AtomicU64,
    skipped_sweeps: AtomicU64,
    ended: Counters<(String, &'static str)>,
    sweeps: Runs,
    looks: Runs,
}

/// What the schedule wakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Acting on what is due.
    Sweep,
    /// Looking at the workspace.
    Reconcile,
}

/// How the runs of a job have gone.
#[derive(Debug)]
pub struct Runs {
    took: Histogram,
    succeeded_at: Mutex<Option<Timestamp>>,
}

#[derive(Debug)]
struct Counters<K>(Mutex<BTreeMap<K, u64>>);

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            notifications: Default::default(),
            topics: Counters::default(),
            answers: Counters::default(),
            acknowledged: Histogram::new(ACKNOWLEDGED_WITHIN),
            missed: AtomicU64::default(),
            missed_and_forgotten: AtomicU64::default(),
            skipped_sweeps: AtomicU64::default(),
            ended: Counters::default(),
            sweeps: Runs::default(),
            looks: Runs::default(),
        }
    }
}

impl Tally {
    /// Counts a notification of a topic, which is one of a bounded number, by what became of it.
    pub fn recorded(&self, topic: &'static str, result: Recorded) {
        let index = Recorded::NAMES.iter().position(|(known, _)| *known == result);
        if let Some(counter) = index.and_then(|index| self.notifications.get(index)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.topics.add((topic, result.name()));
    }

    /// Counts a webhook request by its answer, which took that long.
    pub fn answered(&self, status: u16, took: Duration) {
        self.answers.add(status);
        // Nobody without the secret gets as far as these: strangers must not make it look better or worse than it is.
        if matches!(status, 200 | 503) {
            self.acknowledged.observe(took.as_secs_f64());
        }
    }

    /// Notes how many changes no notification told, of all that the database remembers. It forgets; this does not.
    pub fn missed_at_least(&self, count: u64) {
        let count = count.saturating_add(self.missed_and_forgotten.load(Ordering::Relaxed));
        self.missed.fetch_max(count, Ordering::Relaxed);
    }

    /// Notes how many of them the database has just forgotten: what it remembers from now on comes on top of these.
    pub fn forgot_missed(&self, count: u64) {
        self.missed_and_forgotten.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts a sweep that was skipped because the one before still ran.
    pub fn skipped_sweep(&self) {
        self.skipped_sweeps.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a step that is over for good, by how it ended.
    pub fn ended(&self, rule: &RuleName, outcome: &'static str) {
        self.ended.add((rule.to_string(), outcome));
    }

    /// Counts a run of a job that took that long. `succeeded_at`: when it ended, if it did what it should.
    pub fn ran(&self, job: Job, took: Duration, succeeded_at: Option<Timestamp>) {
        let runs = self.runs(job);
        runs.took.observe(took.as_secs_f64());
        if succeeded_at.is_some() {
            *runs.succeeded_at.lock().unwrap_or_else(PoisonError::into_inner) = succeeded_at;
        }
    }

    /// How many notifications ended so.
    pub fn notifications(&self, result: Recorded) -> u64 {
        let index = Recorded::NAMES.iter().position(|(known, _)| *known == result);
        index.and_then(|index| self.notifications.get(index)).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// How many notifications of each topic ended how.
    pub fn topics(&self) -> BTreeMap<(&'static str, &'static str), u64> {
        self.topics.get()
    }

    /// Webhook requests by the status of their answer.
    pub fn answers(&self) -> BTreeMap<u16, u64> {
        self.answers.get()
    }

    /// How long signed notifications have waited for their answer.
    pub fn acknowledged(&self) -> &Histogram {
        &self.acknowledged
    }

    /// Changes that no notification told.
    pub fn missed_notifications(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Sweeps that were skipped because the one before still ran.
    pub fn skipped_sweeps(&self) -> u64 {
        self.skipped_sweeps.load(Ordering::Relaxed)
    }

    /// Steps that are over for good, by rule and outcome.
    pub fn endings(&self) -> BTreeMap<(String, &'static str), u64> {
        self.ended.get()
    }

    /// How the runs of a job have gone.
    pub fn runs(&self, job: Job) -> &Runs {
        match job {
            Job::Sweep => &self.sweeps,
            Job::Reconcile => &self.looks,
        }
    }
}

impl Job {
    /// All of them, with their names in metrics.
    pub const NAMES: [(Job, &'static str); 2] = [(Job::Sweep, "sweep"), (Job::Reconcile, "reconcile")];
}

impl Runs {
    /// How long they took.
    pub fn took(&self) -> &Histogram {
        &self.took
    }

    /// When the last one ended that did what it should.
    pub fn succeeded_at(&self) -> Option<Timestamp> {
        *self.succeeded_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Runs {
    fn default() -> Runs {
        Runs { took: Histogram::new(RAN_WITHIN), succeeded_at: Mutex::default() }
    }
}

impl<K> Default for Counters<K> {
    fn default() -> Counters<K> {
        Counters(Mutex::default())
    }
}

impl<K: Clone + Ord> Counters<K> {
    fn add(&self, key: K) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }

    fn get(&self) -> BTreeMap<K, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
