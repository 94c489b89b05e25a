//! What goes wrong on purpose, and what slips in between.
//!
//! Owns: which call meets which fault or hook. Refuses: how an answer is built; `api` does that.

use std::collections::VecDeque;
use std::fmt;

use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::FakeIntercom;

/// Which requests a fault or a hook is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Every request.
    Any,
    /// `GET /me`.
    Me,
    /// `GET /admins`.
    Admins,
    /// `GET /teams`.
    Teams,
    /// `GET /tags`.
    Tags,
    /// `GET /conversations/attributes`, or `GET /data_attributes` before 2.16.
    Attributes,
    /// `GET /contacts/{id}`.
    Contact,
    /// `GET /conversations/{id}`.
    Conversation,
    /// `POST /conversations/search`.
    Search,
    /// `POST /conversations/{id}/parts`, whatever it does.
    Parts,
    /// The same with `close`.
    Close,
    /// The same with `snoozed`.
    Snooze,
    /// The same with `open`.
    Open,
    /// The same with `assignment`.
    Assign,
    /// `POST /conversations/{id}/reply` with anything but a note.
    Reply,
    /// The same with a note.
    Note,
    /// `PUT /conversations/{id}`.
    Update,
    /// `POST /conversations/{id}/tags`.
    Tag,
    /// `DELETE /conversations/{id}/tags/{id}`.
    Untag,
    /// `POST /tags`.
    CreateTag,
    /// No endpoint of the fake: answered with 404.
    Unknown,
}

impl Endpoint {
    /// What a request asks for. Wrong methods are unknown, as Intercom answers them with 404.
    pub(super) fn of(method: &Method, segments: &[&str], body: Option<&Value>) -> Endpoint {
        match (method.as_str(), segments) {
            ("GET", ["me"]) => Endpoint::Me,
            ("GET", ["admins"]) => Endpoint::Admins,
            ("GET", ["teams"]) => Endpoint::Teams,
            ("GET", ["tags"]) => Endpoint::Tags,
            ("GET", ["conversations", "attributes"] | ["data_attributes"]) => Endpoint::Attributes,
            ("GET", ["contacts", _]) => Endpoint::Contact,
            ("GET", ["conversations", _]) => Endpoint::Conversation,
            ("POST", ["conversations", "search"]) => Endpoint::Search,
            ("POST", ["conversations", _, "parts"]) => Endpoint::of_parts(body),
            ("POST", ["conversations", _, "reply"]) => Endpoint::of_reply(body),
            ("PUT", ["conversations", _]) => Endpoint::Update,
            ("POST", ["conversations", _, "tags"]) => Endpoint::Tag,
            ("DELETE", ["conversations", _, "tags", _]) => Endpoint::Untag,
            ("POST", ["tags"]) => Endpoint::CreateTag,
            _ => Endpoint::Unknown,
        }
    }

    fn of_parts(body: Option<&Value>) -> Endpoint {
        match body.and_then(|body| body["message_type"].as_str()) {
            Some("close") => Endpoint::Close,
            Some("snoozed") => Endpoint::Snooze,
            Some("open") => Endpoint::Open,
            Some("assignment") => Endpoint::Assign,
            _ => Endpoint::Parts,
        }
    }

    fn of_reply(body: Option<&Value>) -> Endpoint {
        let is_note = body.is_some_and(|body| body["message_type"] == "note");
        if is_note { Endpoint::Note } else { Endpoint::Reply }
    }

    fn covers(self, asked: Endpoint) -> bool {
        let of_parts = matches!(asked, Endpoint::Close | Endpoint::Snooze | Endpoint::Open | Endpoint::Assign);
        self == asked || self == Endpoint::Any || (self == Endpoint::Parts && of_parts)
    }

