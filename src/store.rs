//! The database: the only place that knows SQL.
//!
//! Owns: one writing connection, a small pool of readers, the schema, and what is one transaction. Refuses:
//! deciding. Every writing transaction begins IMMEDIATE and commits with `synchronous=FULL`: what was committed
//! survives a power cut. A method is one thing that happened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rustix::fs::{Access, access};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlSafeStr, SqliteConnection};
use tokio::sync::{Mutex, MutexGuard};

mod attempts;
mod backlog;
mod conversations;
mod counts;
mod damage;
mod facts;
mod file;
mod fold;
mod forgotten;
mod heard;
mod journal;
mod lease;
mod lies;
mod operator;
mod outcome;
mod record;
mod rehearsals;
mod remains;
mod rivals;
mod rows;
mod settings;
mod surges;
#[cfg(test)]
pub(crate) mod tests;
mod trips;
mod trouble;
mod undone;
mod untold;
mod upgrade;
mod writing;

pub use attempts::BUDGET_WINDOW;
pub use backlog::{Backlog, Discarded, Released, Waiting};
pub use conversations::Listing;
pub use counts::{Actions, Received};
use damage::Damage;
pub use file::copy;
#[cfg(test)]
pub(crate) use fold::PANICS;
use forgotten::ForgetKey;
pub use forgotten::Forgot;
pub use journal::{JournalFilter, Page, Place};
use lease::Fence;
pub use lease::Lease;
use lies::Lies;
pub use operator::{Barred, Met, Pauses, Resumed};
pub use outcome::{
    Answered, Claim, Claimed, FollowUp, Followed, Inputs, JournalEntry, Outcome, Pending, Sending, Settled,
};
pub use record::{Context, Decided, KeepBodies, Record, Recorded, Told};
pub use rivals::Rival;
use rivals::Rivals;
pub use surges::{Due, Surge};
pub use trips::Trip;
pub use undone::{Candidate, Marked, Stands, UndoEnd};
pub use untold::Missed;
use writing::Writing;

use crate::sabotage::{Bug, planted};

/// `PRAGMA application_id` of our files.
const APPLICATION_ID: i64 = 0x6163_6c64;
/// Older ones can corrupt the write-ahead log when a checkpoint meets a commit.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);
/// The write-ahead log is cut back to this once it was emptied: it grows while somebody reads for long, and would stay as
/// large for good.
const LOG_LIMIT: &str = "16777216";
/// What each connection that only reads keeps of the file in memory, as `SQLite` says it: minus so many KiB. Left alone it
/// would be 2 MB each, filled in the course of hours; the system has the same pages in its own cache.
const READER_CACHE: &str = "-512";
/// How long a commit waits for another process's lock.
const BUSY: Duration = Duration::from_secs(3);

/// Why the database cannot be used, or did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is no database of ours; it was not touched.
    #[error("{0} is not an autoclosed database; name another file in [database] url")]
    Foreign(PathBuf),
    /// The file was written by a newer version.
    #[error(
        "the database was written by a newer autoclosed (schema {found}); this one knows schema {known}: install the newer version again{}",
        trouble::or_go_back(.copy.as_deref())
    )]
    Newer {
        /// Schema of the file.
        found: i64,
        /// Newest schema of this program.
        known: i64,
        /// The copy that was made of it before, if it lies there and this program can open it.
        copy: Option<PathBuf>,
    },
    /// The file was written by an older version, and nobody has brought it up to date yet.
    #[error(
        "the database has schema {found} and this autoclosed needs {known}; start `autoclosed run` once, it brings the database up to date"
    )]
    Older {
        /// Schema of the file.
        found: i64,
        /// Newest schema of this program.
        known: i64,
    },
    /// The file or its folder may not be written, or the folder is not there; nothing was made.
    #[error(
        "the database {0} cannot be written; its folder must be there, and both belong to the user that autoclosed runs as"
    )]
    NotOurs(PathBuf, #[source] std::io::Error),
    /// The linked `SQLite` is too old.
    #[error("SQLite {0} can corrupt its write-ahead log; 3.51.3 or newer is needed: build with the bundled one")]
    TooOld(String),
    /// The file is damaged.
    #[error("the database is damaged ({0}); keep the file, restore a backup and start again")]
    Corrupt(String),
    /// The database, or the disk under it, refused or failed.
    #[error("{}", trouble::told(.0))]
    Sql(#[source] sqlx::Error),
    /// Another program began to change the schema, and did not come to an end.
    #[error(
        "another program has changed the database half-way (step {0}), and nobody knows what of it was done; keep the file, \
         restore a backup and start again"
    )]
    HalfWay(i64),
    /// The file has an older schema, and the copy that is made before it is brought up to date could not be; nothing was
    /// changed.
    #[error(
        "the database is of an earlier version, and is copied to {0} before it is brought up to date; that failed, and nothing was changed: see that there is room for a second one of its size"
    )]
    NoCopy(PathBuf, #[source] sqlx::Error),
    /// A migration failed; the file is as it was.
    #[error("the database could not be brought to the newest schema")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Somebody else acts on this database by now; nothing was written.
    #[error("another autoclosed has taken over this database; this one stands by")]
    Superseded,
    /// What is open no longer lies where it was opened; nothing was written.
    #[error(
        "the database file or its log was taken away or replaced under this autoclosed, which writes nothing more; start it again"
    )]
    Moved,
    /// A row does not read as what was written.
    #[error("the database holds something that autoclosed did not write: {0}")]
    Odd(String),
}

