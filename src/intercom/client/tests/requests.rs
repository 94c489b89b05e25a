//! What leaves us.

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use super::server::{Play, Server, answer, conversation};
use super::*;
use crate::intercom::error::Class;

const ME: &str = r#"{"type":"admin","id":"81","name":"Sample","app":{"id_code":"ab1","region":"EU","timezone":"UTC"}}"#;

#[tokio::test]
async fn every_request_carries_the_token_the_version_and_our_name() {
    let server = Server::playing([answer(200, "", ME), conversation("7", "closed")]).await;
    let (intercom, _) = client(settings(server.url.clone()));
    let me = intercom.me().await.unwrap();
    intercom.close(&id("7"), &me.admin_id, None).await.unwrap();
    for request in server.received() {
        for (name, want) in [
            ("authorization", "Bearer tok-4711-only-for-tests"),
            ("accept", "application/json"),
            ("intercom-version", "2.16"),
            ("user-agent", concat!("autoclosed/", env!("CARGO_PKG_VERSION"))),
        ] {
            assert_eq!(request.header(name), Some(want), "{}", request.line);
        }
    }
    assert_eq!(server.received()[1].header("content-type"), Some("application/json"));
    let want = Me {
        admin_id: "81".into(),
        name: Some("Sample".into()),
        app_id: Some("ab1".into()),
        region: Some("EU".into()),
        timezone: Some("UTC".into()),
    };
    assert_eq!(me, want);
}

#[tokio::test]
async fn the_version_that_an_answer_names_is_remembered() {
    let server = Server::playing([answer(200, "", ME), answer(200, "Intercom-Version: 2.11\r\n", ME)]).await;
    let (intercom, _) = client(settings(server.url.clone()));
    intercom.me().await.unwrap();
    assert_eq!(intercom.answered_version(), None);
    intercom.me().await.unwrap();
    assert_eq!(intercom.answered_version().as_deref(), Some("2.11"));
}

#[tokio::test]
async fn a_deed_is_sent_exactly_as_documented() {
    let plays = ["open", "closed", "closed", "open", "snoozed", "closed"].map(|state| conversation("7", state));
    let server = Server::playing(plays).await;
    let (intercom, _) = client(settings(server.url.clone()));
    let seven = id("7");
    intercom.conversation(&seven).await.unwrap();
    intercom.close(&seven, "81", None).await.unwrap();
    intercom.close(&seven, "81", Some("<p>Bye & \"thanks\"</p>")).await.unwrap();
    intercom.open(&seven, "81").await.unwrap();
    intercom.snooze(&seven, "81", "2026-03-09T00:00:00.9Z".parse().unwrap()).await.unwrap();
    intercom.reply(&seven, "81", "Still there?").await.unwrap();
    let sent: Vec<(String, Value)> = server
        .received()
        .into_iter()
        .map(|request| (request.line, serde_json::from_str(&request.body).unwrap_or_default()))
        .collect();
    let parts = "POST /conversations/7/parts HTTP/1.1";
    let want = [
        ("GET /conversations/7 HTTP/1.1", Value::Null),
        (parts, json!({ "message_type": "close", "type": "admin", "admin_id": "81" })),
        (
            parts,
            json!({ "message_type": "close", "type": "admin", "admin_id": "81", "body": "<p>Bye & \"thanks\"</p>" }),
        ),
        (parts, json!({ "message_type": "open", "admin_id": "81" })),
        (parts, json!({ "message_type": "snoozed", "admin_id": "81", "snoozed_until": 1_773_014_400 })),
        (
            "POST /conversations/7/reply HTTP/1.1",
            json!({ "message_type": "comment", "type": "admin", "admin_id": "81", "body": "Still there?" }),
        ),
    ];
    assert_eq!(sent, want.map(|(line, body)| (line.to_owned(), body)));
}

