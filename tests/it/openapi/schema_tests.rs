//! What the holding of values against schemas finds, and what it lets pass.

use serde_json::{Value, json};

use super::schema::misfits;

fn found(schema: &Value, value: &Value) -> String {
    let root = json!({
        "named": { "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] },
        "maybe": { "type": "string", "nullable": true },
        "schema": schema,
    });
    let all = misfits(&root, &root["schema"], value);
    all.iter().map(|one| format!("{}: {}", one.at, one.what)).collect::<Vec<_>>().join("; ")
}

#[test]
fn what_does_not_fit_is_told_with_its_place() {
    let named = json!({ "$ref": "#/named" });
    let maybe = json!({ "$ref": "#/maybe" });
    let word = json!({ "type": "string", "enum": ["a", "b"] });
    let both = json!({ "allOf": [named, { "type": "object", "properties": { "age": { "type": "integer" } } }] });
    let either = json!({ "oneOf": [named, { "type": "string" }] });
    let open = json!({ "type": "object", "additionalProperties": { "type": "integer" } });
    let many = json!({ "type": "array", "items": named, "maxItems": 2 });
    for (schema, value, want) in [
        (&named, json!({ "name": "x" }), ""),
        (&named, json!({ "name": 5 }), "name: is a whole number, not of type \"string\""),
        (&named, json!({ "name": "x", "more": 1 }), "more: is not described"),
        (&named, json!({}), ": has no `name`"),
        (&named, json!(null), ": is null, not of type \"object\""),
        (&named, json!([]), ": is a list, not of type \"object\""),
        (&maybe, json!(null), ""),
        (&maybe, json!(1.5), ": is a fraction, not of type \"string\""),
        (&word, json!("b"), ""),
        (&word, json!("c"), ": is a text, not of enum [\"a\",\"b\"]"),
        (&json!({ "type": "integer" }), json!(1.5), ": is a fraction, not of type \"integer\""),
        (&json!({ "type": "number" }), json!(1.5), ""),
        (&both, json!({ "name": "x", "age": 7 }), ""),
        (&both, json!({ "age": "7" }), ": has no `name`; age: is a text, not of type \"integer\""),
        (&both, json!({ "name": "x", "more": 1 }), "more: is not described"),
        (&either, json!("x"), ""),
        (
            &either,
            json!({ "name": "x", "more": 1 }),
            ": fits none of 2 choices; of the nearest `more` is not described",
        ),
        (&either, json!(7), ": fits none of 2 choices; of the nearest `` is a whole number, not of type \"object\""),
        (&json!({ "oneOf": [word, maybe] }), json!("a"), ": fits 2 choices in place of one"),
        (&json!({ "anyOf": [word, maybe] }), json!("a"), ""),
        (&open, json!({ "x": 1 }), ""),
        (&open, json!({ "x": true }), "x: is a boolean, not of type \"integer\""),
        (&many, json!([{ "name": "x" }, { "name": 1 }]), "[].name: is a whole number, not of type \"string\""),
        (&many, json!([{ "name": "x" }, { "name": "x" }, { "name": "x" }]), ": is a list, not of maxItems 2"),
        (&json!({ "type": "object" }), json!({ "anything": 1 }), ""),
    ] {
        assert_eq!(found(schema, &value), want, "{value} against {schema}");
    }
}

#[test]
#[should_panic(expected = "the keyword `minLength` is not known here")]
fn a_keyword_that_is_not_known_is_not_passed_over() {
    found(&json!({ "type": "string", "minLength": 3 }), &json!("x"));
}
