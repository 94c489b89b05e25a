//! Taking out of the file what erased rows have left in it, while others go on writing.
//!
//! Owns: which bytes of a page mean nothing, and when they may be overwritten in place. `secure_delete` overwrites rows as
//! they go; what it leaves are copies that `SQLite` made of them when it moved rows between pages. Refuses: writing anything
//! but zeros, into anything but unused bytes: a power cut may leave any mixture of before and after, and every one of them is
//! the same database.
//!
//! A page is gone through while we hold the lock for writing, so that nobody changes it, and only if the log does not hold
//! it: what the log holds is moved over it later, or just now. Whoever has the page in memory would write it back as it was;
//! so each time something is committed, which makes everybody read anew. When rows are moved, `SQLite` may give the memory
//! of a page that we have not come to the number of one that we have; therefore everything is gone through twice.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::{Store, StoreError, options};

mod page;

/// Pages under one lock: a few milliseconds.
const AT_ONCE: u32 = 512;
/// Then others write; for as long where something was written that the disk has to take.
const LET_WRITE: Duration = Duration::from_millis(5);
const LET_WRITE_LONGER: Duration = Duration::from_millis(25);
/// How often what the log holds is come back to before somebody is told that it does not end.
const ROUNDS: u32 = 200;
const PASSES: u32 = 2;
/// From this page on the number of a page can look like the kind of one.
const TOO_MANY: u32 = 1 << 25;
/// Set where rows have been overwritten as they went since the file was made.
const OVERWRITES: &str = "overwrites";
/// A commit that changes a page, whatever was there before.
const CHANGE: &str = "INSERT INTO setting (key, value) VALUES ('gone_through', '1')
    ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1";

/// How far it has come, in thousandths; to be read while it goes on.
#[derive(Debug, Default)]
pub struct Progress(AtomicU64);

impl Progress {
    /// In hundredths.
    pub fn percent(&self) -> u64 {
        self.0.load(Ordering::Relaxed) / 10
    }
}

impl Store {
    /// Leaves no byte of what was erased in the file or its log. Nobody waits for longer than a few pages take; a file that
    /// was begun by an earlier version is written anew once, for which everybody waits. False if somebody still read an
    /// older state after `patience`.
    pub async fn leave_no_trace(&self, patience: Duration, progress: &Progress) -> Result<bool, StoreError> {
        if self.setting(OVERWRITES).await?.is_none() {
            let emptied = self.write_anew(patience).await?;
            self.set_setting(OVERWRITES, "1").await?;
            return Ok(emptied && self.empty_log_within(patience).await?);
        }
        self.still_lies_there()?;
        if !self.empty_log_within(patience).await? {
            return Ok(false);
        }
        let mut broom = Broom::new(self.place.path()).await?;
        let done = broom.go_through(self, patience, progress).await;
        broom.connection.close().await?;
        done
    }

    /// In a file that has nothing in it yet, nothing was left by anybody.
    pub(super) async fn note_that_it_overwrites(writer: &mut SqliteConnection) -> Result<(), StoreError> {
        let note = "INSERT INTO setting (key, value) VALUES ($1, '1') ON CONFLICT DO NOTHING";
        sqlx::query(note).bind(OVERWRITES).execute(writer).await?;
        Ok(())
    }
}

/// What we have in memory ourselves would be written back as well.
const BEGIN: &str = "PRAGMA shrink_memory; BEGIN IMMEDIATE";
/// In one go, so that nobody else gets in between: what is written all the time would always be in the log again. Whoever
/// empties it keeps others waiting while he waits for readers, so that is not for long.
const EMPTY_AND_BEGIN: &str = "PRAGMA shrink_memory; PRAGMA busy_timeout = 40; PRAGMA wal_checkpoint(TRUNCATE);
    PRAGMA busy_timeout = 3000; BEGIN IMMEDIATE";

struct Broom {
    connection: SqliteConnection,
    /// Never closed: with a file of the database, a process closes all locks that it has on it.
    file: &'static File,
    log: PathBuf,
    page: usize,
    /// Bytes of a page that are `SQLite`'s.
    usable: usize,
    count: u32,
}

