//! What is looked back at is a rule's last closes, and never all that was ever done.

use super::*;
use crate::store::{trips, undone};

async fn plan(shelf: &Shelf, question: &str) -> String {
    let plan = sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {question}")));
    let steps: Vec<(i64, i64, i64, String)> = plan.fetch_all(&mut shelf.stranger().await).await.unwrap();
    steps.into_iter().map(|step| step.3).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn looking_back_goes_by_the_rules_closes_and_by_each_conversation() {
    let shelf = Shelf::new().await;
    for (question, indexes) in
        [(trips::REOPENINGS, ["attempt_closed", "PRIMARY KEY"]), (undone::CLOSES, ["attempt_closed", "attempt_sent"])]
    {
        let plan = plan(&shelf, question).await;
        assert!(indexes.iter().all(|index| plan.contains(index)), "{plan}");
        let scans = plan.lines().filter(|step| step.starts_with("SCAN"));
        assert!(
            scans
                .clone()
                .all(|step| ["SCAN a", "SCAN (subquery"].iter().any(|of| step.starts_with(of))
                    && !step.contains("attempt")),
            "{plan}"
        );
    }
}
