//! What the API demands, and what it answers.

use super::*;

#[tokio::test]
async fn a_request_without_what_it_must_bring_is_refused() {
    let bench = Bench::new().await;
    let url = format!("{}/me", bench.fake.url());
    let bare = |headers: &[(&'static str, &'static str)]| {
        headers.iter().fold(bench.client.get(&url), |request, (name, value)| request.header(*name, *value))
    };
    let (token, json) = (("Authorization", "Bearer token-of-the-fake-workspace"), ("Accept", "application/json"));
    let version = ("Intercom-Version", "2.16");
    for (name, headers, want) in [
        ("no token", &[json, version][..], "401 unauthorized"),
        ("wrong token", &[("Authorization", "Bearer x"), json, version], "401 unauthorized"),
        ("no version", &[token, json], "400 intercom_version_invalid"),
        ("unknown version", &[token, json, ("Intercom-Version", "3.0")], "400 intercom_version_invalid"),
        ("anything accepted", &[token, version], "406 media_type_not_acceptable"),
        ("all of it", &[token, json, version], "200 "),
    ] {
        assert_eq!(codes(&told(bare(headers).send().await.unwrap()).await), want, "{name}");
    }
    let form = bench.request("POST", "/conversations/search").header("Content-Type", "text/plain").body("{}");
    assert_eq!(codes(&told(form.send().await.unwrap()).await), "400 bad_request");
}

#[tokio::test]
async fn bad_deeds_are_refused_and_change_nothing() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    let known = bench.fake.conversation(&id);
    let soon = NOON + 3600;
    for (body, want) in [
        (json!({ "type": "admin" }), "400 parameter_not_found"),
        (json!({ "message_type": "shut", "type": "admin" }), "400 parameter_invalid"),
        (json!({ "message_type": "close" }), "400 parameter_not_found"),
        (json!({ "message_type": "close", "type": "admin", "admin_id": null }), "400 parameter_not_found"),
        (json!({ "message_type": "close", "type": "admin", "admin_id": 1009 }), "400 parameter_invalid"),
        (json!({ "message_type": "close", "type": "admin", "admin_id": "5" }), "404 admin_not_found"),
        (json!({ "message_type": "close", "type": "admin", "body": "" }), "400 parameter_invalid"),
        (json!({ "message_type": "snoozed" }), "400 parameter_not_found"),
        (json!({ "message_type": "snoozed", "snoozed_until": soon * 1000 }), "500 server_error"),
        (json!({ "message_type": "snoozed", "snoozed_until": NOON }), "400 parameter_invalid"),
        (json!({ "message_type": "assignment", "type": "admin" }), "400 parameter_not_found"),
        (json!({ "message_type": "assignment", "type": "team", "assignee_id": "1001" }), "404 assignee_not_found"),
    ] {
        assert_eq!(codes(&bench.parts(&id, body.clone()).await), want, "{body}");
    }
    let reply = format!("/conversations/{id}/reply");
    for (body, want) in [
        (json!({ "message_type": "comment", "type": "admin", "admin_id": "1009" }), "400 parameter_not_found"),
        (
            json!({ "message_type": "comment", "type": "admin", "admin_id": "1009", "body": " " }),
            "400 parameter_invalid",
        ),
        (json!({ "message_type": "note", "type": "user", "admin_id": "1009", "body": "x" }), "400 parameter_invalid"),
    ] {
        assert_eq!(codes(&bench.post(&reply, &body).await), want, "{body}");
    }
    let close = json!({ "message_type": "close", "type": "admin", "admin_id": "1009" });
    assert_eq!(codes(&bench.post("/conversations/1/parts", &close).await), "404 not_found");
    assert_eq!(codes(&bench.get(&format!("/conversations/{id}/parts")).await), "404 not_found");
    assert_eq!(bench.fake.conversation(&id), known);
    assert_eq!(bench.fake.mutating_calls().len(), 16);
}

