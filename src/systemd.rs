//! What systemd is told, and in [`sockets`] what it passes.
//!
//! Told is: ready, reloading, stopping, how things stand, and that the watchdog may rest.
//!
//! Owns: when it is told, and in which words. Refuses: telling the watchdog anything that was not asked for and
//! answered: see [`Daemon::progress`]. Without systemd there is nobody to tell.

pub mod sockets;

use std::convert::Infallible;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::daemon::Daemon;
use crate::health::Report;

/// How things stand is looked at so often.
const STATUS: Duration = Duration::from_secs(10);
/// What did not go on is asked again after this: it may have been a moment's.
const AGAIN: Duration = Duration::from_secs(1);

/// The listeners accept and the database takes notifications.
pub fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status(FIRST_LOOK)]);
}

/// The configuration is read again; [`reloaded`] follows.
pub fn reloading() {
    // Newer versions of systemd want the time with it.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// The configuration was read again, or refused: systemd has no word for that, and the status says it.
pub fn reloaded() {
    tell(&[NotifyState::Ready]);
}

/// No more is accepted.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping: finishing what was begun")]);
}

const FIRST_LOOK: &str = "looking at the workspace for the first time; nothing is done before";

/// Tells how things stand whenever that changes, and lets the watchdog rest while the daemon gets anywhere.
pub async fn attend(daemon: &Daemon) -> Infallible {
    // Often enough that one answer that is late does not use the limit up.
    let quarter = sd_notify::watchdog_enabled().map(|limit| limit / 4);
    let watching = async {
        match quarter {
            Some(quarter) => watch(daemon, quarter).await,
            None => std::future::pending().await,
        }
    };
    let telling = tell_status(daemon, quarter.unwrap_or(STATUS).min(STATUS));
    tokio::select! {
        never = watching => never,
        never = telling => never,
    }
}

async fn watch(daemon: &Daemon, every: Duration) -> Infallible {
    let (mut rest, mut stalled) = (every, false);
    loop {
        tokio::time::sleep(rest).await;
        match daemon.progress().await {
            Ok(()) => {
                tell(&[NotifyState::Watchdog]);
                if stalled {
                    tracing::info!("things go on again; systemd's watchdog is told so");
                }
                (rest, stalled) = (every, false);
            }
            Err(stall) => {
                if !stalled {
                    tracing::error!(why = %stall, "systemd's watchdog is not told that things go on; if they do not soon, it starts the daemon anew");
                }
                (rest, stalled) = (AGAIN.min(every), true);
            }
        }
    }
}

async fn tell_status(daemon: &Daemon, every: Duration) -> Infallible {
    let mut told = FIRST_LOOK.to_owned();
    loop {
        tokio::time::sleep(every).await;
        let report = daemon.health().await;
        let words = if daemon.is_before_its_first_look() { FIRST_LOOK.to_owned() } else { words(&report) };
        if words != told {
            tell(&[NotifyState::Status(&words)]);
            told = words;
        }
    }
}

/// Health in a few words. Figures stay out: they change all the time.
fn words(report: &Report) -> String {
    let detail = |name| report.checks.iter().find(|check| check.name == name).map_or("", |check| check.detail.as_str());
    match report.status {
        "ok" => format!("well ({})", detail("config")),
        "paused" => "paused; `autoclosed resume` ends it".into(),
        _ => {
            let bad = report.checks.iter().filter(|check| !check.ok).map(|check| check.name);
            format!("bad: {}; see /health", bad.collect::<Vec<_>>().join(", "))
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(error = %error, "systemd was not told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Check;

    #[test]
    fn the_status_is_health_in_a_few_words() {
        let check = |name, ok, detail: &str| Check { name, ok, detail: detail.into() };
        let told = |status, sweep_ok| {
            let checks = vec![check("sweep", sweep_ok, "1 second ago"), check("config", true, "2 rules, live")];
            words(&Report { status, mode: "live", checks })
        };
        assert_eq!(told("ok", true), "well (2 rules, live)");
        assert_eq!(told("paused", true), "paused; `autoclosed resume` ends it");
        assert_eq!(told("bad", false), "bad: sweep; see /health");
    }
}
