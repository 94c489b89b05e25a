//! The client against servers that say exactly what a test tells them to.

mod answers;
mod count;
mod deeds;
mod lists;
mod pages;
mod requests;
mod server;
mod setup;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::clock::ManualClock;
use crate::intercom::text::TextKey;

const TOKEN: &str = "tok-4711-only-for-tests";
const NOON: &str = "2026-03-02T12:00:00Z";

fn settings(base_url: Url) -> ClientSettings {
    let timeout = Duration::from_secs(10);
    ClientSettings { base_url, api_version: "2.16".into(), timeout, requests_per_10s: None }
}

fn noon() -> Timestamp {
    NOON.parse().unwrap()
}

fn client(settings: ClientSettings) -> (Intercom, ManualClock) {
    let clock = ManualClock::at(noon());
    let intercom = Intercom::new(settings, SecretString::from(TOKEN), text_key().into(), clock.clone().into()).unwrap();
    (intercom, clock)
}

fn text_key() -> TextKey {
    TextKey::new(&[7; 32])
}

fn id(text: &str) -> ConversationId {
    ConversationId::try_from(text).unwrap()
}
