//! The calls that change something, most of them a conversation.
//!
//! Owns: what each deed sends, and whether its answer shows it done. Refuses: sending an id that is no number or a
//! text that is empty, and taking whatever a deed names besides the conversation for the conversation itself.
//!
//! "Not found" is the point where that matters. Intercom documents codes of their own for a missing tag or assignee,
//! but not at every place. Where a plain `not_found` can speak of either, it is a refusal of this one deed: a
//! conversation taken for gone would be left alone for good, while the next look at it tells for certain.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::answers::{self, Tag};
use super::read::Wanted;
use super::transport::Request;
use super::{Answer, Intercom, ReadConversation};
use crate::engine::ConversationId;
use crate::intercom::error::IntercomError;

/// How Intercom writes nobody, where somebody is assigned.
const NOBODY: &str = "0";

/// Whom a conversation is given to; `None` is nobody. Teammate and team are independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assignee<'a> {
    /// The teammate of that id.
    Teammate(Option<&'a str>),
    /// The team of that id.
    Team(Option<&'a str>),
}

/// What [`Intercom::update`] changes. What is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    /// Whether it counts as read.
    pub read: Option<bool>,
    /// Attributes of the conversation by name. Intercom refuses names it does not know and values of another type.
    pub custom_attributes: Map<String, Value>,
}

impl Intercom {
    /// Closes the conversation; `body` is what the contact reads, `None` closes without a word.
    pub async fn close(
        &self,
        id: &ConversationId,
        admin_id: &str,
        body: Option<&str>,
    ) -> Result<Answer<ReadConversation>, IntercomError> {
        let mut part = json!({ "message_type": "close", "type": "admin", "admin_id": acting(admin_id)? });
        if let Some(body) = body {
            part["body"] = said(body)?.into();
        }
        self.deed(id, at(id, "parts").of_conversation().json(part), Wanted::State("closed")).await
    }

    /// Opens the conversation, out of a snooze too.
    pub async fn open(&self, id: &ConversationId, admin_id: &str) -> Result<Answer<ReadConversation>, IntercomError> {
        let part = json!({ "message_type": "open", "admin_id": acting(admin_id)? });
        self.deed(id, at(id, "parts").of_conversation().json(part), Wanted::State("open")).await
    }

    /// Snoozes the conversation; `until` is cut to whole seconds.
    pub async fn snooze(
        &self,
        id: &ConversationId,
        admin_id: &str,
        until: Timestamp,
    ) -> Result<Answer<ReadConversation>, IntercomError> {
        let (admin_id, until) = (acting(admin_id)?, until.as_second());
        let part = json!({ "message_type": "snoozed", "admin_id": admin_id, "snoozed_until": until });
        self.deed(id, at(id, "parts").of_conversation().json(part), Wanted::State("snoozed")).await
    }

    /// Says something that the contact reads.
    pub async fn reply(
        &self,
        id: &ConversationId,
        admin_id: &str,
        body: &str,
    ) -> Result<Answer<ReadConversation>, IntercomError> {
        self.say(id, admin_id, "comment", body).await
    }

    /// Says something that only teammates read. Like a reply, it can end a snooze.
    pub async fn note(
        &self,
        id: &ConversationId,
        admin_id: &str,
        body: &str,
    ) -> Result<Answer<ReadConversation>, IntercomError> {
        self.say(id, admin_id, "note", body).await
    }

    /// Gives the conversation to somebody. This opens what is closed or snoozed.
    pub async fn assign(
        &self,
        id: &ConversationId,
        admin_id: &str,
        assignee: Assignee<'_>,
    ) -> Result<Answer<ReadConversation>, IntercomError> {
        let (kind, assignee_id) = assignee.written()?;
        let admin_id = acting(admin_id)?;
        let part =
            json!({ "message_type": "assignment", "type": kind, "admin_id": admin_id, "assignee_id": assignee_id });
        // What is not found here may be the assignee.
        self.deed(id, at(id, "parts").json(part), Wanted::Assignee(assignee)).await
    }

    /// Tags the conversation; nothing changes if it has the tag.
    pub async fn tag(&self, id: &ConversationId, admin_id: &str, tag_id: &str) -> Result<Answer<()>, IntercomError> {
        let tag_id = tag_number(tag_id)?;
        let body = json!({ "id": tag_id, "admin_id": acting(admin_id)? });
        // What is not found here may be the tag.
        self.call(at(id, "tags").json(body), |json, _| answers::is_tag(json, tag_id)).await
    }