#[tokio::test]
async fn each_deed_answers_with_its_own_part_only() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    bench.fake.teammate_replies(&id, "Hi");
    let until = NOON + 3600;
    for (body, kind, state, open) in [
        (json!({ "message_type": "snoozed", "snoozed_until": until }), "snoozed", "snoozed", true),
        (json!({ "message_type": "open" }), "open", "open", true),
        (json!({ "message_type": "close", "type": "admin", "body": "Bye" }), "close", "closed", false),
        (json!({ "message_type": "close", "type": "admin" }), "close", "closed", false),
        (
            json!({ "message_type": "assignment", "type": "admin", "assignee_id": "1002" }),
            "assign_and_reopen",
            "open",
            true,
        ),
        (json!({ "message_type": "assignment", "type": "team", "assignee_id": "0" }), "assignment", "open", true),
    ] {
        let (status, told) = bench.parts(&id, body.clone()).await;
        let parts = told["conversation_parts"]["conversation_parts"].as_array().unwrap();
        assert_eq!((status, parts.len(), &parts[0]["part_type"]), (200, 1, &json!(kind)), "{body}");
        assert_eq!((&told["state"], &told["open"]), (&json!(state), &json!(open)), "{body}");
        assert_eq!(parts[0]["author"]["id"], "1009");
        assert_eq!(parts[0]["body"].is_string(), body.get("body").is_some(), "{body}");
    }
    let seen = bench.fake.conversation(&id).unwrap();
    assert_eq!((seen.admin_assignee.as_deref(), seen.team_assignee, seen.parts.len()), (Some("1002"), None, 7));
}

#[tokio::test]
async fn reading_shows_everything_in_the_words_of_the_asked_version() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("1 < 2");
    bench.advance(60);
    bench.fake.teammate_replies(&id, "Yes");
    bench.advance(60);
    bench.fake.teammate_closes(&id, None);
    bench.fake.tag(&id, "vip");
    let path = format!("/conversations/{id}");
    let (_, told) = bench.get(&path).await;
    assert_eq!((&told["admin_assignee_id"], &told["priority"]), (&json!(0), &json!("none")));
    assert_eq!(told["source"]["body"], "<p>1 &lt; 2</p>");
    assert_eq!(told["tags"]["tags"][0]["name"], "vip");
    assert_eq!(told["conversation_parts"]["total_count"], 3);
    let statistics = &told["statistics"];
    for (field, want) in [
        ("last_contact_reply_at", json!(NOON)),
        ("last_admin_reply_at", json!(NOON + 60)),
        ("first_admin_reply_at", json!(NOON + 60)),
        ("last_close_at", json!(NOON + 120)),
        ("last_closed_by_id", json!("1001")),
        ("count_reopens", json!(0)),
        ("count_conversation_parts", json!(4)),
    ] {
        assert_eq!(statistics[field], want, "{field}");
    }
    let (_, plain) = bench.get(&format!("{path}?display_as=plaintext")).await;
    assert_eq!(plain["source"]["body"], "1 < 2");
    let url = format!("{}{path}", bench.fake.url());
    let old = bench.client.get(url).bearer_auth(Workspace::default().token);
    let old = old.header("Accept", "application/json").header("Intercom-Version", "2.12");
    let (_, old) = super::told(old.send().await.unwrap()).await;
    assert_eq!((&old["admin_assignee_id"], &old["priority"]), (&Value::Null, &json!("not_priority")));
}

#[tokio::test]
async fn only_the_newest_500_parts_are_shown() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    let ids: Vec<_> = (0..502).filter_map(|_| bench.fake.bot_replies(&id, "One moment")).collect();
    let (_, told) = bench.get(&format!("/conversations/{id}")).await;
    let parts = told["conversation_parts"]["conversation_parts"].as_array().unwrap();
    assert_eq!((ids.len(), parts.len()), (502, 500));
    assert_eq!(parts[0]["id"], json!(ids[2].to_string()));
    assert_eq!(told["statistics"]["count_conversation_parts"], 503);
}

#[tokio::test]
async fn the_people_and_things_of_the_workspace_can_be_listed() {
    let bench = Bench::new().await;
    let (_, me) = bench.get("/me").await;
    assert_eq!((&me["id"], &me["app"]["id_code"]), (&json!("1009"), &json!("ab12cd34")));
    assert_eq!((&me["app"]["region"], &me["app"]["timezone"]), (&json!("US"), &json!("Europe/Dublin")));
    for (path, key, first) in [("/admins", "admins", "Sam"), ("/teams", "teams", "Support"), ("/tags", "data", "vip")] {
        assert_eq!(bench.get(path).await.1[key][0]["name"], first, "{path}");
    }
    assert_eq!(bench.get("/contacts/65f000000000000000000001").await.1["name"], "Kim");
    assert_eq!(codes(&bench.get("/contacts/65f").await), "404 not_found");
}

