//! One of Intercom's descriptions of its API, and what it says about a request and about an answer.
//!
//! Owns: finding the operation of a request, its parameters and its schemas. Refuses: exceptions; the tests know those.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::recorder::Exchange;
use super::schema::{Misfit, misfits};

/// A description, as read from its file.
pub(super) struct Description {
    pub(super) version: &'static str,
    root: Value,
}

/// An operation: `POST /conversations/{id}/parts`, with what was in place of the braces.
pub(super) struct Operation<'a> {
    pub(super) name: String,
    described: &'a Value,
    filled: BTreeMap<&'a str, String>,
}

impl Description {
    pub(super) fn read(folder: &Path, version: &'static str) -> Description {
        let file = folder.join(format!("openapi-{version}.yaml"));
        let text = std::fs::read_to_string(&file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        Description { version, root: parse(&text) }
    }

    /// The operation that the request is, if it is any: of several templates the one with the fewest braces.
    pub(super) fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let path = path.split('?').next().unwrap();
        let paths = self.root["paths"].as_object().unwrap();
        let fitting = paths.iter().filter_map(|(template, methods)| {
            let described = methods.get(method.to_lowercase())?;
            Some((template, described, filled(template, path)?))
        });
        let (template, described, filled) = fitting.min_by_key(|(_, _, filled)| filled.len())?;
        Some(Operation { name: format!("{method} {template}"), described, filled })
    }

    /// What of the request is not as described.
    pub(super) fn judge_request(&self, operation: &Operation<'_>, exchange: &Exchange) -> Vec<Misfit> {
        let mut found = self.judge_parameters(operation, exchange);
        let body = &operation.described["requestBody"]["content"]["application/json"]["schema"];
        match (body.is_null(), &exchange.request) {
            (true, None) => {}
            (true, Some(_)) => found.push(misfit("body", "is sent where none is described")),
            (false, None) => found.push(misfit("body", "is missing")),
            (false, Some(sent)) => found.extend(misfits(&self.root, body, sent)),
        }
        let content_type = exchange.header("content-type");
        if content_type != exchange.request.is_some().then_some("application/json") {
            found.push(misfit("content-type", "does not say what the body is"));
        }
        found
    }

    /// What of the answer is not as described.
    pub(super) fn judge_answer(&self, operation: &Operation<'_>, exchange: &Exchange) -> Vec<Misfit> {
        let described = &operation.described["responses"][exchange.status.to_string()];
        let described = match described.get("$ref") {
            Some(target) => self.root.pointer(target.as_str().unwrap().trim_start_matches('#')).unwrap(),
            None => described,
        };
        let schema = &described["content"]["application/json"]["schema"];
        if !schema.is_null() {
            return misfits(&self.root, schema, &exchange.answer);
        }
        // Whatever is refused, and however, is refused in the same words.
        let mut found = vec![misfit("status", &format!("{} is not described", exchange.status))];
        if exchange.status >= 400 {
            found.extend(misfits(&self.root, &self.root["components"]["schemas"]["error"], &exchange.answer));
        }
        found
    }

    fn judge_parameters(&self, operation: &Operation<'_>, exchange: &Exchange) -> Vec<Misfit> {
        let mut found = Vec::new();
        assert_eq!(self.root["security"][0]["bearerAuth"], Value::Array(Vec::new()));
        if !exchange.header("authorization").is_some_and(|told| told.starts_with("Bearer ") && told.len() > 7) {
            found.push(misfit("authorization", "is no bearer token"));
        }
        // Not described, but without it the answer is 406.
        if exchange.header("accept") != Some("application/json") {
            found.push(misfit("accept", "does not ask for JSON"));
        }
        let mut asked: BTreeMap<&str, &str> = exchange.query().collect();
        for parameter in operation.described["parameters"].as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            let given = match parameter["in"].as_str().unwrap() {
                "header" => exchange.header(&name.to_lowercase()).map(str::to_owned),
                "path" => operation.filled.get(name).cloned(),
                "query" => asked.remove(name).map(str::to_owned),
                other => panic!("a parameter in {other}"),
            };
            let needed = parameter["required"] == true || name == "Intercom-Version";
            match given {
                Some(given) => found.extend(self.judge_written(name, &parameter["schema"], &given)),
                None if needed => found.push(misfit(name, "is missing")),
                None => {}
            }
        }
        found.extend(asked.keys().map(|name| misfit(name, "is no parameter that is described")));
        found
    }

    /// A parameter is written as text, whatever it is.
    fn judge_written(&self, name: &str, schema: &Value, given: &str) -> Vec<Misfit> {
        let as_text = Value::String(given.to_owned());
        let value = if schema["type"] == "string" || schema.get("$ref").is_some() {
            as_text
        } else {
            serde_json::from_str(given).unwrap_or(as_text)
        };
        let found = misfits(&self.root, schema, &value);
        found.into_iter().map(|Misfit { what, .. }| misfit(name, &what)).collect()
    }
}

/// What stands in place of the braces; `None` if the path is another one.
fn filled<'a>(template: &'a str, path: &str) -> Option<BTreeMap<&'a str, String>> {
    let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    if wanted.len() != given.len() {
        return None;
    }
    let mut filled = BTreeMap::new();
    for (wanted, given) in wanted.into_iter().zip(given) {
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => drop(filled.insert(name, given.to_owned())),
            None if wanted == given => {}
            None => return None,
        }
    }
    Some(filled)
}

fn misfit(at: &str, what: &str) -> Misfit {
    Misfit { at: at.to_owned(), what: what.to_owned() }
}

fn parse(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap()
}
