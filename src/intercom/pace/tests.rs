//! No ten seconds hold more requests than are allowed.

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::clock::ManualClock;

const START: i64 = 1_767_225_600;

fn at(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn told(limit: u32, remaining: u32, resets_in: i64) -> Told {
    let (limit, remaining) = (Some(limit), Some(remaining));
    Told { limit, remaining, reset: Some(START + resets_in), retry_after: None, said_at: START }
}

/// Sends and answers as many requests at `now` as the pace lets through.
fn burst(pace: &mut Pace, now: Duration) -> u32 {
    let mut sent = 0;
    while sent < 10_000 && pace.ask(now, 1).is_ok() {
        pace.launch(now).unwrap();
        pace.land(now);
        sent += 1;
    }
    sent
}

#[test]
fn the_cap_is_the_smaller_of_ours_and_what_intercom_says() {
    let silent = Told { said_at: START, ..Told::default() };
    let limit = |limit| Told { limit: Some(limit), ..silent };
    for (own, told, want) in [
        (None, None, 5),
        (Some(500), None, 5),
        (Some(3), None, 3),
        (None, Some(silent), 80),
        (Some(500), Some(silent), 500),
        (None, Some(limit(1666)), 833),
        (None, Some(limit(167)), 83),
        (Some(100), Some(limit(1666)), 100),
        (Some(500), Some(limit(167)), 167),
        (None, Some(limit(1)), 1),
        (None, Some(limit(0)), 1),
        (Some(0), None, 1),
    ] {
        let mut pace = Pace::new(own);
        if let Some(told) = told {
            pace.told(at(0), &told);
        }
        assert_eq!(pace.cap(), want, "{own:?} {told:?}");
        assert_eq!(burst(&mut pace, at(0)), want, "{own:?} {told:?}");
    }
}

#[test]
fn an_answer_without_a_limit_does_not_take_back_an_announced_one() {
    let mut pace = Pace::new(None);
    pace.told(at(0), &told(100, 100, 10));
    pace.told(at(0), &Told { said_at: START, ..Told::default() });
    assert_eq!((pace.cap(), pace.announced()), (50, Some(100)));
}

#[test]
fn a_wait_ends_exactly_when_it_said() {
    let mut pace = Pace::new(Some(2));
    for now in [0, 400] {
        pace.ask(at(now), 1).unwrap();
        pace.launch(at(now)).unwrap();
        pace.land(at(now + 100));
    }
    assert_eq!(pace.ask(at(600), 1), Err(at(9_500)));
    assert_eq!(pace.ask(at(600), 2), Err(at(9_900)), "both places are needed");
    assert_eq!(pace.ask(at(10_099), 1), Err(at(1)));
    assert_eq!(pace.ask(at(10_100), 1), Ok(1));
}

#[test]
fn a_request_keeps_its_place_until_ten_seconds_after_its_answer() {
    let mut pace = Pace::new(Some(1));
    assert_eq!(pace.ask(at(0), 1), Ok(1));
    assert!(pace.ask(at(60_000), 1).is_err(), "reserved");
    pace.launch(at(60_000)).unwrap();
    assert!(pace.ask(at(90_000), 1).is_err(), "under way");
    pace.land(at(90_000));
    assert_eq!(pace.ask(at(99_999), 1), Err(at(1)));
    assert_eq!(pace.ask(at(100_000), 1), Ok(1));
    pace.release(1);
    assert_eq!(pace.ask(at(100_000), 1), Ok(1), "given back unused");
}

#[test]
fn more_than_the_cap_can_give_is_cut_to_the_cap() {
    assert_eq!(Pace::new(None).ask(at(0), 9), Ok(5));
    assert_eq!(Pace::new(Some(1)).ask(at(0), 2), Ok(1));
}

#[test]
fn what_remains_is_shared_with_other_apps() {
    for (remaining, resets_in, sent, wait) in
        [(3, 4, 3, at(4_000)), (0, 4, 0, at(4_000)), (1, -2, 1, at(10_000)), (0, 61, 0, at(10_000))]
    {
        let mut pace = Pace::new(None);
        pace.told(at(0), &told(1000, remaining, resets_in));
        assert_eq!(burst(&mut pace, at(0)), sent, "{remaining} {resets_in}");
        assert_eq!(pace.ask(at(0), 1), Err(wait), "{remaining} {resets_in}");
        assert_eq!(pace.ask(wait, 1), Ok(1), "{remaining} {resets_in}");
    }
}

#[test]
fn of_two_answers_in_one_window_the_scarcer_counts_and_of_two_windows_the_later() {
    let mut pace = Pace::new(None);
    pace.told(at(0), &told(1000, 2, 5));
    pace.told(at(0), &told(1000, 9, 5));
    assert_eq!(burst(&mut pace, at(0)), 2, "an answer overtaken by a scarcer one");
    pace.told(at(100), &told(1000, 7, 15));
    pace.told(at(200), &told(1000, 1, 5));
    assert_eq!(burst(&mut pace, at(200)), 7, "an answer overtaken by one of the next window");
}

#[test]
fn requests_under_way_are_not_counted_as_remaining() {
    let mut pace = Pace::new(None);
    pace.ask(at(0), 3).unwrap();
    for _ in 0..3 {
        pace.launch(at(0)).unwrap();
    }
    pace.land(at(10));
    pace.told(at(10), &told(1000, 4, 5));
    assert_eq!(burst(&mut pace, at(10)), 2);
}

#[test]
fn a_refusal_waits_for_the_reset_within_reason() {
    let refusal = Told { said_at: START, ..Told::default() };
    for (reset, retry_after, want) in [
        (Some(START + 7), None, 7),
        (Some(START + 60), None, 60),
        (Some(START + 61), None, 10),
        (Some(START), None, 10),
        (Some(START - 3), None, 10),
        (Some((START + 7) * 1000), None, 10),
        (Some(i64::MIN), None, 10),
        (None, None, 10),
        (None, Some(30), 30),
        (None, Some(3), 10),
        (Some(START + 7), Some(9), 9),
        (Some(START + 7), Some(3), 7),
        (Some(START + 7), Some(61), 7),
        (Some(START + 7), Some(-1), 7),
    ] {
        let mut pace = Pace::new(None);
        let until = pace.refused(at(500), &Told { reset, retry_after, ..refusal });
        assert_eq!(until, at(500 + want * 1000), "{reset:?} {retry_after:?}");
        assert_eq!(pace.ask(until.saturating_sub(at(1)), 1), Err(at(1)), "{reset:?} {retry_after:?}");
        assert_eq!(pace.ask(until, 1), Ok(1), "{reset:?} {retry_after:?}");
    }
}

#[test]
fn a_refusal_also_holds_back_what_was_reserved_before_and_a_later_one_does_not_shorten_it() {
    let mut pace = Pace::new(None);
    pace.ask(at(0), 1).unwrap();
    assert_eq!(pace.refused(at(0), &told(100, 0, 30)), at(30_000));
    assert_eq!(pace.refused(at(0), &told(100, 0, 5)), at(30_000));
    assert_eq!(pace.launch(at(29_000)), Err(at(1_000)));
    assert_eq!(pace.launch(at(30_000)), Ok(()));
}

#[derive(Debug, Clone)]
enum Op {
    Pass(u64),
    Ask(u32),
    Release,
    Launch,
    Land,
    Told { remaining: u32, resets_in: i64 },
    Refused { resets_in: i64 },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (0_u64..6_000).prop_map(Op::Pass),
        4 => (1_u32..4).prop_map(Op::Ask),
        1 => Just(Op::Release),
        5 => Just(Op::Launch),
        4 => Just(Op::Land),
        1 => (0_u32..12, 1_i64..11).prop_map(|(remaining, resets_in)| Op::Told { remaining, resets_in }),
        1 => (-2_i64..70).prop_map(|resets_in| Op::Refused { resets_in }),
    ]
}

