//! The journal, read: what was done and why, in the order in which it happened.
//!
//! Owns: filters, and pages, so that a long journal never is in memory as a whole. Refuses: writing; a line is written in
//! the same transaction as the outcome that it tells.

use jiff::Timestamp;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Row, Sqlite};

use super::rows::{self, ms};
use super::{JournalEntry, Store, StoreError};
use crate::engine::conversation::ConversationId;

/// Which lines of the journal are asked for; `None` asks for all.
#[derive(Debug, Clone, Default)]
pub struct JournalFilter {
    /// Of this workspace.
    pub app_id: Option<String>,
    /// About this conversation.
    pub conversation: Option<ConversationId>,
    /// Of this rule.
    pub rule: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// That do this: a step's kind, or what an operator does by hand.
    pub does: Option<String>,
    /// From then on.
    pub since: Option<Timestamp>,
    /// Before then.
    pub until: Option<Timestamp>,
}

/// A place in the journal: behind one of its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    at: i64,
    id: i64,
}

impl Place {
    /// Before all lines.
    pub const START: Place = Place { at: i64::MIN, id: i64::MIN };
}

/// Some lines of the journal, oldest first, and where to go on.
#[derive(Debug)]
pub struct Page {
    /// The lines.
    pub lines: Vec<JournalEntry>,
    /// Behind the last of them; `None` if there are no more.
    pub next: Option<Place>,
}

impl JournalFilter {
    /// What is not asked for is no condition, so that `SQLite` finds the index by the text alone. It is told which one,
    /// as it would take a moment for more than it says.
    fn source(&self) -> String {
        let asked = [
            ("app_id = $1", self.app_id.is_some()),
            ("conversation_id = $2", self.conversation.is_some()),
            ("at >= $3", self.since.is_some()),
            ("at < $4", self.until.is_some()),
            ("rule = $5", self.rule.is_some()),
            ("outcome = $6", self.outcome.is_some()),
            ("do = $7", self.does.is_some()),
        ];
        let index = match (&self.app_id, &self.conversation) {
            (Some(_), Some(_)) => "INDEXED BY journal_by_conversation",
            (Some(_), None) => "INDEXED BY journal_by_time",
            (None, _) => "",
        };
        let conditions = asked.iter().filter(|(_, asked)| *asked).map(|(condition, _)| format!("{condition} AND "));
        format!("FROM journal {index} WHERE {}", conditions.collect::<String>())
    }

    /// The next lines behind a place.
    pub(super) fn page(&self) -> String {
        let source = self.source();
        format!(
            "SELECT at, conversation_id, rule, step, do, outcome, why, inputs, id {source}(at, id) > ($8, $9)
            ORDER BY at, id LIMIT $10"
        )
    }

    /// The place of a line counted from the newest: 0 is the newest.
    pub(super) fn newest(&self) -> String {
        format!("SELECT at, id {}true ORDER BY at DESC, id DESC LIMIT 1 OFFSET $8", self.source())
    }

    fn bound(&self, sql: String) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
        sqlx::query(AssertSqlSafe(sql))
            .bind(self.app_id.clone())
            .bind(self.conversation.as_ref().map(ToString::to_string))
            .bind(self.since.map(ms))
            .bind(self.until.map(ms))
            .bind(self.rule.clone())
            .bind(self.outcome.clone())
            .bind(self.does.clone())
    }
}

impl Store {
    /// Lines behind a place, oldest first, at most `limit`.
    pub async fn journal_page(&self, filter: &JournalFilter, behind: Place, limit: u32) -> Result<Page, StoreError> {
        let query = filter.bound(filter.page()).bind(behind.at).bind(behind.id).bind(limit);
        let rows = query.fetch_all(&self.readers).await?;
        let last = rows.last().filter(|_| rows.len() == usize::try_from(limit).unwrap_or(usize::MAX));
        let next = last.map(|row| place(row, 8)).transpose()?;
        Ok(Page { lines: rows.iter().map(entry).collect::<Result<_, _>>()?, next })
    }

    /// The place before the newest `count` lines; `None` if there are no older ones.
    pub async fn journal_before(&self, filter: &JournalFilter, count: u32) -> Result<Option<Place>, StoreError> {
        let query = filter.bound(filter.newest()).bind(count);
        query.fetch_optional(&self.readers).await?.map(|row| place(&row, 1)).transpose()
    }

    /// The journal of one conversation or of all, as a whole.
    pub async fn journal(&self, conversation: Option<&ConversationId>) -> Result<Vec<JournalEntry>, StoreError> {
        let filter = JournalFilter { conversation: conversation.cloned(), ..JournalFilter::default() };
        Ok(self.journal_page(&filter, Place::START, u32::MAX).await?.lines)
    }
}

fn place(row: &SqliteRow, id: usize) -> Result<Place, StoreError> {
    Ok(Place { at: row.try_get(0)?, id: row.try_get(id)? })
}

fn entry(row: &SqliteRow) -> Result<JournalEntry, StoreError> {
    Ok(JournalEntry {
        at: rows::at(row.try_get(0)?)?,
        conversation: row.try_get(1)?,
        rule: row.try_get(2)?,
        step: row.try_get(3)?,
        does: row.try_get(4)?,
        outcome: row.try_get(5)?,
        why: row.try_get(6)?,
        inputs: row.try_get(7)?,
    })
}
