//! The small answers of Intercom: the token's owner, a contact, a page of a search, lists of people, teams and tags.
//!
//! Owns: reading them leniently where Intercom varies, and strictly where a guess would hide conversations.
//! Refuses: whole conversations, which are read in `wire`.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::transport::parse;
use crate::engine::ConversationId;
use crate::intercom::error::IntercomError;
use crate::intercom::notification;
use crate::intercom::wire::possible_date;

/// Most digits of an id, as of a [`ConversationId`].
const MOST_DIGITS: usize = 20;

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// Id of the teammate behind the token: digits.
    pub admin_id: String,
    /// Name of that teammate.
    pub name: Option<String>,
    /// Id of the workspace, as in notifications.
    pub app_id: Option<String>,
    /// Where the workspace lives, as Intercom writes it (such as `US`).
    pub region: Option<String>,
    /// Time zone of the workspace, as Intercom writes it.
    pub timezone: Option<String>,
}

/// A person on the other side.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Contact {
    /// The whole name, if known.
    #[serde(default)]
    pub name: Option<String>,
}

/// One page of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order of the answer.
    pub conversations: Vec<Listed>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
    /// Listed conversations left out because their id is not 1 to 20 digits.
    pub odd: usize,
}

/// A conversation in a list: only a hint to look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Intercom's id.
    pub id: ConversationId,
    /// When anything about it changed last, if the list says so.
    pub updated_at: Option<Timestamp>,
    /// `open`, `snoozed` or `closed`, if the list says so.
    pub state: Option<String>,
}

/// A teammate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Intercom's id: digits.
    pub id: String,
    /// The whole name, if the list tells it.
    pub name: Option<String>,
    /// The e-mail address, if the list tells it.
    pub email: Option<String>,
    /// Whether they may work in the inbox, if the list tells it.
    pub has_inbox_seat: Option<bool>,
    /// Whether they are away, if the list tells it.
    pub away: Option<bool>,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Intercom's id: digits.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A tag of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Intercom's id: digits.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl<'de> Deserialize<'de> for Me {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Me, D::Error> {
        let MeWire { id, name, app } = MeWire::deserialize(deserializer)?;
        let admin_id = text(&id).filter(|id| is_number(id));
        let admin_id = admin_id.ok_or_else(|| serde::de::Error::custom("the teammate has no id"))?;
        let app = app.unwrap_or_default();
        let app_id = app.id_code.filter(|id| notification::is_app_id(id));
        Ok(Me { admin_id, name, app_id, region: app.region, timezone: app.timezone })
    }
}

impl<'de> Deserialize<'de> for Page {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Page, D::Error> {
        let wire = PageWire::deserialize(deserializer)?;
        let listed = wire.conversations.len();
        let conversations: Vec<Listed> = wire.conversations.into_iter().filter_map(ListedWire::listed).collect();
        let next = wire.pages.and_then(|pages| pages.next).and_then(|next| next.starting_after);
        Ok(Page { odd: listed - conversations.len(), conversations, next })
    }
}

#[derive(Deserialize)]
struct MeWire {
    id: Value,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    app: Option<AppWire>,
}

#[derive(Default, Deserialize)]
struct AppWire {
    #[serde(default)]
    id_code: Option<String>,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    timezone: Option<String>,
}

/// The list itself has to be there: an answer without one must not pass for an empty workspace.
#[derive(Deserialize)]
struct PageWire {
    conversations: Vec<ListedWire>,
    #[serde(default)]
    pages: Option<PagesWire>,
}

#[derive(Deserialize)]
struct PagesWire {
    #[serde(default)]
    next: Option<NextWire>,
}

#[derive(Deserialize)]
struct NextWire {
    #[serde(default)]
    starting_after: Option<String>,
}

#[derive(Deserialize)]
struct ListedWire {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    updated_at: Value,
    #[serde(default)]
    state: Option<String>,
}

impl ListedWire {
    fn listed(self) -> Option<Listed> {
        let id = ConversationId::try_from(text(&self.id)?.as_str()).ok()?;
        let updated_at = text(&self.updated_at).as_deref().and_then(instant);
        Some(Listed { id, updated_at, state: self.state })
    }
}

/// Ids and times come as text or as numbers.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Unix seconds, or a written date; one that cannot be true is none.
fn instant(text: &str) -> Option<Timestamp> {
    match text.parse() {
        Ok(seconds) => possible_date(seconds),
        Err(_) => text.parse().ok().filter(|at: &Timestamp| possible_date(at.as_second()).is_some()),
    }
}

/// The answer to `GET /admins`.
pub(super) fn admins(json: &[u8]) -> Result<Vec<Admin>, IntercomError> {
    let items = items(json, "admins")?;
    let admin = |item: &Value| {
        Some(Admin {
            id: id(item)?,
            name: written(&item["name"]),
            email: written(&item["email"]),
            has_inbox_seat: item["has_inbox_seat"].as_bool(),
            away: item["away_mode_enabled"].as_bool(),
        })
    };
    Ok(items.iter().filter_map(admin).collect())
}

