//! What to do about a conversation. Total and pure: the receiver asks it when a notification comes, the sweep asks
//! it again on freshly fetched facts just before acting, and both get the same kind of answer.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::conversation::{Activity, Class, Conversation};
use super::history::{History, Phase};
use super::ladder::Ladder;
use super::matching::{Fit, fit, tag_names};
use super::missing::Missing;
use super::recalled::recalled;
use super::rule::{AfterReopen, Assignment, Labels, Rule, RuleName, RuleSet, StepId};
use super::view::{Standing, View};
use super::why::{PassedOver, Why};

/// What to do, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing before `until`; then decide again.
    Wait {
        /// When to decide again.
        until: Timestamp,
        /// What will be done then, if everybody stays silent.
        next: Option<(RuleName, StepId)>,
        /// Why.
        why: Why,
    },
    /// Do it now.
    Act {
        /// The rule that says so.
        rule: RuleName,
        /// Which of its steps.
        step: StepId,
        /// The moment that the period counts from.
        anchor_at: Timestamp,
        /// When the step became due.
        due_at: Timestamp,
        /// What to do.
        action: Action,
        /// Why.
        why: Why,
    },
    /// Nothing, until a new fact comes.
    Leave {
        /// Why.
        why: Why,
    },
}

/// What a due step comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send a message.
    Reply {
        /// Template of the text.
        body: Arc<str>,
        /// When the rule's close is planned for.
        closes_at: Option<Timestamp>,
    },
    /// Leave a note.
    Note {
        /// Template of the text.
        body: Arc<str>,
        /// When the rule's close is planned for.
        closes_at: Option<Timestamp>,
    },
    /// Close.
    Close {
        /// Template of the last word; none is silent.
        body: Option<Arc<str>>,
        /// There is a last word, but it may not go out, and why.
        muted: Option<PassedOver>,
        /// What is put on it afterwards.
        labels: Labels,
    },
    /// Snooze.
    Snooze {
        /// Until then; a whole second.
        until: Timestamp,
    },
    /// Open.
    Open,
    /// Assign.
    Assign(Assignment),
    /// Put labels on, or take them off.
    Label {
        /// Which.
        labels: Labels,
        /// When the rule's close is planned for.
        closes_at: Option<Timestamp>,
    },
    /// Note that the step is not done, and go on.
    PassOver {
        /// Why.
        why: PassedOver,
    },
}

impl Action {
    /// Template of the text that goes with it.
    pub fn template(&self) -> Option<&Arc<str>> {
        match self {
            Action::Reply { body, .. } | Action::Note { body, .. } => Some(body),
            Action::Close { body, .. } => body.as_ref(),
            _ => None,
        }
    }

    /// What is put on the conversation or taken off, beside anything else.
    pub fn labels(&self) -> Option<&Labels> {
        match self {
            Action::Label { labels, .. } | Action::Close { labels, .. } => Some(labels),
            _ => None,
        }
    }

    /// Every template in it: of its text, and of the attributes that it sets.
    pub fn templates(&self) -> impl Iterator<Item = &Arc<str>> {
        self.template().into_iter().chain(self.labels().into_iter().flat_map(Labels::templates))
    }

    /// Whether the contact gets a message by it.
    pub fn speaks(&self) -> bool {
        matches!(self, Action::Reply { .. } | Action::Close { body: Some(_), .. })
    }

    /// When the rule's close is planned for, as its text may say.
    pub fn closes_at(&self) -> Option<Timestamp> {
        match self {
            Action::Reply { closes_at, .. } | Action::Note { closes_at, .. } | Action::Label { closes_at, .. } => {
                *closes_at
            }
            _ => None,
        }
    }
}

impl Decision {
    /// When the conversation is to be looked at next: the value of `due_at`.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self {
            Decision::Wait { until, .. } => Some(*until),
            Decision::Act { due_at, .. } => Some(*due_at),
            Decision::Leave { .. } => None,
        }
    }

    /// Why.
    pub fn why(&self) -> &Why {
        match self {
            Decision::Wait { why, .. } | Decision::Act { why, .. } | Decision::Leave { why } => why,
        }
    }
}

