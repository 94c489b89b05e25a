//! What is left of erased rows in the file's pages, and that it can be overwritten while others write.

use super::*;
use crate::sabotage::{Bug, plant};

/// So many rows, of lengths that differ, so that they are moved between pages as they come; then all of every tenth is
/// erased. Each holds a word of its own.
async fn rows_come_and_go(shelf: &Shelf, rows: u32) {
    shelf.execute("CREATE TABLE moved (a TEXT PRIMARY KEY, b) WITHOUT ROWID").await;
    let word = "'(' || n || ')'";
    let insert = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows})
         INSERT INTO moved SELECT n * 7919 % 10000019 || '', {word} || hex(zeroblob(n * 31 % 400)) || {word} FROM n"
    );
    shelf.execute(&insert).await;
    let mut writer = shelf.store.write().await;
    let erase = "DELETE FROM moved WHERE substr(b, 2, instr(b, ')') - 2) % 10 = 0";
    sqlx::query(erase).execute(writer.connection()).await.unwrap();
}

/// Of how many erased rows the word is still somewhere in the file.
async fn remembered(shelf: &Shelf, rows: u32) -> usize {
    let mut reader = shelf.stranger().await;
    let pages: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT data FROM sqlite_dbpage").fetch_all(&mut reader).await.unwrap();
    let erased: Vec<String> = (1..=rows).filter(|row| row % 10 == 0).map(|row| format!("({row})")).collect();
    let all: Vec<u8> = pages.concat();
    let text = String::from_utf8_lossy(&all);
    erased.iter().filter(|word| text.contains(word.as_str())).count()
}

async fn contents(shelf: &Shelf) -> Vec<String> {
    shelf.rows("SELECT a || b FROM moved ORDER BY a").await
}

const ROWS: u32 = 4_000;

#[tokio::test]
async fn nothing_is_left_of_what_was_erased_and_all_else_is_as_it_was() {
    let shelf = Shelf::new().await;
    rows_come_and_go(&shelf, ROWS).await;
    let before = contents(&shelf).await;
    let left = remembered(&shelf, ROWS).await;
    assert!(left > 3, "SQLite leaves some, or this shows nothing: {left}");
    assert!(shelf.store.tells_its_pages().await.unwrap(), "built without .cargo/config.toml?");
    assert!(shelf.store.leave_no_trace(Duration::ZERO).await.unwrap());
    assert_eq!(remembered(&shelf, ROWS).await, 0);
    assert_eq!(contents(&shelf).await, before);
    assert_eq!(shelf.rows("PRAGMA integrity_check").await, ["ok"]);
    shelf.store.overwrite_remains().await.unwrap();
    assert_eq!(contents(&shelf).await, before, "and once more there is nothing to do");
}

#[tokio::test]
async fn whoever_leaves_remains_is_caught() {
    let _planted = plant(Bug::LeavesRemains);
    let shelf = Shelf::new().await;
    rows_come_and_go(&shelf, ROWS).await;
    shelf.store.leave_no_trace(Duration::ZERO).await.unwrap();
    assert_ne!(remembered(&shelf, ROWS).await, 0);
}

#[tokio::test]
async fn a_database_from_before_deleted_rows_were_overwritten_is_written_anew_once() {
    let shelf = Shelf::new().await;
    assert_eq!(shelf.store.setting("secure_delete").await.unwrap().as_deref(), Some("always"));
    shelf.execute("DELETE FROM setting WHERE key = 'secure_delete'").await;
    shelf.execute("CREATE TABLE free (a)").await;
    shelf.execute("INSERT INTO free VALUES ('(10)' || hex(zeroblob(9000)) || '(10)')").await;
    let mut careless = SqliteConnectOptions::new().filename(shelf.path()).connect().await.unwrap();
    sqlx::query("PRAGMA secure_delete = OFF").execute(&mut careless).await.unwrap();
    sqlx::query("DELETE FROM free").execute(&mut careless).await.unwrap();
    assert_ne!(remembered(&shelf, 10).await, 0, "in pages that are free");
    assert!(shelf.store.leave_no_trace(Duration::from_secs(1)).await.unwrap());
    assert_eq!(remembered(&shelf, 10).await, 0);
    assert!(shelf.store.setting("secure_delete").await.unwrap().is_some());
}
