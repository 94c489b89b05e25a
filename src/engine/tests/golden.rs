//! The golden table: what follows from each activity as the latest thing that happened, in each state, by each of
//! several rules. It lies beside, in `golden.snap`; `INSTA_UPDATE=always` writes it again: read the difference.

use super::book::book;
use super::story::{short, told};
use super::world::{attempt, step};
use super::*;

/// It is Thursday 0:00. The contact wrote on Monday at 9:00, a bot answered at 9:30, a teammate at 10:00 (but not
/// where a rule asks for bots), and the latest thing happened on Wednesday at 12:00.
const LATEST: i64 = 2 * 86_400 + 12 * 3_600;
const NOW: i64 = 3 * 86_400;

const RULES: [(&str, &str); 7] = [
    ("counts from what rules count from by default", "rule r\nmatch_all = true\n3 days reply Hello?\n5 days close"),
    (
        "snoozed and woken ones; counts from two replies",
        "rule r\nmatch.state = [\"snoozed\", \"woken\"]\ncounts_from = [\"contact_reply\", \"teammate_reply\"]\n\
         7 days close",
    ),
    (
        "a bot spoke last, waiting on anyone",
        "rule r\nmatch.last_speaker = \"bot\"\nmatch.waiting_on = \"anyone\"\n2 days reply Hello?\n3 days close",
    ),
    (
        "anyone, closing without a reminder",
        "rule r\nmatch.waiting_on = \"anyone\"\nmatch.state = \"open\"\n2 days close",
    ),
    (
        "counts opening hours, acts in opening hours",
        "[[calendar]]\nname = \"office\"\nhours = { mon-fri = \"09:00-18:00\" }\n\
         rule r\nmatch_all = true\nclock = \"office\"\nact_only = \"office\"\n18 hours reply Hello?\n2700 minutes close",
    ),
    (
        "counts from notes and assignments alone",
        "rule r\nmatch_all = true\ncounts_from = [\"note\", \"assigned\"]\n4 days close",
    ),
    (
        "a rule above leaves snoozed ones alone",
        "rule l\nmatch.state = \"snoozed\"\nleave = true\nrule r\nmatch_all = true\n3 days close",
    ),
];

/// Every class, by each actor that it makes sense of.
const ACTIVITIES: [(Class, &[Actor]); 13] = [
    (Class::ContactReply, &[Actor::Contact]),
    (Class::TeammateReply, &[Actor::Teammate]),
    (Class::BotReply, &[Actor::Bot]),
    (Class::Own, &[Actor::Teammate]),
    (Class::Note, &[Actor::Teammate, Actor::Bot]),
    (Class::Assigned, &[Actor::Teammate, Actor::Bot, Actor::Unknown]),
    (Class::Snoozed, &[Actor::Teammate, Actor::Bot]),
    (Class::Unsnoozed, &[Actor::Teammate, Actor::Timer]),
    (Class::Opened, &[Actor::Contact, Actor::Teammate, Actor::Bot]),
    (Class::Closed, &[Actor::Teammate, Actor::Bot]),
    (Class::Rated, &[Actor::Contact]),
    (Class::Read, &[Actor::Contact]),
    (Class::Other, &[Actor::Contact, Actor::Teammate, Actor::Bot, Actor::Unknown]),
];

#[derive(Clone, Copy, PartialEq)]
enum In {
    Open,
    /// Since Tuesday at 9:00, until Sunday at 9:00.
    Snoozed,
    /// Since Tuesday at 9:00, until Tuesday at 18:00.
    Woken,
    Closed,
}

fn asks_for_bots(rules: &RuleSet) -> bool {
    rules.rules.iter().any(|rule| !rule.matches.last_speaker.is_empty())
}

