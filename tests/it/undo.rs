//! `undo`: what a rule has closed is open again, with the snooze it had, and no rule touches it until a person speaks.

mod broken_off;

use autoclosed::command::desk::CommandError;
use autoclosed::command::explain::explain;
use autoclosed::command::undo::{Asked, undo};
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};
use autoclosed::sabotage::{Bug, plant};
use serde_json::{Value, json};

use crate::commands::told;
use crate::harness::{CLIENT_SECRET, House, QUIET_A_DAY, days, hours, minutes, monday};

/// Closes what is snoozed or was, a day after the last word.
const SNOOZED_A_DAY: &str = r#"
[[rule]]
name = "quiet-a-day"
match.state = ["snoozed", "woken"]
step = [{ after = "1 day", do = "close", body = "Closing this for now." }]
"#;

fn environment(name: &str) -> Option<String> {
    match name {
        "INTERCOM_ACCESS_TOKEN" => Some(Workspace::default().token),
        "INTERCOM_CLIENT_SECRET" => Some(CLIENT_SECRET.to_owned()),
        _ => None,
    }
}

async fn asked(house: &House, dry_run: bool) -> Result<Value, CommandError> {
    let asked = Asked { rule: "quiet-a-day".into(), since: monday().to_string(), dry_run };
    let clock = house.daemon_clock().clone().into();
    let (answer, _) = Box::pin(undo(&house.file(), environment, clock, &asked)).await?;
    Ok(serde_json::to_value(answer).unwrap())
}

async fn undone(house: &House) -> Value {
    let answer = asked(house, false).await.unwrap();
    house.intercom.settle().await;
    answer
}

/// One that the rule has closed an hour ago.
async fn closed(house: &House) -> ConversationId {
    let id = house.answered().await;
    house.after(days(1)).await;
    assert_eq!(house.state(&id), "closed");
    house.clock.advance(hours(1));
    id
}

