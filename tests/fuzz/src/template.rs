//! The texts of messages, and what becomes of hostile names in them.

use autoclosed::message::{self, TemplateError, Values};
use jiff::SignedDuration;
use jiff::tz::TimeZone;

/// No text is longer, whatever a template does with whatever names.
const LONGEST: usize = 1 << 20;

/// Between lines of `--`: a template, and perhaps the contact's first name and name, the conversation's title, and the
/// teammate's name.
pub fn target(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut pieces = text.split("\n--\n");
    let template = pieces.next().unwrap_or_default();
    let mut name = || pieces.next().map(str::to_owned);
    let names = [name(), name(), name(), name()];
    let hostile = || "<b onload=\"x\">&{{ rule }}'".to_owned();
    match message::check(template) {
        Ok(_) => {
            // As it was written, with every name hostile, and with none.
            for names in [&names, &std::array::from_fn(|_| Some(hostile())), &[None, None, None, None]] {
                for known in 0..16_u8 {
                    let known = std::array::from_fn(|at| names[at].clone().filter(|_| known & (1 << at) != 0));
                    check_text(template, &values(known));
                }
            }
        }
        Err(error) => check_error(template, &error),
    }
}

fn values([contact_first_name, contact_name, conversation_title, teammate_name]: [Option<String>; 4]) -> Values {
    Values {
        rule: "quiet".to_owned(),
        closes_at: Some(super::decide::start()),
        quiet_for: SignedDuration::from_hours(123),
        contact_first_name,
        contact_name,
        conversation_id: "4711".to_owned(),
        conversation_title,
        teammate_name,
        timezone: TimeZone::UTC,
    }
}

/// A template that was checked gives a text of bearable length, or none because it comes out blank; and no value becomes
/// a tag.
fn check_text(template: &str, values: &Values) {
    let (html, plain) = (message::render(template, values), message::render_plain(template, values));
    for text in [&html, &plain].into_iter().flatten() {
        assert!(text.len() <= LONGEST && !text.trim().is_empty(), "{} bytes", text.len());
    }
    if let Ok(html) = &html {
        let of_ours = template.contains(['<', '"', '\'']);
        assert!(of_ours || !html.contains(['<', '"', '\'']), "{html:?}");
    }
    for error in [html.err(), plain.err()].into_iter().flatten() {
        let known = matches!(error, TemplateError::Blank | TemplateError::Failed { .. } | TemplateError::TooLong);
        assert!(known, "{error:?} after the check");
        assert!(!format!("{error:?} {error}").contains("onload"), "{error:?} quotes");
    }
}

fn check_error(template: &str, error: &TemplateError) {
    let message = error.to_string();
    assert!(!message.is_empty() && !error.help().is_empty());
    if let Some(range) = error.range() {
        assert!(range.start <= range.end && template.get(range.clone()).is_some(), "{range:?} of {}", template.len());
    }
}
