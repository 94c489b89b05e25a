//! Snoozes that a rule begins: their own end restarts nothing, and what a contact says ends them at once.

use autoclosed::fake_intercom::{Echo, Endpoint, Fault, Quirk, Workspace};

use super::{a_while, asked, calls, house, looks, lost, rule, start};
use crate::harness::{House, days, hours, minutes, seconds};

const SNOOZE_AND_CLOSE: &str = r#"
{ after = "1 day", do = "snooze", for = "3 days" },
{ after = "7 days", do = "close", silent = true },
"#;

#[tokio::test]
async fn a_snooze_lasts_from_when_it_is_done() {
    let house = house(SNOOZE_AND_CLOSE).await;
    let id = house.answered().await;
    house.after(days(1) + hours(2)).await;
    insta::assert_snapshot!(calls(&house).join("\n"), @r#"POST parts {"message_type":"snoozed","snoozed_until":1772794860} 200"#);
    insta::assert_snapshot!(looks(&house, &id), @"snoozed until 2026-03-06T11:01:00Z, team -, teammate -, tags [], {}");
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @"done snooze 1: 1 day without a word since a teammate wrote at 2026-03-02 09:01:00 UTC");
}

/// The rule counts from the ends of snoozes too; those of its own are none.
#[tokio::test]
async fn the_end_of_our_own_snooze_restarts_nothing_with_or_without_a_webhook() {
    for head in ["match_all = true", "match.state = [\"open\"]", "match.state = [\"open\", \"snoozed\"]"] {
        for quirks in [vec![], vec![Quirk::WakeNotifies]] {
            for looked in [true, false] {
                let rules = format!("mode = \"live\"\n{}", rule(head, SNOOZE_AND_CLOSE));
                let mut house =
                    House::configured(&rules, Workspace { quirks: quirks.clone(), ..Workspace::default() }).await;
                start(&mut house).await;
                let id = house.answered().await;
                house.after(days(1)).await;
                assert_eq!(house.state(&id), "snoozed");
                house.after(days(3)).await;
                if looked {
                    house.after(minutes(2)).await;
                    house.look().await;
                }
                let passed = if looked { minutes(2) } else { seconds(0) };
                house.after(days(3) - passed - seconds(1)).await;
                assert_eq!(house.state(&id), "open", "{head}, {quirks:?}, looked {looked}");
                house.after(seconds(1)).await;
                let journal = house.journal(&id).await;
                assert_eq!(house.state(&id), "closed", "{head}, {quirks:?}, looked {looked}: {journal:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_reply_while_it_is_being_snoozed_opens_it_again() {
    for same_second in [true, false] {
        for echo in [Echo::AfterAnswer, Echo::BeforeAnswer, Echo::Never] {
            let house = house(SNOOZE_AND_CLOSE).await;
            house.intercom.echo(echo);
            let id = house.answered().await;
            let (slipping, clock) = (id.clone(), house.clock.clone());
            house.intercom.before_answer(Endpoint::Snooze, move |it| {
                it.contact_replies(&slipping, "Wait!");
                if !same_second {
                    clock.advance(seconds(1));
                }
            });
            house.after(days(1)).await;
            a_while(&house).await;
            let journal = house.journal(&id).await;
            assert_eq!((house.state(&id), house.ours(&id, "open")), ("open", 1), "{echo:?}: {journal:?}");
            assert_eq!(
                journal,
                ["raced snooze 1: the contact wrote while it was being snoozed", "raced snooze 1: opened again"],
                "{echo:?}, same second: {same_second}"
            );
            house.after(days(9)).await;
            assert_eq!((house.state(&id), calls(&house).len()), ("open", 2), "the contact is owed an answer");
        }
    }
}

#[tokio::test]
async fn a_reply_after_the_snooze_has_opened_it_already() {
    let house = house(SNOOZE_AND_CLOSE).await;
    let id = house.answered().await;
    let slipping = id.clone();
    house.intercom.after_apply(Endpoint::Snooze, move |it| {
        it.contact_replies(&slipping, "Wait!");
    });
    house.after(days(1)).await;
    a_while(&house).await;
    let journal = house.journal(&id).await;
    assert_eq!((house.state(&id), house.ours(&id, "snoozed")), ("open", 1), "{journal:?}");
    assert!(house.ours(&id, "open") == 0, "{journal:?}");
}

#[tokio::test]
async fn whatever_becomes_of_its_answer_it_is_snoozed_once() {
    for (name, fault) in lost() {
        let house = house(SNOOZE_AND_CLOSE).await;
        let id = house.answered().await;
        house.intercom.fault(Endpoint::Snooze, fault);
        house.after(days(1)).await;
        a_while(&house).await;
        let journal = house.journal(&id).await;
        assert_eq!((house.state(&id), house.ours(&id, "snoozed")), ("snoozed", 1), "{name}: {journal:?}");
        house.after(days(6) - hours(1)).await;
        assert_eq!(house.state(&id), "open", "{name}: {journal:?}");
        house.after(hours(1)).await;
        assert_eq!(house.state(&id), "closed", "{name}: {journal:?}");
    }
}

#[tokio::test]
async fn a_reply_is_found_though_the_answer_to_the_snooze_was_lost() {
    let house = house(SNOOZE_AND_CLOSE).await;
    let id = house.answered().await;
    house.intercom.fault(Endpoint::Snooze, Fault::ApplyThenDrop);
    let slipping = id.clone();
    house.intercom.before_answer(Endpoint::Snooze, move |it| {
        it.drop_notifications(true);
        it.contact_replies(&slipping, "Wait!");
    });
    house.after(days(1)).await;
    a_while(&house).await;
    assert_eq!((house.state(&id), house.ours(&id, "open")), ("open", 1), "{:?}", house.journal(&id).await);
}

#[tokio::test]
async fn what_a_teammate_makes_of_our_snooze_stands() {
    for (name, again) in [("opens it", false), ("snoozes it for longer", true)] {
        let house = house(SNOOZE_AND_CLOSE).await;
        let id = house.answered().await;
        house.after(days(1)).await;
        house.clock.advance(hours(1));
        let until = house.clock.now() + days(20);
        if again {
            house.intercom.teammate_snoozes(&id, until);
        } else {
            house.intercom.teammate_opens(&id);
        }
        house.after(minutes(1)).await;
        let seen = house.intercom.conversation(&id).unwrap();
        let wanted = if again { ("snoozed", Some(until)) } else { ("open", None) };
        assert_eq!((seen.state, seen.snoozed_until), wanted, "{name}");
        // Counted anew from what the teammate did: a day on it is snoozed again, as the rule says.
        house.after(days(1) - minutes(2)).await;
        assert_eq!(asked(&house, Endpoint::Snooze), 1, "{name}: {:?}", house.journal(&id).await);
        house.after(minutes(2)).await;
        assert_eq!(asked(&house, Endpoint::Snooze), 2, "{name}: {:?}", house.journal(&id).await);
    }
}

#[tokio::test]
async fn a_note_or_reply_on_our_own_snooze_restores_it_and_its_end_still_restarts_nothing() {
    for step in
        [r#"do = "note", body = "Quiet.""#, r#"do = "reply", body = "Hello?""#, r#"do = "assign", team = "Support""#]
    {
        let steps = format!(
            "{{ after = \"1 day\", do = \"snooze\", for = \"3 days\" }}, {{ after = \"2 days\", {step} }},
             {{ after = \"7 days\", do = \"close\", silent = true }}"
        );
        let house = house(&steps).await;
        let id = house.answered().await;
        house.after(days(1)).await;
        let until = house.intercom.conversation(&id).unwrap().snoozed_until;
        house.after(days(1)).await;
        assert_eq!(house.intercom.conversation(&id).unwrap().snoozed_until, until, "{step}");
        house.after(days(2)).await;
        assert_eq!(house.state(&id), "open", "{step}");
        house.after(days(3) - seconds(1)).await;
        assert_eq!(house.state(&id), "open", "{step}");
        house.after(seconds(1)).await;
        assert_eq!(house.state(&id), "closed", "{step}: {:?}", house.journal(&id).await);
    }
}
