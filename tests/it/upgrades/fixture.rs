//! A database as SQL text: written down once, and read ever after.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};

/// A database of one schema.
#[derive(Debug, Clone)]
pub(super) struct Fixture {
    pub(super) schema: i64,
    text: String,
}

impl Fixture {
    /// All there are, the oldest first.
    pub(super) fn all() -> Vec<Fixture> {
        let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
        let texts = entries.filter(|path| path.extension().is_some_and(|extension| extension == "sql"));
        let mut all: Vec<_> = texts
            .map(|path| {
                let schema = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
                Fixture { schema, text: fs::read_to_string(&path).unwrap() }
            })
            .collect();
        all.sort_by_key(|fixture| fixture.schema);
        all
    }

    pub(super) fn of(schema: i64) -> Fixture {
        Fixture::all().into_iter().find(|fixture| fixture.schema == schema).unwrap()
    }

    /// Makes the file, as a daemon of that schema has left it.
    pub(super) async fn put(&self, path: &Path) {
        let mut connection =
            SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap();
        let text = format!("PRAGMA synchronous = OFF; BEGIN; {} COMMIT; PRAGMA journal_mode = WAL;", self.text);
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schemas")
}

/// Every table with its columns.
pub(super) async fn tables(connection: &mut SqliteConnection) -> Vec<(String, Vec<String>)> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut *connection).await.unwrap();
    let mut tables = Vec::new();
    for name in names {
        let columns = "SELECT name FROM pragma_table_info($1) ORDER BY cid";
        let columns = sqlx::query_scalar(columns).bind(&name).fetch_all(&mut *connection).await.unwrap();
        tables.push((name, columns));
    }
    tables
}

/// The rows of a table as SQL, one a line.
pub(super) async fn rows_of(connection: &mut SqliteConnection, table: &str, columns: &[String]) -> Vec<String> {
    let quoted: Vec<_> = columns.iter().map(|column| format!("quote({column})")).collect();
    let sql = format!("SELECT {} FROM {table} ORDER BY 1", quoted.join(" || ', ' || "));
    let mut rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(connection).await.unwrap();
    rows.sort();
    rows
}

/// Writes the database down, where its schema has none yet.
pub(super) async fn write(path: &Path) {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    let schema: i64 =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut connection).await.unwrap();
    let file = folder().join(format!("{schema:04}.sql"));
    assert!(!file.exists(), "{} is there, and stays what it is", file.display());
    fs::write(file, text(&mut connection).await).unwrap();
}

/// What makes the database anew: triggers come last, as the rows have been counted already.
pub(super) async fn text(connection: &mut SqliteConnection) -> String {
    let mut text = String::new();
    let mark: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await.unwrap();
    writeln!(text, "PRAGMA application_id = {mark};").unwrap();
    let made = "SELECT type = 'table', name, sql FROM sqlite_schema WHERE sql IS NOT NULL
        ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, rowid";
    let made = sqlx::query(made).fetch_all(&mut *connection).await.unwrap();
    let columns = tables(&mut *connection).await;
    for row in made {
        let (is_table, name, sql): (bool, String, String) = (row.get(0), row.get(1), row.get(2));
        writeln!(text, "{sql};").unwrap();
        if is_table {
            let (_, columns) = columns.iter().find(|(table, _)| *table == name).unwrap();
            for row in rows_of(&mut *connection, &name, columns).await {
                writeln!(text, "INSERT INTO {name} ({}) VALUES ({row});", columns.join(", ")).unwrap();
            }
        }
    }
    text
}
