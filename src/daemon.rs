//! The whole daemon, put together: listeners, writer, sweep, reconcile, and who wakes them.
//!
//! Owns: starting and stopping in the right order, and that no job overlaps itself. Refuses: doing any of the work.
//! The demo and the tests run this same daemon; they only bring their own clock and another address for Intercom.

mod jobs;
mod naming;
mod parts;
mod reload;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::board::Board;
use crate::clock::Clock;
use crate::config::{Config, Secrets, longest_gap};
use crate::health::{self, Health};
use crate::identity::{self};
use crate::intercom::lens::Lens;
use crate::intercom::text::TextKey;
use crate::intercom::{Intercom, signature};
use crate::metrics::{self, Metrics};
use crate::names::Names;
use crate::receiver::{self, Receiver};
use crate::reconcile::Reconciled;
use crate::rulebook::Rulebook;
use crate::scheduler::Scheduler;
use crate::server;
use crate::standpoint::Standpoint;
use crate::store::{Store, StoreError};
use crate::sweep::Sweeper;
use crate::tally::Tally;
use crate::writer::Writer;

use self::jobs::Jobs;
pub use self::jobs::Sweeping;
pub(crate) use self::parts::{client_settings, edition, expected, keep_bodies};
use self::parts::{configured, settings, tolerance};
pub use self::reload::ReloadError;

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
    started_with: Config,
    client_secrets: signature::Secrets,
    public: SocketAddr,
    admin: SocketAddr,
    scheduler: Scheduler,
    heeding: TaskTracker,
    shutdown: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    writing: JoinHandle<()>,
}

impl Daemon {
    /// Starts everything. When it returns, notifications are accepted; acting begins after the first complete look.
    pub async fn start(config: &Config, secrets: &Secrets, clock: Clock) -> Result<Daemon, StartError> {
        let public = listen(config.server.listen, "server").await?;
        let admin = listen(config.admin.listen, "admin").await?;
        let store = Store::open(&config.database.path.clone()).await?;
        let lens = Lens::new(TextKey::new(&store.text_key().await?));
        lens.watch(config.rules.attributes());
        let intercom =
            Intercom::new(client_settings(config), secrets.access_token.clone(), lens.clone(), clock.clone())?;
        let names = Names::remembered(&store).await?;
        let (expected, edition) = (expected(config), edition(config, &names));
        // Before the first notification is decided on by them.
        reload::unsettle(&store, &edition).await?;
        let standpoint = Standpoint::new(
            clock.clone(),
            intercom.clone(),
            Rulebook::new(edition),
            keep_bodies(config),
            identity::remembered(&store, &expected).await?,
            names,
        );
        store.begins_to_listen(standpoint.now()).await?;
        let (writer, writing) = Writer::start(store.clone(), standpoint.clone());
        let (board, tally) = (Arc::new(Board::default()), Arc::new(Tally::default()));
        board.set_configured(configured(config));
        board.set_tolerance(tolerance(config));
        board.set_limits(settings(config).limits);
        let client_secrets = signature::Secrets::new(&secrets.client_secrets);
        let sweeper = Sweeper {
            store: store.clone(),
            intercom: intercom.clone(),
            standpoint: standpoint.clone(),
            board: Arc::clone(&board),
            tally: Arc::clone(&tally),
            settings: settings(config),
        };
        let health = Health {
            store: store.clone(),
            intercom,
            standpoint,
            board,
            tally: Arc::clone(&tally),
            gaps: (longest_gap(&config.schedule.sweep), longest_gap(&config.schedule.reconcile)),
            kept: Arc::default(),
        };
        let receiver = Receiver {
            secrets: client_secrets.clone(),
            lens,
            max_body: config.server.max_body,
            writer,
            tally: Arc::clone(&tally),
            clock,
        };
        let jobs = Arc::new(Jobs::new(sweeper, expected, config));
        let shutdown = CancellationToken::new();
        let routes =
            receiver::routes(&config.server.webhook_path, receiver).merge(health::public_routes(health.clone()));
        let private = health::admin_routes(health.clone()).merge(metrics::routes(Metrics::new(health)));
        let addresses = (address(&public, config.server.listen), address(&admin, config.admin.listen));
        let tasks = vec![
            tokio::spawn(serve(public, routes, shutdown.clone())),
            tokio::spawn(serve(admin, private, shutdown.clone())),
        ];
        let scheduler = Scheduler::new().await?;
        Ok(Daemon {
            jobs,
            store,
            started_with: config.clone(),
            client_secrets,
            public: addresses.0,
            admin: addresses.1,
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
        let jobs = Arc::clone(&self.jobs);
        tokio::spawn(guarded("first look", async move { drop(jobs.look().await) }));
        let (jobs, shutdown) = (Arc::clone(&self.jobs), self.shutdown.clone());
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

    /// One sweep now, if it may.
    pub async fn sweep(&self) -> Sweeping {
        self.jobs.sweep().await
    }

    /// What the schedule of sweeps wakes: a sweep, and before it whatever keeps one from running.
    pub async fn tick(&self) {
        self.jobs.tick().await;
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
        self.heeding.close();
        if tokio::time::timeout(DRAIN, self.heeding.wait()).await.is_err() {
            tracing::warn!("what an operator's word had begun did not end in time");
        }
        end("the writer", self.writing).await;
        self.jobs.note_life(SignedDuration::ZERO).await;
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
