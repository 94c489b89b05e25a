//! Several notifications for one part, and old parts: what changes nothing.

use autoclosed::engine::conversation::Conversation;

use super::families::{ALL, CONTACT, Family, Part, telling};
use super::{brief, conversation_id, deliver, told_only};
use crate::harness::{House, QUIET_A_DAY, days, hours, minutes, seconds};

const ADMIN: (&str, &str) = ("admin", "1001");

/// Everything but which notification told it last.
fn meaning(known: &Conversation) -> impl PartialEq + std::fmt::Debug + use<> {
    (known.latest.clone(), known.wakes.clone(), known.facts().cloned(), known.whole, known.updated_at())
}

#[tokio::test]
async fn several_notifications_for_one_part_change_nothing_twice() {
    let topics = [
        "conversation.admin.assigned",
        "conversation.admin.open.assigned",
        "conversation.admin.replied",
        "conversation.admin.replied.translated",
        "conversation.admin.opened",
    ];
    for family in ALL {
        for first in 0..topics.len() {
            let house = told_only().await;
            let mut after_first = None;
            for turn in 0..topics.len() {
                let mut told = telling(5001, topics[(first + turn) % topics.len()], 600);
                told.parts =
                    vec![Part { id: 7001, kind: "assign_and_reopen", by: ADMIN, body: Some("<p>Hello!</p>"), at: 600 }];
                let notification = family.notification(&told);
                for _ in 0..2 {
                    assert_eq!(deliver(&house, &notification).await, 200);
                }
                let known = house.known(&conversation_id(5001)).await.unwrap();
                let meant = meaning(&known);
                assert_eq!(after_first.get_or_insert_with(|| meaning(&known)), &meant, "{family:?}, first {first}");
            }
        }
    }
}

/// A tag, a redaction and a reading show parts of long ago; the timer goes on from the last word.
#[tokio::test]
async fn an_old_part_is_never_now() {
    for topic in ["conversation_part.tag.created", "conversation_part.redacted", "conversation.read"] {
        for family in [Family::V1, Family::V2, Family::V2b] {
            let house = House::with(QUIET_A_DAY).await;
            let id = house.answered().await;
            let asked = house.intercom.conversation(&id).unwrap().parts[0].id;
            house.clock.advance(hours(20));
            let mut told = telling(id.as_str().parse().unwrap(), topic, 20 * 3600);
            told.parts = vec![
                Part {
                    id: asked - 1,
                    kind: "comment",
                    by: ("user", CONTACT),
                    body: Some("<p>It is slow.</p>"),
                    at: 30,
                },
                Part { id: asked, kind: "comment", by: ADMIN, body: Some("<p>Under Settings.</p>"), at: 60 },
            ];
            assert_eq!(deliver(&house, &family.notification(&told)).await, 200);
            house.after(hours(4) - seconds(1)).await;
            assert_eq!(house.state(&id), "open", "{topic} {family:?}");
            house.after(seconds(1)).await;
            assert_eq!(house.state(&id), "closed", "{topic} {family:?}: {:?}", house.journal(&id).await);
        }
    }
}

#[tokio::test]
async fn an_old_part_does_not_revive_what_is_closed() {
    for topic in ["conversation_part.tag.created", "conversation_part.redacted"] {
        for family in [Family::V1, Family::V2, Family::V2b] {
            let house = told_only().await;
            let mut told = telling(5001, "conversation.admin.closed", 600);
            told.state = "closed";
            told.parts = vec![Part { id: 7005, kind: "close", by: ADMIN, body: Some("<p>Bye.</p>"), at: 600 }];
            assert_eq!(deliver(&house, &family.notification(&told)).await, 200);
            let before = house.known(&conversation_id(5001)).await.unwrap();
            told.topic = topic.to_owned();
            told.at = 86_400;
            told.parts =
                vec![Part { id: 7001, kind: "open", by: ("user", CONTACT), body: Some("<p>Hm.</p>"), at: 300 }];
            assert_eq!(deliver(&house, &family.notification(&told)).await, 200);
            let after = house.known(&conversation_id(5001)).await.unwrap();
            assert_eq!(after.state(), before.state(), "{topic} {family:?}");
            let newest = after.latest.values().map(|(at, _)| *at).max();
            assert_eq!(
                newest,
                before.latest.values().map(|(at, _)| *at).max(),
                "{topic} {family:?}: {}",
                brief(&after)
            );
        }
    }
}

