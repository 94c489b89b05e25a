//! What people do in the fake workspace: the verbs of a story.
//!
//! Owns: turning a verb into a deed by the right person, now. Refuses: refusing; people may do anything. Verbs return
//! the id of the part they left, or `None` if there is no such conversation.

use jiff::Timestamp;
use serde_json::Value;

use crate::engine::ConversationId;

use super::FakeIntercom;
use super::conversation::{Assignee, Author, AuthorKind, Deed};
use super::shape::html;
use super::world::{Actor, Opening, World};

impl FakeIntercom {
    /// The same workspace, in which the verbs of teammates are done by this one. Use it for a colleague, or for a
    /// person who uses the daemon's own account.
    #[must_use]
    pub fn by(&self, admin_id: &str) -> FakeIntercom {
        FakeIntercom { teammate: Some(admin_id.into()), ..self.clone() }
    }

    /// A contact writes in the Messenger.
    pub fn contact_starts(&self, text: &str) -> ConversationId {
        self.contact_starts_on("conversation", text)
    }

    /// A contact writes on a channel: `conversation`, `email`, `sms`, `whatsapp`, …
    pub fn contact_starts_on(&self, channel: &str, text: &str) -> ConversationId {
        self.change(|world, at| {
            let contact = world.next_contact();
            let topic = "conversation.user.created";
            world.begin(opening(topic, channel, "customer_initiated", text, contact.clone()), contact, at)
        })
    }

    /// A teammate writes to one contact. It stays closed until the contact answers.
    pub fn teammate_starts(&self, text: &str) -> ConversationId {
        self.change(|world, at| {
            let (teammate, contact) = (self.teammate(world), world.next_contact());
            let topic = "conversation.admin.single.created";
            world.begin(opening(topic, "conversation", "admin_initiated", text, teammate), contact, at)
        })
    }

    /// An automated message goes out: `campaigns_initiated`, `operator_initiated`, `automated`. It stays closed until
    /// the contact answers.
    pub fn bot_starts(&self, delivered_as: &'static str, text: &str) -> ConversationId {
        self.change(|world, at| {
            let (bot, contact) = (world.bot(), world.next_contact());
            let topic = "conversation.operator.replied";
            world.begin(opening(topic, "conversation", delivered_as, text, bot), contact, at)
        })
    }

    /// The contact answers; this reopens what is closed and ends a snooze.
    pub fn contact_replies(&self, id: &ConversationId, text: &str) -> Option<u64> {
        self.contact_does(id, &Deed::Reply { body: html(text) })
    }

    /// A teammate answers in the inbox; this reopens what is closed and, unless by the assignee, ends a snooze.
    pub fn teammate_replies(&self, id: &ConversationId, text: &str) -> Option<u64> {
        self.teammate_does(id, &Deed::Reply { body: html(text) })
    }

    /// A teammate leaves a note.
    pub fn teammate_notes(&self, id: &ConversationId, text: &str) -> Option<u64> {
        self.teammate_does(id, &Deed::Note { body: html(text) })
    }

    /// A teammate snoozes.
    pub fn teammate_snoozes(&self, id: &ConversationId, until: Timestamp) -> Option<u64> {
        self.teammate_does(id, &Deed::Snooze { until: until.as_second() })
    }

    /// A teammate closes, with or without a last word.
    pub fn teammate_closes(&self, id: &ConversationId, text: Option<&str>) -> Option<u64> {
        self.teammate_does(id, &Deed::Close { body: text.map(html) })
    }

    /// A teammate opens what is closed or snoozed.
    pub fn teammate_opens(&self, id: &ConversationId) -> Option<u64> {
        self.teammate_does(id, &Deed::Open)
    }

    /// A teammate assigns to a teammate or to nobody, with or without a message.
    pub fn teammate_assigns(&self, id: &ConversationId, to: Option<&str>, text: Option<&str>) -> Option<u64> {
        let to = to.map_or(Assignee::Nobody { admin: true }, |to| Assignee::Admin(to.to_owned()));
        self.teammate_does(id, &Deed::Assign { to, body: text.map(html) })
    }

    /// A teammate assigns to a team or to none.
    pub fn teammate_assigns_team(&self, id: &ConversationId, to: Option<&str>) -> Option<u64> {
        let to = to.map_or(Assignee::Nobody { admin: false }, |to| Assignee::Team(to.to_owned()));
        self.teammate_does(id, &Deed::Assign { to, body: None })
    }

    /// A bot answers; the contact goes on waiting.
    pub fn bot_replies(&self, id: &ConversationId, text: &str) -> Option<u64> {
        self.change(|world, at| {
            let who = world.bot();
            let done = world.apply(id, &Deed::Reply { body: html(text) }, Actor { who, api: false }, at);
            done.map(|done| done.part)
        })
    }

