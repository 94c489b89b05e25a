//! Clocks that jump, stand still or drift: what is due may wait, and never comes early.

use autoclosed::clock::{Clock, ManualClock};
use autoclosed::daemon::Sweeping;
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::Workspace;
use autoclosed::sabotage::{Bug, Point, Then, at_points, plant};
use autoclosed::safety::Blocked;
use jiff::{SignedDuration, Timestamp};

use crate::campaigns::column;
use crate::harness::{House, QUIET_A_DAY, days, hours, minutes, seconds};

/// A step of true time on both clocks, and what the schedule does meanwhile.
async fn pass(house: &House, local: &ManualClock, step: SignedDuration, drift: fn(SignedDuration) -> SignedDuration) {
    house.clock.advance(step);
    local.advance(drift(step));
    house.intercom.settle().await;
    drop(house.daemon().reconcile().await);
    house.sweep().await;
}

fn truly(step: SignedDuration) -> SignedDuration {
    step
}

/// A house whose daemon has a clock of its own, with a conversation due in a day.
async fn house_with_a_clock(rules: &str) -> (House, ManualClock, ConversationId) {
    let mut house = House::configured(rules, Workspace::default()).await;
    let local = house.give_the_daemon_a_clock();
    house.start().await;
    house.look().await;
    let id = house.answered().await;
    local.advance(minutes(1));
    (house, local, id)
}

fn live() -> String {
    format!("mode = \"live\"\n{QUIET_A_DAY}")
}

fn until(year: &str) -> SignedDuration {
    format!("{year}-01-01T00:00:00Z").parse::<Timestamp>().unwrap().duration_since(crate::harness::monday())
}

#[tokio::test]
async fn a_wall_clock_that_jumps_stops_acting_until_it_is_right_and_hastens_nothing() {
    for (name, jump) in [
        ("an hour ahead", hours(1)),
        ("an hour back", hours(-1)),
        ("a day ahead", days(1)),
        ("a day back", days(-1)),
        ("to 1970", until("1970")),
        ("to 2099", until("2099")),
    ] {
        let (house, local, id) = house_with_a_clock(&live()).await;
        pass(&house, &local, hours(12), truly).await;
        local.shift_wall(jump);
        assert!(matches!(house.sweep().await, Sweeping::Blocked(Blocked::Skew(_))), "{name}: at once");
        let told = house.check("clock").await;
        assert!(told.starts_with("bad: ") && told.contains("set this machine's clock right"), "{name}: {told}");
        for _ in 0..24 {
            pass(&house, &local, hours(1), truly).await;
        }
        assert_eq!(house.deeds(), Vec::<String>::new(), "{name}: not while it is wrong");
        let new = house.intercom.contact_starts("Is anybody there?");
        house.intercom.settle().await;
        assert!(house.known(&new).await.is_some(), "{name}: what comes is recorded");
        local.shift_wall(-jump);
        house.sweep().await;
        assert_eq!((house.state(&id), house.bad().await), ("closed", vec![]), "{name}: it goes on by itself");
    }
}

/// What `retention` keeps, when the machine's clock says that it is years over.
#[tokio::test]
async fn a_wall_clock_that_jumps_ahead_has_nothing_forgotten_before_its_time() {
    for (bug, kept) in [(None, true), (Some(Bug::GoesByTheLocalClock), false)] {
        let (mut house, local, _) = house_with_a_clock(&live()).await;
        let ids = "SELECT id FROM seen_notifications";
        let seen = column(&house.database(), ids).await.len();
        let planted = bug.map(plant);
        local.shift_wall(until("2099"));
        pass(&house, &local, minutes(10), truly).await;
        house.daemon().tidy().await;
        assert_eq!(column(&house.database(), ids).await.len() == seen, kept, "{bug:?}");
        drop(planted);
        // Nobody has told a new start what time it is.
        house.stop().await;
        house.start().await;
        house.daemon().tidy().await;
        assert_eq!(column(&house.database(), ids).await.len() == seen, kept, "{bug:?}");
        assert!(seen > 0);
    }
}

/// What came while the machine's clock stood years behind is not old when it is right again.
#[tokio::test]
async fn what_came_while_the_wall_clock_was_behind_is_kept_as_long_as_any_other() {
    let (house, local, _) = house_with_a_clock(&live()).await;
    local.shift_wall(until("1970"));
    house.intercom.contact_starts("Is anybody there?");
    house.intercom.settle().await;
    let seen = column(&house.database(), "SELECT id FROM seen_notifications").await;
    local.shift_wall(-until("1970"));
    house.look().await;
    house.daemon().tidy().await;
    assert_eq!(column(&house.database(), "SELECT id FROM seen_notifications").await, seen);
}

