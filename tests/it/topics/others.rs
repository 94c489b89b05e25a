//! Topics about tickets, contacts and whatever else: what follows from them for conversations.

use autoclosed::engine::{ConversationId, Decision, Why};
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};
use autoclosed::store::{Context, KeepBodies};
use serde_json::{Value, json};

use super::families::{CONTACT, envelope};
use super::{brief, conversation_id, deliver, told_only};
use crate::harness::{House, QUIET_A_DAY, days, hours, minutes};

async fn leaves_it_as_a_ticket(house: &House, id: &ConversationId) -> bool {
    let context = Context {
        app_id: Some(Workspace::default().app_id.into()),
        admin_id: Some(Workspace::default().token_admin.into()),
        rulebook: house.rulebook(),
        keep_bodies: KeepBodies::Odd,
        now: house.clock.now(),
        received_at: house.clock.now(),
    };
    let decided = house.daemon().store().decided(id, &context).await.unwrap().unwrap();
    decided.decision == Decision::Leave { why: Why::Ticket }
}

/// Items of the topics about a ticket, by where they have its id.
fn about_ticket(id: &str) -> Vec<(&'static str, Value)> {
    let ticket =
        || json!({"type": "ticket", "id": id, "ticket_id": "12", "admin_assignee_id": "0", "team_assignee_id": "0"});
    let part = || json!({"type": "ticket_part", "id": "7900", "part_type": "comment", "created_at": 1_772_442_000});
    let with_part = || json!({"type": "ticket_ticket_part", "ticket": ticket(), "ticket_part": part()});
    vec![
        ("ticket.created", ticket()),
        ("ticket.state.updated", ticket()),
        ("ticket.note.created", ticket()),
        ("ticket.attribute.updated", ticket()),
        ("ticket.admin.assigned", ticket()),
        ("ticket.team.assigned", ticket()),
        ("ticket.rating.provided", ticket()),
        ("ticket.contact.attached", json!({"ticket": ticket(), "contact": {"type": "contact", "id": CONTACT}})),
        ("ticket.contact.detached", json!({"ticket": ticket(), "contact": {"type": "contact", "id": CONTACT}})),
        ("ticket.contact.replied", with_part()),
        ("ticket.admin.replied", with_part()),
        ("ticket.closed", ticket()),
        ("ticket.closed", json!({"ticket": ticket()})),
        ("ticket.resolved", ticket()),
        ("ticket.admin.snoozed", ticket()),
        ("ticket.admin.unsnoozed", ticket()),
    ]
}

/// No notification of the conversation itself tells of its conversion.
#[tokio::test]
async fn a_conversation_that_became_a_ticket_is_left_alone_from_the_first_word_of_it() {
    let house = House::with(QUIET_A_DAY).await;
    for (number, (topic, _)) in about_ticket("1").into_iter().enumerate() {
        let id = house.answered().await;
        assert!(!leaves_it_as_a_ticket(&house, &id).await);
        let (_, item) = about_ticket(id.as_str()).swap_remove(number);
        let reads = house.reads(&id);
        assert_eq!(deliver(&house, &envelope(&format!("n{number}"), topic, &item, 60)).await, 200);
        assert!(leaves_it_as_a_ticket(&house, &id).await, "{topic} {number}");
        house.after(days(2)).await;
        assert_eq!(
            (house.state(&id), house.reads(&id)),
            ("open", reads),
            "{topic} {number}: it was not even asked for"
        );
        house.intercom.teammate_replies(&id, "We are on it.");
        house.after(days(2)).await;
        assert_eq!(house.state(&id), "open", "{topic} {number}: once a ticket, always a ticket");
    }
    assert_eq!(house.deeds(), Vec::<String>::new());
}

/// As the workspace itself tells of it, in every family.
#[tokio::test]
async fn a_conversation_that_is_converted_is_left_alone() {
    use autoclosed::fake_intercom::WebhookVersion::{V1, V2, V2b};
    for version in [V1, V2, V2b] {
        for told in [true, false] {
            let house = House::with(QUIET_A_DAY).await;
            house.intercom.change_workspace(|workspace| workspace.webhook_version = version);
            let (id, other) = (house.answered().await, house.answered().await);
            house.clock.advance(hours(1));
            house.intercom.drop_notifications(!told);
            assert!(house.intercom.becomes_ticket(&id));
            house.intercom.drop_notifications(false);
            house.intercom.settle().await;
            assert_eq!(leaves_it_as_a_ticket(&house, &id).await, told, "{version:?}");
            house.after(days(1)).await;
            assert_eq!((house.state(&id), house.state(&other)), ("open", "closed"), "{version:?}, told: {told}");
            assert_eq!(house.deeds(), ["close 200"], "{version:?}, told: {told}");
            assert!(leaves_it_as_a_ticket(&house, &id).await, "{version:?}, told: {told}");
        }
    }
}

