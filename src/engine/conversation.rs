//! What is known of one conversation, folded from everything that was seen of it.
//!
//! Owns: state, facts, and [`Conversation::after`]. The fold is a join: it keeps the
//! latest of each kind and the newest snapshot, so duplicates, reordering and replays change nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};

pub use super::activity::{Activity, Actor, Class, Part, PartId};
pub use super::facts::{AttributeValue, Facts, State, Tag};
use crate::sabotage::{Bug, planted};

/// Intercom's id of a conversation: 1 to 20 digits. Anything else never reaches a URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(String);

/// The text is no conversation id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a conversation id has 1 to 20 digits")]
pub struct BadConversationId;

impl ConversationId {
    /// The id as Intercom writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for ConversationId {
    type Error = BadConversationId;
    fn try_from(text: &str) -> Result<ConversationId, BadConversationId> {
        let fits = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if fits || planted(Bug::TakesAnythingForAnId) {
            Ok(ConversationId(text.to_owned()))
        } else {
            Err(BadConversationId)
        }
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The facts at one moment, with what orders them against other snapshots. Two of the same version order by their
/// facts: that is arbitrary but fixed, and [`Conversation::disagrees_with`] asks for a reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Snapshot {
    /// Which of two snapshots is newer.
    pub version: Version,
    /// What it says.
    pub facts: Facts,
}

/// Orders snapshots: the last change, then fetched over notified, then when it was made, then the notification.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// `updated_at` of the conversation.
    pub updated_at: Timestamp,
    /// Asked for, as against told.
    pub fetched: bool,
    /// When the notification was made, or the conversation fetched.
    pub created_at: Timestamp,
    /// The notification's id; empty when fetched.
    pub notification_id: String,
}

/// What one notification or one answer of Intercom says about one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is told or not, whatever the others are")]
pub struct Sighting {
    /// Which conversation.
    pub id: ConversationId,
    /// When the conversation began.
    pub created_at: Option<Timestamp>,
    /// The facts, if they were told.
    pub snapshot: Option<Snapshot>,
    /// Parts that were shown, the opening message among them.
    pub parts: Vec<Part>,
    /// `statistics.last_contact_reply_at`.
    pub last_contact_reply_at: Option<Timestamp>,
    /// It is a ticket.
    pub ticket: bool,
    /// It was deleted, or merged into another.
    pub gone: bool,
    /// It shows something whose words were taken away.
    pub redacted: bool,
    /// How it reached us (`source.type`): conversation, email, …
    pub channel: Option<String>,
    /// How it began (`source.delivered_as`).
    pub delivered_as: Option<String>,
    /// The whole conversation was read (a `GET`), as against a glimpse of it.
    pub whole: bool,
}

impl Sighting {
    /// A sighting that says nothing yet.
    pub fn of(id: ConversationId) -> Sighting {
        Sighting {
            id,
            created_at: None,
            snapshot: None,
            parts: Vec::new(),
            last_contact_reply_at: None,
            ticket: false,
            gone: false,
            redacted: false,
            channel: None,
            delivered_as: None,
            whole: false,
        }
    }
}

/// The moment of the latest activity of one class by one actor.
pub type Moment = (Timestamp, Option<PartId>);

/// How many parts by the daemon's admin, and how many ends of snoozes, are remembered one by one.
const REMEMBERED: usize = 64;
const REMEMBERED_SNOOZES: usize = 8;

/// Everything known of one conversation: a function of the set of what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Intercom's id.
    pub id: ConversationId,
    /// When it began.
    pub created_at: Option<Timestamp>,
    /// The newest facts; `None` if only its existence is known.
    pub snapshot: Option<Snapshot>,
    /// It is a ticket; that never ends.
    pub ticket: bool,
    /// It was deleted or merged away.
    pub gone: bool,
    /// How it reached us.
    pub channel: Option<String>,
    /// How it began.
    pub delivered_as: Option<String>,
    /// It was read whole at least once, or seen from its first message on.
    pub whole: bool,
    /// The latest of each class by each actor, parts by the daemon's own admin left out.
    pub latest: BTreeMap<(Class, Actor), Moment>,
    /// The newest parts by the daemon's admin; whose they are is decided with the history at hand.
    pub by_admin: BTreeSet<Part>,
    /// The newest ends of snoozes by their timer, one by one, as some may be of our own snoozes.
    pub wakes: BTreeSet<Moment>,
    /// Ends of snoozes that were seen, to know a `timer_unsnooze` part for what it is.
    pub snooze_ends: BTreeSet<Timestamp>,
}

impl Conversation {
    /// A conversation of which only the id is known.
    pub fn unread(id: ConversationId) -> Conversation {
        Conversation {
            id,
            created_at: None,
            snapshot: None,
            ticket: false,
            gone: false,
            channel: None,
            delivered_as: None,
            whole: false,
            latest: BTreeMap::new(),
            by_admin: BTreeSet::new(),
            wakes: BTreeSet::new(),
            snooze_ends: BTreeSet::new(),
        }
    }

