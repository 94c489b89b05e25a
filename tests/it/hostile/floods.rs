//! More good notifications than can be written: 503 for those that must come again, and not one of the others lost.

use std::collections::BTreeSet;

use autoclosed::sabotage::{Bug, plant};
use futures_util::future::join_all;
use sqlx::{Connection, SqliteConnection};

use super::peer::signed;
use super::*;

async fn locked(house: &House) -> SqliteConnection {
    let mut stranger = SqliteConnectOptions::new().filename(house.database()).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut stranger).await.unwrap();
    stranger
}

/// Sends so many good ones at once, each on a connection of its own, and gives the ids by how they were answered.
async fn flood(house: &House, name: &str, count: u64) -> Vec<(String, u16)> {
    let sent = (0..count).map(|number| async move {
        let key = format!("{name}-{number}");
        let body = reply(1000 + number % 7, &key).to_string();
        let answer = peer(house).await.ask(&signed(CLIENT_SECRET, body.as_bytes())).await;
        (key, answer.map_or(0, |answer| answer.status))
    });
    join_all(sent).await
}

fn with(status: u16, answers: &[(String, u16)]) -> BTreeSet<String> {
    answers.iter().filter(|(_, it)| *it == status).map(|(key, _)| key.clone()).collect()
}

/// The database is locked until the first ones have waited too long, which are four real seconds.
#[tokio::test]
async fn what_cannot_be_written_in_time_is_put_off_and_nothing_acknowledged_is_lost() {
    let house = house().await;
    let lock = locked(&house).await;
    let first = flood(&house, "locked", 300).await;
    assert_eq!(with(503, &first).len(), 300, "nothing is acknowledged while nothing can be written");
    lock.close().await.unwrap();
    let second = flood(&house, "free", 300).await;
    let again = flood(&house, "locked", 300).await;
    let acknowledged: BTreeSet<_> = with(200, &second).into_iter().chain(with(200, &again)).collect();
    assert_eq!(acknowledged.len(), 600, "all is well again: {:?}", with(503, &second));
    let stored: BTreeSet<_> = stored(&house).await.into_iter().collect();
    assert_eq!(stored, acknowledged);
    takes_the_next(&house, 1).await;
}

#[tokio::test]
async fn whoever_acknowledges_before_it_commits_is_caught() {
    for (bug, lost) in [(None, 0), (Some(Bug::AcknowledgesBeforeItCommits), 20)] {
        let house = house().await;
        let lock = locked(&house).await;
        let planted = bug.map(plant);
        let acknowledged = with(200, &flood(&house, "n", 20).await);
        drop(planted);
        let stored: BTreeSet<_> = stored(&house).await.into_iter().collect();
        lock.close().await.unwrap();
        assert_eq!(acknowledged.difference(&stored).count(), lost, "{bug:?}");
    }
}

#[tokio::test]
async fn whoever_de_duplicates_by_id_alone_is_caught() {
    for (bug, folded) in [(None, ["1", "2"].as_slice()), (Some(Bug::DeduplicatesByIdAlone), &["1"])] {
        let house = house().await;
        let planted = bug.map(plant);
        for conversation in [1, 2] {
            let body = reply(conversation, "the-same").to_string();
            assert_eq!(peer(&house).await.ask(&signed(CLIENT_SECRET, body.as_bytes())).await.unwrap().status, 200);
        }
        drop(planted);
        assert_eq!(rows(&house, "SELECT id FROM conversation ORDER BY id").await, folded, "{bug:?}");
    }
}