/// Decides what to do about a conversation at `now`, which is a moment on Intercom's clock.
pub fn decide(conversation: &Conversation, history: &History, rules: &RuleSet, now: Timestamp) -> Decision {
    let history = recalled(conversation, history, rules);
    weigh(&View::of(conversation, &history, now), rules).decision
}

/// A decision, the rule that it comes from, and what was not known.
pub(super) struct Weighed<'a> {
    pub(super) decision: Decision,
    /// The rule that owns the conversation, if one does.
    pub(super) owner: Option<&'a Rule>,
    /// It keeps what it has begun, whether or not it fits by now.
    pub(super) kept: bool,
    /// Without these facts nothing can be decided.
    pub(super) missing: Vec<Missing>,
}

impl<'a> Weighed<'a> {
    fn by(rule: &'a Rule, kept: bool, view: &View<'_>) -> Weighed<'a> {
        Weighed { decision: work(rule, view), owner: Some(rule), kept, missing: Vec::new() }
    }

    fn by_nobody(decision: Decision) -> Weighed<'a> {
        Weighed { decision, owner: None, kept: false, missing: Vec::new() }
    }

    fn unread(missing: Vec<Missing>) -> Weighed<'a> {
        Weighed { missing, ..Weighed::by_nobody(Decision::Leave { why: Why::NotRead }) }
    }
}

/// Decides, and tells what it comes from.
pub(super) fn weigh<'a>(view: &View<'_>, rules: &'a RuleSet) -> Weighed<'a> {
    if let Some(settled) = untouchable(view, rules) {
        return settled;
    }
    if let Some(decision) = held_by_hand(view) {
        return Weighed::by_nobody(decision);
    }
    if let Some(why) = undone(view) {
        return Weighed::by_nobody(Decision::Leave { why });
    }
    let weighed = by_rule(view, rules);
    let decision = not_while_parked(weighed.decision, view);
    let decision = not_before_its_hold_ended(decision, view.history);
    let decision = match (view.overslept, view.standing) {
        (Some(since), _) => until_intercom_agrees(decision, since, view.now),
        (None, Standing::Snoozed { until: Some(until) }) => no_later_than_it_wakes(decision, until),
        _ => decision,
    };
    Weighed { decision, ..weighed }
}

/// What is to be left alone whatever the rules say.
fn untouchable<'a>(view: &View<'_>, rules: &RuleSet) -> Option<Weighed<'a>> {
    let leave = |why| Some(Weighed::by_nobody(Decision::Leave { why }));
    if view.conversation.gone {
        return leave(Why::Gone);
    }
    if view.conversation.ticket {
        return leave(Why::Ticket);
    }
    match view.standing {
        Standing::Unknown => return Some(Weighed::unread(vec![Missing::State])),
        Standing::Closed => return leave(Why::Closed),
        _ => {}
    }
    if view.history.attempts.iter().any(|attempt| matches!(attempt.phase, Phase::Unclear { .. })) {
        return leave(Why::Unclear);
    }
    match held(view, rules) {
        Err(missing) => Some(Weighed::unread(vec![missing])),
        Ok(held) => held.or_else(|| closed_often_enough(view, rules)).and_then(leave),
    }
}

fn held(view: &View<'_>, rules: &RuleSet) -> Result<Option<Why>, Missing> {
    if rules.hold_tags.is_empty() {
        return Ok(None);
    }
    let Some(tags) = tag_names(view) else { return Err(Missing::Tags) };
    let tag = rules.hold_tags.iter().find(|tag| tags.contains(&tag.as_str()));
    Ok(tag.map(|tag| Why::Held { tag: tag.clone() }))
}

fn held_by_hand(view: &View<'_>) -> Option<Decision> {
    let hold = view.history.hold?;
    match hold.until {
        Some(until) if until <= view.now => None,
        Some(until) => Some(Decision::Wait { until, next: None, why: Why::OnHold { until: Some(until) } }),
        None => Some(Decision::Leave { why: Why::OnHold { until: None } }),
    }
}

