//! Two things in one second, and snoozes to the second: which of them counts.

use super::world::{attempt, step, tale};
use super::*;
use crate::engine::rule::StateName;
use crate::engine::view::{Standing, View};

const DAY: i64 = 86_400;

/// The contact wrote at 10, a teammate answered at 20; this state, and these parts since.
fn seen(state: State, more: &[Part]) -> Conversation {
    let mut parts = vec![
        part(1, at(10), Actor::Contact, &[Class::ContactReply]),
        part(2, at(20), Actor::Teammate, &[Class::TeammateReply]),
    ];
    parts.extend(more.iter().cloned());
    let (snapshot, channel) = (Some(fetched(at(20), state, &[])), Some("conversation".to_owned()));
    let seen = Sighting { parts, snapshot, channel, whole: true, ..Sighting::of(id()) };
    Conversation::unread(id()).after(&seen, Some(ADMIN))
}

/// A step of ours that was done then.
fn done(name: &str, seconds: i64) -> Attempt {
    let at = at(seconds);
    let deeds = vec![Deed { at, part: Some(PartId::Part(9_000)) }];
    Attempt {
        phase: Phase::Done,
        sent_at: Some(at),
        done_at: Some(at),
        deeds,
        ..attempt("quiet".into(), step(name), super::at(20), at)
    }
}

/// Snoozed by us then, until that moment.
fn snoozed(seconds: i64, until: i64) -> Attempt {
    let changes = vec![Change::State { was: StateName::Open, until: Some(at(until)) }];
    Attempt { changes, ..done("snooze 1", seconds) }
}

fn history(attempt: Attempt) -> History {
    History { attempts: vec![attempt], ..History::default() }
}

/// A reply of ours woke it at second 1,000, out of a snooze until second 2,000.
#[test]
fn a_snooze_is_restored_where_nobody_but_our_message_ended_it_and_a_minute_is_left() {
    let woke = Attempt { snoozed_until: Some(at(2_000)), ..done("reply 1", 1_000) };
    let by = |number, seconds, actor, class| vec![part(number, at(seconds), actor, &[class])];
    let over = Err("the snooze is over");
    let touched = Err("somebody else has touched it since");
    for (name, state, more, now, want) in [
        ("nobody", State::Open, vec![], 1_010, Ok(at(2_000))),
        ("a minute is left", State::Open, vec![], 1_940, Ok(at(2_000))),
        ("less is left", State::Open, vec![], 1_941, over),
        ("it is over", State::Open, vec![], 2_000, over),
        ("Intercom kept it", State::Snoozed { until: Some(at(2_000)) }, vec![], 1_010, Err("Intercom kept the snooze")),
        ("somebody closed it", State::Closed, vec![], 1_010, Err("it is closed")),
        ("a word before", State::Open, by(3, 999, Actor::Teammate, Class::TeammateReply), 1_010, Ok(at(2_000))),
        ("a word in that second", State::Open, by(3, 1_000, Actor::Teammate, Class::TeammateReply), 1_010, touched),
        ("a word since", State::Open, by(3, 1_001, Actor::Contact, Class::ContactReply), 1_010, touched),
        ("opened since", State::Open, by(3, 1_001, Actor::Teammate, Class::Opened), 1_010, touched),
        ("a note since", State::Open, by(3, 1_001, Actor::Teammate, Class::Note), 1_010, Ok(at(2_000))),
    ] {
        assert_eq!(snooze_to_restore(&seen(state, &more), &history(woke.clone()), at(now)), want, "{name}");
    }
}

