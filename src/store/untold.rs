//! What no webhook told: which parts were read from Intercom first, and whether a webhook came for them after all.
//!
//! Owns: which changes Intercom has a webhook for, and since when somebody listens. Refuses: judging how many are too
//! many. What happened while nobody listened was not missed.

use jiff::{SignedDuration, Timestamp};

use super::rows::{self, ms};
use super::{Store, StoreError};
use crate::engine::conversation::{Class, Part, PartId};

/// Misses of so long ago no longer count.
pub(super) const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// What a webhook tells whoever does it. Assignments and ends of snoozes are not among them: settings and timers make
/// them too, and for those there is none.
const TOLD: [Class; 7] = [
    Class::ContactReply,
    Class::TeammateReply,
    Class::BotReply,
    Class::Note,
    Class::Snoozed,
    Class::Opened,
    Class::Closed,
];

/// Changes by others in the last hour that no webhook told in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// How many.
    pub count: i64,
    /// No webhook at all arrived since the first of them happened.
    pub none_arrived: bool,
}

/// Whether a webhook tells of it. What our own admin does never counts.
pub(super) fn is_told(part: &Part, admin_id: Option<&str>) -> bool {
    let ours = part.admin_id.is_some() && part.admin_id.as_deref() == admin_id;
    match part.id {
        // An automated message goes out without a word to us.
        Some(PartId::Source(_)) => !ours && !part.classes.contains(&Class::BotReply) && tells(part),
        Some(PartId::Part(_)) => !ours && tells(part),
        None => false,
    }
}

fn tells(part: &Part) -> bool {
    part.classes.iter().any(|class| TOLD.contains(class))
}

impl Store {
    /// Notes that from now on somebody listens for webhooks. Nobody did since the last sign of life.
    pub async fn begins_to_listen(&self, now: Timestamp) -> Result<(), StoreError> {
        let begin = "INSERT INTO listening (one, since, alive_at, deaf_from, deaf_until) VALUES (1, $1, $1, $1, $1)
            ON CONFLICT (one) DO UPDATE SET deaf_from = alive_at, deaf_until = max(alive_at, excluded.since),
                alive_at = excluded.since";
        let mut writer = self.write().await;
        sqlx::query(begin).bind(ms(now)).execute(writer.connection()).await?;
        Ok(())
    }

    /// Notes a sign of life, unless one was noted within `rest`.
    pub async fn listens(&self, now: Timestamp, rest: SignedDuration) -> Result<(), StoreError> {
        let note = "UPDATE listening SET alive_at = $1 WHERE alive_at <= $2";
        let mut writer = self.write().await;
        sqlx::query(note).bind(ms(now)).bind(ms(now - rest)).execute(writer.connection()).await?;
        Ok(())
    }

    /// When a daemon last gave a sign of life; `None` if none was ever started.
    pub async fn last_sign_of_life(&self) -> Result<Option<Timestamp>, StoreError> {
        let alive = sqlx::query_scalar("SELECT alive_at FROM listening").fetch_optional(&self.readers);
        alive.await?.map(rows::at).transpose()
    }

    /// How many changes no webhook told within `grace`, of all that are still remembered.
    pub async fn missed_in_all(&self, app_id: &str, now: Timestamp, grace: SignedDuration) -> Result<u64, StoreError> {
        let missed =
            "SELECT count(*) FROM untold WHERE app_id = $1 AND at < $2 AND (told_at IS NULL OR told_at - at > $3)";
        let grace_ms = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        let missed = sqlx::query_scalar(missed).bind(app_id).bind(ms(now - grace)).bind(grace_ms);
        let count: i64 = missed.fetch_one(&self.readers).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// What no webhook told within `grace`, of what was found in the last hour.
    pub async fn missed(&self, app_id: &str, now: Timestamp, grace: SignedDuration) -> Result<Missed, StoreError> {
        let missed = "SELECT count(*), min(at) FROM untold WHERE found_at > $1 AND app_id = $2 AND at < $3
            AND (told_at IS NULL OR told_at - at > $4)";
        let grace_ms = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        let missed = sqlx::query_as(missed).bind(ms(now - WINDOW)).bind(app_id).bind(ms(now - grace)).bind(grace_ms);
        let (count, first): (i64, Option<i64>) = missed.fetch_one(&self.readers).await?;
        let Some(first) = first else { return Ok(Missed { count, none_arrived: false }) };
        let arrived = "SELECT EXISTS (SELECT 1 FROM notification WHERE received_at >= $1 AND app_id = $2)";
        let arrived: bool = sqlx::query_scalar(arrived).bind(first).bind(app_id).fetch_one(&self.readers).await?;
        Ok(Missed { count, none_arrived: !arrived })
    }
}
