//! What is said about rules and their conditions.

use super::told;

#[test]
fn a_rule_has_a_name_and_steps() {
    let text = r#"
[[rule]]
match.state = "open"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:1:1: this rule has no name
      |
    1 | [[rule]]
      | ^^^^^^^^
    help: write name = "snoozed-a-week": the journal and the commands call the rule by it

    a.toml:1:1: this rule has no steps, so it would do nothing
      |
    1 | [[rule]]
      | ^^^^^^^^
    help: end the rule with a [[rule.step]], such as after = "7 days" and do = "close"
    "#);
}

#[test]
fn names_of_rules_are_unique() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "close"
silent = true

[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:10:8: another rule above is named "quiet" too
       |
    10 | name = "quiet"
       |        ^^^^^^^
    help: give each rule a name of its own: its history is kept under it
    "#);
}

#[test]
fn a_name_is_not_blank() {
    let text = r#"
[[rule]]
name = " "
match.state = "open"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:8: the name of this rule is empty
      |
    2 | name = " "
      |        ^^^
    help: write for example name = "snoozed-a-week"
    "#);
}

#[test]
fn a_rule_for_everything_says_so() {
    let text = r#"
[[rule]]
name = "all"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:1:1: this rule fits every conversation
      |
    1 | [[rule]]
      | ^^^^^^^^
    help: say which conversations, such as match.state = ["snoozed"], or write match_all = true
    "#);
}

#[test]
fn match_all_false_is_no_condition() {
    let text = r#"
[[rule]]
name = "all"
match_all = false
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:1:1: this rule fits every conversation
      |
    1 | [[rule]]
      | ^^^^^^^^
    help: say which conversations, such as match.state = ["snoozed"], or write match_all = true
    "#);
}

#[test]
fn match_all_goes_alone() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
match_all = true
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:13: `match_all` goes with no other condition
      |
    4 | match_all = true
      |             ^^^^
    help: leave out match_all, or match.state and the other conditions
    "#);
}

#[test]
fn closed_conversations_are_left_alone() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = ["open", "closed"]
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:3:24: a closed conversation is left alone by every rule
      |
    3 | match.state = ["open", "closed"]
      |                        ^^^^^^^^
    help: match "open", "snoozed" or "woken"
    "#);
}

#[test]
fn match_values_are_told_all_there_are() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
match.waiting_on = "customer"
match.tag = "vip"
match.contact_replied = "yes"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:20: unknown value "customer"
      |
    4 | match.waiting_on = "customer"
      |                    ^^^^^^^^^^
    help: write one of "contact", "teammate", "anyone"

    a.toml:5:7: unknown key `tag` in [rule.match]
      |
    5 | match.tag = "vip"
      |       ^^^
    help: did you mean `tags`?

    a.toml:6:25: `contact_replied` must be true, false or "any"
      |
    6 | match.contact_replied = "yes"
      |                         ^^^^^
    help: true, the default, leaves alone who never wrote
    "#);
}

#[test]
fn conditions_stand_under_match() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
tags = "vip"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:1: `tags` is a condition and stands under `match`
      |
    4 | tags = "vip"
      | ^^^^
    help: write match.tags = …
    "#);
}

#[test]
fn lists_name_at_least_one() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
match.tags = []
match.not_tags = ["vip", ""]
counts_from = []
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:14: the list of `tags` is empty
      |
    4 | match.tags = []
      |              ^^
    help: name at least one, or leave the key out

    a.toml:5:26: `not_tags` has an empty text in it
      |
    5 | match.not_tags = ["vip", ""]
      |                          ^^
    help: write for example not_tags = ["vip"]

    a.toml:6:15: the list of `counts_from` is empty
      |
    6 | counts_from = []
      |               ^^
    help: name at least one, or leave the key out
    "#);
}

#[test]
fn activity_classes_are_known() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
counts_from = ["contact_reply", "customer_reply", "own"]
after_reopen = "again"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:33: unknown value "customer_reply"
      |
    4 | counts_from = ["contact_reply", "customer_reply", "own"]
      |                                 ^^^^^^^^^^^^^^^^
    help: write one of "contact_reply", "teammate_reply", "bot_reply", "note", "assigned", "snoozed", "unsnoozed", "opened", "closed", "rated", "read", "other"

    a.toml:4:51: unknown value "own"
      |
    4 | counts_from = ["contact_reply", "customer_reply", "own"]
      |                                                   ^^^^^
    help: write one of "contact_reply", "teammate_reply", "bot_reply", "note", "assigned", "snoozed", "unsnoozed", "opened", "closed", "rated", "read", "other"

    a.toml:5:16: unknown value "again"
      |
    5 | after_reopen = "again"
      |                ^^^^^^^
    help: write one of "wait_for_reply", "count_again"
    "#);
}

#[test]
fn a_name_stands_on_one_line_without_spaces_around() {
    let text = r#"
[[rule]]
name = "quiet "
match.state = "open"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
[[rule]]
name = "two\nlines"
match.tags = "a"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:8: the name of a rule has no spaces around it and stands on one line
      |
    2 | name = "quiet "
      |        ^^^^^^^^
    help: write for example name = "snoozed-a-week"

    a.toml:9:8: the name of a rule has no spaces around it and stands on one line
      |
    9 | name = "two\nlines"
      |        ^^^^^^^^^^^^
    help: write for example name = "snoozed-a-week"
    "#);
}
