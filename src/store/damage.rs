//! Damage to the file: how it shows in an error, and that it is remembered once it was met.
//!
//! Owns: telling damage from a mere failure. Refuses: mending it, and forgetting it: a page that reads well by chance says
//! nothing of the others, so nothing is done any more until somebody has looked at the file and started the program again.

use std::sync::{Arc, OnceLock};

use super::trouble::code;
use super::{Store, StoreError};
use crate::sabotage::{Bug, planted};

/// `SQLITE_CORRUPT` and `SQLITE_NOTADB`.
const DAMAGED: [u32; 2] = [11, 26];

/// What was met first, if anything was; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Damage(Arc<OnceLock<String>>);

impl Store {
    /// Remembers that the file is damaged, if that is what the error tells.
    pub fn heed(&self, error: &StoreError) {
        if let StoreError::Corrupt(what) = error
            && self.damage.0.set(what.clone()).is_ok()
        {
            tracing::error!(
                what,
                "the database is damaged; nothing is done any more. Keep the file, and restore a backup"
            );
        }
    }

    /// What was found damaged since the program has started.
    pub fn damage(&self) -> Option<&str> {
        if planted(Bug::ForgetsDamage) {
            return None;
        }
        self.damage.0.get().map(String::as_str)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        match &error {
            sqlx::Error::Database(inner) if code(&error).is_some_and(|code| DAMAGED.contains(&code)) => {
                StoreError::Corrupt(inner.message().to_owned())
            }
            _ => StoreError::Sql(error),
        }
    }
}
