//! What is said about steps.

use super::told;

#[test]
fn a_rule_closes_once() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
[[rule.step]]
after = "8 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:8:1: this rule closes twice
      |
    8 | [[rule.step]]
      | ^^^^^^^^^^^^^
    help: keep one close, as the last step
    "#);
}

#[test]
fn nothing_follows_a_close() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
[[rule.step]]
after = "8 days"
do = "reply"
body = "Still there?"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:8:1: this step comes after the close and would never be done
      |
    8 | [[rule.step]]
      | ^^^^^^^^^^^^^
    help: move the close to the end of the rule
    "#);
}

#[test]
fn steps_are_strictly_later() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "reply"
body = "Still there?"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:9:9: this step is not later than the one before
      |
    9 | after = "7 days"
      |         ^^^^^^^^
    help: `after` counts from the same moment in every step: write more than "7 days"
    "#);
}

#[test]
fn a_step_says_when_and_what() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:1: this step has no `after`
      |
    4 | [[rule.step]]
      | ^^^^^^^^^^^^^
    help: add after = "7 days"

    a.toml:4:1: this step has no `do`
      |
    4 | [[rule.step]]
      | ^^^^^^^^^^^^^
    help: add do = "close"
    "#);
}

#[test]
fn a_close_speaks_or_says_that_it_does_not() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "close"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:1: this close has no body and does not say that it is silent
      |
    4 | [[rule.step]]
      | ^^^^^^^^^^^^^
    help: add a body to close with a last word, or silent = true to close without
    "#);
}

#[test]
fn a_silent_close_has_no_body() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
body = "Bye."
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:7:10: this close has a body and is silent too
      |
    7 | silent = true
      |          ^^^^
    help: leave out silent to send the body, or leave out the body
    "#);
}

#[test]
fn a_reply_needs_a_body() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "reply"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:1: this reply has no body
      |
    4 | [[rule.step]]
      | ^^^^^^^^^^^^^
    help: add body = "Did that solve it?", in your own words
    "#);
}

#[test]
fn a_reply_is_not_silent() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "reply"
body = "Hello?"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:8:1: only a close can be silent
      |
    8 | silent = true
      | ^^^^^^
    help: leave out silent, or write do = "close"
    "#);
}

#[test]
fn a_body_is_not_empty() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "close"
body = "  "
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:7:8: this text is empty
      |
    7 | body = "  "
      |        ^^^^
    help: write what the contact should read; a close without words says silent = true instead
    "#);
}

#[test]
fn silent_false_needs_a_body() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "close"
silent = false
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:7:10: this close has no body and does not say that it is silent
      |
    7 | silent = false
      |          ^^^^^
    help: add a body to close with a last word, or silent = true to close without
    "#);
}

#[test]
fn a_step_does_what_there_is() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "2 working days"
do = "clsoe"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:5:9: working days need a calendar
      |
    5 | after = "2 working days"
      |         ^^^^^^^^^^^^^^^^
    help: name a [[calendar]] above the first step, such as clock = "office", or count plain days: "2 days"

    a.toml:6:6: unknown value "clsoe"
      |
    6 | do = "clsoe"
      |      ^^^^^^^
    help: did you mean "close"? the values are "reply", "note", "close", "snooze", "open", "assign", "tag", "untag", "update"
    "#);
}

#[test]
fn a_rule_s_key_below_a_step_is_told_to_move_up() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
counts_from = "note"
match.tags = "vip"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:8:1: `counts_from` belongs to the rule
      |
    8 | counts_from = "note"
      | ^^^^^^^^^^^
    help: move it above the first [[rule.step]]

    a.toml:9:1: `match` belongs to the rule
      |
    9 | match.tags = "vip"
      | ^^^^^
    help: move it above the first [[rule.step]]
    "#);
}

#[test]
fn steps_are_tables() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
step = "close"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:8: `step` must be a list of tables, not text
      |
    4 | step = "close"
      |        ^^^^^^^
    help: begin each with a line [[rule.step]], in double brackets
    "#);
}

#[test]
fn a_rule_is_in_double_brackets() {
    let text = r#"
[rule]
name = "quiet"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:1:1: `rule` must be a list of tables, not a table
      |
    1 | [rule]
      | ^^^^^^
    help: begin each with a line [[rule]], in double brackets
    "#);
}

#[test]
fn channels_are_not_empty() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "close"
body = "Bye."
channels = []
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:8:12: the list of `channels` is empty
      |
    8 | channels = []
      |            ^^
    help: name at least one, or leave the key out
    "#);
}
