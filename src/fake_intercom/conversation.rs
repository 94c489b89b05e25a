//! One conversation of the fake workspace, and what each deed makes of it.
//!
//! Owns: state, parts, statistics, and which notifications a deed causes. Refuses: HTTP, clocks, and all JSON
//! but the values of attributes.
//!
//! Where Intercom's documentation is silent the choices are: closing what is closed adds another part; a comment
//! through the API reopens what is closed, as one in the inbox does; assigning ends a snooze; a closing text causes
//! no `conversation.admin.replied` of its own; an attribute that gets the value it has leaves no part;
//! merging shows none of the parts of one conversation in the other, and notifies of neither. The examples let
//! an attribute that was changed through the API be changed by the Operator bot; here it is whoever's token it was.

use serde_json::Value;

use super::attributes::Values;
use super::workspace::Quirk;

pub(super) use super::pieces::{AppliedTag, Assignee, Author, AuthorKind, Part, Source, State, Statistics};

/// Something done to a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    Reply {
        body: String,
    },
    QuickReply {
        body: Option<String>,
    },
    Note {
        body: String,
    },
    Snooze {
        until: i64,
    },
    Close {
        body: Option<String>,
    },
    Open,
    Assign {
        to: Assignee,
        body: Option<String>,
    },
    Rate {
        score: u8,
    },
    Prioritize {
        priority: String,
    },
    SetAttribute {
        name: String,
        value: Value,
    },
    /// The tags are others by now.
    Retag,
    /// It is merged into another.
    MergeAway,
    /// Another is merged into it.
    TakeIn,
    Wake,
}

/// Who does it, when, and by which way.
#[derive(Debug)]
pub(super) struct Moment<'a> {
    pub(super) next_part: &'a mut u64,
    pub(super) at: i64,
    pub(super) who: Author,
    pub(super) api: bool,
    pub(super) app_package_code: Option<String>,
    pub(super) quirks: &'a [Quirk],
}

/// What came of a deed: its own part, and (topic, part) of every notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) part: u64,
    pub(super) news: Vec<(&'static str, u64)>,
}

