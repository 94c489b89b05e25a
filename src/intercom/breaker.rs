//! Whether Intercom is in such trouble that asking would help nobody, shared by everybody who asks.
//!
//! Owns: how many of the last calls failed, when that is too many, and when one is let through to find out whether it is
//! over. Refuses: sending, and judging a single failure; a refusal (4xx, 429) is an answer, and no failure at all.
//! `Breaker` is arithmetic on a time that is handed in, always [`Clock::elapsed`](crate::clock::Clock::elapsed).

use std::collections::VecDeque;
use std::time::Duration;

use super::error::IntercomError;
use super::wire::Oddness;
use crate::sabotage::{Bug, planted};

/// Failures are counted over so long.
const SPAN: Duration = Duration::from_mins(1);
/// So many calls at least, half of them failed, and it opens; so many failures in a row, however slowly, and it opens
/// too: sweeps that end at the first failure would else go on asking for ever.
const FEWEST: usize = 10;
/// While open, one call is let through in so long.
const REST: Duration = Duration::from_secs(30);
/// Each time in vain adds a little at random to the rest, so that not all who wait come back at once: up to twice as
/// much as before, and never more than this. Rest, delay and one gap between sweeps stay under a minute.
const LONGEST_DELAY: Duration = Duration::from_secs(15);

/// What an open breaker tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// Since when nothing is sent.
    pub since: Duration,
    /// When one call is let through next.
    pub next: Duration,
}

/// That a call may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// As any other.
    Usual,
    /// The one that finds out whether the trouble is over.
    Probe,
}

/// The count.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// The calls of the last minute, and whether each was answered.
    recent: VecDeque<(Duration, bool)>,
    /// Failures since the last answer.
    row: usize,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    trouble: Trouble,
    /// How often it was tried in vain.
    tries: u32,
}

impl Breaker {
    /// Whether a call may be sent now; the error is when one may be next. `asks` is whether it only asks: a call that
    /// changes something is never the one that finds out.
    pub(super) fn may(&mut self, now: Duration, asks: bool) -> Result<Leave, Duration> {
        let Some(open) = &mut self.open else { return Ok(Leave::Usual) };
        if now < open.trouble.next || !asks || planted(Bug::NeverHalfOpens) {
            return Err(open.trouble.next);
        }
        // Whatever becomes of it, even nothing, the next one waits for its turn.
        open.tries = open.tries.saturating_add(1);
        open.trouble.next = now + REST + delay(now, open.tries);
        Ok(Leave::Probe)
    }

    /// Whether one would be let through now, if it only asked.
    pub(super) fn rests(&self, now: Duration) -> Option<Duration> {
        self.open.map(|open| open.trouble.next).filter(|next| now < *next)
    }

    /// How a call went that had leave.
    pub(super) fn note(&mut self, now: Duration, leave: Leave, answered: bool) {
        match (self.open, leave) {
            (Some(_), Leave::Probe) if answered => *self = Breaker::default(),
            // What left before it opened says nothing new.
            (Some(_), _) => {}
            (None, _) => self.count(now, answered),
        }
    }

    /// Since when it is open, if it is.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.open.map(|open| open.trouble)
    }

    fn count(&mut self, now: Duration, answered: bool) {
        while self.recent.front().is_some_and(|(at, _)| *at + SPAN <= now) {
            self.recent.pop_front();
        }
        self.recent.push_back((now, answered));
        self.row = if answered { 0 } else { self.row.saturating_add(1) };
        let failed = self.recent.iter().filter(|(_, answered)| !answered).count();
        let too_many = self.recent.len() >= FEWEST && failed * 2 >= self.recent.len();
        if !answered && (too_many || self.row >= FEWEST) {
            let trouble = Trouble { since: now, next: now + REST + delay(now, 0) };
            self.open = Some(Open { trouble, tries: 0 });
        }
    }
}

/// Chance enough: nobody aims at the milliseconds of a boot-time clock.
fn delay(now: Duration, tries: u32) -> Duration {
    let most = Duration::from_secs(1).saturating_mul(1 << tries.min(4)).min(LONGEST_DELAY);
    let chance = u64::from(now.subsec_nanos()).wrapping_add(now.as_secs()).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let most_ms = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(chance % most_ms.saturating_add(1))
}

/// Whether a call that ended so tells that Intercom is there. `None`: it tells nothing, as nothing was asked, or the
/// answer was odd for what it is about and not for who gave it.
pub(super) fn tells(error: Option<&IntercomError>) -> Option<bool> {
    match error {
        Some(
            IntercomError::NotSent(_)
            | IntercomError::Failed(_)
            | IntercomError::Lost(_)
            | IntercomError::TooLarge
            | IntercomError::Garbled { .. }
            | IntercomError::Odd(Oddness::Encoding | Oddness::Json),
        ) => Some(false),
        Some(
            IntercomError::Resting { .. }
            | IntercomError::Withheld
            | IntercomError::BadRequest(_)
            | IntercomError::Odd(_)
            | IntercomError::WrongAnswer(_)
            | IntercomError::WrongList(_),
        ) => None,
        Some(
            IntercomError::RateLimited { .. }
            | IntercomError::Gone(_)
            | IntercomError::AuthDead(_)
            | IntercomError::Refused(_),
        )
        | None => Some(true),
    }
}

#[cfg(test)]
mod tests;
