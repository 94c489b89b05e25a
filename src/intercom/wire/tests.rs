//! One conversation in every shape that Intercom gives it.

mod spellings;

use serde_json::{Value, json};

use super::*;
use crate::engine::conversation::{Tag, Version};
use crate::engine::{AttributeValue, Class, Facts, Part, PartId, Sighting, State};
use crate::intercom::text::TextKey;

/// 2025-01-01 12:00 UTC: the second that the payloads count from.
const START: i64 = 1_735_732_800;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

fn key() -> TextKey {
    TextKey::new(&[7; 32])
}

fn payload(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/payloads");
    std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap()
}

fn fetched(json: &str) -> Sighting {
    Conversation::read(json.as_bytes()).unwrap().sighting(&key().into(), Seen::Fetched { at: at(5000) }).unwrap()
}

/// A conversation with these fields besides its id and dates.
fn conversation(fields: &Value) -> Value {
    let mut json = json!({"type": "conversation", "id": "1", "created_at": START, "updated_at": START});
    json.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json
}

fn facts(fields: &Value) -> Facts {
    fetched(&conversation(fields).to_string()).snapshot.unwrap().facts
}

fn tag(id: &str, name: &str) -> Tag {
    Tag { id: id.to_owned(), name: name.to_owned() }
}

fn classes(part: &Part) -> String {
    part.classes.iter().map(|class| class.name()).collect::<Vec<_>>().join("+")
}

#[test]
fn an_answer_of_version_2_6_tells_everything_it_holds() {
    let seen = fetched(&payload("rest-2.6.conversation"));
    assert_eq!((seen.id.as_str(), seen.created_at, seen.whole), ("5401", Some(at(0)), true));
    assert_eq!(
        (seen.channel.as_deref(), seen.delivered_as.as_deref()),
        (Some("conversation"), Some("customer_initiated"))
    );
    assert_eq!((seen.last_contact_reply_at, seen.ticket, seen.gone), (Some(at(0)), false, false));
    let snapshot = seen.snapshot.unwrap();
    let version = Version { updated_at: at(600), fetched: true, created_at: at(5000), notification_id: String::new() };
    assert_eq!(snapshot.version, version);
    let want = Facts {
        state: Some(State::Snoozed { until: Some(at(604_800)) }),
        tags: Some(vec![]),
        admin_assignee_id: Some(Some("302".to_owned())),
        team_assignee_id: Some(Some("41".to_owned())),
        priority: Some("none".to_owned()),
        ai_resolution: None,
        attributes: std::collections::BTreeMap::new(),
    };
    assert_eq!(snapshot.facts, want);
    assert_eq!(seen.parts.iter().map(classes).collect::<Vec<_>>(), ["contact_reply", "teammate_reply", "snoozed"]);
}

#[test]
fn an_answer_without_statistics_or_channel_leaves_them_unknown() {
    let seen = fetched(&payload("rest-2.12.closed"));
    assert_eq!((seen.last_contact_reply_at, seen.channel.as_deref()), (None, None));
    assert_eq!(seen.snapshot.unwrap().facts.state, Some(State::Closed));
    assert_eq!(seen.parts.iter().map(classes).collect::<Vec<_>>(), ["teammate_reply", "teammate_reply+closed"]);
}

#[test]
fn an_answer_of_version_2_16_writes_nobody_as_zero_and_ids_as_numbers() {
    let json = payload("rest-2.16.conversation");
    let seen = fetched(&json);
    let facts = seen.snapshot.unwrap().facts;
    assert_eq!((facts.admin_assignee_id, facts.team_assignee_id), (Some(None), Some(None)));
    assert_eq!(facts.tags, Some(vec![tag("91", "vip")]));
    let ids: Vec<_> = seen.parts.iter().map(|part| part.id.unwrap().to_string()).collect();
    assert_eq!(ids, ["source:9201", "7404", "7405", "7406"]);
    assert_eq!(seen.parts[1].digest, key().digest("Hi & bye"));
    assert_eq!((seen.parts[2].actor, seen.parts[2].admin_id.as_deref()), (Actor::Timer, None));

    let conversation = Conversation::read(json.as_bytes()).unwrap();
    assert_eq!(conversation.title(), Some("A parcel"));
    assert_eq!((conversation.part_count(), conversation.state_word()), (Ok(3), Some("open")));
}

