//! Traps of what Intercom tells: states, times, classes, ids.

use autoclosed::engine::Class;
use autoclosed::engine::conversation::{Conversation, State};
use autoclosed::fake_intercom::{FakeIntercom, WebhookVersion, Workspace};
use serde_json::{Value, json};

use crate::harness::{House, QUIET_A_DAY, days, hours, minutes, monday, seconds};
use crate::topics::families::{CONTACT, Family, Part, telling};
use crate::topics::{conversation_id, deliver};

const USER: (&str, &str) = ("user", CONTACT);
const ADMIN: (&str, &str) = ("admin", "1001");
const BOT: (&str, &str) = ("bot", "900");

fn latest(known: &Conversation, class: Class) -> Option<i64> {
    let of_it = known.latest.iter().filter(|((it, _), _)| *it == class);
    of_it.map(|(_, (at, _))| at.duration_since(monday()).as_secs()).max()
}

/// What is known after this was all that was told.
async fn after_one(notification: &Value) -> Conversation {
    let house = House::with(QUIET_A_DAY).await;
    assert_eq!(deliver(&house, notification).await, 200);
    house.known(&conversation_id(5001)).await.unwrap()
}

// Trap 9
#[tokio::test]
async fn a_conversation_that_is_open_may_be_snoozed() {
    for family in [Family::V1, Family::V2, Family::V2b] {
        let mut told = telling(5001, "conversation.admin.snoozed", 60);
        told.state = "snoozed";
        let notification = family.notification(&told);
        assert_eq!(notification["data"]["item"]["open"], json!(true));
        let until = Some(monday() + days(1));
        assert_eq!(after_one(&notification).await.state(), Some(State::Snoozed { until }), "{family:?}");
    }
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, monday() + days(30));
    house.intercom.settle().await;
    house.look().await;
    assert_eq!(house.known(&id).await.unwrap().state(), Some(State::Snoozed { until: Some(monday() + days(30)) }));
}

type Stir = fn(&FakeIntercom, &autoclosed::engine::ConversationId) -> bool;

// Trap 10
#[tokio::test]
async fn what_moves_updated_at_moves_no_timer() {
    let stirs: [(&str, Stir); 6] = [
        ("a priority", |it, id| it.teammate_prioritizes(id, "high").is_some()),
        ("a tag", |it, id| it.tag(id, "vip")),
        ("a tag taken off", |it, id| it.tag(id, "vip") && it.untag(id, "vip")),
        ("a note", |it, id| it.teammate_notes(id, "Hm.").is_some()),
        ("an attribute", |it, id| it.set_attribute(id, "order_number", 7).is_some()),
        ("a rating", |it, id| it.rate(id, 4).is_some()),
    ];
    for (name, stir) in stirs {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.answered().await;
        house.clock.advance(hours(23));
        assert!(stir(&house.intercom, &id));
        assert_eq!(house.intercom.conversation(&id).unwrap().updated_at, house.clock.now(), "{name}");
        house.after(hours(1) - seconds(1)).await;
        assert_eq!(house.state(&id), "open", "{name}");
        house.after(seconds(1)).await;
        assert_eq!(house.state(&id), "closed", "{name}");
    }
}

// Trap 11
#[tokio::test]
async fn machines_and_readers_answer_nobody() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.intercom.contact_starts("Hello?");
    house.intercom.settle().await;
    let kinds = ["comment", "channel_and_reply_time_expectation", "attribute_collector", "quick_reply"];
    let parts: Vec<_> = (7001..)
        .zip(kinds)
        .map(|(part, kind)| Part { id: part, kind, by: BOT, body: Some("<p>We answer within a day.</p>"), at: 60 })
        .collect();
    for topic in ["conversation.operator.replied", "conversation.read"] {
        let mut told = telling(id.as_str().parse().unwrap(), topic, 60);
        told.parts.clone_from(&parts);
        assert_eq!(deliver(&house, &Family::V2.notification(&told)).await, 200);
    }
    house.intercom.bot_replies(&id, "Did you try the guide?");
    house.intercom.settle().await;
    let known = house.known(&id).await.unwrap();
    assert_eq!((latest(&known, Class::TeammateReply), latest(&known, Class::ContactReply)), (None, Some(0)));
    house.after(days(30)).await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]), "we still owe the answer");
}

