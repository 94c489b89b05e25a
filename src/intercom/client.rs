//! The calls to Intercom that the daemon makes, and nothing more general.
//!
//! Owns: what each call sends, and whether its answer is about what was asked. Refuses: repeating a call, following
//! a redirect, going through a proxy, and judging what to do next. How one request travels is in `client/transport.rs`.

mod answers;
mod read;
mod setup;
mod transport;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::SecretString;
use serde_json::{Value, json};

use self::transport::{Request, Transport};
use super::error::IntercomError;
use super::pace::Permits;
use super::text::TextKey;
use crate::clock::Clock;
use crate::engine::ConversationId;

pub use self::answers::{Contact, Listed, Me, Page};
pub use self::read::ReadConversation;
pub use self::setup::{ClientSettings, SetupError, install_tls};
pub use self::transport::{ANSWER_LIMIT, Standing};

/// Most conversations that Intercom lists on one page.
const LARGEST_PAGE: u32 = 150;

/// Talks to one workspace. Clones share token, connections, pace and standing.
#[derive(Clone)]
pub struct Intercom {
    transport: Arc<Transport>,
    bearer: Arc<RwLock<HeaderValue>>,
    text_key: TextKey,
    permits: Option<Arc<Permits>>,
}

/// What Intercom answered, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The answer itself.
    pub value: T,
    /// Intercom's clock when it answered (`Date`, whole seconds); without that, our own.
    pub at: Timestamp,
    /// [`Clock::elapsed`] when the head of the answer arrived.
    pub received: Duration,
}

/// Which conversations to list, in ascending order of `updated_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// In one of these states; `None` is any.
    pub states: Option<Vec<&'static str>>,
    /// Updated at or after this second.
    pub updated_since: Option<Timestamp>,
    /// Conversations in one answer, 1 to 150.
    pub per_page: u32,
}

impl Intercom {
    /// Prepares the client; sends nothing. Errors name what the operator has to change.
    #[expect(clippy::needless_pass_by_value, reason = "the secret ends here: dropping it wipes the caller's copy")]
    pub fn new(
        settings: ClientSettings,
        token: SecretString,
        text_key: TextKey,
        clock: Clock,
    ) -> Result<Intercom, SetupError> {
        let bearer = setup::bearer(&token)?;
        let http = setup::build(&settings)?;
        let transport = Transport::new(http, settings.base_url, settings.requests_per_10s, clock);
        let bearer = Arc::new(RwLock::new(bearer));
        Ok(Intercom { transport: Arc::new(transport), bearer, text_key, permits: None })
    }

    /// The same client with another token of its own, to find out whose that is before anything is done with it.
    /// Pace, standing and Intercom's clock stay shared.
    #[expect(clippy::needless_pass_by_value, reason = "the secret ends here: dropping it wipes the caller's copy")]
    pub fn bearing(&self, token: SecretString) -> Result<Intercom, SetupError> {
        Ok(Intercom { bearer: Arc::new(RwLock::new(setup::bearer(&token)?)), ..self.clone() })
    }

    /// Goes on with the token of `other`, as do all clones. What is on its way arrives with the old one.
    pub fn take_token_of(&self, other: &Intercom) {
        let bearer = other.bearer();
        *self.bearer.write().unwrap_or_else(PoisonError::into_inner) = bearer;
    }

    /// Whether both have the same token.
    pub fn has_token_of(&self, other: &Intercom) -> bool {
        self.bearer() == other.bearer()
    }

