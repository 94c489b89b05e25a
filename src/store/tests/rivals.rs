//! Closes that are not ours are told from ours.

use super::attempts::{CLOSE, done, no_inputs, sent};
use super::*;

/// A close by this admin.
fn close(id: u64, minute: i64, admin: &str) -> Part {
    let part = part(id, minute, Actor::Teammate, Class::Closed);
    Part { admin_id: Some(admin.to_owned()), ..part }
}

/// Conversation 5 as closed like this.
fn closed(part: Part, minute: i64) -> Sighting {
    let mut seen = answered("5", 0);
    seen.snapshot = Some(snapshot(State::Closed, minute, "c"));
    seen.parts.push(part);
    seen
}

/// What is noted when this is read in that minute; conversation 5 is due after a day.
async fn noted(part: Part, minute: i64) -> Option<String> {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 0))]).await;
    let context = context_at(minute);
    shelf.store.record(&[fetched(closed(part, minute))], &context).await.unwrap();
    shelf.store.rival(context.now).map(|rival| format!("{} at {}", rival.conversation, rival.at))
}

#[tokio::test]
async fn a_close_by_our_teammate_of_what_was_due_is_noted() {
    for (what, part, minute, told) in [
        ("when it was due", close(9, DAY, "9"), DAY, Some("5 at 2026-03-03T12:00:00Z")),
        ("a moment before", close(9, DAY - 1, "9"), DAY, Some("5 at 2026-03-03T11:59:00Z")),
        ("long before: a person", close(9, DAY - 30, "9"), DAY - 30, None),
        ("by another teammate", close(9, DAY, "7"), DAY, None),
        ("hours ago, as a restored backup finds it", close(9, DAY, "9"), DAY + 61, None),
    ] {
        assert_eq!(noted(part, minute).await.as_deref(), told, "{what}");
    }
}

#[tokio::test]
async fn our_own_close_is_not_noted_before_its_answer_or_after_it() {
    for settled in [false, true] {
        let shelf = Shelf::new().await;
        shelf.record(&[fetched(answered("5", 0))]).await;
        let claimed = sent(&shelf, "5", CLOSE, DAY).await;
        if settled {
            // What was lost may be found by its time alone.
            shelf.store.settle(claimed, &done(DAY, false), &no_inputs(), &context_at(DAY)).await.unwrap();
            shelf.execute(&format!("UPDATE conversation SET due_at = {}", at(DAY).as_millisecond())).await;
        }
        let context = context_at(DAY);
        shelf.store.record(&[fetched(closed(close(9, DAY, "9"), DAY))], &context).await.unwrap();
        assert_eq!(shelf.store.rival(context.now), None, "settled: {settled}");
    }
}

#[tokio::test]
async fn it_is_told_for_an_hour_and_the_latest_counts() {
    let shelf = Shelf::new().await;
    shelf.record(&["5", "6"].map(|id| fetched(answered(id, 0)))).await;
    for (id, minute) in [("5", DAY + 9), ("6", DAY)] {
        let seen = Sighting { id: super::id(id), ..closed(close(9, minute, "9"), minute) };
        shelf.store.record(&[fetched(seen)], &context_at(DAY + 9)).await.unwrap();
    }
    let told = |minute: i64| shelf.store.rival(at(minute)).map(|rival| rival.conversation.to_string());
    assert_eq!((told(DAY + 68).as_deref(), told(DAY + 69)), (Some("5"), None));
}
