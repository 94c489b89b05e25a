//! What is said about keys, types and lengths of time, whatever the table.

use super::told;

#[test]
fn unknown_keys_are_told_the_nearest_known_one() {
    let text = r#"
mod = "live"
acess_token = "tok:example"
[intercom]
timout = "10 seconds"
[servers]
listen = "127.0.0.1:1"
[safety]
max_waiting = "3 days"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:1:1: unknown key `mod` in the configuration
      |
    1 | mod = "live"
      | ^^^
    help: did you mean `mode`?

    a.toml:2:1: unknown key `acess_token` in the configuration
    help: secrets are never in this file: set INTERCOM_ACCESS_TOKEN and INTERCOM_CLIENT_SECRET in the environment

    a.toml:4:1: unknown key `timout` in [intercom]
      |
    4 | timout = "10 seconds"
      | ^^^^^^
    help: did you mean `timeout`?

    a.toml:5:2: unknown key `servers` in the configuration
      |
    5 | [servers]
      |  ^^^^^^^
    help: did you mean `server`?

    a.toml:8:1: unknown key `max_waiting` in [safety]
      |
    8 | max_waiting = "3 days"
      | ^^^^^^^^^^^
    help: known here: max_actions_per_sweep, max_closes_per_hour, max_messages_per_hour, max_auto_closes, trip_reopen_rate, unclear_quiet, missed_grace, max_missed, max_lateness, max_due_at_once, hold_tags
    "#);
}

#[test]
fn wrong_types_are_told_the_right_one() {
    let text = r#"
mode = 1
timezone = ["UTC"]
server = "127.0.0.1:8080"
[intercom]
timeout = 10
probe = true
requests_per_10s = "many"
[database]
retention = 2026-01-01
[safety]
hold_tags = ["a", 1]
max_auto_closes = 1.5
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:1:8: `mode` must be text in quotes, not a whole number
      |
    1 | mode = 1
      |        ^
    help: write for example mode = "dry-run"

    a.toml:2:12: `timezone` must be text in quotes, not a list
      |
    2 | timezone = ["UTC"]
      |            ^^^^^^^
    help: write for example timezone = "Europe/Dublin"

    a.toml:3:10: `server` must be a table, not text
      |
    3 | server = "127.0.0.1:8080"
      |          ^^^^^^^^^^^^^^^^
    help: write it as [server]

    a.toml:5:11: `timeout` has no unit
      |
    5 | timeout = 10
      |           ^^
    help: write a number and its unit in quotes, such as timeout = "10 seconds"

    a.toml:6:9: `probe` must be text in quotes, not true or false
      |
    6 | probe = true
      |         ^^^^
    help: write for example probe = "60 seconds"

    a.toml:7:20: `requests_per_10s` must be a whole number, not text
      |
    7 | requests_per_10s = "many"
      |                    ^^^^^^
    help: write for example requests_per_10s = 500

    a.toml:9:13: `retention` must be text in quotes, not a date or time
      |
    9 | retention = 2026-01-01
      |             ^^^^^^^^^^
    help: write for example retention = "30 days"

    a.toml:11:19: `hold_tags` must be text in quotes, or a list of such, not a whole number
       |
    11 | hold_tags = ["a", 1]
       |                   ^
    help: write for example hold_tags = ["autoclose-hold"]

    a.toml:12:19: `max_auto_closes` must be a whole number, not a number with a fraction
       |
    12 | max_auto_closes = 1.5
       |                   ^^^
    help: write for example max_auto_closes = 2
    "#);
}

#[test]
fn names_out_of_a_few_are_told_all_of_them() {
    let text = r#"
mode = "dryrun"
timezone = "Europe/Dublim"
[intercom]
region = "usa"
[database]
keep_bodies = "none"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:1:8: unknown value "dryrun"
      |
    1 | mode = "dryrun"
      |        ^^^^^^^^
    help: did you mean "dry-run"? the values are "dry-run", "live"

    a.toml:2:12: unknown time zone "Europe/Dublim"
      |
    2 | timezone = "Europe/Dublim"
      |            ^^^^^^^^^^^^^^^
    help: write a name like "Europe/Dublin" or "America/New_York", or "UTC"

    a.toml:4:10: unknown value "usa"
      |
    4 | region = "usa"
      |          ^^^^^
    help: did you mean "us"? the values are "us", "eu", "au"

    a.toml:6:15: unknown value "none"
      |
    6 | keep_bodies = "none"
      |               ^^^^^^
    help: write one of "odd", "all"
    "#);
}

#[test]
fn durations_have_a_unit_and_a_limit() {
    let text = r#"
[intercom]
timeout = "10"
probe = "0 seconds"
[database]
retention = "-30 days"
[safety]
unclear_quiet = "11 years"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:11: `10` has no unit
      |
    2 | timeout = "10"
      |           ^^^^
    help: write for example "10 days"; the units are seconds, minutes, hours, days and weeks

    a.toml:3:9: a length of time cannot be zero
      |
    3 | probe = "0 seconds"
      |         ^^^^^^^^^^^
    help: the smallest is "1 second"

    a.toml:5:13: a length of time cannot be negative
      |
    5 | retention = "-30 days"
      |             ^^^^^^^^^^
    help: write a positive number, such as "5 days"

    a.toml:7:17: this is no length of time
      |
    7 | unclear_quiet = "11 years"
      |                 ^^^^^^^^^^
    help: write a number and a unit: seconds, minutes, hours, days or weeks, such as "5 days"
    "#);
}

#[test]
fn lengths_beyond_ten_years_are_refused() {
    let text = r#"
[database]
retention = "4000 days"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:13: this is longer than ten years
      |
    2 | retention = "4000 days"
      |             ^^^^^^^^^^^
    help: the longest is "3653 days"
    "#);
}
