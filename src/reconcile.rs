//! Looks at the workspace itself, as webhooks are hints: what changed, and once a day everything that is not closed.
//!
//! Owns: what a complete look is, and that nothing is done before the first one. Refuses: deciding by what a search
//! lists. Listed conversations are only marked; each is read before anything is said about it. The marks are in the
//! database, so a look that was interrupted goes on where it stopped.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::engine::ConversationId;
use crate::intercom::client::Search;
use crate::intercom::error::{Class, IntercomError};
use crate::intercom::pace::nap;
use crate::safety::Acting;
use crate::store::Listing;
use crate::sweep::{SweepError, Sweeper};

/// Changes are looked for from a little before the last look, as the search lags behind.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// How often everything is looked at.
const COMPLETELY_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Conversations on a page of the search: the most that Intercom allows.
const PAGE: u32 = 150;
/// Conversations read between two looks at how many are left, and between two lines of the log.
const READ_AT_ONCE: u32 = 50;

/// So many conversations that could not be read in a row end the look: Intercom is in trouble.
const GIVE_UP_AFTER: u32 = 5;
/// So often in a row may Intercom ask to slow down; each time it is waited as long as it asks.
const PATIENCE: u32 = 5;

/// What a look found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Conversations listed.
    pub listed: usize,
    /// Of those, new or changed.
    pub changed: u64,
    /// It was a look at everything.
    pub complete: bool,
}

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What has changed; everything that is not closed if nobody ever looked, and once a day.
    News,
    /// Everything that is not closed, and what else has changed.
    Everything,
}

/// One look.
pub async fn reconcile(sweeper: &Sweeper, acting: &Acting, extent: Extent) -> Result<Reconciled, SweepError> {
    let began = sweeper.standpoint.now();
    let last = sweeper.store.moment("looked_at").await?;
    let last_complete = sweeper.store.moment("looked_completely_at").await?;
    let fresh = last_complete.is_some_and(|at| began.duration_since(at) < COMPLETELY_EVERY);
    let everything = extent == Extent::Everything;
    // After a day without a look the changes are too many; all that is not closed is listed then.
    let since = last.filter(|at| everything || began.duration_since(*at) < COMPLETELY_EVERY).map(|at| at - OVERLAP);
    let complete = everything || !fresh || since.is_none();
    let mut listed = 0;
    // What came and was closed since the last look is among the changes alone.
    if let Some(since) = since {
        let states = complete.then(|| vec!["closed"]);
        listed += list(sweeper, acting, Search { states, updated_since: Some(since), per_page: PAGE }, began).await?;
    }
    if complete {
        listed += list_everything(sweeper, acting, began).await?;
    }
    let found = Reconciled { listed, changed: read_marked(sweeper, acting, began).await?, complete };
    if found.complete {
        sweeper.store.set_moment("looked_completely_at", began).await?;
    }
    sweeper.store.set_moment("looked_at", began).await?;
    sweeper.board.set_looked();
    Ok(found)
}

/// Marks everything that is not closed, and what was not and is not listed any more.
async fn list_everything(sweeper: &Sweeper, acting: &Acting, now: Timestamp) -> Result<usize, SweepError> {
    let query = Search { states: Some(vec!["open", "snoozed"]), updated_since: None, per_page: PAGE };
    let listed = list(sweeper, acting, query, now).await?;
    sweeper.store.mark_unlisted(&acting.app_id, now).await?;
    Ok(listed)
}

/// Marks what the search lists, and tells how many that were.
async fn list(sweeper: &Sweeper, acting: &Acting, query: Search, now: Timestamp) -> Result<usize, SweepError> {
    let everything = query.updated_since.is_none();
    let mut listed = 0;
    let mut pages = sweeper.intercom.pages(query);
    while let Some(page) = pages.next().await.map_err(|error| sweeper.noted(error))? {
        if page.odd > 0 {
            tracing::warn!(count = page.odd, "the search listed conversations whose id is none; they are left alone");
        }
        let listings = page.conversations.iter();
        let listings: Vec<_> = listings.map(|one| Listing { id: one.id.clone(), updated_at: one.updated_at }).collect();
        sweeper.store.mark_listed(&acting.app_id, &listings, now).await?;
        if everything {
            sweeper.store.stamp_listed(&acting.app_id, &listings, now).await?;
        }
        listed += listings.len();
    }
    Ok(listed)
}

