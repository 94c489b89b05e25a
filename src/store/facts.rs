//! How facts and our changes of them are spelt in the database: as JSON that a person can read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rows::{at, json, ms};
use crate::engine::Wish;
use crate::engine::conversation::{Facts, State, Tag};
use crate::engine::facts::Change;
use crate::engine::rule::StateName;
use crate::intercom::attribute;

/// The facts as JSON: tags, admin assignee, team assignee, priority, Fin's resolution, attributes that rules name. What is not
/// there is not known, but for what `else` says.
#[expect(clippy::option_option, reason = "the outer one is knowledge, the inner one the fact")]
#[derive(Serialize, Deserialize)]
struct FactsJson {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    tags: Option<Vec<(String, String)>>,
    #[serde(skip_serializing_if = "Option::is_none", default, with = "double_option")]
    admin: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none", default, with = "double_option")]
    team: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    priority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default, with = "double_option")]
    ai: Option<Option<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    attributes: BTreeMap<String, Value>,
    /// What the others are that are not named: without it, not known.
    #[serde(rename = "else", skip_serializing_if = "Option::is_none", default)]
    others: Option<Others>,
}

/// What is not named among tags, assignees and Fin's resolution.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Others {
    /// Known to be none.
    None,
}

impl FactsJson {
    /// Most are known to be none: said once, it need not be said of each.
    fn shortened(self) -> FactsJson {
        let all_known = self.tags.is_some() && [&self.admin, &self.team, &self.ai].iter().all(|fact| fact.is_some());
        if !all_known {
            return self;
        }
        FactsJson {
            tags: self.tags.filter(|tags| !tags.is_empty()),
            admin: self.admin.filter(Option::is_some),
            team: self.team.filter(Option::is_some),
            ai: self.ai.filter(Option::is_some),
            others: Some(Others::None),
            ..self
        }
    }

    fn in_full(self) -> FactsJson {
        if self.others.is_none() {
            return self;
        }
        FactsJson {
            tags: self.tags.or_else(|| Some(Vec::new())),
            admin: self.admin.or(Some(None)),
            team: self.team.or(Some(None)),
            ai: self.ai.or(Some(None)),
            others: None,
            ..self
        }
    }
}

/// Tells "nobody" (null) from "not known" (absent).
mod double_option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, clippy::option_option, reason = "the signature is serde's")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Option<String>>, to: S) -> Result<S::Ok, S::Error> {
        value.as_ref().and_then(Option::as_ref).serialize(to)
    }

    #[expect(clippy::option_option, reason = "the outer one is knowledge, the inner one the fact")]
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
        Option::deserialize(from).map(Some)
    }
}

/// Facts in the database's words; the state has columns of its own.
pub(super) fn facts_json(facts: &Facts) -> String {
    let tags = facts.tags.as_ref();
    let attributes = facts.attributes.iter().map(|(name, value)| (name.clone(), attribute::to_json(value.as_ref())));
    let facts = FactsJson {
        tags: tags.map(|tags| tags.iter().map(|tag| (tag.id.clone(), tag.name.clone())).collect()),
        admin: facts.admin_assignee_id.clone(),
        team: facts.team_assignee_id.clone(),
        priority: facts.priority.clone(),
        ai: facts.ai_resolution.clone(),
        attributes: attributes.collect(),
        others: None,
    };
    json(&facts.shortened())
}

/// Reads facts; `None` if they are not ours.
pub(super) fn facts(text: &str, state: Option<State>) -> Option<Facts> {
    let facts = serde_json::from_str::<FactsJson>(text).ok()?.in_full();
    let tags = facts.tags.map(|tags| tags.into_iter().map(|(id, name)| Tag { id, name }).collect());
    Some(Facts {
        state,
        tags,
        admin_assignee_id: facts.admin,
        team_assignee_id: facts.team,
        priority: facts.priority,
        ai_resolution: facts.ai,
        attributes: facts.attributes.into_iter().map(|(name, value)| (name, attribute::from_json(&value))).collect(),
    })
}

