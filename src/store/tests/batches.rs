//! A batch is two round trips and one commit, all of it or nothing, whatever interrupts it.

use std::future::Future;
use std::pin::pin;
use std::task::{Context as Task, Waker};

use sqlx::Connection;

use super::*;

fn many(count: usize) -> Vec<Record> {
    let kinds = |number: usize| match number % 4 {
        0 => notified(&format!("n{number}"), Told::Odd("odd".to_owned())),
        1 => notified(&format!("n{number}"), about(answered(&(number / 8 + 1).to_string(), 0))),
        2 => notified(&format!("n{number}"), Told::Nothing),
        _ => fetched(answered(&(number + 1000).to_string(), 1)),
    };
    (0..count).map(kinds).collect()
}

async fn round_trips(shelf: &Shelf, batch: &[Record]) -> u32 {
    let before = shelf.store.write().await.round_trips;
    shelf.record(batch).await;
    shelf.store.write().await.round_trips - before
}

#[tokio::test]
async fn the_number_of_round_trips_and_commits_does_not_grow_with_the_batch() {
    let shelf = Shelf::new().await;
    let commits = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = Arc::clone(&commits);
    let mut writer = shelf.store.write().await;
    writer.connection().lock_handle().await.unwrap().set_commit_hook(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        true
    });
    drop(writer);
    for count in [1, 2, 64, 1000] {
        assert_eq!(round_trips(&shelf, &many(count)).await, 2, "{count}");
    }
    assert_eq!(commits.load(std::sync::atomic::Ordering::SeqCst), 4);
    assert!(shelf.count("conversation").await > 250);
}

/// Neither text holds a semicolon that ends no statement.
fn statements(text: &str) -> usize {
    text.split(';').filter(|statement| !statement.trim().is_empty()).count()
}

#[tokio::test]
async fn a_batch_of_any_size_is_the_same_thirteen_statements() {
    let (read, write) = (statements(record::READ), statements(fold::WRITE));
    assert_eq!((read, write), (2, 11), "statements that read and write a batch; allowed are 2 and 11");
    let shelf = Shelf::new().await;
    shelf.record(&many(1)).await;
    // Each text is prepared once and kept: one that was made for this batch would be another text.
    let prepared = shelf.store.write().await.connection().cached_statements_size();
    for count in [2, 64, 1000] {
        shelf.record(&many(count)).await;
        let now = shelf.store.write().await.connection().cached_statements_size();
        assert_eq!(now, prepared, "texts prepared after a batch of {count}; allowed are those of a batch of 1");
    }
}

#[tokio::test]
async fn an_error_leaves_nothing_of_the_batch_and_the_next_one_works() {
    let shelf = Shelf::new().await;
    for table in ["notification", "notification_body", "activity", "fact", "conversation"] {
        let trigger = format!("CREATE TRIGGER no BEFORE INSERT ON {table} BEGIN SELECT raise(ABORT, 'no'); END");
        shelf.execute(&trigger).await;
        let failed = shelf.store.record(&many(8), &context()).await;
        assert!(matches!(failed, Err(StoreError::Sql(_))), "{table}");
        for table in ["notification", "notification_body", "activity", "fact", "conversation"] {
            assert_eq!(shelf.count(table).await, 0, "{table}");
        }
        // Would fail as locked if the transaction were still open.
        shelf.execute("DROP TRIGGER no").await;
    }
    assert_eq!(shelf.record(&many(8)).await.len(), 8);
    assert_eq!(shelf.count("notification").await, 6);
}

/// The first rows of the statement are written by then, and the statements behind it are not run.
#[tokio::test]
async fn a_later_row_that_is_refused_takes_the_whole_batch_with_it() {
    let shelf = Shelf::new().await;
    let mut refused = notified("refused", about(answered("5", 0)));
    if let Record::Notified { fingerprint, .. } = &mut refused {
        "no hexadecimal digits".clone_into(fingerprint);
    }
    let mut batch = many(8);
    batch.push(refused);
    let failed = shelf.store.record(&batch, &context()).await;
    assert!(failed.as_ref().is_err_and(|error| format!("{error:?}").contains("NOT NULL")), "{failed:?}");
    for table in ["notification", "notification_count", "notification_body", "activity", "fact", "conversation"] {
        assert_eq!(shelf.count(table).await, 0, "{table}");
    }
    assert_eq!(shelf.record(&many(8)).await.len(), 8);
    assert_eq!(shelf.count("notification").await, 6);
}

