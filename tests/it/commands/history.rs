//! `autoclosed history`.

use autoclosed::command::history;
use autoclosed::command::line::Filters;
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::Workspace;
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::super::harness::{House, QUIET_A_DAY, SNOOZED_A_WEEK, days, minutes};

async fn told(house: &House, id: Option<&ConversationId>, filters: &Filters, json: bool) -> String {
    let (desk, mut out) = (house.desk().await, Vec::new());
    history::write(&desk, id, filters, json, &mut out).await.unwrap();
    let told = String::from_utf8(out).unwrap();
    assert!(json || told.lines().all(|line| line.chars().count() <= 100), "{told}");
    told
}

async fn lines(house: &House, id: Option<&ConversationId>, filters: &Filters) -> Vec<Value> {
    serde_json::from_str(&told(house, id, filters, true).await).unwrap()
}

/// Two conversations: one was reminded and closed, one is held by hand.
async fn house() -> (House, ConversationId, ConversationId) {
    let house = House::with(SNOOZED_A_WEEK).await;
    let (first, second) = (house.answered().await, house.answered().await);
    house.clock.advance(minutes(1));
    house.intercom.teammate_snoozes(&first, house.clock.now() + days(6));
    let (app_id, now) = (Workspace::default().app_id, house.clock.now());
    house.daemon().store().hold(&app_id, &second, None, now).await.unwrap();
    house.after(days(5)).await;
    house.after(days(2)).await;
    assert_eq!(house.state(&first), "closed");
    (house, first, second)
}

