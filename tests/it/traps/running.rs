//! Traps of running it: limits, identity, clocks, versions, and which call closes.

use std::time::Duration;

use autoclosed::board::Board;
use autoclosed::config;
use autoclosed::daemon::{Daemon, Sweeping};
use autoclosed::fake_intercom::{Endpoint, FakeIntercom, Fault, RateReset, WebhookVersion, Workspace};
use autoclosed::identity::{Expected, ask};
use autoclosed::intercom::client::{ClientSettings, Intercom};
use autoclosed::intercom::lens::Lens;
use autoclosed::intercom::text::TextKey;
use autoclosed::names::Names;
use autoclosed::safety::Blocked;
use autoclosed::standpoint::{Identity, Standpoint};
use autoclosed::store::KeepBodies;
use serde_json::json;

use crate::harness::{CLIENT_SECRET, House, QUIET_A_DAY, days, hours, minutes, seconds, secrets};

// Trap 27
#[tokio::test]
async fn a_spent_window_of_ten_seconds_stops_every_request_until_it_is_over() {
    let house = House::with(QUIET_A_DAY).await;
    let ids = [house.answered().await, house.answered().await, house.answered().await];
    house.clock.advance(days(1));
    // Another app has used up what the workspace has.
    house.intercom.fault(Endpoint::Close, Fault::RateLimited { reset: RateReset::InSeconds(10) });
    house.sweep().await;
    let asked = house.intercom.calls().len();
    let mut waiting = Box::pin(house.sweep());
    // The waits are real, as nothing but time can show that no request leaves; they are short, and end nothing.
    for _ in 0..9 {
        assert!(tokio::time::timeout(Duration::from_millis(20), &mut waiting).await.is_err(), "it waits");
        house.clock.advance(seconds(1));
    }
    assert_eq!(house.intercom.calls().len(), asked, "nothing before the window ends");
    house.clock.advance(seconds(2));
    waiting.await;
    house.after(minutes(2)).await;
    assert!(ids.iter().all(|id| house.state(id) == "closed"), "{:?}", house.deeds());
    assert!(ids.iter().all(|id| house.ours(id, "close") == 1));
}

// Trap 28
#[tokio::test]
async fn an_admin_who_left_or_has_no_seat_stops_acting_and_is_told() {
    let house = House::with(QUIET_A_DAY).await;
    let ids = [house.answered().await, house.answered().await, house.answered().await, house.answered().await];
    let refusal = json!({"type": "error.list", "errors": [{"code": "admin_not_found", "message": "Admin not found"}]});
    house.intercom.fault_always(Endpoint::Close, Fault::Status { status: 404, body: refusal.to_string() });
    house.clock.advance(days(1));
    for _ in 0..30 {
        house.daemon().tick().await;
        house.clock.advance(minutes(1));
    }
    assert!((1..=3).contains(&house.deeds().len()), "not once for each conversation: {:?}", house.deeds());
    assert!(ids.iter().all(|id| house.state(id) == "open"));
    assert!(house.check("intercom").await.starts_with("bad: "));
}

/// Lets a colleague of the token's own act, who meets this once the daemon runs; and then is as before again.
async fn acting_as_one_who(meets: impl FnOnce(&mut Workspace, usize)) -> (Sweeping, String, Vec<String>) {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let mut config = house.config();
    config.intercom.admin_id = Some("1002".to_owned());
    let daemon = Daemon::start(&config, &secrets(), house.clock.clone().into()).await.unwrap();
    house
        .intercom
        .send_notifications_to(&format!("http://{}/webhooks/intercom", daemon.public_address()), CLIENT_SECRET);
    house.daemon = Some(daemon);
    house.look().await;
    assert_eq!(house.check("admin").await, "ok: acts as teammate 1002");
    let id = house.answered().await;
    let before = Workspace::default().admins;
    house.intercom.change_workspace(|workspace| {
        let place = workspace.admins.iter().position(|admin| admin.id == "1002").unwrap();
        meets(workspace, place);
    });
    house.look().await;
    let (swept, told) = (house.after(days(1)).await, house.check("admin").await);
    assert_eq!(house.state(&id), "open");
    let bad = house.bad().await;
    house.intercom.change_workspace(|workspace| workspace.admins = before);
    house.clock.advance(minutes(2));
    house.daemon().tick().await;
    assert_eq!((house.state(&id), house.check("admin").await.as_str()), ("closed", "ok: acts as teammate 1002"));
    (swept, told, bad)
}

