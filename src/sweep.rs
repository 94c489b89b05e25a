//! One pass over what is due: ask Intercom again, decide again, act, write down what came of it.
//!
//! Owns: the order of things in which no step can be lost or done twice. Refuses: rules of its own; it does what
//! [`decide()`](crate::engine::decide()) says on facts fetched just before, or nothing. Two sweeps never run at once.

mod act;
mod aftermath;
mod follow;
mod grant;
mod judge;
mod read;
mod send;
mod surge;
mod undo;
mod write;

pub use self::undo::TakenBack;

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::board::Board;
use crate::intercom::Intercom;
use crate::intercom::error::{Class, IntercomError};
use crate::sabotage::{Bug, Point, planted, reached};
use crate::safety::{Acting, Budget, Limits, Share};
use crate::standpoint::Standpoint;
use crate::store::{Claimed, Context, Inputs, Outcome, Settled, Store, StoreError};
use crate::tally::Tally;
use crate::tenure::Tenure;

/// Conversations looked at in one sweep for each deed that it may do; the others only need a new date.
const LOOKS_PER_ACTION: u32 = 4;
/// Attempts looked after in one sweep.
const PENDING_AT_ONCE: u32 = 30;
/// What the database holds of it cannot be read: it rests that long.
const DAMAGED_RESTS: SignedDuration = SignedDuration::from_hours(1);
/// Conversations read in one sweep because something about them was unclear.
const READS_AT_ONCE: u32 = 30;
/// Definite refusals after which something has failed for good.
const REFUSALS: u32 = 3;
/// What did not succeed after a deed is tried again after this.
const FOLLOW_AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// What was read longer ago than this is no ground for a deed.
const FRESH: Duration = Duration::from_secs(2);

/// What a sweep works with.
#[derive(Debug, Clone)]
pub struct Sweeper {
    /// The database.
    pub store: Store,
    /// Intercom.
    pub intercom: Intercom,
    /// Who we are, and what time it is.
    pub standpoint: Standpoint,
    /// What the parts tell of themselves.
    pub board: Arc<Board>,
    /// What is counted.
    pub tally: Arc<Tally>,
    /// How the daemon is configured, for as long as a sweep lasts.
    pub settings: Settings,
    /// The lease under which it acts. A command has none: it does nothing that two could do twice.
    pub tenure: Option<Tenure>,
}

/// What of the configuration a sweep needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Nothing is sent that changes anything.
    pub dry_run: bool,
    /// The budgets.
    pub limits: Limits,
    /// A rule stops by itself when contacts reopen this share of its last closes.
    pub trip_reopen_rate: Share,
    /// How long a lost answer rests before the conversation is looked at.
    pub unclear_quiet: SignedDuration,
    /// How long it may be between two sweeps, by the schedule.
    pub gap: SignedDuration,
    /// Zone of dates in messages.
    pub timezone: TimeZone,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Deeds done, or in dry-run decided.
    pub done: u32,
    /// Attempts that ended otherwise.
    pub other: u32,
    /// Conversations that were due and had nothing to do yet.
    pub waiting: u32,
}

impl Swept {
    fn count(&mut self, outcome: &str) {
        match outcome {
            "done" | "raced" | "dry_run" => self.done += 1,
            _ => self.other += 1,
        }
    }
}

/// Why a sweep ended early. What it had not reached stays due.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An operator has had the conversation forgotten meanwhile.
    #[error("the conversation was forgotten meanwhile")]
    Forgotten,
    /// Intercom does not answer as it should; the next conversation would fare no better.
    #[error(transparent)]
    Intercom(#[from] IntercomError),
}

impl Sweeper {
    /// One pass. Call it only when [`may_act`](crate::safety::may_act) allows, and never twice at the same time.
    pub async fn sweep(&self, acting: &Acting) -> Result<Swept, SweepError> {
        let mut swept = Swept::default();
        self.judge_rules(acting).await?;
        self.let_go_of_what_was_claimed(acting).await?;
        if !planted(Bug::NeverLooksIntoLostAnswers) {
            self.look_into_unclear(acting, &mut swept).await?;
        }
        if !planted(Bug::ForgetsWhatFollows) {
            self.follow_up(acting, None).await?;
        }
        self.read_what_is_unclear(acting).await?;
        self.act_on_what_is_due(acting, &mut swept).await?;
        Ok(swept)
    }

