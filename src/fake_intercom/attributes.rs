//! The attributes of conversations: which ones a workspace has, and which values they take.
//!
//! Owns: which values the API refuses, and how the others are kept. Refuses: changing a conversation; `world` does.
//!
//! Documented is the refusal of a name that two attributes share: 400 `INVALID_PARAMETER`. It is silent about names
//! that do not exist and values of another type; both are 400 `parameter_invalid` here. Null takes a value away. How
//! versions before 2.16 list attributes of objects is not documented: they do not list them here.

use serde_json::{Map, Value, json};

use super::api::{Asked, Refusal};
use super::workspace::Workspace;
use super::world::uuid_like;

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
pub(super) fn checked(workspace: &Workspace, given: &Value) -> Result<Values, Refusal> {
    let Value::Object(given) = given else {
        return Err(Refusal::bad("parameter_invalid", "custom_attributes must be an object"));
    };
    given.iter().map(|(name, value)| Ok((name.clone(), named(workspace, name)?.kept(value)?))).collect()
}

fn named<'a>(workspace: &'a Workspace, name: &str) -> Result<&'a Attribute, Refusal> {
    let mut fitting = workspace.conversation_attributes.iter().filter(|attribute| attribute.name == name);
    match (fitting.next(), fitting.next()) {
        (Some(attribute), None) if !workspace.archived_attributes.contains(&attribute.name) => Ok(attribute),
        (None, _) | (Some(_), None) => {
            Err(Refusal::bad("parameter_invalid", format!("Conversation attribute '{name}' does not exist")))
        }
        (Some(_), Some(_)) => {
            Err(Refusal::bad("INVALID_PARAMETER", format!("Several conversation attributes are named '{name}'")))
        }
    }
}

/// All of them, as the asked version lists them: since 2.16 at a place of their own.
pub(super) fn listed(workspace: &Workspace, asked: &Asked) -> Result<Value, Refusal> {
    let (apart, at_their_own) = (asked.minor() >= 16, asked.segments() == ["conversations", "attributes"]);
    match (apart, at_their_own) {
        // That place is a conversation with a strange id.
        (false, true) => return Err(Refusal::not_found()),
        (true, false) if asked.asks("model=conversation") => {
            let told = "model=conversation is no longer supported. Use GET /conversations/attributes instead";
            return Err(Refusal::new(422, "parameter_invalid", told));
        }
        // Attributes of contacts and companies, of which the fake has none.
        _ if !at_their_own && !asked.asks("model=conversation") => return Ok(json!({ "type": "list", "data": [] })),
        _ => {}
    }
    let data: Vec<Value> = (1..)
        .zip(&workspace.conversation_attributes)
        .map(|(id, it)| (id, it, workspace.archived_attributes.contains(&it.name)))
        .filter(|(_, _, archived)| !archived || asked.asks("include_archived=true"))
        .filter_map(
            |(id, it, archived)| if apart { Some(it.listed(id, archived)) } else { it.listed_of_old(id, archived) },
        )
        .collect();
    Ok(json!({ "type": "list", "data": data }))
}

impl Attribute {
    fn listed(&self, id: u32, archived: bool) -> Value {
        let data_type = match &self.kind {
            AttributeKind::Text => "string",
            AttributeKind::Integer => "integer",
            AttributeKind::Float => "decimal",
            AttributeKind::Boolean => "boolean",
            AttributeKind::Date => "datetime",
            AttributeKind::OneOf(_) => "list",
            AttributeKind::Objects(_) => "relationship",
        };
        let mut listed = json!({
            "type": "conversation_attribute",
            "id": id,
            "name": self.name,
            "description": "",
            "data_type": data_type,
            "required": false,
            "visible_to_team_ids": [],
            "archived": archived,
            "created_at": 1_700_000_000,
            "updated_at": 1_700_000_000,
            "admin_id": "1001",
        });
        match &self.kind {
            AttributeKind::Text => listed["multiline"] = json!(false),
            AttributeKind::OneOf(options) => {
                let option =
                    |(id, label): (u64, &String)| json!({ "id": uuid_like(2, id), "label": label, "archived": false });
                listed["options"] = (1..).zip(options).map(option).collect();
            }
            AttributeKind::Objects(kind) => listed["reference"] = json!({ "type": "many", "object_type_id": kind }),
            _ => {}
        }
        listed
    }

    fn listed_of_old(&self, id: u32, archived: bool) -> Option<Value> {
        let data_type = match &self.kind {
            AttributeKind::Text | AttributeKind::OneOf(_) => "string",
            AttributeKind::Integer => "integer",
            AttributeKind::Float => "float",
            AttributeKind::Boolean => "boolean",
            AttributeKind::Date => "date",
            AttributeKind::Objects(_) => return None,
        };
        let mut listed = json!({
            "type": "data_attribute",
            "id": id,
            "model": "conversation",
            "name": self.name,
            "full_name": format!("custom_attributes.{}", self.name),
            "label": self.name,
            "description": "",
            "data_type": data_type,
            "api_writable": true,
            "messenger_writable": true,
            "ui_writable": true,
            "custom": true,
            "archived": archived,
            "created_at": 1_700_000_000,
            "updated_at": 1_700_000_000,
            "admin_id": "1001",
        });
        if let AttributeKind::OneOf(options) = &self.kind {
            listed["options"] = json!(options);
        }
        Some(listed)
    }

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
