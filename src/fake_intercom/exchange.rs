//! One request and its answer, with everything that is made to happen on the way.
//!
//! Owns: the order (hook, fault, apply, hook, echo, answer), the rate window, the headers, the connections.
//! Refuses: knowing what a request means; `api` does.

use std::io;
use std::time::SystemTime;

use futures_util::{StreamExt, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, DATE, HeaderName, HeaderValue, LOCATION};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::api::{self, Asked, Refusal, Told};
use super::faults::{Endpoint, Fault, RateReset};
use super::notify::Notice;
use super::shape;
use super::world::uuid_like;
use super::{Echo, FakeIntercom};

const WINDOW_SECONDS: i64 = 10;
const HUGE: usize = 9 * 1024 * 1024;

type Body = BoxBody<Bytes, io::Error>;

/// The connection ends here, without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
pub(super) struct Cut;

/// Requests of the current window of ten seconds.
#[derive(Debug, Default)]
pub(super) struct Window {
    number: i64,
    used: u32,
}

impl Window {
    /// Counts a request and tells what is left; `None` if it is one too many.
    fn count(&mut self, at: i64, limit: u32) -> Option<u32> {
        self.spend(at, 1);
        limit.checked_sub(self.used)
    }

    /// Counts requests that are answered elsewhere.
    pub(super) fn spend(&mut self, at: i64, requests: u32) {
        let number = at.div_euclid(WINDOW_SECONDS);
        if number != self.number {
            *self = Window { number, used: 0 };
        }
        self.used = self.used.saturating_add(requests);
    }
}

/// Accepts connections until the fake is stopped; what is still open then is cut.
pub(super) async fn serve(fake: FakeIntercom, listener: TcpListener) {
    let stop = fake.inner.stop.clone();
    let mut connections = JoinSet::new();
    let work = async {
        loop {
            // A connection that failed before it was accepted is the caller's loss, not the listener's end.
            let Ok((stream, _)) = listener.accept().await else {
                tokio::task::yield_now().await;
                continue;
            };
            while connections.try_join_next().is_some() {}
            let fake = fake.clone();
            connections.spawn(async move {
                let service = service_fn(move |request| take(fake.clone(), request));
                let mut server = hyper::server::conn::http1::Builder::new();
                server.timer(TokioTimer::new()).auto_date_header(false);
                // Errors are what faults ask for, or a caller that hung up.
                let _cut = server.serve_connection(TokioIo::new(stream), service).await.is_err();
            });
        }
    };
    stop.run_until_cancelled(work).await;
}

/// Behind a gate, what has arrived is done even if its sender has died meanwhile.
async fn take(fake: FakeIntercom, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let gated = fake.desk().gate.is_some();
    if gated {
        return tokio::spawn(exchange(fake, request)).await.unwrap_or(Err(Cut));
    }
    exchange(fake, request).await
}

async fn exchange(fake: FakeIntercom, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let asked = read(request).await?;
    let endpoint = Endpoint::of(&asked.method, &asked.segments(), asked.body.as_ref());
    let call = fake.desk().record(&asked, endpoint, fake.inner.clock.now());
    fake.wake_due_snoozes();
    fake.do_what_is_late();
    wait_at_the_gate(&fake, call, false).await;
    let hook = fake.desk().plan.take_before(endpoint);
    if let Some(hook) = hook {
        hook(&fake);
    }
    let fault = fake.desk().plan.take_fault(endpoint);
    let answer = match fault {
        Some(Fault::Late(by)) => {
            fake.put_aside(by, asked, endpoint);
            return Err(Cut);
        }
        Some(fault) if !fault.applies() => in_place_of(&fake, fault).await?,
        fault => applied(&fake, &asked, (call, endpoint), fault).await?,
    };
    fake.desk().answered(call, answer.status().as_u16());
    Ok(answer)
}

/// Whoever holds the gate lets the request go by dropping it; a gate that nobody holds is open.
async fn wait_at_the_gate(fake: &FakeIntercom, call: usize, applied: bool) {
    let (go, gone) = oneshot::channel();
    let passing = {
        let desk = fake.desk();
        let call = desk.calls.get(call).cloned();
        desk.gate.clone().zip(call).map(|(gate, call)| (gate, super::Passing { call, applied, _go: go }))
    };
    let Some((gate, passing)) = passing else { return };
    if gate.send(passing).is_ok() {
        // The error is the sign: it was dropped.
        let _dropped = gone.await.is_err();
    }
}

