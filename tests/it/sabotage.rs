//! The switch itself: a part stands where it is told to, and goes on where it is not.

use std::cell::RefCell;
use std::rc::Rc;

use autoclosed::sabotage::{Bug, Point, Then, at_points, plant};

use crate::harness::{House, QUIET_A_DAY, days};

#[tokio::test]
async fn a_close_passes_the_points_in_this_order() {
    let house = House::with(QUIET_A_DAY).await;
    house.answered().await;
    let passed = Rc::new(RefCell::new(Vec::new()));
    let noted = Rc::clone(&passed);
    let in_force = at_points(move |point| {
        noted.borrow_mut().push(point.name());
        Then::GoesOn
    });
    house.after(days(1)).await;
    drop(in_force);
    let plain = ["picked", "claimed", "read", "written_down", "answered", "folded", "settling", "settled"];
    assert_eq!(*passed.borrow(), plain);
}

#[tokio::test]
async fn who_stands_at_a_point_does_nothing_more() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let reached = Rc::new(tokio::sync::Notify::new());
    let notice = Rc::clone(&reached);
    let in_force = at_points(move |point| {
        if point == Point::WrittenDown {
            notice.notify_one();
            return Then::Stands;
        }
        Then::GoesOn
    });
    tokio::select! {
        _ = house.after(days(1)) => unreachable!("it passed the point"),
        () = reached.notified() => {}
    }
    drop(in_force);
    assert_eq!((house.state(&id), house.deeds()), ("open", Vec::new()));
}

#[tokio::test]
async fn a_planted_bug_goes_with_what_planted_it() {
    for (bug, closes) in [(Some(Bug::DecidesOnWhatIsStored), true), (None, false)] {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.answered().await;
        let planted = bug.map(plant);
        house.intercom.drop_notifications(true);
        house.clock.advance(days(1) - jiff::SignedDuration::from_mins(1));
        house.intercom.contact_replies(&id, "One more thing");
        house.after(jiff::SignedDuration::from_mins(1)).await;
        drop(planted);
        assert_eq!(house.deeds().contains(&"close 200".to_owned()), closes, "{bug:?}: {:?}", house.deeds());
    }
}
