//! The status as people read it: what is wrong first, then figures, then each rule.

use std::io::{self, Write};

use clap::builder::styling::{AnsiColor, Style};
use jiff::tz::TimeZone;

use super::{DryRun, RuleSteps, Silence, StatusAnswer, Steps, TrippedRule};
use crate::command::layout::{self, wrapped};
use crate::command::line::word;
use crate::command::{Told, moments};

/// Where the figures begin.
const WIDTH: usize = 15;

impl Told for StatusAnswer {
    fn tell(&self, out: &mut dyn Write, zone: &TimeZone) -> io::Result<()> {
        self.tell_health(out, zone)?;
        self.tell_mode(out, zone)?;
        writeln!(out)?;
        self.tell_figures(out)?;
        tell_rules(&self.rules, out)?;
        self.tell_dry_run(out)
    }

    /// Whoever asks by the exit status wants to know whether things go as the operator wishes.
    fn exit_status(&self) -> u8 {
        u8::from(!["ok", "paused"].contains(&self.health.as_str()))
    }
}

impl StatusAnswer {
    fn tell_health(&self, out: &mut dyn Write, zone: &TimeZone) -> io::Result<()> {
        let red = AnsiColor::Red.on_default().bold();
        if let Some(silence) = &self.silence {
            row(out, "Health", &painted("down", red))?;
            return self.tell_silence(silence, out, zone);
        }
        let wrong: Vec<_> = self.checks.iter().filter(|check| !check.ok).collect();
        let of_all = format!("{} of {} checks", wrong.len(), self.checks.len());
        match self.health.as_str() {
            "bad" => row(out, "Health", &format!("{}, {of_all}:", painted("bad", red)))?,
            "paused" => row(out, "Health", &painted("paused", AnsiColor::Yellow.on_default()))?,
            well => row(out, "Health", &painted(well, AnsiColor::Green.on_default()))?,
        }
        let longest = wrong.iter().map(|check| check.name.len()).max().unwrap_or(0);
        for check in wrong {
            wrapped(out, &format!("  {:longest$}  ", check.name), longest + 4, &check.detail)?;
        }
        Ok(())
    }

    fn tell_silence(&self, silence: &Silence, out: &mut dyn Write, zone: &TimeZone) -> io::Result<()> {
        let Silence { url, why } = silence;
        match url {
            Some(url) => writeln!(out, "  no daemon answers at {url}: {why}")?,
            None => writeln!(out, "  no daemon can be asked: {why}")?,
        }
        match self.last_sign_of_life {
            Some(at) => writeln!(out, "  last sign of life: {}", moments::said(at, zone))?,
            None => writeln!(out, "  none has ever run on this database")?,
        }
        writeln!(out, "  start it with `autoclosed run`; if it runs, set [admin] listen to where it listens")
    }

    fn tell_mode(&self, out: &mut dyn Write, zone: &TimeZone) -> io::Result<()> {
        let means = match self.mode.as_str() {
            mode if self.silence.is_some() => &format!("{mode} by the configuration; nothing is done without a daemon"),
            "live" => "live: conversations are closed and messages are sent",
            _ => "dry-run: decisions are written down, nothing is sent to Intercom",
        };
        row(out, "Mode", means)?;
        if let Some(file) = self.mode_in_file {
            row(out, "", &format!("the file says {file} by now; reload the daemon (SIGHUP) to have it so"))?;
        }
        if let Some(since) = self.paused_since {
            row(out, "Paused", &format!("since {}; `autoclosed resume` ends it", moments::said(since, zone)))?;
        }
        for tripped in &self.tripped_rules {
            let TrippedRule { rule, at, why, .. } = tripped;
            let at = moments::said(*at, zone);
            let text = format!("`{rule}` at {at}: {why}; `autoclosed resume --rule {}` lets it act again", word(rule));
            row(out, "Tripped", &text)?;
        }
        let tripped = |rule: &&String| self.tripped_rules.iter().any(|one| one.rule == **rule && !one.paused);
        let by_name: Vec<_> = self.paused_rules.iter().filter(|rule| !tripped(rule)).cloned().collect();
        if !by_name.is_empty() {
            let rules = by_name.join(", ");
            row(out, "Paused rules", &format!("{rules}; `autoclosed resume --rule NAME` lets one act again"))?;
        }
        Ok(())
    }

