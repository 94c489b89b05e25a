//! An undo that is broken off, refused or not answered: asked for again it goes on, nothing is done twice that matters,
//! and no daemon takes its parts for a teammate's.

use std::rc::Rc;

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, Fault};
use autoclosed::sabotage::{Point, Then, at_points};
use serde_json::json;

use super::{SNOOZED_A_DAY, asked, undone};
use crate::harness::{House, days, hours, minutes};

/// Closed out of a snooze that has days to go.
async fn closed_snoozed(house: &House) -> ConversationId {
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + days(9));
    house.after(days(1)).await;
    assert_eq!(house.state(&id), "closed");
    house.clock.advance(hours(1));
    id
}

/// Whatever happened, it is as it was, nobody but us is thought to have touched it, and no rule does.
async fn is_as_it_was(house: &House, id: &ConversationId, how: &str) {
    house.intercom.settle().await;
    assert_eq!(house.state(id), "snoozed", "{how}");
    assert_eq!(house.ours(id, "close"), 1, "{how}");
    let known = house.daemon().store().decided(id, &house.context()).await.unwrap().unwrap();
    let why = known.decision.why().to_string();
    assert!(why.contains("its close was undone"), "{how}: {why}");
    let [attempt] = known.history.attempts.as_slice() else { unreachable!("one attempt") };
    assert!(attempt.undone.is_some_and(|undone| !undone.awaited), "{how}");
    let parts = house.intercom.conversation(id).unwrap().parts;
    let ours = parts.iter().filter(|part| part.author_id == "1009" && ["open", "snoozed"].contains(&part.kind));
    for part in ours {
        let known = attempt.deeds.iter().any(|deed| deed.part.map(|id| id.to_string()) == Some(part.id.to_string()));
        assert!(known, "{how}: part {} is not known as ours: {:?}", part.id, attempt.deeds);
    }
    let deeds = house.deeds();
    house.after(days(20)).await;
    house.look().await;
    house.after(days(20)).await;
    assert_eq!(house.deeds(), deeds, "{how}");
}

#[tokio::test]
async fn ended_anywhere_and_asked_for_again_it_comes_to_its_end() {
    let points = [Point::WrittenDown, Point::Answered, Point::Known, Point::Settled];
    for (point, times) in points.iter().flat_map(|point| [(*point, 1), (*point, 2)]) {
        let house = House::with(SNOOZED_A_DAY).await;
        let id = closed_snoozed(&house).await;
        let how = format!("{} {times}", point.name());
        let (reached, mut left) = (Rc::new(tokio::sync::Notify::new()), times);
        let notice = Rc::clone(&reached);
        let in_force = at_points(move |passed| {
            left -= usize::from(passed == point);
            if left > 0 {
                return Then::GoesOn;
            }
            left = 1;
            if passed == point {
                notice.notify_one();
                return Then::Stands;
            }
            Then::GoesOn
        });
        tokio::select! {
            _ = asked(&house, false) => {}
            () = reached.notified() => {}
        }
        drop(in_force);
        house.intercom.settle().await;
        house.after(minutes(1)).await;
        assert!(["snoozed", "open", "closed"].contains(&house.state(&id)));
        let opens = house.deeds().iter().filter(|deed| deed.starts_with("open")).count();
        let answer = undone(&house).await;
        assert_eq!(answer["failed"], 0, "{how}: {answer}");
        let again = house.deeds().iter().filter(|deed| deed.starts_with("open")).count();
        assert!(opens == 0 || again == opens, "{how}: opened once");
        is_as_it_was(&house, &id, &how).await;
    }
}

#[tokio::test]
async fn whatever_becomes_of_a_call_it_ends_well_at_once_or_when_asked_for_again() {
    let refused = || Fault::Status {
        status: 422,
        body: r#"{"type":"error.list","errors":[{"code":"parameter_invalid"}]}"#.into(),
    };
    for on in [Endpoint::Open, Endpoint::Snooze] {
        for fault in [
            refused(),
            Fault::Drop,
            Fault::ApplyThenDrop,
            Fault::ApplyThenStatus(500),
            Fault::Garbage200,
            Fault::Truncated,
            Fault::WrongId,
            Fault::WrongState,
            Fault::Html502,
        ] {
            let house = House::with(SNOOZED_A_DAY).await;
            let id = closed_snoozed(&house).await;
            let how = format!("{on:?} {fault:?}");
            house.intercom.fault(on, fault);
            let first = undone(&house).await;
            house.after(minutes(1)).await;
            if first["failed"] == 0 {
                assert_eq!(first["reopened"], 1, "{how}");
            } else {
                let second = undone(&house).await;
                assert_eq!((&second["reopened"], &second["failed"]), (&json!(1), &json!(0)), "{how}: {first}");
            }
            is_as_it_was(&house, &id, &how).await;
        }
    }
}

#[tokio::test]
async fn what_was_certainly_refused_leaves_no_mark_behind() {
    let house = House::with(SNOOZED_A_DAY).await;
    let id = closed_snoozed(&house).await;
    house.intercom.fault(
        Endpoint::Open,
        Fault::Status { status: 403, body: r#"{"type":"error.list","errors":[{"code":"forbidden"}]}"#.into() },
    );
    let answer = undone(&house).await;
    insta::assert_snapshot!(answer["failures"], @r#"[{"conversation":"215470000000001","why":"Intercom refused the request (HTTP 403, code forbidden); see what the code says about this conversation"}]"#);
    let known = house.daemon().store().decided(&id, &house.context()).await.unwrap().unwrap();
    assert_eq!(known.history.attempts[0].undone, None);
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @"
    done close: 1 day without a word since it was snoozed at 2026-03-02 09:01:00 UTC
    failed : Intercom refused the request (HTTP 403, code forbidden); see what the code says about this conversation
    ");
}

#[tokio::test]
async fn a_refused_token_ends_it_and_it_says_what_is_left() {
    let house = House::with(SNOOZED_A_DAY).await;
    let ids = [closed_snoozed(&house).await, closed_snoozed(&house).await];
    house.intercom.fault(
        Endpoint::Open,
        Fault::Status { status: 401, body: r#"{"type":"error.list","errors":[{"code":"token_revoked"}]}"#.into() },
    );
    let answer = undone(&house).await;
    insta::assert_snapshot!(answer["stopped"], @r#""Intercom refuses the access token, the plan or the acting teammate (HTTP 401, code token_revoked); run `autoclosed check --online`""#);
    assert_eq!((&answer["left"], &answer["reopened"], house.state(&ids[1])), (&json!(2), &json!(0), "closed"));
    assert_eq!(undone(&house).await["reopened"], 2);
}

#[tokio::test]
async fn a_contact_who_writes_meanwhile_is_not_snoozed_away() {
    for on in [Endpoint::Open, Endpoint::Snooze] {
        let house = House::with(SNOOZED_A_DAY).await;
        let id = closed_snoozed(&house).await;
        let writes = id.clone();
        house.intercom.before_answer(on, move |intercom| {
            intercom.contact_replies(&writes, "Wait!");
        });
        let answer = undone(&house).await;
        assert_eq!((&answer["failed"], house.state(&id)), (&json!(0), "open"), "{on:?}: {answer}");
    }
}
