//! `autoclosed run`: the daemon, from its configuration to its last signal.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::clock::Clock;
use crate::config::{self, Diagnostics, Loaded, Mode, Secrets};
use crate::daemon::{Daemon, StartError};

/// What was begun may take this long to end.
const LONGEST_STOP: Duration = Duration::from_secs(10);

/// Why the daemon did not run, with what its exit status tells.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration has mistakes. Exit status 2.
    #[error("{0}")]
    Configuration(Diagnostics),
    /// A secret is missing or wrong. Exit status 2.
    #[error(transparent)]
    Secrets(#[from] config::SecretsError),
    /// It could not start. Exit status 3 if the database is refused, else 1.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Standard error takes no warnings. Exit status 1.
    #[error("cannot write to standard error")]
    Told(#[source] io::Error),
    /// Signals cannot be waited for. Exit status 1.
    #[error("cannot wait for signals")]
    Signals(#[source] io::Error),
}

impl RunError {
    /// The exit status of the program.
    pub fn exit_status(&self) -> u8 {
        match self {
            RunError::Configuration(_) | RunError::Secrets(_) => 2,
            RunError::Start(StartError::Store(error)) if error.refuses_the_database() => 3,
            RunError::Start(_) | RunError::Signals(_) | RunError::Told(_) => 1,
        }
    }
}

/// Runs until SIGTERM or SIGINT; a second one stops at once. `environment` looks up variables.
pub async fn run(path: &Path, environment: impl Fn(&str) -> Option<String>) -> Result<(), RunError> {
    let mut loaded = config::load(path).map_err(RunError::Configuration)?;
    loaded.doubt_at(Clock::System.now());
    let Loaded { config, warnings, .. } = loaded;
    if !warnings.warnings.is_empty() {
        let text = warnings.render(io::stderr().is_terminal());
        anstream::stderr().write_all(text.as_bytes()).map_err(RunError::Told)?;
    }
    let credentials = environment("CREDENTIALS_DIRECTORY");
    let secrets = Secrets::read(&environment, credentials.as_deref().map(Path::new))?;
    let mut stop = StopSignals::listen().map_err(RunError::Signals)?;
    let daemon = Daemon::start(&config, &secrets, Clock::System).await?;
    daemon.run_by_schedule(&config).await?;
    let mode = if config.mode == Mode::Live { "live" } else { "dry-run: nothing is sent to Intercom" };
    tracing::info!(
        webhook = %format_args!("http://{}{}", daemon.public_address(), config.server.webhook_path),
        health = %format_args!("http://{}/health", daemon.admin_address()),
        rules = config.rules.rules.len(),
        "autoclosed {} is ready ({mode})", env!("CARGO_PKG_VERSION")
    );
    tell_systemd(&[sd_notify::NotifyState::Ready]);
    stop.next().await;
    tracing::info!("stopping: accepting no more, finishing what was begun");
    tell_systemd(&[sd_notify::NotifyState::Stopping]);
    tokio::select! {
        ended = tokio::time::timeout(LONGEST_STOP, daemon.stop()) => tell_end(ended.is_ok()),
        () = stop.next() => tracing::warn!("stopped at once, on a second signal"),
    }
    Ok(())
}

fn tell_end(in_time: bool) {
    if in_time {
        tracing::info!("stopped");
    } else {
        tracing::warn!("stopped before everything had ended; it is looked into at the next start");
    }
}

/// Without systemd there is nobody to tell.
fn tell_systemd(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(error = %error, "systemd was not told");
    }
}

struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn listen() -> io::Result<StopSignals> {
        Ok(StopSignals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
