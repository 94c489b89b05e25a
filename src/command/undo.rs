//! `autoclosed undo`: reopens what a rule has closed and nobody has touched since, with the snooze it had.
//!
//! Owns: which closes, how fast, and how it is told. Refuses: judging one; [`undo`](crate::engine::undo::undo) does
//! that. It is the operator's own deed: neither pauses, dry-run nor budgets keep it from being done.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::time::Instant;

use super::desk::{CommandError, Desk};
use super::layout::{table, wrapped};
use super::{Told, moments, pause, progress, reconcile, run};
use crate::clock::Clock;
use crate::daemon::Undoer;
use crate::engine::rule::RuleName;
use crate::intercom::error::Class;
use crate::safety::Acting;
use crate::store::{Candidate, Stands};
use crate::sweep::{SweepError, TakenBack};

/// So many conversations a second at most.
const A_SECOND: usize = 5;
const SECOND: Duration = Duration::from_secs(1);
/// Where Intercom asks to slow down, one close is tried so often.
const TRIES: u32 = 3;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The rule.
    pub rule: String,
    /// From when on, as on the command line.
    pub since: String,
    /// Only look.
    pub dry_run: bool,
}

/// What became of it.
#[derive(Debug, Serialize)]
pub struct UndoAnswer {
    rule: String,
    since: Timestamp,
    dry_run: bool,
    reopened: usize,
    skipped: Vec<Of>,
    failed: usize,
    /// What was reopened, or would be, and how it is by now.
    conversations: Vec<Of>,
    failures: Vec<Of>,
    /// How many were not looked at, and why it ended before them.
    left: usize,
    stopped: Option<String>,
}

/// A conversation, and what is to be said of it.
#[derive(Debug, Serialize)]
struct Of {
    conversation: String,
    why: String,
}

/// Reopens, by the configuration at `path` and with the secrets of `environment`.
pub async fn undo(
    path: &Path,
    environment: impl Fn(&str) -> Option<String>,
    clock: Clock,
    asked: &Asked,
) -> Result<(UndoAnswer, TimeZone), CommandError> {
    let desk = Desk::open(path, clock.clone()).await?;
    let since = moments::since(&asked.since, desk.now());
    let since = since.map_err(|why| CommandError::Usage(format!("--since: {why}")))?;
    if !desk.store.has_closed(&asked.rule).await? {
        pause::is_known(&desk, &asked.rule)?;
    }
    let closes = desk.store.closes_since(desk.app_id()?, &asked.rule, since).await?;
    let secrets = run::secrets(&environment)?;
    let undoer = Undoer::new(&desk.config, &secrets, desk.store.clone(), clock).await.map_err(reconcile::not_begun)?;
    let mut answer = UndoAnswer::to(asked, since);
    if !closes.is_empty() {
        let acting = undoer.introduce().await.map_err(|error| reconcile::not_ended(error, "autoclosed undo"))?;
        let done = AtomicUsize::new(0);
        let all = closes.len();
        let told = || format!("Reopening: {} of {all} conversations looked at …", done.load(Ordering::Relaxed));
        let work = Box::pin(answer.take_back(&undoer, &acting, &closes, &done));
        progress::shown(work, told).await?;
        undoer.leave().await?;
    }
    drop(undoer);
    desk.store.close().await;
    Ok((answer, desk.config.timezone))
}

impl UndoAnswer {
    fn to(asked: &Asked, since: Timestamp) -> UndoAnswer {
        UndoAnswer {
            rule: asked.rule.clone(),
            since,
            dry_run: asked.dry_run,
            reopened: 0,
            skipped: Vec::new(),
            failed: 0,
            conversations: Vec::new(),
            failures: Vec::new(),
            left: 0,
            stopped: None,
        }
    }

