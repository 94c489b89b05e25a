//! Why a conversation is left alone, waited for or acted on, rule by rule; and what would change that.
//!
//! Owns: putting together what [`decide()`](super::decide()) goes by. Refuses: rules and reasons of its own: it weighs
//! the same view and asks the same conditions. What would change the decision is found by trying it.

use jiff::{SignedDuration, Timestamp};

use super::ahead::{Coming, ahead};
use super::conversation::{Activity, Actor, Class, Conversation, PartId, State};
use super::decide::{Decision, Weighed, anchor, weigh};
use super::facts::Tag;
use super::history::{History, Hold};
use super::matching::{Fit, Turn, fit, speaker, tag_names, turn};
use super::missing::Missing;
use super::recalled::recalled;
use super::rule::{Rule, RuleName, RuleSet, Speaker, WaitingOn};
use super::view::{Standing, View};
use super::why::{Misfit, Why};

/// Everything that a decision goes by.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The state as rules name it, closed ones included; `None` if it is not known.
    pub state: Option<&'static str>,
    /// The end of the snooze that it is in.
    pub snoozed_until: Option<Timestamp>,
    /// Whose turn it is, looking at people only; `None` if nobody has spoken, or if it is not known.
    pub waiting_on: Option<WaitingOn>,
    /// Who spoke last, people and machines alike, and when.
    pub last_speaker: Option<(Speaker, Activity)>,
    /// An operator's hold that stands.
    pub hold: Option<Hold>,
    /// A tag that keeps every rule away.
    pub hold_tag: Option<String>,
    /// The rule that owns it.
    pub owner: Option<RuleName>,
    /// What that rule counts from.
    pub anchor: Option<Activity>,
    /// What is done now.
    pub decision: Decision,
    /// Facts without which nothing can be decided.
    pub missing: Vec<Missing>,
    /// Every rule in its order, and whether it fits.
    pub rules: Vec<(RuleName, Fits)>,
    /// What will be done if nobody does anything.
    pub ahead: Vec<Coming>,
    /// What would make a difference, each with the difference.
    pub changes: Vec<(Change, Outlook)>,
    /// The latest of each class; `own` are deeds of ours.
    pub activities: Vec<(Class, Timestamp, Option<PartId>)>,
}

/// Whether a rule fits, and whether that matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fits {
    /// It is the first that fits.
    Owns,
    /// It has begun, and keeps what it has begun.
    Keeps,
    /// It fits, but another one owns the conversation.
    After(RuleName),
    /// It fits, but what is to be left alone anyway, or is not known yet, no rule gets.
    InVain,
    /// This does not hold.
    No(Misfit),
    /// These facts are not known.
    Unknown(Vec<Missing>),
}

/// Something that somebody could do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The contact writes.
    ContactReplies,
    /// A teammate writes.
    TeammateReplies,
    /// Somebody opens it.
    Opened,
    /// This tag is put on.
    Tagged(String),
    /// This tag is taken off.
    Untagged(String),
    /// An operator releases it.
    Released,
}

/// What a decision comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// The decision.
    pub decision: Decision,
    /// The first step that will be done.
    pub next: Option<Coming>,
}

/// Explains what [`decide()`](super::decide()) decides.
pub fn explain(conversation: &Conversation, history: &History, rules: &RuleSet, now: Timestamp) -> Explanation {
    let known = recalled(conversation, history, rules);
    let view = View::of(conversation, &known, now);
    let weighed = weigh(&view, rules);
    let ahead = ahead(conversation, history, rules, now);
    let (state, snoozed_until) = match view.standing {
        Standing::Unknown => (None, None),
        Standing::Open => (Some("open"), None),
        Standing::Woken => (Some("woken"), None),
        Standing::Snoozed { until } => (Some("snoozed"), until),
        Standing::Closed => (Some("closed"), None),
    };
    let outlook = Outlook { decision: weighed.decision.clone(), next: ahead.first().cloned() };
    Explanation {
        state,
        snoozed_until,
        waiting_on: match turn(&view) {
            Turn::Contact => Some(WaitingOn::Contact),
            Turn::Teammate => Some(WaitingOn::Teammate),
            Turn::Nobody | Turn::Unknown => None,
        },
        last_speaker: speaker::last(&view),
        hold: history.hold.filter(|hold| hold.until.is_none_or(|until| until > now)),
        hold_tag: hold_tag(&view, rules),
        owner: weighed.owner.map(|rule| rule.name.clone()),
        anchor: weighed.owner.and_then(|rule| anchor(rule, &view)),
        rules: rules.rules.iter().map(|rule| (rule.name.clone(), fits(rule, &weighed, &view))).collect(),
        changes: changes(conversation, history, rules, &view, &outlook),
        activities: activities(&view),
        missing: weighed.missing,
        decision: weighed.decision,
        ahead,
    }
}

