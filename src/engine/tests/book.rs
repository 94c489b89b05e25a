//! The language that stories write rules in: the file's own lines, and steps as `3 days reply Hello?`.

use std::collections::BTreeMap;

use super::*;
use crate::engine::rule::{Act, Assignment, Labels, Named, Rule, Setting, Step, StepId, StepKind};

const VERBS: [(&str, StepKind); 9] = [
    ("reply", StepKind::Reply),
    ("note", StepKind::Note),
    ("close", StepKind::Close),
    ("snooze", StepKind::Snooze),
    ("open", StepKind::Open),
    ("assign", StepKind::Assign),
    ("tag", StepKind::Tag),
    ("untag", StepKind::Untag),
    ("set", StepKind::Update),
];

/// The rules that `text` tells, each begun by `rule NAME`.
pub(super) fn book(text: &str) -> RuleSet {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut rules = rules(&lines.iter().map(|line| written(line)).collect::<Vec<_>>().join("\n"));
    let mut told = rules.rules.iter_mut();
    let mut rule = None;
    for line in lines {
        if line.starts_with("rule ") {
            rule = told.next();
        } else if let Some(rule) = rule.as_deref_mut() {
            complete(rule, line);
        }
    }
    rules.rules.iter_mut().for_each(number);
    rules
}

/// As the file has it: a step that it cannot tell is a reply there.
fn written(line: &str) -> String {
    if let Some(name) = line.strip_prefix("rule ") {
        return format!("[[rule]]\nname = \"{name}\"");
    }
    if told_here(line).is_some() {
        // A rule needs a condition that the file can tell.
        return "match.contact_replied = true".to_owned();
    }
    match step(line) {
        Some((after, StepKind::Close, "")) => {
            format!("[[rule.step]]\nafter = \"{after}\"\ndo = \"close\"\nsilent = true")
        }
        Some((after, StepKind::Close, body)) => {
            format!("[[rule.step]]\nafter = \"{after}\"\ndo = \"close\"\nbody = \"{body}\"")
        }
        Some((after, _, body)) => format!("[[rule.step]]\nafter = \"{after}\"\ndo = \"reply\"\nbody = \"{body}.\""),
        None => line.to_owned(),
    }
}

/// `3 days`, the kind, and what else is said.
fn step(line: &str) -> Option<(&str, StepKind, &str)> {
    line.starts_with(|first: char| first.is_ascii_digit()).then(|| {
        let (verb, kind, at) = VERBS
            .iter()
            .filter_map(|(verb, kind)| line.find(&format!(" {verb}")).map(|at| (verb, *kind, at)))
            .min_by_key(|(.., at)| *at)
            .unwrap();
        (&line[..at], kind, line[at + 1 + verb.len()..].trim())
    })
}

/// Conditions on what only the workspace knows: their names are their ids here.
fn told_here(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(" = ")?;
    let key = key.strip_prefix("match.")?;
    let here = matches!(key, "team" | "not_team" | "assignee" | "not_assignee") || key.starts_with("attribute.");
    here.then_some((key, value.trim_matches('"')))
}

fn complete(rule: &mut Rule, line: &str) {
    let matches = &mut rule.matches;
    match told_here(line) {
        Some(("team", name)) => matches.team.push(named(name)),
        Some(("not_team", name)) => matches.not_team.push(named(name)),
        Some(("assignee", name)) => matches.assignee.push(named(name)),
        Some(("not_assignee", name)) => matches.not_assignee.push(named(name)),
        Some((key, text)) => {
            let name = key.trim_start_matches("attribute.").to_owned();
            matches.attributes.insert(name, vec![AttributeValue::Text(text.to_owned())]);
        }
        None => {
            if let Some((_, kind, said)) = step(line) {
                let next = rule.steps.iter_mut().find(|step| step.id.nth > 0).unwrap();
                (next.id, next.act) = (StepId { kind, nth: 0 }, act(kind, said));
            }
        }
    }
}

/// Places among the steps of a kind; those that are told have none yet.
fn number(rule: &mut Rule) {
    let mut counts: BTreeMap<StepKind, u32> = BTreeMap::new();
    for Step { id, .. } in &mut rule.steps {
        let count = counts.entry(id.kind).or_default();
        *count += 1;
        id.nth = *count;
    }
}

fn named(name: &str) -> Named {
    Named { name: name.to_owned(), id: Some(name.to_owned()) }
}

fn act(kind: StepKind, said: &str) -> Act {
    let one = || vec![said.to_owned()];
    match kind {
        StepKind::Reply => Act::Reply { body: said.into() },
        StepKind::Note => Act::Note { body: said.into() },
        StepKind::Close => Act::Close { body: (!said.is_empty()).then(|| said.into()), labels: Labels::default() },
        StepKind::Snooze => Act::Snooze { length: length(said) },
        StepKind::Open => Act::Open,
        StepKind::Assign => Act::Assign(assignment(said)),
        StepKind::Tag => Act::Label(Labels { tags: one(), ..Labels::default() }),
        StepKind::Untag => Act::Label(Labels { untag: one(), ..Labels::default() }),
        StepKind::Update => {
            let (name, text) = said.split_once(' ').unwrap();
            let set = BTreeMap::from([(name.to_owned(), Setting::Template(text.into()))]);
            Act::Label(Labels { set, ..Labels::default() })
        }
    }
}

fn assignment(said: &str) -> Assignment {
    match said.split_once(' ') {
        Some(("team", name)) => Assignment::To { team: Some(named(name)), teammate: None },
        Some(("teammate", name)) => Assignment::To { team: None, teammate: Some(named(name)) },
        _ => Assignment::Nobody,
    }
}

fn length(said: &str) -> SignedDuration {
    let (count, unit) = said.split_once(' ').unwrap();
    let unit = if unit.starts_with("day") { 24 } else { 1 };
    hours(count.parse::<i64>().unwrap() * unit)
}
