//! Notifications about a conversation, in every family of shapes that an app's version can give them.
//!
//! Written down apart from the fake's notifier, so that an error of one does not hide one of the other.

use serde_json::{Value, json};

use crate::harness::monday;

/// By the app's version: 2014; up to 2.4; 2.5 to 2.14; 2.15 and 2.16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    V0,
    V1,
    V2,
    V2b,
}

pub(crate) const ALL: [Family; 4] = [Family::V0, Family::V1, Family::V2, Family::V2b];

/// The contact of every conversation here.
pub(crate) const CONTACT: &str = "65f000000000000000000001";

/// What a notification tells. Times are in seconds from [`monday`], when the conversation began.
#[derive(Debug, Clone)]
pub(crate) struct Telling {
    pub(crate) id: u64,
    pub(crate) topic: String,
    pub(crate) state: &'static str,
    pub(crate) parts: Vec<Part>,
    /// Whom it is assigned to: `admin ID`, `team ID` or nobody.
    pub(crate) assignee: &'static str,
    /// Type and id of who began it.
    pub(crate) begun_by: (&'static str, &'static str),
    pub(crate) delivered_as: &'static str,
    /// When it changed last, and the notification was made.
    pub(crate) at: i64,
    pub(crate) contact_at: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) id: u64,
    pub(crate) kind: &'static str,
    pub(crate) by: (&'static str, &'static str),
    pub(crate) body: Option<&'static str>,
    pub(crate) at: i64,
}

pub(crate) fn telling(id: u64, topic: &str, at: i64) -> Telling {
    Telling {
        id,
        topic: topic.to_owned(),
        state: "open",
        parts: Vec::new(),
        assignee: "nobody",
        begun_by: ("user", CONTACT),
        delivered_as: "customer_initiated",
        at,
        contact_at: Some(0),
    }
}

fn second(at: i64) -> i64 {
    monday().as_second() + at
}

fn iso(at: i64) -> String {
    monday().checked_add(jiff::SignedDuration::from_secs(at)).unwrap().strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

impl Family {
    pub(crate) fn name(self) -> &'static str {
        ["v0", "v1", "v2", "v2b"][self as usize]
    }

    /// The whole notification. Two that tell different things have different ids.
    pub(crate) fn notification(self, told: &Telling) -> Value {
        let parts: Vec<_> = told.parts.iter().map(|part| part.id.to_string()).collect();
        let id = format!("notif_{}_{}_{}_{}_{}", self.name(), told.id, told.topic, told.at, parts.join("_"));
        envelope(&id, &told.topic, &self.item(told), told.at)
    }

    fn item(self, told: &Telling) -> Value {
        match self {
            Family::V0 => v0(told),
            Family::V1 => v1(told),
            Family::V2 | Family::V2b => self.v2(told),
        }
    }

    fn v2(self, told: &Telling) -> Value {
        let newest = self == Family::V2b;
        let date = |at: Option<i64>| match at {
            None => Value::Null,
            Some(at) if newest => json!(second(at)),
            Some(at) => json!(iso(at)),
        };
        let nobody = if newest { json!(0) } else { Value::Null };
        let assignee = |kind: &str| match told.assignee.split_once(' ') {
            Some((named, id)) if named == kind => json!(id.parse::<u64>().unwrap()),
            _ => nobody.clone(),
        };
        json!({
            "type": "conversation", "id": told.id.to_string(),
            "created_at": second(0), "updated_at": second(told.at),
            "waiting_since": null, "snoozed_until": until(told),
            "source": {
                "type": "conversation", "id": "9001", "delivered_as": told.delivered_as, "subject": "", "redacted": false,
                "body": self.text("<p>Hello?</p>"), "author": {"type": told.begun_by.0, "id": told.begun_by.1}, "attachments": [],
            },
            "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": CONTACT, "external_id": null}]},
            "admin_assignee_id": assignee("admin"), "team_assignee_id": assignee("team"),
            "open": told.state != "closed", "state": told.state, "read": false,
            "tags": {"type": "tag.list", "tags": []},
            "priority": if newest { "none" } else { "not_priority" },
            "statistics": {"type": "conversation_statistics", "last_contact_reply_at": date(told.contact_at), "last_closed_by_id": 1001},
            "conversation_rating": null, "custom_attributes": {}, "ticket": null, "ai_agent": null,
            "teammates": {"type": "admin.list", "admins": []},
            "conversation_parts": list(told.parts.iter().map(|part| self.part(part))),
        })
    }

    fn part(self, part: &Part) -> Value {
        let mut shown = v1_part(part);
        shown["body"] = part.body.map_or(Value::Null, |body| self.text(body));
        shown["redacted"] = json!(false);
        shown["state"] = json!("open");
        shown["app_package_code"] = Value::Null;
        if self == Family::V2b && part.kind == "snoozed" {
            shown["event_details"] = json!({"until": "custom", "custom_until_time": second(86_400)});
        }
        shown
    }

    /// Plain text from 2.15 on.
    fn text(self, html: &str) -> Value {
        let plain = html.trim_start_matches("<p>").trim_end_matches("</p>");
        json!(if self == Family::V2b { plain } else { html })
    }
}

