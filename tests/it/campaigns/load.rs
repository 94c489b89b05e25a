//! A load: signed notifications over connections that stay open, at a rate or as fast as they are answered; and a ledger
//! outside of the program of everything that it has answered with 200.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use autoclosed::fake_intercom::Delivered;
use autoclosed::intercom::signature::sign;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::harness::CLIENT_SECRET;
use crate::simulation::dice::Dice;

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Ids of what was answered with 200, one a line, in a file: written when the whole answer was read, and before anything
/// else is sent on that connection.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    file: Mutex<File>,
}

impl Ledger {
    /// Goes on with the file that is there.
    pub(crate) fn at(path: &Path) -> Arc<Ledger> {
        let file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        Arc::new(Ledger { path: path.to_owned(), file: Mutex::new(file) })
    }

    pub(crate) fn acknowledged(&self, id: &str) {
        self.file.lock().unwrap().write_all(format!("{id}\n").as_bytes()).unwrap();
    }

    /// Each once.
    pub(crate) fn ids(&self) -> BTreeSet<String> {
        std::fs::read_to_string(&self.path).unwrap().lines().map(str::to_owned).collect()
    }
}

/// A notification that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
}

impl From<Delivered> for Letter {
    fn from(kept: Delivered) -> Letter {
        Letter { id: kept.id, body: kept.body }
    }
}

/// What waits to be sent.
#[derive(Debug, Default)]
pub(crate) struct Bag {
    letters: Mutex<VecDeque<Letter>>,
    came: Notify,
}

impl Bag {
    /// Of twenty, one is sent two times; and each may overtake the eight before it.
    pub(crate) fn put(&self, letters: impl IntoIterator<Item = Letter>, dice: &mut Dice) {
        let mut waiting = self.letters.lock().unwrap();
        for letter in letters {
            let copies = if dice.chance(5) { 2 } else { 1 };
            for _ in 0..copies {
                let at = waiting.len() - dice.below(8.min(waiting.len() + 1));
                waiting.insert(at, letter.clone());
                self.came.notify_one();
            }
        }
    }

    /// What comes next goes before everything else.
    pub(crate) fn put_back(&self, letter: Letter) {
        self.letters.lock().unwrap().push_front(letter);
        self.came.notify_one();
    }

    /// Everything that waits.
    pub(crate) fn take(&self) -> Vec<Letter> {
        self.letters.lock().unwrap().drain(..).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.letters.lock().unwrap().len()
    }

    async fn next(&self) -> Letter {
        loop {
            if let Some(letter) = self.letters.lock().unwrap().pop_front() {
                return letter;
            }
            self.came.notified().await;
        }
    }
}

/// How fast it is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    AsAnswered,
    PerSecond(u32),
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Answered with 200.
    pub(crate) acknowledged: u64,
    /// Answered with 503: sent again.
    pub(crate) refused: u64,
    /// Not answered, or not wholly: sent again over the next connection.
    pub(crate) cut: u64,
    /// Answered with anything else, which nothing here deserves.
    pub(crate) odd: Vec<u16>,
    /// How long each whole answer took.
    pub(crate) times: Vec<Duration>,
}

/// So many connections that send what is in the bag, until they are told to stop or nobody listens any more.
#[derive(Debug)]
pub(crate) struct Load {
    tasks: JoinSet<()>,
    stop: CancellationToken,
    sent: Arc<Mutex<Sent>>,
}

struct Line {
    webhook: SocketAddr,
    bag: Arc<Bag>,
    ledger: Arc<Ledger>,
    beat: Option<Arc<tokio::sync::Mutex<Interval>>>,
    secret: SecretString,
    stop: CancellationToken,
    sent: Arc<Mutex<Sent>>,
}

impl Load {
    pub(crate) fn start(
        webhook: SocketAddr,
        connections: usize,
        pace: Pace,
        bag: &Arc<Bag>,
        ledger: &Arc<Ledger>,
    ) -> Load {
        let beat = match pace {
            Pace::AsAnswered => None,
            Pace::PerSecond(count) => {
                Some(Arc::new(tokio::sync::Mutex::new(interval(Duration::from_secs(1) / count.max(1)))))
            }
        };
        let (mut tasks, stop, sent) = (JoinSet::new(), CancellationToken::new(), Arc::<Mutex<Sent>>::default());
        for _ in 0..connections {
            let line = Line {
                webhook,
                bag: Arc::clone(bag),
                ledger: Arc::clone(ledger),
                beat: beat.clone(),
                secret: SecretString::from(CLIENT_SECRET),
                stop: stop.clone(),
                sent: Arc::clone(&sent),
            };
            tasks.spawn(line.runs());
        }
        Load { tasks, stop, sent }
    }

    /// What has come of it since this was asked last.
    pub(crate) fn sent(&self) -> Sent {
        std::mem::take(&mut self.sent.lock().unwrap())
    }

