//! The command line as it is written: subcommands, their arguments, and what `--help` says of them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config;
use crate::engine::conversation::ConversationId;

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
    /// Watch a week in about ten seconds, against an Intercom of its own
    Demo,
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
