//! Every reason to wait, to act, to pass over and to leave.

use super::world::{attempt, sent, step};
use super::*;

const RULES: &str = r#"
[[rule]]
name = "quiet"
match.state = ["open"]
[[rule.step]]
after = "1 day"
do = "reply"
body = "Did that solve it?"
[[rule.step]]
after = "2 days"
do = "close"
body = "Closing this."

[[rule]]
name = "snoozed"
match.state = ["snoozed"]
counts_from = "teammate_reply"
match.waiting_on = "anyone"
[[rule.step]]
after = "3 days"
do = "close"
silent = true
"#;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// A contact writes at second 10, a teammate answers at second 20, and it was read whole.
fn answered(state: State, tags: &[&str]) -> Conversation {
    let parts = vec![
        part(1, at(10), Actor::Contact, &[Class::ContactReply]),
        part(2, at(20), Actor::Teammate, &[Class::TeammateReply]),
    ];
    let (snapshot, channel) = (Some(fetched(at(20), state, tags)), Some("conversation".to_owned()));
    Conversation::unread(id()).after(&Sighting { parts, snapshot, channel, whole: true, ..Sighting::of(id()) }, None)
}

fn also(conversation: Conversation, number: u64, second: i64, actor: Actor, class: Class) -> Conversation {
    conversation.after(&Sighting { parts: vec![part(number, at(second), actor, &[class])], ..Sighting::of(id()) }, None)
}

fn open() -> Conversation {
    answered(State::Open, &[])
}

/// A step of `quiet`, counted from the teammate's answer.
fn quiet(name: &str, phase: Phase) -> Attempt {
    Attempt { phase, ..attempt("quiet".into(), step(name), at(20), at(20 + DAY)) }
}

fn reminded() -> Attempt {
    sent("quiet", "reply 1", at(20), at(20 + DAY), "Did that solve it?")
}

fn decided(conversation: &Conversation, attempts: Vec<Attempt>, now: i64) -> String {
    super::story::told(&brief(&decide(
        conversation,
        &History { attempts, ..History::default() },
        &rules(RULES),
        at(now),
    )))
}

#[test]
fn every_reason_to_leave() {
    let snoozed = answered(State::Snoozed { until: None }, &[]);
    let owed = also(snoozed, 3, 30, Actor::Contact, Class::ContactReply);
    let tie = also(answered(State::Snoozed { until: None }, &[]), 3, 20, Actor::Contact, Class::ContactReply);
    let closed = |anchor: i64| sent("quiet", "close", at(anchor), at(anchor), "Closing this.");
    let reopened = also(open(), 3, 100, Actor::Teammate, Class::Opened);
    let bot_only =
        Sighting { whole: true, parts: vec![part(1, at(1), Actor::Bot, &[Class::BotReply])], ..Sighting::of(id()) };
    let bot_only = Conversation {
        latest: Conversation::unread(id()).after(&bot_only, None).latest,
        ..answered(State::Snoozed { until: None }, &[])
    };
    let table = [
        ("known by its id only", Conversation::unread(id()), vec![], "not read yet"),
        ("gone", Conversation { gone: true, ..open() }, vec![], "it no longer exists in Intercom"),
        ("a ticket", Conversation { ticket: true, ..open() }, vec![], "it is a ticket"),
        ("closed", answered(State::Closed, &[]), vec![], "it is closed"),
        ("held", answered(State::Open, &["autoclose-hold"]), vec![], "held by the tag `autoclose-hold`"),
        (
            "lost answer",
            open(),
            vec![quiet("reply 1", Phase::Unclear { look_at: at(0) })],
            "the answer to the last call was lost; looking into it",
        ),
        (
            "no rule fits",
            also(open(), 3, 30, Actor::Contact, Class::ContactReply),
            vec![],
            "no rule fits: `quiet`: the contact is owed an answer; `snoozed`: it is open",
        ),
        ("owed", owed, vec![], "the contact spoke after what the rule counts from and is owed an answer"),
        (
            "owed, in the same second",
            tie,
            vec![],
            "the contact spoke after what the rule counts from and is owed an answer",
        ),
        (
            "nothing to count from",
            bot_only,
            vec![],
            "no rule fits: `quiet`: it is snoozed; `snoozed`: the contact never wrote",
        ),
        ("all done", open(), vec![reminded(), quiet("close", Phase::Raced)], "every step of the rule is done"),
        ("failed", open(), vec![quiet("reply 1", Phase::Failed)], "step `reply 1` failed, so nothing follows it"),
        ("closed often", open(), vec![closed(30), closed(40)], "closed 2 times without a word from the contact"),
        ("reopened", reopened, vec![closed(50)], "a person reopened it, and nobody has spoken since"),
    ];
    for (name, conversation, attempts, want) in table {
        assert_eq!(decided(&conversation, attempts, 30 * DAY), format!("leave: {want}"), "{name}");
    }
}

