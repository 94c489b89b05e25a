//! May anything be done now, and how much.
//!
//! Owns: the conditions under which the daemon acts at all, the budgets, and when a rule stops by itself. Refuses:
//! knowing any rule. What is not certain stops acting; recording goes on.

mod breaker;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::board::Board;
use crate::engine::rule::StepKind;
use crate::engine::why::span;
use crate::intercom::Intercom;
use crate::sabotage::{Bug, planted};
use crate::standpoint::Standpoint;
use crate::store::{BUDGET_WINDOW, Store, StoreError};

pub use self::breaker::{JUDGED_CLOSES, REOPENED_WITHIN, Reopenings, Share};

/// Local clock and Intercom's may differ by this much.
pub(crate) const LARGEST_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Why nothing is done at present.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// An operator has paused everything.
    #[error("paused; `autoclosed resume` lets it act again")]
    Paused,
    /// Another daemon acts on the same database.
    #[error(
        "standing by: another autoclosed acts on this database; this one records, and takes over when that one ends"
    )]
    StandsBy,
    /// Intercom has not answered since the start.
    #[error("Intercom has not answered yet")]
    NoAnswerYet,
    /// So many calls have failed that nothing is sent for a while.
    #[error("Intercom is in trouble; one request now and then finds out when that is over")]
    Trouble,
    /// Intercom refuses the token, the plan or the admin.
    #[error("Intercom refuses the access token, the plan or the teammate that acts")]
    Refused,
    /// The workspace or admin is not known, or is not the configured one.
    #[error("{0}")]
    Identity(String),
    /// The admin has left, or may not work in the inbox.
    #[error("{0}")]
    Admin(String),
    /// The rules name what the workspace does not have.
    #[error("{0}")]
    Names(String),
    /// The clocks are too far apart.
    #[error("the local clock is {0} away from Intercom's; set it right")]
    Skew(String),
    /// The database is damaged.
    #[error("the database is damaged ({0}); stop, keep the file, and restore a backup")]
    Damaged(String),
    /// The workspace was not looked at completely since the start.
    #[error("the workspace has not been looked at completely since the start")]
    NotLookedYet,
}

/// Whom the daemon acts as, and where.
#[derive(Debug, Clone)]
pub struct Acting {
    /// The workspace.
    pub app_id: Arc<str>,
    /// The admin.
    pub admin_id: Arc<str>,
}

/// Whether anything may be done now.
pub fn may_act(board: &Board, standpoint: &Standpoint, intercom: &Intercom) -> Result<Acting, Blocked> {
    let Some(intercom_now) = intercom.intercom_now() else { return Err(Blocked::NoAnswerYet) };
    if board.refused().is_some() {
        return Err(Blocked::Refused);
    }
    let skew = standpoint.clock().now().duration_since(intercom_now).abs();
    if skew > LARGEST_SKEW && !planted(Bug::GoesByTheLocalClock) {
        return Err(Blocked::Skew(span(skew)));
    }
    if let Some(mismatch) = board.mismatch() {
        return Err(Blocked::Identity(mismatch));
    }
    let identity = standpoint.identity();
    let (Some(app_id), Some(admin_id)) = (identity.app_id, identity.admin_id) else {
        return Err(Blocked::Identity("the workspace and the teammate that acts are not known yet".into()));
    };
    if let Some(unfit) = board.unfit() {
        return Err(Blocked::Admin(unfit));
    }
    if let Some(unclear) = board.unclear_names() {
        return Err(Blocked::Names(unclear));
    }
    if !board.looked() && !planted(Bug::ActsBeforeItHasLooked) {
        return Err(Blocked::NotLookedYet);
    }
    if intercom.trouble().is_some() {
        return Err(Blocked::Trouble);
    }
    Ok(Acting { app_id, admin_id })
}

/// How much may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Deeds in one sweep.
    pub actions_per_sweep: u32,
    /// Closes in any hour.
    pub closes_per_hour: u32,
    /// Messages to contacts in any hour, closing texts included.
    pub messages_per_hour: u32,
    /// What is first within reach longer than this after it was due waits for an operator.
    pub lateness: SignedDuration,
    /// More than this due at once, and all of it waits for an operator.
    pub due_at_once: u32,
}

