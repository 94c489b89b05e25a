//! Reads a TOML table key by key, and remembers which keys were asked for.
//!
//! Owns: wrong types, unknown keys and where they stand. Refuses: to stop at the first mistake; every method
//! notes what is wrong and answers `None`, and the caller goes on with a default that nobody will see.

use std::ops::Range;

use jiff::SignedDuration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::plain;
use super::duration::{self, Distance};
use super::notes::{Notes, Problem};
use super::places;
use crate::safety::Share;

/// One table being read.
pub(super) struct Reader<'a> {
    pub(super) notes: &'a Notes<'a>,
    /// Where the table's header or key stands.
    pub(super) span: Range<usize>,
    /// The table in words, for messages: `[intercom]`, `a rule`.
    name: &'static str,
    table: Option<&'a DeTable<'a>>,
    known: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    /// Reads `table`; `None` reads as an empty one.
    pub(super) fn new(
        notes: &'a Notes<'a>,
        name: &'static str,
        span: Range<usize>,
        table: Option<&'a DeTable<'a>>,
    ) -> Reader<'a> {
        Reader { notes, span, name, table, known: Vec::new() }
    }

    /// The value of a key, if it is there.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.knows(key);
        self.table.and_then(|table| table.get(key))
    }

    /// Takes a key for known, whether it is read or not.
    pub(super) fn knows(&mut self, key: &'static str) {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
    }

    /// Whether the key is there, right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Whether the key is there with nothing but `[]`.
    pub(super) fn is_empty_list(&self, key: &str) -> bool {
        let list = self.table.and_then(|table| table.get(key)).and_then(|value| value.get_ref().as_array());
        list.is_some_and(|list| list.is_empty())
    }

    /// The keys that are there.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'a str, Range<usize>)> + use<'a> {
        self.table.into_iter().flatten().map(|(key, _)| (key.get_ref().as_ref(), key.span()))
    }

    /// The keys that are there with their values, for a table whose keys are the operator's own.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Spanned<&'a str>, &'a Spanned<DeValue<'a>>)> + use<'a> {
        let entries = self.table.into_iter().flatten();
        entries.map(|(key, value)| (Spanned::new(key.span(), key.get_ref().as_ref()), value))
    }

    /// Where the key stands.
    pub(super) fn place_of(&self, key: &str) -> Range<usize> {
        self.keys().find(|(known, _)| *known == key).map_or(self.span.clone(), |(_, span)| span)
    }

    pub(super) fn wrong_type(&self, key: &str, found: &Spanned<DeValue<'_>>, wanted: &str, example: &str) {
        let is = in_plain_words(found.get_ref());
        self.notes.error(
            found.span(),
            format!("`{key}` must be {wanted}, not {is}"),
            format!("write for example {key} = {example}"),
        );
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str, example: &str) -> Option<Spanned<&'a str>> {
        let value = self.value(key)?;
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(key, value, "text in quotes", &format!("\"{example}\""));
            return None;
        };
        Some(Spanned::new(value.span(), text))
    }

    /// A text that means something.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<Spanned<T>> {
        let text = self.text(key, example)?;
        match parse(text.get_ref()) {
            Ok(value) => Some(Spanned::new(text.span(), value)),
            Err(problem) => {
                self.notes.error(text.span(), problem.message, problem.help);
                None
            }
        }
    }

    /// A length of time.
    pub(super) fn duration(&mut self, key: &'static str, example: &str) -> Option<Spanned<SignedDuration>> {
        self.length(key, example, duration::parse)
    }

    /// A length of time, or working days.
    pub(super) fn distance(&mut self, key: &'static str, example: &str) -> Option<Spanned<Distance>> {
        self.length(key, example, duration::parse_distance)
    }

    fn length<T>(
        &mut self,
        key: &'static str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<Spanned<T>> {
        if let Some(number) = self.table.and_then(|table| table.get(key)).filter(|value| value.get_ref().is_integer()) {
            self.knows(key);
            let help = format!("write a number and its unit in quotes, such as {key} = \"{example}\"");
            self.notes.error(number.span(), format!("`{key}` has no unit"), help);
            return None;
        }
        self.parsed(key, example, parse)
    }

    /// One of a few names.
    pub(super) fn one_of<T: Copy>(&mut self, key: &'static str, names: &[(T, &'static str)]) -> Option<T> {
        let example = names.first().map_or("", |(_, name)| *name);
        self.parsed(key, example, |text| named(text, names)).map(Spanned::into_inner)
    }

    /// A whole number of at least `least`.
    pub(super) fn count(&mut self, key: &'static str, least: u32, example: u32) -> Option<u32> {
        let value = self.value(key)?;
        let Some(number) = value.get_ref().as_integer() else {
            self.wrong_type(key, value, "a whole number", &example.to_string());
            return None;
        };
        let parsed = i64::from_str_radix(&number.as_str().replace('_', ""), number.radix());
        let fits = parsed.ok().and_then(|number| u32::try_from(number).ok()).filter(|number| *number >= least);
        if fits.is_none() {
            let message = format!("`{key}` must be {least} or more, and at most {}", u32::MAX);
            self.notes.error(value.span(), message, format!("write for example {key} = {example}"));
        }
        fits
    }

    /// A number between 0 and 1.
    pub(super) fn share(&mut self, key: &'static str, example: &str) -> Option<Share> {
        let value = self.value(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => {
                self.wrong_type(key, value, "a number between 0 and 1", example);
                return None;
            }
        };
        let share = number.replace('_', "").parse().ok().and_then(Share::new);
        if share.is_none() {
            let help = format!("write it as a share: {key} = {example} for one in four");
            self.notes.error(value.span(), format!("`{key}` must be between 0 and 1"), help);
        }
        share
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str) -> Option<Spanned<bool>> {
        let value = self.value(key)?;
        let Some(is) = value.get_ref().as_bool() else {
            self.wrong_type(key, value, "true or false, without quotes", "true");
            return None;
        };
        Some(Spanned::new(value.span(), is))
    }

    /// One text, or a list of texts; none of them empty. `None` also when any of them is wrong.
    pub(super) fn texts(&mut self, key: &'static str, example: &str) -> Option<Spanned<Vec<Spanned<&'a str>>>> {
        let value = self.value(key)?;
        self.texts_of(key, value, example)
    }

    /// The same of names that the operator chose. A single text that looks like several names is doubted.
    pub(super) fn names(&mut self, key: &'static str, example: &str) -> Option<Spanned<Vec<Spanned<&'a str>>>> {
        let single = self.value(key)?.get_ref().as_str();
        let names = self.texts(key, example)?;
        let parts: Vec<_> = single.into_iter().flat_map(parts).map(shown).collect();
        if let (Some(single), [_, _, ..]) = (single, parts.as_slice()) {
            let message = format!("`{key}` is a single name with a comma in it, \"{}\"", shown(single));
            let list = parts.join("\", \"");
            let help = format!("write {key} = [\"{list}\"] for several; one with a comma in it stands in brackets too");
            self.notes.warning(names.span(), message, help);
        }
        Some(names)
    }

    /// The same of a value found by other means, under the name `key`.
    pub(super) fn texts_of(
        &self,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
        example: &str,
    ) -> Option<Spanned<Vec<Spanned<&'a str>>>> {
        let items = one_or_all(value);
        let texts: Vec<_> = items.iter().filter_map(|item| self.list_item(key, item, example)).collect();
        (texts.len() == items.len()).then(|| Spanned::new(value.span(), texts))
    }

    fn list_item(&self, key: &str, item: &'a Spanned<DeValue<'a>>, example: &str) -> Option<Spanned<&'a str>> {
        let Some(text) = item.get_ref().as_str() else {
            self.wrong_type(key, item, "text in quotes, or a list of such", &format!("[\"{example}\"]"));
            return None;
        };
        if text.trim().is_empty() {
            let help = format!("write for example {key} = [\"{example}\"]");
            self.notes.error(item.span(), format!("`{key}` has an empty text in it"), help);
            return None;
        }
        Some(Spanned::new(item.span(), text))
    }

    /// One or several names out of a few, each once.
    pub(super) fn all_of<T: Copy + PartialEq>(
        &mut self,
        key: &'static str,
        names: &[(T, &'static str)],
    ) -> Option<Spanned<Vec<T>>> {
        let texts = self.texts(key, names.first().map_or("", |(_, name)| *name))?;
        let mut found = Vec::new();
        for text in texts.get_ref() {
            match named(text.get_ref(), names) {
                Ok(value) if found.contains(&value) => {}
                Ok(value) => found.push(value),
                Err(problem) => self.notes.error(text.span(), problem.message, problem.help),
            }
        }
        Some(Spanned::new(texts.span(), found))
    }

    /// A table below this one; an empty one when it is not there.
    pub(super) fn section(&mut self, key: &'static str, name: &'static str) -> Reader<'a> {
        let value = self.value(key);
        let table = value.and_then(|value| value.get_ref().as_table());
        if let (Some(value), None) = (value, table) {
            let is = in_plain_words(value.get_ref());
            self.notes.error(value.span(), format!("`{key}` must be a table, not {is}"), format!("write it as {name}"));
        }
        Reader::new(self.notes, name, value.map_or(0..0, Spanned::span), table)
    }

    /// The tables of a list like `[[rule]]`, in the order of the file.
    pub(super) fn tables(&mut self, key: &'static str, name: &'static str, header: &str) -> Vec<Reader<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let items = one_or_all(value);
        let mut tables = Vec::new();
        for item in items {
            match item.get_ref().as_table() {
                Some(table) if value.get_ref().is_array() => {
                    tables.push(Reader::new(self.notes, name, item.span(), Some(table)));
                }
                _ => {
                    let message = format!("`{key}` must be a list of tables, not {}", in_plain_words(item.get_ref()));
                    self.notes.error(
                        item.span(),
                        message,
                        format!("begin each with a line {header}, in double brackets"),
                    );
                }
            }
        }
        tables
    }

    /// Notes every key that nobody asked for. `elsewhere` may know where such a key belongs.
    pub(super) fn finish(self, elsewhere: impl Fn(&str) -> Option<Problem>) {
        for (key, span) in self.keys() {
            if self.known.contains(&key) {
                continue;
            }
            let problem = elsewhere(key).unwrap_or_else(|| self.unknown(key));
            self.notes.error(span, problem.message, problem.help);
        }
    }

    fn unknown(&self, key: &str) -> Problem {
        if let Some(problem) = places::home(key, self.name) {
            return problem;
        }
        let message = format!("unknown key `{}` in {}", shown(key), self.name);
        let lower = key.to_ascii_lowercase();
        if lower.contains("token") || lower.contains("secret") {
            return Problem::new(
                message,
                "secrets are never in this file: set INTERCOM_ACCESS_TOKEN and INTERCOM_CLIENT_SECRET in the environment",
            );
        }
        let help = match nearest(key, self.known.iter().copied()) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("known here: {}", self.known.join(", ")),
        };
        Problem::new(message, help)
    }
}

