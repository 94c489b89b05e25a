//! What no webhook told: the looks at the workspace itself, from end to end.

use autoclosed::daemon::Sweeping;
use autoclosed::engine::ConversationId;
use autoclosed::engine::conversation::State;
use autoclosed::fake_intercom::{Endpoint, Fault};
use autoclosed::safety::Blocked;
use autoclosed::store::Listing;
use tokio::sync::oneshot;

use crate::harness::{House, QUIET_A_DAY, days, hours, minutes, monday, seconds};

fn searches(house: &House) -> usize {
    house.intercom.calls().iter().filter(|call| call.endpoint == Endpoint::Search).count()
}

fn many(house: &House, count: usize) -> Vec<ConversationId> {
    (0..count).map(|_| house.intercom.contact_starts("Hello?")).collect()
}

#[tokio::test]
async fn every_page_of_the_workspace_is_read() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let ids = many(&house, 200);
    house.clock.advance(seconds(2));
    house.start().await;
    let found = house.daemon().reconcile().await.unwrap();
    assert_eq!((found.listed, found.changed, found.complete), (200, 200, true));
    assert_eq!(searches(&house), 2);
    for id in &ids {
        assert_eq!(house.reads(id), 1);
        assert!(house.known(id).await.unwrap().whole, "listed, not read");
    }
    let again = house.daemon().reconcile().await.unwrap();
    assert_eq!((again.changed, again.complete), (0, false));
}

#[tokio::test]
async fn a_look_that_was_interrupted_goes_on_where_it_stopped() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let ids = many(&house, 20);
    house.clock.advance(seconds(2));
    house.start().await;
    let (reached, held) = oneshot::channel();
    for _ in 0..10 {
        house.intercom.before_answer(Endpoint::Conversation, |_| {});
    }
    house.intercom.before_answer(Endpoint::Conversation, move |intercom| {
        intercom.fault(Endpoint::Conversation, Fault::Hang);
        reached.send(()).unwrap();
    });
    tokio::select! {
        looked = house.daemon().reconcile() => unreachable!("it does not hang: {looked:?}"),
        asked = held => asked.unwrap(),
    }
    house.stop().await;
    house.start().await;
    assert!(matches!(house.sweep().await, Sweeping::Blocked(_)));
    let found = house.daemon().reconcile().await.unwrap();
    assert_eq!((found.listed, found.changed, found.complete), (20, 10, true));
    let reads: usize = ids.iter().map(|id| house.reads(id)).sum();
    assert_eq!(reads, 21, "the one that hung is asked for twice, no other");
}

type Change = fn(&House, &ConversationId) -> bool;

/// What happens unseen, and whether the search lists it as changed.
const UNSEEN: [(&str, Change, bool); 5] = [
    ("closed", |house, id| house.intercom.teammate_closes(id, None).is_some(), true),
    ("snoozed", |house, id| house.intercom.teammate_snoozes(id, house.clock.now() + days(9)).is_some(), true),
    ("answered by the contact", |house, id| house.intercom.contact_replies(id, "No.").is_some(), true),
    ("merged", |house, id| house.intercom.merge(id, &house.intercom.contact_starts("And this?")), true),
    ("deleted", |house, id| house.intercom.delete(id), false),
];

async fn has_noticed(house: &House, id: &ConversationId, change: &str) -> bool {
    let known = house.known(id).await.unwrap();
    match change {
        "closed" | "merged" => known.state() == Some(State::Closed),
        "snoozed" => matches!(known.state(), Some(State::Snoozed { .. })),
        "deleted" => known.gone,
        _ => known.last_contact_reply().is_some_and(|(at, _)| at > monday()),
    }
}

#[tokio::test]
async fn what_changed_unseen_is_found_by_the_next_look() {
    for (name, change, listed) in UNSEEN {
        let house = House::with(QUIET_A_DAY).await;
        let (id, other) = (house.answered().await, house.answered().await);
        house.clock.advance(hours(1));
        house.look().await;
        house.clock.advance(hours(1));
        house.intercom.drop_notifications(true);
        assert!(change(&house, &id));
        house.clock.advance(minutes(10));
        let before = house.reads(&other);
        let found = house.daemon().reconcile().await.unwrap();
        assert!(!found.complete, "{name}");
        assert_eq!(has_noticed(&house, &id, name).await, listed, "{name}");
        assert_eq!(house.reads(&other), before, "{name}: what did not change is not read");
    }
}

