//! The people of a campaign: some leave silences in which deeds fall due, some write on and on; and the laws of messages,
//! held against what is true in the workspace when calm has returned.

use std::collections::VecDeque;

use autoclosed::clock::Clock;
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Delivered, FakeIntercom, Seen};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::load::Letter;
use crate::harness::{House, hours, seconds};
use crate::simulation::dice::Dice;
use crate::simulation::laws::said_once;
use crate::simulation::truth::{Opening, Who, is_ours, last_of, our_messages, said};

/// What a word may slip in over: the look before a deed is two seconds old at most, and times are whole seconds.
const UNSEEN: SignedDuration = SignedDuration::from_secs(3);

/// How many the sliding hour may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budgets {
    pub(crate) closes: usize,
    pub(crate) messages: usize,
}

/// Rules whose steps are due within seconds, on every kind of conversation; the marks are those of the worlds.
pub(crate) const RULES: &str = r#"
[[rule]]
name = "snoozed"
match.state = ["snoozed", "woken"]
counts_from = ["contact_reply", "teammate_reply"]
step = [
    { after = "1 second", do = "reply", body = "[snoozed] Hello {{ contact.first_name | default('there') }}." },
    { after = "4 seconds", do = "close", body = "[over] Closing this." },
]
[[rule]]
name = "quiet"
match.channel = "email"
step = [{ after = "1 second", do = "close", body = "[quiet] Closing this.", tags = ["auto-closed"], set = { auto_closed_by = "{{ rule }}" } }]
[[rule]]
name = "ladder"
match_all = true
step = [
    { after = "1 second", do = "reply", body = "[first] Hello {{ contact.first_name | default('there') }}." },
    { after = "2 seconds", do = "tag", tags = ["vip"] },
    { after = "3 seconds", do = "reply", body = "[second] Still there?" },
    { after = "5 seconds", do = "close", body = "[ladder] Closing this.", tags = ["auto-closed"] },
]
"#;

/// All of it.
pub(crate) fn configuration(budgets: Budgets) -> String {
    let Budgets { closes, messages } = budgets;
    format!(
        "mode = \"live\"\n[schedule]\nsweep = \"* * * * * *\"\nreconcile = \"*/20 * * * * *\"\n[safety]\nmax_actions_per_sweep = 200\n\
         max_closes_per_hour = {closes}\nmax_messages_per_hour = {messages}\nmax_due_at_once = 100000\ntrip_reopen_rate = 1.0\n\
         unclear_quiet = \"2 seconds\"\n{RULES}"
    )
}

type Talk = (ConversationId, Opening);

/// What a contact says who waits for ever.
const ONCE_MORE: &str = "Are you there?";

/// What was told is told again under other ids, as Intercom tells one event in several topics: everything that is
/// acknowledged counts, and nothing of it changes anything.
#[derive(Debug, Default)]
pub(crate) struct Echoes {
    heard: VecDeque<Value>,
    told: u64,
}

impl Echoes {
    /// So many are remembered.
    const MOST: usize = 50;

    /// Takes note of the last that people said on and on. Of what they said in one second nothing is told again: to whoever
    /// listens that is two stories, and has the conversation read each time.
    pub(crate) fn hear(&mut self, letters: &[Letter]) {
        let bodies = letters.iter().filter_map(|letter| serde_json::from_slice::<Value>(&letter.body).ok());
        for body in bodies.filter(|body| body.to_string().contains(ONCE_MORE)) {
            let of = |body: &Value, key: &str| body["data"]["item"][key].clone();
            let before = self.heard.iter().position(|known| of(known, "id") == of(&body, "id"));
            let before = before.and_then(|at| self.heard.remove(at));
            if before.is_none_or(|before| of(&before, "updated_at") != of(&body, "updated_at")) {
                self.heard.push_back(body);
            }
        }
        let over = self.heard.len().saturating_sub(Self::MOST);
        self.heard.drain(..over);
    }

    /// So many, each with an id that nobody has seen.
    pub(crate) fn again(&mut self, count: usize, dice: &mut Dice) -> Vec<Letter> {
        let count = if self.heard.is_empty() { 0 } else { count };
        let mut letters = Vec::with_capacity(count);
        for _ in 0..count {
            self.told += 1;
            let at = dice.below(self.heard.len());
            let (id, body) = (format!("echo-{}", self.told), &mut self.heard[at]);
            body["id"] = id.as_str().into();
            letters.push(Letter { id, body: serde_json::to_vec(body).unwrap() });
        }
        letters
    }
}

