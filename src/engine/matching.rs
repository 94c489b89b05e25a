//! Whether a rule fits a conversation: yes, no, or not known yet.

mod facts;
pub(super) mod speaker;

use super::conversation::Class;
use super::missing::Missing;
use super::rule::{ContactReplied, Match, StateName, WaitingOn};
use super::view::{Standing, View};
use super::why::Misfit;

/// Whether a rule fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    Yes,
    No(Misfit),
    /// Facts that the rule asks for are not known: these. The conversation must be read first.
    Unknown(Vec<Missing>),
}

/// Whether one condition holds.
enum Holds {
    Yes,
    No(Misfit),
    Unknown(Missing),
}

impl Holds {
    fn or(holds: bool, misfit: Misfit) -> Holds {
        if holds { Holds::Yes } else { Holds::No(misfit) }
    }
}

/// All conditions must hold. One that certainly fails settles it, whatever is unknown about the others.
pub(super) fn fit(matches: &Match, view: &View<'_>) -> Fit {
    let conditions = [
        state(matches, view),
        contact_replied(matches, view),
        waiting_on(matches, view),
        speaker::last_speaker(matches, view),
        speaker::snooze_at_most(matches, view),
        tags(matches, view),
        all_tags(matches, view),
        not_tags(matches, view),
        facts::team(matches, view),
        facts::assignee(matches, view),
        facts::unassigned(matches, view),
        facts::attributes(matches, view),
        facts::priority(matches, view),
        facts::channel(matches, view),
        facts::delivered_as(matches, view),
        facts::ai_resolution(matches, view),
        facts::not_ai_resolution(matches, view),
        facts::rated(matches, view),
        facts::created(matches, view),
    ];
    let mut unknown = Vec::new();
    for condition in conditions {
        match condition {
            Holds::Yes => {}
            Holds::Unknown(missing) => unknown.push(missing),
            Holds::No(misfit) => return Fit::No(misfit),
        }
    }
    if unknown.is_empty() { Fit::Yes } else { Fit::Unknown(unknown) }
}

fn state(matches: &Match, view: &View<'_>) -> Holds {
    let holds = |names: &[StateName]| {
        matches.state.as_ref().is_none_or(|wanted| names.iter().any(|name| wanted.contains(name)))
    };
    let (fits, is) = match view.standing {
        Standing::Unknown => return Holds::Unknown(Missing::State),
        Standing::Open => (holds(&[StateName::Open]), "open"),
        Standing::Woken => (holds(&[StateName::Open, StateName::Woken]), "woken"),
        Standing::Snoozed { .. } => (holds(&[StateName::Snoozed]), "snoozed"),
        Standing::Closed => (matches.state.is_none(), "closed"),
    };
    Holds::or(fits, Misfit::State(is))
}

fn contact_replied(matches: &Match, view: &View<'_>) -> Holds {
    let replied = view.latest(Class::ContactReply).is_some();
    match matches.contact_replied {
        ContactReplied::Any => Holds::Yes,
        ContactReplied::Yes if replied => Holds::Yes,
        ContactReplied::No if replied => Holds::No(Misfit::ContactWrote),
        _ if !view.conversation.whole => Holds::Unknown(Missing::ContactWrote),
        ContactReplied::Yes => Holds::No(Misfit::ContactNeverWrote),
        ContactReplied::No => Holds::Yes,
    }
}

/// Whose turn it is, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Contact,
    Teammate,
    /// No person has spoken.
    Nobody,
    Unknown,
}

/// Whose turn it is, looking at people only. A tie in time counts as "the contact is newer".
pub(super) fn turn(view: &View<'_>) -> Turn {
    let contact = view.latest(Class::ContactReply).map(|a| a.at);
    let teammate = view.latest(Class::TeammateReply).map(|a| a.at);
    match (contact, teammate) {
        (Some(contact), Some(teammate)) if contact >= teammate => Turn::Teammate,
        (_, Some(_)) => Turn::Contact,
        // A teammate's answer may lie before what was seen.
        (_, None) if !view.conversation.whole => Turn::Unknown,
        (Some(_), None) => Turn::Teammate,
        (None, None) => Turn::Nobody,
    }
}

fn waiting_on(matches: &Match, view: &View<'_>) -> Holds {
    if matches.waiting_on == WaitingOn::Anyone {
        return Holds::Yes;
    }
    match (matches.waiting_on, turn(view)) {
        (_, Turn::Unknown) => Holds::Unknown(Missing::Turn),
        (_, Turn::Nobody) => Holds::No(Misfit::NobodySpoke),
        (WaitingOn::Contact, Turn::Teammate) => Holds::No(Misfit::WaitingOnTeammate),
        (WaitingOn::Teammate, Turn::Contact) => Holds::No(Misfit::WaitingOnContact),
        _ => Holds::Yes,
    }
}

fn tags(matches: &Match, view: &View<'_>) -> Holds {
    if matches.tags.is_empty() {
        return Holds::Yes;
    }
    let Some(known) = tag_names(view) else { return Holds::Unknown(Missing::Tags) };
    Holds::or(matches.tags.iter().any(|tag| known.contains(&tag.as_str())), Misfit::NoSuchTag)
}

fn all_tags(matches: &Match, view: &View<'_>) -> Holds {
    if matches.all_tags.is_empty() {
        return Holds::Yes;
    }
    let Some(known) = tag_names(view) else { return Holds::Unknown(Missing::Tags) };
    Holds::or(matches.all_tags.iter().all(|tag| known.contains(&tag.as_str())), Misfit::MissingTag)
}

fn not_tags(matches: &Match, view: &View<'_>) -> Holds {
    if matches.not_tags.is_empty() {
        return Holds::Yes;
    }
    let Some(known) = tag_names(view) else { return Holds::Unknown(Missing::Tags) };
    match matches.not_tags.iter().find(|tag| known.contains(&tag.as_str())) {
        Some(tag) => Holds::No(Misfit::Tagged(tag.clone())),
        None => Holds::Yes,
    }
}

/// Names of the conversation's tags, if they are known.
pub(super) fn tag_names<'a>(view: &'a View<'_>) -> Option<Vec<&'a str>> {
    let facts = view.facts()?;
    facts.tags.as_ref().map(|tags| tags.iter().map(|tag| tag.name.as_str()).collect())
}
