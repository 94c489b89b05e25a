//! Every kind of error answer, and what may follow it.

use super::*;

/// Every code that Intercom documents, by what is said to follow, with the statuses that it can come with.
const CODES: [(Class, &[u16], &[&str]); 6] = [
    (
        Class::AuthDead,
        &[400, 401, 403, 404, 422],
        &[
            "unauthorized",
            "missing_authorization",
            "token_unauthorized",
            "token_not_found",
            "token_revoked",
            "token_blocked",
            "token_expired",
            "token_suspended",
            "api_plan_restricted",
            "admin_not_found",
        ],
    ),
    (Class::Gone, &[404], &["not_found", "conversation_not_found"]),
    (Class::Refused, &[403], &["forbidden", "action_forbidden", ""]),
    (Class::Refused, &[404, 410], &["contact_merged", "assignee_not_found", "team_not_found", "tag_not_found", ""]),
    (
        Class::Refused,
        &[400, 405, 406, 409, 422],
        &[
            "parameter_invalid",
            "parameter_not_found",
            "missing_parameter",
            "type_mismatch",
            "data_invalid",
            "bad_request",
            "client_error",
            "unsupported",
            "intercom_version_invalid",
            "conflict",
            "resource_conflict",
            "not_found",
            "anything_new",
            "",
        ],
    ),
    (
        Class::Ambiguous,
        &[400, 403, 404, 408, 409, 422, 500, 502, 503, 504],
        &[
            "rate_limit_exceeded",
            "too_many_requests",
            "retry_after",
            "request_timeout",
            "server_error",
            "service_unavailable",
            "team_unavailable",
        ],
    ),
];

fn list(code: &str) -> String {
    format!(r#"{{"type":"error.list","request_id":"r-1","errors":[{{"code":"{code}","message":"private"}}]}}"#)
}

fn class(status: u16, code: &str, of_conversation: bool) -> Class {
    Refusal::read(status, None, list(code).as_bytes()).sort(of_conversation).class()
}

#[test]
fn every_documented_code_is_sorted_by_what_may_follow() {
    for (want, statuses, codes) in CODES {
        for (status, code) in statuses.iter().flat_map(|status| codes.iter().map(move |code| (*status, *code))) {
            assert_eq!(class(status, code, true), want, "{status} {code}");
        }
    }
}

#[test]
fn some_statuses_say_enough_whatever_the_code() {
    let codes = CODES.iter().flat_map(|(_, _, codes)| codes.iter().copied());
    for code in codes {
        for of_conversation in [true, false] {
            assert_eq!(class(401, code, of_conversation), Class::AuthDead, "401 {code}");
            for status in [408, 500, 502, 503, 504, 599] {
                assert_eq!(class(status, code, of_conversation), Class::Ambiguous, "{status} {code}");
            }
            for status in [301, 302, 304, 307] {
                assert_eq!(class(status, code, of_conversation), Class::Refused, "{status} {code}");
            }
        }
    }
}

#[test]
fn what_is_not_found_is_the_conversation_only_where_nothing_else_was_named() {
    for (code, of_conversation, want) in [
        ("not_found", true, Class::Gone),
        ("not_found", false, Class::Refused),
        ("conversation_not_found", true, Class::Gone),
        ("conversation_not_found", false, Class::Gone),
        ("tag_not_found", true, Class::Refused),
        ("", true, Class::Refused),
    ] {
        assert_eq!(class(404, code, of_conversation), want, "{code} {of_conversation}");
    }
    let page = Refusal::read(404, None, b"<html>no such host</html>").sort(true);
    assert_eq!(page.class(), Class::Refused, "a 404 that is not Intercom's own");
}

#[test]
fn less_at_once_helps_where_somebody_gave_up_waiting() {
    for (status, want) in
        [(502, true), (504, true), (500, false), (503, false), (408, false), (400, false), (404, false)]
    {
        assert_eq!(Refusal::read(status, None, b"").sort(false).is_of_size(), want, "{status}");
    }
    assert!(IntercomError::TooLarge.is_of_size());
    assert!(!IntercomError::RateLimited { until: Duration::ZERO }.is_of_size());
}

#[test]
fn an_error_body_of_any_kind_is_read() {
    let none: Option<&str> = None;
    for (body, header, code, id) in [
        (list("not_found"), none, Some("not_found"), Some("r-1")),
        (list("not_found"), Some("edge-7"), Some("not_found"), Some("r-1")),
        ("<html>Bad gateway</html>".into(), Some("edge-7"), None, Some("edge-7")),
        (String::new(), None, None, None),
        (r#"{"type":"error.list","request_id":null,"errors":null}"#.into(), Some("e"), None, Some("e")),
        (r#"{"type":"error.list","request_id":"r-2","errors":null}"#.into(), None, None, Some("r-2")),
        (
            r#"{"request_id":"r-3","errors":[null,7,{"code":404},{"code":"conflict"}]}"#.into(),
            None,
            Some("conflict"),
            Some("r-3"),
        ),
        (r#"{"request_id":7,"errors":[{},{"code":"conflict"}]}"#.into(), None, Some("conflict"), None),
        (r#"{"request_id":"a b","errors":[{"code":"Dear Sir, no"}]}"#.into(), None, None, None),
        ("[1,2]".into(), None, None, None),
    ] {
        let refusal = Refusal::read(404, header, body.as_bytes());
        assert_eq!((refusal.code.as_deref(), refusal.request_id.as_deref()), (code, id), "{body}");
    }
}

#[test]
fn what_a_log_shows_is_the_status_the_code_and_the_request_but_no_message() {
    let error = Refusal::read(422, None, list("data_invalid").as_bytes()).sort(true);
    assert!(error.to_string().contains("(HTTP 422, code data_invalid, request r-1)"), "{error}");
    assert!(!format!("{error:?}").contains("private"));
}
