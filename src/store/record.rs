//! Writing down what was seen: many sightings, one transaction, two round trips.
//!
//! The first reads what is known of the conversations that are touched; the fold and the decision happen in
//! between, in memory; the second writes everything and commits. The number of statements does not grow.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::attempts::finish;
use super::backlog::OVER;
use super::fold::{Fold, Written, to_read};
use super::forgotten::ForgetKey;
use super::rows::{json, ms};
use super::writing::Writing;
use super::{Store, StoreError};
use crate::engine::backlog::{self, Entry};
use crate::engine::conversation::{Conversation, ConversationId, Sighting};
use crate::engine::history::History;
use crate::engine::{Decision, decide};
use crate::rulebook::Rulebook;

/// What decisions depend on beside the conversation.
#[derive(Debug, Clone)]
pub struct Context {
    /// Our workspace, once known.
    pub app_id: Option<Arc<str>>,
    /// The admin that the daemon acts as, once known.
    pub admin_id: Option<Arc<str>>,
    /// The rules, asked for at the moment of deciding: a context may be older than a change of rules.
    pub rulebook: Rulebook,
    /// Which raw bodies are kept.
    pub keep_bodies: KeepBodies,
    /// The time: the earlier of the local clock and Intercom's.
    pub now: Timestamp,
    /// The time that what comes in now is kept under: Intercom's, where it is known. Under one that is years behind, it
    /// would be forgotten as soon as the clock is right.
    pub received_at: Timestamp,
}

/// Which raw bodies of notifications are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepBodies {
    /// Only those kept aside.
    Odd,
    /// All.
    All,
}

/// One thing to write down.
#[derive(Debug, Clone)]
pub enum Record {
    /// A notification that came in.
    Notified {
        /// The workspace that it names; empty if none.
        app_id: String,
        /// Its key within the workspace.
        key: String,
        /// Its topic.
        topic: String,
        /// Digest of what it says, to tell a repeat from a change: 16 hexadecimal digits in lower case.
        fingerprint: String,
        /// The conversation that it seems to be about, whether or not it was understood.
        about: Option<ConversationId>,
        /// What it says.
        told: Told,
        /// The raw body.
        body: axum::body::Bytes,
    },
    /// A conversation that was read from Intercom.
    Fetched(Box<Sighting>),
}

/// What a notification says.
#[derive(Debug, Clone)]
pub enum Told {
    /// Something about a conversation.
    Conversation(Box<Sighting>),
    /// Something that does not matter here.
    Nothing,
    /// Its topic is not known: kept aside.
    Unknown,
    /// It is not understood, for this reason: kept aside.
    Odd(String),
}

impl Told {
    pub(super) fn sighting(&self) -> Option<&Sighting> {
        match self {
            Told::Conversation(seen) => Some(seen),
            Told::Nothing | Told::Unknown | Told::Odd(_) => None,
        }
    }

    pub(super) fn result(&self) -> Recorded {
        match self {
            Told::Conversation(_) => Recorded::Stored,
            Told::Nothing | Told::Unknown => Recorded::Ignored,
            Told::Odd(_) => Recorded::Quarantined,
        }
    }

    pub(super) fn kept_because(&self) -> Option<&str> {
        match self {
            Told::Conversation(_) | Told::Nothing => None,
            Told::Unknown => Some("unknown topic"),
            Told::Odd(reason) => Some(reason),
        }
    }
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Folded into its conversation.
    Stored,
    /// Seen before.
    Duplicate,
    /// About nothing that matters here.
    Ignored,
    /// Another workspace's: kept aside.
    Foreign,
    /// Not understood: kept aside.
    Quarantined,
}

impl Recorded {
    /// Every result with its name in metrics and database.
    pub const NAMES: [(Recorded, &'static str); 5] = [
        (Recorded::Stored, "stored"),
        (Recorded::Duplicate, "duplicate"),
        (Recorded::Ignored, "ignored"),
        (Recorded::Foreign, "foreign"),
        (Recorded::Quarantined, "quarantined"),
    ];

    /// The name in metrics and database.
    pub fn name(self) -> &'static str {
        Recorded::NAMES.iter().find(|(result, _)| *result == self).map_or("ignored", |(_, name)| name)
    }
}

/// A conversation with the history of what we did to it, and what that comes to.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The conversation.
    pub conversation: Conversation,
    /// What we did to it.
    pub history: History,
    /// What to do now.
    pub decision: Decision,
    /// The step of it that was put aside for an operator, if one was.
    pub entry: Option<Entry>,
}

/// Bytes of a body in which so many numbers may stand that others get their turn before the next one is looked through.
const LARGE: usize = 64 * 1024;

