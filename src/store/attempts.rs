//! What the daemon tried: claimed before a call, settled after it, looked into when the answer was lost. The journal
//! is written in the same transaction as the outcome that it tells.

use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::outcome::{Claim, Claimed, FollowUp, Followed, Inputs, JournalEntry, Outcome, Pending, Sending, Settled};
use super::rows::{self, deeds, deeds_json, ms};
use super::writing::Writing;
use super::{Store, StoreError};
use crate::engine::conversation::{ConversationId, PartId};
use crate::engine::history::Deed;
use crate::engine::rule::RuleName;

// The plus keeps SQLite from going through all attempts of the workspace in place of those that wait.
pub(super) const PENDING: &str = "SELECT id, conversation_id, rule, step, sent_at, digest, snoozed_until, contact_at, contact_part, deeds,
    done_at, follow_up, follow_tries FROM attempt WHERE phase = 'unclear' AND look_at <= $1 AND +app_id = $2 ORDER BY look_at LIMIT $3";
pub(super) const FOLLOW_UPS: &str = "SELECT id, conversation_id, rule, step, sent_at, digest, snoozed_until, contact_at, contact_part, deeds,
    done_at, follow_up, follow_tries FROM attempt WHERE follow_up IS NOT NULL AND follow_at <= $1 AND +app_id = $2 ORDER BY follow_at LIMIT $3";
pub(super) const SENT: &str =
    "SELECT coalesce(sum(step = 'close'), 0), coalesce(sum(template IS NOT NULL), 0) FROM attempt WHERE sent_at > $1";

impl Store {
    /// Claims a step: one row per (period, step). A row whose call never took effect is taken up again; one that is
    /// done, in flight or lost is not, and gives `None`.
    pub async fn claim(&self, claim: &Claim<'_>, now: Timestamp) -> Result<Option<Claimed>, StoreError> {
        let sql = "INSERT INTO attempt (app_id, conversation_id, rule, step, anchor_at, due_at, phase, outcome, why, at, claimed_at)
            VALUES ($1, $2, $3, $4, $5, $6, 'open', 'claimed', 'claimed', $7, $7)
            ON CONFLICT (app_id, conversation_id, rule, anchor_at, step)
            DO UPDATE SET claimed_at = excluded.claimed_at, due_at = excluded.due_at WHERE phase IN ('open', 'parked')
            RETURNING id, tries";
        let query = sqlx::query(sql)
            .bind(claim.app_id)
            .bind(claim.conversation.as_str())
            .bind(claim.rule.as_str())
            .bind(claim.step.to_string())
            .bind(ms(claim.anchor_at))
            .bind(ms(claim.due_at))
            .bind(ms(now));
        let mut writer = self.write().await;
        let Some(row) = query.fetch_optional(writer.connection()).await? else { return Ok(None) };
        Ok(Some(Claimed { id: row.try_get(0)?, tries: row.try_get(1)? }))
    }

    /// Writes down that a call is about to leave. From here on its answer counts as lost until it is settled, so a
    /// crash at any moment leads to looking, never to sending again. `false` if the attempt is not ours to send.
    pub async fn about_to_send(&self, claimed: Claimed, sending: &Sending) -> Result<bool, StoreError> {
        let sql = "UPDATE attempt SET phase = 'unclear', outcome = 'unclear', why = 'sent; no answer yet', at = $1, sent_at = $1,
            look_at = $2, template = $3, digest = $4, snoozed_until = $5, contact_at = $6, contact_part = $7
            WHERE id = $8 AND phase IN ('open', 'parked')";
        let query = sqlx::query(sql)
            .bind(ms(sending.sent_at))
            .bind(ms(sending.look_at))
            .bind(&sending.template)
            .bind(&sending.digest)
            .bind(sending.snoozed_until.map(ms))
            .bind(sending.contact.map(|(at, _)| ms(at)))
            .bind(sending.contact.and_then(|(_, part)| part).map(|part| part.to_string()))
            .bind(claimed.id);
        let mut writer = self.write().await;
        Ok(query.execute(writer.connection()).await?.rows_affected() == 1)
    }

    /// Writes down that the answer came and named our part, before what it says is checked further.
    pub async fn answered(&self, attempt: i64, deed: Deed, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE attempt SET deeds = $1, done_at = $2, look_at = $3 WHERE id = $4 AND phase = 'unclear'";
        let query = sqlx::query(sql).bind(deeds_json(&[deed])).bind(ms(deed.at)).bind(ms(now)).bind(attempt);
        let mut writer = self.write().await;
        query.execute(writer.connection()).await?;
        Ok(())
    }

