//! Traps of acting: what a deed sets off, and when it must not be done.

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};

use crate::harness::{House, QUIET_A_DAY, days, hours, minutes, seconds};
use crate::topics::families::{Family, telling};
use crate::topics::{conversation_id, deliver};

/// A rule with one step of every kind that can wake a conversation, all of them long before the close.
const WAKES: &str = r#"
[[rule]]
name = "wakes"
match.state = ["snoozed", "woken"]
counts_from = ["contact_reply", "teammate_reply"]
[[rule.step]]
after = "1 day"
do = "reply"
body = "Did that solve it?"
[[rule.step]]
after = "2 days"
do = "note"
body = "It will be closed in five days."
[[rule.step]]
after = "3 days"
do = "assign"
team = "Support"
"#;

// Trap 19
#[tokio::test]
async fn a_word_on_a_snooze_does_not_end_it_and_what_is_closed_is_not_assigned() {
    let house = House::with(WAKES).await;
    let (id, closed) = (house.answered().await, house.answered().await);
    let until = house.clock.now() + days(30);
    house.intercom.teammate_snoozes(&id, until);
    house.intercom.teammate_snoozes(&closed, until);
    house.intercom.teammate_closes(&closed, None);
    for day in 1..=3 {
        house.after(days(1)).await;
        house.after(minutes(2)).await;
        let seen = house.intercom.conversation(&id).unwrap();
        assert_eq!((seen.state, seen.snoozed_until), ("snoozed", Some(until)), "day {day}: {:?}", house.deeds());
    }
    let deeds = ["comment", "snoozed", "note", "snoozed", "assignment", "snoozed"];
    assert_eq!(house.deeds(), deeds.map(|deed| format!("{deed} 200")));
    assert_eq!(house.state(&closed), "closed");
}

// Trap 20
#[tokio::test]
async fn the_end_of_a_snooze_is_sent_in_seconds() {
    let rule = "[[rule]]\nname = \"snooze\"\nmatch_all = true\nstep = [{ after = \"1 day\", do = \"snooze\", for = \"3 days\" }]\n";
    let house = House::with(rule).await;
    let id = house.answered().await;
    house.after(days(1)).await;
    let calls = house.intercom.mutating_calls();
    let sent = calls[0].body.as_ref().unwrap()["snoozed_until"].as_i64().unwrap();
    assert_eq!(sent, (house.clock.now() + days(3)).as_second());
    assert_eq!((house.state(&id), calls[0].status), ("snoozed", Some(200)));
}

// Trap 21
#[tokio::test]
async fn a_goodbye_whose_answer_was_lost_is_looked_for_and_not_said_again() {
    for fault in [Fault::ApplyThenDrop, Fault::ApplyThenStatus(500), Fault::Truncated] {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.answered().await;
        house.intercom.fault(Endpoint::Close, fault.clone());
        house.after(days(1)).await;
        let looked = house.reads(&id);
        for _ in 0..6 {
            house.after(minutes(1)).await;
        }
        assert_eq!(house.ours(&id, "close"), 1, "{fault:?}");
        assert!(house.reads(&id) > looked, "{fault:?}: it was looked for");
        assert!(house.journal(&id).await.last().unwrap().starts_with("done close"), "{fault:?}");
    }
}

// Trap 22
#[tokio::test]
async fn it_is_read_right_before_the_close_and_a_later_reply_is_no_error() {
    let house = House::with(QUIET_A_DAY).await;
    let (told, untold) = (house.answered().await, house.answered().await);
    house.intercom.drop_notifications(true);
    house.intercom.contact_replies(&untold, "That does not work.");
    house.intercom.drop_notifications(false);
    house.after(days(1)).await;
    assert_eq!((house.state(&told), house.state(&untold)), ("closed", "open"));
    let calls = house.intercom.calls();
    let close = calls.iter().position(|call| call.endpoint == Endpoint::Close).unwrap();
    let read = calls[..close].iter().rposition(|call| call.endpoint == Endpoint::Conversation).unwrap();
    assert!(calls[read].path.contains(told.as_str()) && calls[close].at.duration_since(calls[read].at) <= seconds(2));
    house.clock.advance(minutes(1));
    house.intercom.contact_replies(&told, "One more thing.");
    house.after(days(3)).await;
    assert_eq!((house.state(&told), house.deeds()), ("open", vec!["close 200".to_owned()]));
}

