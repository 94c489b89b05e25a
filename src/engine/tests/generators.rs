//! Conversations of every sort: many at the same second, told twice and in any order, with parts of our own between.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::world::attempt;
use super::*;
use crate::engine::rule::{
    self, Act, After, AfterReopen, ContactReplied, Labels, Match, StateName, StepKind, WaitingOn,
};

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
            Part { id: Some(id), at, actor, admin_id, classes, digest: None }
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
    (parts(), state(), prop::sample::subsequence(vec!["vip", "beta"], 0..=2), any::<bool>()).prop_map(
        |(parts, state, tags, email)| {
            let mut snapshot = super::fetched(at(SPAN), State::Open, &tags);
            snapshot.facts.state = state;
            let channel = Some(if email { "email" } else { "conversation" }.to_owned());
            folded(&[Sighting { parts, snapshot: Some(snapshot), channel, whole: true, ..Sighting::of(id()) }])
        },
    )
}

const NAMES: [&str; 3] = ["first", "second", "third"];
const TEMPLATES: [&str; 3] = ["Did that solve it?", "Anything else?", "Closing this."];

fn rule_of(name: &'static str) -> impl Strategy<Value = Rule> {
    let states = prop::sample::subsequence(vec![StateName::Open, StateName::Snoozed, StateName::Woken], 1..=3);
    let waiting_on = prop::sample::select(&[WaitingOn::Contact, WaitingOn::Anyone][..]);
    let replied = prop::sample::select(&[ContactReplied::Yes, ContactReplied::Any][..]);
    let counts = vec![
        Class::ContactReply,
        Class::TeammateReply,
        Class::BotReply,
        Class::Snoozed,
        Class::Unsnoozed,
        Class::Opened,
        Class::Note,
    ];
    let counts = prop::sample::subsequence(counts, 1..=6);
    let steps = (vec((1..5 * 86_400_i64, prop::sample::select(&TEMPLATES[..])), 0..3), any::<bool>());
    let conditions = (option::of(states), waiting_on, replied, prop::sample::subsequence(vec!["vip", "beta"], 0..=1));
    (conditions, counts, any::<bool>(), steps).prop_map(move |(conditions, counts_from, again, (replies, speaks))| {
        let (state, waiting_on, contact_replied, tags) = conditions;
        let tags = tags.into_iter().map(str::to_owned).collect();
        Rule {
            name: name.into(),
            matches: Match { state, waiting_on, tags, contact_replied, ..Match::default() },
            counts_from,
            after_reopen: if again { AfterReopen::CountAgain } else { AfterReopen::WaitForReply },
            clock: None,
            act_only: None,
            steps: ladder(&replies, speaks),
        }
    })
}

fn ladder(replies: &[(i64, &str)], speaks: bool) -> Vec<Step> {
    let channels = vec!["conversation".to_owned()];
    let mut after = SignedDuration::ZERO;
    let mut steps = Vec::new();
    for (nth, (seconds, body)) in (1..).zip(replies) {
        after += SignedDuration::from_secs(*seconds);
        let id = rule::StepId { kind: StepKind::Reply, nth };
        let act = Act::Reply { body: (*body).into() };
        steps.push(Step { id, after: After::Time(after), act, channels: channels.clone() });
    }
    after += hours(7);
    let id = rule::StepId { kind: StepKind::Close, nth: 1 };
    let act = Act::Close { body: speaks.then(|| TEMPLATES[2].into()), labels: Labels::default() };
    steps.push(Step { id, after: After::Time(after), act, channels });
    steps
}

pub(super) fn rule_set() -> impl Strategy<Value = RuleSet> {
    (rule_of(NAMES[0]), rule_of(NAMES[1]), rule_of(NAMES[2]), 1..4_usize).prop_map(|(one, two, three, count)| {
        let rules = [one, two, three].into_iter().take(count).collect();
        RuleSet { rules, hold_tags: vec!["autoclose-hold".to_owned()], max_auto_closes: 2 }
    })
}

/// What the daemon may have done: any steps, in any phase, at any time.
pub(super) fn history() -> impl Strategy<Value = History> {
    let name = prop::sample::select(&NAMES[..]);
    let step = prop::sample::select(&["reply 1", "reply 2", "close"][..]);
    let phase = prop::sample::select(
        &[Phase::Open, Phase::Done, Phase::Done, Phase::Done, Phase::Raced, Phase::Passed, Phase::Failed][..],
    );
    let phase = prop_oneof![
        8 => phase,
        1 => moment().prop_map(|until| Phase::Parked { until }),
        1 => moment().prop_map(|look_at| Phase::Unclear { look_at }),
    ];
    let one = (name, step, phase, moment(), moment(), prop::sample::select(&TEMPLATES[..]), option::of(moment()));
    vec(one, 0..5).prop_map(|all| {
        let mut attempts: Vec<Attempt> = Vec::new();
        for (number, (name, step, phase, anchor, done, template, snoozed_until)) in (9_000..).zip(all) {
            let spoke = !matches!(phase, Phase::Open | Phase::Passed | Phase::Parked { .. });
            let deed = Deed { at: done, part: Some(PartId::Part(number)) };
            let made = Attempt {
                phase,
                sent_at: spoke.then_some(done),
                done_at: matches!(phase, Phase::Done | Phase::Raced).then_some(done),
                deeds: if spoke { vec![deed] } else { Vec::new() },
                template: spoke.then(|| rule::digest(template)),
                snoozed_until,
                ..attempt(name.into(), super::world::step(step), anchor, anchor)
            };
            attempts.push(made);
        }
        History { attempts }
    })
}
