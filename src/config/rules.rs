//! Reads `[[rule]]` into the engine's rules.
//!
//! Owns: what a rule can mean. Refuses: rules that would do something other than they seem to say.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use toml::Spanned;

use super::calendars::Calendars;
use super::conditions::{self, matches};
use super::lints;
use super::notes::Problem;
use super::reader::{Reader, shown};
use super::shadowed;
use super::steps::steps;
use crate::engine::rule::{AfterReopen, Speaker};
use crate::engine::{Class, Rule};

pub(super) const KEYS: [&str; 8] =
    ["name", "match", "match_all", "leave", "counts_from", "after_reopen", "clock", "act_only"];

const COUNTS_FROM: [Class; 5] =
    [Class::ContactReply, Class::TeammateReply, Class::Snoozed, Class::Unsnoozed, Class::Opened];

const AFTER_REOPEN: [(AfterReopen, &str); 2] =
    [(AfterReopen::WaitForReply, "wait_for_reply"), (AfterReopen::CountAgain, "count_again")];

/// All rules, in the order of the file.
pub(super) fn rules(
    top: &mut Reader<'_>,
    timezone: &TimeZone,
    calendars: &Calendars,
    hold_tags: &[String],
) -> Vec<Rule> {
    let tables = top.tables("rule", "a rule", "[[rule]]");
    if !top.has("rule") {
        let help = "add a [[rule]] when you want conversations closed; until then they are only recorded";
        top.notes.warning(0..0, "there are no rules, so nothing will ever be closed", help);
    }
    let mut names = BTreeSet::new();
    let places: Vec<_> = tables.iter().map(|table| table.span.clone()).collect();
    let read = |table| rule(table, &mut names, timezone, calendars, hold_tags);
    let found: Vec<_> = tables.into_iter().filter_map(read).collect();
    if top.notes.is_clean() {
        shadowed::doubt(top.notes, &found, &places);
        lints::doubt(top, &found, hold_tags);
    }
    found
}

pub(super) fn owned(texts: &[Spanned<&str>]) -> Vec<String> {
    texts.iter().map(|text| (*text.get_ref()).to_owned()).collect()
}

fn rule(
    mut table: Reader<'_>,
    names: &mut BTreeSet<String>,
    timezone: &TimeZone,
    calendars: &Calendars,
    hold_tags: &[String],
) -> Option<Rule> {
    let name = name(&mut table, names);
    let leave = table.boolean("leave");
    let leaves = leave.as_ref().is_some_and(|leave| *leave.get_ref());
    let matches = matches(&mut table, timezone, leaves);
    let on_bots = matches.last_speaker.contains(&Speaker::Bot);
    let counts_from = counts_from(&mut table).unwrap_or_else(|| counted_by_default(on_bots));
    let after_reopen = table.one_of("after_reopen", &AFTER_REOPEN).unwrap_or(AfterReopen::WaitForReply);
    let clock = calendars.clock(&mut table);
    let act_only = calendars.act_only(&mut table);
    let steps = steps(&mut table, leave.as_ref(), &clock, hold_tags);
    if leaves {
        no_timing(&table);
    }
    table.finish(|key| {
        let name = if key == "attribute" { ".NAME" } else { "" };
        let help = format!("write match.{key}{name} = …");
        conditions::KEYS
            .contains(&key)
            .then(|| Problem::new(format!("`{key}` is a condition and stands under `match`"), help))
    });
    let clock = clock.into_calendar();
    Some(Rule { name: name?.as_str().into(), matches, counts_from, after_reopen, clock, act_only, steps })
}

fn name(table: &mut Reader<'_>, names: &mut BTreeSet<String>) -> Option<String> {
    if !table.has("name") {
        let help = "write name = \"snoozed-a-week\": the journal and the commands call the rule by it";
        table.notes.missing(table.span.clone(), "this rule has no name", help);
    }
    let name = table.parsed("name", "snoozed-a-week", |name| {
        let help = "write for example name = \"snoozed-a-week\"";
        match name {
            _ if name.trim().is_empty() => Err(Problem::new("the name of this rule is empty", help)),
            _ if name.trim() != name || name.chars().any(char::is_control) => {
                Err(Problem::new("the name of a rule has no spaces around it and stands on one line", help))
            }
            _ => Ok(name.to_owned()),
        }
    })?;
    let place = name.span();
    let name = name.into_inner();
    if !names.insert(name.clone()) {
        let help = "give each rule a name of its own: its history is kept under it";
        table.notes.error(place, format!("another rule above is named \"{}\" too", shown(&name)), help);
    }
    Some(name)
}

/// A rule that leaves alone does so at any time; a key about time would be read for more.
fn no_timing(table: &Reader<'_>) {
    for key in ["counts_from", "after_reopen", "clock", "act_only"].into_iter().filter(|key| table.has(key)) {
        let message = format!("`{key}` changes nothing in a rule with `leave = true`");
        table.notes.warning(table.place_of(key), message, "leave it out: what the rule fits is left alone at any time");
    }
}

/// An empty list looks like a condition but would be none.
pub(super) fn not_empty<T>(table: &Reader<'_>, key: &str, list: &Spanned<Vec<T>>) -> Option<()> {
    if list.get_ref().is_empty() {
        let help = "name at least one, or leave the key out";
        table.notes.error(list.span(), format!("the list of `{key}` is empty"), help);
        return None;
    }
    Some(())
}

fn counts_from(table: &mut Reader<'_>) -> Option<Vec<Class>> {
    let known: Vec<_> = Class::NAMES.into_iter().filter(|(class, _)| *class != Class::Own).collect();
    let classes = table.all_of("counts_from", &known)?;
    not_empty(table, "counts_from", &classes)?;
    Some(classes.into_inner())
}

fn counted_by_default(on_bots: bool) -> Vec<Class> {
    COUNTS_FROM.into_iter().chain(on_bots.then_some(Class::BotReply)).collect()
}
