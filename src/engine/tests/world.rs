//! A model of Intercom and of the sweep, small enough to be right: what a story says happens, time passes from one
//! `due_at` to the next, and what `decide` says is done as the sweep does it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::story::{Does, Event, Line, lines, short, told};
use super::*;
use crate::engine::conversation::{Tag, Version};
use crate::engine::rule::{self, RuleName, StepId, StepKind};

/// Stories run on for that long after their last line.
const AFTERWARDS: i64 = 40 * 86_400;

/// How a line begins that tells a decision.
const DECIDED: &str = "    ";

/// What Intercom holds, what the daemon knows of it, and what has been told so far.
pub(super) struct World {
    rules: RuleSet,
    parts: Vec<Part>,
    state: State,
    tags: BTreeSet<String>,
    channel: String,
    updated_at: Timestamp,
    timer_works: bool,
    restoring_works: bool,
    down_until: Timestamp,
    webhooks: u64,
    known: Conversation,
    pub(super) history: History,
    now: Timestamp,
    due_at: Option<Timestamp>,
    log: Vec<String>,
    last: String,
}

/// What came of a story, line by line.
pub(super) fn story(rules_text: &str, text: &str) -> String {
    let mut world = World::new(rules(rules_text));
    let lines = lines(text);
    for line in &lines {
        world.pass(line.at);
        world.happen(line);
    }
    let end = lines.last().unwrap().at.as_second() + AFTERWARDS;
    world.pass(Timestamp::from_second(end).unwrap());
    world.log.join("\n")
}

impl World {
    fn new(rules: RuleSet) -> World {
        World {
            rules,
            parts: Vec::new(),
            state: State::Open,
            tags: BTreeSet::new(),
            channel: "conversation".to_owned(),
            updated_at: at(0),
            timer_works: true,
            restoring_works: true,
            down_until: at(0),
            webhooks: 0,
            known: Conversation::unread(id()),
            history: History::default(),
            now: at(0),
            due_at: None,
            log: Vec::new(),
            last: String::new(),
        }
    }

    fn say(&mut self, at: Timestamp, text: &str) {
        self.log.push(format!("{}  {}", short(at), told(text)));
    }

    /// Keeps what a decision is due at, and says it if it differs from the last one.
    fn say_decision(&mut self, decision: &Decision) {
        self.due_at = decision.due_at();
        let brief = told(&brief(decision));
        if self.last != brief {
            self.log.push(format!("{DECIDED}{brief}"));
            self.last = brief;
        }
    }

    fn decide(&self, now: Timestamp) -> Decision {
        decide(&self.known, &self.history, &self.rules, now)
    }

    fn happen(&mut self, line: &Line<'_>) {
        self.wake(line.at);
        self.say(line.at, line.text);
        let shared = Some(ADMIN.to_owned());
        match line.event {
            Event::Contact(does) => self.somebody(line.at, does, Actor::Contact, None),
            Event::Teammate(does) => self.somebody(line.at, does, Actor::Teammate, Some("7".to_owned())),
            Event::Sharer(does) => self.somebody(line.at, does, Actor::Teammate, shared),
            Event::Bot(does) => self.somebody(line.at, does, Actor::Bot, None),
            Event::Tagged(tag) => drop(self.tags.insert(tag.to_owned())),
            Event::Untagged(tag) => drop(self.tags.remove(tag)),
            Event::Channel(channel) => channel.clone_into(&mut self.channel),
            Event::TimerSticks => self.timer_works = false,
            Event::TimerRings => self.ring(line.at),
            Event::RestoringFails => self.restoring_works = false,
            Event::DaemonDown(until) => self.down_until = until,
            Event::Look => {}
        }
        self.now = line.at;
        let of_daemon = matches!(line.event, Event::DaemonDown(_) | Event::RestoringFails | Event::TimerSticks);
        if of_daemon {
            return;
        }
        self.updated_at = line.at;
        if line.event == Event::Look {
            self.fetch(line.at);
        } else if !line.untold {
            self.notify(line.at);
        }
        if matches!(self.decide(line.at).why(), Why::NotRead) && !self.known.whole {
            self.fetch(line.at);
        }
        let decision = self.decide(line.at);
        self.say_decision(&decision);
    }