/// What a hold kept waiting became due when the hold ended.
fn not_before_its_hold_ended(decision: Decision, history: &History) -> Decision {
    match (decision, history.hold.and_then(|hold| hold.until)) {
        (Decision::Act { rule, step, anchor_at, due_at, action, why }, Some(ended)) => {
            Decision::Act { rule, step, anchor_at, due_at: due_at.max(ended), action, why }
        }
        (decision, _) => decision,
    }
}

/// An operator has had a close of ours taken back, and neither contact nor teammate has spoken since that close. Between
/// it and his word nobody had: else it would not have been taken back.
fn undone(view: &View<'_>) -> Option<Why> {
    let undone = view.history.attempts.iter().filter_map(|attempt| Some((attempt.done_at?, attempt.undone?.at)));
    let (closed_at, at) = undone.max()?;
    (view.silent_since() <= Some(closed_at)).then_some(Why::Undone { at })
}

fn closed_often_enough(view: &View<'_>, rules: &RuleSet) -> Option<Why> {
    let spoke = view.latest(Class::ContactReply).map(|activity| activity.at);
    let closes = view.history.attempts.iter().filter(|attempt| attempt.closed() && attempt.done_at > spoke);
    let times = u32::try_from(closes.count()).unwrap_or(u32::MAX);
    (times >= rules.max_auto_closes).then_some(Why::ClosedOften { times })
}

/// The rule that has begun keeps the conversation, whatever its own steps have changed; else the first that fits owns
/// it.
fn by_rule<'a>(view: &View<'_>, rules: &'a RuleSet) -> Weighed<'a> {
    match keeper(view, rules) {
        Keeper::Rule(rule) => return Weighed::by(rule, true, view),
        Keeper::Unknown(missing) => return Weighed::unread(missing),
        Keeper::Nobody => {}
    }
    let mut reasons = Vec::new();
    for rule in &rules.rules {
        match fit(&rule.matches, view) {
            Fit::Yes => return Weighed::by(rule, false, view),
            Fit::Unknown(missing) => return Weighed::unread(missing),
            Fit::No(misfit) => reasons.push((rule.name.clone(), misfit)),
        }
    }
    Weighed::by_nobody(Decision::Leave { why: Why::NoRuleFits(reasons) })
}

/// Which rule keeps what it has begun.
enum Keeper<'a> {
    Rule(&'a Rule),
    /// Facts that this depends on are not known.
    Unknown(Vec<Missing>),
    Nobody,
}

/// What a rule above it leaves alone, no rule keeps.
fn keeper<'a>(view: &View<'_>, rules: &'a RuleSet) -> Keeper<'a> {
    if view.history.attempts.is_empty() {
        return Keeper::Nobody;
    }
    for rule in &rules.rules {
        if rule.steps.is_empty() {
            match fit(&rule.matches, view) {
                Fit::Yes => return Keeper::Nobody,
                // It may leave alone what a rule below has begun.
                Fit::Unknown(missing) if rules.rules.iter().any(|rule| begun(rule, view)) => {
                    return Keeper::Unknown(missing);
                }
                Fit::Unknown(_) | Fit::No(_) => continue,
            }
        }
        let Some(ladder) = anchor(rule, view).map(|anchor| Ladder { rule, view, anchor }) else { continue };
        if !ladder.begun() {
            continue;
        }
        match fit(&rule.matches, &view.without(ladder.attempts())) {
            Fit::Yes => return Keeper::Rule(rule),
            Fit::Unknown(missing) => return Keeper::Unknown(missing),
            Fit::No(_) => {}
        }
    }
    Keeper::Nobody
}

pub(super) fn anchor(rule: &Rule, view: &View<'_>) -> Option<Activity> {
    view.latest_of(&rule.counts_from)
}

fn begun(rule: &Rule, view: &View<'_>) -> bool {
    anchor(rule, view).is_some_and(|anchor| Ladder { rule, view, anchor }.begun())
}

