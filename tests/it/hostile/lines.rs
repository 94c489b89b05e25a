//! Requests of which two readers could make different ones. Whatever stands in front of the daemon, one message is one
//! request here or none, and a second one in it is never found.

use super::peer::{post, signature};
use super::*;

/// A signed notification in the place where a careless reader would look for the next request.
fn hidden() -> Vec<u8> {
    let body = reply(66, "smuggled").to_string();
    post(&[signature(CLIENT_SECRET, body.as_bytes()).as_bytes()], body.as_bytes())
}

/// The lines of the head behind the host, and what comes after it.
fn ambiguous() -> Vec<(&'static str, String, Vec<u8>)> {
    let hidden = hidden();
    let length = hidden.len();
    let ends = [b"0\r\n\r\n".as_slice(), &hidden].concat();
    let case = |name, lines: &str, body: &[u8]| (name, lines.to_owned(), body.to_vec());
    vec![
        case("two lengths that differ", &format!("content-length: 0\r\ncontent-length: {length}\r\n"), &hidden),
        case("two lengths in one", &format!("content-length: 0, {length}\r\n"), &hidden),
        case("length, then chunked", "content-length: 5\r\ntransfer-encoding: chunked\r\n", &ends),
        case("chunked, then length", "transfer-encoding: chunked\r\ncontent-length: 5\r\n", &ends),
        case("chunked is not last", "transfer-encoding: chunked, identity\r\n", &ends),
        case("another word for chunked", "transfer-encoding: xchunked\r\n", &ends),
        case("a space before the colon", "transfer-encoding : chunked\r\n", &ends),
        case("a folded encoding", "transfer-encoding:\r\n chunked\r\n", &ends),
        case("a vertical tab", "transfer-encoding: \x0bchunked\r\n", &ends),
        case("a sign before the length", "content-length: +0\r\n", &hidden),
        case("a minus before the length", "content-length: -1\r\n", &hidden),
        case("a length in sixteens", "content-length: 0x0\r\n", &hidden),
        case("a length without end", &format!("content-length: {}\r\n", "9".repeat(30)), &hidden),
        case(
            "a chunk's size with a sign",
            "transfer-encoding: chunked\r\n",
            &[b"+0\r\n\r\n".as_slice(), &hidden].concat(),
        ),
        case(
            "a chunk's size in sixteens",
            "transfer-encoding: chunked\r\n",
            &[b"0x0\r\n\r\n".as_slice(), &hidden].concat(),
        ),
        case(
            "a chunk's size without end",
            "transfer-encoding: chunked\r\n",
            &[b"fffffffffffffffff\r\n".as_slice(), &hidden].concat(),
        ),
        case(
            "a chunk that ends elsewhere",
            "transfer-encoding: chunked\r\n",
            &[b"1\r\nxx\r\n0\r\n\r\n".as_slice(), &hidden].concat(),
        ),
        case("a bare CR between lines", "x: y\rcontent-length: 0\r\n", &hidden),
        case(
            "an extension of 1 MiB",
            "transfer-encoding: chunked\r\n",
            &[b"0;".as_slice(), &vec![b'x'; 1 << 20], b"\r\n\r\n", &hidden].concat(),
        ),
    ]
}

#[tokio::test]
async fn in_an_ambiguous_message_no_second_request_is_found() {
    let house = house().await;
    for (name, lines, body) in ambiguous() {
        let head = format!("POST /webhooks/intercom HTTP/1.1\r\nhost: example.com\r\n{lines}\r\n");
        let mut peer = peer(&house).await;
        peer.send(&[head.as_bytes(), &body].concat()).await;
        let answers = peer.answers_until_the_end().await;
        assert!(answers.len() <= 1 && !answers.contains(&200), "{name}: {answers:?}");
        assert_eq!(stored(&house).await, Vec::<String>::new(), "{name}");
    }
    takes_the_next(&house, 1).await;
}

/// What two readers agree on is taken as it is, and so are two requests that are two.
#[tokio::test]
async fn what_is_odd_and_clear_is_answered_once_each() {
    let house = house().await;
    let body = reply(7, "n7").to_string();
    let (line, length) = (signature(CLIENT_SECRET, body.as_bytes()), body.len());
    let close = "connection: close\r\n";
    let post = |first: &str, lines: &str| format!("{first}\r\nhost: example.com\r\n{line}\r\n{close}{lines}\r\n{body}");
    let chunks = format!("{length:x};name=\"value\"\r\n{body}\r\n0;last\r\nx-trailer: 1\r\n\r\n");
    let encoded = format!(
        "POST /webhooks/intercom HTTP/1.1\r\nhost: example.com\r\n{line}\r\n{close}transfer-encoding: chunked\r\n\r\n{chunks}"
    );
    let declared = format!("content-length: {length}\r\n");
    let many = "x-many: 1\r\n".repeat(200);
    let long = format!("x-long: {}\r\n", "x".repeat(64 * 1024));
    let webhook = "POST /webhooks/intercom HTTP/1.1";
    let cases: Vec<(&str, String, &[u16])> = vec![
        ("chunks with extensions", encoded, &[200]),
        ("a length twice, the same", post(webhook, &format!("{declared}{declared}")), &[200]),
        ("an absolute address", post("POST http://example.com/webhooks/intercom HTTP/1.1", &declared), &[200]),
        ("an absolute address elsewhere", post("POST http://example.org/ HTTP/1.1", &declared), &[404]),
        ("lines that end in LF", post(webhook, &declared).replace("\r\n", "\n"), &[200]),
        (
            "an upgrade to HTTP/2",
            post(webhook, &format!("upgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n{declared}")),
            &[200],
        ),
        (
            "an upgrade to a web socket",
            post(webhook, &format!("upgrade: websocket\r\nsec-websocket-key: eA==\r\n{declared}")),
            &[200],
        ),
        ("HTTP/1.0", post("POST /webhooks/intercom HTTP/1.0", &declared), &[200]),
        ("HTTP/3.0", post("POST /webhooks/intercom HTTP/3.0", &declared), &[400]),
        ("200 headers", post(webhook, &format!("{many}{declared}")), &[431]),
        ("a header of 64 KiB", post(webhook, &format!("{long}{declared}")), &[431]),
        ("an address of 64 KiB", post(&format!("POST /{} HTTP/1.1", "x".repeat(64 * 1024)), &declared), &[431]),
        ("every path at once", post("OPTIONS * HTTP/1.1", "content-length: 0\r\n"), &[404]),
        ("a tunnel", post("CONNECT example.com:443 HTTP/1.1", ""), &[404]),
        ("a method of its own", post("BREW /webhooks/intercom HTTP/1.1", &declared), &[405]),
        ("a method in small letters", post("post /webhooks/intercom HTTP/1.1", &declared), &[405]),
        ("a method without end", post(&format!("{} / HTTP/1.1", "X".repeat(20_000)), ""), &[404]),
        ("no address", post("POST HTTP/1.1", &declared), &[400]),
        ("a space in the address", post("POST /webhooks/intercom /x HTTP/1.1", &declared), &[400]),
        ("a NUL in the address", post("POST /webhooks/\0intercom HTTP/1.1", &declared), &[400]),
    ];
    let mut told = Vec::new();
    for (name, request, want) in cases {
        let mut peer = peer(&house).await;
        peer.send(request.as_bytes()).await;
        let answers = peer.answers_until_the_end().await;
        if answers != want {
            told.push(format!("{name}: {answers:?} and not {want:?}"));
        }
    }
    assert_eq!(told, Vec::<String>::new());
    assert_eq!(stored(&house).await, ["n7"], "the same notification each time");
}
