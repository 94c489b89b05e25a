//! Stands between the client and the fake and keeps what both say, headers included.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Response};
use serde_json::Value;
use tokio::net::TcpListener;

/// A request and its answer.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) method: String,
    /// Path and query.
    pub(super) path: String,
    headers: HeaderMap,
    /// The body, if there was one.
    pub(super) request: Option<Value>,
    pub(super) status: u16,
    pub(super) answer: Value,
}

impl Exchange {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(super) fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }
}

/// Clones share what was recorded.
#[derive(Clone)]
pub(super) struct Recorder {
    to: String,
    http: reqwest::Client,
    kept: Arc<Mutex<Vec<Exchange>>>,
}

impl Recorder {
    /// Hands everything on to that address; returns its own beside itself.
    pub(super) async fn before(to: String) -> (Recorder, String) {
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let recorder = Recorder { to, http, kept: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(hand_on).with_state(recorder.clone());
        tokio::spawn(serve(listener, router));
        (recorder, url)
    }

    /// What was recorded since the last time.
    pub(super) fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.kept.lock().unwrap())
    }
}

#[expect(clippy::disallowed_methods, reason = "nobody but the test talks to it: deadlines would be noise")]
async fn serve(listener: TcpListener, router: Router) {
    axum::serve(listener, router).await.unwrap();
}

async fn hand_on(State(recorder): State<Recorder>, head: Parts, body: Bytes) -> Response<Body> {
    let path = head.uri.path_and_query().unwrap().to_string();
    let request = recorder.http.request(head.method.clone(), format!("{}{path}", recorder.to));
    let answer = request.headers(head.headers.clone()).body(body.clone()).send().await.unwrap();
    let status = answer.status();
    let mut told = Response::builder().status(status);
    for name in ["date", "content-type", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
        if let Some(value) = answer.headers().get(name) {
            told = told.header(name, value);
        }
    }
    let text = answer.bytes().await.unwrap();
    recorder.kept.lock().unwrap().push(Exchange {
        method: head.method.to_string(),
        path,
        headers: head.headers,
        request: (!body.is_empty()).then(|| serde_json::from_slice(&body).unwrap()),
        status: status.as_u16(),
        answer: serde_json::from_slice(&text).unwrap(),
    });
    told.body(Body::from(text)).unwrap()
}
