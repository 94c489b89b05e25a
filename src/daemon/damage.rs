//! A daemon whose database was found damaged: it records what it can, and does nothing any more.

use super::jobs::{Jobs, LookError};
use crate::safety::Blocked;
use crate::sweep::SweepError;

impl Jobs {
    /// Remembers it if damage is why a job ended early.
    pub(super) fn heed_damage(&self, error: Option<&SweepError>) {
        if let Some(SweepError::Store(error)) = error {
            self.sweeper.store.heed(error);
        }
    }

    /// That nothing is done, if damage was found.
    pub(super) fn damaged(&self) -> Option<Blocked> {
        let what = self.sweeper.store.damage()?;
        Some(Blocked::Damaged(what.to_owned()))
    }
}

impl LookError {
    /// What went wrong while it looked, once it knew where and as whom.
    pub(super) fn of_looking(&self) -> Option<&SweepError> {
        match self {
            LookError::Look(error) => Some(error),
            LookError::Identity(_) | LookError::Mismatch(_) | LookError::Nobody | LookError::Store(_) => None,
        }
    }
}
