//! Reads attributes by name: what a match compares them with, and what a step sets them to.
//!
//! Owns: which TOML is which value. Refuses: what no attribute holds, and what could never be equal to one.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

use super::notes::Problem;
use super::reader::{Reader, in_plain_words, one_or_all, shown};
use super::rules::not_empty;
use crate::engine::AttributeValue;
use crate::engine::rule::Setting;

/// The longest text that is known of an attribute, in bytes.
const LONGEST_TEXT: usize = 1_024;

/// Above this, whole numbers next to each other are the same number in JSON.
const LARGEST_WHOLE: u64 = 1 << 53;

/// The attributes of a match, each with the values of which it has one.
pub(super) fn wanted(conditions: &mut Reader<'_>) -> BTreeMap<String, Vec<AttributeValue>> {
    let attributes = named(conditions, "attribute", "match.attribute", "match.attribute.plan = \"gold\"");
    attributes.into_iter().map(|(name, path, found)| (name, values(conditions, &path, found))).collect()
}

/// What a step sets, if anything. Its texts are templates and go to `templates`, to be checked. `None` only if there
/// is no `set`, or after a mistake was noted.
pub(super) fn set<'a>(
    table: &mut Reader<'a>,
    templates: &mut Vec<Spanned<&'a str>>,
) -> Option<BTreeMap<String, Setting>> {
    let attributes = named(table, "set", "set", "set.plan = \"gold\"");
    let all = attributes.len();
    let mut settings = BTreeMap::new();
    for (name, path, found) in attributes {
        let Some(setting) = setting(table, &path, found) else { continue };
        if let (Setting::Template(_), Some(text)) = (&setting, found.get_ref().as_str()) {
            templates.push(Spanned::new(found.span(), text));
        }
        settings.insert(name, setting);
    }
    (all > 0 && settings.len() == all).then_some(settings)
}

/// The entries of the table below `key`, with how each is written.
fn named<'a>(
    table: &mut Reader<'a>,
    key: &'static str,
    under: &str,
    example: &'static str,
) -> Vec<(String, String, &'a Spanned<DeValue<'a>>)> {
    let is_there = table.has(key);
    let is_table = table.value(key).is_some_and(|value| value.get_ref().is_table());
    let attributes = table.section(key, example);
    let mut found = Vec::new();
    for (name, value) in attributes.entries() {
        if name.get_ref().trim().is_empty() {
            table.notes.error(name.span(), "this attribute has no name", format!("write for example {example}"));
            continue;
        }
        found.push(((*name.get_ref()).to_owned(), path(under, name.get_ref()), value));
    }
    if is_there && is_table && attributes.entries().next().is_none() {
        let message = format!("`{key}` names no attribute");
        let help = format!("write for example {example}, or leave it out");
        table.notes.error(attributes.span.clone(), message, help);
    }
    found
}

/// The attribute as it is written: `set.plan`, `set."Plan type"`.
fn path(under: &str, name: &str) -> String {
    let bare = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if bare { format!("{under}.{}", shown(name)) } else { format!("{under}.\"{}\"", shown(name)) }
}

fn values(conditions: &Reader<'_>, path: &str, found: &Spanned<DeValue<'_>>) -> Vec<AttributeValue> {
    let items = one_or_all(found);
    if items.is_empty() {
        not_empty(conditions, path, &Spanned::new(found.span(), Vec::<()>::new()));
    }
    let values = items.iter().filter_map(|item| noted(conditions, item, value(path, item.get_ref())));
    values.collect()
}

fn setting<'a>(table: &Reader<'a>, path: &str, found: &'a Spanned<DeValue<'a>>) -> Option<Setting> {
    match found.get_ref() {
        DeValue::Array(_) => list(table, path, found).map(|texts| Setting::Value(AttributeValue::List(texts))),
        DeValue::String(text) if text.trim().is_empty() => {
            let help = format!("write for example {path} = \"gold\", or leave it out");
            table.notes.error(found.span(), format!("`{path}` is empty"), help);
            None
        }
        DeValue::String(text) => Some(Setting::Template(text.as_ref().into())),
        other => noted(table, found, value(path, other)).map(Setting::Value),
    }
}