/// `unanswered`: no teammate has spoken yet.
fn conversation(within: In, class: Class, actor: Actor, unanswered: bool) -> (Conversation, History) {
    let hour = |day: i64, hour: i64| at(day * 86_400 + hour * 3_600);
    let mut parts = vec![
        part(1, hour(0, 9), Actor::Contact, &[Class::ContactReply]),
        part(2, at(9 * 3_600 + 1_800), Actor::Bot, &[Class::BotReply]),
    ];
    if !unanswered {
        parts.push(part(3, hour(0, 10), Actor::Teammate, &[Class::TeammateReply]));
    }
    if matches!(within, In::Snoozed | In::Woken) {
        parts.push(part(4, hour(1, 9), Actor::Teammate, &[Class::Snoozed]));
    }
    if within == In::Woken {
        parts.push(part(5, hour(1, 18), Actor::Timer, &[Class::Unsnoozed]));
    }
    let mut history = History::default();
    if class == Class::Own {
        parts.push(Part { admin_id: Some(ADMIN.into()), ..part(6, at(LATEST), actor, &[Class::Note, Class::Opened]) });
        let ours = attempt("elsewhere".into(), step("note 1"), hour(0, 9), at(LATEST));
        let deeds = vec![Deed { at: at(LATEST), part: Some(PartId::Part(6)) }];
        history.attempts.push(Attempt { phase: Phase::Done, done_at: Some(at(LATEST)), deeds, ..ours });
    } else {
        parts.push(part(6, at(LATEST), actor, &[class]));
    }
    let state = match within {
        In::Open | In::Woken => State::Open,
        In::Snoozed => State::Snoozed { until: Some(hour(6, 9)) },
        In::Closed => State::Closed,
    };
    let snapshot = Some(fetched(at(LATEST), state, &[]));
    let channel = Some("conversation".to_owned());
    let seen = Sighting { parts, snapshot, channel, whole: true, ..Sighting::of(id()) };
    (Conversation::unread(id()).after(&seen, Some(ADMIN)), history)
}

/// When, what and why, as short as can be: `sat 07 12:00 reply 1: it was opened wed 04 12:00`.
fn cell(decision: &Decision) -> String {
    let why = |why: &Why| match why {
        Why::Quiet { since, .. } => format!("{} {}", since.class.name(), short(since.at)),
        Why::NoRuleFits(reasons) => reasons.last().unwrap().1.to_string(),
        Why::UntilItWakes(inner) => match &**inner {
            Why::NoRuleFits(reasons) => format!("asleep; {}", reasons.last().unwrap().1),
            other => format!("asleep; {other}"),
        },
        other => told(&other.to_string()),
    };
    match decision {
        Decision::Wait { until, next, why: reason } => {
            let next = next.as_ref().map(|(_, step)| format!(" for {step}")).unwrap_or_default();
            format!("{}{next}: {}", short(*until), why(reason))
        }
        Decision::Act { step, due_at, why: reason, .. } => {
            format!("NOW {step}, due {}: {}", short(*due_at), why(reason))
        }
        Decision::Leave { why: reason } => format!("- {}", why(reason)),
    }
}

/// What an activity leads to in each state.
fn cells(rules: &RuleSet, class: Class, actor: Actor) -> String {
    let states = [(In::Open, "open"), (In::Snoozed, "snoozed"), (In::Woken, "woken"), (In::Closed, "closed")];
    let cells = states.map(|(state, name)| {
        let (conversation, history) = conversation(state, class, actor, asks_for_bots(rules));
        format!("    {name:8} {}", cell(&decide(&conversation, &history, rules, at(NOW))))
    });
    cells.join("\n")
}

/// Activities that lead to the same stand together, in the order of the first of them.
fn section(name: &str, text: &str) -> String {
    let rules = book(text);
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for (class, actor) in ACTIVITIES.iter().flat_map(|(class, actors)| actors.iter().map(|actor| (*class, *actor))) {
        let (cells, who) = (cells(&rules, class, actor), format!("{} by {}", class.name(), actor.name()));
        match groups.iter_mut().find(|(known, _)| *known == cells) {
            Some((_, all)) => all.push(who),
            None => groups.push((cells, vec![who])),
        }
    }
    let told: Vec<String> = text.lines().map(|line| format!("#   {line}\n")).collect();
    let groups: Vec<String> = groups.iter().map(|(cells, all)| format!("{}\n{cells}\n", all.join("\n"))).collect();
    format!("# {name}\n{}\n{}", told.concat(), groups.join("\n"))
}

fn table() -> String {
    RULES.map(|(name, text)| section(name, text)).join("\n")
}

#[test]
fn every_activity_in_every_state_leads_to_what_the_golden_table_says() {
    let mut beside = insta::Settings::clone_current();
    beside.set_snapshot_path(".");
    beside.set_prepend_module_to_snapshot(false);
    beside.set_omit_expression(true);
    beside.bind(|| insta::assert_snapshot!("golden", table()));
}
