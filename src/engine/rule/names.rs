//! Names of what only the workspace knows: teams, teammates, tags, attributes.
//!
//! Owns: where rules name them, and filling in their ids. Refuses: asking anybody.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::facts::Facts;

use super::{Act, Assignment, Labels, Match, RuleSet, Step};

/// A team or teammate as the configuration names it, and its id once it is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// The name of a team; the id or e-mail address of a teammate.
    pub name: String,
    /// Intercom's id; `None` until Intercom has told it.
    pub id: Option<String>,
}

impl Named {
    /// Not known to the workspace yet.
    pub fn new(name: &str) -> Named {
        Named { name: name.to_owned(), id: None }
    }
}

/// A name that must mean something in the workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Called {
    /// A team, by name.
    Team(String),
    /// A teammate, by id or e-mail address.
    Teammate(String),
    /// A tag that exists, by name.
    Tag(String),
}

impl RuleSet {
    /// Every name that must mean something before anything is done. Tags that hold or are ruled out need not exist,
    /// nor those that a step attaches.
    pub fn names(&self) -> BTreeSet<Called> {
        let mut names = BTreeSet::new();
        drop(self.clone().with_ids(|called| {
            names.insert(called.clone());
            None
        }));
        let attached: BTreeSet<&String> = self.labels().flat_map(|labels| &labels.tags).collect();
        let matched = self.rules.iter().flat_map(|rule| rule.matches.tags.iter().chain(&rule.matches.all_tags));
        let taken_off = self.labels().flat_map(|labels| &labels.untag);
        let tags = matched.chain(taken_off).filter(|tag| !attached.contains(tag));
        names.extend(tags.cloned().map(Called::Tag));
        names
    }

    /// Every attribute that a rule looks at or sets.
    pub fn attributes(&self) -> BTreeSet<String> {
        let matched = self.rules.iter().flat_map(|rule| rule.matches.attributes.keys());
        matched.chain(self.labels().flat_map(|labels| labels.set.keys())).cloned().collect()
    }

    /// Template of every message, note and last word.
    pub fn texts(&self) -> BTreeSet<&Arc<str>> {
        let steps = self.rules.iter().flat_map(|rule| &rule.steps);
        steps.filter_map(|step| step.act.body()).collect()
    }

    /// Whether the id of every team and teammate is known that a condition names.
    pub fn is_resolved(&self) -> bool {
        self.rules.iter().all(|rule| {
            let Match { team, not_team, assignee, not_assignee, .. } = &rule.matches;
            let mut named = team.iter().chain(not_team).chain(assignee).chain(not_assignee);
            named.all(|named| named.id.is_some())
        })
    }

    /// Whether a rule looks at an attribute of which these facts know nothing, as it was not asked for when they were
    /// read.
    pub fn asks_beyond(&self, facts: &Facts) -> bool {
        let mut names = self.rules.iter().flat_map(|rule| rule.matches.attributes.keys());
        names.any(|name| !facts.attributes.contains_key(name))
    }

    /// The same rules with the ids that `id_of` knows; what it does not know has none.
    #[must_use]
    pub fn with_ids(mut self, mut id_of: impl FnMut(&Called) -> Option<String>) -> RuleSet {
        let mut team = |named: &mut Named| named.id = id_of(&Called::Team(named.name.clone()));
        for rule in &mut self.rules {
            let Match { team: wanted, not_team: barred, .. } = &mut rule.matches;
            wanted.iter_mut().chain(barred).chain(assigned(rule.steps.iter_mut(), |team, _| team)).for_each(&mut team);
        }
        let mut teammate = |named: &mut Named| named.id = id_of(&Called::Teammate(named.name.clone()));
        for rule in &mut self.rules {
            let Match { assignee: wanted, not_assignee: barred, .. } = &mut rule.matches;
            let assigned = assigned(rule.steps.iter_mut(), |_, teammate| teammate);
            wanted.iter_mut().chain(barred).chain(assigned).for_each(&mut teammate);
        }
        self
    }

    fn labels(&self) -> impl Iterator<Item = &Labels> {
        self.rules.iter().flat_map(|rule| &rule.steps).filter_map(|step| step.act.labels())
    }
}

/// Teams or teammates that steps assign to.
fn assigned<'a>(
    steps: impl Iterator<Item = &'a mut Step>,
    pick: for<'b> fn(&'b mut Option<Named>, &'b mut Option<Named>) -> &'b mut Option<Named>,
) -> impl Iterator<Item = &'a mut Named> {
    steps.filter_map(move |step| match &mut step.act {
        Act::Assign(Assignment::To { team, teammate }) => pick(team, teammate).as_mut(),
        _ => None,
    })
}
