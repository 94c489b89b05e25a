//! What comes back, and what does not.

use futures_util::FutureExt;
use jiff::SignedDuration;

use super::server::{Play, Server, answer, conversation};
use super::*;
use crate::intercom::error::Class;
use crate::sabotage::{Bug, plant};

const DATE: &str = "Date: Mon, 02 Mar 2026 11:59:00 GMT\r\n";

async fn close(play: Play) -> Result<Answer<ReadConversation>, IntercomError> {
    close_within(Duration::from_secs(10), play).await
}

async fn close_within(timeout: Duration, play: Play) -> Result<Answer<ReadConversation>, IntercomError> {
    let server = Server::playing([play]).await;
    let (intercom, _) = client(ClientSettings { timeout, ..settings(server.url) });
    let outcome = intercom.close(&id("7"), "81", Some("Bye")).await;
    let standing = intercom.standing();
    assert_eq!(standing.last_error.map(|(_, class)| class), outcome.as_ref().err().map(IntercomError::class));
    assert_eq!(standing.last_success.is_some(), outcome.is_ok());
    outcome
}

fn refused(status: u16, code: &str) -> Play {
    let body = format!(r#"{{"type":"error.list","request_id":"r-1","errors":[{{"code":"{code}","message":"m"}}]}}"#);
    answer(status, "", &body)
}

#[tokio::test]
async fn each_failure_has_its_class() {
    let good = r#"{"id":"7","state":"closed"}"#;
    let cut = format!("HTTP/1.1 200 X\r\nContent-Length: 900\r\n\r\n{good}");
    for (name, play, want) in [
        ("dead token", refused(401, "unauthorized"), Class::AuthDead),
        ("dead plan", refused(403, "api_plan_restricted"), Class::AuthDead),
        ("no such teammate", refused(404, "admin_not_found"), Class::AuthDead),
        ("no access", refused(403, "forbidden"), Class::Refused),
        ("deleted", refused(404, "not_found"), Class::Gone),
        ("wrong address", answer(404, "", "<html>Not here</html>"), Class::Refused),
        ("bad parameter", refused(422, "parameter_invalid"), Class::Refused),
        ("too slow for a gateway", refused(408, "request_timeout"), Class::Ambiguous),
        ("broken", refused(500, "server_error"), Class::Ambiguous),
        ("a gateway's page", answer(502, "", "<html>Bad gateway</html>"), Class::Ambiguous),
        ("slow down", refused(429, "rate_limit_exceeded"), Class::RateLimited),
        ("hung up", Play::SayAndClose(Vec::new()), Class::Ambiguous),
        ("cut short", Play::SayAndClose(cut.into_bytes()), Class::Ambiguous),
        ("no HTTP", Play::SayAndClose(b"220 mail.example.com ready\r\n\r\n".to_vec()), Class::Ambiguous),
        ("no JSON", answer(200, "", "<html>Hello</html>"), Class::Ambiguous),
        ("nothing", answer(200, "", ""), Class::Ambiguous),
        ("null", answer(200, "", "null"), Class::Ambiguous),
        ("more after the end", answer(200, "", &format!("{good}{good}")), Class::Ambiguous),
        ("an error that says 200", refused(200, "server_error"), Class::Ambiguous),
        ("another conversation", conversation("8", "closed"), Class::Ambiguous),
        ("still open", conversation("7", "open"), Class::Ambiguous),
        ("no state", answer(200, "", r#"{"id":"7"}"#), Class::Ambiguous),
    ] {
        assert_eq!(close(play).await.unwrap_err().class(), want, "{name}");
    }
    assert!(close(answer(200, "", r#"{"id":7,"state":"closed"}"#)).await.is_ok());
}

#[tokio::test]
async fn an_answer_that_does_not_end_in_time_is_lost() {
    let begun = b"HTTP/1.1 200 X\r\nContent-Length: 27\r\n\r\n{\"id\":".to_vec();
    for (name, play) in [("no answer", Play::Hang), ("half a body", Play::Say(begun))] {
        let error = close_within(Duration::from_millis(300), play).await.unwrap_err();
        assert!(matches!(error, IntercomError::Lost(_)), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_deed_is_done_only_if_the_answer_shows_its_state() {
    let plays = ["closed", "open", "closed"].map(|state| conversation("7", state));
    let server = Server::playing(plays).await;
    let (intercom, _) = client(settings(server.url));
    let opened = intercom.open(&id("7"), "81").await;
    assert!(matches!(opened, Err(IntercomError::WrongAnswer(_))));
    let snoozed = intercom.snooze(&id("7"), "81", noon()).await;
    assert!(matches!(snoozed, Err(IntercomError::WrongAnswer(_))));
    assert!(intercom.reply(&id("7"), "81", "Hi").await.is_ok(), "a reply promises no state");
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let (intercom, _) = client(settings(url));
    let error = intercom.close(&id("7"), "81", None).await.unwrap_err();
    assert_eq!(error.class(), Class::NotSent, "{error:?}");
}

#[tokio::test]
async fn an_answer_is_read_up_to_eight_mebibytes() {
    for (length, fits) in [(ANSWER_LIMIT, true), (ANSWER_LIMIT + 1, false), (9 * 1024 * 1024, false)] {
        let mut body = r#"{"id":"7","state":"closed"}"#.to_owned();
        body.extend(std::iter::repeat_n(' ', length - body.len()));
        let server = Server::playing([answer(200, "", &body)]).await;
        let (intercom, _) = client(settings(server.url));
        match intercom.conversation(&id("7")).await {
            Ok(_) => assert!(fits, "{length}"),
            Err(error) => assert!(!fits && matches!(error, IntercomError::TooLarge), "{length} {error:?}"),
        }
    }
}

#[tokio::test]
async fn a_page_that_leads_to_itself_is_an_error() {
    let page = || answer(200, "", r#"{"conversations":[],"pages":{"next":{"starting_after":"c"}}}"#);
    let server = Server::playing([page(), page()]).await;
    let (intercom, _) = client(settings(server.url));
    let all = Search { states: None, updated_since: None, per_page: 20 };
    assert!(intercom.search(&all, Some("b")).await.is_ok());
    assert!(matches!(intercom.search(&all, Some("c")).await, Err(IntercomError::WrongAnswer(_))));
}

#[tokio::test]
async fn intercom_s_clock_is_its_last_date_and_the_time_since() {
    let plays = [answer(200, "", r#"{"id":"7"}"#), answer(401, DATE, ""), answer(200, DATE, r#"{"id":"7"}"#)];
    let server = Server::playing(plays).await;
    let (intercom, clock) = client(settings(server.url));
    assert_eq!(intercom.intercom_now(), None);
    let undated = intercom.conversation(&id("7")).await.unwrap();
    assert_eq!((undated.at, intercom.intercom_now()), (noon(), None), "our own clock stands in");
    clock.advance(SignedDuration::from_secs(5));
    intercom.me().await.unwrap_err();
    clock.advance(SignedDuration::from_secs(90));
    assert_eq!(intercom.intercom_now().unwrap().to_string(), "2026-03-02T12:00:30Z", "a refusal has a date too");
    let dated = intercom.clone().conversation(&id("7")).await.unwrap();
    assert_eq!(dated.at.to_string(), "2026-03-02T11:59:00Z");
    assert_eq!(dated.received, Duration::from_secs(95));
    assert_eq!(intercom.intercom_now(), Some(dated.at), "clones share it");
}

#[tokio::test]
async fn after_a_429_nothing_is_sent_before_the_reset_on_intercom_s_clock() {
    // Intercom's clock is a minute behind ours; its window ends in 7 seconds.
    let reset = "X-RateLimit-Limit: 167\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1772452747\r\n";
    let plays = [answer(429, &format!("{DATE}{reset}"), ""), conversation("7", "closed")];
    let server = Server::playing(plays).await;
    let (intercom, clock) = client(settings(server.url.clone()));
    let reserved = intercom.with(intercom.permits(2).await);
    let seven = id("7");
    let want = Duration::from_secs(7);
    let first = intercom.close(&seven, "81", None).await;
    assert!(matches!(first, Err(IntercomError::RateLimited { until }) if until == want), "{first:?}");
    assert_eq!(intercom.limit(), Some(167));
    clock.advance(SignedDuration::from_millis(6_999));
    assert!(intercom.close(&seven, "81", None).now_or_never().is_none(), "waits");
    let early = reserved.close(&seven, "81", None).await;
    assert!(matches!(early, Err(IntercomError::RateLimited { until }) if until == want), "{early:?}");
    assert_eq!(server.hits(), 1);
    clock.advance(SignedDuration::from_millis(1));
    assert!(reserved.close(&seven, "81", None).await.is_ok());
}

#[tokio::test]
async fn only_an_answer_of_intercom_itself_tells_the_limit() {
    let limit = "X-RateLimit-Limit: 1000\r\nX-RateLimit-Remaining: 999\r\nX-RateLimit-Reset: 1772452750\r\n";
    for (play, want) in [
        (answer(401, "", ""), None),
        (answer(502, "", ""), None),
        (answer(404, &format!("{DATE}{limit}"), ""), Some(9)),
        (answer(200, &format!("{DATE}{limit}"), r#"{"id":"1"}"#), Some(9)),
        (answer(200, "", r#"{"id":"1"}"#), Some(9)),
    ] {
        let server = Server::playing([play]).await;
        let (intercom, _) = client(settings(server.url));
        let outcome = intercom.me().await;
        // Untold, there are five places, and the call just made has taken one of them.
        let granted = intercom.permits(9).now_or_never().map(|permits| permits.left());
        assert_eq!(granted, want, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_deed_on_reserved_requests_follows_its_look_at_once() {
    let server = Server::playing([conversation("7", "open"), conversation("7", "closed")]).await;
    let (intercom, _) = client(ClientSettings { requests_per_10s: Some(2), ..settings(server.url.clone()) });
    let reserved = intercom.with(intercom.permits(2).await);
    assert!(intercom.me().now_or_never().is_none(), "the others wait");
    reserved.conversation(&id("7")).await.unwrap();
    reserved.close(&id("7"), "81", None).await.unwrap();
    let third = reserved.open(&id("7"), "81").await.unwrap_err();
    assert_eq!(third.class(), Class::RateLimited, "and it never waits");
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn neither_the_token_nor_a_text_is_ever_shown() {
    let text = "a very private text";
    let echo = format!(r#"{{"errors":[{{"code":"{text}","message":"Bearer {TOKEN} {text}"}}],"request_id":"{text}"}}"#);
    let garbled = format!(r#"{{"id":{{"{text}":"{TOKEN}"}},"state":"{text}"}}"#);
    let wrong = format!(r#"{{"id":"8","state":"{text}"}}"#);
    for (status, body) in [(422, &echo), (401, &echo), (500, &echo), (200, &echo), (200, &garbled), (200, &wrong)] {
        let error = close(answer(status, "", body)).await.unwrap_err();
        let debug = format!("{error:?}");
        let shown = format!("{debug} {:#}", anyhow::Error::from(error));
        assert!(!shown.contains(TOKEN) && !shown.contains("private"), "{shown}");
    }
    let (intercom, _) = client(settings(Url::parse("http://127.0.0.1:9").unwrap()));
    let unsent = intercom.me().await.unwrap_err();
    let shown = format!("{intercom:?} {unsent} {unsent:?} {:?}", intercom.transport.http);
    assert!(!shown.contains(TOKEN), "{shown}");
}

#[test]
fn whoever_shows_the_token_is_caught() {
    let (intercom, _) = client(settings(Url::parse("http://127.0.0.1:9").unwrap()));
    let shows_it = || format!("{intercom:?}").contains(TOKEN);
    assert!(!shows_it());
    let _planted = plant(Bug::ShowsTheToken);
    assert!(shows_it());
}
