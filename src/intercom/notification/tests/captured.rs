//! Plays captured notifications, where there are any.

use serde_json::{Value, json};

use super::*;

/// Plays notifications that Intercom really sent, where there are some at hand: every `*.json` of the folder that
/// `AUTOCLOSED_CAPTURED` names.
#[test]
fn captured_notifications_mean_what_happened() {
    let Some(folder) = std::env::var_os("AUTOCLOSED_CAPTURED") else {
        println!("AUTOCLOSED_CAPTURED names no folder: nothing was played");
        return;
    };
    let mut played = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let payload: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            means_what_happened(&path.display().to_string(), &payload);
            played += 1;
        }
    }
    assert!(played > 0, "the folder holds no payload");
}

fn means_what_happened(name: &str, payload: &Value) {
    let notification = read(payload.to_string());
    let topic = payload["topic"].as_str().unwrap();
    assert_eq!(notification.topic, topic, "{name}");
    assert_eq!(notification.app_id.as_deref(), payload["app_id"].as_str(), "{name}");
    assert_eq!(notification.created_at.map(Timestamp::as_second), payload["created_at"].as_i64(), "{name}");
    match payload["id"].as_str() {
        Some(id) => assert_eq!(notification.key, id, "{name}"),
        None => assert!(notification.key.starts_with("hash:"), "{name}"),
    }
    let item = &payload["data"]["item"];
    match &notification.content {
        Content::Ping => assert_eq!(topic, "ping", "{name}"),
        Content::Irrelevant => {
            let families = ["contact.", "user.", "company.", "conversation.contact."];
            assert!(families.iter().any(|family| topic.starts_with(family)), "{name}");
        }
        Content::Odd(odd) => panic!("{name}: {odd}"),
        Content::Conversation(sighting) if topic.starts_with("ticket.") => {
            assert!(sighting.ticket && sighting.snapshot.is_none() && sighting.parts.is_empty(), "{name}");
        }
        Content::Conversation(sighting) => conversation_means_what_happened(name, topic, item, sighting),
    }
}

fn conversation_means_what_happened(name: &str, topic: &str, item: &Value, sighting: &Sighting) {
    let id = if topic == "conversation.deleted" { &item["conversation_id"] } else { &item["id"] };
    assert_eq!(sighting.id.as_str(), text_of(id), "{name}");
    if sighting.gone {
        return;
    }
    assert_eq!(state_of(sighting), state_in(item), "{name}");
    let until = match sighting.snapshot.as_ref().and_then(|snapshot| snapshot.facts.state) {
        Some(State::Snoozed { until }) => until.map(Timestamp::as_second),
        _ => None,
    };
    assert_eq!(until, item["snoozed_until"].as_i64().filter(|_| item["state"] == "snoozed"), "{name}");
    assert_eq!(sighting.whole, topic == "conversation.user.created", "{name}");

    let shown = item["conversation_parts"]["conversation_parts"].as_array().unwrap();
    let first = sighting.parts.iter().find(|part| matches!(part.id, Some(crate::engine::PartId::Source(_)))).unwrap();
    assert_eq!(first.at.as_second().to_string(), text_of(&item["created_at"]), "{name}");
    let parts: Vec<_> = sighting.parts.iter().filter(|part| part.id != first.id && part.id.is_some()).collect();
    assert_eq!(parts.len(), shown.len(), "{name}");
    for (part, json) in parts.iter().zip(shown) {
        assert_eq!(part.id.unwrap().to_string(), text_of(&json["id"]), "{name}");
        assert_eq!(part.at.as_second(), json["created_at"].as_i64().unwrap(), "{name}");
        let classes: Vec<_> = part.classes.iter().map(|class| class.name()).collect();
        if let Some(want) = classes_in(topic, json) {
            assert_eq!(classes, want, "{name}");
        }
    }
    let opening = match (topic, item["conversation_message"]["author"]["type"].as_str()) {
        ("conversation.user.created", _) => Some(Class::ContactReply),
        ("conversation.admin.single.created", _) => Some(Class::TeammateReply),
        // It may be a campaign in that teammate's name: this shape does not say how it began.
        (_, Some("admin")) => Some(Class::Other),
        _ => None,
    };
    if let Some(want) = opening {
        assert_eq!(first.classes, BTreeSet::from([want]), "{name}");
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn state_of(sighting: &Sighting) -> Option<&'static str> {
    sighting.snapshot.as_ref().and_then(|snapshot| snapshot.facts.state).map(|state| match state {
        State::Open => "open",
        State::Snoozed { .. } => "snoozed",
        State::Closed => "closed",
    })
}

fn state_in(item: &Value) -> Option<&str> {
    item["state"].as_str().or((item["open"] == json!(false)).then_some("closed"))
}

/// What a part must be by its topic, written down apart from the code that says so.
fn classes_in(topic: &str, part: &Value) -> Option<Vec<&'static str>> {
    let has_text = part["body"].as_str().is_some_and(|body| !body.is_empty());
    let kind = part["part_type"].as_str().unwrap();
    Some(match topic {
        "conversation.user.replied" if kind == "open" => vec!["contact_reply", "opened"],
        "conversation.user.replied" => vec!["contact_reply"],
        "conversation.admin.snoozed" => vec!["snoozed"],
        "conversation.admin.closed" if has_text => vec!["teammate_reply", "closed"],
        "conversation.admin.closed" => vec!["closed"],
        "conversation.admin.noted" if kind == "note" => vec!["note"],
        "conversation.admin.assigned" | "conversation.admin.open.assigned" if has_text => {
            vec!["teammate_reply", "assigned"]
        }
        "conversation.admin.assigned" | "conversation.admin.open.assigned" => vec!["assigned"],
        "conversation.admin.replied" if kind == "assignment" => vec!["teammate_reply", "assigned"],
        "conversation.admin.replied" if kind == "open" => vec!["teammate_reply", "opened"],
        "conversation.admin.replied" => vec!["teammate_reply"],
        "conversation.operator.replied" if kind == "channel_and_reply_time_expectation" => vec!["other"],
        "conversation_part.redacted" if part["author"]["type"] == "admin" && kind == "open" => {
            vec!["teammate_reply", "opened"]
        }
        _ => return None,
    })
}
