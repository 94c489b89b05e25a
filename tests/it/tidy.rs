//! The house's rules that no compiler checks, read off the source tree. Each failure says what to do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 450;

/// A source file: its path from the root, and its text.
pub(crate) struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Whether it is `src/MODULE.rs` or lies in `src/MODULE/`.
    fn is_in(&self, modules: &[&str]) -> bool {
        let own = |module: &&str| {
            self.path.strip_prefix(&format!("src/{module}")).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        modules.iter().any(own)
    }

    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// Lines with their numbers, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines()).map(|(number, line)| (number, without_comment(line)))
    }

    /// As [`Source::code`], without what is compiled for tests only.
    pub(crate) fn production(&self) -> impl Iterator<Item = (usize, &str)> {
        let kept = if self.is_test() { Vec::new() } else { outside_of_tests(&self.text) };
        self.code().filter(move |(number, _)| kept.contains(number))
    }
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with("//") {
        return "";
    }
    line.split_once(" // ").map_or(line, |(code, _)| code)
}

/// Numbers of the lines that are in no `#[cfg(test)]` item. Relies on rustfmt: an item ends at the brace under its
/// start, and on the lint that lets nothing follow a test module.
fn outside_of_tests(text: &str) -> Vec<usize> {
    let mut outside = Vec::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        if line.trim_start() != "#[cfg(test)]" {
            outside.push(number);
            continue;
        }
        let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
        let is_module = |line: &str| line.contains("mod ") && line.ends_with('{');
        let mut to_the_end = false;
        for (_, line) in lines.by_ref() {
            to_the_end |= is_module(line) && end == "}";
            if !to_the_end && (line == end || line.ends_with(';') && !line.starts_with("        ")) {
                break;
            }
        }
    }
    outside
}

fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (line[..at].chars().next_back(), line[at + word.len()..].chars().next());
        !is_part(before) && !is_part(after)
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_under(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            files_under(&entry.path(), into);
        } else {
            into.push(entry.path());
        }
    }
}

fn read(paths: Vec<PathBuf>) -> Vec<Source> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).ok()?;
        Some(Source { path: path.strip_prefix(root()).unwrap().display().to_string(), text })
    };
    paths.into_iter().filter_map(read).collect()
}

pub(crate) fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    files_under(&root().join("src"), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let sources = read(paths);
    assert!(sources.len() > 5, "the sources were not found under {}", root().display());
    sources
}

/// Every line of `sources` that `is_wrong`, as `path:line: text`.
fn wrong_lines<'a, L: Iterator<Item = (usize, &'a str)>>(
    sources: impl Iterator<Item = &'a Source>,
    lines: impl Fn(&'a Source) -> L,
    is_wrong: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources {
        let found = lines(source).filter(|(_, line)| is_wrong(line));
        wrong.extend(found.map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim())));
    }
    wrong
}

#[track_caller]
fn assert_none(wrong: &[String], what_to_do: &str) {
    assert!(wrong.is_empty(), "{what_to_do}\n  {}", wrong.join("\n  "));
}

#[test]
fn the_engine_does_no_io_and_reads_no_clock() {
    let words = ["async", "await", "sqlx", "reqwest", "tokio", "serde", "std::fs", "std::net", "Clock"];
    let sources = sources();
    let engine = sources.iter().filter(|source| source.is_in(&["engine"]));
    let wrong = wrong_lines(engine, Source::code, |line| words.iter().any(|word| has_word(line, word)));
    assert_none(&wrong, "src/engine is pure: do this in the shell and hand the engine its result");
}

#[test]
fn sql_is_written_in_the_store_only() {
    let verbs = ["SELECT ", "INSERT INTO ", "INSERT OR ", "UPDATE ", "DELETE FROM "];
    let sources = sources();
    let others = sources.iter().filter(|source| !source.is_in(&["store"]));
    let wrong = wrong_lines(others, Source::code, |line| verbs.iter().any(|verb| line.contains(verb)));
    assert_none(&wrong, "give src/store a method for this question and call it");
}

#[test]
fn the_wall_clock_is_read_in_clock_rs_only() {
    let clocks = [
        "Timestamp::now(",
        "Zoned::now(",
        "SystemTime::now(",
        "std::time::Instant",
        "clock_gettime",
        "CURRENT_TIMESTAMP",
        "'now'",
    ];
    let sources = sources();
    let others = sources.iter().filter(|source| !source.is_in(&["clock"]));
    let wrong = wrong_lines(others, Source::code, |line| clocks.iter().any(|clock| line.contains(clock)));
    assert_none(&wrong, "time is an argument: ask the Clock at the edge and pass what it says");
}

#[test]
fn intercom_s_json_is_known_to_the_client_and_its_fake_only() {
    let keys = ["conversation_parts", "notification_event", "part_type", "last_contact_reply_at", "team_assignee_id"];
    let sources = sources();
    let names = |line: &str| keys.iter().any(|key| line.contains(&format!("\"{key}\"")));
    let strangers = sources.iter().filter(|source| !source.is_in(&["intercom", "fake_intercom"]));
    let mut wrong = wrong_lines(strangers, Source::production, names);
    // The configuration and the store have such structs too, of their own TOML and columns.
    let readers = sources.iter().filter(|source| !source.is_in(&["intercom", "fake_intercom", "config", "store"]));
    wrong.extend(wrong_lines(readers, Source::production, |line| {
        line.contains("derive(") && has_word(line, "Deserialize")
    }));
    assert_none(&wrong, "parse this in src/intercom and hand on the engine's own types");
}

