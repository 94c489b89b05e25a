//! Reads `match`: what a rule fits.
//!
//! Owns: every condition, its values and its default. Refuses: conditions that nothing could ever fulfil.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::DeValue;

use super::attributes;
use super::channels;
use super::notes::Problem;
use super::people;
use super::reader::{Reader, named, shown};
use super::rules::{not_empty, owned};
use crate::engine::rule::{ContactReplied, Match, Speaker, StateName, WaitingOn};

pub(super) const KEYS: [&str; 22] = [
    "state",
    "waiting_on",
    "last_speaker",
    "snooze_at_most",
    "tags",
    "all_tags",
    "not_tags",
    "team",
    "not_team",
    "assignee",
    "not_assignee",
    "unassigned",
    "attribute",
    "priority",
    "channel",
    "delivered_as",
    "contact_replied",
    "ai_resolution",
    "not_ai_resolution",
    "rated",
    "created_after",
    "created_before",
];

/// Today's names of priorities, and the two of old.
const PRIORITIES: [(&str, &str); 7] = [
    ("none", "none"),
    ("low", "low"),
    ("medium", "medium"),
    ("high", "high"),
    ("urgent", "urgent"),
    ("high", "priority"),
    ("none", "not_priority"),
];

const DELIVERED_AS: [&str; 5] =
    ["customer_initiated", "campaigns_initiated", "operator_initiated", "automated", "admin_initiated"];

const RESOLUTIONS: [&str; 7] = [
    "assumed_resolution",
    "confirmed_resolution",
    "routed_to_team",
    "abandoned",
    "escalated",
    "negative_feedback",
    "procedure_handoff",
];

/// The conditions of a rule. One that only leaves alone (`leave`) does so whosever turn it is and whoever wrote,
/// unless it says otherwise: what it does not fit goes to the rules below.
pub(super) fn matches(table: &mut Reader<'_>, timezone: &TimeZone, leave: bool) -> Match {
    let mut conditions = table.section("match", "[rule.match]");
    says_what(table, &conditions);
    let default = default(leave);
    let waiting_on = conditions.one_of("waiting_on", &WaitingOn::NAMES);
    let assigned = people::assigned(&mut conditions);
    let found = Match {
        state: states(&mut conditions),
        waiting_on: waiting_on.unwrap_or(default.waiting_on),
        last_speaker: last_speaker(&mut conditions, waiting_on, leave),
        snooze_at_most: conditions.duration("snooze_at_most", "14 days").map(Spanned::into_inner),
        tags: names(&mut conditions, "tags", "vip"),
        all_tags: names(&mut conditions, "all_tags", "vip"),
        not_tags: names(&mut conditions, "not_tags", "vip"),
        team: assigned.team,
        not_team: assigned.not_team,
        assignee: assigned.assignee,
        not_assignee: assigned.not_assignee,
        unassigned: assigned.unassigned,
        attributes: attributes::wanted(&mut conditions),
        priority: words(&mut conditions, "priority", &PRIORITIES),
        channel: channels::matched(&mut conditions),
        delivered_as: words(&mut conditions, "delivered_as", &DELIVERED_AS.map(|word| (word, word))),
        contact_replied: contact_replied(&mut conditions).unwrap_or(default.contact_replied),
        ai_resolution: words(&mut conditions, "ai_resolution", &RESOLUTIONS.map(|word| (word, word))),
        not_ai_resolution: words(&mut conditions, "not_ai_resolution", &RESOLUTIONS.map(|word| (word, word))),
        rated: conditions.boolean("rated").map(Spanned::into_inner),
        created_after: moment(&mut conditions, "created_after", timezone),
        created_before: moment(&mut conditions, "created_before", timezone),
    };
    fits_something(&conditions, &found);
    conditions.finish(|_| None);
    found
}

fn default(leave: bool) -> Match {
    let waiting_on = if leave { WaitingOn::Anyone } else { WaitingOn::Contact };
    let contact_replied = if leave { ContactReplied::Any } else { ContactReplied::Yes };
    Match { waiting_on, contact_replied, ..Match::default() }
}

/// Conditions, or that there are none, but not both.
fn says_what(table: &mut Reader<'_>, conditions: &Reader<'_>) {
    let all = table.boolean("match_all");
    match (all, conditions.keys().next()) {
        (Some(all), Some((key, _))) if *all.get_ref() => {
            let help = format!("leave out match_all, or match.{key} and the other conditions");
            table.notes.error(all.span(), "`match_all` goes with no other condition", help);
        }
        (all, None) if !all.as_ref().is_some_and(|all| *all.get_ref()) => {
            let help = "say which conversations, such as match.state = [\"snoozed\"], or write match_all = true";
            table.notes.missing(table.span.clone(), "this rule fits every conversation", help);
        }
        _ => {}
    }
}

