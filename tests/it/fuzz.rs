//! The fuzz targets on their committed corpora: what was once found stays found. How to look for more is in
//! `docs/reliability.md`.

#[expect(unreachable_pub, reason = "the fuzz crate calls them too")]
#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use autoclosed::sabotage::{Bug, plant};
use targets::TARGETS;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).expect("every target has a corpus");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} holds no input: a target without a corpus proves nothing", folder.display());
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// The inputs that the target fails on.
fn failing(target: &str) -> Vec<String> {
    let (_, run) = TARGETS.iter().find(|(name, _)| *name == target).unwrap();
    let fails = |(path, input): (PathBuf, Vec<u8>)| {
        let told = catch_unwind(AssertUnwindSafe(|| run(&input)));
        told.is_err().then(|| path.file_name().unwrap().to_string_lossy().into_owned())
    };
    corpus(target).into_iter().filter_map(fails).collect()
}

macro_rules! replays {
    ($($test:ident: $target:literal,)*) => {
        $(#[test]
        fn $test() {
            assert_eq!(failing($target), Vec::<String>::new(), "above is what {} found wrong with each", $target);
        })*

        #[test]
        fn every_target_is_replayed_and_has_a_program_of_its_own() {
            assert_eq!(TARGETS.map(|(name, _)| name), [$($target),*]);
            let manifest = include_str!("../fuzz/Cargo.toml");
            for (name, _) in TARGETS {
                assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
            }
        }
    };
}

replays! {
    only_one_good_signature_alone_lets_a_body_through: "signature",
    whatever_is_signed_is_read_within_bounds: "notification",
    whatever_intercom_answers_is_sorted_and_quoted_nowhere: "answer",
    whatever_the_heads_of_answers_say_nobody_hurries_or_waits_for_ever: "headers",
    whatever_stands_in_the_file_is_checked_or_refused_at_its_place: "configuration",
    times_mean_what_is_written_or_are_refused: "times",
    no_template_and_no_name_makes_an_unbearable_text: "template",
    nothing_is_decided_before_its_time_or_over_a_reply: "decide",
}

#[test]
fn whoever_drops_a_check_is_caught_by_the_corpus() {
    for (bug, target) in [
        (Bug::TakesAnythingForAnId, "notification"),
        (Bug::TakesAnythingForAnId, "answer"),
        (Bug::BelievesAnyDate, "notification"),
        (Bug::BelievesAnyDate, "headers"),
        (Bug::BelievesTheFirstSignature, "signature"),
    ] {
        let planted = plant(bug);
        assert_ne!(failing(target), Vec::<String>::new(), "nobody noticed {bug:?}");
        drop(planted);
    }
}
