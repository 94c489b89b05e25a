//! A whole configuration, and what `check` tells of it.

use std::path::Path;

use autoclosed::config::{self, Diagnostic, Diagnostics, Loaded};
use autoclosed::engine::rule::{After, StepKind};
use autoclosed::engine::{Decision, History, Rule, decide};
use autoclosed::message;
use jiff::{SignedDuration, Timestamp};

use super::seen;

const FILE: &str = "autoclosed.toml";

/// The file.
pub fn target(data: &[u8]) {
    // The daemon reads up to 10 MiB; what is as long as this says nothing new.
    if data.len() > 64 * 1024 {
        return;
    }
    match config::parse(FILE, data) {
        Ok(loaded) => {
            assert!(loaded.warnings.errors.is_empty());
            check_places(data, &loaded.warnings);
            check_rules(&loaded);
        }
        Err(found) => {
            assert!(!found.errors.is_empty() && found.errors.len() <= 100, "refused without a reason");
            check_places(data, &found);
        }
    }
    check_command(data);
}

/// Every finding names a place inside the file, what is wrong, and what to write.
fn check_places(data: &[u8], found: &Diagnostics) {
    let data = data.strip_prefix("\u{feff}".as_bytes()).unwrap_or(data);
    let text = String::from_utf8_lossy(data).replace("\r\n", "\n");
    let lines: Vec<&str> = text.split('\n').collect();
    for Diagnostic { line, column, message, help, span, .. } in found.errors.iter().chain(&found.warnings) {
        let length = lines.get(line.wrapping_sub(1)).map(|line| line.chars().count());
        assert!(length.is_some_and(|length| (1..=length + 1).contains(column)), "{line}:{column} {message}");
        assert!(span.start <= span.end && span.end <= text.len(), "{span:?} {message}");
        assert!(!message.is_empty() && !help.is_empty(), "{line}:{column} `{message}` `{help}`");
        let short = message.len() < 1_000 && help.len() < 20_000;
        assert!(super::is_plain(message) && super::is_plain(help) && short, "{message:?} {help:?}");
    }
    for colour in [false, true] {
        let told = found.render(colour);
        let odd = told.chars().find(|c| c.is_control() && !(matches!(c, '\n') || colour && *c == '\u{1b}'));
        assert!(odd.is_none(), "{odd:?} in {told:?}");
    }
}

/// What is called checked is.
fn check_rules(loaded: &Loaded) {
    let rules = &loaded.config.rules;
    for (at, rule) in rules.rules.iter().enumerate() {
        assert!(!rule.name.as_str().trim().is_empty() && super::is_plain(rule.name.as_str()), "{:?}", rule.name);
        assert!(rules.rules[at + 1..].iter().all(|other| other.name != rule.name), "`{}` twice", rule.name);
        assert!(!rule.counts_from.is_empty(), "`{}` counts from nothing", rule.name);
        check_steps(rule);
    }
    let Some(seen) = seen::folded(&[super::decide::quiet()], None) else { return };
    for days in [0, 1, 30, 4_000] {
        let now = super::decide::start() + SignedDuration::from_hours(24 * days);
        let decision = decide(&seen, &History::default(), rules, now);
        if let Decision::Act { rule, anchor_at, due_at, .. } = &decision {
            let rule = rules.rules.iter().find(|known| known.name == *rule).expect("one of the rules");
            assert!(*due_at <= now && *due_at >= rule.later(*anchor_at, rule.steps[0].after), "{decision:?}");
        }
    }
}

fn check_steps(rule: &Rule) {
    let longest = SignedDuration::from_hours(24 * 3653);
    for (at, step) in rule.steps.iter().enumerate() {
        match step.after {
            After::Time(time) => assert!(time.is_positive() && time <= longest, "{step:?}"),
            After::WorkingDays(days) => assert!((1..=3653).contains(&days) && rule.clock.is_some(), "{step:?}"),
        }
        let next = rule.steps.get(at + 1);
        assert!(next.is_none_or(|next| next.after > step.after), "`{}` goes back in time", rule.name);
        assert!(step.id.kind != StepKind::Close || next.is_none(), "`{}` goes on after its close", rule.name);
        assert!(step.act.body().is_none_or(|body| message::check(body).is_ok()), "{step:?}");
    }
}

/// `autoclosed check`, for people and as JSON.
fn check_command(data: &[u8]) {
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("a folder");
    }
    FOLDER.with(|folder| {
        let path = folder.path().join(FILE);
        std::fs::write(&path, data).expect("a file");
        let now = super::decide::start();
        let (status, told) = check(&path, now, false);
        assert!(!told.chars().any(|c| c.is_control() && c != '\n'), "{told:?}");
        let (again, json) = check(&path, now, true);
        assert_eq!(status, again, "one says yes and the other no");
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
    });
}

fn check(path: &Path, now: Timestamp, json: bool) -> (u8, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = autoclosed::command::check::run(path, now, json, &mut out, &mut err, false).expect("told");
    out.extend(if json { Vec::new() } else { err });
    (status, String::from_utf8(out).expect("text"))
}
