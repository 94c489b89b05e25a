//! The attributes that the file names, held against those that conversations of the workspace can have.
//!
//! Owns: which values fit which kind. Refuses: guessing where Intercom does not say.

use std::collections::BTreeSet;

use super::{Desk, Finding};
use crate::config::{self, Mention, Mentioned};
use crate::engine::AttributeValue;
use crate::engine::rule::Setting;
use crate::intercom::{Attribute, Kind, Offered};

const CHECK: &str = "attributes";

/// What of them is there, and which values never fit.
pub(super) fn findings(desk: &Desk<'_>, listed: &[Attribute]) -> Vec<Finding> {
    let (mut there, mut not, mut found) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for mention in &desk.loaded.mentions {
        let (Mentioned::Matched(name)
        | Mentioned::MatchedValue(name, _)
        | Mentioned::Set(name)
        | Mentioned::SetValue(name, _)) = &mention.what
        else {
            continue;
        };
        match judged(mention, listed) {
            Some(_) if may_be_untold(desk, listed, name) => {
                let message =
                    format!("whether conversations have an attribute \"{name}\" that holds objects is not told");
                let help = "look in Intercom; its API tells it from version 2.16 on";
                found.push(Finding::doubt(CHECK, mention.saying(message, help)));
                not.insert(name);
            }
            Some(finding) => {
                found.push(finding);
                not.insert(name);
            }
            None => drop(there.insert(name)),
        }
    }
    let well: Vec<String> = there.difference(&not).map(|name| format!("\"{name}\"")).collect();
    let well = (!well.is_empty()).then(|| Finding::ok(CHECK, well.join(", ")));
    well.into_iter().chain(found).collect()
}

/// Attributes that hold objects are set as lists of their ids, and older versions of the API do not describe them.
fn may_be_untold(desk: &Desk<'_>, listed: &[Attribute], name: &str) -> bool {
    let as_list = |what: &Mentioned| match what {
        Mentioned::SetValue(known, Setting::Value(AttributeValue::List(_))) => known == name,
        _ => false,
    };
    !desk.intercom.tells_all_attributes() && called(listed, name).next().is_none() && desk.names(as_list)
}

fn called<'a>(listed: &'a [Attribute], name: &str) -> impl Iterator<Item = &'a Attribute> {
    listed.iter().filter(move |attribute| attribute.name == name)
}

fn judged(mention: &Mention, listed: &[Attribute]) -> Option<Finding> {
    match &mention.what {
        Mentioned::Matched(name) => named(mention, listed, name, false),
        Mentioned::Set(name) => named(mention, listed, name, true),
        Mentioned::MatchedValue(name, value) => valued(mention, listed, name, |kind| matches(kind, value)),
        Mentioned::SetValue(name, setting) => valued(mention, listed, name, |kind| takes(kind, setting)),
        _ => None,
    }
}

fn named(mention: &Mention, listed: &[Attribute], name: &str, set: bool) -> Option<Finding> {
    let live: Vec<_> = called(listed, name).filter(|attribute| !attribute.archived).collect();
    let any = called(listed, name).next();
    let (message, help) = match (live.as_slice(), any) {
        ([], None) => {
            let names = listed.iter().filter(|attribute| !attribute.archived).map(|attribute| attribute.name.as_str());
            let help = match config::nearest(name, names) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "create it in Intercom, under Settings and the attributes of conversations".to_owned(),
            };
            (format!("conversations have no attribute \"{name}\""), help)
        }
        ([], Some(_)) => {
            let message = format!("the attribute \"{name}\" was archived");
            let help = "restore it in Intercom, or leave it out".to_owned();
            if !set {
                return Some(Finding::doubt(CHECK, mention.saying(message, help)));
            }
            (message, help)
        }
        ([_, _, ..], _) if set => {
            let message = format!("several attributes are called \"{name}\", and Intercom sets none of them");
            (message, "rename all but one of them in Intercom".to_owned())
        }
        _ => return None,
    };
    Some(Finding::wrong(CHECK, mention.saying(message, help)))
}

