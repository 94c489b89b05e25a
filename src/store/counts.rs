//! Figures for whoever asks at any time: each costs the same however much is stored.
//!
//! Owns: how the outcomes of steps make up what was due. Refuses: counting; the database does that by itself, as things
//! are written.

use super::{Recorded, Store, StoreError};

pub(super) const ACTIONS: &str =
    "SELECT rule, outcome, count FROM attempt_count WHERE outcome <> 'claimed' AND count > 0 ORDER BY rule, outcome";
pub(super) const TRACKED: &str =
    "SELECT coalesce(sum(count), 0) FROM conversation_count WHERE $1 IS NULL OR app_id = $1";
pub(super) const RECEIVED: &str = "SELECT result, count FROM notification_count";

/// How many steps stand where, each counted once for its period. A rehearsal is not among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Actions {
    /// Done.
    pub done: i64,
    /// Done, and taken back or overtaken, as the contact had written meanwhile.
    pub raced: i64,
    /// Not done, and not to be done as things stand.
    pub left: i64,
    /// Put off.
    pub deferred: i64,
    /// Refused or lost for good.
    pub failed: i64,
    /// Sent, and what became of it is not known.
    pub unclear: i64,
}

impl Actions {
    /// Counts so many more of an outcome. What is none of these is not counted.
    pub fn add(&mut self, outcome: &str, count: i64) {
        match outcome {
            "done" => self.done += count,
            "raced" => self.raced += count,
            "left" => self.left += count,
            "deferred" => self.deferred += count,
            "failed" => self.failed += count,
            "unclear" => self.unclear += count,
            _ => {}
        }
    }

    /// All that was taken up as due.
    pub fn due(&self) -> i64 {
        self.done + self.raced + self.left + self.deferred + self.failed + self.unclear
    }
}

/// How many notifications have come since the database was made, by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received(Vec<(String, i64)>);

impl Received {
    /// How many ended so.
    pub fn count(&self, result: Recorded) -> i64 {
        self.0.iter().find(|(name, _)| name == result.name()).map_or(0, |(_, count)| *count)
    }
}

impl Store {
    /// How many (period, step)s of each rule stand at each outcome, in the order of their names. What is only claimed
    /// has no outcome yet, and no line in the journal.
    pub async fn actions(&self) -> Result<Vec<(String, String, i64)>, StoreError> {
        Ok(sqlx::query_as(ACTIONS).fetch_all(&self.readers).await?)
    }

    /// How many conversations are tracked: of this workspace, or of all.
    pub async fn tracked(&self, app_id: Option<&str>) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(TRACKED).bind(app_id).fetch_one(&self.readers).await?)
    }

    /// How many notifications have come.
    pub async fn received(&self) -> Result<Received, StoreError> {
        Ok(Received(sqlx::query_as(RECEIVED).fetch_all(&self.readers).await?))
    }
}
