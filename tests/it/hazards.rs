//! What could make it say something twice, hide a reply, or silently stop: and does not.

mod own;
mod shared_limit;

use std::sync::Arc;

use autoclosed::engine::ConversationId;
use autoclosed::engine::Decision;
use autoclosed::engine::conversation::{PartId, Sighting};
use autoclosed::engine::history::Deed;
use autoclosed::fake_intercom::{Endpoint, FakeIntercom, Fault, Workspace};
use autoclosed::store::{Claim, Context, Inputs, KeepBodies, Outcome, Record, Sending, Store};

use crate::harness::{House, QUIET_A_DAY, SNOOZED_A_WEEK, arrived, days, hours, minutes, seconds};

const REMIND_AND_CLOSE: &str = r#"
[[rule]]
name = "remind"
match_all = true
[[rule.step]]
after = "5 days"
do = "reply"
body = "Did that solve it?"
[[rule.step]]
after = "7 days"
do = "close"
body = "Closing this for now."
"#;

const FORBIDDEN: &str = r#"{"type":"error.list","errors":[{"code":"forbidden","message":"no"}]}"#;

fn forbidden() -> Fault {
    Fault::Status { status: 403, body: FORBIDDEN.into() }
}

/// Killed right after the outcome was committed.
#[tokio::test]
async fn what_is_due_next_is_written_with_the_outcome() {
    let mut house = House::with(REMIND_AND_CLOSE).await;
    let id = house.answered().await;
    let answered_at = house.clock.now();
    house.restart().await; // so that `decided_by` is set and no later start decides on everything again
    house.stop().await;
    house.clock.advance(days(5));
    let now = house.clock.now();
    let store = Store::open(&house.database()).await.unwrap();
    let context = Context {
        app_id: Some(Arc::from("ab12cd34")),
        admin_id: Some(Arc::from("1009")),
        rulebook: house.rulebook(),
        keep_bodies: KeepBodies::Odd,
        now,
        received_at: now,
    };
    let known = store.decided(&id, &context).await.unwrap().unwrap();
    let Decision::Act { rule, step, anchor_at, due_at, .. } = known.decision else { unreachable!("it is due") };
    assert_eq!(anchor_at, answered_at);
    let claim = Claim { app_id: "ab12cd34", conversation: &id, rule: &rule, step, anchor_at, due_at };
    let claimed = store.claim(&claim, now).await.unwrap().unwrap();
    let sending = Sending {
        sent_at: now,
        look_at: now + minutes(1),
        template: Some("t".into()),
        digest: Some("d".into()),
        snoozed_until: None,
        contact: None,
        changes: Vec::new(),
        wishes: Vec::new(),
    };
    let claimed = store.about_to_send(claimed, &sending).await.unwrap().unwrap();
    // The echo of our own message arrives before the answer: decided as "unclear", due_at becomes NULL.
    store.record(&[Record::Fetched(Box::new(Sighting::of(id.clone())))], &context).await.unwrap();
    let deed = Deed { at: now, part: Some(PartId::Part(999_999)) };
    let done = Outcome::Done { at: deed.at, deeds: vec![deed], restore_snooze: false, why: "x".into() };
    store.settle(claimed, &done, &Inputs("{}".into()), &context).await.unwrap();
    store.close().await; // killed here

    house.start().await;
    house.look().await;
    for _ in 0..40 {
        house.after(days(1)).await;
        house.look().await;
    }
    assert_eq!(house.state(&id), "closed");
}

/// The answer to the restoring of a snooze is lost.
#[tokio::test]
async fn a_restored_snooze_whose_answer_was_lost_moves_no_timer() {
    let rule = SNOOZED_A_WEEK.replace("counts_from = [\"contact_reply\", \"teammate_reply\"]\n", "");
    let house = House::with(&rule).await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    house.intercom.fault(Endpoint::Snooze, Fault::Drop);
    house.intercom.fault(Endpoint::Snooze, Fault::ApplyThenDrop);
    house.after(days(5)).await;
    house.after(minutes(1)).await;
    house.sweep().await;
    house.after(minutes(1)).await;
    house.sweep().await;
    assert_eq!(house.state(&id), "snoozed");
    house.after(days(2)).await;
    assert_eq!(house.state(&id), "closed", "{:?}", house.journal(&id).await);
}

/// Five conversations that cannot be read.
#[tokio::test]
async fn conversations_that_cannot_be_read_do_not_keep_the_first_look_from_ending() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    for _ in 0..5 {
        house.intercom.contact_starts("Hello?");
    }
    house.intercom.fault_always(Endpoint::Conversation, forbidden());
    house.start().await;
    let mut results = Vec::new();
    for _ in 0..100 {
        results.push(house.daemon().reconcile().await.is_ok());
        house.clock.advance(seconds(10));
    }
    assert!(results.contains(&true), "the first look never completes");
}