    /// Whether its answer is one conversation.
    pub(super) fn answers_conversation(self) -> bool {
        let of_its_own = [Endpoint::Conversation, Endpoint::Reply, Endpoint::Note, Endpoint::Update];
        Endpoint::Parts.covers(self) || of_its_own.contains(&self)
    }
}

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Not applied; this status and body.
    Status {
        /// The status.
        status: u16,
        /// The body, sent as JSON whatever it is.
        body: String,
    },
    /// Not applied; 429.
    RateLimited {
        /// What `X-RateLimit-Reset` says.
        reset: RateReset,
    },
    /// Not applied; the connection is cut without an answer.
    Drop,
    /// Applied; the connection is cut without an answer.
    ApplyThenDrop,
    /// Applied; a bare status.
    ApplyThenStatus(u16),
    /// Not applied; 200 with a text that is no JSON.
    Garbage200,
    /// Applied; the answer breaks off in the middle.
    Truncated,
    /// Applied; the answer tells another conversation's id.
    WrongId,
    /// Applied; the answer tells another state.
    WrongState,
    /// Not applied; a gateway's 502 with a page of HTML.
    Html502,
    /// Applied; the answer is good but for 9 MiB of white space in it.
    HugeBody,
    /// Not applied; never answered.
    Hang,
    /// Applied; never answered.
    ApplyThenHang,
    /// The connection is cut without an answer; applied when the clock has moved on by so much.
    Late(SignedDuration),
    /// Not applied; 307 to that address.
    Redirect(String),
    /// Applied; `statistics` is null in the answer.
    HideContactTime,
    /// Applied; the answer's statistics lag: the contact's last reply is told as this one.
    StaleContactTime(Timestamp),
}

/// What a 429 says about when to come again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RateReset {
    /// So many seconds from now, on the fake's clock; negative is in the past.
    InSeconds(i64),
    /// No header.
    Missing,
    /// This text in place of a number.
    Text(String),
}

impl Fault {
    /// Whether the request takes effect all the same.
    pub(super) fn applies(&self) -> bool {
        matches!(
            self,
            Fault::ApplyThenDrop
                | Fault::ApplyThenStatus(_)
                | Fault::ApplyThenHang
                | Fault::Truncated
                | Fault::WrongId
                | Fault::WrongState
                | Fault::HugeBody
                | Fault::HideContactTime
                | Fault::StaleContactTime(_)
        )
    }
}

type Hook = Box<dyn FnOnce(&FakeIntercom) + Send>;

/// The faults and hooks that wait for their call.
#[derive(Default)]
pub(super) struct Plan {
    once: VecDeque<(Endpoint, Fault)>,
    always: Vec<(Endpoint, Fault)>,
    before: VecDeque<(Endpoint, Hook)>,
    after: VecDeque<(Endpoint, Hook)>,
}

impl Plan {
    pub(super) fn once(&mut self, on: Endpoint, fault: Fault) {
        self.once.push_back((on, fault));
    }

    pub(super) fn always(&mut self, on: Endpoint, fault: Fault) {
        self.always.push((on, fault));
    }

    pub(super) fn clear_faults(&mut self) {
        self.once.clear();
        self.always.clear();
    }

    pub(super) fn before(&mut self, on: Endpoint, what: Hook) {
        self.before.push_back((on, what));
    }

    pub(super) fn after(&mut self, on: Endpoint, what: Hook) {
        self.after.push_back((on, what));
    }

    /// The fault that this call meets: a queued one first.
    pub(super) fn take_fault(&mut self, asked: Endpoint) -> Option<Fault> {
        let lasting = || self.always.iter().find(|(on, _)| on.covers(asked)).map(|(_, fault)| fault.clone());
        take(&mut self.once, asked).or_else(lasting)
    }

    pub(super) fn take_before(&mut self, asked: Endpoint) -> Option<Hook> {
        take(&mut self.before, asked)
    }

    pub(super) fn take_after(&mut self, asked: Endpoint) -> Option<Hook> {
        take(&mut self.after, asked)
    }
}

fn take<T>(waiting: &mut VecDeque<(Endpoint, T)>, asked: Endpoint) -> Option<T> {
    let place = waiting.iter().position(|(on, _)| on.covers(asked))?;
    waiting.remove(place).map(|(_, it)| it)
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("once", &self.once).field("always", &self.always).finish_non_exhaustive()
    }
}
