//! How fast we may ask Intercom, shared by everybody who asks.
//!
//! Owns: the count of requests in any ten seconds, and the waits that Intercom's answers ask for. Refuses: sending
//! anything. [`Pace`] is the arithmetic on a time that is handed in; `Pacer` adds the lock and the waiting.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::sabotage::{Bug, planted};

/// Intercom counts requests by windows of this length.
const SPAN: Duration = Duration::from_secs(10);
/// Requests before the first answer has told the limit.
const UNTOLD: u32 = 5;
/// Requests in ten seconds where answers name no limit: half of the smallest one known.
const UNNAMED: u32 = 80;
/// A wait longer than this is taken for a mistake.
const LONGEST_SECONDS: i64 = 60;
/// A machine that slept while we did has passed more time than the runtime's timer counted.
const LONGEST_NAP: Duration = Duration::from_secs(1);
/// How often a clock moved by hand is looked at.
const GLANCE: Duration = Duration::from_millis(3);

/// What one answer said about the rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Requests in ten seconds that the workspace allows us (`X-RateLimit-Limit`).
    pub limit: Option<u32>,
    /// What is left of them in this window (`X-RateLimit-Remaining`); other apps share it.
    pub remaining: Option<u32>,
    /// When the window ends, in unix seconds on Intercom's clock (`X-RateLimit-Reset`).
    pub reset: Option<i64>,
    /// Seconds to wait (`Retry-After`).
    pub retry_after: Option<i64>,
    /// Intercom's clock when it said so, in unix seconds.
    pub said_at: i64,
}

impl Told {
    /// Time from the answer to the end of its window; ten seconds if that is missing or makes no sense.
    fn resets_in(&self) -> Duration {
        self.sound_reset().map_or(SPAN, |reset| seconds(reset.saturating_sub(self.said_at)))
    }

    fn sound_reset(&self) -> Option<i64> {
        self.reset.filter(|reset| is_sound(reset.saturating_sub(self.said_at)))
    }

    /// How long a refusal asks to wait.
    fn wait(&self) -> Duration {
        let retry = self.retry_after.filter(|wait| is_sound(*wait)).map_or(Duration::ZERO, seconds);
        self.resets_in().max(retry)
    }
}

fn is_sound(wait_seconds: i64) -> bool {
    (1..=LONGEST_SECONDS).contains(&wait_seconds)
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or_default())
}

/// The count. All times are [`Clock::elapsed`].
///
/// A request takes a place from the moment it is permitted until ten seconds after its answer: wherever between
/// sending and answer Intercom counts it, no ten seconds hold more than [`Pace::cap`].
#[derive(Debug, Default)]
pub struct Pace {
    own: Option<u32>,
    announced: Option<u32>,
    answered: bool,
    held: u32,
    flying: u32,
    landed: VecDeque<Duration>,
    window: Option<Window>,
    blocked_until: Duration,
    remaining: Option<u32>,
}

/// What Intercom's current window still allows us.
#[derive(Debug, Clone, Copy)]
struct Window {
    reset: Option<i64>,
    until: Duration,
    left: u32,
}

impl Pace {
    /// `own`: our own cap of requests in ten seconds; without one, half of what Intercom announces.
    pub fn new(own: Option<u32>) -> Pace {
        Pace { own, ..Pace::default() }
    }

    /// Most requests in any ten seconds, at least 1.
    pub fn cap(&self) -> u32 {
        let cap = match (self.answered, self.announced, self.own) {
            (false, _, own) => own.unwrap_or(UNTOLD).min(UNTOLD),
            (true, Some(limit), Some(own)) => own.min(limit),
            (true, Some(limit), None) => limit / 2,
            (true, None, own) => own.unwrap_or(UNNAMED),
        };
        cap.max(1)
    }