/// A translation has other words than the part that it is of; ours is known by its own.
#[tokio::test]
async fn a_translation_leaves_the_words_that_a_part_is_known_by() {
    for translated_first in [true, false] {
        let house = told_only().await;
        let ours = |topic: &str, body| {
            let mut told = telling(5001, topic, 600);
            told.parts = vec![Part { id: 7001, kind: "comment", by: ("admin", "1009"), body: Some(body), at: 600 }];
            Family::V2b.notification(&told)
        };
        let original = ours("conversation.admin.replied", "<p>Did that solve it?</p>");
        let words: Vec<_> = ["Est-ce bon ?", "Ja?", "Va bene?", "¿Bien?"]
            .into_iter()
            .map(|body| ours("conversation.admin.replied.translated", body))
            .collect();
        if !translated_first {
            deliver(&house, &original).await;
        }
        for (number, mut translation) in words.into_iter().enumerate() {
            translation["id"] = format!("notif_{number}").into();
            assert_eq!(deliver(&house, &translation).await, 200);
        }
        if translated_first {
            deliver(&house, &original).await;
        }
        let known = house.known(&conversation_id(5001)).await.unwrap();
        let alone = told_only_of(&house, &original).await;
        let digests = |known: &Conversation| known.by_admin.iter().map(|part| part.digest.clone()).collect::<Vec<_>>();
        assert_eq!(digests(&known), digests(&alone), "translated first: {translated_first}");
    }
}

/// What the same daemon makes of another conversation of which only this was told.
async fn told_only_of(house: &House, notification: &serde_json::Value) -> Conversation {
    let mut other = notification.clone();
    other["id"] = "notif_alone".into();
    other["data"]["item"]["id"] = "5999".into();
    assert_eq!(deliver(house, &other).await, 200);
    house.known(&conversation_id(5999)).await.unwrap()
}

/// The first version tells of one assignee: that no teammate has it does not say that no team has.
#[tokio::test]
async fn a_team_that_the_first_version_does_not_tell_of_is_asked_for() {
    use autoclosed::fake_intercom::{WebhookVersion, Workspace};
    let rule = QUIET_A_DAY.replace("match_all = true", "match.team = \"Support\"");
    let workspace = Workspace { webhook_version: WebhookVersion::V1, ..Workspace::default() };
    let mut house = House::configured(&format!("mode = \"live\"\n{rule}"), workspace).await;
    house.start().await;
    house.look().await;
    let id = house.intercom.contact_starts("Hello?");
    house.intercom.teammate_assigns_team(&id, Some("2001"));
    house.clock.advance(minutes(1));
    house.intercom.teammate_replies(&id, "Hello!");
    house.after(minutes(1)).await;
    house.after(days(1)).await;
    assert_eq!(house.state(&id), "closed");
}

/// In the first version a campaign stands there as the word of the teammate in whose name it went out.
#[tokio::test]
async fn an_opening_message_whose_origin_is_not_told_is_no_teammate_s_word() {
    for (family, topic, words) in [
        (Family::V1, "conversation.read", 0),
        (Family::V1, "conversation.admin.assigned", 0),
        (Family::V1, "conversation.admin.single.created", 1),
        (Family::V2, "conversation.read", 1),
    ] {
        let house = told_only().await;
        let mut told = telling(5001, topic, 600);
        (told.begun_by, told.delivered_as, told.contact_at) = (ADMIN, "admin_initiated", None);
        assert_eq!(deliver(&house, &family.notification(&told)).await, 200);
        let known = house.known(&conversation_id(5001)).await.unwrap();
        let said = known.latest.keys().filter(|(class, _)| class.name() == "teammate_reply").count();
        assert_eq!(said, words, "{family:?} {topic}: {}", brief(&known));
    }
}
