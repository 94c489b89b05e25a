//! Steps of several calls of which only some succeed: what was done is known as ours, and the rest is still done.

use autoclosed::fake_intercom::{Endpoint, FakeIntercom, Fault, RateReset};

use super::{a_while, asked, house_of, looks, refused, rule, status};
use crate::harness::{House, days, hours, minutes};
use autoclosed::engine::ConversationId;

const CLOSE: &str = r#"{ after = "3 days", do = "close", silent = true }"#;

/// The second call of that kind, after the one that is made next, meets this fault.
fn second(intercom: &FakeIntercom, on: Endpoint, fault: Fault, always: bool) {
    intercom.after_apply(on, move |intercom| {
        if always {
            intercom.fault_always(on, fault);
        } else {
            intercom.fault(on, fault);
        }
    });
}

async fn quiet(head: &str, step: &str) -> (House, ConversationId) {
    let house = house_of(&rule(head, &format!("{{ after = \"1 day\", {step} }}, {CLOSE}"))).await;
    let id = house.answered().await;
    house.clock.advance(days(1));
    (house, id)
}

/// What it matches, a step of two calls that ends the match with the first, and what it is like when both were done.
const STEPS: [(&str, &str, Endpoint, &str); 3] = [
    (
        r#"match.not_tags = "a""#,
        r#"do = "tag", tags = ["a", "b"]"#,
        Endpoint::Tag,
        r#"open, team -, teammate -, tags ["a", "b"], {}"#,
    ),
    (
        "match.unassigned = true",
        r#"do = "assign", team = "Support", teammate = "1001""#,
        Endpoint::Assign,
        r"open, team 2001, teammate 1001, tags [], {}",
    ),
    (
        "match.attribute.escalated = false",
        r#"do = "update", set = { escalated = true, order_number = 7 }"#,
        Endpoint::Update,
        r#"open, team -, teammate -, tags [], {"escalated":true,"order_number":7}"#,
    ),
];

#[tokio::test]
async fn what_was_half_done_is_taken_up_again_although_the_first_half_ended_the_match() {
    for (head, step, endpoint, wanted) in STEPS {
        for (name, fault) in [
            ("refused", refused()),
            ("not done, cut", Fault::Drop),
            ("done, then cut", Fault::ApplyThenDrop),
            ("503", status(503, "x")),
            ("429", Fault::RateLimited { reset: RateReset::InSeconds(5) }),
        ] {
            let (house, id) = quiet(head, step).await;
            if endpoint == Endpoint::Update {
                house.intercom.set_attribute(&id, "escalated", false);
                house.look().await;
            }
            second(&house.intercom, endpoint, fault, false);
            house.sweep().await;
            a_while(&house).await;
            if name == "refused" {
                house.after(days(1)).await;
            }
            let journal = house.journal(&id).await;
            assert_eq!(looks(&house, &id), wanted, "{step}, {name}: {journal:?}");
            assert!(journal.last().unwrap().starts_with("done "), "{step}, {name}: {journal:?}");
            house.after(days(3)).await;
            assert_eq!(house.state(&id), "closed", "{step}, {name}: {journal:?}");
        }
    }
}

#[tokio::test]
async fn the_ladder_goes_on_after_labels_that_were_half_refused() {
    let (house, id) = quiet(STEPS[0].0, STEPS[0].1).await;
    second(&house.intercom, Endpoint::Tag, refused(), true);
    house.sweep().await;
    for _ in 0..4 {
        house.after(days(1)).await;
    }
    assert_eq!(house.state(&id), "closed", "{:?}", house.journal(&id).await);
}

/// Counts from what the first half did, were it not ours.
#[tokio::test]
async fn what_was_half_done_moves_no_timer() {
    let all = "counts_from = [\"contact_reply\", \"teammate_reply\", \"note\", \"assigned\", \"unsnoozed\", \"other\"]";
    for (_, step, endpoint, _) in STEPS {
        for (name, fault) in [("refused", refused()), ("cut", Fault::Drop), ("done, then cut", Fault::ApplyThenDrop)] {
            let (house, id) = quiet(&format!("match_all = true\n{all}"), step).await;
            second(&house.intercom, endpoint, fault, false);
            house.sweep().await;
            a_while(&house).await;
            // What is done a day late moves the close by a day, and nothing else does.
            let late = if name == "refused" { days(1) } else { minutes(0) };
            house.after(late).await;
            house.after(days(2) - hours(1)).await;
            assert_eq!(house.state(&id), "open");
            house.after(hours(1)).await;
            let journal = house.journal(&id).await;
            assert_eq!(house.state(&id), "closed", "{step}, {name}: {journal:?}");
            assert_eq!(asked(&house, Endpoint::Close), 1);
        }
    }
}

#[tokio::test]
async fn a_half_refused_assignment_restores_the_snooze_that_it_woke() {
    for (name, fault, always) in
        [("refused", refused(), true), ("cut", Fault::Drop, false), ("done, then cut", Fault::ApplyThenDrop, false)]
    {
        let head = "match_all = true\ncounts_from = [\"contact_reply\", \"teammate_reply\"]";
        let (house, id) = quiet(head, STEPS[1].1).await;
        let until = house.clock.now() + days(30);
        house.intercom.teammate_snoozes(&id, until);
        house.clock.advance(minutes(1));
        second(&house.intercom, Endpoint::Assign, fault, always);
        house.sweep().await;
        a_while(&house).await;
        let seen = house.intercom.conversation(&id).unwrap();
        let journal = house.journal(&id).await;
        assert_eq!((seen.state, seen.snoozed_until), ("snoozed", Some(until)), "{name}: {journal:?}");
    }
}

/// Two rules that both have a first tag step, and count from the same moment.
#[tokio::test]
async fn a_rule_takes_no_other_rule_s_changes_for_its_own() {
    let one = rule("match.not_tags = \"stop\"", "{ after = \"1 day\", do = \"tag\", tags = \"a\" }");
    let steps =
        "{ after = \"2 days\", do = \"tag\", tags = \"b\" }, { after = \"3 days\", do = \"close\", silent = true }";
    let two = rule("match.tags = \"a\"\nmatch.not_tags = \"b\"", steps).replace("steps", "two");
    let house = house_of(&format!("{one}{two}")).await;
    let id = house.answered().await;
    house.after(days(1)).await;
    house.intercom.tag(&id, "stop");
    for _ in 0..3 {
        house.after(days(1)).await;
    }
    assert_eq!(house.state(&id), "closed", "the tag `a` was not its own: {:?}", house.journal(&id).await);
}
