//! The lock beside the database, which the kernel frees when its process dies.
//!
//! Owns: the file `NAME.lock`, and how a lock is known again. Refuses: being the only word: see `tenure`.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Changes with every start of the machine.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// Whose the lock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locked {
    /// Ours.
    Ours,
    /// Another process's, which lives.
    Anothers,
    /// The file system does not say.
    Untold,
}

/// The lock, had or not.
#[derive(Debug, Default)]
pub struct Lock {
    file: Option<File>,
    held: bool,
    proof: Option<String>,
}

impl Lock {
    /// The lock of the database at `path`, not yet asked for. Whatever name leads to a database, its lock is the same.
    pub fn beside(path: &Path) -> Lock {
        let real = std::fs::canonicalize(path).or_else(|_| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::canonicalize(folder)
                .map(|folder| path.file_name().map_or(folder.clone(), |name| folder.join(name)))
        });
        let mut name = real.unwrap_or_else(|_| path.to_owned()).into_os_string();
        name.push(".lock");
        match OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&name) {
            Ok(file) => Lock { proof: proof(&file), file: Some(file), held: false },
            Err(error) => {
                tracing::warn!(error = %error, "no lock can be made beside the database; a second autoclosed on it is known by its lease alone");
                Lock::default()
            }
        }
    }

    /// Takes it if nobody has it.
    pub fn take(&mut self) -> Locked {
        let Some(file) = &self.file else { return Locked::Untold };
        if self.held {
            return Locked::Ours;
        }
        match file.try_lock() {
            Ok(()) => {
                self.held = true;
                Locked::Ours
            }
            Err(TryLockError::WouldBlock) => Locked::Anothers,
            Err(TryLockError::Error(_)) => Locked::Untold,
        }
    }

    /// Lets go of it. By name, as a process that we have just started may still hold a copy of the file.
    pub fn free(&mut self) {
        if let (true, Some(file)) = (std::mem::take(&mut self.held), &self.file)
            && let Err(error) = file.unlock()
        {
            tracing::warn!(error = %error, "the lock beside the database could not be freed");
        }
    }

    /// What tells this lock from every other: this start of this machine, and this file. Who later gets the very same
    /// lock knows that its process has died.
    pub fn proof(&self) -> Option<&str> {
        self.proof.as_deref()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.free();
    }
}

fn proof(file: &File) -> Option<String> {
    let (boot, file) = (std::fs::read_to_string(BOOT).ok()?, file.metadata().ok()?);
    Some(format!("{}/{}/{}", boot.trim(), file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_has_it_and_whoever_comes_by_another_name_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.db"), folder.path().join("b.db"));
        std::fs::write(&path, "").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let (mut first, mut second) = (Lock::beside(&path), Lock::beside(&link));
        assert_eq!((first.take(), second.take(), first.take()), (Locked::Ours, Locked::Anothers, Locked::Ours));
        assert_eq!(first.proof(), second.proof());
        drop(first);
        assert_eq!(second.take(), Locked::Ours);
        let mode = std::fs::metadata(folder.path().join("a.db.lock")).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
    }

    #[test]
    fn a_lock_whose_file_was_deleted_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let mut first = Lock::beside(&path);
        first.take();
        std::fs::remove_file(folder.path().join("a.db.lock")).unwrap();
        let mut second = Lock::beside(&path);
        assert_eq!(second.take(), Locked::Ours);
        assert_ne!(first.proof(), second.proof());
    }

    #[test]
    fn where_no_lock_can_be_made_nothing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Lock::beside(&folder.path().join("missing/a.db")).take(), Locked::Untold);
    }
}
