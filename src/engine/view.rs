//! A conversation seen together with what the daemon itself did to it, at one moment.
//!
//! Owns: which parts are our own, the end of a snooze that nobody announces, and the state that follows from both.

use jiff::{SignedDuration, Timestamp};

use super::conversation::{Activity, Actor, Class, Conversation, Part, State};
use super::history::{Attempt, Deed, History, Phase};

/// Two clocks of Intercom's may differ by this much: a state part so near to a deed of ours belongs to it.
const NEAR_A_DEED: SignedDuration = SignedDuration::from_secs(2);
/// While an answer is missing, parts by our admin from this long before the call on are held to be ours.
const BEFORE_THE_CALL: SignedDuration = SignedDuration::from_secs(5);
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
    activities: Vec<Activity>,
}

impl<'a> View<'a> {
    pub(super) fn of(conversation: &'a Conversation, history: &'a History, now: Timestamp) -> View<'a> {
        let overslept = match conversation.state() {
            Some(State::Snoozed { until: Some(until) }) if until <= now => Some(until),
            _ => None,
        };
        let activities = activities(conversation, history);
        let mut view = View { conversation, history, now, standing: Standing::Unknown, overslept, activities };
        let rang = overslept.or_else(|| view.broken_snooze().filter(|until| *until <= now));
        view.activities.extend(rang.map(rings));
        view.standing = view.stand();
        view
    }

    /// The latest activity of a class by anybody but the daemon.
    pub(super) fn latest(&self, class: Class) -> Option<Activity> {
        self.latest_of(&[class])
    }

    /// The latest activity of these classes by anybody but the daemon.
    pub(super) fn latest_of(&self, classes: &[Class]) -> Option<Activity> {
        self.activities.iter().filter(|activity| classes.contains(&activity.class)).max_by_key(|a| a.order()).copied()
    }

    /// How long the snooze is that it is in, or that has just ended; `None` if its beginning is not known.
    pub(super) fn snooze_length(&self) -> Option<SignedDuration> {
        let began = self.latest(Class::Snoozed)?.at;
        let ended = match self.standing {
            Standing::Snoozed { until } => until?,
            _ => self.latest_of(&[Class::Unsnoozed]).filter(|activity| activity.actor == Actor::Timer)?.at,
        };
        Some(ended.duration_since(began))
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
        let timers = self.activities.iter().filter(|a| a.class == Class::Unsnoozed && a.actor == Actor::Timer);
        match timers.max_by_key(|a| a.order()) {
            Some(woken) if !self.activities.iter().any(|a| a.at >= woken.at && does_something(a)) => Standing::Woken,
            _ => Standing::Open,
        }
    }

    /// The end of the snooze that a message of ours ended early, if nobody else has touched it since.
    fn broken_snooze(&self) -> Option<Timestamp> {
        if self.conversation.state() != Some(State::Open) {
            return None;
        }
        let done = self.history.attempts.iter().filter(|attempt| attempt.phase == Phase::Done);
        // A second message finds it open already, and is none that woke it.
        let woke = done.filter(|attempt| attempt.snoozed_until.is_some() || attempt.closed());
        let last = woke.filter_map(|attempt| attempt.done_at.map(|at| (at, attempt))).max_by_key(|(at, _)| *at);
        let (at, attempt) = last?;
        let untouched = |a: &Activity| a.at < at || !(a.class.speaks() || a.class.changes_state());
        if self.activities.iter().all(untouched) { attempt.snoozed_until } else { None }
    }
}

/// Something after which a conversation is no longer only woken: a person did it, a bot spoke, or whoever it was
/// changed the state. Having read it is nothing.
fn does_something(activity: &Activity) -> bool {
    let by_timer = activity.actor == Actor::Timer;
    activity.class == Class::BotReply
        || (activity.class.changes_state() && !by_timer)
        || (activity.actor.is_person() && activity.class != Class::Read)
}

/// The end of a snooze by its timer, which nobody announces reliably.
fn rings(at: Timestamp) -> Activity {
    Activity { class: Class::Unsnoozed, actor: Actor::Timer, at, part: None }
}

fn activities(conversation: &Conversation, history: &History) -> Vec<Activity> {
    let told = conversation.latest.iter();
    let told = told.map(|((class, actor), (at, part))| Activity { class: *class, actor: *actor, at: *at, part: *part });
    let mut activities: Vec<Activity> = told.map(|activity| on_time(conversation, activity)).collect();
    for part in conversation.by_admin.iter().filter(|part| !is_own(part, history)) {
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

/// A snooze's timer counts from when it was to ring, not from when Intercom wrote it down.
fn on_time(conversation: &Conversation, activity: Activity) -> Activity {
    if activity.class != Class::Unsnoozed || activity.actor != Actor::Timer {
        return activity;
    }
    let ends = conversation.snooze_ends.iter().rev();
    let rang = ends.copied().find(|end| *end <= activity.at && activity.at.duration_since(*end) <= TIMER_LATE);
    Activity { at: rang.unwrap_or(activity.at), ..activity }
}

/// Whether the daemon made this part by its admin.
fn is_own(part: &Part, history: &History) -> bool {
    history.attempts.iter().any(|attempt| made(attempt, part))
}

fn made(attempt: &Attempt, part: &Part) -> bool {
    let awaited = matches!(attempt.phase, Phase::Unclear { .. })
        && attempt.sent_at.is_some_and(|sent| part.at.duration_since(sent) >= -BEFORE_THE_CALL);
    awaited || attempt.deeds.iter().any(|deed| is_it(attempt, deed, part))
}

/// The part of the deed, or a state change beside it: a message wakes a snooze, and that part's id is in no answer.
fn is_it(attempt: &Attempt, deed: &Deed, part: &Part) -> bool {
    if deed.part.is_some() && deed.part == part.id {
        return true;
    }
    let near = part.at.duration_since(deed.at).abs() <= NEAR_A_DEED;
    let silent = !part.classes.iter().any(|class| class.speaks());
    let moves_state = silent && part.classes.iter().any(|class| class.changes_state());
    let same_text = deed.part.is_none() && part.digest.is_some() && part.digest == attempt.text;
    near && (moves_state || same_text)
}
