//! Hours as people write them: `mon-fri = ["09:00-18:00"]`.
//!
//! Owns: the grammar, what to write instead, and ranges within a day and a week. Refuses: guessing. A range that
//! ends before it starts is taken to cross midnight up to twelve hours; a longer one is an ordinary day written
//! backwards. `00:00` as an end is midnight, like `24:00`.

use std::fmt;

const DAY: u16 = 24 * 60;

/// The longest range that is believed to cross midnight, in minutes.
const LONGEST_NIGHT: u16 = 12 * 60;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The hours of each day, from Monday. A day's hours are those that start on it.
pub type Week = [Vec<OpenRange>; 7];

/// A stretch of one day, or of one day and the next, in minutes from the start of the day; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpenRange {
    from: u16,
    to: u16,
}

impl OpenRange {
    /// `from` is a minute of the day, `to` a later one: of the same day up to 1440, of the next day beyond that. At
    /// most 24 hours lie between. `None` for anything else.
    pub fn new(from: u16, to: u16) -> Option<OpenRange> {
        (from < DAY && from < to && to - from <= DAY).then_some(OpenRange { from, to })
    }

    /// The first minute.
    pub fn from(self) -> u16 {
        self.from
    }

    /// The first minute after it; 1440 and more are of the next day.
    pub fn to(self) -> u16 {
        self.to
    }
}

impl fmt::Display for OpenRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = if self.to > DAY { self.to - DAY } else { self.to };
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, to / 60, to % 60)
    }
}

/// What is wrong with hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// No day of the week, or no range of them.
    #[error("`{0}` is no day of the week")]
    UnknownDay(String),
    /// A range of days from a day to itself.
    #[error("`{0}` is a range of one day, or of eight")]
    DayToItself(String),
    /// Two keys give hours for the same day.
    #[error("`{day}` is given twice: `{key}` has it again")]
    DayTwice {
        /// The day.
        day: &'static str,
        /// The later of the two keys.
        key: String,
    },
    /// Not two times with a hyphen between them.
    #[error("`{0}` is no range of hours")]
    NotARange(String),
    /// Not hours and minutes, or not on any clock.
    #[error("`{0}` is no time of day")]
    BadTime(String),
    /// Minutes of 60 and more.
    #[error("`{0}` has more than 59 minutes")]
    NoSuchMinute(String),
    /// A range from `24:00`.
    #[error("`{0}` starts at the end of the day")]
    StartsAtTheEnd(String),
    /// Start and end are equal.
    #[error("`{0}` ends as it starts")]
    Empty(String),
    /// The end is before the start, and too long before it for a night.
    #[error("`{range}` ends before it starts")]
    Backwards {
        /// As written.
        range: String,
        /// The same with start and end in order.
        turned: String,
        /// What would be two ranges: of the day, and of the day after.
        parts: (String, String),
    },
}

impl HoursError {
    /// What to write instead.
    pub fn help(&self) -> String {
        match self {
            HoursError::UnknownDay(day) => unknown_day_help(day),
            HoursError::DayToItself(_) => "write one day, such as `mon`, or `mon-sun` for all of them".to_owned(),
            HoursError::DayTwice { day, .. } => format!("list all hours of `{day}` under one key"),
            HoursError::NotARange(_) => "write start and end with a hyphen, such as \"09:00-18:00\"".to_owned(),
            HoursError::BadTime(_) => {
                "write hours and minutes from 00:00 to 24:00, such as \"09:00\" or \"17:30\"".to_owned()
            }
            HoursError::NoSuchMinute(_) => "minutes go from 00 to 59".to_owned(),
            HoursError::StartsAtTheEnd(_) => "start at 00:00 on the day after".to_owned(),
            HoursError::Empty(_) => {
                "write \"00:00-24:00\" for the whole day; leave the day out if it is closed".to_owned()
            }
            HoursError::Backwards { turned, parts: (first, second), .. } => format!(
                "write \"{turned}\"; or, if it is meant to cross midnight, \"{first}\" and on the day after \"{second}\""
            ),
        }
    }
}

fn unknown_day_help(day: &str) -> String {
    let start = |word: &str| word.trim().get(..3).map(str::to_ascii_lowercase);
    let meant = |word: &str| DAYS.into_iter().find(|day| start(word).as_deref() == Some(day));
    let known: Option<Vec<_>> = day.split('-').map(meant).collect();
    match known.as_deref() {
        Some([one]) => format!("write `{one}`"),
        Some([first, last]) => format!("write `{first}-{last}`"),
        _ => format!("the days are {}; a range of them is written `mon-fri`", DAYS.join(", ")),
    }
}

