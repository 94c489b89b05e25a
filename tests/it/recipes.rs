//! The recipes that operators start from: each works as it is, alone and in dry-run.

use std::path::PathBuf;

use autoclosed::config::{self, Loaded, Mode};
use autoclosed::engine::rule::StepKind;

fn recipes() -> Vec<(String, PathBuf)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/recipes");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut recipes: Vec<_> = paths.map(|path| (path.file_stem().unwrap().display().to_string(), path)).collect();
    recipes.sort();
    recipes
}

#[test]
fn every_recipe_is_in_order_and_leaves_no_doubt() {
    let mut names = Vec::new();
    for (name, path) in recipes() {
        let Loaded { config, warnings, .. } = config::load(&path).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert!(warnings.warnings.is_empty(), "{warnings}");
        assert_eq!(config.mode, Mode::DryRun, "{name}: whoever tries it decides when it acts");
        let acts = config.rules.rules.iter().filter(|rule| !rule.steps.is_empty());
        assert!(acts.clone().count() > 0, "{name}: it does something");
        for rule in acts {
            let last = rule.steps.last().map(|step| step.id.kind);
            assert_eq!(last, Some(StepKind::Close), "{name}: `{}` ends with a close", rule.name);
        }
        names.push(name);
    }
    insta::assert_snapshot!(names.join("\n"), @"
    bot-left-alone
    office-hours
    outbound-never-answered
    silent-close
    snoozed-a-week
    two-reminders-then-close
    vip-left-alone
    ");
}

#[test]
fn every_recipe_says_what_it_is_for_in_lines_that_fit() {
    for (name, path) in recipes() {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with("# "), "{name}: begins with what it is for");
        assert!(text.lines().all(|line| line.len() <= 120), "{name}: lines of at most 120 characters");
        assert!(!text.to_lowercase().contains("token"), "{name}: secrets are never in a file");
    }
}
