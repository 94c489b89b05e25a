//! What files say, and what is refused.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

/// A file with one event of these lines.
fn event(lines: &str) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n")
}

fn read(text: &str) -> String {
    match holidays(text) {
        Ok(days) => days.iter().map(Date::to_string).collect::<Vec<_>>().join(" "),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_all_day_event_gives_its_days() {
    for (lines, days) in [
        ("DTSTART;VALUE=DATE:20261225", "2026-12-25"),
        ("DTSTART:20261225", "2026-12-25"),
        ("dtstart;value=date:20261225", "2026-12-25"),
        ("DTSTART;X-NOTE=\"a:b;c\";VALUE=DATE:20261225", "2026-12-25"),
        ("DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261226", "2026-12-25"),
        ("DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261225", "2026-12-25"),
        ("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227", "2026-12-24 2026-12-25 2026-12-26"),
        ("DTEND;VALUE=DATE:20270102\nDTSTART;VALUE=DATE:20261231", "2026-12-31 2027-01-01"),
        ("DTSTART;VALUE=DATE:20261225\nEXDATE;VALUE=DATE:20261225", ""),
        ("STATUS:CANCELLED\nDTSTART;VALUE=DATE:20261225", ""),
        ("STATUS:CONFIRMED\nDTSTART;VALUE=DATE:20261225", "2026-12-25"),
        ("DTSTART;VALUE=DATE:2026\n 12\n\t25\nSUMMARY:Christmas: \"the\n  first day\"", "2026-12-25"),
        ("DTSTART;VALUE=DATE:20261225\nBEGIN:VALARM\nDURATION:PT5M\nDTSTART:soon\nEND:VALARM", "2026-12-25"),
    ] {
        assert_eq!(read(&event(lines)), days, "{lines}");
    }
}

#[test]
fn a_yearly_event_gives_its_days_up_to_2100() {
    let days = holidays(&event("DTSTART;VALUE=DATE:20241225\nRRULE:FREQ=YEARLY")).unwrap();
    assert_eq!((days.len(), days[0], days[76]), (77, date(2024, 12, 25), date(2100, 12, 25)));
    let days = holidays(&event("DTSTART;VALUE=DATE:19701225\nRRULE:FREQ=YEARLY")).unwrap();
    assert_eq!((days.len(), days[0]), (101, date(2000, 12, 25)), "years long past are left out");
    let days = holidays(&event("DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY")).unwrap();
    assert_eq!((days.len(), days[1], days[18]), (19, date(2028, 2, 29), date(2096, 2, 29)), "in leap years only");
}

#[test]
fn a_yearly_event_ends_when_it_says() {
    for (rule, days) in [
        ("FREQ=YEARLY;COUNT=2", "2024-12-31 2025-01-01 2025-12-31 2026-01-01"),
        ("COUNT=1;FREQ=YEARLY;INTERVAL=1;WKST=MO", "2024-12-31 2025-01-01"),
        ("FREQ=YEARLY;UNTIL=20251231", "2024-12-31 2025-01-01 2025-12-31 2026-01-01"),
        ("FREQ=YEARLY;UNTIL=20251230", "2024-12-31 2025-01-01"),
        ("FREQ=YEARLY;COUNT=3\nEXDATE;VALUE=DATE:20241231,20261231", "2025-12-31 2026-01-01"),
        ("FREQ=YEARLY;COUNT=3\nEXDATE:20241231\nEXDATE:20261231", "2025-12-31 2026-01-01"),
    ] {
        let lines = format!("DTSTART;VALUE=DATE:20241231\nDTEND;VALUE=DATE:20250102\nRRULE:{rule}");
        assert_eq!(read(&event(&lines)), days, "{rule}");
    }
    let past = event("DTSTART;VALUE=DATE:19991225\nRRULE:FREQ=YEARLY;COUNT=3");
    assert_eq!(read(&past), "2000-12-25 2001-12-25", "the years left out are counted");
}

#[test]
fn the_days_of_all_events_come_in_order_and_once() {
    let text = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nBEGIN:STANDARD\nDTSTART:19701025T030000\n\
        RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nEND:VTIMEZONE\n\
        BEGIN:VEVENT\nDTSTART:20270101\nEND:VEVENT\n\nBEGIN:VTODO\nDTSTART:20270102T030000\nEND:VTODO\n\
        BEGIN:VEVENT\nDTSTART:20261225\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20261225\nDTEND:20261227\nEND:VEVENT\n\
        END:VCALENDAR";
    let days = "2026-12-25 2026-12-26 2027-01-01";
    assert_eq!(read(text), days);
    let windows = format!("\u{feff}{}\r\n", text.replace('\n', "\r\n"));
    assert_eq!(read(&windows), days);
    assert_eq!(read("BEGIN:VCALENDAR\nEND:VCALENDAR"), "", "a calendar without events has no holidays");
}

#[test]
fn what_would_change_the_days_is_refused_with_its_line() {
    let start = "DTSTART;VALUE=DATE:20261225";
    let refused = [
        "DTSTART:20261225T090000Z",
        "DTSTART;TZID=Europe/Dublin:20261225T000000",
        "DTSTART;VALUE=DATE:20261232",
        "DTSTART;VALUE=DATE:２０２６1225",
        "SUMMARY:no start",
        &format!("{start}\n{start}"),
        &format!("{start}\nDTEND;VALUE=DATE:20261224"),
        &format!("{start}\nDTEND;VALUE=DATE:20281225"),
        &format!("{start}\nDURATION:P2D"),
        &format!("{start}\nRDATE;VALUE=DATE:20270101"),
        &format!("{start}\nRECURRENCE-ID;VALUE=DATE:20261225"),
        &format!("{start}\nEXDATE:20271225T000000Z"),
        &format!("{start}\nRRULE:FREQ=MONTHLY"),
        &format!("{start}\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"),
        &format!("{start}\nRRULE:FREQ=YEARLY;INTERVAL=2"),
        &format!("{start}\nRRULE:FREQ=YEARLY;COUNT=0"),
        &format!("{start}\nRRULE:COUNT=2"),
        &format!("{start}\nRRULE:FREQ=YEARLY\nRRULE:FREQ=YEARLY;COUNT=2"),
        &format!("{start}\nFREE TEXT"),
        &format!("{start}\nBEGIN:VEVENT"),
        &format!("{start}\nEND:VALARM"),
    ];
    let told = refused.map(|lines| {
        let error = holidays(&event(lines)).unwrap_err();
        format!("{error}; {}\n", error.help)
    });
    insta::assert_snapshot!(told.concat(), @r#"
    line 4: `DTSTART` is `20261225T090000Z`, which has a time of day; holidays are whole days: make it an all-day event, or remove it from the file
    line 4: `DTSTART` is `20261225T000000`, which has a time of day; holidays are whole days: make it an all-day event, or remove it from the file
    line 4: `DTSTART` is `20261232`, which is no date; write year, month and day, such as DTSTART;VALUE=DATE:20261225
    line 4: `DTSTART` is `２０２６1225`, which is no date; write year, month and day, such as DTSTART;VALUE=DATE:20261225
    line 3: this event has no `DTSTART`; give the event a start, such as DTSTART;VALUE=DATE:20261225
    line 5: this event has a second `DTSTART`; keep one of them
    line 5: this event ends before it starts; correct `DTEND`: the day after the last one
    line 5: this event lasts longer than a year; correct `DTEND`, or remove the event
    line 5: an event with `DURATION` is not understood; write its days into `holidays` by hand, and remove the event from the file
    line 5: an event with `RDATE` is not understood; write its days into `holidays` by hand, and remove the event from the file
    line 5: an event with `RECURRENCE-ID` is not understood; write its days into `holidays` by hand, and remove the event from the file
    line 5: `EXDATE` is `20271225T000000Z`, which has a time of day; holidays are whole days: make it an all-day event, or remove it from the file
    line 5: `FREQ=MONTHLY` in an `RRULE` is not understood; write its days into `holidays` by hand, and remove the event from the file
    line 5: `BYMONTH=11` in an `RRULE` is not understood; write its days into `holidays` by hand, and remove the event from the file
    line 5: `INTERVAL=2` in an `RRULE` is not understood; write its days into `holidays` by hand, and remove the event from the file
    line 5: `COUNT=0` is no number of times; write 1 or more
    line 5: an `RRULE` without `FREQ=YEARLY` is not understood; write its days into `holidays` by hand, and remove the event from the file
    line 6: this event has a second `RRULE`; keep one of them
    line 5: this line has no name and value; the file is damaged or cut off: export or download it again
    line 5: an event begins inside another; the file is damaged or cut off: export or download it again
    line 5: `END:VALARM` ends nothing here; the file is damaged or cut off: export or download it again
    "#);
}

#[test]
fn a_file_that_is_none_or_is_cut_off_is_refused() {
    let whole = event("DTSTART;VALUE=DATE:20261225");
    assert_eq!(read(&whole), "2026-12-25");
    for (end, _) in whole.match_indices('\n').filter(|(end, _)| end + 1 < whole.len()) {
        assert!(holidays(&whole[..end]).is_err(), "{}", &whole[..end]);
    }
    for text in ["", "\n\n", "<!DOCTYPE html>\n<html>", "2026-12-25\n", "BEGIN:VCARD\nEND:VCARD\n"] {
        assert!(read(text).ends_with(": this is no iCalendar file"), "{text}");
    }
}

#[test]
fn a_file_without_measure_is_refused() {
    let long = "BEGIN:VEVENT\nDTSTART:20000101\nDTEND:20001231\nRRULE:FREQ=YEARLY\nEND:VEVENT\n".repeat(3);
    assert_eq!(
        read(&format!("BEGIN:VCALENDAR\n{long}END:VCALENDAR")),
        "line 12: with this event there are more than 100000 days"
    );
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in "\\PC*", lines in lines()) {
        let _ = holidays(&text);
        let _ = holidays(&lines);
        let _ = holidays(&event(&lines));
        let _ = holidays(&event(&format!("DTSTART:{text}\nRRULE:{text}\nEXDATE:{text}")));
    }

    #[test]
    fn where_lines_are_folded_makes_no_difference(at in 1_usize..24) {
        let mut line = "DTSTART;VALUE=DATE:20261225".to_owned();
        line.insert_str(at, "\r\n ");
        prop_assert_eq!(read(&event(&line)), "2026-12-25");
    }
}

/// Lines made of what such files are made of.
fn lines() -> impl Strategy<Value = String> {
    let names = ["BEGIN", "END", "DTSTART", "DTEND", "RRULE", "EXDATE", "STATUS", " ", "\t", ""];
    let marks = [":", ";", ";VALUE=DATE:", ";X=\":", "=", ""];
    let values =
        ["VCALENDAR", "VEVENT", "VALARM", "20261225", "99991231", "-0010101", "FREQ=YEARLY", "COUNT=", "é", ""];
    let pick = |words: &[&'static str]| proptest::sample::select(words.to_vec());
    let line = (pick(&names), pick(&marks), pick(&values));
    let line = line.prop_map(|(name, mark, value)| format!("{name}{mark}{value}\n"));
    proptest::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}
