//! What the Debian package is made of, as far as it can be seen without building it: `.ci/package` does that, and lives
//! with it in a clean Debian.

use std::fs;
use std::path::Path;
use std::process::Command;

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// From the first section on: what stands above is for people.
fn sections(unit: &str) -> String {
    unit[unit.find("[Unit]").unwrap()..].to_owned()
}

/// What one of several instances has of its own, and nothing else. A change of one unit belongs into both.
const ITS_OWN: [(&str, &str); 7] = [
    ("gone quiet\n", "gone quiet (%i)\n"),
    ("--config /etc/autoclosed/autoclosed.toml", "--config /etc/autoclosed/%i.toml"),
    (":/etc/autoclosed/intercom-access-token", ":/etc/autoclosed/%i/intercom-access-token"),
    (":/etc/autoclosed/intercom-client-secret", ":/etc/autoclosed/%i/intercom-client-secret"),
    ("StateDirectory=autoclosed\n", "StateDirectory=autoclosed@%i\n"),
    ("WorkingDirectory=%S/autoclosed\n", "WorkingDirectory=%S/autoclosed@%i\n"),
    (
        "ports can be listened on. Change them with `listen` under [server] and [admin].\n\
         SocketBindDeny=any\nSocketBindAllow=tcp:8080\nSocketBindAllow=tcp:8081\n",
        "ports can be listened on: two for each, as `listen` under [server] and [admin] has them.\n\
         SocketBindDeny=any\nSocketBindAllow=tcp:8080-8099\n",
    ),
];

#[test]
fn the_unit_of_several_instances_differs_only_where_each_has_its_own() {
    let mut wanted = sections(&file("deploy/autoclosed.service"));
    for (one, of_several) in ITS_OWN {
        assert_eq!(wanted.matches(one).count(), 1, "{one}");
        wanted = wanted.replace(one, of_several);
    }
    assert_eq!(sections(&file("deploy/autoclosed@.service")), wanted);
}

#[test]
fn the_package_has_the_version_of_the_program() {
    let changelog = file("deploy/debian/changelog");
    let wanted = concat!("autoclosed (", env!("CARGO_PKG_VERSION"), "-");
    assert!(changelog.starts_with(wanted), "deploy/debian/changelog: {}", changelog.lines().next().unwrap());
}

/// Whose first workspace is live has one more by the commands of docs/deploy.md, and it must not begin to act.
#[test]
fn one_more_workspace_begins_in_dry_run_with_a_database_and_ports_of_its_own() {
    let document = file("docs/deploy.md");
    let (_, section) = document.split_once("\n## Several workspaces\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let live = file("config/autoclosed.toml").replace("\nmode = \"dry-run\"", "\nmode = \"live\"");
    let live = live.replace("sqlite:autoclosed.db", "sqlite:/var/lib/autoclosed/autoclosed.db");
    assert!(live.contains("\nmode = \"live\"\n"), "or this shows nothing");
    fs::write(folder.path().join("shop.toml"), live).unwrap();
    for change in section.lines().filter_map(|line| line.strip_prefix("sudo sed ")) {
        let command = format!("sed {}", change.replace("/etc/autoclosed/shop.toml", "shop.toml"));
        let done = Command::new("sh").args(["-ec", &command]).current_dir(&folder).output().unwrap();
        assert!(done.status.success(), "{command}: {done:?}");
    }
    let made = fs::read_to_string(folder.path().join("shop.toml")).unwrap();
    let keys = ["mode = ", "listen = ", "url = "];
    let own: Vec<&str> = made.lines().filter(|line| keys.iter().any(|key| line.starts_with(key))).collect();
    insta::assert_snapshot!(own.join("\n"), @r#"
    mode = "dry-run"
    listen = "127.0.0.1:8082"
    listen = "127.0.0.1:8083"
    url = "sqlite:/var/lib/autoclosed@shop/autoclosed.db"
    "#);
}

/// As an administrator sees it first: no secrets yet, and nothing enabled.
#[test]
fn what_the_package_installs_is_in_dry_run_without_a_rule_and_has_an_absolute_path() {
    let (ours, theirs) = (r#"url = "sqlite:autoclosed.db""#, r#"url = "sqlite:/var/lib/autoclosed/autoclosed.db""#);
    let rules = file("deploy/debian/rules");
    assert!(rules.contains(ours) && rules.contains(theirs), "how the package changes the line");
    let text = file("config/autoclosed.toml");
    assert_eq!(text.matches(ours).count(), 1, "the line that it changes");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("autoclosed.toml"), text.replace(ours, theirs)).unwrap();
    let mut check = Command::new(env!("CARGO_BIN_EXE_autoclosed"));
    let answer =
        check.args(["check", "--config", "autoclosed.toml"]).current_dir(&folder).env_clear().output().unwrap();
    let told = format!("{}{}", String::from_utf8(answer.stderr).unwrap(), String::from_utf8(answer.stdout).unwrap());
    assert_eq!(answer.status.code(), Some(0), "{told}");
    insta::assert_snapshot!(told, @"
    autoclosed.toml:1:1: warning: there are no rules, so nothing will ever be closed
    help: add a [[rule]] when you want conversations closed; until then they are only recorded

    environment:1:1: warning: INTERCOM_ACCESS_TOKEN is not set
    help: set it, or give the service a systemd credential named intercom-access-token
    autoclosed.toml is in order.

    Mode: dry-run; decisions are written down, nothing is sent to Intercom
    Intercom: https://api.intercom.io/, version 2.16
    Webhooks: /webhooks/intercom on http://127.0.0.1:8080
    Health: http://127.0.0.1:8081
    Database: /var/lib/autoclosed/autoclosed.db
    Never touched while tagged: autoclose-hold
    ");
}
