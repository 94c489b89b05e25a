//! Which files are taken, and that a refused one is left as it was.

use std::os::unix::fs::PermissionsExt;
use std::time::SystemTime;

use super::*;

#[tokio::test]
async fn a_missing_file_is_made_for_its_owner_alone_and_marked_as_ours() {
    let shelf = Shelf::new().await;
    shelf.store.set_setting("a", "b").await.unwrap();
    for entry in std::fs::read_dir(shelf.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
    let mut stranger = shelf.stranger().await;
    let mark: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut stranger).await.unwrap();
    assert_eq!(mark, 0x6163_6c64);
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut stranger).await.unwrap();
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn every_commit_reaches_the_disk_before_it_is_told() {
    let shelf = Shelf::new().await;
    let mut writer = shelf.store.write().await;
    let full: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(writer.connection()).await.unwrap();
    assert_eq!(full, 2);
}

#[tokio::test]
async fn migrations_run_once_and_what_is_in_the_file_stays() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 0))]).await;
    let shelf = shelf.reopened().await.reopened().await;
    assert_eq!(shelf.count("_sqlx_migrations").await, i64::try_from(MIGRATIONS.len()).unwrap());
    assert_eq!(shelf.count("conversation").await, 1);
}

/// Each migration runs on a file that the ones before it made and that holds rows in every table.
#[tokio::test]
async fn each_migration_is_tried_on_a_database_with_rows_in_it() {
    for known in 1..=MIGRATIONS.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let is_new = MIGRATIONS[..known].iter().any(|(_, name, _)| *name == "redaction");
        let mut old = SqliteConnectOptions::new().filename(&path).create_if_missing(true).connect().await.unwrap();
        let earlier = MIGRATIONS[..known].iter().map(|(version, name, sql)| {
            Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
        });
        Migrator::with_migrations(earlier.collect()).run(&mut old).await.unwrap();
        for row in ROWS {
            sqlx::query(*row).execute(&mut old).await.unwrap();
        }
        old.close().await.unwrap();
        let shelf = Shelf { store: Store::open(&path).await.unwrap(), folder };
        assert_eq!(shelf.store.setting("app_id").await.unwrap().unwrap(), "ours");
        for table in ["notification", "notification_body", "activity", "fact", "conversation", "attempt"] {
            assert_eq!(shelf.count(table).await, 1, "{table}");
        }
        let known = shelf.store.decided(&id("5"), &context_at(2 * DAY)).await.unwrap().unwrap();
        assert_eq!(known.history.attempts.len(), 1);
        assert_eq!(shelf.store.actions().await.unwrap(), [("quiet".to_owned(), "left".to_owned(), 1)]);
        assert_eq!(known.conversation.state(), Some(State::Open));
        let redaction = Sighting { redacted: true, ..Sighting::of(id("5")) };
        shelf.record(&[fetched(redaction)]).await;
        let left = shelf.count("notification_body").await;
        assert_eq!(left, i64::from(is_new), "what was kept before is known to be of its conversation");
    }
}

/// One row for each table of the first schema, as the first version wrote it.
const ROWS: &[&str] = &[
    "INSERT INTO setting VALUES ('app_id', 'ours')",
    "INSERT INTO notification (app_id, id, topic, conversation_id, fingerprint, result, received_at)
        VALUES ('ours', 'n', 'conversation.read', '5', 'f', 'stored', 0)",
    "INSERT INTO notification_body (id, app_id, key, reason, received_at, body) VALUES (1, 'ours', 'n', 'all are kept', 0, x'7b7d')",
    "INSERT INTO activity VALUES ('ours', '5', '1', 'contact_reply', 0, 'contact', NULL, NULL)",
    "INSERT INTO fact VALUES ('ours', '5', 0, 0, 0, 'n', 'open', NULL, '{}')",
    "INSERT INTO conversation (app_id, id, state, facts, updated_at, fetched, told_at, notification_id, flags, latest)
        VALUES ('ours', '5', 'open', '{}', 0, 0, 0, 'n', 4, '[[\"contact_reply\",\"contact\",0,\"1\"]]')",
    "INSERT INTO attempt (app_id, conversation_id, rule, step, anchor_at, due_at, phase, outcome, why, at,
            first_at, claimed_at)
        VALUES ('ours', '5', 'quiet', 'close', 0, 0, 'open', 'left', 'why', 0, 0, 0)",
];

/// What one sees of a file without opening it, and what lies beside it.
fn outside(path: &Path) -> (Vec<u8>, SystemTime, Vec<String>) {
    let beside = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let mut beside: Vec<_> = beside.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    beside.sort();
    (std::fs::read(path).unwrap(), std::fs::metadata(path).unwrap().modified().unwrap(), beside)
}