#[tokio::test]
async fn a_ticket_that_began_as_none_of_our_conversations_is_no_work() {
    let house = told_only().await;
    for (number, (topic, item)) in about_ticket("4711").into_iter().enumerate() {
        assert_eq!(deliver(&house, &envelope(&format!("n{number}"), topic, &item, 60)).await, 200);
    }
    assert_eq!(brief(&house.known(&conversation_id(4711)).await.unwrap()), "nothing of its state, ticket");
    house.after(days(2)).await;
    house.look().await;
    assert_eq!(house.reads(&conversation_id(4711)), 0);
}

/// Whatever is told of contacts, companies and things to come.
fn about_others() -> Vec<(&'static str, Value)> {
    let contact = json!({"type": "contact", "id": CONTACT, "external_id": null, "deleted": true});
    let merged = json!({"type": "contact", "id": CONTACT, "merged_from": {"id": "65f000000000000000000002"}});
    let attached = json!({
        "conversation": {
            "parts": [{"id": 7900, "data": "{\"added_by\":{\"type\":\"admin\",\"id\":1001}}", "created_at": "2026-03-02T09:00:00.000Z"}],
            "options": {}, "model": {"id": 5001, "created_at": "2026-03-02T09:00:00.000Z"},
        },
        "contact": {"type": "contact", "id": CONTACT},
    });
    vec![
        ("contact.deleted", contact.clone()),
        ("contact.merged", merged),
        ("contact.archived", contact.clone()),
        ("contact.archive", contact.clone()),
        ("contact.unarchived", contact.clone()),
        ("contact.user.updated", contact),
        ("company.updated", json!({"type": "company", "id": "c1"})),
        ("conversation.contact.attached", attached.clone()),
        ("conversation.contact.detached", attached),
        ("content_stat.sent", json!({"type": "content_stat", "id": "5001"})),
    ]
}

#[tokio::test]
async fn what_is_told_of_contacts_moves_no_conversation() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let before = house.known(&id).await;
    house.clock.advance(hours(1));
    for (number, (topic, mut item)) in about_others().into_iter().enumerate() {
        if let Some(model) = item.pointer_mut("/conversation/model/id") {
            *model = id.as_str().parse::<u64>().unwrap().into();
        }
        assert_eq!(deliver(&house, &envelope(&format!("n{number}"), topic, &item, 3600)).await, 200, "{topic}");
        assert_eq!(house.known(&id).await, before, "{topic}");
    }
    house.after(hours(23)).await;
    assert_eq!(house.state(&id), "closed");
    let counted = house.check("notifications").await;
    assert!(counted.ends_with("10 ignored, 0 foreign, 0 quarantined"), "{counted}");
}

fn refusal(status: u16, code: &str) -> Fault {
    Fault::Status {
        status,
        body: json!({"type": "error.list", "errors": [{"code": code, "message": "no"}]}).to_string(),
    }
}

/// The name is gone with the contact: the text does without it.
#[tokio::test]
async fn a_text_that_names_a_contact_who_is_gone_goes_out_without_the_name() {
    let rule =
        QUIET_A_DAY.replace("Closing this for now.", "Closing this, {{ contact.first_name | default('there') }}.");
    for (status, code) in [(404, "not_found"), (410, "contact_merged")] {
        let house = House::with(&rule).await;
        let id = house.answered().await;
        house.intercom.fault_always(Endpoint::Contact, refusal(status, code));
        house.after(days(1)).await;
        let last = house.intercom.conversation(&id).unwrap().parts.pop().unwrap();
        assert_eq!(last.body.as_deref(), Some("<p>Closing this, there.</p>"), "{code}");
    }
}

/// How Intercom refuses to close what a deleted or blocked contact has left is not documented.
#[tokio::test]
async fn a_close_that_is_refused_after_its_contact_went_is_not_tried_for_ever() {
    for (status, code, most) in [
        (404, "not_found", 1),
        (404, "contact_not_found", 3),
        (410, "contact_merged", 3),
        (400, "parameter_invalid", 3),
        (403, "action_forbidden", 3),
        (409, "conflict", 3),
        (422, "data_invalid", 3),
    ] {
        let house = House::with(QUIET_A_DAY).await;
        let (id, other) = (house.answered().await, house.answered().await);
        let gone = json!({"type": "contact", "id": CONTACT, "deleted": true});
        deliver(&house, &envelope("n1", "contact.deleted", &gone, 60)).await;
        house.intercom.fault(Endpoint::Close, refusal(status, code));
        house.after(days(1)).await;
        house.sweep().await;
        assert_eq!((house.state(&id), house.state(&other)), ("open", "closed"), "{code}: {:?}", house.deeds());
        house.intercom.fault_always(Endpoint::Close, refusal(status, code));
        for _ in 0..20 {
            house.after(hours(12)).await;
            house.after(minutes(1)).await;
            house.look().await;
        }
        let tries = house.deeds().len() - 1;
        assert!((1..=most).contains(&tries), "{code}: {tries} tries, {:?}", house.journal(&id).await);
    }
}
