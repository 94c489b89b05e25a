//! Tells Intercom's notifications from anybody else's.
//!
//! Owns: `X-Hub-Signature`, an HMAC-SHA1 of the body exactly as it arrived, keyed with the app's client secret.
//! Refuses: reading the body. Only [`Secrets::verify`] makes a [`Verified`], so nothing unsigned is ever parsed.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;

use crate::sabotage::{Bug, planted};

/// Length of an HMAC-SHA1, in bytes.
const LENGTH: usize = 20;

/// A body that carried a good signature, byte for byte.
#[derive(Clone)]
pub struct Verified(Bytes);

impl Verified {
    /// The bytes that were signed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes that were signed.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({} bytes)", self.0.len())
    }
}

/// Why a request does not count as Intercom's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no `X-Hub-Signature`.
    #[error("there is no X-Hub-Signature header")]
    Missing,
    /// There is more than one, so that it is unclear which one to believe.
    #[error("there is more than one X-Hub-Signature header")]
    Repeated,
    /// It is not `sha1=` and 40 hexadecimal digits.
    #[error("the X-Hub-Signature header is not `sha1=` and 40 hexadecimal digits")]
    Malformed,
    /// It was made with another secret, or for another body.
    #[error("the signature does not fit: compare INTERCOM_CLIENT_SECRET with the app's client secret")]
    Wrong,
}

/// The client secrets that are accepted, ready for checking. Several of them let a secret be changed without a gap.
/// Clones share them.
#[derive(Clone)]
pub struct Secrets(Arc<RwLock<Arc<[Hmac<Sha1>]>>>);

impl Secrets {
    /// Blank lines are left out: with an empty key anybody could sign. Without any secret nothing is accepted.
    pub fn new<'a>(lines: impl IntoIterator<Item = &'a SecretString>) -> Secrets {
        Secrets(Arc::new(RwLock::new(ready(lines))))
    }

    /// Accepts these from now on, and no others.
    pub fn replace<'a>(&self, lines: impl IntoIterator<Item = &'a SecretString>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = ready(lines);
    }

    fn current(&self) -> Arc<[Hmac<Sha1>]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Checks `raw` against the values of all its `X-Hub-Signature` headers, of which there must be exactly one.
    pub fn verify<'h>(
        &self,
        mut header_values: impl Iterator<Item = &'h [u8]>,
        raw: Bytes,
    ) -> Result<Verified, SignatureError> {
        let value = header_values.next().ok_or(SignatureError::Missing)?;
        if header_values.next().is_some() && !planted(Bug::BelievesTheFirstSignature) {
            return Err(SignatureError::Repeated);
        }
        let signature = decode(value).ok_or(SignatureError::Malformed)?;
        if self.current().iter().any(|state| fits(state, &raw, &signature)) {
            Ok(Verified(raw))
        } else {
            Err(SignatureError::Wrong)
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} of them)", self.current().len())
    }
}

/// The value of `X-Hub-Signature` for a body: what Intercom sends, for the fake one.
pub fn sign(secret: &SecretString, body: &[u8]) -> String {
    let state = keyed(secret.expose_secret().as_bytes()).chain_update(body);
    format!("sha1={}", hex::encode(state.finalize().into_bytes()))
}

