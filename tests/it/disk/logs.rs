//! The write-ahead log grows while somebody reads for long. That is told, delays nothing, and is over with the reading.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::machine::{Machine, Up};
use super::senders::notification;

const MIB: u64 = 1 << 20;

/// Nearly as large as one may be; all of it is kept.
async fn large(up: &Up, id: &str) -> Option<StatusCode> {
    let mut body: Value = serde_json::from_slice(&notification(id, 1)).unwrap();
    body["data"]["item"]["conversation_message"]["body"] = json!("x".repeat(1_000_000));
    up.post(serde_json::to_vec(&body).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_grew_under_a_long_reader_is_told_and_is_cut_back_after_it() {
    let mut machine = Machine::new("http://127.0.0.1:1", "");
    let up = machine.start(None).unwrap();
    let mut reader = machine.stranger().await;
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM notification").execute(&mut reader).await.unwrap();
    for number in 0..70 {
        assert_eq!(large(&up, &format!("while-{number}")).await, Some(StatusCode::OK));
    }
    assert!(machine.log() > 64 * MIB, "{}", machine.log());
    assert!(up.metric("autoclosed_database_log_size_bytes").await > 64e6);
    let (well, told) = up.check("database").await;
    assert!(well && told.contains("keeps from being emptied"), "{told}");
    sqlx::query("ROLLBACK").execute(&mut reader).await.unwrap();
    // The first empties the log, the second begins it anew.
    for number in 0..2 {
        assert_eq!(up.post(notification(&format!("after-{number}"), 1)).await, Some(StatusCode::OK));
    }
    assert!(machine.log() <= 16 * MIB, "{}", machine.log());
    let (well, told) = up.check("database").await;
    assert!(well && !told.contains("emptied"), "{told}");
}
