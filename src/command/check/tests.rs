//! What `check` tells.

mod unusual;

use super::*;

/// Noon on Tuesday 2026-12-22.
const NOW: Timestamp = Timestamp::constant(1_797_940_800, 0);

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
    let loaded = look(&path, NOW, &secrets);
    let status = if json { tell_json(&loaded, &mut out) } else { tell(&path, &loaded, NOW, &mut out, &mut err, false) };
    let status = status.unwrap();
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
    Health: http://127.0.0.1:8081
    Database: autoclosed.db
    Never touched while tagged: autoclose-hold

    Rules, of which the first that fits owns a conversation:

    snoozed-a-week: snoozed or woken conversations waiting for the contact, not tagged vip, legal or press
      counting from the latest contact_reply, teammate_reply, snoozed, unsnoozed or opened
      after 5 days: send a message
        | Did that solve it?
      after 7 days: close with a last word
        | Reply any time and it opens again.

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
    let loaded = look(missing, NOW, &secrets);
    let status = tell(missing, &loaded, NOW, &mut out, &mut err, false).unwrap();
    assert_eq!(status, 2);
    insta::assert_snapshot!(String::from_utf8(err).unwrap(), @r#"
    none/here.toml:1:1: there is no such file
    help: name another file with --config, or in AUTOCLOSED_CONFIG
    "#);
}

const CALENDARS: &str = r#"
timezone = "Europe/Dublin"

[[calendar]]
name = "office"
hours = { mon-thu = ["09:00-12:00", "13:00-18:00"], fri = "09:00-15:00" }
holidays = [2026-01-01, 2026-12-22, 2026-12-25, "2027-01-01"]

[[calendar]]
name = "night"
hours = { mon-sun = "22:00-06:00" }
timezone = "Asia/Tokyo"

[[rule]]
name = "vip"
match.tags = "vip"
leave = true

[[rule]]
name = "bot-left-alone"
match.state = "open"
match.last_speaker = ["bot", "contact"]
match.waiting_on = "anyone"
match.unassigned = true
match.not_ai_resolution = ["escalated", "routed_to_team"]
clock = "office"
act_only = "office"
step = [
    { after = "1 working day", do = "reply", body = "Hello?" },
    { after = "10 working days", do = "close", silent = true },
]

[[rule]]
name = "old"
match.state = "snoozed"
match.snooze_at_most = "14 days"
match.contact_replied = false
match.all_tags = ["a", "b"]
match.priority = ["low", "none"]
match.channel = "email"
match.delivered_as = "admin_initiated"
match.ai_resolution = "abandoned"
match.rated = false
match.created_after = 2026-07-01
match.created_before = "2026-12-01T09:00:00Z"
clock = "office"
act_only = "night"
step = [{ after = "36 hours", do = "close", silent = true }]
"#;

