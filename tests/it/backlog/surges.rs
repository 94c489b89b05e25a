//! What comes due all at once goes to the backlog as a whole, through restarts, crashes and jumps of the clock.

use std::cell::Cell;
use std::rc::Rc;

use autoclosed::sabotage::{Bug, Point, Then, at_points, plant};

use super::{answered, begin, closed, head, reasons, strict, waiting};
use crate::harness::{QUIET_A_DAY, days, hours, minutes, seconds};

const FEW: &str = "max_due_at_once = 3";

#[tokio::test]
async fn a_first_start_on_hundreds_that_are_overdue_sends_nothing() {
    for (bug, sent) in [(None, false), (Some(Bug::ForgetsWhatCameDueAtOnce), true)] {
        let mut house = strict("", QUIET_A_DAY).await;
        let count = if sent { 60 } else { 300 };
        let ids = answered(&house, count).await;
        house.clock.advance(days(2));
        begin(&mut house).await;
        let planted = bug.map(plant);
        for _ in 0..4 {
            house.after(seconds(10)).await;
        }
        drop(planted);
        assert_eq!(!house.deeds().is_empty(), sent);
        if !sent {
            assert_eq!((waiting(&house).await.len(), closed(&house, &ids)), (count, 0));
            assert!(
                reasons(&house).await.iter().all(|why| why == "more than 50 were due at the first start in live mode")
            );
        }
    }
}

#[tokio::test]
async fn as_many_as_may_be_due_at_once_go_ahead_and_one_more_and_none_does() {
    for (count, done) in [(3, 3), (4, 0)] {
        let mut house = strict(FEW, QUIET_A_DAY).await;
        let ids = answered(&house, count).await;
        house.clock.advance(days(2));
        begin(&mut house).await;
        house.sweep().await;
        assert_eq!((closed(&house, &ids), waiting(&house).await.len()), (done, count - done));
        // What becomes due after it is not of it.
        let later = house.answered().await;
        for _ in 0..24 * 6 {
            house.after(minutes(10)).await;
        }
        assert_eq!(house.state(&later), "closed");
    }
}

#[tokio::test]
async fn a_gap_is_noticed_and_a_short_one_is_none() {
    for (gap, surge) in [(minutes(14), false), (minutes(16), true)] {
        for stopped in [true, false] {
            let mut house = strict(FEW, QUIET_A_DAY).await;
            begin(&mut house).await;
            let ids = answered(&house, 4).await;
            // All of them are due within the gap.
            house.after(days(1) - minutes(5)).await;
            assert_eq!(closed(&house, &ids), 0);
            if stopped {
                house.stop().await;
                house.clock.advance(gap);
                begin(&mut house).await;
            } else {
                house.daemon().store().pause(None, house.clock.now()).await.unwrap();
                house.after(gap).await;
                house.daemon().store().resume(None, house.clock.now()).await.unwrap();
            }
            house.sweep().await;
            assert_eq!(
                (closed(&house, &ids) > 0, !waiting(&house).await.is_empty()),
                (!surge, surge),
                "{gap} {stopped}"
            );
        }
    }
}

#[tokio::test]
async fn other_rules_are_noticed_and_the_same_again_are_not() {
    let slow = QUIET_A_DAY.replace("1 day", "9 days");
    for (rules, surge) in [(QUIET_A_DAY.to_owned(), true), (format!("# said anew\n{slow}"), false)] {
        let mut house = strict(FEW, &slow).await;
        begin(&mut house).await;
        house.sweep().await;
        let ids = answered(&house, 4).await;
        for _ in 0..2 * 24 * 6 {
            house.after(minutes(10)).await;
        }
        house.configure(&head("live", FEW, &rules));
        house.daemon().reload(&house.config(), &crate::harness::secrets()).await.unwrap();
        house.sweep().await;
        assert_eq!((closed(&house, &ids), waiting(&house).await.len()), (0, if surge { 4 } else { 0 }));
        if surge {
            assert_eq!(
                reasons(&house).await[0],
                "more than 3 were due after the rules, a calendar or the version changed"
            );
        }
    }
}

#[tokio::test]
async fn turning_live_is_noticed_however_short_the_dry_run_was() {
    let mut house = strict(FEW, QUIET_A_DAY).await;
    begin(&mut house).await;
    let ids = answered(&house, 4).await;
    house.after(days(1) - minutes(5)).await;
    for (mode, time) in [("dry-run", minutes(1)), ("live", minutes(5))] {
        house.configure(&head(mode, FEW, QUIET_A_DAY));
        house.daemon().reload(&house.config(), &crate::harness::secrets()).await.unwrap();
        house.after(time).await;
    }
    assert_eq!((closed(&house, &ids), waiting(&house).await.len()), (0, 4));
    assert_eq!(reasons(&house).await[0], "more than 3 were due when the mode turned live");
}

