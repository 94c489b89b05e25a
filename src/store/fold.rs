//! A batch in memory: read once, folded item by item, decided on, written once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use super::StoreError;
use super::backlog::EntryRow;
use super::operator::HoldRow;
use super::record::{Context, KeepBodies, Record, Recorded, Told};
use super::rivals::{Rival, rival};
use super::rows::{self, AttemptRow, ConversationRow, json, ms};
use super::untold::is_told;
use super::writing::Writing;
use crate::engine::backlog::{self, Entry};
use crate::engine::conversation::{Conversation, ConversationId, Sighting};
use crate::engine::history::History;
use crate::engine::{Decision, RuleSet, Why, decide};
use crate::rulebook::Edition;
use crate::sabotage::{Bug, planted};

// Plain `?` only: in one round trip a later statement's numbered parameters would get the earlier ones' values.
// Where no body holds a byte, the bodies are bound as NULL: hence the x''.
// What was untold is found before the activities are written: what stands among those was seen before. Without the
// CROSS JOIN, SQLite would go through all that was ever untold for each batch.
pub(super) const WRITE: &str = "
INSERT INTO notification (app_id, id, topic, conversation_id, fingerprint, result, received_at)
    SELECT value->>0, value->>1, value->>2, value->>3, unhex(value->>4), value->>5, value->>6 FROM json_each(?) WHERE true
    ON CONFLICT (app_id, id) DO NOTHING;
DELETE FROM notification_body WHERE id IN (SELECT b.id FROM json_each(?) CROSS JOIN notification_body b
    ON b.app_id IN (value->>0, '') AND b.conversation_id = value->>1);
INSERT INTO notification_body (app_id, conversation_id, key, reason, received_at, body)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, coalesce(substr(?, value->>5, value->>6), x'') FROM json_each(?);
INSERT INTO untold (app_id, conversation_id, part_id, at, found_at)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM json_each(?) CROSS JOIN listening l
    WHERE value->>3 > l.since AND value->>3 NOT BETWEEN l.deaf_from AND l.deaf_until AND NOT EXISTS (
        SELECT 1 FROM activity a WHERE a.app_id = value->>0 AND a.conversation_id = value->>1 AND a.part_id = value->>2)
    ON CONFLICT DO NOTHING;
INSERT INTO untold (app_id, conversation_id, part_id, at, found_at, told_at)
    SELECT u.app_id, u.conversation_id, u.part_id, u.at, u.found_at, value->>3 FROM json_each(?)
       CROSS JOIN untold u ON u.app_id = value->>0 AND u.conversation_id = value->>1 AND u.part_id = value->>2
    WHERE u.told_at IS NULL ON CONFLICT (app_id, conversation_id, part_id) DO UPDATE SET told_at = excluded.told_at;
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
INSERT INTO conversation (app_id, id, flags, latest, fetch_at)
    SELECT value->>0, value->>1, 0, '[]', value->>2 FROM json_each(?)
    WHERE value->>3 OR EXISTS (SELECT 1 FROM conversation c WHERE c.app_id = value->>0 AND c.id = value->>1)
    ON CONFLICT (app_id, id) DO UPDATE SET fetch_at = min(coalesce(fetch_at, excluded.fetch_at), excluded.fetch_at)
        WHERE fetch_tries = 0;
UPDATE backlog SET over_at = ? WHERE (app_id, conversation_id) IN (SELECT value->>0, value->>1 FROM json_each(?));
COMMIT";

/// Two stories of one second are told apart by asking once it is over.
const NEXT_SECOND: SignedDuration = SignedDuration::from_secs(2);
/// Intercom may show an older conversation than it has told of: what was only just read rests that long.
const READ_ANEW: SignedDuration = SignedDuration::from_mins(1);
/// What reading did not make clear is read again after this.
const READ_AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// Folding what has this notification id panics, for a test of what then becomes of its neighbours.
#[cfg(test)]
pub(crate) const PANICS: &str = "panics";

/// A conversation being folded.
pub(super) struct Known {
    pub(super) conversation: Conversation,
    fetch_at: Option<Timestamp>,
    /// When it was to be looked at, by what was known before this batch.
    due_at: Option<Timestamp>,
}

/// What was found in passing.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Notifications of something older than what was known.
    pub(super) reordered: u64,
    /// Closes that are not ours.
    pub(super) rivals: Vec<Rival>,
}

/// A body to be kept.
struct Kept {
    /// Workspace and conversation that it is about.
    about: Option<(String, ConversationId)>,
    row: Box<RawValue>,
}

