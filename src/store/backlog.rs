//! What waits for an operator, and what he says of it.
//!
//! Owns: the rows of the backlog, and that letting go and discarding are one transaction with what follows from them.
//! Refuses: saying what goes there, which is for `safety`, and acting, which is for the sweep.

use jiff::Timestamp;
use sqlx::{Row, SqliteConnection};

use super::attempts::finish;
use super::operator::{JOURNAL, TURN, at_once};
use super::rows::{self, json, ms};
use super::{Store, StoreError};
use crate::engine::backlog::Entry;
use crate::engine::conversation::ConversationId;
use crate::engine::rule::RuleName;

/// Takes entries out: a trigger has the attempt and the journal say so.
pub(super) const OVER: &str = "UPDATE backlog SET over_at = $1
    WHERE (app_id, conversation_id) IN (SELECT value->>0, value->>1 FROM json_each($2))";

/// Entries discarded in one transaction; notifications wait no longer than that takes.
const DISCARDED_AT_ONCE: i64 = 500;
/// Under this name the database remembers how many of those let go may be done in an hour.
const PER_HOUR: &str = "backlog_per_hour";
const HOUR_MS: i64 = 3_600_000;

const LIST: &str = "SELECT conversation_id, rule, step, due_at, reason, since, release_at FROM backlog
    WHERE app_id = $1 ORDER BY due_at, conversation_id";

/// An entry as a person is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The conversation.
    pub conversation: String,
    /// The rule.
    pub rule: String,
    /// The step.
    pub step: String,
    /// When it was due.
    pub due_at: Timestamp,
    /// Why it is there, in words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is let go; `None` if it waits.
    pub release_at: Option<Timestamp>,
}

/// How many entries there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// These wait for an operator.
    pub waiting: i64,
    /// These were let go, and are done one after the other.
    pub released: i64,
}

/// What letting go came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released {
    /// So many more were let go.
    pub now: u64,
    /// The last of all that were let go is due then.
    pub last_at: Option<Timestamp>,
}

/// What discarding came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discarded {
    /// So many entries are gone for good.
    pub now: u64,
}

impl Store {
    /// Everything in the backlog, oldest first.
    pub async fn backlog(&self, app_id: &str) -> Result<Vec<Waiting>, StoreError> {
        let rows = sqlx::query(LIST).bind(app_id).fetch_all(&self.readers).await?;
        rows.iter()
            .map(|row| {
                Ok(Waiting {
                    conversation: row.try_get(0)?,
                    rule: row.try_get(1)?,
                    step: row.try_get(2)?,
                    due_at: rows::at(row.try_get(3)?)?,
                    reason: row.try_get(4)?,
                    since: rows::at(row.try_get(5)?)?,
                    release_at: row.try_get::<Option<i64>, _>(6)?.map(rows::at).transpose()?,
                })
            })
            .collect()
    }

    /// How many entries there are; it costs the same however many that is.
    pub async fn count_backlog(&self) -> Result<Backlog, StoreError> {
        let sql = "SELECT (SELECT count FROM backlog_count WHERE released = 0),
            (SELECT count FROM backlog_count WHERE released = 1)";
        let (waiting, released) = sqlx::query_as(sql).fetch_one(&self.readers).await?;
        Ok(Backlog { waiting, released })
    }

    /// Lets the oldest `max` go, at most `per_hour` of them in any hour from now on. What was let go before and is not
    /// done yet goes by the same measure.
    pub async fn release_backlog(
        &self,
        app_id: &str,
        max: u32,
        per_hour: u32,
        now: Timestamp,
    ) -> Result<Released, StoreError> {
        let mut writer = self.write().await;
        writer.begin().await?;
        let released = release(writer.connection(), app_id, max, per_hour, now).await;
        finish(&mut writer, released).await
    }

