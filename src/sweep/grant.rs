//! Deeds without words: what is to become so is asked for, one call each, and what is so already is not.

use super::act::{Next, Ready};
use super::aftermath::by_us;
use super::read::Fresh;
use super::send::our_part;
use super::{FOLLOW_AGAIN, REFUSALS, SweepError, Sweeper, is_general};
use crate::engine::conversation::{Class as Activity, ConversationId, Facts, Part};
use crate::engine::history::Deed;
use crate::engine::{Action, Wish};
use crate::intercom::attribute;
use crate::intercom::client::{Answer, Assignee, ReadConversation, Update};
use crate::intercom::error::{Class, IntercomError};
use crate::sabotage::{Point, reached};
use crate::safety::Acting;
use crate::store::{Answered, Claimed, Followed, Outcome, Pending, Sending};

impl Sweeper {
    /// Makes the deed's wishes come true. A refusal or a lost answer ends it there; what was granted before stays
    /// known as ours, and is not asked for again.
    pub(super) async fn send_wishes(
        &self,
        id: &ConversationId,
        acting: &Acting,
        mut ready: Ready,
    ) -> Result<(Claimed, Outcome, Next), SweepError> {
        let facts = known_facts(&ready.fresh);
        let open: Vec<Wish> = ready.wishes.iter().filter(|wish| !wish.is_so(&facts)).cloned().collect();
        if open.is_empty() {
            let why = format!("{}; it was so already", ready.why);
            let deeds = made_before(&ready);
            let done = Outcome::Done { at: self.standpoint.now(), deeds, restore_snooze: false, why };
            return Ok((ready.claimed, done, Next::Go));
        }
        let (claimed, sending) = self.write_down(&ready).await?;
        let sending = match sending {
            Ok(sending) => sending,
            Err(outcome) => return Ok((claimed, outcome, Next::Go)),
        };
        ready.claimed = claimed;
        let restore_snooze = matches!(ready.action, Action::Assign(_)) && sending.snoozed_until.is_some();
        let mut deeds = made_before(&ready);
        for (index, wish) in open.iter().enumerate() {
            match self.grant(id, acting, wish, &ready.fresh).await {
                Ok(granted) => {
                    deeds.extend(granted.deed);
                    if index + 1 < open.len() {
                        // Whatever becomes of the rest, this much is known as ours.
                        let answered = Answered { deeds: &deeds, look_at: sending.look_at, restore_snooze };
                        self.store.answered(claimed, &answered).await?;
                        reached(Point::Known).await;
                    }
                    if let (Wish::Snoozed(_), Some(answer)) = (wish, &granted.answer) {
                        // A snooze hides what the contact may just have written, as a close does.
                        let outcome = self.shut(id, acting, ready, &sending, answer).await?;
                        return Ok((claimed, outcome, Next::Go));
                    }
                }
                Err(SweepError::Intercom(error)) => return self.not_granted(id, claimed, &sending, error).await,
                Err(error) => return Err(error),
            }
        }
        let at = deeds.last().map_or_else(|| self.standpoint.now(), |deed| deed.at);
        Ok((claimed, Outcome::Done { at, deeds, restore_snooze, why: ready.why }, Next::Go))
    }