/// The values of a list; what is no list is the only one of its own.
pub(super) fn one_or_all<'a>(value: &'a Spanned<DeValue<'a>>) -> &'a [Spanned<DeValue<'a>>] {
    value.get_ref().as_array().map_or(std::slice::from_ref(value), |list| &**list)
}

/// What stands between commas.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';']).map(str::trim).filter(|part| !part.is_empty())
}

/// The value of that name, or what is known.
pub(super) fn named<T: Copy>(text: &str, names: &[(T, &'static str)]) -> Result<T, Problem> {
    if let Some((value, _)) = names.iter().find(|(_, name)| *name == text) {
        return Ok(*value);
    }
    let known: Vec<String> = names.iter().map(|(_, name)| format!("\"{name}\"")).collect();
    let several: Vec<&str> = parts(text).collect();
    let are_known = several.iter().all(|part| names.iter().any(|(_, name)| name == part));
    let help = match nearest(text, names.iter().map(|(_, name)| *name)) {
        _ if several.len() > 1 && are_known => format!("write [\"{}\"]", several.join("\", \"")),
        Some(near) => format!("did you mean \"{near}\"? the values are {}", known.join(", ")),
        None => format!("write one of {}", known.join(", ")),
    };
    Err(Problem::new(format!("unknown value \"{}\"", shown(text)), help))
}

/// A text from the file, short and without control characters.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", plain(&text[..end])),
        None => plain(text),
    }
}

pub(super) fn in_plain_words(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The known name that is the fewest typing mistakes away, if it is near enough to be meant.
pub(crate) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let allowed = 1 + name.len().min(30) / 4;
    known
        .filter(|known| known.len().abs_diff(name.len()) <= allowed)
        .map(|known| (distance(name, known), known))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, known)| known)
}

/// Letters to insert, delete, replace or swap with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(l != r);
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        for (typed, meant) in [
            ("timout", Some("timeout")),
            ("tiemout", Some("timeout")),
            ("admin-id", Some("admin_id")),
            ("probes", Some("probe")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, ["timeout", "probe", "admin_id"].into_iter()), meant, "{typed}");
        }
    }
}
