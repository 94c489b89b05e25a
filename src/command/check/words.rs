//! Calendars and rules in the words of somebody who explains them.
//!
//! Owns: the sentences. Refuses: keys and values as they are written; the file shows those.

mod assigned;
mod deeds;

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::texts;
use crate::config::{Config, duration};
use crate::engine::Rule;
use crate::engine::calendar::{Calendar, OpenRange};
use crate::engine::rule::{AfterReopen, ContactReplied, Match, Speaker, WaitingOn};

/// Holidays told of each calendar.
const HOLIDAYS: usize = 10;

pub(super) fn calendars(config: &Config, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    if !config.calendars.is_empty() {
        writeln!(out, "\nCalendars:")?;
    }
    for calendar in &config.calendars {
        writeln!(out, "\n{}: {} ({})", calendar.name, hours(calendar), zone(calendar.timezone()))?;
        writeln!(out, "  {}", holidays(calendar, now))?;
    }
    Ok(())
}

fn holidays(calendar: &Calendar, now: Timestamp) -> String {
    let today = calendar.timezone().to_datetime(now).date();
    let ahead = calendar.holidays().range(today..);
    let told: Vec<_> = ahead.take(HOLIDAYS).map(|day| day.strftime("%a %Y-%m-%d").to_string()).collect();
    match told.as_slice() {
        [] if calendar.holidays().is_empty() => "no holidays".to_owned(),
        [] => "no holidays from today on".to_owned(),
        told => format!("next holidays: {}", told.join(", ")),
    }
}

fn zone(timezone: &TimeZone) -> &str {
    timezone.iana_name().unwrap_or("a zone of its own")
}

/// `mon-fri 09:00-18:00, sat 10:00-14:00`.
fn hours(calendar: &Calendar) -> String {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let mut runs: Vec<(usize, usize, &[OpenRange])> = Vec::new();
    for (index, ranges) in calendar.week().iter().enumerate() {
        match runs.last_mut() {
            Some((_, last, same)) if *same == ranges.as_slice() => *last = index,
            _ => runs.push((index, index, ranges)),
        }
    }
    let open = runs.into_iter().filter(|(_, _, ranges)| !ranges.is_empty());
    let told = open.map(|(first, last, ranges)| {
        let ranges = ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        if first == last {
            format!("{} {ranges}", days[first])
        } else {
            format!("{}-{} {ranges}", days[first], days[last])
        }
    });
    told.collect::<Vec<_>>().join(", ")
}

pub(super) fn rules(config: &Config, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    if !config.rules.rules.is_empty() {
        writeln!(out, "\nRules, of which the first that fits owns a conversation:")?;
    }
    config.rules.rules.iter().try_for_each(|rule| tell(rule, &config.timezone, now, out))
}

fn tell(rule: &Rule, timezone: &TimeZone, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}: {}", rule.name, conversations(rule, timezone))?;
    if rule.steps.is_empty() {
        return writeln!(out, "  left alone, whatever the rules below say");
    }
    let classes: Vec<&str> = rule.counts_from.iter().map(|class| class.name()).collect();
    writeln!(out, "  counting from the latest {}", either(&classes))?;
    match (&rule.clock, &rule.act_only) {
        (Some(clock), Some(hours)) if clock.name == hours.name => {
            writeln!(out, "  counting the hours of {} only, and acting in them only", clock.name)?;
        }
        (clock, hours) => {
            if let Some(clock) = clock {
                writeln!(out, "  counting the hours of {} only", clock.name)?;
            }
            if let Some(hours) = hours {
                writeln!(out, "  acting in the hours of {} only", hours.name)?;
            }
        }
    }
    if rule.after_reopen == AfterReopen::CountAgain {
        writeln!(out, "  counting again as soon as a person opens what was closed, without waiting for a word")?;
    }
    let steps: Vec<_> = rule
        .steps
        .iter()
        .map(|step| (format!("{}:", duration::distance_in_words(step.after, rule.clock.is_some())), deeds::deed(step)))
        .collect();
    let width = steps.iter().map(|(after, _)| after.len()).max().unwrap_or(0);
    for (index, (after, deed)) in steps.iter().enumerate() {
        writeln!(out, "  after {after:width$} {deed}")?;
        texts::tell(rule, index, timezone, now, out)?;
    }
    Ok(())
}

