//! Signs of life of the sweep: what tells one that is long from one that is stuck.
//!
//! Owns: the last sign, and whether a sweep is going on. Refuses: judging it. Time here stands still while the machine
//! sleeps, as nothing could have been done then.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// Where the sweep leaves its signs.
#[derive(Debug, Default)]
pub struct Pulse {
    state: Mutex<State>,
}

#[derive(Debug, Default, Clone, Copy)]
struct State {
    sign: Option<Instant>,
    going: bool,
}

/// A sweep that is going on. Dropped without [`Going::ends`], it is over and gave no sign.
#[derive(Debug)]
pub struct Going<'a>(&'a Pulse);

impl Going<'_> {
    /// It came to its end.
    pub fn ends(self, now: Instant) {
        self.0.sign(now);
    }
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        self.0.state().going = false;
    }
}

impl Pulse {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sweep begins.
    pub fn begins(&self, now: Instant) -> Going<'_> {
        *self.state() = State { sign: Some(now), going: true };
        Going(self)
    }

    /// Another step was made. The first one says that sweeps are to be expected from now on.
    pub fn sign(&self, now: Instant) {
        self.state().sign = Some(now);
    }

    /// The last sign, and whether a sweep is going on. `None` where none is to be expected.
    pub fn last(&self) -> Option<(Instant, bool)> {
        let State { sign, going } = *self.state();
        sign.map(|sign| (sign, going))
    }
}
