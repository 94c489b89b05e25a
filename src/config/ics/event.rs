//! One event, and the days that it covers.

use jiff::ToSpan;
use jiff::civil::Date;

use super::IcsError;
use super::lines::Line;
use crate::config::reader::shown;

/// Events repeated every year are followed up to this one.
const LAST_YEAR: i16 = 2100;

/// Days of years before are left out when an event is repeated.
const FIRST_YEAR: i16 = 2000;

/// Most days that one event may last.
const LONGEST: i32 = 366;

const SINGLE_DATES: &str = "write its days into `holidays` by hand, and remove the event from the file";

/// What was read of an event.
pub(super) struct Event {
    line: usize,
    start: Option<Date>,
    end: Option<(Date, usize)>,
    repeats: Option<Repeats>,
    except: Vec<Date>,
    cancelled: bool,
}

/// Every year, for how long.
#[derive(Default)]
struct Repeats {
    count: Option<u32>,
    until: Option<Date>,
}

impl Event {
    pub(super) fn begun(line: usize) -> Event {
        Event { line, start: None, end: None, repeats: None, except: Vec::new(), cancelled: false }
    }

    /// The line it begins in.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn read(&mut self, line: &Line<'_>) -> Result<(), IcsError> {
        match line.name().as_str() {
            "DTSTART" => once(line, self.start.replace(day(line, line.value)?).is_none()),
            "DTEND" => once(line, self.end.replace((day(line, line.value)?, line.number)).is_none()),
            "RRULE" => once(line, self.repeats.replace(repeats(line)?).is_none()),
            "EXDATE" => {
                for text in line.value.split(',') {
                    self.except.push(day(line, text)?);
                }
                Ok(())
            }
            "STATUS" => {
                self.cancelled = line.value.trim().eq_ignore_ascii_case("CANCELLED");
                Ok(())
            }
            name @ ("DURATION" | "RDATE" | "EXRULE" | "RECURRENCE-ID") => {
                Err(IcsError::new(line.number, format!("an event with `{name}` is not understood"), SINGLE_DATES))
            }
            _ => Ok(()),
        }
    }

    /// Every day it covers; a day may come twice.
    pub(super) fn days(&self) -> Result<Vec<Date>, IcsError> {
        let Some(start) = self.start else {
            let help = "give the event a start, such as DTSTART;VALUE=DATE:20261225";
            return Err(IcsError::new(self.line, "this event has no `DTSTART`", help));
        };
        let length = self.length(start)?;
        if self.cancelled {
            return Ok(Vec::new());
        }
        let starts = self.repeats.as_ref().map_or_else(|| vec![start], |repeats| repeats.starts(start));
        let kept = starts.into_iter().filter(|start| !self.except.contains(start));
        let days = kept.flat_map(|start| (0..length).filter_map(move |days| start.checked_add(days.days()).ok()));
        Ok(days.collect())
    }

    /// In days. `DTEND` is the day after the last one; some programs write the first day again.
    fn length(&self, start: Date) -> Result<i32, IcsError> {
        let Some((end, line)) = self.end else { return Ok(1) };
        let days = start.duration_until(end).as_hours() / 24;
        match i32::try_from(days) {
            Ok(0) => Ok(1),
            Ok(days @ 1..=LONGEST) => Ok(days),
            Ok(..0) => Err(IcsError::new(
                line,
                "this event ends before it starts",
                "correct `DTEND`: the day after the last one",
            )),
            _ => {
                Err(IcsError::new(line, "this event lasts longer than a year", "correct `DTEND`, or remove the event"))
            }
        }
    }
}

impl Repeats {
    /// The first day of each time. 29 February comes in leap years only.
    fn starts(&self, start: Date) -> Vec<Date> {
        let years = start.year()..=LAST_YEAR.max(start.year());
        let all = years.filter_map(|year| Date::new(year, start.month(), start.day()).ok());
        let counted = all.take(self.count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX)));
        let in_time = counted.take_while(|day| self.until.is_none_or(|until| *day <= until));
        in_time.filter(|day| day.year() >= FIRST_YEAR).collect()
    }
}

fn once(line: &Line<'_>, is_first: bool) -> Result<(), IcsError> {
    let again = || format!("this event has a second `{}`", line.name());
    if is_first { Ok(()) } else { Err(IcsError::new(line.number, again(), "keep one of them")) }
}

/// `20261225`
fn day(line: &Line<'_>, text: &str) -> Result<Date, IcsError> {
    let text = text.trim();
    if let Some(date) = plain_date(text) {
        return Ok(date);
    }
    let what = format!("`{}` is `{}`", line.name(), shown(text));
    if text.split_once('T').is_some_and(|(day, _)| plain_date(day).is_some()) {
        let help = "holidays are whole days: make it an all-day event, or remove it from the file";
        return Err(IcsError::new(line.number, format!("{what}, which has a time of day"), help));
    }
    let help = "write year, month and day, such as DTSTART;VALUE=DATE:20261225";
    Err(IcsError::new(line.number, format!("{what}, which is no date"), help))
}

fn plain_date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?);
    Date::new(year, month, day).ok()
}

/// `FREQ=YEARLY`, perhaps with `COUNT` or `UNTIL`, and nothing that would choose other days.
fn repeats(line: &Line<'_>) -> Result<Repeats, IcsError> {
    let mut repeats = Repeats::default();
    let mut yearly = false;
    for part in line.value.trim().split(';').filter(|part| !part.is_empty()) {
        let part = part.to_ascii_uppercase();
        match part.split_once('=') {
            Some(("FREQ", "YEARLY")) => yearly = true,
            Some(("COUNT", count)) => repeats.count = Some(times(line, count)?),
            Some(("UNTIL", until)) => repeats.until = Some(day(line, until)?),
            Some(("INTERVAL", "1") | ("WKST", _)) => {}
            _ => {
                return Err(IcsError::new(
                    line.number,
                    format!("`{}` in an `RRULE` is not understood", shown(&part)),
                    SINGLE_DATES,
                ));
            }
        }
    }
    if yearly {
        return Ok(repeats);
    }
    Err(IcsError::new(line.number, "an `RRULE` without `FREQ=YEARLY` is not understood", SINGLE_DATES))
}

fn times(line: &Line<'_>, text: &str) -> Result<u32, IcsError> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| {
        IcsError::new(line.number, format!("`COUNT={}` is no number of times", shown(text)), "write 1 or more")
    })
}
