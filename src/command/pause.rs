//! `autoclosed pause` and `autoclosed resume`: everything, or one rule, stops acting; recording goes on.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use serde::Serialize;

use super::Told;
use super::desk::{CommandError, Desk};
use super::line::word;
use crate::config;
use crate::store::Resumed;

/// What does not act now.
#[derive(Debug, Serialize)]
pub struct PauseAnswer {
    rule: Option<String>,
    changed: bool,
    paused: bool,
    paused_rules: Vec<String>,
    /// Rules that had stopped by themselves and act again.
    lifted: Vec<String>,
    #[serde(skip)]
    asked_to_pause: bool,
}

/// Stops everything, or one rule of the configuration.
pub async fn pause(desk: &Desk, rule: Option<&str>) -> Result<PauseAnswer, CommandError> {
    if let Some(rule) = rule {
        is_known(desk, rule)?;
    }
    let changed = desk.store.pause(rule, desk.now()).await?;
    now(desk, rule, Resumed { changed, lifted: Vec::new() }, true).await
}

/// Lets everything, or one rule, act again, also what has tripped. A rule that was paused by its name stays so until it
/// is resumed by it.
pub async fn resume(desk: &Desk, rule: Option<&str>) -> Result<PauseAnswer, CommandError> {
    let resumed = desk.store.resume(rule, desk.now()).await?;
    if let (Some(rule), false) = (rule, resumed.changed) {
        is_known(desk, rule)?;
    }
    now(desk, rule, resumed, false).await
}

async fn now(
    desk: &Desk,
    rule: Option<&str>,
    Resumed { changed, lifted }: Resumed,
    asked_to_pause: bool,
) -> Result<PauseAnswer, CommandError> {
    let pauses = desk.store.pauses().await?;
    let paused_rules = pauses.rules.keys().map(ToString::to_string).collect();
    Ok(PauseAnswer {
        rule: rule.map(str::to_owned),
        changed,
        paused: pauses.all.is_some(),
        paused_rules,
        lifted: lifted.iter().map(ToString::to_string).collect(),
        asked_to_pause,
    })
}

pub(super) fn is_known(desk: &Desk, rule: &str) -> Result<(), CommandError> {
    let known: Vec<_> = desk.config.rules.rules.iter().map(|known| known.name.as_str()).collect();
    // Of a file with mistakes nobody knows which rules it has, and the daemon goes by those it had before.
    if desk.mistaken || known.contains(&rule) {
        return Ok(());
    }
    let nearest = config::nearest(rule, known.iter().copied());
    let instead = match (nearest, known.as_slice()) {
        (Some(nearest), _) => format!("did you mean `{nearest}`?"),
        (None, []) => "the configuration has no rules".to_owned(),
        (None, known) => format!("the rules are {}", listed(known)),
    };
    Err(CommandError::Usage(format!("there is no rule `{rule}`; {instead}")))
}

fn listed<S: AsRef<str>>(rules: &[S]) -> String {
    rules.iter().map(|rule| format!("`{}`", rule.as_ref())).collect::<Vec<_>>().join(", ")
}

impl Told for PauseAnswer {
    fn tell(&self, out: &mut dyn Write, _zone: &TimeZone) -> io::Result<()> {
        self.tell_what_was_asked(out)?;
        if !self.asked_to_pause && self.paused && self.rule.is_some() {
            writeln!(out, "Everything is paused still: `autoclosed resume`.")?;
        }
        if self.rule.is_none() && !self.lifted.is_empty() {
            let stay: Vec<_> = self.lifted.iter().filter(|rule| !self.paused_rules.contains(rule)).collect();
            if !stay.is_empty() {
                writeln!(out, "Tripped, and acting again: {}. Judging them begins anew.", listed(&stay))?;
            }
        }
        if !self.asked_to_pause && self.rule.is_none() && !self.paused_rules.is_empty() {
            let rules = listed(&self.paused_rules);
            writeln!(out, "Paused by name still: {rules}. `autoclosed resume --rule NAME` lets one act again.")?;
        }
        Ok(())
    }
}

impl PauseAnswer {
    fn tell_what_was_asked(&self, out: &mut dyn Write) -> io::Result<()> {
        let already = if self.changed { "" } else { " already" };
        match (self.asked_to_pause, &self.rule) {
            (true, None) => writeln!(
                out,
                "Paused{already}: nothing is sent to Intercom, notifications are recorded. `autoclosed resume` ends it."
            ),
            (true, Some(rule)) => {
                writeln!(out, "Rule `{rule}` is paused{already}. `autoclosed resume --rule {}` ends it.", word(rule))
            }
            (false, None) if self.changed => writeln!(out, "Resumed: the rules act again."),
            (false, None) => writeln!(out, "It was not paused."),
            (false, Some(rule)) if !self.lifted.is_empty() => {
                writeln!(out, "Rule `{rule}` had tripped and acts again. Judging it begins anew.")
            }
            (false, Some(rule)) if self.changed => writeln!(out, "Rule `{rule}` acts again."),
            (false, Some(rule)) => writeln!(out, "Rule `{rule}` was not paused."),
        }
    }
}
