//! Bringing a file up to date, and dying on the way: it is as it was or further, and nothing is lost.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use super::*;

/// The file and its log at one moment.
type Left = (Vec<u8>, Vec<u8>);

fn read(path: &Path) -> Left {
    let log = format!("{}-wal", path.display());
    (std::fs::read(path).unwrap_or_default(), std::fs::read(log).unwrap_or_default())
}

const SEEN: &str = "INSERT INTO notification (app_id, id, topic, conversation_id, fingerprint, result, received_at)
    VALUES ('ours', 'n', 'conversation.read', '5', 'f', 'stored', 0)";

/// A file as the first `known` migrations left it, with a row in it.
async fn earlier(path: &Path, known: usize) {
    let migrations = MIGRATIONS[..known].iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    });
    let mut old = options(path).create_if_missing(true).connect().await.unwrap();
    Migrator::with_migrations(migrations.collect()).run(&mut old).await.unwrap();
    sqlx::query("INSERT INTO setting VALUES ('app_id', 'ours')").execute(&mut old).await.unwrap();
    sqlx::query(SEEN).execute(&mut old).await.unwrap();
    old.close().await.unwrap();
}

/// What is left on the disk by whoever dies while it brings the file up to date, at any of its steps.
async fn left_behind(path: &Path) -> Vec<Left> {
    let mut writer = options(path).create_if_missing(true).connect().await.unwrap();
    let left: Arc<Mutex<(HashSet<Left>, Vec<Left>)>> = Arc::default();
    let (place, noted) = (path.to_owned(), Arc::clone(&left));
    let note = move || {
        let now = read(&place);
        let mut noted = noted.lock().unwrap();
        if noted.0.insert(now.clone()) {
            noted.1.push(now);
        }
        true
    };
    writer.lock_handle().await.unwrap().set_progress_handler(20, note);
    migrator().run(&mut writer).await.unwrap();
    writer.lock_handle().await.unwrap().remove_progress_handler();
    writer.close().await.unwrap();
    let left = left.lock().unwrap();
    left.1.clone()
}

#[tokio::test]
async fn whoever_dies_while_it_is_brought_up_to_date_loses_nothing_and_the_next_start_goes_on() {
    for known in [0, 1] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        if known > 0 {
            earlier(&path, known).await;
        }
        let left = left_behind(&path).await;
        assert!(left.len() > MIGRATIONS.len(), "at least once in each migration: {}", left.len());
        let mut found = HashSet::new();
        for (file, log) in left {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.db");
            std::fs::write(&path, file).unwrap();
            std::fs::write(format!("{}-wal", path.display()), log).unwrap();
            found.insert(schema(&mut stranger(&path).await).await.unwrap());
            let shelf = Shelf { store: Store::open(&path).await.unwrap(), folder };
            assert_eq!(shelf.count("_sqlx_migrations").await, i64::try_from(MIGRATIONS.len()).unwrap());
            assert_eq!(shelf.count("notification").await, i64::from(known > 0));
            assert_eq!(shelf.rows("PRAGMA integrity_check").await, ["ok"]);
            shelf.record(&[fetched(answered("5", 0))]).await;
        }
        assert!(found.len() >= MIGRATIONS.len() - known, "died in every schema on the way: {found:?}");
    }
}

#[tokio::test]
async fn a_migration_that_fails_half_way_leaves_the_file_as_it_was() {
    for known in [1, 5, 9] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        earlier(&path, known).await;
        let mut old = options(&path).connect().await.unwrap();
        // Ends the first statement of the migration that takes long enough, and thereby the migration.
        let mut steps = 0;
        old.lock_handle().await.unwrap().set_progress_handler(1, move || {
            steps += 1;
            steps < 400
        });
        let ran = migrator().run(&mut old).await;
        old.lock_handle().await.unwrap().remove_progress_handler();
        assert!(ran.is_err(), "{known}");
        drop(old);
        let store = Store::open(&path).await.unwrap();
        assert_eq!(store.setting("app_id").await.unwrap().as_deref(), Some("ours"), "{known}");
        store.close().await;
    }
}

