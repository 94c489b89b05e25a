//! Plays notifications that Intercom really sent, where there are some at hand, through the receiver.

use super::*;

/// Every `*.json` of the folder that `AUTOCLOSED_CAPTURED` names. They come from several workspaces, so ours is not
/// known here.
#[tokio::test]
async fn captured_notifications_leave_the_rows_that_they_imply() {
    let Some(folder) = std::env::var_os("AUTOCLOSED_CAPTURED") else {
        println!("AUTOCLOSED_CAPTURED names no folder: nothing was played");
        return;
    };
    let desk = Desk::of("", "").await;
    let mut played = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let payload: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            play(&desk, &path.display().to_string(), &payload).await;
            played += 1;
        }
    }
    assert!(played > 0, "the folder holds no payload");
    assert_eq!(desk.aside().await, Vec::<String>::new(), "nothing that Intercom sends is odd");
}

async fn play(desk: &Desk, name: &str, payload: &Value) {
    // Some tell of the same conversation: each is to speak for itself.
    desk.rows("DELETE FROM activity RETURNING class").await;
    desk.rows("DELETE FROM conversation RETURNING id").await;
    let body = payload.to_string();
    assert_eq!(desk.post(body.clone()).await, StatusCode::OK, "{name}");
    let rows = activities(desk).await;
    let (topic, item) = (payload["topic"].as_str().unwrap(), &payload["data"]["item"]);
    if topic == "ping" {
        return;
    }
    let app_id = payload["app_id"].as_str().unwrap();
    let id = payload["id"].as_str().unwrap();
    let seen = format!("SELECT result FROM notification WHERE app_id = '{app_id}' AND id = '{id}'");
    let is_conversation = topic.starts_with("conversation") && !topic.starts_with("conversation.contact.");
    let stored = is_conversation || topic.starts_with("ticket.");
    assert_eq!(desk.rows(&seen).await, [if stored { "stored" } else { "ignored" }], "{name}");
    if !is_conversation {
        assert_eq!(rows, Vec::<String>::new(), "{name}");
        return;
    }
    let mut want = opening(topic, item);
    for part in item["conversation_parts"]["conversation_parts"].as_array().unwrap() {
        let (part_id, at) = (text_of(&part["id"]), text_of(&part["created_at"]));
        let shown: Vec<_> = rows.iter().filter(|row| row.starts_with(&format!("{part_id} "))).cloned().collect();
        assert!(!shown.is_empty() && shown.iter().all(|row| row.ends_with(&format!(" {at}"))), "{name}: {rows:?}");
        if let Some(classes) = classes_in(topic, part) {
            let implied: Vec<_> = classes.iter().map(|class| format!("{part_id} {class} {at}")).collect();
            assert_eq!(shown, implied, "{name}");
        }
        want.extend(shown);
    }
    let source_id = format!("source:{}", text_of(source(item).get("id").unwrap_or(&Value::Null)));
    let source_rows = rows.iter().filter(|row| row.starts_with("source:"));
    assert!(source_rows.clone().all(|row| row.starts_with(&source_id)), "{name}: {rows:?}");
    assert!(want.iter().all(|row| rows.contains(row)), "{name}: {want:?} in {rows:?}");
    assert_eq!(desk.post(body).await, StatusCode::OK, "{name}");
    assert_eq!(activities(desk).await, rows, "{name}: a second delivery changes nothing");
    let state = desk
        .rows(&format!(
            "SELECT coalesce(state, '?') FROM conversation WHERE app_id = '{app_id}' AND id = '{}'",
            text_of(&item["id"])
        ))
        .await;
    assert_eq!(state.len(), 1, "{name}");
    if let Some(told) = item["state"].as_str() {
        assert_eq!(state, [told], "{name}");
    }
}

async fn activities(desk: &Desk) -> Vec<String> {
    desk.rows("SELECT part_id || ' ' || class || ' ' || (at / 1000) FROM activity ORDER BY part_id, class").await
}

/// The opening message has its old name in old payloads.
fn source(item: &Value) -> &Value {
    if item["source"].is_object() { &item["source"] } else { &item["conversation_message"] }
}

/// Rows of the opening message, where the topic or its author says whose it is.
fn opening(topic: &str, item: &Value) -> Vec<String> {
    let class = match (topic, source(item)["author"]["type"].as_str()) {
        ("conversation.admin.single.created", _) => "teammate_reply",
        ("conversation.user.created", _) | (_, Some("user" | "lead" | "contact")) => "contact_reply",
        _ => return Vec::new(),
    };
    vec![format!("source:{} {class} {}", text_of(&source(item)["id"]), text_of(&item["created_at"]))]
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Classes of a part by its topic, in the order of their names; written down apart from the code that says so.
fn classes_in(topic: &str, part: &Value) -> Option<Vec<&'static str>> {
    let has_text = part["body"].as_str().is_some_and(|body| !body.is_empty());
    Some(match (topic, part["part_type"].as_str().unwrap()) {
        ("conversation.user.replied", "open") => vec!["contact_reply", "opened"],
        ("conversation.user.replied", _) => vec!["contact_reply"],
        ("conversation.admin.snoozed", _) => vec!["snoozed"],
        ("conversation.admin.closed", _) if has_text => vec!["closed", "teammate_reply"],
        ("conversation.admin.closed", _) => vec!["closed"],
        ("conversation.admin.noted", "note") => vec!["note"],
        ("conversation.admin.assigned" | "conversation.admin.open.assigned", _) if has_text => {
            vec!["assigned", "teammate_reply"]
        }
        ("conversation.admin.assigned" | "conversation.admin.open.assigned", _) => vec!["assigned"],
        ("conversation.admin.replied", "assignment") => vec!["assigned", "teammate_reply"],
        ("conversation.admin.replied", "open") => vec!["opened", "teammate_reply"],
        ("conversation.admin.replied", _) => vec!["teammate_reply"],
        ("conversation.operator.replied", "channel_and_reply_time_expectation") => vec!["other"],
        _ => return None,
    })
}
