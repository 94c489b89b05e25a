//! The names of what Intercom notifies of.
//!
//! Owns: the list of those that are told apart when notifications are counted. Refuses: saying what they mean; that is
//! for `notification`. Whatever is not listed is understood, or kept aside, all the same.

/// What a topic is counted as that is not listed: a stranger's word must not make a series of its own.
pub const OTHER: &str = "other";

const LISTED: [&str; 43] = [
    "ping",
    "conversation.user.created",
    "conversation.user.replied",
    "conversation.admin.replied",
    "conversation.admin.replied.translated",
    "conversation.admin.noted",
    "conversation.admin.assigned",
    "conversation.admin.open.assigned",
    "conversation.admin.opened",
    "conversation.admin.closed",
    "conversation.admin.snoozed",
    "conversation.admin.unsnoozed",
    "conversation.admin.single.created",
    "conversation.operator.replied",
    "conversation.read",
    "conversation.rating.added",
    "conversation.priority.updated",
    "conversation.deleted",
    "conversation.contact.attached",
    "conversation.contact.detached",
    "conversation_part.tag.created",
    "conversation_part.redacted",
    "ticket.created",
    "ticket.closed",
    "ticket.resolved",
    "ticket.state.updated",
    "ticket.note.created",
    "ticket.attribute.updated",
    "ticket.admin.assigned",
    "ticket.admin.replied",
    "ticket.admin.snoozed",
    "ticket.admin.unsnoozed",
    "ticket.team.assigned",
    "ticket.contact.attached",
    "ticket.contact.detached",
    "ticket.contact.replied",
    "ticket.rating.provided",
    "contact.deleted",
    "contact.merged",
    "contact.archive",
    "contact.archived",
    "contact.unarchived",
    "company.updated",
];

/// The topic as listed, or [`OTHER`].
pub fn listed(topic: &str) -> &'static str {
    LISTED.into_iter().find(|listed| *listed == topic).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_counts_by_its_own_name_only_if_it_is_listed() {
        for (topic, counted) in [
            ("conversation.user.replied", "conversation.user.replied"),
            ("ping", "ping"),
            ("conversation.user.replied ", OTHER),
            ("conversation.hijacked", OTHER),
            ("", OTHER),
        ] {
            assert_eq!(listed(topic), counted, "{topic}");
        }
    }
}
