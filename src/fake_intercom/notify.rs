//! Notifications on their way: signed, sent one after the other, and remembered with what was answered.
//!
//! Owns: the signature, the order, the deadline of five seconds. Refuses: sending again by itself. The real one tries
//! once more after a minute; here a test says so with [`resend`](super::FakeIntercom::resend).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use hyper::body::Bytes;
use sha1::Sha1;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(5);

/// A notification that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// `notif_…`, the same when it is sent again.
    pub id: String,
    /// The topic.
    pub topic: String,
    /// The status that the receiver answered; `None` if it did not answer within five seconds.
    pub status: Option<u16>,
    /// The exact bytes that were signed and sent.
    pub body: Vec<u8>,
}

/// A notification to be sent.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    pub(super) id: String,
    pub(super) topic: &'static str,
    pub(super) body: Bytes,
}

#[derive(Debug, Clone)]
struct Target {
    url: String,
    secret: String,
}

#[derive(Debug)]
struct Letter {
    delivered: Delivered,
    target: Target,
    answered: Option<oneshot::Sender<()>>,
}

/// Takes letters and sends them in order.
#[derive(Debug)]
pub(super) struct Courier {
    letters: mpsc::UnboundedSender<Letter>,
    waiting: Arc<watch::Sender<usize>>,
    delivered: Arc<Mutex<Vec<Delivered>>>,
    target: Mutex<Option<Target>>,
    /// What is kept in place of being sent, if it is.
    kept: Mutex<Option<Vec<Delivered>>>,
}

impl Courier {
    /// A courier that works until `stop`.
    pub(super) fn start(client: reqwest::Client, stop: CancellationToken) -> Courier {
        let (letters, mut received) = mpsc::unbounded_channel::<Letter>();
        let waiting = Arc::new(watch::Sender::new(0));
        let delivered = Arc::new(Mutex::new(Vec::new()));
        let (target, kept) = (Mutex::new(None), Mutex::new(None));
        let courier = Courier { letters, waiting: waiting.clone(), delivered: delivered.clone(), target, kept };
        tokio::spawn(async move {
            let work = async {
                while let Some(letter) = received.recv().await {
                    deliver(&client, letter, &delivered).await;
                    waiting.send_modify(|count| *count = count.saturating_sub(1));
                }
            };
            stop.run_until_cancelled(work).await;
            drop(received);
            waiting.send_replace(0);
        });
        courier
    }

    pub(super) fn send_to(&self, url: &str, secret: &str) {
        let target = Target { url: url.to_owned(), secret: secret.to_owned() };
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = Some(target);
    }

    /// From now on nothing is sent but by [`Courier::post_again`]. Returns what was kept before.
    pub(super) fn keep(&self) -> Vec<Delivered> {
        self.kept().replace(Vec::new()).unwrap_or_default()
    }

    /// Whether these are kept in place of being sent.
    fn keeps(&self, notices: &[Notice]) -> bool {
        let mut kept = self.kept();
        if let Some(kept) = kept.as_mut() {
            kept.extend(notices.iter().cloned().map(Delivered::from));
        }
        kept.is_some()
    }

    fn kept(&self) -> MutexGuard<'_, Option<Vec<Delivered>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn post(&self, notices: &[Notice]) {
        if self.keeps(notices) {
            return;
        }
        for notice in notices {
            self.enqueue(notice.clone().into(), None);
        }
    }

    pub(super) fn post_again(&self, delivered: Delivered) {
        self.enqueue(Delivered { status: None, ..delivered }, None);
    }

    /// Sends and waits until each was answered.
    pub(super) async fn post_and_wait(&self, notices: &[Notice]) {
        if self.keeps(notices) {
            return;
        }
        for notice in notices {
            let (answered, answer) = oneshot::channel();
            self.enqueue(notice.clone().into(), Some(answered));
            // An error says that the fake was stopped: there is nothing left to wait for.
            let _stopped = answer.await.is_err();
        }
    }

    fn enqueue(&self, delivered: Delivered, answered: Option<oneshot::Sender<()>>) {
        let Some(target) = self.target.lock().unwrap_or_else(PoisonError::into_inner).clone() else { return };
        self.waiting.send_modify(|count| *count += 1);
        if self.letters.send(Letter { delivered, target, answered }).is_err() {
            self.waiting.send_modify(|count| *count = count.saturating_sub(1));
        }
    }

    /// Waits until nothing is on its way.
    pub(super) async fn settle(&self) {
        let mut waiting = self.waiting.subscribe();
        // An error says that the sender is gone, and we hold it.
        let _gone = waiting.wait_for(|count| *count == 0).await.is_err();
    }

    pub(super) fn delivered(&self) -> Vec<Delivered> {
        self.delivered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl From<Notice> for Delivered {
    fn from(notice: Notice) -> Delivered {
        let Notice { id, topic, body } = notice;
        Delivered { id, topic: topic.to_owned(), status: None, body: body.into() }
    }
}

async fn deliver(client: &reqwest::Client, letter: Letter, delivered: &Mutex<Vec<Delivered>>) {
    let Letter { delivered: mut sent, target, answered } = letter;
    let request = client
        .post(&target.url)
        .timeout(DEADLINE)
        .header("Content-Type", "application/json")
        .header("Accept", "application/json")
        .header("User-Agent", "intercom-parrot-service-client/1.0")
        .header("X-Hub-Signature", signature(&target.secret, &sent.body))
        .body(sent.body.clone());
    sent.status = request.send().await.ok().map(|answer| answer.status().as_u16());
    delivered.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
    if let Some(answered) = answered {
        // Nobody listens any more when the API call was given up meanwhile.
        let _given_up = answered.send(()).is_err();
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    format!("sha1={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_hmac_sha1_over_the_bytes() {
        // Test case 2 of RFC 2202.
        let want = "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
        assert_eq!(signature("Jefe", b"what do ya want for nothing?"), want);
    }
}
