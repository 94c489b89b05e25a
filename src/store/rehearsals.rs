//! What a dry run would have done, and what people did instead.
//!
//! Owns: finding what came after a rehearsed close. Refuses: saying what it means; the engine does.

use jiff::Timestamp;
use sqlx::Row;

use super::rows::{self, ms};
use super::{Store, StoreError};
use crate::engine::rehearsal::Rehearsal;
use crate::engine::rule::RuleName;

// What happened in the second of the rehearsal happened after it: what had happened before was read just then. Our own
// closes are none of a teammate's, whoever's name we act under.
pub(super) const REHEARSED: &str = "SELECT a.rule, a.step = 'close', a.would_say,
    iif(a.step = 'close', (SELECT min(c.at) FROM activity c WHERE c.app_id = a.app_id AND c.conversation_id = a.conversation_id
        AND c.class = 'closed' AND c.actor = 'teammate' AND c.at >= a.at - a.at % 1000
        AND NOT EXISTS (SELECT 1 FROM attempt b, json_each(b.deeds) d WHERE b.app_id = c.app_id
            AND b.conversation_id = c.conversation_id AND d.value->>1 = c.part_id)), NULL),
    iif(a.step = 'close', (SELECT min(r.at) FROM activity r WHERE r.app_id = a.app_id AND r.conversation_id = a.conversation_id
        AND r.class = 'contact_reply' AND r.at >= a.at - a.at % 1000), NULL)
    FROM attempt a WHERE a.outcome = 'dry_run' AND a.at > $1 ORDER BY a.rule";

impl Store {
    /// What would have been done after `since`, had it not been a dry run, in the order of the rules' names.
    pub async fn rehearsals(&self, since: Timestamp) -> Result<Vec<Rehearsal>, StoreError> {
        let found = sqlx::query(REHEARSED).bind(ms(since)).fetch_all(&self.readers).await?;
        let moment = |at: Option<i64>| at.map(rows::at).transpose();
        let rehearsal = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Rehearsal {
                rule: RuleName::from(row.try_get::<&str, _>(0)?),
                closes: row.try_get(1)?,
                speaks: row.try_get(2)?,
                closed_by_person_at: moment(row.try_get(3)?)?,
                contact_replied_at: moment(row.try_get(4)?)?,
            })
        };
        found.iter().map(rehearsal).collect()
    }
}
