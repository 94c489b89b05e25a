//! Where log lines go, and which are let through.
//!
//! Owns: the level filter, the choice between terminal, JSON and the journal. Refuses: what a line says; whoever
//! handles a thing logs it once. Crates that print raw requests stay quiet at every setting.

mod lines;

use std::env;
use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber, warn};
use tracing_subscriber::filter::{EnvFilter, ParseError, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use self::lines::{Lines, Style};
use crate::clock::Clock;

/// Crates that print requests, headers or statements below `warn`, and so tokens and customers' texts; and one whose
/// lines help nobody.
const QUIET: &[&str] = &[
    "tokio_cron_scheduler",
    "hyper",
    "hyper_util",
    "reqwest",
    "h2",
    "rustls",
    "sqlx",
    "sqlx_core",
    "sqlx_sqlite",
    "tower",
];

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A process logs to one place only.
    #[error("logging is already set up; set it up once, at the start of the program")]
    AlreadySetUp(#[source] TryInitError),
}

/// Sends log lines to the journal if our standard output is the journal's, else to standard output: for people on a
/// terminal, as one JSON object per line otherwise. `RUST_LOG` sets the level; the default is `info`.
pub fn set_up(clock: Clock) -> Result<(), TelemetryError> {
    let wanted = env::var("RUST_LOG").unwrap_or_default();
    let (filter, misread) = match level_filter(&wanted) {
        Ok(filter) => (filter, None),
        Err(failed) => (EnvFilter::new("info"), Some(failed)),
    };
    let output = journal().unwrap_or_else(|| standard_output(clock).boxed());
    tracing_subscriber::registry()
        .with(output)
        .with(filter)
        .with(filter_fn(is_fit_to_print))
        .try_init()
        .map_err(TelemetryError::AlreadySetUp)?;
    if let Some(failed) = misread {
        warn!(error = %failed, "RUST_LOG cannot be read, so the level is `info`; write for example RUST_LOG=debug");
    }
    Ok(())
}

fn level_filter(wanted: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse(wanted)
}

fn is_fit_to_print(metadata: &Metadata<'_>) -> bool {
    let of = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::WARN || !QUIET.contains(&of)
}

fn standard_output(clock: Clock) -> Lines {
    let style = if io::stdout().is_terminal() {
        Style::Human { colour: env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()) }
    } else {
        Style::Json
    };
    Lines::new(style, clock, |line| {
        use io::Write as _;
        // A log that cannot be written has nowhere to say so.
        let _ = io::stdout().lock().write_all(line.as_bytes());
    })
}

#[cfg(feature = "journald")]
fn journal<S>() -> Option<Box<dyn Layer<S> + Send + Sync>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let stdout = rustix::fs::fstat(io::stdout()).ok()?;
    let stream = env::var("JOURNAL_STREAM").ok()?;
    if !names(&stream, stdout.st_dev, stdout.st_ino) {
        return None;
    }
    Some(tracing_journald::layer().ok()?.with_field_prefix(Some("AUTOCLOSED".to_owned())).boxed())
}

#[cfg(not(feature = "journald"))]
fn journal<S>() -> Option<Box<dyn Layer<S> + Send + Sync>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    None
}

/// Whether `JOURNAL_STREAM` ("device:inode") is this file. A child may have inherited the variable and not the file.
#[cfg(feature = "journald")]
fn names(stream: &str, device: u64, inode: u64) -> bool {
    stream.split_once(':').is_some_and(|(d, i)| d.parse() == Ok(device) && i.parse() == Ok(inode))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{debug, info, trace};

    use super::lines::tests::{Written, noon};
    use super::*;

    fn printed(wanted: &str, log: impl FnOnce()) -> usize {
        let written: Written = Arc::new(Mutex::new(String::new()));
        let subscriber = tracing_subscriber::registry()
            .with(lines::tests::to(&written, Style::Json, noon()))
            .with(level_filter(wanted).unwrap())
            .with(filter_fn(is_fit_to_print));
        tracing::subscriber::with_default(subscriber, log);
        written.lock().unwrap().lines().count()
    }

    #[test]
    fn rust_log_sets_the_level_and_info_is_the_default() {
        let log = || {
            info!("one");
            debug!("two");
            trace!("three");
        };
        for (wanted, want) in [("", 1), ("warn", 0), ("debug", 2), ("trace", 3), ("autoclosed=trace,sqlx=off", 3)] {
            assert_eq!(printed(wanted, log), want, "RUST_LOG={wanted}");
        }
        assert!(level_filter("autoclosed=loudly").is_err());
    }

    #[test]
    fn crates_that_print_raw_requests_are_never_heard_below_warn() {
        for wanted in ["trace", "hyper=trace,reqwest=trace,sqlx=debug", "hyper::proto=trace,sqlx::query=trace"] {
            let heard = printed(wanted, || {
                trace!(target: "hyper::proto::h1::io", "raw");
                debug!(target: "reqwest::connect", "raw");
                info!(target: "sqlx::query", "raw");
                trace!(target: "h2", "raw");
                debug!(target: "rustls::client", "raw");
            });
            assert_eq!(heard, 0, "RUST_LOG={wanted}");
        }
        assert_eq!(printed("", || warn!(target: "sqlx::pool", "slow")), 1);
        assert_eq!(printed("trace", || trace!(target: "hyperbole", "not one of them")), 1);
    }

    #[cfg(feature = "journald")]
    #[test]
    fn the_journal_is_ours_only_if_it_names_our_output() {
        for (stream, want) in [("8:1234", true), ("8:1235", false), ("9:1234", false), ("", false), ("8:12 34", false)]
        {
            assert_eq!(names(stream, 8, 1234), want, "{stream:?}");
        }
    }
}
