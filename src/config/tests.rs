//! Every mistake that a configuration can hold, and what is said about it.

mod arguments;
mod attributes;
mod calendars;
mod clocks;
mod conditions;
mod deeds;
mod files;
mod leave;
mod mentions;
mod misread;
mod names;
mod people;
mod promises;
mod rules;
mod sections;
mod shadowed;
mod steps;
mod syntax;
mod templates;
mod whole;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::engine::rule::{Act, After, AfterReopen, ContactReplied, Labels, Match, StateName, StepKind, WaitingOn};
use crate::engine::{Class, Rule, Step};

const SHIPPED: &str = include_str!("../../config/autoclosed.toml");

/// Everything said about a file, without the warning that it has no rules.
fn told(text: &str) -> String {
    let mut found = match parse("a.toml", text.trim_start().as_bytes()) {
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    };
    found.warnings.retain(|warning| !warning.message.starts_with("there are no rules"));
    found.to_string()
}

fn good(text: &str) -> Config {
    parse("a.toml", text.as_bytes()).unwrap_or_else(|found| panic!("{found}")).config
}

fn refusals(text: &[u8]) -> Vec<String> {
    let found = parse("a.toml", text).expect_err("a refusal");
    found.errors.iter().map(|error| format!("{}:{} {}", error.line, error.column, error.message)).collect()
}

const RULE: &str = r#"
[[rule]]
name = "snoozed-a-week"
match.state = ["snoozed", "woken"]
match.waiting_on = "anyone"
match.tags = "trial"
match.not_tags = ["vip", "legal"]
match.contact_replied = "any"
counts_from = ["contact_reply", "note", "note"]
after_reopen = "count_again"

[[rule.step]]
after = "3 days"
do = "reply"
body = "Hello?"
channels = "conversation"

[[rule.step]]
after = "5 days"
do = "reply"
body = "We close on {{ closes_at | date }}."

[[rule.step]]
after = "1 week"
do = "close"
silent = true
"#;

