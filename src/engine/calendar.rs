//! Opening hours: which instants count, and which one is so much opening time or so many working days later.
//!
//! Owns: hours by day of the week, holidays, their zone, and what a change of the clocks does to them. Refuses: the
//! clock, the process's own zone, and looking further than about ten years ahead.
//!
//! A range of hours lasts from the instant at which its start is on the clock to the instant at which its end is.
//! Opening time is what really passes in between: a range over the hour that comes twice is an hour longer, one over
//! the hour that is left out an hour shorter. A time that is left out means the next instant there is; one that comes
//! twice means its first pass, so that every day has it once.

pub mod hours;
mod openings;
mod working_days;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::rule;
pub use hours::{HoursError, OpenRange, Week};

/// Opening hours in one zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Its name; rules refer to it.
    pub name: Arc<str>,
    timezone: TimeZone,
    /// From Monday; in order, and apart from each other within a day.
    week: Week,
    holidays: BTreeSet<Date>,
}

/// Why something is no calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// There are no hours on any day of the week.
    #[error("a calendar that never opens")]
    NeverOpens,
    /// The zone has no rules.
    #[error("a calendar without a time zone")]
    NoZone,
}

impl Calendar {
    /// Ranges of the same day that touch or overlap become one; where a range past midnight meets one of the next
    /// day, the rest of both belongs to that day. On a holiday no range starts; one that started the day before is
    /// left as it is.
    pub fn new(
        name: impl Into<Arc<str>>,
        timezone: TimeZone,
        week: Week,
        holidays: BTreeSet<Date>,
    ) -> Result<Calendar, CalendarError> {
        if timezone.is_unknown() {
            return Err(CalendarError::NoZone);
        }
        let week = week.map(hours::merged);
        if week.iter().all(Vec::is_empty) {
            return Err(CalendarError::NeverOpens);
        }
        Ok(Calendar { name: name.into(), timezone, week, holidays })
    }

    /// Whether `at` lies in opening hours. Their start does, their end does not.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.next_open(at) == Some(at)
    }

    /// The first open instant from `at` on: `at` itself when it is open.
    pub fn next_open(&self, at: Timestamp) -> Option<Timestamp> {
        self.openings_around(at).find(|opening| at < opening.end).map(|opening| opening.start.max(at))
    }

    /// When the hours around `at` end, over all ranges that follow without a break. `None` when `at` is not open, or
    /// no end comes within ten years.
    pub fn open_until(&self, at: Timestamp) -> Option<Timestamp> {
        let mut end = at;
        for opening in self.openings_around(at).skip_while(|opening| opening.end <= at) {
            if end < opening.start {
                break;
            }
            end = end.max(opening.end);
        }
        (at < end && !self.is_open(end)).then_some(end)
    }

    /// Opening time from `from` to `to`, of the first ten years if it is longer; nothing when `to` is not later.
    pub fn open_time_between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        let openings = self.openings_around(from).take_while(|opening| opening.start < to);
        let parts = openings.map(|opening| opening.end.min(to).duration_since(opening.start.max(from)));
        parts.filter(SignedDuration::is_positive).fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }

    /// The earliest instant in opening hours, or at their end, by which `open_time` has passed since `at`; of a
    /// negative one, as of none. `None` when that takes more than ten years.
    pub fn after(&self, at: Timestamp, open_time: SignedDuration) -> Option<Timestamp> {
        let mut left = open_time.max(SignedDuration::ZERO);
        for opening in self.openings_around(at).skip_while(|opening| opening.end < at) {
            let start = opening.start.max(at);
            let here = opening.end.duration_since(start);
            if left <= here {
                return start.checked_add(left).ok();
            }
            left -= here;
        }
        None
    }

    /// The zone that its hours are told in.
    pub fn timezone(&self) -> &TimeZone {
        &self.timezone
    }

    /// The hours of each day, from Monday, in order and apart from each other.
    pub fn week(&self) -> &Week {
        &self.week
    }

    /// The days on which no hours start, whatever day of the week they are.
    pub fn holidays(&self) -> &BTreeSet<Date> {
        &self.holidays
    }

    /// The shortest time between opening and closing in an ordinary week; `None` when it never closes.
    pub fn shortest_opening(&self) -> Option<SignedDuration> {
        hours::shortest_run(&self.week).map(SignedDuration::from_mins)
    }

    /// Changes when anything does that a decision could depend on: hours, holidays, or what is known about the zone.
    pub fn fingerprint(&self) -> String {
        rule::digest(&format!("{self:?} {}", openings::changes(&self.timezone)))
    }
}

#[cfg(test)]
mod tests;
