//! Lengths of time and sizes as people write them: `5 days`, `90s`, `1 MiB`.
//!
//! Owns: the grammar, its limits, and what to write instead. Refuses: a number without a unit, as nobody can see
//! later what was meant.

use jiff::SignedDuration;

use super::notes::Problem;
use crate::engine::rule::After;

/// Ten years with their leap days.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 3653);

const UNITS: [(&str, &[&str], i64); 5] = [
    ("second", &["s", "second", "seconds"], 1),
    ("minute", &["m", "minute", "minutes"], 60),
    ("hour", &["h", "hour", "hours"], 60 * 60),
    ("day", &["d", "day", "days"], 24 * 60 * 60),
    ("week", &["w", "week", "weeks"], 7 * 24 * 60 * 60),
];

/// How far a step is behind the anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Distance {
    pub(super) after: After,
    /// Written in days or weeks, which are not the same by a calendar.
    pub(super) in_days: bool,
}

/// Working days, or a length of time.
pub(super) fn parse_distance(text: &str) -> Result<Distance, Problem> {
    let unit = text.trim().trim_start_matches(|c: char| c.is_ascii_digit()).trim();
    if !matches!(unit, "working day" | "working days") {
        let in_days = DAY_UNITS.contains(&unit);
        return parse(text).map(|length| Distance { after: After::Time(length), in_days });
    }
    // The same limits as for days.
    let days = parse(&text.replacen("working", "", 1))?.as_hours() / 24;
    let days = u32::try_from(days).map_err(|_| unreadable())?;
    Ok(Distance { after: After::WorkingDays(days), in_days: false })
}

/// A length of time: a positive whole number and a unit, from one second to ten years.
pub(super) fn parse(text: &str) -> Result<SignedDuration, Problem> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(Problem::new("a length of time cannot be negative", "write a positive number, such as \"5 days\""));
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(unreadable());
    }
    let seconds = unit_seconds(number, unit.trim())?;
    let amount = number.parse::<i64>().ok().and_then(|number| number.checked_mul(seconds));
    match amount.map(SignedDuration::from_secs) {
        Some(SignedDuration::ZERO) => {
            Err(Problem::new("a length of time cannot be zero", "the smallest is \"1 second\""))
        }
        Some(length) if length <= LONGEST => Ok(length),
        _ => Err(Problem::new("this is longer than ten years", "the longest is \"3653 days\"")),
    }
}

const DAY_UNITS: [&str; 6] = ["d", "day", "days", "w", "week", "weeks"];

fn unit_seconds(number: &str, unit: &str) -> Result<i64, Problem> {
    if unit.is_empty() {
        return Err(Problem::new(
            format!("`{number}` has no unit"),
            format!("write for example \"{number} days\"; the units are seconds, minutes, hours, days and weeks"),
        ));
    }
    if unit.starts_with(['.', ',']) {
        return Err(Problem::new(
            "a length of time is a whole number",
            "use a smaller unit: \"36 hours\" for a day and a half",
        ));
    }
    if matches!(unit, "working day" | "working days") {
        return Err(Problem::new(
            "working days are counted in the steps of a rule alone",
            "count plain days or hours here, such as \"2 days\"",
        ));
    }
    let known = UNITS.iter().find(|(_, names, _)| names.contains(&unit)).map(|(_, _, seconds)| *seconds);
    known.ok_or_else(|| meant(number, unit).unwrap_or_else(unreadable))
}

/// What somebody meant by a unit that is another word for a known one.
fn meant(number: &str, unit: &str) -> Option<Problem> {
    let lower = unit.to_lowercase();
    let unit = match lower.as_str() {
        "sec" | "secs" => "seconds",
        "min" | "mins" => "minutes",
        "hr" | "hrs" => "hours",
        "wk" | "wks" => "weeks",
        "working day" | "working days" | "business day" | "business days" | "workday" | "workdays" => "working days",
        "month" | "months" => {
            return Some(Problem::new("a month is not always as long as another", "count days: \"30 days\""));
        }
        lower => UNITS.iter().flat_map(|(_, names, _)| names.iter()).find(|name| **name == lower)?,
    };
    Some(Problem::new("this is no length of time", format!("write \"{number} {unit}\"")))
}

fn unreadable() -> Problem {
    Problem::new(
        "this is no length of time",
        "write a number and a unit: seconds, minutes, hours, days or weeks, such as \"5 days\"",
    )
}

/// The length exactly, in the largest unit that fits it, up to days: `7 days`, `36 hours`.
pub(crate) fn in_words(length: SignedDuration) -> String {
    let seconds = length.as_secs();
    let fits = UNITS[..4].iter().rev().find(|(_, _, unit)| seconds != 0 && seconds % unit == 0);
    let (name, unit) = fits.map_or(("second", 1), |(name, _, unit)| (*name, *unit));
    counted(seconds / unit, name)
}

/// How far a step is away, as it may be written: time by a calendar is never told in days.
pub(crate) fn distance_in_words(after: After, by_calendar: bool) -> String {
    match after {
        After::WorkingDays(days) => counted(days.into(), "working day"),
        After::Time(time) if by_calendar => {
            let fits = if time.as_secs() % 3600 == 0 { (3600, "hour") } else { (60, "minute") };
            if time.as_secs() % 60 == 0 { counted(time.as_secs() / fits.0, fits.1) } else { in_words(time) }
        }
        After::Time(time) => in_words(time),
    }
}