    fn somebody(&mut self, at: Timestamp, does: Does, actor: Actor, admin_id: Option<String>) {
        let spoken = match actor {
            Actor::Contact => Class::ContactReply,
            Actor::Bot => Class::BotReply,
            _ => Class::TeammateReply,
        };
        let class = match does {
            Does::Writes => spoken,
            Does::Opens => Class::Opened,
            Does::Closes => Class::Closed,
            Does::Notes => Class::Note,
            Does::Snoozes(_) => Class::Snoozed,
            Does::Unsnoozes => Class::Unsnoozed,
            Does::Assigns => Class::Assigned,
        };
        let mut classes = BTreeSet::from([class]);
        if class == Class::ContactReply && self.state != State::Open && !self.parts.is_empty() {
            classes.insert(Class::Opened);
        }
        if classes.contains(&Class::Opened) || does == Does::Unsnoozes {
            self.state = State::Open;
        }
        match does {
            Does::Snoozes(until) => self.state = State::Snoozed { until: Some(until) },
            Does::Closes => self.state = State::Closed,
            _ => {}
        }
        let digest = admin_id.is_some().then(|| "words of a person".to_owned());
        self.put(at, actor, admin_id, classes, digest);
    }

    fn put(
        &mut self,
        at: Timestamp,
        actor: Actor,
        admin_id: Option<String>,
        classes: BTreeSet<Class>,
        digest: Option<String>,
    ) -> Deed {
        let number = 100 + u64::try_from(self.parts.len()).unwrap();
        let part = Part { id: Some(PartId::Part(number)), at, actor, admin_id, classes, digest };
        self.updated_at = at;
        self.parts.push(part.clone());
        Deed { at, part: part.id }
    }

    /// Intercom ends a snooze; no webhook tells.
    fn wake(&mut self, now: Timestamp) {
        if let State::Snoozed { until: Some(until) } = self.state
            && self.timer_works
            && until <= now
        {
            self.ring(Timestamp::from_second(until.as_second() + 3).unwrap().min(now));
        }
    }

    fn ring(&mut self, at: Timestamp) {
        self.state = State::Open;
        self.put(at, Actor::Timer, None, BTreeSet::from([Class::Unsnoozed]), None);
    }

    fn snapshot(&self, now: Timestamp, notification_id: String) -> Snapshot {
        let tag = |name: &String| Tag { id: name.clone(), name: name.clone() };
        let facts =
            Facts { state: Some(self.state), tags: Some(self.tags.iter().map(tag).collect()), ..Facts::default() };
        let fetched = notification_id.is_empty();
        let version = Version { updated_at: self.updated_at, fetched, created_at: now, notification_id };
        Snapshot { version, facts }
    }

    /// Reads the conversation.
    fn fetch(&mut self, now: Timestamp) {
        self.wake(now);
        let contact = self.parts.iter().filter(|part| part.classes.contains(&Class::ContactReply));
        self.see(&Sighting {
            snapshot: Some(self.snapshot(now, String::new())),
            last_contact_reply_at: contact.map(|part| part.at).max(),
            parts: self.parts.clone(),
            channel: Some(self.channel.clone()),
            whole: true,
            ..Sighting::of(id())
        });
    }

    /// A webhook with the newest part. Where it tells another story of the same second, asking settles it.
    fn notify(&mut self, now: Timestamp) {
        self.webhooks += 1;
        let seen = Sighting {
            snapshot: Some(self.snapshot(now, format!("n{:06}", self.webhooks))),
            parts: self.parts.last().cloned().into_iter().collect(),
            ..Sighting::of(id())
        };
        let disagrees = self.known.disagrees_with(&seen);
        self.see(&seen);
        if disagrees {
            self.fetch(Timestamp::from_second(now.as_second() + 2).unwrap());
        }
    }

    fn see(&mut self, seen: &Sighting) {
        let known = std::mem::replace(&mut self.known, Conversation::unread(id()));
        self.known = known.after(seen, Some(ADMIN));
    }

    /// Lets time pass: whenever something is due it is read, decided on again, and done.
    fn pass(&mut self, end: Timestamp) {
        let mut looks = 0;
        while let Some(due) = self.due_at {
            let now = due.max(self.down_until).max(self.now);
            if now >= end {
                return;
            }
            self.now = now;
            looks += 1;
            assert!(looks < 2_000, "it never comes to rest: {}", self.log.join("\n"));
            self.fetch(now);
            let decision = self.decide(now);
            if let Decision::Act { rule, step, anchor_at, due_at, action, why } = decision {
                self.last.clear();
                self.say(now, &format!("** {} by `{step}` of `{rule}`: {why}", does(&action)));
                self.act(now, attempt(rule, step, anchor_at, due_at), &action);
            }
            let decision = self.decide(now);
            assert!(decision.due_at().is_none_or(|due| due > now), "twice in one instant: {}", brief(&decision));
            self.say_after(now, &decision);
        }
    }

