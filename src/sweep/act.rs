//! Acting on one conversation: claim, read, decide again, one call, compare, commit.

use jiff::{SignedDuration, Timestamp};

use super::read::{Fresh, inputs};
use super::{FRESH, SweepError, Sweeper, Swept, is_general};
use crate::engine::conversation::{ConversationId, State};
use crate::engine::history::Deed;
use crate::engine::rule::{self, RuleName, StepId};
use crate::engine::{Action, Decision};
use crate::intercom::client::{Answer, ReadConversation};
use crate::intercom::error::{Class, IntercomError};
use crate::message::{self, Values};
use crate::safety::{Acting, Budget, Spent};
use crate::store::{Claim, Claimed, Inputs, Outcome, Sending};

/// A definite refusal rests that long before the step is tried again.
const PARKED: SignedDuration = SignedDuration::from_hours(24);
/// Refusals after which a step has failed for good.
const REFUSALS: u32 = 3;
/// Reading the conversation, the contact's name, the call itself.
const CALLS_OF_A_DEED: u32 = 3;
/// A due conversation that cannot be read, or whose budget is spent without a known end, rests that long.
const REST: SignedDuration = SignedDuration::from_mins(1);

/// A step that the stored facts say is due.
struct DueStep {
    rule: RuleName,
    step: StepId,
    anchor_at: Timestamp,
    due_at: Timestamp,
}

/// A deed whose facts were read, whose text is written, and that only waits to be sent.
struct Ready {
    claimed: Claimed,
    fresh: Fresh,
    action: Action,
    text: Option<String>,
    why: String,
    inputs: Inputs,
}

impl Sweeper {
    /// Looks at one due conversation. `false` ends the sweep, as this sweep's budget is spent.
    pub(super) async fn act_on(
        &self,
        id: &ConversationId,
        acting: &Acting,
        budget: &mut Budget,
        swept: &mut Swept,
    ) -> Result<bool, SweepError> {
        let context = self.context();
        let Some(known) = self.known(id, &context).await? else { return Ok(true) };
        let Decision::Act { rule, step, anchor_at, due_at, action, .. } = known.decision else {
            // Due, but not to be acted on: a snooze has ended, or Intercom was to be asked again.
            swept.waiting += 1;
            self.read_or_note(&acting.app_id, id).await?;
            self.rest_if_still_due(id, acting).await?;
            return Ok(true);
        };
        let due = DueStep { rule, step, anchor_at, due_at };
        let claim = Claim { app_id: &acting.app_id, conversation: id, rule: &due.rule, step, anchor_at, due_at };
        let Some(claimed) = self.store.claim(&claim, context.now).await? else {
            self.store.reschedule(id, &context).await?;
            return Ok(true);
        };
        if let Err(spent) = budget.allows(step.kind, speaks(&action)) {
            return self.over_budget(id, acting, claimed, spent, budget, &known.conversation).await;
        }
        // All calls of a deed are reserved ahead, so that none of them waits between the reading and the call.
        let permits = self.intercom.permits(CALLS_OF_A_DEED).await;
        let prompt = Sweeper { intercom: self.intercom.with(permits), ..self.clone() };
        prompt.perform(id, acting, claimed, &due, budget, swept).await?;
        Ok(true)
    }

    async fn over_budget(
        &self,
        id: &ConversationId,
        acting: &Acting,
        claimed: Claimed,
        spent: Spent,
        budget: &Budget,
        conversation: &crate::engine::Conversation,
    ) -> Result<bool, SweepError> {
        if spent == Spent::Sweep {
            return Ok(false);
        }
        let now = self.standpoint.now();
        self.store.settle(claimed.id, &Outcome::Deferred(spent.to_string()), &inputs(conversation, &[]), now).await?;
        let again = budget.grows_at.unwrap_or(now).max(now + REST);
        self.store.put_off(&acting.app_id, id, again).await?;
        Ok(true)
    }

    /// Reads, decides again, and if it still holds does it.
    async fn perform(
        &self,
        id: &ConversationId,
        acting: &Acting,
        claimed: Claimed,
        due: &DueStep,
        budget: &mut Budget,
        swept: &mut Swept,
    ) -> Result<(), SweepError> {
        let fresh = match self.read(id).await {
            Ok(fresh) => fresh,
            Err(error) => return self.unreadable(id, acting, claimed, error).await,
        };
        let prepared = self.prepare(claimed, due, fresh).await;
        let (outcome, inputs) = match prepared {
            Err(not) => *not,
            Ok(ready) if self.settings.dry_run => (Outcome::DryRun(ready.why), ready.inputs),
            Ok(ready) => {
                budget.spend(due.step.kind, ready.text.is_some());
                let inputs = ready.inputs.clone();
                (self.send(id, acting, ready).await?, inputs)
            }
        };
        let settled = self.settle(id, acting, claimed.id, &outcome, &inputs, due).await?;
        swept.count(settled);
        Ok(())
    }

