//! From Intercom's JSON to what it says: a [`Sighting`].
//!
//! Owns: which field means what. Refuses: guessing. What is not said stays unknown, what contradicts its type is odd.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Conversation, Message, Object, Oddness, PartItem, Reference, Scalar, Seen};
use crate::engine::conversation::{Tag, Version};
use crate::engine::{Actor, AttributeValue, Class, Facts, Part, PartId, Sighting, Snapshot, State};
use crate::intercom::attribute;
use crate::intercom::classify;
use crate::intercom::lens::Lens;
use crate::intercom::text::{TextKey, says_something};

/// Longest id, channel or other word that is kept, in bytes. Intercom's own stay far below.
const LONGEST_WORD: usize = 128;

/// `delivered_as` of conversations that a machine began, in whosever name.
const BEGUN_BY_MACHINE: [&str; 3] = ["automated", "campaigns_initiated", "operator_initiated"];

impl Conversation<'_> {
    /// What it says. `whole` is set when it was asked for and lists its parts; an answer to a deed, which lists only
    /// the new part, is for the caller to set right.
    ///
    /// # Errors
    /// Something that is needed is missing or has an unexpected type.
    pub(crate) fn sighting(&self, lens: &Lens, seen: Seen<'_>) -> Result<Sighting, Oddness> {
        let opening = self.opening_message();
        let created_at = self.created_at.date()?;
        let mut parts = Vec::new();
        if let Some(message) = opening {
            let mut part = message.part(created_at, lens.key())?;
            // Shapes without `source` do not tell a campaign in a teammate's name from that teammate's own words.
            let by_whom_is_told = self.source.get().is_some() || message.delivered_as.is_given();
            if let Some(part) = part.as_mut().filter(|part| part.actor == Actor::Teammate && !by_whom_is_told) {
                part.classes = BTreeSet::from([Class::Other]);
            }
            parts.extend(part);
        }
        for item in self.part_items()? {
            parts.push(item.part(lens)?);
        }
        parts.extend(self.rated());
        let listed = matches!(self.conversation_parts, Object::Of(_));
        Ok(Sighting {
            id: self.id()?,
            created_at,
            parts,
            last_contact_reply_at: self.last_contact_reply_at()?,
            ticket: self.ticket.is_given() && !matches!(self.ticket, Scalar::Bool(false)),
            gone: false,
            redacted: self.shows_a_redaction()?,
            channel: self.source.get().and_then(|source| word(&source.channel)),
            delivered_as: opening.and_then(|message| word(&message.delivered_as)),
            whole: listed && matches!(seen, Seen::Fetched { .. }),
            snapshot: self.snapshot(seen, lens)?,
        })
    }

    fn shows_a_redaction(&self) -> Result<bool, Oddness> {
        let opening = self.opening_message().is_some_and(|message| is_true(&message.redacted));
        Ok(opening || self.part_items()?.iter().any(|part| is_true(&part.redacted)))
    }

    fn last_contact_reply_at(&self) -> Result<Option<Timestamp>, Oddness> {
        self.statistics.get().map_or(Ok(None), |statistics| statistics.last_contact_reply_at.date())
    }

    /// Without `updated_at` it could not be ordered among others, so that the facts stay unknown.
    fn snapshot(&self, seen: Seen<'_>, lens: &Lens) -> Result<Option<Snapshot>, Oddness> {
        let facts = self.facts(&lens.attributes())?;
        let Some(updated_at) = self.updated_at.date()? else { return Ok(None) };
        let version = match seen {
            Seen::Notified { created_at, notification_id } => {
                Version { updated_at, fetched: false, created_at, notification_id: notification_id.to_owned() }
            }
            Seen::Fetched { at } => {
                Version { updated_at, fetched: true, created_at: at, notification_id: String::new() }
            }
        };
        Ok(Some(Snapshot { version, facts }))
    }

    fn facts(&self, watched: &BTreeSet<String>) -> Result<Facts, Oddness> {
        let (admin_assignee_id, team_assignee_id) = self.assignees();
        Ok(Facts {
            state: self.state()?,
            tags: self.tags(),
            admin_assignee_id,
            team_assignee_id,
            priority: self.priority.text().and_then(priority).map(str::to_owned),
            ai_resolution: self.ai_resolution(),
            attributes: self.attributes(watched),
        })
    }

    /// Those that rules name. Where attributes are shown, one that is not there is not set.
    fn attributes(&self, watched: &BTreeSet<String>) -> BTreeMap<String, Option<AttributeValue>> {
        let shown = match &self.custom_attributes {
            Object::Of(shown) => Some(&shown.0),
            Object::Null => None,
            Object::Absent | Object::Other => return BTreeMap::new(),
        };
        let value = |name: &String| shown.and_then(|shown| shown.get(name.as_str())).and_then(attribute::from_json);
        watched.iter().map(|name| (name.clone(), value(name))).collect()
    }

    /// Without Fin there is none; a word of it that cannot be read is not known.
    #[expect(clippy::option_option, reason = "none is not the same as not known")]
    fn ai_resolution(&self) -> Option<Option<String>> {
        match &self.ai_agent {
            Object::Null => Some(None),
            Object::Of(fin) => match &fin.resolution_state {
                Scalar::Absent | Scalar::Null => Some(None),
                state => word(state).map(Some),
            },
            Object::Absent if matches!(self.ai_agent_participated, Scalar::Bool(false)) => Some(None),
            Object::Absent | Object::Other => None,
        }
    }

    /// A rating stands at the conversation, and often in no part.
    fn rated(&self) -> Option<Part> {
        let rating = self.conversation_rating.get().filter(|rating| rating.rating.is_given())?;
        let at = rating.created_at.date().ok().flatten()?;
        Some(Part {
            id: None,
            at,
            actor: Actor::Contact,
            admin_id: None,
            classes: [Class::Rated].into(),
            digest: None,
            reads_as: BTreeSet::new(),
        })
    }

    fn state(&self) -> Result<Option<State>, Oddness> {
        let state = match &self.state {
            Scalar::Text(state) => state.as_ref(),
            // Before there were states, a closed conversation was one that is not open. `open` alone says no more
            // than that: it is true while snoozed.
            Scalar::Absent | Scalar::Null if matches!(self.open, Scalar::Bool(false)) => "closed",
            Scalar::Absent | Scalar::Null => return Ok(None),
            _ => return Err(Oddness::State),
        };
        Ok(match state {
            "open" => Some(State::Open),
            "closed" => Some(State::Closed),
            "snoozed" => Some(State::Snoozed { until: self.snoozed_until.date()? }),
            _ => None,
        })
    }

    /// Sorted. One tag that cannot be read makes all of them unknown: it might be the one that holds us off.
    fn tags(&self) -> Option<Vec<Tag>> {
        let items = self.tags.get()?.tags.get()?;
        let tag = |item: &Object<super::TagItem<'_>>| {
            let item = item.get()?;
            Some(Tag { id: item.id.id()?.into_owned(), name: item.name.text()?.to_owned() })
        };
        let tags: Option<BTreeSet<Tag>> = items.iter().map(tag).collect();
        tags.map(|tags| tags.into_iter().collect())
    }

    /// Teammate and team. Older shapes have one assignee, of whom nothing follows for the other: a conversation that
    /// no teammate has may be a team's.
    #[expect(clippy::option_option, reason = "nobody is not the same as not known")]
    fn assignees(&self) -> (Option<Option<String>>, Option<Option<String>>) {
        match self.assignee.get().map(|only| (only.kind.text(), &only.id)) {
            None => (assignee(&self.admin_assignee_id), assignee(&self.team_assignee_id)),
            Some((Some("nobody_admin"), _)) => (Some(None), None),
            Some((Some("admin"), id)) => (assignee(id), None),
            Some((Some("team"), id)) => (None, assignee(id)),
            Some(_) => (None, None),
        }
    }
}

