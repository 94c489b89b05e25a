//! What is said about conditions and `leave`, and what they come to.

use jiff::SignedDuration;

use super::{good, told};
use crate::engine::Class;
use crate::engine::rule::{Match, Speaker, WaitingOn};

#[test]
fn words_out_of_a_few_are_told_the_nearest() {
    let text = r#"
[[rule]]
name = "quiet"
match.last_speaker = "bots"
match.priority = ["hihg", "p1"]
match.delivered_as = "operator_initated"
match.ai_resolution = "asumed_resolution"
match.not_ai_resolution = ["routed_to_teem", "solved"]
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:3:22: unknown value "bots"
      |
    3 | match.last_speaker = "bots"
      |                      ^^^^^^
    help: did you mean "bot"? the values are "contact", "teammate", "bot"

    a.toml:4:19: unknown value "hihg"
      |
    4 | match.priority = ["hihg", "p1"]
      |                   ^^^^^^
    help: did you mean "high"? the values are "none", "low", "medium", "high", "urgent", "priority", "not_priority"

    a.toml:4:27: unknown value "p1"
      |
    4 | match.priority = ["hihg", "p1"]
      |                           ^^^^
    help: write one of "none", "low", "medium", "high", "urgent", "priority", "not_priority"

    a.toml:5:22: unknown value "operator_initated"
      |
    5 | match.delivered_as = "operator_initated"
      |                      ^^^^^^^^^^^^^^^^^^^
    help: did you mean "operator_initiated"? the values are "customer_initiated", "campaigns_initiated", "operator_initiated", "automated", "admin_initiated"

    a.toml:6:23: unknown value "asumed_resolution"
      |
    6 | match.ai_resolution = "asumed_resolution"
      |                       ^^^^^^^^^^^^^^^^^^^
    help: did you mean "assumed_resolution"? the values are "assumed_resolution", "confirmed_resolution", "routed_to_team", "abandoned", "escalated", "negative_feedback", "procedure_handoff"

    a.toml:7:28: unknown value "routed_to_teem"
      |
    7 | match.not_ai_resolution = ["routed_to_teem", "solved"]
      |                            ^^^^^^^^^^^^^^^^
    help: did you mean "routed_to_team"? the values are "assumed_resolution", "confirmed_resolution", "routed_to_team", "abandoned", "escalated", "negative_feedback", "procedure_handoff"

    a.toml:7:46: unknown value "solved"
      |
    7 | match.not_ai_resolution = ["routed_to_teem", "solved"]
      |                                              ^^^^^^^^
    help: write one of "assumed_resolution", "confirmed_resolution", "routed_to_team", "abandoned", "escalated", "negative_feedback", "procedure_handoff"
    "#);
}

#[test]
fn conditions_have_their_types() {
    let text = r#"
[[rule]]
name = "quiet"
match.snooze_at_most = 14
match.unassigned = "yes"
match.rated = 5
match.channel = ["email", 1]
match.created_after = 2026
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:3:24: `snooze_at_most` has no unit
      |
    3 | match.snooze_at_most = 14
      |                        ^^
    help: write a number and its unit in quotes, such as snooze_at_most = "14 days"

    a.toml:4:20: `unassigned` must be true or false, without quotes, not text
      |
    4 | match.unassigned = "yes"
      |                    ^^^^^
    help: write for example unassigned = true

    a.toml:5:15: `rated` must be true or false, without quotes, not a whole number
      |
    5 | match.rated = 5
      |               ^
    help: write for example rated = true

    a.toml:6:27: `channel` must be text in quotes, or a list of such, not a whole number
      |
    6 | match.channel = ["email", 1]
      |                           ^
    help: write for example channel = ["email"]

    a.toml:7:23: `created_after` must be a date, not a whole number
      |
    7 | match.created_after = 2026
      |                       ^^^^
    help: write for example created_after = 2026-01-31
    "#);
}

#[test]
fn new_lists_name_at_least_one_too() {
    let text = r#"
[[rule]]
name = "quiet"
match.last_speaker = []
match.all_tags = []
match.priority = []
match.channel = [" "]
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:3:22: the list of `last_speaker` is empty
      |
    3 | match.last_speaker = []
      |                      ^^
    help: name at least one, or leave the key out

    a.toml:4:18: the list of `all_tags` is empty
      |
    4 | match.all_tags = []
      |                  ^^
    help: name at least one, or leave the key out

    a.toml:5:18: the list of `priority` is empty
      |
    5 | match.priority = []
      |                  ^^
    help: name at least one, or leave the key out

    a.toml:6:18: `channel` has an empty text in it
      |
    6 | match.channel = [" "]
      |                  ^^^
    help: write for example channel = ["email"]
    "#);
}

#[test]
fn dates_are_days_or_instants() {
    let text = r#"
[[rule]]
name = "quiet"
match.created_after = "yesterday"
match.created_before = 2026-01-31T09:00:00
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:3:23: this is no date
      |
    3 | match.created_after = "yesterday"
      |                       ^^^^^^^^^^^
    help: write year, month and day, such as 2026-01-31, or "2026-01-31T09:00:00Z"

    a.toml:4:24: this time is in no time zone
      |
    4 | match.created_before = 2026-01-31T09:00:00
      |                        ^^^^^^^^^^^^^^^^^^^
    help: write for example "2026-01-31T09:00:00Z" for UTC
    "#);
}

