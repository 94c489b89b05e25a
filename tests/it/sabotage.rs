//! The switch itself: a part stands where it is told to, and goes on where it is not.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use autoclosed::fake_intercom::{Endpoint, Fault};
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

#[tokio::test]
async fn whoever_acts_before_it_has_looked_is_caught() {
    for (bug, acts) in [(None, false), (Some(Bug::ActsBeforeItHasLooked), true)] {
        let mut house = House::with(QUIET_A_DAY).await;
        house.answered().await;
        house.stop().await;
        house.clock.advance(days(1));
        house.start().await;
        house.intercom.fault(Endpoint::Search, Fault::Status { status: 400, body: "{}".into() });
        assert!(house.daemon().reconcile().await.is_err());
        let planted = bug.map(plant);
        house.sweep().await;
        drop(planted);
        assert_eq!(!house.deeds().is_empty(), acts, "{bug:?}: {:?}", house.deeds());
    }
}

/// The page says for each of them what it breaks and which test notices.
#[test]
fn every_planted_bug_is_on_the_page_with_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (page, switch) = (read("docs/reliability.md"), read("src/sabotage.rs"));
    let bugs = switch.split("pub enum Bug {").nth(1).unwrap().split('}').next().unwrap();
    let bugs = bugs.lines().map(str::trim).filter_map(|line| line.strip_suffix(','));
    let mut sources = Vec::new();
    texts_under(&root.join("src"), &mut sources);
    texts_under(&root.join("tests"), &mut sources);
    let mut found = 0;
    for bug in bugs.filter(|line| !line.starts_with("//")) {
        found += 1;
        let row = page.lines().find(|line| line.contains(&format!("`{bug}`")));
        let row = row.unwrap_or_else(|| panic!("`{bug}` is not on the page"));
        let test = row.rsplit('`').nth(1).unwrap().rsplit("::").next().unwrap();
        let stands =
            |text: &String| [format!("fn {test}("), format!("{test}: {bug}")].iter().any(|it| text.contains(it));
        assert!(sources.iter().any(stands), "`{bug}`: there is no test `{test}`");
    }
    assert!(found >= 20, "{found}");
}

fn texts_under(folder: &Path, into: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts_under(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(std::fs::read_to_string(&path).unwrap());
        }
    }
}