fn states(conditions: &mut Reader<'_>) -> Option<Vec<StateName>> {
    let texts = conditions.texts("state", "snoozed")?;
    not_empty(conditions, "state", &texts)?;
    let mut states = Vec::new();
    for text in texts.get_ref() {
        if *text.get_ref() == "closed" {
            let help = "match \"open\", \"snoozed\" or \"woken\"";
            conditions.notes.error(text.span(), "a closed conversation is left alone by every rule", help);
            continue;
        }
        match named(text.get_ref(), &StateName::NAMES) {
            Ok(state) if states.contains(&state) => {}
            Ok(state) => states.push(state),
            Err(problem) => conditions.notes.error(text.span(), problem.message, problem.help),
        }
    }
    Some(states)
}

/// A rule that acts after a bot's answer says aloud that this answer is enough.
fn last_speaker(conditions: &mut Reader<'_>, waiting_on: Option<WaitingOn>, leave: bool) -> Vec<Speaker> {
    let Some(speakers) = conditions.all_of("last_speaker", &Speaker::NAMES) else { return Vec::new() };
    refuse_empty(conditions, "last_speaker", &speakers);
    let misread = conditions.has("waiting_on") && waiting_on.is_none();
    let aloud = waiting_on == Some(WaitingOn::Anyone) || leave || misread;
    if speakers.get_ref().contains(&Speaker::Bot) && !aloud {
        let message = "a bot as last speaker answers nobody, unless the rule says so";
        let help = "write match.waiting_on = \"anyone\": here a bot's answer passes for an answer";
        conditions.notes.error(speakers.span(), message, help);
    }
    speakers.into_inner()
}

/// Names that only Intercom knows.
fn names(conditions: &mut Reader<'_>, key: &'static str, example: &str) -> Vec<String> {
    let names = conditions.names(key, example);
    let names = names.filter(|names| not_empty(conditions, key, names).is_some());
    names.map(|names| owned(names.get_ref())).unwrap_or_default()
}

/// Words out of a few, with what each of them means.
fn words(conditions: &mut Reader<'_>, key: &'static str, known: &[(&'static str, &'static str)]) -> Vec<String> {
    let words = conditions.all_of(key, known);
    if let Some(words) = &words {
        refuse_empty(conditions, key, words);
    }
    words.map(|words| words.into_inner().into_iter().map(str::to_owned).collect()).unwrap_or_default()
}

/// A list of nothing but unknown words was refused already.
fn refuse_empty<T>(conditions: &Reader<'_>, key: &str, list: &Spanned<Vec<T>>) {
    if conditions.is_empty_list(key) {
        not_empty(conditions, key, list);
    }
}

fn contact_replied(conditions: &mut Reader<'_>) -> Option<ContactReplied> {
    let value = conditions.value("contact_replied")?;
    match value.get_ref() {
        DeValue::Boolean(true) => Some(ContactReplied::Yes),
        DeValue::Boolean(false) => Some(ContactReplied::No),
        DeValue::String(text) if text == "any" => Some(ContactReplied::Any),
        _ => {
            let message = "`contact_replied` must be true, false or \"any\"";
            conditions.notes.error(value.span(), message, "true, the default, leaves alone who never wrote");
            None
        }
    }
}

fn moment(conditions: &mut Reader<'_>, key: &'static str, timezone: &TimeZone) -> Option<Timestamp> {
    let value = conditions.value(key)?;
    let text = match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        _ => {
            conditions.wrong_type(key, value, "a date", "2026-01-31");
            return None;
        }
    };
    match instant(text.trim(), timezone) {
        Ok(at) => Some(at),
        Err(problem) => {
            conditions.notes.error(value.span(), problem.message, problem.help);
            None
        }
    }
}

/// A date, which is its first instant in `timezone`, or an instant of RFC 3339.
fn instant(text: &str, timezone: &TimeZone) -> Result<Timestamp, Problem> {
    if let Some(day) = date(text) {
        let midnight = day.to_zoned(timezone.clone()).map(|midnight| midnight.timestamp());
        return midnight.map_err(|_| no_moment());
    }
    text.parse().map_err(|_| match text.parse::<DateTime>() {
        Ok(_) => {
            Problem::new("this time is in no time zone", format!("write for example \"{}Z\" for UTC", shown(text)))
        }
        Err(_) => no_moment(),
    })
}

fn no_moment() -> Problem {
    Problem::new("this is no date", "write year, month and day, such as 2026-01-31, or \"2026-01-31T09:00:00Z\"")
}

/// A date and nothing more: `2026-12-25`.
pub(super) fn date(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == "2026-12-25".len())
}

fn fits_something(conditions: &Reader<'_>, found: &Match) {
    if let (Some(after), Some(before)) = (found.created_after, found.created_before)
        && before <= after
    {
        let help = "swap the two, or leave one of them out";
        let place = conditions.place_of("created_before");
        conditions.notes.error(place, "`created_before` is not later than `created_after`, so nothing fits", help);
    }
    let never = match (found.last_speaker.as_slice(), found.waiting_on) {
        ([Speaker::Contact], WaitingOn::Contact) => "the contact's turn when the contact spoke last",
        ([Speaker::Teammate], WaitingOn::Teammate) => "a teammate's turn when a teammate spoke last",
        _ => return,
    };
    let help = "change match.waiting_on (default \"contact\") or match.last_speaker";
    let place = conditions.place_of("last_speaker");
    conditions.notes.warning(place, format!("this rule fits nothing: it is never {never}"), help);
}
