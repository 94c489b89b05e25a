//! Until when the lease is trusted.
//!
//! Owns: that a process which stood still knows it, by the clock that counts while it sleeps. Refuses: asking the database:
//! whoever is about to send something has no time for that.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::sabotage::{Bug, planted};

/// Clones share it.
#[derive(Debug, Clone)]
pub struct Trust {
    clock: Clock,
    until_ms: Arc<AtomicU64>,
}

impl Trust {
    /// None yet.
    pub fn new(clock: Clock) -> Trust {
        Trust { clock, until_ms: Arc::default() }
    }

    /// Whether something may be sent now.
    pub fn holds(&self) -> bool {
        let until = Duration::from_millis(self.until_ms.load(Ordering::SeqCst));
        self.clock.elapsed() < until || planted(Bug::IgnoresTheEpoch)
    }

    /// It holds until then, on [`Clock::elapsed`].
    pub(super) fn until(&self, until: Duration) {
        self.until_ms.store(u64::try_from(until.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// It holds no more.
    pub(super) fn end(&self) {
        self.until_ms.store(0, Ordering::SeqCst);
    }
}
