//! Power cuts: the program under load is killed at a moment drawn by dice, its disk loses what was not synced, and it is
//! started again on what is left, twice over. What was answered with 200 is there, the database is whole, and the program
//! is ready.

use std::time::Duration;

use tokio::time::sleep;

use super::{Campaign, Round};
use crate::disk::journal::Lost;
use crate::disk::machine::Machine;
use crate::disk::senders::Senders;

/// How often the power goes in a round.
const LIVES: usize = 2;
const SENDERS: usize = 12;

/// What came of a round.
#[derive(Debug, Default)]
struct Found {
    acknowledged: usize,
    refused: u64,
    /// Acknowledged and not there.
    missing: Vec<String>,
    damage: Option<String>,
    cuts: Vec<Lost>,
    ready: Vec<Duration>,
}

/// Waits for the moment at which something is written into the database itself, if it comes soon: that takes a few
/// milliseconds, which no dice would find.
async fn until_the_log_is_emptied(machine: &Machine) {
    let before = machine.moved_at();
    for _ in 0..20_000 {
        if machine.moved_at() != before {
            return;
        }
        sleep(Duration::from_micros(200)).await;
    }
}

/// Nobody answers at the address of Intercom: it is about what comes in.
async fn round(round: &mut Round, planted: Option<&'static str>) -> Result<Found, String> {
    let mut machine = Machine::new("http://127.0.0.1:1", "");
    if let Some(bug) = planted {
        machine = machine.plant(bug);
    }
    let (mut found, mut acknowledged) = (Found::default(), Vec::new());
    for life in 0..=LIVES {
        let up = machine.start(None).map_err(|over| format!("it did not start again: {over:#?}"))?;
        if life > 0 {
            found.ready.push(up.took);
            found.damage = found.damage.or(machine.damage().await);
            found.missing = machine.missing(&acknowledged).await;
        }
        if !up.is_ready().await {
            return Err("it started and takes no commits".into());
        }
        if life == LIVES {
            let over = up.ends("TERM");
            if over.status.code() != Some(0) {
                return Err(format!("it did not end well: {over:#?}"));
            }
            break;
        }
        let mut senders = Senders::start(&up, SENDERS, &format!("{}-{life}", round.number));
        let most = *round.dice.pick(&[200, 200, 900]);
        let enough = round.dice.below(most);
        senders.until(|answered| answered.acknowledged.len() >= enough).await;
        if round.dice.chance(25) {
            until_the_log_is_emptied(&machine).await;
        }
        up.ends("KILL");
        let answered = senders.stop().await;
        // A disk that others use may take more than four seconds for a commit: 503 then, and nothing is promised.
        found.refused += answered.refused;
        if !answered.odd.is_empty() {
            return Err(format!("some were answered {:?}", answered.odd));
        }
        acknowledged.extend(answered.acknowledged);
        found.cuts.push(machine.loses_power(&mut round.dice));
    }
    found.acknowledged = acknowledged.len();
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_every_power_cut() {
    let mut campaign = Campaign::of("cuts", 4);
    while let Some(mut now) = campaign.next() {
        let found = round(&mut now, None).await.unwrap_or_else(|how| campaign.broken(&now, &how));
        if !found.missing.is_empty() || found.damage.is_some() {
            campaign.broken(&now, &format!("acknowledged and lost: {:?}; damage: {:?}", found.missing, found.damage));
        }
        campaign.count("acknowledged", u64::try_from(found.acknowledged).unwrap());
        campaign.count("answered 503", found.refused);
        for cut in &found.cuts {
            campaign.count("power cuts", 1);
            campaign.count("changes that were not synced", cut.unsynced);
            campaign.count("cuts while the log was emptied", u64::from(cut.of_the_database > 0));
        }
        found.ready.iter().for_each(|took| campaign.took("ready again", *took));
        campaign.done(&now);
    }
    assert!(campaign.counted("acknowledged") > 0 && campaign.counted("changes that were not synced") > 0);
    if campaign.is_long() {
        assert!(campaign.p99("ready again") <= Duration::from_secs(3), "{:?}", campaign.p99("ready again"));
    }
    campaign.verdict("nothing that was acknowledged was lost, and every database was whole");
}

/// The round in which the loss is seen.
async fn caught(bug: &'static str) -> Option<u64> {
    for number in 1..=20 {
        let mut round_of = Round { number, dice: super::Dice::of(number) };
        if !round(&mut round_of, Some(bug)).await.unwrap().missing.is_empty() {
            return Some(number);
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_commits_without_sync_is_caught() {
    assert!(caught("CommitsWithoutSync").await.is_some(), "it was not noticed in twenty rounds");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_before_the_commit_is_caught() {
    assert!(caught("AcknowledgesBeforeItCommits").await.is_some(), "it was not noticed in twenty rounds");
}