/// Whoever lives there.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) fake: FakeIntercom,
    dice: Dice,
    /// Where deeds fall due; so many at most.
    quiet: Vec<Talk>,
    most: usize,
    /// Where the contact waits for an answer and never gets one.
    chatty: Vec<Talk>,
}

impl Town {
    pub(crate) fn new(fake: &FakeIntercom, mut dice: Dice, most: usize) -> Town {
        // From here on nothing is sent by the fake itself.
        fake.keep_notifications();
        let chatty = (0..100).map(|_| (fake.contact_starts("Hello?"), Opening { at: now(), who: Who::Contact }));
        let chatty = chatty.collect();
        let dice = Dice::of(u64::try_from(dice.between(0, i64::MAX - 1)).unwrap());
        Town { fake: fake.clone(), dice, quiet: Vec::new(), most, chatty }
    }

    /// What is to be told since this was asked last.
    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.fake.keep_notifications().into_iter().map(Letter::from).collect()
    }

    /// A contact writes once more, and waits.
    pub(crate) fn somebody_chats(&mut self) {
        let (id, _) = self.dice.pick(&self.chatty);
        self.fake.contact_replies(id, ONCE_MORE);
    }

    /// One that has nothing to do with any deed; nobody writes in it any more.
    pub(crate) fn somebody_leaves(&mut self) -> ConversationId {
        self.chatty.swap_remove(self.dice.below(self.chatty.len())).0
    }

    /// Where deeds happen.
    pub(crate) fn somewhere(&mut self) -> ConversationId {
        if self.quiet.is_empty() {
            self.somebody_acts();
        }
        self.dice.pick(&self.quiet).0.clone()
    }

    /// A silence begins or ends somewhere.
    pub(crate) fn somebody_acts(&mut self) {
        if self.quiet.is_empty() || (self.quiet.len() < self.most && self.dice.chance(50)) {
            let channel = *self.dice.pick(&["conversation", "conversation", "conversation", "email"]);
            let id = self.fake.contact_starts_on(channel, "How do I export my data?");
            self.fake.teammate_replies(&id, "Under Settings.");
            self.quiet.push((id, Opening { at: now(), who: Who::Contact }));
            return;
        }
        let (id, opening) = self.dice.pick(&self.quiet).clone();
        let Some(seen) = self.fake.conversation(&id) else { return };
        let waits = last_of(&said(opening, &seen), &[Who::Contact, Who::Teammate]).map(|one| one.who);
        let fake = &self.fake;
        match (waits, self.dice.below(10)) {
            (Some(Who::Contact), 0..8) => drop(fake.teammate_replies(&id, "Under Settings.")),
            (_, 0..4) => drop(fake.contact_replies(&id, "One more thing.")),
            (_, 4..6) => drop(fake.teammate_snoozes(&id, now() + hours(24))),
            (_, 6) => drop(fake.teammate_notes(&id, "A note.")),
            (_, 7) => drop(fake.teammate_closes(&id, None)),
            _ => drop(fake.teammate_replies(&id, "Did that help?")),
        }
    }

    fn seen(&self) -> impl Iterator<Item = (&ConversationId, Opening, Seen)> {
        let talks = self.quiet.iter().chain(&self.chatty);
        talks.filter_map(|(id, opening)| Some((id, *opening, self.fake.conversation(id)?)))
    }

    /// Nobody speaks any more, and time passes by hand: every lost answer is looked into, and the rules come to their end.
    pub(crate) async fn falls_silent(&self, house: &mut House, left: Vec<Letter>) -> Result<(), String> {
        house.start().await;
        self.deliver(left).await;
        house.look().await;
        for _ in 0..14 {
            house.clock.advance(seconds(50));
            self.tick(house).await;
        }
        nothing_in_doubt(house).await?;
        for _ in 0..30 {
            house.clock.advance(hours(1) + seconds(1));
            self.tick(house).await;
        }
        house.look().await;
        self.tick(house).await;
        nothing_in_doubt(house).await
    }

    async fn tick(&self, house: &House) {
        self.deliver(self.letters()).await;
        // Intercom's time is known from its last answer: the second one knows how much has passed.
        for _ in 0..2 {
            house.sweep().await;
        }
    }

    async fn deliver(&self, letters: Vec<Letter>) {
        for Letter { id, body } in letters {
            self.fake.resend(&Delivered { id, topic: String::new(), status: None, body });
        }
        self.fake.settle().await;
    }

    /// Every law of messages, once all is silent. Tells how many closes and messages there were.
    pub(crate) async fn judged(&self, house: &House, budgets: Budgets) -> Result<(u64, u64), String> {
        let (mut closes, mut messages) = (Vec::new(), Vec::new());
        let written = super::kills::column(&house.database(), "SELECT deeds FROM attempt").await.join(" ");
        for (id, opening, seen) in self.seen() {
            let of = |how: String| format!("conversation {id}: {how}");
            said_once(opening, &seen).map_or(Ok(()), |how| Err(of(how)))?;
            closed_over(opening, &seen).map_or(Ok(()), |how| Err(of(how)))?;
            for (part, text) in our_messages(&seen) {
                if !written.contains(&format!("\"{}\"", part.id)) {
                    return Err(of(format!("no attempt knows of `{text}`, part {}", part.id)));
                }
                messages.push(part.at);
            }
            let ours = seen.parts.iter().filter(|part| part.kind == "close" && is_ours(part));
            closes.extend(ours.map(|part| part.at));
        }
        for (id, opening) in &self.quiet {
            stands_open(house, id, *opening, &self.fake).await?;
        }
        let (most_closes, most_messages) = (of_an_hour(&mut closes), of_an_hour(&mut messages));
        if most_closes > budgets.closes || most_messages > budgets.messages {
            return Err(format!(
                "{most_closes} closes or {most_messages} messages in an hour: more than {budgets:?} allow"
            ));
        }
        Ok((closes.len().try_into().unwrap(), messages.len().try_into().unwrap()))
    }
}

