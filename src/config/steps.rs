//! Reads `[[rule.step]]`: what a rule does, and when.
//!
//! Owns: the order of steps and how they are told apart. Refuses: a ladder that would do something other than it
//! seems to say.

mod arguments;
mod clocked;

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::SignedDuration;
use toml::Spanned;

use super::calendars::RuleClock;
use super::duration::{Distance, distance_in_words};
use super::notes::Problem;
use super::placeholders;
use super::reader::{Reader, shown};
use super::rules;
use crate::engine::Step;
use crate::engine::rule::{After, StepId, StepKind};
use crate::message;
pub(super) use arguments::ARGUMENTS;
use arguments::Deed;
use clocked::goes_with;

/// An `after` below this is probably a slip of the unit.
const SHORT: SignedDuration = SignedDuration::from_mins(5);

/// The steps of a rule on this clock; none if it leaves alone what it fits.
pub(super) fn steps(
    table: &mut Reader<'_>,
    leave: Option<&Spanned<bool>>,
    clock: &RuleClock,
    hold_tags: &[String],
) -> Vec<Step> {
    let tables = table.tables("step", "a step", "[[rule.step]]");
    let wrong = table.has("step") && !table.is_empty_list("step");
    does_something(table, leave, tables.is_empty() && !wrong);
    let mut ladder = Ladder::new(clock);
    let mut found: Vec<FoundStep<'_>> = tables.into_iter().map(step).collect();
    for step in &mut found {
        ladder.add(step);
    }
    holds_itself(&found, hold_tags);
    let closes = found.iter().any(|step| step.kind == Some(StepKind::Close));
    found.into_iter().filter_map(|step| step.into_step(closes)).collect()
}

/// A rule has steps, or says that it leaves alone.
fn does_something(table: &Reader<'_>, leave: Option<&Spanned<bool>>, idle: bool) {
    match leave {
        Some(leave) if *leave.get_ref() && !idle => {
            let help = "leave out leave = true, or the steps: nothing is done to what a rule leaves alone";
            table.notes.error(leave.span(), "this rule has steps and leaves alone", help);
        }
        Some(leave) if !*leave.get_ref() && idle => {
            let help = "write leave = true to leave alone what the rule fits, or end it with a [[rule.step]]";
            table.notes.missing(leave.span(), "this rule has no steps, and does not leave alone either", help);
        }
        None if idle && !table.has("leave") => {
            let help = "end the rule with a [[rule.step]], such as after = \"7 days\" and do = \"close\"";
            table.notes.missing(table.span.clone(), "this rule has no steps, so it would do nothing", help);
        }
        _ => {}
    }
}

/// A tag that keeps every rule away keeps this one away too.
fn holds_itself(steps: &[FoundStep<'_>], hold_tags: &[String]) {
    for step in steps.split_last().map_or(steps, |(_, followed)| followed) {
        let holding = step.deed.attached.iter().filter(|tag| hold_tags.iter().any(|held| held == tag.get_ref()));
        for tag in holding {
            let message = format!(
                "the tag \"{}\" holds the conversation, so no step after this one is done",
                shown(tag.get_ref())
            );
            let help = "attach it in the last step, or attach a tag that is not in hold_tags";
            step.table.notes.warning(tag.span(), message, help);
        }
    }
}

/// A step as it was read, before its place among the others is known.
struct FoundStep<'a> {
    table: Reader<'a>,
    kind: Option<StepKind>,
    nth: u32,
    after: Option<Spanned<Distance>>,
    deed: Deed<'a>,
}

