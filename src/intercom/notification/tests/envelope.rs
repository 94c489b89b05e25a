//! What is kept of the envelope: ids, hashes, fingerprints.

use super::*;

#[test]
fn the_envelope_is_kept_as_far_as_it_is_usable() {
    let notification = read(payloads()["v1.conversation.admin.snoozed"].as_str());
    assert_eq!(notification.key, "notif_v1-conversation-admin-snoozed");
    assert_eq!(notification.topic, "conversation.admin.snoozed");
    assert_eq!(notification.created_at.map(seconds), Some(601));
    let version = &sighting(&notification).snapshot.as_ref().unwrap().version;
    assert_eq!((seconds(version.updated_at), seconds(version.created_at)), (600, 601));
    assert_eq!((version.fetched, version.notification_id.as_str()), (false, notification.key.as_str()));
}

#[test]
fn ids_that_cannot_be_kept_give_way_to_a_hash() {
    let long = "x".repeat(129);
    for id in [json!(null), json!(""), json!(7), json!("two words"), json!("é"), json!(long), json!("hash:00")] {
        let mut payload = payload("v1.conversation.admin.snoozed");
        payload["id"] = id.clone();
        let key = read(payload.to_string()).key;
        assert!(key.len() == 69 && key.starts_with("hash:"), "{id}: {key}");
    }
    let mut longest = payload("ping");
    longest["id"] = json!("x".repeat(128));
    assert_eq!(read(longest.to_string()).key, "x".repeat(128));
}

#[test]
fn a_hashed_key_tells_topic_date_and_data_apart_and_nothing_else() {
    let base = payload("ping");
    let with = |pointer: &str, value: Value| {
        let mut payload = base.clone();
        *payload.pointer_mut(pointer).unwrap() = value;
        read(payload.to_string()).key
    };
    let key = read(base.to_string()).key;
    for (pointer, value) in [("/delivery_attempts", json!(2)), ("/delivered_at", json!(START)), ("/app_id", json!("x"))]
    {
        assert_eq!(with(pointer, value), key, "{pointer}");
    }
    for (pointer, value) in [
        ("/topic", json!("conversation.read")),
        ("/created_at", json!(START + 1)),
        ("/data/item/message", json!("are you there?")),
    ] {
        assert_ne!(with(pointer, value), key, "{pointer}");
    }
    assert_ne!(read("nothing").key, read("nothing ").key);
}

#[test]
fn a_repeat_has_the_same_fingerprint_and_another_telling_has_not() {
    let first = payload("v2.conversation.user.replied");
    let mut repeat = first.clone();
    for (field, value) in [("delivery_attempts", 2), ("delivered_at", START), ("first_sent_at", START)] {
        repeat[field] = json!(value);
    }
    repeat["delivery_status"] = json!("delivered");
    let fingerprint = read(first.to_string()).fingerprint;
    assert_eq!(read(repeat.to_string()).fingerprint, fingerprint);
    assert_eq!(fingerprint.len(), 16);
    for pointer in ["/topic", "/data/item/read"] {
        let mut other = first.clone();
        *other.pointer_mut(pointer).unwrap() = json!("conversation.user.created");
        assert_ne!(read(other.to_string()).fingerprint, fingerprint, "{pointer}");
    }
}
