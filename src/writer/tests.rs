//! The queue, and what a spoilt item or a locked database does to its neighbours.

use axum::body::Bytes;
use futures_util::future::join_all;
use jiff::Timestamp;
use secrecy::SecretString;
use sqlx::Connection;

use super::*;
use crate::clock::{Clock, ManualClock};
use crate::engine::conversation::{ConversationId, Facts, Sighting, Snapshot, State, Version};
use crate::intercom::Intercom;
use crate::intercom::text::TextKey;
use crate::names::Names;
use crate::rulebook::{Edition, Rulebook};
use crate::standpoint::Identity;
use crate::store::KeepBodies;
use crate::store::tests::{Shelf, print_of};

/// A store and its writer.
struct Desk {
    shelf: Shelf,
    writer: Writer,
    task: JoinHandle<()>,
}

impl Desk {
    async fn new() -> Desk {
        let shelf = Shelf::new().await;
        let (writer, task) = Writer::start(shelf.store.clone(), standpoint());
        Desk { shelf, writer, task }
    }
}

/// Of the workspace `ours`, with no rules.
pub(crate) fn standpoint() -> Standpoint {
    let config = crate::config::parse("a.toml", b"").unwrap().config;
    let clock = Clock::from(ManualClock::at(noon()));
    let settings = crate::intercom::client::ClientSettings {
        base_url: "http://127.0.0.1:1".parse().unwrap(),
        api_version: "2.16".to_owned(),
        timeout: Duration::from_secs(1),
        requests_per_10s: None,
    };
    let token = SecretString::from("token");
    let intercom = Intercom::new(settings, token, TextKey::new(&[7; 32]).into(), clock.clone()).unwrap();
    let identity = Identity { app_id: Some("ours".into()), admin_id: Some("9".into()) };
    let rulebook = Rulebook::new(Edition::new(config.rules, true));
    Standpoint::new(clock, intercom, rulebook, KeepBodies::Odd, identity, Names::default())
}

fn noon() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

fn about(key: &str, conversation: &str) -> Record {
    let version = Version { updated_at: noon(), fetched: false, created_at: noon(), notification_id: key.to_owned() };
    let facts = Facts { state: Some(State::Open), ..Facts::default() };
    let seen = Sighting {
        snapshot: Some(Snapshot { version, facts }),
        ..Sighting::of(ConversationId::try_from(conversation).unwrap())
    };
    Record::Notified {
        app_id: "ours".to_owned(),
        key: key.to_owned(),
        topic: "conversation.user.replied".to_owned(),
        fingerprint: print_of(key),
        about: Some(seen.id.clone()),
        told: Told::Conversation(Box::new(seen)),
        body: Bytes::from(format!("body of {key}")),
    }
}

#[tokio::test]
async fn what_was_written_is_in_the_file_when_it_is_told() {
    let Desk { shelf, writer, .. } = Desk::new().await;
    assert_eq!(writer.write(about("n1", "5")).await, Ok(Recorded::Stored));
    assert_eq!(shelf.stored().await, ["n1 stored"]);
    assert_eq!(writer.write(about("n1", "5")).await, Ok(Recorded::Duplicate));
}

#[tokio::test]
async fn each_of_many_waiting_gets_its_own_answer() {
    let Desk { shelf: _shelf, writer, .. } = Desk::new().await;
    let keys: Vec<_> = (0..300).map(|number| format!("n{}", number % 150)).collect();
    let answers = join_all(keys.iter().map(|key| writer.write(about(key, "5")))).await;
    let stored = answers.iter().filter(|answer| **answer == Ok(Recorded::Stored)).count();
    let repeated = answers.iter().filter(|answer| **answer == Ok(Recorded::Duplicate)).count();
    assert_eq!((stored, repeated), (150, 150));
    assert!(answers[..150].iter().all(|answer| *answer == Ok(Recorded::Stored)), "in order");
}

