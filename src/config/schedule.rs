//! Cron expressions, read by the parser of the scheduler that will run them.

use std::time::Duration;

use croner::parser::{CronParser, Seconds};

use super::notes::Problem;

/// A cron expression with six fields that fires some day.
pub(super) fn parse(text: &str) -> Result<String, Problem> {
    let fields = text.split_whitespace().count();
    if fields == 5 {
        return Err(Problem::new(
            "this schedule has five fields: the seconds are missing",
            format!("seconds come first; the same schedule is \"0 {}\"", text.trim()),
        ));
    }
    if fields != 6 || text.contains('@') {
        return Err(Problem::new(
            "a schedule has six fields: second, minute, hour, day of month, month, day of week",
            "write for example \"*/10 * * * * *\" for every ten seconds; times are UTC",
        ));
    }
    // The options that the scheduler itself uses.
    let parser = CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build();
    let cron = parser.parse(text).map_err(|error| {
        Problem::new(
            format!("this schedule cannot be read: {error}"),
            "the fields are second, minute, hour, day of month, month, day of week; for example \"0 */10 * * * *\"",
        )
    })?;
    if ever_fires(&cron) { Ok(text.trim().to_owned()) } else { Err(never()) }
}

/// The longest time between two moments of a checked schedule, leap days aside; a day if it cannot be read.
pub fn longest_gap(text: &str) -> Duration {
    const DAY: u64 = 86_400;
    let parser = CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build();
    let Ok(cron) = parser.parse(text) else { return Duration::from_secs(DAY) };
    let of_the_day = |hour: u32, minute: u32, second: u32| u64::from((hour * 60 + minute) * 60 + second);
    let pattern = &cron.pattern;
    let seconds: Vec<u32> = (0..60).filter(|second| pattern.second_match(*second).unwrap_or(false)).collect();
    let minutes: Vec<u32> = (0..60).filter(|minute| pattern.minute_match(*minute).unwrap_or(false)).collect();
    let hours = (0..24).filter(|hour| pattern.hour_match(*hour).unwrap_or(false));
    let times: Vec<u64> = hours
        .flat_map(|hour| minutes.iter().map(move |minute| (hour, *minute)))
        .flat_map(|(hour, minute)| seconds.iter().map(move |second| of_the_day(hour, minute, *second)))
        .collect();
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Duration::from_secs(DAY) };
    let within = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
    let daily = text.split_whitespace().skip(3).all(|field| field == "*");
    let pause = if daily { 1 } else { longest_pause_in_days(&cron) };
    let over_night = pause * DAY - last + first;
    Duration::from_secs(within.max(over_night))
}

/// Days from one day that fits to the next, at most.
fn longest_pause_in_days(cron: &croner::Cron) -> u64 {
    let days = (2000..2028)
        .flat_map(|year| (1..=12).flat_map(move |month| (1..=days_in(year, month)).map(move |day| (year, month, day))));
    let (mut longest, mut pause) = (1, 0);
    for (year, month, day) in days {
        pause += 1;
        let month_fits = cron.pattern.month_match(month).unwrap_or(false);
        if month_fits && cron.pattern.day_match(year, month, day).unwrap_or(false) {
            (longest, pause) = (longest.max(pause), 0);
        }
    }
    longest
}

fn never() -> Problem {
    Problem::new(
        "no date fits this schedule, so nothing would ever happen",
        "check day of month, month and day of week",
    )
}

/// Looks through 28 years, in which every date falls on every day of the week.
fn ever_fires(cron: &croner::Cron) -> bool {
    let fits = |year: i32, month: u32, day: u32| {
        let month_fits = cron.pattern.month_match(month).unwrap_or(false);
        month_fits && cron.pattern.day_match(year, month, day).unwrap_or(false)
    };
    (2000..2028).any(|year| (1..=12).any(|month| (1..=days_in(year, month)).any(|day| fits(year, month, day))))
}

fn days_in(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_of_a_schedule_is_known() {
        for (schedule, seconds) in [
            ("*/10 * * * * *", 10),
            ("0 */10 * * * *", 600),
            ("0 0 9,17 * * *", 16 * 3_600),
            ("0 0 9 * * MON-FRI", 3 * 86_400),
            ("30 15 3 * * *", 86_400),
        ] {
            assert_eq!(longest_gap(schedule), Duration::from_secs(seconds), "{schedule}");
        }
    }

    #[test]
    fn a_schedule_has_six_fields_and_fires_some_day() {
        for good in ["*/10 * * * * *", "0 */10 * * * *", "0 0 9 * * MON-FRI", "0 0 0 29 2 MON", " 0 0 0 L * * "] {
            assert_eq!(parse(good), Ok(good.trim().to_owned()));
        }
        for (bad, message) in [
            ("*/10 * * * *", "this schedule has five fields"),
            ("", "a schedule has six fields"),
            ("@hourly", "a schedule has six fields"),
            ("0 0 * * * * 2030", "a schedule has six fields"),
            ("61 * * * * *", "this schedule cannot be read"),
            ("every day at nine in morning", "this schedule cannot be read"),
            ("0 0 0 30 2 *", "no date fits"),
        ] {
            let problem = parse(bad).unwrap_err();
            assert!(problem.message.starts_with(message), "{bad}: {}", problem.message);
        }
    }
}
