//! What is woken: the sweep and the look at the workspace; the question who we are is in `daemon/asking.rs`. Never two
//! of the same at once.

use std::sync::{Mutex as Note, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::asking::Asking;
use crate::board::{Board, Run};
use crate::config::Config;
use crate::identity::{Expected, IdentityError};
use crate::intercom::error::IntercomError;
use crate::reconcile::{self, Extent, Reconciled};
use crate::safety::{self, Acting, Blocked};
use crate::store::StoreError;
use crate::sweep::{Settings, SweepError, Sweeper, Swept};
use crate::tally::Job;

/// A look at the workspace that failed before the first one succeeded is tried again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// So many refusals of deeds in a row, for a reason that holds for all of them, and none is tried for a while.
const REFUSALS: u32 = 3;
/// That Intercom knows us again does not say that it lets us act: one deed is tried after this.
const ACT_AGAIN: Duration = Duration::from_hours(24);

/// How often it is asked whether an operator has said something. That nothing is sent against his word needs no asking:
/// whoever sends looks in the same statement.
const HEED: Duration = Duration::from_millis(500);

/// Seen ids tell a repeat, and health counts what was missed in the last hour: for so long they stay, however short
/// `retention` is.
const IDS_STAY: SignedDuration = SignedDuration::from_hours(2);

/// Signs of life are written down so often.
const LIFE: SignedDuration = SignedDuration::from_mins(1);

/// Under this name the database remembers the rules that every `due_at` follows from.
pub(crate) const DECIDED_BY: &str = "decided_by";

/// What is woken: never two of the same at once.
#[derive(Debug)]
pub(super) struct Jobs {
    pub(super) sweeper: Sweeper,
    pub(super) expected: Expected,
    pub(super) probe: Duration,
    retention: SignedDuration,
    /// Since when it is up to us to listen and to act, on the boot-time clock.
    began: Note<Duration>,
    pub(super) sweeping: Mutex<Sweeps>,
    pub(super) looking: Mutex<LastLook>,
    pub(super) asking: Mutex<Asking>,
    /// Held while the rules are replaced, and while everything is decided on again.
    pub(super) deciding: Mutex<()>,
}

/// What a sweep needs to itself. Whoever wants to change it waits for the sweep to end.
#[derive(Debug)]
pub(super) struct Sweeps {
    pub(super) refusals: Refusals,
    pub(super) settings: Settings,
}

#[derive(Debug, Default)]
pub(super) struct LastLook {
    failed_at: Option<Duration>,
    /// It failed as Intercom was in trouble.
    in_trouble: bool,
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

/// Why a look at the workspace did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// Intercom did not say who we are.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// We are somebody else than configured or remembered.
    #[error("{0}")]
    Mismatch(String),
    /// Intercom said too little.
    #[error("Intercom did not say whose token it is; set [intercom] app_id and admin_id")]
    Nobody,
    /// Intercom did not answer as it should, or the database failed.
    #[error(transparent)]
    Look(#[from] SweepError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LookError {
    /// What Intercom had to do with it.
    pub fn of_intercom(&self) -> Option<&IntercomError> {
        match self {
            LookError::Identity(IdentityError::Intercom(error)) | LookError::Look(SweepError::Intercom(error)) => {
                Some(error)
            }
            _ => None,
        }
    }
}

/// However a look ends, it is no longer going on.
struct Progress<'a>(&'a Board);

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.0.look_ended();
    }
}

impl Jobs {
    pub(super) fn new(sweeper: Sweeper, expected: Expected, config: &Config) -> Jobs {
        let began = Note::new(sweeper.standpoint.clock().elapsed());
        let sweeps = Sweeps { refusals: Refusals::default(), settings: sweeper.settings.clone() };
        Jobs {
            sweeper,
            expected,
            probe: config.intercom.probe,
            retention: config.database.retention,
            began,
            sweeping: Mutex::new(sweeps),
            looking: Mutex::default(),
            asking: Mutex::default(),
            deciding: Mutex::default(),
        }
    }

    /// What the schedule wakes: finds out who we are if that is open, looks if nobody has yet, and sweeps.
    pub(super) async fn tick(&self) {
        if self.stands_by().await {
            self.sweeper.board.unless_it_stops(self.ask_while_standing_by()).await;
            self.sweep().await;
            return;
        }
        self.note_life(LIFE).await;
        if !self.sweeper.board.looked() && self.may_look_again() {
            drop(self.look().await);
        }
        let Some(()) = self.sweeper.board.unless_it_stops(self.ask_if_refused()).await else { return };
        match self.sweep().await {
            Sweeping::Busy => self.sweeper.tally.skipped_sweep(),
            Sweeping::Blocked(why) => tracing::debug!(why = %why, "nothing is done"),
            Sweeping::Ran(_) | Sweeping::Failed(_) => {}
        }
        if self.sweeper.intercom.trouble().is_none() && self.look_failed_in_trouble() && self.may_look_again() {
            drop(self.look().await);
        }
    }

