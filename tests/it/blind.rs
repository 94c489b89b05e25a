//! Ways to be blind and not to say so: what hides a change that no webhook told, and what only seems to be one.

use std::time::Duration;

use autoclosed::clock::Clock;
use autoclosed::engine::conversation::Class;
use autoclosed::fake_intercom::{Endpoint, FakeIntercom, Fault, RateReset, Workspace};
use autoclosed::sabotage::{Bug, plant};
use jiff::SignedDuration;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::campaigns::column;
use crate::harness::{CLIENT_SECRET, House, QUIET_A_DAY, days, hours, minutes, seconds};
use crate::hostile::peer;
use crate::hostile::program::Program;
use crate::metrics::page::Page;
use crate::topics::deliver;
use crate::topics::families::{Family, telling};

const FORBIDDEN: &str = r#"{"type":"error.list","errors":[{"code":"forbidden","message":"m"}]}"#;

async fn missed(house: &House) -> String {
    Page::of(house).await.lines("autoclosed_missed_notifications_total").concat()
}

async fn well(house: &House, check: &str) -> bool {
    house.check(check).await.starts_with("ok: ")
}

#[tokio::test]
async fn what_happened_while_it_was_down_is_not_missed_though_it_was_started_twice_before_it_could_look() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(hours(1));
    house.look().await;
    house.stop().await;
    house.clock.advance(minutes(5));
    house.intercom.drop_notifications(true);
    assert!(house.intercom.contact_replies(&id, "Hello?").is_some());
    house.intercom.drop_notifications(false);
    house.clock.advance(minutes(5));
    house.start().await;
    house.clock.advance(minutes(1));
    house.stop().await;
    house.clock.advance(seconds(5));
    house.start().await;
    house.clock.advance(minutes(3));
    house.look().await;
    assert_eq!((missed(&house).await.as_str(), well(&house, "notifications").await), ("0", true));
    // Having looked, it answers for what comes.
    house.clock.advance(minutes(1));
    house.intercom.drop_notifications(true);
    assert!(house.intercom.contact_replies(&id, "Anybody?").is_some());
    house.clock.advance(seconds(1));
    house.restart().await;
    house.clock.advance(minutes(3));
    house.look().await;
    assert_eq!(missed(&house).await, "1");
}

#[tokio::test]
async fn an_answer_that_no_webhook_told_is_found_though_a_later_change_was_told_late() {
    for late in [0, 1, 2, 30] {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.intercom.contact_starts("How do I export my data?");
        house.intercom.settle().await;
        house.clock.advance(hours(1));
        house.look().await;
        house.intercom.drop_notifications(true);
        house.intercom.teammate_replies(&id, "Under Settings.");
        house.clock.advance(minutes(1));
        house.intercom.teammate_prioritizes(&id, "high");
        let at = house.clock.now().as_second();
        let mut told =
            Family::V2.notification(&telling(id.as_str().parse().unwrap(), "conversation.priority.updated", 3660));
        assert_eq!(told["data"]["item"]["updated_at"], json!(at));
        told["created_at"] = json!(at + late);
        house.clock.advance(seconds(late));
        assert_eq!(deliver(&house, &told).await, 200);
        house.clock.advance(minutes(5));
        house.look().await;
        let answered = house.known(&id).await.unwrap().latest.keys().any(|(class, _)| *class == Class::TeammateReply);
        assert!(answered, "told {late} s late: nobody is owed an answer");
        assert_eq!(missed(&house).await, "1", "told {late} s late");
    }
}

#[tokio::test]
async fn a_look_waits_where_intercom_asks_to_slow_down() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let ids: Vec<_> = (0..4).map(|_| house.intercom.contact_starts("Hello?")).collect();
    house.clock.advance(seconds(2));
    house.start().await;
    house.intercom.fault(Endpoint::Conversation, Fault::RateLimited { reset: RateReset::InSeconds(5) });
    let time = house.clock.clone();
    let passes = async move {
        loop {
            tokio::task::yield_now().await;
            time.advance(SignedDuration::from_millis(5));
        }
    };
    tokio::select! {
        looked = house.daemon().reconcile() => assert_eq!(looked.map(|found| found.changed), Ok(4)),
        () = passes => {}
    }
    for id in &ids {
        assert!(house.known(id).await.unwrap().whole);
    }
}

#[tokio::test]
async fn health_is_bad_while_intercom_shows_no_conversation_at_all() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    for _ in 0..8 {
        house.intercom.contact_starts("Hello?");
    }
    house.clock.advance(seconds(2));
    house.start().await;
    house.intercom.fault_always(Endpoint::Conversation, Fault::Status { status: 403, body: FORBIDDEN.into() });
    house.look().await;
    house.sweep().await;
    insta::assert_snapshot!(house.check("intercom").await, @"bad: refuses to show conversations (HTTP 403, code forbidden), so none of them is closed; give the app the permission to read conversations in the Developer Hub");
    house.clock.advance(minutes(10));
    house.look().await;
    house.sweep().await;
    assert!(!well(&house, "intercom").await, "it stays so");
    house.intercom.clear_faults();
    house.clock.advance(hours(1));
    house.look().await;
    house.sweep().await;
    assert_eq!(house.bad().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_counter_of_misses_goes_on_though_old_ones_are_forgotten() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    for count in 1..=5 {
        house.clock.advance(days(20));
        house.look().await;
        house.intercom.drop_notifications(true);
        house.clock.advance(seconds(1));
        assert!(house.intercom.contact_replies(&id, "Hello?").is_some());
        house.intercom.drop_notifications(false);
        house.clock.advance(minutes(3));
        house.look().await;
        assert_eq!(missed(&house).await, count.to_string());
        house.daemon().tidy().await;
        assert_eq!(missed(&house).await, count.to_string(), "after forgetting");
    }
}

