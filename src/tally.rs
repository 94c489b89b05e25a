//! What is counted since the start, for health, logs and metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::Recorded;

/// Counters. Reading them never disturbs counting.
#[derive(Debug, Default)]
pub struct Tally {
    notifications: [AtomicU64; Recorded::NAMES.len()],
    accepted: AtomicU64,
    unsigned: AtomicU64,
    unavailable: AtomicU64,
    refused: AtomicU64,
    skipped_sweeps: AtomicU64,
}

impl Tally {
    /// Counts a notification by what became of it.
    pub fn recorded(&self, result: Recorded) {
        let index = Recorded::NAMES.iter().position(|(known, _)| *known == result);
        if let Some(counter) = index.and_then(|index| self.notifications.get(index)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a webhook request by its answer.
    pub fn answered(&self, status: u16) {
        let counter = match status {
            200 => &self.accepted,
            401 => &self.unsigned,
            503 => &self.unavailable,
            _ => &self.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a sweep that was skipped because the one before still ran.
    pub fn skipped_sweep(&self) {
        self.skipped_sweeps.fetch_add(1, Ordering::Relaxed);
    }

    /// How many notifications ended so.
    pub fn notifications(&self, result: Recorded) -> u64 {
        let index = Recorded::NAMES.iter().position(|(known, _)| *known == result);
        index.and_then(|index| self.notifications.get(index)).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// Webhook requests answered 200, 401 and 503, and otherwise.
    pub fn webhook_answers(&self) -> [(&'static str, u64); 4] {
        [
            ("200", self.accepted.load(Ordering::Relaxed)),
            ("401", self.unsigned.load(Ordering::Relaxed)),
            ("503", self.unavailable.load(Ordering::Relaxed)),
            ("other", self.refused.load(Ordering::Relaxed)),
        ]
    }
}
