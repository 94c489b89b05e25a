//! Conversations of every sort: many at the same second, told twice and in any order, with parts of our own between.

mod steps;

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::world::attempt;
use super::*;
use crate::engine::rule::{self, AfterReopen, ContactReplied, Match, StateName, WaitingOn};
use steps::{STEPS, TAGS, TEAMS, ladder};

/// Seconds within which everything happens: six weeks.
const SPAN: i64 = 42 * 86_400;

/// A moment; a third of them fall on few instants, so that ties are common.
pub(super) fn moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![7 => 0..SPAN, 3 => (0..6_i64).prop_map(|slot| slot * 7 * 86_400)].prop_map(at)
}

fn deed_of(actor: Actor) -> impl Strategy<Value = BTreeSet<Class>> {
    use Class::{
        Assigned, BotReply, Closed, ContactReply, Note, Opened, Other, Rated, Read, Snoozed, TeammateReply, Unsnoozed,
    };
    let all: &[&[Class]] = match actor {
        Actor::Contact => &[&[ContactReply], &[ContactReply, Opened], &[Rated], &[Read], &[Opened], &[Other]],
        Actor::Teammate => &[
            &[TeammateReply],
            &[TeammateReply, Closed],
            &[TeammateReply, Assigned],
            &[Note, Opened],
            &[Note, Unsnoozed],
            &[Snoozed],
            &[Unsnoozed],
            &[Opened],
            &[Closed],
        ],
        Actor::Bot => &[&[BotReply], &[BotReply, Closed], &[Assigned], &[Snoozed], &[Opened], &[Other]],
        Actor::Timer => &[&[Unsnoozed]],
        Actor::Unknown => &[&[Assigned], &[Other], &[Closed]],
    };
    prop::sample::select(all).prop_map(|classes| classes.iter().copied().collect())
}

/// What somebody did. One in five of the teammates' parts is by a person who shares our admin.
fn anybody() -> impl Strategy<Value = (Actor, Option<String>, BTreeSet<Class>)> {
    const ACTORS: &[Actor] = &[Actor::Contact, Actor::Teammate, Actor::Bot, Actor::Timer, Actor::Unknown];
    (prop::sample::select(ACTORS), 0..5).prop_flat_map(|(actor, share)| {
        let admin_id = (actor == Actor::Teammate).then(|| if share == 0 { ADMIN } else { "7" }.to_owned());
        (Just(actor), Just(admin_id), deed_of(actor))
    })
}

/// 1 to 30 parts with ids of their own; the first is the opening message.
pub(super) fn parts() -> impl Strategy<Value = Vec<Part>> {
    vec((moment(), anybody()), 1..30).prop_map(|told| {
        let number = |(index, (at, (actor, admin_id, classes)))| {
            let id = if index == 0 { PartId::Source(1) } else { PartId::Part(index as u64) };
            Part { id: Some(id), at, actor, admin_id, classes, digest: None, reads_as: BTreeSet::new() }
        };
        told.into_iter().enumerate().map(number).collect()
    })
}

fn state() -> impl Strategy<Value = Option<State>> {
    let snoozed = option::weighted(0.9, moment()).prop_map(|until| Some(State::Snoozed { until }));
    prop_oneof![4 => Just(Some(State::Open)), 4 => snoozed, 1 => Just(Some(State::Closed)), 1 => Just(None)]
}

/// Snapshots of few seconds, so that many are of the same one.
pub(super) fn snapshot() -> impl Strategy<Value = Snapshot> {
    let tags = option::weighted(0.9, prop::sample::subsequence(vec!["autoclose-hold", "beta", "vip"], 0..=2));
    let version = (0..4_i64, any::<bool>(), 0..2_i64, 0..3_u8);
    (state(), tags, version).prop_map(|(state, tags, (updated, fetched, created, number))| {
        let tag = |name: &str| conversation::Tag { id: name.to_owned(), name: name.to_owned() };
        let tags = tags.map(|tags| tags.into_iter().map(tag).collect());
        let notification_id = if fetched { String::new() } else { format!("n{number}") };
        let updated_at = at(updated * 86_400);
        let version = Version { updated_at, fetched, created_at: at(updated * 86_400 + created), notification_id };
        Snapshot { version, facts: Facts { state, tags, ..Facts::default() } }
    })
}

