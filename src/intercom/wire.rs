//! Intercom's JSON, in every shape that its API versions give a conversation.
//!
//! Owns: where things stand in it: 2014 (dates in strings, no state), up to 2.4 (`user`, `assignee`,
//! `conversation_message`), from 2.5 (`source`, `contacts`, statistics in ISO 8601), from 2.15 (in seconds) and the
//! answers of the REST API. The shape is told by what is there, not by a version: a workspace's version can change
//! any day. Refuses: fields that nobody needs, whose types may be anything. What is needed and has an unexpected
//! type makes the whole thing odd; guessing could close a conversation that awaits our answer.

mod loose;
mod sighting;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

pub(crate) use loose::{List, Object, Scalar, possible_date};

use super::classify;
use crate::engine::{Actor, ConversationId};

/// Why something of Intercom's could not be understood. Says what kind of thing it was, and nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Oddness {
    /// The bytes are no text.
    #[error("it is not UTF-8")]
    Encoding,
    /// The text is no JSON, or breaks off.
    #[error("it is not JSON")]
    Json,
    /// A field is there twice, or it is no object at all.
    #[error("it is JSON of another shape, or a field is there twice")]
    Shape,
    /// The topic is missing, too long, or not plain text.
    #[error("the topic is missing or unusable")]
    Topic,
    /// There is nothing in it about a conversation, though the topic promised it.
    #[error("there is no conversation in it")]
    Item,
    /// The conversation's id is missing, or not 1 to 20 digits.
    #[error("the conversation's id is missing or not 1 to 20 digits")]
    ConversationId,
    /// The id of a part is neither text nor a number.
    #[error("the id of a part is neither text nor a number")]
    PartId,
    /// A date is missing, unreadable, or not between 2000 and 2100.
    #[error("a date is missing, unreadable, or not between 2000 and 2100")]
    Date,
    /// The type of a part is missing or no text.
    #[error("the type of a part is missing or no text")]
    PartType,
    /// Who wrote something is missing or no text.
    #[error("it does not say who wrote a part")]
    Author,
    /// The state is no text.
    #[error("the state is no text")]
    State,
    /// The list of parts is no list of objects.
    #[error("the list of parts is no list of objects")]
    Parts,
}

/// How a conversation came to be seen.
#[derive(Clone, Copy)]
pub(crate) enum Seen<'a> {
    /// A notification told.
    Notified {
        /// `created_at` of the notification.
        created_at: Timestamp,
        /// Its key.
        notification_id: &'a str,
    },
    /// It was asked for.
    Fetched {
        /// When.
        at: Timestamp,
    },
}

/// A conversation as it comes over the wire. No `Debug`, as it holds message texts.
#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
#[expect(clippy::struct_field_names, reason = "the names are Intercom's")]
pub(crate) struct Conversation<'a> {
    #[serde(rename = "type")]
    kind: Scalar<'a>,
    id: Scalar<'a>,
    created_at: Scalar<'a>,
    updated_at: Scalar<'a>,
    state: Scalar<'a>,
    open: Scalar<'a>,
    snoozed_until: Scalar<'a>,
    title: Scalar<'a>,
    priority: Scalar<'a>,
    ticket: Scalar<'a>,
    admin_assignee_id: Scalar<'a>,
    team_assignee_id: Scalar<'a>,
    assignee: Object<Reference<'a>>,
    user: Object<Reference<'a>>,
    contacts: Object<Contacts<'a>>,
    source: Object<Message<'a>>,
    conversation_message: Object<Message<'a>>,
    tags: Object<Tags<'a>>,
    custom_attributes: Object<Attributes>,
    statistics: Object<Statistics<'a>>,
    ai_agent: Object<Fin<'a>>,
    ai_agent_participated: Scalar<'a>,
    conversation_rating: Object<Rating<'a>>,
    conversation_parts: Object<Parts<'a>>,
}

/// An author, assignee or contact.
#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Reference<'a> {
    #[serde(rename = "type")]
    kind: Scalar<'a>,
    id: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Contacts<'a> {
    contacts: List<Object<Reference<'a>>>,
}

/// The opening message: `source`, or `conversation_message` in older shapes.
#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Message<'a> {
    #[serde(rename = "type")]
    channel: Scalar<'a>,
    id: Scalar<'a>,
    delivered_as: Scalar<'a>,
    body: Scalar<'a>,
    redacted: Scalar<'a>,
    author: Object<Reference<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Tags<'a> {
    tags: List<Object<TagItem<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct TagItem<'a> {
    id: Scalar<'a>,
    name: Scalar<'a>,
}

