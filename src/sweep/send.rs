//! The one call of a deed, and what its answer means.

use jiff::SignedDuration;

use super::act::{Next, Ready, template};
use super::read::Fresh;
use super::{FRESH, SweepError, Sweeper};
use crate::engine::conversation::{ConversationId, Moment, State};
use crate::engine::history::Deed;
use crate::engine::{Action, Part, PartId, rule};
use crate::intercom::client::{Answer, ReadConversation};
use crate::intercom::error::{Class, IntercomError};
use crate::safety::Acting;
use crate::store::{Claimed, Outcome, Sending};

/// A definite refusal rests that long before the step is tried again.
pub(super) const PARKED: SignedDuration = SignedDuration::from_hours(24);
/// Refusals after which a step has failed for good.
const REFUSALS: u32 = 3;

impl Sweeper {
    /// The one call. It is written down before it leaves, so that whatever happens it is never sent blindly again.
    pub(super) async fn send(
        &self,
        id: &ConversationId,
        acting: &Acting,
        ready: Ready,
    ) -> Result<(Outcome, Next), SweepError> {
        let now = self.standpoint.now();
        let template = template(&ready.action).map(rule::digest);
        let snoozed_until = match ready.fresh.decided.conversation.state() {
            Some(State::Snoozed { until }) => until,
            _ => None,
        };
        let sending = Sending {
            sent_at: now,
            look_at: now + self.settings.unclear_quiet,
            template,
            digest: ready.text.as_ref().and_then(|text| self.intercom.text_key().digest(text)),
            snoozed_until,
            contact: ready.fresh.decided.conversation.last_contact_reply(),
        };
        if !self.store.about_to_send(ready.claimed, &sending).await? {
            return Ok((Outcome::Left("another attempt at the same step is under way".into()), Next::Go));
        }
        let age = self.standpoint.clock().elapsed().saturating_sub(ready.fresh.received);
        if age > FRESH {
            let why = "what was read had grown old before the call could leave";
            return Ok((Outcome::Deferred(why.into()), Next::Go));
        }
        let text = ready.text.as_deref();
        let closes = matches!(ready.action, Action::Close { .. });
        let answer = match (&ready.action, text) {
            (Action::Reply { .. }, Some(text)) => self.intercom.reply(id, &acting.admin_id, text).await,
            (Action::Close { .. }, text) => self.intercom.close(id, &acting.admin_id, text).await,
            (Action::Reply { .. }, None) | (Action::PassOver { .. }, _) => {
                return Ok((Outcome::Deferred("there was nothing to send".into()), Next::Go));
            }
        };
        if let Ok(answer) = &answer {
            // The answer tells the new state; its webhook may come late or never.
            self.store.record_fetched(answer.value.sighting.clone(), &self.context()).await?;
        }
        match answer {
            Ok(answer) if closes => Ok((self.closed(id, acting, ready, &sending, &answer).await?, Next::Go)),
            Ok(answer) => Ok((replied(acting, ready, &sending, &answer), Next::Go)),
            Err(error) => {
                let next = if goes_on_after(error.class()) { Next::Go } else { Next::Stop };
                Ok((self.refused_or_lost(id, ready.claimed, &sending, error).await?, next))
            }
        }
    }

    /// A contact may have spoken between the reading and the close: that takes the close back.
    async fn closed(
        &self,
        id: &ConversationId,
        acting: &Acting,
        ready: Ready,
        sending: &Sending,
        answer: &Answer<ReadConversation>,
    ) -> Result<Outcome, SweepError> {
        let deed = our_part(acting, &ready.fresh, answer);
        let before = ready.fresh.read.sighting.last_contact_reply_at;
        let after = answer.value.sighting.last_contact_reply_at;
        if after.is_some() && after == before && after < Some(deed.at) {
            return Ok(Outcome::Done { deed, restore_snooze: false, why: ready.why });
        }
        self.store.answered(ready.claimed.id, deed, self.standpoint.now()).await?;
        match self.read(id).await {
            Ok(now) => Ok(raced_or_done(&now, deed, sending.contact, ready.why)),
            Err(error) => {
                tracing::warn!(conversation.id = %id, error = %error, "closed, but whether the contact had spoken is not known yet");
                Ok(Outcome::Unclear {
                    look_at: self.standpoint.now(),
                    why: "closed; whether the contact had spoken is not known yet".into(),
                })
            }
        }
    }

    async fn refused_or_lost(
        &self,
        id: &ConversationId,
        claimed: Claimed,
        sending: &Sending,
        error: IntercomError,
    ) -> Result<Outcome, SweepError> {
        tracing::warn!(conversation.id = %id, class = error.class().name(), error = %error, "a call did not succeed");
        let why = error.to_string();
        Ok(match error.class() {
            Class::Ambiguous => unclear(sending, "the answer was lost; looking into it"),
            Class::NotSent | Class::RateLimited => Outcome::Deferred(why),
            Class::AuthDead => {
                // The claim is taken up again once Intercom lets us in.
                drop(self.noted(error));
                Outcome::Deferred(why)
            }
            Class::Gone => {
                self.is_gone(id).await?;
                Outcome::Left(why)
            }
            Class::Refused | Class::BadRequest if claimed.tries + 1 >= REFUSALS => Outcome::Failed(why),
            Class::Refused | Class::BadRequest => Outcome::Parked { until: self.standpoint.now() + PARKED, why },
        })
    }
}

fn unclear(sending: &Sending, why: &str) -> Outcome {
    Outcome::Unclear { look_at: sending.look_at, why: why.into() }
}

/// The part that a call made: the newest one by our admin in its answer that was not there before. An answer that
/// shows none is a yes all the same; the part is known by its time and text then.
pub(super) fn our_part(acting: &Acting, before: &Fresh, answer: &Answer<ReadConversation>) -> Deed {
    let known = |part: &&Part| before.read.sighting.parts.iter().any(|known| known.id == part.id);
    let parts = answer.value.sighting.parts.iter();
    let ours = parts.filter(|part| part.admin_id.as_deref() == Some(&acting.admin_id) && !known(part));
    let newest = ours.filter(|part| matches!(part.id, Some(PartId::Part(_)))).max_by_key(|part| (part.id, part.at));
    newest.map_or(Deed { at: answer.at, part: None }, |part| Deed { at: part.at, part: part.id })
}

fn replied(acting: &Acting, ready: Ready, sending: &Sending, answer: &Answer<ReadConversation>) -> Outcome {
    let deed = our_part(acting, &ready.fresh, answer);
    Outcome::Done { deed, restore_snooze: sending.snoozed_until.is_some(), why: ready.why }
}

/// What a fresh look after our close shows.
pub(super) fn raced_or_done(now: &Fresh, deed: Deed, seen: Option<Moment>, why: String) -> Outcome {
    let conversation = &now.decided.conversation;
    let spoke = conversation.last_contact_reply().filter(|reply| Some(*reply) > seen);
    let reopen = spoke.is_some() && conversation.state() == Some(State::Closed);
    // A reply after the close opens the conversation by itself, as it should.
    let meanwhile = spoke.is_some_and(|(at, _)| at <= deed.at);
    if !meanwhile && !reopen {
        return Outcome::Done { deed, restore_snooze: false, why };
    }
    Outcome::Raced { deed, reopen, why: "the contact wrote while it was being closed".into() }
}

/// Whether the next conversation may fare better than this one.
fn goes_on_after(class: Class) -> bool {
    matches!(class, Class::Gone | Class::Refused | Class::BadRequest)
}
