//! Which closes are taken back on an operator's word, and what is said of those that are not.

use super::world::{attempt, step};
use super::*;
use crate::engine::undo::{Undo, Untouchable, undo};

/// Closed by us at second 1,000, with part 50.
const CLOSED: i64 = 1_000;

fn close(more: Attempt) -> Attempt {
    let deeds = vec![Deed { at: at(CLOSED), part: Some(PartId::Part(50)) }];
    Attempt { phase: Phase::Done, done_at: Some(at(CLOSED)), deeds, ..more }
}

fn plain() -> Attempt {
    close(attempt("quiet".into(), step("close"), at(20), at(CLOSED)))
}

/// Answered by a teammate, in this state, with these parts since.
fn conversation(state: State, more: &[Part]) -> Conversation {
    let mut parts = vec![
        part(1, at(10), Actor::Contact, &[Class::ContactReply]),
        part(2, at(20), Actor::Teammate, &[Class::TeammateReply]),
    ];
    parts.extend(more.iter().cloned());
    let seen = Sighting { parts, snapshot: Some(fetched(at(20), state, &[])), whole: true, ..Sighting::of(id()) };
    Conversation::unread(id()).after(&seen, Some(ADMIN))
}

/// At second 2,000.
fn undoing(conversation: &Conversation, close: &Attempt) -> Result<Undo, Untouchable> {
    let history = History { attempts: vec![close.clone()], ..History::default() };
    undo(conversation, &history, close, at(2_000))
}

#[test]
fn what_is_still_to_do_follows_from_the_state_and_from_what_was_done_of_it() {
    let snoozed = |until| Attempt { snoozed_until: Some(at(until)), ..plain() };
    let begun = |close| Attempt { undone: Some(Undone { at: at(1_900), awaited: true }), ..close };
    let open = |then_snooze: Option<i64>| Ok(Undo::Open { then_snooze: then_snooze.map(at) });
    let sleeps = State::Snoozed { until: Some(at(9_000)) };
    for (name, state, close, want) in [
        ("closed", State::Closed, plain(), open(None)),
        ("closed out of a snooze", State::Closed, snoozed(9_000), open(Some(9_000))),
        ("of which a minute is left", State::Closed, snoozed(2_060), open(Some(2_060))),
        ("of which less is left", State::Closed, snoozed(2_059), open(None)),
        ("open, and not by us", State::Open, plain(), Err(Untouchable::Open)),
        ("snoozed, and not by us", sleeps, plain(), Err(Untouchable::Open)),
        ("opened by us", State::Open, begun(plain()), Ok(Undo::Nothing)),
        ("opened by us, to be snoozed again", State::Open, begun(snoozed(9_000)), Ok(Undo::Snooze(at(9_000)))),
        ("snoozed again by us", sleeps, begun(snoozed(9_000)), Ok(Undo::Nothing)),
    ] {
        assert_eq!(undoing(&conversation(state, &[]), &close), want, "{name}");
    }
    let gone = Conversation { gone: true, ..conversation(State::Closed, &[]) };
    assert_eq!(undoing(&gone, &plain()), Err(Untouchable::Gone));
    let unknown = Conversation { snapshot: None, ..conversation(State::Closed, &[]) };
    assert_eq!(undoing(&unknown, &plain()), Err(Untouchable::Unknown));
}

#[test]
fn whoever_has_done_something_since_keeps_it_closed_and_reading_is_nothing() {
    for (actor, class, touched) in [
        (Actor::Contact, Class::ContactReply, true),
        (Actor::Teammate, Class::Note, true),
        (Actor::Bot, Class::BotReply, true),
        (Actor::Bot, Class::Assigned, true),
        (Actor::Contact, Class::Rated, true),
        (Actor::Teammate, Class::Other, true),
        (Actor::Bot, Class::Other, false),
        (Actor::Unknown, Class::Other, false),
        (Actor::Contact, Class::Read, false),
        (Actor::Timer, Class::Unsnoozed, false),
    ] {
        let since = conversation(State::Closed, &[part(60, at(CLOSED + 1), actor, &[class])]);
        let want =
            if touched { Err(Untouchable::Touched { class, by: actor }) } else { Ok(Undo::Open { then_snooze: None }) };
        assert_eq!(undoing(&since, &plain()), want, "{class:?} by {actor:?}");
    }
}

