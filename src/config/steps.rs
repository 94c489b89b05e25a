//! Reads `[[rule.step]]`: what a rule does, and when.
//!
//! Owns: the order of steps, what each needs, and which lengths of time go with the rule's clock. Refuses: a ladder
//! that would do something other than it seems to say.

use std::ops::Range;
use std::sync::Arc;

use jiff::SignedDuration;
use toml::Spanned;

use super::calendars::RuleClock;
use super::duration::{Distance, distance_in_words};
use super::notes::Problem;
use super::reader::Reader;
use super::rules::{self, not_empty, owned};
use crate::engine::Step;
use crate::engine::calendar::Calendar;
use crate::engine::rule::{Act, After, StepId, StepKind};
use crate::message;

/// An `after` below this is probably a slip of the unit.
const SHORT: SignedDuration = SignedDuration::from_mins(5);

/// Weeks that a calendar is surely looked ahead, whatever holidays it has.
const LOOKED_AHEAD: u32 = 480;

/// The steps of a rule on this clock; none if it leaves alone what it fits.
pub(super) fn steps(table: &mut Reader<'_>, leave: Option<&Spanned<bool>>, clock: &RuleClock) -> Vec<Step> {
    let tables = table.tables("step", "a step", "[[rule.step]]");
    let wrong = table.has("step") && !table.is_empty_list("step");
    does_something(table, leave, tables.is_empty() && !wrong);
    let mut ladder = Ladder::new(clock);
    let mut found: Vec<FoundStep<'_>> = tables.into_iter().map(step).collect();
    for step in &mut found {
        ladder.add(step);
    }
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

/// A step as it was read, before its place among the others is known.
struct FoundStep<'a> {
    table: Reader<'a>,
    kind: Option<StepKind>,
    nth: u32,
    after: Option<Spanned<Distance>>,
    body: Option<Spanned<&'a str>>,
    channels: Vec<String>,
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
    let body = body(&mut table);
    let silent = table.boolean("silent");
    speaks_or_not(&table, kind, silent.as_ref());
    let channels = channels(&mut table);
    FoundStep { table, kind, nth: 1, after, body, channels }
}

fn body<'a>(table: &mut Reader<'a>) -> Option<Spanned<&'a str>> {
    let body = table.text("body", "Did that solve it?")?;
    if body.get_ref().trim().is_empty() {
        let help = "write what the contact should read; a close without words says silent = true instead";
        table.notes.error(body.span(), "this text is empty", help);
        return None;
    }
    Some(body)
}

/// A reply has a body; a close has a body, or says that it is silent.
fn speaks_or_not(table: &Reader<'_>, kind: Option<StepKind>, silent: Option<&Spanned<bool>>) {
    let says_silent = silent.is_some_and(|silent| *silent.get_ref());
    let place = silent.map_or(table.span.clone(), Spanned::span);
    match kind {
        Some(StepKind::Reply) if says_silent => {
            table.notes.error(place, "only a close can be silent", "leave out silent, or write do = \"close\"");
        }
        Some(StepKind::Reply) if !table.has("body") => {
            let help = "add body = \"Did that solve it?\", in your own words";
            table.notes.missing(table.span.clone(), "this reply has no body", help);
        }
        Some(StepKind::Close) if says_silent && table.has("body") => {
            let help = "leave out silent to send the body, or leave out the body";
            table.notes.error(place, "this close has a body and is silent too", help);
        }
        Some(StepKind::Close) if !says_silent && !table.has("body") => {
            let help = "add a body to close with a last word, or silent = true to close without";
            table.notes.missing(place, "this close has no body and does not say that it is silent", help);
        }
        _ => {}
    }
}

fn channels(table: &mut Reader<'_>) -> Vec<String> {
    let channels = table.texts("channels", "conversation");
    let channels = channels.filter(|channels| not_empty(table, "channels", channels).is_some());
    let default = || vec!["conversation".to_owned(), "email".to_owned()];
    channels.map_or_else(default, |channels| owned(channels.get_ref()))
}

