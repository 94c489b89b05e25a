//! What is said about teams and teammates in `match`, and what they come to.

use super::{good, told};
use crate::engine::rule::{Match, Named};

#[test]
fn teams_are_named_and_teammates_have_an_id_or_an_address() {
    let named = |names: &[&str]| names.iter().map(|name| Named::new(name)).collect::<Vec<_>>();
    for (condition, want) in [
        ("team = \"Support\"", Match { team: named(&["Support"]), ..Match::default() }),
        ("team = [\"Support\", \"2nd level\"]", Match { team: named(&["Support", "2nd level"]), ..Match::default() }),
        ("not_team = \"Sales\"", Match { not_team: named(&["Sales"]), ..Match::default() }),
        (
            "assignee = [\"5784329\", \"a@example.com\"]",
            Match { assignee: named(&["5784329", "a@example.com"]), ..Match::default() },
        ),
        ("not_assignee = \"a@example.com\"", Match { not_assignee: named(&["a@example.com"]), ..Match::default() }),
        (
            "team = \"A\"\nmatch.not_team = \"B\"\nmatch.unassigned = false",
            Match { team: named(&["A"]), not_team: named(&["B"]), unassigned: Some(false), ..Match::default() },
        ),
        (
            "unassigned = true\nmatch.not_assignee = \"1\"",
            Match { unassigned: Some(true), not_assignee: named(&["1"]), ..Match::default() },
        ),
    ] {
        let text = format!(
            "[[rule]]\nname = \"a\"\nmatch.{condition}\nstep = [{{ after = \"7 days\", do = \"close\", silent = true }}]"
        );
        assert_eq!(good(&text).rules.rules[0].matches, want, "{condition}");
    }
}

#[test]
fn names_are_texts() {
    let text = r#"
[[rule]]
name = "quiet"
match.team = 42
match.not_team = []
match.assignee = ["a@example.com", 5784329]
match.not_assignee = ["", true]
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:3:14: `team` must be text in quotes, or a list of such, not a whole number
      |
    3 | match.team = 42
      |              ^^
    help: write for example team = ["Support"]

    a.toml:4:18: the list of `not_team` is empty
      |
    4 | match.not_team = []
      |                  ^^
    help: name at least one, or leave the key out

    a.toml:5:36: `assignee` must be text in quotes, or a list of such, not a whole number
      |
    5 | match.assignee = ["a@example.com", 5784329]
      |                                    ^^^^^^^
    help: write for example assignee = ["5784329"]

    a.toml:6:23: `not_assignee` has an empty text in it
      |
    6 | match.not_assignee = ["", true]
      |                       ^^
    help: write for example not_assignee = ["a@example.com"]

    a.toml:6:27: `not_assignee` must be text in quotes, or a list of such, not true or false
      |
    6 | match.not_assignee = ["", true]
      |                           ^^^^
    help: write for example not_assignee = ["a@example.com"]
    "#);
}

#[test]
fn a_teammate_s_name_names_nobody() {
    let text = r#"
[[rule]]
name = "quiet"
match.assignee = "Anna"
match.not_assignee = ["@example.com", "578432x", "a b@example.com"]
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:3:18: a teammate is named by id or e-mail address
      |
    3 | match.assignee = "Anna"
      |                  ^^^^^^
    help: write for example "a@example.com", or the id in digits: "5784329"

    a.toml:4:23: a teammate is named by id or e-mail address
      |
    4 | match.not_assignee = ["@example.com", "578432x", "a b@example.com"]
      |                       ^^^^^^^^^^^^^^
    help: write for example "a@example.com", or the id in digits: "5784329"

    a.toml:4:39: a teammate is named by id or e-mail address
      |
    4 | match.not_assignee = ["@example.com", "578432x", "a b@example.com"]
      |                                       ^^^^^^^^^
    help: write for example "a@example.com", or the id in digits: "5784329"

    a.toml:4:50: a teammate is named by id or e-mail address
      |
    4 | match.not_assignee = ["@example.com", "578432x", "a b@example.com"]
      |                                                  ^^^^^^^^^^^^^^^^^
    help: write for example "a@example.com", or the id in digits: "5784329"
    "#);
}

#[test]
fn conditions_on_assignment_do_not_exclude_each_other() {
    let text = r#"
[[rule]]
name = "quiet"
match.unassigned = true
match.team = ["Support", "Sales"]
match.not_team = ["Sales", "Press"]
match.assignee = "5784329"
match.not_assignee = "5784329"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:7: `team` and `unassigned = true` exclude each other, so nothing fits
      |
    4 | match.team = ["Support", "Sales"]
      |       ^^^^
    help: leave one of the two out

    a.toml:5:19: "Sales" is in `team` and in `not_team`
      |
    5 | match.not_team = ["Sales", "Press"]
      |                   ^^^^^^^
    help: keep it in one of the two

    a.toml:6:7: `assignee` and `unassigned = true` exclude each other, so nothing fits
      |
    6 | match.assignee = "5784329"
      |       ^^^^^^^^
    help: leave one of the two out

    a.toml:7:22: "5784329" is in `assignee` and in `not_assignee`
      |
    7 | match.not_assignee = "5784329"
      |                      ^^^^^^^^^
    help: keep it in one of the two
    "#);
}

#[test]
fn they_stand_under_match() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
not_team = "Sales"
[[rule.step]]
after = "7 days"
do = "close"
silent = true
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:1: `not_team` is a condition and stands under `match`
      |
    4 | not_team = "Sales"
      | ^^^^^^^^
    help: write match.not_team = …
    "#);
}
