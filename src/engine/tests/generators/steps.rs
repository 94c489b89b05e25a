//! Ladders of every step, and what a step that was done may have changed.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::*;
use super::{TEMPLATES, moment};
use crate::engine::rule::{Act, After, Assignment, Labels, Named, StateName, Step, StepId, StepKind};

pub(super) const TAGS: [&str; 2] = ["beta", "vip"];
pub(super) const TEAMS: [&str; 2] = ["sales", "support"];

/// Steps as a history names them.
pub(super) const STEPS: [&str; 10] =
    ["reply 1", "reply 2", "close", "note 1", "snooze 1", "open 1", "assign 1", "tag 1", "untag 1", "update 1"];

pub(super) fn named(name: &str) -> Named {
    Named { name: name.to_owned(), id: Some(name.to_owned()) }
}

fn act(kind: StepKind, pick: usize, hours: i64) -> Act {
    let tags = vec![TAGS[pick % 2].to_owned()];
    let body = TEMPLATES[pick % 3].into();
    match kind {
        StepKind::Reply => Act::Reply { body },
        StepKind::Note => Act::Note { body },
        StepKind::Close => Act::Close { body: (pick > 1).then_some(body), labels: Labels::default() },
        StepKind::Snooze => Act::Snooze { length: SignedDuration::from_hours(hours) },
        StepKind::Open => Act::Open,
        StepKind::Assign if pick == 0 => Act::Assign(Assignment::Nobody),
        StepKind::Assign => Act::Assign(Assignment::To { team: Some(named(TEAMS[pick % 2])), teammate: None }),
        StepKind::Tag => Act::Label(Labels { tags, ..Labels::default() }),
        StepKind::Untag => Act::Label(Labels { untag: tags, ..Labels::default() }),
        StepKind::Update => Act::Label(Labels { read: Some(true), ..Labels::default() }),
    }
}

/// Up to four steps, replies most often; mostly with a close at their end. None at all leaves alone.
pub(super) fn ladder() -> impl Strategy<Value = Vec<Step>> {
    let kinds: Vec<StepKind> =
        StepKind::NAMES.iter().map(|(kind, _)| *kind).filter(|kind| *kind != StepKind::Close).collect();
    let kind = prop_oneof![1 => Just(StepKind::Reply), 2 => prop::sample::select(kinds)];
    let step = (1..5 * 86_400_i64, kind, 0..3_usize, 1..100_i64);
    (vec(step, 0..4), option::weighted(0.8, (1..86_400_i64, 0..3_usize))).prop_map(|(mut steps, close)| {
        steps.extend(close.map(|(seconds, pick)| (seconds, StepKind::Close, pick, 1)));
        numbered(&steps)
    })
}

fn numbered(steps: &[(i64, StepKind, usize, i64)]) -> Vec<Step> {
    let mut after = SignedDuration::ZERO;
    let mut made: Vec<Step> = Vec::new();
    for (seconds, kind, pick, hours) in steps {
        after += SignedDuration::from_secs(*seconds);
        let nth = 1 + u32::try_from(made.iter().filter(|step| step.id.kind == *kind).count()).unwrap();
        let channels = vec!["conversation".to_owned()];
        let id = StepId { kind: *kind, nth };
        made.push(Step { id, after: After::Time(after), act: act(*kind, *pick, *hours), channels });
    }
    made
}

/// What a step of this kind may have changed.
pub(super) fn changes(kind: StepKind) -> BoxedStrategy<Vec<Change>> {
    let was = prop::sample::select(&[StateName::Open, StateName::Snoozed, StateName::Woken][..]);
    let tag = prop::sample::select(&TAGS[..]).prop_map(str::to_owned);
    let team = || option::of(prop::sample::select(&TEAMS[..]).prop_map(str::to_owned));
    let change = match kind {
        StepKind::Snooze => (was, moment()).prop_map(|(was, until)| Change::State { was, until: Some(until) }).boxed(),
        StepKind::Open => was.prop_map(|was| Change::State { was, until: None }).boxed(),
        StepKind::Tag => tag.prop_map(Change::Tagged).boxed(),
        StepKind::Untag => tag.prop_map(Change::Untagged).boxed(),
        StepKind::Assign => (team(), team()).prop_map(|(was, is)| Change::Team { was, is }).boxed(),
        _ => return Just(Vec::new()).boxed(),
    };
    option::weighted(0.9, change).prop_map(|change| change.into_iter().collect()).boxed()
}
