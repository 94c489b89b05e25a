//! Traps of the webhook: signature, answers, deadlines, ids.

use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};
use autoclosed::intercom::signature::sign;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::harness::{CLIENT_SECRET, House, QUIET_A_DAY, days, hours, minutes, seconds};
use crate::topics::families::{Family, Part, envelope, telling};
use crate::topics::{client, conversation_id, deliver, deliver_bytes, webhook};

const ADMIN: (&str, &str) = ("admin", "1001");

/// A notification as a person might have indented it: spaces, escapes, keys out of order, a number spelt its own way.
fn unusual_bytes() -> Vec<u8> {
    let item = r#"{ "id" : "5001","type":"conversation", "state":"open","updated_at": 1772442000 ,"note":"caf\u00e9 \/ 1.0e2" }"#;
    format!(r#"{{"topic":"conversation.priority.updated", "created_at":1772442000,"id":"n1","app_id":"ab12cd34","data":{{"item":{item}}} }}"#)
        .into_bytes()
}

async fn status_with(house: &House, header: &str, value: &str, body: &[u8]) -> u16 {
    let request = client().post(webhook(house)).header(header, value).body(body.to_vec());
    request.send().await.unwrap().status().as_u16()
}

// Trap 1
#[tokio::test]
async fn the_signature_is_over_the_bytes_as_they_came() {
    let house = House::with(QUIET_A_DAY).await;
    let body = unusual_bytes();
    let again = serde_json::from_slice::<Value>(&body).unwrap().to_string().into_bytes();
    assert_ne!(body, again, "writing it again gives other bytes");
    let (good, of_another) = (sign(&CLIENT_SECRET.into(), &body), sign(&CLIENT_SECRET.into(), &again));
    let digits = good.strip_prefix("sha1=").unwrap();
    for (signature, want) in [
        (of_another.clone(), 401),
        (digits.to_owned(), 401),
        (format!("sha256={digits}"), 401),
        (good[..good.len() - 2].to_owned(), 401),
        (format!("sha1={}", digits.to_uppercase()), 200),
        (good.clone(), 200),
    ] {
        assert_eq!(status_with(&house, "X-Hub-Signature", &signature, &body).await, want, "{signature}");
    }
    assert!(house.known(&conversation_id(5001)).await.is_some());
}

// Trap 2
#[tokio::test]
async fn the_key_is_the_client_secret_and_the_digest_sha1() {
    let house = House::with(QUIET_A_DAY).await;
    let body = unusual_bytes();
    let token: SecretString = Workspace::default().token.into();
    let mut sha256 = Hmac::<sha2::Sha256>::new_from_slice(CLIENT_SECRET.as_bytes()).unwrap();
    sha256.update(&body);
    let sha256 = hex::encode(sha256.finalize().into_bytes());
    for (header, value) in [
        ("X-Hub-Signature", sign(&token, &body)),
        ("X-Hub-Signature", format!("sha256={sha256}")),
        ("X-Hub-Signature", format!("sha1={sha256}")),
        ("X-Body-Signature", sha256.clone()),
        ("X-Body-Signature", sign(&CLIENT_SECRET.into(), &body)),
    ] {
        assert_eq!(status_with(&house, header, &value, &body).await, 401, "{header}: {value}");
    }
    assert_eq!(house.known(&conversation_id(5001)).await, None);
    assert_eq!(deliver_bytes(&house, &body).await, 200);
}

// Trap 3
#[tokio::test]
async fn intercom_s_unsigned_check_of_the_address_is_answered_200() {
    let house = House::with(QUIET_A_DAY).await;
    let answer = client().head(webhook(&house)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.bytes().await.unwrap().len(), 0);
}

// Trap 4
#[tokio::test]
async fn a_notification_is_answered_although_intercom_answers_nothing() {
    let house = House::with(QUIET_A_DAY).await;
    let asked = house.intercom.calls().len();
    house.intercom.fault_always(Endpoint::Any, Fault::Hang);
    let id = house.answered().await;
    let sent = house.intercom.notifications();
    assert_eq!(sent.iter().map(|sent| sent.status).collect::<Vec<_>>(), [Some(200), Some(200)]);
    assert!(house.known(&id).await.unwrap().whole);
    assert_eq!(house.intercom.calls().len(), asked, "nothing was asked for on the way");
}

// Trap 5
#[tokio::test]
async fn what_was_never_told_is_found_by_looking() {
    let mut house = House::with(QUIET_A_DAY).await;
    let known = house.answered().await;
    house.stop().await;
    house.clock.advance(minutes(10));
    house.intercom.drop_notifications(true);
    house.intercom.contact_replies(&known, "That does not work.");
    let unknown = house.answered().await;
    house.start().await;
    house.look().await;
    house.after(days(1)).await;
    assert_eq!((house.state(&known), house.state(&unknown)), ("open", "closed"));
}

// Trap 6
#[tokio::test]
async fn whatever_intercom_signs_is_answered_200() {
    let house = House::with(QUIET_A_DAY).await;
    let mut sound = Family::V2.notification(&telling(5001, "conversation.user.replied", 60));
    let mut bodies: Vec<Vec<u8>> =
        vec![b"".to_vec(), b"no JSON".to_vec(), b"[]".to_vec(), b"\xff\xfe".to_vec(), b"{}".to_vec()];
    for topic in
        ["content_stat.sent", "conversation.of_tomorrow", "job.completed", "", "conversation.deleted", "ticket.created"]
    {
        bodies
            .push(envelope(&format!("n-{topic}"), topic, &json!({"type": "thing", "id": "x"}), 60).to_string().into());
    }
    for (field, odd) in
        [("id", json!({})), ("state", json!(7)), ("updated_at", json!("soon")), ("conversation_parts", json!([]))]
    {
        let mut body = sound.clone();
        body["id"] = format!("n-{field}").into();
        body["data"]["item"][field] = odd;
        bodies.push(body.to_string().into());
    }
    sound["app_id"] = json!("an0ther1");
    bodies.push(sound.to_string().into());
    for body in bodies {
        assert_eq!(deliver_bytes(&house, &body).await, 200, "{}", String::from_utf8_lossy(&body));
    }
    let counted = house.check("notifications").await;
    assert!(counted.ends_with("1 foreign, 12 quarantined"), "{counted}");
}

// Trap 7
#[tokio::test]
async fn a_repeated_object_id_is_another_event() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.intercom.contact_starts("Hello?");
    house.intercom.settle().await;
    let mut told = telling(id.as_str().parse().unwrap(), "conversation.admin.replied", 60);
    told.parts = vec![Part { id: 7001, kind: "comment", by: ADMIN, body: Some("<p>Hello!</p>"), at: 60 }];
    deliver(&house, &Family::V2.notification(&told)).await;
    told.at = 3600;
    told.parts = vec![Part { id: 7002, kind: "comment", by: ADMIN, body: Some("<p>Still there?</p>"), at: 3600 }];
    let second = Family::V2.notification(&told);
    for _ in 0..2 {
        deliver(&house, &second).await;
    }
    let counted = house.check("notifications").await;
    assert!(counted.contains("3 stored, 1 duplicate"), "{counted}");
    let known = house.known(&id).await.unwrap();
    let newest = known.latest.values().max().unwrap();
    assert_eq!(newest.1.unwrap().to_string(), "7002");
}

