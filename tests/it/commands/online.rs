//! `check --online`: what it asks, what it finds, and that it changes nothing.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use autoclosed::clock::{Clock, ManualClock};
use autoclosed::fake_intercom::{FakeIntercom, Workspace};
use serde_json::Value;

use super::Answer;
use crate::harness::{CLIENT_SECRET, QUIET_A_DAY, days};

mod attributes;
mod past;
mod refusals;

/// Names one thing of every kind.
const RULES: &str = r#"
[[rule]]
name = "support"
match.team = ["Support"]
match.not_assignee = ["alex@example.com"]
match.tags = ["vip"]
match.attribute.topic = ["Bug"]

[[rule.step]]
after = "5 days"
do = "reply"
body = "Hi {{ contact.first_name | default('there') }}, did that solve it?"

[[rule.step]]
after = "7 days"
do = "close"
silent = true
tags = ["auto-closed"]
set.auto_closed_by = "{{ rule }}"
"#;

/// Each sentence on one line, however wide.
fn joined(found: &str) -> String {
    let (below, help) = (format!("\n{:22}", ""), format!("\n{:22}help:", ""));
    found.replace(&help, "\nhelp:").replace(&below, " ").replace("\nhelp:", &help)
}

/// A configuration, an Intercom at the machine's own time, and the program.
pub(super) struct Place {
    pub(super) intercom: FakeIntercom,
    folder: tempfile::TempDir,
}

impl Place {
    pub(super) async fn new(keys: &str, rules: &str) -> Place {
        Place::at(Clock::System, keys, rules).await
    }

    /// `keys` stand under `[intercom]`.
    async fn at(clock: Clock, keys: &str, rules: &str) -> Place {
        let intercom = FakeIntercom::start(clock, Workspace::default()).await.unwrap();
        let place = Place { intercom, folder: tempfile::tempdir().unwrap() };
        place.configure(keys, rules);
        place
    }

    fn configure(&self, keys: &str, rules: &str) {
        let url = self.intercom.url();
        let text = format!("[intercom]\nbase_url = \"{url}\"\n{keys}\n[database]\nurl = \"sqlite:a.db\"\n{rules}");
        std::fs::write(self.file("a.toml"), text).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, more: &[&str]) -> Command {
        let mut program = crate::campaigns::starting(env!("CARGO_BIN_EXE_autoclosed"));
        program
            .args(["check", "--online", "--config", "a.toml"])
            .args(more)
            .current_dir(self.folder.path())
            .env_clear()
            .env("INTERCOM_ACCESS_TOKEN", Workspace::default().token)
            .env("INTERCOM_CLIENT_SECRET", CLIENT_SECRET)
            .stdin(Stdio::null());
        program
    }

    /// What it answers; that it changes nothing holds every time.
    fn answers(&self, more: &[&str]) -> Answer {
        let answer = Answer::of(self.program(more).output().unwrap());
        assert_eq!(self.intercom.mutating_calls(), []);
        answer
    }

    /// The findings as a person reads them, but each sentence on one line, and the exit status.
    pub(super) fn finds(&self) -> String {
        let Answer { status, out, err } = self.answers(&[]);
        assert_eq!(err, "");
        let found = out.split_once("by asking:\n\n").unwrap_or(("", &out)).1;
        format!("{}[{}]", joined(found).replace(&self.intercom.url(), "http://intercom"), status.unwrap())
    }

    /// The findings of one check.
    pub(super) fn finds_of(&self, check: &str) -> String {
        let found = self.finds();
        let mut kept = Vec::new();
        let mut of_it = false;
        for line in found.lines() {
            of_it = if line.starts_with(' ') { of_it } else { line.split_whitespace().nth(1) == Some(check) };
            if of_it || line.ends_with(']') {
                kept.push(line.trim_start());
            }
        }
        kept.join("\n")
    }

