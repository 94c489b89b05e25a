//! Every way in which the fake refuses a request: what holds on each endpoint, and what each refuses by itself.

use std::collections::BTreeSet;
use std::path::Path;

use autoclosed::clock::ManualClock;
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Attribute, AttributeKind, FakeIntercom, Quirk, Workspace};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::recorder::Recorder;
use super::script::Case;
use crate::harness::{days, monday, seconds};
use crate::topics::client;

const REFUSED_WITHOUT_BEING_READ: [(u16, &str); 5] = [
    (401, "unauthorized"),
    (406, "media_type_not_acceptable"),
    (400, "intercom_version_invalid"),
    (400, "bad_request"),
    (429, "rate_limit_exceeded"),
];

struct Refused {
    version: &'static str,
    clock: ManualClock,
    fake: FakeIntercom,
    recorder: Recorder,
    url: String,
    cases: Vec<Case>,
}

/// All cases, asked in that version; each of them was refused, and as it should be.
pub(super) async fn provoked(version: &'static str) -> Vec<Case> {
    let mut refused = Refused::new(version).await;
    let id = refused.fake.contact_starts("It does not start.");
    for (status, code) in REFUSED_WITHOUT_BEING_READ {
        for (method, path, body) in good(&id) {
            let without_body = method == Method::GET;
            if !(code == "bad_request" && without_body) {
                refused.unread((status, code), method, &path, body.as_ref()).await;
            }
        }
    }
    for (status, code, method, path, body) in faulty(&id) {
        let request = refused.request(method, &path, body.as_ref());
        refused.asks(&path, (status, code), request).await;
    }
    assert!(refused.fake.teammate_closes(&id, None).is_some());
    let (method, path, close) = good(&id).swap_remove(7);
    let request = refused.request(method, &path, close.as_ref());
    refused.asks("closed already", (400, "parameter_invalid"), request).await;
    refused.cases
}

type Asked = (Method, String, Option<Value>);

/// A good request to each endpoint.
fn good(id: &ConversationId) -> Vec<Asked> {
    let on = |rest: &str| format!("/conversations/{id}{rest}");
    let deed = |kind: &str| Some(json!({ "message_type": kind, "type": "admin", "admin_id": "1009", "body": "Bye." }));
    vec![
        (Method::GET, "/me".into(), None),
        (Method::GET, "/admins".into(), None),
        (Method::GET, "/teams".into(), None),
        (Method::GET, "/tags".into(), None),
        (Method::GET, "/contacts/65f000000000000000000001".into(), None),
        (Method::GET, on(""), None),
        (Method::POST, "/conversations/search".into(), Some(json!({ "query": by_time() }))),
        (Method::POST, on("/parts"), deed("close")),
        (Method::POST, on("/reply"), deed("comment")),
        (Method::PUT, on(""), Some(json!({ "read": true }))),
        (Method::POST, on("/tags"), Some(json!({ "id": "3001", "admin_id": "1009" }))),
        (Method::DELETE, on("/tags/3001"), Some(json!({ "admin_id": "1009" }))),
        (Method::POST, "/tags".into(), Some(json!({ "name": "vip" }))),
    ]
}

fn by_time() -> Value {
    json!({ "field": "updated_at", "operator": ">", "value": 0 })
}

/// Requests that are refused for what they ask, with status and code.
fn faulty(id: &ConversationId) -> Vec<(u16, &'static str, Method, String, Option<Value>)> {
    let on = |rest: &str| format!("/conversations/{id}{rest}");
    let until = (monday() + days(1)).as_second();
    let me = |mut body: Value| {
        body["admin_id"] = json!("1009");
        body
    };
    let close = json!({ "message_type": "close", "type": "admin" });
    let assign = |to: &str| me(json!({ "message_type": "assignment", "type": "admin", "assignee_id": to }));
    let snooze = |until: i64| me(json!({ "message_type": "snoozed", "snoozed_until": until }));
    let set = |name: &str, value: Value| json!({ "custom_attributes": { name: value } });
    let both = |first: &str, second: &str| json!({ "custom_attributes": { first: 1, second: 2 } });
    let mut all = vec![
        (404, "not_found", Method::GET, "/contacts/65f000000000000000000099".into(), None),
        (404, "not_found", Method::GET, "/conversations/99".into(), None),
        (404, "not_found", Method::DELETE, "/conversations/99/tags/3001".into(), Some(me(json!({})))),
        (404, "tag_not_found", Method::DELETE, on("/tags/3002"), Some(me(json!({})))),
    ];
    let wrong = |(status, code, path, body): (u16, &'static str, String, Value)| {
        let method = if path == on("") || path == "/conversations/99" { Method::PUT } else { Method::POST };
        (status, code, method, path, Some(body))
    };
    all.extend(
        [
            (404, "not_found", "/conversations/99/parts".into(), me(close.clone())),
            (404, "not_found", "/conversations/99/reply".into(), me(json!({}))),
            (404, "not_found", "/conversations/99/tags".into(), me(json!({ "id": "3001" }))),
            (404, "not_found", "/conversations/99".into(), json!({ "read": true })),
            (404, "not_found", on("/tags"), me(json!({ "id": "3099" }))),
            (400, "parameter_not_found", on("/parts"), close.clone()),
            (
                404,
                "admin_not_found",
                on("/parts"),
                json!({ "message_type": "close", "type": "admin", "admin_id": "7" }),
            ),
            (404, "assignee_not_found", on("/parts"), assign("1077")),
            (400, "parameter_not_found", on("/parts"), me(json!({ "message_type": "snoozed" }))),
            (400, "parameter_invalid", on("/parts"), snooze(until - 86_400 * 2)),
            (500, "server_error", on("/parts"), snooze(until * 1000)),
            (400, "parameter_not_found", on("/reply"), me(json!({ "message_type": "comment", "type": "admin" }))),
            (400, "parameter_invalid", on(""), set("nobody_knows", json!(1))),
            (400, "parameter_invalid", on(""), set("order_number", json!("seven"))),
            (400, "INVALID_PARAMETER", on(""), both("twice", "order_number")),
            (400, "parameter_invalid", "/tags".into(), json!({ "name": " " })),
            (400, "parameter_not_found", "/conversations/search".into(), json!({})),
            (
                400,
                "parameter_invalid",
                "/conversations/search".into(),
                json!({ "query": { "operator": "AND", "value": [] } }),
            ),
            (
                400,
                "client_error",
                "/conversations/search".into(),
                json!({ "query": by_time(), "pagination": { "per_page": 5, "starting_after": "nowhere" } }),
            ),
        ]
        .map(wrong),
    );
    all
}