/// How late a step is, if that is more than `allowed`. What it waited since it was within reach last counts, or since it
/// was due; and not the time for which its rule's hours were `closed` at last. What is within reach all along is looked
/// at every few minutes at least.
pub fn lateness(
    due_at: Timestamp,
    able_until: Option<Timestamp>,
    closed: impl FnOnce(Timestamp) -> SignedDuration,
    now: Timestamp,
    allowed: SignedDuration,
) -> Option<SignedDuration> {
    const WITHIN_REACH: SignedDuration = SignedDuration::from_mins(15);
    let since = able_until.map_or(due_at, |until| until.max(due_at));
    let allowed = if able_until.is_some() { allowed.max(WITHIN_REACH) } else { allowed };
    let waited = now.duration_since(since);
    if waited <= allowed {
        return None;
    }
    let late = waited.saturating_sub(closed(since));
    (late > allowed).then_some(late)
}

/// That in words.
pub fn said_late(late: SignedDuration, allowed: SignedDuration) -> String {
    format!("{} late; [safety] max_lateness allows {}", span(late), span(allowed))
}

/// What is left of the budgets in one sweep. The hour is counted from the database, so a restart refills nothing.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    actions: u32,
    closes: u32,
    messages: u32,
    /// When the hourly budgets begin to grow again.
    pub grows_at: Option<Timestamp>,
    /// Of those let go from the backlog.
    released: Option<u32>,
    waiting: i64,
}

/// Which budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Spent {
    /// This sweep's; the next one follows shortly.
    #[error("this sweep has done enough")]
    Sweep,
    /// The hour's closes.
    #[error("the closes of this hour are used up ([safety] max_closes_per_hour)")]
    Closes,
    /// The hour's messages.
    #[error("the messages of this hour are used up ([safety] max_messages_per_hour)")]
    Messages,
    /// As many as may be in an hour of those let go from the backlog.
    #[error("what may be let go from the backlog in this hour is used up (`autoclosed backlog release --per-hour`)")]
    Released,
}

impl Budget {
    /// What is left at `now`.
    pub async fn read(store: &Store, limits: Limits, now: Timestamp) -> Result<Budget, StoreError> {
        let since = now - BUDGET_WINDOW;
        let since = if planted(Bug::BudgetIsForgotten) { now } else { since };
        let (closes, messages) = store.sent_since(since).await?;
        let oldest = store.oldest_sent_since(since).await?;
        Ok(Budget {
            actions: limits.actions_per_sweep,
            closes: limits.closes_per_hour.saturating_sub(closes),
            messages: limits.messages_per_hour.saturating_sub(messages),
            grows_at: oldest.map(|oldest| oldest + BUDGET_WINDOW),
            released: store.left_of_release(since).await?,
            waiting: 0,
        })
    }

    /// When one more that must wait for the hourly budgets is to come back: in the order in which they asked.
    pub fn come_back(&mut self, earliest: Timestamp) -> Timestamp {
        self.waiting += 1;
        self.grows_at.unwrap_or(earliest).max(earliest) + SignedDuration::from_millis(self.waiting)
    }

    /// Whether a deed of this kind is within the budgets.
    pub fn allows(&self, kind: StepKind, says_something: bool) -> Result<(), Spent> {
        if self.actions == 0 {
            return Err(Spent::Sweep);
        }
        if kind == StepKind::Close && self.closes == 0 {
            return Err(Spent::Closes);
        }
        if says_something && self.messages == 0 {
            return Err(Spent::Messages);
        }
        Ok(())
    }

    /// Whether one that was `released` from the backlog is within what may be in an hour.
    pub fn lets_go(&self, released: bool) -> Result<(), Spent> {
        if released && self.released == Some(0) { Err(Spent::Released) } else { Ok(()) }
    }

    /// Counts one that was `released`.
    pub fn let_go(&mut self, released: bool) {
        self.released = self.released.map(|left| left.saturating_sub(u32::from(released)));
    }

    /// Counts a deed.
    pub fn spend(&mut self, kind: StepKind, says_something: bool) {
        self.actions = self.actions.saturating_sub(1);
        if kind == StepKind::Close {
            self.closes = self.closes.saturating_sub(1);
        }
        if says_something {
            self.messages = self.messages.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
