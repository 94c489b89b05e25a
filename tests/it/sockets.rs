//! The server against peers that are slow, greedy, confused or hostile, over raw sockets on loopback.

mod ending;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use autoclosed::server::{Bodies, Limits, Served, roll_call, serve};
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::{get, post};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// A deadline under test. Short, as tests wait for it.
const SHORT: Duration = Duration::from_millis(60);
/// Longer than anything here takes, so that a missing deadline fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_BODY: usize = 64 * 1024;
const OK: &str = "GET /ok HTTP/1.1\r\nhost: example.com\r\n\r\n";
const OK_AND_CLOSE: &str = "GET /ok HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\n\r\n";

struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<Served>,
    handled: Arc<AtomicUsize>,
    started: Arc<Notify>,
    release: Arc<Notify>,
}

impl Running {
    async fn start(limits: Limits) -> Running {
        let (handled, started, release) = (Arc::<AtomicUsize>::default(), Arc::<Notify>::default(), Arc::default());
        let router = router(&handled, &started, &release);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(serve(listener, router, limits, shutdown.clone(), roll_call().1));
        Running { address, shutdown, task, handled, started, release }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn send(&self, bytes: impl AsRef<[u8]>) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        stream
    }

    /// All that comes back until the server closes.
    async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        rest(&mut self.send(bytes).await).await
    }

    fn handled(&self) -> usize {
        self.handled.load(Ordering::SeqCst)
    }

    async fn stop(self) -> Served {
        self.shutdown.cancel();
        timeout(PATIENCE, self.task).await.expect("the server stops").unwrap()
    }
}

fn router(handled: &Arc<AtomicUsize>, started: &Arc<Notify>, release: &Arc<Notify>) -> Router {
    let (count, started, release) = (Arc::clone(handled), Arc::clone(started), Arc::clone(release));
    let slow = async move || {
        started.notify_one();
        release.notified().await;
        "done"
    };
    Router::new()
        .route("/ok", get(async || "ok"))
        .route("/head", get(async || [("x-long", ".".repeat(8 * 1024))]))
        .route("/large", get(async || vec![b'.'; 32 * 1024 * 1024]))
        .route("/panic", get(panics))
        .route("/slow", get(slow))
        .route("/length", post(length))
        .layer(axum::middleware::map_request(move |request: Request| {
            count.fetch_add(1, Ordering::SeqCst);
            std::future::ready(request)
        }))
}

#[expect(clippy::panic, reason = "this is what the test is about")]
async fn panics() -> &'static str {
    panic!("on purpose")
}

async fn length(request: Request) -> (StatusCode, String) {
    match Bodies::up_to(MAX_BODY).read(request).await {
        Ok(body) => (StatusCode::OK, format!("{} bytes", body.len())),
        Err(failed) => (failed.status(), failed.to_string()),
    }
}

fn limits() -> Limits {
    Limits { drain: PATIENCE, ..Limits::default() }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("the server closes").unwrap();
    String::from_utf8(all).unwrap()
}

/// One whole answer on a connection that stays open.
async fn answer(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    while !all.ends_with(b"\r\n\r\nok") {
        let read = timeout(PATIENCE, stream.read_buf(&mut all)).await.expect("the server answers").unwrap();
        assert!(read > 0, "closed in the middle: {}", String::from_utf8_lossy(&all));
    }
    String::from_utf8(all).unwrap()
}

/// Sends `byte` now and then until something comes back or the server closes.
async fn trickle(stream: &mut TcpStream, byte: u8) -> String {
    let mut all = Vec::new();
    let whole = async {
        loop {
            match timeout(SHORT / 10, stream.read_to_end(&mut all)).await {
                Ok(_closed) => return,
                Err(_) if all.is_empty() => stream.write_all(&[byte]).await.unwrap_or_default(),
                Err(_) => {}
            }
        }
    };
    timeout(PATIENCE, whole).await.expect("the server closes");
    String::from_utf8(all).unwrap()
}

