//! Holidays from an iCalendar file: the days of its all-day events, once or every year.
//!
//! Owns: the part of RFC 5545 that calendars of public holidays use. Refuses, with its line, whatever would change
//! the days and is not understood, and a file that stops in the middle: a holiday missed is a day worked.

mod event;
mod lines;

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;

use event::Event;
use lines::Line;

use super::reader::shown;

/// More days than this come from a mistake.
const MOST_DAYS: usize = 100_000;

/// Why a file gives no holidays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IcsError {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
    /// What to do about it.
    pub help: &'static str,
}

impl IcsError {
    fn new(line: usize, message: impl Into<String>, help: &'static str) -> IcsError {
        IcsError { line, message: message.into(), help }
    }
}

impl fmt::Display for IcsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for IcsError {}

/// The days of all all-day events in an `.ics` file, in order, each once. Events repeated every year give their days
/// up to 2100. Cancelled events give none.
pub fn holidays(text: &str) -> Result<Vec<Date>, IcsError> {
    let mut file = File::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for line in lines::unfolded(text) {
        file.read(line.number, &line.text)?;
    }
    file.finish(text.lines().count())
}

/// What has been read so far.
#[derive(Default)]
struct File {
    /// The components that the place lies in, outermost first, with the line each begins in.
    within: Vec<(String, usize)>,
    event: Option<Event>,
    began: bool,
    days: BTreeSet<Date>,
    given: usize,
}

impl File {
    fn read(&mut self, number: usize, text: &str) -> Result<(), IcsError> {
        if !self.began && !text.trim_end().eq_ignore_ascii_case("BEGIN:VCALENDAR") {
            return Err(no_calendar(number));
        }
        self.began = true;
        let line = &Line::parse(number, text)?;
        if line.is("BEGIN") {
            self.begin(line)
        } else if line.is("END") {
            self.end(line)
        } else if self.is_directly_in_an_event() {
            self.event.as_mut().map_or(Ok(()), |event| event.read(line))
        } else {
            Ok(())
        }
    }

    fn begin(&mut self, line: &Line<'_>) -> Result<(), IcsError> {
        let name = line.value.trim().to_ascii_uppercase();
        if name == "VEVENT" {
            if self.event.is_some() {
                return Err(IcsError::new(line.number, "an event begins inside another", EXPORT_AGAIN));
            }
            self.event = Some(Event::begun(line.number));
        }
        self.within.push((name, line.number));
        Ok(())
    }

    fn end(&mut self, line: &Line<'_>) -> Result<(), IcsError> {
        let name = line.value.trim().to_ascii_uppercase();
        if self.within.pop().is_none_or(|(begun, _)| begun != name) {
            return Err(IcsError::new(line.number, format!("`END:{}` ends nothing here", shown(&name)), EXPORT_AGAIN));
        }
        match self.event.take() {
            Some(event) if name == "VEVENT" => self.take(&event),
            event => {
                self.event = event;
                Ok(())
            }
        }
    }

    fn take(&mut self, event: &Event) -> Result<(), IcsError> {
        let began = event.line();
        let days = event.days()?;
        self.given += days.len();
        if self.given > MOST_DAYS {
            let message = format!("with this event there are more than {MOST_DAYS} days");
            return Err(IcsError::new(began, message, "keep the holidays that matter, and remove the others"));
        }
        self.days.extend(days);
        Ok(())
    }

    /// An alarm inside an event has properties of the same names.
    fn is_directly_in_an_event(&self) -> bool {
        self.within.last().is_some_and(|(name, _)| name == "VEVENT")
    }

    fn finish(self, lines: usize) -> Result<Vec<Date>, IcsError> {
        if !self.began {
            return Err(no_calendar(lines.max(1)));
        }
        if let Some((name, line)) = self.within.last() {
            return Err(IcsError::new(*line, format!("`{}` begins here and does not end", shown(name)), EXPORT_AGAIN));
        }
        Ok(self.days.into_iter().collect())
    }
}

const EXPORT_AGAIN: &str = "the file is damaged or cut off: export or download it again";

fn no_calendar(line: usize) -> IcsError {
    let help = "name an .ics file; its first line is BEGIN:VCALENDAR";
    IcsError::new(line, "this is no iCalendar file", help)
}

#[cfg(test)]
mod tests;
