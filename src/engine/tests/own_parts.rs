//! Which parts by our admin are our own, and which are a teammate's who shares him.

use super::world::{attempt, step};
use super::*;
use crate::engine::history::Undone;
use crate::engine::view::View;

/// When the deed was done, or the call was sent.
const THEN: i64 = 10_000;

/// A part 50 by our admin.
fn by_us(seconds: i64, classes: &[Class]) -> Part {
    Part { admin_id: Some(ADMIN.to_owned()), ..part(50, at(seconds), Actor::Teammate, classes) }
}

fn known(parts: &[Part]) -> Conversation {
    let seen = Sighting { parts: parts.to_vec(), whole: true, ..Sighting::of(id()) };
    Conversation::unread(id()).after(&seen, Some(ADMIN))
}

/// Whether part 50 counts as somebody else's.
fn counts(parts: &[Part], attempt: &Attempt) -> bool {
    let (conversation, history) = (known(parts), History { attempts: vec![attempt.clone()], ..History::default() });
    let view = View::of(&conversation, &history, at(9 * THEN));
    view.activities().iter().any(|activity| activity.part == Some(PartId::Part(50)))
}

fn tried(name: &str) -> Attempt {
    attempt("quiet".into(), step(name), at(20), at(THEN))
}

/// Done then; the answer named this part, or was lost.
fn done(name: &str, part: Option<u64>) -> Attempt {
    let deeds = vec![Deed { at: at(THEN), part: part.map(PartId::Part) }];
    Attempt { phase: Phase::Done, done_at: Some(at(THEN)), deeds, ..tried(name) }
}

#[test]
fn while_an_answer_is_missing_what_follows_the_call_is_ours() {
    let sent = |phase| Attempt { phase, sent_at: Some(at(THEN)), ..tried("reply 1") };
    let unclear = || sent(Phase::Unclear { look_at: at(0) });
    for (name, attempt, after, ours) in [
        ("unclear, just before the call", unclear(), -5, true),
        ("unclear, before that", unclear(), -6, false),
        ("unclear, long after", unclear(), 3 * THEN, true),
        ("lost for good, just before the call", sent(Phase::Failed), -5, true),
        ("lost for good, before that", sent(Phase::Failed), -6, false),
        ("lost for good, two minutes after", sent(Phase::Failed), 120, true),
        ("lost for good, after that", sent(Phase::Failed), 121, false),
        ("refused for good", Attempt { sent_at: None, ..sent(Phase::Failed) }, 0, false),
        ("taken up again", sent(Phase::Open), 0, false),
    ] {
        assert_eq!(!counts(&[by_us(THEN + after, &[Class::TeammateReply])], &attempt), ours, "{name}");
    }
}

#[test]
fn while_the_answer_to_an_undo_is_missing_what_opens_or_snoozes_it_is_ours() {
    let undone = |awaited| Attempt { undone: Some(Undone { at: at(THEN), awaited }), ..done("close", Some(7)) };
    let earlier = |attempt: Attempt| Attempt { deeds: vec![Deed { at: at(0), part: None }], ..attempt };
    for (name, awaited, after, classes, ours) in [
        ("opened", true, 900, &[Class::Opened][..], true),
        ("snoozed again", true, 900, &[Class::Snoozed], true),
        ("woken, just before the call", true, -5, &[Class::Unsnoozed], true),
        ("opened before that", true, -6, &[Class::Opened], false),
        ("closed", true, 900, &[Class::Closed], false),
        ("opened with a word", true, 900, &[Class::Opened, Class::TeammateReply], false),
        ("opened after the answer came", false, 900, &[Class::Opened], false),
    ] {
        assert_eq!(!counts(&[by_us(THEN + after, classes)], &earlier(undone(awaited))), ours, "{name}");
    }
}

