//! The promises, each as one small function over what is true. What it returns is what is wrong.

use autoclosed::fake_intercom::{Endpoint, Seen, SeenPart};
use jiff::{SignedDuration, Timestamp};

use super::plans::{BUDGETS, Spec, TEXTS};
use super::truth::{Opening, Said, Who, closed_by_us, is_ours, last_of, our_messages, said};

/// A deed that has arrived at Intercom and is not done yet.
pub(crate) struct Arrival<'a> {
    pub(crate) now: Timestamp,
    pub(crate) endpoint: Endpoint,
    pub(crate) spec: &'static Spec,
    pub(crate) step: &'a str,
    /// What the timer counts from, as the daemon has written down.
    pub(crate) anchor: i64,
    pub(crate) opening: Opening,
    /// What the last look at the conversation showed, and when.
    pub(crate) shown: &'a Seen,
    /// How old that was when the call left.
    pub(crate) age: SignedDuration,
    pub(crate) ticket: bool,
    /// An operator had said before that look that it is to be left alone.
    pub(crate) forbidden: Option<&'static str>,
    pub(crate) wall_wrong_by: SignedDuration,
    pub(crate) dry_run: bool,
    pub(crate) looked: bool,
}

type Law = fn(&Arrival<'_>) -> Option<String>;

/// Checked when a deed arrives.
pub(crate) const ON_ARRIVAL: [(&str, Law); 9] = [
    ("P2: decided on what was read within two seconds before", fresh),
    ("P2: no close over a contact who spoke after the anchor", nobody_waits),
    ("P4: nothing before its time", in_time),
    ("P5: what it is done to is open to it", matches),
    ("P5: nothing against an operator's word", allowed),
    ("P6: our own parts move no timer", anchored),
    ("P9: dry-run sends nothing", live),
    ("P12: nothing before the first look", looked),
    ("P12: nothing while the clocks are far apart", clocked),
];

fn fresh(it: &Arrival<'_>) -> Option<String> {
    let labels = matches!(it.endpoint, Endpoint::Tag | Endpoint::Untag | Endpoint::Update | Endpoint::Assign);
    (it.age > SignedDuration::from_secs(2) && !labels).then(|| format!("it was read {:?} before", it.age))
}

fn words(it: &Arrival<'_>) -> Vec<Said> {
    said(it.opening, it.shown)
}

fn nobody_waits(it: &Arrival<'_>) -> Option<String> {
    let words = words(it);
    let contact = last_of(&words, &[Who::Contact])?;
    if it.step != "close" {
        return None;
    }
    let teammate = last_of(&words, &[Who::Teammate]).map_or(i64::MIN, |said| said.second);
    if !it.spec.anyone && contact.second >= teammate {
        return Some("the contact waits for an answer".into());
    }
    (contact.second > it.anchor).then(|| format!("the contact spoke {}s after the anchor", contact.second - it.anchor))
}

/// The anchor as the conversation tells it; for rules that count from more than words, what it cannot be before.
fn anchor(it: &Arrival<'_>) -> Option<i64> {
    let who: &[Who] =
        if it.spec.bot { &[Who::Bot, Who::Teammate, Who::Contact] } else { &[Who::Teammate, Who::Contact] };
    last_of(&words(it), who).map(|said| said.second)
}

fn in_time(it: &Arrival<'_>) -> Option<String> {
    let (_, hours) = it.spec.steps.iter().find(|(name, _)| *name == it.step)?;
    let early = anchor(it)? + hours * 3_600 - it.now.as_second();
    if early > 0 {
        return Some(format!("it is {early}s too early"));
    }
    let zoned = it.now.to_zoned(jiff::tz::TimeZone::UTC);
    let weekday = zoned.weekday().to_monday_zero_offset() < 5;
    let open = weekday && (9..18).contains(&zoned.hour());
    (it.spec.office && !open).then(|| format!("nobody is in the office at {zoned}"))
}

fn anchored(it: &Arrival<'_>) -> Option<String> {
    let anchor = anchor(it).filter(|_| it.spec.exact)?;
    (anchor != it.anchor).then(|| format!("counted from {}, and it is {anchor}", it.anchor))
}

fn matches(it: &Arrival<'_>) -> Option<String> {
    if it.ticket {
        return Some("it is a ticket".into());
    }
    if it.shown.tags.iter().any(|tag| tag == "autoclose-hold") {
        return Some("it bears a tag that holds it".into());
    }
    let spoke = last_of(&words(it), &[Who::Contact, Who::Teammate]).map_or(0, |said| said.part);
    let begun = it.shown.parts.iter().any(|part| part.id > spoke && is_ours(part));
    let woken = it.spec.states.contains(&"snoozed") && it.shown.parts.iter().any(|part| part.kind == "timer_unsnooze");
    let fits = it.spec.states.contains(&it.shown.state) || begun || woken;
    (!fits || it.shown.state == "closed").then(|| format!("it is {}", it.shown.state))
}

fn allowed(it: &Arrival<'_>) -> Option<String> {
    it.forbidden.map(|why| format!("{} although {why}", it.step))
}

fn live(it: &Arrival<'_>) -> Option<String> {
    it.dry_run.then(|| format!("{:?} was sent", it.endpoint))
}

fn looked(it: &Arrival<'_>) -> Option<String> {
    (!it.looked).then(|| format!("{:?} was sent", it.endpoint))
}

fn clocked(it: &Arrival<'_>) -> Option<String> {
    let wrong = it.wall_wrong_by.abs();
    (wrong > SignedDuration::from_secs(302)).then(|| format!("the local clock is wrong by {wrong:?}"))
}

/// A close or a message that was done, for the budgets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    pub(crate) at: Timestamp,
    pub(crate) close: bool,
    pub(crate) message: bool,
}

