//! Writing down what was seen: many sightings, one transaction, two round trips.
//!
//! The first reads what is known of the conversations that are touched; the fold and the decision happen in
//! between, in memory; the second writes everything and commits. The number of statements does not grow.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;
use sqlx::{Row, SqliteConnection};

use super::rows::{self, AttemptRow, ConversationRow, json, ms};
use super::{Store, StoreError};
use crate::engine::conversation::{Conversation, ConversationId, Sighting};
use crate::engine::history::History;
use crate::engine::rule::RuleSet;
use crate::engine::{Decision, Why, decide};

/// What decisions depend on beside the conversation.
#[derive(Debug, Clone)]
pub struct Context {
    /// Our workspace, once known.
    pub app_id: Option<Arc<str>>,
    /// The admin that the daemon acts as, once known.
    pub admin_id: Option<Arc<str>>,
    /// The rules.
    pub rules: Arc<RuleSet>,
    /// What was rehearsed counts as done.
    pub dry_run: bool,
    /// Which raw bodies are kept.
    pub keep_bodies: KeepBodies,
    /// The time, on Intercom's clock as far as it is known.
    pub now: Timestamp,
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
        /// Digest of what it says, to tell a repeat from a change.
        fingerprint: String,
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
    fn sighting(&self) -> Option<&Sighting> {
        match self {
            Told::Conversation(seen) => Some(seen),
            Told::Nothing | Told::Unknown | Told::Odd(_) => None,
        }
    }

    fn result(&self) -> Recorded {
        match self {
            Told::Conversation(_) => Recorded::Stored,
            Told::Nothing | Told::Unknown => Recorded::Ignored,
            Told::Odd(_) => Recorded::Quarantined,
        }
    }

    fn kept_because(&self) -> Option<&str> {
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
}

const READ: &str = "BEGIN IMMEDIATE; SELECT
    (SELECT json_group_array(json_array(n.app_id, n.id, n.fingerprint)) FROM json_each(?1) j
       CROSS JOIN notification n ON n.app_id = j.value->>0 AND n.id = j.value->>1),
    (SELECT json_group_array(json_array(c.app_id, c.id, c.state, c.snoozed_until, c.facts, c.updated_at, c.fetched, c.told_at,
            c.notification_id, c.created_at, c.channel, c.delivered_as, c.flags, c.latest, c.by_admin, c.snooze_ends,
            c.due_at, c.fetch_at)) FROM json_each(?2) j
       CROSS JOIN conversation c ON c.app_id = j.value->>0 AND c.id = j.value->>1),
    (SELECT json_group_array(json_array(a.app_id, a.conversation_id, a.rule, a.step, a.anchor_at, a.due_at, a.phase, a.outcome,
            a.at, a.sent_at, a.done_at, a.look_at, a.template, a.snoozed_until, a.deeds, a.digest)) FROM json_each(?2) j
       CROSS JOIN attempt a ON a.app_id = j.value->>0 AND a.conversation_id = j.value->>1)";

// Plain `?` only: in one round trip a later statement's numbered parameters would get the earlier ones' values.
const WRITE: &str = "
INSERT INTO notification (app_id, id, topic, conversation_id, fingerprint, result, received_at)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6 FROM json_each(?) WHERE true
    ON CONFLICT (app_id, id) DO NOTHING;
INSERT INTO notification_body (app_id, key, reason, received_at, body)
    SELECT value->>0, value->>1, value->>2, value->>3, substr(?, value->>4, value->>5) FROM json_each(?);
INSERT INTO activity (app_id, conversation_id, part_id, class, at, actor, admin_id, digest)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7 FROM json_each(?) WHERE true
    ON CONFLICT DO NOTHING;
INSERT INTO fact (app_id, conversation_id, updated_at, told_at, fetched, notification_id, state, snoozed_until, facts)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8
    FROM json_each(?) WHERE true ON CONFLICT DO NOTHING;
INSERT INTO conversation (app_id, id, state, snoozed_until, facts, updated_at, fetched, told_at, notification_id, created_at,
        channel, delivered_as, flags, latest, by_admin, snooze_ends, due_at, fetch_at)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9,
        value->>10, value->>11, value->>12, value->>13, value->>14, value->>15, value->>16, value->>17
    FROM json_each(?) WHERE true
    ON CONFLICT (app_id, id) DO UPDATE SET state = excluded.state, snoozed_until = excluded.snoozed_until,
        facts = excluded.facts, updated_at = excluded.updated_at, fetched = excluded.fetched, told_at = excluded.told_at,
        notification_id = excluded.notification_id, created_at = excluded.created_at, channel = excluded.channel,
        delivered_as = excluded.delivered_as, flags = excluded.flags, latest = excluded.latest,
        by_admin = excluded.by_admin, snooze_ends = excluded.snooze_ends, due_at = excluded.due_at,
        fetch_at = excluded.fetch_at, fetch_tries = 0;
COMMIT";

impl Store {
    /// Writes down a batch in one transaction and tells, for each item in order, what became of it. All or nothing:
    /// after an error nothing of the batch is in the database.
    pub async fn record(&self, batch: &[Record], context: &Context) -> Result<Vec<Recorded>, StoreError> {
        let mut writer = self.write().await;
        let done = self::batch(&mut writer, batch, context).await;
        if done.is_err() {
            roll_back(&mut writer).await;
        }
        done
    }