#[tokio::test]
async fn what_changed_unseen_is_found_by_the_daily_look() {
    for (name, change, _) in UNSEEN {
        let house = House::with(QUIET_A_DAY).await;
        let (id, other) = (house.answered().await, house.answered().await);
        house.clock.advance(hours(1));
        house.look().await;
        house.intercom.drop_notifications(true);
        assert!(change(&house, &id));
        // Nobody looked for a day, as after an outage.
        house.clock.advance(hours(23) - minutes(2));
        let before = house.reads(&other);
        let found = house.daemon().reconcile().await.unwrap();
        assert!(found.complete, "{name}");
        assert!(has_noticed(&house, &id, name).await, "{name}");
        assert_eq!(house.reads(&other), before, "{name}: what did not change is not read");
    }
}

#[tokio::test]
async fn a_conversation_that_cannot_be_read_is_asked_for_ever_more_rarely() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let id = house.intercom.contact_starts("Hello?");
    house.intercom.fault_always(Endpoint::Conversation, Fault::Status { status: 403, body: "{}".into() });
    house.start().await;
    let mut asked_after = Vec::new();
    for minute in 0..=200 {
        let before = house.reads(&id);
        house.look().await;
        house.sweep().await;
        asked_after.extend((house.reads(&id) > before).then_some(minute));
        house.clock.advance(minutes(1));
    }
    assert_eq!(asked_after, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
    house.intercom.clear_faults();
    house.clock.advance(hours(1));
    house.look().await;
    assert!(house.known(&id).await.unwrap().whole);
}

#[tokio::test]
async fn nothing_is_done_on_a_known_database_before_the_first_look_after_a_start() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.stop().await;
    house.clock.advance(days(1));
    house.start().await;
    assert!(matches!(house.sweep().await, Sweeping::Blocked(_)));
    // The first look gets as far as knowing who we are, and what there is.
    for on in [Endpoint::Search, Endpoint::Conversation] {
        house.intercom.drop_notifications(true);
        many(&house, 6);
        house.intercom.fault_always(on, Fault::Status { status: 500, body: String::new() });
        assert!(house.daemon().reconcile().await.is_err(), "{on:?}");
        assert_eq!(house.sweep().await, Sweeping::Blocked(Blocked::NotLookedYet), "{on:?}");
        assert!(house.check("reconcile").await.starts_with("bad: first look at the workspace failed"), "{on:?}");
        house.intercom.clear_faults();
    }
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]));
    // So many failures that nothing is asked for half a minute.
    house.clock.advance(minutes(1));
    house.look().await;
    house.sweep().await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_end_the_look() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    house.start().await;
    let page = r#"{"type":"conversation.list","pages":{"type":"pages","next":{"page":2,"starting_after":"x"}},
        "total_count":0,"conversations":[]}"#;
    house.intercom.fault_always(Endpoint::Search, Fault::Status { status: 200, body: page.into() });
    assert!(house.daemon().reconcile().await.is_err());
    assert_eq!(searches(&house), 2);
    assert_eq!(house.sweep().await, Sweeping::Blocked(Blocked::NotLookedYet));
}

#[tokio::test]
async fn the_second_of_two_changes_in_one_second_is_found_though_only_the_first_was_told() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(hours(1));
    house.look().await;
    house.clock.advance(hours(1));
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(9));
    house.intercom.settle().await;
    house.intercom.drop_notifications(true);
    house.intercom.contact_replies(&id, "It is urgent!");
    house.clock.advance(minutes(10));
    house.look().await;
    let known = house.known(&id).await.unwrap();
    assert_eq!(known.state(), Some(State::Open));
    assert_eq!(
        known.last_contact_reply().map(|(at, _)| at),
        house.intercom.conversation(&id).unwrap().last_contact_reply
    );
    let before = house.reads(&id);
    house.clock.advance(minutes(1));
    house.look().await;
    assert_eq!(house.reads(&id), before, "once is enough");
}

