//! The explanation in the words of somebody who knows the conversation, with times in the operator's zone.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::history::Line;
use super::super::layout::{table, wrapped};
use super::super::moments;
use super::{Explained, WhatIf, next};
use crate::engine::explain::{Change, Fits, Outlook};
use crate::engine::rule::WaitingOn;
use crate::engine::{Coming, Decision, Explanation, Missing, Why};

/// Lines of the journal that are shown here.
const JOURNAL: usize = 20;

/// How a moment is said.
type Moments<'a> = &'a dyn Fn(&Timestamp) -> String;

type Rows = Vec<(String, String)>;

pub(super) fn tell(told: &Explained, out: &mut dyn Write, zone: &TimeZone) -> io::Result<()> {
    let at = |moment: &Timestamp| moments::said(*moment, zone);
    let why = &told.explanation;
    writeln!(out, "Conversation {} {}", told.conversation, state(why, &at))?;
    writeln!(out)?;
    table(out, &summary(told, &at))?;
    if !why.ahead.is_empty() {
        writeln!(out, "\nIf nobody does anything:")?;
        table(out, &ahead(told, &at))?;
    }
    let changes = changes(why, told.now, &at);
    if !changes.is_empty() {
        writeln!(out, "\nWhat would change that:")?;
        table(out, &changes.into_iter().map(|change| (change.happens, change.then)).collect::<Rows>())?;
    }
    if !told.rules.is_empty() {
        writeln!(out, "\nThe rules, of which the first that fits owns a conversation:")?;
        table(out, &rules(told, &at))?;
    }
    journal(told, out, zone)
}

fn state(why: &Explanation, at: Moments<'_>) -> String {
    match (why.state, why.snoozed_until, why.decision.why()) {
        (_, _, Why::Gone) => "no longer exists in Intercom.".to_owned(),
        (None, ..) => "is known by its id only; it was not read from Intercom yet.".to_owned(),
        (Some("snoozed"), Some(until), _) => format!("is snoozed until {}.", at(&until)),
        (Some("woken"), ..) => "is open again, as its snooze has ended and nobody has done anything since.".to_owned(),
        (Some(state), ..) => format!("is {state}."),
    }
}

fn summary(told: &Explained, at: Moments<'_>) -> Rows {
    let why = &told.explanation;
    let mut rows: Rows = Vec::new();
    let mut row = |label: &str, text: String| rows.push((label.to_owned(), text));
    let turn = why.waiting_on.map(|turn| if turn == WaitingOn::Contact { "the contact's" } else { "a teammate's" });
    let nobody = if why.activities.is_empty() { "not known yet" } else { "nobody's, as far as is known" };
    row("turn", turn.unwrap_or(nobody).to_owned());
    if let Some((speaker, last)) = &why.last_speaker {
        row("last word", format!("{}, {}", speaker.said(), at(&last.at)));
    }
    if let Some(owner) = &why.owner {
        let counting = why.anchor.map(|anchor| format!(", counting from {}", at(&anchor.at)));
        row("rule", format!("`{owner}`{}", counting.unwrap_or_default()));
    }
    row("decision", decision(why, at));
    if !why.missing.is_empty() {
        row("not known", format!("{}; {}", listed(&why.missing), until_known(told)));
    }
    for bar in &told.barred {
        row("but", bar.why.clone());
    }
    rows
}

fn decision(explanation: &Explanation, at: Moments<'_>) -> String {
    let why = reason(explanation.decision.why(), at);
    match &explanation.decision {
        Decision::Act { step, due_at, .. } => format!("`{step}` is due since {}: {why}", at(due_at)),
        Decision::Wait { until, .. } => format!("nothing before {}: {why}", at(until)),
        Decision::Leave { .. } => format!("left alone: {why}"),
    }
}

/// The words of the journal, with moments in the operator's zone. Why each rule does not fit stands with the rules.
fn reason(why: &Why, at: Moments<'_>) -> String {
    match why {
        Why::NoRuleFits(_) => "no rule fits".to_owned(),
        Why::UntilItWakes(inner) => format!("{}; decided again when its snooze ends", reason(inner, at)),
        why => why.with_moments(|moment| at(&moment)),
    }
}

/// What comes of it that something is not known.
fn until_known(told: &Explained) -> String {
    let named = told.explanation.missing.iter().find_map(|missing| match missing {
        Missing::Name { .. } => Some("`autoclosed check --online` says which names mean nothing in the workspace"),
        _ => None,
    });
    let read = if told.read_whole {
        "Intercom did not tell it when the conversation was read; a rule that does not ask for it can still own it"
    } else {
        "the daemon reads it from Intercom by itself, as soon as Intercom answers"
    };
    named.unwrap_or(read).to_owned()
}

