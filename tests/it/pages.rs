//! Looks at a workspace that does not fit on a page, does not hold still, and cannot bear large pages.

use autoclosed::engine::ConversationId;
use autoclosed::engine::State;
use autoclosed::fake_intercom::{Endpoint, FakeIntercom, Fault, RateReset};
use jiff::Timestamp;
use serde_json::Value;

use crate::harness::{House, QUIET_A_DAY, minutes, seconds};

/// A workspace of 25 conversations, one a minute, and pages of ten: the larger ones are too much for it.
async fn small_pages() -> (House, Vec<ConversationId>) {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let ids = begun(&house, 25);
    // 150, 75, 37, 18
    for _ in 0..4 {
        house.intercom.fault(Endpoint::Search, Fault::Html502);
    }
    house.start().await;
    (house, ids)
}

fn begun(house: &House, count: usize) -> Vec<ConversationId> {
    let one = |_| {
        house.clock.advance(minutes(1));
        house.intercom.contact_starts("Hello?")
    };
    (0..count).map(one).collect()
}

/// Size and page of each search.
fn searches(house: &House) -> Vec<(u64, bool)> {
    let calls = house.intercom.calls();
    let bodies = calls.iter().filter(|call| call.endpoint == Endpoint::Search).filter_map(|call| call.body.as_ref());
    let of = |body: &Value| {
        (body["pagination"]["per_page"].as_u64().unwrap(), body["pagination"]["starting_after"].is_string())
    };
    bodies.map(of).collect()
}

#[tokio::test]
async fn a_look_at_pages_that_are_too_much_reads_everything_in_smaller_ones() {
    let (house, ids) = small_pages().await;
    let found = house.daemon().reconcile().await.unwrap();
    assert_eq!((found.listed, found.changed, found.complete), (25, 25, true));
    let asked = searches(&house);
    assert_eq!(asked[..5], [(150, false), (75, false), (37, false), (18, false), (10, false)]);
    assert_eq!(asked[5..], [(10, true); 2]);
    for id in &ids {
        assert!(house.known(id).await.unwrap().whole);
    }
    house.daemon().reconcile().await.unwrap();
    assert_eq!(searches(&house).last(), Some(&(150, false)), "the next look begins with large pages again");
}

#[tokio::test]
async fn a_slow_down_between_two_pages_delays_the_look_and_does_not_end_it() {
    let (house, _) = small_pages().await;
    house.intercom.after_apply(Endpoint::Search, move |intercom| {
        intercom.fault(Endpoint::Search, Fault::RateLimited { reset: RateReset::InSeconds(3) });
    });
    let passing = async {
        loop {
            house.clock.advance(seconds(1));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        found = house.daemon().reconcile() => assert_eq!(found.unwrap().listed, 25),
        () = passing => {}
    }
    assert_eq!(searches(&house)[4..], [(10, false), (10, true), (10, true), (10, true)]);
}

/// What happens while the pages are read, and to which conversation: one that was listed already, one that was not.
type Move = fn(&FakeIntercom, &ConversationId);

const MOVES: [(&str, Move); 3] = [
    ("answered", |intercom, id| assert!(intercom.teammate_replies(id, "Yes?").is_some())),
    ("closed", |intercom, id| assert!(intercom.teammate_closes(id, None).is_some())),
    ("deleted", |intercom, id| assert!(intercom.delete(id))),
];

#[tokio::test]
async fn what_moves_from_page_to_page_is_known_after_the_look_or_the_next() {
    for (name, change) in MOVES {
        for (place, index) in [("on a page that was read", 3), ("on a page to come", 23)] {
            let (house, ids) = small_pages().await;
            house.intercom.drop_notifications(true);
            let (clock, moved) = (house.clock.clone(), ids[index].clone());
            house.intercom.after_apply(Endpoint::Search, |_| {});
            house.intercom.after_apply(Endpoint::Search, move |intercom| {
                clock.advance(minutes(1));
                change(intercom, &moved);
            });
            house.look().await;
            house.clock.advance(minutes(1));
            house.look().await;
            for id in &ids {
                let truth = house.intercom.conversation(id).map(|truth| (truth.state, truth.updated_at));
                assert_eq!(known(&house, id).await, truth, "{name} {place}: {id}");
            }
        }
    }
}

/// State and last change, as the daemon knows them; `None` of what is no more or was never seen.
async fn known(house: &House, id: &ConversationId) -> Option<(&'static str, Timestamp)> {
    let known = house.known(id).await.filter(|known| !known.gone)?;
    let state = match known.state()? {
        State::Open => "open",
        State::Closed => "closed",
        State::Snoozed { .. } => "snoozed",
    };
    Some((state, known.updated_at()?))
}
