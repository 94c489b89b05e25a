//! What survives: restarts, crashes in the middle of a deed, lost answers, refusals.

use std::sync::Arc;

use autoclosed::daemon::{Daemon, Sweeping};
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, FakeIntercom, Fault};
use tokio::sync::oneshot;

use crate::harness::{House, QUIET_A_DAY, SNOOZED_A_WEEK, arrived, days, hours, minutes, seconds};

#[tokio::test]
async fn what_was_recorded_before_a_restart_is_known_after_it() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.restart().await;
    house.after(days(1)).await;
    assert_eq!((house.state(&id), house.deeds()), ("closed", vec!["close 200".to_owned()]));
}

/// Closes with a text that names the contact, so that reading the contact is a step of its own.
const BY_NAME: &str = r#"
[[rule]]
name = "quiet-a-day"
match_all = true
step = [{ after = "1 day", do = "close", body = "Closing this, {{ contact.first_name | default('there') }}." }]
"#;

type Arrange = fn(&FakeIntercom, oneshot::Sender<()>);

pub(crate) fn hang(intercom: &FakeIntercom, on: Endpoint, fault: Fault, reached: oneshot::Sender<()>) {
    intercom.fault(on, fault);
    intercom.before_answer(on, move |_| reached.send(()).unwrap());
}

/// Where the daemon dies, and how Intercom is made to hold it there.
const CRASHES: [(&str, Arrange); 5] = [
    ("before the conversation is read", |intercom, reached| {
        hang(intercom, Endpoint::Conversation, Fault::Hang, reached);
    }),
    ("before the contact is read", |intercom, reached| hang(intercom, Endpoint::Contact, Fault::Hang, reached)),
    ("when the close has left and was not done", |intercom, reached| {
        hang(intercom, Endpoint::Close, Fault::Hang, reached);
    }),
    ("when the close was done and not answered", |intercom, reached| {
        intercom.fault(Endpoint::Close, Fault::ApplyThenHang);
        intercom.after_apply(Endpoint::Close, move |_| reached.send(()).unwrap());
    }),
    ("when the close was answered and is looked at once more", |intercom, reached| {
        intercom.fault(Endpoint::Close, Fault::HideContactTime);
        intercom
            .after_apply(Endpoint::Close, move |intercom| hang(intercom, Endpoint::Conversation, Fault::Hang, reached));
    }),
];

pub(crate) type Doomed = (tokio::runtime::Runtime, Arc<Daemon>);

/// A daemon in a runtime of its own, so that it can be killed with everything it runs.
pub(crate) async fn doomed(house: &House) -> Doomed {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (recipe, handle) = (house.recipe(), runtime.handle().clone());
    let starting = move || async move {
        let daemon = recipe.start().await;
        daemon.reconcile().await.unwrap();
        daemon
    };
    let daemon = tokio::task::spawn_blocking(move || handle.block_on(starting()));
    (runtime, Arc::new(daemon.await.unwrap()))
}

/// Lets it sweep until Intercom holds it where `arrange` says, and kills it there.
pub(crate) async fn killed((runtime, daemon): Doomed, arrange: impl FnOnce(oneshot::Sender<()>)) {
    let (reached, held) = oneshot::channel();
    arrange(reached);
    runtime.spawn(async move { daemon.sweep().await });
    arrived(held).await;
    dies(runtime).await;
}

/// Ends what runs in it where it stands; its lock beside the database is free when this returns.
pub(crate) async fn dies(runtime: tokio::runtime::Runtime) {
    let ending = move || runtime.shutdown_timeout(std::time::Duration::from_mins(1));
    tokio::task::spawn_blocking(ending).await.unwrap();
}

fn our_closes(house: &House, id: &ConversationId) -> usize {
    let parts = house.intercom.conversation(id).unwrap().parts;
    parts.iter().filter(|part| part.kind == "close" && part.author_id == "1009").count()
}

#[tokio::test]
async fn a_daemon_killed_at_any_step_of_a_close_closes_once() {
    for (place, arrange) in CRASHES {
        let mut house = House::without_daemon(BY_NAME).await;
        let id = house.answered().await;
        let doomed = doomed(&house).await;
        house.clock.advance(days(1));
        killed(doomed, |reached| arrange(&house.intercom, reached)).await;
        house.start().await;
        house.look().await;
        for _ in 0..12 {
            house.after(seconds(50)).await;
        }
        assert_eq!((house.state(&id), our_closes(&house, &id)), ("closed", 1), "killed {place}: {:?}", house.deeds());
        let journal = house.journal(&id).await;
        assert!(journal.last().unwrap().starts_with("done close"), "killed {place}: {journal:?}");
        assert_eq!(house.daemon().store().outcomes().await.unwrap(), [("done".to_owned(), 1)], "killed {place}");
    }
}

