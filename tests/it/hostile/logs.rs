//! Whatever others write, each line of the log is one record, of bounded length, that steers no terminal.

use std::time::Duration;

use autoclosed::clock::Clock;
use autoclosed::fake_intercom::{Endpoint, FakeIntercom, Fault};
use autoclosed::sabotage::{Bug, plant};

use super::peer::{post, signed};
use super::program::Program;
use super::*;

/// Ends a line, steers a terminal, turns the direction, and looks like a record.
const EVIL: &str = "x\r\n{\"level\":\"ERROR\"}\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}\u{2028}\u{202e}\0\"}";

/// Rules whose names and words are as odd as may be.
const RULES: &str = r#"
[schedule]
sweep = "* * * * * *"
[[rule]]
name = "{\"level\":\"ERROR\"} 🦀 \u202E\u200F name"
match_all = true
step = [{ after = "1 second", do = "close", silent = true, tags = ["{\"a\":1}"] }]
"#;

fn evil_answer() -> String {
    let long = EVIL.repeat(8000);
    json!({"type": "error.list", "request_id": EVIL, "errors": [{"code": long, "message": EVIL, "field": EVIL}]})
        .to_string()
}

/// Everything that a stranger, a customer or Intercom may put into it.
async fn provoke(fake: &FakeIntercom, program: &mut Program) {
    for (endpoint, status) in
        [(Endpoint::Conversation, 500), (Endpoint::Conversation, 422), (Endpoint::Close, 409), (Endpoint::Search, 400)]
    {
        fake.fault(endpoint, Fault::Status { status, body: evil_answer() });
    }
    fake.fault(Endpoint::Tag, Fault::Status { status: 400, body: evil_answer() });
    let id = fake.contact_starts(EVIL);
    fake.teammate_replies(&id, EVIL);
    let mut odd = reply(77, EVIL);
    odd["topic"] = json!(EVIL);
    let mut plain = reply(78, "{\"level\":\"ERROR\"}");
    plain["topic"] = json!("conversation.{\"level\":\"ERROR\"}");
    let mut other = reply(79, "n");
    (other["app_id"], other["data"]["item"]["state"]) = (json!(EVIL.repeat(1000)), json!(EVIL));
    let mut bodies = vec![odd, plain, other];
    bodies.push(json!({"topic": EVIL.repeat(8000), "id": EVIL}));
    for body in bodies {
        let answer =
            peer::Peer::to(program.webhook).await.ask(&signed(CLIENT_SECRET, body.to_string().as_bytes())).await;
        assert_eq!(answer.unwrap().status, 200);
    }
    let lines: [&[u8]; 3] = [b"X-Hub-Signature: \x1b[2J", b"Referer: \x9b{\"level\":1}", b"X-Forwarded-For: a\tb\x1b"];
    for line in lines {
        peer::Peer::to(program.webhook).await.ask(&post(&[line], EVIL.as_bytes())).await;
    }
}

/// A line as a program reads it: one object whose texts are bounded and have nothing in them that steers.
fn assert_is_one_record(line: &str) {
    let read: Value = serde_json::from_str(line).unwrap_or_default();
    assert!(read.is_object(), "{line}");
    let record = read.as_object().unwrap();
    for field in ["timestamp", "level", "target", "message"] {
        assert!(record[field].is_string(), "{line}");
    }
    for (name, value) in record {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert!(text.chars().count() <= 257, "{name} has {} characters", text.chars().count());
        let steers = |c: char| {
            c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(!text.contains(steers), "{name}: {text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_of_the_log_is_one_record_whatever_others_write() {
    let fake = FakeIntercom::start(Clock::System, Workspace::default()).await.unwrap();
    let mut program = Program::start(&fake.url(), "trace", RULES);
    fake.send_notifications_to(&format!("http://{}/webhooks/intercom", program.webhook), CLIENT_SECRET);
    provoke(&fake, &mut program).await;
    for words in ["refused a notification", "a call to Intercom failed", "recorded a notification"] {
        program.hears(words);
    }
    let began = tokio::time::Instant::now();
    while !fake.mutating_calls().iter().any(|call| call.status == Some(200))
        && began.elapsed() < Duration::from_secs(10)
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let lines = program.ended();
    assert!(lines.len() > 8, "{lines:#?}");
    for line in &lines {
        assert_is_one_record(line);
    }
}

/// Whether a log of everything shows the signature of what was refused.
async fn shows_a_signature(bug: Option<Bug>) -> bool {
    // As long as there is only one, a line that another thread logs first is off for ours too.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let written = Written::default();
    let lines = written.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::TRACE);
    let logging = tracing::subscriber::set_default(subscriber.with_writer(move || lines.clone()).finish());
    let house = house().await;
    let planted = bug.map(plant);
    let body = reply(1, "n1").to_string();
    let mut request = signed("the secret before it", body.as_bytes());
    let answer = peer(&house).await.ask(&request).await;
    request.truncate(0);
    drop((planted, logging));
    assert_eq!(answer.unwrap().status, 401);
    let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains("refused a notification"), "{written}");
    written.split("sha1=").skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit()))
}

#[tokio::test]
async fn whoever_quotes_the_signature_is_caught() {
    assert!(!shows_a_signature(None).await);
    assert!(shows_a_signature(Some(Bug::QuotesTheSignature)).await);
}

/// A log in memory.
#[derive(Clone, Default)]
struct Written(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