/// Unreadable conversations at the head of the due list.
#[tokio::test]
async fn conversations_that_cannot_be_read_do_not_stand_in_the_way_of_others() {
    let rule = format!("mode = \"live\"\n[safety]\nmax_actions_per_sweep = 1\n{QUIET_A_DAY}");
    let mut house = House::configured(&rule, Workspace::default()).await;
    house.start().await;
    house.look().await;
    for _ in 0..4 {
        let id = house.answered().await;
        house.intercom.teammate_snoozes(&id, house.clock.now() + hours(1));
    }
    let good = house.answered().await;
    house.intercom.settle().await;
    house.intercom.drop_notifications(true);
    house.intercom.fault_always(Endpoint::Conversation, forbidden());
    house.clock.advance(hours(2));
    // two hours on, the snoozes have ended; a day on, the good one is due as well
    for _ in 0..30 {
        house.after(seconds(10)).await;
    }
    house.clock.advance(days(1));
    let before = house.intercom.calls().len();
    for _ in 0..30 {
        house.after(seconds(10)).await;
    }
    let calls = house.intercom.calls();
    assert!(calls[before..].iter().any(|call| call.path.ends_with(good.as_str())), "never looked at");
}

/// The daemon was down after a lost answer; meanwhile the conversation went on and a teammate closed it.
#[tokio::test]
async fn what_a_teammate_closed_after_us_stays_closed() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.intercom.fault(Endpoint::Close, Fault::ApplyThenDrop);
    house.after(days(1)).await;
    house.stop().await;
    house.clock.advance(hours(1));
    house.intercom.contact_replies(&id, "One more thing");
    house.clock.advance(hours(1));
    house.intercom.teammate_replies(&id, "Sure, done.");
    house.intercom.teammate_closes(&id, None);
    house.clock.advance(hours(1));
    house.start().await;
    house.look().await;
    house.sweep().await;
    assert_eq!(house.state(&id), "closed", "{:?} {:?}", house.deeds(), house.journal(&id).await);
}

/// A contact writes between the reading and the snooze that is restored.
#[tokio::test]
async fn a_reply_that_slips_in_before_a_restored_snooze_is_not_snoozed_away() {
    let house = House::with(SNOOZED_A_WEEK).await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    let slipping = id.clone();
    house.intercom.before_answer(Endpoint::Snooze, move |intercom| {
        intercom.contact_replies(&slipping, "No, it did not!");
    });
    house.after(days(5)).await;
    house.after(minutes(5)).await;
    assert_eq!(house.state(&id), "open", "{:?}", house.journal(&id).await);
}

/// Reading the contact takes three seconds.
#[tokio::test]
async fn a_slow_answer_about_the_contact_does_not_keep_a_text_from_leaving() {
    let rule =
        QUIET_A_DAY.replace("Closing this for now.", "Closing this, {{ contact.first_name | default('there') }}.");
    let house = House::with(&rule).await;
    let id = house.answered().await;
    house.clock.advance(days(1));
    for _ in 0..30 {
        let clock = house.clock.clone();
        house.intercom.before_answer(Endpoint::Contact, move |_| clock.advance(seconds(3)));
        house.after(minutes(2)).await;
    }
    assert_eq!(house.state(&id), "closed", "{:?}", house.journal(&id).await);
}

/// One 404 that was a mistake.
#[tokio::test]
async fn a_conversation_that_was_missing_by_mistake_is_taken_up_again() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let body = r#"{"type":"error.list","errors":[{"code":"not_found","message":"no"}]}"#;
    house.intercom.fault(Endpoint::Conversation, Fault::Status { status: 404, body: body.into() });
    house.after(days(1)).await;
    house.intercom.drop_notifications(true);
    house.intercom.contact_replies(&id, "Hello?");
    house.clock.advance(minutes(1));
    house.intercom.teammate_replies(&id, "Yes");
    house.look().await;
    house.after(days(1)).await;
    assert_eq!(house.state(&id), "closed", "{:?}", house.journal(&id).await);
}

