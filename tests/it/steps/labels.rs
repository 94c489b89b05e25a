//! Tags, attributes, assignments and openings: what is so already is not asked for, the rest until it is so.

use autoclosed::fake_intercom::{Endpoint, Fault, RateReset};

use super::{a_while, asked, calls, house, house_of, looks, lost, refused, rule, status};
use crate::harness::{days, hours, minutes, seconds};

const CLOSE: &str = r#"{ after = "3 days", do = "close", silent = true },"#;

#[tokio::test]
async fn what_is_so_already_makes_no_call() {
    for (name, step) in [
        ("tagged", r#"do = "tag", tags = "vip""#),
        ("not tagged", r#"do = "untag", tags = "autoclose-hold""#),
        ("attribute", r#"do = "update", set.order_number = 7"#),
        ("assigned", r#"do = "assign", team = "Billing", teammate = "1002""#),
        ("open", r#"do = "open""#),
    ] {
        let house = house(&format!("{{ after = \"1 day\", {step} }}, {CLOSE}")).await;
        let id = house.answered().await;
        house.intercom.tag(&id, "vip");
        house.intercom.set_attribute(&id, "order_number", 7);
        house.intercom.teammate_assigns(&id, Some("1002"), None);
        house.intercom.teammate_assigns_team(&id, Some("2002"));
        house.after(days(1)).await;
        assert_eq!(calls(&house), Vec::<String>::new(), "{name}");
        let journal = house.journal(&id).await;
        assert!(journal[0].starts_with("done ") && journal[0].ends_with("; it was so already"), "{name}: {journal:?}");
        house.after(days(2)).await;
        assert_eq!(house.state(&id), "closed", "{name}");
    }
}

#[tokio::test]
async fn an_assignment_goes_to_the_team_first_and_to_nobody_twice() {
    let steps = r#"
{ after = "1 day", do = "assign", team = "Support" },
{ after = "2 days", do = "assign", teammate = "1001" },
{ after = "3 days", do = "assign", team = "Billing", teammate = "alex@example.com" },
{ after = "4 days", do = "assign", to = "nobody" },"#;
    let house = house(steps).await;
    let id = house.answered().await;
    let mut story = Vec::new();
    for _ in 0..4 {
        house.after(days(1)).await;
        story.push(looks(&house, &id));
    }
    insta::assert_snapshot!(calls(&house).join("\n"), @r#"
    POST parts {"assignee_id":"2001","message_type":"assignment","type":"team"} 200
    POST parts {"assignee_id":"1001","message_type":"assignment","type":"admin"} 200
    POST parts {"assignee_id":"2002","message_type":"assignment","type":"team"} 200
    POST parts {"assignee_id":"1002","message_type":"assignment","type":"admin"} 200
    POST parts {"assignee_id":"0","message_type":"assignment","type":"team"} 200
    POST parts {"assignee_id":"0","message_type":"assignment","type":"admin"} 200
    "#);
    insta::assert_snapshot!(story.join("\n"), @r"
    open, team 2001, teammate -, tags [], {}
    open, team 2001, teammate 1001, tags [], {}
    open, team 2002, teammate 1002, tags [], {}
    open, team -, teammate -, tags [], {}
    ");
}

#[tokio::test]
async fn an_assignment_that_wakes_a_snooze_restores_it() {
    let step = r#"{ after = "1 day", do = "assign", team = "Support", teammate = "1001" },"#;
    let house = house(&format!("{step}{CLOSE}")).await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
    house.after(days(1)).await;
    insta::assert_snapshot!(calls(&house).join("\n"), @r#"
    POST parts {"assignee_id":"2001","message_type":"assignment","type":"team"} 200
    POST parts {"assignee_id":"1001","message_type":"assignment","type":"admin"} 200
    POST parts {"message_type":"snoozed","snoozed_until":1775034060} 200
    "#);
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @r"
    done assign 1: 1 day without a word since it was snoozed at 2026-03-02 09:01:00 UTC
    done assign 1: the snooze that the assignment ended was restored
    ");
    insta::assert_snapshot!(looks(&house, &id), @"snoozed until 2026-04-01T09:01:00Z, team 2001, teammate 1001, tags [], {}");
    house.after(days(2)).await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn whatever_becomes_of_an_answer_it_is_so_in_the_end_and_the_close_comes() {
    for (step, endpoint, wanted) in [
        (
            r#"do = "tag", tags = ["a", "b"]"#,
            Endpoint::Tag,
            r#"open, team -, teammate 1002, tags ["vip", "a", "b"], {}"#,
        ),
        (r#"do = "tag", tags = "a""#, Endpoint::CreateTag, r#"open, team -, teammate 1002, tags ["vip", "a"], {}"#),
        (r#"do = "untag", tags = "vip""#, Endpoint::Untag, r"open, team -, teammate 1002, tags [], {}"),
        (
            r#"do = "update", set.order_number = 7, set.topic = "Bug", read = true"#,
            Endpoint::Update,
            r#"open, team -, teammate 1002, tags ["vip"], {"order_number":7,"topic":"Bug"}"#,
        ),
        (
            r#"do = "assign", team = "Support", teammate = "1001""#,
            Endpoint::Assign,
            r#"open, team 2001, teammate 1001, tags ["vip"], {}"#,
        ),
        (r#"do = "assign", to = "nobody""#, Endpoint::Assign, r#"open, team -, teammate -, tags ["vip"], {}"#),
    ] {
        let slow = ("429", Fault::RateLimited { reset: RateReset::InSeconds(5) });
        for (name, fault) in lost().into_iter().chain([slow]) {
            let house = house(&format!("{{ after = \"1 day\", {step} }}, {CLOSE}")).await;
            let id = house.intercom.contact_starts("Hello?");
            house.intercom.teammate_assigns(&id, Some("1002"), None);
            house.intercom.tag(&id, "vip");
            house.clock.advance(seconds(10));
            house.intercom.teammate_replies(&id, "Hello.");
            house.intercom.fault(endpoint, fault);
            house.after(days(1)).await;
            a_while(&house).await;
            let journal = house.journal(&id).await;
            assert_eq!(looks(&house, &id), wanted, "{step}, {name}: {journal:?}");
            assert!(journal.last().unwrap().starts_with("done "), "{step}, {name}: {journal:?}");
            house.after(days(2) - minutes(7)).await;
            assert_eq!(house.state(&id), "open", "{step}, {name}");
            house.after(minutes(14)).await;
            assert_eq!(house.state(&id), "closed", "{step}, {name}: {journal:?}");
        }
    }
}

#[tokio::test]
async fn labels_refused_for_good_are_told_and_the_ladder_goes_on() {
    for (step, endpoint, fault) in [
        (r#"do = "tag", tags = "a""#, Endpoint::Tag, refused()),
        (r#"do = "tag", tags = "a""#, Endpoint::CreateTag, refused()),
        (r#"do = "untag", tags = "vip""#, Endpoint::Untag, status(403, "forbidden")),
        (r#"do = "update", set.order_number = 7"#, Endpoint::Update, refused()),
        (r#"do = "update", read = true"#, Endpoint::Update, refused()),
    ] {
        let house = house(&format!("{{ after = \"1 day\", {step} }}, {CLOSE}")).await;
        let id = house.answered().await;
        house.intercom.tag(&id, "vip");
        house.intercom.fault_always(endpoint, fault);
        for _ in 0..3 {
            assert_eq!(house.state(&id), "open", "{step}");
            house.after(days(1)).await;
        }
        house.after(minutes(1)).await;
        assert_eq!(asked(&house, endpoint), 3, "{step}");
        let journal = house.journal(&id).await;
        let outcomes: Vec<&str> = journal.iter().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!((outcomes, house.state(&id)), (vec!["deferred", "deferred", "failed", "done"], "closed"), "{step}");
    }
}

#[tokio::test]
async fn an_assignment_refused_for_good_is_told_and_nothing_follows_it() {
    let house = house(&format!("{{ after = \"1 day\", do = \"assign\", team = \"Support\" }}, {CLOSE}")).await;
    let id = house.answered().await;
    house.intercom.fault_always(Endpoint::Assign, status(404, "assignee_not_found"));
    for _ in 0..9 {
        house.after(days(1)).await;
    }
    assert_eq!((asked(&house, Endpoint::Assign), house.state(&id)), (3, "open"));
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @r"
    deferred assign 1: Intercom refused the request (HTTP 404, code assignee_not_found); see what the code says about this conversation
    deferred assign 1: Intercom refused the request (HTTP 404, code assignee_not_found); see what the code says about this conversation
    failed assign 1: Intercom refused the request (HTTP 404, code assignee_not_found); see what the code says about this conversation
    ");
}

#[tokio::test]
async fn a_tag_that_somebody_took_off_just_before_is_off() {
    let house = house(&format!("{{ after = \"1 day\", do = \"untag\", tags = \"vip\" }}, {CLOSE}")).await;
    let id = house.answered().await;
    house.intercom.tag(&id, "vip");
    let before = id.clone();
    house.intercom.before_answer(Endpoint::Untag, move |it| {
        it.untag(&before, "vip");
    });
    house.after(days(1)).await;
    assert_eq!(asked(&house, Endpoint::Untag), 1);
    let journal = house.journal(&id).await;
    assert!(journal[0].starts_with("done untag 1"), "{journal:?}");
}

#[tokio::test]
async fn a_teammate_who_assigns_it_on_after_us_is_not_overruled_though_our_answer_was_lost() {
    let house = house(&format!("{{ after = \"1 day\", do = \"assign\", teammate = \"1001\" }}, {CLOSE}")).await;
    let id = house.answered().await;
    house.intercom.fault(Endpoint::Assign, Fault::ApplyThenDrop);
    house.after(days(1)).await;
    house.clock.advance(seconds(20));
    house.intercom.teammate_assigns(&id, Some("1002"), None);
    a_while(&house).await;
    assert_eq!(asked(&house, Endpoint::Assign), 1, "{:?}", house.journal(&id).await);
    assert_eq!(looks(&house, &id), "open, team -, teammate 1002, tags [], {}");
}

#[tokio::test]
async fn an_opening_opens_what_is_snoozed_once_whatever_becomes_of_its_answer() {
    let rules =
        rule("match.state = [\"open\", \"snoozed\"]", &format!("{{ after = \"1 day\", do = \"open\" }}, {CLOSE}"));
    let mut faults: Vec<_> = lost().into_iter().map(|(name, fault)| (name, Some(fault))).collect();
    faults.push(("answered", None));
    for (name, fault) in faults {
        let house = house_of(&rules).await;
        let id = house.answered().await;
        house.intercom.teammate_snoozes(&id, house.clock.now() + days(30));
        if let Some(fault) = fault {
            house.intercom.fault(Endpoint::Open, fault);
        }
        house.after(days(1)).await;
        a_while(&house).await;
        let journal = house.journal(&id).await;
        assert_eq!((house.state(&id), house.ours(&id, "open")), ("open", 1), "{name}: {journal:?}");
        house.after(days(2) - hours(1)).await;
        assert_eq!(house.state(&id), "open", "{name}");
        house.after(hours(1) + minutes(10)).await;
        assert_eq!(house.state(&id), "closed", "{name}: {journal:?}");
    }
}
