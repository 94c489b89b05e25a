//! What there is to watch: the metrics with their labels, and the values of these that a daemon tells or the handbook
//! names.

use std::collections::{BTreeMap, BTreeSet};

use autoclosed::metrics::names::{self, Family, Kind};

use super::promql::{Metric, Named};
use super::text;
use crate::harness::{House, QUIET_A_DAY, days};
use crate::metrics::page::Page;

/// Labels that every figure has from its target, by the scrape example.
const OF_TARGETS: [&str; 3] = ["job", "instance", "workspace"];

/// What is borrowed of a constant ends with the expression; of this it does not.
const FAMILIES: &[Family] = &names::ALL;

pub(crate) struct Known {
    /// By metric and label.
    values: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Known {
    /// As a daemon tells it that has closed a conversation, and the handbook.
    pub(crate) async fn told() -> Known {
        let house = House::with(QUIET_A_DAY).await;
        house.answered().await;
        house.after(days(1)).await;
        let page = Page::of(&house).await;
        let mut values: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for (name, told) in page.families {
            for (label, value) in told.figures.into_iter().flat_map(|(_, labels, _)| labels) {
                values.entry((name.clone(), label)).or_default().insert(value);
            }
        }
        let handbook = text("docs/operations.md");
        for family in &names::ALL {
            let row = row(&handbook, family.name);
            for label in family.labels {
                let known = values.entry((family.name.to_owned(), (*label).to_owned())).or_default();
                known.extend(row.split('`').skip(1).step_by(2).map(str::to_owned));
            }
        }
        Known { values }
    }

    /// What an expression names that is not there, in words.
    pub(crate) fn wrong(&self, expression: &str) -> Vec<String> {
        let named = Named::of(expression);
        let mut wrong: Vec<String> = named.metrics.iter().flat_map(|metric| self.wrong_metric(metric)).collect();
        if named.metrics.is_empty() {
            wrong.push("it names no metric".into());
        }
        for (label, of) in &named.grouped {
            let without = named.metrics[of.clone()].iter().filter(|metric| !has(metric, label));
            wrong.extend(without.map(|metric| format!("{} has no label {label}", metric.name)));
        }
        for label in &named.matched {
            if !named.metrics.iter().any(|metric| has(metric, label)) {
                wrong.push(format!("nothing in it has a label {label}"));
            }
        }
        wrong
    }

    /// Labels in a text beside an expression that its result does not have.
    pub(crate) fn wrong_labels<'a>(expression: &str, labels: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let named = Named::of(expression);
        let there = |label: &str| match named.kept() {
            Some(kept) => kept.contains(label),
            None => named.metrics.iter().any(|metric| has(metric, label)),
        };
        labels.into_iter().filter(|label| !there(label)).map(|label| format!("its result has no {label}")).collect()
    }

    fn wrong_metric(&self, metric: &Metric) -> Vec<String> {
        let mut wrong = Vec::new();
        if family(&metric.name).is_none() && metric.name != "up" {
            return vec![format!("there is no metric {}", metric.name)];
        }
        for (label, sign, value) in &metric.conditions {
            if !has(metric, label) {
                wrong.push(format!("{} has no label {label}", metric.name));
                continue;
            }
            let values: Vec<&str> = if sign.ends_with('~') { value.split('|').collect() } else { vec![value] };
            let unknown = values.into_iter().filter(|value| !self.knows(metric, label, value));
            wrong.extend(unknown.map(|value| format!("{} has no {label}=\"{value}\"", metric.name)));
        }
        wrong
    }

    fn knows(&self, metric: &Metric, label: &str, value: &str) -> bool {
        let own = if label == "exported_job" { "job" } else { label };
        let Some(family) = family(&metric.name) else { return label != "job" || value == "autoclosed" };
        let is_of_target = OF_TARGETS.contains(&label) && !family.labels.contains(&label);
        let is_status = label == "status" && value.len() == 3 && value.starts_with(|c: char| c.is_ascii_digit());
        let known = self.values.get(&(family.name.to_owned(), own.to_owned()));
        is_of_target || is_status || own == "le" || known.is_some_and(|known| known.contains(value))
    }
}

/// The family that a figure of that name belongs to.
pub(crate) fn family(name: &str) -> Option<&'static Family> {
    let of = |family: &&Family| {
        let rest = name.strip_prefix(family.name);
        let parts: &[&str] = if family.kind == Kind::Histogram { &["_bucket", "_sum", "_count"] } else { &[""] };
        rest.is_some_and(|rest| parts.contains(&rest))
    };
    FAMILIES.iter().find(of)
}

fn has(metric: &Metric, label: &str) -> bool {
    let own: &[&str] = family(&metric.name).map_or(&[], |family| family.labels);
    match label {
        // A label that the target has too is renamed.
        "exported_job" => own.contains(&"job"),
        "le" => metric.name.ends_with("_bucket"),
        label => own.contains(&label) || OF_TARGETS.contains(&label),
    }
}

/// What the handbook says of a metric.
fn row<'a>(handbook: &'a str, name: &str) -> &'a str {
    let starts = [format!("| `{name}`"), format!("| `{name}{{")];
    let row = handbook.lines().find(|line| starts.iter().any(|start| line.starts_with(start)));
    row.and_then(|row| row.rsplit_once(" | ")).expect(name).1
}