pub(super) const READ: &str = "BEGIN IMMEDIATE; SELECT
    (SELECT json_group_array(json_array(n.app_id, n.id, lower(hex(n.fingerprint)))) FROM json_each(?1) j
       CROSS JOIN notification n ON n.app_id = j.value->>0 AND n.id = j.value->>1),
    (SELECT json_group_array(json_array(c.app_id, c.id, c.state, c.snoozed_until, c.facts, c.updated_at, c.fetched, c.told_at,
            c.notification_id, c.created_at, c.channel, c.delivered_as, c.flags, c.latest, c.by_admin, c.snooze_ends,
            c.due_at, c.fetch_at)) FROM json_each(?2) j
       CROSS JOIN conversation c ON c.app_id = j.value->>0 AND c.id = j.value->>1),
    (SELECT json_group_array(json_array(a.app_id, a.conversation_id, a.rule, a.step, a.anchor_at, a.due_at, a.phase, a.outcome,
            a.at, a.sent_at, a.done_at, a.look_at, a.template, a.snoozed_until, a.deeds, a.digest, a.changes, a.undone_at,
            a.undo_awaited)) FROM json_each(?2) j
       CROSS JOIN attempt a ON a.app_id = j.value->>0 AND a.conversation_id = j.value->>1),
    (SELECT json_group_array(json_array(h.app_id, h.conversation_id, h.since, h.until)) FROM json_each(?2) j
       CROSS JOIN hold h ON h.app_id = j.value->>0 AND h.conversation_id = j.value->>1),
    (SELECT json_group_array(f.mark) FROM json_each(?3) j CROSS JOIN forgotten f ON f.mark = j.value),
    (SELECT json_group_array(json_array(b.app_id, b.conversation_id, b.rule, b.step, b.anchor_at, b.release_at)) FROM json_each(?2) j
       CROSS JOIN backlog b ON b.app_id = j.value->>0 AND b.conversation_id = j.value->>1),
    (SELECT value FROM setting WHERE key = 'decided_by')";

impl Store {
    /// Writes down a batch in one transaction and tells, for each item in order, what became of it. All or nothing:
    /// after an error nothing of the batch is in the database. The rules are those in force once the database is ours:
    /// whoever replaces them and then decides on every conversation again finds nothing decided by the old ones after it.
    /// Whoever stands by, and goes by other rules than the one that acts, leaves it to that one to decide.
    pub async fn record(&self, batch: &[Record], context: &Context) -> Result<Vec<Recorded>, StoreError> {
        self.still_lies_there()?;
        let mut writer = self.write().await;
        let done = self::batch(&mut writer, batch, context, &self.forget_key, self.stands_by()).await;
        match done {
            Ok((results, Written { reordered, rivals })) => {
                self.reordered.fetch_add(reordered, Ordering::Relaxed);
                self.rivals.note(rivals);
                Ok(results)
            }
            Err(error) => {
                writer.roll_back().await;
                Err(error)
            }
        }
    }

    /// Notifications since the start that came after something newer was known of their conversation.
    pub fn reordered(&self) -> u64 {
        self.reordered.load(Ordering::Relaxed)
    }

    /// Writes down one conversation read from Intercom, and decides on it.
    pub async fn record_fetched(&self, sighting: Sighting, context: &Context) -> Result<Option<Decided>, StoreError> {
        let id = sighting.id.clone();
        self.record(&[Record::Fetched(Box::new(sighting))], context).await?;
        self.decided(&id, context).await
    }
}

