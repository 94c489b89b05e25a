//! Acting on one conversation: claim, read, decide again, one call, compare, commit.

use jiff::{SignedDuration, Timestamp};

use super::read::{Fresh, inputs};
use super::send::PARKED;
use super::{SweepError, Sweeper, Swept, is_general};
use crate::engine::conversation::{Conversation, ConversationId};
use crate::engine::rule::{RuleName, StepId};
use crate::engine::{Action, Decision};
use crate::intercom::client::ReadConversation;
use crate::intercom::error::Class;
use crate::message::{self, Values};
use crate::safety::{Acting, Budget, Spent};
use crate::store::{Claim, Claimed, Inputs, Outcome};
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
pub(super) struct Ready {
    pub(super) claimed: Claimed,
    pub(super) fresh: Fresh,
    pub(super) action: Action,
    pub(super) text: Option<String>,
    pub(super) why: String,
    inputs: Inputs,
}

/// Whether the sweep goes on to the next conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Go,
    Stop,
}

impl Sweeper {
    /// Looks at one due conversation.
    pub(super) async fn act_on(
        &self,
        id: &ConversationId,
        acting: &Acting,
        budget: &mut Budget,
        swept: &mut Swept,
    ) -> Result<Next, SweepError> {
        let context = self.context();
        let Some(known) = self.known(id, &context).await? else { return Ok(Next::Go) };
        let Decision::Act { rule, step, anchor_at, due_at, action, .. } = known.decision else {
            // Due, but not to be acted on: a snooze has ended, or Intercom was to be asked again.
            swept.waiting += 1;
            self.read_or_note(&acting.app_id, id).await?;
            self.rest_if_still_due(id, acting).await?;
            return Ok(Next::Go);
        };
        if budget.allows(step.kind, speaks(&action)) == Err(Spent::Sweep) {
            return Ok(Next::Stop);
        }
        let due = DueStep { rule, step, anchor_at, due_at };
        let claim = Claim { app_id: &acting.app_id, conversation: id, rule: &due.rule, step, anchor_at, due_at };
        let Some(claimed) = self.store.claim(&claim, context.now).await? else {
            self.store.reschedule(id, &context).await?;
            return Ok(Next::Go);
        };
        if let Err(spent) = budget.allows(step.kind, speaks(&action)) {
            self.over_budget(id, acting, claimed, spent, budget, &known.conversation).await?;
            return Ok(Next::Go);
        }
        // All calls of a deed are reserved ahead, so that none of them waits between the reading and the call.
        let permits = self.intercom.permits(CALLS_OF_A_DEED).await;
        let prompt = Sweeper { intercom: self.intercom.with(permits), ..self.clone() };
        prompt.perform(id, acting, claimed, &due, budget, swept).await
    }

    /// Waits until the hour's budget grows again.
    async fn over_budget(
        &self,
        id: &ConversationId,
        acting: &Acting,
        claimed: Claimed,
        spent: Spent,
        budget: &Budget,
        conversation: &Conversation,
    ) -> Result<(), SweepError> {
        let now = self.standpoint.now();
        self.store.settle(claimed.id, &Outcome::Deferred(spent.to_string()), &inputs(conversation, &[]), now).await?;
        let again = budget.grows_at.unwrap_or(now).max(now + REST);
        Ok(self.store.put_off(&acting.app_id, id, again).await?)
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
    ) -> Result<Next, SweepError> {
        let fresh = match self.read(id).await {
            Ok(fresh) => fresh,
            Err(error) => return self.unreadable(id, acting, claimed, error).await,
        };
        let prepared = self.prepare(claimed, due, fresh).await;
        let mut next = Next::Go;
        let (outcome, inputs) = match prepared {
            Err(not) => *not,
            Ok(ready) if self.settings.dry_run => (Outcome::DryRun(ready.why), ready.inputs),
            Ok(ready) => {
                let inputs = ready.inputs.clone();
                let speaks = ready.text.is_some();
                if let Err(spent) = budget.allows(due.step.kind, speaks) {
                    (Outcome::Deferred(spent.to_string()), inputs)
                } else {
                    budget.spend(due.step.kind, speaks);
                    let outcome;
                    (outcome, next) = self.send(id, acting, ready).await?;
                    (outcome, inputs)
                }
            }
        };
        let settled = self.settle(id, acting, claimed.id, &outcome, &inputs, due).await?;
        swept.count(settled);
        if outcome.leaves_something_to_do() {
            self.follow_up(acting).await?;
        }
        Ok(next)
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

    /// Could not be read: nothing is done.
    async fn unreadable(
        &self,
        id: &ConversationId,
        acting: &Acting,
        claimed: Claimed,
        error: SweepError,
    ) -> Result<Next, SweepError> {
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
        // Intercom may be in trouble: the others wait for the next sweep, in which this one still rests.
        Ok(if error.class() == Class::Ambiguous { Next::Stop } else { Next::Go })
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

pub(super) fn template(action: &Action) -> Option<&str> {
    match action {
        Action::Reply { body, .. } => Some(body),
        Action::Close { body, .. } => body.as_deref(),
        Action::PassOver { .. } => None,
    }
}
