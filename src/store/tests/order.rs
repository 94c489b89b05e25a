//! State is a function of the set of what was seen: order, batches and repeats do not matter.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;

/// All that order may not change. When to read is a hint of the moment and left out.
const STATE: &str =
    "SELECT json_array(id, state, snoozed_until, facts, updated_at, fetched, told_at, notification_id, created_at,
    channel, delivered_as, flags, latest, by_admin, snooze_ends, due_at) FROM conversation ORDER BY id";
const LOG: &str = "SELECT json_array(conversation_id, part_id, class, at, actor) FROM activity ORDER BY 1";

/// A life with everything in it: replies, a snooze, our own admin's parts, two stories of one second, a fetch.
fn life() -> Vec<Record> {
    let glimpse = |minute: i64, state: State, parts: Vec<Part>| Sighting {
        created_at: Some(at(0)),
        snapshot: Some(snapshot(state, minute, &format!("n{minute}"))),
        parts,
        channel: Some("email".to_owned()),
        ..Sighting::of(id("5"))
    };
    let ours = |number: u64, minute: i64, class: Class| Part {
        admin_id: Some("9".to_owned()),
        digest: Some(format!("digest {number}")),
        reads_as: [].into(),
        ..part(number, minute, Actor::Teammate, class)
    };
    let mut fetched_last = glimpse(9, State::Open, vec![part(2, 2, Actor::Teammate, Class::TeammateReply)]);
    fetched_last.whole = true;
    fetched_last.last_contact_reply_at = Some(at(1));
    if let Some(snapshot) = &mut fetched_last.snapshot {
        snapshot.version.fetched = true;
        snapshot.facts.tags = Some(vec![Tag { id: "3".to_owned(), name: "vip".to_owned() }]);
    }
    let told = |minute: i64, state, parts| notified(&format!("k{minute}"), about(glimpse(minute, state, parts)));
    vec![
        told(1, State::Open, vec![part(1, 1, Actor::Contact, Class::ContactReply)]),
        told(2, State::Open, vec![part(2, 2, Actor::Teammate, Class::TeammateReply)]),
        told(3, State::Snoozed { until: Some(at(5)) }, vec![part(3, 3, Actor::Teammate, Class::Snoozed)]),
        told(6, State::Open, vec![part(4, 5, Actor::Timer, Class::Unsnoozed)]),
        told(7, State::Open, vec![ours(6, 7, Class::TeammateReply)]),
        told(8, State::Closed, vec![ours(6, 7, Class::Other), ours(7, 8, Class::Closed)]),
        told(9, State::Closed, vec![part(8, 9, Actor::Bot, Class::BotReply)]),
        notified("other", about(answered("6", 4))),
        fetched(fetched_last),
    ]
}

#[derive(Debug, Clone)]
struct Telling {
    order: Vec<usize>,
    batch: usize,
    again: usize,
}

fn telling() -> impl Strategy<Value = Telling> {
    let all: Vec<usize> = (0..life().len()).collect();
    (Just(all).prop_shuffle(), 1..5_usize, 0..9_usize).prop_map(|(order, batch, again)| Telling { order, batch, again })
}

async fn told(telling: &Telling) -> (Vec<String>, Vec<String>) {
    let (shelf, life) = (Shelf::new().await, life());
    let mut records: Vec<_> = telling.order.iter().map(|index| life[*index].clone()).collect();
    records.push(life[telling.again].clone());
    for batch in records.chunks(telling.batch) {
        shelf.record(batch).await;
    }
    (shelf.rows(STATE).await, shelf.rows(LOG).await)
}

#[test]
fn however_it_is_told_the_rows_are_the_same_byte_for_byte() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let want = runtime.block_on(told(&Telling { order: (0..life().len()).collect(), batch: 1, again: 0 }));
    assert_eq!(want.0.len(), 2);
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    let found = runner.run(&telling(), |telling| {
        prop_assert_eq!(&runtime.block_on(told(&telling)), &want);
        Ok(())
    });
    found.unwrap();
}

/// Whoever has kept an authentic notification may send it again years later, when nobody knows its id any more.
#[tokio::test]
async fn what_is_sent_again_when_its_id_was_forgotten_changes_nothing() {
    let (shelf, life) = (Shelf::new().await, life());
    shelf.record(&life).await;
    let before = (shelf.rows(STATE).await, shelf.rows(LOG).await);
    let told: Vec<_> = life.iter().rev().filter(|one| matches!(one, Record::Notified { .. })).cloned().collect();
    for batch in [1, told.len()] {
        assert!(shelf.store.prune(at(9 * DAY), at(9 * DAY)).await.unwrap() > 0);
        for records in told.chunks(batch) {
            assert!(shelf.record(records).await.iter().all(|result| *result == Recorded::Stored));
        }
        assert_eq!((shelf.rows(STATE).await, shelf.rows(LOG).await), before, "{batch} at a time");
    }
}

