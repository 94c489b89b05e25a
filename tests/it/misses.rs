//! Webhooks that never came: what of it is counted, what health says, and what is no miss.

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};
use autoclosed::sabotage::{Bug, plant};

use crate::harness::{CLIENT_SECRET, House, QUIET_A_DAY, days, hours, minutes, seconds};
use crate::metrics::page::Page;

/// A daemon that has listened for an hour, and a conversation that it knows.
async fn listening() -> (House, ConversationId) {
    tolerating("").await
}

async fn tolerating(safety: &str) -> (House, ConversationId) {
    let mut house = House::configured(&format!("mode = \"live\"\n{safety}{QUIET_A_DAY}"), Workspace::default()).await;
    house.start().await;
    house.look().await;
    let id = house.answered().await;
    house.clock.advance(hours(1));
    house.look().await;
    (house, id)
}

async fn look_later(house: &House) {
    house.clock.advance(minutes(3));
    house.look().await;
}

/// So many replies that no webhook tells.
fn miss(house: &House, id: &ConversationId, count: u32) {
    house.intercom.drop_notifications(true);
    for _ in 0..count {
        house.clock.advance(seconds(1));
        assert!(house.intercom.contact_replies(id, "Hello?").is_some());
    }
    house.intercom.drop_notifications(false);
}

/// How many were missed, by the words of health.
async fn missed(house: &House) -> u32 {
    let told = house.check("notifications").await;
    let before = told.split(" missed in the last hour").next().filter(|before| *before != told);
    let number = before.and_then(|before| before.rsplit(' ').next());
    number.map_or(0, |number| number.parse().unwrap())
}

/// How many were missed, by the metrics.
async fn counted(house: &House) -> String {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let page = client.get(format!("http://{}/metrics", house.daemon().admin_address())).send().await.unwrap();
    let page = page.text().await.unwrap();
    let line = page.lines().find_map(|line| line.strip_prefix("autoclosed_missed_notifications_total "));
    line.unwrap().to_owned()
}

/// A webhook that arrives, about something else.
async fn hear(house: &House) {
    house.intercom.contact_starts("Something else.");
    house.intercom.settle().await;
}

#[tokio::test]
async fn more_than_the_most_in_an_hour_are_bad_until_the_hour_is_over() {
    let (mut house, id) = tolerating("[safety]\nmax_missed = 3\n").await;
    miss(&house, &id, 3);
    hear(&house).await;
    look_later(&house).await;
    assert_eq!((missed(&house).await, house.bad().await), (3, vec!["sweep".to_owned()]));
    miss(&house, &id, 1);
    look_later(&house).await;
    insta::assert_snapshot!(house.check("notifications").await, @"bad: webhooks told nothing of 4 changes by others in the last hour, more than 3; check the webhook's address and topics in the Developer Hub; since the start: 3 stored, 0 duplicate, 0 ignored, 0 foreign, 0 quarantined");
    house.restart().await;
    let told = house.check("notifications").await;
    assert!(told.starts_with("bad: webhooks told nothing of 4 changes"), "a restart does not make it well: {told}");
    house.clock.advance(hours(1));
    house.look().await;
    assert!(house.check("notifications").await.starts_with("ok: "), "an hour later");
    assert_eq!(counted(&house).await, "4", "the counter never falls");
}

#[tokio::test]
async fn one_change_is_bad_when_no_webhook_arrives_at_all() {
    let (house, id) = listening().await;
    house.clock.advance(hours(2));
    house.look().await;
    assert!(house.check("notifications").await.starts_with("ok: "), "a quiet workspace is healthy");
    miss(&house, &id, 1);
    look_later(&house).await;
    insta::assert_snapshot!(house.check("notifications").await, @"bad: no webhook arrives, though others made one change in the last hour; check the webhook's address and topics in the Developer Hub; since the start: 2 stored, 0 duplicate, 0 ignored, 0 foreign, 0 quarantined");
    hear(&house).await;
    assert_eq!(missed(&house).await, 1);
    assert!(house.check("notifications").await.starts_with("ok: "));
}

