//! `autoclosed backup`: a whole copy for the operator alone, or none.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

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