// Trap 12
#[tokio::test]
async fn a_reply_is_a_reply_whatever_the_type_of_its_part() {
    let speaks = |kind: &'static str, by| Part { id: 7001, kind, by, body: Some("<p>Words.</p>"), at: 600 };
    let cases = [("open", USER, Class::ContactReply), ("comment", USER, Class::ContactReply)];
    let teammates = ["comment", "quick_reply", "assignment", "assign_and_reopen", "open", "close", "snoozed"];
    let teammates = teammates.map(|kind| (kind, ADMIN, Class::TeammateReply));
    for (kind, by, class) in cases.into_iter().chain(teammates) {
        let mut told = telling(5001, "conversation.admin.replied", 600);
        told.parts = vec![speaks(kind, by)];
        let known = after_one(&Family::V2.notification(&told)).await;
        assert_eq!(latest(&known, class), Some(600), "{kind} by {}", by.0);
        told.parts[0].body = None;
        let known = after_one(&Family::V2.notification(&told)).await;
        assert_ne!(latest(&known, class), Some(600), "{kind} by {} without a word", by.0);
    }
}

// Trap 13
#[tokio::test]
async fn the_parts_of_a_notification_are_not_the_thread() {
    let house = House::with(QUIET_A_DAY).await;
    house.intercom.drop_notifications(true);
    let id = house.answered().await;
    let answer = house.intercom.conversation(&id).unwrap().parts[0].id;
    house.clock.advance(minutes(1));
    house.intercom.contact_replies(&id, "That does not work.");
    house.clock.advance(minutes(1));
    // The teammate's answer alone is told, as if it were all.
    let mut told = telling(id.as_str().parse().unwrap(), "conversation_part.tag.created", 180);
    told.parts = vec![Part { id: answer, kind: "comment", by: ADMIN, body: Some("<p>Under Settings.</p>"), at: 60 }];
    let mut notification = Family::V2.notification(&told);
    notification["data"]["item"]["statistics"] = json!(null);
    assert_eq!(notification["data"]["item"]["conversation_parts"]["total_count"], json!(1));
    assert_eq!(deliver(&house, &notification).await, 200);
    let known = house.known(&id).await.unwrap();
    assert_eq!((known.whole, latest(&known, Class::TeammateReply)), (false, Some(60)));
    house.after(days(3)).await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]), "the contact spoke last");
}

// Trap 14
#[tokio::test]
async fn an_old_part_that_is_told_anew_is_as_old_as_it_was() {
    for topic in ["conversation_part.redacted", "conversation_part.tag.created"] {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.answered().await;
        let answer = house.intercom.conversation(&id).unwrap().parts[0].id;
        house.clock.advance(hours(23));
        let mut told = telling(id.as_str().parse().unwrap(), topic, 23 * 3600);
        told.parts = vec![Part { id: answer - 1, kind: "open", by: USER, body: Some("<p>It is slow.</p>"), at: 30 }];
        assert_eq!(deliver(&house, &Family::V2.notification(&told)).await, 200);
        let known = house.known(&id).await.unwrap();
        assert_eq!((latest(&known, Class::ContactReply), latest(&known, Class::TeammateReply)), (Some(30), Some(60)));
        house.after(hours(1)).await;
        assert_eq!(house.state(&id), "closed", "{topic}");
    }
}

