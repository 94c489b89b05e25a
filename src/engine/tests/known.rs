//! What is known of a conversation: what stays, what is forgotten, and which of two tellings is newer.

use super::*;

fn after(known: Conversation, seen: &Sighting) -> Conversation {
    known.after(seen, Some(ADMIN))
}

fn nothing() -> Sighting {
    Sighting::of(id())
}

#[test]
fn what_was_true_once_of_a_conversation_stays_true() {
    let once = Sighting { ticket: true, gone: true, whole: true, ..nothing() };
    let known = after(after(Conversation::unread(id()), &once), &nothing());
    assert!(known.ticket && known.gone && known.whole);
    let known = after(Conversation::unread(id()), &nothing());
    assert!(!known.ticket && !known.gone && !known.whole);
}

#[test]
fn the_eight_newest_ends_of_snoozes_are_remembered() {
    let mut known = Conversation::unread(id());
    for second in 1..=10 {
        let number = u64::try_from(second).unwrap();
        let parts = vec![part(number, at(second), Actor::Timer, &[Class::Unsnoozed])];
        let snapshot = Some(fetched(at(second), State::Snoozed { until: Some(at(second)) }, &[]));
        known = after(known, &Sighting { snapshot, parts, ..nothing() });
    }
    let newest: Vec<Timestamp> = (3..=10).map(at).collect();
    assert_eq!(known.snooze_ends.into_iter().collect::<Vec<_>>(), newest);
    assert_eq!(known.wakes.into_iter().map(|(at, _)| at).collect::<Vec<_>>(), newest);
}

/// The same part, told again after another admin has begun to act for us.
#[test]
fn a_part_of_our_admin_s_stays_his_when_another_one_acts_for_us() {
    let ours = Part { admin_id: Some(ADMIN.into()), ..part(5, at(5), Actor::Teammate, &[Class::Note]) };
    let told = |part: &Part| Sighting { parts: vec![part.clone()], ..nothing() };
    let known = after(Conversation::unread(id()), &told(&ours)).after(&told(&ours), Some("100"));
    assert_eq!((known.by_admin.len(), known.latest.len()), (1, 0));
    let other = Part { id: Some(PartId::Part(6)), ..ours };
    let known = known.after(&told(&other), Some("100"));
    assert_eq!((known.by_admin.len(), known.latest.len()), (1, 1));
}

#[test]
fn it_knows_when_it_was_changed_and_when_the_contact_wrote_last() {
    let parts = vec![
        part(1, at(10), Actor::Contact, &[Class::ContactReply]),
        part(2, at(20), Actor::Teammate, &[Class::TeammateReply]),
    ];
    let seen = Sighting { parts, snapshot: Some(fetched(at(20), State::Open, &[])), ..nothing() };
    let known = after(Conversation::unread(id()), &seen);
    assert_eq!(known.updated_at(), Some(at(20)));
    assert_eq!(known.last_contact_reply(), Some((at(10), Some(PartId::Part(1)))));
    let unread = Conversation::unread(id());
    assert_eq!((unread.updated_at(), unread.last_contact_reply()), (None, None));
}

/// Changed then, asked for or told, and made so many seconds later.
fn telling(updated: i64, fetched_: bool, made: i64, tags: &[&str]) -> Sighting {
    let told = fetched(at(updated), State::Open, tags);
    let version = Version { fetched: fetched_, created_at: at(updated + made), ..told.version };
    Sighting { snapshot: Some(Snapshot { version, ..told }), ..nothing() }
}

#[test]
fn what_is_known_is_newer_by_its_change_and_of_two_notifications_by_when_they_were_made() {
    let (asked, told) = (true, false);
    for (name, known, new, newer) in [
        ("changed later", (2, told, 0), (1, told, 9), true),
        ("changed earlier", (1, told, 9), (2, told, 0), false),
        ("asked for, and changed later", (2, asked, 0), (1, told, 0), true),
        ("told of one second, and made later", (1, told, 2), (1, told, 1), true),
        ("told of one second, and made earlier", (1, told, 1), (1, told, 2), false),
        ("the same", (1, told, 1), (1, told, 1), false),
        ("of one second, asked for and told", (1, asked, 2), (1, told, 1), false),
        ("of one second, told and asked for", (1, told, 2), (1, asked, 1), false),
        ("of one second, both asked for", (1, asked, 2), (1, asked, 1), false),
        ("made later, but changed earlier", (1, told, 9), (2, told, 1), false),
    ] {
        let of = |(updated, fetched, made)| telling(updated, fetched, made, &[]);
        let known = after(Conversation::unread(id()), &of(known));
        assert_eq!(known.is_newer_than(&of(new)), newer, "{name}");
        assert!(!known.is_newer_than(&nothing()) && !Conversation::unread(id()).is_newer_than(&of(new)));
    }
}

#[test]
fn two_stories_of_one_second_disagree_until_it_was_read_two_seconds_later() {
    let (asked, told) = (true, false);
    for (name, known, new, tags, disagree) in [
        ("two notifications", (1, told, 0), (1, told, 0), &["vip"][..], true),
        ("the same story", (1, told, 0), (1, told, 0), &[], false),
        ("of another second", (1, told, 0), (2, told, 0), &["vip"], false),
        ("read at once", (1, told, 0), (1, asked, 1), &["vip"], true),
        ("read two seconds later", (1, told, 0), (1, asked, 2), &["vip"], false),
        ("known from such a reading", (1, asked, 2), (1, told, 0), &["vip"], false),
        ("two such readings", (1, asked, 2), (1, asked, 2), &["vip"], true),
        ("told two seconds later", (1, told, 0), (1, told, 2), &["vip"], true),
    ] {
        let of = |(updated, fetched, made), tags: &[&str]| telling(updated, fetched, made, tags);
        let known = after(Conversation::unread(id()), &of(known, &[]));
        assert_eq!(known.disagrees_with(&of(new, tags)), disagree, "{name}");
        assert!(!known.disagrees_with(&nothing()));
    }
}
