//! Campaigns: the program itself, in many rounds drawn from one seed. What `cargo test` runs of each is its short form;
//! `docs/reliability.md` has the long ones and what came of them.
//!
//! ```sh
//! AUTOCLOSED_ROUNDS=1000 AUTOCLOSED_SEED=7 cargo test --release --locked --test it campaigns::kills -- --nocapture
//! ```
//!
//! With `AUTOCLOSED_ROUNDS` a campaign tells what it does and keeps what it has done in `target/campaigns`: broken off
//! and begun again with the same seed, it goes on where it was. Take that folder away to begin anew. With
//! `AUTOCLOSED_BINARY` it runs another build of the program, the one that is shipped perhaps; with `AUTOCLOSED_WRAPPER`
//! every test that starts the program starts it by that one, `tests/confined` perhaps.

#![expect(clippy::panic, clippy::print_stdout, reason = "a campaign tells its verdict, or what broke it")]

mod cuts;
mod faults;
mod forged;
mod kills;
mod load;
mod program;
mod restarts;
mod scarce;
mod slow;
mod soak;
mod town;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::kills::column;
pub(crate) use self::program::activated;

use crate::simulation::dice::Dice;

/// What a campaign has done so far, and what it counted.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Progress {
    rounds: u64,
    counted: BTreeMap<String, u64>,
    /// Milliseconds.
    times: BTreeMap<String, Vec<u64>>,
}

/// A number of rounds from one seed, in a folder of its own.
pub(crate) struct Campaign {
    name: &'static str,
    seed: u64,
    rounds: u64,
    folder: Folder,
    progress: Progress,
    /// So many rounds are done again when it was broken off within them.
    epoch: u64,
}

enum Folder {
    /// The short form leaves nothing behind.
    Passing(tempfile::TempDir),
    Kept(PathBuf),
}

/// One of them, with its own chance.
pub(crate) struct Round {
    /// From 1 on.
    pub(crate) number: u64,
    pub(crate) dice: Dice,
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    let number = value.parse();
    assert!(number.is_ok(), "{variable} is a whole number, not `{value}`");
    number.ok()
}

/// The program that campaigns run.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("AUTOCLOSED_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_autoclosed").into(), PathBuf::from)
}

/// A command that starts it, or a copy of it, by the wrapper that is asked for.
pub(crate) fn starting(program: impl AsRef<Path>) -> Command {
    let Some(wrapper) = wrapper() else { return Command::new(program.as_ref()) };
    let mut command = Command::new(wrapper);
    command.arg(program.as_ref());
    command
}

/// What the program is started by, if it is.
pub(crate) fn wrapper() -> Option<PathBuf> {
    let wrapper = std::env::var_os("AUTOCLOSED_WRAPPER")?;
    // A test starts it in a folder of its own.
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(wrapper))
}

impl Campaign {
    /// Goes on where it was, if it was begun with the same seed and told to go far.
    pub(crate) fn of(name: &'static str, short: u64) -> Campaign {
        let seed = number("AUTOCLOSED_SEED").unwrap_or(1);
        let told = number("AUTOCLOSED_ROUNDS");
        let folder = if told.is_some() {
            let kept =
                Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join(format!("campaigns/{name}-{seed}"));
            std::fs::create_dir_all(&kept).unwrap();
            Folder::Kept(kept)
        } else {
            Folder::Passing(tempfile::tempdir().unwrap())
        };
        let mut campaign =
            Campaign { name, seed, rounds: told.unwrap_or(short), folder, progress: Progress::default(), epoch: 1 };
        if let Ok(known) = std::fs::read(campaign.file()) {
            campaign.progress = serde_json::from_slice(&known).unwrap();
            campaign.tell(&format!("goes on after {} rounds", campaign.progress.rounds));
        }
        campaign
    }

    /// One that tells whether a planted bug is noticed: never kept.
    pub(crate) fn passing(name: &'static str, seed: u64, rounds: u64) -> Campaign {
        let folder = Folder::Passing(tempfile::tempdir().unwrap());
        Campaign { name, seed, rounds, folder, progress: Progress::default(), epoch: rounds }
    }

    /// So many rounds live on what the ones before them left; broken off within, they begin anew.
    pub(crate) fn in_epochs_of(mut self, rounds: u64) -> Campaign {
        self.epoch = rounds;
        self
    }

