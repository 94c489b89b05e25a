//! Everything in the fake workspace: its settings, its conversations, and the notices that changes leave.
//!
//! Owns: ids, finding things, snooze timers, and turning changes into notices. Refuses: HTTP; `notify` delivers.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::engine::ConversationId;

use super::attributes::Values;
use super::conversation::{AppliedTag, Assignee, Author, AuthorKind, Conversation, Deed, Done, Moment, Source, State};
use super::notify::Notice;
use super::shape;
use super::workspace::{Contact, Named, Workspace};

const FIRST_CONVERSATION: u64 = 215_470_000_000_001;
const FIRST_PART: u64 = 37_350_000_001;
const FIRST_SOURCE: u64 = 3_380_000_001;

/// Who acts, and by which way.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) who: Author,
    pub(super) api: bool,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) workspace: Workspace,
    pub(super) conversations: BTreeMap<ConversationId, Conversation>,
    next_conversation: u64,
    next_part: u64,
    next_notice: u64,
    notices: Vec<Notice>,
}

impl World {
    pub(super) fn new(workspace: Workspace) -> World {
        World {
            workspace,
            conversations: BTreeMap::new(),
            next_conversation: 0,
            next_part: FIRST_PART,
            next_notice: 1,
            notices: Vec::new(),
        }
    }

    /// The notices of everything that changed since the last time.
    pub(super) fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    pub(super) fn admin(&self, id: &str) -> Option<Author> {
        let admin = self.workspace.admin(id)?;
        let (name, email) = (Some(admin.name.clone()), Some(admin.email.clone()));
        Some(Author { kind: AuthorKind::Admin, id: admin.id.clone(), name, email })
    }

    pub(super) fn bot(&self) -> Author {
        let email = format!("operator+{}@example.com", self.workspace.app_id);
        Author { kind: AuthorKind::Bot, id: "900".to_owned(), name: Some("Operator".to_owned()), email: Some(email) }
    }

    /// The contact whose turn it is to be in a new conversation.
    pub(super) fn next_contact(&self) -> Author {
        let count = u64::try_from(self.workspace.contacts.len()).unwrap_or(1).max(1);
        let turn = usize::try_from(self.next_conversation % count).unwrap_or_default();
        let stranger = || Author { kind: AuthorKind::Lead, id: format!("{:024x}", 1), name: None, email: None };
        self.workspace.contacts.get(turn).map_or_else(stranger, author)
    }

    /// Begins a conversation and returns its id.
    pub(super) fn begin(&mut self, opening: Opening, contact: Author, at: i64) -> ConversationId {
        let id = conversation_id(FIRST_CONVERSATION + self.next_conversation);
        let source = Source {
            id: FIRST_SOURCE + self.next_conversation,
            channel: opening.channel,
            delivered_as: opening.delivered_as,
            body: opening.body,
            author: opening.author,
        };
        self.next_conversation += 1;
        self.conversations.insert(id.clone(), Conversation::begun(id.to_string(), source, contact, at));
        self.tell(&id, opening.topic, None, at);
        id
    }

    /// Does something to a conversation; `None` if there is no such conversation.
    pub(super) fn apply(&mut self, id: &ConversationId, deed: &Deed, actor: Actor, at: i64) -> Option<Done> {
        let conversation = self.conversations.get_mut(id)?;
        let app_package_code = self.workspace.app_package_code.clone().filter(|_| actor.api);
        let done = conversation.apply(
            deed,
            &mut Moment {
                next_part: &mut self.next_part,
                at,
                who: actor.who,
                api: actor.api,
                app_package_code,
                quirks: &self.workspace.quirks,
            },
        );
        for (topic, part) in &done.news {
            self.tell(id, topic, Some(*part), at);
        }
        Some(done)
    }

    /// Opens every snoozed conversation whose time has come, at that time. Returns how many.
    pub(super) fn wake_due_snoozes(&mut self, now: i64) -> usize {
        let due = |it: &Conversation| it.snoozed_until.filter(|until| it.state == State::Snoozed && *until <= now);
        let woken: Vec<_> = self.conversations.iter().filter_map(|(id, it)| Some((id.clone(), due(it)?))).collect();
        for (id, until) in &woken {
            let actor = Actor { who: self.bot(), api: false };
            self.apply(id, &Deed::Wake, actor, *until);
        }
        woken.len()
    }

    /// Tags a conversation, making the tag if need be. Returns whether it is there.
    pub(super) fn tag(&mut self, id: &ConversationId, name: &str, actor: Actor, at: i64) -> Option<Named> {
        let tag = self.conversations.contains_key(id).then(|| self.tag_named(name))?;
        let conversation = self.conversations.get_mut(id)?;
        if conversation.tags.iter().all(|known| known.id != tag.id) {
            let (tag_id, name) = (tag.id.clone(), tag.name.clone());
            // What is notified is the part that was tagged, not the one that tells of it.
            let last = conversation.parts.last().map(|part| part.id);
            conversation.tags.push(AppliedTag { id: tag_id, name, at, by: actor.who.id.clone() });
            self.apply(id, &Deed::Retag, actor, at);
            self.tell(id, "conversation_part.tag.created", last, at);
        }
        Some(tag)
    }

