//! Where a part of a text stands in the file, behind quotes and escapes.
//!
//! Owns: how TOML writes texts. Refuses: to read them; the text is one that the TOML parser took.

use std::ops::Range;

/// The place of `part`, bytes of the text, within the literal that it is written as.
pub(super) fn place(literal: &str, part: Range<usize>) -> Option<Range<usize>> {
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| literal.starts_with(quote))?;
    let escapes = quote.starts_with('"');
    let mut at = quote.len();
    if quote.len() == 3 && literal[at..].starts_with('\n') {
        at += 1;
    }
    let (mut told, mut start) = (0, None);
    loop {
        let (written, means) = piece(literal.get(at..)?, escapes)?;
        if means > 0 && told + means > part.start {
            start = start.or(Some(at));
        }
        if told + means >= part.end.max(part.start + 1) {
            return start.map(|start| start..if part.is_empty() { start } else { at + written });
        }
        (told, at) = (told + means, at + written);
    }
}

/// How long the first character or escape is in the file, and how long is what it means.
fn piece(rest: &str, escapes: bool) -> Option<(usize, usize)> {
    let first = rest.chars().next()?.len_utf8();
    let Some(escape) = rest.strip_prefix('\\').filter(|_| escapes) else { return Some((first, first)) };
    let code = |digits: usize| {
        let number = u32::from_str_radix(escape.get(1..=digits)?, 16).ok()?;
        Some((2 + digits, char::from_u32(number)?.len_utf8()))
    };
    match escape.chars().next()? {
        'x' => code(2),
        'u' => code(4),
        'U' => code(8),
        // The end of a line, and all white space up to what follows, mean nothing.
        space if space.is_whitespace() => Some((rest.len() - escape.trim_start().len(), 0)),
        _ => Some((2, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_behind_quotes_and_escapes() {
        for (literal, text) in [
            ("\"a X b\"", "a X b"),
            ("'a X b'", "a X b"),
            ("'\\n X b'", "\\n X b"),
            ("\"\"\"\na\nX b\"\"\"", "a\nX b"),
            ("'''\nX'''", "X"),
            ("\"caf\\u00e9 \\\"q\\\" X\"", "café \"q\" X"),
            ("\"\\U0001F642\\x41\\te X\"", "\u{1f642}A\te X"),
            ("\"\"\"a \\\n   \n  X \\\n b\"\"\"", "a X b"),
            ("\"é X\"", "é X"),
        ] {
            let table = format!("a = {literal}");
            let table: toml::Table = table.parse().unwrap();
            assert_eq!(table["a"].as_str(), Some(text), "{literal}");
            let at = text.find('X').unwrap();
            let place = place(literal, at..at + 1).unwrap();
            assert_eq!(&literal[place], "X", "{literal}");
        }
        assert_eq!(place("\"a\\nXYZ\"", 0..5), Some(1..7));
        assert_eq!(place("\"ab\"", 9..10), None);
        assert_eq!(place("1", 0..1), None);
    }
}
