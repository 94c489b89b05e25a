//! What `GET /metrics` tells of notifications.

use super::*;
use crate::metrics::page::Page;

impl Desk {
    async fn page(&self) -> Page {
        Page::at(&self.admin("/metrics")).await
    }
}

#[tokio::test]
async fn metrics_are_for_the_admin_listener_alone() {
    let desk = Desk::new().await;
    for method in [Method::GET, Method::HEAD, Method::POST] {
        assert_eq!(desk.ask(method, desk.public("/metrics")).await.status(), StatusCode::NOT_FOUND);
    }
    desk.page().await;
}

#[tokio::test]
async fn notifications_are_counted_by_what_became_of_them_and_by_topic() {
    let desk = Desk::new().await;
    let before = desk.page().await.lines("autoclosed_notifications_total");
    assert_eq!(before, ["duplicate 0", "foreign 0", "ignored 0", "quarantined 0", "stored 0"]);
    let about = |number: u32, key: &str, value: &str| {
        let mut body = reply();
        body["id"] = format!("notif_of_the_test_{number}").into();
        body[key] = value.into();
        body.to_string()
    };
    for body in [
        reply().to_string(),
        reply().to_string(),
        about(1, "app_id", "another1"),
        about(2, "topic", "conversation.hijacked.1"),
        about(3, "topic", "conversation.hijacked.2"),
        about(4, "topic", "contact.deleted"),
        json!({"type": "notification_event", "app_id": "w0rkspac", "topic": "ping", "id": null}).to_string(),
        "no JSON at all".to_owned(),
    ] {
        assert_eq!(desk.post(body).await, StatusCode::OK);
    }
    let page = desk.page().await;
    insta::assert_snapshot!(page.lines("autoclosed_notifications_total").join("\n"), @r"
    duplicate 1
    foreign 1
    ignored 2
    quarantined 1
    stored 3
    ");
    insta::assert_snapshot!(page.lines("autoclosed_notifications_by_topic_total").join("\n"), @r"
    duplicate conversation.user.replied 1
    foreign conversation.user.replied 1
    ignored contact.deleted 1
    ignored ping 1
    quarantined other 1
    stored conversation.user.replied 1
    stored other 2
    ");
    assert_eq!(page.lines("autoclosed_missed_notifications_total"), ["0"]);
}

#[tokio::test]
async fn requests_are_counted_by_their_answer_and_only_signed_ones_are_timed() {
    let desk = Desk::new().await;
    desk.post(reply().to_string()).await;
    desk.post_with(&[], b"{}").await;
    desk.post_with(&["sha1=00"], b"{}").await;
    desk.post(vec![b' '; 17 * 1024]).await;
    desk.signed("{}").header("Content-Encoding", "gzip").send().await.unwrap();
    desk.ask(Method::HEAD, desk.public(WEBHOOK)).await;
    let page = desk.page().await;
    assert_eq!(page.lines("autoclosed_webhook_requests_total"), ["200 1", "401 2", "413 1", "415 1"]);
    let timed = page.figure("autoclosed_webhook_acknowledgement_seconds_count", &[]);
    assert!((timed - 1.0).abs() < f64::EPSILON, "{timed}");
}
