//! Reading a conversation from Intercom: the ground of every deed.

use std::time::Duration;

use super::{READS_AT_ONCE, SweepError, Sweeper, is_general};
use crate::engine::conversation::{Conversation, ConversationId, Sighting};
use crate::intercom::client::ReadConversation;
use crate::intercom::error::{Class, IntercomError};
use crate::safety::Acting;
use crate::store::{Context, Decided, StoreError};

/// A conversation as Intercom just showed it, with what that comes to.
pub(super) struct Fresh {
    pub(super) read: ReadConversation,
    pub(super) decided: Decided,
    /// When it arrived, on the boot-time clock.
    pub(super) received: Duration,
}

impl Sweeper {
    /// Asks Intercom, folds the answer in, and decides on that.
    pub(super) async fn read(&self, id: &ConversationId) -> Result<Fresh, SweepError> {
        let answer = self.intercom.conversation(id).await?;
        self.board.shown();
        let decided = self.store.record_fetched(answer.value.sighting.clone(), &self.context()).await?;
        let decided = decided.ok_or(SweepError::Forgotten)?;
        Ok(Fresh { read: answer.value, decided, received: answer.received })
    }

    /// Notes that Intercom no longer knows the conversation: it is not asked for again unless a notification names it.
    pub(super) async fn is_gone(&self, id: &ConversationId) -> Result<(), StoreError> {
        let gone = Sighting { gone: true, ..Sighting::of(id.clone()) };
        self.store.record_fetched(gone, &self.context()).await?;
        Ok(())
    }

    /// Reads conversations of which something is not known, or of which two stories were told.
    pub(super) async fn read_what_is_unclear(&self, acting: &Acting) -> Result<(), SweepError> {
        let ids = self.store.to_fetch(&acting.app_id, self.standpoint.now(), READS_AT_ONCE).await?;
        for id in ids {
            self.sign_of_life();
            let read = self.board.unless_it_stops(self.read_or_note(&acting.app_id, &id)).await;
            let Some(failed) = read.transpose()? else { break };
            if failed.is_some_and(|error| error.class() == Class::Ambiguous) {
                break;
            }
        }
        Ok(())
    }

    /// Reads a conversation, or notes that it could not be read and tells why. Gives on as an error only what would
    /// befall every other too.
    pub async fn read_or_note(&self, app_id: &str, id: &ConversationId) -> Result<Option<IntercomError>, SweepError> {
        match self.read(id).await {
            Ok(_) | Err(SweepError::Forgotten) => Ok(None),
            Err(SweepError::Store(StoreError::Odd(what))) => {
                self.note_damage(&what);
                Ok(self.store.fetch_failed(app_id, id, self.standpoint.now()).await.map(|_| None)?)
            }
            Err(SweepError::Store(error)) => Err(error.into()),
            Err(SweepError::Intercom(error)) => self.note_unread(app_id, id, error).await,
        }
    }

    async fn note_unread(
        &self,
        app_id: &str,
        id: &ConversationId,
        error: IntercomError,
    ) -> Result<Option<IntercomError>, SweepError> {
        match error.class() {
            Class::Gone => {
                self.is_gone(id).await?;
                Ok(None)
            }
            class if is_general(class) => Err(self.noted(error)),
            _ => {
                tracing::warn!(conversation.id = %id, error = %error, "a conversation could not be read; trying again later");
                let tries = self.store.fetch_failed(app_id, id, self.standpoint.now()).await?;
                if let Some(refusal) = error.refusal().filter(|_| error.class() == Class::Refused) {
                    self.board.not_shown(refusal.to_string(), tries == 0);
                }
                Ok(Some(error))
            }
        }
    }

    /// What is known of a conversation, by the rules as they are now.
    pub(super) async fn known(&self, id: &ConversationId, context: &Context) -> Result<Option<Decided>, StoreError> {
        self.store.decided(id, context).await
    }
}

/// What the journal keeps of the facts that a decision was made on.
pub(super) fn inputs(conversation: &Conversation, extra: &[(&str, String)]) -> crate::store::Inputs {
    use crate::engine::conversation::{Class as Activity, State};
    let mut inputs = serde_json::Map::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            inputs.insert(key.to_owned(), value.into());
        }
    };
    let latest = |class: Activity| {
        let moments = conversation.latest.iter().filter(|((known, _), _)| *known == class);
        moments.map(|(_, (at, _))| at.to_string()).max()
    };
    put(
        "state",
        conversation.state().map(|state| match state {
            State::Open => "open".to_owned(),
            State::Closed => "closed".to_owned(),
            State::Snoozed { until } => {
                until.map_or_else(|| "snoozed".to_owned(), |until| format!("snoozed until {until}"))
            }
        }),
    );
    put("updated_at", conversation.updated_at().map(|at| at.to_string()));
    put("contact_reply", latest(Activity::ContactReply));
    put("teammate_reply", latest(Activity::TeammateReply));
    for (key, value) in extra {
        put(key, Some(value.clone()));
    }
    crate::store::Inputs(serde_json::Value::Object(inputs).to_string())
}
