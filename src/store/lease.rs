//! Who may act on this database: one row, with an epoch that grows whenever somebody takes over.
//!
//! Owns: taking, keeping and giving back the lease, and that whoever goes by an older epoch changes no attempt. Refuses:
//! judging whether its holder still lives; that takes a clock, and is for `tenure`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::MutexGuard;

use super::writing::Writing;
use super::{Store, StoreError};
use crate::sabotage::{Bug, planted};

/// The row as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// How often somebody took over.
    pub epoch: i64,
    /// Who has it, by a name drawn at random; `None` if it was given back.
    pub holder: Option<String>,
    /// The lock that its holder has beside the file.
    pub proof: Option<String>,
    /// Grows with every sign of life.
    pub beat: i64,
}

/// Whoever was never told to go by the lease: a command, which does nothing that two could do twice.
const NO_LEASE: i64 = 0;
/// Whoever goes by the lease and does not have it. No row ever has this epoch.
const NONE_HELD: i64 = -1;

/// The epoch that attempts are changed under; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Fence(Arc<AtomicI64>);

impl Store {
    /// From now on attempts are changed only while the lease has this epoch; with `None`, not at all.
    pub fn act_under(&self, epoch: Option<i64>) {
        self.fence.0.store(epoch.unwrap_or(NONE_HELD), Ordering::SeqCst);
    }

    /// Whether somebody else acts on this database.
    pub(super) fn stands_by(&self) -> bool {
        self.fence.0.load(Ordering::SeqCst) == NONE_HELD
    }

    /// The lease as it stands.
    pub async fn lease(&self) -> Result<Lease, StoreError> {
        let sql = "SELECT epoch, holder, proof, beat FROM lease";
        let (epoch, holder, proof, beat) = sqlx::query_as(sql).fetch_one(&self.readers).await?;
        Ok(Lease { epoch, holder, proof, beat })
    }

    /// Takes the lease if it still stands as it was `seen`, and gives the new epoch with the name that it is held under.
    pub async fn take_lease(&self, seen: &Lease, proof: Option<&str>) -> Result<Option<(i64, String)>, StoreError> {
        self.still_lies_there()?;
        let sql = "UPDATE lease SET epoch = epoch + 1, beat = beat + 1, holder = lower(hex(randomblob(8))), proof = $1
            WHERE epoch = $2 AND beat = $3 RETURNING epoch, holder";
        let taking = sqlx::query_as(sql).bind(proof).bind(seen.epoch).bind(seen.beat);
        let mut writer = self.write().await;
        Ok(taking.fetch_optional(writer.connection()).await?)
    }

    /// Gives a sign of life. False if somebody has taken over.
    pub async fn renew_lease(&self, epoch: i64, holder: &str, proof: Option<&str>) -> Result<bool, StoreError> {
        self.still_lies_there()?;
        let sql = "UPDATE lease SET beat = beat + 1, proof = $1 WHERE epoch = $2 AND holder = $3";
        let renewing = sqlx::query(sql).bind(proof).bind(epoch).bind(holder);
        let mut writer = self.write().await;
        Ok(renewing.execute(writer.connection()).await?.rows_affected() == 1)
    }

    /// Gives the lease back, so that nobody has to wait for it.
    pub async fn give_lease_back(&self, epoch: i64, holder: &str) -> Result<(), StoreError> {
        let sql = "UPDATE lease SET beat = beat + 1, holder = NULL, proof = NULL WHERE epoch = $1 AND holder = $2";
        let giving = sqlx::query(sql).bind(epoch).bind(holder);
        let mut writer = self.write().await;
        giving.execute(writer.connection()).await?;
        Ok(())
    }

    /// Begins the transaction of whoever changes an attempt. Nobody can take over before it ends, and it does not begin
    /// where somebody has.
    pub(super) async fn write_as_holder(&self) -> Result<MutexGuard<'_, Writing>, StoreError> {
        self.still_lies_there()?;
        let mut writer = self.write().await;
        writer.begin().await?;
        match self.still_holds(&mut writer).await {
            Ok(true) => Ok(writer),
            held => {
                writer.roll_back().await;
                Err(held.err().unwrap_or(StoreError::Superseded))
            }
        }
    }

    async fn still_holds(&self, writer: &mut Writing) -> Result<bool, StoreError> {
        let epoch = self.fence.0.load(Ordering::SeqCst);
        if epoch == NO_LEASE || planted(Bug::IgnoresTheEpoch) {
            return Ok(true);
        }
        let sql = "SELECT count(*) FROM lease WHERE epoch = $1 AND holder IS NOT NULL";
        let held: i64 = sqlx::query_scalar(sql).bind(epoch).fetch_one(writer.connection()).await?;
        Ok(held == 1)
    }
}
