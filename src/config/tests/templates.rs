//! What is said about the texts that contacts would read.

use super::told;

#[test]
fn a_promise_to_close_needs_a_close() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "reply"
body = "We close on {{ closes_at | date }}."
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:7:24: `closes_at` in a rule that never closes
      |
    7 | body = "We close on {{ closes_at | date }}."
      |                        ^^^^^^^^^
    help: add a close to the rule, or do not promise one
    "#);
}

#[test]
fn unknown_template_variables_are_pointed_at() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "reply"
body = """
Hi,
{{ contact.email }}"""
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:9:4: unknown template variable `contact.email`
      |
    9 | {{ contact.email }}"""
      |    ^^^^^^^^^^^^^
    help: the variables are rule, closes_at, quiet_for, contact.first_name, contact.name, conversation.id, conversation.title, teammate.name
    "#);
}

#[test]
fn unknown_filters_are_pointed_at() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "reply"
body = "From {{ rule | upper }}"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:7:24: filter upper is unknown here
      |
    7 | body = "From {{ rule | upper }}"
      |                        ^^^^^
    help: the filters are default('…') and date; there are no tests and no functions
    "#);
}

#[test]
fn template_syntax_is_checked() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "reply"
body = "Hi {{ contact.name"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:7:23: this template cannot be read: unexpected end of input, expected end of variable block
      |
    7 | body = "Hi {{ contact.name"
      |                       ^^^^
    help: write values as {{ contact.first_name | default('there') }}, everything else as plain text
    "#);
}

#[test]
fn values_that_can_be_missing_need_a_default() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "reply"
body = "Hi {{ contact.first_name }}"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:7:15: `contact.first_name` is not always known
      |
    7 | body = "Hi {{ contact.first_name }}"
      |               ^^^^^^^^^^^^^^^^^^
    help: write {{ contact.first_name | default('there') }}, with the word to use instead
    "#);
}

#[test]
fn short_waits_are_doubted() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "2 minutes"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:5:9: warning: this step follows in less than five minutes
      |
    5 | after = "2 minutes"
      |         ^^^^^^^^^^^
    help: fine for a trial; in daily use people need longer to answer
    "#);
}

#[test]
fn a_place_is_found_behind_escapes_and_line_ends() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "5 days"
do = "reply"
body = "closes_at caf\u00e9 \"{{ closes_at }}\""
[[rule.step]]
after = "7 days"
do = "reply"
body = """
Did \"it\" \
    work,
é {{ teammate.name | default(contact.name) }}?
"""
"#;
    let windows = text.replace('\n', "\r\n");
    assert_eq!(told(&windows), told(text));
    insta::assert_snapshot!(told(&windows), @r#"
    a.toml:7:34: `closes_at` in a rule that never closes
      |
    7 | body = "closes_at caf\u00e9 \"{{ closes_at }}\""
      |                                  ^^^^^^^^^
    help: add a close to the rule, or do not promise one

    a.toml:14:30: `contact.name` is not always known
       |
    14 | é {{ teammate.name | default(contact.name) }}?
       |                              ^^^^^^^^^^^^
    help: write {{ contact.name | default('there') }}, with the word to use instead
    "#);
}

#[test]
fn a_text_that_can_come_out_empty_is_refused() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "reply"
body = "{{ contact.name | default('') }}"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:7:8: this template can come out empty
      |
    7 | body = "{{ contact.name | default('') }}"
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    help: add words that are always there
    "#);
}

#[test]
fn what_does_not_work_is_pointed_at() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "reply"
body = "On {{ rule | date }}, {{ rule() }}"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:7:22: this template does not work: `date` takes `closes_at`
      |
    7 | body = "On {{ rule | date }}, {{ rule() }}"
      |                      ^^^^
    help: write values as {{ contact.first_name | default('there') }}, everything else as plain text
    "#);
}
