//! Placeholders of other programs: `{name}`, `%{name}`, `[first name]`.
//!
//! Owns: what looks like a value and would go out as it is. Refuses: nothing; a text may speak of braces.

use std::ops::Range;

use toml::Spanned;

use super::reader::{Reader, shown};

/// Between square brackets, where anything can stand. Spaces, dots and underlines aside, in small letters.
const IN_SQUARE_BRACKETS: [&str; 12] = [
    "name",
    "firstname",
    "lastname",
    "fullname",
    "yourname",
    "customername",
    "contactname",
    "contactfirstname",
    "username",
    "userfirstname",
    "customer",
    "contact",
];

/// Notes the first of them in a template that is right by itself.
pub(super) fn doubt(step: &Reader<'_>, text: &Spanned<&str>) {
    let Some(place) = first(text.get_ref()) else { return };
    let part = shown(&text.get_ref()[place.clone()]);
    let body = step.entries().find(|(key, _)| *key.get_ref() == "body");
    let is_body = body.is_some_and(|(_, body)| body.span() == text.span());
    let reader =
        match step.entries().find(|(key, _)| *key.get_ref() == "do").and_then(|(_, kind)| kind.get_ref().as_str()) {
            _ if !is_body => "the attribute would be",
            Some("note") => "teammates would read",
            _ => "the contact would read",
        };
    let help = "values stand in double braces: {{ contact.first_name | default('there') }}";
    let place = step.notes.within(text, Some(place));
    step.notes.warning(place, format!("{reader} `{part}` as it stands here"), help);
}

fn first(template: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(open) = template[from..].find(['{', '[']).map(|at| from + at) {
        let rest = &template[open..];
        let expression =
            [("{{", "}}"), ("{%", "%}"), ("{#", "#}")].into_iter().find(|(begin, _)| rest.starts_with(begin));
        if let Some((_, end)) = expression {
            from = rest.find(end).map_or(template.len(), |at| open + at + end.len());
            continue;
        }
        from = open + 1;
        let close = if rest.starts_with('{') { '}' } else { ']' };
        let Some(inside) = rest[1..].split_once(close).map(|(inside, _)| inside) else { continue };
        let looks_like_a_value = if close == '}' { is_name(inside) } else { is_known(inside) };
        if looks_like_a_value {
            return Some(open..from + inside.len() + 1);
        }
    }
    None
}

/// A name, perhaps with a filter.
fn is_name(inside: &str) -> bool {
    let name = inside.split('|').next().unwrap_or_default().trim();
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ' '))
}

fn is_known(inside: &str) -> bool {
    let name: String = inside.chars().filter(|c| !matches!(c, '_' | '.' | ' ')).collect();
    IN_SQUARE_BRACKETS.contains(&name.to_ascii_lowercase().as_str())
}
