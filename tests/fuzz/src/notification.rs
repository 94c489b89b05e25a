//! A notification, from its signed bytes to what is known of a conversation after it.

use std::collections::BTreeSet;

use autoclosed::engine::Sighting;
use autoclosed::intercom::lens::Lens;
use autoclosed::intercom::notification::{self, Content, Notification};
use autoclosed::intercom::signature::{Secrets, Verified, sign};
use autoclosed::intercom::text::TextKey;
use axum::body::Bytes;
use secrecy::SecretString;
use serde_json::Value;

use super::seen;

/// Bodies of notifications, between lines of `---`.
pub fn target(data: &[u8]) {
    let lens = Lens::new(TextKey::new(&[7; 32]));
    lens.watch(BTreeSet::from(["plan".to_owned()]));
    let mut all: Vec<Sighting> = Vec::new();
    for body in super::pieces(data, b"\n---\n").into_iter().take(8) {
        let told = notification::parse(&signed(body), &lens);
        assert_eq!(notification::parse(&signed(body), &lens), told, "the same bytes say the same");
        check(&told);
        check_silence(body, &told);
        if let Content::Conversation(sighting) = told.content {
            seen::check(&sighting);
            all.push(*sighting);
        }
    }
    // Whatever they say of themselves, what is folded is one conversation.
    if let Some(id) = all.first().map(|first| first.id.clone()) {
        for seen in &mut all {
            seen.id = id.clone();
        }
    }
    seen::check_fold(&all);
}

fn signed(body: &[u8]) -> Verified {
    let secret = SecretString::from("only in tests".to_owned());
    let header = sign(&secret, body);
    let secrets = Secrets::new([&secret]);
    secrets.verify([header.as_bytes()].into_iter(), Bytes::copy_from_slice(body)).expect("it was signed just now")
}

/// What is kept of any notification is short, and may stand in a log.
fn check(told: &Notification) {
    assert!(seen::is_word(&told.topic, 100), "{:?}", told.topic);
    assert!(seen::is_word(&told.key, 128), "{:?}", told.key);
    assert!(told.app_id.as_deref().is_none_or(|id| seen::is_word(id, 64)), "{:?}", told.app_id);
    let is_hash = told.fingerprint.len() == 16 && told.fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(is_hash, "{:?}", told.fingerprint);
    assert!(told.created_at.is_none_or(seen::is_possible), "{:?}", told.created_at);
    assert!(told.about.as_ref().is_none_or(seen::is_id), "{:?}", told.about);
    if let Content::Odd(odd) = &told.content {
        assert!(super::is_plain(&odd.to_string()) && !odd.to_string().is_empty());
    }
}

/// What somebody wrote is nowhere in what was read of it. Only texts that stand in the body once, so that they cannot
/// have come from another place.
fn check_silence(body: &[u8], told: &Notification) {
    let Ok(json) = serde_json::from_slice::<Value>(body) else { return };
    let (mut texts, mut all) = (Vec::new(), Vec::new());
    gather(&json, "", &mut texts, &mut all);
    let shown = format!("{told:?}");
    for text in texts {
        let once = all.iter().filter(|other| other.contains(text.as_str())).count() == 1;
        let raw = super::pieces(body, text.as_bytes()).len() == 2;
        assert!(!(once && raw && shown.contains(text.as_str())), "`{text}` is in {shown}");
    }
}

fn gather(json: &Value, key: &str, texts: &mut Vec<String>, all: &mut Vec<String>) {
    match json {
        Value::String(text) => {
            all.push(text.clone());
            if key == "body" && text.len() >= 16 && text.contains(' ') {
                texts.push(text.clone());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, "", texts, all)),
        Value::Object(items) => {
            for (key, item) in items {
                all.push(key.clone());
                gather(item, key, texts, all);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
