//! Where one case ends and the next begins: what no story tells and no law asks for.

use std::sync::Arc;

use super::world::{attempt, step};
use super::*;
use crate::engine::rule::{Labels, Setting};
use crate::engine::why::PassedOver;

const DAY: i64 = 86_400;

const QUIET: &str = r#"
[[rule]]
name = "quiet"
match_all = true
[[rule.step]]
after = "1 day"
do = "close"
silent = true
"#;

/// The contact writes at 10, a teammate answers at 20; read whole at 20.
fn answered(more: Vec<Part>) -> Conversation {
    tagged(&[], more)
}

/// The same, with these tags.
fn tagged(tags: &[&str], more: Vec<Part>) -> Conversation {
    let mut parts = vec![
        part(1, at(10), Actor::Contact, &[Class::ContactReply]),
        part(2, at(20), Actor::Teammate, &[Class::TeammateReply]),
    ];
    parts.extend(more);
    let (snapshot, channel) = (Some(fetched(at(20), State::Open, tags)), Some("conversation".to_owned()));
    let seen = Sighting { parts, snapshot, channel, whole: true, ..Sighting::of(id()) };
    Conversation::unread(id()).after(&seen, Some(ADMIN))
}

/// A close of ours that was done then.
fn closed(seconds: i64) -> Attempt {
    Attempt {
        phase: Phase::Done,
        done_at: Some(at(seconds)),
        ..attempt("quiet".into(), step("close"), at(20), at(seconds))
    }
}

fn decided(conversation: &Conversation, attempts: Vec<Attempt>, rules_text: &str, now: i64) -> String {
    let history = History { attempts, ..History::default() };
    brief(&decide(conversation, &history, &rules(rules_text), at(now)))
}

/// The action; whether it speaks; its templates; whether it has labels; when it says that the close comes.
type Says<'a> = (Action, bool, Vec<&'a Arc<str>>, bool, Option<Timestamp>);

#[test]
fn an_action_says_what_it_brings() {
    let (text, attribute): (Arc<str>, Arc<str>) = ("hello".into(), "so".into());
    let labels = Labels {
        tags: vec!["quiet".into()],
        set: [("why".to_owned(), Setting::Template(attribute.clone()))].into(),
        ..Labels::default()
    };
    let (body, closes_at) = (text.clone(), Some(at(DAY)));
    let close = |body, labels| Action::Close { body, muted: None, labels };
    let table: [Says<'_>; 8] = [
        (Action::Reply { body: body.clone(), closes_at }, true, vec![&text], false, closes_at),
        (Action::Note { body: body.clone(), closes_at }, false, vec![&text], false, closes_at),
        (close(Some(body), labels.clone()), true, vec![&text, &attribute], true, None),
        (close(None, Labels::default()), false, vec![], true, None),
        (Action::Label { labels, closes_at }, false, vec![&attribute], true, closes_at),
        (Action::Snooze { until: at(1) }, false, vec![], false, None),
        (Action::Open, false, vec![], false, None),
        (Action::PassOver { why: PassedOver::SaidAlready }, false, vec![], false, None),
    ];
    for (action, speaks, templates, labelled, closes_at) in &table {
        assert_eq!(action.speaks(), *speaks, "{action:?}");
        assert_eq!(&action.templates().collect::<Vec<_>>(), templates, "{action:?}");
        assert_eq!(action.closes_at(), *closes_at, "{action:?}");
        let (Action::Close { labels, .. } | Action::Label { labels, .. }) = action else {
            assert_eq!((action.labels(), *labelled), (None, false), "{action:?}");
            continue;
        };
        assert_eq!((action.labels(), *labelled), (Some(labels), true), "{action:?}");
    }
}

#[test]
fn what_was_never_read_waits_for_no_hold_to_end() {
    let hold = Some(Hold { since: at(0), until: Some(at(DAY)) });
    let says = |conversation: &Conversation| {
        brief(&decide(conversation, &History { hold, ..History::default() }, &rules(QUIET), at(60)))
    };
    assert_eq!(says(&Conversation::unread(id())), "leave: not read yet");
    assert_eq!(
        says(&answered(Vec::new())),
        "wait until 2026-03-03 00:00:00 UTC: held by hand until 2026-03-03 00:00:00 UTC"
    );
}

