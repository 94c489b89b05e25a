//! What the running parts tell about themselves, for health and for the question whether to act.
//!
//! Owns: the latest word of each part. Refuses: judging it; that is for `safety` and `health`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::pulse::Pulse;
use crate::safety::Limits;

/// Clones are not needed: it is shared behind an `Arc`.
#[derive(Debug, Default)]
pub struct Board {
    notes: Mutex<Notes>,
    pulse: Pulse,
    stops: CancellationToken,
}

#[derive(Debug, Default, Clone)]
struct Notes {
    refused: Option<String>,
    refused_deed: Option<String>,
    mismatch: Option<String>,
    since_start: SinceStart,
    sweep: Option<Run>,
    reconcile: Option<Run>,
    to_read: Option<(i64, Duration)>,
    unrestored: u64,
    damage: u64,
    configured: String,
    misconfigured: Option<String>,
    unclear_names: Option<String>,
    unfit: Option<String>,
    reload_waits: bool,
    stands_by: bool,
    tolerance: Tolerance,
    withheld: (u32, String),
    limits: Option<Limits>,
}

/// So many conversations that Intercom refused to show in a row, and there is more to it than one conversation.
const WITHHELD: u32 = 5;

/// What Intercom has let us find out since the start.
#[derive(Debug, Default, Clone, Copy)]
struct SinceStart {
    /// Who we are.
    identified: bool,
    /// A conversation.
    shown: bool,
    /// The whole workspace.
    looked: bool,
}

/// How many webhooks may be missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tolerance {
    /// A change older than this that no webhook told was missed.
    pub grace: SignedDuration,
    /// More in an hour are too many.
    pub most: u32,
}

/// The last run of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// When it ended, on the wall clock.
    pub at: Timestamp,
    /// When it ended, on the boot-time clock.
    pub elapsed: Duration,
    /// What it did, or why it failed.
    pub result: Result<String, String>,
}

impl Board {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The signs of life of the sweep.
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Why Intercom refuses us altogether, if it does.
    pub fn refused(&self) -> Option<String> {
        self.notes().refused.clone()
    }

    /// Notes that Intercom refuses us, or (`None`) does so no more.
    pub fn set_refused(&self, why: Option<String>) {
        self.notes().refused = why;
    }

    /// Why Intercom refuses our deeds altogether, though it may let us look.
    pub fn refused_deed(&self) -> Option<String> {
        self.notes().refused_deed.clone()
    }

    /// Notes that a deed was refused for a reason that holds for every other.
    pub fn deed_refused(&self, why: String) {
        self.notes().refused_deed = Some(why);
    }

    /// Notes that a deed succeeded.
    pub fn deed_succeeded(&self) {
        self.notes().refused_deed = None;
    }

    /// What Intercom says of us that differs from the configuration.
    pub fn mismatch(&self) -> Option<String> {
        self.notes().mismatch.clone()
    }

    /// Notes such a difference, or (`None`) that there is none.
    pub fn set_mismatch(&self, what: Option<String>) {
        self.notes().mismatch = what;
    }

    /// Notes that Intercom has shown a conversation.
    pub fn shown(&self) {
        let mut notes = self.notes();
        (notes.since_start.shown, notes.withheld) = (true, (0, String::new()));
    }

    /// Notes that it refused to show one. Some may always be withheld: one that is asked for again, not for the `first`
    /// time, says nothing of the others, unless none was ever shown.
    pub fn not_shown(&self, why: String, first: bool) {
        let mut notes = self.notes();
        if first || !notes.since_start.shown {
            notes.withheld = (notes.withheld.0.saturating_add(1), why);
        }
    }

    /// Why Intercom refuses to show conversations, if it showed none of the last few that were asked for.
    pub fn withheld(&self) -> Option<String> {
        let (count, why) = &self.notes().withheld;
        (*count >= WITHHELD).then(|| why.clone())
    }

    /// The workspace was looked at completely since the start.
    pub fn looked(&self) -> bool {
        self.notes().since_start.looked
    }

    /// Notes the first complete look.
    pub fn set_looked(&self) {
        self.notes().since_start.looked = true;
    }

    /// Whatever was seen before, it must be looked at again: somebody else has acted meanwhile.
    pub fn must_look_again(&self) {
        self.notes().since_start.looked = false;
    }

    /// Another daemon acts on the same database.
    pub fn stands_by(&self) -> bool {
        self.notes().stands_by
    }

