//! What steps do, in words.

use super::assigned::value;
use super::{all, either};
use crate::config::channels::USUAL;
use crate::config::duration;
use crate::engine::Step;
use crate::engine::rule::{Act, Assignment, Labels, Named, Setting};

/// What a step does, and where its text goes out if not as usual.
pub(super) fn deed(step: &Step) -> String {
    let by = if step.channels == USUAL { String::new() } else { format!(" by {} only", either(&step.channels)) };
    match &step.act {
        Act::Reply { .. } => format!("send a message{by}"),
        Act::Note { .. } => "leave a note".to_owned(),
        Act::Close { body: None, labels } => closing("close silently".to_owned(), labels),
        Act::Close { body: Some(_), labels } if by.is_empty() => closing("close with a last word".to_owned(), labels),
        Act::Close { body: Some(_), labels } => {
            closing(format!("close with a last word{by}, silently on other channels"), labels)
        }
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

fn closing(close: String, labels: &Labels) -> String {
    if labels.is_empty() { close } else { format!("{close}, then {}", all(&labelling(labels))) }
}

fn labelling(labels: &Labels) -> Vec<String> {
    let attributes: Vec<String> = labels.set.iter().map(|(name, to)| format!("{name} to {}", setting(to))).collect();
    let read = labels.read.map(|read| if read { "mark as read" } else { "mark as unread" }.to_owned());
    let words = |word: &str, names: String| (!names.is_empty()).then(|| format!("{word} {names}"));
    let words =
        [words("tag", all(&labels.tags)), words("untag", all(&labels.untag)), words("set", all(&attributes)), read];
    words.into_iter().flatten().collect()
}

fn setting(to: &Setting) -> String {
    match to {
        Setting::Template(text) => format!("\"{}\"", text.escape_debug()),
        Setting::Value(set) => value(set),
    }
}
