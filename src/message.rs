//! Templates of messages to contacts, and what becomes of them.
//!
//! Owns: the variables and filters, and the check that a template works whatever is unknown of a contact.
//! Refuses: values as anything but text. They are escaped for HTML and never evaluated.

mod error;
mod language;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use minijinja::value::{Object, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, HtmlEscape, UndefinedBehavior};

use crate::config::duration;

pub use error::TemplateError;

/// Steps that the evaluation of one template may take; a message needs a few dozen.
const FUEL: u64 = 50_000;
/// Longest template and longest text, in bytes.
const LONGEST_TEMPLATE: usize = 64 << 10;
const LONGEST_TEXT: usize = 256 << 10;
/// A name or title with more bytes is none.
const LONGEST_NAME: usize = 1_000;

/// Every variable there is.
const VARIABLES: [&str; 8] = [
    "rule",
    "closes_at",
    "quiet_for",
    "contact.first_name",
    "contact.name",
    "conversation.id",
    "conversation.title",
    "teammate.name",
];

/// What a message can speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    /// The rule's name.
    pub rule: String,
    /// The instant that the close is planned for; `None` in a rule without a close.
    pub closes_at: Option<Timestamp>,
    /// How long the conversation has been quiet.
    pub quiet_for: SignedDuration,
    /// The contact's first name, if known.
    pub contact_first_name: Option<String>,
    /// The contact's whole name, if known.
    pub contact_name: Option<String>,
    /// Intercom's id of the conversation.
    pub conversation_id: String,
    /// The conversation's title, if it has one.
    pub conversation_title: Option<String>,
    /// The name of the teammate it is assigned to, if any.
    pub teammate_name: Option<String>,
    /// The zone in which days are named.
    pub timezone: TimeZone,
}

/// What a template speaks of beyond the conversation itself, so that only that is fetched or planned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Uses {
    /// The planned close.
    pub closes_at: bool,
    /// The contact's name.
    pub contact: bool,
    /// The teammate's name.
    pub teammate: bool,
}

/// Checks that a template has no mistakes and gives a text whatever is unknown.
pub fn check(template: &str) -> Result<Uses, TemplateError> {
    if template.len() > LONGEST_TEMPLATE {
        return Err(TemplateError::TooLong);
    }
    let environment = environment(true);
    let compiled =
        environment.template_from_str(template).map_err(|error| TemplateError::from_check(&error, template))?;
    if let Some(foreign) = language::foreign(template) {
        return Err(TemplateError::Foreign { word: template[foreign.clone()].to_owned(), range: foreign });
    }
    let names: BTreeSet<String> = compiled.undeclared_variables(true).into_iter().collect();
    if let Some(unknown) = names.iter().find(|name| !VARIABLES.contains(&name.as_str())) {
        let range = place(template, unknown);
        return Err(TemplateError::UnknownVariable { name: unknown.clone(), range });
    }
    // Every mixture of known and unknown: a template can ask for one name only where another is missing.
    for known in (0..16).rev() {
        let text = compiled.render(context(&sample(known)));
        let text = text.map_err(|error| TemplateError::from_check(&error, template).pointing_into(template))?;
        bearable(text)?;
    }
    let uses = |prefix: &str| names.iter().any(|name| name.starts_with(prefix));
    Ok(Uses { closes_at: uses("closes_at"), contact: uses("contact."), teammate: uses("teammate.") })
}

/// The text to send. It is HTML: what the values hold is escaped, what the template says is sent as it is.
pub fn render(template: &str, values: &Values) -> Result<String, TemplateError> {
    render_in(&environment(false), template, values)
}

/// The text of an attribute. It is plain: what the values hold is taken as it is.
pub fn render_plain(template: &str, values: &Values) -> Result<String, TemplateError> {
    let mut environment = environment(false);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(|out, _, value| {
        write!(out, "{value}").map_err(|_| Error::new(ErrorKind::WriteFailure, "the text could not be written"))
    });
    render_in(&environment, template, values)
}

fn render_in(environment: &Environment<'_>, template: &str, values: &Values) -> Result<String, TemplateError> {
    let compiled = environment.template_from_str(template).map_err(|error| TemplateError::from_render(&error))?;
    let text = compiled.render(context(values)).map_err(|error| TemplateError::from_render(&error))?;
    bearable(text)
}