// Trap 8
#[tokio::test]
async fn a_notification_need_not_have_the_ids_that_others_have() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let mut ping = envelope("", "ping", &json!({"type": "ping", "message": "something something interzen"}), 60);
    ping["id"] = json!(null);
    ping["delivery_status"] = json!(null);
    assert_eq!(deliver(&house, &ping).await, 200);
    let number: u64 = id.as_str().parse().unwrap();
    let attached =
        json!({"conversation": {"parts": [], "model": {"id": number}}, "contact": {"type": "contact", "id": "65f"}});
    assert_eq!(deliver(&house, &envelope("n1", "conversation.contact.attached", &attached, 60)).await, 200);
    assert!(!house.known(&id).await.unwrap().gone);
    let deleted = json!({"type": "conversation", "conversation_id": id.as_str()});
    assert_eq!(deliver(&house, &envelope("n2", "conversation.deleted", &deleted, 60)).await, 200);
    assert!(house.known(&id).await.unwrap().gone);
    let counted = house.check("notifications").await;
    assert!(counted.ends_with("3 stored, 0 duplicate, 2 ignored, 0 foreign, 0 quarantined"), "{counted}");
    house.after(hours(24) + seconds(1)).await;
    assert_eq!(house.reads(&id), 0, "what is gone is not asked for");
}
