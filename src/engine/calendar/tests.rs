//! Calendars of offices and night shifts, told as people would.

mod grammar;
mod properties;
mod working;
mod zones;

use jiff::civil::{DateTime, date};
use jiff::tz;

use super::openings::HORIZON;
use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// Hours as in the configuration: `mon-fri 09:00-18:00, sat 10:00-14:00 15:00-16:00`.
fn week(hours: &str) -> Week {
    let entries = hours.split(", ").map(|entry| {
        let mut words = entry.split(' ');
        let day = words.next().unwrap();
        (day, words.map(|range| hours::range(range).unwrap()).collect())
    });
    hours::week(entries).unwrap()
}

fn calendar(zone_name: &str, hours: &str) -> Calendar {
    Calendar::new("office", zone(zone_name), week(hours), BTreeSet::new()).unwrap()
}

fn closed_on(calendar: Calendar, holidays: &[Date]) -> Calendar {
    Calendar { holidays: holidays.iter().copied().collect(), ..calendar }
}

fn office() -> Calendar {
    calendar("Europe/Dublin", "mon-fri 09:00-18:00, sat 10:00-14:00")
}

impl Calendar {
    /// The instant of a local time such as `2026-03-09 17:30`; the second pass of one that comes twice with a `*`.
    fn at(&self, local: &str) -> Timestamp {
        let (local, later) = local.strip_suffix('*').map_or((local, false), |local| (local, true));
        let ambiguous = self.timezone.to_ambiguous_timestamp(local.parse::<DateTime>().unwrap());
        if later { ambiguous.later().unwrap() } else { ambiguous.compatible().unwrap() }
    }

    /// The other way round, with the day of the week.
    fn told(&self, at: Option<Timestamp>) -> String {
        let Some(at) = at else { return "never".to_owned() };
        let local = self.timezone.to_datetime(at);
        let again = at != self.timezone.to_ambiguous_timestamp(local).earlier().unwrap();
        let shape = if local.second() == 0 { "%a %Y-%m-%d %H:%M" } else { "%a %Y-%m-%d %H:%M:%S" };
        local.strftime(shape).to_string().to_lowercase() + if again { "*" } else { "" }
    }
}