    /// Sweeps at once whenever an operator has said something: what was resumed or released goes on.
    pub(super) async fn heed_the_operator(&self, shutdown: CancellationToken) {
        let mut heard = None;
        loop {
            match self.sweeper.store.operator_turn().await {
                Ok(turn) if heard.replace(turn).is_some_and(|before| before != turn) => {
                    tracing::info!("an operator's word was heard: {}", self.paused().await);
                    self.tick().await;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(error = %error, "whether an operator has said something is not known"),
            }
            if tokio::time::timeout(HEED, shutdown.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    async fn paused(&self) -> String {
        match self.sweeper.store.pauses().await {
            Ok(pauses) if pauses.all.is_some() => "everything is paused".into(),
            Ok(pauses) if pauses.rules.is_empty() && pauses.tripped.is_empty() => "nothing is paused".into(),
            Ok(pauses) => {
                let named = pauses.rules.keys().map(|rule| format!("`{rule}` paused"));
                let rules: Vec<_> =
                    named.chain(pauses.tripped.keys().map(|rule| format!("`{rule}` tripped"))).collect();
                format!("by name: {}", rules.join(", "))
            }
            Err(error) => error.to_string(),
        }
    }

    /// What happens after the last sign of life, and before the next start, no webhook can have told us.
    pub(super) async fn note_life(&self, rest: SignedDuration) {
        if let Err(error) = self.sweeper.store.listens(self.sweeper.standpoint.now(), rest).await {
            tracing::warn!(error = %error, "that the daemon lives could not be written down");
        }
    }

    pub(super) fn begins_now(&self) {
        *self.began.lock().unwrap_or_else(PoisonError::into_inner) = self.sweeper.standpoint.clock().elapsed();
    }

    /// Before the first answer, only the local clock could tell since when somebody listens.
    async fn note_beginning(&self) -> Result<(), StoreError> {
        let Sweeper { intercom, standpoint, store, board, .. } = &self.sweeper;
        let Some(now) = intercom.intercom_now().filter(|_| !board.looked()) else { return Ok(()) };
        let began = *self.began.lock().unwrap_or_else(PoisonError::into_inner);
        let up = standpoint.clock().elapsed().saturating_sub(began);
        // Intercom's clock shows whole seconds: up to one more has passed.
        let up = SignedDuration::try_from(up).unwrap_or_default() - SignedDuration::from_secs(1);
        store.began_to_listen(now - up, standpoint.now()).await
    }

    pub(super) async fn sweep(&self) -> Sweeping {
        let Ok(mut sweeps) = self.sweeping.try_lock() else { return Sweeping::Busy };
        let going = self.sweeper.board.pulse().begins(Instant::now());
        let swept = self.sweep_if_allowed(&mut sweeps).await;
        going.ends(Instant::now());
        swept
    }

    async fn sweep_if_allowed(&self, sweeps: &mut Sweeps) -> Sweeping {
        match self.has_its_turn().await {
            Ok(true) => {}
            Ok(false) => {
                self.note_sweep(Ok(Blocked::StandsBy.to_string()));
                return Sweeping::Blocked(Blocked::StandsBy);
            }
            Err(error) => {
                self.sweeper.store.heed(&error);
                self.note_sweep(Err(format!("nothing is done: {error}")));
                return Sweeping::Failed(error.to_string());
            }
        }
        let sweeper = Sweeper { settings: sweeps.settings.clone(), ..self.sweeper.clone() };
        sweeper.board.unless_it_stops(self.ask_if_in_trouble()).await;
        let acting = match self.may_act(&sweeps.refusals).await {
            Ok(Ok(acting)) => acting,
            Ok(Err(Blocked::Paused)) => {
                self.note_sweep(Ok("nothing is done while paused".into()));
                return Sweeping::Blocked(Blocked::Paused);
            }
            Ok(Err(why)) => {
                self.note_sweep(Err(format!("nothing is done: {why}")));
                return Sweeping::Blocked(why);
            }
            Err(error) => {
                self.sweeper.store.heed(&error);
                self.note_sweep(Err(format!("nothing is done: {error}")));
                return Sweeping::Failed(error.to_string());
            }
        };
        let began = sweeper.standpoint.clock().elapsed();
        let swept = match sweeper.board.unless_it_stops(self.reschedule_if_changed()).await {
            Some(Ok(())) => sweeper.sweep(&acting).await,
            Some(Err(error)) => Err(error.into()),
            None => return Sweeping::Failed("the daemon stops".into()),
        };
        self.note_run(Job::Sweep, began, swept.is_ok());
        self.heed_damage(swept.as_ref().err());
        if let (Err(SweepError::Store(StoreError::Superseded)), Some(tenure)) = (&swept, &self.sweeper.tenure) {
            tenure.doubt().await;
        }
        sweeps.refusals.note(&sweeper.board, sweeper.standpoint.clock().elapsed());
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

    /// That everything is paused is told only where nothing worse keeps us from acting.
    async fn may_act(&self, refusals: &Refusals) -> Result<Result<Acting, Blocked>, StoreError> {
        if let Some(damaged) = self.damaged() {
            return Ok(Err(damaged));
        }
        let sweeper = &self.sweeper;
        let paused = sweeper.store.pauses().await?.all.is_some();
        let may = safety::may_act(&sweeper.board, &sweeper.standpoint, &sweeper.intercom);
        Ok(match may {
            Ok(_) if refusals.rest(sweeper.standpoint.clock().elapsed()) => Err(Blocked::Refused),
            Ok(_) if paused => Err(Blocked::Paused),
            may => may,
        })
    }

    pub(super) async fn look(&self) -> Result<Reconciled, String> {
        let Ok(mut last) = self.looking.try_lock() else {
            return Err("a look at the workspace is going on already".into());
        };
        if self.stands_by().await {
            return Err(Blocked::StandsBy.to_string());
        }
        self.note_life(LIFE).await;
        let progress = Progress(&self.sweeper.board);
        let began = self.sweeper.standpoint.clock().elapsed();
        let Some(looked) = self.sweeper.board.unless_it_stops(self.look_now()).await else {
            tracing::info!("the look at the workspace ends early, as the daemon stops; the next start goes on with it");
            return Err("the daemon stops".into());
        };
        self.heed_damage(looked.as_ref().err().and_then(LookError::of_looking));
        let result = looked.map_err(|error| error.to_string());
        self.note_run(Job::Reconcile, began, result.is_ok());
        drop(progress);
        last.in_trouble = result.is_err() && self.sweeper.intercom.trouble().is_some();
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

    async fn look_now(&self) -> Result<Reconciled, LookError> {
        let acting = self.introduce().await?;
        self.note_beginning().await?;
        self.look_up_names().await?;
        self.reschedule_if_changed().await?;
        Ok(reconcile::reconcile(&self.sweeper, &acting, Extent::News).await?)
    }

    /// Asks Intercom who we are; whoever is somebody else does not look.
    pub(super) async fn introduce(&self) -> Result<Acting, LookError> {
        self.ask().await?;
        if let Some(mismatch) = self.sweeper.board.mismatch() {
            return Err(LookError::Mismatch(mismatch));
        }
        let identity = self.sweeper.standpoint.identity();
        let (Some(app_id), Some(admin_id)) = (identity.app_id, identity.admin_id) else {
            return Err(LookError::Nobody);
        };
        Ok(Acting { app_id, admin_id })
    }

    pub(super) async fn look_and_tidy(&self) {
        drop(self.look().await);
        if !self.sweeper.board.stands_by() {
            self.tidy().await;
        }
    }

    pub(super) async fn tidy(&self) {
        match self.forget().await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "forgot old notification ids and bodies"),
            Err(error) => tracing::warn!(error = %error, "old notification ids could not be forgotten"),
        }
    }

    async fn forget(&self) -> Result<u64, StoreError> {
        let Sweeper { intercom, store, standpoint, board, tally, .. } = &self.sweeper;
        // One clock alone may be years ahead, and all would be forgotten that was ever acknowledged.
        let Some(now) = intercom.intercom_now().map(|_| standpoint.now()) else { return Ok(0) };
        let (before, ids_before) = (now - self.retention, now - self.retention.max(IDS_STAY));
        let app_id = standpoint.identity().app_id.unwrap_or_default();
        let missed = store.missed_before(ids_before, &app_id, board.tolerance().grace).await?;
        let gone = store.prune(before, ids_before).await?;
        tally.forgot_missed(missed);
        Ok(gone)
    }

    /// `due_at` is a cache of the decision: when what it depends on has changed, every conversation is decided on
    /// again before anything is done. Notifications are recorded meanwhile. Our workspace must be known.
    pub(super) async fn reschedule_if_changed(&self) -> Result<(), StoreError> {
        let _deciding = self.deciding.lock().await;
        let (store, standpoint) = (&self.sweeper.store, &self.sweeper.standpoint);
        let edition = standpoint.rulebook().current();
        if store.setting(DECIDED_BY).await?.as_deref() == Some(edition.fingerprint()) {
            return Ok(());
        }
        let pulse = self.sweeper.board.pulse();
        let count = store.reschedule_all(&standpoint.context(), || pulse.sign(Instant::now())).await?;
        store.set_setting(DECIDED_BY, edition.fingerprint()).await?;
        tracing::info!(conversations = count, "decided on every conversation, as rules, mode or version have changed");
        Ok(())
    }

    /// The schedule may be long: what an outage kept from being looked at is looked at when that is over.
    fn look_failed_in_trouble(&self) -> bool {
        self.looking.try_lock().is_ok_and(|last| last.in_trouble)
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

    fn note_sweep(&self, result: Result<String, String>) {
        self.sweeper.board.swept(self.run(result));
    }

    fn note_run(&self, job: Job, began: Duration, well: bool) {
        let clock = self.sweeper.standpoint.clock();
        self.sweeper.tally.ran(job, clock.elapsed().saturating_sub(began), well.then(|| clock.now()));
    }

    fn run(&self, result: Result<String, String>) -> Run {
        let clock = self.sweeper.standpoint.clock();
        Run { at: clock.now(), elapsed: clock.elapsed(), result }
    }
}
