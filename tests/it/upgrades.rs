//! A database of every earlier schema opens with all that is in it, and nothing is done twice.
//!
//! The databases are in tests/fixtures/schemas, one for each schema there ever was; its README.md says how to add one.

mod back;
mod copies;
mod fixture;
mod reads;
mod story;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use autoclosed::command::{backlog, explain, history, line, status};
use autoclosed::store::Store;
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use self::fixture::{Fixture, rows_of, tables};
use self::story::{CAST, Story};

/// The migrations as they lie in the folder: number and text.
fn migrations() -> BTreeMap<i64, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            let number = path.file_name().unwrap().to_str().unwrap().split('_').next().unwrap().parse().unwrap();
            (number, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

async fn connection(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

/// Run by hand after a migration was added: writes the database of its schema as a fixture.
#[tokio::test]
async fn the_newest_schema_is_written_down_where_asked_for() {
    if std::env::var_os("AUTOCLOSED_WRITE_FIXTURE").is_none() {
        return;
    }
    let story = Story::told().await;
    fixture::write(&story.house.database()).await;
}

#[test]
fn every_schema_has_its_database_among_the_fixtures() {
    let known: Vec<i64> = Fixture::all().iter().map(|fixture| fixture.schema).collect();
    let missing: Vec<_> = migrations().into_keys().filter(|schema| !known.contains(schema)).collect();
    assert!(missing.is_empty(), "{missing:?}: tests/fixtures/schemas/README.md says how to write them down");
}

/// Whoever has run a migration never runs it again: what is changed in it reaches nobody but new databases.
#[tokio::test]
async fn a_migration_that_was_shipped_never_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let newest = Fixture::all().pop().unwrap();
    newest.put(&path).await;
    let applied = "SELECT version, lower(hex(checksum)) FROM _sqlx_migrations ORDER BY version";
    let applied: Vec<(i64, String)> = sqlx::query_as(applied).fetch_all(&mut connection(&path).await).await.unwrap();
    let now = migrations().into_iter().filter(|(number, _)| *number <= newest.schema);
    let now: Vec<_> = now
        .map(|(number, text)| (number, hex::encode(<sha2::Sha384 as sha2::Digest>::digest(text.as_bytes()))))
        .collect();
    assert_eq!(applied, now, "put the old text back, and add a migration instead");
}

/// Where the rows of a table that an upgrade fills itself are not what they were.
const FILLED_BY_UPGRADES: [&str; 1] = ["_sqlx_migrations"];

/// Of 32 digits of text before schema 15, of which the first half stays as 8 bytes.
const MADE_SHORTER: (&str, &str) = ("notification", "fingerprint");

/// Every notification with the first half of its fingerprint.
async fn prints(connection: &mut SqliteConnection) -> Vec<String> {
    let sql =
        "SELECT id || ' ' || iif(typeof(fingerprint) = 'text', substr(fingerprint, 1, 16), lower(hex(fingerprint)))
        FROM notification ORDER BY id";
    sqlx::query_scalar(sql).fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn every_row_of_every_earlier_database_is_as_it_was_after_the_upgrade() {
    for fixture in Fixture::all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        fixture.put(&path).await;
        let mut before = BTreeMap::new();
        let mut old = connection(&path).await;
        for (table, mut columns) in tables(&mut old).await {
            columns.retain(|column| fixture.schema >= 15 || (table.as_str(), column.as_str()) != MADE_SHORTER);
            let rows = rows_of(&mut old, &table, &columns).await;
            assert!(!rows.is_empty(), "schema {}: {table} is empty, so it shows nothing", fixture.schema);
            before.insert(table, (columns, rows));
        }
        let prints = prints(&mut old).await;
        old.close().await.unwrap();
        Store::open(&path).await.unwrap().close().await;
        let mut new = connection(&path).await;
        for (table, (columns, rows)) in before.iter().filter(|(table, _)| !FILLED_BY_UPGRADES.contains(&table.as_str()))
        {
            assert_eq!(&rows_of(&mut new, table, columns).await, rows, "schema {}: {table}", fixture.schema);
        }
        assert_eq!(self::prints(&mut new).await, prints, "schema {}", fixture.schema);
        let check: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut new).await.unwrap();
        let newest: i64 =
            sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut new).await.unwrap();
        assert_eq!((check.as_str(), newest), ("ok", *migrations().keys().max().unwrap()), "schema {}", fixture.schema);
    }
}

/// An upgrade and a new database come to the same schema.
#[tokio::test]
async fn an_upgraded_database_is_made_as_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let made = async |name: &str| {
        let path = folder.path().join(name);
        Store::open(&path).await.unwrap().close().await;
        let sql = "SELECT type || ' ' || name || ': ' || sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY 1";
        let made: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut connection(&path).await).await.unwrap();
        made
    };
    let new = made("new.db").await;
    for fixture in Fixture::all() {
        let name = format!("{}.db", fixture.schema);
        fixture.put(&folder.path().join(&name)).await;
        assert_eq!(made(&name).await, new, "schema {}", fixture.schema);
    }
}
