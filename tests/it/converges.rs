//! Whatever webhooks did not come, came twice, late or in another order: one look makes the database equal to Intercom.
//!
//! `AUTOCLOSED_CASES` says how many histories are tried; a few are by default.

use autoclosed::engine::conversation::{Class, Conversation, State};
use autoclosed::engine::{ConversationId, Decision, RuleSet, decide};
use autoclosed::fake_intercom::{Delivered, FakeIntercom};
use autoclosed::intercom::Intercom;
use autoclosed::intercom::client::ClientSettings;
use autoclosed::intercom::lens::Lens;
use autoclosed::intercom::text::TextKey;
use autoclosed::store::Context;
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::Value;

use crate::harness::{CLIENT_SECRET, House, days, hours, seconds, secrets};

/// Rules that look at everything that a history changes.
const RULES: &str = r#"
[[rule]]
name = "vip"
match.tags = ["vip"]
leave = true
[[rule]]
name = "gold"
match.attribute.plan = "gold"
match.priority = ["high", "urgent"]
[[rule.step]]
after = "3 days"
do = "close"
silent = true
[[rule]]
name = "snoozed"
match.state = ["snoozed", "woken"]
[[rule.step]]
after = "1 day"
do = "reply"
body = "Did that solve it?"
[[rule.step]]
after = "2 days"
do = "close"
body = "Closing this for now."
[[rule]]
name = "unassigned"
match.unassigned = true
[[rule.step]]
after = "2 days"
do = "close"
silent = true
"#;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Event {
    /// A person does something (which) to a conversation (which).
    Deed(u8, usize),
    /// So many seconds pass.
    Pass(i64),
    /// One of the webhooks that wait arrives; it may arrive again later.
    Deliver(prop::sample::Index),
    /// A day passes, and the daemon acts.
    Act,
    /// The daemon looks at the workspace in the middle of it.
    Look,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0..17_u8, 0..2_usize).prop_map(|(what, which)| Event::Deed(what, which)),
        3 => (0..3_i64).prop_map(Event::Pass),
        1 => (0..100_000_i64).prop_map(Event::Pass),
        6 => any::<prop::sample::Index>().prop_map(Event::Deliver),
        1 => Just(Event::Act),
        1 => Just(Event::Look),
    ]
}

