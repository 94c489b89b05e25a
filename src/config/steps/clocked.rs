//! Whether a length of time goes with the rule's clock.
//!
//! Owns: what to write in place of days by a calendar. Refuses: lengths beyond what a calendar is looked ahead.

use jiff::SignedDuration;

use crate::config::calendars::RuleClock;
use crate::config::duration::Distance;
use crate::config::notes::Problem;
use crate::engine::calendar::Calendar;
use crate::engine::rule::After;

/// Weeks that a calendar is surely looked ahead, whatever holidays it has.
const LOOKED_AHEAD: u32 = 480;

/// Whether such a length can be counted on such a clock.
pub(super) fn goes_with(clock: &RuleClock, distance: Distance) -> Result<(), Problem> {
    match (clock, distance.after) {
        (RuleClock::None, After::WorkingDays(days)) => {
            let plain = counted(days, "day");
            let help = format!(
                "name a [[calendar]] above the first step, such as clock = \"office\", or count plain days: \"{plain}\""
            );
            Err(Problem::new("working days need a calendar", help))
        }
        (RuleClock::Of(calendar), after) => {
            let week = Week::of(calendar);
            if let (After::Time(length), true) = (after, distance.in_days) {
                return Err(Problem::new(
                    "a day by a calendar could be a working day or 24 hours",
                    week.instead(length),
                ));
            }
            if week.takes_too_long(after) {
                let help = "write less: a calendar is not looked ahead any further";
                return Err(Problem::new("this takes more than nine years of the calendar's hours", help));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// An ordinary week of a calendar.
struct Week {
    /// Days with hours.
    days: u32,
    /// Minutes of opening time.
    minutes: u32,
    /// Minutes of opening time of the day that there are most of.
    ordinary_day: u32,
}

impl Week {
    fn of(calendar: &Calendar) -> Week {
        let open: Vec<u32> = calendar
            .week()
            .iter()
            .filter(|ranges| !ranges.is_empty())
            .map(|ranges| ranges.iter().map(|range| u32::from(range.to() - range.from())).sum())
            .collect();
        let often = |minutes: &&u32| (open.iter().filter(|other| other == minutes).count(), **minutes);
        Week {
            days: u32::try_from(open.len()).unwrap_or(7),
            minutes: open.iter().sum(),
            ordinary_day: open.iter().max_by_key(often).copied().unwrap_or_default(),
        }
    }

    /// What somebody could have meant by so many days of 24 hours.
    fn instead(&self, length: SignedDuration) -> String {
        let days = u32::try_from(length.as_hours() / 24).unwrap_or(u32::MAX);
        let working = if days.is_multiple_of(7) { days / 7 * self.days } else { days };
        let minutes = working.saturating_mul(self.ordinary_day);
        let time = if minutes.is_multiple_of(60) { counted(minutes / 60, "hour") } else { counted(minutes, "minute") };
        format!("write \"{}\", or hours of opening time such as \"{time}\"", counted(working, "working day"))
    }

    fn takes_too_long(&self, after: After) -> bool {
        match after {
            After::WorkingDays(days) => days > LOOKED_AHEAD * self.days,
            After::Time(length) => length.as_mins() > i64::from(LOOKED_AHEAD) * i64::from(self.minutes),
        }
    }
}

pub(super) fn counted(number: u32, name: &str) -> String {
    if number == 1 { format!("1 {name}") } else { format!("{number} {name}s") }
}