#[tokio::test]
async fn the_journal_is_told_oldest_first_each_line_with_its_reason() {
    let (house, first, second) = house().await;
    let redacted = |told: String| told.replace(first.as_str(), "[first]").replace(second.as_str(), "[second]");
    insta::assert_snapshot!(redacted(told(&house, None, &Filters::default(), false).await), @r"
    2026-03-02 09:03:00 UTC  done      hold       [second]  by hand
                             held by hand until it is released
    2026-03-07 09:03:00 UTC  done      reply 1    [first]  rule `snoozed-a-week`
                             5 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    2026-03-07 09:03:00 UTC  done      reply 1    [first]  rule `snoozed-a-week`
                             the snooze that our message ended was restored
    2026-03-09 09:03:00 UTC  done      close      [first]  rule `snoozed-a-week`
                             7 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    ");
    insta::assert_snapshot!(redacted(told(&house, None, &Filters::default(), true).await), @r#"
    [
      {"at":"2026-03-02T09:03:00Z","conversation":"[second]","rule":null,"step":null,"do":"hold","outcome":"done","why":"held by hand until it is released"},
      {"at":"2026-03-07T09:03:00Z","conversation":"[first]","rule":"snoozed-a-week","step":"reply 1","do":"reply","outcome":"done","why":"5 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC"},
      {"at":"2026-03-07T09:03:00Z","conversation":"[first]","rule":"snoozed-a-week","step":"reply 1","do":"reply","outcome":"done","why":"the snooze that our message ended was restored"},
      {"at":"2026-03-09T09:03:00Z","conversation":"[first]","rule":"snoozed-a-week","step":"close","do":"close","outcome":"done","why":"7 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC"}
    ]
    "#);
    insta::assert_snapshot!(told(&house, Some(&first), &Filters::default(), false).await, @r"
    2026-03-07 09:03:00 UTC  done      reply 1    rule `snoozed-a-week`
                             5 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    2026-03-07 09:03:00 UTC  done      reply 1    rule `snoozed-a-week`
                             the snooze that our message ended was restored
    2026-03-09 09:03:00 UTC  done      close      rule `snoozed-a-week`
                             7 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    ");
}

#[tokio::test]
async fn each_filter_leaves_out_what_was_not_asked_for() {
    let (house, first, second) = house().await;
    let some = |text: &str| Some(text.to_owned());
    let table = [
        ("conversation", Some(&second), Filters::default(), vec!["hold"]),
        ("rule", None, Filters { rule: some("snoozed-a-week"), ..Filters::default() }, vec!["reply", "reply", "close"]),
        ("outcome", None, Filters { outcome: some("failed"), ..Filters::default() }, vec![]),
        ("do", None, Filters { does: some("close"), ..Filters::default() }, vec!["close"]),
        ("since a length of time", None, Filters { since: some("1 day"), ..Filters::default() }, vec!["close"]),
        ("until", None, Filters { until: some("6 days"), ..Filters::default() }, vec!["hold"]),
        ("the newest", None, Filters { limit: Some(1), ..Filters::default() }, vec!["close"]),
        ("the newest of one", Some(&first), Filters { limit: Some(2), ..Filters::default() }, vec!["reply", "close"]),
    ];
    for (name, id, filters, want) in table {
        let lines = lines(&house, id, &filters).await;
        let does: Vec<_> = lines.iter().map(|line| line["do"].as_str().unwrap()).collect();
        assert_eq!(does, want, "{name}");
    }
}

#[tokio::test]
async fn what_was_done_by_hand_has_neither_rule_nor_step() {
    let (house, _, second) = house().await;
    let lines = lines(&house, Some(&second), &Filters::default()).await;
    let at = lines[0]["at"].clone();
    assert!(at.as_str().unwrap().ends_with('Z'), "{at}");
    let want = json!({"at": at, "conversation": second.as_str(), "rule": null, "step": null, "do": "hold",
        "outcome": "done", "why": "held by hand until it is released"});
    assert_eq!(lines, [want]);
}

#[tokio::test]
async fn people_are_shown_the_newest_and_told_of_the_rest() {
    let (house, first, _) = house().await;
    let told = told(&house, Some(&first), &Filters { limit: Some(1), ..Filters::default() }, false).await;
    insta::assert_snapshot!(told, @r#"
    2026-03-09 09:03:00 UTC  done      close      rule `snoozed-a-week`
                             7 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC

    Older ones are left out: `--limit 4` shows more, `--since "30 days"` begins there.
    "#);
}

#[tokio::test]
async fn an_empty_answer_says_why_and_how_to_go_on() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let some = |text: &str| Some(text.to_owned());
    let mut said = Vec::new();
    for (id, filters) in [
        (None, Filters::default()),
        (Some(&id), Filters::default()),
        (None, Filters { outcome: some("failed"), ..Filters::default() }),
        (None, Filters { rule: some("quiet-a-week"), ..Filters::default() }),
    ] {
        assert_eq!(lines(&house, id, &filters).await, Vec::<Value>::new());
        said.push(told(&house, id, &filters, false).await);
    }
    insta::assert_snapshot!(said.concat().replace(id.as_str(), "[id]"), @r"
    Nothing was done so far. `autoclosed status` says how the daemon is.
    Nothing was done about conversation [id] so far. `autoclosed explain [id]`
    says why.
    Nothing in the journal fits; leave one of the filters out.
    The journal names no rule `quiet-a-week`, nor does the configuration; its rules are `quiet-a-day`.
    ");
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_with_status_2() {
    let house = House::with(QUIET_A_DAY).await;
    for (arguments, says) in [
        (["--outcome", "doen"], "possible values: done, raced, left"),
        (["--do", "shut"], "hold, release"),
        (["--limit", "0"], "0 is not in 1.."),
        (["--since", "yesterday"], "--since: `yesterday` is no time; write for example"),
    ] {
        let answer = house.says(&[&["history"], arguments.as_slice()].concat());
        assert_eq!((answer.status, answer.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(answer.err.contains(says), "{arguments:?}: {}", answer.err);
    }
    insta::assert_snapshot!(house.talk(&[&["history", "--since", "1 day", "--until", "2 days"]]), @r"
    $ autoclosed history --since 1 day --until 2 days
    autoclosed: --until lies before --since, so nothing can lie between them; exchange the two
    [2]
    ");
}

/// A reader that has seen enough, as `head` has.
#[tokio::test]
async fn it_ends_well_when_nobody_reads_on() {
    let (house, first, _) = house().await;
    fill(&house, &first, 5_000).await;
    let file = house.file();
    let piped = format!("{} history --json --config {} | head -c 1", env!("CARGO_BIN_EXE_autoclosed"), file.display());
    let done = std::process::Command::new("bash").args(["-c", &format!("set -o pipefail; {piped}")]).output().unwrap();
    assert_eq!((done.status.code(), done.stdout, done.stderr), (Some(0), b"[".to_vec(), Vec::new()));
}

async fn fill(house: &House, id: &ConversationId, count: u32) {
    let mut stranger = SqliteConnectOptions::new().filename(house.database()).connect().await.unwrap();
    let sql = "INSERT INTO journal (at, app_id, conversation_id, rule, step, do, outcome, why, inputs)
        WITH RECURSIVE line (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM line WHERE number < $1)
        SELECT $2 + number / 3, $3, $4, 'quiet', 'close', 'close', 'deferred', 'line ' || number, '{}' FROM line";
    let fill = sqlx::query(sql).bind(count).bind(house.clock.now().as_millisecond());
    fill.bind(Workspace::default().app_id).bind(id.as_str()).execute(&mut stranger).await.unwrap();
}

#[tokio::test]
async fn a_journal_of_many_pages_is_one_document() {
    let (house, first, _) = house().await;
    fill(&house, &first, 1_203).await;
    let lines = lines(&house, None, &Filters::default()).await;
    assert_eq!(lines.len(), 1_203 + 4);
    let times: Vec<Timestamp> = lines.iter().map(|line| line["at"].as_str().unwrap().parse().unwrap()).collect();
    assert!(times.is_sorted());
    let newest = self::lines(&house, None, &Filters { limit: Some(777), ..Filters::default() }).await;
    assert_eq!(newest, lines[lines.len() - 777..]);
    let told = told(&house, None, &Filters::default(), false).await;
    assert_eq!(told.lines().filter(|line| line.starts_with("2026-")).count(), 50);
}

#[tokio::test]
async fn where_there_are_no_rules_none_are_listed() {
    let house = House::with("").await;
    let filters = Filters { rule: Some("quiet".to_owned()), ..Filters::default() };
    insta::assert_snapshot!(told(&house, None, &filters, false).await, @"The journal names no rule `quiet`, nor does the configuration; it has no rules.");
}
