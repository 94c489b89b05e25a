//! The recipes that operators start from: each works as it is, alone and in dry-run, and does live what it says.

use std::path::PathBuf;

use autoclosed::config::{self, Loaded, Mode};
use autoclosed::engine::rule::StepKind;

use crate::handbook::story::told;

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
    per-team-timeouts
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

/// What comes of the story by that recipe, told as in the handbook.
async fn played(recipe: &str, story: &str) -> String {
    let (_, path) = recipes().into_iter().find(|(name, _)| name == recipe).unwrap();
    told(&std::fs::read_to_string(path).unwrap(), story).await
}

#[tokio::test]
async fn a_bot_s_answer_that_nobody_came_back_to_is_closed_after_two_days() {
    insta::assert_snapshot!(played("bot-left-alone", "
Mon  2 Mar 09:00  the contact writes
Mon  2 Mar 09:01  a bot answers
").await, @r"
    Mon  2 Mar 09:00  the contact writes
    Mon  2 Mar 09:01  a bot answers
    Wed  4 Mar 09:01  -> closes it without a word
    ");
    insta::assert_snapshot!(played("bot-left-alone", "
the contact writes, a bot answers, the contact writes
the contact writes, a bot answers, a teammate assigns it to the team Support
the contact writes, a bot answers, Fin ends with escalated
nothing else happens
").await, @r"
    the contact writes, a bot answers, the contact writes                         -> leaves it alone: the contact spoke last
    the contact writes, a bot answers, a teammate assigns it to the team Support  -> leaves it alone: the bot has handed it over
    the contact writes, a bot answers, Fin ends with escalated                    -> leaves it alone: its AI resolution is escalated
    nothing else happens                                                          -> leaves it alone: a teammate spoke last
    ");
}

#[tokio::test]
async fn office_hours_count_weekends_out_and_nothing_is_done_at_night() {
    insta::assert_snapshot!(played("office-hours", "
Thu  5 Mar 19:00  the contact writes
Thu  5 Mar 19:30  a teammate replies
").await, @r#"
    Thu  5 Mar 19:00  the contact writes
    Thu  5 Mar 19:30  a teammate replies
    Tue 10 Mar 09:00  -> writes "Did that solve it? We will close this on Friday 13 March 2026."
    Fri 13 Mar 09:00  -> closes it with "Closing this for now. Reply any time and it opens again."
    "#);
    insta::assert_snapshot!(played("office-hours", "
a teammate snoozes it for 90 days
the contact writes
").await, @r"
    a teammate snoozes it for 90 days  -> leaves it alone: it is snoozed; decided again when its snooze ends
    the contact writes                 -> leaves it alone: the contact is owed an answer
    ");
}

#[tokio::test]
async fn what_nobody_ever_answered_is_closed_two_weeks_after_it_was_sent_or_opened() {
    insta::assert_snapshot!(played("outbound-never-answered", "
Mon  2 Mar 09:00  a campaign writes first
Mon  2 Mar 09:05  a teammate opens it
").await, @r"
    Mon  2 Mar 09:00  a campaign writes first
    Mon  2 Mar 09:05  a teammate opens it
    Mon 16 Mar 09:05  -> closes it without a word
    ");
    insta::assert_snapshot!(played("outbound-never-answered", "
Mon  2 Mar 09:00  a teammate writes first
Fri 20 Mar 09:00  a teammate opens it
").await, @r"
    Mon  2 Mar 09:00  a teammate writes first
    Fri 20 Mar 09:00  a teammate opens it
    Fri  3 Apr 09:00  -> closes it without a word
    ");
    insta::assert_snapshot!(played("outbound-never-answered", "
a campaign writes first, the contact writes
a teammate writes first, the contact writes, a teammate replies
nothing else happens
").await, @r"
    a campaign writes first, the contact writes                      -> leaves it alone: the contact has written
    a teammate writes first, the contact writes, a teammate replies  -> leaves it alone: the contact has written
    nothing else happens                                             -> leaves it alone: the contact has written
    ");
}

#[tokio::test]
async fn each_team_has_its_own_time() {
    insta::assert_snapshot!(played("per-team-timeouts", "
Mon  2 Mar 09:00  the contact writes
Mon  2 Mar 09:05  a teammate replies
Mon  2 Mar 09:06  a teammate assigns it to the team Billing
").await, @r#"
    Mon  2 Mar 09:00  the contact writes
    Mon  2 Mar 09:05  a teammate replies
    Mon  2 Mar 09:06  a teammate assigns it to the team Billing
    Mon 16 Mar 09:05  -> closes it with "Closing this for now. Reply any time and it opens again."
    "#);
    insta::assert_snapshot!(played("per-team-timeouts", "
Mon  2 Mar 09:00  the contact writes
Mon  2 Mar 09:05  a teammate replies
Mon  2 Mar 09:06  a teammate assigns it to the team Support
").await, @r#"
    Mon  2 Mar 09:00  the contact writes
    Mon  2 Mar 09:05  a teammate replies
    Mon  2 Mar 09:06  a teammate assigns it to the team Support
    Wed  4 Mar 09:05  -> writes "Did that solve it? We will close this on Friday 6 March 2026."
    Fri  6 Mar 09:05  -> closes it without a word
    "#);
    insta::assert_snapshot!(played("per-team-timeouts", "
nothing else happens
a teammate assigns it to the team Billing, the contact writes
").await, @r"
    nothing else happens                                           -> closes it without a word
    a teammate assigns it to the team Billing, the contact writes  -> leaves it alone: no rule fits: `billing`: the contact is owed an answer; `support`: the contact is owed an answer; `everybody-else`: the contact is owed an answer
    ");
}

#[tokio::test]
async fn a_silent_close_leaves_its_trace_and_no_word() {
    insta::assert_snapshot!(played("silent-close", "
Mon  2 Mar 09:00  the contact writes
Mon  2 Mar 09:05  a teammate replies
").await, @r"
    Mon  2 Mar 09:00  the contact writes
    Mon  2 Mar 09:05  a teammate replies
    Mon 16 Mar 09:05  -> closes it without a word
    Mon 16 Mar 09:05  -> tags it auto-closed
    Mon 16 Mar 09:05  -> sets auto_closed_by to silent
    ");
    insta::assert_snapshot!(played("silent-close", "
the contact writes
a teammate snoozes it for 90 days
a teammate tags it autoclose-hold
").await, @r"
    the contact writes                 -> leaves it alone: the contact is owed an answer
    a teammate snoozes it for 90 days  -> leaves it alone: it is snoozed; decided again when its snooze ends
    a teammate tags it autoclose-hold  -> leaves it alone: held by the tag `autoclose-hold`
    ");
}

#[tokio::test]
async fn a_snoozed_week_is_closed_and_a_long_snooze_is_a_promise() {
    insta::assert_snapshot!(played("snoozed-a-week", "
Mon  2 Mar 09:00  the contact writes
Mon  2 Mar 09:05  a teammate replies
Mon  2 Mar 09:06  a teammate snoozes it for 10 days
").await, @r#"
    Mon  2 Mar 09:00  the contact writes
    Mon  2 Mar 09:05  a teammate replies
    Mon  2 Mar 09:06  a teammate snoozes it for 10 days
    Mon  9 Mar 09:05  -> closes it with "Closing this for now. Reply any time and it opens again."
    "#);
    insta::assert_snapshot!(played("snoozed-a-week", "
Mon  2 Mar 09:00  the contact writes
Mon  2 Mar 09:05  a teammate replies
Mon  2 Mar 09:06  a teammate snoozes it for 3 days
").await, @r#"
    Mon  2 Mar 09:00  the contact writes
    Mon  2 Mar 09:05  a teammate replies
    Mon  2 Mar 09:06  a teammate snoozes it for 3 days
    Mon  9 Mar 09:05  -> closes it with "Closing this for now. Reply any time and it opens again."
    "#);
    insta::assert_snapshot!(played("snoozed-a-week", "
a teammate snoozes it for 30 days
a teammate snoozes it for 10 days, the contact writes
nothing else happens
").await, @r"
    a teammate snoozes it for 30 days                      -> leaves it alone: it is snoozed for longer
    a teammate snoozes it for 10 days, the contact writes  -> leaves it alone: it is open
    nothing else happens                                   -> leaves it alone: it is open
    ");
}

#[tokio::test]
async fn two_reminders_go_out_before_the_close_and_a_reply_ends_them() {
    insta::assert_snapshot!(played("two-reminders-then-close", "
Mon  2 Mar 09:00  the contact writes
Mon  2 Mar 09:05  a teammate replies
Mon  2 Mar 09:06  a teammate snoozes it for 14 days
").await, @r#"
    Mon  2 Mar 09:00  the contact writes
    Mon  2 Mar 09:05  a teammate replies
    Mon  2 Mar 09:06  a teammate snoozes it for 14 days
    Thu  5 Mar 09:06  -> writes "Hi Kim, did that solve it?"
    Thu  5 Mar 09:06  -> snoozes it until Mon 16 Mar 09:06
    Sun  8 Mar 09:06  -> writes "We will close this on Tuesday 10 March 2026, unless you write to us before."
    Sun  8 Mar 09:06  -> snoozes it until Mon 16 Mar 09:06
    Tue 10 Mar 09:06  -> closes it with "Closing this for now. Reply any time and it opens again."
    "#);
    insta::assert_snapshot!(played("two-reminders-then-close", "
Mon  2 Mar 09:00  the contact writes
Mon  2 Mar 09:05  a teammate replies
Sat  7 Mar 12:00  the contact writes
").await, @r#"
    Mon  2 Mar 09:00  the contact writes
    Mon  2 Mar 09:05  a teammate replies
    Thu  5 Mar 09:05  -> writes "Hi Kim, did that solve it?"
    Sat  7 Mar 12:00  the contact writes
                      -> leaves it alone: the contact is owed an answer
    "#);
}

#[tokio::test]
async fn what_is_tagged_for_special_care_is_left_alone() {
    insta::assert_snapshot!(played("vip-left-alone", "
Mon  2 Mar 09:00  the contact writes
Mon  2 Mar 09:05  a teammate replies
").await, @r#"
    Mon  2 Mar 09:00  the contact writes
    Mon  2 Mar 09:05  a teammate replies
    Mon  9 Mar 09:05  -> closes it with "Closing this for now. Reply any time and it opens again."
    "#);
    insta::assert_snapshot!(played("vip-left-alone", "
a teammate tags it vip
a teammate tags it legal
the contact writes
").await, @r"
    a teammate tags it vip    -> leaves it alone: rule `vip` leaves it alone
    a teammate tags it legal  -> leaves it alone: rule `vip` leaves it alone
    the contact writes        -> leaves it alone: no rule fits: `vip`: it has none of the tags; `answered`: the contact is owed an answer
    ");
}
