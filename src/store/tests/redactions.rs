//! Kept bodies of which somebody had words taken away, and notifications that were not understood.

use super::*;

fn all() -> Context {
    Context { keep_bodies: KeepBodies::All, ..context() }
}

/// Not understood, but it seems to be about that conversation.
fn odd(key: &str, conversation: &str) -> Record {
    let mut record = notified(key, Told::Odd("a date is missing".to_owned()));
    if let Record::Notified { about, .. } = &mut record {
        *about = Some(id(conversation));
    }
    record
}

fn redaction(conversation: &str) -> Sighting {
    Sighting { redacted: true, ..answered(conversation, 0) }
}

async fn keys(shelf: &Shelf) -> Vec<String> {
    shelf.rows("SELECT key FROM notification_body ORDER BY id").await
}

#[tokio::test]
async fn what_was_kept_of_a_conversation_goes_with_words_of_it() {
    let deleted = || Sighting { gone: true, ..Sighting::of(id("5")) };
    for seen in [redaction("5"), deleted()] {
        let batch = [
            notified("before", about(answered("5", 0))),
            odd("odd", "5"),
            notified("other", about(answered("6", 0))),
            from_workspace(notified("theirs", about(answered("5", 0))), "theirs"),
            notified("word of it", about(seen.clone())),
            notified("after", about(answered("5", 3))),
        ];
        for size in [1, 2, 6] {
            let shelf = Shelf::new().await;
            for batch in batch.chunks(size) {
                shelf.store.record(batch, &all()).await.unwrap();
            }
            assert_eq!(keys(&shelf).await, ["other", "theirs", "word of it", "after"], "{size} at once");
        }
    }
}

#[tokio::test]
async fn what_was_kept_aside_goes_although_nobody_asked_for_all() {
    let shelf = Shelf::new().await;
    let nameless = from_workspace(odd("nameless", "5"), "");
    shelf.record(&[odd("odd", "5"), nameless.clone(), odd("other", "6")]).await;
    assert_eq!(keys(&shelf).await, ["odd", "nameless", "other"]);
    shelf.record(&[notified("redaction", about(redaction("5")))]).await;
    assert_eq!(keys(&shelf).await, ["other"]);
    shelf
        .record(&[saying(nameless, "more", Told::Odd("odd".to_owned())), notified("again", about(redaction("5")))])
        .await;
    assert_eq!(keys(&shelf).await, ["other"]);
}

#[tokio::test]
async fn a_redaction_that_no_webhook_told_is_heeded_when_it_is_read() {
    let shelf = Shelf::new().await;
    shelf.store.record(&[notified("n1", about(answered("5", 0))), odd("n2", "5")], &all()).await.unwrap();
    shelf.record(&[fetched(answered("5", 1))]).await;
    assert_eq!(keys(&shelf).await, ["n1", "n2"]);
    shelf.record(&[fetched(redaction("5"))]).await;
    assert_eq!(keys(&shelf).await, Vec::<String>::new());
}

/// Intercom may show nothing for a moment of what it goes on having.
#[tokio::test]
async fn a_conversation_that_could_not_be_found_keeps_what_was_kept() {
    let shelf = Shelf::new().await;
    let gone = Sighting { gone: true, ..Sighting::of(id("5")) };
    shelf.record(&[odd("odd", "5"), fetched(gone)]).await;
    assert_eq!(keys(&shelf).await, ["odd"]);
}

#[tokio::test]
async fn another_workspace_s_redaction_takes_its_own() {
    let shelf = Shelf::new().await;
    let theirs = |record: Record| from_workspace(record, "theirs");
    shelf.record(&[odd("ours", "5"), theirs(notified("n1", about(answered("5", 0))))]).await;
    assert_eq!(keys(&shelf).await, ["ours", "n1"]);
    shelf.record(&[theirs(notified("n2", about(redaction("5"))))]).await;
    assert_eq!(keys(&shelf).await, ["ours", "n2"]);
}

#[tokio::test]
async fn what_is_not_understood_has_its_conversation_read() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", -9))]).await;
    let again = odd("n1", "5");
    let batch =
        [again.clone(), odd("n2", "6"), from_workspace(odd("n3", "7"), "theirs"), from_workspace(odd("n4", "8"), "")];
    shelf.record(&batch).await;
    assert_eq!(shelf.to_fetch(at(0)).await, ["5", "6"]);
    let nameless = from_workspace(odd("n6", "6"), "");
    shelf.record(&[fetched(answered("5", -9)), fetched(answered("6", -9)), again]).await;
    assert_eq!(shelf.to_fetch(at(0)).await, Vec::<String>::new(), "the same again is nothing new");
    shelf.record(&[nameless]).await;
    assert_eq!(shelf.to_fetch(at(0)).await, ["6"], "what names no workspace is ours if we know it");
    shelf.record(&[fetched(answered("6", -9))]).await;
    shelf.store.fetch_failed("ours", &id("5"), at(0)).await.unwrap();
    shelf.record(&[odd("n5", "5")]).await;
    assert_eq!(shelf.to_fetch(at(0)).await, Vec::<String>::new(), "what could not be read rests all the same");
    assert_eq!(shelf.to_fetch(at(1)).await, ["5"]);
}

/// A row that does not read must not keep a notification from being written down.
#[tokio::test]
async fn a_damaged_row_is_marked_too() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", -9))]).await;
    shelf.damage("5").await;
    assert_eq!(shelf.record(&[odd("n1", "5")]).await, [Recorded::Quarantined]);
    assert_eq!((shelf.to_fetch(at(0)).await, shelf.damaged().await), (vec!["5".to_owned()], vec!["5".to_owned()]));
}
