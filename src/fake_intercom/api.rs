//! What the API answers: who may ask, what a request must bring, and what it does.
//!
//! Owns: every refusal, in Intercom's codes. Refuses: faults, connections and rate windows; `exchange` has those.
//!
//! Where the documentation is silent the choices are: an unknown tag is a plain `not_found` when tagging, and an
//! unknown assignee is `assignee_not_found`; an update by `PUT` is done by the token's own teammate, answers with all
//! parts (the examples show none, the new ones, or all), and is refused when it changes nothing or names what the fake
//! does not know, such as a state; the name of a tag finds the tag that is spelled exactly so.

use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use hyper::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::engine::ConversationId;

use super::attributes::{self, Values};
use super::conversation::{Assignee, Author, Conversation, Deed, State};
use super::faults::Endpoint;
use super::search;
use super::shape::{self, Dialect};
use super::workspace::{Quirk, Workspace};
use super::world::{Actor, World};

/// Beyond this, `snoozed_until` can only be milliseconds; the real API fails on them.
const LATEST_SECOND: i64 = 99_999_999_999;

/// A request as it arrived.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    /// The body, if it is JSON.
    pub(super) body: Option<Value>,
}

/// What a good request is told. Conversations are spelled out when the answer is built, not before.
#[derive(Debug)]
pub(super) enum Told {
    Json(Value),
    Whole(ConversationId),
    /// The conversation with only this part.
    OnePart(ConversationId, u64),
}

/// A request that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status, code, message: message.into() }
    }

    pub(super) fn bad(code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal::new(400, code, message)
    }

    pub(super) fn missing(parameter: &str) -> Refusal {
        Refusal::bad("parameter_not_found", format!("{parameter} is missing"))
    }

    pub(super) fn not_found() -> Refusal {
        Refusal::new(404, "not_found", "Resource Not Found")
    }

    /// The body of the answer.
    pub(super) fn body(&self, request_id: &str) -> Value {
        let error = json!({ "code": self.code, "message": self.message });
        json!({ "type": "error.list", "request_id": request_id, "errors": [error] })
    }
}

impl Asked {
    fn header(&self, name: impl hyper::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn segments(&self) -> Vec<&str> {
        let path = self.path.split('?').next().unwrap_or_default();
        path.trim_start_matches('/').split('/').collect()
    }

    pub(super) fn dialect(&self) -> Dialect {
        Dialect::Rest { minor: self.minor(), plain_text: self.asks("display_as=plaintext") }
    }

    /// What stands behind the dot of the version: 16 of 2.16.
    pub(super) fn minor(&self) -> u32 {
        let version = self.header("Intercom-Version").and_then(|version| version.split_once('.'));
        version.and_then(|(_, minor)| minor.parse().ok()).unwrap_or_default()
    }

    /// Whether this stands in the query.
    pub(super) fn asks(&self, pair: &str) -> bool {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|asked| asked == pair)
    }

