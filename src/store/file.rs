//! The database as a file: a copy of it, and leaving nothing in it of what was erased.
//!
//! Owns: that a copy holds all that was committed before it began. Refuses: keeping others from reading, or from
//! writing for longer than it must.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::{BUSY, Depth, Store, StoreError, inspect};
use crate::sabotage::{Bug, planted};

/// Whoever reads keeps the log from being emptied, and whoever empties it keeps others from writing: it is tried for so
/// long at a time.
const TRY_FOR: Duration = Duration::from_millis(400);
/// Between two turns of overwriting what was erased others write: longer than one that waits sleeps between two tries of its own.
pub(super) const LET_WRITE: Duration = Duration::from_millis(120);
/// The setting that says that nothing was ever deleted here without being overwritten.
const SECURE_DELETE: &str = "secure_delete";

/// Copies the database at `path` into the file `to`, which must be there and empty. Whoever writes meanwhile goes on;
/// the copy is as the database was at one moment after the call. It is only read, whatever its schema.
pub async fn copy(path: &Path, to: &Path) -> Result<(), StoreError> {
    inspect(path, Depth::WhoseItIs).await?;
    Ok(copy_into(path, to).await?)
}

/// The same for whoever has the database open and knows whose it is. Nothing but `SQLite` may open the file then: closing
/// it would take the locks away that `SQLite` has on it.
pub(super) async fn copy_into(path: &Path, to: &Path) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY);
    let mut reader = options.pragma("trusted_schema", "OFF").disable_statement_logging().connect().await?;
    let to = std::path::absolute(to)?;
    let name = to.to_str().ok_or_else(|| std::io::Error::other("a file name that is no text"))?;
    let copied = sqlx::query("VACUUM INTO $1").bind(name).execute(&mut reader).await;
    reader.close().await?;
    copied?;
    Ok(())
}

/// Moves what an earlier process left in the log into the database and begins the log anew. After a sync that failed, the
/// system shows what the disk does not have: whoever wrote behind that would lose it all in a power cut, however well it
/// was synced.
pub(super) async fn take_over_log(writer: &mut SqliteConnection) -> Result<(), StoreError> {
    if planted(Bug::BuildsOnAnOldLog) {
        return Ok(());
    }
    let busy: bool = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(writer).await?;
    if busy {
        // Who else has it open has kept, in memory, how far the log is good.
        tracing::debug!("somebody else uses the log of the database; it goes on as it is");
    }
    Ok(())
}

impl Store {
    /// Leaves no byte in the file or its log of what was erased. `SQLite` keeps such bytes in the unused space of pages, also
    /// of those that only its own tidying has touched. False if somebody still read the old state after `patience`.
    pub async fn leave_no_trace(&self, patience: Duration) -> Result<bool, StoreError> {
        if self.overwrites_what_it_deletes().await? && self.tells_its_pages().await? {
            self.overwrite_remains().await?;
        } else {
            self.write_anew().await?;
        }
        let mut waited = Duration::ZERO;
        while !self.empty_log().await? {
            if waited >= patience {
                return Ok(false);
            }
            tokio::time::sleep(LET_WRITE).await;
            waited += TRY_FOR + LET_WRITE;
        }
        Ok(true)
    }

    async fn overwrites_what_it_deletes(&self) -> Result<bool, StoreError> {
        Ok(self.setting(SECURE_DELETE).await?.is_some())
    }

    /// Nobody can write meanwhile. It is done once, in a database from before deleted rows were overwritten.
    async fn write_anew(&self) -> Result<(), StoreError> {
        let mut writer = self.write().await;
        sqlx::query("VACUUM").execute(writer.connection()).await?;
        // What can be moved is moved while others write.
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(writer.connection()).await?;
        drop(writer);
        self.set_setting(SECURE_DELETE, "since the file was written anew").await
    }

    async fn empty_log(&self) -> Result<bool, StoreError> {
        let mut writer = self.write().await;
        writer.be_patient_for(TRY_FOR).await?;
        let emptied = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(writer.connection()).await;
        writer.be_patient_for(BUSY).await?;
        let busy: bool = emptied?;
        Ok(!busy)
    }
}
