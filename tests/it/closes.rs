//! What becomes of quiet conversations, end to end.

use autoclosed::daemon::Sweeping;
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, FakeIntercom, Fault, Workspace};
use tokio::runtime::Handle;

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
    house.after(minutes(11)).await;
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

const CONFLICT: &str = r#"{"type":"error.list","errors":[{"code":"conflict","message":"no"}]}"#;

fn conflict() -> Fault {
    Fault::Status { status: 409, body: CONFLICT.into() }
}

/// A house in which a conversation is due, and the contact writes just before it is closed.
async fn raced() -> (House, ConversationId) {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let slipping = id.clone();
    house.intercom.before_answer(Endpoint::Close, move |intercom| {
        intercom.contact_replies(&slipping, "Wait, one more thing!");
    });
    house.clock.advance(days(1));
    (house, id)
}

#[tokio::test]
async fn a_reopening_whose_answer_was_lost_happens_once() {
    for (name, faults, deeds) in [
        ("done, then cut", vec![Fault::ApplyThenDrop], vec!["close 200", "open unanswered"]),
        ("cut before", vec![Fault::Drop], vec!["close 200", "open unanswered", "open 200"]),
        ("refused, then not", vec![conflict(), conflict()], vec!["close 200", "open 409", "open 409", "open 200"]),
        (
            "lost, lost, refused, then not",
            vec![Fault::Drop, Fault::Drop, conflict()],
            vec!["close 200", "open unanswered", "open unanswered", "open 409", "open 200"],
        ),
    ] {
        let (house, id) = raced().await;
        for fault in faults {
            house.intercom.fault(Endpoint::Open, fault);
        }
        for _ in 0..6 {
            house.sweep().await;
            house.clock.advance(minutes(1));
        }
        assert_eq!(
            (house.state(&id), house.ours(&id, "open"), house.deeds()),
            ("open", 1, deeds.iter().map(|deed| (*deed).to_owned()).collect()),
            "{name}"
        );
        let journal = house.journal(&id).await;
        assert_eq!(journal.last().unwrap(), "raced close: opened again", "{name}");
        house.look().await;
        assert_eq!(house.bad().await, Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn a_reopening_refused_three_times_is_given_up_aloud() {
    let (house, id) = raced().await;
    house.intercom.fault_always(Endpoint::Open, conflict());
    for _ in 0..10 {
        house.sweep().await;
        house.clock.advance(minutes(1));
    }
    assert_eq!(house.deeds(), ["close 200", "open 409", "open 409", "open 409"]);
    let journal = house.journal(&id).await;
    let told = journal.last().unwrap();
    assert!(told.starts_with("raced close: the conversation could not be opened again"), "{told}");
    house.look().await;
    assert_eq!(house.bad().await, ["intercom"]);
}

#[tokio::test]
async fn a_contact_who_writes_after_the_close_has_opened_it_already() {
    let later = |intercom: &FakeIntercom, id: &ConversationId, clock: &autoclosed::clock::ManualClock| {
        clock.advance(seconds(1));
        intercom.contact_replies(id, "One more thing.");
    };
    for before_the_answer in [true, false] {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.answered().await;
        let (slipping, clock) = (id.clone(), house.clock.clone());
        let hook = move |intercom: &FakeIntercom| later(intercom, &slipping, &clock);
        if before_the_answer {
            house.intercom.after_apply(Endpoint::Close, hook);
        } else {
            house.intercom.fault(Endpoint::Close, Fault::HideContactTime);
            house.intercom.after_apply(Endpoint::Close, |intercom| {
                intercom.before_answer(Endpoint::Conversation, hook);
            });
        }
        house.after(days(1)).await;
        house.after(minutes(2)).await;
        house.after(minutes(2)).await;
        assert_eq!((house.state(&id), house.deeds()), ("open", vec!["close 200".to_owned()]));
        let journal = house.journal(&id).await;
        assert!(journal.last().unwrap().starts_with("done close"), "{journal:?}");
    }
}

#[tokio::test]
async fn a_reply_in_the_second_of_the_close_is_not_closed_over() {
    // Intercom has opened it by itself, or has not: in the end it is open, and nothing more was said.
    for opens_by_itself in [true, false] {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.answered().await;
        let slipping = id.clone();
        let hook = move |intercom: &FakeIntercom| assert!(intercom.contact_replies(&slipping, "Wait!").is_some());
        if opens_by_itself {
            house.intercom.after_apply(Endpoint::Close, hook);
        } else {
            house.intercom.before_answer(Endpoint::Close, hook);
        }
        house.after(days(1)).await;
        house.after(minutes(2)).await;
        house.after(minutes(2)).await;
        let opened = usize::from(!opens_by_itself);
        assert_eq!((house.state(&id), house.ours(&id, "close"), house.ours(&id, "open")), ("open", 1, opened));
        let journal = house.journal(&id).await;
        assert!(journal.iter().any(|line| line.starts_with("raced close: the contact wrote")), "{journal:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_only_a_webhook_told_of_while_the_statistics_lag_is_not_closed_over() {
    for hidden in [true, false] {
        let house = House::with(QUIET_A_DAY).await;
        let asked_at = house.clock.now();
        let id = house.answered().await;
        let fault = if hidden { Fault::HideContactTime } else { Fault::StaleContactTime(asked_at) };
        house.intercom.fault(Endpoint::Close, fault);
        let slipping = id.clone();
        house.intercom.before_answer(Endpoint::Close, move |intercom| {
            intercom.contact_replies(&slipping, "Wait, one more thing!");
            tokio::task::block_in_place(|| Handle::current().block_on(intercom.settle()));
        });
        house.after(days(1)).await;
        assert_eq!((house.state(&id), house.deeds()), ("open", vec!["close 200".to_owned(), "open 200".to_owned()]));
    }
}

#[tokio::test]
async fn what_is_due_is_done_oldest_first_and_so_much_in_one_sweep() {
    let rule = format!("mode = \"live\"\n[safety]\nmax_actions_per_sweep = 5\n{QUIET_A_DAY}");
    let mut house = House::configured(&rule, Workspace::default()).await;
    house.start().await;
    house.look().await;
    let mut ids = Vec::new();
    for _ in 0..30 {
        ids.push(house.answered().await);
    }
    house.clock.advance(days(1));
    for sweep in 1..=6 {
        house.sweep().await;
        let closed: Vec<bool> = ids.iter().map(|id| house.state(id) == "closed").collect();
        let wanted: Vec<bool> = (0..30).map(|place| place < 5 * sweep).collect();
        assert_eq!(closed, wanted, "after sweep {sweep}");
    }
}

#[tokio::test]
async fn messages_in_any_hour_stay_within_the_budget_and_silent_closes_do_not_count() {
    for (close, at_once) in [("body = \"Closing this for now.\"", 2), ("silent = true", 4)] {
        let rule = QUIET_A_DAY.replace("body = \"Closing this for now.\"", close);
        let rule = format!("mode = \"live\"\n[safety]\nmax_messages_per_hour = 2\n{rule}");
        let mut house = House::configured(&rule, Workspace::default()).await;
        house.start().await;
        house.look().await;
        let mut ids = Vec::new();
        for _ in 0..4 {
            ids.push(house.answered().await);
        }
        let closed = |house: &House| ids.iter().filter(|id| house.state(id) == "closed").count();
        house.after(days(1)).await;
        assert_eq!(closed(&house), at_once, "{close}");
        house.restart().await;
        house.after(hours(1) - seconds(1)).await;
        assert_eq!(closed(&house), at_once, "{close}");
        if at_once == 2 {
            let told = "deferred close: the messages of this hour are used up ([safety] max_messages_per_hour)";
            assert_eq!(house.journal(&ids[3]).await, [told]);
        }
        house.after(minutes(2)).await;
        assert_eq!(closed(&house), 4, "{close}");
    }
}

#[tokio::test]
async fn a_changed_rule_or_mode_decides_on_everything_again_and_the_same_ones_do_not() {
    let a_day = format!("mode = \"live\"\n{QUIET_A_DAY}");
    let seven_days = a_day.replace("1 day", "7 days");
    let dry = a_day.replace("\"live\"", "\"dry-run\"");
    for (name, before, after, state) in [
        ("seven days become one", &seven_days, &a_day, "closed"),
        ("dry-run becomes live", &dry, &a_day, "closed"),
        ("one day becomes seven", &a_day, &seven_days, "open"),
        ("live becomes dry-run", &a_day, &dry, "open"),
    ] {
        let mut house = House::configured(before, Workspace::default()).await;
        house.start().await;
        house.look().await;
        let id = house.answered().await;
        house.clock.advance(days(1) - hours(1));
        house.restart().await;
        house.sweep().await;
        house.stop().await;
        house.clock.advance(hours(2));
        house.configure(after);
        house.start().await;
        house.look().await;
        house.sweep().await;
        assert_eq!(house.state(&id), state, "{name}");
        house.restart().await;
        house.sweep().await;
        assert_eq!((house.state(&id), house.deeds().len()), (state, usize::from(state == "closed")), "{name}");
    }
}

#[tokio::test]
async fn rules_that_did_not_change_decide_on_nothing_again() {
    let a_day = format!("mode = \"live\"\n{QUIET_A_DAY}");
    let mut house = House::configured(&a_day, Workspace::default()).await;
    house.start().await;
    house.look().await;
    let id = house.answered().await;
    house.clock.advance(days(1));
    house.look().await;
    let (now, app_id) = (house.clock.now(), Workspace::default().app_id);
    house.daemon().store().put_off(&app_id, &id, now, now + days(9)).await.unwrap();
    house.restart().await;
    house.sweep().await;
    assert_eq!(house.state(&id), "open", "what was decided stands");
    house.configure(&format!("# Said otherwise, meaning the same.\n{a_day}"));
    house.restart().await;
    house.sweep().await;
    assert_eq!(house.state(&id), "open", "what was decided stands");
    house.configure(&a_day.replace("1 day", "23 hours"));
    house.restart().await;
    house.sweep().await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn what_waits_for_the_budget_comes_back_in_the_order_in_which_it_was_due() {
    let rule = format!("mode = \"live\"\n[safety]\nmax_closes_per_hour = 1\n{QUIET_A_DAY}");
    let mut house = House::configured(&rule, Workspace::default()).await;
    house.start().await;
    house.look().await;
    let (last, first) = (house.intercom.contact_starts("Hello?"), house.answered().await);
    house.clock.advance(minutes(5));
    let second = house.answered().await;
    house.clock.advance(minutes(5));
    house.intercom.teammate_replies(&last, "Hello.");
    let states = |house: &House| [house.state(&first), house.state(&second), house.state(&last)];
    house.after(days(1)).await;
    assert_eq!(states(&house), ["closed", "open", "open"]);
    house.after(hours(1) + seconds(1)).await;
    assert_eq!(states(&house), ["closed", "closed", "open"]);
}
