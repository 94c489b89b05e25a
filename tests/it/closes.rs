//! What becomes of quiet conversations, end to end.

use autoclosed::daemon::Sweeping;
use autoclosed::fake_intercom::{Endpoint, Fault};

use crate::harness::{House, QUIET_A_DAY, SNOOZED_A_WEEK, days, hours, minutes, seconds};

#[tokio::test]
async fn a_quiet_conversation_is_closed_once_with_its_last_word() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.after(hours(24) - seconds(1)).await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]));
    house.after(seconds(1)).await;
    assert_eq!((house.state(&id), house.deeds()), ("closed", vec!["close 200".to_owned()]));
    house.after(days(30)).await;
    assert_eq!(house.deeds().len(), 1);
    assert_eq!(
        house.journal(&id).await,
        ["done close: 1 day without a word since a teammate wrote at 2026-03-02 09:01:00 UTC"]
    );
    let last = house.intercom.conversation(&id).unwrap().parts.pop().unwrap();
    assert_eq!((last.kind, last.body.as_deref()), ("close", Some("<p>Closing this for now.</p>")));
}

#[tokio::test]
async fn a_snoozed_conversation_is_reminded_snoozed_again_and_closed() {
    let house = House::with(SNOOZED_A_WEEK).await;
    let id = house.answered().await;
    let until = house.clock.now() + days(30);
    house.intercom.teammate_snoozes(&id, until);
    house.after(days(5)).await;
    assert_eq!(house.deeds(), ["comment 200", "snoozed 200"]);
    let seen = house.intercom.conversation(&id).unwrap();
    assert_eq!((seen.state, seen.snoozed_until), ("snoozed", Some(until)));
    house.after(days(2) - seconds(1)).await;
    assert_eq!(house.state(&id), "snoozed");
    house.after(seconds(1)).await;
    assert_eq!(house.state(&id), "closed");
    assert_eq!(house.deeds(), ["comment 200", "snoozed 200", "close 200"]);
}

#[tokio::test]
async fn a_conversation_in_which_we_owe_the_answer_is_left_alone() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(hours(1));
    house.intercom.contact_replies(&id, "That does not work.");
    house.after(days(30)).await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]));
}

#[tokio::test]
async fn nothing_is_done_before_the_first_complete_look() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(days(2));
    house.start().await;
    assert!(matches!(house.sweep().await, Sweeping::Blocked(_)));
    assert_eq!(house.deeds(), Vec::<String>::new());
    house.look().await;
    house.sweep().await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn a_reply_that_slips_in_between_reading_and_closing_is_never_closed_over() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let slipping = id.clone();
    house.intercom.before_answer(Endpoint::Close, move |intercom| {
        intercom.contact_replies(&slipping, "Wait, one more thing!");
    });
    house.after(days(1)).await;
    assert_eq!(house.state(&id), "open");
    assert_eq!(house.deeds(), ["close 200", "open 200"]);
    assert_eq!(
        house.journal(&id).await,
        ["raced close: the contact wrote while it was being closed", "raced close: opened again"]
    );
    house.after(minutes(10)).await;
    assert_eq!(house.deeds().len(), 2);
}

#[tokio::test]
async fn a_snooze_that_was_restored_though_the_answer_was_lost_is_known_as_our_own() {
    let house = House::with(&SNOOZED_A_WEEK.replace("counts_from", "# counts_from")).await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    house.intercom.fault(Endpoint::Snooze, Fault::Drop);
    house.intercom.fault(Endpoint::Snooze, Fault::ApplyThenDrop);
    house.after(days(5)).await;
    assert_eq!(house.state(&id), "open");
    house.after(minutes(2)).await;
    house.after(minutes(2)).await;
    assert_eq!(house.deeds(), ["comment 200", "snoozed unanswered", "snoozed unanswered"]);
    assert_eq!(house.state(&id), "snoozed");
    house.after(days(2)).await;
    assert_eq!(house.state(&id), "closed", "its own snooze moved the timer");
}