    /// The conversation after one more sighting. `admin_id` is the admin that the daemon acts as, once known.
    #[must_use]
    pub fn after(mut self, seen: &Sighting, admin_id: Option<&str>) -> Conversation {
        self.created_at = self.created_at.into_iter().chain(seen.created_at).min();
        self.ticket |= seen.ticket;
        self.gone |= seen.gone;
        self.whole |= seen.whole;
        self.channel = larger(self.channel, seen.channel.as_ref());
        self.delivered_as = larger(self.delivered_as, seen.delivered_as.as_ref());
        for part in &seen.parts {
            self.add_part(part, admin_id);
        }
        if let Some(at) = seen.last_contact_reply_at {
            self.add(Class::ContactReply, Actor::Contact, (at, None));
        }
        if let Some(snapshot) = &seen.snapshot {
            self.add_snapshot(snapshot);
        }
        self
    }

    fn add_snapshot(&mut self, snapshot: &Snapshot) {
        if let Some(State::Snoozed { until: Some(until) }) = snapshot.facts.state {
            self.snooze_ends.insert(until);
            while self.snooze_ends.len() > REMEMBERED_SNOOZES {
                self.snooze_ends.pop_first();
            }
        }
        if self.snapshot.as_ref().is_none_or(|known| known < snapshot) {
            self.snapshot = Some(snapshot.clone());
        }
    }

    fn add_part(&mut self, part: &Part, admin_id: Option<&str>) {
        let by_admin = part.admin_id.is_some() && part.admin_id.as_deref() == admin_id;
        // What was by our admin stays so when another one acts for us.
        let was_by_admin = || self.by_admin.iter().any(|known| known.id == part.id);
        if part.id.is_none() || !(by_admin || was_by_admin()) {
            self.add_classes(part);
            return;
        }
        let known = self.by_admin.iter().find(|known| known.id == part.id).cloned();
        let merged = known.as_ref().map_or_else(|| part.clone(), |known| same_part(known, part));
        if let Some(known) = known {
            self.by_admin.remove(&known);
        }
        self.by_admin.insert(merged);
        // Parts that fall off are old and below newer ones: they count as a teammate's.
        while self.by_admin.len() > REMEMBERED {
            if let Some(oldest) = self.oldest_by_admin() {
                self.by_admin.remove(&oldest);
                self.add_classes(&oldest);
            }
        }
    }

    fn oldest_by_admin(&self) -> Option<Part> {
        self.by_admin.iter().min_by_key(|part| (part.at, part.id)).cloned()
    }

    fn add_classes(&mut self, part: &Part) {
        for class in &part.classes {
            self.add(*class, part.actor, (part.at, part.id));
        }
    }

    fn add(&mut self, class: Class, actor: Actor, moment: Moment) {
        if (class, actor) == (Class::Unsnoozed, Actor::Timer) {
            self.wakes.insert(moment);
            while self.wakes.len() > REMEMBERED_SNOOZES {
                self.wakes.pop_first();
            }
            return;
        }
        let latest = self.latest.entry((class, actor)).or_insert(moment);
        *latest = moment.max(*latest);
    }

    /// The newest facts, if any were ever told.
    pub fn facts(&self) -> Option<&Facts> {
        self.snapshot.as_ref().map(|snapshot| &snapshot.facts)
    }

    /// The state as Intercom told it last.
    pub fn state(&self) -> Option<State> {
        self.facts().and_then(|facts| facts.state)
    }

    /// When the newest known change was.
    pub fn updated_at(&self) -> Option<Timestamp> {
        self.snapshot.as_ref().map(|snapshot| snapshot.version.updated_at)
    }

    /// The latest reply by a contact that a part or statistics showed.
    pub fn last_contact_reply(&self) -> Option<Moment> {
        self.latest.iter().filter(|((class, _), _)| *class == Class::ContactReply).map(|(_, moment)| *moment).max()
    }

    /// Whether what is known is newer than what `seen` shows, beyond doubt. Of one second only two notifications can be
    /// told apart, by when they were made.
    pub fn is_newer_than(&self, seen: &Sighting) -> bool {
        let (Some(known), Some(new)) = (&self.snapshot, &seen.snapshot) else { return false };
        let (known, new) = (&known.version, &new.version);
        let both_told = !known.fetched && !new.fetched;
        known.updated_at > new.updated_at
            || both_told && known.updated_at == new.updated_at && known.created_at > new.created_at
    }

    /// Whether `seen` and what is known are two different stories of the same second, so that only asking helps.
    pub fn disagrees_with(&self, seen: &Sighting) -> bool {
        let (Some(known), Some(new)) = (&self.snapshot, &seen.snapshot) else { return false };
        let same_second = known.version.updated_at == new.version.updated_at;
        let newer = (&known.version).max(&new.version);
        let rested = newer.created_at.duration_since(newer.updated_at) >= SignedDuration::from_secs(2);
        let settled = known.version != new.version && newer.fetched && rested;
        same_second && known.facts != new.facts && !settled
    }
}

/// Joins two tellings of a fact that never changes; the choice between two different ones is arbitrary but fixed.
fn larger(known: Option<String>, new: Option<&String>) -> Option<String> {
    known.max(new.cloned())
}

fn same_part(known: &Part, new: &Part) -> Part {
    Part {
        id: known.id,
        at: known.at.min(new.at),
        actor: known.actor.min(new.actor),
        admin_id: known.admin_id.clone(),
        classes: known.classes.union(&new.classes).copied().collect(),
        digest: known.digest.clone().max(new.digest.clone()),
        reads_as: known.reads_as.union(&new.reads_as).cloned().collect(),
    }
}
