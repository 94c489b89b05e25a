//! What holds for everything that is read of a conversation, wherever it came from.

use autoclosed::engine::{Conversation, ConversationId, Part, Sighting, State};
use jiff::Timestamp;

/// From the year 2000 on, up to 2100: nothing else is a date of Intercom's.
pub(crate) fn is_possible(at: Timestamp) -> bool {
    (946_684_800..4_102_444_800).contains(&at.as_second()) && at.subsec_nanosecond() == 0
}

pub(crate) fn is_id(id: &ConversationId) -> bool {
    is_number(id.as_str())
}

pub(crate) fn is_number(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Short, and without a character that could steer a terminal or break a line.
pub(crate) fn is_word(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_digest(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Fails on a sighting that could mislead whatever comes after it.
pub(crate) fn check(seen: &Sighting) {
    assert!(is_id(&seen.id), "the id `{}` would go into a URL", seen.id);
    let dates = [seen.created_at, seen.last_contact_reply_at];
    assert!(dates.into_iter().flatten().all(is_possible), "{dates:?}");
    for word in [&seen.channel, &seen.delivered_as].into_iter().flatten() {
        assert!(is_word(word, 128), "{word:?}");
    }
    seen.parts.iter().for_each(check_part);
    let Some(snapshot) = &seen.snapshot else { return };
    assert!(is_possible(snapshot.version.updated_at), "{:?}", snapshot.version);
    if let Some(State::Snoozed { until: Some(until) }) = snapshot.facts.state {
        assert!(is_possible(until), "snoozed until {until}");
    }
    let assignees = [&snapshot.facts.admin_assignee_id, &snapshot.facts.team_assignee_id];
    for id in assignees.into_iter().flatten().flatten() {
        assert!(is_word(id, 128), "assigned to {id:?}");
    }
    assert!(snapshot.facts.tags.as_ref().is_none_or(|tags| tags.is_sorted()), "tags are a set");
}

fn check_part(part: &Part) {
    assert!(is_possible(part.at), "{part:?}");
    assert!(!part.classes.is_empty(), "{part:?}");
    assert!(part.digest.as_deref().is_none_or(is_digest), "{part:?}");
    assert!(part.admin_id.as_deref().is_none_or(|id| is_word(id, 128)), "{part:?}");
}

/// What is known after all of these, one after the other.
pub(crate) fn folded<'a>(seen: impl IntoIterator<Item = &'a Sighting>, admin_id: Option<&str>) -> Option<Conversation> {
    let mut seen = seen.into_iter().peekable();
    let first = Conversation::unread(seen.peek()?.id.clone());
    Some(seen.fold(first, |known, seen| known.after(seen, admin_id)))
}

/// Whether no part is told to be by different people: of such, whoever is told first is believed.
fn agree_on_authors(seen: &[Sighting]) -> bool {
    let parts: Vec<&Part> = seen.iter().flat_map(|seen| &seen.parts).filter(|part| part.id.is_some()).collect();
    let agree = |one: &Part, other: &Part| one.id != other.id || one.admin_id == other.admin_id;
    parts.iter().enumerate().all(|(at, one)| parts[at + 1..].iter().all(|other| agree(one, other)))
}

/// Fails where the order or the number of tellings changes what is known of a conversation.
pub(crate) fn check_fold(seen: &[Sighting]) {
    for admin_id in [None, Some("814860")] {
        let Some(known) = folded(seen, admin_id) else { return };
        if agree_on_authors(seen) {
            assert_eq!(folded(seen.iter().rev(), admin_id).as_ref(), Some(&known), "backwards");
            assert_eq!(folded(seen.iter().chain(seen), admin_id).as_ref(), Some(&known), "all of it twice");
            assert_eq!(folded(seen.iter().flat_map(|one| [one, one]), admin_id).as_ref(), Some(&known), "each twice");
        }
        let dates = known.latest.values().map(|(at, _)| *at).chain(known.snooze_ends.iter().copied());
        assert!(dates.chain(known.created_at).all(is_possible), "{known:?}");
        assert!(known.by_admin.len() <= 64 && known.wakes.len() <= 8 && known.snooze_ends.len() <= 8, "it grows");
    }
}
