//! How conversations and attempts are spelt in the database. Rows travel as JSON in both directions, so that a
//! batch of any size is one statement.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{StoreError, facts};
use crate::engine::conversation::{Actor, Class, Conversation, ConversationId, Part, PartId, Snapshot, State, Version};
use crate::engine::history::{Attempt, Deed, Phase, Undone};
use crate::engine::rule::RuleName;

const TICKET: u8 = 1;
const GONE: u8 = 2;
const WHOLE: u8 = 4;

/// Ends of snoozes stand among the latest of each class, several of them.
const WAKE: (Class, Actor) = (Class::Unsnoozed, Actor::Timer);

/// A conversation's row, in the order in which [`record`](super::record) reads it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ConversationRow(
    pub(super) String,         // app_id
    pub(super) String,         // id
    pub(super) Option<String>, // state
    Option<i64>,               // snoozed_until
    Option<String>,            // facts
    Option<i64>,               // updated_at
    Option<i64>,               // fetched
    Option<i64>,               // told_at
    Option<String>,            // notification_id
    Option<i64>,               // created_at
    Option<String>,            // channel
    Option<String>,            // delivered_as
    u8,                        // flags
    String,                    // latest
    Option<String>,            // by_admin
    Option<String>,            // snooze_ends
    pub(super) Option<i64>,    // due_at
    pub(super) Option<i64>,    // fetch_at
);

/// Between a part's digest and its templates: earlier versions knew none.
const READS_AS: char = '=';

type LatestJson = Vec<(String, String, i64, Option<String>)>;
type PartJson = (Option<String>, i64, String, Option<String>, Vec<String>, Option<String>);

impl ConversationRow {
    pub(super) fn of(app_id: &str, c: &Conversation, due_at: Option<Timestamp>, fetch_at: Option<Timestamp>) -> Self {
        let version = c.snapshot.as_ref().map(|snapshot| &snapshot.version);
        let state = c.state();
        let wakes = c.wakes.iter().map(|moment| (WAKE, moment));
        let latest = c.latest.iter().map(|(who, moment)| (*who, moment)).chain(wakes);
        let latest: LatestJson = latest
            .map(|((class, actor), (at, part))| {
                (class.name().to_owned(), actor.name().to_owned(), ms(*at), part.map(|part| part.to_string()))
            })
            .collect();
        let by_admin: Vec<PartJson> = c.by_admin.iter().map(part_json).collect();
        let snooze_ends: Vec<i64> = c.snooze_ends.iter().copied().map(ms).collect();
        ConversationRow(
            app_id.to_owned(),
            c.id.to_string(),
            state.map(|state| state_name(state).to_owned()),
            state.and_then(snoozed_until).map(ms),
            c.facts().map(facts::facts_json),
            version.map(|version| ms(version.updated_at)),
            version.map(|version| i64::from(version.fetched)),
            version.map(|version| ms(version.created_at)),
            version.map(|version| version.notification_id.clone()),
            c.created_at.map(ms),
            c.channel.clone(),
            c.delivered_as.clone(),
            u8::from(c.ticket) * TICKET + u8::from(c.gone) * GONE + u8::from(c.whole) * WHOLE,
            json(&latest),
            (!by_admin.is_empty()).then(|| json(&by_admin)),
            (!snooze_ends.is_empty()).then(|| json(&snooze_ends)),
            due_at.map(ms),
            fetch_at.map(ms),
        )
    }

