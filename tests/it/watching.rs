//! What watches the daemon: alert rules, the dashboard, the heartbeat and the reverse proxies in `deploy`. Whatever they
//! name is there, in both directions, and the proxies are set as the program is.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod known;
mod nearby;
mod promql;
mod proxies;
mod scraped;
mod tools;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use autoclosed::metrics::names;
use autoclosed::{config, server};
use serde_json::Value;

use self::known::{Known, family};
use self::promql::Named;
use crate::harness::House;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| unreachable!("{path}: {error}"))
}

/// The folder with the programs of others that try our examples, as `.ci/run` prepares it.
fn tools() -> Option<PathBuf> {
    let folder = std::env::var_os("AUTOCLOSED_TOOLS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: AUTOCLOSED_TOOLS names no folder with promtool, nginx and caddy");
    }
    folder
}

/// Every alert rule.
fn alerts() -> Vec<Value> {
    let rules: Value = serde_saphyr::from_str(&text("deploy/prometheus/autoclosed.rules.yml")).unwrap();
    let groups = rules["groups"].as_array().unwrap();
    let alerts: Vec<Value> = groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect();
    assert!(alerts.len() > 20, "the rules were not found");
    alerts
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| unreachable!("no {key}: {value}"))
}

/// Every expression of the dashboard, with its place and its legend.
fn panels() -> Vec<(String, String, String)> {
    let dashboard: Value = serde_json::from_str(&text("deploy/grafana/autoclosed.json")).unwrap();
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let of = |key| word(target, key).to_owned();
            found.push((word(panel, "title").to_owned(), of("expr"), of("legendFormat")));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if let Some(query) = variable["query"]["query"].as_str() {
            let asked = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')).unwrap();
            let (metric, label) = asked.split_once(", ").unwrap();
            found.push((word(variable, "name").to_owned(), format!("count by ({label}) ({metric})"), String::new()));
        }
    }
    assert!(found.len() > 20, "the panels were not found");
    found
}

/// The words between the two marks.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).map(str::trim).collect()
}

