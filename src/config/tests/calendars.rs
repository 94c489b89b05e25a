//! What is said about calendars, and about rules that count by one.

use std::io;

use jiff::civil::date;

use super::{parse_with, told};

#[test]
fn a_calendar_has_a_name_and_hours() {
    let text = r#"
[[calendar]]
[[calendar]]
name = " "
hours = "09:00-18:00"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:1:1: this calendar has no name
      |
    1 | [[calendar]]
      | ^^^^^^^^^^^^
    help: write name = "office": rules call the calendar by it

    a.toml:1:1: this calendar has no hours
      |
    1 | [[calendar]]
      | ^^^^^^^^^^^^
    help: add hours = { mon-fri = ["09:00-18:00"] }

    a.toml:3:8: the name of a calendar is a word or two, with no spaces around it and on one line
      |
    3 | name = " "
      |        ^^^
    help: write for example name = "office"

    a.toml:4:9: `hours` must be a table of days, not text
      |
    4 | hours = "09:00-18:00"
      |         ^^^^^^^^^^^^^
    help: write for example hours = { mon-fri = ["09:00-18:00"] }
    "#);
}

#[test]
fn names_of_calendars_are_unique() {
    let text = r#"
[[calendar]]
name = "office"
hours = { mon-fri = ["09:00-18:00"], sat = ["10:00-14:00"] }
[[calendar]]
name = "office"
hours = { mon-fri = ["09:00-18:00"], sat = ["10:00-14:00"] }
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:5:8: another calendar above is named "office" too
      |
    5 | name = "office"
      |        ^^^^^^^^
    help: give each calendar a name of its own: rules call it by that
    "#);
}

#[test]
fn hours_are_told_where_they_are_wrong() {
    let text = r#"
[[calendar]]
name = "office"
hours = { mon-thu = ["09:00-12:00", "13:00-25:00"], thu = "09:00-18:00", friday = ["18:00-09:00"], sat = 9 }
timezone = "Europe/Dublim"
hour = 1
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:3:37: `25:00` is no time of day
      |
    3 | hours = { mon-thu = ["09:00-12:00", "13:00-25:00"], thu = "09:00-18:00", friday = ["18:00-09:00"], sat = 9 }
      |                                     ^^^^^^^^^^^^^
    help: write hours and minutes from 00:00 to 24:00, such as "09:00" or "17:30"

    a.toml:3:74: `friday` is no day of the week
      |
    3 | hours = { mon-thu = ["09:00-12:00", "13:00-25:00"], thu = "09:00-18:00", friday = ["18:00-09:00"], sat = 9 }
      |                                                                          ^^^^^^
    help: write `fri`

    a.toml:3:84: `18:00-09:00` ends before it starts
      |
    3 | hours = { mon-thu = ["09:00-12:00", "13:00-25:00"], thu = "09:00-18:00", friday = ["18:00-09:00"], sat = 9 }
      |                                                                                    ^^^^^^^^^^^^^
    help: write "09:00-18:00"; or, if it is meant to cross midnight, "18:00-24:00" and on the day after "00:00-09:00"

    a.toml:3:106: `sat` must be text in quotes, or a list of such, not a whole number
      |
    3 | hours = { mon-thu = ["09:00-12:00", "13:00-25:00"], thu = "09:00-18:00", friday = ["18:00-09:00"], sat = 9 }
      |                                                                                                          ^
    help: write for example sat = ["09:00-18:00"]

    a.toml:4:12: unknown time zone "Europe/Dublim"
      |
    4 | timezone = "Europe/Dublim"
      |            ^^^^^^^^^^^^^^^
    help: write a name like "Europe/Dublin" or "America/New_York", or "UTC"

    a.toml:5:1: unknown key `hour` in a calendar
      |
    5 | hour = 1
      | ^^^^
    help: did you mean `hours`?
    "#);
}

#[test]
fn a_calendar_opens_some_day() {
    let text = r#"
[[calendar]]
name = "never"
hours = {}
[[calendar]]
name = "closed"
hours = { sat-sun = [] }
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:3:1: this is a calendar that never opens
      |
    3 | hours = {}
      | ^^^^^
    help: write for example hours = { mon-fri = ["09:00-18:00"] }

    a.toml:6:1: this is a calendar that never opens
      |
    6 | hours = { sat-sun = [] }
      | ^^^^^
    help: write for example hours = { mon-fri = ["09:00-18:00"] }
    "#);
}

