//! Reads whom a conversation is assigned to: teams by name, teammates by id or e-mail address.
//!
//! Owns: what such names look like, and which of them exclude each other. Refuses: asking whether there is such a
//! team or teammate.

use toml::Spanned;

use super::notes::Problem;
use super::reader::{Reader, one_or_all, shown};
use super::rules::not_empty;
use crate::engine::rule::Named;

/// An example for each.
const TEAM: &str = "Support";
const TEAMMATE: &str = "a@example.com";

/// What a match says about whom a conversation is assigned to.
pub(super) struct Assigned {
    pub(super) team: Vec<Named>,
    pub(super) not_team: Vec<Named>,
    pub(super) assignee: Vec<Named>,
    pub(super) not_assignee: Vec<Named>,
    pub(super) unassigned: Option<bool>,
}

pub(super) fn assigned(conditions: &mut Reader<'_>) -> Assigned {
    let [team, not_team] = apart(conditions, ["team", "not_team"], TEAM, |_| Ok(()));
    let [assignee, not_assignee] = apart(conditions, ["assignee", "not_assignee"], TEAMMATE, id_or_address);
    let unassigned = conditions.boolean("unassigned").map(Spanned::into_inner);
    for key in ["team", "assignee"].into_iter().filter(|key| unassigned == Some(true) && conditions.has(key)) {
        let message = format!("`{key}` and `unassigned = true` exclude each other, so nothing fits");
        conditions.notes.error(conditions.place_of(key), message, "leave one of the two out");
    }
    Assigned { team, not_team, assignee, not_assignee, unassigned }
}

/// The team of a step, if it names one.
pub(super) fn team(table: &mut Reader<'_>) -> Option<Named> {
    one(table, "team", TEAM, |_| Ok(()))
}

/// The teammate of a step, if it names one.
pub(super) fn teammate(table: &mut Reader<'_>) -> Option<Named> {
    one(table, "teammate", TEAMMATE, id_or_address)
}

/// Names that are wanted, and names that are not; none can be both.
fn apart(
    conditions: &mut Reader<'_>,
    keys: [&'static str; 2],
    example: &str,
    check: fn(&str) -> Result<(), Problem>,
) -> [Vec<Named>; 2] {
    let [wanted, barred] = keys.map(|key| list(conditions, key, example, check));
    for name in barred.iter().filter(|barred| wanted.iter().any(|name| name.get_ref() == barred.get_ref())) {
        let message = format!("\"{}\" is in `{}` and in `{}`", shown(name.get_ref()), keys[0], keys[1]);
        conditions.notes.error(name.span(), message, "keep it in one of the two");
    }
    [wanted, barred].map(|names| names.iter().map(|name| Named::new(name.get_ref())).collect())
}

fn list<'a>(
    conditions: &mut Reader<'a>,
    key: &'static str,
    example: &str,
    check: fn(&str) -> Result<(), Problem>,
) -> Vec<Spanned<&'a str>> {
    let example = as_text(conditions, key, example);
    let names = conditions.names(key, &example);
    let names = names.filter(|names| not_empty(conditions, key, names).is_some());
    let names = names.map(Spanned::into_inner).unwrap_or_default();
    names.into_iter().filter(|name| is_good(conditions, name, check)).collect()
}

fn one(
    table: &mut Reader<'_>,
    key: &'static str,
    example: &str,
    check: fn(&str) -> Result<(), Problem>,
) -> Option<Named> {
    let example = as_text(table, key, example);
    let name = table.text(key, &example)?;
    if name.get_ref().trim().is_empty() {
        table.notes.error(name.span(), format!("`{key}` is empty"), format!("write for example {key} = \"{example}\""));
        return None;
    }
    is_good(table, &name, check).then(|| Named::new(name.get_ref()))
}

fn is_good(table: &Reader<'_>, name: &Spanned<&str>, check: fn(&str) -> Result<(), Problem>) -> bool {
    let checked = check(name.get_ref());
    if let Err(problem) = &checked {
        table.notes.error(name.span(), problem.message.clone(), problem.help.clone());
    }
    checked.is_ok()
}

/// The first number where a teammate belongs, as the text that was meant: an id. Teams go by name.
fn as_text(table: &mut Reader<'_>, key: &'static str, example: &str) -> String {
    let items = table.value(key).filter(|_| example == TEAMMATE).map(one_or_all).unwrap_or_default();
    let number = items.iter().find_map(|item| item.get_ref().as_integer());
    number.map_or_else(|| example.to_owned(), ToString::to_string)
}

fn id_or_address(name: &str) -> Result<(), Problem> {
    let id = (1..=20).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_digit());
    let address = name.split_once('@').is_some_and(|(who, host)| !who.is_empty() && !host.is_empty());
    if id || (address && !name.contains(char::is_whitespace)) {
        return Ok(());
    }
    let help = format!("write for example \"{TEAMMATE}\", or the id in digits: \"5784329\"");
    Err(Problem::new("a teammate is named by id or e-mail address", help))
}