/// The same, for a reminder that ends a snooze.
const CRASHES_OF_A_REMINDER: [(&str, Arrange); 6] = [
    ("when the reply has left and was not done", |intercom, reached| {
        hang(intercom, Endpoint::Reply, Fault::Hang, reached);
    }),
    ("when the reply was done and not answered", |intercom, reached| {
        intercom.fault(Endpoint::Reply, Fault::ApplyThenHang);
        intercom.after_apply(Endpoint::Reply, move |_| reached.send(()).unwrap());
    }),
    ("when the reply was done and it is read once more", |intercom, reached| {
        intercom.after_apply(Endpoint::Reply, move |intercom| {
            hang(intercom, Endpoint::Conversation, Fault::Hang, reached);
        });
    }),
    ("when the snooze has left and was not done", |intercom, reached| {
        hang(intercom, Endpoint::Snooze, Fault::Hang, reached);
    }),
    ("when the snooze was done and not answered", |intercom, reached| {
        intercom.fault(Endpoint::Snooze, Fault::ApplyThenHang);
        intercom.after_apply(Endpoint::Snooze, move |_| reached.send(()).unwrap());
    }),
    ("when the snooze was lost, and the second one was done and not answered", |intercom, reached| {
        intercom.fault(Endpoint::Reply, Fault::ApplyThenHang);
        intercom.after_apply(Endpoint::Reply, move |intercom| {
            intercom.fault(Endpoint::Snooze, Fault::Drop);
            intercom.fault(Endpoint::Snooze, Fault::ApplyThenDrop);
            reached.send(()).unwrap();
        });
    }),
];

#[tokio::test]
async fn a_daemon_killed_at_any_step_of_a_reminder_reminds_once_and_restores_the_snooze() {
    for (place, arrange) in CRASHES_OF_A_REMINDER {
        let mut house = House::without_daemon(SNOOZED_A_WEEK).await;
        let id = house.answered().await;
        let until = house.clock.now() + days(30);
        house.intercom.teammate_snoozes(&id, until);
        let doomed = doomed(&house).await;
        house.clock.advance(days(5));
        killed(doomed, |reached| arrange(&house.intercom, reached)).await;
        house.start().await;
        house.look().await;
        for _ in 0..12 {
            house.after(seconds(50)).await;
        }
        let seen = house.intercom.conversation(&id).unwrap();
        let journal = house.journal(&id).await;
        assert_eq!((house.ours(&id, "comment"), house.ours(&id, "snoozed")), (1, 1), "killed {place}: {journal:?}");
        assert_eq!((seen.state, seen.snoozed_until), ("snoozed", Some(until)), "killed {place}: {journal:?}");
        house.after(days(2)).await;
        assert_eq!((house.state(&id), our_closes(&house, &id)), ("closed", 1), "killed {place}: {journal:?}");
    }
}

/// The same, for a close that a contact's reply takes back.
const CRASHES_OF_A_REOPENING: [(&str, Arrange); 3] = [
    ("before it is read again", |intercom, reached| {
        intercom.after_apply(Endpoint::Close, move |intercom| {
            hang(intercom, Endpoint::Conversation, Fault::Hang, reached);
        });
    }),
    ("when the opening has left and was not done", |intercom, reached| {
        hang(intercom, Endpoint::Open, Fault::Hang, reached);
    }),
    ("when the opening was done and not answered", |intercom, reached| {
        intercom.fault(Endpoint::Open, Fault::ApplyThenHang);
        intercom.after_apply(Endpoint::Open, move |_| reached.send(()).unwrap());
    }),
];

#[tokio::test]
async fn a_daemon_killed_at_any_step_of_a_reopening_opens_once() {
    for (place, arrange) in CRASHES_OF_A_REOPENING {
        let mut house = House::without_daemon(QUIET_A_DAY).await;
        let id = house.answered().await;
        let doomed = doomed(&house).await;
        house.clock.advance(days(1));
        let slipping = id.clone();
        house.intercom.before_answer(Endpoint::Close, move |intercom| {
            assert!(intercom.contact_replies(&slipping, "Wait!").is_some());
        });
        killed(doomed, |reached| arrange(&house.intercom, reached)).await;
        assert_eq!(our_closes(&house, &id), 1);
        house.start().await;
        house.look().await;
        for _ in 0..12 {
            house.after(seconds(50)).await;
        }
        let journal = house.journal(&id).await;
        assert_eq!((house.state(&id), house.ours(&id, "open")), ("open", 1), "killed {place}: {journal:?}");
        assert_eq!(our_closes(&house, &id), 1, "killed {place}: {journal:?}");
    }
}