async fn batch(
    writer: &mut Writing,
    batch: &[Record],
    context: &Context,
    forget_key: &ForgetKey,
    stands_by: bool,
) -> Result<(Vec<Recorded>, Written), StoreError> {
    let keys: Vec<_> = batch.iter().filter_map(key).collect();
    let touched: HashSet<_> = batch.iter().filter_map(|record| touched(record, context)).collect();
    let mut marks = Vec::with_capacity(batch.len());
    for record in batch {
        marks.push(forget_key.marks(record, context));
        if matches!(record, Record::Notified { body, .. } if body.len() > LARGE) {
            tokio::task::yield_now().await;
        }
    }
    let asked: HashSet<_> = marks.iter().flatten().collect();
    let query = sqlx::query(READ).bind(json(&keys)).bind(json(&touched)).bind(json(&asked));
    let row = query.fetch_one(writer.beginning()).await?;
    let forgotten: HashSet<String> = serde_json::from_str(row.try_get(4)?).map_err(odd)?;
    let mut fold = Fold::read(context, of_row(&row)?)?;
    fold.for_another = stands_by && row.try_get::<Option<&str>, _>(6)? != Some(fold.edition.fingerprint());
    let names_forgotten = |marks: &Vec<String>| marks.iter().any(|mark| forgotten.contains(mark));
    let results = batch.iter().zip(&marks).map(|(record, marks)| fold.add(record, names_forgotten(marks))).collect();
    Ok((results, fold.write(writer).await?))
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn odd(error: serde_json::Error) -> StoreError {
    StoreError::Odd(error.to_string())
}

fn key(record: &Record) -> Option<(&str, &str)> {
    match record {
        Record::Notified { app_id, key, .. } => Some((app_id, key)),
        Record::Fetched(_) => None,
    }
}

impl Context {
    /// Our workspace; empty until it is known.
    pub fn workspace(&self) -> &str {
        self.app_id.as_deref().unwrap_or_default()
    }
}

fn touched<'a>(record: &'a Record, context: &'a Context) -> Option<(&'a str, &'a str)> {
    match record {
        Record::Notified { app_id, told, .. } => told.sighting().map(|seen| (app_id.as_str(), seen.id.as_str())),
        Record::Fetched(seen) => Some((context.workspace(), seen.id.as_str())),
    }
}

/// How long after a failed read it is tried again: 1, 2, 4 … 60 minutes.
pub(super) fn read_again_after(tries: i64) -> SignedDuration {
    let minutes = 1_i64.checked_shl(u32::try_from(tries.clamp(0, 6)).unwrap_or(6)).unwrap_or(60);
    SignedDuration::from_mins(minutes.min(60))
}

impl Store {
    /// What is known of a conversation of ours, with its history and what that comes to; `None` if nothing is.
    pub async fn decided(&self, id: &ConversationId, context: &Context) -> Result<Option<Decided>, StoreError> {
        let mut reader = self.readers.acquire().await?;
        decided(&mut reader, id, context).await
    }

    /// Decides again on one conversation and keeps the result as `due_at`. Nothing can be recorded in between.
    pub async fn reschedule(&self, id: &ConversationId, context: &Context) -> Result<Option<Decided>, StoreError> {
        let mut writer = self.write().await;
        writer.begin().await?;
        let decided = reschedule(writer.connection(), id, context).await;
        finish(&mut writer, decided).await
    }
}

/// Decides again on one conversation, on the connection that writes. What was told while a call was under way may have
/// to be read now.
pub(super) async fn reschedule(
    writer: &mut SqliteConnection,
    id: &ConversationId,
    context: &Context,
) -> Result<Option<Decided>, StoreError> {
    let Some(decided) = decided(writer, id, context).await? else { return Ok(None) };
    let rulebook = context.rulebook.current();
    let read_at = to_read(&decided.conversation, &decided.decision, rulebook.rules(), context.now);
    let (due_at, over) = backlog::due_at(&decided.decision, decided.entry.as_ref());
    let set = "UPDATE conversation SET due_at = $1, fetch_at = coalesce(fetch_at, $4) WHERE app_id = $2 AND id = $3";
    let set = sqlx::query(set).bind(due_at.map(ms)).bind(context.workspace()).bind(id.as_str());
    set.bind(read_at.map(ms)).execute(&mut *writer).await?;
    if over {
        let keys = [(context.workspace(), id.as_str())];
        sqlx::query(OVER).bind(ms(context.now)).bind(json(&keys)).execute(writer).await?;
    }
    Ok(Some(Decided { entry: decided.entry.filter(|_| !over), ..decided }))
}

/// What [`READ`] tells, but for the marks.
fn of_row(row: &SqliteRow) -> Result<[&str; 5], StoreError> {
    Ok([row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(5)?])
}

async fn decided(
    connection: &mut SqliteConnection,
    id: &ConversationId,
    context: &Context,
) -> Result<Option<Decided>, StoreError> {
    let touched = json(&[(context.workspace(), id.as_str())]);
    let read = READ.trim_start_matches("BEGIN IMMEDIATE; ");
    let row = sqlx::query(read).bind("[]").bind(touched).bind("[]").fetch_one(connection).await?;
    let mut fold = Fold::read(context, of_row(&row)?)?;
    let key = (context.workspace().to_owned(), id.to_string());
    let Some(known) = fold.known.remove(&key) else { return Ok(None) };
    let history = fold.history.remove(&key).unwrap_or_default();
    let decision = decide(&known.conversation, &history, fold.edition.rules(), context.now);
    let entry = fold.entries.remove(&key);
    Ok(Some(Decided { conversation: known.conversation, history, decision, entry }))
}
