//! The whole daemon, put together: listeners, writer, sweep, reconcile, and who wakes them.
//!
//! Owns: starting and stopping in the right order, and that no job overlaps itself. Refuses: doing any of the work.
//! The demo and the tests run this same daemon; they only bring their own clock and another address for Intercom.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::board::{Board, Run};
use crate::clock::Clock;
use crate::config::{self, Config, Mode, Secrets};
use crate::health::{self, Health};
use crate::identity::{self, Expected};
use crate::intercom::client::ClientSettings;
use crate::intercom::text::TextKey;
use crate::intercom::{Intercom, signature};
use crate::receiver::{self, Receiver};
use crate::reconcile::{self, Reconciled};
use crate::safety::{self, Acting, Blocked, Limits};
use crate::scheduler::Scheduler;
use crate::server;
use crate::standpoint::Standpoint;
use crate::store::{KeepBodies, Store, StoreError};
use crate::sweep::{Settings, Sweeper, Swept};
use crate::tally::Tally;
use crate::writer::Writer;

/// A look at the workspace that failed before the first one succeeded is tried again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// How long running jobs may take to end when the daemon stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Why the daemon cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database is refused or fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}; stop what occupies it, or set [{section}] listen to another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Its section in the configuration.
        section: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The client cannot be built.
    #[error(transparent)]
    Client(#[from] crate::intercom::client::SetupError),
    /// The scheduler refuses a time.
    #[error("the schedule was refused")]
    Schedule(#[from] tokio_cron_scheduler::JobSchedulerError),
}

/// A daemon that runs.
#[derive(Debug)]
pub struct Daemon {
    jobs: Arc<Jobs>,
    store: Store,
    public: SocketAddr,
    admin: SocketAddr,
    scheduler: Scheduler,
    shutdown: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    writing: JoinHandle<()>,
}

/// What is woken: never two of the same at once.
#[derive(Debug)]
struct Jobs {
    sweeper: Sweeper,
    expected: Expected,
    probe: Duration,
    retention: SignedDuration,
    tally: Arc<Tally>,
    sweeping: Mutex<()>,
    looking: Mutex<LastLook>,
    asked_at: Mutex<Option<Duration>>,
}

#[derive(Debug, Default)]
struct LastLook {
    failed_at: Option<Duration>,
}

/// What became of a wish to sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sweeping {
    /// It ran.
    Ran(Swept),
    /// Nothing may be done at present.
    Blocked(Blocked),
    /// It ended early.
    Failed(String),
    /// The one before still runs.
    Busy,
}

impl Daemon {
    /// Starts everything. When it returns, notifications are accepted; acting begins after the first complete look.
    pub async fn start(config: &Config, secrets: &Secrets, clock: Clock) -> Result<Daemon, StartError> {
        let public = listen(config.server.listen, "server").await?;
        let admin = listen(config.admin.listen, "admin").await?;
        let store = Store::open(&database_path(config)).await?;
        let text_key = TextKey::new(&store.text_key().await?);
        let intercom =
            Intercom::new(client_settings(config), secrets.access_token.clone(), text_key.clone(), clock.clone())?;
        let expected = expected(config);
        let standpoint = Standpoint::new(
            clock,
            intercom.clone(),
            Arc::new(config.rules.clone()),
            config.mode == Mode::DryRun,
            keep_bodies(config),
            identity::remembered(&store, &expected).await?,
        );
        reschedule_if_changed(&store, &standpoint, config).await?;
        let (writer, writing) = Writer::start(store.clone(), standpoint.clone());
        let (board, tally) = (Arc::new(Board::default()), Arc::new(Tally::default()));
        let sweeper = Sweeper {
            store: store.clone(),
            intercom: intercom.clone(),
            standpoint: standpoint.clone(),
            board: Arc::clone(&board),
            settings: settings(config),
        };
        let health = Health {
            store: store.clone(),
            intercom,
            standpoint,
            board,
            tally: Arc::clone(&tally),
            configured: configured(config),
        };
        let receiver = Receiver {
            secrets: Arc::new(signature::Secrets::new(&secrets.client_secrets)),
            text_key: Arc::new(text_key),
            max_body: config.server.max_body,
            writer,
            tally: Arc::clone(&tally),
        };
        let jobs = Arc::new(Jobs::new(sweeper, expected, config, tally));
        let shutdown = CancellationToken::new();
        let routes =
            receiver::routes(&config.server.webhook_path, receiver).merge(health::public_routes(health.clone()));
        let addresses = (address(&public, config.server.listen), address(&admin, config.admin.listen));
        let tasks = vec![
            tokio::spawn(serve(public, routes, shutdown.clone())),
            tokio::spawn(serve(admin, health::admin_routes(health), shutdown.clone())),
        ];
        let scheduler = Scheduler::new().await?;
        Ok(Daemon { jobs, store, public: addresses.0, admin: addresses.1, scheduler, shutdown, tasks, writing })
    }