#[tokio::test]
async fn a_search_asks_for_what_it_was_given() {
    let empty = || answer(200, "", r#"{"conversations":[],"pages":{"next":{"starting_after":"more"}}}"#);
    let server = Server::playing([empty(), empty(), empty()]).await;
    let (intercom, _) = client(settings(server.url.clone()));
    let both = Search { states: Some(vec!["open", "snoozed"]), updated_since: Some(noon()), per_page: 150 };
    let states = Search { updated_since: None, per_page: 0, ..both.clone() };
    let all = Search { states: None, updated_since: None, per_page: 999 };
    for (query, cursor) in [(both, None), (states, Some("c==")), (all, None)] {
        assert_eq!(intercom.search(&query, cursor).await.unwrap().next.as_deref(), Some("more"));
    }
    let state = json!({ "field": "state", "operator": "IN", "value": ["open", "snoozed"] });
    let updated = |after: i64| json!({ "field": "updated_at", "operator": ">", "value": after });
    let want = [
        (json!([state, updated(1_772_452_799)]), json!({ "per_page": 150 })),
        (json!([state]), json!({ "per_page": 1, "starting_after": "c==" })),
        (json!([updated(0)]), json!({ "per_page": 150 })),
    ];
    for (request, (filters, pagination)) in server.received().into_iter().zip(want) {
        assert_eq!(request.line, "POST /conversations/search HTTP/1.1");
        let want = json!({
            "query": { "operator": "AND", "value": filters },
            "pagination": pagination,
            "sort": { "field": "updated_at", "order": "ascending" },
        });
        assert_eq!(serde_json::from_str::<Value>(&request.body).unwrap(), want);
    }
}

#[tokio::test]
async fn the_path_of_the_address_is_kept() {
    for base in ["/intercom/v2", "/intercom/v2/"] {
        let server = Server::playing([answer(200, "", ME)]).await;
        let (intercom, _) = client(settings(server.url.join(base).unwrap()));
        intercom.me().await.unwrap();
        assert_eq!(server.received()[0].line, "GET /intercom/v2/me HTTP/1.1");
    }
}

#[tokio::test]
async fn what_cannot_be_right_is_never_sent() {
    let server = Server::playing([answer(200, "", r#"{"type":"contact","id":"a-B_9","name":"Sample"}"#)]).await;
    let (intercom, _) = client(settings(server.url.clone()));
    let seven = id("7");
    let mut errors = Vec::new();
    for contact in ["", "..", "a/b", "a b", "ä", &"x".repeat(65)] {
        errors.push(intercom.contact(contact).await.unwrap_err());
    }
    errors.push(intercom.close(&seven, "81", Some(" \n")).await.unwrap_err());
    errors.push(intercom.close(&seven, "", None).await.unwrap_err());
    errors.push(intercom.reply(&seven, "81", "").await.unwrap_err());
    errors.push(intercom.open(&seven, " ").await.unwrap_err());
    for error in errors {
        assert_eq!(error.class(), Class::BadRequest, "{error}");
    }
    assert_eq!(server.hits(), 0);
    let contact = intercom.contact("a-B_9").await.unwrap();
    assert_eq!(contact.name.as_deref(), Some("Sample"));
    assert_eq!(server.received()[0].line, "GET /contacts/a-B_9 HTTP/1.1");
}

#[tokio::test]
async fn a_lost_deed_is_never_sent_again() {
    for last in [None, Some(Play::SayAndClose(b"HTTP/1.1 200 X\r\nContent-Le".to_vec()))] {
        let server = Server::playing([conversation("7", "open")].into_iter().chain(last)).await;
        let (intercom, _) = client(settings(server.url.clone()));
        intercom.conversation(&id("7")).await.unwrap();
        let error = intercom.close(&id("7"), "81", Some("Bye")).await.unwrap_err();
        assert_eq!(error.class(), Class::Ambiguous, "{error}");
        assert_eq!(server.hits(), 2, "one look, one deed");
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    for status in [301, 302, 303, 307, 308] {
        let canary = Server::playing([conversation("7", "closed")]).await;
        let location = format!("Location: {}conversations/7/parts\r\n", canary.url);
        let server = Server::playing([answer(status, &location, "")]).await;
        let (intercom, _) = client(settings(server.url.clone()));
        let error = intercom.close(&id("7"), "81", None).await.unwrap_err();
        assert_eq!(error.class(), Class::Refused, "{status}");
        assert_eq!(error.refusal().map(|refusal| refusal.status), Some(status));
        assert_eq!(canary.hits(), 0, "{status}");
    }
}

#[tokio::test]
async fn at_most_five_requests_are_under_way_before_the_first_answer() {
    let server = Server::playing((0..9).map(|_| Play::Hang)).await;
    let (intercom, _) = client(ClientSettings {
        timeout: Duration::from_millis(300),
        requests_per_10s: Some(500),
        ..settings(server.url.clone())
    });
    let mut calls: FuturesUnordered<_> = (0..9).map(|_| intercom.me()).collect();
    for _ in 0..5 {
        assert_eq!(calls.next().await.unwrap().unwrap_err().class(), Class::Ambiguous);
    }
    assert!(calls.next().now_or_never().is_none(), "the sixth waits, as nothing has told the limit yet");
    assert!(server.hits() <= 5);
}