#[tokio::test]
async fn of_two_that_bring_it_up_to_date_at_once_neither_spoils_it() {
    for known in [1, MIGRATIONS.len() - 1] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        earlier(&path, known).await;
        let (one, other) = tokio::join!(Store::open(&path), Store::open(&path));
        assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
        drop((one, other));
        let shelf = Shelf { store: Store::open(&path).await.unwrap(), folder };
        assert_eq!(shelf.count("_sqlx_migrations").await, i64::try_from(MIGRATIONS.len()).unwrap());
        assert_eq!(shelf.count("notification").await, 1);
        assert_eq!(shelf.rows("PRAGMA integrity_check").await, ["ok"]);
    }
}

/// Commands go by this: a program never takes a file that it does not know.
#[tokio::test]
async fn a_command_of_another_version_refuses_without_writing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    earlier(&path, MIGRATIONS.len() - 1).await;
    let before = read(&path);
    let error = Store::open_beside(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::Older { .. }), "{error:?}");
    assert!(read(&path) == before);
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (99, 'later', 1, x'', 0)";
    let mut later = stranger(&path).await;
    sqlx::query(newer).execute(&mut later).await.unwrap();
    later.close().await.unwrap();
    let before = read(&path);
    let error = Store::open_beside(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error:?}");
    assert!(read(&path) == before);
}

/// Before schema 15 a fingerprint was twice as long, and the table in the order of the ids.
#[tokio::test]
async fn what_was_seen_before_its_rows_were_made_leaner_is_a_repeat_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    earlier(&path, 14).await;
    let mut old = stranger(&path).await;
    let seen = "INSERT INTO notification (app_id, id, topic, conversation_id, fingerprint, result, received_at)
        VALUES ('ours', $1, 'conversation.user.replied', $2, $3, $4, $5)";
    for (key, about, print, result, at) in [
        ("b", Some("5"), hash_of("b"), "stored", 1),
        ("d", None, String::new(), "ignored", 2),
        ("a", Some("6"), hash_of("a"), "stored", 3),
        ("c", None, hash_of("c"), "quarantined", 3),
    ] {
        assert_eq!(print.len() % 32, 0);
        let row = sqlx::query(seen).bind(key).bind(about).bind(print).bind(result).bind(at);
        row.execute(&mut old).await.unwrap();
    }
    old.close().await.unwrap();
    let shelf = Shelf { store: Store::open(&path).await.unwrap(), folder };
    let kept = "SELECT id || ' ' || coalesce(conversation_id, '-') || ' ' || lower(hex(fingerprint)) FROM notification ORDER BY seq";
    let [a, b, c] = ["a", "b", "c"].map(print_of);
    let want = ["n 5 ".to_owned(), format!("b 5 {b}"), "d - ".to_owned(), format!("a 6 {a}"), format!("c - {c}")];
    assert_eq!(shelf.rows(kept).await, want, "as they came");
    let counted = "SELECT result || ' ' || count FROM notification_count ORDER BY result";
    assert_eq!(shelf.rows(counted).await, ["ignored 1", "quarantined 1", "stored 3"]);
    let batch = [
        notified("a", about(answered("6", 0))),
        notified("b", about(answered("5", 0))),
        notified("c", Told::Odd("odd".to_owned())),
        notified("e", Told::Nothing),
    ];
    let (duplicate, ignored) = (Recorded::Duplicate, Recorded::Ignored);
    assert_eq!(shelf.record(&batch).await, [duplicate, duplicate, duplicate, ignored]);
    assert_eq!((shelf.count("conversation").await, shelf.aside().await.len()), (0, 0), "nothing follows from a repeat");
    assert_eq!(shelf.record(&[saying(notified("a", Told::Nothing), "other", Told::Nothing)]).await, [duplicate]);
    assert_eq!(shelf.aside().await, ["a: the same id with other content: body of a"]);
    assert_eq!(shelf.rows(counted).await, ["duplicate 4", "ignored 2", "quarantined 1", "stored 3"]);
    assert_eq!(shelf.rows("SELECT max(seq) || ' ' || count(*) FROM notification").await, ["6 6"]);
}
