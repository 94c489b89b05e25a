//! What must not be forgotten: calls whose answer was lost.

use jiff::{SignedDuration, Timestamp};

use super::act::Next;
use super::read::{Fresh, inputs};
use super::send::raced_or_done;
use super::{PENDING_AT_ONCE, SweepError, Sweeper, Swept, is_general};
use crate::engine::conversation::{Class as Activity, Part};
use crate::engine::history::Deed;
use crate::engine::rule::StepKind;
use crate::engine::wish;
use crate::intercom::error::Class;
use crate::sabotage::{Point, reached};
use crate::safety::Acting;
use crate::store::{Answered, Inputs, Outcome, Pending, StoreError};

/// Intercom's clocks may differ by this much: our part may seem a little older than the call that made it.
pub(super) const BEFORE_THE_CALL: SignedDuration = SignedDuration::from_secs(5);
/// So long after it was asked Intercom may still do it: what is missing before is not certainly absent.
const MAY_STILL_COME: SignedDuration = SignedDuration::from_mins(5);
/// After that long, what is shown and may or may not be our part is given up; nothing is sent again.
const LONGEST_DOUBT: SignedDuration = SignedDuration::from_mins(8);
/// After that long without being shown the conversation the attempt is given up; nothing is sent again. A refusal may be
/// a mistake that passes, so a day is waited for that.
const LONGEST_SEARCH: SignedDuration = SignedDuration::from_hours(24);

impl Sweeper {
    /// What a sweep had claimed that did not live to send it. It may never be due again, and is counted as left.
    pub(super) async fn let_go_of_what_was_claimed(&self, acting: &Acting) -> Result<(), StoreError> {
        for claimed in self.store.claimed_and_never_sent(&acting.app_id).await? {
            let why = "the daemon ended before anything was sent".to_owned();
            self.commit(claimed, &Outcome::Left(why), &Inputs("{}".into())).await?;
        }
        Ok(())
    }

    /// Looks for our part where an answer was lost. Only its certain absence allows another try.
    pub(super) async fn look_into_unclear(&self, acting: &Acting, swept: &mut Swept) -> Result<(), SweepError> {
        let unclear = self.store.unclear(&acting.app_id, self.standpoint.now(), PENDING_AT_ONCE).await?;
        for pending in unclear {
            self.sign_of_life();
            if self.board.stops() {
                break;
            }
            reached(Point::Examining).await;
            let (outcome, inputs, next) = self.look_into(&pending, acting).await?;
            reached(Point::Examined).await;
            let settled = self.commit(pending.claimed, &outcome, &inputs).await?;
            if settled.news {
                tracing::info!(
                    conversation.id = %pending.conversation, rule = %pending.rule, step = %pending.step,
                    outcome = settled.outcome, why = outcome.why(), "looked into a lost answer"
                );
            }
            swept.count(settled.outcome);
            if settled.to_follow {
                self.follow_up(acting, Some(&pending.conversation)).await?;
            }
            if next == Next::Stop {
                break;
            }
        }
        Ok(())
    }

    async fn look_into(&self, pending: &Pending, acting: &Acting) -> Result<(Outcome, Inputs, Next), SweepError> {
        let nothing = || Inputs("{}".into());
        match self.read(&pending.conversation).await {
            Ok(fresh) => {
                let inputs = inputs(&fresh.decided.conversation, &[]);
                let outcome = match pending.step.kind {
                    StepKind::Assign | StepKind::Tag | StepKind::Untag | StepKind::Update => {
                        self.granted(pending, &fresh, acting).await?
                    }
                    _ => self.found(pending, &fresh, acting),
                };
                Ok((outcome, inputs, Next::Go))
            }
            Err(SweepError::Store(StoreError::Odd(what))) => {
                self.note_damage(&what);
                Ok((self.looking_into_it(), nothing(), Next::Go))
            }
            Err(error @ (SweepError::Store(_) | SweepError::Forgotten)) => Err(error),
            Err(SweepError::Intercom(error)) if is_general(error.class()) => Err(self.noted(error)),
            Err(SweepError::Intercom(error)) if error.class() == Class::Gone => {
                // It may come back: then whether it was done can still be found out, and nothing is sent again.
                self.is_gone(&pending.conversation).await?;
                let look_at = pending.sent_at + LONGEST_SEARCH;
                let why = "it no longer exists in Intercom".to_owned();
                let over = look_at <= self.standpoint.now();
                let outcome = if over { Outcome::Lost(why) } else { Outcome::Unclear { look_at, why } };
                Ok((outcome, nothing(), Next::Go))
            }
            // It may stay so for ever; what is not found out in time is given up, and nothing is sent again.
            Err(SweepError::Intercom(error)) if error.class() == Class::Refused => {
                Ok((self.look_again(pending, LONGEST_SEARCH), nothing(), Next::Go))
            }
            // Intercom may be in trouble; the others wait for the next sweep, in which this one still rests.
            Err(SweepError::Intercom(_)) => Ok((self.looking_into_it(), nothing(), Next::Stop)),
        }
    }

