//! A conversation seen together with what the daemon itself did to it, at one moment.
//!
//! Owns: which parts are our own, the end of a snooze that nobody announces, and the state that follows from both.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use super::conversation::{Activity, Actor, Class, Conversation, Facts, Part, State};
use super::facts::Change;
use super::history::{Attempt, Deed, History, Phase};
use super::rule::{StateName, StepKind};
use crate::sabotage::{Bug, planted};

/// Two clocks of Intercom's may differ by this much: a state part so near to a deed of ours belongs to it.
const NEAR_A_DEED: SignedDuration = SignedDuration::from_secs(2);
/// While an answer is missing, parts by our admin from this long before the call on are held to be ours.
const BEFORE_THE_CALL: SignedDuration = SignedDuration::from_secs(5);
/// Where it was never found out what became of a call, parts by our admin until this long after it stay ours.
const AFTER_A_LOST_CALL: SignedDuration = SignedDuration::from_mins(2);
/// Intercom writes its `timer_unsnooze` part at most this long after the snooze ended.
const TIMER_LATE: SignedDuration = SignedDuration::from_mins(10);

/// The state that rules see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Open,
    Woken,
    Snoozed { until: Option<Timestamp> },
    Closed,
    Unknown,
}

/// What rules look at: others' latest activities, and the state.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) conversation: &'a Conversation,
    pub(super) history: &'a History,
    pub(super) now: Timestamp,
    pub(super) standing: Standing,
    /// Intercom still says snoozed, though the snooze ended then.
    pub(super) overslept: Option<Timestamp>,
    facts: Option<Cow<'a, Facts>>,
    activities: Vec<Activity>,
    /// Ends of snoozes that a step of ours began: they wake the conversation, and nobody has done anything.
    own_wakes: Vec<Activity>,
}