impl Done {
    fn new(part: u64, topics: &[&'static str]) -> Done {
        Done { part, news: topics.iter().map(|topic| (*topic, part)).collect() }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Conversation {
    pub(super) id: String,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) waiting_since: Option<i64>,
    pub(super) snoozed_until: Option<i64>,
    pub(super) state: State,
    pub(super) read: bool,
    pub(super) source: Source,
    pub(super) contact: Author,
    pub(super) admin_assignee: Option<String>,
    pub(super) team_assignee: Option<String>,
    pub(super) tags: Vec<AppliedTag>,
    /// `none`, `low`, `medium`, `high` or `urgent`.
    pub(super) priority: String,
    pub(super) attributes: Values,
    pub(super) rating: Option<(u8, i64)>,
    pub(super) statistics: Statistics,
    pub(super) ticket: bool,
    /// How Fin has dealt with it, where it took part.
    pub(super) fin: Option<String>,
    pub(super) parts: Vec<Part>,
}

impl Conversation {
    /// A conversation that `source` began. What a teammate sends out stays closed until the contact answers.
    pub(super) fn begun(id: String, source: Source, contact: Author, at: i64) -> Conversation {
        let by_contact = matches!(source.author.kind, AuthorKind::User | AuthorKind::Lead);
        let spoken = by_contact.then_some(at);
        Conversation {
            id,
            created_at: at,
            updated_at: at,
            waiting_since: spoken,
            snoozed_until: None,
            state: if by_contact { State::Open } else { State::Closed },
            read: by_contact,
            source,
            contact,
            admin_assignee: None,
            team_assignee: None,
            tags: Vec::new(),
            priority: "none".to_owned(),
            attributes: Values::new(),
            rating: None,
            statistics: Statistics { first_contact_reply: spoken, last_contact_reply: spoken, ..Statistics::default() },
            ticket: false,
            fin: None,
            parts: Vec::new(),
        }
    }

    pub(super) fn part(&self, id: u64) -> Option<&Part> {
        self.parts.iter().find(|part| part.id == id)
    }

    /// Does it. Every deed leaves a part and moves `updated_at`.
    pub(super) fn apply(&mut self, deed: &Deed, moment: &mut Moment<'_>) -> Done {
        self.updated_at = self.updated_at.max(moment.at);
        match deed {
            Deed::Reply { body } => match moment.who.kind {
                AuthorKind::User | AuthorKind::Lead => self.contact_reply(body, moment),
                AuthorKind::Admin => self.teammate_reply(body, moment),
                AuthorKind::Bot => self.bot_reply(body, moment),
            },
            Deed::QuickReply { body } => self.quick_reply(body.clone(), moment),
            Deed::Note { body } => self.note(body, moment),
            Deed::Snooze { until } => self.snooze(*until, moment),
            Deed::Close { body } => self.close(body.clone(), moment),
            Deed::Open => self.open(moment),
            Deed::Assign { to, body } => self.assign(to, body.clone(), moment),
            Deed::Rate { score } => self.rate(*score, moment),
            Deed::Prioritize { priority } => self.prioritize(priority, moment),
            Deed::SetAttribute { name, value } => self.set_attribute(name, value, moment),
            Deed::Retag => Done::new(self.add("conversation_tags_updated", None, moment), &[]),
            // No notification tells of either.
            Deed::MergeAway => Done::new(self.close(None, moment).part, &[]),
            Deed::TakeIn => Done::new(self.add("merged_primary_conversation", None, moment), &[]),
            Deed::Wake => self.wake(moment),
        }
    }

    fn contact_reply(&mut self, body: &str, moment: &mut Moment<'_>) -> Done {
        let kind = if self.state == State::Open { "comment" } else { "open" };
        self.turn_open();
        self.read = true;
        self.waiting_since.get_or_insert(moment.at);
        self.statistics.first_contact_reply.get_or_insert(moment.at);
        self.statistics.last_contact_reply = Some(moment.at);
        Done::new(self.add(kind, Some(body.to_owned()), moment), &["conversation.user.replied"])
    }

    fn teammate_reply(&mut self, body: &str, moment: &mut Moment<'_>) -> Done {
        let unassigned = self.admin_assignee.is_none();
        if self.state == State::Open && unassigned && !moment.api && moment.quirks.contains(&Quirk::AssignOnFirstReply)
        {
            let to = Assignee::Admin(moment.who.id.clone());
            return self.assign(&to, Some(body.to_owned()), moment);
        }
        self.heard_teammate(moment.at);
        if self.state == State::Closed {
            self.turn_open();
            let part = self.add("open", Some(body.to_owned()), moment);
            return Done::new(part, &["conversation.admin.replied", "conversation.admin.opened"]);
        }
        let part = self.add("comment", Some(body.to_owned()), moment);
        self.woken_by_another(Done::new(part, &["conversation.admin.replied"]), moment)
    }

    fn quick_reply(&mut self, body: Option<String>, moment: &mut Moment<'_>) -> Done {
        self.heard_teammate(moment.at);
        let part = self.add("quick_reply", body, moment);
        self.woken_by_another(Done::new(part, &["conversation.admin.replied"]), moment)
    }

    fn bot_reply(&mut self, body: &str, moment: &mut Moment<'_>) -> Done {
        self.read = false;
        let part = self.add("comment", Some(body.to_owned()), moment);
        Done::new(part, &["conversation.operator.replied"])
    }

    fn note(&mut self, body: &str, moment: &mut Moment<'_>) -> Done {
        let part = self.add("note", Some(body.to_owned()), moment);
        self.woken_by_another(Done::new(part, &["conversation.admin.noted"]), moment)
    }

    /// A reply or note by anybody but the assignee ends a snooze, in a part of its own.
    fn woken_by_another(&mut self, mut done: Done, moment: &mut Moment<'_>) -> Done {
        let by_assignee = self.admin_assignee.as_ref() == Some(&moment.who.id);
        if self.state == State::Snoozed && !by_assignee {
            self.turn_open();
            let part = self.add("unsnoozed", None, moment);
            done.news.push(("conversation.admin.unsnoozed", part));
        }
        done
    }

    fn snooze(&mut self, until: i64, moment: &mut Moment<'_>) -> Done {
        self.state = State::Snoozed;
        self.snoozed_until = Some(until);
        Done::new(self.add("snoozed", None, moment), &["conversation.admin.snoozed"])
    }

    fn close(&mut self, body: Option<String>, moment: &mut Moment<'_>) -> Done {
        self.state = State::Closed;
        self.snoozed_until = None;
        if body.is_some() {
            self.heard_teammate(moment.at);
        }
        self.statistics.first_close.get_or_insert(moment.at);
        self.statistics.last_close = Some(moment.at);
        self.statistics.last_closed_by = Some(moment.who.id.clone());
        Done::new(self.add("close", body, moment), &["conversation.admin.closed"])
    }

    /// In the inbox a snooze is ended by a part `unsnoozed`; the API always answers with a part `open`.
    fn open(&mut self, moment: &mut Moment<'_>) -> Done {
        let snoozed = self.state == State::Snoozed;
        self.turn_open();
        if snoozed && !moment.api {
            return Done::new(self.add("unsnoozed", None, moment), &["conversation.admin.unsnoozed"]);
        }
        Done::new(self.add("open", None, moment), &["conversation.admin.opened"])
    }

    fn assign(&mut self, to: &Assignee, body: Option<String>, moment: &mut Moment<'_>) -> Done {
        let (kind, state_topic) = match self.state {
            State::Open => ("assignment", None),
            State::Snoozed => ("assign_and_unsnooze", Some("conversation.admin.unsnoozed")),
            State::Closed => ("assign_and_reopen", Some("conversation.admin.opened")),
        };
        self.turn_open();
        self.give(to, moment.at);
        let spoken = body.is_some();
        if spoken {
            self.heard_teammate(moment.at);
        }
        let part = self.add(kind, body, moment);
        if let Some(part) = self.parts.last_mut() {
            part.assigned_to = Some(to.clone());
        }
        let mut topics = vec!["conversation.admin.assigned", "conversation.admin.open.assigned"];
        topics.extend(spoken.then_some("conversation.admin.replied"));
        topics.extend(state_topic);
        Done::new(part, &topics)
    }

    fn give(&mut self, to: &Assignee, at: i64) {
        match to {
            Assignee::Admin(id) => self.admin_assignee = Some(id.clone()),
            Assignee::Team(id) => self.team_assignee = Some(id.clone()),
            Assignee::Nobody { admin: true } => self.admin_assignee = None,
            Assignee::Nobody { admin: false } => self.team_assignee = None,
        }
        self.statistics.assignments += 1;
        self.statistics.first_assignment.get_or_insert(at);
        self.statistics.last_assignment = Some(at);
        self.statistics.last_assignment_admin_reply = None;
    }

    fn rate(&mut self, score: u8, moment: &mut Moment<'_>) -> Done {
        self.rating = Some((score, moment.at));
        Done::new(self.add("conversation_rating_changed", None, moment), &["conversation.rating.added"])
    }

    fn prioritize(&mut self, priority: &str, moment: &mut Moment<'_>) -> Done {
        priority.clone_into(&mut self.priority);
        Done::new(self.add("priority_changed", None, moment), &["conversation.priority.updated"])
    }

    fn set_attribute(&mut self, name: &str, value: &Value, moment: &mut Moment<'_>) -> Done {
        self.attributes.insert(name.to_owned(), value.clone());
        let kind = match moment.who.kind {
            AuthorKind::User | AuthorKind::Lead => "conversation_attribute_updated_by_user",
            AuthorKind::Admin => "conversation_attribute_updated_by_admin",
            AuthorKind::Bot => "conversation_attribute_updated_by_workflow",
        };
        let part = self.add(kind, None, moment);
        if let Some(part) = self.parts.last_mut() {
            part.attribute = Some((name.to_owned(), value.clone()));
        }
        Done::new(part, &[])
    }

    fn wake(&mut self, moment: &mut Moment<'_>) -> Done {
        self.turn_open();
        let told = moment.quirks.contains(&Quirk::WakeNotifies);
        let topics: &[&'static str] = if told { &["conversation.admin.unsnoozed"] } else { &[] };
        Done::new(self.add("timer_unsnooze", None, moment), topics)
    }

    fn turn_open(&mut self) {
        if self.state == State::Closed {
            self.statistics.reopens += 1;
        }
        self.state = State::Open;
        self.snoozed_until = None;
    }

    fn heard_teammate(&mut self, at: i64) {
        self.read = false;
        self.waiting_since = None;
        if self.statistics.first_contact_reply.is_some() {
            self.statistics.first_admin_reply.get_or_insert(at);
        }
        self.statistics.last_admin_reply = Some(at);
        self.statistics.last_assignment_admin_reply.get_or_insert(at);
    }

    fn add(&mut self, kind: &'static str, body: Option<String>, moment: &mut Moment<'_>) -> u64 {
        let id = *moment.next_part;
        *moment.next_part += 1;
        self.parts.push(Part {
            id,
            kind,
            body,
            at: moment.at,
            author: moment.who.clone(),
            assigned_to: None,
            state: self.state,
            until: self.snoozed_until,
            attribute: None,
            app_package_code: moment.app_package_code.clone(),
        });
        id
    }
}