    fn found(&self, pending: &Pending, fresh: &Fresh, acting: &Acting) -> Outcome {
        let parts = &fresh.read.sighting.parts;
        let kind = pending.step.kind;
        let ours = parts.iter().filter(|part| is_ours(part, pending, acting)).min_by_key(|part| part.id);
        let deed = pending.deeds.first().copied().or_else(|| ours.map(|part| Deed { at: part.at, part: part.id }));
        let why = "the answer was lost, but it was done".to_owned();
        match (deed, kind) {
            (Some(deed), StepKind::Close | StepKind::Snooze) => raced_or_done(fresh, kind, deed, pending.contact, why),
            (Some(deed), _) => {
                let restore_snooze = kind.wakes() && pending.snoozed_until.is_some();
                Outcome::Done { at: deed.at, deeds: vec![deed], restore_snooze, why }
            }
            (None, _) if parts.iter().any(|part| may_be_ours(part, pending, fresh, acting)) => {
                self.look_again(pending, LONGEST_DOUBT)
            }
            (None, _) if fresh.read.shows_everything_since(pending.sent_at - BEFORE_THE_CALL) => self.absent(pending),
            (None, _) => self.look_again(pending, LONGEST_DOUBT),
        }
    }

    /// It is not there. A text that may still come must not be sent again, and a close or snooze that may still come
    /// must be known as ours, or it would hide what a contact says meanwhile. All else may be done twice.
    fn absent(&self, pending: &Pending) -> Outcome {
        let rest = MAY_STILL_COME - self.standpoint.now().duration_since(pending.sent_at);
        let matters = pending.step.kind.writes() || pending.step.kind == StepKind::Snooze;
        if matters && rest.is_positive() {
            // A clock that lags must not shorten it.
            return looking_at(self.standpoint.latest() + rest);
        }
        Outcome::Left("the answer was lost, and it was not done".into())
    }

    /// What may be asked for twice is found done where the facts say so; else what is missing is done again. What of it
    /// was done is known as ours either way.
    async fn granted(&self, pending: &Pending, fresh: &Fresh, acting: &Acting) -> Result<Outcome, StoreError> {
        let stands = fresh.decided.conversation.facts().map_or(0, |facts| wish::standing(&pending.changes, facts));
        let made = |part: &&Part| {
            let in_time = part.at >= pending.sent_at - BEFORE_THE_CALL;
            let silent = !part.classes.iter().any(|class| class.speaks() || *class == Activity::Note);
            in_time && silent && by_us(part, acting) && is_of_kind(part, pending.step.kind)
        };
        let found: Vec<&Part> = fresh.read.sighting.parts.iter().filter(made).collect();
        let mut deeds = pending.deeds.clone();
        let parts = found.iter().map(|part| Deed { at: part.at, part: part.id });
        deeds.extend(parts.filter(|deed| !pending.deeds.contains(deed)));
        if deeds.is_empty() && stands > 0 {
            deeds.push(Deed { at: pending.sent_at, part: None });
        }
        let all = pending.changes.len();
        let restore_snooze = pending.step.kind.wakes() && pending.snoozed_until.is_some();
        if all > 0 && (stands == all || assigned_since(&found, pending, fresh) >= all) {
            let at = deeds.iter().map(|deed| deed.at).max().unwrap_or(pending.sent_at);
            let why = "the answer was lost, but it was done".into();
            return Ok(Outcome::Done { at, deeds, restore_snooze, why });
        }
        if deeds.is_empty() {
            let why = "the answer was lost, and it was not done; doing it again changes nothing";
            return Ok(Outcome::Left(why.into()));
        }
        let look_at = self.standpoint.now();
        self.store.answered(pending.claimed, &Answered { deeds: &deeds, look_at, restore_snooze }).await?;
        Ok(Outcome::Left("the answer was lost, and not all of it was done; doing the rest".into()))
    }

