//! What is woken: the sweep, the look at the workspace, the question who we are. Never two of the same at once.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Mutex;

use super::parts::fingerprint;
use crate::board::{Board, Run};
use crate::config::Config;
use crate::identity::{self, Expected};
use crate::reconcile::{self, Reconciled};
use crate::safety::{self, Acting, Blocked};
use crate::store::StoreError;
use crate::sweep::{Sweeper, Swept};
use crate::tally::Tally;

/// A look at the workspace that failed before the first one succeeded is tried again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// So many refusals of deeds in a row, for a reason that holds for all of them, and none is tried for a while.
const REFUSALS: u32 = 3;
/// That Intercom knows us again does not say that it lets us act: one deed is tried after this.
const ACT_AGAIN: Duration = Duration::from_hours(24);

/// What is woken: never two of the same at once.
#[derive(Debug)]
pub(super) struct Jobs {
    pub(super) sweeper: Sweeper,
    expected: Expected,
    probe: Duration,
    retention: SignedDuration,
    decided_by: String,
    tally: Arc<Tally>,
    pub(super) sweeping: Mutex<Refusals>,
    pub(super) looking: Mutex<LastLook>,
    asked_at: Mutex<Option<Duration>>,
}

#[derive(Debug, Default)]
pub(super) struct LastLook {
    failed_at: Option<Duration>,
}

/// Deeds that were refused one after the other, for a reason that holds for all of them.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    count: u32,
    last: Duration,
}

impl Refusals {
    fn rest(&self, now: Duration) -> bool {
        self.count >= REFUSALS && now.saturating_sub(self.last) < ACT_AGAIN
    }

    fn note(&mut self, board: &Board, now: Duration) {
        match board.refused_deed() {
            None => *self = Refusals::default(),
            Some(why) if board.refused().as_ref() == Some(&why) => {
                *self = Refusals { count: self.count.saturating_add(1), last: now };
            }
            Some(_) => {}
        }
    }
}

/// What became of a wish to sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sweeping {
    /// It ran.
    Ran(Swept),
    /// Nothing may be done at present.
    Blocked(Blocked),
    /// It ended early.
    Failed(String),
    /// The one before still runs.
    Busy,
}

/// However a look ends, it is no longer going on.
struct Progress<'a>(&'a Board);

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.0.look_ended();
    }
}

impl Jobs {
    pub(super) fn new(sweeper: Sweeper, expected: Expected, config: &Config, tally: Arc<Tally>) -> Jobs {
        Jobs {
            sweeper,
            expected,
            probe: config.intercom.probe,
            retention: config.database.retention,
            decided_by: fingerprint(config),
            tally,
            sweeping: Mutex::new(Refusals::default()),
            looking: Mutex::new(LastLook::default()),
            asked_at: Mutex::new(None),
        }
    }

    /// What the schedule wakes: finds out who we are if that is open, looks if nobody has yet, and sweeps.
    pub(super) async fn tick(&self) {
        if !self.sweeper.board.looked() && self.may_look_again() {
            drop(self.look().await);
        }
        self.ask_if_refused().await;
        match self.sweep().await {
            Sweeping::Busy => self.tally.skipped_sweep(),
            Sweeping::Blocked(why) => tracing::debug!(why = %why, "nothing is done"),
            Sweeping::Ran(_) | Sweeping::Failed(_) => {}
        }
    }

    pub(super) async fn sweep(&self) -> Sweeping {
        let Ok(mut refusals) = self.sweeping.try_lock() else { return Sweeping::Busy };
        let sweeper = &self.sweeper;
        let acting = match self.may_act(&refusals) {
            Ok(acting) => acting,
            Err(why) => {
                self.note_sweep(Err(format!("nothing is done: {why}")));
                return Sweeping::Blocked(why);
            }
        };
        let swept = sweeper.sweep(&acting).await;
        refusals.note(&sweeper.board, sweeper.standpoint.clock().elapsed());
        match swept {
            Ok(swept) => {
                self.note_sweep(Ok(format!(
                    "{} done, {} ended otherwise, {} waiting",
                    swept.done, swept.other, swept.waiting
                )));
                Sweeping::Ran(swept)
            }
            Err(error) => {
                tracing::warn!(error = %error, "the sweep ended early; what it had not reached stays due");
                self.note_sweep(Err(error.to_string()));
                Sweeping::Failed(error.to_string())
            }
        }
    }

