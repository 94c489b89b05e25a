//! What is said about the arguments of steps.

use super::told;

#[test]
fn each_kind_says_what_it_is_missing() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
step = [
    { after = "1 day", do = "note" },
    { after = "2 days", do = "snooze" },
    { after = "3 days", do = "assign" },
    { after = "4 days", do = "tag" },
    { after = "5 days", do = "untag" },
    { after = "6 days", do = "update" },
]
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:5:5: this note has no body
      |
    5 |     { after = "1 day", do = "note" },
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    help: add body = "Nobody has answered.", in your own words

    a.toml:6:5: this snooze has no `for`
      |
    6 |     { after = "2 days", do = "snooze" },
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    help: add for = "3 days"

    a.toml:7:5: this assign step does not say to whom
      |
    7 |     { after = "3 days", do = "assign" },
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    help: add team = "Support", teammate = "a@example.com" or both, or to = "nobody"

    a.toml:8:5: this tag step has no `tags`
      |
    8 |     { after = "4 days", do = "tag" },
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    help: add tags = ["auto-closed"], or whichever you mean

    a.toml:9:5: this untag step has no `tags`
      |
    9 |     { after = "5 days", do = "untag" },
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    help: add tags = ["auto-closed"], or whichever you mean

    a.toml:10:5: this update changes nothing
       |
    10 |     { after = "6 days", do = "update" },
       |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    help: add set.NAME = "…" for an attribute, or read = true
    "#);
}

#[test]
fn an_argument_goes_with_its_kinds() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "1 day"
do = "reply"
body = "Hello?"
for = "3 days"
tags = "a"
set.plan = "gold"
[[rule.step]]
after = "2 days"
do = "note"
body = "Quiet."
channels = "email"
silent = true
[[rule.step]]
after = "3 days"
do = "open"
body = "Hello?"
to = "nobody"
[[rule.step]]
after = "4 days"
do = "tag"
tags = "a"
team = "Support"
teammate = "a@example.com"
read = true
silent = false
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:8:1: `for` goes with do = "snooze"
      |
    8 | for = "3 days"
      | ^^^
    help: leave it out here, or add a [[rule.step]] with do = "snooze" for it

    a.toml:9:1: `tags` goes with do = "tag", "untag" or "close"
      |
    9 | tags = "a"
      | ^^^^
    help: leave it out here, or add a [[rule.step]] with do = "tag" for it

    a.toml:10:1: `set` goes with do = "update" or "close"
       |
    10 | set.plan = "gold"
       | ^^^
    help: leave it out here, or add a [[rule.step]] with do = "update" for it

    a.toml:15:1: `channels` changes nothing here: it goes with do = "reply" or "close"
       |
    15 | channels = "email"
       | ^^^^^^^^
    help: leave it out: contacts see no text of this step

    a.toml:16:1: only a close can be silent
       |
    16 | silent = true
       | ^^^^^^
    help: leave out silent, or write do = "close"

    a.toml:20:1: `body` goes with do = "reply", "note" or "close"
       |
    20 | body = "Hello?"
       | ^^^^
    help: leave it out here, or add a [[rule.step]] with do = "reply" for it

    a.toml:21:1: `to` goes with do = "assign"
       |
    21 | to = "nobody"
       | ^^
    help: leave it out here, or add a [[rule.step]] with do = "assign" for it

    a.toml:26:1: `team` goes with do = "assign"
       |
    26 | team = "Support"
       | ^^^^
    help: leave it out here, or add a [[rule.step]] with do = "assign" for it

    a.toml:27:1: `teammate` goes with do = "assign"
       |
    27 | teammate = "a@example.com"
       | ^^^^^^^^
    help: leave it out here, or add a [[rule.step]] with do = "assign" for it

    a.toml:28:1: `read` goes with do = "update"
       |
    28 | read = true
       | ^^^^
    help: leave it out here, or add a [[rule.step]] with do = "update" for it

    a.toml:29:1: only a close can be silent
       |
    29 | silent = false
       | ^^^^^^
    help: leave out silent, or write do = "close"
    "#);
}

#[test]
fn what_is_out_of_place_is_not_judged_any_further() {
    let text = "[[rule]]\nname = \"a\"\nmatch_all = true\n[[rule.step]]\nafter = \"1 day\"\ndo = \"open\"\n\
                for = 3\nbody = 5\nset = []\nto = \"somebody\"\nteam = 1\ntags = []";
    assert_eq!(told(text).lines().filter(|line| line.contains("` goes with do = ")).count(), 6);
    assert_eq!(told(text).lines().filter(|line| line.starts_with("a.toml:")).count(), 6, "{}", told(text));
}

#[test]
fn a_step_of_an_unknown_kind_has_mistakes_in_its_texts_all_the_same() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "1 day"
do = "nope"
body = "{{ contact.email }}"
set.plan = ""
tags = "a"
chanels = "email"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:6:6: unknown value "nope"
      |
    6 | do = "nope"
      |      ^^^^^^
    help: did you mean "note"? the values are "reply", "note", "close", "snooze", "open", "assign", "tag", "untag", "update"

    a.toml:7:12: unknown template variable `contact.email`
      |
    7 | body = "{{ contact.email }}"
      |            ^^^^^^^^^^^^^
    help: the variables are rule, closes_at, quiet_for, contact.first_name, contact.name, conversation.id, conversation.title, teammate.name

    a.toml:8:12: `set.plan` is empty
      |
    8 | set.plan = ""
      |            ^^
    help: write for example set.plan = "gold", or leave it out

    a.toml:10:1: unknown key `chanels` in a step
       |
    10 | chanels = "email"
       | ^^^^^^^
    help: did you mean `channels`?
    "#);
}

