//! What is too late, or due in bulk, waits for an operator: whatever stops or jumps, and until he lets it go.

mod commands;
mod meanwhile;
mod surges;

use autoclosed::command::backlog::list;
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::Workspace;
use autoclosed::sabotage::{Bug, plant};
use serde_json::Value;

use crate::harness::{House, QUIET_A_DAY, days, hours, minutes, seconds};

/// The product's own lateness.
pub(crate) const STRICT: &str = "max_lateness = \"3 days\"\n";

/// A live house with these limits and these rules; no daemon yet.
pub(crate) async fn strict(limits: &str, rules: &str) -> House {
    House::configured(&head("live", limits, rules), Workspace::default()).await
}

pub(crate) fn head(mode: &str, limits: &str, rules: &str) -> String {
    format!("mode = \"{mode}\"\n[safety]\n{STRICT}{limits}\n{rules}")
}

pub(crate) async fn begin(house: &mut House) {
    house.start().await;
    house.look().await;
}

/// What waits, as scripts see it.
pub(crate) async fn waiting(house: &House) -> Vec<Value> {
    let list = serde_json::to_value(list(&house.desk().await).await.unwrap()).unwrap();
    list.as_array().unwrap().clone()
}

pub(crate) async fn reasons(house: &House) -> Vec<String> {
    waiting(house).await.iter().map(|entry| entry["reason"].as_str().unwrap().to_owned()).collect()
}

pub(crate) async fn answered(house: &House, count: usize) -> Vec<ConversationId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(house.answered().await);
    }
    ids
}

pub(crate) fn closed(house: &House, ids: &[ConversationId]) -> usize {
    ids.iter().filter(|id| house.state(id) == "closed").count()
}

#[tokio::test]
async fn what_is_reached_in_time_is_done_and_what_is_reached_later_waits() {
    let late = days(3) + hours(1);
    for (late, bug, done) in [(days(3), None, true), (late, None, false), (late, Some(Bug::IsNeverTooLate), true)] {
        let mut house = strict("", QUIET_A_DAY).await;
        begin(&mut house).await;
        let id = house.answered().await;
        house.stop().await;
        house.clock.advance(days(1) + late);
        begin(&mut house).await;
        let planted = bug.map(plant);
        house.sweep().await;
        drop(planted);
        assert_eq!(house.state(&id) == "closed", done, "{late}, {bug:?}");
        if !done {
            assert_eq!(reasons(&house).await, ["3 days 1 hour late; [safety] max_lateness allows 3 days"]);
            assert_eq!(house.deeds(), Vec::<String>::new());
            assert_eq!(
                house.journal(&id).await,
                ["deferred close: waits in the backlog for an operator: 3 days 1 hour late; [safety] max_lateness \
                  allows 3 days"]
            );
            assert_eq!(
                house.check("backlog").await,
                "ok: 1 step waits for an operator; `autoclosed backlog list` shows them"
            );
        }
    }
}

