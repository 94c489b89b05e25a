//! Receives Intercom's webhooks and writes down what they say.
//!
//! Owns: the order of body limit, signature, parsing and commit, and the status codes. Refuses: acting, and asking
//! Intercom. Intercom stops sending to an endpoint that is slow or keeps failing, so nothing slow happens here, and
//! nothing signed is ever answered with an error but 503.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::routing::{MethodRouter, on};

use crate::clock::Clock;
use crate::intercom::lens::Lens;
use crate::intercom::notification::{self, Content, Notification};
use crate::intercom::signature::{Secrets, Verified};
use crate::intercom::topic;
use crate::sabotage::{Bug, planted};
use crate::server::Bodies;
use crate::store::{Record, Recorded, Told};
use crate::tally::Tally;
use crate::writer::Writer;

/// Topics that are known and say nothing about a conversation's activity.
const OF_NO_INTEREST: [&str; 8] =
    ["contact.", "user.", "lead.", "visitor.", "company.", "ticket.", "conversation.contact.", "ping"];

/// What the webhook needs.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Client secrets of the app, any of which may have signed.
    pub secrets: Secrets,
    /// What of them is kept.
    pub lens: Lens,
    /// Reads the bodies.
    pub bodies: Bodies,
    /// Where notifications go.
    pub writer: Writer,
    /// What is counted.
    pub tally: Arc<Tally>,
    /// Tells how long an answer took.
    pub clock: Clock,
}

/// The routes of the webhook: `HEAD` for Intercom's check of the address, `POST` for notifications.
pub fn routes(path: &str, receiver: Receiver) -> Router {
    let head = || async { StatusCode::OK };
    let methods: MethodRouter<Receiver> =
        on(axum::routing::MethodFilter::HEAD, head).on(axum::routing::MethodFilter::POST, receive);
    Router::new().route(path, methods).with_state(receiver)
}

async fn receive(State(receiver): State<Receiver>, request: Request) -> StatusCode {
    let began = receiver.clock.elapsed();
    let status = match take(&receiver, request).await {
        Ok(()) => StatusCode::OK,
        Err(status) => status,
    };
    receiver.tally.answered(status.as_u16(), receiver.clock.elapsed().saturating_sub(began));
    status
}

async fn take(receiver: &Receiver, request: Request) -> Result<(), StatusCode> {
    let mut encodings = request.headers().get_all(header::CONTENT_ENCODING).iter();
    if !encodings.all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let (head, body) = request.into_parts();
    let raw = receiver.bodies.read(Request::from_parts(head.clone(), body)).await.map_err(|reason| {
        tracing::debug!(reason = %reason, "refused a notification");
        reason.status()
    })?;
    if planted(Bug::ParsesBeforeItVerifies) && serde_json::from_slice::<serde::de::IgnoredAny>(&raw).is_err() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let signatures = head.headers.get_all("x-hub-signature").iter().map(axum::http::HeaderValue::as_bytes);
    let body = receiver.secrets.verify(signatures, raw).map_err(|reason| {
        if planted(Bug::QuotesTheSignature) {
            tracing::debug!(reason = ?head.headers, "refused a notification");
        }
        tracing::debug!(reason = %reason, "refused a notification");
        StatusCode::UNAUTHORIZED
    })?;
    let notification = notification::parse(&body, &receiver.lens);
    if matches!(notification.content, Content::Ping) {
        receiver.tally.recorded(topic::listed(&notification.topic), Recorded::Ignored);
        return Ok(());
    }
    let topic = notification.topic.clone();
    match receiver.writer.write(record(notification, body)).await {
        Ok(recorded) => {
            receiver.tally.recorded(topic::listed(&topic), recorded);
            tracing::debug!(topic = %topic, result = recorded.name(), "recorded a notification");
            Ok(())
        }
        Err(reason) => {
            tracing::warn!(topic = %topic, reason = %reason, "answered 503 to a notification; Intercom sends it once more");
            Err(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

/// What the store writes down of a notification.
pub fn record(notification: Notification, body: Verified) -> Record {
    let told = match notification.content {
        Content::Conversation(sighting) => Told::Conversation(sighting),
        Content::Odd(oddness) => Told::Odd(oddness.to_string()),
        Content::Ping => Told::Nothing,
        Content::Irrelevant if OF_NO_INTEREST.iter().any(|start| notification.topic.starts_with(start)) => {
            Told::Nothing
        }
        Content::Irrelevant => Told::Unknown,
    };
    Record::Notified {
        app_id: notification.app_id.unwrap_or_default(),
        key: notification.key,
        topic: notification.topic,
        fingerprint: notification.fingerprint,
        about: notification.about,
        told,
        body: body.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::{Body, Bytes};
    use futures_util::stream;
    use jiff::{SignedDuration, Timestamp};
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;
    use secrecy::SecretString;

    use super::*;
    use crate::clock::ManualClock;
    use crate::intercom::signature::sign;
    use crate::intercom::text::TextKey;
    use crate::store::tests::Shelf;

    const PING: &[u8] = br#"{"type":"notification_event","topic":"ping","id":null}"#;

    #[tokio::test]
    async fn the_time_to_an_answer_runs_from_the_head_of_the_request() {
        let (shelf, clock) = (Shelf::new().await, ManualClock::at(Timestamp::UNIX_EPOCH));
        let secret = SecretString::from("secret");
        let (writer, _writing) = Writer::start(shelf.store.clone(), crate::writer::tests::standpoint());
        let receiver = Receiver {
            secrets: Secrets::new(std::slice::from_ref(&secret)),
            lens: TextKey::new(&[7; 32]).into(),
            bodies: Bodies::up_to(1024),
            writer,
            tally: Arc::default(),
            clock: clock.clone().into(),
        };
        for (signature, takes) in [(sign(&secret, PING), 60), (sign(&secret, PING), 300), ("sha1=0".into(), 4000)] {
            let passing = clock.clone();
            let body = stream::once(async move {
                passing.advance(SignedDuration::from_millis(takes));
                Ok::<_, std::io::Error>(Bytes::from_static(PING))
            });
            let request =
                Request::post("/").header("X-Hub-Signature", signature).body(Body::from_stream(body)).unwrap();
            receive(State(receiver.clone()), request).await;
        }
        let mut registry = Registry::default();
        registry.register("it", "h", receiver.tally.acknowledged().clone());
        let mut told = String::new();
        encode(&mut told, &registry).unwrap();
        let told: Vec<&str> = told.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(told[..2], ["it_sum 0.36", "it_count 2"]);
        let within = |bound: &str| told.iter().find(|line| line.contains(bound)).unwrap().rsplit_once(' ').unwrap().1;
        assert_eq!(["0.05\"", "0.1\"", "0.25\"", "0.5\""].map(within), ["0", "1", "1", "2"]);
        assert_eq!(clock.now().as_duration(), SignedDuration::try_from(Duration::from_millis(4360)).unwrap());
    }
}
