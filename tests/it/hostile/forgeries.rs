//! Requests that nobody at Intercom has signed, each with the answer that it gets. Made from a good notification, so
//! that each lacks one thing only.

use autoclosed::fake_intercom::Workspace;
use autoclosed::intercom::signature::sign;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::peer::{chunked, post, request};

pub(crate) struct Forgery {
    pub(crate) name: String,
    pub(crate) want: u16,
    pub(crate) request: Vec<u8>,
}

fn forgery(name: impl Into<String>, want: u16, request: Vec<u8>) -> Forgery {
    Forgery { name: name.into(), want, request }
}

/// All of them, for this body.
pub(crate) fn forgeries(secret: &str, body: &[u8]) -> Vec<Forgery> {
    let good = sign(&secret.into(), body);
    let mut all = headers(&good, secret, body);
    all.extend(altered(&good, body));
    all.extend(bodies(&good, body));
    all.extend(frames(&good, body));
    all
}

fn sha256(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// The signature is somebody else's, of something else, somewhere else, or none.
fn headers(good: &str, secret: &str, body: &[u8]) -> Vec<Forgery> {
    let digits = good.strip_prefix("sha1=").unwrap();
    let (of_token, of_another) = (Workspace::default().token, sign(&"another".into(), body));
    let sha256 = sha256(secret, body);
    let line = |value: &str| format!("X-Hub-Signature: {value}");
    let cases: Vec<(&str, Vec<String>)> = vec![
        ("none", vec![]),
        ("empty", vec![line("")]),
        ("the prefix alone", vec![line("sha1=")]),
        ("digits alone", vec![line(digits)]),
        ("the prefix in capitals", vec![line(&format!("SHA1={digits}"))]),
        ("a space behind the prefix", vec![line(&format!("sha1= {digits}"))]),
        ("in quotes", vec![line(&format!("\"{good}\""))]),
        ("two in one", vec![line(&format!("{good}, {good}"))]),
        ("twice the same", vec![line(good), line(good)]),
        ("a good one before a bad one", vec![line(good), line(&of_another)]),
        ("a good one behind a bad one", vec![line(&of_another), line(good)]),
        ("a good one behind an empty one", vec![line(""), line(good)]),
        ("of another secret", vec![line(&of_another)]),
        ("of the access token", vec![line(&sign(&of_token.as_str().into(), body))]),
        ("of an empty secret", vec![line(&sign(&"".into(), body))]),
        ("of an empty body", vec![line(&sign(&secret.into(), b""))]),
        ("all zeros", vec![line(&format!("sha1={}", "0".repeat(40)))]),
        ("full-width digits", vec![line(&format!("sha1={}", "１".repeat(40)))]),
        ("not hexadecimal", vec![line(&format!("sha1=g{}", &digits[1..]))]),
        ("10 KiB of digits", vec![line(&format!("sha1={}", "a".repeat(10 * 1024)))]),
        ("SHA-256 in its place", vec![line(&format!("sha256={sha256}"))]),
        ("SHA-256 under the name of SHA-1", vec![line(&format!("sha1={sha256}"))]),
        ("SHA-256 alone", vec![format!("X-Hub-Signature-256: sha256={sha256}")]),
        ("SHA-1 under the name of the other", vec![format!("X-Hub-Signature-256: {good}")]),
        ("a good SHA-256 beside a bad SHA-1", vec![format!("X-Hub-Signature-256: sha256={sha256}"), line(&of_another)]),
        ("as other callbacks have it", vec![format!("X-Body-Signature: {sha256}")]),
        ("under another name", vec![format!("X-Hub-Signature2: {good}"), format!("X_Hub_Signature: {good}")]),
        ("as a password", vec![format!("Authorization: {good}")]),
        ("as a cookie", vec![format!("Cookie: X-Hub-Signature={good}")]),
    ];
    let made = cases.into_iter().map(|(name, lines)| {
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        forgery(name, 401, post(&lines, body))
    });
    made.collect()
}

/// The right signature but for one digit, or cut off somewhere.
fn altered(good: &str, body: &[u8]) -> Vec<Forgery> {
    let mut all = Vec::new();
    for at in "sha1=".len()..good.len() {
        let mut altered = good.as_bytes().to_vec();
        altered[at] = if altered[at] == b'0' { b'1' } else { b'0' };
        let line = [b"X-Hub-Signature: ".as_slice(), &altered].concat();
        all.push(forgery(format!("digit {at} altered"), 401, post(&[&line], body)));
        let line = format!("X-Hub-Signature: {}", &good[..at]);
        all.push(forgery(format!("cut at {at}"), 401, post(&[line.as_bytes()], body)));
    }
    for more in ["0", "00", " 0", ";", "\t\t,"] {
        let line = format!("X-Hub-Signature: {good}{more}");
        all.push(forgery(format!("with `{more}` behind it"), 401, post(&[line.as_bytes()], body)));
    }
    all
}

/// The signature is that of another body, if only by a byte.
fn bodies(good: &str, body: &[u8]) -> Vec<Forgery> {
    let line = format!("X-Hub-Signature: {good}");
    let mut flipped = body.to_vec();
    flipped[body.len() / 2] ^= 1;
    let cases: [(&str, Vec<u8>); 9] = [
        ("one bit flipped", flipped),
        ("the last byte missing", body[..body.len() - 1].to_vec()),
        ("a line end more", [body, b"\n"].concat()),
        ("a NUL more", [body, b"\0"].concat()),
        ("a byte order mark before it", [b"\xef\xbb\xbf", body].concat()),
        ("twice", [body, body].concat()),
        ("no body", Vec::new()),
        ("no JSON", b"{".to_vec()),
        ("JSON that is 100,000 deep", vec![b'['; 100_000]),
    ];
    cases.into_iter().map(|(name, body)| forgery(name, 401, post(&[line.as_bytes()], &body))).collect()
}

/// The signature is good, and the request is none that is taken.
fn frames(good: &str, body: &[u8]) -> Vec<Forgery> {
    let line = format!("X-Hub-Signature: {good}");
    let line = line.as_bytes();
    let bare = |first: &str| request(first, [line].into_iter(), b"");
    let expects = [line, b"expect: 100-continue", b"content-length: 3000000"];
    vec![
        forgery(
            "behind the body",
            401,
            chunked(&[b"trailer: X-Hub-Signature"], body, 4096, &format!("X-Hub-Signature: {good}\r\n")),
        ),
        forgery("other chunks", 401, chunked(&[line], &body[1..], 7, "")),
        forgery("gzip", 415, post(&[line, b"content-encoding: gzip"], body)),
        forgery(
            "identity, then gzip",
            415,
            post(&[line, b"content-encoding: identity", b"content-encoding: gzip"], body),
        ),
        forgery("an encoding without a name", 415, post(&[line, b"content-encoding:"], body)),
        forgery("a declared oversize", 413, post(&[line], &vec![b' '; (1 << 20) + 1])),
        forgery("a chunked oversize", 413, chunked(&[line], &vec![b' '; (1 << 20) + 1], 65_536, "")),
        forgery(
            "an oversize that asks first",
            413,
            request("POST /webhooks/intercom HTTP/1.1", expects.into_iter(), b""),
        ),
        forgery("GET", 405, bare("GET /webhooks/intercom HTTP/1.1")),
        forgery("another path", 404, bare("POST /webhooks/intercom/ HTTP/1.1")),
        forgery("a path that leads there", 404, bare("POST /x/../webhooks/intercom HTTP/1.1")),
        forgery("an escaped path", 404, bare("POST /webhooks%2Fintercom HTTP/1.1")),
        forgery("a NUL in the signature", 400, post(&[line, b"X-Hub-Signature: \0"], body)),
        forgery("folded", 400, post(&[b"X-Hub-Signature:", b" sha1=00"], body)),
        forgery("a space before the colon", 400, post(&[b"X-Hub-Signature : sha1=00"], body)),
    ]
}
