//! Before anything is done: what came due all at once, at a first start, after a gap or by other rules.
//!
//! Owns: counting it, and putting all of it aside where it is too much. Nothing is done before both have ended, and a
//! crash in between begins again where it was.

use jiff::{SignedDuration, Timestamp};

use super::act::{DueStep, Next};
use super::read::inputs;
use super::{DAMAGED_RESTS, READS_AT_ONCE, SweepError, Sweeper};
use crate::engine::Decision;
use crate::engine::conversation::ConversationId;
use crate::engine::rule::RuleName;
use crate::sabotage::{Bug, Point, planted, reached};
use crate::safety::{self, Acting};
use crate::store::{Claim, Context, Decided, Due, Outcome, Pauses, StoreError, Surge};

/// Conversations gone through in one step.
const PAGE: u32 = 200;
/// So many are put aside in one sweep; the next one goes on.
const PUT_ASIDE_AT_ONCE: u32 = 250;
/// That acting is possible is written down so often.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// How far a pass over what is due has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// It has seen everything, or enough of it; so many steps were there.
    Ended(u32),
    /// The next sweep goes on.
    GoesOn,
}

impl Sweeper {
    /// Whether what is due may be done: nothing came due all at once, or it was dealt with.
    pub(super) async fn has_dealt_with_surges(&self, acting: &Acting, pauses: &Pauses) -> Result<bool, SweepError> {
        if self.settings.dry_run {
            self.store.only_rehearses().await?;
            return Ok(true);
        }
        let context = self.context();
        let edition = context.rulebook.current();
        self.store.notice_surge(edition.fingerprint(), context.now, self.settings.gap).await?;
        let mut surges = self.store.surges().await?;
        surges.retain(|surge| !surge.rule.as_ref().is_some_and(|rule| waits_by_itself(rule, pauses, &context)));
        // Together: rules whose hours begin at the same moment come to it all at once.
        if !planted(Bug::ForgetsWhatCameDueAtOnce) && !self.deal_with(&surges, acting, pauses).await? {
            return Ok(false);
        }
        for surge in surges {
            if surge.rule.is_some() {
                self.store.surge_is_over(&surge).await?;
                continue;
            }
            for rule in &edition.rules().rules {
                if waits_by_itself(&rule.name, pauses, &context) {
                    self.store.surge_waits(&rule.name, &surge.reason, context.now).await?;
                }
            }
            self.store.acted(edition.fingerprint(), self.standpoint.now()).await?;
        }
        self.note_able(edition.fingerprint()).await?;
        Ok(true)
    }

    /// Up to now acting is possible by these rules.
    pub(super) async fn note_able(&self, rules: &str) -> Result<(), StoreError> {
        if self.settings.dry_run {
            return Ok(());
        }
        let now = self.standpoint.now();
        let before = self.store.acted_at().await?;
        if before.is_some_and(|before| (SignedDuration::ZERO..NOTED_EVERY).contains(&now.duration_since(before))) {
            return Ok(());
        }
        self.store.acted(rules, now).await
    }

    /// False if the next sweep has to go on with them.
    async fn deal_with(&self, surges: &[Surge], acting: &Acting, pauses: &Pauses) -> Result<bool, SweepError> {
        if surges.is_empty() {
            return Ok(true);
        }
        if !surges.iter().any(|surge| surge.bulk) {
            match self.count(surges, acting, pauses).await? {
                Pass::GoesOn => return Ok(false),
                Pass::Ended(count) if count <= self.settings.limits.due_at_once => return Ok(true),
                Pass::Ended(_) => {}
            }
            for surge in surges {
                self.store.surge_is_bulk(surge).await?;
                tracing::warn!(
                    "more than {} steps were due {}: all of them go to the backlog, `autoclosed backlog list` shows them",
                    self.settings.limits.due_at_once,
                    surge.reason
                );
            }
            reached(Point::Counted).await;
        }
        Ok(self.put_all_aside(surges, acting, pauses).await? != Pass::GoesOn)
    }

    /// Counts, no further than matters. What must be read first to know whether it is due is read.
    async fn count(&self, surges: &[Surge], acting: &Acting, pauses: &Pauses) -> Result<Pass, SweepError> {
        let (now, mut behind, mut count, mut reads) = (self.standpoint.now(), None, 0, 0);
        let since = surges.iter().map(|surge| surge.since).max();
        loop {
            let page = self.store.due_behind(&acting.app_id, now, behind.as_ref(), PAGE).await?;
            let Some(last) = page.last().cloned() else {
                return Ok(if reads == 0 { Pass::Ended(count) } else { Pass::GoesOn });
            };
            for due in page {
                if self.is_called_away().await? {
                    return Ok(Pass::GoesOn);
                }
                match self.look_at(&due.id, acting, now).await? {
                    Some(known) if self.is_of(surges, &due.id, &known, acting, pauses).await?.is_some() => count += 1,
                    Some(Decided { decision: Decision::Wait { .. } | Decision::Leave { .. }, .. })
                        if Some(due.at) <= since && reads < READS_AT_ONCE =>
                    {
                        reads += 1;
                        if self.only_read(&due.id, acting).await? == Next::Stop {
                            return Ok(Pass::GoesOn);
                        }
                    }
                    _ => {}
                }
                if count > self.settings.limits.due_at_once {
                    return Ok(Pass::Ended(count));
                }
            }
            behind = Some(last);
        }
    }

