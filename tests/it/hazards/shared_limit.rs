//! Another app spends what the workspace allows: we slow down by what the answers say, and stop when told to.

use std::time::Duration;

use autoclosed::fake_intercom::{Call, Endpoint, Workspace};

use crate::harness::{House, QUIET_A_DAY, days, seconds};

const LIMIT: u32 = 60;
const WINDOW: i64 = 10;

/// A house in which so many conversations are due at the beginning of a window.
async fn due(count: usize) -> House {
    let workspace = Workspace { rate_limit: LIMIT, ..Workspace::default() };
    let mut house = House::configured(&format!("mode = \"live\"\n{QUIET_A_DAY}"), workspace).await;
    house.start().await;
    house.look().await;
    for _ in 0..count {
        house.answered().await;
    }
    house.clock.advance(days(1));
    let into = house.clock.now().as_second().rem_euclid(WINDOW);
    house.clock.advance(seconds(WINDOW - into));
    house
}

/// Sweeps while time passes, second by second, until so many are closed; returns what was asked meanwhile. On a slow
/// machine a second may pass between a reading and its close: what was read is too old then, and rests a minute.
async fn swept(house: &House, closed: usize) -> Vec<Call> {
    let before = house.intercom.calls().len();
    for _ in 0..200 {
        let mut sweep = Box::pin(house.sweep());
        // The waits are real, as nothing but time can show that no request leaves; they are short, and end nothing.
        while tokio::time::timeout(Duration::from_millis(20), &mut sweep).await.is_err() {
            house.clock.advance(seconds(1));
        }
        if house.deeds().iter().filter(|deed| *deed == "close 200").count() == closed {
            break;
        }
        house.clock.advance(seconds(1));
    }
    house.intercom.calls().split_off(before)
}

fn window(call: &Call) -> i64 {
    call.at.as_second().div_euclid(WINDOW)
}

#[tokio::test]
async fn what_another_app_spends_is_not_asked_for() {
    for left in [0, 1, 5, 9] {
        let house = due(8).await;
        house.intercom.before_answer(Endpoint::Close, move |it| {
            let calls = it.calls();
            let spent = calls.iter().filter(|call| window(call) == window(calls.last().unwrap())).count();
            let spent = u32::try_from(spent);
            it.another_app_asks(LIMIT - spent.unwrap() - left);
        });
        let calls = swept(&house, 8).await;
        let close = calls.iter().position(|call| call.endpoint == Endpoint::Close).unwrap();
        let first = window(&calls[close]);
        let after = calls[close + 1..].iter().filter(|call| window(call) == first).count();
        assert!(after <= usize::try_from(left).unwrap(), "{left} were left, {after} were asked");
        assert!(calls.iter().all(|call| call.status == Some(200)), "{left}: nobody had to tell us to stop");
        assert_eq!(house.deeds(), vec!["close 200"; 8], "{left}: and all was done");
        assert!(window(calls.last().unwrap()) > first, "{left}: later");
    }
}

#[tokio::test]
async fn a_window_that_another_app_has_spent_costs_one_refusal_and_nothing_else() {
    let house = due(4).await;
    house.intercom.before_answer(Endpoint::Close, |it| it.another_app_asks(LIMIT));
    let calls = swept(&house, 4).await;
    let refused = calls.iter().position(|call| call.status == Some(429)).unwrap();
    assert!(window(&calls[refused + 1]) > window(&calls[refused]), "nothing before the window ends");
    assert_eq!(calls.iter().filter(|call| call.status == Some(429)).count(), 1);
    let closed = calls.iter().filter(|call| call.endpoint == Endpoint::Close && call.status == Some(200)).count();
    assert_eq!((closed, house.deeds().len()), (4, 5), "{:?}", house.deeds());
}
