//! An Intercom workspace in memory, behind real HTTP on the loopback address; for the tests and the demo.
//!
//! Owns: a workspace that behaves like the documented one and is stricter where Intercom is lax, so that a request it
//! accepts is a good request. People act in it by the verbs of a story, the API acts on the same conversations, and
//! every change is notified with a real signature. It keeps what it was asked and what it sent, for asserts, and
//! misbehaves on order. Refuses: any address but loopback, and any clock but the one it was given.
//!
//! ```no_run
//! # use autoclosed::{clock::Clock, fake_intercom::{Endpoint, FakeIntercom, Fault, Workspace}};
//! # async fn story() -> std::io::Result<()> {
//! let fake = FakeIntercom::start(Clock::System, Workspace::default()).await?;
//! fake.send_notifications_to("http://127.0.0.1:8080/webhooks/intercom", "client secret");
//! let id = fake.contact_starts("It does not start.");
//! fake.teammate_replies(&id, "Is it plugged in?");
//! fake.fault(Endpoint::Close, Fault::ApplyThenDrop);
//! fake.settle().await;
//! # Ok(()) }
//! ```

mod api;
mod attributes;
mod conversation;
mod exchange;
mod faults;
mod first_version;
mod late;
mod notify;
mod pieces;
mod search;
mod shape;
mod story;
#[cfg(test)]
mod tests;
mod workspace;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::clock::Clock;
use crate::engine::ConversationId;

pub use attributes::{Attribute, AttributeKind};
pub use faults::{Endpoint, Fault, RateReset};
pub use notify::Delivered;
pub use workspace::{Admin, Contact, Named, Quirk, WebhookVersion, Workspace};

use exchange::Window;
use faults::Plan;
use late::Late;
use notify::{Courier, Notice};
use world::World;

/// A running fake workspace. Clones are handles of the same one; it stops with the last of them.
#[derive(Debug, Clone)]
pub struct FakeIntercom {
    inner: Arc<Inner>,
    teammate: Option<Arc<str>>,
    /// `None` in the handles that hooks and connections get: those do not keep it running.
    _running: Option<Arc<DropGuard>>,
}

#[derive(Debug)]
struct Inner {
    clock: Clock,
    address: SocketAddr,
    world: Mutex<World>,
    desk: Mutex<Desk>,
    courier: Courier,
    stop: CancellationToken,
}

/// What is known of the requests, and what is planned for them.
#[derive(Debug, Default)]
struct Desk {
    calls: Vec<Call>,
    requests: u64,
    window: Window,
    plan: Plan,
    late: Vec<Late>,
    echo: Echo,
    drops_notifications: bool,
    gate: Option<mpsc::UnboundedSender<Passing>>,
}

/// A request that waits at the gate: it goes on when this is dropped.
#[derive(Debug)]
pub struct Passing {
    /// The request.
    pub call: Call,
    /// It was applied and is to be answered; else it has just arrived.
    pub applied: bool,
    _go: oneshot::Sender<()>,
}

/// A request that the API received.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What it asked for.
    pub endpoint: Endpoint,
    /// Its method.
    pub method: String,
    /// Its path and query, as received.
    pub path: String,
    /// Its body, if that is JSON.
    pub body: Option<Value>,
    /// Whether it asks for a change.
    pub mutating: bool,
    /// The status that was answered; `None` while there is none, and for ever if the connection was cut.
    pub status: Option<u16>,
    /// When, on the fake's clock.
    pub at: Timestamp,
}

/// How the changes that the API makes come back as notifications.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Echo {
    /// On their way as the answer leaves.
    #[default]
    AfterAnswer,
    /// Delivered and answered before the API call is.
    BeforeAnswer,
    /// Not at all.
    Never,
    /// Two times, with the same id.
    Twice,
}

/// What is true of a conversation, for asserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `open`, `snoozed` or `closed`.
    pub state: &'static str,
    /// The end of the snooze, while snoozed.
    pub snoozed_until: Option<Timestamp>,
    /// When anything changed last.
    pub updated_at: Timestamp,
    /// Whether it counts as read.
    pub read: bool,
    /// Names of its tags.
    pub tags: Vec<String>,
    /// `none`, `low`, `medium`, `high` or `urgent`.
    pub priority: String,
    /// Its attributes, as `custom_attributes` shows them.
    pub attributes: Map<String, Value>,
    /// The teammate it is assigned to.
    pub admin_assignee: Option<String>,
    /// The team it is assigned to.
    pub team_assignee: Option<String>,
    /// When the contact wrote last.
    pub last_contact_reply: Option<Timestamp>,
    /// Everything that happened after the opening message, oldest first.
    pub parts: Vec<SeenPart>,
}