impl Broom {
    async fn new(path: &Path) -> Result<Broom, StoreError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(sqlx::Error::Io)?;
        let file: &'static File = Box::leak(Box::new(file));
        let mut connection = options(path).connect().await?;
        let sizes = "SELECT page_size, page_count FROM pragma_page_size(), pragma_page_count()";
        let (page, count): (i64, i64) = sqlx::query_as(sizes).fetch_one(&mut connection).await?;
        let odd = || StoreError::Odd("the size of its pages".into());
        let (page, count) = (usize::try_from(page).map_err(|_| odd())?, u32::try_from(count).map_err(|_| odd())?);
        let mut reserved = [0];
        file.read_exact_at(&mut reserved, 20).map_err(sqlx::Error::Io)?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Ok(Broom { connection, file, log: log.into(), page, usable: page - usize::from(reserved[0]), count })
    }

    async fn go_through(&mut self, store: &Store, patience: Duration, progress: &Progress) -> Result<bool, StoreError> {
        if self.count >= TOO_MANY {
            return Err(StoreError::Odd("more pages than can be gone through".into()));
        }
        let mut left = BTreeSet::new();
        for pass in 0..PASSES {
            for first in (1..=self.count).step_by(AT_ONCE as usize) {
                let pages = first..=self.count.min(first + AT_ONCE - 1);
                left.extend(self.clean(BEGIN, pages).await?);
                let done = u64::from(pass) * u64::from(self.count) + u64::from(first);
                progress.0.store(1_000 * done / u64::from(PASSES * self.count), Ordering::Relaxed);
            }
        }
        for _ in 0..ROUNDS {
            if !store.empty_log_within(patience).await? {
                return Ok(false);
            }
            if left.is_empty() {
                return Ok(true);
            }
            left = self.clean(EMPTY_AND_BEGIN, std::mem::take(&mut left)).await?;
        }
        Ok(false)
    }

    /// Goes through some pages, and lets others write. Those that the log holds are left.
    async fn clean(
        &mut self,
        begin: &'static str,
        pages: impl IntoIterator<Item = u32>,
    ) -> Result<BTreeSet<u32>, StoreError> {
        sqlx::query(begin).fetch_all(&mut self.connection).await?;
        // Nothing is awaited in between: who is dropped here holds the lock for as long as he writes.
        let (mut left, mut written) = (BTreeSet::new(), false);
        let cleaned = self.clean_now(pages, &mut left, &mut written);
        // Also what was written before an error.
        if written {
            sqlx::query(CHANGE).execute(&mut self.connection).await?;
        }
        sqlx::query("COMMIT").execute(&mut self.connection).await?;
        cleaned?;
        if written {
            let file = self.file;
            let synced = tokio::task::spawn_blocking(move || file.sync_data()).await;
            synced.map_err(io::Error::other).flatten().map_err(sqlx::Error::Io)?;
        }
        tokio::time::sleep(if written { LET_WRITE_LONGER } else { LET_WRITE }).await;
        Ok(left)
    }

    fn clean_now(
        &self,
        pages: impl IntoIterator<Item = u32>,
        left: &mut BTreeSet<u32>,
        any: &mut bool,
    ) -> Result<(), StoreError> {
        let logged = in_log(&self.log, self.page).map_err(sqlx::Error::Io)?;
        let (mut bytes, zeros) = (vec![0; self.page], vec![0; self.page]);
        for number in pages {
            if logged.contains(&number) {
                left.insert(number);
                continue;
            }
            let start = u64::from(number - 1) * self.page as u64;
            if !there(self.file.read_exact_at(&mut bytes, start)).map_err(sqlx::Error::Io)? {
                // Made since, and so far only in the log.
                continue;
            }
            let head = if number == 1 { 100 } else { 0 };
            let unused = page::unused(&bytes[..self.usable], head);
            let unused = unused.ok_or_else(|| StoreError::Corrupt(format!("page {number} does not add up")))?;
            for Range { start: from, end } in unused {
                if bytes[from..end].iter().any(|byte| *byte != 0) {
                    *any = true;
                    let written = self.file.write_all_at(&zeros[..end - from], start + from as u64);
                    written.map_err(sqlx::Error::Io)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether there was something to read. Anything else that goes wrong is no end.
fn there(read: io::Result<()>) -> io::Result<bool> {
    match read {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

/// The pages that the log holds. To be asked while nobody may write.
fn in_log(log: &Path, page: usize) -> io::Result<BTreeSet<u32>> {
    let mut held = BTreeSet::new();
    let log = match File::open(log) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(held),
        opened => opened?,
    };
    let (mut start, mut frame) = ([0; 32], [0; 24]);
    if !there(log.read_exact_at(&mut start, 0))? {
        return Ok(held);
    }
    let mut at = 32;
    while there(log.read_exact_at(&mut frame, at))? {
        // Frames of an earlier log have other salts, and are moved already.
        if frame[8..16] != start[16..24] {
            break;
        }
        held.insert(u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]));
        at += 24 + page as u64;
    }
    Ok(held)
}