/// A change as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChangeJson {
    State { was: String, until: Option<i64> },
    Tagged(String),
    Untagged(String),
    Teammate { was: Option<String>, is: Option<String> },
    Team { was: Option<String>, is: Option<String> },
    Attribute { name: String, was: Value, is: Value },
}

/// Changes in the database's words.
pub(super) fn changes_json(changes: &[Change]) -> String {
    let rows: Vec<ChangeJson> = changes.iter().map(change_json).collect();
    json(&rows)
}

fn change_json(change: &Change) -> ChangeJson {
    match change.clone() {
        Change::State { was, until } => ChangeJson::State { was: was.name().to_owned(), until: until.map(ms) },
        Change::Tagged(tag) => ChangeJson::Tagged(tag),
        Change::Untagged(tag) => ChangeJson::Untagged(tag),
        Change::Teammate { was, is } => ChangeJson::Teammate { was, is },
        Change::Team { was, is } => ChangeJson::Team { was, is },
        Change::Attribute { name, was, is } => {
            ChangeJson::Attribute { name, was: attribute::to_json(was.as_ref()), is: attribute::to_json(is.as_ref()) }
        }
    }
}

/// Reads changes; `None` if they are not ours.
pub(super) fn changes(text: &str) -> Option<Vec<Change>> {
    let rows: Vec<ChangeJson> = serde_json::from_str(text).ok()?;
    rows.into_iter().map(change).collect()
}

fn change(row: ChangeJson) -> Option<Change> {
    Some(match row {
        ChangeJson::State { was, until } => {
            let was = StateName::NAMES.iter().find(|(_, name)| *name == was).map(|(state, _)| *state)?;
            let until: Option<Timestamp> = until.map(at).transpose().ok()?;
            Change::State { was, until }
        }
        ChangeJson::Tagged(tag) => Change::Tagged(tag),
        ChangeJson::Untagged(tag) => Change::Untagged(tag),
        ChangeJson::Teammate { was, is } => Change::Teammate { was, is },
        ChangeJson::Team { was, is } => Change::Team { was, is },
        ChangeJson::Attribute { name, was, is } => {
            Change::Attribute { name, was: attribute::from_json(&was), is: attribute::from_json(&is) }
        }
    })
}

/// A wish as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WishJson {
    Snoozed(i64),
    Open,
    Team(Option<String>),
    Teammate(Option<String>),
    Tagged(String),
    Untagged(String),
    Attribute(String, Value),
    Read(bool),
}

/// Wishes in the database's words; nothing for none.
pub(super) fn wishes_json(wishes: &[Wish]) -> Option<String> {
    let rows: Vec<WishJson> = wishes.iter().cloned().map(wish_json).collect();
    (!rows.is_empty()).then(|| json(&rows))
}

fn wish_json(wish: Wish) -> WishJson {
    match wish {
        Wish::Snoozed(until) => WishJson::Snoozed(ms(until)),
        Wish::Open => WishJson::Open,
        Wish::Team(id) => WishJson::Team(id),
        Wish::Teammate(id) => WishJson::Teammate(id),
        Wish::Tagged(tag) => WishJson::Tagged(tag),
        Wish::Untagged(tag) => WishJson::Untagged(tag),
        Wish::Attribute(name, value) => WishJson::Attribute(name, attribute::to_json(Some(&value))),
        Wish::Read(read) => WishJson::Read(read),
    }
}

/// Reads wishes; `None` if they are not ours.
pub(super) fn wishes(text: Option<&str>) -> Option<Vec<Wish>> {
    let Some(text) = text else { return Some(Vec::new()) };
    let rows: Vec<WishJson> = serde_json::from_str(text).ok()?;
    rows.into_iter().map(wish).collect()
}

