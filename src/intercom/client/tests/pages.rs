//! A search from page to page, in sizes that Intercom can bear.

use super::server::{Play, Server, answer};
use super::*;
use crate::intercom::error::Class;

fn page(next: Option<&str>) -> Play {
    let next = next.map_or("null".to_owned(), |next| format!(r#"{{"starting_after":"{next}"}}"#));
    answer(200, "", &format!(r#"{{"conversations":[{{"id":"7"}}],"pages":{{"next":{next}}}}}"#))
}

fn failing(status: u16) -> Play {
    answer(status, "", "<html>Bad gateway</html>")
}

fn everything() -> Search {
    Search { states: None, updated_since: None, per_page: 150 }
}

/// Size and cursor of each request.
fn asked(server: &Server) -> Vec<String> {
    let shown = |body: &str| {
        let body: Value = serde_json::from_str(body).unwrap();
        let pagination = &body["pagination"];
        format!("{} {}", pagination["per_page"], pagination["starting_after"].as_str().unwrap_or("-"))
    };
    server.received().iter().map(|request| shown(&request.body)).collect()
}

async fn all(server: &Server) -> (Result<usize, IntercomError>, Vec<String>) {
    let (intercom, _) = client(ClientSettings { requests_per_10s: Some(500), ..settings(server.url.clone()) });
    let mut pages = intercom.pages(everything());
    let mut count = 0;
    loop {
        match pages.next().await {
            Ok(Some(_)) => count += 1,
            Ok(None) => return (Ok(count), asked(server)),
            Err(error) => return (Err(error), asked(server)),
        }
    }
}

#[tokio::test]
async fn a_page_that_is_too_much_is_asked_for_at_half_its_size_from_the_same_cursor() {
    for status in [502, 504] {
        let plays = [page(Some("a")), failing(status), failing(status), page(Some("b")), page(None)];
        let (ended, asked) = all(&Server::playing(plays).await).await;
        assert_eq!(ended.unwrap(), 3);
        assert_eq!(asked, ["150 -", "150 a", "75 a", "37 a", "37 b"], "{status}");
    }
}

#[tokio::test]
async fn a_page_too_large_to_read_is_halved_too() {
    let huge = answer(200, "", &" ".repeat(ANSWER_LIMIT + 1));
    let (ended, asked) = all(&Server::playing([huge, page(None)]).await).await;
    assert_eq!((ended.unwrap(), asked), (1, vec!["150 -".to_owned(), "75 -".to_owned()]));
}

#[tokio::test]
async fn below_ten_conversations_size_is_not_what_is_wrong() {
    let server = Server::playing((0..9).map(|_| failing(502))).await;
    let (ended, asked) = all(&server).await;
    assert_eq!(ended.unwrap_err().class(), Class::Ambiguous);
    assert_eq!(asked, ["150 -", "75 -", "37 -", "18 -", "10 -"]);
}

#[tokio::test]
async fn any_other_failure_ends_the_pages_at_once() {
    for play in [failing(500), failing(503), failing(400), failing(401), failing(404), answer(200, "", "garbage")] {
        let (ended, asked) = all(&Server::playing([play, page(None)]).await).await;
        assert!(ended.is_err());
        assert_eq!(asked, ["150 -"]);
    }
}

#[tokio::test]
async fn ten_pages_that_went_well_double_the_size_up_to_what_was_asked_for() {
    let cursors: Vec<String> = (1..24).map(|cursor| cursor.to_string()).collect();
    let pages = cursors.iter().map(|cursor| page(Some(cursor))).chain([page(None)]);
    let server = Server::playing([failing(502), failing(502)].into_iter().chain(pages)).await;
    let (intercom, clock) = client(settings(server.url.clone()));
    let mut pages = intercom.pages(everything());
    let mut count = 0;
    while pages.next().await.unwrap().is_some() {
        count += 1;
        clock.advance(jiff::SignedDuration::from_secs(10));
    }
    assert_eq!(count, 24);
    let sizes: Vec<String> = asked(&server).iter().map(|asked| asked.split(' ').next().unwrap().to_owned()).collect();
    let want = ["150", "75"].iter().chain([&"37"; 10]).chain([&"74"; 10]).chain([&"148"; 4]);
    assert!(sizes.iter().eq(want), "{sizes:?}");
}

#[tokio::test]
async fn a_page_that_comes_too_soon_is_waited_for() {
    let slow_down = || answer(429, "", "");
    let server = Server::playing([page(Some("a")), slow_down(), slow_down(), page(None)]).await;
    let (intercom, clock) = client(settings(server.url.clone()));
    let mut pages = intercom.pages(everything());
    pages.next().await.unwrap();
    let passing = async {
        loop {
            clock.advance(jiff::SignedDuration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        last = pages.next() => assert_eq!(last.unwrap().unwrap().next, None),
        () = passing => {}
    }
    assert_eq!(asked(&server), ["150 -", "150 a", "150 a", "150 a"]);
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_end() {
    for circle in [["a", "a"].as_slice(), &["a", "b", "a"]] {
        let plays = circle.iter().map(|next| page(Some(next))).collect::<Vec<_>>();
        let (ended, asked) = all(&Server::playing(plays).await).await;
        assert!(matches!(ended.unwrap_err(), IntercomError::WrongAnswer(_)));
        assert_eq!(asked.len(), circle.len());
    }
}