#[test]
fn calendars_and_conditions_are_told_in_plain_words() {
    let (status, out, err) = checked(CALENDARS, true, false);
    assert_eq!((status, err.as_str()), (0, ""));
    let (_, out) = out.split_once("autoclose-hold\n").unwrap();
    insta::assert_snapshot!(out, @"
    Calendars:

    office: mon-thu 09:00-12:00 and 13:00-18:00, fri 09:00-15:00 (Europe/Dublin)
      next holidays: Tue 2026-12-22, Fri 2026-12-25, Fri 2027-01-01

    night: mon-sun 22:00-06:00 (Asia/Tokyo)
      no holidays

    Rules, of which the first that fits owns a conversation:

    vip: all conversations, tagged vip
      left alone, whatever the rules below say

    bot-left-alone: open conversations no matter whose turn it is, last word by a bot or the contact, assigned to nobody, without the AI resolution escalated or routed_to_team
      counting from the latest contact_reply, teammate_reply, snoozed, unsnoozed, opened or bot_reply
      counting the hours of office only, and acting in them only
      after 1 working day:   send a message
        | Hello?
      after 10 working days: close silently

    old: snoozed conversations waiting for the contact, in which the contact never wrote, not snoozed for more than 14 days, not rated, of priority low or none, with the AI resolution abandoned, tagged a and b, by email, begun as admin_initiated, begun on or after 2026-07-01 00:00 IST, begun before 2026-12-01 09:00 GMT
      counting from the latest contact_reply, teammate_reply, snoozed, unsnoozed or opened
      counting the hours of office only
      acting in the hours of night only
      after 36 hours: close silently
    ");
}

const DEEDS: &str = r#"
[[rule]]
name = "everything"
match.team = ["Support", "2nd level"]
match.not_team = "Sales"
match.assignee = "a@example.com"
match.not_assignee = ["5784329", "b@example.com"]
match.unassigned = false
match.attribute.paid = true
match.attribute."Plan type" = ["gold", "5", 5, 2.5]
step = [
    { after = "1 day", do = "note", body = "Quiet." },
    { after = "2 days", do = "snooze", for = "3 days" },
    { after = "5 days", do = "open" },
    { after = "6 days", do = "assign", team = "Support" },
    { after = "7 days", do = "assign", team = "Support", teammate = "a@example.com" },
    { after = "8 days", do = "assign", to = "nobody" },
    { after = "9 days", do = "tag", tags = ["a", "b", "c"] },
    { after = "10 days", do = "untag", tags = "a" },
    { after = "11 days", do = "update", read = true },
    { after = "12 days", do = "update", set = { plan = "gold", count = 5 }, read = false },
    { after = "13 days", do = "close", silent = true, tags = "auto-closed", set.auto_closed_by = "{{ rule }}" },
]

[[rule]]
name = "rest"
match.unassigned = true
step = [{ after = "1 day", do = "close", body = "Bye.", tags = ["auto-closed", "quiet"] }]
"#;

#[test]
fn every_deed_is_told_in_plain_words() {
    let (status, out, err) = checked(DEEDS, true, false);
    assert_eq!((status, err.as_str()), (0, ""));
    let (_, out) = out.split_once("owns a conversation:\n").unwrap();
    insta::assert_snapshot!(out, @r#"

    everything: all conversations waiting for the contact, assigned to somebody, assigned to team Support or 2nd level, not assigned to team Sales, assigned to teammate a@example.com, not assigned to teammate 5784329 or b@example.com, whose attribute Plan type is "gold", "5", 5 or 2.5, whose attribute paid is true
      counting from the latest contact_reply, teammate_reply, snoozed, unsnoozed or opened
      after 1 day:   leave a note
        | Quiet.
      after 2 days:  snooze for 3 days
      after 5 days:  open
      after 6 days:  assign to team Support
      after 7 days:  assign to team Support and teammate a@example.com
      after 8 days:  assign to nobody
      after 9 days:  tag a, b and c
      after 10 days: untag a
      after 11 days: mark as read
      after 12 days: set count to 5 and plan to "gold" and mark as unread
      after 13 days: close silently, then tag auto-closed and set auto_closed_by to "{{ rule }}"

    rest: all conversations waiting for the contact, assigned to nobody
      counting from the latest contact_reply, teammate_reply, snoozed, unsnoozed or opened
      after 1 day: close with a last word, then tag auto-closed and quiet
        | Bye.
    "#);
}

#[test]
fn a_calendar_that_stays_shut_for_long_is_doubted() {
    let days = (22..=31).map(|day| format!("2026-12-{day}")).chain((1..=31).map(|day| format!("2027-01-{day:02}")));
    let days: Vec<_> = days.map(|day| format!("    {day},\n")).collect();
    let text = CALENDARS.replace("2026-01-01, 2026-12-22, 2026-12-25, \"2027-01-01\"", &format!("\n{}", days.concat()));
    let (status, _, err) = checked(&text, true, false);
    assert_eq!(status, 0);
    insta::assert_snapshot!(err, @r#"
    a.toml:7:1: warning: calendar "office" does not open before Mon 2027-02-01
      |
    7 | holidays = [
      | ^^^^^^^^
    help: look through its holidays: nothing counts by it until then
    "#);
}

#[test]
fn a_calendar_without_a_list_of_holidays_is_pointed_at_by_its_name() {
    let text = CALENDARS.replace("holidays = [2026-01-01, 2026-12-22, 2026-12-25, \"2027-01-01\"]", "");
    let at = |now: &str| {
        let mut loaded = config::parse("a.toml", text.as_bytes()).unwrap();
        loaded.doubt_at(now.parse().unwrap());
        loaded.warnings.to_string()
    };
    assert_eq!(at("2026-12-22T12:00:00Z"), "");
    insta::assert_snapshot!(at("9999-12-30T21:59:00Z"), @r#"
    a.toml:5:1: warning: calendar "office" does not open in the next ten years
      |
    5 | name = "office"
      | ^^^^
    help: look through its holidays: nothing counts by it until then

    a.toml:10:1: warning: calendar "night" does not open in the next ten years
       |
    10 | name = "night"
       | ^^^^
    help: look through its holidays: nothing counts by it until then
    "#);
}

const TEXTS: &str = r#"
timezone = "Pacific/Kiritimati"

[[calendar]]
name = "office"
hours = { mon-fri = "09:00-18:00" }
timezone = "Europe/Dublin"
holidays = [2026-12-22, 2026-12-25, 2026-12-28]

[[rule]]
name = "answered"
match.state = "open"
clock = "office"
act_only = "office"

[[rule.step]]
after = "2 working days"
do = "reply"
body = """
Hi {{ contact.first_name | default('there') }}, did "{{ conversation.title | default('that') }}" solve it?

We will close this on {{ closes_at | date }}. \u001b[31m {{ teammate.name | default(rule) }}"""

[[rule.step]]
after = "3 working days"
do = "reply"
body = "A text of very many words that go on and on, {{ contact.name | default('you') }}, until they have passed the end of the line: http://example.com/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

[[rule.step]]
after = "5 working days"
do = "close"
body = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n{{ quiet_for }}, {{ closes_at }}\n"

[[rule]]
name = "in office hours"
match.state = "snoozed"
act_only = "office"
step = [
    { after = "5 days", do = "reply", body = "Quiet for {{ quiet_for }}, closing on {{ closes_at }}" },
    { after = "7 days", do = "close", body = "Closed on {{ closes_at | date }} after {{ quiet_for }}" },
]
"#;

#[test]
fn every_text_is_told_as_it_reads_with_and_without_names() {
    let (status, out, err) = checked(TEXTS, true, false);
    assert_eq!((status, err.as_str()), (0, ""));
    let (_, out) = out.split_once("acting in them only\n").unwrap();
    insta::assert_snapshot!(out, @r#"
      after 2 working days: send a message
        | Hi Alex, did "A question" solve it?
        |
        | We will close this on Wednesday 30 December 2026. �[31m Sam
        where names and title are not known:
        | Hi there, did "that" solve it?
        |
        | We will close this on Wednesday 30 December 2026. �[31m answered
      after 3 working days: send a message
        | A text of very many words that go on and on, Alex Example, until they have passed the end of
        > the line:
        > http://example.com/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        > aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        where names and title are not known:
        | A text of very many words that go on and on, you, until they have passed the end of the line:
        > http://example.com/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        > aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      after 5 working days: close with a last word
        | 1
        | 2
        | 3
        | 4
        | 5
        | 6
        | 7
        | 8
        | 9
        | 10
        and 2 more lines

    in office hours: snoozed conversations waiting for the contact
      counting from the latest contact_reply, teammate_reply, snoozed, unsnoozed or opened
      acting in the hours of office only
      after 5 days: send a message
        | Quiet for 5 days, closing on Tuesday 29 December 2026
      after 7 days: close with a last word
        | Closed on Wednesday 23 December 2026 after 7 days
    "#);
}

#[test]
fn shown_lines_are_never_longer_than_they_may_be() {
    let words = ["é".repeat(200), "a ".repeat(100), format!("{} {}", "b".repeat(93), "c".repeat(95)), " ".repeat(120)];
    for word in words {
        let rule = RULES
            .replace("Did that solve it?", &format!("x{word}"))
            .replace("step = {", "step = [{")
            .replace("true }", "true }]");
        let (status, out, err) = checked(&rule, true, false);
        assert_eq!(status, 0, "{err}");
        let text = out.lines().filter(|line| line.starts_with("    | ") || line.starts_with("    > "));
        assert!(text.clone().all(|line| line.chars().count() <= 100), "{out}");
        let told: String = text.map(|line| line[6..].trim()).collect();
        assert_eq!(
            told.matches(['é', 'b', 'c', 'a']).count(),
            format!("{word}Reply any time and it opens again.").matches(['é', 'b', 'c', 'a']).count()
        );
    }
}
