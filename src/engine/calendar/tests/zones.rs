//! What changes of the clocks do to hours.

use super::*;

/// Local time, and how long the hours of its day are then.
#[track_caller]
fn assert_open_for(calendar: &Calendar, table: &[(&str, &str, i64)]) {
    for (from, to, minutes) in table {
        let time = calendar.open_time_between(calendar.at(from), calendar.at(to));
        assert_eq!(time, SignedDuration::from_mins(*minutes), "{} from {from} to {to}", calendar.name);
    }
}

#[test]
fn opening_time_is_what_really_passes() {
    for (zone, hours, day, next, minutes) in [
        ("Europe/Dublin", "mon-sun 00:00-24:00", "2026-03-29", "2026-03-30", 23 * 60),
        ("Europe/Dublin", "mon-sun 00:00-24:00", "2026-10-25", "2026-10-26", 25 * 60),
        ("Europe/Dublin", "mon-sun 00:00-02:00", "2026-03-29", "2026-03-30", 60),
        ("Europe/Dublin", "mon-sun 01:30-03:00", "2026-03-29", "2026-03-30", 60),
        ("Europe/Dublin", "mon-sun 01:00-02:00", "2026-03-29", "2026-03-30", 0),
        ("Europe/Dublin", "mon-sun 01:00-02:00", "2026-10-25", "2026-10-26", 120),
        ("Europe/Dublin", "mon-sun 00:00-01:30", "2026-10-25", "2026-10-26", 90),
        ("Europe/Dublin", "mon-sun 01:30-03:00", "2026-10-25", "2026-10-26", 150),
        ("America/New_York", "mon-sun 00:00-24:00", "2026-03-08", "2026-03-09", 23 * 60),
        ("America/New_York", "mon-sun 00:00-24:00", "2026-11-01", "2026-11-02", 25 * 60),
        ("America/New_York", "mon-sun 09:00-18:00", "2026-11-01", "2026-11-02", 540),
        ("Australia/Lord_Howe", "mon-sun 00:00-24:00", "2026-10-04", "2026-10-05", 24 * 60 - 30),
        ("Australia/Lord_Howe", "mon-sun 00:00-24:00", "2026-04-05", "2026-04-06", 24 * 60 + 30),
        ("Australia/Lord_Howe", "mon-sun 02:00-03:00", "2026-10-04", "2026-10-05", 30),
        ("Australia/Lord_Howe", "mon-sun 01:30-02:00", "2026-04-05", "2026-04-06", 60),
        ("America/St_Johns", "mon-sun 00:00-24:00", "2026-03-08", "2026-03-09", 23 * 60),
        // Until 2011 the clocks of Newfoundland went back from 00:01 to 23:01 of the day before.
        ("America/St_Johns", "mon-sun 00:00-24:00", "2010-11-06", "2010-11-08", 49 * 60),
        ("America/St_Johns", "mon-sun 00:00-09:00", "2010-11-07", "2010-11-08", 600),
        ("Asia/Kathmandu", "mon-sun 09:00-18:00", "2026-03-09", "2026-03-10", 540),
        // Nepal moved its clocks by a quarter of an hour.
        ("Asia/Kathmandu", "mon-sun 00:00-24:00", "1986-01-01", "1986-01-02", 24 * 60 - 15),
        ("Pacific/Apia", "mon-sun 09:00-18:00", "2011-12-29", "2012-01-01", 2 * 540),
        ("Pacific/Apia", "mon-sun 00:00-24:00", "2011-12-29", "2012-01-01", 48 * 60),
    ] {
        let calendar = calendar(zone, hours);
        let (from, to) = (format!("{day} 00:00"), format!("{next} 00:00"));
        let calendar = Calendar { name: zone.into(), ..calendar };
        assert_open_for(&calendar, &[(&from, &to, minutes)]);
    }
}

#[test]
fn a_time_that_is_left_out_means_the_next_instant() {
    for (zone, hours, before, opens, told) in [
        ("Europe/Dublin", "sun 01:30-03:00", "2026-03-29 00:00", "2026-03-29T01:00:00Z", "sun 2026-03-29 02:00"),
        ("America/New_York", "sun 02:15-09:00", "2026-03-08 00:00", "2026-03-08T07:00:00Z", "sun 2026-03-08 03:00"),
        ("Australia/Lord_Howe", "sun 02:10-09:00", "2026-10-04 00:00", "2026-10-03T15:30:00Z", "sun 2026-10-04 02:30"),
        ("Pacific/Apia", "fri 22:00-06:00", "2011-12-29 12:00", "2011-12-30T10:00:00Z", "sat 2011-12-31 00:00"),
        ("Asia/Kathmandu", "wed 00:05-09:00", "1985-12-31 12:00", "1985-12-31T18:30:00Z", "wed 1986-01-01 00:15"),
    ] {
        let calendar = calendar(zone, hours);
        let next = calendar.next_open(calendar.at(before));
        assert_eq!(next.map(|at| at.to_string()).as_deref(), Some(opens), "{zone}");
        assert_eq!(calendar.told(next), told, "{zone}");
    }
}

#[test]
fn a_time_that_comes_twice_means_its_first_pass() {
    let until = calendar("Europe/Dublin", "sun 00:00-01:30");
    let from = calendar("Europe/Dublin", "sun 01:30-09:00");
    for (local, before, after) in [
        ("2026-10-25 01:15", true, false),
        ("2026-10-25 01:30", false, true),
        ("2026-10-25 01:15*", false, true),
        ("2026-10-25 01:45*", false, true),
    ] {
        let at = until.at(local);
        assert_eq!((until.is_open(at), from.is_open(at)), (before, after), "{local}");
    }
}

#[test]
fn a_night_that_the_date_goes_back_into_is_found() {
    let early = calendar("America/St_Johns", "sun 00:00-09:00");
    // 23:30 on saturday for the second time: sunday has begun before.
    let at = early.at("2010-11-06 23:30*");
    assert!(early.is_open(at));
    assert!(!early.is_open(early.at("2010-11-06 23:30")));
    assert_eq!(early.told(early.open_until(at)), "sun 2010-11-07 09:00");
    assert_eq!(early.told(early.after_working_days(at, 1)), "sun 2010-11-14 00:00");
}

#[test]
fn hours_follow_the_clock_on_the_wall_through_the_year() {
    for (zone, summer, winter) in [
        ("Europe/Dublin", "2026-07-01T08:00:00Z", "2026-01-01T09:00:00Z"),
        ("America/New_York", "2026-07-01T13:00:00Z", "2026-01-01T14:00:00Z"),
        ("Australia/Lord_Howe", "2026-06-30T22:30:00Z", "2025-12-31T22:00:00Z"),
        ("Asia/Kathmandu", "2026-07-01T03:15:00Z", "2026-01-01T03:15:00Z"),
        ("Pacific/Apia", "2026-06-30T20:00:00Z", "2025-12-31T20:00:00Z"),
    ] {
        let calendar = calendar(zone, "mon-sun 09:00-18:00");
        for (day, opens) in [("2026-07-01", summer), ("2026-01-01", winter)] {
            let next = calendar.next_open(calendar.at(&format!("{day} 00:00"))).unwrap();
            assert_eq!(next.to_string(), opens, "{zone}");
        }
    }
}

#[test]
fn changes_far_ahead_are_known_too() {
    let dublin = calendar("Europe/Dublin", "sun 01:30-03:00");
    let next = dublin.next_open(dublin.at("2060-03-28 00:00"));
    assert_eq!(dublin.told(next), "sun 2060-03-28 02:00");
}
