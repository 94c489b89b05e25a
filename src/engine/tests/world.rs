//! A model of Intercom and of the sweep, small enough to be right: what a story says happens, time passes from one
//! `due_at` to the next, and what `decide` says is done as the sweep does it.

mod deeds;
mod workspace;

use jiff::Timestamp;

use super::story::{Does, Event, Line, lines, short, told};
use super::*;
pub(super) use deeds::{attempt, sent, step};
use workspace::Workspace;

/// Stories run on for that long after their last line.
const AFTERWARDS: i64 = 40 * 86_400;

/// How a line begins that tells a decision.
const DECIDED: &str = "    ";

/// What Intercom holds, what the daemon knows of it, and what has been told so far.
pub(super) struct World {
    intercom: Workspace,
    rules: RuleSet,
    /// What the operator will change the rules to.
    next_rules: Vec<RuleSet>,
    restoring_works: bool,
    down_until: Timestamp,
    budget_spent_until: Timestamp,
    /// So many calls are refused from now on, and so many were in a row.
    refusals: u32,
    refused: usize,
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
    story_of(vec![rules(rules_text)], text)
}

/// The same, with rules in the language of [`book`](super::book::book).
pub(super) fn tale(book: &str, text: &str) -> String {
    story_of(vec![super::book::book(book)], text)
}

/// The same, with the rules that hold first and what the operator changes them to, one after the other.
pub(super) fn story_of(rule_sets: Vec<RuleSet>, text: &str) -> String {
    let mut world = World::new(rule_sets);
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
    fn new(mut rule_sets: Vec<RuleSet>) -> World {
        World {
            intercom: Workspace::new(),
            rules: rule_sets.remove(0),
            next_rules: rule_sets,
            restoring_works: true,
            down_until: at(0),
            budget_spent_until: at(0),
            refusals: 0,
            refused: 0,
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
        self.intercom.wake(line.at);
        self.say(line.at, line.text);
        self.now = line.at;
        if self.happens_to_the_daemon(line.event) {
            return;
        }
        self.intercom.updated_at = line.at;
        self.happens_in_intercom(line);
        match line.event {
            Event::Look => self.fetch(line.at),
            Event::RulesChange => {}
            _ if line.untold => {}
            _ => self.notify(line.at),
        }
        if matches!(self.decide(line.at).why(), Why::NotRead) && !self.known.whole {
            self.fetch(line.at);
        }
        let decision = self.decide(line.at);
        self.say_decision(&decision);
    }

    /// What no webhook could tell.
    fn happens_to_the_daemon(&mut self, event: Event<'_>) -> bool {
        match event {
            Event::TimerSticks => self.intercom.timer_works = false,
            Event::RestoringFails => self.restoring_works = false,
            Event::DaemonDown(until) => self.down_until = until,
            Event::BudgetSpent(until) => self.budget_spent_until = until,
            Event::Refuses(times) => self.refusals = times,
            _ => return false,
        }
        true
    }

    fn happens_in_intercom(&mut self, line: &Line<'_>) {
        let intercom = &mut self.intercom;
        let mut somebody = |does: Does<'_>, actor, admin_id: Option<&str>| {
            intercom.somebody(line.at, does, actor, admin_id.map(str::to_owned));
        };
        match line.event {
            Event::Contact(does) => somebody(does, Actor::Contact, None),
            Event::Teammate(does) => somebody(does, Actor::Teammate, Some("7")),
            Event::Sharer(does) => somebody(does, Actor::Teammate, Some(ADMIN)),
            Event::Bot(does) => somebody(does, Actor::Bot, None),
            Event::Tagged(tag) => drop(intercom.tags.insert(tag.to_owned())),
            Event::Untagged(tag) => drop(intercom.tags.remove(tag)),
            Event::Channel(channel) => channel.clone_into(&mut intercom.channel),
            Event::Priority(priority) => priority.clone_into(&mut intercom.priority),
            Event::Attribute(name, text) => {
                let value = text.map(|text| AttributeValue::Text(text.to_owned()));
                intercom.attributes.insert(name.to_owned(), value);
            }
            Event::BecomesTicket => intercom.ticket = true,
            Event::TimerRings => intercom.ring(line.at),
            Event::RulesChange => self.rules = self.next_rules.remove(0),
            _ => {}
        }
    }

    /// Reads the conversation.
    fn fetch(&mut self, now: Timestamp) {
        self.intercom.wake(now);
        let contact = self.intercom.parts.iter().filter(|part| part.classes.contains(&Class::ContactReply));
        self.see(&Sighting {
            snapshot: Some(self.intercom.snapshot(now, String::new())),
            last_contact_reply_at: contact.map(|part| part.at).max(),
            parts: self.intercom.parts.clone(),
            channel: Some(self.intercom.channel.clone()),
            ticket: self.intercom.ticket,
            whole: true,
            ..Sighting::of(id())
        });
    }

    /// A webhook with the newest part. Where it tells another story of the same second, asking settles it.
    fn notify(&mut self, now: Timestamp) {
        self.webhooks += 1;
        let seen = Sighting {
            snapshot: Some(self.intercom.snapshot(now, format!("n{:06}", self.webhooks))),
            parts: self.intercom.parts.last().cloned().into_iter().collect(),
            ticket: self.intercom.ticket,
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
                self.due_at = None;
                self.act(now, attempt(rule, step, anchor_at, due_at), &action);
                if self.due_at.is_some() {
                    continue;
                }
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
}
