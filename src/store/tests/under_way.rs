//! The journal while a call is under way: it says so at once, and how it ended as soon as that is known.

use super::attempts::{CLOSE, REPLY, claim, done, sent, settle};
use super::*;

async fn journal(shelf: &Shelf) -> Vec<String> {
    let lines = shelf.store.journal(None).await.unwrap();
    lines.iter().map(|line| format!("{} {}: {}", line.outcome, line.step, line.why)).collect()
}

#[tokio::test]
async fn a_call_that_has_left_is_in_the_journal_until_it_is_settled() {
    let shelf = Shelf::new().await;
    let claimed = sent(&shelf, "5", CLOSE, DAY).await;
    assert_eq!(journal(&shelf).await, ["unclear close: sent; no answer yet"]);
    let line = shelf.store.journal(None).await.unwrap().remove(0);
    assert_eq!(line.inputs, r#"{"anchor_at":"2026-03-02T12:00:00Z","due_at":"2026-03-03T12:00:00Z"}"#);
    settle(&shelf, claimed, &done(DAY, false), DAY).await;
    assert_eq!(journal(&shelf).await, ["done close: quiet"], "one deed, one line");
}

#[tokio::test]
async fn a_call_that_nobody_came_to_settle_stays_in_the_journal() {
    let shelf = Shelf::new().await;
    sent(&shelf, "5", CLOSE, DAY).await;
    let shelf = shelf.reopened().await;
    let pending = shelf.store.unclear("ours", at(DAY + 1), 9).await.unwrap().remove(0);
    settle(&shelf, pending.claimed, &done(DAY, false), DAY + 1).await;
    assert_eq!(journal(&shelf).await, ["unclear close: sent; no answer yet", "done close: quiet"]);
}

#[tokio::test]
async fn what_is_put_off_time_and_again_is_told_once_though_it_was_about_to_leave() {
    let shelf = Shelf::new().await;
    for minute in 0..3 {
        let claimed = sent(&shelf, "5", REPLY, DAY + minute).await;
        settle(&shelf, claimed, &Outcome::Deferred("busy".to_owned()), DAY + minute).await;
    }
    assert_eq!(journal(&shelf).await, ["deferred reply 1: busy"]);
}

#[tokio::test]
async fn whoever_comes_too_late_to_settle_leaves_the_journal_as_it_is() {
    let shelf = Shelf::new().await;
    let claimed = sent(&shelf, "5", CLOSE, DAY).await;
    let other = shelf.store.unclear("ours", at(DAY + 1), 9).await.unwrap().remove(0);
    settle(&shelf, other.claimed, &Outcome::Left("absent".to_owned()), DAY + 1).await;
    let again = claim(&shelf, "5", CLOSE).await.unwrap();
    settle(&shelf, claimed, &done(DAY, false), DAY + 2).await;
    settle(&shelf, again, &Outcome::Deferred("later".to_owned()), DAY + 3).await;
    let told = ["unclear close: sent; no answer yet", "left close: absent", "deferred close: later"];
    assert_eq!(journal(&shelf).await, told);
}

#[tokio::test]
async fn that_a_call_leaves_and_its_line_are_one_transaction() {
    let shelf = Shelf::new().await;
    let claimed = claim(&shelf, "5", CLOSE).await.unwrap();
    shelf.execute("CREATE TRIGGER no BEFORE INSERT ON journal BEGIN SELECT raise(ABORT, 'no'); END").await;
    assert!(shelf.store.about_to_send(claimed, &attempts::sending(DAY)).await.is_err());
    assert!(shelf.store.unclear("ours", at(DAY + 1), 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_same_step_of_another_period_is_another_matter() {
    let shelf = Shelf::new().await;
    let later = || Outcome::Deferred("busy".to_owned());
    let first = claim(&shelf, "5", CLOSE).await.unwrap();
    settle(&shelf, first, &later(), DAY).await;
    let second = attempts::claim_in(&shelf, "5", CLOSE, 7).await.unwrap();
    settle(&shelf, second, &later(), DAY).await;
    assert_eq!(journal(&shelf).await.len(), 2, "each period has its line");
}