#[tokio::test]
async fn a_jump_within_the_tolerance_neither_stops_nor_hastens() {
    for (name, jump) in [("ahead", minutes(4)), ("back", minutes(-4))] {
        let (house, local, id) = house_with_a_clock(&live()).await;
        local.shift_wall(jump);
        pass(&house, &local, days(1) - seconds(1), truly).await;
        assert_eq!(house.state(&id), "open", "{name}");
        pass(&house, &local, minutes(4) + seconds(1), truly).await;
        assert_eq!(house.state(&id), "closed", "{name}");
    }
}

/// Planted: the machine's own clock says what is due.
#[tokio::test]
async fn who_goes_by_the_local_clock_closes_before_its_time() {
    for (bug, early) in [(None, false), (Some(Bug::GoesByTheLocalClock), true)] {
        let (house, local, id) = house_with_a_clock(&live()).await;
        local.shift_wall(minutes(4));
        let planted = bug.map(plant);
        pass(&house, &local, days(1) - minutes(2), truly).await;
        drop(planted);
        assert_eq!(house.state(&id) == "closed", early, "{bug:?}");
    }
}

/// The boot-time clock drifts as the wall clock does; what an answer says corrects it, and the look before the deed is
/// such an answer.
#[tokio::test]
async fn a_clock_that_drifts_or_stands_still_closes_nothing_early() {
    type Drift = fn(SignedDuration) -> SignedDuration;
    // How the boot-time clock goes, and whether the wall clock goes with it.
    let drifts: [(&str, Drift, bool); 3] = [
        ("fast by a tenth", |step| step * 11 / 10, true),
        ("slow by a tenth", |step| step * 9 / 10, true),
        ("a wall clock that stands still", truly, false),
    ];
    for (name, drift, goes) in drifts {
        for corrected in [false, true] {
            let (house, local, id) = house_with_a_clock(&live()).await;
            for _ in 0..80 {
                pass(&house, &local, minutes(20), drift).await;
                if corrected {
                    // As NTP does, the wall clock alone.
                    let theirs = house.clock.now();
                    local.shift_wall(theirs.duration_since(Clock::from(local.clone()).now()));
                } else if !goes {
                    local.shift_wall(-minutes(20));
                }
            }
            let closes = house.intercom.mutating_calls();
            let due = crate::harness::monday() + minutes(1) + days(1);
            assert!(closes.iter().all(|call| call.at >= due), "{name}, corrected: {corrected}");
            let wanted = if corrected { "closed" } else { "open" };
            assert_eq!(house.state(&id), wanted, "{name}, corrected: {corrected}: {:?}", house.bad().await);
            let bad: &[&str] = if corrected { &[] } else { &["clock", "sweep"] };
            assert_eq!(house.bad().await, bad, "{name}, corrected: {corrected}");
        }
    }
}

