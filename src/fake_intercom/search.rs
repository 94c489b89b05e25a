//! `POST /conversations/search`: the query language, sorting and cursors.
//!
//! Owns: which queries are refused. Refuses: fields and operators that the fake cannot answer truly (400, where the
//! real one may know them), so that nobody relies on a filter that was never applied.

use serde_json::{Value, json};

use super::api::Refusal;
use super::conversation::Conversation;
use super::shape::{self, Dialect};

const MOST_PER_PAGE: u64 = 150;
const MOST_FILTERS: usize = 15;
const DEEPEST: usize = 2;

/// A checked query.
#[derive(Debug)]
enum Query {
    All(Vec<Query>),
    Any(Vec<Query>),
    Filter { field: String, operator: Operator, value: Value },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Is,
    IsNot,
    In,
    NotIn,
    AtLeast,
    AtMost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldKind {
    Text,
    Number,
    Flag,
}

/// Where a page begins: after this conversation in the order asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    page: u64,
    sorted_by: i64,
    id: String,
}

/// The answer to a search.
pub(super) fn search<'a>(
    body: &Value,
    all: impl Iterator<Item = &'a Conversation>,
    dialect: Dialect,
) -> Result<Value, Refusal> {
    let query = parse(body.get("query").ok_or_else(|| Refusal::missing("query"))?, 1)?;
    let (per_page, cursor) = pagination(&body["pagination"])?;
    let ascending = ascending(&body["sort"])?;
    let mut found: Vec<_> = all.filter(|it| query.fits(it)).collect();
    found.sort_by_key(|it| place(it));
    if !ascending {
        found.reverse();
    }
    let total = found.len();
    let page = cursor.as_ref().map_or(1, |cursor| cursor.page);
    let rest = found.into_iter().skip_while(|it| cursor.as_ref().is_some_and(|after| !after.before(it, ascending)));
    let mut rest = rest.peekable();
    let shown: Vec<_> = rest.by_ref().take(per_page).collect();
    let next = shown.last().filter(|_| rest.peek().is_some()).map(|last| Cursor::after(last, page + 1));
    Ok(json!({
        "type": "conversation.list",
        "pages": {
            "type": "pages",
            "page": page,
            "per_page": per_page,
            "total_pages": total.div_ceil(per_page),
            "next": next.map(|next| json!({ "page": next.page, "starting_after": next.text() })),
        },
        "total_count": total,
        "conversations": shown.iter().map(|it| shape::listed(it, dialect)).collect::<Vec<_>>(),
    }))
}

fn place(it: &Conversation) -> (i64, String) {
    (it.updated_at, it.id.clone())
}

impl Cursor {
    fn after(last: &Conversation, page: u64) -> Cursor {
        Cursor { page, sorted_by: last.updated_at, id: last.id.clone() }
    }

    fn before(&self, it: &Conversation, ascending: bool) -> bool {
        let own = (self.sorted_by, self.id.clone());
        if ascending { own < place(it) } else { own > place(it) }
    }

    fn text(&self) -> String {
        hex::encode(format!("{}:{}:{}", self.page, self.sorted_by, self.id))
    }

    fn parse(text: &str) -> Option<Cursor> {
        let plain = String::from_utf8(hex::decode(text).ok()?).ok()?;
        let mut fields = plain.splitn(3, ':');
        let page = fields.next()?.parse().ok()?;
        let sorted_by = fields.next()?.parse().ok()?;
        Some(Cursor { page, sorted_by, id: fields.next()?.to_owned() })
    }
}

fn pagination(asked: &Value) -> Result<(usize, Option<Cursor>), Refusal> {
    let per_page = match &asked["per_page"] {
        Value::Null => 20,
        given => given
            .as_u64()
            .filter(|count| (1..=MOST_PER_PAGE).contains(count))
            .ok_or_else(|| Refusal::bad("parameter_invalid", "per_page must be a number from 1 to 150"))?,
    };
    let cursor = match &asked["starting_after"] {
        Value::Null => None,
        given => {
            let cursor = given.as_str().and_then(Cursor::parse);
            Some(cursor.ok_or_else(|| Refusal::bad("client_error", "starting_after is no cursor of this search"))?)
        }
    };
    Ok((usize::try_from(per_page).unwrap_or(20), cursor))
}

fn ascending(sort: &Value) -> Result<bool, Refusal> {
    if sort.is_null() {
        return Ok(false);
    }
    match (sort["field"].as_str(), sort["order"].as_str()) {
        (Some("updated_at"), Some("ascending")) => Ok(true),
        (Some("updated_at"), Some("descending")) => Ok(false),
        _ => Err(Refusal::bad("parameter_invalid", "sort needs field updated_at and order ascending or descending")),
    }
}

fn parse(asked: &Value, depth: usize) -> Result<Query, Refusal> {
    let operator = asked["operator"].as_str().ok_or_else(|| Refusal::missing("operator"))?;
    let value = asked.get("value").ok_or_else(|| Refusal::missing("value"))?;
    match operator {
        "AND" => group(value, depth).map(Query::All),
        "OR" => group(value, depth).map(Query::Any),
        _ => filter(asked, operator, value),
    }
}

