//! The one call of a deed, and what its answer means.

use jiff::{SignedDuration, Timestamp};

use super::act::{Next, Ready};
use super::read::Fresh;
use super::{SweepError, Sweeper};
use crate::engine::conversation::{Class as Activity, ConversationId, Moment, State};
use crate::engine::history::Deed;
use crate::engine::{Action, Part, PartId, rule, snoozed_until};
use crate::intercom::client::{Answer, ReadConversation};
use crate::intercom::error::{Class, IntercomError};
use crate::safety::Acting;
use crate::store::{Claimed, Outcome, Sending};

/// A definite refusal rests that long before the step is tried again.
const PARKED: SignedDuration = SignedDuration::from_hours(24);
/// Refusals after which a step has failed for good.
const REFUSALS: u32 = 3;

/// A contact's reply so shortly after a close may have come before it: Intercom counts in seconds.
pub(super) const SAME_MOMENT: SignedDuration = SignedDuration::from_secs(2);

impl Sweeper {
    /// The one call. It is written down before it leaves, so that whatever happens it is never sent blindly again.
    pub(super) async fn send(
        &self,
        id: &ConversationId,
        acting: &Acting,
        mut ready: Ready,
    ) -> Result<(Claimed, Outcome, Next), SweepError> {
        let now = self.standpoint.now();
        let template = ready.action.template().map(|template| rule::digest(template));
        let decided = &ready.fresh.decided;
        let sending = Sending {
            sent_at: now,
            // A clock that lags must not shorten the rest.
            look_at: self.standpoint.latest() + self.settings.unclear_quiet,
            template,
            digest: ready.text.as_ref().and_then(|text| self.intercom.lens().key().digest(text)),
            snoozed_until: snoozed_until(&decided.conversation, &decided.history, now),
            contact: decided.conversation.last_contact_reply(),
        };
        let Some(claimed) = self.store.about_to_send(ready.claimed, &sending).await? else {
            let why = "another attempt at the same step is under way";
            return Ok((ready.claimed, Outcome::Left(why.into()), Next::Go));
        };
        ready.claimed = claimed;
        if self.is_old(&ready.fresh) {
            let why = "what was read had grown old before the call could leave";
            return Ok((claimed, Outcome::Deferred(why.into()), Next::Go));
        }
        let text = ready.text.as_deref();
        let closes = matches!(ready.action, Action::Close { .. });
        let answer = match (&ready.action, text) {
            (Action::Reply { .. }, Some(text)) => self.intercom.reply(id, &acting.admin_id, text).await,
            (Action::Close { .. }, text) => self.intercom.close(id, &acting.admin_id, text).await,
            _ => {
                return Ok((claimed, Outcome::Deferred("there was nothing to send".into()), Next::Go));
            }
        };
        self.note_answer(&answer);
        if let Ok(answer) = &answer {
            // The answer tells the new state; its webhook may come late or never.
            self.store.record_fetched(answer.value.sighting.clone(), &self.context()).await?;
        }
        match answer {
            Ok(answer) if closes => Ok((claimed, self.closed(id, acting, ready, &sending, &answer).await?, Next::Go)),
            Ok(answer) => Ok((claimed, replied(acting, ready, &sending, &answer), Next::Go)),
            Err(error) => {
                let next = if goes_on_after(error.class()) { Next::Go } else { Next::Stop };
                Ok((claimed, self.refused_or_lost(id, claimed, &sending, error).await?, next))
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
        let told = self.known(id, &self.context()).await?.and_then(|known| known.conversation.last_contact_reply());
        if after.is_some() && after == before && after < Some(deed.at) && told <= sending.contact {
            return Ok(Outcome::Done { deed, restore_snooze: false, why: ready.why });
        }
        self.store.answered(ready.claimed, deed, self.standpoint.now()).await?;
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

    /// Takes note of whether Intercom lets us act.
    pub(super) fn note_answer<T>(&self, answer: &Result<T, IntercomError>) {
        match answer {
            Ok(_) => self.board.deed_succeeded(),
            // A dead token is found alive again by asking who we are; that deeds are allowed, only by one that succeeds.
            Err(error) if error.class() == Class::AuthDead && !is_about_the_token(error) => {
                self.board.deed_refused(error.to_string());
            }
            Err(_) => {}
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
            Class::Refused | Class::BadRequest => refused(claimed, self.standpoint.now(), why),
        })
    }
}

/// A definite no: it rests, and the third time it has failed for good.
pub(super) fn refused(claimed: Claimed, now: Timestamp, why: String) -> Outcome {
    if claimed.tries + 1 >= REFUSALS { Outcome::Failed(why) } else { Outcome::Parked { until: now + PARKED, why } }
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

/// What a fresh look after our close shows. A reply that came after the close opened the conversation by itself, as
/// it should; and what somebody else has closed since is not ours to open.
pub(super) fn raced_or_done(now: &Fresh, deed: Deed, seen: Option<Moment>, why: String) -> Outcome {
    let conversation = &now.decided.conversation;
    let spoke = conversation.last_contact_reply().filter(|reply| Some(*reply) > seen);
    let closed = conversation.state() == Some(State::Closed) && !closed_again(now, deed);
    let latest = if closed { deed.at + SAME_MOMENT } else { deed.at };
    if spoke.is_none_or(|(at, _)| at > latest) {
        return Outcome::Done { deed, restore_snooze: false, why };
    }
    Outcome::Raced { deed, reopen: closed, why: "the contact wrote while it was being closed".into() }
}

fn closed_again(now: &Fresh, deed: Deed) -> bool {
    let parts = now.read.sighting.parts.iter();
    let closes = parts.filter(|part| part.classes.contains(&Activity::Closed) && part.id != deed.part);
    closes.map(|part| (part.at, part.id)).any(|close| close > (deed.at, deed.part))
}

/// Whether the next conversation may fare better than this one.
fn goes_on_after(class: Class) -> bool {
    matches!(class, Class::Gone | Class::Refused | Class::BadRequest)
}

fn is_about_the_token(error: &IntercomError) -> bool {
    error.refusal().is_some_and(|refusal| refusal.status == 401)
}
