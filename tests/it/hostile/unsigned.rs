//! Nothing that is not authentic changes a byte of the database; nothing that is authentic is turned away.

use autoclosed::sabotage::{Bug, plant};

use super::forgeries::forgeries;
use super::peer::{chunked, post, request, signature};
use super::*;

#[tokio::test]
async fn what_nobody_signed_is_refused_and_changes_not_one_byte() {
    let house = house().await;
    takes_the_next(&house, 1).await;
    let body = reply(2, "forged").to_string();
    let before = bytes(&house);
    for forgery in forgeries(CLIENT_SECRET, body.as_bytes()) {
        let answer = peer(&house).await.ask(&forgery.request).await;
        assert_eq!(answer.map(|answer| answer.status), Some(forgery.want), "{}", forgery.name);
        assert!(bytes(&house) == before, "{}: something was written", forgery.name);
    }
    takes_the_next(&house, 2).await;
    assert_eq!(house.intercom.calls().iter().filter(|call| call.path.contains("/conversations/2")).count(), 0);
}

#[tokio::test]
async fn refused_ones_that_were_read_to_their_end_leave_the_connection_as_it_was() {
    let house = house().await;
    let body = reply(2, "forged").to_string();
    let mut peer = peer(&house).await;
    let refused = forgeries(CLIENT_SECRET, body.as_bytes()).into_iter().filter(|forgery| forgery.want == 401);
    for (number, forgery) in refused.enumerate() {
        let answer = peer.ask(&forgery.request).await.unwrap();
        assert_eq!((answer.status, answer.closes, answer.body.as_str()), (401, false, ""), "{}", forgery.name);
        let key = format!("good-{number}");
        let next = reply(3, &key).to_string();
        let next = peer.ask(&super::peer::signed(CLIENT_SECRET, next.as_bytes())).await.unwrap();
        assert_eq!((next.status, next.body.as_str()), (200, ""), "after {}", forgery.name);
    }
}

#[tokio::test]
async fn every_way_to_send_the_same_good_notification_is_taken() {
    let house = house().await;
    let body = |name: &str| reply(5, &name.replace(' ', "-")).to_string();
    let line = |name: &str| signature(CLIENT_SECRET, body(name).as_bytes());
    let upper = |name: &str| line(name).replace("sha1=", "SHA1=").to_uppercase().replace("SHA1=", "sha1=");
    let cases: Vec<Way<'_>> = vec![
        ("plain", Box::new(|it| post(&[line(it).as_bytes()], body(it).as_bytes()))),
        ("in capitals", Box::new(|it| post(&[upper(it).as_bytes()], body(it).as_bytes()))),
        (
            "spaces round it",
            Box::new(|it| post(&[line(it).replace(": ", ": \t ").as_bytes(), b"x: y"], body(it).as_bytes())),
        ),
        ("spaces behind it", Box::new(|it| post(&[format!("{}  ", line(it)).as_bytes()], body(it).as_bytes()))),
        (
            "another one beside it",
            Box::new(|it| post(&[line(it).as_bytes(), b"X-Hub-Signature-256: sha256=00"], body(it).as_bytes())),
        ),
        ("in chunks of a byte", Box::new(|it| chunked(&[line(it).as_bytes()], body(it).as_bytes(), 1, ""))),
        (
            "a signature behind the body too",
            Box::new(|it| chunked(&[line(it).as_bytes()], body(it).as_bytes(), 99, "X-Hub-Signature: sha1=00\r\n")),
        ),
        ("it asks first", Box::new(|it| post(&[line(it).as_bytes(), b"expect: 100-continue"], body(it).as_bytes()))),
        (
            "identity twice",
            Box::new(|it| {
                post(
                    &[line(it).as_bytes(), b"content-encoding: identity", b"content-encoding: Identity"],
                    body(it).as_bytes(),
                )
            }),
        ),
        ("another type", Box::new(|it| post(&[line(it).as_bytes(), b"content-type: image/png"], body(it).as_bytes()))),
        (
            "a query",
            Box::new(|it| {
                let (line, length) = (line(it), format!("content-length: {}", body(it).len()));
                let lines = [line.as_bytes(), length.as_bytes()];
                request("POST /webhooks/intercom?a=/../%2e HTTP/1.1", lines.into_iter(), body(it).as_bytes())
            }),
        ),
    ];
    for (name, made) in &cases {
        let answer = peer(&house).await.ask(&made(name)).await;
        assert_eq!(answer.map(|answer| answer.status), Some(200), "{name}");
    }
    assert_eq!(stored(&house).await.len(), cases.len());
}

/// How it is sent under a name.
type Way<'a> = (&'a str, Box<dyn Fn(&str) -> Vec<u8> + 'a>);

/// With the safeguard taken away, how many of them are not answered as they should be, or change something.
async fn let_in(bug: Option<Bug>) -> usize {
    let house = house().await;
    let planted = bug.map(plant);
    let body = reply(2, "forged").to_string();
    let mut wrong = 0;
    for forgery in forgeries(CLIENT_SECRET, body.as_bytes()) {
        let before = bytes(&house);
        let answer = peer(&house).await.ask(&forgery.request).await;
        let refused = answer.is_some_and(|answer| answer.status == forgery.want);
        wrong += usize::from(!refused || bytes(&house) != before);
    }
    drop(planted);
    wrong
}

#[tokio::test]
async fn whoever_parses_before_it_verifies_is_caught() {
    assert!(let_in(Some(Bug::ParsesBeforeItVerifies)).await > 0);
}

#[tokio::test]
async fn whoever_compares_a_prefix_of_the_signature_is_caught() {
    assert!(let_in(Some(Bug::ComparesAPrefix)).await > 30);
}
