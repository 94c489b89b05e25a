//! What may have made many steps due at once: noticed and kept until what is due was dealt with.
//!
//! Owns: up to when acting was possible and by which rules, and what is open because of a gap in that. Refuses: counting
//! what is due and putting it aside, which is for the sweep. A crash at any moment leaves it open.

use jiff::{SignedDuration, Timestamp};
use sqlx::SqliteConnection;

use super::attempts::finish;
use super::rows::{self, ms};
use super::{Store, StoreError};
use crate::engine::conversation::ConversationId;
use crate::engine::rule::{RuleName, StepId};
use crate::engine::why::span;

/// So long may acting be impossible and nothing is made of it.
pub(super) const GAP: SignedDuration = SignedDuration::from_mins(15);

/// What stands in the place of the rules while nothing is sent.
const REHEARSING: &str = "dry-run";
const ACTED_BY: &str = "acted_by";
const ACTED_AT: &str = "acted_at";

pub(super) const DUE_BEHIND: &str = "SELECT due_at, id FROM conversation WHERE due_at <= $1 AND due_at >= $2
    AND +app_id = $4 AND (due_at > $2 OR id > $3) ORDER BY due_at, id LIMIT $5";

/// Something that may have made many steps due at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surge {
    /// Of this rule; `None`: of all of them.
    pub rule: Option<RuleName>,
    /// What it was, in words that follow "were due".
    pub reason: String,
    /// When it was noticed.
    pub since: Timestamp,
    /// It was counted, and is too many.
    pub bulk: bool,
}

/// A conversation whose `due_at` has passed, in the order in which they are gone through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// When it was due.
    pub at: Timestamp,
    /// Which.
    pub id: ConversationId,
}

impl Store {
    /// Notes that acting is possible again or still, by these rules, and what that opens. `gap` is how long it may have
    /// been impossible.
    pub async fn notice_surge(&self, rules: &str, now: Timestamp, gap: SignedDuration) -> Result<(), StoreError> {
        let (by, at) = (self.setting(ACTED_BY).await?, self.setting(ACTED_AT).await?);
        let at = at.map(|at| at.parse::<Timestamp>().map_err(|_| StoreError::Odd(format!("setting {ACTED_AT}"))));
        let at = at.transpose()?;
        let away = at.map(|at| now.duration_since(at));
        let reason = match (by.as_deref(), away) {
            (None, _) | (Some(_), None) => "at the first start in live mode".to_owned(),
            (Some(REHEARSING), _) => "when the mode turned live".to_owned(),
            (Some(by), _) if by != rules => "after the rules, a calendar or the version changed".to_owned(),
            // What lies ahead of Intercom's own clock was not written by it.
            (Some(_), Some(away)) if away > gap.max(GAP) || away < -GAP => {
                format!("after {} in which nothing could be done", span(away.abs()))
            }
            _ => return Ok(()),
        };
        let mut writer = self.write_as_holder().await?;
        let noted = open(writer.connection(), "", &reason, now).await;
        finish(&mut writer, noted).await
    }

    /// What is open, that of all rules first.
    pub async fn surges(&self) -> Result<Vec<Surge>, StoreError> {
        let sql = "SELECT rule, reason, since, bulk FROM surge ORDER BY rule";
        let rows: Vec<(String, String, i64, bool)> = sqlx::query_as(sql).fetch_all(&self.readers).await?;
        rows.into_iter()
            .map(|(rule, reason, since, bulk)| {
                let rule = (!rule.is_empty()).then(|| RuleName::from(rule.as_str()));
                Ok(Surge { rule, reason, since: rows::at(since)?, bulk })
            })
            .collect()
    }

    /// The same for one rule, which has still to wait for its hours.
    pub async fn surge_waits(&self, rule: &RuleName, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut writer = self.write_as_holder().await?;
        let noted = open(writer.connection(), rule.as_str(), reason, now).await;
        finish(&mut writer, noted).await
    }

    /// It was counted, and is too many: from now on all of it goes to the backlog, whatever happens meanwhile.
    pub async fn surge_is_bulk(&self, surge: &Surge) -> Result<(), StoreError> {
        self.change_surge("UPDATE surge SET bulk = 1 WHERE rule = $1", surge).await
    }

