//! What is due, what is to be read, and when old things go.

use jiff::SignedDuration;

use super::*;

fn unread(conversation: &str) -> Record {
    let mut seen = answered(conversation, 0);
    seen.whole = false;
    if let Some(snapshot) = &mut seen.snapshot {
        snapshot.facts.tags = None;
    }
    fetched(seen)
}

#[tokio::test]
async fn the_longest_due_come_first_and_only_ours() {
    let shelf = Shelf::new().await;
    let stranger = Context { app_id: Some("theirs".into()), ..context() };
    shelf.store.record(&[fetched(answered("1", 0))], &stranger).await.unwrap();
    shelf.record(&[fetched(answered("7", 2)), fetched(answered("6", 2)), fetched(answered("8", 1))]).await;
    assert_eq!(shelf.due(at(DAY + 2)).await, ["8", "6", "7"]);
    assert_eq!(shelf.due(at(DAY + 1)).await, ["8"]);
    assert_eq!(texts(&shelf.store.due("ours", at(9 * DAY), 2).await.unwrap()), ["8", "6"]);
    assert_eq!(shelf.store.tracked(None).await.unwrap(), 4);
}

#[tokio::test]
async fn what_a_sweep_asks_is_found_by_its_own_index_however_much_is_stored() {
    let shelf = Shelf::new().await;
    for (question, index) in [
        (conversations::DUE, "conversation_due"),
        (conversations::TO_FETCH, "conversation_fetch"),
        (conversations::COUNT_TO_FETCH, "conversation_fetch"),
        (crate::store::attempts::PENDING, "attempt_unclear"),
        (crate::store::attempts::FOLLOW_UPS, "attempt_follow_up"),
        (crate::store::attempts::SENT, "attempt_sent"),
        (crate::store::surges::DUE_BEHIND, "conversation_due"),
    ] {
        let plan = sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {question}")));
        let steps: Vec<(i64, i64, i64, String)> = plan.fetch_all(&mut shelf.stranger().await).await.unwrap();
        assert!(steps[0].3.contains(index), "{question}: {steps:?}");
    }
}

#[tokio::test]
async fn what_is_not_known_is_to_be_read_until_it_was_read_whole() {
    let shelf = Shelf::new().await;
    shelf.record(&[unread("5")]).await;
    assert_eq!(shelf.to_fetch(at(10)).await, ["5"]);
    assert_eq!(shelf.store.count_to_fetch("ours", at(DAY)).await.unwrap(), 1);
    shelf.record(&[fetched(answered("5", 20))]).await;
    assert_eq!(
        (shelf.to_fetch(at(DAY)).await, shelf.store.count_to_fetch("ours", at(DAY)).await.unwrap()),
        (vec![], 0)
    );
}

#[tokio::test]
async fn a_conversation_that_cannot_be_read_is_tried_again_ever_later() {
    let shelf = Shelf::new().await;
    shelf.record(&[unread("5")]).await;
    let mut now = at(0);
    for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
        shelf.store.fetch_failed("ours", &id("5"), now).await.unwrap();
        now += SignedDuration::from_mins(minutes);
        let just_before = now - SignedDuration::from_secs(1);
        assert_eq!(shelf.to_fetch(just_before).await, Vec::<String>::new(), "{minutes}");
        assert_eq!(shelf.to_fetch(now).await, ["5"], "{minutes}");
    }
    shelf.store.fetch_failed("ours", &id("404"), now).await.unwrap();
}

#[tokio::test]
async fn a_search_marks_what_is_new_or_newer_and_nothing_else() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 3)), fetched(answered("6", 3))]).await;
    let listing =
        |conversation: &str, minute: Option<i64>| Listing { id: id(conversation), updated_at: minute.map(at) };
    let listed = [listing("5", Some(2)), listing("6", Some(4)), listing("7", Some(1)), listing("8", None)];
    assert_eq!(shelf.store.mark_listed("ours", &listed, at(10)).await.unwrap(), 3);
    assert_eq!(shelf.to_fetch(at(10)).await, ["6", "7", "8"]);
    assert_eq!(shelf.store.mark_listed("ours", &[listing("5", None)], at(11)).await.unwrap(), 1);
    let known = shelf.store.decided(&id("7"), &context()).await.unwrap().unwrap();
    assert!(matches!(known.decision, crate::engine::Decision::Leave { .. }), "known from a search only");
    shelf.store.fetch_failed("ours", &id("7"), at(10)).await.unwrap();
    shelf.store.mark_listed("ours", &listed, at(10)).await.unwrap();
    assert!(!shelf.to_fetch(at(10)).await.contains(&"7".to_owned()), "what could not be read rests, listed or not");
    assert!(shelf.to_fetch(at(11)).await.contains(&"7".to_owned()));
}

