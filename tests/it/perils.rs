//! Two instances, lagging answers, damaged rows, long outages: nothing is said twice, hidden or forgotten.

use crate::harness::{House, QUIET_A_DAY, SNOOZED_A_WEEK, arrived, days, hours, minutes, seconds};
use autoclosed::engine::Decision;
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};
use autoclosed::store::{Claim, Context, Inputs, KeepBodies, Outcome, Sending};
use std::sync::Arc;

const REMIND: &str = r#"
[[rule]]
name = "remind"
match_all = true
counts_from = ["contact_reply", "teammate_reply"]
[[rule.step]]
after = "5 days"
do = "reply"
body = "Did that solve it, {{ contact.first_name | default('there') }}?"
[[rule.step]]
after = "7 days"
do = "close"
body = "Closing this for now."
"#;

fn not_found() -> Fault {
    Fault::Status {
        status: 404,
        body: r#"{"type":"error.list","errors":[{"code":"not_found","message":"no"}]}"#.into(),
    }
}
fn e500() -> Fault {
    Fault::Status { status: 500, body: "{}".into() }
}

#[tokio::test]
async fn two_that_look_into_one_attempt_leave_it_whole() {
    let house = House::with(REMIND).await;
    let id = house.answered().await;
    house.clock.advance(days(5));
    let now = house.clock.now();
    let store = house.daemon().store().clone();
    let context = Context {
        app_id: Some(Arc::from("ab12cd34")),
        admin_id: Some(Arc::from("1009")),
        rulebook: house.rulebook(),
        keep_bodies: KeepBodies::Odd,
        now,
        received_at: now,
    };
    let known = store.decided(&id, &context).await.unwrap().unwrap();
    let Decision::Act { rule, step, anchor_at, due_at, .. } = known.decision else { unreachable!() };
    let claim = Claim { app_id: "ab12cd34", conversation: &id, rule: &rule, step, anchor_at, due_at };
    let claimed = store.claim(&claim, now).await.unwrap().unwrap();
    let sending = Sending {
        sent_at: now,
        look_at: now,
        template: Some("t".into()),
        digest: Some("d".into()),
        snoozed_until: None,
        contact: None,
        changes: Vec::new(),
        wishes: Vec::new(),
    };
    assert!(store.about_to_send(claimed, &sending).await.unwrap().is_some());
    let a = store.unclear("ab12cd34", now, 30).await.unwrap();
    let b = store.unclear("ab12cd34", now, 30).await.unwrap();
    store.settle(b[0].claimed, &Outcome::Left("absent".into()), &Inputs("{}".into()), &context).await.unwrap();
    store
        .settle(a[0].claimed, &Outcome::Unclear { look_at: now, why: "5xx".into() }, &Inputs("{}".into()), &context)
        .await
        .unwrap();
    for _ in 0..3 {
        house.after(minutes(5)).await;
    }
    house.after(days(3)).await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn a_reminder_that_names_the_contact_leaves_although_the_name_came_late() {
    let house = House::with(REMIND).await;
    let id = house.answered().await;
    house.clock.advance(days(5));
    for _ in 0..30 {
        let clock = house.clock.clone();
        house.intercom.before_answer(Endpoint::Contact, move |_| clock.advance(seconds(3)));
        house.after(seconds(10)).await;
    }
    assert_eq!(house.ours(&id, "comment"), 1, "{:?}", house.journal(&id).await);
}

#[tokio::test]
async fn a_missing_conversation_is_no_proof_that_a_message_did_not_leave() {
    let rule =
        REMIND.replace("counts_from = [\"contact_reply\", \"teammate_reply\"]", "counts_from = [\"contact_reply\"]");
    for rule in [rule.as_str(), REMIND] {
        let house = House::with(rule).await;
        let id = house.answered().await;
        house.intercom.fault(Endpoint::Reply, Fault::ApplyThenDrop);
        house.after(days(5)).await;
        house.intercom.fault(Endpoint::Conversation, not_found());
        house.after(minutes(2)).await;
        house.intercom.teammate_notes(&id, "still here");
        house.after(minutes(2)).await;
        house.after(days(6)).await;
        house.after(minutes(2)).await;
        assert_eq!(house.ours(&id, "comment"), 1);
    }
}

#[tokio::test]
async fn a_very_small_limit_stops_nothing() {
    let mut house = House::configured(
        &format!("mode = \"live\"\n{SNOOZED_A_WEEK}").replace("{{ contact.first_name | default('there') }}", "you"),
        Workspace { rate_limit: 8, ..Workspace::default() },
    )
    .await;
    house.start().await;
    let clock = house.clock.clone();
    let run = tokio::spawn(async move {
        loop {
            clock.advance(seconds(1));
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    });
    house.look().await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(60));
    house.intercom.settle().await;
    let r = tokio::time::timeout(std::time::Duration::from_secs(15), house.after(days(6))).await;
    run.abort();
    assert!(r.is_ok());
}

#[tokio::test]
async fn what_a_teammate_closed_after_a_race_stays_closed() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let slipping = id.clone();
    house.intercom.before_answer(Endpoint::Close, move |it| {
        it.contact_replies(&slipping, "Wait");
    });
    house.intercom.fault_always(Endpoint::Open, e500());
    house.after(days(1)).await;
    house.clock.advance(minutes(10));
    house.intercom.teammate_replies(&id, "Sure, done.");
    house.intercom.teammate_closes(&id, None);
    house.intercom.settle().await;
    house.intercom.clear_faults();
    house.after(minutes(5)).await;
    assert_eq!(house.state(&id), "closed", "{:?} {:?}", house.deeds(), house.journal(&id).await);
}

