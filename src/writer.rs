//! The one writer of notifications: many wait, one transaction takes them all, then each gets its answer.
//!
//! Owns: the queue, its bound, and what happens when a batch fails. Refuses: waiting for more to come. Batches form
//! by themselves while the one before commits.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::sabotage::{Bug, planted};
use crate::standpoint::Standpoint;
use crate::store::{Record, Recorded, Store, StoreError, Told};

/// Notifications that may wait; beyond that Intercom is told to come again.
const QUEUE: usize = 4_096;
/// Bytes of bodies that may wait, in KiB; one that is larger waits alone.
const ROOM: u32 = 64 * 1024;
/// Notifications in one transaction. More gains nothing and makes the slowest wait longer.
const BATCH: usize = 64;
/// A notification that is not committed by then is refused; Intercom counts 5 seconds as a time-out.
const PATIENCE: Duration = Duration::from_secs(4);

/// Why a notification was not written down. It will be sent again, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotWritten {
    /// Too many wait already.
    #[error("too many notifications wait to be written")]
    Full,
    /// The database takes too long.
    #[error("the database takes too long")]
    TooSlow,
    /// The database failed.
    #[error("the database failed")]
    Failed,
}

enum Job {
    Write(Record, oneshot::Sender<Result<Recorded, NotWritten>>, OwnedSemaphorePermit),
    /// Asks whether a commit goes through.
    Prove(oneshot::Sender<Result<(), NotWritten>>),
}

/// Hands notifications to the writing task. The task ends when the last handle is gone and the queue is empty.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::Sender<Job>,
    /// What is left of the room for those that wait.
    room: Arc<Semaphore>,
    /// Batches that went through.
    committed: Arc<AtomicU64>,
}

/// Tells how many notifications wait. It keeps nothing from ending.
#[derive(Debug, Clone)]
pub struct Queue(mpsc::WeakSender<Job>);

impl Queue {
    /// How many wait now.
    pub fn waiting(&self) -> usize {
        self.0.upgrade().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }
}

impl Writer {
    /// Starts the writing task.
    pub fn start(store: Store, standpoint: Standpoint) -> (Writer, JoinHandle<()>) {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let committed = Arc::new(AtomicU64::new(0));
        let writing = tokio::spawn(write(store, standpoint, jobs, Arc::clone(&committed)));
        (Writer { queue, room: Arc::new(Semaphore::new(ROOM as usize)), committed }, writing)
    }

    /// Writes a notification down. `Ok` means that it is on disk.
    pub async fn write(&self, record: Record) -> Result<Recorded, NotWritten> {
        let (done, answer) = oneshot::channel();
        let room = self.room_for(&record)?;
        self.queue.try_send(Job::Write(record, done, room)).map_err(|refused| match refused {
            TrySendError::Full(_) => NotWritten::Full,
            TrySendError::Closed(_) => NotWritten::Failed,
        })?;
        if planted(Bug::AcknowledgesBeforeItCommits) {
            return Ok(Recorded::Stored);
        }
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answer) => answer.unwrap_or(Err(NotWritten::Failed)),
            Err(_) => Err(NotWritten::TooSlow),
        }
    }

    /// Of many that wait, the bodies take far more room than anything else.
    fn room_for(&self, record: &Record) -> Result<OwnedSemaphorePermit, NotWritten> {
        let bytes = match record {
            Record::Notified { body, .. } => body.len(),
            Record::Fetched(_) => 0,
        };
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).min(ROOM);
        let kib = if planted(Bug::QueuesWithoutBound) { 0 } else { kib };
        Arc::clone(&self.room).try_acquire_many_owned(kib).map_err(|_| NotWritten::Full)
    }

    /// The notifications that wait, for whoever wants to count them.
    pub fn queue(&self) -> Queue {
        Queue(self.queue.downgrade())
    }

    /// Whether a commit goes through on the way that notifications take: one of ours, or of those before us in a long
    /// queue.
    pub async fn commits(&self) -> Result<(), NotWritten> {
        let before = self.committed.load(Ordering::Relaxed);
        let (done, answer) = oneshot::channel();
        let asked = async {
            self.queue.send(Job::Prove(done)).await.map_err(|_| NotWritten::Failed)?;
            answer.await.unwrap_or(Err(NotWritten::Failed))
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(answer) => answer,
            Err(_) if self.committed.load(Ordering::Relaxed) > before => Ok(()),
            Err(_) => Err(NotWritten::TooSlow),
        }
    }
}