impl Refused {
    async fn new(version: &'static str) -> Refused {
        let clock = ManualClock::at(monday());
        let mut workspace =
            Workspace { rate_limit: 400, quirks: vec![Quirk::RefusesSecondClose], ..Workspace::default() };
        let twice = || Attribute { name: "twice".to_owned(), kind: AttributeKind::Integer };
        workspace.conversation_attributes.extend([twice(), twice()]);
        let fake = FakeIntercom::start(clock.clone().into(), workspace).await.unwrap();
        let (recorder, url) = Recorder::before(fake.url()).await;
        Refused { version, clock, fake, recorder, url, cases: Vec::new() }
    }

    /// A request that is refused whatever it asks.
    async fn unread(&mut self, want: (u16, &str), method: Method, path: &str, body: Option<&Value>) {
        let (bearer, accept, version) = match want.1 {
            "unauthorized" => ("another", "application/json", self.version),
            "media_type_not_acceptable" => (&*Workspace::default().token, "text/html", self.version),
            "intercom_version_invalid" => (&*Workspace::default().token, "application/json", "1.0"),
            _ => (&*Workspace::default().token, "application/json", self.version),
        };
        let what = format!("{method} {path}");
        let body = if want.1 == "bad_request" { Some(&Value::Null) } else { body };
        let request = self.asking(method, path, body).bearer_auth(bearer).header("Accept", accept);
        if want.1 == "rate_limit_exceeded" {
            self.fake.change_workspace(|workspace| workspace.rate_limit = 0);
        }
        self.asks(&what, want, request.header("Intercom-Version", version)).await;
        self.fake.change_workspace(|workspace| workspace.rate_limit = 400);
    }

    /// Asks, and keeps what is answered: it has to be this status and this code.
    async fn asks(&mut self, what: &str, want: (u16, &str), request: RequestBuilder) {
        request.send().await.unwrap();
        let mut exchanges = self.recorder.take();
        let exchange = exchanges.pop().unwrap();
        let got = (exchange.status, exchange.answer["errors"][0]["code"].as_str().unwrap());
        assert_eq!((got, exchanges.len()), (want, 0), "{what}");
        self.cases.push(Case { method: "refused", what: format!("{what}, {}", want.1), exchange });
        self.clock.advance(seconds(1));
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> RequestBuilder {
        let request = self.asking(method, path, body).bearer_auth(Workspace::default().token);
        request.header("Accept", "application/json").header("Intercom-Version", self.version)
    }

    fn asking(&self, method: Method, path: &str, body: Option<&Value>) -> RequestBuilder {
        let request = client().request(method, format!("{}{path}", self.url));
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }
}

/// The codes that stand in the fake's source: a new one is provoked and held against the descriptions, or this fails.
#[tokio::test]
async fn every_code_of_the_fake_is_among_the_cases() {
    let cases = provoked("2.16").await;
    let provoked: BTreeSet<&str> =
        cases.iter().map(|case| case.exchange.answer["errors"][0]["code"].as_str().unwrap()).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/fake_intercom");
    let sources = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let sources = sources.filter(|path| path.is_file()).map(|path| std::fs::read_to_string(path).unwrap());
    let mut written = BTreeSet::new();
    for source in sources {
        let refusals = source.split("Refusal::new(").skip(1).chain(source.split("Refusal::bad(").skip(1));
        let codes = refusals.filter_map(|rest| rest.split(')').next()?.split('"').nth(1).map(str::to_owned));
        written.extend(codes);
    }
    assert_eq!(provoked, written.iter().map(String::as_str).collect());
}
