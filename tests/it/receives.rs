//! What is answered to a notification, over real HTTP, and what is in the database when the answer arrives.

use std::path::PathBuf;
use std::time::Duration;

use autoclosed::clock::{Clock, ManualClock};
use autoclosed::config::{self, Secrets};
use autoclosed::daemon::Daemon;
use autoclosed::intercom::client::install_tls;
use autoclosed::intercom::signature::sign;
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};

use crate::harness::monday;

mod captured;
mod commits;
mod counted;
mod watched;

const SECRET: &str = "the-client-secret";
const OLD_SECRET: &str = "the-client-secret-before-it";
const WEBHOOK: &str = "/webhooks/intercom";

/// A daemon that nobody at Intercom answers to, and a client of its own.
struct Desk {
    folder: tempfile::TempDir,
    daemon: Daemon,
    client: reqwest::Client,
}

impl Desk {
    /// A daemon of the workspace that the payloads come from.
    async fn new() -> Desk {
        Desk::of("app_id = \"w0rkspac\"", "").await
    }

    async fn of(intercom: &str, database: &str) -> Desk {
        install_tls();
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[intercom]\nbase_url = \"http://127.0.0.1:1\"\n{intercom}\n[server]\nlisten = \"127.0.0.1:0\"\nmax_body = \"16 KiB\"\n\
             [admin]\nlisten = \"127.0.0.1:0\"\n[database]\nurl = \"sqlite:{}\"\n{database}",
            folder.path().join("a.db").display()
        );
        let config = config::parse("test.toml", text.as_bytes()).unwrap().config;
        let secrets = Secrets {
            access_token: SecretString::from("the-access-token"),
            client_secrets: vec![SecretString::from(OLD_SECRET), SecretString::from(SECRET)],
        };
        let clock = Clock::from(ManualClock::at(monday()));
        let daemon = Daemon::start(&config, &secrets, clock).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Desk { folder, daemon, client }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("a.db")
    }

    fn public(&self, path: &str) -> String {
        format!("http://{}{path}", self.daemon.public_address())
    }

    fn admin(&self, path: &str) -> String {
        format!("http://{}{path}", self.daemon.admin_address())
    }

    async fn stranger(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.database()).connect().await.unwrap()
    }

    async fn rows(&self, sql: &str) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.stranger().await).await.unwrap()
    }

    async fn stored(&self) -> usize {
        self.rows("SELECT id FROM notification").await.len()
    }

    /// A notification as Intercom sends it.
    fn signed(&self, body: impl Into<Vec<u8>>) -> reqwest::RequestBuilder {
        let body = body.into();
        let signature = sign(&SecretString::from(SECRET), &body);
        self.client.post(self.public(WEBHOOK)).header("X-Hub-Signature", signature).body(body)
    }

    async fn post(&self, body: impl Into<Vec<u8>>) -> StatusCode {
        self.signed(body).send().await.unwrap().status()
    }

    /// A request with these signatures.
    async fn post_with(&self, signatures: &[&str], body: &[u8]) -> StatusCode {
        let mut request = self.client.post(self.public(WEBHOOK)).body(body.to_vec());
        for signature in signatures {
            request = request.header("X-Hub-Signature", *signature);
        }
        request.send().await.unwrap().status()
    }

    async fn ask(&self, method: Method, url: String) -> reqwest::Response {
        self.client.request(method, url).send().await.unwrap()
    }

    async fn json(&self, url: String) -> (StatusCode, Value) {
        let answer = self.ask(Method::GET, url).await;
        let status = answer.status();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    /// What became of the notifications so far, as the health check counts them.
    async fn counted(&self) -> String {
        let (_, health) = self.json(self.admin("/health")).await;
        let checks = health["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == "notifications").unwrap();
        check["detail"].as_str().unwrap().trim_start_matches("since the start: ").to_owned()
    }

    /// Why each body was kept aside.
    async fn aside(&self) -> Vec<String> {
        self.rows("SELECT reason FROM notification_body ORDER BY id").await
    }
}

fn payload(name: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/payloads");
    serde_json::from_slice(&std::fs::read(folder.join(format!("{name}.json"))).unwrap()).unwrap()
}

fn reply() -> Value {
    payload("v2.conversation.user.replied")
}

#[tokio::test]
async fn a_signed_notification_is_in_the_database_when_its_200_arrives() {
    let desk = Desk::new().await;
    for number in 0..20 {
        let mut body = reply();
        body["id"] = json!(format!("notif_{number}"));
        assert_eq!(desk.post(body.to_string()).await, StatusCode::OK);
        assert_eq!(desk.stored().await, number + 1);
    }
    assert!(desk.counted().await.starts_with("20 stored"));
}

#[tokio::test]
async fn what_is_not_signed_by_intercom_is_refused_unread() {
    let desk = Desk::new().await;
    let body = reply().to_string();
    let body = body.as_bytes();
    let good = sign(&SecretString::from(SECRET), body);
    let (_, digits) = good.split_once('=').unwrap();
    let wrong = sign(&SecretString::from("another"), body);
    let other_body = sign(&SecretString::from(SECRET), b"{}");
    let cases: Vec<(&str, Vec<String>)> = vec![
        ("none", vec![]),
        ("of another secret", vec![wrong]),
        ("of another body", vec![other_body]),
        ("twice the same", vec![good.clone(), good.clone()]),
        ("a good and a bad one", vec![good.clone(), "sha1=00".to_owned()]),
        ("empty", vec![String::new()]),
        ("without its name", vec![digits.to_owned()]),
        ("in capitals", vec![format!("SHA1={digits}")]),
        ("of another kind", vec![format!("sha256={digits}{digits}")]),
        ("too short", vec![good[..good.len() - 1].to_owned()]),
        ("too long", vec![format!("{good}0")]),
        ("two in one", vec![format!("{good}, {good}")]),
    ];
    for (name, signatures) in cases {
        let signatures: Vec<&str> = signatures.iter().map(String::as_str).collect();
        assert_eq!(desk.post_with(&signatures, body).await, StatusCode::UNAUTHORIZED, "{name}");
    }
    assert_eq!(desk.stored().await, 0);
    assert_eq!(desk.counted().await, "0 stored, 0 duplicate, 0 ignored, 0 foreign, 0 quarantined");
    assert_eq!(desk.post_with(&[&format!("sha1={}", digits.to_uppercase())], body).await, StatusCode::OK);
}

#[tokio::test]
async fn either_of_two_secrets_may_have_signed() {
    let desk = Desk::new().await;
    for (number, secret) in [OLD_SECRET, SECRET].into_iter().enumerate() {
        let mut body = reply();
        body["id"] = json!(number.to_string());
        let body = body.to_string();
        let signature = sign(&SecretString::from(secret), body.as_bytes());
        assert_eq!(desk.post_with(&[&signature], body.as_bytes()).await, StatusCode::OK);
    }
    assert_eq!(desk.stored().await, 2);
}

#[tokio::test]
async fn a_body_that_is_too_large_or_encoded_is_refused() {
    let desk = Desk::new().await;
    let body = |size: usize| vec![b' '; size];
    assert_eq!(desk.post(body(16 * 1024 + 1)).await, StatusCode::PAYLOAD_TOO_LARGE);
    for encoding in ["gzip", "br", "deflate", "identity, gzip", "x"] {
        let answer = desk.signed(reply().to_string()).header("Content-Encoding", encoding).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{encoding}");
    }
    assert_eq!(desk.stored().await, 0);
    assert_eq!(desk.post(body(16 * 1024)).await, StatusCode::OK);
    let identity = desk.signed(reply().to_string()).header("Content-Encoding", "Identity").send().await.unwrap();
    assert_eq!(identity.status(), StatusCode::OK);
}

#[tokio::test]
async fn signed_bytes_of_any_kind_are_answered_200_and_kept_aside() {
    let desk = Desk::new().await;
    let mut unknown = reply();
    unknown["topic"] = json!("content_stat.sent");
    unknown["id"] = json!("unknown-topic");
    let mut foreign = reply();
    foreign["app_id"] = json!("an0ther1");
    let mut nobody = reply();
    nobody["app_id"] = json!(null);
    let mut hostile = reply();
    hostile["data"]["item"]["id"] = json!("../../admins");
    hostile["id"] = json!("'); DROP TABLE conversation; --");
    let bodies: Vec<Vec<u8>> = vec![
        vec![],
        b"topic=ping".to_vec(),
        b"{\"topic\":\"\xff\"}".to_vec(),
        "[".repeat(10_000).into_bytes(),
        b"null".to_vec(),
        unknown.to_string().into_bytes(),
        foreign.to_string().into_bytes(),
        nobody.to_string().into_bytes(),
        hostile.to_string().into_bytes(),
    ];
    for (number, body) in bodies.iter().enumerate() {
        assert_eq!(desk.post(body.clone()).await, StatusCode::OK, "{number}");
        assert_eq!(desk.aside().await.len(), number + 1, "each by itself");
    }
    insta::assert_snapshot!(desk.aside().await.join("\n"), @r"
    it is not JSON
    it is not JSON
    it is not UTF-8
    it is not JSON
    it is JSON of another shape, or a field is there twice
    unknown topic
    another workspace
    it names no workspace
    the conversation's id is missing or not 1 to 20 digits
    ");
    assert_eq!(desk.counted().await, "0 stored, 0 duplicate, 1 ignored, 1 foreign, 7 quarantined");
    assert_eq!(desk.rows("SELECT id FROM conversation").await, Vec::<String>::new());
    let kept: Vec<Vec<u8>> = sqlx::query_scalar("SELECT body FROM notification_body ORDER BY id")
        .fetch_all(&mut desk.stranger().await)
        .await
        .unwrap();
    assert_eq!(kept, bodies, "byte for byte");
}

#[tokio::test]
async fn a_ping_is_only_counted() {
    let desk = Desk::new().await;
    for _ in 0..2 {
        assert_eq!(desk.post(payload("ping").to_string()).await, StatusCode::OK);
    }
    assert_eq!((desk.stored().await, desk.aside().await), (0, vec![]));
    assert_eq!(desk.counted().await, "0 stored, 0 duplicate, 2 ignored, 0 foreign, 0 quarantined");
}

#[tokio::test]
async fn a_second_delivery_is_a_duplicate_and_one_with_other_content_is_folded_in() {
    let desk = Desk::new().await;
    let first = reply();
    let mut again = first.clone();
    again["delivery_attempts"] = json!(2);
    again["first_sent_at"] = json!(1);
    let mut other = first.clone();
    *other.pointer_mut("/data/item/conversation_parts/conversation_parts/0/id").unwrap() = json!("7999");
    for body in [&first, &again, &other] {
        assert_eq!(desk.post(body.to_string()).await, StatusCode::OK);
    }
    assert_eq!(desk.counted().await, "1 stored, 2 duplicate, 0 ignored, 0 foreign, 0 quarantined");
    assert_eq!(desk.aside().await, ["the same id with other content"]);
    let parts = desk.rows("SELECT part_id FROM activity ORDER BY part_id").await;
    assert_eq!(parts, ["7201", "7999", "source:9201"]);
}

#[tokio::test]
async fn all_bodies_are_kept_if_the_operator_wants_them() {
    let desk = Desk::of("app_id = \"w0rkspac\"", "keep_bodies = \"all\"").await;
    let body = reply().to_string();
    desk.post(body.clone()).await;
    assert_eq!(desk.rows("SELECT CAST(body AS TEXT) FROM notification_body").await, [body]);
}

#[tokio::test]
async fn only_what_the_table_names_is_served() {
    let desk = Desk::new().await;
    let head = desk.ask(Method::HEAD, desk.public(WEBHOOK)).await;
    assert_eq!((head.status(), head.text().await.unwrap()), (StatusCode::OK, String::new()));
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let answer = desk.ask(method.clone(), desk.public(WEBHOOK)).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        let allow = answer.headers()["allow"].to_str().unwrap();
        let mut allowed: Vec<_> = allow.split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed, ["HEAD", "POST"], "{method}");
    }
    for path in
        ["/", "/webhooks", "/webhooks/intercom/", "/webhooks/Intercom", "//webhooks/intercom", "/ready", "/metrics"]
    {
        for method in [Method::GET, Method::POST, Method::HEAD] {
            let answer = desk.ask(method.clone(), desk.public(path)).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method} {path}");
        }
    }
    for method in [Method::HEAD, Method::GET, Method::POST] {
        let answer = desk.ask(method.clone(), desk.admin(WEBHOOK)).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method} on the admin listener");
    }
    assert_eq!(desk.stored().await, 0);
}

#[tokio::test]
async fn a_question_mark_in_the_address_does_not_lose_a_notification() {
    let desk = Desk::new().await;
    let body = reply().to_string();
    let signature = sign(&SecretString::from(SECRET), body.as_bytes());
    let request = desk.client.post(desk.public(&format!("{WEBHOOK}?from=intercom")));
    let answer = request.header("x-hub-signature", signature).body(body).send().await.unwrap();
    assert_eq!((answer.status(), desk.stored().await), (StatusCode::OK, 1));
}