/// The batch in memory, between reading and writing.
pub(super) struct Fold<'a> {
    context: &'a Context,
    /// The rules in force when the database became ours.
    pub(super) edition: Arc<Edition>,
    /// Another daemon acts, by other rules: what it comes to is for that one to say.
    pub(super) for_another: bool,
    seen: HashMap<(String, String), String>,
    pub(super) known: HashMap<(String, String), Known>,
    pub(super) history: HashMap<(String, String), History>,
    /// What was put aside for an operator.
    pub(super) entries: HashMap<(String, String), Entry>,
    changed: HashSet<(String, String)>,
    /// Those of them that were read whole.
    read: HashSet<(String, String)>,
    notifications: Vec<Box<RawValue>>,
    bodies: Vec<u8>,
    kept: Vec<Kept>,
    /// Conversations that lost words, or all of them: what was kept of them goes.
    silenced: Vec<Box<RawValue>>,
    /// Conversations of which something was told that was not understood.
    doubtful: Vec<Box<RawValue>>,
    activities: Vec<Box<RawValue>>,
    /// Parts that reading showed, of those that a webhook tells of.
    found: Vec<Box<RawValue>>,
    /// Parts that a webhook told.
    told: Vec<Box<RawValue>>,
    facts: Vec<Box<RawValue>>,
    written: Written,
}

impl<'a> Fold<'a> {
    pub(super) fn read(
        context: &'a Context,
        [seen, conversations, attempts, holds, backlog]: [&str; 5],
    ) -> Result<Self, StoreError> {
        let seen: Vec<(String, String, String)> = serde_json::from_str(seen).map_err(rows::unreadable)?;
        let conversations: Vec<ConversationRow> = serde_json::from_str(conversations).map_err(rows::unreadable)?;
        let attempts: Vec<AttemptRow> = serde_json::from_str(attempts).map_err(rows::unreadable)?;
        let holds: Vec<HoldRow> = serde_json::from_str(holds).map_err(rows::unreadable)?;
        let mut known = HashMap::new();
        for row in conversations {
            let fetch_at = row.17.map(rows::at).transpose()?;
            let due_at = row.16.map(rows::at).transpose()?;
            let conversation = row.conversation()?;
            known.insert((row.0, row.1), Known { conversation, fetch_at, due_at });
        }
        let edition = context.rulebook.current();
        let mut history: HashMap<_, History> = HashMap::new();
        for row in attempts {
            let key = (row.0.clone(), row.1.clone());
            history.entry(key).or_default().attempts.push(row.attempt(edition.dry_run())?);
        }
        for row in holds {
            let hold = row.hold()?;
            history.entry((row.0, row.1)).or_default().hold = Some(hold);
        }
        let backlog: Vec<EntryRow> = serde_json::from_str(backlog).map_err(rows::unreadable)?;
        let entries = backlog.into_iter().map(EntryRow::entry).collect::<Result<_, _>>()?;
        let seen = seen.into_iter().map(|(app_id, id, fingerprint)| ((app_id, id), fingerprint)).collect();
        let (changed, read) = (HashSet::new(), HashSet::new());
        let (notifications, bodies) = (Vec::new(), Vec::new());
        let (kept, activities, facts) = (Vec::new(), Vec::new(), Vec::new());
        let (silenced, doubtful) = (Vec::new(), Vec::new());
        let (found, told) = (Vec::new(), Vec::new());
        Ok(Fold {
            context,
            edition,
            for_another: false,
            seen,
            known,
            history,
            entries,
            changed,
            read,
            notifications,
            bodies,
            kept,
            silenced,
            doubtful,
            activities,
            found,
            told,
            facts,
            written: Written::default(),
        })
    }

    /// `forgotten`: it is about a conversation that was forgotten, or its body may name one.
    pub(super) fn add(&mut self, record: &Record, forgotten: bool) -> Recorded {
        match record {
            Record::Fetched(_) if forgotten => Recorded::Ignored,
            Record::Notified { app_id, key, topic, told, .. } if forgotten && told.sighting().is_some() => {
                self.ignore(app_id, key, topic)
            }
            Record::Fetched(seen) => {
                if seen.redacted {
                    self.silence(self.context.workspace(), &seen.id);
                }
                self.see(self.context.workspace(), seen, seen.whole);
                Recorded::Stored
            }
            Record::Notified { app_id, key, topic, fingerprint, about, told, body } => {
                let id = (app_id.clone(), key.clone());
                let by_id = planted(Bug::DeduplicatesByIdAlone);
                let repeat = self.seen.get(&id).map(|known| known == fingerprint || by_id);
                let foreign = self.context.app_id.as_deref().is_some_and(|ours| ours != app_id);
                let (result, reason) = match (repeat, foreign) {
                    (Some(true), _) => (Recorded::Duplicate, None),
                    (Some(false), _) => (Recorded::Duplicate, Some("the same id with other content")),
                    // What cannot be read names no workspace either; that is odd, and nobody else's.
                    (None, true) if app_id.is_empty() => {
                        (Recorded::Quarantined, told.kept_because().or(Some("it names no workspace")))
                    }
                    (None, true) => (Recorded::Foreign, Some("another workspace")),
                    (None, false) => (told.result(), told.kept_because()),
                };
                // A repeat is counted by this, and not inserted.
                let shown = told.sighting().map(|seen| seen.id.as_str());
                let row = (app_id, key, topic, shown, fingerprint, result.name(), ms(self.context.received_at));
                push(&mut self.notifications, &row);
                if repeat.is_none() {
                    self.seen.insert(id, fingerprint.clone());
                }
                if let (Some(seen), None, false) = (told.sighting(), repeat, foreign) {
                    self.written.reordered += u64::from(self.is_older(app_id, seen));
                }
                if !forgotten {
                    if repeat != Some(true) {
                        self.heed(app_id, told, about.as_ref(), foreign);
                    }
                    self.keep((app_id, about.as_ref()), key, reason, repeat, body);
                }
                result
            }
        }
    }

