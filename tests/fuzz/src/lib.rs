//! What each fuzz target does with its bytes. `fuzz_targets/` hands them to `libFuzzer`, and `tests/it/fuzz.rs` plays the
//! committed corpus through them on every `cargo test`.
//!
//! A target takes any bytes, holds more against them than that nothing panics, and fails by panicking. It is a function
//! of its bytes alone. Inputs are text wherever that is possible, so that a found one can be read and a new one written
//! by hand.

pub mod answer;
pub mod configuration;
pub mod decide;
pub mod headers;
pub mod notification;
mod seen;
pub mod signature;
pub mod template;
pub mod times;

/// Takes any bytes, and panics where they break what it holds.
pub type Target = fn(&[u8]);

/// Every target with its name, which is that of its corpus too.
pub const TARGETS: [(&str, Target); 8] = [
    ("signature", signature::target),
    ("notification", notification::target),
    ("answer", answer::target),
    ("headers", headers::target),
    ("configuration", configuration::target),
    ("times", times::target),
    ("template", template::target),
    ("decide", decide::target),
];

/// What is before `mark` and what is behind it; all of it and nothing where there is none.
fn halves<'a>(data: &'a [u8], mark: &[u8]) -> (&'a [u8], &'a [u8]) {
    match data.windows(mark.len()).position(|window| window == mark) {
        Some(at) => (&data[..at], &data[at + mark.len()..]),
        None => (data, &[]),
    }
}

/// The pieces between the `marks`.
fn pieces<'a>(mut data: &'a [u8], mark: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while data.windows(mark.len()).any(|window| window == mark) {
        let (piece, rest) = halves(data, mark);
        pieces.push(piece);
        data = rest;
    }
    pieces.push(data);
    pieces
}

/// `text` as TOML writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => quoted.extend(format!("\\u{:04x}", u32::from(c)).chars()),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// Whether a text may be told on one line of a terminal or a log.
fn is_plain(text: &str) -> bool {
    !text.chars().any(char::is_control)
}