fn status(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

fn answers(all: &str) -> usize {
    all.matches("HTTP/1.1 ").count()
}

#[tokio::test]
async fn a_peer_that_sends_nothing_is_closed_at_the_header_deadline() {
    let server = Running::start(Limits { header: SHORT, ..limits() }).await;
    let began = Instant::now();
    assert_eq!(server.exchange("").await, "");
    assert!(began.elapsed() >= SHORT);
}

#[tokio::test]
async fn half_a_head_is_closed_at_the_header_deadline_even_if_it_trickles() {
    let server = Running::start(Limits { header: SHORT, ..limits() }).await;
    assert_eq!(server.exchange("GET /ok HTTP/1.1\r\nhost: exam").await, "");
    let mut stream = server.send("GET /ok HTTP/1.1\r\nx-long: ").await;
    assert_eq!(trickle(&mut stream, b'x').await, "");
    assert_eq!(server.handled(), 0);
}

#[tokio::test]
async fn the_next_head_on_a_kept_connection_has_the_header_deadline_too() {
    let server = Running::start(Limits { header: SHORT, ..limits() }).await;
    let mut stream = server.send(OK).await;
    answer(&mut stream).await;
    stream.write_all(b"GET /ok").await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_body_that_trickles_gets_408_at_its_deadline() {
    let server = Running::start(Limits { body: SHORT, ..limits() }).await;
    for head in ["content-length: 1000\r\n\r\n", "transfer-encoding: chunked\r\n\r\n3e8\r\n"] {
        let began = Instant::now();
        let mut stream = server.send(format!("POST /length HTTP/1.1\r\nhost: example.com\r\n{head}")).await;
        let answer = trickle(&mut stream, b'x').await;
        assert_eq!(status(&answer), Some(408), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
        assert!(began.elapsed() >= SHORT);
    }
}

#[tokio::test]
async fn a_kept_connection_is_closed_when_it_rested_too_long() {
    let server = Running::start(Limits { idle: SHORT, ..limits() }).await;
    let mut stream = server.send(OK).await;
    answer(&mut stream).await;
    let began = Instant::now();
    assert_eq!(rest(&mut stream).await, "");
    assert!(began.elapsed() >= SHORT / 2, "closed at once: {:?}", began.elapsed());
}

#[tokio::test]
async fn a_connection_closes_after_a_request_once_it_is_old() {
    let server = Running::start(Limits { connection: SHORT, ..limits() }).await;
    let mut stream = server.send(OK).await;
    let busy = async {
        let mut all = Vec::new();
        while stream.read_buf(&mut all).await.unwrap_or(0) > 0 {
            if stream.write_all(OK.as_bytes()).await.is_err() {
                return;
            }
        }
    };
    timeout(PATIENCE, busy).await.expect("an old connection closes, however busy");
    assert!(server.handled() >= 1);
}

#[tokio::test]
async fn a_peer_that_takes_no_answer_is_cut() {
    let server = Running::start(Limits { write: SHORT, ..limits() }).await;
    let _unread = server.send("GET /large HTTP/1.1\r\nhost: example.com\r\n\r\n").await;
    while server.handled() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.stop().await, Served::default(), "the write deadline ended it, not the drain");
}

#[tokio::test]
async fn a_peer_that_takes_no_answers_does_not_get_all_its_requests_handled() {
    let server = Running::start(Limits { write: SHORT * 4, ..limits() }).await;
    let asked = 6000;
    let mut stream = server.send("GET /head HTTP/1.1\r\nhost: example.com\r\n\r\n".repeat(asked)).await;
    let closed = async {
        while stream.write_all(b"\r\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, closed).await.expect("the server cuts it");
    assert!(server.handled() < asked / 2, "{} of {asked} answers were piled up", server.handled());
}

#[tokio::test]
async fn a_declared_oversize_is_refused_without_being_read() {
    let server = Running::start(limits()).await;
    let head = "POST /length HTTP/1.1\r\nhost: example.com\r\ncontent-length: 3000000\r\n";
    let began = Instant::now();
    for extra in ["\r\n", "expect: 100-continue\r\n\r\n"] {
        let mut stream = server.send(format!("{head}{extra}")).await;
        let mut first = [0; 12];
        timeout(PATIENCE, stream.read_exact(&mut first)).await.expect("it answers").unwrap();
        assert_eq!(&first, b"HTTP/1.1 413");
    }
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn a_peer_that_sends_all_of_an_oversize_first_still_reads_why() {
    let server = Running::start(limits()).await;
    let mut request = b"POST /length HTTP/1.1\r\nhost: example.com\r\ncontent-length: 7000000\r\n\r\n".to_vec();
    request.resize(request.len() + 7_000_000, b'x');
    let answer = server.exchange(request).await;
    assert_eq!(status(&answer), Some(413), "{answer}");
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
    let server = Running::start(limits()).await;
    for (size, want) in [(MAX_BODY, 200), (MAX_BODY + 1, 413)] {
        let head = "POST /length HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\n";
        let body = "x".repeat(size);
        let declared = server.exchange(format!("{head}content-length: {size}\r\n\r\n{body}")).await;
        assert_eq!(status(&declared), Some(want), "declared: {declared}");
        let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n");
        let chunked = server.exchange(chunked).await;
        assert_eq!(status(&chunked), Some(want), "chunked: {chunked}");
    }
}

#[tokio::test]
async fn a_chunked_body_without_end_is_refused() {
    let server = Running::start(limits()).await;
    let head = "POST /length HTTP/1.1\r\nhost: example.com\r\ntransfer-encoding: chunked\r\n\r\n";
    let (mut read, mut write) = server.send(head).await.into_split();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let endless = tokio::spawn(async move { while write.write_all(chunk.as_bytes()).await.is_ok() {} });
    let mut first = [0; 12];
    timeout(PATIENCE, read.read_exact(&mut first)).await.expect("it answers").unwrap();
    assert_eq!(&first, b"HTTP/1.1 413");
    timeout(PATIENCE, endless).await.expect("and then closes").unwrap();
}

#[tokio::test]
async fn pipelined_requests_are_answered_one_after_the_other() {
    let server = Running::start(limits()).await;
    let all = server.exchange(format!("{OK}{OK}{OK_AND_CLOSE}")).await;
    assert_eq!((answers(&all), server.handled()), (3, 3), "{all}");
}

#[tokio::test]
async fn an_ambiguous_length_never_makes_two_requests_of_one() {
    let server = Running::start(limits()).await;
    let hidden = OK_AND_CLOSE;
    let cases = [
        ("two lengths", format!("content-length: 0\r\ncontent-length: {}\r\n\r\n{hidden}", hidden.len())),
        ("length, then chunked", format!("content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("chunked, then length", format!("transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n{hidden}")),
        ("chunked is not last", format!("transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n{hidden}")),
        ("a sign before the length", format!("content-length: +0\r\n\r\n{hidden}")),
    ];
    for (name, lines) in cases {
        let earlier = server.handled();
        let all = server.exchange(format!("POST /length HTTP/1.1\r\nhost: example.com\r\n{lines}")).await;
        assert!(answers(&all) <= 1, "{name}: {all}");
        assert!(server.handled() - earlier <= 1, "{name}");
        assert!(!all.ends_with("\r\n\r\nok"), "{name}: {all}");
    }
}

#[tokio::test]
async fn odd_requests_get_the_status_that_fits() {
    let server = Running::start(limits()).await;
    let many = "x-many: 1\r\n".repeat(200);
    let long = "x".repeat(64 * 1024);
    let cases = [
        ("an absolute address", format!("GET http://example.com/ok HTTP/1.1\r\n{CLOSE}"), 200),
        ("HTTP/1.0", format!("GET /ok HTTP/1.0\r\n{CLOSE}"), 200),
        ("an upgrade is ignored", format!("GET /ok HTTP/1.1\r\nupgrade: h2c\r\n{CLOSE}"), 200),
        ("no such path", format!("GET /secret HTTP/1.1\r\n{CLOSE}"), 404),
        ("every path at once", format!("OPTIONS * HTTP/1.1\r\n{CLOSE}"), 404),
        ("the wrong method", format!("DELETE /ok HTTP/1.1\r\n{CLOSE}"), 405),
        ("200 headers", format!("GET /ok HTTP/1.1\r\n{many}{CLOSE}"), 431),
        ("a header of 64 KiB", format!("GET /ok HTTP/1.1\r\nx-long: {long}\r\n{CLOSE}"), 431),
        ("no HTTP at all", "hello\r\n\r\n".to_owned(), 400),
        ("a NUL in a header", format!("GET /ok HTTP/1.1\r\nx-nul: \0\r\n{CLOSE}"), 400),
    ];
    for (name, request, want) in cases {
        let answer = server.exchange(request).await.replace("HTTP/1.0 ", "HTTP/1.1 ");
        assert_eq!(status(&answer), Some(want), "{name}: {answer}");
    }
    assert_eq!(server.stop().await, Served::default());
}

const CLOSE: &str = "host: example.com\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn http_2_is_not_spoken() {
    let server = Running::start(limits()).await;
    let all = server.exchange("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    assert!(!all.contains(" 200 "), "{all}");
    assert_eq!(server.handled(), 0);
}

#[tokio::test]
async fn a_peer_that_closed_its_half_gets_its_answer_and_frees_its_place() {
    let server = Running::start(limits()).await;
    let mut stream = server.send("GET /slow HTTP/1.1\r\nhost: example.com\r\n\r\n").await;
    server.started.notified().await;
    stream.shutdown().await.unwrap();
    // Another request's round trip, so that the server has seen the end before it answers.
    server.exchange(OK_AND_CLOSE).await;
    server.release.notify_one();
    let all = rest(&mut stream).await;
    assert!(all.ends_with("done"), "{all}");
}

#[tokio::test]
async fn silent_peers_make_room_for_those_who_ask() {
    let server = Running::start(Limits { connections: 4, ..limits() }).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(server.connect().await);
        let answer = server.exchange(OK_AND_CLOSE).await;
        assert_eq!(status(&answer), Some(200), "{answer}");
    }
    assert_eq!(rest(&mut silent[0]).await, "", "the oldest was closed");
    let counts = server.stop().await;
    assert!(counts.evicted >= 16, "{counts:?}");
    assert_eq!((counts.refused, counts.cut), (0, 0));
}

#[tokio::test]
async fn peers_stuck_in_a_body_make_room_too() {
    let server = Running::start(Limits { connections: 2, ..limits() }).await;
    let half = "POST /length HTTP/1.1\r\nhost: example.com\r\ncontent-length: 9\r\n\r\nx";
    let _stuck = (server.send(half).await, server.send(half).await);
    while server.handled() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&server.exchange(OK_AND_CLOSE).await), Some(200));
}

#[tokio::test]
async fn a_running_request_is_never_given_up_for_a_new_connection() {
    let server = Running::start(Limits { connections: 1, ..limits() }).await;
    let mut busy = server.send("GET /slow HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\n\r\n").await;
    server.started.notified().await;
    // It is told so, whatever it asks for.
    let refused = server.exchange("POST /length HTTP/1.1\r\nhost: example.com\r\ncontent-length: 5\r\n\r\nhello").await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("connection: close"), "{refused}");
    server.release.notify_one();
    assert!(rest(&mut busy).await.ends_with("done"));
    assert_eq!(server.stop().await, Served { refused: 1, ..Served::default() });
}

/// More than there is room for, all of them before the first was read.
#[tokio::test]
async fn in_a_burst_of_good_ones_none_is_closed_without_a_word() {
    let server = Running::start(Limits { connections: 8, ..limits() }).await;
    let mut burst = Vec::new();
    for _ in 0..24 {
        let mut stream = std::net::TcpStream::connect(server.address).unwrap();
        stream.write_all(b"GET /slow HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\n\r\n").unwrap();
        stream.set_nonblocking(true).unwrap();
        burst.push(TcpStream::from_std(stream).unwrap());
    }
    let all = join_all(burst.iter_mut().map(rest));
    let released = async {
        while server.handled() < 8 {
            tokio::task::yield_now().await;
        }
        // Those that were refused have their answers meanwhile.
        tokio::time::sleep(SHORT).await;
        server.release.notify_waiters();
    };
    let (answers, ()) = tokio::join!(all, released);
    let count = |wanted| answers.iter().filter(|answer| status(answer) == Some(wanted)).count();
    assert_eq!((count(200), count(503)), (8, 16), "{answers:?}");
    assert_eq!(server.stop().await, Served { refused: 16, ..Served::default() });
}

#[tokio::test]
async fn a_panic_costs_its_own_request_only() {
    let server = Running::start(limits()).await;
    let panics = "GET /panic HTTP/1.1\r\nhost: example.com\r\n\r\n";
    let all = server.exchange(format!("{panics}{OK_AND_CLOSE}")).await;
    assert_eq!(status(&all), Some(500), "{all}");
    assert!(all.ends_with("\r\n\r\nok"), "{all}");
    assert!(!all.contains("on purpose"), "{all}");
}