fn wish(row: WishJson) -> Option<Wish> {
    Some(match row {
        WishJson::Snoozed(until) => Wish::Snoozed(at(until).ok()?),
        WishJson::Open => Wish::Open,
        WishJson::Team(id) => Wish::Team(id),
        WishJson::Teammate(id) => Wish::Teammate(id),
        WishJson::Tagged(tag) => Wish::Tagged(tag),
        WishJson::Untagged(tag) => Wish::Untagged(tag),
        WishJson::Attribute(name, value) => Wish::Attribute(name, attribute::from_json(&value)?),
        WishJson::Read(read) => Wish::Read(read),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::AttributeValue;

    #[test]
    fn facts_and_changes_come_back_as_they_were_written() {
        let text = |text: &str| Some(AttributeValue::Text(text.to_owned()));
        let values = [
            ("plan", text("gold")),
            ("seats", Some(AttributeValue::number(5.0))),
            ("share", Some(AttributeValue::number(-0.25))),
            ("trial", Some(AttributeValue::Boolean(false))),
            ("topics", Some(AttributeValue::List(vec!["a".into(), "b".into()]))),
            ("strange", Some(AttributeValue::Other)),
            ("none", None),
        ];
        let written = Facts {
            tags: Some(vec![Tag { id: "1".into(), name: "vip".into() }]),
            admin_assignee_id: Some(None),
            team_assignee_id: Some(Some("7".into())),
            attributes: values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            ..Facts::default()
        };
        assert_eq!(facts(&facts_json(&written), None), Some(written));
        let until = Timestamp::from_second(1_772_409_600).unwrap();
        let mut all = vec![
            Change::State { was: StateName::Woken, until: Some(until) },
            Change::State { was: StateName::Snoozed, until: None },
            Change::Tagged("a".into()),
            Change::Untagged("b".into()),
            Change::Teammate { was: None, is: Some("7".into()) },
            Change::Team { was: Some("7".into()), is: None },
        ];
        all.extend(values.map(|(name, is)| Change::Attribute { name: name.into(), was: text("x"), is }));
        assert_eq!(changes(&changes_json(&all)), Some(all));
    }

    #[test]
    fn what_is_known_to_be_none_is_said_once_and_is_not_what_is_not_known() {
        let nothing = Facts { priority: Some("none".into()), ..Facts::default() };
        let tags = Some(vec![Tag { id: "1".into(), name: "vip".into() }]);
        let none = Facts {
            tags: Some(Vec::new()),
            admin_assignee_id: Some(None),
            team_assignee_id: Some(None),
            ai_resolution: Some(None),
            ..nothing.clone()
        };
        let some = Facts { tags, team_assignee_id: Some(Some("7".into())), ..none.clone() };
        for (written, want) in [
            (nothing, r#"{"priority":"none"}"#),
            (none.clone(), r#"{"priority":"none","else":"none"}"#),
            (some, r#"{"tags":[["1","vip"]],"team":"7","priority":"none","else":"none"}"#),
            (Facts { tags: None, ..none.clone() }, r#"{"admin":null,"team":null,"priority":"none","ai":null}"#),
            (
                Facts { ai_resolution: None, ..none.clone() },
                r#"{"tags":[],"admin":null,"team":null,"priority":"none"}"#,
            ),
        ] {
            assert_eq!(facts_json(&written), want);
            assert_eq!(facts(want, None), Some(written));
        }
        let of_old = r#"{"tags":[],"admin":null,"team":null,"priority":"none","ai":null}"#;
        assert_eq!(facts(of_old, None), Some(none), "before schema 15 each was named");
        assert_eq!(facts(r#"{"else":"all"}"#, None), None);
    }

    #[test]
    fn wishes_come_back_as_they_were_written() {
        let all = vec![
            Wish::Snoozed(Timestamp::from_second(1_772_409_600).unwrap()),
            Wish::Open,
            Wish::Team(None),
            Wish::Teammate(Some("7".into())),
            Wish::Tagged("a".into()),
            Wish::Untagged("b".into()),
            Wish::Attribute("seats".into(), AttributeValue::number(5.0)),
            Wish::Read(false),
        ];
        assert_eq!(wishes(wishes_json(&all).as_deref()), Some(all));
        assert_eq!(wishes(wishes_json(&[]).as_deref()), Some(Vec::new()));
    }
}
