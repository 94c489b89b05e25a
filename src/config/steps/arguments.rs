//! Reads the arguments of a step: which go with which kind, and which each kind needs.
//!
//! Owns: the table of arguments, what is missing and what is out of place. Refuses: an argument that would change
//! nothing.

use std::sync::Arc;

use jiff::SignedDuration;
use toml::Spanned;

use super::SHORT;
use super::clocked::counted;
use crate::config::attributes;
use crate::config::channels;
use crate::config::notes::Problem;
use crate::config::people;
use crate::config::reader::{Reader, shown};
use crate::config::rules::{not_empty, owned};
use crate::engine::rule::{Act, After, Assignment, Labels, StepKind};

/// Every argument with the kinds that it goes with, the likeliest first.
pub(in crate::config) const ARGUMENTS: [(&str, &[StepKind]); 10] = [
    ("body", &[StepKind::Reply, StepKind::Note, StepKind::Close]),
    ("silent", &[StepKind::Close]),
    ("channels", &[StepKind::Reply, StepKind::Close]),
    ("for", &[StepKind::Snooze]),
    ("team", &[StepKind::Assign]),
    ("teammate", &[StepKind::Assign]),
    ("to", &[StepKind::Assign]),
    ("tags", &[StepKind::Tag, StepKind::Untag, StepKind::Close]),
    ("set", &[StepKind::Update, StepKind::Close]),
    ("read", &[StepKind::Update]),
];

/// What a step is to do.
#[derive(Default)]
pub(super) struct Deed<'a> {
    /// `None` only after a mistake was noted.
    pub(super) act: Option<Act>,
    /// Where its text may go out; empty if contacts see none of it.
    pub(super) channels: Vec<String>,
    /// Its texts; what they may speak of is known once the whole rule is.
    pub(super) templates: Vec<Spanned<&'a str>>,
    /// The tags that it attaches.
    pub(super) attached: Vec<Spanned<&'a str>>,
}