/// Reads everything that was marked when the look `began`, at half of the pace that we allow ourselves. What notifications
/// mark meanwhile is left to the sweeps: they may mark as fast as is read, and no look would ever end.
async fn read_marked(sweeper: &Sweeper, acting: &Acting, began: Timestamp) -> Result<u64, SweepError> {
    let mut reading = Reading { read: 0, failed: 0, slowed_down: 0, leisure: Leisure::new(sweeper) };
    loop {
        let ids = sweeper.store.to_fetch(&acting.app_id, began, READ_AT_ONCE).await?;
        if ids.is_empty() {
            return Ok(reading.read);
        }
        let left = sweeper.store.count_to_fetch(&acting.app_id, began).await?;
        if reading.read > 0 {
            tracing::info!(read = reading.read, left, "reading conversations");
        }
        for (id, left) in ids.iter().zip((0..=left).rev()) {
            sweeper.board.set_to_read(left, sweeper.standpoint.clock().elapsed());
            reading.read(sweeper, acting, id).await?;
        }
    }
}

/// How the reading goes.
struct Reading {
    read: u64,
    /// Trouble in a row.
    failed: u32,
    /// Refusals for the rate in a row.
    slowed_down: u32,
    leisure: Leisure,
}

impl Reading {
    /// Reads one. What was refused for the rate stays marked, and is asked for again when Intercom allows.
    async fn read(&mut self, sweeper: &Sweeper, acting: &Acting, id: &ConversationId) -> Result<(), SweepError> {
        self.leisure.wait(sweeper.intercom.cap() / 2).await;
        let read = sweeper.read_or_note(&acting.app_id, id).await;
        self.leisure.note();
        match read {
            Err(SweepError::Intercom(IntercomError::RateLimited { .. })) if self.slowed_down < PATIENCE => {
                self.slowed_down += 1;
                return Ok(());
            }
            Err(error) => return Err(error),
            Ok(Some(error)) if is_trouble(&error) && self.failed + 1 == GIVE_UP_AFTER => return Err(error.into()),
            Ok(Some(error)) if is_trouble(&error) => self.failed += 1,
            Ok(_) => self.failed = 0,
        }
        (self.slowed_down, self.read) = (0, self.read + 1);
        Ok(())
    }
}

/// Whether the next one may well fail too. An answer about another conversation says nothing of Intercom as a whole:
/// what was merged may be answered so.
fn is_trouble(error: &IntercomError) -> bool {
    error.class() == Class::Ambiguous && !matches!(error, IntercomError::WrongAnswer(_))
}

/// Leaves half of our request cap to the sweep, in whatever ten seconds one looks at.
struct Leisure {
    clock: Clock,
    answered: VecDeque<Duration>,
}

impl Leisure {
    const SPAN: Duration = Duration::from_secs(10);

    fn new(sweeper: &Sweeper) -> Leisure {
        Leisure { clock: sweeper.standpoint.clock().clone(), answered: VecDeque::new() }
    }

    /// Waits until another request is within `allowed` in ten seconds; at least one always is.
    async fn wait(&mut self, allowed: u32) {
        loop {
            let now = self.clock.elapsed();
            while self.answered.front().is_some_and(|answered| *answered + Self::SPAN <= now) {
                self.answered.pop_front();
            }
            let used = u32::try_from(self.answered.len()).unwrap_or(u32::MAX);
            let frees = self.answered.front().filter(|_| used >= allowed.max(1));
            let Some(frees) = frees else { return };
            nap(&self.clock, (*frees + Self::SPAN).saturating_sub(now)).await;
        }
    }

    /// A request was answered, or given up. Wherever before that Intercom counted it, ten seconds later it is past.
    fn note(&mut self) {
        self.answered.push_back(self.clock.elapsed());
    }
}
