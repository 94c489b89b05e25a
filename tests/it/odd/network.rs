//! What the network does to a call (E7, E8, E11, E12): connections that are never made, stall, die or lead elsewhere,
//! and bodies without an end. Real time passes here, within small time-outs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use autoclosed::clock::Clock;
use autoclosed::engine::ConversationId;
use autoclosed::intercom::error::{Class, IntercomError};
use autoclosed::intercom::lens::Lens;
use autoclosed::intercom::text::TextKey;
use autoclosed::intercom::{ClientSettings, Intercom, SetupError};
use autoclosed::sabotage::{Bug, plant};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const OPEN: &str = r#"{"type":"conversation","id":"7","state":"open"}"#;
const MIB: usize = 1024 * 1024;

fn id() -> ConversationId {
    ConversationId::try_from("7").unwrap()
}

fn try_client(base: &str, timeout: Duration) -> Result<Intercom, SetupError> {
    let settings =
        ClientSettings { base_url: base.parse().unwrap(), api_version: "2.16".into(), timeout, requests_per_10s: None };
    Intercom::new(settings, SecretString::from("token"), Lens::new(TextKey::new(&[7; 32])), Clock::System)
}

fn client(address: SocketAddr, timeout: Duration) -> Intercom {
    try_client(&format!("http://{address}"), timeout).unwrap()
}

/// Reads one request; how many bytes it had.
async fn read_request(stream: &mut TcpStream) -> Option<usize> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    Some(bytes.len() + body.len())
}

fn whole(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

/// Answers every request alike and counts them.
async fn saying(answer: String) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, hits) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&hits);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, seen) = (answer.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                while read_request(&mut stream).await.is_some() {
                    seen.fetch_add(1, Ordering::SeqCst);
                    stream.write_all(answer.as_bytes()).await.unwrap_or_default();
                }
            });
        }
    });
    (address, hits)
}

/// Streams a body of so many bytes; how many were taken.
async fn streaming(status: u16, length: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, taken) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let sent = Arc::clone(&taken);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = vec![b' '; 64 * 1024];
        while sent.load(Ordering::SeqCst) < length && stream.write_all(&chunk).await.is_ok() {
            sent.fetch_add(chunk.len(), Ordering::SeqCst);
        }
    });
    (address, taken)
}

#[tokio::test]
async fn of_a_body_without_an_end_no_more_is_taken_than_is_read() {
    for (status, most) in [(200, 8 * MIB), (500, MIB), (502, MIB), (503, MIB), (504, MIB), (422, MIB)] {
        let (address, taken) = streaming(status, 50 * MIB).await;
        let error = client(address, Duration::from_secs(10)).conversation(&id()).await.unwrap_err();
        let ambiguous = status != 422;
        assert_eq!(error.class() == Class::Ambiguous, ambiguous, "{status}: {error:?}");
        assert_eq!(matches!(error, IntercomError::TooLarge), status == 200, "{status}: {error:?}");
        // What the sockets hold between them was taken by nobody.
        let taken = taken.load(Ordering::SeqCst);
        assert!(taken <= most + 12 * MIB, "{status}: {} MiB", taken / MIB);
    }
}

/// A name that no resolver is asked for, as it cannot be one.
#[tokio::test]
async fn where_no_connection_is_made_certainly_nothing_was_sent() {
    let stalled = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let no_name = format!("https://{}.example.com", "a".repeat(64));
    let (full, _waiting) = full_listener().await;
    for (name, base, quick) in [
        ("refused", format!("http://{closed}"), true),
        ("no such name", no_name, true),
        ("nobody takes the connection", format!("http://{full}"), false),
        ("nobody answers the handshake", format!("https://{}", stalled.local_addr().unwrap()), false),
    ] {
        let intercom = match try_client(&base, Duration::from_secs(8)) {
            // A machine without certificates cannot speak https at all.
            Err(SetupError::NoCertificates(_)) => continue,
            intercom => intercom.unwrap(),
        };
        let began = Clock::System.elapsed();
        let error = intercom.close(&id(), "81", Some("Bye")).await.unwrap_err();
        assert_eq!(error.class(), Class::NotSent, "{name}: {error:?}");
        let most = if quick { 2 } else { 5 };
        let waited = Clock::System.elapsed().saturating_sub(began);
        assert!(waited < Duration::from_secs(most), "{name}: {waited:?}");
    }
}