fn work(rule: &Rule, view: &View<'_>) -> Decision {
    if rule.steps.is_empty() {
        return Decision::Leave { why: Why::LeftByRule { rule: rule.name.clone() } };
    }
    if rule.after_reopen == AfterReopen::WaitForReply && reopened_without_a_word(view) {
        return Decision::Leave { why: Why::Reopened };
    }
    match anchor(rule, view) {
        Some(anchor) => Ladder { rule, view, anchor }.decide(),
        None => Decision::Leave { why: Why::NothingToCountFrom },
    }
}

/// A person reopened what the daemon had closed, and no person has spoken since.
fn reopened_without_a_word(view: &View<'_>) -> bool {
    let closed =
        view.history.attempts.iter().filter(|attempt| attempt.closed()).filter_map(|attempt| attempt.done_at).max();
    let reopened = view.reopened_by_a_person().map(|activity| activity.at);
    closed.is_some() && reopened >= closed && view.silent_since() < reopened
}

/// What Intercom has refused rests, with the whole conversation.
fn not_while_parked(decision: Decision, view: &View<'_>) -> Decision {
    let parked = view.history.attempts.iter().filter_map(|attempt| match attempt.phase {
        Phase::Parked { until } if until > view.now => Some(until),
        _ => None,
    });
    match (decision, parked.max()) {
        (Decision::Act { rule, step, .. }, Some(until)) => {
            Decision::Wait { until, next: Some((rule, step)), why: Why::Parked }
        }
        (decision, _) => decision,
    }
}

/// Nothing is done while Intercom still says snoozed; it is asked again after 1, 2, 4 … 60 minutes.
fn until_intercom_agrees(decision: Decision, since: Timestamp, now: Timestamp) -> Decision {
    let ask = ask_again(since, now);
    let why = Why::Overslept { since };
    match decision {
        Decision::Act { rule, step, .. } => Decision::Wait { until: ask, next: Some((rule, step)), why },
        Decision::Wait { until, next, .. } if until > ask => Decision::Wait { until: ask, next, why },
        Decision::Leave { why: Why::NotRead } | Decision::Wait { .. } => decision,
        Decision::Leave { .. } => Decision::Wait { until: ask, next: None, why },
    }
}

fn ask_again(since: Timestamp, now: Timestamp) -> Timestamp {
    const HOUR: i64 = 60;
    let passed = now.duration_since(since).as_mins();
    let doubled = [1, 3, 7, 15, 31, 63].into_iter().find(|minutes| *minutes > passed);
    let minutes = doubled.unwrap_or_else(|| 63 + ((passed - 63) / HOUR + 1) * HOUR);
    since.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX)
}

/// The state changes when the snooze ends, without a notification: decide again then.
fn no_later_than_it_wakes(decision: Decision, wakes: Timestamp) -> Decision {
    match decision {
        Decision::Wait { until, next, why } => Decision::Wait { until: until.min(wakes), next, why },
        Decision::Act { .. } | Decision::Leave { why: Why::NotRead } => decision,
        Decision::Leave { why } => Decision::Wait { until: wakes, next: None, why: Why::UntilItWakes(Box::new(why)) },
    }
}

/// The end of the snooze that the conversation is in, one that a message of ours ended early included.
pub fn snoozed_until(conversation: &Conversation, history: &History, now: Timestamp) -> Option<Timestamp> {
    match View::of(conversation, history, now).standing {
        Standing::Snoozed { until } => until,
        _ => None,
    }
}

/// The end of the snooze that a message of ours ended early, if it is to be restored; else why not.
pub fn snooze_to_restore(
    conversation: &Conversation,
    history: &History,
    now: Timestamp,
) -> Result<Timestamp, &'static str> {
    const AT_LEAST: SignedDuration = SignedDuration::from_mins(1);
    let view = View::of(conversation, history, now);
    match (conversation.state(), view.standing) {
        (Some(super::conversation::State::Snoozed { .. }), _) => Err("Intercom kept the snooze"),
        (Some(super::conversation::State::Closed), _) => Err("it is closed"),
        (_, Standing::Snoozed { until: Some(until) }) if until.duration_since(now) >= AT_LEAST => Ok(until),
        (_, Standing::Snoozed { .. } | Standing::Woken) => Err("the snooze is over"),
        _ => Err("somebody else has touched it since"),
    }
}
