//! From where the daemon looks at a conversation: whose workspace, as which admin, by which rules, at what time.
//!
//! Owns: the few facts that are learnt while running. Refuses: guessing them.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use crate::clock::Clock;
use crate::intercom::Intercom;
use crate::names::Names;
use crate::rulebook::Rulebook;
use crate::sabotage::{Bug, planted};
use crate::store::{Context, KeepBodies};

/// Clones share what is learnt.
#[derive(Debug, Clone)]
pub struct Standpoint {
    clock: Clock,
    intercom: Intercom,
    rulebook: Rulebook,
    keep_bodies: KeepBodies,
    identity: Arc<RwLock<Identity>>,
    names: Names,
}

/// Who we are to Intercom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The workspace.
    pub app_id: Option<Arc<str>>,
    /// The admin that acts.
    pub admin_id: Option<Arc<str>>,
}

impl Standpoint {
    /// A standpoint that knows as much of `identity` and `names` as was configured or remembered.
    pub fn new(
        clock: Clock,
        intercom: Intercom,
        rulebook: Rulebook,
        keep_bodies: KeepBodies,
        identity: Identity,
        names: Names,
    ) -> Standpoint {
        Standpoint { clock, intercom, rulebook, keep_bodies, identity: Arc::new(RwLock::new(identity)), names }
    }

    /// Who we are, as far as is known.
    pub fn identity(&self) -> Identity {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Learns who we are.
    pub fn learn(&self, identity: Identity) {
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = identity;
    }

    /// What decisions depend on, now.
    pub fn context(&self) -> Context {
        let identity = self.identity();
        Context {
            app_id: identity.app_id,
            admin_id: identity.admin_id,
            rulebook: self.rulebook.clone(),
            keep_bodies: self.keep_bodies,
            now: self.now(),
            received_at: self.intercom.intercom_now().unwrap_or_else(|| self.clock.now()),
        }
    }

    /// The earlier of the local clock and Intercom's: neither may hasten anything.
    pub fn now(&self) -> Timestamp {
        let local = self.clock.now();
        if planted(Bug::GoesByTheLocalClock) {
            return local;
        }
        self.intercom.intercom_now().map_or(local, |intercom| intercom.min(local))
    }

    /// The later of the two clocks, for rests that neither may shorten.
    pub fn latest(&self) -> Timestamp {
        let local = self.clock.now();
        self.intercom.intercom_now().map_or(local, |intercom| intercom.max(local))
    }

    /// The rules in force.
    pub fn rulebook(&self) -> &Rulebook {
        &self.rulebook
    }

    /// What the configuration's names mean.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}
