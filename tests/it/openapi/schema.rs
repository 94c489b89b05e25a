//! Holds a value against a schema of an API description in version 3.0 of the `OpenAPI` format.
//!
//! Owns: the keywords that Intercom's descriptions use. Refuses: passing over one that it does not know. Stricter than
//! the standard in one point: a property that an object's schema does not name is a fault, unless the schema leaves
//! the names open.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Keywords that tell something to people and nothing about a value, or only what the choices beside them tell as well.
const REMARKS: [&str; 11] = [
    "description",
    "title",
    "example",
    "examples",
    "default",
    "format",
    "deprecated",
    "readOnly",
    "discriminator",
    "x-tags",
    "x-fern-sdk-group-name",
];

/// Something in a value that its schema does not allow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Misfit {
    /// Where, as `pagination.per_page` or `conversations[].id`.
    pub(super) at: String,
    /// What is wrong there.
    pub(super) what: String,
}

/// What of `value` does not fit `schema`. `root` is where references lead.
pub(super) fn misfits(root: &Value, schema: &Value, value: &Value) -> Vec<Misfit> {
    let mut found = Vec::new();
    Judge { root }.check(schema, value, "", true, &mut found);
    found.sort();
    found.dedup();
    found
}

#[derive(Clone, Copy)]
struct Judge<'a> {
    root: &'a Value,
}

impl<'a> Judge<'a> {
    /// `closed`: whether properties that this schema does not name are a fault.
    fn check(self, schema: &'a Value, value: &Value, at: &str, closed: bool, found: &mut Vec<Misfit>) {
        if value.is_null() && self.takes_null(schema) {
            return;
        }
        if let Some(target) = schema.get("$ref") {
            return self.check(self.target(target), value, at, closed, found);
        }
        for (keyword, wanted) in schema.as_object().expect("a schema is an object") {
            if let Some(what) = plain(keyword, wanted, value) {
                found.push(Misfit { at: at.to_owned(), what });
            }
            match keyword.as_str() {
                "allOf" => list(wanted).iter().for_each(|one| self.check(one, value, at, false, found)),
                "oneOf" => self.choose(list(wanted), value, at, closed, Some(1), found),
                "anyOf" => self.choose(list(wanted), value, at, closed, None, found),
                "items" => {
                    let items = value.as_array().into_iter().flatten();
                    items.for_each(|item| self.check(wanted, item, &format!("{at}[]"), true, found));
                }
                _ => {}
            }
        }
        if let Value::Object(object) = value {
            self.check_properties(schema, object, at, closed, found);
        }
    }

    fn check_properties(
        self,
        schema: &'a Value,
        object: &Map<String, Value>,
        at: &str,
        closed: bool,
        found: &mut Vec<Misfit>,
    ) {
        let named = schema.get("properties").and_then(Value::as_object);
        for (name, wanted) in named.into_iter().flatten() {
            if let Some(value) = object.get(name) {
                self.check(wanted, value, &below(at, name), true, found);
            }
        }
        let mut known = BTreeSet::new();
        let is_open = !self.names(schema, &mut known);
        for (name, value) in object.iter().filter(|(name, _)| !known.contains(name.as_str())) {
            match schema.get("additionalProperties") {
                Some(wanted @ Value::Object(_)) => self.check(wanted, value, &below(at, name), true, found),
                _ if closed && !is_open => {
                    found.push(Misfit { at: below(at, name), what: "is not described".to_owned() });
                }
                _ => {}
            }
        }
    }

    /// Collects the names of properties; `false` if any other is welcome too, or for others to judge.
    fn names(self, schema: &'a Value, names: &mut BTreeSet<&'a str>) -> bool {
        if let Some(target) = schema.get("$ref") {
            return self.names(self.target(target), names);
        }
        let own = schema.get("properties").and_then(Value::as_object);
        names.extend(own.into_iter().flatten().map(|(name, _)| name.as_str()));
        let parts: Vec<bool> =
            schema.get("allOf").map(list).unwrap_or_default().iter().map(|part| self.names(part, names)).collect();
        let says_any = schema.get("additionalProperties").is_some_and(|any| *any != Value::Bool(false));
        let has_choice = schema.get("oneOf").or(schema.get("anyOf")).is_some();
        !says_any && !has_choice && (own.is_some() || parts.contains(&true))
    }

    /// `wanted`: how many of the choices have to fit; at least one, if it does not say.
    fn choose(
        self,
        choices: &'a [Value],
        value: &Value,
        at: &str,
        closed: bool,
        wanted: Option<usize>,
        found: &mut Vec<Misfit>,
    ) {
        let tried: Vec<Vec<Misfit>> = choices
            .iter()
            .map(|choice| {
                let mut misfits = Vec::new();
                self.check(choice, value, at, closed, &mut misfits);
                misfits
            })
            .collect();
        let fitting = tried.iter().filter(|misfits| misfits.is_empty()).count();
        if fitting == 0 {
            let nearest = tried.iter().min_by_key(|misfits| misfits.len()).and_then(|misfits| misfits.first());
            let nearest = nearest.map(|one| format!("`{}` {}", one.at, one.what)).unwrap_or_default();
            let what = format!("fits none of {} choices; of the nearest {nearest}", choices.len());
            found.push(Misfit { at: at.to_owned(), what });
        } else if wanted.is_some_and(|wanted| fitting != wanted) {
            found.push(Misfit { at: at.to_owned(), what: format!("fits {fitting} choices in place of one") });
        }
    }

    fn takes_null(self, schema: &Value) -> bool {
        let target = schema.get("$ref").map(|target| self.target(target));
        schema.get("nullable") == Some(&Value::Bool(true)) || target.is_some_and(|target| self.takes_null(target))
    }

    fn target(self, reference: &Value) -> &'a Value {
        let pointer = reference.as_str().and_then(|text| text.strip_prefix('#')).expect("a reference within the file");
        self.root.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }
}

/// What one keyword says against the value as a whole.
fn plain(keyword: &str, wanted: &Value, value: &Value) -> Option<String> {
    let fits = match keyword {
        "type" => is_a(wanted, value),
        "enum" => list(wanted).contains(value),
        "maxItems" => value.as_array().is_none_or(|items| Some(items.len()) <= count(wanted)),
        "required" => return missing(list(wanted), value),
        "properties" | "additionalProperties" | "items" | "nullable" | "allOf" | "oneOf" | "anyOf" => true,
        remark => {
            assert!(REMARKS.contains(&remark), "the keyword `{remark}` is not known here: teach it what it means");
            true
        }
    };
    (!fits).then(|| format!("is {}, not of {keyword} {wanted}", brief(value)))
}

fn is_a(wanted: &Value, value: &Value) -> bool {
    match wanted.as_str().expect("one type") {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type `{other}` is not known here"),
    }
}

fn missing(required: &[Value], value: &Value) -> Option<String> {
    let object = value.as_object()?;
    let name = required.iter().filter_map(Value::as_str).find(|name| !object.contains_key(*name))?;
    Some(format!("has no `{name}`"))
}

fn below(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn count(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|count| usize::try_from(count).ok())
}

fn brief(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
