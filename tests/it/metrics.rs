//! What `GET /metrics` tells: that it can be read, that it adds up, and that it gives nothing away.

use std::collections::{BTreeMap, BTreeSet};

use autoclosed::daemon::Sweeping;
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};
use autoclosed::metrics::names::{self, Family, Kind};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};

use self::page::Page;
use crate::harness::{CLIENT_SECRET, House, QUIET_A_DAY, days, hours, minutes};

pub(crate) mod page;
mod standing;

/// A rule for each way that a step can end. The name of the last one is as awkward as names may be.
const RULES: &str = r#"
[[rule]]
name = "noted"
match.tags = ["vip"]
step = [{ after = "1 day", do = "note", body = "Quiet." }]

[[rule]]
name = "texted"
match.channel = "sms"
step = [{ after = "1 day", do = "reply", body = "Still there?" }]

[[rule]]
name = 'say "bye" \ µ, {all}'
match_all = true
step = [{ after = "1 day", do = "close", body = "Closing this for now." }]
"#;

const FORBIDDEN: &str = r#"{"type":"error.list","errors":[{"code":"forbidden","message":"m"}]}"#;

/// What the database says of an attempt.
type Row = (String, String, String, String, String);

async fn attempts(house: &House) -> Vec<Row> {
    let sql = "SELECT conversation_id, rule, step, outcome, phase FROM attempt WHERE outcome <> 'claimed'";
    let mut stranger = SqliteConnectOptions::new().filename(house.database()).connect().await.unwrap();
    sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut stranger).await.unwrap()
}

fn count<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut counted: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    rows.for_each(|row| *counted.entry(row).or_default() += 1);
    let mut lines: Vec<_> = counted.iter().map(|((rule, outcome), n)| format!("{outcome} {rule} {n}")).collect();
    lines.sort();
    lines
}

/// Whether gauges, counters, journal and attempts say the same; and the outcomes that there are.
async fn agree(house: &House) -> BTreeSet<String> {
    let (page, rows) = (Page::of(house).await, attempts(house).await);
    let by_outcome = rows.iter().map(|(_, rule, _, outcome, _)| (rule.as_str(), outcome.as_str()));
    assert_eq!(page.lines("autoclosed_actions"), count(by_outcome));
    let of_due = |outcome: &str| outcome != "dry_run";
    let due = rows.iter().filter(|row| of_due(&row.3)).count();
    assert_eq!(page.lines("autoclosed_due"), [due.to_string()]);
    let over = |phase: &str| ["done", "raced", "passed", "failed"].contains(&phase);
    let over = rows.iter().filter(|row| over(&row.4)).map(|(_, rule, _, outcome, _)| (rule.as_str(), outcome.as_str()));
    assert_eq!(page.lines("autoclosed_actions_total"), count(over));
    let mut told = BTreeMap::new();
    for line in house.daemon().store().journal(None).await.unwrap() {
        assert!(!line.why.is_empty() && line.inputs.starts_with('{'), "{line:?}");
        told.insert((line.conversation, line.rule, line.step), line.outcome);
    }
    let standing =
        rows.iter().map(|(id, rule, step, outcome, _)| ((id.clone(), rule.clone(), step.clone()), outcome.clone()));
    assert_eq!(told, standing.collect(), "the journal's last word on each step is where it stands");
    rows.into_iter().map(|row| row.3).collect()
}

/// What happens to the conversation that is due next.
type Mishap = fn(&House, &ConversationId);

const MISHAPS: [Mishap; 5] = [
    |house, id| {
        let id = id.clone();
        house.intercom.before_answer(Endpoint::Close, move |intercom| {
            assert!(intercom.contact_replies(&id, "Wait!").is_some());
        });
    },
    |house, _| house.intercom.fault(Endpoint::Close, Fault::ApplyThenDrop),
    |house, _| house.intercom.fault(Endpoint::Close, Fault::Drop),
    |house, id| {
        house.intercom.drop_notifications(true);
        assert!(house.intercom.teammate_closes(id, None).is_some());
        house.intercom.drop_notifications(false);
    },
    |house, _| house.intercom.fault(Endpoint::Conversation, Fault::Html502),
];

