//! Conditions on what a conversation is: assigned, of a priority, of a channel, rated, begun then.

use super::Holds;
use crate::engine::activity::Class;
use crate::engine::missing::Missing;
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
        return Holds::Yes;
    }
    let Some(known) = known else { return Holds::Unknown(Missing::Assignee(what)) };
    let Some(id) = known else {
        return if wanted.is_empty() { Holds::Yes } else { Holds::No(Misfit::Unassigned(what)) };
    };
    let is = |named: &Named| named.id.as_ref() == Some(id);
    if barred.iter().any(is) {
        return Holds::No(Misfit::Barred(what));
    }
    let found = wanted.is_empty() || wanted.iter().any(is);
    let could_be = |named: &&Named| named.id.is_none();
    match (wanted.iter().find(could_be).filter(|_| !found), barred.iter().find(could_be)) {
        (None, None) => Holds::or(found, Misfit::OtherAssignee(what)),
        (None, Some(_)) if !found => Holds::No(Misfit::OtherAssignee(what)),
        (Some(named), _) | (None, Some(named)) => Holds::Unknown(Missing::Name { what, name: named.name.clone() }),
    }
}

/// An attribute that is not set equals nothing.
pub(super) fn attributes(matches: &Match, view: &View<'_>) -> Holds {
    let mut unknown = None;
    for (name, wanted) in &matches.attributes {
        match view.facts().and_then(|facts| facts.attributes.get(name)) {
            None => unknown = unknown.or(Some(name)),
            Some(Some(value)) if wanted.contains(value) => {}
            Some(Some(_)) => return Holds::No(Misfit::Attribute { name: name.clone(), set: true }),
            Some(None) => return Holds::No(Misfit::Attribute { name: name.clone(), set: false }),
        }
    }
    unknown.map_or(Holds::Yes, |name| Holds::Unknown(Missing::Attribute(name.clone())))
}

pub(super) fn unassigned(matches: &Match, view: &View<'_>) -> Holds {
    let Some(wanted) = matches.unassigned else { return Holds::Yes };
    let Some(facts) = view.facts() else { return Holds::Unknown(Missing::Assignee("teammate or team")) };
    let assignees = [&facts.admin_assignee_id, &facts.team_assignee_id];
    let assigned = assignees.iter().any(|assignee| matches!(assignee, Some(Some(_))));
    let nobody = assignees.iter().all(|assignee| matches!(assignee, Some(None)));
    match (assigned, nobody) {
        (false, false) => Holds::Unknown(Missing::Assignee("teammate or team")),
        _ if assigned != wanted => Holds::Yes,
        _ => Holds::No(Misfit::Assigned(assigned)),
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
        _ if wanted.is_empty() => Holds::Yes,
        Some(known) if wanted.iter().any(|wanted| wanted == known) => Holds::Yes,
        Some(known) => Holds::No(Misfit::Other(what, known.to_owned())),
        None if told => Holds::No(Misfit::Other(what, "not told".to_owned())),
        None => Holds::Unknown(Missing::Fact(what)),
    }
}

pub(super) fn ai_resolution(matches: &Match, view: &View<'_>) -> Holds {
    if matches.ai_resolution.is_empty() {
        return Holds::Yes;
    }
    match resolution(view) {
        None => Holds::Unknown(Missing::Fact("AI resolution")),
        Some(Some(known)) if matches.ai_resolution.iter().any(|wanted| wanted == known) => Holds::Yes,
        Some(known) => Holds::No(Misfit::Other("AI resolution", known.unwrap_or("none").to_owned())),
    }
}

pub(super) fn not_ai_resolution(matches: &Match, view: &View<'_>) -> Holds {
    if matches.not_ai_resolution.is_empty() {
        return Holds::Yes;
    }
    match resolution(view) {
        None => Holds::Unknown(Missing::Fact("AI resolution")),
        Some(Some(known)) if matches.not_ai_resolution.iter().any(|barred| barred == known) => {
            Holds::No(Misfit::Other("AI resolution", known.to_owned()))
        }
        Some(_) => Holds::Yes,
    }
}

/// Fin's resolution; the outer `None` is not known.
#[expect(clippy::option_option, reason = "none is not the same as not known")]
fn resolution<'a>(view: &'a View<'_>) -> Option<Option<&'a str>> {
    view.facts()?.ai_resolution.as_ref().map(Option::as_deref)
}

pub(super) fn rated(matches: &Match, view: &View<'_>) -> Holds {
    let Some(wanted) = matches.rated else { return Holds::Yes };
    let rated = view.latest(Class::Rated).is_some();
    match (rated, wanted) {
        (false, _) if !view.conversation.whole => Holds::Unknown(Missing::Rated),
        (rated, wanted) if rated == wanted => Holds::Yes,
        (rated, _) => Holds::No(Misfit::Rated(rated)),
    }
}

pub(super) fn created(matches: &Match, view: &View<'_>) -> Holds {
    if matches.created_after.is_none() && matches.created_before.is_none() {
        return Holds::Yes;
    }
    let Some(began) = view.conversation.created_at else { return Holds::Unknown(Missing::Began) };
    let after = matches.created_after.is_none_or(|after| began >= after);
    let before = matches.created_before.is_none_or(|before| began < before);
    if after && before { Holds::Yes } else { Holds::No(Misfit::Began) }
}