#[tokio::test]
async fn those_that_wait_are_counted_and_counting_keeps_nothing_from_ending() {
    let Desk { shelf: _shelf, writer, task } = Desk::new().await;
    let queue = writer.queue();
    let batch = ["n1", "n2", "n3"].map(|key| writer.write(about(key, "5")));
    let (answers, waiting) = tokio::join!(join_all(batch), async { queue.waiting() });
    assert_eq!((answers, waiting), (vec![Ok(Recorded::Stored); 3], 3));
    assert_eq!(queue.waiting(), 0);
    drop(writer);
    tokio::time::timeout(Duration::from_secs(20), task).await.unwrap().unwrap();
    assert_eq!(queue.waiting(), 0);
}

#[tokio::test]
async fn a_conversation_that_cannot_be_read_fails_no_neighbour_and_loses_nothing() {
    let Desk { shelf, writer, .. } = Desk::new().await;
    writer.write(about("n0", "5")).await.unwrap();
    shelf.damage("5").await;
    let batch = [about("n1", "6"), about("n2", "5"), about("n3", "7")];
    let answers = join_all(batch.map(|record| writer.write(record))).await;
    assert_eq!(answers, [Ok(Recorded::Stored), Ok(Recorded::Quarantined), Ok(Recorded::Stored)]);
    assert_eq!(shelf.aside().await, ["n2: it could not be folded into what is known: body of n2"]);
    assert_eq!(shelf.damaged().await, ["5"], "left as it was");
}

#[tokio::test]
async fn a_panic_over_one_item_fails_no_neighbour_and_the_writing_goes_on() {
    let Desk { shelf, writer, .. } = Desk::new().await;
    let batch = [about("n1", "6"), about(crate::store::PANICS, "5"), about("n3", "7")];
    let answers = join_all(batch.map(|record| writer.write(record))).await;
    assert_eq!(answers, [Ok(Recorded::Stored), Ok(Recorded::Quarantined), Ok(Recorded::Stored)]);
    assert_eq!(writer.write(about("n4", "8")).await, Ok(Recorded::Stored));
    assert_eq!(shelf.stored().await.len(), 4);
}

/// A panic's message holds what could not be handled, and that may be what a customer wrote.
#[tokio::test]
async fn what_a_panic_says_is_in_no_log() {
    // As long as there is only one, a line that another thread logs first is off for ours too.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let written = Written::default();
    let lines = written.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || lines.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let Desk { shelf: _shelf, writer, .. } = Desk::new().await;
    assert_eq!(writer.write(about(crate::store::PANICS, "5")).await, Ok(Recorded::Quarantined));
    let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains("writing notifications panicked"), "{written}");
    assert!(!written.contains("assertion failed"), "{written}");
}

