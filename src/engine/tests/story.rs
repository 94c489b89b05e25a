//! The language of the stories: a line is a day, a time and what happened.
//!
//! Days run on from Monday 2 March 2026: a time that lies before the line above is in the week after.

use jiff::Timestamp;

use super::at;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const WEEK: i64 = 7 * 86_400;

/// What happens in Intercom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event<'a> {
    Contact(Does<'a>),
    Teammate(Does<'a>),
    /// A person who shares the daemon's admin.
    Sharer(Does<'a>),
    Bot(Does<'a>),
    Tagged(&'a str),
    Untagged(&'a str),
    /// It came in on another channel than the messenger.
    Channel(&'a str),
    Priority(&'a str),
    /// An attribute and its new text; none takes it away.
    Attribute(&'a str, Option<&'a str>),
    BecomesTicket,
    /// From now on Intercom wakes nothing by itself, until the timer rings.
    TimerSticks,
    TimerRings,
    /// From now on Intercom refuses to snooze what a message woke.
    RestoringFails,
    DaemonDown(Timestamp),
    /// Until then no message may go out.
    BudgetSpent(Timestamp),
    /// So many calls from now on are refused.
    Refuses(u32),
    /// The operator changes the rules: the next set of them holds from now on.
    RulesChange,
    /// Nothing: look at what is to come.
    Look,
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does<'a> {
    Writes,
    Opens,
    Closes,
    Notes,
    Snoozes(Timestamp),
    Unsnoozes,
    Assigns(To<'a>),
}

/// Whom a conversation is given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To<'a> {
    /// As it was.
    Same,
    Team(&'a str),
    Teammate(&'a str),
    Nobody,
}

/// One line of a story.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) at: Timestamp,
    pub(super) text: &'a str,
    pub(super) event: Event<'a>,
    /// No webhook tells of it.
    pub(super) untold: bool,
}

pub(super) fn lines(story: &str) -> Vec<Line<'_>> {
    let mut now = at(0);
    story.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| parse(line, &mut now)).collect()
}

fn parse<'a>(line: &'a str, now: &mut Timestamp) -> Line<'a> {
    let (day, rest) = line.split_once(' ').unwrap();
    let (time, text) = rest.trim_start().split_once(' ').unwrap();
    let text = text.trim_start();
    *now = not_before(*now, day, time);
    let (text, untold) = text.strip_suffix(" unseen").map_or((text, false), |seen| (seen, true));
    Line { at: *now, text, event: event(text, *now), untold }
}

fn not_before(earliest: Timestamp, day: &str, time: &str) -> Timestamp {
    let day = DAYS.iter().position(|known| *known == day).unwrap_or_else(|| panic!("`{day}` is no day"));
    let mut seconds = i64::try_from(day).unwrap() * 86_400;
    for (part, length) in time.split(':').zip([3_600, 60, 1]) {
        seconds += part.parse::<i64>().unwrap_or_else(|_| panic!("`{time}` is no time")) * length;
    }
    let mut moment = at(seconds);
    while moment < earliest {
        moment = Timestamp::from_second(moment.as_second() + WEEK).unwrap();
    }
    moment
}

/// `fri 10:00`, the next one from `now` on; `second fri 10:00` is a week later.
fn ahead(text: &str, now: Timestamp) -> Timestamp {
    let (weeks, text) = text.strip_prefix("second ").map_or((0, text), |text| (1, text));
    let (day, time) = text.split_once(' ').unwrap();
    Timestamp::from_second(not_before(now, day, time).as_second() + weeks * WEEK).unwrap()
}

fn event(text: &str, now: Timestamp) -> Event<'_> {
    let (first, rest) = text.split_once(' ').unwrap();
    match (first, rest) {
        ("contact", does) => Event::Contact(deed(does, now)),
        ("teammate", does) => Event::Teammate(deed(does, now)),
        ("sharer", does) => Event::Sharer(deed(does, now)),
        ("bot", does) => Event::Bot(deed(does, now)),
        ("tagged", tag) => Event::Tagged(tag),
        ("untagged", tag) => Event::Untagged(tag),
        ("priority", priority) => Event::Priority(priority),
        ("attribute", set) => match set.split_once(" is ").unwrap() {
            (name, "unset") => Event::Attribute(name, None),
            (name, text) => Event::Attribute(name, Some(text)),
        },
        ("it", "becomes a ticket") => Event::BecomesTicket,
        ("the", "timer sticks") => Event::TimerSticks,
        ("the", "timer rings") => Event::TimerRings,
        ("the", "rules change") => Event::RulesChange,
        ("restoring", "fails") => Event::RestoringFails,
        ("refused", times) => Event::Refuses(times.strip_suffix(" times").unwrap().parse().unwrap()),
        ("look", "ahead") => Event::Look,
        _ => with_an_end(text, now),
    }
}

fn with_an_end(text: &str, now: Timestamp) -> Event<'_> {
    if let Some(channel) = text.strip_prefix("it is on ") {
        return Event::Channel(channel);
    }
    if let Some(end) = text.strip_prefix("budget spent until ") {
        return Event::BudgetSpent(ahead(end, now));
    }
    let end = text.strip_prefix("daemon down until ");
    Event::DaemonDown(ahead(end.unwrap_or_else(|| panic!("`{text}`")), now))
}

fn deed(text: &str, now: Timestamp) -> Does<'_> {
    match text {
        "writes" | "replies" => Does::Writes,
        "opens" => Does::Opens,
        "closes" => Does::Closes,
        "notes" => Does::Notes,
        "unsnoozes" => Does::Unsnoozes,
        "assigns" => Does::Assigns(To::Same),
        "assigns nobody" => Does::Assigns(To::Nobody),
        _ => to_whom_or_until(text, now),
    }
}

fn to_whom_or_until(text: &str, now: Timestamp) -> Does<'_> {
    if let Some(team) = text.strip_prefix("assigns team ") {
        return Does::Assigns(To::Team(team));
    }
    if let Some(teammate) = text.strip_prefix("assigns teammate ") {
        return Does::Assigns(To::Teammate(teammate));
    }
    Does::Snoozes(ahead(text.strip_prefix("snoozes until ").unwrap_or_else(|| panic!("`{text}`")), now))
}

/// Every moment in `text` as `thu 05 09:00`, and with seconds where there are any.
pub(super) fn told(text: &str) -> String {
    let mut told = text.to_owned();
    while let Some(start) = told.find("2026-") {
        let stamp = &told[start..start + 19];
        let moment: Timestamp = format!("{}Z", stamp.replace(' ', "T")).parse().unwrap();
        told.replace_range(start..start + 19 + " UTC".len(), &short(moment));
    }
    told
}

pub(super) fn short(moment: Timestamp) -> String {
    let days = moment.duration_since(at(0)).as_hours().div_euclid(24);
    let day = DAYS[usize::try_from(days.rem_euclid(7)).unwrap()];
    let time = moment.strftime("%H:%M:%S").to_string();
    format!("{day} {} {}", moment.strftime("%d"), time.strip_suffix(":00").unwrap_or(&time))
}
