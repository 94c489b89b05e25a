//! `autoclosed status`: how the daemon is, what it tracks, and what it has done or would have done.
//!
//! Health comes from the daemon itself, everything else from the database. No daemon that answers means `down`, and says
//! nothing about how well things stand.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use self::ask::{Answer, Check, Silence};
use super::desk::{CommandError, Desk};
use crate::engine::rehearsal;
use crate::store::{Actions, BUDGET_WINDOW, Pauses, Recorded};

mod ask;
mod text;

/// What a dry run would have done is looked at for so long.
const REHEARSED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Everything on one screen.
#[derive(Debug, Serialize)]
pub struct StatusAnswer {
    health: String,
    mode: String,
    paused: bool,
    paused_since: Option<Timestamp>,
    /// Also those that have tripped.
    paused_rules: Vec<String>,
    tripped_rules: Vec<TrippedRule>,
    tracked: i64,
    backlog: i64,
    held: i64,
    closes_last_hour: u32,
    messages_last_hour: u32,
    notifications: Notifications,
    actions: Steps,
    checks: Vec<Check>,
    rules: Vec<RuleSteps>,
    dry_run: Vec<DryRun>,
    /// When a daemon last wrote down that it lives.
    last_sign_of_life: Option<Timestamp>,
    #[serde(skip)]
    silence: Option<Silence>,
    /// What the file says, where the daemon goes by another mode.
    #[serde(skip)]
    mode_in_file: Option<&'static str>,
}

/// A rule that has stopped by itself.
#[derive(Debug, Serialize)]
struct TrippedRule {
    rule: String,
    at: Timestamp,
    closes: u32,
    reopened: u32,
    why: String,
    /// An operator has paused it by its name, too.
    paused: bool,
}

/// Notifications received since the database was made.
#[derive(Debug, Serialize)]
struct Notifications {
    stored: i64,
    duplicate: i64,
    ignored: i64,
    foreign: i64,
    quarantined: i64,
}

/// Steps by their present outcome.
#[derive(Debug, Serialize)]
struct Steps {
    due: i64,
    done: i64,
    raced: i64,
    left: i64,
    deferred: i64,
    failed: i64,
    unclear: i64,
}

#[derive(Debug, Serialize)]
struct RuleSteps {
    rule: String,
    #[serde(flatten)]
    steps: Steps,
}

/// What a rule would have done in the last thirty days.
#[derive(Debug, Serialize)]
struct DryRun {
    rule: String,
    would_close: u64,
    would_message: u64,
    would_do_else: u64,
    then_closed_by_person: u64,
    then_contact_came_back: u64,
}

/// Asks the daemon and the database.
pub async fn status(desk: &Desk) -> Result<StatusAnswer, CommandError> {
    let (store, now) = (&desk.store, desk.now());
    let heard = ask::ask(desk.config.admin.listen).await;
    let pauses = store.pauses().await?;
    let (closes_last_hour, messages_last_hour) = store.sent_since(now - BUDGET_WINDOW).await?;
    let (actions, rules) = steps(desk).await?;
    let file = desk.config.mode.name();
    let (health, mode, checks, silence) = match heard {
        Ok(Answer { status, mode, checks }) => (status, mode.unwrap_or_else(|| file.to_owned()), checks, None),
        Err(silence) => ("down".to_owned(), file.to_owned(), Vec::new(), Some(silence)),
    };
    Ok(StatusAnswer {
        mode_in_file: (mode != file).then_some(file),
        health,
        mode,
        paused: pauses.all.is_some(),
        paused_since: pauses.all,
        paused_rules: quiet_rules(&pauses),
        tripped_rules: tripped(&pauses),
        tracked: store.tracked(desk.identity.app_id.as_deref()).await?,
        backlog: store.count_backlog().await?.waiting,
        held: store.count_held(now).await?,
        closes_last_hour,
        messages_last_hour,
        notifications: notifications(desk).await?,
        actions,
        checks,
        rules,
        dry_run: rehearsed(desk).await?,
        last_sign_of_life: store.last_sign_of_life().await?,
        silence,
    })
}

/// Rules that do nothing, whoever has stopped them.
fn quiet_rules(pauses: &Pauses) -> Vec<String> {
    let names: BTreeSet<_> = pauses.rules.keys().chain(pauses.tripped.keys()).collect();
    names.into_iter().map(ToString::to_string).collect()
}

fn tripped(pauses: &Pauses) -> Vec<TrippedRule> {
    let told = pauses.tripped.iter().map(|(rule, trip)| TrippedRule {
        rule: rule.to_string(),
        at: trip.at,
        closes: trip.reopenings.closes,
        reopened: trip.reopenings.reopened,
        why: trip.reopenings.to_string(),
        paused: pauses.rules.contains_key(rule),
    });
    told.collect()
}

async fn notifications(desk: &Desk) -> Result<Notifications, CommandError> {
    let received = desk.store.received().await?;
    Ok(Notifications {
        stored: received.count(Recorded::Stored),
        duplicate: received.count(Recorded::Duplicate),
        ignored: received.count(Recorded::Ignored),
        foreign: received.count(Recorded::Foreign),
        quarantined: received.count(Recorded::Quarantined),
    })
}

/// Of all rules together, and of each in the order of their names; both from one look, so that they agree.
async fn steps(desk: &Desk) -> Result<(Steps, Vec<RuleSteps>), CommandError> {
    let mut all = Actions::default();
    let mut rules: BTreeMap<String, Actions> = BTreeMap::new();
    for (rule, outcome, count) in desk.store.actions().await? {
        all.add(&outcome, count);
        rules.entry(rule).or_default().add(&outcome, count);
    }
    rules.retain(|_, actions| actions.due() > 0);
    let rules = rules.into_iter().map(|(rule, actions)| RuleSteps { rule, steps: actions.into() });
    Ok((all.into(), rules.collect()))
}

async fn rehearsed(desk: &Desk) -> Result<Vec<DryRun>, CommandError> {
    let rehearsals = desk.store.rehearsals(desk.now() - REHEARSED).await?;
    let told = rehearsal::by_rule(&rehearsals).into_iter().map(|(rule, would)| DryRun {
        rule: rule.to_string(),
        would_close: would.closes,
        would_message: would.messages,
        would_do_else: would.others,
        then_closed_by_person: would.closed_by_person,
        then_contact_came_back: would.contact_came_back,
    });
    Ok(told.collect())
}

impl From<Actions> for Steps {
    fn from(actions: Actions) -> Steps {
        let Actions { done, raced, left, deferred, failed, unclear } = actions;
        Steps { due: actions.due(), done, raced, left, deferred, failed, unclear }
    }
}
