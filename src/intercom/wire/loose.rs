//! JSON whose types cannot be relied on: scalars, objects and lists that take whatever comes.
//!
//! Owns: telling absent, null and unexpected apart without failing, and the few forms that ids and dates have.
//! Refuses: keeping what nobody asked for; it is skipped while reading, and nothing becomes a tree.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Oddness;
use crate::sabotage::{Bug, planted};

/// Dates that can be true, in Unix seconds: from the year 2000 up to the year 2100. A date in milliseconds is not.
const POSSIBLE_DATES: std::ops::Range<i64> = 946_684_800..4_102_444_800;

/// Elements of a list that are kept. Intercom shows 500 parts at most; an element of two bytes takes some two hundred in
/// memory, and nothing else bounds their number.
const MOST: usize = 10_000;

/// A value that should be simple.
#[derive(Default)]
pub(crate) enum Scalar<'a> {
    /// The field is not there.
    #[default]
    Absent,
    /// Null.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number, not negative.
    Natural(u64),
    /// A string, borrowed where it has no escapes.
    Text(Cow<'a, str>),
    /// A negative or broken number, an object, a list.
    Other,
}

/// A value that should be an object.
#[derive(Default)]
pub(crate) enum Object<T> {
    /// The field is not there.
    #[default]
    Absent,
    /// Null.
    Null,
    /// An object.
    Of(T),
    /// Anything else.
    Other,
}

/// A value that should be a list.
#[derive(Default)]
pub(crate) enum List<T> {
    /// The field is not there.
    #[default]
    Absent,
    /// Null.
    Null,
    /// A list, not longer than any that Intercom has.
    Of(Vec<T>),
    /// Anything else.
    Other,
}

