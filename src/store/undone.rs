//! Closes that are taken back by an operator.
//!
//! Owns: which closes of a rule there are to take back, and that it is written down before Intercom is asked, so that
//! no rule touches the conversation meanwhile and the parts are known as our own. Refuses: judging whether one may be.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::attempts::finish;
use super::record::{Context, reschedule};
use super::rows::{self, deeds, deeds_json, ms};
use super::{Store, StoreError};
use crate::engine::conversation::ConversationId;
use crate::engine::history::Deed;
use crate::engine::rule::RuleName;
use crate::sabotage::{Bug, planted};

/// A close that might be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The row of its attempt.
    id: i64,
    /// The conversation.
    pub conversation: ConversationId,
    /// The moment that its period counts from, which tells it from other closes by the rule.
    pub anchor_at: Timestamp,
    /// How it stands.
    pub stands: Stands,
    /// Another rule has closed the conversation since.
    pub closed_since_by: Option<RuleName>,
}

/// How a close stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// It was done, and not taken back as far as is known.
    Done,
    /// It was taken back by hand before.
    Undone,
    /// Its answer was lost, and is looked into.
    Unclear,
    /// Its answer was lost for good.
    Lost,
}

/// That an undo is about to begin is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marked {
    /// The line of the journal that stands for it meanwhile.
    line: i64,
    /// An earlier undo of which nobody knows how it went.
    before: Option<i64>,
}

/// How an undo ended, with the reason in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoEnd {
    /// The conversation is as it was.
    Done(String),
    /// Certainly nothing was done: it is as if it had not been tried.
    Failed(String),
    /// It is not known how it went, or not all of it was done; no rule touches the conversation.
    Unclear(String),
}

pub(super) const CLOSES: &str = "WITH closes AS (
        SELECT id, app_id, conversation_id, anchor_at, phase, done_at AS at, undone_at, undo_awaited FROM attempt
            WHERE rule = $2 AND step = 'close' AND phase = 'done' AND done_at >= $3 AND +app_id = $1
        UNION ALL
        SELECT id, app_id, conversation_id, anchor_at, phase, coalesce(done_at, sent_at), undone_at, undo_awaited FROM attempt
            WHERE sent_at >= $3 AND +rule = $2 AND step = 'close' AND phase IN ('unclear', 'failed') AND +app_id = $1)
    SELECT a.id, a.conversation_id, a.anchor_at, a.phase, a.undone_at IS NOT NULL AND NOT a.undo_awaited,
        (SELECT b.rule FROM attempt b WHERE b.app_id = a.app_id AND b.conversation_id = a.conversation_id AND b.step = 'close'
            AND b.phase IN ('done', 'unclear') AND coalesce(b.done_at, b.sent_at) > a.at
            ORDER BY coalesce(b.done_at, b.sent_at) DESC LIMIT 1)
    FROM closes a WHERE a.conversation_id NOT LIKE 'forgotten %' ORDER BY a.at, a.id";

const MARK: &str =
    "UPDATE attempt SET undone_at = coalesce(undone_at, $1), undo_awaited = 1 WHERE id = $2 AND conversation_id = $3";

const TELL: &str = "INSERT INTO journal (at, app_id, conversation_id, rule, step, do, outcome, why, inputs)
    SELECT $1, app_id, conversation_id, rule, '', 'undo', $2, $3, '{}' FROM attempt WHERE id = $4 AND conversation_id = $5
    RETURNING id";

impl Store {
    /// Closes of the rule from `since` on, oldest first; of each conversation the rule's last one alone.
    pub async fn closes_since(&self, app_id: &str, rule: &str, since: Timestamp) -> Result<Vec<Candidate>, StoreError> {
        let found = sqlx::query(CLOSES).bind(app_id).bind(rule).bind(ms(since)).fetch_all(&self.readers).await?;
        let found: Vec<Candidate> = found.iter().map(candidate).collect::<Result<_, _>>()?;
        Ok(found.into_iter().filter(|one| one.closed_since_by.as_ref().is_none_or(|by| by.as_str() != rule)).collect())
    }

    /// Whether a rule of that name has ever closed anything.
    pub async fn has_closed(&self, rule: &str) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM attempt WHERE rule = $1 AND step = 'close' AND phase = 'done')";
        Ok(sqlx::query_scalar(sql).bind(rule).fetch_one(&self.readers).await?)
    }

    /// Writes down that a close is about to be taken back. From here on no rule touches the conversation until a person
    /// speaks. `None` if it is taken back already, or was forgotten.
    pub async fn undo_begins(&self, close: &Candidate, now: Timestamp) -> Result<Option<Marked>, StoreError> {
        let mut writer = self.write().await;
        writer.begin().await?;
        let marked = mark(writer.connection(), close, now).await;
        finish(&mut writer, marked).await
    }

    /// Writes down a part that it made. `awaited`: there is more to do.
    pub async fn undo_made(&self, close: &Candidate, deed: Deed, awaited: bool) -> Result<(), StoreError> {
        let mut writer = self.write().await;
        writer.begin().await?;
        let made = add_deed(writer.connection(), close, deed, awaited).await;
        finish(&mut writer, made).await
    }

    /// Commits how it ended, with its line in the journal.
    pub async fn undo_ends(
        &self,
        close: &Candidate,
        marked: Marked,
        end: &UndoEnd,
        context: &Context,
    ) -> Result<(), StoreError> {
        let mut writer = self.write().await;
        writer.begin().await?;
        let ended = ends(writer.connection(), close, marked, end, context).await;
        finish(&mut writer, ended).await
    }
}

