//! Whether this process is the one that acts on its database.
//!
//! Owns: when the lease is taken, kept and trusted. Refuses: comparing the clocks of two machines. Whoever stands by
//! watches the holder's beat by a clock of its own, and the holder trusts its lease by its own: it stops before anybody
//! can take over, and whatever it still tries then fails in the database (`store::lease`).
//!
//! The lock beside the file makes it quick: the kernel frees it when its process dies, so that on one machine nobody has
//! to wait. Where locks tell nothing, as on some network file systems, the beat alone decides.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

pub use self::lock::{Lock, Locked};
pub use self::trust::Trust;
use crate::clock::Clock;
use crate::store::{Lease, Store, StoreError};

mod lock;
mod trust;

/// A holder that gave no sign of life for so long has lost its lease to whoever asks for it.
pub const TTL: Duration = Duration::from_secs(30);
/// The holder itself trusts it two seconds less, counted from before it gave the sign.
const TRUSTED: Duration = Duration::from_secs(28);
/// A sign of life is given so often.
pub const BEAT: Duration = Duration::from_secs(5);

/// What comes of asking for the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It was ours and still is.
    Acts,
    /// It is ours from now on: nothing that was known before may be relied on.
    Begins,
    /// It is somebody else's.
    StandsBy,
}

/// The wish to act on a database. Clones share it.
#[derive(Debug, Clone)]
pub struct Tenure {
    store: Store,
    clock: Clock,
    trust: Trust,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    lock: Lock,
    held: Option<Held>,
    /// What was seen of somebody else's lease, and since when.
    seen: Option<(Lease, Duration)>,
}

#[derive(Debug)]
struct Held {
    epoch: i64,
    holder: String,
    /// When the last good sign of life was begun; `None` if it is to be given anew, whatever the time.
    renewed_at: Option<Duration>,
}

impl Tenure {
    /// Asks for nothing yet. Whoever goes by it changes no attempt before [`Tenure::attempt`] has said so.
    pub fn new(store: Store, lock: Lock, clock: Clock) -> Tenure {
        store.act_under(None);
        let state = State { lock, held: None, seen: None };
        Tenure { store, trust: Trust::new(clock.clone()), clock, state: Arc::new(Mutex::new(state)) }
    }

    /// Whether the lease is trusted at this moment, for whoever is about to send something.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Gives a sign of life if one is due, or finds out whether the one that acts is gone and takes over.
    pub async fn attempt(&self) -> Result<Turn, StoreError> {
        let mut state = self.state.lock().await;
        let began = self.clock.elapsed();
        if state.held.is_some() {
            match self.renew(&mut state, began).await {
                Ok(true) => return Ok(Turn::Acts),
                Ok(false) => self.lose(&mut state),
                // Nobody can have taken over before the trust ends.
                Err(error) => return if self.trust.holds() { Ok(Turn::Acts) } else { Err(error) },
            }
        }
        self.watch(&mut state, began).await
    }

    async fn renew(&self, state: &mut State, began: Duration) -> Result<bool, StoreError> {
        let State { lock, held, .. } = state;
        let Some(held) = held else { return Ok(false) };
        if held.renewed_at.is_some_and(|at| began.saturating_sub(at) < BEAT) {
            return Ok(true);
        }
        let proof = (lock.take() == Locked::Ours).then(|| lock.proof()).flatten();
        let renewed = self.store.renew_lease(held.epoch, &held.holder, proof).await?;
        if renewed {
            held.renewed_at = Some(began);
            self.trust.until(began + TRUSTED);
        }
        Ok(renewed)
    }

    async fn watch(&self, state: &mut State, began: Duration) -> Result<Turn, StoreError> {
        let lease = self.store.lease().await?;
        let since = match &state.seen {
            Some((seen, since)) if *seen == lease => *since,
            _ => began,
        };
        let locked = state.lock.take();
        let proof = state.lock.proof().filter(|_| locked == Locked::Ours).map(str::to_owned);
        let silent = began.saturating_sub(since) >= TTL;
        let free = match locked {
            // Who has the lock of a holder that has not given up its lease has outlived it.
            Locked::Ours => lease.holder.is_none() || (lease.proof.is_some() && lease.proof == proof),
            Locked::Untold => lease.holder.is_none(),
            Locked::Anothers => false,
        };
        state.seen = Some((lease.clone(), since));
        let taken = if free || silent { self.store.take_lease(&lease, proof.as_deref()).await? } else { None };
        let Some((epoch, holder)) = taken else {
            state.lock.free();
            return Ok(Turn::StandsBy);
        };
        *state = State { lock: std::mem::take(&mut state.lock), seen: None, held: None };
        state.held = Some(Held { epoch, holder, renewed_at: Some(began) });
        self.store.act_under(Some(epoch));
        self.trust.until(began + TRUSTED);
        Ok(Turn::Begins)
    }

    /// Gives a sign of life whether or not one is due, before what no change of an attempt goes ahead of: a clock that
    /// stood still along with its machine would not say that one is.
    pub async fn confirm(&self) -> Result<(), StoreError> {
        if let Some(held) = &mut self.state.lock().await.held {
            held.renewed_at = None;
        }
        self.keep().await
    }

    /// Gives a sign of life if one is due, for whoever acts already. Fails if somebody has taken over.
    pub async fn keep(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().await;
        let began = self.clock.elapsed();
        match self.renew(&mut state, began).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::Superseded),
            Err(error) => {
                if self.trust.holds() {
                    Ok(())
                } else {
                    Err(error)
                }
            }
        }
    }

    /// The database has said that somebody else acts: the next attempt finds out.
    pub async fn doubt(&self) {
        self.trust.end();
        if let Some(held) = &mut self.state.lock().await.held {
            held.renewed_at = None;
        }
    }

    fn lose(&self, state: &mut State) {
        tracing::warn!("another autoclosed has taken over this database while this one was held up; standing by");
        self.trust.end();
        self.store.act_under(None);
        state.lock.free();
        (state.held, state.seen) = (None, None);
    }

    /// Gives everything back, so that whoever stands by can act at once. Nothing that we had begun may still be going on.
    pub async fn end(&self) {
        let mut state = self.state.lock().await;
        self.trust.end();
        self.store.act_under(None);
        if let Some(held) = state.held.take()
            && let Err(error) = self.store.give_lease_back(held.epoch, &held.holder).await
        {
            tracing::warn!(error = %error, "the lease could not be given back; whoever stands by waits until it has run out");
        }
        state.lock.free();
    }
}
