//! What is announced of the steps to come, and what is told beside the decision.

use super::world::{attempt, step};
use super::*;
use crate::engine::explain::Change;
use crate::engine::rule::Called;

const DAY: i64 = 86_400;

/// A contact writes at second 10, a teammate answers at second 20, and it was read whole.
fn answered(state: State, tags: &[&str], channel: &str) -> Conversation {
    let parts = vec![
        part(1, at(10), Actor::Contact, &[Class::ContactReply]),
        part(2, at(20), Actor::Teammate, &[Class::TeammateReply]),
    ];
    let (snapshot, channel) = (Some(fetched(at(20), state, tags)), Some(channel.to_owned()));
    Conversation::unread(id()).after(&Sighting { parts, snapshot, channel, whole: true, ..Sighting::of(id()) }, None)
}

const LADDER: &str = r#"
[[rule]]
name = "quiet"
match_all = true
counts_from = ["teammate_reply", "unsnoozed"]
step = [{ after = "1 day", do = "reply", body = "Hello?" }, { after = "2 days", do = "close", silent = true }]
"#;

fn announced(conversation: &Conversation, attempts: Vec<Attempt>, rules: &RuleSet) -> Vec<String> {
    let coming = ahead(conversation, &History { attempts, ..History::default() }, rules, at(30));
    let told = coming.iter().map(|coming| {
        let passed = coming.passed.map(|why| format!(", {why}")).unwrap_or_default();
        format!("{} {}{passed}", why::at(coming.at), coming.step)
    });
    told.collect()
}

#[test]
fn steps_are_announced_once_each_up_to_the_close_and_with_what_passes_them_over() {
    let reminder =
        |at: &str, more: &str| vec![format!("{at} reply 1{more}"), "2026-03-04 00:00:20 UTC close".to_owned()];
    let parked = Phase::Parked { until: at(25) };
    let tried = Attempt { phase: parked, ..attempt("quiet".into(), step("reply 1"), at(20), at(20)) };
    let sleeps = State::Snoozed { until: Some(at(30 * DAY)) };
    let (day, sms) =
        ("2026-03-03 00:00:20 UTC", ", passed over: the step may not write on this conversation's channel");
    for (name, conversation, attempts, want) in [
        ("open", answered(State::Open, &[], "conversation"), vec![], reminder(day, "")),
        ("tried before", answered(State::Open, &[], "conversation"), vec![tried], reminder(day, "")),
        ("on a channel that costs", answered(State::Open, &[], "sms"), vec![], reminder(day, sms)),
        ("it would wake after the close", answered(sleeps, &[], "conversation"), vec![], reminder(day, "")),
    ] {
        assert_eq!(announced(&conversation, attempts, &rules(LADDER)), want, "{name}");
    }
}

/// The rule above leaves alone what the first step brings about, so that no close comes.
#[test]
fn what_a_step_brings_about_is_seen_by_the_rules_that_come_after_it() {
    let assigned = |team: Option<&str>, teammate: Option<&str>| {
        let mut conversation = answered(State::Open, &["old"], "conversation");
        let facts = &mut conversation.snapshot.as_mut().unwrap().facts;
        facts.team_assignee_id = Some(team.map(str::to_owned));
        facts.admin_assignee_id = Some(teammate.map(str::to_owned));
        facts.attributes = [("plan".to_owned(), None), ("seats".to_owned(), None)].into();
        conversation
    };
    let open = || assigned(None, None);
    let mut asleep = open();
    asleep.snapshot.as_mut().unwrap().facts.state = Some(State::Snoozed { until: Some(at(9 * DAY)) });
    for (leaves, does, conversation) in [
        ("match.tags = [\"new\"]", "do = \"tag\", tags = [\"new\"]", open()),
        ("match.not_tags = [\"old\"]", "do = \"untag\", tags = [\"old\"]", open()),
        ("match.attribute.plan = \"tin\"", "do = \"update\", set = { plan = \"tin\" }", open()),
        ("match.attribute.seats = 5", "do = \"update\", set = { seats = 5 }", open()),
        ("match.team = \"Sales\"", "do = \"assign\", team = \"Sales\"", open()),
        ("match.assignee = \"7\"", "do = \"assign\", teammate = \"7\"", open()),
        ("match.unassigned = true", "do = \"assign\", to = \"nobody\"", assigned(Some("5"), Some("7"))),
        ("match.state = \"open\"", "do = \"open\"", asleep),
    ] {
        let text = format!(
            "[[rule]]\nname = \"done\"\n{leaves}\nleave = true\n[[rule]]\nname = \"quiet\"\nmatch_all = true\n\
             step = [{{ after = \"1 day\", {does} }}, {{ after = \"2 days\", do = \"close\", silent = true }}]"
        );
        let named = |called: &Called| match called {
            Called::Team(_) => Some("5".to_owned()),
            _ => Some("7".to_owned()),
        };
        let told = announced(&conversation, vec![], &rules(&text).with_ids(named));
        assert_eq!(told.len(), 1, "{does}: {told:?}");
    }
}