async fn write(store: Store, standpoint: Standpoint, mut jobs: mpsc::Receiver<Job>, committed: Arc<AtomicU64>) {
    let mut batch = Vec::with_capacity(BATCH);
    while jobs.recv_many(&mut batch, BATCH).await > 0 {
        let (mut records, mut answers, mut provers) = (Vec::new(), Vec::new(), Vec::new());
        let mut rooms = Vec::new();
        for job in batch.drain(..) {
            match job {
                Job::Write(record, done, room) => {
                    records.push(record);
                    answers.push(done);
                    rooms.push(room);
                }
                Job::Prove(done) => provers.push(done),
            }
        }
        let results = if records.is_empty() { Vec::new() } else { commit(&store, &standpoint, &records).await };
        drop(rooms);
        let mut proven = results.iter().any(Result::is_ok);
        committed.fetch_add(u64::from(proven), Ordering::Relaxed);
        for (answer, result) in answers.into_iter().zip(results) {
            // Whoever asked may have given up waiting; the notification is on disk all the same.
            let _ = answer.send(result);
        }
        if !provers.is_empty() && !proven {
            proven = takes_commits(&store).await;
        }
        for prover in provers {
            let _ = prover.send(if proven { Ok(()) } else { Err(NotWritten::Failed) });
        }
    }
}

async fn takes_commits(store: &Store) -> bool {
    let taken = store.takes_commits().await;
    if let Err(error) = &taken {
        tracing::debug!(error = %error, "the database takes no commits");
    }
    taken.is_ok()
}

/// Why a batch was not written.
enum Trouble {
    /// The fault lies in an item.
    Spoilt,
    /// The fault lies in the database.
    Database,
}

/// All at once; if one item spoils the batch, each by itself, so that it never fails its neighbours.
async fn commit(store: &Store, standpoint: &Standpoint, records: &[Record]) -> Vec<Result<Recorded, NotWritten>> {
    match record(store, standpoint, records).await {
        Ok(results) => results.into_iter().map(Ok).collect(),
        Err(Trouble::Database) => records.iter().map(|_| Err(NotWritten::Failed)).collect(),
        Err(Trouble::Spoilt) => {
            let mut results = Vec::with_capacity(records.len());
            for record in records {
                results.push(commit_one(store, standpoint, record).await);
            }
            results
        }
    }
}

/// By itself; what cannot be folded is kept aside rather than lost.
async fn commit_one(store: &Store, standpoint: &Standpoint, one: &Record) -> Result<Recorded, NotWritten> {
    let mut result = record(store, standpoint, std::slice::from_ref(one)).await;
    if matches!(result, Err(Trouble::Spoilt)) {
        let mut aside = one.clone();
        if let Record::Notified { told, .. } = &mut aside {
            *told = Told::Odd("it could not be folded into what is known".into());
        }
        result = record(store, standpoint, &[aside]).await;
    }
    let results = result.map_err(|_| NotWritten::Failed)?;
    results.first().copied().ok_or(NotWritten::Failed)
}

/// A panic must not end the writing, or every later notification would be refused.
async fn record(store: &Store, standpoint: &Standpoint, records: &[Record]) -> Result<Vec<Recorded>, Trouble> {
    let (context, count) = (standpoint.context(), records.len());
    match AssertUnwindSafe(store.record(records, &context)).catch_unwind().await {
        Ok(Ok(results)) => Ok(results),
        Ok(Err(error)) => {
            store.heed(&error);
            let why = &error as &(dyn std::error::Error + 'static);
            tracing::error!(error = why, batch = count, "notifications could not be written");
            Err(if spoilt(&error) { Trouble::Spoilt } else { Trouble::Database })
        }
        Err(_) => {
            // What the panic said could hold a customer's words.
            tracing::error!(batch = count, "writing notifications panicked");
            Err(Trouble::Spoilt)
        }
    }
}

/// The fault lies in an item, not in the database as a whole.
fn spoilt(error: &StoreError) -> bool {
    match error {
        StoreError::Odd(_) => true,
        // SQLITE_ERROR, SQLITE_TOOBIG, SQLITE_CONSTRAINT and SQLITE_MISMATCH
        StoreError::Sql(sqlx::Error::Database(error)) => {
            let code = error.code().and_then(|code| code.parse::<u32>().ok());
            code.is_some_and(|code| matches!(code & 0xff, 1 | 18 | 19 | 20))
        }
        _ => false,
    }
}

#[cfg(test)]
pub(crate) mod tests;
