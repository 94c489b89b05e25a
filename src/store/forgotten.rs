//! Erasing a conversation, and never taking it up again.
//!
//! Owns: which rows hold a conversation, and the mark that is all that stays of it. Refuses: a conversation with a deed
//! on its way, of which must first be known what became of it. Budgets and counters go on counting what was done: those
//! rows stay, under a name that says nothing.

use std::collections::BTreeSet;
use std::fmt;

use futures_util::TryStreamExt;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use sqlx::{Row, SqliteConnection};

use super::attempts::finish;
use super::record::{KeepBodies, Record, Told};
use super::rows::{json, ms};
use super::{Context, Store, StoreError};
use crate::engine::conversation::ConversationId;

/// What an attempt's conversation is called once it is forgotten; behind it stands the attempt's own number.
pub(super) const PSEUDONYM: &str = "forgotten ";

/// Every table whose rows belong to a conversation, and how they go. Attempts lose everything that tells of it, and
/// their claim, so that nobody can send them any more; what was still to be done is left.
pub(super) const ERASED: [(&str, &str); 9] = [
    ("conversation", "DELETE FROM conversation WHERE app_id = $1 AND id = $2"),
    ("activity", "DELETE FROM activity WHERE app_id = $1 AND conversation_id = $2"),
    ("fact", "DELETE FROM fact WHERE app_id = $1 AND conversation_id = $2"),
    ("notification_body", "DELETE FROM notification_body WHERE app_id = $1 AND conversation_id = $2"),
    ("untold", "DELETE FROM untold WHERE app_id = $1 AND conversation_id = $2"),
    ("hold", "DELETE FROM hold WHERE app_id = $1 AND conversation_id = $2"),
    ("backlog", "DELETE FROM backlog WHERE app_id = $1 AND conversation_id = $2"),
    ("journal", "DELETE FROM journal WHERE app_id = $1 AND conversation_id = $2"),
    (
        "attempt",
        "UPDATE attempt SET conversation_id = 'forgotten ' || id, anchor_at = 0, due_at = 0, first_at = at, claimed_at = at,
            phase = iif(phase IN ('open', 'parked') AND outcome <> 'dry_run', 'passed', phase),
            outcome = iif(outcome IN ('claimed', 'deferred'), 'left', outcome), why = 'the conversation was forgotten',
            claims = claims + 1, look_at = NULL, digest = NULL, snoozed_until = NULL, contact_at = NULL, contact_part = NULL,
            deeds = '[]', changes = '[]', wishes = NULL, follow_at = NULL, undo_awaited = 0
         WHERE app_id = $1 AND conversation_id = $2",
    ),
];

/// Tables with a conversation's id in them that are gone through, as no index leads to it.
#[cfg(test)]
pub(super) const GONE_THROUGH: [&str; 1] = ["notification"];

const UNDER_WAY: &str = "SELECT EXISTS (SELECT 1 FROM attempt WHERE app_id = $1 AND conversation_id = $2
    AND (phase = 'unclear' OR follow_up IS NOT NULL))";

/// Rows taken out in one statement.
const AT_ONCE: usize = 1_000;

/// What became of the wish to forget a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgot {
    /// So many rows were erased, or lost everything that told of it.
    Rows(u64),
    /// It had been forgotten before, and nothing more was found of it.
    Before,
    /// Nothing at all is known of it.
    Unknown,
    /// A call about it is on its way, its answer was lost, or something is still to be done after it.
    UnderWay,
}

const FORGOTTEN: &str = "SELECT EXISTS (SELECT 1 FROM forgotten WHERE mark = $1)";

/// Makes the marks of forgotten conversations.
#[derive(Clone)]
pub(super) struct ForgetKey([u8; 32]);

impl fmt::Debug for ForgetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForgetKey(***)")
    }
}

impl ForgetKey {
    pub(super) fn new(key: [u8; 32]) -> ForgetKey {
        ForgetKey(key)
    }

