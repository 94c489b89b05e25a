//! Hundreds of ways to damage a file: what is found is refused and kept, what is not found does no harm.

use std::collections::BTreeMap;

use super::attempts::{CLOSE, done, sent, settle};
use super::*;
use crate::engine::Decision;

/// Conversations in the file; the first few have a close that was done.
const CONVERSATIONS: i64 = 40;
const CLOSED: i64 = 8;
const PAGE: usize = 4096;
/// In `cargo test`; `AUTOCLOSED_MUTATIONS` says how many else.
const MUTATIONS: u64 = 100;
/// Nothing takes longer, or it hangs.
const LONGEST: Duration = Duration::from_secs(20);

/// What one sees of every conversation.
type Seen = BTreeMap<String, (Option<Decision>, usize)>;

/// The file and its log, as a power cut leaves them.
struct Good {
    file: Vec<u8>,
    log: Vec<u8>,
    seen: Seen,
}

fn numbered(number: i64) -> String {
    (1_000 + number).to_string()
}

async fn good(with_log: bool) -> Good {
    let shelf = Shelf::new().await;
    let fill = |from: i64, to: i64| (from..to).map(|number| fetched(answered(&numbered(number), number)));
    let kept = |number: i64| notified(&format!("odd {number}"), Told::Odd("odd".repeat(2_000)));
    shelf.record(&fill(0, CONVERSATIONS / 2).chain((0..4).map(kept)).collect::<Vec<_>>()).await;
    for number in 0..CLOSED {
        let claimed = sent(&shelf, &numbered(number), CLOSE, DAY).await;
        settle(&shelf, claimed, &done(DAY, false), DAY).await;
    }
    if !with_log {
        let shelf = shelf.reopened().await;
        let rest = fill(CONVERSATIONS / 2, CONVERSATIONS).collect::<Vec<_>>();
        shelf.record(&rest).await;
        let seen = seen(&shelf.store).await.unwrap();
        let path = shelf.path();
        shelf.store.close().await;
        return Good { file: std::fs::read(path).unwrap(), log: Vec::new(), seen };
    }
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut shelf.stranger().await).await.unwrap();
    shelf.record(&fill(CONVERSATIONS / 2, CONVERSATIONS).collect::<Vec<_>>()).await;
    let seen = seen(&shelf.store).await.unwrap();
    let log = std::fs::read(beside(&shelf.path(), "-wal")).unwrap();
    assert!(log.len() > 10 * PAGE, "there is a log to damage");
    Good { file: std::fs::read(shelf.path()).unwrap(), log, seen }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// Reads everything that decisions rest on, in the minute in which nothing is due.
async fn seen(store: &Store) -> Result<Seen, StoreError> {
    let (mut all, context) = (Seen::new(), context_at(CONVERSATIONS));
    for number in 0..CONVERSATIONS {
        let known = store.decided(&id(&numbered(number)), &context).await?;
        let known = known.map(|known| (Some(known.decision), known.history.attempts.len()));
        all.insert(numbered(number), known.unwrap_or_default());
    }
    store.due("ours", at(CONVERSATIONS), 1_000).await?;
    store.pauses().await?;
    store.takes_commits().await?;
    Ok(all)
}

/// A number from a seed, below `below`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % u64::try_from(below.max(1)).unwrap()).unwrap()
    }
}

/// One damage, and what it is called.
fn damage(dice: &mut Dice, bytes: &mut Vec<u8>) -> &'static str {
    let pages = bytes.len() / PAGE;
    let (one, other) = (dice.below(pages) * PAGE, dice.below(pages) * PAGE);
    match dice.below(8) {
        0 | 1 => {
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
            "a bit"
        }
        2 => {
            bytes[one..one + PAGE].fill(0);
            "a page of zeros"
        }
        3 => {
            bytes.truncate(dice.below(bytes.len()).max(1));
            "cut off"
        }
        4 => {
            let page = bytes[one..one + PAGE].to_vec();
            bytes.copy_within(other..other + PAGE, one);
            bytes[other..other + PAGE].copy_from_slice(&page);
            "two pages exchanged"
        }
        5 => {
            bytes.copy_within(other..other + PAGE, one);
            "a page twice"
        }
        6 => {
            (0..16).for_each(|at| bytes[16 + at * 5] = u8::try_from(dice.below(256)).unwrap());
            "nonsense in the header"
        }
        _ => {
            let length = 64.min(PAGE - 200);
            let at = one + 100 + dice.below(PAGE - 200 - length);
            (at..at + length).for_each(|at| bytes[at] = u8::try_from(dice.below(256)).unwrap());
            "nonsense in a page"
        }
    }
}

