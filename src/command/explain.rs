//! `autoclosed explain`: what becomes of one conversation, and why.
//!
//! Owns: the document that scripts read, and what bars a step beside the decision: pauses, dry-run, budgets. Refuses:
//! reasoning about rules; [`explain`](crate::engine::explain()) does that.

mod words;

use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::desk::{CommandError, Desk};
use super::history::Line;
use super::line::word;
use super::{Told, moments};
use crate::config::Mode;
use crate::daemon;
use crate::engine::backlog::{self, Stands};
use crate::engine::conversation::{ConversationId, PartId};
use crate::engine::explain::Fits;
use crate::engine::rule::WaitingOn;
use crate::engine::{self, Coming, Decision, Explanation, Missing, why};
use crate::rulebook::Edition;
use crate::safety::Budget;
use crate::store::{Decided, JournalFilter, Place};

/// What becomes of a conversation, and why.
#[derive(Debug, Serialize)]
pub struct Explained {
    conversation: String,
    state: Option<&'static str>,
    snoozed_until: Option<Timestamp>,
    waiting_on: Option<&'static str>,
    last_speaker: Option<&'static str>,
    held: bool,
    held_until: Option<Timestamp>,
    held_by_tag: Option<String>,
    rule: Option<String>,
    anchor: Option<Anchor>,
    decision: &'static str,
    why: String,
    unknown: Vec<String>,
    looked_at_again: Option<Timestamp>,
    next: Option<Next>,
    ahead: Vec<Next>,
    barred: Vec<Bar>,
    rules: Vec<RuleFits>,
    changes: Vec<WhatIf>,
    activities: BTreeMap<&'static str, Activity>,
    journal: Vec<Line>,
    #[serde(skip)]
    explanation: Explanation,
    #[serde(skip)]
    now: Timestamp,
    /// Reading it again tells no more.
    #[serde(skip)]
    read_whole: bool,
}

