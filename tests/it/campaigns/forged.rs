//! Requests that nobody signed, by the ten thousand, with a few good ones before and behind them.
//!
//! None is taken, nothing but the daemon's own signs of life is written meanwhile, and it takes no more memory at the end
//! than after the first ten thousand.

use futures_util::future::join_all;

use super::{Campaign, Round};
use crate::harness::CLIENT_SECRET;
use crate::hostile::forgeries::{Forgery, forgeries};
use crate::hostile::peer::{Peer, signed};
use crate::hostile::program::Program;
use crate::hostile::reply;
use crate::simulation::dice::Dice;

/// Requests of one round.
const REQUESTS: usize = 10_000;
const CONNECTIONS: usize = 8;
/// Of so many one may meet the end of a connection, and is sent again. Refused are those that were answered.
const CUT: usize = 20;
/// What the program may take more at the end than after its first round, in KiB. An allocator gives back what it likes.
const SLACK: u64 = 16 * 1024;

/// Every table and every row but for the signs of life that the daemon gives every few seconds.
async fn dump(program: &Program) -> Vec<String> {
    let tables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('lease', 'setting') ORDER BY name";
    let mut all = program.rows("SELECT key || value FROM setting WHERE key <> 'probe' ORDER BY key").await;
    for table in program.rows(tables).await {
        let columns = format!("SELECT name FROM pragma_table_info('{table}') WHERE name <> 'alive_at'");
        let columns = program.rows(&columns).await;
        let quoted: Vec<_> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
        all.extend(
            program.rows(&format!("SELECT '{table} ' || {} FROM \"{table}\" ORDER BY 1", quoted.join("||','||"))).await,
        );
    }
    all
}

/// A good one, about a conversation of its own.
async fn good(program: &Program, number: u64) -> u16 {
    let body = reply(number, &format!("good-{number}")).to_string();
    let answer = Peer::to(program.webhook).await.ask(&signed(CLIENT_SECRET, body.as_bytes())).await;
    answer.map_or(0, |answer| answer.status)
}

/// Sends so many of them, on a connection that is kept as long as the server keeps it. Gives what was answered wrongly.
async fn send(program: &Program, all: &[Forgery], mut dice: Dice, count: usize) -> Vec<String> {
    let (mut peer, mut wrong) = (Peer::to(program.webhook).await, Vec::new());
    // The others cost a connection or a MiB: one of a hundred.
    let cheap: Vec<_> = all.iter().filter(|it| it.want == 401 && it.request.len() < 50_000).collect();
    let all: Vec<_> = all.iter().collect();
    let (mut answered, mut cut) = (0, 0);
    while answered < count && cut <= count / CUT {
        let forgery = if dice.chance(1) { dice.pick(&all) } else { dice.pick(&cheap) };
        let answer = peer.ask(&forgery.request).await;
        (answered, cut) = (answered + usize::from(answer.is_some()), cut + usize::from(answer.is_none()));
        match answer {
            Some(answer) if answer.status == forgery.want => {
                if answer.closes || answer.status == 400 {
                    peer = Peer::to(program.webhook).await;
                }
            }
            Some(answer) => wrong.push(format!("{}: {}", forgery.name, answer.status)),
            // An old connection is closed between two requests; whoever sends then comes again.
            None => peer = Peer::to(program.webhook).await,
        }
    }
    if answered < count {
        wrong.push(format!("{cut} were not answered at all, and {answered} were"));
    }
    wrong
}

async fn play(campaign: &mut Campaign, program: &Program, round: &mut Round) {
    let number = 2 * round.number;
    let mut answers = vec![good(program, number).await];
    let body = reply(number, &format!("forged-{number}")).to_string();
    let all = forgeries(CLIENT_SECRET, body.as_bytes());
    let before = dump(program).await;
    let dice: Vec<Dice> =
        (0..CONNECTIONS).map(|_| Dice::of(u64::try_from(round.dice.between(0, i64::MAX - 1)).unwrap())).collect();
    let sent = join_all(dice.into_iter().map(|dice| send(program, &all, dice, REQUESTS / CONNECTIONS))).await;
    let wrong: Vec<_> = sent.into_iter().flatten().collect();
    if !wrong.is_empty() {
        campaign.broken(round, &format!("answered otherwise: {:?}", &wrong[..wrong.len().min(5)]));
    }
    let after = dump(program).await;
    if let Some(new) = after.iter().find(|row| !before.contains(row)) {
        campaign.broken(round, &format!("something was written: {new}"));
    }
    assert_eq!(after.len(), before.len(), "nothing vanished");
    answers.push(good(program, number + 1).await);
    if answers != [200, 200] {
        campaign.broken(round, &format!("good ones were answered {answers:?}"));
    }
    campaign.count("forged", u64::try_from(REQUESTS).unwrap());
    campaign.count("good", 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_requests_leave_no_trace() {
    let mut campaign = Campaign::of("forged", 1);
    let program = Program::start("http://127.0.0.1:1", "info", "");
    let mut after_the_first = None;
    while let Some(mut round) = campaign.next() {
        play(&mut campaign, &program, &mut round).await;
        let resident = program.resident();
        let first = *after_the_first.get_or_insert(resident);
        if resident > first + SLACK {
            campaign.broken(&round, &format!("{first} KiB after the first round, {resident} KiB now"));
        }
        campaign.done(&round);
    }
    let resident = program.resident();
    let stored = program.rows("SELECT id FROM notification WHERE id LIKE 'forged%'").await;
    assert_eq!(stored, Vec::<String>::new());
    assert!(resident < 128 * 1024, "{resident} KiB");
    let lines = program.ended();
    assert!(lines.len() < 200, "the log grows with what strangers send: {} lines", lines.len());
    campaign.verdict(&format!("none was taken, nothing was written; {resident} KiB of memory at the end"));
}