    fn say_after(&mut self, now: Timestamp, decision: &Decision) {
        if told(&brief(decision)) != self.last && self.log.last().unwrap().starts_with(DECIDED) {
            self.say(now, "(read again)");
        }
        self.say_decision(decision);
    }

    fn act(&mut self, now: Timestamp, mut attempt: Attempt, action: &Action) {
        let (class, body) = match action {
            Action::PassOver { .. } => {
                attempt.phase = Phase::Passed;
                return self.record(attempt);
            }
            Action::Reply { body, .. } => (Class::TeammateReply, Some(body)),
            Action::Close { body, .. } => (Class::Closed, body.as_ref()),
            other => unreachable!("{other:?}"),
        };
        let admin = Some(ADMIN.to_owned());
        if let State::Snoozed { until } = self.state {
            attempt.snoozed_until = until;
            self.put(now, Actor::Teammate, admin.clone(), BTreeSet::from([Class::Unsnoozed]), None);
        }
        self.state = if class == Class::Closed { State::Closed } else { State::Open };
        let mut classes = BTreeSet::from([class]);
        classes.extend(body.map(|_| Class::TeammateReply));
        let text = body.map(|body| format!("keyed {body}"));
        let deed = self.put(now, Actor::Teammate, admin, classes, text.clone());
        (attempt.phase, attempt.sent_at, attempt.done_at) = (Phase::Done, Some(now), Some(now));
        (attempt.template, attempt.text) = (body.map(|body| rule::digest(body)), text);
        attempt.deeds.push(deed);
        self.record(attempt);
        self.notify(now);
        if class == Class::TeammateReply {
            self.restore(now);
        }
    }

    fn record(&mut self, attempt: Attempt) {
        let same = |known: &Attempt| {
            (&known.rule, known.step, known.anchor_at) == (&attempt.rule, attempt.step, attempt.anchor_at)
        };
        assert!(!self.history.attempts.iter().any(same), "one attempt per period and step");
        self.history.attempts.push(attempt);
    }

    /// Some seconds after a message, what it woke is snoozed again.
    fn restore(&mut self, now: Timestamp) {
        let now = Timestamp::from_second(now.as_second() + 20).unwrap();
        self.fetch(now);
        let Ok(until) = snooze_to_restore(&self.known, &self.history, now) else { return };
        if !self.restoring_works {
            return self.say(now, "restoring the snooze is refused");
        }
        self.say(now, &format!("snoozed again until {}", why::at(until)));
        self.state = State::Snoozed { until: Some(until) };
        let snoozed = BTreeSet::from([Class::Snoozed]);
        let deed = self.put(now, Actor::Teammate, Some(ADMIN.to_owned()), snoozed, None);
        self.history.attempts.last_mut().unwrap().deeds.push(deed);
        self.fetch(now);
    }
}

/// A claim on which nothing was done yet.
pub(super) fn attempt(rule: RuleName, step: StepId, anchor_at: Timestamp, due_at: Timestamp) -> Attempt {
    Attempt {
        rule,
        step,
        anchor_at,
        due_at,
        phase: Phase::Open,
        sent_at: None,
        done_at: None,
        deeds: Vec::new(),
        template: None,
        text: None,
        snoozed_until: None,
        changes: Vec::new(),
    }
}

/// The step of that name.
pub(super) fn step(name: &str) -> StepId {
    name.parse().unwrap()
}

/// A message of `rule` that was sent and done at `at`, counted from `anchor_at`.
pub(super) fn sent(rule: &str, name: &str, anchor_at: Timestamp, at: Timestamp, template: &str) -> Attempt {
    let kind_is_close = step(name).kind == StepKind::Close;
    let deed = Deed { at, part: Some(PartId::Part(if kind_is_close { 9_001 } else { 9_000 })) };
    Attempt {
        phase: Phase::Done,
        sent_at: Some(at),
        done_at: Some(at),
        deeds: vec![deed],
        template: Some(rule::digest(template)),
        ..attempt(rule.into(), step(name), anchor_at, at)
    }
}
