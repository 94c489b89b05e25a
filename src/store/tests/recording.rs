//! What becomes of a notification: folded in, counted, kept aside.

use super::*;

const SEEN: &str = "SELECT seen.id || ' of ' || iif(app_id = '', 'nobody', app_id) || ': ' || result || ' ' || coalesce(seen.conversation_id, '-')
    FROM seen_notifications AS seen JOIN notification USING (app_id, id) ORDER BY id";
const ACTIVITIES: &str =
    "SELECT conversation_id || ' ' || part_id || ' ' || class || ' ' || actor || ' ' || coalesce(admin_id, '-')
    FROM activity ORDER BY conversation_id, part_id, class, at";
const FACTS: &str = "SELECT coalesce(state, '?') || ' ' || notification_id FROM fact ORDER BY updated_at, told_at";

#[tokio::test]
async fn what_is_told_is_folded_in_logged_and_decided_on() {
    let shelf = Shelf::new().await;
    assert_eq!(shelf.record(&[notified("n1", about(answered("5", 0)))]).await, [Recorded::Stored]);
    assert_eq!(shelf.rows(ACTIVITIES).await, ["5 1 contact_reply contact -", "5 2 teammate_reply teammate 7"]);
    assert_eq!(shelf.rows(FACTS).await, ["open n"]);
    assert_eq!(shelf.aside().await, Vec::<String>::new());
    assert_eq!(shelf.due(at(DAY - 1)).await, Vec::<String>::new());
    assert_eq!(shelf.due(at(DAY)).await, ["5"]);
    let known = shelf.store.decided(&id("5"), &context_at(DAY)).await.unwrap().unwrap();
    assert_eq!(known.decision.due_at(), Some(at(DAY)));
    assert!(shelf.store.decided(&id("6"), &context()).await.unwrap().is_none());
}

