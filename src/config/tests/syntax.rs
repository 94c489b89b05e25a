//! What is said about a file that is no TOML.

use super::told;

#[test]
fn broken_toml_is_told_in_full_and_the_rest_still_checked() {
    let text = r#"
mode = live
timezone = "Nowhere"
[intercom]
region = "us
api_version = "2.16"
api_version = "2.15"
timeout = "soon"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:1:8: this is not TOML: string values must be quoted
      |
    1 | mode = live
      |        ^^^^
    help: put the text in double quotes

    a.toml:2:12: unknown time zone "Nowhere"
      |
    2 | timezone = "Nowhere"
      |            ^^^^^^^^^
    help: write a name like "Europe/Dublin" or "America/New_York", or "UTC"

    a.toml:4:13: this is not TOML: invalid basic string, expected `"`
      |
    4 | region = "us
      |             ^
    help: end the text with a double quote; a text of several lines stands between """ and """

    a.toml:6:1: this is not TOML: duplicate key
      |
    6 | api_version = "2.15"
      | ^^^^^^^^^^^
    help: keep one of the two

    a.toml:7:11: this is no length of time
      |
    7 | timeout = "soon"
      |           ^^^^^^
    help: write a number and a unit: seconds, minutes, hours, days or weeks, such as "5 days"
    "#);
}

#[test]
fn after_a_broken_header_nothing_is_guessed() {
    let text = r#"
mode = "lively"
[intercom
region = "us"
timeout = "soon"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:1:8: unknown value "lively"
      |
    1 | mode = "lively"
      |        ^^^^^^^^
    help: did you mean "live"? the values are "dry-run", "live"

    a.toml:2:10: this is not TOML: unclosed table, expected `]`
      |
    2 | [intercom
      |          ^
    help: close the bracket
    "#);
}