#[tokio::test]
async fn two_stories_of_one_second_are_read_from_intercom() {
    let shelf = Shelf::new().await;
    let story = |state, key: &str| {
        let mut seen = answered("5", 0);
        seen.snapshot = Some(snapshot(state, 0, key));
        notified(key, about(seen))
    };
    shelf.record(&[story(State::Open, "a")]).await;
    assert_eq!(shelf.to_fetch(at(0)).await, Vec::<String>::new());
    shelf.record(&[story(State::Closed, "b")]).await;
    assert_eq!(shelf.to_fetch(at(0)).await, Vec::<String>::new(), "not before the second is over");
    assert_eq!(shelf.to_fetch(at(1)).await, ["5"]);
}

#[tokio::test]
async fn two_stories_of_one_notification_are_read_from_intercom_in_any_order() {
    let story = |state, print: &str| {
        let mut seen = answered("5", 0);
        seen.snapshot = Some(snapshot(state, 0, "n1"));
        saying(notified("n1", Told::Nothing), print, about(seen))
    };
    let (one, other) = (story(State::Open, "one"), story(State::Closed, "other"));
    for batch in [[one.clone(), other.clone()], [other, one]] {
        let shelf = Shelf::new().await;
        shelf.record(&batch).await;
        assert_eq!(shelf.to_fetch(at(1)).await, ["5"]);
        let mut read = answered("5", 0);
        if let Some(snapshot) = &mut read.snapshot {
            snapshot.version.fetched = true;
        }
        shelf.record(&[fetched(read)]).await;
        let known = shelf.store.decided(&id("5"), &context()).await.unwrap().unwrap();
        assert_eq!(known.conversation.state(), Some(State::Open), "what was read counts");
    }
}

/// What is told of conversation 5 as it was in minute 5 or another, in a notification made then or later.
fn told_at(key: &str, minute: i64, made: i64) -> Record {
    let mut seen = answered("5", minute);
    seen.parts.clear();
    seen.snapshot.as_mut().unwrap().version.created_at = at(made);
    notified(key, about(seen))
}

#[tokio::test]
async fn a_notification_of_something_older_than_what_is_known_is_counted() {
    let read = || fetched(answered("5", 5));
    for (name, batch, want) in [
        ("in order", vec![told_at("a", 4, 4), told_at("b", 5, 5)], 0),
        ("the other way round", vec![told_at("b", 5, 5), told_at("a", 4, 4)], 1),
        ("two of one deed", vec![told_at("a", 5, 5), told_at("b", 5, 5)], 0),
        ("of one second, made the other way round", vec![told_at("b", 5, 6), told_at("a", 5, 5)], 1),
        ("after a reading of what it tells", vec![read(), told_at("a", 5, 4)], 0),
        ("after a reading of something newer", vec![read(), told_at("a", 4, 4)], 1),
        ("a reading of something older", vec![told_at("a", 6, 6), read()], 0),
        ("the same one again", vec![told_at("a", 4, 4), told_at("b", 5, 5), told_at("a", 4, 4)], 0),
        ("of another conversation", vec![told_at("b", 5, 5), notified("a", about(answered("6", 4)))], 0),
        ("of another workspace", vec![told_at("b", 5, 5), from_workspace(told_at("a", 4, 4), "theirs")], 0),
        ("what is gone", vec![told_at("b", 5, 5), notified("a", about(Sighting::of(id("5"))))], 0),
    ] {
        let (together, apart) = (Shelf::new().await, Shelf::new().await);
        together.record(&batch).await;
        for one in batch {
            apart.record(&[one]).await;
        }
        assert_eq!((together.store.reordered(), apart.store.reordered()), (want, want), "{name}");
    }
}

#[tokio::test]
async fn what_is_not_written_is_not_counted() {
    let shelf = Shelf::new().await;
    shelf.record(&[told_at("b", 5, 5)]).await;
    shelf.execute("CREATE TRIGGER no BEFORE INSERT ON notification BEGIN SELECT raise(ABORT, 'no'); END").await;
    assert!(shelf.store.record(&[told_at("a", 4, 4)], &context()).await.is_err());
    assert_eq!(shelf.store.reordered(), 0);
    shelf.execute("DROP TRIGGER no").await;
    shelf.record(&[told_at("a", 4, 4)]).await;
    assert_eq!(shelf.store.reordered(), 1);
}
