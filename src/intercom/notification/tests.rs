//! What every topic says, in every family of payloads.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::engine::State;
use crate::intercom::signature::verified;
use crate::intercom::text::TextKey;

mod captured;
mod damaged;
mod envelope;

/// 2025-01-01 12:00 UTC: the second that the payloads count from.
const START: i64 = 1_735_732_800;

fn key() -> TextKey {
    TextKey::new(&[7; 32])
}

fn read(json: impl Into<Vec<u8>>) -> Notification {
    parse(&verified(json.into()), &key().into())
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/payloads")
}

/// Every payload of ours, by its name, answers of the REST API left out.
fn payloads() -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let named = files.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().trim_end_matches(".json").to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    });
    named.filter(|(name, _)| !name.starts_with("rest-")).collect()
}

fn payload(name: &str) -> Value {
    serde_json::from_str(&payloads()[name]).unwrap()
}

/// What a person would want to know of it, in one line; times in seconds from [`START`].
fn brief(notification: &Notification) -> String {
    match &notification.content {
        Content::Conversation(sighting) => brief_sighting(sighting),
        Content::Ping => "ping".to_owned(),
        Content::Irrelevant => "irrelevant".to_owned(),
        Content::Odd(odd) => format!("odd: {odd}"),
    }
}

fn brief_sighting(sighting: &Sighting) -> String {
    let mut line = vec![sighting.id.to_string()];
    line.extend(sighting.snapshot.as_ref().map(|snapshot| match snapshot.facts.state {
        None => "?".to_owned(),
        Some(State::Snoozed { until }) => format!("snoozed until {}", until.map_or(0, seconds)),
        Some(state) => format!("{state:?}").to_lowercase(),
    }));
    line.extend(sighting.ticket.then(|| "ticket".to_owned()));
    line.extend(sighting.gone.then(|| "gone".to_owned()));
    line.extend(sighting.whole.then(|| "whole".to_owned()));
    line.extend(sighting.last_contact_reply_at.map(|at| format!("contact at {}", seconds(at))));
    line.extend(sighting.parts.iter().map(brief_part));
    line.join(" | ")
}

fn brief_part(part: &Part) -> String {
    let classes: Vec<_> = part.classes.iter().map(|class| class.name()).collect();
    let id = part.id.map_or("none".to_owned(), |id| id.to_string());
    let who = part.admin_id.as_deref().unwrap_or_default();
    let text = if part.digest.is_some() { " with text" } else { "" };
    format!("{id} at {}: {} by {}{who}{text}", seconds(part.at), classes.join("+"), part.actor.name())
}

fn seconds(at: Timestamp) -> i64 {
    at.as_second() - START
}

