//! How much of the template language a text may use.
//!
//! Owns: finding what has no place in a text. Values, and a choice between words, come to no more than is written; with
//! names of its own, loops or repetition a text of one line could fill the memory, and no count of steps prevents that.
//! Refuses: knowing whether the rest makes sense. It looks where the template engine looks, and nowhere else.

use std::ops::Range;

/// The statements that may stand in `{% … %}`.
const STATEMENTS: [&str; 4] = ["if", "elif", "else", "endif"];

/// The first thing that has no place in a text.
pub(super) fn foreign(template: &str) -> Option<Range<usize>> {
    let mut at = 0;
    while let Some(open) = template[at..].find('{').map(|found| at + found) {
        let tag = match template.as_bytes().get(open + 1) {
            Some(b'#') => Ok(template[open..].find("#}").map_or(template.len(), |end| open + end + 2)),
            Some(b'%') => statement(template, open + 2).and_then(|()| end(template, open + 2, "%}")),
            Some(b'{') => end(template, open + 2, "}}"),
            _ => Ok(open + 1),
        };
        match tag {
            Ok(behind) => at = behind,
            Err(foreign) => return Some(foreign),
        }
    }
    None
}

/// The error is the statement that begins here, if it is none of ours.
fn statement(template: &str, from: usize) -> Result<(), Range<usize>> {
    let inside = template[from..].trim_start_matches(['-', '+']).trim_start();
    let start = template.len() - inside.len();
    let length = inside.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(inside.len());
    if STATEMENTS.contains(&&inside[..length]) { Ok(()) } else { Err(start..start + length) }
}

/// Where the tag ends; the error is what has no place in it: what repeats, and braces, which would hide its end.
fn end(template: &str, from: usize, mark: &str) -> Result<usize, Range<usize>> {
    let mut quote = None;
    let mut chars = template[from..].char_indices();
    while let Some((at, c)) = chars.next() {
        let at = from + at;
        match quote {
            Some(_) if c == '\\' => {
                chars.next();
            }
            Some(open) if c == open => quote = None,
            None if template[at..].starts_with(mark) => return Ok(at + mark.len()),
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if matches!(c, '*' | '{') => return Err(at..at + 1),
            Some(_) | None => {}
        }
    }
    Ok(template.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_a_choice_between_words_have_a_place_and_nothing_else_has() {
        for fine in [
            "Hi {{ contact.first_name | default('there') }}, 2 * 3 = {6}",
            "{%- if rule == '*{%' -%}a{% elif rule ~ \"{{\" %}b{%+ else %}c{% endif %}",
            "{# {% for a in b %} * #}{{ rule }}",
            "{{ '\\'*' }}",
            "{",
            "{{ rule",
        ] {
            assert_eq!(foreign(fine), None, "{fine}");
        }
        for (template, word) in [
            ("{% set a = 'x' %}{{ a }}", "set"),
            ("{{ rule }}{%- for a in 'ab' %}{{ a }}{% endfor %}", "for"),
            ("{% macro f() %}{% endmacro %}", "macro"),
            ("{% raw %}{{ '{% endraw %}", "raw"),
            ("{{ '*' * 9 }}", "*"),
            ("{{ {'a': 1}}}{% set a = 1 %}", "{"),
            ("{# {% #}{% %}", ""),
        ] {
            assert_eq!(foreign(template).map(|found| &template[found]), Some(word), "{template}");
        }
    }
}