/// A run in which everything happens that can happen to a step; `check` looks after every sweep.
async fn eventful(house: &House, mut check: impl AsyncFnMut(&House)) -> Vec<ConversationId> {
    let forbidden = Fault::Status { status: 403, body: FORBIDDEN.into() };
    house.intercom.fault_always(Endpoint::Note, forbidden);
    let mut ids = Vec::new();
    for _ in &MISHAPS {
        ids.push(house.answered().await);
        house.clock.advance(hours(1));
    }
    // Two at the same time, where one close an hour is allowed.
    ids.extend([house.answered().await, house.answered().await]);
    let vip = house.answered().await;
    assert!(house.intercom.tag(&vip, "vip"));
    let texted = house.intercom.contact_starts_on("sms", "Hello?");
    house.clock.advance(minutes(1));
    house.intercom.teammate_replies(&texted, "Hello.");
    house.intercom.settle().await;
    house.clock.advance(days(1) - hours(5) - minutes(10));
    for (mishap, id) in MISHAPS.iter().zip(&ids) {
        mishap(house, id);
        for _ in 0..4 {
            house.after(minutes(15)).await;
            check(house).await;
        }
    }
    for _ in 0..14 {
        house.after(hours(6)).await;
        check(house).await;
    }
    ids.extend([vip, texted]);
    ids
}

async fn live() -> House {
    let rules = format!("mode = \"live\"\n[safety]\nmax_closes_per_hour = 1\n{RULES}");
    let mut house = House::configured(&rules, Workspace::default()).await;
    house.start().await;
    house.look().await;
    house
}

#[tokio::test]
async fn figures_journal_and_attempts_agree_whatever_goes_wrong() {
    let house = live().await;
    let mut seen = BTreeSet::new();
    eventful(&house, async |house: &House| seen.extend(agree(house).await)).await;
    assert_eq!(
        seen.iter().map(String::as_str).collect::<Vec<_>>(),
        ["deferred", "done", "failed", "left", "raced", "unclear"]
    );
    insta::assert_snapshot!(Page::of(&house).await.lines("autoclosed_actions").join("\n"), @r#"
    done say "bye" \ µ, {all} 5
    failed noted 1
    left say "bye" \ µ, {all} 1
    left texted 1
    raced say "bye" \ µ, {all} 1
    "#);
}

#[tokio::test]
async fn every_figure_is_listed_and_everything_listed_is_told() {
    let house = live().await;
    eventful(&house, async |_: &House| {}).await;
    let page = Page::of(&house).await;
    for (name, told) in &page.families {
        let listed = names::ALL.iter().find(|family| family.name == name).expect(name);
        assert_eq!(told.kind, kind(listed), "{name}");
        let wanted: BTreeSet<&str> = listed.labels.iter().copied().collect();
        for (figure, labels, _) in &told.figures {
            let mut labels: BTreeSet<&str> = labels.keys().map(String::as_str).collect();
            assert_eq!(labels.remove("le"), figure.ends_with("_bucket"), "{figure}");
            assert_eq!(labels, wanted, "{figure}");
        }
    }
    assert_eq!(page.order(), names::ALL.map(|family| family.name));
}

fn kind(family: &Family) -> &'static str {
    match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    }
}

/// Every line of the page `docs/operations.md` that lists a metric, without what it says about it.
#[test]
fn every_metric_has_its_line_in_the_handbook() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let page = std::fs::read_to_string(page).unwrap();
    let lines = page.lines().filter(|line| line.starts_with("| `autoclosed_"));
    let documented: Vec<&str> = lines.map(|line| line.rsplit_once(" | ").expect(line).0).collect();
    let listed = names::ALL.map(|family| {
        let labels = if family.labels.is_empty() { String::new() } else { format!("{{{}}}", family.labels.join(",")) };
        format!("| `{}{labels}` | {}", family.name, kind(&family))
    });
    assert_eq!(documented, listed, "left: what docs/operations.md lists; right: what there is");
}

