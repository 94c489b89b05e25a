//! What an operator says by hand: this conversation is left alone, this rule does not act, nothing does.
//!
//! Owns: holds and pauses, and that whoever is about to send sees them in the same statement. Refuses: deciding; but
//! what a hold comes to is so plain that `due_at` is set with it. Each word is told by a turn that a running daemon
//! watches.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::attempts::finish;
use super::outcome::Claimed;
use super::rows::{self, ms};
use super::{Store, StoreError, surges};
use crate::engine::conversation::ConversationId;
use crate::engine::history::Hold;
use crate::engine::rule::RuleName;
use crate::engine::why::Why;
use crate::safety::LARGEST_SKEW;

/// The name under which everything is paused.
const ALL: &str = "";

/// Whatever an operator says, this counts it.
pub(super) const TURN: &str = "INSERT INTO setting (key, value) VALUES ('operator_turn', '1')
    ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1";

pub(super) const JOURNAL: &str =
    "INSERT INTO journal (at, app_id, conversation_id, rule, step, do, outcome, why, inputs)
    VALUES ($1, $2, $3, '', '', $4, 'done', $5, '{}')";

/// What does not act, and since when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pauses {
    /// Nothing does.
    pub all: Option<Timestamp>,
    /// These rules do not.
    pub rules: BTreeMap<RuleName, Timestamp>,
}

/// What keeps a claimed step from being sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Barred {
    /// Everything, or its rule, is paused.
    Paused(String),
    /// Its conversation is held.
    Held(String),
    /// Somebody else has it.
    Taken,
}

/// What a word about one conversation met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// It holds now.
    Done,
    /// It was so already.
    AlreadySo,
    /// Nothing is known of that conversation.
    Unknown,
}

impl Store {
    /// Leaves a conversation alone from now on, until then or until it is released. A later word replaces an earlier.
    pub async fn hold(
        &self,
        app_id: &str,
        id: &ConversationId,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Met, StoreError> {
        let mut writer = self.write().await;
        writer.begin().await?;
        let held = hold(writer.connection(), app_id, id, until, now).await;
        finish(&mut writer, held).await
    }

    /// Leaves the conversation to the rules again.
    pub async fn release(&self, app_id: &str, id: &ConversationId, now: Timestamp) -> Result<Met, StoreError> {
        let mut writer = self.write().await;
        writer.begin().await?;
        let released = release(writer.connection(), app_id, id, now).await;
        finish(&mut writer, released).await
    }

    /// Keeps one rule, or everything, from acting. False if it was paused already; it is so since then.
    pub async fn pause(&self, rule: Option<&str>, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "INSERT INTO pause (rule, since) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let mut writer = self.write().await;
        let new = sqlx::query(sql).bind(rule.unwrap_or(ALL)).bind(ms(now)).execute(writer.connection()).await?;
        sqlx::query(TURN).execute(writer.connection()).await?;
        Ok(new.rows_affected() > 0)
    }

    /// Lets one rule, or everything, act again; what the rule had to put off is due at once. False if it was not
    /// paused.
    pub async fn resume(&self, rule: Option<&str>, now: Timestamp) -> Result<bool, StoreError> {
        let mut writer = self.write().await;
        writer.begin().await?;
        let resumed = resume(writer.connection(), rule, now).await;
        finish(&mut writer, resumed).await
    }

    /// What is paused.
    pub async fn pauses(&self) -> Result<Pauses, StoreError> {
        let sql = "SELECT rule, since FROM pause ORDER BY rule";
        let found: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(&self.readers).await?;
        let mut pauses = Pauses::default();
        for (rule, since) in found {
            let since = rows::at(since)?;
            match rule.as_str() {
                ALL => pauses.all = Some(since),
                rule => drop(pauses.rules.insert(RuleName::from(rule), since)),
            }
        }
        Ok(pauses)
    }

    /// How many conversations are held by hand at `now`.
    pub async fn count_held(&self, now: Timestamp) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM hold WHERE until IS NULL OR until > $1";
        Ok(sqlx::query_scalar(sql).bind(ms(now)).fetch_one(&self.readers).await?)
    }

    /// How often an operator has said something; it changes whenever one does.
    pub async fn operator_turn(&self) -> Result<u64, StoreError> {
        let turn = self.setting("operator_turn").await?;
        turn.map_or(Ok(0), |turn| turn.parse().map_err(|_| StoreError::Odd("setting operator_turn".into())))
    }

    /// Why a claimed step may not be sent.
    pub async fn barred(&self, claimed: Claimed, now: Timestamp) -> Result<Barred, StoreError> {
        let sql = "SELECT a.rule, (SELECT max(p.rule = '') FROM pause p WHERE p.rule IN ('', a.rule)), h.since, h.until
            FROM attempt a LEFT JOIN hold h ON h.app_id = a.app_id AND h.conversation_id = a.conversation_id
                AND (h.until IS NULL OR h.until > $2) WHERE a.id = $1";
        let found: (String, Option<bool>, Option<i64>, Option<i64>) =
            sqlx::query_as(sql).bind(claimed.id).bind(ms(now)).fetch_one(&self.readers).await?;
        Ok(match found {
            (_, Some(true), ..) => Barred::Paused("paused".into()),
            (rule, Some(false), ..) => Barred::Paused(rule_is_paused(&rule)),
            (_, None, Some(_), until) => {
                Barred::Held(Why::OnHold { until: until.map(rows::at).transpose()? }.to_string())
            }
            (_, None, None, _) => Barred::Taken,
        })
    }
}