/// A listener whose queue is full: the next one who connects gets no answer at all.
async fn full_listener() -> (SocketAddr, Vec<std::net::TcpStream>) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    let connect = move || {
        while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            waiting.push(stream);
        }
        waiting
    };
    let waiting = tokio::task::spawn_blocking(connect).await.unwrap();
    // It must not be dropped, or the address would refuse.
    std::mem::forget(listener);
    (address, waiting)
}

/// Answers the first request, and then lies dead with the connection open; whoever connects anew is answered.
async fn forgetful() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, hits) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&hits);
    tokio::spawn(async move {
        let mut first = true;
        let mut dead = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            read_request(&mut stream).await;
            seen.fetch_add(1, Ordering::SeqCst);
            stream.write_all(whole(200, "", OPEN).as_bytes()).await.unwrap();
            if std::mem::take(&mut first) {
                if read_request(&mut stream).await.is_some() {
                    seen.fetch_add(1, Ordering::SeqCst);
                }
                dead.push(stream);
            }
        }
    });
    (address, hits)
}

#[tokio::test]
async fn a_connection_that_died_in_silence_costs_one_time_out_and_no_deed_is_repeated() {
    for deed in [false, true] {
        let (address, hits) = forgetful().await;
        let intercom = client(address, Duration::from_secs(1));
        intercom.conversation(&id()).await.unwrap();
        let lost = if deed {
            intercom.reply(&id(), "81", "Bye").await.map(drop)
        } else {
            intercom.conversation(&id()).await.map(drop)
        };
        assert!(matches!(lost, Err(IntercomError::Lost(_))), "{lost:?}");
        assert_eq!(hits.load(Ordering::SeqCst), 2, "deed: {deed}: not repeated");
        intercom.conversation(&id()).await.unwrap();
        assert_eq!(hits.load(Ordering::SeqCst), 3, "deed: {deed}: a new connection");
    }
}

/// Where a redirect leads: to another port over plain http, or as https.
async fn led(status: u16, scheme: &str) -> (usize, [Class; 2]) {
    let (canary, hits) = saying(whole(200, "", OPEN)).await;
    let (address, _) = saying(whole(status, &format!("Location: {scheme}://{canary}/conversations/7\r\n"), "")).await;
    let intercom = client(address, Duration::from_secs(5));
    let read = intercom.conversation(&id()).await.map(drop).err().map_or(Class::BadRequest, |error| error.class());
    let said =
        intercom.reply(&id(), "81", "Bye").await.map(drop).err().map_or(Class::BadRequest, |error| error.class());
    (hits.load(Ordering::SeqCst), [read, said])
}

#[tokio::test]
async fn wherever_an_answer_leads_nobody_goes_there() {
    for status in [301, 302, 303, 307, 308] {
        for scheme in ["http", "https"] {
            let (hits, classes) = led(status, scheme).await;
            assert_eq!((hits, classes), (0, [Class::Refused; 2]), "{status} to {scheme}");
        }
    }
}

/// Planted: the client follows.
#[tokio::test]
async fn who_follows_a_redirect_takes_the_request_elsewhere() {
    for (bug, hits) in [(None, 0), (Some(Bug::FollowsRedirects), 2)] {
        let planted = bug.map(plant);
        let (led, _) = led(307, "http").await;
        drop(planted);
        assert_eq!(led, hits, "{bug:?}");
    }
}