#[tokio::test]
async fn the_same_notification_again_changes_nothing_in_one_batch_or_two() {
    let shelf = Shelf::new().await;
    let one = notified("n1", about(answered("5", 0)));
    assert_eq!(shelf.record(&[one.clone(), one.clone()]).await, [Recorded::Stored, Recorded::Duplicate]);
    assert_eq!(shelf.record(std::slice::from_ref(&one)).await, [Recorded::Duplicate]);
    assert_eq!((shelf.count("notification").await, shelf.count("activity").await), (1, 2));
    assert_eq!(shelf.aside().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_same_id_with_other_content_is_folded_in_and_kept_aside() {
    for together in [true, false] {
        let shelf = Shelf::new().await;
        let first = notified("n1", about(answered("5", 0)));
        let mut later = answered("5", 3);
        later.parts = vec![part(3, 3, Actor::Contact, Class::ContactReply)];
        let other = saying(first.clone(), "another print", about(later));
        if together {
            assert_eq!(shelf.record(&[first, other]).await, [Recorded::Stored, Recorded::Duplicate]);
        } else {
            shelf.record(&[first]).await;
            assert_eq!(shelf.record(&[other]).await, [Recorded::Duplicate]);
        }
        assert_eq!(shelf.aside().await, ["n1: the same id with other content: body of n1"]);
        assert_eq!(shelf.count("activity").await, 3);
        assert_eq!(shelf.due(at(9 * DAY)).await, Vec::<String>::new(), "we owe the answer now");
    }
}

#[tokio::test]
async fn what_is_not_folded_in_is_kept_aside_with_its_reason() {
    use Recorded::{Foreign, Ignored, Quarantined};
    let shelf = Shelf::new().await;
    let told = |key: &str, told: Told| notified(key, told);
    let batch = [
        told("a", Told::Unknown),
        told("b", Told::Odd("there is no conversation in it".to_owned())),
        told("c", Told::Nothing),
        from_workspace(told("d", about(answered("5", 0))), "theirs"),
        from_workspace(told("e", Told::Odd("not JSON".to_owned())), ""),
        from_workspace(told("f", about(answered("6", 0))), ""),
    ];
    assert_eq!(shelf.record(&batch).await, [Ignored, Quarantined, Ignored, Foreign, Quarantined, Quarantined]);
    insta::assert_snapshot!(shelf.aside().await.join("\n"), @r"
    a: unknown topic: body of a
    b: there is no conversation in it: body of b
    d: another workspace: body of d
    e: not JSON: body of e
    f: it names no workspace: body of f
    ");
    insta::assert_snapshot!(shelf.rows(SEEN).await.join("\n"), @r"
    a of ours: ignored -
    b of ours: quarantined -
    c of ours: ignored -
    d of theirs: foreign 5
    e of nobody: quarantined -
    f of nobody: quarantined 6
    ");
    assert_eq!((shelf.count("conversation").await, shelf.count("activity").await), (0, 0));
}

#[tokio::test]
async fn until_our_workspace_is_known_each_is_kept_under_its_own_id() {
    let shelf = Shelf::new().await;
    let stranger = Context { app_id: None, ..context() };
    let batch =
        [notified("n1", about(answered("5", 0))), from_workspace(notified("n1", about(answered("5", 7))), "theirs")];
    assert_eq!(shelf.store.record(&batch, &stranger).await.unwrap(), [Recorded::Stored, Recorded::Stored]);
    assert_eq!(shelf.due(at(DAY)).await, ["5"]);
    let theirs = Context { app_id: Some("theirs".into()), ..context() };
    let known = shelf.store.decided(&id("5"), &theirs).await.unwrap().unwrap();
    assert_eq!(known.decision.due_at(), Some(at(DAY + 7)));
}

#[tokio::test]
async fn all_bodies_are_kept_byte_for_byte_where_the_operator_wants_them() {
    let shelf = Shelf::new().await;
    let all = Context { keep_bodies: KeepBodies::All, ..context() };
    let bodies: [&[u8]; 5] = [b"", b"{}", b"\0\xff\xfe", "caf\u{e9}".as_bytes(), b"'); DROP TABLE x"];
    let with = |(key, body): (usize, &&'static [u8])| {
        let mut record = notified(&key.to_string(), Told::Nothing);
        if let Record::Notified { body: kept, .. } = &mut record {
            *kept = Bytes::from_static(body);
        }
        record
    };
    let batch: Vec<_> = bodies.iter().enumerate().map(with).collect();
    shelf.store.record(&batch, &all).await.unwrap();
    shelf.store.record(&batch, &all).await.unwrap();
    let kept: Vec<Vec<u8>> = sqlx::query_scalar("SELECT body FROM notification_body ORDER BY id")
        .fetch_all(&mut shelf.stranger().await)
        .await
        .unwrap();
    assert_eq!(kept, bodies, "each once, in order");
}

#[tokio::test]
async fn an_empty_body_alone_can_be_kept_aside() {
    let shelf = Shelf::new().await;
    let mut record = notified("n1", Told::Odd("not JSON".to_owned()));
    if let Record::Notified { body, .. } = &mut record {
        *body = Bytes::new();
    }
    assert_eq!(shelf.record(&[record]).await, [Recorded::Quarantined]);
    assert_eq!(shelf.aside().await, ["n1: not JSON: "]);
}

#[tokio::test]
async fn a_log_gets_a_row_only_when_something_changed() {
    let shelf = Shelf::new().await;
    shelf.record(&[notified("n1", about(answered("5", 0)))]).await;
    let mut same = answered("5", 0);
    same.snapshot = Some(snapshot(State::Open, 4, "later"));
    shelf.record(&[notified("n2", about(same.clone()))]).await;
    assert_eq!((shelf.count("activity").await, shelf.rows(FACTS).await), (2, vec!["open n".to_owned()]));
    same.snapshot = Some(snapshot(State::Closed, 5, "closed"));
    shelf.record(&[notified("n3", about(same.clone())), notified("n4", about(same))]).await;
    assert_eq!(shelf.rows(FACTS).await, ["open n", "closed closed"]);
    assert_eq!(shelf.count("activity").await, 2);
}

#[tokio::test]
async fn one_part_can_be_several_activities_and_one_may_have_no_id() {
    let shelf = Shelf::new().await;
    let mut seen = answered("5", 0);
    seen.parts[1].classes = [Class::TeammateReply, Class::Closed].into();
    seen.parts.push(Part { id: None, ..part(0, 4, Actor::Contact, Class::Rated) });
    seen.parts[0].id = Some(PartId::Source(77));
    shelf.record(&[notified("n1", about(seen.clone())), notified("n2", about(seen))]).await;
    insta::assert_snapshot!(shelf.rows(ACTIVITIES).await.join("\n"), @r"
    5  rated contact -
    5 2 closed teammate 7
    5 2 teammate_reply teammate 7
    5 source:77 contact_reply contact -
    ");
}

#[tokio::test]
async fn hostile_words_come_back_as_they_were() {
    let shelf = Shelf::new().await;
    let words = "\"'\\ \u{1F600}\u{2028}]}\n$1 ? \u{7f}";
    let mut seen = answered("5", 0);
    seen.channel = Some(words.to_owned());
    if let Some(snapshot) = &mut seen.snapshot {
        snapshot.facts.tags = Some(vec![Tag { id: words.to_owned(), name: words.to_owned() }]);
        snapshot.facts.priority = Some("nul \0 within".to_owned());
    }
    shelf.record(&[notified("n1", about(seen.clone()))]).await;
    let known = shelf.store.decided(&id("5"), &context()).await.unwrap().unwrap().conversation;
    assert_eq!(known.channel, seen.channel);
    assert_eq!(known.facts(), seen.snapshot.as_ref().map(|snapshot| &snapshot.facts));
}

#[tokio::test]
async fn a_conversation_comes_back_as_it_was_folded() {
    let shelf = Shelf::new().await;
    let mut seen = answered("12345678901234567890", 0);
    seen.ticket = true;
    seen.gone = true;
    seen.delivered_as = Some("customer_initiated".to_owned());
    seen.last_contact_reply_at = Some(at(1));
    seen.parts.push(Part {
        admin_id: Some("9".to_owned()),
        digest: Some("d".to_owned()),
        reads_as: [].into(),
        ..part(u64::MAX, 3, Actor::Teammate, Class::Note)
    });
    seen.snapshot = Some(snapshot(State::Snoozed { until: Some(at(50)) }, 4, "n"));
    if let Some(snapshot) = &mut seen.snapshot {
        snapshot.facts.admin_assignee_id = Some(Some("7".to_owned()));
        snapshot.facts.team_assignee_id = None;
        snapshot.facts.priority = None;
    }
    shelf.record(&[notified("n1", about(seen.clone()))]).await;
    let want = crate::engine::Conversation::unread(seen.id.clone()).after(&seen, Some("9"));
    let known = shelf.store.decided(&seen.id, &context()).await.unwrap().unwrap();
    assert_eq!(known.conversation, want);
}

#[tokio::test]
async fn what_was_fetched_is_decided_on_at_once() {
    let shelf = Shelf::new().await;
    let decided = shelf.store.record_fetched(answered("5", 0), &context_at(DAY)).await.unwrap().unwrap();
    assert!(matches!(decided.decision, crate::engine::Decision::Act { .. }), "{:?}", decided.decision);
    assert_eq!(shelf.count("notification").await, 0);
}