/// The conversations that a match fits, in words.
fn conversations(rule: &Rule, timezone: &TimeZone) -> String {
    let matches = &rule.matches;
    let states = matches.state.iter().flatten().map(|state| state.name()).collect::<Vec<_>>();
    let states = if states.is_empty() { "all".to_owned() } else { either(&states) };
    let turn = match matches.waiting_on {
        WaitingOn::Contact => " waiting for the contact",
        WaitingOn::Teammate => " waiting for a teammate",
        WaitingOn::Anyone if rule.steps.is_empty() => "",
        WaitingOn::Anyone => " no matter whose turn it is",
    };
    let mut words = vec![format!("{states} conversations{turn}")];
    words.extend(people(matches, rule.steps.is_empty()));
    words.extend(assigned::to(matches));
    words.extend(labels(matches));
    words.extend(assigned::attributes(matches));
    words.extend(origin(matches, timezone));
    words.join(", ")
}

/// Who wrote, and what is known of it.
fn people(matches: &Match, leaves: bool) -> impl Iterator<Item = String> {
    let speakers: Vec<&str> = matches.last_speaker.iter().map(|speaker| named(*speaker)).collect();
    let last = (!speakers.is_empty()).then(|| format!("last word by {}", either(&speakers)));
    let wrote = match matches.contact_replied {
        ContactReplied::Yes if leaves => Some("in which the contact wrote".to_owned()),
        ContactReplied::Any if leaves => None,
        ContactReplied::Yes => None,
        ContactReplied::No => Some("in which the contact never wrote".to_owned()),
        ContactReplied::Any => Some("whether or not the contact ever wrote".to_owned()),
    };
    let snooze = matches.snooze_at_most.map(|most| format!("not snoozed for more than {}", duration::in_words(most)));
    let rated = matches.rated.map(|rated| if rated { "rated" } else { "not rated" }.to_owned());
    [last, wrote, snooze, rated].into_iter().flatten()
}

fn named(speaker: Speaker) -> &'static str {
    match speaker {
        Speaker::Contact => "the contact",
        Speaker::Teammate => "a teammate",
        Speaker::Bot => "a bot",
    }
}

/// Tags, priority, and what became of it with Fin.
fn labels(matches: &Match) -> impl Iterator<Item = String> {
    let all = (!matches.all_tags.is_empty()).then(|| format!("tagged {}", matches.all_tags.join(" and ")));
    let some = [
        ("tagged", &matches.tags),
        ("not tagged", &matches.not_tags),
        ("of priority", &matches.priority),
        ("with the AI resolution", &matches.ai_resolution),
        ("without the AI resolution", &matches.not_ai_resolution),
    ];
    some.map(|(words, names)| one_of(words, names)).into_iter().flatten().chain(all)
}

/// How and when it began.
fn origin(matches: &Match, timezone: &TimeZone) -> impl Iterator<Item = String> {
    let at = |at: Timestamp| at.to_zoned(timezone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string();
    let after = matches.created_after.map(|after| format!("begun on or after {}", at(after)));
    let before = matches.created_before.map(|before| format!("begun before {}", at(before)));
    let came = [one_of("by", &matches.channel), one_of("begun as", &matches.delivered_as), after, before];
    came.into_iter().flatten()
}

fn one_of(words: &str, names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("{words} {}", either(names)))
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn either<T: AsRef<str>>(names: &[T]) -> String {
    joined(names, "or")
}

/// `a`, `a and b`, `a, b and c`.
fn all<T: AsRef<str>>(names: &[T]) -> String {
    joined(names, "and")
}

fn joined<T: AsRef<str>>(names: &[T], word: &str) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}
