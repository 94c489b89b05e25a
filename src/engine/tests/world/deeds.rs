//! What the sweep does to the conversation when a step is due, and what it writes down of it.

use jiff::Timestamp;

use super::super::story::To;
use super::super::*;
use super::World;
use crate::engine::rule::{self, Assignment, Labels, RuleName, Setting, StateName, StepId, StepKind};
use crate::engine::view::{Standing, View};

/// A refused step is tried again after a day, and three times in all.
const PARKED: i64 = 86_400;
const REFUSALS: usize = 3;

impl World {
    pub(super) fn act(&mut self, now: Timestamp, mut attempt: Attempt, action: &Action) {
        if matches!(action, Action::PassOver { .. }) {
            attempt.phase = Phase::Passed;
            return self.record(attempt);
        }
        if action.speaks() && now < self.budget_spent_until {
            self.say(now, "put off: the messages of this hour are used up");
            self.record(attempt);
            self.due_at = Some(self.budget_spent_until);
            return;
        }
        if self.refusals > 0 {
            return self.refuse(now, attempt);
        }
        // As a message may have ended the snooze that Intercom no longer tells.
        attempt.snoozed_until = snoozed_until(&self.known, &self.history, now);
        let found = self.standing(now);
        let text = action.template().map(|body| format!("keyed {body}"));
        let deed = self.perform(now, &mut attempt, action, found, text.clone());
        (attempt.phase, attempt.sent_at, attempt.done_at) = (Phase::Done, Some(now), Some(now));
        (attempt.template, attempt.text) = (action.template().map(|body| rule::digest(body)), text);
        attempt.deeds.extend(deed);
        let wakes = attempt.step.kind.wakes();
        self.record(attempt);
        self.notify(now);
        if wakes {
            self.restore(now);
        }
    }

    fn refuse(&mut self, now: Timestamp, mut attempt: Attempt) {
        self.refusals -= 1;
        self.refused += 1;
        let until = Timestamp::from_second(now.as_second() + PARKED).unwrap();
        let for_good = self.refused == REFUSALS;
        if for_good {
            self.refused = 0;
        }
        attempt.phase = if for_good { Phase::Failed } else { Phase::Parked { until } };
        self.say(now, if for_good { "refused for good" } else { "refused" });
        self.record(attempt);
        self.due_at = Some(until);
    }

    /// The state as a rule names it, before a deed.
    fn standing(&self, now: Timestamp) -> StateName {
        match View::of(&self.known, &self.history, now).standing {
            Standing::Snoozed { .. } => StateName::Snoozed,
            Standing::Woken => StateName::Woken,
            _ => StateName::Open,
        }
    }

    fn perform(
        &mut self,
        now: Timestamp,
        attempt: &mut Attempt,
        action: &Action,
        was: StateName,
        text: Option<String>,
    ) -> Option<Deed> {
        let spoken = text.as_ref().map(|_| Class::TeammateReply);
        Some(match action {
            Action::Reply { .. } => self.wake_and(now, Class::TeammateReply, text),
            Action::Note { .. } => self.wake_and(now, Class::Note, text),
            Action::Close { .. } => {
                self.intercom.state = State::Closed;
                let classes: Vec<Class> = spoken.into_iter().chain([Class::Closed]).collect();
                self.intercom.put_own(now, &classes, text)
            }
            Action::Snooze { until } => {
                self.intercom.state = State::Snoozed { until: Some(*until) };
                attempt.changes.push(Change::State { was, until: Some(*until) });
                self.intercom.put_own(now, &[Class::Snoozed], None)
            }
            Action::Open => {
                self.intercom.state = State::Open;
                if was == StateName::Snoozed {
                    attempt.changes.push(Change::State { was, until: None });
                }
                self.intercom.put_own(now, &[Class::Opened], None)
            }
            Action::Assign(to) => self.assign(now, attempt, to),
            Action::Label { labels, .. } => return self.label(now, attempt, labels),
            Action::PassOver { .. } => return None,
        })
    }

    /// In Intercom the end of the snooze is a part of its own.
    fn wake_and(&mut self, now: Timestamp, class: Class, text: Option<String>) -> Deed {
        let deed = self.intercom.put_own(now, &[class], text);
        if self.intercom.wakes_by(class, Some(&ADMIN.to_owned())) {
            self.intercom.state = State::Open;
            self.intercom.put_own(now, &[Class::Unsnoozed], None);
        }
        deed
    }