fn sighting(parts: &[Part]) -> impl Strategy<Value = Sighting> + use<> {
    let shown = prop::sample::subsequence(parts.to_vec(), 0..=parts.len());
    let channel = option::of(prop::sample::select(&["conversation", "email", "whatsapp"][..]));
    let created_at = option::weighted(0.5, moment());
    let contact = parts.iter().filter(|part| part.classes.contains(&Class::ContactReply)).map(|part| part.at).max();
    (shown.prop_shuffle(), option::weighted(0.8, snapshot()), channel, any::<bool>(), 0..20, created_at).prop_map(
        move |(parts, snapshot, channel, whole, odd, created_at)| Sighting {
            created_at,
            snapshot,
            parts,
            last_contact_reply_at: contact.filter(|_| whole),
            ticket: odd == 0,
            gone: odd == 1,
            channel: channel.map(str::to_owned),
            whole,
            ..Sighting::of(id())
        },
    )
}

/// What is seen of one conversation, in pieces.
pub(super) fn sightings() -> impl Strategy<Value = Vec<Sighting>> {
    parts().prop_flat_map(|parts| vec(sighting(&parts), 1..8))
}

pub(super) fn folded<'a>(seen: impl IntoIterator<Item = &'a Sighting>) -> Conversation {
    seen.into_iter().fold(Conversation::unread(id()), |known, seen| known.after(seen, Some(ADMIN)))
}

/// A conversation that was read whole and that rules may touch.
pub(super) fn conversation() -> impl Strategy<Value = Conversation> {
    let team = option::of(prop::sample::select(&TEAMS[..]).prop_map(str::to_owned));
    (parts(), state(), prop::sample::subsequence(vec!["vip", "beta"], 0..=2), any::<bool>(), team).prop_map(
        |(parts, state, tags, email, team)| {
            let mut snapshot = super::fetched(at(SPAN), State::Open, &tags);
            snapshot.facts.state = state;
            (snapshot.facts.team_assignee_id, snapshot.facts.admin_assignee_id) = (Some(team), Some(None));
            let channel = Some(if email { "email" } else { "conversation" }.to_owned());
            folded(&[Sighting { parts, snapshot: Some(snapshot), channel, whole: true, ..Sighting::of(id()) }])
        },
    )
}

const NAMES: [&str; 3] = ["first", "second", "third"];
const TEMPLATES: [&str; 3] = ["Did that solve it?", "Anything else?", "Closing this."];

/// Conditions, each of them seldom but for the state.
fn matches() -> impl Strategy<Value = Match> {
    let states = prop::sample::subsequence(vec![StateName::Open, StateName::Snoozed, StateName::Woken], 1..=3);
    let waiting_on = prop::sample::select(&[WaitingOn::Contact, WaitingOn::Anyone][..]);
    let replied = prop::sample::select(&[ContactReplied::Yes, ContactReplied::Any][..]);
    let tags = || prop::sample::subsequence(TAGS.to_vec(), 0..=1);
    let team = || prop_oneof![3 => Just(Vec::new()), 1 => prop::sample::subsequence(TEAMS.to_vec(), 1)];
    let names = (tags(), tags(), team(), team(), option::weighted(0.2, any::<bool>()));
    (option::of(states), waiting_on, replied, names).prop_map(|(state, waiting_on, contact_replied, names)| {
        let (tags, not_tags, team, not_team, unassigned) = names;
        let owned = |tags: Vec<&str>| tags.into_iter().map(str::to_owned).collect();
        let with_ids = |teams: Vec<&str>| teams.into_iter().map(steps::named).collect();
        let (team, not_team) = (with_ids(team), with_ids(not_team));
        let (tags, not_tags) = (owned(tags), owned(not_tags));
        Match { state, waiting_on, tags, not_tags, team, not_team, unassigned, contact_replied, ..Match::default() }
    })
}