/// Whatever a workspace has defined.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Attributes(serde_json::Map<String, serde_json::Value>);

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Statistics<'a> {
    last_contact_reply_at: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Fin<'a> {
    resolution_state: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Rating<'a> {
    rating: Scalar<'a>,
    created_at: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Parts<'a> {
    conversation_parts: List<Object<PartItem<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct PartItem<'a> {
    id: Scalar<'a>,
    part_type: Scalar<'a>,
    body: Scalar<'a>,
    created_at: Scalar<'a>,
    redacted: Scalar<'a>,
    app_package_code: Scalar<'a>,
    author: Object<Reference<'a>>,
    attachments: List<IgnoredAny>,
}

impl<'a> Conversation<'a> {
    /// The conversation's id.
    ///
    /// # Errors
    /// It is missing, or not 1 to 20 digits.
    pub(crate) fn id(&self) -> Result<ConversationId, Oddness> {
        conversation_id(&self.id)
    }

    /// Whether it calls itself something else.
    pub(crate) fn is_something_else(&self) -> bool {
        self.kind.is_given() && self.kind.text() != Some("conversation")
    }

    /// Takes every part that is shown for a redacted one, as the notification of a redaction shows only those.
    pub(crate) fn redact(&mut self) {
        let Object::Of(Parts { conversation_parts: List::Of(parts) }) = &mut self.conversation_parts else { return };
        for part in parts {
            if let Object::Of(part) = part {
                part.redacted = Scalar::Bool(true);
            }
        }
    }

    fn opening_message(&self) -> Option<&Message<'a>> {
        self.source.get().or(self.conversation_message.get())
    }

    /// The parts that are shown; none where the shape has none.
    fn part_items(&self) -> Result<Vec<&PartItem<'a>>, Oddness> {
        let list = match &self.conversation_parts {
            Object::Absent | Object::Null => return Ok(Vec::new()),
            Object::Other => return Err(Oddness::Parts),
            Object::Of(parts) => &parts.conversation_parts,
        };
        match list {
            List::Absent | List::Null => Ok(Vec::new()),
            List::Other => Err(Oddness::Parts),
            List::Of(parts) => parts.iter().map(|part| part.get().ok_or(Oddness::Parts)).collect(),
        }
    }
}

impl<'a> Conversation<'a> {
    /// Reads an answer of the REST API.
    ///
    /// # Errors
    /// It is no JSON object, or a field is there twice.
    pub(crate) fn read(json: &'a [u8]) -> Result<Conversation<'a>, Oddness> {
        read(std::str::from_utf8(json).map_err(|_| Oddness::Encoding)?)
    }

    /// The title, if it has one.
    pub(crate) fn title(&self) -> Option<&str> {
        self.title.text().filter(|title| !title.trim().is_empty())
    }

    /// The contact to be addressed: the one who began it, else the first of those who take part.
    pub(crate) fn contact_id(&self) -> Option<String> {
        let author =
            self.opening_message().and_then(|message| message.author.get()).filter(|author| author.is_contact());
        let listed = self.contacts.get().and_then(|contacts| contacts.contacts.get()).unwrap_or_default();
        let person = author.or_else(|| listed.iter().find_map(Object::get)).or(self.user.get());
        person.and_then(|person| sighting::kept_id(&person.id))
    }

    /// How many parts are shown.
    ///
    /// # Errors
    /// The list of parts is no list of objects.
    pub(crate) fn part_count(&self) -> Result<usize, Oddness> {
        Ok(self.part_items()?.len())
    }

    /// The state, in Intercom's word.
    pub(crate) fn state_word(&self) -> Option<&str> {
        self.state.text()
    }
}

impl Reference<'_> {
    fn is_contact(&self) -> bool {
        self.kind.text().is_some_and(|kind| classify::actor(kind) == Actor::Contact)
    }
}

/// Reads a JSON object and nothing else.
///
/// # Errors
/// It is no JSON, no object, or a field is there twice.
pub(crate) fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Oddness> {
    match serde_json::from_str(json) {
        Ok(Object::Of(value)) => Ok(value),
        Ok(_) => Err(Oddness::Shape),
        Err(error) if error.is_data() => Err(Oddness::Shape),
        Err(_) => Err(Oddness::Json),
    }
}

/// A conversation's id, which may go into a URL later.
///
/// # Errors
/// It is missing, or not 1 to 20 digits.
pub(crate) fn conversation_id(id: &Scalar<'_>) -> Result<ConversationId, Oddness> {
    let id = id.id().ok_or(Oddness::ConversationId)?;
    ConversationId::try_from(id.as_ref()).map_err(|_| Oddness::ConversationId)
}

#[cfg(test)]
mod tests;
