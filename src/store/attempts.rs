//! What the daemon tried: claimed before a call, settled after it, looked into when the answer was lost. The journal
//! is written in the same transaction as the outcome that it tells.

use jiff::{SignedDuration, Timestamp};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row, Sqlite, SqliteConnection};

use super::forgotten::PSEUDONYM;
use super::outcome::{Answered, Claim, Claimed, FollowUp, Followed, Inputs, Outcome, Pending, Sending, Settled};
use super::record::{Context, reschedule};
use super::rows::{self, deeds, deeds_json, ms};
use super::writing::Writing;
use super::{Store, StoreError, backlog, facts};
use crate::engine::conversation::{ConversationId, PartId};
use crate::engine::rule::{RuleName, StepKind};
use crate::sabotage::{Bug, Point, planted, reached};

// The plus keeps SQLite from going through all attempts of the workspace in place of those that wait.
pub(super) const PENDING: &str = "SELECT id, conversation_id, rule, step, sent_at, digest, snoozed_until, contact_at, contact_part, deeds,
    done_at, follow_up, follow_tries, tries, claims, changes, wishes FROM attempt WHERE phase = 'unclear' AND look_at <= $1 AND +app_id = $2 ORDER BY look_at LIMIT $3";
pub(super) const FOLLOW_UPS: &str = "SELECT id, conversation_id, rule, step, coalesce(sent_at, done_at), digest, snoozed_until, contact_at, contact_part, deeds,
    done_at, follow_up, follow_tries, tries, claims, changes, wishes FROM attempt WHERE follow_up IS NOT NULL AND follow_at <= $1 AND undone_at IS NULL AND +app_id = $2 ORDER BY follow_at LIMIT $3";
pub(super) const SENT: &str =
    "SELECT coalesce(sum(step = 'close'), 0), coalesce(sum(template IS NOT NULL AND step NOT LIKE 'note%'), 0)
    FROM attempt WHERE sent_at > $1";

/// The line that stands in the journal while a call is under way.
const LEFT: &str = "INSERT INTO journal (at, app_id, conversation_id, rule, step, do, outcome, why, inputs, attempt)
    SELECT at, app_id, conversation_id, rule, step, iif(instr(step, ' '), substr(step, 1, instr(step, ' ') - 1), step), outcome, why,
        json_object('anchor_at', strftime('%Y-%m-%dT%H:%M:%SZ', anchor_at / 1000, 'unixepoch'),
            'due_at', strftime('%Y-%m-%dT%H:%M:%SZ', due_at / 1000, 'unixepoch')), id
    FROM attempt WHERE id = $1 RETURNING id";