/// Two daemons on one database: the slower one's answer undoes what the faster one wrote down.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slower_second_instance_does_not_undo_what_the_first_wrote_down() {
    let mut house = House::with(REMIND_AND_CLOSE).await;
    let id = house.answered().await;
    let second = house.recipe().start().await;
    house.clock.advance(days(5));
    // The first reads, and takes so long over it that the second one takes over and sends.
    let (reached, held) = tokio::sync::oneshot::channel::<()>();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    house.intercom.before_answer(Endpoint::Conversation, move |_| {
        reached.send(()).unwrap();
        tokio::task::block_in_place(|| wait.lock().unwrap().recv().unwrap());
    });
    let first = house.daemon.take().unwrap();
    let first = tokio::spawn(async move {
        first.sweep().await;
        first
    });
    arrived(held).await;
    for _ in 0..3 {
        second.tick().await;
        house.clock.advance(seconds(31));
    }
    assert!(!second.stands_by());
    go.send(()).unwrap();
    let first = first.await.unwrap();
    house.daemon = Some(first);
    for _ in 0..5 {
        house.after(minutes(2)).await;
    }
    let parts = house.intercom.conversation(&id).unwrap().parts;
    let texts = parts.iter().filter(|part| part.author_id == "1009").count();
    assert_eq!(texts, 1, "{:?} {:?}", house.deeds(), house.journal(&id).await);
}

/// The acting teammate is changed after a reminder.
#[tokio::test]
async fn words_of_ours_stay_ours_when_another_admin_acts() {
    let rules = format!("mode = \"live\"\n{REMIND_AND_CLOSE}");
    let mut house = House::configured(&rules, Workspace::default()).await;
    house.start().await;
    house.look().await;
    let id = house.answered().await;
    house.intercom.fault(Endpoint::Reply, Fault::ApplyThenDrop);
    house.after(days(5)).await;
    house.stop().await;
    house.intercom.change_workspace(|workspace| workspace.token_admin = "1002".into());
    house.start().await;
    house.look().await;
    for _ in 0..12 {
        house.after(seconds(50)).await;
    }
    house.after(days(5)).await;
    let parts = house.intercom.conversation(&id).unwrap().parts;
    let texts = parts.iter().filter(|part| part.body.as_deref().is_some_and(|body| body.contains("solve it"))).count();
    assert_eq!(texts, 1, "{:?} {:?}", house.deeds(), house.journal(&id).await);
}

/// Intercom changes the text on its way (here: the template only holds a picture, which leaves no digest).
#[tokio::test]
async fn a_message_without_words_is_not_sent_again() {
    let rule = REMIND_AND_CLOSE.replace("Did that solve it?", "<img src='https://example.com/a.png'>");
    let house = House::with(&rule).await;
    let id = house.answered().await;
    house.intercom.fault(Endpoint::Reply, Fault::ApplyThenDrop);
    house.after(days(5)).await;
    for _ in 0..12 {
        house.after(seconds(50)).await;
    }
    house.after(days(5)).await;
    let replies = house.deeds().iter().filter(|deed| deed.starts_with("comment")).count();
    assert_eq!(replies, 1, "{:?} {:?}", house.deeds(), house.journal(&id).await);
}

/// Restoring a snooze is refused, whatever is tried.
#[tokio::test]
async fn a_snooze_that_may_not_be_restored_is_given_up_aloud_after_three_refusals() {
    let house = House::with(SNOOZED_A_WEEK).await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    house.intercom.fault_always(Endpoint::Snooze, forbidden());
    house.after(days(5)).await;
    for _ in 0..10 {
        house.after(minutes(1)).await;
    }
    assert_eq!(house.deeds(), ["comment 200", "snoozed 403", "snoozed 403", "snoozed 403"]);
    let journal = house.journal(&id).await;
    let told = journal.last().unwrap();
    assert!(told.starts_with("done reply 1: the snooze could not be restored, the conversation is open"), "{told}");
    house.look().await;
    assert_eq!((house.state(&id), house.bad().await), ("open", vec!["intercom".to_owned()]));
    house.clock.advance(days(1));
    house.sweep().await;
    assert_eq!(house.deeds().len(), 4, "nothing more is tried before the close");
}

#[tokio::test]
async fn a_snooze_is_restored_only_if_its_end_is_a_minute_ahead() {
    for (left, deeds) in [(59, vec!["comment 200"]), (60, vec!["comment 200", "snoozed 200"])] {
        let house = House::with(SNOOZED_A_WEEK).await;
        let id = house.answered().await;
        house.intercom.teammate_snoozes(&id, house.clock.now() + days(5) + seconds(left));
        house.after(days(5)).await;
        assert_eq!(house.deeds(), deeds, "{left} s");
        house.after(minutes(2)).await;
        assert_eq!(house.deeds(), deeds, "{left} s");
        assert_eq!(house.journal(&id).await.len(), 2, "{left} s");
        house.after(days(2)).await;
        assert_eq!(house.state(&id), "closed", "{left} s");
    }
}

