//! `autoclosed explain`.

use autoclosed::command::{self, explain};
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::Workspace;
use autoclosed::store::Listing;
use serde_json::Value;

use super::super::harness::{House, QUIET_A_DAY, SNOOZED_A_WEEK, days, minutes};

const RULES: &str = r#"
[[rule]]
name = "vip"
match.tags = ["vip"]
leave = true

[[rule]]
name = "snoozed-a-week"
match.state = ["snoozed", "woken"]
counts_from = ["contact_reply", "teammate_reply"]
[[rule.step]]
after = "5 days"
do = "reply"
body = "Did that solve it?"
[[rule.step]]
after = "7 days"
do = "close"
body = "Closing this for now."

[[rule]]
name = "never-rated"
match.rated = false
step = [{ after = "30 days", do = "close", silent = true }]
"#;

async fn house(mode: &str) -> House {
    let head = format!("mode = \"{mode}\"\ntimezone = \"Europe/Dublin\"\n{RULES}");
    let mut house = House::configured(&head, Workspace::default()).await;
    house.start().await;
    house.look().await;
    house
}

/// A conversation that was answered, and snoozed a minute later for two weeks.
async fn snoozed(house: &House) -> ConversationId {
    let id = house.answered().await;
    house.clock.advance(minutes(1));
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(14));
    house.intercom.settle().await;
    id
}

async fn told(house: &House, id: &ConversationId, json: bool) -> String {
    let (desk, mut out, mut err) = (house.desk().await, Vec::new(), Vec::new());
    let explained = explain::explain(&desk, id, &mut err).await.unwrap();
    assert_eq!(text(&err), "", "the daemon goes by the same rules");
    command::print(&explained, json, &mut out, &desk.config.timezone).unwrap();
    let told = text(&out).replace(id.as_str(), "[id]");
    assert!(json || told.lines().all(|line| line.chars().count() <= 100), "{told}");
    told
}

async fn document(house: &House, id: &ConversationId) -> Value {
    serde_json::from_str(&told(house, id, true).await).unwrap()
}

