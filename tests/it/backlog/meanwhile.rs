//! What happens beside the counting: hours that begin, a rule that is let act again while a sweep runs.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use autoclosed::engine::ConversationId;
use autoclosed::sabotage::{Point, Then, at_points};
use tokio::sync::Notify;

use super::{answered, begin, closed, strict, waiting};
use crate::harness::{House, QUIET_A_DAY, days, hours, minutes, seconds};

const FEW: &str = "max_due_at_once = 3";

/// Rules that close what bears their tag after a day, in the afternoons alone.
fn in_the_afternoon(tags: &[&str]) -> String {
    let calendar = "[[calendar]]\nname = \"afternoon\"\nhours = { mon-sun = [\"14:00-18:00\"] }\n";
    let rule = |tag: &&str| {
        format!(
            "[[rule]]\nname = \"{tag}\"\nmatch.tags = \"{tag}\"\nact_only = \"afternoon\"\n\
             step = [{{ after = \"1 day\", do = \"close\", silent = true }}]\n"
        )
    };
    let rules: Vec<String> = tags.iter().map(rule).collect();
    format!("{calendar}{}", rules.concat())
}

async fn tagged(house: &House, tag: &str, count: usize) -> Vec<ConversationId> {
    let ids = answered(house, count).await;
    for id in &ids {
        house.intercom.tag(id, tag);
    }
    house.intercom.settle().await;
    ids
}

#[tokio::test]
async fn what_comes_due_before_the_hours_begin_has_nothing_to_do_with_a_gap_before_that() {
    let mut house = strict(FEW, &in_the_afternoon(&["a"])).await;
    begin(&mut house).await;
    house.clock.advance(hours(11));
    let ids = tagged(&house, "a", 5).await;
    // All of them come due at eight in the evening, and nothing can be done for a while that night.
    for _ in 0..30 * 6 {
        house.after(minutes(10)).await;
    }
    house.stop().await;
    house.clock.advance(minutes(20));
    begin(&mut house).await;
    house.sweep().await;
    for _ in 0..24 * 6 {
        house.after(minutes(10)).await;
    }
    assert_eq!((closed(&house, &ids), waiting(&house).await.len()), (5, 0));
}

#[tokio::test]
async fn what_several_rules_come_to_do_with_the_beginning_of_their_hours_is_counted_together() {
    let mut house = strict(FEW, &in_the_afternoon(&["a", "b"])).await;
    let mut ids = tagged(&house, "a", 3).await;
    ids.extend(tagged(&house, "b", 3).await);
    house.clock.advance(days(2));
    begin(&mut house).await;
    house.sweep().await;
    for _ in 0..6 * 6 {
        house.after(minutes(10)).await;
    }
    assert_eq!((closed(&house, &ids), waiting(&house).await.len()), (0, 6));
}

/// A sweep that stops at its first conversation until `meanwhile` has happened.
async fn sweep_and(house: &House, meanwhile: impl Future<Output = ()>) {
    let (first, arrived, go_on) = (Rc::new(Cell::new(true)), Rc::new(Notify::new()), Arc::new(Notify::new()));
    let (notice, told) = (Rc::clone(&arrived), Arc::clone(&go_on));
    let in_force = at_points(move |at| {
        if at == Point::Picked && first.replace(false) {
            notice.notify_one();
            return Then::Waits(Arc::clone(&told));
        }
        Then::GoesOn
    });
    let beside = async {
        arrived.notified().await;
        meanwhile.await;
        go_on.notify_one();
    };
    tokio::join!(house.sweep(), beside);
    drop(in_force);
}

#[tokio::test]
async fn a_rule_that_is_resumed_while_a_sweep_runs_is_looked_at_as_a_whole_first() {
    let mut house = strict(FEW, QUIET_A_DAY).await;
    begin(&mut house).await;
    house.sweep().await;
    let store = house.daemon().store().clone();
    store.pause(Some("quiet-a-day"), house.clock.now()).await.unwrap();
    let ids = answered(&house, 6).await;
    for _ in 0..30 * 6 {
        house.after(minutes(10)).await;
    }
    house.clock.advance(minutes(2));
    sweep_and(&house, async {
        store.resume(Some("quiet-a-day"), house.clock.now()).await.unwrap();
    })
    .await;
    for _ in 0..3 {
        house.after(seconds(10)).await;
    }
    // One was being looked at when the word came, and rests for a minute.
    assert_eq!((closed(&house, &ids), waiting(&house).await.len()), (0, 5));
    drop(store);
}