#[tokio::test]
async fn whoever_misses_nothing_is_caught() {
    for (bug, told) in [(None, "bad: no webhook arrives"), (Some(Bug::MissesNothing), "ok: ")] {
        let (house, id) = listening().await;
        let planted = bug.map(plant);
        miss(&house, &id, 1);
        look_later(&house).await;
        let check = house.check("notifications").await;
        assert!(check.starts_with(told), "{bug:?}: {check}");
        drop(planted);
    }
}

#[tokio::test]
async fn what_is_read_before_the_grace_is_over_is_missed_only_if_no_webhook_comes_in_time() {
    for (name, late, want) in [("in time", minutes(1), 0), ("too late", minutes(3), 1)] {
        let (house, id) = listening().await;
        let address = format!("http://{}/webhooks/intercom", house.daemon().public_address());
        house.intercom.send_notifications_to("http://127.0.0.1:9/", CLIENT_SECRET);
        house.clock.advance(seconds(1));
        house.intercom.contact_replies(&id, "Hello?");
        house.intercom.settle().await;
        house.look().await;
        house.clock.advance(seconds(30));
        assert_eq!((counted(&house).await.as_str(), missed(&house).await), ("0", 0), "{name}");
        assert!(house.check("notifications").await.starts_with("ok: "), "{name}: it may still come");
        house.clock.advance(late - seconds(30));
        house.intercom.send_notifications_to(&address, CLIENT_SECRET);
        let lost = house.intercom.notifications().pop().unwrap();
        assert_eq!(lost.status, None);
        house.intercom.resend(&lost);
        house.intercom.settle().await;
        house.clock.advance(minutes(5));
        house.look().await;
        assert_eq!(missed(&house).await, want, "{name}");
    }
}

#[tokio::test]
async fn each_change_that_has_a_webhook_counts_once_and_no_other() {
    type Change = fn(&House, &ConversationId) -> bool;
    let changes: [(&str, Change, u32); 20] = [
        ("a contact's reply", |house, id| house.intercom.contact_replies(id, "No.").is_some(), 1),
        ("a new conversation", |house, _| !house.intercom.contact_starts("Hi").as_str().is_empty(), 1),
        ("a teammate's reply", |house, id| house.intercom.teammate_replies(id, "Yes.").is_some(), 1),
        ("a bot's reply", |house, id| house.intercom.bot_replies(id, "Beep.").is_some(), 1),
        ("a note", |house, id| house.intercom.teammate_notes(id, "Hm.").is_some(), 1),
        ("a close", |house, id| house.intercom.teammate_closes(id, None).is_some(), 1),
        ("a close with a word", |house, id| house.intercom.teammate_closes(id, Some("Bye.")).is_some(), 1),
        ("a snooze", |house, id| house.intercom.teammate_snoozes(id, house.clock.now() + days(1)).is_some(), 1),
        (
            "a snooze that ends",
            |house, id| house.intercom.teammate_snoozes(id, house.clock.now() + seconds(9)).is_some(),
            1,
        ),
        (
            "a snooze that is ended by hand",
            |house, id| {
                house.intercom.teammate_snoozes(id, house.clock.now() + days(1));
                house.clock.advance(seconds(1));
                house.intercom.teammate_opens(id).is_some()
            },
            2,
        ),
        (
            "a snooze that is ended by a note",
            |house, id| {
                house.intercom.teammate_snoozes(id, house.clock.now() + days(1));
                house.clock.advance(seconds(1));
                house.intercom.by("1002").teammate_notes(id, "Hm.").is_some()
            },
            2,
        ),
        ("a merge", |house, id| house.intercom.merge(&house.intercom.contact_starts("Again"), id), 1),
        ("an assignment", |house, id| house.intercom.teammate_assigns(id, Some("1002"), None).is_some(), 0),
        ("an automated message", |house, _| !house.intercom.bot_starts("automated", "Hi").as_str().is_empty(), 0),
        ("a tag", |house, id| house.intercom.tag(id, "vip"), 0),
        ("an attribute", |house, id| house.intercom.set_attribute(id, "plan", "gold").is_some(), 0),
        ("a priority", |house, id| house.intercom.teammate_prioritizes(id, "high").is_some(), 0),
        ("a rating", |house, id| house.intercom.rate(id, 5).is_some(), 0),
        ("nobody's conversation", |house, id| house.intercom.teammate_assigns(id, None, None).is_some(), 0),
        (
            "the daemon's own account",
            |house, id| house.intercom.by(&Workspace::default().token_admin).teammate_replies(id, "Yes.").is_some(),
            0,
        ),
    ];
    for (name, change, want) in changes {
        let (house, id) = listening().await;
        house.intercom.drop_notifications(true);
        house.clock.advance(seconds(1));
        assert!(change(&house, &id), "{name}");
        house.intercom.drop_notifications(false);
        house.clock.advance(seconds(1));
        hear(&house).await;
        look_later(&house).await;
        look_later(&house).await;
        // What was heard came after: it does not hide that nothing came before.
        assert_eq!(missed(&house).await, want, "{name}");
    }
}

