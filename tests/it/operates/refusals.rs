//! What is wrong or doubtful is told alike by `check` and `run`.

use super::*;

#[test]
fn a_file_that_is_no_configuration_is_refused_alike_by_check_and_run() {
    let bad = "mode = \"lively\"\ntimezone = \"Nowhere\"\n";
    let windows = format!("\u{feff}{}", bad.replace('\n', "\r\n"));
    let large = vec![b'\n'; (10 << 20) + 1];
    let files: [(&str, Option<&[u8]>, &str); 5] = [
        ("not there", None, "a.toml:1:1: there is no such file"),
        ("not UTF-8", Some(b"mode = \"live\"\n# caf\xe9"), "a.toml:2:6: this is not UTF-8 text"),
        ("too large", Some(&large), "a.toml:1:1: the file is larger than 10 MiB"),
        ("by another editor", Some(windows.as_bytes()), "a.toml:1:8: unknown value \"lively\""),
        ("no TOML", Some(b"mode: live"), "a.toml:1:7: this is not TOML: key with no value, expected `=`"),
    ];
    for (name, content, first) in files {
        let place = Place::new("");
        match content {
            Some(content) => std::fs::write(place.file("a.toml"), content).unwrap(),
            None => std::fs::remove_file(place.file("a.toml")).unwrap(),
        }
        assert_alike(&place, name, first);
    }
    let place = Place::new("");
    std::fs::remove_file(place.file("a.toml")).unwrap();
    std::fs::create_dir(place.file("a.toml")).unwrap();
    assert_alike(&place, "a folder", "a.toml:1:1: this is a folder, not a file");
}

fn assert_alike(place: &Place, name: &str, first: &str) {
    let (check, run) = (place.output("check"), place.output("run"));
    assert_eq!((check.status.code(), run.status.code()), (Some(2), Some(2)), "{name}");
    assert_eq!(told(&check.stderr), told(&run.stderr), "{name}");
    assert_eq!(told(&check.stderr).lines().next(), Some(first), "{name}");
    assert!(!place.file("autoclosed.db").exists(), "{name}");
}

#[test]
fn what_is_doubtful_is_told_alike_by_check_and_run() {
    let today = Clock::System.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let year = today.series(jiff::ToSpan::days(1)).take(400).map(|day| format!("\"{day}\"")).collect::<Vec<_>>();
    let doubtful = "[[rule]]\nname = \"quiet\"\nmatch.tags = [\"a\"]\nmatch.not_tags = [\"a\"]\n[[rule.step]]\n\
        after = \"5 days\"\ndo = \"close\"\nbody = \"Closed after 4 days of silence.\"\n";
    let calendar = format!(
        "[[calendar]]\nname = \"a\"\nhours = {{ mon-sun = \"00:00-24:00\" }}\nholidays = [{}]\n",
        year.join(", ")
    );
    let place = Place::new(&lonely(&format!("{calendar}{doubtful}")));
    // It goes no further than to a database that is somebody else's.
    std::fs::write(place.file("a.db"), "notes of somebody else's, long enough to be looked into as a database")
        .unwrap();
    let (check, run) = (place.output("check"), place.output("run"));
    assert_eq!((check.status.code(), run.status.code()), (Some(0), Some(3)));
    let (check, run) = (told(&check.stderr), told(&run.stderr));
    assert!(run.starts_with(&check), "{check}\n{run}");
    for doubt in ["does not open before", "fits nothing", "its timer says otherwise"] {
        assert!(check.contains(doubt), "{doubt}: {check}");
    }
}