// Trap 23
#[tokio::test]
async fn a_last_word_goes_out_only_where_it_was_meant_to() {
    let everywhere = QUIET_A_DAY.replace("body =", "channels = [\"conversation\", \"email\", \"sms\"], body =");
    for (rule, channel, word) in [
        (QUIET_A_DAY, "conversation", true),
        (QUIET_A_DAY, "email", true),
        (QUIET_A_DAY, "sms", false),
        (QUIET_A_DAY, "whatsapp", false),
        (QUIET_A_DAY, "of_tomorrow", false),
        (&everywhere, "sms", true),
    ] {
        let house = House::with(rule).await;
        let id = house.intercom.contact_starts_on(channel, "Hello?");
        house.clock.advance(minutes(1));
        house.intercom.teammate_replies(&id, "Hello!");
        house.after(days(1)).await;
        let last = house.intercom.conversation(&id).unwrap().parts.pop().unwrap();
        assert_eq!((last.kind, last.body.is_some()), ("close", word), "{channel}");
    }
}

// Trap 24
#[tokio::test]
async fn tickets_campaigns_and_other_workspaces_are_left_alone() {
    let house = House::with(QUIET_A_DAY).await;
    let ticket = house.answered().await;
    house.intercom.becomes_ticket(&ticket);
    let mut campaigns = Vec::new();
    for how in ["campaigns_initiated", "automated", "operator_initiated"] {
        let id = house.intercom.bot_starts(how, "News!");
        house.intercom.teammate_opens(&id);
        house.intercom.by("1002").teammate_replies(&id, "Anything to ask?");
        campaigns.push(id);
    }
    let mut strange = Family::V2.notification(&telling(5001, "conversation.user.replied", 60));
    strange["app_id"] = "zz99zz99".into();
    assert_eq!(deliver(&house, &strange).await, 200);
    house.after(days(30)).await;
    house.look().await;
    house.after(days(1)).await;
    assert_eq!((house.state(&ticket), house.deeds()), ("open", vec![]));
    assert!(campaigns.iter().all(|id| house.state(id) == "open"));
    assert_eq!((house.known(&conversation_id(5001)).await, house.reads(&conversation_id(5001))), (None, 0));
}

fn closes(house: &House) -> usize {
    house.deeds().iter().filter(|deed| deed.starts_with("close")).count()
}

async fn contact_and_teammate_speak(house: &House, id: &ConversationId) {
    house.intercom.contact_replies(id, "One more thing.");
    house.clock.advance(hours(12));
    house.intercom.teammate_replies(id, "Here it is.");
    house.intercom.settle().await;
}

// Trap 25
#[tokio::test]
async fn its_own_closes_are_nobody_s_activity_and_never_go_round_in_circles() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.after(days(1)).await;
    for round in 2..=4 {
        house.clock.advance(minutes(1));
        contact_and_teammate_speak(&house, &id).await;
        house.after(days(1) - seconds(1)).await;
        assert_eq!(closes(&house), round - 1, "the full time again");
        house.after(seconds(1)).await;
        assert_eq!(closes(&house), round);
    }
    house.clock.advance(minutes(1));
    house.intercom.teammate_opens(&id);
    house.after(days(30)).await;
    assert_eq!((closes(&house), house.state(&id)), (4, "open"), "opened without a word: somebody wants it open");
    for _ in 0..4 {
        house.intercom.teammate_replies(&id, "Still working on it.");
        house.after(days(2)).await;
    }
    assert_eq!((closes(&house), house.state(&id)), (5, "open"), "twice since the contact wrote, and no more");
}

// Trap 26
#[tokio::test]
async fn years_of_backlog_are_rehearsed_by_default_and_closed_in_measured_doses() {
    let rules = |head: &str| format!("{head}[safety]\nmax_closes_per_hour = 3\n{QUIET_A_DAY}");
    let mut house = House::configured(&rules(""), Workspace::default()).await;
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.push(house.answered().await);
    }
    house.clock.advance(days(2));
    house.start().await;
    house.look().await;
    for _ in 0..6 {
        house.after(seconds(10)).await;
    }
    assert_eq!(house.deeds(), Vec::<String>::new(), "nobody said live");
    house.stop().await;
    house.configure(&rules("mode = \"live\"\n"));
    house.start().await;
    house.look().await;
    for hour in 1..=3 {
        for _ in 0..6 {
            house.after(seconds(10)).await;
        }
        assert_eq!(closes(&house), 3 * hour);
        house.restart().await;
        house.clock.advance(minutes(61));
    }
    assert_eq!(ids.iter().filter(|id| house.state(id) == "closed").count(), 9);
}