fn rule_of(name: &'static str) -> impl Strategy<Value = Rule> {
    let counts = vec![
        Class::ContactReply,
        Class::TeammateReply,
        Class::BotReply,
        Class::Snoozed,
        Class::Unsnoozed,
        Class::Opened,
        Class::Note,
        Class::Assigned,
    ];
    let counts = prop::sample::subsequence(counts, 1..=6);
    (matches(), counts, any::<bool>(), ladder()).prop_map(move |(matches, counts_from, again, steps)| Rule {
        name: name.into(),
        matches,
        counts_from,
        after_reopen: if again { AfterReopen::CountAgain } else { AfterReopen::WaitForReply },
        clock: None,
        act_only: None,
        steps,
    })
}

pub(super) fn rule_set() -> impl Strategy<Value = RuleSet> {
    (rule_of(NAMES[0]), rule_of(NAMES[1]), rule_of(NAMES[2]), 1..4_usize).prop_map(|(one, two, three, count)| {
        let rules = [one, two, three].into_iter().take(count).collect();
        RuleSet { rules, hold_tags: vec!["autoclose-hold".to_owned()], max_auto_closes: 2 }
    })
}

fn phase() -> impl Strategy<Value = Phase> {
    let phase = prop::sample::select(
        &[Phase::Open, Phase::Done, Phase::Done, Phase::Done, Phase::Raced, Phase::Passed, Phase::Failed][..],
    );
    prop_oneof![
        8 => phase,
        1 => moment().prop_map(|until| Phase::Parked { until }),
        1 => moment().prop_map(|look_at| Phase::Unclear { look_at }),
    ]
}

/// Something that the daemon may have done, in any phase, at any time, counted from any of these moments.
fn deed(anchor: impl Strategy<Value = Timestamp>) -> impl Strategy<Value = Attempt> {
    let step = prop::sample::select(&STEPS[..]).prop_map(super::world::step);
    let done = step.prop_flat_map(|step| (Just(step), steps::changes(step.kind)));
    let said = (prop::sample::select(&TEMPLATES[..]), option::of(moment()));
    (prop::sample::select(&NAMES[..]), done, phase(), anchor, moment(), said).prop_map(
        |(name, (step, changes), phase, anchor, at, (template, snoozed_until))| {
            let sent = !matches!(phase, Phase::Open | Phase::Passed | Phase::Parked { .. });
            Attempt {
                phase,
                sent_at: sent.then_some(at),
                done_at: matches!(phase, Phase::Done | Phase::Raced).then_some(at),
                deeds: if sent { vec![Deed { at, part: None }] } else { Vec::new() },
                template: (sent && step.kind.writes()).then(|| rule::digest(template)),
                snoozed_until,
                changes: if sent { changes } else { Vec::new() },
                undone: None,
                ..attempt(name.into(), step, anchor, anchor)
            }
        },
    )
}

/// An operator's word, now and then: without an end, or one that ends somewhere.
fn hold() -> impl Strategy<Value = Option<Hold>> {
    let until = prop_oneof![1 => Just(None), 3 => moment().prop_map(Some)];
    prop::option::weighted(0.2, (moment(), until).prop_map(|(since, until)| Hold { since, until }))
}

fn history_of((mut attempts, hold): (Vec<Attempt>, Option<Hold>)) -> History {
    for (number, deed) in (9_000..).zip(attempts.iter_mut().flat_map(|attempt| &mut attempt.deeds)) {
        deed.part = Some(PartId::Part(number));
    }
    let mut seen = std::collections::HashSet::new();
    attempts.retain(|made| seen.insert((made.rule.clone(), made.step, made.anchor_at)));
    History { attempts, hold }
}

/// What the daemon may have done: any steps, in any phase, at any time.
pub(super) fn history() -> impl Strategy<Value = History> {
    (vec(deed(moment()), 0..5), hold()).prop_map(history_of)
}

/// A conversation, and deeds that count from what happened in it, so that rules have begun.
pub(super) fn begun() -> impl Strategy<Value = (Conversation, History)> {
    conversation().prop_flat_map(|conversation| {
        let mut anchors: Vec<Timestamp> = conversation.latest.values().map(|(at, _)| *at).collect();
        anchors.extend(conversation.wakes.iter().map(|(at, _)| *at));
        anchors.push(at(0));
        let deeds = (vec(deed(prop::sample::select(anchors)), 1..6), hold()).prop_map(history_of);
        (Just(conversation), deeds)
    })
}