    /// One after the other, until something keeps all others from it too.
    async fn take_back(
        &mut self,
        undoer: &Undoer,
        acting: &Acting,
        closes: &[Candidate],
        done: &AtomicUsize,
    ) -> Result<(), CommandError> {
        let (rule, mut meter) = (RuleName::from(self.rule.as_str()), Meter::default());
        for (index, close) in closes.iter().enumerate() {
            let became = match no_need_to_ask(close) {
                Some(became) => Ok(became),
                None => self.asked(undoer, &rule, close, acting, &mut meter).await,
            };
            match became {
                Ok(became) => self.note(close, became),
                Err(SweepError::Store(error)) => return Err(error.into()),
                Err(SweepError::Forgotten) => self.note(close, TakenBack::Skipped("it was forgotten".into())),
                Err(SweepError::Intercom(error)) => {
                    self.left = closes.len() - index;
                    self.stopped = Some(reconcile::in_words(&error, "this command"));
                    return Ok(());
                }
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn asked(
        &self,
        undoer: &Undoer,
        rule: &RuleName,
        close: &Candidate,
        acting: &Acting,
        meter: &mut Meter,
    ) -> Result<TakenBack, SweepError> {
        let mut tries = 0;
        loop {
            meter.turn().await;
            let became = if self.dry_run {
                undoer.would_take_back(rule, close).await
            } else {
                undoer.take_back(rule, close, acting).await
            };
            tries += 1;
            match became {
                Err(SweepError::Intercom(error)) if error.class() == Class::RateLimited && tries < TRIES => {}
                became => return became,
            }
        }
    }

    fn note(&mut self, close: &Candidate, became: TakenBack) {
        let of = |why| Of { conversation: close.conversation.to_string(), why };
        match became {
            TakenBack::Done(why) => {
                self.conversations.push(of(why));
                self.reopened += usize::from(!self.dry_run);
            }
            TakenBack::Skipped(why) => self.skipped.push(of(why)),
            TakenBack::Failed(why) => {
                self.failures.push(of(why));
                self.failed += 1;
            }
        }
    }
}

/// What is known without asking Intercom.
fn no_need_to_ask(close: &Candidate) -> Option<TakenBack> {
    let why = match (&close.closed_since_by, close.stands) {
        (Some(by), _) => format!("rule `{by}` has closed it since"),
        (None, Stands::Undone) => "it was undone before".into(),
        (None, Stands::Unclear) => {
            "the answer to its close was lost, and is looked into; try again in a few minutes".into()
        }
        (None, Stands::Lost) => "whether it was closed was never found out; look at it in Intercom".into(),
        (None, Stands::Done) => return None,
    };
    Some(TakenBack::Skipped(why))
}

/// So many in any second.
#[derive(Debug, Default)]
struct Meter(VecDeque<Instant>);

impl Meter {
    async fn turn(&mut self) {
        if self.0.len() >= A_SECOND
            && let Some(first) = self.0.pop_front()
        {
            tokio::time::sleep_until(first + SECOND).await;
        }
        self.0.push_back(Instant::now());
    }
}

fn counted(count: usize) -> String {
    format!("{count} conversation{}", if count == 1 { "" } else { "s" })
}

impl Told for UndoAnswer {
    fn tell(&self, out: &mut dyn Write, zone: &TimeZone) -> io::Result<()> {
        let since = moments::said(self.since, zone);
        let by = format!("that rule `{}` has closed since {since}", self.rule);
        let count = self.conversations.len();
        if count + self.skipped.len() + self.failures.len() + self.left == 0 {
            return wrapped(
                out,
                "",
                0,
                &format!("Nothing to undo: rule `{}` has closed nothing since {since}.", self.rule),
            );
        }
        let them = if count == 1 { "it" } else { "them" };
        let text = match (self.dry_run, count) {
            (true, 0) => format!("Would reopen nothing of what rule `{}` has closed since {since}.", self.rule),
            (true, _) => format!("Would reopen {} {by}:", counted(count)),
            (false, 0) => format!("Reopened nothing of what rule `{}` has closed since {since}.", self.rule),
            (false, _) => format!(
                "Reopened {} {by}. No rule touches {them} until the contact or a teammate writes.",
                counted(count)
            ),
        };
        wrapped(out, "", 0, &text)?;
        if self.dry_run {
            table(out, &rows(&self.conversations))?;
        }
        tell_list(out, "Left as it is", "Left as they are", &self.skipped)?;
        tell_list(out, "Failed", "Failed", &self.failures)?;
        if let Some(stopped) = &self.stopped {
            writeln!(out)?;
            wrapped(out, "", 0, &format!("Stopped with {} left: {stopped}.", counted(self.left)))?;
        }
        if self.failed > 0 {
            writeln!(out)?;
            wrapped(
                out,
                "",
                0,
                "Run the same command again in a minute: it takes up what failed, and does nothing twice.",
            )?;
        }
        Ok(())
    }

    fn exit_status(&self) -> u8 {
        u8::from(self.failed > 0 || self.stopped.is_some())
    }
}

fn rows(list: &[Of]) -> Vec<(String, String)> {
    list.iter().map(|of| (of.conversation.clone(), of.why.clone())).collect()
}

fn tell_list(out: &mut dyn Write, one: &str, several: &str, list: &[Of]) -> io::Result<()> {
    if list.is_empty() {
        return Ok(());
    }
    let head = if list.len() == 1 { one } else { several };
    writeln!(out, "\n{head}, {}:", counted(list.len()))?;
    table(out, &rows(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_second_has_more_than_five() {
        let (mut meter, mut turns) = (Meter::default(), Vec::new());
        for _ in 0..23 {
            meter.turn().await;
            turns.push(Instant::now());
        }
        assert!(turns.windows(A_SECOND + 1).all(|turns| turns[A_SECOND] - turns[0] >= SECOND));
        assert!(turns[22] - turns[0] < 5 * SECOND, "nor is time wasted");
    }
}