#[tokio::test]
async fn the_daemons_own_deeds_are_never_missed() {
    let (house, id) = listening().await;
    house.intercom.drop_notifications(true);
    // The answer is lost too, so that our close is first seen in a reading.
    house.intercom.fault(Endpoint::Close, Fault::ApplyThenDrop);
    house.after(days(1)).await;
    house.after(minutes(2)).await;
    assert_eq!((house.state(&id), house.ours(&id, "close")), ("closed", 1));
    look_later(&house).await;
    look_later(&house).await;
    assert!(house.check("notifications").await.starts_with("ok: "));
    assert_eq!(missed(&house).await, 0);
}

#[tokio::test]
async fn what_happened_while_nobody_listened_is_made_up_for_but_not_missed() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(minutes(10));
    house.start().await;
    house.look().await;
    assert_eq!((missed(&house).await, house.known(&id).await.unwrap().whole), (0, true), "before the first start");
    house.clock.advance(minutes(10));
    house.stop().await;
    miss(&house, &id, 1);
    house.clock.advance(minutes(10));
    house.start().await;
    house.look().await;
    assert_eq!(missed(&house).await, 0, "while it was down");
    assert!(house.check("notifications").await.starts_with("ok: "));
    let heard = house.known(&id).await.unwrap().last_contact_reply().unwrap().0;
    assert_eq!(Some(heard), house.intercom.conversation(&id).unwrap().last_contact_reply);
}

#[tokio::test]
async fn what_was_missed_before_a_restart_is_counted_after_it() {
    let (mut house, id) = listening().await;
    miss(&house, &id, 1);
    hear(&house).await;
    house.clock.advance(minutes(3));
    house.daemon().tick().await;
    assert_eq!(missed(&house).await, 0, "nobody has looked");
    house.restart().await;
    assert_eq!((counted(&house).await.as_str(), missed(&house).await), ("1", 1));
}

#[tokio::test]
async fn what_comes_twice_or_in_another_order_is_counted_and_not_missed() {
    let (house, id) = listening().await;
    let address = format!("http://{}/webhooks/intercom", house.daemon().public_address());
    house.intercom.send_notifications_to("http://127.0.0.1:9/", CLIENT_SECRET);
    let before = house.intercom.notifications().len();
    for _ in 0..3 {
        house.clock.advance(seconds(1));
        house.intercom.contact_replies(&id, "Hello?");
    }
    house.intercom.settle().await;
    house.intercom.send_notifications_to(&address, CLIENT_SECRET);
    let held = house.intercom.notifications().split_off(before);
    for nth in [2, 0, 1, 1] {
        house.intercom.resend(&held[nth]);
    }
    house.intercom.settle().await;
    look_later(&house).await;
    let page = Page::of(&house).await;
    assert_eq!(page.figure("autoclosed_reordered_notifications_total", &[]).to_string(), "2");
    assert_eq!(page.figure("autoclosed_notifications_total", &["duplicate"]).to_string(), "1");
    assert_eq!((counted(&house).await.as_str(), missed(&house).await), ("0", 0));
}
