//! The journal is read in pages, by filters, from whichever end; and cheaply.

use super::super::journal::{JournalFilter, Place};
use super::*;

/// Six lines of two conversations: two at the same moment, one by hand.
async fn shelf() -> Shelf {
    let shelf = Shelf::new().await;
    for (minute, conversation, rule, step, does, outcome) in [
        (1, "5", "quiet", "reply 1", "reply", "done"),
        (2, "6", "quiet", "reply 1", "reply", "deferred"),
        (2, "5", "", "", "hold", "done"),
        (3, "6", "other", "close", "close", "failed"),
        (4, "5", "quiet", "close", "close", "done"),
        (5, "6", "quiet", "close", "close", "done"),
    ] {
        let at = at(minute).as_millisecond();
        shelf
            .execute(&format!(
                "INSERT INTO journal (at, app_id, conversation_id, rule, step, do, outcome, why, inputs)
                 VALUES ({at}, 'ours', '{conversation}', '{rule}', '{step}', '{does}', '{outcome}', 'so', '{{}}')"
            ))
            .await;
    }
    shelf
}

fn filter() -> JournalFilter {
    JournalFilter { app_id: Some("ours".to_owned()), ..JournalFilter::default() }
}

/// All that a filter lets through, in pages of `size`, from a place on.
async fn told(shelf: &Shelf, filter: &JournalFilter, from: Place, size: u32) -> String {
    let (mut told, mut place) = (Vec::new(), Some(from));
    while let Some(behind) = place {
        let page = shelf.store.journal_page(filter, behind, size).await.unwrap();
        assert!(page.lines.len() <= usize::try_from(size).unwrap());
        told.extend(page.lines.iter().map(|line| format!("{}:{}", line.conversation, line.does)));
        place = page.next;
    }
    told.join(" ")
}

#[tokio::test]
async fn pages_of_any_size_tell_the_same_each_line_once() {
    let shelf = shelf().await;
    for size in 1..8 {
        let told = told(&shelf, &filter(), Place::START, size).await;
        assert_eq!(told, "5:reply 6:reply 5:hold 6:close 5:close 6:close", "{size}");
    }
}

#[tokio::test]
async fn every_filter_leaves_out_what_does_not_fit_it() {
    let shelf = shelf().await;
    let text = |text: &str| Some(text.to_owned());
    let table = [
        ("workspace", JournalFilter { app_id: text("theirs"), ..filter() }, ""),
        ("conversation", JournalFilter { conversation: Some(id("5")), ..filter() }, "5:reply 5:hold 5:close"),
        ("rule", JournalFilter { rule: text("other"), ..filter() }, "6:close"),
        ("outcome", JournalFilter { outcome: text("deferred"), ..filter() }, "6:reply"),
        ("do", JournalFilter { does: text("hold"), ..filter() }, "5:hold"),
        ("since", JournalFilter { since: Some(at(4)), ..filter() }, "5:close 6:close"),
        ("until", JournalFilter { until: Some(at(2)), ..filter() }, "5:reply"),
        (
            "all of them",
            JournalFilter {
                conversation: Some(id("6")),
                rule: text("quiet"),
                outcome: text("done"),
                does: text("close"),
                since: Some(at(2)),
                until: Some(at(9)),
                ..filter()
            },
            "6:close",
        ),
    ];
    for (name, filter, want) in table {
        assert_eq!(told(&shelf, &filter, Place::START, 2).await, want, "{name}");
    }
}

#[tokio::test]
async fn the_newest_are_found_from_the_end_and_told_in_order() {
    let shelf = shelf().await;
    let of_five = JournalFilter { conversation: Some(id("5")), ..filter() };
    for (filter, count, want) in [
        (filter(), 2, Some("5:close 6:close")),
        (filter(), 4, Some("5:hold 6:close 5:close 6:close")),
        (filter(), 6, None),
        (of_five.clone(), 1, Some("5:close")),
        (of_five, 3, None),
    ] {
        let place = shelf.store.journal_before(&filter, count).await.unwrap();
        let newest = match place {
            Some(place) => Some(told(&shelf, &filter, place, 100).await),
            None => None,
        };
        assert_eq!(newest.as_deref(), want, "{count} of {filter:?}");
    }
}

#[tokio::test]
async fn nothing_is_sorted_nor_gone_through_as_a_whole_for_the_newest_or_for_one_conversation() {
    let shelf = Shelf::new().await;
    let since = JournalFilter { since: Some(at(1)), ..filter() };
    let of_one = JournalFilter { conversation: Some(id("5")), ..filter() };
    let of_one_since = JournalFilter { since: Some(at(1)), ..of_one.clone() };
    for (filter, index) in [
        (filter(), "journal_by_time (app_id=?"),
        (since, "journal_by_time (app_id=? AND at>?"),
        (JournalFilter { outcome: Some("failed".to_owned()), ..filter() }, "journal_by_time (app_id=?"),
        (of_one, "journal_by_conversation (app_id=? AND conversation_id=?"),
        (of_one_since, "journal_by_conversation (app_id=? AND conversation_id=? AND at>?"),
    ] {
        for sql in [filter.page(), filter.newest()] {
            let plan = sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
            let steps: Vec<(i64, i64, i64, String)> = plan.fetch_all(&mut shelf.stranger().await).await.unwrap();
            let [step] = steps.as_slice() else { panic!("{sql}: {steps:?}") };
            assert!(step.3.contains(index), "{sql}: {}", step.3);
        }
    }
}
