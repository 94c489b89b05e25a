//! The API in every version that can be configured: the same workspace says the same.

use autoclosed::fake_intercom::{FakeIntercom, Workspace};
use autoclosed::intercom::Search;

use crate::harness::{days, monday};
use crate::openapi::client;
use autoclosed::clock::ManualClock;

#[tokio::test]
async fn every_version_from_2_6_on_shows_the_same_conversations() {
    let clock = ManualClock::at(monday());
    let fake = FakeIntercom::start(clock.clone().into(), Workspace::default()).await.unwrap();
    let plain = fake.contact_starts("It does not start.");
    let full = fake.contact_starts("It never did.");
    fake.teammate_replies(&full, "Is it plugged in?");
    fake.teammate_prioritizes(&full, "high");
    fake.teammate_assigns(&full, Some("1001"), None);
    fake.set_attribute(&full, "order_number", 4711);
    fake.tag(&full, "vip");
    fake.teammate_snoozes(&full, monday() + days(1));
    let mut first = None;
    for minor in 6..=16 {
        let client = client(&fake.url(), &format!("2.{minor}"), clock.clone().into());
        client.lens().watch(["order_number".to_owned()].into());
        let query = Search { states: Some(vec!["open", "snoozed"]), updated_since: None, per_page: 150 };
        let page = client.search(&query, None).await.unwrap();
        let read = [client.conversation(&plain).await.unwrap().value, client.conversation(&full).await.unwrap().value];
        let said = (page, read, client.me().await.unwrap());
        assert_eq!(&said, first.get_or_insert_with(|| said.clone()), "2.{minor}");
    }
    let (page, [plain, full], _) = first.unwrap();
    assert_eq!(page.conversations.len(), 2);
    let facts = |read: &autoclosed::intercom::ReadConversation| read.sighting.snapshot.clone().unwrap().facts;
    assert_eq!(facts(&plain).admin_assignee_id, Some(None), "nobody, and known to be nobody");
    assert_eq!((facts(&full).priority.as_deref(), facts(&full).attributes.len()), (Some("high"), 1));
}
