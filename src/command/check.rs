//! `autoclosed check`: what the configuration says, or what is wrong with it; asked for, also what Intercom says.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use crate::clock::Clock;
use crate::config::{self, Config, Diagnostic, Diagnostics, Loaded, Mode, Secrets, SecretsError};
use words::either;

mod online;
mod texts;
mod words;

/// All is well.
const GOOD: u8 = 0;
/// The configuration is refused.
const REFUSED: u8 = 2;

/// Checks the file at `path` and tells the result: as one JSON document on `out`, or for people, with what is wrong
/// on `err`. Asks nobody outside this machine. The answer is the exit status: 0, or 2 for a configuration that is
/// refused. Holidays and openings are told from `now` on. Fails only if `out` or `err` cannot be written to.
pub fn run(
    path: &Path,
    now: Timestamp,
    json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
    colour: bool,
) -> io::Result<u8> {
    let loaded = look(path, now, &secrets());
    if json { tell_json(&loaded, out) } else { tell(path, &loaded, now, out, err, colour) }
}

/// The same, and then asks Intercom about everything that only it can say; nothing is asked if the configuration is
/// refused. The exit status is also 2 for whatever Intercom finds wrong, and 1 if it does not answer.
pub async fn run_online(
    path: &Path,
    clock: Clock,
    json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
    colour: bool,
) -> io::Result<u8> {
    let now = clock.now();
    let mut loaded = read(path, now);
    let file = path.display().to_string();
    let mut refused = None;
    let mut found = Vec::new();
    if let Ok(loaded) = &loaded {
        match secrets() {
            Ok(secrets) => found = online::ask(loaded, &file, &secrets, clock).await,
            Err(error) => refused = Some(about_secrets(&error)),
        }
    }
    let told = if json { GOOD } else { tell(path, &loaded, now, out, err, colour)? };
    if let Some(refused) = refused {
        if !json {
            err.write_all(Diagnostics::from(refused.clone()).render(colour).as_bytes())?;
            return Ok(REFUSED);
        }
        loaded = Err(Diagnostics { errors: vec![refused], ..warned(loaded) });
    }
    if json {
        return tell_json_of(&loaded, Some(&found), out);
    }
    if found.is_empty() {
        return Ok(told);
    }
    online::tell(&found, out, colour)?;
    Ok(online::status(&found))
}

fn warned(loaded: Result<Loaded, Diagnostics>) -> Diagnostics {
    loaded.map_or_else(|found| found, |loaded| loaded.warnings)
}

fn secrets() -> Result<Secrets, SecretsError> {
    let credentials_dir = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    Secrets::read(|name| std::env::var(name).ok(), credentials_dir.as_deref())
}

/// The configuration, with what is doubtful at this time and in this environment.
fn look(path: &Path, now: Timestamp, secrets: &Result<Secrets, SecretsError>) -> Result<Loaded, Diagnostics> {
    let mut loaded = read(path, now);
    if let Err(error) = secrets {
        warnings(&mut loaded).push(about_secrets(error));
    }
    loaded
}

fn read(path: &Path, now: Timestamp) -> Result<Loaded, Diagnostics> {
    let mut loaded = config::load(path);
    if let Ok(loaded) = &mut loaded {
        loaded.doubt_at(now);
    }
    loaded
}

fn warnings(loaded: &mut Result<Loaded, Diagnostics>) -> &mut Vec<Diagnostic> {
    match loaded {
        Ok(loaded) => &mut loaded.warnings.warnings,
        Err(found) => &mut found.warnings,
    }
}

fn about_secrets(error: &SecretsError) -> Diagnostic {
    let text = error.to_string();
    let (message, help) = text.split_once("; ").unwrap_or((&text, "set both secrets before `autoclosed run`"));
    Diagnostic::about("environment", message, help)
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    errors: Vec<Finding<'a>>,
    warnings: Vec<Finding<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    online: Option<Vec<online::Line<'a>>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    message: &'a str,
    help: &'a str,
}

impl<'a> From<&'a Diagnostic> for Finding<'a> {
    fn from(found: &'a Diagnostic) -> Finding<'a> {
        let Diagnostic { file, line, column, message, help, .. } = found;
        Finding { file, line: *line, column: *column, message, help }
    }
}

fn tell_json(loaded: &Result<Loaded, Diagnostics>, out: &mut dyn Write) -> io::Result<u8> {
    tell_json_of(loaded, None, out)
}

/// `asked`: what Intercom was asked, if it was.
fn tell_json_of(
    loaded: &Result<Loaded, Diagnostics>,
    asked: Option<&[online::Finding]>,
    out: &mut dyn Write,
) -> io::Result<u8> {
    let found = loaded.as_ref().map_or_else(|found| found, |loaded| &loaded.warnings);
    let online = asked.unwrap_or_default();
    let status = if loaded.is_ok() { online::status(online) } else { REFUSED };
    let report = Report {
        ok: status == GOOD,
        errors: found.errors.iter().map(Finding::from).chain(online::errors(online)).collect(),
        warnings: found.warnings.iter().map(Finding::from).chain(online::warnings(online)).collect(),
        online: asked.map(|asked| asked.iter().map(online::Finding::line).collect()),
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)?;
    Ok(status)
}

fn tell(
    path: &Path,
    loaded: &Result<Loaded, Diagnostics>,
    now: Timestamp,
    out: &mut dyn Write,
    err: &mut dyn Write,
    colour: bool,
) -> io::Result<u8> {
    match loaded {
        Ok(Loaded { config, warnings, .. }) => {
            err.write_all(warnings.render(colour).as_bytes())?;
            writeln!(out, "{} is in order.\n", path.display())?;
            summary(config, out)?;
            words::calendars(config, now, out)?;
            words::rules(config, now, out)?;
            Ok(GOOD)
        }
        Err(found) => {
            err.write_all(found.render(colour).as_bytes())?;
            Ok(REFUSED)
        }
    }
}

fn summary(config: &Config, out: &mut dyn Write) -> io::Result<()> {
    let mode = match config.mode {
        Mode::DryRun => "dry-run; decisions are written down, nothing is sent to Intercom",
        Mode::Live => "live; conversations are closed and messages are sent",
    };
    writeln!(out, "Mode: {mode}")?;
    writeln!(out, "Intercom: {}, version {}", config.intercom.base_url, config.intercom.api_version)?;
    writeln!(out, "Webhooks: {} on http://{}", config.server.webhook_path, config.server.listen)?;
    writeln!(out, "Health: http://{}", config.admin.listen)?;
    writeln!(out, "Database: {}", config.database.path.display())?;
    if config.rules.hold_tags.is_empty() {
        writeln!(out, "Held by tag: none")?;
    } else {
        writeln!(out, "Never touched while tagged: {}", either(&config.rules.hold_tags))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
