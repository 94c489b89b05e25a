//! Where a key belongs that stands in another table.
//!
//! Owns: what to do with a key that was written in the wrong place. Refuses: `name` and `listen`, which several tables
//! have.

use super::notes::Problem;
use super::steps::ARGUMENTS;
use super::{conditions, rules};

/// The plain tables with their keys.
const SECTIONS: [(&str, &[&str]); 5] = [
    (
        "[intercom]",
        &["region", "base_url", "api_version", "admin_id", "app_id", "requests_per_10s", "timeout", "probe"],
    ),
    ("[server]", &["webhook_path", "max_body"]),
    ("[database]", &["url", "keep_bodies", "retention"]),
    ("[schedule]", &["sweep", "reconcile"]),
    (
        "[safety]",
        &[
            "max_actions_per_sweep",
            "max_closes_per_hour",
            "max_messages_per_hour",
            "max_auto_closes",
            "unclear_quiet",
            "missed_grace",
            "max_missed",
            "max_lateness",
            "max_due_at_once",
            "hold_tags",
        ],
    ),
];

const CALENDAR: [&str; 3] = ["hours", "holidays", "holidays_file"];

/// The table that has this key, and how to get there from the table `here`.
pub(super) fn home(key: &str, here: &str) -> Option<Problem> {
    let belongs = |to: &str, help: String| Some(Problem::new(format!("`{key}` belongs to {to}"), help));
    if matches!(key, "mode" | "timezone") {
        let help = "move it above the first line in brackets: what follows such a line belongs to it";
        return belongs("the top of the file", help.to_owned());
    }
    if let Some((section, _)) = SECTIONS.iter().find(|(_, keys)| keys.contains(&key)) {
        return belongs(section, format!("move it below a line {section}"));
    }
    if CALENDAR.contains(&key) {
        return belongs("a [[calendar]]", "move it below a line [[calendar]]".to_owned());
    }
    if key == "step" {
        return belongs("a rule", "write [[rule.step]], below the [[rule]] whose step it is".to_owned());
    }
    if key != "name" && rules::KEYS.contains(&key) {
        return if here == "[rule.match]" {
            belongs("the rule, outside of `match`", format!("write {key} = … above the first [[rule.step]]"))
        } else {
            belongs("a rule", "move it below a line [[rule]], and above the first [[rule.step]]".to_owned())
        };
    }
    if conditions::KEYS.contains(&key) {
        let name = if key == "attribute" { ".NAME" } else { "" };
        return belongs("the `match` of a rule", format!("write match.{key}{name} = … in a [[rule]]"));
    }
    let argument = matches!(key, "after" | "do") || ARGUMENTS.iter().any(|(argument, _)| *argument == key);
    argument.then(|| belongs("a step", "move it below a line [[rule.step]], at the end of the rule".to_owned()))?
}
