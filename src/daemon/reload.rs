//! A changed configuration, put in force while everything runs.
//!
//! Owns: the order of things in which no due date is lost and nothing is done by half of a change. Refuses: reading files
//! and waiting for signals.

use tokio::time::Instant;

use super::Daemon;
use super::jobs::{DECIDED_BY, Jobs, Refusals};
use super::parts::{configured, edition, settings, tolerance, usable};
use crate::board::Board;
use crate::config::{Config, Secrets};
use crate::intercom::client::SetupError;
use crate::intercom::signature;
use crate::rulebook::Edition;
use crate::store::{Store, StoreError};

/// Why a changed configuration was not put in force: nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The database cannot take note of it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The access token cannot be used.
    #[error(transparent)]
    Client(#[from] SetupError),
}

impl Daemon {
    /// Puts a changed configuration and changed secrets in force: all of it at once, when the running sweep has ended,
    /// and before the next one begins. Tells which sections differ and wait for the next start.
    ///
    /// When it returns, every conversation was decided on again if the rules have changed; should that have failed, the
    /// next sweep does it first. A new access token is used when Intercom has said that it is ours, and until then
    /// nothing is done. It may be dropped at any moment.
    pub async fn reload(&self, config: &Config, secrets: &Secrets) -> Result<Vec<&'static str>, ReloadError> {
        let (config, waiting) = usable(&self.started_with, config);
        self.jobs.reload(&config, secrets, &self.client_secrets, told(&config, &waiting)).await?;
        Ok(waiting)
    }

    /// Takes note that a changed configuration cannot be used: health tells why, and everything stays as it was.
    pub fn reload_failed(&self, why: &str) {
        tracing::error!(why, "not reloaded; the old rules still hold");
        self.jobs.sweeper.board.set_misconfigured(format!("{why}; not reloaded, the old rules still hold"));
    }
}

fn told(config: &Config, waiting: &[&str]) -> String {
    let mut told = configured(config);
    if !waiting.is_empty() {
        told = format!("{told}; changed, but only from the next start on: {}", waiting.join(", "));
    }
    told
}

/// While it lives, the running sweep ends at the next conversation.
struct Waiting<'a>(&'a Board);

impl<'a> Waiting<'a> {
    fn on(board: &'a Board) -> Waiting<'a> {
        board.set_reload_waits(true);
        Waiting(board)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set_reload_waits(false);
    }
}

impl Jobs {
    async fn reload(
        &self,
        config: &Config,
        secrets: &Secrets,
        client_secrets: &signature::Secrets,
        told: String,
    ) -> Result<(), ReloadError> {
        let (intercom, board) = (&self.sweeper.intercom, &self.sweeper.board);
        let applicant = intercom.bearing(secrets.access_token.clone())?;
        let edition = edition(config, self.sweeper.standpoint.names());
        let waiting = Waiting::on(board);
        // Held to the end: no sweep runs with half of the change, or by due dates of the old rules.
        let mut sweeps = self.sweeping.lock().await;
        let going = board.pulse().begins(Instant::now());
        drop(waiting);
        let mut asking = self.asking.lock().await;
        let deciding = self.deciding.lock().await;
        unsettle(&self.sweeper.store, &edition).await?;
        // Nothing waits from here to the end of the change: it happens as a whole, even if we are dropped.
        intercom.lens().go_by(edition.rules());
        self.sweeper.standpoint.rulebook().replace(edition);
        sweeps.settings = settings(config);
        client_secrets.replace(&secrets.client_secrets);
        board.set_configured(told);
        board.set_tolerance(tolerance(config));
        board.set_limits(sweeps.settings.limits);
        let changed = !asking.applicant.as_ref().unwrap_or(intercom).has_token_of(&applicant);
        if changed {
            asking.applicant = Some(applicant);
            sweeps.refusals = Refusals::default();
            board.set_refused(Some("the access token was replaced; Intercom has not said yet whose it is".into()));
        }
        drop((asking, deciding));
        if changed && let Err(why) = self.ask().await {
            tracing::warn!(error = %why, "Intercom does not say whose the new access token is; nothing is done until it does");
        }
        // The rules hold by now. While nobody knows what their names mean, nothing is done, and they are asked for again.
        if let Err(error) = self.look_up_names().await {
            tracing::warn!(error = %error, "what the new rules name could not be written down");
            board.set_unclear_names(Some(format!("what the rules name could not be written down: {error}")));
        }
        self.reschedule_after_reload().await;
        going.ends(Instant::now());
        Ok(())
    }

    /// Where our workspace is not known yet, the first look does it; where it fails, the next sweep. Whoever stands by
    /// leaves it to the one that acts.
    async fn reschedule_after_reload(&self) {
        if self.sweeper.standpoint.identity().app_id.is_none() || self.sweeper.board.stands_by() {
            return;
        }
        if let Err(error) = self.reschedule_if_changed().await {
            tracing::warn!(error = %error, "not every conversation could be decided on by the new rules; trying again before anything is done");
        }
    }
}

/// To be called before other rules are put in force: from then on the database does not say that all due dates follow
/// from the old ones, so that they are found and computed again even if the old rules come back after a crash.
pub(super) async fn unsettle(store: &Store, edition: &Edition) -> Result<(), StoreError> {
    if store.setting(DECIDED_BY).await?.as_deref() != Some(edition.fingerprint()) {
        store.set_setting(DECIDED_BY, "").await?;
    }
    Ok(())
}
