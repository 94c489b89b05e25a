//! Reads `[[rule]]` and `[[rule.step]]` into the engine's rules.
//!
//! Owns: what a rule can mean. Refuses: rules that would do something other than they seem to say.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use jiff::SignedDuration;
use toml::Spanned;
use toml::de::DeValue;

use super::notes::Problem;
use super::reader::{Reader, named, shown};
use crate::engine::rule::{Act, After, AfterReopen, ContactReplied, Match, StateName, StepId, StepKind, WaitingOn};
use crate::engine::{Class, Rule, Step};
use crate::message;

const MATCH_KEYS: [&str; 5] = ["state", "waiting_on", "tags", "not_tags", "contact_replied"];
const RULE_KEYS: [&str; 5] = ["name", "match", "match_all", "counts_from", "after_reopen"];

const COUNTS_FROM: [Class; 5] =
    [Class::ContactReply, Class::TeammateReply, Class::Snoozed, Class::Unsnoozed, Class::Opened];

const AFTER_REOPEN: [(AfterReopen, &str); 2] =
    [(AfterReopen::WaitForReply, "wait_for_reply"), (AfterReopen::CountAgain, "count_again")];

/// An `after` below this is probably a slip of the unit.
const SHORT: SignedDuration = SignedDuration::from_mins(5);

/// All rules, in the order of the file.
pub(super) fn rules(top: &mut Reader<'_>) -> Vec<Rule> {
    let tables = top.tables("rule", "a rule", "[[rule]]");
    if !top.has("rule") {
        let help = "add a [[rule]] when you want conversations closed; until then they are only recorded";
        top.notes.warning(0..0, "there are no rules, so nothing will ever be closed", help);
    }
    let mut names = BTreeSet::new();
    tables.into_iter().filter_map(|table| rule(table, &mut names)).collect()
}

pub(super) fn owned(texts: &[Spanned<&str>]) -> Vec<String> {
    texts.iter().map(|text| (*text.get_ref()).to_owned()).collect()
}

