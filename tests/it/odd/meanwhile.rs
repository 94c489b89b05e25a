//! What has changed by the time that a step is due, and no webhook told of (E14, E15): it is left alone.

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::FakeIntercom;

use crate::harness::{House, days, hours, minutes, seconds};

const RULE: &str = r#"
[[rule]]
name = "quiet-a-day"
match.state = ["open"]
match.not_tags = ["vip"]
match.not_assignee = ["alex@example.com"]
match.priority = ["none"]
step = [{ after = "1 day", do = "close", body = "Closing this for now." }]
"#;

type Change = fn(&FakeIntercom, &ConversationId) -> bool;

const CHANGES: [(&str, Change); 10] = [
    ("snoozed", |it, id| it.teammate_snoozes(id, "2026-04-01T00:00:00Z".parse().unwrap()).is_some()),
    ("closed", |it, id| it.teammate_closes(id, None).is_some()),
    ("reassigned", |it, id| it.teammate_assigns(id, Some("1002"), None).is_some()),
    ("exempt by a tag", |it, id| it.tag(id, "vip")),
    ("held by a tag", |it, id| it.tag(id, "autoclose-hold")),
    ("of another priority", |it, id| it.teammate_prioritizes(id, "high").is_some()),
    ("made a ticket", |it, id| it.becomes_ticket(id)),
    ("answered by the contact", |it, id| it.contact_replies(id, "No.").is_some()),
    ("answered by a teammate", |it, id| it.teammate_replies(id, "And?").is_some()),
    ("deleted", FakeIntercom::delete),
];

#[tokio::test]
async fn what_changed_since_the_last_webhook_is_seen_before_the_call() {
    for (name, change) in CHANGES {
        let house = House::with(RULE).await;
        let id = house.answered().await;
        house.clock.advance(hours(23));
        house.intercom.drop_notifications(true);
        assert!(change(&house.intercom, &id), "{name}");
        house.after(hours(1)).await;
        house.after(minutes(5)).await;
        assert_eq!(house.deeds(), Vec::<String>::new(), "{name}");
        assert_eq!(house.reads(&id), 1, "{name}: it was due and was read");
    }
}

#[tokio::test]
async fn of_two_thousand_parts_the_newest_and_the_statistics_say_who_waits() {
    for (name, contact_last, closed) in [("the contact waits", true, "open"), ("nobody waits", false, "closed")] {
        let house = House::with(RULE).await;
        let id = house.answered().await;
        house.intercom.drop_notifications(true);
        if contact_last {
            house.intercom.contact_replies(&id, "And on a phone?");
        }
        for _ in 0..2000 {
            house.intercom.teammate_notes(&id, "Still looking.");
        }
        house.clock.advance(seconds(1));
        house.after(days(1)).await;
        assert_eq!(house.state(&id), closed, "{name}: {:?}", house.journal(&id).await);
    }
}