pub(crate) fn envelope(id: &str, topic: &str, item: &Value, at: i64) -> Value {
    json!({
        "type": "notification_event", "app_id": "ab12cd34", "id": id, "topic": topic,
        "data": {"type": "notification_event_data", "item": item}, "links": {},
        "delivery_status": "pending", "delivery_attempts": 1, "delivered_at": 0,
        "first_sent_at": second(at), "created_at": second(at),
    })
}

fn until(told: &Telling) -> Value {
    if told.state == "snoozed" { json!(second(86_400)) } else { Value::Null }
}

fn list(parts: impl Iterator<Item = Value>) -> Value {
    let parts: Vec<_> = parts.collect();
    let count = parts.len();
    json!({"type": "conversation_part.list", "conversation_parts": parts, "total_count": count})
}

fn assignee(told: &Telling) -> Value {
    match told.assignee.split_once(' ') {
        Some((kind, id)) => json!({"type": kind, "id": id}),
        None => json!({"type": "nobody_admin", "id": null}),
    }
}

fn opening(told: &Telling) -> Value {
    json!({
        "type": "conversation_message", "id": "9001", "subject": "", "body": "<p>Hello?</p>",
        "author": {"type": told.begun_by.0, "id": told.begun_by.1}, "attachments": [],
    })
}

/// Dates are texts, and there is no state.
fn v0(told: &Telling) -> Value {
    let parts = told.parts.iter().map(|part| {
        let mut shown = v1_part(part);
        shown["created_at"] = json!(second(part.at).to_string());
        shown
    });
    json!({
        "type": "conversation", "id": told.id.to_string(),
        "created_at": second(0).to_string(), "updated_at": second(told.at).to_string(),
        "user": {"type": "user", "id": CONTACT}, "assignee": assignee(told), "conversation_message": opening(told),
        "conversation_parts": list(parts),
        "open": if told.state == "closed" { json!(false) } else { Value::Null }, "read": true,
    })
}

fn v1(told: &Telling) -> Value {
    json!({
        "type": "conversation", "id": told.id.to_string(),
        "created_at": second(0), "updated_at": second(told.at),
        "user": {"type": "user", "id": CONTACT, "user_id": null}, "assignee": assignee(told),
        "conversation_message": opening(told), "conversation_parts": list(told.parts.iter().map(v1_part)),
        "conversation_rating": {}, "open": told.state != "closed", "state": told.state, "snoozed_until": until(told),
        "read": true, "metadata": {}, "tags": {"type": "tag.list", "tags": []}, "tags_added": {"type": "tag.list", "tags": []},
        "links": {"conversation_web": "https://app.example.com/5001"},
    })
}

fn v1_part(part: &Part) -> Value {
    json!({
        "type": "conversation_part", "id": part.id.to_string(), "part_type": part.kind, "body": part.body,
        "created_at": second(part.at), "updated_at": second(part.at), "notified_at": second(part.at),
        "assigned_to": null, "author": {"type": part.by.0, "id": part.by.1, "name": null}, "attachments": [],
        "external_id": null,
    })
}
