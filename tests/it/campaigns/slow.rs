//! Sockets by the thousand whose peers say nothing, half of it, or never listen, beside good traffic.
//!
//! A round of the long form is a minute: 10,000 of them, and 50 good notifications in each second.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::{JoinHandle, LocalSet, spawn_local};
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};

use super::{Campaign, Round};
use crate::harness::CLIENT_SECRET;
use crate::hostile::peer::{Peer, post, signed};
use crate::hostile::program::Program;
use crate::hostile::reply;
use crate::simulation::dice::Dice;

/// What a slow peer does.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Silent,
    HalfAHead,
    TricklingHead,
    HalfABody,
    TricklingBody,
    Idle,
    TakesNoAnswer,
}

/// How many of a thousand.
const KINDS: [(usize, Kind); 7] = [
    (250, Kind::Silent),
    (200, Kind::HalfAHead),
    (150, Kind::TricklingHead),
    (150, Kind::HalfABody),
    (148, Kind::TricklingBody),
    (100, Kind::Idle),
    (2, Kind::TakesNoAnswer),
];

impl Kind {
    /// When the server has closed it at the latest, from its first byte on. A goodbye may take a second.
    fn deadline(self) -> Duration {
        Duration::from_secs(match self {
            Kind::Silent | Kind::HalfAHead | Kind::TricklingHead => 5,
            Kind::HalfABody | Kind::TricklingBody => 11,
            Kind::Idle => 30,
            // Five seconds until it can take no more.
            Kind::TakesNoAnswer => 15,
        })
    }

    /// What it sends at once.
    fn beginning(self) -> Vec<u8> {
        let body = post(&[b"X-Hub-Signature: sha1=00"], &[b' '; 1000]);
        match self {
            Kind::Silent => Vec::new(),
            Kind::HalfAHead | Kind::TricklingHead => b"POST /webhooks/intercom HTTP/1.1\r\nhost: exam".to_vec(),
            Kind::HalfABody | Kind::TricklingBody => body[..body.len() - 500].to_vec(),
            Kind::Idle => post(&[], b""),
            Kind::TakesNoAnswer => post(&[], b"").repeat(2_000),
        }
    }

    fn trickles(self) -> bool {
        matches!(self, Kind::TricklingHead | Kind::TricklingBody)
    }
}

/// Plays one of them until the server closes; gives how much later than promised that was.
async fn slow(kind: Kind, from: [u8; 4], program: &Program) -> std::io::Result<Duration> {
    let mut peer = Peer::from(from, program.webhook).await?;
    let began = Instant::now();
    let closed = async {
        // That it can send no more is how whoever never reads knows.
        while peer.send(&kind.beginning()).await && matches!(kind, Kind::TakesNoAnswer) {}
        while kind.trickles() {
            let trickled = timeout(Duration::from_secs(1), peer.until_it_closes()).await;
            if trickled.is_ok() || !peer.send(b"x").await {
                return;
            }
        }
        peer.until_it_closes().await;
    };
    let _ = timeout(Duration::from_mins(1), closed).await;
    Ok(began.elapsed().saturating_sub(kind.deadline()))
}

/// What came of a minute, or of a few seconds.
#[derive(Default)]
struct Told {
    good: Vec<Duration>,
    errors: Vec<String>,
    late: Vec<(Kind, Duration)>,
    most_open: usize,
    most_resident: u64,
}

/// Good ones at an even pace, each on a connection of its own, as each is answered in its own time.
async fn good(program: Rc<Program>, told: Rc<RefCell<Told>>, round: u64, count: u64) {
    let mut pace = interval(Duration::from_millis(20));
    let mut sent: Vec<JoinHandle<()>> = Vec::new();
    for number in 0..count {
        pace.tick().await;
        let (program, told) = (Rc::clone(&program), Rc::clone(&told));
        sent.push(spawn_local(async move {
            let body = reply(number + 1, &format!("good-{round}-{number}")).to_string();
            let began = Instant::now();
            match Peer::from([127, 0, 0, 2], program.webhook).await {
                Ok(mut peer) => match peer.ask(&signed(CLIENT_SECRET, body.as_bytes())).await {
                    Some(answer) if answer.status == 200 => told.borrow_mut().good.push(began.elapsed()),
                    answer => told.borrow_mut().errors.push(format!("{answer:?}")),
                },
                Err(error) => told.borrow_mut().errors.push(error.to_string()),
            }
        }));
    }
    for one in sent {
        one.await.unwrap();
    }
}

