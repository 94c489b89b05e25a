//! The program is killed at any moment, time and again on the same database: nothing that was acknowledged is missing,
//! nothing is said two times, nothing is closed over a word, no budget is refilled, and it is ready again soon.
//!
//! A round is one life. The workspace lives in this process, so that rounds hang together in epochs: each has a workspace,
//! a database and a ledger of its own, and is judged as a whole when all is silent at its end.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use autoclosed::fake_intercom::{Endpoint, FakeIntercom, Workspace};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::load::{Bag, Ledger, Letter, Load, Pace, Sent};
use super::program::{Program, command, end_what_was_left};
use super::town::{Budgets, Echoes, Town, configuration, now};
use super::{Campaign, Round};
use crate::adds_up::adds_up;
use crate::harness::House;
use crate::simulation::dice::Dice;

const EPOCH: u64 = 50;
/// What is never reached.
const GENEROUS: Budgets = Budgets { closes: 100_000, messages: 100_000 };
/// What a crash loop would get beyond soon, were it counted anew at each start.
const TIGHT: Budgets = Budgets { closes: 8, messages: 12 };
/// Connections that bring notifications: what waits together is committed together.
const CONNECTIONS: usize = 24;
/// So many acknowledged ids make a round worth its time.
const ENOUGH: u64 = 100;
/// Echoes in a hundredth of a second, while fewer than so many letters wait. More would leave no room for deeds: each write
/// of a deed waits for the notifications before it.
const ECHOES: (usize, usize) = (3, 100);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_kills_it_nothing_acknowledged_is_lost_and_nothing_is_said_twice() {
    let campaign = Campaign::of("kills", 10);
    let rounds = if campaign.is_long() { EPOCH } else { 6 };
    let mut campaign = campaign.in_epochs_of(rounds);
    end_what_was_left(&campaign.folder().join("program.pid"));
    if let Err((round, how)) = play(&mut campaign, None).await {
        campaign.broken(&round, &how);
    }
    let acknowledged = campaign.counted("acknowledged, each id once");
    assert!(campaign.counted("messages") > 0 && acknowledged > 0, "nothing happened");
    campaign.verdict("nothing acknowledged was lost, nothing was said twice or closed over a word, no budget exceeded");
    let late = campaign.is_long() && campaign.p99("ready again") > Duration::from_secs(3);
    assert!(!late, "but it took too long until it was ready again, if nothing else ran beside");
    let few = campaign.is_long() && acknowledged < ENOUGH * campaign.counted("rounds");
    assert!(!few, "but only {acknowledged} ids were acknowledged: too little went on for the kills to mean anything");
}

/// Plays to the end, or to the round in which a promise is broken.
async fn play(campaign: &mut Campaign, planted: Option<&'static str>) -> Result<(), (Round, String)> {
    let mut epoch = None;
    while let Some(mut round) = campaign.next() {
        let mut now = match epoch.take() {
            Some(epoch) => epoch,
            None => Epoch::begins(campaign, &mut round, planted).await,
        };
        let mut held = now.lives(campaign, &mut round).await;
        if campaign.ends_epoch(&round) {
            held = match held {
                Ok(()) => now.ends(campaign).await,
                broken => broken,
            };
        } else {
            epoch = Some(now);
        }
        if let Err(how) = held {
            return Err((round, how));
        }
        campaign.count("rounds", 1);
        campaign.done(&round);
    }
    Ok(())
}

/// How a life ends, and how many milliseconds after it began, or was ready.
#[derive(Debug, Clone, Copy)]
enum End {
    BeforeReady(i64),
    Killed(i64),
    /// So long after a message has arrived at Intercom, and before it is written down that it has.
    KilledInADeed(i64),
    Stopped(i64),
}

fn some_end(dice: &mut Dice, longest: i64) -> End {
    match dice.below(20) {
        0 | 1 => End::BeforeReady(dice.between(0, 150)),
        2 | 3 => End::Stopped(dice.between(5, longest)),
        4..7 => End::Killed(dice.between(5, 50)),
        7..10 => End::KilledInADeed(dice.between(0, 4)),
        _ => End::Killed(dice.between(5, longest)),
    }
}

fn millis(count: i64) -> Duration {
    Duration::from_millis(count.try_into().unwrap())
}

/// One workspace and one database.
struct Epoch {
    house: House,
    town: Arc<Mutex<Town>>,
    people: JoinHandle<()>,
    bag: Arc<Bag>,
    ledger: Arc<Ledger>,
    budgets: Budgets,
    /// The longest life, in milliseconds.
    longest: i64,
    errors: BTreeSet<String>,
    /// The safeguard that is taken away, to see whether that is noticed.
    planted: Option<&'static str>,
}