    /// The mark of a conversation: without the key it tells nothing, and with it only whether a given id is meant.
    pub(super) fn mark(&self, app_id: &str, id: &str) -> String {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        for piece in ["forgotten", app_id, id] {
            mac.update(piece.as_bytes());
            mac.update(&[0]);
        }
        hex::encode(mac.finalize().into_bytes())
    }

    /// The marks of every conversation that a record is about or may name.
    pub(super) fn marks(&self, record: &Record, context: &Context) -> Vec<String> {
        match record {
            Record::Fetched(seen) => vec![self.mark(context.workspace(), seen.id.as_str())],
            Record::Notified { app_id, told, topic, about, body, .. } => match (told.sighting(), about) {
                (Some(seen), _) => vec![self.mark(app_id, seen.id.as_str())],
                (None, _) if may_be_kept(told, topic, context) => self.named_in(app_id, body, context).collect(),
                // What names no workspace may be of ours.
                (None, Some(id)) if app_id.is_empty() => vec![self.mark(context.workspace(), id.as_str())],
                (None, Some(id)) => vec![self.mark(app_id, id.as_str())],
                (None, None) => Vec::new(),
            },
        }
    }

    /// The marks of whatever a raw body may name.
    pub(super) fn named_in<'a>(
        &'a self,
        app_id: &'a str,
        body: &'a [u8],
        context: &'a Context,
    ) -> impl Iterator<Item = String> + 'a {
        // What names no workspace may be of ours.
        let app_id = if app_id.is_empty() { context.workspace() } else { app_id };
        let distinct: BTreeSet<&str> = numbers(body).collect();
        distinct.into_iter().map(|number| self.mark(app_id, number))
    }
}

/// Of a contact or a company, a body names no conversation, and is kept only with all others.
fn may_be_kept(told: &Told, topic: &str, context: &Context) -> bool {
    !matches!(told, Told::Nothing) || topic.starts_with("conversation") || context.keep_bodies == KeepBodies::All
}

/// Everything in a body that could be an id of a conversation or of a part.
fn numbers(body: &[u8]) -> impl Iterator<Item = &str> {
    let runs = body.split(|byte| !byte.is_ascii_digit()).filter(|run| (1..=20).contains(&run.len()));
    runs.filter_map(|run| str::from_utf8(run).ok())
}

/// What refers to a conversation and is found only by going through everything.
#[derive(Debug, Default)]
struct Strewn {
    notifications: Vec<String>,
    bodies: Vec<i64>,
}

impl Store {
    /// Erases what is known of a conversation, and keeps nothing but its mark. Its rows are gone for whoever asks the
    /// database; [`Store::leave_no_trace`] takes them out of the file.
    ///
    /// What no index leads to is looked for first, without keeping anybody from writing, and once more when the mark
    /// keeps more from coming.
    pub async fn forget(&self, app_id: &str, id: &ConversationId, now: Timestamp) -> Result<Forgot, StoreError> {
        let parts = self.part_ids(app_id, id).await?;
        let strewn = self.strewn(app_id, id, &parts).await?;
        let mark = self.forget_key.mark(app_id, id.as_str());
        let forgot = {
            let mut writer = self.write().await;
            writer.begin().await?;
            let forgot = forget(writer.connection(), app_id, id, &mark, &strewn, now).await;
            let nothing = !matches!(forgot, Ok(Forgot::Rows(_) | Forgot::Before));
            let forgot = if nothing { forgot } else { finish(&mut writer, forgot).await };
            if nothing {
                writer.roll_back().await;
            }
            forgot?
        };
        let Forgot::Rows(rows) = forgot else { return Ok(forgot) };
        let late = self.strewn(app_id, id, &parts).await?;
        let mut writer = self.write().await;
        Ok(Forgot::Rows(rows + erase_strewn(writer.connection(), app_id, &late).await?))
    }

