//! Whether the file that is open, and its log, still lie where they were opened, how large the log is, and what room is
//! left.
//!
//! Owns: that nothing is written, and no notification taken, into a file that nobody will ever open again: `SQLite` goes
//! on with one that was deleted or renamed as if nothing had happened. What is committed is in the log alone for a while:
//! without that, a crash loses it. Refuses: opening the other one.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Store, StoreError};

/// Device and number of a file.
type Which = (u64, u64);

/// The file and its log as they were when they were opened. Whoever has them open keeps `SQLite` from removing the log.
#[derive(Debug)]
pub(super) struct Lies {
    path: PathBuf,
    /// `None` if the file system did not say.
    file: Option<Which>,
    log: Option<Which>,
}

impl Lies {
    pub(super) fn at(path: &Path) -> Lies {
        Lies { path: path.to_owned(), file: which(path).ok(), log: which(&log_of(path)).ok() }
    }

    fn still(&self) -> bool {
        is_still(&self.path, self.file) && is_still(&log_of(&self.path), self.log)
    }
}

fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

fn which(path: &Path) -> std::io::Result<Which> {
    std::fs::metadata(path).map(|file| (file.dev(), file.ino()))
}

/// What the file system does not say is no reason to stop.
fn is_still(path: &Path, known: Option<Which>) -> bool {
    let Some(known) = known else { return true };
    match which(path) {
        Ok(found) => found == known,
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

impl Store {
    /// Size of the write-ahead log beside the database, in bytes.
    pub fn log_size(&self) -> u64 {
        std::fs::metadata(log_of(&self.place.path)).map_or(0, |file| file.len())
    }

    /// Room left on its disk for whom we run as, in bytes; `None` where the system does not say.
    pub fn free_space(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(&self.place.path).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// The error is that it does not. To be asked before anything is written that somebody relies on.
    pub(super) fn still_lies_there(&self) -> Result<(), StoreError> {
        if self.place.still() { Ok(()) } else { Err(StoreError::Moved) }
    }
}
