//! `autoclosed backup`: a whole copy for the operator alone, or none.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use autoclosed::command::backup::backup_into;
use autoclosed::store::Store;
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use super::{said, told};
use crate::harness::{House, QUIET_A_DAY, hours};

async fn connection(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file).connect().await.unwrap()
}

fn files(house: &House) -> Vec<String> {
    let entries = std::fs::read_dir(house.folder()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with("autoclosed.db")).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_copy_made_while_the_daemon_writes_is_whole_and_holds_what_was_acknowledged_before() {
    let mut house = House::with(QUIET_A_DAY).await;
    let mut before = Vec::new();
    for _ in 0..30 {
        before.push(house.answered().await);
    }
    let mut copying = Box::pin(said(&house, &["backup", "copy.db", "--json"]));
    let said = loop {
        tokio::select! {
            biased;
            said = &mut copying => break said,
            _ = house.answered() => {}
        }
    };
    drop(copying);
    assert_eq!((said.status, said.err.as_str()), (Some(0), ""));
    let copy = house.folder().join("copy.db");
    let file = std::fs::metadata(&copy).unwrap();
    let document: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(document, serde_json::json!({"file": "copy.db", "bytes": file.len()}));
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    assert_eq!(files(&house), ["a.toml", "copy.db"]);

    let mut reader = connection(&copy).await;
    let check: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut reader).await.unwrap();
    assert_eq!(check, "ok");
    house.stop().await;
    for store in [Store::open_beside(&copy).await.unwrap(), Store::open(&copy).await.unwrap()] {
        for id in &before {
            let known = store.decided(id, &house.context()).await.unwrap().unwrap();
            assert_eq!(known.conversation.latest.len(), 2, "{id}");
        }
        store.close().await;
    }
}

#[tokio::test]
async fn a_copy_waits_for_nobody_and_holds_nothing_that_is_not_committed() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let mut writer = connection(&house.database()).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut writer).await.unwrap();
    sqlx::query("DELETE FROM conversation").execute(&mut writer).await.unwrap();
    assert_eq!(said(&house, &["backup", "copy.db"]).await.status, Some(0));
    sqlx::query("COMMIT").execute(&mut writer).await.unwrap();
    let mut reader = connection(&house.folder().join("copy.db")).await;
    let known: String = sqlx::query_scalar("SELECT id FROM conversation").fetch_one(&mut reader).await.unwrap();
    assert_eq!(known, id.as_str());
}