impl<'a> View<'a> {
    pub(super) fn of(conversation: &'a Conversation, history: &'a History, now: Timestamp) -> View<'a> {
        let overslept = match conversation.state() {
            Some(State::Snoozed { until: Some(until) }) if until <= now => Some(until),
            _ => None,
        };
        let (own_wakes, activities) =
            activities(conversation, history).into_iter().partition(|a| is_own_wake(a, history));
        let facts = conversation.facts().map(Cow::Borrowed);
        let standing = Standing::Unknown;
        let mut view = View { conversation, history, now, standing, overslept, facts, activities, own_wakes };
        let rang = overslept.or_else(|| view.broken_snooze().filter(|until| *until <= now));
        if let Some(rang) = rang.map(rings) {
            let own = is_own_wake(&rang, history);
            if own { view.own_wakes.push(rang) } else { view.activities.push(rang) }
        }
        view.standing = view.stand();
        view
    }

    /// The newest facts, if any were ever told.
    pub(super) fn facts(&self) -> Option<&Facts> {
        self.facts.as_deref()
    }

    /// The same conversation as if these attempts had changed nothing, as far as what they changed still stands.
    pub(super) fn without<'b>(&self, attempts: impl Iterator<Item = &'b Attempt>) -> View<'a> {
        let mut done: Vec<&Attempt> = attempts.filter(|attempt| attempt.took_hold()).collect();
        done.sort_by_key(|attempt| attempt.done_at);
        done.reverse();
        let facts = self.facts().map(|facts| {
            // Of what was broken off, only what still stands was surely done.
            let surely = |attempt: &Attempt, change: &Change| attempt.done() || change.stands(facts);
            let changes = done.iter().flat_map(|attempt| attempt.changes.iter().map(move |change| (*attempt, change)));
            let changes = changes.filter(|(attempt, change)| surely(attempt, change)).map(|(_, change)| change);
            Cow::Owned(facts.clone().without_all(changes))
        });
        let own_wakes = self.own_wakes.iter().filter(|wake| !done.iter().any(|attempt| snoozed_till(attempt, wake)));
        View {
            facts,
            standing: self.standing_before(&done),
            activities: self.activities.clone(),
            own_wakes: own_wakes.copied().collect(),
            ..*self
        }
    }

    /// The state that the first of these attempts found, as far back as nobody else has moved it. The newest comes
    /// first.
    fn standing_before(&self, done: &[&Attempt]) -> Standing {
        let found = done.iter().filter_map(|attempt| attempt.state_found().map(|was| (*attempt, was)));
        let still = found.take_while(|(attempt, _)| self.nobody_moved_it_since(attempt));
        still.last().map_or(self.standing, |(attempt, was)| match was {
            StateName::Snoozed => Standing::Snoozed { until: attempt.snoozed_until },
            StateName::Woken if !self.activities.iter().any(|a| Some(a.at) >= attempt.done_at && does_something(a)) => {
                Standing::Woken
            }
            StateName::Open | StateName::Woken => Standing::Open,
        })
    }

    /// The state is as the attempt left it, but for the end of its own snooze. A timer that rings in its second had
    /// rung before.
    fn nobody_moved_it_since(&self, attempt: &Attempt) -> bool {
        let before = |a: &Activity| match a.actor {
            Actor::Timer => Some(a.at) <= attempt.done_at,
            _ => Some(a.at) < attempt.done_at,
        };
        self.activities.iter().all(|a| before(a) || !a.class.changes_state())
    }

    /// The latest activity of a class by anybody but the daemon.
    pub(super) fn latest(&self, class: Class) -> Option<Activity> {
        self.latest_of(&[class])
    }

    /// The latest activity of these classes by anybody but the daemon.
    pub(super) fn latest_of(&self, classes: &[Class]) -> Option<Activity> {
        self.activities.iter().filter(|activity| classes.contains(&activity.class)).max_by_key(|a| a.order()).copied()
    }

    /// What others have done.
    pub(super) fn activities(&self) -> &[Activity] {
        &self.activities
    }

    /// How long the snooze is that it is in, or that has just ended; `None` if its beginning is not known.
    pub(super) fn snooze_length(&self) -> Option<SignedDuration> {
        let ended = if let Standing::Snoozed { until } = self.standing {
            until?
        } else {
            let ends = self.activities.iter().filter(|activity| activity.class == Class::Unsnoozed);
            let last = ends.chain(&self.own_wakes).max_by_key(|activity| activity.order());
            last.filter(|activity| activity.actor == Actor::Timer)?.at
        };
        let ours =
            self.history.attempts.iter().filter(|attempt| attempt.done() && attempt.snoozes_until() == Some(ended));
        let began = ours.filter_map(|attempt| attempt.done_at).max();
        Some(ended.duration_since(began.or_else(|| Some(self.latest(Class::Snoozed)?.at))?))
    }

    /// When a person spoke last: the beginning of the present silence.
    pub(super) fn silent_since(&self) -> Option<Timestamp> {
        self.latest_of(&[Class::ContactReply, Class::TeammateReply]).map(|activity| activity.at)
    }

    /// The latest reopening by a person.
    pub(super) fn reopened_by_a_person(&self) -> Option<Activity> {
        let reopenings = self.activities.iter().filter(|a| a.class == Class::Opened && a.actor.is_person());
        reopenings.max_by_key(|a| a.order()).copied()
    }

    fn stand(&self) -> Standing {
        match self.conversation.state() {
            None => Standing::Unknown,
            Some(State::Closed) => Standing::Closed,
            Some(State::Snoozed { .. }) if self.overslept.is_some() => Standing::Woken,
            Some(State::Snoozed { until }) => Standing::Snoozed { until },
            Some(State::Open) => self.stand_open(),
        }
    }

    /// Open: because a message of ours woke it (it still counts as snoozed), because the snooze ran out, or simply.
    fn stand_open(&self) -> Standing {
        if let Some(until) = self.broken_snooze().filter(|until| *until > self.now) {
            return Standing::Snoozed { until: Some(until) };
        }
        let timers = self.activities.iter().filter(|a| is_ring(a));
        match timers.chain(&self.own_wakes).max_by_key(|a| a.order()) {
            Some(woken) if !self.activities.iter().any(|a| a.at >= woken.at && does_something(a)) => Standing::Woken,
            _ => Standing::Open,
        }
    }

    /// The end of the snooze that a message of ours ended early, if nobody else has touched it since.
    fn broken_snooze(&self) -> Option<Timestamp> {
        if self.conversation.state() != Some(State::Open) {
            return None;
        }
        let done = self.history.attempts.iter().filter(|attempt| attempt.took_hold());
        // A second message finds it open already, and is none that woke it.
        let moved = done.filter(|attempt| attempt.step.kind.changes_state() || attempt.woke_a_snooze());
        let last = moved.filter_map(|attempt| attempt.done_at.map(|at| (at, attempt))).max_by_key(|(at, _)| *at);
        let (at, attempt) = last.filter(|(_, attempt)| attempt.woke_a_snooze())?;
        let untouched = |a: &Activity| a.at < at || !(a.class.speaks() || a.class.changes_state());
        if self.activities.iter().all(untouched) { attempt.snoozed_until } else { None }
    }
}

/// The end of a snooze that a step of ours began.
fn is_own_wake(activity: &Activity, history: &History) -> bool {
    is_ring(activity) && history.attempts.iter().any(|attempt| snoozed_till(attempt, activity))
}

fn snoozed_till(attempt: &Attempt, wake: &Activity) -> bool {
    attempt.done() && attempt.snoozes_until() == Some(wake.at)
}

/// Something after which a conversation is no longer only woken: a person did it, a bot spoke, or whoever it was
/// changed the state. Having read it is nothing.
fn does_something(activity: &Activity) -> bool {
    let by_timer = activity.actor == Actor::Timer;
    activity.class == Class::BotReply
        || (activity.class.changes_state() && !by_timer)
        || (activity.actor.is_person() && activity.class != Class::Read)
}

/// The end of a snooze by its timer.
fn is_ring(activity: &Activity) -> bool {
    activity.class == Class::Unsnoozed && activity.actor == Actor::Timer
}

/// The same, which nobody announces reliably.
fn rings(at: Timestamp) -> Activity {
    Activity { class: Class::Unsnoozed, actor: Actor::Timer, at, part: None }
}

