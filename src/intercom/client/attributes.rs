//! The attributes that conversations of a workspace can have.
//!
//! Owns: where they are listed in which version of the API, and what kind each is. Refuses: values; those are of a
//! conversation.

use reqwest::Method;
use serde_json::Value;

use super::Intercom;
use super::answers::{items, written};
use super::transport::Request;
use crate::intercom::error::IntercomError;

/// The first version that lists the attributes of conversations at a place of their own.
const APART: (u32, u32) = (2, 16);

/// An attribute of conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, as in `custom_attributes`.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// It was put away: it can no longer be set.
    pub archived: bool,
}

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Decimal,
    /// True or false.
    Boolean,
    /// A moment.
    Date,
    /// One of these.
    OneOf(Vec<Offered>),
    /// Custom objects.
    Objects,
    /// Something else, or Intercom does not say.
    Other,
}

/// One of the values that an attribute offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// What it is called.
    pub label: String,
    /// It was put away.
    pub archived: bool,
}

impl Intercom {
    /// Whether attributes of every kind are told in the version that is asked for.
    pub fn tells_all_attributes(&self) -> bool {
        has_them_apart(&self.transport.api_version)
    }

    /// The attributes of conversations, archived ones too. One without a name is left out.
    pub async fn attributes(&self) -> Result<Vec<Attribute>, IntercomError> {
        let request = if self.tells_all_attributes() {
            Request::new(Method::GET, &["conversations", "attributes"]).query(&[("include_archived", "true")])
        } else {
            let query = [("model", "conversation"), ("include_archived", "true")];
            Request::new(Method::GET, &["data_attributes"]).query(&query)
        };
        Ok(self.call(request, |json, _| Ok(items(json, "data")?.iter().filter_map(attribute).collect())).await?.value)
    }
}

/// What cannot be read is taken for newer.
fn has_them_apart(version: &str) -> bool {
    let version = version.split_once('.');
    let version = version.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    version.is_none_or(|version: (u32, u32)| version >= APART)
}

fn attribute(item: &Value) -> Option<Attribute> {
    let archived = item["archived"].as_bool().unwrap_or_default();
    Some(Attribute { name: written(&item["name"])?, kind: kind(item), archived })
}

fn kind(item: &Value) -> Kind {
    let offered: Vec<_> = item["options"].as_array().into_iter().flatten().filter_map(offered).collect();
    match item["data_type"].as_str() {
        Some("string" | "list") if !offered.is_empty() => Kind::OneOf(offered),
        Some("string") => Kind::Text,
        Some("integer") => Kind::Integer,
        Some("decimal" | "float") => Kind::Decimal,
        Some("boolean") => Kind::Boolean,
        Some("datetime" | "date") => Kind::Date,
        Some("relationship") => Kind::Objects,
        _ => Kind::Other,
    }
}

/// Before 2.16 an option is a mere text.
fn offered(item: &Value) -> Option<Offered> {
    let label = written(item).or_else(|| written(&item["label"]))?;
    Some(Offered { label, archived: item["archived"].as_bool().unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_version_has_them_apart_from_2_16_on() {
        for (version, apart) in [("2.6", false), ("2.15", false), ("2.16", true), ("2.17", true), ("3.0", true)] {
            assert_eq!(has_them_apart(version), apart, "{version}");
        }
        assert!(has_them_apart("Preview"));
    }

    #[test]
    fn each_kind_is_known_by_the_words_of_old_and_new_versions() {
        let offered = |label: &str, archived| Offered { label: label.to_owned(), archived };
        let bug = || Kind::OneOf(vec![offered("Bug", false)]);
        for (item, want) in [
            (json!({ "data_type": "string" }), Kind::Text),
            (json!({ "data_type": "string", "options": [] }), Kind::Text),
            (json!({ "data_type": "string", "options": ["Bug"] }), bug()),
            (json!({ "data_type": "list", "options": [{ "label": "Bug" }] }), bug()),
            (
                json!({ "data_type": "list", "options": [{ "label": "Bug", "archived": true }] }),
                Kind::OneOf(vec![offered("Bug", true)]),
            ),
            (json!({ "data_type": "list", "options": [] }), Kind::Other),
            (json!({ "data_type": "integer" }), Kind::Integer),
            (json!({ "data_type": "float" }), Kind::Decimal),
            (json!({ "data_type": "decimal" }), Kind::Decimal),
            (json!({ "data_type": "boolean" }), Kind::Boolean),
            (json!({ "data_type": "date" }), Kind::Date),
            (json!({ "data_type": "datetime" }), Kind::Date),
            (json!({ "data_type": "relationship" }), Kind::Objects),
            (json!({ "data_type": "files" }), Kind::Other),
            (json!({}), Kind::Other),
        ] {
            assert_eq!(kind(&item), want, "{item}");
        }
        assert_eq!(attribute(&json!({ "name": " ", "data_type": "string" })), None);
    }
}