#[test]
fn there_may_be_nothing_to_count_from() {
    let rules = rules(&RULES.replace("counts_from = \"teammate_reply\"", "counts_from = \"note\""));
    let snoozed = answered(State::Snoozed { until: None }, &[]);
    assert_eq!(brief(&decide(&snoozed, &History::default(), &rules, at(DAY))), "leave: there is nothing to count from");
}

#[test]
fn every_reason_to_wait() {
    let until = |end: i64| answered(State::Snoozed { until: Some(at(end)) }, &[]);
    let other = sent("other", "reply 1", at(20), at(2 * DAY), "Hello?");
    let passed = quiet("reply 1", Phase::Passed);
    let parked = quiet("reply 1", Phase::Parked { until: at(9 * DAY) });
    let elsewhere = Attempt { rule: "other".into(), ..parked.clone() };
    let quiet_for = "without a word since a teammate wrote at mon 02 00:00:20";
    let table = [
        (
            "not yet",
            open(),
            vec![],
            HOUR,
            format!("wait until tue 03 00:00:20 for `reply 1` of `quiet`: 1 day {quiet_for}"),
        ),
        (
            "after a reminder",
            open(),
            vec![reminded()],
            DAY + HOUR,
            format!("wait until wed 04 00:00:20 for `close` of `quiet`: 2 days {quiet_for}"),
        ),
        (
            "no longer than it sleeps",
            until(DAY),
            vec![],
            HOUR,
            format!("wait until tue 03 for `close` of `snoozed`: 3 days {quiet_for}").replace("03 for", "03 00:00 for"),
        ),
        (
            "parked",
            open(),
            vec![parked],
            5 * DAY,
            "wait until wed 11 00:00 for `reply 1` of `quiet`: Intercom refused it; trying again later".to_owned(),
        ),
        (
            "parked by another rule",
            open(),
            vec![elsewhere],
            5 * DAY,
            "wait until wed 11 00:00 for `reply 1` of `quiet`: Intercom refused it; trying again later".to_owned(),
        ),
        (
            "just written",
            open(),
            vec![other, passed],
            2 * DAY + HOUR,
            "wait until thu 05 00:00 for `close` of `quiet`: rule `other` wrote to the contact less than a day ago"
                .to_owned(),
        ),
        (
            "overslept",
            until(5 * DAY),
            vec![],
            5 * DAY + 60,
            "wait until sat 07 00:03: its snooze ended at sat 07 00:00, but Intercom still says snoozed".to_owned(),
        ),
    ];
    for (name, conversation, attempts, now, want) in table {
        let told = decided(&conversation, attempts, now).replace(" for `reply 1` of `quiet`: its", ": its");
        assert_eq!(told, want, "{name}");
    }
}

#[test]
fn whatever_a_rule_waits_for_its_end_may_change_it() {
    let snoozed = answered(State::Snoozed { until: Some(at(9 * DAY)) }, &[]);
    let failed = Attempt { phase: Phase::Failed, ..attempt("snoozed".into(), step("close"), at(20), at(3 * DAY)) };
    assert_eq!(
        decided(&snoozed, vec![failed], 4 * DAY),
        "wait until wed 11 00:00: step `close` failed, so nothing follows it; decided again when its snooze ends"
    );
}

#[test]
fn every_deed() {
    let email = |channel: Option<&str>| Conversation { channel: channel.map(str::to_owned), ..open() };
    let passed = || quiet("reply 1", Phase::Passed);
    let other = sent("other", "reply 1", at(20), at(30), "Hello?");
    let renamed = sent("quiet", "reply 7", at(3), at(30), "Did that solve it?");
    let lost = Attempt { phase: Phase::Failed, done_at: None, ..renamed.clone() };
    let long_ago = Attempt { sent_at: Some(at(15)), done_at: Some(at(15)), ..renamed.clone() };
    let table = [
        ("a reminder", open(), vec![], "reply that it closes fri 06 00:00"),
        (
            "refused before, no longer parked",
            open(),
            vec![quiet("reply 1", Phase::Parked { until: at(2 * DAY) })],
            "reply that it closes fri 06 00:00",
        ),
        ("never sent", open(), vec![quiet("reply 1", Phase::Open)], "reply that it closes fri 06 00:00"),
        ("a close", open(), vec![reminded()], "close with a last word"),
        ("after a step passed over", open(), vec![passed()], "close with a last word"),
        (
            "a channel that costs",
            email(Some("sms")),
            vec![],
            "passed over: the step may not write on this conversation's channel",
        ),
        ("an unknown channel", email(None), vec![passed()], "close, muted"),
        ("said already", open(), vec![renamed], "passed over: the same message went out in this silence already"),
        (
            "may have been said already",
            open(),
            vec![lost],
            "passed over: the same message went out in this silence already",
        ),
        ("said in an earlier silence", open(), vec![long_ago], "reply that it closes fri 06 00:00"),
        ("another rule wrote", open(), vec![other], "passed over: another rule wrote to the contact in this silence"),
    ];
    for (name, conversation, attempts, want) in table {
        let told = decided(&conversation, attempts, 3 * DAY);
        assert_eq!(told.split(" by `").next().unwrap(), want, "{name}");
    }
}