impl Store {
    /// Claims a step: one row per (period, step). A row whose call never took effect is taken up again; one that is
    /// done, in flight or lost is not, and gives `None`.
    pub async fn claim(&self, claim: &Claim<'_>, now: Timestamp) -> Result<Option<Claimed>, StoreError> {
        let sql =
            "INSERT INTO attempt (app_id, conversation_id, rule, step, anchor_at, due_at, phase, outcome, why, at,
                first_at, claimed_at)
            SELECT $1, $2, $3, $4, $5, $6, 'open', 'claimed', 'claimed', $7, $7, $7
                WHERE NOT EXISTS (SELECT 1 FROM forgotten f WHERE f.mark = $8)
            ON CONFLICT (app_id, conversation_id, rule, anchor_at, step)
            DO UPDATE SET claimed_at = excluded.claimed_at, due_at = excluded.due_at, claims = claims + 1
                WHERE phase IN ('open', 'parked')
            RETURNING id, tries, claims, able_until";
        let query = sqlx::query(sql)
            .bind(claim.app_id)
            .bind(claim.conversation.as_str())
            .bind(claim.rule.as_str())
            .bind(claim.step.to_string())
            .bind(ms(claim.anchor_at))
            .bind(ms(claim.due_at))
            .bind(ms(now))
            .bind(self.forget_key.mark(claim.app_id, claim.conversation.as_str()));
        let mut writer = self.write_as_holder().await?;
        let row = query.fetch_optional(writer.connection()).await.map_err(StoreError::from);
        let Some(row) = finish(&mut writer, row).await? else { return Ok(None) };
        Ok(Some(claimed(&row)?))
    }

    /// Writes down that a call is about to leave. From here on its answer counts as lost until it is settled, so a
    /// crash at any moment leads to looking, never to sending again; and so says the journal until then. `None` if the
    /// attempt is not ours to send, or an operator has said that it is not to be sent: [`Store::barred`] tells.
    pub async fn about_to_send(&self, claimed: Claimed, sending: &Sending) -> Result<Option<Claimed>, StoreError> {
        let sql = "UPDATE attempt SET phase = 'unclear', outcome = 'unclear', why = 'sent; no answer yet', at = $1, sent_at = $1,
            look_at = $2, template = $3, digest = $4, snoozed_until = $5, contact_at = $6, contact_part = $7,
            changes = $8, wishes = $9, follow_at = NULL, able_until = max(coalesce(able_until, $2), $2), released = $12
            WHERE id = $10 AND claims = $11 AND phase IN ('open', 'parked') AND ($13
                OR NOT EXISTS (SELECT 1 FROM pause p WHERE p.rule IN ('', attempt.rule))
                AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.app_id = attempt.app_id
                    AND h.conversation_id = attempt.conversation_id AND (h.until IS NULL OR h.until > $1)))";
        if planted(Bug::WritesDownLate) {
            return Ok(Some(claimed));
        }
        let query = sqlx::query(sql)
            .bind(ms(sending.sent_at))
            .bind(ms(sending.look_at))
            .bind(&sending.template)
            .bind(&sending.digest)
            .bind(sending.snoozed_until.map(ms))
            .bind(sending.contact.map(|(at, _)| ms(at)))
            .bind(sending.contact.and_then(|(_, part)| part).map(|part| part.to_string()))
            .bind(facts::changes_json(&sending.changes))
            .bind(facts::wishes_json(&sending.wishes))
            .bind(claimed.id)
            .bind(claimed.turn)
            .bind(claimed.released)
            .bind(planted(Bug::AsksTheOperatorOnce));
        let mut writer = self.write_as_holder().await?;
        let left = leave(writer.connection(), query, claimed).await;
        finish(&mut writer, left).await
    }

    /// Writes down that answers came and named our parts, before what the last of them says is checked further, or
    /// before the next call leaves.
    pub async fn answered(&self, claimed: Claimed, answered: &Answered<'_>) -> Result<(), StoreError> {
        // What is to follow waits until the attempt is settled: it has no time before.
        let sql = "UPDATE attempt SET deeds = $1, done_at = coalesce($2, done_at), look_at = $3,
            follow_up = iif($4, 'restore_snooze', follow_up)
            WHERE id = $5 AND claims = $6 AND phase = 'unclear'";
        let last = answered.deeds.iter().map(|deed| deed.at).max();
        let query = sqlx::query(sql).bind(deeds_json(answered.deeds)).bind(last.map(ms)).bind(ms(answered.look_at));
        let query = query.bind(answered.restore_snooze).bind(claimed.id).bind(claimed.turn);
        let mut writer = self.write_as_holder().await?;
        let done = query.execute(writer.connection()).await.map(|_| ()).map_err(StoreError::from);
        finish(&mut writer, done).await
    }

    /// Commits an outcome, with its line in the journal if it is news, and what the conversation comes to now. Writes
    /// nothing but the latter if somebody else has claimed the step since, or has ended it.
    pub async fn settle(
        &self,
        claimed: Claimed,
        outcome: &Outcome,
        inputs: &Inputs,
        context: &Context,
    ) -> Result<Settled, StoreError> {
        let mut writer = self.write_as_holder().await?;
        let settled = settle(writer.connection(), claimed, outcome, inputs, context).await;
        finish(&mut writer, settled).await
    }

    /// Commits how a follow-up went, and what the conversation comes to now.
    pub async fn followed(&self, pending: &Pending, followed: &Followed, context: &Context) -> Result<(), StoreError> {
        let mut writer = self.write_as_holder().await?;
        let done = follow(writer.connection(), pending, followed, context).await;
        finish(&mut writer, done).await
    }

    /// Attempts whose answer was lost and that are to be looked into by now.
    pub async fn unclear(&self, app_id: &str, now: Timestamp, limit: u32) -> Result<Vec<Pending>, StoreError> {
        self.pending(PENDING, app_id, now, limit).await
    }

    /// Attempts that somebody has claimed and neither sent nor ended. While nobody sweeps, whoever did has died.
    pub async fn claimed_and_never_sent(&self, app_id: &str) -> Result<Vec<Claimed>, StoreError> {
        // The counts tell that there are none, as there nearly never are, without going through all attempts.
        let sql = "SELECT id, tries, claims, able_until FROM attempt WHERE outcome = 'claimed' AND phase = 'open' AND app_id = $1
            AND EXISTS (SELECT 1 FROM attempt_count WHERE outcome = 'claimed' AND count > 0)";
        let found = sqlx::query(sql).bind(app_id).fetch_all(&self.readers).await?;
        found.iter().map(claimed).collect()
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
        let found = query.fetch_all(&self.readers).await?;
        let (good, damaged): (Vec<_>, Vec<_>) = found.iter().map(pending).partition(Result::is_ok);
        for error in damaged.into_iter().filter_map(Result::err) {
            tracing::error!(error = %error, "an attempt cannot be looked after");
        }
        Ok(good.into_iter().flatten().collect())
    }

    /// When the oldest deed was done after which something is still to do.
    pub async fn oldest_follow_up(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(done_at) FROM attempt WHERE follow_up IS NOT NULL";
        let oldest: Option<i64> = sqlx::query_scalar(sql).fetch_one(&self.readers).await?;
        oldest.map(rows::at).transpose()
    }

    /// How many closes and how many messages to contacts left, or may have left, after `since`.
    pub async fn sent_since(&self, since: Timestamp) -> Result<(u32, u32), StoreError> {
        let row = sqlx::query(SENT).bind(ms(since)).fetch_one(&self.readers).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    /// When the oldest close and the oldest message after `since` left: the budget grows again an hour later.
    pub async fn oldest_sent_since(&self, since: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(sent_at) FROM attempt WHERE sent_at > $1
            AND (step = 'close' OR (template IS NOT NULL AND step NOT LIKE 'note%'))";
        let oldest: Option<i64> = sqlx::query_scalar(sql).bind(ms(since)).fetch_one(&self.readers).await?;
        oldest.map(rows::at).transpose()
    }

    /// How many (period, step)s stand at each outcome.
    pub async fn outcomes(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "SELECT outcome, count(*) FROM attempt GROUP BY outcome ORDER BY outcome";
        Ok(sqlx::query_as(sql).fetch_all(&self.readers).await?)
    }
}

