//! Taking a close back: whether it may be, and what is still to do for it.
//!
//! Owns: what counts as touched by others since. Refuses: asking for it.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::conversation::{Activity, Actor, Class, Conversation, State};
use super::history::{Attempt, History};
use super::view::View;

/// What is to be done next to take a close back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// Open it, and snooze it again until then.
    Open {
        /// The end of the snooze that it was in; `None` if it was in none, or that is over by now.
        then_snooze: Option<Timestamp>,
    },
    /// It is open by our doing already: snooze it again.
    Snooze(Timestamp),
    /// Nothing is left to do.
    Nothing,
}

/// Why a close is not taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untouchable {
    /// The conversation is no more.
    Gone,
    /// Its state is not known.
    Unknown,
    /// It is open, though nobody is seen to have opened it.
    Open,
    /// Somebody has touched it since.
    Touched {
        /// What was done.
        class: Class,
        /// By whom.
        by: Actor,
    },
}

/// A snooze that ends sooner is as good as over.
const AT_LEAST: SignedDuration = SignedDuration::from_mins(1);

/// What is to be done for it now, on facts just read; `close` is among the attempts of `history`.
pub fn undo(
    conversation: &Conversation,
    history: &History,
    close: &Attempt,
    now: Timestamp,
) -> Result<Undo, Untouchable> {
    if conversation.gone {
        return Err(Untouchable::Gone);
    }
    let view = View::of(conversation, history, now);
    let touches = view.activities().iter().filter(|activity| is_touch(activity) && is_after(activity, close));
    if let Some(last) = touches.max_by_key(|activity| (activity.class.speaks(), activity.order())) {
        return Err(Untouchable::Touched { class: last.class, by: last.actor });
    }
    let snooze = close.snoozed_until.filter(|until| until.duration_since(now) >= AT_LEAST);
    match (conversation.state(), close.undone, snooze) {
        (None, ..) => Err(Untouchable::Unknown),
        (Some(State::Closed), _, then_snooze) => Ok(Undo::Open { then_snooze }),
        (Some(State::Open | State::Snoozed { .. }), None, _) => Err(Untouchable::Open),
        (Some(State::Open), Some(_), Some(until)) => Ok(Undo::Snooze(until)),
        (Some(State::Open | State::Snoozed { .. }), Some(_), _) => Ok(Undo::Nothing),
    }
}

/// Having read it changes nothing. What machines leave behind without a word, they do after closes of their own accord.
fn is_touch(activity: &Activity) -> bool {
    match activity.class {
        Class::Read | Class::Own => false,
        Class::Other => activity.actor.is_person(),
        _ => activity.actor != Actor::Timer,
    }
}

/// In the second of the close, only a part that is known to be older came before it.
fn is_after(activity: &Activity, close: &Attempt) -> bool {
    let Some(closed) = close.done_at else { return true };
    let ours = close.deeds.iter().find(|deed| deed.at.as_second() == closed.as_second()).and_then(|deed| deed.part);
    match (activity.at.as_second().cmp(&closed.as_second()), activity.part.zip(ours)) {
        (std::cmp::Ordering::Equal, Some((part, ours))) => part > ours,
        (order, _) => order.is_ge(),
    }
}

impl fmt::Display for Untouchable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Untouchable::Touched { class, by } = self else {
            return f.write_str(match self {
                Untouchable::Gone => "it no longer exists in Intercom",
                Untouchable::Unknown => "Intercom does not tell whether it is closed",
                _ => "it is open again already",
            });
        };
        let who = match by {
            Actor::Contact => "the contact",
            Actor::Teammate => "a teammate",
            Actor::Bot => "a bot or a workflow",
            Actor::Timer | Actor::Unknown => "somebody",
        };
        let did = match class {
            Class::ContactReply | Class::TeammateReply | Class::BotReply => "has written",
            Class::Note => "has left a note",
            Class::Assigned => "has assigned it",
            Class::Snoozed => "has snoozed it",
            Class::Unsnoozed | Class::Opened => "has opened it",
            Class::Closed => "has closed it",
            Class::Rated => "has rated it",
            Class::Read | Class::Own | Class::Other => "has changed it",
        };
        write!(f, "{who} {did} since")
    }
}
