//! What people do, what becomes of it, and what is notified.

use super::*;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;

const TOMORROW: Timestamp = Timestamp::constant(NOON + 90_000, 0);

/// Something that somebody does; false if it could not be done.
type Verb = fn(&FakeIntercom, &ConversationId) -> bool;

#[tokio::test]
async fn every_verb_notifies_its_topics_with_its_part() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    assert_eq!(bench.news().await, ["conversation.user.created []"]);
    let steps: [(Verb, &[&str]); 14] = [
        (|f, id| f.bot_replies(id, "Hm").is_some(), &["conversation.operator.replied [comment]"]),
        (|f, id| f.teammate_replies(id, "Hi").is_some(), &["conversation.admin.replied [comment]"]),
        (|f, id| f.teammate_notes(id, "odd").is_some(), &["conversation.admin.noted [note]"]),
        (|f, id| f.teammate_snoozes(id, TOMORROW).is_some(), &["conversation.admin.snoozed [snoozed]"]),
        (|f, id| f.teammate_opens(id).is_some(), &["conversation.admin.unsnoozed [unsnoozed]"]),
        (|f, id| f.teammate_closes(id, Some("Bye")).is_some(), &["conversation.admin.closed [close]"]),
        (|f, id| f.contact_replies(id, "Wait").is_some(), &["conversation.user.replied [open]"]),
        (|f, id| f.contact_replies(id, "So?").is_some(), &["conversation.user.replied [comment]"]),
        (
            |f, id| f.teammate_assigns(id, Some("1002"), Some("Alex knows")).is_some(),
            &[
                "conversation.admin.assigned [assignment]",
                "conversation.admin.open.assigned [assignment]",
                "conversation.admin.replied [assignment]",
            ],
        ),
        (|f, id| f.tag(id, "fresh"), &["conversation_part.tag.created [assignment]"]),
        (|f, id| f.untag(id, "fresh"), &[]),
        (|f, id| f.rate(id, 4).is_some(), &["conversation.rating.added [conversation_rating_changed]"]),
        (FakeIntercom::becomes_ticket, &["ticket.created []"]),
        (FakeIntercom::delete, &["conversation.deleted []"]),
    ];
    for (verb, want) in steps {
        assert!(verb(&bench.fake, &id), "{want:?}");
        assert_eq!(bench.news().await, want);
    }
    assert_eq!(bench.fake.conversation(&id), None);
    assert_eq!(bench.fake.contact_replies(&id, "Hello?"), None);
}

#[tokio::test]
async fn a_notification_is_signed_over_the_bytes_that_are_sent() {
    let bench = Bench::new().await;
    bench.fake.contact_starts("Hello");
    bench.fake.settle().await;
    let (headers, body) = bench.received.try_recv().unwrap();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(&body);
    let want = format!("sha1={}", hex::encode(mac.finalize().into_bytes()));
    assert_eq!(headers["x-hub-signature"], want.as_str());
    let sent = &bench.fake.notifications()[0];
    assert_eq!((sent.status, &sent.body[..]), (Some(200), &body[..]));
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&told["app_id"], text(&told["id"])), (&json!("ab12cd34"), sent.id.clone()));
    assert_eq!(told["created_at"], NOON);
}

#[tokio::test]
async fn a_snooze_ends_at_its_time_on_every_request() {
    for (quirks, want) in
        [(vec![], vec![]), (vec![Quirk::WakeNotifies], vec!["conversation.admin.unsnoozed [timer_unsnooze]"])]
    {
        let bench = Bench::with(Workspace { quirks, ..Workspace::default() }).await;
        let id = bench.fake.contact_starts("Hello");
        bench.fake.teammate_snoozes(&id, shape::instant(NOON + 60));
        bench.news().await;
        bench.advance(59);
        assert_eq!(bench.get(&format!("/conversations/{id}")).await.1["state"], "snoozed");
        bench.advance(600);
        let (_, told) = bench.get(&format!("/conversations/{id}")).await;
        let last = &told["conversation_parts"]["conversation_parts"][1];
        assert_eq!((&told["state"], &told["snoozed_until"]), (&json!("open"), &Value::Null));
        assert_eq!((&last["part_type"], &last["created_at"]), (&json!("timer_unsnooze"), &json!(NOON + 60)));
        assert_eq!(bench.news().await, want);
    }
}

#[tokio::test]
async fn only_the_assignee_can_speak_without_ending_a_snooze() {
    for (assignee, want) in [(Some("1009"), "snoozed"), (Some("1001"), "open"), (None, "open")] {
        for kind in ["comment", "note"] {
            let bench = Bench::new().await;
            let id = bench.fake.contact_starts("Hello");
            bench.fake.teammate_assigns(&id, assignee, None);
            bench.fake.teammate_snoozes(&id, TOMORROW);
            let body = json!({ "message_type": kind, "type": "admin", "admin_id": "1009", "body": "Still here" });
            let (_, told) = bench.post(&format!("/conversations/{id}/reply"), &body).await;
            assert_eq!(told["conversation_parts"]["total_count"], 1);
            assert_eq!(bench.state(&id), want, "{kind}, assigned to {assignee:?}");
            let woke = bench.kinds(&id).last() == Some(&"unsnoozed");
            assert_eq!(woke, want == "open", "{kind}, assigned to {assignee:?}");
        }
    }
}

