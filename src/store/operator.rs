//! What an operator says by hand: this conversation is left alone, this rule does not act, nothing does.
//!
//! Owns: holds and pauses (a trip is lifted as a pause is), and that whoever is about to send sees them in the same statement. Refuses: deciding; but
//! what a hold comes to is so plain that `due_at` is set with it. Each word is told by a turn that a running daemon
//! watches.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::{Row, SqliteConnection};

use super::attempts::finish;
use super::outcome::Claimed;
use super::rows::{self, ms};
use super::trips::{self, Trip};
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
    /// These rules do not, by an operator's word.
    pub rules: BTreeMap<RuleName, Timestamp>,
    /// These have stopped by themselves; an operator may have paused one of them too.
    pub tripped: BTreeMap<RuleName, Trip>,
}

/// What lifting a pause came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumed {
    /// Something was paused or tripped, and is no more.
    pub changed: bool,
    /// Trips that were lifted with it.
    pub lifted: Vec<RuleName>,
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
        let sql = "INSERT INTO pause (rule, since) VALUES ($1, $2)
            ON CONFLICT (rule) DO UPDATE SET since = excluded.since, by_name = 1 WHERE by_name = 0";
        let mut writer = self.write().await;
        let new = sqlx::query(sql).bind(rule.unwrap_or(ALL)).bind(ms(now)).execute(writer.connection()).await?;
        sqlx::query(TURN).execute(writer.connection()).await?;
        Ok(new.rows_affected() > 0)
    }

    /// Lets one rule, or everything, act again; what a rule had to put off is due at once. Every trip is lifted with
    /// everything, that of one rule with its name.
    pub async fn resume(&self, rule: Option<&str>, now: Timestamp) -> Result<Resumed, StoreError> {
        let mut writer = self.write().await;
        writer.begin().await?;
        let resumed = resume(writer.connection(), rule, now).await;
        finish(&mut writer, resumed).await
    }

    /// What is paused.
    pub async fn pauses(&self) -> Result<Pauses, StoreError> {
        let sql = "SELECT rule, since, by_name, tripped_at, trip_closes, trip_reopened FROM pause ORDER BY rule";
        let mut pauses = Pauses::default();
        for row in sqlx::query(sql).fetch_all(&self.readers).await? {
            let (rule, since): (&str, i64) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(trip) = trips::trip(&row, 3)? {
                pauses.tripped.insert(RuleName::from(rule), trip);
            }
            let since = rows::at(since)?;
            match rule {
                ALL => pauses.all = Some(since),
                rule if row.try_get(2)? => drop(pauses.rules.insert(RuleName::from(rule), since)),
                _ => {}
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
        let pauses = self.pauses().await?;
        let sql = "SELECT a.rule, h.since, h.until
            FROM attempt a LEFT JOIN hold h ON h.app_id = a.app_id AND h.conversation_id = a.conversation_id
                AND (h.until IS NULL OR h.until > $2) WHERE a.id = $1";
        let (rule, held, until): (String, Option<i64>, Option<i64>) =
            sqlx::query_as(sql).bind(claimed.id).bind(ms(now)).fetch_one(&self.readers).await?;
        Ok(match (pauses.of(&RuleName::from(rule.as_str())), held) {
            (Some(why), _) => Barred::Paused(why),
            (None, Some(_)) => Barred::Held(Why::OnHold { until: until.map(rows::at).transpose()? }.to_string()),
            (None, None) => Barred::Taken,
        })
    }
}

impl Pauses {
    /// Why this rule does not act, if it does not.
    pub fn of(&self, rule: &RuleName) -> Option<String> {
        if self.all.is_some() {
            return Some("paused".into());
        }
        let tripped = || self.tripped.get(rule).map(|trip| format!("rule `{rule}` has tripped: {}", trip.reopenings));
        self.rules.contains_key(rule).then(|| format!("rule `{rule}` is paused")).or_else(tripped)
    }

    /// Whether a rule acts that did not by `before`.
    pub fn let_act_again(&self, before: &Pauses) -> bool {
        let mut barred = before.rules.keys().chain(before.tripped.keys());
        (before.all.is_some() && self.all.is_none()) || barred.any(|rule| self.of(rule).is_none())
    }

    /// Trips that nobody has answered by pausing the rule, or everything.
    pub fn unanswered_trips(&self) -> impl Iterator<Item = (&RuleName, &Trip)> {
        self.tripped.iter().filter(|(rule, _)| self.all.is_none() && !self.rules.contains_key(*rule))
    }
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

async fn resume(writer: &mut SqliteConnection, rule: Option<&str>, now: Timestamp) -> Result<Resumed, StoreError> {
    let mut goes_on = trips::lift(writer, rule).await?;
    let lifted: Vec<RuleName> = goes_on.iter().map(|(rule, _)| rule.clone()).collect();
    let since = "DELETE FROM pause WHERE rule = $1 RETURNING since";
    let since: Option<i64> = sqlx::query_scalar(since).bind(rule.unwrap_or(ALL)).fetch_optional(&mut *writer).await?;
    let due = "UPDATE conversation SET due_at = $1 WHERE due_at > $1 AND (app_id, id) IN
        (SELECT app_id, conversation_id FROM attempt WHERE rule = $2 AND phase = 'open' AND outcome = 'deferred')";
    if let (Some(rule), Some(since)) = (rule, since) {
        goes_on.push((RuleName::from(rule), rows::at(since)?));
    }
    for (rule, since) in goes_on {
        sqlx::query(due).bind(at_once(now)).bind(rule.as_str()).execute(&mut *writer).await?;
        surges::rule_was_resumed(writer, rule.as_str(), since, now).await?;
    }
    sqlx::query(TURN).execute(&mut *writer).await?;
    Ok(Resumed { changed: since.is_some() || !lifted.is_empty(), lifted })
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