fn hours_long(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

// The week of these tests: monday is 2026-03-09.

#[test]
fn hours_begin_with_their_start_and_stop_before_their_end() {
    let office = office();
    for (local, open) in [
        ("2026-03-09 08:59:59.999999999", false),
        ("2026-03-09 09:00", true),
        ("2026-03-09 17:59:59.999999999", true),
        ("2026-03-09 18:00", false),
        ("2026-03-14 09:30", false),
        ("2026-03-14 10:00", true),
        ("2026-03-15 12:00", false),
    ] {
        assert_eq!(office.is_open(office.at(local)), open, "{local}");
    }
}

#[test]
fn the_next_opening_is_now_or_comes_after_nights_days_off_and_holidays() {
    let office = closed_on(office(), &[date(2026, 3, 16), date(2026, 3, 17)]);
    for (local, next) in [
        ("2026-03-09 00:00", "mon 2026-03-09 09:00"),
        ("2026-03-09 09:00", "mon 2026-03-09 09:00"),
        ("2026-03-09 12:34:56", "mon 2026-03-09 12:34:56"),
        ("2026-03-09 18:00", "tue 2026-03-10 09:00"),
        ("2026-03-14 14:00", "wed 2026-03-18 09:00"),
        ("2026-03-16 12:00", "wed 2026-03-18 09:00"),
    ] {
        assert_eq!(office.told(office.next_open(office.at(local))), next, "{local}");
    }
}

#[test]
fn a_range_past_midnight_belongs_to_the_day_it_starts_on() {
    let night = calendar("Europe/Dublin", "mon-fri 22:00-06:00");
    let night = closed_on(night, &[date(2026, 3, 11)]);
    for (local, open) in [
        ("2026-03-09 05:00", false),
        ("2026-03-09 23:00", true),
        ("2026-03-10 05:59", true),
        ("2026-03-10 06:00", false),
        // A holiday takes away the night that starts on it, not the end of the one before.
        ("2026-03-11 05:00", true),
        ("2026-03-11 23:00", false),
        ("2026-03-12 05:00", false),
        ("2026-03-14 05:00", true),
        ("2026-03-14 23:00", false),
    ] {
        assert_eq!(night.is_open(night.at(local)), open, "{local}");
    }
}

#[test]
fn hours_end_where_nothing_follows_without_a_break() {
    let office = calendar("Europe/Dublin", "mon 22:00-06:00, tue 05:00-09:00 09:00-12:00, fri-sun 00:00-24:00");
    for (local, end) in [
        ("2026-03-09 21:59", "never"),
        ("2026-03-09 22:00", "tue 2026-03-10 12:00"),
        ("2026-03-10 05:30", "tue 2026-03-10 12:00"),
        ("2026-03-10 12:00", "never"),
        ("2026-03-13 00:00", "mon 2026-03-16 00:00"),
    ] {
        assert_eq!(office.told(office.open_until(office.at(local))), end, "{local}");
    }
    let always = calendar("Europe/Dublin", "mon-sun 00:00-24:00");
    assert_eq!(always.open_until(always.at("2026-03-09 12:00")), None);
    let christmas = closed_on(always.clone(), &[date(2029, 12, 25)]);
    assert_eq!(christmas.told(christmas.open_until(christmas.at("2026-03-09 12:00"))), "tue 2029-12-25 00:00");
}

#[test]
fn a_last_day_of_work_is_an_end_too() {
    let mut closed = BTreeSet::new();
    closed.extend(date(2026, 3, 10).series(jiff::ToSpan::days(1)).take(HORIZON + 20));
    let office = Calendar { holidays: closed, ..office() };
    assert_eq!(office.told(office.open_until(office.at("2026-03-09 12:00"))), "mon 2026-03-09 18:00");
    assert_eq!(office.next_open(office.at("2026-03-09 18:00")), None);
    assert_eq!(office.after(office.at("2026-03-09 12:00"), hours_long(7)), None);
    assert_eq!(office.after_working_days(office.at("2026-03-09 12:00"), 1), None);
}

#[test]
fn opening_time_is_what_lies_in_the_hours() {
    let office = office();
    for (from, to, minutes) in [
        ("2026-03-09 09:00", "2026-03-09 18:00", 540),
        ("2026-03-09 00:00", "2026-03-16 00:00", 5 * 540 + 240),
        ("2026-03-09 17:30", "2026-03-10 09:30", 60),
        ("2026-03-09 18:00", "2026-03-10 09:00", 0),
        ("2026-03-15 00:00", "2026-03-15 23:00", 0),
        ("2026-03-10 12:00", "2026-03-09 12:00", 0),
    ] {
        let time = office.open_time_between(office.at(from), office.at(to));
        assert_eq!(time, SignedDuration::from_mins(minutes), "{from} to {to}");
    }
    let overlapping = calendar("UTC", "mon 22:00-06:00, tue 05:00-09:00");
    let time = overlapping.open_time_between(overlapping.at("2026-03-09 00:00"), overlapping.at("2026-03-11 00:00"));
    assert_eq!(time, hours_long(11), "an hour of two days counts once");
}

#[test]
fn so_much_opening_time_has_passed_inside_the_hours_or_at_their_end() {
    let office = office();
    for (local, minutes, then) in [
        ("2026-03-09 09:00", 60, "mon 2026-03-09 10:00"),
        ("2026-03-09 09:00", 540, "mon 2026-03-09 18:00"),
        ("2026-03-09 09:00", 541, "tue 2026-03-10 09:01"),
        ("2026-03-13 17:00", 120, "sat 2026-03-14 11:00"),
        ("2026-03-13 17:00", 360, "mon 2026-03-16 10:00"),
        ("2026-03-15 03:00", 60, "mon 2026-03-16 10:00"),
        ("2026-03-15 03:00", 0, "mon 2026-03-16 09:00"),
        ("2026-03-09 18:00", 0, "mon 2026-03-09 18:00"),
        ("2026-03-09 18:00", 1, "tue 2026-03-10 09:01"),
        ("2026-03-09 12:00", 0, "mon 2026-03-09 12:00"),
        ("2026-03-09 12:00", -5, "mon 2026-03-09 12:00"),
    ] {
        let after = office.after(office.at(local), SignedDuration::from_mins(minutes));
        assert_eq!(office.told(after), then, "{local} + {minutes}");
    }
}

#[test]
fn ten_years_are_reached_and_no_more_is_looked_at() {
    let always = calendar("Europe/Dublin", "mon-sun 00:00-24:00");
    let start = always.at("2026-03-09 12:00");
    let ten_years = hours_long(24 * 3653);
    assert_eq!(always.after(start, ten_years), start.checked_add(ten_years).ok());
    assert_eq!(always.told(always.after_working_days(start, 3653)), "sun 2036-03-09 12:00");
    for out_of_reach in [always.after(start, SignedDuration::MAX), always.after_working_days(start, u32::MAX)] {
        assert_eq!(out_of_reach, None);
    }
    // Every answer is one walk over these, and closed days among them ask nothing of the zone.
    assert_eq!(always.openings_around(start).count(), HORIZON);
    assert_eq!(always.openings_around(Timestamp::MAX).count(), 1);
    let weekly = calendar("UTC", "mon 09:00-10:00");
    assert_eq!(weekly.openings_around(start).count(), HORIZON.div_ceil(7));
}

#[test]
fn the_ends_of_time_are_instants_like_others() {
    for calendar in [office(), calendar("Pacific/Apia", "mon-sun 22:00-10:00")] {
        for at in [Timestamp::MIN, Timestamp::MAX] {
            calendar.is_open(at);
            calendar.open_until(at);
            calendar.after(at, SignedDuration::MAX);
            calendar.after(at, SignedDuration::MIN);
            calendar.after_working_days(at, 5);
            calendar.open_time_between(at, Timestamp::MAX);
        }
        calendar.open_time_between(Timestamp::MAX, Timestamp::MIN);
    }
}

#[test]
fn what_never_opens_or_has_no_zone_is_no_calendar() {
    let new = |zone, week| Calendar::new("office", zone, week, BTreeSet::new()).map(|_| ());
    assert_eq!(new(TimeZone::UTC, Week::default()), Err(CalendarError::NeverOpens));
    assert_eq!(new(TimeZone::unknown(), week("mon 09:00-18:00")), Err(CalendarError::NoZone));
    assert_eq!(new(TimeZone::fixed(tz::offset(2)), week("mon 09:00-18:00")), Ok(()));
}

#[test]
fn the_fingerprint_is_of_hours_holidays_and_zone_data() {
    let office = office();
    assert_eq!(office.fingerprint(), self::office().fingerprint());
    let posix = |rule: &str| Calendar { timezone: TimeZone::posix(rule).unwrap(), ..office.clone() }.fingerprint();
    let mut all = vec![
        office.fingerprint(),
        closed_on(office.clone(), &[date(2026, 12, 25)]).fingerprint(),
        calendar("Europe/Dublin", "mon-fri 09:00-18:00").fingerprint(),
        calendar("Europe/London", "mon-fri 09:00-18:00, sat 10:00-14:00").fingerprint(),
        posix("GMT0IST,M3.5.0/1,M10.5.0"),
        posix("GMT0IST,M3.5.0/1,M10.4.0"),
    ];
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6);
    let changes = |name: &str| openings::changes(&zone(name));
    assert_ne!(changes("Europe/Dublin"), changes("Europe/Paris"));
    assert!(changes("Pacific/Apia").contains("2011-12-30T10:00:00Z +14"));
}
