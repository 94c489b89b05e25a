//! Conditions on what a conversation is: assigned, of a priority, of a channel, rated, begun then.

use super::Holds;
use crate::engine::activity::Class;
use crate::engine::rule::{Match, Named};
use crate::engine::view::View;
use crate::engine::why::Misfit;

pub(super) fn team(matches: &Match, view: &View<'_>) -> Holds {
    let known = view.facts().and_then(|facts| facts.team_assignee_id.as_ref());
    assigned_to("team", &matches.team, &matches.not_team, known)
}

pub(super) fn assignee(matches: &Match, view: &View<'_>) -> Holds {
    let known = view.facts().and_then(|facts| facts.admin_assignee_id.as_ref());
    assigned_to("teammate", &matches.assignee, &matches.not_assignee, known)
}

/// Whether it is assigned to one of those wanted and none of those barred. A name without an id could be anybody's.
fn assigned_to(what: &'static str, wanted: &[Named], barred: &[Named], known: Option<&Option<String>>) -> Holds {
    if wanted.is_empty() && barred.is_empty() {
        return Ok(true);
    }
    let Some(known) = known else { return Ok(false) };
    let Some(id) = known else {
        return if wanted.is_empty() { Ok(true) } else { Err(Misfit::Unassigned(what)) };
    };
    let is = |named: &Named| named.id.as_ref() == Some(id);
    let could_be = |named: &Named| named.id.is_none();
    if barred.iter().any(is) {
        return Err(Misfit::Barred(what));
    }
    match (wanted.is_empty() || wanted.iter().any(is), wanted.iter().any(could_be), barred.iter().any(could_be)) {
        (true, _, false) => Ok(true),
        (false, false, _) => Err(Misfit::OtherAssignee(what)),
        _ => Ok(false),
    }
}

/// An attribute that is not set equals nothing.
pub(super) fn attributes(matches: &Match, view: &View<'_>) -> Holds {
    let mut known = true;
    for (name, wanted) in &matches.attributes {
        match view.facts().and_then(|facts| facts.attributes.get(name)) {
            None => known = false,
            Some(Some(value)) if wanted.contains(value) => {}
            Some(Some(_)) => return Err(Misfit::Attribute { name: name.clone(), set: true }),
            Some(None) => return Err(Misfit::Attribute { name: name.clone(), set: false }),
        }
    }
    Ok(known)
}

pub(super) fn unassigned(matches: &Match, view: &View<'_>) -> Holds {
    let (Some(wanted), Some(facts)) = (matches.unassigned, view.facts()) else {
        return Ok(matches.unassigned.is_none());
    };
    let assignees = [&facts.admin_assignee_id, &facts.team_assignee_id];
    let assigned = assignees.iter().any(|assignee| matches!(assignee, Some(Some(_))));
    let nobody = assignees.iter().all(|assignee| matches!(assignee, Some(None)));
    match (assigned, nobody) {
        (false, false) => Ok(false),
        _ if assigned != wanted => Ok(true),
        _ => Err(Misfit::Assigned(assigned)),
    }
}

pub(super) fn priority(matches: &Match, view: &View<'_>) -> Holds {
    let known = view.facts().and_then(|facts| facts.priority.as_deref());
    one_of("priority", &matches.priority, known, false)
}

pub(super) fn channel(matches: &Match, view: &View<'_>) -> Holds {
    one_of("channel", &matches.channel, view.conversation.channel.as_deref(), view.conversation.whole)
}

pub(super) fn delivered_as(matches: &Match, view: &View<'_>) -> Holds {
    one_of("beginning", &matches.delivered_as, view.conversation.delivered_as.as_deref(), view.conversation.whole)
}

/// Whether a fact is one of those wanted. `told`: it would be known if there were one.
fn one_of(what: &'static str, wanted: &[String], known: Option<&str>, told: bool) -> Holds {
    match known {
        _ if wanted.is_empty() => Ok(true),
        Some(known) if wanted.iter().any(|wanted| wanted == known) => Ok(true),
        Some(known) => Err(Misfit::Other(what, known.to_owned())),
        None if told => Err(Misfit::Other(what, "not told".to_owned())),
        None => Ok(false),
    }
}

pub(super) fn ai_resolution(matches: &Match, view: &View<'_>) -> Holds {
    if matches.ai_resolution.is_empty() {
        return Ok(true);
    }
    match resolution(view) {
        None => Ok(false),
        Some(Some(known)) if matches.ai_resolution.iter().any(|wanted| wanted == known) => Ok(true),
        Some(known) => Err(Misfit::Other("AI resolution", known.unwrap_or("none").to_owned())),
    }
}

pub(super) fn not_ai_resolution(matches: &Match, view: &View<'_>) -> Holds {
    if matches.not_ai_resolution.is_empty() {
        return Ok(true);
    }
    match resolution(view) {
        None => Ok(false),
        Some(Some(known)) if matches.not_ai_resolution.iter().any(|barred| barred == known) => {
            Err(Misfit::Other("AI resolution", known.to_owned()))
        }
        Some(_) => Ok(true),
    }
}

/// Fin's resolution; the outer `None` is not known.
#[expect(clippy::option_option, reason = "none is not the same as not known")]
fn resolution<'a>(view: &'a View<'_>) -> Option<Option<&'a str>> {
    view.facts()?.ai_resolution.as_ref().map(Option::as_deref)
}

pub(super) fn rated(matches: &Match, view: &View<'_>) -> Holds {
    let Some(wanted) = matches.rated else { return Ok(true) };
    let rated = view.latest(Class::Rated).is_some();
    match (rated, wanted) {
        (false, _) if !view.conversation.whole => Ok(false),
        (rated, wanted) if rated == wanted => Ok(true),
        (rated, _) => Err(Misfit::Rated(rated)),
    }
}

pub(super) fn created(matches: &Match, view: &View<'_>) -> Holds {
    if matches.created_after.is_none() && matches.created_before.is_none() {
        return Ok(true);
    }
    let Some(began) = view.conversation.created_at else { return Ok(false) };
    let after = matches.created_after.is_none_or(|after| began >= after);
    let before = matches.created_before.is_none_or(|before| began < before);
    if after && before { Ok(true) } else { Err(Misfit::Began) }
}
