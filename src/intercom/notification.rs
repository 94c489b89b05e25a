//! What a notification of Intercom's says.
//!
//! Owns: the envelope, and which topics concern us. Refuses: failing. Any signed bytes give a [`Notification`]; what
//! could not be understood is [`Content::Odd`] with a reason that quotes nothing, and is kept aside by others.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::lens::Lens;
use super::signature::Verified;
pub use super::wire::Oddness;
use super::wire::{self, Object, Scalar, Seen};
use crate::engine::{Actor, Class, ConversationId, Part, PartId, Sighting};

/// Longest texts that are kept, in bytes.
const LONGEST_TOPIC: usize = 100;
const LONGEST_APP_ID: usize = 64;
const LONGEST_ID: usize = 128;

/// What the key of a notification without a usable id begins with.
const HASHED: &str = "hash:";

/// The topic of a notification that names none that is usable.
const NO_TOPIC: &str = "unknown";

/// One notification, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Workspace that it comes from, as far as it says so usably.
    pub app_id: Option<String>,
    /// The notification's id; where it has no usable one, `hash:` and a hash of topic, date and data.
    pub key: String,
    /// What happened; at most 100 printable ASCII characters, or `unknown`.
    pub topic: String,
    /// When Intercom made it.
    pub created_at: Option<Timestamp>,
    /// The same for two deliveries that say the same: 16 hexadecimal digits over topic and data.
    pub fingerprint: String,
    /// The conversation that it seems to be about, whether or not it was understood.
    pub about: Option<ConversationId>,
    /// What it says.
    pub content: Content,
}

/// What a notification says to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Something about a conversation.
    Conversation(Box<Sighting>),
    /// Intercom asks whether anybody is there.
    Ping,
    /// Something that moves nothing here.
    Irrelevant,
    /// Not understood: for a person to look at.
    Odd(Oddness),
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Envelope<'a> {
    app_id: Scalar<'a>,
    id: Scalar<'a>,
    topic: Scalar<'a>,
    created_at: Scalar<'a>,
    // Raw, as what it holds depends on the topic, which may come after it, and as its bytes are hashed.
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Data<T> {
    #[serde(default = "absent")]
    item: Object<T>,
}

fn absent<T>() -> Object<T> {
    Object::Absent
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct DeletedItem<'a> {
    id: Scalar<'a>,
    conversation_id: Scalar<'a>,
}

/// The item of a ticket's topic: the ticket, or something that holds it.
#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct TicketItem<'a> {
    #[serde(rename = "type")]
    kind: Scalar<'a>,
    id: Scalar<'a>,
    ticket: Object<Ticket<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Ticket<'a> {
    id: Scalar<'a>,
}

/// Reads a notification. Total: whatever was signed has an answer. `lens` says what is kept of it.
pub fn parse(body: &Verified, lens: &Lens) -> Notification {
    match envelope(body.as_bytes()) {
        Ok(envelope) => envelope.notification(lens),
        Err(odd) => unreadable(body.as_bytes(), odd),
    }
}

fn envelope(body: &[u8]) -> Result<Envelope<'_>, Oddness> {
    wire::read(std::str::from_utf8(body).map_err(|_| Oddness::Encoding)?)
}

fn unreadable(body: &[u8], odd: Oddness) -> Notification {
    let code = hash(&[body]);
    Notification {
        app_id: None,
        key: format!("{HASHED}{code}"),
        topic: NO_TOPIC.to_owned(),
        created_at: None,
        fingerprint: code[..16].to_owned(),
        about: std::str::from_utf8(body).ok().and_then(|body| seems_about(body, "/data/item")),
        content: Content::Odd(odd),
    }
}

impl Envelope<'_> {
    fn notification(&self, lens: &Lens) -> Notification {
        let topic = self.topic.text().filter(|topic| is_plain(topic, LONGEST_TOPIC));
        let date = self.created_at.date();
        let id = self.key();
        let content = match topic {
            None => Err(Oddness::Topic),
            Some(topic) => self.content(topic, &id, lens),
        };
        let content = content.unwrap_or_else(Content::Odd);
        let about = match &content {
            Content::Conversation(sighting) => Some(sighting.id.clone()),
            Content::Ping => None,
            // What others do to a contact or a company is about no conversation.
            Content::Irrelevant if !topic.is_some_and(|topic| topic.starts_with("conversation")) => None,
            Content::Irrelevant | Content::Odd(_) => seems_about(self.data(), "/item"),
        };
        Notification {
            app_id: self.app_id.id().filter(|id| is_app_id(id)).map(std::borrow::Cow::into_owned),
            topic: topic.unwrap_or(NO_TOPIC).to_owned(),
            created_at: date.ok().flatten(),
            fingerprint: hash(&[self.topic_bytes(), self.data().as_bytes()])[..16].to_owned(),
            about,
            content,
            key: id,
        }
    }

    fn key(&self) -> String {
        let usable = |id: &&str| is_plain(id, LONGEST_ID) && !id.starts_with(HASHED);
        if let Some(id) = self.id.text().filter(usable) {
            return id.to_owned();
        }
        let created_at = self.created_at.id().unwrap_or_default();
        let code = hash(&[self.topic_bytes(), created_at.as_bytes(), self.data().as_bytes()]);
        format!("{HASHED}{code}")
    }

    fn topic_bytes(&self) -> &[u8] {
        self.topic.text().unwrap_or_default().as_bytes()
    }

    fn data(&self) -> &str {
        self.data.map_or("", RawValue::get)
    }

    fn content(&self, topic: &str, id: &str, lens: &Lens) -> Result<Content, Oddness> {
        let sighting = match topic {
            "ping" => return Ok(Content::Ping),
            // Their item has a shape of its own and tells nothing that we need.
            "conversation.contact.attached" | "conversation.contact.detached" => return Ok(Content::Irrelevant),
            "conversation.deleted" => Some(deleted(self.data())?),
            _ if topic.starts_with("conversation.") || topic.starts_with("conversation_part.") => {
                let created_at = self.created_at.date()?.ok_or(Oddness::Date)?;
                Some(conversation(topic, self.data(), created_at, id, lens)?)
            }
            _ if topic.starts_with("ticket.") => ticket(self.data())?,
            _ => None,
        };
        Ok(sighting.map_or(Content::Irrelevant, |sighting| Content::Conversation(Box::new(sighting))))
    }
}

