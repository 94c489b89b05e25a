//! What a configuration names that only the workspace knows, and where it stands.
//!
//! Owns: the place of every such name. Refuses: asking anybody whether there is such a thing, and files with mistakes:
//! what it reads was understood before.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::attributes;
use super::diagnostic::Diagnostic;
use super::notes::Notes;
use super::reader::one_or_all;
use crate::engine::AttributeValue;
use crate::engine::rule::{Called, Setting};

/// Something that the file names, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// What it names.
    pub what: Mentioned,
    place: Diagnostic,
}

/// What a configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mentioned {
    /// A team, a teammate or a tag that must exist.
    Needed(Called),
    /// A tag that keeps rules away; it need not exist.
    Barring(String),
    /// A tag that a step attaches; it is created when missing.
    Attached(String),
    /// An attribute, where a rule looks at it.
    Matched(String),
    /// One of the values that the attribute of that name is to have.
    MatchedValue(String, AttributeValue),
    /// An attribute, where a step sets it.
    Set(String),
    /// What the attribute of that name is set to.
    SetValue(String, Setting),
    /// A key of `[intercom]`.
    Intercom(String),
}

impl Mention {
    /// What is to be said about it, at its place.
    pub fn saying(&self, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        self.place.saying(message, help)
    }
}

/// Everything that the file names, in its order.
pub(super) fn mentions(notes: &Notes<'_>, top: &DeTable<'_>) -> Vec<Mention> {
    let mut found = Found { notes, mentions: Vec::new() };
    for (key, _) in table(top, "intercom").into_iter().flatten() {
        found.note(key, Mentioned::Intercom(key.get_ref().to_string()));
    }
    found.texts(table(top, "safety"), "hold_tags", Mentioned::Barring);
    for rule in tables(top, "rule") {
        found.matched(table(rule, "match"));
        tables(rule, "step").for_each(|step| found.done(step));
    }
    found.mentions.sort_by_key(|mention| mention.place.span.start);
    found.mentions
}

struct Found<'a> {
    notes: &'a Notes<'a>,
    mentions: Vec<Mention>,
}

impl Found<'_> {
    fn matched(&mut self, conditions: Option<&DeTable<'_>>) {
        for key in ["team", "not_team"] {
            self.texts(conditions, key, |name| Mentioned::Needed(Called::Team(name)));
        }
        for key in ["assignee", "not_assignee"] {
            self.texts(conditions, key, |name| Mentioned::Needed(Called::Teammate(name)));
        }
        for key in ["tags", "all_tags"] {
            self.texts(conditions, key, |name| Mentioned::Needed(Called::Tag(name)));
        }
        self.texts(conditions, "not_tags", Mentioned::Barring);
        for (key, value) in conditions.and_then(|conditions| table(conditions, "attribute")).into_iter().flatten() {
            let name = key.get_ref().to_string();
            self.note(key, Mentioned::Matched(name.clone()));
            for item in one_or_all(value) {
                if let Ok(value) = attributes::value("", item.get_ref()) {
                    self.note(item, Mentioned::MatchedValue(name.clone(), value));
                }
            }
        }
    }

    fn done(&mut self, step: &DeTable<'_>) {
        let step_table = Some(step);
        self.texts(step_table, "team", |name| Mentioned::Needed(Called::Team(name)));
        self.texts(step_table, "teammate", |name| Mentioned::Needed(Called::Teammate(name)));
        if step.get("do").is_some_and(|kind| kind.get_ref().as_str() == Some("untag")) {
            self.texts(step_table, "tags", |name| Mentioned::Needed(Called::Tag(name)));
        } else {
            self.texts(step_table, "tags", Mentioned::Attached);
        }
        for (key, value) in table(step, "set").into_iter().flatten() {
            let name = key.get_ref().to_string();
            self.note(key, Mentioned::Set(name.clone()));
            if let Some(setting) = setting(value.get_ref()) {
                self.note(value, Mentioned::SetValue(name, setting));
            }
        }
    }

    /// The text or the list of texts under this key.
    fn texts(&mut self, table: Option<&DeTable<'_>>, key: &str, what: impl Fn(String) -> Mentioned) {
        let Some(value) = table.and_then(|table| table.get(key)) else { return };
        for item in one_or_all(value) {
            if let Some(text) = item.get_ref().as_str() {
                self.note(item, what(text.to_owned()));
            }
        }
    }

    fn note<T>(&mut self, at: &Spanned<T>, what: Mentioned) {
        self.mentions.push(Mention { what, place: self.notes.blank(at.span()) });
    }
}

fn table<'t>(within: &'t DeTable<'t>, key: &str) -> Option<&'t DeTable<'t>> {
    within.get(key)?.get_ref().as_table()
}

fn tables<'t>(within: &'t DeTable<'t>, key: &str) -> impl Iterator<Item = &'t DeTable<'t>> {
    within.get(key).into_iter().flat_map(one_or_all).filter_map(|item| item.get_ref().as_table())
}

fn setting(value: &DeValue<'_>) -> Option<Setting> {
    match value {
        DeValue::String(text) => Some(Setting::Template(text.as_ref().into())),
        DeValue::Array(list) => {
            let texts = list.iter().filter_map(|item| item.get_ref().as_str()).map(str::to_owned).collect();
            Some(Setting::Value(AttributeValue::List(texts)))
        }
        other => attributes::value("", other).ok().map(Setting::Value),
    }
}