#[test]
fn the_state_is_what_is_said_and_otherwise_unknown() {
    let until = START + 60;
    for (fields, want) in [
        (json!({"state": "open"}), Some(State::Open)),
        (json!({"state": "open", "snoozed_until": until}), Some(State::Open)),
        (json!({"state": "closed", "open": true}), Some(State::Closed)),
        (
            json!({"state": "snoozed", "open": true, "snoozed_until": until}),
            Some(State::Snoozed { until: Some(at(60)) }),
        ),
        (json!({"state": "snoozed", "snoozed_until": null}), Some(State::Snoozed { until: None })),
        (json!({"state": "snoozed"}), Some(State::Snoozed { until: None })),
        (json!({"state": "archived", "open": false}), None),
        (json!({"open": false}), Some(State::Closed)),
        (json!({"state": null, "open": false}), Some(State::Closed)),
        (json!({"open": true}), None),
        (json!({"open": null}), None),
        (json!({"snoozed_until": until}), None),
    ] {
        assert_eq!(facts(&fields).state, want, "{fields}");
    }
}

#[test]
fn nobody_is_told_from_not_known() {
    let some = |id: &str| Some(Some(id.to_owned()));
    for (fields, admin, team) in [
        (json!({}), None, None),
        (json!({"admin_assignee_id": null, "team_assignee_id": null}), Some(None), Some(None)),
        (json!({"admin_assignee_id": 0, "team_assignee_id": "0"}), Some(None), Some(None)),
        (json!({"admin_assignee_id": 302, "team_assignee_id": "41"}), some("302"), some("41")),
        (json!({"admin_assignee_id": {"id": 302}, "team_assignee_id": ""}), None, None),
        (json!({"assignee": {"type": "nobody_admin", "id": null}}), Some(None), None),
        (json!({"assignee": {"type": "admin", "id": "302"}}), some("302"), None),
        (json!({"assignee": {"type": "team", "id": 41}}), None, some("41")),
        (json!({"assignee": null}), None, None),
    ] {
        let facts = facts(&fields);
        assert_eq!((facts.admin_assignee_id, facts.team_assignee_id), (admin, team), "{fields}");
    }
}

#[test]
fn priorities_are_told_in_the_newest_words() {
    for (old, new) in [
        (json!("priority"), Some("high")),
        (json!("not_priority"), Some("none")),
        (json!("none"), Some("none")),
        (json!("low"), Some("low")),
        (json!("medium"), Some("medium")),
        (json!("high"), Some("high")),
        (json!("urgent"), Some("urgent")),
        (json!("extreme"), None),
        (json!(3), None),
        (json!(null), None),
    ] {
        assert_eq!(facts(&json!({"priority": old})).priority.as_deref(), new, "{old}");
    }
}

#[test]
fn tags_are_sorted_and_one_unreadable_tag_makes_all_unknown() {
    for (tags, want) in [
        (json!({"tags": []}), Some(vec![])),
        (json!({"tags": [{"id": 2, "name": "b"}, {"id": "1", "name": "a"}]}), Some(vec![tag("1", "a"), tag("2", "b")])),
        (json!({"tags": [{"id": "1", "name": "a"}, {"id": "2"}]}), None),
        (json!({"tags": ["vip"]}), None),
        (json!({"tags": null}), None),
        (json!([]), None),
        (json!(null), None),
    ] {
        assert_eq!(facts(&json!({"tags": tags})).tags, want, "{tags}");
    }
    assert_eq!(facts(&json!({})).tags, None);
}

#[test]
fn an_opening_message_is_its_author_s_unless_a_machine_sent_it() {
    for (author, delivered_as, want) in [
        ("user", json!("customer_initiated"), Some((Class::ContactReply, Actor::Contact))),
        ("lead", json!("automated"), Some((Class::ContactReply, Actor::Contact))),
        ("admin", json!("admin_initiated"), Some((Class::TeammateReply, Actor::Teammate))),
        ("admin", json!(null), Some((Class::TeammateReply, Actor::Teammate))),
        ("admin", json!("automated"), Some((Class::BotReply, Actor::Bot))),
        ("admin", json!("campaigns_initiated"), Some((Class::BotReply, Actor::Bot))),
        ("admin", json!("operator_initiated"), Some((Class::BotReply, Actor::Bot))),
        ("bot", json!("customer_initiated"), Some((Class::BotReply, Actor::Bot))),
        ("team", json!(null), Some((Class::Other, Actor::Unknown))),
        ("team", json!("automated"), Some((Class::BotReply, Actor::Bot))),
    ] {
        for name in ["source", "conversation_message"] {
            let message = json!({"id": "9", "author": {"type": author, "id": 3}, "delivered_as": delivered_as});
            let seen = fetched(&conversation(&json!({name: message})).to_string());
            let found = seen.parts.first().map(|part| (*part.classes.first().unwrap(), part.actor));
            // Without `source` nothing tells a campaign in a teammate's name from that teammate's own words.
            let untold = name != "source" && author == "admin" && delivered_as.is_null();
            let want = if untold { Some((Class::Other, Actor::Teammate)) } else { want };
            assert_eq!(
                (found, seen.parts[0].id, seen.parts[0].at),
                (want, Some(PartId::Source(9)), at(0)),
                "{message}"
            );
        }
    }
    for nobody in [json!(null), json!("x"), json!({}), json!({"author": null}), json!({"author": {"id": 3}})] {
        assert_eq!(fetched(&conversation(&json!({"source": nobody})).to_string()).parts, vec![], "{nobody}");
    }
}