/// A log in memory.
#[derive(Debug, Clone, Default)]
struct Written(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_commit_is_proven_on_the_way_that_notifications_take() {
    let Desk { shelf, writer, .. } = Desk::new().await;
    assert_eq!(writer.commits().await, Ok(()));
    let both = tokio::join!(writer.write(about("n1", "5")), writer.commits());
    assert_eq!(both, (Ok(Recorded::Stored), Ok(())));
    let stranger = shelf.locked().await;
    assert_eq!(writer.commits().await, Err(NotWritten::Failed));
    stranger.close().await.unwrap();
    assert_eq!(writer.commits().await, Ok(()));
}

/// The three seconds that a lock is waited for are real ones: the database counts them by itself.
#[tokio::test]
async fn a_database_that_is_locked_too_long_refuses_and_recovers() {
    let Desk { shelf, writer, .. } = Desk::new().await;
    let stranger = shelf.locked().await;
    let answers = join_all([writer.write(about("n1", "5")), writer.write(about("n2", "6"))]).await;
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    stranger.close().await.unwrap();
    assert_eq!(writer.write(about("n3", "7")).await, Ok(Recorded::Stored));
    assert!(shelf.stored().await.contains(&"n3 stored".to_owned()));
}

#[tokio::test]
async fn more_than_may_wait_are_refused_at_once_and_the_waiting_ones_are_written() {
    let Desk { shelf: _shelf, writer, .. } = Desk::new().await;
    let keys: Vec<_> = (0..QUEUE + 10).map(|number| format!("n{number:04}")).collect();
    // The writing task runs on this same thread: it cannot take anything before all have asked.
    let answers = join_all(keys.iter().map(|key| writer.write(about(key, "5")))).await;
    assert!(answers[..QUEUE].iter().all(Result::is_ok), "{:?}", answers.iter().position(Result::is_err));
    assert!(answers[QUEUE..].iter().all(|answer| *answer == Err(NotWritten::Full)));
    assert_eq!(writer.write(about("later", "5")).await, Ok(Recorded::Stored));
}

#[tokio::test]
async fn what_waits_is_bounded_in_bytes_too_and_there_is_room_again_when_it_is_written() {
    let Desk { shelf: _shelf, writer, .. } = Desk::new().await;
    let (full, refused) = flood(&writer).await;
    assert_eq!((full, refused), (64, 36), "of a hundred with a body of 1 MiB each");
    assert_eq!(flood(&writer).await, (64, 36));
    assert_eq!(writer.write(weighing("alone", 65 << 20)).await, Ok(Recorded::Duplicate), "larger than all the room");
}

#[tokio::test]
async fn without_the_bound_everything_would_wait() {
    let Desk { shelf: _shelf, writer, .. } = Desk::new().await;
    let planted = crate::sabotage::plant(Bug::QueuesWithoutBound);
    assert_eq!(flood(&writer).await, (100, 0));
    drop(planted);
}

/// A hundred at once: how many were written, and how many found no room.
async fn flood(writer: &Writer) -> (usize, usize) {
    let answers = join_all((0..100).map(|_| writer.write(weighing("alone", 1 << 20)))).await;
    let full = answers.iter().filter(|answer| **answer == Err(NotWritten::Full)).count();
    (answers.iter().filter(|answer| answer.is_ok()).count(), full)
}

/// A notification with a body of so many bytes; all of a size share them.
fn weighing(key: &str, bytes: usize) -> Record {
    let mut record = about(key, "5");
    if let Record::Notified { body, .. } = &mut record {
        *body = Bytes::from(vec![b' '; bytes]);
    }
    record
}

#[tokio::test]
async fn whoever_gives_up_waiting_leaves_the_writing_as_it_was() {
    let Desk { shelf, writer, .. } = Desk::new().await;
    for number in 0..20 {
        let key = format!("n{number:02}");
        let (given_up, other) = (writer.write(about(&key, "5")), writer.write(about(&format!("m{number:02}"), "6")));
        tokio::select! {
            biased;
            _ = given_up => {}
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(other.await, Ok(Recorded::Stored), "{number}");
    }
    shelf.written_by_a_stranger().await;
    assert_eq!(shelf.stored().await.len(), 40, "they were asked for, so they are written");
}

#[tokio::test]
async fn the_task_ends_with_its_last_handle_and_writes_what_waits_before() {
    let Desk { shelf, writer, task } = Desk::new().await;
    let asked = tokio::spawn(async move { writer.write(about("n1", "5")).await });
    assert_eq!(asked.await.unwrap(), Ok(Recorded::Stored));
    task.await.unwrap();
    assert_eq!(shelf.stored().await, ["n1 stored"]);
}

#[tokio::test(start_paused = true)]
async fn a_long_queue_that_gets_shorter_is_no_stall_and_one_that_does_not_is() {
    for (others, want) in [(1, Ok(())), (0, Err(NotWritten::TooSlow))] {
        let (queue, _jobs) = mpsc::channel(1);
        let writer = Writer { queue, room: Arc::new(Semaphore::new(0)), committed: Arc::default() };
        let others = async { writer.committed.fetch_add(others, Ordering::Relaxed) };
        assert_eq!(tokio::join!(writer.commits(), others).0, want);
    }
}
