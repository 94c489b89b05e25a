//! Finds out what has happened since the last look, and puts it in words.
//!
//! Owns: the words for each part and each line of the journal. Refuses: knowing the script. It tells what is in the
//! workspace and in the journal, whoever put it there.

use crate::fake_intercom::{Seen, SeenPart};
use crate::store::JournalEntry;

use super::page::{Tone, day_and_clock};
use super::script::DAEMON;

/// How much of a conversation has been told.
#[derive(Debug, Default)]
pub(super) struct Told {
    parts: usize,
    tags: usize,
    journal: usize,
}

impl Told {
    /// What is new, in words. Afterwards it is not new any more.
    pub(super) fn news(&mut self, seen: &Seen, journal: &[&JournalEntry], teammate: Name<'_>) -> Vec<(Tone, String)> {
        // A change of tags leaves a part that does not say which: the tags do.
        let parts = seen.parts.iter().skip(self.parts).filter(|part| part.kind != "conversation_tags_updated");
        let mut news: Vec<_> = parts.map(|part| part_in_words(part, seen, teammate)).collect();
        news.extend(seen.tags.iter().skip(self.tags).map(|tag| (Tone::Plain, format!("is tagged `{tag}`"))));
        news.extend(journal.iter().skip(self.journal).map(|entry| (Tone::Aside, format!("journal: {}", line(entry)))));
        *self = Told { parts: seen.parts.len(), tags: seen.tags.len(), journal: journal.len() };
        news
    }
}

/// Looks up the name of a teammate.
pub(super) type Name<'a> = &'a dyn Fn(&str) -> String;

/// A line of the journal: outcome, step and reason, as they are written there.
pub(super) fn line(entry: &JournalEntry) -> String {
    format!("{} {}: {}", entry.outcome, entry.step, entry.why)
}

/// The daemon left this part.
pub(super) fn is_ours(part: &SeenPart) -> bool {
    part.author_type == "admin" && part.author_id == DAEMON.0
}

fn part_in_words(part: &SeenPart, seen: &Seen, teammate: Name<'_>) -> (Tone, String) {
    let said = part.body.as_deref().map(|body| format!("\"{}\"", body.replace("<p>", "").replace("</p>", "")));
    let until = || seen.snoozed_until.map_or("later".to_owned(), day_and_clock);
    let words = match (part.author_type, part.kind, said) {
        ("user" | "lead", _, Some(said)) => return (Tone::Plain, format!("writes: {said}")),
        ("bot", "timer_unsnooze", _) => return (Tone::Plain, "the snooze ends".to_owned()),
        (_, "unsnoozed", _) => return (Tone::Aside, "(in Intercom, a message ends a snooze)".to_owned()),
        (_, "snoozed", _) if is_ours(part) => format!("snoozes it again until {}", until()),
        (_, "snoozed", _) => format!("snoozes it until {}", until()),
        (_, "open", None) => "opens it again, without a word".to_owned(),
        (_, "close", Some(said)) => format!("closes it: {said}"),
        (_, "close", None) => "closes it without a word".to_owned(),
        (_, _, Some(said)) if is_ours(part) => format!("reminds: {said}"),
        (_, _, Some(said)) => format!("answers: {said}"),
        (_, kind, None) => format!("leaves a part `{kind}`"),
    };
    let tone = if is_ours(part) { Tone::Deed } else { Tone::Plain };
    (tone, format!("{} {words}", teammate(&part.author_id)))
}
