//! The same, as the fake workspace sends it: a story told in each family.

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{FakeIntercom, Quirk, WebhookVersion, Workspace};

use super::brief;
use crate::harness::{House, QUIET_A_DAY, days, minutes};

type Verb = fn(&FakeIntercom, &ConversationId) -> bool;

const STORY: [(&str, Verb); 16] = [
    ("a bot answers", |it, id| it.bot_replies(id, "Did you try the guide?").is_some()),
    ("a teammate answers, which assigns it", |it, id| it.teammate_replies(id, "Under Settings.").is_some()),
    ("a teammate notes", |it, id| it.teammate_notes(id, "Looks fine.").is_some()),
    ("assigned to a team", |it, id| it.teammate_assigns_team(id, Some("2001")).is_some()),
    ("assigned to nobody, with a word", |it, id| it.teammate_assigns(id, None, Some("Back in the queue.")).is_some()),
    ("prioritized", |it, id| it.teammate_prioritizes(id, "high").is_some()),
    ("tagged", |it, id| it.tag(id, "vip")),
    ("snoozed", |it, id| it.teammate_snoozes(id, "2026-03-04T00:00:00Z".parse().unwrap()).is_some()),
    ("a colleague notes, which wakes it", |it, id| it.by("1002").teammate_notes(id, "And?").is_some()),
    ("snoozed again", |it, id| it.teammate_snoozes(id, "2026-03-02T09:11:00Z".parse().unwrap()).is_some()),
    ("the snooze runs out", |it, _| it.wake_due_snoozes() == 1),
    ("closed with a word", |it, id| it.teammate_closes(id, Some("Bye.")).is_some()),
    ("rated", |it, id| it.rate(id, 5).is_some()),
    ("opened", |it, id| it.teammate_opens(id).is_some()),
    ("closed", |it, id| it.teammate_closes(id, None).is_some()),
    ("the contact writes again", |it, id| it.contact_replies(id, "One more thing.").is_some()),
];

async fn told_by(version: WebhookVersion) -> Vec<String> {
    let quirks = vec![Quirk::AssignOnFirstReply, Quirk::WakeNotifies];
    let workspace = Workspace { webhook_version: version, quirks, ..Workspace::default() };
    let mut house = House::configured(&format!("mode = \"live\"\n{QUIET_A_DAY}"), workspace).await;
    house.start().await;
    house.look().await;
    let id = house.intercom.contact_starts("How do I export my data?");
    let mut lines = Vec::new();
    for (name, verb) in STORY {
        house.clock.advance(minutes(1));
        assert!(verb(&house.intercom, &id), "{name}");
        house.intercom.settle().await;
        let known = house.known(&id).await.unwrap();
        let newest = brief(&known);
        lines.push(format!("{name}: {newest}"));
    }
    assert!(house.intercom.notifications().iter().all(|sent| sent.status == Some(200)));
    assert_eq!(house.reads(&id), 0, "all of it was told");
    lines
}

#[tokio::test]
async fn a_story_means_the_same_in_every_family() {
    let told = told_by(WebhookVersion::V2).await;
    for version in [WebhookVersion::V1, WebhookVersion::V2b] {
        assert_eq!(told_by(version).await, told, "{version:?}");
    }
    insta::assert_snapshot!(told.last().unwrap().replace(", ", "\n"), @r"
    the contact writes again: 37350000001 at 60: bot_reply by bot
    37350000005 at 300: assigned by teammate
    37350000006 at 360: other by teammate
    37350000009 at 540: note by teammate
    37350000010 at 540: unsnoozed by teammate
    37350000011 at 600: snoozed by teammate
    37350000012 at 660: unsnoozed by timer
    37350000013 at 720: teammate_reply by teammate
    37350000014 at 780: rated by contact
    37350000015 at 840: opened by teammate
    37350000016 at 900: closed by teammate
    37350000017 at 960: contact_reply by contact + opened by contact
    open
    whole
    ");
    let states: Vec<_> = told.iter().map(|line| state_of(line)).collect();
    insta::assert_snapshot!(states.join("\n"), @r"
    a bot answers: open
    a teammate answers, which assigns it: open
    a teammate notes: open
    assigned to a team: open
    assigned to nobody, with a word: open
    prioritized: open
    tagged: open
    snoozed: snoozed until 140400
    a colleague notes, which wakes it: open
    snoozed again: snoozed until 660
    the snooze runs out: open
    closed with a word: closed
    rated: closed
    opened: open
    closed: closed
    the contact writes again: open
    ");
}

/// The name of the verb, and the state after it.
fn state_of(line: &str) -> String {
    let (verb, known) = line.split_once(": ").unwrap();
    let state = known.rsplit(", ").find(|word| *word != "whole").unwrap();
    format!("{verb}: {state}")
}

#[tokio::test]
async fn what_a_teammate_or_a_machine_begins_stays_closed_until_the_contact_writes() {
    for version in [WebhookVersion::V1, WebhookVersion::V2, WebhookVersion::V2b] {
        let workspace = Workspace { webhook_version: version, ..Workspace::default() };
        let mut house = House::configured(&format!("mode = \"live\"\n{QUIET_A_DAY}"), workspace).await;
        house.start().await;
        house.look().await;
        let ids =
            [house.intercom.teammate_starts("Is all well?"), house.intercom.bot_starts("campaigns_initiated", "News!")];
        house.after(days(3)).await;
        assert_eq!(house.deeds(), Vec::<String>::new(), "{version:?}");
        for id in &ids {
            house.intercom.contact_replies(id, "Yes?");
        }
        house.after(days(3)).await;
        assert_eq!(house.deeds(), Vec::<String>::new(), "{version:?}: we owe the answer");
    }
}
