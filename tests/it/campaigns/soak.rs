//! An hour of mixed life on one program: people write, deeds fall due, operators ask, copy, forget and reload, Intercom
//! fails now and then. Memory, files and threads stay as they are, nothing acknowledged is lost, and the laws hold.
//!
//! A round is a minute, in the short form some seconds. It is one life: broken off, it begins anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, Fault, RateReset, Workspace};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::kills::{nothing_missing, whole};
use super::load::{Bag, Ledger, Load, Pace};
use super::program::{Addresses, Program, command, end_what_was_left, get};
use super::town::{Budgets, Town, configuration, now};
use super::{Campaign, Round};
use crate::harness::House;
use crate::simulation::dice::Dice;

const BUDGETS: Budgets = Budgets { closes: 100_000, messages: 100_000 };
/// Notifications in a second, at most; people make about fifty.
const RATE: u32 = 80;
/// Over which they come.
const CONNECTIONS: u64 = 8;
/// What memory may have grown by over two thirds of the time, in KiB: 35 bytes for each notification of an hour.
const GROWTH: f64 = 4_096.0;
/// What it never exceeds, in KiB, files and threads.
const BOUNDS: (f64, usize, usize) = (262_144.0, 128, 64);
/// The write-ahead log, in bytes.
const LOG: u64 = 64 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_of_mixed_life_leaves_it_as_it_was() {
    let mut campaign = Campaign::of("soak", 3).in_epochs_of(u64::MAX);
    end_what_was_left(&campaign.folder().join("program.pid"));
    let mut life = None;
    while let Some(mut round) = campaign.next() {
        let mut now = match life.take() {
            Some(life) => life,
            None => Life::begins(&campaign, &mut round).await,
        };
        let mut held = now.minute(&mut campaign, &mut round).await;
        if campaign.ends_epoch(&round) {
            held = match held {
                Ok(()) => now.ends(&mut campaign).await,
                broken => broken,
            };
        } else {
            life = Some(now);
        }
        if let Err(how) = held {
            campaign.broken(&round, &how);
        }
        campaign.done(&round);
    }
    let late = campaign.is_long() && campaign.p99("answered") > Duration::from_millis(500);
    campaign.verdict("memory, files and threads stayed as they were, nothing acknowledged was lost, the laws hold");
    assert!(!late, "but answers took too long, if nothing else ran beside");
}

/// What the program has taken for itself, and when.
#[derive(Debug, Clone, Copy)]
struct Sample {
    second: f64,
    kibibytes: f64,
    files: usize,
    threads: usize,
}

struct Life {
    house: House,
    town: Arc<Mutex<Town>>,
    people: JoinHandle<()>,
    /// Which notification is about which conversation.
    about: Arc<Mutex<BTreeMap<String, String>>>,
    forgotten: BTreeSet<String>,
    ledger: Arc<Ledger>,
    program: Program,
    listens: Addresses,
    load: Load,
    began: Instant,
    samples: Vec<Sample>,
}

impl Life {
    async fn begins(campaign: &Campaign, round: &mut Round) -> Life {
        let workspace = Workspace { rate_limit: 100_000, ..Workspace::default() };
        let mut house = House::configured(&configuration(BUDGETS), workspace).await;
        house.keep_for("10 minutes");
        house.clock.set(now());
        let path = campaign.folder().join("ledger");
        std::fs::remove_file(&path).ok();
        let (bag, ledger) = (Arc::<Bag>::default(), Ledger::at(&path));
        let dice = Dice::of(u64::try_from(round.dice.between(0, i64::MAX - 1)).unwrap());
        let town = Arc::new(Mutex::new(Town::new(&house.intercom, dice.clone(), 1_000)));
        let about = Arc::<Mutex<BTreeMap<String, String>>>::default();
        let living = Living { town: Arc::clone(&town), bag: Arc::clone(&bag), about: Arc::clone(&about), dice };
        let people = tokio::spawn(living.goes_on(house.clock.clone()));
        let mut program = Program::start(&house, &campaign.folder().join("program.pid"));
        let (listens, _) = program.ready().await.unwrap();
        house.ask_health_of(listens.admin);
        house.file();
        let load =
            Load::start(listens.webhook, usize::try_from(CONNECTIONS).unwrap(), Pace::PerSecond(RATE), &bag, &ledger);
        let forgotten = BTreeSet::new();
        let began = Instant::now();
        let samples = Vec::new();
        Life { house, town, people, about, forgotten, ledger, program, listens, load, began, samples }
    }