    /// Lets the schedule of the configuration wake the jobs, and looks at the workspace for the first time.
    pub async fn run_by_schedule(&self, config: &Config) -> Result<(), StartError> {
        let jobs = Arc::clone(&self.jobs);
        self.scheduler
            .wake(&config.schedule.sweep, move || {
                let jobs = Arc::clone(&jobs);
                async move { guarded("sweep", async move { jobs.tick().await }).await }
            })
            .await?;
        let jobs = Arc::clone(&self.jobs);
        self.scheduler
            .wake(&config.schedule.reconcile, move || {
                let jobs = Arc::clone(&jobs);
                async move { guarded("reconcile", async move { jobs.look_and_tidy().await }).await }
            })
            .await?;
        self.scheduler.start().await?;
        let jobs = Arc::clone(&self.jobs);
        tokio::spawn(async move { drop(jobs.look().await) });
        Ok(())
    }

    /// Where notifications are received.
    pub fn public_address(&self) -> SocketAddr {
        self.public
    }

    /// Where health is told in detail.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The database, for whoever wants to look.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// One sweep now, if it may.
    pub async fn sweep(&self) -> Sweeping {
        self.jobs.sweep().await
    }

    /// One look at the workspace now. The error is in words.
    pub async fn reconcile(&self) -> Result<Reconciled, String> {
        self.jobs.look().await
    }

    /// Stops: accepts no more, answers what was accepted, lets running jobs end, closes the database.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.scheduler.stop().await;
        for task in self.tasks {
            end("a listener", task).await;
        }
        let ended = async {
            drop(self.jobs.sweeping.lock().await);
            drop(self.jobs.looking.lock().await);
        };
        if tokio::time::timeout(DRAIN, ended).await.is_err() {
            tracing::warn!(
                "a job still ran when the daemon stopped; what it had begun is looked into at the next start"
            );
        }
        end("the writer", self.writing).await;
        drop(self.jobs);
        self.store.close().await;
    }
}

async fn end(what: &str, task: JoinHandle<()>) {
    match tokio::time::timeout(DRAIN, task).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(error = %error, "{what} ended badly"),
        Err(_) => tracing::warn!("{what} did not end in time"),
    }
}

/// A panic in a job must neither stay unseen nor end the schedule.
async fn guarded(name: &'static str, job: impl Future<Output = ()> + Send + 'static) {
    if let Err(error) = tokio::spawn(job).await {
        tracing::error!(error = %error, "the {name} panicked");
    }
}

async fn serve(listener: TcpListener, routes: axum::Router, shutdown: CancellationToken) {
    let served = server::serve(listener, routes, server::Limits::default(), shutdown).await;
    if served.cut > 0 {
        tracing::warn!(connections = served.cut, "cut connections that did not end in time");
    }
}

async fn listen(address: SocketAddr, section: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, section, source })
}

fn address(listener: &TcpListener, configured: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(configured)
}

