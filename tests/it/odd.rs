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
