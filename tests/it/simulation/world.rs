//! A workspace with its people, a daemon on one database, the post between them, and two clocks; all of it moved by
//! dice. What happens at Intercom and at every named point of a deed is seen here first, and judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use autoclosed::clock::ManualClock;
use autoclosed::config::{self, Config};
use autoclosed::daemon::Daemon;
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Delivered, Endpoint, FakeIntercom, Passing, Seen, Workspace};
use autoclosed::sabotage::{InForce, Point, Then, at_points};
use autoclosed::store::Store;
use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::SqliteConnection;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;

use super::dice::Dice;
use super::laws::Spent;
use super::plans::{self, Plan};
use super::truth::Opening;
use crate::harness::{CLIENT_SECRET, monday, secrets};

/// A promise that was broken.
#[derive(Debug, Clone)]
pub(crate) struct Broken {
    pub(crate) law: &'static str,
    pub(crate) how: String,
}

/// What a look at a conversation showed.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(super) at: Timestamp,
    pub(super) seen: Seen,
    pub(super) ticket: bool,
}

/// Where the daemon is to die next.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// At this point, when it was passed so often before.
    At(Point, usize),
    /// While Intercom works on such a call: before it is done, or before it is answered.
    During { done: bool, before: usize },
}

/// A world.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) plan: &'static Plan,
    pub(crate) dry_run: bool,
    pub(crate) clock: ManualClock,
    /// What the daemon takes for the time of day.
    pub(crate) wall: ManualClock,
    pub(crate) wrong_by: SignedDuration,
    pub(crate) fake: FakeIntercom,
    pub(super) gate: UnboundedReceiver<Passing>,
    pub(super) points: UnboundedReceiver<(Point, Arc<Notify>)>,
    pub(super) _hook: InForce,
    pub(super) folder: tempfile::TempDir,
    pub(crate) again: bool,
    pub(crate) daemon: Option<Daemon>,
    pub(super) store: Option<Store>,
    /// Budgets are no matter here.
    pub(crate) generous: bool,
    /// An operator speaks at so many of a hundred moments between the look and the deed.
    pub(crate) interruptions: usize,
    /// At so many of a hundred moments of a deed the contact of that conversation speaks.
    pub(crate) interjections: usize,
    /// A contact speaks when this point is reached for the first time.
    pub(crate) interjects: Option<Point>,
    /// The conversation that the last request was about.
    pub(crate) current: Option<ConversationId>,
    /// Why it must not be touched, as said before the call was written down.
    pub(super) forbidden: Option<&'static str>,
    pub(super) peek: Option<SqliteConnection>,
    pub(crate) talks: Vec<(ConversationId, Opening)>,
    pub(crate) tickets: BTreeSet<ConversationId>,
    pub(crate) held: BTreeSet<ConversationId>,
    pub(crate) paused: bool,
    pub(crate) mail: Vec<(Timestamp, Delivered)>,
    /// Of a hundred notifications so many never arrive.
    pub(crate) lost_mail: usize,
    /// At so many of a hundred moments of a deed somebody does something.
    pub(crate) races: usize,
    pub(crate) end: Option<End>,
    /// Calls of the dead, still on their way.
    pub(super) stragglers: Vec<Passing>,
    pub(super) shown: BTreeMap<ConversationId, Shown>,
    /// When it was last written down that a call leaves.
    pub(super) written_at: Timestamp,
    /// Our closes, each with the last contact's part that the look before it showed.
    pub(super) closes: BTreeMap<ConversationId, Vec<(u64, u64)>>,
    pub(super) spent: Vec<Spent>,
    pub(super) looked: bool,
    pub(crate) deaths: usize,
    pub(crate) deeds: usize,
    /// Of these so many before calm returned.
    pub(crate) amid: usize,
    pub(crate) story: Vec<String>,
    pub(super) broken: Option<Broken>,
}

/// Where databases lie: in memory if this machine has such a place.
fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// An empty database with its schema: bringing each world's up to date would take longer than all else at its start.
async fn lay_database(at: &std::path::Path) {
    static EMPTY: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    if EMPTY.get().is_none() {
        let folder = folder();
        let empty = folder.path().join("empty.db");
        Store::open(&empty).await.unwrap().close().await;
        EMPTY.get_or_init(|| std::fs::read(&empty).unwrap());
    }
    std::fs::write(at, EMPTY.get().unwrap()).unwrap();
}