#[test]
fn holidays_are_whole_days() {
    let text = r#"
[[calendar]]
name = "office"
hours = { mon = "09:00-18:00" }
holidays = [2026-12-25, "2026-12-26", "26-12-27", 2026-12-28T09:00:00Z, "2026-02-30", 7, ""]
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:39: this is no date
      |
    4 | holidays = [2026-12-25, "2026-12-26", "26-12-27", 2026-12-28T09:00:00Z, "2026-02-30", 7, ""]
      |                                       ^^^^^^^^^^
    help: write year, month and day, such as "2026-12-25"; a holiday is a whole day

    a.toml:4:51: this is no date
      |
    4 | holidays = [2026-12-25, "2026-12-26", "26-12-27", 2026-12-28T09:00:00Z, "2026-02-30", 7, ""]
      |                                                   ^^^^^^^^^^^^^^^^^^^^
    help: write year, month and day, such as "2026-12-25"; a holiday is a whole day

    a.toml:4:73: this is no date
      |
    4 | holidays = [2026-12-25, "2026-12-26", "26-12-27", 2026-12-28T09:00:00Z, "2026-02-30", 7, ""]
      |                                                                         ^^^^^^^^^^^^
    help: write year, month and day, such as "2026-12-25"; a holiday is a whole day

    a.toml:4:87: `holidays` must be a date, or a list of such, not a whole number
      |
    4 | holidays = [2026-12-25, "2026-12-26", "26-12-27", 2026-12-28T09:00:00Z, "2026-02-30", 7, ""]
      |                                                                                       ^
    help: write for example holidays = ["2026-12-25"]

    a.toml:4:90: this is no date
      |
    4 | holidays = [2026-12-25, "2026-12-26", "26-12-27", 2026-12-28T09:00:00Z, "2026-02-30", 7, ""]
      |                                                                                          ^^
    help: write year, month and day, such as "2026-12-25"; a holiday is a whole day
    "#);
}

#[test]
fn holidays_are_listed_or_in_a_file() {
    let text = r#"
[[calendar]]
name = "office"
hours = { mon = "09:00-18:00" }
holidays = 2026-12-25
holidays_file = "holidays.ics"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:5:1: `holidays` and `holidays_file` both say when it is closed
      |
    5 | holidays_file = "holidays.ics"
      | ^^^^^^^^^^^^^
    help: keep one of the two: all days in the list, or all in the file
    "#);
}

const OFFICE: &str = r#"
timezone = "Europe/Dublin"
[[calendar]]
name = "office"
hours = { mon-fri = ["09:00-12:00", "13:00-18:00"], sat = "10:00-14:00", sun = [] }
holidays_file = "days/holidays.ics"
[[calendar]]
name = "night"
hours = { fri-mon = "22:00-06:00" }
holidays = [2026-12-25, "2027-01-01"]
timezone = "Asia/Tokyo"
"#;

const HOLIDAYS: &str = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225\nEND:VEVENT\nEND:VCALENDAR\n";