    /// That it came is written down, and nothing of what it says.
    fn ignore(&mut self, app_id: &str, key: &str, topic: &str) -> Recorded {
        let id = (app_id.to_owned(), key.to_owned());
        let repeat = self.seen.contains_key(&id);
        let result = if repeat { Recorded::Duplicate } else { Recorded::Ignored };
        let row = (app_id, key, topic, None::<&str>, "", result.name(), ms(self.context.received_at));
        push(&mut self.notifications, &row);
        if !repeat {
            self.seen.insert(id, String::new());
        }
        result
    }

    /// What follows from a notification that was not seen before.
    fn heed(&mut self, app_id: &str, told: &Told, about: Option<&ConversationId>, foreign: bool) {
        match (told, about) {
            (Told::Conversation(seen), _) => {
                if seen.redacted || seen.gone {
                    self.silence(app_id, &seen.id);
                }
                if !foreign {
                    self.see(app_id, seen, false);
                }
            }
            (Told::Odd(_), Some(id)) if !foreign || app_id.is_empty() => {
                // What names no workspace may be another's: only what is known of ours is asked for.
                let is_ours = !app_id.is_empty();
                let app_id = if is_ours { app_id } else { self.context.workspace() };
                push(&mut self.doubtful, &(app_id, id.as_str(), ms(self.context.now), is_ours));
            }
            (Told::Odd(_) | Told::Nothing | Told::Unknown, _) => {}
        }
    }

    /// Somebody had words of it taken away, or all of it: what was kept of it until now goes.
    fn silence(&mut self, app_id: &str, id: &ConversationId) {
        // What names no workspace may be of this one.
        let of_it = |(app, about): &(String, ConversationId)| (app == app_id || app.is_empty()) && about == id;
        self.kept.retain(|kept| !kept.about.as_ref().is_some_and(of_it));
        push(&mut self.silenced, &(app_id, id.as_str()));
    }

    fn keep(
        &mut self,
        (app_id, about): (&str, Option<&ConversationId>),
        key: &str,
        reason: Option<&str>,
        repeat: Option<bool>,
        body: &[u8],
    ) {
        let all = self.context.keep_bodies == KeepBodies::All && repeat.is_none();
        let Some(reason) = reason.or(all.then_some("all are kept")) else { return };
        let id = about.map(ConversationId::as_str);
        let row = (app_id, id, key, reason, ms(self.context.received_at), self.bodies.len() + 1, body.len());
        let about = about.map(|id| (app_id.to_owned(), id.clone()));
        self.kept.extend(serde_json::value::to_raw_value(&row).map(|row| Kept { about, row }));
        self.bodies.extend_from_slice(body);
    }

    /// Whether it shows the conversation as it was before what is known of it.
    fn is_older(&self, app_id: &str, seen: &Sighting) -> bool {
        let known = self.known.get(&(app_id.to_owned(), seen.id.to_string()));
        known.is_some_and(|known| known.conversation.is_newer_than(seen))
    }

