//! Notifications of versions 2.4 and older.
//!
//! Owns: `user`, `assignee`, `conversation_message` and all else that later versions name differently. Refuses:
//! answers of the API, which nobody asks for in these versions.

use serde_json::{Value, json};

use super::conversation::{Conversation, Part};
use super::shape::{applied_tag, assigned_to, part_author_kind, person};
use super::workspace::Workspace;

/// `data.item` of a notification about a conversation.
pub(super) fn conversation(it: &Conversation, parts: &[&Part], workspace: &Workspace) -> Value {
    let assignee = match &it.admin_assignee {
        Some(id) => {
            let admin = workspace.admin(id);
            json!({ "type": "admin", "id": id, "name": admin.map(|it| &it.name), "email": admin.map(|it| &it.email) })
        }
        None => json!({ "type": "nobody_admin", "id": null }),
    };
    let mut user = person(&it.contact, it.contact.kind.name());
    user["user_id"] = Value::Null;
    let source = &it.source;
    let address = format!("https://app.example.com/a/apps/{}/conversations/{}", workspace.app_id, it.id);
    json!({
        "type": "conversation",
        "id": it.id,
        "created_at": it.created_at,
        "updated_at": it.updated_at,
        "user": user,
        "assignee": assignee,
        "conversation_message": {
            "type": "conversation_message",
            "id": source.id.to_string(),
            "url": null,
            "subject": "",
            "body": source.body,
            "author": { "type": source.author.kind.name(), "id": source.author.id },
            "attachments": [],
        },
        "conversation_parts": {
            "type": "conversation_part.list",
            "conversation_parts": parts.iter().map(|it| part(it)).collect::<Vec<_>>(),
            "total_count": parts.len(),
        },
        "conversation_rating": {},
        "open": it.state.name() != "closed",
        "state": it.state.name(),
        "snoozed_until": it.snoozed_until,
        "read": it.read,
        "metadata": {},
        "tags": { "type": "tag.list", "tags": it.tags.iter().map(applied_tag).collect::<Vec<_>>() },
        "tags_added": { "type": "tag.list", "tags": [] },
        "links": { "conversation_web": address },
    })
}

fn part(it: &Part) -> Value {
    json!({
        "type": "conversation_part",
        "id": it.id.to_string(),
        "part_type": it.kind,
        "body": it.body,
        "created_at": it.at,
        "updated_at": it.at,
        "notified_at": it.at,
        "assigned_to": it.assigned_to.as_ref().map(assigned_to),
        "author": { "type": part_author_kind(&it.author), "id": it.author.id, "name": it.author.name },
        "attachments": [],
        "external_id": null,
    })
}
