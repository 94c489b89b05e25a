//! What becomes of quiet conversations, end to end.

use autoclosed::daemon::Sweeping;
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};

use crate::harness::{House, QUIET_A_DAY, SNOOZED_A_WEEK, days, hours, minutes, seconds};

#[tokio::test]
async fn a_quiet_conversation_is_closed_once_with_its_last_word() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.after(hours(24) - seconds(1)).await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]));
    house.after(seconds(1)).await;
    assert_eq!((house.state(&id), house.deeds()), ("closed", vec!["close 200".to_owned()]));
    house.after(days(30)).await;
    assert_eq!(house.deeds().len(), 1);
    assert_eq!(
        house.journal(&id).await,
        ["done close: 1 day without a word since a teammate wrote at 2026-03-02 09:01:00 UTC"]
    );
    let last = house.intercom.conversation(&id).unwrap().parts.pop().unwrap();
    assert_eq!((last.kind, last.body.as_deref()), ("close", Some("<p>Closing this for now.</p>")));
}

#[tokio::test]
async fn a_snoozed_conversation_is_reminded_snoozed_again_and_closed() {
    let house = House::with(SNOOZED_A_WEEK).await;
    let id = house.answered().await;
    let until = house.clock.now() + days(30);
    house.intercom.teammate_snoozes(&id, until);
    house.after(days(5)).await;
    assert_eq!(house.deeds(), ["comment 200", "snoozed 200"]);
    let seen = house.intercom.conversation(&id).unwrap();
    assert_eq!((seen.state, seen.snoozed_until), ("snoozed", Some(until)));
    house.after(days(2) - seconds(1)).await;
    assert_eq!(house.state(&id), "snoozed");
    house.after(seconds(1)).await;
    assert_eq!(house.state(&id), "closed");
    assert_eq!(house.deeds(), ["comment 200", "snoozed 200", "close 200"]);
}

#[tokio::test]
async fn a_conversation_in_which_we_owe_the_answer_is_left_alone() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(hours(1));
    house.intercom.contact_replies(&id, "That does not work.");
    house.after(days(30)).await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]));
}

#[tokio::test]
async fn nothing_is_done_before_the_first_complete_look() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(days(2));
    house.start().await;
    assert!(matches!(house.sweep().await, Sweeping::Blocked(_)));
    assert_eq!(house.deeds(), Vec::<String>::new());
    house.look().await;
    house.sweep().await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn a_reply_that_slips_in_between_reading_and_closing_is_never_closed_over() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let slipping = id.clone();
    house.intercom.before_answer(Endpoint::Close, move |intercom| {
        intercom.contact_replies(&slipping, "Wait, one more thing!");
    });
    house.after(days(1)).await;
    assert_eq!(house.state(&id), "open");
    assert_eq!(house.deeds(), ["close 200", "open 200"]);
    assert_eq!(
        house.journal(&id).await,
        ["raced close: the contact wrote while it was being closed", "raced close: opened again"]
    );
    house.after(minutes(10)).await;
    assert_eq!(house.deeds().len(), 2);
}

#[tokio::test]
async fn a_snooze_that_was_restored_though_the_answer_was_lost_is_known_as_our_own() {
    let house = House::with(&SNOOZED_A_WEEK.replace("counts_from", "# counts_from")).await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    house.intercom.fault(Endpoint::Snooze, Fault::Drop);
    house.intercom.fault(Endpoint::Snooze, Fault::ApplyThenDrop);
    house.after(days(5)).await;
    assert_eq!(house.state(&id), "open");
    house.after(minutes(2)).await;
    house.after(minutes(2)).await;
    assert_eq!(house.deeds(), ["comment 200", "snoozed unanswered", "snoozed unanswered"]);
    assert_eq!(house.state(&id), "snoozed");
    house.after(days(2)).await;
    assert_eq!(house.state(&id), "closed", "its own snooze moved the timer");
}

#[tokio::test]
async fn own_deeds_come_back_as_webhooks_and_move_no_timer() {
    use autoclosed::fake_intercom::Echo;
    for echo in [Echo::AfterAnswer, Echo::BeforeAnswer, Echo::Never, Echo::Twice] {
        let house = House::with(SNOOZED_A_WEEK).await;
        house.intercom.echo(echo);
        let id = house.answered().await;
        house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
        house.after(days(5)).await;
        house.after(days(2)).await;
        assert_eq!(house.deeds(), ["comment 200", "snoozed 200", "close 200"], "{echo:?}");
    }
}

#[tokio::test]
async fn dry_run_decides_journals_and_sends_nothing() {
    let mut house = House::configured(&format!("mode = \"dry-run\"\n{SNOOZED_A_WEEK}"), Workspace::default()).await;
    house.start().await;
    house.look().await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    for _ in 0..10 {
        house.after(days(1)).await;
    }
    assert_eq!(house.deeds(), Vec::<String>::new());
    let since = "days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC";
    assert_eq!(house.journal(&id).await, [format!("dry_run reply 1: 5 {since}"), format!("dry_run close: 7 {since}")]);
}

#[tokio::test]
async fn a_tag_added_just_before_is_seen_although_no_webhook_told_of_it() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.intercom.drop_notifications(true);
    house.intercom.tag(&id, "autoclose-hold");
    house.after(days(1)).await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]));
    assert_eq!(house.journal(&id).await, ["left close: held by the tag `autoclose-hold`"]);
    house.intercom.untag(&id, "autoclose-hold");
    house.look().await;
    house.sweep().await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn a_reply_that_no_webhook_told_of_is_found_before_acting() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.intercom.drop_notifications(true);
    house.clock.advance(hours(1));
    house.intercom.contact_replies(&id, "That does not work.");
    house.after(days(1)).await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]));
}

#[tokio::test]
async fn a_snooze_that_runs_out_without_a_webhook_is_noticed() {
    let rule = QUIET_A_DAY.replace("match_all = true", "match.state = [\"woken\"]");
    let house = House::with(&rule).await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(3));
    house.after(days(3)).await;
    house.after(hours(24) - seconds(1)).await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]));
    house.after(seconds(1)).await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn closes_in_any_hour_stay_within_the_budget_across_restarts() {
    let rule = format!("mode = \"live\"\n[safety]\nmax_closes_per_hour = 2\n{QUIET_A_DAY}");
    let mut house = House::configured(&rule, Workspace::default()).await;
    house.start().await;
    house.look().await;
    let ids = [house.answered().await, house.answered().await, house.answered().await, house.answered().await];
    let closed = |house: &House| ids.iter().filter(|id| house.state(id) == "closed").count();
    house.after(days(1)).await;
    assert_eq!(closed(&house), 2);
    house.restart().await;
    house.after(minutes(50)).await;
    assert_eq!(closed(&house), 2);
    house.after(minutes(10)).await;
    house.sweep().await;
    assert_eq!(closed(&house), 4);
}

#[tokio::test]
async fn what_was_there_before_the_daemon_is_known_after_the_first_look() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let (quiet, owed) = (house.answered().await, house.intercom.contact_starts("Hello?"));
    house.clock.advance(days(2));
    house.start().await;
    house.look().await;
    house.sweep().await;
    assert_eq!((house.state(&quiet), house.state(&owed)), ("closed", "open"));
}
