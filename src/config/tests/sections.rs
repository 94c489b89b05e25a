//! What is said about every table but the rules.

use super::told;

#[test]
fn base_url_and_region_exclude_each_other() {
    let text = r#"
[intercom]
region = "eu"
base_url = "https://intercom-proxy.example.com"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:3:1: `base_url` and `region` both say where Intercom is
      |
    3 | base_url = "https://intercom-proxy.example.com"
      | ^^^^^^^^
    help: leave one of the two out: the region, unless requests go through a proxy of yours
    "#);
}

#[test]
fn plain_http_is_for_this_machine_only() {
    let text = r#"
[intercom]
base_url = "http://proxy.example.com"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:12: `base_url` is not encrypted
      |
    2 | base_url = "http://proxy.example.com"
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^
    help: write https://; plain http is for this machine only, as it would show the access token to others
    "#);
}

#[test]
fn credentials_in_base_url_are_refused_and_not_repeated() {
    let text = r#"
[intercom]
base_url = "https://somebody:hush@proxy.example.com"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:12: `base_url` has credentials in it
    help: take the user name and password out; the access token comes from the environment
    "#);
}

#[test]
fn a_base_url_is_a_host_and_nothing_more() {
    let text = r#"
[intercom]
base_url = "https://proxy.example.com/v2"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:12: `base_url` must end with the host and port
      |
    2 | base_url = "https://proxy.example.com/v2"
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    help: write for example base_url = "https://intercom-proxy.example.com"
    "#);
}

#[test]
fn a_base_url_is_an_address() {
    let text = r#"
[intercom]
base_url = "proxy"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:12: this is no address: relative URL without a base
      |
    2 | base_url = "proxy"
      |            ^^^^^^^
    help: write for example base_url = "https://intercom-proxy.example.com"
    "#);
}

#[test]
fn an_old_api_version_is_refused() {
    let text = r#"
[intercom]
api_version = "2.5"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:15: this version of Intercom's API is too old: before 2.6 its fields have other names
      |
    2 | api_version = "2.5"
      |               ^^^^^
    help: write api_version = "2.16", or any version from 2.6 on
    "#);
}

#[test]
fn an_api_version_is_two_numbers() {
    let text = r#"
[intercom]
api_version = "Unstable"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:15: this is no version of Intercom's API
      |
    2 | api_version = "Unstable"
      |               ^^^^^^^^^^
    help: write for example api_version = "2.16"
    "#);
}

#[test]
fn ids_are_told_where_to_find_them() {
    let text = r#"
[intercom]
admin_id = "somebody@example.com"
app_id = "my app"
requests_per_10s = 0
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:12: `admin_id` must be the id of a teammate, in digits
      |
    2 | admin_id = "somebody@example.com"
      |            ^^^^^^^^^^^^^^^^^^^^^^
    help: write the number that Intercom gave the teammate, such as admin_id = "5784329"; leave it out for the token's own

    a.toml:3:10: this is no id of a workspace
      |
    3 | app_id = "my app"
      |          ^^^^^^^^
    help: it stands in the address of your inbox, such as "ab12cd34"; leave it out to learn it from Intercom

    a.toml:4:20: `requests_per_10s` must be 5 or more, and at most 4294967295
      |
    4 | requests_per_10s = 0
      |                    ^
    help: write for example requests_per_10s = 500
    "#);
}

#[test]
fn listeners_have_an_address_each() {
    let text = r#"
[server]
listen = "localhost:8080"
webhook_path = "webhooks"
max_body = "1 MB"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:10: this is no address to listen on
      |
    2 | listen = "localhost:8080"
      |          ^^^^^^^^^^^^^^^^
    help: write an IP address and a port, such as "127.0.0.1:8080", or "0.0.0.0:8080" for every interface

    a.toml:3:16: `webhook_path` must begin with a slash
      |
    3 | webhook_path = "webhooks"
      |                ^^^^^^^^^^
    help: write "/webhooks"

    a.toml:4:12: this is no size
      |
    4 | max_body = "1 MB"
      |            ^^^^^^
    help: write a whole number with B, KiB or MiB, such as "1 MiB"
    "#);
}

#[test]
fn one_address_cannot_be_public_and_private() {
    let text = r#"
[server]
listen = "0.0.0.0:9000"
[admin]
listen = "0.0.0.0:9000"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:4:10: [server] and [admin] listen on the same address
      |
    4 | listen = "0.0.0.0:9000"
      |          ^^^^^^^^^^^^^^
    help: give [admin] an address of its own that the internet cannot reach, such as "127.0.0.1:8081"
    "#);
}

#[test]
fn the_health_check_s_path_is_taken() {
    let text = r#"
[server]
webhook_path = "/health"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:16: `webhook_path` needs a path of its own
      |
    2 | webhook_path = "/health"
      |                ^^^^^^^^^
    help: write for example "/webhooks/intercom"
    "#);
}

#[test]
fn the_database_is_a_file() {
    let text = r#"
[database]
url = "postgres://db.example.com/autoclosed"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:7: the database must be a SQLite file
      |
    2 | url = "postgres://db.example.com/autoclosed"
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    help: write for example url = "sqlite:/var/lib/autoclosed/autoclosed.db"
    "#);
}

#[test]
fn a_database_in_memory_is_refused() {
    let text = r#"
[database]
url = "sqlite::memory:"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:7: a database in memory is gone after a restart, and with it what was promised
      |
    2 | url = "sqlite::memory:"
      |       ^^^^^^^^^^^^^^^^^
    help: write for example url = "sqlite:/var/lib/autoclosed/autoclosed.db"
    "#);
}

