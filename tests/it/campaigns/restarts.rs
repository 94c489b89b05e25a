//! The program is started again and again on a socket that somebody else keeps, as systemd does, under steady traffic:
//! nobody is refused, nobody gets an error, and everything acknowledged is there. A round is one restart.
//!
//! One thing no server can prevent: a kept connection that it closes while a request is on its way. Those are sent again,
//! and counted; a sender that wants none opens a connection for each request.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use autoclosed::fake_intercom::Workspace;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Campaign;
use super::kills::{nothing_missing, whole};
use super::load::{Ledger, answered, is_closed};
use super::program::{Program, activated, command, end_what_was_left};
use crate::harness::{CLIENT_SECRET, House, QUIET_A_DAY};

/// Requests in a second.
const RATE: u32 = 100;
/// The slowest answer that is good enough, the wait for the next start included.
const LONGEST: Duration = Duration::from_secs(5);
/// What never comes fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(30);
const SELDOM: &str = "mode = \"live\"\n[schedule]\nsweep = \"0 0 0 * * *\"\nreconcile = \"0 0 0 * * *\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_refuses_nobody() {
    let mut campaign = Campaign::of("restarts", 3).in_epochs_of(u64::MAX);
    end_what_was_left(&campaign.folder().join("program.pid"));
    let house = House::configured(&format!("{SELDOM}{QUIET_A_DAY}"), Workspace::default()).await;
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let ledger = campaign.folder().join("ledger");
    std::fs::remove_file(&ledger).ok();
    let ledger = Ledger::at(&ledger);
    let (mut program, mut load) = (starts(&campaign, &house, &socket).await, None);
    while let Some(round) = campaign.next() {
        let senders = load.get_or_insert_with(|| Traffic::start(socket.local_addr().unwrap(), &ledger));
        let mut dice = round.dice.clone();
        sleep(Duration::from_millis(dice.between(100, 600).try_into().unwrap())).await;
        let began = Instant::now();
        let (status, stopped) = program.stop().await.unwrap();
        assert_eq!(status.code(), Some(0), "round {}", round.number);
        program = starts(&campaign, &house, &socket).await;
        campaign.took("stopped", stopped);
        campaign.took("ready again", began.elapsed());
        campaign.count("restarts", 1);
        if let Err(how) = senders.so_far(&mut campaign) {
            campaign.broken(&round, &how);
        }
        campaign.done(&round);
    }
    let found = load.expect("at least one round").ends(&mut campaign).await;
    found.unwrap();
    program.stop().await.unwrap();
    whole(&house.database()).await.unwrap();
    nothing_missing(&ledger.ids(), &house.database()).await.unwrap();
    campaign.count("acknowledged, each id once", ledger.ids().len().try_into().unwrap());
    assert!(campaign.counted("on a connection that was kept") > 0, "none was kept");
    assert!(campaign.counted("told that the connection closes") > 0, "no restart met a kept connection");
    campaign.verdict("nobody was refused, nobody got an error, nothing acknowledged was lost");
    let late = campaign.is_long() && campaign.longest("answered") > LONGEST;
    assert!(!late, "but an answer took more than {LONGEST:?}, if nothing else ran beside");
}

async fn starts(campaign: &Campaign, house: &House, socket: &TcpListener) -> Program {
    let command = activated(&command(house, &["run"]), "webhook", socket);
    let mut program = Program::of(command, &campaign.folder().join("program.pid"));
    let (listens, _) = program.ready().await.unwrap();
    assert_eq!(listens.webhook, socket.local_addr().unwrap());
    program
}

/// Requests at a steady rate, whatever becomes of those before: every second one on a connection of its own.
struct Traffic {
    stop: CancellationToken,
    sending: JoinHandle<()>,
    came: Arc<Mutex<Came>>,
}

#[derive(Default)]
struct Came {
    times: Vec<Duration>,
    kept: u64,
    told: u64,
    crossed: u64,
    errors: Vec<String>,
}

const CROSSED: &str = "met a kept connection as it closed, sent again";

/// What each request needs.
struct Sender {
    webhook: SocketAddr,
    ledger: Arc<Ledger>,
    secret: SecretString,
    rested: Mutex<VecDeque<TcpStream>>,
    came: Arc<Mutex<Came>>,
}

