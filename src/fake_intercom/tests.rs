//! The fake, asked over real HTTP as the daemon asks it.

use std::sync::mpsc;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::clock::ManualClock;

mod deeds;
mod faults;
mod requests;
mod stories;

const NOON: i64 = 1_772_452_800; // 2026-03-02T12:00:00Z
const SECRET: &str = "client-secret-for-tests";

/// A fake on a clock that stands at noon, a client for it, and a webhook that answers what it is told to.
struct Bench {
    fake: FakeIntercom,
    clock: ManualClock,
    client: reqwest::Client,
    received: mpsc::Receiver<(HeaderMap, Bytes)>,
}

impl Bench {
    async fn new() -> Bench {
        Bench::with(Workspace::default()).await
    }

    async fn with(workspace: Workspace) -> Bench {
        let clock = ManualClock::at(shape::instant(NOON));
        let fake = FakeIntercom::start(clock.clone().into(), workspace).await.unwrap();
        let (webhook, received) = webhook().await;
        fake.send_notifications_to(&webhook, SECRET);
        Bench { fake, clock, client: loopback_client().unwrap(), received }
    }

    fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// A request with all that a good one brings.
    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().unwrap();
        self.client
            .request(method, format!("{}{path}", self.fake.url()))
            .bearer_auth(Workspace::default().token)
            .header("Accept", "application/json")
            .header("Intercom-Version", "2.16")
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        told(self.request("GET", path).send().await.unwrap()).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        told(self.request("POST", path).json(body).send().await.unwrap()).await
    }

    /// A deed by the token's own admin.
    async fn parts(&self, id: &ConversationId, mut body: Value) -> (u16, Value) {
        if body.get("admin_id").is_none() {
            body["admin_id"] = json!("1009");
        }
        self.post(&format!("/conversations/{id}/parts"), &body).await
    }

    async fn close(&self, id: &ConversationId) -> (u16, Value) {
        self.parts(id, json!({ "message_type": "close", "type": "admin" })).await
    }

    /// (topic, part types inside) of everything notified since the last time.
    async fn news(&self) -> Vec<String> {
        self.fake.settle().await;
        let line = |(_, body): (HeaderMap, Bytes)| {
            let told: Value = serde_json::from_slice(&body).unwrap();
            let parts = told["data"]["item"]["conversation_parts"]["conversation_parts"].as_array().cloned();
            let kinds: Vec<_> = parts.unwrap_or_default().iter().map(|it| text(&it["part_type"])).collect();
            format!("{} [{}]", text(&told["topic"]), kinds.join(" "))
        };
        self.received.try_iter().map(line).collect()
    }

    fn state(&self, id: &ConversationId) -> &'static str {
        self.fake.conversation(id).unwrap().state
    }

    fn kinds(&self, id: &ConversationId) -> Vec<&'static str> {
        self.fake.conversation(id).unwrap().parts.iter().map(|part| part.kind).collect()
    }
}

async fn told(answer: reqwest::Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let bytes = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn codes((status, body): &(u16, Value)) -> String {
    format!("{status} {}", text(&body["errors"][0]["code"]))
}

/// A receiver of notifications that answers 200 to everything.
async fn webhook() -> (String, mpsc::Receiver<(HeaderMap, Bytes)>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (kept, received) = mpsc::channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = kept.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let kept = kept.clone();
                    async move {
                        let (head, body) = request.into_parts();
                        let bytes = body.collect().await?.to_bytes();
                        // The test may be over.
                        let _over = kept.send((head.headers, bytes)).is_err();
                        let mut answer = Response::new(Empty::<Bytes>::new());
                        *answer.status_mut() = StatusCode::OK;
                        Ok::<_, hyper::Error>(answer)
                    }
                });
                let server = hyper::server::conn::http1::Builder::new();
                let _cut = server.serve_connection(TokioIo::new(stream), service).await.is_err();
            });
        }
    });
    (url, received)
}
