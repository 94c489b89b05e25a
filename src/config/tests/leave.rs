//! What is said about rules that leave alone, and about rules that leave nothing to others.

use super::{good, told};
use crate::engine::rule::{ContactReplied, WaitingOn};

#[test]
fn what_is_left_alone_has_no_steps() {
    let text = r#"
[[rule]]
name = "quiet"
match.tags = "vip"
leave = true
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @"
    a.toml:4:9: this rule has steps and leaves alone
      |
    4 | leave = true
      |         ^^^^
    help: leave out leave = true, or the steps: nothing is done to what a rule leaves alone
    ");
}

#[test]
fn without_steps_leave_is_true() {
    let text = r#"
[[rule]]
name = "quiet"
match.tags = "vip"
leave = false
"#;
    insta::assert_snapshot!(told(text), @"
    a.toml:4:9: this rule has no steps, and does not leave alone either
      |
    4 | leave = false
      |         ^^^^^
    help: write leave = true to leave alone what the rule fits, or end it with a [[rule.step]]
    ");
}

#[test]
fn leave_needs_a_match_like_any_rule() {
    let text = r#"
[[rule]]
name = "quiet"
leave = true
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
fn what_is_left_alone_counts_nothing() {
    let text = r#"
[[rule]]
name = "quiet"
match.tags = "vip"
leave = true
counts_from = "note"
after_reopen = "count_again"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:5:1: warning: `counts_from` changes nothing in a rule with `leave = true`
      |
    5 | counts_from = "note"
      | ^^^^^^^^^^^
    help: leave it out: what the rule fits is left alone at any time

    a.toml:6:1: warning: `after_reopen` changes nothing in a rule with `leave = true`
      |
    6 | after_reopen = "count_again"
      | ^^^^^^^^^^^^
    help: leave it out: what the rule fits is left alone at any time
    "#);
}

#[test]
fn what_is_left_alone_is_left_alone_whosever_turn_it_is() {
    let text = "[[rule]]\nname = \"vip\"\nmatch.tags = \"vip\"\nleave = true";
    let rule = &good(text).rules.rules[0];
    assert_eq!(rule.steps, []);
    assert_eq!((rule.matches.waiting_on, rule.matches.contact_replied), (WaitingOn::Anyone, ContactReplied::Any));
    let narrower = format!("{text}\nmatch.waiting_on = \"contact\"\nmatch.contact_replied = true");
    let rule = &good(&narrower).rules.rules[0];
    assert_eq!((rule.matches.waiting_on, rule.matches.contact_replied), (WaitingOn::Contact, ContactReplied::Yes));
}

#[test]
fn a_rule_under_one_for_everything_is_doubted() {
    let text = r#"
[[rule]]
name = "all"
match_all = true
[[rule.step]]
after = "7 days"
do = "close"
silent = true
[[rule]]
name = "quiet"
match.tags = "vip"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:8:1: warning: rule "quiet" never gets a conversation: "all" above takes all that it fits, for example one that is open, waiting for the contact, tagged vip
      |
    8 | [[rule]]
      | ^^^^^^^^
    help: move "quiet" above "all", or remove one of the two
    "#);
}

#[test]
fn a_rule_under_a_wider_one_is_doubted() {
    let text = r#"
[[rule]]
name = "wide"
match.state = "open"
match.tags = ["a", "b"]
match.not_tags = "c"
match.snooze_at_most = "14 days"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
[[rule]]
name = "quiet"
match.state = "woken"
match.tags = "a"
match.not_tags = ["c", "d"]
match.snooze_at_most = "7 days"
match.rated = true
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:11:1: warning: rule "quiet" never gets a conversation: "wide" above takes all that it fits, for example one that is woken, waiting for the contact, rated, tagged a
       |
    11 | [[rule]]
       | ^^^^^^^^
    help: move "quiet" above "wide", or remove one of the two
    "#);
}

#[test]
fn wider_lists_of_assignees_and_attributes_take_all_of_narrower_ones() {
    for (wide, narrow) in [
        ("team = [\"A\", \"B\"]", "team = \"B\""),
        ("not_team = \"A\"", "not_team = [\"B\", \"A\"]"),
        ("assignee = [\"1\", \"2\"]", "assignee = [\"2\", \"1\"]"),
        ("not_assignee = \"1\"", "not_assignee = [\"1\", \"2\"]"),
        ("attribute.plan = [5, \"gold\"]", "attribute.plan = 5.0"),
        ("attribute.plan = true", "attribute = { plan = true, tier = 1 }"),
    ] {
        let step = "step = [{ after = \"7 days\", do = \"close\", silent = true }]";
        let rule = |name: &str, condition: &str| format!("[[rule]]\nname = \"{name}\"\nmatch.{condition}\n{step}\n");
        let told = told(&format!("{}{}", rule("a", wide), rule("b", narrow)));
        assert!(told.contains("rule \"b\" never gets a conversation"), "{wide} above {narrow}: {told}");
    }
}

#[test]
fn a_rule_with_something_left_for_it_is_not_doubted() {
    for (wide, narrow) in [
        ("state = \"woken\"", "state = \"open\""),
        ("state = \"open\"", "tags = \"a\""),
        ("tags = \"a\"", "tags = [\"a\", \"b\"]"),
        ("tags = \"a\"", "all_tags = \"a\""),
        ("all_tags = [\"a\", \"b\"]", "all_tags = \"a\""),
        ("not_tags = \"a\"", "not_tags = \"b\""),
        ("state = \"open\"", "waiting_on = \"anyone\""),
        ("state = \"open\"", "contact_replied = \"any\""),
        ("team = \"A\"", "team = [\"A\", \"B\"]"),
        ("team = \"A\"", "not_team = \"B\""),
        ("not_team = [\"A\", \"B\"]", "not_team = \"B\""),
        ("assignee = \"1\"", "assignee = \"a@example.com\""),
        ("not_assignee = \"1\"", "unassigned = true"),
        ("attribute.plan = \"gold\"", "attribute.plan = [\"gold\", 5]"),
        ("attribute.plan = \"gold\"", "attribute.tier = \"gold\""),
        ("attribute.plan = 5", "attribute.plan = \"5\""),
        ("rated = true", "rated = false"),
        ("unassigned = true", "state = \"open\""),
        ("snooze_at_most = \"7 days\"", "snooze_at_most = \"14 days\""),
        ("created_after = 2026-01-02", "created_after = 2026-01-01"),
        ("created_before = 2026-01-01", "created_before = 2026-01-02"),
        ("not_ai_resolution = \"escalated\"", "state = \"open\""),
    ] {
        let rule = |name: &str, condition: &str| {
            let step = "[[rule.step]]\nafter = \"7 days\"\ndo = \"close\"\nsilent = true\n";
            format!("[[rule]]\nname = \"{name}\"\nmatch.{condition}\n{step}")
        };
        let pair = |first, second| told(&format!("{}{}", rule("a", first), rule("b", second)));
        assert_eq!(pair(wide, narrow), "", "{wide} above {narrow}");
        assert!(pair(narrow, narrow).contains("never gets a conversation"), "{narrow} twice");
    }
}