    /// Commits an outcome, with its line in the journal if it is news.
    pub async fn settle(
        &self,
        attempt: i64,
        outcome: &Outcome,
        inputs: &Inputs,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let mut writer = self.write().await;
        writer.begin().await?;
        let settled = settle(writer.connection(), attempt, outcome, inputs, now).await;
        finish(&mut writer, settled).await
    }

    /// Commits how a follow-up went.
    pub async fn followed(&self, pending: &Pending, followed: &Followed, now: Timestamp) -> Result<(), StoreError> {
        let mut writer = self.write().await;
        writer.begin().await?;
        let done = follow(writer.connection(), pending, followed, now).await;
        finish(&mut writer, done).await
    }

    /// Attempts whose answer was lost and that are to be looked into by now.
    pub async fn unclear(&self, app_id: &str, now: Timestamp, limit: u32) -> Result<Vec<Pending>, StoreError> {
        self.pending(PENDING, app_id, now, limit).await
    }

    /// Attempts after which something is still to do by now.
    pub async fn follow_ups(&self, app_id: &str, now: Timestamp, limit: u32) -> Result<Vec<Pending>, StoreError> {
        self.pending(FOLLOW_UPS, app_id, now, limit).await
    }

    async fn pending(
        &self,
        sql: &'static str,
        app_id: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Pending>, StoreError> {
        let query = sqlx::query(sql).bind(ms(now)).bind(app_id).bind(limit);
        query.fetch_all(&self.readers).await?.iter().map(pending).collect()
    }

    /// How many closes and how many messages to contacts left, or may have left, after `since`.
    pub async fn sent_since(&self, since: Timestamp) -> Result<(u32, u32), StoreError> {
        let row = sqlx::query(SENT).bind(ms(since)).fetch_one(&self.readers).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    /// When the oldest close and the oldest message after `since` left: the budget grows again an hour later.
    pub async fn oldest_sent_since(&self, since: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(sent_at) FROM attempt WHERE sent_at > $1";
        let oldest: Option<i64> = sqlx::query_scalar(sql).bind(ms(since)).fetch_one(&self.readers).await?;
        oldest.map(rows::at).transpose()
    }

    /// How many (period, step)s stand at each outcome.
    pub async fn outcomes(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "SELECT outcome, count(*) FROM attempt GROUP BY outcome ORDER BY outcome";
        Ok(sqlx::query_as(sql).fetch_all(&self.readers).await?)
    }

    /// The journal, oldest first; of one conversation or of all.
    pub async fn journal(&self, conversation: Option<&ConversationId>) -> Result<Vec<JournalEntry>, StoreError> {
        let sql = "SELECT at, conversation_id, rule, step, do, outcome, why, inputs FROM journal
            WHERE $1 IS NULL OR conversation_id = $1 ORDER BY id";
        let query = sqlx::query(sql).bind(conversation.map(ConversationId::as_str));
        query.fetch_all(&self.readers).await?.iter().map(journal_entry).collect()
    }
}

/// Commits, or rolls back what failed.
async fn finish<T>(writer: &mut Writing, done: Result<T, StoreError>) -> Result<T, StoreError> {
    let ended = match done {
        Ok(done) => writer.commit().await.map(|()| done).map_err(StoreError::from),
        Err(error) => Err(error),
    };
    if ended.is_err() {
        writer.roll_back().await;
    }
    ended
}

async fn settle(
    writer: &mut SqliteConnection,
    attempt: i64,
    outcome: &Outcome,
    inputs: &Inputs,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let before =
        sqlx::query("SELECT outcome, why FROM attempt WHERE id = $1").bind(attempt).fetch_one(&mut *writer).await?;
    let news = before.try_get::<String, _>(0)? != outcome.name() || before.try_get::<String, _>(1)? != outcome.why();
    let deed = outcome.deed();
    let sql = "UPDATE attempt SET phase = $1, outcome = $2, why = $3, at = $4, look_at = $5,
        done_at = coalesce($6, done_at), deeds = coalesce($7, deeds), follow_up = $8, follow_at = $4,
        tries = tries + $9, sent_at = iif($10, NULL, sent_at), template = iif($10, NULL, template)
        WHERE id = $11";
    sqlx::query(sql)
        .bind(outcome.phase())
        .bind(outcome.name())
        .bind(outcome.why())
        .bind(ms(now))
        .bind(outcome.look_at().map(ms))
        .bind(deed.map(|deed| ms(deed.at)))
        .bind(deed.map(|deed| deeds_json(&[deed])))
        .bind(outcome.follow_up())
        .bind(i64::from(matches!(outcome, Outcome::Parked { .. } | Outcome::Failed(_))))
        .bind(outcome.without_effect())
        .bind(attempt)
        .execute(&mut *writer)
        .await?;
    if news {
        write_journal(writer, attempt, outcome.name(), outcome.why(), &inputs.0, now).await?;
    }
    Ok(Settled { outcome: outcome.name(), news })
}

async fn follow(
    writer: &mut SqliteConnection,
    pending: &Pending,
    followed: &Followed,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (still, at, deed, told) = match followed {
        Followed::Done(deed) => (false, None, Some(*deed), Some(told(pending.follow_up).to_owned())),
        Followed::NotNeeded(why) => (false, None, None, Some((*why).to_owned())),
        Followed::Again(at) => (true, Some(*at), None, None),
        Followed::GivenUp(why) => (false, None, None, Some(why.clone())),
    };
    let mut deeds = pending.deeds.clone();
    deeds.extend(deed);
    let sql = "UPDATE attempt SET follow_up = iif($1, follow_up, NULL), follow_at = $2, follow_tries = follow_tries + 1, deeds = $3 WHERE id = $4";
    sqlx::query(sql)
        .bind(still)
        .bind(at.map(ms))
        .bind(deeds_json(&deeds))
        .bind(pending.id)
        .execute(&mut *writer)
        .await?;
    if let Some(told) = told {
        let outcome: String = sqlx::query_scalar("SELECT outcome FROM attempt WHERE id = $1")
            .bind(pending.id)
            .fetch_one(&mut *writer)
            .await?;
        write_journal(writer, pending.id, &outcome, &told, "{}", now).await?;
    }
    Ok(())
}

fn told(follow_up: Option<FollowUp>) -> &'static str {
    match follow_up {
        Some(FollowUp::RestoreSnooze) => "the snooze that our message ended was restored",
        Some(FollowUp::Reopen) | None => "opened again",
    }
}

async fn write_journal(
    writer: &mut SqliteConnection,
    attempt: i64,
    outcome: &str,
    why: &str,
    inputs: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO journal (at, app_id, conversation_id, rule, step, do, outcome, why, inputs)
        SELECT $1, app_id, conversation_id, rule, step, iif(instr(step, ' '), substr(step, 1, instr(step, ' ') - 1), step), $2, $3, $4
        FROM attempt WHERE id = $5";
    sqlx::query(sql).bind(ms(now)).bind(outcome).bind(why).bind(inputs).bind(attempt).execute(writer).await?;
    Ok(())
}

fn pending(row: &SqliteRow) -> Result<Pending, StoreError> {
    let odd = || StoreError::Odd("an attempt".into());
    let moment = |index: usize| -> Result<Option<Timestamp>, StoreError> {
        row.try_get::<Option<i64>, _>(index)?.map(rows::at).transpose()
    };
    let part: Option<String> = row.try_get(8)?;
    let part: Option<PartId> = part.map(|part| part.parse()).transpose().map_err(|_| odd())?;
    let follow_up: Option<String> = row.try_get(11)?;
    Ok(Pending {
        id: row.try_get(0)?,
        conversation: ConversationId::try_from(row.try_get::<&str, _>(1)?).map_err(|_| odd())?,
        rule: RuleName::from(row.try_get::<&str, _>(2)?),
        step: row.try_get::<&str, _>(3)?.parse().map_err(|_| odd())?,
        sent_at: moment(4)?.ok_or_else(odd)?,
        digest: row.try_get(5)?,
        snoozed_until: moment(6)?,
        contact: moment(7)?.map(|at| (at, part)),
        deeds: deeds(row.try_get(9)?).ok_or_else(odd)?,
        done_at: moment(10)?,
        follow_up: match follow_up.as_deref() {
            Some("restore_snooze") => Some(FollowUp::RestoreSnooze),
            Some("reopen") => Some(FollowUp::Reopen),
            _ => None,
        },
        follow_tries: row.try_get(12)?,
    })
}

fn journal_entry(row: &SqliteRow) -> Result<JournalEntry, StoreError> {
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

/// The budgets look back this far.
pub const BUDGET_WINDOW: SignedDuration = SignedDuration::from_hours(1);