/// Each field of the document on a line.
fn by_field(document: &Value) -> String {
    let fields = document.as_object().unwrap().iter().flat_map(|(name, value)| match value.as_array() {
        Some(list) => list.iter().map(|one| format!("{name}[]: {one}")).collect(),
        None => vec![format!("{name}: {value}")],
    });
    fields.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn in_the_middle_of_a_ladder_all_is_told_that_led_there_and_that_follows() {
    let house = house("live").await;
    let id = snoozed(&house).await;
    house.after(days(5)).await;
    insta::assert_snapshot!(told(&house, &id, false).await, @r"
    Conversation [id] is snoozed until 2026-03-16 09:02:00 GMT.

      turn       the contact's
      last word  a teammate, 2026-03-02 09:01:00 GMT
      rule       `snoozed-a-week`, counting from 2026-03-02 09:01:00 GMT
      decision   nothing before 2026-03-09 09:02:00 GMT: 7 days without a word since a teammate wrote at
                 2026-03-02 09:01:00 GMT

    If nobody does anything:
      2026-03-09 09:02:00 GMT  close by rule `snoozed-a-week`

    What would change that:
      the contact writes             nothing more: `snoozed-a-week` does not fit then, as it is open
      a teammate replies             reply 1 on 2026-03-12 09:02:01 GMT
      somebody opens it              close by rule `never-rated` on 2026-04-06 10:02:01 IST
      it is tagged `autoclose-hold`  nothing: held by the tag `autoclose-hold`

    The rules, of which the first that fits owns a conversation:
      vip             does not fit: it has none of the tags
      snoozed-a-week  fits: it keeps what it has begun
      never-rated     fits, but `snoozed-a-week` owns the conversation

    Done so far, and why:
    2026-03-07 09:02:00 GMT  done      reply 1    rule `snoozed-a-week`
                             5 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    2026-03-07 09:02:00 GMT  done      reply 1    rule `snoozed-a-week`
                             the snooze that our message ended was restored
    ");
    insta::assert_snapshot!(by_field(&document(&house, &id).await), @r#"
    activities: {"contact_reply":{"at":"2026-03-02T09:00:00Z","part_id":"source:3380000001"},"own":{"at":"2026-03-07T09:02:00Z","part_id":"37350000005"},"snoozed":{"at":"2026-03-02T09:02:00Z","part_id":"37350000002"},"teammate_reply":{"at":"2026-03-02T09:01:00Z","part_id":"37350000001"}}
    ahead[]: {"at":"2026-03-09T09:02:00Z","do":"close","passed_over":null,"rule":"snoozed-a-week","step":"close"}
    anchor: {"at":"2026-03-02T09:01:00Z","class":"teammate_reply","part_id":"37350000001"}
    changes[]: {"if":"the contact writes","next":null,"then":"nothing more: `snoozed-a-week` does not fit then, as it is open"}
    changes[]: {"if":"a teammate replies","next":{"at":"2026-03-12T09:02:01Z","do":"reply","passed_over":null,"rule":"snoozed-a-week","step":"reply 1"},"then":"reply 1 on 2026-03-12T09:02:01Z"}
    changes[]: {"if":"somebody opens it","next":{"at":"2026-04-06T09:02:01Z","do":"close","passed_over":null,"rule":"never-rated","step":"close"},"then":"close by rule `never-rated` on 2026-04-06T09:02:01Z"}
    changes[]: {"if":"it is tagged `autoclose-hold`","next":null,"then":"nothing: held by the tag `autoclose-hold`"}
    conversation: "[id]"
    decision: "wait"
    held: false
    held_by_tag: null
    held_until: null
    journal[]: {"at":"2026-03-07T09:02:00Z","conversation":"[id]","do":"reply","outcome":"done","rule":"snoozed-a-week","step":"reply 1","why":"5 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC"}
    journal[]: {"at":"2026-03-07T09:02:00Z","conversation":"[id]","do":"reply","outcome":"done","rule":"snoozed-a-week","step":"reply 1","why":"the snooze that our message ended was restored"}
    last_speaker: "teammate"
    looked_at_again: "2026-03-09T09:02:00Z"
    next: {"at":"2026-03-09T09:02:00Z","do":"close","passed_over":null,"rule":"snoozed-a-week","step":"close"}
    rule: "snoozed-a-week"
    rules[]: {"fits":false,"rule":"vip","why":"it has none of the tags"}
    rules[]: {"fits":true,"rule":"snoozed-a-week","why":"it keeps what it has begun"}
    rules[]: {"fits":true,"rule":"never-rated","why":"`snoozed-a-week` owns the conversation"}
    snoozed_until: "2026-03-16T09:02:00Z"
    state: "snoozed"
    waiting_on: "contact"
    why: "7 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC"
    "#);
}

#[tokio::test]
async fn whoever_is_owed_an_answer_is_told_and_what_a_reply_would_bring() {
    let house = house("live").await;
    let id = house.intercom.contact_starts("How do I export my data?");
    house.intercom.settle().await;
    insta::assert_snapshot!(told(&house, &id, false).await, @r"
    Conversation [id] is open.

      turn       a teammate's
      last word  the contact, 2026-03-02 09:00:00 GMT
      decision   left alone: no rule fits

    What would change that:
      a teammate replies  close by rule `never-rated` on 2026-04-01 10:00:01 IST

    The rules, of which the first that fits owns a conversation:
      vip             does not fit: it has none of the tags
      snoozed-a-week  does not fit: it is open
      never-rated     does not fit: the contact is owed an answer

    Nothing was done about it so far.
    ");
}

#[tokio::test]
async fn what_is_known_by_its_id_only_is_explained_as_that() {
    let house = house("live").await;
    let id = ConversationId::try_from("4711").unwrap();
    let listing = Listing { id: id.clone(), updated_at: None };
    house.daemon().store().mark_listed(&Workspace::default().app_id, &[listing], house.clock.now()).await.unwrap();
    insta::assert_snapshot!(told(&house, &id, false).await, @r"
    Conversation [id] is known by its id only; it was not read from Intercom yet.

      turn       not known yet
      decision   left alone: not read yet
      not known  its state; the daemon reads it from Intercom by itself, as soon as Intercom answers

    The rules, of which the first that fits owns a conversation:
      vip             not known yet: its state, its tags
      snoozed-a-week  not known yet: its state, whether the contact ever wrote, whose turn it is
      never-rated     not known yet: its state, whether the contact ever wrote, whose turn it is,
                      whether it is rated

    Nothing was done about it so far.
    ");
    let told = document(&house, &id).await;
    assert_eq!(
        (&told["state"], &told["decision"], &told["why"]),
        (&Value::Null, &"leave".into(), &"not read yet".into())
    );
    assert_eq!(told["unknown"], serde_json::json!(["its state"]));
}

#[tokio::test]
async fn what_bars_a_step_beside_the_decision_is_told_with_the_way_out() {
    let house = house("dry-run").await;
    let id = snoozed(&house).await;
    let store = house.daemon().store();
    store.pause(None, house.clock.now()).await.unwrap();
    store.pause(Some("snoozed-a-week"), house.clock.now()).await.unwrap();
    let bars = document(&house, &id).await["barred"].clone();
    let bars: Vec<_> = bars.as_array().unwrap().iter().map(|bar| bar["by"].as_str().unwrap().to_owned()).collect();
    assert_eq!(bars, ["paused", "rule_paused", "dry_run"]);
    let told = told(&house, &id, false).await;
    let but: Vec<_> = told.lines().filter(|line| line.starts_with("  but")).collect();
    insta::assert_snapshot!(but.join("\n"), @r#"
    but        everything is paused; `autoclosed resume` lets it act again
    but        rule `snoozed-a-week` is paused; `autoclosed resume --rule snoozed-a-week` lets it act
    but        in dry-run nothing is sent, and what was rehearsed counts as done; mode = "live" ends
    "#);
}

#[tokio::test]
async fn a_hold_is_told_with_its_end_and_what_follows_then() {
    let house = house("live").await;
    let id = snoozed(&house).await;
    let (app_id, now) = (Workspace::default().app_id, house.clock.now());
    house.daemon().store().hold(&app_id, &id, Some(now + days(8)), now).await.unwrap();
    let told = document(&house, &id).await;
    let at = (now + days(8)).to_string();
    assert_eq!(
        (&told["held"], &told["held_until"], &told["next"]["at"]),
        (&true.into(), &at.clone().into(), &at.into())
    );
    assert_eq!(told["journal"][0]["rule"], Value::Null, "by hand: {told}");
    house.daemon().store().hold(&app_id, &id, None, now).await.unwrap();
    insta::assert_snapshot!(self::told(&house, &id, false).await, @r"
    Conversation [id] is snoozed until 2026-03-16 09:02:00 GMT.

      turn       the contact's
      last word  a teammate, 2026-03-02 09:01:00 GMT
      decision   left alone: held by hand until it is released

    What would change that:
      it is released by hand  reply 1 by rule `snoozed-a-week` on 2026-03-07 09:01:00 GMT

    The rules, of which the first that fits owns a conversation:
      vip             does not fit: it has none of the tags
      snoozed-a-week  fits, but held by hand until it is released
      never-rated     fits, but held by hand until it is released

    Done so far, and why:
    2026-03-02 09:02:00 GMT  done      hold       by hand
                             held by hand until 2026-03-10 09:02:00 UTC
    2026-03-02 09:02:00 GMT  done      hold       by hand
                             held by hand until it is released
    ");
}

#[tokio::test]
async fn a_spent_budget_is_told_where_something_is_due() {
    let mut house = House::with(&format!("[safety]\nmax_closes_per_hour = 0\n{QUIET_A_DAY}")).await;
    let id = house.answered().await;
    house.stop().await;
    house.clock.advance(days(2));
    let told = document(&house, &id).await;
    assert_eq!(
        (&told["decision"], &told["next"]["do"], &told["barred"][0]["by"]),
        (&"act".into(), &"close".into(), &"budget".into()),
        "{told}"
    );
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn rules_that_the_daemon_does_not_go_by_are_told_beside_the_answer() {
    let mut house = House::with(SNOOZED_A_WEEK).await;
    let id = house.answered().await;
    let same = house.says(&["explain", id.as_str()]);
    assert_eq!((same.status, same.err.as_str()), (Some(0), ""));
    house.configure(&format!("mode = \"live\"\n{QUIET_A_DAY}"));
    let other = house.says(&["explain", id.as_str(), "--json"]);
    assert_eq!(other.status, Some(0));
    insta::assert_snapshot!(other.err, @"autoclosed: the daemon has not taken over the rules that the configuration has now, by which this is explained; reload it (SIGHUP) or start it again");
    let document: Value = serde_json::from_str(&other.out).unwrap();
    assert_eq!((&document["conversation"], &document["rule"]), (&id.as_str().into(), &"quiet-a-day".into()));
}

#[tokio::test]
async fn an_unknown_conversation_ends_with_status_1_and_the_next_step() {
    let house = House::with(SNOOZED_A_WEEK).await;
    for command in ["explain", "history"] {
        let answer = house.says(&[command, "4711"]);
        assert_eq!((answer.status, answer.out.as_str()), (Some(1), ""), "{command}");
        let says = "conversation 4711 is not known; look for a slip in the id";
        assert!(answer.err.contains(says), "{command}: {}", answer.err);
        assert_eq!(house.says(&[command, "47-11"]).status, Some(2), "{command}");
    }
}

#[tokio::test]
async fn the_rules_are_told_with_moments_in_the_operators_zone() {
    let house = house("live").await;
    let id = snoozed(&house).await;
    let (app_id, now) = (Workspace::default().app_id, house.clock.now());
    house.daemon().store().hold(&app_id, &id, Some(now + days(30)), now).await.unwrap();
    let told = told(&house, &id, false).await;
    // Dublin has its summer time by then.
    assert!(told.contains("snoozed-a-week  fits, but held by hand until 2026-04-01 10:02:00 IST\n"), "{told}");
}

#[tokio::test]
async fn what_was_forgotten_is_not_taken_for_a_slip_in_the_id() {
    let house = House::with(SNOOZED_A_WEEK).await;
    let id = house.answered().await;
    assert_eq!(house.says(&["forget", id.as_str()]).status, Some(0));
    for command in ["explain", "history", "hold", "release"] {
        let answer = house.says(&[command, id.as_str()]);
        assert_eq!((answer.status, answer.out.as_str()), (Some(1), ""), "{command}");
        let says = format!("conversation {id} was forgotten; nothing is known of it, and no rule touches it");
        assert!(answer.err.contains(&says), "{command}: {}", answer.err);
    }
}

#[tokio::test]
async fn a_dry_run_is_told_only_where_it_keeps_something_from_being_done() {
    let house = house("dry-run").await;
    let (id, vip) = (snoozed(&house).await, house.answered().await);
    house.intercom.tag(&vip, "vip");
    house.after(days(5)).await;
    house.look().await;
    let rehearsed = told(&house, &id, false).await;
    assert!(rehearsed.contains("\nDone or rehearsed so far, and why:\n"), "nothing was done: {rehearsed}");
    let of = async |id| document(&house, id).await["barred"].as_array().unwrap().len();
    assert_eq!((of(&id).await, of(&vip).await), (1, 0), "a rule leaves the second alone in any mode");
}
