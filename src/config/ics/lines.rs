//! Lines of an iCalendar file: unfolded, and taken apart into name, parameters and value.

use super::{EXPORT_AGAIN, IcsError};

/// A line with its continuations, before it is taken apart.
pub(super) struct Unfolded {
    /// Where it begins, from 1.
    pub(super) number: usize,
    pub(super) text: String,
}

/// All lines that are not blank; those that begin with a space or tab continue the one before.
pub(super) fn unfolded(text: &str) -> Vec<Unfolded> {
    let mut lines: Vec<Unfolded> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some(before)) => before.text.push_str(more),
            _ if line.trim().is_empty() => {}
            _ => lines.push(Unfolded { number, text: line.to_owned() }),
        }
    }
    lines
}

/// `NAME;PARAMETER=..:VALUE`
pub(super) struct Line<'t> {
    pub(super) number: usize,
    name: &'t str,
    pub(super) value: &'t str,
}

impl<'t> Line<'t> {
    pub(super) fn parse(number: usize, text: &'t str) -> Result<Line<'t>, IcsError> {
        let mut quoted = false;
        let mut is_outside = |c: char| {
            quoted ^= c == '"';
            !quoted
        };
        let colon = text.find(|c| is_outside(c) && c == ':');
        let Some((head, value)) = colon.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?))) else {
            return Err(IcsError::new(number, "this line has no name and value", EXPORT_AGAIN));
        };
        let name = head.split(';').next().unwrap_or(head);
        Ok(Line { number, name, value })
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub(super) fn name(&self) -> String {
        self.name.to_ascii_uppercase()
    }
}
