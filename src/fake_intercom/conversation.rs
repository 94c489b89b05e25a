//! One conversation of the fake workspace, and what each deed makes of it.
//!
//! Owns: state, parts, statistics, and which notifications a deed causes. Refuses: JSON, HTTP and clocks.
//!
//! Where Intercom's documentation is silent the choices are: closing what is closed adds another part; a comment
//! through the API reopens what is closed, as one in the inbox does; assigning ends a snooze; a closing text causes
//! no `conversation.admin.replied` of its own.

use super::workspace::Quirk;

/// The state field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Snoozed,
    Closed,
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Snoozed => "snoozed",
            State::Closed => "closed",
        }
    }
}

/// Who wrote a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Author {
    pub(super) kind: AuthorKind,
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthorKind {
    User,
    Lead,
    Admin,
    Bot,
}

impl AuthorKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            AuthorKind::User => "user",
            AuthorKind::Lead => "lead",
            AuthorKind::Admin => "admin",
            AuthorKind::Bot => "bot",
        }
    }
}

/// Whom a conversation is given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Assignee {
    Admin(String),
    Team(String),
    /// Nobody, said of a teammate (`true`) or of a team.
    Nobody {
        admin: bool,
    },
}

/// Something done to a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    Reply { body: String },
    QuickReply { body: Option<String> },
    Note { body: String },
    Snooze { until: i64 },
    Close { body: Option<String> },
    Open,
    Assign { to: Assignee, body: Option<String> },
    Rate { score: u8 },
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
pub(super) struct Part {
    pub(super) id: u64,
    pub(super) kind: &'static str,
    pub(super) body: Option<String>,
    pub(super) at: i64,
    pub(super) author: Author,
    pub(super) assigned_to: Option<Assignee>,
    pub(super) state: State,
    pub(super) until: Option<i64>,
    pub(super) app_package_code: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) id: u64,
    pub(super) channel: String,
    pub(super) delivered_as: &'static str,
    pub(super) body: String,
    pub(super) author: Author,
}

#[derive(Debug, Clone)]
pub(super) struct AppliedTag {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) at: i64,
    pub(super) by: String,
}

/// The times and counts of `statistics`.
#[derive(Debug, Clone, Default)]
pub(super) struct Statistics {
    pub(super) first_contact_reply: Option<i64>,
    pub(super) last_contact_reply: Option<i64>,
    pub(super) first_admin_reply: Option<i64>,
    pub(super) last_admin_reply: Option<i64>,
    pub(super) first_assignment: Option<i64>,
    pub(super) last_assignment: Option<i64>,
    pub(super) last_assignment_admin_reply: Option<i64>,
    pub(super) first_close: Option<i64>,
    pub(super) last_close: Option<i64>,
    pub(super) last_closed_by: Option<String>,
    pub(super) reopens: u32,
    pub(super) assignments: u32,
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
    pub(super) rating: Option<(u8, i64)>,
    pub(super) statistics: Statistics,
    pub(super) ticket: bool,
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
            rating: None,
            statistics: Statistics { first_contact_reply: spoken, last_contact_reply: spoken, ..Statistics::default() },
            ticket: false,
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
            app_package_code: moment.app_package_code.clone(),
        });
        id
    }
}
