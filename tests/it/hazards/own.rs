//! Who did it: we, or somebody else who uses our admin. Ours never moves an anchor; anybody else's always does.

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::WebhookVersion::{V1, V2, V2b};
use autoclosed::fake_intercom::{Echo, Endpoint, FakeIntercom, Fault, WebhookVersion, Workspace};
use jiff::Timestamp;

use super::REMIND_AND_CLOSE;
use crate::harness::{House, QUIET_A_DAY, days, hours, minutes, seconds};

/// The admin whose token we have.
const US: &str = "1009";

async fn house(rules: &str, webhook_version: WebhookVersion) -> House {
    let workspace = Workspace { webhook_version, ..Workspace::default() };
    let mut house = House::configured(&format!("mode = \"live\"\n{rules}"), workspace).await;
    house.start().await;
    house.look().await;
    house
}

/// Lets time pass until then.
async fn until(house: &House, at: Timestamp) {
    house.after(at.duration_since(house.clock.now())).await;
}

/// The anchor is that moment: the reminder is due five days after it, and the close two days later. `again`: the
/// reminder leaves; it does not where it has left in the same silence.
async fn counts_from(house: &House, id: &ConversationId, anchor: Timestamp, again: bool, what: &str) {
    let said = texts(house, id);
    until(house, anchor + days(5) - seconds(1)).await;
    assert_eq!(texts(house, id), said, "{what}: {:?}", house.journal(id).await);
    until(house, anchor + days(5)).await;
    assert_eq!(texts(house, id), said + usize::from(again), "{what}: {:?}", house.journal(id).await);
    closes_at(house, id, anchor + days(7), what).await;
}

async fn closes_at(house: &House, id: &ConversationId, at: Timestamp, what: &str) {
    until(house, at - seconds(1)).await;
    assert_ne!(house.state(id), "closed", "{what}: {:?}", house.journal(id).await);
    until(house, at).await;
    assert_eq!(house.state(id), "closed", "{what}: {:?}", house.journal(id).await);
}

/// How often our reminder stands in it.
fn texts(house: &House, id: &ConversationId) -> usize {
    let parts = house.intercom.conversation(id).unwrap().parts;
    parts.iter().filter(|part| part.body.as_deref().is_some_and(|body| body.contains("solve it"))).count()
}

type Act = fn(&FakeIntercom, &ConversationId, Timestamp) -> bool;

/// What somebody else, or a workflow, can do with our admin, and whether it says something to the contact.
const BY_OUR_ADMIN: [(&str, bool, Act); 5] = [
    ("replies", true, |it, id, _| it.teammate_replies(id, "I will look into it.").is_some()),
    ("replies much as we do", true, |it, id, _| it.teammate_replies(id, "Did that solve it!").is_some()),
    ("assigns with a word", true, |it, id, _| it.teammate_assigns(id, Some("1001"), Some("Sam knows.")).is_some()),
    ("snoozes", false, |it, id, until| it.teammate_snoozes(id, until).is_some()),
    ("snoozes and opens", false, |it, id, until| it.teammate_snoozes(id, until).and(it.teammate_opens(id)).is_some()),
];

#[tokio::test]
async fn what_another_does_with_our_admin_while_nothing_is_under_way_counts_as_a_teammate_s() {
    for version in [V1, V2, V2b] {
        for (what, _, act) in BY_OUR_ADMIN {
            let house = house(REMIND_AND_CLOSE, version).await;
            let id = house.answered().await;
            house.after(days(3)).await;
            let at = house.clock.now();
            assert!(act(&house.intercom.by(US), &id, at + days(60)), "{what}");
            counts_from(&house, &id, at, true, &format!("{what} {version:?}")).await;
        }
    }
}

/// It is a text of ours that is looked for; theirs is in the same conversation, by the same admin, minutes after.
#[tokio::test]
async fn what_another_does_while_our_answer_is_lost_counts_once_ours_is_found() {
    for version in [V1, V2, V2b] {
        for (what, speaks, act) in BY_OUR_ADMIN {
            let house = house(REMIND_AND_CLOSE, version).await;
            let id = house.answered().await;
            house.intercom.fault(Endpoint::Reply, Fault::ApplyThenDrop);
            house.after(days(5)).await;
            assert_eq!(texts(&house, &id), 1, "{what}");
            house.clock.advance(seconds(30));
            let at = house.clock.now();
            assert!(act(&house.intercom.by(US), &id, at + days(60)), "{what}");
            house.after(seconds(31)).await;
            let journal = house.journal(&id).await;
            assert!(journal.last().unwrap().starts_with("done reply 1"), "{what} {version:?}: {journal:#?}");
            counts_from(&house, &id, at, speaks, &format!("{what} {version:?}")).await;
        }
    }
}