fn step(mut table: Reader<'_>) -> FoundStep<'_> {
    for (key, example) in [("after", "after = \"7 days\""), ("do", "do = \"close\"")] {
        if !table.has(key) {
            table.notes.missing(table.span.clone(), format!("this step has no `{key}`"), format!("add {example}"));
        }
    }
    let after = table.distance("after", "7 days");
    if let Some(after) = after.as_ref().filter(|after| after.get_ref().after < After::Time(SHORT)) {
        let help = "fine for a trial; in daily use people need longer to answer";
        table.notes.warning(after.span(), "this step follows in less than five minutes", help);
    }
    let kind = table.one_of("do", &StepKind::NAMES);
    let deed = Deed::read(&mut table, kind);
    FoundStep { table, kind, nth: 1, after, deed }
}

impl FoundStep<'_> {
    /// The place to point at for what concerns the whole step.
    fn place(&self) -> Range<usize> {
        self.table.span.clone()
    }

    /// The checked step. `None` only after a mistake was noted.
    fn into_step(self, closes: bool) -> Option<Step> {
        for text in &self.deed.templates {
            template(&self.table, text, closes);
        }
        self.table.finish(|key| {
            let help = "move it above the first [[rule.step]]";
            rules::KEYS.contains(&key).then(|| Problem::new(format!("`{key}` belongs to the rule"), help))
        });
        let id = StepId { kind: self.kind?, nth: self.nth };
        let after = self.after?.into_inner().after;
        Some(Step { id, after, act: self.deed.act?, channels: self.deed.channels })
    }
}

fn template(table: &Reader<'_>, body: &Spanned<&str>, closes: bool) {
    match message::check(body.get_ref()) {
        Err(error) => table.notes.error(table.notes.within(body, error.range()), error.to_string(), error.help()),
        Ok(uses) if uses.closes_at && !closes => {
            let place = table.notes.within(body, message::place(body.get_ref(), "closes_at"));
            let help = "add a close to the rule, or do not promise one";
            table.notes.error(place, "`closes_at` in a rule that never closes", help);
        }
        Ok(_) => placeholders::doubt(table, body),
    }
}

/// What the steps above have settled.
struct Ladder<'c> {
    clock: &'c RuleClock,
    last: Option<After>,
    closed: bool,
    /// Steps of each kind.
    counts: BTreeMap<StepKind, u32>,
}

impl Ladder<'_> {
    fn new(clock: &RuleClock) -> Ladder<'_> {
        Ladder { clock, last: None, closed: false, counts: BTreeMap::new() }
    }

    fn add(&mut self, step: &mut FoundStep<'_>) {
        self.closes_last(step);
        if let Some(after) = &step.after
            && let Err(problem) = self.follows(*after.get_ref())
        {
            step.table.notes.error(after.span(), problem.message, problem.help);
        }
        self.closed |= step.kind == Some(StepKind::Close);
        if let Some(kind) = step.kind {
            let count = self.counts.entry(kind).or_default();
            *count += 1;
            step.nth = *count;
        }
    }

    fn closes_last(&self, step: &FoundStep<'_>) {
        let notes = step.table.notes;
        match step.kind {
            Some(StepKind::Close) if self.closed => {
                notes.error(step.place(), "this rule closes twice", "keep one close, as the last step");
            }
            _ if self.closed => {
                let help = "move the close to the end of the rule";
                notes.error(step.place(), "this step comes after the close and would never be done", help);
            }
            _ => {}
        }
    }

    /// Goes with the clock, is told in the same kind as the steps before, and is later than they are.
    fn follows(&mut self, distance: Distance) -> Result<(), Problem> {
        goes_with(self.clock, distance)?;
        let Some(last) = self.last else {
            self.last = Some(distance.after);
            return Ok(());
        };
        match (distance.after, last) {
            (After::Time(_), After::WorkingDays(_)) | (After::WorkingDays(_), After::Time(_)) => {
                let help = "count all steps of a rule in working days, or all of them in hours";
                Err(Problem::new("this rule counts in working days and in hours", help))
            }
            (after, last) if after <= last => {
                let help = format!(
                    "`after` counts from the same moment in every step: write more than \"{}\"",
                    distance_in_words(last, !matches!(self.clock, RuleClock::None))
                );
                Err(Problem::new("this step is not later than the one before", help))
            }
            (after, _) => {
                self.last = Some(after);
                Ok(())
            }
        }
    }
}
