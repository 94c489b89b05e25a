//! The language in which the handbook tells what happens, and what then comes of it.
//!
//! A timeline has one line for each moment; the lines with `->` are the daemon's. A list of cases has one line for each
//! conversation, each of which begins with a question at nine on a Monday and its answer five minutes later.

use autoclosed::engine::why::Why;
use autoclosed::engine::{ConversationId, Decision};
use autoclosed::fake_intercom::{Call, Endpoint};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::stage::Stage;
use crate::harness::{days, minutes};

/// Stories run on for that long after their last line.
const AFTERWARDS: SignedDuration = SignedDuration::from_hours(24 * 60);

/// What people do, and what they have done to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    ContactBegins { channel: String },
    TeammateBegins,
    CampaignBegins,
    Nothing,
    ContactWrites,
    TeammateReplies,
    BotAnswers,
    Snoozed { length: SignedDuration },
    Noted,
    ToTeam(String),
    ToTeammate(String),
    ToNobody,
    Tagged(String),
    Untagged(String),
    Closed,
    Opened,
    Rated,
    Priority(String),
    Set { name: String, value: Value },
    FinEnds(String),
    Ticket,
    Stopped { length: SignedDuration },
}

impl Event {
    fn of(text: &str) -> Event {
        let rest = |start: &str| text.strip_prefix(start).map(str::to_owned);
        match text {
            "nothing else happens" => Event::Nothing,
            "the contact writes" => Event::ContactWrites,
            "a teammate writes first" => Event::TeammateBegins,
            "a campaign writes first" => Event::CampaignBegins,
            "a teammate replies" => Event::TeammateReplies,
            "a bot answers" => Event::BotAnswers,
            "a teammate leaves a note" => Event::Noted,
            "a teammate assigns it to nobody" => Event::ToNobody,
            "a teammate closes it" => Event::Closed,
            "a teammate opens it" => Event::Opened,
            "the contact rates it" => Event::Rated,
            "it becomes a ticket" => Event::Ticket,
            _ => None
                .or_else(|| rest("the contact writes by ").map(|channel| Event::ContactBegins { channel }))
                .or_else(|| rest("a teammate snoozes it for ").map(|text| Event::Snoozed { length: length(&text) }))
                .or_else(|| rest("a teammate assigns it to the team ").map(Event::ToTeam))
                .or_else(|| rest("a teammate assigns it to ").map(Event::ToTeammate))
                .or_else(|| rest("a teammate tags it ").map(Event::Tagged))
                .or_else(|| rest("a teammate takes off the tag ").map(Event::Untagged))
                .or_else(|| rest("a teammate sets the priority to ").map(Event::Priority))
                .or_else(|| rest("a teammate sets ").map(|text| set(&text)))
                .or_else(|| rest("Fin ends with ").map(Event::FinEnds))
                .or_else(|| rest("autoclosed stands still for ").map(|text| Event::Stopped { length: length(&text) }))
                .unwrap_or_else(|| panic!("`{text}` is nothing that happens")),
        }
    }

    fn begins(&self) -> bool {
        matches!(self, Event::ContactBegins { .. } | Event::TeammateBegins | Event::CampaignBegins)
    }

    /// Intercom sends no notification for it: the daemon finds it at its next look.
    pub(crate) fn is_untold(&self) -> bool {
        matches!(self, Event::Untagged(_) | Event::Set { .. } | Event::FinEnds(_) | Event::Ticket)
    }
}

/// `10 days`, `3 hours`.
fn length(text: &str) -> SignedDuration {
    let (number, unit) = text.split_once(' ').unwrap_or_else(|| panic!("`{text}` is no length"));
    let number: i64 = number.parse().unwrap();
    match unit.trim_end_matches('s') {
        "day" => days(number),
        "hour" => SignedDuration::from_hours(number),
        "minute" => minutes(number),
        _ => panic!("`{text}` is no length"),
    }
}

fn set(text: &str) -> Event {
    let (name, value) = text.split_once(" to ").unwrap_or_else(|| panic!("`{text}` sets nothing"));
    let value = value.parse().unwrap_or_else(|_| Value::String(value.to_owned()));
    Event::Set { name: name.to_owned(), value }
}

