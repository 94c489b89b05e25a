//! What no webhook told: which parts were read from Intercom first, and whether a webhook came for them after all.
//!
//! Owns: which changes Intercom surely has a webhook for, and since when somebody listens. Refuses: judging how many are too
//! many. What happened while nobody listened was not missed.

use jiff::{SignedDuration, Timestamp};
use sqlx::SqliteConnection;

use super::attempts::finish;
use super::rows::{self, ms};
use super::{Store, StoreError};
use crate::engine::conversation::{Actor, Class, Part, PartId};
use crate::sabotage::{Bug, planted};

/// Misses of so long ago no longer count.
pub(super) const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// What is told of when a person does it. What machines do in this way (a workflow's note, the close of a conversation
/// that was merged) may have no webhook, and one false miss turns the health of a quiet workspace bad. Assignments are
/// not among them, as settings make them too; nor is what no webhook shows by the part that reading shows: tags,
/// priorities, ratings, and a deletion, of which it is not even known when it happened.
const DEEDS: [Class; 4] = [Class::Note, Class::Snoozed, Class::Opened, Class::Closed];

/// A message that wakes a snooze leaves a part for that within so many seconds, and perhaps no webhook for it.
const ALONG_S: u64 = 2;

/// Changes by others in the last hour that no webhook told in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// How many.
    pub count: i64,
    /// No webhook at all arrived since the first of them happened.
    pub none_arrived: bool,
}

/// Whether a webhook surely tells of it. `shown`: what was read along with it. What our own admin does never counts.
pub(super) fn is_told(part: &Part, shown: &[Part], admin_id: Option<&str>) -> bool {
    if planted(Bug::MissesNothing) {
        return false;
    }
    let ours = part.admin_id.is_some() && part.admin_id.as_deref() == admin_id;
    match part.id {
        _ if ours => false,
        // An automated message goes out without a word to us.
        Some(PartId::Source(_)) => !part.classes.contains(&Class::BotReply) && speaks(part),
        Some(PartId::Part(_)) => speaks(part) || is_deed(part) || is_unsnoozed_by_hand(part, shown),
        None => false,
    }
}

/// Somebody said something. That another conversation was merged into it counts as a contact's word, but has no webhook.
fn speaks(part: &Part) -> bool {
    let said = |class: &Class| class.speaks() && (*class != Class::ContactReply || part.actor == Actor::Contact);
    part.classes.iter().any(said)
}

fn is_deed(part: &Part) -> bool {
    part.actor.is_person() && part.classes.iter().any(|class| DEEDS.contains(class))
}

/// A teammate ended the snooze, and did nothing else: neither gave the conversation to somebody nor said something.
fn is_unsnoozed_by_hand(part: &Part, shown: &[Part]) -> bool {
    let along = |other: &Part| {
        let near = other.at.as_second().abs_diff(part.at.as_second()) <= ALONG_S;
        near && other.id != part.id && (speaks(other) || other.classes.contains(&Class::Note))
    };
    part.actor == Actor::Teammate && part.classes.iter().eq([&Class::Unsnoozed]) && !shown.iter().any(along)
}

/// What a command has read meanwhile was not missed either.
const DEAF: &str = "DELETE FROM untold WHERE found_at >= (SELECT deaf_from FROM listening)
    AND at BETWEEN (SELECT deaf_from FROM listening) AND (SELECT deaf_until FROM listening)";

impl Store {
    /// Notes that from now on somebody listens for webhooks. Nobody did since the last sign of life: what happened
    /// meanwhile was not missed, also where a command has read it since. And what happened while nobody did before that
    /// may not have been found yet, unless there was a look at the workspace in between.
    pub async fn begins_to_listen(&self, now: Timestamp) -> Result<(), StoreError> {
        let looked_at = self.moment("looked_at").await?;
        let mut writer = self.write().await;
        writer.begin().await?;
        let begun = begin_to_listen(writer.connection(), now, looked_at).await;
        finish(&mut writer, begun).await
    }