async fn mark(writer: &mut SqliteConnection, close: &Candidate, now: Timestamp) -> Result<Option<Marked>, StoreError> {
    let before = "SELECT undone_at FROM attempt WHERE id = $1 AND conversation_id = $2 AND phase = 'done'
        AND (undone_at IS NULL OR undo_awaited)";
    let before = sqlx::query_scalar(before).bind(close.id).bind(close.conversation.as_str());
    let Some(before): Option<Option<i64>> = before.fetch_optional(&mut *writer).await? else { return Ok(None) };
    if !planted(Bug::UndoLeavesNoMark) {
        let mark = sqlx::query(MARK).bind(ms(now)).bind(close.id).bind(close.conversation.as_str());
        mark.execute(&mut *writer).await?;
    }
    Ok(Some(Marked { line: tell(writer, close, "unclear", "sent; no answer yet", now).await?, before }))
}

async fn add_deed(
    writer: &mut SqliteConnection,
    close: &Candidate,
    deed: Deed,
    awaited: bool,
) -> Result<(), StoreError> {
    let known = "SELECT deeds FROM attempt WHERE id = $1 AND conversation_id = $2";
    let known = sqlx::query_scalar(known).bind(close.id).bind(close.conversation.as_str());
    let Some(known): Option<String> = known.fetch_optional(&mut *writer).await? else { return Ok(()) };
    let mut known = deeds(&known).ok_or_else(|| StoreError::Odd("an attempt".into()))?;
    if !known.contains(&deed) {
        known.push(deed);
    }
    let set = "UPDATE attempt SET deeds = $1, undo_awaited = $2 WHERE id = $3";
    sqlx::query(set).bind(deeds_json(&known)).bind(awaited).bind(close.id).execute(writer).await?;
    Ok(())
}

async fn ends(
    writer: &mut SqliteConnection,
    close: &Candidate,
    marked: Marked,
    end: &UndoEnd,
    context: &Context,
) -> Result<(), StoreError> {
    // What was to follow the close goes with it.
    let done = "UPDATE attempt SET undo_awaited = 0, follow_up = NULL, follow_at = NULL, wishes = NULL
        WHERE id = $1 AND conversation_id = $2 AND $3 IS $3";
    let failed =
        "UPDATE attempt SET undone_at = $3, undo_awaited = $3 IS NOT NULL WHERE id = $1 AND conversation_id = $2";
    let (sql, outcome, why) = match end {
        UndoEnd::Done(why) => (Some(done), "done", why),
        UndoEnd::Failed(why) => (Some(failed), "failed", why),
        UndoEnd::Unclear(why) => (None, "unclear", why),
    };
    if let Some(sql) = sql {
        let set = sqlx::query(sql).bind(close.id).bind(close.conversation.as_str()).bind(marked.before);
        set.execute(&mut *writer).await?;
    }
    sqlx::query("DELETE FROM journal WHERE id = $1").bind(marked.line).execute(&mut *writer).await?;
    tell(writer, close, outcome, why, context.now).await?;
    reschedule(writer, &close.conversation, context).await?;
    Ok(())
}

/// Returns the line's number; none where the conversation was forgotten meanwhile.
async fn tell(
    writer: &mut SqliteConnection,
    close: &Candidate,
    outcome: &str,
    why: &str,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let line = sqlx::query_scalar(TELL).bind(ms(now)).bind(outcome).bind(why).bind(close.id);
    let line: Option<i64> = line.bind(close.conversation.as_str()).fetch_optional(writer).await?;
    Ok(line.unwrap_or_default())
}

fn candidate(row: &SqliteRow) -> Result<Candidate, StoreError> {
    let id: &str = row.try_get(1)?;
    let undone: bool = row.try_get(4)?;
    let by: Option<&str> = row.try_get(5)?;
    Ok(Candidate {
        id: row.try_get(0)?,
        conversation: ConversationId::try_from(id).map_err(|_| StoreError::Odd(format!("conversation {id}")))?,
        anchor_at: rows::at(row.try_get(2)?)?,
        stands: match row.try_get(3)? {
            "done" if undone => Stands::Undone,
            "done" => Stands::Done,
            "unclear" => Stands::Unclear,
            _ => Stands::Lost,
        },
        closed_since_by: by.map(RuleName::from),
    })
}