async fn made(path: &Path, statements: &[&'static str]) {
    let mut connection = SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap();
    for statement in statements {
        sqlx::query(*statement).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

async fn ours(path: &Path) {
    Store::open(path).await.unwrap().close().await;
}

async fn refused(path: &Path) -> StoreError {
    let before = outside(path);
    let error = Store::open(path).await.unwrap_err();
    assert!(error.refuses_the_database(), "{error:?}");
    assert_eq!(outside(path), before, "{error}: it was touched");
    error
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("text"), "[intercom]\nregion = \"us\"\n").unwrap();
    std::fs::write(at("short"), "x").unwrap();
    made(&at("plain.db"), &["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"]).await;
    made(&at("marked.db"), &["PRAGMA application_id = 7", "CREATE TABLE t (a)"]).await;
    made(&at("wal.db"), &["PRAGMA journal_mode = WAL", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"]).await;
    made(&at("migrated.db"), &["CREATE TABLE _sqlx_migrations (version)", "CREATE TABLE users (a)"]).await;
    for name in ["text", "short", "plain.db", "marked.db", "wal.db", "migrated.db"] {
        assert!(matches!(refused(&at(name)).await, StoreError::Foreign(_)), "{name}");
    }
    assert!(matches!(Store::open(folder.path()).await, Err(StoreError::Foreign(_))), "a folder");
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    ours(&path).await;
    let mut bytes = std::fs::read(&path).unwrap();
    // The second page on: indexes and tables, but not the first page, which says whose file it is.
    for byte in &mut bytes[4096..] {
        *byte = 0xa5;
    }
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(refused(&path).await, StoreError::Corrupt(_)));
    std::fs::write(&path, &bytes[..5000]).unwrap();
    assert!(matches!(refused(&path).await, StoreError::Corrupt(_)), "cut off");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    ours(&path).await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (99, 'later', 1, x'', 0)";
    made(&path, &[newer]).await;
    let error = refused(&path).await;
    let newest = crate::store::MIGRATIONS.last().map_or(0, |(version, ..)| *version);
    let told = error.to_string().replace(&format!("knows schema {newest}:"), "knows schema NEWEST:");
    insta::assert_snapshot!(told, @"the database was written by a newer autoclosed (schema 99); this one knows schema NEWEST: install the newer version again");
}

#[tokio::test]
async fn a_file_whose_migration_was_another_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    ours(&path).await;
    made(&path, &["UPDATE _sqlx_migrations SET checksum = x'00'"]).await;
    let error = Store::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::Migrate(_)) && error.refuses_the_database(), "{error:?}");
}

#[tokio::test]
async fn an_empty_file_and_one_of_a_start_that_was_cut_off_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, begun) = (folder.path().join("empty"), folder.path().join("begun"));
    std::fs::write(&empty, "").unwrap();
    let table = "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
        installed_on TIMESTAMP NOT NULL DEFAULT 0, success BOOLEAN NOT NULL, checksum BLOB NOT NULL,
        execution_time BIGINT NOT NULL)";
    made(&begun, &[table]).await;
    for path in [empty, begun] {
        Store::open(&path).await.unwrap().close().await;
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_a_failure_and_no_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let error = Store::open(&folder.path().join("no/such/folder/a.db")).await.unwrap_err();
    assert!(!error.refuses_the_database(), "{error:?}");
}

#[test]
fn sqlite_is_too_old_below_the_version_that_keeps_the_log_whole() {
    for (version, want) in
        [("3.51.3", false), ("3.51.2", true), ("3.52.0", false), ("4.0.0", false), ("3.9.9", true), ("odd", true)]
    {
        assert_eq!(is_too_old(version), want, "{version}");
    }
}

#[tokio::test]
async fn settings_and_the_key_of_texts_survive() {
    let shelf = Shelf::new().await;
    assert_eq!(shelf.store.setting("a").await.unwrap(), None);
    shelf.store.set_setting("a", "1").await.unwrap();
    shelf.store.set_setting("a", "2").await.unwrap();
    shelf.store.set_moment("then", at(5)).await.unwrap();
    let key = shelf.store.text_key().await.unwrap();
    assert_ne!(key, [0; 32]);
    let shelf = shelf.reopened().await;
    assert_eq!(shelf.store.setting("a").await.unwrap().as_deref(), Some("2"));
    assert_eq!(shelf.store.moment("then").await.unwrap(), Some(at(5)));
    assert_eq!(shelf.store.moment("never").await.unwrap(), None);
    assert_eq!(shelf.store.text_key().await.unwrap(), key);
    assert_ne!(Shelf::new().await.store.text_key().await.unwrap(), key, "every database has its own");
    shelf.store.set_setting("then", "soon").await.unwrap();
    assert!(matches!(shelf.store.moment("then").await, Err(StoreError::Odd(_))));
    shelf.store.takes_commits().await.unwrap();
}

#[tokio::test]
async fn its_size_is_told_and_grows() {
    let shelf = Shelf::new().await;
    let before = shelf.store.size().await.unwrap();
    assert_eq!(before % 4096, 0);
    let records: Vec<_> = (0..1000).map(|number| notified(&format!("n{number}"), Told::Unknown)).collect();
    shelf.record(&records).await;
    assert!(shelf.store.size().await.unwrap() > before);
}
