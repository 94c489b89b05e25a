//! Prometheus itself, with our scrape example, asks a daemon: what it then knows is what rules and dashboard ask it for.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::Client;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::nearby::{Neighbour, free_address, with};
use super::{panels, root, text, tools, word};
use crate::harness::{House, QUIET_A_DAY, days};

const PATIENCE: Duration = Duration::from_secs(30);

struct Prometheus {
    client: Client,
    url: String,
    _running: Neighbour,
}

impl Prometheus {
    /// The figures that it finds.
    async fn finds(&self, expression: &str) -> Vec<Value> {
        let query = [("query", expression)];
        let answer = self.client.get(format!("{}/api/v1/query", self.url)).query(&query).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }

    async fn is_ready(&self) -> bool {
        let answer = self.client.get(format!("{}/-/ready", self.url)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    async fn has_asked(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.is_ready().await {
            assert!(Instant::now() < deadline, "it does not get ready");
            sleep(Duration::from_millis(100)).await;
        }
        while self.finds("count_over_time(autoclosed_build_info[1m]) >= 2").await.is_empty() {
            assert!(Instant::now() < deadline, "it asked nobody");
            sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn what_prometheus_gets_is_what_rules_and_dashboard_ask_for() {
    let Some(tools) = tools() else { return };
    let house = House::with(QUIET_A_DAY).await;
    house.answered().await;
    house.after(days(1)).await;
    let folder = tempfile::tempdir().unwrap();
    let target = house.daemon().admin_address().to_string();
    let example = text("deploy/prometheus/prometheus.yml");
    let example =
        with(&example, &[("127.0.0.1:8081", target.as_str()), ("scrape_interval: 15s", "scrape_interval: 1s")]);
    fs::write(folder.path().join("prometheus.yml"), example).unwrap();
    let rules = "deploy/prometheus/autoclosed.rules.yml";
    fs::copy(root().join(rules), folder.path().join("autoclosed.rules.yml")).unwrap();
    let address = free_address();
    let mut prometheus = Command::new(tools.join("usr/bin/prometheus"));
    prometheus.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=error"]);
    prometheus.arg(format!("--web.listen-address={address}")).current_dir(&folder).stderr(Stdio::null());
    let running = Neighbour::start(&mut prometheus, address).await;
    let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let prometheus = Prometheus { client, url: format!("http://{address}"), _running: running };
    prometheus.has_asked().await;

    let jobs = prometheus.finds("count by (exported_job) (autoclosed_job_last_success_timestamp_seconds)").await;
    let jobs: Vec<&str> = jobs.iter().map(|found| word(&found["metric"], "exported_job")).collect();
    assert_eq!(jobs, ["reconcile", "sweep"], "Prometheus renames the label");
    assert_eq!(prometheus.finds("up{job=\"autoclosed\",workspace=\"main\"} == 1").await.len(), 1);
    let mut empty = Vec::new();
    for (panel, expression, _) in panels() {
        let expression = expression.replace("$instance", ".*").replace("$__rate_interval", "1m");
        if prometheus.finds(&expression).await.is_empty() {
            empty.push(panel);
        }
    }
    assert_eq!(empty, ["Requests that went wrong, in an hour"], "every other panel has something to show");
}
