//! Asks an accept loop whether it still accepts.
//!
//! Owns: the question and who may answer it. Refuses: a heartbeat of its own: a loop that turns and accepts nothing is
//! not alive.

use tokio::sync::{mpsc, oneshot};

/// Asks; clones ask the same loop.
#[derive(Debug, Clone)]
pub struct RollCall(mpsc::Sender<oneshot::Sender<()>>);

/// The loop's end.
#[derive(Debug)]
pub struct Called(mpsc::Receiver<oneshot::Sender<()>>);

/// Both ends.
pub fn roll_call() -> (RollCall, Called) {
    let (ask, asked) = mpsc::channel(1);
    (RollCall(ask), Called(asked))
}

impl RollCall {
    /// Waits until the loop has accepted a connection or has none to accept; false if it has ended.
    pub async fn answered(&self) -> bool {
        let (answer, answered) = oneshot::channel();
        self.0.send(answer).await.is_ok() && answered.await.is_ok()
    }
}

impl Called {
    /// The next question; `None` if nobody will ask.
    pub(super) async fn next(&mut self) -> Option<oneshot::Sender<()>> {
        self.0.recv().await
    }

    /// Answers whoever has asked.
    pub(super) fn answer(&mut self) {
        while let Ok(asker) = self.0.try_recv() {
            // Whoever asked may have given up waiting.
            let _ = asker.send(());
        }
    }
}