    /// Takes a tag off by id or name. Intercom has no notification for it.
    pub(super) fn untag(&mut self, id: &ConversationId, tag: &str, actor: Actor, at: i64) -> Option<Named> {
        let conversation = self.conversations.get_mut(id)?;
        let place = conversation.tags.iter().position(|known| known.id == tag || known.name == tag)?;
        let removed = conversation.tags.remove(place);
        self.apply(id, &Deed::Retag, actor, at);
        Some(Named { id: removed.id, name: removed.name })
    }

    /// Marks as read or unread, and sets attributes; each that changes leaves a part. Intercom has no notification for
    /// any of it.
    pub(super) fn update(
        &mut self,
        id: &ConversationId,
        read: Option<bool>,
        attributes: Values,
        actor: &Actor,
        at: i64,
    ) {
        let Some(conversation) = self.conversations.get_mut(id) else { return };
        conversation.updated_at = conversation.updated_at.max(at);
        conversation.read = read.unwrap_or(conversation.read);
        let before = conversation.attributes.clone();
        for (name, value) in attributes {
            if *before.get(&name).unwrap_or(&Value::Null) != value {
                self.apply(id, &Deed::SetAttribute { name, value }, actor.clone(), at);
            }
        }
    }

    /// The tag of that name, which is made if there is none.
    pub(super) fn tag_named(&mut self, name: &str) -> Named {
        if let Some(tag) = self.workspace.tags.iter().find(|tag| tag.name == name) {
            return tag.clone();
        }
        let highest = self.workspace.tags.iter().filter_map(|tag| tag.id.parse::<u64>().ok()).max();
        let tag = Named { id: (highest.unwrap_or(3000) + 1).to_string(), name: name.to_owned() };
        self.workspace.tags.push(tag.clone());
        tag
    }

    /// Makes a ticket of it, which keeps its id. Returns whether it exists.
    pub(super) fn convert(&mut self, id: &ConversationId, at: i64) -> bool {
        let Some(conversation) = self.conversations.get_mut(id) else { return false };
        conversation.ticket = true;
        conversation.updated_at = conversation.updated_at.max(at);
        let item = shape::ticket(conversation);
        self.push_notice("ticket.created", &item, at);
        true
    }

    pub(super) fn delete(&mut self, id: &ConversationId, at: i64) -> bool {
        let gone = self.conversations.remove(id).is_some();
        if gone {
            let item = shape::deleted(id.as_str());
            self.push_notice("conversation.deleted", &item, at);
        }
        gone
    }

    /// Merges the first into the second, which survives. Returns whether both exist.
    pub(super) fn merge(&mut self, secondary: &ConversationId, primary: &ConversationId, at: i64) -> bool {
        let both = [secondary, primary].iter().all(|id| self.conversations.contains_key(*id));
        for (id, deed) in [(secondary, Deed::MergeAway), (primary, Deed::TakeIn)].into_iter().filter(|_| both) {
            self.apply(id, &deed, Actor { who: self.bot(), api: false }, at);
        }
        both
    }

    /// Whether such an assignee exists.
    pub(super) fn knows(&self, to: &Assignee) -> bool {
        match to {
            Assignee::Admin(id) => self.workspace.admin(id).is_some(),
            Assignee::Team(id) => self.workspace.teams.iter().any(|team| team.id == *id),
            Assignee::Nobody { .. } => true,
        }
    }

    fn tell(&mut self, id: &ConversationId, topic: &'static str, part: Option<u64>, at: i64) {
        let Some(conversation) = self.conversations.get(id) else { return };
        let parts: Vec<_> = part.and_then(|part| conversation.part(part)).into_iter().collect();
        let item = shape::notified(conversation, &parts, &self.workspace);
        self.push_notice(topic, &item, at);
    }

    fn push_notice(&mut self, topic: &'static str, item: &Value, at: i64) {
        let id = format!("notif_{}", uuid_like(0, self.next_notice));
        self.next_notice += 1;
        let body = shape::envelope(&self.workspace.app_id, &id, topic, item, at).to_string();
        self.notices.push(Notice { id, topic, body: body.into() });
    }
}

/// How a conversation begins.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) topic: &'static str,
    pub(super) channel: String,
    pub(super) delivered_as: &'static str,
    pub(super) body: String,
    pub(super) author: Author,
}

pub(super) fn author(contact: &Contact) -> Author {
    let kind = if contact.role == "lead" { AuthorKind::Lead } else { AuthorKind::User };
    Author { kind, id: contact.id.clone(), name: contact.name.clone(), email: contact.email.clone() }
}

/// Something with the look of a UUID that is the same in every run.
pub(super) fn uuid_like(kind: u32, number: u64) -> String {
    format!("{kind:08x}-0000-4000-8000-{number:012x}")
}

#[expect(clippy::expect_used, reason = "a u64 has 1 to 20 digits")]
fn conversation_id(number: u64) -> ConversationId {
    ConversationId::try_from(number.to_string().as_str()).expect("a u64 has 1 to 20 digits")
}
