//! What a conversation of the fake workspace is made of.
//!
//! Owns: the pieces and their names on the wire. Refuses: changing them; `conversation` does.

use serde_json::Value;

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
    /// The attribute that was set, and its value.
    pub(super) attribute: Option<(String, Value)>,
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
