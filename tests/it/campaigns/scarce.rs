//! Out of file descriptors the program lives: it does not spin, nothing acknowledged is lost, and whoever comes is served
//! again soon when there is room.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use autoclosed::fake_intercom::Workspace;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::kills::{nothing_missing, whole};
use super::load::{Bag, Ledger, Load, Pace};
use super::program::{Program, command, get};
use super::town::{Budgets, Town, configuration, now};
use crate::harness::House;
use crate::simulation::dice::Dice;

const FILES: usize = 64;

/// The same command where no more than so many files can be open.
fn with_few_files(wanted: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    let limited = format!("ulimit -n {FILES}; exec \"$0\" \"$@\"");
    shell.arg("-c").arg(limited).arg(wanted.get_program()).args(wanted.get_args()).env_clear();
    shell.envs(wanted.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

/// Clock ticks (hundredths of a second) that it has computed.
fn computed(pid: u32) -> u64 {
    let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = line.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn out_of_files_it_rests_and_loses_nothing_and_serves_everybody_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let budgets = Budgets { closes: 100, messages: 100 };
    let house = House::configured(&configuration(budgets), Workspace::default()).await;
    house.clock.set(now());
    let mut town = Town::new(&house.intercom, Dice::of(1), 10);
    let mut program = Program::of(with_few_files(&command(&house, &["run"])), &folder.path().join("pid"));
    let (listens, _) = program.ready().await.unwrap();
    let (bag, ledger) = (Arc::<Bag>::default(), Ledger::at(&folder.path().join("ledger")));
    let early = Load::start(listens.webhook, 1, Pace::AsAnswered, &bag, &ledger);
    bag.put(town.letters(), &mut Dice::of(2));
    until(|| bag.len() == 0).await;

    let mut crowd = Vec::new();
    for _ in 0..FILES * 2 {
        crowd.push(TcpStream::connect(listens.webhook).await.unwrap());
    }
    let files = || std::fs::read_dir(format!("/proc/{}/fd", program.id())).unwrap().count();
    until(|| files() >= FILES - 1).await;
    let (began, before) = (Instant::now(), computed(program.id()));
    for _ in 0..20 {
        town.somebody_chats();
    }
    bag.put(town.letters(), &mut Dice::of(3));
    until(|| bag.len() == 0).await;
    sleep(Duration::from_secs(1)).await;
    let share = u128::from(computed(program.id()) - before) * 1_000 / began.elapsed().as_millis();
    assert!(share <= 50, "it is busy for {share} % of the time, with nothing to do");

    drop(crowd);
    let room = Instant::now();
    while !matches!(get(listens.admin, "/ready").await, Ok((200, _))) {
        assert!(room.elapsed() < Duration::from_secs(5), "there is room, and it does not notice");
    }
    let late = Load::start(listens.webhook, 4, Pace::AsAnswered, &bag, &ledger);
    (0..20).for_each(|_| town.somebody_chats());
    bag.put(town.letters(), &mut Dice::of(4));
    until(|| bag.len() == 0).await;
    let (early, late) = (early.stop().await, late.stop().await);
    // Whoever is silent for a moment may have to make room: what it sends then is sent again.
    assert_eq!((early.odd, late.odd), (vec![], vec![]));
    assert!(ledger.ids().len() >= 140, "{} were acknowledged", ledger.ids().len());
    assert_eq!(program.stop().await.unwrap().0.code(), Some(0));
    whole(&house.database()).await.unwrap();
    nothing_missing(&ledger.ids(), &house.database()).await.unwrap();
}

/// Waits until something is so, in the program's own time.
async fn until(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_mins(1), "it never came about");
        sleep(Duration::from_millis(10)).await;
    }
}
