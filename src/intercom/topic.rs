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

/// Those that tell the daemon something, as `docs/intercom.md` asks for them.
pub const WANTED: [&str; 18] = [
    "conversation.user.created",
    "conversation.user.replied",
    "conversation.admin.replied",
    "conversation.admin.single.created",
    "conversation.operator.replied",
    "conversation.admin.noted",
    "conversation.admin.assigned",
    "conversation.admin.open.assigned",
    "conversation.admin.opened",
    "conversation.admin.closed",
    "conversation.admin.snoozed",
    "conversation.admin.unsnoozed",
    "conversation.rating.added",
    "conversation.priority.updated",
    "conversation_part.tag.created",
    "conversation_part.redacted",
    "conversation.deleted",
    "ticket.created",
];

/// What happens all the time in any workspace that people work in.
pub const COMMON: [&str; 4] = [
    "conversation.user.created",
    "conversation.user.replied",
    "conversation.admin.replied",
    "conversation.admin.closed",
];

/// The topic as listed, or [`OTHER`].
pub fn listed(topic: &str) -> &'static str {
    LISTED.into_iter().find(|listed| *listed == topic).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topics_that_are_wanted_are_those_that_the_set_up_asks_for() {
        let page = include_str!("../../docs/intercom.md");
        let (_, topics) = page.split_once("## The topics").unwrap();
        let rows = topics.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
        let asked: Vec<&str> = rows.flat_map(|row| row.split(", ")).map(|topic| topic.trim_matches('`')).collect();
        assert_eq!(asked, WANTED);
        assert!(COMMON.iter().all(|topic| WANTED.contains(topic)));
        assert!(WANTED.iter().all(|topic| LISTED.contains(topic)));
    }

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
