//! A deed in which the database stops taking commits, and the daemon lives on: what was not written down is not sent, and
//! what was sent and not written down is looked into. In the end it was said once.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use autoclosed::sabotage::{Point, Then, at_points};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::Notify;

use crate::harness::{House, days, seconds};

const SAID: &str = r#"
[[rule]]
name = "quiet-a-day"
match_all = true
step = [{ after = "1 day", do = "close", body = "Closing this for now." }]
"#;

/// Takes three real seconds for each point: for so long a commit waits for somebody else's lock.
#[tokio::test]
async fn wherever_the_database_fails_in_a_deed_it_is_done_once() {
    for (point, sent) in [
        (Point::Picked, false),
        (Point::Claimed, false),
        (Point::Read, false),
        (Point::Answered, true),
        (Point::Folded, true),
    ] {
        let house = House::with(SAID).await;
        let id = house.answered().await;
        let (reached, goes_on, met) = (Rc::new(Notify::new()), Arc::new(Notify::new()), Rc::new(Cell::new(false)));
        let (here, then) = (Rc::clone(&reached), Arc::clone(&goes_on));
        let in_force = at_points(move |now| {
            if now != point || met.replace(true) {
                return Then::GoesOn;
            }
            here.notify_one();
            Then::Waits(Arc::clone(&then))
        });
        let locks = async {
            reached.notified().await;
            let mut stranger = SqliteConnectOptions::new().filename(house.database()).connect().await.unwrap();
            sqlx::query("BEGIN IMMEDIATE").execute(&mut stranger).await.unwrap();
            goes_on.notify_one();
            stranger
        };
        let (_, mut lock) = tokio::join!(house.after(days(1)), locks);
        drop(in_force);
        assert_eq!(house.ours(&id, "close") == 1, sent, "{}: {:?}", point.name(), house.deeds());
        sqlx::query("ROLLBACK").execute(&mut lock).await.unwrap();
        for _ in 0..12 {
            house.after(seconds(50)).await;
        }
        let journal = house.journal(&id).await;
        assert_eq!((house.state(&id), house.ours(&id, "close")), ("closed", 1), "{}: {journal:?}", point.name());
        assert!(journal.last().unwrap().starts_with("done close"), "{}: {journal:?}", point.name());
        assert_eq!(house.daemon().store().outcomes().await.unwrap(), [("done".to_owned(), 1)], "{}", point.name());
    }
}
