//! Intercom says no: to the token, to the plan, to one deed (E1 to E5).

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::Endpoint;
use jiff::SignedDuration;

use super::status;
use crate::harness::{House, QUIET_A_DAY, days, hours, minutes, seconds};

/// A day after five conversations were answered.
async fn five_due() -> (House, Vec<ConversationId>) {
    let house = House::with(QUIET_A_DAY).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(house.answered().await);
    }
    house.clock.advance(days(1));
    (house, ids)
}

async fn ticks(house: &House, time: SignedDuration) {
    let began = house.clock.now();
    while house.clock.now().duration_since(began) < time {
        house.clock.advance(seconds(10));
        house.daemon().tick().await;
    }
}

#[tokio::test]
async fn after_the_first_refusal_of_the_token_only_probes_are_sent_and_one_that_is_answered_ends_it() {
    for (name, on, code) in [
        ("refused at once", Endpoint::Any, "unauthorized"),
        ("refused in a deed", Endpoint::Close, "token_expired"),
        ("revoked between two calls", Endpoint::Conversation, "token_revoked"),
    ] {
        let (house, ids) = five_due().await;
        // The token is refused everywhere from the first refusal on.
        house.intercom.before_answer(on, move |it| it.fault_always(Endpoint::Any, status(401, code)));
        let before = house.intercom.calls().len();
        house.daemon().tick().await;
        assert!(house.deeds().len() <= 3, "{name}: {:?}", house.deeds());
        let first = house.intercom.calls().len();
        assert!(first - before <= 3, "{name}: {}", first - before);
        ticks(&house, hours(1)).await;
        let calls = house.intercom.calls().split_off(first);
        assert!(calls.iter().all(|call| call.endpoint == Endpoint::Me), "{name}: {calls:?}");
        assert!((55..=60).contains(&calls.len()), "{name}: {}", calls.len());
        assert!(house.bad().await.contains(&"intercom".to_owned()), "{name}");
        house.intercom.clear_faults();
        ticks(&house, minutes(1) + seconds(20)).await;
        // A call that was written down and refused is a definite no; all are done.
        assert!(ids.iter().all(|id| house.state(id) == "closed"), "{name}: {:?}", house.deeds());
        house.look().await;
        assert_eq!(house.bad().await, Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn a_plan_or_teammate_that_may_not_act_is_tried_three_times_at_most_and_then_once_a_day() {
    for (code, word) in [(403, "api_plan_restricted"), (404, "admin_not_found")] {
        let (house, ids) = five_due().await;
        house.intercom.fault_always(Endpoint::Close, status(code, word));
        ticks(&house, hours(12)).await;
        assert_eq!(house.deeds().len(), 3, "{word}: {:?}", house.deeds());
        assert_eq!(house.bad().await.first().map(String::as_str), Some("intercom"), "{word}");
        ticks(&house, hours(24)).await;
        assert_eq!(house.deeds().len(), 4, "{word}: {:?}", house.deeds());
        house.intercom.clear_faults();
        ticks(&house, hours(24)).await;
        assert!(ids.iter().all(|id| house.state(id) == "closed"), "{word}: {:?}", house.deeds());
        house.look().await;
        assert_eq!(house.bad().await, Vec::<String>::new(), "{word}");
    }
}

/// Refusals of one deed, which say nothing of the next.
const REFUSALS: [(u16, &str); 6] = [
    (400, "parameter_invalid"),
    (403, "forbidden"),
    (404, "tag_not_found"),
    (409, "conflict"),
    (422, "data_invalid"),
    (423, "locked"),
];

#[tokio::test]
async fn a_refused_deed_rests_a_day_fails_the_third_time_and_stands_in_nobody_s_way() {
    for (code, word) in REFUSALS {
        let house = House::with(QUIET_A_DAY).await;
        let (refused, other) = (house.answered().await, house.answered().await);
        house.intercom.fault(Endpoint::Close, status(code, word));
        house.after(days(1)).await;
        assert_eq!((house.state(&refused), house.state(&other)), ("open", "closed"), "{word}");
        house.intercom.fault_always(Endpoint::Close, status(code, word));
        for (hour, calls) in [(23, 2), (24, 3), (47, 3), (48, 4), (24 * 20, 4)] {
            let until = crate::harness::monday() + days(1) + hours(hour) + minutes(3);
            house.after(until.duration_since(house.clock.now())).await;
            assert_eq!(house.deeds().len(), calls, "{word}, after {hour} h: {:?}", house.deeds());
        }
        let journal = house.journal(&refused).await;
        assert!(journal.last().unwrap().starts_with("failed close"), "{word}: {journal:?}");
    }
}

#[tokio::test]
async fn a_conversation_that_may_not_be_read_is_not_acted_on_and_rests_a_day() {
    for (code, word) in REFUSALS {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.answered().await;
        house.intercom.fault_always(Endpoint::Conversation, status(code, word));
        house.after(days(1)).await;
        let reads = house.reads(&id);
        for _ in 0..23 {
            house.after(hours(1)).await;
        }
        assert_eq!((house.deeds(), house.reads(&id)), (vec![], reads), "{word}");
    }
}

#[tokio::test]
async fn what_is_gone_when_the_deed_arrives_is_left_and_not_asked_for_again() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.intercom.drop_notifications(true);
    let gone = id.clone();
    house.intercom.before_answer(Endpoint::Close, move |it| assert!(it.delete(&gone)));
    house.after(days(1)).await;
    let calls = house.intercom.calls().len();
    for _ in 0..10 {
        house.after(days(1)).await;
    }
    assert_eq!((house.deeds(), house.intercom.calls().len()), (vec!["close 404".to_owned()], calls));
    assert!(house.journal(&id).await.last().unwrap().starts_with("left close"));
}
