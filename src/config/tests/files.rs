//! What is said about a file before anything in it is read.

use std::path::Path;

use super::{LARGEST, load, parse, told};

/// What is said about a file of this content, with `a.toml` in place of its path.
fn of(content: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.toml");
    std::fs::write(&path, content).unwrap();
    of_path(&path)
}

fn of_path(path: &Path) -> String {
    let found = load(path).map_or_else(|found| found, |loaded| loaded.warnings);
    found.to_string().replace(path.to_str().unwrap(), "a.toml")
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(of_path(&dir.path().join("none.toml")), @r#"
    a.toml:1:1: there is no such file
    help: name another file with --config, or in AUTOCLOSED_CONFIG
    "#);
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    assert!(of_path(&dir.path().join("file/below")).contains("the file cannot be read: "));
    insta::assert_snapshot!(of_path(dir.path()), @r#"
    a.toml:1:1: this is a folder, not a file
    help: name the file in it, such as autoclosed.toml, with --config or in AUTOCLOSED_CONFIG
    "#);
}

#[test]
fn an_empty_file_is_doubted() {
    insta::assert_snapshot!(of(b""), @r#"
    a.toml:1:1: warning: there are no rules, so nothing will ever be closed
    help: add a [[rule]] when you want conversations closed; until then they are only recorded
    "#);
    assert_eq!(of(b""), of("\u{feff}".as_bytes()), "a byte order mark is nothing");
}

#[test]
fn a_file_over_ten_mebibytes_is_told() {
    insta::assert_snapshot!(of(&vec![b'#'; LARGEST + 1]), @r#"
    a.toml:1:1: the file is larger than 10 MiB
    help: check that this is the configuration of autoclosed
    "#);
}

#[test]
fn a_file_that_is_no_utf_8_is_told_where() {
    insta::assert_snapshot!(of(b"mode = \"live\"\r\n# caf\xe9\r\n"), @r#"
    a.toml:2:6: this is not UTF-8 text
      |
    2 | # caf
      |      ^
    help: save the file as UTF-8
    "#);
}

#[test]
fn after_a_byte_order_mark_and_with_carriage_returns_places_are_the_same() {
    let windows = "\u{feff}mode = \"live\"\r\n\r\ntimezone = \"Nowhere\"\r\n[[rule]\r\n";
    let found = of(windows.as_bytes());
    insta::assert_snapshot!(found, @r#"
    a.toml:3:12: unknown time zone "Nowhere"
      |
    3 | timezone = "Nowhere"
      |            ^^^^^^^^^
    help: write a name like "Europe/Dublin" or "America/New_York", or "UTC"

    a.toml:4:8: this is not TOML: unclosed array table, expected `]`
      |
    4 | [[rule]
      |        ^
    help: close the bracket
    "#);
    assert_eq!(found, of(b"mode = \"live\"\n\ntimezone = \"Nowhere\"\n[[rule]\n"));
}

#[test]
fn a_line_that_says_nothing_is_told_what_a_line_says() {
    insta::assert_snapshot!(told("mode\n= \"live\"\n"), @r#"
    a.toml:1:5: this is not TOML: key with no value, expected `=`
      |
    1 | mode
      |     ^
    help: write key = value, with texts in double quotes
    "#);
}

#[test]
fn a_configuration_in_no_folder_names_no_files() {
    let text = "[[calendar]]\nname = \"a\"\nhours = { mon = \"09:00-18:00\" }\nholidays_file = \"a.ics\"";
    let found = parse("a.toml", text.as_bytes()).unwrap_err();
    assert_eq!(found.errors[0].message, "`a.ics` cannot be read: this configuration is in no folder");
}
