//! The header of a webhook: one good signature, alone, lets a body through, byte for byte.

use autoclosed::intercom::signature::{Secrets, SignatureError, sign};
use axum::body::Bytes;
use secrecy::SecretString;

/// Values of `X-Hub-Signature`, one a line, then an empty line, then the body. `$new` and `$old` stand for the digits
/// that fit, which no dice would find.
pub fn target(data: &[u8]) {
    let (head, body) = super::halves(data, b"\n\n");
    let [new, old] = ["only in tests, new", "only in tests, old"].map(|secret| SecretString::from(secret.to_owned()));
    let digits = |secret: &SecretString, body: &[u8]| sign(secret, body).split_off("sha1=".len());
    let (by_new, by_old) = (digits(&new, body), digits(&old, body));
    let lines = head.split(|byte| *byte == b'\n').filter(|_| !head.is_empty());
    let values: Vec<Vec<u8>> = lines.map(|line| filled(&filled(line, b"$new", &by_new), b"$old", &by_old)).collect();
    let verify = |secrets: &Secrets, body: &[u8]| {
        let verified = secrets.verify(values.iter().map(Vec::as_slice), Bytes::copy_from_slice(body));
        verified.map(autoclosed::intercom::signature::Verified::into_bytes)
    };

    let both = Secrets::new([&new, &old]);
    let told = expected(&values, &[&by_new, &by_old]);
    assert_eq!(verify(&both, body), told.map(|()| Bytes::copy_from_slice(body)), "with both secrets");
    let more = [body, b"\n"].concat();
    assert_eq!(verify(&both, &more).err(), told.err().or(Some(SignatureError::Wrong)), "one byte more");
    both.replace([&new]);
    assert_eq!(verify(&both, body).err(), expected(&values, &[&by_new]).err(), "with the old secret gone");
    assert!(verify(&Secrets::new([]), body).is_err(), "without a secret");
}

fn filled(line: &[u8], name: &[u8], digits: &str) -> Vec<u8> {
    match line.windows(name.len()).position(|window| window == name) {
        Some(at) => [&line[..at], digits.as_bytes(), &line[at + name.len()..]].concat(),
        None => line.to_vec(),
    }
}

/// The rule once more, as the documentation says it.
fn expected(values: &[Vec<u8>], digits: &[&String]) -> Result<(), SignatureError> {
    let value = match values {
        [] => return Err(SignatureError::Missing),
        [one] => one,
        _ => return Err(SignatureError::Repeated),
    };
    match value.strip_prefix(b"sha1=") {
        Some(given) if given.len() == 40 && given.iter().all(u8::is_ascii_hexdigit) => {
            let fits = digits.iter().any(|digits| given.eq_ignore_ascii_case(digits.as_bytes()));
            if fits { Ok(()) } else { Err(SignatureError::Wrong) }
        }
        _ => Err(SignatureError::Malformed),
    }
}