#[test]
fn no_conversation_begins_after_its_end() {
    let text = r#"
[[rule]]
name = "quiet"
match.created_after = 2026-02-01
match.created_before = "2026-01-31T23:00:00Z"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:7: `created_before` is not later than `created_after`, so nothing fits
      |
    4 | match.created_before = "2026-01-31T23:00:00Z"
      |       ^^^^^^^^^^^^^^
    help: swap the two, or leave one of them out
    "#);
}

#[test]
fn a_rule_on_bots_says_that_their_answer_is_enough() {
    let text = r#"
[[rule]]
name = "quiet"
match.last_speaker = ["teammate", "bot"]
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:3:22: a bot as last speaker answers nobody, unless the rule says so
      |
    3 | match.last_speaker = ["teammate", "bot"]
      |                      ^^^^^^^^^^^^^^^^^^^
    help: write match.waiting_on = "anyone": here a bot's answer passes for an answer
    "#);
}

#[test]
fn a_turn_that_never_comes_is_doubted() {
    let text = r#"
[[rule]]
name = "quiet"
match.last_speaker = "contact"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:3:7: warning: this rule fits nothing: it is never the contact's turn when the contact spoke last
      |
    3 | match.last_speaker = "contact"
      |       ^^^^^^^^^^^^
    help: change match.waiting_on (default "contact") or match.last_speaker
    "#);
}

#[test]
fn new_conditions_stand_under_match() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
last_speaker = "bot"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:1: `last_speaker` is a condition and stands under `match`
      |
    4 | last_speaker = "bot"
      | ^^^^^^^^^^^^
    help: write match.last_speaker = …
    "#);
}

#[test]
fn every_condition_reaches_the_engine() {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let day = |text: &str| Some(text.parse().unwrap());
    let any = || Match { waiting_on: WaitingOn::Anyone, ..Match::default() };
    for (condition, want) in [
        ("last_speaker = \"teammate\"", Match { last_speaker: vec![Speaker::Teammate], ..Match::default() }),
        (
            "last_speaker = [\"bot\", \"contact\"]\nmatch.waiting_on = \"anyone\"",
            Match { last_speaker: vec![Speaker::Bot, Speaker::Contact], ..any() },
        ),
        (
            "snooze_at_most = \"14 days\"",
            Match { snooze_at_most: Some(SignedDuration::from_hours(336)), ..Match::default() },
        ),
        ("all_tags = [\"a\", \"b\"]", Match { all_tags: owned(&["a", "b"]), ..Match::default() }),
        ("unassigned = true", Match { unassigned: Some(true), ..Match::default() }),
        ("priority = [\"urgent\", \"none\"]", Match { priority: owned(&["urgent", "none"]), ..Match::default() }),
        ("priority = [\"priority\", \"high\"]", Match { priority: owned(&["high"]), ..Match::default() }),
        ("priority = \"not_priority\"", Match { priority: owned(&["none"]), ..Match::default() }),
        (
            "channel = [\"email\", \"some new one\"]",
            Match { channel: owned(&["email", "some new one"]), ..Match::default() },
        ),
        (
            "delivered_as = \"customer_initiated\"",
            Match { delivered_as: owned(&["customer_initiated"]), ..Match::default() },
        ),
        ("ai_resolution = \"abandoned\"", Match { ai_resolution: owned(&["abandoned"]), ..Match::default() }),
        (
            "not_ai_resolution = [\"escalated\", \"routed_to_team\"]",
            Match { not_ai_resolution: owned(&["escalated", "routed_to_team"]), ..Match::default() },
        ),
        ("rated = false", Match { rated: Some(false), ..Match::default() }),
        ("created_after = 2026-07-01", Match { created_after: day("2026-06-30T23:00:00Z"), ..Match::default() }),
        ("created_after = \"2026-01-31\"", Match { created_after: day("2026-01-31T00:00:00Z"), ..Match::default() }),
        (
            "created_before = \"2026-01-31T10:00:00+02:00\"",
            Match { created_before: day("2026-01-31T08:00:00Z"), ..Match::default() },
        ),
        (
            "created_before = 2026-01-31T10:00:00Z",
            Match { created_before: day("2026-01-31T10:00:00Z"), ..Match::default() },
        ),
    ] {
        let text = format!(
            "timezone = \"Europe/Dublin\"\n[[rule]]\nname = \"a\"\nmatch.{condition}\n\
            step = [{{ after = \"7 days\", do = \"close\", silent = true }}]"
        );
        assert_eq!(good(&text).rules.rules[0].matches, want, "{condition}");
    }
}

#[test]
fn a_rule_on_bots_counts_from_their_answers_too() {
    let rule = |more: &str| {
        let text = format!(
            "[[rule]]\nname = \"a\"\nmatch.last_speaker = \"bot\"\nmatch.waiting_on = \"anyone\"\n{more}\n\
            step = [{{ after = \"7 days\", do = \"close\", silent = true }}]"
        );
        good(&text).rules.rules[0].counts_from.clone()
    };
    assert!(rule("").contains(&Class::BotReply) && rule("").contains(&Class::ContactReply));
    assert_eq!(rule("counts_from = \"contact_reply\""), [Class::ContactReply]);
}

#[test]
fn a_teammate_s_turn_that_never_comes_is_doubted() {
    let text = r#"
[[rule]]
name = "quiet"
match.last_speaker = "teammate"
match.waiting_on = "teammate"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:3:7: warning: this rule fits nothing: it is never a teammate's turn when a teammate spoke last
      |
    3 | match.last_speaker = "teammate"
      |       ^^^^^^^^^^^^
    help: change match.waiting_on (default "contact") or match.last_speaker
    "#);
}