    /// Whether nothing that comes later lives on what this round leaves.
    pub(crate) fn ends_epoch(&self, round: &Round) -> bool {
        round.number.is_multiple_of(self.epoch) || round.number == self.rounds
    }

    fn file(&self) -> PathBuf {
        self.folder().join("progress.json")
    }

    /// Where it keeps what outlives a round.
    pub(crate) fn folder(&self) -> &Path {
        match &self.folder {
            Folder::Passing(folder) => folder.path(),
            Folder::Kept(folder) => folder,
        }
    }

    /// Whether it runs for long, where figures are promised that a busy machine would spoil.
    pub(crate) fn is_long(&self) -> bool {
        matches!(self.folder, Folder::Kept(_))
    }

    /// The next round that is still to be done.
    pub(crate) fn next(&self) -> Option<Round> {
        let number = self.progress.rounds + 1;
        let chance = self.seed.wrapping_mul(1_000_003).wrapping_add(number);
        (number <= self.rounds).then(|| Round { number, dice: Dice::of(chance) })
    }

    pub(crate) fn count(&mut self, what: &str, how_many: u64) {
        *self.progress.counted.entry(what.to_owned()).or_default() += how_many;
    }

    pub(crate) fn took(&mut self, what: &str, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.progress.times.entry(what.to_owned()).or_default().push(millis);
    }

    pub(crate) fn counted(&self, what: &str) -> u64 {
        self.progress.counted.get(what).copied().unwrap_or_default()
    }

    /// What 99 of 100 took at most.
    pub(crate) fn p99(&self, what: &str) -> Duration {
        Duration::from_millis(self.progress.times.get(what).map_or(0, |times| rank(times, 99)))
    }

    /// What each took at most.
    pub(crate) fn longest(&self, what: &str) -> Duration {
        Duration::from_millis(self.progress.times.get(what).map_or(0, |times| rank(times, 100)))
    }

    /// The round was done, and nothing of it has to be done again.
    pub(crate) fn done(&mut self, round: &Round) {
        self.progress.rounds = round.number;
        if self.is_long() {
            self.keep(round);
            if round.number.is_multiple_of(10) || round.number == self.rounds {
                self.tell(&format!("round {} of {}", round.number, self.rounds));
            }
        }
    }

    fn keep(&self, round: &Round) {
        if self.ends_epoch(round) {
            let (new, file) = (self.folder().join("progress.new"), self.file());
            std::fs::write(&new, serde_json::to_vec(&self.progress).unwrap()).unwrap();
            std::fs::rename(new, file).unwrap();
        }
    }

    /// A promise that does not hold, and how to see it again.
    pub(crate) fn broken(&self, round: &Round, how: &str) -> ! {
        panic!(
            "{how}\n  in round {} of seed {}: AUTOCLOSED_ROUNDS={} AUTOCLOSED_SEED={} cargo test --release --locked --test it campaigns::{} -- --nocapture",
            round.number, self.seed, self.rounds, self.seed, self.name
        )
    }

    /// Tells what was done, once every promise was held against it.
    pub(crate) fn verdict(&self, held: &str) {
        let mut lines = vec![format!("{} rounds with seed {}: {held}", self.progress.rounds, self.seed)];
        let width = self.progress.counted.keys().chain(self.progress.times.keys()).map(String::len).max().unwrap_or(0);
        lines.extend(self.progress.counted.iter().map(|(what, count)| format!("  {what:<width$}  {count}")));
        lines.extend(self.progress.times.iter().map(|(what, times)| {
            format!(
                "  {what:<width$}  p50 {} ms, p99 {} ms, most {} ms",
                rank(times, 50),
                rank(times, 99),
                rank(times, 100)
            )
        }));
        self.tell(&lines.join("\n"));
    }

    fn tell(&self, what: &str) {
        println!("{}: {what}", self.name);
    }
}

/// The smallest that `percent` of them do not exceed.
fn rank(times: &[u64], percent: usize) -> u64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(at - 1).copied().unwrap_or(0)
}

#[test]
fn a_rank_is_the_smallest_that_so_many_do_not_exceed() {
    let times: Vec<u64> = (1..=200).rev().collect();
    assert_eq!((rank(&times, 50), rank(&times, 99), rank(&times, 100)), (100, 198, 200));
    assert_eq!((rank(&[7], 99), rank(&[], 99)), (7, 0));
}
