//! How one request travels: its address, the head of its answer, its body, and what became of it.
//!
//! Owns: the HTTP client, Intercom's clock as its answers show it, and the standing shown in health. Refuses: knowing
//! what a request means.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{AUTHORIZATION, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::Answer;
use super::count::{self, Counts, Heard};
use super::setup::{ClientSettings, VERSION};
use crate::clock::Clock;
use crate::intercom::breaker::{self, Breaker, Leave};
use crate::intercom::error::{Class, IntercomError, Refusal, is_word};
use crate::intercom::pace::{Flight, Pacer, Told};
use crate::intercom::wire::possible_date;
use crate::sabotage::made_up;

/// Longest answer read, in bytes after decompression. A conversation shows at most 500 parts.
pub const ANSWER_LIMIT: usize = 8 * 1024 * 1024;
/// Longest error answer read: its code stands at its beginning.
const REFUSAL_LIMIT: usize = 64 * 1024;

/// Longest path to a mistake that is told, in bytes.
const LONGEST_PATH: usize = 100;

/// One request, not yet sent.
pub(super) struct Request {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, &'static str)>,
    body: Option<Value>,
    of_conversation: bool,
}

impl Request {
    pub(super) fn new(method: Method, path: &[&str]) -> Request {
        let path = path.iter().map(|&segment| segment.to_owned()).collect();
        Request { method, path, query: Vec::new(), body: None, of_conversation: false }
    }

    pub(super) fn json(self, body: Value) -> Request {
        Request { body: Some(body), ..self }
    }

    pub(super) fn query(self, query: &[(&'static str, &'static str)]) -> Request {
        Request { query: query.to_vec(), ..self }
    }

    /// One word for what it asks for.
    pub(super) fn endpoint(&self) -> &'static str {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        count::endpoint(self.method.as_str(), &path, self.body.as_ref())
    }

    /// Whether anything in Intercom is otherwise after it.
    pub(super) fn changes_something(&self) -> bool {
        self.method != Method::GET && self.endpoint() != "search"
    }

    /// Nothing but a conversation is named, so that a plain "not found" speaks of that.
    pub(super) fn of_conversation(self) -> Request {
        Request { of_conversation: true, ..self }
    }
}

/// How the calls have gone lately. Times are [`Clock::elapsed`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// When a call last gave what was asked.
    pub last_success: Option<Duration>,
    /// When a call that was sent last failed, and how.
    pub last_error: Option<(Duration, Class)>,
}

pub(super) struct Transport {
    pub(super) http: reqwest::Client,
    pub(super) base: Url,
    pub(super) api_version: String,
    clock: Clock,
    pub(super) pacer: Arc<Pacer>,
    pub(super) counts: Counts,
    breaker: Mutex<Breaker>,
    seen: Mutex<Seen>,
}

/// What the answers have shown so far.
#[derive(Default)]
struct Seen {
    date: Option<(Timestamp, Duration)>,
    version: Option<String>,
    standing: Standing,
}

/// What the head of an answer tells.
struct Head {
    at: Timestamp,
    received: Duration,
    told: Told,
}

impl Transport {
    pub(super) fn new(http: reqwest::Client, settings: ClientSettings, clock: Clock) -> Transport {
        let ClientSettings { base_url: base, api_version, requests_per_10s, .. } = settings;
        let pacer = Pacer::new(requests_per_10s, clock.clone());
        let (counts, breaker, seen) = (Counts::default(), Mutex::default(), Mutex::default());
        Transport { http, base, api_version, clock, pacer, counts, breaker, seen }
    }

    /// The error is that nothing at all may be sent now.
    pub(super) fn is_at_rest(&self) -> Result<(), IntercomError> {
        let rests = self.breaker().rests(self.clock.elapsed());
        rests.map_or(Ok(()), |until| Err(IntercomError::Resting { until }))
    }

    /// Whether this may be sent now. Ask for it last: the one call that finds out whether Intercom's trouble is over is
    /// let through once.
    pub(super) fn leave(&self, request: &Request) -> Result<Leave, IntercomError> {
        let asks = request.method == Method::GET;
        self.breaker().may(self.clock.elapsed(), asks).map_err(|until| IntercomError::Resting { until })
    }

    pub(super) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the request and reads its answer. The flight ends when the head of the answer is here; what that said is
    /// in `said`, whatever becomes of the rest.
    pub(super) async fn send(
        &self,
        request: Request,
        bearer: HeaderValue,
        flight: Flight,
        said: &mut Option<Heard>,
    ) -> Result<Answer<Vec<u8>>, IntercomError> {
        let url = address(&self.base, &request)?;
        let mut builder = self.http.request(request.method, url).header(AUTHORIZATION, bearer);
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        let response = match made_up() {
            Some(response) => response,
            None => builder.send().await.map_err(unanswered)?,
        };
        drop(flight);
        let head = self.read_head(response.headers());
        let status = response.status();
        let said = said.insert(Heard { status: status.as_u16(), request_id: request_id(response.headers()) });
        if status == StatusCode::TOO_MANY_REQUESTS {
            let until = self.pacer.refused(&head.told);
            said.request_id = refusal(response).await.request_id;
            return Err(IntercomError::RateLimited { until });
        }
        // A refused token and a gateway in trouble name no limit: that does not mean there is none.
        if status.is_success() || head.told.limit.is_some() {
            self.pacer.told(&head.told);
        }
        if !status.is_success() {
            let refusal = refusal(response).await;
            said.request_id.clone_from(&refusal.request_id);
            return Err(refusal.sort(request.of_conversation));
        }
        let body = read_body(response, ANSWER_LIMIT).await?;
        Ok(Answer { value: body, at: head.at, received: head.received })
    }