#[test]
fn after_an_undo_no_rule_acts_until_a_person_speaks_later_than_the_close() {
    let undone = Attempt { undone: Some(history::Undone { at: at(2 * DAY), awaited: false }), ..closed(DAY + 20) };
    let spoke = |seconds| answered(vec![part(3, at(seconds), Actor::Contact, &[Class::ContactReply])]);
    let left = "leave: its close was undone at 2026-03-04 00:00:00 UTC; no rule touches it until the contact or a teammate writes";
    for (conversation, expected) in [
        (answered(Vec::new()), left),
        (spoke(DAY + 20), left),
        (
            spoke(DAY + 21),
            "close silently by `close` of `quiet`: 1 day without a word since the contact wrote at 2026-03-03 00:00:21 UTC",
        ),
    ] {
        assert_eq!(decided(&conversation, vec![undone.clone()], COUNTS_ALL, 9 * DAY), expected);
    }
}

const COUNTS_ALL: &str = r#"
[[rule]]
name = "quiet"
match.waiting_on = "anyone"
counts_from = ["contact_reply", "teammate_reply"]
[[rule.step]]
after = "1 day"
do = "close"
silent = true
"#;

#[test]
fn a_close_in_the_second_of_the_contact_s_reply_is_not_a_close_without_a_word() {
    let again = |seconds| {
        let reply = part(3, at(seconds), Actor::Contact, &[Class::ContactReply]);
        let answer = part(4, at(2 * DAY), Actor::Teammate, &[Class::TeammateReply]);
        decided(&answered(vec![reply, answer]), [DAY, DAY + 1].map(closed).to_vec(), QUIET, 9 * DAY)
    };
    assert_eq!(again(DAY - 1), "leave: closed 2 times without a word from the contact");
    assert!(again(DAY).starts_with("close silently"), "{}", again(DAY));
}

#[test]
fn what_a_rule_below_may_leave_alone_is_left_to_the_one_above_it_unless_one_has_begun() {
    let text = r#"
[[rule]]
name = "first"
match_all = true
[[rule.step]]
after = "1 day"
do = "reply"
body = "Did that solve it?"
[[rule]]
name = "not these"
match.attribute.tier = "gold"
leave = true
"#;
    let tried = attempt("first".into(), step("reply 1"), at(20), at(DAY + 20));
    let begun =
        Attempt { phase: Phase::Done, done_at: Some(at(3)), ..attempt("gone".into(), step("reply 1"), at(2), at(3)) };
    for attempts in [vec![tried], vec![begun]] {
        let decision = decided(&answered(Vec::new()), attempts, text, 2 * DAY);
        assert!(decision.starts_with("reply by `reply 1` of `first`"), "{decision}");
    }
}

#[test]
fn what_was_only_tried_keeps_a_conversation_from_no_rule_above_and_what_was_passed_over_does() {
    let text = r#"
[[rule]]
name = "first"
match.tags = ["vip"]
[[rule.step]]
after = "1 day"
do = "reply"
body = "Did that solve it?"
[[rule]]
name = "second"
match_all = true
[[rule.step]]
after = "1 day"
do = "reply"
body = "Anything else?"
"#;
    for (phase, of_the_first) in [(Phase::Open, true), (Phase::Passed, false)] {
        let tried = Attempt { phase, ..attempt("second".into(), step("reply 1"), at(20), at(DAY + 20)) };
        let decision = decided(&tagged(&["vip"], Vec::new()), vec![tried], text, 2 * DAY);
        assert_eq!(decision.starts_with("reply by `reply 1` of `first`"), of_the_first, "{decision}");
    }
}

#[test]
fn a_word_in_the_second_of_the_reopening_is_a_word() {
    let reopened = |spoke| {
        let opened = part(3, at(2 * DAY), Actor::Teammate, &[Class::Opened]);
        let word = part(4, at(spoke), Actor::Contact, &[Class::ContactReply]);
        decided(&answered(vec![opened, word]), vec![closed(DAY + 20)], COUNTS_ALL, 9 * DAY)
    };
    assert_eq!(reopened(DAY + 30), "leave: a person reopened it, and nobody has spoken since");
    assert!(reopened(2 * DAY).starts_with("close silently"), "{}", reopened(2 * DAY));
}
