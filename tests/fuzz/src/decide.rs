//! Decisions on conversations and histories of every kind.

use std::collections::BTreeSet;

use autoclosed::config;
use autoclosed::engine::conversation::Version;
use autoclosed::engine::rule::{RuleName, StepId, StepKind};
use autoclosed::engine::{
    Action, Actor, Attempt, Class, Conversation, ConversationId, Decision, Deed, Facts, History, Hold, Part, PartId,
    Phase, RuleSet, Sighting, Snapshot, State, decide, explain, snooze_to_restore, snoozed_until,
};
use jiff::{SignedDuration, Timestamp};

/// Rules of every kind: with a calendar and without, several steps, a snooze.
const RULES: [&str; 3] = [
    "[[rule]]
name = \"first\"
match.state = [\"snoozed\", \"woken\"]
step = [{ after = \"5 days\", do = \"reply\", body = \"Hi\" }, { after = \"7 days\", do = \"close\", body = \"Bye\" }]
[[rule]]
name = \"second\"
match_all = true
after_reopen = \"count_again\"
counts_from = [\"contact_reply\", \"teammate_reply\", \"note\", \"opened\", \"unsnoozed\"]
step = [{ after = \"1 day\", do = \"note\", body = \"Quiet\" }, { after = \"2 days\", do = \"close\", silent = true }]",
    "[[calendar]]
name = \"office\"
timezone = \"Europe/Dublin\"
hours = { mon-fri = [\"09:00-18:00\"] }
[[rule]]
name = \"first\"
match.state = [\"open\"]
match.last_speaker = [\"bot\"]
match.waiting_on = \"anyone\"
clock = \"office\"
act_only = \"office\"
step = [{ after = \"2 working days\", do = \"close\", silent = true }]
[[rule]]
name = \"second\"
match.waiting_on = \"contact\"
step = [{ after = \"3 days\", do = \"snooze\", for = \"4 days\" }, { after = \"9 days\", do = \"close\", body = \"Bye\" }]",
    "[[rule]]
name = \"first\"
match.tags = [\"vip\"]
leave = true
[[rule]]
name = \"second\"
match.waiting_on = \"anyone\"
match.contact_replied = \"any\"
step = [{ after = \"1 hour\", do = \"reply\", body = \"Hi\" }, { after = \"90 minutes\", do = \"reply\", body = \"Still there?\" }, { after = \"2 hours\", do = \"close\", body = \"Bye\" }]",
];

const CLASSES: [Class; 12] = [
    Class::ContactReply,
    Class::TeammateReply,
    Class::BotReply,
    Class::Note,
    Class::Assigned,
    Class::Snoozed,
    Class::Unsnoozed,
    Class::Opened,
    Class::Closed,
    Class::Rated,
    Class::Read,
    Class::Other,
];
const ACTORS: [Actor; 5] = [Actor::Contact, Actor::Teammate, Actor::Bot, Actor::Timer, Actor::Unknown];

/// When everything begins: Thursday, 1 January 2026, noon.
pub(crate) fn start() -> Timestamp {
    super::answer::noon()
}

/// A conversation that a teammate answered a minute after it began, and nobody since.
pub(crate) fn quiet() -> Sighting {
    let mut dice = Bytes(&[]);
    let mut seen = Sighting::of(ConversationId::try_from("4711").expect("an id"));
    let says = |number, class, actor, minutes| Part {
        id: Some(PartId::Part(number)),
        at: start() + SignedDuration::from_mins(minutes),
        actor,
        admin_id: None,
        classes: BTreeSet::from([class]),
        digest: None,
        reads_as: BTreeSet::new(),
    };
    seen.parts =
        vec![says(1, Class::ContactReply, Actor::Contact, 0), says(2, Class::TeammateReply, Actor::Teammate, 1)];
    seen.snapshot = Some(snapshot(&mut dice));
    (seen.whole, seen.channel) = (true, Some("conversation".to_owned()));
    seen
}

/// Bytes that say what happened, in order; where they end, nothing more happens.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.next()) % limit
    }

    /// Within about ninety days, many at the same second; a few at the ends of time.
    fn moment(&mut self) -> Timestamp {
        let (days, rest) = (i64::from(self.next()), i64::from(self.next()));
        match days {
            255 => Timestamp::MAX,
            254 => Timestamp::MIN,
            days => start() + SignedDuration::from_secs(days * 30_000 + rest / 8 * 1_000),
        }
    }
}

fn snapshot(bytes: &mut Bytes<'_>) -> Snapshot {
    let state = match bytes.below(6) {
        0 | 1 => Some(State::Open),
        2 => Some(State::Snoozed { until: Some(bytes.moment()) }),
        3 => Some(State::Snoozed { until: None }),
        4 => Some(State::Closed),
        _ => None,
    };
    let nobody = Some(None);
    let facts = Facts {
        state,
        tags: Some(Vec::new()),
        admin_assignee_id: nobody.clone(),
        team_assignee_id: nobody,
        ..Facts::default()
    };
    let (updated_at, fetched) = (bytes.moment(), bytes.below(2) == 0);
    let notification_id = if fetched { String::new() } else { "n".to_owned() };
    Snapshot { version: Version { updated_at, fetched, created_at: updated_at, notification_id }, facts }
}

fn part(number: u64, bytes: &mut Bytes<'_>) -> Part {
    let (class, actor) = (CLASSES[bytes.below(CLASSES.len())], ACTORS[bytes.below(ACTORS.len())]);
    let admin_id = (actor == Actor::Teammate).then(|| if bytes.below(3) == 0 { "814860" } else { "7" }.to_owned());
    let also = (bytes.below(4) == 0).then(|| CLASSES[bytes.below(CLASSES.len())]);
    let classes: BTreeSet<Class> = [class].into_iter().chain(also).collect();
    Part {
        id: Some(PartId::Part(number)),
        at: bytes.moment(),
        actor,
        admin_id,
        classes,
        digest: None,
        reads_as: BTreeSet::new(),
    }
}

fn attempt(number: u64, conversation: &Conversation, bytes: &mut Bytes<'_>) -> Attempt {
    let anchors: Vec<Timestamp> = conversation.latest.values().map(|(at, _)| *at).collect();
    let anchor_at = anchors.get(bytes.below(8)).copied().unwrap_or_else(|| bytes.moment());
    let (kind, _) = StepKind::NAMES[bytes.below(StepKind::NAMES.len())];
    let at = bytes.moment();
    let phase = match bytes.below(8) {
        0 => Phase::Open,
        1 => Phase::Unclear { look_at: bytes.moment() },
        2 => Phase::Parked { until: bytes.moment() },
        3 => Phase::Raced,
        4 => Phase::Passed,
        5 => Phase::Failed,
        6 => Phase::Discarded,
        _ => Phase::Done,
    };
    let sent = !matches!(phase, Phase::Open | Phase::Passed | Phase::Discarded);
    Attempt {
        rule: RuleName::from(["first", "second", "gone"][bytes.below(3)]),
        step: StepId { kind, nth: u32::from(bytes.next() % 3) + 1 },
        anchor_at,
        due_at: bytes.moment(),
        phase,
        sent_at: sent.then_some(at),
        done_at: matches!(phase, Phase::Done | Phase::Raced).then_some(at),
        deeds: sent.then_some(Deed { at, part: Some(PartId::Part(number)) }).into_iter().collect(),
        template: (sent && kind.writes()).then(|| autoclosed::engine::rule::digest("Hi")),
        text: None,
        snoozed_until: (bytes.below(4) == 0).then(|| bytes.moment()),
        changes: Vec::new(),
        undone: None,
    }
}

fn key(attempt: &Attempt) -> (&RuleName, StepId, Timestamp) {
    (&attempt.rule, attempt.step, attempt.anchor_at)
}

/// Which rules, parts, snapshots, deeds, a hold, and when.
pub fn target(data: &[u8]) {
    let mut bytes = Bytes(data);
    let rules = rules(bytes.below(RULES.len()));
    let mut seen = quiet();
    let parts = bytes.below(20);
    seen.parts.extend((3..).take(parts).map(|number| part(number, &mut bytes)));
    seen.snapshot = Some(snapshot(&mut bytes));
    seen.ticket = bytes.next() == 255;
    let Some(conversation) = super::seen::folded(&[seen], Some("814860")) else { return };
    let mut attempts = Vec::<Attempt>::new();
    for number in 0..bytes.below(5) {
        let more = attempt(100 + number as u64, &conversation, &mut bytes);
        // The database has one of each step and period.
        if !attempts.iter().any(|known| key(known) == key(&more)) {
            attempts.push(more);
        }
    }
    let hold = (bytes.below(5) == 1)
        .then(|| Hold { since: bytes.moment(), until: (bytes.below(2) == 0).then(|| bytes.moment()) });
    let (history, now) = (History { attempts, hold }, bytes.moment());
    check(&conversation, &history, &rules, now);
}

fn rules(which: usize) -> RuleSet {
    thread_local! {
        static SETS: [RuleSet; 3] = RULES.map(|text| config::parse("a.toml", text.as_bytes()).expect("rules").config.rules);
    }
    SETS.with(|sets| sets[which].clone())
}

fn check(conversation: &Conversation, history: &History, rules: &RuleSet, now: Timestamp) {
    let decision = decide(conversation, history, rules, now);
    assert_eq!(decide(conversation, history, rules, now), decision, "the same question has the same answer");
    assert!(!decision.why().to_string().is_empty());
    let _ = (snooze_to_restore(conversation, history, now), snoozed_until(conversation, history, now));
    let _ = explain(conversation, history, rules, now);
    match &decision {
        Decision::Wait { until, .. } => assert!(*until > now || now == Timestamp::MAX, "{decision:?} at {now}"),
        Decision::Act { .. } => check_deed(conversation, history, rules, now, &decision),
        Decision::Leave { .. } => {}
    }
}

/// What is done is due, was not done before, and closes over nobody.
fn check_deed(conversation: &Conversation, history: &History, rules: &RuleSet, now: Timestamp, decision: &Decision) {
    let Decision::Act { rule, step, anchor_at, due_at, action, .. } = decision else { return };
    let rule = rules.rules.iter().find(|known| known.name == *rule).expect("one of the rules");
    let first = rule.steps.first().expect("a rule that acts has steps").after;
    let of_hold = history.hold.and_then(|hold| hold.until);
    assert!(*due_at <= now, "{decision:?} at {now}");
    assert!(*due_at >= rule.later(*anchor_at, first) || of_hold.is_some(), "before its time: {decision:?}");
    let again = |done: &&Attempt| done.rule == rule.name && done.step == *step && done.anchor_at == *anchor_at;
    let done =
        history.attempts.iter().filter(again).find(|attempt| matches!(attempt.phase, Phase::Done | Phase::Discarded));
    assert!(done.is_none(), "a second time: {done:?}");
    if matches!(action, Action::Close { .. }) {
        let reply = conversation.last_contact_reply().map(|(at, _)| at);
        let is_anchor = reply == Some(*anchor_at);
        assert!(reply.is_none_or(|at| at < *anchor_at) || is_anchor, "closed over a reply at {reply:?}: {decision:?}");
    }
}