/// Both clocks of the machine have run ahead since the last answer: the answer to the look tells the time.
#[tokio::test]
async fn what_is_due_by_fast_clocks_alone_is_looked_at_and_not_done() {
    let (house, local, id) = house_with_a_clock(&live()).await;
    house.look().await;
    let reads = house.reads(&id);
    house.clock.advance(days(1) - minutes(4));
    local.advance(days(1));
    house.sweep().await;
    assert_eq!((house.reads(&id), house.deeds()), (reads + 1, vec![]), "{:?}", house.journal(&id).await);
    house.clock.advance(minutes(4) - seconds(1));
    local.advance(minutes(4) - seconds(1));
    house.sweep().await;
    assert_eq!(house.deeds(), Vec::<String>::new());
    house.clock.advance(seconds(1));
    local.advance(seconds(1));
    house.sweep().await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn no_jump_and_no_restart_refills_a_budget() {
    for (name, jump) in
        [("an hour and a half ahead", minutes(90)), ("a day back", days(-1)), ("4 minutes ahead", minutes(4))]
    {
        let rules = format!("mode = \"live\"\n[safety]\nmax_closes_per_hour = 2\n{QUIET_A_DAY}");
        let (mut house, local, _) = house_with_a_clock(&rules).await;
        for _ in 0..4 {
            house.answered().await;
            local.advance(minutes(1));
        }
        pass(&house, &local, days(1), truly).await;
        assert_eq!(house.deeds().len(), 2, "{name}");
        local.shift_wall(jump);
        pass(&house, &local, seconds(10), truly).await;
        house.restart().await;
        for _ in 0..5 {
            pass(&house, &local, minutes(11), truly).await;
        }
        local.shift_wall(-jump);
        pass(&house, &local, minutes(4), truly).await;
        assert_eq!(house.deeds().len(), 2, "{name}: within the hour");
        pass(&house, &local, minutes(2), truly).await;
        pass(&house, &local, seconds(10), truly).await;
        assert_eq!(house.deeds().len(), 4, "{name}: after it");
    }
}

/// The machine sleeps between the look and the deed, and the contact writes meanwhile.
#[tokio::test]
async fn after_a_sleep_nothing_is_done_on_what_was_read_before_it() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(days(1));
    house.intercom.settle().await;
    house.intercom.drop_notifications(true);
    let (clock, intercom, slipping) = (house.clock.clone(), house.intercom.clone(), id.clone());
    let mut sleeps = true;
    let in_force = at_points(move |point| {
        if point == Point::Read && std::mem::take(&mut sleeps) {
            clock.advance(hours(1));
            assert!(intercom.contact_replies(&slipping, "Wait!").is_some());
        }
        Then::GoesOn
    });
    house.sweep().await;
    drop(in_force);
    house.after(minutes(2)).await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]));
}

#[tokio::test]
async fn after_a_weekend_asleep_what_became_due_is_done_once() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.after(days(3)).await;
    house.after(seconds(10)).await;
    assert_eq!((house.state(&id), house.deeds()), ("closed", vec!["close 200".to_owned()]));
}

const OFFICE: &str = r#"
mode = "live"
timezone = "Europe/Dublin"
[[calendar]]
name = "office"
hours = { mon-fri = ["09:00-18:00"] }
[[rule]]
name = "quiet"
match_all = true
"#;

/// On Sunday, 29 March 2026, the clocks in Dublin go forward, on 25 October back.
#[tokio::test]
async fn a_change_of_the_clocks_moves_working_days_with_the_office_and_hours_not_at_all() {
    let working = "clock = \"office\"\nstep = [{ after = \"1 working day\", do = \"close\", silent = true }]\n";
    let opening = "act_only = \"office\"\nstep = [{ after = \"24 hours\", do = \"close\", silent = true }]\n";
    let plain = "step = [{ after = \"48 hours\", do = \"close\", silent = true }]\n";
    for (name, rule, answered, closed) in [
        ("a working day, forward", working, "2026-03-27T17:00:00Z", "2026-03-30T16:00:00Z"),
        ("a working day, back", working, "2026-10-23T16:00:00Z", "2026-10-26T17:00:00Z"),
        ("the next opening, forward", opening, "2026-03-27T17:00:00Z", "2026-03-30T08:00:00Z"),
        ("the next opening, back", opening, "2026-10-23T16:00:00Z", "2026-10-26T09:00:00Z"),
        ("two days of 24 hours, forward", plain, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"),
        ("two days of 24 hours, back", plain, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"),
    ] {
        let instant = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut house = House::configured(&format!("{OFFICE}{rule}"), Workspace::default()).await;
        house.clock.set(instant(answered) - minutes(1));
        house.start().await;
        house.look().await;
        let id = house.answered().await;
        house.after(instant(closed).duration_since(house.clock.now()) - seconds(1)).await;
        house.look().await;
        house.sweep().await;
        assert_eq!(house.state(&id), "open", "{name}");
        house.after(seconds(1)).await;
        assert_eq!(house.state(&id), "closed", "{name}");
    }
}

#[tokio::test]
async fn of_two_words_in_one_second_the_contact_s_is_the_later_one() {
    for contact_first in [true, false] {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.intercom.contact_starts("How do I export my data?");
        house.clock.advance(minutes(1));
        if contact_first {
            house.intercom.contact_replies(&id, "Anybody?");
            house.intercom.teammate_replies(&id, "Under Settings.");
        } else {
            house.intercom.teammate_replies(&id, "Under Settings.");
            house.intercom.contact_replies(&id, "Anybody?");
        }
        house.after(days(3)).await;
        assert_eq!((house.state(&id), house.deeds()), ("open", vec![]), "contact first: {contact_first}");
    }
}
