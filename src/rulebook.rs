//! The rules that are in force: one place that everybody reads, so that all of them change at the same moment.
//!
//! Owns: what a decision depends on beside the conversation, and its fingerprint. Refuses: deciding. Whoever writes a
//! decision down asks for the rules while it holds the database: see [`Store::record`](crate::store::Store::record).

use std::sync::{Arc, PoisonError, RwLock};

use crate::engine::RuleSet;
use crate::engine::rule::digest;

/// Clones share the rules.
#[derive(Debug, Clone)]
pub struct Rulebook(Arc<RwLock<Arc<Edition>>>);

/// The rules as they were at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    rules: RuleSet,
    dry_run: bool,
    fingerprint: String,
}

impl Rulebook {
    /// A book with these rules.
    pub fn new(edition: Edition) -> Rulebook {
        Rulebook(Arc::new(RwLock::new(Arc::new(edition))))
    }

    /// The rules in force. What is decided by them is to be written down before the database is let go.
    pub fn current(&self) -> Arc<Edition> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other rules in force, for all clones at once. What was decided by the old ones must be decided again.
    pub fn replace(&self, edition: Edition) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(edition);
    }
}

impl Edition {
    /// These rules; in dry-run, what was rehearsed counts as done.
    pub fn new(rules: RuleSet, dry_run: bool) -> Edition {
        let fingerprint = fingerprint(&rules, dry_run);
        Edition { rules, dry_run, fingerprint }
    }

    /// The rules.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// What was rehearsed counts as done.
    pub fn dry_run(&self) -> bool {
        self.dry_run
    }

    /// Digest of everything that a decision depends on beside the conversation.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

fn fingerprint(rules: &RuleSet, dry_run: bool) -> String {
    let named = rules.rules.iter().flat_map(|rule| [&rule.clock, &rule.act_only]).flatten();
    // The rules show the name of a calendar's zone; only its fingerprint tells what is known about the zone.
    let calendars: Vec<String> = named.map(|calendar| calendar.fingerprint()).collect();
    let mode = if dry_run { "dry-run" } else { "live" };
    digest(&format!("{} {mode} {rules:?} {calendars:?}", env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edition(text: &str, dry_run: bool) -> Edition {
        Edition::new(crate::config::parse("a.toml", text.as_bytes()).unwrap().config.rules, dry_run)
    }

    #[test]
    fn the_fingerprint_changes_with_a_calendar_that_a_rule_names() {
        let with = |hours: &str, holidays: &str| {
            let text = format!(
                "[[calendar]]\nname = \"office\"\nhours = {{ mon-fri = \"{hours}\" }}\nholidays = [{holidays}]\n\
                [[rule]]\nname = \"a\"\nmatch.state = \"open\"\nclock = \"office\"\n\
                step = [{{ after = \"2 working days\", do = \"close\", silent = true }}]"
            );
            edition(&text, false).fingerprint
        };
        let usual = with("09:00-18:00", "2026-12-25");
        assert_eq!(usual, with("09:00-18:00", "\"2026-12-25\""));
        assert_ne!(usual, with("09:00-17:00", "2026-12-25"));
        assert_ne!(usual, with("09:00-18:00", ""));
    }

    #[test]
    fn the_fingerprint_changes_with_the_mode_the_tags_and_the_words_but_not_with_the_layout() {
        let rule = |body: &str| {
            format!(
                "[[rule]]\nname = \"a\"\nmatch_all = true\nstep = [{{ after = \"1 day\", do = \"close\", body = \"{body}\" }}]"
            )
        };
        let usual = edition(&rule("Bye."), false);
        let spaced = format!("# the same, said with more space\n\n{}", rule("Bye.").replace(" = ", "  =  "));
        assert_eq!(usual.fingerprint, edition(&spaced, false).fingerprint);
        for (name, other) in [
            ("mode", edition(&rule("Bye."), true)),
            ("words", edition(&rule("So long."), false)),
            ("hold tags", edition(&format!("[safety]\nhold_tags = \"wait\"\n{}", rule("Bye.")), false)),
            ("closes", edition(&format!("[safety]\nmax_auto_closes = 5\n{}", rule("Bye.")), false)),
        ] {
            assert_ne!(usual.fingerprint, other.fingerprint, "{name}");
        }
    }

    #[test]
    fn clones_of_a_book_share_what_it_says() {
        let book = Rulebook::new(edition("", false));
        let shared = book.clone();
        let before = shared.current();
        book.replace(edition("", true));
        assert_eq!((before.dry_run(), shared.current().dry_run()), (false, true));
    }
}