    /// Writes down one conversation read from Intercom, and decides on it.
    pub async fn record_fetched(&self, sighting: Sighting, context: &Context) -> Result<Option<Decided>, StoreError> {
        let id = sighting.id.clone();
        self.record(&[Record::Fetched(Box::new(sighting))], context).await?;
        self.decided(&id, context).await
    }
}

/// Ends a transaction that went wrong; the next one must not find it open.
pub(super) async fn roll_back(writer: &mut SqliteConnection) {
    if let Err(error) = sqlx::query("ROLLBACK").execute(writer).await {
        tracing::debug!(error = %error, "nothing to roll back");
    }
}

async fn batch(
    writer: &mut SqliteConnection,
    batch: &[Record],
    context: &Context,
) -> Result<Vec<Recorded>, StoreError> {
    let keys: Vec<_> = batch.iter().filter_map(key).collect();
    let touched: HashSet<_> = batch.iter().filter_map(|record| touched(record, context)).collect();
    let row = sqlx::query(READ).bind(json(&keys)).bind(json(&touched)).fetch_one(&mut *writer).await?;
    let mut fold = Fold::read(context, row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)?;
    let results = batch.iter().map(|record| fold.add(record)).collect();
    fold.write(writer).await?;
    Ok(results)
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

/// A conversation being folded.
struct Known {
    conversation: Conversation,
    fetch_at: Option<Timestamp>,
}

/// The batch in memory, between reading and writing.
struct Fold<'a> {
    context: &'a Context,
    seen: HashMap<(String, String), String>,
    known: HashMap<(String, String), Known>,
    history: HashMap<(String, String), History>,
    changed: HashSet<(String, String)>,
    notifications: Vec<Box<RawValue>>,
    bodies: Vec<u8>,
    kept: Vec<Box<RawValue>>,
    activities: Vec<Box<RawValue>>,
    facts: Vec<Box<RawValue>>,
}

impl<'a> Fold<'a> {
    fn read(context: &'a Context, seen: &str, conversations: &str, attempts: &str) -> Result<Self, StoreError> {
        let odd = |error: serde_json::Error| StoreError::Odd(error.to_string());
        let seen: Vec<(String, String, String)> = serde_json::from_str(seen).map_err(odd)?;
        let conversations: Vec<ConversationRow> = serde_json::from_str(conversations).map_err(odd)?;
        let attempts: Vec<AttemptRow> = serde_json::from_str(attempts).map_err(odd)?;
        let mut known = HashMap::new();
        for row in conversations {
            let fetch_at = row.17.map(rows::at).transpose()?;
            let conversation = row.conversation()?;
            known.insert((row.0, row.1), Known { conversation, fetch_at });
        }
        let mut history: HashMap<_, History> = HashMap::new();
        for row in attempts {
            let key = (row.0.clone(), row.1.clone());
            history.entry(key).or_default().attempts.push(row.attempt(context.dry_run)?);
        }
        let seen = seen.into_iter().map(|(app_id, id, fingerprint)| ((app_id, id), fingerprint)).collect();
        let (changed, notifications, bodies) = (HashSet::new(), Vec::new(), Vec::new());
        let (kept, activities, facts) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Fold { context, seen, known, history, changed, notifications, bodies, kept, activities, facts })
    }

    fn add(&mut self, record: &Record) -> Recorded {
        match record {
            Record::Fetched(seen) => {
                self.see(self.context.workspace(), seen);
                Recorded::Stored
            }
            Record::Notified { app_id, key, topic, fingerprint, told, body } => {
                let id = (app_id.clone(), key.clone());
                let repeat = self.seen.get(&id).map(|known| known == fingerprint);
                let foreign = self.context.app_id.as_deref().is_some_and(|ours| ours != app_id);
                let (result, reason) = match (repeat, foreign) {
                    (Some(true), _) => (Recorded::Duplicate, None),
                    (Some(false), _) => (Recorded::Duplicate, Some("the same id with other content")),
                    (None, true) => (Recorded::Foreign, Some("another workspace")),
                    (None, false) => (told.result(), told.kept_because()),
                };
                if repeat.is_none() {
                    let about = told.sighting().map(|seen| seen.id.as_str());
                    let row = (app_id, key, topic, about, fingerprint, result.name(), ms(self.context.now));
                    push(&mut self.notifications, &row);
                    self.seen.insert(id, fingerprint.clone());
                }
                self.keep(app_id, key, reason, repeat, body);
                if let (Some(seen), false) = (told.sighting(), foreign || repeat == Some(true)) {
                    self.see(app_id, seen);
                }
                result
            }
        }
    }

    fn keep(&mut self, app_id: &str, key: &str, reason: Option<&str>, repeat: Option<bool>, body: &[u8]) {
        let all = self.context.keep_bodies == KeepBodies::All && repeat.is_none();
        let Some(reason) = reason.or(all.then_some("all are kept")) else { return };
        let row = (app_id, key, reason, ms(self.context.now), self.bodies.len() + 1, body.len());
        push(&mut self.kept, &row);
        self.bodies.extend_from_slice(body);
    }

