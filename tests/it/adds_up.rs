//! Whatever happens, the counters add up: each step of a period is counted once, by its present outcome, and the
//! journal's last word on it is that outcome; after every sweep, and where the daemon was killed.
//!
//! `AUTOCLOSED_CASES` says how many runs are tried; a few are by default.

use std::collections::BTreeMap;

use autoclosed::command::hold::{hold, release};
use autoclosed::command::pause::{pause, resume};
use autoclosed::command::status::status;
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};
use proptest::prelude::*;
use serde_json::Value;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::oneshot;

use crate::harness::{House, days, hours, minutes, seconds};
use crate::metrics::page::Page;
use crate::survives::{dies, doomed, hang};

const RULES: &str = r#"
[safety]
max_closes_per_hour = 2
[[rule]]
name = "noted"
match.tags = ["vip"]
step = [{ after = "1 day", do = "note", body = "Quiet." }]
[[rule]]
name = "texted"
match.channel = "sms"
step = [{ after = "1 day", do = "reply", body = "Still there?" }]
[[rule]]
name = "ladder"
match_all = true
step = [{ after = "1 day", do = "reply", body = "Did that help?" }, { after = "2 days", do = "close", body = "Bye." }]
"#;

const FORBIDDEN: &str = r#"{"type":"error.list","errors":[{"code":"forbidden","message":"m"}]}"#;

/// One thing that happens; the daemon sweeps after each.
#[derive(Debug, Clone)]
enum Event {
    Deed(u8, usize),
    Pass(i64),
    Fault(u8, usize),
    Word(u8, usize),
    /// The daemon starts anew, in another mode or in the same.
    Restart(bool),
    /// It is killed while a call is under way, if one is due: before it was done, or after.
    Kill(usize, bool),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..6_u8, 0..4_usize).prop_map(|(what, which)| Event::Deed(what, which)),
        8 => (1..40_i64).prop_map(Event::Pass),
        5 => (0..7_u8, 0..FAULTY.len()).prop_map(|(what, on)| Event::Fault(what, on)),
        3 => (0..6_u8, 0..4_usize).prop_map(|(word, which)| Event::Word(word, which)),
        1 => any::<bool>().prop_map(Event::Restart),
        2 => (0..FAULTY.len(), any::<bool>()).prop_map(|(on, done)| Event::Kill(on, done)),
    ]
}

const FAULTY: [Endpoint; 4] = [Endpoint::Close, Endpoint::Reply, Endpoint::Note, Endpoint::Conversation];