async fn read(request: Request<Incoming>) -> Result<Asked, Cut> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    Ok(Asked { method: head.method, path, headers: head.headers, body: serde_json::from_slice(&bytes).ok() })
}

/// The answer of a fault that keeps the request from taking effect.
async fn in_place_of(fake: &FakeIntercom, fault: Fault) -> Result<Response<Body>, Cut> {
    match fault {
        Fault::Status { status, body } => Ok(plain(fake, status, "application/json", body)),
        Fault::RateLimited { reset } => Ok(rate_limited(fake, &reset)),
        Fault::Garbage200 => Ok(plain(fake, 200, "text/plain", "all is well".to_owned())),
        Fault::Html502 => Ok(plain(fake, 502, "text/html", "<html><h1>502 Bad Gateway</h1></html>".to_owned())),
        Fault::Redirect(to) => {
            let mut answer = plain(fake, 307, "text/plain", String::new());
            put(&mut answer, LOCATION, &to);
            Ok(answer)
        }
        Fault::Hang => std::future::pending().await,
        _ => Err(Cut),
    }
}

async fn applied(
    fake: &FakeIntercom,
    asked: &Asked,
    (call, endpoint): (usize, Endpoint),
    fault: Option<Fault>,
) -> Result<Response<Body>, Cut> {
    let at = fake.second();
    let (authentic, limit) = {
        let world = fake.world();
        (asked.authenticate(&world.workspace), world.workspace.rate_limit)
    };
    if let Err(refusal) = authentic {
        return Ok(refused(fake, &refusal));
    }
    let left = fake.desk().window.count(at, limit);
    let outcome = match left {
        None => Err(too_many(limit)),
        Some(_) => apply(fake, asked, (call, endpoint), at).await,
    };
    let (status, mut body) = match outcome {
        Ok(body) => (200, body),
        Err(refusal) => (refusal.status, refusal.body(&fake.desk().request_id())),
    };
    if status == 200 && endpoint.answers_conversation() {
        distort(&mut body, fault.as_ref());
    }
    let mut answer = finished(fake, status, &body, fault).await?;
    put_rate(&mut answer, limit, left.unwrap_or_default(), Some(next_window(at).to_string()));
    Ok(answer)
}

async fn apply(
    fake: &FakeIntercom,
    asked: &Asked,
    (call, endpoint): (usize, Endpoint),
    at: i64,
) -> Result<Value, Refusal> {
    let (told, notices) = {
        let mut world = fake.world();
        let told = api::answer(&mut world, asked, endpoint, at)?;
        (told, world.take_notices())
    };
    let hook = fake.desk().plan.take_after(endpoint);
    if let Some(hook) = hook {
        hook(fake);
    }
    wait_at_the_gate(fake, call, true).await;
    echo(fake, &notices).await;
    spell(fake, asked, told)
}

/// The answer in JSON, as the conversation stands by now: a contact may have spoken since.
fn spell(fake: &FakeIntercom, asked: &Asked, told: Told) -> Result<Value, Refusal> {
    let world = fake.world();
    let dialect = asked.dialect();
    let find = |id| world.conversations.get(id).ok_or_else(|| Refusal::new(404, "not_found", "Resource Not Found"));
    match told {
        Told::Json(body) => Ok(body),
        Told::Whole(id) => Ok(shape::whole(find(&id)?, dialect)),
        Told::OnePart(id, part) => {
            let conversation = find(&id)?;
            let parts: Vec<_> = conversation.part(part).into_iter().collect();
            Ok(shape::conversation(conversation, &parts, dialect))
        }
    }
}

async fn echo(fake: &FakeIntercom, notices: &[Notice]) {
    let (echo, dropped) = {
        let desk = fake.desk();
        (desk.echo, desk.drops_notifications)
    };
    match echo {
        _ if dropped => {}
        Echo::Never => {}
        Echo::AfterAnswer => fake.inner.courier.post(notices),
        Echo::BeforeAnswer => fake.inner.courier.post_and_wait(notices).await,
        Echo::Twice => {
            fake.inner.courier.post(notices);
            fake.inner.courier.post(notices);
        }
    }
}