    /// Whether the token is the workspace's.
    pub(super) fn authenticate(&self, workspace: &Workspace) -> Result<(), Refusal> {
        let token = self.header(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let known = token.is_some_and(|token| token == workspace.token);
        if known { Ok(()) } else { Err(Refusal::new(401, "unauthorized", "Access Token Invalid")) }
    }

    fn check_headers(&self, workspace: &Workspace) -> Result<(), Refusal> {
        let json = |value: Option<&str>| value.is_some_and(|value| value.starts_with("application/json"));
        let version = self.header("Intercom-Version");
        if !version.is_some_and(|version| workspace.versions.iter().any(|known| known == version)) {
            return Err(Refusal::bad("intercom_version_invalid", "The requested version is not known"));
        }
        if !json(self.header(ACCEPT)) {
            return Err(Refusal::new(406, "media_type_not_acceptable", "The Accept header must ask for JSON"));
        }
        if self.method != Method::GET && !json(self.header(CONTENT_TYPE)) {
            return Err(Refusal::bad("bad_request", "The Content-Type header must announce JSON"));
        }
        Ok(())
    }

    fn json(&self) -> Result<&Value, Refusal> {
        self.body.as_ref().filter(|body| body.is_object()).ok_or_else(|| Refusal::bad("bad_request", "bad JSON"))
    }
}

/// Applies an authenticated request.
pub(super) fn answer(world: &mut World, asked: &Asked, endpoint: Endpoint, at: i64) -> Result<Told, Refusal> {
    asked.check_headers(&world.workspace)?;
    let segments = asked.segments();
    let target = segments.get(1).copied().unwrap_or_default();
    let workspace = &world.workspace;
    match endpoint {
        Endpoint::Me => Ok(Told::Json(shape::me(workspace))),
        Endpoint::Admins => {
            Ok(list("admin.list", "admins", workspace.admins.iter().map(|it| shape::admin(it, workspace))))
        }
        Endpoint::Teams => Ok(list("team.list", "teams", workspace.teams.iter().map(|it| shape::named("team", it)))),
        Endpoint::Tags => Ok(list("list", "data", workspace.tags.iter().map(|it| shape::named("tag", it)))),
        Endpoint::Attributes => attributes::listed(workspace, asked).map(Told::Json),
        Endpoint::Contact => contact(workspace, target),
        Endpoint::Conversation => known(world, target).map(Told::Whole),
        Endpoint::Search => {
            search::search(asked.json()?, world.conversations.values(), asked.dialect()).map(Told::Json)
        }
        Endpoint::Parts | Endpoint::Close | Endpoint::Snooze | Endpoint::Open | Endpoint::Assign => {
            let id = known(world, target)?;
            let deed = manage(world, &id, asked.json()?, at)?;
            perform(world, id, &deed, asked.json()?, at)
        }
        Endpoint::Reply | Endpoint::Note => {
            let id = known(world, target)?;
            let deed = reply(asked.json()?)?;
            perform(world, id, &deed, asked.json()?, at)
        }
        Endpoint::Update => update(world, target, asked.json()?, at),
        Endpoint::CreateTag => create_tag(world, asked.json()?),
        Endpoint::Tag => tag(world, target, asked.json()?, at),
        Endpoint::Untag => untag(world, target, segments.get(3).copied().unwrap_or_default(), asked.json()?, at),
        Endpoint::Any | Endpoint::Unknown => Err(Refusal::not_found()),
    }
}

fn list(kind: &str, key: &str, items: impl Iterator<Item = Value>) -> Told {
    let mut list = json!({ "type": kind });
    list[key] = items.collect();
    Told::Json(list)
}

fn contact(workspace: &Workspace, id: &str) -> Result<Told, Refusal> {
    let contact = workspace.contacts.iter().find(|contact| contact.id == id);
    contact.map(|it| Told::Json(shape::contact(it, workspace))).ok_or_else(Refusal::not_found)
}

fn known(world: &World, id: &str) -> Result<ConversationId, Refusal> {
    let id = ConversationId::try_from(id).ok().filter(|id| world.conversations.contains_key(id));
    id.ok_or_else(Refusal::not_found)
}

fn perform(world: &mut World, id: ConversationId, deed: &Deed, body: &Value, at: i64) -> Result<Told, Refusal> {
    let who = acting(world, body)?;
    let done = world.apply(&id, deed, Actor { who, api: true }, at).ok_or_else(Refusal::not_found)?;
    Ok(Told::OnePart(id, done.part))
}

/// The schema wants a string; the real API takes a number too, but nobody should rely on that.
fn acting(world: &World, body: &Value) -> Result<Author, Refusal> {
    match &body["admin_id"] {
        Value::Null => Err(Refusal::missing("admin_id")),
        Value::String(id) => world.admin(id).ok_or_else(|| Refusal::new(404, "admin_not_found", "Admin not found")),
        _ => Err(Refusal::bad("parameter_invalid", "admin_id must be a string")),
    }
}

fn required<'a>(body: &'a Value, parameter: &str) -> Result<&'a str, Refusal> {
    match &body[parameter] {
        Value::Null => Err(Refusal::missing(parameter)),
        Value::String(text) => Ok(text),
        _ => Err(Refusal::bad("parameter_invalid", format!("{parameter} must be a string"))),
    }
}

fn one_of(body: &Value, parameter: &str, allowed: &[&str]) -> Result<(), Refusal> {
    let given = required(body, parameter)?;
    let fits = allowed.contains(&given);
    if fits { Ok(()) } else { Err(Refusal::bad("parameter_invalid", format!("{parameter} cannot be {given}"))) }
}

/// A text; an empty one is refused, as nobody can tell what it would do.
fn text(body: &Value) -> Result<Option<String>, Refusal> {
    match &body["body"] {
        Value::Null => Ok(None),
        Value::String(text) if !text.trim().is_empty() => Ok(Some(shape::html(text))),
        _ => Err(Refusal::bad("parameter_invalid", "body must be a text that is not empty")),
    }
}

fn manage(world: &World, id: &ConversationId, body: &Value, at: i64) -> Result<Deed, Refusal> {
    match required(body, "message_type")? {
        "close" => close(world, id, body),
        "snoozed" => snooze(body, at),
        "open" => Ok(Deed::Open),
        "assignment" => assign(world, body),
        other => Err(Refusal::bad("parameter_invalid", format!("message_type cannot be {other}"))),
    }
}

fn close(world: &World, id: &ConversationId, body: &Value) -> Result<Deed, Refusal> {
    one_of(body, "type", &["admin"])?;
    let closed = world.conversations.get(id).is_some_and(|it| it.state == State::Closed);
    if closed && world.workspace.has(Quirk::RefusesSecondClose) {
        return Err(Refusal::bad("parameter_invalid", "The conversation is closed already"));
    }
    Ok(Deed::Close { body: text(body)? })
}