    /// Takes a tag off. Of one that the conversation does not have, Intercom says `tag_not_found`.
    pub async fn untag(&self, id: &ConversationId, admin_id: &str, tag_id: &str) -> Result<Answer<()>, IntercomError> {
        let tag_id = tag_number(tag_id)?;
        let body = json!({ "admin_id": acting(admin_id)? });
        let request = Request::new(Method::DELETE, &["conversations", id.as_str(), "tags", tag_id]);
        self.call(request.of_conversation().json(body), |json, _| answers::is_tag(json, tag_id)).await
    }

    /// Creates a tag, or finds the one of that name.
    pub async fn create_tag(&self, name: &str) -> Result<Answer<Tag>, IntercomError> {
        if name.trim().is_empty() {
            return Err(IntercomError::BadRequest("the name of a tag is empty"));
        }
        let request = Request::new(Method::POST, &["tags"]).json(json!({ "name": name }));
        self.call(request, |json, _| answers::tag_named(json, name)).await
    }

    /// Changes what needs no part of its own. The token's own teammate does it, as no other can be named.
    pub async fn update(
        &self,
        id: &ConversationId,
        update: &Update,
    ) -> Result<Answer<ReadConversation>, IntercomError> {
        let request = Request::new(Method::PUT, &["conversations", id.as_str()]).of_conversation();
        self.deed(id, request.json(update.written()?), Wanted::Anything).await
    }

    async fn say(
        &self,
        id: &ConversationId,
        admin_id: &str,
        kind: &str,
        body: &str,
    ) -> Result<Answer<ReadConversation>, IntercomError> {
        let (admin_id, body) = (acting(admin_id)?, said(body)?);
        let part = json!({ "message_type": kind, "type": "admin", "admin_id": admin_id, "body": body });
        self.deed(id, at(id, "reply").of_conversation().json(part), Wanted::Anything).await
    }

    async fn deed(
        &self,
        id: &ConversationId,
        request: Request,
        wanted: Wanted<'_>,
    ) -> Result<Answer<ReadConversation>, IntercomError> {
        self.call_on(id, request, wanted, true).await
    }
}

impl<'a> Assignee<'a> {
    /// `type` and `assignee_id`.
    fn written(self) -> Result<(&'static str, &'a str), IntercomError> {
        let (kind, id) = match self {
            Assignee::Teammate(id) => ("admin", id),
            Assignee::Team(id) => ("team", id),
        };
        let id = match id {
            Some(id) => number(id, "an assignee's id has 1 to 20 digits and is not 0")?,
            None => NOBODY,
        };
        Ok((kind, id))
    }
}

impl Update {
    fn written(&self) -> Result<Value, IntercomError> {
        let mut body = Map::new();
        if let Some(read) = self.read {
            body.insert("read".to_owned(), read.into());
        }
        if !self.custom_attributes.is_empty() {
            body.insert("custom_attributes".to_owned(), self.custom_attributes.clone().into());
        }
        if body.is_empty() { Err(IntercomError::BadRequest("it updates nothing")) } else { Ok(body.into()) }
    }
}

fn at(id: &ConversationId, place: &str) -> Request {
    Request::new(Method::POST, &["conversations", id.as_str(), place])
}

fn acting(admin_id: &str) -> Result<&str, IntercomError> {
    number(admin_id, "the acting teammate's id has 1 to 20 digits and is not 0")
}

fn tag_number(tag_id: &str) -> Result<&str, IntercomError> {
    number(tag_id, "a tag's id has 1 to 20 digits and is not 0")
}

fn number<'a>(id: &'a str, otherwise: &'static str) -> Result<&'a str, IntercomError> {
    let fits = answers::is_number(id) && id.bytes().any(|digit| digit != b'0');
    if fits { Ok(id) } else { Err(IntercomError::BadRequest(otherwise)) }
}

/// An empty text is not known to be silence: say nothing by leaving it out.
fn said(body: &str) -> Result<&str, IntercomError> {
    if body.trim().is_empty() { Err(IntercomError::BadRequest("its text is empty")) } else { Ok(body) }
}
