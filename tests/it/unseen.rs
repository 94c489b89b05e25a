//! What is merged away, merged in, or too long to be shown: what a look at it comes to, and that nothing is closed over it.

use autoclosed::engine::ConversationId;
use autoclosed::engine::conversation::State;
use autoclosed::fake_intercom::{Endpoint, Fault};

use crate::harness::{House, QUIET_A_DAY, days, hours, minutes, seconds};

/// Two that were answered, the first of which is merged into the second without a webhook.
async fn merged() -> (House, ConversationId, ConversationId) {
    let house = House::with(QUIET_A_DAY).await;
    let (secondary, primary) = (house.answered().await, house.answered().await);
    house.clock.advance(hours(1));
    house.look().await;
    assert!(house.intercom.merge(&secondary, &primary));
    (house, secondary, primary)
}

fn deeds_on(house: &House, id: &ConversationId) -> usize {
    house.intercom.mutating_calls().iter().filter(|call| call.path.contains(id.as_str())).count()
}

#[tokio::test]
async fn what_was_merged_away_is_not_touched_however_intercom_answers_for_it() {
    let error = |status, code: &str| Fault::Status {
        status,
        body: format!(r#"{{"type":"error.list","errors":[{{"code":"{code}","message":"m"}}]}}"#),
    };
    let elsewhere = "http://127.0.0.1:9/conversations/1".to_owned();
    for (name, answer) in [
        ("as closed", None),
        ("no more", Some(error(404, "not_found"))),
        ("gone for good", Some(error(410, "conversation_merged"))),
        ("found elsewhere", Some(Fault::Redirect(elsewhere))),
        ("with the one that survives", Some(Fault::WrongId)),
    ] {
        let (house, secondary, _) = merged().await;
        if let Some(answer) = answer {
            house.intercom.fault_always(Endpoint::Conversation, answer);
        }
        house.clock.advance(minutes(10));
        house.look().await;
        house.after(days(1)).await;
        house.look().await;
        house.after(days(1)).await;
        assert_eq!(deeds_on(&house, &secondary), 0, "{name}");
        house.intercom.clear_faults();
        house.clock.advance(hours(25));
        house.look().await;
        let known = house.known(&secondary).await.unwrap();
        assert!(known.gone || known.state() == Some(State::Closed), "{name}: {:?}", known.state());
    }
}

#[tokio::test]
async fn what_another_was_merged_into_waits_for_an_answer() {
    let (house, _, primary) = merged().await;
    house.after(days(3)).await;
    house.look().await;
    house.after(days(3)).await;
    assert_eq!(house.state(&primary), "open", "what was merged in may be a question");
    house.intercom.teammate_replies(&primary, "Both are done.");
    house.after(days(1)).await;
    assert_eq!(house.state(&primary), "closed");
}

#[tokio::test]
async fn answers_about_others_do_not_end_a_look() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let ids: Vec<_> = (0..8).map(|_| house.intercom.contact_starts("Hello?")).collect();
    house.clock.advance(seconds(2));
    for _ in 0..6 {
        house.intercom.fault(Endpoint::Conversation, Fault::WrongId);
    }
    house.start().await;
    house.look().await;
    assert!(ids.iter().all(|id| house.reads(id) == 1), "each was asked for");
    let mut whole = 0;
    for id in &ids {
        whole += u32::from(house.known(id).await.unwrap().whole);
    }
    assert_eq!(whole, 2, "and those that were answered are known");
}

#[tokio::test]
async fn where_no_word_is_shown_and_none_is_told_nobody_knows_who_waits() {
    let rules = QUIET_A_DAY.replace("match_all = true", "match.contact_replied = \"any\"");
    for (name, hidden, statistics, state) in [
        ("all is shown", 499, false, "open"),
        ("the contact's words are not shown", 500, false, "open"),
        ("the statistics tell of it", 500, true, "open"),
    ] {
        let mut house = House::without_daemon(&rules).await;
        let id = house.intercom.teammate_starts("How do you like it?");
        house.clock.advance(minutes(1));
        house.intercom.contact_replies(&id, "How do I export my data?");
        for _ in 0..hidden {
            house.clock.advance(seconds(1));
            house.intercom.teammate_notes(&id, "Still looking.");
        }
        if !statistics {
            house.intercom.fault_always(Endpoint::Conversation, Fault::HideContactTime);
        }
        house.clock.advance(seconds(2));
        house.start().await;
        house.look().await;
        house.after(days(3)).await;
        assert_eq!((house.state(&id), house.deeds()), (state, vec![]), "{name}");
        // A teammate answers: now all that matters is shown.
        house.intercom.teammate_replies(&id, "Under Settings.");
        house.intercom.settle().await;
        house.look().await;
        house.after(days(1)).await;
        assert_eq!(house.state(&id), "closed", "{name}");
    }
}