    /// Folds a sighting in, and logs what it adds.
    fn see(&mut self, app_id: &str, seen: &Sighting) {
        let key = (app_id.to_owned(), seen.id.to_string());
        self.log(app_id, seen);
        let unread = || Known { conversation: Conversation::unread(seen.id.clone()), fetch_at: None };
        let known = self.known.remove(&key).unwrap_or_else(unread);
        self.log_facts(app_id, seen, &known.conversation);
        let disagrees = known.conversation.disagrees_with(seen);
        let conversation = known.conversation.after(seen, self.context.admin_id.as_deref());
        let fetch_at = if disagrees {
            Some(self.context.now)
        } else if seen.whole || conversation.gone {
            None
        } else {
            known.fetch_at
        };
        self.changed.insert(key.clone());
        self.known.insert(key, Known { conversation, fetch_at });
    }

    fn log(&mut self, app_id: &str, seen: &Sighting) {
        for part in &seen.parts {
            let id = part.id.map(|id| id.to_string()).unwrap_or_default();
            for class in &part.classes {
                let row = (
                    app_id,
                    seen.id.as_str(),
                    &id,
                    class.name(),
                    ms(part.at),
                    part.actor.name(),
                    &part.admin_id,
                    &part.digest,
                );
                push(&mut self.activities, &row);
            }
        }
    }

    fn log_facts(&mut self, app_id: &str, seen: &Sighting, before: &Conversation) {
        let Some(snapshot) = &seen.snapshot else { return };
        if before.facts() == Some(&snapshot.facts) {
            return;
        }
        let (version, state) = (&snapshot.version, snapshot.facts.state);
        let (updated, told) = (ms(version.updated_at), ms(version.created_at));
        let until = state.and_then(rows::snoozed_until).map(ms);
        let state = state.map(rows::state_name);
        let facts = rows::facts_json(&snapshot.facts);
        let fetched = i64::from(version.fetched);
        push(
            &mut self.facts,
            &(app_id, seen.id.as_str(), updated, told, fetched, &version.notification_id, state, until, facts),
        );
    }

    /// Decides on every conversation that changed, writes all of it and commits.
    async fn write(self, writer: &mut SqliteConnection) -> Result<(), StoreError> {
        let rows: Vec<_> = self.changed.iter().filter_map(|key| self.decide(key)).collect();
        sqlx::query(WRITE)
            .bind(json(&self.notifications))
            .bind(self.bodies)
            .bind(json(&self.kept))
            .bind(json(&self.activities))
            .bind(json(&self.facts))
            .bind(json(&rows))
            .execute(writer)
            .await?;
        Ok(())
    }

    fn decide(&self, key: &(String, String)) -> Option<ConversationRow> {
        let known = self.known.get(key)?;
        let history = self.history.get(key).cloned().unwrap_or_default();
        let decision = decide(&known.conversation, &history, &self.context.rules, self.context.now);
        let fetch_at = known.fetch_at.or_else(|| self.to_read(&known.conversation, &decision));
        Some(ConversationRow::of(&key.0, &known.conversation, decision.due_at(), fetch_at))
    }

    /// What must be read from Intercom before anything can be said: unknown facts, unless reading did not tell them.
    fn to_read(&self, conversation: &Conversation, decision: &Decision) -> Option<Timestamp> {
        let unknown = matches!(decision.why(), Why::NotRead);
        (unknown && !conversation.whole && !conversation.gone).then_some(self.context.now)
    }
}

/// A row of any shape as JSON. Strings and numbers always have a JSON form.
fn push<T: serde::Serialize>(rows: &mut Vec<Box<RawValue>>, row: &T) {
    rows.extend(serde_json::value::to_raw_value(row));
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
        let Some(decided) = decided(&mut writer, id, context).await? else { return Ok(None) };
        let set = "UPDATE conversation SET due_at = $1 WHERE app_id = $2 AND id = $3";
        let set = sqlx::query(set).bind(decided.decision.due_at().map(ms)).bind(context.workspace()).bind(id.as_str());
        set.execute(&mut *writer).await?;
        Ok(Some(decided))
    }
}

async fn decided(
    connection: &mut SqliteConnection,
    id: &ConversationId,
    context: &Context,
) -> Result<Option<Decided>, StoreError> {
    let touched = json(&[(context.workspace(), id.as_str())]);
    let read = READ.trim_start_matches("BEGIN IMMEDIATE; ");
    let row = sqlx::query(read).bind("[]").bind(touched).fetch_one(connection).await?;
    let mut fold = Fold::read(context, row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)?;
    let key = (context.workspace().to_owned(), id.to_string());
    let Some(known) = fold.known.remove(&key) else { return Ok(None) };
    let history = fold.history.remove(&key).unwrap_or_default();
    let decision = decide(&known.conversation, &history, &context.rules, context.now);
    Ok(Some(Decided { conversation: known.conversation, history, decision }))
}
