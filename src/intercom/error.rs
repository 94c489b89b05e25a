//! What can go wrong between us and Intercom, sorted by what a caller may do next.
//!
//! Owns: the one error type of the client, its classes, and how an answer's status and code are sorted into them.
//! Refuses: holding bodies, texts or tokens. An error ends in logs and in the journal.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

/// Why a call to Intercom did not give what was asked. [`IntercomError::class`] says what may follow.
#[derive(Debug, thiserror::Error)]
pub enum IntercomError {
    /// No connection was made: certainly nothing was sent.
    #[error("Intercom could not be reached, so nothing was sent; check the network and the address under [intercom]")]
    NotSent(#[source] reqwest::Error),
    /// So many calls have failed that nothing is sent for a while.
    #[error("Intercom is in trouble, so nothing was sent; this is tried again once it answers well")]
    Resting {
        /// When one call is let through next, on [`Clock::elapsed`](crate::clock::Clock::elapsed).
        until: Duration,
    },
    /// Another daemon may act by now: nothing was sent.
    #[error("nothing was sent, as this autoclosed was held up for too long and another may act by now")]
    Withheld,
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
    /// Intercom failed while it worked on the request (5xx, 408, or a code that says so): it may have been done all the
    /// same.
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
            IntercomError::NotSent(_) | IntercomError::Resting { .. } | IntercomError::Withheld => Class::NotSent,
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

    /// Whether less at once might have been answered: a gateway or we gave up waiting, or it was too large to read.
    pub fn is_of_size(&self) -> bool {
        match self {
            IntercomError::Failed(refusal) => matches!(refusal.status, 502 | 504),
            IntercomError::Lost(error) => error.is_timeout(),
            IntercomError::TooLarge => true,
            _ => false,
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
    /// The name in logs.
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
        let told: Value = serde_json::from_slice(body).unwrap_or_default();
        let errors = told["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let code = errors.iter().find_map(|error| error["code"].as_str());
        let word = |text: Option<&str>| text.filter(|text| is_word(text)).map(str::to_owned);
        let (code, request_id) = (word(code), word(told["request_id"].as_str().or(header_id)));
        Refusal { status, code, request_id }
    }

    /// Sorts it. `of_conversation`: whether nothing but a conversation was named, so that a plain "not found" is its.
    pub(super) fn sort(self, of_conversation: bool) -> IntercomError {
        let code = self.code.as_deref().unwrap_or_default();
        match self.status {
            408 | 500.. => IntercomError::Failed(self),
            401 => IntercomError::AuthDead(self),
            400.. if is_deadly(code) => IntercomError::AuthDead(self),
            // Whatever the status: such a code is no definite no, and parking would be far too long a rest.
            400.. if is_passing(code) => IntercomError::Failed(self),
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

/// Whether the code says that the same call may fare better soon.
fn is_passing(code: &str) -> bool {
    let slow_down = matches!(code, "rate_limit_exceeded" | "too_many_requests" | "retry_after");
    slow_down || matches!(code, "request_timeout" | "server_error" | "service_unavailable" | "team_unavailable")
}

/// Codes and request ids are short words; anything else could be text that must not reach a log.
pub(super) fn is_word(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests;
