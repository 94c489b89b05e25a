//! The table of topics and families, from payloads of our own.

use super::families::{ALL, CONTACT, Family, Part, Telling, telling};
use super::{brief, conversation_id, deliver, told_only};

const USER: (&str, &str) = ("user", CONTACT);
const ADMIN: (&str, &str) = ("admin", "1001");
const BOT: (&str, &str) = ("bot", "900");
const TEXT: Option<&str> = Some("<p>Some words.</p>");

const FROM_V1: &[Family] = &[Family::V1, Family::V2, Family::V2b];
const FROM_V2: &[Family] = &[Family::V2, Family::V2b];

/// Topic, part type, author, text, the state after it, and the families that have it.
type Row =
    (&'static str, &'static str, (&'static str, &'static str), Option<&'static str>, &'static str, &'static [Family]);

/// Each shows one part, of the second of the notification.
const WITH_A_PART: [Row; 37] = [
    ("conversation.user.replied", "comment", USER, TEXT, "open", &ALL),
    ("conversation.user.replied", "open", USER, TEXT, "open", &ALL),
    ("conversation.admin.replied", "comment", ADMIN, TEXT, "open", &ALL),
    ("conversation.admin.replied", "assignment", ADMIN, TEXT, "open", &ALL),
    ("conversation.admin.replied", "open", ADMIN, TEXT, "open", FROM_V1),
    ("conversation.admin.replied.translated", "comment", ADMIN, TEXT, "open", &[Family::V2b]),
    ("conversation.admin.noted", "note", ADMIN, TEXT, "open", &ALL),
    ("conversation.admin.noted", "note_and_unsnooze", ADMIN, TEXT, "open", FROM_V1),
    ("conversation.admin.noted", "note_and_reopen", ADMIN, TEXT, "open", FROM_V1),
    ("conversation.admin.assigned", "assignment", ADMIN, None, "open", &ALL),
    ("conversation.admin.assigned", "assignment", ADMIN, TEXT, "open", &ALL),
    ("conversation.admin.assigned", "assignment", BOT, None, "open", FROM_V2),
    ("conversation.admin.assigned", "assignment", ("team", "2001"), None, "open", FROM_V2),
    ("conversation.admin.assigned", "workflow_assignment", BOT, None, "open", FROM_V2),
    ("conversation.admin.assigned", "away_mode_assignment", BOT, None, "open", FROM_V2),
    ("conversation.admin.assigned", "assign_and_unsnooze", ADMIN, None, "open", FROM_V1),
    ("conversation.admin.assigned", "assign_and_reopen", ADMIN, TEXT, "open", FROM_V1),
    ("conversation.admin.open.assigned", "assignment", ADMIN, None, "open", FROM_V2),
    ("conversation.admin.opened", "open", ADMIN, None, "open", &ALL),
    ("conversation.admin.opened", "assign_and_reopen", ADMIN, None, "open", FROM_V1),
    ("conversation.admin.closed", "close", ADMIN, None, "closed", &ALL),
    ("conversation.admin.closed", "close", ADMIN, TEXT, "closed", &ALL),
    ("conversation.admin.closed", "close", BOT, None, "closed", FROM_V2),
    ("conversation.admin.snoozed", "snoozed", ADMIN, None, "snoozed", FROM_V1),
    ("conversation.admin.snoozed", "snoozed", ADMIN, TEXT, "snoozed", FROM_V1),
    ("conversation.admin.unsnoozed", "unsnoozed", ADMIN, None, "open", FROM_V1),
    ("conversation.admin.unsnoozed", "timer_unsnooze", BOT, None, "open", FROM_V1),
    ("conversation.operator.replied", "comment", BOT, TEXT, "open", FROM_V2),
    ("conversation.operator.replied", "channel_and_reply_time_expectation", BOT, TEXT, "open", FROM_V2),
    ("conversation.rating.added", "conversation_rating_changed", USER, None, "closed", FROM_V1),
    ("conversation.priority.updated", "priority_changed", ADMIN, None, "open", FROM_V2),
    ("conversation_part.tag.created", "comment", USER, TEXT, "open", FROM_V1),
    ("conversation_part.redacted", "comment", USER, None, "open", FROM_V1),
    ("conversation_part.redacted", "open", USER, TEXT, "open", FROM_V1),
    ("conversation_part.redacted", "comment", ADMIN, TEXT, "open", FROM_V1),
    ("conversation.read", "comment", BOT, TEXT, "open", FROM_V2),
    ("conversation.of_tomorrow", "conversation_sla_paused", ADMIN, None, "open", FROM_V2),
];

/// What each family concludes; families that agree stand together.
async fn concluded(tellings: &[(String, &[Family], Telling)]) -> String {
    let mut houses = Vec::new();
    for family in ALL {
        houses.push((family, told_only().await));
    }
    let mut lines = Vec::new();
    for (name, families, told) in tellings {
        lines.push(name.clone());
        let mut said: Vec<(String, Vec<&str>)> = Vec::new();
        for (family, house) in houses.iter().filter(|(family, _)| families.contains(family)) {
            assert_eq!(deliver(house, &family.notification(told)).await, 200, "{name} {family:?}");
            let known = house.known(&conversation_id(told.id)).await;
            let concluded = known.map_or("nothing".to_owned(), |known| brief(&known));
            match said.iter_mut().find(|(other, _)| *other == concluded) {
                Some((_, families)) => families.push(family.name()),
                None => said.push((concluded, vec![family.name()])),
            }
        }
        lines.extend(said.into_iter().map(|(concluded, families)| format!("    {}: {concluded}", families.join(" "))));
    }
    lines.join("\n")
}

#[tokio::test]
async fn every_topic_with_a_part_means_the_same_in_every_family() {
    let tellings = (5001..).zip(WITH_A_PART).map(|(id, (topic, kind, by, body, state, families))| {
        let mut told = telling(id, topic, 600);
        let at = if topic.starts_with("conversation_part.") { 300 } else { 600 };
        told.parts = vec![Part { id: 7001, kind, by, body, at }];
        told.state = state;
        if by == USER && body.is_some() && at == 600 {
            told.contact_at = Some(600);
        }
        let text = if body.is_some() { ", with text" } else { "" };
        (format!("{topic}: {kind} by {}{text}", by.0), families, told)
    });
    insta::assert_snapshot!(concluded(&tellings.collect::<Vec<_>>()).await, @r"
    conversation.user.replied: comment by user, with text
        v0: 7001 at 600: contact_reply by contact, state unknown
        v1 v2 v2b: 7001 at 600: contact_reply by contact, open
    conversation.user.replied: open by user, with text
        v0: 7001 at 600: contact_reply by contact + opened by contact, state unknown
        v1 v2 v2b: 7001 at 600: contact_reply by contact + opened by contact, open
    conversation.admin.replied: comment by admin, with text
        v0: 7001 at 600: teammate_reply by teammate, state unknown
        v1 v2 v2b: 7001 at 600: teammate_reply by teammate, open
    conversation.admin.replied: assignment by admin, with text
        v0: 7001 at 600: teammate_reply by teammate + assigned by teammate, state unknown
        v1 v2 v2b: 7001 at 600: teammate_reply by teammate + assigned by teammate, open
    conversation.admin.replied: open by admin, with text
        v1 v2 v2b: 7001 at 600: teammate_reply by teammate + opened by teammate, open
    conversation.admin.replied.translated: comment by admin, with text
        v2b: 7001 at 600: teammate_reply by teammate, open
    conversation.admin.noted: note by admin, with text
        v0: 7001 at 600: note by teammate, state unknown
        v1 v2 v2b: 7001 at 600: note by teammate, open
    conversation.admin.noted: note_and_unsnooze by admin, with text
        v1 v2 v2b: 7001 at 600: note by teammate + unsnoozed by teammate, open
    conversation.admin.noted: note_and_reopen by admin, with text
        v1 v2 v2b: 7001 at 600: note by teammate + opened by teammate, open
    conversation.admin.assigned: assignment by admin
        v0: 7001 at 600: assigned by teammate, state unknown
        v1 v2 v2b: 7001 at 600: assigned by teammate, open
    conversation.admin.assigned: assignment by admin, with text
        v0: 7001 at 600: teammate_reply by teammate + assigned by teammate, state unknown
        v1 v2 v2b: 7001 at 600: teammate_reply by teammate + assigned by teammate, open
    conversation.admin.assigned: assignment by bot
        v2 v2b: 7001 at 600: assigned by bot, open
    conversation.admin.assigned: assignment by team
        v2 v2b: 7001 at 600: assigned by unknown, open
    conversation.admin.assigned: workflow_assignment by bot
        v2 v2b: 7001 at 600: assigned by bot, open
    conversation.admin.assigned: away_mode_assignment by bot
        v2 v2b: 7001 at 600: assigned by bot, open
    conversation.admin.assigned: assign_and_unsnooze by admin
        v1 v2 v2b: 7001 at 600: assigned by teammate + unsnoozed by teammate, open
    conversation.admin.assigned: assign_and_reopen by admin, with text
        v1 v2 v2b: 7001 at 600: teammate_reply by teammate + assigned by teammate + opened by teammate, open
    conversation.admin.open.assigned: assignment by admin
        v2 v2b: 7001 at 600: assigned by teammate, open
    conversation.admin.opened: open by admin
        v0: 7001 at 600: opened by teammate, state unknown
        v1 v2 v2b: 7001 at 600: opened by teammate, open
    conversation.admin.opened: assign_and_reopen by admin
        v1 v2 v2b: 7001 at 600: assigned by teammate + opened by teammate, open
    conversation.admin.closed: close by admin
        v0 v1 v2 v2b: 7001 at 600: closed by teammate, closed
    conversation.admin.closed: close by admin, with text
        v0 v1 v2 v2b: 7001 at 600: teammate_reply by teammate + closed by teammate, closed
    conversation.admin.closed: close by bot
        v2 v2b: 7001 at 600: closed by bot, closed
    conversation.admin.snoozed: snoozed by admin
        v1 v2 v2b: 7001 at 600: snoozed by teammate, snoozed until 86400
    conversation.admin.snoozed: snoozed by admin, with text
        v1 v2 v2b: 7001 at 600: teammate_reply by teammate + snoozed by teammate, snoozed until 86400
    conversation.admin.unsnoozed: unsnoozed by admin
        v1 v2 v2b: 7001 at 600: unsnoozed by teammate, open
    conversation.admin.unsnoozed: timer_unsnooze by bot
        v1 v2 v2b: 7001 at 600: unsnoozed by timer, open
    conversation.operator.replied: comment by bot, with text
        v2 v2b: 7001 at 600: bot_reply by bot, open
    conversation.operator.replied: channel_and_reply_time_expectation by bot, with text
        v2 v2b: 7001 at 600: other by bot, open
    conversation.rating.added: conversation_rating_changed by user
        v1 v2 v2b: 7001 at 600: rated by contact, closed
    conversation.priority.updated: priority_changed by admin
        v2 v2b: 7001 at 600: other by teammate, open
    conversation_part.tag.created: comment by user, with text
        v1 v2 v2b: 7001 at 300: contact_reply by contact, open
    conversation_part.redacted: comment by user
        v1 v2 v2b: 7001 at 300: contact_reply by contact, open
    conversation_part.redacted: open by user, with text
        v1 v2 v2b: 7001 at 300: contact_reply by contact + opened by contact, open
    conversation_part.redacted: comment by admin, with text
        v1 v2 v2b: 7001 at 300: teammate_reply by teammate, open
    conversation.read: comment by bot, with text
        v2 v2b: at 600: read by contact, 7001 at 600: bot_reply by bot, open
    conversation.of_tomorrow: conversation_sla_paused by admin
        v2 v2b: 7001 at 600: other by teammate, open
    ");
}

#[tokio::test]
async fn what_has_no_part_tells_of_the_opening_message() {
    let mut tellings = Vec::new();
    for (id, (topic, begun_by, delivered_as, state, families)) in (6001..).zip([
        ("conversation.user.created", USER, "customer_initiated", "open", &ALL[..]),
        ("conversation.admin.single.created", ADMIN, "admin_initiated", "closed", FROM_V1),
        ("conversation.operator.replied", BOT, "operator_initiated", "closed", FROM_V2),
        ("conversation.read", ADMIN, "automated", "closed", FROM_V1),
        ("conversation.rating.added", USER, "customer_initiated", "closed", FROM_V1),
    ]) {
        let mut told = telling(id, topic, 600);
        (told.begun_by, told.delivered_as, told.state) = (begun_by, delivered_as, state);
        told.contact_at = (begun_by == USER).then_some(0);
        tellings.push((format!("{topic}: begun by {} ({delivered_as})", begun_by.0), families, told));
    }
    insta::assert_snapshot!(concluded(&tellings).await, @r"
    conversation.user.created: begun by user (customer_initiated)
        v0: source:9001 at 0: contact_reply by contact, state unknown, whole
        v1 v2 v2b: source:9001 at 0: contact_reply by contact, open, whole
    conversation.admin.single.created: begun by admin (admin_initiated)
        v1 v2 v2b: source:9001 at 0: teammate_reply by teammate, closed
    conversation.operator.replied: begun by bot (operator_initiated)
        v2 v2b: source:9001 at 0: bot_reply by bot, closed
    conversation.read: begun by admin (automated)
        v1: source:9001 at 0: other by teammate, at 600: read by contact, closed
        v2 v2b: source:9001 at 0: bot_reply by bot, at 600: read by contact, closed
    conversation.rating.added: begun by user (customer_initiated)
        v1 v2 v2b: source:9001 at 0: contact_reply by contact, at 600: rated by contact, closed
    ");
}

/// The contact's reading shows parts by bots, of which one says something.
#[tokio::test]
async fn a_reading_shows_several_parts_and_is_no_reply() {
    let mut told = telling(5900, "conversation.read", 900);
    let kinds = ["comment", "channel_and_reply_time_expectation", "attribute_collector", "quick_reply"];
    told.parts = (7001..).zip(kinds).map(|(id, kind)| Part { id, kind, by: BOT, body: TEXT, at: 600 }).collect();
    let tellings = [("conversation.read".to_owned(), FROM_V2, told)];
    insta::assert_snapshot!(concluded(&tellings).await, @r"
    conversation.read
        v2 v2b: 7003 at 600: other by bot, 7004 at 600: bot_reply by bot, at 900: read by contact, open
    ");
}

/// Facts of a conversation that a teammate has, a team has, or nobody.
#[tokio::test]
async fn what_a_family_does_not_tell_stays_unknown() {
    let mut lines = Vec::new();
    for family in ALL {
        let house = told_only().await;
        for (id, assignee) in [(5001, "admin 1001"), (5002, "team 2001"), (5003, "nobody")] {
            let mut told = telling(id, "conversation.admin.assigned", 600);
            told.assignee = assignee;
            assert_eq!(deliver(&house, &family.notification(&told)).await, 200);
            let known = house.known(&conversation_id(id)).await.unwrap();
            let facts = known.facts().unwrap();
            let who = |known: &Option<Option<String>>| match known {
                None => "?".to_owned(),
                Some(who) => who.clone().unwrap_or_else(|| "nobody".to_owned()),
            };
            let known_or = |known: bool| if known { "known" } else { "?" };
            lines.push(format!(
                "{}, {assignee}: teammate {}, team {}, state {}, tags {}, priority {}, Fin {}, channel {}, beginning {}",
                family.name(),
                who(&facts.admin_assignee_id),
                who(&facts.team_assignee_id),
                known_or(facts.state.is_some()),
                known_or(facts.tags.is_some()),
                facts.priority.as_deref().unwrap_or("?"),
                known_or(facts.ai_resolution.is_some()),
                known.channel.as_deref().unwrap_or("?"),
                known.delivered_as.as_deref().unwrap_or("?"),
            ));
        }
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    v0, admin 1001: teammate 1001, team ?, state ?, tags ?, priority ?, Fin ?, channel ?, beginning ?
    v0, team 2001: teammate ?, team 2001, state ?, tags ?, priority ?, Fin ?, channel ?, beginning ?
    v0, nobody: teammate nobody, team ?, state ?, tags ?, priority ?, Fin ?, channel ?, beginning ?
    v1, admin 1001: teammate 1001, team ?, state known, tags known, priority ?, Fin ?, channel ?, beginning ?
    v1, team 2001: teammate ?, team 2001, state known, tags known, priority ?, Fin ?, channel ?, beginning ?
    v1, nobody: teammate nobody, team ?, state known, tags known, priority ?, Fin ?, channel ?, beginning ?
    v2, admin 1001: teammate 1001, team nobody, state known, tags known, priority none, Fin known, channel conversation, beginning customer_initiated
    v2, team 2001: teammate nobody, team 2001, state known, tags known, priority none, Fin known, channel conversation, beginning customer_initiated
    v2, nobody: teammate nobody, team nobody, state known, tags known, priority none, Fin known, channel conversation, beginning customer_initiated
    v2b, admin 1001: teammate 1001, team nobody, state known, tags known, priority none, Fin known, channel conversation, beginning customer_initiated
    v2b, team 2001: teammate nobody, team 2001, state known, tags known, priority none, Fin known, channel conversation, beginning customer_initiated
    v2b, nobody: teammate nobody, team nobody, state known, tags known, priority none, Fin known, channel conversation, beginning customer_initiated
    ");
}