    async fn minute(&mut self, campaign: &mut Campaign, round: &mut Round) -> Result<(), String> {
        let (pause, times) = if campaign.is_long() { (Duration::from_secs(2), 25) } else { (millis(500), 4) };
        self.something_breaks(&mut round.dice);
        for _ in 0..times {
            sleep(pause).await;
            self.sample(campaign).await?;
        }
        self.operators_speak(campaign, round).await?;
        // What they take is part of the minute.
        let minute = Duration::from_mins(round.number);
        if let Some(left) = minute.checked_sub(self.began.elapsed()).filter(|_| campaign.is_long()) {
            sleep(left).await;
        }
        let sent = self.load.sent();
        campaign.count("answered 200", sent.acknowledged);
        campaign.count("answered 503", sent.refused);
        sent.times.iter().for_each(|took| campaign.took("answered", *took));
        campaign.count("not answered, and sent again", sent.cut);
        // A connection may end just when something is sent on it: each of them does after two minutes.
        let good = sent.odd.is_empty() && (sent.cut <= CONNECTIONS || !campaign.is_long());
        let grown = self.samples.last().map_or(0.0, |sample| sample.kibibytes);
        campaign.tell(&format!("minute {}: {grown} KiB, {} acknowledged", round.number, sent.acknowledged));
        if good { Ok(()) } else { Err(format!("answered {:?}, {} not at all", sent.odd, sent.cut)) }
    }

    async fn sample(&mut self, campaign: &mut Campaign) -> Result<(), String> {
        let ready = get(self.listens.admin, "/ready").await.map(|(status, _)| status);
        let slow = matches!(ready, Ok(503)) && !campaign.is_long();
        // On a machine that does other things too, a commit may take longer than it may.
        campaign.count("not ready", u64::from(slow));
        if ready.as_ref().ok() != Some(&200) && !slow {
            return Err(format!("asked whether it is ready it said {ready:?}"));
        }
        let log = self.house.database().with_extension("db-wal");
        let log = std::fs::metadata(log).map_or(0, |log| log.len());
        let sample = taken(self.program.id(), self.began.elapsed());
        self.samples.push(sample);
        let (kibibytes, files, threads) = BOUNDS;
        let within = sample.kibibytes <= kibibytes && sample.files <= files && sample.threads <= threads && log <= LOG;
        if within { Ok(()) } else { Err(format!("it takes too much: {sample:?}, {log} bytes of log")) }
    }

    fn something_breaks(&self, dice: &mut Dice) {
        let faults = [
            (Endpoint::Reply, Fault::ApplyThenDrop),
            (Endpoint::Close, Fault::ApplyThenDrop),
            (Endpoint::Close, Fault::Html502),
            (Endpoint::Conversation, Fault::Garbage200),
            (Endpoint::Search, Fault::Drop),
            (Endpoint::Any, Fault::RateLimited { reset: RateReset::InSeconds(2) }),
        ];
        let (on, fault) = dice.pick(&faults).clone();
        self.house.intercom.fault(on, fault);
    }

    async fn operators_speak(&mut self, campaign: &mut Campaign, round: &Round) -> Result<(), String> {
        for path in ["/metrics", "/health"] {
            get(self.listens.admin, path).await.map_err(|error| format!("{path}: {error}"))?;
        }
        let somewhere = self.town.lock().unwrap().somewhere();
        self.says(&["status", "--json"], &[0, 1]).await?;
        self.says_once_known(&["explain", somewhere.as_str()]).await?;
        self.program.send("HUP");
        if round.number % 5 == 2 {
            self.copies(campaign).await?;
        }
        if round.number % 10 == 3 {
            let leaver = self.town.lock().unwrap().somebody_leaves();
            self.forgets(&leaver).await?;
            campaign.count("forgotten", 1);
        }
        Ok(())
    }

    async fn copies(&self, campaign: &mut Campaign) -> Result<(), String> {
        let target = self.house.folder().join("copy.db");
        self.says(&["backup", target.to_str().unwrap()], &[0]).await?;
        whole(&target).await?;
        campaign.count("copies", 1);
        std::fs::remove_file(target).map_err(|error| error.to_string())
    }

    async fn forgets(&mut self, id: &ConversationId) -> Result<(), String> {
        self.forgotten.insert(id.to_string());
        self.says_once_known(&["forget", id.as_str()]).await
    }

    /// What was begun just now may not have been told yet.
    async fn says_once_known(&self, words: &[&str]) -> Result<(), String> {
        for _ in 0..60 {
            let output = self.says(words, &[0, 1]).await?;
            let told = String::from_utf8_lossy(&output.stderr);
            match output.status.code() {
                Some(0) => return Ok(()),
                _ if told.contains(" is not known; ") => sleep(millis(500)).await,
                _ => return Err(format!("{words:?} ended with {}: {told}", output.status)),
            }
        }
        Err(format!("{words:?}: nobody has told of it for half a minute"))
    }