#[tokio::test]
async fn what_a_full_search_does_not_list_is_read_to_see_what_became_of_it() {
    let shelf = Shelf::new().await;
    let mut closed = answered("7", 0);
    closed.snapshot = Some(snapshot(State::Closed, 0, "n"));
    let mut ticket = answered("8", 0);
    ticket.ticket = true;
    shelf.record(&[fetched(answered("5", 0)), fetched(answered("6", 0)), fetched(closed), fetched(ticket)]).await;
    let listed = [Listing { id: id("5"), updated_at: None }];
    shelf.store.stamp_listed("ours", &listed, at(10)).await.unwrap();
    assert_eq!(shelf.store.mark_unlisted("ours", at(10)).await.unwrap(), 1);
    assert_eq!(shelf.to_fetch(at(10)).await, ["6"]);
    assert_eq!(shelf.store.mark_unlisted("theirs", at(10)).await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_put_off_is_due_then_and_a_new_decision_undoes_it() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 0))]).await;
    shelf.store.put_off("ours", &id("5"), at(DAY), at(3 * DAY)).await.unwrap();
    assert_eq!(shelf.due(at(3 * DAY - 1)).await, Vec::<String>::new());
    assert_eq!(shelf.due(at(3 * DAY)).await, ["5"]);
    let decided = shelf.store.reschedule(&id("5"), &context()).await.unwrap().unwrap();
    assert_eq!(decided.decision.due_at(), Some(at(DAY)));
    assert_eq!(shelf.due(at(DAY)).await, ["5"]);
    assert!(shelf.store.reschedule(&id("404"), &context()).await.unwrap().is_none());
}

#[tokio::test]
async fn other_rules_are_applied_to_every_conversation_that_is_not_closed() {
    let shelf = Shelf::new().await;
    let mut closed = answered("2000", 0);
    closed.snapshot = Some(snapshot(State::Closed, 0, "n"));
    let mut records: Vec<_> = (1000..1700).map(|number| fetched(answered(&number.to_string(), 0))).collect();
    records.push(fetched(closed));
    for batch in records.chunks(64) {
        shelf.record(batch).await;
    }
    let changed = by(edition(&RULES.replace("1 day", "2 days")));
    assert_eq!(shelf.store.reschedule_all(&changed, || ()).await.unwrap(), 700, "more than one batch");
    assert_eq!(shelf.due(at(2 * DAY - 1)).await, Vec::<String>::new());
    assert_eq!(shelf.store.due("ours", at(2 * DAY), 10_000).await.unwrap().len(), 700);
    assert_eq!(shelf.store.reschedule_all(&by(edition("")), || ()).await.unwrap(), 700);
    assert_eq!(shelf.due(at(90 * DAY)).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_comes_to_the_same_again_is_not_written() {
    let shelf = Shelf::new().await;
    let (mut told, many) = (answered("5", 0), (1000..1600).map(|number| fetched(answered(&number.to_string(), 0))));
    (told.whole, told.channel) = (false, None);
    let records: Vec<_> = many.chain([notified("n1", about(told))]).collect();
    shelf.record(&records).await;
    let asks = RULES.replace("match_all = true", "match.channel = \"email\"");
    for (rules, touched) in
        [(RULES, 0), (&RULES.replace("1 day", "2 days"), 601), (RULES, 601), (&asks, 601), (&asks, 0)]
    {
        let before = changes(&shelf).await;
        assert_eq!(shelf.store.reschedule_all(&by(edition(rules)), || ()).await.unwrap(), 601);
        assert_eq!(changes(&shelf).await - before, touched, "{rules}");
    }
    assert_eq!(shelf.to_fetch(at(0)).await, ["5"], "one was due and is to be read instead");
    shelf.execute("UPDATE conversation SET fetch_at = NULL").await;
    let before = changes(&shelf).await;
    shelf.store.reschedule_all(&by(edition(&asks)), || ()).await.unwrap();
    assert_eq!((changes(&shelf).await - before, shelf.to_fetch(at(0)).await), (1, vec!["5".to_owned()]));
}

#[tokio::test]
async fn what_was_put_aside_is_over_when_new_rules_say_nothing_of_it_though_nothing_is_due_as_before() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 0))]).await;
    let claimed = attempts::claim(&shelf, "5", attempts::CLOSE).await.unwrap();
    let aside = Outcome::PutAside { reason: "late".to_owned(), why: "put aside".to_owned() };
    attempts::settle(&shelf, claimed, &aside, DAY).await;
    for (rules, waits) in [(RULES, 1), ("", 0)] {
        assert_eq!(shelf.due(at(9 * DAY)).await, Vec::<String>::new());
        let by = Context { now: at(DAY), ..by(edition(rules)) };
        shelf.store.reschedule_all(&by, || ()).await.unwrap();
        assert_eq!(shelf.count("backlog").await, waits, "{rules}");
    }
    let told = shelf.rows("SELECT outcome || ': ' || why FROM attempt").await;
    assert_eq!(told, ["left: taken out of the backlog, as things have changed"]);
}