impl Message<'_> {
    /// The opening message as a part, if it says whose it is.
    fn part(&self, created_at: Option<Timestamp>, key: &TextKey) -> Result<Option<Part>, Oddness> {
        let Some(author) = author(&self.author)? else { return Ok(None) };
        let by_machine = self.delivered_as.text().is_some_and(|how| BEGUN_BY_MACHINE.contains(&how));
        let (class, actor) = match author.actor {
            Actor::Contact => (Class::ContactReply, Actor::Contact),
            _ if by_machine => (Class::BotReply, Actor::Bot),
            Actor::Teammate => (Class::TeammateReply, Actor::Teammate),
            Actor::Bot => (Class::BotReply, Actor::Bot),
            actor => (Class::Other, actor),
        };
        Ok(Some(Part {
            id: part_number(&self.id)?.map(PartId::Source),
            at: created_at.ok_or(Oddness::Date)?,
            actor,
            digest: author.digest(&self.body, &self.redacted, key),
            // The daemon begins no conversation.
            reads_as: BTreeSet::new(),
            admin_id: author.admin_id,
            classes: BTreeSet::from([class]),
        }))
    }
}

impl PartItem<'_> {
    fn part(&self, lens: &Lens) -> Result<Part, Oddness> {
        let part_type = self.part_type.text().ok_or(Oddness::PartType)?;
        let by_timer = part_type == "timer_unsnooze";
        let redacted = is_true(&self.redacted);
        let speaks = says_something(self.body.text()) || self.attachments.get().is_some_and(|all| !all.is_empty());
        let author = match author(&self.author)? {
            Some(author) if !by_timer => author,
            // Nobody may have done something, but somebody must have said it.
            None if speaks && !by_timer => return Err(Oddness::Author),
            _ => Author { actor: if by_timer { Actor::Timer } else { Actor::Unknown }, admin_id: None },
        };
        let by_app =
            author.actor == Actor::Teammate && self.app_package_code.text().is_some_and(|code| !code.is_empty());
        Ok(Part {
            id: part_number(&self.id)?.map(PartId::Part),
            at: self.created_at.date()?.ok_or(Oddness::Date)?,
            actor: if by_app { Actor::Bot } else { author.actor },
            classes: classify::classify(part_type, author.actor, speaks, redacted, by_app),
            digest: author.digest(&self.body, &self.redacted, lens.key()),
            reads_as: author.words(&self.body, &self.redacted).map(|words| lens.reads_as(words)).unwrap_or_default(),
            admin_id: author.admin_id,
        })
    }
}

