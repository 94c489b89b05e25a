//! Reads what `GET /metrics` answers, as strictly as Prometheus and its linter do.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::StatusCode;

use crate::harness::House;

/// Labels, sorted by their names.
pub(crate) type Labels = BTreeMap<String, String>;

/// The parts of a histogram by their suffix: each figure with its bound.
type Parts<'a> = BTreeMap<&'a str, Vec<(f64, f64)>>;

/// What one asking told.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) families: BTreeMap<String, Told>,
    order: Vec<String>,
}

/// A family: its kind and its figures, by their names and labels.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) kind: String,
    pub(crate) figures: Vec<(String, Labels, f64)>,
}

impl Page {
    pub(crate) async fn of(house: &House) -> Page {
        Page::at(&format!("http://{}/metrics", house.daemon().admin_address())).await
    }

    pub(crate) async fn at(url: &str) -> Page {
        Page::read(&Page::text(url).await)
    }

    pub(crate) async fn text(url: &str) -> String {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let answer = client.get(url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        answer.text().await.unwrap()
    }

    /// Every line is the head of a family or one of its figures, and no rule is broken.
    pub(crate) fn read(text: &str) -> Page {
        assert!(text.ends_with('\n'), "the last line ends like every other");
        let mut page = Page::default();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(head) = line.strip_prefix("# HELP ") {
                let (name, help) = head.split_once(' ').unwrap();
                assert!(help.len() > 10, "{line}");
                let kind = lines.next().and_then(|line| line.strip_prefix(&format!("# TYPE {name} ")));
                let told = Told { kind: kind.expect(line).to_owned(), figures: Vec::new() };
                assert!(page.families.insert(name.to_owned(), told).is_none(), "twice: {name}");
                page.order.push(name.to_owned());
            } else {
                let name = page.order.last().expect("a figure without a family").clone();
                page.families.get_mut(&name).unwrap().figures.push(figure(line));
            }
        }
        page.families.iter().for_each(|(name, told)| told.lint(name));
        page
    }

    /// The names of the families in the order in which they were told.
    pub(crate) fn order(&self) -> &[String] {
        &self.order
    }

    /// The only figure of that name with these values of its labels, in the order of the labels' names; 0 if there is
    /// none.
    pub(crate) fn figure(&self, name: &str, values: &[&str]) -> f64 {
        let figures = self.families.values().flat_map(|told| &told.figures);
        let mut found = figures.filter(|(known, labels, _)| known == name && labels.values().eq(values));
        found.next().map_or(0.0, |(_, _, figure)| *figure)
    }

    /// Every figure of a family as the values of its labels and the figure, sorted.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let figures = self.families.get(name).into_iter().flat_map(|told| &told.figures);
        let line = |labels: &Labels, figure: &f64| {
            labels.values().cloned().chain([figure.to_string()]).collect::<Vec<_>>().join(" ")
        };
        let mut lines: Vec<_> = figures.map(|(_, labels, figure)| line(labels, figure)).collect();
        lines.sort();
        lines
    }
}

impl Told {
    fn lint(&self, name: &str) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(name.starts_with("autoclosed_") && name.chars().all(plain), "{name}");
        assert!(!self.figures.is_empty(), "{name}: a head without figures");
        let reserved = ["_total", "_count", "_sum", "_bucket"].into_iter().filter(|end| name.ends_with(end));
        let allowed = if self.kind == "counter" { vec!["_total"] } else { vec![] };
        assert_eq!(reserved.collect::<Vec<_>>(), allowed, "{name}: a counter, and nothing else, ends in _total");
        let odd_units = ["_milliseconds", "_ms", "_minutes", "_kib", "_mib", "_megabytes"];
        assert!(!odd_units.iter().any(|unit| name.contains(unit)), "{name}: seconds and bytes");
        let mut seen = BTreeSet::new();
        for (figure, labels, value) in &self.figures {
            assert!(seen.insert((figure, labels)), "{name}: {labels:?} twice");
            assert!(value.is_finite() && *value >= 0.0, "{name}: {value}");
            assert!(labels.values().all(|value| !value.is_empty()), "{name}: {labels:?}");
        }
        match self.kind.as_str() {
            "counter" | "gauge" => assert!(self.figures.iter().all(|(figure, ..)| figure == name), "{name}"),
            "histogram" => self.lint_histogram(name),
            other => unreachable!("{name}: {other}"),
        }
    }

    /// Buckets grow, the last one holds all, and there is a sum.
    fn lint_histogram(&self, name: &str) {
        let mut series: BTreeMap<Labels, Parts<'_>> = BTreeMap::new();
        for (figure, labels, value) in &self.figures {
            let mut labels = labels.clone();
            let le = labels.remove("le").map_or(0.0, |le| le.parse().unwrap());
            let part = figure.strip_prefix(name).expect(figure);
            series.entry(labels).or_default().entry(part).or_default().push((le, *value));
        }
        for parts in series.values() {
            let buckets = &parts["_bucket"];
            assert!(buckets.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1), "{name}: {buckets:?}");
            let last = buckets.last().unwrap();
            assert_eq!((last.0.is_infinite(), &vec![(0.0, last.1)]), (true, &parts["_count"]), "{name}");
            assert!(parts["_sum"].len() == 1 && parts.len() == 3, "{name}: {parts:?}");
        }
    }
}

/// `name value` or `name{label="value",…} value`.
fn figure(line: &str) -> (String, Labels, f64) {
    let (head, value) = line.rsplit_once(' ').expect(line);
    let value = value.parse().unwrap_or_else(|_| unreachable!("no figure: {line}"));
    let Some((name, rest)) = head.split_once('{') else { return (head.to_owned(), Labels::new(), value) };
    let mut labels = Labels::new();
    let mut rest = rest.strip_suffix('}').expect(line);
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").expect(line);
        let (text, after) = quoted(after).expect(line);
        assert!(labels.insert(label.to_owned(), text).is_none(), "{line}");
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    (name.to_owned(), labels, value)
}

/// The text up to the closing quote, without its escapes, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut read = String::new();
    let mut characters = text.char_indices();
    loop {
        match characters.next()? {
            (at, '"') => return Some((read, &text[at + 1..])),
            (_, '\\') => read.push(match characters.next()?.1 {
                'n' => '\n',
                escaped @ ('"' | '\\') => escaped,
                _ => return None,
            }),
            (_, character) => read.push(character),
        }
    }
}