fn sighting(notification: &Notification) -> &Sighting {
    match &notification.content {
        Content::Conversation(sighting) => sighting,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_shape_is_understood() {
    let mut unread = payloads();
    for (name, want) in SHAPES {
        let json = unread.remove(name).unwrap_or_else(|| panic!("{name} is missing"));
        let notification = read(json);
        assert_eq!(brief(&notification), want, "{name}");
        assert_eq!(notification.app_id.as_deref(), Some("w0rkspac"), "{name}");
    }
    assert_eq!(unread.keys().collect::<Vec<_>>(), Vec::<&String>::new(), "payloads that no line speaks of");
}

const SHAPES: [(&str, &str); 31] = [
    ("ping", "ping"),
    (
        "unknown.conversation.topic",
        "5301 | open | contact at 0 | source:9201 at 0: contact_reply by contact | none at 600: other by unknown",
    ),
    (
        "v0.conversation.admin.closed",
        "5001 | closed | source:9001 at 0: contact_reply by contact | 7001 at 60: teammate_reply+closed by teammate301 with text",
    ),
    ("v0.conversation.user.created", "5001 | ? | whole | source:9001 at 0: contact_reply by contact"),
    (
        "v1.conversation.admin.assigned",
        "5101 | open | source:9101 at 0: contact_reply by contact | 7103 at 600: teammate_reply+assigned by teammate301 with text",
    ),
    (
        "v1.conversation.admin.noted",
        "5101 | open | source:9101 at 0: contact_reply by contact | 7104 at 600: note+unsnoozed by teammate301 with text",
    ),
    (
        "v1.conversation.admin.single.created",
        "5101 | closed | source:9102 at 0: teammate_reply by teammate301 with text",
    ),
    (
        "v1.conversation.admin.snoozed",
        "5101 | snoozed until 86400 | source:9101 at 0: contact_reply by contact | 7102 at 600: snoozed by teammate301",
    ),
    (
        "v1.conversation.user.replied",
        "5101 | open | source:9101 at 0: contact_reply by contact | 7101 at 600: contact_reply+opened by contact",
    ),
    (
        "v1.conversation_part.redacted",
        "5101 | open | source:9101 at 0: contact_reply by contact | 7100 at 300: contact_reply by contact",
    ),
    (
        "v1.conversation_part.tag.created",
        "5101 | open | source:9101 at 0: contact_reply by contact | 7100 at 300: contact_reply by contact",
    ),
    ("v2.contact.deleted", "irrelevant"),
    ("v2.contact.merged", "irrelevant"),
    (
        "v2.conversation.admin.closed",
        "5201 | closed | ticket | source:9201 at 0: contact_reply by contact | 7207 at 600: bot_reply+closed by bot302 with text",
    ),
    (
        "v2.conversation.admin.snoozed",
        "5201 | snoozed until 604800 | contact at 0 | source:9201 at 0: contact_reply by contact | 7202 at 600: snoozed by teammate302",
    ),
    (
        "v2.conversation.admin.unsnoozed",
        "5201 | open | contact at 0 | source:9201 at 0: contact_reply by contact | 7206 at 600: unsnoozed by timer",
    ),
    ("v2.conversation.contact.attached", "irrelevant"),
    ("v2.conversation.deleted", "5202 | gone"),
    (
        "v2.conversation.operator.replied",
        "5201 | open | contact at 0 | source:9201 at 0: contact_reply by contact | 7203 at 5: other by bot",
    ),
    (
        "v2.conversation.read",
        "5201 | open | contact at 0 | source:9201 at 0: contact_reply by contact | 7204 at 300: bot_reply by bot | 7205 at 301: other by bot | none at 600: read by contact",
    ),
    (
        "v2.conversation.user.replied",
        "5201 | open | contact at 600 | source:9201 at 0: contact_reply by contact | 7201 at 600: contact_reply by contact",
    ),
    ("v2.ticket.contact.replied", "5203 | ticket"),
    ("v2.ticket.created", "5205 | ticket"),
    ("v2.ticket.state.updated", "5204 | ticket"),
    (
        "v2b.conversation.admin.replied",
        "5301 | open | contact at 0 | source:9201 at 0: contact_reply by contact | 7301 at 600: teammate_reply+assigned+unsnoozed by teammate302 with text",
    ),
    (
        "v2b.conversation.admin.replied.translated",
        "5301 | open | contact at 0 | source:9201 at 0: contact_reply by contact | 7301 at 600: teammate_reply+assigned+unsnoozed by teammate302",
    ),
    (
        "v2b.conversation.admin.snoozed",
        "5301 | snoozed until 9000 | contact at 0 | source:9201 at 0: contact_reply by contact | 7302 at 600: snoozed by teammate302",
    ),
    (
        "v2b.conversation.operator.replied",
        "5301 | open | contact at 0 | source:9302 at 0: bot_reply by bot302 with text | 7303 at 600: bot_reply by bot",
    ),
    (
        "v2b.conversation.rating.added",
        "5301 | open | contact at 0 | source:9201 at 0: contact_reply by contact | none at 602: rated by contact",
    ),
    (
        "v2b.conversation.user.created",
        "5301 | open | whole | contact at 0 | source:9301 at 0: contact_reply by contact",
    ),
    ("v2b.ticket.closed", "5302 | ticket"),
];

#[test]
fn what_is_no_notification_is_odd_and_never_an_error() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    let deep_data = format!(r#"{{"topic":"conversation.read","created_at":{START},"data":{{"item":{deep}}}}}"#);
    let payload = payloads().remove("v2.conversation.read").unwrap();
    let cases: [(&str, Vec<u8>, Oddness); 17] = [
        ("empty", vec![], Oddness::Json),
        ("white space", b" \n".to_vec(), Oddness::Json),
        ("no JSON", b"topic=ping".to_vec(), Oddness::Json),
        ("a byte order mark", format!("\u{feff}{payload}").into_bytes(), Oddness::Json),
        ("cut off", payload.as_bytes()[..payload.len() / 2].to_vec(), Oddness::Json),
        ("something behind it", format!("{payload}{{}}").into_bytes(), Oddness::Json),
        ("no UTF-8", b"{\"topic\":\"\xff\xfe\"}".to_vec(), Oddness::Encoding),
        ("half of a pair", br#"{"topic":"\ud800"}"#.to_vec(), Oddness::Json),
        ("a list", format!("[{payload}]").into_bytes(), Oddness::Shape),
        ("a deep list", deep.clone().into_bytes(), Oddness::Shape),
        ("a number", b"12".to_vec(), Oddness::Shape),
        ("null", b"null".to_vec(), Oddness::Shape),
        ("an empty object", b"{}".to_vec(), Oddness::Topic),
        ("a topic twice", br#"{"topic":"ping","topic":"ping"}"#.to_vec(), Oddness::Shape),
        ("a deep item", deep_data.into_bytes(), Oddness::Item),
        ("no data", format!(r#"{{"topic":"conversation.read","created_at":{START}}}"#).into_bytes(), Oddness::Item),
        (
            "data that is null",
            format!(r#"{{"topic":"conversation.read","created_at":{START},"data":null}}"#).into_bytes(),
            Oddness::Item,
        ),
    ];
    for (name, body, want) in cases {
        assert_eq!(read(body).content, Content::Odd(want), "{name}");
    }
}

#[test]
fn unusable_topics_and_workspaces_are_not_kept() {
    for topic in [json!(null), json!(7), json!(""), json!("x".repeat(101)), json!("conversation.\n"), json!("ümlaut")]
    {
        let mut payload = payload("ping");
        payload["topic"] = topic.clone();
        let notification = read(payload.to_string());
        assert_eq!(notification.topic, "unknown", "{topic}");
        assert_eq!(notification.content, Content::Odd(Oddness::Topic), "{topic}");
    }
    for (app_id, want) in
        [(json!("x".repeat(64)), true), (json!("x".repeat(65)), false), (json!("a b"), false), (json!(null), false)]
    {
        let mut payload = payload("ping");
        payload["app_id"] = app_id.clone();
        assert_eq!(read(payload.to_string()).app_id.is_some(), want, "{app_id}");
    }
}

/// One change to a sound payload, and what it becomes.
#[test]
fn needed_fields_of_another_type_are_odd_and_others_do_not_matter() {
    let item = |field: &str| format!("/data/item/{field}");
    let part = |field: &str| format!("/data/item/conversation_parts/conversation_parts/0/{field}");
    let odd = [
        ("/created_at".to_owned(), json!(null), Oddness::Date),
        ("/created_at".to_owned(), json!(START * 1000), Oddness::Date),
        (item("type"), json!("conversation_part"), Oddness::Item),
        (item("id"), json!(null), Oddness::ConversationId),
        (item("id"), json!("12/../34"), Oddness::ConversationId),
        (item("id"), json!("123456789012345678901"), Oddness::ConversationId),
        (item("id"), json!(1.5), Oddness::ConversationId),
        (item("id"), json!(-5201), Oddness::ConversationId),
        (item("created_at"), json!(null), Oddness::Date),
        (item("created_at"), json!(1.5), Oddness::Date),
        (item("updated_at"), json!("soon"), Oddness::Date),
        (item("updated_at"), json!(0), Oddness::Date),
        (item("snoozed_until"), json!(START * 1000), Oddness::Date),
        (item("state"), json!(3), Oddness::State),
        (item("source/author"), json!("somebody"), Oddness::Author),
        (item("source/author/type"), json!(["lead"]), Oddness::Author),
        (item("statistics/last_contact_reply_at"), json!(true), Oddness::Date),
        (item("conversation_parts"), json!("none"), Oddness::Parts),
        (item("conversation_parts/conversation_parts"), json!({}), Oddness::Parts),
        (item("conversation_parts/conversation_parts/0"), json!(null), Oddness::Parts),
        (part("id"), json!({}), Oddness::PartId),
        (part("part_type"), json!(null), Oddness::PartType),
        (part("created_at"), json!(null), Oddness::Date),
        (part("created_at"), json!("2101-01-01T00:00:00Z"), Oddness::Date),
        (part("author/type"), json!(7), Oddness::Author),
        (part("author"), json!("admin"), Oddness::Author),
    ];
    let sound = payload("v2.conversation.admin.snoozed");
    let changed = |pointer: &str, value: &Value| {
        let mut payload = sound.clone();
        *payload.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value.clone();
        read(payload.to_string())
    };
    for (pointer, value, want) in odd {
        assert_eq!(changed(&pointer, &value).content, Content::Odd(want), "{pointer} = {value}");
    }
    let want = brief(&read(sound.to_string()));
    for field in [
        "title",
        "priority",
        "tags",
        "tags/tags",
        "contacts",
        "contacts/contacts",
        "teammates",
        "custom_attributes",
        "open",
        "read",
        "waiting_since",
        "admin_assignee_id",
        "team_assignee_id",
        "statistics/count_conversation_parts",
        "source/type",
        "source/delivered_as",
        "source/body",
        "source/url",
        "sla_applied",
        "linked_objects",
    ] {
        for value in [json!(null), json!("x"), json!(-1.5), json!(true), json!([[{}]]), json!({"a": [1]})] {
            assert_eq!(brief(&changed(&item(field), &value)), want, "{field} = {value}");
        }
    }
    for field in
        ["body", "attachments", "redacted", "app_package_code", "metadata", "tags", "event_details", "author/id"]
    {
        for value in [json!(null), json!(-1.5), json!({"a": [1]})] {
            let found = changed(&part(field), &value);
            assert!(matches!(found.content, Content::Conversation(_)), "{field} = {value}");
        }
    }
}

#[test]
fn a_field_that_is_there_twice_is_odd() {
    let sound = payload("v2.conversation.user.replied").to_string();
    for (once, twice) in [
        (r#""state":"open","statistics""#, r#""state":"open","state":"closed","statistics""#),
        (r#""part_type":"comment""#, r#""part_type":"comment","part_type":"close""#),
        (r#""id":"5201""#, r#""id":"5201","id":"5202""#),
    ] {
        assert!(sound.contains(once), "{once}");
        assert_eq!(read(sound.replacen(once, twice, 1)).content, Content::Odd(Oddness::Shape), "{twice}");
    }
}

#[test]
fn who_spoke_must_be_said_but_who_did_need_not() {
    let mut payload = payload("v2.conversation.user.replied");
    *payload.pointer_mut("/data/item/conversation_parts/conversation_parts/0/author").unwrap() = json!(null);
    assert_eq!(read(payload.to_string()).content, Content::Odd(Oddness::Author));
    *payload.pointer_mut("/data/item/conversation_parts/conversation_parts/0/attachments").unwrap() = json!([]);
    assert!(brief(&read(payload.to_string())).ends_with("7201 at 600: other by unknown"));
}

#[test]
fn a_rating_that_is_shown_is_not_told_twice() {
    let mut payload = payload("v2b.conversation.rating.added");
    let part = json!({
        "type": "conversation_part", "id": 7399, "part_type": "conversation_rating_changed", "body": null,
        "created_at": START + 599, "author": {"type": "user", "id": "c0ffee03"},
    });
    *payload.pointer_mut("/data/item/conversation_parts/conversation_parts").unwrap() = json!([part]);
    assert!(brief(&read(payload.to_string())).ends_with("contact_reply by contact | 7399 at 599: rated by contact"));
}

#[test]
fn topics_and_items_that_do_not_go_together_do_no_harm() {
    for (topic, item, want) in [
        ("conversation.deleted", json!({"type": "conversation", "id": 12}), "12 | gone"),
        (
            "conversation.deleted",
            json!({"conversation_id": "../12"}),
            "odd: the conversation's id is missing or not 1 to 20 digits",
        ),
        (
            "conversation.deleted",
            json!({"conversation_id": {}, "id": "12"}),
            "odd: the conversation's id is missing or not 1 to 20 digits",
        ),
        ("conversation.deleted", json!([]), "odd: there is no conversation in it"),
        ("conversation.merged", json!({"primary": 1}), "odd: the conversation's id is missing or not 1 to 20 digits"),
        ("conversation.contact.detached", json!("anything"), "irrelevant"),
        ("ticket.created", json!({"type": "ticket", "id": "12"}), "12 | ticket"),
        (
            "ticket.created",
            json!({"type": "ticket", "id": "t-12"}),
            "odd: the conversation's id is missing or not 1 to 20 digits",
        ),
        ("ticket.contact.attached", json!({"type": "contact", "id": "12"}), "irrelevant"),
        ("ticket.rating.provided", json!({"ticket": {"id": 12}, "id": 99}), "12 | ticket"),
        ("ticket.resolved", json!(null), "irrelevant"),
        ("contact.tag.created", json!({"type": "contact_tag"}), "irrelevant"),
        ("user.unsubscribed", json!({}), "irrelevant"),
        ("company.created", json!(null), "irrelevant"),
        ("conversations", json!(null), "irrelevant"),
    ] {
        let body = json!({"topic": topic, "id": "n1", "created_at": START, "data": {"item": item}});
        assert_eq!(brief(&read(body.to_string())), want, "{topic} {item}");
    }
}

#[test]
fn what_is_not_understood_may_still_say_which_conversation_it_is_about() {
    let sound = payload("v2.conversation.user.replied").to_string();
    let id = |about: &Option<ConversationId>| about.as_ref().map_or("-".to_owned(), ToString::to_string);
    let own = id(&read(sound.clone()).about);
    let damaged = |once: &str, twice: &str| {
        assert!(sound.contains(once), "{once}");
        sound.replacen(once, twice, 1)
    };
    let item =
        |topic: &str, item: Value| json!({ "topic": topic, "created_at": START, "data": { "item": item } }).to_string();
    for (body, want) in [
        (damaged(r#""part_type":"comment""#, r#""part_type":7"#), own.as_str()),
        (damaged(r#""state":"open","statistics""#, r#""state":"open","state":"closed","statistics""#), &own),
        (damaged(r#""topic":"#, r#""topic":"x","topic":"#), &own),
        (damaged(r#""topic":"conversation.user.replied""#, r#""topic":7"#), &own),
        (sound[..sound.len() - 1].to_owned(), "-"),
        (item("conversation.deleted", json!({ "conversation_id": "77" })), "77"),
        (item("conversation.deleted", json!({ "id": 78 })), "78"),
        (item("conversation.deleted", json!({ "conversation_id": ["79"], "id": "79" })), "79"),
        (item("conversation.deleted", json!({ "conversation_id": "../79" })), "-"),
        (item("conversation.read", json!({ "type": "contact", "id": "79" })), "-"),
        (item("conversation.contact.attached", json!({ "conversation": { "model": { "id": 80 } } })), "80"),
        (item("contact.deleted", json!({ "type": "contact", "id": "81" })), "-"),
        (item("company.updated", json!({ "id": "82" })), "-"),
        (payload("ping").to_string(), "-"),
    ] {
        assert_eq!(id(&read(body.clone()).about), want, "{body}");
    }
}

#[test]
fn an_oddness_quotes_nothing() {
    let mut payload = payload("v2.conversation.user.replied");
    payload["data"]["item"]["id"] = json!("secret-words");
    payload["data"]["item"]["state"] = json!("secret-words");
    let notification = read(payload.to_string());
    assert!(matches!(notification.content, Content::Odd(_)));
    assert!(!format!("{notification:?}").contains("secret-words"));
}