fn list<'a>(table: &Reader<'a>, path: &str, found: &'a Spanned<DeValue<'a>>) -> Option<Vec<String>> {
    let texts = table.texts_of(path, found, "billing")?;
    not_empty(table, path, &texts)?;
    let mut good = Vec::new();
    for text in texts.get_ref() {
        let checked = no_template(text.get_ref()).and_then(|()| short(path, text.get_ref()));
        good.extend(noted_at(table, text.span(), checked));
    }
    (good.len() == texts.get_ref().len()).then_some(good)
}

/// A text that goes out as it is written.
pub(super) fn no_template(text: &str) -> Result<(), Problem> {
    if !text.contains("{{") && !text.contains("{%") {
        return Ok(());
    }
    let help = "write the words themselves; templates work in `body`, and in texts of `set` that stand in no list";
    Err(Problem::new("this text is no template and would be used as it is", help))
}

fn noted<T>(table: &Reader<'_>, place: &Spanned<DeValue<'_>>, value: Result<T, Problem>) -> Option<T> {
    noted_at(table, place.span(), value)
}

fn noted_at<T>(table: &Reader<'_>, place: std::ops::Range<usize>, value: Result<T, Problem>) -> Option<T> {
    value.map_err(|problem| table.notes.error(place, problem.message, problem.help)).ok()
}

/// One value; what holds several is none.
pub(super) fn value(path: &str, value: &DeValue<'_>) -> Result<AttributeValue, Problem> {
    match value {
        DeValue::String(text) if text.trim().is_empty() => {
            let help = "leave it out: an attribute that is not set equals nothing";
            Err(Problem::new(format!("`{path}` has an empty text in it"), help))
        }
        DeValue::String(text) => short(path, text).map(AttributeValue::Text),
        DeValue::Boolean(is) => Ok(AttributeValue::Boolean(*is)),
        DeValue::Integer(number) => whole(path, &number.as_str().replace('_', ""), number.radix()),
        DeValue::Float(number) => fraction(path, &number.as_str().replace('_', "")),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => Err(unfit(path, value)),
    }
}

fn short(path: &str, text: &str) -> Result<String, Problem> {
    if text.len() <= LONGEST_TEXT {
        return Ok(text.to_owned());
    }
    let message = format!("`{path}` is longer than any text that is known of an attribute");
    Err(Problem::new(message, format!("write at most {LONGEST_TEXT} bytes")))
}

fn whole(path: &str, digits: &str, radix: u32) -> Result<AttributeValue, Problem> {
    let number = i64::from_str_radix(digits, radix).ok().filter(|number| number.unsigned_abs() <= LARGEST_WHOLE);
    // Up to there every whole number is a float too.
    let number = number.and_then(|number| number.to_string().parse().ok());
    number.map(AttributeValue::number).ok_or_else(|| {
        let help = format!("write at most {LARGEST_WHOLE}, or put it in quotes if the attribute is a text");
        Problem::new(format!("`{path}` is a number too large to be told from its neighbours"), help)
    })
}

fn fraction(path: &str, text: &str) -> Result<AttributeValue, Problem> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.map(AttributeValue::number).ok_or_else(|| {
        Problem::new(
            format!("`{path}` is no number that an attribute can have"),
            format!("write for example {path} = 2.5"),
        )
    })
}

fn unfit(path: &str, value: &DeValue<'_>) -> Problem {
    let message = format!("`{path}` must be text, a number, or true or false, not {}", in_plain_words(value));
    let help = match value {
        DeValue::Datetime(moment) => format!("write it as text: {path} = \"{moment}\""),
        DeValue::Table(_) => format!("write for example {path} = \"gold\"; a name with a dot in it stands in quotes"),
        _ => format!("write for example {path} = \"gold\""),
    };
    Problem::new(message, help)
}