#[test]
fn a_stuck_snooze_is_asked_about_after_1_2_4_up_to_60_minutes() {
    let stuck = answered(State::Snoozed { until: Some(at(DAY)) }, &[]);
    let mut asked = Vec::new();
    let mut now = DAY;
    while asked.len() < 9 {
        let due = decide(&stuck, &History::default(), &rules(RULES), at(now)).due_at().unwrap();
        asked.push((due.as_second() - at(now).as_second()) / 60);
        now = due.as_second() - at(0).as_second();
    }
    assert_eq!(asked, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[test]
fn a_timer_s_part_counts_from_when_it_was_to_ring_for_ten_minutes() {
    let rules = rules(&RULES.replace("\"open\"", "\"woken\""));
    for (late, since) in [(0, 0), (3, 0), (600, 0), (601, 601)] {
        let asleep = answered(State::Snoozed { until: Some(at(DAY)) }, &[]);
        let seen = Sighting { snapshot: Some(fetched(at(DAY + late), State::Open, &[])), ..Sighting::of(id()) };
        let woken = also(asleep.after(&seen, None), 3, DAY + late, Actor::Timer, Class::Unsnoozed);
        let due = decide(&woken, &History::default(), &rules, at(DAY + 700)).due_at();
        assert_eq!(due, Some(at(2 * DAY + since)), "{late} seconds late");
    }
}

#[test]
fn parts_by_our_admin_are_ours_by_their_id_their_text_or_their_nearness() {
    use Class::{Closed, Note, Snoozed, TeammateReply};
    let done_at = at(DAY);
    let by_id = sent("quiet", "reply 1", at(20), done_at, "Did that solve it?");
    let text = Some("keyed".to_owned());
    let nameless = Attempt { deeds: vec![Deed { at: done_at, part: None }], text: text.clone(), ..by_id.clone() };
    let awaited = Attempt { phase: Phase::Unclear { look_at: at(2 * DAY) }, deeds: Vec::new(), ..nameless.clone() };
    let table: [(&str, &Attempt, u64, i64, Class, bool, bool); 11] = [
        ("the part in the answer", &by_id, 9_000, 0, TeammateReply, false, true),
        ("another part", &by_id, 9_001, 0, TeammateReply, true, false),
        ("a state beside it", &by_id, 9_001, 2, Snoozed, false, true),
        ("a state before it", &by_id, 9_001, -2, Closed, false, true),
        ("a state later on", &by_id, 9_001, 3, Snoozed, false, false),
        ("a note beside it", &by_id, 9_001, 0, Note, false, false),
        ("the same text, as the answer was lost", &nameless, 9_001, 2, TeammateReply, true, true),
        ("other text, as the answer was lost", &nameless, 9_001, 2, TeammateReply, false, false),
        ("the same text later on", &nameless, 9_001, 3, TeammateReply, true, false),
        ("anything while the answer is missing", &awaited, 9_001, 900, TeammateReply, false, true),
        ("something before the call", &awaited, 9_001, -6, TeammateReply, false, false),
    ];
    for (name, attempt, number, beside, class, same_text, ours) in table {
        let second = DAY + beside;
        let by_us = Part {
            admin_id: Some(ADMIN.to_owned()),
            digest: if same_text { text.clone() } else { Some("other".to_owned()) },
            reads_as: [].into(),
            ..part(number, at(second), Actor::Teammate, &[class])
        };
        let seen = open().after(&Sighting { parts: vec![by_us], ..Sighting::of(id()) }, Some(ADMIN));
        let history = History { attempts: vec![attempt.clone()], ..History::default() };
        let view = view::View::of(&seen, &history, at(2 * DAY));
        let others = view.latest(class).is_some_and(|activity| activity.at == at(second));
        assert_eq!(!others, ours, "{name}");
    }
}