#[tokio::test]
async fn whatever_becomes_of_the_answer_the_contact_reads_the_text_once() {
    let faults = [
        (Fault::Drop, "left before it was done"),
        (Fault::ApplyThenDrop, "done, then cut"),
        (Fault::ApplyThenStatus(500), "done, then 500"),
        (Fault::Status { status: 503, body: String::new() }, "503"),
        (Fault::Garbage200, "garbage"),
        (Fault::Truncated, "cut short"),
        (Fault::WrongId, "another conversation"),
        (Fault::WrongState, "another state"),
        (Fault::Html502, "a gateway's page"),
    ];
    for (fault, name) in faults {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.answered().await;
        house.intercom.fault(Endpoint::Close, fault);
        house.after(days(1)).await;
        for _ in 0..12 {
            house.after(seconds(50)).await;
        }
        assert_eq!(
            (house.state(&id), our_closes(&house, &id)),
            ("closed", 1),
            "{name}: {:?}",
            house.journal(&id).await
        );
    }
}

#[tokio::test]
async fn a_lost_answer_is_looked_into_after_a_minute_and_a_text_is_sent_again_after_five_at_the_soonest() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.intercom.fault(Endpoint::Close, Fault::Drop);
    house.after(days(1)).await;
    assert_eq!(house.journal(&id).await, ["unclear close: the answer was lost; looking into it"]);
    house.after(seconds(59)).await;
    assert_eq!((house.deeds().len(), house.reads(&id)), (1, 1));
    house.after(seconds(1)).await;
    assert_eq!((house.deeds().len(), house.reads(&id)), (1, 2));
    house.after(minutes(4) - seconds(1)).await;
    assert_eq!((house.deeds().len(), house.reads(&id)), (1, 2), "it may still come");
    house.after(seconds(1)).await;
    house.sweep().await;
    assert_eq!(house.deeds().len(), 2);
    assert_eq!(our_closes(&house, &id), 1);
}

#[tokio::test]
async fn a_reminder_whose_answer_was_lost_is_found_and_its_snooze_restored() {
    let house = House::with(SNOOZED_A_WEEK).await;
    let id = house.answered().await;
    let until = house.clock.now() + days(30);
    house.intercom.teammate_snoozes(&id, until);
    house.intercom.fault(Endpoint::Reply, Fault::ApplyThenDrop);
    house.after(days(5)).await;
    assert_eq!(house.state(&id), "open");
    house.after(minutes(1)).await;
    house.sweep().await;
    assert_eq!(house.intercom.conversation(&id).unwrap().snoozed_until, Some(until));
    house.after(days(2)).await;
    house.after(minutes(2)).await;
    assert_eq!(house.state(&id), "closed");
    let ours = house.intercom.conversation(&id).unwrap().parts;
    let texts = ours.iter().filter(|part| part.author_id == "1009" && part.body.is_some()).count();
    assert_eq!(texts, 2, "one reminder, one last word");
}

#[tokio::test]
async fn a_refused_close_rests_a_day_and_fails_for_good_after_three() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let refusal = r#"{"type":"error.list","errors":[{"code":"conflict","message":"no"}]}"#;
    house.intercom.fault_always(Endpoint::Close, Fault::Status { status: 409, body: refusal.into() });
    house.after(days(1)).await;
    assert_eq!(house.deeds().len(), 1);
    house.after(hours(24) - seconds(1)).await;
    assert_eq!(house.deeds().len(), 1);
    house.after(seconds(1)).await;
    house.after(days(1)).await;
    assert_eq!(house.deeds().len(), 3);
    house.after(days(10)).await;
    assert_eq!(house.deeds().len(), 3);
    let outcomes: Vec<String> =
        house.journal(&id).await.iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(outcomes, ["deferred", "deferred", "failed"]);
}

#[tokio::test]
async fn a_refused_token_stops_everything_until_it_is_good_again() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.intercom.change_workspace(|workspace| workspace.token = "another".into());
    house.after(days(1)).await;
    let asked = house.intercom.calls().len();
    assert!(matches!(house.sweep().await, Sweeping::Blocked(_)));
    assert_eq!(house.intercom.calls().len(), asked);
    house.intercom.contact_replies(&id, "Are you there?");
    house.intercom.settle().await;
    house
        .intercom
        .change_workspace(|workspace| workspace.token = autoclosed::fake_intercom::Workspace::default().token);
    house.look().await;
    house.after(days(1)).await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]));
}

#[tokio::test]
async fn a_deleted_conversation_is_not_asked_for_again() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.intercom.drop_notifications(true);
    house.intercom.delete(&id);
    house.after(days(1)).await;
    let asked = house.intercom.calls().len();
    house.after(days(3)).await;
    assert_eq!(house.intercom.calls().len(), asked);
}
