//! The only reader of the wall clock and of the boot-time clock.
//!
//! Owns: what time it is. Refuses: deciding anything. Everything else takes the time as an argument, so that a
//! test or the demo can move a week in a moment. The lint configuration bans the other ways to ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Tells the time: the machine's, or one moved by hand.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's own clocks.
    System,
    /// A clock that stands still until somebody moves it; for tests and the demo.
    Manual(ManualClock),
}

impl Clock {
    /// The wall clock. It can jump: use it for what people read, and for points in time that Intercom confirms.
    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
            Clock::System => Timestamp::now(),
            Clock::Manual(clock) => clock.now(),
        }
    }

    /// Time since some fixed point before the program started, never moving backwards and counting the time that
    /// the machine slept. Use it for "how long ago".
    pub fn elapsed(&self) -> Duration {
        match self {
            Clock::System => {
                let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
                let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
                Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanos)
            }
            Clock::Manual(clock) => clock.elapsed(),
        }
    }
}

/// A clock moved by hand. Clones share the same time.
#[derive(Debug, Clone)]
pub struct ManualClock {
    milliseconds: Arc<AtomicI64>,
    /// How far the wall clock has been shifted from what has passed.
    shifted: Arc<AtomicI64>,
    started_ms: i64,
    /// Whoever waits on it moves it.
    waits_pass: Arc<AtomicBool>,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> ManualClock {
        let started_ms = now.as_millisecond();
        let milliseconds = Arc::new(AtomicI64::new(started_ms));
        ManualClock { milliseconds, shifted: Arc::default(), started_ms, waits_pass: Arc::default() }
    }

    /// The same time on another wall clock: what [`set_wrong_by`](ManualClock::set_wrong_by) does to the one leaves the
    /// other alone.
    #[must_use]
    pub fn on_another_wall(&self) -> ManualClock {
        ManualClock { shifted: Arc::default(), ..self.clone() }
    }

    /// From now on the wall clock is wrong by that much; the boot-time clock never is.
    pub fn set_wrong_by(&self, error: SignedDuration) {
        let error_ms = i64::try_from(error.as_millis()).unwrap_or(i64::MAX);
        self.shifted.store(error_ms, Ordering::SeqCst);
    }

    /// From now on whoever waits on this clock moves it, in place of waiting until somebody else does.
    pub fn let_waits_pass(&self) {
        self.waits_pass.store(true, Ordering::SeqCst);
    }

    /// Passes a wait, and tells whether it did.
    pub(crate) fn passes(&self, wait: Duration) -> bool {
        let passes = self.waits_pass.load(Ordering::SeqCst);
        if passes {
            self.advance(SignedDuration::try_from(wait.max(Duration::from_millis(1))).unwrap_or_default());
        }
        passes
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        let shown = self.milliseconds.load(Ordering::SeqCst).saturating_add(self.shifted.load(Ordering::SeqCst));
        Timestamp::from_millisecond(shown).unwrap_or(Timestamp::MAX)
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.milliseconds.fetch_add(by, Ordering::SeqCst);
    }

    /// Moves the clock to `to`; earlier than now is possible for [`Clock::now`] only.
    pub fn set(&self, to: Timestamp) {
        self.milliseconds.store(to.as_millisecond(), Ordering::SeqCst);
    }

    /// Shifts [`Clock::now`] alone, as whoever sets a machine's wall clock does; no time passes.
    pub fn shift_wall(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.shifted.fetch_add(by, Ordering::SeqCst);
    }

    fn elapsed(&self) -> Duration {
        let passed = self.milliseconds.load(Ordering::SeqCst).saturating_sub(self.started_ms);
        Duration::from_millis(u64::try_from(passed).unwrap_or_default())
    }
}

impl From<ManualClock> for Clock {
    fn from(clock: ManualClock) -> Clock {
        Clock::Manual(clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_manual_clock_share_its_time() {
        let noon: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        let clock = ManualClock::at(noon);
        let shared = Clock::from(clock.clone());
        clock.advance(SignedDuration::from_hours(1));
        assert_eq!(shared.now().to_string(), "2026-03-02T13:00:00Z");
        assert_eq!(shared.elapsed(), Duration::from_hours(1));
    }

    #[test]
    fn a_wall_clock_that_is_set_passes_no_time() {
        let clock = ManualClock::at("2026-03-02T12:00:00Z".parse().unwrap());
        clock.advance(SignedDuration::from_hours(1));
        clock.shift_wall(SignedDuration::from_hours(-2));
        let clock = Clock::from(clock);
        assert_eq!(
            (clock.now().to_string().as_str(), clock.elapsed()),
            ("2026-03-02T11:00:00Z", Duration::from_hours(1))
        );
    }

    #[test]
    fn a_wall_clock_that_is_wrong_leaves_the_boot_time_clock_and_other_walls_alone() {
        let noon: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        let clock = ManualClock::at(noon);
        let wrong = clock.on_another_wall();
        wrong.set_wrong_by(SignedDuration::from_hours(24));
        clock.advance(SignedDuration::from_hours(1));
        assert_eq!(clock.now().duration_since(noon), SignedDuration::from_hours(1));
        assert_eq!(wrong.now().duration_since(noon), SignedDuration::from_hours(25));
        assert_eq!(Clock::from(wrong).elapsed(), Duration::from_hours(1));
    }

    #[test]
    fn a_wait_moves_a_clock_that_lets_waits_pass() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        assert!(!clock.passes(Duration::from_secs(3)));
        clock.let_waits_pass();
        assert!(clock.passes(Duration::from_secs(3)));
        assert_eq!(clock.now().as_second(), 3);
    }

    #[test]
    fn the_machine_s_boot_time_clock_does_not_run_backwards() {
        let clock = Clock::System;
        let first = clock.elapsed();
        assert!(first > Duration::ZERO);
        assert!(clock.elapsed() >= first);
    }
}
