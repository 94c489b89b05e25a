//! Taking one close back, for an operator: read, judge, write down, open, snooze again, compare.
//!
//! Owns: that no step can be lost: what was begun and broken off goes on when the same is asked for again. It asks for
//! nothing that harms when it is done twice, and says nothing to anybody.

use super::aftermath::{BEFORE_THE_CALL, by_us};
use super::read::Fresh;
use super::send::our_part;
use super::{SweepError, Sweeper};
use crate::engine::conversation::{Class as Activity, Part, State};
use crate::engine::history::{Attempt, Deed};
use crate::engine::rule::{RuleName, StepKind};
use crate::engine::undo::{Undo, undo};
use crate::engine::why;
use crate::intercom::client::{Answer, ReadConversation};
use crate::intercom::error::{Class, IntercomError};
use crate::sabotage::{Point, reached};
use crate::safety::Acting;
use crate::store::{Candidate, Marked, UndoEnd};

/// Reading, opening, snoozing, reading, and opening over a contact's reply.
const CALLS: u32 = 5;

const OPEN_AGAIN: &str = "its close was undone by hand: open again";

/// What became of the wish to take a close back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenBack {
    /// It is as it was before; in words.
    Done(String),
    /// It was left as it is, for this reason.
    Skipped(String),
    /// It could not be done, or only in part; the reason, with the next step.
    Failed(String),
}

impl Sweeper {
    /// What would be done for this close, going by what Intercom shows now.
    pub async fn would_take_back(&self, rule: &RuleName, close: &Candidate) -> Result<TakenBack, SweepError> {
        let fresh = match self.read(&close.conversation).await {
            Ok(fresh) => fresh,
            Err(error) => return self.unread(close, error).await,
        };
        Ok(self.judged(rule, close, &fresh).map_or_else(TakenBack::Skipped, |undo| TakenBack::Done(planned(undo))))
    }

    /// Takes the close back. What is an error befalls every other one too.
    pub async fn take_back(
        &self,
        rule: &RuleName,
        close: &Candidate,
        acting: &Acting,
    ) -> Result<TakenBack, SweepError> {
        let permits = self.intercom.permits(CALLS).await;
        // Where the cap never gives so many, each call waits for its turn: what was opened late says nothing to anybody.
        let intercom = if permits.left() >= CALLS {
            self.intercom.with(permits)
        } else {
            drop(permits);
            self.intercom.clone()
        };
        let prompt = Sweeper { intercom, ..self.clone() };
        let fresh = match prompt.read(&close.conversation).await {
            Ok(fresh) => fresh,
            Err(error) => return self.unread(close, error).await,
        };
        let undo = match self.judged(rule, close, &fresh) {
            Ok(undo) => undo,
            Err(why) => return Ok(TakenBack::Skipped(why)),
        };
        let Some(marked) = self.store.undo_begins(close, self.standpoint.now()).await? else {
            return Ok(TakenBack::Skipped("it was undone meanwhile".into()));
        };
        reached(Point::WrittenDown).await;
        let ended = match undo {
            Undo::Open { then_snooze } => prompt.open_again(close, acting, &fresh, then_snooze.is_some()).await,
            Undo::Snooze(_) | Undo::Nothing => prompt.known_from_before(close, acting, &fresh).await.map(Ok),
        };
        let (end, stops) = match ended? {
            Err(error) => not_opened(error),
            Ok(()) => match undo {
                Undo::Open { then_snooze: Some(until) } | Undo::Snooze(until) => {
                    (prompt.snooze_again(rule, close, acting, until).await?, None)
                }
                Undo::Open { .. } | Undo::Nothing => (UndoEnd::Done(told(undo)), None),
            },
        };
        prompt.end_undo(close, marked, end, stops).await
    }

    fn judged(&self, rule: &RuleName, close: &Candidate, fresh: &Fresh) -> Result<Undo, String> {
        let history = &fresh.decided.history;
        let is_it =
            |it: &&Attempt| it.rule == *rule && it.step.kind == StepKind::Close && it.anchor_at == close.anchor_at;
        let attempt = history.attempts.iter().find(is_it).ok_or("it was forgotten")?;
        undo(&fresh.decided.conversation, history, attempt, self.standpoint.now()).map_err(|why| why.to_string())
    }

    async fn unread(&self, close: &Candidate, error: SweepError) -> Result<TakenBack, SweepError> {
        let error = match error {
            SweepError::Forgotten => return Ok(TakenBack::Skipped("it was forgotten".into())),
            SweepError::Store(_) => return Err(error),
            SweepError::Intercom(error) => error,
        };
        match error.class() {
            Class::Gone => {
                self.is_gone(&close.conversation).await?;
                Ok(TakenBack::Skipped("it no longer exists in Intercom".into()))
            }
            Class::Ambiguous | Class::Refused | Class::BadRequest => {
                Ok(TakenBack::Failed(format!("it could not be read: {error}")))
            }
            Class::NotSent | Class::RateLimited | Class::AuthDead => Err(error.into()),
        }
    }

