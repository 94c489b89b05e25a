//! Finds lengths of time in a text, and what their sentences speak of.
//!
//! Owns: the words. A length is a number up to fourteen in words or any in digits, or "a", with hours, days, working
//! days or weeks, or "tomorrow". It counts if its sentence speaks of closing ("clos…", "keep it open") or of silence ("quiet", "silent", "inactive",
//! "hear", "no reply", "unless you answer"), and no other matter stands nearer: opening again, or how soon *we* answer.
//! Refuses: what is no promise to the hour. Ranges ("3-5 days"), "about", "over", "at least" and rates ("24 hours a
//! day") are passed over, and so are whole sentences on offices and holidays.

use std::ops::Range;

/// A length of time that a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// In the text, from the number to the unit.
    pub(super) place: Range<usize>,
    /// What stands there, without tags and in small letters.
    pub(super) text: String,
    pub(super) number: u32,
    pub(super) unit: Unit,
    /// What it is said about.
    pub(super) topic: Topic,
    /// Its sentence speaks of silence, whatever else of.
    pub(super) of_silence: bool,
    /// Told as time to come: "in", "within", "more".
    pub(super) ahead: bool,
    /// Told as "… ago".
    pub(super) ago: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Hours,
    Days,
    WorkingDays,
    Weeks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Close,
    Silence,
}

const NUMBERS: [&str; 14] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen",
];

/// Between a number and its unit.
const BETWEEN: [&str; 5] = ["more", "further", "full", "whole", "additional"];

/// Before a length that is yet to come.
const AHEAD: [&str; 5] = ["within", "next", "another", "further", "additional"];

/// Before a length that is none to the hour.
const VAGUE: [&str; 16] = [
    "about",
    "around",
    "roughly",
    "approximately",
    "nearly",
    "almost",
    "over",
    "under",
    "than",
    "least",
    "most",
    "to",
    "or",
    "every",
    "each",
    "first",
];

/// A sentence with one of these speaks of something else.
const ELSEWHERE: [&str; 8] = ["office", "offices", "holiday", "holidays", "weekend", "weekends", "christmas", "easter"];

const NOT: [&str; 9] = ["no", "not", "without", "never", "unless", "nothing", "cannot", "didnt", "havent"];

/// Elements that end a sentence.
const BLOCKS: [&str; 14] = ["p", "br", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "tr", "td", "hr", "blockquote"];

/// Every length in a template that speaks of the close or the silence, in the order of the text.
pub(super) fn lengths(template: &str) -> Vec<Named> {
    let plain = plain(template);
    sentences(&plain).into_iter().flat_map(|sentence| in_sentence(&plain, sentence)).collect()
}

/// The same text in small letters and of the same length, with nothing to read in expressions and tags.
fn plain(template: &str) -> String {
    let mut plain = String::with_capacity(template.len());
    while let Some(rest) = template.get(plain.len()..).filter(|rest| !rest.is_empty()) {
        let end = |end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
        let (length, instead) = match rest.as_bytes() {
            [b'{', b'{', ..] if rest[..end("}}")].contains("closes_at") => (end("}}"), "close_"),
            [b'{', b'{', ..] => (end("}}"), "_"),
            [b'{', b'%', ..] => (end("%}"), " "),
            [b'{', b'#', ..] => (end("#}"), " "),
            [b'<', b'/' | b'a'..=b'z' | b'A'..=b'Z', ..] => (end(">"), if ends_sentence(rest) { "." } else { " " }),
            _ if rest.starts_with("&nbsp;") => (6, " "),
            _ => {
                let first = rest.chars().next().unwrap_or_default();
                plain.push(first.to_ascii_lowercase());
                continue;
            }
        };
        let filler = if instead.ends_with('_') { '_' } else { ' ' };
        plain.extend(instead.chars().chain(std::iter::repeat(filler)).take(length));
    }
    plain
}

fn ends_sentence(tag: &str) -> bool {
    let name = tag.trim_start_matches(['<', '/']);
    let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    BLOCKS.contains(&name.to_ascii_lowercase().as_str())
}

fn sentences(plain: &str) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (at, c) in plain.char_indices() {
        let next = plain[at + c.len_utf8()..].chars().next();
        let stop = matches!(c, '.' | '!' | '?' | ';') && next.is_none_or(|next| !next.is_alphanumeric());
        if stop || (c == '\n' && next == Some('\n')) {
            sentences.push(start..at);
            start = at + c.len_utf8();
        }
    }
    sentences.push(start..plain.len());
    sentences
}

fn in_sentence(plain: &str, sentence: Range<usize>) -> Vec<Named> {
    let words = words(plain, sentence);
    let told: Vec<&str> = words.iter().map(|word| &plain[word.clone()]).collect();
    if told.iter().any(|word| ELSEWHERE.contains(word)) {
        return Vec::new();
    }
    let found = (0..words.len()).filter_map(|index| length(plain, &words, &told, index));
    found.collect()
}

fn words(plain: &str, sentence: Range<usize>) -> Vec<Range<usize>> {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '\u{2019}');
    let mut words: Vec<Range<usize>> = Vec::new();
    for (at, c) in plain[sentence.clone()].char_indices().filter(|(_, c)| part(*c)) {
        let at = sentence.start + at;
        match words.last_mut() {
            // "24h" is a number and its unit.
            Some(word) if word.end == at && !(c.is_alphabetic() && is_number(&plain[word.clone()])) => {
                word.end = at + c.len_utf8();
            }
            _ => words.push(at..at + c.len_utf8()),
        }
    }
    words
}

