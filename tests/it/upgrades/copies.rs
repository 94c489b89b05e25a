//! The copy that is made of a database before it is brought up to date.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use autoclosed::store::StoreError;
use sha2::Digest;

use super::*;

/// A folder with a database of this schema in it.
async fn shelf(schema: i64) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    Fixture::of(schema).put(&path).await;
    (folder, path)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// All that is in a database, as SQL.
async fn everything(path: &Path) -> String {
    let mut connection = connection(path).await;
    let text = fixture::text(&mut connection).await;
    connection.close().await.unwrap();
    text
}

async fn opened(path: &Path) {
    Store::open(path).await.unwrap().close().await;
}

#[tokio::test]
async fn the_copy_is_the_database_as_it_was_for_its_owner_alone_under_the_name_of_its_schema() {
    for schema in [1, 7, 12] {
        let (folder, path) = shelf(schema).await;
        let before = everything(&path).await;
        opened(&path).await;
        let copy = format!("a.db.schema-{schema}");
        assert_eq!(names(folder.path()), ["a.db", &copy]);
        let copy = folder.path().join(copy);
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(everything(&copy).await, before);
        assert_ne!(everything(&path).await, before);
    }
}

#[tokio::test]
async fn what_is_new_or_up_to_date_is_not_copied() {
    let (folder, path) = shelf(*migrations().keys().max().unwrap()).await;
    opened(&path).await;
    opened(&folder.path().join("new.db")).await;
    fs::write(folder.path().join("empty.db"), "").unwrap();
    opened(&folder.path().join("empty.db")).await;
    assert_eq!(names(folder.path()), ["a.db", "empty.db", "new.db"]);
}

/// The earlier version went on after its copy was put back: the copy is made anew. What was cut off is in nobody's way.
#[tokio::test]
async fn a_copy_of_the_same_schema_is_made_anew_whatever_was_left_half_done() {
    let (folder, path) = shelf(9).await;
    fs::write(folder.path().join("a.db.schema-9"), "older").unwrap();
    fs::write(folder.path().join("a.db.schema-9.partial"), "cut off").unwrap();
    fs::write(folder.path().join("a.db.schema-9.partial-journal"), "cut off").unwrap();
    let before = everything(&path).await;
    opened(&path).await;
    assert_eq!(names(folder.path()), ["a.db", "a.db.schema-9"]);
    assert_eq!(everything(&folder.path().join("a.db.schema-9")).await, before);
}

#[tokio::test]
async fn the_two_newest_copies_stay_and_nothing_else_is_deleted() {
    let (folder, path) = shelf(12).await;
    let others = ["a.db.schema-", "a.db.schema-1x", "a.db.schema-3.old", "b.db.schema-1", "schema-2"];
    for name in others.iter().chain(&["a.db.schema-2", "a.db.schema-10", "a.db.schema-9"]) {
        fs::write(folder.path().join(name), "").unwrap();
    }
    opened(&path).await;
    let mut want = vec!["a.db", "a.db.schema-10", "a.db.schema-12"];
    want.extend(others);
    want.sort_unstable();
    assert_eq!(names(folder.path()), want);
}