/// Rows that were written on the connection that writes.
async fn changes(shelf: &Shelf) -> i64 {
    let mut writer = shelf.store.write().await;
    sqlx::query_scalar("SELECT total_changes()").fetch_one(writer.connection()).await.unwrap()
}

#[tokio::test]
async fn deciding_again_goes_by_the_ids_of_a_batch_and_not_through_all_conversations() {
    let shelf = Shelf::new().await;
    let plan = sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", conversations::RESCHEDULE)));
    let steps: Vec<(i64, i64, i64, String)> = plan.fetch_all(&mut shelf.stranger().await).await.unwrap();
    assert!(steps.iter().all(|step| step.3.contains("json_each")), "{steps:?}");
}

/// A context may be older than the rules: whoever made it may have waited for the database meanwhile.
#[tokio::test]
async fn what_is_written_down_after_a_change_of_rules_follows_the_new_ones() {
    let shelf = Shelf::new().await;
    let before = context();
    let waited = before.clone();
    shelf.store.record(&[fetched(answered("5", 0)), fetched(answered("6", 0))], &before).await.unwrap();
    let attempt = attempts::claim(&shelf, "6", attempts::CLOSE).await.unwrap();
    before.rulebook.replace(edition(&RULES.replace("1 day", "2 days")));
    assert_eq!(shelf.store.reschedule_all(&before, || ()).await.unwrap(), 2);
    shelf.store.record(&[fetched(answered("5", 10)), fetched(answered("7", 10))], &waited).await.unwrap();
    let left = Outcome::Left("things have changed".to_owned());
    shelf.store.settle(attempt, &left, &attempts::no_inputs(), &waited).await.unwrap();
    assert_eq!(shelf.due(at(2 * DAY - 1)).await, Vec::<String>::new());
    assert_eq!(shelf.due(at(2 * DAY + 10)).await, ["6", "5", "7"]);
}

#[tokio::test]
async fn what_only_the_new_rules_ask_about_is_read() {
    let shelf = Shelf::new().await;
    let mut seen = answered("5", 0);
    (seen.whole, seen.channel) = (false, None);
    shelf.record(&[notified("n1", about(seen))]).await;
    assert_eq!((shelf.due(at(DAY)).await, shelf.to_fetch(at(DAY)).await), (vec!["5".to_owned()], vec![]));
    let asks = RULES.replace("match_all = true", "match.channel = \"email\"");
    assert_eq!(shelf.store.reschedule_all(&by(edition(&asks)), || ()).await.unwrap(), 1);
    assert_eq!((shelf.due(at(DAY)).await, shelf.to_fetch(at(0)).await), (vec![], vec!["5".to_owned()]));
}

#[tokio::test]
async fn one_damaged_row_does_not_keep_the_others_from_new_rules() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 0)), fetched(answered("6", 0))]).await;
    shelf.execute("UPDATE conversation SET latest = 'damaged', due_at = 1 WHERE id = '5'").await;
    shelf.execute("UPDATE conversation SET due_at = NULL WHERE id = '6'").await;
    assert_eq!(shelf.store.reschedule_all(&context(), || ()).await.unwrap(), 2);
    assert_eq!(shelf.due(at(9 * DAY)).await, ["5", "6"], "the sweep meets it and tells health");
}