    fn may_act(&self, refusals: &Refusals) -> Result<Acting, Blocked> {
        let sweeper = &self.sweeper;
        let acting = safety::may_act(&sweeper.board, &sweeper.standpoint, &sweeper.intercom)?;
        if refusals.rest(sweeper.standpoint.clock().elapsed()) { Err(Blocked::Refused) } else { Ok(acting) }
    }

    pub(super) async fn look(&self) -> Result<Reconciled, String> {
        let Ok(mut last) = self.looking.try_lock() else {
            return Err("a look at the workspace is going on already".into());
        };
        let progress = Progress(&self.sweeper.board);
        let result = self.look_now().await;
        drop(progress);
        last.failed_at = result.is_err().then(|| self.sweeper.standpoint.clock().elapsed());
        let told = match &result {
            Ok(found) => Ok(format!("{} listed, {} read", found.listed, found.changed)),
            Err(why) => Err(why.clone()),
        };
        self.sweeper.board.reconciled(self.run(told));
        if let Err(why) = &result {
            tracing::warn!(error = %why, "the look at the workspace failed; trying again");
        }
        result
    }

    async fn look_now(&self) -> Result<Reconciled, String> {
        self.ask().await?;
        let sweeper = &self.sweeper;
        if let Some(mismatch) = sweeper.board.mismatch() {
            return Err(mismatch);
        }
        let identity = sweeper.standpoint.identity();
        let (Some(app_id), Some(admin_id)) = (identity.app_id, identity.admin_id) else {
            return Err("Intercom did not say whose token it is; set [intercom] app_id and admin_id".into());
        };
        self.reschedule_if_changed().await.map_err(|error| error.to_string())?;
        let found = reconcile::reconcile(sweeper, &Acting { app_id, admin_id }).await;
        found.map_err(|error| error.to_string())
    }

    pub(super) async fn look_and_tidy(&self) {
        drop(self.look().await);
        let before = self.sweeper.standpoint.clock().now() - self.retention;
        match self.sweeper.store.prune(before).await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "forgot old notification ids and bodies"),
            Err(error) => tracing::warn!(error = %error, "old notification ids could not be forgotten"),
        }
    }

    /// `due_at` is a cache of the decision: when what it depends on has changed, every conversation is decided on
    /// again before anything is done. Notifications are recorded meanwhile.
    async fn reschedule_if_changed(&self) -> Result<(), StoreError> {
        let store = &self.sweeper.store;
        if store.setting("decided_by").await?.as_deref() == Some(&self.decided_by) {
            return Ok(());
        }
        let count = store.reschedule_all(&self.sweeper.standpoint.context()).await?;
        store.set_setting("decided_by", &self.decided_by).await?;
        tracing::info!(conversations = count, "decided on every conversation, as rules, mode or version have changed");
        Ok(())
    }

    /// Whether a look may be tried: none is going on, and none failed just now.
    fn may_look_again(&self) -> bool {
        let Ok(last) = self.looking.try_lock() else { return false };
        let now = self.sweeper.standpoint.clock().elapsed();
        let board = &self.sweeper.board;
        let shut_out = board.refused().is_some() || board.mismatch().is_some();
        let pause = if shut_out { self.probe } else { LOOK_AGAIN };
        last.failed_at.is_none_or(|failed| now.saturating_sub(failed) >= pause)
    }

    /// Asks Intercom again, every `probe`, whether it lets us in.
    async fn ask_if_refused(&self) {
        let board = &self.sweeper.board;
        if board.refused().is_none() && board.mismatch().is_none() {
            return;
        }
        let now = self.sweeper.standpoint.clock().elapsed();
        let asked_at = *self.asked_at.lock().await;
        if asked_at.is_none_or(|asked| now.saturating_sub(asked) >= self.probe)
            && let Err(why) = self.ask().await
        {
            tracing::warn!(error = %why, "Intercom still refuses us");
        }
    }

    async fn ask(&self) -> Result<(), String> {
        let sweeper = &self.sweeper;
        *self.asked_at.lock().await = Some(sweeper.standpoint.clock().elapsed());
        let asked =
            identity::ask(&sweeper.intercom, &sweeper.store, &sweeper.standpoint, &sweeper.board, &self.expected).await;
        asked.map_err(|error| error.to_string())
    }

    fn note_sweep(&self, result: Result<String, String>) {
        self.sweeper.board.swept(self.run(result));
    }

    fn run(&self, result: Result<String, String>) -> Run {
        let clock = self.sweeper.standpoint.clock();
        Run { at: clock.now(), elapsed: clock.elapsed(), result }
    }
}
