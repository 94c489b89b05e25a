//! What strangers and a confused Intercom may send: the exact answer, what is in the database afterwards, and that the
//! next good notification is recorded as if nothing had been.

use autoclosed::fake_intercom::Workspace;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};

use crate::harness::{CLIENT_SECRET, House, QUIET_A_DAY, monday};

mod crumbs;
mod floods;
pub(crate) mod forgeries;
mod ids;
mod lines;
mod logs;
mod oddities;
pub(crate) mod peer;
pub(crate) mod program;
mod rotation;
mod unsigned;

use self::peer::{Peer, signed};

/// A daemon that knows nothing yet.
async fn house() -> House {
    House::with(QUIET_A_DAY).await
}

async fn peer(house: &House) -> Peer {
    Peer::to(house.daemon().public_address()).await
}

/// A notification of Intercom's in which a contact writes: the first of that conversation.
pub(crate) fn reply(conversation: u64, key: &str) -> Value {
    let at = monday().as_second();
    let author = json!({"type": "user", "id": "u1"});
    json!({
        "type": "notification_event", "app_id": Workspace::default().app_id, "id": key, "created_at": at,
        "topic": "conversation.user.replied",
        "data": {"item": {
            "type": "conversation", "id": conversation.to_string(), "created_at": at, "updated_at": at, "state": "open",
            "source": {"type": "conversation", "id": "1", "delivered_as": "customer_initiated", "body": "<p>Hi</p>", "author": author},
            "conversation_parts": {"conversation_parts": [
                {"id": "7", "part_type": "comment", "body": "<p>Hello?</p>", "created_at": at, "author": author},
            ]},
        }},
    })
}

/// Everything in the database's files, its log included.
fn bytes(house: &House) -> [Vec<u8>; 2] {
    ["autoclosed.db", "autoclosed.db-wal"].map(|name| std::fs::read(house.folder().join(name)).unwrap_or_default())
}

async fn rows(house: &House, sql: &str) -> Vec<String> {
    let mut stranger = SqliteConnectOptions::new().filename(house.database()).connect().await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut stranger).await.unwrap()
}

/// The ids of the notifications that are stored.
async fn stored(house: &House) -> Vec<String> {
    rows(house, "SELECT id FROM notification ORDER BY received_at, id").await
}

/// One good notification is taken and folded in, on a connection of its own.
async fn takes_the_next(house: &House, conversation: u64) {
    let key = format!("good-{conversation}");
    let body = reply(conversation, &key).to_string();
    let answer = peer(house).await.ask(&signed(CLIENT_SECRET, body.as_bytes())).await;
    assert_eq!(answer.map(|answer| answer.status), Some(200));
    assert!(stored(house).await.contains(&key));
    let folded = rows(house, &format!("SELECT id FROM conversation WHERE id = '{conversation}'")).await;
    assert_eq!(folded.len(), 1, "{conversation} is known");
}
