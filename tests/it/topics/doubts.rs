//! What is not understood, and what says that a conversation is gone: Intercom is asked, or it is left alone.

use autoclosed::engine::conversation::Class;
use serde_json::{Value, json};

use super::families::{Part, envelope, telling};
use super::{conversation_id, deliver, told_only};
use crate::harness::{House, QUIET_A_DAY, days, hours, minutes};
use crate::topics::families::Family;

/// The notification of a contact's reply, damaged in one place.
fn damaged(id: &str, place: &str, value: Value) -> Value {
    let mut told = telling(id.parse().unwrap(), "conversation.user.replied", 7200);
    told.parts =
        vec![Part { id: 7001, kind: "comment", by: ("user", "65f000000000000000000001"), body: None, at: 7200 }];
    let mut notification = Family::V2.notification(&told);
    *notification.pointer_mut(place).unwrap() = value;
    notification
}

#[tokio::test]
async fn what_is_not_understood_is_asked_for() {
    for (place, value) in [
        ("/data/item/conversation_parts", json!("none")),
        ("/data/item/updated_at", json!("soon")),
        ("/data/item/state", json!(["open"])),
        ("/data/item/conversation_parts/conversation_parts/0/part_type", json!(null)),
        ("/topic", json!(null)),
    ] {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.answered().await;
        house.clock.advance(hours(1));
        house.intercom.drop_notifications(true);
        house.intercom.contact_replies(&id, "That does not work.");
        let reads = house.reads(&id);
        assert_eq!(deliver(&house, &damaged(id.as_str(), place, value)).await, 200, "{place}");
        house.after(minutes(1)).await;
        assert_eq!(house.reads(&id), reads + 1, "{place}");
        let spoke = house.known(&id).await.unwrap().last_contact_reply().unwrap().0;
        assert_eq!(spoke, house.intercom.conversation(&id).unwrap().last_contact_reply.unwrap(), "{place}");
        let counted = house.check("notifications").await;
        assert!(counted.ends_with("1 quarantined"), "{counted}");
        house.after(minutes(1)).await;
        assert_eq!(house.reads(&id), reads + 1, "{place}: once is enough");
    }
}

#[tokio::test]
async fn a_conversation_of_which_nothing_else_was_told_is_asked_for_too() {
    let house = told_only().await;
    house.intercom.drop_notifications(true);
    let id = house.answered().await;
    assert_eq!(deliver(&house, &damaged(id.as_str(), "/data/item/state", json!(7))).await, 200);
    assert_eq!(deliver(&house, &damaged("4711", "/data/item/state", json!(7))).await, 200);
    house.after(minutes(1)).await;
    house.after(minutes(5)).await;
    assert_eq!((house.reads(&id), house.reads(&conversation_id(4711))), (1, 1));
    assert!(house.known(&conversation_id(4711)).await.unwrap().gone);
    house.after(days(1)).await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn what_was_deleted_is_gone_wherever_its_id_stands() {
    for item in [
        |id: &str| json!({"type": "conversation", "conversation_id": id}),
        |id: &str| json!({"type": "conversation", "id": id}),
        |id: &str| json!({"type": "conversation", "conversation_id": id.parse::<u64>().unwrap(), "id": null}),
    ] {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.answered().await;
        let reads = house.reads(&id);
        let deleted = envelope("n1", "conversation.deleted", &item(id.as_str()), 120);
        assert_eq!(deliver(&house, &deleted).await, 200);
        assert!(house.known(&id).await.unwrap().gone, "{deleted}");
        house.after(days(2)).await;
        assert_eq!((house.reads(&id), house.deeds()), (reads, vec![]), "{deleted}");
    }
}

/// Nothing can be concluded from it but that something happened.
#[tokio::test]
async fn a_deletion_that_is_not_understood_is_asked_for() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let reads = house.reads(&id);
    let item = json!({"type": "conversation", "conversation_id": [id.as_str()], "id": id.as_str()});
    assert_eq!(deliver(&house, &envelope("n1", "conversation.deleted", &item, 120)).await, 200);
    assert!(!house.known(&id).await.unwrap().gone);
    house.after(minutes(1)).await;
    assert_eq!(house.reads(&id), reads + 1);
    house.after(days(1)).await;
    let known = house.known(&id).await.unwrap();
    assert!(house.state(&id) == "closed" && known.latest.keys().any(|(class, _)| *class == Class::TeammateReply));
}