    async fn put_all_aside(&self, surges: &[Surge], acting: &Acting, pauses: &Pauses) -> Result<Pass, SweepError> {
        let (now, mut behind, mut count): (_, Option<Due>, _) = (self.standpoint.now(), None, 0);
        loop {
            let page = self.store.due_behind(&acting.app_id, now, behind.as_ref(), PAGE).await?;
            let Some(last) = page.last().cloned() else { return Ok(Pass::Ended(count)) };
            for due in page {
                if count >= PUT_ASIDE_AT_ONCE || self.is_called_away().await? {
                    return Ok(Pass::GoesOn);
                }
                let Some(known) = self.look_at(&due.id, acting, now).await? else { continue };
                let Some((step, surge)) = self.is_of(surges, &due.id, &known, acting, pauses).await? else { continue };
                let reason = format!("more than {} were due {}", self.settings.limits.due_at_once, surge.reason);
                self.put_aside(&due.id, acting, &step, &known, &reason).await?;
                count += 1;
            }
            behind = Some(last);
        }
    }

    /// Whether the sweep must end here. It signs that it lives.
    async fn is_called_away(&self) -> Result<bool, StoreError> {
        self.sign_of_life();
        Ok(self.board.stops() || self.board.reload_waits() || self.store.pauses().await?.all.is_some())
    }

    /// What is known of a conversation, unless it cannot be read.
    async fn look_at(
        &self,
        id: &ConversationId,
        acting: &Acting,
        now: Timestamp,
    ) -> Result<Option<Decided>, StoreError> {
        match self.known(id, &self.context()).await {
            Err(StoreError::Odd(what)) => {
                self.note_damage(&what);
                self.store.put_off(&acting.app_id, id, now, now + DAMAGED_RESTS).await?;
                Ok(None)
            }
            known => known,
        }
    }

    /// The step that has come due by one of them, if one has: not one that was within reach before, nor one let go, nor
    /// one of a rule that does not act now.
    async fn is_of<'a>(
        &self,
        surges: &'a [Surge],
        id: &ConversationId,
        known: &Decided,
        acting: &Acting,
        pauses: &Pauses,
    ) -> Result<Option<(DueStep, &'a Surge)>, StoreError> {
        let Some(due) = DueStep::of(&known.decision) else { return Ok(None) };
        let Some(surge) = surges.iter().find(|surge| self.is_by(surge, &due)) else { return Ok(None) };
        let let_go = known.entry.as_ref().is_some_and(|entry| entry.is(&due.rule, due.step, due.anchor_at));
        if let_go || pauses.of(&due.rule).is_some() {
            return Ok(None);
        }
        let period = (&due.rule, due.step, due.anchor_at);
        let before = self.store.was_within_reach(&acting.app_id, id, period).await?;
        Ok((!before).then_some((due, surge)))
    }

    /// Whether a step may have come due by it. What comes due with the next hours of its rule does so on any day.
    fn is_by(&self, surge: &Surge, due: &DueStep) -> bool {
        let Some(name) = &surge.rule else { return true };
        let edition = self.standpoint.rulebook().current();
        let rule = edition.rules().rules.iter().find(|rule| rule.name == *name);
        let by_its_hours = due.due_at > surge.since && rule.is_some_and(|r| r.may_act_from(surge.since) == due.due_at);
        *name == due.rule && !by_its_hours
    }

    async fn put_aside(
        &self,
        id: &ConversationId,
        acting: &Acting,
        due: &DueStep,
        known: &Decided,
        reason: &str,
    ) -> Result<(), StoreError> {
        let DueStep { rule, step, anchor_at, due_at } = due;
        let (step, anchor_at, due_at) = (*step, *anchor_at, *due_at);
        let claim = Claim { app_id: &acting.app_id, conversation: id, rule, step, anchor_at, due_at };
        let context = self.context();
        let Some(claimed) = self.store.claim(&claim, context.now).await? else {
            self.store.reschedule(id, &context).await?;
            return Ok(());
        };
        reached(Point::Claimed).await;
        let outcome = put_aside(reason);
        self.commit(claimed, &outcome, &inputs(&known.conversation, &[])).await?;
        Ok(())
    }

    /// Why a due step that acting has come to only now is too late to be done, if it is.
    pub(super) fn too_late(&self, due: &DueStep, able_until: Option<Timestamp>, now: Timestamp) -> Option<Outcome> {
        if planted(Bug::IsNeverTooLate) {
            return None;
        }
        let edition = self.standpoint.rulebook().current();
        let rule = edition.rules().rules.iter().find(|rule| rule.name == due.rule);
        let closed = |since| rule.map_or(SignedDuration::ZERO, |rule| rule.closed_before(since, now));
        let late = safety::lateness(due.due_at, able_until, closed, now, self.settings.limits.lateness)?;
        Some(put_aside(&safety::said_late(late, self.settings.limits.lateness)))
    }
}

/// A rule that does not act now has its surge dealt with when it does.
fn waits_by_itself(rule: &RuleName, pauses: &Pauses, context: &Context) -> bool {
    let edition = context.rulebook.current();
    let known = edition.rules().rules.iter().find(|known| known.name == *rule);
    pauses.of(rule).is_some() || known.is_some_and(|rule| rule.may_act_from(context.now) > context.now)
}

fn put_aside(reason: &str) -> Outcome {
    let why = format!("waits in the backlog for an operator: {reason}");
    Outcome::PutAside { reason: reason.to_owned(), why }
}