fn group(value: &Value, depth: usize) -> Result<Vec<Query>, Refusal> {
    let filters = value.as_array().filter(|filters| !filters.is_empty() && filters.len() <= MOST_FILTERS);
    let filters = filters.ok_or_else(|| Refusal::bad("parameter_invalid", "a group takes 1 to 15 filters"))?;
    if depth > DEEPEST {
        return Err(Refusal::bad("parameter_invalid", "filters nest at most 2 levels"));
    }
    filters.iter().map(|filter| parse(filter, depth + 1)).collect()
}

fn filter(asked: &Value, operator: &str, value: &Value) -> Result<Query, Refusal> {
    let field = asked["field"].as_str().ok_or_else(|| Refusal::missing("field"))?;
    let kind = kind_of(field).ok_or_else(|| Refusal::bad("parameter_invalid", "the field cannot be searched"))?;
    let operator = match operator {
        "=" => Operator::Is,
        "!=" => Operator::IsNot,
        "IN" => Operator::In,
        "NIN" => Operator::NotIn,
        ">" if kind == FieldKind::Number => Operator::AtLeast,
        "<" if kind == FieldKind::Number => Operator::AtMost,
        _ => return Err(Refusal::bad("parameter_invalid", "the operator does not fit the field")),
    };
    let value = checked(value, operator, kind)
        .ok_or_else(|| Refusal::bad("parameter_invalid", "the value does not fit the field and the operator"))?;
    Ok(Query::Filter { field: field.to_owned(), operator, value })
}

fn kind_of(field: &str) -> Option<FieldKind> {
    match field {
        "id" | "state" | "tag_ids" | "source.type" | "source.delivered_as" => Some(FieldKind::Text),
        "open" | "read" => Some(FieldKind::Flag),
        "created_at"
        | "updated_at"
        | "waiting_since"
        | "snoozed_until"
        | "admin_assignee_id"
        | "team_assignee_id"
        | "statistics.last_contact_reply_at"
        | "statistics.last_admin_reply_at"
        | "statistics.last_close_at" => Some(FieldKind::Number),
        _ => None,
    }
}

/// The value with digits turned into numbers where the field is one; `None` if it does not fit.
fn checked(value: &Value, operator: Operator, kind: FieldKind) -> Option<Value> {
    let many = matches!(operator, Operator::In | Operator::NotIn);
    match value.as_array() {
        Some(values) if many => {
            values.iter().map(|value| scalar(value, kind)).collect::<Option<Vec<_>>>().map(Value::from)
        }
        None if !many => scalar(value, kind),
        _ => None,
    }
}

fn scalar(value: &Value, kind: FieldKind) -> Option<Value> {
    match (kind, value) {
        (_, Value::Null) => Some(Value::Null),
        (FieldKind::Text, Value::String(_)) | (FieldKind::Flag, Value::Bool(_)) => Some(value.clone()),
        (FieldKind::Number, Value::Number(number)) => number.as_i64().map(Value::from),
        (FieldKind::Number, Value::String(text)) => text.parse::<i64>().ok().map(Value::from),
        _ => None,
    }
}

impl Query {
    fn fits(&self, it: &Conversation) -> bool {
        match self {
            Query::All(queries) => queries.iter().all(|query| query.fits(it)),
            Query::Any(queries) => queries.iter().any(|query| query.fits(it)),
            Query::Filter { field, operator, value } => {
                let values = field_of(it, field);
                match operator {
                    Operator::Is => values.contains(value),
                    Operator::IsNot => !values.contains(value),
                    Operator::In => among(&values, value),
                    Operator::NotIn => !among(&values, value),
                    Operator::AtLeast => compared(&values, value).is_some_and(|(own, asked)| own >= asked),
                    Operator::AtMost => compared(&values, value).is_some_and(|(own, asked)| own <= asked),
                }
            }
        }
    }
}

fn among(values: &[Value], asked: &Value) -> bool {
    asked.as_array().is_some_and(|asked| values.iter().any(|value| asked.contains(value)))
}

fn compared(values: &[Value], asked: &Value) -> Option<(i64, i64)> {
    Some((values.first()?.as_i64()?, asked.as_i64()?))
}

/// The values of a field; several for a list.
fn field_of(it: &Conversation, field: &str) -> Vec<Value> {
    let number = |id: &Option<String>| id.as_ref().and_then(|id| id.parse::<i64>().ok());
    let one = match field {
        "tag_ids" => return it.tags.iter().map(|tag| json!(tag.id)).collect(),
        "id" => json!(it.id),
        "state" => json!(it.state.name()),
        "source.type" => json!(it.source.channel),
        "source.delivered_as" => json!(it.source.delivered_as),
        "open" => json!(it.state.name() != "closed"),
        "read" => json!(it.read),
        "created_at" => json!(it.created_at),
        "updated_at" => json!(it.updated_at),
        "waiting_since" => json!(it.waiting_since),
        "snoozed_until" => json!(it.snoozed_until),
        "admin_assignee_id" => json!(number(&it.admin_assignee)),
        "team_assignee_id" => json!(number(&it.team_assignee)),
        "statistics.last_contact_reply_at" => json!(it.statistics.last_contact_reply),
        "statistics.last_admin_reply_at" => json!(it.statistics.last_admin_reply),
        "statistics.last_close_at" => json!(it.statistics.last_close),
        _ => Value::Null,
    };
    vec![one]
}
