//! Looks at the workspace itself, as webhooks are hints: what changed, and once a day everything that is not closed.
//!
//! Owns: what a complete look is, and that nothing is done before the first one. Refuses: deciding by what a search
//! lists. Listed conversations are only marked; each is read before anything is said about it. The marks are in the
//! database, so a look that was interrupted goes on where it stopped.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::intercom::client::Search;
use crate::intercom::error::Class;
use crate::safety::Acting;
use crate::store::{Listing, StoreError};
use crate::sweep::{SweepError, Sweeper};

/// Changes are looked for from a little before the last look, as the search lags behind.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// How often everything is looked at.
const COMPLETELY_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Conversations on a page of the search: the most that Intercom allows.
const PAGE: u32 = 150;
/// Conversations read between two looks at how many are left.
const READ_AT_ONCE: u32 = 50;

/// So many conversations that could not be read in a row end the look: Intercom is in trouble.
const GIVE_UP_AFTER: u32 = 5;

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
    let since = last.map(|at| at - OVERLAP);
    let complete = extent == Extent::Everything || !fresh || since.is_none();
    let mut listed = 0;
    if complete {
        listed += list_everything(sweeper, acting, began).await?;
    }
    if let Some(since) = since.filter(|_| extent == Extent::Everything || !complete) {
        let states = complete.then(|| vec!["closed"]);
        listed += list(sweeper, acting, Search { states, updated_since: Some(since), per_page: PAGE }, began).await?;
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
    while let Some(page) = pages.next().await? {
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

/// Reads everything that is marked, at half of the pace that we allow ourselves.
async fn read_marked(sweeper: &Sweeper, acting: &Acting, began: Timestamp) -> Result<u64, SweepError> {
    let mut read = 0;
    let mut failed_in_a_row = 0;
    let mut leisure = Leisure::new();
    loop {
        // Intercom tells its time in whole seconds: an answer may set the clock back behind the marks.
        let now = sweeper.standpoint.now().max(began);
        let ids = sweeper.store.to_fetch(&acting.app_id, now, READ_AT_ONCE).await?;
        if ids.is_empty() {
            return Ok(read);
        }
        tell_progress(sweeper, acting, read).await?;
        for id in ids {
            leisure.wait(sweeper.intercom.cap() / 2).await;
            match sweeper.read_or_note(&acting.app_id, &id).await? {
                Some(error) if error.class() == Class::Ambiguous && failed_in_a_row + 1 == GIVE_UP_AFTER => {
                    return Err(error.into());
                }
                Some(error) if error.class() == Class::Ambiguous => failed_in_a_row += 1,
                _ => failed_in_a_row = 0,
            }
            read += 1;
        }
    }
}

async fn tell_progress(sweeper: &Sweeper, acting: &Acting, read: u64) -> Result<(), StoreError> {
    let left = sweeper.store.count_to_fetch(&acting.app_id).await?;
    sweeper.board.set_to_read(left, sweeper.standpoint.clock().elapsed());
    if read > 0 {
        tracing::info!(read, left, "reading conversations");
    }
    Ok(())
}

/// Leaves half of our request cap to the sweep.
struct Leisure {
    began: Instant,
    used: u32,
}

impl Leisure {
    const SPAN: Duration = Duration::from_secs(10);

    fn new() -> Leisure {
        Leisure { began: Instant::now(), used: 0 }
    }

    /// Waits until another request is within `allowed` in ten seconds; at least one always is.
    async fn wait(&mut self, allowed: u32) {
        if self.used >= allowed.max(1) {
            tokio::time::sleep_until(self.began + Self::SPAN).await;
        }
        if self.began.elapsed() >= Self::SPAN {
            *self = Leisure::new();
        }
        self.used += 1;
    }
}