/// Planted: it stays for ever, and the file grows without end.
#[tokio::test]
async fn what_is_older_than_the_retention_goes_and_what_is_not_stays() {
    for (bug, left) in [(None, 1), (Some(Bug::KeepsEverything), 2)] {
        let mut house = House::without_daemon(QUIET_A_DAY).await;
        house.keep_for("1 day");
        house.start().await;
        house.look().await;
        house.intercom.contact_starts("One.");
        house.intercom.settle().await;
        house.clock.advance(days(1) - minutes(1));
        house.intercom.contact_starts("Two.");
        house.intercom.settle().await;
        house.look().await;
        let count = async || column(&house.database(), "SELECT id FROM seen_notifications").await.len();
        let planted = bug.map(plant);
        house.daemon().tidy().await;
        assert_eq!(count().await, 2, "{bug:?}: a minute before");
        house.clock.advance(minutes(2));
        house.look().await;
        house.daemon().tidy().await;
        assert_eq!(count().await, left, "{bug:?}");
        drop(planted);
    }
}

/// The schedule of looks wakes the forgetting too: some real seconds.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_forgets_by_itself() {
    let fake = FakeIntercom::start(Clock::System, Workspace::default()).await.unwrap();
    let more = "retention = \"1 second\"\n[schedule]\nreconcile = \"* * * * * *\"";
    let program = Program::start(&fake.url(), "info", more);
    let kept = async || program.rows("SELECT reason FROM notification_body").await.len();
    let odd = peer::signed(CLIENT_SECRET, b"{");
    assert_eq!(peer::Peer::to(program.webhook).await.ask(&odd).await.map(|answer| answer.status), Some(200));
    assert_eq!(kept().await, 1);
    let began = Instant::now();
    while kept().await > 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "it is kept for ever");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_short_retention_neither_hides_what_was_missed_nor_makes_a_repeat_news() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    house.keep_for("1 second");
    house.start().await;
    house.look().await;
    let id = house.answered().await;
    house.intercom.drop_notifications(true);
    house.intercom.contact_replies(&id, "Hello?");
    house.intercom.drop_notifications(false);
    house.clock.advance(minutes(30));
    house.look().await;
    house.daemon().tidy().await;
    assert!(house.check("notifications").await.contains("1 missed"), "{}", house.check("notifications").await);
}

#[tokio::test]
async fn what_came_and_was_closed_unseen_is_counted_by_the_daily_look_too() {
    for (name, pause) in [("a usual look", hours(1)), ("the daily look", hours(24) - minutes(5))] {
        let house = House::with(QUIET_A_DAY).await;
        house.clock.advance(pause);
        house.look().await;
        house.intercom.drop_notifications(true);
        let id = house.intercom.contact_starts("Hello?");
        house.clock.advance(minutes(1));
        house.intercom.teammate_closes(&id, Some("Bye."));
        house.intercom.drop_notifications(false);
        house.clock.advance(minutes(6));
        house.look().await;
        assert_eq!(missed(&house).await, "2", "{name}");
    }
}

#[tokio::test]
async fn a_clock_that_was_behind_at_the_start_makes_no_misses_and_one_that_was_ahead_hides_none() {
    for (name, ahead) in [("behind", minutes(-3)), ("ahead", days(1))] {
        let mut house = House::without_daemon(QUIET_A_DAY).await;
        let clock = house.give_the_daemon_a_clock();
        house.clock.advance(minutes(10));
        let id = house.answered().await;
        house.clock.advance(minutes(1));
        clock.set(house.clock.now() + ahead);
        house.start().await;
        house.look().await;
        let pass = |time| {
            clock.advance(time);
            house.clock.advance(time);
        };
        pass(minutes(10));
        house.look().await;
        assert_eq!(
            (missed(&house).await.as_str(), well(&house, "notifications").await),
            ("0", true),
            "{name}: before the start"
        );
        house.intercom.drop_notifications(true);
        assert!(house.intercom.contact_replies(&id, "Hello?").is_some());
        pass(minutes(10));
        house.look().await;
        assert_eq!(missed(&house).await, "1", "{name}: after it");
    }
}

#[tokio::test]
async fn a_token_refused_in_a_search_stops_acting() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(days(1));
    let revoked = r#"{"type":"error.list","errors":[{"code":"token_revoked","message":"m"}]}"#;
    house.intercom.fault_always(Endpoint::Search, Fault::Status { status: 401, body: revoked.into() });
    assert!(house.daemon().reconcile().await.is_err());
    house.sweep().await;
    assert_eq!(house.state(&id), "open");
    assert!(!well(&house, "intercom").await);
}

#[tokio::test]
async fn a_look_reads_what_it_lists_though_the_clock_of_the_next_answer_is_behind() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let ids: Vec<_> = (0..4).map(|_| house.intercom.contact_starts("Hello?")).collect();
    house.give_the_daemon_a_clock().advance(minutes(1));
    house.clock.advance(seconds(10));
    house.start().await;
    let theirs = house.clock.clone();
    house
        .intercom
        .before_answer(Endpoint::Search, move |_| theirs.set(theirs.now() - SignedDuration::from_millis(100)));
    assert_eq!(house.daemon().reconcile().await.map(|found| (found.listed, found.changed)), Ok((4, 4)));
    for id in &ids {
        assert!(house.known(id).await.unwrap().whole);
    }
}