proptest! {
    #[test]
    fn no_ten_seconds_hold_more_than_the_cap_and_nothing_leaves_before_a_reset(
        own in 1_u32..9,
        ops in prop::collection::vec(op(), 1..200),
    ) {
        let mut pace = Pace::new(Some(own));
        let (mut now, mut held, mut closed_until) = (at(0), 0, at(0));
        // Each request as (sent, answered): Intercom may count it anywhere in between.
        let mut requests: Vec<(Duration, Option<Duration>)> = Vec::new();
        // What Intercom said was left, until when, counting those it may not have seen yet.
        let (mut window, mut windows_until): (Option<(u32, Duration)>, _) = (None, at(0));
        for op in ops {
            match op {
                Op::Pass(milliseconds) => now += at(milliseconds),
                Op::Ask(n) => match pace.ask(now, n) {
                    Ok(granted) => held += granted,
                    Err(wait) => prop_assert!(wait > at(0) && wait <= at(60_000)),
                },
                Op::Release => { pace.release(held); held = 0; }
                Op::Launch if held > 0 => if pace.launch(now).is_ok() {
                    held -= 1;
                    requests.push((now, None));
                    prop_assert!(now >= closed_until);
                    let may_count = |request: &&(Duration, Option<Duration>)| {
                        request.1.is_none_or(|answered| answered + SPAN > now)
                    };
                    let counted = requests.iter().filter(may_count).count();
                    prop_assert!(counted <= usize::try_from(own).unwrap(), "{counted} in ten seconds");
                    if let Some((left, _)) = window.as_mut().filter(|(_, until)| now < *until) {
                        prop_assert!(*left > 0);
                        *left -= 1;
                    }
                },
                Op::Land => if let Some(request) = requests.iter_mut().find(|request| request.1.is_none()) {
                    request.1 = Some(now);
                    pace.land(now);
                },
                Op::Told { remaining, resets_in } => {
                    let said_at = START + i64::try_from(now.as_millis() / 1000).unwrap();
                    let (limit, reset) = (Some(1000), Some(said_at + resets_in));
                    let told = Told { limit, remaining: Some(remaining), reset, retry_after: None, said_at };
                    pace.told(now, &told);
                    let flying = u32::try_from(requests.iter().filter(|request| request.1.is_none()).count()).unwrap();
                    let until = now + seconds(resets_in);
                    if remaining == 0 {
                        closed_until = closed_until.max(until);
                    }
                    // Judged while one window is known: which of two counts has its own test.
                    let left = remaining.saturating_sub(flying);
                    window = (windows_until <= now).then_some((left, until));
                    windows_until = windows_until.max(until);
                }
                Op::Refused { resets_in } => {
                    let (reset, said_at) = (Some(START + resets_in), START);
                    let until = pace.refused(now, &Told { reset, said_at, ..Told::default() });
                    prop_assert!(until > now);
                    closed_until = closed_until.max(until);
                }
                Op::Launch => {}
            }
        }
    }
}

