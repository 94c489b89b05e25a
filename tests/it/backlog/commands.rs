//! `backlog list`, `backlog release` and `backlog discard`.

use autoclosed::command::backlog::{discard, list, release};
use autoclosed::command::explain::explain;
use autoclosed::command::{Told, pause};
use autoclosed::engine::ConversationId;
use jiff::tz::TimeZone;

use super::{answered, begin, closed, strict, waiting};
use crate::harness::{House, QUIET_A_DAY, days, hours, minutes, seconds};

fn told(answer: &impl Told) -> String {
    let mut out = Vec::new();
    answer.tell(&mut out, &TimeZone::get("Europe/Dublin").unwrap()).unwrap();
    String::from_utf8(out).unwrap()
}

/// So many that wait.
async fn with_a_backlog(count: usize) -> (House, Vec<ConversationId>) {
    let mut house = strict("max_due_at_once = 2", QUIET_A_DAY).await;
    let ids = answered(&house, count).await;
    house.clock.advance(days(2));
    begin(&mut house).await;
    house.sweep().await;
    assert_eq!(waiting(&house).await.len(), count);
    (house, ids)
}

#[tokio::test]
async fn what_waits_is_listed_oldest_first_with_what_to_do() {
    let (house, _) = with_a_backlog(3).await;
    insta::assert_snapshot!(told(&list(&house.desk().await).await.unwrap()), @"
    2026-03-03 09:01:00 GMT  215470000000001  close      rule `quiet-a-day`
                             more than 2 were due at the first start in live mode
    2026-03-03 09:02:00 GMT  215470000000002  close      rule `quiet-a-day`
                             more than 2 were due at the first start in live mode
    2026-03-03 09:03:00 GMT  215470000000003  close      rule `quiet-a-day`
                             more than 2 were due at the first start in live mode

    3 steps wait for you; nothing of it is done before you say so:
      autoclosed backlog release --max 50 --per-hour 20   lets the oldest go, 20 in any hour
      autoclosed backlog discard                          leaves all of it alone for good
    ");
    insta::assert_snapshot!(serde_json::to_string_pretty(&waiting(&house).await[0]).unwrap(), @r#"
    {
      "conversation": "215470000000001",
      "do": "close",
      "due_at": "2026-03-03T09:01:00Z",
      "reason": "more than 2 were due at the first start in live mode",
      "release_at": null,
      "rule": "quiet-a-day",
      "since": "2026-03-04T09:03:00Z",
      "step": "close"
    }
    "#);
    let empty = House::with(QUIET_A_DAY).await;
    insta::assert_snapshot!(told(&list(&empty.desk().await).await.unwrap()), @"The backlog is empty: nothing waits for you.");
}

#[tokio::test]
async fn what_is_let_go_is_done_oldest_first_and_no_faster_than_was_said() {
    let (mut house, ids) = with_a_backlog(8).await;
    let desk = house.desk().await;
    insta::assert_snapshot!(told(&release(&desk, 6, 3).await.unwrap()), @"
    Let go: 6, at most 3 in any hour, each looked at again first; the last is due at 2026-03-04 10:48:00
    GMT.
    2 steps wait still. `autoclosed backlog list` shows them.
    `autoclosed pause` stops everything at once, this too.
    ");
    house.sweep().await;
    assert_eq!((closed(&house, &ids), house.state(&ids[0])), (1, "closed"), "the oldest at once");
    let mut done = Vec::new();
    for minute in 0..130 {
        house.after(minutes(1)).await;
        done.push(closed(&house, &ids));
        assert!(done[minute] - done.get(minute.wrapping_sub(60)).copied().unwrap_or(1) <= 3, "{minute}: {done:?}");
    }
    assert_eq!((closed(&house, &ids), waiting(&house).await.len()), (6, 2));
    // However long it could not go on, it does not catch up.
    release(&desk, 2, 1).await.unwrap();
    pause::pause(&desk, None).await.unwrap();
    house.after(hours(9)).await;
    pause::resume(&desk, None).await.unwrap();
    house.after(seconds(10)).await;
    assert_eq!(closed(&house, &ids), 7, "one an hour");
    house.restart().await;
    house.after(seconds(10)).await;
    assert_eq!((closed(&house, &ids), waiting(&house).await.len()), (7, 1), "and still let go after the gap");
    house.after(hours(1)).await;
    assert_eq!(closed(&house, &ids), 8);
}

#[tokio::test]
async fn a_later_word_replaces_how_fast_it_goes() {
    let (house, ids) = with_a_backlog(4).await;
    let desk = house.desk().await;
    release(&desk, 3, 1).await.unwrap();
    house.sweep().await;
    house.after(minutes(1)).await;
    assert_eq!(closed(&house, &ids), 1);
    insta::assert_snapshot!(told(&release(&desk, 1, 60).await.unwrap()), @"
    Let go: 1, at most 60 in any hour, each looked at again first; the last is due at 2026-03-04
    09:07:00 GMT.
    `autoclosed pause` stops everything at once, this too.
    ");
    for _ in 0..4 {
        house.after(minutes(1)).await;
    }
    assert_eq!(closed(&house, &ids), 4);
}

#[tokio::test]
async fn what_is_let_go_is_looked_at_again_first() {
    let (house, ids) = with_a_backlog(3).await;
    house.intercom.drop_notifications(true);
    house.intercom.contact_replies(&ids[0], "One more thing");
    release(&house.desk().await, 3, 60).await.unwrap();
    for _ in 0..4 {
        house.after(minutes(1)).await;
    }
    assert_eq!((house.state(&ids[0]), closed(&house, &ids)), ("open", 2));
}

#[tokio::test]
async fn what_is_discarded_is_left_alone_until_somebody_speaks() {
    let (mut house, ids) = with_a_backlog(4).await;
    let desk = house.desk().await;
    insta::assert_snapshot!(told(&discard(&desk, Some(&ids[0]), None).await.unwrap()), @"
    Discarded of conversation 215470000000001: 1. The conversation is left alone by that rule until
    somebody speaks in it.
    3 steps wait still. `autoclosed backlog list` shows them.
    ");
    insta::assert_snapshot!(told(&discard(&desk, Some(&ids[0]), None).await.unwrap()), @"
    Nothing of conversation 215470000000001 is in the backlog, so nothing was discarded.
    3 steps wait still. `autoclosed backlog list` shows them.
    ");
    release(&desk, 1, 1).await.unwrap();
    insta::assert_snapshot!(told(&discard(&desk, None, None).await.unwrap()), @"Discarded: 3. Each of the conversations is left alone by that rule until somebody speaks in it.");
    insta::assert_snapshot!(told(&discard(&desk, None, None).await.unwrap()), @"Nothing is in the backlog, so nothing was discarded.");
    assert_eq!(house.journal(&ids[3]).await.last().unwrap(), "left close: discarded from the backlog by hand");
    house.restart().await;
    for _ in 0..5 {
        house.after(days(1)).await;
    }
    assert_eq!((closed(&house, &ids), waiting(&house).await.len()), (0, 0));
    let explained = told(&explain(&desk, &ids[3], &mut Vec::new()).await.unwrap());
    assert!(explained.contains("an operator discarded it from the backlog"), "{explained}");
    house.intercom.teammate_replies(&ids[3], "Anything else?");
    house.after(days(1)).await;
    assert_eq!(house.state(&ids[3]), "closed");
}

#[tokio::test]
async fn explain_says_that_it_waits_and_what_ends_that() {
    let (house, ids) = with_a_backlog(3).await;
    let desk = house.desk().await;
    let but = async |id| {
        let explained = told(&explain(&desk, id, &mut Vec::new()).await.unwrap());
        let but = explained.lines().skip_while(|line| !line.trim().starts_with("but"));
        but.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(but(&ids[0]).await, @"
    but        it waits in the backlog until you let it go (`autoclosed backlog release`) or discard
               it; somebody's word takes it out, too
    ");
    release(&desk, 1, 1).await.unwrap();
    insta::assert_snapshot!(but(&ids[0]).await, @"  but        it was let go from the backlog, and is due at 2026-03-04 08:58:00 UTC");
}
