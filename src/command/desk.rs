//! What a command works with beside a running daemon: the same configuration, the same database, the time.
//!
//! Owns: how a command that cannot work says so, and with which exit status. Refuses: changing the schema, which is for
//! the daemon at its start.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustix::fs::Access;
use rustix::io::Errno;

use crate::clock::Clock;
use crate::config::{self, Config, Diagnostics};
use crate::daemon;
use crate::engine::conversation::ConversationId;
use crate::identity;
use crate::names::Names;
use crate::rulebook::Rulebook;
use crate::standpoint::Identity;
use crate::store::{Context, Store, StoreError};

/// What a command works with.
#[derive(Debug)]
pub struct Desk {
    /// The configuration as the file says it now. A running daemon may not have read it yet.
    pub config: Config,
    /// The file has mistakes, so that not all of what it should say is in `config`.
    pub mistaken: bool,
    /// The database.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// The workspace and the teammate that acts, as far as they are known.
    pub identity: Identity,
    /// What the names in the rules stand for, as the daemon has found out.
    pub names: Names,
}

/// Why a command did not do what was asked, with what its exit status tells.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The configuration has mistakes. Exit status 2.
    #[error("{0}")]
    Configuration(Diagnostics),
    /// The command line asks for what cannot be. Exit status 2.
    #[error("{0}")]
    Usage(String),
    /// A secret is missing or wrong. Exit status 2.
    #[error(transparent)]
    Secrets(#[from] config::SecretsError),
    /// There is no database yet. Exit status 1.
    #[error("there is no database at {0}; start `autoclosed run` first, or name another in [database] url")]
    NoDatabase(PathBuf),
    /// The database is another user's. Exit status 1.
    #[error(
        "the database at {0} is open to its owner and to root alone; run this as one of them, for example with sudo"
    )]
    NotAllowed(PathBuf),
    /// The database is refused (exit status 3) or fails (1).
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing is known of that conversation. Exit status 1.
    #[error(
        "conversation {0} is not known; look for a slip in the id, or run `autoclosed reconcile` to have all looked at that is open or snoozed"
    )]
    UnknownConversation(ConversationId),
    /// It was forgotten. Exit status 1.
    #[error("conversation {0} was forgotten; nothing is known of it, and no rule touches it any more")]
    Forgotten(ConversationId),
    /// No workspace is known yet. Exit status 1.
    #[error("whose workspace this is is not known yet; let the daemon reach Intercom once, or set [intercom] app_id")]
    NoWorkspace,
    /// Something else failed; the text says what to do. Exit status 1.
    #[error("{0}")]
    Failed(String),
    /// Something else failed, for the reason that is told along with it; the text says what to do. Exit status 1.
    #[error("{text}")]
    Because {
        /// What failed, and what to do.
        text: String,
        /// The reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The answer could not be written out. Exit status 1.
    #[error("cannot write the answer")]
    Output(#[from] io::Error),
}

impl CommandError {
    /// The exit status of the program.
    pub fn exit_status(&self) -> u8 {
        match self {
            CommandError::Configuration(_) | CommandError::Usage(_) | CommandError::Secrets(_) => 2,
            CommandError::Store(error) if error.refuses_the_database() => 3,
            _ => 1,
        }
    }
}

/// Told with the whole path: whoever stands in another folder than the daemon sees that a relative one leads elsewhere.
pub(super) fn is_there_for_us(file: &Path) -> Result<(), CommandError> {
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    match rustix::fs::access(file, Access::READ_OK | Access::WRITE_OK) {
        Err(Errno::ACCESS | Errno::PERM) => Err(CommandError::NotAllowed(whole)),
        Ok(()) if std::fs::metadata(file).is_ok_and(|file| file.len() > 0) => Ok(()),
        _ => Err(CommandError::NoDatabase(whole)),
    }
}

impl Desk {
    /// Reads the file at `path`, and opens the database that it names.
    pub async fn open(path: &Path, clock: Clock) -> Result<Desk, CommandError> {
        let config = config::load(path).map_err(CommandError::Configuration)?.config;
        Desk::with(config, false, clock).await
    }

    /// The same whatever mistakes the file has, as far as it tells where the database is: they must not keep anybody
    /// from stopping the daemon.
    pub async fn open_to_stop(path: &Path, clock: Clock) -> Result<(Desk, Diagnostics), CommandError> {
        let (config, found) = config::salvage(path).map_err(CommandError::Configuration)?;
        let mistaken = !found.errors.is_empty();
        Ok((Desk::with(config, mistaken, clock).await?, found))
    }

    async fn with(config: Config, mistaken: bool, clock: Clock) -> Result<Desk, CommandError> {
        let file = &config.database.path;
        is_there_for_us(file)?;
        let store = Store::open_beside(file).await?;
        let identity = identity::remembered(&store, &daemon::expected(&config)).await?;
        let names = Names::remembered(&store).await?;
        Ok(Desk { config, mistaken, store, clock, identity, names })
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The workspace.
    pub fn app_id(&self) -> Result<&str, CommandError> {
        self.identity.app_id.as_deref().ok_or(CommandError::NoWorkspace)
    }

    /// Why nothing is known of a conversation.
    pub async fn unknown(&self, id: &ConversationId) -> Result<CommandError, CommandError> {
        let forgotten = self.store.is_forgotten(self.app_id()?, id).await?;
        Ok(if forgotten { CommandError::Forgotten(id.clone()) } else { CommandError::UnknownConversation(id.clone()) })
    }

    /// What deciding needs beside the conversation: the rules as the file says them now.
    pub fn context(&self) -> Context {
        Context {
            app_id: self.identity.app_id.clone(),
            admin_id: self.identity.admin_id.as_ref().map(Arc::clone),
            rulebook: Rulebook::new(daemon::edition(&self.config, &self.names)),
            keep_bodies: daemon::keep_bodies(&self.config),
            now: self.now(),
            received_at: self.now(),
        }
    }
}