    /// Reserves `n` requests, or as many as the cap can ever give. Returns how many, or how long to wait.
    pub fn ask(&mut self, now: Duration, n: u32) -> Result<u32, Duration> {
        self.forget(now);
        self.check_block(now)?;
        let cap = self.cap();
        let n = n.min(cap);
        if let Some(window) = self.window.filter(|window| window.left < self.held.saturating_add(n)) {
            return Err(window.until.saturating_sub(now));
        }
        let landed = u32::try_from(self.landed.len()).unwrap_or(u32::MAX);
        let taken = self.held.saturating_add(self.flying).saturating_add(landed);
        let over = taken.saturating_add(n).saturating_sub(cap);
        if over > 0 {
            return Err(self.frees(over, now));
        }
        self.held += n;
        Ok(n)
    }

    /// Turns a reservation into a request about to be sent; or says how long it may not be.
    pub fn launch(&mut self, now: Duration) -> Result<(), Duration> {
        self.forget(now);
        self.check_block(now)?;
        if let Some(window) = &mut self.window {
            window.left = window.left.checked_sub(1).ok_or(window.until.saturating_sub(now))?;
        }
        self.held = self.held.saturating_sub(1);
        self.flying += 1;
        Ok(())
    }

    /// A request is over: answered, lost or never sent.
    pub fn land(&mut self, now: Duration) {
        self.flying = self.flying.saturating_sub(1);
        self.landed.push_back(now);
    }

    /// Gives back reservations that were not used.
    pub fn release(&mut self, n: u32) {
        self.held = self.held.saturating_sub(n);
    }

    /// An answer came; its request has landed.
    pub fn told(&mut self, now: Duration, told: &Told) {
        self.answered = true;
        self.announced = told.limit.or(self.announced);
        self.remaining = told.remaining.or(self.remaining);
        let Some(remaining) = told.remaining else { return };
        self.forget(now);
        let reset = told.sound_reset();
        let until = now + told.resets_in();
        if remaining == 0 {
            self.blocked_until = self.blocked_until.max(until);
        }
        // Requests under way may or may not be in that figure: count them as not.
        let left = remaining.saturating_sub(self.flying);
        self.window = Some(match self.window {
            Some(window) if window.reset == reset => Window { left: window.left.min(left), ..window },
            Some(window) if reset.is_some() && reset < window.reset => return,
            _ => Window { reset, until, left },
        });
    }

    /// Intercom refused a request for its rate. Nothing goes out before the returned time.
    pub fn refused(&mut self, now: Duration, told: &Told) -> Duration {
        self.answered = self.answered || told.limit.is_some();
        self.announced = told.limit.or(self.announced);
        self.remaining = told.remaining.or(self.remaining);
        let wait = if planted(Bug::IgnoresTheReset) { Duration::ZERO } else { told.wait() };
        self.blocked_until = self.blocked_until.max(now + wait);
        self.blocked_until
    }

    /// The limit that Intercom announced last, in requests in ten seconds.
    pub fn announced(&self) -> Option<u32> {
        self.announced
    }

    /// What was left of the window when Intercom last said so.
    pub fn remaining(&self) -> Option<u32> {
        self.remaining
    }

    fn forget(&mut self, now: Duration) {
        while self.landed.front().is_some_and(|landed| *landed + SPAN <= now) {
            self.landed.pop_front();
        }
        self.window = self.window.filter(|window| now < window.until);
    }

    fn check_block(&self, now: Duration) -> Result<(), Duration> {
        let wait = self.blocked_until.saturating_sub(now);
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// When `over` places will be free, as far as that is known: those not landed yet take ten seconds at least.
    fn frees(&self, over: u32, now: Duration) -> Duration {
        let index = usize::try_from(over - 1).unwrap_or(usize::MAX);
        self.landed.get(index).map_or(SPAN, |landed| (*landed + SPAN).saturating_sub(now))
    }
}

/// [`Pace`] with a clock, a lock and a queue in order of arrival.
#[derive(Debug)]
pub(super) struct Pacer {
    clock: Clock,
    pace: Mutex<Pace>,
    queue: tokio::sync::Mutex<()>,
    changed: Notify,
    waited: Mutex<Duration>,
}

impl Pacer {
    pub(super) fn new(own: Option<u32>, clock: Clock) -> Arc<Pacer> {
        let (pace, queue) = (Mutex::new(Pace::new(own)), tokio::sync::Mutex::new(()));
        Arc::new(Pacer { clock, pace, queue, changed: Notify::new(), waited: Mutex::default() })
    }

