//! Rules that have stopped by themselves, because contacts reopened too much of what they closed.
//!
//! Owns: which closes are judged, and that a trip stands among the pauses, which whoever sends looks at. Refuses:
//! judging; [`Reopenings`] does. It goes by what was recorded, in whatever order that came, and looks at a rule's last
//! closes alone.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::attempts::finish;
use super::rows::{self, ms};
use super::{Store, StoreError};
use crate::engine::rule::RuleName;
use crate::safety::{JUDGED_CLOSES, REOPENED_WITHIN, Reopenings, Share};

/// A rule that has stopped by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trip {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reopenings: Reopenings,
}

/// The last closes of a rule that stood, and how many of them a contact's reply opened. One that somebody else had
/// opened before was not reopened by the contact. Of what was undone or forgotten, and of what lies before a trip that
/// was lifted, nothing is said; they stay among the last so that there is an end to looking back.
pub(super) const REOPENINGS: &str = "SELECT count(*), coalesce(sum(reopened), 0) FROM (
    SELECT a.forgiven OR a.undone_at IS NOT NULL OR a.conversation_id LIKE 'forgotten %' AS untold,
        EXISTS (SELECT 1 FROM activity r WHERE r.app_id = a.app_id AND r.conversation_id = a.conversation_id
            AND r.class = 'contact_reply' AND r.actor = 'contact' AND r.at BETWEEN a.done_at AND a.done_at + $3
            AND NOT EXISTS (SELECT 1 FROM activity o WHERE o.app_id = a.app_id AND o.conversation_id = a.conversation_id
                AND o.class = 'opened' AND o.actor <> 'contact' AND o.at >= a.done_at AND o.at < r.at)) AS reopened
    FROM attempt a WHERE a.rule = $1 AND a.step = 'close' AND a.phase = 'done' AND +a.app_id = $2
    ORDER BY a.done_at DESC LIMIT $4) WHERE NOT untold";

const TRIP: &str = "INSERT INTO pause (rule, since, by_name, tripped_at, trip_closes, trip_reopened)
    VALUES ($1, $2, 0, $2, $3, $4)
    ON CONFLICT (rule) DO UPDATE SET tripped_at = excluded.tripped_at, trip_closes = excluded.trip_closes,
        trip_reopened = excluded.trip_reopened WHERE tripped_at IS NULL";

const FORGIVE: &str = "UPDATE attempt SET forgiven = 1 WHERE id IN (SELECT id FROM attempt
    WHERE rule = $1 AND step = 'close' AND phase = 'done' ORDER BY done_at DESC LIMIT $2)";

impl Store {
    /// Stops a rule of which contacts have reopened at least this share. `None` if they have not, or it had stopped
    /// before.
    pub async fn trip(
        &self,
        app_id: &str,
        rule: &RuleName,
        rate: Share,
        now: Timestamp,
    ) -> Result<Option<Reopenings>, StoreError> {
        let mut reader = self.readers.acquire().await?;
        if !reopenings(&mut reader, app_id, rule).await?.trips(rate) {
            return Ok(None);
        }
        drop(reader);
        let mut writer = self.write().await;
        writer.begin().await?;
        let tripped = trip_now(writer.connection(), app_id, rule, rate, now).await;
        finish(&mut writer, tripped).await
    }
}

/// Looks once more: an operator may have lifted a trip just now.
async fn trip_now(
    writer: &mut SqliteConnection,
    app_id: &str,
    rule: &RuleName,
    rate: Share,
    now: Timestamp,
) -> Result<Option<Reopenings>, StoreError> {
    let found = reopenings(writer, app_id, rule).await?;
    if !found.trips(rate) {
        return Ok(None);
    }
    let trip = sqlx::query(TRIP).bind(rule.as_str()).bind(ms(now)).bind(found.closes).bind(found.reopened);
    let new = trip.execute(writer).await?.rows_affected() > 0;
    Ok(new.then_some(found))
}

async fn reopenings(
    connection: &mut SqliteConnection,
    app_id: &str,
    rule: &RuleName,
) -> Result<Reopenings, StoreError> {
    let within = i64::try_from(REOPENED_WITHIN.as_millis()).unwrap_or(i64::MAX);
    let found = sqlx::query_as(REOPENINGS).bind(rule.as_str()).bind(app_id).bind(within).bind(JUDGED_CLOSES);
    let (closes, reopened) = found.fetch_one(connection).await?;
    Ok(Reopenings { closes, reopened })
}

/// Lifts the trip of this rule, or every trip, and tells since when each stood. Judging begins anew: else it would trip
/// again at once.
pub(super) async fn lift(
    writer: &mut SqliteConnection,
    rule: Option<&str>,
) -> Result<Vec<(RuleName, Timestamp)>, StoreError> {
    let tripped =
        "SELECT rule, tripped_at FROM pause WHERE tripped_at IS NOT NULL AND rule = coalesce($1, rule) ORDER BY rule";
    let tripped: Vec<(String, i64)> = sqlx::query_as(tripped).bind(rule).fetch_all(&mut *writer).await?;
    for (rule, _) in &tripped {
        sqlx::query(FORGIVE).bind(rule).bind(JUDGED_CLOSES).execute(&mut *writer).await?;
    }
    let only_tripped = "DELETE FROM pause WHERE by_name = 0 AND rule = coalesce($1, rule)";
    sqlx::query(only_tripped).bind(rule).execute(&mut *writer).await?;
    let paused_too = "UPDATE pause SET tripped_at = NULL, trip_closes = NULL, trip_reopened = NULL
        WHERE tripped_at IS NOT NULL AND rule = coalesce($1, rule)";
    sqlx::query(paused_too).bind(rule).execute(writer).await?;
    tripped.iter().map(|(rule, at)| Ok((RuleName::from(rule.as_str()), rows::at(*at)?))).collect()
}

/// The trip in the columns from `first` on, if the rule has tripped.
pub(super) fn trip(row: &SqliteRow, first: usize) -> Result<Option<Trip>, StoreError> {
    let Some(at) = row.try_get::<Option<i64>, _>(first)? else { return Ok(None) };
    let reopenings = Reopenings { closes: row.try_get(first + 1)?, reopened: row.try_get(first + 2)? };
    Ok(Some(Trip { at: rows::at(at)?, reopenings }))
}
