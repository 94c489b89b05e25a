//! What a rule's own steps change takes the conversation from no rule, and what it did itself moves no timer.

use autoclosed::fake_intercom::{Echo, Quirk, Workspace};

use super::{ALL, calls, house_of, rule, start};
use crate::harness::{House, days, seconds};

const CLOSE: &str = r#"{ after = "2 days", do = "close", silent = true }"#;

/// What it matches, its first step, and what a teammate does that ends the match.
const KEPT: [(&str, &str, &str); 7] = [
    (r#"match.not_tags = "x""#, r#"do = "tag", tags = "x""#, "tag y"),
    (r#"match.tags = "vip""#, r#"do = "untag", tags = "vip""#, "-"),
    ("match.unassigned = false", r#"do = "assign", to = "nobody""#, "-"),
    (r#"match.assignee = "1002""#, r#"do = "assign", teammate = "1001""#, "give it to nobody"),
    (r#"match.state = "snoozed""#, r#"do = "open""#, "snooze and open"),
    (r#"match.state = "open""#, r#"do = "snooze", for = "30 days""#, "-"),
    ("match.attribute.order_number = 5", "do = \"update\", set.order_number = 7", "set 8"),
];

async fn begun(head: &str, step: &str) -> (House, autoclosed::engine::ConversationId) {
    let house = house_of(&rule(head, &format!("{{ after = \"1 day\", {step} }}, {CLOSE}"))).await;
    let id = house.intercom.contact_starts("Hello?");
    house.intercom.tag(&id, "vip");
    house.intercom.set_attribute(&id, "order_number", 5);
    house.intercom.teammate_assigns(&id, Some("1002"), None);
    house.clock.advance(seconds(10));
    house.intercom.teammate_replies(&id, "Hello.");
    if head.contains("snoozed") {
        house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    }
    house.look().await;
    house.after(days(1)).await;
    assert!(!calls(&house).is_empty(), "{head}: {:?}", house.journal(&id).await);
    (house, id)
}

#[tokio::test]
async fn a_rule_goes_on_with_what_its_own_steps_have_changed() {
    for (head, step, _) in KEPT {
        let (house, id) = begun(head, step).await;
        house.after(days(1)).await;
        assert_eq!(house.state(&id), "closed", "{head}: {:?}", house.journal(&id).await);
    }
}

#[tokio::test]
async fn a_rule_does_not_go_on_with_what_others_have_changed() {
    for (head, step, others) in KEPT {
        let (house, id) = begun(head, step).await;
        match others {
            "give it to nobody" => assert!(house.intercom.teammate_assigns(&id, None, None).is_some()),
            "set 8" => assert!(house.intercom.set_attribute(&id, "order_number", 8).is_some()),
            "snooze and open" => {
                house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
                house.intercom.teammate_opens(&id);
            }
            _ => continue,
        }
        house.after(days(1)).await;
        assert_eq!(house.state(&id), "open", "{head}: {:?}", house.journal(&id).await);
    }
}

#[tokio::test]
async fn a_rule_goes_on_after_a_restart_with_what_its_own_steps_have_changed() {
    for (head, step, _) in KEPT {
        let (mut house, id) = begun(head, step).await;
        house.stop().await;
        start(&mut house).await;
        house.after(days(1)).await;
        assert_eq!(house.state(&id), "closed", "{head}: {:?}", house.journal(&id).await);
    }
}

#[tokio::test]
async fn no_deed_of_our_own_moves_a_timer_however_it_comes_back() {
    let head = "match_all = true\nafter_reopen = \"count_again\"\ncounts_from = [\"contact_reply\", \"teammate_reply\", \
                \"bot_reply\", \"note\", \"assigned\", \"snoozed\", \"unsnoozed\", \"opened\", \"other\"]";
    let rules = format!("mode = \"live\"\n{}", rule(head, ALL));
    let mut told = None;
    for echo in [Echo::AfterAnswer, Echo::BeforeAnswer, Echo::Never, Echo::Twice] {
        for quirks in [vec![], vec![Quirk::WakeNotifies]] {
            let mut house = House::configured(&rules, Workspace { quirks, ..Workspace::default() }).await;
            start(&mut house).await;
            house.intercom.echo(echo);
            let id = house.answered().await;
            for _ in 0..14 {
                house.after(days(1)).await;
            }
            house.look().await;
            assert_eq!(house.state(&id), "closed", "{echo:?}: {:?}", house.journal(&id).await);
            let calls: Vec<_> =
                house.intercom.mutating_calls().iter().map(|call| (call.at, call.body.clone())).collect();
            assert_eq!(told.get_or_insert_with(|| calls.clone()), &calls, "{echo:?}");
        }
    }
}
