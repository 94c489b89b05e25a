//! The one call of a deed, and what its answer means.

use jiff::{SignedDuration, Timestamp};

use super::act::{Next, Ready};
use super::read::Fresh;
use super::{REFUSALS, SweepError, Sweeper};
use crate::engine::conversation::{Class as Activity, ConversationId, Moment, State};
use crate::engine::history::{Attempt, Deed};
use crate::engine::rule::StepKind;
use crate::engine::{Action, Part, PartId, rule, snoozed_until, wish};
use crate::intercom::client::{Answer, ReadConversation};
use crate::intercom::error::{Class, IntercomError};
use crate::sabotage::{Bug, Point, planted, reached};
use crate::safety::Acting;
use crate::store::{Answered, Barred, Claimed, Decided, Outcome, Sending};

/// A definite refusal rests that long before the step is tried again.
const PARKED: SignedDuration = SignedDuration::from_hours(24);

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
        if !ready.step.kind.writes() {
            return Box::pin(self.send_wishes(id, acting, ready)).await;
        }
        let (claimed, sending) = self.write_down(&ready).await?;
        let sending = match sending {
            Ok(sending) => sending,
            Err(outcome) => return Ok((claimed, outcome, Next::Go)),
        };
        ready.claimed = claimed;
        let text = ready.text.as_deref();
        let closes = matches!(ready.action, Action::Close { .. });
        let answer = match (&ready.action, text) {
            (Action::Reply { .. }, Some(text)) => self.intercom.reply(id, &acting.admin_id, text).await,
            (Action::Note { .. }, Some(text)) => self.intercom.note(id, &acting.admin_id, text).await,
            (Action::Close { .. }, text) => self.intercom.close(id, &acting.admin_id, text).await,
            _ => {
                return Ok((claimed, Outcome::Deferred("there was nothing to send".into()), Next::Go));
            }
        };
        reached(Point::Answered).await;
        self.note_answer(&answer);
        if let Ok(answer) = &answer {
            // The answer tells the new state; its webhook may come late or never.
            self.store.record_fetched(answer.value.sighting.clone(), &self.context()).await?;
            reached(Point::Folded).await;
        }
        match answer {
            Ok(answer) if closes => Ok((claimed, self.shut(id, acting, ready, &sending, &answer).await?, Next::Go)),
            Ok(answer) => Ok((claimed, replied(acting, ready, &sending, &answer), Next::Go)),
            Err(error) => {
                let next = next_after(error.class());
                Ok((claimed, self.refused_or_lost(id, claimed, &sending, error).await?, next))
            }
        }
    }

    /// Writes down that the call is about to leave. The error is how the attempt ends instead.
    pub(super) async fn write_down(&self, ready: &Ready) -> Result<(Claimed, Result<Sending, Outcome>), SweepError> {
        let now = self.standpoint.now();
        let Decided { conversation, history, .. } = &ready.fresh.decided;
        let writes = ready.step.kind.writes();
        let asked = if writes { &[] } else { ready.wishes.as_slice() };
        let sending = Sending {
            // The hourly budgets look back on this one, and no jump of ours may shorten their hour.
            sent_at: self.intercom.intercom_now().map_or(now, |intercom| intercom.max(now)),
            // A clock that lags must not shorten the rest.
            look_at: self.standpoint.latest() + self.settings.unclear_quiet,
            template: ready.action.template().map(|template| rule::digest(template)),
            digest: ready.text.as_ref().and_then(|text| self.intercom.lens().key().digest(text)),
            snoozed_until: snoozed_until(conversation, history, now),
            contact: conversation.last_contact_reply(),
            changes: wish::changes(
                asked,
                conversation,
                history,
                ready.earlier().map_or(&[], |earlier| &earlier.changes),
                now,
            ),
            wishes: if writes { ready.wishes.clone() } else { Vec::new() },
        };
        self.keep_the_lease().await?;
        let Some(claimed) = self.store.about_to_send(ready.claimed, &sending).await? else {
            let outcome = match self.store.barred(ready.claimed, now).await? {
                Barred::Paused(why) => Outcome::Deferred(why),
                Barred::Held(why) => Outcome::Left(why),
                Barred::Taken => Outcome::Left("another attempt at the same step is under way".into()),
            };
            return Ok((ready.claimed, Err(outcome)));
        };
        if self.is_old(&ready.fresh) && !ready.step.kind.labels() {
            let why = "what was read had grown old before the call could leave";
            return Ok((claimed, Err(Outcome::Deferred(why.into()))));
        }
        reached(Point::WrittenDown).await;
        Ok((claimed, Ok(sending)))
    }

    /// A contact may have spoken between the reading and the close or snooze: that takes it back.
    pub(super) async fn shut(
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
            return Ok(Outcome::Done { at: deed.at, deeds: vec![deed], restore_snooze: false, why: ready.why });
        }
        let look_at = self.standpoint.now();
        self.store.answered(ready.claimed, &Answered { deeds: &[deed], look_at, restore_snooze: false }).await?;
        reached(Point::Known).await;
        match self.read(id).await {
            Ok(now) => Ok(raced_or_done(&now, ready.step.kind, deed, sending.contact, ready.why)),
            Err(error) => {
                tracing::warn!(conversation.id = %id, error = %error, "done, but whether the contact had spoken is not known yet");
                Ok(Outcome::Unclear {
                    look_at: self.standpoint.now(),
                    why: "done; whether the contact had spoken is not known yet".into(),
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

    pub(super) async fn refused_or_lost(
        &self,
        id: &ConversationId,
        claimed: Claimed,
        sending: &Sending,
        error: IntercomError,
    ) -> Result<Outcome, SweepError> {
        tracing::warn!(conversation.id = %id, class = error.class().name(), error = %error, "a call did not succeed");
        let why = error.to_string();
        Ok(match error.class() {
            Class::Ambiguous if planted(Bug::SendsAgainBlindly) => Outcome::Deferred(why),
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
    let restore_snooze = sending.snoozed_until.is_some();
    Outcome::Done { at: deed.at, deeds: vec![deed], restore_snooze, why: ready.why }
}

/// What a fresh look after our close or snooze shows. A reply that came after it opened the conversation by itself, as
/// it should; and what somebody else has closed or snoozed since is not ours to open.
pub(super) fn raced_or_done(now: &Fresh, kind: StepKind, deed: Deed, seen: Option<Moment>, why: String) -> Outcome {
    let conversation = &now.decided.conversation;
    let spoke = conversation.last_contact_reply().filter(|reply| Some(*reply) > seen);
    let (shut, class) = match (kind, conversation.state()) {
        (StepKind::Close, Some(State::Closed)) => (true, Activity::Closed),
        (StepKind::Snooze, Some(State::Snoozed { .. })) => (true, Activity::Snoozed),
        _ => (false, Activity::Closed),
    };
    let shut = shut && !done_again(now, class, deed);
    let latest = match shut {
        true if planted(Bug::TieCountsAsLater) => deed.at - SAME_MOMENT,
        true => deed.at + SAME_MOMENT,
        false => deed.at,
    };
    if spoke.is_none_or(|(at, _)| at > latest) || planted(Bug::NeverTakesBack) {
        return Outcome::Done { at: deed.at, deeds: vec![deed], restore_snooze: false, why };
    }
    let doing = if kind == StepKind::Close { "closed" } else { "snoozed" };
    Outcome::Raced { deed, reopen: shut, why: format!("the contact wrote while it was being {doing}") }
}

fn done_again(now: &Fresh, class: Activity, deed: Deed) -> bool {
    let parts = now.read.sighting.parts.iter();
    let others = parts.filter(|part| part.classes.contains(&class) && part.id != deed.part);
    others.map(|part| (part.at, part.id)).any(|other| other > (deed.at, deed.part))
}

impl Ready {
    /// The same step of the same period as it was tried before.
    pub(super) fn earlier(&self) -> Option<&Attempt> {
        let mut attempts = self.fresh.decided.history.attempts.iter();
        attempts.find(|it| (&it.rule, it.step, it.anchor_at) == (&self.rule, self.step, self.anchor_at))
    }
}

/// Whether the next conversation may fare better than this one.
pub(super) fn next_after(class: Class) -> Next {
    if matches!(class, Class::Gone | Class::Refused | Class::BadRequest) { Next::Go } else { Next::Stop }
}

fn is_about_the_token(error: &IntercomError) -> bool {
    error.refusal().is_some_and(|refusal| refusal.status == 401)
}