/// What becomes of one damaged file.
async fn outcome(good: &Good, seed: u64, in_log: bool) -> (&'static str, &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (mut file, mut log) = (good.file.clone(), good.log.clone());
    let what = damage(&mut Dice(seed), if in_log { &mut log } else { &mut file });
    std::fs::write(&path, &file).unwrap();
    if !log.is_empty() {
        std::fs::write(beside(&path, "-wal"), &log).unwrap();
    }
    let opened = tokio::time::timeout(LONGEST, Store::open(&path)).await.expect("it hangs");
    let store = match opened {
        Ok(store) => store,
        Err(error) => {
            assert!(error.refuses_the_database(), "{seed}: {what}: {error:?}");
            assert!(std::fs::read(&path).unwrap() == file, "{seed}: {what}: the refused file was changed");
            let kept = std::fs::read(beside(&path, "-wal")).unwrap_or_default();
            assert!(kept == log, "{seed}: {what}: the refused log was changed");
            return (what, "refused at the start");
        }
    };
    let found = tokio::time::timeout(LONGEST, seen(&store)).await.expect("it hangs");
    let word = match &found {
        Err(_) => "refused at first use",
        Ok(found) if *found == good.seen => "as if nothing had happened",
        Ok(found) => {
            harmless(found, good, &store, (seed, what)).await;
            "something else, and nothing due for it"
        }
    };
    store.close().await;
    (what, word)
}

/// Nothing is due that was not; and what Intercom shows just before a deed puts it right.
async fn harmless(found: &Seen, good: &Good, store: &Store, told: (u64, &str)) {
    let wrong = found.iter().filter(|(id, found)| good.seen.get(*id) != Some(*found));
    for (number, (decision, _)) in wrong {
        assert!(!matches!(decision, Some(Decision::Act { .. })), "{told:?}: {number} is due");
        let minute = number.parse::<i64>().unwrap() - 1_000;
        // What can no longer be read is left alone.
        let context = context_at(CONVERSATIONS);
        if store.record(&[fetched(answered(number, minute))], &context).await.is_err() {
            continue;
        }
        let Ok(Some(again)) = store.decided(&id(number), &context).await else { continue };
        assert!(!matches!(again.decision, Decision::Act { .. }), "{told:?}: {number} is due once it was read");
    }
}

#[tokio::test]
async fn of_many_damaged_files_none_is_acted_upon() {
    let told = std::env::var("AUTOCLOSED_MUTATIONS").ok().and_then(|told| told.parse().ok());
    let half = told.unwrap_or(MUTATIONS) / 2;
    let mut counted: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for with_log in [false, true] {
        let good = good(with_log).await;
        for seed in 0..half {
            let in_log = with_log && seed % 2 == 0;
            let (what, word) = outcome(&good, seed * 7 + u64::from(with_log), in_log).await;
            let place = if in_log { "in the log" } else { what };
            *counted.entry((word, place)).or_default() += 1;
        }
    }
    let mut words: BTreeMap<&str, u32> = BTreeMap::new();
    for ((word, _), count) in &counted {
        *words.entry(word).or_default() += count;
    }
    println!("{words:#?}\n{counted:#?}");
    assert!(u64::from(words["refused at the start"]) > half / 2, "{words:?}");
}

/// Opens files each of which has one page of zeros, and counts those that are taken.
async fn taken_with_a_page_of_zeros() -> usize {
    let good = good(false).await;
    let mut taken = 0;
    for page in 1..good.file.len() / PAGE {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let mut file = good.file.clone();
        file[page * PAGE..(page + 1) * PAGE].fill(0);
        std::fs::write(&path, file).unwrap();
        if let Ok(store) = Store::open(&path).await {
            store.close().await;
            taken += 1;
        }
    }
    taken
}

#[tokio::test]
async fn whoever_trusts_the_file_is_caught() {
    // Of a long text's second page nobody can tell that it held no zeros.
    let taken = taken_with_a_page_of_zeros().await;
    let _planted = crate::sabotage::plant(Bug::TrustsTheFile);
    let trusted = taken_with_a_page_of_zeros().await;
    assert!(taken < 8 && trusted > taken + 10, "damaged files are opened and written to: {trusted}, else {taken}");
}

#[tokio::test]
async fn damage_that_is_met_while_it_runs_is_told_as_such_and_stays() {
    let good = good(false).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    std::fs::write(&path, &good.file).unwrap();
    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.damage(), None);
    // All but the first page, under a program that has it open.
    let nonsense = vec![0xa5; good.file.len() - PAGE];
    std::os::unix::fs::FileExt::write_all_at(
        &std::fs::OpenOptions::new().write(true).open(&path).unwrap(),
        &nonsense,
        u64::try_from(PAGE).unwrap(),
    )
    .unwrap();
    let error = store.due("ours", at(0), 10).await.map(drop).and(seen(&store).await.map(drop)).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    store.heed(&error);
    assert!(store.clone().damage().is_some(), "every handle knows");
}