// Still trap 28
#[tokio::test]
async fn that_an_admin_has_left_or_has_no_seat_is_noticed_before_anything_is_tried() {
    let (swept, told, bad) = acting_as_one_who(|workspace, place| drop(workspace.admins.remove(place))).await;
    assert!(matches!(swept, Sweeping::Blocked(Blocked::Admin(_))), "{swept:?}");
    assert!(bad.contains(&"admin".to_owned()), "{bad:?}");
    insta::assert_snapshot!(told, @"bad: nothing is done: the workspace has no teammate 1002, who is to act; set [intercom] admin_id to one that it has");
    let (swept, told, _) = acting_as_one_who(|workspace, place| workspace.admins[place].has_inbox_seat = false).await;
    assert!(matches!(swept, Sweeping::Blocked(Blocked::Admin(_))), "{swept:?}");
    insta::assert_snapshot!(told, @"bad: nothing is done: teammate 1002, who is to act, has no inbox seat; give them one in Intercom, or set [intercom] admin_id to a teammate who has one");
}

// Still trap 28
#[tokio::test]
async fn what_intercom_does_not_tell_of_the_admin_is_no_reason_to_stop() {
    let untold = json!({"type": "admin.list", "admins": [{"type": "admin", "id": "1009", "name": "Robin"}]});
    for (status, body) in [(200, untold.to_string()), (403, String::new()), (500, String::new())] {
        let mut house = House::without_daemon(QUIET_A_DAY).await;
        house.intercom.fault_always(Endpoint::Admins, Fault::Status { status, body });
        house.start().await;
        house.look().await;
        let id = house.answered().await;
        house.after(days(1)).await;
        assert_eq!((house.state(&id), house.check("admin").await.as_str()), ("closed", "ok: acts as teammate 1009"));
    }
}

async fn mismatch(house: &House, region: Option<&'static str>) -> Option<String> {
    let settings = ClientSettings {
        base_url: house.intercom.url().parse().unwrap(),
        api_version: "2.16".to_owned(),
        timeout: Duration::from_secs(10),
        requests_per_10s: None,
    };
    let (store, lens) = (house.daemon().store(), Lens::new(TextKey::new(&[7; 32])));
    let token = Workspace::default().token.into();
    let intercom = Intercom::new(settings, token, lens, house.clock.clone().into()).unwrap();
    let (identity, names) = (Identity::default(), Names::default());
    let clock = house.clock.clone().into();
    let standpoint = Standpoint::new(clock, intercom.clone(), house.rulebook(), KeepBodies::Odd, identity, names);
    let (board, expected) = (Board::default(), Expected { region, ..Expected::default() });
    ask(&intercom, &intercom, store, &standpoint, &board, &expected).await.unwrap();
    board.mismatch()
}

// Trap 29
#[tokio::test]
async fn a_token_of_another_region_is_no_token_of_ours() {
    let house = House::with(QUIET_A_DAY).await;
    house.intercom.change_workspace(|workspace| workspace.region = "EU".to_owned());
    assert_eq!(mismatch(&house, Some("EU")).await, None);
    assert_eq!(mismatch(&house, None).await, None, "behind a proxy nobody knows");
    let told = mismatch(&house, Some("US")).await.unwrap();
    assert_eq!(told, "the workspace is in region EU; set [intercom] region to it");
}

// Trap 30
#[tokio::test]
async fn the_next_page_is_a_cursor_and_an_address_in_its_place_ends_the_look() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let ids: Vec<_> = (0..151).map(|_| house.intercom.contact_starts("Hello?")).collect();
    house.start().await;
    let found = house.daemon().reconcile().await.unwrap();
    assert_eq!((found.listed, found.complete), (151, true));
    let calls = house.intercom.calls();
    let pages: Vec<_> = calls.iter().filter(|call| call.endpoint == Endpoint::Search).collect();
    assert!(pages[1].body.as_ref().unwrap()["pagination"]["starting_after"].is_string());
    assert!(ids.iter().all(|id| house.reads(id) == 1));
    let address =
        json!({"conversations": [], "pages": {"next": format!("{}/conversations?page=2", house.intercom.url())}});
    house.intercom.fault(Endpoint::Search, Fault::Status { status: 200, body: address.to_string() });
    assert!(house.daemon().reconcile().await.is_err(), "a list that may hide something is no look");
}

