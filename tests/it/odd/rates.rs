//! Intercom asks to slow down (E6), whatever it says about how long.

use autoclosed::fake_intercom::{Endpoint, Fault, RateReset};
use autoclosed::sabotage::{Bug, plant};
use jiff::SignedDuration;

use crate::harness::{House, QUIET_A_DAY, days, seconds};

/// Two conversations are due and the first call is refused for the rate; then a sweep and a look begin at once, while
/// time goes on. How long nothing was asked, and the states in the end.
async fn waited(reset: RateReset) -> (SignedDuration, [&'static str; 2]) {
    let house = House::with(QUIET_A_DAY).await;
    let ids = [house.answered().await, house.answered().await];
    house.clock.advance(days(1));
    house.intercom.settle().await;
    house.intercom.fault(Endpoint::Conversation, Fault::RateLimited { reset });
    house.daemon().sweep().await;
    let (refused_at, before) = (house.clock.now(), house.intercom.calls().len());
    let clock = house.clock.clone();
    let time = async move {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            clock.advance(SignedDuration::from_millis(200));
        }
    };
    let work = async {
        let (_, looked) = tokio::join!(house.daemon().sweep(), house.daemon().reconcile());
        looked.unwrap();
        house.daemon().sweep().await;
        while ids.iter().any(|id| house.state(id) != "closed") {
            house.clock.advance(seconds(10));
            house.daemon().sweep().await;
        }
    };
    tokio::select! {
        () = work => {}
        () = time => {}
    }
    let next = house.intercom.calls()[before].at;
    (next.duration_since(refused_at), ids.map(|id| house.state(&id)))
}

#[tokio::test]
async fn nothing_is_asked_by_anybody_before_the_time_that_intercom_names_or_ten_seconds() {
    for (reset, least) in [
        (RateReset::InSeconds(1), 1),
        (RateReset::InSeconds(27), 27),
        (RateReset::InSeconds(60), 60),
        (RateReset::InSeconds(-5), 10),
        (RateReset::InSeconds(0), 10),
        (RateReset::InSeconds(3600), 10),
        (RateReset::Missing, 10),
        (RateReset::Text("soon".into()), 10),
        (RateReset::Text("99999999999999999999".into()), 10),
    ] {
        let (waited, states) = Box::pin(waited(reset.clone())).await;
        // Intercom's clock shows whole seconds.
        assert!(waited >= seconds(least) && waited <= seconds(least + 2), "{reset:?}: {waited}");
        assert_eq!(states, ["closed", "closed"], "{reset:?}");
    }
}

/// Planted: nobody waits.
#[tokio::test]
async fn who_ignores_the_reset_asks_too_early() {
    for (bug, early) in [(None, false), (Some(Bug::IgnoresTheReset), true)] {
        let planted = bug.map(plant);
        let (waited, _) = Box::pin(waited(RateReset::InSeconds(27))).await;
        drop(planted);
        assert_eq!(waited < seconds(27), early, "{bug:?}: {waited}");
    }
}