impl Jobs {
    fn new(sweeper: Sweeper, expected: Expected, config: &Config, tally: Arc<Tally>) -> Jobs {
        Jobs {
            sweeper,
            expected,
            probe: config.intercom.probe,
            retention: config.database.retention,
            tally,
            sweeping: Mutex::new(()),
            looking: Mutex::new(LastLook::default()),
            asked_at: Mutex::new(None),
        }
    }

    /// What the schedule wakes: finds out who we are if that is open, looks if nobody has yet, and sweeps.
    async fn tick(&self) {
        if !self.sweeper.board.looked() && self.may_look_again() {
            drop(self.look().await);
        }
        self.ask_if_refused().await;
        match self.sweep().await {
            Sweeping::Busy => self.tally.skipped_sweep(),
            Sweeping::Blocked(why) => tracing::debug!(why = %why, "nothing is done"),
            Sweeping::Ran(_) | Sweeping::Failed(_) => {}
        }
    }

    async fn sweep(&self) -> Sweeping {
        let Ok(_alone) = self.sweeping.try_lock() else { return Sweeping::Busy };
        let sweeper = &self.sweeper;
        let acting = match safety::may_act(&sweeper.board, &sweeper.standpoint, &sweeper.intercom) {
            Ok(acting) => acting,
            Err(why) => {
                self.note_sweep(Err(format!("nothing is done: {why}")));
                return Sweeping::Blocked(why);
            }
        };
        match sweeper.sweep(&acting).await {
            Ok(swept) => {
                self.note_sweep(Ok(format!(
                    "{} done, {} ended otherwise, {} waiting",
                    swept.done, swept.other, swept.waiting
                )));
                Sweeping::Ran(swept)
            }
            Err(error) => {
                tracing::warn!(error = %error, "the sweep ended early; what it had not reached stays due");
                self.note_sweep(Err(error.to_string()));
                Sweeping::Failed(error.to_string())
            }
        }
    }

    async fn look(&self) -> Result<Reconciled, String> {
        let mut last = self.looking.lock().await;
        let result = self.look_now().await;
        last.failed_at = result.is_err().then(|| self.sweeper.standpoint.clock().elapsed());
        let told = match &result {
            Ok(found) => Ok(format!("{} listed, {} read", found.listed, found.changed)),
            Err(why) => Err(why.clone()),
        };
        self.sweeper.board.reconciled(self.run(told));
        if let Err(why) = &result {
            tracing::warn!(error = %why, "the look at the workspace failed; trying again");
        }
        result
    }

    async fn look_now(&self) -> Result<Reconciled, String> {
        self.ask().await?;
        let sweeper = &self.sweeper;
        if let Some(mismatch) = sweeper.board.mismatch() {
            return Err(mismatch);
        }
        let identity = sweeper.standpoint.identity();
        let (Some(app_id), Some(admin_id)) = (identity.app_id, identity.admin_id) else {
            return Err("Intercom did not say whose token it is; set [intercom] app_id and admin_id".into());
        };
        let found = reconcile::reconcile(sweeper, &Acting { app_id, admin_id }).await;
        found.map_err(|error| error.to_string())
    }

