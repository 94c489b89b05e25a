//! An operator's word holds from the moment that it is committed: nothing leaves after it.

use super::attempts::{CLOSE, claim, done, sending, settle};
use super::*;

const UNTIL: i64 = 3 * DAY;

async fn known(shelf: &Shelf, conversation: &str) {
    let seen = Sighting::of(id(conversation));
    shelf.store.record(&[Record::Fetched(Box::new(seen))], &context()).await.unwrap();
}

#[tokio::test]
async fn a_claimed_step_is_not_sent_once_its_conversation_is_held() {
    for (until, now, want) in [
        (None, DAY, Some("held by hand until it is released")),
        (Some(UNTIL), DAY, Some("held by hand until 2026-03-05 12:00:00 UTC")),
        (Some(UNTIL), UNTIL, None),
    ] {
        let shelf = Shelf::new().await;
        known(&shelf, "5").await;
        let claimed = claim(&shelf, "5", CLOSE).await.unwrap();
        shelf.store.hold("ours", &id("5"), until.map(at), at(DAY - 1)).await.unwrap();
        let sends = shelf.store.about_to_send(claimed, &sending(now)).await.unwrap();
        assert_eq!(sends.is_none(), want.is_some(), "{until:?} {now}");
        if let Some(want) = want {
            assert_eq!(shelf.store.barred(claimed, at(now)).await.unwrap(), Barred::Held(want.to_owned()));
            shelf.store.release("ours", &id("5"), at(now)).await.unwrap();
            assert!(shelf.store.about_to_send(claimed, &sending(now)).await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn a_claimed_step_is_not_sent_once_its_rule_or_everything_is_paused() {
    for (rule, want) in
        [(None, Some("paused")), (Some("quiet"), Some("rule `quiet` is paused")), (Some("another"), None)]
    {
        let shelf = Shelf::new().await;
        known(&shelf, "5").await;
        let claimed = claim(&shelf, "5", CLOSE).await.unwrap();
        assert!(shelf.store.pause(rule, at(DAY)).await.unwrap());
        let sends = shelf.store.about_to_send(claimed, &sending(DAY)).await.unwrap();
        assert_eq!(sends.is_none(), want.is_some(), "{rule:?}");
        if let Some(want) = want {
            assert_eq!(shelf.store.barred(claimed, at(DAY)).await.unwrap(), Barred::Paused(want.to_owned()));
            assert!(shelf.store.resume(rule, at(DAY)).await.unwrap().changed);
            assert!(shelf.store.about_to_send(claimed, &sending(DAY)).await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn what_nobody_bars_and_cannot_be_sent_is_somebody_elses() {
    let shelf = Shelf::new().await;
    let claimed = claim(&shelf, "5", CLOSE).await.unwrap();
    settle(&shelf, claimed, &done(DAY, false), DAY).await;
    assert_eq!(shelf.store.barred(claimed, at(DAY)).await.unwrap(), Barred::Taken);
}

#[tokio::test]
async fn every_word_takes_a_turn_and_what_meets_nothing_takes_none() {
    let shelf = Shelf::new().await;
    known(&shelf, "5").await;
    let store = &shelf.store;
    let turn = async || store.operator_turn().await.unwrap();
    assert_eq!(turn().await, 0);
    assert_eq!(store.hold("ours", &id("5"), None, at(1)).await.unwrap(), Met::Done);
    store.pause(None, at(1)).await.unwrap();
    assert_eq!(turn().await, 2);
    assert_eq!(store.hold("ours", &id("6"), None, at(1)).await.unwrap(), Met::Unknown);
    assert_eq!(store.hold("theirs", &id("5"), None, at(1)).await.unwrap(), Met::Unknown);
    assert_eq!(store.release("ours", &id("6"), at(1)).await.unwrap(), Met::Unknown);
    assert_eq!(turn().await, 2);
    assert_eq!(store.release("ours", &id("5"), at(1)).await.unwrap(), Met::Done);
    assert_eq!(store.release("ours", &id("5"), at(1)).await.unwrap(), Met::AlreadySo);
    store.resume(None, at(1)).await.unwrap();
    assert_eq!(turn().await, 4);
}

#[tokio::test]
async fn a_hold_that_has_ended_is_not_counted_and_need_not_be_released() {
    let shelf = Shelf::new().await;
    known(&shelf, "5").await;
    known(&shelf, "6").await;
    shelf.store.hold("ours", &id("5"), Some(at(10)), at(1)).await.unwrap();
    shelf.store.hold("ours", &id("6"), None, at(1)).await.unwrap();
    assert_eq!(shelf.store.count_held(at(9)).await.unwrap(), 2);
    assert_eq!(shelf.store.count_held(at(10)).await.unwrap(), 1);
    assert_eq!(shelf.store.release("ours", &id("5"), at(10)).await.unwrap(), Met::AlreadySo);
}

#[tokio::test]
async fn deciding_again_on_everything_goes_by_the_holds() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 0)), fetched(answered("6", 0)), fetched(answered("7", 0))]).await;
    shelf.store.hold("ours", &id("5"), None, at(1)).await.unwrap();
    shelf.store.hold("ours", &id("6"), Some(at(5 * DAY)), at(1)).await.unwrap();
    assert_eq!(shelf.store.reschedule_all(&context(), || {}).await.unwrap(), 3);
    assert_eq!(shelf.due(at(4 * DAY)).await, ["7"]);
    assert_eq!(shelf.due(at(9 * DAY)).await, ["7", "6"]);
}

#[tokio::test]
async fn a_rule_of_any_name_is_paused_by_it_and_since_when_is_kept() {
    let shelf = Shelf::new().await;
    for rule in ["quiet", "Ünïcode, with \"quotes\"", "%"] {
        assert!(shelf.store.pause(Some(rule), at(1)).await.unwrap());
        assert!(!shelf.store.pause(Some(rule), at(2)).await.unwrap());
        let shelf_again = Store::open(&shelf.path()).await.unwrap();
        let pauses = shelf_again.pauses().await.unwrap();
        assert_eq!((pauses.all, pauses.rules[&RuleName::from(rule)]), (None, at(1)));
        assert!(pauses.of(&RuleName::from("calm")).is_none());
    }
}

#[tokio::test]
async fn the_daemons_file_is_opened_beside_it_only_with_the_schema_of_this_program() {
    let shelf = Shelf::new().await;
    assert!(Store::open_beside(&shelf.path()).await.is_ok());
    shelf.execute("DELETE FROM _sqlx_migrations WHERE version > 3").await;
    let error = Store::open_beside(&shelf.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Older { found: 3, .. }), "{error}");
    assert!(!error.refuses_the_database());
    let nothing = shelf.folder.path().join("nothing.db");
    assert!(Store::open_beside(&nothing).await.is_err());
    assert!(!nothing.exists(), "never made");
}
