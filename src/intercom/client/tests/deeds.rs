//! The deeds: what is sent, and which answer shows them done.

use super::server::{Play, Server, answer, conversation};
use super::*;
use crate::intercom::error::Class;

/// How one deed ends, told in a word or two.
type Ending = Result<(), IntercomError>;

/// Every deed but the closing ones, done to conversation 7.
const DEEDS: [&str; 9] =
    ["reply", "note", "assign", "assign team", "unassign", "unassign team", "tag", "untag", "update"];

async fn perform(intercom: &Intercom, deed: &str) -> Ending {
    let seven = id("7");
    match deed {
        "reply" => intercom.reply(&seven, "81", "Still there?").await.map(drop),
        "note" => intercom.note(&seven, "81", "<p>Closes soon</p>").await.map(drop),
        "assign" => intercom.assign(&seven, "81", Assignee::Teammate(Some("82"))).await.map(drop),
        "assign team" => intercom.assign(&seven, "81", Assignee::Team(Some("9"))).await.map(drop),
        "unassign" => intercom.assign(&seven, "81", Assignee::Teammate(None)).await.map(drop),
        "unassign team" => intercom.assign(&seven, "81", Assignee::Team(None)).await.map(drop),
        "tag" => intercom.tag(&seven, "81", "31").await.map(drop),
        "untag" => intercom.untag(&seven, "81", "31").await.map(drop),
        "create tag" => intercom.create_tag("auto-closed").await.map(drop),
        "update" => intercom.update(&seven, &both()).await.map(drop),
        "read" => intercom.update(&seven, &Update { read: Some(true), ..Update::default() }).await.map(drop),
        other => panic!("no deed {other}"),
    }
}

fn both() -> Update {
    let attributes = json!({ "auto_closed_by": "a week", "count": 3, "paid": true, "order": ["21"] });
    Update { read: Some(false), custom_attributes: attributes.as_object().unwrap().clone() }
}

/// How the deed ends after this answer.
async fn after(play: Play, deed: &str) -> Ending {
    let server = Server::playing([play]).await;
    let (intercom, _) = client(settings(server.url.clone()));
    let ending = perform(&intercom, deed).await;
    assert_eq!(server.hits(), 1, "{deed} is sent once");
    ending
}