#[test]
fn a_note_says_something() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "1 day"
do = "note"
body = ""
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:7:8: this text is empty
      |
    7 | body = ""
      |        ^^
    help: write what the team should read
    "#);
}

#[test]
fn a_snooze_lasts_a_length_of_time() {
    let text = r#"
[[calendar]]
name = "office"
hours = { mon-fri = "09:00-18:00" }
[[rule]]
name = "quiet"
match.state = "open"
clock = "office"
step = [
    { after = "1 hour", do = "snooze", for = 3 },
    { after = "2 hours", do = "snooze", for = "2 working days" },
    { after = "3 hours", do = "snooze", for = "0 days" },
    { after = "4 hours", do = "snooze", for = "1 working day" },
    { after = "5 hours", do = "snooze", for = ["1 day"] },
]
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:9:46: `for` has no unit
      |
    9 |     { after = "1 hour", do = "snooze", for = 3 },
      |                                              ^
    help: write a number and its unit in quotes, such as for = "3 days"

    a.toml:10:47: Intercom ends a snooze by the clock on the wall, not by working days
       |
    10 |     { after = "2 hours", do = "snooze", for = "2 working days" },
       |                                               ^^^^^^^^^^^^^^^^
    help: count plain days or hours: for = "2 days"

    a.toml:11:47: a length of time cannot be zero
       |
    11 |     { after = "3 hours", do = "snooze", for = "0 days" },
       |                                               ^^^^^^^^
    help: the smallest is "1 second"

    a.toml:12:47: Intercom ends a snooze by the clock on the wall, not by working days
       |
    12 |     { after = "4 hours", do = "snooze", for = "1 working day" },
       |                                               ^^^^^^^^^^^^^^^
    help: count plain days or hours: for = "1 day"

    a.toml:13:47: `for` must be text in quotes, not a list
       |
    13 |     { after = "5 hours", do = "snooze", for = ["1 day"] },
       |                                               ^^^^^^^^^
    help: write for example for = "3 days"
    "#);
}

#[test]
fn a_very_short_snooze_is_doubted() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
step = [
    { after = "1 day", do = "snooze", for = "299 seconds" },
    { after = "2 days", do = "snooze", for = "5 minutes" },
]
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:5:45: warning: this snooze ends in less than five minutes
      |
    5 |     { after = "1 day", do = "snooze", for = "299 seconds" },
      |                                             ^^^^^^^^^^^^^
    help: fine for a trial; in daily use people need longer to answer
    "#);
}

#[test]
fn an_assignment_is_to_somebody_or_to_nobody() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
step = [
    { after = "1 day", do = "assign", to = "Support" },
    { after = "2 days", do = "assign", to = "nobody", team = "Support" },
    { after = "3 days", do = "assign", team = ["Support", "Sales"] },
    { after = "4 days", do = "assign", team = " " },
    { after = "5 days", do = "assign", teammate = 5784329 },
    { after = "6 days", do = "assign", teammate = "Anna", team = "Support" },
]
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:5:44: `to` cannot be "Support"
      |
    5 |     { after = "1 day", do = "assign", to = "Support" },
      |                                            ^^^^^^^^^
    help: write to = "nobody", or name a team or teammate: team = "Support"

    a.toml:6:40: `to` goes with neither `team` nor `teammate`
      |
    6 |     { after = "2 days", do = "assign", to = "nobody", team = "Support" },
      |                                        ^^
    help: leave out `to`, or the team and the teammate

    a.toml:7:47: `team` must be text in quotes, not a list
      |
    7 |     { after = "3 days", do = "assign", team = ["Support", "Sales"] },
      |                                               ^^^^^^^^^^^^^^^^^^^^
    help: write for example team = "Support"

    a.toml:8:47: `team` is empty
      |
    8 |     { after = "4 days", do = "assign", team = " " },
      |                                               ^^^
    help: write for example team = "Support"

    a.toml:9:51: `teammate` must be text in quotes, not a whole number
      |
    9 |     { after = "5 days", do = "assign", teammate = 5784329 },
      |                                                   ^^^^^^^
    help: write for example teammate = "5784329"

    a.toml:10:51: a teammate is named by id or e-mail address
       |
    10 |     { after = "6 days", do = "assign", teammate = "Anna", team = "Support" },
       |                                                   ^^^^^^
    help: write for example "a@example.com", or the id in digits: "5784329"
    "#);
}

#[test]
fn tags_of_a_step_are_names() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
step = [
    { after = "1 day", do = "tag", tags = [] },
    { after = "2 days", do = "untag", tags = ["a", ""] },
    { after = "3 days", do = "tag", tags = 5 },
    { after = "4 days", do = "tag", tags = "by {{ rule }}" },
]
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:5:43: the list of `tags` is empty
      |
    5 |     { after = "1 day", do = "tag", tags = [] },
      |                                           ^^
    help: name at least one, or leave the key out

    a.toml:6:52: `tags` has an empty text in it
      |
    6 |     { after = "2 days", do = "untag", tags = ["a", ""] },
      |                                                    ^^
    help: write for example tags = ["auto-closed"]

    a.toml:7:44: `tags` must be text in quotes, or a list of such, not a whole number
      |
    7 |     { after = "3 days", do = "tag", tags = 5 },
      |                                            ^
    help: write for example tags = ["auto-closed"]

    a.toml:8:44: this text is no template and would be used as it is
      |
    8 |     { after = "4 days", do = "tag", tags = "by {{ rule }}" },
      |                                            ^^^^^^^^^^^^^^^
    help: write the words themselves; templates work in `body`, and in texts of `set` that stand in no list
    "#);
}
