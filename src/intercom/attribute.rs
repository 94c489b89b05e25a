//! Values of custom attributes as JSON.
//!
//! Owns: which JSON is which value. Refuses: what rules cannot name; references to objects are none of these.

use serde_json::{Map, Number, Value};

use crate::engine::AttributeValue;

/// Longest text that is kept, in bytes; a rule names shorter ones.
const LONGEST_TEXT: usize = 1_024;

/// The value; `None` is not set.
pub(crate) fn from_json(value: &Value) -> Option<AttributeValue> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(is) => AttributeValue::Boolean(*is),
        Value::Number(number) => number.as_f64().map_or(AttributeValue::Other, AttributeValue::number),
        Value::String(text) if text.len() <= LONGEST_TEXT => AttributeValue::Text(text.clone()),
        Value::Array(list) => list_of_texts(list).map_or(AttributeValue::Other, AttributeValue::List),
        Value::String(_) | Value::Object(_) => AttributeValue::Other,
    })
}

fn list_of_texts(list: &[Value]) -> Option<Vec<String>> {
    let short = |text: &Value| text.as_str().filter(|text| text.len() <= LONGEST_TEXT).map(str::to_owned);
    list.iter().map(short).collect()
}

/// The value as Intercom takes it; whole numbers have no fraction.
pub(crate) fn to_json(value: Option<&AttributeValue>) -> Value {
    match value {
        None => Value::Null,
        Some(AttributeValue::Text(text)) => text.as_str().into(),
        Some(AttributeValue::Number(number)) => number.parse::<Number>().map_or(Value::Null, Value::Number),
        Some(AttributeValue::Boolean(is)) => (*is).into(),
        Some(AttributeValue::List(texts)) => texts.clone().into(),
        Some(AttributeValue::Other) => Value::Object(Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_the_same_by_type_and_value() {
        assert_eq!(from_json(&json!(5)), from_json(&json!(5.0)));
        assert_ne!(from_json(&json!(5)), from_json(&json!("5")));
        assert_ne!(from_json(&json!(true)), from_json(&json!("true")));
        assert_eq!(from_json(&json!(null)), None);
        assert_eq!(from_json(&json!({ "type": "order" })), Some(AttributeValue::Other));
        assert_eq!(from_json(&json!(["a", 1])), Some(AttributeValue::Other));
    }

    #[test]
    fn values_come_back_as_they_were_sent() {
        for value in [json!(5), json!(-0.25), json!(1e300), json!("gold"), json!(false), json!(["a", "b"]), json!(null)]
        {
            let known = from_json(&value);
            assert_eq!(from_json(&to_json(known.as_ref())), known, "{value}");
        }
        assert_eq!(to_json(Some(&AttributeValue::number(5.0))).to_string(), "5");
    }
}