impl Epoch {
    /// Every fourth is a crash loop with a small budget; in the short form every second.
    async fn begins(campaign: &Campaign, round: &mut Round, planted: Option<&'static str>) -> Epoch {
        let (of, each) = if campaign.is_long() { (EPOCH, 4) } else { (6, 2) };
        let looping = ((round.number - 1) / of) % each == each - 1;
        let budgets = if looping { TIGHT } else { GENEROUS };
        let workspace = Workspace { rate_limit: 100_000, ..Workspace::default() };
        let mut house = House::configured(&configuration(budgets), workspace).await;
        house.clock.set(now());
        let path = campaign.folder().join("ledger");
        // What is there is of an epoch that was broken off, and lives no more.
        std::fs::remove_file(&path).ok();
        let dice = Dice::of(u64::try_from(round.dice.between(0, i64::MAX - 1)).unwrap());
        let town = Arc::new(Mutex::new(Town::new(&house.intercom, dice.clone(), 400)));
        // What was there before is read in peace: a short life would come to nothing else.
        house.start().await;
        house.look().await;
        house.stop().await;
        drop(house.intercom.keep_notifications());
        let bag = Arc::<Bag>::default();
        let people = tokio::spawn(live(house.clock.clone(), Arc::clone(&town), Arc::clone(&bag), dice));
        let longest = if looping || !campaign.is_long() { 1_200 } else { 2_000 };
        let (ledger, errors) = (Ledger::at(&path), BTreeSet::new());
        Epoch { house, town, people, bag, ledger, budgets, longest, errors, planted }
    }

    /// One life of the program, from its start to its end.
    async fn lives(&mut self, campaign: &mut Campaign, round: &mut Round) -> Result<(), String> {
        let end = match (round.number, campaign.is_long()) {
            (2, false) => End::BeforeReady(round.dice.between(0, 150)),
            (3 | 5 | 7, false) => End::KilledInADeed(round.dice.between(0, 2)),
            (4 | 8, false) => End::Stopped(round.dice.between(5, self.longest)),
            _ => some_end(&mut round.dice, self.longest),
        };
        let mut command = command(&self.house, &["run"]);
        command.envs(self.planted.map(|bug| ("AUTOCLOSED_PLANTED", bug)));
        let mut program = Program::of(command, &campaign.folder().join("program.pid"));
        if let End::BeforeReady(after) = end {
            sleep(millis(after)).await;
            program.kill();
            campaign.count("killed before it was ready", 1);
            return Ok(());
        }
        let (listens, took) = program.ready().await?;
        campaign.took("ready again", took);
        if round.dice.chance(20) {
            slip_in(&self.house.intercom);
        }
        let load = Load::start(listens.webhook, CONNECTIONS, Pace::AsAnswered, &self.bag, &self.ledger);
        self.errors.extend(program.errors());
        match end {
            End::KilledInADeed(after) => {
                let deed = deed(&self.house.intercom);
                let found = timeout(millis(3 * self.longest), deed).await.is_ok();
                sleep(millis(after)).await;
                program.kill();
                campaign.count("killed", 1);
                campaign.count("of these in a deed", u64::from(found));
            }
            End::Killed(after) | End::BeforeReady(after) => {
                sleep(millis(after)).await;
                program.kill();
                campaign.count("killed", 1);
            }
            End::Stopped(after) => {
                sleep(millis(after)).await;
                let (status, took) = program.stop().await?;
                campaign.took("stopped when told to", took);
                if status.code() != Some(0) || took > Duration::from_secs(12) {
                    return Err(format!("told to stop it ended with {status:?} after {took:?}"));
                }
                campaign.count("stopped", 1);
            }
        }
        Self::note(campaign, &load.stop().await)?;
        // Some are not sent again, as Intercom gives up soon.
        if round.dice.chance(10) {
            self.bag.take();
        }
        if round.number.is_multiple_of(10) { self.nothing_is_lost(campaign).await } else { Ok(()) }
    }

    fn note(campaign: &mut Campaign, sent: &Sent) -> Result<(), String> {
        campaign.count("answered 200", sent.acknowledged);
        campaign.count("answered 503", sent.refused);
        campaign.count("cut off by the end", sent.cut);
        if sent.odd.is_empty() { Ok(()) } else { Err(format!("answered {:?} to good notifications", sent.odd)) }
    }

    /// A copy of what the dead one has left is whole, and has everything that was acknowledged.
    async fn nothing_is_lost(&self, campaign: &mut Campaign) -> Result<(), String> {
        let copy = tempfile::tempdir().unwrap();
        let database = self.house.database();
        for end in ["", "-wal"] {
            let name = format!("{}{end}", database.file_name().unwrap().to_str().unwrap());
            if database.with_file_name(&name).exists() {
                std::fs::copy(database.with_file_name(&name), copy.path().join(&name)).unwrap();
            }
        }
        let copied = copy.path().join(database.file_name().unwrap());
        campaign.count("looks at what was left", 1);
        whole(&copied).await?;
        nothing_missing(&self.ledger.ids(), &copied).await
    }

