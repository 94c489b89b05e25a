//! How often memory is allocated for one notification: counted, so that no busy machine changes the figure.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use allocation_counter::{AllocationInfo, measure};
use autoclosed::config;
use autoclosed::intercom::lens::Lens;
use autoclosed::intercom::text::TextKey;
use autoclosed::intercom::{notification, signature};
use autoclosed::receiver;
use autoclosed::store::{Record, Told};
use axum::body::Bytes;
use secrecy::SecretString;

const RULES: &str = r#"
[[rule]]
name = "quiet"
match_all = true
step = [{ after = "1 day", do = "close", body = "Closing this for now." }]
"#;

const NOTIFICATION: &str = include_str!("it/payloads/v2.conversation.user.replied.json");

fn rules() -> autoclosed::engine::RuleSet {
    config::parse("a.toml", RULES.as_bytes()).unwrap().config.rules
}

/// A notification whose message is so many bytes of text.
fn saying(bytes: usize) -> Bytes {
    let text = "Where do I find my invoices of last year? ".repeat(bytes / 42 + 1);
    let said = NOTIFICATION.replacen("\"body\": \"\"", &format!("\"body\": \"<p>{}</p>\"", &text[..bytes]), 1);
    assert_eq!(said.len(), NOTIFICATION.len() + bytes + 7);
    Bytes::from(said)
}

/// What it takes from the bytes that arrived to what the store is given.
fn receiving(raw: &Bytes) -> AllocationInfo {
    let secret = SecretString::from("secret");
    let secrets = signature::Secrets::new([&secret]);
    let header = signature::sign(&secret, raw);
    let lens = Lens::new(TextKey::new(&[7; 32]));
    lens.go_by(&rules());
    let receive = || {
        let verified = secrets.verify([header.as_bytes()].into_iter(), raw.clone()).unwrap();
        receiver::record(notification::parse(&verified, &lens), verified)
    };
    // What is made once in a program's life is made by now.
    assert!(matches!(receive(), Record::Notified { told: Told::Conversation(_), .. }));
    measure(|| drop(receive()))
}

#[test]
fn a_notification_takes_few_allocations_however_long_its_message() {
    // Measured: 28 allocations of 3,375 bytes. A tenth more is allowed.
    const TIMES: u64 = 30;
    const BYTES: u64 = 3_712;
    let usual = receiving(&saying(4096 - NOTIFICATION.len() - 7));
    let (times, bytes) = (usual.count_total, usual.bytes_total);
    assert!(times <= TIMES, "a notification of 4 kB: {times} allocations; allowed are {TIMES}");
    assert!(bytes <= BYTES, "a notification of 4 kB: {bytes} bytes allocated; allowed are {BYTES}");
    for length in [4_000, 40_000, 400_000] {
        let long = receiving(&saying(length)).count_total;
        assert!(long <= times, "a message of {length} bytes: {long} allocations; allowed are {times}, as for 4 kB");
    }
}
