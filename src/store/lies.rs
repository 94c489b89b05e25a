//! Whether the file that is open still lies where it was opened, how large the log beside it is, and what room is left.
//!
//! Owns: that nothing is written, and no notification taken, into a file that nobody will ever open again: `SQLite` goes
//! on with one that was deleted or renamed as if nothing had happened. Refuses: opening the other one.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Store, StoreError};

/// A file as it was when it was opened.
#[derive(Debug)]
pub(super) struct Lies {
    path: PathBuf,
    /// Device and number; `None` if the file system did not say.
    file: Option<(u64, u64)>,
}

impl Lies {
    pub(super) fn at(path: &Path) -> Lies {
        let file = std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
        Lies { path: path.to_owned(), file }
    }

    /// What the file system does not say is no reason to stop.
    fn still(&self) -> bool {
        match (std::fs::metadata(&self.path), self.file) {
            (Ok(found), Some(known)) => (found.dev(), found.ino()) == known,
            (Err(error), _) => error.kind() != ErrorKind::NotFound,
            (Ok(_), None) => true,
        }
    }
}

impl Store {
    /// Size of the write-ahead log beside the database, in bytes.
    pub fn log_size(&self) -> u64 {
        let mut log = self.place.path.as_os_str().to_owned();
        log.push("-wal");
        std::fs::metadata(log).map_or(0, |file| file.len())
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
