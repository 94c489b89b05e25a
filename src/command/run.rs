//! `autoclosed run`: the daemon, from its configuration to its last signal. On SIGHUP it reads the configuration again.

use std::io::{self, IsTerminal, Write};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::clock::Clock;
use crate::config::{self, Config, Diagnostics, Loaded, Mode, Secrets};
use crate::daemon::{Daemon, StartError};
use crate::systemd;
use crate::systemd::sockets::{Sockets, SocketsError};

/// What was begun may take this long to end.
const LONGEST_STOP: Duration = Duration::from_secs(10);

/// A disk without space, and somebody else's lock, may be over by then. Whoever ended at once would be started again so
/// often in a minute that systemd gives up for good.
const OPEN_AGAIN: Duration = Duration::from_secs(5);
/// So often, which makes a minute.
const TRIES: u32 = 12;

/// Why the daemon did not run, with what its exit status tells.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration has mistakes. Exit status 2.
    #[error("{0}")]
    Configuration(Diagnostics),
    /// A secret is missing or wrong. Exit status 2.
    #[error(transparent)]
    Secrets(#[from] config::SecretsError),
    /// What systemd passes cannot be served. Exit status 2.
    #[error(transparent)]
    Sockets(#[from] SocketsError),
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
            RunError::Configuration(_)
            | RunError::Secrets(_)
            | RunError::Sockets(_)
            | RunError::Start(StartError::Sockets(_)) => 2,
            RunError::Start(StartError::Store(error)) if error.refuses_the_database() => 3,
            RunError::Start(_) | RunError::Signals(_) | RunError::Told(_) => 1,
        }
    }
}