#[tokio::test]
async fn a_reply_is_not_snoozed_away_when_the_answer_to_the_snooze_is_lost() {
    for (fault_snooze, fault_read) in [(true, false), (false, true)] {
        let house = House::with(SNOOZED_A_WEEK).await;
        let id = house.answered().await;
        house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
        let slipping = id.clone();
        house.intercom.before_answer(Endpoint::Snooze, move |it| {
            it.contact_replies(&slipping, "No!");
            if fault_read {
                it.fault(Endpoint::Conversation, e500());
            }
        });
        if fault_snooze {
            house.intercom.fault(Endpoint::Snooze, Fault::ApplyThenDrop);
        }
        house.after(days(5)).await;
        for _ in 0..5 {
            house.after(minutes(2)).await;
        }
        assert_eq!(house.state(&id), "open");
    }
}

#[tokio::test]
async fn one_damaged_row_does_not_stop_the_others() {
    let house = House::with(QUIET_A_DAY).await;
    let bad = house.answered().await;
    let good = house.answered().await;
    let path = house.database();
    let out = std::process::Command::new("python3").arg("-c").arg(format!(
        "import sqlite3;c=sqlite3.connect('{}');c.execute(\"update conversation set latest='[[\\\"odd\\\"' where id='{}'\");c.commit()", path.display(), bad.as_str())).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    house.after(days(1)).await;
    for _ in 0..5 {
        println!("{:?}", house.after(minutes(2)).await);
    }
    assert_eq!(house.state(&good), "closed", "{:?}", house.bad().await);
}

#[tokio::test]
async fn a_failed_look_after_a_day_gives_nothing_up() {
    let mut house = House::with(SNOOZED_A_WEEK).await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    house.intercom.fault(Endpoint::Reply, Fault::ApplyThenDrop);
    house.after(days(5)).await;
    house.stop().await;
    house.clock.advance(hours(25));
    house.start().await;
    house.look().await;
    house.intercom.fault(Endpoint::Conversation, e500());
    house.after(minutes(1)).await;
    for _ in 0..5 {
        house.after(minutes(2)).await;
    }
    assert_eq!(house.state(&id), "snoozed");
}

