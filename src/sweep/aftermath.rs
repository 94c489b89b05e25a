//! What must not be forgotten: calls whose answer was lost, and what is still to do after a deed.

use jiff::SignedDuration;

use super::read::{Fresh, inputs};
use super::send::{our_part, raced_or_done};
use super::{PENDING_AT_ONCE, SweepError, Sweeper, Swept, is_general};
use crate::engine::conversation::{Class as Activity, Part, State};
use crate::engine::history::Deed;
use crate::engine::rule::StepKind;
use crate::engine::snooze_to_restore;
use crate::intercom::error::{Class, IntercomError};
use crate::safety::Acting;
use crate::store::{FollowUp, Followed, Inputs, Outcome, Pending};

/// Intercom's clocks may differ by this much: our part may seem a little older than the call that made it.
const BEFORE_THE_CALL: SignedDuration = SignedDuration::from_secs(5);
/// After that long without a clear view the attempt is given up; nothing is sent again.
const LONGEST_SEARCH: SignedDuration = SignedDuration::from_hours(24);
/// A follow-up that did not succeed is tried again after this.
const FOLLOW_AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// Refusals after which a follow-up is given up.
const REFUSALS: u32 = 3;

impl Sweeper {
    /// Looks for our part where an answer was lost. Only its certain absence allows another try.
    pub(super) async fn look_into_unclear(&self, acting: &Acting, swept: &mut Swept) -> Result<(), SweepError> {
        let unclear = self.store.unclear(&acting.app_id, self.standpoint.now(), PENDING_AT_ONCE).await?;
        for pending in unclear {
            let (outcome, inputs) = match self.read(&pending.conversation).await {
                Ok(fresh) => (self.found(&pending, &fresh, acting), inputs(&fresh.decided.conversation, &[])),
                Err(SweepError::Store(error)) => return Err(error.into()),
                Err(SweepError::Intercom(error)) if is_general(error.class()) => return Err(self.noted(error)),
                Err(SweepError::Intercom(error)) if error.class() == Class::Gone => {
                    self.is_gone(&pending.conversation).await?;
                    (Outcome::Left("it no longer exists in Intercom".into()), Inputs("{}".into()))
                }
                Err(SweepError::Intercom(_)) => (self.look_again(&pending), Inputs("{}".into())),
            };
            let settled = self.store.settle(pending.id, &outcome, &inputs, self.standpoint.now()).await?;
            if settled.news {
                tracing::info!(
                    conversation.id = %pending.conversation, rule = %pending.rule, step = %pending.step,
                    outcome = settled.outcome, why = outcome.why(), "looked into a lost answer"
                );
            }
            swept.count(settled.outcome);
            if outcome.leaves_something_to_do() {
                self.follow_up(acting).await?;
            }
            self.store.reschedule(&pending.conversation, &self.context()).await?;
        }
        Ok(())
    }

    fn found(&self, pending: &Pending, fresh: &Fresh, acting: &Acting) -> Outcome {
        let parts = &fresh.read.sighting.parts;
        let ours = parts.iter().filter(|part| is_ours(part, pending, acting)).min_by_key(|part| part.id);
        let deed = pending.deeds.first().copied().or_else(|| ours.map(|part| Deed { at: part.at, part: part.id }));
        match (deed, pending.step.kind) {
            (Some(deed), StepKind::Close) => {
                raced_or_done(fresh, deed, pending.contact, "the answer was lost, but it was done".into())
            }
            (Some(deed), StepKind::Reply) => {
                let restore_snooze = pending.snoozed_until.is_some();
                Outcome::Done { deed, restore_snooze, why: "the answer was lost, but it was done".into() }
            }
            (None, _) if fresh.read.shows_everything_since(pending.sent_at - BEFORE_THE_CALL) => {
                Outcome::Left("the answer was lost, and it was not done".into())
            }
            (None, _) => self.look_again(pending),
        }
    }

    fn look_again(&self, pending: &Pending) -> Outcome {
        let now = self.standpoint.now();
        if now.duration_since(pending.sent_at) > LONGEST_SEARCH {
            return Outcome::Lost("the answer was lost, and what became of the call could not be found out".into());
        }
        Outcome::Unclear {
            look_at: now + self.settings.unclear_quiet,
            why: "the answer was lost; looking into it".into(),
        }
    }