/// A backup from before two upgrades was restored: their copies are of newer schemas, and lead nowhere from here.
#[tokio::test]
async fn the_copy_that_was_just_made_stays_although_others_are_of_newer_schemas() {
    let (folder, path) = shelf(9).await;
    for name in ["a.db.schema-11", "a.db.schema-12"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let before = everything(&path).await;
    opened(&path).await;
    assert_eq!(names(folder.path()), ["a.db", "a.db.schema-12", "a.db.schema-9"]);
    assert_eq!(everything(&folder.path().join("a.db.schema-9")).await, before);
}

/// By whatever name the database is opened.
#[tokio::test]
async fn the_copy_lies_beside_the_file_and_not_beside_a_link_to_it() {
    let (folder, path) = shelf(12).await;
    let other = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(&path, other.path().join("link.db")).unwrap();
    opened(&other.path().join("link.db")).await;
    assert_eq!(names(other.path()), ["link.db"]);
    assert_eq!(names(folder.path()), ["a.db", "a.db.schema-12"]);
}

/// A folder of that name is in the way, as a full disk would be.
#[tokio::test]
async fn without_a_copy_nothing_is_changed_and_the_next_step_is_told() {
    let (folder, path) = shelf(12).await;
    fs::create_dir(folder.path().join("a.db.schema-12")).unwrap();
    let before = everything(&path).await;
    let error = Store::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::NoCopy(..)) && !error.refuses_the_database(), "{error:?}");
    let told = error.to_string().replace(folder.path().to_str().unwrap(), "/var/lib/autoclosed");
    insta::assert_snapshot!(told, @"the database is of an earlier version, and is copied to /var/lib/autoclosed/a.db.schema-12 before it is brought up to date; that failed, and nothing was changed: see that there is room for a second one of its size");
    assert_eq!(everything(&path).await, before);
    assert_eq!(names(folder.path()), ["a.db", "a.db.schema-12"]);
    fs::remove_dir(folder.path().join("a.db.schema-12")).unwrap();
    opened(&path).await;
    assert_eq!(names(folder.path()), ["a.db", "a.db.schema-12"]);
}

/// Damage in the middle of its migrations: nobody knows what a copy of it would be worth.
#[tokio::test]
async fn what_is_refused_is_not_copied() {
    for odd in
        ["UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 3", "UPDATE _sqlx_migrations SET success = 0"]
    {
        let (folder, path) = shelf(12).await;
        sqlx::query(odd).execute(&mut connection(&path).await).await.unwrap();
        let error = Store::open(&path).await.unwrap_err();
        assert!(error.refuses_the_database(), "{error:?}");
        assert_eq!(names(folder.path()).iter().find(|name| name.contains("schema")), None, "{odd}");
    }
}

/// What lies in a folder, byte for byte.
fn bytes(folder: &Path) -> Vec<(String, String)> {
    let digest = |name: &String| hex::encode(sha2::Sha256::digest(fs::read(folder.join(name)).unwrap()));
    names(folder).iter().map(|name| (name.clone(), digest(name))).collect()
}

/// As an upgrade leaves it that was stopped, or killed: then the newest is in the log alone.
#[tokio::test]
async fn an_earlier_version_changes_nothing_and_is_told_of_the_copy_that_it_can_open() {
    for killed in [false, true] {
        let (folder, path) = shelf(12).await;
        opened(&path).await;
        let mut later = connection(&path).await;
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            VALUES (99, 'later', 1, x'', 0)";
        sqlx::query(newer).execute(&mut later).await.unwrap();
        let left = tempfile::tempdir().unwrap();
        if !killed {
            later.close().await.unwrap();
        }
        for name in names(folder.path()).iter().filter(|name| !name.ends_with("-shm")) {
            fs::copy(folder.path().join(name), left.path().join(name)).unwrap();
        }
        let before = bytes(left.path());
        assert_eq!(before.iter().any(|(name, _)| name.ends_with("-wal")), killed);
        let error = Store::open(&left.path().join("a.db")).await.unwrap_err();
        assert!(error.refuses_the_database(), "{error:?}");
        let newest = migrations().keys().max().unwrap().to_string();
        let told =
            error.to_string().replace(left.path().to_str().unwrap(), "/var/lib/autoclosed").replace(&newest, "N");
        insta::allow_duplicates! {
            insta::assert_snapshot!(told, @"the database was written by a newer autoclosed (schema 99); this one knows schema N: install the newer version again, or put the copy from before its upgrade back, /var/lib/autoclosed/a.db.schema-12 (docs/deploy.md)");
        }
        let mut after = bytes(left.path());
        after.retain(|(name, _)| !name.ends_with("-shm"));
        assert_eq!(after, before, "killed: {killed}");
    }
}
