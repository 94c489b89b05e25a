//! Told to stop while it looks at the workspace, or waits for its turn to ask: it ends at once, says nothing it had not
//! begun to say, and goes on at the next start where it was.

use std::time::Duration;

use autoclosed::daemon::Sweeping;
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::campaigns::column;
use crate::harness::{House, QUIET_A_DAY, arrived, hours, minutes, seconds};

/// A third of what a drain may take, on a machine that has other things to do.
const SOON: Duration = Duration::from_secs(3);

/// What is to happen beside the schedule happens within a day of it.
const SELDOM: &str = "mode = \"live\"\n[schedule]\nsweep = \"0 0 0 * * *\"\nreconcile = \"0 0 0 * * *\"\n";

async fn stops_soon(house: &mut House, while_it: &str) {
    let began = Instant::now();
    house.stop().await;
    assert!(began.elapsed() < SOON, "{:?} while {while_it}", began.elapsed());
}

/// Lets so many requests pass, and holds the test where the next one is asked.
fn held_after(house: &House, requests: usize, endpoint: Endpoint, hangs: bool) -> oneshot::Receiver<()> {
    for _ in 0..requests {
        house.intercom.before_answer(endpoint, |_| {});
    }
    let (reached, held) = oneshot::channel();
    house.intercom.before_answer(endpoint, move |intercom| {
        if hangs {
            intercom.fault(endpoint, Fault::Hang);
        }
        reached.send(()).unwrap();
    });
    held
}

#[tokio::test]
async fn a_first_look_ends_where_it_is_and_the_next_start_goes_on_with_it() {
    for (before, endpoint) in
        [(0, Endpoint::Me), (0, Endpoint::Search), (1, Endpoint::Search), (10, Endpoint::Conversation)]
    {
        let mut house = House::configured(&format!("{SELDOM}{QUIET_A_DAY}"), Workspace::default()).await;
        let ids: Vec<_> = (0..200).map(|_| house.intercom.contact_starts("Hello?")).collect();
        house.clock.advance(seconds(2));
        house.start().await;
        let held = held_after(&house, before, endpoint, true);
        house.daemon().run_by_schedule(&house.config()).await.unwrap();
        arrived(held).await;
        let asked = house.intercom.calls().len();
        stops_soon(&mut house, &format!("{endpoint:?} does not answer")).await;
        assert!(house.intercom.calls().len() <= asked + 1, "it went on after it was told to stop");
        house.start().await;
        assert!(matches!(house.sweep().await, Sweeping::Blocked(_)), "a look that was ended is no look");
        let found = house.daemon().reconcile().await.unwrap();
        assert_eq!((found.listed, found.complete), (200, true));
        let reads: usize = ids.iter().map(|id| house.reads(id)).sum();
        let twice = usize::from(endpoint == Endpoint::Conversation);
        assert_eq!(reads, 200 + twice, "only what hung is read again, {endpoint:?}");
    }
}

#[tokio::test]
async fn a_look_that_waits_for_its_pace_ends_at_once() {
    let slow = Workspace { rate_limit: 16, ..Workspace::default() };
    let mut house = House::configured(&format!("{SELDOM}{QUIET_A_DAY}"), slow).await;
    (0..20).for_each(|_| drop(house.intercom.contact_starts("Hello?")));
    house.clock.advance(seconds(2));
    house.start().await;
    let held = held_after(&house, 1, Endpoint::Conversation, false);
    house.daemon().run_by_schedule(&house.config()).await.unwrap();
    arrived(held).await;
    stops_soon(&mut house, "it waits for its turn").await;
}

/// Intercom has said that nothing may be asked for ten seconds, which by this clock never pass.
#[tokio::test]
async fn a_sweep_that_waits_for_its_turn_lets_go_of_what_it_has_claimed() {
    let often = "mode = \"live\"\n[schedule]\nsweep = \"* * * * * *\"\nreconcile = \"0 0 0 * * *\"\n";
    let mut house = House::configured(&format!("{often}{QUIET_A_DAY}"), Workspace::default()).await;
    house.start().await;
    house.look().await;
    let ids = [house.answered().await, house.answered().await];
    house.clock.advance(hours(23));
    house.look().await;
    assert!(matches!(house.sweep().await, Sweeping::Ran(_)), "what was unclear is read");
    house.clock.advance(hours(1));
    house.intercom.fault(Endpoint::Conversation, Fault::Status { status: 429, body: "{}".into() });
    assert!(matches!(house.sweep().await, Sweeping::Failed(_)));
    house.daemon().run_by_schedule(&house.config()).await.unwrap();
    let began = Instant::now();
    // Once for the refusal, and once more.
    while !column(&house.database(), "SELECT CAST(claims AS TEXT) FROM attempt").await.contains(&"2".to_owned()) {
        assert!(began.elapsed() < Duration::from_mins(1), "it never got there");
        sleep(Duration::from_millis(20)).await;
    }
    stops_soon(&mut house, "it waits for its turn").await;
    assert_eq!(house.deeds(), Vec::<String>::new());
    house.start().await;
    let told = [house.journal(&ids[0]).await, house.journal(&ids[1]).await].concat();
    assert!(told.contains(&"deferred close: the daemon stopped before it was its turn".to_owned()), "{told:#?}");
    house.clock.advance(minutes(1));
    house.look().await;
    house.after(minutes(2)).await;
    for id in &ids {
        assert_eq!((house.state(id), house.ours(id, "close")), ("closed", 1));
    }
}