#[tokio::test]
async fn what_waits_costs_a_sweep_nothing_and_stays_over_restarts() {
    let mut house = strict("", QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(days(9));
    begin(&mut house).await;
    house.sweep().await;
    let calls = house.reads(&id);
    for _ in 0..5 {
        house.after(minutes(1)).await;
    }
    assert_eq!(house.reads(&id), calls);
    house.restart().await;
    house.after(days(2)).await;
    assert_eq!((house.state(&id), waiting(&house).await.len()), ("open", 1));
}

#[tokio::test]
async fn whatever_somebody_says_takes_it_out_in_the_same_moment() {
    let mut house = strict("", QUIET_A_DAY).await;
    let ids = answered(&house, 3).await;
    house.clock.advance(days(9));
    begin(&mut house).await;
    house.sweep().await;
    assert_eq!(waiting(&house).await.len(), 3);
    house.intercom.contact_replies(&ids[0], "Still there?");
    house.intercom.teammate_closes(&ids[1], None);
    house.intercom.teammate_notes(&ids[2], "Have a look.");
    house.intercom.settle().await;
    let left = waiting(&house).await;
    assert_eq!(left.len(), 1, "a note is no word");
    assert_eq!(left[0]["conversation"], ids[2].as_str());
    assert_eq!(
        house.journal(&ids[0]).await.last().unwrap(),
        "left close: taken out of the backlog, as things have changed"
    );
    house.clock.advance(minutes(1));
    house.intercom.teammate_replies(&ids[0], "Yes. Does it work?");
    house.after(days(1)).await;
    assert_eq!(house.state(&ids[0]), "closed", "it counts from the new word");
}

#[tokio::test]
async fn a_word_that_holds_it_for_a_while_leaves_it_where_it_was() {
    let mut house = strict("", QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(days(9));
    begin(&mut house).await;
    house.sweep().await;
    house.intercom.tag(&id, "autoclose-hold");
    house.intercom.settle().await;
    house.after(minutes(1)).await;
    house.intercom.untag(&id, "autoclose-hold");
    house.intercom.settle().await;
    house.after(minutes(1)).await;
    assert_eq!((house.state(&id), waiting(&house).await.len()), ("open", 1));
}

#[tokio::test]
async fn waiting_for_a_budget_is_no_lateness_but_a_pause_meanwhile_is() {
    for paused in [false, true] {
        let limits = "[safety]\nmax_lateness = \"3 hours\"\nmax_closes_per_hour = 1\nmax_due_at_once = 1\n";
        let head = format!("mode = \"live\"\n{limits}{QUIET_A_DAY}");
        let mut house = House::configured(&head, Workspace::default()).await;
        begin(&mut house).await;
        let ids = answered(&house, 8).await;
        house.after(days(1) - minutes(8)).await;
        // Each comes within reach when it is due, and then waits for its turn.
        house.after(minutes(10)).await;
        assert_eq!(closed(&house, &ids), 1);
        if paused {
            let store = house.daemon().store().clone();
            store.pause(Some("quiet-a-day"), house.clock.now()).await.unwrap();
            for _ in 0..5 {
                house.after(hours(1)).await;
            }
            store.resume(Some("quiet-a-day"), house.clock.now()).await.unwrap();
        }
        for _ in 0..9 {
            house.after(minutes(61)).await;
        }
        let want = if paused { (1, 7) } else { (8, 0) };
        assert_eq!((closed(&house, &ids), waiting(&house).await.len()), want, "{:?}", reasons(&house).await);
    }
}

#[tokio::test]
async fn the_time_outside_the_hours_of_a_rule_is_no_lateness() {
    let rules = r#"
[[calendar]]
name = "mondays"
hours = { mon = ["09:00-18:00"] }
[[rule]]
name = "by-day"
match_all = true
act_only = "mondays"
step = [{ after = "1 hour", do = "close", silent = true }]
"#;
    let mut house = strict("", rules).await;
    begin(&mut house).await;
    house.clock.advance(hours(8) - seconds(90));
    let id = house.answered().await;
    // Due half a minute before the hours end, and looked at when they have begun again.
    house.after(days(7) - hours(8)).await;
    house.after(hours(1)).await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn the_time_in_dry_run_is_lateness() {
    let mut house = House::configured(&head("dry-run", "", QUIET_A_DAY), Workspace::default()).await;
    begin(&mut house).await;
    let id = house.answered().await;
    for _ in 0..6 {
        house.after(days(1)).await;
    }
    assert_eq!(waiting(&house).await.len(), 0, "a dry run puts nothing aside");
    house.stop().await;
    house.configure(&head("live", "", QUIET_A_DAY));
    begin(&mut house).await;
    house.sweep().await;
    assert_eq!((house.state(&id), waiting(&house).await.len()), ("open", 1));
}

#[tokio::test]
async fn a_hold_lifted_by_hand_is_lateness_and_one_that_ends_is_not() {
    let mut house = strict("", QUIET_A_DAY).await;
    begin(&mut house).await;
    let ids = answered(&house, 2).await;
    let (store, app_id) = (house.daemon().store().clone(), Workspace::default().app_id);
    let now = house.clock.now();
    store.hold(&app_id, &ids[0], None, now).await.unwrap();
    store.hold(&app_id, &ids[1], Some(now + days(9)), now).await.unwrap();
    for _ in 0..10 {
        house.after(days(1)).await;
    }
    store.release(&app_id, &ids[0], house.clock.now()).await.unwrap();
    drop(store);
    house.after(seconds(10)).await;
    assert_eq!((house.state(&ids[0]), house.state(&ids[1])), ("open", "closed"));
    assert_eq!(waiting(&house).await.len(), 1);
}
