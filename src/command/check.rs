//! `autoclosed check`: what the configuration says, or what is wrong with it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use crate::config::{self, Config, Diagnostic, Diagnostics, Loaded, Mode, Secrets, SecretsError};
use words::either;

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
    let credentials_dir = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let secrets = Secrets::read(|name| std::env::var(name).ok(), credentials_dir.as_deref());
    let loaded = look(path, now, &secrets);
    if json { tell_json(&loaded, out) } else { tell(path, &loaded, now, out, err, colour) }
}

/// The configuration, with what is doubtful at this time and in this environment.
fn look(path: &Path, now: Timestamp, secrets: &Result<Secrets, SecretsError>) -> Result<Loaded, Diagnostics> {
    let mut loaded = config::load(path);
    if let Ok(loaded) = &mut loaded {
        loaded.doubt_at(now);
    }
    if let Err(error) = secrets {
        warnings(&mut loaded).push(about_secrets(error));
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
    let found = loaded.as_ref().map_or_else(|found| found, |loaded| &loaded.warnings);
    let report = Report {
        ok: loaded.is_ok(),
        errors: found.errors.iter().map(Finding::from).collect(),
        warnings: found.warnings.iter().map(Finding::from).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)?;
    Ok(if report.ok { GOOD } else { REFUSED })
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