    fn assign(&mut self, now: Timestamp, attempt: &mut Attempt, to: &Assignment) -> Deed {
        let (team, teammate) = (self.intercom.team.clone(), self.intercom.teammate.clone());
        match to {
            Assignment::Nobody => self.intercom.give(To::Nobody),
            Assignment::To { team, teammate } => {
                let to = [
                    team.as_ref().map(|team| To::Team(&team.name)),
                    teammate.as_ref().map(|one| To::Teammate(&one.name)),
                ];
                to.into_iter().flatten().for_each(|to| self.intercom.give(to));
            }
        }
        if self.intercom.team != team {
            attempt.changes.push(Change::Team { was: team, is: self.intercom.team.clone() });
        }
        if self.intercom.teammate != teammate {
            attempt.changes.push(Change::Teammate { was: teammate, is: self.intercom.teammate.clone() });
        }
        let woke = self.intercom.wakes_by(Class::Assigned, None);
        let classes: &[Class] = if woke { &[Class::Assigned, Class::Unsnoozed] } else { &[Class::Assigned] };
        if woke {
            self.intercom.state = State::Open;
        }
        self.intercom.put_own(now, classes, None)
    }

    /// Tags leave no part, attributes one.
    fn label(&mut self, now: Timestamp, attempt: &mut Attempt, labels: &Labels) -> Option<Deed> {
        self.intercom.updated_at = now;
        for tag in &labels.tags {
            if self.intercom.tags.insert(tag.clone()) {
                attempt.changes.push(Change::Tagged(tag.clone()));
            }
        }
        for tag in &labels.untag {
            if self.intercom.tags.remove(tag) {
                attempt.changes.push(Change::Untagged(tag.clone()));
            }
        }
        let mut deed = None;
        for (name, setting) in &labels.set {
            let is = Some(match setting {
                Setting::Template(text) => AttributeValue::Text(text.to_string()),
                Setting::Value(value) => value.clone(),
            });
            let was = self.intercom.attributes.insert(name.clone(), is.clone()).flatten();
            if was != is {
                attempt.changes.push(Change::Attribute { name: name.clone(), was, is });
            }
            deed = Some(self.intercom.put_own(now, &[Class::Other], None));
        }
        deed
    }

    /// One attempt per period and step; one that was never done is taken up again.
    fn record(&mut self, attempt: Attempt) {
        let same = |known: &Attempt| {
            (&known.rule, known.step, known.anchor_at) == (&attempt.rule, attempt.step, attempt.anchor_at)
        };
        self.history.attempts.retain(|known| !(same(known) && never_done(known)));
        assert!(!self.history.attempts.iter().any(same), "one attempt per period and step");
        self.history.attempts.push(attempt);
    }

    /// Some seconds after a message, what it woke is snoozed again.
    fn restore(&mut self, now: Timestamp) {
        let now = Timestamp::from_second(now.as_second() + 20).unwrap();
        self.fetch(now);
        let Ok(until) = snooze_to_restore(&self.known, &self.history, now) else { return };
        if !self.restoring_works {
            return self.say(now, "restoring the snooze is refused");
        }
        self.say(now, &format!("snoozed again until {}", why::at(until)));
        self.intercom.state = State::Snoozed { until: Some(until) };
        let deed = self.intercom.put_own(now, &[Class::Snoozed], None);
        self.history.attempts.last_mut().unwrap().deeds.push(deed);
        self.fetch(now);
    }
}

fn never_done(attempt: &Attempt) -> bool {
    matches!(attempt.phase, Phase::Open | Phase::Parked { .. })
}

/// A claim on which nothing was done yet.
pub(in super::super) fn attempt(rule: RuleName, step: StepId, anchor_at: Timestamp, due_at: Timestamp) -> Attempt {
    Attempt {
        rule,
        step,
        anchor_at,
        due_at,
        phase: Phase::Open,
        sent_at: None,
        done_at: None,
        deeds: Vec::new(),
        template: None,
        text: None,
        snoozed_until: None,
        changes: Vec::new(),
        undone: None,
    }
}

/// The step of that name.
pub(in super::super) fn step(name: &str) -> StepId {
    name.parse().unwrap()
}

/// A message of `rule` that was sent and done at `at`, counted from `anchor_at`.
pub(in super::super) fn sent(rule: &str, name: &str, anchor_at: Timestamp, at: Timestamp, template: &str) -> Attempt {
    let kind_is_close = step(name).kind == StepKind::Close;
    let deed = Deed { at, part: Some(PartId::Part(if kind_is_close { 9_001 } else { 9_000 })) };
    Attempt {
        phase: Phase::Done,
        sent_at: Some(at),
        done_at: Some(at),
        deeds: vec![deed],
        template: Some(rule::digest(template)),
        ..attempt(rule.into(), step(name), anchor_at, at)
    }
}
