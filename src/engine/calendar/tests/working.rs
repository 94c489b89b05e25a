//! Working days.

use super::*;

#[track_caller]
fn assert_after(calendar: &Calendar, table: &[(&str, u32, &str)]) {
    for (local, days, then) in table {
        let after = calendar.after_working_days(calendar.at(local), *days);
        assert_eq!(calendar.told(after), *then, "{local} + {days}");
    }
}

#[test]
fn a_day_with_hours_counts_one_from_the_anchor_s_time_of_day() {
    let office = calendar("Europe/Dublin", "mon-fri 09:00-18:00");
    assert_after(
        &office,
        &[
            ("2026-03-13 17:30", 2, "tue 2026-03-17 17:30"),
            ("2026-03-13 09:00", 1, "mon 2026-03-16 09:00"),
            ("2026-03-09 10:11:12", 5, "mon 2026-03-16 10:11:12"),
            ("2026-03-09 10:00", 0, "mon 2026-03-09 10:00"),
            ("2026-03-15 10:00", 0, "mon 2026-03-16 09:00"),
        ],
    );
    let split = calendar("Europe/Dublin", "mon-fri 09:00-12:00 13:00-18:00");
    assert_after(&split, &[("2026-03-13 17:30", 2, "tue 2026-03-17 17:30")]);
}

#[test]
fn an_anchor_outside_the_hours_counts_from_the_next_opening() {
    let office = calendar("Europe/Dublin", "mon-fri 09:00-18:00");
    assert_after(
        &office,
        &[
            ("2026-03-13 18:00", 2, "wed 2026-03-18 09:00"),
            ("2026-03-14 12:00", 1, "tue 2026-03-17 09:00"),
            ("2026-03-13 03:00", 1, "mon 2026-03-16 09:00"),
        ],
    );
}

#[test]
fn a_result_outside_the_hours_moves_back_within_its_day() {
    let office = calendar("Europe/Dublin", "mon-wed 07:00-20:00, thu 09:00-12:00 13:00-18:00, fri 10:00-14:00");
    assert_after(
        &office,
        &[
            ("2026-03-10 19:00", 2, "thu 2026-03-12 18:00"),
            ("2026-03-10 18:00", 2, "thu 2026-03-12 18:00"),
            ("2026-03-10 12:30", 2, "thu 2026-03-12 12:00"),
            ("2026-03-11 17:00", 2, "fri 2026-03-13 14:00"),
            ("2026-03-11 12:00", 2, "fri 2026-03-13 12:00"),
            // Before that day's first hour there is nothing to move back to.
            ("2026-03-11 07:30", 2, "fri 2026-03-13 10:00"),
        ],
    );
}

#[test]
fn holidays_and_days_without_hours_do_not_count() {
    let office = calendar("Europe/Dublin", "mon-fri 09:00-18:00");
    let office = closed_on(office, &[date(2026, 3, 17), date(2026, 3, 21)]);
    assert_after(
        &office,
        &[
            ("2026-03-13 17:30", 2, "wed 2026-03-18 17:30"),
            ("2026-03-17 12:00", 1, "thu 2026-03-19 09:00"),
            ("2026-03-20 12:00", 1, "mon 2026-03-23 12:00"),
        ],
    );
    let always = calendar("Europe/Dublin", "mon-sun 00:00-24:00");
    assert_after(&always, &[("2026-03-13 17:30", 2, "sun 2026-03-15 17:30")]);
}

#[test]
fn a_night_is_of_the_day_it_starts_on() {
    let night = calendar("Europe/Dublin", "mon-fri 22:00-06:00");
    assert_after(
        &night,
        &[
            ("2026-03-09 23:00", 1, "tue 2026-03-10 23:00"),
            ("2026-03-10 02:00", 1, "wed 2026-03-11 02:00"),
            ("2026-03-14 02:00", 1, "tue 2026-03-17 02:00"),
            ("2026-03-10 06:00", 1, "wed 2026-03-11 22:00"),
        ],
    );
    let off = closed_on(night, &[date(2026, 3, 10)]);
    assert_after(&off, &[("2026-03-10 02:00", 1, "thu 2026-03-12 02:00")]);
    let mixed = calendar("Europe/Dublin", "mon 22:00-06:00, tue 10:00-14:00, wed 00:00-24:00, thu 22:00-06:00");
    assert_after(
        &mixed,
        &[
            ("2026-03-10 02:00", 1, "wed 2026-03-11 02:00"),
            ("2026-03-09 23:00", 1, "tue 2026-03-10 14:00"),
            ("2026-03-11 12:00", 1, "thu 2026-03-12 22:00"),
            // Still open by the hours of the evening before.
            ("2026-03-11 02:00", 2, "mon 2026-03-16 22:00"),
        ],
    );
}

#[test]
fn where_a_night_meets_the_hours_of_the_next_day_that_day_begins() {
    let mut week = week("tue 09:00-10:00");
    week[0] = vec![OpenRange::new(22 * 60, 44 * 60).unwrap()];
    let calendar = Calendar::new("long", TimeZone::UTC, week, BTreeSet::new()).unwrap();
    assert_after(
        &calendar,
        &[
            ("2026-03-10 08:59", 1, "tue 2026-03-10 20:00"),
            ("2026-03-10 09:00", 1, "mon 2026-03-16 22:00"),
            ("2026-03-10 19:00", 2, "tue 2026-03-17 19:00"),
        ],
    );
    let monday_only = closed_on(calendar, &[date(2026, 3, 10)]);
    assert_after(&monday_only, &[("2026-03-10 19:00", 1, "tue 2026-03-17 19:00")]);
}

#[test]
fn a_time_of_day_stays_through_changes_of_the_clocks() {
    let dublin = calendar("Europe/Dublin", "mon-sun 00:00-24:00");
    assert_after(
        &dublin,
        &[
            ("2026-03-28 17:30", 1, "sun 2026-03-29 17:30"),
            ("2026-03-28 01:30", 1, "sun 2026-03-29 02:00"),
            ("2026-10-24 01:30", 1, "sun 2026-10-25 01:30"),
            ("2026-10-25 01:30*", 1, "mon 2026-10-26 01:30"),
        ],
    );
    let early = calendar("Europe/Dublin", "mon-sun 01:00-02:00");
    assert_after(&early, &[("2026-03-28 01:30", 1, "mon 2026-03-30 01:30")]);
    let apia = calendar("Pacific/Apia", "mon-sun 09:00-18:00");
    assert_after(&apia, &[("2011-12-29 12:00", 1, "sat 2011-12-31 12:00")]);
}

/// On Sunday the 29th the clocks go from two to three: the hours of that day are left out, and a night's run on.
#[test]
fn a_day_whose_hours_are_all_left_out_by_the_clocks_is_no_working_day() {
    let nights = calendar("Europe/Berlin", "sat 22:00-06:00, sun 02:00-03:00");
    assert_after(
        &nights,
        &[("2026-03-21 23:00", 1, "sun 2026-03-22 06:00"), ("2026-03-28 23:00", 1, "sat 2026-04-04 23:00")],
    );
}

#[test]
fn a_calendar_tells_its_week_and_its_holidays() {
    let office = closed_on(calendar("Europe/Dublin", "mon-fri 09:00-18:00"), &[date(2026, 12, 25)]);
    assert_eq!(*office.week(), week("mon-fri 09:00-18:00"));
    assert_eq!(*office.holidays(), [date(2026, 12, 25)].into());
}