fn hold_tag(view: &View<'_>, rules: &RuleSet) -> Option<String> {
    let tags = tag_names(view)?;
    rules.hold_tags.iter().find(|tag| tags.contains(&tag.as_str())).cloned()
}

fn fits(rule: &Rule, weighed: &Weighed<'_>, view: &View<'_>) -> Fits {
    if weighed.owner.is_some_and(|owner| owner.name == rule.name) {
        return if weighed.kept { Fits::Keeps } else { Fits::Owns };
    }
    match (fit(&rule.matches, view), weighed.owner) {
        (Fit::Yes, Some(owner)) => Fits::After(owner.name.clone()),
        (Fit::Yes, None) => Fits::InVain,
        (Fit::No(misfit), _) => Fits::No(misfit),
        (Fit::Unknown(missing), _) => Fits::Unknown(missing),
    }
}

fn activities(view: &View<'_>) -> Vec<(Class, Timestamp, Option<PartId>)> {
    let ours = view.history.attempts.iter().flat_map(|attempt| &attempt.deeds).max_by_key(|deed| (deed.at, deed.part));
    let latest = |class: Class| match class {
        Class::Own => ours.map(|deed| (class, deed.at, deed.part)),
        _ => view.latest(class).map(|activity| (class, activity.at, activity.part)),
    };
    Class::NAMES.iter().filter_map(|(class, _)| latest(*class)).collect()
}

/// Tries what somebody could do now, and keeps what makes a difference.
fn changes(
    conversation: &Conversation,
    history: &History,
    rules: &RuleSet,
    view: &View<'_>,
    now_is: &Outlook,
) -> Vec<(Change, Outlook)> {
    if matches!(now_is.decision.why(), Why::NotRead) {
        return Vec::new();
    }
    // Whoever does it does it after all that is known, and not in the same second.
    let then = view.now.checked_add(SignedDuration::from_secs(1)).unwrap_or(view.now);
    let tried = possible(history, rules, view, now_is).into_iter().map(|change| {
        let (conversation, history) = change.made(conversation.clone(), history.clone(), then);
        let decision = super::decide(&conversation, &history, rules, then);
        let next = ahead(&conversation, &history, rules, then).into_iter().next();
        (change, Outlook { decision, next })
    });
    tried.filter(|(_, outlook)| outlook.differs(now_is)).collect()
}

fn possible(history: &History, rules: &RuleSet, view: &View<'_>, now_is: &Outlook) -> Vec<Change> {
    let mut possible = vec![Change::ContactReplies, Change::TeammateReplies];
    if matches!(view.standing, Standing::Closed | Standing::Snoozed { .. }) {
        possible.push(Change::Opened);
    }
    match hold_tag(view, rules) {
        Some(tag) => possible.push(Change::Untagged(tag)),
        None => possible.extend(rules.hold_tags.first().filter(|_| now_is.next.is_some()).cloned().map(Change::Tagged)),
    }
    if history.hold.is_some() {
        possible.push(Change::Released);
    }
    possible
}

impl Outlook {
    /// Another step, another time, or another reason to do nothing. What only shifts a text's words is the same.
    fn differs(&self, other: &Outlook) -> bool {
        let kind = |outlook: &Outlook| std::mem::discriminant(outlook.decision.why());
        match (&self.next, &other.next) {
            (Some(one), Some(other)) => one != other,
            (None, None) => kind(self) != kind(other),
            _ => true,
        }
    }
}

impl Change {
    /// The conversation and its history as they would be.
    fn made(&self, mut conversation: Conversation, mut history: History, now: Timestamp) -> (Conversation, History) {
        let happens = match self {
            Change::ContactReplies => Some((Class::ContactReply, Actor::Contact)),
            Change::TeammateReplies => Some((Class::TeammateReply, Actor::Teammate)),
            Change::Opened => Some((Class::Opened, Actor::Teammate)),
            Change::Tagged(_) | Change::Untagged(_) | Change::Released => None,
        };
        conversation.latest.extend(happens.map(|what| (what, (now, Some(LATEST)))));
        history.hold = history.hold.filter(|_| *self != Change::Released);
        let opens = matches!(self, Change::ContactReplies | Change::Opened);
        if let Some(facts) = conversation.snapshot.as_mut().map(|snapshot| &mut snapshot.facts) {
            if opens {
                facts.state = Some(State::Open);
            }
            match (self, &mut facts.tags) {
                (Change::Tagged(name), Some(tags)) => tags.push(Tag { id: String::new(), name: name.clone() }),
                (Change::Untagged(name), Some(tags)) => tags.retain(|tag| tag.name != *name),
                _ => {}
            }
        }
        (conversation, history)
    }
}

/// A part later than all others of its second.
const LATEST: PartId = PartId::Part(u64::MAX);