/// The length that begins with the word at `index`.
fn length(plain: &str, words: &[Range<usize>], told: &[&str], index: usize) -> Option<Named> {
    if told[index] == "tomorrow" {
        return tomorrow(words, told, index);
    }
    let before = index.checked_sub(1).map_or("", |before| told[before]);
    let number = number(told[index], before)?;
    let gap = |index: usize| plain.get(words.get(index)?.end..words.get(index + 1)?.start);
    let mut last = index + 1;
    let mut unit = None;
    let mut more = false;
    while unit.is_none() {
        let joined = gap(last - 1)?.chars().all(|c| c.is_whitespace() || matches!(c, '-' | '\u{2011}'));
        let word = told.get(last).filter(|_| joined)?;
        let working = matches!(told[last - 1], "working" | "business");
        unit = self::unit(word, working);
        more |= matches!(*word, "more" | "further" | "additional");
        let between = BETWEEN.contains(word) || matches!(*word, "working" | "business");
        if unit.is_none() && !between {
            return None;
        }
        last += usize::from(unit.is_none());
    }
    let after = told.get(last + 1).copied().unwrap_or_default();
    let ranged = index > 0 && gap(index - 1).is_some_and(|gap| matches!(gap, "-" | "\u{2013}" | "." | ","));
    let rate = matches!(after, "a" | "per" | "each")
        && told.get(last + 2).is_some_and(|word| self::unit(word, false).is_some());
    if ranged || rate || VAGUE.contains(&before) {
        return None;
    }
    let place = words[index].start..words[last].end;
    let text = plain[place.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
    let topic = topic(words, told, &place)?;
    // "… ago" and "… after it was closed" are told of other closes.
    let follows_a_close = after == "after" && told[last + 2..].iter().take(4).any(|word| word.starts_with("clos"));
    if follows_a_close || (after == "ago" && topic == Topic::Close) {
        return None;
    }
    let of_silence = (0..told.len()).any(|index| speaks_of(told, index) == Some(Some(Topic::Silence)));
    let certainly = AHEAD.contains(&before) || more || told[index] == "another" || matches!(after, "left" | "from");
    // "No reply in 5 days" looks back, "no reply within 2 days" mostly ahead.
    let topic = if certainly { Topic::Close } else { topic };
    let ahead = certainly || before == "in";
    Some(Named { place, text, number, unit: unit?, topic, of_silence, ahead, ago: after == "ago" })
}

/// A day from now, in a sentence on the close.
fn tomorrow(words: &[Range<usize>], told: &[&str], index: usize) -> Option<Named> {
    let place = words[index].clone();
    let topic = topic(words, told, &place).filter(|topic| *topic == Topic::Close)?;
    let (text, number, unit) = (told[index].to_owned(), 1, Unit::Days);
    Some(Named { place, text, number, unit, topic, of_silence: false, ahead: true, ago: false })
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(word: &str, before: &str) -> Option<u32> {
    match word {
        "a" | "an" => {
            matches!(before, "in" | "within" | "after" | "for" | "of" | "since" | "last" | "next" | "been").then_some(1)
        }
        "another" => Some(1),
        word if word.len() <= 4 && is_number(word) => word.parse().ok(),
        word => NUMBERS.iter().zip(1..).find(|(name, _)| **name == word).map(|(_, number)| number),
    }
}

fn unit(word: &str, working: bool) -> Option<Unit> {
    match word {
        "hour" | "hours" | "h" | "hr" | "hrs" => Some(Unit::Hours),
        "day" | "days" if working => Some(Unit::WorkingDays),
        "day" | "days" => Some(Unit::Days),
        "week" | "weeks" => Some(Unit::Weeks),
        _ => None,
    }
}

/// The matter that stands nearest, if it is the close or the silence.
fn topic(words: &[Range<usize>], told: &[&str], place: &Range<usize>) -> Option<Topic> {
    let matters = (0..told.len()).filter_map(|index| Some((index, speaks_of(told, index)?)));
    let far = |word: &Range<usize>| word.start.saturating_sub(place.end).max(place.start.saturating_sub(word.end));
    matters.min_by_key(|(index, _)| far(&words[*index])).and_then(|(_, topic)| topic)
}

/// What a word speaks of: the close, the silence, or (`Some(None)`) another matter that has a time of its own.
#[expect(clippy::option_option, reason = "another matter is not the same as none")]
fn speaks_of(told: &[&str], index: usize) -> Option<Option<Topic>> {
    let word = told[index];
    let begins = |all: &[&str]| all.iter().any(|start| word.starts_with(start));
    let before = &told[index.saturating_sub(4)..index];
    if begins(&["clos"]) {
        return (!matches!(word, "closely" | "closer" | "closest")).then_some(Some(Topic::Close));
    }
    if begins(&["reopen"]) || (begins(&["open"]) && told.get(index + 1) == Some(&"again")) {
        return Some(None);
    }
    let kept = before.iter().any(|word| matches!(*word, "keep" | "stay" | "stays" | "remain" | "remains"));
    if word == "open" && kept {
        return Some(Some(Topic::Close));
    }
    if begins(&["silen", "inactiv", "quiet", "hear"]) && word != "heart" {
        return Some(Some(Topic::Silence));
    }
    if begins(&["repl", "respon", "answer"]) || word == "back" {
        let denied =
            before.iter().any(|word| NOT.contains(word) || word.ends_with("n't") || word.ends_with("n\u{2019}t"));
        let ours = before.iter().any(|word| matches!(*word, "we" | "we'll" | "our" | "us"));
        return if denied { Some(Some(Topic::Silence)) } else { ours.then_some(None) };
    }
    None
}