impl<'a> Deed<'a> {
    /// Reads everything in the table but `after` and `do`.
    pub(super) fn read(table: &mut Reader<'a>, kind: Option<StepKind>) -> Deed<'a> {
        in_place(table, kind);
        let mut deed = Deed::default();
        deed.act = match kind {
            None => deed.whatever_it_is(table),
            Some(kind @ StepKind::Reply) => deed.needed_body(table, kind).map(|body| Act::Reply { body }),
            Some(kind @ StepKind::Note) => deed.needed_body(table, kind).map(|body| Act::Note { body }),
            Some(StepKind::Close) => Some(deed.close(table)),
            Some(StepKind::Snooze) => length(table).map(|length| Act::Snooze { length }),
            Some(StepKind::Open) => Some(Act::Open),
            Some(StepKind::Assign) => assignment(table).map(Act::Assign),
            Some(StepKind::Tag) => {
                deed.needed_tags(table, "tag").map(|tags| Act::Label(Labels { tags, ..Labels::default() }))
            }
            Some(StepKind::Untag) => {
                let untag = deed.needed_tags(table, "untag");
                deed.attached.clear();
                untag.map(|untag| Act::Label(Labels { untag, ..Labels::default() }))
            }
            Some(StepKind::Update) => deed.update(table),
        };
        if matches!(kind, Some(StepKind::Reply | StepKind::Close)) {
            deed.channels = channels::written_to(table);
        }
        deed
    }

    /// Texts have their mistakes in a step of any kind.
    fn whatever_it_is(&mut self, table: &mut Reader<'a>) -> Option<Act> {
        self.body(table, StepKind::Reply);
        attributes::set(table, &mut self.templates);
        None
    }

    fn needed_body(&mut self, table: &mut Reader<'a>, kind: StepKind) -> Option<Arc<str>> {
        if !table.has("body") {
            let example = if kind == StepKind::Note { "Nobody has answered." } else { "Did that solve it?" };
            let help = format!("add body = \"{example}\", in your own words");
            table.notes.missing(table.span.clone(), format!("this {} has no body", kind.name()), help);
        }
        self.body(table, kind)
    }

    fn body(&mut self, table: &mut Reader<'a>, kind: StepKind) -> Option<Arc<str>> {
        let body = table.text("body", "Did that solve it?")?;
        if body.get_ref().trim().is_empty() {
            let help = match kind {
                StepKind::Note => "write what the team should read",
                _ => "write what the contact should read; a close without words says silent = true instead",
            };
            table.notes.error(body.span(), "this text is empty", help);
            return None;
        }
        let text = Arc::from(*body.get_ref());
        self.templates.push(body);
        Some(text)
    }

    fn close(&mut self, table: &mut Reader<'a>) -> Act {
        let silent = table.boolean("silent");
        speaks_or_not(table, silent.as_ref());
        let body = self.body(table, StepKind::Close);
        let tags = self.tags(table).unwrap_or_default();
        let set = attributes::set(table, &mut self.templates).unwrap_or_default();
        Act::Close { body, labels: Labels { tags, set, ..Labels::default() } }
    }

    fn needed_tags(&mut self, table: &mut Reader<'a>, kind: &str) -> Option<Vec<String>> {
        if !table.has("tags") {
            let help = "add tags = [\"auto-closed\"], or whichever you mean";
            table.notes.missing(table.span.clone(), format!("this {kind} step has no `tags`"), help);
        }
        self.tags(table)
    }

    fn tags(&mut self, table: &mut Reader<'a>) -> Option<Vec<String>> {
        let tags = table.names("tags", "auto-closed")?;
        not_empty(table, "tags", &tags)?;
        for tag in tags.get_ref() {
            if let Err(problem) = attributes::no_template(tag.get_ref()) {
                table.notes.error(tag.span(), problem.message, problem.help);
            }
        }
        let names = owned(tags.get_ref());
        self.attached = tags.into_inner();
        Some(names)
    }

    fn update(&mut self, table: &mut Reader<'a>) -> Option<Act> {
        if !table.has("set") && !table.has("read") {
            let help = "add set.NAME = \"…\" for an attribute, or read = true";
            table.notes.missing(table.span.clone(), "this update changes nothing", help);
            return None;
        }
        let set = attributes::set(table, &mut self.templates).unwrap_or_default();
        let read = table.boolean("read").map(Spanned::into_inner);
        Some(Act::Label(Labels { set, read, ..Labels::default() }))
    }
}

/// Knows every argument, and notes those that go with steps of another kind.
fn in_place(table: &mut Reader<'_>, kind: Option<StepKind>) {
    for (key, kinds) in ARGUMENTS {
        table.knows(key);
        if kind.is_some_and(|kind| !kinds.contains(&kind)) && table.has(key) {
            let Problem { message, help } = elsewhere(key, kinds);
            table.notes.error(table.place_of(key), message, help);
        }
    }
}

fn elsewhere(key: &str, kinds: &[StepKind]) -> Problem {
    let names: Vec<String> = kinds.iter().map(|kind| format!("\"{}\"", kind.name())).collect();
    let (Some((last, others)), Some(first)) = (names.split_last(), names.first()) else {
        return Problem::new(format!("`{key}` goes with no step"), "leave it out");
    };
    let kinds = if others.is_empty() { last.clone() } else { format!("{} or {last}", others.join(", ")) };
    match key {
        "silent" => Problem::new("only a close can be silent", "leave out silent, or write do = \"close\""),
        "channels" => {
            let message = format!("`channels` changes nothing here: it goes with do = {kinds}");
            Problem::new(message, "leave it out: contacts see no text of this step")
        }
        _ => {
            let help = format!("leave it out here, or add a [[rule.step]] with do = {first} for it");
            Problem::new(format!("`{key}` goes with do = {kinds}"), help)
        }
    }
}

/// A close has a body, or says that it is silent.
fn speaks_or_not(table: &Reader<'_>, silent: Option<&Spanned<bool>>) {
    let says_silent = silent.is_some_and(|silent| *silent.get_ref());
    let place = silent.map_or(table.span.clone(), Spanned::span);
    match (says_silent, table.has("body")) {
        (true, true) => {
            let help = "leave out silent to send the body, or leave out the body";
            table.notes.error(place, "this close has a body and is silent too", help);
        }
        (false, false) => {
            let help = "add a body to close with a last word, or silent = true to close without";
            table.notes.missing(place, "this close has no body and does not say that it is silent", help);
        }
        _ => {}
    }
}

/// How long a snooze is. It ends by the wall clock, whatever the rule counts by.
fn length(table: &mut Reader<'_>) -> Option<SignedDuration> {
    if !table.has("for") {
        table.notes.missing(table.span.clone(), "this snooze has no `for`", "add for = \"3 days\"");
    }
    let length = table.distance("for", "3 days")?;
    match length.get_ref().after {
        After::WorkingDays(days) => {
            let help = format!("count plain days or hours: for = \"{}\"", counted(days, "day"));
            table.notes.error(
                length.span(),
                "Intercom ends a snooze by the clock on the wall, not by working days",
                help,
            );
            None
        }
        After::Time(time) => {
            if time < SHORT {
                let help = "fine for a trial; in daily use people need longer to answer";
                table.notes.warning(length.span(), "this snooze ends in less than five minutes", help);
            }
            Some(time)
        }
    }
}

fn assignment(table: &mut Reader<'_>) -> Option<Assignment> {
    let others = ["team", "teammate"].map(|key| table.has(key));
    let nobody = table.parsed("to", "nobody", |to| match to {
        "nobody" => Ok(Assignment::Nobody),
        to => {
            let (to, help) = (shown(to), "write to = \"nobody\", or name a team or teammate: team = \"Support\"");
            Err(Problem::new(format!("`to` cannot be \"{to}\""), help))
        }
    });
    let (team, teammate) = (people::team(table), people::teammate(table));
    if table.has("to") {
        if others.contains(&true) {
            let help = "leave out `to`, or the team and the teammate";
            table.notes.error(table.place_of("to"), "`to` goes with neither `team` nor `teammate`", help);
        }
        return nobody.map(Spanned::into_inner);
    }
    if !others.contains(&true) {
        let help = "add team = \"Support\", teammate = \"a@example.com\" or both, or to = \"nobody\"";
        table.notes.missing(table.span.clone(), "this assign step does not say to whom", help);
        return None;
    }
    // One that was misread has been noted.
    (team.is_some() || teammate.is_some()).then_some(Assignment::To { team, teammate })
}
