//! The command line as it is written: subcommands, their arguments, and what `--help` says of them.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use super::backup::Target;
use crate::config;
use crate::engine::conversation::ConversationId;
use crate::engine::rule::StepKind;

const FILE_HELP: &str =
    "Configuration file [default: $AUTOCLOSED_CONFIG, /etc/autoclosed/autoclosed.toml, config/autoclosed.toml]";

/// Closes Intercom conversations that have gone quiet, by your rules.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon
    Run {
        /// The configuration.
        #[command(flatten)]
        file: File,
    },
    /// Check the configuration; nothing is changed anywhere
    Check {
        /// Ask Intercom too: the token, the workspace, and whatever the rules name
        #[arg(long)]
        online: bool,
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
    /// Say what becomes of one conversation, and why
    Explain {
        /// The conversation's id, as in its address in Intercom
        #[arg(value_parser = conversation)]
        id: ConversationId,
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
    /// Show what was done and why, oldest first
    History {
        /// Only this conversation
        #[arg(value_parser = conversation)]
        id: Option<ConversationId>,
        /// What to leave out.
        #[command(flatten)]
        filters: Filters,
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
    /// Leave one conversation alone
    Hold {
        /// The conversation's id, as in its address in Intercom
        #[arg(value_parser = conversation)]
        id: ConversationId,
        /// When the hold ends by itself: RFC 3339, or a length of time such as "3 days" [default: when it is released]
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
    /// Leave a held conversation to the rules again
    Release {
        /// The conversation's id, as in its address in Intercom
        #[arg(value_parser = conversation)]
        id: ConversationId,
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
    /// Stop acting at once, and go on recording
    Pause {
        /// Only this rule
        #[arg(long, value_name = "NAME")]
        rule: Option<String>,
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
    /// Act again after a pause
    Resume {
        /// Only this rule
        #[arg(long, value_name = "NAME")]
        rule: Option<String>,
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
    /// Reopen what a rule has closed and nobody has touched since, with the snooze it had
    Undo {
        /// The rule
        #[arg(long, value_name = "NAME")]
        rule: String,
        /// Closes from then on: RFC 3339, or a length of time before now such as "3 hours"
        #[arg(long, value_name = "TIME")]
        since: String,
        /// Show what would be reopened, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
    /// Show what waits for you, let it go in measured doses, or discard it
    Backlog {
        /// What to do with it.
        #[command(subcommand)]
        what: OfBacklog,
    },
    /// Look at the whole workspace now, also beside a running daemon
    Reconcile {
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
    /// Copy the database, also while the daemon writes
    Backup {
        /// Where the copy goes.
        #[command(flatten)]
        target: CopyTarget,
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
    /// Show how the daemon is, what it tracks and what it has done; exit status 1 unless all is well
    Status {
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
    /// Erase everything about one conversation, for good
    Forget {
        /// The conversation's id, as in its address in Intercom
        #[arg(value_parser = conversation)]
        id: ConversationId,
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
    /// Watch a week in about ten seconds, against an Intercom of its own
    Demo,
    /// Print what makes a shell complete these commands
    Completions {
        /// The shell
        #[arg(value_parser = shell())]
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

/// What can be done with the backlog.
#[derive(Debug, Subcommand)]
pub enum OfBacklog {
    /// Show what waits, oldest first
    List {
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
    /// Let the oldest go; the daemon looks at each again before it acts
    Release {
        /// At most so many of them
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        max: u32,
        /// At most so many in any hour, what was let go before included
        #[arg(long, value_name = "M", value_parser = clap::value_parser!(u32).range(1..))]
        per_hour: u32,
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
    /// Leave what is there alone for good, be it let go or not
    Discard {
        /// Only this conversation
        #[arg(value_parser = conversation)]
        id: Option<ConversationId>,
        /// Only this rule
        #[arg(long, value_name = "NAME", conflicts_with = "id")]
        rule: Option<String>,
        /// The configuration, and how to answer.
        #[command(flatten)]
        common: Common,
    },
}

/// Where a copy of the database goes.
#[derive(Debug, Args)]
pub struct CopyTarget {
    /// Where the copy goes; nothing may be there yet
    #[arg(value_name = "FILE", required_unless_present = "folder", conflicts_with = "folder")]
    file: Option<PathBuf>,
    /// In place of FILE: into this folder, under the name of the moment
    #[arg(long = "into", value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Then delete all but the N newest copies of this database in that folder
    #[arg(long, value_name = "N", requires = "folder", conflicts_with = "file", value_parser = clap::value_parser!(u32).range(1..))]
    keep: Option<u32>,
}

impl CopyTarget {
    /// What was named: one of both, as the command line makes sure.
    pub fn named(self) -> Target {
        match self.folder {
            Some(folder) => Target::Folder(folder, self.keep),
            None => Target::File(self.file.unwrap_or_default()),
        }
    }
}

/// What every command that answers takes.
#[derive(Debug, Args)]
pub struct Common {
    /// The configuration.
    #[command(flatten)]
    pub file: File,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What the journal holds beside a step's kind: what an operator does by hand.
const BY_HAND: [&str; 3] = ["hold", "release", "undo"];
const OUTCOMES: [&str; 7] = ["done", "raced", "left", "deferred", "failed", "unclear", "dry_run"];

/// Which lines of the journal are shown.
#[derive(Debug, Default, Args)]
pub struct Filters {
    /// Only this rule
    #[arg(long, value_name = "NAME")]
    pub rule: Option<String>,
    /// Only this outcome
    #[arg(long, value_name = "OUTCOME", value_parser = OUTCOMES)]
    pub outcome: Option<String>,
    /// Only this kind of step, or what was done by hand
    #[arg(long = "do", value_name = "KIND", value_parser = PossibleValuesParser::new(kinds()))]
    pub does: Option<String>,
    /// Only from then on: RFC 3339, or a length of time before now such as "3 days"
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only before then: RFC 3339, or a length of time before now
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only the newest so many [default: 50, or all of them with --json]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

impl Filters {
    /// Whether they leave anything out.
    pub fn narrow(&self) -> bool {
        let Filters { rule, outcome, does, since, until, limit: _ } = self;
        [rule, outcome, does, since, until].iter().any(|filter| filter.is_some())
    }
}

fn kinds() -> impl Iterator<Item = &'static str> {
    StepKind::NAMES.iter().map(|(_, name)| *name).chain(BY_HAND)
}

/// A rule's name as a word that a shell takes for it.
pub fn word(name: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_.,:/+@".contains(letter);
    if name.chars().all(plain) { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

/// Those whose completions are installed and tried.
fn shell() -> impl TypedValueParser<Value = Shell> {
    PossibleValuesParser::new(["bash", "zsh", "fish"]).try_map(|name| name.parse::<Shell>())
}

/// Which configuration.
#[derive(Debug, Args)]
pub struct File {
    #[arg(long = "config", value_name = "FILE", help = FILE_HELP)]
    path: Option<PathBuf>,
}

impl File {
    /// The file that was named, or the first of those that are looked for.
    pub fn path(self) -> PathBuf {
        config::default_path(self.path, |name| std::env::var(name).ok(), std::path::Path::exists)
    }
}

fn conversation(text: &str) -> Result<ConversationId, String> {
    ConversationId::try_from(text).map_err(|_| "a conversation's id is 1 to 20 digits".to_owned())
}