impl Scalar<'_> {
    /// Neither absent nor null.
    pub(crate) fn is_given(&self) -> bool {
        !matches!(self, Scalar::Absent | Scalar::Null)
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Scalar::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An id as text: both `"12"` and `12` occur, for the same thing.
    pub(crate) fn id(&self) -> Option<Cow<'_, str>> {
        match self {
            Scalar::Text(text) => Some(Cow::Borrowed(text)),
            Scalar::Natural(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    /// A number, written as one or in digits.
    pub(crate) fn number(&self) -> Option<u64> {
        match self {
            Scalar::Natural(number) => Some(*number),
            Scalar::Text(text) if is_digits(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A date in whole seconds, written in Unix seconds (as a number or in digits) or by ISO 8601; `None` if none is
    /// given.
    ///
    /// # Errors
    /// It is something else, or not a date between 2000 and 2100.
    pub(crate) fn date(&self) -> Result<Option<Timestamp>, Oddness> {
        let second = match self {
            Scalar::Absent | Scalar::Null => return Ok(None),
            Scalar::Text(text) if !is_digits(text) => text.parse::<Timestamp>().ok().map(Timestamp::as_second),
            _ => self.number().and_then(|number| i64::try_from(number).ok()),
        };
        second.and_then(possible_date).map(Some).ok_or(Oddness::Date)
    }
}

/// The instant, if it is one that Intercom can mean.
pub(crate) fn possible_date(second: i64) -> Option<Timestamp> {
    let possible = POSSIBLE_DATES.contains(&second) || planted(Bug::BelievesAnyDate);
    Timestamp::from_second(second).ok().filter(|_| possible)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl<T> Object<T> {
    /// The object, if it is one.
    pub(crate) fn get(&self) -> Option<&T> {
        match self {
            Object::Of(value) => Some(value),
            _ => None,
        }
    }
}

impl<T> List<T> {
    /// The elements, if it is a list.
    pub(crate) fn get(&self) -> Option<&[T]> {
        match self {
            List::Of(elements) => Some(elements),
            _ => None,
        }
    }
}

struct ScalarVisitor;
struct ObjectVisitor<T>(PhantomData<T>);
struct ListVisitor<T>(PhantomData<T>);

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar<'a>, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<List<T>, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

fn skip_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

fn skip_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<(), A::Error> {
    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Natural(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(value).map_or(Scalar::Other, Scalar::Natural))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        skip_list(list).map(|()| Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        skip_object(object).map(|()| Scalar::Other)
    }
}

/// Visits of simple values, for those that wanted something else.
macro_rules! simple_values_are_other {
    ($kind:ident) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($kind::Null)
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($kind::Other)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($kind::Other)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($kind::Other)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($kind::Other)
        }

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($kind::Other)
        }
    };
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    simple_values_are_other!(Object);

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        skip_list(list).map(|()| Object::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(Object::Of)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    simple_values_are_other!(List);

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            if elements.len() == MOST {
                return skip_list(list).map(|()| List::Other);
            }
            elements.push(element);
        }
        Ok(List::Of(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        skip_object(object).map(|()| List::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(json: &str) -> Result<Option<String>, Oddness> {
        let scalar: Scalar<'_> = serde_json::from_str(json).unwrap();
        scalar.date().map(|date| date.map(|date| date.to_string()))
    }

    #[test]
    fn dates_are_numbers_digits_or_iso_8601_between_2000_and_2100() {
        for (json, want) in [
            ("1735732800", "2025-01-01T12:00:00Z"),
            ("\"1735732800\"", "2025-01-01T12:00:00Z"),
            ("\"2025-01-01T12:00:00Z\"", "2025-01-01T12:00:00Z"),
            ("\"2025-01-01T12:00:00.987Z\"", "2025-01-01T12:00:00Z"),
            ("\"2025-01-01T13:00:00.000+01:00\"", "2025-01-01T12:00:00Z"),
            ("946684800", "2000-01-01T00:00:00Z"),
            ("4102444799", "2099-12-31T23:59:59Z"),
        ] {
            assert_eq!(date(json), Ok(Some(want.to_owned())), "{json}");
        }
        assert_eq!(date("null"), Ok(None));
        assert_eq!(Scalar::Absent.date(), Ok(None));
        for json in [
            "0",
            "946684799",
            "4102444800",
            "1735732800000",
            "-1735732800",
            "1735732800.0",
            "1.7357328e9",
            "18446744073709551616",
            "\"\"",
            "\"soon\"",
            "\"+1735732800\"",
            "\"1735732800.5\"",
            "\"2025-01-01\"",
            "\"2025-01-01T12:00:00\"",
            "\"1999-12-31T23:59:59Z\"",
            "\"9999999999999999999999\"",
            "true",
            "[1735732800]",
            "{\"at\":1735732800}",
        ] {
            assert_eq!(date(json), Err(Oddness::Date), "{json}");
        }
    }

    #[test]
    fn ids_are_text_or_numbers() {
        for (json, want) in [
            ("\"12\"", Some("12")),
            ("12", Some("12")),
            ("\"a\\u0062\"", Some("ab")),
            ("18446744073709551615", Some("18446744073709551615")),
            ("-1", None),
            ("1.0", None),
            ("null", None),
            ("true", None),
            ("[]", None),
        ] {
            let scalar: Scalar<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(scalar.id().as_deref(), want, "{json}");
        }
    }

    #[test]
    fn a_value_of_another_kind_is_read_over_and_told_apart_from_null() {
        for json in ["1", "-1", "1.5", "true", "\"x\"", "[{\"deep\":[1]}]"] {
            let object: Object<Scalarless> = serde_json::from_str(json).unwrap();
            assert!(matches!(object, Object::Other), "{json}");
        }
        for json in ["1", "-1", "1.5", "true", "\"x\"", "{\"deep\":[1]}"] {
            let list: List<IgnoredAny> = serde_json::from_str(json).unwrap();
            assert!(matches!(list, List::Other), "{json}");
        }
        assert!(matches!(serde_json::from_str("null").unwrap(), Object::<Scalarless>::Null));
        assert!(matches!(serde_json::from_str("null").unwrap(), List::<IgnoredAny>::Null));
        assert_eq!(serde_json::from_str::<List<IgnoredAny>>("[1,{},[]]").unwrap().get().map(<[_]>::len), Some(3));
    }

    #[test]
    fn a_list_longer_than_any_of_intercom_s_is_read_over() {
        for (count, want) in [(MOST, Some(MOST)), (MOST + 1, None)] {
            let json = format!("[{}{{}}]", "{},".repeat(count - 1));
            let list: List<Object<Scalarless>> = serde_json::from_str(&json).unwrap();
            assert_eq!(list.get().map(<[_]>::len), want);
        }
    }

    #[derive(serde::Deserialize)]
    struct Scalarless {}
}