impl Pauses {
    /// Why this rule does not act, if it does not.
    pub fn of(&self, rule: &RuleName) -> Option<String> {
        if self.all.is_some() {
            return Some("paused".into());
        }
        self.rules.contains_key(rule).then(|| rule_is_paused(rule.as_str()))
    }
}

fn rule_is_paused(rule: &str) -> String {
    format!("rule `{rule}` is paused")
}

async fn hold(
    writer: &mut SqliteConnection,
    app_id: &str,
    id: &ConversationId,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<Met, StoreError> {
    let before = "SELECT until FROM hold WHERE app_id = $1 AND conversation_id = $2";
    let before: Option<Option<i64>> =
        sqlx::query_scalar(before).bind(app_id).bind(id.as_str()).fetch_optional(&mut *writer).await?;
    if before == Some(until.map(ms)) {
        return Ok(Met::AlreadySo);
    }
    let known = "UPDATE conversation SET due_at = $1 WHERE app_id = $2 AND id = $3";
    let known = sqlx::query(known).bind(until.map(ms)).bind(app_id).bind(id.as_str()).execute(&mut *writer).await?;
    if known.rows_affected() == 0 {
        return Ok(Met::Unknown);
    }
    let hold = "INSERT INTO hold (app_id, conversation_id, since, until) VALUES ($1, $2, $3, $4)
        ON CONFLICT (app_id, conversation_id) DO UPDATE SET since = excluded.since, until = excluded.until";
    let hold = sqlx::query(hold).bind(app_id).bind(id.as_str()).bind(ms(now)).bind(until.map(ms));
    hold.execute(&mut *writer).await?;
    let why = Why::OnHold { until }.to_string();
    say(writer, app_id, id, "hold", &why, now).await?;
    Ok(Met::Done)
}

async fn release(
    writer: &mut SqliteConnection,
    app_id: &str,
    id: &ConversationId,
    now: Timestamp,
) -> Result<Met, StoreError> {
    // One that has ended stays: what it kept waiting became due at its end, whatever is said later.
    let held = "DELETE FROM hold WHERE app_id = $1 AND conversation_id = $2 AND (until IS NULL OR until > $3)";
    let held = sqlx::query(held).bind(app_id).bind(id.as_str()).bind(ms(now));
    let held = held.execute(&mut *writer).await?.rows_affected() > 0;
    // The next sweep decides.
    let due = "UPDATE conversation SET due_at = iif($4, $1, due_at) WHERE app_id = $2 AND id = $3";
    let due = sqlx::query(due).bind(at_once(now)).bind(app_id).bind(id.as_str()).bind(held);
    if due.execute(&mut *writer).await?.rows_affected() == 0 {
        return Ok(Met::Unknown);
    }
    if !held {
        return Ok(Met::AlreadySo);
    }
    say(writer, app_id, id, "release", "left to the rules again by hand", now).await?;
    Ok(Met::Done)
}

async fn resume(writer: &mut SqliteConnection, rule: Option<&str>, now: Timestamp) -> Result<bool, StoreError> {
    let since = "DELETE FROM pause WHERE rule = $1 RETURNING since";
    let since: Option<i64> = sqlx::query_scalar(since).bind(rule.unwrap_or(ALL)).fetch_optional(&mut *writer).await?;
    let due = "UPDATE conversation SET due_at = $1 WHERE due_at > $1 AND (app_id, id) IN
        (SELECT app_id, conversation_id FROM attempt WHERE rule = $2 AND phase = 'open' AND outcome = 'deferred')";
    if let Some(rule) = rule {
        sqlx::query(due).bind(at_once(now)).bind(rule).execute(&mut *writer).await?;
        if let Some(since) = since.map(rows::at).transpose()? {
            surges::rule_was_resumed(writer, rule, since, now).await?;
        }
    }
    sqlx::query(TURN).execute(&mut *writer).await?;
    Ok(since.is_some())
}

/// Due at once for a daemon that acts, however far the clock it goes by is behind that of whoever says so. Intercom's,
/// which shows whole seconds, nearly always is.
pub(super) fn at_once(now: Timestamp) -> i64 {
    ms(now - LARGEST_SKEW)
}

async fn say(
    writer: &mut SqliteConnection,
    app_id: &str,
    id: &ConversationId,
    does: &str,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let told = sqlx::query(JOURNAL).bind(ms(now)).bind(app_id).bind(id.as_str()).bind(does).bind(why);
    told.execute(&mut *writer).await?;
    sqlx::query(TURN).execute(writer).await?;
    Ok(())
}

/// A hold as [`record`](super::record) reads it: workspace, conversation, since, until.
#[derive(Debug, serde::Deserialize)]
pub(super) struct HoldRow(pub(super) String, pub(super) String, i64, Option<i64>);

impl HoldRow {
    pub(super) fn hold(&self) -> Result<Hold, StoreError> {
        Ok(Hold { since: rows::at(self.2)?, until: self.3.map(rows::at).transpose()? })
    }
}