type Meanwhile = fn(&FakeIntercom, &ConversationId) -> bool;

/// What happens between the reminder and the restoring of the snooze, and what the conversation is then.
const MEANWHILE: [(&str, Meanwhile, &str, bool); 6] = [
    ("a teammate answers", |it, id| it.teammate_replies(id, "Let me see.").is_some(), "open", false),
    ("the contact answers", |it, id| it.contact_replies(id, "No!").is_some(), "open", false),
    ("a teammate closes", |it, id| it.teammate_closes(id, None).is_some(), "closed", false),
    (
        "a teammate snoozes",
        |it, id| it.teammate_snoozes(id, "2026-03-20T00:00:00Z".parse().unwrap()).is_some(),
        "snoozed",
        false,
    ),
    ("a teammate leaves a note", |it, id| it.teammate_notes(id, "Looks fine.").is_some(), "snoozed", true),
    ("a teammate tags", |it, id| it.tag(id, "vip"), "snoozed", true),
];

#[tokio::test]
async fn a_snooze_is_restored_only_if_nobody_else_has_touched_it() {
    for (name, change, state, restored) in MEANWHILE {
        for at_once in [true, false] {
            let house = House::with(SNOOZED_A_WEEK).await;
            let id = house.answered().await;
            let until = house.clock.now() + days(30);
            house.intercom.teammate_snoozes(&id, until);
            let (touched, clock) = (id.clone(), house.clock.clone());
            house.intercom.after_apply(Endpoint::Reply, move |intercom| {
                clock.advance(if at_once { seconds(0) } else { seconds(2) });
                assert!(change(intercom, &touched));
            });
            house.after(days(5)).await;
            house.after(minutes(2)).await;
            house.after(minutes(2)).await;
            let seen = house.intercom.conversation(&id).unwrap();
            let snoozed_by_us = (seen.snoozed_until == Some(until), house.ours(&id, "snoozed"));
            let wanted = (restored, usize::from(restored));
            assert_eq!(
                (seen.state, snoozed_by_us),
                (state, wanted),
                "{name}, at once: {at_once}: {:?}",
                house.journal(&id).await
            );
            assert_eq!(house.ours(&id, "comment"), 1, "{name}, at once: {at_once}");
        }
    }
}

/// The contact writes between the reading and the snooze that is restored: it is opened again, once.
#[tokio::test]
async fn a_snooze_restored_over_a_reply_is_opened_again() {
    let house = House::with(SNOOZED_A_WEEK).await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    let slipping = id.clone();
    house.intercom.before_answer(Endpoint::Snooze, move |intercom| {
        intercom.contact_replies(&slipping, "No, it did not!");
    });
    house.after(days(5)).await;
    house.after(minutes(2)).await;
    assert_eq!(
        (house.state(&id), house.deeds()),
        ("open", ["comment 200", "snoozed 200", "open 200"].map(str::to_owned).to_vec())
    );
    house.after(days(9)).await;
    assert_eq!((house.state(&id), house.deeds().len()), ("open", 3));
}

/// Reading the contact takes three seconds, in which the contact writes.
#[tokio::test]
async fn a_reply_while_the_contact_is_read_is_not_closed_over_although_no_webhook_told_of_it() {
    let rule =
        QUIET_A_DAY.replace("Closing this for now.", "Closing this, {{ contact.first_name | default('there') }}.");
    let house = House::with(&rule).await;
    let id = house.answered().await;
    let (clock, slipping) = (house.clock.clone(), id.clone());
    house.intercom.before_answer(Endpoint::Contact, move |intercom| {
        clock.advance(seconds(3));
        intercom.drop_notifications(true);
        assert!(intercom.contact_replies(&slipping, "Wait!").is_some());
    });
    house.after(days(1)).await;
    house.after(minutes(2)).await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]));
    assert_eq!(house.journal(&id).await.len(), 1);
}

#[tokio::test]
async fn dry_run_does_no_more_in_one_sweep_than_live_would() {
    let rule = format!("mode = \"dry-run\"\n[safety]\nmax_actions_per_sweep = 1\n{QUIET_A_DAY}");
    let mut house = House::configured(&rule, Workspace::default()).await;
    house.start().await;
    house.look().await;
    for _ in 0..3 {
        house.answered().await;
    }
    for want in 1..=3 {
        house.after(if want == 1 { days(1) } else { seconds(10) }).await;
        assert_eq!(house.daemon().store().journal(None).await.unwrap().len(), want);
    }
    assert_eq!(house.deeds(), Vec::<String>::new());
}
