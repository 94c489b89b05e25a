//! What the database counts by itself is what one finds by counting.

use super::attempts::{CLOSE, REPLY, claim, done, sent, settle};
use super::*;

/// Every rule and outcome with its count: as kept, and as counted one by one.
async fn both(shelf: &Shelf) -> (Vec<String>, Vec<String>) {
    let kept = shelf.store.actions().await.unwrap();
    let kept = kept.iter().map(|(rule, outcome, count)| format!("{rule} {outcome} {count}")).collect();
    let counted = "SELECT rule || ' ' || outcome || ' ' || count(*) FROM attempt WHERE outcome <> 'claimed'
        GROUP BY rule, outcome ORDER BY rule, outcome";
    (kept, shelf.rows(counted).await)
}

#[tokio::test]
async fn each_step_of_a_period_is_counted_once_by_its_present_outcome() {
    let shelf = Shelf::new().await;
    let claimed = claim(&shelf, "5", REPLY).await.unwrap();
    assert_eq!(both(&shelf).await.0, Vec::<String>::new(), "what is only claimed has no outcome yet");
    settle(&shelf, claimed, &Outcome::Deferred("later".to_owned()), DAY).await;
    assert_eq!(both(&shelf).await.0, ["quiet deferred 1"]);
    let again = sent(&shelf, "5", REPLY, DAY).await;
    assert_eq!(both(&shelf).await.0, ["quiet unclear 1"], "the same row, taken up again");
    settle(&shelf, again, &done(DAY, false), DAY).await;
    for conversation in ["6", "7"] {
        let other = sent(&shelf, conversation, CLOSE, DAY).await;
        settle(&shelf, other, &Outcome::Failed("no".to_owned()), DAY).await;
    }
    let (kept, counted) = both(&shelf).await;
    assert_eq!(kept, ["quiet done 1", "quiet failed 2"]);
    assert_eq!(kept, counted);
    shelf.execute("UPDATE attempt SET rule = 'renamed' WHERE conversation_id = '6'").await;
    shelf.execute("DELETE FROM attempt WHERE conversation_id = '7'").await;
    let (kept, counted) = both(&shelf).await;
    assert_eq!(kept, ["quiet done 1", "renamed failed 1"]);
    assert_eq!(kept, counted);
}

#[tokio::test]
async fn asking_for_the_counts_does_not_go_through_the_attempts() {
    let shelf = Shelf::new().await;
    let plan = sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", crate::store::counts::ACTIONS)));
    let steps: Vec<(i64, i64, i64, String)> = plan.fetch_all(&mut shelf.stranger().await).await.unwrap();
    let [step] = steps.as_slice() else { panic!("{steps:?}") };
    assert!(step.3.contains("attempt_count"), "{step:?}");
}

#[tokio::test]
async fn every_conversation_that_is_tracked_is_counted_once() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 0)), fetched(answered("6", 0))]).await;
    shelf.record(&[fetched(answered("5", 1)), notified("n1", about(answered("7", 1)))]).await;
    let listed = Listing { id: id("8"), updated_at: None };
    shelf.store.mark_listed("ours", &[listed.clone(), listed], at(0)).await.unwrap();
    let stranger = Context { app_id: Some("theirs".into()), ..context() };
    shelf.store.record(&[fetched(answered("5", 0))], &stranger).await.unwrap();
    let tracked = async |app_id| shelf.store.tracked(app_id).await.unwrap();
    assert_eq!((tracked(Some("ours")).await, tracked(None).await, tracked(Some("nobody's")).await), (4, 5, 0));
    shelf.execute("DELETE FROM conversation WHERE id = '5'").await;
    assert_eq!((tracked(Some("ours")).await, tracked(None).await), (3, 3));
}

