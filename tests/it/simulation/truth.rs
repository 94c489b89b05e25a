//! What is true in the fake workspace, read off its parts without a word of the daemon's.

use autoclosed::fake_intercom::{Seen, SeenPart, Workspace};
use jiff::Timestamp;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Bot,
    Teammate,
    /// The last, as a contact's reply counts as the later one of the same second.
    Contact,
}

/// Something said by somebody but the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said {
    pub(crate) second: i64,
    pub(crate) who: Who,
    /// 0 for the opening message.
    pub(crate) part: u64,
}

/// How a conversation began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) at: Timestamp,
    pub(crate) who: Who,
}

/// The daemon's own account.
pub(crate) fn is_ours(part: &SeenPart) -> bool {
    part.author_id == Workspace::default().token_admin
}

/// Everything that was said, in the order of the promises.
pub(crate) fn said(opening: Opening, seen: &Seen) -> Vec<Said> {
    let mut all = vec![Said { second: opening.at.as_second(), who: opening.who, part: 0 }];
    let speaks = |part: &&SeenPart| part.body.is_some() && !part.kind.starts_with("note") && !is_ours(part);
    all.extend(seen.parts.iter().filter(speaks).map(|part| Said {
        second: part.at.as_second(),
        who: match part.author_type {
            "user" | "lead" => Who::Contact,
            "admin" => Who::Teammate,
            _ => Who::Bot,
        },
        part: part.id,
    }));
    // What is merged into it may hold words of the contact that none of its parts show.
    let merged = seen.parts.iter().filter(|part| part.kind == "merged_primary_conversation");
    all.extend(merged.map(|part| Said { second: part.at.as_second(), who: Who::Contact, part: part.id }));
    all.sort_unstable();
    all
}

/// The last word of these.
pub(crate) fn last_of(said: &[Said], who: &[Who]) -> Option<Said> {
    said.iter().filter(|one| who.contains(&one.who)).max().copied()
}

/// Our last close, if that is what the conversation stands at.
pub(crate) fn closed_by_us(seen: &Seen) -> Option<&SeenPart> {
    let closes = |part: &&SeenPart| part.kind == "close";
    seen.parts.iter().rev().find(closes).filter(|part| seen.state == "closed" && is_ours(part))
}

/// Messages of ours to the contact: the part and its text.
pub(crate) fn our_messages(seen: &Seen) -> impl Iterator<Item = (&SeenPart, &str)> {
    let ours = seen.parts.iter().filter(|part| is_ours(part) && part.kind != "note");
    ours.filter_map(|part| part.body.as_deref().map(|body| (part, body)))
}
