//! Notifications as Intercom sends them, each another one, about four kilobytes.

use serde_json::json;

/// What signs them.
pub(crate) const CLIENT_SECRET: &str = "client-secret-of-the-benches";

/// The first conversation's id.
pub(crate) const FIRST: u64 = 215_470_000_000_000;

/// Topics, and of a hundred notifications how many have them.
const TOPICS: [(&str, u64); 6] = [
    ("conversation.user.replied", 40),
    ("conversation.admin.replied", 30),
    ("conversation.admin.assigned", 10),
    ("conversation.admin.closed", 8),
    ("conversation.user.created", 7),
    ("conversation.admin.noted", 5),
];

const WORDS: [&str; 16] = [
    "order",
    "refund",
    "hello",
    "please",
    "invoice",
    "could",
    "you",
    "check",
    "account",
    "yesterday",
    "export",
    "thanks",
    "naïve",
    "renewal",
    "password",
    "parcel",
];

/// Whoever writes: what they do is drawn from `seed`.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) app_id: String,
    pub(crate) conversations: u64,
    pub(crate) seed: u64,
    /// Seconds since 1970.
    pub(crate) now: i64,
}

impl People {
    fn below(&mut self, end: u64) -> u64 {
        // splitmix64: enough to draw from, and the same on every machine.
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end.max(1)
    }

    fn text(&mut self, bytes: u64) -> String {
        let mut text = String::from("<p>");
        while (text.len() as u64) < bytes {
            text.push_str(WORDS[usize::try_from(self.below(16)).unwrap_or(0)]);
            text.push(' ');
        }
        text + "</p>"
    }

    fn topic(&mut self) -> &'static str {
        let mut drawn = self.below(100);
        for (topic, share) in TOPICS {
            if drawn < share {
                return topic;
            }
            drawn -= share;
        }
        TOPICS[0].0
    }

    /// One notification of 4.2 kB on average (3 to 8 kB).
    pub(crate) fn notification(&mut self) -> String {
        let topic = self.topic();
        let id = format!(
            "notif_{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            self.below(1 << 32),
            self.below(1 << 16),
            self.below(1 << 12),
            self.below(1 << 12),
            self.below(1 << 48)
        );
        let conversation = (FIRST + self.below(self.conversations)).to_string();
        let (now, began) = (self.now, self.now - 3600 - i64::try_from(self.below(400_000)).unwrap_or(0));
        let by_admin = topic.contains(".admin.");
        let (admin, team, tag) = (800_000 + self.below(60), 5_017_000 + self.below(8), 100 + self.below(40));
        let contact = format!("{:024x}", self.below(1 << 60));
        let length = [900, 2200, 2200, 2200, 3900][usize::try_from(self.below(5)).unwrap_or(0)];
        let kind = match topic {
            "conversation.admin.closed" => "close",
            "conversation.admin.assigned" => "assignment",
            "conversation.admin.noted" => "note",
            _ => "comment",
        };
        let author = if by_admin { admin.to_string() } else { contact.clone() };
        let [earlier, later] = if by_admin { [now - 600, now] } else { [now, now - 600] };
        let part = json!({"type": "conversation_part", "id": (30_000_000_000 + self.below(1 << 32)).to_string(), "part_type": kind,
            "body": self.text(length), "created_at": now, "updated_at": now, "notified_at": now, "assigned_to": null,
            "author": {"type": if by_admin { "admin" } else { "user" }, "id": author, "name": "Kim", "email": "kim@example.com"},
            "attachments": [], "external_id": null, "redacted": false, "metadata": {}, "email_message_metadata": null});
        let source = json!({"type": "conversation", "id": (2_000_000_000 + self.below(1 << 30)).to_string(),
            "delivered_as": "customer_initiated", "subject": "", "body": self.text(120), "attachments": [],
            "author": {"type": "user", "id": contact, "name": "Kim", "email": "kim@example.com"},
            "url": "https://www.example.com/orders", "redacted": false});
        let statistics = json!({"type": "conversation_statistics", "time_to_assignment": 0, "time_to_admin_reply": 900,
            "time_to_first_close": null, "time_to_last_close": null, "median_time_to_reply": 900,
            "first_contact_reply_at": began, "first_assignment_at": began, "first_admin_reply_at": began + 900,
            "first_close_at": null, "last_assignment_at": began, "last_assignment_admin_reply_at": began + 900,
            "last_contact_reply_at": earlier, "last_admin_reply_at": later, "last_close_at": null,
            "last_closed_by_id": null, "count_reopens": 0, "count_assignments": 1, "count_conversation_parts": 7});
        let closed = kind == "close";
        let item = json!({"type": "conversation", "id": conversation, "created_at": began, "updated_at": now,
            "waiting_since": null, "snoozed_until": null, "source": source,
            "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": contact, "external_id": "ext-1"}]},
            "first_contact_reply": {"created_at": began, "type": "conversation", "url": "https://www.example.com/orders"},
            "admin_assignee_id": admin, "team_assignee_id": team, "open": !closed,
            "state": if closed { "closed" } else { "open" }, "read": by_admin,
            "tags": {"type": "tag.list", "tags": [{"type": "tag", "id": tag.to_string(), "name": format!("area-{tag}"),
                "applied_at": began, "applied_by": {"type": "admin", "id": admin.to_string()}}]},
            "priority": "not_priority", "sla_applied": null, "statistics": statistics, "conversation_rating": null,
            "teammates": {"type": "admin.list", "admins": [{"type": "admin", "id": admin.to_string()}]}, "title": null,
            "custom_attributes": {"issue_type": "Billing", "plan": "growth", "Language": "English"},
            "topics": {"type": "topic.list", "topics": [], "total_count": 0}, "ticket": null,
            "linked_objects": {"type": "list", "data": [], "total_count": 0, "has_more": false},
            "ai_agent": null, "ai_agent_participated": false,
            "links": {"conversation_web": format!("https://app.example.com/inbox/{conversation}")},
            "conversation_parts": {"type": "conversation_part.list", "conversation_parts": [part], "total_count": 1}});
        json!({"type": "notification_event", "app_id": self.app_id, "data": {"type": "notification_event_data", "item": item},
            "links": {}, "id": id, "topic": topic, "delivery_status": "pending", "delivery_attempts": 1, "delivered_at": 0,
            "first_sent_at": now, "created_at": now, "self": null})
        .to_string()
    }
}