/// The answer to `GET /teams`.
pub(super) fn teams(json: &[u8]) -> Result<Vec<Team>, IntercomError> {
    let items = items(json, "teams")?;
    let team = |item| Some(Team { id: id(item)?, name: written(&item["name"])? });
    Ok(items.iter().filter_map(team).collect())
}

/// The answer to `GET /tags`.
pub(super) fn tags(json: &[u8]) -> Result<Vec<Tag>, IntercomError> {
    Ok(items(json, "data")?.iter().filter_map(tag).collect())
}

/// The answer to the creation of a tag. Names that differ only in case or in the white space around them are one.
pub(super) fn tag_named(json: &[u8], name: &str) -> Result<Tag, IntercomError> {
    let alike = |known: &str| known.trim().to_lowercase() == name.trim().to_lowercase();
    let tag = tag(&parse(json)?).filter(|tag| alike(&tag.name));
    tag.ok_or(IntercomError::WrongAnswer("something that is not the tag asked for"))
}

/// The answer to tagging and untagging, which shows the tag.
pub(super) fn is_tag(json: &[u8], tag_id: &str) -> Result<(), IntercomError> {
    let told = id(&parse(json)?);
    let same = told.is_some_and(|told| told == tag_id);
    if same { Ok(()) } else { Err(IntercomError::WrongAnswer("something that is not the tag asked for")) }
}

/// Whether it is an id that may go into an address.
pub(super) fn is_number(id: &str) -> bool {
    (1..=MOST_DIGITS).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// The items of a list that is answered as a whole. An answer without the list must not pass for an empty one, nor
/// one page of several for all of it.
pub(super) fn items(json: &[u8], key: &str) -> Result<Vec<Value>, IntercomError> {
    let mut answer: Value = parse(json)?;
    if !answer["pages"]["next"].is_null() {
        return Err(IntercomError::WrongList("a list in several pages, where all of it belongs on one"));
    }
    match answer.get_mut(key).map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(IntercomError::WrongList("something that is not the list asked for")),
    }
}

fn tag(item: &Value) -> Option<Tag> {
    Some(Tag { id: id(item)?, name: written(&item["name"])? })
}

pub(super) fn id(item: &Value) -> Option<String> {
    text(&item["id"]).filter(|id| is_number(id))
}

pub(super) fn written(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_in_all_its_spellings() {
        for (json, want) in [
            (r#"{"conversations":[]}"#, "[] next None odd 0"),
            (r#"{"conversations":[],"pages":null}"#, "[] next None odd 0"),
            (r#"{"conversations":[],"pages":{"next":null}}"#, "[] next None odd 0"),
            (
                r#"{"conversations":[],"pages":{"next":{"page":2,"starting_after":"c=="}}}"#,
                "[] next Some(\"c==\") odd 0",
            ),
            (
                r#"{"conversations":[{"id":"7","updated_at":1767225600,"state":"open"},{"id":8,"updated_at":"1767225601"},
                    {"id":"9","updated_at":"2026-01-01T00:00:02Z","state":null},{"id":"10","updated_at":null}]}"#,
                "[7 2026-01-01T00:00:00Z open, 8 2026-01-01T00:00:01Z -, 9 2026-01-01T00:00:02Z -, 10 - -] next None odd 0",
            ),
            (
                r#"{"conversations":[{"id":"1","updated_at":253402207200},{"id":"2","updated_at":"1969-01-01T00:00:00Z"}]}"#,
                "[1 - -, 2 - -] next None odd 0",
            ),
            (r#"{"conversations":[{"id":"../me"},{"id":null},{},{"id":"5"}]}"#, "[5 - -] next None odd 3"),
        ] {
            let page: Page = serde_json::from_str(json).unwrap();
            let shown = |listed: &Listed| {
                let at = listed.updated_at.map_or("-".to_owned(), |at| at.to_string());
                format!("{} {at} {}", listed.id, listed.state.as_deref().unwrap_or("-"))
            };
            let all: Vec<String> = page.conversations.iter().map(shown).collect();
            assert_eq!(format!("[{}] next {:?} odd {}", all.join(", "), page.next, page.odd), want, "{json}");
        }
    }

    #[test]
    fn a_page_that_may_hide_conversations_is_an_error() {
        for json in [
            "null",
            "{}",
            r#"{"type":"error.list","errors":[]}"#,
            r#"{"conversations":null}"#,
            r#"{"conversations":[],"pages":{"next":"https://example.com/page/2"}}"#,
        ] {
            assert!(serde_json::from_str::<Page>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn the_token_s_owner_needs_an_id_and_nothing_else() {
        let bare = Me { admin_id: "12".into(), name: None, app_id: None, region: None, timezone: None };
        for json in [
            r#"{"id":"12"}"#,
            r#"{"id":12,"app":null,"name":null}"#,
            r#"{"id":"12","app":{}}"#,
            r#"{"id":12,"app":{"id_code":"a b"}}"#,
        ] {
            assert_eq!(serde_json::from_str::<Me>(json).unwrap(), bare, "{json}");
        }
        for json in ["null", "{}", r#"{"id":null}"#, r#"{"id":""}"#, r#"{"id":1.5}"#, r#"{"id":"1\n2"}"#] {
            assert!(serde_json::from_str::<Me>(json).is_err(), "{json}");
        }
    }
}