/// The length as somebody would tell it, rounded down: `5 days` for five days and a few hours.
pub(crate) fn roughly(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    // Two of a unit before it is used: 47 hours are not "1 day".
    let fits = UNITS[..4].iter().rev().find(|(_, _, unit)| seconds >= 2 * unit || seconds == *unit);
    let (name, unit) = fits.map_or(("second", 1), |(name, _, unit)| (*name, *unit));
    counted(seconds / unit, name)
}

fn counted(number: i64, name: &str) -> String {
    if number == 1 { format!("1 {name}") } else { format!("{number} {name}s") }
}

/// A size in bytes: a whole number with B, KiB or MiB, more than nothing.
pub(super) fn parse_size(text: &str) -> Result<usize, Problem> {
    let unreadable = || Problem::new("this is no size", "write a whole number with B, KiB or MiB, such as \"1 MiB\"");
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim() {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return Err(unreadable()),
    };
    let size = number.parse::<u32>().ok().and_then(|number| usize::try_from(number).ok()?.checked_mul(unit));
    match size {
        Some(0) => Err(Problem::new("a size of nothing lets nothing through", "write for example \"1 MiB\"")),
        Some(size) => Ok(size),
        None => Err(unreadable()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_a_number_and_a_unit() {
        for (text, seconds) in [
            ("1s", 1),
            ("90 seconds", 90),
            ("1 second", 1),
            ("5m", 300),
            ("1 minute", 60),
            ("36 hours", 36 * 3600),
            ("1h", 3600),
            ("7 days", 7 * 86400),
            ("1d", 86400),
            ("2 weeks", 14 * 86400),
            (" 2w ", 14 * 86400),
            ("3653 days", 3653 * 86400),
        ] {
            assert_eq!(parse(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_to_write() {
        for (text, message) in [
            ("", "this is no length of time"),
            ("days", "this is no length of time"),
            ("5 dys", "this is no length of time"),
            ("5 Days", "this is no length of time"),
            ("P5D", "this is no length of time"),
            ("5 days 3 hours", "this is no length of time"),
            ("5", "`5` has no unit"),
            ("0 days", "a length of time cannot be zero"),
            ("-5 days", "a length of time cannot be negative"),
            ("1.5 days", "a length of time is a whole number"),
            ("2 working days", "working days are counted in the steps of a rule alone"),
            ("3654 days", "this is longer than ten years"),
            ("99999999999999999999 weeks", "this is longer than ten years"),
            ("9223372036854775807 weeks", "this is longer than ten years"),
        ] {
            assert_eq!(parse(text).map_err(|problem| problem.message), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn another_word_for_a_unit_is_told_the_known_one() {
        for (text, help) in [
            ("5 Days", "write \"5 days\""),
            ("72 hrs", "write \"72 hours\""),
            ("5 min", "write \"5 minutes\""),
            ("3 Business Days", "write \"3 working days\""),
            ("1 month", "count days: \"30 days\""),
        ] {
            assert_eq!(parse_distance(text).map_err(|problem| problem.help), Err(help.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_step_is_so_many_working_days_or_so_much_time_away() {
        let time = |hours| After::Time(SignedDuration::from_hours(hours));
        for (text, after, in_days) in [
            ("1 working day", After::WorkingDays(1), false),
            (" 10 working days ", After::WorkingDays(10), false),
            ("2working days", After::WorkingDays(2), false),
            ("36 hours", time(36), false),
            ("2 days", time(48), true),
            ("1d", time(24), true),
            ("1 week", time(168), true),
        ] {
            assert_eq!(parse_distance(text), Ok(Distance { after, in_days }), "{text}");
        }
        for (text, message) in [
            ("0 working days", "a length of time cannot be zero"),
            ("-1 working days", "a length of time cannot be negative"),
            ("working days", "this is no length of time"),
            ("1.5 working days", "a length of time is a whole number"),
            ("4000 working days", "this is longer than ten years"),
            ("2 working weeks", "this is no length of time"),
        ] {
            assert_eq!(parse_distance(text).map_err(|problem| problem.message), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_length_is_told_in_the_unit_that_people_use() {
        for (seconds, exact, rough) in [
            (1, "1 second", "1 second"),
            (60, "1 minute", "1 minute"),
            (90, "90 seconds", "90 seconds"),
            (130, "130 seconds", "2 minutes"),
            (86400, "1 day", "1 day"),
            (36 * 3600, "36 hours", "36 hours"),
            (7 * 86400, "7 days", "7 days"),
            (5 * 86400 + 3601, "435601 seconds", "5 days"),
        ] {
            let length = SignedDuration::from_secs(seconds);
            assert_eq!((in_words(length).as_str(), roughly(length).as_str()), (exact, rough));
        }
    }

    #[test]
    fn a_size_is_a_number_of_bytes_with_its_unit() {
        for (text, size) in [("512 B", 512), ("64KiB", 64 << 10), ("1 MiB", 1 << 20)] {
            assert_eq!(parse_size(text), Ok(size), "{text}");
        }
        for text in ["", "1", "1 MB", "-1 B", "1.5 MiB", "0 B", "99999999999 MiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