#[tokio::test]
async fn a_rule_that_is_resumed_after_a_while_is_looked_at_as_a_whole() {
    let mut house = strict(FEW, QUIET_A_DAY).await;
    let ids = answered(&house, 4).await;
    house.clock.advance(days(1));
    begin(&mut house).await;
    let store = house.daemon().store().clone();
    store.pause(Some("quiet-a-day"), house.clock.now()).await.unwrap();
    house.after(minutes(5)).await;
    assert_eq!(waiting(&house).await.len(), 0, "what a paused rule has to do is not counted yet");
    // However short the pause was: the first start has not been dealt with for this rule.
    store.resume(Some("quiet-a-day"), house.clock.now()).await.unwrap();
    house.after(seconds(10)).await;
    assert_eq!((closed(&house, &ids), waiting(&house).await.len()), (0, 4));
    drop(store);
}

#[tokio::test]
async fn what_must_wait_for_its_hours_is_counted_when_they_begin() {
    let rules = r#"
[[calendar]]
name = "afternoon"
hours = { mon-sun = ["14:00-18:00"] }
[[rule]]
name = "by-day"
match_all = true
act_only = "afternoon"
step = [{ after = "1 day", do = "close", silent = true }]
"#;
    let mut house = strict(FEW, rules).await;
    let ids = answered(&house, 4).await;
    house.clock.advance(days(2));
    begin(&mut house).await;
    house.sweep().await;
    assert_eq!(waiting(&house).await.len(), 0, "it is nine in the morning");
    for _ in 0..6 * 6 {
        house.after(minutes(10)).await;
    }
    assert_eq!((closed(&house, &ids), waiting(&house).await.len()), (0, 4));
}

#[tokio::test]
async fn whoever_dies_while_it_is_counted_or_put_aside_lets_nothing_slip() {
    for (point, times) in
        [(Point::Counted, 0), (Point::Claimed, 0), (Point::Claimed, 2), (Point::Settling, 1), (Point::Settled, 3)]
    {
        let mut house = strict(FEW, QUIET_A_DAY).await;
        let ids = answered(&house, 6).await;
        house.clock.advance(days(2));
        begin(&mut house).await;
        let (passed, reached) = (Rc::new(Cell::new(0)), Rc::new(tokio::sync::Notify::new()));
        let notice = Rc::clone(&reached);
        let in_force = at_points(move |at| {
            if at == point && passed.replace(passed.get() + 1) == times {
                notice.notify_one();
                return Then::Stands;
            }
            Then::GoesOn
        });
        tokio::select! {
            _ = house.sweep() => unreachable!("it passed the point"),
            () = reached.notified() => {}
        }
        drop(in_force);
        house.stop().await;
        house.clock.advance(minutes(1));
        begin(&mut house).await;
        for _ in 0..3 {
            house.after(minutes(1)).await;
        }
        assert_eq!((closed(&house, &ids), waiting(&house).await.len()), (0, 6), "{point:?} {times}");
    }
}

#[tokio::test]
async fn an_hour_is_no_shorter_where_the_local_clock_was_behind_when_it_began() {
    let mut house = strict("max_closes_per_hour = 2", QUIET_A_DAY).await;
    let clock = house.give_the_daemon_a_clock();
    begin(&mut house).await;
    let ids = answered(&house, 6).await;
    house.clock.advance(days(1));
    clock.set(house.clock.now() - minutes(4));
    house.look().await;
    house.sweep().await;
    assert_eq!(closed(&house, &ids), 2);
    for (minute, done) in [(57, 2), (61, 4)] {
        house.clock.advance(minutes(if minute == 57 { 57 } else { 4 }));
        clock.set(house.clock.now());
        house.look().await;
        house.sweep().await;
        assert_eq!(closed(&house, &ids), done, "{minute}");
    }
}

#[tokio::test]
async fn a_local_clock_that_jumps_hides_no_gap_and_refills_no_budget() {
    for jump in [days(-400), hours(-1), minutes(-4), minutes(4), days(1), days(365 * 74)] {
        let mut house = strict("max_closes_per_hour = 2\nmax_due_at_once = 10", QUIET_A_DAY).await;
        let clock = house.give_the_daemon_a_clock();
        begin(&mut house).await;
        let ids = answered(&house, 6).await;
        let both = async |time| {
            house.clock.advance(time);
            clock.advance(time);
            house.look().await;
            house.sweep().await;
        };
        clock.set(house.clock.now());
        both(days(1) - minutes(1)).await;
        both(minutes(10)).await;
        assert_eq!(closed(&house, &ids), 2, "{jump}");
        for there in [true, false] {
            clock.advance(if there { jump } else { -jump });
            both(minutes(1)).await;
            both(minutes(1)).await;
            assert_eq!(closed(&house, &ids), 2, "{jump} {there}");
        }
    }
}
