//! What the engine decides: stories that a person can read, tables of every reason and condition, and laws that hold
//! whatever happens.

mod announced;
mod backlog;
mod book;
mod changes;
mod conditions;
mod edges;
mod explained;
mod facts;
mod generators;
mod golden;
mod held;
mod keeping;
mod known;
mod late;
mod laws;
mod lost;
mod named;
mod names;
mod own_parts;
mod ownership;
mod reasons;
mod reminders;
mod said;
mod seconds;
mod sets;
mod snoozes;
mod steps;
mod story;
mod taken_back;
mod turns;
mod undone;
mod wishes;
mod world;

use jiff::{SignedDuration, Timestamp};

use super::conversation::Version;
use super::*;

/// The teammate that the daemon acts as.
const ADMIN: &str = "99";

/// Rules as an operator writes them.
fn rules(text: &str) -> RuleSet {
    crate::config::parse("a.toml", text.as_bytes()).unwrap_or_else(|found| panic!("{found}")).config.rules
}

/// Monday 2026-03-02 00:00 UTC and so many seconds.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_772_409_600 + seconds).unwrap()
}

fn id() -> ConversationId {
    ConversationId::try_from("42").unwrap()
}

/// A part by somebody who is not the daemon's admin.
fn part(number: u64, at: Timestamp, actor: Actor, classes: &[Class]) -> Part {
    let admin_id = (actor == Actor::Teammate).then(|| "7".to_owned());
    Part {
        id: Some(PartId::Part(number)),
        at,
        actor,
        admin_id,
        classes: classes.iter().copied().collect(),
        digest: None,
        reads_as: [].into(),
    }
}

/// Facts as they are read from Intercom.
fn fetched(at: Timestamp, state: State, tags: &[&str]) -> Snapshot {
    let tag = |name: &&str| conversation::Tag { id: (*name).to_owned(), name: (*name).to_owned() };
    let facts = Facts { state: Some(state), tags: Some(tags.iter().map(tag).collect()), ..Facts::default() };
    let version = Version { updated_at: at, fetched: true, created_at: at, notification_id: String::new() };
    Snapshot { version, facts }
}

/// A decision in one line.
fn brief(decision: &Decision) -> String {
    match decision {
        Decision::Wait { until, next, why } => {
            let next = next.as_ref().map(|(rule, step)| format!(" for `{step}` of `{rule}`"));
            format!("wait until {}{}: {why}", why::at(*until), next.unwrap_or_default())
        }
        Decision::Act { rule, step, action, why, .. } => format!("{} by `{step}` of `{rule}`: {why}", does(action)),
        Decision::Leave { why } => format!("leave: {why}"),
    }
}

fn does(action: &Action) -> String {
    match action {
        Action::Reply { closes_at, .. } => {
            format!("reply{}", closes_at.map(|at| format!(" that it closes {}", why::at(at))).unwrap_or_default())
        }
        Action::Close { body: Some(_), .. } => "close with a last word".to_owned(),
        Action::Close { muted: Some(_), .. } => "close, muted".to_owned(),
        Action::Close { .. } => "close silently".to_owned(),
        Action::PassOver { why } => why.to_string(),
        Action::Note { .. } => "note".to_owned(),
        Action::Snooze { until } => format!("snooze until {}", why::at(*until)),
        Action::Open => "open".to_owned(),
        Action::Assign(rule::Assignment::Nobody) => "assign to nobody".to_owned(),
        Action::Assign(rule::Assignment::To { team, teammate }) => {
            let names = team.iter().chain(teammate).map(|named| named.name.as_str());
            format!("assign to {}", names.collect::<Vec<_>>().join(" and "))
        }
        Action::Label { labels, .. } => label(labels),
    }
}

fn label(labels: &rule::Labels) -> String {
    let tags = labels.tags.iter().map(|tag| format!("tag `{tag}`"));
    let untag = labels.untag.iter().map(|tag| format!("untag `{tag}`"));
    let set = labels.set.keys().map(|name| format!("set `{name}`"));
    tags.chain(untag).chain(set).collect::<Vec<_>>().join(", ")
}

const fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}