    /// Takes note of how a call went. Whoever made it says what follows from a failure; the line here is for Intercom's
    /// support, which asks for the id of the request.
    pub(super) fn note(
        &self,
        endpoint: &'static str,
        leave: Leave,
        heard: Option<&Heard>,
        error: Option<&IntercomError>,
    ) {
        let status = self.counts.add(endpoint, heard, error);
        let class = error.map(IntercomError::class);
        if let Some(class) = class {
            let request_id = heard.and_then(|heard| heard.request_id.as_deref());
            tracing::info!(
                endpoint,
                status,
                class = class.name(),
                intercom.request_id = request_id,
                "a call to Intercom failed"
            );
        }
        let now = self.clock.elapsed();
        if let Some(answered) = breaker::tells(error) {
            self.note_trouble(now, leave, answered);
        }
        let standing = &mut self.seen().standing;
        match class {
            None => standing.last_success = Some(now),
            Some(class) => standing.last_error = Some((now, class)),
        }
    }

    fn note_trouble(&self, now: Duration, leave: Leave, answered: bool) {
        let mut breaker = self.breaker();
        let before = breaker.trouble().is_some();
        breaker.note(now, leave, answered);
        if !before && breaker.trouble().is_some() {
            tracing::warn!(
                "too many calls to Intercom fail; one is sent now and then, and no other until it is answered well"
            );
        }
    }

    pub(super) fn standing(&self) -> Standing {
        self.seen().standing
    }

    pub(super) fn intercom_now(&self) -> Option<Timestamp> {
        let (date, received) = self.seen().date?;
        let since = SignedDuration::try_from(self.clock.elapsed().saturating_sub(received)).ok()?;
        date.checked_add(since).ok()
    }

    pub(super) fn answered_version(&self) -> Option<String> {
        self.seen().version.clone()
    }

    fn read_head(&self, headers: &HeaderMap) -> Head {
        let received = self.clock.elapsed();
        let date = headers.get(DATE).and_then(|value| value.to_str().ok()).and_then(written_date);
        if let Some(date) = date {
            self.seen().date = Some((date, received));
        }
        if let Some(version) = headers.get(VERSION).and_then(|version| version.to_str().ok()).filter(|it| is_word(it)) {
            self.seen().version = Some(version.to_owned());
        }
        let at = date.unwrap_or_else(|| self.clock.now());
        let said_at = date.or_else(|| self.intercom_now()).unwrap_or(at).as_second();
        Head { at, received, told: rate(headers, said_at) }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The base address with the segments of the path after it, each escaped.
fn address(base: &Url, Request { path, query, .. }: &Request) -> Result<Url, IntercomError> {
    let mut url = base.clone();
    let Ok(mut segments) = url.path_segments_mut() else {
        return Err(IntercomError::BadRequest("the address of Intercom takes no path"));
    };
    segments.pop_if_empty().extend(path);
    drop(segments);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

fn unanswered(error: reqwest::Error) -> IntercomError {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() { IntercomError::NotSent(error) } else { IntercomError::Lost(error) }
}

async fn refusal(response: Response) -> Refusal {
    let status = response.status().as_u16();
    let header_id = request_id(response.headers());
    // Whatever happened to the body, the status stands.
    let body = read_body(response, REFUSAL_LIMIT).await.unwrap_or_default();
    Refusal::read(status, header_id.as_deref(), &body)
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    headers.get("x-request-id").and_then(|id| id.to_str().ok()).filter(|id| is_word(id)).map(str::to_owned)
}

async fn read_body(mut response: Response, limit: usize) -> Result<Vec<u8>, IntercomError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| IntercomError::Lost(error.without_url()))? {
        if body.len() + chunk.len() > limit {
            return Err(IntercomError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads the body. The parser's own message is dropped: it quotes what it read.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, IntercomError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let garbled = |at: String, error: &serde_json::Error| IntercomError::Garbled {
        at: if is_path(&at) { at } else { "a key that is no word".to_owned() },
        line: error.line(),
        column: error.column(),
    };
    let value = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| garbled(error.path().to_string(), error.inner()))?;
    json.end().map_err(|error| garbled("end".to_owned(), &error))?;
    Ok(value)
}

/// Keys are Intercom's own words, but where anything may stand, somebody else's.
fn is_path(at: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]?".contains(&byte);
    at.len() <= LONGEST_PATH && at.bytes().all(fits)
}

fn rate(headers: &HeaderMap, said_at: i64) -> Told {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let count = |name: &str| number(name).map(|count| u32::try_from(count.max(0)).unwrap_or(u32::MAX));
    Told {
        limit: count("x-ratelimit-limit"),
        remaining: count("x-ratelimit-remaining"),
        reset: number("x-ratelimit-reset"),
        retry_after: number(RETRY_AFTER.as_str()),
        said_at,
    }
}

fn written_date(text: &str) -> Option<Timestamp> {
    let since_epoch = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    possible_date(i64::try_from(since_epoch.as_secs()).ok()?)
}