fn refused(status: u16, code: &str) -> Play {
    answer(status, "", &format!(r#"{{"type":"error.list","errors":[{{"code":"{code}","message":"m"}}]}}"#))
}

fn tag_31() -> Play {
    answer(200, "", r#"{"type":"tag","id":"31","name":"auto-closed"}"#)
}

#[tokio::test]
async fn each_deed_has_its_method_path_and_body() {
    let assignment = |kind: &str, to: &str| json!({ "message_type": "assignment", "type": kind, "admin_id": "81", "assignee_id": to });
    for (deed, play, line, body) in [
        (
            "note",
            conversation("7", "snoozed"),
            "POST /conversations/7/reply",
            json!({ "message_type": "note", "type": "admin", "admin_id": "81", "body": "<p>Closes soon</p>" }),
        ),
        ("assign", conversation("7", "open"), "POST /conversations/7/parts", assignment("admin", "82")),
        ("assign team", conversation("7", "open"), "POST /conversations/7/parts", assignment("team", "9")),
        ("unassign", conversation("7", "open"), "POST /conversations/7/parts", assignment("admin", "0")),
        ("unassign team", conversation("7", "open"), "POST /conversations/7/parts", assignment("team", "0")),
        ("tag", tag_31(), "POST /conversations/7/tags", json!({ "id": "31", "admin_id": "81" })),
        ("untag", tag_31(), "DELETE /conversations/7/tags/31", json!({ "admin_id": "81" })),
        ("create tag", tag_31(), "POST /tags", json!({ "name": "auto-closed" })),
        ("read", conversation("7", "closed"), "PUT /conversations/7", json!({ "read": true })),
        (
            "update",
            conversation("7", "closed"),
            "PUT /conversations/7",
            json!({ "read": false, "custom_attributes": both().custom_attributes }),
        ),
    ] {
        let server = Server::playing([play]).await;
        let (intercom, _) = client(settings(server.url.clone()));
        perform(&intercom, deed).await.unwrap();
        let sent = server.received().remove(0);
        assert_eq!(sent.line, format!("{line} HTTP/1.1"), "{deed}");
        assert_eq!(serde_json::from_str::<Value>(&sent.body).unwrap(), body, "{deed}");
        assert_eq!(sent.header("content-type"), Some("application/json"), "{deed}");
    }
}

#[tokio::test]
async fn an_assignment_is_done_only_if_the_answer_does_not_show_another_assignee() {
    for (deed, told, done) in [
        ("assign", r#""admin_assignee_id":82"#, true),
        ("assign", r#""admin_assignee_id":"82","team_assignee_id":9"#, true),
        ("assign", r#""admin_assignee_id":81"#, false),
        ("assign", r#""admin_assignee_id":null"#, false),
        ("assign", r#""admin_assignee_id":0"#, false),
        ("assign", r#""team_assignee_id":9"#, true),
        ("assign", r#""assignee":{"type":"admin","id":"82"}"#, true),
        ("assign", r#""assignee":{"type":"nobody_admin","id":null}"#, false),
        ("assign team", r#""admin_assignee_id":81,"team_assignee_id":9"#, true),
        ("assign team", r#""admin_assignee_id":9,"team_assignee_id":8"#, false),
        ("unassign", r#""admin_assignee_id":0,"team_assignee_id":9"#, true),
        ("unassign", r#""admin_assignee_id":"0""#, true),
        ("unassign", r#""admin_assignee_id":null"#, true),
        ("unassign", r#""admin_assignee_id":82"#, false),
        ("unassign team", r#""admin_assignee_id":82,"team_assignee_id":null"#, true),
        ("unassign team", r#""admin_assignee_id":82,"team_assignee_id":"9""#, false),
        ("unassign team", r#""title":null"#, true),
    ] {
        let shown = format!(r#"{{"id":"7","state":"open","updated_at":1772452800,{told}}}"#);
        let ending = after(answer(200, "", &shown), deed).await;
        assert_eq!(ending.is_ok(), done, "{deed}: {told}");
        assert!(done || matches!(ending, Err(IntercomError::WrongAnswer(_))), "{deed}: {told}");
    }
    let elsewhere = after(conversation("8", "open"), "assign").await;
    assert!(matches!(elsewhere, Err(IntercomError::WrongAnswer(_))), "{elsewhere:?}");
}

#[tokio::test]
async fn an_answer_to_an_update_may_show_all_parts_or_none_and_is_never_the_whole() {
    let part =
        r#"{"id":"5","part_type":"comment","body":"x","created_at":1772452000,"author":{"type":"user","id":"1"}}"#;
    for parts in [String::new(), part.to_owned(), format!("{part},{}", part.replace("\"5\"", "\"6\""))] {
        let shown = format!(r#"{{"id":"7","state":"open","conversation_parts":{{"conversation_parts":[{parts}]}}}}"#);
        let server = Server::playing([answer(200, "", &shown)]).await;
        let (intercom, _) = client(settings(server.url.clone()));
        let read = intercom.update(&id("7"), &both()).await.unwrap().value;
        assert_eq!(read.sighting.parts.len(), parts.matches("part_type").count());
        assert!(!read.sighting.whole);
    }
}

#[tokio::test]
async fn tagging_is_done_only_if_the_answer_shows_the_tag() {
    for (deed, shown, done) in [
        ("tag", r#"{"type":"tag","id":"31","name":"auto-closed","applied_at":1772452800}"#, true),
        ("tag", r#"{"id":31}"#, true),
        ("tag", r#"{"type":"tag","id":"32","name":"auto-closed"}"#, false),
        ("tag", "{}", false),
        ("tag", "null", false),
        ("untag", r#"{"type":"tag","id":"31"}"#, true),
        ("untag", r#"{"type":"error.list","errors":[]}"#, false),
        ("create tag", r#"{"type":"tag","id":31,"name":"Auto-Closed "}"#, true),
        ("create tag", r#"{"type":"tag","id":"31","name":"vip"}"#, false),
        ("create tag", r#"{"type":"tag","id":"31"}"#, false),
        ("create tag", r#"{"type":"tag","id":"../me","name":"auto-closed"}"#, false),
    ] {
        let ending = after(answer(200, "", shown), deed).await;
        assert_eq!(ending.is_ok(), done, "{deed}: {shown}");
        assert!(done || matches!(ending, Err(IntercomError::WrongAnswer(_))), "{deed}: {shown}");
    }
    let server = Server::playing([answer(200, "", r#"{"id":31,"name":"Auto-Closed","users":[]}"#)]).await;
    let (intercom, _) = client(settings(server.url.clone()));
    let tag = intercom.create_tag("auto-closed").await.unwrap().value;
    assert_eq!(tag, Tag { id: "31".into(), name: "Auto-Closed".into() });
}

#[tokio::test]
async fn a_missing_tag_or_assignee_is_no_missing_conversation() {
    for (deed, code, want) in [
        ("tag", "tag_not_found", Class::Refused),
        ("tag", "not_found", Class::Refused),
        ("tag", "conversation_not_found", Class::Gone),
        ("tag", "admin_not_found", Class::AuthDead),
        ("untag", "tag_not_found", Class::Refused),
        ("untag", "not_found", Class::Gone),
        ("untag", "admin_not_found", Class::AuthDead),
        ("assign", "assignee_not_found", Class::Refused),
        ("assign", "not_found", Class::Refused),
        ("assign team", "team_not_found", Class::Refused),
        ("assign", "conversation_not_found", Class::Gone),
        ("assign", "admin_not_found", Class::AuthDead),
        ("note", "not_found", Class::Gone),
        ("update", "not_found", Class::Gone),
        ("create tag", "not_found", Class::Refused),
    ] {
        assert_eq!(after(refused(404, code), deed).await.unwrap_err().class(), want, "{deed} {code}");
    }
    let attribute = after(refused(400, "INVALID_PARAMETER"), "update").await.unwrap_err();
    assert_eq!(attribute.class(), Class::Refused);
    assert_eq!(attribute.refusal().and_then(|refusal| refusal.code.as_deref()), Some("INVALID_PARAMETER"));
}

#[tokio::test]
async fn a_lost_or_senseless_answer_to_any_deed_may_mean_that_it_was_done() {
    for deed in DEEDS.into_iter().chain(["create tag"]) {
        for play in [
            Play::SayAndClose(Vec::new()),
            answer(200, "", "<html>Hello</html>"),
            answer(200, "", "[]"),
            answer(502, "", ""),
            refused(200, "server_error"),
        ] {
            assert_eq!(after(play, deed).await.unwrap_err().class(), Class::Ambiguous, "{deed}");
        }
        assert_eq!(after(refused(429, "rate_limit_exceeded"), deed).await.unwrap_err().class(), Class::RateLimited);
        assert_eq!(after(refused(401, "unauthorized"), deed).await.unwrap_err().class(), Class::AuthDead);
    }
}

#[tokio::test]
async fn no_deed_is_sent_with_an_id_that_is_no_number_or_without_anything_to_say() {
    let server = Server::playing([]).await;
    let (intercom, _) = client(settings(server.url.clone()));
    let seven = id("7");
    let mut endings: Vec<Ending> = Vec::new();
    for odd in ["", " ", "0", "00", "8 1", "-81", "81/../1", "me", "٣", "123456789012345678901"] {
        endings.extend([
            intercom.note(&seven, odd, "Hi").await.map(drop),
            intercom.close(&seven, odd, None).await.map(drop),
            intercom.assign(&seven, odd, Assignee::Team(None)).await.map(drop),
            intercom.assign(&seven, "81", Assignee::Teammate(Some(odd))).await.map(drop),
            intercom.assign(&seven, "81", Assignee::Team(Some(odd))).await.map(drop),
            intercom.tag(&seven, odd, "31").await.map(drop),
            intercom.tag(&seven, "81", odd).await.map(drop),
            intercom.untag(&seven, odd, "31").await.map(drop),
            intercom.untag(&seven, "81", odd).await.map(drop),
        ]);
    }
    for empty in ["", " \n"] {
        endings.push(intercom.note(&seven, "81", empty).await.map(drop));
        endings.push(intercom.create_tag(empty).await.map(drop));
    }
    endings.push(intercom.update(&seven, &Update::default()).await.map(drop));
    for ending in endings {
        assert_eq!(ending.unwrap_err().class(), Class::BadRequest);
    }
    assert_eq!(server.hits(), 0);
}

#[tokio::test]
async fn deeds_on_reserved_requests_count_against_them() {
    let server = Server::playing([conversation("7", "open"), tag_31()]).await;
    let (intercom, _) = client(ClientSettings { requests_per_10s: Some(2), ..settings(server.url.clone()) });
    let reserved = intercom.with(intercom.permits(2).await);
    perform(&reserved, "assign").await.unwrap();
    perform(&reserved, "tag").await.unwrap();
    assert_eq!(perform(&reserved, "update").await.unwrap_err().class(), Class::RateLimited);
    assert_eq!(server.hits(), 2);
}