    /// Folds a sighting in, and logs what it adds. `read`: it was asked for as a whole.
    fn see(&mut self, app_id: &str, seen: &Sighting, read: bool) {
        #[cfg(test)]
        assert!(seen.snapshot.as_ref().is_none_or(|snapshot| snapshot.version.notification_id != PANICS));
        let key = (app_id.to_owned(), seen.id.to_string());
        self.log(app_id, seen, read);
        let unread = || Known { conversation: Conversation::unread(seen.id.clone()), fetch_at: None, due_at: None };
        let known = self.known.remove(&key).unwrap_or_else(unread);
        self.log_facts(app_id, seen, &known.conversation);
        let (admin_id, history) = (self.context.admin_id.as_deref(), self.history.get(&key));
        self.written.rivals.extend(rival(seen, admin_id, known.due_at, history, self.context.now));
        let disagrees = known.conversation.disagrees_with(seen);
        let mut conversation = known.conversation.after(seen, self.context.admin_id.as_deref());
        let fetched = read || seen.snapshot.as_ref().is_some_and(|snapshot| snapshot.version.fetched);
        let named_again = conversation.gone && !seen.gone && seen.snapshot.is_some() && !fetched;
        // What Intercom shows exists, whatever was said before.
        conversation.gone &= !named_again && (seen.gone || !seen.whole);
        let fetch_at = if disagrees {
            Some(self.context.now + NEXT_SECOND)
        } else if named_again {
            Some(self.context.now)
        } else if fetched || conversation.gone {
            None
        } else {
            known.fetch_at
        };
        if read {
            self.read.insert(key.clone());
        }
        self.changed.insert(key.clone());
        self.known.insert(key, Known { conversation, fetch_at, due_at: known.due_at });
    }

    fn log(&mut self, app_id: &str, seen: &Sighting, read: bool) {
        for part in &seen.parts {
            let id = part.id.map(|id| id.to_string()).unwrap_or_default();
            let now = ms(self.context.now);
            if !read {
                push(&mut self.told, &(app_id, seen.id.as_str(), &id, now));
            } else if is_told(part, &seen.parts, self.context.admin_id.as_deref()) {
                push(&mut self.found, &(app_id, seen.id.as_str(), &id, ms(part.at), now));
            }
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
        let facts = super::facts::facts_json(&snapshot.facts);
        let fetched = i64::from(version.fetched);
        push(
            &mut self.facts,
            &(app_id, seen.id.as_str(), updated, told, fetched, &version.notification_id, state, until, facts),
        );
    }

    /// Decides on every conversation that changed, writes all of it and commits. Returns what was found in passing.
    pub(super) async fn write(self, writer: &mut Writing) -> Result<Written, StoreError> {
        let decided =
            self.changed.iter().filter_map(|key| self.decide(key).map(|(row, over)| (row, over.then_some(key))));
        let (rows, over): (Vec<_>, Vec<_>) = decided.unzip();
        let over: Vec<_> = over.into_iter().flatten().collect();
        let kept: Vec<_> = self.kept.iter().map(|kept| &kept.row).collect();
        sqlx::query(WRITE)
            .bind(json(&self.notifications))
            .bind(json(&self.silenced))
            .bind(self.bodies)
            .bind(json(&kept))
            .bind(json(&self.found))
            .bind(json(&self.told))
            .bind(json(&self.activities))
            .bind(json(&self.facts))
            .bind(json(&rows))
            .bind(json(&self.doubtful))
            .bind(ms(self.context.now))
            .bind(json(&over))
            .execute(writer.connection())
            .await?;
        writer.committed();
        Ok(self.written)
    }

    /// What becomes of a conversation, and whether what was put aside of it is over.
    fn decide(&self, key: &(String, String)) -> Option<(ConversationRow, bool)> {
        let known = self.known.get(key)?;
        let history = self.history.get(key).cloned().unwrap_or_default();
        let decision = decide(&known.conversation, &history, self.edition.rules(), self.context.now);
        let now = self.context.now;
        let rests = |at: Timestamp| if self.read.contains(key) { at.max(now + READ_ANEW) } else { at };
        let fetch_at = || to_read(&known.conversation, &decision, self.edition.rules(), now).map(rests);
        let fetch_at = known.fetch_at.or_else(fetch_at);
        let entry = self.entries.get(key);
        let (due_at, over) = if self.for_another { (Some(now), false) } else { backlog::due_at(&decision, entry) };
        Some((ConversationRow::of(&key.0, &known.conversation, due_at, fetch_at), over))
    }
}

/// What must be read from Intercom before anything can be said: unknown facts, unless reading does not tell them.
pub(super) fn to_read(
    conversation: &Conversation,
    decision: &Decision,
    rules: &RuleSet,
    now: Timestamp,
) -> Option<Timestamp> {
    // Where the rules are what is unclear, reading does not help.
    if !matches!(decision.why(), Why::NotRead) || conversation.gone || !rules.is_resolved() {
        return None;
    }
    match &conversation.snapshot {
        Some(snapshot) if snapshot.version.fetched && !rules.asks_beyond(&snapshot.facts) => {
            (!conversation.whole).then(|| now + READ_AGAIN)
        }
        _ => Some(now),
    }
}

/// A row of any shape as JSON. Strings and numbers always have a JSON form.
fn push<T: serde::Serialize>(rows: &mut Vec<Box<RawValue>>, row: &T) {
    rows.extend(serde_json::value::to_raw_value(row));
}
