//! Figures to text.
//!
//! Owns: the form of the page, Prometheus text 0.0.4. Refuses: `OpenMetrics`, although the library writes that: there a
//! counter's `_total` is no part of its name, so `autoclosed_actions` and `autoclosed_actions_total` would be two metrics
//! of one name.

use std::fmt::{self, Write};

use prometheus_client::encoding::text::encode_registry;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::names::{Family, Kind};

/// The media type of the page.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

const TOTAL: &str = "_total";

/// One figure.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Of a counter.
    Count(u64),
    /// Of a counter of seconds.
    Seconds(f64),
    /// Of a gauge.
    Level(i64),
    /// Of a gauge of moments.
    Moment(f64),
    /// Of a histogram.
    Spread(Histogram),
}

/// The values of a family's labels, in their order, and the figure.
pub(super) type Sample = (Vec<String>, Value);

/// What is told at one asking.
#[derive(Debug, Default)]
pub(super) struct Page(Registry);

#[derive(Debug)]
struct Samples {
    kind: MetricType,
    samples: Vec<(Vec<(&'static str, String)>, Value)>,
}

impl Page {
    /// Adds the figures of a family; of one without figures nothing is told.
    pub(super) fn put(&mut self, family: Family, samples: impl IntoIterator<Item = Sample>) {
        let named = |values: Vec<String>| family.labels.iter().copied().zip(values).collect();
        let samples = samples.into_iter().map(|(values, figure)| (named(values), figure)).collect();
        let name = family.name.strip_suffix(TOTAL).unwrap_or(family.name);
        self.0.register(name, family.help, Samples { kind: kind(family.kind), samples });
    }

    /// Adds the figure of a family without labels.
    pub(super) fn put_one(&mut self, family: Family, value: Value) {
        self.put(family, [(Vec::new(), value)]);
    }

    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let mut open = String::new();
        encode_registry(&mut open, &self.0)?;
        let mut text = String::with_capacity(open.len());
        let mut lines = open.lines();
        while let Some(line) = lines.next() {
            match line.strip_prefix("# HELP ").and_then(|help| help.split_once(' ')) {
                Some((name, help)) => {
                    let kind = lines.next().and_then(|line| line.rsplit_once(' ')).map_or("untyped", |(_, kind)| kind);
                    let total = if kind == "counter" { TOTAL } else { "" };
                    writeln!(text, "# HELP {name}{total} {help}\n# TYPE {name}{total} {kind}")?;
                }
                None => writeln!(text, "{line}")?,
            }
        }
        Ok(text)
    }
}

fn kind(kind: Kind) -> MetricType {
    match kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram => MetricType::Histogram,
    }
}

impl Value {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        match self {
            Value::Count(count) => encoder.encode_counter::<NoLabelSet, _, u64>(count, None),
            Value::Seconds(seconds) => encoder.encode_counter::<NoLabelSet, _, f64>(seconds, None),
            Value::Level(level) => encoder.encode_gauge(level),
            Value::Moment(moment) => encoder.encode_gauge(moment),
            Value::Spread(histogram) => histogram.encode(encoder),
        }
    }
}

impl EncodeMetric for Samples {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        if let [(labels, value)] = self.samples.as_slice()
            && labels.is_empty()
        {
            return value.encode(encoder);
        }
        self.samples.iter().try_for_each(|(labels, value)| value.encode(encoder.encode_family(labels)?))
    }

    fn metric_type(&self) -> MetricType {
        self.kind
    }

    fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::{ACKNOWLEDGED, ACTIONS, DUE, ENDED, MISSED, SUCCEEDED, TOPICS, WAITED};
    use super::*;

    fn of(rule: &str, outcome: &str) -> Vec<String> {
        vec![rule.to_owned(), outcome.to_owned()]
    }

    #[test]
    fn a_page_reads_as_prometheus_expects_it() {
        let mut page = Page::default();
        let spread = Histogram::new([0.05, 5.0]);
        spread.observe(0.01);
        spread.observe(7.0);
        page.put(ACTIONS, [(of("a", "done"), Value::Level(3)), (of("b", "left"), Value::Level(1))]);
        page.put(ENDED, [(of("a \"b\" c\\d\nµ", "done"), Value::Count(2))]);
        page.put(TOPICS, []);
        page.put_one(MISSED, Value::Count(0));
        page.put_one(DUE, Value::Level(4));
        page.put_one(WAITED, Value::Seconds(1.5));
        page.put_one(ACKNOWLEDGED, Value::Spread(spread));
        page.put(SUCCEEDED, [(vec!["sweep".to_owned()], Value::Moment(1_772_442_000.25))]);
        insta::assert_snapshot!(page.text().unwrap(), @r#"
    # HELP autoclosed_actions Steps that were taken up, each counted once for its period, by their present outcome.
    # TYPE autoclosed_actions gauge
    autoclosed_actions{rule="a",outcome="done"} 3
    autoclosed_actions{rule="b",outcome="left"} 1
    # HELP autoclosed_actions_total Steps that are over for good, by how they ended.
    # TYPE autoclosed_actions_total counter
    autoclosed_actions_total{rule="a \"b\" c\\d\nµ",outcome="done"} 2
    # HELP autoclosed_missed_notifications_total Changes found in Intercom that no notification had told.
    # TYPE autoclosed_missed_notifications_total counter
    autoclosed_missed_notifications_total 0
    # HELP autoclosed_due Steps that were taken up as due: those done, raced, left, deferred, failed and unclear together; dry_run is none of them.
    # TYPE autoclosed_due gauge
    autoclosed_due 4
    # HELP autoclosed_api_wait_seconds_total Time that requests to Intercom have waited for their turn.
    # TYPE autoclosed_api_wait_seconds_total counter
    autoclosed_api_wait_seconds_total 1.5
    # HELP autoclosed_webhook_acknowledgement_seconds Time from a signed notification's arrival to its answer, 200 or 503; Intercom wants it within half a second.
    # TYPE autoclosed_webhook_acknowledgement_seconds histogram
    autoclosed_webhook_acknowledgement_seconds_sum 7.01
    autoclosed_webhook_acknowledgement_seconds_count 2
    autoclosed_webhook_acknowledgement_seconds_bucket{le="0.05"} 1
    autoclosed_webhook_acknowledgement_seconds_bucket{le="5.0"} 1
    autoclosed_webhook_acknowledgement_seconds_bucket{le="+Inf"} 2
    # HELP autoclosed_job_last_success_timestamp_seconds When a sweep or a look at the workspace last ended well since the start, in seconds since 1970.
    # TYPE autoclosed_job_last_success_timestamp_seconds gauge
    autoclosed_job_last_success_timestamp_seconds{job="sweep"} 1772442000.25
    "#);
    }
}
