//! What is said about attributes, and what they come to.

use super::{good, told};
use crate::engine::AttributeValue;
use crate::engine::rule::{Act, Labels, Setting};

/// A rule with the condition, and a close that sets.
fn rule(condition: &str, set: &str) -> String {
    format!(
        "[[rule]]\nname = \"a\"\n{condition}\n[[rule.step]]\nafter = \"1 day\"\ndo = \"close\"\nsilent = true\n{set}"
    )
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::Text(text.to_owned())
}

fn number(number: f64) -> AttributeValue {
    AttributeValue::number(number)
}

#[test]
fn an_attribute_equals_a_value_or_one_of_several() {
    for (condition, name, want) in [
        ("match.attribute.plan = \"gold\"", "plan", vec![text("gold")]),
        ("match.attribute.plan = [\"gold\", \"silver\"]", "plan", vec![text("gold"), text("silver")]),
        ("match.attribute.\"Plan type\" = 5", "Plan type", vec![number(5.0)]),
        ("match.attribute.\"a.b\" = [5, 2.5, -0.0, true]", "a.b", {
            vec![number(5.0), number(2.5), number(0.0), AttributeValue::Boolean(true)]
        }),
        ("match.attribute.paid = false", "paid", vec![AttributeValue::Boolean(false)]),
        ("match.attribute.n = [0x10, 1_000, +3, -9_007_199_254_740_992]", "n", {
            vec![number(16.0), number(1000.0), number(3.0), number(-9_007_199_254_740_992.0)]
        }),
        ("match.attribute.n = [1e3, 1_0.5]", "n", vec![number(1000.0), number(10.5)]),
        ("match = { attribute = { plan = \"5\" } }", "plan", vec![text("5")]),
        ("[rule.match.attribute]\nplan = \"gold\"", "plan", vec![text("gold")]),
    ] {
        let matches = &good(&rule(condition, "")).rules.rules[0].matches;
        assert_eq!(matches.attributes.iter().collect::<Vec<_>>(), [(&name.to_owned(), &want)], "{condition}");
    }
}

#[test]
fn what_no_attribute_equals_is_refused() {
    let text = r#"
[[rule]]
name = "quiet"
[rule.match.attribute]
plan = []
tier = ["gold", ""]
level = " "
since = 2026-01-31
size = [["a"]]
order = { id = 5 }
score = nan
count = 9007199254740993
"" = 1
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:8: the list of `match.attribute.plan` is empty
      |
    4 | plan = []
      |        ^^
    help: name at least one, or leave the key out

    a.toml:5:17: `match.attribute.tier` has an empty text in it
      |
    5 | tier = ["gold", ""]
      |                 ^^
    help: leave it out: an attribute that is not set equals nothing

    a.toml:6:9: `match.attribute.level` has an empty text in it
      |
    6 | level = " "
      |         ^^^
    help: leave it out: an attribute that is not set equals nothing

    a.toml:7:9: `match.attribute.since` must be text, a number, or true or false, not a date or time
      |
    7 | since = 2026-01-31
      |         ^^^^^^^^^^
    help: write it as text: match.attribute.since = "2026-01-31"

    a.toml:8:9: `match.attribute.size` must be text, a number, or true or false, not a list
      |
    8 | size = [["a"]]
      |         ^^^^^
    help: write for example match.attribute.size = "gold"

    a.toml:9:9: `match.attribute.order` must be text, a number, or true or false, not a table
      |
    9 | order = { id = 5 }
      |         ^^^^^^^^^^
    help: write for example match.attribute.order = "gold"; a name with a dot in it stands in quotes

    a.toml:10:9: `match.attribute.score` is no number that an attribute can have
       |
    10 | score = nan
       |         ^^^
    help: write for example match.attribute.score = 2.5

    a.toml:11:9: `match.attribute.count` is a number too large to be told from its neighbours
       |
    11 | count = 9007199254740993
       |         ^^^^^^^^^^^^^^^^
    help: write at most 9007199254740992, or put it in quotes if the attribute is a text

    a.toml:12:1: this attribute has no name
       |
    12 | "" = 1
       | ^^
    help: write for example match.attribute.plan = "gold"
    "#);
}

#[test]
fn attributes_are_named() {
    for (condition, want) in [
        ("match.attribute = {}", "a.toml:3:19: `attribute` names no attribute"),
        ("match.attribute = \"gold\"", "a.toml:3:19: `attribute` must be a table, not text"),
        (
            "match_all = true\nattribute.plan = \"gold\"",
            "a.toml:4:1: `attribute` is a condition and stands under `match`",
        ),
    ] {
        let told = told(&rule(condition, ""));
        assert_eq!(told.lines().next(), Some(want), "{told}");
        assert!(told.trim_end().lines().last().is_some_and(|help| help.contains("match.attribute.")), "{told}");
    }
}

#[test]
fn a_text_longer_than_any_that_is_known_is_refused() {
    let long = |length: usize| format!("match.attribute.plan = \"{}\"", "x".repeat(length));
    assert_eq!(told(&rule(&long(1024), "")), "");
    let told = told(&rule(&long(1025), ""));
    assert!(told.contains(": `match.attribute.plan` is longer than any text that is known of an attribute"), "{told}");
    assert!(told.ends_with("help: write at most 1024 bytes\n"), "{told}");
}