#[tokio::test]
async fn a_copy_is_told_with_its_size_and_nothing_is_ever_replaced() {
    let house = House::without_daemon(QUIET_A_DAY).await;
    insta::assert_snapshot!(told(&house, &["backup", "copy.db"]).await, @"1autoclosed: there is no database at autoclosed.db; start `autoclosed run` first, or name another in [database] url");
    assert_eq!(said(&house, &["reconcile"]).await.status, Some(0));
    let first = told(&house, &["backup", "copy.db"]).await;
    let size = first.split_once('(').unwrap().1.split_once(')').unwrap().0.to_owned();
    insta::assert_snapshot!(first.replace(&size, "SIZE"), @r#"
0Copied the database to copy.db (SIZE).
It holds what customers did: keep it as safe as the database itself.
"#);
    let before = std::fs::read(house.folder().join("copy.db")).unwrap();
    insta::assert_snapshot!(told(&house, &["backup", "copy.db"]).await, @"1autoclosed: copy.db is there already and was left as it is; name another file");
    assert_eq!(std::fs::read(house.folder().join("copy.db")).unwrap(), before);
    insta::assert_snapshot!(told(&house, &["backup", "nowhere/copy.db"]).await, @r#"
1autoclosed: the copy could not be written to nowhere/copy.db; see that its folder is there, may be written to and has room
  because: No such file or directory (os error 2)
"#);
    std::fs::write(house.folder().join("other.db.partial"), "half").unwrap();
    insta::assert_snapshot!(told(&house, &["backup", "other.db"]).await, @"1autoclosed: other.db.partial is there already: another backup is being made, or one was cut off; if none is, delete it and run this again");
    assert_eq!(files(&house), ["a.toml", "copy.db", "other.db.partial"]);
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_not_copied_and_nothing_is_left() {
    let house = House::without_daemon(QUIET_A_DAY).await;
    std::fs::write(house.database(), "notes of somebody else's, long enough to be looked into as a database").unwrap();
    let said = said(&house, &["backup", "copy.db"]).await;
    assert_eq!(said.status, Some(3), "{}", said.err);
    assert_eq!(files(&house), ["a.toml"]);
}

#[tokio::test]
async fn a_database_of_an_earlier_version_can_be_copied_before_it_is_brought_up_to_date() {
    let mut house = House::with(QUIET_A_DAY).await;
    house.answered().await;
    house.clock.advance(hours(1));
    house.stop().await;
    let older = "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)";
    sqlx::query(older).execute(&mut connection(&house.database()).await).await.unwrap();
    assert_eq!(said(&house, &["hold", "1"]).await.status, Some(1), "commands that change it wait for the daemon");
    assert_eq!(said(&house, &["backup", "copy.db"]).await.status, Some(0));
}

/// A folder of the house with these files in it.
fn folder_with(house: &House, names: &[&str]) -> std::path::PathBuf {
    let folder = house.folder().join("copies");
    std::fs::create_dir(&folder).unwrap();
    for name in names {
        std::fs::write(folder.join(name), "").unwrap();
    }
    folder
}

fn in_folder(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Nobody's copies: other databases' and other names.
const OTHERS: [&str; 5] = [
    "autoclosed-20260101T000000Z.db.gz",
    "autoclosed-2026-01-01.db",
    "autoclosed-before-the-move.db",
    "other-20260101T000000Z.db",
    "readme",
];

#[tokio::test]
async fn of_the_copies_in_a_folder_the_newest_stay_and_nothing_else_is_deleted() {
    let house = House::with(QUIET_A_DAY).await;
    let day = |day: u32| format!("autoclosed-202601{day:02}T031500Z.db");
    let days: Vec<_> = (1..=5).map(day).collect();
    let mut names: Vec<_> = days.iter().map(String::as_str).chain(OTHERS).collect();
    names.extend(["autoclosed-20260103T031500Z.db.partial", "autoclosed-20260302T100000Z.db.partial"]);
    let folder = folder_with(&house, &names);
    std::os::unix::fs::symlink("/dev/null", folder.join("autoclosed-20250101T000000Z.db")).unwrap();
    let copied = async |keep| backup_into(&house.file(), &folder, keep, house.clock.now()).await;
    let (answer, zone) = copied(None).await.unwrap();
    assert_eq!(in_folder(&folder).len(), names.len() + 2, "without a number none goes");
    drop((answer, zone));
    house.clock.advance(hours(24));
    let (answer, zone) = copied(Some(3)).await.unwrap();
    let mut told = Vec::new();
    autoclosed::command::print(&answer, false, &mut told, &zone).unwrap();
    let told = String::from_utf8(told).unwrap().replace(&format!("{}/", folder.display()), "");
    let size = told.split_once('(').unwrap().1.split_once(')').unwrap().0.to_owned();
    insta::assert_snapshot!(told.replace(&size, "SIZE"), @r"
    Copied the database to autoclosed-20260303T090000Z.db (SIZE).
    Deleted autoclosed-20260101T031500Z.db.
    Deleted autoclosed-20260102T031500Z.db.
    Deleted autoclosed-20260103T031500Z.db.
    Deleted autoclosed-20260104T031500Z.db.
    Deleted autoclosed-20260103T031500Z.db.partial.
    It holds what customers did: keep it as safe as the database itself.
    ");
    // The link is nobody's copy, and the half may still be growing.
    let mut left = vec!["autoclosed-20250101T000000Z.db", "autoclosed-20260302T100000Z.db.partial"];
    left.extend(["autoclosed-20260105T031500Z.db", "autoclosed-20260302T090000Z.db", "autoclosed-20260303T090000Z.db"]);
    left.extend(OTHERS);
    left.sort_unstable();
    assert_eq!(in_folder(&folder), left);
}

/// A clock that was ahead has left copies of days to come.
#[tokio::test]
async fn the_copy_that_was_just_made_stays_whatever_the_others_are_called() {
    let house = House::with(QUIET_A_DAY).await;
    let folder = folder_with(&house, &["autoclosed-20990101T000000Z.db", "autoclosed-20990102T000000Z.db"]);
    backup_into(&house.file(), &folder, Some(1), house.clock.now()).await.unwrap();
    assert_eq!(in_folder(&folder), ["autoclosed-20260302T090000Z.db"]);
    let copy = connection(&folder.join("autoclosed-20260302T090000Z.db")).await;
    sqlx::Connection::close(copy).await.unwrap();
}

#[tokio::test]
async fn where_no_copy_can_be_made_none_goes() {
    let mut house = House::with(QUIET_A_DAY).await;
    for _ in 0..20 {
        house.answered().await;
    }
    house.stop().await;
    drop(Store::open(&house.database()).await.unwrap());
    let days: Vec<_> = (1..=3).map(|day| format!("autoclosed-202601{day:02}T031500Z.db")).collect();
    let folder = folder_with(&house, &days.iter().map(String::as_str).collect::<Vec<_>>());
    let mut writer = connection(&house.database()).await;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut writer).await.unwrap();
    sqlx::Connection::close(writer).await.unwrap();
    let mut bytes = std::fs::read(house.database()).unwrap();
    bytes[8_192..].fill(0xa5);
    std::fs::write(house.database(), bytes).unwrap();
    let failed = backup_into(&house.file(), &folder, Some(1), house.clock.now()).await.unwrap_err();
    assert_eq!(failed.exit_status(), 3, "{failed}");
    assert_eq!(in_folder(&folder), days);
}

#[tokio::test]
async fn a_folder_and_a_file_are_not_named_at_once_and_none_goes_without_a_folder() {
    let house = House::with(QUIET_A_DAY).await;
    let folder = folder_with(&house, &[]);
    for words in
        [["x.db", "--into", "copies"].as_slice(), &["x.db", "--keep", "2"], &["--into", "copies", "--keep", "0"], &[]]
    {
        let mut line = vec!["backup"];
        line.extend(words);
        assert_eq!(said(&house, &line).await.status, Some(2), "{words:?}");
    }
    let done = said(&house, &["backup", "--into", "copies", "--keep", "2"]).await;
    assert_eq!((done.status, in_folder(&folder).len()), (Some(0), 1), "{}", done.err);
}
