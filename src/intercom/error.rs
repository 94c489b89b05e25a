//! What can go wrong between us and Intercom, sorted by what a caller may do next.
//!
//! Owns: the one error type of the client, its classes, and how an answer's status and code are sorted into them.
//! Refuses: holding bodies, texts or tokens. An error ends in logs and in the journal.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// Why a call to Intercom did not give what was asked. [`IntercomError::class`] says what may follow.
#[derive(Debug, thiserror::Error)]
pub enum IntercomError {
    /// No connection was made: certainly nothing was sent.
    #[error("Intercom could not be reached, so nothing was sent; check the network and the address under [intercom]")]
    NotSent(#[source] reqwest::Error),
    /// Intercom asks to wait, or we are still waiting as it asked: nothing was done.
    #[error("Intercom asks to slow down; this is tried again when it allows")]
    RateLimited {
        /// When the next request may go out, on [`Clock::elapsed`](crate::clock::Clock::elapsed).
        until: Duration,
    },
    /// Intercom knows no such conversation: deleted, or of another workspace.
    #[error("Intercom knows no such conversation ({0}); it is left alone until a notification names it")]
    Gone(Refusal),
    /// The token, the plan or the acting teammate is refused: every other call would fail like this one.
    #[error(
        "Intercom refuses the access token, the plan or the acting teammate ({0}); run `autoclosed check --online`"
    )]
    AuthDead(Refusal),
    /// A definite no to this one request: nothing was done.
    #[error("Intercom refused the request ({0}); see what the code says about this conversation")]
    Refused(Refusal),
    /// Intercom failed while it worked on the request (5xx, 408): it may have been done all the same.
    #[error("Intercom failed to answer ({0}); look at the conversation before trying again")]
    Failed(Refusal),
    /// The request left, and its answer did not arrive whole (time-out, reset, cut short): it may have been done.
    #[error("Intercom's answer was lost on the way; look at the conversation before trying again")]
    Lost(#[source] reqwest::Error),
    /// The answer is longer than [`ANSWER_LIMIT`](super::client::ANSWER_LIMIT): it may have been done.
    #[error("Intercom's answer is too large to read; look at the conversation before trying again")]
    TooLarge,
    /// A success whose body is not what the documentation says: it may have been done.
    #[error(
        "Intercom's answer could not be understood at `{at}` (line {line}, column {column}); look at the conversation before trying again"
    )]
    Garbled {
        /// The path of keys to the place, without any value.
        at: String,
        /// Line in the body, from 1.
        line: usize,
        /// Column in that line.
        column: usize,
    },
    /// A success whose conversation cannot be made sense of: it may have been done.
    #[error("Intercom's answer makes no sense: {0}; look at the conversation before trying again")]
    Odd(super::wire::Oddness),
    /// A success about something else than what was asked: it may have been done.
    #[error("Intercom answered with {0}; look at the conversation before trying again")]
    WrongAnswer(&'static str),
    /// A success that is not the list asked for, or not all of it.
    #[error(
        "Intercom answered with {0}, so no name can be looked up in it; write api_version = \"2.16\" under [intercom], or report this if that stands there already"
    )]
    WrongList(&'static str),
    /// Our own mistake, found before anything was sent.
    #[error("the request was not sent: {0}; please report this")]
    BadRequest(&'static str),
}

/// What a caller may do after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Nothing left the machine. Trying again is safe.
    NotSent,
    /// Nothing was done. Trying again is safe, later.
    RateLimited,
    /// The conversation is no more.
    Gone,
    /// Stop acting altogether until the token, plan or teammate is in order.
    AuthDead,
    /// Nothing was done, and the same request would be refused again.
    Refused,
    /// It may have been done: look before trying again.
    Ambiguous,
    /// A mistake of ours; nothing was sent.
    BadRequest,
}

impl IntercomError {
    /// What may follow.
    pub fn class(&self) -> Class {
        match self {
            IntercomError::NotSent(_) => Class::NotSent,
            IntercomError::RateLimited { .. } => Class::RateLimited,
            IntercomError::Gone(_) => Class::Gone,
            IntercomError::AuthDead(_) => Class::AuthDead,
            IntercomError::Refused(_) => Class::Refused,
            IntercomError::Failed(_)
            | IntercomError::Lost(_)
            | IntercomError::TooLarge
            | IntercomError::Garbled { .. }
            | IntercomError::Odd(_)
            | IntercomError::WrongAnswer(_)
            | IntercomError::WrongList(_) => Class::Ambiguous,
            IntercomError::BadRequest(_) => Class::BadRequest,
        }
    }

    /// What Intercom said along with it, if it answered with an error of its own.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            IntercomError::Gone(refusal)
            | IntercomError::AuthDead(refusal)
            | IntercomError::Refused(refusal)
            | IntercomError::Failed(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl Class {
    /// The name in logs and in the health report.
    pub fn name(self) -> &'static str {
        match self {
            Class::NotSent => "not_sent",
            Class::RateLimited => "rate_limited",
            Class::Gone => "gone",
            Class::AuthDead => "auth_dead",
            Class::Refused => "refused",
            Class::Ambiguous => "ambiguous",
            Class::BadRequest => "bad_request",
        }
    }
}

/// An error answer, as far as it is fit for a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Intercom's word for it, such as `not_found`.
    pub code: Option<String>,
    /// What Intercom's support asks for.
    pub request_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, ", code {code}")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, ", request {id}")?;
        }
        Ok(())
    }
}