fn cases() -> u32 {
    std::env::var("AUTOCLOSED_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, max_shrink_iters: 100, ..ProptestConfig::default() })]
    #[test]
    fn counters_journal_and_attempts_agree_after_every_sweep(events in prop::collection::vec(event(), 10..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(&events));
    }
}

async fn run(events: &[Event]) {
    let mut house = House::configured(&format!("mode = \"live\"\n{RULES}"), Workspace::default()).await;
    house.start().await;
    house.look().await;
    let mut ids = vec![house.answered().await, house.answered().await, house.answered().await];
    ids.push(house.intercom.contact_starts_on("sms", "Hello?"));
    house.clock.advance(minutes(1));
    house.intercom.teammate_replies(&ids[3], "Hello.");
    house.intercom.tag(&ids[2], "vip");
    house.look().await;
    for event in events {
        happen(&mut house, &ids, event).await;
        // Intercom's clock is known from its last answer alone.
        drop(house.daemon().reconcile().await);
        house.sweep().await;
        adds_up(&house).await;
    }
}

async fn happen(house: &mut House, ids: &[ConversationId], event: &Event) {
    match event {
        Event::Deed(what, which) => deed(house, *what, &ids[*which]),
        Event::Pass(time) => house.clock.advance(hours(*time)),
        Event::Fault(what, on) => house.intercom.fault(FAULTY[*on], fault(*what)),
        Event::Word(word, which) => say(house, *word, &ids[*which]).await,
        Event::Restart(live) => {
            house.stop().await;
            let mode = if *live { "live" } else { "dry-run" };
            house.configure(&format!("mode = \"{mode}\"\n{RULES}"));
            house.start().await;
        }
        Event::Kill(on, done) => kill(house, FAULTY[*on], *done).await,
    }
    house.intercom.settle().await;
}

fn deed(house: &House, what: u8, id: &ConversationId) {
    let intercom = &house.intercom;
    house.clock.advance(seconds(2));
    match what {
        0 => drop(intercom.contact_replies(id, "Hello?")),
        1 | 2 => drop(intercom.teammate_replies(id, "Hello.")),
        3 => drop(intercom.teammate_closes(id, None)),
        4 => drop(intercom.tag(id, "vip")),
        _ => drop(intercom.untag(id, "vip")),
    }
}

fn fault(what: u8) -> Fault {
    match what {
        0 => Fault::Drop,
        1 => Fault::ApplyThenDrop,
        2 => Fault::ApplyThenStatus(500),
        3 => Fault::Html502,
        4 => Fault::Garbage200,
        _ => Fault::Status { status: 403, body: FORBIDDEN.into() },
    }
}

async fn say(house: &House, word: u8, id: &ConversationId) {
    let desk = house.desk().await;
    match word {
        0 => drop(hold(&desk, id, Some("1 day")).await.unwrap()),
        1 => drop(release(&desk, id).await.unwrap()),
        2 => drop(pause(&desk, Some("ladder")).await.unwrap()),
        3 => drop(pause(&desk, None).await.unwrap()),
        4 => drop(resume(&desk, Some("ladder")).await.unwrap()),
        _ => drop(resume(&desk, None).await.unwrap()),
    }
    desk.store.close().await;
}

/// Two days pass, and the daemon dies in the first call of that kind, should there be one.
async fn kill(house: &mut House, on: Endpoint, done: bool) {
    house.stop().await;
    house.intercom.clear_faults();
    let (runtime, daemon) = doomed(house).await;
    house.clock.advance(days(2));
    let (reached, held) = oneshot::channel::<()>();
    if done && on != Endpoint::Conversation {
        house.intercom.fault(on, Fault::ApplyThenHang);
        house.intercom.after_apply(on, move |_| {
            reached.send(()).ok();
        });
    } else {
        hang(&house.intercom, on, Fault::Hang, reached);
    }
    let swept = runtime.spawn(async move {
        drop(daemon.reconcile().await);
        daemon.sweep().await
    });
    tokio::select! {
        _ = held => {}
        _ = swept => {}
    }
    dies(runtime).await;
    house.intercom.clear_faults();
    house.start().await;
    // Before anything else is done: what the dead one left behind.
    adds_up(house).await;
}

/// A step: where it stands, and the journal's last word on it.
async fn steps(house: &House) -> Vec<(String, String, Option<String>)> {
    let sql =
        "SELECT rule, outcome, (SELECT j.outcome FROM journal j WHERE j.attempt = a.id ORDER BY j.id DESC LIMIT 1)
        FROM attempt a";
    let mut stranger = SqliteConnectOptions::new().filename(house.database()).connect().await.unwrap();
    sqlx::query_as(sql).fetch_all(&mut stranger).await.unwrap()
}

pub(crate) async fn adds_up(house: &House) {
    let steps = steps(house).await;
    let mut rules: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut standing: BTreeMap<String, i64> = BTreeMap::new();
    for (rule, outcome, told) in steps.into_iter().filter(|(_, outcome, _)| outcome != "claimed") {
        assert_eq!(told.as_ref(), Some(&outcome), "the journal's last word on a step of rule {rule}");
        *rules.entry((rule, outcome.clone())).or_default() += 1;
        if outcome != "dry_run" {
            *standing.entry(outcome).or_default() += 1;
        }
    }
    let due: i64 = standing.values().sum();
    let desk = house.desk().await;
    let told = serde_json::to_value(status(&desk).await.unwrap()).unwrap();
    desk.store.close().await;
    assert_eq!(told["actions"]["due"], due);
    for outcome in ["done", "raced", "left", "deferred", "failed", "unclear"] {
        let want = standing.remove(outcome).unwrap_or(0);
        assert_eq!(told["actions"][outcome], want, "{outcome}");
        let of_rules = told["rules"].as_array().unwrap().iter().map(|rule: &Value| rule[outcome].as_i64().unwrap());
        assert_eq!(of_rules.sum::<i64>(), want, "{outcome}, rule by rule");
    }
    assert!(standing.is_empty(), "{standing:?} is no part of the sum");
    let page = Page::of(house).await;
    assert_eq!(page.lines("autoclosed_due"), [due.to_string()]);
    let gauges = rules.into_iter().map(|((rule, outcome), count)| format!("{outcome} {rule} {count}"));
    let mut gauges: Vec<String> = gauges.collect();
    gauges.sort();
    assert_eq!(page.lines("autoclosed_actions"), gauges);
}
