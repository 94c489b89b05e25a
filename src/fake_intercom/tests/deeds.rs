//! Notes, assignments, tags, attributes and priorities: what the API demands for them, and what becomes of it.

use secrecy::SecretString;
use url::Url;

use super::*;
use crate::intercom::text::TextKey;
use crate::intercom::{self, Assignee, Class, ClientSettings, Intercom, Update};

const LATER: i64 = NOON + 90_000;

impl Bench {
    async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        told(self.request(method, path).json(body).send().await.unwrap()).await
    }

    async fn put(&self, id: &ConversationId, body: &Value) -> (u16, Value) {
        self.send("PUT", &format!("/conversations/{id}"), body).await
    }

    fn seen(&self, id: &ConversationId) -> Seen {
        self.fake.conversation(id).unwrap()
    }

    /// The daemon's own client.
    fn intercom(&self) -> Intercom {
        let settings = ClientSettings {
            base_url: Url::parse(&self.fake.url()).unwrap(),
            api_version: "2.16".to_owned(),
            timeout: std::time::Duration::from_secs(10),
            requests_per_10s: None,
        };
        let token = SecretString::from(Workspace::default().token);
        Intercom::new(settings, token, TextKey::new(&[7; 32]).into(), self.clock.clone().into()).unwrap()
    }
}

#[tokio::test]
async fn the_client_and_the_fake_mean_the_same() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    let intercom = bench.intercom();
    intercom.note(&id, "1009", "Closes soon").await.unwrap();
    intercom.assign(&id, "1009", Assignee::Teammate(Some("1002"))).await.unwrap();
    intercom.assign(&id, "1009", Assignee::Team(Some("2002"))).await.unwrap();
    let seen = bench.seen(&id);
    assert_eq!((seen.admin_assignee.as_deref(), seen.team_assignee.as_deref()), (Some("1002"), Some("2002")));
    intercom.assign(&id, "1009", Assignee::Teammate(None)).await.unwrap();
    intercom.assign(&id, "1009", Assignee::Team(None)).await.unwrap();
    let tag = intercom.create_tag("auto-closed").await.unwrap().value;
    intercom.tag(&id, "1009", &tag.id).await.unwrap();
    intercom.tag(&id, "1009", "3001").await.unwrap();
    intercom.untag(&id, "1009", "3001").await.unwrap();
    let attributes = json!({ "auto_closed_by": "a week", "orders": ["21"] }).as_object().unwrap().clone();
    let read = intercom.update(&id, &Update { read: Some(false), custom_attributes: attributes }).await.unwrap();
    assert!(!read.value.sighting.whole);
    let seen = bench.seen(&id);
    assert_eq!((seen.admin_assignee, seen.team_assignee, seen.read), (None, None, false));
    assert_eq!((seen.tags, &seen.attributes["auto_closed_by"]), (vec!["auto-closed".to_owned()], &json!("a week")));
    let want = [
        "note",
        "assignment",
        "assignment",
        "assignment",
        "assignment",
        "conversation_tags_updated",
        "conversation_tags_updated",
        "conversation_tags_updated",
        "conversation_attribute_updated_by_admin",
        "conversation_attribute_updated_by_admin",
    ];
    assert_eq!(bench.kinds(&id), want);
    assert!(seen.parts.iter().all(|part| part.author_id == "1009"));

    let names = |all: Vec<intercom::Team>| all.into_iter().map(|team| team.name).collect::<Vec<_>>();
    assert_eq!(names(intercom.teams().await.unwrap()), ["Support", "Billing"]);
    assert_eq!(intercom.tags().await.unwrap().pop(), Some(tag));
    let admins = intercom.admins().await.unwrap();
    assert_eq!((admins.len(), admins[0].email.as_deref()), (3, Some("sam@example.com")));
}