/// What does not fit, and what would.
#[derive(Debug, PartialEq, Eq)]
enum Misfit {
    Type(&'static str),
    Option(String, Vec<String>),
    /// It was offered once, and conversations may have it still.
    Archived(String),
}

fn valued(
    mention: &Mention,
    listed: &[Attribute],
    name: &str,
    judge: impl Fn(&Kind) -> Option<Misfit>,
) -> Option<Finding> {
    let mut kinds = called(listed, name).map(|attribute| &attribute.kind);
    let misfit = judge(kinds.next()?)?;
    // Where several are called so, one that fits is enough to be meant.
    if kinds.any(|kind| judge(kind).is_none()) {
        return None;
    }
    let matched = matches!(mention.what, Mentioned::MatchedValue(..));
    let wrong = |message: String, help: String| Some(Finding::wrong(CHECK, mention.saying(message, help)));
    match misfit {
        Misfit::Type(wanted) if matched => {
            wrong(format!("the attribute \"{name}\" never equals this: it holds {wanted}"), write_such(wanted))
        }
        Misfit::Type(wanted) => {
            wrong(format!("the attribute \"{name}\" does not take this: it holds {wanted}"), write_such(wanted))
        }
        Misfit::Option(option, offered) => {
            let help = match config::nearest(&option, offered.iter().map(String::as_str)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("write one of \"{}\"", offered.join("\", \"")),
            };
            wrong(format!("the attribute \"{name}\" does not offer \"{option}\""), help)
        }
        Misfit::Archived(option) => {
            let message = format!("what the attribute \"{name}\" offered as \"{option}\" was archived");
            let told = mention.saying(message, "restore it in Intercom, or leave it out");
            Some(if matched { Finding::doubt(CHECK, told) } else { Finding::wrong(CHECK, told) })
        }
    }
}

fn write_such(wanted: &str) -> String {
    match wanted {
        "text" => "write it in quotes",
        "a whole number" => "write it without quotes, such as 7",
        "a number" => "write it without quotes, such as 2.5",
        "true or false" => "write true or false, without quotes",
        "objects" => "a step can set their ids, as a list of texts; a match cannot look at them",
        _ => "write a value of that kind",
    }
    .to_owned()
}

/// Why an attribute of this kind never equals the value.
fn matches(kind: &Kind, value: &AttributeValue) -> Option<Misfit> {
    use AttributeValue::{Boolean, Number, Text};
    match (kind, value) {
        (Kind::OneOf(offered), Text(text)) => not_offered(offered, text),
        (Kind::Text, Text(_))
        | (Kind::Integer | Kind::Decimal, Number(_))
        | (Kind::Boolean, Boolean(_))
        // How a moment is shown is not documented.
        | (Kind::Date, Number(_) | Text(_))
        | (Kind::Other, _) => None,
        (kind, _) => Some(Misfit::Type(in_words(kind))),
    }
}

/// Why an attribute of this kind does not take what it is set to. What a template gives is not known.
fn takes(kind: &Kind, setting: &Setting) -> Option<Misfit> {
    use AttributeValue::{Boolean, List, Number};
    match (kind, setting) {
        (Kind::OneOf(_), Setting::Template(text)) if text.contains("{{") || text.contains("{%") => None,
        (Kind::OneOf(offered), Setting::Template(text)) => not_offered(offered, text),
        (Kind::Integer, Setting::Value(Number(number))) if number.contains('.') => Some(Misfit::Type(in_words(kind))),
        (Kind::Text | Kind::Date, Setting::Template(_))
        | (Kind::Integer | Kind::Decimal | Kind::Date, Setting::Value(Number(_)))
        | (Kind::Boolean, Setting::Value(Boolean(_)))
        | (Kind::Objects, Setting::Value(List(_)))
        | (Kind::Other, _) => None,
        (kind, _) => Some(Misfit::Type(in_words(kind))),
    }
}

fn not_offered(offered: &[Offered], text: &str) -> Option<Misfit> {
    match offered.iter().find(|offered| offered.label == text) {
        Some(Offered { archived: false, .. }) => None,
        Some(_) => Some(Misfit::Archived(text.to_owned())),
        None => {
            let live = offered.iter().filter(|offered| !offered.archived).map(|offered| offered.label.clone());
            Some(Misfit::Option(text.to_owned(), live.collect()))
        }
    }
}

fn in_words(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::OneOf(_) => "text",
        Kind::Integer => "a whole number",
        Kind::Decimal => "a number",
        Kind::Boolean => "true or false",
        Kind::Date => "a moment",
        Kind::Objects => "objects",
        Kind::Other => "something else",
    }
}
