//! Intercom's JSON: a stand-in for the module of that name, which reads the whole conversation.

use serde::{Deserialize, Deserializer};

/// A conversation as the API answers it.
#[derive(Debug, Clone, Deserialize)]
pub struct Conversation {
    #[serde(deserialize_with = "text_or_number")]
    id: String,
    #[serde(default)]
    state: Option<String>,
}

impl Conversation {
    /// Intercom's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `open`, `snoozed` or `closed`.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Number(u64),
    }
    Ok(match Id::deserialize(deserializer)? {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    })
}
