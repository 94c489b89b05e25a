//! Whatever comes, parsing gives an answer.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn any_of_ours() -> impl Strategy<Value = String> {
    proptest::sample::select(payloads().into_values().collect::<Vec<_>>())
}

/// Every place in a JSON document.
fn places(json: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match json {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), found)),
        Value::Array(list) => (0..list.len()).for_each(|i| places(&list[i], &format!("{at}/{i}"), found)),
        _ => {}
    }
}

/// Whatever comes, what comes out can be kept and compared.
fn is_sound(body: Vec<u8>) -> Result<(), TestCaseError> {
    let notification = read(body.clone());
    prop_assert_eq!(&notification, &read(body));
    prop_assert!((1..=LONGEST_ID).contains(&notification.key.len()));
    prop_assert!((1..=LONGEST_TOPIC).contains(&notification.topic.len()));
    prop_assert_eq!(notification.fingerprint.len(), 16);
    if let Content::Conversation(sighting) = notification.content {
        prop_assert!(sighting.parts.iter().all(|part| !part.classes.is_empty()));
        prop_assert!(sighting.parts.iter().all(|part| part.at.subsec_nanosecond() == 0));
    }
    Ok(())
}

proptest! {
    #[test]
    fn random_bytes_are_read(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        is_sound(body)?;
    }

    #[test]
    fn damaged_payloads_are_read(
        payload in any_of_ours(),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let mut body = payload.into_bytes();
        for (at, byte, kind) in damage {
            let at = at.index(body.len());
            match kind {
                0 => body[at] = byte,
                1 => { body.insert(at, byte); }
                _ => { body.remove(at); }
            }
        }
        is_sound(body)?;
    }

    #[test]
    fn payloads_with_a_value_of_another_type_are_read(
        payload in any_of_ours(),
        place in any::<proptest::sample::Index>(),
        value in proptest::sample::select(vec![
            json!(null), json!(true), json!(0), json!(-1), json!(1.5), json!(u64::MAX), json!(START), json!(""),
            json!("0"), json!("x"), json!("🦀"), json!([]), json!([null]), json!({}), json!({"type": "admin", "id": 1}),
        ]),
    ) {
        let mut payload: Value = serde_json::from_str(&payload).unwrap();
        let mut found = Vec::new();
        places(&payload, "", &mut found);
        *payload.pointer_mut(place.get::<String>(&found)).unwrap() = value;
        is_sound(payload.to_string().into_bytes())?;
    }
}