    /// Lets what was begun come to its end.
    pub(crate) async fn stop(mut self) -> Sent {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        self.sent()
    }
}

impl Line {
    async fn runs(self) {
        while !self.stop.is_cancelled() {
            let Ok(mut stream) = TcpStream::connect(self.webhook).await else { return };
            stream.set_nodelay(true).unwrap();
            while let Some(letter) = self.next().await {
                if is_closed(&stream) {
                    self.bag.put_back(letter);
                    break;
                }
                let began = Instant::now();
                let status = timeout(PATIENCE, exchange(&mut stream, self.webhook, &self.secret, &letter.body));
                let status = status.await.ok().and_then(Result::ok);
                self.note(letter, status, began.elapsed());
                if status.is_none() {
                    break;
                }
            }
        }
    }

    /// `None` when it is to stop.
    async fn next(&self) -> Option<Letter> {
        let next = async {
            if let Some(beat) = &self.beat {
                beat.lock().await.tick().await;
            }
            self.bag.next().await
        };
        self.stop.run_until_cancelled(next).await
    }

    fn note(&self, letter: Letter, status: Option<u16>, took: Duration) {
        if status == Some(200) {
            self.ledger.acknowledged(&letter.id);
        }
        let mut sent = self.sent.lock().unwrap();
        sent.times.extend(status.map(|_| took));
        match status {
            Some(200) => sent.acknowledged += 1,
            Some(503) => sent.refused += 1,
            Some(other) => sent.odd.push(other),
            None => sent.cut += 1,
        }
        drop(sent);
        if matches!(status, None | Some(503)) {
            self.bag.put_back(letter);
        }
    }
}

/// The other side has ended it meanwhile, as it does with every connection some day. The system is asked: what the runtime
/// knows may be old.
pub(crate) fn is_closed(stream: &TcpStream) -> bool {
    !matches!(recv(stream, &mut [0], RecvFlags::PEEK | RecvFlags::DONTWAIT), Err(Errno::AGAIN))
}

/// Sends it and reads the whole answer.
async fn exchange(
    stream: &mut TcpStream,
    webhook: SocketAddr,
    secret: &SecretString,
    body: &[u8],
) -> std::io::Result<u16> {
    let answer = answered(stream, webhook, secret, body).await?;
    whole(&answer).ok_or_else(|| ErrorKind::InvalidData.into())
}

/// The same, with head and body. The connection was aborted if it ended before the first byte of an answer.
pub(crate) async fn answered(
    stream: &mut TcpStream,
    webhook: SocketAddr,
    secret: &SecretString,
    body: &[u8],
) -> std::io::Result<Vec<u8>> {
    let head = format!(
        "POST /webhooks/intercom HTTP/1.1\r\nhost: {webhook}\r\ncontent-type: application/json\r\nx-hub-signature: {}\r\ncontent-length: {}\r\n\r\n",
        sign(secret, body),
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await?;
    let mut answer = Vec::new();
    loop {
        if whole(&answer).is_some() {
            return Ok(answer);
        }
        if stream.read_buf(&mut answer).await? == 0 {
            let kind = if answer.is_empty() { ErrorKind::ConnectionAborted } else { ErrorKind::UnexpectedEof };
            return Err(kind.into());
        }
    }
}

/// The status, once head and body are there.
fn whole(answer: &[u8]) -> Option<u16> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.map_or(0, |length| length.trim().parse::<usize>().unwrap());
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (answer.len() >= end + 4 + length).then_some(status)
}

#[tokio::test]
async fn the_ledger_has_what_was_answered_200_and_wholly_and_the_rest_is_sent_again() {
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    let folder = tempfile::tempdir().unwrap();
    let (bag, ledger) = (Arc::<Bag>::default(), Ledger::at(&folder.path().join("ledger")));
    bag.put_back(Letter { id: "two".into(), body: b"2".to_vec() });
    bag.put_back(Letter { id: "one".into(), body: b"1".to_vec() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let load = Load::start(listener.local_addr().unwrap(), 1, Pace::AsAnswered, &bag, &ledger);
    for answers in [&[&OK[..OK.len() - 1]][..], &[BUSY, OK, OK]] {
        let (mut stream, _) = listener.accept().await.unwrap();
        for answer in answers {
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n1") && !asked.ends_with(b"\r\n\r\n2") {
                assert!(stream.read_buf(&mut asked).await.unwrap() > 0);
            }
            assert!(ledger.ids().len() < 2);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }
    let sent = load.stop().await;
    assert_eq!((sent.acknowledged, sent.refused, sent.cut, sent.odd, sent.times.len()), (2, 1, 1, vec![], 3));
    assert_eq!((ledger.ids(), bag.len()), (["one", "two"].map(str::to_owned).into(), 0));
}
