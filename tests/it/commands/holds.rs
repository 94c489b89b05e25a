//! `hold` and `release`.

use autoclosed::command::hold::{hold, release};
use autoclosed::command::pause::{pause, resume};

use crate::harness::{House, QUIET_A_DAY, days, hours, minutes};

#[tokio::test]
async fn a_held_conversation_is_left_alone_until_it_is_released() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    hold(&house.desk().await, &id, None).await.unwrap();
    house.after(days(3)).await;
    house.restart().await;
    house.after(days(3)).await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]));
    release(&house.desk().await, &id).await.unwrap();
    house.sweep().await;
    assert_eq!(house.state(&id), "closed");
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @"
    done : held by hand until it is released
    done : left to the rules again by hand
    done close: 1 day without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    ");
}

#[tokio::test]
async fn what_happens_while_it_is_held_changes_nothing_about_the_hold() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    hold(&house.desk().await, &id, None).await.unwrap();
    house.intercom.contact_replies(&id, "And as a PDF?");
    house.clock.advance(hours(1));
    house.intercom.teammate_replies(&id, "Choose PDF in the same place.");
    house.after(days(2)).await;
    house.look().await;
    house.after(days(2)).await;
    assert_eq!(house.deeds(), Vec::<String>::new());
}

#[tokio::test]
async fn a_hold_with_an_end_makes_the_step_due_at_that_end() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    hold(&house.desk().await, &id, Some("4 days")).await.unwrap();
    house.after(days(4) - hours(1)).await;
    assert_eq!(house.state(&id), "open");
    house.after(hours(1)).await;
    assert_eq!(house.state(&id), "closed");
    let journal = house.daemon().store().journal(Some(&id)).await.unwrap();
    let close = journal.iter().find(|line| line.step == "close").unwrap();
    assert!(close.inputs.contains("\"due_at\":\"2026-03-06T09:01:00Z\""), "{}", close.inputs);
}

#[tokio::test]
async fn a_later_word_replaces_an_earlier_one() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let desk = house.desk().await;
    hold(&desk, &id, Some("2 days")).await.unwrap();
    hold(&desk, &id, None).await.unwrap();
    house.after(days(10)).await;
    assert_eq!(house.state(&id), "open");
    hold(&desk, &id, Some("1 hour")).await.unwrap();
    house.after(hours(1)).await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn what_is_released_goes_on_at_once_though_intercom_s_clock_is_behind() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let ahead = house.give_the_daemon_a_clock();
    ahead.advance(minutes(4));
    house.restart().await;
    hold(&house.desk().await, &id, None).await.unwrap();
    ahead.advance(days(2));
    house.after(days(2)).await;
    assert_eq!(house.state(&id), "open");
    release(&house.desk().await, &id).await.unwrap();
    house.sweep().await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn a_release_after_its_end_leaves_a_hold_as_it_was() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let desk = house.desk().await;
    hold(&desk, &id, Some("4 days")).await.unwrap();
    pause(&desk, None).await.unwrap();
    house.after(days(4)).await;
    release(&desk, &id).await.unwrap();
    resume(&desk, None).await.unwrap();
    house.sweep().await;
    let journal = house.daemon().store().journal(Some(&id)).await.unwrap();
    let close = journal.iter().find(|line| line.step == "close").unwrap();
    assert!(close.inputs.contains("\"due_at\":\"2026-03-06T09:01:00Z\""), "{}", close.inputs);
}

/// The program keeps its own time, which is later than the house's; what it says does not depend on it.
#[tokio::test]
async fn the_program_says_what_is_held_and_what_is_not() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let id = id.as_str();
    let told = house.talk(&[
        &["hold", id],
        &["hold", id],
        &["hold", id, "--until", "2097-03-09T17:00:00+01:00"],
        &["hold", id, "--until", "2097-03-09T17:00:00+01:00", "--json"],
        &["release", id],
        &["release", id],
        &["release", id, "--json"],
        &["hold", "404"],
        &["release", "404"],
        &["hold", id, "--until", "2001-01-01T00:00:00Z"],
        &["hold", id, "--until", "soon"],
        &["hold", "12a"],
    ]);
    insta::assert_snapshot!(told, @r#"
    $ autoclosed hold 215470000000001
    Conversation 215470000000001 is held: no rule touches it. `autoclosed release 215470000000001` leaves it to the rules again.
    [0]
    $ autoclosed hold 215470000000001
    Conversation 215470000000001 is held already: no rule touches it. `autoclosed release 215470000000001` leaves it to the rules again.
    [0]
    $ autoclosed hold 215470000000001 --until 2097-03-09T17:00:00+01:00
    Conversation 215470000000001 is held: no rule touches it until 2097-03-09 16:00:00 UTC.
    [0]
    $ autoclosed hold 215470000000001 --until 2097-03-09T17:00:00+01:00 --json
    {
      "conversation": "215470000000001",
      "held": true,
      "until": "2097-03-09T16:00:00Z",
      "changed": false
    }
    [0]
    $ autoclosed release 215470000000001
    Conversation 215470000000001 is left to the rules again.
    [0]
    $ autoclosed release 215470000000001
    Conversation 215470000000001 was not held by hand. `autoclosed explain 215470000000001` says what becomes of it.
    [0]
    $ autoclosed release 215470000000001 --json
    {
      "conversation": "215470000000001",
      "held": false,
      "until": null,
      "changed": false
    }
    [0]
    $ autoclosed hold 404
    autoclosed: conversation 404 is not known; look for a slip in the id, or run `autoclosed reconcile` to have all looked at that is open or snoozed
    [1]
    $ autoclosed release 404
    autoclosed: conversation 404 is not known; look for a slip in the id, or run `autoclosed reconcile` to have all looked at that is open or snoozed
    [1]
    $ autoclosed hold 215470000000001 --until 2001-01-01T00:00:00Z
    autoclosed: --until: 2001-01-01T00:00:00Z is in the past; name a moment to come
    [2]
    $ autoclosed hold 215470000000001 --until soon
    autoclosed: --until: `soon` is no time; write for example "2026-03-09T17:00:00Z", or "3 days" for 3 days after now
    [2]
    $ autoclosed hold 12a
    error: invalid value '12a' for '<ID>': a conversation's id is 1 to 20 digits

    For more information, try '--help'.
    [2]
    "#);
}
