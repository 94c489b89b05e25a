//! What a failure of `SQLite` means to whoever runs the daemon, with the next step.
//!
//! Owns: telling a disk or a lock in the way, which passes, from a database that is wrong. Refuses: deciding what then.

use std::path::Path;

use sqlx::migrate::MigrateError;

use super::StoreError;

/// `SQLite`'s primary result code, without what extended ones add to it.
pub(super) fn code(error: &sqlx::Error) -> Option<u32> {
    let sqlx::Error::Database(inner) = error else { return None };
    inner.code()?.parse::<u32>().ok().map(|code| code & 0xff)
}

/// In a sentence. The source has `SQLite`'s own words.
pub(super) fn told(error: &sqlx::Error) -> &'static str {
    match code(error) {
        // SQLITE_FULL
        Some(13) => "the disk of the database is full; make room there (`df` tells where), it then goes on by itself",
        // SQLITE_BUSY and SQLITE_LOCKED
        Some(5 | 6) => {
            "another program has locked the database for too long; end that one (`fuser` names it), it then goes on by itself"
        }
        // SQLITE_IOERR
        Some(10) => {
            "the disk of the database fails or is full; see what the system's log says of it (`dmesg`) and how much space is left"
        }
        // SQLITE_READONLY and SQLITE_CANTOPEN
        Some(8 | 14) => {
            "the database cannot be written; see to whom the file and its folder belong and whether the file system is read-only"
        }
        _ => "the database failed",
    }
}

/// Whether it lies in what is around the database.
fn is_around(error: &sqlx::Error) -> bool {
    passes(error) || matches!(code(error), Some(8 | 14))
}

/// Whether nothing but waiting may help: no space, a disk that fails, somebody's lock.
fn passes(error: &sqlx::Error) -> bool {
    is_full(error) || matches!(code(error), Some(5 | 6 | 10))
}

fn is_full(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::StorageFull,
        other => code(other) == Some(13),
    }
}

/// The other step for whoever has gone back to an earlier version.
pub(super) fn or_go_back(copy: Option<&Path>) -> String {
    let told =
        |copy: &Path| format!(", or put the copy from before its upgrade back, {} (docs/deploy.md)", copy.display());
    copy.map(told).unwrap_or_default()
}

impl StoreError {
    /// Whether the same may succeed a little later, with nothing changed but the disk or somebody's lock.
    pub fn may_pass(&self) -> bool {
        matches!(self, StoreError::Sql(error) | StoreError::NoCopy(_, error) if passes(error))
    }
}

/// A migration that the disk kept from being done says nothing against the database: each is done wholly or not at all.
pub(super) fn not_migrated(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(inner) | MigrateError::ExecuteMigration(inner, _) if is_around(&inner) => {
            StoreError::Sql(inner)
        }
        MigrateError::Dirty(step) => StoreError::HalfWay(step),
        other => StoreError::Migrate(other),
    }
}
