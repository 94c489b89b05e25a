//! Forgetting, from within: which tables hold a conversation, what comes in afterwards, and deeds that are half done.

use std::collections::BTreeSet;

use super::attempts::{CLOSE, REPLY, claim, done, sending, sent, settle};
use super::*;
use crate::store::forgotten::{ERASED, GONE_THROUGH};
use Recorded::{Duplicate, Foreign, Ignored, Stored};

async fn forget(shelf: &Shelf, conversation: &str) -> Forgot {
    shelf.store.forget("ours", &id(conversation), at(DAY)).await.unwrap()
}

#[tokio::test]
async fn every_table_with_a_conversation_in_it_is_dealt_with() {
    let shelf = Shelf::new().await;
    let tables = shelf
        .rows(
            "SELECT DISTINCT t.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
             WHERE t.type = 'table' AND (c.name LIKE '%conversation%' OR c.name LIKE '%part%' OR t.name = 'conversation')",
        )
        .await;
    let dealt_with: BTreeSet<String> =
        ERASED.iter().map(|(table, _)| *table).chain(GONE_THROUGH).map(str::to_owned).collect();
    assert_eq!(tables.into_iter().collect::<BTreeSet<_>>(), dealt_with, "say in store/forgotten.rs how its rows go");
    for (table, sql) in ERASED {
        assert!(sql.contains(&format!(" {table} ")), "{table}: {sql}");
    }
}

#[tokio::test]
async fn nothing_that_comes_in_brings_it_back_and_its_neighbours_are_recorded() {
    let shelf = Shelf::new().await;
    shelf.record(&[notified("n1", about(answered("5000", 0))), notified("n2", about(answered("6000", 0)))]).await;
    assert!(matches!(forget(&shelf, "5000").await, Forgot::Rows(_)));
    let batch = [
        notified("n1", about(answered("5000", 0))),
        notified("n3", about(answered("5000", 2))),
        notified("n3", about(answered("5000", 3))),
        notified("n4", about(answered("6000", 4))),
        fetched(answered("5000", 5)),
        from_workspace(notified("n5", about(answered("5000", 1))), "theirs"),
    ];
    assert_eq!(shelf.record(&batch).await, [Ignored, Ignored, Duplicate, Stored, Ignored, Foreign]);
    let listed = [Listing { id: id("5000"), updated_at: None }, Listing { id: id("7000"), updated_at: None }];
    assert_eq!(shelf.store.mark_listed("ours", &listed, at(10)).await.unwrap(), 1);
    assert!(claim(&shelf, "5000", CLOSE).await.is_none(), "nor is anything begun");
    assert_eq!(shelf.rows("SELECT id FROM conversation ORDER BY id").await, ["6000", "7000"]);
    let told = shelf.rows("SELECT id || coalesce(conversation_id, '') || result || lower(hex(fingerprint)) FROM notification WHERE app_id = 'ours' ORDER BY id").await;
    let [n2, n4] = ["n2", "n4"].map(print_of);
    let want =
        ["n1ignored".to_owned(), format!("n26000stored{n2}"), "n3ignored".to_owned(), format!("n46000stored{n4}")];
    assert_eq!(told, want);
    for table in ["activity", "fact", "untold", "attempt", "journal"] {
        assert_eq!(
            shelf.rows(&format!("SELECT 1 FROM {table} WHERE conversation_id = '5000'")).await.len(),
            0,
            "{table}"
        );
    }
}

