//! Long work on the database beside notifications: none is refused, and none waits for long.
//!
//! How long that is depends on the machine, which others may use: what is asserted is an order of magnitude, and what was
//! measured is printed.

use tokio::time::Instant;

use super::*;
use crate::writer::Writer;
use crate::writer::tests::standpoint;

/// On a machine that does nothing else, some tens of milliseconds.
const LONGEST: Duration = Duration::from_millis(1_500);

/// A number from the environment, or that of the short form.
fn told(variable: &str, else_: u32) -> u32 {
    std::env::var(variable).ok().and_then(|told| told.parse().ok()).unwrap_or(else_)
}

/// Sends one notification after the other for as long as the work goes on. What it took, and how many were sent; none
/// waited for long.
async fn beside<T: Send + 'static>(
    what: &str,
    shelf: &Shelf,
    work: impl Future<Output = T> + Send + 'static,
) -> (T, Duration) {
    let (writer, writing) = Writer::start(shelf.store.clone(), standpoint());
    let began = Instant::now();
    let work = tokio::spawn(async move { (work.await, began.elapsed()) });
    let (mut waits, began) = (Vec::new(), Instant::now());
    while !work.is_finished() {
        let number = waits.len();
        let seen = answered(&format!("2154700000{:04}", number % 50), i64::try_from(number).unwrap());
        let sent = Instant::now();
        writer.write(notified(&format!("{what} {number}"), about(seen))).await.expect("it is refused");
        waits.push(sent.elapsed());
    }
    waits.sort();
    let (done, took) = work.await.unwrap();
    let longest = *waits.last().unwrap();
    println!(
        "{what}: took {took:?} beside {} notifications in {:?}; half of them waited {:?}, the longest {longest:?}",
        waits.len(),
        began.elapsed(),
        waits[waits.len() / 2],
    );
    assert!(longest < LONGEST, "{what}: {longest:?}");
    drop(writer);
    writing.await.unwrap();
    assert_eq!(shelf.rows("PRAGMA integrity_check").await, ["ok"]);
    (done, took)
}

/// Makes the file larger by so many megabytes, of rows that are moved between pages as they come.
async fn ballast(shelf: &Shelf, megabytes: u32) {
    shelf.execute("CREATE TABLE ballast (a TEXT PRIMARY KEY, b) WITHOUT ROWID").await;
    let rows = megabytes * 1_750;
    shelf
        .execute(&format!(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows})
             INSERT INTO ballast SELECT n * 7919 % 10000019 || '', hex(randomblob(180)) FROM n"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forgetting_old_notifications_delays_no_new_one() {
    let shelf = Shelf::new().await;
    let count = told("AUTOCLOSED_NOTIFICATIONS", 10_000);
    let empty = shelf.store.size().await.unwrap();
    shelf
        .execute(&format!(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})
             INSERT INTO notification SELECT n, 'ours', 'notif_' || lower(hex(randomblob(16))), 'conversation.user.replied',
                 (215470000000000 + n % 5000) || '', randomblob(8), 'stored', n FROM n"
        ))
        .await;
    let full = shelf.store.size().await.unwrap();
    let store = shelf.store.clone();
    let prune = async move { store.prune(at(-DAY), at(-DAY)).await.unwrap() };
    let (gone, _) = beside(&format!("forgetting {count} notifications"), &shelf, prune).await;
    assert_eq!(gone, u64::from(count));
    let free: i64 = shelf
        .rows("SELECT CAST(freelist_count * page_size AS TEXT) FROM pragma_freelist_count(), pragma_page_size()")
        .await[0]
        .parse()
        .unwrap();
    println!(
        "{} bytes for each notification; of {} in all, {free} are free again",
        (full - empty) / u64::from(count),
        full
    );
    assert!(u64::try_from(free).unwrap() > (full - empty) / 2, "what was forgotten makes room for what comes: {free}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copying_a_large_file_delays_no_notification() {
    let shelf = Shelf::new().await;
    ballast(&shelf, told("AUTOCLOSED_MEGABYTES", 40)).await;
    let (path, to) = (shelf.path(), shelf.folder.path().join("copy.db"));
    std::fs::write(&to, "").unwrap();
    let size = shelf.store.size().await.unwrap();
    let backup = async move { copy(&path, &to).await.unwrap() };
    beside(&format!("backup of {} MB", size / 1_000_000), &shelf, backup).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaving_no_trace_delays_no_notification() {
    let shelf = Shelf::new().await;
    ballast(&shelf, told("AUTOCLOSED_MEGABYTES", 40)).await;
    shelf.execute("DELETE FROM ballast WHERE a < '2'").await;
    let store = shelf.store.clone();
    let size = shelf.store.size().await.unwrap();
    let wipe = async move { store.leave_no_trace(Duration::from_secs(15)).await.unwrap() };
    let (emptied, _) = beside(&format!("leaving no trace in {} MB", size / 1_000_000), &shelf, wipe).await;
    assert!(emptied);
}
