//! What Intercom holds of the one conversation, and what people and bots do to it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::super::story::{Does, To};
use super::super::*;
use crate::engine::conversation::{Tag, Version};

/// The conversation as Intercom holds it.
pub(super) struct Workspace {
    pub(super) parts: Vec<Part>,
    pub(super) state: State,
    pub(super) tags: BTreeSet<String>,
    pub(super) team: Option<String>,
    pub(super) teammate: Option<String>,
    pub(super) priority: String,
    pub(super) attributes: BTreeMap<String, Option<AttributeValue>>,
    pub(super) ticket: bool,
    pub(super) channel: String,
    pub(super) updated_at: Timestamp,
    pub(super) timer_works: bool,
}

impl Workspace {
    pub(super) fn new() -> Workspace {
        Workspace {
            parts: Vec::new(),
            state: State::Open,
            tags: BTreeSet::new(),
            team: None,
            teammate: None,
            priority: "none".to_owned(),
            attributes: BTreeMap::from([("plan".to_owned(), None)]),
            ticket: false,
            channel: "conversation".to_owned(),
            updated_at: at(0),
            timer_works: true,
        }
    }

    /// A reply or note by anybody but the assignee ends a snooze, an assignment always.
    pub(super) fn wakes_by(&self, does: Class, admin_id: Option<&String>) -> bool {
        let by_assignee = admin_id.is_some() && self.teammate.as_ref() == admin_id;
        let snoozed = matches!(self.state, State::Snoozed { .. });
        match does {
            Class::Assigned => snoozed,
            Class::TeammateReply | Class::Note => snoozed && admin_id.is_some() && !by_assignee,
            _ => false,
        }
    }

    pub(super) fn somebody(&mut self, at: Timestamp, does: Does<'_>, actor: Actor, admin_id: Option<String>) {
        let class = class(does, actor);
        let mut classes = BTreeSet::from([class]);
        if class == Class::ContactReply && self.state != State::Open && !self.parts.is_empty() {
            classes.insert(Class::Opened);
        }
        if self.wakes_by(class, admin_id.as_ref()) {
            classes.insert(Class::Unsnoozed);
        }
        if classes.contains(&Class::Opened) || classes.contains(&Class::Unsnoozed) {
            self.state = State::Open;
        }
        match does {
            Does::Snoozes(until) => self.state = State::Snoozed { until: Some(until) },
            Does::Closes => self.state = State::Closed,
            Does::Assigns(to) => self.give(to),
            _ => {}
        }
        let digest = admin_id.is_some().then(|| "words of a person".to_owned());
        self.put(at, actor, admin_id, classes, digest);
    }

    pub(super) fn give(&mut self, to: To<'_>) {
        match to {
            To::Same => {}
            To::Team(team) => self.team = Some(team.to_owned()),
            To::Teammate(teammate) => self.teammate = Some(teammate.to_owned()),
            To::Nobody => (self.team, self.teammate) = (None, None),
        }
    }

    pub(super) fn put(
        &mut self,
        at: Timestamp,
        actor: Actor,
        admin_id: Option<String>,
        classes: BTreeSet<Class>,
        digest: Option<String>,
    ) -> Deed {
        let number = 100 + u64::try_from(self.parts.len()).unwrap();
        let part =
            Part { id: Some(PartId::Part(number)), at, actor, admin_id, classes, digest, reads_as: BTreeSet::new() };
        self.updated_at = at;
        self.parts.push(part.clone());
        Deed { at, part: part.id }
    }

    /// A part by the daemon's admin.
    pub(super) fn put_own(&mut self, at: Timestamp, classes: &[Class], digest: Option<String>) -> Deed {
        self.put(at, Actor::Teammate, Some(ADMIN.to_owned()), classes.iter().copied().collect(), digest)
    }

    /// Ends a snooze whose time is over; no webhook tells.
    pub(super) fn wake(&mut self, now: Timestamp) {
        if let State::Snoozed { until: Some(until) } = self.state
            && self.timer_works
            && until <= now
        {
            self.ring(Timestamp::from_second(until.as_second() + 3).unwrap().min(now));
        }
    }

    pub(super) fn ring(&mut self, at: Timestamp) {
        self.state = State::Open;
        self.put(at, Actor::Timer, None, BTreeSet::from([Class::Unsnoozed]), None);
    }

    pub(super) fn snapshot(&self, now: Timestamp, notification_id: String) -> Snapshot {
        let tag = |name: &String| Tag { id: name.clone(), name: name.clone() };
        let facts = Facts {
            state: Some(self.state),
            tags: Some(self.tags.iter().map(tag).collect()),
            admin_assignee_id: Some(self.teammate.clone()),
            team_assignee_id: Some(self.team.clone()),
            priority: Some(self.priority.clone()),
            attributes: self.attributes.clone(),
            ..Facts::default()
        };
        let fetched = notification_id.is_empty();
        let version = Version { updated_at: self.updated_at, fetched, created_at: now, notification_id };
        Snapshot { version, facts }
    }
}

fn class(does: Does<'_>, actor: Actor) -> Class {
    match (does, actor) {
        (Does::Writes, Actor::Contact) => Class::ContactReply,
        (Does::Writes, Actor::Bot) => Class::BotReply,
        (Does::Writes, _) => Class::TeammateReply,
        (Does::Opens, _) => Class::Opened,
        (Does::Closes, _) => Class::Closed,
        (Does::Notes, _) => Class::Note,
        (Does::Snoozes(_), _) => Class::Snoozed,
        (Does::Unsnoozes, _) => Class::Unsnoozed,
        (Does::Assigns(_), _) => Class::Assigned,
    }
}