#[tokio::test]
async fn the_page_gives_away_neither_conversations_nor_texts_nor_secrets() {
    let house = live().await;
    let ids = eventful(&house, async |_: &House| {}).await;
    let text = Page::text(&format!("http://{}/metrics", house.daemon().admin_address())).await;
    let labels: Vec<String> = Page::read(&text)
        .families
        .into_values()
        .flat_map(|told| told.figures)
        .flat_map(|it| it.1.into_values())
        .collect();
    for id in ids {
        assert!(!labels.iter().any(|value| value.contains(id.as_str())), "{id}: {labels:?}");
    }
    let workspace = Workspace::default();
    for secret in [CLIENT_SECRET, &workspace.token, "Closing this", "export my data", "@example.com"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn every_request_to_intercom_is_counted() {
    let house = live().await;
    eventful(&house, async |_: &House| {}).await;
    let mut sent: BTreeMap<String, f64> = BTreeMap::new();
    for call in house.intercom.calls() {
        let word = format!("{:?}", call.endpoint).to_lowercase().replace("createtag", "create_tag");
        *sent.entry(word).or_default() += 1.0;
    }
    let page = Page::of(&house).await;
    let mut counted: BTreeMap<String, f64> = BTreeMap::new();
    for (_, labels, figure) in &page.families["autoclosed_api_requests_total"].figures {
        *counted.entry(labels["endpoint"].clone()).or_default() += figure;
    }
    assert_eq!(counted, sent);
    let status = |status: &str, endpoint: &str| page.figure("autoclosed_api_requests_total", &[endpoint, status]);
    assert!(status("lost", "close") >= 2.0 && status("403", "note") >= 3.0 && status("502", "conversation") >= 1.0);
    assert!(page.figure("autoclosed_api_rate_limit", &[]) > page.figure("autoclosed_api_rate_limit_remaining", &[]));
}

#[tokio::test]
async fn a_rehearsal_is_told_and_is_not_due() {
    let mut house = House::configured(&format!("mode = \"dry-run\"\n{QUIET_A_DAY}"), Workspace::default()).await;
    house.start().await;
    house.look().await;
    house.answered().await;
    house.answered().await;
    house.after(days(1)).await;
    let page = Page::of(&house).await;
    assert_eq!(page.lines("autoclosed_actions"), ["dry_run quiet-a-day 2"]);
    assert_eq!(page.lines("autoclosed_due"), ["0"]);
    assert_eq!(page.lines("autoclosed_actions_total"), Vec::<String>::new());
}

#[tokio::test]
async fn what_stands_in_the_database_outlives_a_restart_and_what_is_counted_begins_anew() {
    let mut house = House::with(QUIET_A_DAY).await;
    house.answered().await;
    house.after(days(1)).await;
    let before = Page::of(&house).await;
    assert_eq!(before.lines("autoclosed_actions_total"), ["done quiet-a-day 1"]);
    house.restart().await;
    let after = Page::of(&house).await;
    for gauge in ["autoclosed_actions", "autoclosed_due"] {
        assert_eq!(after.lines(gauge), before.lines(gauge));
    }
    assert_eq!(after.lines("autoclosed_actions_total"), Vec::<String>::new());
}

#[tokio::test]
async fn jobs_tell_when_they_last_did_what_they_should() {
    let house = House::with(QUIET_A_DAY).await;
    let now = |house: &House| house.clock.now().as_duration().as_secs_f64();
    let succeeded =
        async |job: &str| Page::of(&house).await.figure("autoclosed_job_last_success_timestamp_seconds", &[job]);
    assert_eq!((succeeded("reconcile").await, succeeded("sweep").await), (now(&house), 0.0));
    let looked = now(&house);
    house.clock.advance(minutes(1));
    house.intercom.fault(Endpoint::Search, Fault::Status { status: 400, body: "{}".into() });
    assert!(house.daemon().reconcile().await.is_err());
    assert!(matches!(house.sweep().await, Sweeping::Ran(_)));
    assert_eq!((succeeded("reconcile").await, succeeded("sweep").await), (looked, now(&house)));
    let page = Page::of(&house).await;
    let runs = |job: &str| page.figure("autoclosed_job_duration_seconds_count", &[job]);
    assert_eq!((runs("reconcile"), runs("sweep")), (2.0, 1.0));
}

#[tokio::test]
async fn each_check_of_the_health_report_is_a_figure() {
    let house = House::with(QUIET_A_DAY).await;
    house.sweep().await;
    house.intercom.fault(Endpoint::Search, Fault::Status { status: 400, body: "{}".into() });
    assert!(house.daemon().reconcile().await.is_err());
    let page = Page::of(&house).await;
    let bad = page.lines("autoclosed_health").into_iter().filter(|line| line.ends_with(" 0"));
    assert_eq!(bad.collect::<Vec<_>>(), ["reconcile 0"]);
    assert_eq!(house.bad().await, ["reconcile"]);
    assert_eq!(page.lines("autoclosed_build_info"), [format!("{} 1", env!("CARGO_PKG_VERSION"))]);
    assert!(page.figure("autoclosed_database_size_bytes", &[]) > 10_000.0);
}