    /// Discards what is in the backlog, be it let go or not, for good: all of it, or that of one conversation, or that
    /// of one rule. Not what is being done at this moment.
    pub async fn discard_backlog(
        &self,
        app_id: &str,
        id: Option<&ConversationId>,
        rule: Option<&str>,
        now: Timestamp,
    ) -> Result<Discarded, StoreError> {
        let mut gone = 0;
        loop {
            let mut writer = self.write().await;
            writer.begin().await?;
            let discarded = discard(writer.connection(), app_id, (id, rule), now).await;
            match finish(&mut writer, discarded).await? {
                0 => return Ok(Discarded { now: gone }),
                more => gone += more,
            }
        }
    }

    /// How many of those let go may still be done in the hour that ends at `now`; `None` if none was ever let go.
    pub async fn left_of_release(&self, since: Timestamp) -> Result<Option<u32>, StoreError> {
        let sql = "SELECT CAST(value AS INTEGER) - (SELECT count(*) FROM attempt WHERE sent_at > $1 AND released)
            FROM setting WHERE key = $2";
        let left: Option<i64> =
            sqlx::query_scalar(sql).bind(ms(since)).bind(PER_HOUR).fetch_optional(&self.readers).await?;
        Ok(left.map(|left| u32::try_from(left.max(0)).unwrap_or(u32::MAX)))
    }
}

/// Puts the step of an attempt into the backlog. What is there of its conversation gives way.
pub(super) async fn put(
    writer: &mut SqliteConnection,
    attempt: i64,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO backlog (app_id, conversation_id, rule, step, anchor_at, due_at, reason, since)
        SELECT app_id, conversation_id, rule, step, anchor_at, due_at, $2, $3 FROM attempt WHERE id = $1
        ON CONFLICT (app_id, conversation_id) DO UPDATE SET rule = excluded.rule, step = excluded.step,
            anchor_at = excluded.anchor_at, due_at = excluded.due_at, reason = excluded.reason, since = excluded.since,
            release_at = NULL";
    sqlx::query(sql).bind(attempt).bind(reason).bind(ms(now)).execute(writer).await?;
    Ok(())
}

async fn release(
    writer: &mut SqliteConnection,
    app_id: &str,
    max: u32,
    per_hour: u32,
    now: Timestamp,
) -> Result<Released, StoreError> {
    let choose = "SELECT conversation_id FROM backlog WHERE app_id = $1 AND release_at IS NULL
        ORDER BY due_at, conversation_id LIMIT $2";
    let chosen: Vec<String> = sqlx::query_scalar(choose).bind(app_id).bind(max).fetch_all(&mut *writer).await?;
    let mark = "UPDATE backlog SET release_at = $1 WHERE app_id = $2
        AND conversation_id IN (SELECT value FROM json_each($3))";
    sqlx::query(mark).bind(ms(now)).bind(app_id).bind(json(&chosen)).execute(&mut *writer).await?;
    for id in &chosen {
        let told = sqlx::query(JOURNAL).bind(ms(now)).bind(app_id).bind(id).bind("release");
        told.bind("let go from the backlog by hand").execute(&mut *writer).await?;
    }
    let space = "UPDATE backlog SET release_at = iif(place = 0, $2, $3 + place * $4) FROM
            (SELECT conversation_id AS id, row_number() OVER (ORDER BY due_at, conversation_id) - 1 AS place
             FROM backlog WHERE app_id = $1 AND release_at IS NOT NULL)
        WHERE app_id = $1 AND conversation_id = id";
    let apart = (HOUR_MS / i64::from(per_hour.max(1))).max(1);
    let space = sqlx::query(space).bind(app_id).bind(at_once(now)).bind(ms(now)).bind(apart);
    space.execute(&mut *writer).await?;
    let due = "UPDATE conversation SET due_at = release_at FROM backlog b WHERE b.app_id = $1
        AND b.release_at IS NOT NULL AND conversation.app_id = b.app_id AND conversation.id = b.conversation_id";
    sqlx::query(due).bind(app_id).execute(&mut *writer).await?;
    let pace =
        "INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    sqlx::query(pace).bind(PER_HOUR).bind(per_hour.to_string()).execute(&mut *writer).await?;
    sqlx::query(TURN).execute(&mut *writer).await?;
    let last = "SELECT max(release_at) FROM backlog WHERE app_id = $1";
    let last: Option<i64> = sqlx::query_scalar(last).bind(app_id).fetch_one(writer).await?;
    let last_at = last.map(rows::at).transpose()?.map(|last| last.max(now));
    Ok(Released { now: u64::try_from(chosen.len()).unwrap_or(u64::MAX), last_at })
}

