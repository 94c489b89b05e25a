//! `autoclosed backup`: a copy of the database, made while others write to it.
//!
//! Owns: that nobody else may read the copy, that it is on disk before it is told and before any other goes, and that no
//! half of one is left.

mod series;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use self::series::{HALF, Series};
use super::desk::{CommandError, is_there_for_us};
use super::{Told, progress};
use crate::config;
use crate::store::copy;

/// The copy.
#[derive(Debug, Serialize)]
pub struct Copied {
    file: PathBuf,
    bytes: u64,
    /// Older copies that went for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deleted: Vec<PathBuf>,
}

/// Where the copy goes.
#[derive(Debug, Clone)]
pub enum Target {
    /// Into this file, which may not be there yet.
    File(PathBuf),
    /// Into this folder, under the name of its moment; with a number, only so many of the newest stay there.
    Folder(PathBuf, Option<u32>),
}

/// Copies the database that the configuration at `path` names to `target`, where nothing may be yet.
pub async fn backup(path: &Path, target: &Path) -> Result<(Copied, TimeZone), CommandError> {
    let config = config::load(path).map_err(CommandError::Configuration)?.config;
    let copied = copy_to(&config.database.path, target).await?;
    Ok((copied, config.timezone))
}

/// The same into a folder. Older copies go only when this one is whole and on disk.
pub async fn backup_into(
    path: &Path,
    folder: &Path,
    keep: Option<u32>,
    now: Timestamp,
) -> Result<(Copied, TimeZone), CommandError> {
    let config = config::load(path).map_err(CommandError::Configuration)?.config;
    let database = &config.database.path;
    let series = Series::of(database, folder);
    let mut copied = copy_to(database, &series.at(now)).await?;
    if let Some(keep) = keep {
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        let deleted = series.keep_newest(keep, &copied.file, now);
        copied.deleted = deleted.map_err(|(old, error)| not_deleted(&copied.file, &old, error))?;
    }
    Ok((copied, config.timezone))
}

async fn copy_to(database: &Path, target: &Path) -> Result<Copied, CommandError> {
    is_there_for_us(database)?;
    let half = Half::beside(target)?;
    let so_far = || format!("Copying the database: {} …", progress::size(half.size()));
    tokio::select! {
        copied = progress::shown(copy(database, &half.file), so_far) => copied.map_err(|error| {
            if error.refuses_the_database() { error.into() } else { not_written(target, error) }
        })?,
        () = told_to_stop() => return Err(CommandError::Failed("stopped; nothing is left of the copy".into())),
    }
    let bytes = half.size();
    half.becomes(target)?;
    Ok(Copied { file: target.to_owned(), bytes, deleted: Vec::new() })
}

/// A copy that is being made; it goes when it is dropped.
struct Half {
    file: PathBuf,
}

impl Half {
    /// For the operator alone from its first byte.
    fn beside(target: &Path) -> Result<Half, CommandError> {
        // Also what leads nowhere is there.
        if target.symlink_metadata().is_ok() {
            return Err(exists(target));
        }
        let mut name = target.as_os_str().to_owned();
        name.push(HALF);
        let file = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
            Ok(_) => Ok(Half { file }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(CommandError::Failed(format!(
                "{} is there already: another backup is being made, or one was cut off; if none is, delete it and run this again",
                file.display()
            ))),
            Err(error) => Err(not_written(target, error)),
        }
    }

    fn size(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |file| file.len())
    }

    /// On disk first, then under its name: whatever has that name is whole. Nothing is ever replaced.
    fn becomes(self, target: &Path) -> Result<(), CommandError> {
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let sync = || File::open(&self.file)?.sync_all();
        sync().map_err(|error| not_written(target, error))?;
        let reserved = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target);
        reserved.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => exists(target),
            _ => not_written(target, error),
        })?;
        std::fs::rename(&self.file, target).map_err(|error| {
            // What stands there is our own, and empty.
            let _ = std::fs::remove_file(target);
            not_written(target, error)
        })?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| not_written(target, error))
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        for suffix in ["", "-journal", "-wal", "-shm"] {
            let mut name = self.file.as_os_str().to_owned();
            name.push(suffix);
            // What is not there need not go; what cannot go is named by the next backup.
            let _ = std::fs::remove_file(name);
        }
    }
}

fn exists(target: &Path) -> CommandError {
    CommandError::Failed(format!("{} is there already and was left as it is; name another file", target.display()))
}

fn not_written(target: &Path, error: impl std::error::Error + Send + Sync + 'static) -> CommandError {
    let text = format!(
        "the copy could not be written to {}; see that its folder is there, may be written to and has room",
        target.display()
    );
    CommandError::Because { text, source: error.into() }
}

fn not_deleted(new: &Path, old: &Path, error: io::Error) -> CommandError {
    let text = format!(
        "the copy {} was made and is whole; {} could not be deleted: see to whom it and its folder belong, and delete it by \
         hand",
        new.display(),
        old.display()
    );
    CommandError::Because { text, source: error.into() }
}

/// Where signals cannot be waited for, they end the program by themselves.
async fn told_to_stop() {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    match signals {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}

impl Told for Copied {
    fn tell(&self, out: &mut dyn Write, _zone: &TimeZone) -> io::Result<()> {
        writeln!(out, "Copied the database to {} ({}).", self.file.display(), progress::size(self.bytes))?;
        for old in &self.deleted {
            writeln!(out, "Deleted {}.", old.display())?;
        }
        writeln!(out, "It holds what customers did: keep it as safe as the database itself.")
    }
}
