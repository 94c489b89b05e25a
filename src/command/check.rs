//! `autoclosed check`: what the configuration says, or what is wrong with it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::{self, Config, Diagnostic, Diagnostics, Loaded, Mode, Secrets, SecretsError};
use crate::engine::rule::{Act, ContactReplied, Match, WaitingOn};
use crate::engine::{Rule, Step};

/// All is well.
const GOOD: u8 = 0;
/// The configuration is refused.
const REFUSED: u8 = 2;

/// Checks the file at `path` and tells the result: as one JSON document on `out`, or for people, with what is wrong
/// on `err`. Asks nobody outside this machine. The answer is the exit status: 0, or 2 for a configuration that is
/// refused. Fails only if `out` or `err` cannot be written to.
pub fn run(path: &Path, json: bool, out: &mut dyn Write, err: &mut dyn Write, colour: bool) -> io::Result<u8> {
    let credentials_dir = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let secrets = Secrets::read(|name| std::env::var(name).ok(), credentials_dir.as_deref());
    report(path, &secrets, json, out, err, colour)
}

fn report(
    path: &Path,
    secrets: &Result<Secrets, SecretsError>,
    json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
    colour: bool,
) -> io::Result<u8> {
    let mut loaded = config::load(path);
    if let Err(error) = secrets {
        warnings(&mut loaded).push(about_secrets(error));
    }
    if json { tell_json(&loaded, out) } else { tell(path, &loaded, out, err, colour) }
}

fn warnings(loaded: &mut Result<Loaded, Diagnostics>) -> &mut Vec<Diagnostic> {
    match loaded {
        Ok(loaded) => &mut loaded.warnings.warnings,
        Err(found) => &mut found.warnings,
    }
}

fn about_secrets(error: &SecretsError) -> Diagnostic {
    let text = error.to_string();
    let (message, help) = text.split_once("; ").unwrap_or((&text, "set both secrets before `autoclosed run`"));
    Diagnostic::about("environment", message, help)
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    errors: Vec<Finding<'a>>,
    warnings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    message: &'a str,
    help: &'a str,
}

impl<'a> From<&'a Diagnostic> for Finding<'a> {
    fn from(found: &'a Diagnostic) -> Finding<'a> {
        let Diagnostic { file, line, column, message, help, .. } = found;
        Finding { file, line: *line, column: *column, message, help }
    }
}

fn tell_json(loaded: &Result<Loaded, Diagnostics>, out: &mut dyn Write) -> io::Result<u8> {
    let found = loaded.as_ref().map_or_else(|found| found, |loaded| &loaded.warnings);
    let report = Report {
        ok: loaded.is_ok(),
        errors: found.errors.iter().map(Finding::from).collect(),
        warnings: found.warnings.iter().map(Finding::from).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)?;
    Ok(if report.ok { GOOD } else { REFUSED })
}

fn tell(
    path: &Path,
    loaded: &Result<Loaded, Diagnostics>,
    out: &mut dyn Write,
    err: &mut dyn Write,
    colour: bool,
) -> io::Result<u8> {
    match loaded {
        Ok(Loaded { config, warnings }) => {
            err.write_all(warnings.render(colour).as_bytes())?;
            writeln!(out, "{} is in order.\n", path.display())?;
            summary(config, out)?;
            Ok(GOOD)
        }
        Err(found) => {
            err.write_all(found.render(colour).as_bytes())?;
            Ok(REFUSED)
        }
    }
}

fn summary(config: &Config, out: &mut dyn Write) -> io::Result<()> {
    let mode = match config.mode {
        Mode::DryRun => "dry-run; decisions are written down, nothing is sent to Intercom",
        Mode::Live => "live; conversations are closed and messages are sent",
    };
    writeln!(out, "Mode: {mode}")?;
    writeln!(out, "Intercom: {}, version {}", config.intercom.base_url, config.intercom.api_version)?;
    writeln!(out, "Webhooks: {} on http://{}", config.server.webhook_path, config.server.listen)?;
    writeln!(out, "Health and metrics: http://{}", config.admin.listen)?;
    writeln!(out, "Database: {}", config.database.path.display())?;
    if config.rules.hold_tags.is_empty() {
        writeln!(out, "Held by tag: none")?;
    } else {
        writeln!(out, "Never touched while tagged: {}", either(&config.rules.hold_tags))?;
    }
    if !config.rules.rules.is_empty() {
        writeln!(out, "\nRules, of which the first that fits owns a conversation:")?;
    }
    for rule in &config.rules.rules {
        tell_rule(rule, out)?;
    }
    Ok(())
}

fn tell_rule(rule: &Rule, out: &mut dyn Write) -> io::Result<()> {
    let classes: Vec<&str> = rule.counts_from.iter().map(|class| class.name()).collect();
    writeln!(out, "\n{}: {}", rule.name, conversations(&rule.matches))?;
    writeln!(out, "  counting from the latest {}", either(&classes))?;
    for step in &rule.steps {
        writeln!(out, "  after {}: {}", crate::engine::why::distance(step.after), deed(step))?;
    }
    Ok(())
}

fn deed(step: &Step) -> &'static str {
    match &step.act {
        Act::Reply { .. } => "send a message",
        Act::Close { body: Some(_) } => "close with a last word",
        Act::Close { body: None } => "close silently",
    }
}