    fn tell_figures(&self, out: &mut dyn Write) -> io::Result<()> {
        row(out, "Tracked", &counted(self.tracked, "conversation"))?;
        row(out, "Held", &format!("{} by hand", grouped(self.held)))?;
        row(out, "Backlog", &format!("{} waiting for an operator", grouped(self.backlog)))?;
        let closes = counted(i64::from(self.closes_last_hour), "close");
        let messages = counted(i64::from(self.messages_last_hour), "message");
        row(out, "Last hour", &format!("{closes}, {messages}"))?;
        let came = &self.notifications;
        let results = [
            (came.stored, "stored"),
            (came.duplicate, "duplicate"),
            (came.ignored, "ignored"),
            (came.foreign, "foreign"),
            (came.quarantined, "quarantined"),
        ];
        row(out, "Notifications", &listed(&results))?;
        row(out, "Steps due", &format!("{}: {}", grouped(self.actions.due), listed(&outcomes(&self.actions))))
    }

    fn tell_dry_run(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.dry_run.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "\nDry run, last 30 days: what would have been done, and what came after a close that was not:\n"
        )?;
        let head = ["would close", "would message", "would do else", "a person closed", "contact came back"];
        let figures = |told: &DryRun| {
            let figures = [
                told.would_close,
                told.would_message,
                told.would_do_else,
                told.then_closed_by_person,
                told.then_contact_came_back,
            ];
            (told.rule.clone(), figures.map(|figure| i64::try_from(figure).unwrap_or(i64::MAX)).to_vec())
        };
        table(&head, self.dry_run.iter().map(figures).collect(), out)
    }
}

fn tell_rules(rules: &[RuleSteps], out: &mut dyn Write) -> io::Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let head = ["done", "raced", "left", "deferred", "failed", "unclear"];
    let figures = |told: &RuleSteps| (told.rule.clone(), outcomes(&told.steps).map(|(count, _)| count).to_vec());
    table(&head, rules.iter().map(figures).collect(), out)
}

fn outcomes(steps: &Steps) -> [(i64, &'static str); 6] {
    let Steps { done, raced, left, deferred, failed, unclear, .. } = *steps;
    [(done, "done"), (raced, "raced"), (left, "left"), (deferred, "deferred"), (failed, "failed"), (unclear, "unclear")]
}

/// Rules down the side, figures under their heads. A name that leaves no room for them has a line of its own.
fn table(head: &[&str], rows: Vec<(String, Vec<i64>)>, out: &mut dyn Write) -> io::Result<()> {
    let room = layout::WIDTH - head.iter().map(|head| "  ".len() + head.len()).sum::<usize>();
    let lengths = rows.iter().map(|(rule, _)| rule.chars().count());
    let longest = lengths.filter(|length| *length <= room).max().unwrap_or(0).max("Rule".len());
    write!(out, "{:longest$}", "Rule")?;
    head.iter().try_for_each(|head| write!(out, "  {head}"))?;
    writeln!(out)?;
    for (mut rule, figures) in rows {
        if rule.chars().count() > longest {
            wrapped(out, "", 0, &rule)?;
            rule.clear();
        }
        write!(out, "{rule:longest$}")?;
        for (head, figure) in head.iter().zip(figures) {
            write!(out, "  {:>1$}", grouped(figure), head.len())?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn row(out: &mut dyn Write, name: &str, figure: &str) -> io::Result<()> {
    wrapped(out, &format!("{name:WIDTH$}"), WIDTH, figure)
}

/// Where there is no terminal, whoever prints takes the colour off.
fn painted(word: &str, style: Style) -> String {
    format!("{style}{word}{style:#}")
}

fn listed(counts: &[(i64, &str)]) -> String {
    counts.iter().map(|(count, name)| format!("{} {name}", grouped(*count))).collect::<Vec<_>>().join(", ")
}

fn counted(count: i64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// `5,000,000`: long figures are read in threes.
fn grouped(figure: i64) -> String {
    let digits = figure.to_string();
    let mut told = String::new();
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len() - index;
        if index > 0 && left.is_multiple_of(3) && !told.ends_with('-') {
            told.push(',');
        }
        told.push(digit);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_figures_are_told_in_threes() {
        for (figure, told) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (5_000_000, "5,000,000"), (-123_456, "-123,456")]
        {
            assert_eq!(grouped(figure), told);
        }
    }
}