#[tokio::test]
async fn the_client_tells_a_refused_deed_from_a_conversation_that_is_gone() {
    let bench = Bench::new().await;
    let (id, gone) = (bench.fake.contact_starts("one"), bench.fake.contact_starts("two"));
    bench.fake.delete(&gone);
    let intercom = bench.intercom();
    let unknown = json!({ "mood": "good" }).as_object().unwrap().clone();
    let unknown = Update { read: None, custom_attributes: unknown };
    let read = Update { read: Some(true), ..Update::default() };
    for (ending, want) in [
        (intercom.tag(&id, "1009", "3999").await.map(drop), Class::Refused),
        (intercom.untag(&id, "1009", "3001").await.map(drop), Class::Refused),
        (intercom.assign(&id, "1009", Assignee::Team(Some("1001"))).await.map(drop), Class::Refused),
        (intercom.assign(&id, "1009", Assignee::Teammate(Some("2001"))).await.map(drop), Class::Refused),
        (intercom.update(&id, &unknown).await.map(drop), Class::Refused),
        (intercom.tag(&id, "1008", "3001").await.map(drop), Class::AuthDead),
        (intercom.note(&id, "1008", "Hi").await.map(drop), Class::AuthDead),
        (intercom.note(&gone, "1009", "Hi").await.map(drop), Class::Gone),
        (intercom.untag(&gone, "1009", "3001").await.map(drop), Class::Gone),
        (intercom.update(&gone, &read).await.map(drop), Class::Gone),
    ] {
        assert_eq!(ending.unwrap_err().class(), want);
    }
}

#[tokio::test]
async fn an_attribute_takes_values_of_its_kind_only() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    let order = json!({ "type": "order.list", "instances": [
        { "type": "order", "id": "21", "external_id": "21", "custom_attributes": {} },
    ] });
    for (name, value, kept) in [
        ("auto_closed_by", json!("a week"), Some(json!("a week"))),
        ("auto_closed_by", json!(7), None),
        ("auto_closed_by", json!(["a"]), None),
        ("order_number", json!(-7), Some(json!(-7))),
        ("order_number", json!(7.5), None),
        ("order_number", json!("7"), None),
        ("refund", json!(7), Some(json!(7))),
        ("refund", json!(7.5), Some(json!(7.5))),
        ("refund", json!("7.5"), None),
        ("escalated", json!(true), Some(json!(true))),
        ("escalated", json!("true"), None),
        ("renewal", json!(NOON), Some(json!(NOON))),
        ("renewal", json!("2026-03-02"), None),
        ("topic", json!("Bug"), Some(json!("Bug"))),
        ("topic", json!("Praise"), None),
        ("topic", json!(["Bug"]), None),
        ("topic", Value::Null, Some(Value::Null)),
        ("orders", json!(["21"]), Some(order)),
        ("orders", json!([21]), None),
        ("mood", json!("good"), None),
    ] {
        let before = bench.seen(&id);
        let told = bench.put(&id, &json!({ "custom_attributes": { name: value } })).await;
        let Some(kept) = kept else {
            assert_eq!(codes(&told), "400 parameter_invalid", "{name}: {value}");
            assert_eq!(bench.seen(&id), before, "{name}: {value}");
            continue;
        };
        assert_eq!((told.0, &told.1["custom_attributes"][name]), (200, &kept), "{name}: {value}");
    }
    bench.fake.change_workspace(|it| it.conversation_attributes.extend_from_within(..1));
    let twice = bench.put(&id, &json!({ "custom_attributes": { "auto_closed_by": "a day" } })).await;
    assert_eq!(codes(&twice), "400 INVALID_PARAMETER");
}

