//! Which conversations are due, which must be read, and deciding on all of them again.

use jiff::Timestamp;
use sqlx::Row;

use super::backlog::{EntryRow, OVER};
use super::fold::to_read;
use super::operator::HoldRow;
use super::record::read_again_after;
use super::rows::{self, AttemptRow, ConversationRow, json, ms};
use super::{Context, Store, StoreError};
use crate::engine::backlog;
use crate::engine::conversation::ConversationId;
use crate::engine::decide;
use crate::engine::history::History;
use crate::rulebook::Edition;
use crate::sabotage::{Bug, planted};

/// How many conversations are decided on again in one transaction; notifications wait no longer than that takes.
const RESCHEDULED_AT_ONCE: i64 = 500;

// The plus keeps SQLite from going through all conversations of the workspace in place of those that are due.
pub(super) const DUE: &str =
    "SELECT id FROM conversation WHERE due_at <= $1 AND +app_id = $2 ORDER BY due_at, id LIMIT $3";
pub(super) const TO_FETCH: &str =
    "SELECT id FROM conversation WHERE fetch_at <= $1 AND +app_id = $2 ORDER BY fetch_at, id LIMIT $3";
pub(super) const COUNT_TO_FETCH: &str = "SELECT count(*) FROM conversation WHERE fetch_at <= $1 AND +app_id = $2";

// Every one of them is there. As an UPDATE, SQLite would go through all conversations for each batch.
pub(super) const RESCHEDULE: &str = "INSERT INTO conversation (app_id, id, flags, latest, due_at, fetch_at)
    SELECT $2, value->>0, 0, '[]', value->>1, value->>2 FROM json_each($1) WHERE true
    ON CONFLICT (app_id, id) DO UPDATE SET due_at = excluded.due_at,
        fetch_at = coalesce(conversation.fetch_at, excluded.fetch_at)";

/// What was read so long after a change is all that happened in its second.
const RESTED_MS: i64 = 2_000;

/// A conversation as a search lists it.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Which.
    pub id: ConversationId,
    /// Its last change of any kind.
    pub updated_at: Option<Timestamp>,
}

impl Store {
    /// Conversations whose `due_at` has passed, oldest first, at most `limit`.
    pub async fn due(&self, app_id: &str, now: Timestamp, limit: u32) -> Result<Vec<ConversationId>, StoreError> {
        self.ids(DUE, app_id, now, limit).await
    }

    /// Conversations that must be read from Intercom, longest waiting first, at most `limit`.
    pub async fn to_fetch(&self, app_id: &str, now: Timestamp, limit: u32) -> Result<Vec<ConversationId>, StoreError> {
        self.ids(TO_FETCH, app_id, now, limit).await
    }