    /// The facts as just read decide. What is not due any more ends here.
    async fn prepare(&self, claimed: Claimed, due: &DueStep, fresh: Fresh) -> Result<Ready, Box<(Outcome, Inputs)>> {
        let facts = inputs(
            &fresh.decided.conversation,
            &[("anchor_at", due.anchor_at.to_string()), ("due_at", due.due_at.to_string())],
        );
        let (action, why) = match &fresh.decided.decision {
            Decision::Act { rule, step, anchor_at, action, why, .. }
                if *rule == due.rule && *step == due.step && *anchor_at == due.anchor_at =>
            {
                (action.clone(), why.to_string())
            }
            Decision::Act { rule, step, .. } => {
                return Err(Box::new((
                    Outcome::Left(format!("things have changed: now rule `{rule}`, step `{step}` is due")),
                    facts,
                )));
            }
            other => return Err(Box::new((Outcome::Left(other.why().to_string()), facts))),
        };
        let text = match &action {
            Action::PassOver { why } => return Err(Box::new((Outcome::Passed(why.to_string()), facts))),
            Action::Close { body: None, .. } => None,
            Action::Close { body: Some(body), .. } => Some(self.write(body, None, due, &fresh).await),
            Action::Reply { body, closes_at } => Some(self.write(body, *closes_at, due, &fresh).await),
        };
        match text.transpose() {
            Ok(text) => {
                let muted = matches!(action, Action::Close { muted: true, .. });
                let why = if muted { format!("{why}; silently, as its channel does not allow the text") } else { why };
                Ok(Ready { claimed, fresh, action, text, why, inputs: facts })
            }
            Err(error) => Err(Box::new((Outcome::Failed(format!("its message cannot be written: {error}")), facts))),
        }
    }

    async fn write(
        &self,
        template: &str,
        closes_at: Option<Timestamp>,
        due: &DueStep,
        fresh: &Fresh,
    ) -> Result<String, message::TemplateError> {
        let contact_name = self.contact_name(template, &fresh.read).await;
        let now = self.standpoint.now();
        let values = Values {
            rule: due.rule.to_string(),
            closes_at: closes_at.or(Some(now)),
            quiet_for: now.duration_since(due.anchor_at),
            contact_first_name: contact_name
                .as_deref()
                .and_then(|name| name.split_whitespace().next())
                .map(str::to_owned),
            contact_name,
            conversation_id: fresh.decided.conversation.id.to_string(),
            conversation_title: fresh.read.title.clone(),
            teammate_name: None,
            timezone: self.settings.timezone.clone(),
        };
        message::render(template, &values)
    }

    /// The contact's name, if the text asks for it. Without an answer the text's own default is used.
    async fn contact_name(&self, template: &str, read: &ReadConversation) -> Option<String> {
        let uses = message::check(template).ok()?;
        let id = read.contact_id.as_ref().filter(|_| uses.contact)?;
        match self.intercom.contact(id).await {
            Ok(contact) => contact.name,
            Err(error) => {
                tracing::info!(error = %error, "the contact's name could not be read; the message uses its default");
                None
            }
        }
    }

