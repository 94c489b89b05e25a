//! Many rounds in which the first of two dies or stands still somewhere in a deed, the second takes over, and the first
//! goes on: whatever happens, everything is said once and every attempt comes to an end.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use autoclosed::engine::ConversationId;
use autoclosed::sabotage::{Bug, InForce, Point, Then, at_points, plant};
use tokio::sync::Notify;

use super::Pair;
use crate::harness::{QUIET_A_DAY, SNOOZED_A_WEEK, days};

/// Each takes a quarter of a second of one core.
const ROUNDS: u64 = 100;

/// Every half a minute: what is certainly absent is so after five minutes.
const WAKES: u32 = 13;

/// What becomes of the first one at the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It dies: its lock is free.
    Dies,
    /// The process is stopped; the machine's clock goes on.
    IsStopped,
    /// The whole machine stands still, with its clock.
    StandsStill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Close,
    Reminder,
}

/// Where it happens. Whoever rests within a transaction keeps everybody from writing.
fn points(fate: Fate) -> Vec<Point> {
    let all = Point::ALL.map(|(point, _)| point);
    let may = |point: &Point| match fate {
        Fate::Dies => true,
        Fate::IsStopped => *point != Point::Settling,
        // A machine that stands still just before its call leaves, and does not know it, makes that call. No check of
        // ours can come after it: docs/operations.md says so.
        Fate::StandsStill => !matches!(point, Point::Settling | Point::WrittenDown),
    };
    all.into_iter().filter(may).collect()
}

/// The same numbers in every run.
fn draw(round: u64, of: usize) -> usize {
    let mixed = (round + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from((mixed >> 33) % u64::try_from(of).unwrap()).unwrap()
}

/// Whoever reaches this point first, while it is armed, rests or stands there; tells when that is.
fn rests_at(point: Point, then: Then) -> (InForce, Rc<Notify>, Rc<Cell<bool>>) {
    let reached = Rc::new(Notify::new());
    let armed = Rc::new(Cell::new(true));
    let (notice, is_armed) = (Rc::clone(&reached), Rc::clone(&armed));
    let in_force = at_points(move |at| {
        if at == point && is_armed.replace(false) {
            notice.notify_one();
            return then.clone();
        }
        Then::GoesOn
    });
    (in_force, reached, armed)
}

async fn due(deed: Deed) -> (Pair, ConversationId) {
    let rules = if deed == Deed::Close { QUIET_A_DAY } else { SNOOZED_A_WEEK };
    let pair = Pair::with(rules).await;
    let id = pair.answered().await;
    if deed == Deed::Reminder {
        pair.house.intercom.teammate_snoozes(&id, pair.house.clock.now() + days(30));
        pair.house.intercom.settle().await;
    }
    pair.both_tick().await;
    pair.pass(if deed == Deed::Close { days(1) } else { days(5) });
    (pair, id)
}

/// The whole story; gives what the contact was told, and how the attempts ended.
async fn story(deed: Deed, fate: Fate, point: Point) -> (Vec<String>, Vec<(String, i64)>, &'static str) {
    let (mut pair, id) = due(deed).await;
    let go_on = Arc::new(Notify::new());
    let then = if fate == Fate::Dies { Then::Stands } else { Then::Waits(Arc::clone(&go_on)) };
    let (in_force, reached, armed) = rests_at(point, then);
    let first = pair.house.daemon.take().unwrap();
    let mut sweep = Box::pin(first.sweep());
    let ended = tokio::select! {
        _ = &mut sweep => true,
        () = reached.notified() => false,
    };
    // It is the first one's fate alone.
    armed.set(false);
    match fate {
        _ if ended => {}
        Fate::Dies => {
            drop(sweep);
            first.dies().await;
            pair.wake_the_second(WAKES, Pair::pass_without_the_first).await;
            return told(&pair, &id, in_force).await;
        }
        Fate::IsStopped => pair.wake_the_second(WAKES, Pair::pass).await,
        Fate::StandsStill => pair.wake_the_second(WAKES, Pair::pass_without_the_first).await,
    }
    go_on.notify_waiters();
    if !ended {
        sweep.await;
    }
    pair.catch_up();
    first.tick().await;
    pair.wake_the_second(WAKES, Pair::pass).await;
    told(&pair, &id, in_force).await
}

async fn told(pair: &Pair, id: &ConversationId, in_force: InForce) -> (Vec<String>, Vec<(String, i64)>, &'static str) {
    drop(in_force);
    let parts = pair.house.intercom.conversation(id).unwrap().parts;
    let ours = parts.iter().filter(|part| part.author_id == "1009").map(|part| part.kind.to_string());
    (ours.collect(), pair.second.store().outcomes().await.unwrap(), pair.house.state(id))
}

async fn said_once_in(rounds: Range<u64>) {
    for round in rounds {
        let deed = [Deed::Close, Deed::Reminder][draw(round, 2)];
        let fate = [Fate::Dies, Fate::IsStopped, Fate::StandsStill][draw(round + 1000, 3)];
        let points = points(fate);
        let point = points[draw(round + 2000, points.len())];
        let place = format!("round {round}: {deed:?}, {fate:?} at {}", point.name());
        let (parts, outcomes, state) = Box::pin(story(deed, fate, point)).await;
        assert_eq!(outcomes, [("done".to_owned(), 1)], "{place}: {parts:?}");
        let said = parts.iter().filter(|kind| matches!(kind.as_str(), "close" | "comment")).count();
        let want = if deed == Deed::Close { "closed" } else { "snoozed" };
        assert_eq!((said, state), (1, want), "{place}: {parts:?}");
        assert!(parts.len() <= 3, "{place}: {parts:?}");
    }
}

#[tokio::test]
async fn whatever_becomes_of_the_first_everything_is_said_once_and_comes_to_an_end() {
    said_once_in(0..ROUNDS / 2).await;
}

#[tokio::test]
async fn and_so_it_is_in_the_other_half_of_the_rounds() {
    said_once_in(ROUNDS / 2..ROUNDS).await;
}

#[tokio::test]
async fn without_the_epoch_a_first_that_goes_on_would_say_it_twice() {
    let planted = plant(Bug::IgnoresTheEpoch);
    let (parts, _, _) = Box::pin(story(Deed::Reminder, Fate::IsStopped, Point::WrittenDown)).await;
    drop(planted);
    assert_eq!(parts.iter().filter(|kind| *kind == "comment").count(), 2, "{parts:?}");
    let (parts, _, _) = Box::pin(story(Deed::Reminder, Fate::IsStopped, Point::WrittenDown)).await;
    assert_eq!(parts.iter().filter(|kind| *kind == "comment").count(), 1, "{parts:?}");
}
