//! What the daemon concludes from every topic, in every family of shapes.

use std::collections::BTreeMap;

use autoclosed::engine::conversation::{Conversation, PartId, State};
use autoclosed::engine::{ConversationId, Facts};
use autoclosed::intercom::client::install_tls;
use autoclosed::intercom::signature::sign;
use secrecy::SecretString;
use serde_json::Value;

use crate::harness::{CLIENT_SECRET, House, QUIET_A_DAY, monday};

mod changes;
mod doubts;
pub(crate) mod families;
mod notifier;
mod others;
mod table;

/// Delivers a notification, signed, and returns the status that was answered.
pub(crate) async fn deliver(house: &House, notification: &Value) -> u16 {
    deliver_bytes(house, notification.to_string().as_bytes()).await
}

/// The same, of whatever bytes.
pub(crate) async fn deliver_bytes(house: &House, body: &[u8]) -> u16 {
    let signature = sign(&SecretString::from(CLIENT_SECRET), body);
    let request = client().post(webhook(house)).header("X-Hub-Signature", signature).body(body.to_vec());
    request.send().await.unwrap().status().as_u16()
}

pub(crate) fn webhook(house: &House) -> String {
    format!("http://{}/webhooks/intercom", house.daemon().public_address())
}

pub(crate) fn client() -> reqwest::Client {
    install_tls();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

pub(crate) fn conversation_id(id: u64) -> ConversationId {
    ConversationId::try_from(id.to_string().as_str()).unwrap()
}

fn seconds(at: jiff::Timestamp) -> i64 {
    at.duration_since(monday()).as_secs()
}

/// What is known of a conversation, in one line: its activities but for the opening message where there is more, its
/// state, and what else it is. Times are in seconds from its beginning.
fn brief(known: &Conversation) -> String {
    let wakes = known.wakes.iter().map(|moment| ("unsnoozed by timer".to_owned(), *moment));
    let latest = known.latest.iter();
    let latest = latest.map(|((class, actor), moment)| (format!("{} by {}", class.name(), actor.name()), *moment));
    let all: Vec<_> = latest.chain(wakes).collect();
    let beyond = all.iter().filter(|(_, (_, part))| !matches!(part, Some(PartId::Source(_)) | None)).count();
    let mut parts: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (what, (at, part)) in all {
        // What statistics repeat of the opening message says nothing new.
        let repeated = part.is_none() && at == monday();
        let overtaken = beyond > 0 && matches!(part, Some(PartId::Source(_)));
        if !overtaken && !repeated {
            parts.entry((at, part)).or_default().push(what);
        }
    }
    let told = parts.into_iter().map(|((at, part), what)| {
        let part = part.map_or(String::new(), |part| format!("{part} "));
        format!("{part}at {}: {}", seconds(at), what.join(" + "))
    });
    let mut line: Vec<String> = told.collect();
    line.push(known.facts().map_or("nothing of its state".to_owned(), state));
    line.extend(known.ticket.then(|| "ticket".to_owned()));
    line.extend(known.gone.then(|| "gone".to_owned()));
    line.extend(known.whole.then(|| "whole".to_owned()));
    line.join(", ")
}

fn state(facts: &Facts) -> String {
    match facts.state {
        None => "state unknown".to_owned(),
        Some(State::Snoozed { until }) => {
            format!("snoozed until {}", until.map_or("?".to_owned(), |at| seconds(at).to_string()))
        }
        Some(State::Open) => "open".to_owned(),
        Some(State::Closed) => "closed".to_owned(),
    }
}

/// A daemon that knows nothing but what it will be told.
async fn told_only() -> House {
    House::with(QUIET_A_DAY).await
}