#[tokio::test]
async fn old_ids_and_bodies_go_and_a_replay_after_that_changes_nothing() {
    let shelf = Shelf::new().await;
    let old = [notified("n1", about(answered("5", 0))), notified("n2", Told::Odd("odd".to_owned()))];
    shelf.record(&old).await;
    shelf.store.record(&[notified("n3", Told::Unknown)], &context_at(10)).await.unwrap();
    let before = shelf.rows("SELECT json_array(latest, due_at, facts, told_at) FROM conversation").await;
    assert_eq!(shelf.store.prune(at(0), at(0)).await.unwrap(), 0);
    assert_eq!(shelf.store.prune(at(10), at(0)).await.unwrap(), 1);
    assert_eq!((shelf.count("notification").await, shelf.count("notification_body").await), (3, 1));
    assert_eq!(shelf.store.prune(at(10), at(10)).await.unwrap(), 2);
    assert_eq!((shelf.count("notification").await, shelf.count("notification_body").await), (1, 1));
    assert_eq!((shelf.count("activity").await, shelf.count("fact").await), (2, 1), "kept for ever");
    assert_eq!(shelf.record(&old[..1]).await, [Recorded::Stored]);
    assert_eq!(shelf.rows("SELECT json_array(latest, due_at, facts, told_at) FROM conversation").await, before);
    assert_eq!((shelf.count("activity").await, shelf.count("fact").await), (2, 1));
}

#[tokio::test]
async fn pruning_goes_through_any_number() {
    let shelf = Shelf::new().await;
    let records: Vec<_> = (0..2100).map(|number| notified(&format!("n{number}"), Told::Unknown)).collect();
    shelf.record(&records).await;
    assert_eq!(shelf.store.prune(at(1), at(1)).await.unwrap(), 4200);
    assert_eq!((shelf.count("notification").await, shelf.count("notification_body").await), (0, 0));
}

#[tokio::test]
async fn what_reading_did_not_make_clear_is_not_read_again_at_once() {
    let shelf = Shelf::new().await;
    let mut newer = answered("5", 10);
    newer.snapshot.as_mut().unwrap().facts.tags = None;
    let mut undated = answered("6", 9);
    undated.snapshot = None;
    shelf.record(&[notified("a", about(newer.clone())), notified("b", about(Sighting { id: id("6"), ..newer }))]).await;
    assert_eq!(shelf.to_fetch(at(0)).await, ["5", "6"]);
    // Intercom shows an older conversation than it told of, or one that cannot be ordered.
    shelf.record(&[fetched(answered("5", 9)), fetched(undated)]).await;
    assert_eq!(shelf.to_fetch(at(0)).await, Vec::<String>::new());
    assert_eq!(shelf.to_fetch(at(1)).await, ["5", "6"]);
}

#[tokio::test]
async fn what_was_told_while_a_call_was_under_way_is_read_once_that_has_ended() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 0))]).await;
    let claimed = super::attempts::sent(&shelf, "5", super::attempts::REPLY, DAY).await;
    let mut glimpse = Sighting { parts: Vec::new(), whole: false, ..answered("5", DAY) };
    glimpse.snapshot.as_mut().unwrap().facts.tags = None;
    shelf.record(&[notified("a", about(glimpse))]).await;
    super::attempts::settle(&shelf, claimed, &super::attempts::done(DAY, false), DAY).await;
    assert_eq!(shelf.due(at(9 * DAY)).await, Vec::<String>::new());
    assert_eq!(shelf.to_fetch(at(DAY)).await, ["5"], "whether a tag holds it off is not known");
}

#[tokio::test]
async fn of_two_complete_looks_at_once_neither_takes_for_closed_what_the_other_listed() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 0)), fetched(answered("6", 0))]).await;
    let listed = [Listing { id: id("5"), updated_at: None }];
    for look in [10, 12, 10] {
        shelf.store.stamp_listed("ours", &listed, at(look)).await.unwrap();
    }
    assert_eq!(shelf.store.mark_unlisted("ours", at(10)).await.unwrap(), 1);
    assert_eq!(shelf.store.mark_unlisted("ours", at(12)).await.unwrap(), 0);
    assert_eq!(shelf.to_fetch(at(12)).await, ["6"]);
}