#[test]
fn only_admins_own_words_leave_a_digest() {
    let digest = |author: &str, more: Value| {
        let mut part = json!({"id": 1, "part_type": "comment", "created_at": START, "body": "<p>Hi</p>", "author": {"type": author, "id": "3"}});
        part.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let json = conversation(&json!({"conversation_parts": {"conversation_parts": [part]}}));
        fetched(&json.to_string()).parts.remove(0).digest
    };
    assert_eq!(digest("admin", json!({})), key().digest("Hi"));
    assert_eq!(digest("admin", json!({"app_package_code": "example-app"})), key().digest("Hi"));
    assert_eq!(digest("admin", json!({"redacted": true})), None);
    assert_eq!(digest("admin", json!({"body": "<p> </p>"})), None);
    assert_eq!(digest("user", json!({})), None);
    assert_eq!(digest("bot", json!({})), None);
}

#[test]
fn an_answer_that_lists_no_parts_is_not_the_whole() {
    assert!(!fetched(&conversation(&json!({})).to_string()).whole);
    assert!(fetched(&conversation(&json!({"conversation_parts": {"conversation_parts": []}})).to_string()).whole);
}

#[test]
fn a_ticket_is_whatever_has_one() {
    for (ticket, want) in [(json!(null), false), (json!(false), false), (json!({}), true), (json!({"id": 1}), true)] {
        assert_eq!(fetched(&conversation(&json!({"ticket": ticket})).to_string()).ticket, want, "{ticket}");
    }
}

#[test]
fn the_contact_is_who_began_else_the_first_who_takes_part() {
    let contacts = json!({"contacts": [{"id": "b"}, {"id": "c"}]});
    for (fields, want) in [
        (json!({"source": {"author": {"type": "lead", "id": "a"}}, "contacts": contacts}), Some("a")),
        (json!({"source": {"author": {"type": "admin", "id": "a"}}, "contacts": contacts}), Some("b")),
        (json!({"contacts": {"contacts": []}}), None),
        (json!({"user": {"type": "user", "id": "d"}}), Some("d")),
        (json!({"conversation_message": {"author": {"type": "user", "id": "e"}}, "user": {"id": "d"}}), Some("e")),
        (json!({}), None),
    ] {
        let json = conversation(&fields).to_string();
        assert_eq!(Conversation::read(json.as_bytes()).unwrap().contact_id().as_deref(), want, "{fields}");
    }
}

#[test]
fn without_its_date_a_change_cannot_be_ordered_and_the_facts_stay_unknown() {
    let seen = fetched(&conversation(&json!({"updated_at": null, "state": "open"})).to_string());
    assert_eq!(seen.snapshot, None);
}

#[test]
fn an_answer_that_is_no_object_is_refused() {
    for (json, want) in
        [("", Oddness::Json), ("<html>", Oddness::Json), ("[]", Oddness::Shape), ("null", Oddness::Shape)]
    {
        assert_eq!(Conversation::read(json.as_bytes()).err(), Some(want), "{json}");
    }
    assert_eq!(Conversation::read(b"\xff").err(), Some(Oddness::Encoding));
}

#[test]
fn what_is_not_shown_of_attributes_and_of_fin_is_not_known_and_what_is_null_is_none() {
    let lens: crate::intercom::lens::Lens = key().into();
    lens.watch(["plan".to_owned()].into());
    let facts = |fields: Value| {
        let mut json = json!({"type": "conversation", "id": "1", "updated_at": 1_772_409_600});
        json.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let json = json.to_string();
        let seen = Conversation::read(json.as_bytes()).unwrap().sighting(&lens, Seen::Fetched { at: at(5000) });
        let facts = seen.unwrap().snapshot.unwrap().facts;
        (facts.attributes.get("plan").cloned(), facts.ai_resolution)
    };
    let gold = AttributeValue::Text("gold".to_owned());
    for (fields, attribute, resolution) in [
        (json!({}), None, None),
        (json!({"custom_attributes": null, "ai_agent": null}), Some(None), Some(None)),
        (json!({"custom_attributes": {}, "ai_agent_participated": false}), Some(None), Some(None)),
        (json!({"custom_attributes": {"plan": "gold"}, "ai_agent_participated": true}), Some(Some(gold)), None),
        (
            json!({"custom_attributes": 7, "ai_agent": {"resolution_state": "abandoned"}}),
            None,
            Some(Some("abandoned".to_owned())),
        ),
    ] {
        assert_eq!(facts(fields.clone()), (attribute, resolution), "{fields}");
    }
}
