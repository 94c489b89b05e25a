//! Databases with very many conversations: some thousand that the daemon itself recorded, copied over and over.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::Place;
use crate::people::FIRST;
use crate::program::{people, rules};
use crate::sender::{Load, requests, send};

/// Notifications that the daemon records before its conversations are copied.
const TOLD: usize = 4_000;

/// Makes a database of so many open conversations. All of them were read, none is due for a day.
pub(crate) fn seed(place: &Place, folder: &Path, conversations: u64) -> Result<()> {
    let load = Load { connections: 32, lasts: Duration::from_mins(1), rate: None, again: false };
    let daemon = place.recipe("mode = \"dry-run\"", rules(3)).start(folder)?;
    send(daemon.webhook, requests(people(1 << 40, conversations), TOLD), load)?;
    daemon.stop()?;
    // Written in one go and without a log: should it fail, it is begun anew.
    let options = SqliteConnectOptions::new().filename(folder.join("autoclosed.db"));
    let options = options.journal_mode(SqliteJournalMode::Off).synchronous(SqliteSynchronous::Off);
    with(&options, async |database| {
        let columns: Vec<String> =
            sqlx::query_scalar("SELECT name FROM pragma_table_info('conversation')").fetch_all(&mut *database).await?;
        let of = |column: &String| match column.as_str() {
            "id" => format!("CAST({FIRST} + i AS TEXT)"),
            "state" => "'open'".to_owned(),
            "fetched" => "1".to_owned(),
            "flags" => "4".to_owned(),
            "fetch_at" => "NULL".to_owned(),
            "due_at" => "(unixepoch() + 86400) * 1000 + i".to_owned(),
            other => other.to_owned(),
        };
        let copied: Vec<String> = columns.iter().map(of).collect();
        let copy = format!(
            "CREATE TEMP TABLE told AS SELECT * FROM conversation WHERE facts IS NOT NULL;
             DELETE FROM conversation;
             INSERT INTO conversation ({})
                 WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {conversations})
                 SELECT {} FROM n JOIN told ON told.rowid = 1 + i % (SELECT max(rowid) FROM told) ORDER BY i",
            columns.join(", "),
            copied.join(", ")
        );
        sqlx::raw_sql(AssertSqlSafe(copy)).execute(database).await?;
        Ok(())
    })
}

/// Has something done in the database of a folder in which no daemon runs.
pub(crate) fn write(folder: &Path, sql: String) -> Result<()> {
    let options = SqliteConnectOptions::new().filename(folder.join("autoclosed.db"));
    with(&options, async |database| {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(database).await?;
        Ok(())
    })
}

fn with<T>(options: &SqliteConnectOptions, work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut database = SqliteConnection::connect_with(options).await?;
        let done = work(&mut database).await?;
        database.close().await?;
        Ok(done)
    })
}