    fn bearer(&self) -> HeaderValue {
        self.bearer.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `n` requests may be sent, and reserves them. Give them to [`Intercom::with`].
    /// Never more than the cap can give in ten seconds: see [`Permits::left`].
    pub async fn permits(&self, n: u32) -> Permits {
        self.transport.pacer.permits(n).await
    }

    /// The same client on reserved requests. It never waits: what cannot be sent at once is
    /// [`IntercomError::RateLimited`], so that a look at a conversation is not stale when the deed goes out.
    #[must_use]
    pub fn with(&self, permits: Permits) -> Intercom {
        Intercom { permits: Some(Arc::new(permits)), ..self.clone() }
    }

    /// Whose token this is, and of which workspace.
    pub async fn me(&self) -> Result<Me, IntercomError> {
        let request = Request::new(Method::GET, &["me"]);
        Ok(self.call(request, |json, _| transport::parse(json)).await?.value)
    }

    /// The conversation as it is now.
    pub async fn conversation(&self, id: &ConversationId) -> Result<Answer<ReadConversation>, IntercomError> {
        let request = Request::new(Method::GET, &["conversations", id.as_str()]).of_conversation();
        self.call_on(id, request, None, false).await
    }

    /// One page of conversations; `cursor` is [`Page::next`] of the page before.
    pub async fn search(&self, query: &Search, cursor: Option<&str>) -> Result<Page, IntercomError> {
        let request = Request::new(Method::POST, &["conversations", "search"]).json(query.body(cursor));
        let page = self.call(request, |json, _| transport::parse(json).and_then(|page| goes_on(page, cursor)));
        Ok(page.await?.value)
    }

    /// Closes the conversation; `body` is what the contact reads, `None` closes without a word.
    pub async fn close(
        &self,
        id: &ConversationId,
        admin_id: &str,
        body: Option<&str>,
    ) -> Result<Answer<ReadConversation>, IntercomError> {
        let mut part = json!({ "message_type": "close", "type": "admin", "admin_id": admin_id });
        if let Some(body) = body {
            part["body"] = said(body)?.into();
        }
        self.change(id, "parts", admin_id, part, Some("closed")).await
    }

    /// Opens the conversation, out of a snooze too.
    pub async fn open(&self, id: &ConversationId, admin_id: &str) -> Result<Answer<ReadConversation>, IntercomError> {
        let part = json!({ "message_type": "open", "admin_id": admin_id });
        self.change(id, "parts", admin_id, part, Some("open")).await
    }

    /// Snoozes the conversation; `until` is cut to whole seconds.
    pub async fn snooze(
        &self,
        id: &ConversationId,
        admin_id: &str,
        until: Timestamp,
    ) -> Result<Answer<ReadConversation>, IntercomError> {
        let part = json!({ "message_type": "snoozed", "admin_id": admin_id, "snoozed_until": until.as_second() });
        self.change(id, "parts", admin_id, part, Some("snoozed")).await
    }

    /// Says something that the contact reads.
    pub async fn reply(
        &self,
        id: &ConversationId,
        admin_id: &str,
        body: &str,
    ) -> Result<Answer<ReadConversation>, IntercomError> {
        let body = said(body)?;
        let part = json!({ "message_type": "comment", "type": "admin", "admin_id": admin_id, "body": body });
        self.change(id, "reply", admin_id, part, None).await
    }

    /// The contact of that id: 1 to 64 letters, digits, `-` and `_`.
    pub async fn contact(&self, id: &str) -> Result<Contact, IntercomError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=64).contains(&id.len()) || !id.bytes().all(fits) {
            return Err(IntercomError::BadRequest("a contact id has 1 to 64 letters, digits, dashes or underscores"));
        }
        let request = Request::new(Method::GET, &["contacts", id]);
        Ok(self.call(request, |json, _| transport::parse(json)).await?.value)
    }

    /// Intercom's clock: its last `Date` and the time since on [`Clock::elapsed`]. `None` before the first answer.
    pub fn intercom_now(&self) -> Option<Timestamp> {
        self.transport.intercom_now()
    }

    /// Requests in ten seconds that Intercom announced last, before our own cap.
    pub fn limit(&self) -> Option<u32> {
        self.transport.pacer.announced()
    }

    /// Requests in ten seconds that we allow ourselves at present.
    pub fn cap(&self) -> u32 {
        self.transport.pacer.cap()
    }

    /// The key of text digests.
    pub fn text_key(&self) -> &TextKey {
        &self.text_key
    }

    /// How the calls have gone lately.
    pub fn standing(&self) -> Standing {
        self.transport.standing()
    }

    async fn change(
        &self,
        id: &ConversationId,
        place: &str,
        admin_id: &str,
        part: Value,
        state: Option<&'static str>,
    ) -> Result<Answer<ReadConversation>, IntercomError> {
        if admin_id.trim().is_empty() {
            return Err(IntercomError::BadRequest("it names no teammate as `admin_id`"));
        }
        let request = Request::new(Method::POST, &["conversations", id.as_str(), place]).of_conversation().json(part);
        self.call_on(id, request, state, true).await
    }

    async fn call_on(
        &self,
        id: &ConversationId,
        request: Request,
        state: Option<&'static str>,
        deed: bool,
    ) -> Result<Answer<ReadConversation>, IntercomError> {
        let read = |json: &[u8], at| {
            let read = ReadConversation::read(json, at, &self.text_key, deed)?;
            read.check(id, state).map(|()| read)
        };
        self.call(request, read).await
    }

    /// Sends one request, in its turn, and takes note of how it went.
    async fn call<T>(
        &self,
        request: Request,
        read: impl FnOnce(&[u8], Timestamp) -> Result<T, IntercomError>,
    ) -> Result<Answer<T>, IntercomError> {
        let flight = match &self.permits {
            Some(permits) => permits.launch().map_err(|until| IntercomError::RateLimited { until })?,
            None => self.transport.pacer.flight().await,
        };
        let outcome = match self.transport.send(request, self.bearer(), flight).await {
            Ok(Answer { value, at, received }) => read(&value, at).map(|value| Answer { value, at, received }),
            Err(error) => Err(error),
        };
        self.transport.note(outcome.as_ref().err().map(IntercomError::class));
        outcome
    }
}

impl fmt::Debug for Intercom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intercom").field("base", &self.transport.base.as_str()).finish_non_exhaustive()
    }
}

impl Search {
    fn body(&self, cursor: Option<&str>) -> Value {
        let mut filters = Vec::new();
        if let Some(states) = &self.states {
            filters.push(json!({ "field": "state", "operator": "IN", "value": states }));
        }
        // `>` is documented both as "greater" and as "greater or equal": one second less includes ours either way.
        // With neither bound asked for, every conversation is after the first second: a search needs a filter.
        if self.updated_since.is_some() || filters.is_empty() {
            let after = self.updated_since.map_or(0, |since| since.as_second().saturating_sub(1).max(0));
            filters.push(json!({ "field": "updated_at", "operator": ">", "value": after }));
        }
        let mut pagination = json!({ "per_page": self.per_page.clamp(1, LARGEST_PAGE) });
        if let Some(cursor) = cursor {
            pagination["starting_after"] = cursor.into();
        }
        json!({
            "query": { "operator": "AND", "value": filters },
            "pagination": pagination,
            "sort": { "field": "updated_at", "order": "ascending" },
        })
    }
}

/// An empty text is not known to be silence: say nothing by leaving it out.
fn said(body: &str) -> Result<&str, IntercomError> {
    if body.trim().is_empty() { Err(IntercomError::BadRequest("its text is empty")) } else { Ok(body) }
}

/// A page that leads back to itself would be read for ever.
fn goes_on(page: Page, cursor: Option<&str>) -> Result<Page, IntercomError> {
    if cursor.is_some() && page.next.as_deref() == cursor {
        return Err(IntercomError::WrongAnswer("a page of conversations that leads back to itself"));
    }
    Ok(page)
}

#[cfg(test)]
mod tests;