fn item<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T, Oddness> {
    if data.is_empty() {
        return Err(Oddness::Item);
    }
    match wire::read::<Data<T>>(data)?.item {
        Object::Of(item) => Ok(item),
        _ => Err(Oddness::Item),
    }
}

fn conversation(topic: &str, data: &str, created_at: Timestamp, id: &str, lens: &Lens) -> Result<Sighting, Oddness> {
    let mut conversation: wire::Conversation<'_> = item(data)?;
    if conversation.is_something_else() {
        return Err(Oddness::Item);
    }
    if topic == "conversation_part.redacted" {
        conversation.redact();
    }
    let mut sighting = conversation.sighting(lens, Seen::Notified { created_at, notification_id: id })?;
    match topic {
        "conversation_part.redacted" => sighting.redacted = true,
        "conversation.user.created" => sighting.whole = true,
        "conversation.admin.single.created" => sent_by_a_teammate(&mut sighting.parts),
        // It shows the part in words that nobody wrote: those that it is known by are in another notification.
        "conversation.admin.replied.translated" => sighting.parts.iter_mut().for_each(|part| part.digest = None),
        "conversation.read" => sighting.parts.push(by_contact(Class::Read, created_at)),
        "conversation.rating.added" if !shows(&sighting, Class::Rated) => {
            sighting.parts.push(by_contact(Class::Rated, created_at));
        }
        _ => {}
    }
    Ok(sighting)
}

/// The topic says how it began, where the shape does not.
fn sent_by_a_teammate(parts: &mut [Part]) {
    let opening = parts.iter_mut().filter(|part| matches!(part.id, Some(PartId::Source(_))));
    for part in opening.filter(|part| part.actor == Actor::Teammate) {
        part.classes = BTreeSet::from([Class::TeammateReply]);
    }
}

/// Something that a contact did and that no part shows.
fn by_contact(class: Class, at: Timestamp) -> Part {
    let classes = BTreeSet::from([class]);
    Part { id: None, at, actor: Actor::Contact, admin_id: None, classes, digest: None, reads_as: BTreeSet::new() }
}

fn shows(sighting: &Sighting, class: Class) -> bool {
    sighting.parts.iter().any(|part| part.classes.contains(&class))
}

fn deleted(data: &str) -> Result<Sighting, Oddness> {
    let item: DeletedItem<'_> = item(data)?;
    let id = if item.conversation_id.is_given() { &item.conversation_id } else { &item.id };
    let mut sighting = Sighting::of(wire::conversation_id(id)?);
    sighting.gone = true;
    Ok(sighting)
}

/// The conversation that JSON of whatever shape seems to be about; its item stands at that place.
fn seems_about(json: &str, item: &str) -> Option<ConversationId> {
    let json: serde_json::Value = serde_json::from_str(json).ok()?;
    let item = json.pointer(item)?;
    let own = if matches!(item["type"].as_str(), None | Some("conversation" | "ticket")) { "/id" } else { "" };
    let places = ["/conversation_id", "/conversation/id", "/conversation/model/id", "/ticket/id", own];
    places.iter().filter_map(|place| item.pointer(place)).find_map(|id| {
        let id = id.as_u64().map(|id| id.to_string()).or_else(|| id.as_str().map(str::to_owned))?;
        ConversationId::try_from(id.as_str()).ok()
    })
}

/// A ticket that began as a conversation has its id. `None` if there is no ticket's id in it.
fn ticket(data: &str) -> Result<Option<Sighting>, Oddness> {
    let item: TicketItem<'_> = match item(data) {
        Err(Oddness::Item) => return Ok(None),
        item => item?,
    };
    let own = if item.kind.text() == Some("ticket") { &item.id } else { &Scalar::Absent };
    let id = item.ticket.get().map_or(own, |ticket| &ticket.id);
    if !id.is_given() {
        return Ok(None);
    }
    let mut sighting = Sighting::of(wire::conversation_id(id)?);
    sighting.ticket = true;
    Ok(Some(sighting))
}

/// Whether it can be a workspace's id.
pub(super) fn is_app_id(id: &str) -> bool {
    is_plain(id, LONGEST_APP_ID)
}

/// Printable ASCII without spaces, short enough to be kept.
fn is_plain(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// SHA-256 in hexadecimal digits. Each piece goes in after its length, so that no two lists of pieces are the same.
fn hash(pieces: &[&[u8]]) -> String {
    let mut state = Sha256::new();
    for piece in pieces {
        state.update(piece.len().to_be_bytes());
        state.update(piece);
    }
    hex::encode(state.finalize())
}

#[cfg(test)]
mod tests;