#[tokio::test]
async fn tags_are_put_on_and_taken_off_by_id() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    let path = format!("/conversations/{id}/tags");
    let body = json!({ "id": "3001", "admin_id": "1009" });
    assert_eq!(bench.post(&path, &body).await.1["name"], "vip");
    assert_eq!(bench.fake.conversation(&id).unwrap().tags, ["vip"]);
    assert_eq!(codes(&bench.post(&path, &json!({ "id": "9", "admin_id": "1009" })).await), "404 not_found");
    let take_off = || bench.request("DELETE", &format!("{path}/3001")).json(&json!({ "admin_id": "1009" })).send();
    assert_eq!(codes(&told(take_off().await.unwrap()).await), "200 ");
    assert_eq!(codes(&told(take_off().await.unwrap()).await), "404 tag_not_found");
    assert!(bench.fake.conversation(&id).unwrap().tags.is_empty());
}

#[tokio::test]
async fn requests_are_counted_in_windows_of_ten_seconds_on_the_given_clock() {
    let bench = Bench::with(Workspace { rate_limit: 2, ..Workspace::default() }).await;
    let mut seen = Vec::new();
    for wait in [0, 1, 1, 8] {
        bench.advance(wait);
        let answer = bench.request("GET", "/me").send().await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let reset: i64 = header("x-ratelimit-reset").parse().unwrap();
        seen.push((answer.status().as_u16(), header("x-ratelimit-remaining"), reset - NOON, header("date")));
    }
    let want = [
        (200, "1", 10, "Mon, 02 Mar 2026 12:00:00 GMT"),
        (200, "0", 10, "Mon, 02 Mar 2026 12:00:01 GMT"),
        (429, "0", 10, "Mon, 02 Mar 2026 12:00:02 GMT"),
        (200, "1", 20, "Mon, 02 Mar 2026 12:00:10 GMT"),
    ];
    assert_eq!(seen, want.map(|(status, left, reset, date)| (status, left.to_owned(), reset, date.to_owned())));
}

#[tokio::test]
async fn a_search_finds_what_the_query_says() {
    let bench = Bench::new().await;
    let open = bench.fake.contact_starts("one");
    bench.advance(10);
    let snoozed = bench.fake.contact_starts("two");
    bench.fake.teammate_snoozes(&snoozed, shape::instant(NOON + 90_000));
    bench.advance(10);
    let closed = bench.fake.contact_starts("three");
    bench.fake.teammate_closes(&closed, None);
    let is =
        |field: &str, operator: &str, value: Value| json!({ "field": field, "operator": operator, "value": value });
    for (query, want) in [
        (is("state", "=", json!("snoozed")), vec![&snoozed]),
        (is("state", "!=", json!("snoozed")), vec![&open, &closed]),
        (is("state", "IN", json!(["open", "snoozed"])), vec![&open, &snoozed]),
        (is("state", "NIN", json!(["open", "snoozed"])), vec![&closed]),
        (is("open", "=", json!(true)), vec![&open, &snoozed]),
        (is("id", "=", json!(open.as_str())), vec![&open]),
        (is("updated_at", ">", json!(NOON + 10)), vec![&snoozed, &closed]),
        (is("updated_at", "<", json!((NOON + 10).to_string())), vec![&open, &snoozed]),
        (
            json!({ "operator": "AND", "value": [
                is("updated_at", ">", json!(NOON)),
                { "operator": "OR", "value": [is("state", "=", json!("open")), is("state", "=", json!("closed"))] },
            ] }),
            vec![&open, &closed],
        ),
    ] {
        let body = json!({ "query": query, "sort": { "field": "updated_at", "order": "ascending" } });
        let (status, told) = bench.post("/conversations/search", &body).await;
        assert_eq!(status, 200, "{query}");
        let ids: Vec<_> = told["conversations"].as_array().unwrap().iter().map(|it| text(&it["id"])).collect();
        assert_eq!(ids, want.into_iter().map(ToString::to_string).collect::<Vec<_>>(), "{query}");
        assert!(told["conversations"][0].get("conversation_parts").is_none());
    }
}

