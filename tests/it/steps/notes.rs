//! Notes: for the team, by nobody's budget, and no reason for a snooze to end.

use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};

use super::{a_while, calls, house, looks, lost, refused, rule, start};
use crate::harness::{House, days, hours};

const NOTE_AND_CLOSE: &str = r#"
{ after = "1 day", do = "note", body = "Nobody has answered <{{ contact.first_name | default('them') }}>." },
{ after = "2 days", do = "close", silent = true },
"#;

#[tokio::test]
async fn a_note_that_wakes_a_snooze_restores_it() {
    let house = house(NOTE_AND_CLOSE).await;
    let id = house.answered().await;
    let until = house.clock.now() + days(30);
    house.intercom.teammate_snoozes(&id, until);
    house.after(days(1)).await;
    insta::assert_snapshot!(calls(&house).join("\n"), @r#"
    POST reply {"body":"Nobody has answered <Kim>.","message_type":"note","type":"admin"} 200
    POST parts {"message_type":"snoozed","snoozed_until":1775034060} 200
    "#);
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @r"
    done note 1: 1 day without a word since it was snoozed at 2026-03-02 09:01:00 UTC
    done note 1: the snooze that our note ended was restored
    ");
    insta::assert_snapshot!(looks(&house, &id), @"snoozed until 2026-04-01T09:01:00Z, team -, teammate -, tags [], {}");
    house.after(days(1)).await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn whatever_becomes_of_its_answer_a_note_is_left_once_and_the_snooze_restored() {
    for (name, fault) in lost() {
        let house = house(NOTE_AND_CLOSE).await;
        let id = house.answered().await;
        let until = house.clock.now() + days(30);
        house.intercom.teammate_snoozes(&id, until);
        house.intercom.fault(Endpoint::Note, fault);
        house.after(days(1)).await;
        a_while(&house).await;
        let seen = house.intercom.conversation(&id).unwrap();
        let journal = house.journal(&id).await;
        assert_eq!(house.ours(&id, "note"), 1, "{name}: {journal:?}");
        assert_eq!((seen.state, seen.snoozed_until), ("snoozed", Some(until)), "{name}: {journal:?}");
        house.after(days(1)).await;
        assert_eq!((house.state(&id), house.ours(&id, "close")), ("closed", 1), "{name}: {journal:?}");
    }
}

#[tokio::test]
async fn a_refused_note_rests_and_in_the_end_nothing_follows_it() {
    let house = house(NOTE_AND_CLOSE).await;
    let id = house.answered().await;
    house.intercom.fault_always(Endpoint::Note, refused());
    for _ in 0..10 {
        house.after(days(1)).await;
    }
    assert_eq!(house.state(&id), "open");
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @r"
    deferred note 1: Intercom refused the request (HTTP 422, code data_invalid); see what the code says about this conversation
    deferred note 1: Intercom refused the request (HTTP 422, code data_invalid); see what the code says about this conversation
    failed note 1: Intercom refused the request (HTTP 422, code data_invalid); see what the code says about this conversation
    ");
}

#[tokio::test]
async fn notes_are_not_counted_as_messages() {
    let steps =
        r#"{ after = "1 day", do = "note", body = "Quiet." }, { after = "25 hours", do = "reply", body = "Hello?" }"#;
    let rules = format!("mode = \"live\"\n[safety]\nmax_messages_per_hour = 2\n{}", rule("match_all = true", steps));
    let mut house = House::configured(&rules, Workspace::default()).await;
    start(&mut house).await;
    let ids = [house.answered().await, house.answered().await, house.answered().await];
    let ours = |house: &House, kind: &str| ids.iter().map(|id| house.ours(id, kind)).sum::<usize>();
    house.after(days(1)).await;
    assert_eq!(ours(&house, "note"), 3);
    house.after(hours(1)).await;
    assert_eq!(ours(&house, "comment"), 2);
}

#[tokio::test]
async fn the_same_note_is_left_once_in_a_silence_also_by_another_rule() {
    let one = r#"{ after = "1 day", do = "note", body = "Quiet." }"#;
    let two = r#"{ after = "2 days", do = "note", body = "Quiet." }, { after = "3 days", do = "note", body = "Still quiet." }"#;
    let rules =
        format!("{}{}", rule("match.not_tags = \"x\"", one), rule("match_all = true", two).replace("steps", "two"));
    let house = super::house_of(&rules).await;
    let id = house.answered().await;
    house.after(days(1)).await;
    house.intercom.tag(&id, "x");
    house.after(days(1)).await;
    house.after(days(1)).await;
    house.intercom.settle().await;
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @r"
    done note 1: 1 day without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    left note 1: passed over: the same note was left in this silence already
    done note 2: 3 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    ");
    assert_eq!(house.ours(&id, "note"), 2);
}

#[tokio::test]
async fn what_a_contact_writes_while_a_note_is_left_keeps_the_snooze_from_coming_back() {
    let house = house(NOTE_AND_CLOSE).await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    let slipping = id.clone();
    house.intercom.after_apply(Endpoint::Note, move |it| {
        it.contact_replies(&slipping, "One more thing.");
    });
    house.after(days(1)).await;
    a_while(&house).await;
    assert_eq!((house.state(&id), house.ours(&id, "snoozed")), ("open", 0), "{:?}", house.journal(&id).await);
    house.intercom.fault(Endpoint::Note, Fault::Drop);
    house.after(days(9)).await;
    assert_eq!(house.state(&id), "open", "the contact is owed an answer");
}
