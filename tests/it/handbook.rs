//! `docs/rules.md`, line by line: each example is read, and what the page says comes of it is what the daemon does.

#![expect(clippy::panic, reason = "a story that cannot go on fails its test")]

mod page;
pub(crate) mod stage;
pub(crate) mod story;

use std::collections::BTreeSet;
use std::fmt::Write;

use page::{Block, Page, completed};
use tokio::task::{JoinSet, LocalSet};

#[tokio::test]
async fn every_example_comes_out_as_the_page_says() {
    let page = Page::rules();
    let told = LocalSet::new().run_until(all_told(page.examples())).await;
    assert!(told.len() > 50, "the examples were not found");
    let mut wrong = String::new();
    for (story, told) in &told {
        if *told != story.text.trim_end() {
            writeln!(wrong, "\nline {}, {}:\n{told}", story.line, story.heading).unwrap();
        }
    }
    if !wrong.is_empty() {
        let path = page.with_stories(&told);
        panic!("{wrong}\nThe page as it would be right is in {}", path.display());
    }
}

/// Every story as it should be told, in the order of the page. Some are played at the same time, as most of each is
/// waiting for the disk.
async fn all_told(examples: Vec<(Block, Block)>) -> Vec<(Block, String)> {
    const AT_ONCE: usize = 6;
    let share = examples.len().div_ceil(AT_ONCE);
    let mut players = JoinSet::new();
    for examples in examples.chunks(share) {
        let examples = examples.to_vec();
        players.spawn_local(async move {
            let mut told = Vec::new();
            for (example, story) in examples {
                let came = story::told(&completed(&example.text), &story.text).await;
                told.push((story, came));
            }
            told
        });
    }
    let mut told: Vec<_> = players.join_all().await.into_iter().flatten().collect();
    told.sort_by_key(|(story, _)| story.line);
    told
}

#[test]
fn every_example_is_in_order_and_leaves_no_doubt() {
    for (example, _) in Page::rules().examples() {
        let text = completed(&example.text);
        let loaded = stage::load(&text);
        let loaded = loaded.unwrap_or_else(|mistakes| panic!("line {}: {mistakes}\n{text}", example.line));
        assert!(loaded.warnings.warnings.is_empty(), "line {}: {}\n{text}", example.line, loaded.warnings);
    }
}

/// Where the keys of a table are told, and how one of them that nobody knows is written.
const TABLES: [(&str, &str, &[&str]); 5] = [
    ("Keys of a rule", "[[rule]]\nqwertyuiopasdfghjkl = 1", &["rule"]),
    ("Conditions", "[[rule]]\nmatch.qwertyuiopasdfghjkl = 1", &["rule", "match"]),
    ("Steps", "[[rule]]\n[[rule.step]]\nqwertyuiopasdfghjkl = 1", &["rule", "step"]),
    ("Calendars", "[[calendar]]\nqwertyuiopasdfghjkl = 1", &["calendar"]),
    ("Safety", "[safety]\nqwertyuiopasdfghjkl = 1", &["safety"]),
];

/// What the configuration itself says it knows in that table.
fn known(unknown: &str) -> BTreeSet<String> {
    let refused = stage::load(unknown).unwrap_err();
    let helps = refused.errors.iter().filter_map(|error| error.help.strip_prefix("known here: "));
    let keys: Vec<&str> = helps.flat_map(|help| help.split(", ")).collect();
    assert!(!keys.is_empty(), "{refused}");
    keys.into_iter().map(str::to_owned).collect()
}

#[test]
fn every_key_has_its_line_and_an_example() {
    let page = Page::rules();
    let examples: Vec<toml::Table> =
        page.examples().iter().map(|(example, _)| completed(&example.text).parse().unwrap()).collect();
    for (heading, unknown, path) in TABLES {
        let (told, known) = (page.rows(heading), known(unknown));
        let told: BTreeSet<String> = told.iter().map(|row| key(&row[0])).collect();
        assert_eq!(told, known, "left: the page under `{heading}`; right: what the configuration knows");
        let used: BTreeSet<String> = examples.iter().flat_map(|example| keys(example, path)).collect();
        let unused: Vec<_> = known.difference(&used).collect();
        assert!(unused.is_empty(), "no example under `{heading}` uses {unused:?}");
    }
}

/// `match.attribute.NAME` is the key `attribute`.
fn key(cell: &str) -> String {
    let key = cell.trim_matches('`').trim_start_matches("match.");
    key.split('.').next().unwrap_or(key).to_owned()
}

/// Keys of the table at that path, of every one where there are several.
fn keys(table: &toml::Table, path: &[&str]) -> Vec<String> {
    let Some((first, rest)) = path.split_first() else { return table.keys().cloned().collect() };
    let tables = match table.get(*first) {
        Some(toml::Value::Table(table)) => vec![table],
        Some(toml::Value::Array(tables)) => tables.iter().filter_map(toml::Value::as_table).collect(),
        _ => Vec::new(),
    };
    tables.into_iter().flat_map(|table| keys(table, rest)).collect()
}

#[test]
fn what_is_refused_is_refused_in_these_words() {
    let rows = Page::rules().rows("What is refused, and what to write instead");
    assert!(rows.len() > 20, "the table was not found");
    let mut wrong = String::new();
    for row in &rows {
        let mut text = completed(&format!("{}\n", row[0].trim_matches('`').replace(" ⏎ ", "\n")));
        if text.contains("\"office\"") {
            text.push_str("\n[[calendar]]\nname = \"office\"\nhours = { mon-fri = \"09:00-18:00\" }\n");
        }
        let Err(refused) = stage::load(&text) else { panic!("nothing is wrong with it:\n{text}") };
        let first = &refused.errors[0];
        if (first.message.as_str(), first.help.as_str()) != (row[1].as_str(), row[2].as_str()) {
            writeln!(wrong, "| {} | {} | {} |", row[0], first.message, first.help).unwrap();
        }
    }
    assert!(wrong.is_empty(), "these rows should read:\n{wrong}");
}

#[test]
fn every_link_within_the_page_leads_somewhere() {
    let (links, places) = (Page::rules().links(), Page::rules().anchors());
    assert!(links.len() > 10, "the links were not found");
    let lost: Vec<_> = links.difference(&places).collect();
    assert!(lost.is_empty(), "there is no heading for {lost:?}");
}