/// A row of `id, tries, claims, able_until` of which nothing was sent.
fn claimed(row: &SqliteRow) -> Result<Claimed, StoreError> {
    Ok(Claimed {
        id: row.try_get(0)?,
        tries: row.try_get(1)?,
        turn: row.try_get(2)?,
        sent: false,
        line: None,
        able: false,
        able_until: row.try_get::<Option<i64>, _>(3)?.map(rows::at).transpose()?,
        released: false,
    })
}

/// Commits, or rolls back what failed.
pub(super) async fn finish<T>(writer: &mut Writing, done: Result<T, StoreError>) -> Result<T, StoreError> {
    let ended = match done {
        Ok(done) => writer.commit().await.map(|()| done).map_err(StoreError::from),
        Err(error) => Err(error),
    };
    if ended.is_err() {
        writer.roll_back().await;
    }
    ended
}

/// Notes that a call leaves, and has the journal say so: it is all that is known should nobody come to settle it.
async fn leave(
    writer: &mut SqliteConnection,
    noting: Query<'_, Sqlite, SqliteArguments>,
    claimed: Claimed,
) -> Result<Option<Claimed>, StoreError> {
    if noting.execute(&mut *writer).await?.rows_affected() == 0 {
        return Ok(None);
    }
    let line = sqlx::query_scalar(LEFT).bind(claimed.id).fetch_one(writer).await?;
    Ok(Some(Claimed { sent: true, line: Some(line), ..claimed }))
}