#[tokio::test]
async fn a_search_that_fails_midway_leaves_marked_what_it_listed() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let ids = many(&house, 200);
    house.clock.advance(seconds(2));
    house.start().await;
    house.intercom.after_apply(Endpoint::Search, |intercom| {
        intercom.fault_always(Endpoint::Search, Fault::Status { status: 500, body: String::new() });
    });
    assert!(house.daemon().reconcile().await.is_err());
    let app_id = house.context().app_id.unwrap();
    assert_eq!(house.daemon().store().count_to_fetch(&app_id, house.clock.now()).await.unwrap(), 150);
    assert!(matches!(house.sweep().await, Sweeping::Blocked(_)), "half a look is none");
    house.intercom.clear_faults();
    house.restart().await;
    assert!(ids.iter().all(|id| house.reads(id) == 1), "each once, before and after the restart");
}

/// Whatever is read is told of anew before the next one is, as in a lively workspace.
#[tokio::test]
async fn a_look_ends_with_what_was_there_when_it_began_however_fast_more_comes() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    many(&house, 3);
    house.clock.advance(seconds(2));
    house.start().await;
    let (mut gate, daemon) = (house.intercom.gate(), house.daemon());
    let told_of_anew = async {
        let (mut read, mut last) = (0, None::<ConversationId>);
        while let Some(passing) = gate.recv().await {
            if passing.call.endpoint != Endpoint::Conversation || passing.applied {
                continue;
            }
            read += 1;
            assert!(read < 20, "it goes on for ever");
            house.clock.advance(seconds(1));
            if let Some(id) = last {
                let app_id = house.context().app_id.unwrap();
                let listed = [Listing { id, updated_at: None }];
                assert_eq!(daemon.store().mark_listed(&app_id, &listed, house.clock.now()).await.unwrap(), 1);
            }
            let path = passing.call.path.split('?').next().unwrap();
            last = ConversationId::try_from(path.rsplit('/').next().unwrap()).ok();
        }
    };
    tokio::select! {
        () = told_of_anew => unreachable!("the gate stands as long as the fake"),
        looked = daemon.reconcile() => assert_eq!(looked.unwrap().changed, 3),
    }
}

#[tokio::test]
async fn health_tells_how_many_are_left_to_read() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    many(&house, 120);
    house.clock.advance(seconds(2));
    house.start().await;
    let mut told = Vec::new();
    for nth in [0, 50, 50] {
        let (reached, held) = oneshot::channel();
        for _ in 0..nth {
            house.intercom.before_answer(Endpoint::Conversation, |_| {});
        }
        house.intercom.before_answer(Endpoint::Conversation, move |intercom| {
            intercom.fault(Endpoint::Conversation, Fault::Hang);
            reached.send(()).unwrap();
        });
        tokio::select! {
            looked = house.daemon().reconcile() => unreachable!("it does not hang: {looked:?}"),
            () = async {
                held.await.unwrap();
                told.push(house.check("reconcile").await);
            } => {}
        }
    }
    assert_eq!(
        told,
        [120, 70, 20].map(|left| format!("bad: first look at the workspace: {left} conversations left to read"))
    );
}

#[tokio::test]
async fn what_has_fallen_out_of_the_newest_parts_never_closes_over_a_contact() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(minutes(1));
    house.intercom.contact_replies(&id, "And on a phone?");
    let asked = house.intercom.conversation(&id).unwrap().last_contact_reply;
    for _ in 0..501 {
        house.clock.advance(seconds(1));
        house.intercom.teammate_notes(&id, "Still looking.");
    }
    house.clock.advance(seconds(2));
    house.start().await;
    house.look().await;
    let known = house.known(&id).await.unwrap();
    assert_eq!((known.whole, known.last_contact_reply().map(|(at, _)| at)), (true, asked), "told by the statistics");
    house.after(days(3)).await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]), "the contact waits for an answer");
}
