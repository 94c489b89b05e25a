//! What counts as said: by our attempts, and by messages that nobody remembers.

use super::world::{attempt, step};
use super::*;
use crate::engine::recalled::recalled;

#[test]
fn a_message_counts_as_said_from_when_it_was_sent_unless_it_was_taken_up_again() {
    let template = || Some("template".to_owned());
    let of = |name: &str, phase, sent: bool, template: Option<String>| {
        let sent_at = sent.then(|| at(100));
        Attempt { phase, sent_at, template, ..attempt("quiet".into(), step(name), at(20), at(100)) }
    };
    let unclear = Phase::Unclear { look_at: at(160) };
    for (name, attempt, wrote, spoke) in [
        ("done", of("reply 1", Phase::Done, true, template()), true, true),
        ("a last word", of("close", Phase::Raced, true, template()), true, true),
        ("nobody knows", of("reply 1", unclear, true, template()), true, true),
        ("nobody ever found out", of("reply 1", Phase::Failed, true, template()), true, true),
        ("a note", of("note 1", Phase::Done, true, template()), true, false),
        ("without a text", of("close", Phase::Done, true, None), false, false),
        ("refused for good", of("reply 1", Phase::Failed, false, template()), false, false),
        ("taken up again", of("reply 1", Phase::Open, true, template()), false, false),
        ("passed over", of("reply 1", Phase::Passed, true, template()), false, false),
    ] {
        assert_eq!((attempt.wrote(), attempt.spoke()), (wrote, spoke), "{name}");
    }
}

const RULES: &str = r#"
[[rule]]
name = "first"
match_all = true
step = [{ after = "1 day", do = "note", body = "Hello?" }, { after = "2 days", do = "close", body = "Bye." }]
[[rule]]
name = "second"
match_all = true
step = [{ after = "1 day", do = "reply", body = "Hello?" }, { after = "2 days", do = "close", body = "Hello?" }]
"#;

/// By our admin, and it reads as this template.
fn said(classes: &[Class], template: &str) -> Part {
    let admin_id = Some(ADMIN.to_owned());
    let reads_as = [rule::digest(template)].into();
    Part { admin_id, reads_as, ..part(50, at(500), Actor::Teammate, classes) }
}

#[test]
fn what_nobody_remembers_is_told_by_its_text_and_its_kind() {
    for (classes, template, want) in [
        (&[Class::TeammateReply][..], "Hello?", "reply 1 of second"),
        (&[Class::Note], "Hello?", "note 1 of first"),
        (&[Class::TeammateReply, Class::Closed], "Hello?", "close of second"),
        (&[Class::TeammateReply, Class::Closed], "Bye.", "close of first"),
        (&[Class::TeammateReply], "Bye.", "reply 1 of (one that is gone)"),
    ] {
        let seen = Sighting { parts: vec![said(classes, template)], ..Sighting::of(id()) };
        let conversation = Conversation::unread(id()).after(&seen, Some(ADMIN));
        let history = History::default();
        let known = recalled(&conversation, &history, &rules(RULES));
        let told: Vec<_> = known.attempts.iter().map(|known| format!("{} of {}", known.step, known.rule)).collect();
        assert_eq!(told, [want], "{classes:?} {template}");
        assert_eq!((known.attempts[0].done_at, known.attempts[0].phase), (Some(at(500)), Phase::Done));
    }
}

#[test]
fn what_an_attempt_is_known_to_have_said_is_told_once() {
    let seen = Sighting { parts: vec![said(&[Class::TeammateReply], "Hello?")], ..Sighting::of(id()) };
    let conversation = Conversation::unread(id()).after(&seen, Some(ADMIN));
    let deeds = vec![Deed { at: at(500), part: Some(PartId::Part(50)) }];
    let done = Attempt { phase: Phase::Done, deeds, ..attempt("second".into(), step("reply 1"), at(20), at(500)) };
    let history = History { attempts: vec![done], ..History::default() };
    assert_eq!(*recalled(&conversation, &history, &rules(RULES)), history);
    let silent =
        Sighting { parts: vec![Part { reads_as: [].into(), ..said(&[Class::Note], "") }], ..Sighting::of(id()) };
    let silent = Conversation::unread(id()).after(&silent, Some(ADMIN));
    assert_eq!(*recalled(&silent, &History::default(), &rules(RULES)), History::default());
}