#[tokio::test]
async fn a_damaged_row_fails_the_batch_before_anything_is_written() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 0))]).await;
    for damage in
        ["latest = '{'", "flags = 999", "facts = '[1]'", "state = 'ajar'", "by_admin = '[[1]]'", "latest = x'00'"]
    {
        shelf.execute(&format!("UPDATE conversation SET {damage} WHERE id = '5'")).await;
        let batch = [notified("n1", about(answered("6", 0))), notified("n2", about(answered("5", 1)))];
        let failed = shelf.store.record(&batch, &context()).await;
        assert!(failed.is_err(), "{damage}");
        assert_eq!((shelf.count("notification").await, shelf.count("conversation").await), (0, 1), "{damage}");
    }
}

/// Runs a future so far that it has asked the database `times` times, and drops it then.
async fn given_up<T>(future: impl Future<Output = T>, times: u32) -> bool {
    let mut future = pin!(future);
    for _ in 0..times {
        if future.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_ready() {
            return false;
        }
        // The database works on a thread of its own; one more question to it ends after the first was answered.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    true
}

#[tokio::test]
async fn what_is_given_up_half_way_leaves_no_transaction_behind() {
    let shelf = Shelf::new().await;
    let mut given_up_in_time = 0;
    // How far one question gets is up to the machine: a busy one may answer all of them at once.
    for round in 0..100 {
        let times = round % 7 + 1;
        let key = format!("half {round}");
        let half = [notified(&key, about(answered("5", 0)))];
        let context = context();
        given_up_in_time += u32::from(given_up(shelf.store.record(&half, &context), times).await);
        // Written outside of any transaction, or it is gone with the one that was given up.
        shelf.store.set_setting(&key, "kept").await.unwrap();
        shelf.execute(&format!("INSERT INTO setting VALUES ('by a stranger {round}', '')")).await;
        let kept = shelf.rows(&format!("SELECT value FROM setting WHERE key = '{key}'")).await;
        assert_eq!(kept, ["kept"], "{round}");
        if round >= 7 && given_up_in_time > 1 {
            break;
        }
    }
    assert!(given_up_in_time > 1, "it was never interrupted");
    assert_eq!(shelf.record(&[notified("n1", about(answered("5", 0)))]).await, [Recorded::Stored]);
}

#[tokio::test]
async fn a_settling_that_is_given_up_leaves_no_transaction_behind() {
    use super::attempts::{CLOSE, done, no_inputs, sent};
    let shelf = Shelf::new().await;
    let claimed = sent(&shelf, "5", CLOSE, DAY).await;
    for times in 1..6 {
        let (outcome, inputs, context) = (done(DAY, false), no_inputs(), context_at(DAY));
        given_up(shelf.store.settle(claimed, &outcome, &inputs, &context), times).await;
        shelf.store.set_setting("then", &times.to_string()).await.unwrap();
        shelf.execute("UPDATE setting SET value = value || '!' WHERE key = 'then'").await;
    }
    assert_eq!(shelf.rows("SELECT value FROM setting WHERE key = 'then'").await, ["5!"]);
}

#[tokio::test]
async fn a_lock_of_somebody_else_s_is_waited_for_and_then_an_error() {
    let shelf = Shelf::new().await;
    let mut stranger = shelf.locked().await;
    let began = tokio::time::Instant::now();
    assert!(shelf.store.record(&many(1), &context()).await.is_err());
    let waited = began.elapsed();
    assert!((BUSY..BUSY + Duration::from_secs(2)).contains(&waited), "{waited:?}");
    sqlx::query("ROLLBACK").execute(&mut stranger).await.unwrap();
    assert_eq!(shelf.record(&many(1)).await, [Recorded::Quarantined]);
}