const OPEN_ONES: &str = "
    rule quiet
    match.state = [\"open\"]
    counts_from = [\"teammate_reply\"]
    1 day snooze 2 days
    9 days close
";

#[test]
fn what_somebody_snoozes_in_the_second_of_our_snooze_is_their_snooze() {
    let until = DAY + 20 + 2 * DAY;
    let says = |seconds| {
        let theirs = part(3, at(seconds), Actor::Teammate, &[Class::Snoozed]);
        let conversation = seen(State::Snoozed { until: Some(at(until)) }, &[theirs]);
        brief(&decide(&conversation, &history(snoozed(DAY + 20, until)), &super::book::book(OPEN_ONES), at(2 * DAY)))
    };
    assert!(says(DAY + 19).contains("for `close` of `quiet`"), "{}", says(DAY + 19));
    assert!(says(DAY + 20).contains("no rule fits: `quiet`: it is snoozed"), "{}", says(DAY + 20));
}

#[test]
fn who_wakes_it_in_the_second_in_which_our_snooze_ends_has_done_something() {
    let until = DAY + 20 + 2 * DAY;
    let rang = part(3, at(until), Actor::Timer, &[Class::Unsnoozed]);
    let woken = |more: &[Part]| {
        let (conversation, history) = (seen(State::Open, more), history(snoozed(DAY + 20, until)));
        let view = View::of(&conversation, &history, at(9 * DAY));
        (view.standing, view.latest(Class::Unsnoozed).map(|activity| activity.actor))
    };
    assert_eq!(woken(std::slice::from_ref(&rang)), (Standing::Woken, None));
    let by_hand = part(4, at(until), Actor::Teammate, &[Class::Unsnoozed]);
    assert_eq!(woken(&[rang, by_hand]), (Standing::Open, Some(Actor::Teammate)));
}

#[test]
fn a_snooze_that_a_teammate_ends_within_ten_minutes_of_its_timer_ended_when_they_did_it() {
    let ends = State::Snoozed { until: Some(at(DAY)) };
    for (actor, want) in [(Actor::Teammate, DAY + 300), (Actor::Timer, DAY)] {
        let mut conversation = seen(ends, &[part(3, at(DAY + 300), actor, &[Class::Unsnoozed])]);
        conversation.snapshot.as_mut().unwrap().facts.state = Some(State::Open);
        let nothing = History::default();
        let view = View::of(&conversation, &nothing, at(2 * DAY));
        let ended = view.latest(Class::Unsnoozed).unwrap();
        assert_eq!((ended.at, ended.part), (at(want), Some(PartId::Part(3))), "{actor:?}");
    }
}

/// Half a day, which the rule takes on; that our own lasted longer is nothing to the rule that began it.
#[test]
fn a_rule_on_short_snoozes_keeps_what_it_has_snoozed_for_long() {
    let book = "
        rule woken
        match.state = [\"woken\"]
        match.snooze_at_most = \"1 day\"
        counts_from = [\"teammate_reply\"]
        1 day snooze 3 days
        5 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 teammate snoozes until mon 21:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `woken`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  teammate snoozes until mon 21:00
            wait until mon 02 21:00: no rule fits: `woken`: it is snoozed; decided again when its snooze ends
        mon 02 21:00  (read again)
            wait until tue 03 09:05 for `snooze 1` of `woken`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** snooze until fri 06 09:05 by `snooze 1` of `woken`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `woken`: 5 days without a word since a teammate wrote at mon 02 09:05
        fri 06 09:05  (read again)
            wait until sat 07 09:05 for `close` of `woken`: 5 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05  ** close silently by `close` of `woken`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

/// Intercom still says snoozed. It is asked again a minute after the end, which is just when the step is due.
#[test]
fn a_wait_that_ends_when_intercom_is_asked_again_keeps_its_reason() {
    let rules = super::book::book("rule quiet\nmatch_all = true\ncounts_from = [\"teammate_reply\"]\n1 day close\n");
    for (ended, why) in [(DAY - 40, "1 day without a word"), (DAY - 41, "its snooze ended")] {
        let conversation = seen(State::Snoozed { until: Some(at(ended)) }, &[]);
        let decision = decide(&conversation, &History::default(), &rules, at(ended));
        assert_eq!(decision.due_at(), Some(at(ended + 60)), "{}", brief(&decision));
        assert!(decision.why().to_string().starts_with(why), "{}", brief(&decision));
    }
}
