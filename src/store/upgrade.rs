//! Bringing a database of an earlier version up to date: a copy of it as it was lies beside it before anything is changed.
//!
//! Owns: when such a copy is made, its name, and how many of them stay. Refuses: changing a schema of which there is no
//! copy, and telling a half of one for a whole: it has its name only once it is on disk.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sqlx::SqliteConnection;

use super::{StoreError, file, migrator, newest, schema, trouble};

/// So many copies stay: of the last upgrade, and of the one before. An upgrade over several schemas that was cut off in
/// the middle has made two.
const KEPT: usize = 2;

/// Between the name of the database and the schema of the copy.
const MARK: &str = ".schema-";

/// Brings the schema up to date, and a database that has one of an earlier version is copied first.
pub(super) async fn bring_up_to_date(writer: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let copied = match earlier(writer).await? {
        Some(found) => copied_before(writer, path, found).await?,
        None => None,
    };
    migrator().run(&mut *writer).await.map_err(trouble::not_migrated)?;
    if let Some((found, copy)) = copied {
        let known = newest();
        let copy = copy.display();
        tracing::info!(copy = %copy, "brought the database from schema {found} to {known}; as it was before, it lies in {copy}");
        leave_the_newest(path, found);
    }
    Ok(())
}

/// The schema of a database that an earlier version has filled; `None` where nothing is to be done, or where what was
/// done to it is not what we know, so that it is refused.
async fn earlier(writer: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    let Some(found) = schema(&mut *writer).await?.filter(|found| *found < newest()) else { return Ok(None) };
    let applied = "SELECT version, checksum, success FROM _sqlx_migrations";
    let applied: Vec<(i64, Vec<u8>, bool)> = sqlx::query_as(applied).fetch_all(writer).await?;
    let known = migrator();
    let is_known = |(version, checksum, success): &(i64, Vec<u8>, bool)| {
        let same = |migration: &sqlx::migrate::Migration| {
            migration.version == *version && migration.checksum.as_ref() == checksum.as_slice()
        };
        *success && known.iter().any(same)
    };
    Ok(applied.iter().all(is_known).then_some(found))
}

/// Nobody else writes meanwhile: what is copied is what is then changed. `None` if somebody was quicker.
async fn copied_before(
    writer: &mut SqliteConnection,
    path: &Path,
    found: i64,
) -> Result<Option<(i64, PathBuf)>, StoreError> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *writer).await?;
    let copied = match earlier(&mut *writer).await {
        Ok(now) if now == Some(found) => copy_beside(path, found).await.map(|copy| Some((found, copy))),
        Ok(_) => Ok(None),
        Err(error) => Err(error),
    };
    // What it did was to keep others away.
    sqlx::query("ROLLBACK").execute(writer).await?;
    copied
}

async fn copy_beside(path: &Path, found: i64) -> Result<PathBuf, StoreError> {
    let to = named(&whole(path), &format!("{MARK}{found}"));
    tracing::info!("the database is of an earlier version (schema {found}); it is copied first");
    let half = named(&to, ".partial");
    let made = make(path, &half, &to).await;
    if made.is_err() {
        clear(&half);
    }
    made.map_err(|error| match StoreError::from(error) {
        StoreError::Sql(error) => StoreError::NoCopy(to.clone(), error),
        damaged => damaged,
    })?;
    Ok(to)
}

async fn make(path: &Path, half: &Path, to: &Path) -> Result<(), sqlx::Error> {
    // What a start that was cut off has left.
    clear(half);
    // A copy of that name is of the schema that the database still has, and older: nobody goes back to it, and three of
    // them need not fit.
    match std::fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(half)?;
    file::copy_into(path, half).await?;
    File::open(half)?.sync_all()?;
    std::fs::rename(half, to)?;
    File::open(folder(to))?.sync_all()?;
    Ok(())
}

fn clear(half: &Path) {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        // What is not there need not go, and what cannot go is in the way of the next one, which says so.
        let _ = std::fs::remove_file(named(half, suffix));
    }
}

/// The copies beside the database at `path`, with the schema of each, the newest schema first.
pub(super) fn copies(path: &Path) -> Vec<(i64, PathBuf)> {
    let path = whole(path);
    let Some(prefix) = path.file_name().and_then(|name| Some(format!("{}{MARK}", name.to_str()?))) else {
        return Vec::new();
    };
    let Ok(entries) = std::fs::read_dir(folder(&path)) else { return Vec::new() };
    let copy = |entry: io::Result<std::fs::DirEntry>| {
        let entry = entry.ok()?;
        let schema = entry.file_name().to_str()?.strip_prefix(&prefix)?.parse().ok()?;
        entry.file_type().ok()?.is_file().then(|| (schema, entry.path()))
    };
    let mut copies: Vec<_> = entries.filter_map(copy).collect();
    copies.sort_unstable_by(|one, other| other.cmp(one));
    copies
}

/// The copy of the schema `made` is the one that leads back, even where others are of newer schemas: they lie there since
/// before somebody went further back.
fn leave_the_newest(path: &Path, made: i64) {
    let others = copies(path).into_iter().filter(|(schema, _)| *schema != made);
    for (_, old) in others.skip(KEPT - 1) {
        let copy = old.display();
        match std::fs::remove_file(&old) {
            Ok(()) => tracing::info!(copy = %copy, "deleted the copy of an earlier upgrade, {copy}"),
            Err(error) => {
                tracing::warn!(error = %error, copy = %copy, "{copy}, the copy of an earlier upgrade, could not be deleted; delete it by hand");
            }
        }
    }
}

/// Whatever name leads to the database, its copies lie in one place.
fn whole(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn named(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
