//! What survives: restarts, lost answers, refusals.

use crate::harness::{House, QUIET_A_DAY, days};

#[tokio::test]
async fn what_was_recorded_before_a_restart_is_known_after_it() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.restart().await;
    house.after(days(1)).await;
    assert_eq!((house.state(&id), house.deeds()), ("closed", vec!["close 200".to_owned()]));
}
