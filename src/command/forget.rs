//! `autoclosed forget`: everything about one conversation is erased, and it is never taken up again.

use std::io::{self, Write};
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::desk::{CommandError, Desk};
use super::{Told, progress};
use crate::engine::conversation::ConversationId;
use crate::store::Forgot;

/// How long whoever reads the database is waited for.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// What was erased.
#[derive(Debug, Serialize)]
pub struct ForgetAnswer {
    conversation: String,
    forgotten: bool,
    rows: u64,
}

/// Erases it from the database, and from the bytes of its file and its log. What could not be emptied within `patience`
/// is told as a failure; the next try goes on from there.
pub async fn forget(desk: &Desk, id: &ConversationId, patience: Duration) -> Result<ForgetAnswer, CommandError> {
    let rows = match desk.store.forget(desk.app_id()?, id, desk.now()).await? {
        Forgot::Rows(rows) => rows,
        Forgot::Before => 0,
        Forgot::Unknown => return Err(CommandError::UnknownConversation(id.clone())),
        Forgot::UnderWay => return Err(CommandError::Failed(under_way(id))),
    };
    let overwriting = || "Overwriting what is left of it in the database's file …".to_owned();
    match progress::shown(desk.store.leave_no_trace(patience), overwriting).await {
        Ok(true) => Ok(ForgetAnswer { conversation: id.to_string(), forgotten: true, rows }),
        Ok(false) => Err(CommandError::Failed(format!(
            "conversation {id} is erased, but traces of it are left in the database's log, as somebody still reads an older \
             state; run `autoclosed forget {id}` again, and if it stays so, end whatever else has the database open"
        ))),
        Err(error) => Err(CommandError::Because {
            text: format!(
                "conversation {id} is erased, but traces of it are left in the database's file, as they could not be \
                 overwritten; see that the disk has room for two more copies of it, and run `autoclosed forget {id}` again"
            ),
            source: error.into(),
        }),
    }
}

fn under_way(id: &ConversationId) -> String {
    format!(
        "conversation {id} is not forgotten yet, as something about it is under way: a call to Intercom, or what follows \
         one; let the daemon run, unpaused, for a few minutes, and run `autoclosed forget {id}` again"
    )
}

impl Told for ForgetAnswer {
    fn tell(&self, out: &mut dyn Write, _zone: &TimeZone) -> io::Result<()> {
        let ForgetAnswer { conversation: id, rows, .. } = self;
        match rows {
            0 => writeln!(out, "Conversation {id} had been forgotten before. No trace of it is left in the database.")?,
            1 => writeln!(out, "Conversation {id} is forgotten: 1 row erased, and no trace left in the database.")?,
            _ => {
                writeln!(
                    out,
                    "Conversation {id} is forgotten: {rows} rows erased, and no trace left in the database."
                )?;
            }
        }
        writeln!(out, "No rule touches it any more. Backups and logs made before still tell of it.")
    }
}
