//! Whether a rule fits a conversation: yes, no, or not known yet.

mod facts;
mod speaker;

use super::conversation::Class;
use super::rule::{ContactReplied, Match, StateName, WaitingOn};
use super::view::{Standing, View};
use super::why::Misfit;

/// Whether a rule fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    Yes,
    No(Misfit),
    /// A fact that the rule asks for is not known; the conversation must be read first.
    Unknown,
}

impl From<Result<bool, Misfit>> for Fit {
    fn from(holds: Result<bool, Misfit>) -> Fit {
        match holds {
            Ok(true) => Fit::Yes,
            Ok(false) => Fit::Unknown,
            Err(misfit) => Fit::No(misfit),
        }
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
    let mut fit = Fit::Yes;
    for condition in conditions {
        match Fit::from(condition) {
            Fit::Yes => {}
            Fit::Unknown => fit = Fit::Unknown,
            Fit::No(misfit) => return Fit::No(misfit),
        }
    }
    fit
}

/// `Ok(true)`: holds; `Ok(false)`: not known; `Err`: does not hold.
type Holds = Result<bool, Misfit>;

fn state(matches: &Match, view: &View<'_>) -> Holds {
    let Some(wanted) = &matches.state else { return Ok(view.standing != Standing::Unknown) };
    let holds = |names: &[StateName]| names.iter().any(|name| wanted.contains(name));
    let (fits, is) = match view.standing {
        Standing::Unknown => return Ok(false),
        Standing::Open => (holds(&[StateName::Open]), "open"),
        Standing::Woken => (holds(&[StateName::Open, StateName::Woken]), "woken"),
        Standing::Snoozed { .. } => (holds(&[StateName::Snoozed]), "snoozed"),
        Standing::Closed => (false, "closed"),
    };
    if fits { Ok(true) } else { Err(Misfit::State(is)) }
}

fn contact_replied(matches: &Match, view: &View<'_>) -> Holds {
    let replied = view.latest(Class::ContactReply).is_some();
    match matches.contact_replied {
        ContactReplied::Any => Ok(true),
        ContactReplied::Yes if replied => Ok(true),
        ContactReplied::No if replied => Err(Misfit::ContactWrote),
        _ if !view.conversation.whole => Ok(false),
        ContactReplied::Yes => Err(Misfit::ContactNeverWrote),
        ContactReplied::No => Ok(true),
    }
}

/// Whose turn it is, looking at people only. A tie in time counts as "the contact is newer".
fn waiting_on(matches: &Match, view: &View<'_>) -> Holds {
    if matches.waiting_on == WaitingOn::Anyone {
        return Ok(true);
    }
    let contact = view.latest(Class::ContactReply).map(|a| a.at);
    let teammate = view.latest(Class::TeammateReply).map(|a| a.at);
    let ours = match (contact, teammate) {
        (Some(contact), Some(teammate)) => contact >= teammate,
        (None, Some(_)) => false,
        // A teammate's answer may lie before what was seen.
        (_, None) if !view.conversation.whole => return Ok(false),
        (Some(_), None) => true,
        (None, None) => return Err(Misfit::NobodySpoke),
    };
    match (matches.waiting_on, ours) {
        (WaitingOn::Contact, true) => Err(Misfit::WaitingOnTeammate),
        (WaitingOn::Teammate, false) => Err(Misfit::WaitingOnContact),
        _ => Ok(true),
    }
}

fn tags(matches: &Match, view: &View<'_>) -> Holds {
    if matches.tags.is_empty() {
        return Ok(true);
    }
    let Some(known) = tag_names(view) else { return Ok(false) };
    if matches.tags.iter().any(|tag| known.contains(&tag.as_str())) { Ok(true) } else { Err(Misfit::NoSuchTag) }
}

fn all_tags(matches: &Match, view: &View<'_>) -> Holds {
    if matches.all_tags.is_empty() {
        return Ok(true);
    }
    let Some(known) = tag_names(view) else { return Ok(false) };
    if matches.all_tags.iter().all(|tag| known.contains(&tag.as_str())) { Ok(true) } else { Err(Misfit::MissingTag) }
}

fn not_tags(matches: &Match, view: &View<'_>) -> Holds {
    if matches.not_tags.is_empty() {
        return Ok(true);
    }
    let Some(known) = tag_names(view) else { return Ok(false) };
    match matches.not_tags.iter().find(|tag| known.contains(&tag.as_str())) {
        Some(tag) => Err(Misfit::Tagged(tag.clone())),
        None => Ok(true),
    }
}

/// Names of the conversation's tags, if they are known.
pub(super) fn tag_names<'a>(view: &'a View<'_>) -> Option<Vec<&'a str>> {
    let facts = view.facts()?;
    facts.tags.as_ref().map(|tags| tags.iter().map(|tag| tag.name.as_str()).collect())
}