#[tokio::test]
async fn a_body_that_names_it_goes_and_none_is_kept_again() {
    let shelf = Shelf::new().await;
    let saying = |key: &str, told: Told, text: &str| {
        let mut record = notified(key, told);
        if let Record::Notified { body, .. } = &mut record {
            *body = Bytes::from(text.to_owned());
        }
        record
    };
    let odd = || Told::Odd("odd".to_owned());
    shelf.record(&[notified("n0", about(answered("5000", 0)))]).await;
    let bodies = [
        saying("n1", odd(), r#"{"id":"5000","name":"Kim"}"#),
        saying("n2", odd(), r#"{"conversation_id":5000}"#),
        saying("n3", odd(), r#"{"id":"150001"}"#),
        from_workspace(saying("n4", odd(), "5000"), "theirs"),
        from_workspace(saying("n5", odd(), r#"{"id":"5000""#), ""),
        saying("n6", odd(), r#"{"part":{"id":"2"}}"#),
    ];
    shelf.record(&bodies).await;
    forget(&shelf, "5000").await;
    let kept = shelf.rows("SELECT key FROM notification_body ORDER BY key").await;
    assert_eq!(kept, ["n3", "n4"], "also what only names a part of it goes");
    let later = [
        saying("m1", odd(), r#"{"id":"5000","name":"Kim"}"#),
        saying("m2", Told::Unknown, "[5000]"),
        saying("m3", odd(), r#"{"id":"50001"}"#),
        from_workspace(saying("m4", odd(), "5000"), ""),
    ];
    shelf.record(&later).await;
    assert_eq!(shelf.rows("SELECT key FROM notification_body ORDER BY key").await, ["m3", "n3", "n4"]);
    assert_eq!(
        shelf.rows("SELECT id FROM notification WHERE id LIKE 'm%' ORDER BY id").await,
        ["m1", "m2", "m3", "m4"]
    );
}

#[tokio::test]
async fn what_refers_to_an_unknown_conversation_is_erased_and_a_mere_slip_is_not_remembered() {
    let shelf = Shelf::new().await;
    assert_eq!(forget(&shelf, "5000").await, Forgot::Unknown);
    shelf.record(&[notified("n1", Told::Odd("5000".to_owned()))]).await;
    shelf.execute("UPDATE notification_body SET body = CAST('{\"id\":5000}' AS BLOB)").await;
    assert_eq!(forget(&shelf, "5000").await, Forgot::Rows(1));
    assert_eq!(shelf.record(&[notified("n2", about(answered("5000", 0)))]).await, [Recorded::Ignored]);
    assert_eq!(forget(&shelf, "5000").await, Forgot::Before);
}

#[tokio::test]
async fn a_claimed_step_is_lost_to_whoever_claimed_it_and_a_sent_one_keeps_all() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5000", 0)), fetched(answered("6000", 0))]).await;
    let claimed = claim(&shelf, "5000", CLOSE).await.unwrap();
    assert!(matches!(forget(&shelf, "5000").await, Forgot::Rows(_)));
    assert!(shelf.store.about_to_send(claimed, &sending(DAY)).await.unwrap().is_none());
    assert_eq!(shelf.store.barred(claimed, at(DAY)).await.unwrap(), Barred::Taken);
    let settled = settle(&shelf, claimed, &Outcome::Left("taken".into()), DAY).await;
    assert!(!settled.news, "and nothing is written of it");
    assert_eq!(shelf.count("journal").await, 0);

    let sent = sent(&shelf, "6000", CLOSE, DAY).await;
    assert_eq!(forget(&shelf, "6000").await, Forgot::UnderWay);
    settle(&shelf, sent, &done(DAY, true), DAY).await;
    assert_eq!(forget(&shelf, "6000").await, Forgot::UnderWay, "a snooze is still to be restored");
    assert_eq!(shelf.rows("SELECT id FROM conversation").await, ["6000"]);
}

#[tokio::test]
async fn attempts_stay_without_anything_that_tells_of_it_and_every_sum_stays_as_it_was() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5000", 0))]).await;
    let first = sent(&shelf, "5000", CLOSE, DAY).await;
    settle(&shelf, first, &done(DAY, false), DAY).await;
    let waiting = claim(&shelf, "5000", REPLY).await.unwrap();
    settle(&shelf, waiting, &Outcome::Deferred("the hour is used up".into()), DAY).await;
    let sums = async || {
        let counted = shelf.store.outcomes().await.unwrap().iter().map(|(_, count)| count).sum::<i64>();
        let actions = shelf.store.actions().await.unwrap().iter().map(|(.., count)| count).sum::<i64>();
        (shelf.store.sent_since(at(DAY - 1)).await.unwrap(), counted, actions)
    };
    let before = sums().await;
    forget(&shelf, "5000").await;
    assert_eq!((sums().await, before.0), (before, (1, 1)));
    assert_eq!(
        shelf.store.actions().await.unwrap(),
        [("quiet".to_owned(), "done".to_owned(), 1), ("quiet".to_owned(), "left".to_owned(), 1)]
    );
    let attempts = shelf.rows("SELECT json_array(conversation_id, anchor_at, due_at, phase, outcome, why, digest, snoozed_until, contact_at, contact_part, deeds, follow_up) FROM attempt").await;
    insta::assert_snapshot!(attempts.join("\n"), @r#"
["forgotten 1",0,0,"done","done","the conversation was forgotten",null,null,null,null,"[]",null]
["forgotten 2",0,0,"passed","left","the conversation was forgotten",null,null,null,null,"[]",null]
"#);
    assert!(shelf.store.unclear("ours", at(9 * DAY), 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn deciding_again_on_everything_is_one_transaction() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5000", 0))]).await;
    let mut stranger = shelf.locked().await;
    let (store, context) = (shelf.store.clone(), context());
    let deciding = tokio::spawn(async move { store.reschedule_all(&context, || {}).await });
    // Time enough for it to read, if it read before it may write.
    for _ in 0..200 {
        sqlx::query("SELECT count(*) FROM setting").fetch_one(&mut stranger).await.unwrap();
    }
    sqlx::query("DELETE FROM conversation").execute(&mut stranger).await.unwrap();
    sqlx::query("COMMIT").execute(&mut stranger).await.unwrap();
    assert_eq!(deciding.await.unwrap().unwrap(), 0, "what is gone is not written again");
    assert_eq!(shelf.count("conversation").await, 0);
}