#[test]
fn in_the_second_of_the_close_only_a_part_with_a_smaller_id_came_before_it() {
    let noted = |number: Option<u64>, seconds: i64, close: &Attempt| {
        let note = Part { id: number.map(PartId::Part), ..part(0, at(seconds), Actor::Teammate, &[Class::Note]) };
        undoing(&conversation(State::Closed, &[note]), close).is_ok()
    };
    let nameless = Attempt { deeds: vec![Deed { at: at(CLOSED), part: None }], ..plain() };
    // The part that is known is of another second: it tells nothing of this one.
    let later = Attempt { deeds: vec![Deed { at: at(CLOSED + 9), part: Some(PartId::Part(50)) }], ..plain() };
    for (name, number, seconds, close, taken_back) in [
        ("a second before", Some(60), CLOSED - 1, plain(), true),
        ("a second after", Some(40), CLOSED + 1, plain(), false),
        ("with a smaller id", Some(49), CLOSED, plain(), true),
        ("with a greater id", Some(51), CLOSED, plain(), false),
        ("our own, as another teammate's", Some(50), CLOSED, plain(), true),
        ("without an id", None, CLOSED, plain(), false),
        ("after a close without an id", Some(49), CLOSED, nameless, false),
        ("after a close whose part is of another second", Some(49), CLOSED, later, false),
        ("of a close that was never done", Some(49), CLOSED - 500, Attempt { done_at: None, ..plain() }, false),
    ] {
        assert_eq!(noted(number, seconds, &close), taken_back, "{name}");
    }
}

#[test]
fn of_several_touches_the_latest_word_is_told() {
    let parts = [
        part(60, at(CLOSED + 1), Actor::Teammate, &[Class::TeammateReply]),
        part(61, at(CLOSED + 2), Actor::Contact, &[Class::ContactReply]),
        part(62, at(CLOSED + 3), Actor::Teammate, &[Class::Note]),
    ];
    let told = undoing(&conversation(State::Closed, &parts), &plain()).unwrap_err();
    assert_eq!(told.to_string(), "the contact has written since");
}

#[test]
fn why_a_close_is_not_taken_back_is_said_in_words() {
    let touched = |by, class| Untouchable::Touched { class, by };
    for (why, want) in [
        (Untouchable::Gone, "it no longer exists in Intercom"),
        (Untouchable::Unknown, "Intercom does not tell whether it is closed"),
        (Untouchable::Open, "it is open again already"),
        (touched(Actor::Contact, Class::ContactReply), "the contact has written since"),
        (touched(Actor::Teammate, Class::TeammateReply), "a teammate has written since"),
        (touched(Actor::Bot, Class::BotReply), "a bot or a workflow has written since"),
        (touched(Actor::Teammate, Class::Note), "a teammate has left a note since"),
        (touched(Actor::Unknown, Class::Assigned), "somebody has assigned it since"),
        (touched(Actor::Teammate, Class::Snoozed), "a teammate has snoozed it since"),
        (touched(Actor::Teammate, Class::Unsnoozed), "a teammate has opened it since"),
        (touched(Actor::Contact, Class::Opened), "the contact has opened it since"),
        (touched(Actor::Bot, Class::Closed), "a bot or a workflow has closed it since"),
        (touched(Actor::Contact, Class::Rated), "the contact has rated it since"),
        (touched(Actor::Teammate, Class::Other), "a teammate has changed it since"),
    ] {
        assert_eq!(why.to_string(), want);
    }
}
