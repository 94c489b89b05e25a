//! From hours on a clock to instants.
//!
//! Owns: what a zone makes of a day's hours, and how far anybody looks ahead.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::Calendar;
use super::hours::OpenRange;

/// Days looked at for one answer: ten years, and a week for what lies around.
pub(super) const HORIZON: usize = 3660;

/// One range of one day, as it really happens; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opening {
    /// The day it starts on, by the range.
    pub(super) day: Date,
    /// The first open instant.
    pub(super) start: Timestamp,
    /// The first instant that is not open any more.
    pub(super) end: Timestamp,
}

impl Calendar {
    /// All openings that end after `at` or at it, and maybe some before.
    pub(super) fn openings_around(&self, at: Timestamp) -> impl Iterator<Item = Opening> + '_ {
        self.openings_since_the_day_before(self.timezone.to_datetime(at).date())
    }

    /// As the first of a day may begin within hours of the day before, these come too.
    pub(super) fn openings_since_the_day_before(&self, day: Date) -> impl Iterator<Item = Opening> + '_ {
        let from = day.yesterday().unwrap_or(day);
        let days = std::iter::successors(Some(from), |day| day.tomorrow().ok());
        apart(days.take(HORIZON).flat_map(|day| self.openings_on(day)))
    }

    fn openings_on(&self, day: Date) -> impl Iterator<Item = Opening> + '_ {
        self.ranges_on(day).iter().filter_map(move |range| self.opening(day, *range))
    }

    fn ranges_on(&self, day: Date) -> &[OpenRange] {
        let of_week = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or_default();
        let ranges = self.week.get(of_week).filter(|ranges| !ranges.is_empty() && !self.holidays.contains(&day));
        ranges.map_or(&[], Vec::as_slice)
    }

    fn opening(&self, day: Date, range: OpenRange) -> Option<Opening> {
        let at = |minute: u16| self.instant(day, SignedDuration::from_mins(minute.into()));
        let (start, end) = (at(range.from())?, at(range.to())?);
        (start < end).then_some(Opening { day, start, end })
    }

    /// The instant at which the clock has run `since_midnight` into `day`.
    pub(super) fn instant(&self, day: Date, since_midnight: SignedDuration) -> Option<Timestamp> {
        let local = day.to_datetime(Time::midnight()).checked_add(since_midnight).ok()?;
        let ambiguous = self.timezone.to_ambiguous_timestamp(local);
        match ambiguous.offset() {
            AmbiguousOffset::Gap { .. } => end_of_gap(&self.timezone, local),
            _ => ambiguous.earlier().ok(),
        }
    }
}

/// The same opening time, with none of it twice: where hours past midnight meet those of the day itself, the day has
/// the rest of both.
fn apart(openings: impl Iterator<Item = Opening>) -> impl Iterator<Item = Opening> {
    let mut openings = openings.peekable();
    let shortened = move || {
        let mut opening = openings.next()?;
        if let Some(next) = openings.peek_mut().filter(|next| next.start < opening.end) {
            next.end = next.end.max(opening.end);
            opening.end = next.start;
        }
        Some(opening)
    };
    std::iter::from_fn(shortened).filter(|opening| opening.start < opening.end)
}

/// The instant at which the clocks go forward over `local`.
fn end_of_gap(timezone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    let ambiguous = timezone.to_ambiguous_timestamp(local);
    let (before, after) = (ambiguous.earlier().ok()?, ambiguous.later().ok()?);
    let offset = timezone.to_offset(after);
    // Not every entry of the zone data moves the clocks.
    let mut changes = timezone.following(before).take_while(|change| change.timestamp() <= after);
    changes.find(|change| change.offset() == offset).map(|change| change.timestamp()).or(Some(after))
}

/// Everything that is known about a zone's clocks in this century, as text.
pub(super) fn changes(timezone: &TimeZone) -> String {
    let century = Timestamp::constant(946_684_800, 0)..Timestamp::constant(4_102_444_800, 0);
    let start = timezone.to_offset(century.start).to_string();
    let changes = timezone.following(century.start).take_while(|change| change.timestamp() < century.end);
    changes.fold(start, |text, change| format!("{text} {} {}", change.timestamp(), change.offset()))
}
