//! A workspace with its people, a daemon on one database, the post between them, and two clocks; all of it moved by
//! dice. What happens at Intercom and at every named point of a deed is seen here first, and judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use autoclosed::clock::ManualClock;
use autoclosed::config::{self, Config};
use autoclosed::daemon::Daemon;
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Delivered, Endpoint, FakeIntercom, Passing, Seen, Workspace};
use autoclosed::rulebook::{Edition, Rulebook};
use autoclosed::sabotage::{InForce, Point, Then, at_points};
use autoclosed::store::{Context, KeepBodies, Store};
use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Row};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;

use super::dice::Dice;
use super::laws::{self, Arrival, Spent};
use super::plans::{self, Plan};
use super::truth::{Opening, Who, is_ours, last_of, said};
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
    at: Timestamp,
    seen: Seen,
    ticket: bool,
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
    gate: UnboundedReceiver<Passing>,
    points: UnboundedReceiver<(Point, Arc<Notify>)>,
    _hook: InForce,
    folder: tempfile::TempDir,
    pub(crate) again: bool,
    pub(crate) daemon: Option<Daemon>,
    store: Option<Store>,
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
    forbidden: Option<&'static str>,
    peek: Option<SqliteConnection>,
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
    stragglers: Vec<Passing>,
    shown: BTreeMap<ConversationId, Shown>,
    /// When it was last written down that a call leaves.
    written_at: Timestamp,
    /// Our closes, each with the last contact's part that the look before it showed.
    closes: BTreeMap<ConversationId, Vec<(u64, u64)>>,
    spent: Vec<Spent>,
    looked: bool,
    pub(crate) deaths: usize,
    pub(crate) deeds: usize,
    pub(crate) story: Vec<String>,
    broken: Option<Broken>,
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

    /// Judges a call that changes something, before it does.
    async fn arrives(&mut self, id: &ConversationId, endpoint: Endpoint) {
        let rows = self.attempts(id).await;
        let kind = kind_of(endpoint);
        let main = rows.iter().find(|row| row.phase == "unclear" && row.step.starts_with(kind));
        let follows = rows.iter().any(|row| row.follow_up.is_some() || row.phase == "unclear");
        self.tell(format!("{endpoint:?} arrives for {id}"));
        let Some(row) = main else {
            if !follows {
                self.breaks("I15: it is written down before it is asked for", format!("{endpoint:?} on {id}"));
            }
            return;
        };
        let Some(spec) = self.plan.spec(&row.rule) else { return };
        let Some((_, opening)) = self.talks.iter().find(|(known, _)| known == id) else { return };
        let Some(shown) = self.shown.get(id) else {
            return self
                .breaks("P2: decided on what was read within two seconds before", format!("{id} was never read"));
        };
        let arrival = Arrival {
            now: self.clock.now(),
            endpoint,
            spec,
            step: &row.step,
            anchor: row.anchor,
            opening: *opening,
            shown: &shown.seen,
            age: self.written_at.duration_since(shown.at),
            ticket: shown.ticket,
            forbidden: self.forbidden,
            wall_wrong_by: self.wrong_by,
            dry_run: self.dry_run,
            looked: self.looked,
        };
        let wrong = laws::ON_ARRIVAL.iter().find_map(|(law, is)| is(&arrival).map(|how| (*law, how)));
        if let Some((law, how)) = wrong {
            self.breaks(law, format!("`{}` of `{}` on {id}: {how}", row.step, row.rule));
        }
    }

    fn is_done(&mut self, id: &ConversationId, endpoint: Endpoint, with_text: bool) {
        self.deeds += 1;
        let Some(seen) = self.fake.conversation(id) else { return };
        let Some((_, opening)) = self.talks.iter().find(|(known, _)| known == id).cloned() else { return };
        let close = endpoint == Endpoint::Close;
        if close {
            let part =
                seen.parts.iter().rev().find(|part| part.kind == "close" && is_ours(part)).map_or(0, |part| part.id);
            let known = self.shown.get(id).and_then(|shown| last_of(&said(opening, &shown.seen), &[Who::Contact]));
            self.closes.entry(id.clone()).or_default().push((part, known.map_or(0, |said| said.part)));
        }
        let message = endpoint == Endpoint::Reply || (close && with_text);
        if close || message {
            self.spent.push(Spent { at: self.clock.now(), close, message });
        }
        if let Some(how) = laws::within_budgets(&self.spent).filter(|_| !self.generous) {
            self.breaks("P8: budgets of every sliding hour", how);
        }
        if let Some(how) = laws::said_once(opening, &seen) {
            self.breaks("P3: every message once in a silence", format!("{id}: {how}"));
        }
    }

    pub(crate) fn breaks(&mut self, law: &'static str, how: String) {
        self.broken.get_or_insert(Broken { law, how });
    }

    pub(crate) fn quiet(&mut self) -> Result<(), Broken> {
        self.broken.take().map_or(Ok(()), Err)
    }

    /// Closes that Intercom has done.
    pub(crate) fn count_closes(&self) -> usize {
        self.closes.values().map(Vec::len).sum()
    }

    /// I22, for whoever knows that everything has been put right by now.
    pub(crate) fn nothing_is_closed_over(&mut self) -> Result<(), Broken> {
        for (id, opening) in &self.talks {
            let closes = self.closes.get(id).map_or(&[][..], Vec::as_slice);
            let wrong = self.fake.conversation(id).and_then(|seen| laws::not_closed_over(*opening, &seen, closes));
            if let Some(how) = wrong {
                return Err(Broken { law: "I22: what slips in is reopened", how: format!("{id}: {how}") });
            }
        }
        Ok(())
    }

    async fn peek(&mut self) -> &mut SqliteConnection {
        if self.peek.is_none() {
            let options = SqliteConnectOptions::new().filename(self.database()).read_only(true);
            self.peek = Some(options.connect().await.unwrap());
        }
        self.peek.as_mut().unwrap()
    }

    /// Everything that is written down about it.
    pub(crate) async fn attempts(&mut self, id: &ConversationId) -> Vec<Attempt> {
        let sql = "SELECT rule, step, anchor_at / 1000, phase, follow_up, outcome, why FROM attempt WHERE conversation_id = $1 ORDER BY id DESC";
        let rows = sqlx::query(sql).bind(id.as_str()).fetch_all(self.peek().await).await.unwrap();
        let row = |row: &sqlx::sqlite::SqliteRow| Attempt {
            rule: row.get(0),
            step: row.get(1),
            anchor: row.get(2),
            phase: row.get(3),
            follow_up: row.get(4),
            outcome: row.get(5),
            why: row.get(6),
        };
        rows.iter().map(row).collect()
    }

    /// What the daemon would say of it now.
    pub(crate) async fn reasons(&self, id: &ConversationId) -> String {
        let Some(daemon) = &self.daemon else { return String::new() };
        let context = Context {
            app_id: Some(Arc::from(Workspace::default().app_id)),
            admin_id: Some(Arc::from(Workspace::default().token_admin)),
            rulebook: Rulebook::new(Edition::new(self.config().rules, false)),
            keep_bodies: KeepBodies::Odd,
            now: self.clock.now(),
        };
        let decided = daemon.store().decided(id, &context).await.unwrap();
        decided.map_or_else(|| "nothing is known of it".to_owned(), |decided| decided.decision.why().to_string())
    }

    /// Rows that this query finds, as text.
    pub(crate) async fn ask(&mut self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(self.peek().await).await.unwrap()
    }
}

/// An attempt as the database has it.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) rule: String,
    pub(crate) step: String,
    anchor: i64,
    pub(crate) phase: String,
    pub(crate) follow_up: Option<String>,
    pub(crate) outcome: String,
    pub(crate) why: String,
}

fn conversation_of(path: &str) -> Option<ConversationId> {
    let rest = path.strip_prefix("/conversations/")?;
    let id = rest.split(['/', '?']).next()?;
    ConversationId::try_from(id).ok()
}

fn kind_of(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Close => "close",
        Endpoint::Reply => "reply",
        Endpoint::Note => "note",
        Endpoint::Snooze => "snooze",
        Endpoint::Open => "open",
        Endpoint::Assign => "assign",
        Endpoint::Tag => "tag",
        Endpoint::Untag => "untag",
        Endpoint::Update => "update",
        _ => "-",
    }
}
