//! The whole daemon, put together: listeners, writer, sweep, reconcile, and who wakes them.
//!
//! Owns: starting and stopping in the right order, and that no job overlaps itself. Refuses: doing any of the work.
//! The demo and the tests run this same daemon; they only bring their own clock and another address for Intercom.

mod asking;
mod crew;
mod damage;
mod jobs;
mod lookout;
mod naming;
mod parts;
mod progress;
mod reload;
mod standby;
mod undoer;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::{Config, Secrets, longest_gap};
use crate::health::{self, Health, Report};
use crate::intercom::signature;
use crate::metrics::{self, Metrics};
use crate::receiver::{self, Receiver};
use crate::reconcile::Reconciled;
use crate::safety::Blocked;
use crate::scheduler::Scheduler;
use crate::server::{self, Called};
use crate::store::{Store, StoreError};
use crate::systemd::sockets::{Listener, Sockets, SocketsError};
use crate::tenure::{Lock, Locked, Tenure, Turn};
use crate::writer::Writer;

pub(crate) use self::jobs::DECIDED_BY;
use self::jobs::Jobs;
pub use self::jobs::{LookError, Sweeping};
pub use self::lookout::Lookout;
pub(crate) use self::parts::{client_settings, edition, expected, keep_bodies, limits};
pub use self::progress::Stall;
use self::progress::{Patience, Progress};
pub use self::reload::ReloadError;
pub use self::undoer::Undoer;

/// How long running jobs may take to end when the daemon stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Why the daemon cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database is refused or fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address}; stop what occupies it, perhaps another autoclosed, or set [{section}] listen to another address"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Its section in the configuration.
        section: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A socket that systemd passes cannot be served.
    #[error(transparent)]
    Sockets(#[from] SocketsError),
    /// Another daemon acts on the database, which has an older schema: it cannot be brought up to date under it.
    #[error(
        "another autoclosed runs on this database, and it is an older version; stop that one first, then start this one again: it brings the database up to date"
    )]
    OlderRuns(#[source] StoreError),
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
    started_with: Config,
    client_secrets: signature::Secrets,
    public: SocketAddr,
    admin: SocketAddr,
    health: Health,
    progress: Progress,
    scheduler: Scheduler,
    heeding: TaskTracker,
    shutdown: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    writing: JoinHandle<()>,
}

impl Daemon {
    /// Starts everything. When it returns, notifications are accepted; acting begins after the first complete look.
    pub async fn start(config: &Config, secrets: &Secrets, clock: Clock) -> Result<Daemon, StartError> {
        Daemon::start_on(config, secrets, clock, &Sockets::default()).await
    }

    /// The same on what systemd has passed; what it has not is opened.
    pub async fn start_on(
        config: &Config,
        secrets: &Secrets,
        clock: Clock,
        passed: &Sockets,
    ) -> Result<Daemon, StartError> {
        Box::pin(Daemon::put_together(config, secrets, clock, passed)).await
    }

