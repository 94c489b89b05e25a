//! Taking closes back for an operator, beside a daemon that runs or without one.
//!
//! Owns: that it leaves nothing behind which a daemon would take for its own: no due dates by rules that the daemon has
//! not read. Refuses: saying which closes, and how fast.

use super::StartError;
use super::crew;
use super::jobs::{Jobs, LookError};
use super::parts::expected;
use super::reload::unsettle;
use crate::clock::Clock;
use crate::config::{Config, Secrets};
use crate::engine::rule::RuleName;
use crate::safety::Acting;
use crate::store::{Candidate, Store, StoreError};
use crate::sweep::{SweepError, TakenBack};

/// What it takes to take closes back.
#[derive(Debug)]
pub struct Undoer {
    jobs: Jobs,
}

impl Undoer {
    /// Asks with a client of its own.
    pub async fn new(config: &Config, secrets: &Secrets, store: Store, clock: Clock) -> Result<Undoer, StartError> {
        let sweeper = crew::sweeper(config, secrets, store, clock).await?;
        Ok(Undoer { jobs: Jobs::new(sweeper, expected(config), config) })
    }

    /// Asks Intercom who we are; as somebody else nothing is taken back.
    pub async fn introduce(&self) -> Result<Acting, LookError> {
        self.jobs.introduce().await
    }

    /// Takes one close of the rule back.
    pub async fn take_back(
        &self,
        rule: &RuleName,
        close: &Candidate,
        acting: &Acting,
    ) -> Result<TakenBack, SweepError> {
        self.jobs.sweeper.take_back(rule, close, acting).await
    }

    /// What that would come to. Nothing is changed.
    pub async fn would_take_back(&self, rule: &RuleName, close: &Candidate) -> Result<TakenBack, SweepError> {
        self.jobs.sweeper.would_take_back(rule, close).await
    }

    /// What was decided by other rules than a daemon's, the daemon decides on again before it does anything.
    pub async fn leave(&self) -> Result<(), StoreError> {
        let sweeper = &self.jobs.sweeper;
        unsettle(&sweeper.store, &sweeper.standpoint.rulebook().current()).await
    }
}