    fn look_again(&self, pending: &Pending, longest: SignedDuration) -> Outcome {
        let now = self.standpoint.now();
        if now.duration_since(pending.sent_at) > longest {
            return Outcome::Lost("the answer was lost, and what became of the call could not be found out".into());
        }
        self.looking_into_it()
    }

    fn looking_into_it(&self) -> Outcome {
        looking_at(self.standpoint.latest() + self.settings.unclear_quiet)
    }
}

fn looking_at(look_at: Timestamp) -> Outcome {
    Outcome::Unclear { look_at, why: "the answer was lost; looking into it".into() }
}

/// Whether this is the part that the lost call made: not before it, with the same text by whichever admin, as ours may
/// have changed since. Where there is no text to know it by, what our admin did is it.
fn is_ours(part: &Part, pending: &Pending, acting: &Acting) -> bool {
    let in_time = part.at >= pending.sent_at - BEFORE_THE_CALL && part.admin_id.is_some();
    in_time
        && match &pending.digest {
            Some(digest) => part.digest.as_ref() == Some(digest),
            None => by_us(part, acting) && part.digest.is_none() && is_of_kind(part, pending.step.kind),
        }
}

/// Whether this could be that part although its text reads otherwise: then nothing may be sent again.
fn may_be_ours(part: &Part, pending: &Pending, fresh: &Fresh, acting: &Acting) -> bool {
    let in_time = part.at >= pending.sent_at - BEFORE_THE_CALL;
    in_time && !is_known(part, fresh) && by_us(part, acting) && is_of_kind(part, pending.step.kind)
}

/// How many of these parts are assignments of this call's. That they were made settles it, whomever somebody has given
/// the conversation to since.
fn assigned_since(found: &[&Part], pending: &Pending, fresh: &Fresh) -> usize {
    let in_time = |part: &&&Part| part.at.as_second() >= pending.sent_at.as_second();
    let ours = found.iter().filter(|_| pending.step.kind == StepKind::Assign).filter(in_time);
    ours.filter(|part| pending.deeds.iter().any(|deed| deed.part == part.id) || !is_known(part, fresh)).count()
}

fn is_known(part: &Part, fresh: &Fresh) -> bool {
    let deeds = fresh.decided.history.attempts.iter().flat_map(|attempt| &attempt.deeds);
    deeds.filter_map(|deed| deed.part).any(|known| Some(known) == part.id)
}

pub(super) fn by_us(part: &Part, acting: &Acting) -> bool {
    part.admin_id.as_deref() == Some(&acting.admin_id)
}

fn is_of_kind(part: &Part, kind: StepKind) -> bool {
    match kind {
        StepKind::Reply => part.classes.iter().any(|class| class.speaks()),
        StepKind::Note => part.classes.contains(&Activity::Note),
        StepKind::Close => part.classes.contains(&Activity::Closed),
        StepKind::Snooze => part.classes.contains(&Activity::Snoozed),
        StepKind::Open => part.classes.contains(&Activity::Opened) || part.classes.contains(&Activity::Unsnoozed),
        StepKind::Assign => part.classes.contains(&Activity::Assigned),
        StepKind::Tag | StepKind::Untag | StepKind::Update => part.classes.contains(&Activity::Other),
    }
}
