//! The lists of people, teams and tags.

use super::server::{Server, answer};
use super::*;
use crate::intercom::error::Class;

/// What the three calls make of the same answer, one line for each.
async fn read(body: &str) -> [Result<Vec<String>, IntercomError>; 3] {
    let server = Server::playing([answer(200, "", body), answer(200, "", body), answer(200, "", body)]).await;
    let (intercom, _) = client(settings(server.url.clone()));
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let admin = |it: Admin| format!("{} {} {}", it.id, or_none(it.name), or_none(it.email));
    let admins = intercom.admins().await.map(|all| all.into_iter().map(admin).collect());
    let teams = intercom.teams().await.map(|all| all.into_iter().map(|it| format!("{} {}", it.id, it.name)).collect());
    let tags = intercom.tags().await.map(|all| all.into_iter().map(|it| format!("{} {}", it.id, it.name)).collect());
    let lines: Vec<String> = server.received().into_iter().map(|request| request.line).collect();
    assert_eq!(lines, ["GET /admins HTTP/1.1", "GET /teams HTTP/1.1", "GET /tags HTTP/1.1"]);
    assert!(server.received().iter().all(|request| request.body.is_empty()));
    [admins, teams, tags]
}

#[tokio::test]
async fn people_teams_and_tags_are_read_by_id_and_name() {
    let all = r#"{"type":"list",
        "admins":[{"id":"81","name":"Sam","email":"sam@example.com"},{"id":82,"email":null},{"id":"83","name":7}],
        "teams":[{"id":9,"name":"Support"},{"id":"10","name":"Billing","admin_ids":[81]}],
        "data":[{"type":"tag","id":"31","name":"vip"}],
        "pages":{"next":null}}"#;
    let [admins, teams, tags] = read(all).await;
    assert_eq!(admins.unwrap(), ["81 Sam sam@example.com", "82 - -", "83 - -"]);
    assert_eq!(teams.unwrap(), ["9 Support", "10 Billing"]);
    assert_eq!(tags.unwrap(), ["31 vip"]);
}

#[tokio::test]
async fn what_has_no_usable_id_or_name_is_left_out() {
    let odd = r#"[null,{},{"id":null,"name":"a"},{"id":"../me","name":"b"},{"id":"","name":"c"},{"id":"5","name":" "},
        {"id":"6","name":"d"},"7",[8]]"#;
    let [admins, teams, tags] = read(&format!(r#"{{"admins":{odd},"teams":{odd},"data":{odd},"pages":null}}"#)).await;
    assert_eq!(admins.unwrap(), ["5 - -", "6 d -"], "a teammate can be named by id");
    assert_eq!(teams.unwrap(), ["6 d"]);
    assert_eq!(tags.unwrap(), ["6 d"]);
}

#[tokio::test]
async fn an_empty_list_is_a_list_and_a_missing_one_is_not() {
    for ending in read(r#"{"admins":[],"teams":[],"data":[]}"#).await {
        assert_eq!(ending.unwrap(), Vec::<String>::new());
    }
    for body in [
        "null",
        "{}",
        "[]",
        r#"{"admins":null,"teams":null,"data":null}"#,
        r#"{"admins":{},"teams":"all","data":1}"#,
        r#"{"type":"error.list","errors":[]}"#,
        "<html>Hello</html>",
    ] {
        for ending in read(body).await {
            assert_eq!(ending.unwrap_err().class(), Class::Ambiguous, "{body}");
        }
    }
}

#[tokio::test]
async fn one_page_of_several_is_not_taken_for_the_whole_list() {
    for next in [r#"{"page":2,"starting_after":"c"}"#, r#""https://api.example.com/tags?page=2""#] {
        let body = format!(r#"{{"admins":[],"teams":[],"data":[],"pages":{{"next":{next}}}}}"#);
        for ending in read(&body).await {
            let error = ending.unwrap_err();
            assert!(matches!(error, IntercomError::WrongList(_)), "{error:?}");
            assert!(error.to_string().contains("a list in several pages"), "{error}");
        }
    }
}
