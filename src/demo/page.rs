//! What the reader sees: days, times, names and sentences, wrapped to a narrow terminal.
//!
//! Owns: the layout. Refuses: knowing what it tells. Styles are written always; the caller's stream drops them where
//! they cannot be shown.

use std::fmt::Display;
use std::io::{self, Write};

use clap::builder::styling::Style;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The longest line, in characters.
const WIDTH: usize = 96;
/// Where sentences begin, after time and name.
const MARGIN: usize = 15;

const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// Who or what a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// What people and Intercom do.
    Plain,
    /// What the daemon does.
    Deed,
    /// Why, and what is said aside.
    Aside,
}

/// The text so far.
#[derive(Debug)]
pub(super) struct Page<'a, W> {
    out: &'a mut W,
    day: Option<Date>,
    lines_of_day: usize,
}

impl<'a, W: Write> Page<'a, W> {
    pub(super) fn new(out: &'a mut W) -> Page<'a, W> {
        Page { out, day: None, lines_of_day: 0 }
    }

    /// A heading of its own.
    pub(super) fn heading(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{STRONG}{text}{STRONG:#}")
    }

    /// A paragraph, or an empty line.
    pub(super) fn paragraph(&mut self, text: &str) -> io::Result<()> {
        self.hanging("", text, Tone::Plain)
    }

    /// `first`, then the text in the space right of it.
    pub(super) fn hanging(&mut self, first: &str, text: &str, tone: Tone) -> io::Result<()> {
        let style = match tone {
            Tone::Plain => Style::new(),
            Tone::Deed => STRONG,
            Tone::Aside => FAINT,
        };
        let indent = first.chars().count();
        let mut first = first.to_owned();
        for line in wrapped(text, WIDTH.saturating_sub(indent)) {
            writeln!(self.out, "{first}{style}{line}{style:#}")?;
            first = " ".repeat(indent);
        }
        Ok(())
    }

    /// Turns to the day of `at`. A day of which nothing is told says so.
    pub(super) fn turn_to(&mut self, at: Timestamp) -> io::Result<()> {
        let day = at.to_zoned(TimeZone::UTC).date();
        if self.day == Some(day) {
            return Ok(());
        }
        if self.day.is_some() && self.lines_of_day == 0 {
            self.hanging("  ", "nothing to do", Tone::Aside)?;
        }
        (self.day, self.lines_of_day) = (Some(day), 0);
        writeln!(self.out)?;
        self.heading(&day.strftime("%A, %-d %B").to_string())
    }

    /// Something that happens, with its time and the name of the conversation.
    pub(super) fn line(&mut self, at: Timestamp, name: &str, text: &str, tone: Tone) -> io::Result<()> {
        self.turn_to(at)?;
        self.lines_of_day += 1;
        self.hanging(&format!("{:<MARGIN$}", format!("  {}  {name}", clock(at))), text, tone)
    }

    /// More on the line above.
    pub(super) fn under(&mut self, text: &str) -> io::Result<()> {
        self.hanging(&" ".repeat(MARGIN), text, Tone::Aside)
    }

    /// Right-aligned figures, each with what it counts.
    pub(super) fn figures(&mut self, figures: &[(usize, String)]) -> io::Result<()> {
        for (count, what) in figures {
            self.hanging(&format!("{count:>6}  "), what, Tone::Plain)?;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The time of day.
pub(super) fn clock(at: Timestamp) -> impl Display {
    at.strftime("%H:%M")
}

/// Day and time.
pub(super) fn day_and_clock(at: Timestamp) -> String {
    at.strftime("%a %-d %b, %H:%M").to_string()
}

/// Breaks a text between words; a word that is too long stands alone.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        let with_word = line.chars().count() + 1 + word.chars().count();
        if line.is_empty() {
            line.push_str(word);
        } else if with_word <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_break_between_words_and_never_inside_one() {
        for (text, lines) in [
            ("", vec![""]),
            ("one two", vec!["one two"]),
            ("one two three", vec!["one two", "three"]),
            ("immeasurable one", vec!["immeasurable", "one"]),
        ] {
            assert_eq!(wrapped(text, 8), lines);
        }
    }

    #[test]
    fn sentences_stand_right_of_time_and_name_and_a_day_without_any_says_so() {
        let mut plain = anstream::StripStream::new(Vec::new());
        let mut page = Page::new(&mut plain);
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        page.line(at("2026-03-02T09:10:00Z"), "Kim", &["word"; 20].join(" "), Tone::Plain).unwrap();
        page.under("why").unwrap();
        page.turn_to(at("2026-03-03T00:00:00Z")).unwrap();
        page.turn_to(at("2026-03-04T00:00:00Z")).unwrap();
        insta::assert_snapshot!(String::from_utf8(plain.into_inner()).unwrap(), @r"

        Monday, 2 March
          09:10  Kim   word word word word word word word word word word word word word word word word
                       word word word word
                       why

        Tuesday, 3 March
          nothing to do

        Wednesday, 4 March
        ");
    }
}