    async fn ids(
        &self,
        query: &'static str,
        app_id: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ConversationId>, StoreError> {
        let query = sqlx::query_scalar::<_, String>(query).bind(ms(now)).bind(app_id).bind(limit);
        let ids = query.fetch_all(&self.readers).await?;
        let id = |id: String| {
            ConversationId::try_from(id.as_str()).map_err(|_| StoreError::Odd(format!("conversation {id}")))
        };
        ids.into_iter().map(id).collect()
    }

    /// How many conversations wait to be read by now; not those that rest because they could not be.
    pub async fn count_to_fetch(&self, app_id: &str, now: Timestamp) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(COUNT_TO_FETCH).bind(ms(now)).bind(app_id).fetch_one(&self.readers).await?)
    }

    /// Marks what a search listed for reading, where it is new or newer than what is known; not what was forgotten, and
    /// not what rests because it could not be read. Where what is known was only told, an earlier change may not have been; where
    /// it was read within two seconds of the change, another of that same second may be missing. Only reading it later
    /// settles that. Returns how many.
    pub async fn mark_listed(&self, app_id: &str, listed: &[Listing], now: Timestamp) -> Result<u64, StoreError> {
        let mark_of = |one: &Listing| self.forget_key.mark(app_id, one.id.as_str());
        let rows: Vec<_> =
            listed.iter().map(|one| (one.id.as_str(), one.updated_at.map_or(i64::MAX, ms), mark_of(one))).collect();
        let mark = "INSERT INTO conversation (app_id, id, flags, latest, fetch_at)
            SELECT $1, value->>0, 0, '[]', $2 FROM json_each($3)
                WHERE NOT EXISTS (SELECT 1 FROM forgotten f WHERE f.mark = value->>2)
            ON CONFLICT (app_id, id) DO UPDATE SET fetch_at = min(coalesce(fetch_at, excluded.fetch_at), excluded.fetch_at)
            WHERE conversation.fetch_tries = 0 AND (conversation.flags & 4 = 0
               OR conversation.updated_at < (SELECT value->>1 FROM json_each($3) WHERE value->>0 = conversation.id)
               OR (conversation.fetched = 0 OR conversation.updated_at > conversation.told_at - $4)
                  AND conversation.updated_at = (SELECT value->>1 FROM json_each($3) WHERE value->>0 = conversation.id))";
        let mut writer = self.write().await;
        let marked = sqlx::query(mark)
            .bind(app_id)
            .bind(ms(now))
            .bind(json(&rows))
            .bind(RESTED_MS)
            .execute(writer.connection())
            .await?;
        Ok(marked.rows_affected())
    }

    /// Notes that the complete look of that moment listed these. Where two go on at once, the later one counts.
    pub async fn stamp_listed(&self, app_id: &str, listed: &[Listing], look_at: Timestamp) -> Result<(), StoreError> {
        let ids: Vec<_> = listed.iter().map(|one| one.id.as_str()).collect();
        let stamp = "UPDATE conversation SET listed_at = max(coalesce(listed_at, $1), $1)
            WHERE app_id = $2 AND id IN (SELECT value FROM json_each($3))";
        let mut writer = self.write().await;
        let stamp = sqlx::query(stamp).bind(ms(look_at)).bind(app_id).bind(json(&ids));
        stamp.execute(writer.connection()).await?;
        Ok(())
    }

    /// Marks tracked conversations that are not closed and that the complete look of that moment did not list, in
    /// batches between which notifications are written. Returns how many.
    pub async fn mark_unlisted(&self, app_id: &str, look_at: Timestamp) -> Result<u64, StoreError> {
        let next =
            "SELECT max(id) FROM (SELECT id FROM conversation WHERE app_id = $1 AND id > $2 ORDER BY id LIMIT $3)";
        let mark = "UPDATE conversation SET fetch_at = $1 WHERE app_id = $2 AND id > $3 AND id <= $4
            AND state IN ('open', 'snoozed') AND flags & 3 = 0 AND fetch_at IS NULL AND coalesce(listed_at, 0) < $1";
        let (mut after, mut count) = (String::new(), 0);
        loop {
            let mut writer = self.write().await;
            let last = sqlx::query_scalar(next).bind(app_id).bind(&after).bind(RESCHEDULED_AT_ONCE);
            let Some(last): Option<String> = last.fetch_one(writer.connection()).await? else { return Ok(count) };
            let mark = sqlx::query(mark).bind(ms(look_at)).bind(app_id).bind(&after).bind(&last);
            count += mark.execute(writer.connection()).await?.rows_affected();
            after = last;
        }
    }

    /// Notes that a conversation could not be read; it is tried again after 1, 2, 4 … 60 minutes. Returns how often that
    /// had happened before.
    pub async fn fetch_failed(&self, app_id: &str, id: &ConversationId, now: Timestamp) -> Result<i64, StoreError> {
        let mut writer = self.write().await;
        let tries = "SELECT fetch_tries FROM conversation WHERE app_id = $1 AND id = $2";
        let tries: Option<i64> =
            sqlx::query_scalar(tries).bind(app_id).bind(id.as_str()).fetch_optional(writer.connection()).await?;
        let tries = tries.unwrap_or(0);
        let again = now + read_again_after(tries);
        let note = "UPDATE conversation SET fetch_at = $1, fetch_tries = fetch_tries + 1 WHERE app_id = $2 AND id = $3";
        sqlx::query(note).bind(ms(again)).bind(app_id).bind(id.as_str()).execute(writer.connection()).await?;
        Ok(tries)
    }

    /// Puts a conversation that is due off, because acting on it is not possible right now.
    pub async fn put_off(
        &self,
        app_id: &str,
        id: &ConversationId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let mut writer = self.write().await;
        let put_off = "UPDATE conversation SET due_at = $1 WHERE app_id = $2 AND id = $3 AND due_at <= $4";
        let put_off = sqlx::query(put_off).bind(ms(until)).bind(app_id).bind(id.as_str()).bind(ms(now));
        put_off.execute(writer.connection()).await?;
        Ok(())
    }

    /// Decides again on every conversation that is not closed, by the rules in force, in batches between which
    /// notifications are written; `goes_on` is called after each. Returns how many.
    pub async fn reschedule_all(&self, context: &Context, goes_on: impl Fn()) -> Result<u64, StoreError> {
        let mut after = String::new();
        let mut count = 0;
        loop {
            let Some((last, rows)) = self.reschedule_batch(&after, context).await? else { return Ok(count) };
            (after, count) = (last, count + rows);
            goes_on();
        }
    }

    /// One batch, by id: reading, deciding and writing in one transaction, so that nothing slips between, be it a
    /// notification here or an operator's word from another process.
    async fn reschedule_batch(&self, after: &str, context: &Context) -> Result<Option<(String, u64)>, StoreError> {
        let mut writer = self.write().await;
        writer.begin().await?;
        let edition = context.rulebook.current();
        let app_id = context.workspace();
        let open = "SELECT json_array(c.app_id, c.id, c.state, c.snoozed_until, c.facts, c.updated_at, c.fetched, c.told_at,
                c.notification_id, c.created_at, c.channel, c.delivered_as, c.flags, c.latest, c.by_admin, c.snooze_ends,
                c.due_at, c.fetch_at),
            (SELECT json_group_array(json_array(a.app_id, a.conversation_id, a.rule, a.step, a.anchor_at, a.due_at, a.phase,
                a.outcome, a.at, a.sent_at, a.done_at, a.look_at, a.template, a.snoozed_until, a.deeds, a.digest, a.changes,
                a.undone_at, a.undo_awaited))
             FROM attempt a WHERE a.app_id = c.app_id AND a.conversation_id = c.id),
            (SELECT json_array(h.app_id, h.conversation_id, h.since, h.until)
             FROM hold h WHERE h.app_id = c.app_id AND h.conversation_id = c.id),
            (SELECT json_array(b.app_id, b.conversation_id, b.rule, b.step, b.anchor_at, b.release_at)
             FROM backlog b WHERE b.app_id = c.app_id AND b.conversation_id = c.id),
            c.id
            FROM conversation c WHERE c.app_id = $1 AND c.id > $2 AND c.state IS NOT 'closed' ORDER BY c.id LIMIT $3";
        let found =
            sqlx::query(open).bind(app_id).bind(after).bind(RESCHEDULED_AT_ONCE).fetch_all(writer.connection()).await?;
        let mut rows: Vec<(&str, Option<i64>, Option<i64>)> = Vec::new();
        let mut over = Vec::new();
        for row in &found {
            let (decided, beside) = ([row.try_get(0)?, row.try_get(1)?], [row.try_get(2)?, row.try_get(3)?]);
            let again = decide_again(decided, beside, &edition, context.now).unwrap_or_else(|error| {
                // Due at once: the sweep meets it, and tells health.
                tracing::error!(error = %error, "a conversation cannot be decided on");
                Again { due_at: Some(context.now), fetch_at: None, over: false, differs: true }
            });
            let id = row.try_get(4)?;
            rows.extend(again.differs.then(|| (id, again.due_at.map(ms), again.fetch_at.map(ms))));
            over.extend(again.over.then_some((app_id, id)));
        }
        let last = found.last().map(|row| row.try_get(4)).transpose()?;
        let Some(last) = last else {
            writer.commit().await?;
            return Ok(None);
        };
        if !rows.is_empty() {
            sqlx::query(RESCHEDULE).bind(json(&rows)).bind(app_id).execute(writer.connection()).await?;
        }
        if !over.is_empty() {
            sqlx::query(OVER).bind(ms(context.now)).bind(json(&over)).execute(writer.connection()).await?;
        }
        writer.commit().await?;
        Ok(Some((last, found.len() as u64)))
    }

    /// Forgets kept bodies from before `bodies_before`, and seen notifications and what was untold from before
    /// `ids_before`, a few at a time. Returns how many went.
    pub async fn prune(&self, bodies_before: Timestamp, ids_before: Timestamp) -> Result<u64, StoreError> {
        const AT_ONCE: i64 = 1_000;
        if planted(Bug::KeepsEverything) {
            return Ok(0);
        }
        let bodies = "DELETE FROM notification_body WHERE id IN
            (SELECT id FROM notification_body WHERE received_at < $1 ORDER BY received_at LIMIT $2)";
        let seen = "DELETE FROM notification WHERE seq IN
            (SELECT seq FROM notification WHERE received_at < $1 ORDER BY received_at LIMIT $2)";
        let untold = "DELETE FROM untold WHERE (app_id, conversation_id, part_id) IN
            (SELECT app_id, conversation_id, part_id FROM untold WHERE found_at < $1 ORDER BY found_at LIMIT $2)";
        let mut gone = 0;
        for (statement, before) in [(bodies, bodies_before), (seen, ids_before), (untold, ids_before)] {
            loop {
                let mut writer = self.write().await;
                let done = sqlx::query(statement).bind(ms(before)).bind(AT_ONCE).execute(writer.connection()).await?;
                gone += done.rows_affected();
                if done.rows_affected() == 0 {
                    break;
                }
            }
        }
        Ok(gone)
    }
}