    /// Puts on what was to follow a close. Each wish goes its own way: one that is refused stops no other.
    pub(super) async fn grant_what_follows(&self, pending: &Pending, acting: &Acting) -> Result<Followed, SweepError> {
        let fresh = self.read(&pending.conversation).await?;
        let facts = known_facts(&fresh);
        let again = self.standpoint.now() + FOLLOW_AGAIN;
        let (mut deeds, mut left, mut refusal) = (Vec::new(), Vec::new(), None);
        let mut wishes = pending.wishes.iter().filter(|wish| !wish.is_so(&facts));
        for wish in wishes.by_ref() {
            match self.grant(&pending.conversation, acting, wish, &fresh).await {
                Ok(granted) => deeds.extend(granted.deed),
                Err(SweepError::Intercom(error)) => {
                    left.push(wish.clone());
                    match error.class() {
                        Class::Refused | Class::BadRequest => refusal = Some(error),
                        Class::Gone => return Ok(Followed::NotNeeded("it no longer exists in Intercom")),
                        _ if deeds.is_empty() && refusal.is_none() => return Err(error.into()),
                        // Intercom is in trouble: the rest waits.
                        class => {
                            if is_general(class) {
                                drop(self.noted(error));
                            }
                            break;
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let unasked: Vec<Wish> = wishes.cloned().collect();
        let given_up = refusal.as_ref().filter(|_| unasked.is_empty() && pending.follow_tries + 1 >= REFUSALS);
        left.extend(unasked);
        deeds.extend(made_though_lost(pending, &fresh, acting));
        let missing = given_up.map(|error| not_put_on(&left, error));
        let again = (!left.is_empty() && missing.is_none()).then_some(again);
        Ok(Followed::Granted { deeds, left, again, refused: refusal.is_some(), missing })
    }

    /// One call, or two where a tag may have to be created first.
    async fn grant(
        &self,
        id: &ConversationId,
        acting: &Acting,
        wish: &Wish,
        fresh: &Fresh,
    ) -> Result<Granted, SweepError> {
        self.confirm_the_lease().await?;
        let (intercom, admin_id) = (&self.intercom, &*acting.admin_id);
        let answer = match wish {
            Wish::Snoozed(until) => intercom.snooze(id, admin_id, *until).await,
            Wish::Open => intercom.open(id, admin_id).await,
            Wish::Team(team) => intercom.assign(id, admin_id, Assignee::Team(team.as_deref())).await,
            Wish::Teammate(admin) => intercom.assign(id, admin_id, Assignee::Teammate(admin.as_deref())).await,
            Wish::Attribute(name, value) => {
                let value = attribute::to_json(Some(value));
                let update = Update { custom_attributes: [(name.clone(), value)].into_iter().collect(), read: None };
                intercom.update(id, &update).await
            }
            Wish::Read(read) => intercom.update(id, &Update { read: Some(*read), ..Update::default() }).await,
            Wish::Tagged(_) | Wish::Untagged(_) => return self.grant_tag(id, acting, wish, fresh).await,
        };
        reached(Point::Answered).await;
        self.note_answer(&answer);
        let answer = answer?;
        // The answer tells the new state; its webhook may come late or never.
        self.store.record_fetched(answer.value.sighting.clone(), &self.context()).await?;
        reached(Point::Folded).await;
        let deed = our_part(acting, fresh, &answer);
        Ok(Granted { deed: Some(deed), answer: Some(answer) })
    }

    async fn grant_tag(
        &self,
        id: &ConversationId,
        acting: &Acting,
        wish: &Wish,
        fresh: &Fresh,
    ) -> Result<Granted, SweepError> {
        let answer = match wish {
            Wish::Tagged(name) => {
                let tag = self.intercom.create_tag(name).await;
                self.note_answer(&tag);
                self.intercom.tag(id, &acting.admin_id, &tag?.value.id).await
            }
            Wish::Untagged(name) => match tag_id(fresh, name) {
                Some(tag_id) => self.intercom.untag(id, &acting.admin_id, tag_id).await,
                None if fresh.decided.conversation.facts().is_some_and(|facts| facts.tags.is_some()) => {
                    return Ok(Granted::already());
                }
                None => return Err(IntercomError::WrongAnswer("a conversation whose tags cannot be read").into()),
            },
            _ => return Err(IntercomError::BadRequest("this is no tag").into()),
        };
        reached(Point::Answered).await;
        self.note_answer(&answer);
        match answer {
            Ok(answer) => Ok(Granted { deed: Some(Deed { at: answer.at, part: None }), answer: None }),
            // Somebody has taken it off since it was read.
            Err(error) if matches!(wish, Wish::Untagged(_)) && says(&error, "tag_not_found") => Ok(Granted::already()),
            Err(error) => Err(error.into()),
        }
    }

    async fn not_granted(
        &self,
        id: &ConversationId,
        claimed: Claimed,
        sending: &Sending,
        error: IntercomError,
    ) -> Result<(Claimed, Outcome, Next), SweepError> {
        let next = super::send::next_after(error.class());
        Ok((claimed, self.refused_or_lost(id, claimed, sending, error).await?, next))
    }
}

/// A wish that came true.
struct Granted {
    /// The part that it made; none if it was so already.
    deed: Option<Deed>,
    /// The conversation as the answer shows it, where it shows one.
    answer: Option<Answer<ReadConversation>>,
}

impl Granted {
    fn already() -> Granted {
        Granted { deed: None, answer: None }
    }
}

/// What an earlier try of the same step has made.
fn made_before(ready: &Ready) -> Vec<Deed> {
    ready.earlier().map(|earlier| earlier.deeds.clone()).unwrap_or_default()
}

/// Parts of labels that were put on after the close although the answer was lost: they must be known as our own.
fn made_though_lost(pending: &Pending, fresh: &Fresh, acting: &Acting) -> Vec<Deed> {
    let silent = |part: &&Part| part.classes.iter().all(|class| *class == Activity::Other);
    let since = |part: &&Part| Some(part.at) >= pending.done_at && by_us(part, acting);
    let made = fresh.read.sighting.parts.iter().filter(silent).filter(since);
    let made = made.map(|part| Deed { at: part.at, part: part.id });
    made.filter(|deed| !pending.deeds.contains(deed)).collect()
}

fn says(error: &IntercomError, code: &str) -> bool {
    error.refusal().and_then(|refusal| refusal.code.as_deref()) == Some(code)
}

/// What of a close's labels is missing for good, and why.
pub(super) fn not_put_on(wishes: &[Wish], error: &IntercomError) -> String {
    format!("not put on: {}: {error}", listed(wishes))
}

fn known_facts(fresh: &Fresh) -> Facts {
    fresh.decided.conversation.facts().cloned().unwrap_or_default()
}

fn tag_id<'a>(fresh: &'a Fresh, name: &str) -> Option<&'a str> {
    let tags = fresh.decided.conversation.facts()?.tags.as_ref()?;
    tags.iter().find(|tag| tag.name == name).map(|tag| tag.id.as_str())
}

fn listed(wishes: &[Wish]) -> String {
    wishes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
