//! Acting on one conversation: claim, read, decide again, one call, compare, commit.

use jiff::{SignedDuration, Timestamp};

use super::read::{Fresh, inputs};
use super::send::refused;
use super::write::{NotWritten, Written};
use super::{FRESH, SweepError, Sweeper, Swept, is_general};
use crate::engine::backlog::Stands;
use crate::engine::conversation::{Conversation, ConversationId};
use crate::engine::rule::{RuleName, StepId};
use crate::engine::{Action, Decision, Wish};
use crate::intercom::error::Class;
use crate::sabotage::{Bug, Point, planted, reached};
use crate::safety::{Acting, Budget, Spent};
use crate::store::{Claim, Claimed, Inputs, Outcome, Pauses, Settled};

/// Reading the conversation, the contact's name, the conversation once more, the call itself.
const CALLS_OF_A_DEED: u32 = 4;
/// A due conversation that cannot be read, or whose budget is spent without a known end, rests that long.
const REST: SignedDuration = SignedDuration::from_mins(1);

/// A step that the stored facts say is due.
pub(super) struct DueStep {
    pub(super) rule: RuleName,
    pub(super) step: StepId,
    pub(super) anchor_at: Timestamp,
    pub(super) due_at: Timestamp,
}

impl DueStep {
    pub(super) fn of(decision: &Decision) -> Option<DueStep> {
        let Decision::Act { rule, step, anchor_at, due_at, .. } = decision else { return None };
        Some(DueStep { rule: rule.clone(), step: *step, anchor_at: *anchor_at, due_at: *due_at })
    }
}

/// A deed whose facts were read, whose text is written, and that only waits to be sent.
pub(super) struct Ready {
    pub(super) claimed: Claimed,
    pub(super) fresh: Fresh,
    pub(super) action: Action,
    pub(super) rule: RuleName,
    pub(super) step: StepId,
    pub(super) anchor_at: Timestamp,
    pub(super) text: Option<String>,
    pub(super) wishes: Vec<Wish>,
    pub(super) why: String,
    inputs: Inputs,
}

