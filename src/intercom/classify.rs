//! What a part of a conversation means: its type, its author and whether it says something, reduced to classes.
//!
//! Owns: the words of Intercom's part types. Refuses: knowing who the daemon is; its own parts are told apart later,
//! with its history at hand.

use std::collections::BTreeSet;

use crate::engine::{Actor, Class};

/// Types in which a teammate's text reaches the contact.
const TEAMMATE_SPEAKS_IN: [&str; 9] = [
    "comment",
    "quick_reply",
    "assignment",
    "assign_and_reopen",
    "assign_and_unsnooze",
    "open",
    "close",
    "snoozed",
    "unsnoozed",
];

/// Types in which a machine's text is an answer. Whatever else machines write (expected reply times, questions for
/// an e-mail address) is none.
const MACHINE_SPEAKS_IN: [&str; 5] = ["comment", "quick_reply", "assignment", "open", "close"];

/// Who an author is, by Intercom's `author.type`. A team is nobody in particular.
pub fn actor(author_type: &str) -> Actor {
    match author_type {
        "user" | "lead" | "contact" | "visitor" => Actor::Contact,
        "admin" => Actor::Teammate,
        "bot" => Actor::Bot,
        _ => Actor::Unknown,
    }
}

/// Everything that a part is, never empty.
///
/// `speaks`: it has a text or an attachment. `redacted`: it had one. `by_app`: an app did it in a teammate's name.
pub fn classify(part_type: &str, actor: Actor, speaks: bool, redacted: bool, by_app: bool) -> BTreeSet<Class> {
    let mut classes: BTreeSet<Class> = deeds(part_type).iter().copied().collect();
    classes.extend(words(part_type, actor, speaks, redacted, by_app));
    if classes.is_empty() {
        classes.insert(Class::Other);
    }
    classes
}

fn words(part_type: &str, actor: Actor, speaks: bool, redacted: bool, by_app: bool) -> Option<Class> {
    let machine_answers = || speaks && MACHINE_SPEAKS_IN.contains(&part_type);
    match actor {
        Actor::Contact => (speaks || redacted).then_some(Class::ContactReply),
        Actor::Teammate if by_app => machine_answers().then_some(Class::BotReply),
        Actor::Teammate => (speaks && TEAMMATE_SPEAKS_IN.contains(&part_type)).then_some(Class::TeammateReply),
        Actor::Bot => machine_answers().then_some(Class::BotReply),
        Actor::Timer | Actor::Unknown => None,
    }
}