#[test]
fn every_module_says_what_it_is() {
    let silent = sources().into_iter().filter(|source| !source.text.starts_with("//!"));
    let silent: Vec<_> = silent.map(|source| source.path).collect();
    assert_none(&silent, "open the file with `//!`: what it owns and what it refuses");
}

#[test]
fn no_file_is_too_long() {
    let long = sources().into_iter().map(|source| (source.text.lines().count(), source.path));
    let long: Vec<_> =
        long.filter(|(lines, _)| *lines > LONGEST_FILE).map(|(n, path)| format!("{path}: {n}")).collect();
    assert_none(&long, "look for a decision mixed with input and output, and split there");
}

#[test]
fn nothing_unwraps_outside_of_tests() {
    let sources = sources();
    let wrong = wrong_lines(sources.iter(), Source::production, |line| line.contains(".unwrap()"));
    assert_none(&wrong, "return the error, or say with #[expect] why it cannot happen");
}

#[test]
fn modules_stand_beside_their_folder() {
    let old = sources().into_iter().map(|source| source.path).filter(|path| path.ends_with("/mod.rs"));
    assert_none(&old.collect::<Vec<_>>(), "rename foo/mod.rs to foo.rs");
}

#[test]
fn the_folders_that_operators_look_for_are_there() {
    let missing = ["config", "deploy", "migrations"].into_iter().filter(|folder| !root().join(folder).is_dir());
    let missing: Vec<_> = missing.map(str::to_owned).collect();
    assert_none(&missing, "create the folder: operators and the package look for it");
}

#[test]
fn every_migration_is_embedded() {
    let sources = sources();
    if !sources.iter().any(|source| source.path == "src/store.rs") {
        return;
    }
    let store = sources.iter().filter(|source| source.is_in(&["store"]) && !source.is_test());
    let embedded: BTreeSet<&str> = store.flat_map(|source| embedded_migrations(&source.text)).collect();
    let mut paths = Vec::new();
    files_under(&root().join("migrations/sqlite"), &mut paths);
    let present: BTreeSet<&str> = paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert!(!present.is_empty(), "migrations/sqlite is empty: put the schema there");
    assert_eq!(embedded, present, "left: what src/store embeds; right: what migrations/sqlite holds. Make them agree");
}

fn embedded_migrations(text: &str) -> impl Iterator<Item = &str> {
    text.split("include_str!(\"").skip(1).filter_map(|rest| {
        let path = rest.split('"').next()?;
        path.trim_start_matches("../").strip_prefix("migrations/sqlite/")
    })
}

#[test]
fn what_belongs_to_a_single_machine_or_tool_stays_out() {
    let barred = [
        ["/wo", "rk/"],
        ["/fa", "rm/"],
        ["../sha", "red"],
        ["cla", "ude"],
        ["anthro", "pic"],
        ["this ses", "sion"],
        ["sub", "agent"],
        ["sub-", "agent"],
        ["F\u{a7}", ""],
    ];
    let barred = barred.map(|parts| parts.concat().to_lowercase());
    let ci_may_say = ["../sha", "red"].concat();
    let mut wrong = Vec::new();
    for source in read(project_files()) {
        for (number, line) in (1..).zip(source.text.lines()) {
            let line = line.to_lowercase();
            let is_wrong = |word: &&String| line.contains(*word) && !(**word == ci_may_say && source.path == ".ci/run");
            wrong.extend(barred.iter().find(is_wrong).map(|word| format!("{}:{number}: {word}", source.path)));
        }
    }
    assert_none(&wrong, "say it without naming the machine or the tool it was written with");
}

/// Everything that is ours, without what is built or locked.
fn project_files() -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_file() && name != "Cargo.lock" && name != ".git" {
            paths.push(path);
        } else if path.is_dir() && !["target", ".git"].contains(&name.as_str()) {
            files_under(&path, &mut paths);
        }
    }
    paths
}

#[test]
fn the_checks_tell_code_from_comments_and_tests() {
    let text = "\
let url = \"http://a\"; // aside
// whole
#[cfg(test)]
use only::in_tests;
fn after() {
    #[cfg(test)]
    fn inner() {
        x;
    }
    y();
}
#[cfg(test)]
mod tests {
}
z
";
    let source = Source { path: "src/store/wide.rs".to_owned(), text: text.to_owned() };
    let left: Vec<&str> = source.production().map(|(_, line)| line).collect();
    assert_eq!(left, ["let url = \"http://a\";", "", "fn after() {", "    y();", "}"]);
    assert!(source.is_in(&["store"]) && !source.is_in(&["sto", "wide"]));
    assert!(has_word("use tokio::net;", "tokio") && !has_word("tokio_util", "tokio") && !has_word("a_Clock", "Clock"));
    let embeds = "include_str!(\"../migrations/sqlite/0001_start.sql\"), include_str!(\"page.html\")";
    assert_eq!(embedded_migrations(embeds).collect::<Vec<_>>(), ["0001_start.sql"]);
}
