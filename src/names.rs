//! What the configuration's names mean in the workspace: teams, teammates, tags.
//!
//! Owns: looking them up, and saying which of them mean nothing or more than one thing. Refuses: guessing. While one
//! is open nothing is done, as a rule about nobody would fall to the rules below.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use crate::engine::RuleSet;
use crate::engine::rule::Called;
use crate::intercom::Intercom;
use crate::intercom::client::{Admin, Tag, Team};
use crate::intercom::error::{Class, IntercomError};
use crate::store::{Store, StoreError};

/// Who and what is in a workspace, as far as somebody asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    /// The teams.
    pub teams: Vec<Team>,
    /// The teammates.
    pub admins: Vec<Admin>,
    /// The tags.
    pub tags: Vec<Tag>,
}

/// What a look at the names has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// What is wrong with the names; nothing is done while there is.
    pub unclear: Option<String>,
    /// The teammates, if Intercom told them.
    pub admins: Option<Vec<Admin>>,
}

/// What the names mean, as far as it is known. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Names(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    ids: BTreeMap<Called, String>,
    /// Names of teammates by id; they are kept in memory alone.
    teammates: BTreeMap<String, String>,
}

/// Under this name the database remembers the ids.
const REMEMBERED: &str = "names";

impl Names {
    /// What an earlier start had found out.
    ///
    /// # Errors
    /// The database failed.
    pub async fn remembered(store: &Store) -> Result<Names, StoreError> {
        let text = store.setting(REMEMBERED).await?.unwrap_or_default();
        // What does not read is looked up again.
        let rows: Vec<(String, String, String)> = serde_json::from_str(&text).unwrap_or_default();
        let ids = rows.into_iter().filter_map(|(kind, name, id)| Some((called(&kind, name)?, id))).collect();
        Ok(Names(Arc::new(RwLock::new(Known { ids, ..Known::default() }))))
    }

    /// Looks up what these rules name. With `somebody_acts`, the teammates are asked for in any case.
    ///
    /// # Errors
    /// The database failed.
    pub async fn look_up(
        &self,
        rules: &RuleSet,
        somebody_acts: bool,
        intercom: &Intercom,
        store: &Store,
    ) -> Result<Looked, StoreError> {
        let wanted = rules.names();
        let named = wanted.iter().any(|called| matches!(called, Called::Teammate(_)));
        let told = if named || somebody_acts { intercom.admins().await.map(Some) } else { Ok(None) };
        let admins = told.as_ref().ok().cloned().flatten();
        let found = match told {
            Err(error) if named => Err(error),
            _ => Directory::look_up(intercom, &wanted, admins.clone().unwrap_or_default()).await,
        };
        let unclear = match found {
            Ok(directory) => {
                let (ids, unresolved) = directory.ids_of(&wanted);
                self.learn(&wanted, ids, directory.teammates(), store).await?;
                (!unresolved.is_empty()).then(|| unresolved.join("; "))
            }
            // What was known before goes on being known.
            Err(error) => wanted.iter().any(|called| self.id_of(called).is_none()).then(|| not_had(&error)),
        };
        Ok(Looked { unclear, admins })
    }

    /// The id behind a name, if it is known.
    pub fn id_of(&self, called: &Called) -> Option<String> {
        self.known().ids.get(called).cloned()
    }

    /// The name of the teammate of that id, if it is known.
    pub fn teammate(&self, id: &str) -> Option<String> {
        self.known().teammates.get(id).cloned()
    }

    /// Of names that were not asked for, what was known goes on being known: they may be those of newer rules.
    async fn learn(
        &self,
        wanted: &BTreeSet<Called>,
        found: BTreeMap<Called, String>,
        teammates: BTreeMap<String, String>,
        store: &Store,
    ) -> Result<(), StoreError> {
        let mut ids = self.known().ids.clone();
        ids.retain(|called, _| !wanted.contains(called));
        ids.extend(found);
        if self.known().ids != ids {
            let rows: Vec<_> = ids.iter().map(|(called, id)| (kind(called), name(called), id)).collect();
            let text = serde_json::to_string(&rows).unwrap_or_default();
            store.set_setting(REMEMBERED, &text).await?;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.ids.retain(|called, _| !wanted.contains(called));
        known.ids.extend(ids.into_iter().filter(|(called, _)| wanted.contains(called)));
        known.teammates.extend(teammates);
        Ok(())
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_had(error: &IntercomError) -> String {
    let why = match error.class() {
        Class::Refused | Class::AuthDead | Class::BadRequest => error.to_string(),
        _ => "Intercom gave no answer that can be used; it is asked again".to_owned(),
    };
    format!("the teams, teammates and tags that the rules name could not be looked up: {why}")
}

fn kind(called: &Called) -> &'static str {
    match called {
        Called::Team(_) => "team",
        Called::Teammate(_) => "teammate",
        Called::Tag(_) => "tag",
    }
}

fn name(called: &Called) -> &str {
    match called {
        Called::Team(name) | Called::Teammate(name) | Called::Tag(name) => name,
    }
}

fn called(kind: &str, name: String) -> Option<Called> {
    match kind {
        "team" => Some(Called::Team(name)),
        "teammate" => Some(Called::Teammate(name)),
        "tag" => Some(Called::Tag(name)),
        _ => None,
    }
}

/// Why a name has no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// Nothing is called so.
    #[error("the workspace has no {kind} \"{name}\"; {help}")]
    Unknown {
        /// `team`, `teammate` or `tag`.
        kind: &'static str,
        /// The name.
        name: String,
        /// What to do.
        help: String,
    },
    /// More than one is called so.
    #[error("the workspace has {count} {kind}s called \"{name}\"; {help}")]
    Ambiguous {
        /// `team` or `teammate`.
        kind: &'static str,
        /// The name.
        name: String,
        /// How many.
        count: usize,
        /// What to do.
        help: &'static str,
    },
}

impl Unresolved {
    /// What to do.
    pub fn help(&self) -> &str {
        match self {
            Unresolved::Unknown { help, .. } => help,
            Unresolved::Ambiguous { help, .. } => help,
        }
    }
}

impl Directory {
    /// Asks Intercom for the lists in which these names stand, beside the teammates.
    async fn look_up(
        intercom: &Intercom,
        names: &BTreeSet<Called>,
        admins: Vec<Admin>,
    ) -> Result<Directory, IntercomError> {
        let mut directory = Directory { admins, ..Directory::default() };
        if names.iter().any(|called| matches!(called, Called::Team(_))) {
            directory.teams = intercom.teams().await?;
        }
        if names.iter().any(|called| matches!(called, Called::Tag(_))) {
            directory.tags = intercom.tags().await?;
        }
        Ok(directory)
    }