/// What was skipped, and why.
fn skipped(answer: &Value) -> Vec<String> {
    answer["skipped"].as_array().unwrap().iter().map(|of| of["why"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_was_closed_is_open_again_and_no_rule_touches_it_until_somebody_speaks() {
    type Speaks = fn(&House, &ConversationId);
    let teammate: Speaks = |house, id| {
        house.intercom.teammate_replies(id, "Any news?");
    };
    let both: Speaks = |house, id| {
        house.intercom.contact_replies(id, "It works now, thanks.");
        house.clock.advance(minutes(1));
        house.intercom.teammate_replies(id, "Good to hear!");
    };
    for speaks in [teammate, both] {
        let house = House::with(QUIET_A_DAY).await;
        let id = closed(&house).await;
        let answer = undone(&house).await;
        assert_eq!((&answer["reopened"], &answer["skipped"], &answer["failed"]), (&json!(1), &json!([]), &json!(0)));
        assert_eq!(house.state(&id), "open");
        let deeds = house.deeds();
        house.after(days(30)).await;
        house.look().await;
        house.after(days(30)).await;
        assert_eq!((house.state(&id), house.deeds()), ("open", deeds));
        speaks(&house, &id);
        house.after(days(1)).await;
        assert_eq!(house.state(&id), "closed");
        let lines = house.journal(&id).await;
        assert_eq!(lines[1], "done : its close was undone by hand: open again");
    }
}

#[tokio::test]
async fn it_has_the_snooze_that_it_had_unless_that_is_over() {
    for (length, state) in [(days(9), "snoozed"), (days(1) + minutes(30), "open")] {
        let house = House::with(SNOOZED_A_DAY).await;
        let id = house.answered().await;
        let until = house.clock.now() + length;
        house.intercom.teammate_snoozes(&id, until);
        house.after(days(1)).await;
        assert_eq!(house.state(&id), "closed");
        house.clock.advance(hours(1));
        assert_eq!(undone(&house).await["reopened"], 1);
        assert_eq!(house.state(&id), state);
        if state == "snoozed" {
            assert_eq!(house.intercom.conversation(&id).unwrap().snoozed_until, Some(until));
        }
        let deeds = house.deeds();
        house.after(days(30)).await;
        assert_eq!(house.deeds(), deeds);
    }
}

type Touches = fn(&House, &ConversationId);

/// What others do to what was closed, and why undo then leaves it.
const TOUCHES: [(&str, Touches, &str); 13] = [
    (
        "contact",
        |house, id| {
            house.intercom.contact_replies(id, "Hello?");
        },
        "the contact has written since",
    ),
    (
        "answered",
        |house, id| {
            house.intercom.teammate_replies(id, "Hello.");
        },
        "a teammate has written since",
    ),
    (
        "opened",
        |house, id| {
            house.intercom.teammate_opens(id);
        },
        "a teammate has opened it since",
    ),
    (
        "closed",
        |house, id| {
            house.intercom.teammate_closes(id, None);
        },
        "a teammate has closed it since",
    ),
    (
        "noted",
        |house, id| {
            house.intercom.teammate_notes(id, "Done.");
        },
        "a teammate has left a note since",
    ),
    (
        "snoozed",
        |house, id| {
            house.intercom.teammate_snoozes(id, house.clock.now() + days(3));
        },
        "a teammate has snoozed it since",
    ),
    (
        "rated",
        |house, id| {
            house.intercom.rate(id, 5);
        },
        "the contact has rated it since",
    ),
    (
        "assigned",
        |house, id| {
            house.intercom.teammate_assigns(id, Some("1002"), None);
        },
        "a teammate has opened it since",
    ),
    (
        "prioritized",
        |house, id| {
            house.intercom.teammate_prioritizes(id, "high");
        },
        "a teammate has changed it since",
    ),
    (
        "tagged",
        |house, id| {
            house.intercom.tag(id, "vip");
        },
        "a teammate has changed it since",
    ),
    (
        "workflow",
        |house, id| {
            house.intercom.bot_replies(id, "How did we do?");
        },
        "a bot or a workflow has written since",
    ),
    (
        "deleted",
        |house, id| {
            house.intercom.delete(id);
        },
        "it no longer exists in Intercom",
    ),
    ("undone", |_, _| {}, "it was undone before"),
];

#[tokio::test]
async fn what_others_have_touched_since_is_left_as_it_is() {
    for (name, touches, why) in TOUCHES {
        for told in [true, false] {
            let house = House::with(QUIET_A_DAY).await;
            let id = closed(&house).await;
            if name == "undone" {
                undone(&house).await;
            }
            house.intercom.drop_notifications(!told);
            touches(&house, &id);
            house.intercom.settle().await;
            house.clock.advance(minutes(1));
            let deeds = house.deeds();
            let answer = undone(&house).await;
            assert_eq!((skipped(&answer), &answer["reopened"]), (vec![why.to_owned()], &json!(0)), "{name}, {told}");
            assert_eq!(house.deeds(), deeds, "{name}");
        }
    }
}

#[tokio::test]
async fn only_the_last_close_of_a_conversation_counts() {
    let house = House::with(QUIET_A_DAY).await;
    let id = closed(&house).await;
    house.intercom.contact_replies(&id, "Hello?");
    house.clock.advance(minutes(1));
    house.intercom.teammate_replies(&id, "Hello.");
    house.after(days(1)).await;
    assert_eq!(house.state(&id), "closed");
    house.clock.advance(hours(1));
    let answer = undone(&house).await;
    assert_eq!((&answer["reopened"], &answer["skipped"]), (&json!(1), &json!([])));
}

#[tokio::test]
async fn an_undone_close_counts_no_more_among_the_closes_and_its_opening_is_no_persons() {
    let rules = format!("[safety]\nmax_auto_closes = 1\n{QUIET_A_DAY}");
    let house = House::with(&rules).await;
    let id = closed(&house).await;
    undone(&house).await;
    house.clock.advance(hours(1));
    house.intercom.teammate_replies(&id, "Any news?");
    house.after(days(1)).await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn it_is_done_while_paused_in_dry_run_without_a_daemon_and_beyond_the_budgets() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = closed(&house).await;
    autoclosed::command::pause::pause(&house.desk().await, None).await.unwrap();
    house.stop().await;
    house.configure(&format!("mode = \"dry-run\"\n[safety]\nmax_closes_per_hour = 0\n{QUIET_A_DAY}"));
    assert_eq!(asked(&house, false).await.unwrap()["reopened"], 1);
    assert_eq!(house.state(&id), "open");
}

#[tokio::test]
async fn a_dry_look_tells_what_would_be_done_and_changes_nothing() {
    let house = House::with(SNOOZED_A_DAY).await;
    let ids = [house.answered().await, house.answered().await, house.answered().await];
    for id in &ids {
        house.intercom.teammate_snoozes(id, "2026-03-09T09:00:00Z".parse().unwrap());
    }
    house.after(days(1)).await;
    house.clock.advance(hours(1));
    house.intercom.contact_replies(&ids[1], "Hello?");
    house.intercom.settle().await;
    let deeds = house.deeds();
    let since = "2026-03-01T00:00:00Z";
    insta::assert_snapshot!(told(&house, &["undo", "--rule", "quiet-a-day", "--since", since, "--dry-run"]).await, @"
    0Would reopen 2 conversations that rule `quiet-a-day` has closed since 2026-03-01 00:00:00 UTC:
      215470000000001  snoozed until 2026-03-09 09:00:00 UTC
      215470000000003  snoozed until 2026-03-09 09:00:00 UTC

    Left as it is, 1 conversation:
      215470000000002  the contact has written since
    ");
    let answer = asked(&house, true).await.unwrap();
    assert_eq!((&answer["reopened"], answer["conversations"].as_array().unwrap().len()), (&json!(0), 2));
    assert_eq!(house.deeds(), deeds);
    house.look().await;
    assert_eq!((house.state(&ids[0]), house.check("paused").await.as_str()), ("closed", "ok: nothing is paused"));
    insta::assert_snapshot!(told(&house, &["undo", "--rule", "quiet-a-day", "--since", since]).await, @"
    0Reopened 2 conversations that rule `quiet-a-day` has closed since 2026-03-01 00:00:00 UTC. No rule
    touches them until the contact or a teammate writes.

    Left as it is, 1 conversation:
      215470000000002  the contact has written since
    ");
    insta::assert_snapshot!(told(&house, &["history", ids[0].as_str()]).await, @"
    02026-03-03 09:03:00 UTC  done      close      rule `quiet-a-day`
                             1 day without a word since it was snoozed at 2026-03-02 09:03:00 UTC
    2026-03-03 10:03:00 UTC  done      undo       rule `quiet-a-day`
                             its close was undone by hand: snoozed again until 2026-03-09 09:00:00 UTC
    ");
    insta::assert_snapshot!(told(&house, &["undo", "--rule", "quiet-a-day", "--since", since]).await, @"
    0Reopened nothing of what rule `quiet-a-day` has closed since 2026-03-01 00:00:00 UTC.

    Left as they are, 3 conversations:
      215470000000001  it was undone before
      215470000000002  the contact has written since
      215470000000003  it was undone before
    ");
    let explained = explain(&house.desk().await, &ids[0], &mut Vec::new()).await.unwrap();
    insta::assert_snapshot!(serde_json::to_value(explained).unwrap()["why"], @r#""its close was undone at 2026-03-03 10:03:00 UTC; no rule touches it until the contact or a teammate writes""#);
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_with_what_to_do() {
    let house = House::with(QUIET_A_DAY).await;
    let since = "2026-03-01T00:00:00Z";
    let quiet = ["undo", "--rule", "quiet-a-day", "--since", since];
    insta::assert_snapshot!(told(&house, &quiet).await, @"0Nothing to undo: rule `quiet-a-day` has closed nothing since 2026-03-01 00:00:00 UTC.");
    insta::assert_snapshot!(told(&house, &["undo", "--rule", "quiet-a-dya", "--since", since]).await, @"2autoclosed: there is no rule `quiet-a-dya`; did you mean `quiet-a-day`?");
    insta::assert_snapshot!(told(&house, &["undo", "--rule", "quiet-a-day", "--since", "yesterday"]).await, @r#"2autoclosed: --since: `yesterday` is no time; write for example "2026-03-09T17:00:00Z", or "3 days" for 3 days before now"#);
    closed(&house).await;
    house.intercom.fault(Endpoint::Me, Fault::Html502);
    insta::assert_snapshot!(told(&house, &quiet).await, @"1autoclosed: Intercom failed to answer (HTTP 502); run `autoclosed undo` again in a minute, it goes on where it stopped");
    house.intercom.change_workspace(|workspace| workspace.token = "another".into());
    insta::assert_snapshot!(told(&house, &quiet).await, @"1autoclosed: Intercom refuses the access token, the plan or the acting teammate (HTTP 401, code unauthorized, request 00000001-0000-4000-8000-000000000001); run `autoclosed check --online`");
    house.intercom.stop();
    insta::assert_snapshot!(told(&house, &quiet).await.lines().next().unwrap(), @"1autoclosed: Intercom could not be reached, so nothing was sent; check the network and the address under [intercom]");
    assert!(house.intercom.mutating_calls().len() == 1, "the close alone");
}

#[tokio::test]
async fn no_more_than_five_a_second_are_asked_for() {
    let house = House::with(QUIET_A_DAY).await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(house.answered().await);
    }
    house.after(days(1)).await;
    let began = tokio::time::Instant::now();
    let said = told(&house, &["undo", "--rule", "quiet-a-day", "--since", "2026-03-01T00:00:00Z", "--json"]).await;
    assert!(said.contains("\"reopened\": 6"), "{said}");
    assert!(began.elapsed() >= std::time::Duration::from_secs(1));
    assert!(ids.iter().all(|id| house.state(id) == "open"));
}

/// The same rule would not close it twice; one of another name would.
#[tokio::test]
async fn whatever_becomes_of_the_rules_none_touches_what_was_undone() {
    for (bug, stays) in [(None, true), (Some(Bug::UndoLeavesNoMark), false)] {
        let mut house = House::with(QUIET_A_DAY).await;
        let id = closed(&house).await;
        let planted = bug.map(plant);
        undone(&house).await;
        drop(planted);
        house.configure(&format!("mode = \"live\"\n{}", QUIET_A_DAY.replace("quiet-a-day", "renamed")));
        house.restart().await;
        house.after(days(30)).await;
        assert_eq!(house.state(&id) == "open", stays, "{bug:?}: {:?}", house.journal(&id).await);
    }
}

/// The daemon itself has put them on, an hour after the close.
#[tokio::test]
async fn what_a_close_put_on_the_conversation_is_nobodys_touch() {
    let rules = QUIET_A_DAY.replace("Closing this for now.\"", "Closing this for now.\", tags = [\"auto-closed\"]");
    let house = House::with(&rules).await;
    house.intercom.fault(Endpoint::Tag, Fault::Html502);
    let id = house.answered().await;
    house.after(days(1)).await;
    house.after(hours(1)).await;
    house.after(minutes(5)).await;
    assert!(house.journal(&id).await.iter().any(|line| line.contains("put on")), "{:?}", house.journal(&id).await);
    house.clock.advance(hours(1));
    let answer = undone(&house).await;
    assert_eq!((&answer["reopened"], skipped(&answer)), (&json!(1), Vec::new()));
}