#[tokio::test]
async fn everything_that_rules_and_dashboard_name_is_there() {
    let known = Known::told().await;
    let mut wrong = Vec::new();
    for alert in alerts() {
        let (name, expression) = (word(&alert, "alert"), word(&alert, "expr"));
        let told = alert["annotations"].to_string();
        let labels = between(&told, "$labels.", "}}");
        let found = known.wrong(expression).into_iter().chain(Known::wrong_labels(expression, labels));
        wrong.extend(found.map(|what| format!("{name}: {what}")));
    }
    for (panel, expression, legend) in panels() {
        let labels = between(&legend, "{{", "}}");
        let found = known.wrong(&expression).into_iter().chain(Known::wrong_labels(&expression, labels));
        wrong.extend(found.map(|what| format!("{panel}: {what}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_not_there_is_noticed() {
    let known = Known::told().await;
    for (expression, want) in [
        ("autoclosed_backlogs > 0", "there is no metric autoclosed_backlogs"),
        ("time() - autoclosed_job_duration_seconds > 1", "there is no metric autoclosed_job_duration_seconds"),
        ("autoclosed_due_bucket", "there is no metric autoclosed_due_bucket"),
        ("autoclosed_health{checks=\"sweep\"} == 0", "autoclosed_health has no label checks"),
        ("autoclosed_health{check=\"sweeps\"} == 0", "autoclosed_health has no check=\"sweeps\""),
        ("autoclosed_health{check=~\"admin|clocks\"}", "autoclosed_health has no check=\"clocks\""),
        ("autoclosed_actions{outcome=\"fail\"} > 0", "autoclosed_actions has no outcome=\"fail\""),
        ("sum by (topic) (autoclosed_backlog)", "autoclosed_backlog has no label topic"),
        ("a{b=\"c\"} offset 5m", "there is no metric a"),
        ("autoclosed_due unless on (rule) autoclosed_backlog", "nothing in it has a label rule"),
        ("up{job=\"auto-closed\"} == 0", "up has no job=\"auto-closed\""),
        ("vector(1)", "it names no metric"),
    ] {
        assert_eq!(known.wrong(expression), [want], "{expression}");
    }
    let told = "histogram_quantile(0.9, sum by (exported_job, le) (rate(autoclosed_job_duration_seconds_bucket[5m])))";
    assert_eq!(known.wrong(told), Vec::<String>::new());
    assert_eq!(Known::wrong_labels(told, ["exported_job", "instance"]), ["its result has no instance"]);
    assert_eq!(Known::wrong_labels("autoclosed_due", ["instance", "rule"]), ["its result has no rule"]);
}

#[test]
fn every_metric_is_on_the_dashboard() {
    let shown: BTreeSet<String> =
        panels().iter().flat_map(|(_, expression, _)| Named::of(expression).metrics).map(|it| it.name).collect();
    let shown: BTreeSet<&str> = shown.iter().filter_map(|name| family(name)).map(|family| family.name).collect();
    let hidden: Vec<_> = names::ALL.iter().map(|family| family.name).filter(|name| !shown.contains(name)).collect();
    assert!(hidden.is_empty(), "no panel shows {hidden:?}");
}

#[tokio::test]
async fn every_check_of_health_has_an_alert() {
    let house = House::with("").await;
    let report = house.health().await;
    let checks: BTreeSet<&str> = report["checks"].as_array().unwrap().iter().map(|it| word(it, "name")).collect();
    let alerts = alerts();
    let mut watched = BTreeSet::new();
    for alert in &alerts {
        // What stands after `unless` keeps an alert from firing.
        let (fires, _) = word(alert, "expr").split_once("unless").unwrap_or((word(alert, "expr"), ""));
        let told = between(fires, "autoclosed_health{check=", "}").into_iter();
        watched.extend(told.flat_map(|checks| checks.trim_matches(['~', '"']).split('|')));
    }
    assert_eq!(watched, checks, "left: what an alert looks at; right: the checks there are");
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do_and_where_more_is_told() {
    let handbook = text("docs/operations.md");
    let headings = handbook.lines().filter_map(|line| line.strip_prefix("## "));
    let places: BTreeSet<String> = headings.map(|line| line.to_lowercase().replace(' ', "-")).collect();
    let tried =
        text("deploy/prometheus/autoclosed.rules.test.yml") + &text("deploy/prometheus/autoclosed.rules.days.test.yml");
    let mut names = BTreeSet::new();
    for alert in alerts() {
        let (name, told) = (word(&alert, "alert"), &alert["annotations"]);
        assert!(["critical", "warning", "info"].contains(&word(&alert["labels"], "severity")), "{name}");
        assert!(word(told, "summary").contains("autoclosed") || word(told, "summary").contains("instance"), "{name}");
        assert!(word(told, "what_to_do").ends_with('.'), "{name}: whole sentences");
        let place = word(told, "section").strip_prefix("docs/operations.md#").expect(name);
        assert!(places.contains(place), "{name}: there is no section {place}");
        assert!(tried.contains(&format!("alertname=\"{name}\"")), "{name}: let it fire in a test");
        assert!(names.insert(name.to_owned()), "{name} twice");
    }
}

/// The example without what it says about itself.
fn bare(path: &str) -> String {
    let lines = text(path);
    let lines = lines.lines().map(|line| line.split_once('#').map_or(line, |(line, _)| line).trim());
    lines
        .filter(|line| !line.is_empty())
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n")
        .collect()
}

#[test]
fn the_proxies_and_the_program_have_the_same_limits() {
    let config = config::parse("a.toml", b"").unwrap().config;
    let limits = server::Limits::default();
    assert_eq!(config.server.max_body, 1 << 20);
    let (public, path) = (config.server.listen, &config.server.webhook_path);
    let [header, body, idle] = [limits.header, limits.body, limits.idle].map(|limit| limit.as_secs());
    let nginx = bare("deploy/nginx/autoclosed.conf");
    for line in [
        "client_max_body_size 1m;\n".to_owned(),
        format!("client_header_timeout {header}s;\n"),
        format!("client_body_timeout {body}s;\n"),
        format!("keepalive_timeout {idle}s;\n"),
        format!("location = {path} {{\n"),
        format!("proxy_pass http://{public};\n"),
    ] {
        assert!(nginx.contains(&line), "nginx: {line}");
    }
    let caddy = bare("deploy/caddy/Caddyfile");
    for line in [
        "max_size 1MiB\n".to_owned(),
        format!("read_header {header}s\n"),
        format!("read_body {body}s\n"),
        format!("idle {idle}s\n"),
        format!("path {path}\n"),
        format!("reverse_proxy {public} {{\n"),
    ] {
        assert!(caddy.contains(&line), "caddy: {line}");
    }
    for proxy in [nginx, caddy] {
        let admin = config.admin.listen.port().to_string();
        assert!(!proxy.contains(&admin), "the admin listener is for this machine alone");
    }
}

#[test]
fn both_proxies_have_the_same_addresses_of_each_region() {
    let mut all = BTreeSet::new();
    for (region, count) in [("us", 6), ("eu", 3), ("au", 3)] {
        let nginx = bare(&format!("deploy/nginx/intercom-{region}.conf"));
        let nginx: Vec<&str> = between(&nginx, "allow ", ";");
        let caddy = bare(&format!("deploy/caddy/intercom-{region}"));
        let caddy: Vec<&str> = caddy.strip_prefix("remote_ip ").unwrap().split_whitespace().collect();
        assert_eq!(nginx, caddy, "{region}");
        assert_eq!(nginx.len(), count, "{region}");
        assert!(nginx.iter().all(|address| address.parse::<std::net::Ipv4Addr>().is_ok()), "{nginx:?}");
        all.extend(nginx.into_iter().map(str::to_owned));
    }
    assert_eq!(all.len(), 12, "no address is in two regions");
}

#[test]
fn whoever_asks_for_health_asks_where_it_is_told() {
    let admin = config::parse("a.toml", b"").unwrap().config.admin.listen.to_string();
    for path in ["deploy/prometheus/prometheus.yml", "deploy/heartbeat/autoclosed-heartbeat.service"] {
        assert!(bare(path).contains(&admin), "{path} does not ask {admin}");
    }
}
