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
    let plan = sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", crate::store::attempts::ACTIONS)));
    let steps: Vec<(i64, i64, i64, String)> = plan.fetch_all(&mut shelf.stranger().await).await.unwrap();
    let [step] = steps.as_slice() else { panic!("{steps:?}") };
    assert!(step.3.contains("attempt_count"), "{step:?}");
}
