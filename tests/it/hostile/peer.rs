//! A client that sends bytes as they are, and reads whole answers.

use std::net::SocketAddr;
use std::time::Duration;

use autoclosed::intercom::signature::sign;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Longer than any deadline of the server, so that one that is missing fails instead of hanging.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Peer {
    stream: TcpStream,
    unread: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The server closes the connection after it.
    pub(crate) closes: bool,
    pub(crate) body: String,
}

impl Peer {
    pub(crate) async fn to(address: SocketAddr) -> Peer {
        Peer::of(TcpStream::connect(address).await.unwrap())
    }

    /// From another address of this machine, as one has no more than some 28,000 ports.
    pub(crate) async fn from(own: [u8; 4], address: SocketAddr) -> std::io::Result<Peer> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((own, 0)))?;
        Ok(Peer::of(socket.connect(address).await?))
    }

    fn of(stream: TcpStream) -> Peer {
        Peer { stream, unread: Vec::new() }
    }

    /// Whether all of it could be sent; the server may have said enough and closed before.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    pub(crate) async fn ask(&mut self, request: &[u8]) -> Option<Answer> {
        self.send(request).await;
        self.answer().await
    }

    /// The next answer but for those that only say to go on; `None` if the server closes.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        loop {
            let head = self.take_through(b"\r\n\r\n").await?;
            let status = head.get(9..12)?.parse().ok()?;
            if status != 100 {
                let length = field(&head, "content-length").map_or(0, |length| length.parse().unwrap());
                let body = self.take(length).await?;
                let closes = field(&head, "connection") == Some("close");
                return Some(Answer { status, closes, body });
            }
        }
    }

    /// How many more answers come before the server closes.
    pub(crate) async fn answers_until_the_end(&mut self) -> Vec<u16> {
        let mut all = Vec::new();
        while let Some(answer) = self.answer().await {
            all.push(answer.status);
        }
        all
    }

    /// Reads until the server closes. Whatever comes is thrown away.
    pub(crate) async fn until_it_closes(&mut self) {
        let mut waste = [0; 4096];
        while self.stream.read(&mut waste).await.is_ok_and(|count| count > 0) {}
    }

    async fn take_through(&mut self, end: &[u8]) -> Option<String> {
        loop {
            if let Some(at) = self.unread.windows(end.len()).position(|window| window == end) {
                return self.take(at + end.len()).await;
            }
            self.more().await?;
        }
    }

    async fn take(&mut self, count: usize) -> Option<String> {
        while self.unread.len() < count {
            self.more().await?;
        }
        let rest = self.unread.split_off(count);
        Some(String::from_utf8(std::mem::replace(&mut self.unread, rest)).unwrap())
    }

    async fn more(&mut self) -> Option<()> {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.unread)).await.expect("it answers or closes");
        read.ok().filter(|count| *count > 0).map(|_| ())
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

/// A request to the webhook with these lines in its head, its length, and that body.
pub(crate) fn post(lines: &[&[u8]], body: &[u8]) -> Vec<u8> {
    let length = format!("content-length: {}", body.len());
    let lines = lines.iter().copied().chain([length.as_bytes()]);
    request("POST /webhooks/intercom HTTP/1.1", lines, body)
}

/// The same in chunks of that size, with these lines behind the last one.
pub(crate) fn chunked(lines: &[&[u8]], body: &[u8], size: usize, trailer: &str) -> Vec<u8> {
    let mut chunks = Vec::new();
    for chunk in body.chunks(size) {
        chunks.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunks.extend_from_slice(chunk);
        chunks.extend_from_slice(b"\r\n");
    }
    chunks.extend_from_slice(format!("0\r\n{trailer}\r\n").as_bytes());
    let lines = lines.iter().copied().chain([b"transfer-encoding: chunked".as_slice()]);
    request("POST /webhooks/intercom HTTP/1.1", lines, &chunks)
}

pub(crate) fn request<'a>(first: &str, lines: impl Iterator<Item = &'a [u8]>, body: &[u8]) -> Vec<u8> {
    let mut all = format!("{first}\r\nhost: example.com\r\n").into_bytes();
    for line in lines {
        all.extend_from_slice(line);
        all.extend_from_slice(b"\r\n");
    }
    all.extend_from_slice(b"\r\n");
    all.extend_from_slice(body);
    all
}

/// A notification as Intercom sends it.
pub(crate) fn signed(secret: &str, body: &[u8]) -> Vec<u8> {
    post(&[signature(secret, body).as_bytes()], body)
}

/// The line that says who signed it.
pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    format!("X-Hub-Signature: {}", sign(&secret.into(), body))
}
