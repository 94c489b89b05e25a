//! What holds for every calendar.

use proptest::prelude::*;

use super::*;

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
];

fn ranges() -> impl Strategy<Value = Vec<OpenRange>> {
    let range =
        (0_u16..1440, 1_u16..=1440).prop_filter_map("no range", |(from, long)| OpenRange::new(from, from + long));
    proptest::collection::vec(range, 0..3)
}

fn calendars() -> impl Strategy<Value = Calendar> {
    let days = proptest::collection::btree_set(0_i64..60, 0..20);
    // Ten years must hold what the tests ask for.
    let enough = |week: &Week| week.iter().flatten().map(|range| range.to() - range.from()).max() >= Some(360);
    let week = proptest::array::uniform7(ranges()).prop_filter("hardly ever opens", enough);
    (proptest::sample::select(&ZONES[..]), week, days, seasons()).prop_map(|(zone_name, week, days, start)| {
        let first = TimeZone::UTC.to_datetime(start).date();
        let holidays = days.into_iter().map(|day| first + SignedDuration::from_hours(24 * day)).collect();
        Calendar::new("any", zone(zone_name), week, holidays).unwrap()
    })
}

/// Months in which clocks change somewhere, the day that Apia left out among them.
fn seasons() -> impl Strategy<Value = Timestamp> {
    let starts = ["2026-03-01", "2026-04-01", "2026-10-01", "2010-10-20", "2011-12-10", "2017-10-01"];
    proptest::sample::select(starts.to_vec()).prop_map(|day| format!("{day}T00:00:00Z").parse().unwrap())
}

fn instants() -> impl Strategy<Value = Timestamp> {
    // Half of them on a full minute, where ranges start and end.
    let within = prop_oneof![(0_i64..50_000).prop_map(|minute| minute * 60), 0_i64..3_000_000];
    (seasons(), within).prop_map(|(start, seconds)| start + SignedDuration::from_secs(seconds))
}

fn lengths() -> impl Strategy<Value = SignedDuration> {
    prop_oneof![
        (0_i64..20_000).prop_map(SignedDuration::from_mins),
        (0_i64..900_000).prop_map(SignedDuration::from_secs)
    ]
}

proptest! {
    #[test]
    fn the_next_opening_is_open_and_its_own_next(calendar in calendars(), at in instants()) {
        let next = calendar.next_open(at).unwrap();
        prop_assert!(next >= at && calendar.is_open(next));
        prop_assert_eq!(calendar.next_open(next), Some(next));
        prop_assert_eq!(calendar.open_time_between(at, next), SignedDuration::ZERO);
        prop_assert_eq!(calendar.is_open(at), next == at);
    }

    #[test]
    fn it_is_open_up_to_the_end_and_not_at_it(calendar in calendars(), at in instants()) {
        let Some(end) = calendar.open_until(at) else { return Ok(()) };
        prop_assert!(calendar.is_open(at) && !calendar.is_open(end) && at < end);
        prop_assert_eq!(calendar.open_time_between(at, end), end.duration_since(at));
    }

    #[test]
    fn as_much_opening_time_lies_between_as_was_asked_for(calendar in calendars(), at in instants(), length in lengths()) {
        let then = calendar.after(at, length).unwrap();
        prop_assert_eq!(calendar.open_time_between(at, then), length);
        let just_before = then - SignedDuration::from_nanos(1);
        prop_assert!(calendar.is_open(then) || calendar.is_open(just_before));
        prop_assert!(length.is_zero() || calendar.open_time_between(at, just_before) < length, "not the earliest");
    }

    #[test]
    fn more_time_or_a_later_start_never_ends_sooner(
        calendar in calendars(), at in instants(), later in lengths(), length in lengths(), more in lengths(),
    ) {
        let then = calendar.after(at, length);
        prop_assert!(then <= calendar.after(at, length + more));
        prop_assert!(then <= calendar.after(at + later, length));
    }

    #[test]
    fn two_lengths_after_each_other_are_their_sum(
        calendar in calendars(), at in instants(), first in lengths(), second in lengths(),
    ) {
        let half = calendar.after(at, first).unwrap();
        prop_assert_eq!(calendar.after(half, second), calendar.after(at, first + second));
        let whole = calendar.after(half, second).unwrap();
        let sum = calendar.open_time_between(at, half) + calendar.open_time_between(half, whole);
        prop_assert_eq!(calendar.open_time_between(at, whole), sum);
    }

    #[test]
    fn working_days_go_forward_into_the_hours_or_to_their_end(calendar in calendars(), at in instants(), days in 0_u32..9) {
        let then = calendar.after_working_days(at, days).unwrap();
        let just_before = then - SignedDuration::from_nanos(1);
        prop_assert!(then >= calendar.next_open(at).unwrap());
        prop_assert!(calendar.is_open(then) || calendar.is_open(just_before));
        prop_assert!(then <= calendar.after_working_days(at, days + 1).unwrap());
    }

    #[test]
    fn openings_are_in_order_and_apart_and_of_their_days(calendar in calendars(), at in instants()) {
        let openings: Vec<_> = calendar.openings_around(at).take(60).collect();
        for pair in openings.windows(2) {
            prop_assert!(pair[0].start < pair[0].end && pair[0].end <= pair[1].start && pair[0].day <= pair[1].day);
        }
        for opening in openings {
            prop_assert!(!calendar.holidays.contains(&opening.day));
        }
    }

    #[test]
    fn no_hours_and_no_days_are_too_odd(text in "[0-9:\\- –]{0,14}", key in "[a-zA-Z\\-]{0,9}", any in "\\PC{0,12}") {
        for text in [&text, &key, &any] {
            let _ = hours::range(text).map_err(|error| error.help());
            let _ = hours::days(text).map_err(|error| error.help());
        }
    }
}
