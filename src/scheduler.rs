//! Wakes the jobs at the times that the configuration says. Nothing else: what is due stands in the database, so a
//! tick that is lost costs lateness and nothing more.

use std::future::Future;

use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// The running scheduler.
pub struct Scheduler {
    scheduler: JobScheduler,
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler").finish_non_exhaustive()
    }
}

impl Scheduler {
    /// A scheduler without jobs.
    pub async fn new() -> Result<Scheduler, JobSchedulerError> {
        Ok(Scheduler { scheduler: JobScheduler::new().await? })
    }

    /// Calls `wake` at every moment of `cron`: six fields, seconds first, UTC. A call may begin while the one before
    /// still runs; whoever is woken must mind that.
    pub async fn wake<F>(
        &self,
        cron: &str,
        wake: impl Fn() -> F + Send + Sync + 'static,
    ) -> Result<(), JobSchedulerError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let job = Job::new_async(cron, move |_, _| Box::pin(wake()))?;
        self.scheduler.add(job).await?;
        Ok(())
    }

    /// Begins to wake.
    pub async fn start(&self) -> Result<(), JobSchedulerError> {
        self.scheduler.start().await
    }

    /// Stops waking. What was woken goes on.
    pub async fn stop(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::warn!(error = %error, "the scheduler did not stop cleanly");
        }
    }
}
