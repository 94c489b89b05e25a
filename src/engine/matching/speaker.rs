//! Conditions on who spoke last, and on how long it is snoozed.

use super::Holds;
use crate::engine::activity::{Activity, Class};
use crate::engine::missing::Missing;
use crate::engine::rule::{Match, Speaker};
use crate::engine::view::{Standing, View};
use crate::engine::why::Misfit;

/// Who spoke last, people and machines alike, and when.
pub(in crate::engine) fn last(view: &View<'_>) -> Option<(Speaker, Activity)> {
    let last = view.latest_of(&[Class::ContactReply, Class::TeammateReply, Class::BotReply])?;
    let speaker = match last.class {
        Class::ContactReply => Speaker::Contact,
        Class::BotReply => Speaker::Bot,
        _ => Speaker::Teammate,
    };
    Some((speaker, last))
}

/// Who spoke last. A bot's answer counts no more once it was handed over to somebody.
pub(super) fn last_speaker(matches: &Match, view: &View<'_>) -> Holds {
    if matches.last_speaker.is_empty() {
        return Holds::Yes;
    }
    match last(view) {
        None if view.conversation.whole => Holds::No(Misfit::NobodySpoke),
        None => Holds::Unknown(Missing::Speaker),
        Some((speaker, _)) if !matches.last_speaker.contains(&speaker) => Holds::No(Misfit::Speaker(speaker.said())),
        Some((Speaker::Bot, last)) if handed_over(view, last) => Holds::No(Misfit::HandedOver),
        Some(_) => Holds::Yes,
    }
}

fn handed_over(view: &View<'_>, answer: Activity) -> bool {
    view.latest(Class::Assigned).is_some_and(|assigned| (assigned.at, assigned.part) > (answer.at, answer.part))
}

/// A snooze longer than that is a promise of a teammate's. What is not snoozed, and was not just now, has none.
pub(super) fn snooze_at_most(matches: &Match, view: &View<'_>) -> Holds {
    let Some(most) = matches.snooze_at_most else { return Holds::Yes };
    if !matches!(view.standing, Standing::Snoozed { .. } | Standing::Woken) {
        return Holds::Yes;
    }
    match view.snooze_length() {
        Some(length) if length <= most => Holds::Yes,
        None if !view.conversation.whole => Holds::Unknown(Missing::SnoozeLength),
        _ => Holds::No(Misfit::LongSnooze),
    }
}
