//! The calls to Intercom that the daemon makes, and nothing more general.
//!
//! Owns: what each call sends, and whether its answer is about what was asked. Refuses: repeating a call but for a page
//! of a search, following a redirect, going through a proxy, and judging what to do next. What changes something is in
//! `client/deeds.rs`, what lists something in `client/lists.rs`, how a search goes from page to page in
//! `client/pages.rs`, how one request travels in `client/transport.rs`, and how they are counted in `client/count.rs`.

mod answers;
mod attributes;
mod count;
mod deeds;
mod lists;
mod pages;
mod read;
mod setup;
mod transport;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::SecretString;

use self::read::Wanted;
use self::transport::{Request, Transport};
use super::breaker::Trouble;
use super::error::IntercomError;
use super::lens::Lens;
use super::pace::Permits;
use crate::clock::Clock;
use crate::engine::ConversationId;
use crate::sabotage::{Bug, planted};
use crate::tenure::Trust;

pub use self::answers::{Admin, Contact, Listed, Me, Page, Tag, Team};
pub use self::attributes::{Attribute, Kind, Offered};
pub use self::deeds::{Assignee, Update};
pub use self::lists::Search;
pub use self::pages::Pages;
pub use self::read::ReadConversation;
pub use self::setup::{ClientSettings, SetupError, install_tls};
pub use self::transport::{ANSWER_LIMIT, Standing};

/// Talks to one workspace. Clones share token, connections, pace and standing.
#[derive(Clone)]
pub struct Intercom {
    transport: Arc<Transport>,
    bearer: Arc<RwLock<HeaderValue>>,
    lens: Lens,
    permits: Option<Arc<Permits>>,
    trust: Option<Trust>,
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

impl Intercom {
    /// Prepares the client; sends nothing. Errors name what the operator has to change.
    #[expect(clippy::needless_pass_by_value, reason = "the secret ends here: dropping it wipes the caller's copy")]
    pub fn new(
        settings: ClientSettings,
        token: SecretString,
        lens: Lens,
        clock: Clock,
    ) -> Result<Intercom, SetupError> {
        let bearer = setup::bearer(&token)?;
        let http = setup::build(&settings)?;
        let transport = Transport::new(http, settings, clock);
        let bearer = Arc::new(RwLock::new(bearer));
        Ok(Intercom { transport: Arc::new(transport), bearer, lens, permits: None, trust: None })
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

    /// The same client, which changes nothing in Intercom unless this is trusted at the moment when the request leaves.
    #[must_use]
    pub fn trusting(&self, trust: Trust) -> Intercom {
        Intercom { trust: Some(trust), ..self.clone() }
    }

    /// Whose token this is, and of which workspace.
    pub async fn me(&self) -> Result<Me, IntercomError> {
        let request = Request::new(Method::GET, &["me"]);
        Ok(self.call(request, |json, _| transport::parse(json)).await?.value)
    }

    /// The conversation as it is now.
    pub async fn conversation(&self, id: &ConversationId) -> Result<Answer<ReadConversation>, IntercomError> {
        let request = Request::new(Method::GET, &["conversations", id.as_str()]).of_conversation();
        self.call_on(id, request, Wanted::Anything, false).await
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

    /// The version of its API that Intercom's last answer named, if it named one.
    pub fn answered_version(&self) -> Option<String> {
        self.transport.answered_version()
    }

    /// Requests in ten seconds that Intercom announced last, before our own cap.
    pub fn limit(&self) -> Option<u32> {
        self.transport.pacer.announced()
    }

    /// Requests in ten seconds that we allow ourselves at present.
    pub fn cap(&self) -> u32 {
        self.transport.pacer.cap()
    }

    /// What of its answers is kept.
    pub fn lens(&self) -> &Lens {
        &self.lens
    }

    /// How the calls have gone lately.
    pub fn standing(&self) -> Standing {
        self.transport.standing()
    }

    /// Since when nothing is sent as Intercom is in trouble, if it is.
    pub fn trouble(&self) -> Option<Trouble> {
        self.transport.breaker().trouble()
    }

    /// Requests sent since the start, by endpoint and what came of them: the status of the answer, or `not_sent`,
    /// `lost`, `unusable`.
    pub fn sent(&self) -> BTreeMap<(&'static str, String), u64> {
        self.transport.counts.get()
    }

    /// What was left of Intercom's current window when it last said so.
    pub fn remaining(&self) -> Option<u32> {
        self.transport.pacer.remaining()
    }

    /// How long requests have waited for their turn since the start, taken together.
    pub fn waited(&self) -> Duration {
        self.transport.pacer.waited()
    }

    async fn call_on(
        &self,
        id: &ConversationId,
        request: Request,
        wanted: Wanted<'_>,
        deed: bool,
    ) -> Result<Answer<ReadConversation>, IntercomError> {
        let read = |json: &[u8], at| {
            let read = ReadConversation::read(json, at, &self.lens, deed)?;
            read.check(id, wanted).map(|()| read)
        };
        self.call(request, read).await
    }

    /// Sends one request, in its turn, and takes note of how it went.
    async fn call<T>(
        &self,
        request: Request,
        read: impl FnOnce(&[u8], Timestamp) -> Result<T, IntercomError>,
    ) -> Result<Answer<T>, IntercomError> {
        self.transport.is_at_rest()?;
        let flight = match &self.permits {
            Some(permits) => permits.launch().map_err(|until| IntercomError::RateLimited { until })?,
            None => self.transport.pacer.flight().await,
        };
        if request.changes_something() && self.trust.as_ref().is_some_and(|trust| !trust.holds()) {
            return Err(IntercomError::Withheld);
        }
        let leave = self.transport.leave(&request)?;
        let (endpoint, mut heard) = (request.endpoint(), None);
        let outcome = match self.transport.send(request, self.bearer(), flight, &mut heard).await {
            Ok(Answer { value, at, received }) => read(&value, at).map(|value| Answer { value, at, received }),
            Err(error) => Err(error),
        };
        self.transport.note(endpoint, leave, heard.as_ref(), outcome.as_ref().err());
        outcome
    }
}

impl fmt::Debug for Intercom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Intercom");
        shown.field("base", &self.transport.base.as_str());
        if planted(Bug::ShowsTheToken) {
            shown.field("bearer", &self.bearer().to_str());
        }
        shown.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
