//! An Intercom in trouble (E7): who is asked how often meanwhile, what health says, and how soon it goes on.

use autoclosed::daemon::Sweeping;
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, Fault};
use autoclosed::sabotage::{Bug, plant};
use autoclosed::safety::Blocked;
use jiff::{SignedDuration, Timestamp};

use super::{outcomes, status};
use crate::harness::{House, QUIET_A_DAY, SNOOZED_A_WEEK, days, hours, minutes, seconds};
use crate::metrics::page::Page;

fn gone() -> Fault {
    Fault::Status { status: 503, body: "<html>503</html>".into() }
}

/// Conversations that are due: enough that a sweep meets the next one while the last one rests.
async fn many_due(house: &House) -> Vec<ConversationId> {
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.push(house.answered().await);
    }
    house.clock.advance(days(1));
    ids
}

/// Ticks as the schedule does, and looks every ten minutes; tells when Intercom was asked.
async fn live(house: &House, time: SignedDuration) -> Vec<Timestamp> {
    let (from, began) = (house.intercom.calls().len(), house.clock.now());
    while house.clock.now().duration_since(began) < time {
        house.clock.advance(seconds(10));
        house.daemon().tick().await;
        if house.clock.now().as_second() % 600 == 0 {
            drop(house.daemon().reconcile().await);
        }
    }
    house.intercom.calls()[from..].iter().map(|call| call.at).collect()
}

async fn are_closed_within(house: &House, ids: &[ConversationId], time: SignedDuration) -> bool {
    let began = house.clock.now();
    let closed = || ids.iter().all(|id| house.state(id) == "closed");
    while !closed() && house.clock.now().duration_since(began) < time {
        live(house, seconds(10)).await;
    }
    closed()
}

#[tokio::test]
async fn in_an_outage_of_two_hours_hardly_anything_is_asked_and_a_minute_after_it_all_goes_on() {
    for (name, fault) in [("503", gone()), ("no answer", Fault::Drop), ("garbage", Fault::Garbage200)] {
        let house = House::with(QUIET_A_DAY).await;
        let ids = many_due(&house).await;
        house.intercom.fault_always(Endpoint::Any, fault);
        let began = house.clock.now();
        let asked = live(&house, hours(2)).await;
        let opened = asked.iter().filter(|at| at.duration_since(began) <= minutes(2)).count();
        assert!((10..=20).contains(&opened), "{name}: {opened}");
        let later: Vec<_> = asked.iter().filter(|at| at.duration_since(began) > minutes(3)).collect();
        let gaps: Vec<_> = later.windows(2).map(|pair| pair[1].duration_since(*pair[0])).collect();
        assert!(gaps.iter().all(|gap| (seconds(30)..=seconds(50)).contains(gap)), "{name}: {gaps:?}");
        assert_eq!(house.bad().await.first().map(String::as_str), Some("intercom"), "{name}");
        house.intercom.clear_faults();
        assert!(are_closed_within(&house, &ids, minutes(1)).await, "{name}");
        assert_eq!(house.bad().await, Vec::<String>::new(), "{name}");
    }
}

async fn in_trouble(house: &House) -> bool {
    Page::of(house).await.figure("autoclosed_api_in_trouble", &[]) > 0.5
}

/// Planted: nobody finds out when the trouble is over.
#[tokio::test]
async fn a_breaker_that_never_half_opens_would_stop_it_for_good() {
    for (bug, closed) in [(None, true), (Some(Bug::NeverHalfOpens), false)] {
        let house = House::with(QUIET_A_DAY).await;
        let ids = many_due(&house).await;
        let planted = bug.map(plant);
        house.intercom.fault_always(Endpoint::Any, gone());
        live(&house, minutes(5)).await;
        house.intercom.clear_faults();
        assert_eq!(are_closed_within(&house, &ids, minutes(10)).await, closed, "{bug:?}");
        drop(planted);
    }
}

#[tokio::test]
async fn health_says_since_when_and_when_it_is_tried_next() {
    let house = House::with(QUIET_A_DAY).await;
    many_due(&house).await;
    assert!(!in_trouble(&house).await);
    house.intercom.fault_always(Endpoint::Any, gone());
    live(&house, minutes(10)).await;
    assert!(in_trouble(&house).await);
    assert!(matches!(house.sweep().await, Sweeping::Blocked(Blocked::Trouble)));
    insta::assert_snapshot!(format!("{}\n{}", house.check("intercom").await, house.check("sweep").await), @"
    bad: in trouble for 8 minutes 20 seconds, so nothing is sent but one request now and then, the next in 3 seconds: answers are lost or make no sense; it goes on by itself once Intercom answers well again
    bad: nothing is done: Intercom is in trouble; one request now and then finds out when that is over, 0 seconds ago
    ");
    house.intercom.clear_faults();
    live(&house, minutes(1)).await;
    assert!(!in_trouble(&house).await);
    assert_eq!(house.bad().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_unclear_when_it_began_is_found_out_soon_after_it_ends() {
    let house = House::with(SNOOZED_A_WEEK).await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    house.clock.advance(days(5));
    house.intercom.after_apply(Endpoint::Reply, |it| it.fault_always(Endpoint::Any, gone()));
    house.intercom.fault(Endpoint::Reply, Fault::ApplyThenDrop);
    live(&house, hours(2)).await;
    assert_eq!(outcomes(&house).await, [("unclear".to_owned(), 1)]);
    house.intercom.clear_faults();
    live(&house, minutes(3)).await;
    let journal = house.journal(&id).await;
    assert_eq!((house.ours(&id, "comment"), house.state(&id)), (1, "snoozed"), "{journal:?}");
    assert_eq!(outcomes(&house).await, [("done".to_owned(), 1)], "{journal:?}");
}

/// Intercom answers all of these: it is not in trouble, whatever it says.
#[tokio::test]
async fn a_refusal_is_an_answer() {
    for (code, word) in [(400, "parameter_invalid"), (403, "forbidden"), (409, "conflict"), (422, "data_invalid")] {
        let house = House::with(QUIET_A_DAY).await;
        for _ in 0..15 {
            house.answered().await;
        }
        house.clock.advance(days(1));
        house.intercom.fault_always(Endpoint::Conversation, status(code, word));
        live(&house, minutes(1)).await;
        assert!(!in_trouble(&house).await, "{code}");
    }
}
