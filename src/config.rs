//! The configuration: one TOML file, checked as a whole before anything starts.
//!
//! Owns: every key, its default and its limits, and diagnostics that say what to write instead. Refuses: secrets in
//! the file, and anything half-checked: whoever holds a [`Config`] need not check it again.

mod attributes;
mod calendars;
pub(crate) mod channels;
mod conditions;
mod contradictions;
mod diagnostic;
pub(crate) mod duration;
mod example;
pub mod ics;
mod idle;
mod lints;
mod literal;
mod mentions;
mod notes;
mod openings;
mod people;
mod placeholders;
mod places;
mod promises;
mod reader;
mod rules;
mod schedule;
mod secrets;
mod sections;
mod shadowed;
mod steps;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use toml::de::DeTable;
use url::Url;

use crate::engine::RuleSet;
use crate::engine::calendar::Calendar;
use crate::safety::Share;

pub(crate) use diagnostic::plain;
pub use diagnostic::{Diagnostic, Diagnostics};
pub use mentions::{Mention, Mentioned};
pub use schedule::longest_gap;
pub use secrets::{Secrets, SecretsError};

use calendars::Files;
use notes::Notes;
use reader::Reader;

pub(crate) use reader::nearest;

/// A length of time as it is written in the configuration; `None` if it is none.
pub fn length_of_time(text: &str) -> Option<SignedDuration> {
    duration::parse(text).ok()
}

/// The largest configuration file that is read, in bytes.
const LARGEST: usize = 10 << 20;

/// A checked configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Whether anything is sent to Intercom.
    pub mode: Mode,
    /// The zone in which messages name days.
    pub timezone: TimeZone,
    /// How Intercom is reached, and as whom.
    pub intercom: IntercomConfig,
    /// The public listener.
    pub server: ServerConfig,
    /// The private listener.
    pub admin: AdminConfig,
    /// Where everything is kept.
    pub database: DatabaseConfig,
    /// When the daemon wakes.
    pub schedule: ScheduleConfig,
    /// How much may be done, and how fast.
    pub safety: SafetyConfig,
    /// Every calendar, in the order of the file, whether a rule names it or not.
    pub calendars: Vec<Arc<Calendar>>,
    /// The rules, with the tags that hold conversations and how often one is closed.
    pub rules: RuleSet,
}

/// Whether decisions are acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Decides and writes down; no request that changes anything is ever sent.
    DryRun,
    /// Acts.
    Live,
}

impl Mode {
    /// Every mode with its name in the configuration.
    pub const NAMES: [(Mode, &'static str); 2] = [(Mode::DryRun, "dry-run"), (Mode::Live, "live")];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Mode::DryRun => "dry-run",
            Mode::Live => "live",
        }
    }
}

/// `[intercom]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntercomConfig {
    /// Where the API is, of the region or a proxy; https, or http to this machine. Without a trailing path.
    pub base_url: Url,
    /// The `Intercom-Version` header: `2.6` or later.
    pub api_version: String,
    /// The teammate that acts, digits; `None` is the token's own.
    pub admin_id: Option<String>,
    /// The workspace; `None` is learnt from Intercom.
    pub app_id: Option<String>,
    /// A cap of our own on requests in ten seconds; at least 5.
    pub requests_per_10s: Option<u32>,
    /// Longest wait for the answer to one request.
    pub timeout: Duration,
    /// How often a refused token is tried again.
    pub probe: Duration,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Address of the webhook.
    pub listen: SocketAddr,
    /// Its exact path, beginning with `/`.
    pub webhook_path: String,
    /// Largest body accepted, in bytes.
    pub max_body: usize,
}

/// `[admin]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminConfig {
    /// Address of health and metrics; never the public one.
    pub listen: SocketAddr,
}

/// `[database]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseConfig {
    /// The database file; relative to the working directory.
    pub path: PathBuf,
    /// Which raw bodies are kept.
    pub keep_bodies: KeepBodies,
    /// How long raw bodies and seen notification ids are kept.
    pub retention: SignedDuration,
}

/// Which raw notification bodies are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepBodies {
    /// Only of notifications that were kept aside.
    Odd,
    /// All.
    All,
}

impl KeepBodies {
    /// Every value with its name in the configuration.
    pub const NAMES: [(KeepBodies, &'static str); 2] = [(KeepBodies::Odd, "odd"), (KeepBodies::All, "all")];
}

/// `[schedule]`: cron expressions with six fields, seconds first, UTC; each fires some day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleConfig {
    /// When what is due is done.
    pub sweep: String,
    /// When Intercom is asked for what no webhook told.
    pub reconcile: String,
}

/// `[safety]`, but for what belongs to the [`RuleSet`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetyConfig {
    /// Most actions in one sweep.
    pub max_actions_per_sweep: u32,
    /// Most closes in any sliding hour.
    pub max_closes_per_hour: u32,
    /// Most texts that contacts see in any sliding hour, closing texts included.
    pub max_messages_per_hour: u32,
    /// A rule stops by itself when contacts reopen this share of its last closes.
    pub trip_reopen_rate: Share,
    /// How long a lost answer rests before the conversation is looked at again.
    pub unclear_quiet: SignedDuration,
    /// A change older than this that no webhook told was missed.
    pub missed_grace: SignedDuration,
    /// More missed in an hour than these are too many.
    pub max_missed: u32,
    /// What is first within reach longer than this after it was due waits for an operator.
    pub max_lateness: SignedDuration,
    /// More than this due at once, and all of it waits for an operator.
    pub max_due_at_once: u32,
}