#[derive(Debug, Serialize)]
struct Anchor {
    class: &'static str,
    at: Timestamp,
    part_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct Activity {
    at: Timestamp,
    part_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct Next {
    step: String,
    #[serde(rename = "do")]
    does: &'static str,
    at: Timestamp,
    rule: String,
    passed_over: Option<String>,
}

/// What keeps a due step from being done, beside the decision.
#[derive(Debug, Serialize)]
struct Bar {
    by: &'static str,
    why: String,
}

#[derive(Debug, Serialize)]
struct RuleFits {
    rule: String,
    /// `null` if that is not known.
    fits: Option<bool>,
    why: String,
}

#[derive(Debug, Serialize)]
struct WhatIf {
    #[serde(rename = "if")]
    happens: String,
    then: String,
    next: Option<Next>,
}

/// Explains one conversation by the rules as the file has them. If the daemon goes by others, that is said to `err`.
pub async fn explain(desk: &Desk, id: &ConversationId, err: &mut dyn Write) -> Result<Explained, CommandError> {
    let context = desk.context();
    let app_id = desk.app_id()?;
    let known = desk.store.decided(id, &context).await?;
    let Some(known) = known else { return Err(desk.unknown(id).await?) };
    let edition = context.rulebook.current();
    warn_of_other_rules(desk, &edition, err).await?;
    let rules = edition.rules();
    let explanation = engine::explain(&known.conversation, &known.history, rules, context.now);
    let filter =
        JournalFilter { app_id: Some(app_id.to_owned()), conversation: Some(id.clone()), ..JournalFilter::default() };
    let journal = desk.store.journal_page(&filter, Place::START, u32::MAX).await?;
    let journal: Vec<_> = journal.lines.into_iter().map(Line::from).collect();
    Ok(Explained {
        barred: barred(desk, &explanation, &known, journal.iter().any(Line::is_rehearsed), context.now).await?,
        looked_at_again: backlog::due_at(&explanation.decision, known.entry.as_ref()).0,
        read_whole: is_read_whole(&known, &edition),
        journal,
        ..of(explanation, &known, context.now)
    })
}

fn of(explanation: Explanation, known: &Decided, now: Timestamp) -> Explained {
    let Explanation { decision, .. } = &explanation;
    let held = explanation.hold.is_some() || explanation.hold_tag.is_some();
    Explained {
        conversation: known.conversation.id.to_string(),
        state: explanation.state,
        snoozed_until: explanation.snoozed_until,
        waiting_on: explanation.waiting_on.map(turn),
        last_speaker: explanation.last_speaker.map(|(speaker, _)| speaker.name()),
        held,
        held_until: explanation.hold.and_then(|hold| hold.until),
        held_by_tag: explanation.hold_tag.clone(),
        rule: explanation.owner.as_ref().map(ToString::to_string),
        anchor: explanation.anchor.map(|anchor| Anchor {
            class: anchor.class.name(),
            at: anchor.at,
            part_id: part_id(anchor.part),
        }),
        decision: match decision {
            Decision::Wait { .. } => "wait",
            Decision::Act { .. } => "act",
            Decision::Leave { .. } => "leave",
        },
        why: decision.why().to_string(),
        unknown: explanation.missing.iter().map(Missing::to_string).collect(),
        looked_at_again: decision.due_at(),
        next: explanation.ahead.first().map(next),
        ahead: explanation.ahead.iter().map(next).collect(),
        barred: Vec::new(),
        rules: explanation.rules.iter().map(|(rule, fits)| rule_fits(rule.to_string(), fits, decision)).collect(),
        changes: words::changes(&explanation, now, &ToString::to_string),
        activities: explanation
            .activities
            .iter()
            .map(|(class, at, part)| (class.name(), Activity { at: *at, part_id: part_id(*part) }))
            .collect(),
        journal: Vec::new(),
        explanation,
        now,
        read_whole: false,
    }
}

/// Whose turn, in the word of the configuration.
fn turn(waiting_on: WaitingOn) -> &'static str {
    WaitingOn::NAMES.iter().find(|(known, _)| *known == waiting_on).map_or("anyone", |(_, name)| name)
}

fn part_id(part: Option<PartId>) -> Option<String> {
    part.map(|part| part.to_string())
}

fn next(coming: &Coming) -> Next {
    Next {
        step: coming.step.to_string(),
        does: coming.step.kind.name(),
        at: coming.at,
        rule: coming.rule.to_string(),
        passed_over: coming.passed.map(|why| why.to_string()),
    }
}

fn rule_fits(rule: String, fits: &Fits, decision: &Decision) -> RuleFits {
    let (fits, why) = match fits {
        Fits::Owns => (Some(true), "it owns the conversation".to_owned()),
        Fits::Keeps => (Some(true), "it keeps what it has begun".to_owned()),
        Fits::After(owner) => (Some(true), format!("`{owner}` owns the conversation")),
        Fits::InVain => (Some(true), words::in_vain(decision, &|moment| why::at(*moment))),
        Fits::No(misfit) => (Some(false), misfit.to_string()),
        Fits::Unknown(missing) => (None, format!("not known yet: {}", words::listed(missing))),
    };
    RuleFits { rule, fits, why }
}

/// A fact that was not told when it was read whole is not told by reading it again.
fn is_read_whole(known: &Decided, edition: &Edition) -> bool {
    let snapshot = known.conversation.snapshot.as_ref();
    let told = snapshot.is_some_and(|one| one.version.fetched && !edition.rules().asks_beyond(&one.facts));
    known.conversation.whole && told
}

/// That the due step waits in the backlog, or was let go from it.
fn put_aside(known: &Decided, decision: &Decision, zone: &TimeZone) -> Option<Bar> {
    let why = match known.entry.as_ref()?.stands(decision) {
        Stands::Waits => {
            "it waits in the backlog until you let it go (`autoclosed backlog release`) or discard it; somebody's word \
             takes it out, too"
                .to_owned()
        }
        Stands::LetGo(at) => format!("it was let go from the backlog, and is due at {}", moments::said(at, zone)),
        Stands::Unsaid | Stands::Over => return None,
    };
    Some(Bar { by: "backlog", why })
}

/// What bars the next step, whatever the decision says.
async fn barred(
    desk: &Desk,
    explanation: &Explanation,
    known: &Decided,
    rehearsed: bool,
    now: Timestamp,
) -> Result<Vec<Bar>, CommandError> {
    let mut bars = Vec::new();
    bars.extend(put_aside(known, &explanation.decision, &desk.config.timezone));
    let pauses = desk.store.pauses().await?;
    if pauses.all.is_some() {
        let why = "everything is paused; `autoclosed resume` lets it act again".to_owned();
        bars.push(Bar { by: "paused", why });
    }
    let rule = explanation.ahead.first().map(|coming| &coming.rule).or(explanation.owner.as_ref());
    if let Some((rule, trip)) = rule.and_then(|rule| pauses.tripped.get_key_value(rule)) {
        let (name, why) = (word(rule.as_str()), trip.reopenings);
        let why = format!("rule `{rule}` has tripped, as {why}; `autoclosed resume --rule {name}` lets it act again");
        bars.push(Bar { by: "rule_tripped", why });
    }
    if let Some(rule) = rule.filter(|rule| pauses.rules.contains_key(rule)) {
        let name = word(rule.as_str());
        let why = format!("rule `{rule}` is paused; `autoclosed resume --rule {name}` lets it act again");
        bars.push(Bar { by: "rule_paused", why });
    }
    if desk.config.mode == Mode::DryRun && (rehearsed || !explanation.ahead.is_empty()) {
        let why = "in dry-run nothing is sent, and what was rehearsed counts as done; mode = \"live\" ends that".into();
        bars.push(Bar { by: "dry_run", why });
    }
    if let Decision::Act { step, action, .. } = &explanation.decision {
        let budget = Budget::read(&desk.store, daemon::limits(&desk.config), now).await?;
        if let Err(spent) = budget.allows(step.kind, action.speaks()) {
            let grows = budget.grows_at.map(|at| format!("; from {} on", moments::said(at, &desk.config.timezone)));
            bars.push(Bar { by: "budget", why: format!("{spent}{}", grows.unwrap_or_default()) });
        }
    }
    Ok(bars)
}

/// The daemon decides by what it has read; the file may say something else by now.
async fn warn_of_other_rules(desk: &Desk, edition: &Edition, err: &mut dyn Write) -> Result<(), CommandError> {
    let decided_by = desk.store.setting(daemon::DECIDED_BY).await?;
    if decided_by.is_some_and(|decided_by| decided_by != edition.fingerprint()) {
        writeln!(
            err,
            "autoclosed: the daemon has not taken over the rules that the configuration has now, by which this is \
             explained; reload it (SIGHUP) or start it again"
        )?;
    }
    Ok(())
}

impl Told for Explained {
    fn tell(&self, out: &mut dyn Write, zone: &TimeZone) -> io::Result<()> {
        words::tell(self, out, zone)
    }
}