#[tokio::test]
async fn an_update_that_is_not_understood_changes_nothing() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    let before = bench.seen(&id);
    bench.advance(60);
    for body in [
        json!({}),
        json!({ "custom_attributes": {} }),
        json!({ "custom_attributes": null }),
        json!({ "custom_attributes": ["topic"] }),
        json!({ "read": "yes" }),
        json!({ "read": null }),
        json!({ "read": true, "state": "closed" }),
        json!({ "read": true, "custom_attributes": { "topic": "Bug", "mood": "good" } }),
    ] {
        assert_eq!(codes(&bench.put(&id, &body).await), "400 parameter_invalid", "{body}");
    }
    let elsewhere = bench.send("PUT", "/conversations/1", &json!({ "read": true })).await;
    assert_eq!(codes(&elsewhere), "404 not_found");
    let bare = bench.request("PUT", &format!("/conversations/{id}")).header("Content-Type", "text/plain");
    assert_eq!(codes(&told(bare.body(r#"{"read":true}"#).send().await.unwrap()).await), "400 bad_request");
    assert_eq!(bench.seen(&id), before);
    bench.fake.change_workspace(|it| it.token_admin = "1008".to_owned());
    assert_eq!(codes(&bench.put(&id, &json!({ "read": false })).await), "404 admin_not_found");
}

#[tokio::test]
async fn an_update_leaves_a_part_for_each_attribute_that_changes_and_is_not_notified() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    bench.news().await;
    bench.advance(60);
    let both = json!({ "read": false, "custom_attributes": { "topic": "Bug", "order_number": 7 } });
    let (_, told) = bench.put(&id, &both).await;
    assert_eq!((&told["read"], &told["updated_at"]), (&json!(false), &json!(NOON + 60)));
    assert_eq!(told["custom_attributes"], both["custom_attributes"]);
    let parts = told["conversation_parts"]["conversation_parts"].as_array().unwrap();
    let details: Vec<_> = parts.iter().map(|part| part["event_details"].clone()).collect();
    let detail = |name: &str, value: &str| json!({ "attribute": { "name": name }, "value": { "name": value } });
    assert_eq!(details, [detail("order_number", "7"), detail("topic", "Bug")]);
    assert!(parts.iter().all(|part| part["author"]["id"] == "1009" && part["body"].is_null()));
    bench.advance(60);
    let (_, told) = bench.put(&id, &json!({ "read": true, "custom_attributes": { "topic": "Bug" } })).await;
    assert_eq!((&told["read"], &told["updated_at"]), (&json!(true), &json!(NOON + 120)));
    assert_eq!(bench.kinds(&id).len(), 2, "the topic was that already");
    assert_eq!(bench.news().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_tag_is_created_once_and_by_its_name_alone() {
    let bench = Bench::new().await;
    let known = bench.post("/tags", &json!({ "name": "vip" })).await;
    assert_eq!(known, (200, json!({ "type": "tag", "id": "3001", "name": "vip" })));
    for _ in 0..2 {
        let made = bench.post("/tags", &json!({ "name": "auto-closed" })).await;
        assert_eq!(made, (200, json!({ "type": "tag", "id": "3003", "name": "auto-closed" })));
    }
    for body in [
        json!({}),
        json!({ "name": " " }),
        json!({ "name": 7 }),
        json!({ "test": "invalid" }),
        json!({ "name": "vip", "users": [] }),
        json!({ "name": "vip", "id": "3002" }),
    ] {
        assert_eq!(codes(&bench.post("/tags", &body).await), "400 parameter_invalid", "{body}");
    }
    assert_eq!(bench.get("/tags").await.1["data"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn tagging_leaves_a_part_once_whoever_does_it() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    bench.fake.contact_replies(&id, "Anybody?");
    bench.news().await;
    bench.advance(60);
    let tags = format!("/conversations/{id}/tags");
    let vip = json!({ "id": "3001", "admin_id": "1009" });
    for _ in 0..2 {
        assert_eq!(bench.post(&tags, &vip).await.0, 200);
    }
    bench.fake.by("1002").tag(&id, "fresh");
    assert_eq!(bench.send("DELETE", &format!("{tags}/3001"), &json!({ "admin_id": "1009" })).await.0, 200);
    bench.fake.by("1002").untag(&id, "fresh");
    let seen = bench.seen(&id);
    let who: Vec<_> = seen.parts[1..].iter().map(|part| (part.kind, part.author_id.as_str())).collect();
    assert_eq!(who, ["1009", "1002", "1009", "1002"].map(|id| ("conversation_tags_updated", id)));
    assert_eq!(seen.updated_at, shape::instant(NOON + 60));
    let told = ["comment", "conversation_tags_updated"].map(|kind| format!("conversation_part.tag.created [{kind}]"));
    assert_eq!(bench.news().await, told, "the newest part before, and nothing of what was taken off");
}

#[tokio::test]
async fn what_moves_a_snooze_or_a_close_and_what_does_not() {
    let by_daemon =
        |message: &str| json!({ "message_type": message, "type": "admin", "admin_id": "1009", "body": "x" });
    let to = |kind: &str, id: &str| json!({ "message_type": "assignment", "type": kind, "admin_id": "1009", "assignee_id": id });
    for (name, method, place, body, from_snoozed, from_closed) in [
        ("note", "POST", "/reply", by_daemon("note"), "open", "closed"),
        ("assign", "POST", "/parts", to("admin", "1002"), "open", "open"),
        ("assign to a team", "POST", "/parts", to("team", "2001"), "open", "open"),
        ("unassign", "POST", "/parts", to("admin", "0"), "open", "open"),
        ("tag", "POST", "/tags", json!({ "id": "3002", "admin_id": "1009" }), "snoozed", "closed"),
        ("untag", "DELETE", "/tags/3001", json!({ "admin_id": "1009" }), "snoozed", "closed"),
        ("read", "PUT", "", json!({ "read": true }), "snoozed", "closed"),
        ("attribute", "PUT", "", json!({ "custom_attributes": { "topic": "Bug" } }), "snoozed", "closed"),
    ] {
        let bench = Bench::new().await;
        let (snoozed, closed) = (bench.fake.contact_starts("one"), bench.fake.contact_starts("two"));
        for id in [&snoozed, &closed] {
            bench.fake.teammate_assigns(id, Some("1001"), None);
            bench.fake.tag(id, "vip");
        }
        bench.fake.teammate_snoozes(&snoozed, shape::instant(LATER));
        bench.fake.teammate_closes(&closed, None);
        for (id, want) in [(&snoozed, from_snoozed), (&closed, from_closed)] {
            let (status, _) = bench.send(method, &format!("/conversations/{id}{place}"), &body).await;
            assert_eq!((status, bench.state(id)), (200, want), "{name}");
        }
        let until = (from_snoozed == "snoozed").then(|| shape::instant(LATER));
        assert_eq!(bench.seen(&snoozed).snoozed_until, until, "{name}");
    }
}

#[tokio::test]
async fn people_set_attributes_and_priorities_in_the_words_of_each_version() {
    for (version, word) in [
        (WebhookVersion::V1, Value::Null),
        (WebhookVersion::V2, json!("priority")),
        (WebhookVersion::V2b, json!("urgent")),
    ] {
        let bench = Bench::with(Workspace { webhook_version: version, ..Workspace::default() }).await;
        let id = bench.fake.contact_starts("Hello");
        bench.fake.set_attribute(&id, "topic", "Bug");
        bench.fake.contact_sets_attribute(&id, "mood", 3);
        bench.fake.teammate_prioritizes(&id, "urgent");
        let kinds =
            ["conversation_attribute_updated_by_admin", "conversation_attribute_updated_by_user", "priority_changed"];
        assert_eq!(bench.kinds(&id), kinds);
        let news = bench.news().await;
        assert_eq!(news, ["conversation.user.created []", "conversation.priority.updated [priority_changed]"]);
        let told: Value = serde_json::from_slice(&bench.fake.notifications()[1].body).unwrap();
        let item = &told["data"]["item"];
        assert_eq!(item["priority"], word, "{version:?}");
        let shown = json!({ "topic": "Bug", "mood": 3 });
        let shown = if version == WebhookVersion::V1 { Value::Null } else { shown };
        assert_eq!(item["custom_attributes"], shown, "{version:?}");
        let (_, told) = bench.get(&format!("/conversations/{id}")).await;
        assert_eq!((&told["priority"], &told["custom_attributes"]["mood"]), (&json!("urgent"), &json!(3)));
    }
}

#[tokio::test]
async fn faults_and_hooks_can_aim_at_each_deed() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    let intercom = bench.intercom();
    for endpoint in [Endpoint::Note, Endpoint::Update, Endpoint::CreateTag, Endpoint::Assign] {
        bench.fake.fault(endpoint, Fault::ApplyThenDrop);
    }
    intercom.reply(&id, "1009", "Hi").await.unwrap();
    intercom.tag(&id, "1009", "3001").await.unwrap();
    let read = Update { read: Some(true), ..Update::default() };
    for ending in [
        intercom.note(&id, "1009", "Hm").await.map(drop),
        intercom.update(&id, &read).await.map(drop),
        intercom.create_tag("fresh").await.map(drop),
        intercom.assign(&id, "1009", Assignee::Team(None)).await.map(drop),
    ] {
        assert_eq!(ending.unwrap_err().class(), Class::Ambiguous);
    }
    bench.fake.fault(Endpoint::Update, Fault::WrongId);
    assert_eq!(intercom.update(&id, &read).await.unwrap_err().class(), Class::Ambiguous);
    bench.fake.fault(Endpoint::Reply, Fault::Html502);
    intercom.note(&id, "1009", "Hm").await.unwrap();
    let mutating = bench.fake.mutating_calls();
    assert_eq!((mutating.len(), mutating.iter().filter(|call| call.status.is_none()).count()), (8, 4));
}