    /// The answer as JSON.
    fn json(&self) -> Value {
        serde_json::from_str(&self.answers(&["--json"]).out).unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.intercom.calls().iter().map(|call| format!("{} {}", call.method, call.path)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_well_each_thing_is_told_in_a_line() {
    let place = Place::new("", RULES).await;
    let id = place.intercom.contact_starts("Hello?");
    insta::assert_snapshot!(place.finds(), @r#"
    ok     token          works; it belongs to Robin (teammate 1009)
    ok     region         US; base_url is none of Intercom's own addresses, so it is not compared
    ok     workspace      ab12cd34
    ok     api_version    2.16, which Intercom accepts
    ok     clock          less than a minute from Intercom's
    ok     admin          Robin (teammate 1009) acts, with an inbox seat
    ok     teams          "Support"
    ok     teammates      "alex@example.com"
    ok     tags           "autoclose-hold", "vip"
    ok     tags           "auto-closed" is not there yet, and is created when a step first attaches it
    ok     attributes     "auto_closed_by", "topic"
    ok     permissions    Read admins, Read tags, Read conversations, Read users and companies; the first deed will show the others: Write conversations, Write tags
    ok     notifications  none yet: there is no database before the first start

    Nothing is wrong.
    [0]
    "#);
    let all = [
        "GET /me",
        "GET /admins",
        "GET /teams",
        "GET /tags",
        "GET /conversations/attributes?include_archived=true",
        "POST /conversations/search",
        &format!("GET /conversations/{id}"),
    ];
    let asked = place.asked();
    assert_eq!(asked[..7], all.map(str::to_owned));
    assert!(asked[7].starts_with("GET /contacts/") && asked.len() == 8, "{asked:?}");
    assert!(!place.file("a.db").exists(), "no database is made");
    place.configure("api_version = \"2.12\"", RULES);
    let told = place.finds();
    assert!(told.ends_with("\n\nNothing is wrong.\n[0]"), "{told}");
    assert!(place.asked().contains(&"GET /data_attributes?model=conversation&include_archived=true".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_rule_speaks_of_is_not_asked_for() {
    let place = Place::new("", &format!("[safety]\nhold_tags = []\n{QUIET_A_DAY}")).await;
    place.intercom.contact_starts("Hello?");
    assert!(place.finds().ends_with("[0]"));
    assert_eq!(place.asked(), ["GET /me", "GET /admins", "POST /conversations/search"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_means_nothing_is_told_at_its_place_with_the_nearest_one() {
    let rules = r#"
[safety]
hold_tags = ["autoclose-holds"]

[[rule]]
name = "support"
match.team = ["Suport", "Billing"]
match.not_assignee = ["kim@example.com", "1001"]
match.tags = ["vips", "auto-closed"]
match.not_tags = ["legal"]

[[rule.step]]
after = "7 days"
do = "close"
silent = true
tags = ["auto-closed"]
"#;
    let place = Place::new("", rules).await;
    place.intercom.change_workspace(|workspace| {
        let mut twin = workspace.teams[1].clone();
        twin.id = "99".to_owned();
        workspace.teams.push(twin);
    });
    insta::assert_snapshot!(place.finds(), @r#"
    ok     token          works; it belongs to Robin (teammate 1009)
    ok     region         US; base_url is none of Intercom's own addresses, so it is not compared
    ok     workspace      ab12cd34
    ok     api_version    2.16, which Intercom accepts
    ok     clock          less than a minute from Intercom's
    ok     admin          Robin (teammate 1009) acts, with an inbox seat
    wrong  teams          a.toml:12:15: the workspace has no team "Suport"
                          help: did you mean "Support"?
    wrong  teams          a.toml:12:25: the workspace has 2 teams called "Billing"
                          help: rename all but one of them in Intercom
    ok     teammates      "1001"
    wrong  teammates      a.toml:13:23: the workspace has no teammate "kim@example.com"
                          help: write the id or the e-mail address of one
    ok     tags           "auto-closed" is not there yet, and is created when a step first attaches it
    doubt  tags           a.toml:8:14: the workspace has no tag "autoclose-holds", so nothing is left alone because of it
                          help: did you mean "autoclose-hold"?
    wrong  tags           a.toml:14:15: the workspace has no tag "vips"
                          help: did you mean "vip"?
    doubt  tags           a.toml:15:19: the workspace has no tag "legal", so nothing is left alone because of it
                          help: create it in Intercom, to have it when it is needed
    ok     permissions    Read admins, Read tags, Read conversations; the first deed will show the others: Write conversations, Write tags
    ok     notifications  none yet: there is no database before the first start

    4 wrong, 2 doubts.
    [2]
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_json_what_is_wrong_has_its_place_and_every_check_its_line() {
    let rules = RULES.replace("\"Support\"", "\"Suport\"");
    let place = Place::new("", &rules).await;
    let Answer { status, out, err } = place.answers(&["--json"]);
    insta::assert_snapshot!(out, @r#"
    {
      "ok": false,
      "errors": [
        {
          "file": "a.toml",
          "line": 9,
          "column": 15,
          "message": "the workspace has no team \"Suport\"",
          "help": "did you mean \"Support\"?"
        }
      ],
      "warnings": [],
      "online": [
        {
          "check": "token",
          "ok": true,
          "mark": "ok",
          "detail": "works; it belongs to Robin (teammate 1009)"
        },
        {
          "check": "region",
          "ok": true,
          "mark": "ok",
          "detail": "US; base_url is none of Intercom's own addresses, so it is not compared"
        },
        {
          "check": "workspace",
          "ok": true,
          "mark": "ok",
          "detail": "ab12cd34"
        },
        {
          "check": "api_version",
          "ok": true,
          "mark": "ok",
          "detail": "2.16, which Intercom accepts"
        },
        {
          "check": "clock",
          "ok": true,
          "mark": "ok",
          "detail": "less than a minute from Intercom's"
        },
        {
          "check": "admin",
          "ok": true,
          "mark": "ok",
          "detail": "Robin (teammate 1009) acts, with an inbox seat"
        },
        {
          "check": "teams",
          "ok": false,
          "mark": "wrong",
          "detail": "the workspace has no team \"Suport\""
        },
        {
          "check": "teammates",
          "ok": true,
          "mark": "ok",
          "detail": "\"alex@example.com\""
        },
        {
          "check": "tags",
          "ok": true,
          "mark": "ok",
          "detail": "\"autoclose-hold\", \"vip\""
        },
        {
          "check": "tags",
          "ok": true,
          "mark": "ok",
          "detail": "\"auto-closed\" is not there yet, and is created when a step first attaches it"
        },
        {
          "check": "attributes",
          "ok": true,
          "mark": "ok",
          "detail": "\"auto_closed_by\", \"topic\""
        },
        {
          "check": "permissions",
          "ok": true,
          "mark": "ok",
          "detail": "Read admins, Read tags, Read conversations; the first deed will show the others: Write conversations, Write tags"
        },
        {
          "check": "notifications",
          "ok": true,
          "mark": "ok",
          "detail": "none yet: there is no database before the first start"
        }
      ]
    }
    "#);
    assert_eq!((status, err.as_str()), (Some(2), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_held_against_the_workspace_and_the_admin_that_are_configured() {
    let place = Place::new("", RULES).await;
    for (keys, check) in [
        ("app_id = \"zz99zz99\"", "workspace"),
        ("app_id = \"ab12cd34\"", "workspace"),
        ("admin_id = 4711", "admin"),
        ("admin_id = \"1002\"", "admin"),
    ] {
        place.configure(keys, RULES);
        let told = place.finds_of(check);
        let wanted = match keys {
            "app_id = \"zz99zz99\"" => {
                "wrong  workspace      a.toml:3:1: the access token belongs to workspace ab12cd34, not to zz99zz99\n\
                 help: use that workspace's token, or another database\n[2]"
            }
            "app_id = \"ab12cd34\"" => "ok     workspace      ab12cd34, as configured\n[0]",
            "admin_id = 4711" => {
                "wrong  admin          a.toml:3:1: the workspace has no teammate 4711, who is to act\n\
                 help: set [intercom] admin_id to one that it has\n[2]"
            }
            _ => "ok     admin          Alex (teammate 1002) acts, with an inbox seat\n[0]",
        };
        assert_eq!(told, wanted, "{keys}");
    }
    place.intercom.change_workspace(|workspace| workspace.away.push("1002".to_owned()));
    insta::assert_snapshot!(place.finds_of("admin"), @r"
    doubt  admin          a.toml:3:1: Alex (teammate 1002), who is to act, is away
    help: turn their away mode off in Intercom: it may give what they answer to somebody else
    [0]
    ");
    place.intercom.change_workspace(|workspace| workspace.admins[1].has_inbox_seat = false);
    insta::assert_snapshot!(place.finds_of("admin"), @r"
    wrong  admin          a.toml:3:1: teammate 1002, who is to act, has no inbox seat
    help: give them one in Intercom, or set [intercom] admin_id to a teammate who has one
    [2]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_are_far_apart_are_wrong() {
    let now = Clock::System.now();
    let slow = ManualClock::at(now - days(1));
    let place = Place::at(slow.clone().into(), "", RULES).await;
    let told = place.finds_of("clock");
    assert!(told.starts_with("wrong  clock          this machine's clock is 1 day"), "{told}");
    assert!(told.contains(" ahead of Intercom's\nhelp: set it right"), "{told}");
    slow.set(now + days(2));
    assert!(place.finds_of("clock").contains(" behind Intercom's"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_configuration_or_a_missing_secret_asks_nobody() {
    let place = Place::new("", "[[rule]]\nname = \"a\"\nmatch_all = true\nafter_reopen = \"never\"\n").await;
    let refused = place.answers(&[]);
    assert_eq!((refused.status, refused.out.as_str()), (Some(2), ""));
    assert!(refused.err.starts_with("a.toml:6:1: "), "{}", refused.err);
    assert_eq!((&place.json()["ok"], &place.json()["online"]), (&Value::Bool(false), &Value::Array(vec![])));
    place.configure("", RULES);
    for variable in ["INTERCOM_ACCESS_TOKEN", "INTERCOM_CLIENT_SECRET"] {
        let told = Answer::of(place.program(&[]).env_remove(variable).output().unwrap());
        assert!(told.out.starts_with("a.toml is in order."), "the offline part still comes first: {}", told.out);
        assert!(told.err.starts_with(&format!("environment:1:1: {variable} is not set\nhelp: ")), "{}", told.err);
        assert_eq!(told.status, Some(2));
        let json = Answer::of(place.program(&["--json"]).env_remove(variable).output().unwrap());
        let json_told: Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!((json.status, &json_told["errors"][0]["file"]), (Some(2), &"environment".into()));
    }
    assert_eq!(place.asked(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_is_wider_than_a_terminal() {
    let place = Place::new("", RULES).await;
    place.intercom.contact_starts("Hello?");
    let told = place.answers(&[]).out;
    let (_, told) = told.split_once("by asking:").unwrap();
    assert_eq!(told.lines().find(|line| line.chars().count() > 100), None, "{told}");
}