fn rule(mut table: Reader<'_>, names: &mut BTreeSet<String>) -> Option<Rule> {
    let name = name(&mut table, names);
    let matches = matches(&mut table);
    let counts_from = counts_from(&mut table).unwrap_or_else(|| COUNTS_FROM.to_vec());
    let after_reopen = table.one_of("after_reopen", &AFTER_REOPEN).unwrap_or(AfterReopen::WaitForReply);
    let steps = steps(&mut table);
    table.finish(|key| {
        let help = format!("write match.{key} = …");
        MATCH_KEYS
            .contains(&key)
            .then(|| Problem::new(format!("`{key}` is a condition and stands under `match`"), help))
    });
    Some(Rule { name: name?.as_str().into(), matches, counts_from, after_reopen, clock: None, act_only: None, steps })
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

fn matches(table: &mut Reader<'_>) -> Match {
    let mut conditions = table.section("match", "[rule.match]");
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
    let default = Match::default();
    let found = Match {
        state: states(&mut conditions),
        waiting_on: conditions.one_of("waiting_on", &WaitingOn::NAMES).unwrap_or(default.waiting_on),
        tags: tags(&mut conditions, "tags"),
        not_tags: tags(&mut conditions, "not_tags"),
        contact_replied: contact_replied(&mut conditions).unwrap_or(default.contact_replied),
        ..default
    };
    conditions.finish(|_| None);
    found
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

fn tags(conditions: &mut Reader<'_>, key: &'static str) -> Vec<String> {
    let tags = conditions.texts(key, "vip");
    let tags = tags.filter(|tags| not_empty(conditions, key, tags).is_some());
    tags.map(|tags| owned(tags.get_ref())).unwrap_or_default()
}

/// An empty list looks like a condition but would be none.
fn not_empty<T>(table: &Reader<'_>, key: &str, list: &Spanned<Vec<T>>) -> Option<()> {
    if list.get_ref().is_empty() {
        let help = "name at least one, or leave the key out";
        table.notes.error(list.span(), format!("the list of `{key}` is empty"), help);
        return None;
    }
    Some(())
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

fn counts_from(table: &mut Reader<'_>) -> Option<Vec<Class>> {
    let known: Vec<_> = Class::NAMES.into_iter().filter(|(class, _)| *class != Class::Own).collect();
    let classes = table.all_of("counts_from", &known)?;
    not_empty(table, "counts_from", &classes)?;
    Some(classes.into_inner())
}

fn steps(table: &mut Reader<'_>) -> Vec<Step> {
    let tables = table.tables("step", "a step", "[[rule.step]]");
    let wrong = table.has("step") && !table.is_empty_list("step");
    if tables.is_empty() && !wrong {
        let help = "end the rule with a [[rule.step]], such as after = \"7 days\" and do = \"close\"";
        table.notes.missing(table.span.clone(), "this rule has no steps, so it would do nothing", help);
    }
    let mut ladder = Ladder::default();
    let mut found: Vec<FoundStep<'_>> = tables.into_iter().map(step).collect();
    for step in &mut found {
        ladder.add(step);
    }
    let closes = found.iter().any(|step| step.kind == Some(StepKind::Close));
    found.into_iter().filter_map(|step| step.into_step(closes)).collect()
}

/// A step as it was read, before its place among the others is known.
struct FoundStep<'a> {
    table: Reader<'a>,
    kind: Option<StepKind>,
    nth: u32,
    after: Option<Spanned<SignedDuration>>,
    body: Option<Spanned<&'a str>>,
    channels: Vec<String>,
}

fn step(mut table: Reader<'_>) -> FoundStep<'_> {
    for (key, example) in [("after", "after = \"7 days\""), ("do", "do = \"close\"")] {
        if !table.has(key) {
            table.notes.missing(table.span.clone(), format!("this step has no `{key}`"), format!("add {example}"));
        }
    }
    let after = table.duration("after", "7 days");
    if let Some(after) = after.as_ref().filter(|after| *after.get_ref() < SHORT) {
        let help = "fine for a trial; in daily use people need longer to answer";
        table.notes.warning(after.span(), "this step follows in less than five minutes", help);
    }
    let kind = table.one_of("do", &StepKind::NAMES);
    let body = body(&mut table);
    let silent = table.boolean("silent");
    speaks_or_not(&table, kind, silent.as_ref());
    let channels = channels(&mut table);
    FoundStep { table, kind, nth: 1, after, body, channels }
}

fn body<'a>(table: &mut Reader<'a>) -> Option<Spanned<&'a str>> {
    let body = table.text("body", "Did that solve it?")?;
    if body.get_ref().trim().is_empty() {
        let help = "write what the contact should read; a close without words says silent = true instead";
        table.notes.error(body.span(), "this text is empty", help);
        return None;
    }
    Some(body)
}

/// A reply has a body; a close has a body, or says that it is silent.
fn speaks_or_not(table: &Reader<'_>, kind: Option<StepKind>, silent: Option<&Spanned<bool>>) {
    let says_silent = silent.is_some_and(|silent| *silent.get_ref());
    let place = silent.map_or(table.span.clone(), Spanned::span);
    match kind {
        Some(StepKind::Reply) if says_silent => {
            table.notes.error(place, "only a close can be silent", "leave out silent, or write do = \"close\"");
        }
        Some(StepKind::Reply) if !table.has("body") => {
            let help = "add body = \"Did that solve it?\", in your own words";
            table.notes.missing(table.span.clone(), "this reply has no body", help);
        }
        Some(StepKind::Close) if says_silent && table.has("body") => {
            let help = "leave out silent to send the body, or leave out the body";
            table.notes.error(place, "this close has a body and is silent too", help);
        }
        Some(StepKind::Close) if !says_silent && !table.has("body") => {
            let help = "add a body to close with a last word, or silent = true to close without";
            table.notes.missing(place, "this close has no body and does not say that it is silent", help);
        }
        _ => {}
    }
}

fn channels(table: &mut Reader<'_>) -> Vec<String> {
    let channels = table.texts("channels", "conversation");
    let channels = channels.filter(|channels| not_empty(table, "channels", channels).is_some());
    let default = || vec!["conversation".to_owned(), "email".to_owned()];
    channels.map_or_else(default, |channels| owned(channels.get_ref()))
}

impl FoundStep<'_> {
    /// The place to point at for what concerns the whole step.
    fn place(&self) -> Range<usize> {
        self.table.span.clone()
    }

    /// The checked step. `None` only after a mistake was noted.
    fn into_step(self, closes: bool) -> Option<Step> {
        let body = self.body.map(|body| {
            template(&self.table, &body, closes);
            Arc::from(body.into_inner())
        });
        self.table.finish(|key| {
            let help = "move it above the first [[rule.step]]";
            RULE_KEYS.contains(&key).then(|| Problem::new(format!("`{key}` belongs to the rule"), help))
        });
        let act = match self.kind? {
            StepKind::Reply => Act::Reply { body: body? },
            StepKind::Close => Act::Close { body },
        };
        let id = StepId { kind: self.kind?, nth: self.nth };
        Some(Step { id, after: After::Time(self.after?.into_inner()), act, channels: self.channels })
    }
}

fn template(table: &Reader<'_>, body: &Spanned<&str>, closes: bool) {
    match message::check(body.get_ref()) {
        Err(error) => table.notes.error(table.notes.within(body, error.range()), error.to_string(), error.help()),
        Ok(uses) if uses.closes_at && !closes => {
            let start = body.get_ref().find("closes_at");
            let place = table.notes.within(body, start.map(|start| start..start + "closes_at".len()));
            let help = "add a close to the rule, or do not promise one";
            table.notes.error(place, "`closes_at` in a rule that never closes", help);
        }
        Ok(_) => {}
    }
}

/// What the steps above have settled.
#[derive(Default)]
struct Ladder {
    last: Option<SignedDuration>,
    closed: bool,
    replies: u32,
}

impl Ladder {
    fn add(&mut self, step: &mut FoundStep<'_>) {
        let notes = step.table.notes;
        match step.kind {
            Some(StepKind::Close) if self.closed => {
                notes.error(step.place(), "this rule closes twice", "keep one close, as the last step");
            }
            _ if self.closed => {
                let help = "move the close to the end of the rule";
                notes.error(step.place(), "this step comes after the close and would never be done", help);
            }
            _ => {}
        }
        if let (Some(last), Some(after)) = (self.last, &step.after)
            && *after.get_ref() <= last
        {
            let before = super::duration::in_words(last);
            let help = format!("`after` counts from the same moment in every step: write more than \"{before}\"");
            notes.error(after.span(), "this step is not later than the one before", help);
        }
        self.last = step.after.as_ref().map(|after| *after.get_ref()).max(self.last);
        self.closed |= step.kind == Some(StepKind::Close);
        if step.kind == Some(StepKind::Reply) {
            self.replies += 1;
            step.nth = self.replies;
        }
    }
}
