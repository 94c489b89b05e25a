//! A conversation as an answer shows it: what it says, and the little that only a deed needs.

use jiff::Timestamp;

use super::deeds::Assignee;
use crate::engine::{ConversationId, Part, PartId, Sighting};
use crate::intercom::error::IntercomError;
use crate::intercom::lens::Lens;
use crate::intercom::wire::{Conversation, Oddness, Seen};

/// Parts that Intercom shows of a conversation at most: the newest.
const SHOWN_AT_MOST: usize = 500;

/// A conversation as Intercom answered. No text of it is kept but the title, for messages that name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadConversation {
    /// What it says.
    pub sighting: Sighting,
    /// `open`, `snoozed` or `closed`, as the answer says.
    pub state: Option<String>,
    /// The title, if it has one.
    pub title: Option<String>,
    /// The contact to be addressed.
    pub contact_id: Option<String>,
    /// How many parts were shown.
    shown: usize,
}

/// What an answer has to show of a conversation, besides its id.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<'a> {
    Anything,
    State(&'static str),
    Assignee(Assignee<'a>),
}

impl ReadConversation {
    /// Whether every part since then is shown, so that one that is not there does not exist.
    pub fn shows_everything_since(&self, since: Timestamp) -> bool {
        self.sighting.whole
            && (self.shown < SHOWN_AT_MOST || self.sighting.parts.iter().any(|part| is_shown_before(part, since)))
    }

    /// Reads an answer to a `GET`, or with `deed` to a call that shows only the new part.
    pub(super) fn read(json: &[u8], at: Timestamp, lens: &Lens, deed: bool) -> Result<ReadConversation, IntercomError> {
        let conversation = Conversation::read(json).map_err(garbled)?;
        let mut sighting = conversation.sighting(lens, Seen::Fetched { at }).map_err(garbled)?;
        let shown = conversation.part_count().map_err(garbled)?;
        sighting.whole &= !deed;
        if shown >= SHOWN_AT_MOST && !shows_who_spoke_last(&sighting) {
            sighting.last_contact_reply_at = sighting.created_at;
        }
        Ok(ReadConversation {
            sighting,
            state: conversation.state_word().map(str::to_owned),
            title: conversation.title().map(str::to_owned),
            contact_id: conversation.contact_id(),
            shown,
        })
    }

    /// Whether this is the conversation asked for, and as it was asked to be.
    pub(super) fn check(&self, id: &ConversationId, wanted: Wanted<'_>) -> Result<(), IntercomError> {
        if self.sighting.id != *id {
            return Err(IntercomError::WrongAnswer("another conversation than the one asked for"));
        }
        match wanted {
            Wanted::State(state) if self.state.as_deref() != Some(state) => {
                Err(IntercomError::WrongAnswer("a conversation that is not in the state asked for"))
            }
            Wanted::Assignee(to) if !self.may_belong_to(to) => {
                Err(IntercomError::WrongAnswer("a conversation that is not assigned as asked for"))
            }
            _ => Ok(()),
        }
    }

    /// True also where the answer does not tell: not all shapes do.
    fn may_belong_to(&self, to: Assignee<'_>) -> bool {
        let Some(snapshot) = &self.sighting.snapshot else { return true };
        let (told, wanted) = match to {
            Assignee::Teammate(id) => (&snapshot.facts.admin_assignee_id, id),
            Assignee::Team(id) => (&snapshot.facts.team_assignee_id, id),
        };
        told.as_ref().is_none_or(|told| told.as_deref() == wanted)
    }
}

/// Whether, though older parts are not shown, the last word by a person is. Otherwise the contact may be owed an answer
/// without a sign of it: that counts as an answer to the opening message, unless what webhooks told is newer.
fn shows_who_spoke_last(sighting: &Sighting) -> bool {
    let speaks = |part: &Part| part.actor.is_person() && part.classes.iter().any(|class| class.speaks());
    let in_parts = |part: &Part| matches!(part.id, Some(PartId::Part(_))) && speaks(part);
    sighting.last_contact_reply_at.is_some() || sighting.parts.iter().any(in_parts)
}

fn is_shown_before(part: &Part, since: Timestamp) -> bool {
    matches!(part.id, Some(PartId::Part(_))) && part.at < since
}

fn garbled(oddness: Oddness) -> IntercomError {
    IntercomError::Odd(oddness)
}
