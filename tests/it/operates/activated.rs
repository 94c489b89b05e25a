//! The program on a socket that somebody else keeps, as systemd does between a stop and the next start.

use std::net::TcpListener;

use super::*;
use crate::campaigns::activated;

fn kept() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn on(place: &Place, name: &str, socket: &TcpListener) -> Running {
    Running::of(&mut activated(&place.program("run"), name, socket))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_between_two_lives_is_answered_by_the_next_one() {
    let (place, socket) = (Place::new(&lonely(CALM)), kept());
    let webhook = format!("http://{}/webhooks/intercom", socket.local_addr().unwrap());
    for life in 1..=2 {
        let early = tokio::spawn(snoozed(&webhook).send());
        // Nobody runs: whoever is not refused waits.
        sleep(Duration::from_millis(100)).await;
        assert!(!early.is_finished(), "life {life}: refused");
        let mut running = on(&place, "webhook", &socket);
        assert_eq!(early.await.unwrap().unwrap().status(), 200, "life {life}");
        assert_eq!(running.wait_for("is ready")["webhook"], webhook);
        running.wait_for("listening on the socket that systemd keeps");
        let (status, _, lines) = running.signal("TERM");
        assert_eq!(status.code(), Some(0), "{lines:#?}");
    }
    assert_eq!(recorded(&place).await.len(), 1, "the same notification two times");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_can_be_told_on_a_socket_too_and_the_webhook_listens_by_itself() {
    let (place, socket) = (Place::new(&lonely(CALM)), kept());
    let mut running = on(&place, "admin", &socket);
    let ready = running.wait_for("is ready");
    assert_eq!(ready["health"], format!("http://{}/health", socket.local_addr().unwrap()));
    assert_eq!(snoozed(ready["webhook"].as_str().unwrap()).send().await.unwrap().status(), 200);
}

#[test]
fn a_socket_that_cannot_be_served_ends_it_with_status_2_before_anything_is_made() {
    let anywhere = "[server]\nlisten = \"127.0.0.1:0\"";
    let elsewhere = Place::new(&lonely(CALM).replace(anywhere, "[server]\nlisten = \"127.0.0.2:0\""));
    for (name, place, words) in [
        (
            "autoclosed.socket",
            Place::new(&lonely(CALM)),
            "is named `autoclosed.socket`; write FileDescriptorName=webhook",
        ),
        ("webhook", elsewhere, "for `webhook`, and [server] listen says 127.0.0.2:0; write the same address"),
    ] {
        let socket = kept();
        let done = activated(&place.program("run"), name, &socket).output().unwrap();
        assert_eq!(done.status.code(), Some(2), "{}", told(&done.stderr));
        assert!(told(&done.stderr).contains(words), "{}", told(&done.stderr));
        assert!(!place.file("a.db").exists(), "something was made");
    }
}
