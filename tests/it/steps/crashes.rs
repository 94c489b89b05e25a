//! A daemon killed right after each kind of call: every attempt ends, nothing is said twice, nothing is left half done.

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, Fault};

use super::{a_while, looks, rule, start};
use crate::harness::{House, days};
use crate::survives::{doomed, hang, killed};

/// The step, the calls at which it is killed, and what the conversation is like in the end.
const STEPS: [(&str, &[Endpoint], &str); 8] = [
    (r#"do = "note", body = "Quiet.""#, &[Endpoint::Note, Endpoint::Snooze], SNOOZED),
    (r#"do = "reply", body = "Hello?""#, &[Endpoint::Reply, Endpoint::Snooze], SNOOZED),
    (
        r#"do = "assign", team = "Support", teammate = "1001""#,
        &[Endpoint::Assign, Endpoint::Snooze],
        r#"snoozed until 2026-04-01T09:01:00Z, team 2001, teammate 1001, tags ["vip"], {}"#,
    ),
    (
        r#"do = "tag", tags = ["a", "b"]"#,
        &[Endpoint::CreateTag, Endpoint::Tag],
        r#"snoozed until 2026-04-01T09:01:00Z, team -, teammate -, tags ["vip", "a", "b"], {}"#,
    ),
    (
        r#"do = "untag", tags = "vip""#,
        &[Endpoint::Untag],
        r"snoozed until 2026-04-01T09:01:00Z, team -, teammate -, tags [], {}",
    ),
    (
        r#"do = "update", set = { order_number = 7, topic = "Bug" }, read = true"#,
        &[Endpoint::Update],
        r#"snoozed until 2026-04-01T09:01:00Z, team -, teammate -, tags ["vip"], {"order_number":7,"topic":"Bug"}"#,
    ),
    (r#"do = "open""#, &[Endpoint::Open], r#"open, team -, teammate -, tags ["vip"], {}"#),
    (
        r#"do = "close", body = "Bye.", tags = ["a", "b"], set = { order_number = 7, topic = "Bug" }"#,
        &[Endpoint::Close, Endpoint::CreateTag, Endpoint::Tag, Endpoint::Update],
        r#"closed, team -, teammate -, tags ["vip", "a", "b"], {"order_number":7,"topic":"Bug"}"#,
    ),
];

const SNOOZED: &str = r#"snoozed until 2026-04-01T09:01:00Z, team -, teammate -, tags ["vip"], {}"#;

/// How Intercom holds the daemon at a call, the first of its kind or the second.
#[derive(Debug, Clone, Copy)]
enum Held {
    /// It was not done.
    Before,
    /// It was done, and not answered.
    After,
    /// The first was done and answered; the second was not done.
    BeforeTheSecond,
    /// The second was done, and not answered.
    AfterTheSecond,
}

fn hold(house: &House, on: Endpoint, held: Held, reached: tokio::sync::oneshot::Sender<()>) {
    match held {
        Held::Before => hang(&house.intercom, on, Fault::Hang, reached),
        Held::After => {
            house.intercom.fault(on, Fault::ApplyThenHang);
            house.intercom.after_apply(on, move |_| reached.send(()).unwrap());
        }
        Held::BeforeTheSecond => {
            house.intercom.after_apply(on, move |intercom| hang(intercom, on, Fault::Hang, reached));
        }
        Held::AfterTheSecond => house.intercom.after_apply(on, move |intercom| {
            intercom.fault(on, Fault::ApplyThenHang);
            intercom.after_apply(on, move |_| reached.send(()).unwrap());
        }),
    }
}

/// Kills a daemon there, starts another, and gives it time.
async fn survived(step: &str, on: Endpoint, held: Held) -> (House, ConversationId) {
    let mut house = House::without_daemon(&rule("match_all = true", &format!("{{ after = \"1 day\", {step} }}"))).await;
    let id = house.intercom.contact_starts("Hello?");
    house.clock.advance(crate::harness::minutes(1));
    house.intercom.tag(&id, "vip");
    house.intercom.teammate_replies(&id, "Hello.");
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    let doomed = doomed(&house).await;
    house.clock.advance(days(1));
    killed(doomed, |reached| hold(&house, on, held, reached)).await;
    start(&mut house).await;
    a_while(&house).await;
    a_while(&house).await;
    (house, id)
}

#[tokio::test]
async fn a_daemon_killed_at_any_call_of_any_step_does_it_once_and_whole() {
    for (step, endpoints, wanted) in STEPS {
        for on in endpoints {
            for held in [Held::Before, Held::After] {
                let (house, id) = survived(step, *on, held).await;
                let journal = house.journal(&id).await;
                assert_eq!(looks(&house, &id), wanted, "{step}, {held:?} {on:?}: {journal:?}");
                let said = [house.ours(&id, "note"), house.ours(&id, "comment"), house.ours(&id, "close")];
                assert!(said.iter().sum::<usize>() <= 1, "{step}, {held:?} {on:?}: {journal:?}");
                let outcomes = house.daemon().store().outcomes().await.unwrap();
                assert_eq!(outcomes, [("done".to_owned(), 1)], "{step}, {held:?} {on:?}: {journal:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_daemon_killed_between_the_calls_of_a_step_does_the_rest() {
    for (step, endpoints, wanted) in STEPS {
        let several = [Endpoint::Assign, Endpoint::Tag, Endpoint::CreateTag, Endpoint::Update];
        for on in endpoints.iter().filter(|on| several.contains(on)) {
            for held in [Held::BeforeTheSecond, Held::AfterTheSecond] {
                let (house, id) = survived(step, *on, held).await;
                let journal = house.journal(&id).await;
                assert_eq!(looks(&house, &id), wanted, "{step}, {held:?} {on:?}: {journal:?}");
                let outcomes = house.daemon().store().outcomes().await.unwrap();
                assert_eq!(outcomes, [("done".to_owned(), 1)], "{step}, {held:?} {on:?}: {journal:?}");
            }
        }
    }
}

/// The first call's part must be known as ours, or the ladder begins anew.
#[tokio::test]
async fn what_a_killed_daemon_had_begun_moves_no_timer() {
    let all =
        "counts_from = [\"contact_reply\", \"teammate_reply\", \"assigned\", \"snoozed\", \"unsnoozed\", \"other\"]";
    for (step, on) in [
        (r#"do = "assign", team = "Support", teammate = "1001""#, Endpoint::Assign),
        (r#"do = "tag", tags = ["a", "b"]"#, Endpoint::Tag),
        (r#"do = "update", set = { order_number = 7, topic = "Bug" }"#, Endpoint::Update),
    ] {
        for held in [Held::Before, Held::After, Held::BeforeTheSecond, Held::AfterTheSecond] {
            let steps =
                format!("{{ after = \"1 day\", {step} }}, {{ after = \"3 days\", do = \"close\", silent = true }}");
            let mut house = House::without_daemon(&rule(&format!("match_all = true\n{all}"), &steps)).await;
            let id = house.answered().await;
            let doomed = doomed(&house).await;
            house.clock.advance(days(1));
            killed(doomed, |reached| hold(&house, on, held, reached)).await;
            start(&mut house).await;
            a_while(&house).await;
            house.after(days(2)).await;
            let journal = house.journal(&id).await;
            assert_eq!(house.state(&id), "closed", "{step}, {held:?}: {journal:?}");
        }
    }
}

#[tokio::test]
async fn a_daemon_killed_while_it_snoozes_snoozes_once() {
    for held in [Held::Before, Held::After] {
        let (house, id) = survived(r#"do = "snooze", for = "3 days""#, Endpoint::Snooze, held).await;
        let journal = house.journal(&id).await;
        assert_eq!((house.state(&id), house.ours(&id, "snoozed")), ("snoozed", 1), "{held:?}: {journal:?}");
        assert_eq!(house.daemon().store().outcomes().await.unwrap(), [("done".to_owned(), 1)], "{held:?}: {journal:?}");
    }
}
