//! The names of the log's fields are a promise: docs/operations.md lists them, and the source uses no others.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::tidy::{Source, sources};

/// What every line has, whatever logged it.
const ALWAYS: [&str; 4] = ["timestamp", "level", "target", "message"];

/// The arguments of every call of one of these macros in the text, each on its own.
fn logged(text: &str) -> Vec<Vec<String>> {
    let mut calls = Vec::new();
    for (at, _) in text.match_indices("!(") {
        let name = text[..at].rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        if ["error", "warn", "info", "debug", "trace", "event"].contains(&name) || name.ends_with("_span") {
            calls.push(arguments(&text[at + 2..]));
        }
    }
    calls
}

/// Splits at the commas that stand in no bracket and no string, up to the end of the call.
fn arguments(text: &str) -> Vec<String> {
    let (mut all, mut current, mut depth, mut quoted, mut escaped) = (Vec::new(), String::new(), 0, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                all.push(std::mem::take(&mut current));
                continue;
            }
            _ => {}
        }
        current.push(c);
    }
    all.push(current);
    all.into_iter().map(|argument| argument.trim().to_owned()).filter(|argument| !argument.is_empty()).collect()
}

/// The field that an argument before the sentence names: `name = value`, `%name`, `?name` or `name`.
fn field(argument: &str) -> Option<&str> {
    let name = argument.split_once(" = ").map_or(argument, |(name, _)| name);
    let name = name.trim_start_matches(['%', '?']);
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

/// The fields that the source logs. What follows the sentence are its arguments.
fn used(sources: &[Source]) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let code: Vec<&str> = source.production().map(|(_, line)| line).collect();
        for call in logged(&code.join("\n")) {
            let fields = call.iter().map_while(|argument| field(argument));
            used.extend(fields.map(str::to_owned));
        }
    }
    used
}

/// The first column of the table under `## Logs`.
fn listed() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let text = fs::read_to_string(path).unwrap();
    let section = text.split("\n## ").find(|section| section.starts_with("Logs\n")).expect("a section Logs");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    rows.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn the_handbook_lists_the_log_s_fields() {
    let mut used = used(&sources());
    used.extend(ALWAYS.map(str::to_owned));
    assert_eq!(
        listed(),
        used,
        "left: the table under Logs in docs/operations.md; right: what src logs. Make them agree"
    );
}

#[test]
fn fields_are_told_from_sentences_and_their_arguments() {
    let text = r#"tracing::info!(
        conversation.id = %id, why, %rule, ?odd, count = list.iter().map(|(a, b)| a).len(),
        "did {}, and \" {more}", name, other = 1
    ); warn!("nothing, at all"); println!("no"); debug!(error = %error, "x");"#;
    let found: Vec<Vec<String>> = logged(text);
    let fields = |call: &[String]| call.iter().map_while(|it| field(it)).map(str::to_owned).collect::<Vec<_>>();
    let fields: Vec<Vec<String>> = found.iter().map(|call| fields(call)).collect();
    assert_eq!(fields, [vec!["conversation.id", "why", "rule", "odd", "count"], vec![], vec!["error"]]);
}
