//! What a deed costs of the requests that Intercom allows.

use std::collections::BTreeMap;

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::Workspace;

use crate::harness::{House, QUIET_A_DAY, days, hours};

/// A house in which so many conversations are due at once, none of them in the second of anything else.
async fn due_at_once(mode: &str, count: usize) -> (House, Vec<ConversationId>) {
    let mut house = House::configured(&format!("mode = \"{mode}\"\n{QUIET_A_DAY}"), Workspace::default()).await;
    house.start().await;
    house.look().await;
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(house.answered().await);
    }
    house.clock.advance(days(1));
    (house, ids)
}

/// How often each endpoint was asked for by the next sweep, and by one that follows an hour later and finds nothing due.
async fn asked(house: &House) -> BTreeMap<String, usize> {
    let before = house.intercom.calls().len();
    house.sweep().await;
    house.after(hours(1)).await;
    let mut asked = BTreeMap::new();
    for call in &house.intercom.calls()[before..] {
        *asked.entry(format!("{:?}", call.endpoint)).or_default() += 1;
    }
    asked
}

#[tokio::test]
async fn a_close_takes_one_look_and_one_deed_and_in_dry_run_the_look_alone() {
    for (mode, count, state) in
        [("live", 1, "closed"), ("live", 12, "closed"), ("dry-run", 1, "open"), ("dry-run", 12, "open")]
    {
        let (house, ids) = due_at_once(mode, count).await;
        let asked = asked(&house).await;
        for id in &ids {
            assert_eq!(
                (house.state(id), house.journal(id).await.len()),
                (state, 1),
                "{mode}: {id} was not decided on once"
            );
        }
        let looks = BTreeMap::from([("Conversation".to_owned(), count)]);
        let mut allowed = looks.clone();
        if mode == "live" {
            allowed.insert("Close".to_owned(), count);
        }
        assert_eq!(asked, allowed, "requests that {count} due at once took in mode {mode}; right is what is allowed");
    }
}