    /// Opens it. The inner error: nothing was done, or nobody knows.
    async fn open_again(
        &self,
        close: &Candidate,
        acting: &Acting,
        before: &Fresh,
        awaited: bool,
    ) -> Result<Result<(), IntercomError>, SweepError> {
        let answer = self.intercom.open(&close.conversation, &acting.admin_id).await;
        reached(Point::Answered).await;
        match answer {
            Ok(answer) => {
                self.made(close, our_part(acting, before, &answer), &answer, awaited).await?;
                Ok(Ok(()))
            }
            Err(error) if error.class() == Class::Ambiguous => {
                // It may have been done all the same: then that is all there is to know.
                let Ok(now) = self.read(&close.conversation).await else { return Ok(Err(error)) };
                if now.decided.conversation.state() == Some(State::Closed) {
                    return Ok(Err(error));
                }
                Ok(Ok(self.known_from_before(close, acting, &now).await?))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    async fn made(
        &self,
        close: &Candidate,
        deed: Deed,
        answer: &Answer<ReadConversation>,
        awaited: bool,
    ) -> Result<(), SweepError> {
        // Before it is folded in, lest it be taken for a teammate's.
        self.store.undo_made(close, deed, awaited).await?;
        reached(Point::Known).await;
        self.store.record_fetched(answer.value.sighting.clone(), &self.context()).await?;
        Ok(())
    }

    /// What an earlier try did though its answer was lost: those parts must be known as our own.
    async fn known_from_before(&self, close: &Candidate, acting: &Acting, fresh: &Fresh) -> Result<(), SweepError> {
        let history = &fresh.decided.history;
        let undone = history.attempts.iter().filter_map(|attempt| attempt.undone).map(|undone| undone.at).max();
        let since = undone.map(|at| at - BEFORE_THE_CALL);
        let opens = |part: &&Part| {
            let classes = [Activity::Opened, Activity::Unsnoozed, Activity::Snoozed];
            by_us(part, acting) && Some(part.at) >= since && part.classes.iter().all(|class| classes.contains(class))
        };
        for part in fresh.read.sighting.parts.iter().filter(opens) {
            self.store.undo_made(close, Deed { at: part.at, part: part.id }, true).await?;
        }
        Ok(())
    }

    /// A contact may speak between the reading and the snooze: then it is opened once more.
    async fn snooze_again(
        &self,
        rule: &RuleName,
        close: &Candidate,
        acting: &Acting,
        until: jiff::Timestamp,
    ) -> Result<UndoEnd, SweepError> {
        let id = &close.conversation;
        let failed = |error: &IntercomError| {
            UndoEnd::Unclear(format!("it is open, but the snooze that it had was not restored: {error}"))
        };
        let before = match self.read(id).await {
            Ok(before) => before,
            Err(SweepError::Intercom(error)) => return Ok(failed(&error)),
            Err(error) => return Err(error),
        };
        match self.judged(rule, close, &before) {
            Ok(Undo::Snooze(_)) => {}
            Ok(undo) => return Ok(UndoEnd::Done(told(undo))),
            Err(why) => return Ok(UndoEnd::Done(format!("{OPEN_AGAIN}, and not snoozed, as {why}"))),
        }
        let answer = match self.intercom.snooze(id, &acting.admin_id, until).await {
            Ok(answer) => answer,
            Err(error) => return Ok(failed(&error)),
        };
        reached(Point::Answered).await;
        self.made(close, our_part(acting, &before, &answer), &answer, true).await?;
        let (seen, shown) = (before.read.sighting.last_contact_reply_at, answer.value.sighting.last_contact_reply_at);
        if shown.is_some() && shown == seen && shown < Some(answer.at) {
            return Ok(UndoEnd::Done(told(Undo::Snooze(until))));
        }
        let spoke = match self.read(id).await {
            Ok(now) => now.decided.conversation.last_contact_reply() > before.decided.conversation.last_contact_reply(),
            Err(SweepError::Intercom(_)) => true,
            Err(error) => return Err(error),
        };
        if spoke && let Ok(answer) = self.intercom.open(id, &acting.admin_id).await {
            self.made(close, our_part(acting, &before, &answer), &answer, true).await?;
            return Ok(UndoEnd::Done(format!("{OPEN_AGAIN}, and not snoozed, as the contact wrote meanwhile")));
        }
        Ok(UndoEnd::Done(told(Undo::Snooze(until))))
    }

    async fn end_undo(
        &self,
        close: &Candidate,
        marked: Marked,
        end: UndoEnd,
        stops: Option<IntercomError>,
    ) -> Result<TakenBack, SweepError> {
        self.store.undo_ends(close, marked, &end, &self.context()).await?;
        reached(Point::Settled).await;
        match (end, stops) {
            (_, Some(error)) => Err(error.into()),
            (UndoEnd::Done(why), None) => Ok(TakenBack::Done(why)),
            (UndoEnd::Failed(why) | UndoEnd::Unclear(why), None) => Ok(TakenBack::Failed(why)),
        }
    }
}

/// How it ended where it was not opened, and the error if it would befall every other too.
fn not_opened(error: IntercomError) -> (UndoEnd, Option<IntercomError>) {
    let why = error.to_string();
    match error.class() {
        Class::Ambiguous => (UndoEnd::Unclear(format!("{why}; no rule touches it meanwhile")), None),
        Class::NotSent | Class::RateLimited | Class::AuthDead => (UndoEnd::Failed(why), Some(error)),
        Class::Gone | Class::Refused | Class::BadRequest => (UndoEnd::Failed(why), None),
    }
}

fn told(undo: Undo) -> String {
    match undo {
        Undo::Open { then_snooze: Some(until) } | Undo::Snooze(until) => {
            format!("its close was undone by hand: snoozed again until {}", why::at(until))
        }
        Undo::Open { then_snooze: None } | Undo::Nothing => OPEN_AGAIN.into(),
    }
}

/// How it would be.
fn planned(undo: Undo) -> String {
    match undo {
        Undo::Open { then_snooze: Some(until) } | Undo::Snooze(until) => {
            format!("snoozed until {}", why::at(until))
        }
        Undo::Open { then_snooze: None } | Undo::Nothing => "open".into(),
    }
}
