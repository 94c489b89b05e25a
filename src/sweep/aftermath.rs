//! What must not be forgotten: calls whose answer was lost, and what is still to do after a deed.

use jiff::SignedDuration;

use super::act::Next;
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
/// Reading, the deed, and reading once more.
const CALLS_OF_A_FOLLOW_UP: u32 = 3;
/// A follow-up that did not succeed is tried again after this.
const FOLLOW_AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// Refusals after which a follow-up is given up.
const REFUSALS: u32 = 3;

impl Sweeper {
    /// Looks for our part where an answer was lost. Only its certain absence allows another try.
    pub(super) async fn look_into_unclear(&self, acting: &Acting, swept: &mut Swept) -> Result<(), SweepError> {
        let unclear = self.store.unclear(&acting.app_id, self.standpoint.now(), PENDING_AT_ONCE).await?;
        for pending in unclear {
            let (outcome, inputs, next) = self.look_into(&pending, acting).await?;
            let settled = self.store.settle(pending.claimed, &outcome, &inputs, &self.context()).await?;
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
            if next == Next::Stop {
                break;
            }
        }
        Ok(())
    }

    async fn look_into(&self, pending: &Pending, acting: &Acting) -> Result<(Outcome, Inputs, Next), SweepError> {
        let nothing = || Inputs("{}".into());
        match self.read(&pending.conversation).await {
            Ok(fresh) => {
                let inputs = inputs(&fresh.decided.conversation, &[]);
                Ok((self.found(pending, &fresh, acting), inputs, Next::Go))
            }
            Err(SweepError::Store(error)) => Err(error.into()),
            Err(SweepError::Intercom(error)) if is_general(error.class()) => Err(self.noted(error)),
            Err(SweepError::Intercom(error)) if error.class() == Class::Gone => {
                self.is_gone(&pending.conversation).await?;
                Ok((Outcome::Left("it no longer exists in Intercom".into()), nothing(), Next::Go))
            }
            // Intercom may be in trouble; the others wait for the next sweep, in which this one still rests.
            Err(SweepError::Intercom(_)) => Ok((self.look_again(pending), nothing(), Next::Stop)),
        }
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
            (None, _) if parts.iter().any(|part| may_be_ours(part, pending, fresh, acting)) => self.look_again(pending),
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
            self.store.followed(&pending, &followed, &self.context()).await?;
        }
        Ok(())
    }

    async fn follow(&self, pending: &Pending, acting: &Acting) -> Result<Followed, SweepError> {
        let permits = self.intercom.permits(CALLS_OF_A_FOLLOW_UP).await;
        let prompt = Sweeper { intercom: self.intercom.with(permits), ..self.clone() };
        let fresh = prompt.read(&pending.conversation).await?;
        if fresh.decided.conversation.updated_at() < pending.done_at {
            // Intercom shows an older state than the one that our deed has left.
            return Ok(Followed::Again(self.standpoint.now() + FOLLOW_AGAIN));
        }
        match pending.follow_up {
            Some(FollowUp::Reopen) => prompt.reopen(pending, &fresh, acting).await,
            Some(FollowUp::RestoreSnooze) => prompt.restore_snooze(pending, &fresh, acting).await,
            None => Ok(Followed::NotNeeded("nothing is left to do")),
        }
    }

    async fn reopen(&self, pending: &Pending, fresh: &Fresh, acting: &Acting) -> Result<Followed, SweepError> {
        let id = &pending.conversation;
        let shut = match fresh.decided.conversation.state() {
            Some(State::Closed) => true,
            // Only after a reminder is a snooze ours: the one that was restored over a contact's reply.
            Some(State::Snoozed { .. }) => pending.step.kind == StepKind::Reply,
            Some(State::Open) | None => false,
        };
        if !shut {
            return Ok(done_before(pending, fresh, acting, Activity::Opened)
                .unwrap_or(Followed::NotNeeded("it is open again already")));
        }
        let answer = self.intercom.open(id, &acting.admin_id).await;
        self.note_answer(&answer);
        let answer = answer?;
        self.store.record_fetched(answer.value.sighting.clone(), &self.context()).await?;
        Ok(Followed::Done(our_part(acting, fresh, &answer)))
    }

    /// A contact may speak between the reading and the snooze, as with a close: then it is opened again.
    async fn restore_snooze(&self, pending: &Pending, fresh: &Fresh, acting: &Acting) -> Result<Followed, SweepError> {
        let (id, decided) = (&pending.conversation, &fresh.decided);
        let until = match snooze_to_restore(&decided.conversation, &decided.history, self.standpoint.now()) {
            Ok(until) => until,
            Err(why) => {
                let restored = decided.conversation.state() == Some(State::Snoozed { until: pending.snoozed_until });
                let before = done_before(pending, fresh, acting, Activity::Snoozed).filter(|_| restored);
                return Ok(before.unwrap_or(Followed::NotNeeded(why)));
            }
        };
        if self.is_old(fresh) {
            return Ok(Followed::Again(self.standpoint.now()));
        }
        let answer = self.intercom.snooze(id, &acting.admin_id, until).await;
        self.note_answer(&answer);
        let answer = answer?;
        self.store.record_fetched(answer.value.sighting.clone(), &self.context()).await?;
        let deed = our_part(acting, fresh, &answer);
        let (before, after) = (fresh.read.sighting.last_contact_reply_at, answer.value.sighting.last_contact_reply_at);
        if after.is_some() && after == before && after < Some(deed.at) {
            return Ok(Followed::Done(deed));
        }
        let now = self.read(id).await?;
        let spoke = now.decided.conversation.last_contact_reply() > decided.conversation.last_contact_reply();
        let snoozed = matches!(now.decided.conversation.state(), Some(State::Snoozed { .. }));
        Ok(if spoke && snoozed { Followed::ContactSpoke(deed) } else { Followed::Done(deed) })
    }

    fn not_followed(&self, pending: &Pending, error: IntercomError) -> Result<Followed, SweepError> {
        let again = self.standpoint.now() + FOLLOW_AGAIN;
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
            Class::Refused | Class::BadRequest => Followed::Refused(again),
            Class::Ambiguous => Followed::Again(again),
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

/// Whether this is the part that the lost call made: not before it, with the same text by whichever admin, as ours may
/// have changed since. Where there is no text to know it by, what our admin did is it.
fn is_ours(part: &Part, pending: &Pending, acting: &Acting) -> bool {
    let in_time = part.at >= pending.sent_at - BEFORE_THE_CALL && part.admin_id.is_some();
    in_time
        && match &pending.digest {
            Some(digest) => part.digest.as_ref() == Some(digest),
            None => by_us(part, acting) && part.digest.is_none() && is_of_kind(part, pending.step.kind),
        }
}

/// Whether this could be that part although its text reads otherwise: then nothing may be sent again.
fn may_be_ours(part: &Part, pending: &Pending, fresh: &Fresh, acting: &Acting) -> bool {
    let deeds = fresh.decided.history.attempts.iter().flat_map(|attempt| &attempt.deeds);
    let known = deeds.filter_map(|deed| deed.part).any(|known| Some(known) == part.id);
    let in_time = part.at >= pending.sent_at - BEFORE_THE_CALL;
    in_time && !known && by_us(part, acting) && is_of_kind(part, pending.step.kind)
}

fn by_us(part: &Part, acting: &Acting) -> bool {
    part.admin_id.as_deref() == Some(&acting.admin_id)
}

fn is_of_kind(part: &Part, kind: StepKind) -> bool {
    match kind {
        StepKind::Reply => part.classes.iter().any(|class| class.speaks()),
        StepKind::Close => part.classes.contains(&Activity::Closed),
    }
}