fn pacer(own: u32) -> (Arc<Pacer>, ManualClock) {
    let clock = ManualClock::at(Timestamp::from_second(START).unwrap());
    (Pacer::new(Some(own), clock.clone().into()), clock)
}

#[tokio::test]
async fn permits_wait_their_turn_and_come_when_the_time_has_passed() {
    let (pacer, clock) = pacer(2);
    let first = pacer.permits(2).await;
    drop(first.launch().unwrap());
    drop(first.launch().unwrap());
    assert!(pacer.permits(1).now_or_never().is_none());
    let (second, ()) = tokio::join!(pacer.permits(2), async { clock.advance(SignedDuration::from_secs(10)) });
    assert_eq!(second.left(), 2);
}

#[tokio::test]
async fn unused_permits_are_given_back() {
    let (pacer, _clock) = pacer(2);
    let both = pacer.permits(2).await;
    assert!(pacer.permits(1).now_or_never().is_none());
    drop(both);
    assert!(pacer.permits(2).now_or_never().is_some());
}

#[tokio::test]
async fn one_who_wants_two_is_not_passed_by_those_who_want_one() {
    let (pacer, _clock) = pacer(2);
    let held = pacer.permits(1).await;
    let mut two = Box::pin(pacer.permits(2));
    assert!((&mut two).now_or_never().is_none());
    assert!(pacer.permits(1).now_or_never().is_none(), "a place is free, but somebody was first");
    drop(held);
    assert_eq!(two.await.left(), 2);
}

#[tokio::test]
async fn used_up_permits_ask_for_one_more_without_waiting() {
    let (pacer, clock) = pacer(2);
    let permits = pacer.permits(1).await;
    let first = permits.launch().unwrap();
    let second = permits.launch().unwrap();
    assert!(permits.launch().is_err());
    drop((first, second));
    clock.advance(SignedDuration::from_secs(9));
    assert_eq!(permits.launch().unwrap_err(), at(10_000));
}