#[tokio::test]
async fn a_search_pages_by_cursor_to_the_end() {
    let bench = Bench::new().await;
    let all: Vec<_> = (0..5).map(|_| bench.fake.contact_starts("Hello").to_string()).collect();
    for order in ["ascending", "descending"] {
        let (mut ids, mut cursor) = (Vec::new(), Value::Null);
        for page in 1..=3 {
            let body = json!({
                "query": { "field": "state", "operator": "=", "value": "open" },
                "pagination": { "per_page": 2, "starting_after": cursor },
                "sort": { "field": "updated_at", "order": order },
            });
            let (_, told) = bench.post("/conversations/search", &body).await;
            assert_eq!((&told["pages"]["page"], &told["pages"]["total_pages"]), (&json!(page), &json!(3)));
            ids.extend(told["conversations"].as_array().unwrap().iter().map(|it| text(&it["id"])));
            assert_eq!(told["pages"]["next"].is_null(), page == 3);
            cursor = told["pages"]["next"]["starting_after"].clone();
        }
        if order == "descending" {
            ids.reverse();
        }
        assert_eq!(ids, all, "{order}");
    }
}

#[tokio::test]
async fn a_search_that_cannot_be_answered_truly_is_refused() {
    let bench = Bench::new().await;
    let open = json!({ "field": "state", "operator": "=", "value": "open" });
    let group = |inner: &Value| json!({ "operator": "AND", "value": [inner] });
    for (body, want) in [
        (json!({}), "400 parameter_not_found"),
        (json!({ "query": { "operator": "=", "value": "open" } }), "400 parameter_not_found"),
        (json!({ "query": { "field": "mood", "operator": "=", "value": "open" } }), "400 parameter_invalid"),
        (json!({ "query": { "field": "state", "operator": ">", "value": "open" } }), "400 parameter_invalid"),
        (json!({ "query": { "field": "state", "operator": "=", "value": ["open"] } }), "400 parameter_invalid"),
        (json!({ "query": { "field": "updated_at", "operator": ">", "value": "noon" } }), "400 parameter_invalid"),
        (json!({ "query": group(&group(&group(&open))) }), "400 parameter_invalid"),
        (json!({ "query": { "operator": "OR", "value": vec![open.clone(); 16] } }), "400 parameter_invalid"),
        (json!({ "query": open, "pagination": { "per_page": 151 } }), "400 parameter_invalid"),
        (json!({ "query": open, "pagination": { "starting_after": "page two" } }), "400 client_error"),
        (json!({ "query": open, "sort": { "field": "updated_at", "order": "asc" } }), "400 parameter_invalid"),
        (json!({ "query": group(&group(&open)), "pagination": { "per_page": 150 } }), "200 "),
    ] {
        assert_eq!(codes(&bench.post("/conversations/search", &body).await), want, "{body}");
    }
}

#[tokio::test]
async fn the_attributes_of_conversations_stand_where_the_version_has_them() {
    let bench = Bench::new().await;
    bench.fake.change_workspace(|workspace| workspace.archived_attributes.push("topic".to_owned()));
    let (apart, old) = ("/conversations/attributes", "/data_attributes?model=conversation");
    for (version, path, want) in [
        ("2.16", apart, "200 "),
        ("2.16", old, "422 parameter_invalid"),
        ("2.15", apart, "404 not_found"),
        ("2.15", old, "200 "),
    ] {
        let request = bench.client.get(format!("{}{path}", bench.fake.url()));
        let request = request.bearer_auth(Workspace::default().token).header("Accept", "application/json");
        let answer = told(request.header("Intercom-Version", version).send().await.unwrap()).await;
        assert_eq!(codes(&answer), want, "{version} {path}");
        if let Some(listed) = answer.1["data"].as_array() {
            assert!(listed.iter().all(|it| it["name"] != "topic"), "archived ones are listed on request only");
        }
    }
    let all = bench.get(&format!("{apart}?include_archived=true")).await.1;
    let topic = all["data"].as_array().unwrap().iter().find(|it| it["name"] == "topic").unwrap().clone();
    assert_eq!((&topic["archived"], &topic["data_type"]), (&json!(true), &json!("list")));
    assert_eq!(topic["options"][0]["label"], "Billing");
}