/// A configuration that can be used, and what is doubtful about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Doubts, with `errors` empty.
    pub warnings: Diagnostics,
    /// What it names that only the workspace knows, in the order of the file.
    pub mentions: Vec<Mention>,
    /// Of each calendar, in their order, a diagnostic at its place that says nothing yet.
    calendar_places: Vec<Diagnostic>,
}

/// Reads and checks a file of at most 10 MiB, with the files that it names. One that cannot be read is a diagnostic.
pub fn load(path: &Path) -> Result<Loaded, Diagnostics> {
    understand(path).and_then(Understood::checked)
}

/// What of a file can be understood, with its mistakes beside it: for whoever must stop the daemon whatever they are.
/// What they leave open has its default.
pub fn salvage(path: &Path) -> Result<(Config, Diagnostics), Diagnostics> {
    let Understood { config, found, .. } = understand(path)?;
    match config {
        Some(config) => Ok((config, found)),
        None => Err(found),
    }
}

fn understand(path: &Path) -> Result<Understood, Diagnostics> {
    let file = path.display().to_string();
    match read(path) {
        Ok(text) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            understood(&file, &text, &|name| read(&folder.join(name)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let help = "name another file with --config, or in AUTOCLOSED_CONFIG";
            Err(Diagnostic::about(&file, "there is no such file", help).into())
        }
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            let help = "name the file in it, such as autoclosed.toml, with --config or in AUTOCLOSED_CONFIG";
            Err(Diagnostic::about(&file, "this is a folder, not a file", help).into())
        }
        Err(error) => {
            let help = "make the file readable for the user that runs autoclosed";
            Err(Diagnostic::about(&file, format!("the file cannot be read: {error}"), help).into())
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(LARGEST as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// Checks the text of a configuration that names no other files; `file` is its own name in diagnostics. All mistakes
/// are found at once.
pub fn parse(file: &str, text: &[u8]) -> Result<Loaded, Diagnostics> {
    parse_with(file, text, &|_| Err(io::Error::other("this configuration is in no folder")))
}

/// The same, where `files` reads what the configuration names.
fn parse_with(file: &str, text: &[u8], files: Files<'_>) -> Result<Loaded, Diagnostics> {
    understood(file, text, files).and_then(Understood::checked)
}

/// A text as far as it can be understood, and what was found in it.
struct Understood {
    config: Option<Config>,
    found: Diagnostics,
    mentions: Vec<Mention>,
    calendar_places: Vec<Diagnostic>,
}

impl Understood {
    fn checked(self) -> Result<Loaded, Diagnostics> {
        let Understood { config, found, mentions, calendar_places } = self;
        match config {
            Some(config) if found.errors.is_empty() => {
                Ok(Loaded { config, warnings: found, mentions, calendar_places })
            }
            _ => Err(found),
        }
    }
}

fn understood(file: &str, text: &[u8], files: Files<'_>) -> Result<Understood, Diagnostics> {
    let text = decode(file, text)?;
    let (table, syntax) = DeTable::parse_recoverable(&text);
    let notes = Notes::new(file, &text, &syntax);
    let top = Reader::new(&notes, "the configuration", 0..0, Some(table.get_ref()));
    let config = sections::config(top, files);
    let calendar_places = openings::places(&notes, table.get_ref());
    let mentions = mentions::mentions(&notes, table.get_ref());
    Ok(Understood { config, found: notes.into_found(), mentions, calendar_places })
}

/// Lines end with a line feed alone, whatever the editor writes: a message is known again by its text.
fn decode<'t>(file: &str, text: &'t [u8]) -> Result<Cow<'t, str>, Diagnostics> {
    if text.len() > LARGEST {
        let help = "check that this is the configuration of autoclosed";
        return Err(Diagnostic::about(file, "the file is larger than 10 MiB", help).into());
    }
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let text = str::from_utf8(text).map_err(|error| {
        let good = String::from_utf8_lossy(&text[..error.valid_up_to()]).replace("\r\n", "\n");
        let help = "save the file as UTF-8";
        Diagnostics::from(Diagnostic::at(file, &good, good.len()..good.len(), "this is not UTF-8 text", help))
    })?;
    Ok(if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text.into() })
}

/// The configuration file to use: the one chosen on the command line, else `AUTOCLOSED_CONFIG`, else
/// `/etc/autoclosed/autoclosed.toml` if that exists, else `config/autoclosed.toml`.
pub fn default_path(
    chosen: Option<PathBuf>,
    environment: impl Fn(&str) -> Option<String>,
    exists: impl Fn(&Path) -> bool,
) -> PathBuf {
    let named = || environment("AUTOCLOSED_CONFIG").filter(|path| !path.trim().is_empty()).map(PathBuf::from);
    let system = Path::new("/etc/autoclosed/autoclosed.toml");
    let fallback = || if exists(system) { system.to_owned() } else { PathBuf::from("config/autoclosed.toml") };
    chosen.or_else(named).unwrap_or_else(fallback)
}

#[cfg(test)]
mod tests;
