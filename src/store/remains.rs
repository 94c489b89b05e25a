//! What `SQLite` leaves of erased rows in its pages, and overwriting that.
//!
//! Owns: where in a page bytes can be that belong to nothing. Refuses: a page that it does not understand to the last
//! number; other writers wait for a moment at a time, never for the whole work.
//!
//! `SQLite` itself overwrites the rows that it deletes and the pages that it sets free (`secure_delete`). What stays are
//! copies: when rows move to other pages, their old bytes lie on between the list of a page's rows and the first of them.
//! The layout of a page is fixed by `SQLite`'s file format (sqlite.org/fileformat2.html, "B-tree Pages").

use std::ops::Range;

use futures_util::TryStreamExt;
use sqlx::{Row, SqliteConnection};

use super::attempts::finish;
use super::file::LET_WRITE;
use super::rows::json;
use super::{Store, StoreError};
use crate::sabotage::{Bug, planted};

/// Pages in one transaction: other writers wait for as long as these take, some tens of milliseconds.
const AT_ONCE: usize = 256;
/// From here on the first byte of an overflow page, which is part of a page's number, could pass for the kind of a page.
const TOO_MANY: i64 = 1 << 25;

impl Store {
    /// Overwrites every byte in unused space of pages that some row has left there, in steps between which others write.
    /// How long it takes goes with how many rows have moved between pages since the last time.
    pub(super) async fn overwrite_remains(&self) -> Result<(), StoreError> {
        let pages = self.pages_with_remains().await?;
        for some in pages.chunks(AT_ONCE) {
            let mut writer = self.write().await;
            writer.begin().await?;
            let wiped = wipe_pages(writer.connection(), some).await;
            finish(&mut writer, wiped).await?;
            drop(writer);
            tokio::time::sleep(LET_WRITE).await;
        }
        Ok(())
    }

    /// Whether pages of rows can be seen and told from others: not where somebody has made the file keep a map of its pages,
    /// nor in one of more than 100 GB, nor in a program that was built without `.cargo/config.toml`.
    pub(super) async fn tells_its_pages(&self) -> Result<bool, StoreError> {
        let sql = "SELECT auto_vacuum = 0 AND page_count < $1
                AND EXISTS (SELECT 1 FROM pragma_module_list() WHERE name = 'sqlite_dbpage')
            FROM pragma_auto_vacuum(), pragma_page_count()";
        Ok(sqlx::query_scalar(sql).bind(TOO_MANY).fetch_one(&self.readers).await?)
    }

    async fn pages_with_remains(&self) -> Result<Vec<i64>, StoreError> {
        let mut pages = sqlx::query("SELECT pgno, data FROM sqlite_dbpage").fetch(&self.readers);
        let mut found = Vec::new();
        while let Some(row) = pages.try_next().await? {
            let (number, page): (i64, &[u8]) = (row.try_get(0)?, row.try_get(1)?);
            if !remains(number, page).is_empty() {
                found.push(number);
            }
        }
        Ok(found)
    }
}

async fn wipe_pages(writer: &mut SqliteConnection, numbers: &[i64]) -> Result<(), StoreError> {
    // As they are by now.
    let sql = "SELECT pgno, data FROM sqlite_dbpage WHERE pgno IN (SELECT value FROM json_each($1))";
    let pages = sqlx::query(sql).bind(json(&numbers)).fetch_all(&mut *writer).await?;
    for row in pages {
        let (number, mut page): (i64, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
        let found = remains(number, &page);
        if found.is_empty() {
            continue;
        }
        for unused in found {
            page[unused].fill(0);
        }
        let sql = "UPDATE sqlite_dbpage SET data = $1 WHERE pgno = $2";
        sqlx::query(sql).bind(page).bind(number).execute(&mut *writer).await?;
    }
    Ok(())
}

/// Where in this page lies something that belongs to nothing.
fn remains(number: i64, page: &[u8]) -> Vec<Range<usize>> {
    if planted(Bug::LeavesRemains) {
        return Vec::new();
    }
    let mut unused = unused(number, page).unwrap_or_default();
    unused.retain(|range| page[range.clone()].iter().any(|byte| *byte != 0));
    unused
}

/// The unused space of a page with rows in it; `None` for any other, and for one in which anything does not fit.
fn unused(number: i64, page: &[u8]) -> Option<Vec<Range<usize>>> {
    // The first page begins with the header of the file.
    let header = if number == 1 { 100 } else { 0 };
    let list = header
        + match page.get(header)? {
            2 | 5 => 12,
            10 | 13 => 8,
            _ => return None,
        };
    let rows = two(page, header + 3)?;
    let first_row = match two(page, header + 5)? {
        0 => 65_536,
        offset => offset,
    };
    let list_ends = list + 2 * rows;
    if list_ends > first_row || first_row > page.len() {
        return None;
    }
    for row in 0..rows {
        if !(first_row..page.len()).contains(&two(page, list + 2 * row)?) {
            return None;
        }
    }
    let mut unused: Vec<_> = std::iter::once(list_ends..first_row).collect();
    let (mut block, mut lowest) = (two(page, header + 1)?, first_row);
    while block != 0 {
        let ends = block + two(page, block + 2)?;
        // In ascending order, each with four bytes of its own: where the next one is, and its length.
        if block < lowest || ends < block + 4 || ends > page.len() {
            return None;
        }
        unused.push(block + 4..ends);
        (block, lowest) = (two(page, block)?, ends);
    }
    Some(unused)
}

/// A number of two bytes, the higher one first.
fn two(page: &[u8], at: usize) -> Option<usize> {
    let bytes = page.get(at..at + 2)?;
    Some(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])))
}

#[cfg(test)]
mod tests;
