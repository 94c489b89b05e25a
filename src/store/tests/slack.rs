//! What erased rows leave in the file: nothing, once it was gone through.

use std::collections::BTreeSet;
use std::process::Command;

use super::*;

pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Ids by which a conversation could be known again. They share no digits with any other.
pub(super) fn ours(number: u64) -> String {
    format!("7{:012}", number * 7_777_777)
}

/// Which of these stand anywhere in the file or its log. Another process looks: whoever closes a file of the database loses
/// the locks that his own process has on it.
pub(super) fn found(shelf: &Shelf, needles: &[String]) -> BTreeSet<String> {
    let patterns = shelf.folder.path().join("patterns");
    std::fs::write(&patterns, needles.join("\n")).unwrap();
    let mut grep = Command::new("grep");
    let files = ["a.db", "a.db-wal"].map(|name| shelf.folder.path().join(name));
    let out = grep.args(["-aohsF", "-f"]).arg(&patterns).args(files).output().unwrap();
    String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Notifications about many conversations, in turn, so that rows move between pages.
pub(super) async fn filled(shelf: &Shelf, conversations: u64, rounds: u64) {
    for round in 0..rounds {
        let told = |number: u64| {
            let number = number * 37 % conversations;
            let seen = answered(&ours(number), i64::try_from(round * 3 + 2).unwrap());
            notified(&format!("n{number}x{round}"), about(seen))
        };
        let batch: Vec<Record> = (0..conversations).map(told).collect();
        for some in batch.chunks(64) {
            shelf.record(some).await;
        }
    }
}

async fn erase(shelf: &Shelf, number: u64) {
    let forgot = shelf.store.forget("ours", &id(&ours(number)), at(DAY)).await.unwrap();
    assert!(matches!(forgot, Forgot::Rows(_)));
}

/// Everything that the database says but for the figures that going through it leaves.
async fn all(shelf: &Shelf) -> Vec<String> {
    let mut all = Vec::new();
    for sql in [
        "SELECT json_array(app_id, id, topic, conversation_id, fingerprint, result) FROM notification ORDER BY id",
        "SELECT json_array(conversation_id, part_id, class, at, actor) FROM activity ORDER BY 1",
        "SELECT json_array(conversation_id, updated_at, notification_id, facts) FROM fact ORDER BY 1",
        "SELECT json_array(id, state, facts, latest, due_at) FROM conversation ORDER BY 1",
        "SELECT mark FROM forgotten ORDER BY 1",
        "PRAGMA integrity_check",
    ] {
        all.extend(shelf.rows(sql).await);
    }
    all
}

#[tokio::test]
async fn after_thousands_of_changes_no_byte_of_it_is_left_and_all_else_is_as_it_was() {
    let shelf = Shelf::new().await;
    filled(&shelf, 400, 6).await;
    let gone: Vec<u64> = (0..400).filter(|number| number % 9 == 0).collect();
    let needles: Vec<String> = gone.iter().map(|number| ours(*number)).collect();
    for number in &gone {
        erase(&shelf, *number).await;
    }
    assert!(shelf.store.empty_log_within(PATIENCE).await.unwrap());
    let before = found(&shelf, &needles).len();
    assert!(before > 0, "rows that were moved have left copies, or there is nothing to find");
    let rows = all(&shelf).await;
    assert!(rows.len() > 5_000 && rows.last().unwrap() == "ok", "{} rows", rows.len());
    assert!(shelf.store.leave_no_trace(PATIENCE, &Progress::default()).await.unwrap());
    assert_eq!(found(&shelf, &needles), BTreeSet::new(), "of {before}");
    assert_eq!(all(&shelf).await, rows);
    filled(&shelf, 400, 8).await;
    assert!(shelf.store.empty_log_within(PATIENCE).await.unwrap());
    assert_eq!(found(&shelf, &needles), BTreeSet::new(), "and nothing of it comes back");
    assert_eq!(shelf.rows("PRAGMA integrity_check").await, ["ok"]);
}

#[tokio::test]
async fn whoever_has_pages_in_memory_does_not_write_them_back_as_they_were() {
    let shelf = Shelf::new().await;
    filled(&shelf, 200, 4).await;
    for number in (0..200).step_by(4) {
        erase(&shelf, number).await;
    }
    let needles: Vec<String> = (0..200).step_by(4).map(ours).collect();
    let beside = Store::open_beside(&shelf.path()).await.unwrap();
    assert!(beside.leave_no_trace(PATIENCE, &Progress::default()).await.unwrap());
    // The one that erased has read all of these pages, and writes to them now.
    filled(&shelf, 200, 1).await;
    shelf.execute("UPDATE notification SET fingerprint = 'p'").await;
    let _: u64 = shelf.store.reschedule_all(&context_at(1), || {}).await.unwrap();
    assert!(shelf.store.empty_log_within(PATIENCE).await.unwrap());
    assert_eq!(found(&shelf, &needles), BTreeSet::new());
}

#[tokio::test]
async fn a_file_that_an_earlier_version_began_is_written_anew_once() {
    let shelf = Shelf::new().await;
    filled(&shelf, 40, 3).await;
    let needles = vec![ours(3), ours(4)];
    let pages = async || shelf.rows("SELECT CAST(freelist_count AS TEXT) FROM pragma_freelist_count()").await;
    shelf.execute("DELETE FROM setting WHERE key = 'overwrites'").await;
    // As that version did: what is in the pages stays there.
    shelf.execute("CREATE TABLE t (a)").await;
    shelf.execute(&format!("INSERT INTO t VALUES (zeroblob(9000) || '{}')", ours(4).repeat(900))).await;
    shelf.execute("DROP TABLE t").await;
    erase(&shelf, 3).await;
    erase(&shelf, 4).await;
    assert!(!found(&shelf, &needles).is_empty());
    assert_ne!(pages().await, ["0"]);
    assert!(shelf.store.leave_no_trace(PATIENCE, &Progress::default()).await.unwrap());
    assert_eq!((found(&shelf, &needles), pages().await), (BTreeSet::new(), vec!["0".to_owned()]));
    assert_eq!(shelf.store.setting("overwrites").await.unwrap().as_deref(), Some("1"));
}
