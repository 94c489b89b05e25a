//! Working days: calendar days on which opening hours start.

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};

use super::Calendar;

impl Calendar {
    /// `days` working days after `at`, at the same time of day. A day counts once however long it is open, and a
    /// range past midnight belongs to the day it starts on.
    ///
    /// An `at` outside the hours counts from the next opening. A result outside the hours moves back to the last
    /// end of that day's hours before it; if the day has not opened by then, on to its opening. `None` when that
    /// takes more than ten years.
    pub fn after_working_days(&self, at: Timestamp, days: u32) -> Option<Timestamp> {
        let from = self.next_open(at)?;
        let Some(others) = days.checked_sub(1) else {
            return Some(from);
        };
        let day = self.openings_around(from).find(|opening| from < opening.end)?.day;
        let since_midnight = self.timezone.to_datetime(from).duration_since(day.to_datetime(Time::midnight()));
        let target = self.working_days_after(day).nth(usize::try_from(others).ok()?)?;
        self.landing(target, since_midnight)
    }

    fn working_days_after(&self, day: Date) -> impl Iterator<Item = Date> + '_ {
        let mut last = day;
        let days = self.openings_since_the_day_before(day).map(|opening| opening.day).skip_while(move |of| *of <= day);
        days.filter(move |day| std::mem::replace(&mut last, *day) != *day)
    }

    fn landing(&self, day: Date, since_midnight: SignedDuration) -> Option<Timestamp> {
        let wanted = self.instant(day, since_midnight)?;
        if self.is_open(wanted) {
            return Some(wanted);
        }
        let around = self.openings_since_the_day_before(day).skip_while(|opening| opening.day < day);
        let mut its_own = around.take_while(|opening| opening.day == day);
        let first = its_own.next()?;
        if wanted < first.start {
            return Some(first.start);
        }
        Some(its_own.take_while(|opening| opening.start <= wanted).last().unwrap_or(first).end)
    }
}