fn deeds(part_type: &str) -> &'static [Class] {
    match part_type {
        "open" => &[Class::Opened],
        "close" => &[Class::Closed],
        "snoozed" => &[Class::Snoozed],
        "unsnoozed" | "timer_unsnooze" => &[Class::Unsnoozed],
        "assign_and_reopen" => &[Class::Assigned, Class::Opened],
        "assign_and_unsnooze" => &[Class::Assigned, Class::Unsnoozed],
        "assignment"
        | "workflow_assignment"
        | "default_assignment"
        | "message_strategy_assignment"
        | "away_mode_assignment" => &[Class::Assigned],
        "note_and_reopen" => &[Class::Note, Class::Opened],
        "note_and_unsnooze" => &[Class::Note, Class::Unsnoozed],
        note if note.starts_with("note") => &[Class::Note],
        "conversation_rating_changed" | "conversation_rating_remark_added" => &[Class::Rated],
        // What was merged in may hold a question that nobody has answered, and need not be shown.
        "merged_primary_conversation" => &[Class::ContactReply],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(part_type: &str, actor: Actor, speaks: bool, by_app: bool) -> String {
        let classes = classify(part_type, actor, speaks, false, by_app);
        classes.iter().map(|class| class.name()).collect::<Vec<_>>().join(" ")
    }

    /// Part type; by a contact, a teammate, an app as a teammate and a bot, each with text; then without text, which
    /// is the same for all.
    const TABLE: [(&str, [&str; 5]); 50] = [
        ("comment", ["contact_reply", "teammate_reply", "bot_reply", "bot_reply", "other"]),
        ("quick_reply", ["contact_reply", "teammate_reply", "bot_reply", "bot_reply", "other"]),
        ("note", ["contact_reply note", "note", "note", "note", "note"]),
        ("note_and_reopen", ["contact_reply note opened", "note opened", "note opened", "note opened", "note opened"]),
        (
            "note_and_unsnooze",
            ["contact_reply note unsnoozed", "note unsnoozed", "note unsnoozed", "note unsnoozed", "note unsnoozed"],
        ),
        ("open", ["contact_reply opened", "teammate_reply opened", "bot_reply opened", "bot_reply opened", "opened"]),
        ("close", ["contact_reply closed", "teammate_reply closed", "bot_reply closed", "bot_reply closed", "closed"]),
        ("snoozed", ["contact_reply snoozed", "teammate_reply snoozed", "snoozed", "snoozed", "snoozed"]),
        ("unsnoozed", ["contact_reply unsnoozed", "teammate_reply unsnoozed", "unsnoozed", "unsnoozed", "unsnoozed"]),
        ("timer_unsnooze", ["contact_reply unsnoozed", "unsnoozed", "unsnoozed", "unsnoozed", "unsnoozed"]),
        (
            "assignment",
            [
                "contact_reply assigned",
                "teammate_reply assigned",
                "bot_reply assigned",
                "bot_reply assigned",
                "assigned",
            ],
        ),
        (
            "assign_and_reopen",
            [
                "contact_reply assigned opened",
                "teammate_reply assigned opened",
                "assigned opened",
                "assigned opened",
                "assigned opened",
            ],
        ),
        (
            "assign_and_unsnooze",
            [
                "contact_reply assigned unsnoozed",
                "teammate_reply assigned unsnoozed",
                "assigned unsnoozed",
                "assigned unsnoozed",
                "assigned unsnoozed",
            ],
        ),
        ("workflow_assignment", ["contact_reply assigned", "assigned", "assigned", "assigned", "assigned"]),
        ("default_assignment", ["contact_reply assigned", "assigned", "assigned", "assigned", "assigned"]),
        ("message_strategy_assignment", ["contact_reply assigned", "assigned", "assigned", "assigned", "assigned"]),
        ("away_mode_assignment", ["contact_reply assigned", "assigned", "assigned", "assigned", "assigned"]),
        ("conversation_rating_changed", ["contact_reply rated", "rated", "rated", "rated", "rated"]),
        ("conversation_rating_remark_added", ["contact_reply rated", "rated", "rated", "rated", "rated"]),
        ("participant_added", QUIET),
        ("participant_removed", QUIET),
        ("conversation_attribute_updated_by_user", QUIET),
        ("conversation_attribute_updated_by_admin", QUIET),
        ("conversation_attribute_updated_by_workflow", QUIET),
        ("attribute_collector", QUIET),
        ("attribute_collected", QUIET),
        ("company_updated", QUIET),
        ("title_changed", QUIET),
        ("conversation_tags_updated", QUIET),
        ("priority_changed", QUIET),
        ("priority_changed_by_rule", QUIET),
        ("conversation_sla_applied_by_rule", QUIET),
        ("conversation_sla_applied_by_workflow", QUIET),
        ("conversation_sla_removed", QUIET),
        ("conversation_sla_target_missed", QUIET),
        ("conversation_sla_paused", QUIET),
        ("conversation_sla_unpaused", QUIET),
        ("channel_and_reply_time_expectation", QUIET),
        ("language_detection_details", QUIET),
        ("operator_workflow_event", QUIET),
        ("custom_action_started", QUIET),
        ("custom_action_finished", QUIET),
        ("resolution_bot_found_no_answer", QUIET),
        ("user_became_idle", QUIET),
        ("fin_guidance_applied", QUIET),
        ("call_summary", QUIET),
        ("ticket_state_updated_by_admin", QUIET),
        ("ticket_attribute_updated_by_admin", QUIET),
        ("merged_primary_conversation", ["contact_reply"; 5]),
        ("something_new", QUIET),
    ];

    /// Of no matter to anybody, unless a contact says something by it.
    const QUIET: [&str; 5] = ["contact_reply", "other", "other", "other", "other"];

    #[test]
    fn every_part_type_by_everybody_is_what_the_table_says() {
        use Actor::{Bot, Contact, Teammate, Timer, Unknown};
        for (part_type, [contact, teammate, app, bot, silent]) in TABLE {
            assert_eq!(brief(part_type, Contact, true, false), contact, "{part_type} by a contact");
            assert_eq!(brief(part_type, Teammate, true, false), teammate, "{part_type} by a teammate");
            assert_eq!(brief(part_type, Teammate, true, true), app, "{part_type} by an app");
            assert_eq!(brief(part_type, Bot, true, false), bot, "{part_type} by a bot");
            for actor in [Contact, Teammate, Bot, Timer, Unknown] {
                assert_eq!(brief(part_type, actor, false, false), silent, "{part_type}, silent, by {}", actor.name());
            }
            for actor in [Timer, Unknown] {
                assert_eq!(brief(part_type, actor, true, false), silent, "{part_type} by {}", actor.name());
            }
        }
    }

    #[test]
    fn a_redacted_part_was_a_contact_s_reply_but_tells_nothing_of_others() {
        for (actor, want) in [(Actor::Contact, Class::ContactReply), (Actor::Teammate, Class::Other)] {
            assert_eq!(classify("comment", actor, false, true, false), BTreeSet::from([want]));
        }
    }

    #[test]
    fn only_contacts_admins_and_bots_are_somebody() {
        for (author_type, want) in [
            ("user", Actor::Contact),
            ("lead", Actor::Contact),
            ("contact", Actor::Contact),
            ("visitor", Actor::Contact),
            ("admin", Actor::Teammate),
            ("bot", Actor::Bot),
            ("team", Actor::Unknown),
            ("", Actor::Unknown),
            ("Admin", Actor::Unknown),
        ] {
            assert_eq!(actor(author_type), want, "{author_type}");
        }
    }
}
