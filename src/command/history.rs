//! `autoclosed history`: what was done and why, as the journal tells it.
//!
//! Owns: the lines of the journal, as JSON and as text. It may be long: it is read and written in pages.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::desk::{CommandError, Desk};
use super::layout::wrapped;
use super::line::Filters;
use super::moments;
use crate::engine::conversation::ConversationId;
use crate::store::{JournalEntry, JournalFilter, Place};

/// Lines that people are shown unless they ask for more.
const FOR_PEOPLE: u32 = 50;
/// Lines in memory at once.
const AT_ONCE: u32 = 500;

/// A line of the journal.
#[derive(Debug, Serialize)]
pub struct Line {
    at: Timestamp,
    conversation: String,
    rule: Option<String>,
    step: Option<String>,
    #[serde(rename = "do")]
    does: String,
    outcome: String,
    why: String,
}

impl From<JournalEntry> for Line {
    fn from(entry: JournalEntry) -> Line {
        // What an operator did by hand has neither rule nor step.
        let told = |text: String| (!text.is_empty()).then_some(text);
        Line {
            at: entry.at,
            conversation: entry.conversation,
            rule: told(entry.rule),
            step: told(entry.step),
            does: entry.does,
            outcome: entry.outcome,
            why: entry.why,
        }
    }
}

impl Line {
    /// It would have been done, had it not been a dry run.
    pub fn is_rehearsed(&self) -> bool {
        self.outcome == "dry_run"
    }

    /// When, what became of what, by which rule; and below it why.
    pub fn tell(&self, out: &mut dyn Write, zone: &TimeZone, about: bool) -> io::Result<()> {
        const TIME: usize = 23;
        const OUTCOME: usize = 8;
        const STEP: usize = 9;
        const ID: usize = 15;
        let step = self.step.as_deref().unwrap_or(&self.does);
        let mut start = format!("{:TIME$}  {:OUTCOME$}  {step:STEP$}  ", moments::said(self.at, zone), self.outcome);
        if about {
            start = format!("{start}{:ID$}  ", self.conversation);
        }
        let by = self.rule.as_ref().map_or_else(|| "by hand".to_owned(), |rule| format!("rule `{rule}`"));
        wrapped(out, &start, TIME + 2, &by)?;
        wrapped(out, &format!("{:1$}", "", TIME + 2), TIME + 2, &self.why)
    }
}

/// Prints what is asked for, oldest first: one JSON document, or words.
pub async fn write(
    desk: &Desk,
    id: Option<&ConversationId>,
    filters: &Filters,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let filter = filter(desk, id, filters)?;
    if let Some(id) = id {
        is_known(desk, id).await?;
    }
    let most = filters.limit.or_else(|| (!json).then_some(FOR_PEOPLE));
    let before = match most {
        Some(most) => desk.store.journal_before(&filter, most).await?,
        None => None,
    };
    let told = pages(desk, &filter, before, json, out).await?;
    if told == 0 && !json {
        wrapped(out, "", 0, &nothing(desk, id, filters))?;
    }
    if let (Some(most), Some(_), false) = (most, before, json) {
        let more = most.saturating_mul(4);
        writeln!(out, "\nOlder ones are left out: `--limit {more}` shows more, `--since \"30 days\"` begins there.")?;
    }
    Ok(())
}

/// Writes page after page, and tells how many lines they had.
async fn pages(
    desk: &Desk,
    filter: &JournalFilter,
    before: Option<Place>,
    json: bool,
    out: &mut dyn Write,
) -> Result<u64, CommandError> {
    let (mut told, mut place) = (0, Some(before.unwrap_or(Place::START)));
    if json {
        write!(out, "[")?;
    }
    while let Some(behind) = place {
        let page = desk.store.journal_page(filter, behind, AT_ONCE).await?;
        for line in page.lines.into_iter().map(Line::from) {
            if json {
                write!(out, "{}\n  ", if told == 0 { "" } else { "," })?;
                serde_json::to_writer(&mut *out, &line).map_err(io::Error::from)?;
            } else {
                line.tell(out, &desk.config.timezone, filter.conversation.is_none())?;
            }
            told += 1;
        }
        out.flush()?;
        place = page.next;
    }
    if json {
        writeln!(out, "{}]", if told == 0 { "" } else { "\n" })?;
    }
    Ok(told)
}

fn filter(desk: &Desk, id: Option<&ConversationId>, filters: &Filters) -> Result<JournalFilter, CommandError> {
    let now = desk.now();
    let moment = |name: &str, text: &Option<String>| {
        let moment = text.as_deref().map(|text| moments::since(text, now)).transpose();
        moment.map_err(|why| CommandError::Usage(format!("{name}: {why}")))
    };
    let (since, until) = (moment("--since", &filters.since)?, moment("--until", &filters.until)?);
    if since.zip(until).is_some_and(|(since, until)| since >= until) {
        let why = "--until lies before --since, so nothing can lie between them; exchange the two";
        return Err(CommandError::Usage(why.to_owned()));
    }
    Ok(JournalFilter {
        app_id: desk.identity.app_id.as_deref().map(str::to_owned),
        conversation: id.cloned(),
        rule: filters.rule.clone(),
        outcome: filters.outcome.clone(),
        does: filters.does.clone(),
        since,
        until,
    })
}

async fn is_known(desk: &Desk, id: &ConversationId) -> Result<(), CommandError> {
    let known = desk.store.decided(id, &desk.context()).await?;
    if known.is_none() { Err(desk.unknown(id).await?) } else { Ok(()) }
}

/// Why there is nothing to show, with the next step.
fn nothing(desk: &Desk, id: Option<&ConversationId>, filters: &Filters) -> String {
    let rules = &desk.config.rules.rules;
    match (&filters.rule, id) {
        (Some(rule), _) if !rules.iter().any(|known| known.name.as_str() == rule) => {
            let known: Vec<_> = rules.iter().map(|rule| format!("`{}`", rule.name)).collect();
            let known =
                if known.is_empty() { "it has no rules".into() } else { format!("its rules are {}", known.join(", ")) };
            format!("The journal names no rule `{rule}`, nor does the configuration; {known}.")
        }
        _ if filters.narrow() => "Nothing in the journal fits; leave one of the filters out.".to_owned(),
        (_, Some(id)) => {
            format!("Nothing was done about conversation {id} so far. `autoclosed explain {id}` says why.")
        }
        (_, None) => "Nothing was done so far. `autoclosed status` says how the daemon is.".to_owned(),
    }
}