/// The program that is tried lives in the machine's time.
pub(crate) fn now() -> Timestamp {
    Clock::System.now()
}

/// Closed over a contact's word that a look must have shown, or that nobody has taken back.
fn closed_over(opening: Opening, seen: &Seen) -> Option<String> {
    let words = said(opening, seen);
    let last = seen.parts.iter().rev().find(|part| part.kind == "close").map_or(0, |part| part.id);
    seen.parts.iter().filter(|part| part.kind == "close" && is_ours(part)).find_map(|close| {
        let before =
            words.iter().filter(|one| one.part < close.id && one.who != Who::Bot).max_by_key(|one| one.part)?;
        let waited = SignedDuration::from_secs(close.at.as_second() - before.second);
        let stands = seen.state == "closed" && close.id == last;
        let wrong = before.who == Who::Contact && (stands || waited > UNSEEN);
        wrong.then(|| format!("part {} closes over the contact's part {}, {waited:?} old", close.id, before.part))
    })
}

/// Where a teammate had the last word and nothing forbids it, the rules have closed it.
async fn stands_open(house: &House, id: &ConversationId, opening: Opening, fake: &FakeIntercom) -> Result<(), String> {
    let Some(seen) = fake.conversation(id).filter(|seen| seen.state != "closed") else { return Ok(()) };
    let words = said(opening, &seen);
    let last = last_of(&words, &[Who::Contact, Who::Teammate]).filter(|last| last.who == Who::Teammate);
    let contact = last_of(&words, &[Who::Contact]).map_or(0, |said| said.part);
    let closes = seen.parts.iter().filter(|part| part.kind == "close" && is_ours(part) && part.id > contact).count();
    let journal = house.journal(id).await;
    // Whoever refuses is nobody here: a deed that failed has to be told.
    if last.is_some() && closes == 0 {
        let known = house.known(id).await.map(|known| known.state());
        return Err(format!("conversation {id} is {} for ever, known as {known:?}: {journal:#?}", seen.state));
    }
    Ok(())
}

async fn nothing_in_doubt(house: &House) -> Result<(), String> {
    let doubt = "SELECT conversation_id || ' ' || rule || ' ' || step || ' ' || phase || ' ' || coalesce(follow_up, '') || ': ' || why
        FROM attempt WHERE phase IN ('unclear', 'failed', 'parked') OR follow_up IS NOT NULL OR outcome = 'claimed'";
    let doubt = super::kills::column(&house.database(), doubt).await;
    if doubt.is_empty() { Ok(()) } else { Err(format!("ten minutes after the last kill this has no end: {doubt:#?}")) }
}

/// How many the fullest hour holds. Intercom's clock shows whole seconds: two of them are forgiven.
fn of_an_hour(times: &mut [Timestamp]) -> usize {
    times.sort_unstable();
    let within = |from: &Timestamp, to: &Timestamp| to.duration_since(*from) < SignedDuration::from_secs(3_598);
    let (mut first, mut most) = (0, 0);
    for (index, at) in times.iter().enumerate() {
        while !within(&times[first], at) {
            first += 1;
        }
        most = most.max(index + 1 - first);
    }
    most
}

#[test]
fn an_hour_holds_what_is_less_than_an_hour_apart() {
    let at = |second| Timestamp::from_second(second).unwrap();
    assert_eq!(of_an_hour(&mut [at(7000), at(0), at(10), at(3599), at(3600)]), 3);
}