/// What reading came to.
enum Prepared {
    /// It is to be sent.
    Ready(Box<Ready>),
    /// It is not, and that is how it ends.
    Not(Outcome, Inputs),
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
        pauses: &Pauses,
        budget: &mut Budget,
        swept: &mut Swept,
    ) -> Result<Next, SweepError> {
        let context = self.context();
        let Some(known) = self.known(id, &context).await? else { return Ok(Next::Go) };
        let decision = known.decision.clone();
        let Decision::Act { rule, step, anchor_at, due_at, action, .. } = known.decision else {
            // Due, but not to be acted on: a snooze has ended, or Intercom was to be asked again.
            swept.waiting += 1;
            return self.only_read(id, acting).await;
        };
        if budget.allows(step.kind, action.speaks()) == Err(Spent::Sweep) {
            return Ok(Next::Stop);
        }
        let due = DueStep { rule, step, anchor_at, due_at };
        let stands = known.entry.as_ref().map(|entry| entry.stands(&decision));
        if stands == Some(Stands::Waits) {
            self.store.reschedule(id, &context).await?;
            return Ok(Next::Go);
        }
        let claim = Claim { app_id: &acting.app_id, conversation: id, rule: &due.rule, step, anchor_at, due_at };
        let Some(claimed) = self.store.claim(&claim, context.now).await? else {
            self.store.reschedule(id, &context).await?;
            return Ok(Next::Go);
        };
        reached(Point::Claimed).await;
        if let Some(why) = pauses.of(&due.rule) {
            self.commit(claimed, &Outcome::Deferred(why), &inputs(&known.conversation, &[])).await?;
            self.rest_if_still_due(id, acting).await?;
            return Ok(Next::Go);
        }
        let released = matches!(stands, Some(Stands::LetGo(_)));
        let late =
            if released || self.settings.dry_run { None } else { self.too_late(&due, claimed.able_until, context.now) };
        if let Some(outcome) = late {
            let settled = self.commit(claimed, &outcome, &inputs(&known.conversation, &[])).await?;
            swept.count(settled.outcome);
            return Ok(Next::Go);
        }
        let claimed = Claimed { able: !self.settings.dry_run, released, ..claimed };
        if let Err(spent) = budget.allows(step.kind, action.speaks()).and_then(|()| budget.lets_go(released)) {
            self.over_budget(id, acting, claimed, spent, budget, &known.conversation).await?;
            return Ok(Next::Go);
        }
        let Some(prompt) = self.board.unless_it_stops(self.prompt(&action)).await else {
            let why = Outcome::Deferred("the daemon stopped before it was its turn".into());
            self.commit(claimed, &why, &inputs(&known.conversation, &[])).await?;
            return Ok(Next::Stop);
        };
        let (next, to_follow) = Box::pin(prompt.perform(id, acting, claimed, &due, budget, swept)).await?;
        drop(prompt);
        if to_follow {
            self.follow_up(acting, Some(id)).await?;
        }
        Ok(next)
    }

    /// All calls of a deed are reserved ahead, so that none of them waits between the reading and the call. Labels may
    /// take any number of calls, and their time.
    async fn prompt(&self, action: &Action) -> Sweeper {
        if matches!(action, Action::Label { .. }) {
            return self.clone();
        }
        let permits = self.intercom.permits(CALLS_OF_A_DEED).await;
        Sweeper { intercom: self.intercom.with(permits), ..self.clone() }
    }

    /// Reads what is due for another look. What cannot be read rests, so that it does not stand in the way of others.
    pub(super) async fn only_read(&self, id: &ConversationId, acting: &Acting) -> Result<Next, SweepError> {
        let failed = self.read_or_note(&acting.app_id, id).await?;
        self.rest_if_still_due(id, acting).await?;
        Ok(if failed.is_some_and(|error| error.class() == Class::Ambiguous) { Next::Stop } else { Next::Go })
    }

    /// Waits until the hour's budget grows again.
    async fn over_budget(
        &self,
        id: &ConversationId,
        acting: &Acting,
        claimed: Claimed,
        spent: Spent,
        budget: &mut Budget,
        conversation: &Conversation,
    ) -> Result<(), SweepError> {
        let context = self.context();
        let again = budget.come_back(context.now + REST);
        let outcome = Outcome::Later { until: again, why: spent.to_string() };
        self.commit(claimed, &outcome, &inputs(conversation, &[])).await?;
        Ok(self.store.put_off(&acting.app_id, id, context.now, again).await?)
    }

    /// Reads, decides again, and if it still holds does it. Tells whether something is still to do after it.
    async fn perform(
        &self,
        id: &ConversationId,
        acting: &Acting,
        claimed: Claimed,
        due: &DueStep,
        budget: &mut Budget,
        swept: &mut Swept,
    ) -> Result<(Next, bool), SweepError> {
        let prepared = match self.prepare(id, claimed, due).await {
            Ok(prepared) => prepared,
            Err(error) => return Ok((self.unreadable(id, acting, claimed, error).await?, false)),
        };
        let (mut next, mut claimed) = (Next::Go, claimed);
        let (outcome, inputs) = match prepared {
            Prepared::Not(outcome, inputs) => (outcome, inputs),
            Prepared::Ready(ready) => {
                let inputs = ready.inputs.clone();
                let speaks = ready.action.speaks();
                if let Err(spent) = budget.allows(due.step.kind, speaks) {
                    let until = self.standpoint.now() + REST;
                    (Outcome::Later { until, why: spent.to_string() }, inputs)
                } else {
                    // Dry-run differs in this last step alone.
                    budget.spend(due.step.kind, speaks);
                    budget.let_go(claimed.released);
                    let outcome;
                    (claimed, outcome, next) = if self.settings.dry_run {
                        (claimed, Outcome::DryRun { speaks, why: ready.why }, Next::Go)
                    } else {
                        self.send(id, acting, *ready).await?
                    };
                    (outcome, inputs)
                }
            }
        };
        let settled = self.settle(id, acting, claimed, &outcome, &inputs, due).await?;
        swept.count(settled.outcome);
        Ok((next, settled.to_follow))
    }

    /// The facts as just read decide. Writing the text may ask Intercom for the contact's name: if that took long,
    /// the conversation is read once more.
    async fn prepare(&self, id: &ConversationId, claimed: Claimed, due: &DueStep) -> Result<Prepared, SweepError> {
        let stored = if planted(Bug::DecidesOnWhatIsStored) { self.known(id, &self.context()).await? } else { None };
        let mut fresh = self.read(id).await?;
        fresh.decided = stored.unwrap_or(fresh.decided);
        reached(Point::Read).await;
        let facts = inputs_of(due, &fresh);
        let (action, why) = match still_due(due, &fresh) {
            Ok(due) => due,
            Err(outcome) => return Ok(Prepared::Not(outcome, facts)),
        };
        let Written { text, wishes } = match self.write(&action, due, &fresh).await {
            Ok(written) => written,
            Err(error @ NotWritten::Template(_)) => {
                return Ok(Prepared::Not(Outcome::Failed(error.to_string()), facts));
            }
            Err(error) => return Ok(Prepared::Not(Outcome::Deferred(error.to_string()), facts)),
        };
        if self.is_old(&fresh) {
            fresh = self.read(id).await?;
            match still_due(due, &fresh) {
                Ok((again, _)) if again.template() == action.template() => {}
                Ok(_) => return Ok(Prepared::Not(Outcome::Left("things have changed meanwhile".into()), facts)),
                Err(outcome) => return Ok(Prepared::Not(outcome, facts)),
            }
        }
        let inputs = inputs_of(due, &fresh);
        let (rule, step, anchor_at) = (due.rule.clone(), due.step, due.anchor_at);
        let ready = Ready { claimed, fresh, action, rule, step, anchor_at, text, wishes, why, inputs };
        Ok(Prepared::Ready(Box::new(ready)))
    }

    /// Could not be read: nothing is done.
    async fn unreadable(
        &self,
        id: &ConversationId,
        acting: &Acting,
        claimed: Claimed,
        error: SweepError,
    ) -> Result<Next, SweepError> {
        let error = match error {
            SweepError::Intercom(error) => error,
            SweepError::Forgotten => return Ok(Next::Go),
            error @ SweepError::Store(_) => return Err(error),
        };
        let outcome = match error.class() {
            Class::Gone => Outcome::Left(error.to_string()),
            Class::Refused => refused(claimed, self.standpoint.now(), error.to_string()),
            _ => Outcome::Deferred(format!("it could not be read: {error}")),
        };
        if error.class() == Class::Gone {
            self.is_gone(id).await?;
        }
        self.commit(claimed, &outcome, &Inputs("{}".into())).await?;
        if is_general(error.class()) {
            return Err(self.noted(error));
        }
        self.rest_if_still_due(id, acting).await?;
        // Intercom may be in trouble: the others wait for the next sweep, in which this one still rests.
        Ok(if error.class() == Class::Ambiguous { Next::Stop } else { Next::Go })
    }

    /// Commits the outcome, and what the conversation comes to now.
    async fn settle(
        &self,
        id: &ConversationId,
        acting: &Acting,
        claimed: Claimed,
        outcome: &Outcome,
        inputs: &Inputs,
        due: &DueStep,
    ) -> Result<Settled, SweepError> {
        let settled = self.commit(claimed, outcome, inputs).await?;
        if settled.news {
            tracing::info!(
                conversation.id = %id, rule = %due.rule, step = %due.step, outcome = settled.outcome, why = outcome.why(),
                "{} `{}` of rule `{}` on conversation {id}", settled.outcome, due.step, due.rule
            );
        }
        if matches!(outcome, Outcome::Deferred(_) | Outcome::Later { .. } | Outcome::Left(_)) {
            self.rest_if_still_due(id, acting).await?;
        }
        Ok(settled)
    }

    /// What is still due after it was looked at must not be looked at again in every sweep.
    async fn rest_if_still_due(&self, id: &ConversationId, acting: &Acting) -> Result<(), SweepError> {
        let now = self.standpoint.now();
        Ok(self.store.put_off(&acting.app_id, id, now, now + REST).await?)
    }

    /// Whether what was read is too old to act on.
    pub(super) fn is_old(&self, fresh: &Fresh) -> bool {
        self.standpoint.clock().elapsed().saturating_sub(fresh.received) > FRESH
    }
}

/// What the fresh facts say about the step, unless it is not to be done any more.
fn still_due(due: &DueStep, fresh: &Fresh) -> Result<(Action, String), Outcome> {
    match &fresh.decided.decision {
        Decision::Act { rule, step, anchor_at, action, why, .. }
            if *rule == due.rule && *step == due.step && *anchor_at == due.anchor_at =>
        {
            match action {
                Action::PassOver { why } => Err(Outcome::Passed(why.to_string())),
                Action::Close { muted: Some(reason), .. } => {
                    Ok((action.clone(), format!("{why}; silently, as {}", reason.cause())))
                }
                _ => Ok((action.clone(), why.to_string())),
            }
        }
        Decision::Act { rule, step, .. } => {
            Err(Outcome::Left(format!("things have changed: now rule `{rule}`, step `{step}` is due")))
        }
        other => Err(Outcome::Left(other.why().to_string())),
    }
}

fn inputs_of(due: &DueStep, fresh: &Fresh) -> Inputs {
    let period = [("anchor_at", due.anchor_at.to_string()), ("due_at", due.due_at.to_string())];
    inputs(&fresh.decided.conversation, &period)
}
