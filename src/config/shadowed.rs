//! Rules that never get a conversation, because one above takes everything they fit.
//!
//! Owns: the certain cases. Refuses: to guess; two conditions of different kinds are never compared.

use std::ops::Range;

use super::notes::Notes;
use super::reader::shown;
use crate::engine::Rule;
use crate::engine::rule::{ContactReplied, Match, StateName, WaitingOn};

/// Notes each rule that an earlier one leaves nothing to.
pub(super) fn doubt(notes: &Notes<'_>, rules: &[Rule], places: &[Range<usize>]) {
    for ((index, rule), place) in rules.iter().enumerate().zip(places) {
        let above = rules[..index].iter().find(|above| takes_all(&above.matches, &rule.matches));
        let Some(above) = above else { continue };
        let (name, above) = (shown(rule.name.as_str()), shown(above.name.as_str()));
        let message = format!("rule \"{name}\" never gets a conversation: \"{above}\" above takes all that it fits");
        notes.warning(place.clone(), message, format!("move \"{name}\" above \"{above}\", or remove one of the two"));
    }
}

/// Whether all that fits `narrow` certainly fits `wide`.
fn takes_all(wide: &Match, narrow: &Match) -> bool {
    let any_of = |pick: fn(&Match) -> &Vec<String>| any_of(pick(wide), pick(narrow));
    let all_of = |pick: fn(&Match) -> &Vec<String>| pick(wide).iter().all(|name| pick(narrow).contains(name));
    let same = |pick: fn(&Match) -> Option<bool>| pick(wide).is_none() || pick(wide) == pick(narrow);
    takes_states(wide.state.as_deref(), narrow.state.as_deref())
        && (wide.waiting_on == WaitingOn::Anyone || wide.waiting_on == narrow.waiting_on)
        && (wide.contact_replied == ContactReplied::Any || wide.contact_replied == narrow.contact_replied)
        && self::any_of(&wide.last_speaker, &narrow.last_speaker)
        && self::any_of(&wide.team, &narrow.team)
        && self::any_of(&wide.assignee, &narrow.assignee)
        && wide.not_team.iter().all(|name| narrow.not_team.contains(name))
        && wide.not_assignee.iter().all(|name| narrow.not_assignee.contains(name))
        && takes_attributes(wide, narrow)
        && any_of(|matches| &matches.tags)
        && any_of(|matches| &matches.priority)
        && any_of(|matches| &matches.channel)
        && any_of(|matches| &matches.delivered_as)
        && any_of(|matches| &matches.ai_resolution)
        && all_of(|matches| &matches.all_tags)
        && all_of(|matches| &matches.not_tags)
        && all_of(|matches| &matches.not_ai_resolution)
        && same(|matches| matches.unassigned)
        && same(|matches| matches.rated)
        && bounded(wide.snooze_at_most, narrow.snooze_at_most, |wide, narrow| narrow <= wide)
        && bounded(wide.created_after, narrow.created_after, |wide, narrow| narrow >= wide)
        && bounded(wide.created_before, narrow.created_before, |wide, narrow| narrow <= wide)
}

/// `open` includes woken.
fn takes_states(wide: Option<&[StateName]>, narrow: Option<&[StateName]>) -> bool {
    let Some(wide) = wide else { return true };
    let takes =
        |state: &StateName| wide.contains(state) || (*state == StateName::Woken && wide.contains(&StateName::Open));
    narrow.is_some_and(|narrow| narrow.iter().all(takes))
}

/// An attribute that only one of the two names leaves something over, or may.
fn takes_attributes(wide: &Match, narrow: &Match) -> bool {
    let mut wanted = wide.attributes.iter();
    wanted.all(|(name, wide)| narrow.attributes.get(name).is_some_and(|narrow| any_of(wide, narrow)))
}

/// An empty list is no condition.
fn any_of<T: PartialEq>(wide: &[T], narrow: &[T]) -> bool {
    wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(|one| wide.contains(one)))
}

fn bounded<T: Copy>(wide: Option<T>, narrow: Option<T>, within: impl Fn(T, T) -> bool) -> bool {
    wide.is_none_or(|wide| narrow.is_some_and(|narrow| within(wide, narrow)))
}