#[test]
fn a_snooze_of_ours_is_slept_through_before_the_next_step() {
    let text = LADDER.replace("do = \"reply\", body = \"Hello?\"", "do = \"snooze\", for = \"3 days\"");
    let text = text.replace("match_all = true", "match.state = \"open\"");
    let want = ["2026-03-03 00:00:20 UTC snooze 1", "2026-03-04 00:00:20 UTC close"];
    assert_eq!(announced(&answered(State::Open, &[], "conversation"), vec![], &rules(&text)), want);
    let leaves = format!("[[rule]]\nname = \"asleep\"\nmatch.state = \"snoozed\"\nleave = true\n{text}");
    let want = ["2026-03-03 00:00:20 UTC snooze 1", "2026-03-06 00:00:20 UTC close"];
    assert_eq!(announced(&answered(State::Open, &[], "conversation"), vec![], &rules(&leaves)), want);
}

#[test]
fn a_hold_is_told_while_it_lasts_and_a_tag_that_holds_as_long_as_it_is_on() {
    let explained = |conversation: &Conversation, until: Option<i64>, now| {
        let hold = Some(Hold { since: at(1), until: until.map(at) });
        explain(conversation, &History { hold, ..History::default() }, &rules(LADDER), at(now))
    };
    let open = answered(State::Open, &[], "conversation");
    for (until, told) in [(None, true), (Some(101), true), (Some(100), false), (Some(99), false)] {
        assert_eq!(explained(&open, until, 100).hold.is_some(), told, "{until:?}");
    }
    assert_eq!(explained(&open, None, 100).hold_tag, None);
    let tagged = answered(State::Open, &["autoclose-hold", "vip"], "conversation");
    let explained = explain(&tagged, &History::default(), &rules(LADDER), at(100));
    assert_eq!(explained.hold_tag.as_deref(), Some("autoclose-hold"));
    let (change, outlook) = explained.changes.last().unwrap();
    assert_eq!(*change, Change::Untagged("autoclose-hold".into()));
    assert_eq!(outlook.next.as_ref().map(|coming| coming.step), Some(step("reply 1")));
}

#[test]
fn the_latest_of_each_class_is_told_with_our_own_deeds_among_them() {
    let deeds = [500, 400].map(|second| Deed { at: at(second), part: Some(PartId::Part(9)) }).to_vec();
    let done = Attempt { phase: Phase::Done, deeds, ..attempt("quiet".into(), step("note 1"), at(20), at(400)) };
    let history = History { attempts: vec![done], ..History::default() };
    let explained = explain(&answered(State::Open, &[], "conversation"), &history, &rules(LADDER), at(600));
    let part = |number| Some(PartId::Part(number));
    let want = [
        (Class::ContactReply, at(10), part(1)),
        (Class::TeammateReply, at(20), part(2)),
        (Class::Own, at(500), part(9)),
    ];
    assert_eq!(explained.activities, want);
}

/// The rule counts from the teammate's word, whoever's turn it is.
#[test]
fn what_makes_no_difference_is_not_told() {
    let text = LADDER.replace("match_all = true", "match.waiting_on = \"anyone\"");
    let explained = explain(&answered(State::Open, &[], "conversation"), &History::default(), &rules(&text), at(100));
    let told: Vec<_> = explained.changes.into_iter().map(|(change, _)| change).collect();
    assert_eq!(told, [Change::TeammateReplies, Change::Tagged("autoclose-hold".into())]);
}

#[test]
fn a_reason_may_tell_its_moments_in_other_words() {
    let why = Why::Overslept { since: at(0) };
    assert_eq!(why.with_moments(|_| "noon".into()), "its snooze ended at noon, but Intercom still says snoozed");
}
