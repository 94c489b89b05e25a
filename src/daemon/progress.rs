//! Whether the daemon gets anywhere: what systemd's watchdog hangs on.
//!
//! Owns: what counts as getting anywhere. Refuses: health. A daemon that Intercom refuses, or that an operator has
//! paused, is at work all the same, and a restart would mend nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Daemon;
use crate::board::Board;
use crate::config::{Config, longest_gap};
use crate::engine::why::span;
use crate::health;
use crate::server::RollCall;
use crate::writer::{NotWritten, Writer};

/// A loop that accepts answers at once; on a machine with too much to do, a little later.
const ROLL_CALL: Duration = Duration::from_secs(4);
/// Between two signs of life lies one conversation at most, with a handful of calls. Each may wait a minute for
/// Intercom's rate limit.
const LONGEST_STEP: Duration = Duration::from_mins(10);
/// Calls for one conversation, at most.
const CALLS: u32 = 10;

/// What does not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stall {
    /// An accept loop.
    #[error("the listener of [{0}] accepts no connections")]
    Listener(&'static str),
    /// The writer.
    #[error("no commit went through: {0}")]
    Writer(NotWritten),
    /// The sweep that is going on.
    #[error("the sweep has not moved for {}", said(*.0))]
    Sweep(Duration),
    /// The schedule.
    #[error("no sweep was begun for {}", said(*.0))]
    Schedule(Duration),
}

fn said(length: Duration) -> String {
    span(length.try_into().unwrap_or(jiff::SignedDuration::MAX))
}

/// Whom to ask.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) writer: Writer,
    pub(super) listeners: [(&'static str, RollCall); 2],
    pub(super) board: Arc<Board>,
    pub(super) patience: Patience,
}

/// How long a sweep may give no sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    going: Duration,
    between: Duration,
}

impl Patience {
    pub(super) fn of(config: &Config) -> Patience {
        Patience {
            going: LONGEST_STEP.max(config.intercom.timeout.saturating_mul(CALLS)),
            between: health::jobs::overdue(longest_gap(&config.schedule.sweep)),
        }
    }

    fn judge(self, last: Option<(Instant, bool)>, now: Instant) -> Result<(), Stall> {
        let Some((sign, going)) = last else { return Ok(()) };
        let silent = now.saturating_duration_since(sign);
        match going {
            true if silent > self.going => Err(Stall::Sweep(silent)),
            false if silent > self.between => Err(Stall::Schedule(silent)),
            _ => Ok(()),
        }
    }
}

impl Progress {
    async fn made(&self) -> Result<(), Stall> {
        for (section, listener) in &self.listeners {
            if !timeout(ROLL_CALL, listener.answered()).await.unwrap_or(false) {
                return Err(Stall::Listener(section));
            }
        }
        self.patience.judge(self.board.pulse().last(), Instant::now())?;
        self.writer.commits().await.map_err(Stall::Writer)
    }
}

impl Daemon {
    /// Whether it gets anywhere: both listeners accept, a commit goes through on the way that notifications take, and
    /// sweeps are made. One that only waits for Intercom's rate limit counts as being made.
    pub async fn progress(&self) -> Result<(), Stall> {
        self.progress.made().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pulse::Pulse;

    fn patience(text: &str) -> Patience {
        Patience::of(&crate::config::parse("a.toml", text.as_bytes()).unwrap().config)
    }

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn a_sweep_may_be_long_and_may_not_be_stuck() {
        let (pulse, patience) = (Pulse::default(), patience(""));
        let start = Instant::now();
        let told = |minutes: u32| patience.judge(pulse.last(), start + minutes * MINUTE).map_err(|e| e.to_string());
        assert_eq!(told(1_000), Ok(()), "none is to be expected yet");
        pulse.sign(start);
        assert_eq!(told(5), Ok(()));
        assert_eq!(told(6), Err("no sweep was begun for 6 minutes".into()));
        let going = pulse.begins(start);
        assert_eq!(told(10), Ok(()));
        assert_eq!(told(11), Err("the sweep has not moved for 11 minutes".into()));
        for minute in (9..1_000).step_by(9) {
            pulse.sign(start + minute * MINUTE);
            assert_eq!(told(minute + 9), Ok(()), "it goes on, whatever it waits for");
        }
        going.ends(start + 1_000 * MINUTE);
        assert_eq!(told(1_005), Ok(()));
        assert_eq!(told(1_006), Err("no sweep was begun for 6 minutes".into()));
    }

    #[test]
    fn a_sweep_that_panics_time_and_again_is_none() {
        let (pulse, patience) = (Pulse::default(), patience(""));
        let start = Instant::now();
        pulse.sign(start);
        assert_eq!(patience.judge(pulse.last(), start + 6 * MINUTE), Err(Stall::Schedule(6 * MINUTE)));
        drop(pulse.begins(start + 5 * MINUTE));
        assert_eq!(patience.judge(pulse.last(), start + 11 * MINUTE), Err(Stall::Schedule(6 * MINUTE)));
    }

    #[tokio::test]
    async fn a_listener_that_has_ended_and_a_sweep_that_does_not_move_are_no_progress() {
        let shelf = crate::store::tests::Shelf::new().await;
        let (writer, _writing) = Writer::start(shelf.store.clone(), crate::writer::tests::standpoint());
        let shutdown = tokio_util::sync::CancellationToken::new();
        let listening = async || {
            let (call, called) = crate::server::roll_call();
            let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let routes = axum::Router::new();
            let limits = crate::server::Limits::default();
            (call, tokio::spawn(crate::server::serve(socket, routes, limits, shutdown.clone(), called)))
        };
        let ((public, _), (admin, accepting)) = (listening().await, listening().await);
        let board = Arc::new(Board::default());
        let listeners = [("server", public), ("admin", admin)];
        let mut progress = Progress { writer, listeners, board: Arc::clone(&board), patience: patience("") };
        assert_eq!(progress.made().await, Ok(()));
        board.pulse().sign(Instant::now());
        assert_eq!(progress.made().await, Ok(()));
        progress.patience = Patience { going: Duration::ZERO, between: Duration::ZERO };
        assert!(matches!(progress.made().await, Err(Stall::Schedule(_))));
        let going = board.pulse().begins(Instant::now());
        assert!(matches!(progress.made().await, Err(Stall::Sweep(_))));
        going.ends(Instant::now());
        progress.patience = patience("");
        accepting.abort();
        assert!(accepting.await.is_err());
        assert_eq!(progress.made().await, Err(Stall::Listener("admin")));
    }

    #[test]
    fn a_seldom_schedule_and_a_slow_intercom_are_given_their_time() {
        let (daily, slow) =
            (patience("[schedule]\nsweep = \"0 0 3 * * *\""), patience("[intercom]\ntimeout = \"3 minutes\""));
        assert_eq!(daily, Patience { going: 10 * MINUTE, between: 3 * 24 * 60 * MINUTE });
        assert_eq!(slow, Patience { going: 30 * MINUTE, between: 5 * MINUTE });
    }
}
