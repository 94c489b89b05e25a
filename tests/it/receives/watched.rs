//! What health and readiness tell, and to whom.

use super::*;
use crate::checks::CHECKS;

#[tokio::test]
async fn health_in_detail_is_for_the_admin_listener_alone() {
    let desk = Desk::new().await;
    let (status, told) = desk.json(desk.public("/health")).await;
    assert_eq!(
        (status, told),
        (StatusCode::SERVICE_UNAVAILABLE, json!({"status": "bad"})),
        "nothing was looked at yet"
    );
    let (status, told) = desk.json(desk.admin("/health")).await;
    assert_eq!((status, &told["status"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("bad")));
    assert_eq!((told.as_object().unwrap().len(), &told["mode"]), (3, &json!("dry-run")));
    for check in told["checks"].as_array().unwrap() {
        let name = check["name"].as_str().unwrap();
        assert!(CHECKS.contains(&name), "{name}");
        assert!(check["ok"].is_boolean() && !check["detail"].as_str().unwrap().is_empty(), "{check}");
        assert_eq!(check.as_object().unwrap().len(), 3, "{check}");
    }
    let database = &told["checks"][0];
    assert_eq!((&database["name"], &database["ok"]), (&json!("database"), &json!(true)));
}

#[tokio::test]
async fn a_daemon_that_intercom_never_answered_is_ready_to_record() {
    let desk = Desk::new().await;
    let (status, told) = desk.json(desk.admin("/ready")).await;
    assert_eq!((status, told), (StatusCode::OK, json!({"status": "ok"})));
    assert_eq!(desk.post(reply().to_string()).await, StatusCode::OK);
}

#[tokio::test]
async fn all_is_well_once_the_workspace_was_looked_at_and_a_sweep_has_run() {
    let house = crate::harness::House::with(crate::harness::QUIET_A_DAY).await;
    house.sweep().await;
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let public = format!("http://{}/health", house.daemon().public_address());
    let answer = client.get(public).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.text().await.unwrap(), "{\"status\":\"ok\"}");
    let admin = format!("http://{}/health", house.daemon().admin_address());
    let told: Value = serde_json::from_str(&client.get(admin).send().await.unwrap().text().await.unwrap()).unwrap();
    let bad: Vec<_> = told["checks"].as_array().unwrap().iter().filter(|check| check["ok"] != true).collect();
    assert_eq!((&told["status"], bad), (&json!("ok"), vec![]));
}
