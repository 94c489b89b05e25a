//! Standing by while another daemon acts on the same database, and taking over when it is gone.
//!
//! Owns: what whoever stands by still does: it records, says so, and asks Intercom who it is, so that a token that does
//! not work is not found out only when it is needed. Refuses: looking at the workspace, and acting.

use std::sync::Arc;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::jobs::Jobs;
use crate::safety::Blocked;
use crate::store::StoreError;
use crate::tenure::{BEAT, Turn};

impl Jobs {
    /// Whether this is the one that acts. Whoever has just become that knows nothing yet: it must look first.
    pub(super) async fn has_its_turn(&self) -> Result<bool, StoreError> {
        let Some(tenure) = &self.sweeper.tenure else { return Ok(true) };
        let turn = tenure.attempt().await?;
        let board = &self.sweeper.board;
        if turn != Turn::Acts {
            board.must_look_again();
        }
        let stood_by = board.stands_by();
        board.set_stands_by(turn == Turn::StandsBy);
        match turn {
            Turn::Begins => self.take_over().await,
            Turn::StandsBy if !stood_by => tracing::info!("{}", Blocked::StandsBy),
            Turn::Acts | Turn::StandsBy => {}
        }
        Ok(turn != Turn::StandsBy)
    }

    async fn take_over(&self) {
        tracing::warn!(
            "the autoclosed that acted on this database is gone; taking over, with a look at the workspace first"
        );
        self.begins_now();
        // What happened after the other's last sign of life may have been told to nobody.
        if let Err(error) = self.sweeper.store.begins_to_listen(self.sweeper.standpoint.now()).await {
            tracing::warn!(error = %error, "since when somebody listens could not be written down");
        }
    }

    /// Whether nothing may be asked of Intercom but who we are.
    pub(super) async fn stands_by(&self) -> bool {
        match self.has_its_turn().await {
            Ok(has_its_turn) => !has_its_turn,
            Err(error) => {
                tracing::warn!(error = %error, "whether another autoclosed acts on this database is not known; nothing is done");
                true
            }
        }
    }

    /// The last sign of life. What may still be going on keeps the lease: whoever stands by waits until it has run out.
    pub(super) async fn end(&self, nothing_goes_on: bool) {
        if self.sweeper.board.stands_by() {
            return;
        }
        self.note_life(SignedDuration::ZERO).await;
        if let Some(tenure) = self.sweeper.tenure.as_ref().filter(|_| nothing_goes_on) {
            tenure.end().await;
        }
    }

    /// Gives signs of life, or waits for the other's to stay away.
    pub(super) async fn keep_the_lease(self: Arc<Self>, shutdown: CancellationToken) {
        while tokio::time::timeout(BEAT, shutdown.cancelled()).await.is_err() {
            let stood_by = self.sweeper.board.stands_by();
            if !self.stands_by().await && stood_by {
                // At once: whoever waits for the schedule waits for nothing.
                self.tick().await;
            }
        }
    }
}
