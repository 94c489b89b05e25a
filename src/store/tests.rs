//! Every method of the store, on a real file.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};
use tempfile::TempDir;

use super::*;
use crate::engine::conversation::{
    Actor, Class, ConversationId, Facts, Part, PartId, Sighting, Snapshot, State, Tag, Version,
};
use crate::engine::rule::{RuleName, StepId, StepKind};
use crate::rulebook::{Edition, Rulebook};

mod attempts;
mod batches;
mod calm;
mod corruption;
mod counts;
mod forgotten;
mod journal;
mod lease;
mod migrating;
mod opening;
mod operator;
mod order;
mod outcomes;
mod recording;
mod redactions;
mod remains;
mod rivals;
mod schedule;
mod trips;
mod under_way;

/// Closes what waits for the contact, a day after the last word.
const RULES: &str = r#"
[[rule]]
name = "quiet"
match_all = true
step = [{ after = "1 day", do = "close", body = "Bye." }]
"#;

/// A store on a file of its own.
pub(crate) struct Shelf {
    folder: TempDir,
    pub(crate) store: Store,
}

impl Shelf {
    pub(crate) async fn new() -> Shelf {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.db")).await.unwrap();
        Shelf { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a.db")
    }

    /// Closes the store and opens it again.
    async fn reopened(self) -> Shelf {
        let path = self.path();
        self.store.close().await;
        Shelf { store: Store::open(&path).await.unwrap(), folder: self.folder }
    }

    /// A connection of somebody else's.
    async fn stranger(&self) -> SqliteConnection {
        stranger(&self.path()).await
    }

    /// The first column of every row.
    async fn rows(&self, sql: &str) -> Vec<String> {
        let rows = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.stranger().await).await;
        rows.unwrap()
    }

    async fn execute(&self, sql: &str) {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut self.stranger().await).await.unwrap();
    }

    /// Every notification with what became of it.
    pub(crate) async fn stored(&self) -> Vec<String> {
        self.rows("SELECT id || ' ' || result FROM notification ORDER BY id").await
    }

    /// What was kept aside, with its reason and its body.
    pub(crate) async fn aside(&self) -> Vec<String> {
        self.rows("SELECT key || ': ' || reason || ': ' || CAST(body AS TEXT) FROM notification_body ORDER BY id").await
    }

    /// Spoils a conversation's row, so that it does not read any more.
    pub(crate) async fn damage(&self, conversation: &str) {
        self.execute(&format!("UPDATE conversation SET latest = 'damaged' WHERE id = '{conversation}'")).await;
    }

    /// The ids of rows that are spoilt.
    pub(crate) async fn damaged(&self) -> Vec<String> {
        self.rows("SELECT id FROM conversation WHERE latest = 'damaged'").await
    }

    /// Holds the file as another process might, until it is dropped.
    pub(crate) async fn locked(&self) -> SqliteConnection {
        let mut stranger = self.stranger().await;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut stranger).await.unwrap();
        stranger
    }

    /// Writes as another process might. Fails while a transaction is open.
    pub(crate) async fn written_by_a_stranger(&self) {
        self.execute("UPDATE setting SET value = value").await;
    }

    async fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.stranger().await).await.unwrap()
    }

    async fn record(&self, batch: &[Record]) -> Vec<Recorded> {
        self.store.record(batch, &context()).await.unwrap()
    }

    async fn due(&self, now: Timestamp) -> Vec<String> {
        texts(&self.store.due("ours", now, 100).await.unwrap())
    }

    async fn to_fetch(&self, now: Timestamp) -> Vec<String> {
        texts(&self.store.to_fetch("ours", now, 100).await.unwrap())
    }
}

fn texts(ids: &[ConversationId]) -> Vec<String> {
    ids.iter().map(ConversationId::to_string).collect()
}

async fn stranger(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).busy_timeout(Duration::ZERO).connect().await.unwrap()
}

/// So many minutes after noon of 2 March 2026.
fn at(minutes: i64) -> Timestamp {
    let noon: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
    noon + SignedDuration::from_mins(minutes)
}

/// A day, in minutes.
const DAY: i64 = 24 * 60;

fn edition(rules: &str) -> Edition {
    Edition::new(crate::config::parse("a.toml", rules.as_bytes()).unwrap().config.rules, false)
}

fn by(edition: Edition) -> Context {
    Context { rulebook: Rulebook::new(edition), ..context() }
}

fn context() -> Context {
    Context {
        app_id: Some("ours".into()),
        admin_id: Some("9".into()),
        rulebook: Rulebook::new(edition(RULES)),
        keep_bodies: KeepBodies::Odd,
        now: at(0),
        received_at: at(0),
    }
}

fn context_at(minutes: i64) -> Context {
    Context { now: at(minutes), received_at: at(minutes), ..context() }
}

fn id(text: &str) -> ConversationId {
    ConversationId::try_from(text).unwrap()
}

fn part(id: u64, minute: i64, actor: Actor, class: Class) -> Part {
    let admin_id = (actor == Actor::Teammate).then(|| "7".to_owned());
    Part {
        id: Some(PartId::Part(id)),
        at: at(minute),
        actor,
        admin_id,
        classes: [class].into(),
        digest: None,
        reads_as: [].into(),
    }
}

fn snapshot(state: State, minute: i64, notification: &str) -> Snapshot {
    let version = Version {
        updated_at: at(minute),
        fetched: false,
        created_at: at(minute),
        notification_id: notification.to_owned(),
    };
    let facts = Facts {
        state: Some(state),
        tags: Some(Vec::new()),
        admin_assignee_id: Some(None),
        team_assignee_id: Some(None),
        priority: Some("none".to_owned()),
        ai_resolution: None,
        attributes: std::collections::BTreeMap::new(),
    };
    Snapshot { version, facts }
}

/// The contact wrote part 1, a teammate answered with part 2 in this minute; it is open.
fn answered(conversation: &str, minute: i64) -> Sighting {
    Sighting {
        created_at: Some(at(minute - 1)),
        snapshot: Some(snapshot(State::Open, minute, "n")),
        parts: vec![
            part(1, minute - 1, Actor::Contact, Class::ContactReply),
            part(2, minute, Actor::Teammate, Class::TeammateReply),
        ],
        whole: true,
        ..Sighting::of(id(conversation))
    }
}

fn fetched(mut seen: Sighting) -> Record {
    if let Some(snapshot) = &mut seen.snapshot {
        snapshot.version.fetched = true;
    }
    Record::Fetched(Box::new(seen))
}

fn notified(key: &str, told: Told) -> Record {
    Record::Notified {
        app_id: "ours".to_owned(),
        key: key.to_owned(),
        topic: "conversation.user.replied".to_owned(),
        fingerprint: format!("print of {key}"),
        about: told.sighting().map(|seen| seen.id.clone()),
        told,
        body: Bytes::from(format!("body of {key}")),
    }
}

fn about(seen: Sighting) -> Told {
    Told::Conversation(Box::new(seen))
}

fn from_workspace(record: Record, workspace: &str) -> Record {
    let mut record = record;
    if let Record::Notified { app_id, .. } = &mut record {
        workspace.clone_into(app_id);
    }
    record
}

fn saying(record: Record, other: &str, told: Told) -> Record {
    let mut record = record;
    if let Record::Notified { fingerprint, told: before, .. } = &mut record {
        other.clone_into(fingerprint);
        *before = told;
    }
    record
}