    /// The one call. It is written down before it leaves, so that whatever happens it is never sent blindly again.
    async fn send(&self, id: &ConversationId, acting: &Acting, ready: Ready) -> Result<Outcome, SweepError> {
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
            return Ok(Outcome::Left("another attempt at the same step is under way".into()));
        }
        let age = self.standpoint.clock().elapsed().saturating_sub(ready.fresh.received);
        if age > FRESH {
            return Ok(Outcome::Deferred("what was read had grown old before the call could leave".into()));
        }
        let text = ready.text.as_deref();
        let closes = matches!(ready.action, Action::Close { .. });
        let answer = match (&ready.action, text) {
            (Action::Reply { .. }, Some(text)) => self.intercom.reply(id, &acting.admin_id, text).await,
            (Action::Close { .. }, text) => self.intercom.close(id, &acting.admin_id, text).await,
            (Action::Reply { .. }, None) | (Action::PassOver { .. }, _) => {
                return Ok(Outcome::Deferred("there was nothing to send".into()));
            }
        };
        match answer {
            Ok(answer) if closes => self.closed(id, acting, ready, &sending, &answer).await,
            Ok(answer) => Ok(replied(acting, ready, &sending, &answer)),
            Err(error) => self.refused_or_lost(id, ready.claimed, &sending, error).await,
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
        let deed = our_part(acting, answer);
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

    /// Could not be read: nothing is done.
    async fn unreadable(
        &self,
        id: &ConversationId,
        acting: &Acting,
        claimed: Claimed,
        error: SweepError,
    ) -> Result<(), SweepError> {
        let SweepError::Intercom(error) = error else { return Err(error) };
        let now = self.standpoint.now();
        let outcome = match error.class() {
            Class::Gone => Outcome::Left(error.to_string()),
            Class::Refused => Outcome::Parked { until: now + PARKED, why: error.to_string() },
            _ => Outcome::Deferred(format!("it could not be read: {error}")),
        };
        self.store.settle(claimed.id, &outcome, &Inputs("{}".into()), now).await?;
        match error.class() {
            Class::Gone => self.is_gone(id).await?,
            class if is_general(class) => return Err(self.noted(error)),
            _ => {
                self.store.reschedule(id, &self.context()).await?;
                self.rest_if_still_due(id, acting).await?;
            }
        }
        Ok(())
    }

    /// Commits the outcome and decides again on the conversation.
    async fn settle(
        &self,
        id: &ConversationId,
        acting: &Acting,
        attempt: i64,
        outcome: &Outcome,
        inputs: &Inputs,
        due: &DueStep,
    ) -> Result<&'static str, SweepError> {
        let settled = self.store.settle(attempt, outcome, inputs, self.standpoint.now()).await?;
        if settled.news {
            tracing::info!(
                conversation.id = %id, rule = %due.rule, step = %due.step, outcome = settled.outcome, why = outcome.why(),
                "{} `{}` of rule `{}` on conversation {id}", settled.outcome, due.step, due.rule
            );
        }
        self.store.reschedule(id, &self.context()).await?;
        if matches!(outcome, Outcome::Deferred(_)) {
            self.rest_if_still_due(id, acting).await?;
        }
        Ok(settled.outcome)
    }

    /// What is still due after it was looked at must not be looked at again in every sweep.
    async fn rest_if_still_due(&self, id: &ConversationId, acting: &Acting) -> Result<(), SweepError> {
        let context = self.context();
        let Some(known) = self.known(id, &context).await? else { return Ok(()) };
        if known.decision.due_at().is_some_and(|due| due <= context.now) {
            self.store.put_off(&acting.app_id, id, context.now + REST).await?;
        }
        Ok(())
    }
}

fn speaks(action: &Action) -> bool {
    template(action).is_some()
}

fn template(action: &Action) -> Option<&str> {
    match action {
        Action::Reply { body, .. } => Some(body),
        Action::Close { body, .. } => body.as_deref(),
        Action::PassOver { .. } => None,
    }
}

fn unclear(sending: &Sending, why: &str) -> Outcome {
    Outcome::Unclear { look_at: sending.look_at, why: why.into() }
}

/// The part that a call made: the newest one by our admin in its answer. An answer that shows none is a yes all the
/// same; the part is known by its time and text then.
pub(super) fn our_part(acting: &Acting, answer: &Answer<ReadConversation>) -> Deed {
    let parts = &answer.value.sighting.parts;
    let ours = parts.iter().filter(|part| part.admin_id.as_deref() == Some(&acting.admin_id) && is_part(part.id));
    let newest = ours.max_by_key(|part| (part.id, part.at)).map(|part| Deed { at: part.at, part: part.id });
    newest.unwrap_or(Deed { at: answer.at, part: None })
}

fn is_part(id: Option<crate::engine::PartId>) -> bool {
    matches!(id, Some(crate::engine::PartId::Part(_)))
}

fn replied(acting: &Acting, ready: Ready, sending: &Sending, answer: &Answer<ReadConversation>) -> Outcome {
    let deed = our_part(acting, answer);
    Outcome::Done { deed, restore_snooze: sending.snoozed_until.is_some(), why: ready.why }
}

/// What a fresh look after our close shows.
pub(super) fn raced_or_done(
    now: &Fresh,
    deed: Deed,
    seen: Option<crate::engine::conversation::Moment>,
    why: String,
) -> Outcome {
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