fn activities(conversation: &Conversation, history: &History) -> Vec<Activity> {
    let told = conversation.latest.iter();
    let told = told.map(|((class, actor), (at, part))| Activity { class: *class, actor: *actor, at: *at, part: *part });
    let wakes = conversation.wakes.iter();
    let wakes = wakes.map(|(at, part)| Activity { part: *part, ..rings(*at) });
    let mut activities: Vec<Activity> = told
        .filter(|activity| !is_our_update(activity, history))
        .chain(wakes)
        .map(|activity| on_time(conversation, history, activity))
        .collect();
    for part in
        conversation.by_admin.iter().filter(|part| planted(Bug::OwnPartsCount) || !is_own(part, conversation, history))
    {
        let classes = part.classes.iter();
        activities.extend(classes.map(|class| Activity {
            class: *class,
            actor: part.actor,
            at: part.at,
            part: part.id,
        }));
    }
    activities
}

/// An attribute is set by the token's own teammate, whoever else we act as: no answer names that part as ours.
fn is_our_update(activity: &Activity, history: &History) -> bool {
    let mut deeds = history.attempts.iter().flat_map(|attempt| &attempt.deeds).filter(|deed| deed.part.is_none());
    activity.class == Class::Other && deeds.any(|deed| activity.at.duration_since(deed.at).abs() <= NEAR_A_DEED)
}

/// A snooze's timer counts from when it was to ring, not from when Intercom wrote it down.
fn on_time(conversation: &Conversation, history: &History, activity: Activity) -> Activity {
    if !is_ring(&activity) {
        return activity;
    }
    let ours = history.attempts.iter().filter(|attempt| attempt.done()).filter_map(Attempt::snoozes_until);
    let ends = conversation.snooze_ends.iter().copied().chain(ours);
    let rang = ends.filter(|end| *end <= activity.at && activity.at.duration_since(*end) <= TIMER_LATE).max();
    Activity { at: rang.unwrap_or(activity.at), ..activity }
}

/// Whether the daemon made this part by its admin.
fn is_own(part: &Part, conversation: &Conversation, history: &History) -> bool {
    made_by(part, history) || is_forgotten(part) || goes_with_one_forgotten(part, conversation)
}

/// Whether an attempt is known that made it.
pub(super) fn made_by(part: &Part, history: &History) -> bool {
    history.attempts.iter().any(|attempt| made(attempt, part))
}

/// Whether it reads as one of our messages: that is ours also where nobody remembers it, as the database is an old copy.
/// As a teammate's it would begin a new silence, in which all would be said once more, and answer who still waits.
pub(super) fn is_forgotten(part: &Part) -> bool {
    !part.reads_as.is_empty() && !planted(Bug::ForgetsWhatItSaid)
}

/// A message wakes a snooze, which is then put back: those parts say nothing.
fn goes_with_one_forgotten(part: &Part, conversation: &Conversation) -> bool {
    let near = |said: &Part| is_forgotten(said) && part.at.duration_since(said.at).abs() <= NEAR_A_DEED;
    part.classes.iter().all(|class| class.changes_state()) && conversation.by_admin.iter().any(near)
}

fn made(attempt: &Attempt, part: &Part) -> bool {
    let awaited = attempt.sent_at.is_some_and(|sent| {
        let since = part.at.duration_since(sent);
        let may_be_it = match attempt.phase {
            Phase::Unclear { .. } => true,
            // Only a call that may have had an effect is remembered. As a teammate's, its message would begin a new
            // silence and be sent again.
            Phase::Failed => since <= AFTER_A_LOST_CALL,
            _ => false,
        };
        may_be_it && since >= -BEFORE_THE_CALL
    });
    awaited || is_of_an_undo(attempt, part) || attempt.deeds.iter().any(|deed| is_it(attempt, deed, part))
}

/// What opens a conversation, or snoozes it again, while the answer to just that is missing.
fn is_of_an_undo(attempt: &Attempt, part: &Part) -> bool {
    attempt.undone.filter(|undone| undone.awaited).is_some_and(|undone| {
        part.at.duration_since(undone.at) >= -BEFORE_THE_CALL
            && part.classes.iter().all(|class| matches!(class, Class::Opened | Class::Unsnoozed | Class::Snoozed))
    })
}

/// The part of the deed, or one beside it that nobody says anything in: a message wakes a snooze, an attribute is set,
/// and the ids of those parts are in no answer.
fn is_it(attempt: &Attempt, deed: &Deed, part: &Part) -> bool {
    if deed.part.is_some() && deed.part == part.id {
        return true;
    }
    let near = part.at.duration_since(deed.at).abs() <= NEAR_A_DEED;
    let kind = attempt.step.kind;
    let goes_with_it = |class: &Class| {
        class.changes_state() || *class == Class::Other || (*class == Class::Assigned && kind == StepKind::Assign)
    };
    let beside = part.classes.iter().all(goes_with_it);
    let same_text = deed.part.is_none() && part.digest.is_some() && part.digest == attempt.text;
    near && (beside || same_text)
}
