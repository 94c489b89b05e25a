//! The attributes of conversations: which ones a workspace has, and which values they take.
//!
//! Owns: which values the API refuses, and how the others are kept. Refuses: changing a conversation; `world` does.
//!
//! Documented is the refusal of a name that two attributes share: 400 `INVALID_PARAMETER`. It is silent about names
//! that do not exist and values of another type; both are 400 `parameter_invalid` here. Null takes a value away.

use serde_json::{Map, Value, json};

use super::api::Refusal;

/// An attribute that conversations of the workspace can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, as in `custom_attributes`.
    pub name: String,
    /// What it takes.
    pub kind: AttributeKind,
}

/// What an attribute takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeKind {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// True or false.
    Boolean,
    /// A time in whole seconds.
    Date,
    /// One of these words.
    OneOf(Vec<String>),
    /// Ids of custom objects of this type.
    Objects(String),
}

/// Values by name, as they are shown.
pub(super) type Values = Map<String, Value>;

/// The given values as they are kept, or the first reason to refuse them.
pub(super) fn checked(known: &[Attribute], given: &Value) -> Result<Values, Refusal> {
    let Value::Object(given) = given else {
        return Err(Refusal::bad("parameter_invalid", "custom_attributes must be an object"));
    };
    given.iter().map(|(name, value)| Ok((name.clone(), named(known, name)?.kept(value)?))).collect()
}

fn named<'a>(known: &'a [Attribute], name: &str) -> Result<&'a Attribute, Refusal> {
    let mut fitting = known.iter().filter(|attribute| attribute.name == name);
    match (fitting.next(), fitting.next()) {
        (Some(attribute), None) => Ok(attribute),
        (None, _) => Err(Refusal::bad("parameter_invalid", format!("Conversation attribute '{name}' does not exist"))),
        (Some(_), Some(_)) => {
            Err(Refusal::bad("INVALID_PARAMETER", format!("Several conversation attributes are named '{name}'")))
        }
    }
}

impl Attribute {
    fn kept(&self, value: &Value) -> Result<Value, Refusal> {
        let fits = match (&self.kind, value) {
            (_, Value::Null)
            | (AttributeKind::Text, Value::String(_))
            | (AttributeKind::Float, Value::Number(_))
            | (AttributeKind::Boolean, Value::Bool(_)) => true,
            (AttributeKind::Integer, number) => number.is_i64(),
            (AttributeKind::Date, at) => at.as_i64().is_some_and(|at| at >= 0),
            (AttributeKind::OneOf(options), Value::String(chosen)) => options.contains(chosen),
            (AttributeKind::Objects(_), Value::Array(ids)) => ids.iter().all(Value::is_string),
            _ => false,
        };
        match (&self.kind, value) {
            _ if !fits => Err(Refusal::bad("parameter_invalid", format!("'{}' takes another type", self.name))),
            (AttributeKind::Objects(kind), Value::Array(ids)) => Ok(objects(kind, ids)),
            _ => Ok(value.clone()),
        }
    }
}

/// Objects are set by their ids and shown as a list of their own.
fn objects(kind: &str, ids: &[Value]) -> Value {
    let instance = |id| json!({ "type": kind, "id": id, "external_id": id, "custom_attributes": {} });
    json!({ "type": format!("{kind}.list"), "instances": ids.iter().map(instance).collect::<Vec<_>>() })
}