#[test]
fn what_stands_beside_a_deed_of_ours_and_says_nothing_is_ours() {
    for (name, attempt, after, classes, ours) in [
        ("the part itself, whenever", done("reply 1", Some(50)), 900, &[Class::TeammateReply][..], true),
        ("it wakes", done("reply 1", Some(7)), -2, &[Class::Unsnoozed], true),
        ("it wakes a little later", done("reply 1", Some(7)), 2, &[Class::Unsnoozed], true),
        ("it wakes before", done("reply 1", Some(7)), -3, &[Class::Unsnoozed], false),
        ("it wakes later", done("reply 1", Some(7)), 3, &[Class::Unsnoozed], false),
        ("an attribute", done("close", Some(7)), 0, &[Class::Other], true),
        ("an attribute, and it wakes", done("close", Some(7)), 0, &[Class::Other, Class::Unsnoozed], true),
        ("assigned with an assignment", done("assign 1", Some(7)), 0, &[Class::Assigned], true),
        ("assigned with a reply", done("reply 1", Some(7)), 0, &[Class::Assigned], false),
        ("a note beside an assignment", done("assign 1", Some(7)), 0, &[Class::Note], false),
        ("a word beside another", done("reply 1", Some(7)), 0, &[Class::TeammateReply], false),
        ("a word that closes", done("close", Some(7)), 0, &[Class::TeammateReply, Class::Closed], false),
    ] {
        assert_eq!(!counts(&[by_us(THEN + after, classes)], &attempt), ours, "{name}");
    }
}

#[test]
fn where_the_answer_was_lost_our_own_words_tell_the_part() {
    let said = |attempt: Attempt, text: Option<&str>| Attempt { text: text.map(str::to_owned), ..attempt };
    for (name, attempt, reads, after, ours) in [
        ("the same text", said(done("reply 1", None), Some("keyed")), Some("keyed"), 2, true),
        ("the same text, later", said(done("reply 1", None), Some("keyed")), Some("keyed"), 3, false),
        ("another text", said(done("reply 1", None), Some("keyed")), Some("otherwise"), 0, false),
        ("no text at all", said(done("reply 1", None), None), None, 0, false),
        (
            "the same text, of a part that is known",
            said(done("reply 1", Some(7)), Some("keyed")),
            Some("keyed"),
            0,
            false,
        ),
    ] {
        let word = Part { digest: reads.map(str::to_owned), ..by_us(THEN + after, &[Class::TeammateReply]) };
        assert_eq!(!counts(&[word], &attempt), ours, "{name}");
    }
}

#[test]
fn what_reads_as_a_message_of_ours_is_ours_and_what_it_woke_too() {
    let said = Part {
        id: Some(PartId::Part(40)),
        reads_as: ["template".to_owned()].into(),
        ..by_us(THEN, &[Class::TeammateReply])
    };
    let itself = Part { id: Some(PartId::Part(50)), ..said.clone() };
    let nothing = tried("reply 1");
    assert!(!counts(&[itself], &nothing), "a message that nobody remembers");
    for (after, classes, ours) in [
        (-2, &[Class::Unsnoozed][..], true),
        (2, &[Class::Snoozed], true),
        (-3, &[Class::Unsnoozed], false),
        (3, &[Class::Unsnoozed], false),
        (0, &[Class::TeammateReply], false),
    ] {
        let beside = by_us(THEN + after, classes);
        assert_eq!(!counts(&[said.clone(), beside.clone()], &nothing), ours, "{classes:?} after {after}");
        assert!(counts(&[beside], &nothing), "{classes:?} beside nothing");
    }
}

/// Whoever sets an attribute for us is the teammate whose token it is.
#[test]
fn an_attribute_set_with_a_deed_of_ours_is_ours_whoever_s_name_it_bears() {
    for (name, deed, after, class, ours) in [
        ("with it", None, 2, Class::Other, true),
        ("just before it", None, -2, Class::Other, true),
        ("later", None, 3, Class::Other, false),
        ("a note", None, 0, Class::Note, false),
        ("with a deed whose part is known", Some(7), 0, Class::Other, false),
    ] {
        let by_another = part(50, at(THEN + after), Actor::Teammate, &[class]);
        assert_eq!(!counts(&[by_another], &done("update 1", deed)), ours, "{name}");
    }
}