#[test]
fn an_empty_file_is_the_default_and_doubted_for_having_no_rules() {
    for text in ["", "\n\n", "# nothing\n"] {
        let loaded = parse("a.toml", text.as_bytes()).unwrap();
        assert_eq!(loaded.config.mode, Mode::DryRun);
        assert_eq!(loaded.config.timezone, TimeZone::UTC);
        assert_eq!(loaded.config.intercom.base_url.as_str(), "https://api.intercom.io/");
        assert_eq!(loaded.config.server.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(loaded.config.admin.listen.to_string(), "127.0.0.1:8081");
        assert_eq!(loaded.config.rules.rules, []);
        insta::allow_duplicates! { insta::assert_snapshot!(loaded.warnings, @"
        a.toml:1:1: warning: there are no rules, so nothing will ever be closed
        help: add a [[rule]] when you want conversations closed; until then they are only recorded
        ") }
    }
}

#[test]
fn the_shipped_file_shows_every_default_and_closes_nothing() {
    assert_eq!(good(SHIPPED), good(""));
    assert_eq!(good(SHIPPED).mode, Mode::DryRun);
}

#[test]
fn the_shipped_file_s_examples_work_when_enabled() {
    let enabled = SHIPPED.lines().map(uncommented).collect::<Vec<_>>().join("\n");
    let config = good(&enabled);
    let [vip, rule, other] = config.rules.rules.as_slice() else { panic!("three rules") };
    assert_eq!((vip.name.as_str(), vip.steps.len(), rule.name.as_str()), ("vip", 0, "snoozed-a-week"));
    assert_eq!(rule.matches.tags, ["waiting-for-customer"]);
    assert_eq!(rule.counts_from, good(RULE_MINIMAL).rules.rules[0].counts_from);
    assert_eq!(rule.after_reopen, AfterReopen::WaitForReply);
    let steps = |rule: &Rule| rule.steps.iter().map(|step| step.id.to_string()).collect::<Vec<_>>().join(", ");
    assert_eq!(steps(rule), "reply 1, close");
    assert_eq!(steps(other), "note 1, assign 1, assign 2, tag 1, untag 1, update 1, snooze 1, open 1");
    assert_eq!(config.intercom.requests_per_10s, Some(500));
}

#[test]
fn the_shipped_file_shows_every_key_of_a_rule() {
    let lines: Vec<&str> = SHIPPED.lines().map(|line| line.trim_start_matches("# ")).collect();
    let shows = |key: &str| lines.iter().any(|line| line.starts_with(key));
    let arguments = super::steps::ARGUMENTS.map(|(key, _)| key);
    for key in arguments.iter().chain(&super::rules::KEYS).filter(|key| **key != "match") {
        assert!(shows(&format!("{key} = ")) || shows(&format!("{key}.")), "{key}");
    }
    for key in super::conditions::KEYS {
        assert!(shows(&format!("match.{key} = ")) || shows(&format!("match.{key}.")), "match.{key}");
    }
    for (_, kind) in StepKind::NAMES {
        assert!(shows(&format!("do = \"{kind}\"")), "{kind}");
    }
}

/// Takes the mark off a commented key, header or message line, but not off prose or what excludes something else.
fn uncommented(line: &str) -> &str {
    let Some(rest) = line.strip_prefix("# ") else { return line };
    let code = rest.starts_with('[') || rest.starts_with("Hi {{") || rest.starts_with("We will") || {
        let key = rest.split(" = ").next().unwrap_or_default();
        rest.contains(" = ") && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte))
    };
    if code && !rest.starts_with("base_url") { rest } else { line }
}

const RULE_MINIMAL: &str =
    "[[rule]]\nname = \"a\"\nmatch_all = true\nstep = [{ after = \"7 days\", do = \"close\", silent = true }]\n";

#[test]
fn a_rule_means_what_it_says() {
    let rule = &good(RULE).rules.rules[0];
    let matches = Match {
        state: Some(vec![StateName::Snoozed, StateName::Woken]),
        waiting_on: WaitingOn::Anyone,
        tags: vec!["trial".to_owned()],
        not_tags: vec!["vip".to_owned(), "legal".to_owned()],
        contact_replied: ContactReplied::Any,
        ..Match::default()
    };
    assert_eq!(rule.matches, matches);
    assert_eq!(rule.counts_from, [Class::ContactReply, Class::Note]);
    assert_eq!(rule.after_reopen, AfterReopen::CountAgain);
    let told: Vec<_> = rule.steps.iter().map(|step| (step.id.to_string(), step.after)).collect();
    let hours = |hours| After::Time(SignedDuration::from_hours(hours));
    let want = [("reply 1", hours(72)), ("reply 2", hours(120)), ("close", hours(168))];
    assert_eq!(told, want.map(|(step, after)| (step.to_owned(), after)));
    assert_eq!(rule.steps[0].channels, ["conversation"]);
    assert_eq!(rule.steps[1].channels, ["conversation", "email"]);
    assert_eq!(rule.steps[2].act, Act::Close { body: None, labels: Labels::default() });
}

#[test]
fn a_rule_without_more_has_the_careful_defaults() {
    let rule = &good(RULE_MINIMAL).rules.rules[0];
    assert_eq!(rule.matches, Match::default());
    let classes = [Class::ContactReply, Class::TeammateReply, Class::Snoozed, Class::Unsnoozed, Class::Opened];
    assert_eq!(rule.counts_from, classes);
    assert_eq!(rule.after_reopen, AfterReopen::WaitForReply);
    let [Step { id, after, .. }] = rule.steps.as_slice() else { panic!("one step") };
    assert_eq!((id.kind, *after), (StepKind::Close, After::Time(SignedDuration::from_hours(7 * 24))));
}

#[test]
fn every_key_reaches_its_place() {
    let config = good(
        r#"
mode = "live"
timezone = "Europe/Dublin"
[intercom]
base_url = "http://127.0.0.1:4010"
api_version = "2.6"
admin_id = 5784329
app_id = "ab12cd34"
requests_per_10s = 1_000
timeout = "5s"
probe = "2 minutes"
[server]
listen = "[::1]:9000"
webhook_path = "/hook"
max_body = "64 KiB"
[admin]
listen = "127.0.0.1:9001"
[database]
url = "sqlite:/var/lib/autoclosed/a.db"
keep_bodies = "all"
retention = "1 week"
[schedule]
sweep = "0 * * * * *"
reconcile = "0 0 * * * *"
[safety]
max_actions_per_sweep = 0
max_closes_per_hour = 1
max_messages_per_hour = 2
max_auto_closes = 3
unclear_quiet = "90s"
missed_grace = "3 minutes"
max_missed = 4
max_lateness = "36 hours"
max_due_at_once = 7
hold_tags = "hands-off"
"#,
    );
    assert_eq!(config.mode, Mode::Live);
    assert_eq!(config.timezone.iana_name(), Some("Europe/Dublin"));
    assert_eq!(
        config.intercom,
        IntercomConfig {
            base_url: Url::parse("http://127.0.0.1:4010").unwrap(),
            api_version: "2.6".to_owned(),
            admin_id: Some("5784329".to_owned()),
            app_id: Some("ab12cd34".to_owned()),
            requests_per_10s: Some(1000),
            timeout: Duration::from_secs(5),
            probe: Duration::from_mins(2),
        }
    );
    assert_eq!(
        config.server,
        ServerConfig { listen: "[::1]:9000".parse().unwrap(), webhook_path: "/hook".to_owned(), max_body: 64 << 10 }
    );
    assert_eq!(config.admin.listen.port(), 9001);
    assert_eq!(
        config.database,
        DatabaseConfig {
            path: PathBuf::from("/var/lib/autoclosed/a.db"),
            keep_bodies: KeepBodies::All,
            retention: SignedDuration::from_hours(7 * 24),
        }
    );
    assert_eq!((config.schedule.sweep.as_str(), config.schedule.reconcile.as_str()), ("0 * * * * *", "0 0 * * * *"));
    assert_eq!(
        config.safety,
        SafetyConfig {
            max_actions_per_sweep: 0,
            max_closes_per_hour: 1,
            max_messages_per_hour: 2,
            trip_reopen_rate: crate::safety::Share::QUARTER,
            unclear_quiet: SignedDuration::from_secs(90),
            missed_grace: SignedDuration::from_mins(3),
            max_missed: 4,
            max_lateness: SignedDuration::from_hours(36),
            max_due_at_once: 7,
        }
    );
    assert_eq!((config.rules.max_auto_closes, config.rules.hold_tags), (3, vec!["hands-off".to_owned()]));
}

#[test]
fn each_region_has_its_own_address() {
    for (region, url) in [
        ("us", "https://api.intercom.io/"),
        ("eu", "https://api.eu.intercom.io/"),
        ("au", "https://api.au.intercom.io/"),
    ] {
        let config = good(&format!("[intercom]\nregion = \"{region}\""));
        assert_eq!(config.intercom.base_url.as_str(), url);
    }
}

#[test]
fn crlf_and_a_byte_order_mark_change_nothing() {
    let windows = format!("\u{feff}{}", RULE.replace('\n', "\r\n"));
    assert_eq!(good(&windows), good(RULE));

    let bad = "mode = \"live\"\ntimezone = \"Nowhere\"\n";
    let windows = format!("\u{feff}{}", bad.replace('\n', "\r\n"));
    assert_eq!(refusals(bad.as_bytes()), ["2:12 unknown time zone \"Nowhere\""]);
    assert_eq!(refusals(windows.as_bytes()), refusals(bad.as_bytes()));
    let body = "body = \"Hello?\"";
    let long = RULE.replace(body, "body = \"\"\"\nHello?\nAre you there?\"\"\"");
    assert_ne!(long, RULE);
    assert_eq!(good(&long.replace('\n', "\r\n")), good(&long), "a message is the same one, whatever ends its lines");
    assert_eq!(refusals("\u{feff}mode = 1".as_bytes())[0], "1:8 `mode` must be text in quotes, not a whole number");
}

#[test]
fn a_file_that_is_not_text_is_told_where() {
    assert_eq!(refusals(b"mode = \"live\"\n# caf\xe9\n"), ["2:6 this is not UTF-8 text"]);
}

#[test]
fn a_file_that_cannot_be_read_is_a_diagnostic_too() {
    let dir = tempfile::tempdir().unwrap();
    let missing = load(&dir.path().join("none.toml")).unwrap_err();
    assert_eq!(missing.errors[0].message, "there is no such file");
    assert!(missing.errors[0].help.contains("--config"));
    let unreadable = load(dir.path()).unwrap_err();
    assert_eq!(unreadable.errors[0].message, "this is a folder, not a file");
}

#[test]
fn a_file_over_ten_mebibytes_is_refused_and_one_below_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.toml");
    std::fs::write(&path, vec![b'\n'; LARGEST]).unwrap();
    assert!(load(&path).is_ok());
    std::fs::write(&path, vec![b'\n'; LARGEST + 1]).unwrap();
    assert_eq!(load(&path).unwrap_err().errors[0].message, "the file is larger than 10 MiB");
}

