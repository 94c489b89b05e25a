//! What is said about texts that name another time than their timer.

use proptest::prelude::*;

use super::{parse, told};

/// Reminders after three and five days, a close after seven.
fn rule(first: &str, second: &str, last: &str) -> String {
    let step = |after: &str, act: &str, body: &str| {
        let body = body.replace('\\', "\\\\").replace('"', "\\\"");
        format!("[[rule.step]]\nafter = \"{after}\"\ndo = \"{act}\"\nbody = \"{body}\"\n")
    };
    let steps = [step("3 days", "reply", first), step("5 days", "reply", second), step("7 days", "close", last)];
    format!("[[rule]]\nname = \"quiet\"\nmatch.state = \"open\"\n{}", steps.concat())
}

/// What is underlined in the text of the second reminder.
fn doubted(text: &str) -> Vec<String> {
    let file = rule("Did that solve it?", text, "Closing this for now.");
    let loaded = parse("a.toml", file.as_bytes()).unwrap_or_else(|found| panic!("{found}"));
    loaded.warnings.warnings.iter().map(|found| file[found.span.clone()].to_owned()).collect()
}

#[test]
fn a_text_with_another_time_than_its_timer_is_doubted() {
    let first = "We have heard nothing for two weeks. If you do not reply within 24 hours, we close this.";
    let text = rule(first, "We will close this in 3 days.", "After 5 days without a reply we close this.");
    insta::assert_snapshot!(told(&text), @r#"
    a.toml:7:35: warning: this text says "two weeks", but its timer says otherwise
      |
    7 | body = "We have heard nothing for two weeks. If you do not reply within 24 hours, we close this."
      |                                   ^^^^^^^^^
    help: this message comes after 3 days of silence: write 3 days, or {{ quiet_for }}

    a.toml:7:73: warning: this text says "24 hours", but its timer says otherwise
      |
    7 | body = "We have heard nothing for two weeks. If you do not reply within 24 hours, we close this."
      |                                                                         ^^^^^^^^
    help: the close comes 4 days after this message: write 4 days, or {{ closes_at | date }}

    a.toml:11:31: warning: this text says "3 days", but its timer says otherwise
       |
    11 | body = "We will close this in 3 days."
       |                               ^^^^^^
    help: the close comes 2 days after this message: write 2 days, or {{ closes_at | date }}

    a.toml:15:15: warning: this text says "5 days", but its timer says otherwise
       |
    15 | body = "After 5 days without a reply we close this."
       |               ^^^^^^
    help: the close comes after 7 days of silence: write 7 days, or {{ quiet_for }}
    "#);
}

#[test]
fn short_units_and_other_words_for_a_close_are_read_too() {
    for (text, length) in [
        ("We will close this in 24h.", "24h"),
        ("We will close this in 24 hrs.", "24 hrs"),
        ("It has been a day since we heard from you.", "a day"),
        ("Reply within 3 days to keep this conversation open.", "3 days"),
        ("We will close this tomorrow.", "tomorrow"),
    ] {
        assert_eq!(doubted(text), [length], "{text}");
    }
    for fine in [
        "We will close this in 48h.",
        "We will close this in 48 hrs.",
        "Reply within 2 days to keep this conversation open.",
        "You can reopen it any time within 30 days after it is closed.",
        "Your account was closed 30 days ago. Did our answer help?",
        "Your old ticket was closed a week ago.",
        "Our 3d printer is back. Did that solve it?",
        "We are open again tomorrow.",
    ] {
        assert_eq!(doubted(fine), [""; 0], "{fine}");
    }
}

#[test]
fn a_rule_that_never_closes_promises_no_close() {
    let text = rule("Hello?", "We close this in two days.", "x");
    let (text, _) = text.rsplit_once("[[rule.step]]").unwrap();
    insta::assert_snapshot!(told(text), @r#"
    a.toml:11:26: warning: this text says "two days", but its timer says otherwise
       |
    11 | body = "We close this in two days."
       |                          ^^^^^^^^
    help: this rule never closes: add a close to it, or do not promise one
    "#);
}

#[test]
fn a_time_is_found_in_its_place_over_several_lines() {
    let text = rule("Hello?", "x", "y").replace(
        "body = \"x\"",
        "body = \"\"\"\n<p>Hi {{ contact.first_name | default('there') }},</p>\n<p>it\u{2019}s \\\"quiet\\\" here: we close this\nin <b>three</b>\nworking days.</p>\"\"\"",
    );
    insta::assert_snapshot!(told(&text), @r#"
    a.toml:14:7: warning: this text says "three working days", but its timer says otherwise
       |
    14 | in <b>three</b>
       |       ^^^^^^^^^
    help: the close comes 2 days after this message: write 2 days, or {{ closes_at | date }}
    "#);
}

#[test]
fn a_text_may_name_what_its_timer_says() {
    for text in [
        "We close this in 2 days.",
        "We close this in two days, and it opens again when you write.",
        "If we do not hear from you within 48 hours, this is closed.",
        "You have two more days, then we close this.",
        "We have not heard from you for 5 days.",
        "It is 5 days since we heard from you: two days more, and we close this.",
        "We close what was quiet for 7 days.",
        "Conversations without a reply are closed after a week.",
        "We wrote 2 days ago and have not heard back.",
        "We'll close this on {{ closes_at | date }}.",
        "It was quiet for {{ quiet_for }}; closing soon.",
        "Closing this conversation in a 2-day period.",
    ] {
        assert_eq!(doubted(text), [""; 0], "{text}");
    }
}

#[test]
fn what_speaks_of_something_else_is_not_doubted() {
    for text in [
        "Refunds take 14 days.",
        "We answer within 24 hours. Closing this is up to you.",
        "We usually reply within 24 hours, and we close nothing.",
        "We will close this; you can reopen it within 30 days.",
        "We will close this soon, and for 30 days it opens again with a reply.",
        "Our office is closed for 3 days over the holidays.",
        "We are here 24 hours a day, and close nothing.",
        "We close this in 3-5 days.",
        "We close this in 3 to 5 days.",
        "We close this in about a week.",
        "It has been quiet for more than 4 days.",
        "We close a few times a week.",
        "It was quiet for some days.",
        "Version 1.5 days: closing.",
        "Closing soon {# in 3 days #} {{ teammate.name | default('in 9 days') }}.",
        "The deal closes on 3 May. Day 4 is a holiday.",
    ] {
        assert_eq!(doubted(text), [""; 0], "{text}");
    }
}

#[test]
fn what_is_not_the_timer_s_is_underlined() {
    for (text, underlined) in [
        ("We close this in 3 days.", "3 days"),
        ("We close this in <b>3</b>&nbsp;days.", "3</b>&nbsp;days"),
        ("We close this in 7 days.", "7 days"),
        ("We close this within the next 7 days without a reply.", "7 days"),
        ("We'll CLOSE this in Three Days, é.", "Three Days"),
        ("This is closed in one week.", "one week"),
        ("This is closed in a week.", "a week"),
        ("This is closed in another week.", "another week"),
        ("This conversation closes in 2 working days.", "2 working days"),
        ("This conversation closes in two business days.", "two business days"),
        ("There was no reply for 4 days", "4 days"),
        ("We haven\u{2019}t had a reply in 4 days", "4 days"),
        ("Unless you reply within 3 days, it ends.", "3 days"),
        ("It was inactive for fourteen days.", "fourteen days"),
        ("We close this in 3 days, but you can reopen it any time.", "3 days"),
        ("It ends on {{ closes_at | date }}, in 4 days.", "4 days"),
        ("A 10-day silence.", "10-day"),
        ("It closes in 3 more days.", "3 more days"),
        ("You have 30 hours left until we close this.", "30 hours"),
        ("We wrote 4 days ago and have not heard back.", "4 days"),
    ] {
        assert_eq!(doubted(text), [underlined], "{text}");
    }
}

#[test]
fn the_help_looks_ahead_or_back_as_the_text_does() {
    for (text, help) in [
        ("Unless you reply within 3 days, it ends.", "the close comes 2 days after"),
        ("We close this in 3 days.", "the close comes 2 days after"),
        ("There was no reply in 4 days.", "this message comes after 5 days"),
        ("It was quiet for 4 days, so we will close this.", "this message comes after 5 days"),
    ] {
        let found = told(&rule("Hello?", text, "Bye."));
        assert!(found.contains(&format!("help: {help}")), "{text}: {found}");
    }
}

#[test]
fn by_a_calendar_days_are_working_days() {
    let doubted = |clock: &str, steps: (&str, &str), text: &str| {
        let calendar = "[[calendar]]\nname = \"office\"\nhours = { mon-fri = \"09:00-18:00\" }\n";
        let file = format!(
            "{calendar}[[rule]]\nname = \"a\"\nmatch.state = \"open\"\n{clock}\n\
            step = [{{ after = \"{}\", do = \"reply\", body = \"{text}\" }}, {{ after = \"{}\", do = \"close\", silent = true }}]",
            steps.0, steps.1
        );
        let loaded = parse("a.toml", file.as_bytes()).unwrap_or_else(|found| panic!("{found}"));
        loaded.warnings.warnings.iter().map(|found| found.help.clone()).collect::<Vec<_>>().join("\n")
    };
    let days = ("2 working days", "7 working days");
    let clock = "clock = \"office\"";
    for text in ["in 5 working days", "in five days", "in a week", "within 5 business days"] {
        assert_eq!(doubted(clock, days, &format!("We close this {text}.")), "", "{text}");
    }
    for text in ["in 7 working days", "in 4 days", "in 24 hours"] {
        let help = "the close comes 5 working days after this message: write 5 working days, or {{ closes_at | date }}";
        assert_eq!(doubted(clock, days, &format!("We close this {text}.")), help, "{text}");
    }
    let hours = ("9 hours", "27 hours");
    assert_eq!(doubted(clock, hours, "We close this in 2 days."), "", "nobody can say");
    assert_eq!(doubted(clock, hours, "We close this in 18 hours."), "");
    let help = "the close comes 18 hours after this message: write 18 hours, or {{ closes_at | date }}";
    assert_eq!(doubted(clock, hours, "We close this in 20 hours."), help);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_makes_the_reader_panic(
        text in "(clos|in|3|-|days|a week|more|<b>|<|é|\u{2019}|\\.| |&nbsp;|\n|\\{\\{ rule \\}\\}|\\{#|quiet|ago){1,14}"
    ) {
        let file = rule("x", "y", "z").replace("body = \"y\"", &format!("body = \"\"\"x{text}\"\"\""));
        let _ = parse("a.toml", file.as_bytes()).map_err(|found| found.to_string());
    }
}