    /// Notes that one does, or does no more.
    pub fn set_stands_by(&self, stands_by: bool) {
        self.notes().stands_by = stands_by;
    }

    /// The last sweep.
    pub fn sweep(&self) -> Option<Run> {
        self.notes().sweep.clone()
    }

    /// Notes a sweep that ended.
    pub fn swept(&self, run: Run) {
        self.notes().sweep = Some(run);
    }

    /// The last reconcile.
    pub fn reconcile(&self) -> Option<Run> {
        self.notes().reconcile.clone()
    }

    /// Notes a reconcile that ended.
    pub fn reconciled(&self, run: Run) {
        self.notes().reconcile = Some(run);
    }

    /// Conversations still to be read in a look that is going on, and when that was told, on the boot-time clock.
    pub fn to_read(&self) -> Option<(i64, Duration)> {
        self.notes().to_read
    }

    /// Notes how many are still to be read.
    pub fn set_to_read(&self, count: i64, elapsed: Duration) {
        self.notes().to_read = Some((count, elapsed));
    }

    /// Notes that the look has ended.
    pub fn look_ended(&self) {
        self.notes().to_read = None;
    }

    /// Snoozes that could not be restored since the start.
    pub fn unrestored(&self) -> u64 {
        self.notes().unrestored
    }

    /// How often something in the database could not be read since the start.
    pub fn damage(&self) -> u64 {
        self.notes().damage
    }

    /// Counts one.
    pub fn count_damage(&self) {
        self.notes().damage += 1;
    }

    /// Counts one.
    pub fn count_unrestored(&self) {
        self.notes().unrestored += 1;
    }

    /// How the daemon is configured; the error is what keeps a changed configuration from being used.
    pub fn configured(&self) -> Result<String, String> {
        let notes = self.notes();
        notes.misconfigured.clone().map_or_else(|| Ok(notes.configured.clone()), Err)
    }

    /// What is wrong with the names in the configuration, if anything is.
    pub fn unclear_names(&self) -> Option<String> {
        self.notes().unclear_names.clone()
    }

    /// Notes what is wrong with them, or (`None`) that nothing is.
    pub fn set_unclear_names(&self, what: Option<String>) {
        self.notes().unclear_names = what;
    }

    /// Why the teammate that acts cannot, if so.
    pub fn unfit(&self) -> Option<String> {
        self.notes().unfit.clone()
    }

    /// Notes why, or (`None`) that nothing speaks against it.
    pub fn set_unfit(&self, why: Option<String>) {
        self.notes().unfit = why;
    }

    /// Notes how it is configured now.
    pub fn set_configured(&self, how: String) {
        let mut notes = self.notes();
        (notes.configured, notes.misconfigured) = (how, None);
    }

    /// Notes why a changed configuration is not used.
    pub fn set_misconfigured(&self, why: String) {
        self.notes().misconfigured = Some(why);
    }

    /// How many webhooks may be missed.
    pub fn tolerance(&self) -> Tolerance {
        self.notes().tolerance
    }

    /// Notes how many may be.
    pub fn set_tolerance(&self, tolerance: Tolerance) {
        self.notes().tolerance = tolerance;
    }

    /// How much may be done.
    pub fn limits(&self) -> Option<Limits> {
        self.notes().limits
    }

    /// Notes how much may be.
    pub fn set_limits(&self, limits: Limits) {
        self.notes().limits = Some(limits);
    }

    /// Intercom has said since the start who we are.
    pub fn identified(&self) -> bool {
        self.notes().since_start.identified
    }

    /// Notes that it has.
    pub fn set_identified(&self) {
        self.notes().since_start.identified = true;
    }

    /// The daemon stops: nothing more is begun.
    pub fn stops(&self) -> bool {
        self.stops.is_cancelled()
    }

    /// Notes that it does.
    pub fn set_stops(&self) {
        self.stops.cancel();
    }

    /// What comes of it, or `None` if the daemon stops before that: the rest of it is dropped where it is. For what only
    /// asks and reads, or writes each thing down at once; never for a deed.
    pub fn unless_it_stops<T>(&self, job: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
        // Boxed: a whole look would make every job that may look as large.
        let job = Box::pin(job);
        async move { if self.stops() { None } else { self.stops.run_until_cancelled(job).await } }
    }

    /// A reload waits for the sweep to end.
    pub fn reload_waits(&self) -> bool {
        self.notes().reload_waits
    }

    /// Notes that one does, or does no more.
    pub fn set_reload_waits(&self, waits: bool) {
        self.notes().reload_waits = waits;
    }
}
