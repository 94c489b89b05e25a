//! The JSON of the fake workspace: answers of the API and bodies of notifications, by version.
//!
//! Owns: field names and the spelling of times, texts and nobody. Refuses: deciding what happened.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::conversation::{AppliedTag, Assignee, Author, AuthorKind, Conversation, Part, Statistics};
use super::first_version;
use super::workspace::{Admin, Contact, Named, WebhookVersion, Workspace};

/// Most parts that one answer shows: the newest ones.
pub(super) const MOST_PARTS: usize = 500;

/// How a conversation is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// REST at version 2.`minor`.
    Rest { minor: u32, plain_text: bool },
    /// Notifications of versions 2.5 to 2.14.
    V2,
    /// Notifications of versions 2.15 and 2.16.
    V2b,
}

impl Dialect {
    fn newest(self) -> bool {
        matches!(self, Dialect::V2b | Dialect::Rest { minor: 16.., .. })
    }

    fn tells_snooze_end(self) -> bool {
        matches!(self, Dialect::V2b | Dialect::Rest { minor: 15.., .. })
    }

    fn text(self, html: &str) -> String {
        let plain_text = matches!(self, Dialect::V2b | Dialect::Rest { plain_text: true, .. });
        if plain_text { without_markup(html) } else { html.to_owned() }
    }

    fn time(self, at: Option<i64>) -> Value {
        match (self, at) {
            (_, None) => Value::Null,
            (Dialect::V2, Some(at)) => json!(instant(at).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()),
            (_, Some(at)) => json!(at),
        }
    }

    /// Older versions know two words only.
    fn priority(self, word: &str) -> &str {
        match word {
            word if self.newest() => word,
            "none" => "not_priority",
            _ => "priority",
        }
    }

    fn assignee(self, id: Option<&String>) -> Value {
        match id {
            Some(id) => number(id),
            None if self.newest() => json!(0),
            None => Value::Null,
        }
    }
}

pub(super) fn instant(at: i64) -> Timestamp {
    Timestamp::from_second(at).unwrap_or_default()
}

fn number(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| json!(id), |id| json!(id))
}

