//! `autoclosed reconcile`: one complete look at the workspace now, beside a running daemon or without one.

use std::io::{self, Write};
use std::path::Path;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::desk::{CommandError, is_there_for_us};
use super::progress;
use super::{Told, run};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::daemon::{LookError, Lookout, StartError};
use crate::intercom::error::{Class, IntercomError};
use crate::reconcile::Reconciled;
use crate::store::Store;

/// What a look found, and how long it took.
#[derive(Debug, Serialize)]
pub struct Looked {
    listed: usize,
    changed: u64,
    complete: bool,
    seconds: f64,
}

/// Looks at everything, by the configuration at `path` and with the secrets of `environment`.
pub async fn reconcile(
    path: &Path,
    environment: impl Fn(&str) -> Option<String>,
    clock: Clock,
) -> Result<(Looked, TimeZone), CommandError> {
    let config = config::load(path).map_err(CommandError::Configuration)?.config;
    let secrets = run::secrets(&environment)?;
    let store = open(&config).await?;
    let began = clock.elapsed();
    let lookout = Lookout::new(&config, &secrets, store.clone(), clock.clone()).await.map_err(not_begun)?;
    let found = progress::shown(Box::pin(lookout.look()), || told_so_far(lookout.to_read())).await;
    drop(lookout);
    store.close().await;
    let found = found.map_err(|error| not_ended(error, "autoclosed reconcile"));
    let Reconciled { listed, changed, complete } = found?;
    let seconds = clock.elapsed().saturating_sub(began).as_secs_f64();
    let looked = Looked { listed, changed, complete, seconds: (seconds * 10.0).round() / 10.0 };
    Ok((looked, config.timezone))
}

/// Makes the database where there is none. One that is there may be a running daemon's, and is not brought up to date
/// under it.
async fn open(config: &Config) -> Result<Store, CommandError> {
    let file = &config.database.path;
    match is_there_for_us(file) {
        Ok(()) => Ok(Store::open_beside(file).await?),
        Err(CommandError::NoDatabase(_)) => Ok(Store::open(file).await?),
        Err(error) => Err(error),
    }
}

fn told_so_far(to_read: Option<i64>) -> String {
    match to_read {
        None => "Listing conversations …".to_owned(),
        Some(1) => "Reading what is new or has changed: 1 conversation left …".to_owned(),
        Some(left) => format!("Reading what is new or has changed: {left} conversations left …"),
    }
}

pub(super) fn not_begun(error: StartError) -> CommandError {
    match error {
        StartError::Store(error) => error.into(),
        error => CommandError::Because { text: "asking Intercom could not begin".into(), source: error.into() },
    }
}

/// What was marked and not read is read by the next look, whoever makes it.
pub(super) fn not_ended(error: LookError, command: &str) -> CommandError {
    let Some(intercom) = error.of_intercom() else {
        return match error {
            LookError::Store(error) => error.into(),
            error => CommandError::Failed(error.to_string()),
        };
    };
    because(in_words(intercom, &format!("`{command}`")), error)
}

/// What keeps Intercom from answering, and what to do.
pub(super) fn in_words(intercom: &IntercomError, again: &str) -> String {
    let what = match (intercom.class(), intercom) {
        (Class::Ambiguous, IntercomError::Failed(refusal)) => format!("Intercom failed to answer ({refusal})"),
        (Class::Ambiguous, IntercomError::Lost(_)) => "Intercom's answer was lost on the way".to_owned(),
        (Class::Ambiguous, _) => "Intercom's answer could not be read".to_owned(),
        (Class::RateLimited, _) => "Intercom asks to slow down".to_owned(),
        // These say themselves what to do.
        _ => return intercom.to_string(),
    };
    format!("{what}; run {again} again in a minute, it goes on where it stopped")
}

/// The error itself is told in `text`; what stands below is its own reason.
fn because(text: String, error: LookError) -> CommandError {
    match error {
        LookError::Identity(crate::identity::IdentityError::Intercom(
            IntercomError::NotSent(source) | IntercomError::Lost(source),
        ))
        | LookError::Look(crate::sweep::SweepError::Intercom(
            IntercomError::NotSent(source) | IntercomError::Lost(source),
        )) => CommandError::Because { text, source: source.into() },
        _ => CommandError::Failed(text),
    }
}

impl Told for Looked {
    fn tell(&self, out: &mut dyn Write, _zone: &TimeZone) -> io::Result<()> {
        let Looked { listed, changed, seconds, .. } = self;
        let conversations = if *listed == 1 { "conversation" } else { "conversations" };
        let read = match changed {
            0 => "None was new or had changed.".to_owned(),
            1 => "1 was new or had changed, and was read.".to_owned(),
            changed => format!("{changed} were new or had changed, and were read."),
        };
        writeln!(out, "Looked at the whole workspace in {seconds} s: {listed} {conversations} listed. {read}")
    }
}