impl Refusal {
    /// Reads an error body of any kind: Intercom's list of errors, a gateway's page, or nothing at all.
    pub(super) fn read(status: u16, header_id: Option<&str>, body: &[u8]) -> Refusal {
        let list: ErrorList = serde_json::from_slice(body).unwrap_or_default();
        let code = list.errors.into_iter().find_map(|error| error.code).filter(|code| is_word(code));
        let request_id = list.request_id.as_deref().or(header_id).filter(|id| is_word(id)).map(str::to_owned);
        Refusal { status, code, request_id }
    }

    /// Sorts it. `of_conversation`: whether nothing but a conversation was named, so that a plain "not found" is its.
    pub(super) fn sort(self, of_conversation: bool) -> IntercomError {
        let code = self.code.as_deref().unwrap_or_default();
        match self.status {
            408 | 500.. => IntercomError::Failed(self),
            401 => IntercomError::AuthDead(self),
            400.. if is_deadly(code) => IntercomError::AuthDead(self),
            // A 404 that is not Intercom's own comes from a wrong address, and says nothing about the conversation.
            404 if code == "conversation_not_found" || of_conversation && code == "not_found" => {
                IntercomError::Gone(self)
            }
            _ => IntercomError::Refused(self),
        }
    }
}

/// Whether the code says that no other call would fare better.
fn is_deadly(code: &str) -> bool {
    code.starts_with("token_")
        || matches!(code, "unauthorized" | "missing_authorization" | "api_plan_restricted" | "admin_not_found")
}

/// Codes and request ids are short words; anything else could be text that must not reach a log.
pub(super) fn is_word(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

#[derive(Default, Deserialize)]
struct ErrorList {
    #[serde(default)]
    request_id: Option<String>,
    #[serde(default)]
    errors: Vec<ErrorItem>,
}

#[derive(Deserialize)]
struct ErrorItem {
    #[serde(default)]
    code: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(code: &str) -> String {
        format!(r#"{{"type":"error.list","request_id":"r-1","errors":[{{"code":"{code}","message":"private"}}]}}"#)
    }

    #[test]
    fn an_answer_is_sorted_by_what_may_follow() {
        for (status, code, of_conversation, want) in [
            (401, "unauthorized", true, Class::AuthDead),
            (401, "", false, Class::AuthDead),
            (403, "api_plan_restricted", true, Class::AuthDead),
            (403, "token_suspended", true, Class::AuthDead),
            (404, "admin_not_found", true, Class::AuthDead),
            (400, "admin_not_found", true, Class::AuthDead),
            (403, "forbidden", true, Class::Refused),
            (403, "action_forbidden", true, Class::Refused),
            (404, "not_found", true, Class::Gone),
            (404, "conversation_not_found", true, Class::Gone),
            (404, "not_found", false, Class::Refused),
            (404, "conversation_not_found", false, Class::Gone),
            (404, "assignee_not_found", true, Class::Refused),
            (404, "team_not_found", true, Class::Refused),
            (404, "tag_not_found", true, Class::Refused),
            (404, "", true, Class::Refused),
            (400, "parameter_invalid", true, Class::Refused),
            (409, "conflict", true, Class::Refused),
            (410, "contact_merged", true, Class::Refused),
            (422, "data_invalid", true, Class::Refused),
            (302, "", true, Class::Refused),
            (408, "request_timeout", true, Class::Ambiguous),
            (500, "server_error", true, Class::Ambiguous),
            (503, "token_blocked", true, Class::Ambiguous),
            (504, "", true, Class::Ambiguous),
        ] {
            let error = Refusal::read(status, None, list(code).as_bytes()).sort(of_conversation);
            assert_eq!(error.class(), want, "{status} {code}");
        }
    }

    #[test]
    fn an_error_body_of_any_kind_is_read() {
        let none: Option<&str> = None;
        for (body, header, code, id) in [
            (list("not_found"), none, Some("not_found"), Some("r-1")),
            ("<html>Bad gateway</html>".into(), Some("edge-7"), None, Some("edge-7")),
            (String::new(), None, None, None),
            (r#"{"type":"error.list","request_id":null,"errors":null}"#.into(), Some("e"), None, Some("e")),
            (r#"{"errors":[{},{"code":"conflict"}]}"#.into(), None, Some("conflict"), None),
            (r#"{"request_id":"a b","errors":[{"code":"Dear Sir, no"}]}"#.into(), None, None, None),
            ("[1,2]".into(), None, None, None),
        ] {
            let refusal = Refusal::read(404, header, body.as_bytes());
            assert_eq!((refusal.code.as_deref(), refusal.request_id.as_deref()), (code, id), "{body}");
        }
    }

    #[test]
    fn what_a_log_shows_is_the_status_the_code_and_the_request_but_no_message() {
        let error = Refusal::read(422, None, list("data_invalid").as_bytes()).sort(true);
        assert!(error.to_string().contains("(HTTP 422, code data_invalid, request r-1)"), "{error}");
        assert!(!format!("{error:?}").contains("private"));
    }
}
