//! What is counted and logged of requests, for whoever watches.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use jiff::SignedDuration;

use super::server::{Play, Server, answer, conversation};
use super::*;

const REFUSED: &str = r#"{"type":"error.list","request_id":"body-7","errors":[{"code":"m","message":"private"}]}"#;
const HEADER: &str = "X-Request-Id: head-7\r\n";

/// What was logged.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn counted(intercom: &Intercom) -> Vec<String> {
    intercom.sent().into_iter().map(|((endpoint, status), count)| format!("{endpoint} {status} {count}")).collect()
}

fn failing<'a, T>(call: impl Future<Output = Result<T, IntercomError>> + 'a) -> LocalBoxFuture<'a, ()> {
    call.map(|answer| assert!(answer.is_err())).boxed_local()
}

#[tokio::test]
async fn every_call_has_a_word_of_its_own() {
    let server = Server::playing((0..20).map(|_| answer(400, "", ""))).await;
    let settings = ClientSettings { requests_per_10s: Some(100), ..settings(server.url.clone()) };
    let (intercom, clock) = client(settings);
    let (seven, tag) = (id("7"), "31");
    let update = Update { read: Some(true), ..Update::default() };
    let all = Search { states: None, updated_since: None, per_page: 20 };
    let calls = [
        failing(intercom.me()),
        failing(intercom.admins()),
        failing(intercom.teams()),
        failing(intercom.tags()),
        failing(intercom.attributes()),
        failing(intercom.contact("c1")),
        failing(intercom.conversation(&seven)),
        failing(intercom.search(&all, None)),
        failing(intercom.close(&seven, "81", Some("Bye"))),
        failing(intercom.snooze(&seven, "81", noon())),
        failing(intercom.open(&seven, "81")),
        failing(intercom.assign(&seven, "81", Assignee::Team(None))),
        failing(intercom.reply(&seven, "81", "Hi")),
        failing(intercom.note(&seven, "81", "Hi")),
        failing(intercom.update(&seven, &update)),
        failing(intercom.tag(&seven, "81", tag)),
        failing(intercom.untag(&seven, "81", tag)),
        failing(intercom.create_tag("vip")),
    ];
    let mut words = Vec::new();
    for call in calls {
        let before = intercom.sent();
        call.await;
        clock.advance(SignedDuration::from_secs(10));
        let new = intercom.sent().into_keys().find(|key| !before.contains_key(key));
        words.push(new.map_or("none of its own", |(endpoint, _)| endpoint));
    }
    insta::assert_snapshot!(words.join(" "), @"me admins teams tags attributes contact conversation search close snooze open assign reply note update tag untag create_tag");
}

#[tokio::test]
async fn a_request_is_counted_once_by_what_came_of_it() {
    let cut = b"HTTP/1.1 200 X\r\nContent-Length: 900\r\n\r\n{".to_vec();
    for (play, want) in [
        (conversation("7", "open"), "200"),
        (answer(404, "", REFUSED), "404"),
        (answer(429, "", REFUSED), "429"),
        (answer(502, "", "<html>Bad gateway</html>"), "502"),
        (conversation("8", "open"), "unusable"),
        (answer(200, "", "<html>Hello</html>"), "unusable"),
        (Play::SayAndClose(cut), "lost"),
        (Play::SayAndClose(Vec::new()), "lost"),
    ] {
        let server = Server::playing([play]).await;
        let (intercom, _) = client(settings(server.url.clone()));
        drop(intercom.conversation(&id("7")).await);
        assert_eq!(counted(&intercom), [format!("conversation {want} 1")]);
    }
    let (intercom, _) = client(settings(Url::parse("http://127.0.0.1:1").unwrap()));
    drop(intercom.conversation(&id("7")).await);
    assert_eq!(counted(&intercom), ["conversation not_sent 1"]);
}

#[tokio::test]
async fn what_must_wait_and_is_not_sent_is_not_counted() {
    let server = Server::playing([answer(429, "", REFUSED)]).await;
    let (intercom, _) = client(settings(server.url.clone()));
    let reserved = intercom.with(intercom.permits(2).await);
    reserved.me().await.unwrap_err();
    reserved.me().await.unwrap_err();
    assert_eq!((counted(&intercom), server.hits()), (vec!["me 429 1".to_owned()], 1));
}

#[tokio::test]
async fn the_rate_is_known_as_intercom_told_it_last_and_so_is_the_time_waited() {
    let rate = |left: u32| format!("X-RateLimit-Limit: 166\r\nX-RateLimit-Remaining: {left}\r\n");
    let plays = [answer(500, "", ""), answer(401, &rate(160), ""), answer(429, &rate(0), REFUSED)];
    let server = Server::playing(plays).await;
    let (intercom, clock) = client(settings(server.url.clone()));
    let mut told = Vec::new();
    for _ in 0..3 {
        intercom.me().await.unwrap_err();
        told.push((intercom.limit(), intercom.remaining()));
    }
    assert_eq!(told, [(None, None), (Some(166), Some(160)), (Some(166), Some(0))]);
    assert_eq!(intercom.waited(), Duration::ZERO);
    let waiting = intercom.me();
    let passing = async {
        tokio::task::yield_now().await;
        clock.advance(SignedDuration::from_secs(10));
    };
    let _ = tokio::join!(waiting, passing);
    assert_eq!(intercom.waited(), Duration::from_secs(10), "after a refusal for the rate");
}

#[tokio::test]
async fn a_failed_call_leaves_a_line_with_intercom_s_id_of_the_request() {
    // As long as there is only one, a line that another thread logs first is off for ours too.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let written = Written::default();
    let lines = written.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(move || lines.clone());
    let subscriber = subscriber.finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    for play in [
        conversation("7", "open"),
        answer(422, HEADER, REFUSED),
        answer(429, "", REFUSED),
        answer(429, HEADER, ""),
        answer(502, HEADER, "<html>Bad gateway</html>"),
        answer(200, HEADER, "<html>Hello</html>"),
        answer(200, "X-Request-Id: not a word\r\n", ""),
        Play::SayAndClose(Vec::new()),
    ] {
        let server = Server::playing([play]).await;
        let (intercom, _) = client(settings(server.url.clone()));
        drop(intercom.conversation(&id("7")).await);
    }
    let ours = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<&str> = ours.lines().filter(|line| line.contains("a call to Intercom failed")).collect();
    insta::assert_snapshot!(ours.join("\n"), @r#"
    INFO autoclosed::intercom::client::transport: a call to Intercom failed endpoint="conversation" status="422" class="refused" intercom.request_id="body-7"
    INFO autoclosed::intercom::client::transport: a call to Intercom failed endpoint="conversation" status="429" class="rate_limited" intercom.request_id="body-7"
    INFO autoclosed::intercom::client::transport: a call to Intercom failed endpoint="conversation" status="429" class="rate_limited" intercom.request_id="head-7"
    INFO autoclosed::intercom::client::transport: a call to Intercom failed endpoint="conversation" status="502" class="ambiguous" intercom.request_id="head-7"
    INFO autoclosed::intercom::client::transport: a call to Intercom failed endpoint="conversation" status="unusable" class="ambiguous" intercom.request_id="head-7"
    INFO autoclosed::intercom::client::transport: a call to Intercom failed endpoint="conversation" status="unusable" class="ambiguous"
    INFO autoclosed::intercom::client::transport: a call to Intercom failed endpoint="conversation" status="lost" class="ambiguous"
    "#);
}