    /// Notes when the listening began by Intercom's clock, by which changes are dated: the local one may have been wrong.
    pub async fn began_to_listen(&self, began: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        let began_at = "UPDATE listening SET since = min(since, $1), deaf_until = $1, alive_at = min(alive_at, $2)";
        let mut writer = self.write().await;
        writer.begin().await?;
        let began = async {
            sqlx::query(began_at).bind(ms(began)).bind(ms(now)).execute(writer.connection()).await?;
            sqlx::query(DEAF).execute(writer.connection()).await?;
            Ok(())
        };
        let began = began.await;
        finish(&mut writer, began).await
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

    /// How many of those were found before `before`, and are forgotten by [`Store::prune`].
    pub async fn missed_before(
        &self,
        before: Timestamp,
        app_id: &str,
        grace: SignedDuration,
    ) -> Result<u64, StoreError> {
        let missed = "SELECT count(*) FROM untold WHERE found_at < $1 AND app_id = $2 AND (told_at IS NULL OR told_at - at > $3)";
        let grace_ms = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        let missed = sqlx::query_scalar(missed).bind(ms(before)).bind(app_id).bind(grace_ms);
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

async fn begin_to_listen(
    writer: &mut SqliteConnection,
    now: Timestamp,
    looked_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let begin = "INSERT INTO listening (one, since, alive_at, deaf_from, deaf_until) VALUES (1, $1, $1, $1, $1)
        ON CONFLICT (one) DO UPDATE SET deaf_from = CASE WHEN $2 >= deaf_until THEN alive_at ELSE deaf_from END,
            deaf_until = max(alive_at, excluded.since), alive_at = excluded.since";
    sqlx::query(begin).bind(ms(now)).bind(looked_at.map(ms)).execute(&mut *writer).await?;
    sqlx::query(DEAF).execute(writer).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const OURS: Option<&str> = Some("9");

    fn part(id: u64, second: i64, actor: Actor, classes: &[Class]) -> Part {
        let at = Timestamp::from_second(second).unwrap();
        let admin_id = (actor == Actor::Teammate).then(|| "7".to_owned());
        let id = Some(PartId::Part(id));
        Part { id, at, actor, admin_id, classes: classes.iter().copied().collect(), digest: None, reads_as: [].into() }
    }

    #[test]
    fn only_what_surely_has_a_webhook_is_told() {
        use Actor::{Bot, Contact, Teammate, Timer, Unknown};
        use Class::{
            Assigned, BotReply, Closed, ContactReply, Note, Opened, Other, Rated, Snoozed, TeammateReply, Unsnoozed,
        };
        for (name, actor, classes, want) in [
            ("a contact's reply", Contact, &[ContactReply][..], true),
            ("a teammate's reply", Teammate, &[TeammateReply], true),
            ("a bot's reply", Bot, &[BotReply], true),
            ("an assignment with a word", Teammate, &[Assigned, TeammateReply], true),
            ("what is merged in", Bot, &[ContactReply], false),
            ("a note", Teammate, &[Note], true),
            ("a workflow's note", Bot, &[Note], false),
            ("a snooze", Teammate, &[Snoozed], true),
            ("a workflow's snooze", Bot, &[Snoozed], false),
            ("a close", Teammate, &[Closed], true),
            ("a workflow's close, or a merge", Bot, &[Closed], false),
            ("an opening", Teammate, &[Opened], true),
            ("an opening by nobody in particular", Unknown, &[Opened], false),
            ("the end of a snooze by hand", Teammate, &[Unsnoozed], true),
            ("the end of a snooze by its timer", Timer, &[Unsnoozed], false),
            ("the end of a snooze by a workflow", Bot, &[Unsnoozed], false),
            ("an assignment", Teammate, &[Assigned], false),
            ("an assignment that ends a snooze", Teammate, &[Assigned, Unsnoozed], false),
            ("a rating", Contact, &[Rated], false),
            ("a tag, a priority, an attribute", Teammate, &[Other], false),
        ] {
            assert_eq!(is_told(&part(5, 100, actor, classes), &[], OURS), want, "{name}");
        }
    }

    #[test]
    fn the_end_of_a_snooze_by_a_message_is_none_by_hand() {
        let woken = part(5, 100, Actor::Teammate, &[Class::Unsnoozed]);
        for (name, other, want) in [
            ("itself", woken.clone(), true),
            ("with a note", part(4, 100, Actor::Teammate, &[Class::Note]), false),
            ("a moment after a reply", part(4, 98, Actor::Teammate, &[Class::TeammateReply]), false),
            ("long after a reply", part(4, 97, Actor::Teammate, &[Class::TeammateReply]), true),
            ("with a tag", part(4, 100, Actor::Teammate, &[Class::Other]), true),
        ] {
            assert_eq!(is_told(&woken, &[other, woken.clone()], OURS), want, "{name}");
        }
    }

    #[test]
    fn what_our_admin_does_is_never_missed() {
        for class in [Class::TeammateReply, Class::Note, Class::Closed, Class::Snoozed, Class::Unsnoozed] {
            let ours = part(5, 100, Actor::Teammate, &[class]);
            assert!(!is_told(&ours, &[], Some("7")), "{}", class.name());
        }
    }
}
