//! Times on the command line: read as people write them, said in the operator's zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config;

/// Reads a moment: RFC 3339, or a length of time before now.
pub fn since(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    moment(text, |length| now.checked_sub(length).ok(), "before now")
}

/// Reads a moment to come: RFC 3339, or a length of time after now.
pub fn until(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let moment = moment(text, |length| now.checked_add(length).ok(), "after now")?;
    if moment <= now { Err(format!("{text} is in the past; name a moment to come")) } else { Ok(moment) }
}

fn moment(
    text: &str,
    from_now: impl FnOnce(jiff::SignedDuration) -> Option<Timestamp>,
    side: &str,
) -> Result<Timestamp, String> {
    if let Ok(moment) = text.trim().parse() {
        return Ok(moment);
    }
    config::length_of_time(text).and_then(from_now).ok_or_else(|| {
        format!("`{text}` is no time; write for example \"2026-03-09T17:00:00Z\", or \"3 days\" for 3 days {side}")
    })
}

/// A moment as people read it, to the second, with the offset of their zone.
pub fn said(moment: Timestamp, zone: &TimeZone) -> String {
    let here = moment.to_zoned(zone.clone());
    here.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2026-03-02T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_time_is_an_instant_or_a_length_from_now() {
        for (text, before, after) in [
            ("2026-03-09T17:00:00Z", "2026-03-09T17:00:00Z", "2026-03-09T17:00:00Z"),
            ("2026-03-09T17:00:00+01:00", "2026-03-09T16:00:00Z", "2026-03-09T16:00:00Z"),
            ("2 days", "2026-02-28T12:00:00Z", "2026-03-04T12:00:00Z"),
            (" 90s ", "2026-03-02T11:58:30Z", "2026-03-02T12:01:30Z"),
        ] {
            assert_eq!(since(text, noon()).unwrap().to_string(), before, "{text}");
            assert_eq!(until(text, noon()).unwrap().to_string(), after, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_told_with_an_example() {
        insta::assert_snapshot!(since("tomorrow", noon()).unwrap_err(), @r#"`tomorrow` is no time; write for example "2026-03-09T17:00:00Z", or "3 days" for 3 days before now"#);
        for odd in ["", "5", "-2 days", "0 days", "2026-03-09"] {
            assert!(until(odd, noon()).is_err(), "{odd}");
        }
    }

    #[test]
    fn the_end_of_something_lies_ahead() {
        insta::assert_snapshot!(until("2026-03-02T12:00:00Z", noon()).unwrap_err(), @"2026-03-02T12:00:00Z is in the past; name a moment to come");
    }

    #[test]
    fn a_moment_is_said_in_the_operators_zone() {
        let dublin = TimeZone::get("Europe/Dublin").unwrap();
        assert_eq!(said("2026-07-02T12:00:00Z".parse().unwrap(), &dublin), "2026-07-02 13:00:00 IST");
        assert_eq!(said(noon(), &TimeZone::UTC), "2026-03-02 12:00:00 UTC");
    }
}
