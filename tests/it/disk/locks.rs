//! Many who write at once: a transaction that reads first and writes then takes its lock at its beginning, so that nobody
//! is told that the database is busy. Somebody else's lock is in `receives::commits`, and for up to half a minute in
//! `campaigns::faults`.

use autoclosed::store::{Record, Store, StoreError, Told};

use crate::harness::House;

/// A deferred transaction that reads and then writes fails at once if another one wrote in between, however long it might
/// have waited. `AUTOCLOSED_TRANSACTIONS` makes it more of them.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_transactions_on_two_connections_none_finds_the_database_busy() {
    let told = std::env::var("AUTOCLOSED_TRANSACTIONS").map_or(400, |count| count.parse().unwrap());
    let house = House::with("").await;
    let id = house.answered().await;
    let (ours, theirs) = (house.daemon().store().clone(), Store::open_beside(&house.database()).await.unwrap());
    let (context, now) = (house.context(), house.clock.now());
    let app_id = context.app_id.clone().unwrap();
    let records = async {
        let mut failed = Vec::new();
        for number in 0..told / 4 {
            let one = Record::Notified {
                app_id: app_id.to_string(),
                key: format!("mixed-{number}"),
                topic: "conversation.user.replied".into(),
                fingerprint: format!("{number:016x}"),
                about: Some(id.clone()),
                told: Told::Unknown,
                body: Vec::new().into(),
            };
            failed.extend(ours.record(&[one], &context).await.err());
        }
        failed
    };
    let decides = async {
        let mut failed = Vec::new();
        for _ in 0..told / 4 {
            failed.extend(theirs.reschedule(&id, &context).await.err());
        }
        failed
    };
    let operates = async {
        let mut failed = Vec::new();
        for _ in 0..told / 8 {
            failed.extend(ours.pause(Some("a rule"), now).await.err());
            failed.extend(theirs.resume(Some("a rule"), now).await.err());
        }
        failed
    };
    let tidies = async {
        let mut failed = Vec::new();
        for number in 0..told / 8 {
            failed.extend(theirs.set_setting("mixed", &number.to_string()).await.err());
            failed.extend(ours.prune(now, now).await.err());
        }
        failed
    };
    let failed: (Vec<StoreError>, _, _, _) = tokio::join!(records, decides, operates, tidies);
    let failed: Vec<_> = [failed.0, failed.1, failed.2, failed.3].into_iter().flatten().collect();
    assert!(failed.is_empty(), "{} of {told} failed, the first with {:?}", failed.len(), failed[0]);
}