    /// Whether it was forgotten.
    pub async fn is_forgotten(&self, app_id: &str, id: &ConversationId) -> Result<bool, StoreError> {
        let mark = self.forget_key.mark(app_id, id.as_str());
        Ok(sqlx::query_scalar(FORGOTTEN).bind(mark).fetch_one(&self.readers).await?)
    }

    async fn part_ids(&self, app_id: &str, id: &ConversationId) -> Result<BTreeSet<String>, StoreError> {
        let sql = "SELECT DISTINCT part_id FROM activity WHERE app_id = $1 AND conversation_id = $2 AND part_id <> ''";
        let ids: Vec<String> = sqlx::query_scalar(sql).bind(app_id).bind(id.as_str()).fetch_all(&self.readers).await?;
        Ok(ids.into_iter().map(|id| id.trim_start_matches("source:").to_owned()).collect())
    }

    async fn strewn(&self, app_id: &str, id: &ConversationId, parts: &BTreeSet<String>) -> Result<Strewn, StoreError> {
        let seen = "SELECT id FROM notification WHERE +app_id = $1 AND conversation_id = $2";
        let notifications: Vec<String> =
            sqlx::query_scalar(seen).bind(app_id).bind(id.as_str()).fetch_all(&self.readers).await?;
        let keys: BTreeSet<&str> = notifications.iter().map(String::as_str).collect();
        let kept = "SELECT id, key, body FROM notification_body WHERE app_id IN ($1, '')";
        let mut kept = sqlx::query(kept).bind(app_id).fetch(&self.readers);
        let mut bodies = Vec::new();
        while let Some(row) = kept.try_next().await? {
            let (key, body): (&str, &[u8]) = (row.try_get(1)?, row.try_get(2)?);
            if keys.contains(key) || numbers(body).any(|number| number == id.as_str() || parts.contains(number)) {
                bodies.push(row.try_get(0)?);
            }
        }
        drop(kept);
        Ok(Strewn { notifications, bodies })
    }
}

async fn forget(
    writer: &mut SqliteConnection,
    app_id: &str,
    id: &ConversationId,
    mark: &str,
    strewn: &Strewn,
    now: Timestamp,
) -> Result<Forgot, StoreError> {
    let under_way = sqlx::query_scalar(UNDER_WAY).bind(app_id).bind(id.as_str()).fetch_one(&mut *writer).await?;
    if under_way {
        return Ok(Forgot::UnderWay);
    }
    let mut rows = erase_strewn(writer, app_id, strewn).await?;
    for (_, sql) in ERASED {
        rows += sqlx::query(sql).bind(app_id).bind(id.as_str()).execute(&mut *writer).await?.rows_affected();
    }
    let before: bool = sqlx::query_scalar(FORGOTTEN).bind(mark).fetch_one(&mut *writer).await?;
    if rows == 0 {
        return Ok(if before { Forgot::Before } else { Forgot::Unknown });
    }
    let remember = "INSERT INTO forgotten (mark, at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    sqlx::query(remember).bind(mark).bind(ms(now)).execute(writer).await?;
    Ok(Forgot::Rows(rows))
}

async fn erase_strewn(writer: &mut SqliteConnection, app_id: &str, strewn: &Strewn) -> Result<u64, StoreError> {
    let seen = "DELETE FROM notification WHERE app_id = $1 AND id IN (SELECT value FROM json_each($2))";
    let bodies = "DELETE FROM notification_body WHERE id IN (SELECT value FROM json_each($1))";
    let mut rows = 0;
    for keys in strewn.notifications.chunks(AT_ONCE) {
        rows += sqlx::query(seen).bind(app_id).bind(json(&keys)).execute(&mut *writer).await?.rows_affected();
    }
    for ids in strewn.bodies.chunks(AT_ONCE) {
        rows += sqlx::query(bodies).bind(json(&ids)).execute(&mut *writer).await?.rows_affected();
    }
    Ok(rows)
}