// Trap 31
#[tokio::test]
async fn a_clock_that_is_wrong_neither_hastens_nor_acts_unseen() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let clock = house.give_the_daemon_a_clock();
    house.start().await;
    house.look().await;
    let id = house.answered().await;
    clock.set(house.clock.now() + minutes(4));
    house.clock.advance(days(1) - minutes(2));
    clock.advance(days(1) - minutes(2));
    house.look().await;
    house.sweep().await;
    assert_eq!(house.state(&id), "open", "a day has passed here, and not at Intercom");
    clock.advance(minutes(10));
    house.look().await;
    assert!(matches!(house.sweep().await, Sweeping::Blocked(Blocked::Skew(_))));
    assert!(house.check("clock").await.starts_with("bad: "));
    house.clock.advance(minutes(14));
    house.look().await;
    house.sweep().await;
    assert_eq!(house.state(&id), "closed");
}

// Trap 32
#[tokio::test]
async fn closing_is_a_part_and_not_an_update() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.after(days(1)).await;
    let calls = house.intercom.mutating_calls();
    let [close] = calls.as_slice() else { unreachable!("one call and no more: {calls:#?}") };
    assert_eq!((close.method.as_str(), &close.path), ("POST", &format!("/conversations/{id}/parts")));
    let body = close.body.as_ref().unwrap();
    assert_eq!(
        (&body["message_type"], &body["type"], &body["admin_id"]),
        (&json!("close"), &json!("admin"), &json!("1009"))
    );
}

// Trap 33
#[tokio::test]
async fn a_close_without_a_word_must_be_asked_for() {
    let rule = |close: &str| {
        format!(
            "[[rule]]\nname = \"quiet\"\nmatch_all = true\nstep = [{{ after = \"1 day\", do = \"close\"{close} }}]\n"
        )
    };
    for (close, told) in [("", "has no body and does not say that it is silent"), (", body = \"\"", "empty")] {
        let refused = config::parse("test.toml", rule(close).as_bytes()).unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
    }
    let house = House::with(&rule(", silent = true")).await;
    house.answered().await;
    house.after(days(1)).await;
    let calls = house.intercom.mutating_calls();
    assert!(!calls[0].body.as_ref().unwrap().as_object().unwrap().contains_key("body"), "not even an empty one");
}

type Act = fn(&FakeIntercom, &autoclosed::engine::ConversationId) -> bool;

// Trap 34
#[tokio::test]
async fn the_shape_may_change_between_two_notifications() {
    use WebhookVersion::{V1, V2, V2b};
    let acts: [Act; 3] = [
        |it, id| it.teammate_replies(id, "Under Settings.").is_some(),
        |it, id| it.contact_replies(id, "Where is that?").is_some(),
        |it, id| it.teammate_replies(id, "Top right.").is_some(),
    ];
    for versions in [[V1, V2, V2b], [V2b, V2, V1], [V2, V1, V2b]] {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.intercom.contact_starts("How do I export my data?");
        for (version, act) in versions.into_iter().zip(acts) {
            house.intercom.change_workspace(|workspace| workspace.webhook_version = version);
            house.clock.advance(hours(1));
            assert!(act(&house.intercom, &id));
        }
        house.intercom.settle().await;
        assert!(house.intercom.notifications().iter().all(|sent| sent.status == Some(200)));
        let counted = house.check("notifications").await;
        assert!(counted.ends_with("4 stored, 0 duplicate, 0 ignored, 0 foreign, 0 quarantined"), "{counted}");
        house.after(days(1) - seconds(1)).await;
        assert_eq!(house.state(&id), "open", "{versions:?}");
        house.after(seconds(1)).await;
        assert_eq!(house.state(&id), "closed", "{versions:?}");
    }
}