/// `text` as Intercom keeps what people type.
pub(super) fn html(text: &str) -> String {
    if text.starts_with('<') {
        return text.to_owned();
    }
    format!("<p>{}</p>", text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

fn without_markup(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// A conversation with the given parts.
pub(super) fn conversation(it: &Conversation, parts: &[&Part], dialect: Dialect) -> Value {
    let mut shown = listed(it, dialect);
    shown["conversation_parts"] = json!({
        "type": "conversation_part.list",
        "conversation_parts": parts.iter().map(|shown| part(shown, dialect)).collect::<Vec<_>>(),
        "total_count": parts.len(),
    });
    shown
}

/// A conversation with its newest parts, as `GET /conversations/{id}` answers.
pub(super) fn whole(it: &Conversation, dialect: Dialect) -> Value {
    let first = it.parts.len().saturating_sub(MOST_PARTS);
    let newest: Vec<_> = it.parts.iter().skip(first).collect();
    conversation(it, &newest, dialect)
}

/// A conversation as a search lists it: without parts.
pub(super) fn listed(it: &Conversation, dialect: Dialect) -> Value {
    json!({
        "type": "conversation",
        "id": it.id,
        "created_at": it.created_at,
        "updated_at": it.updated_at,
        "waiting_since": it.waiting_since,
        "snoozed_until": it.snoozed_until,
        "source": source(it, dialect),
        "contacts": { "type": "contact.list", "contacts": [contact_reference(&it.contact)] },
        "first_contact_reply": first_contact_reply(it),
        "admin_assignee_id": dialect.assignee(it.admin_assignee.as_ref()),
        "team_assignee_id": dialect.assignee(it.team_assignee.as_ref()),
        // True while snoozed, as in the real one.
        "open": it.state.name() != "closed",
        "state": it.state.name(),
        "read": it.read,
        "tags": { "type": "tag.list", "tags": it.tags.iter().map(applied_tag).collect::<Vec<_>>() },
        "priority": dialect.priority(&it.priority),
        "sla_applied": null,
        "statistics": statistics(it, dialect),
        "conversation_rating": rating(it),
        "teammates": teammates(it),
        "title": null,
        "custom_attributes": it.attributes,
        "topics": {},
        "ticket": it.ticket.then(|| json!({ "type": "ticket", "id": it.id })),
        "linked_objects": { "type": "list", "data": [], "total_count": 0, "has_more": false },
        "ai_agent": it.fin.as_ref().map(|resolution| json!({ "resolution_state": resolution })),
        "ai_agent_participated": it.fin.is_some(),
    })
}

fn source(it: &Conversation, dialect: Dialect) -> Value {
    json!({
        "type": it.source.channel,
        "id": it.source.id.to_string(),
        "delivered_as": it.source.delivered_as,
        "subject": "",
        "body": dialect.text(&it.source.body),
        "author": person(&it.source.author, it.source.author.kind.name()),
        "attachments": [],
        "url": null,
        "redacted": false,
    })
}

pub(super) fn person(author: &Author, kind: &str) -> Value {
    json!({ "type": kind, "id": author.id, "name": author.name, "email": author.email.as_deref().unwrap_or_default() })
}

fn contact_reference(contact: &Author) -> Value {
    json!({ "type": "contact", "id": contact.id, "external_id": null })
}

fn first_contact_reply(it: &Conversation) -> Value {
    let told = |at| json!({ "created_at": at, "type": it.source.channel, "url": null });
    it.statistics.first_contact_reply.map_or(Value::Null, told)
}

pub(super) fn applied_tag(tag: &AppliedTag) -> Value {
    let by = json!({ "type": "admin", "id": tag.by });
    json!({ "type": "tag", "id": tag.id, "name": tag.name, "applied_at": tag.at, "applied_by": by })
}

fn rating(it: &Conversation) -> Value {
    let told = |(score, at): (u8, i64)| {
        json!({
            "rating": score,
            "remark": "",
            "created_at": at,
            "contact": contact_reference(&it.contact),
            "teammate": it.admin_assignee.as_ref().map(|id| json!({ "type": "admin", "id": id })),
        })
    };
    it.rating.map_or(Value::Null, told)
}

/// Teammates that wrote a part. The key is `admins` on the wire, whatever the specification calls it.
fn teammates(it: &Conversation) -> Value {
    let mut ids: Vec<_> =
        it.parts.iter().map(|part| &part.author).filter(|who| who.kind == AuthorKind::Admin).collect();
    ids.dedup_by_key(|who| &who.id);
    ids.sort_by_key(|who| &who.id);
    ids.dedup_by_key(|who| &who.id);
    let admins: Vec<_> = ids.iter().map(|who| json!({ "type": "admin", "id": who.id })).collect();
    json!({ "type": "admin.list", "admins": admins })
}

fn statistics(it: &Conversation, dialect: Dialect) -> Value {
    let counted: &Statistics = &it.statistics;
    let since_start = |at: Option<i64>| at.map(|at| at - it.created_at);
    let closed_by = counted.last_closed_by.as_ref();
    let closed_by = if dialect == Dialect::V2 { closed_by.map(|id| number(id)) } else { closed_by.map(|id| json!(id)) };
    json!({
        "type": "conversation_statistics",
        "time_to_assignment": since_start(counted.first_assignment),
        "time_to_admin_reply": since_start(counted.first_admin_reply),
        "time_to_first_close": since_start(counted.first_close),
        "time_to_last_close": since_start(counted.last_close),
        "median_time_to_reply": null,
        "first_contact_reply_at": dialect.time(counted.first_contact_reply),
        "first_assignment_at": dialect.time(counted.first_assignment),
        "first_admin_reply_at": dialect.time(counted.first_admin_reply),
        "first_close_at": dialect.time(counted.first_close),
        "last_assignment_at": dialect.time(counted.last_assignment),
        "last_assignment_admin_reply_at": dialect.time(counted.last_assignment_admin_reply),
        "last_contact_reply_at": dialect.time(counted.last_contact_reply),
        "last_admin_reply_at": dialect.time(counted.last_admin_reply),
        "last_close_at": dialect.time(counted.last_close),
        "last_closed_by_id": closed_by,
        "count_reopens": counted.reopens,
        "count_assignments": counted.assignments,
        // The opening message counts as one.
        "count_conversation_parts": it.parts.len() + 1,
        "assigned_team_first_response_time": [],
        "assigned_team_first_response_time_in_office_hours": [],
        "handling_time": null,
    })
}

fn part(it: &Part, dialect: Dialect) -> Value {
    let mut author = person(&it.author, part_author_kind(&it.author));
    author["from_ai_agent"] = json!(false);
    author["is_ai_answer"] = json!(false);
    json!({
        "type": "conversation_part",
        "id": it.id.to_string(),
        "part_type": it.kind,
        "body": it.body.as_deref().map(|body| dialect.text(body)),
        "created_at": it.at,
        "updated_at": it.at,
        "notified_at": it.at,
        "assigned_to": it.assigned_to.as_ref().map(assigned_to),
        "author": author,
        "attachments": [],
        "external_id": null,
        "redacted": false,
        "metadata": {},
        "email_message_metadata": null,
        "state": it.state.name(),
        "tags": [],
        "event_details": event_details(it, dialect),
        "app_package_code": it.app_package_code,
    })
}

/// A contact's part says `user` even when the contact is a lead.
pub(super) fn part_author_kind(author: &Author) -> &'static str {
    if author.kind == AuthorKind::Lead { "user" } else { author.kind.name() }
}

fn event_details(it: &Part, dialect: Dialect) -> Value {
    if it.kind == "snoozed" && dialect.tells_snooze_end() {
        return json!({ "until": "custom", "custom_until_time": it.until });
    }
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let set =
        |(name, value): &(String, Value)| json!({ "attribute": { "name": name }, "value": { "name": shown(value) } });
    it.attribute.as_ref().map_or_else(|| json!({}), set)
}

pub(super) fn assigned_to(to: &Assignee) -> Value {
    match to {
        Assignee::Admin(id) => json!({ "type": "admin", "id": id }),
        Assignee::Team(id) => json!({ "type": "team", "id": id }),
        Assignee::Nobody { .. } => json!({ "type": "nobody_admin", "id": null }),
    }
}

/// `data.item` of a notification about a conversation.
pub(super) fn notified(it: &Conversation, parts: &[&Part], workspace: &Workspace) -> Value {
    match workspace.webhook_version {
        WebhookVersion::V1 => first_version::conversation(it, parts, workspace),
        WebhookVersion::V2 => conversation(it, parts, Dialect::V2),
        WebhookVersion::V2b => conversation(it, parts, Dialect::V2b),
    }
}

/// `data.item` of `conversation.deleted`, which has no `id`.
pub(super) fn deleted(id: &str) -> Value {
    json!({ "type": "conversation", "conversation_id": id })
}

/// `data.item` of `ticket.created`: of the ticket only what tells which conversation it was.
pub(super) fn ticket(it: &Conversation) -> Value {
    json!({
        "type": "ticket",
        "id": it.id,
        // Its number among tickets, which is nothing else's.
        "ticket_id": "12",
        "category": "Customer",
        "ticket_type": { "type": "ticket_type", "id": "1", "name": "Question", "category": "Customer" },
        "ticket_state": { "type": "ticket_state", "id": "1", "category": "submitted" },
        "ticket_attributes": {},
        "contacts": { "type": "contact.list", "contacts": [contact_reference(&it.contact)] },
        "admin_assignee_id": it.admin_assignee.as_deref().unwrap_or("0"),
        "team_assignee_id": it.team_assignee.as_deref().unwrap_or("0"),
        "open": it.state.name() != "closed",
        "created_at": it.created_at,
        "updated_at": it.updated_at,
    })
}

/// The frame of every notification.
pub(super) fn envelope(app_id: &str, id: &str, topic: &str, item: &Value, at: i64) -> Value {
    json!({
        "type": "notification_event",
        "app_id": app_id,
        "data": { "type": "notification_event_data", "item": item },
        "links": {},
        "id": id,
        "topic": topic,
        "delivery_status": "pending",
        "delivery_attempts": 1,
        "delivered_at": 0,
        "first_sent_at": at,
        "created_at": at,
        "self": null,
    })
}

/// The answer to `GET /me`.
pub(super) fn me(workspace: &Workspace) -> Value {
    let Some(who) = workspace.admin(&workspace.token_admin) else { return Value::Null };
    let mut shown = admin(who, workspace);
    shown["email_verified"] = json!(true);
    shown["avatar"] = json!({ "type": "avatar", "image_url": null });
    shown["app"] = json!({
        "type": "app",
        "id_code": workspace.app_id,
        "name": "Example workspace",
        "created_at": 1_700_000_000,
        "identity_verification": false,
        "timezone": workspace.timezone,
        "region": workspace.region,
    });
    shown
}

/// A teammate as `GET /admins` lists them.
pub(super) fn admin(it: &Admin, workspace: &Workspace) -> Value {
    json!({
        "type": "admin",
        "id": it.id,
        "name": it.name,
        "email": it.email,
        "job_title": "Support",
        "away_mode_enabled": workspace.away.contains(&it.id),
        "away_mode_reassign": false,
        "has_inbox_seat": it.has_inbox_seat,
        "team_ids": [],
        "avatar": null,
    })
}

/// A team or a tag.
pub(super) fn named(kind: &str, it: &Named) -> Value {
    json!({ "type": kind, "id": it.id, "name": it.name })
}

/// A contact as `GET /contacts/{id}` answers.
pub(super) fn contact(it: &Contact, workspace: &Workspace) -> Value {
    json!({
        "type": "contact",
        "id": it.id,
        "workspace_id": workspace.app_id,
        "external_id": null,
        "role": it.role,
        "email": it.email,
        "phone": null,
        "name": it.name,
        "custom_attributes": {},
    })
}