#[tokio::test]
async fn who_speaks_decides_who_waits_and_what_reopens() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    bench.advance(60);
    let steps: [(Verb, Option<i64>, (&str, u32)); 7] = [
        (|f, id| f.bot_replies(id, "Hm").is_some(), Some(NOON), ("open", 0)),
        (|f, id| f.contact_replies(id, "Hello?").is_some(), Some(NOON), ("open", 0)),
        (|f, id| f.teammate_replies(id, "Hi").is_some(), None, ("open", 0)),
        (|f, id| f.teammate_closes(id, None).is_some(), None, ("closed", 0)),
        (|f, id| f.teammate_notes(id, "hm").is_some(), None, ("closed", 0)),
        (|f, id| f.teammate_replies(id, "Oh").is_some(), None, ("open", 1)),
        (|f, id| f.contact_replies(id, "Yes").is_some(), Some(NOON + 60), ("open", 1)),
    ];
    for (place, (verb, waiting, (state, reopens))) in steps.into_iter().enumerate() {
        assert!(verb(&bench.fake, &id), "step {place}");
        let (_, told) = bench.get(&format!("/conversations/{id}")).await;
        assert_eq!((&told["waiting_since"], &told["state"]), (&json!(waiting), &json!(state)), "step {place}");
        assert_eq!(told["statistics"]["count_reopens"], reopens, "step {place}");
    }
}

#[tokio::test]
async fn an_outbound_message_stays_closed_until_the_contact_answers() {
    let bench = Bench::new().await;
    let id = bench.fake.by("1002").teammate_starts("We are moving");
    let (_, told) = bench.get(&format!("/conversations/{id}")).await;
    assert_eq!((&told["state"], &told["waiting_since"]), (&json!("closed"), &Value::Null));
    assert_eq!((&told["source"]["author"]["id"], &told["first_contact_reply"]), (&json!("1002"), &Value::Null));
    bench.fake.contact_replies(&id, "When?");
    assert_eq!(bench.news().await, ["conversation.admin.single.created []", "conversation.user.replied [open]"]);
    assert_eq!(bench.state(&id), "open");
}

#[tokio::test]
async fn each_webhook_version_has_its_own_words() {
    for (version, body, replied_at, closer, nobody) in [
        (WebhookVersion::V1, "<p>Bye</p>", Value::Null, Value::Null, Value::Null),
        (WebhookVersion::V2, "<p>Bye</p>", json!("2026-03-02T12:00:00.000Z"), json!(1001), Value::Null),
        (WebhookVersion::V2b, "Bye", json!(NOON), json!("1001"), json!(0)),
    ] {
        let bench = Bench::with(Workspace { webhook_version: version, ..Workspace::default() }).await;
        let id = bench.fake.contact_starts("Hello");
        bench.fake.teammate_closes(&id, Some("Bye"));
        bench.fake.settle().await;
        let told: Value = serde_json::from_slice(&bench.fake.notifications()[1].body).unwrap();
        let item = &told["data"]["item"];
        assert_eq!(item["conversation_parts"]["conversation_parts"][0]["body"], body, "{version:?}");
        assert_eq!(item["statistics"]["last_contact_reply_at"], replied_at, "{version:?}");
        assert_eq!(item["statistics"]["last_closed_by_id"], closer, "{version:?}");
        assert_eq!(item["team_assignee_id"], nobody, "{version:?}");
        let first = version == WebhookVersion::V1;
        assert_eq!(item["assignee"]["type"] == "nobody_admin", first, "{version:?}");
        assert_eq!(item["conversation_message"]["body"] == "<p>Hello</p>", first, "{version:?}");
        assert_eq!((&item["state"], &item["open"]), (&json!("closed"), &json!(false)), "{version:?}");
    }
}

#[tokio::test]
async fn quirks_change_what_workspaces_differ_in() {
    let quirks = vec![Quirk::AssignOnFirstReply, Quirk::RefusesSecondClose];
    let bench = Bench::with(Workspace { quirks, ..Workspace::default() }).await;
    let id = bench.fake.contact_starts("Hello");
    bench.fake.teammate_replies(&id, "Hi");
    bench.fake.teammate_replies(&id, "How are you?");
    assert_eq!(bench.kinds(&id), ["assignment", "comment"]);
    assert_eq!(bench.fake.conversation(&id).unwrap().admin_assignee.as_deref(), Some("1001"));
    assert_eq!(codes(&bench.close(&id).await), "200 ");
    assert_eq!(codes(&bench.close(&id).await), "400 parameter_invalid");
}

#[tokio::test]
async fn a_second_close_adds_a_second_part() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    for _ in 0..2 {
        assert_eq!(codes(&bench.close(&id).await), "200 ");
    }
    assert_eq!(bench.kinds(&id), ["close", "close"]);
}
