//! Rules that never get a conversation, because one above takes everything they fit.
//!
//! Owns: the certain cases, and an example of each. Refuses: to guess; two conditions of different kinds are never
//! compared.

use std::ops::Range;

use super::example::Example;
use super::notes::Notes;
use super::reader::shown;
use crate::engine::Rule;
use crate::engine::rule::{ContactReplied, Match, StateName, WaitingOn};

/// Notes each rule that earlier ones leave nothing to. One that fits nothing anyway is told elsewhere.
pub(super) fn doubt(notes: &Notes<'_>, rules: &[Rule], places: &[Range<usize>]) {
    for ((index, rule), place) in rules.iter().enumerate().zip(places) {
        let takers = takers(&rules[..index], &rule.matches);
        let Some(example) = Example::of(&rule.matches).filter(|_| !takers.is_empty()) else { continue };
        let name = shown(rule.name.as_str());
        let above: Vec<_> = takers.iter().map(|rule| format!("\"{}\"", shown(rule.name.as_str()))).collect();
        let one = above.len() == 1;
        let (above, take) = (above.join(" and "), if one { "takes" } else { "take" });
        let message = format!(
            "rule \"{name}\" never gets a conversation: {above} above {take} all that it fits, for example one that is {}",
            example.in_words()
        );
        let help = format!("move \"{name}\" above {above}, or remove {}", if one { "one of the two" } else { "it" });
        notes.warning(place.clone(), message, help);
    }
}

/// The rules that together take all that fits `narrow`: a single one, or one for each value of one of its lists.
pub(super) fn takers<'r>(above: &'r [Rule], narrow: &Match) -> Vec<&'r Rule> {
    let taker = |narrow: &Match| above.iter().find(|rule| takes_all(&rule.matches, narrow));
    if let Some(one) = taker(narrow) {
        return vec![one];
    }
    let all = |parts: &Vec<Match>| parts.iter().map(taker).collect::<Option<Vec<_>>>();
    let together = one_by_one(narrow).iter().find_map(all).unwrap_or_default();
    above.iter().filter(|rule| together.iter().any(|taker| std::ptr::eq(*taker, *rule))).collect()
}

/// The match once for each value of a list, for every list of which it asks for several. What fits it fits one of
/// them.
fn one_by_one(narrow: &Match) -> Vec<Vec<Match>> {
    let states = narrow.state.clone().unwrap_or_else(|| vec![StateName::Open, StateName::Snoozed]);
    let states = states.into_iter().map(|state| Match { state: Some(vec![state]), ..narrow.clone() });
    let speakers = narrow.last_speaker.iter().map(|one| Match { last_speaker: vec![*one], ..narrow.clone() });
    let mut splits: Vec<Vec<Match>> = vec![states.collect(), speakers.collect()];
    let lists: [fn(&mut Match) -> &mut Vec<String>; 5] =
        [|m| &mut m.tags, |m| &mut m.priority, |m| &mut m.channel, |m| &mut m.delivered_as, |m| &mut m.ai_resolution];
    for list in lists {
        let names = list(&mut narrow.clone()).clone();
        let one = |name| {
            let mut part = narrow.clone();
            *list(&mut part) = vec![name];
            part
        };
        splits.push(names.into_iter().map(one).collect());
    }
    splits.retain(|parts| parts.len() > 1);
    splits
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
