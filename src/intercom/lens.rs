//! What of Intercom's JSON is kept beside what every conversation has.
//!
//! Owns: the key of text digests, the names of the attributes that rules look at, and the wording of our own messages;
//! the latter two may change while running.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use super::text::TextKey;
use super::text::wording::{Wording, fitting};
use crate::engine::RuleSet;
use crate::engine::rule::digest;

/// Clones share it.
#[derive(Debug, Clone)]
pub struct Lens {
    key: TextKey,
    attributes: Arc<RwLock<Arc<BTreeSet<String>>>>,
    wordings: Arc<RwLock<Arc<[Wording]>>>,
}

impl Lens {
    /// Keeps digests by this key, and no attributes yet.
    pub fn new(key: TextKey) -> Lens {
        Lens { key, attributes: Arc::default(), wordings: Arc::default() }
    }

    /// From now on these attributes are kept, and no others.
    pub fn watch(&self, attributes: BTreeSet<String>) {
        *self.attributes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(attributes);
    }

    /// From now on the messages of these rules are known, and the attributes that they look at are kept.
    pub fn go_by(&self, rules: &RuleSet) {
        let wordings = rules.texts().into_iter().filter_map(|text| Wording::of(digest(text), text)).collect();
        *self.wordings.write().unwrap_or_else(PoisonError::into_inner) = wordings;
        self.watch(rules.attributes());
    }

    /// The attributes that are kept.
    pub fn attributes(&self) -> Arc<BTreeSet<String>> {
        self.attributes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// [`digest`]s of the templates that a text may have been made from.
    pub fn reads_as(&self, html_or_plain: &str) -> BTreeSet<String> {
        let wordings = self.wordings.read().unwrap_or_else(PoisonError::into_inner).clone();
        fitting(&wordings, html_or_plain)
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