/// What comes of a story, told as it should be.
pub(crate) async fn told(configuration: &str, story: &str) -> String {
    let lines: Vec<&str> = story.lines().filter(|line| !line.trim().is_empty()).collect();
    let stage = Box::pin(Stage::with(configuration)).await;
    let timeline = lines.first().is_some_and(|line| moment(line, &stage.config.timezone).is_some());
    if timeline { Box::pin(timeline_of(&stage, &lines)).await } else { Box::pin(cases_of(&stage, &lines)).await }
}

/// The moment that a line of a timeline begins with, and the rest: `Mon  2 Mar 09:00  the contact writes`.
fn moment<'a>(line: &'a str, zone: &TimeZone) -> Option<(Timestamp, &'a str)> {
    const LENGTH: usize = "Mon  2 Mar 09:00".len();
    let (moment, rest) = line.split_at_checked(LENGTH)?;
    let day = moment.split_whitespace().nth(1)?;
    let text = format!("{day} {} 2026 {}", moment.get(7..10)?, moment.get(11..)?);
    let local = DateTime::strptime("%d %b %Y %H:%M", text).ok()?;
    Some((local.to_zoned(zone.clone()).ok()?.timestamp(), rest.trim()))
}

fn shown(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %e %b %H:%M").to_string()
}

async fn timeline_of(stage: &Stage, lines: &[&str]) -> String {
    let zone = stage.config.timezone.clone();
    let mut told = Vec::new();
    let mut id = None;
    let ours = |line: &&&str| line.contains("  -> ");
    for line in lines.iter().filter(|line| !ours(line)) {
        let (at, text) = moment(line, &zone).unwrap_or_else(|| panic!("`{line}` has no moment"));
        let event = Event::of(text);
        if let Some(id) = &id {
            until(stage, at, id, &mut told).await;
        }
        stage.clock.set(at);
        told.push(format!("{}  {text}", shown(at, &zone)));
        match (&event, &id) {
            (_, None) => {
                let first = if event == Event::ContactWrites { by_messenger() } else { event };
                id = Some(stage.begin(&first).await);
            }
            (Event::Stopped { length }, _) => stage.stand_still(*length),
            (_, Some(id)) => stage.happen(id, &event).await,
        }
    }
    let id = id.unwrap();
    until(stage, stage.clock.now() + AFTERWARDS, &id, &mut told).await;
    told.extend(left_alone(stage, &id).await.map(|why| format!("{:18}-> {why}", "")));
    told.join("\n")
}

fn by_messenger() -> Event {
    Event::ContactBegins { channel: "conversation".to_owned() }
}

/// Lets time pass, and tells what is done meanwhile.
async fn until(stage: &Stage, end: Timestamp, id: &ConversationId, told: &mut Vec<String>) {
    let zone = stage.config.timezone.clone();
    let mut lines: Vec<(Timestamp, String)> = Vec::new();
    let known = stage.journal(id).await.len();
    stage
        .pass(end, std::slice::from_ref(id), |calls| {
            lines.extend(calls.iter().filter_map(|call| Some((call.at, deed(stage, call)?))));
        })
        .await;
    let news = stage.journal(id).await.split_off(known);
    lines.extend(news.iter().filter_map(|entry| Some((entry.at, without_a_call(entry)?))));
    lines.sort_by_key(|(at, _)| *at);
    // Team and teammate are assigned by a call each.
    lines.dedup();
    told.extend(lines.into_iter().map(|(at, line)| format!("{}  -> {line}", shown(at, &zone))));
}

/// What a call to Intercom does, in words.
fn deed(stage: &Stage, call: &Call) -> Option<String> {
    let body = call.body.as_ref()?;
    let said = || body["body"].as_str().map(|text| format!("\"{}\"", text.replace('\n', " ")));
    Some(match call.endpoint {
        Endpoint::Reply => format!("writes {}", said()?),
        Endpoint::Note => format!("leaves the note {}", said()?),
        Endpoint::Close => {
            said().map_or("closes it without a word".to_owned(), |said| format!("closes it with {said}"))
        }
        Endpoint::Open => "opens it".to_owned(),
        Endpoint::Snooze => {
            let until = Timestamp::from_second(body["snoozed_until"].as_i64()?).ok()?;
            format!("snoozes it until {}", shown(until, &stage.config.timezone))
        }
        Endpoint::Assign => format!("assigns it to {}", stage.name_of(body["assignee_id"].as_str()?)),
        Endpoint::Tag => format!("tags it {}", stage.tag_named(body["id"].as_str()?)),
        Endpoint::Untag => format!("takes off the tag {}", stage.tag_named(call.path.rsplit('/').next()?)),
        Endpoint::Update => updated(body)?,
        Endpoint::CreateTag => return None,
        other => panic!("{other:?}"),
    })
}

