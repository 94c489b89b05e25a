//! A look at the whole workspace from outside of a daemon, beside one that runs or without one.
//!
//! Owns: that such a look leaves nothing behind which a daemon would take for its own: no sign of life, and no due dates
//! by rules that the daemon has not read. Refuses: acting.

use super::StartError;
use super::crew;
use super::jobs::{Jobs, LookError};
use super::parts::expected;
use super::reload::unsettle;
use crate::clock::Clock;
use crate::config::{Config, Secrets};
use crate::reconcile::{self, Extent, Reconciled};
use crate::store::{Store, StoreError};

/// What it takes to look.
#[derive(Debug)]
pub struct Lookout {
    jobs: Jobs,
}

impl Lookout {
    /// Looks with a client of its own, and writes what it sees into `store`.
    pub async fn new(config: &Config, secrets: &Secrets, store: Store, clock: Clock) -> Result<Lookout, StartError> {
        let sweeper = crew::sweeper(config, secrets, store, clock).await?;
        Ok(Lookout { jobs: Jobs::new(sweeper, expected(config), config) })
    }

    /// Everything that is open or snoozed, and what else has changed since the last look.
    pub async fn look(&self) -> Result<Reconciled, LookError> {
        let acting = self.jobs.introduce().await?;
        self.jobs.look_up_names().await?;
        self.unsettle().await?;
        let found = reconcile::reconcile(&self.jobs.sweeper, &acting, Extent::Everything).await;
        // A daemon may have settled on its own rules meanwhile.
        self.unsettle().await?;
        Ok(found?)
    }

    /// How many conversations are still to be read, once that is known.
    pub fn to_read(&self) -> Option<i64> {
        self.jobs.sweeper.board.to_read().map(|(left, _)| left)
    }

    /// What was decided by other rules than a daemon's, the daemon decides on again before it does anything.
    async fn unsettle(&self) -> Result<(), StoreError> {
        let sweeper = &self.jobs.sweeper;
        unsettle(&sweeper.store, &sweeper.standpoint.rulebook().current()).await
    }
}
