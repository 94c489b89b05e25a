//! `autoclosed backlog`: what waits for an operator, letting it go in measured doses, discarding it.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::desk::{CommandError, Desk};
use super::layout::wrapped;
use super::{Told, moments};
use crate::engine::conversation::ConversationId;
use crate::store::{Backlog, Waiting};

/// Entries that people are shown; scripts get all of them.
const FOR_PEOPLE: usize = 50;

/// Everything in the backlog, oldest first.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct ListAnswer(Vec<Entry>);

#[derive(Debug, Serialize)]
struct Entry {
    conversation: String,
    rule: String,
    step: String,
    #[serde(rename = "do")]
    does: String,
    due_at: Timestamp,
    reason: String,
    since: Timestamp,
    /// When it is let go; `null` if it waits.
    release_at: Option<Timestamp>,
}

impl From<Waiting> for Entry {
    fn from(waiting: Waiting) -> Entry {
        let does = waiting.step.split(' ').next().unwrap_or_default().to_owned();
        let Waiting { conversation, rule, step, due_at, reason, since, release_at } = waiting;
        Entry { conversation, rule, step, does, due_at, reason, since, release_at }
    }
}

/// What was let go.
#[derive(Debug, Serialize)]
pub struct ReleaseAnswer {
    /// So many more.
    released: u64,
    per_hour: u32,
    /// The last of all that were let go is due then.
    last_at: Option<Timestamp>,
    /// So many wait still.
    waiting: i64,
    /// All that were let go and are not done yet.
    under_way: i64,
}

/// What was discarded.
#[derive(Debug, Serialize)]
pub struct DiscardAnswer {
    discarded: u64,
    waiting: i64,
    #[serde(skip)]
    of: Option<String>,
}

/// Shows what is there.
pub async fn list(desk: &Desk) -> Result<ListAnswer, CommandError> {
    let waiting = desk.store.backlog(desk.app_id()?).await?;
    Ok(ListAnswer(waiting.into_iter().map(Entry::from).collect()))
}

/// Lets the oldest `max` go, at most `per_hour` of them in any hour.
pub async fn release(desk: &Desk, max: u32, per_hour: u32) -> Result<ReleaseAnswer, CommandError> {
    let released = desk.store.release_backlog(desk.app_id()?, max, per_hour, desk.now()).await?;
    let Backlog { waiting, released: under_way } = desk.store.count_backlog().await?;
    Ok(ReleaseAnswer { released: released.now, per_hour, last_at: released.last_at, waiting, under_way })
}

/// Discards for good what is there: of one conversation, of one rule, or everything.
pub async fn discard(
    desk: &Desk,
    id: Option<&ConversationId>,
    rule: Option<&str>,
) -> Result<DiscardAnswer, CommandError> {
    let gone = desk.store.discard_backlog(desk.app_id()?, id, rule, desk.now()).await?;
    let waiting = desk.store.count_backlog().await?.waiting;
    let of_rule = rule.map(|rule| format!("rule `{rule}`"));
    Ok(DiscardAnswer { discarded: gone.now, waiting, of: id.map(|id| format!("conversation {id}")).or(of_rule) })
}

impl Told for ListAnswer {
    fn tell(&self, out: &mut dyn Write, zone: &TimeZone) -> io::Result<()> {
        const TIME: usize = 23;
        const ID: usize = 15;
        const STEP: usize = 9;
        let ListAnswer(entries) = self;
        if entries.is_empty() {
            return writeln!(out, "The backlog is empty: nothing waits for you.");
        }
        for entry in entries.iter().take(FOR_PEOPLE) {
            let due = moments::said(entry.due_at, zone);
            let start = format!("{due:TIME$}  {:ID$}  {:STEP$}  ", entry.conversation, entry.step);
            wrapped(out, &start, TIME + 2, &format!("rule `{}`", entry.rule))?;
            let let_go = entry.release_at.map(|at| format!("; let go, due at {}", moments::said(at, zone)));
            let why = format!("{}{}", entry.reason, let_go.unwrap_or_default());
            wrapped(out, &format!("{:1$}", "", TIME + 2), TIME + 2, &why)?;
        }
        if entries.len() > FOR_PEOPLE {
            writeln!(out, "({} younger ones are left out: --json shows all)", entries.len() - FOR_PEOPLE)?;
        }
        let let_go = entries.iter().filter(|entry| entry.release_at.is_some()).count();
        let waiting = entries.len() - let_go;
        writeln!(out)?;
        if let_go > 0 {
            writeln!(out, "{} let go, and done one after the other.", have(let_go))?;
        }
        if waiting == 0 {
            return writeln!(out, "Nothing else waits for you.");
        }
        writeln!(out, "{} for you; nothing of it is done before you say so:", wait(waiting))?;
        writeln!(out, "  autoclosed backlog release --max 50 --per-hour 20   lets the oldest go, 20 in any hour")?;
        writeln!(out, "  autoclosed backlog discard                          leaves all of it alone for good")
    }
}

impl Told for ReleaseAnswer {
    fn tell(&self, out: &mut dyn Write, zone: &TimeZone) -> io::Result<()> {
        let ReleaseAnswer { released, per_hour, last_at, waiting, under_way } = self;
        let at_most = format!("at most {per_hour} in any hour, each looked at again first");
        match (*released, last_at) {
            (0, None) => writeln!(out, "Nothing waits in the backlog, so there was nothing to let go.")?,
            (0, Some(last)) => {
                let last = moments::said(*last, zone);
                let text = format!(
                    "Nothing more waits. {} let go before, and now go {at_most}; the last is due at {last}.",
                    have(*under_way)
                );
                wrapped(out, "", 0, &text)?;
            }
            (count, last) => {
                let last = last.map(|last| format!("; the last is due at {}", moments::said(last, zone)));
                let text = format!("Let go: {count}, {at_most}{}.", last.unwrap_or_default());
                wrapped(out, "", 0, &text)?;
            }
        }
        if *waiting > 0 {
            writeln!(out, "{} still. `autoclosed backlog list` shows them.", wait(*waiting))?;
        }
        if *released > 0 || *under_way > 0 {
            writeln!(out, "`autoclosed pause` stops everything at once, this too.")?;
        }
        Ok(())
    }
}

impl Told for DiscardAnswer {
    fn tell(&self, out: &mut dyn Write, _zone: &TimeZone) -> io::Result<()> {
        let of = self.of.as_ref().map(|of| format!(" of {of}")).unwrap_or_default();
        match self.discarded {
            0 => writeln!(out, "Nothing{of} is in the backlog, so nothing was discarded.")?,
            count => {
                let left = if count == 1 { "The conversation is" } else { "Each of the conversations is" };
                let text =
                    format!("Discarded{of}: {count}. {left} left alone by that rule until somebody speaks in it.");
                wrapped(out, "", 0, &text)?;
            }
        }
        if self.waiting > 0 {
            writeln!(out, "{} still. `autoclosed backlog list` shows them.", wait(self.waiting))?;
        }
        Ok(())
    }
}

fn wait(count: impl TryInto<i64>) -> String {
    match count.try_into().unwrap_or(i64::MAX) {
        1 => "1 step waits".to_owned(),
        count => format!("{count} steps wait"),
    }
}

fn have(count: impl TryInto<i64>) -> String {
    match count.try_into().unwrap_or(i64::MAX) {
        1 => "1 was".to_owned(),
        count => format!("{count} were"),
    }
}