/// One batch, oldest first. A claim that somebody holds of it is void from then on.
async fn discard(
    writer: &mut SqliteConnection,
    app_id: &str,
    (id, rule): (Option<&ConversationId>, Option<&str>),
    now: Timestamp,
) -> Result<u64, StoreError> {
    let choose = "SELECT a.id, a.conversation_id FROM backlog b CROSS JOIN attempt a ON a.app_id = b.app_id
            AND a.conversation_id = b.conversation_id AND a.rule = b.rule AND a.anchor_at = b.anchor_at AND a.step = b.step
        WHERE b.app_id = $1 AND ($2 IS NULL OR b.conversation_id = $2) AND ($3 IS NULL OR b.rule = $3)
            AND a.phase IN ('open', 'parked') ORDER BY b.due_at, b.conversation_id LIMIT $4";
    let choose = sqlx::query_as(choose).bind(app_id).bind(id.map(ConversationId::as_str)).bind(rule);
    let chosen: Vec<(i64, String)> = choose.bind(DISCARDED_AT_ONCE).fetch_all(&mut *writer).await?;
    if chosen.is_empty() {
        return Ok(0);
    }
    let (attempts, ids): (Vec<_>, Vec<_>) = chosen.into_iter().unzip();
    let (attempts, ids, why) = (json(&attempts), json(&ids), "discarded from the backlog by hand");
    for sql in [
        "UPDATE attempt SET phase = 'discarded', outcome = 'left', why = $4, at = $3, claims = claims + 1, look_at = NULL
            WHERE id IN (SELECT value FROM json_each($2))",
        "INSERT INTO journal (at, app_id, conversation_id, rule, step, do, outcome, why, inputs, attempt)
            SELECT $3, app_id, conversation_id, rule, step,
                iif(instr(step, ' '), substr(step, 1, instr(step, ' ') - 1), step), 'left', $4, '{}', id
            FROM attempt WHERE id IN (SELECT value FROM json_each($2))",
    ] {
        sqlx::query(sql).bind(app_id).bind(&attempts).bind(ms(now)).bind(why).execute(&mut *writer).await?;
    }
    for sql in [
        "DELETE FROM backlog WHERE app_id = $1 AND conversation_id IN (SELECT value FROM json_each($2))",
        // What follows from it is that plain: nothing is done, and a snooze that ends is looked at.
        "UPDATE conversation SET due_at = iif(state = 'snoozed', snoozed_until, NULL)
            WHERE app_id = $1 AND id IN (SELECT value FROM json_each($2))",
    ] {
        sqlx::query(sql).bind(app_id).bind(&ids).execute(&mut *writer).await?;
    }
    sqlx::query(TURN).execute(writer).await?;
    Ok(u64::try_from(serde_json::from_str::<Vec<String>>(&ids).unwrap_or_default().len()).unwrap_or(u64::MAX))
}

/// An entry as [`record`](super::record) reads it: workspace, conversation, rule, step, anchor, `release_at`.
#[derive(Debug, serde::Deserialize)]
pub(super) struct EntryRow(String, String, String, String, i64, Option<i64>);

impl EntryRow {
    pub(super) fn entry(self) -> Result<((String, String), Entry), StoreError> {
        let odd = || StoreError::Odd(format!("the backlog's entry of conversation {}", self.1));
        let entry = Entry {
            rule: RuleName::from(self.2.as_str()),
            step: self.3.parse().map_err(|_| odd())?,
            anchor_at: rows::at(self.4)?,
            release_at: self.5.map(rows::at).transpose()?,
        };
        Ok(((self.0, self.1), entry))
    }
}
