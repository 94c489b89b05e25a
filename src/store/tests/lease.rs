//! Two on one file: one has the lease, and whoever goes by an older epoch changes no attempt.

use super::attempts::{CLOSE, claim, deed, done, no_inputs, sending, sent};
use super::*;
use crate::sabotage::{Bug, plant};

/// Takes the lease for this store, as a daemon does.
async fn takes(store: &Store) -> (i64, String) {
    let seen = store.lease().await.unwrap();
    let (epoch, holder) = store.take_lease(&seen, None).await.unwrap().unwrap();
    store.act_under(Some(epoch));
    (epoch, holder)
}

/// Everything of the attempts and the journal, as it stands in the file.
async fn stands(shelf: &Shelf) -> Vec<String> {
    let mut stands = Vec::new();
    for (table, columns) in [
        ("attempt", "id, phase, outcome, why, at, claims, sent_at, done_at, look_at, deeds, follow_up, follow_tries"),
        ("journal", "id, outcome, why"),
    ] {
        let columns = columns.split(", ").map(|column| format!("coalesce({column}, '-')"));
        let columns = columns.collect::<Vec<_>>().join(" || ' ' || ");
        stands.extend(shelf.rows(&format!("SELECT {columns} FROM {table} ORDER BY id")).await);
    }
    stands
}

/// What changes an attempt.
const CHANGES: [&str; 5] = ["claim", "about to send", "answered", "settle", "followed"];

/// Does it to conversation 5, and says whether that was refused because somebody else has taken over.
async fn change(shelf: &Shelf, what: &str, [open, unclear]: [Claimed; 2]) -> bool {
    let store = &shelf.store;
    let error = match what {
        "claim" => {
            let (conversation, rule) = (id("8"), RuleName::from("quiet"));
            let (anchor_at, due_at) = (at(0), at(DAY));
            let claim =
                Claim { app_id: "ours", conversation: &conversation, rule: &rule, step: CLOSE, anchor_at, due_at };
            store.claim(&claim, at(DAY)).await.err()
        }
        "about to send" => store.about_to_send(open, &sending(DAY)).await.err(),
        "answered" => {
            let answered = Answered { deeds: &[deed(DAY)], look_at: at(DAY), restore_snooze: true };
            store.answered(unclear, &answered).await.err()
        }
        "settle" => store.settle(unclear, &done(DAY, true), &no_inputs(), &context_at(DAY)).await.err(),
        _ => {
            let pending = &store.follow_ups("ours", at(9 * DAY), 9).await.unwrap()[0];
            store.followed(pending, &Followed::Done(deed(DAY)), &context_at(DAY)).await.err()
        }
    };
    assert!(error.is_none() || matches!(error, Some(StoreError::Superseded)), "{what}: {error:?}");
    error.is_some()
}

/// A file with one attempt that was claimed, one whose call has left, and one after which something is still to do.
async fn busy() -> (Shelf, [Claimed; 2]) {
    let shelf = Shelf::new().await;
    shelf.record(&["5", "6", "7", "8"].map(|id| fetched(answered(id, 0)))).await;
    takes(&shelf.store).await;
    let open = claim(&shelf, "5", CLOSE).await.unwrap();
    let unclear = sent(&shelf, "6", CLOSE, DAY).await;
    let followed = sent(&shelf, "7", CLOSE, DAY).await;
    shelf.store.settle(followed, &done(DAY, true), &no_inputs(), &context_at(DAY)).await.unwrap();
    (shelf, [open, unclear])
}

#[tokio::test]
async fn whoever_was_taken_over_changes_no_attempt() {
    for what in CHANGES {
        let (shelf, claimed) = busy().await;
        let other = Store::open_beside(&shelf.path()).await.unwrap();
        takes(&other).await;
        let before = stands(&shelf).await;
        assert!(change(&shelf, what, claimed).await, "{what} was let through");
        assert_eq!(stands(&shelf).await, before, "{what}");
        other.close().await;
        // And the file is not left locked.
        shelf.written_by_a_stranger().await;
    }
}

#[tokio::test]
async fn whoever_has_the_lease_changes_them_and_so_does_whoever_never_goes_by_it() {
    for what in CHANGES {
        for goes_by_it in [true, false] {
            let (shelf, claimed) = busy().await;
            let shelf = if goes_by_it { shelf } else { shelf.reopened().await };
            let before = stands(&shelf).await;
            assert!(!change(&shelf, what, claimed).await, "{what} was refused");
            assert_ne!(stands(&shelf).await, before, "{what}");
        }
    }
}

#[tokio::test]
async fn with_the_check_taken_away_the_one_that_was_taken_over_would_go_on() {
    for what in CHANGES {
        let (shelf, claimed) = busy().await;
        let other = Store::open_beside(&shelf.path()).await.unwrap();
        takes(&other).await;
        let _planted = plant(Bug::IgnoresTheEpoch);
        assert!(!change(&shelf, what, claimed).await, "{what}");
    }
}

#[tokio::test]
async fn of_two_that_see_the_same_lease_one_gets_it() {
    let shelf = Shelf::new().await;
    let other = Store::open_beside(&shelf.path()).await.unwrap();
    let seen = shelf.store.lease().await.unwrap();
    let (epoch, holder) = shelf.store.take_lease(&seen, Some("lock")).await.unwrap().unwrap();
    assert_eq!(other.take_lease(&seen, None).await.unwrap(), None);
    assert!(shelf.store.renew_lease(epoch, &holder, None).await.unwrap());
    let beaten = Lease { epoch, holder: Some(holder.clone()), proof: Some("lock".to_owned()), beat: 1 };
    assert_eq!(other.take_lease(&beaten, None).await.unwrap(), None, "it has given a sign of life since");
    let (next, _) = takes(&other).await;
    assert_eq!(next, epoch + 1);
    assert!(!shelf.store.renew_lease(epoch, &holder, None).await.unwrap());
    shelf.store.give_lease_back(epoch, &holder).await.unwrap();
    assert!(other.lease().await.unwrap().holder.is_some(), "what is not had is not given back");
}

#[tokio::test]
async fn whoever_has_given_the_lease_back_or_never_had_it_changes_nothing() {
    let (shelf, claimed) = busy().await;
    let lease = shelf.store.lease().await.unwrap();
    shelf.store.give_lease_back(lease.epoch, &lease.holder.unwrap()).await.unwrap();
    assert!(change(&shelf, "settle", claimed).await);
    shelf.store.act_under(None);
    assert!(change(&shelf, "settle", claimed).await);
}