fn ready<'a>(lines: impl IntoIterator<Item = &'a SecretString>) -> Arc<[Hmac<Sha1>]> {
    let secrets = lines.into_iter().map(|line| line.expose_secret().trim()).filter(|secret| !secret.is_empty());
    secrets.map(|secret| keyed(secret.as_bytes())).collect()
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn keyed(secret: &[u8]) -> Hmac<Sha1> {
    Hmac::new_from_slice(secret).expect("HMAC takes a key of any length")
}

fn decode(value: &[u8]) -> Option<[u8; LENGTH]> {
    let mut signature = [0; LENGTH];
    hex::decode_to_slice(value.strip_prefix(b"sha1=")?, &mut signature).ok()?;
    Some(signature)
}

/// In constant time, so that a signature cannot be guessed byte by byte.
fn fits(state: &Hmac<Sha1>, raw: &[u8], signature: &[u8; LENGTH]) -> bool {
    if planted(Bug::ComparesAPrefix) {
        return state.clone().chain_update(raw).verify_truncated_left(&signature[..2]).is_ok();
    }
    state.clone().chain_update(raw).verify_slice(signature).is_ok()
}

/// A body with a good signature, for tests of what comes after.
#[cfg(test)]
pub(crate) fn verified(body: impl Into<Bytes>) -> Verified {
    Verified(body.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"topic":"ping"}"#;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    fn check(secrets: &[&str], headers: &[&str], body: &'static [u8]) -> Result<Verified, SignatureError> {
        let secrets: Vec<_> = secrets.iter().map(|text| secret(text)).collect();
        Secrets::new(&secrets).verify(headers.iter().map(|value| value.as_bytes()), Bytes::from_static(body))
    }

    #[test]
    fn signing_agrees_with_the_published_test_vector() {
        let signature = sign(&secret("Jefe"), b"what do ya want for nothing?");
        assert_eq!(signature, "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }

    #[test]
    fn what_is_no_json_is_refused_unsigned_too() {
        assert!(matches!(check(&["one"], &[], b"no json"), Err(SignatureError::Missing)));
        let good = sign(&secret("one"), b"no json");
        assert!(check(&["one"], &[&good], b"no json").is_ok());
    }

    #[test]
    fn exactly_one_well_formed_header_with_the_right_digits_is_accepted() {
        let good = sign(&secret("one"), BODY);
        let digits = good.strip_prefix("sha1=").unwrap();
        let mut altered = digits.to_owned();
        altered.replace_range(0..1, if digits.starts_with('0') { "1" } else { "0" });
        let cases: [(&str, Vec<String>, Result<(), SignatureError>); 15] = [
            ("as sent", vec![good.clone()], Ok(())),
            ("upper-case digits", vec![format!("sha1={}", digits.to_uppercase())], Ok(())),
            ("no header", vec![], Err(SignatureError::Missing)),
            ("twice the same", vec![good.clone(), good.clone()], Err(SignatureError::Repeated)),
            ("a good one after a bad one", vec!["sha1=".into(), good.clone()], Err(SignatureError::Repeated)),
            ("empty", vec![String::new()], Err(SignatureError::Malformed)),
            ("without prefix", vec![digits.to_owned()], Err(SignatureError::Malformed)),
            ("upper-case prefix", vec![format!("SHA1={digits}")], Err(SignatureError::Malformed)),
            ("another algorithm", vec![format!("sha256={digits}")], Err(SignatureError::Malformed)),
            ("too short", vec![format!("sha1={}", &digits[..38])], Err(SignatureError::Malformed)),
            ("too long", vec![format!("{good}00")], Err(SignatureError::Malformed)),
            ("odd number of digits", vec![format!("{good}0")], Err(SignatureError::Malformed)),
            ("not hexadecimal", vec![format!("sha1=g{}", &digits[1..])], Err(SignatureError::Malformed)),
            ("white space behind", vec![format!("{good} ")], Err(SignatureError::Malformed)),
            ("one digit altered", vec![format!("sha1={altered}")], Err(SignatureError::Wrong)),
        ];
        for (name, headers, want) in cases {
            let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
            assert_eq!(check(&["one"], &headers, BODY).map(|_| ()), want, "{name}");
        }
    }

    #[test]
    fn any_of_several_secrets_will_do_and_no_other() {
        let by_new = sign(&secret("new"), BODY);
        assert!(check(&["old", "new"], &[&by_new], BODY).is_ok());
        assert_eq!(check(&["old"], &[&by_new], BODY).err(), Some(SignatureError::Wrong));
        assert_eq!(check(&["new"], &[&by_new], b"{}").err(), Some(SignatureError::Wrong));
    }

    #[test]
    fn what_is_replaced_is_accepted_no_more_by_any_clone() {
        let secrets = Secrets::new(&[secret("old")]);
        let shared = secrets.clone();
        secrets.replace(&[secret("new")]);
        for (text, want) in [("old", Some(SignatureError::Wrong)), ("new", None)] {
            let signature = sign(&secret(text), BODY);
            let checked = shared.verify([signature.as_bytes()].into_iter(), Bytes::from_static(BODY));
            assert_eq!(checked.err(), want, "{text}");
        }
    }

    #[test]
    fn an_empty_secret_accepts_nothing() {
        let by_nobody = sign(&secret(""), BODY);
        assert_eq!(check(&["", "  "], &[&by_nobody], BODY).err(), Some(SignatureError::Wrong));
        assert_eq!(check(&[], &[&by_nobody], BODY).err(), Some(SignatureError::Wrong));
    }

    #[test]
    fn the_bytes_come_out_as_they_went_in() {
        let odd: &[u8] = b"\xff\x00 not json";
        let verified = check(&["one"], &[&sign(&secret("one"), odd)], odd).unwrap();
        assert_eq!(verified.as_bytes(), odd);
        assert_eq!(verified.into_bytes(), odd);
    }

    #[test]
    fn debug_shows_neither_secrets_nor_bodies() {
        let secrets = Secrets::new(&[secret("hunter2")]);
        assert_eq!(format!("{secrets:?}"), "Secrets(1 of them)");
        assert_eq!(format!("{:?}", verified(BODY)), "Verified(16 bytes)");
    }
}