impl StoreError {
    /// The database as such is refused, as against one statement having failed.
    pub fn refuses_the_database(&self) -> bool {
        use StoreError::{Corrupt, Foreign, HalfWay, Migrate, Newer, TooOld};
        matches!(self, Foreign(_) | Newer { .. } | TooOld(_) | Corrupt(_) | HalfWay(_) | Migrate(_))
    }
}

/// A handle on the database; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    writer: Arc<Mutex<Writing>>,
    readers: SqlitePool,
    reordered: Arc<AtomicU64>,
    forget_key: ForgetKey,
    fence: Fence,
    rivals: Rivals,
    place: Arc<Lies>,
    damage: Damage,
}

impl Store {
    /// Opens the file at `path`, creates it when missing, and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Store, StoreError> {
        inspect(path, Depth::Whole).await?;
        let options = options(path).create_if_missing(true);
        create_private(path)?;
        let mut writer = options.clone().connect().await?;
        check_version(&mut writer).await?;
        file::take_over_log(&mut writer).await?;
        if let Err(refused) = upgrade::bring_up_to_date(&mut writer, path).await {
            // Whoever just ends may leave an empty log beside the file.
            if let Err(error) = writer.close().await {
                tracing::debug!(error = %error, "the refused database was not closed well");
            }
            return Err(refused);
        }
        Store::of(writer, options).await
    }

    /// Refuses what is no database of ours, and leaves it as it is. One that is missing can be made.
    pub async fn refuse_others(path: &Path) -> Result<(), StoreError> {
        inspect(path, Depth::WhoseItIs).await?;
        may_be_written(path)
    }

    /// Opens the file of a daemon that may be running: it must be there, with the schema of this program.
    pub async fn open_beside(path: &Path) -> Result<Store, StoreError> {
        inspect(path, Depth::WhoseItIs).await?;
        let options = options(path);
        let mut writer = options.clone().connect().await?;
        check_version(&mut writer).await?;
        match (schema(&mut writer).await?, newest()) {
            (Some(found), known) if found == known => Store::of(writer, options).await,
            (found, known) => Err(StoreError::Older { found: found.unwrap_or(0), known }),
        }
    }

    async fn of(mut writer: SqliteConnection, options: SqliteConnectOptions) -> Result<Store, StoreError> {
        let forget_key = ForgetKey::new(settings::text_key(&mut writer).await?);
        let place = Arc::new(Lies::at(options.get_filename()));
        let readers = SqlitePoolOptions::new().max_connections(4).min_connections(0);
        let options = options.read_only(true).create_if_missing(false).pragma("cache_size", READER_CACHE);
        let readers = readers.connect_lazy_with(options);
        let writer = Arc::new(Mutex::new(Writing::new(writer)));
        Ok(Store {
            writer,
            readers,
            reordered: Arc::default(),
            forget_key,
            fence: Fence::default(),
            rivals: Rivals::default(),
            place,
            damage: Damage::default(),
        })
    }

    /// Closes the connections; what was committed is on disk already.
    pub async fn close(self) {
        self.readers.close().await;
        if let Ok(writer) = Arc::try_unwrap(self.writer)
            && let Err(error) = writer.into_inner().into_inner().close().await
        {
            tracing::warn!(error = %error, "closing the database failed; nothing committed is lost");
        }
    }

    /// Whether the database takes commits.
    pub async fn takes_commits(&self) -> Result<(), StoreError> {
        self.still_lies_there()?;
        self.set_setting("probe", "1").await
    }

    /// Size of the database, in bytes. Costs the same however much is in it.
    pub async fn size(&self) -> Result<u64, StoreError> {
        let size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
        let size: i64 = sqlx::query_scalar(size).fetch_one(&self.readers).await?;
        Ok(u64::try_from(size).unwrap_or_default())
    }

    async fn write(&self) -> MutexGuard<'_, Writing> {
        let mut writer = self.writer.lock().await;
        writer.roll_back_what_is_left().await;
        writer
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    let seldom = planted(Bug::CommitsWithoutSync);
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(if seldom { SqliteSynchronous::Normal } else { SqliteSynchronous::Full })
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .pragma("trusted_schema", "OFF")
        // What is deleted is overwritten: `forget` has only copies left to look for.
        .pragma("secure_delete", "ON")
        .pragma("journal_size_limit", LOG_LIMIT)
        .disable_statement_logging()
}

/// How closely a file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Every page of it, which takes its time.
    Whole,
    /// Its header and its version.
    WhoseItIs,
}