impl FoundStep<'_> {
    /// The place to point at for what concerns the whole step.
    fn place(&self) -> Range<usize> {
        self.table.span.clone()
    }

    /// The checked step. `None` only after a mistake was noted.
    fn into_step(self, closes: bool) -> Option<Step> {
        let body = self.body.map(|body| {
            template(&self.table, &body, closes);
            Arc::from(body.into_inner())
        });
        self.table.finish(|key| {
            let help = "move it above the first [[rule.step]]";
            rules::KEYS.contains(&key).then(|| Problem::new(format!("`{key}` belongs to the rule"), help))
        });
        let act = match self.kind? {
            StepKind::Reply => Act::Reply { body: body? },
            StepKind::Close => Act::Close { body },
        };
        let id = StepId { kind: self.kind?, nth: self.nth };
        Some(Step { id, after: self.after?.into_inner().after, act, channels: self.channels })
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
        Ok(_) => {}
    }
}

/// What the steps above have settled.
struct Ladder<'c> {
    clock: &'c RuleClock,
    last: Option<After>,
    closed: bool,
    replies: u32,
}

impl Ladder<'_> {
    fn new(clock: &RuleClock) -> Ladder<'_> {
        Ladder { clock, last: None, closed: false, replies: 0 }
    }

    fn add(&mut self, step: &mut FoundStep<'_>) {
        self.closes_last(step);
        if let Some(after) = &step.after
            && let Err(problem) = self.follows(*after.get_ref())
        {
            step.table.notes.error(after.span(), problem.message, problem.help);
        }
        self.closed |= step.kind == Some(StepKind::Close);
        if step.kind == Some(StepKind::Reply) {
            self.replies += 1;
            step.nth = self.replies;
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

/// Whether such a length can be counted on such a clock.
fn goes_with(clock: &RuleClock, distance: Distance) -> Result<(), Problem> {
    match (clock, distance.after) {
        (RuleClock::None, After::WorkingDays(days)) => {
            let plain = counted(days, "day");
            let help = format!(
                "name a [[calendar]] above the first step, such as clock = \"office\", or count plain days: \"{plain}\""
            );
            Err(Problem::new("working days need a calendar", help))
        }
        (RuleClock::Of(calendar), after) => {
            let week = Week::of(calendar);
            if let (After::Time(length), true) = (after, distance.in_days) {
                return Err(Problem::new(
                    "a day by a calendar could be a working day or 24 hours",
                    week.instead(length),
                ));
            }
            if week.takes_too_long(after) {
                let help = "write less: a calendar is not looked ahead any further";
                return Err(Problem::new("this takes more than nine years of the calendar's hours", help));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// An ordinary week of a calendar.
struct Week {
    /// Days with hours.
    days: u32,
    /// Minutes of opening time.
    minutes: u32,
    /// Minutes of opening time of the day that there are most of.
    ordinary_day: u32,
}

impl Week {
    fn of(calendar: &Calendar) -> Week {
        let open: Vec<u32> = calendar
            .week()
            .iter()
            .filter(|ranges| !ranges.is_empty())
            .map(|ranges| ranges.iter().map(|range| u32::from(range.to() - range.from())).sum())
            .collect();
        let often = |minutes: &&u32| (open.iter().filter(|other| other == minutes).count(), **minutes);
        Week {
            days: u32::try_from(open.len()).unwrap_or(7),
            minutes: open.iter().sum(),
            ordinary_day: open.iter().max_by_key(often).copied().unwrap_or_default(),
        }
    }

    /// What somebody could have meant by so many days of 24 hours.
    fn instead(&self, length: SignedDuration) -> String {
        let days = u32::try_from(length.as_hours() / 24).unwrap_or(u32::MAX);
        let working = if days.is_multiple_of(7) { days / 7 * self.days } else { days };
        let minutes = working.saturating_mul(self.ordinary_day);
        let time = if minutes.is_multiple_of(60) { counted(minutes / 60, "hour") } else { counted(minutes, "minute") };
        format!("write \"{}\", or hours of opening time such as \"{time}\"", counted(working, "working day"))
    }

    fn takes_too_long(&self, after: After) -> bool {
        match after {
            After::WorkingDays(days) => days > LOOKED_AHEAD * self.days,
            After::Time(length) => length.as_mins() > i64::from(LOOKED_AHEAD) * i64::from(self.minutes),
        }
    }
}

fn counted(number: u32, name: &str) -> String {
    if number == 1 { format!("1 {name}") } else { format!("{number} {name}s") }
}