// Trap 15
#[tokio::test]
async fn statistics_are_text_numbers_or_nothing() {
    let at = 60;
    let known = |statistics: Value| async move {
        let mut notification = Family::V2.notification(&telling(5001, "conversation.priority.updated", at));
        notification["data"]["item"]["statistics"] = statistics;
        latest(&after_one(&notification).await, Class::ContactReply)
    };
    let second = monday().as_second() + at;
    for (statistics, want) in [
        (json!({"last_contact_reply_at": "2026-03-02T09:01:00.000Z"}), 60),
        (json!({"last_contact_reply_at": "2026-03-02T10:01:00.000+01:00"}), 60),
        (json!({"last_contact_reply_at": second}), 60),
        (json!({"last_contact_reply_at": second.to_string()}), 60),
        (json!({"last_contact_reply_at": null}), 0),
        (json!(null), 0),
    ] {
        assert_eq!(known(statistics.clone()).await, Some(want), "{statistics}");
    }
}

// Trap 16
#[tokio::test]
async fn ids_are_text_or_numbers_and_nobody_has_four_names() {
    let told = telling(5001, "conversation.admin.assigned", 60);
    let known = |id: Value, teammate: Value| {
        let mut notification = Family::V2.notification(&told);
        notification["data"]["item"]["id"] = id;
        notification["data"]["item"]["admin_assignee_id"] = teammate;
        async move { after_one(&notification).await.facts().unwrap().admin_assignee_id.clone() }
    };
    for id in [json!("5001"), json!(5001)] {
        for nobody in [json!(null), json!(0), json!("0")] {
            assert_eq!(known(id.clone(), nobody.clone()).await, Some(None), "{id} {nobody}");
        }
        for sam in [json!(1001), json!("1001")] {
            assert_eq!(known(id.clone(), sam.clone()).await, Some(Some("1001".to_owned())), "{id} {sam}");
        }
    }
    let first_version = after_one(&Family::V1.notification(&told)).await;
    assert_eq!(first_version.facts().unwrap().admin_assignee_id, Some(None), "nobody_admin");
}

// Trap 17
#[tokio::test]
async fn a_snooze_that_runs_out_is_noticed_without_a_word_from_intercom() {
    let rule = QUIET_A_DAY.replace("match_all = true", "match.state = \"woken\"");
    let house = House::with(&rule).await;
    let id = house.answered().await;
    house.clock.advance(minutes(1));
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(3));
    house.intercom.settle().await;
    let told = house.intercom.notifications().len();
    house.after(days(3) - seconds(1)).await;
    assert_eq!((house.state(&id), house.reads(&id)), ("snoozed", 0));
    house.after(seconds(1)).await;
    assert_eq!((house.state(&id), house.reads(&id)), ("open", 1), "its own timer, and a look");
    house.after(days(1) - seconds(1)).await;
    assert_eq!(house.state(&id), "open");
    house.after(seconds(1)).await;
    assert_eq!(house.state(&id), "closed", "a day after it woke");
    let since: Vec<_> = house.intercom.notifications().into_iter().skip(told).map(|sent| sent.topic).collect();
    assert_eq!(since, ["conversation.admin.closed"], "of the waking nothing was told");
}

// Trap 18
#[tokio::test]
async fn a_week_snoozed_counts_from_its_beginning_and_anew_when_snoozed_again() {
    let snoozed = "match.state = \"snoozed\"\ncounts_from = \"snoozed\"";
    let rule = QUIET_A_DAY.replace("match_all = true", snoozed).replace("1 day", "7 days");
    for (again_after, closed_after) in [(None, days(7)), (Some(days(3)), days(10))] {
        let workspace = Workspace { webhook_version: WebhookVersion::V2b, ..Workspace::default() };
        let mut house = House::configured(&format!("mode = \"live\"\n{rule}"), workspace).await;
        house.start().await;
        house.look().await;
        let id = house.answered().await;
        house.clock.advance(hours(5));
        let began = house.clock.now();
        house.intercom.teammate_snoozes(&id, began + days(13));
        if let Some(again_after) = again_after {
            house.after(again_after).await;
            house.intercom.teammate_snoozes(&id, began + days(20));
        }
        house.after((began + closed_after - days(2)).duration_since(house.clock.now())).await;
        house.after(days(2) - seconds(1)).await;
        assert_eq!(house.state(&id), "snoozed", "{:?}", house.deeds());
        house.after(seconds(1)).await;
        assert_eq!(house.state(&id), "closed", "{:?}", house.deeds());
    }
}
