//! How many requests were sent, where to, and what came of each.
//!
//! Owns: the words for endpoints and for what came of a request. Refuses: ids, addresses and texts: all of it can be
//! shown to anybody who watches.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::intercom::error::IntercomError;

/// Requests that were sent, by endpoint and what came of them.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<BTreeMap<(&'static str, String), u64>>);

/// What the head of an answer said of it.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) request_id: Option<String>,
}

impl Counts {
    /// Counts one, and tells what came of it, in the word it is counted under.
    pub(super) fn add(&self, endpoint: &'static str, heard: Option<&Heard>, error: Option<&IntercomError>) -> String {
        let status = came_of(heard, error);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((endpoint, status.clone())).or_default() += 1;
        status
    }

    pub(super) fn get(&self) -> BTreeMap<(&'static str, String), u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The status of the answer. `not_sent`, `lost`: there was none; `unusable`: one of success that makes no sense.
fn came_of(heard: Option<&Heard>, error: Option<&IntercomError>) -> String {
    let word = match (heard, error) {
        (
            _,
            Some(
                IntercomError::NotSent(_)
                | IntercomError::Resting { .. }
                | IntercomError::Withheld
                | IntercomError::BadRequest(_),
            ),
        ) => "not_sent",
        (_, Some(IntercomError::Lost(_))) | (None, _) => "lost",
        (Some(Heard { status, .. }), error) => match error {
            Some(_) if (200..300).contains(status) => "unusable",
            _ => return status.to_string(),
        },
    };
    word.to_owned()
}

/// One word for what a request asks for.
pub(super) fn endpoint(method: &str, path: &[&str], body: Option<&Value>) -> &'static str {
    let deed = body.and_then(|body| body["message_type"].as_str());
    match (method, path, deed) {
        ("GET", ["me"], _) => "me",
        ("GET", ["admins"], _) => "admins",
        ("GET", ["teams"], _) => "teams",
        ("GET", ["tags"], _) => "tags",
        ("GET", ["conversations", "attributes"] | ["data_attributes"], _) => "attributes",
        ("GET", ["contacts", _], _) => "contact",
        ("GET", ["conversations", _], _) => "conversation",
        ("POST", ["conversations", "search"], _) => "search",
        ("POST", ["conversations", _, "parts"], Some("close")) => "close",
        ("POST", ["conversations", _, "parts"], Some("snoozed")) => "snooze",
        ("POST", ["conversations", _, "parts"], Some("open")) => "open",
        ("POST", ["conversations", _, "parts"], Some("assignment")) => "assign",
        ("POST", ["conversations", _, "reply"], Some("comment")) => "reply",
        ("POST", ["conversations", _, "reply"], Some("note")) => "note",
        ("PUT", ["conversations", _], _) => "update",
        ("POST", ["conversations", _, "tags"], _) => "tag",
        ("DELETE", ["conversations", _, "tags", _], _) => "untag",
        ("POST", ["tags"], _) => "create_tag",
        _ => "other",
    }
}