impl World {
    pub(crate) async fn new(seed: u64, plan: &'static Plan) -> World {
        let clock = ManualClock::at(monday());
        clock.let_waits_pass();
        let fake = FakeIntercom::start(clock.clone().into(), Workspace::default()).await.unwrap();
        fake.keep_notifications();
        let gate = fake.gate();
        let (reached, points) = tokio::sync::mpsc::unbounded_channel();
        let hook = at_points(move |point| {
            let go = Arc::new(Notify::new());
            if reached.send((point, Arc::clone(&go))).is_err() { Then::GoesOn } else { Then::Waits(go) }
        });
        let folder = folder();
        lay_database(&folder.path().join("autoclosed.db")).await;
        World {
            dice: Dice::of(seed),
            plan,
            dry_run: false,
            wall: clock.on_another_wall(),
            clock,
            wrong_by: SignedDuration::ZERO,
            fake,
            gate,
            points,
            _hook: hook,
            folder,
            again: false,
            daemon: None,
            store: None,
            generous: false,
            interruptions: 0,
            interjections: 0,
            interjects: None,
            current: None,
            forbidden: None,
            peek: None,
            talks: Vec::new(),
            tickets: BTreeSet::new(),
            held: BTreeSet::new(),
            paused: false,
            mail: Vec::new(),
            lost_mail: 0,
            races: 0,
            end: None,
            stragglers: Vec::new(),
            shown: BTreeMap::new(),
            written_at: monday(),
            closes: BTreeMap::new(),
            spent: Vec::new(),
            looked: false,
            deaths: 0,
            deeds: 0,
            amid: 0,
            story: Vec::new(),
            broken: None,
        }
    }

