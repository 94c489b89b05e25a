//! What we have said and do not remember: Intercom shows it, and no attempt tells of it.
//!
//! Owns: making attempts of such parts, so that nothing is said twice in one silence after an old copy of the database
//! was put back. Refuses: knowing in which period that was; the ladder passes over what was said already, and goes on.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;

use super::conversation::{Class, Conversation, Part};
use super::history::{Attempt, Deed, History, Phase};
use super::rule::{self, RuleName, RuleSet, StepId, StepKind};
use super::view::{is_forgotten, made_by};

/// What a rule is called of whose text no rule is any more.
const NO_LONGER: &str = "(one that is gone)";

/// The history, and what the conversation shows beyond it.
pub(super) fn recalled<'a>(conversation: &Conversation, history: &'a History, rules: &RuleSet) -> Cow<'a, History> {
    let unknown = conversation.by_admin.iter().filter(|part| is_forgotten(part) && !made_by(part, history));
    let attempts: Vec<Attempt> = unknown.flat_map(|part| said(part, rules)).collect();
    if attempts.is_empty() {
        return Cow::Borrowed(history);
    }
    let known = history.attempts.iter().cloned();
    Cow::Owned(History { attempts: known.chain(attempts).collect(), ..history.clone() })
}

/// One attempt for each template that it may have been.
fn said<'a>(part: &'a Part, rules: &'a RuleSet) -> impl Iterator<Item = Attempt> + 'a {
    let kind = kind(&part.classes);
    part.reads_as.iter().map(move |template| {
        let (rule, step) = whose(template, kind, rules);
        Attempt {
            rule,
            step,
            // Of no period that there is: a part begins one, but none of ours does.
            anchor_at: Timestamp::MIN,
            due_at: part.at,
            phase: Phase::Done,
            sent_at: Some(part.at),
            done_at: Some(part.at),
            deeds: vec![Deed { at: part.at, part: part.id }],
            template: Some(template.clone()),
            text: part.digest.clone(),
            snoozed_until: None,
            changes: Vec::new(),
            undone: None,
        }
    })
}

fn kind(classes: &BTreeSet<Class>) -> StepKind {
    match (classes.contains(&Class::Note), classes.contains(&Class::Closed)) {
        (true, _) => StepKind::Note,
        (_, true) => StepKind::Close,
        _ => StepKind::Reply,
    }
}

fn whose(template: &str, kind: StepKind, rules: &RuleSet) -> (RuleName, StepId) {
    let steps = rules.rules.iter().flat_map(|rule| rule.steps.iter().map(move |step| (rule, step)));
    let mut of_it = steps.filter(|(_, step)| step.id.kind == kind);
    let found = of_it.find(|(_, step)| step.act.body().is_some_and(|body| rule::digest(body) == template));
    found.map_or_else(
        || (RuleName::from(NO_LONGER), StepId { kind, nth: 1 }),
        |(rule, step)| (rule.name.clone(), step.id),
    )
}