impl Traffic {
    fn start(webhook: SocketAddr, ledger: &Arc<Ledger>) -> Traffic {
        let (stop, came) = (CancellationToken::new(), Arc::<Mutex<Came>>::default());
        let (secret, ledger) = (SecretString::from(CLIENT_SECRET), Arc::clone(ledger));
        let sender = Sender { webhook, ledger, secret, rested: Mutex::default(), came: Arc::clone(&came) };
        let sending = tokio::spawn(send_steadily(Arc::new(sender), stop.clone()));
        Traffic { stop, sending, came }
    }

    /// What came of it since this was asked last.
    fn so_far(&self, campaign: &mut Campaign) -> Result<(), String> {
        let came = std::mem::take(&mut *self.came.lock().unwrap());
        campaign.count("answered 200", came.times.len().try_into().unwrap());
        campaign.count("on a connection that was kept", came.kept);
        campaign.count("told that the connection closes", came.told);
        campaign.count(CROSSED, came.crossed);
        came.times.into_iter().for_each(|took| campaign.took("answered", took));
        if came.errors.is_empty() { Ok(()) } else { Err(format!("{} errors: {:#?}", came.errors.len(), came.errors)) }
    }

    async fn ends(self, campaign: &mut Campaign) -> Result<(), String> {
        self.stop.cancel();
        timeout(PATIENCE, self.sending).await.expect("what was sent is answered").unwrap();
        let came = Arc::clone(&self.came);
        Traffic { stop: self.stop, sending: tokio::spawn(async {}), came }.so_far(campaign)
    }
}

async fn send_steadily(sender: Arc<Sender>, stop: CancellationToken) {
    let mut beat = interval(Duration::from_secs(1) / RATE);
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sending = JoinSet::new();
    let mut number = 0;
    while let Some(due) = stop.run_until_cancelled(beat.tick()).await {
        number += 1;
        sending.spawn(Arc::clone(&sender).sends(number, due));
    }
    while let Some(sent) = sending.join_next().await {
        sent.unwrap();
    }
}

impl Sender {
    /// Counted from when it was to be sent.
    async fn sends(self: Arc<Self>, number: u64, due: Instant) {
        let (id, body) = letter(number);
        let on_its_own = number.is_multiple_of(2);
        let rested = if on_its_own { None } else { self.rested() };
        let kept = rested.is_some();
        let mut answer = timeout(PATIENCE, self.asks(rested, &body)).await;
        if kept && matches!(&answer, Ok(Err(error)) if crossed(error)) {
            self.came.lock().unwrap().crossed += 1;
            answer = timeout(PATIENCE, self.asks(None, &body)).await;
        }
        let mut came = self.came.lock().unwrap();
        let (stream, answer) = match answer {
            Ok(Ok(answered)) => answered,
            Ok(Err(error)) => return came.errors.push(format!("{id}, kept: {kept}, {error}")),
            Err(_) => return came.errors.push(format!("{id}, kept: {kept}, no answer within {PATIENCE:?}")),
        };
        let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        if !head.starts_with("http/1.1 200 ") {
            return came.errors.push(format!("{id}, kept: {kept}, {head}"));
        }
        self.ledger.acknowledged(&id);
        came.times.push(due.elapsed());
        came.kept += u64::from(kept);
        let closes = head.contains("connection: close");
        came.told += u64::from(closes);
        if !on_its_own && !closes {
            self.rested.lock().unwrap().push_back(stream);
        }
    }

    /// The one that rested least, as with most proxies, and is open as far as can be seen.
    fn rested(&self) -> Option<TcpStream> {
        let mut rested = self.rested.lock().unwrap();
        while let Some(stream) = rested.pop_back() {
            if !is_closed(&stream) {
                return Some(stream);
            }
        }
        None
    }

    async fn asks(&self, rested: Option<TcpStream>, body: &[u8]) -> std::io::Result<(TcpStream, Vec<u8>)> {
        let mut stream = match rested {
            Some(stream) => stream,
            None => TcpStream::connect(self.webhook).await?,
        };
        stream.set_nodelay(true)?;
        let answer = answered(&mut stream, self.webhook, &self.secret, body).await?;
        Ok((stream, answer))
    }
}

/// Whether not one byte of an answer came.
fn crossed(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

fn letter(number: u64) -> (String, Vec<u8>) {
    let told = include_bytes!("../payloads/v2.conversation.user.replied.json");
    let mut told: Value = serde_json::from_slice(told).unwrap();
    let id = format!("notif_restarts_{number}");
    told["id"] = json!(id);
    told["app_id"] = json!(Workspace::default().app_id);
    (id, told.to_string().into_bytes())
}