fn distort(body: &mut Value, fault: Option<&Fault>) {
    match fault {
        Some(Fault::WrongId) => body["id"] = json!("1"),
        Some(Fault::WrongState) => {
            let other = if body["state"] == "open" { "closed" } else { "open" };
            body["open"] = json!(other == "open");
            body["state"] = json!(other);
        }
        Some(Fault::HideContactTime) => body["statistics"] = Value::Null,
        Some(Fault::StaleContactTime(at)) => body["statistics"]["last_contact_reply_at"] = json!(at.as_second()),
        _ => {}
    }
}

async fn finished(fake: &FakeIntercom, status: u16, body: &Value, fault: Option<Fault>) -> Result<Response<Body>, Cut> {
    let text = body.to_string();
    match fault {
        Some(Fault::ApplyThenDrop) => Err(Cut),
        Some(Fault::ApplyThenHang) => std::future::pending().await,
        Some(Fault::ApplyThenStatus(status)) => Ok(plain(fake, status, "application/json", String::new())),
        Some(Fault::HugeBody) => Ok(plain(fake, status, "application/json", text + &" ".repeat(HUGE))),
        Some(Fault::Truncated) => Ok(plain(fake, status, "application/json", text).map(cut_in_half)),
        _ => Ok(plain(fake, status, "application/json", text)),
    }
}

/// The first half of a body, then the end of the connection.
fn cut_in_half(body: Body) -> Body {
    let halves = body.into_data_stream().map(|bytes| bytes.map(|bytes| Frame::data(bytes.slice(..bytes.len() / 2))));
    let cut = stream::once(async {
        // Lets the first half leave before the connection does.
        tokio::task::yield_now().await;
        Err(io::Error::other(Cut))
    });
    BodyExt::boxed(StreamBody::new(halves.chain(cut)))
}

fn refused(fake: &FakeIntercom, refusal: &Refusal) -> Response<Body> {
    let body = refusal.body(&fake.desk().request_id());
    plain(fake, refusal.status, "application/json", body.to_string())
}

fn too_many(limit: u32) -> Refusal {
    Refusal::new(429, "rate_limit_exceeded", format!("Exceeded rate limit of {limit} in 10_seconds"))
}

fn rate_limited(fake: &FakeIntercom, reset: &RateReset) -> Response<Body> {
    let limit = fake.world().workspace.rate_limit;
    let mut answer = refused(fake, &too_many(limit));
    let reset = match reset {
        RateReset::InSeconds(seconds) => Some((fake.second() + seconds).to_string()),
        RateReset::Missing => None,
        RateReset::Text(text) => Some(text.clone()),
    };
    put_rate(&mut answer, limit, 0, reset);
    answer
}

fn next_window(at: i64) -> i64 {
    (at.div_euclid(WINDOW_SECONDS) + 1) * WINDOW_SECONDS
}

fn put_rate(answer: &mut Response<Body>, limit: u32, left: u32, reset: Option<String>) {
    put(answer, HeaderName::from_static("x-ratelimit-limit"), &limit.to_string());
    put(answer, HeaderName::from_static("x-ratelimit-remaining"), &left.to_string());
    if let Some(reset) = reset {
        put(answer, HeaderName::from_static("x-ratelimit-reset"), &reset);
    }
}

fn plain(fake: &FakeIntercom, status: u16, content_type: &'static str, body: String) -> Response<Body> {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed();
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    put(&mut answer, CONTENT_TYPE, content_type);
    put(&mut answer, DATE, &httpdate::fmt_http_date(SystemTime::from(fake.inner.clock.now())));
    answer
}

/// Sets a header; a value that is none is left out.
fn put(answer: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

impl super::Desk {
    fn record(&mut self, asked: &Asked, endpoint: Endpoint, at: jiff::Timestamp) -> usize {
        let (method, path, body) = (asked.method.to_string(), asked.path.clone(), asked.body.clone());
        let mutating = asked.method != Method::GET && endpoint != Endpoint::Search;
        self.calls.push(super::Call { endpoint, method, path, body, mutating, status: None, at });
        self.calls.len() - 1
    }

    fn answered(&mut self, call: usize, status: u16) {
        if let Some(call) = self.calls.get_mut(call) {
            call.status = Some(status);
        }
    }

    fn request_id(&mut self) -> String {
        self.requests += 1;
        uuid_like(1, self.requests)
    }
}