fn cases() -> u32 {
    std::env::var("AUTOCLOSED_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() })]
    #[test]
    fn one_look_makes_the_database_equal_to_intercom(events in prop::collection::vec(event(), 1..40), daily in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(history(&events, daily))?;
    }
}

async fn history(events: &[Event], daily: bool) -> Result<(), TestCaseError> {
    let house = House::with(RULES).await;
    let ids = [house.answered().await, house.answered().await];
    let webhook = format!("http://{}/webhooks/intercom", house.daemon().public_address());
    for event in events {
        happen(&house, &ids, &webhook, event).await;
    }
    house.clock.advance(if daily { hours(25) } else { seconds(3) });
    house.intercom.wake_due_snoozes();
    house.look().await;
    for id in &ids {
        agrees(&house, id).await?;
    }
    Ok(())
}

async fn happen(house: &House, ids: &[ConversationId; 2], webhook: &str, event: &Event) {
    // Nothing listens there: what is sent waits to be sent again.
    house.intercom.send_notifications_to("http://127.0.0.1:9/", CLIENT_SECRET);
    match event {
        Event::Deed(what, which) => deed(house, *what, &ids[*which]),
        Event::Pass(time) => house.clock.advance(seconds(*time)),
        Event::Deliver(which) => {
            house.intercom.settle().await;
            let sent: Vec<Delivered> = house.intercom.notifications();
            if !sent.is_empty() {
                house.intercom.send_notifications_to(webhook, CLIENT_SECRET);
                house.intercom.resend(&dated(&sent[which.index(sent.len())]));
            }
        }
        Event::Act => {
            house.after(days(1)).await;
        }
        Event::Look => house.look().await,
    }
    house.intercom.settle().await;
}

/// Intercom dates a notification up to two seconds after what it tells; the same one always alike.
fn dated(sent: &Delivered) -> Delivered {
    let late = sent.id.bytes().map(i64::from).sum::<i64>() % 3;
    let mut body: Value = serde_json::from_slice(&sent.body).unwrap();
    let at = body["created_at"].as_i64().unwrap();
    body["created_at"] = (at + late).into();
    Delivered { body: serde_json::to_vec(&body).unwrap(), ..sent.clone() }
}

fn deed(house: &House, what: u8, id: &ConversationId) {
    let intercom: &FakeIntercom = &house.intercom;
    let until = |time: SignedDuration| house.clock.now() + time;
    match what {
        0 => drop(intercom.contact_replies(id, "Hello?")),
        1 => drop(intercom.teammate_replies(id, "Hello.")),
        2 => drop(intercom.teammate_notes(id, "Hm.")),
        3 => drop(intercom.teammate_snoozes(id, until(days(2)))),
        4 => drop(intercom.teammate_snoozes(id, until(seconds(30)))),
        5 => drop(intercom.teammate_closes(id, None)),
        6 => drop(intercom.teammate_closes(id, Some("Bye."))),
        7 => drop(intercom.teammate_opens(id)),
        8 => drop(intercom.teammate_assigns(id, None, None)),
        9 => drop(intercom.teammate_assigns_team(id, None)),
        10 => drop(intercom.bot_replies(id, "Beep.")),
        11 => drop(intercom.tag(id, "vip")),
        12 => drop(intercom.untag(id, "vip")),
        13 => drop(intercom.teammate_prioritizes(id, "high")),
        14 => drop(intercom.teammate_prioritizes(id, "none")),
        15 => drop(intercom.set_attribute(id, "plan", "gold")),
        _ => drop(intercom.set_attribute(id, "plan", "free")),
    }
}

/// What one reading of the conversation comes to, with nothing known before.
async fn read(house: &House, context: &Context, id: &ConversationId) -> Conversation {
    let settings = ClientSettings {
        base_url: house.intercom.url().parse().unwrap(),
        api_version: "2.16".to_owned(),
        timeout: std::time::Duration::from_secs(10),
        requests_per_10s: None,
    };
    let lens = Lens::new(TextKey::new(&house.daemon().store().text_key().await.unwrap()));
    lens.watch(house.rules().attributes());
    let intercom = Intercom::new(settings, secrets().access_token, lens, house.clock.clone().into()).unwrap();
    let seen = intercom.conversation(id).await.unwrap().value.sighting;
    Conversation::unread(id.clone()).after(&seen, context.admin_id.as_deref())
}

async fn agrees(house: &House, id: &ConversationId) -> Result<(), TestCaseError> {
    let context = house.context();
    let store = house.daemon().store();
    let known = store.decided(id, &context).await.unwrap().unwrap();
    let told = known.conversation;
    let fresh = read(house, &context, id).await;
    prop_assert_eq!(told.state(), fresh.state());
    let app_id = context.app_id.as_deref().unwrap();
    let due = |now| store.due(app_id, now, 100);
    // A closed conversation is not listed for the rest of what changed in it; opened again, it is read.
    if fresh.state() == Some(State::Closed) {
        prop_assert!(!due(house.clock.now() + days(400)).await.unwrap().contains(id), "closed, and due");
        return Ok(());
    }
    prop_assert_eq!(told.facts(), fresh.facts());
    prop_assert_eq!(told.updated_at(), fresh.updated_at());
    prop_assert_eq!(latest(&told), latest(&fresh));
    prop_assert_eq!(told.last_contact_reply().map(|(at, _)| at), fresh.last_contact_reply().map(|(at, _)| at));
    let rules: RuleSet = house.rules();
    let decision = decide(&told, &known.history, &rules, context.now);
    let Some(at) = decision.due_at() else {
        prop_assert!(!due(house.clock.now() + days(400)).await.unwrap().contains(id));
        return Ok(());
    };
    // What was looked at just now and is still due rests a little.
    let resting = matches!(decision, Decision::Act { .. });
    let by = if resting { at.max(house.clock.now() + hours(1)) } else { at };
    prop_assert!(due(by).await.unwrap().contains(id), "due at {at}, and not due then: {decision:?}");
    let before = at - SignedDuration::from_millis(1);
    prop_assert!(!due(before).await.unwrap().contains(id), "due before {at}: {decision:?}");
    Ok(())
}

/// The latest of each class. That somebody read or rated is told by webhooks alone.
fn latest(of: &Conversation) -> Vec<String> {
    let latest = of.latest.iter().filter(|((class, _), _)| !matches!(class, Class::Read | Class::Rated));
    latest.map(|((class, actor), (at, _))| format!("{} {} {at}", class.name(), actor.name())).collect()
}