#[test]
fn a_step_sets_templates_numbers_truth_values_and_lists() {
    let owned = |texts: &[&str]| AttributeValue::List(texts.iter().map(|text| (*text).to_owned()).collect());
    for (set, name, want) in [
        ("set.by = \"rule {{ rule }}\"", "by", Setting::Template("rule {{ rule }}".into())),
        ("set.\"Closed by\" = \"a\"", "Closed by", Setting::Template("a".into())),
        ("set.count = 5", "count", Setting::Value(number(5.0))),
        ("set.share = 0.25", "share", Setting::Value(number(0.25))),
        ("set.done = true", "done", Setting::Value(AttributeValue::Boolean(true))),
        ("set.topics = [\"a\", \"b c\"]", "topics", Setting::Value(owned(&["a", "b c"]))),
        ("set = { count = 5 }", "count", Setting::Value(number(5.0))),
        ("[rule.step.set]\ncount = 5", "count", Setting::Value(number(5.0))),
    ] {
        let rule = &good(&rule("match_all = true", set)).rules.rules[0];
        let labels = Labels { set: [(name.to_owned(), want)].into(), ..Labels::default() };
        assert_eq!(rule.steps[0].act, Act::Close { body: None, labels }, "{set}");
    }
}

#[test]
fn several_are_set_at_once_in_an_inline_step_too() {
    let text = "[[rule]]\nname = \"a\"\nmatch_all = true\n\
                step = [{ after = \"1 day\", do = \"update\", set.a = 1, set.\"b c\" = \"{{ rule }}\", read = false }]";
    let Act::Label(labels) = &good(text).rules.rules[0].steps[0].act else { panic!("labels") };
    assert_eq!(labels.set.keys().collect::<Vec<_>>(), ["a", "b c"]);
    assert_eq!((labels.read, labels.tags.len(), labels.untag.len()), (Some(false), 0, 0));
}

#[test]
fn what_no_attribute_holds_is_not_set() {
    let text = r#"
[[rule]]
name = "quiet"
match_all = true
[[rule.step]]
after = "1 day"
do = "update"
set.plan = ""
set.since = 2026-01-31
set.tags = []
set.topics = ["a", 5, " "]
set.order.id = 5
set.count = 9007199254740993
set.score = inf
set.words = ["by {{ rule }}"]
set.by = "{{ ruel }}"
set.who = "{{ contact.name }}"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:7:12: `set.plan` is empty
      |
    7 | set.plan = ""
      |            ^^
    help: write for example set.plan = "gold", or leave it out

    a.toml:8:13: `set.since` must be text, a number, or true or false, not a date or time
      |
    8 | set.since = 2026-01-31
      |             ^^^^^^^^^^
    help: write it as text: set.since = "2026-01-31"

    a.toml:9:12: the list of `set.tags` is empty
      |
    9 | set.tags = []
      |            ^^
    help: name at least one, or leave the key out

    a.toml:10:20: `set.topics` must be text in quotes, or a list of such, not a whole number
       |
    10 | set.topics = ["a", 5, " "]
       |                    ^
    help: write for example set.topics = ["billing"]

    a.toml:10:23: `set.topics` has an empty text in it
       |
    10 | set.topics = ["a", 5, " "]
       |                       ^^^
    help: write for example set.topics = ["billing"]

    a.toml:11:5: `set.order` must be text, a number, or true or false, not a table
       |
    11 | set.order.id = 5
       |     ^^^^^
    help: write for example set.order = "gold"; a name with a dot in it stands in quotes

    a.toml:12:13: `set.count` is a number too large to be told from its neighbours
       |
    12 | set.count = 9007199254740993
       |             ^^^^^^^^^^^^^^^^
    help: write at most 9007199254740992, or put it in quotes if the attribute is a text

    a.toml:13:13: `set.score` is no number that an attribute can have
       |
    13 | set.score = inf
       |             ^^^
    help: write for example set.score = 2.5

    a.toml:14:14: this text is no template and would be used as it is
       |
    14 | set.words = ["by {{ rule }}"]
       |              ^^^^^^^^^^^^^^^
    help: write the words themselves; templates work in `body`, and in texts of `set` that stand in no list

    a.toml:15:14: unknown template variable `ruel`
       |
    15 | set.by = "{{ ruel }}"
       |              ^^^^
    help: did you mean `rule`? the variables are rule, closes_at, quiet_for, contact.first_name, contact.name, conversation.id, conversation.title, teammate.name

    a.toml:16:15: `contact.name` is not always known
       |
    16 | set.who = "{{ contact.name }}"
       |               ^^^^^^^^^^^^
    help: write {{ contact.name | default('there') }}, with the word to use instead
    "#);
}

#[test]
fn a_set_names_attributes() {
    let text = r#"
[[rule]]
name = "quiet"
match_all = true
step = [
    { after = "1 day", do = "update", set = {} },
    { after = "2 days", do = "update", set = "plan" },
    { after = "3 days", do = "close", silent = true, set = { "" = 5 } },
]
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:5:45: `set` names no attribute
      |
    5 |     { after = "1 day", do = "update", set = {} },
      |                                             ^^
    help: write for example set.plan = "gold", or leave it out

    a.toml:6:46: `set` must be a table, not text
      |
    6 |     { after = "2 days", do = "update", set = "plan" },
      |                                              ^^^^^^
    help: write it as set.plan = "gold"

    a.toml:7:62: this attribute has no name
      |
    7 |     { after = "3 days", do = "close", silent = true, set = { "" = 5 } },
      |                                                              ^^
    help: write for example set.plan = "gold"
    "#);
}