/// P8: no sliding hour holds more than the budgets. Intercom's clock shows whole seconds: two of them are forgiven.
pub(crate) fn within_budgets(spent: &[Spent]) -> Option<String> {
    let now = spent.last()?.at;
    let hour = spent.iter().rev().take_while(|one| now.duration_since(one.at) < SignedDuration::from_secs(3_598));
    let (closes, messages) = hour
        .fold((0, 0), |(closes, messages), one| (closes + usize::from(one.close), messages + usize::from(one.message)));
    (closes > BUDGETS.0 || messages > BUDGETS.1).then(|| format!("{closes} closes and {messages} messages in an hour"))
}

/// P3: in one silence every text once, texts of one rule only, and no close soon after another rule's message. What a
/// person has opened or snoozed since may be closed again, with a last word of its own.
pub(crate) fn said_once(opening: Opening, seen: &Seen) -> Option<String> {
    let words = said(opening, seen);
    let person = |part: u64| {
        let before = words.iter().filter(|one| one.who != Who::Bot && one.part < part);
        before.map(|one| one.part).max()
    };
    let rule_of = |text: &str| TEXTS.iter().find(|(mark, _)| text.contains(mark));
    let texts: Vec<_> = our_messages(seen)
        .filter_map(|(part, text)| rule_of(text).map(|(mark, rule)| (person(part.id), *mark, *rule, part)))
        .collect();
    for (index, (silence, mark, rule, part)) in texts.iter().enumerate() {
        for (_, other_mark, other_rule, other) in texts[..index].iter().filter(|one| one.0 == *silence) {
            let touched = |by: &SeenPart| by.id > other.id && by.id < part.id && !is_ours(by);
            let closed_anew = part.kind == "close" && other.kind == "close" && seen.parts.iter().any(touched);
            if mark == other_mark && !closed_anew {
                return Some(format!("{mark} was said two times, at {} and {}", other.at, part.at));
            }
            if part.kind != "close" && other.kind != "close" && rule != other_rule {
                return Some(format!("{mark} and {other_mark} are of two rules"));
            }
            let apart = part.at.duration_since(other.at);
            if part.kind == "close" && rule != other_rule && apart < SignedDuration::from_hours(24) {
                return Some(format!("it was closed {apart:?} after another rule's {other_mark}"));
            }
        }
    }
    None
}

/// I22: what we have closed is not closed over words of the contact that the look before did not show.
pub(crate) fn not_closed_over(opening: Opening, seen: &Seen, shown: &[(u64, u64)]) -> Option<String> {
    let close = closed_by_us(seen)?;
    let (_, known) = shown.iter().find(|(part, _)| *part == close.id)?;
    let words = said(opening, seen);
    let missed = words.iter().find(|one| one.who == Who::Contact && one.part > *known && one.part < close.id)?;
    Some(format!("it stands closed at {} over the contact's part {}, which nobody had read", close.at, missed.part))
}
