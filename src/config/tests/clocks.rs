//! What is said about rules that count by a calendar, or act in its hours.

use super::{good, told};

#[test]
fn rules_name_calendars_that_there_are() {
    let text = r#"
[[calendar]]
name = "office"
hours = { mon-fri = ["09:00-18:00"], sat = ["10:00-14:00"] }
[[rule]]
name = "quiet"
match.state = "open"
clock = "offce"
act_only = "night"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:7:9: there is no calendar named "offce"
      |
    7 | clock = "offce"
      |         ^^^^^^^
    help: did you mean "office"?

    a.toml:8:12: there is no calendar named "night"
      |
    8 | act_only = "night"
      |            ^^^^^^^
    help: the calendars are "office"
    "#);
}

#[test]
fn without_calendars_the_help_says_how_to_add_one() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
act_only = "office"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:12: there is no calendar named "office"
      |
    4 | act_only = "office"
      |            ^^^^^^^^
    help: add a [[calendar]] with that name and its hours = { mon-fri = ["09:00-18:00"] }
    "#);
}

#[test]
fn working_days_need_a_calendar() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "2 working days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:5:9: working days need a calendar
      |
    5 | after = "2 working days"
      |         ^^^^^^^^^^^^^^^^
    help: name a [[calendar]] above the first step, such as clock = "office", or count plain days: "2 days"
    "#);
}

#[test]
fn days_by_a_calendar_are_refused_with_both_equivalents() {
    let text = r#"
[[calendar]]
name = "office"
hours = { mon-fri = ["09:00-18:00"], sat = ["10:00-14:00"] }
[[rule]]
name = "quiet"
match.state = "open"
clock = "office"
[[rule.step]]
after = "5 days"
do = "reply"
body = "Hello?"
[[rule.step]]
after = "2 weeks"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:9:9: a day by a calendar could be a working day or 24 hours
      |
    9 | after = "5 days"
      |         ^^^^^^^^
    help: write "5 working days", or hours of opening time such as "45 hours"

    a.toml:13:9: a day by a calendar could be a working day or 24 hours
       |
    13 | after = "2 weeks"
       |         ^^^^^^^^^
    help: write "12 working days", or hours of opening time such as "108 hours"
    "#);
}

#[test]
fn working_days_and_hours_do_not_mix() {
    let text = r#"
[[calendar]]
name = "office"
hours = { mon-fri = ["09:00-18:00"], sat = ["10:00-14:00"] }
[[rule]]
name = "quiet"
match.state = "open"
clock = "office"
[[rule.step]]
after = "9 hours"
do = "reply"
body = "Hello?"
[[rule.step]]
after = "2 working days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:13:9: this rule counts in working days and in hours
       |
    13 | after = "2 working days"
       |         ^^^^^^^^^^^^^^^^
    help: count all steps of a rule in working days, or all of them in hours
    "#);
}

#[test]
fn working_days_are_strictly_later_too() {
    let text = r#"
[[calendar]]
name = "office"
hours = { mon-fri = ["09:00-18:00"], sat = ["10:00-14:00"] }
[[rule]]
name = "quiet"
match.state = "open"
clock = "office"
[[rule.step]]
after = "2 working days"
do = "reply"
body = "Hello?"
[[rule.step]]
after = "2 working days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:13:9: this step is not later than the one before
       |
    13 | after = "2 working days"
       |         ^^^^^^^^^^^^^^^^
    help: `after` counts from the same moment in every step: write more than "2 working days"
    "#);
}

#[test]
fn nothing_is_further_away_than_a_calendar_is_looked_ahead() {
    let text = r#"
[[calendar]]
name = "office"
hours = { mon-fri = ["09:00-18:00"], sat = ["10:00-14:00"] }
[[rule]]
name = "quiet"
match.state = "open"
clock = "office"
[[rule.step]]
after = "30000 hours"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:9:9: this takes more than nine years of the calendar's hours
      |
    9 | after = "30000 hours"
      |         ^^^^^^^^^^^^^
    help: write less: a calendar is not looked ahead any further
    "#);
}

#[test]
fn every_opening_sees_two_sweeps() {
    let text = r#"
[schedule]
sweep = "0 */10 * * * *"
[[calendar]]
name = "office"
hours = { mon-fri = "09:00-18:00", sat = "09:00-09:15" }
[[rule]]
name = "quiet"
match.state = "open"
act_only = "office"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:9:12: "office" opens for as little as 15 minutes: sweeps could miss it
      |
    9 | act_only = "office"
      |            ^^^^^^^^
    help: up to 10 minutes pass between two sweeps: sweep more often, or open for 20 minutes at least
    "#);
}

#[test]
fn a_calendar_s_name_stands_above_the_steps() {
    let text = r#"
[[calendar]]
name = "office"
hours = { mon-fri = ["09:00-18:00"], sat = ["10:00-14:00"] }
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
clock = "office"
act_only = "office"
leave = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:11:1: `clock` belongs to the rule
       |
    11 | clock = "office"
       | ^^^^^
    help: move it above the first [[rule.step]]

    a.toml:12:1: `act_only` belongs to the rule
       |
    12 | act_only = "office"
       | ^^^^^^^^
    help: move it above the first [[rule.step]]

    a.toml:13:1: `leave` belongs to the rule
       |
    13 | leave = true
       | ^^^^^
    help: move it above the first [[rule.step]]
    "#);
}

#[test]
fn a_rule_counts_and_acts_by_the_calendars_it_names() {
    let text = r#"
[[rule]]
name = "by the clock"
match.state = "open"
clock = "office"
act_only = "day"
step = [
    { after = "1 working day", do = "reply", body = "Hello?" },
    { after = "3 working days", do = "close", silent = true },
]
[[calendar]]
name = "office"
hours = { mon-fri = "09:00-18:00" }
[[calendar]]
name = "day"
hours = { mon-sun = "08:00-20:00" }
"#;
    let config = good(text);
    let rule = &config.rules.rules[0];
    assert_eq!(rule.clock.as_ref(), Some(&config.calendars[0]));
    assert_eq!(rule.act_only.as_ref(), Some(&config.calendars[1]));
    let told: Vec<_> = rule.steps.iter().map(|step| crate::engine::why::distance(step.after)).collect();
    assert_eq!(told, ["1 working day", "3 working days"]);
}
