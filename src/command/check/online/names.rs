//! The teams, teammates and tags that the file names, held against those that the workspace has.

use std::collections::BTreeSet;

use super::{Desk, Finding};
use crate::config::{self, Diagnostic, Mention, Mentioned};
use crate::engine::rule::Called;
use crate::intercom::client::{Admin, Tag, Team};
use crate::names::Directory;

const TEAMS: &str = "teams";
const TEAMMATES: &str = "teammates";
const TAGS: &str = "tags";

/// Whether a tag is named.
pub(super) fn is_tag(what: &Mentioned) -> bool {
    matches!(what, Mentioned::Needed(Called::Tag(_)) | Mentioned::Barring(_) | Mentioned::Attached(_))
}

/// What the workspace has; `None` was not asked for, or could not be read.
pub(super) struct Lists {
    pub(super) admins: Option<Vec<Admin>>,
    pub(super) teams: Option<Vec<Team>>,
    pub(super) tags: Option<Vec<Tag>>,
}

/// What of the names is there.
pub(super) fn findings(desk: &Desk<'_>, Lists { admins, teams, tags }: Lists) -> Vec<Finding> {
    let attached: BTreeSet<&str> = desk
        .loaded
        .mentions
        .iter()
        .filter_map(|mention| match &mention.what {
            Mentioned::Attached(tag) => Some(tag.as_str()),
            _ => None,
        })
        .collect();
    let known = [(TEAMS, teams.is_some()), (TEAMMATES, admins.is_some()), (TAGS, tags.is_some())];
    let directory = Directory {
        teams: teams.unwrap_or_default(),
        admins: admins.unwrap_or_default(),
        tags: tags.unwrap_or_default(),
    };
    let census = Census { directory, attached };
    known.into_iter().filter(|(_, known)| *known).flat_map(|(check, _)| census.of(desk, check)).collect()
}

struct Census<'a> {
    directory: Directory,
    /// Tags that a step attaches.
    attached: BTreeSet<&'a str>,
}

/// What becomes of a name.
enum Met {
    There(String),
    Made(String),
    Not(Finding),
}

impl Census<'_> {
    fn of(&self, desk: &Desk<'_>, check: &'static str) -> Vec<Finding> {
        let (mut there, mut made, mut not) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        let met = desk.loaded.mentions.iter().filter_map(|mention| self.meet(mention, check));
        let default = (check == TAGS).then(|| self.holds_by_default(desk)).into_iter().flatten();
        for met in met.chain(default) {
            match met {
                Met::There(name) => drop(there.insert(name)),
                Met::Made(name) => drop(made.insert(name)),
                Met::Not(finding) => not.push(finding),
            }
        }
        let mut found = Vec::new();
        if !there.is_empty() {
            found.push(Finding::ok(check, quoted(&there)));
        }
        if !made.is_empty() {
            let is = if made.len() == 1 { "is not there yet, and is" } else { "are not there yet, and are" };
            found.push(Finding::ok(check, format!("{} {is} created when a step first attaches it", quoted(&made))));
        }
        found.extend(not);
        found
    }

    fn meet(&self, mention: &Mention, check: &'static str) -> Option<Met> {
        let (of, met) = match &mention.what {
            Mentioned::Needed(Called::Tag(tag)) if self.attached.contains(tag.as_str()) => {
                (TAGS, self.made_when_missing(tag))
            }
            Mentioned::Needed(called) => (check_of(called), self.needed(mention, called)),
            Mentioned::Attached(tag) => (TAGS, self.made_when_missing(tag)),
            Mentioned::Barring(tag) if self.attached.contains(tag.as_str()) => (TAGS, self.made_when_missing(tag)),
            Mentioned::Barring(tag) => (TAGS, self.barring(tag, |message, help| mention.saying(message, help))),
            _ => return None,
        };
        (of == check).then_some(met)
    }

    fn needed(&self, mention: &Mention, called: &Called) -> Met {
        match self.directory.id_of(called) {
            Ok(_) => Met::There(name(called).to_owned()),
            Err(error) => {
                let (text, help) = (error.to_string(), error.help());
                let message = text.strip_suffix(help).map_or(text.as_str(), |message| message.trim_end_matches("; "));
                Met::Not(Finding::wrong(check_of(called), mention.saying(message, help)))
            }
        }
    }

    fn has(&self, tag: &str) -> bool {
        self.directory.tags.iter().any(|known| known.name == tag)
    }

    fn made_when_missing(&self, tag: &str) -> Met {
        if self.has(tag) { Met::There(tag.to_owned()) } else { Met::Made(tag.to_owned()) }
    }

    fn barring(&self, tag: &str, say: impl FnOnce(String, String) -> Diagnostic) -> Met {
        if self.has(tag) {
            return Met::There(tag.to_owned());
        }
        let message = format!("the workspace has no tag \"{tag}\", so nothing is left alone because of it");
        let help = match config::nearest(tag, self.directory.tags.iter().map(|tag| tag.name.as_str())) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "create it in Intercom, to have it when it is needed".to_owned(),
        };
        Met::Not(Finding::doubt(TAGS, say(message, help)))
    }

    /// The tags that hold although the file does not say so.
    fn holds_by_default(&self, desk: &Desk<'_>) -> Vec<Met> {
        let unsaid = |tag: &&String| !desk.names(|what| matches!(what, Mentioned::Barring(known) if known == *tag));
        let about = |message, help| Diagnostic::about(desk.file, message, help);
        desk.config().rules.hold_tags.iter().filter(unsaid).map(|tag| self.barring(tag, about)).collect()
    }
}

fn check_of(called: &Called) -> &'static str {
    match called {
        Called::Team(_) => TEAMS,
        Called::Teammate(_) => TEAMMATES,
        Called::Tag(_) => TAGS,
    }
}

fn name(called: &Called) -> &str {
    match called {
        Called::Team(name) | Called::Teammate(name) | Called::Tag(name) => name,
    }
}

fn quoted(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}