/// The days that a key names, from 0 for Monday: `sat`, `mon-fri`, `fri-mon`.
pub fn days(key: &str) -> Result<Vec<usize>, HoursError> {
    let unknown = || HoursError::UnknownDay(key.to_owned());
    let day = |word: &str| DAYS.iter().position(|day| *day == word.trim()).ok_or_else(unknown);
    let Some((first, last)) = key.split_once('-') else {
        return Ok(vec![day(key)?]);
    };
    let (first, last) = (day(first)?, day(last)?);
    if first == last {
        return Err(HoursError::DayToItself(key.to_owned()));
    }
    let last = if last < first { last + DAYS.len() } else { last };
    Ok((first..=last).map(|day| day % DAYS.len()).collect())
}

/// One range of hours: `09:00-18:00`, `00:00-24:00`, past midnight `22:00-06:00`.
pub fn range(text: &str) -> Result<OpenRange, HoursError> {
    let Some((from, to)) = text.split_once('-') else {
        return Err(HoursError::NotARange(text.to_owned()));
    };
    let (from, to) = (minute(from)?, minute(to)?);
    if from == to {
        return Err(HoursError::Empty(text.to_owned()));
    }
    if from == DAY {
        return Err(HoursError::StartsAtTheEnd(text.to_owned()));
    }
    let ends = if to < from { to + DAY } else { to };
    if 0 < to && to < from && ends - from > LONGEST_NIGHT {
        return Err(backwards(text, from, to));
    }
    OpenRange::new(from, ends).ok_or_else(|| HoursError::NotARange(text.to_owned()))
}

fn backwards(text: &str, from: u16, to: u16) -> HoursError {
    let shown = |from, to| OpenRange { from, to }.to_string();
    let parts = (shown(from, DAY), shown(0, to));
    HoursError::Backwards { range: text.to_owned(), turned: shown(to, from), parts }
}

/// A time of day, in minutes.
fn minute(text: &str) -> Result<u16, HoursError> {
    let text = text.trim();
    let bad = || HoursError::BadTime(text.to_owned());
    let number = |digits: &str| {
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { digits.parse::<u16>().map_err(|_| bad()) } else { Err(bad()) }
    };
    let (hours, minutes) = text.split_once(':').ok_or_else(bad)?;
    if hours.len() > 2 || minutes.len() != 2 {
        return Err(bad());
    }
    match (number(hours)?, number(minutes)?) {
        (0..=24, 60..) => Err(HoursError::NoSuchMinute(text.to_owned())),
        (hours @ 0..=23, minutes) => Ok(hours * 60 + minutes),
        (24, 0) => Ok(DAY),
        _ => Err(bad()),
    }
}

/// A week from keys and their ranges. Each day stands under one key at most.
pub fn week<'k>(entries: impl IntoIterator<Item = (&'k str, Vec<OpenRange>)>) -> Result<Week, HoursError> {
    let mut week = Week::default();
    let mut given = [false; DAYS.len()];
    for (key, ranges) in entries {
        for day in days(key)? {
            if std::mem::replace(&mut given[day], true) {
                return Err(HoursError::DayTwice { day: DAYS[day], key: key.to_owned() });
            }
            week[day].clone_from(&ranges);
        }
    }
    Ok(week)
}

/// The same hours in order, with those that touch or overlap made one.
pub(super) fn merged(mut ranges: Vec<OpenRange>) -> Vec<OpenRange> {
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        let joins = next.from <= kept.to;
        if joins {
            kept.to = kept.to.max(next.to);
        }
        joins
    });
    ranges
}

/// The shortest stretch without a break in a week that repeats, in minutes; `None` if it has no end.
pub(super) fn shortest_run(week: &Week) -> Option<i64> {
    const WEEK: i64 = 7 * DAY as i64;
    let days = (0_i64..).step_by(DAY.into()).zip(week.iter().cycle()).take(3 * DAYS.len());
    let ranges = days.flat_map(|(start, ranges)| {
        ranges.iter().map(move |range| (start + i64::from(range.from), start + i64::from(range.to)))
    });
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for (from, to) in ranges {
        match runs.last_mut() {
            Some((_, end)) if from <= *end => *end = to.max(*end),
            _ => runs.push((from, to)),
        }
    }
    // Only runs of the week in the middle are seen whole.
    runs.iter().filter(|(from, _)| (WEEK..2 * WEEK).contains(from)).map(|(from, to)| to - from).min()
}