fn updated(body: &Value) -> Option<String> {
    if let Some(read) = body["read"].as_bool() {
        return Some(format!("marks it as {}", if read { "read" } else { "unread" }));
    }
    let attributes = body["custom_attributes"].as_object()?;
    let set = attributes.iter().map(|(name, value)| {
        format!("sets {name} to {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    });
    Some(set.collect::<Vec<_>>().join(" and "))
}

/// What is only in the journal.
fn without_a_call(entry: &autoclosed::store::JournalEntry) -> Option<String> {
    match entry.outcome.as_str() {
        "left" => Some(format!("{} is {}", entry.step, entry.why)),
        "dry_run" => Some(format!("{}, if it were live: {}", entry.step, entry.why)),
        _ => None,
    }
}

/// Why nothing more is done; nothing to say if it is closed.
async fn left_alone(stage: &Stage, id: &ConversationId) -> Option<String> {
    match stage.decision(id).await {
        Decision::Leave { why: Why::Closed } => None,
        Decision::Leave { why } | Decision::Wait { why: why @ Why::UntilItWakes(_), .. } => {
            let why = why.to_string();
            let alone = stage.config.rules.rules.len() == 1;
            let fits_none = why.strip_prefix("no rule fits: ").and_then(|why| why.split_once(": ")).filter(|_| alone);
            Some(format!("leaves it alone: {}", fits_none.map_or(why.as_str(), |(_, why)| why)))
        }
        other => panic!("still at it: {other:?}"),
    }
}

async fn cases_of(stage: &Stage, lines: &[&str]) -> String {
    let texts: Vec<&str> = lines.iter().map(|line| line.split("  ->").next().unwrap_or(line).trim()).collect();
    let events: Vec<Vec<Event>> = texts.iter().map(|text| case(text)).collect();
    let mut ids = Vec::new();
    for events in &events {
        ids.push(stage.begin(&events[0]).await);
    }
    stage.clock.advance(minutes(5));
    let longest = events.iter().map(Vec::len).max().unwrap_or_default();
    for turn in 1..longest {
        for (id, events) in ids.iter().zip(&events) {
            if let Some(event) = events.get(turn) {
                stage.happen(id, event).await;
            }
        }
        stage.clock.advance(minutes(1));
    }
    let mut deeds: Vec<Call> = Vec::new();
    stage.pass(stage.clock.now() + AFTERWARDS, &ids, |calls| deeds.extend(calls)).await;
    let width = texts.iter().map(|text| text.len()).max().unwrap_or_default();
    let mut told = Vec::new();
    for (text, id) in texts.iter().zip(&ids) {
        let place = format!("/conversations/{id}");
        let of_it = deeds.iter().filter(|call| call.path.starts_with(&place));
        let mut lines: Vec<(Timestamp, String)> =
            of_it.filter_map(|call| Some((call.at, deed(stage, call)?))).collect();
        let journal = stage.journal(id).await;
        lines.extend(journal.iter().filter_map(|entry| Some((entry.at, without_a_call(entry)?))));
        lines.sort_by_key(|(at, _)| *at);
        lines.dedup();
        let mut came: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
        came.extend(left_alone(stage, id).await);
        told.push(format!("{text:width$}  -> {}", came.join(", then ")));
    }
    told.join("\n")
}

/// Where a case does not say how it begins, the contact asks and a teammate answers.
fn case(text: &str) -> Vec<Event> {
    let events: Vec<Event> = text.split(", ").map(Event::of).collect();
    if events[0].begins() { events } else { [vec![by_messenger(), Event::TeammateReplies], events].concat() }
}
