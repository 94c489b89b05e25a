//! Hours as they are written.

use super::*;

#[test]
fn days_are_named_alone_or_as_a_range() {
    for (key, days) in [
        ("mon", vec![0]),
        ("sun", vec![6]),
        ("mon-fri", vec![0, 1, 2, 3, 4]),
        ("mon-sun", vec![0, 1, 2, 3, 4, 5, 6]),
        ("fri-mon", vec![4, 5, 6, 0]),
        ("sun-sat", vec![6, 0, 1, 2, 3, 4, 5]),
        ("mon - tue", vec![0, 1]),
    ] {
        assert_eq!(hours::days(key), Ok(days), "{key}");
    }
}

#[test]
fn hours_are_from_start_to_end_and_may_cross_midnight() {
    for (text, from, to) in [
        ("09:00-18:00", 540, 1080),
        ("9:00 - 18:30", 540, 1110),
        ("00:00-24:00", 0, 1440),
        ("22:00-24:00", 1320, 1440),
        ("22:00-00:00", 1320, 1440),
        ("08:00-00:00", 480, 1440),
        ("22:00-06:00", 1320, 1800),
        ("18:00-06:00", 1080, 1800),
        ("23:59-00:01", 1439, 1441),
        ("00:00-00:01", 0, 1),
    ] {
        let range = hours::range(text).unwrap();
        assert_eq!((range.from(), range.to()), (from, to), "{text}");
        assert_eq!(hours::range(&range.to_string()), Ok(range), "{text}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_to_write() {
    let ranges = [
        "18:00-09:00",
        "18:00-17:00",
        "09:00-09:00",
        "00:00-00:00",
        "24:00-06:00",
        "09:00-25:00",
        "09:00-24:01",
        "09:60-18:00",
        "9-18",
        "9am-6pm",
        "09:00–18:00",
        "09:00",
        "",
        "-",
        "09:00-18:00-20:00",
        "+9:00-18:00",
        "009:00-18:00",
    ];
    let keys =
        ["monday", "Mon", "monday-Fri", "mon-fr", "daily", "", "mon-", "mon-tue-wed", "mon-mon", "montag", "ñandú"];
    let ranges = ranges.into_iter().map(|text| hours::range(text).unwrap_err());
    let keys = keys.into_iter().map(|key| hours::days(key).unwrap_err());
    let told: Vec<_> = ranges.chain(keys).map(|error| format!("{error}; {}\n", error.help())).collect();
    insta::assert_snapshot!(told.concat(), @r#"
    `18:00-09:00` ends before it starts; write "09:00-18:00"; or, if it is meant to cross midnight, "18:00-24:00" and on the day after "00:00-09:00"
    `18:00-17:00` ends before it starts; write "17:00-18:00"; or, if it is meant to cross midnight, "18:00-24:00" and on the day after "00:00-17:00"
    `09:00-09:00` ends as it starts; write "00:00-24:00" for the whole day; leave the day out if it is closed
    `00:00-00:00` ends as it starts; write "00:00-24:00" for the whole day; leave the day out if it is closed
    `24:00-06:00` starts at the end of the day; start at 00:00 on the day after
    `25:00` is no time of day; write hours and minutes from 00:00 to 24:00, such as "09:00" or "17:30"
    `24:01` is no time of day; write hours and minutes from 00:00 to 24:00, such as "09:00" or "17:30"
    `09:60` has more than 59 minutes; minutes go from 00 to 59
    `9` is no time of day; write hours and minutes from 00:00 to 24:00, such as "09:00" or "17:30"
    `9am` is no time of day; write hours and minutes from 00:00 to 24:00, such as "09:00" or "17:30"
    `09:00–18:00` is no range of hours; write start and end with a hyphen, such as "09:00-18:00"
    `09:00` is no range of hours; write start and end with a hyphen, such as "09:00-18:00"
    `` is no range of hours; write start and end with a hyphen, such as "09:00-18:00"
    `` is no time of day; write hours and minutes from 00:00 to 24:00, such as "09:00" or "17:30"
    `18:00-20:00` is no time of day; write hours and minutes from 00:00 to 24:00, such as "09:00" or "17:30"
    `+9:00` is no time of day; write hours and minutes from 00:00 to 24:00, such as "09:00" or "17:30"
    `009:00` is no time of day; write hours and minutes from 00:00 to 24:00, such as "09:00" or "17:30"
    `monday` is no day of the week; write `mon`
    `Mon` is no day of the week; write `mon`
    `monday-Fri` is no day of the week; write `mon-fri`
    `mon-fr` is no day of the week; the days are mon, tue, wed, thu, fri, sat, sun; a range of them is written `mon-fri`
    `daily` is no day of the week; the days are mon, tue, wed, thu, fri, sat, sun; a range of them is written `mon-fri`
    `` is no day of the week; the days are mon, tue, wed, thu, fri, sat, sun; a range of them is written `mon-fri`
    `mon-` is no day of the week; the days are mon, tue, wed, thu, fri, sat, sun; a range of them is written `mon-fri`
    `mon-tue-wed` is no day of the week; the days are mon, tue, wed, thu, fri, sat, sun; a range of them is written `mon-fri`
    `mon-mon` is a range of one day, or of eight; write one day, such as `mon`, or `mon-sun` for all of them
    `montag` is no day of the week; write `mon`
    `ñandú` is no day of the week; the days are mon, tue, wed, thu, fri, sat, sun; a range of them is written `mon-fri`
    "#);
}

#[test]
fn a_day_is_given_once() {
    let nine = || vec![hours::range("09:00-18:00").unwrap()];
    for (keys, want) in [
        (vec!["mon-fri", "sat"], Ok(())),
        (
            vec!["mon-fri", "fri"],
            Err("`fri` is given twice: `fri` has it again; list all hours of `fri` under one key"),
        ),
        (
            vec!["wed", "fri-wed"],
            Err("`wed` is given twice: `fri-wed` has it again; list all hours of `wed` under one key"),
        ),
        (vec!["sun", "sun"], Err("`sun` is given twice: `sun` has it again; list all hours of `sun` under one key")),
    ] {
        let week = hours::week(keys.iter().map(|key| (*key, nine())));
        let told = week.map(|_| ()).map_err(|error| format!("{error}; {}", error.help()));
        assert_eq!(told, want.map_err(str::to_owned), "{keys:?}");
    }
}

#[test]
fn ranges_of_a_day_that_touch_or_overlap_are_one() {
    for (hours, merged) in [
        ("mon 13:00-18:00 09:00-12:00", "09:00-12:00 13:00-18:00"),
        ("mon 09:00-12:00 12:00-18:00", "09:00-18:00"),
        ("mon 09:00-18:00 10:00-11:00", "09:00-18:00"),
        ("mon 09:00-12:00 11:00-14:00 13:00-15:00", "09:00-15:00"),
        ("mon 22:00-06:00 20:00-23:00", "20:00-06:00"),
    ] {
        let calendar = calendar("UTC", hours);
        let told: Vec<_> = calendar.week[0].iter().map(OpenRange::to_string).collect();
        assert_eq!(told.join(" "), merged, "{hours}");
    }
}

#[test]
fn a_range_lasts_a_day_at_most_and_starts_within_one() {
    for (from, to, fits) in
        [(0, 1440, true), (1439, 2879, true), (1440, 1500, false), (5, 5, false), (6, 5, false), (0, 1441, false)]
    {
        assert_eq!(OpenRange::new(from, to).is_some(), fits, "{from} to {to}");
    }
}

#[test]
fn the_shortest_opening_is_seen_through_midnight_and_through_the_weekend() {
    for (hours, minutes) in [
        ("mon-fri 09:00-18:00, sat 10:00-14:00", Some(240)),
        ("mon 09:00-09:05 09:05-12:00", Some(180)),
        ("sun 22:00-24:00, mon 00:00-00:01", Some(121)),
        ("mon 22:00-06:00, tue 05:00-09:00", Some(660)),
        ("mon-sun 00:00-24:00", None),
        ("mon-sun 12:00-00:00", Some(720)),
        ("mon-sat 00:00-24:00", Some(6 * 1440)),
    ] {
        let shortest = calendar("UTC", hours).shortest_opening();
        assert_eq!(shortest, minutes.map(SignedDuration::from_mins), "{hours}");
    }
}
