//! What steps do, in words.

use super::all;
use crate::config::duration;
use crate::engine::rule::{Act, Assignment, Labels, Named};

pub(super) fn deed(act: &Act) -> String {
    match act {
        Act::Reply { .. } => "send a message".to_owned(),
        Act::Note { .. } => "leave a note".to_owned(),
        Act::Close { body, labels } => closing(body.is_some(), labels),
        Act::Snooze { length } => format!("snooze for {}", duration::in_words(*length)),
        Act::Open => "open".to_owned(),
        Act::Assign(Assignment::Nobody) => "assign to nobody".to_owned(),
        Act::Assign(Assignment::To { team, teammate }) => {
            let named =
                |what: &str, named: &Option<Named>| named.as_ref().map(|named| format!("{what} {}", named.name));
            let named: Vec<_> = [named("team", team), named("teammate", teammate)].into_iter().flatten().collect();
            format!("assign to {}", all(&named))
        }
        Act::Label(labels) => all(&labelling(labels)),
    }
}

fn closing(speaks: bool, labels: &Labels) -> String {
    let close = if speaks { "close with a last word" } else { "close silently" };
    if labels.is_empty() { close.to_owned() } else { format!("{close}, then {}", all(&labelling(labels))) }
}

fn labelling(labels: &Labels) -> Vec<String> {
    let attributes: Vec<&String> = labels.set.keys().collect();
    let read = labels.read.map(|read| if read { "mark as read" } else { "mark as unread" }.to_owned());
    let words = |word: &str, names: String| (!names.is_empty()).then(|| format!("{word} {names}"));
    let words =
        [words("tag", all(&labels.tags)), words("untag", all(&labels.untag)), words("set", all(&attributes)), read];
    words.into_iter().flatten().collect()
}