/// Opens so many slow ones evenly over that time, and waits until all are closed.
async fn besiege(
    program: Rc<Program>,
    told: Rc<RefCell<Told>>,
    mut dice: Dice,
    kinds: &[(usize, Kind)],
    (count, within): (u32, Duration),
) {
    let began = Instant::now();
    let mut all = Vec::new();
    for number in 0..count {
        sleep_until(began + within * number / count).await;
        let kind = *dice.weighed(kinds);
        // 28,000 ports for each of them.
        let from = [127, 0, 1, u8::try_from(number % 200 + 1).unwrap()];
        let (program, told) = (Rc::clone(&program), Rc::clone(&told));
        all.push(spawn_local(async move {
            match slow(kind, from, &program).await {
                Ok(late) => told.borrow_mut().late.push((kind, late)),
                Err(error) => told.borrow_mut().errors.push(format!("a slow one could not come: {error}")),
            }
        }));
    }
    for one in all {
        one.await.unwrap();
    }
}

async fn watch(program: Rc<Program>, told: Rc<RefCell<Told>>) {
    loop {
        let (open, resident) = (program.open_files(), program.resident());
        {
            let mut told = told.borrow_mut();
            told.most_open = told.most_open.max(open);
            told.most_resident = told.most_resident.max(resident);
        }
        sleep(Duration::from_millis(250)).await;
    }
}

async fn play(campaign: &mut Campaign, program: &Rc<Program>, round: &Round) {
    let (slow_ones, opening, good_ones) =
        if campaign.is_long() { (10_000, Duration::from_secs(45), 3000) } else { (800, Duration::from_secs(2), 200) };
    // Whoever rests may do so for half a minute.
    let kinds = if campaign.is_long() { KINDS.as_slice() } else { &KINDS[..5] };
    let told = Rc::new(RefCell::new(Told::default()));
    let watching = spawn_local(watch(Rc::clone(program), Rc::clone(&told)));
    tokio::join!(
        good(Rc::clone(program), Rc::clone(&told), round.number, good_ones),
        besiege(Rc::clone(program), Rc::clone(&told), round.dice.clone(), kinds, (slow_ones, opening))
    );
    watching.abort();
    let told = told.borrow();
    if !told.errors.is_empty() {
        campaign.broken(round, &format!("{} errors, such as {}", told.errors.len(), told.errors[0]));
    }
    let grace = Duration::from_secs(if campaign.is_long() { 4 } else { 10 });
    if let Some((kind, late)) = told.late.iter().find(|(_, late)| *late > grace) {
        campaign.broken(round, &format!("{kind:?} was closed {late:?} after its deadline"));
    }
    if told.most_open > 600 || told.most_resident > 128 * 1024 {
        campaign.broken(round, &format!("{} open files, {} KiB", told.most_open, told.most_resident));
    }
    told.good.iter().for_each(|time| campaign.took("good traffic", *time));
    campaign.count("slow sockets", u64::from(slow_ones));
    campaign.count("good notifications", good_ones);
    let most = u64::try_from(told.most_open).unwrap().saturating_sub(campaign.counted("most open files"));
    campaign.count("most open files", most);
}

/// As many files as there are sockets, and some more; `prlimit` is in every Linux.
fn allow_many_files(wanted: u64) {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let soft: u64 = line["Max open files".len()..].split_whitespace().next().unwrap().parse().unwrap_or(u64::MAX);
    if soft >= wanted {
        return;
    }
    let (own, limit) = (std::process::id().to_string(), format!("--nofile={wanted}:"));
    let raised = std::process::Command::new("prlimit").args(["--pid", &own, &limit]).status();
    assert!(
        raised.is_ok_and(|status| status.success()),
        "{wanted} open files are needed and {soft} are allowed: run `ulimit -n {wanted}` before it, as root if it is refused"
    );
}

#[tokio::test]
async fn slow_peers_by_the_thousand_keep_nobody_waiting() {
    let mut campaign = Campaign::of("slow", 1);
    allow_many_files(if campaign.is_long() { 12_000 } else { 1500 });
    let program = Rc::new(Program::start("http://127.0.0.1:1", "info", ""));
    LocalSet::new()
        .run_until(async {
            while let Some(round) = campaign.next() {
                play(&mut campaign, &program, &round).await;
                campaign.done(&round);
            }
        })
        .await;
    let p99 = campaign.p99("good traffic");
    assert!(!campaign.is_long() || p99 <= Duration::from_millis(500), "{p99:?}");
    campaign.verdict("good traffic was answered, and every slow socket was closed");
}