async fn settle(
    writer: &mut SqliteConnection,
    claimed: Claimed,
    outcome: &Outcome,
    inputs: &Inputs,
    context: &Context,
) -> Result<Settled, StoreError> {
    let now = ms(context.now);
    let done = outcome.done();
    let sql = "UPDATE attempt SET phase = $1, outcome = $2, why = $3, at = $4, look_at = $5,
        done_at = coalesce($6, done_at), deeds = coalesce($7, deeds), follow_at = iif($1 = 'unclear', NULL, $4),
        follow_up = coalesce($8, iif($1 = 'done' AND wishes IS NOT NULL, 'wishes', iif($1 = 'raced', NULL, follow_up))),
        tries = tries + $9, sent_at = iif($10, NULL, sent_at), template = iif($10, NULL, template), would_say = $15,
        able_until = CASE WHEN $5 IS NOT NULL THEN max(coalesce(able_until, $5), $5)
            WHEN $16 THEN max(coalesce(able_until, $4), $4) ELSE able_until END
        WHERE id = $11 AND claims = $12 AND phase IN ($13, $14) RETURNING follow_up IS NOT NULL, rule";
    let written: Option<(bool, String)> = sqlx::query_as(sql)
        .bind(outcome.phase())
        .bind(outcome.name())
        .bind(outcome.why())
        .bind(now)
        .bind(outcome.look_at().map(ms))
        .bind(done.as_ref().map(|(at, _)| ms(*at)))
        .bind(done.as_ref().map(|(_, deeds)| deeds_json(deeds)))
        .bind(outcome.follow_up())
        .bind(i64::from(outcome.is_refusal()))
        .bind(outcome.without_effect())
        .bind(claimed.id)
        .bind(claimed.turn)
        .bind(if claimed.sent { "unclear" } else { "open" })
        .bind(if claimed.sent { "unclear" } else { "parked" })
        .bind(matches!(outcome, Outcome::DryRun { speaks: true, .. }))
        .bind(claimed.able)
        .fetch_optional(&mut *writer)
        .await?;
    reached(Point::Settling).await;
    if let (Some(_), Some(line)) = (&written, claimed.line) {
        sqlx::query("DELETE FROM journal WHERE id = $1").bind(line).execute(&mut *writer).await?;
    }
    let news = written.is_some() && is_news(writer, claimed, outcome).await?;
    if news {
        write_journal(writer, claimed.id, outcome.name(), outcome.why(), &inputs.0, context.now).await?;
    }
    if let (Some(_), Some(reason)) = (&written, outcome.put_aside()) {
        backlog::put(writer, claimed.id, reason, context.now).await?;
    }
    if let Some(conversation) = conversation_of(writer, claimed).await?
        && !planted(Bug::LosesWakeUps)
    {
        reschedule(writer, &conversation, context).await?;
    }
    let (to_follow, rule) = written.unzip();
    let ended = rule.filter(|_| outcome.is_final()).map(|rule| RuleName::from(rule.as_str()));
    Ok(Settled { outcome: outcome.name(), news, to_follow: to_follow == Some(true), ended })
}

/// What changed something always is. That it still cannot be done is told once.
async fn is_news(writer: &mut SqliteConnection, claimed: Claimed, outcome: &Outcome) -> Result<bool, StoreError> {
    let last = "SELECT j.outcome, j.why FROM attempt a JOIN journal j ON j.app_id = a.app_id
            AND j.conversation_id = a.conversation_id AND j.rule = a.rule AND j.step = a.step AND j.at >= a.first_at
            AND coalesce(j.attempt, a.id) = a.id
        WHERE a.id = $1 ORDER BY j.id DESC LIMIT 1";
    let last: Option<(String, String)> = sqlx::query_as(last).bind(claimed.id).fetch_optional(writer).await?;
    let told = last.is_some_and(|(name, why)| name == outcome.name() && why == outcome.why());
    Ok(!told || outcome.is_refusal())
}

/// `None` if it was forgotten since.
async fn conversation_of(
    writer: &mut SqliteConnection,
    claimed: Claimed,
) -> Result<Option<ConversationId>, StoreError> {
    let sql = "SELECT conversation_id FROM attempt WHERE id = $1";
    let id: String = sqlx::query_scalar(sql).bind(claimed.id).fetch_one(writer).await?;
    if id.starts_with(PSEUDONYM) {
        return Ok(None);
    }
    ConversationId::try_from(id.as_str()).map(Some).map_err(|_| StoreError::Odd(format!("conversation {id}")))
}