/// A file that exists must be ours, healthy and not newer than this program; it is only read to find out.
async fn inspect(path: &Path, depth: Depth) -> Result<(), StoreError> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::NotOurs(path.to_owned(), error)),
        Ok(file) if file.len() == 0 => return Ok(()),
        Ok(_) if !is_sqlite(path)? => return Err(StoreError::Foreign(path.to_owned())),
        Ok(_) => {}
    }
    // Where no log lies beside it, the file is whole by itself; `immutable` keeps SQLite from leaving one there.
    let whole = !lies_beside(path, "-wal") && !lies_beside(path, "-journal");
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(whole).busy_timeout(BUSY);
    let mut connection = options.disable_statement_logging().connect().await?;
    let checked = check_identity(&mut connection, path, depth).await;
    connection.close().await?;
    checked
}

/// `SQLite` would take a file that it may not write for one to read only, and leave a log beside it before it fails.
fn may_be_written(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let refused = |error: rustix::io::Errno| StoreError::NotOurs(path.to_owned(), error.into());
    access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(refused)?;
    match access(path, Access::READ_OK | Access::WRITE_OK) {
        // A link that leads nowhere: what SQLite would make at its end is open to all.
        Err(error) if error != rustix::io::Errno::NOENT || path.symlink_metadata().is_ok() => Err(refused(error)),
        _ => Ok(()),
    }
}

/// Whether there is a file of that name with this behind it, and something in it.
fn lies_beside(path: &Path, suffix: &str) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    std::fs::metadata(name).is_ok_and(|file| file.len() > 0)
}

fn is_sqlite(path: &Path) -> Result<bool, StoreError> {
    use std::io::Read;
    let mut head = [0; 16];
    let mut file = std::fs::File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => StoreError::NotOurs(path.to_owned(), error),
        _ => sqlx::Error::Io(error).into(),
    })?;
    Ok(file.read_exact(&mut head).is_ok() && &head == b"SQLite format 3\0")
}

/// Nobody else may read what customers did: the file is made with mode 0600 before `SQLite` fills it.
fn create_private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(sqlx::Error::Io(error).into()),
        _ => Ok(()),
    }
}

async fn check_version(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(connection).await?;
    if is_too_old(&version) { Err(StoreError::TooOld(version)) } else { Ok(()) }
}

fn is_too_old(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next()) < OLDEST_SQLITE
}

/// Ours, healthy, and not newer than this program.
async fn check_identity(connection: &mut SqliteConnection, path: &Path, depth: Depth) -> Result<(), StoreError> {
    let id: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    // A first start that was cut off may have left the migrations' own table behind, and nothing else.
    let tables = "SELECT count(*) FROM sqlite_schema WHERE tbl_name <> '_sqlx_migrations'";
    let tables: i64 = sqlx::query_scalar(tables).fetch_one(&mut *connection).await?;
    if tables == 0 {
        return Ok(());
    }
    if id != APPLICATION_ID {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    if depth == Depth::Whole && !planted(Bug::TrustsTheFile) {
        let check: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut *connection).await?;
        if check != "ok" {
            return Err(StoreError::Corrupt(check));
        }
    }
    match (schema(connection).await?, newest()) {
        (Some(found), known) if found > known => {
            let copy = upgrade::copies(path).into_iter().find(|(schema, _)| *schema <= known);
            Err(StoreError::Newer { found, known, copy: copy.map(|(_, copy)| copy) })
        }
        _ => Ok(()),
    }
}

/// The schema of the file; `None` if it has none yet.
async fn schema(connection: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    let begun = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    let begun: i64 = sqlx::query_scalar(begun).fetch_one(&mut *connection).await?;
    if begun == 0 {
        return Ok(None);
    }
    let newest = "SELECT max(version) FROM _sqlx_migrations";
    Ok(sqlx::query_scalar(newest).fetch_one(connection).await?)
}

/// The newest schema that this program knows.
fn newest() -> i64 {
    MIGRATIONS.iter().map(|(version, _, _)| *version).max().unwrap_or(0)
}

/// Version, name and text of every migration; a test compares them with the folder.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "init", include_str!("../migrations/sqlite/0001_init.sql")),
    (2, "steps", include_str!("../migrations/sqlite/0002_steps.sql")),
    (3, "attempt_count", include_str!("../migrations/sqlite/0003_attempt_count.sql")),
    (4, "untold", include_str!("../migrations/sqlite/0004_untold.sql")),
    (5, "operator", include_str!("../migrations/sqlite/0005_operator.sql")),
    (6, "redaction", include_str!("../migrations/sqlite/0006_redaction.sql")),
    (7, "journal", include_str!("../migrations/sqlite/0007_journal.sql")),
    (8, "forgotten", include_str!("../migrations/sqlite/0008_forgotten.sql")),
    (9, "counts", include_str!("../migrations/sqlite/0009_counts.sql")),
    (10, "backlog", include_str!("../migrations/sqlite/0010_backlog.sql")),
    (11, "trips", include_str!("../migrations/sqlite/0011_trips.sql")),
    (12, "undone", include_str!("../migrations/sqlite/0012_undone.sql")),
    (13, "lease", include_str!("../migrations/sqlite/0013_lease.sql")),
    (14, "secure_delete", include_str!("../migrations/sqlite/0014_secure_delete.sql")),
];

fn migrator() -> Migrator {
    let migration = |(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    };
    Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect())
}