    /// It was dealt with.
    pub async fn surge_is_over(&self, surge: &Surge) -> Result<(), StoreError> {
        self.change_surge("DELETE FROM surge WHERE rule = $1", surge).await
    }

    /// Whoever was taken over must not say that all was dealt with.
    async fn change_surge(&self, sql: &'static str, surge: &Surge) -> Result<(), StoreError> {
        let mut writer = self.write_as_holder().await?;
        let changed = sqlx::query(sql).bind(key(surge)).execute(writer.connection()).await;
        finish(&mut writer, changed.map(drop).map_err(StoreError::from)).await
    }

    /// That of all rules was dealt with, if one was open, and acting is possible by these.
    pub async fn acted(&self, rules: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut writer = self.write_as_holder().await?;
        let noted = acted(writer.connection(), rules, now).await;
        finish(&mut writer, noted).await
    }

    /// Up to when acting was possible.
    pub async fn acted_at(&self) -> Result<Option<Timestamp>, StoreError> {
        self.moment(ACTED_AT).await
    }

    /// Nothing is sent: the next time that it is, is a first time.
    pub async fn only_rehearses(&self) -> Result<(), StoreError> {
        if self.setting(ACTED_BY).await?.as_deref() == Some(REHEARSING) {
            return Ok(());
        }
        self.set_setting(ACTED_BY, REHEARSING).await
    }

    /// Conversations whose `due_at` has passed, behind that place, oldest first.
    pub async fn due_behind(
        &self,
        app_id: &str,
        now: Timestamp,
        behind: Option<&Due>,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError> {
        let (at, id) = behind.map_or((i64::MIN, ""), |behind| (ms(behind.at), behind.id.as_str()));
        let query = sqlx::query_as(DUE_BEHIND).bind(ms(now)).bind(at).bind(id).bind(app_id).bind(limit);
        let rows: Vec<(i64, String)> = query.fetch_all(&self.readers).await?;
        rows.into_iter()
            .map(|(at, id)| {
                let odd = |_| StoreError::Odd(format!("conversation {id}"));
                Ok(Due { at: rows::at(at)?, id: ConversationId::try_from(id.as_str()).map_err(odd)? })
            })
            .collect()
    }

    /// Whether a step was within reach before, so that nothing new has made it due.
    pub async fn was_within_reach(
        &self,
        app_id: &str,
        id: &ConversationId,
        (rule, step, anchor_at): (&RuleName, StepId, Timestamp),
    ) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM attempt WHERE app_id = $1 AND conversation_id = $2 AND rule = $3
            AND anchor_at = $4 AND step = $5 AND able_until IS NOT NULL)";
        let query = sqlx::query_scalar(sql).bind(app_id).bind(id.as_str()).bind(rule.as_str());
        Ok(query.bind(ms(anchor_at)).bind(step.to_string()).fetch_one(&self.readers).await?)
    }
}

fn key(surge: &Surge) -> &str {
    surge.rule.as_ref().map_or("", RuleName::as_str)
}

async fn open(writer: &mut SqliteConnection, rule: &str, reason: &str, now: Timestamp) -> Result<(), StoreError> {
    // That of all rules is noticed again in every sweep until it was dealt with; that of one rule once each time.
    let sql = "INSERT INTO surge (rule, reason, since) VALUES ($1, $2, $3)
        ON CONFLICT (rule) DO UPDATE SET since = excluded.since WHERE surge.rule <> ''";
    sqlx::query(sql).bind(rule).bind(reason).bind(ms(now)).execute(writer).await?;
    Ok(())
}

async fn acted(writer: &mut SqliteConnection, rules: &str, now: Timestamp) -> Result<(), StoreError> {
    let set = "INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    sqlx::query(set).bind(ACTED_BY).bind(rules).execute(&mut *writer).await?;
    sqlx::query(set).bind(ACTED_AT).bind(now.to_string()).execute(&mut *writer).await?;
    sqlx::query("DELETE FROM surge WHERE rule = ''").execute(writer).await?;
    Ok(())
}

/// One rule acts again. The clock of whoever says so may have jumped meanwhile.
pub(super) async fn rule_was_resumed(
    writer: &mut SqliteConnection,
    rule: &str,
    since: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    if (SignedDuration::ZERO..=GAP).contains(&now.duration_since(since)) {
        return Ok(());
    }
    open(writer, rule, &format!("when rule `{rule}` was resumed"), now).await
}
