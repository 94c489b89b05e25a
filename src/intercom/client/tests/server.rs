//! A server on loopback that says, byte for byte, what a test tells it to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What the server does with one request.
pub(super) enum Play {
    /// Writes these bytes and keeps the connection.
    Say(Vec<u8>),
    /// Writes these bytes and closes the connection.
    SayAndClose(Vec<u8>),
    /// Never answers.
    Hang,
}

/// A whole answer; `headers` are lines that end in `\r\n`.
pub(super) fn answer(status: u16, headers: &str, body: &str) -> Play {
    let length = body.len();
    Play::Say(format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{headers}\r\n{body}").into_bytes())
}

/// A conversation as answered to a call about it.
pub(super) fn conversation(id: &str, state: &str) -> Play {
    answer(200, "", &format!(r#"{{"type":"conversation","id":"{id}","state":"{state}"}}"#))
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) line: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

pub(super) struct Server {
    pub(super) url: Url,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    /// Plays one after the other, one for each request; hangs up on every request after the last.
    pub(super) async fn playing(plays: impl IntoIterator<Item = Play>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let plays = Arc::new(Mutex::new(plays.into_iter().collect::<VecDeque<Play>>()));
        let seen = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&plays), Arc::clone(&seen)));
            }
        });
        Server { url, received }
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(super) fn hits(&self) -> usize {
        self.received.lock().unwrap().len()
    }
}

async fn serve(mut stream: TcpStream, plays: Arc<Mutex<VecDeque<Play>>>, seen: Arc<Mutex<Vec<Received>>>) {
    while let Some(request) = read(&mut stream).await {
        seen.lock().unwrap().push(request);
        let play = plays.lock().unwrap().pop_front();
        match play {
            Some(Play::Say(bytes)) => stream.write_all(&bytes).await.unwrap_or_default(),
            Some(Play::SayAndClose(bytes)) => return stream.write_all(&bytes).await.unwrap_or_default(),
            Some(Play::Hang) => std::future::pending().await,
            None => return,
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        bytes.push(stream.read_u8().await.ok()?);
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.lines().map(str::to_owned);
    let line = lines.next()?;
    let split = |line: String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let mut received = Received { line, headers: lines.filter_map(split).collect(), body: String::new() };
    let length = received.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    received.body = String::from_utf8(body).unwrap();
    Some(received)
}