    /// The contact rates the conversation, from 1 to 5.
    pub fn rate(&self, id: &ConversationId, score: u8) -> Option<u64> {
        self.contact_does(id, &Deed::Rate { score })
    }

    /// A teammate tags. The tag is made if there is none of that name. Returns whether the conversation exists.
    pub fn tag(&self, id: &ConversationId, name: &str) -> bool {
        self.change(|world, at| {
            let actor = Actor { who: self.teammate(world), api: false };
            world.tag(id, name, actor, at).is_some()
        })
    }

    /// A teammate takes a tag off; no notification tells of it. Returns whether it was there.
    pub fn untag(&self, id: &ConversationId, name: &str) -> bool {
        self.change(|world, at| {
            let actor = Actor { who: self.teammate(world), api: false };
            world.untag(id, name, actor, at).is_some()
        })
    }

    /// A teammate sets the priority: `none`, `low`, `medium`, `high` or `urgent`.
    pub fn teammate_prioritizes(&self, id: &ConversationId, priority: &str) -> Option<u64> {
        self.teammate_does(id, &Deed::Prioritize { priority: priority.to_owned() })
    }

    /// A teammate sets an attribute, to whatever it may be; no notification tells of it.
    pub fn set_attribute(&self, id: &ConversationId, name: &str, value: impl Into<Value>) -> Option<u64> {
        self.teammate_does(id, &Deed::SetAttribute { name: name.to_owned(), value: value.into() })
    }

    /// The contact fills in an attribute; no notification tells of it.
    pub fn contact_sets_attribute(&self, id: &ConversationId, name: &str, value: impl Into<Value>) -> Option<u64> {
        self.contact_does(id, &Deed::SetAttribute { name: name.to_owned(), value: value.into() })
    }

    /// Fin has dealt with it so (`ai_agent.resolution_state`); no notification tells of it. Returns whether it exists.
    pub fn fin_ends(&self, id: &ConversationId, resolution: &str) -> bool {
        self.change(|world, at| {
            let Some(conversation) = world.conversations.get_mut(id) else { return false };
            conversation.fin = Some(resolution.to_owned());
            conversation.updated_at = conversation.updated_at.max(at);
            true
        })
    }

    /// Somebody turns the conversation into a ticket; `ticket.created` tells of it, and no `conversation.*`. Returns
    /// whether it exists.
    pub fn becomes_ticket(&self, id: &ConversationId) -> bool {
        self.change(|world, at| world.convert(id, at))
    }

    /// Somebody merges the first into the second: the first is closed, the second survives, and no notification tells
    /// of it. Returns whether both exist.
    pub fn merge(&self, secondary: &ConversationId, primary: &ConversationId) -> bool {
        self.change(|world, at| world.merge(secondary, primary, at))
    }

    /// Somebody deletes it. Returns whether it existed.
    pub fn delete(&self, id: &ConversationId) -> bool {
        self.change(|world, at| world.delete(id, at))
    }

    /// Opens what was snoozed until now or earlier, and returns how many. Every request and every verb does this
    /// first.
    pub fn wake_due_snoozes(&self) -> usize {
        let at = self.second();
        let (woken, notices) = {
            let mut world = self.world();
            (world.wake_due_snoozes(at), world.take_notices())
        };
        self.publish(&notices);
        woken
    }

    fn contact_does(&self, id: &ConversationId, deed: &Deed) -> Option<u64> {
        self.change(|world, at| {
            let who = world.conversations.get(id)?.contact.clone();
            world.apply(id, deed, Actor { who, api: false }, at).map(|done| done.part)
        })
    }

    fn teammate_does(&self, id: &ConversationId, deed: &Deed) -> Option<u64> {
        self.change(|world, at| {
            let who = self.teammate(world);
            world.apply(id, deed, Actor { who, api: false }, at).map(|done| done.part)
        })
    }

    /// The acting teammate. One that is not in the workspace is somebody who left it.
    fn teammate(&self, world: &World) -> Author {
        let first = || world.workspace.admins.first().map(|admin| admin.id.clone());
        let id = self.teammate.as_deref().map(str::to_owned).or_else(first).unwrap_or_else(|| "1".to_owned());
        let left = || Author { kind: AuthorKind::Admin, id: id.clone(), name: None, email: None };
        world.admin(&id).unwrap_or_else(left)
    }

    fn change<T>(&self, what: impl FnOnce(&mut World, i64) -> T) -> T {
        self.wake_due_snoozes();
        let at = self.second();
        let (value, notices) = {
            let mut world = self.world();
            let value = what(&mut world, at);
            (value, world.take_notices())
        };
        self.publish(&notices);
        value
    }
}

fn opening(topic: &'static str, channel: &str, delivered_as: &'static str, text: &str, author: Author) -> Opening {
    Opening { topic, channel: channel.to_owned(), delivered_as, body: html(text), author }
}
