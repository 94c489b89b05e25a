//! When it opens, what it lets through, and when it closes.

use super::*;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(1000 + seconds)
}

/// Notes calls that had leave, one per pair of second and whether it was answered.
fn after(calls: &[(u64, bool)]) -> Breaker {
    let mut breaker = Breaker::default();
    for (second, answered) in calls {
        breaker.note(at(*second), Leave::Usual, *answered);
    }
    breaker
}

fn failing(seconds: impl IntoIterator<Item = u64>) -> Vec<(u64, bool)> {
    seconds.into_iter().map(|second| (second, false)).collect()
}

#[test]
fn it_opens_when_half_of_ten_calls_in_a_minute_failed_or_ten_in_a_row() {
    let halves: Vec<_> = (0..10).map(|n| (n, n % 2 == 0)).collect();
    let fewer: Vec<_> = (0..20).map(|n| (n, n % 9 < 5)).collect();
    let nine = failing(0..9);
    let mut ended_well = nine.clone();
    ended_well.extend([(9, true), (10, true), (11, true)]);
    let mut slowly = failing((0..10).map(|n| n * 3600));
    for (name, calls, open) in [
        ("nine failures", nine, false),
        ("ten failures at once", failing([0; 10]), true),
        ("five of ten", halves, true),
        ("four of nine, on and on", fewer, false),
        ("answers after nine failures", ended_well, false),
        ("ten failures, an hour apart", slowly.clone(), true),
        (
            "ten failures, an hour apart, and an answer between",
            {
                slowly.insert(5, (5 * 3600 - 1, true));
                slowly
            },
            false,
        ),
        ("ten in a minute and a second, answers between", (0..11).map(|n| (n * 7, n % 2 == 0)).collect(), false),
    ] {
        assert_eq!(after(&calls).trouble().is_some(), open, "{name}");
    }
}

fn open() -> Breaker {
    after(&failing([0; 10]))
}

#[test]
fn while_it_is_open_one_call_that_only_asks_is_let_through_in_thirty_seconds() {
    let mut breaker = open();
    let mut let_through = Vec::new();
    for second in 0..=7200 {
        assert!(breaker.may(at(second), false).is_err(), "a deed never finds out");
        let rests = breaker.rests(at(second)).is_some();
        assert_eq!(breaker.may(at(second), true).is_err(), rests);
        if !rests {
            let_through.push(second);
            assert!(breaker.may(at(second), true).is_err(), "one, and no other");
            breaker.note(at(second + 1), Leave::Probe, false);
        }
    }
    assert!((30..=46).contains(&let_through[0]));
    let gaps: Vec<u64> = let_through.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| (30..=46).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().any(|gap| *gap > 35) && gaps.iter().any(|gap| *gap < 45), "not all the same: {gaps:?}");
}

#[test]
fn one_answer_to_the_call_that_finds_out_closes_it_and_no_other() {
    let mut breaker = open();
    breaker.note(at(5), Leave::Usual, true);
    assert!(breaker.trouble().is_some(), "that one left before it opened");
    let next = breaker.trouble().unwrap().next;
    assert_eq!(breaker.may(next, true), Ok(Leave::Probe));
    breaker.note(next, Leave::Probe, true);
    assert_eq!((breaker.trouble(), breaker.may(next, false)), (None, Ok(Leave::Usual)));
    breaker.note(next, Leave::Usual, false);
    assert_eq!(breaker.trouble(), None, "it counts anew");
}

#[test]
fn a_call_that_was_let_through_and_given_up_keeps_nobody_from_trying_again() {
    let mut breaker = open();
    let next = breaker.trouble().unwrap().next;
    assert_eq!(breaker.may(next, true), Ok(Leave::Probe));
    let then = breaker.trouble().unwrap().next;
    assert!(then >= next + REST && then <= next + REST + LONGEST_DELAY);
    assert_eq!(breaker.may(then, true), Ok(Leave::Probe));
}
