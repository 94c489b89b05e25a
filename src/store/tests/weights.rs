//! What is kept of a notification does not grow unnoticed: so many bytes of file for each row, indexes and slack included.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::*;

/// Each of another conversation.
const NOTIFICATIONS: u64 = 2_000;

/// Table, and the most bytes of file for each of its rows. That of notifications is a promise; the others are what was
/// measured and some 5 % more.
const MOST: [(&str, u64); 4] = [("notification", 220), ("conversation", 422), ("activity", 113), ("fact", 153)];

/// Evenly spread, and the same at each run.
fn at_random(number: u64) -> String {
    hash_of(&number.to_string())
}

/// An id as Intercom writes them.
fn notification_id(number: u64) -> String {
    let text = at_random(number);
    format!("notif_{}-{}-4{}-a{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..])
}

/// The contact wrote, and a teammate answered: what most notifications come to.
fn one(number: u64) -> Record {
    let key = notification_id(number);
    let minute = i64::try_from(number / 10).unwrap();
    let mut snapshot = snapshot(State::Open, minute, &key);
    snapshot.facts.ai_resolution = Some(None);
    let source = Part {
        id: Some(PartId::Source(3_380_000_000 + number)),
        ..part(0, minute - 5, Actor::Contact, Class::ContactReply)
    };
    let answer = Part {
        digest: Some(at_random(number + NOTIFICATIONS)),
        ..part(37_350_000_000 + number, minute, Actor::Teammate, Class::TeammateReply)
    };
    // Conversations are not told of in the order in which they began.
    let conversation =
        215_470_000_000_000 + u64::from_str_radix(&at_random(number + 2 * NOTIFICATIONS)[..8], 16).unwrap();
    let seen = Sighting {
        created_at: Some(at(minute - 5)),
        snapshot: Some(snapshot),
        parts: vec![source, answer],
        channel: Some("conversation".to_owned()),
        delivered_as: Some("customer_initiated".to_owned()),
        ..Sighting::of(id(&conversation.to_string()))
    };
    from_workspace(notified(&key, about(seen)), "ab12cd34")
}

/// Bytes of file by table, indexes included.
async fn bytes(shelf: &Shelf) -> BTreeMap<String, u64> {
    let sql = "SELECT s.tbl_name, sum(d.pgsize) FROM dbstat('main', 1) d JOIN sqlite_schema s ON s.name = d.name
        GROUP BY s.tbl_name";
    let bytes: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(&mut shelf.stranger().await).await.unwrap();
    bytes.into_iter().map(|(table, bytes)| (table, u64::try_from(bytes).unwrap())).collect()
}

#[tokio::test]
async fn a_notification_takes_no_more_of_the_file_than_it_must() {
    let shelf = Shelf::new().await;
    let numbers: Vec<u64> = (0..NOTIFICATIONS).collect();
    for batch in numbers.chunks(100) {
        let context = Context { app_id: Some("ab12cd34".into()), ..context_at(i64::try_from(batch[0] / 10).unwrap()) };
        let batch: Vec<_> = batch.iter().map(|number| one(*number)).collect();
        assert!(shelf.store.record(&batch, &context).await.unwrap().iter().all(|what| *what == Recorded::Stored));
    }
    let bytes = bytes(&shelf).await;
    let mut told = String::new();
    let mut too_much = false;
    for (table, most) in MOST {
        let rows = u64::try_from(shelf.count(table).await).unwrap();
        let each = bytes[table].div_ceil(rows);
        too_much |= each > most;
        writeln!(told, "{table}: {each} bytes for each of {rows} rows, {most} at most").unwrap();
    }
    assert!(!too_much, "\n{told}");
}
