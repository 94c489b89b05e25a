//! What goes wrong on order, and what slips in between.

use super::*;

/// What the client sees of a close: its status and whether the body was whole, or no answer at all.
async fn seen_of_a_close(bench: &Bench, id: &ConversationId) -> String {
    let body = json!({ "message_type": "close", "type": "admin", "admin_id": "1009" });
    let request = bench.request("POST", &format!("/conversations/{id}/parts")).json(&body);
    let Ok(answer) = request.send().await else { return "no answer".to_owned() };
    let status = answer.status().as_u16();
    match answer.bytes().await {
        Err(_) => format!("{status} broken off"),
        Ok(bytes) => match serde_json::from_slice::<Value>(&bytes) {
            Err(_) => format!("{status} no JSON"),
            Ok(told) if told["id"] != json!(id.as_str()) => format!("{status} id {}", told["id"]),
            Ok(told) => format!("{status} {} {}", text(&told["state"]), told["statistics"].is_null()),
        },
    }
}

#[tokio::test]
async fn each_fault_does_what_its_name_says_and_only_once() {
    let odd = Fault::Status { status: 403, body: r#"{"id":7}"#.to_owned() };
    for (fault, seen, state) in [
        (odd, "403 id 7", "open"),
        (Fault::Drop, "no answer", "open"),
        (Fault::ApplyThenDrop, "no answer", "closed"),
        (Fault::ApplyThenStatus(500), "500 no JSON", "closed"),
        (Fault::Garbage200, "200 no JSON", "open"),
        (Fault::Truncated, "200 broken off", "closed"),
        (Fault::WrongId, "200 id \"1\"", "closed"),
        (Fault::WrongState, "200 open false", "closed"),
        (Fault::HideContactTime, "200 closed true", "closed"),
        (Fault::Html502, "502 no JSON", "open"),
        (Fault::HugeBody, "200 closed false", "closed"),
        (Fault::RateLimited { reset: RateReset::Missing }, "429 id null", "open"),
    ] {
        let bench = Bench::new().await;
        let id = bench.fake.contact_starts("Hello");
        bench.fake.fault(Endpoint::Parts, fault.clone());
        assert_eq!(seen_of_a_close(&bench, &id).await, seen, "{fault:?}");
        assert_eq!(bench.state(&id), state, "{fault:?}");
        assert_eq!(bench.fake.calls()[0].status.is_none(), seen == "no answer", "{fault:?}");
        assert_eq!(seen_of_a_close(&bench, &id).await, "200 closed false", "after {fault:?}");
    }
}

#[tokio::test]
async fn a_huge_body_is_good_json_of_more_than_8_mib() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    bench.fake.fault(Endpoint::Conversation, Fault::HugeBody);
    let answer = bench.request("GET", &format!("/conversations/{id}")).send().await.unwrap();
    assert!(answer.bytes().await.unwrap().len() > 8 * 1024 * 1024);
}

#[tokio::test]
async fn a_hanging_call_is_recorded_and_ends_with_the_fake() {
    for (fault, state) in [(Fault::Hang, "open"), (Fault::ApplyThenHang, "closed")] {
        let bench = Bench::new().await;
        let id = bench.fake.contact_starts("Hello");
        bench.fake.fault(Endpoint::Close, fault);
        let other = bench.fake.clone();
        let stop = async {
            while other.calls().is_empty() || other.state_of(&id) != state {
                tokio::task::yield_now().await;
            }
            other.stop();
        };
        let (seen, ()) = tokio::join!(seen_of_a_close(&bench, &id), stop);
        assert_eq!((seen.as_str(), bench.state(&id)), ("no answer", state));
        assert_eq!(bench.fake.calls()[0].status, None);
    }
}

impl FakeIntercom {
    fn state_of(&self, id: &ConversationId) -> &'static str {
        self.conversation(id).map_or("gone", |seen| seen.state)
    }
}

#[tokio::test]
async fn a_late_deed_is_done_when_its_time_has_come_and_as_of_then() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    bench.fake.fault(Endpoint::Close, Fault::Late(jiff::SignedDuration::from_secs(90)));
    assert_eq!(seen_of_a_close(&bench, &id).await, "no answer");
    for (more, state) in [(89, "open"), (11, "closed")] {
        bench.advance(more);
        assert_eq!(bench.get("/me").await.0, 200);
        assert_eq!(bench.state(&id), state);
    }
    assert_eq!(bench.fake.conversation(&id).unwrap().updated_at.as_second(), NOON + 90);
}

#[tokio::test]
async fn a_fault_can_last_until_it_is_cleared() {
    let bench = Bench::new().await;
    bench.fake.fault_always(Endpoint::Any, Fault::Html502);
    for want in [502, 502] {
        assert_eq!(bench.get("/me").await.0, want);
    }
    bench.fake.clear_faults();
    assert_eq!(bench.get("/me").await.0, 200);
}

