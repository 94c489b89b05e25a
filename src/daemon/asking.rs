//! The question who we are: asked before a look, while Intercom refuses us or does not know what the rules name, and to
//! find out whether its trouble is over.
//!
//! Owns: when it is asked. Refuses: judging the answer; `identity` does that.

use std::time::Duration;

use super::jobs::Jobs;
use crate::identity::{self, IdentityError};
use crate::intercom::Intercom;
use crate::sweep::Sweeper;

/// The question who we are.
#[derive(Debug, Default)]
pub(super) struct Asking {
    at: Option<Duration>,
    /// Bears a new token that Intercom has not yet said to be ours; nothing else is asked with it.
    pub(super) applicant: Option<Intercom>,
}

impl Jobs {
    /// Asks Intercom again, every `probe`, whether it lets us in, and whether it knows now who acts and what the rules
    /// name.
    pub(super) async fn ask_if_refused(&self) {
        let board = &self.sweeper.board;
        let shut_out = board.refused().is_some() || board.mismatch().is_some();
        let unknown = || board.unclear_names().is_some() || board.unfit().is_some();
        if !shut_out && !unknown() {
            return;
        }
        if self.asked_lately().await {
            return;
        }
        if let Err(why) = self.ask().await {
            tracing::warn!(error = %why, "Intercom still refuses us");
        } else if unknown()
            && let Err(error) = self.look_up_names().await
        {
            tracing::warn!(error = %error, "what the rules name could not be looked up");
        }
    }

    async fn asked_lately(&self) -> bool {
        let now = self.sweeper.standpoint.clock().elapsed();
        let asked_at = self.asking.lock().await.at;
        asked_at.is_some_and(|asked| now.saturating_sub(asked) < self.probe)
    }

    /// A token that does not work should not be found out only when it is needed.
    pub(super) async fn ask_while_standing_by(&self) {
        if !self.asked_lately().await
            && let Err(why) = self.ask().await
        {
            tracing::warn!(error = %why, "Intercom does not say who we are; standing by all the same");
        }
    }

    /// Finds out whether Intercom's trouble is over, when it is time to.
    pub(super) async fn ask_if_in_trouble(&self) {
        let Sweeper { intercom, standpoint, .. } = &self.sweeper;
        let now = standpoint.clock().elapsed();
        if intercom.trouble().is_some_and(|trouble| trouble.next <= now) {
            match self.ask().await {
                Ok(()) => tracing::info!("Intercom answers again"),
                Err(error) => tracing::info!(error = %error, "asked whether Intercom answers again"),
            }
        }
    }

    /// Asks Intercom who we are: with the new token, if there is one that it has not yet said to be ours.
    pub(super) async fn ask(&self) -> Result<(), IdentityError> {
        let Sweeper { intercom, store, standpoint, board, .. } = &self.sweeper;
        let mut asking = self.asking.lock().await;
        asking.at = Some(standpoint.clock().elapsed());
        let asked = asking.applicant.as_ref().unwrap_or(intercom);
        let answer = identity::ask(asked, intercom, store, standpoint, board, &self.expected).await;
        asking.applicant.take_if(|applicant| intercom.has_token_of(applicant));
        answer
    }
}
