//! How the texts of a rule read: with made-up names, and with none known.
//!
//! Owns: the sample, in which the text goes out as soon as the rule may act, and how much of it is shown. A line that
//! is too long goes on in one that begins with `>`. Refuses: control characters; a text never steers a terminal.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::config::plain;
use crate::engine::Rule;
use crate::engine::rule::StepKind;
use crate::message::{self, Values};

/// Lines shown of each text.
const LINES: usize = 10;
/// Characters in a line.
const WIDTH: usize = 94;

/// Tells the text of `rule`'s `index`th step, if it has one.
pub(super) fn tell(
    rule: &Rule,
    index: usize,
    timezone: &TimeZone,
    now: Timestamp,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(body) = rule.steps.get(index).and_then(|step| step.act.body()) else { return Ok(()) };
    let sample = sample(rule, index, timezone, now);
    let nameless = Values {
        contact_first_name: None,
        contact_name: None,
        conversation_title: None,
        teammate_name: None,
        ..sample.clone()
    };
    let (known, unknown) = (read(body, &sample), read(body, &nameless));
    show(&known, out)?;
    if known != unknown {
        writeln!(out, "    where names and title are not known:")?;
        show(&unknown, out)?;
    }
    Ok(())
}

fn read(body: &str, values: &Values) -> String {
    message::render(body, values).unwrap_or_else(|error| error.to_string())
}

fn sample(rule: &Rule, index: usize, timezone: &TimeZone, now: Timestamp) -> Values {
    let sent = rule.may_act_from(now);
    let some = |text: &str| Some(text.to_owned());
    let waited = rule.steps.get(index).map(|step| rule.later(sent, step.after).duration_since(sent));
    Values {
        rule: rule.name.to_string(),
        closes_at: closes_at(rule, index, sent),
        quiet_for: waited.unwrap_or(SignedDuration::ZERO),
        contact_first_name: some("Alex"),
        contact_name: some("Alex Example"),
        conversation_id: "123".to_owned(),
        conversation_title: some("A question"),
        teammate_name: some("Sam"),
        timezone: timezone.clone(),
    }
}

/// When the close comes if this step is done at `sent`; none in a rule that never closes.
fn closes_at(rule: &Rule, index: usize, sent: Timestamp) -> Option<Timestamp> {
    let (mut at, steps) = (sent, rule.steps.get(index..)?);
    for pair in steps.windows(2) {
        at = rule.later(at, pair[1].after.less(pair[0].after));
    }
    let closes = steps.last().is_some_and(|step| step.id.kind == StepKind::Close);
    closes.then(|| rule.may_act_from(at))
}

fn show(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    for line in lines.iter().take(LINES) {
        for (number, piece) in folded(plain(line).trim_end()).iter().enumerate() {
            let told = format!("    {} {piece}", if number == 0 { '|' } else { '>' });
            writeln!(out, "{}", told.trim_end())?;
        }
    }
    match lines.len().saturating_sub(LINES) {
        0 => Ok(()),
        1 => writeln!(out, "    and 1 more line"),
        more => writeln!(out, "    and {more} more lines"),
    }
}

/// Pieces that fit, cut between words where that is possible.
fn folded(mut line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    while let Some((limit, _)) = line.char_indices().nth(WIDTH) {
        let space = line[..limit].rfind(' ').filter(|at| !line[..*at].trim().is_empty());
        let (piece, rest) = line.split_at(space.unwrap_or(limit));
        pieces.push(piece);
        line = rest.trim_start();
    }
    pieces.push(line);
    pieces
}