fn ahead(told: &Explained, at: Moments<'_>) -> Rows {
    let step = |coming: &Coming| {
        let due = if coming.at <= told.now { "due since " } else { "" };
        let passed = coming.passed.map(|why| format!(", {why}")).unwrap_or_default();
        (format!("{due}{}", at(&coming.at)), format!("{} by rule `{}`{passed}", coming.step, coming.rule))
    };
    told.explanation.ahead.iter().map(step).collect()
}

fn rules(told: &Explained, at: Moments<'_>) -> Rows {
    let fits = told.rules.iter().zip(&told.explanation.rules).map(|(rule, (_, fits))| {
        let text = match fits {
            Fits::Owns | Fits::Keeps => format!("fits: {}", rule.why),
            Fits::After(_) => format!("fits, but {}", rule.why),
            Fits::InVain => format!("fits, but {}", in_vain(&told.explanation.decision, at)),
            Fits::No(_) => format!("does not fit: {}", rule.why),
            Fits::Unknown(_) => rule.why.clone(),
        };
        (rule.rule.clone(), text)
    });
    fits.collect()
}

fn journal(told: &Explained, out: &mut dyn Write, zone: &TimeZone) -> io::Result<()> {
    if told.journal.is_empty() {
        return writeln!(out, "\nNothing was done about it so far.");
    }
    let rehearsed = told.journal.iter().any(Line::is_rehearsed);
    writeln!(out, "\nDone {}so far, and why:", if rehearsed { "or rehearsed " } else { "" })?;
    let left_out = told.journal.len().saturating_sub(JOURNAL);
    if left_out > 0 {
        let id = &told.conversation;
        wrapped(out, "  ", 2, &format!("({left_out} older ones are left out: `autoclosed history {id}`)"))?;
    }
    told.journal.iter().skip(left_out).try_for_each(|line| line.tell(out, zone, false))
}

pub(super) fn listed(missing: &[Missing]) -> String {
    missing.iter().map(Missing::to_string).collect::<Vec<_>>().join(", ")
}

/// Why no rule gets what one of them fits.
pub(super) fn in_vain(decision: &Decision, at: Moments<'_>) -> String {
    match decision.why() {
        Why::NotRead => "something that a rule above asks for is not known yet".to_owned(),
        why => why.with_moments(|moment| at(&moment)),
    }
}

/// What would make a difference, and which.
pub(super) fn changes(explanation: &Explanation, now: Timestamp, at: Moments<'_>) -> Vec<WhatIf> {
    let told = explanation.changes.iter().map(|(change, outlook)| WhatIf {
        happens: happens(change),
        then: then(explanation, outlook, now, at),
        next: outlook.next.as_ref().map(next),
    });
    told.collect()
}

fn happens(change: &Change) -> String {
    match change {
        Change::ContactReplies => "the contact writes".to_owned(),
        Change::TeammateReplies => "a teammate replies".to_owned(),
        Change::Opened => "somebody opens it".to_owned(),
        Change::Tagged(tag) => format!("it is tagged `{tag}`"),
        Change::Untagged(tag) => format!("the tag `{tag}` is taken off"),
        Change::Released => "it is released by hand".to_owned(),
    }
}

fn then(explanation: &Explanation, outlook: &Outlook, now: Timestamp, at: Moments<'_>) -> String {
    match (&outlook.next, outlook.decision.why()) {
        (Some(coming), _) => {
            let by = Some(&coming.rule) != explanation.owner.as_ref();
            let by = if by { format!(" by rule `{}`", coming.rule) } else { String::new() };
            let when = if coming.at <= now { "at once".to_owned() } else { format!("on {}", at(&coming.at)) };
            let passed = coming.passed.map(|why| format!(", {why}")).unwrap_or_default();
            format!("{}{by} {when}{passed}", coming.step)
        }
        (None, Why::NoRuleFits(reasons)) => {
            let owner = explanation.owner.as_ref();
            let lost = reasons.iter().find(|(rule, _)| Some(rule) == owner);
            lost.map_or_else(
                || "still nothing, as no rule fits then".to_owned(),
                |(rule, misfit)| format!("nothing more: `{rule}` does not fit then, as {misfit}"),
            )
        }
        (None, why) => format!("nothing: {}", reason(why, at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_would_fit_in_vain_is_told_why() {
        let left = |why| in_vain(&Decision::Leave { why }, &ToString::to_string);
        assert_eq!(left(Why::Closed), "it is closed");
        assert_eq!(left(Why::NotRead), "something that a rule above asks for is not known yet");
    }
}