struct Author {
    actor: Actor,
    admin_id: Option<String>,
}

impl Author {
    /// Kept of admins' own words only. A redacted part has others' words in place of them.
    fn digest(&self, body: &Scalar<'_>, redacted: &Scalar<'_>, key: &TextKey) -> Option<String> {
        self.words(body, redacted).and_then(|words| key.digest(words))
    }

    fn words<'b>(&self, body: &'b Scalar<'_>, redacted: &Scalar<'_>) -> Option<&'b str> {
        let own = self.admin_id.is_some() && !is_true(redacted);
        body.text().filter(|_| own)
    }
}

/// Who it is; `None` if it says nothing about that.
fn author(reference: &Object<Reference<'_>>) -> Result<Option<Author>, Oddness> {
    let reference = match reference {
        Object::Absent | Object::Null => return Ok(None),
        Object::Other => return Err(Oddness::Author),
        Object::Of(reference) => reference,
    };
    let actor = match &reference.kind {
        Scalar::Absent | Scalar::Null => return Ok(None),
        Scalar::Text(kind) => classify::actor(kind),
        _ => return Err(Oddness::Author),
    };
    let admin_id = if actor == Actor::Teammate { kept_id(&reference.id) } else { None };
    Ok(Some(Author { actor, admin_id }))
}

/// The number of a part; `None` if it has none, as its id is absent or another kind of text.
pub(super) fn part_number(id: &Scalar<'_>) -> Result<Option<u64>, Oddness> {
    match id {
        Scalar::Absent | Scalar::Null | Scalar::Natural(_) | Scalar::Text(_) => Ok(id.number()),
        Scalar::Bool(_) | Scalar::Other => Err(Oddness::PartId),
    }
}

/// An id that can be kept.
pub(super) fn kept_id(id: &Scalar<'_>) -> Option<String> {
    id.id().filter(|id| is_word(id)).map(std::borrow::Cow::into_owned)
}

fn word(text: &Scalar<'_>) -> Option<String> {
    text.text().filter(|text| is_word(text)).map(str::to_owned)
}

fn is_word(text: &str) -> bool {
    (1..=LONGEST_WORD).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `Some(None)` is nobody, which Intercom writes as null, 0 or "0".
#[expect(clippy::option_option, reason = "nobody is not the same as not known")]
fn assignee(id: &Scalar<'_>) -> Option<Option<String>> {
    match id {
        Scalar::Null | Scalar::Natural(0) => Some(None),
        Scalar::Text(id) if id == "0" => Some(None),
        _ => kept_id(id).map(Some),
    }
}

/// In the words of the newest version.
fn priority(word: &str) -> Option<&'static str> {
    match word {
        "not_priority" | "none" => Some("none"),
        "low" => Some("low"),
        "medium" => Some("medium"),
        "priority" | "high" => Some("high"),
        "urgent" => Some("urgent"),
        _ => None,
    }
}

fn is_true(value: &Scalar<'_>) -> bool {
    matches!(value, Scalar::Bool(true))
}