#[tokio::test]
async fn every_notification_is_counted_by_what_became_of_it_even_when_its_id_is_forgotten() {
    let shelf = Shelf::new().await;
    let stored = notified("n1", about(answered("5", 0)));
    // A repeat in the same batch, and one in the next; a repeat that says something else.
    let told = shelf.record(&[stored.clone(), stored.clone(), notified("n2", Told::Nothing)]).await;
    assert_eq!(told, [Recorded::Stored, Recorded::Duplicate, Recorded::Ignored]);
    shelf.record(&[stored.clone(), saying(stored, "other", Told::Odd("odd".to_owned()))]).await;
    shelf.record(&[notified("n3", Told::Odd("odd".to_owned()))]).await;
    shelf.record(&[from_workspace(notified("n1", Told::Nothing), "theirs")]).await;
    shelf.store.prune(at(1), at(1)).await.unwrap();
    assert_eq!(shelf.stored().await, Vec::<String>::new());
    let shelf = shelf.reopened().await;
    let received = shelf.store.received().await.unwrap();
    let received = Recorded::NAMES.map(|(result, name)| format!("{name} {}", received.count(result)));
    assert_eq!(received, ["stored 1", "duplicate 3", "ignored 1", "foreign 1", "quarantined 1"]);
}

#[tokio::test]
async fn what_is_not_committed_is_not_counted() {
    let shelf = Shelf::new().await;
    shelf.execute("CREATE TRIGGER no BEFORE INSERT ON conversation BEGIN SELECT raise(ABORT, 'no'); END").await;
    let batch = [notified("n1", about(answered("5", 0)))];
    assert!(shelf.store.record(&batch, &context()).await.is_err());
    shelf.execute("DROP TRIGGER no").await;
    shelf.record(&batch).await;
    let received = shelf.store.received().await.unwrap();
    assert_eq!((received.count(Recorded::Stored), received.count(Recorded::Duplicate)), (1, 0));
    assert_eq!(shelf.store.tracked(None).await.unwrap(), 1);
}

#[tokio::test]
async fn an_older_database_brings_its_counts_along() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 0)), notified("n1", about(answered("6", 0)))]).await;
    // As it was before: without what the last schema brought.
    for undone in [
        "DROP TRIGGER conversation_is_counted",
        "DROP TRIGGER conversation_is_counted_no_more",
        "DROP TRIGGER notification_is_counted",
        "DROP TABLE conversation_count",
        "DROP TABLE notification_count",
        "DROP INDEX attempt_rehearsed",
        "ALTER TABLE attempt DROP COLUMN would_say",
        "ALTER TABLE journal DROP COLUMN attempt",
        "DELETE FROM _sqlx_migrations WHERE description = 'counts'",
    ] {
        shelf.execute(undone).await;
    }
    let shelf = shelf.reopened().await;
    assert_eq!(shelf.store.tracked(Some("ours")).await.unwrap(), 2);
    assert_eq!(shelf.store.received().await.unwrap().count(Recorded::Stored), 1);
    shelf.record(&[fetched(answered("7", 0))]).await;
    assert_eq!(shelf.store.tracked(Some("ours")).await.unwrap(), 3);
}

#[tokio::test]
async fn what_came_last_is_found_by_its_age() {
    use crate::store::heard::{ARRIVED, NEWEST, TOPICS};
    let shelf = Shelf::new().await;
    for sql in [NEWEST, TOPICS, ARRIVED] {
        let plan = sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
        let steps: Vec<(i64, i64, i64, String)> = plan.fetch_all(&mut shelf.stranger().await).await.unwrap();
        let goes_by = steps.iter().find(|step| step.3.contains(" notification ")).unwrap();
        assert!(goes_by.3.contains("USING INDEX notification_by_age"), "{sql}: {steps:?}");
        assert!(sql != NEWEST || steps.len() == 1, "and nothing is sorted: {steps:?}");
    }
}

#[tokio::test]
async fn a_figure_costs_the_same_however_much_is_stored() {
    use crate::store::{counts, rehearsals};
    let shelf = Shelf::new().await;
    for (sql, large) in [
        (counts::ACTIONS, ["SCAN attempt ", "SCAN journal"]),
        (counts::TRACKED, ["SCAN conversation ", "SCAN c "]),
        (counts::RECEIVED, ["SCAN notification ", "SCAN n "]),
        (rehearsals::REHEARSED, ["SCAN a ", "SCAN c "]),
    ] {
        let plan = sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
        let steps: Vec<(i64, i64, i64, String)> = plan.fetch_all(&mut shelf.stranger().await).await.unwrap();
        let steps: Vec<String> = steps.into_iter().map(|step| format!("{} ", step.3)).collect();
        assert!(!steps.iter().any(|step| large.iter().any(|large| step.contains(large))), "{steps:?}");
        if sql == rehearsals::REHEARSED {
            assert!(steps[0].contains("attempt_rehearsed"), "{steps:?}");
        }
    }
}
