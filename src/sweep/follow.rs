//! What is still to do after a deed: restoring a snooze, opening again what was closed over a contact's reply.

use super::grant::not_put_on;
use super::read::Fresh;
use super::send::{SAME_MOMENT, our_part};
use super::{DAMAGED_RESTS, FOLLOW_AGAIN, PENDING_AT_ONCE, REFUSALS, SweepError, Sweeper};
use crate::engine::conversation::{Class as Activity, ConversationId, Part, State};
use crate::engine::history::Deed;
use crate::engine::rule::StepKind;
use crate::engine::snooze_to_restore;
use crate::intercom::error::{Class, IntercomError};
use crate::sabotage::{Point, reached};
use crate::safety::Acting;
use crate::store::{FollowUp, Followed, Pending, StoreError};

/// Reading, the deed, and reading once more.
const CALLS_OF_A_FOLLOW_UP: u32 = 3;

impl Sweeper {
    /// Does what is still to do after deeds: restoring a snooze, opening again what was closed over a contact's reply.
    /// While the daemon stops, only what was `just` done comes to its end.
    pub(super) async fn follow_up(&self, acting: &Acting, just: Option<&ConversationId>) -> Result<(), SweepError> {
        if self.settings.dry_run {
            return Ok(());
        }
        let pending = self.store.follow_ups(&acting.app_id, self.standpoint.now(), PENDING_AT_ONCE).await?;
        for pending in pending {
            self.sign_of_life();
            if self.board.stops() && just != Some(&pending.conversation) {
                continue;
            }
            reached(Point::Following).await;
            let followed = match self.follow(&pending, acting).await {
                Ok(followed) => followed,
                Err(SweepError::Intercom(error)) => self.not_followed(&pending, error)?,
                Err(SweepError::Store(StoreError::Odd(what))) => {
                    self.note_damage(&what);
                    Followed::Again(self.standpoint.now() + DAMAGED_RESTS)
                }
                Err(error) => return Err(error),
            };
            if let Followed::Granted { missing: Some(missing), .. } = &followed {
                tracing::warn!(conversation.id = %pending.conversation, missing, "closed, but not all that was to follow could be put on");
            }
            if let Followed::GivenUp(why) = &followed {
                tracing::error!(conversation.id = %pending.conversation, why, "gave up what was still to do after a deed");
                self.board.count_unrestored();
            }
            reached(Point::Followed).await;
            self.store.followed(&pending, &followed, &self.context()).await?;
        }
        Ok(())
    }

    async fn follow(&self, pending: &Pending, acting: &Acting) -> Result<Followed, SweepError> {
        if pending.follow_up == Some(FollowUp::Wishes) {
            return self.grant_what_follows(pending, acting).await;
        }
        let permits = self.intercom.permits(CALLS_OF_A_FOLLOW_UP).await;
        self.confirm_the_lease().await?;
        let prompt = Sweeper { intercom: self.intercom.with(permits), ..self.clone() };
        let fresh = prompt.read(&pending.conversation).await?;
        let known_part = pending.deeds.first().is_some_and(|deed| deed.part.is_some());
        let left_at = pending.done_at.map(|done| done - SAME_MOMENT);
        let older = known_part && fresh.decided.conversation.updated_at() < left_at;
        let shown = fresh.read.sighting.snapshot.as_ref().and_then(|snapshot| snapshot.facts.state);
        if older || shown != fresh.decided.conversation.state() {
            // Intercom shows an older state than the one that our deed has left, or two states in one second.
            return Ok(Followed::Again(self.standpoint.now() + FOLLOW_AGAIN));
        }
        match pending.follow_up {
            Some(FollowUp::Reopen) => prompt.reopen(pending, &fresh, acting).await,
            Some(FollowUp::RestoreSnooze) => prompt.restore_snooze(pending, &fresh, acting).await,
            Some(FollowUp::Wishes) | None => Ok(Followed::NotNeeded("nothing is left to do")),
        }
    }

    async fn reopen(&self, pending: &Pending, fresh: &Fresh, acting: &Acting) -> Result<Followed, SweepError> {
        let id = &pending.conversation;
        let shut = match fresh.decided.conversation.state() {
            Some(State::Closed) => true,
            // Not after a close: only what was restored or begun over a contact's reply is a snooze of ours.
            Some(State::Snoozed { .. }) => pending.step.kind != StepKind::Close,
            Some(State::Open) | None => false,
        };
        if !shut {
            return Ok(done_before(pending, fresh, acting, Activity::Opened)
                .unwrap_or(Followed::NotNeeded("it is open again already")));
        }
        let class = if fresh.decided.conversation.state() == Some(State::Closed) {
            Activity::Closed
        } else {
            Activity::Snoozed
        };
        if by_others_since(pending, fresh, class) {
            return Ok(Followed::NotNeeded("somebody else has touched it since"));
        }
        let answer = self.intercom.open(id, &acting.admin_id).await;
        reached(Point::Answered).await;
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
                return Ok(match before {
                    Some(Followed::Done(deed)) if spoke_before(pending, fresh, deed) => Followed::ContactSpoke(deed),
                    before => before.unwrap_or(Followed::NotNeeded(why)),
                });
            }
        };
        if self.is_old(fresh) {
            return Ok(Followed::Again(self.standpoint.now()));
        }
        let answer = self.intercom.snooze(id, &acting.admin_id, until).await;
        reached(Point::Answered).await;
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
            Class::Refused | Class::BadRequest
                if pending.follow_up == Some(FollowUp::Wishes) && pending.follow_tries + 1 >= REFUSALS =>
            {
                let left = pending.wishes.clone();
                let missing = Some(not_put_on(&left, &error));
                Followed::Granted { deeds: Vec::new(), left, again: None, refused: true, missing }
            }
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

/// Whether the contact has written since our message and not later than the snooze that then was restored.
fn spoke_before(pending: &Pending, fresh: &Fresh, snooze: Deed) -> bool {
    let reply = fresh.decided.conversation.last_contact_reply().filter(|reply| Some(*reply) > pending.contact);
    reply.is_some_and(|(at, _)| at <= snooze.at + SAME_MOMENT)
}

/// Whether somebody else has closed or snoozed it after the last of our deeds.
fn by_others_since(pending: &Pending, fresh: &Fresh, class: Activity) -> bool {
    let last = pending.deeds.iter().map(|deed| (deed.at, deed.part)).max();
    let parts = fresh.read.sighting.parts.iter().filter(|part| part.classes.contains(&class));
    let others = parts.filter(|part| !pending.deeds.iter().any(|deed| deed.part == part.id));
    others.map(|part| (part.at, part.id)).any(|part| Some(part) > last)
}