#[tokio::test]
async fn a_refusal_for_speed_says_when_to_come_again() {
    for (reset, want) in [
        (RateReset::InSeconds(7), Some((NOON + 7).to_string())),
        (RateReset::InSeconds(-5), Some((NOON - 5).to_string())),
        (RateReset::Text("soon".to_owned()), Some("soon".to_owned())),
        (RateReset::Missing, None),
    ] {
        let bench = Bench::new().await;
        bench.fake.fault(Endpoint::Me, Fault::RateLimited { reset });
        let answer = bench.request("GET", "/me").send().await.unwrap();
        let header = answer.headers().get("x-ratelimit-reset").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!((answer.status().as_u16(), header), (429, want));
    }
}

#[tokio::test]
async fn a_redirect_names_its_target() {
    let bench = Bench::new().await;
    bench.fake.fault(Endpoint::Me, Fault::Redirect("http://127.0.0.1:9/me".to_owned()));
    let answer = bench.request("GET", "/me").send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (307, &"http://127.0.0.1:9/me".parse().unwrap())
    );
}

#[tokio::test]
async fn a_contact_can_slip_in_before_or_right_after_a_close() {
    let bench = Bench::new().await;
    let (first, second) = (bench.fake.contact_starts("one"), bench.fake.contact_starts("two"));
    bench.advance(60);
    let id = first.clone();
    bench.fake.before_answer(Endpoint::Close, move |fake| {
        fake.contact_replies(&id, "Wait");
    });
    let (_, told) = bench.close(&first).await;
    assert_eq!((&told["state"], bench.kinds(&first)), (&json!("closed"), vec!["comment", "close"]));
    assert_eq!(told["statistics"]["last_contact_reply_at"], NOON + 60);

    let id = second.clone();
    bench.fake.after_apply(Endpoint::Close, move |fake| {
        fake.contact_replies(&id, "Wait");
    });
    let (_, told) = bench.close(&second).await;
    assert_eq!((&told["state"], bench.kinds(&second)), (&json!("open"), vec!["close", "open"]));
    assert_eq!(told["conversation_parts"]["conversation_parts"][0]["part_type"], "close");
    assert_eq!(told["statistics"]["last_contact_reply_at"], NOON + 60);
}

#[tokio::test]
async fn own_deeds_come_back_as_asked_for() {
    let closed = "conversation.admin.closed [close]";
    for (echo, want) in [
        (Echo::AfterAnswer, vec![closed]),
        (Echo::BeforeAnswer, vec![closed]),
        (Echo::Never, vec![]),
        (Echo::Twice, vec![closed, closed]),
    ] {
        let bench = Bench::new().await;
        let id = bench.fake.contact_starts("Hello");
        bench.news().await;
        bench.fake.echo(echo);
        bench.close(&id).await;
        if echo == Echo::BeforeAnswer {
            assert_eq!(bench.fake.notifications().len(), 2, "delivered before the answer");
        }
        assert_eq!(bench.news().await, want, "{echo:?}");
        let sent = bench.fake.notifications();
        assert_eq!(sent.iter().filter(|it| it.id == sent[sent.len() - 1].id).count(), want.len().max(1));
    }
}

#[tokio::test]
async fn a_dropped_notification_never_comes_and_a_resent_one_is_the_same() {
    let bench = Bench::new().await;
    let id = bench.fake.contact_starts("Hello");
    bench.news().await;
    bench.fake.drop_notifications(true);
    bench.fake.contact_replies(&id, "Anybody?");
    bench.close(&id).await;
    bench.fake.drop_notifications(false);
    assert_eq!(bench.news().await, Vec::<String>::new());
    bench.fake.resend(&bench.fake.notifications()[0]);
    assert_eq!(bench.news().await, ["conversation.user.created []"]);
    let sent = bench.fake.notifications();
    assert_eq!(sent[0], sent[1]);
}

#[tokio::test]
async fn an_unreachable_webhook_does_not_hold_up_anything() {
    let bench = Bench::new().await;
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    bench.fake.send_notifications_to(&format!("http://{address}/"), SECRET);
    bench.fake.contact_starts("Hello");
    bench.fake.settle().await;
    assert_eq!(bench.fake.notifications()[0].status, None);
}

#[tokio::test]
async fn it_stops_with_its_last_handle() {
    let bench = Bench::new().await;
    let Bench { fake, client, .. } = bench;
    let (url, other, stop) = (format!("{}/me", fake.url()), fake.clone(), fake.inner.stop.clone());
    drop(fake);
    assert_eq!(client.get(&url).send().await.unwrap().status(), 401);
    drop(other);
    assert!(stop.is_cancelled());
}

#[tokio::test]
async fn a_revoked_token_is_refused_from_then_on() {
    let bench = Bench::new().await;
    assert_eq!(bench.get("/me").await.0, 200);
    bench.fake.change_workspace(|workspace| workspace.token = "another".to_owned());
    assert_eq!(codes(&bench.get("/me").await), "401 unauthorized");
    let answered: Vec<_> = bench.fake.calls().iter().map(|call| (call.endpoint, call.status)).collect();
    assert_eq!(answered, [(Endpoint::Me, Some(200)), (Endpoint::Me, Some(401))]);
}