/// Runs until SIGTERM or SIGINT; a second one stops at once. SIGHUP has the file and the secrets read again; one that
/// comes while that is going on has it done once more. `environment` looks up variables; `passed` is what systemd has
/// opened for us.
pub async fn run(
    path: &Path,
    environment: impl Fn(&str) -> Option<String>,
    passed: Result<Sockets, SocketsError>,
) -> Result<(), RunError> {
    let mut loaded = config::load(path).map_err(RunError::Configuration)?;
    loaded.doubt_at(Clock::System.now());
    let Loaded { config, warnings, .. } = loaded;
    tell(&warnings).map_err(RunError::Told)?;
    let secrets = secrets(&environment)?;
    let passed = passed?;
    let mut stop = StopSignals::listen().map_err(RunError::Signals)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(RunError::Signals)?;
    let Some(daemon) = start(&config, &secrets, &passed, &mut stop).await? else { return Ok(()) };
    daemon.run_by_schedule(&config).await?;
    tracing::info!(
        webhook = %format_args!("http://{}{}", daemon.public_address(), config.server.webhook_path),
        health = %format_args!("http://{}/health", daemon.admin_address()),
        rules = config.rules.rules.len(),
        "autoclosed {} is ready ({})", env!("CARGO_PKG_VERSION"), mode(&config)
    );
    systemd::ready();
    drop((config, secrets, passed));
    let reloading = async {
        while hangup.recv().await.is_some() {
            systemd::reloading();
            let reloaded = AssertUnwindSafe(reload(&daemon, path, &environment)).catch_unwind().await;
            if reloaded.is_err() {
                tracing::error!("the reload panicked; what it had not done is done before anything else is");
            }
            systemd::reloaded();
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = stop.next() => {}
        () = reloading => {}
        () = attend(&daemon) => {}
    }
    tracing::info!("stopping: accepting no more, finishing what was begun");
    systemd::stopping();
    tokio::select! {
        ended = tokio::time::timeout(LONGEST_STOP, daemon.stop()) => tell_end(ended.is_ok()),
        () = stop.next() => tracing::warn!("stopped at once, on a second signal"),
    }
    Ok(())
}

/// `None` if it was told to stop while it waited for the disk.
async fn start(
    config: &Config,
    secrets: &Secrets,
    passed: &Sockets,
    stop: &mut StopSignals,
) -> Result<Option<Daemon>, RunError> {
    for left in (0..TRIES).rev() {
        match Daemon::start_on(config, secrets, Clock::System, passed).await {
            Ok(daemon) => return Ok(Some(daemon)),
            Err(StartError::Store(error)) if error.may_pass() && left > 0 => {
                let why = &error as &(dyn std::error::Error + 'static);
                tracing::warn!(
                    error = why,
                    "the database cannot be opened; trying again in {} s",
                    OPEN_AGAIN.as_secs()
                );
            }
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            () = tokio::time::sleep(OPEN_AGAIN) => {}
            () = stop.next() => break,
        }
    }
    tracing::info!("stopped before the database could be opened");
    Ok(None)
}

/// Attends to systemd, whatever happens to it.
async fn attend(daemon: &Daemon) {
    while AssertUnwindSafe(systemd::attend(daemon)).catch_unwind().await.is_err() {
        tracing::error!("what tells systemd of us panicked; it is begun anew");
    }
}

/// A mistake changes nothing, and is told on standard error, in the log and by health.
async fn reload(daemon: &Daemon, path: &Path, environment: &impl Fn(&str) -> Option<String>) {
    tracing::info!("reading the configuration again");
    let path = path.to_owned();
    let Ok(mut found) = tokio::task::spawn_blocking(move || config::load(&path)).await else {
        return daemon.reload_failed("reading the configuration panicked; please report this");
    };
    if let Ok(loaded) = &mut found {
        loaded.doubt_at(Clock::System.now());
    }
    let (Ok(Loaded { warnings: told, .. }) | Err(told)) = &found;
    if let Err(error) = tell(told) {
        tracing::warn!(error = %error, "what was found in the configuration could not be written to standard error");
    }
    match (found, secrets(environment)) {
        (Err(mistakes), _) => daemon.reload_failed(&first_of(&mistakes)),
        (Ok(_), Err(error)) => daemon.reload_failed(&chain(&error)),
        (Ok(Loaded { config, .. }), Ok(secrets)) => match daemon.reload(&config, &secrets).await {
            Ok(waiting) => tell_reloaded(&config, &waiting),
            Err(error) => daemon.reload_failed(&chain(&error)),
        },
    }
}

fn tell_reloaded(config: &Config, waiting: &[&str]) {
    tracing::info!(rules = config.rules.rules.len(), "reloaded the configuration ({})", mode(config));
    if !waiting.is_empty() {
        let sections = waiting.join(", ");
        tracing::warn!(sections, "changes in these sections take effect at the next start: {sections}");
    }
}

fn first_of(mistakes: &Diagnostics) -> String {
    let Some(first) = mistakes.errors.first() else { return "the configuration was refused".into() };
    let told = format!("{}:{}:{}: {}", first.file, first.line, first.column, first.message);
    match mistakes.errors.len() - 1 + mistakes.more {
        0 => told,
        more => format!("{told} (and {more} more)"),
    }
}

/// An error with its reasons, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let reasons = std::iter::successors(error.source(), |reason| reason.source());
    reasons.fold(error.to_string(), |told, reason| format!("{told}: {reason}"))
}

/// Both secrets, from systemd's credentials or the environment.
pub(super) fn secrets(environment: &impl Fn(&str) -> Option<String>) -> Result<Secrets, config::SecretsError> {
    let credentials = environment("CREDENTIALS_DIRECTORY");
    Secrets::read(environment, credentials.as_deref().map(Path::new))
}

fn mode(config: &Config) -> &'static str {
    if config.mode == Mode::Live { "live" } else { "dry-run: nothing is sent to Intercom" }
}

/// Writes mistakes and doubts, if there are any, for whoever started the program.
fn tell(found: &Diagnostics) -> io::Result<()> {
    let text = found.render(io::stderr().is_terminal());
    if text.is_empty() { Ok(()) } else { anstream::stderr().write_all(text.as_bytes()) }
}

fn tell_end(in_time: bool) {
    if in_time {
        tracing::info!("stopped");
    } else {
        tracing::warn!("stopped before everything had ended; it is looked into at the next start");
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