#[test]
fn a_calendar_means_what_it_says() {
    let files = |name: &std::path::Path| {
        assert_eq!(name.to_str(), Some("days/holidays.ics"));
        Ok(HOLIDAYS.as_bytes().to_vec())
    };
    let config = parse_with("a.toml", OFFICE.as_bytes(), &files).unwrap_or_else(|found| panic!("{found}")).config;
    let told = config.calendars.iter().map(|calendar| {
        let zone = calendar.timezone().iana_name().unwrap();
        format!("{} {zone} {:?}\n", calendar.name, calendar.holidays())
    });
    insta::assert_snapshot!(told.collect::<String>(), @"
    office Europe/Dublin {2026-12-25}
    night Asia/Tokyo {2026-12-25, 2027-01-01}
    ");
    let lengths: Vec<usize> = config.calendars[0].week().iter().map(Vec::len).collect();
    assert_eq!(lengths, [2, 2, 2, 2, 2, 1, 0]);
    let lengths: Vec<usize> = config.calendars[1].week().iter().map(Vec::len).collect();
    assert_eq!(lengths, [1, 0, 0, 0, 1, 1, 1]);
}

/// What is said about a file of holidays with this content.
fn of_file(content: io::Result<Vec<u8>>) -> String {
    let content = std::cell::RefCell::new(Some(content));
    let files = |_: &std::path::Path| content.take().unwrap_or_else(|| Err(io::ErrorKind::Other.into()));
    parse_with("a.toml", OFFICE.trim_start().as_bytes(), &files).unwrap_err().to_string()
}

#[test]
fn a_file_of_holidays_is_there_and_can_be_read() {
    let told = [
        Err(io::ErrorKind::NotFound.into()),
        Err(io::ErrorKind::PermissionDenied.into()),
        Err(io::ErrorKind::IsADirectory.into()),
        Ok(b"\xff\xfe".to_vec()),
        Ok(HOLIDAYS.replace("20261225", "20261225T090000").into_bytes()),
    ]
    .map(of_file);
    insta::assert_snapshot!(told.join("\n"), @r#"
    a.toml:5:17: there is no file `days/holidays.ics`
      |
    5 | holidays_file = "days/holidays.ics"
      |                 ^^^^^^^^^^^^^^^^^^^
    help: its path starts in the folder of the configuration

    a.toml:1:1: warning: there are no rules, so nothing will ever be closed
    help: add a [[rule]] when you want conversations closed; until then they are only recorded

    a.toml:5:17: `days/holidays.ics` cannot be read: permission denied
      |
    5 | holidays_file = "days/holidays.ics"
      |                 ^^^^^^^^^^^^^^^^^^^
    help: make the file readable for the user that runs autoclosed

    a.toml:1:1: warning: there are no rules, so nothing will ever be closed
    help: add a [[rule]] when you want conversations closed; until then they are only recorded

    a.toml:5:17: `days/holidays.ics` is a folder
      |
    5 | holidays_file = "days/holidays.ics"
      |                 ^^^^^^^^^^^^^^^^^^^
    help: name an .ics file, such as "holidays.ics"

    a.toml:1:1: warning: there are no rules, so nothing will ever be closed
    help: add a [[rule]] when you want conversations closed; until then they are only recorded

    a.toml:5:17: `days/holidays.ics` is not UTF-8 text
      |
    5 | holidays_file = "days/holidays.ics"
      |                 ^^^^^^^^^^^^^^^^^^^
    help: export or download it again as UTF-8

    a.toml:1:1: warning: there are no rules, so nothing will ever be closed
    help: add a [[rule]] when you want conversations closed; until then they are only recorded

    a.toml:5:17: `days/holidays.ics`, line 3: `DTSTART` is `20261225T090000`, which has a time of day
      |
    5 | holidays_file = "days/holidays.ics"
      |                 ^^^^^^^^^^^^^^^^^^^
    help: holidays are whole days: make it an all-day event, or remove it from the file

    a.toml:1:1: warning: there are no rules, so nothing will ever be closed
    help: add a [[rule]] when you want conversations closed; until then they are only recorded
    "#);
}

#[test]
fn a_file_without_a_holiday_is_doubted() {
    let files = |_: &std::path::Path| Ok(b"BEGIN:VCALENDAR\nEND:VCALENDAR\n".to_vec());
    let warnings = parse_with("a.toml", OFFICE.trim_start().as_bytes(), &files).unwrap().warnings;
    insta::assert_snapshot!(warnings.warnings[1].message, @"there is no holiday in `days/holidays.ics`");
}

#[test]
fn a_file_of_holidays_lies_beside_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.toml");
    std::fs::create_dir(dir.path().join("days")).unwrap();
    std::fs::write(&path, OFFICE).unwrap();
    std::fs::write(dir.path().join("days/holidays.ics"), HOLIDAYS).unwrap();
    let config = super::load(&path).unwrap_or_else(|found| panic!("{found}")).config;
    assert!(config.calendars[0].holidays().contains(&date(2026, 12, 25)));
    std::fs::remove_file(dir.path().join("days/holidays.ics")).unwrap();
    assert_eq!(super::load(&path).unwrap_err().errors[0].message, "there is no file `days/holidays.ics`");
}

#[test]
fn a_file_of_holidays_has_a_name() {
    let text =
        OFFICE.replace("days/holidays.ics", " ") + "[[rule]]\nname = \"vip\"\nmatch.tags = \"vip\"\nleave = true\n";
    insta::assert_snapshot!(told(&text), @r#"
    a.toml:5:17: `holidays_file` names no file
      |
    5 | holidays_file = " "
      |                 ^^^
    help: write for example holidays_file = "holidays.ics"
    "#);
}

#[test]
fn a_file_of_holidays_is_no_larger_than_a_configuration() {
    let found = of_file(Ok(vec![b' '; super::LARGEST + 1]));
    let (found, _) = found.split_once("\n\n").unwrap();
    insta::assert_snapshot!(found, @r#"
    a.toml:5:17: `days/holidays.ics` is larger than 10 MiB
      |
    5 | holidays_file = "days/holidays.ics"
      |                 ^^^^^^^^^^^^^^^^^^^
    help: name an .ics file with holidays alone
    "#);
}
