//! Which step of a rule is next, when it is due, and what bars it.

use jiff::{SignedDuration, Timestamp};

use super::conversation::{Activity, Class};
use super::decide::{Action, Decision};
use super::history::{Attempt, Phase};
use super::rule::{self, Act, After, Rule, Step, StepKind};
use super::view::View;
use super::why::{PassedOver, Why};

/// No close follows another rule's message sooner than this.
const AFTER_ANOTHER_RULE: SignedDuration = SignedDuration::from_hours(24);

/// A rule at work on a conversation, counting from one activity.
pub(super) struct Ladder<'a> {
    pub(super) rule: &'a Rule,
    pub(super) view: &'a View<'a>,
    pub(super) anchor: Activity,
}

/// The step before: when it was done, and its distance from the anchor.
type Before = Option<(Timestamp, After)>;

impl Ladder<'_> {
    /// The first step not done yet, due or waited for.
    pub(super) fn decide(&self) -> Decision {
        if self.attempts().any(|attempt| attempt.phase == Phase::Discarded) {
            return Decision::Leave { why: Why::Discarded };
        }
        let mut before: Before = None;
        let reached = self.reached();
        for (index, step) in self.rule.steps.iter().enumerate() {
            let due = self.due(step, before);
            let Some(attempt) = self.attempt(step) else {
                if index < reached {
                    continue;
                }
                return self.next(index, due);
            };
            match attempt.phase {
                Phase::Done | Phase::Raced => before = Some((attempt.done_at.unwrap_or(attempt.due_at), step.after)),
                Phase::Passed => before = Some((attempt.due_at, step.after)),
                // Nothing depends on a label.
                Phase::Failed if step.id.kind.labels() => before = Some((attempt.due_at, step.after)),
                Phase::Failed => return Decision::Leave { why: Why::StepFailed { step: step.id } },
                Phase::Discarded => return Decision::Leave { why: Why::Discarded },
                Phase::Unclear { .. } => return Decision::Leave { why: Why::Unclear },
                Phase::Open | Phase::Parked { .. } => return self.next(index, due),
            }
        }
        Decision::Leave { why: Why::LadderDone }
    }

    /// How many steps lie before the last one that was done. Those of them that were put in later are no longer done.
    fn reached(&self) -> usize {
        let over = |step: &Step| {
            self.attempt(step).is_some_and(|attempt| matches!(attempt.phase, Phase::Done | Phase::Passed))
        };
        self.rule.steps.iter().rposition(over).unwrap_or(0)
    }

    /// Later of: counted from the anchor, and as far behind the step before as the rule says.
    fn due(&self, step: &Step, before: Before) -> Timestamp {
        let counted = self.rule.later(self.anchor.at, step.after);
        before.map_or(counted, |(done, after)| counted.max(self.rule.later(done, step.after.less(after))))
    }

    /// Our attempt at this step in this period.
    fn attempt(&self, step: &Step) -> Option<&Attempt> {
        self.attempts().find(|attempt| attempt.step == step.id)
    }

    fn in_this_period(&self, attempt: &Attempt) -> bool {
        attempt.rule == self.rule.name && attempt.anchor_at == self.anchor.at
    }

    /// Whether the rule has done a step of this period, if only in part, or passed it over; it keeps the conversation
    /// then.
    pub(super) fn begun(&self) -> bool {
        self.attempts().any(|attempt| attempt.took_hold() || attempt.phase == Phase::Passed)
    }

    /// Our attempts of this period.
    pub(super) fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.view.history.attempts.iter().filter(|attempt| self.in_this_period(attempt))
    }

    /// Due from then on, but done only in the hours in which the rule may act.
    fn next(&self, index: usize, counted: Timestamp) -> Decision {
        let mut due = self.rule.may_act_from(counted);
        let step = &self.rule.steps[index];
        if step.id.kind == StepKind::Close && self.contact_spoke_since() {
            return Decision::Leave { why: Why::Owed };
        }
        if let (StepKind::Close, Some(other)) = (step.id.kind, self.said_elsewhere()) {
            let free = later(other.done_at.or(other.sent_at).unwrap_or(other.due_at), AFTER_ANOTHER_RULE);
            if free > due.max(self.view.now) {
                let free = self.rule.may_act_from(free);
                return self.wait(free, step, Why::JustWritten { rule: other.rule.clone() });
            }
            // What it was kept waiting by us is not its lateness.
            due = due.max(self.rule.may_act_from(free));
        }
        let why = Why::Quiet { since: self.anchor, after: step.after };
        if due > self.view.now {
            return self.wait(due, step, why);
        }
        let open = self.rule.may_act_from(self.view.now);
        if open > self.view.now {
            return self.wait(open, step, Why::OutsideHours);
        }
        let action = self.action(index, due);
        Decision::Act {
            rule: self.rule.name.clone(),
            step: step.id,
            anchor_at: self.anchor.at,
            due_at: due,
            action,
            why,
        }
    }

    fn wait(&self, until: Timestamp, step: &Step, why: Why) -> Decision {
        Decision::Wait { until, next: Some((self.rule.name.clone(), step.id)), why }
    }

    /// A contact's reply at or after the anchor, unless it is the anchor itself.
    fn contact_spoke_since(&self) -> bool {
        let reply = self.view.latest(Class::ContactReply);
        reply.is_some_and(|reply| reply.at >= self.anchor.at && reply != self.anchor)
    }

    fn action(&self, index: usize, due: Timestamp) -> Action {
        let step = &self.rule.steps[index];
        let closes_at = || self.closes_at(index, due);
        match &step.act {
            Act::Close { body, labels } => {
                let muted = body.as_ref().and_then(|body| self.muted(step, body));
                Action::Close { body: body.clone().filter(|_| muted.is_none()), muted, labels: labels.clone() }
            }
            Act::Reply { body } => match self.barred(step, body) {
                Some(why) => Action::PassOver { why },
                None => Action::Reply { body: body.clone(), closes_at: closes_at() },
            },
            Act::Note { body } if self.noted(body) => Action::PassOver { why: PassedOver::NotedAlready },
            Act::Note { body } => Action::Note { body: body.clone(), closes_at: closes_at() },
            Act::Snooze { length } => Action::Snooze { until: whole_second(later(self.view.now, *length)) },
            Act::Open => Action::Open,
            Act::Assign(to) => Action::Assign(to.clone()),
            Act::Label(labels) => Action::Label { labels: labels.clone(), closes_at: closes_at() },
        }
    }

    fn may_write(&self, step: &Step) -> bool {
        let channel = self.view.conversation.channel.as_ref();
        channel.is_some_and(|channel| step.channels.contains(channel))
    }

    /// What may not be said in this silence: the same again, or anything once another rule has spoken.
    fn barred(&self, step: &Step, body: &str) -> Option<PassedOver> {
        if !self.may_write(step) {
            return Some(PassedOver::Channel);
        }
        let replies = self.said_in_this_silence().filter(|attempt| attempt.step.kind == StepKind::Reply);
        if by_another(self.rule, replies).is_some() {
            return Some(PassedOver::OtherRuleWrote);
        }
        self.said_already(body).then_some(PassedOver::SaidAlready)
    }

    /// Why a close goes without its last word: nobody is told the same twice in one silence.
    fn muted(&self, step: &Step, body: &str) -> Option<PassedOver> {
        if !self.may_write(step) {
            return Some(PassedOver::Channel);
        }
        self.said_already(body).then_some(PassedOver::SaidAlready)
    }

    fn said_already(&self, body: &str) -> bool {
        let template = rule::digest(body);
        self.said_in_this_silence().any(|attempt| attempt.template.as_ref() == Some(&template))
    }

    /// The same note was left in this silence already.
    fn noted(&self, body: &str) -> bool {
        let template = rule::digest(body);
        let notes = self.written_in_this_silence().filter(|attempt| attempt.step.kind == StepKind::Note);
        notes.map(|attempt| &attempt.template).any(|known| known.as_ref() == Some(&template))
    }

    /// Messages of ours since a contact or teammate last spoke, last words included.
    fn said_in_this_silence(&self) -> impl Iterator<Item = &Attempt> {
        self.written_in_this_silence().filter(|attempt| attempt.spoke())
    }

    /// The latest of them that no step of this rule is: another rule's, or one of a step that it had once.
    fn said_elsewhere(&self) -> Option<&Attempt> {
        let here = |attempt: &Attempt| {
            attempt.rule == self.rule.name && self.rule.steps.iter().any(|step| step.id == attempt.step)
        };
        latest(self.said_in_this_silence().filter(|attempt| !here(attempt)))
    }

    /// The same, with notes for the team.
    fn written_in_this_silence(&self) -> impl Iterator<Item = &Attempt> {
        let since = self.view.silent_since();
        let in_it = move |attempt: &&Attempt| attempt.done_at.max(attempt.sent_at) >= since;
        self.view.history.attempts.iter().filter(|attempt| attempt.wrote()).filter(in_it)
    }

    /// When the close will come if this step is done now, for the text to say.
    fn closes_at(&self, index: usize, due: Timestamp) -> Option<Timestamp> {
        let now = due.max(self.view.now);
        let mut before: Before = Some((now, self.rule.steps[index].after));
        for step in &self.rule.steps[index + 1..] {
            let due = self.due(step, before);
            if step.id.kind == StepKind::Close {
                return Some(self.rule.may_act_from(due));
            }
            before = Some((self.rule.may_act_from(due), step.after));
        }
        None
    }
}

/// The latest of them that another rule made.
fn by_another<'a>(rule: &Rule, attempts: impl Iterator<Item = &'a Attempt>) -> Option<&'a Attempt> {
    latest(attempts.filter(|attempt| attempt.rule != rule.name))
}

fn latest<'a>(attempts: impl Iterator<Item = &'a Attempt>) -> Option<&'a Attempt> {
    attempts.max_by_key(|attempt| attempt.done_at.max(attempt.sent_at))
}

/// The moment `by` after `at`; the end of time if it lies beyond.
fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Intercom counts snoozes in seconds.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