    /// Waits for `n` requests, or for as many as the cap can ever give.
    pub(super) async fn permits(self: &Arc<Pacer>, n: u32) -> Permits {
        let began = self.clock.elapsed();
        // In order of arrival: else one who wants two would wait behind every later one who wants one.
        let _turn = self.queue.lock().await;
        loop {
            let asked = self.pace().ask(self.clock.elapsed(), n);
            match asked {
                Ok(left) => {
                    self.count_wait(self.clock.elapsed().saturating_sub(began));
                    return Permits { pacer: Arc::clone(self), left: Mutex::new(left) };
                }
                Err(wait) => self.rest(wait).await,
            }
        }
    }

    /// Waits for one request and begins it.
    pub(super) async fn flight(self: &Arc<Pacer>) -> Flight {
        loop {
            if let Ok(flight) = self.permits(1).await.launch() {
                return flight;
            }
        }
    }

    pub(super) fn told(&self, told: &Told) {
        self.pace().told(self.clock.elapsed(), told);
        self.changed.notify_one();
    }

    pub(super) fn refused(&self, told: &Told) -> Duration {
        self.pace().refused(self.clock.elapsed(), told)
    }

    pub(super) fn cap(&self) -> u32 {
        self.pace().cap()
    }

    pub(super) fn announced(&self) -> Option<u32> {
        self.pace().announced()
    }

    pub(super) fn remaining(&self) -> Option<u32> {
        self.pace().remaining()
    }

    /// How long all who asked have waited, taken together.
    pub(super) fn waited(&self) -> Duration {
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_wait(&self, wait: Duration) {
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner) += wait;
    }

    async fn rest(&self, wait: Duration) {
        tokio::select! {
            () = self.changed.notified() => {}
            () = nap(&self.clock, wait) => {}
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rests until it is time to look at the clock again: at most `wait`.
pub(crate) async fn nap(clock: &Clock, wait: Duration) {
    let nap = match clock {
        Clock::System => wait.min(LONGEST_NAP),
        Clock::Manual(clock) if clock.passes(wait) => return tokio::task::yield_now().await,
        Clock::Manual(_) => GLANCE,
    };
    tokio::time::sleep(nap).await;
}

/// Requests reserved ahead, so that a deed can follow the look at its conversation without a wait between them.
/// What is not used is given back when this is dropped.
#[derive(Debug)]
pub struct Permits {
    pacer: Arc<Pacer>,
    left: Mutex<u32>,
}

impl Permits {
    /// How many are left.
    pub fn left(&self) -> u32 {
        *self.count()
    }

    /// Begins a request at once, or says until when (on [`Clock::elapsed`]) it may not be. Asks for one more if
    /// all are used.
    pub(super) fn launch(&self) -> Result<Flight, Duration> {
        let now = self.pacer.clock.elapsed();
        let mut left = self.count();
        let mut pace = self.pacer.pace();
        let until = |wait| now + wait;
        if *left == 0 {
            *left = pace.ask(now, 1).map_err(until)?;
        }
        pace.launch(now).map_err(until)?;
        *left -= 1;
        Ok(Flight { pacer: Arc::clone(&self.pacer) })
    }

    fn count(&self) -> MutexGuard<'_, u32> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permits {
    fn drop(&mut self) {
        let left = self.left();
        self.pacer.pace().release(left);
        self.pacer.changed.notify_one();
    }
}

/// A request under way. Dropped when its answer has come, or when nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Flight {
    pacer: Arc<Pacer>,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.pacer.pace().land(self.pacer.clock.elapsed());
    }
}

#[cfg(test)]
mod tests;
