//! Schedules, lengths of time, sizes, opening hours and files of holidays, as people write them.

use autoclosed::config::{self, Loaded, ics};
use autoclosed::engine::calendar::Calendar;
use autoclosed::engine::rule::After;
use jiff::{SignedDuration, Timestamp};

/// A line with a kind (`cron`, `length`, `step`, `size`, `zone`, `calendar`, `ics`); then the text.
pub fn target(data: &[u8]) {
    let (kind, text) = super::halves(data, b"\n");
    let Ok(text) = std::str::from_utf8(text) else { return };
    match kind {
        b"cron" => cron(text),
        b"length" => length(text),
        b"step" => step(text),
        b"size" => size(text),
        b"zone" => zone(text),
        b"calendar" => calendar(text),
        b"ics" => holidays(text),
        _ => {}
    }
}

const RULE: &str = "[[rule]]\nname = \"all\"\nmatch_all = true\n";
const CLOSE: &str = "do = \"close\"\nsilent = true\n";

fn loaded(text: &str) -> Option<Loaded> {
    config::parse("autoclosed.toml", text.as_bytes()).ok()
}

/// What passes for a schedule is one to the scheduler too, and its gaps are known.
fn cron(text: &str) {
    let Some(loaded) = loaded(&format!("[schedule]\nreconcile = {}\n", super::quoted(text))) else { return };
    let cron = loaded.config.schedule.reconcile;
    assert_eq!(cron, text.trim());
    let gap = config::longest_gap(&cron).as_secs();
    assert!((1..=28 * 366 * 86_400).contains(&gap), "{gap} seconds");
    let job = tokio_cron_scheduler::Job::new_async(cron.as_str(), |_, _| Box::pin(std::future::ready(())));
    assert!(job.is_ok(), "the scheduler refuses `{cron}`");
}

const UNITS: [(&[&str], i64); 5] = [
    (&["s", "second", "seconds"], 1),
    (&["m", "minute", "minutes"], 60),
    (&["h", "hour", "hours"], 3_600),
    (&["d", "day", "days"], 86_400),
    (&["w", "week", "weeks"], 604_800),
];

/// The rule once more: digits and a unit, from a second to ten years.
fn meant(text: &str) -> Option<SignedDuration> {
    let text = text.trim();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: i64 = text[..text.len() - unit.len()].parse().ok()?;
    let (_, seconds) = UNITS.iter().find(|(names, _)| names.contains(&unit.trim()))?;
    let length = number.checked_mul(*seconds).filter(|seconds| (1..=3_653 * 86_400).contains(seconds));
    length.map(SignedDuration::from_secs)
}

fn length(text: &str) {
    assert_eq!(config::length_of_time(text), meant(text), "{text:?}");
    let written = loaded(&format!("[safety]\nmax_lateness = {}\n", super::quoted(text)));
    assert_eq!(written.map(|loaded| loaded.config.safety.max_lateness), meant(text), "{text:?}");
}

/// How far a step is away, on a clock that knows working days.
fn step(text: &str) {
    let written = super::quoted(text);
    let office = "[[calendar]]\nname = \"office\"\nhours = { mon-fri = [\"09:00-18:00\"] }\n";
    let rule = format!("{office}{RULE}clock = \"office\"\n[[rule.step]]\nafter = {written}\n{CLOSE}");
    let Some(loaded) = loaded(&rule) else { return };
    match loaded.config.rules.rules[0].steps[0].after {
        After::Time(time) => assert_eq!(Some(time), meant(text), "{text:?}"),
        After::WorkingDays(days) => {
            assert!((1..=3_653).contains(&days) && text.contains("working day"), "{text:?} is {days}");
        }
    }
}

fn size(text: &str) {
    let Some(loaded) = loaded(&format!("[server]\nmax_body = {}\n", super::quoted(text))) else { return };
    let digits = text.trim().trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: usize = digits.parse().expect("a size begins with a number");
    let unit = if text.contains("MiB") {
        1 << 20
    } else if text.contains("KiB") {
        1 << 10
    } else {
        1
    };
    assert_eq!(loaded.config.server.max_body, number * unit, "{text:?}");
    assert!(loaded.config.server.max_body > 0);
}

fn zone(text: &str) {
    let Some(loaded) = loaded(&format!("timezone = {}\n", super::quoted(text))) else { return };
    let zone = &loaded.config.timezone;
    assert!(!zone.is_unknown(), "{text:?}");
    let there = super::decide::start().to_zoned(zone.clone());
    assert_eq!(there.timestamp(), super::decide::start());
}

/// The lines of a calendar, but for its name.
fn calendar(text: &str) {
    if text.len() > 4_096 {
        return;
    }
    let rule = format!("{RULE}clock = \"office\"\n[[rule.step]]\nafter = \"9 hours\"\n{CLOSE}");
    let Some(mut loaded) = loaded(&format!("{rule}[[calendar]]\nname = \"office\"\n{text}\n")) else { return };
    loaded.doubt_at(super::decide::start());
    for calendar in &loaded.config.calendars {
        // Around the changes of the clocks of 2026 too, in most zones.
        for days in [0, 86, 87, 297, 298, 3_000] {
            for minutes in [0, 61, 599] {
                let at = super::decide::start() + SignedDuration::from_mins(days * 1_440 + minutes);
                check_calendar(calendar, at);
            }
        }
    }
}

fn check_calendar(calendar: &Calendar, at: Timestamp) {
    let next = calendar.next_open(at);
    assert!(next.is_none_or(|next| next >= at && calendar.is_open(next)), "{next:?}");
    assert_eq!(calendar.is_open(at), next == Some(at));
    assert!(calendar.open_until(at).is_none_or(|end| end > at && !calendar.is_open(end)));
    let mut before = at;
    for minutes in [0, 1, 540, 5_000] {
        let open = SignedDuration::from_mins(minutes);
        let Some(after) = calendar.after(at, open) else { return };
        assert!(after >= before, "more time ends earlier");
        assert_eq!(calendar.open_time_between(at, after), open, "from {at} to {after}");
        before = after;
    }
    let (one, two) = (calendar.after_working_days(at, 1), calendar.after_working_days(at, 2));
    assert!(one.is_none_or(|one| one > at) && (two.is_none() || one < two), "{one:?} {two:?} from {at}");
}

/// What a file of holidays gives is a set of days; what it does not give has a place in the file.
fn holidays(text: &str) {
    match ics::holidays(text) {
        Ok(days) => {
            assert!(days.is_sorted() && days.windows(2).all(|pair| pair[0] != pair[1]));
            assert!(days.len() <= 100_000);
        }
        Err(error) => {
            assert!((1..=text.lines().count().max(1)).contains(&error.line), "{error}");
            assert!(super::is_plain(&error.to_string()) && !error.help.is_empty(), "{:?}", error.to_string());
            assert!(error.to_string().len() < 1_000, "{} bytes of error", error.to_string().len());
        }
    }
}