async fn follow(
    writer: &mut SqliteConnection,
    pending: &Pending,
    followed: &Followed,
    context: &Context,
) -> Result<(), StoreError> {
    let this = pending.follow_up.map(FollowUp::name);
    let (next, at, made) = match followed {
        Followed::Done(deed) => (None, None, vec![*deed]),
        Followed::ContactSpoke(deed) => (Some("reopen"), Some(context.now), vec![*deed]),
        Followed::Granted { deeds, again, .. } => (again.and(this), *again, deeds.clone()),
        Followed::NotNeeded(_) | Followed::GivenUp(_) => (None, None, Vec::new()),
        Followed::Again(at) | Followed::Refused(at) => (this, Some(*at), Vec::new()),
    };
    let tries = match followed {
        Followed::Refused(_) | Followed::Granted { refused: true, .. } => pending.follow_tries + 1,
        // What is to do from now on is something else.
        Followed::ContactSpoke(_) => 0,
        _ => pending.follow_tries,
    };
    let wishes = match followed {
        Followed::Granted { left, again: Some(_), .. } => facts::wishes_json(left),
        Followed::Granted { again: None, .. } => None,
        _ => facts::wishes_json(&pending.wishes),
    };
    let mut deeds = pending.deeds.clone();
    deeds.extend(made);
    // Somebody else who followed up meanwhile has changed one of these: then nothing is written.
    let sql = "UPDATE attempt SET follow_up = $1, follow_at = $2, follow_tries = $3, deeds = $4, wishes = $9,
        why = why || coalesce($10, '') WHERE id = $5 AND claims = $6 AND follow_up IS $7 AND deeds = $8";
    let query = sqlx::query(sql).bind(next).bind(at.map(ms)).bind(tries).bind(deeds_json(&deeds));
    let query = query.bind(pending.claimed.id).bind(pending.claimed.turn);
    let query = query.bind(this).bind(deeds_json(&pending.deeds)).bind(wishes);
    let query = query.bind(missing(followed).map(|missing| format!("; {missing}")));
    let written = query.execute(&mut *writer).await?.rows_affected() == 1;
    if let (Some(told), true) = (told(pending, followed), written) {
        let outcome = "SELECT outcome FROM attempt WHERE id = $1";
        let outcome: String = sqlx::query_scalar(outcome).bind(pending.claimed.id).fetch_one(&mut *writer).await?;
        write_journal(writer, pending.claimed.id, &outcome, told, "{}", context.now).await?;
    }
    reschedule(writer, &pending.conversation, context).await?;
    Ok(())
}

fn missing(followed: &Followed) -> Option<&str> {
    match followed {
        Followed::Granted { missing, .. } => missing.as_deref(),
        _ => None,
    }
}

fn told<'a>(pending: &Pending, followed: &'a Followed) -> Option<&'a str> {
    match (followed, pending.follow_up) {
        (Followed::Again(_) | Followed::Refused(_) | Followed::Granted { again: Some(_), .. }, _) => None,
        (Followed::Granted { missing: Some(missing), .. }, _) => Some(missing),
        (Followed::Granted { .. }, _) => Some("its tags and attributes were put on"),
        (Followed::NotNeeded(why), _) => Some(why),
        (Followed::GivenUp(why), _) => Some(why),
        (Followed::ContactSpoke(_), _) => Some("the contact wrote while the snooze was restored; opening it again"),
        (Followed::Done(_), Some(FollowUp::RestoreSnooze)) => Some(match pending.step.kind {
            StepKind::Assign => "the snooze that the assignment ended was restored",
            StepKind::Note => "the snooze that our note ended was restored",
            _ => "the snooze that our message ended was restored",
        }),
        (Followed::Done(_), _) => Some("opened again"),
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
    let sql = "INSERT INTO journal (at, app_id, conversation_id, rule, step, do, outcome, why, inputs, attempt)
        SELECT $1, app_id, conversation_id, rule, step, iif(instr(step, ' '), substr(step, 1, instr(step, ' ') - 1), step), $2, $3, $4, id
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
        claimed: Claimed {
            id: row.try_get(0)?,
            tries: row.try_get(13)?,
            turn: row.try_get(14)?,
            sent: true,
            line: None,
            able: false,
            able_until: None,
            released: false,
        },
        conversation: ConversationId::try_from(row.try_get::<&str, _>(1)?).map_err(|_| odd())?,
        rule: RuleName::from(row.try_get::<&str, _>(2)?),
        step: row.try_get::<&str, _>(3)?.parse().map_err(|_| odd())?,
        sent_at: moment(4)?.ok_or_else(odd)?,
        digest: row.try_get(5)?,
        snoozed_until: moment(6)?,
        contact: moment(7)?.map(|at| (at, part)),
        deeds: deeds(row.try_get(9)?).ok_or_else(odd)?,
        done_at: moment(10)?,
        follow_up: follow_up.as_deref().and_then(FollowUp::from_name),
        follow_tries: row.try_get(12)?,
        changes: facts::changes(row.try_get(15)?).ok_or_else(odd)?,
        wishes: facts::wishes(row.try_get(16)?).ok_or_else(odd)?,
    })
}

/// The budgets look back this far.
pub const BUDGET_WINDOW: SignedDuration = SignedDuration::from_hours(1);
