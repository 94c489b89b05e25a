//! Intercom down or odd, answers that are lost, clocks that are wrong: every row of the table in `docs/reliability.md`
//! under "Intercom down or odd" names its test; what other modules prove already is not proved again here.

mod answers;
mod clocks;
mod late;
mod lost;
mod meanwhile;
mod network;
mod outage;
mod rates;
mod refusals;

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::Fault;

use crate::harness::{House, seconds};

fn status(status: u16, code: &str) -> Fault {
    let body = format!(r#"{{"type":"error.list","errors":[{{"code":"{code}","message":"no"}}]}}"#);
    Fault::Status { status, body }
}

/// Lets ten minutes pass, as the schedule would.
async fn ten_minutes(house: &House) {
    for _ in 0..12 {
        house.after(seconds(50)).await;
    }
}

/// How the attempts stand.
async fn outcomes(house: &House) -> Vec<(String, i64)> {
    house.daemon().store().outcomes().await.unwrap()
}

/// Texts that a contact or the team can read and that are ours, by the text.
fn texts(house: &House, id: &ConversationId, text: &str) -> usize {
    let parts = house.intercom.conversation(id).unwrap().parts;
    parts.iter().filter(|part| part.body.as_deref().is_some_and(|body| body.contains(text))).count()
}

#[test]
fn every_test_of_these_that_the_page_names_is_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let named: Vec<_> = page.split('`').filter_map(|word| word.strip_prefix("odd::")?.split_once("::")).collect();
    assert!(named.len() > 20);
    for (module, test) in named {
        let text = std::fs::read_to_string(root.join(format!("tests/it/odd/{module}.rs"))).unwrap();
        assert!(text.contains(&format!("fn {test}() {{")), "odd::{module}::{test} is named and is not there");
    }
}
