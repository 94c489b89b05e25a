//! To whom conversations are assigned, and what their attributes are, in words.

use super::either;
use crate::engine::AttributeValue;
use crate::engine::rule::{Match, Named};

/// Teams and teammates, wanted and not.
pub(super) fn to(matches: &Match) -> impl Iterator<Item = String> {
    let unassigned = matches.unassigned.map(|un| if un { "assigned to nobody" } else { "assigned to somebody" });
    let named = [
        ("assigned to team", &matches.team),
        ("not assigned to team", &matches.not_team),
        ("assigned to teammate", &matches.assignee),
        ("not assigned to teammate", &matches.not_assignee),
    ];
    let named = named.into_iter().filter(|(_, named)| !named.is_empty());
    let named = named.map(|(words, named)| format!("{words} {}", either(&names(named))));
    unassigned.map(str::to_owned).into_iter().chain(named)
}

fn names(named: &[Named]) -> Vec<&str> {
    named.iter().map(|named| named.name.as_str()).collect()
}

/// Attributes and their values; texts in quotes, as `"5"` is not 5.
pub(super) fn attributes(matches: &Match) -> impl Iterator<Item = String> {
    matches.attributes.iter().map(|(name, values)| {
        let values: Vec<String> = values.iter().map(value).collect();
        format!("whose attribute {name} is {}", either(&values))
    })
}

pub(super) fn value(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Text(text) => format!("\"{text}\""),
        AttributeValue::Number(number) => number.clone(),
        AttributeValue::Boolean(is) => is.to_string(),
        AttributeValue::List(texts) => format!("the list \"{}\"", texts.join("\", \"")),
        AttributeValue::Other => "something else".to_owned(),
    }
}