    async fn look_and_tidy(&self) {
        drop(self.look().await);
        let before = self.sweeper.standpoint.clock().now() - self.retention;
        match self.sweeper.store.prune(before).await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "forgot old notification ids and bodies"),
            Err(error) => tracing::warn!(error = %error, "old notification ids could not be forgotten"),
        }
    }

    /// Whether a look may be tried: none is going on, and none failed just now.
    fn may_look_again(&self) -> bool {
        let Ok(last) = self.looking.try_lock() else { return false };
        let now = self.sweeper.standpoint.clock().elapsed();
        last.failed_at.is_none_or(|failed| now.saturating_sub(failed) >= LOOK_AGAIN)
    }

    /// Asks Intercom again, every `probe`, whether it lets us in.
    async fn ask_if_refused(&self) {
        let board = &self.sweeper.board;
        if board.refused().is_none() && board.mismatch().is_none() {
            return;
        }
        let now = self.sweeper.standpoint.clock().elapsed();
        let asked_at = *self.asked_at.lock().await;
        if asked_at.is_none_or(|asked| now.saturating_sub(asked) >= self.probe) {
            if let Err(why) = self.ask().await {
                tracing::warn!(error = %why, "Intercom still refuses us");
            }
        }
    }

    async fn ask(&self) -> Result<(), String> {
        let sweeper = &self.sweeper;
        *self.asked_at.lock().await = Some(sweeper.standpoint.clock().elapsed());
        let asked =
            identity::ask(&sweeper.intercom, &sweeper.store, &sweeper.standpoint, &sweeper.board, &self.expected).await;
        asked.map_err(|error| error.to_string())
    }

    fn note_sweep(&self, result: Result<String, String>) {
        self.sweeper.board.swept(self.run(result));
    }

    fn run(&self, result: Result<String, String>) -> Run {
        let clock = self.sweeper.standpoint.clock();
        Run { at: clock.now(), elapsed: clock.elapsed(), result }
    }
}

/// `due_at` is a cache of the decision: when what it depends on has changed, every conversation is decided on again.
async fn reschedule_if_changed(store: &Store, standpoint: &Standpoint, config: &Config) -> Result<(), StoreError> {
    let context = standpoint.context();
    let fingerprint = fingerprint(config);
    if context.app_id.is_none() || store.setting("decided_by").await?.as_deref() == Some(&fingerprint) {
        return Ok(());
    }
    let count = store.reschedule_all(&context).await?;
    store.set_setting("decided_by", &fingerprint).await?;
    tracing::info!(
        conversations = count,
        "decided again on every conversation, as rules, mode or version have changed"
    );
    Ok(())
}

/// Digest of everything that a decision depends on beside the conversation.
fn fingerprint(config: &Config) -> String {
    let depends = format!("{} {:?} {:?}", env!("CARGO_PKG_VERSION"), config.mode, config.rules);
    crate::engine::rule::digest(&depends)
}

fn database_path(config: &Config) -> PathBuf {
    config.database.path.clone()
}

fn client_settings(config: &Config) -> ClientSettings {
    ClientSettings {
        base_url: config.intercom.base_url.clone(),
        api_version: config.intercom.api_version.clone(),
        timeout: config.intercom.timeout,
        requests_per_10s: config.intercom.requests_per_10s,
    }
}

fn expected(config: &Config) -> Expected {
    Expected {
        app_id: config.intercom.app_id.clone(),
        admin_id: config.intercom.admin_id.clone(),
        region: region(config),
    }
}

/// The region that the address belongs to; a proxy or a test has none.
fn region(config: &Config) -> Option<&'static str> {
    match config.intercom.base_url.host_str() {
        Some("api.intercom.io") => Some("US"),
        Some("api.eu.intercom.io") => Some("EU"),
        Some("api.au.intercom.io") => Some("AU"),
        _ => None,
    }
}

fn keep_bodies(config: &Config) -> KeepBodies {
    match config.database.keep_bodies {
        config::KeepBodies::Odd => KeepBodies::Odd,
        config::KeepBodies::All => KeepBodies::All,
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        dry_run: config.mode == Mode::DryRun,
        limits: Limits {
            actions_per_sweep: config.safety.max_actions_per_sweep,
            closes_per_hour: config.safety.max_closes_per_hour,
            messages_per_hour: config.safety.max_messages_per_hour,
        },
        unclear_quiet: config.safety.unclear_quiet,
        timezone: config.timezone.clone(),
    }
}

fn configured(config: &Config) -> String {
    let rules = config.rules.rules.len();
    let mode = if config.mode == Mode::DryRun { "dry-run: nothing is sent" } else { "live" };
    format!("{rules} rule{}, {mode}", if rules == 1 { "" } else { "s" })
}