    pub(super) fn conversation(&self) -> Result<Conversation, StoreError> {
        let odd = || StoreError::Odd(format!("conversation {}", self.1));
        let id = ConversationId::try_from(self.1.as_str()).map_err(|_| odd())?;
        let latest: LatestJson = read(&self.13).ok_or_else(odd)?;
        let by_admin: Vec<PartJson> = read_or_none(self.14.as_deref()).ok_or_else(odd)?;
        let snooze_ends: Vec<i64> = read_or_none(self.15.as_deref()).ok_or_else(odd)?;
        let latest = latest.iter().map(moment).collect::<Option<Vec<_>>>().ok_or_else(odd)?;
        let (wakes, latest): (Vec<_>, Vec<_>) = latest.into_iter().partition(|(who, _)| *who == WAKE);
        Ok(Conversation {
            id,
            created_at: self.9.map(at).transpose()?,
            snapshot: self.snapshot().ok_or_else(odd)?,
            ticket: self.12 & TICKET > 0,
            gone: self.12 & GONE > 0,
            whole: self.12 & WHOLE > 0,
            channel: self.10.clone(),
            delivered_as: self.11.clone(),
            latest: latest.into_iter().collect(),
            wakes: wakes.into_iter().map(|(_, moment)| moment).collect(),
            by_admin: by_admin.into_iter().map(part).collect::<Option<BTreeSet<_>>>().ok_or_else(odd)?,
            snooze_ends: snooze_ends.into_iter().map(at).collect::<Result<BTreeSet<_>, _>>()?,
        })
    }

    /// The snapshot; the outer `None` is a row that does not read.
    #[expect(clippy::option_option, reason = "an unread conversation has no snapshot, and that is no error")]
    fn snapshot(&self) -> Option<Option<Snapshot>> {
        let Some(facts) = &self.4 else { return Some(None) };
        let state = match (self.2.as_deref(), self.3) {
            (None, _) => None,
            (Some("open"), _) => Some(State::Open),
            (Some("closed"), _) => Some(State::Closed),
            (Some("snoozed"), until) => Some(State::Snoozed { until: until.map(at).transpose().ok()? }),
            _ => return None,
        };
        let facts = facts::facts(facts, state)?;
        let version = Version {
            updated_at: at(self.5?).ok()?,
            fetched: self.6? != 0,
            created_at: at(self.7?).ok()?,
            notification_id: self.8.clone()?,
        };
        Some(Some(Snapshot { version, facts }))
    }
}

pub(super) fn state_name(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Snoozed { .. } => "snoozed",
        State::Closed => "closed",
    }
}

pub(super) fn snoozed_until(state: State) -> Option<Timestamp> {
    match state {
        State::Snoozed { until } => until,
        State::Open | State::Closed => None,
    }
}

fn part_json(part: &Part) -> PartJson {
    let classes = part.classes.iter().map(|class| class.name().to_owned()).collect();
    let id = part.id.map(|id| id.to_string());
    (id, ms(part.at), part.actor.name().to_owned(), part.admin_id.clone(), classes, words(part))
}

fn part((id, moment, actor, admin_id, classes, words): PartJson) -> Option<Part> {
    let (digest, templates) = words.as_deref().map_or((None, ""), |words| {
        let (digest, templates) = words.split_once(READS_AS).unwrap_or((words, ""));
        (Some(digest.to_owned()), templates)
    });
    Some(Part {
        id: id.map(|id| id.parse()).transpose().ok()?,
        at: at(moment).ok()?,
        actor: Actor::from_name(&actor)?,
        admin_id,
        classes: classes.iter().map(|class| Class::from_name(class)).collect::<Option<_>>()?,
        digest,
        reads_as: templates.split(',').filter(|template| !template.is_empty()).map(str::to_owned).collect(),
    })
}

/// Digest of the text, and behind it the templates that it may have been made from.
fn words(part: &Part) -> Option<String> {
    let templates: Vec<&str> = part.reads_as.iter().map(String::as_str).collect();
    let told = |digest: &String| match templates.as_slice() {
        [] => digest.clone(),
        templates => format!("{digest}{READS_AS}{}", templates.join(",")),
    };
    part.digest.as_ref().map(told)
}

type Latest = ((Class, Actor), (Timestamp, Option<PartId>));

fn moment((class, actor, moment, part): &(String, String, i64, Option<String>)) -> Option<Latest> {
    let part = part.as_ref().map(|part| part.parse()).transpose().ok()?;
    Some(((Class::from_name(class)?, Actor::from_name(actor)?), (at(*moment).ok()?, part)))
}