    async fn put_together(
        config: &Config,
        secrets: &Secrets,
        clock: Clock,
        passed: &Sockets,
    ) -> Result<Daemon, StartError> {
        let public = listen(config.server.listen, Listener::Webhook, passed)?;
        let admin = listen(config.admin.listen, Listener::Admin, passed)?;
        let (store, tenure) = open(&config.database.path, clock.clone()).await?;
        let turn = tenure.attempt().await?;
        let mut sweeper = crew::sweeper(config, secrets, store.clone(), clock.clone()).await?;
        sweeper.intercom = sweeper.intercom.trusting(tenure.trust().clone());
        sweeper.tenure = Some(tenure);
        if turn == Turn::StandsBy {
            tracing::info!("{}", Blocked::StandsBy);
            sweeper.board.set_stands_by(true);
        } else {
            store.begins_to_listen(sweeper.standpoint.now()).await?;
        }
        let (writer, writing) = Writer::start(store.clone(), sweeper.standpoint.clone());
        let client_secrets = signature::Secrets::new(&secrets.client_secrets);
        let health = Health {
            store: store.clone(),
            intercom: sweeper.intercom.clone(),
            standpoint: sweeper.standpoint.clone(),
            board: Arc::clone(&sweeper.board),
            tally: Arc::clone(&sweeper.tally),
            gaps: (longest_gap(&config.schedule.sweep), longest_gap(&config.schedule.reconcile)),
            kept: Arc::default(),
        };
        let receiver = Receiver {
            secrets: client_secrets.clone(),
            lens: sweeper.intercom.lens().clone(),
            bodies: server::Bodies::up_to(config.server.max_body),
            writer: writer.clone(),
            tally: Arc::clone(&sweeper.tally),
            clock,
        };
        let ((public_call, public_called), (admin_call, admin_called)) = (server::roll_call(), server::roll_call());
        let metrics = Metrics::new(health.clone(), writer.queue());
        let progress = Progress {
            writer,
            listeners: [("server", public_call), ("admin", admin_call)],
            board: Arc::clone(&sweeper.board),
            patience: Patience::of(config),
        };
        let jobs = Arc::new(Jobs::new(sweeper, expected(config), config));
        let shutdown = CancellationToken::new();
        let routes =
            receiver::routes(&config.server.webhook_path, receiver).merge(health::public_routes(health.clone()));
        let private = health::admin_routes(health.clone()).merge(metrics::routes(metrics));
        let addresses = (address(&public, config.server.listen), address(&admin, config.admin.listen));
        let tasks = vec![
            tokio::spawn(serve(public, routes, shutdown.clone(), public_called)),
            tokio::spawn(serve(admin, private, shutdown.clone(), admin_called)),
        ];
        let scheduler = Scheduler::new().await?;
        Ok(Daemon {
            jobs,
            store,
            started_with: config.clone(),
            client_secrets,
            public: addresses.0,
            admin: addresses.1,
            health,
            progress,
            scheduler,
            heeding: TaskTracker::new(),
            shutdown,
            tasks,
            writing,
        })
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
        self.jobs.sweeper.board.pulse().sign(Instant::now());
        let jobs = Arc::clone(&self.jobs);
        tokio::spawn(guarded("first look", async move { drop(jobs.look().await) }));
        let (jobs, shutdown) = (Arc::clone(&self.jobs), self.shutdown.clone());
        let keeping = Arc::clone(&self.jobs).keep_the_lease(shutdown.clone());
        self.heeding.spawn(guarded("keeping of the lease", keeping));
        let heeding = async move { jobs.heed_the_operator(shutdown).await };
        self.heeding.spawn(guarded("watch for an operator's word", heeding));
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

    /// Every check of health.
    pub async fn health(&self) -> Report {
        self.health.report().await
    }

    /// The workspace was not looked at yet, and nothing has kept us from it so far.
    pub fn is_before_its_first_look(&self) -> bool {
        let board = &self.jobs.sweeper.board;
        !board.looked() && !board.stands_by() && board.reconcile().is_none_or(|look| look.result.is_ok())
    }

    /// Another daemon acts on the same database.
    pub fn stands_by(&self) -> bool {
        self.jobs.sweeper.board.stands_by()
    }

    /// One sweep now, if it may.
    pub async fn sweep(&self) -> Sweeping {
        Box::pin(self.jobs.sweep()).await
    }

    /// What the schedule of sweeps wakes: a sweep, and before it whatever keeps one from running.
    pub async fn tick(&self) {
        Box::pin(self.jobs.tick()).await;
    }

    /// One look at the workspace now. The error is in words.
    pub async fn reconcile(&self) -> Result<Reconciled, String> {
        Box::pin(self.jobs.look()).await
    }

    /// What the schedule of looks wakes after each: forgets what is older than `retention`.
    pub async fn tidy(&self) {
        self.jobs.tidy().await;
    }

    /// Stops: accepts no more, answers what was accepted, begins no other deed, lets running jobs end, closes the
    /// database.
    pub async fn stop(self) {
        self.jobs.sweeper.board.set_stops();
        self.shutdown.cancel();
        // They hold the writer and the database, which end when nobody does.
        drop((self.health, self.progress));
        self.scheduler.stop().await;
        for task in self.tasks {
            end("a listener", task).await;
        }
        let ended = async {
            drop(self.jobs.sweeping.lock().await);
            drop(self.jobs.looking.lock().await);
        };
        let drained = tokio::time::timeout(DRAIN, ended).await.is_ok();
        if !drained {
            tracing::warn!(
                "a job still ran when the daemon stopped; what it had begun is looked into at the next start"
            );
        }
        self.heeding.close();
        if tokio::time::timeout(DRAIN, self.heeding.wait()).await.is_err() {
            tracing::warn!("what an operator's word had begun did not end in time");
        }
        end("the writer", self.writing).await;
        self.jobs.end(drained).await;
        drop(self.jobs);
        self.store.close().await;
    }
}

/// The database, and the wish to act on it. Its schema is brought up to date only where nobody else acts.
async fn open(path: &Path, clock: Clock) -> Result<(Store, Tenure), StartError> {
    // Nothing is made beside a file of somebody else's.
    Store::refuse_others(path).await?;
    let mut lock = Lock::beside(path);
    let store = match lock.take() {
        Locked::Ours | Locked::Untold => Store::open(path).await?,
        Locked::Anothers => Store::open_beside(path).await.map_err(|error| match error {
            StoreError::Older { .. } => StartError::OlderRuns(error),
            error => error.into(),
        })?,
    };
    Ok((store.clone(), Tenure::new(store, lock, clock)))
}

#[cfg(feature = "sabotage")]
impl Daemon {
    /// Ends as a killed process does: nothing is drained, settled or written down any more. Whoever runs one of its
    /// jobs drops that first.
    pub async fn dies(self) {
        for task in self.tasks.iter().chain([&self.writing]) {
            task.abort();
        }
        for task in self.tasks {
            // It was aborted, or had ended before.
            let _aborted = task.await.is_err();
        }
    }
}

async fn end(what: &str, task: JoinHandle<()>) {
    match tokio::time::timeout(DRAIN, task).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => tracing::error!("{what} panicked"),
        Err(_) => tracing::warn!("{what} did not end in time"),
    }
}