/// A part of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPart {
    /// Its id.
    pub id: u64,
    /// `part_type`.
    pub kind: &'static str,
    /// `user`, `lead`, `admin` or `bot`.
    pub author_type: &'static str,
    /// The author's id.
    pub author_id: String,
    /// The text as HTML, if there is one.
    pub body: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl FakeIntercom {
    /// Starts a workspace on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No port can be had, or the HTTP client for notifications cannot be made.
    pub async fn start(clock: Clock, workspace: Workspace) -> io::Result<FakeIntercom> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let courier = Courier::start(loopback_client()?, stop.clone());
        let world = Mutex::new(World::new(workspace));
        let inner = Inner { clock, address, world, desk: Mutex::default(), courier, stop: stop.clone() };
        let inside = FakeIntercom { inner: Arc::new(inner), teammate: None, _running: None };
        tokio::spawn(exchange::serve(inside.clone(), listener));
        Ok(FakeIntercom { _running: Some(Arc::new(stop.drop_guard())), ..inside })
    }

    /// The base address of the API, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.inner.address)
    }

    /// Stops serving and sending at once; open connections are cut.
    pub fn stop(&self) {
        self.inner.stop.cancel();
    }

    /// Changes the settings while it runs: revoke a token, lower a limit, remove a teammate.
    pub fn change_workspace(&self, change: impl FnOnce(&mut Workspace)) {
        change(&mut self.world().workspace);
    }

    /// Another app spends so many requests of the window that all apps of the workspace share.
    pub fn another_app_asks(&self, requests: u32) {
        let at = self.second();
        self.desk().window.spend(at, requests);
    }

    /// From now on every change is notified there, signed with this client secret.
    pub fn send_notifications_to(&self, webhook_url: &str, client_secret: &str) {
        self.inner.courier.send_to(webhook_url, client_secret);
    }

    /// Waits until every notification was answered or given up.
    pub async fn settle(&self) {
        self.do_what_is_late();
        self.inner.courier.settle().await;
    }

    /// What was sent so far, in order.
    pub fn notifications(&self) -> Vec<Delivered> {
        self.inner.courier.delivered()
    }

    /// Sends the same bytes again, as Intercom does after an error or a slow answer.
    pub fn resend(&self, delivered: &Delivered) {
        self.inner.courier.post_again(delivered.clone());
    }

    /// From now on notifications are kept, to be sent by [`resend`](FakeIntercom::resend) in whatever order. Returns those
    /// that were kept since it was called last.
    pub fn keep_notifications(&self) -> Vec<Delivered> {
        self.inner.courier.keep()
    }

    /// From now on every request waits two times for whoever holds the receiver: when it has arrived, and when it was
    /// applied and not answered yet.
    pub fn gate(&self) -> mpsc::UnboundedReceiver<Passing> {
        let (gate, passing) = mpsc::unbounded_channel();
        self.desk().gate = Some(gate);
        passing
    }

    /// While `true`, changes are not notified and never will be.
    pub fn drop_notifications(&self, dropped: bool) {
        self.desk().drops_notifications = dropped;
    }

    /// How changes by the API come back from now on.
    pub fn echo(&self, echo: Echo) {
        self.desk().echo = echo;
    }

    /// The next call of that kind meets this fault. Faults queue up, one per call.
    pub fn fault(&self, on: Endpoint, fault: Fault) {
        self.desk().plan.once(on, fault);
    }

    /// Every call of that kind meets this fault, until [`clear_faults`](FakeIntercom::clear_faults).
    pub fn fault_always(&self, on: Endpoint, fault: Fault) {
        self.desk().plan.always(on, fault);
    }

    /// Takes back all faults that wait for a call.
    pub fn clear_faults(&self) {
        self.desk().plan.clear_faults();
    }

    /// Runs once, when the next call of that kind has arrived and was not applied yet.
    pub fn before_answer(&self, on: Endpoint, what: impl FnOnce(&FakeIntercom) + Send + 'static) {
        self.desk().plan.before(on, Box::new(what));
    }

    /// Runs once, when the next call of that kind was applied and its answer is not built yet.
    pub fn after_apply(&self, on: Endpoint, what: impl FnOnce(&FakeIntercom) + Send + 'static) {
        self.desk().plan.after(on, Box::new(what));
    }

    /// Every request so far, in order of arrival, the refused ones too.
    pub fn calls(&self) -> Vec<Call> {
        self.desk().calls.clone()
    }

    /// The requests that ask for a change.
    pub fn mutating_calls(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.mutating).collect()
    }

    /// What is true of a conversation now; `None` if it does not exist.
    pub fn conversation(&self, id: &ConversationId) -> Option<Seen> {
        self.world().conversations.get(id).map(seen)
    }

    fn second(&self) -> i64 {
        self.inner.clock.now().as_second()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.inner.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.inner.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, notices: &[Notice]) {
        if !self.desk().drops_notifications {
            self.inner.courier.post(notices);
        }
    }
}

fn seen(it: &conversation::Conversation) -> Seen {
    let part = |part: &conversation::Part| SeenPart {
        id: part.id,
        kind: part.kind,
        author_type: part.author.kind.name(),
        author_id: part.author.id.clone(),
        body: part.body.clone(),
        at: shape::instant(part.at),
    };
    Seen {
        state: it.state.name(),
        snoozed_until: it.snoozed_until.map(shape::instant),
        updated_at: shape::instant(it.updated_at),
        read: it.read,
        tags: it.tags.iter().map(|tag| tag.name.clone()).collect(),
        priority: it.priority.clone(),
        attributes: it.attributes.clone(),
        admin_assignee: it.admin_assignee.clone(),
        team_assignee: it.team_assignee.clone(),
        last_contact_reply: it.statistics.last_contact_reply.map(shape::instant),
        parts: it.parts.iter().map(part).collect(),
    }
}

/// A client for plain HTTP on this machine: no proxy, no certificates, no redirects.
fn loopback_client() -> io::Result<reqwest::Client> {
    // Somebody else may have installed a provider before: any will do, as nothing here is encrypted.
    let _installed_before = rustls::crypto::ring::default_provider().install_default().is_err();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).redirect(reqwest::redirect::Policy::none());
    client.build().map_err(io::Error::other)
}
