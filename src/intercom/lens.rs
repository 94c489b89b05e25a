//! What of Intercom's JSON is kept beside what every conversation has.
//!
//! Owns: the key of text digests, and the names of the attributes that rules look at; they may change while running.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use super::text::TextKey;

/// Clones share it.
#[derive(Debug, Clone)]
pub struct Lens {
    key: TextKey,
    attributes: Arc<RwLock<Arc<BTreeSet<String>>>>,
}

impl Lens {
    /// Keeps digests by this key, and no attributes yet.
    pub fn new(key: TextKey) -> Lens {
        Lens { key, attributes: Arc::default() }
    }

    /// From now on these attributes are kept, and no others.
    pub fn watch(&self, attributes: BTreeSet<String>) {
        *self.attributes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(attributes);
    }

    /// The attributes that are kept.
    pub fn attributes(&self) -> Arc<BTreeSet<String>> {
        self.attributes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key of text digests.
    pub fn key(&self) -> &TextKey {
        &self.key
    }
}

impl From<TextKey> for Lens {
    fn from(key: TextKey) -> Lens {
        Lens::new(key)
    }
}