/// A panic in a job must neither stay unseen nor end the schedule. What it said could hold a customer's words: the log
/// has its place already.
async fn guarded(name: &'static str, job: impl Future<Output = ()> + Send + 'static) {
    if tokio::spawn(job).await.is_err() {
        tracing::error!("the {name} panicked");
    }
}

async fn serve(listener: TcpListener, routes: axum::Router, shutdown: CancellationToken, called: Called) {
    let served = server::serve(listener, routes, server::Limits::default(), shutdown, called).await;
    if served.cut > 0 {
        tracing::warn!(connections = served.cut, "cut connections that did not end in time");
    }
}

fn listen(address: SocketAddr, listener: Listener, passed: &Sockets) -> Result<TcpListener, StartError> {
    let listening = match passed.of(listener, address)? {
        Some(socket) => {
            tracing::info!(section = listener.section(), "listening on the socket that systemd keeps");
            server::adopt(socket)
        }
        None => server::bind(address),
    };
    listening.map_err(|source| StartError::Listen { address, section: listener.section(), source })
}

fn address(listener: &TcpListener, configured: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(configured)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_job_does_not_end_the_schedule() {
        let scheduler = Scheduler::new().await.unwrap();
        let (woken, mut rounds) = tokio::sync::mpsc::unbounded_channel();
        let round = Arc::new(AtomicU32::new(0));
        let job = move || {
            let (woken, round) = (woken.clone(), Arc::clone(&round));
            guarded("job", async move {
                let now = round.fetch_add(1, Ordering::SeqCst);
                woken.send(now).unwrap();
                assert_ne!(now, 0, "on purpose");
            })
        };
        scheduler.wake("* * * * * *", job).await.unwrap();
        scheduler.start().await.unwrap();
        let patience = Duration::from_secs(20);
        for wanted in 0..2 {
            let round = tokio::time::timeout(patience, rounds.recv()).await.unwrap();
            assert_eq!(round, Some(wanted));
        }
        scheduler.stop().await;
    }
}
