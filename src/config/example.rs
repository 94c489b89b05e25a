//! One conversation that a rule fits, in plain words.
//!
//! Owns: a choice among all that its conditions leave open. Refuses: conditions that nothing fulfils.

use jiff::{SignedDuration, Timestamp};

use super::duration;
use crate::engine::rule::{ContactReplied, Match, Named, Speaker, StateName, WaitingOn};
use crate::engine::why;

/// A conversation as far as conditions speak of it. Lists that ask for nothing leave their fact out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Example<'m> {
    matches: &'m Match,
    pub(super) state: StateName,
    /// Who spoke, in this order.
    pub(super) spoke: Vec<Speaker>,
    pub(super) tags: Vec<&'m str>,
    pub(super) priority: Option<&'m str>,
    pub(super) channel: Option<&'m str>,
    pub(super) delivered_as: Option<&'m str>,
    pub(super) ai_resolution: Option<&'m str>,
    pub(super) began: Option<Timestamp>,
}

impl Example<'_> {
    /// A conversation that fits; `None` if its conditions bar each other.
    pub(super) fn of(matches: &Match) -> Option<Example<'_>> {
        let unbarred = |names: &'_ [String], barred: &[String]| names.iter().position(|name| !barred.contains(name));
        let mut tags: Vec<&str> = matches.all_tags.iter().map(String::as_str).collect();
        if !matches.tags.is_empty() && !matches.tags.iter().any(|tag| tags.contains(&tag.as_str())) {
            tags.push(&matches.tags[unbarred(&matches.tags, &matches.not_tags)?]);
        }
        if tags.iter().any(|tag| matches.not_tags.iter().any(|barred| barred == tag)) {
            return None;
        }
        let resolution = unbarred(&matches.ai_resolution, &matches.not_ai_resolution);
        if resolution.is_none() && !matches.ai_resolution.is_empty() {
            return None;
        }
        Some(Example {
            matches,
            state: matches.state.as_ref().map_or(Some(StateName::Open), |states| states.first().copied())?,
            spoke: spoke(matches)?,
            tags,
            priority: matches.priority.first().map(String::as_str),
            channel: matches.channel.first().map(String::as_str),
            delivered_as: matches.delivered_as.first().map(String::as_str),
            ai_resolution: resolution.map(|index| matches.ai_resolution[index].as_str()),
            began: began(matches),
        })
    }

    /// `snoozed, waiting for the contact, tagged vip`.
    pub(super) fn in_words(&self) -> String {
        let Match { snooze_at_most, last_speaker, contact_replied, unassigned, rated, .. } = self.matches;
        let snoozed = snooze_at_most.filter(|_| self.state == StateName::Snoozed);
        let words = [
            Some(self.state.name().to_owned() + &snoozed.map_or_else(String::new, for_so_long)),
            turn(self.matches.waiting_on).map(str::to_owned),
            self.spoke.last().filter(|_| !last_speaker.is_empty()).map(|last| format!("last word by {}", named(*last))),
            (*contact_replied == ContactReplied::No).then(|| "never written in by the contact".to_owned()),
            unassigned.map(|nobody| if nobody { "assigned to nobody" } else { "assigned to somebody" }.to_owned()),
            named_first("team", &self.matches.team),
            named_first("teammate", &self.matches.assignee),
            rated.map(|rated| if rated { "rated" } else { "not rated" }.to_owned()),
            self.priority.map(|priority| format!("of priority {priority}")),
            self.ai_resolution.map(|resolution| format!("with the AI resolution {resolution}")),
            (!self.matches.attributes.is_empty()).then(|| {
                let names: Vec<_> = self.matches.attributes.keys().map(|name| format!("`{name}`")).collect();
                format!("whose {} {} as it asks", names.join(" and "), if names.len() == 1 { "is" } else { "are" })
            }),
            (!self.tags.is_empty()).then(|| format!("tagged {}", self.tags.join(" and "))),
            self.channel.map(|channel| format!("by {channel}")),
            self.delivered_as.map(|how| format!("begun as {how}")),
            self.began.map(|began| format!("begun at {}", why::at(began))),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

fn named_first(what: &str, names: &[Named]) -> Option<String> {
    names.first().map(|named| format!("assigned to {what} {}", named.name))
}

fn for_so_long(length: SignedDuration) -> String {
    format!(" for {}", duration::in_words(length))
}

fn turn(waiting_on: WaitingOn) -> Option<&'static str> {
    match waiting_on {
        WaitingOn::Contact => Some("waiting for the contact"),
        WaitingOn::Teammate => Some("waiting for a teammate"),
        WaitingOn::Anyone => None,
    }
}

fn named(speaker: Speaker) -> &'static str {
    match speaker {
        Speaker::Contact => "the contact",
        Speaker::Teammate => "a teammate",
        Speaker::Bot => "a bot",
    }
}

/// Who spoke in which order, so that the turn and the last word are as wanted.
fn spoke(matches: &Match) -> Option<Vec<Speaker>> {
    use Speaker::{Bot, Contact, Teammate};
    let wrote = matches.contact_replied != ContactReplied::No;
    let orders: [&[Speaker]; 6] = [
        &[Contact, Teammate],
        &[Teammate, Contact],
        &[Contact, Teammate, Bot],
        &[Teammate, Contact, Bot],
        &[Teammate],
        &[Teammate, Bot],
    ];
    let fits = |order: &&&[Speaker]| {
        let person = order.iter().rev().find(|speaker| **speaker != Bot);
        let turn = match matches.waiting_on {
            WaitingOn::Contact => person == Some(&Teammate),
            WaitingOn::Teammate => person == Some(&Contact),
            WaitingOn::Anyone => true,
        };
        let last = order.last().is_some_and(|last| matches.last_speaker.contains(last));
        turn && order.contains(&Contact) == wrote && (last || matches.last_speaker.is_empty())
    };
    orders.iter().find(fits).map(|order| order.to_vec())
}

fn began(matches: &Match) -> Option<Timestamp> {
    let before = matches.created_before.and_then(|before| before.checked_sub(SignedDuration::from_secs(1)).ok());
    matches.created_after.or(before)
}