#[test]
fn a_database_path_is_plain() {
    let text = r#"
[database]
url = "sqlite://autoclosed.db?mode=rwc"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:7: after `sqlite:` comes the plain path of the file, without // and options
      |
    2 | url = "sqlite://autoclosed.db?mode=rwc"
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    help: write for example url = "sqlite:/var/lib/autoclosed/autoclosed.db"
    "#);
}

#[test]
fn a_schedule_of_five_fields_is_told_its_six() {
    let text = r#"
[schedule]
sweep = "*/10 * * * *"
reconcile = "0 0 0 30 2 *"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:9: this schedule has five fields: the seconds are missing
      |
    2 | sweep = "*/10 * * * *"
      |         ^^^^^^^^^^^^^^
    help: seconds come first; the same schedule is "0 */10 * * * *"

    a.toml:3:13: no date fits this schedule, so nothing would ever happen
      |
    3 | reconcile = "0 0 0 30 2 *"
      |             ^^^^^^^^^^^^^^
    help: check day of month, month and day of week
    "#);
}

#[test]
fn budgets_are_not_negative() {
    let text = r#"
[safety]
max_actions_per_sweep = -1
max_closes_per_hour = -5
max_messages_per_hour = 99999999999
hold_tags = ["autoclose-hold", " "]
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:25: `max_actions_per_sweep` must be 0 or more, and at most 4294967295
      |
    2 | max_actions_per_sweep = -1
      |                         ^^
    help: write for example max_actions_per_sweep = 30

    a.toml:3:23: `max_closes_per_hour` must be 0 or more, and at most 4294967295
      |
    3 | max_closes_per_hour = -5
      |                       ^^
    help: write for example max_closes_per_hour = 100

    a.toml:4:25: `max_messages_per_hour` must be 0 or more, and at most 4294967295
      |
    4 | max_messages_per_hour = 99999999999
      |                         ^^^^^^^^^^^
    help: write for example max_messages_per_hour = 100

    a.toml:5:32: `hold_tags` has an empty text in it
      |
    5 | hold_tags = ["autoclose-hold", " "]
      |                                ^^^
    help: write for example hold_tags = ["autoclose-hold"]
    "#);
}

#[test]
fn a_share_is_a_number_between_nothing_and_all() {
    for (written, share) in [("0.5", 0.5), ("1", 1.0), ("1.0", 1.0), ("0", 0.0), ("2.5e-1", 0.25)] {
        let text = format!("[safety]\ntrip_reopen_rate = {written}\n");
        let config = crate::config::parse("a.toml", text.as_bytes()).unwrap().config;
        assert_eq!(Some(config.safety.trip_reopen_rate), crate::safety::Share::new(share), "{written}");
    }
    insta::assert_snapshot!(told("\n[safety]\ntrip_reopen_rate = 25\n"), @"
    a.toml:2:20: `trip_reopen_rate` must be between 0 and 1
      |
    2 | trip_reopen_rate = 25
      |                    ^^
    help: write it as a share: trip_reopen_rate = 0.25 for one in four
    ");
    insta::assert_snapshot!(told("\n[safety]\ntrip_reopen_rate = nan\n"), @"
    a.toml:2:20: `trip_reopen_rate` must be between 0 and 1
      |
    2 | trip_reopen_rate = nan
      |                    ^^^
    help: write it as a share: trip_reopen_rate = 0.25 for one in four
    ");
    insta::assert_snapshot!(told("\n[safety]\ntrip_reopen_rate = \"25 %\"\n"), @r#"
    a.toml:2:20: `trip_reopen_rate` must be a number between 0 and 1, not text
      |
    2 | trip_reopen_rate = "25 %"
      |                    ^^^^^^
    help: write for example trip_reopen_rate = 0.25
    "#);
    let doubted = crate::config::parse("a.toml", b"[safety]\ntrip_reopen_rate = 0\n").unwrap().warnings;
    let doubt = doubted.warnings.iter().find(|doubt| doubt.message.contains("trip")).unwrap();
    assert_eq!(doubt.message, "with trip_reopen_rate = 0 a single close that a contact reopens stops its rule");
    let help = "write for example trip_reopen_rate = 0.25; with 1 a rule stops only when every close is reopened";
    assert_eq!(doubt.help, help);
}

#[test]
fn a_base_url_is_https() {
    let text = r#"
[intercom]
base_url = "ftp://proxy.example.com"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:12: `base_url` must begin with https://
      |
    2 | base_url = "ftp://proxy.example.com"
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^
    help: write for example base_url = "https://intercom-proxy.example.com"
    "#);
}

#[test]
fn a_webhook_path_is_plain() {
    let text = r#"
[server]
webhook_path = "/webhooks?x=1"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:16: `webhook_path` has a character in it that does not belong in a path
      |
    2 | webhook_path = "/webhooks?x=1"
      |                ^^^^^^^^^^^^^^^
    help: use letters, digits, and the signs / - . _ ~ only
    "#);
}

#[test]
fn a_database_has_a_file_name() {
    let text = r#"
[database]
url = "sqlite: "
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:2:7: the database has no file name
      |
    2 | url = "sqlite: "
      |       ^^^^^^^^^^
    help: write for example url = "sqlite:/var/lib/autoclosed/autoclosed.db"
    "#);
}