    async fn says(&self, words: &[&str], statuses: &[i32]) -> Result<Output, String> {
        let mut command = command(&self.house, words);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        if output.status.code().is_some_and(|status| statuses.contains(&status)) {
            return Ok(output);
        }
        Err(format!("{words:?} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr)))
    }

    async fn ends(mut self, campaign: &mut Campaign) -> Result<(), String> {
        self.people.abort();
        self.people.await.ok();
        let errors = self.program.errors();
        let sent = self.load.stop().await;
        campaign.count("answered 200", sent.acknowledged);
        let (status, took) = self.program.stop().await?;
        if status.code() != Some(0) {
            return Err(format!("told to stop it ended with {status:?} after {took:?}"));
        }
        flat(&self.samples, campaign.is_long())?;
        if let Some(error) = errors.first() {
            return Err(format!("{} errors in the log, first {error}", errors.len()));
        }
        self.house.clock.set(now());
        let town = Arc::into_inner(self.town).unwrap().into_inner().unwrap();
        town.fake.clear_faults();
        town.falls_silent(&mut self.house, Vec::new()).await?;
        let (closes, messages) = town.judged(&self.house, BUDGETS).await?;
        self.house.stop().await;
        whole(&self.house.database()).await?;
        let about = self.about.lock().unwrap().clone();
        let mut acknowledged = self.ledger.ids();
        acknowledged.retain(|id| about.get(id).is_none_or(|about| !self.forgotten.contains(about)));
        nothing_missing(&acknowledged, &self.house.database()).await?;
        campaign.count("acknowledged, each id once", acknowledged.len().try_into().unwrap());
        campaign.count("closes", closes);
        campaign.count("messages", messages);
        let last = self.samples.last().unwrap();
        campaign.count("KiB at the end", format!("{:.0}", last.kibibytes).parse().unwrap());
        campaign.count("files at the end", last.files.try_into().unwrap());
        campaign.count("threads at the end", last.threads.try_into().unwrap());
        Ok(())
    }
}

/// People, and who brings what they do.
struct Living {
    town: Arc<Mutex<Town>>,
    bag: Arc<Bag>,
    about: Arc<Mutex<BTreeMap<String, String>>>,
    dice: Dice,
}

impl Living {
    async fn goes_on(mut self, clock: autoclosed::clock::ManualClock) {
        loop {
            sleep(millis(20)).await;
            clock.set(now());
            let mut town = self.town.lock().unwrap();
            if self.dice.chance(90) {
                town.somebody_chats();
            }
            if self.dice.chance(10) {
                town.somebody_acts();
            }
            let letters = town.letters();
            let mut about = self.about.lock().unwrap();
            for letter in &letters {
                let told: Value = serde_json::from_slice(&letter.body).unwrap();
                let item = &told["data"]["item"]["id"];
                about.insert(letter.id.clone(), item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            }
            self.bag.put(letters, &mut self.dice);
        }
    }
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// What the system says of a process.
fn taken(pid: u32, at: Duration) -> Sample {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let status = std::fs::read_to_string(process.join("status")).unwrap();
    let figure = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<u32>().unwrap()
    };
    Sample {
        second: at.as_secs_f64(),
        kibibytes: figure("VmRSS:").into(),
        files: std::fs::read_dir(process.join("fd")).unwrap().count(),
        threads: usize::try_from(figure("Threads:")).unwrap(),
    }
}

/// By how much the line through them rises, from the first to the last (least squares).
fn rise(samples: &[Sample]) -> f64 {
    let count = f64::from(u32::try_from(samples.len()).unwrap());
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (second, kibibytes) = (mean(|one| one.second), mean(|one| one.kibibytes));
    let along = |of: &Sample| of.second - second;
    let slope = samples.iter().map(|one| along(one) * (one.kibibytes - kibibytes)).sum::<f64>()
        / samples.iter().map(|one| along(one).powi(2)).sum::<f64>();
    slope * (samples[samples.len() - 1].second - samples[0].second)
}

/// The first third is for warming up. Files and threads may vary as connections do.
fn flat(samples: &[Sample], long: bool) -> Result<(), String> {
    let (warm, rest) = samples.split_at(samples.len() / 3);
    let rises = rise(rest);
    if long && rises > GROWTH {
        return Err(format!("memory grew by {rises:.0} KiB over the last two thirds: {:?}", rest.last()));
    }
    let most = |of: &[Sample], what: fn(&Sample) -> usize| of.iter().map(what).max().unwrap_or(0);
    let (files, threads) = (most(rest, |one| one.files), most(rest, |one| one.threads));
    let more = files > most(warm, |one| one.files) + 16 || threads > most(warm, |one| one.threads) + 16;
    if more { Err(format!("{files} files and {threads} threads, from {:?}", warm.last())) } else { Ok(()) }
}

#[test]
fn a_leak_of_fifty_bytes_a_notification_is_seen_and_noise_is_not() {
    let hour = |leak: f64| -> Vec<Sample> {
        let one = |index: u32| {
            let second = f64::from(index) * 2.0;
            let noise = f64::from(index.wrapping_mul(2_654_435_761) % 2_000);
            // An hour's warming up, and a jump in the middle.
            let warm = 8_000.0 * (1.0 - (-second / 200.0).exp()) + if index > 900 { 1_500.0 } else { 0.0 };
            let kibibytes = 30_000.0 + warm + noise + leak * 50.0 * second / 1024.0;
            Sample { second, kibibytes, files: 20, threads: 8 }
        };
        (0..1_800).map(one).collect()
    };
    assert!(flat(&hour(0.0), true).is_ok());
    assert!(flat(&hour(50.0), true).unwrap_err().starts_with("memory grew by "));
    let more = hour(0.0).into_iter().enumerate().map(|(index, one)| Sample { files: 20 + index / 60, ..one });
    assert!(flat(&more.collect::<Vec<_>>(), true).unwrap_err().contains(" files and "));
}
