//! What follows a close: its tags and attributes, each by itself, and never a second close.

use autoclosed::fake_intercom::{Attribute, AttributeKind, Endpoint, Fault, RateReset, Workspace};

use super::{a_while, asked, calls, house, house_of, looks, lost, refused, rule, start, status};
use crate::harness::{House, days, hours, minutes};

const LABELLED: &str = r#"
{ after = "1 day", do = "close", body = "Closing this.", tags = ["auto-closed", "vip"],
  set = { auto_closed_by = "{{ rule }} of {{ contact.first_name | default('x') }}", order_number = 7, escalated = false } }
"#;

/// Tags stand in the order in which they were put on.
const ALL_ON: [&str; 2] = [ON, SWAPPED];
const SWAPPED: &str = r#"closed, team -, teammate -, tags ["vip", "auto-closed"], {"auto_closed_by":"steps of Kim","escalated":false,"order_number":7}"#;
const ON: &str = r#"closed, team -, teammate -, tags ["auto-closed", "vip"], {"auto_closed_by":"steps of Kim","escalated":false,"order_number":7}"#;

#[tokio::test]
async fn a_close_is_followed_by_its_tags_and_then_its_attributes() {
    let house = house(LABELLED).await;
    let id = house.answered().await;
    house.after(days(1)).await;
    insta::assert_snapshot!(calls(&house).join("\n"), @r#"
    POST parts {"body":"Closing this.","message_type":"close","type":"admin"} 200
    POST /tags {"name":"auto-closed"} 200
    POST tags {"id":"3003"} 200
    POST /tags {"name":"vip"} 200
    POST tags {"id":"3001"} 200
    PUT {"custom_attributes":{"auto_closed_by":"steps of Kim"}} 200
    PUT {"custom_attributes":{"escalated":false}} 200
    PUT {"custom_attributes":{"order_number":7}} 200
    "#);
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @r"
    done close: 1 day without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    done close: its tags and attributes were put on
    ");
    assert_eq!(looks(&house, &id), ON);
    house.after(days(9)).await;
    assert_eq!(calls(&house).len(), 8);
    house.look().await;
    assert_eq!(house.bad().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_list_of_texts_is_set_as_a_list() {
    let rules =
        rule("match_all = true", r#"{ after = "1 day", do = "close", silent = true, set.orders = ["1", "2"] }"#);
    let house = house_of(&rules).await;
    let id = house.answered().await;
    house.after(days(1)).await;
    insta::assert_snapshot!(calls(&house).join("\n"), @r#"
    POST parts {"message_type":"close","type":"admin"} 200
    PUT {"custom_attributes":{"orders":["1","2"]}} 200
    "#);
    insta::assert_snapshot!(looks(&house, &id), @r#"closed, team -, teammate -, tags [], {"orders":{"instances":[{"custom_attributes":{},"external_id":"1","id":"1","type":"order"},{"custom_attributes":{},"external_id":"2","id":"2","type":"order"}],"type":"order.list"}}"#);
}

#[tokio::test]
async fn what_is_on_it_already_is_not_asked_for() {
    let house = house(LABELLED).await;
    let id = house.answered().await;
    house.intercom.tag(&id, "auto-closed");
    house.intercom.set_attribute(&id, "order_number", 7);
    house.after(days(1)).await;
    insta::assert_snapshot!(calls(&house).join("\n"), @r#"
    POST parts {"body":"Closing this.","message_type":"close","type":"admin"} 200
    POST /tags {"name":"vip"} 200
    POST tags {"id":"3001"} 200
    PUT {"custom_attributes":{"auto_closed_by":"steps of Kim"}} 200
    PUT {"custom_attributes":{"escalated":false}} 200
    "#);
}

#[tokio::test]
async fn what_cannot_be_put_on_is_told_and_the_close_stays_done() {
    let missing = || Workspace {
        conversation_attributes: vec![Attribute { name: "order_number".into(), kind: AttributeKind::Integer }],
        ..Workspace::default()
    };
    let rules = format!("mode = \"live\"\n{}", rule("match_all = true", LABELLED));
    let mut house = House::configured(&rules, missing()).await;
    start(&mut house).await;
    let id = house.answered().await;
    house.after(days(1)).await;
    for _ in 0..5 {
        house.after(minutes(1)).await;
    }
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @r"
    done close: 1 day without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    done close: not put on: the attribute `auto_closed_by`, the attribute `escalated`: Intercom refused the request (HTTP 400, code parameter_invalid, request 00000001-0000-4000-8000-000000000006); see what the code says about this conversation
    ");
    insta::assert_snapshot!(looks(&house, &id), @r#"closed, team -, teammate -, tags ["auto-closed", "vip"], {"order_number":7}"#);
    assert_eq!((asked(&house, Endpoint::Close), asked(&house, Endpoint::Update)), (1, 7));
    assert_eq!(house.daemon().store().outcomes().await.unwrap(), [("done".to_owned(), 1)]);
    house.after(days(3)).await;
    assert_eq!(asked(&house, Endpoint::Update), 7, "given up after three refusals each");
}

#[tokio::test]
async fn whatever_becomes_of_a_label_s_answer_all_are_on_in_the_end_and_it_is_closed_once() {
    let mut faults = lost();
    faults.push(("429", Fault::RateLimited { reset: RateReset::InSeconds(5) }));
    faults.push(("refused once", refused()));
    for endpoint in [Endpoint::CreateTag, Endpoint::Tag, Endpoint::Update] {
        for (name, fault) in &faults {
            let house = house(LABELLED).await;
            let id = house.answered().await;
            house.intercom.fault(endpoint, fault.clone());
            house.after(days(1)).await;
            a_while(&house).await;
            let journal = house.journal(&id).await;
            let looks = looks(&house, &id);
            assert!(ALL_ON.contains(&looks.as_str()), "{endpoint:?}, {name}: {looks} {journal:?}");
            assert_eq!(asked(&house, Endpoint::Close), 1, "{endpoint:?}, {name}");
            assert_eq!(
                journal.last().unwrap(),
                "done close: its tags and attributes were put on",
                "{endpoint:?}, {name}"
            );
        }
    }
}

#[tokio::test]
async fn labels_follow_also_a_close_whose_answer_was_lost() {
    for (name, fault) in lost() {
        let house = house(LABELLED).await;
        let id = house.answered().await;
        house.intercom.fault(Endpoint::Close, fault);
        house.after(days(1)).await;
        a_while(&house).await;
        assert_eq!((looks(&house, &id), house.ours(&id, "close")), (ON.to_owned(), 1), "{name}");
    }
}

#[tokio::test]
async fn labels_follow_a_close_after_a_restart_without_a_second_close() {
    for endpoint in [Endpoint::CreateTag, Endpoint::Tag, Endpoint::Update] {
        let mut house = house(LABELLED).await;
        let id = house.answered().await;
        house.intercom.fault_always(endpoint, status(503, "service_unavailable"));
        house.after(days(1)).await;
        house.stop().await;
        house.intercom.clear_faults();
        house.clock.advance(hours(1));
        start(&mut house).await;
        house.sweep().await;
        assert_eq!((looks(&house, &id), asked(&house, Endpoint::Close)), (ON.to_owned(), 1), "{endpoint:?}");
    }
}

#[tokio::test]
async fn a_close_that_a_reply_took_back_gets_no_labels() {
    let house = house(LABELLED).await;
    let id = house.answered().await;
    let slipping = id.clone();
    house.intercom.before_answer(Endpoint::Close, move |it| {
        it.contact_replies(&slipping, "Wait!");
    });
    house.after(days(1)).await;
    a_while(&house).await;
    assert_eq!(looks(&house, &id), "open, team -, teammate -, tags [], {}");
}

#[tokio::test]
async fn labels_that_cannot_be_put_on_as_it_cannot_be_read_are_told_as_such() {
    let house = house(LABELLED).await;
    let id = house.answered().await;
    house.intercom.after_apply(Endpoint::Close, |it| {
        it.fault_always(Endpoint::Conversation, status(403, "forbidden"));
    });
    house.after(days(1)).await;
    a_while(&house).await;
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @r"
    done close: 1 day without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    done close: not put on: the tag `auto-closed`, the tag `vip`, the attribute `auto_closed_by`, the attribute `escalated`, the attribute `order_number`: Intercom refused the request (HTTP 403, code forbidden); see what the code says about this conversation
    ");
    assert_eq!(asked(&house, Endpoint::Close), 1);
}

/// A label that was put on though its answer was lost is ours; it must not count as something that a teammate did.
#[tokio::test]
async fn a_label_whose_answer_was_lost_moves_no_timer() {
    let head = "match_all = true\nafter_reopen = \"count_again\"\ncounts_from = [\"contact_reply\", \"teammate_reply\", \"other\"]";
    for endpoint in [Endpoint::Tag, Endpoint::Update] {
        let house = house_of(&rule(head, LABELLED)).await;
        let id = house.answered().await;
        // Not in the moment of the close, where a part of our admin is taken for ours anyway.
        house.intercom.fault(endpoint, status(503, "service_unavailable"));
        house.intercom.fault(endpoint, Fault::ApplyThenDrop);
        house.after(days(1)).await;
        a_while(&house).await;
        assert_eq!(looks(&house, &id), ON);
        house.intercom.teammate_opens(&id);
        house.after(days(3)).await;
        let journal = house.journal(&id).await;
        assert_eq!((house.state(&id), asked(&house, Endpoint::Close)), ("open", 1), "{endpoint:?}: {journal:?}");
    }
}
