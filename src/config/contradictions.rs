//! Rules that fit nothing at all, because their own conditions bar each other.
//!
//! Owns: the certain cases between two conditions that both are right by themselves. Refuses: to guess; whether any
//! conversation like that exists is for Intercom to know.

use std::ops::Range;

use super::reader::{Reader, shown};
use crate::engine::rule::{ContactReplied, Match, Speaker, WaitingOn};

/// Two conditions that nothing fulfils together.
#[derive(Debug, PartialEq, Eq)]
struct Contradiction {
    /// The key to point at.
    key: &'static str,
    /// The text in its list to point at, if it is a single one.
    text: Option<String>,
    message: String,
    help: String,
}

/// Notes what cannot hold together. `conditions` are read a second time: only from a table without mistakes.
pub(super) fn doubt(conditions: &mut Reader<'_>, matches: &Match) {
    for found in contradictions(matches) {
        let place = found.text.as_ref().and_then(|text| place_in_list(conditions, found.key, text));
        let place = place.unwrap_or_else(|| conditions.place_of(found.key));
        conditions.notes.warning(place, found.message, found.help);
    }
}

fn place_in_list(conditions: &mut Reader<'_>, key: &'static str, text: &str) -> Option<Range<usize>> {
    let texts = conditions.texts(key, "")?.into_inner();
    texts.iter().find(|listed| *listed.get_ref() == text).map(toml::Spanned::span)
}

fn contradictions(matches: &Match) -> Vec<Contradiction> {
    let tag = matches.all_tags.iter().find(|tag| matches.not_tags.contains(tag));
    let tag = tag.map(|tag| Contradiction {
        key: "not_tags",
        text: Some(tag.clone()),
        message: format!("this rule fits nothing: it asks for the tag \"{}\" and bars it too", shown(tag)),
        help: "leave the tag out of match.all_tags, or out of match.not_tags".to_owned(),
    });
    let tags = all_barred("tags", &matches.tags, "not_tags", &matches.not_tags);
    let resolutions =
        all_barred("ai_resolution", &matches.ai_resolution, "not_ai_resolution", &matches.not_ai_resolution);
    [tag, tags, resolutions, silent_contact(matches)].into_iter().flatten().collect()
}

/// One of these is asked for, and every one of them is barred.
fn all_barred(key: &'static str, wanted: &[String], bar: &'static str, barred: &[String]) -> Option<Contradiction> {
    let certain = !wanted.is_empty() && wanted.iter().all(|name| barred.contains(name));
    certain.then(|| Contradiction {
        key: bar,
        text: None,
        message: format!("this rule fits nothing: `{bar}` bars all that `{key}` asks for"),
        help: format!("leave something of match.{key} out of match.{bar}, or leave out one of the two"),
    })
}

/// Whoever never wrote did not speak last, and nobody owes an answer.
fn silent_contact(matches: &Match) -> Option<Contradiction> {
    if matches.contact_replied != ContactReplied::No {
        return None;
    }
    let never = match (matches.last_speaker.as_slice(), matches.waiting_on) {
        ([Speaker::Contact], _) => "a contact who never wrote did not speak last",
        (_, WaitingOn::Teammate) => "it is never a teammate's turn when the contact never wrote",
        _ => return None,
    };
    Some(Contradiction {
        key: "contact_replied",
        text: None,
        message: format!("this rule fits nothing: {never}"),
        help: "leave out match.contact_replied, or write match.waiting_on = \"anyone\" and another last_speaker"
            .to_owned(),
    })
}