/// What deciding on a conversation again comes to.
struct Again {
    due_at: Option<Timestamp>,
    /// When it must be read.
    fetch_at: Option<Timestamp>,
    /// What was put aside of it is over.
    over: bool,
    /// Whether its row would change: another `due_at`, or a `fetch_at` where there is none; one that is there stays, as
    /// [`RESCHEDULE`] has it. A rule that is added touches few of very many conversations.
    differs: bool,
}

/// From its row, those of its attempts, that of its hold and that in the backlog.
fn decide_again(
    [conversation, attempts]: [&str; 2],
    [hold, entry]: [Option<&str>; 2],
    edition: &Edition,
    now: Timestamp,
) -> Result<Again, StoreError> {
    let row: ConversationRow = serde_json::from_str(conversation).map_err(rows::unreadable)?;
    let attempts: Vec<AttemptRow> = serde_json::from_str(attempts).map_err(rows::unreadable)?;
    let attempts = attempts.into_iter().map(|row| row.attempt(edition.dry_run())).collect::<Result<_, _>>()?;
    let hold: Option<HoldRow> = hold.map(serde_json::from_str).transpose().map_err(rows::unreadable)?;
    let hold = hold.map(|row| row.hold()).transpose()?;
    let entry: Option<EntryRow> = entry.map(serde_json::from_str).transpose().map_err(rows::unreadable)?;
    let entry = entry.map(EntryRow::entry).transpose()?.map(|(_, entry)| entry);
    let conversation = row.conversation()?;
    let decision = decide(&conversation, &History { attempts, hold }, edition.rules(), now);
    let (due_at, over) = backlog::due_at(&decision, entry.as_ref());
    let fetch_at = to_read(&conversation, &decision, edition.rules(), now);
    let differs = row.16 != due_at.map(ms) || (row.17.is_none() && fetch_at.is_some());
    Ok(Again { due_at, fetch_at, over, differs })
}
