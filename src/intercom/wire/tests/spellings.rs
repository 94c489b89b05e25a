//! One fact in every spelling of the API's versions 2.6 to 2.16: the same sighting comes of all.

use super::*;
use crate::intercom::lens::Lens;

/// An answer with these fields; the rule looks at the attribute `plan`.
fn seen(fields: &Value) -> Sighting {
    let lens = Lens::from(key());
    lens.watch(["plan".to_owned()].into());
    let json = conversation(fields).to_string();
    Conversation::read(json.as_bytes()).unwrap().sighting(&lens, Seen::Fetched { at: at(5000) }).unwrap()
}

/// What differs from version to version and means the same; each group is one fact.
fn groups() -> Vec<(&'static str, Vec<Value>)> {
    let told = |at: Value| json!({ "statistics": { "type": "conversation_statistics", "last_contact_reply_at": at } });
    vec![
        ("a high priority", vec![json!({ "priority": "priority" }), json!({ "priority": "high" })]),
        ("no priority", vec![json!({ "priority": "not_priority" }), json!({ "priority": "none" })]),
        (
            "nobody is assigned",
            vec![
                json!({ "admin_assignee_id": null, "team_assignee_id": null }),
                json!({ "admin_assignee_id": 0, "team_assignee_id": 0 }),
                json!({ "admin_assignee_id": "0", "team_assignee_id": "0" }),
                json!({ "admin_assignee_id": null, "team_assignee_id": 0 }),
            ],
        ),
        (
            "somebody is assigned",
            vec![
                json!({ "admin_assignee_id": 302, "team_assignee_id": 41 }),
                json!({ "admin_assignee_id": "302", "team_assignee_id": "41" }),
            ],
        ),
        (
            "when the contact spoke",
            vec![
                told(json!(START + 60)),
                told(json!((START + 60).to_string())),
                told(json!("2025-01-01T12:01:00Z")),
                told(json!("2025-01-01T12:01:00.000Z")),
                told(json!("2025-01-01T12:01:00.000+00:00")),
                told(json!("2025-01-01T13:01:00+01:00")),
            ],
        ),
        (
            "not known when the contact spoke",
            vec![json!({}), json!({ "statistics": null }), json!({ "statistics": {} }), told(json!(null))],
        ),
        (
            "no attribute is set",
            vec![
                json!({ "custom_attributes": null }),
                json!({ "custom_attributes": {} }),
                json!({ "custom_attributes": { "plan": null } }),
                json!({ "custom_attributes": { "other": { "type": "order.list", "instances": [] } } }),
            ],
        ),
        (
            "an attribute is set",
            vec![
                json!({ "custom_attributes": { "plan": 5 } }),
                json!({ "custom_attributes": { "plan": 5.0, "other": true } }),
            ],
        ),
        (
            "who took part",
            vec![
                json!({}),
                json!({ "teammates": null }),
                json!({ "teammates": { "type": "admin.list", "admins": [{ "type": "admin", "id": "302" }] } }),
                json!({ "teammates": { "type": "admin.list", "teammates": [{ "type": "admin", "id": 302 }] } }),
            ],
        ),
        (
            "without Fin",
            vec![
                json!({ "ai_agent": null }),
                json!({ "ai_agent": { "resolution_state": null } }),
                json!({ "ai_agent_participated": false }),
            ],
        ),
        ("not rated", vec![json!({}), json!({ "conversation_rating": null }), json!({ "conversation_rating": {} })]),
        ("no ticket", vec![json!({}), json!({ "ticket": null })]),
        ("its id", vec![json!({ "id": "1" }), json!({ "id": 1 })]),
        (
            "its dates",
            vec![
                json!({}),
                json!({ "created_at": START.to_string(), "updated_at": START.to_string() }),
                json!({ "created_at": "2025-01-01T12:00:00Z", "updated_at": "2025-01-01T12:00:00.000Z" }),
            ],
        ),
        (
            "an end of a snooze",
            vec![
                json!({ "state": "snoozed", "open": true, "snoozed_until": START + 60 }),
                json!({ "state": "snoozed", "open": false, "snoozed_until": "2025-01-01T12:01:00Z" }),
            ],
        ),
        (
            "what only newer versions have",
            vec![
                json!({}),
                json!({ "linked_objects": { "type": "list", "data": [], "total_count": 0, "has_more": false } }),
                json!({ "channel": { "initial": "email", "current": "email" }, "company": null, "topics": {} }),
                json!({ "sla_applied": null, "external_references": null, "sales_agent": null, "scorecards": [] }),
            ],
        ),
    ]
}

#[test]
fn every_spelling_of_a_fact_gives_the_same_sighting() {
    for (fact, spellings) in groups() {
        let first = seen(&spellings[0]);
        assert!(first.snapshot.is_some());
        for spelling in &spellings[1..] {
            assert_eq!(seen(spelling), first, "{fact}: {spelling}");
        }
    }
}

#[test]
fn facts_that_differ_do_not_pass_for_one() {
    let all = groups();
    let of = |fact: &str| seen(&all.iter().find(|(known, _)| *known == fact).unwrap().1[0]);
    for (one, other) in [
        ("a high priority", "no priority"),
        ("nobody is assigned", "somebody is assigned"),
        ("when the contact spoke", "not known when the contact spoke"),
        ("no attribute is set", "an attribute is set"),
        ("its dates", "an end of a snooze"),
        ("without Fin", "no ticket"),
        ("no attribute is set", "what only newer versions have"),
    ] {
        assert_ne!(of(one), of(other), "{one}, {other}");
    }
}

/// A part, as older and newer versions spell it.
fn part(fields: &Value) -> Sighting {
    let mut part = json!({ "type": "conversation_part", "part_type": "comment", "body": "<p>Hi &amp; bye</p>" });
    part.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    seen(&json!({ "conversation_parts": { "type": "conversation_part.list", "conversation_parts": [part] } }))
}

#[test]
fn every_spelling_of_a_part_gives_the_same_sighting() {
    let first = part(&json!({ "id": "9", "created_at": START + 5, "author": { "type": "admin", "id": "302" } }));
    assert_eq!(first.parts.len(), 1);
    for spelling in [
        json!({ "id": 9, "created_at": START + 5, "author": { "type": "admin", "id": 302 } }),
        json!({ "id": "9", "created_at": "2025-01-01T12:00:05Z", "author": { "type": "admin", "id": "302" } }),
        json!({ "id": "9", "created_at": START + 5, "author": { "type": "admin", "id": "302", "from_ai_agent": false },
            "attachments": [], "redacted": false, "metadata": {}, "state": "open", "tags": null, "event_details": {},
            "email_message_metadata": null, "app_package_code": null }),
        json!({ "id": "9", "created_at": START + 5, "author": { "type": "admin", "id": "302", "name": null },
            "attachments": null, "assigned_to": null, "external_id": null, "body": "Hi & bye" }),
    ] {
        assert_eq!(part(&spelling), first, "{spelling}");
    }
}
