//! What was found wrong while reading one file.
//!
//! Owns: the list, its length, and what to keep quiet about where the TOML itself is broken.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::literal;

/// More mistakes than this are counted, not listed.
const LISTED: usize = 100;

/// What is wrong with a text, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) help: String,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Problem {
        Problem { message: message.into(), help: help.into() }
    }
}

/// Everything noted while reading one file.
pub(super) struct Notes<'a> {
    file: &'a str,
    text: &'a str,
    /// Places of what the TOML parser could not read.
    broken: Vec<Range<usize>>,
    found: RefCell<Diagnostics>,
}

impl<'a> Notes<'a> {
    /// Starts with what the TOML parser found: one mistake a line, as the rest of a broken line follows from it.
    pub(super) fn new(file: &'a str, text: &'a str, syntax: &[toml::de::Error]) -> Notes<'a> {
        let mut notes = Notes { file, text, broken: Vec::new(), found: RefCell::default() };
        let mut lines: Vec<Range<usize>> = Vec::new();
        for error in syntax {
            let span = error.span().unwrap_or(0..0);
            if lines.last().is_some_and(|line| line.start <= span.start && span.start <= line.end) {
                continue;
            }
            lines.push(notes.line_of(span.start));
            let help = syntax_help(error.message(), &text[notes.line_of(span.start)]);
            notes.error(span, format!("this is not TOML: {}", plainly(error.message())), help);
            if lines.len() >= LISTED {
                // This is no configuration; nothing in it means anything.
                lines.clear();
                lines.push(0..text.len());
                break;
            }
        }
        notes.broken = lines;
        notes
    }

    fn line_of(&self, at: usize) -> Range<usize> {
        let at = self.text.floor_char_boundary(at);
        let start = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        start..self.text[at..].find('\n').map_or(self.text.len(), |length| at + length)
    }

    /// Whether the TOML around `at` was read as written. After a broken `[header]` nothing is in its place.
    fn is_sound(&self, at: usize) -> bool {
        !self.broken.iter().any(|line| {
            let header = self.text[line.clone()].trim_start().starts_with('[');
            line.contains(&at) || (header && line.start <= at)
        })
    }

    /// Notes a mistake.
    pub(super) fn error(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        if !self.is_sound(span.start) {
            return;
        }
        let mut found = self.found.borrow_mut();
        if found.errors.len() >= LISTED {
            found.more += 1;
            return;
        }
        found.errors.push(Diagnostic::at(self.file, self.text, span, &message.into(), &help.into()));
    }

    /// Notes that something is missing; in a file that could not be read as a whole it may well be there.
    pub(super) fn missing(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        if self.broken.is_empty() {
            self.error(span, message, help);
        }
    }

    /// Whether no mistake was noted so far.
    pub(super) fn is_clean(&self) -> bool {
        self.broken.is_empty() && self.found.borrow().errors.is_empty()
    }

    /// Notes a doubt.
    pub(super) fn warning(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let mut found = self.found.borrow_mut();
        if self.broken.is_empty() && found.warnings.len() < LISTED {
            found.warnings.push(Diagnostic::at(self.file, self.text, span, &message.into(), &help.into()));
        }
    }

    /// The place of `part` of a text value, or of all of it.
    pub(super) fn within(&self, value: &Spanned<&str>, part: Option<Range<usize>>) -> Range<usize> {
        let span = value.span();
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let place = part.and_then(|part| literal::place(raw, part));
        place.map_or(span.clone(), |place| span.start + place.start..span.start + place.end)
    }

    /// A diagnostic that says nothing yet, for what only later turns out doubtful.
    pub(super) fn blank(&self, span: Range<usize>) -> Diagnostic {
        Diagnostic::at(self.file, self.text, span, "", "")
    }

    /// Everything noted, in the order of the file.
    pub(super) fn into_found(self) -> Diagnostics {
        let mut found = self.found.into_inner();
        found.errors.sort_by_key(|diagnostic| diagnostic.span.start);
        found.warnings.sort_by_key(|diagnostic| diagnostic.span.start);
        found
    }
}

/// Without the parser's own word for what it shows anyway.
fn plainly(message: &str) -> &str {
    message.strip_suffix(", expected literal string").unwrap_or(message)
}

fn syntax_help(message: &str, line: &str) -> &'static str {
    let value = line.split_once('=').map_or("", |(_, value)| value.trim_start());
    if value.starts_with(['\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}', '\u{ab}', '\u{bb}']) {
        "put the text in straight double quotes: \"; those here are for printed text"
    } else if ["True", "False", "TRUE", "FALSE"].iter().any(|word| value.starts_with(word)) {
        "write true or false, in small letters"
    } else if message.starts_with("string values must be quoted") {
        "put the text in double quotes"
    } else if message.starts_with("duplicate key") {
        "keep one of the two"
    } else if message.starts_with("invalid basic string") {
        "end the text with a double quote; a text of several lines stands between \"\"\" and \"\"\""
    } else if message.starts_with("unclosed") {
        "close the bracket"
    } else {
        "write key = value, with texts in double quotes"
    }
}
