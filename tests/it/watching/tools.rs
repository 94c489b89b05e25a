//! What the programs of others say of our examples: promtool, curl and jq.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::nearby::{done, free_address, with};
use super::{between, panels, root, text, tools};
use crate::harness::{House, QUIET_A_DAY};

fn promtool(tools: &Path, arguments: &[&str]) -> String {
    let mut promtool = Command::new(tools.join("usr/bin/promtool"));
    done(promtool.args(arguments).current_dir(root().join("deploy/prometheus")))
}

#[test]
fn prometheus_takes_the_scrape_example_and_the_rules() {
    let Some(tools) = tools() else { return };
    promtool(&tools, &["check", "config", "prometheus.yml"]);
    promtool(&tools, &["check", "rules", "autoclosed.rules.yml"]);
}

#[test]
fn each_rule_fires_when_it_should_and_no_other_does() {
    let Some(tools) = tools() else { return };
    promtool(&tools, &["test", "rules", "autoclosed.rules.test.yml", "autoclosed.rules.days.test.yml"]);
}

/// As rules that record: promtool knows no dashboards.
#[test]
fn prometheus_takes_every_expression_of_the_dashboard() {
    let Some(tools) = tools() else { return };
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (number, (panel, expression, _)) in panels().into_iter().enumerate() {
        let expression = expression.replace("$__rate_interval", "5m").replace('\'', "''");
        writeln!(rules, "      # {panel}\n      - {{ record: 'a:{number}', expr: '{expression}' }}").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dashboard.yml");
    fs::write(&file, rules).unwrap();
    promtool(&tools, &["check", "rules", file.to_str().unwrap()]);
}

/// Intercom's list as it documents it, with these ranges for webhooks and one for something else.
fn list(ranges: &[&str]) -> String {
    let entry = |range: &str, service: &str| serde_json::json!({ "range": range, "region": "US", "service": service });
    let mut entries: Vec<_> = ranges.iter().map(|range| entry(range, "INTERCOM-OUTBOUND")).collect();
    entries.push(entry("192.0.2.9/32", "INTERCOM-INBOUND"));
    serde_json::json!({ "ip_ranges": entries, "date": "2026-08-01" }).to_string()
}

#[test]
fn a_new_list_of_addresses_is_taken_and_a_strange_one_is_not() {
    if tools().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (json, file) = (folder.path().join("list.json"), folder.path().join("addresses"));
    let renew = |form: &str| {
        let mut command = Command::new(root().join("deploy/intercom-addresses"));
        command.args([form, "us"]).arg(&file).arg(&json).output().unwrap()
    };
    let said = |form: &str| String::from_utf8(renew(form).stdout).unwrap();
    fs::write(&json, list(&["192.0.2.7/32", "192.0.2.1/32", "198.51.100.0/28", "192.0.2.7/32"])).unwrap();
    assert_eq!([said("nginx"), said("nginx")], ["changed\n", "unchanged\n"]);
    insta::assert_snapshot!(fs::read_to_string(&file).unwrap(), @"
    # Where Intercom sends webhooks from, region us, as of 2026-08-01. Renew it with intercom-addresses.
    # https://static.intercomcdn.com/intercom-ips/us/intercom-ip-ranges.json
    allow 192.0.2.1;
    allow 192.0.2.7;
    allow 198.51.100.0/28;
    ");
    assert_eq!(said("caddy"), "changed\n");
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.ends_with("\nremote_ip 192.0.2.1 192.0.2.7 198.51.100.0/28\n"), "{kept}");
    for strange in [
        list(&[]),
        list(&["0.0.0.0/0"]),
        list(&["192.0.2.1/32", "10.0.0.0/8"]),
        list(&["192.0.2.1/32; allow all"]),
        list(&["all"]),
        list(&["192.0.2.1\nall"]),
        "<html>".to_owned(),
        String::new(),
        "{}".to_owned(),
    ] {
        fs::write(&json, &strange).unwrap();
        let refused = renew("caddy");
        let told = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{strange}");
        assert!(told.ends_with(&format!("{} is left as it was\n", file.display())), "{told}");
        assert_eq!(fs::read_to_string(&file).unwrap(), kept, "{strange}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left behind");
}

/// Whoever waits for signs of life, and counts them.
fn monitor() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, heard) = (format!("http://{}/ping/id", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    let counts = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /ping/id "));
            counts.fetch_add(1, Ordering::SeqCst);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK").unwrap();
        }
    });
    (url, heard)
}

/// The commands of the unit, one after the other until one fails, as systemd does it.
async fn beats(admin: &str, folder: &Path) -> bool {
    let unit = with(&text("deploy/heartbeat/autoclosed-heartbeat.service"), &[("127.0.0.1:8081", admin)]);
    let lines: Vec<String> = between(&unit, "\nExecStart=", "\n").into_iter().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2);
    let folder = folder.display().to_string();
    let run = move || {
        lines.iter().all(|line| {
            let mut words = line.split(' ').map(|word| word.replace("${CREDENTIALS_DIRECTORY}", &folder));
            let mut command = Command::new(words.next().unwrap());
            command.args(words).output().unwrap().status.success()
        })
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[tokio::test]
async fn signs_of_life_go_out_only_while_all_is_well_or_paused_on_purpose() {
    if tools().is_none() {
        return;
    }
    let mut house = House::with(QUIET_A_DAY).await;
    house.sweep().await;
    let folder = tempfile::tempdir().unwrap();
    let (url, heard) = monitor();
    fs::write(folder.path().join("heartbeat"), format!("url = \"{url}\"\n")).unwrap();
    let admin = house.daemon().admin_address().to_string();
    assert!(beats(&admin, folder.path()).await);
    house.daemon().store().pause(None, house.clock.now()).await.unwrap();
    assert!(beats(&admin, folder.path()).await, "an operator knows of it");
    assert_eq!(heard.load(Ordering::SeqCst), 2);
    house.clock.advance(crate::harness::hours(3));
    assert!(!beats(&admin, folder.path()).await, "no sweep for three hours");
    house.stop().await;
    assert!(!beats(&admin, folder.path()).await, "nobody there");
    assert!(!beats(&free_address().to_string(), folder.path()).await);
    assert_eq!(heard.load(Ordering::SeqCst), 2);
}
