//! Sends prepared requests over connections that stay open: as fast as they are answered, or at a rate.
//!
//! At a rate, the time to an answer counts from when its request was to leave: a server that falls behind is not spared.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use autoclosed::intercom::signature::sign;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::people::{CLIENT_SECRET, People};

/// How it is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) lasts: Duration,
    /// Requests in a second; `None`: as answered.
    pub(crate) rate: Option<u32>,
    /// When all were sent, they are sent again.
    pub(crate) again: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) ok: usize,
    /// Answered otherwise, or not at all.
    pub(crate) bad: usize,
    /// How long each answer took, in order of length.
    pub(crate) times: Vec<Duration>,
    pub(crate) took: Duration,
}

impl Sent {
    pub(crate) fn per_second(&self) -> f64 {
        self.ok as f64 / self.took.as_secs_f64()
    }

    /// Milliseconds within which that share of the answers came.
    pub(crate) fn within(&self, share: f64) -> f64 {
        let at = (self.times.len() as f64 * share) as usize;
        self.times.get(at.min(self.times.len().saturating_sub(1))).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    }
}

/// One thread sends; it shares the machine with the server.
pub(crate) fn send(to: SocketAddr, requests: Vec<Vec<u8>>, load: Load) -> anyhow::Result<Sent> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(all(to, requests.into(), load))
}

async fn all(to: SocketAddr, requests: Arc<[Vec<u8>]>, load: Load) -> anyhow::Result<Sent> {
    let (next, mut lines) = (Arc::<AtomicUsize>::default(), JoinSet::new());
    let mut open = Vec::new();
    for _ in 0..load.connections {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        open.push(stream);
    }
    let began = Instant::now();
    for stream in open {
        lines.spawn(line(stream, Arc::clone(&requests), Arc::clone(&next), load, began));
    }
    let mut sent = Sent::default();
    for line in lines.join_all().await {
        sent.ok += line.ok;
        sent.bad += line.bad;
        sent.times.extend(line.times);
    }
    sent.took = began.elapsed();
    sent.times.sort_unstable();
    Ok(sent)
}

async fn line(
    mut stream: TcpStream,
    requests: Arc<[Vec<u8>]>,
    next: Arc<AtomicUsize>,
    load: Load,
    began: Instant,
) -> Sent {
    let mut sent = Sent::default();
    while began.elapsed() < load.lasts {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let at = if load.again { number % requests.len().max(1) } else { number };
        let Some(request) = requests.get(at) else { break };
        let mut leaves = Instant::now();
        if let Some(rate) = load.rate {
            leaves = began + Duration::from_secs_f64(number as f64 / f64::from(rate));
            sleep_until(leaves).await;
        }
        let answer = exchange(&mut stream, request).await;
        sent.times.push(leaves.elapsed());
        match answer {
            Ok(200) => sent.ok += 1,
            Ok(_) => sent.bad += 1,
            Err(_) => {
                sent.bad += 1;
                break;
            }
        }
    }
    sent
}

/// The status of an answer without a body.
pub(crate) async fn exchange(stream: &mut TcpStream, request: &[u8]) -> std::io::Result<u16> {
    stream.write_all(request).await?;
    let mut answer = Vec::with_capacity(256);
    while !answer.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    status.ok_or_else(|| ErrorKind::InvalidData.into())
}

/// So many requests, each with another notification, signed beforehand.
pub(crate) fn requests(mut people: People, count: usize) -> Vec<Vec<u8>> {
    let secret = SecretString::from(CLIENT_SECRET);
    (0..count).map(|_| request(&secret, &people.notification())).collect()
}

fn request(secret: &SecretString, body: &str) -> Vec<u8> {
    let (signature, length) = (sign(secret, body.as_bytes()), body.len());
    format!(
        "POST /webhooks/intercom HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         x-hub-signature: {signature}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