/// The conversations that a match fits, in words.
fn conversations(matches: &Match) -> String {
    let states = matches.state.iter().flatten().map(|state| state.name()).collect::<Vec<_>>();
    let states = if states.is_empty() { "all".to_owned() } else { either(&states) };
    let turn = match matches.waiting_on {
        WaitingOn::Contact => "waiting for the contact",
        WaitingOn::Teammate => "waiting for a teammate",
        WaitingOn::Anyone => "no matter whose turn it is",
    };
    let mut words = vec![format!("{states} conversations {turn}")];
    match matches.contact_replied {
        ContactReplied::Yes => {}
        ContactReplied::No => words.push("in which the contact never wrote".to_owned()),
        ContactReplied::Any => words.push("whether or not the contact ever wrote".to_owned()),
    }
    if !matches.tags.is_empty() {
        words.push(format!("tagged {}", either(&matches.tags)));
    }
    if !matches.not_tags.is_empty() {
        words.push(format!("not tagged {}", either(&matches.not_tags)));
    }
    words.join(", ")
}

/// `a`, `a or b`, `a, b or c`.
fn either<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
timezone = "Europe/Dublin"

[[rule]]
name = "snoozed-a-week"
match.state = ["snoozed", "woken"]
match.not_tags = ["vip", "legal", "press"]

[[rule.step]]
after = "5 days"
do = "reply"
body = "Did that solve it?"

[[rule.step]]
after = "7 days"
do = "close"
body = "Reply any time and it opens again."

[[rule]]
name = "trial"
match_all = true
counts_from = "contact_reply"
step = { after = "36 hours", do = "close", silent = true }
"#;

    /// Exit status, standard output and standard error, with `a.toml` in place of the file.
    fn checked(text: &str, secrets: bool, json: bool) -> (u8, String, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.toml");
        std::fs::write(&path, text).unwrap();
        let secrets = Secrets::read(|name| secrets.then(|| format!("sample-{name}")), None);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = report(&path, &secrets, json, &mut out, &mut err, false).unwrap();
        let told = |text: Vec<u8>| String::from_utf8(text).unwrap().replace(path.to_str().unwrap(), "a.toml");
        (status, told(out), told(err))
    }

    #[test]
    fn a_good_file_is_told_in_plain_words() {
        let rules = RULES.replace("step = {", "step = [{").replace("true }", "true }]");
        let (status, out, err) = checked(&rules, true, false);
        assert_eq!((status, err.as_str()), (0, ""));
        insta::assert_snapshot!(out, @r#"
        a.toml is in order.

        Mode: dry-run; decisions are written down, nothing is sent to Intercom
        Intercom: https://api.intercom.io/, version 2.16
        Webhooks: /webhooks/intercom on http://127.0.0.1:8080
        Health and metrics: http://127.0.0.1:8081
        Database: autoclosed.db
        Never touched while tagged: autoclose-hold

        Rules, of which the first that fits owns a conversation:

        snoozed-a-week: snoozed or woken conversations waiting for the contact, not tagged vip, legal or press
          counting from the latest contact_reply, teammate_reply, snoozed, unsnoozed or opened
          after 5 days: send a message
          after 7 days: close with a last word

        trial: all conversations waiting for the contact
          counting from the latest contact_reply
          after 36 hours: close silently
        "#);
    }

    #[test]
    fn a_bad_file_is_refused_on_standard_error() {
        let (status, out, err) = checked(RULES, true, false);
        assert_eq!((status, out.as_str()), (2, ""));
        insta::assert_snapshot!(err, @r#"
        a.toml:23:8: `step` must be a list of tables, not a table
           |
        23 | step = { after = "36 hours", do = "close", silent = true }
           |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        help: begin each with a line [[rule.step]], in double brackets
        "#);
    }

    #[test]
    fn missing_secrets_are_doubts_as_nothing_is_sent() {
        let (status, out, err) = checked("", false, false);
        assert_eq!(status, 0);
        assert!(out.starts_with("a.toml is in order."));
        insta::assert_snapshot!(err, @r#"
        a.toml:1:1: warning: there are no rules, so nothing will ever be closed
        help: add a [[rule]] when you want conversations closed; until then they are only recorded

        environment:1:1: warning: INTERCOM_ACCESS_TOKEN is not set
        help: set it, or give the service a systemd credential named intercom-access-token
        "#);
    }

    #[test]
    fn json_is_one_document_whatever_was_found() {
        let (status, out, err) = checked("mode = 1", true, true);
        assert_eq!((status, err.as_str()), (2, ""));
        insta::assert_snapshot!(out, @r#"
        {
          "ok": false,
          "errors": [
            {
              "file": "a.toml",
              "line": 1,
              "column": 8,
              "message": "`mode` must be text in quotes, not a whole number",
              "help": "write for example mode = \"dry-run\""
            }
          ],
          "warnings": [
            {
              "file": "a.toml",
              "line": 1,
              "column": 1,
              "message": "there are no rules, so nothing will ever be closed",
              "help": "add a [[rule]] when you want conversations closed; until then they are only recorded"
            }
          ]
        }
        "#);
        let (status, out, _) = checked("", true, true);
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((status, &report["ok"], &report["errors"]), (0, &true.into(), &serde_json::json!([])));
        assert_eq!(report["warnings"][0]["file"], "a.toml");
    }

    #[test]
    fn a_missing_file_is_told_like_any_mistake() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let secrets = Secrets::read(|name| Some(format!("sample-{name}")), None);
        let missing = Path::new("none/here.toml");
        let status = report(missing, &secrets, false, &mut out, &mut err, false).unwrap();
        assert_eq!(status, 2);
        insta::assert_snapshot!(String::from_utf8(err).unwrap(), @r#"
        none/here.toml:1:1: there is no such file
        help: name another file with --config, or in AUTOCLOSED_CONFIG
        "#);
    }
}