/// Whose it is cannot be told from its text alone: Intercom may have spelled ours anew. Nothing is said twice, and the
/// ladder that cannot tell closes nothing.
#[tokio::test]
async fn what_another_says_while_our_call_never_arrived_is_never_taken_for_leave_to_say_it_again() {
    let house = house(REMIND_AND_CLOSE, V2).await;
    let id = house.answered().await;
    house.intercom.fault(Endpoint::Reply, Fault::Drop);
    house.after(days(5)).await;
    house.clock.advance(seconds(30));
    house.intercom.by(US).teammate_replies(&id, "I will look into it.");
    for _ in 0..40 {
        house.after(hours(1)).await;
    }
    house.after(days(30)).await;
    assert_eq!((texts(&house, &id), house.state(&id)), (0, "open"), "{:?}", house.journal(&id).await);
    house.intercom.by("1001").teammate_replies(&id, "Here it is.");
    counts_from(&house, &id, house.clock.now(), true, "after the next word").await;
}

/// A state part so near to a deed of ours belongs to it; a later one is somebody else's.
#[tokio::test]
async fn a_workflow_that_snoozes_as_we_do_is_told_from_us_by_its_time() {
    for (later, ours) in [(0, true), (2, true), (3, false), (30, false)] {
        let house = house(REMIND_AND_CLOSE, V2b).await;
        let id = house.answered().await;
        let answered_at = house.clock.now();
        house.after(days(5)).await;
        house.clock.advance(seconds(later));
        let at = house.clock.now();
        house.intercom.by(US).teammate_snoozes(&id, at + days(60));
        let anchor = if ours { answered_at } else { at };
        closes_at(&house, &id, anchor + days(7), &format!("{later} s after")).await;
    }
}

/// After our own close a person's reopening keeps us away; after anybody else's it begins a new wait.
#[tokio::test]
async fn a_workflow_that_closes_as_we_do_is_not_us() {
    for by_us in [true, false] {
        let house = house(QUIET_A_DAY, V2b).await;
        let id = house.answered().await;
        if by_us {
            house.after(days(1)).await;
        } else {
            house.after(hours(12)).await;
            house.intercom.by(US).teammate_closes(&id, None);
        }
        assert_eq!(house.state(&id), "closed");
        house.after(hours(1)).await;
        house.intercom.teammate_opens(&id);
        house.after(days(1) - seconds(1)).await;
        assert_eq!(house.state(&id), "open", "by us: {by_us}");
        house.after(seconds(1)).await;
        assert_eq!(house.state(&id), if by_us { "open" } else { "closed" }, "by us: {by_us}");
    }
}

/// A text whose spelling in a notification differs from that in an answer.
const SPELLED: &str = r#"
[[rule]]
name = "remind"
match_all = true
[[rule.step]]
after = "5 days"
do = "reply"
body = "<p>Hello&nbsp;there &amp; <b>welcome</b>,<br>did that solve it?</p><ul><li>Yes &lt;3</li></ul>"
[[rule.step]]
after = "7 days"
do = "close"
body = "Closing <i>this</i> for now."
"#;

#[tokio::test]
async fn our_own_words_come_back_in_any_spelling_and_at_any_time_and_move_nothing() {
    for version in [V1, V2, V2b] {
        for echo in [Echo::BeforeAnswer, Echo::AfterAnswer, Echo::Twice, Echo::Never] {
            for fault in [None, Some(Fault::ApplyThenDrop), Some(Fault::Truncated), Some(Fault::ApplyThenStatus(500))] {
                let what = format!("{version:?} {echo:?} {fault:?}");
                let house = house(SPELLED, version).await;
                house.intercom.echo(echo);
                let id = house.answered().await;
                let anchor = house.clock.now();
                if let Some(fault) = &fault {
                    house.intercom.fault(Endpoint::Reply, fault.clone());
                }
                house.after(days(5)).await;
                house.after(minutes(1)).await;
                assert_eq!(texts(&house, &id), 1, "{what}: {:?}", house.journal(&id).await);
                closes_at(&house, &id, anchor + days(7), &what).await;
                house.after(days(10)).await;
                assert_eq!((house.ours(&id, "comment"), house.ours(&id, "close")), (1, 1), "{what}");
            }
        }
    }
}

/// The answer is slow: the words come back while nobody knows yet whether they were said.
#[tokio::test]
async fn our_own_words_that_come_back_while_the_call_is_under_way_move_nothing() {
    for version in [V1, V2, V2b] {
        let house = house(SPELLED, version).await;
        let id = house.answered().await;
        let anchor = house.clock.now();
        house.intercom.echo(Echo::BeforeAnswer);
        let (clock, reading) = (house.clock.clone(), id.clone());
        house.intercom.after_apply(Endpoint::Reply, move |intercom| {
            clock.advance(seconds(20));
            intercom.bot_replies(&reading, "We are on it.");
        });
        house.after(days(5)).await;
        closes_at(&house, &id, anchor + days(7), &format!("{version:?}")).await;
    }
}
