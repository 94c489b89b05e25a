//! What will be done about a conversation if nobody does anything from now on.
//!
//! Owns: what our own deeds, and the end of a snooze, will have changed by then. Refuses: deciding. It asks
//! [`decide()`] again whenever that would be asked again, so that what is announced is what will be done.

use jiff::Timestamp;

use super::AttributeValue;
use super::conversation::{Conversation, State};
use super::decide::{Action, Decision, decide, snoozed_until};
use super::facts::Facts;
use super::history::{Attempt, Deed, History, Phase};
use super::rule::{self, Assignment, Labels, RuleName, RuleSet, Setting, StepId, StepKind};
use super::why::PassedOver;
use super::wish::{self, Wish};

/// So often is it decided again, and no oftener. A ladder has a few steps, a snooze one end.
const LOOKS: usize = 200;
/// More steps than that nobody reads.
const STEPS: usize = 20;

/// A step that will be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coming {
    /// Its rule.
    pub rule: RuleName,
    /// Which of its steps.
    pub step: StepId,
    /// When. In the past if it is due already.
    pub at: Timestamp,
    /// It will be passed over, for this reason.
    pub passed: Option<PassedOver>,
}

/// What will be done about it if nobody does anything, up to its close.
pub fn ahead(conversation: &Conversation, history: &History, rules: &RuleSet, now: Timestamp) -> Vec<Coming> {
    let mut future = Future { conversation: conversation.clone(), history: history.clone(), now };
    let mut coming = Vec::new();
    for look in 0..LOOKS {
        match decide(&future.conversation, &future.history, rules, future.now) {
            Decision::Leave { .. } => break,
            Decision::Wait { until, .. } => future.pass(until),
            Decision::Act { rule, step, anchor_at, due_at, action, .. } => {
                let at = if look == 0 { due_at } else { future.now };
                coming.push(Coming { rule: rule.clone(), step, at, passed: passed(&action) });
                if step.kind == StepKind::Close || coming.len() >= STEPS {
                    break;
                }
                future.act(rule, step, [anchor_at, due_at], &action);
            }
        }
    }
    coming
}

fn passed(action: &Action) -> Option<PassedOver> {
    match action {
        Action::PassOver { why } => Some(*why),
        _ => None,
    }
}

/// The conversation as it will be.
struct Future {
    conversation: Conversation,
    history: History,
    now: Timestamp,
}

impl Future {
    /// Time passes; a snooze that ends by then has ended in Intercom too.
    fn pass(&mut self, until: Timestamp) {
        self.now = until;
        let Some(facts) = facts(&mut self.conversation) else { return };
        if let Some(State::Snoozed { until: Some(end) }) = facts.state
            && end <= until
        {
            facts.state = Some(State::Open);
            self.conversation.wakes.insert((end, None));
        }
    }

    /// The step is done. A snooze that it wakes is restored at once.
    fn act(&mut self, rule: RuleName, step: StepId, [anchor_at, due_at]: [Timestamp; 2], action: &Action) {
        let (now, wishes) = (self.now, wishes(action));
        let same = |known: &Attempt| (&known.rule, known.step, known.anchor_at) == (&rule, step, anchor_at);
        let earlier = self.history.attempts.iter().position(same).map(|index| self.history.attempts.remove(index));
        let before = earlier.map(|earlier| earlier.changes).unwrap_or_default();
        let passed = passed(action).is_some();
        let done = (!passed).then_some(now);
        let attempt = Attempt {
            rule,
            step,
            anchor_at,
            due_at,
            phase: if passed { Phase::Passed } else { Phase::Done },
            sent_at: done,
            done_at: done,
            deeds: done.map(|at| Deed { at, part: None }).into_iter().collect(),
            template: action.template().map(|body| rule::digest(body)),
            text: None,
            snoozed_until: snoozed_until(&self.conversation, &self.history, now),
            changes: wish::changes(&wishes, &self.conversation, &self.history, &before, now),
            undone: None,
        };
        if let Some(facts) = facts(&mut self.conversation) {
            for wish in &wishes {
                wish.grant(facts);
            }
        }
        if let Action::Snooze { until } = action {
            self.conversation.snooze_ends.insert(*until);
        }
        self.history.attempts.push(attempt);
    }
}

fn facts(conversation: &mut Conversation) -> Option<&mut Facts> {
    conversation.snapshot.as_mut().map(|snapshot| &mut snapshot.facts)
}

/// What the action brings about without a word. A text that is still to be written stands as its template.
fn wishes(action: &Action) -> Vec<Wish> {
    match action {
        Action::Snooze { until } => vec![Wish::Snoozed(*until)],
        Action::Open => vec![Wish::Open],
        Action::Assign(Assignment::Nobody) => vec![Wish::Team(None), Wish::Teammate(None)],
        Action::Assign(Assignment::To { team, teammate }) => {
            let team = team.as_ref().map(|named| Wish::Team(named.id.clone()));
            team.into_iter().chain(teammate.as_ref().map(|named| Wish::Teammate(named.id.clone()))).collect()
        }
        Action::Label { labels, .. } => labelled(labels),
        Action::Reply { .. } | Action::Note { .. } | Action::Close { .. } | Action::PassOver { .. } => Vec::new(),
    }
}

fn labelled(labels: &Labels) -> Vec<Wish> {
    let value = |setting: &Setting| match setting {
        Setting::Template(template) => AttributeValue::Text(template.to_string()),
        Setting::Value(value) => value.clone(),
    };
    let tags = labels.tags.iter().cloned().map(Wish::Tagged);
    let untag = labels.untag.iter().cloned().map(Wish::Untagged);
    let set = labels.set.iter().map(|(name, setting)| Wish::Attribute(name.clone(), value(setting)));
    tags.chain(untag).chain(set).collect()
}