    /// All falls silent, and what is true is held against the promises.
    async fn ends(mut self, campaign: &mut Campaign) -> Result<(), String> {
        self.people.abort();
        self.people.await.ok();
        self.house.clock.set(now());
        let town = Arc::into_inner(self.town).unwrap().into_inner().unwrap();
        town.fake.clear_faults();
        let lost = "SELECT CAST(id AS TEXT) FROM attempt WHERE phase = 'unclear'";
        let lost = column(&self.house.database(), lost).await.len();
        campaign.count("calls whose answer was lost", lost.try_into().unwrap());
        let left: Vec<Letter> = self.bag.take();
        town.falls_silent(&mut self.house, left).await?;
        let (closes, messages) = town.judged(&self.house, self.budgets).await?;
        adds_up(&self.house).await;
        self.house.stop().await;
        whole(&self.house.database()).await?;
        nothing_missing(&self.ledger.ids(), &self.house.database()).await?;
        campaign.count("acknowledged, each id once", self.ledger.ids().len().try_into().unwrap());
        campaign.count("closes", closes);
        campaign.count("messages", messages);
        campaign.count("errors in the log", self.errors.len().try_into().unwrap());
        Ok(())
    }
}

/// Time goes on, and people act in it, whether the program lives or not.
async fn live(clock: autoclosed::clock::ManualClock, town: Arc<Mutex<Town>>, bag: Arc<Bag>, mut dice: Dice) {
    let mut echoes = Echoes::default();
    loop {
        sleep(Duration::from_millis(10)).await;
        clock.set(now());
        let mut town = town.lock().unwrap();
        // Whatever people say is read at the next start: what fills the bag says it again.
        if dice.chance(10) {
            town.somebody_chats();
        }
        if dice.chance(12) {
            town.somebody_acts();
        }
        let letters = town.letters();
        drop(town);
        echoes.hear(&letters);
        bag.put(letters, &mut dice);
        let (count, most) = ECHOES;
        if bag.len() < most {
            bag.put(echoes.again(count, &mut dice), &mut dice);
        }
    }
}

/// The next message arrives.
async fn deed(fake: &FakeIntercom) {
    let (arrived, deed) = oneshot::channel();
    // It may arrive when nobody waits for it any more.
    fake.before_answer(Endpoint::Reply, move |_| {
        let _ = arrived.send(());
    });
    let _ = deed.await;
}

/// The contact writes while the next close is under way.
fn slip_in(fake: &FakeIntercom) {
    fake.before_answer(Endpoint::Close, |fake| {
        let path = fake.calls().pop().map(|call| call.path).unwrap_or_default();
        if let Some(id) = path.split('/').nth(2).and_then(|id| id.try_into().ok()) {
            fake.contact_replies(&id, "Wait!");
        }
    });
}

/// Rows of one column, as text.
pub(crate) async fn column(database: &Path, sql: &'static str) -> Vec<String> {
    let mut stranger = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
    sqlx::query_scalar(sql).fetch_all(&mut stranger).await.unwrap()
}

pub(crate) async fn whole(database: &Path) -> Result<(), String> {
    let mut wrong = column(database, "SELECT integrity_check FROM pragma_integrity_check").await;
    wrong.retain(|line| line != "ok");
    wrong.extend(column(database, "SELECT \"table\" FROM pragma_foreign_key_check").await);
    if wrong.is_empty() { Ok(()) } else { Err(format!("the database is damaged: {wrong:#?}")) }
}

pub(crate) async fn nothing_missing(acknowledged: &BTreeSet<String>, database: &Path) -> Result<(), String> {
    let there: BTreeSet<String> = column(database, "SELECT id FROM seen_notifications").await.into_iter().collect();
    let missing: Vec<&String> = acknowledged.difference(&there).collect();
    let told =
        format!("{} of {} acknowledged ids are lost, {:?} first", missing.len(), acknowledged.len(), missing.first());
    if missing.is_empty() { Ok(()) } else { Err(told) }
}

/// What is noticed when a safeguard is taken away from the program that is killed.
async fn noticed(bug: &'static str, tries: u64) -> Option<String> {
    for seed in 1..=tries {
        let mut campaign = Campaign::passing("kills", seed, 6);
        if let Err((_, how)) = play(&mut campaign, Some(bug)).await {
            return Some(how);
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_acknowledges_before_it_commits_is_caught() {
    let how = noticed("AcknowledgesBeforeItCommits", 5).await;
    assert!(how.as_ref().is_some_and(|how| how.contains("acknowledged ids are lost")), "{how:?}");
}