#[tokio::test]
async fn another_admin_without_a_webhook_says_nothing_twice() {
    let rules = format!("mode = \"live\"\n{REMIND}");
    let mut house = House::configured(&rules, Workspace::default()).await;
    house.start().await;
    house.look().await;
    let id = house.answered().await;
    house.intercom.settle().await;
    house.intercom.drop_notifications(true);
    house.intercom.fault(Endpoint::Reply, Fault::ApplyThenDrop);
    house.after(days(5)).await;
    house.stop().await;
    house.intercom.change_workspace(|w| w.token_admin = "1002".into());
    house.start().await;
    house.look().await;
    for _ in 0..4 {
        house.after(seconds(50)).await;
    }
    house.after(days(5)).await;
    for _ in 0..4 {
        house.after(seconds(50)).await;
    }
    let parts = house.intercom.conversation(&id).unwrap().parts;
    let texts = parts.iter().filter(|part| part.body.as_deref().is_some_and(|body| body.contains("solve it"))).count();
    assert_eq!(texts, 1, "{:?} {:?}", house.deeds(), house.journal(&id).await);
}

/// Instance A's clock is three minutes slow (allowed), its call takes a while; B looks at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slow_clock_does_not_let_a_second_instance_send_again() {
    let mut house = House::without_daemon(REMIND).await;
    let slow = house.give_the_daemon_a_clock();
    house.start().await;
    house.look().await;
    let id = house.answered().await;
    house.intercom.settle().await;
    slow.advance(minutes(1));
    let other = house.give_the_daemon_a_clock();
    let second = house.recipe().start().await;
    house.clock.advance(days(5) + minutes(5));
    other.set(house.clock.now());
    slow.set(house.clock.now() - minutes(3));
    let (reached, held) = tokio::sync::oneshot::channel::<()>();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    house.intercom.before_answer(Endpoint::Reply, move |_| {
        reached.send(()).unwrap();
        tokio::task::block_in_place(|| wait.lock().unwrap().recv().unwrap());
    });
    let first = house.daemon.take().unwrap();
    let first = tokio::spawn(async move {
        first.sweep().await;
        first
    });
    arrived(held).await;
    // The first one's call takes so long that the second one takes over.
    for _ in 0..2 {
        second.tick().await;
        other.advance(seconds(31));
    }
    assert!(!second.stands_by());
    go.send(()).unwrap();
    house.daemon = Some(first.await.unwrap());
    assert_eq!(house.ours(&id, "comment"), 1, "{:?} {:?}", house.deeds(), house.journal(&id).await);
}

#[tokio::test]
async fn a_lost_answer_in_a_conversation_that_may_not_be_read_is_not_looked_into_for_ever() {
    let house = House::with(REMIND).await;
    let id = house.answered().await;
    house.intercom.fault(Endpoint::Reply, Fault::ApplyThenDrop);
    house.after(days(5)).await;
    let refusal = r#"{"type":"error.list","errors":[{"code":"forbidden","message":"no"}]}"#;
    house.intercom.fault_always(Endpoint::Conversation, Fault::Status { status: 403, body: refusal.into() });
    house.after(minutes(2)).await;
    house.after(hours(25)).await;
    let journal = house.journal(&id).await;
    assert!(
        journal.last().unwrap().starts_with("failed reply 1: the answer was lost, and what became"),
        "{journal:#?}"
    );
}

#[tokio::test]
async fn a_database_whose_file_was_taken_away_or_replaced_takes_nothing_more_and_says_so() {
    for (name, replaced) in [("autoclosed.db", false), ("autoclosed.db", true), ("autoclosed.db-wal", false)] {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.answered().await;
        let (path, aside) = (house.folder().join(name), house.folder().join("aside"));
        std::fs::rename(&path, &aside).unwrap();
        if replaced {
            std::fs::copy(&aside, &path).unwrap();
        }
        house.intercom.contact_replies(&id, "One more thing.");
        house.intercom.settle().await;
        let answered = house.intercom.notifications().last().unwrap().status;
        assert_eq!(answered, Some(503), "{name}, replaced: {replaced}");
        house.after(days(1)).await;
        assert_eq!(house.deeds(), Vec::<String>::new(), "replaced: {replaced}");
        let bad = house.bad().await;
        assert!(bad.iter().any(|check| check.starts_with("database")), "{bad:?}");
    }
}