    async fn act_on_what_is_due(&self, acting: &Acting, swept: &mut Swept) -> Result<(), SweepError> {
        let limit = self.settings.limits.actions_per_sweep.saturating_mul(LOOKS_PER_ACTION).max(1);
        // What comes due or may act only while it is gone through was not counted.
        let (now, counted, edition) =
            (self.standpoint.now(), self.store.pauses().await?, self.standpoint.rulebook().current());
        if !self.has_dealt_with_surges(acting, &counted).await? {
            tracing::info!("what came due all at once is still gone through; the next sweep goes on");
            return Ok(());
        }
        let due = self.store.due(&acting.app_id, now, limit).await?;
        if due.is_empty() {
            return Ok(());
        }
        let mut budget = Budget::read(&self.store, self.settings.limits, now).await?;
        for id in due {
            self.sign_of_life();
            if self.board.stops() {
                tracing::info!("the sweep ends early, as the daemon stops; what it had not reached stays due");
                break;
            }
            if self.board.reload_waits() {
                tracing::info!(
                    "the sweep ends early, as the configuration is reloaded; what it had not reached stays due"
                );
                break;
            }
            let pauses = self.store.pauses().await?;
            if pauses.all.is_some() {
                tracing::info!("the sweep ends early, as everything was paused; what it had not reached stays due");
                break;
            }
            if pauses.let_act_again(&counted) || *self.standpoint.rulebook().current() != *edition {
                tracing::info!(
                    "the sweep ends early, as rules were resumed or mean something else; the next one counts"
                );
                break;
            }
            reached(Point::Picked).await;
            match self.act_on(&id, acting, &pauses, &mut budget, swept).await {
                Ok(act::Next::Go) | Err(SweepError::Forgotten) => {}
                Ok(act::Next::Stop) => break,
                Err(SweepError::Store(StoreError::Odd(what))) => {
                    self.note_damage(&what);
                    self.store.put_off(&acting.app_id, &id, now, now + DAMAGED_RESTS).await?;
                }
                Err(error) => return Err(error),
            }
            self.note_able(edition.fingerprint()).await?;
        }
        Ok(())
    }

    /// Between two of them lies one conversation at most.
    fn sign_of_life(&self) {
        self.board.pulse().sign(tokio::time::Instant::now());
    }

    /// Before it is written down that something leaves: waiting for Intercom's rate limit may have taken its time.
    async fn keep_the_lease(&self) -> Result<(), StoreError> {
        match &self.tenure {
            Some(tenure) => tenure.keep().await,
            None => Ok(()),
        }
    }

    /// Before something is sent that is not written down just then.
    async fn confirm_the_lease(&self) -> Result<(), StoreError> {
        match &self.tenure {
            Some(tenure) => tenure.confirm().await,
            None => Ok(()),
        }
    }

    /// Commits an outcome, and what the conversation comes to now; counts what is over with it.
    async fn commit(&self, claimed: Claimed, outcome: &Outcome, inputs: &Inputs) -> Result<Settled, StoreError> {
        let settled = self.store.settle(claimed, outcome, inputs, &self.context()).await?;
        reached(Point::Settled).await;
        if let Some(rule) = &settled.ended {
            self.tally.ended(rule, settled.outcome);
        }
        Ok(settled)
    }

    fn context(&self) -> Context {
        self.standpoint.context()
    }

    /// One damaged row must not stand in the way of the others; but health tells.
    fn note_damage(&self, what: &str) {
        tracing::error!(what, "the database holds something that cannot be read; it is left alone for an hour");
        self.board.count_damage();
    }

    /// Takes note of an error that ends all acting, and gives it on.
    pub(crate) fn noted(&self, error: IntercomError) -> SweepError {
        if error.class() == Class::AuthDead {
            tracing::error!(error = %error, "stopped acting; notifications are still recorded");
            self.board.set_refused(Some(error.to_string()));
        }
        error.into()
    }
}

/// Whether the next call to Intercom would fail just like this one.
fn is_general(class: Class) -> bool {
    matches!(class, Class::AuthDead | Class::NotSent | Class::RateLimited)
}
