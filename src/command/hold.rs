//! `autoclosed hold` and `autoclosed release`: one conversation is left alone, or left to the rules again.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::desk::{CommandError, Desk};
use super::{Told, moments};
use crate::engine::conversation::ConversationId;
use crate::store::Met;

/// How a conversation stands with the operator.
#[derive(Debug, Serialize)]
pub struct HoldAnswer {
    conversation: String,
    held: bool,
    until: Option<Timestamp>,
    changed: bool,
}

/// Leaves a conversation alone from now on: until then, or until it is released. `until` is as on the command line.
pub async fn hold(desk: &Desk, id: &ConversationId, until: Option<&str>) -> Result<HoldAnswer, CommandError> {
    let now = desk.now();
    let until = until.map(|text| moments::until(text, now)).transpose();
    let until = until.map_err(|why| CommandError::Usage(format!("--until: {why}")))?;
    match desk.store.hold(desk.app_id()?, id, until, now).await? {
        Met::Unknown => Err(desk.unknown(id).await?),
        met => Ok(HoldAnswer { conversation: id.to_string(), held: true, until, changed: met == Met::Done }),
    }
}

/// Leaves it to the rules again.
pub async fn release(desk: &Desk, id: &ConversationId) -> Result<HoldAnswer, CommandError> {
    match desk.store.release(desk.app_id()?, id, desk.now()).await? {
        Met::Unknown => Err(desk.unknown(id).await?),
        met => Ok(HoldAnswer { conversation: id.to_string(), held: false, until: None, changed: met == Met::Done }),
    }
}

impl Told for HoldAnswer {
    fn tell(&self, out: &mut dyn Write, zone: &TimeZone) -> io::Result<()> {
        let HoldAnswer { conversation: id, held, until, changed } = self;
        let already = if *held && !changed { " already" } else { "" };
        match (held, until, changed) {
            (true, Some(until), _) => {
                writeln!(
                    out,
                    "Conversation {id} is held{already}: no rule touches it until {}.",
                    moments::said(*until, zone)
                )
            }
            (true, None, _) => writeln!(
                out,
                "Conversation {id} is held{already}: no rule touches it. `autoclosed release {id}` leaves it to the rules again."
            ),
            (false, _, true) => writeln!(out, "Conversation {id} is left to the rules again."),
            (false, _, false) => writeln!(
                out,
                "Conversation {id} was not held by hand. `autoclosed explain {id}` says what becomes of it."
            ),
        }
    }
}