fn snooze(body: &Value, at: i64) -> Result<Deed, Refusal> {
    let until = match &body["snoozed_until"] {
        Value::Null => return Err(Refusal::missing("snoozed_until")),
        given => given.as_i64(),
    };
    match until {
        Some(until) if until > LATEST_SECOND => Err(Refusal::new(500, "server_error", "Server error")),
        Some(until) if until > at => Ok(Deed::Snooze { until }),
        _ => Err(Refusal::bad("parameter_invalid", "snoozed_until must be a number of seconds in the future")),
    }
}

fn assign(world: &World, body: &Value) -> Result<Deed, Refusal> {
    one_of(body, "type", &["admin", "team"])?;
    let admin = body["type"] == "admin";
    let to = match (required(body, "assignee_id")?, admin) {
        ("0", admin) => Assignee::Nobody { admin },
        (id, true) => Assignee::Admin(id.to_owned()),
        (id, false) => Assignee::Team(id.to_owned()),
    };
    if world.knows(&to) {
        Ok(Deed::Assign { to, body: text(body)? })
    } else {
        Err(Refusal::new(404, "assignee_not_found", "Assignee not found"))
    }
}

fn reply(body: &Value) -> Result<Deed, Refusal> {
    let kind = required(body, "message_type")?;
    one_of(body, "type", &["admin"])?;
    let text = text(body)?;
    match (kind, text) {
        ("comment", Some(body)) => Ok(Deed::Reply { body }),
        ("note", Some(body)) => Ok(Deed::Note { body }),
        ("quick_reply", _) if !body["reply_options"].is_array() => Err(Refusal::missing("reply_options")),
        ("quick_reply", body) => Ok(Deed::QuickReply { body }),
        ("comment" | "note", None) => Err(Refusal::missing("body")),
        (other, _) => Err(Refusal::bad("parameter_invalid", format!("message_type cannot be {other}"))),
    }
}

fn tag(world: &mut World, id: &str, body: &Value, at: i64) -> Result<Told, Refusal> {
    let id = known(world, id)?;
    let tag_id = required(body, "id")?;
    let actor = Actor { who: acting(world, body)?, api: true };
    let name = world.workspace.tags.iter().find(|tag| tag.id == tag_id).map(|tag| tag.name.clone());
    let tagged = name.and_then(|name| world.tag(&id, &name, actor, at));
    tagged.map(|tag| Told::Json(shape::named("tag", &tag))).ok_or_else(Refusal::not_found)
}

fn untag(world: &mut World, id: &str, tag_id: &str, body: &Value, at: i64) -> Result<Told, Refusal> {
    let id = known(world, id)?;
    let actor = Actor { who: acting(world, body)?, api: true };
    let on_it = |it: &Conversation| it.tags.iter().any(|tag| tag.id == tag_id);
    if !world.conversations.get(&id).is_some_and(on_it) {
        return Err(Refusal::new(404, "tag_not_found", "Tag not found"));
    }
    let untagged = world.untag(&id, tag_id, actor, at);
    untagged.map(|tag| Told::Json(shape::named("tag", &tag))).ok_or_else(Refusal::not_found)
}

fn create_tag(world: &mut World, body: &Value) -> Result<Told, Refusal> {
    only(body, &["name"])?;
    let name = required(body, "name").ok().filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| Refusal::bad("parameter_invalid", "invalid tag parameters"))?;
    Ok(Told::Json(shape::named("tag", &world.tag_named(name))))
}

fn update(world: &mut World, id: &str, body: &Value, at: i64) -> Result<Told, Refusal> {
    let id = known(world, id)?;
    only(body, &["read", "custom_attributes"])?;
    let read = match body.get("read") {
        None => None,
        Some(read) => {
            Some(read.as_bool().ok_or_else(|| Refusal::bad("parameter_invalid", "read must be true or false"))?)
        }
    };
    let values = match body.get("custom_attributes") {
        None => Values::new(),
        Some(given) => attributes::checked(&world.workspace, given)?,
    };
    if read.is_none() && values.is_empty() {
        return Err(Refusal::bad("parameter_invalid", "the update changes nothing"));
    }
    let who = world.admin(&world.workspace.token_admin);
    let who = who.ok_or_else(|| Refusal::new(404, "admin_not_found", "Admin not found"))?;
    world.update(&id, read, values, &Actor { who, api: true }, at);
    Ok(Told::Whole(id))
}

/// What the fake cannot do must not pass for done.
fn only(body: &Value, parameters: &[&str]) -> Result<(), Refusal> {
    let given = body.as_object().into_iter().flat_map(|body| body.keys());
    match given.into_iter().find(|name| !parameters.contains(&name.as_str())) {
        Some(name) => Err(Refusal::bad("parameter_invalid", format!("{name} is not known here"))),
        None => Ok(()),
    }
}