/// The text, if somebody can read it.
fn bearable(text: String) -> Result<String, TemplateError> {
    match text.trim() {
        "" => Err(TemplateError::Blank),
        _ if text.len() > LONGEST_TEXT => Err(TemplateError::TooLong),
        _ => Ok(text),
    }
}

/// Has our two filters only. With `debug`, errors know their place; they may then hold values, so only for checks.
fn environment(debug: bool) -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_debug(debug);
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // Whatever the template says about escaping, values are escaped.
    environment.set_formatter(|out, _, value| {
        let written = if value.is_safe() { write!(out, "{value}") } else { write!(out, "{}", escaped(value)) };
        written.map_err(|_| Error::new(ErrorKind::WriteFailure, "the text could not be written"))
    });
    environment.add_filter("default", default);
    environment.add_filter("date", date);
    environment
}

fn escaped(value: &Value) -> String {
    HtmlEscape(&value.to_string()).to_string()
}

/// The value, or `instead` when there is none: missing, null, empty or blank.
fn default(value: &Value, instead: &Value) -> Value {
    let blank = value.as_str().is_some_and(|text| text.trim().is_empty());
    if value.is_undefined() || value.is_none() || blank { instead.clone() } else { value.clone() }
}

fn date(value: &Value) -> Result<String, Error> {
    let moment = value.downcast_object_ref::<Moment>();
    moment.map(ToString::to_string).ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "`date` takes `closes_at`"))
}

/// An instant as the contact reads it.
#[derive(Debug)]
struct Moment(Timestamp, TimeZone);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.to_zoned(self.1.clone()).strftime("%A %-d %B %Y"))
    }
}

impl Object for Moment {
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn context(values: &Values) -> Value {
    let moment = |at| Value::from_object(Moment(at, values.timezone.clone()));
    let contact =
        [("first_name", text(values.contact_first_name.as_ref())), ("name", text(values.contact_name.as_ref()))];
    let conversation = [
        ("id", Some(Value::from(values.conversation_id.as_str()))),
        ("title", text(values.conversation_title.as_ref())),
    ];
    table([
        ("rule", Some(Value::from(values.rule.as_str()))),
        ("closes_at", values.closes_at.map(moment)),
        ("quiet_for", Some(Value::from(duration::roughly(values.quiet_for)))),
        ("contact", Some(table(contact))),
        ("conversation", Some(table(conversation))),
        ("teammate", Some(table([("name", text(values.teammate_name.as_ref()))]))),
    ])
}

/// A blank name is no name, nor is one that nobody would read.
fn text(value: Option<&String>) -> Option<Value> {
    value.filter(|text| !text.trim().is_empty() && text.len() <= LONGEST_NAME).map(|text| Value::from(text.as_str()))
}

fn table<const N: usize>(entries: [(&'static str, Option<Value>); N]) -> Value {
    let entries: BTreeMap<_, _> = entries.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    Value::from(entries)
}

/// Made-up values, of which the bits of `known` say which of the four uncertain ones are there.
fn sample(known: u8) -> Values {
    let if_known = |bit: u8, text: &str| (known & bit != 0).then(|| text.to_owned());
    Values {
        rule: "sample".to_owned(),
        closes_at: Some(Timestamp::UNIX_EPOCH),
        quiet_for: SignedDuration::from_hours(5 * 24),
        contact_first_name: if_known(1, "first"),
        contact_name: if_known(2, "first last"),
        conversation_id: "1".to_owned(),
        conversation_title: if_known(4, "title"),
        teammate_name: if_known(8, "mate"),
        timezone: TimeZone::UTC,
    }
}

/// Where the variable `name` first stands inside a `{{ … }}` or `{% … %}`.
pub(crate) fn place(template: &str, name: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(open) = template[from..].find('{').map(|at| from + at) {
        from = open + 1;
        let Some(inside) = template[from..].strip_prefix(['{', '%']) else { continue };
        let end = inside.find(['}', '%']).unwrap_or(inside.len());
        if let Some(at) = variable(&inside[..end], name) {
            return Some(from + 1 + at..from + 1 + at + name.len());
        }
    }
    None
}

/// Where `name` stands by itself, and not as a part of another name.
fn variable(code: &str, name: &str) -> Option<usize> {
    let named = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let alone = |at: usize| !code[..at].ends_with(named) && !code[at + name.len()..].starts_with(named);
    code.match_indices(name).map(|(at, _)| at).find(|at| alone(*at))
}

#[cfg(test)]
mod tests;