    /// The ids behind these names, and what is wrong with the others.
    fn ids_of(&self, names: &BTreeSet<Called>) -> (BTreeMap<Called, String>, Vec<String>) {
        let (mut ids, mut unresolved) = (BTreeMap::new(), Vec::new());
        for called in names {
            match self.id_of(called) {
                Ok(id) => drop(ids.insert(called.clone(), id)),
                Err(error) => unresolved.push(error.to_string()),
            }
        }
        (ids, unresolved)
    }

    /// The id behind a name.
    ///
    /// # Errors
    /// Nothing or more than one thing is called so.
    pub fn id_of(&self, called: &Called) -> Result<String, Unresolved> {
        let kind = kind(called);
        let known = |name: &str, ids: Vec<&str>, names: Vec<&str>| match ids.as_slice() {
            [id] => Ok((*id).to_owned()),
            [] => Err(Unresolved::Unknown { kind, name: name.to_owned(), help: correct(kind, name, &names) }),
            ids => {
                let help = "rename all but one of them in Intercom";
                Err(Unresolved::Ambiguous { kind, name: name.to_owned(), count: ids.len(), help })
            }
        };
        match called {
            Called::Team(name) => {
                let ids = self.teams.iter().filter(|team| team.name == *name).map(|team| team.id.as_str()).collect();
                known(name, ids, self.teams.iter().map(|team| team.name.as_str()).collect())
            }
            Called::Teammate(name) => {
                let is = |admin: &&Admin| admin.id == *name || admin.email.as_ref() == Some(name);
                let ids = self.admins.iter().filter(is).map(|admin| admin.id.as_str()).collect();
                // Nobody's address is suggested: it would stand in logs and in health.
                known(name, ids, Vec::new())
            }
            Called::Tag(name) => {
                let ids = self.tags.iter().filter(|tag| tag.name == *name).map(|tag| tag.id.as_str()).take(1).collect();
                known(name, ids, self.tags.iter().map(|tag| tag.name.as_str()).collect())
            }
        }
    }

    /// Names of the teammates by id.
    pub fn teammates(&self) -> BTreeMap<String, String> {
        let named = self.admins.iter().filter_map(|admin| Some((admin.id.clone(), admin.name.clone()?)));
        named.collect()
    }
}

fn correct(kind: &str, name: &str, names: &[&str]) -> String {
    match crate::config::nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if kind == "teammate" => "write the id or the e-mail address of one".to_owned(),
        None => "write its name as Intercom shows it, or create it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> Directory {
        let team = |id: &str, name: &str| Team { id: id.into(), name: name.into() };
        let admin = |id: &str, name: &str, email: &str| Admin {
            id: id.into(),
            name: Some(name.into()),
            email: Some(email.into()),
            has_inbox_seat: Some(true),
            away: None,
        };
        Directory {
            teams: vec![team("1", "Support"), team("2", "Sales"), team("3", "Sales")],
            admins: vec![admin("7", "Ada", "ada@example.com"), admin("8", "Kim", "kim@example.com")],
            tags: vec![Tag { id: "9".into(), name: "vip".into() }],
        }
    }

    #[test]
    fn a_name_means_exactly_one_thing_or_is_told_with_what_to_do() {
        let mut told = Vec::new();
        for called in [
            Called::Team("Support".into()),
            Called::Team("support".into()),
            Called::Team("Nobody knows".into()),
            Called::Team("Sales".into()),
            Called::Teammate("7".into()),
            Called::Teammate("kim@example.com".into()),
            Called::Teammate("9".into()),
            Called::Tag("vip".into()),
            Called::Tag("vips".into()),
        ] {
            told.push(directory().id_of(&called).unwrap_or_else(|error| error.to_string()));
        }
        insta::assert_snapshot!(told.join("\n"), @r#"
        1
        the workspace has no team "support"; did you mean "Support"?
        the workspace has no team "Nobody knows"; write its name as Intercom shows it, or create it
        the workspace has 2 teams called "Sales"; rename all but one of them in Intercom
        7
        8
        the workspace has no teammate "9"; write the id or the e-mail address of one
        9
        the workspace has no tag "vips"; did you mean "vip"?
        "#);
    }
}
