//! Several who send notifications at once, each the next one when the last was answered, and what was answered.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::machine::Up;
use autoclosed::intercom::signature::sign;
use secrecy::SecretString;

use crate::harness::CLIENT_SECRET;

/// Whoever was refused comes again, and not at once.
const LATER: Duration = Duration::from_millis(50);

/// A notification as Intercom sends it, of a contact who writes.
pub(crate) fn notification(id: &str, conversation: usize) -> Vec<u8> {
    let mut body: Value = serde_json::from_str(include_str!("../payloads/v1.conversation.user.replied.json")).unwrap();
    body["id"] = json!(id);
    body["data"]["item"]["id"] = json!((880_000 + conversation).to_string());
    serde_json::to_vec(&body).unwrap()
}

/// What was answered so far.
#[derive(Debug, Default, Clone)]
pub(crate) struct Answered {
    /// Answered with 200: by id.
    pub(crate) acknowledged: Vec<String>,
    /// Answered with 503.
    pub(crate) refused: u64,
    /// Answered with anything else, which nothing here deserves.
    pub(crate) odd: Vec<u16>,
}

/// Sends until it is dropped or nobody answers any more.
pub(crate) struct Senders {
    tasks: JoinSet<()>,
    answered: Arc<Mutex<Answered>>,
    came: Arc<Notify>,
}

impl Senders {
    pub(crate) fn start(up: &Up, count: usize, name: &str) -> Senders {
        let (mut tasks, answered, came) = (JoinSet::new(), Arc::<Mutex<Answered>>::default(), Arc::<Notify>::default());
        for sender in 0..count {
            let (client, webhook, name) = (up.client.clone(), up.webhook.clone(), name.to_owned());
            let (answered, came) = (Arc::clone(&answered), Arc::clone(&came));
            tasks.spawn(async move {
                for number in 0_usize.. {
                    let id = format!("{name}-{sender}-{number}");
                    let body = notification(&id, (number * 7 + sender) % 40);
                    let signature = sign(&SecretString::from(CLIENT_SECRET), &body);
                    let request = client.post(&webhook).header("X-Hub-Signature", signature).body(body);
                    let Ok(answer) = request.send().await else { break };
                    let refused = answer.status() == StatusCode::SERVICE_UNAVAILABLE;
                    {
                        let mut answered = answered.lock().unwrap();
                        match answer.status() {
                            StatusCode::OK => answered.acknowledged.push(id),
                            StatusCode::SERVICE_UNAVAILABLE => answered.refused += 1,
                            other => answered.odd.push(other.as_u16()),
                        }
                    }
                    came.notify_one();
                    if refused {
                        tokio::time::sleep(LATER).await;
                    }
                }
                came.notify_one();
            });
        }
        Senders { tasks, answered, came }
    }

    /// Waits until it is so of what was answered, or nobody answers any more.
    pub(crate) async fn until(&mut self, is_so: impl Fn(&Answered) -> bool) {
        loop {
            if is_so(&self.answered.lock().unwrap()) {
                return;
            }
            tokio::select! {
                () = self.came.notified() => {}
                ended = self.tasks.join_next() => if ended.is_none() { return },
            }
        }
    }

    /// Nobody sends any more.
    pub(crate) async fn stop(mut self) -> Answered {
        self.tasks.shutdown().await;
        self.answered.lock().unwrap().clone()
    }
}