    pub(crate) fn config(&self) -> Config {
        let text = plans::file(self);
        config::parse("simulated.toml", text.as_bytes()).unwrap().config
    }

    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("autoclosed.db")
    }

    pub(crate) fn tell(&mut self, what: impl Into<String>) {
        let at = self.clock.now();
        self.story.push(format!("{at} {}", what.into()));
    }

    /// A daemon on the database of those before it.
    pub(crate) async fn start(&mut self) {
        if self.daemon.is_some() {
            return;
        }
        let daemon = Daemon::start(&self.config(), &secrets(), self.wall.clone().into()).await.unwrap();
        let webhook = format!("http://{}/webhooks/intercom", daemon.public_address());
        self.fake.send_notifications_to(&webhook, CLIENT_SECRET);
        self.store = Some(daemon.store().clone());
        self.daemon = Some(daemon);
        self.looked = false;
        self.tell("a daemon starts");
    }

    /// The daemon ends, and nothing of it is left on this thread.
    pub(crate) async fn stop(&mut self) {
        self.store = None;
        if let Some(daemon) = self.daemon.take() {
            daemon.dies().await;
        }
    }

    pub(crate) fn pass(&mut self, time: SignedDuration) {
        self.stragglers.clear();
        self.clock.advance(time);
    }

    /// What the schedule wakes every ten seconds.
    pub(crate) async fn tick(&mut self) -> Result<(), Broken> {
        let Some(daemon) = self.daemon.take() else { return Ok(()) };
        let lives = self.attend(Box::pin(daemon.tick())).await?;
        self.goes_on(daemon, lives).await
    }

    /// A job of the daemon's that asks Intercom.
    pub(crate) async fn reload(&mut self) -> Result<(), Broken> {
        let config = self.config();
        let Some(daemon) = self.daemon.take() else { return Ok(()) };
        let reloading = Box::pin(async {
            daemon.reload(&config, &secrets()).await.unwrap();
        });
        let lives = self.attend(reloading).await?;
        self.goes_on(daemon, lives).await
    }

    /// What it wakes every ten minutes.
    pub(crate) async fn look(&mut self) -> Result<(), Broken> {
        let Some(daemon) = self.daemon.take() else { return Ok(()) };
        let looking = Box::pin(async { drop(daemon.reconcile().await) });
        let lives = self.attend(looking).await?;
        self.goes_on(daemon, lives).await
    }

    async fn goes_on(&mut self, daemon: Daemon, lives: bool) -> Result<(), Broken> {
        if lives {
            self.daemon = Some(daemon);
        } else {
            self.store = None;
            daemon.dies().await;
            self.deaths += 1;
            while self.points.try_recv().is_ok() {}
            while let Ok(passing) = self.gate.try_recv() {
                self.stragglers.push(passing);
            }
        }
        self.quiet()
    }

    /// Lets a job run, and is there wherever it passes; false if the daemon dies there.
    async fn attend(&mut self, job: impl Future<Output = ()>) -> Result<bool, Broken> {
        tokio::pin!(job);
        loop {
            tokio::select! {
                biased;
                Some(passing) = self.gate.recv() => {
                    if !self.passes(passing).await {
                        return Ok(false);
                    }
                }
                Some((point, go)) = self.points.recv() => {
                    if !self.reaches(point).await {
                        return Ok(false);
                    }
                    go.notify_one();
                }
                () = &mut job => break,
            }
            if let Some(broken) = self.broken.take() {
                return Err(broken);
            }
        }
        Ok(true)
    }

    async fn reaches(&mut self, point: Point) -> bool {
        if point == Point::WrittenDown {
            self.written_at = self.clock.now();
        }
        if self.interjects == Some(point) {
            self.interjects = None;
            let id = self.current.clone().unwrap_or_else(|| self.talks[0].0.clone());
            self.fake.contact_replies(&id, "One more thing.");
        }
        if point == Point::Read {
            self.is_interrupted().await;
        }
        self.somebody_interjects();
        if self.dice.chance(self.races) {
            self.somebody_acts();
        }
        match &mut self.end {
            Some(End::At(at, 0)) if *at == point => {
                self.end = None;
                self.tell(format!("the daemon dies at {}", point.name()));
                false
            }
            Some(End::At(at, before)) if *at == point => {
                *before -= 1;
                true
            }
            _ => true,
        }
    }

    /// A call of the daemon's has arrived, or was done.
    async fn passes(&mut self, passing: Passing) -> bool {
        let (call, applied) = (passing.call.clone(), passing.applied);
        let id = conversation_of(&call.path);
        self.current = id.clone().or(self.current.take());
        self.somebody_interjects();
        if self.dice.chance(self.races) {
            self.somebody_acts();
        }
        match (call.endpoint, &id) {
            (Endpoint::Search, _) if applied => self.looked = true,
            (Endpoint::Conversation, Some(id)) if applied => self.shows(id),
            (_, Some(id)) if call.mutating && !applied => self.arrives(id, call.endpoint).await,
            (_, Some(id)) if call.mutating => {
                self.is_done(id, call.endpoint, call.body.as_ref().is_some_and(|body| body.get("body").is_some()));
            }
            _ => {}
        }
        match &mut self.end {
            Some(End::During { done, before }) if call.mutating && *done == applied => {
                if *before > 0 {
                    *before -= 1;
                    return true;
                }
                self.end = None;
                self.tell(format!("the daemon dies during {:?}", call.endpoint));
                self.stragglers.push(passing);
                false
            }
            _ => true,
        }
    }

    fn shows(&mut self, id: &ConversationId) {
        let Some(seen) = self.fake.conversation(id) else { return };
        let shown = Shown { at: self.clock.now(), seen, ticket: self.tickets.contains(id) };
        self.shown.insert(id.clone(), shown);
    }

    /// The contact writes while something is done to the conversation: in the second of what was before, or a little later.
    fn somebody_interjects(&mut self) {
        let Some(id) = self.current.clone().filter(|_| self.dice.chance(self.interjections)) else { return };
        let time = *self.dice.pick(&[0, 0, 90, 400]);
        self.clock.advance(SignedDuration::from_millis(time));
        self.tell(format!("the contact of {id} interjects"));
        self.fake.contact_replies(&id, "One more thing.");
        self.collect_mail();
    }

    /// An operator may speak between the look and the deed: that still counts.
    async fn is_interrupted(&mut self) {
        let Some(id) = self.current.clone() else { return };
        let store = self.store.clone().filter(|_| self.dice.chance(self.interruptions));
        if let Some(store) = store {
            let now = self.clock.now();
            if self.dice.chance(50) {
                store.hold(&Workspace::default().app_id, &id, None, now).await.unwrap();
                self.held.insert(id.clone());
            } else {
                store.pause(None, now).await.unwrap();
                self.paused = true;
            }
            self.tell(format!("an operator interrupts the deed in {id}"));
        }
        let held = self.held.contains(&id).then_some("it is held by hand");
        self.forbidden = self.paused.then_some("everything is paused").or(held);
    }
}

fn conversation_of(path: &str) -> Option<ConversationId> {
    let rest = path.strip_prefix("/conversations/")?;
    let id = rest.split(['/', '?']).next()?;
    ConversationId::try_from(id).ok()
}