#[test]
fn of_very_many_mistakes_the_first_hundred_are_listed() {
    let text = (0..1000).map(|number| format!("k{number} = 1")).collect::<Vec<_>>().join("\n");
    let found = parse("a.toml", text.as_bytes()).unwrap_err();
    assert_eq!((found.errors.len(), found.more), (100, 900));
    assert!(found.to_string().ends_with("and 900 more mistakes; mend these first\n"));
}

#[test]
fn large_nonsense_is_refused_without_reading_it_over_and_over() {
    for nonsense in ["[", "=", "=\n", "a", "\u{0}", "\"", "{", "a=1\n", "[[rule]]\n"] {
        let text = nonsense.repeat((2 << 20) / nonsense.len());
        let found = parse("a.toml", text.as_bytes()).expect_err(nonsense);
        assert!(found.errors.len() <= 100 && found.to_string().len() < 100_000, "{nonsense:?}");
    }
}

#[test]
fn the_file_is_the_chosen_one_or_the_first_of_the_usual_places() {
    let with = |name: &str| (name == "AUTOCLOSED_CONFIG").then(|| "env.toml".to_owned());
    let none = |_: &str| None;
    let pick = |chosen: Option<&str>, named: bool, system: bool| {
        let chosen = chosen.map(PathBuf::from);
        let path = if named { default_path(chosen, with, |_| system) } else { default_path(chosen, none, |_| system) };
        path.display().to_string()
    };
    assert_eq!(pick(Some("mine.toml"), true, true), "mine.toml");
    assert_eq!(pick(None, true, true), "env.toml");
    assert_eq!(pick(None, false, true), "/etc/autoclosed/autoclosed.toml");
    assert_eq!(pick(None, false, false), "config/autoclosed.toml");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*") {
        let _ = parse("a.toml", text.as_bytes()).map_err(|found| found.to_string());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse("a.toml", &bytes).map_err(|found| found.render(true));
    }

    /// Cuts and splices of a real file reach further in than random text does.
    #[test]
    fn no_damage_to_a_good_file_makes_the_reader_panic(
        at in 0..RULE.len(), length in 0..40_usize, junk in "[\\[\\]{}|%=\"'#a-z0-9.é\n ]{0,8}"
    ) {
        let end = (at + length).min(RULE.len());
        let damaged = format!("{}{junk}{}", &RULE[..at], &RULE[end..]);
        let _ = parse("a.toml", damaged.as_bytes()).map_err(|found| found.to_string());
    }

    #[test]
    fn no_template_makes_the_check_panic(body in "[{}%| a-z.'\"()_é\n-]{0,40}") {
        let _ = crate::message::check(&body);
    }
}
