//! The figures by which one sees that nothing is done although health is not bad, and how much room is left.

use autoclosed::fake_intercom::Workspace;

use super::page::Page;
use crate::harness::{House, QUIET_A_DAY, days};

/// Live, paused, standing by.
fn standing(page: &Page) -> [String; 3] {
    ["autoclosed_live", "autoclosed_paused", "autoclosed_standing_by"].map(|name| page.lines(name).join(","))
}

#[tokio::test]
async fn a_dry_run_a_pause_and_a_second_daemon_are_figures() {
    let mut house = House::configured(&format!("mode = \"dry-run\"\n{QUIET_A_DAY}"), Workspace::default()).await;
    house.start().await;
    assert_eq!(standing(&Page::of(&house).await), ["0", "0", "0"]);
    house.configure(&format!("mode = \"live\"\n{QUIET_A_DAY}"));
    house.restart().await;
    assert_eq!(standing(&Page::of(&house).await), ["1", "0", "0"]);
    let store = house.daemon().store();
    store.pause(Some("quiet-a-day"), house.clock.now()).await.unwrap();
    assert_eq!(standing(&Page::of(&house).await), ["1", "0", "0"], "one rule is not all of them");
    store.pause(None, house.clock.now()).await.unwrap();
    assert_eq!(standing(&Page::of(&house).await), ["1", "1", "0"]);
    store.resume(None, house.clock.now()).await.unwrap();
    let second = house.recipe().start().await;
    let page = Page::at(&format!("http://{}/metrics", second.admin_address())).await;
    assert_eq!(standing(&page), ["1", "0", "1"]);
    assert_eq!(standing(&Page::of(&house).await), ["1", "0", "0"]);
    second.stop().await;
}

#[tokio::test]
async fn what_left_in_the_hour_stands_beside_what_may() {
    let safety = "[safety]\nmax_closes_per_hour = 7\nmax_messages_per_hour = 9\n";
    let house = House::with(&format!("{safety}{QUIET_A_DAY}")).await;
    let figures = async || {
        let page = Page::of(&house).await;
        (page.lines("autoclosed_sent_last_hour"), page.lines("autoclosed_hourly_limit"))
    };
    house.answered().await;
    house.after(days(1)).await;
    let may = ["closes 7", "messages 9"].map(str::to_owned).to_vec();
    assert_eq!(figures().await, (["closes 1", "messages 1"].map(str::to_owned).to_vec(), may.clone()));
    house.after(days(1)).await;
    assert_eq!(figures().await, (["closes 0", "messages 0"].map(str::to_owned).to_vec(), may));
}

#[tokio::test]
async fn the_room_on_the_disk_is_that_of_the_database() {
    let house = House::with("").await;
    let page = Page::of(&house).await;
    assert_eq!(page.lines("autoclosed_notifications_waiting"), ["0"]);
    let disk = rustix::fs::statvfs(house.folder()).unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a few bytes do not matter")]
    let (free, all) = ((disk.f_bavail * disk.f_frsize) as f64, (disk.f_blocks * disk.f_frsize) as f64);
    let told = page.figure("autoclosed_database_free_bytes", &[]);
    // Others write to the same disk.
    assert!((told - free).abs() < all / 10.0 && told > 0.0, "{told} of {all}, {free} free");
}
