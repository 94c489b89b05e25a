//! Conditions on who spoke last, and on how long it is snoozed.

use super::Holds;
use crate::engine::activity::{Activity, Class};
use crate::engine::rule::{Match, Speaker};
use crate::engine::view::{Standing, View};
use crate::engine::why::Misfit;

/// Who spoke last. A bot's answer counts no more once it was handed over to somebody.
pub(super) fn last_speaker(matches: &Match, view: &View<'_>) -> Holds {
    if matches.last_speaker.is_empty() {
        return Ok(true);
    }
    let Some(last) = view.latest_of(&[Class::ContactReply, Class::TeammateReply, Class::BotReply]) else {
        return if view.conversation.whole { Err(Misfit::NobodySpoke) } else { Ok(false) };
    };
    let (speaker, name) = match last.class {
        Class::ContactReply => (Speaker::Contact, "the contact"),
        Class::BotReply => (Speaker::Bot, "a bot"),
        _ => (Speaker::Teammate, "a teammate"),
    };
    if !matches.last_speaker.contains(&speaker) {
        return Err(Misfit::Speaker(name));
    }
    if speaker == Speaker::Bot && handed_over(view, last) { Err(Misfit::HandedOver) } else { Ok(true) }
}

fn handed_over(view: &View<'_>, answer: Activity) -> bool {
    view.latest(Class::Assigned).is_some_and(|assigned| (assigned.at, assigned.part) > (answer.at, answer.part))
}

/// A snooze longer than that is a promise of a teammate's. What is not snoozed, and was not just now, has none.
pub(super) fn snooze_at_most(matches: &Match, view: &View<'_>) -> Holds {
    let Some(most) = matches.snooze_at_most else { return Ok(true) };
    if !matches!(view.standing, Standing::Snoozed { .. } | Standing::Woken) {
        return Ok(true);
    }
    match view.snooze_length() {
        Some(length) if length <= most => Ok(true),
        None if !view.conversation.whole => Ok(false),
        _ => Err(Misfit::LongSnooze),
    }
}