/// An attempt as far as `decide` needs it, in the order in which [`record`](super::record) reads it.
#[derive(Debug, Deserialize)]
pub(super) struct AttemptRow(
    pub(super) String, // app_id
    pub(super) String, // conversation_id
    String,            // rule
    String,            // step
    i64,               // anchor_at
    i64,               // due_at
    String,            // phase
    String,            // outcome
    i64,               // at
    Option<i64>,       // sent_at
    Option<i64>,       // done_at
    Option<i64>,       // look_at
    Option<String>,    // template
    Option<i64>,       // snoozed_until
    String,            // deeds
    Option<String>,    // digest
    String,            // changes
    Option<i64>,       // undone_at
    u8,                // undo_awaited
);

impl AttemptRow {
    /// In dry-run, what would have been done counts as done, so that the ladder goes on.
    pub(super) fn attempt(self, dry_run: bool) -> Result<Attempt, StoreError> {
        let odd = || StoreError::Odd(format!("an attempt on conversation {}", self.1));
        let rehearsed = dry_run && self.7 == "dry_run";
        let look_at = || self.11.map(at).transpose().ok().flatten().ok_or_else(odd);
        let phase = match self.6.as_str() {
            "open" if rehearsed => Phase::Done,
            "open" => Phase::Open,
            "unclear" => Phase::Unclear { look_at: look_at()? },
            "parked" => Phase::Parked { until: look_at()? },
            "done" => Phase::Done,
            "raced" => Phase::Raced,
            "passed" => Phase::Passed,
            "failed" => Phase::Failed,
            "discarded" => Phase::Discarded,
            _ => return Err(odd()),
        };
        let done_at = if rehearsed { Some(self.8) } else { self.10 };
        Ok(Attempt {
            rule: RuleName::from(self.2.as_str()),
            step: self.3.parse().map_err(|_| odd())?,
            anchor_at: at(self.4)?,
            due_at: at(self.5)?,
            phase,
            sent_at: if rehearsed { Some(self.8) } else { self.9 }.map(at).transpose()?,
            done_at: done_at.map(at).transpose()?,
            deeds: deeds(&self.14).ok_or_else(odd)?,
            template: self.12,
            snoozed_until: self.13.map(at).transpose()?,
            text: self.15,
            changes: facts::changes(&self.16).ok_or_else(odd)?,
            undone: self.17.map(|ms| at(ms).map(|at| Undone { at, awaited: self.18 != 0 })).transpose()?,
        })
    }
}

/// Reads the parts that an attempt made.
pub(super) fn deeds(text: &str) -> Option<Vec<Deed>> {
    let rows: Vec<(i64, Option<String>)> = read(text)?;
    let deed = |(moment, part): (i64, Option<String>)| {
        let part = part.map(|part| part.parse()).transpose().ok()?;
        Some(Deed { at: at(moment).ok()?, part })
    };
    rows.into_iter().map(deed).collect()
}

/// Writes the parts that an attempt made.
pub(super) fn deeds_json(deeds: &[Deed]) -> String {
    let rows: Vec<_> = deeds.iter().map(|deed| (ms(deed.at), deed.part.map(|part| part.to_string()))).collect();
    json(&rows)
}

/// Milliseconds since 1970.
pub(super) fn ms(moment: Timestamp) -> i64 {
    moment.as_millisecond()
}

/// The moment so many milliseconds since 1970.
pub(super) fn at(ms: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(ms).map_err(|_| StoreError::Odd(format!("the moment {ms}")))
}

/// Rows as one JSON parameter. Strings, numbers and lists of them always have a JSON form.
pub(super) fn json<T: Serialize>(rows: &T) -> String {
    serde_json::to_string(rows).unwrap_or_default()
}

/// A row that does not read as what was written. The parser's own message is dropped: it quotes what it read.
#[expect(clippy::needless_pass_by_value, reason = "this is what `map_err` hands over")]
pub(super) fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Odd(format!("a row that cannot be read at column {}", error.column()))
}

fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Option<T> {
    serde_json::from_str(text).ok()
}

fn read_or_none<'de, T: Deserialize<'de> + Default>(text: Option<&'de str>) -> Option<T> {
    text.map_or_else(|| Some(T::default()), read)
}