    /// Does what is still to do after deeds: restoring a snooze, opening again what was closed over a contact's reply.
    pub(super) async fn follow_up(&self, acting: &Acting) -> Result<(), SweepError> {
        if self.settings.dry_run {
            return Ok(());
        }
        let pending = self.store.follow_ups(&acting.app_id, self.standpoint.now(), PENDING_AT_ONCE).await?;
        for pending in pending {
            let followed = match self.follow(&pending, acting).await {
                Ok(followed) => followed,
                Err(SweepError::Intercom(error)) => self.not_followed(&pending, error)?,
                Err(error) => return Err(error),
            };
            if let Followed::GivenUp(why) = &followed {
                tracing::error!(conversation.id = %pending.conversation, why, "gave up what was still to do after a deed");
                self.board.count_unrestored();
            }
            self.store.followed(&pending, &followed, self.standpoint.now()).await?;
            self.store.reschedule(&pending.conversation, &self.context()).await?;
        }
        Ok(())
    }

    async fn follow(&self, pending: &Pending, acting: &Acting) -> Result<Followed, SweepError> {
        let id = &pending.conversation;
        let fresh = self.read(id).await?;
        let decided = &fresh.decided;
        let answer = match pending.follow_up {
            Some(FollowUp::Reopen) if decided.conversation.state() != Some(State::Closed) => {
                return Ok(done_before(pending, &fresh, acting, Activity::Opened)
                    .unwrap_or(Followed::NotNeeded("it is open again already")));
            }
            Some(FollowUp::Reopen) => self.intercom.open(id, &acting.admin_id).await?,
            Some(FollowUp::RestoreSnooze) => {
                match snooze_to_restore(&decided.conversation, &decided.history, self.standpoint.now()) {
                    Ok(until) => self.intercom.snooze(id, &acting.admin_id, until).await?,
                    Err(why) => {
                        let restored =
                            decided.conversation.state() == Some(State::Snoozed { until: pending.snoozed_until });
                        let before = done_before(pending, &fresh, acting, Activity::Snoozed).filter(|_| restored);
                        return Ok(before.unwrap_or(Followed::NotNeeded(why)));
                    }
                }
            }
            None => return Ok(Followed::NotNeeded("nothing is left to do")),
        };
        self.store.record_fetched(answer.value.sighting.clone(), &self.context()).await?;
        Ok(Followed::Done(our_part(acting, &fresh, &answer)))
    }

    fn not_followed(&self, pending: &Pending, error: IntercomError) -> Result<Followed, SweepError> {
        let again = Followed::Again(self.standpoint.now() + FOLLOW_AGAIN);
        Ok(match error.class() {
            Class::Gone => Followed::NotNeeded("it no longer exists in Intercom"),
            Class::Refused | Class::BadRequest if pending.follow_tries + 1 >= REFUSALS => {
                Followed::GivenUp(match pending.follow_up {
                    Some(FollowUp::RestoreSnooze) => {
                        format!("the snooze could not be restored, the conversation is open: {error}")
                    }
                    _ => format!("the conversation could not be opened again: {error}"),
                })
            }
            Class::Refused | Class::BadRequest | Class::Ambiguous => again,
            _ => return Err(self.noted(error)),
        })
    }
}

/// What an earlier try did though its answer was lost: that part must be known as our own, or it would move timers.
fn done_before(pending: &Pending, fresh: &Fresh, acting: &Acting, class: Activity) -> Option<Followed> {
    let by_us = |part: &&Part| {
        part.admin_id.as_deref() == Some(&acting.admin_id)
            && Some(part.at) >= pending.done_at
            && part.classes.contains(&class)
            && !part.classes.iter().any(|class| class.speaks())
    };
    let newest = fresh.read.sighting.parts.iter().filter(by_us).max_by_key(|part| part.id)?;
    Some(Followed::Done(Deed { at: newest.at, part: newest.id }))
}

/// Whether this is the part that the lost call made: by our admin, not before it, with the same text; a silent close
/// has none.
fn is_ours(part: &Part, pending: &Pending, acting: &Acting) -> bool {
    let by_us = part.admin_id.as_deref() == Some(&acting.admin_id) && part.at >= pending.sent_at - BEFORE_THE_CALL;
    let same = match (&pending.digest, pending.step.kind) {
        (Some(digest), _) => part.digest.as_ref() == Some(digest),
        (None, StepKind::Close) => part.classes.contains(&Activity::Closed) && part.digest.is_none(),
        (None, StepKind::Reply) => false,
    };
    by_us && same
}
