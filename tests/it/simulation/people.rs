//! What people do, what operators say, what the post brings, and what goes wrong: one thing at a time, by dice.

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, Fault, RateReset};
use autoclosed::store::Met;
use jiff::SignedDuration;

use super::truth::{Opening, Who};
use super::world::{Broken, World};
use crate::harness::{hours, minutes, seconds};

#[derive(Debug, Clone, Copy)]
enum Act {
    Asks,
    Answers,
    Replies,
    Snoozes,
    Closes,
    Opens,
    Notes,
    Bot,
    Holds,
    Frees,
    Vip,
    NoVip,
    Assigns,
    Team,
    Rates,
    Ticket,
    Merges,
    Deletes,
}

const ACTS: [(usize, Act); 18] = [
    (8, Act::Asks),
    (26, Act::Answers),
    (14, Act::Replies),
    (12, Act::Snoozes),
    (4, Act::Closes),
    (4, Act::Opens),
    (4, Act::Notes),
    (6, Act::Bot),
    (3, Act::Holds),
    (4, Act::Frees),
    (3, Act::Vip),
    (3, Act::NoVip),
    (3, Act::Assigns),
    (2, Act::Team),
    (2, Act::Rates),
    (1, Act::Ticket),
    (1, Act::Merges),
    (1, Act::Deletes),
];

const FAULTY: [(usize, Endpoint); 10] = [
    (6, Endpoint::Close),
    (6, Endpoint::Reply),
    (2, Endpoint::Note),
    (2, Endpoint::Snooze),
    (2, Endpoint::Assign),
    (2, Endpoint::Open),
    (1, Endpoint::Tag),
    (1, Endpoint::Update),
    (3, Endpoint::Conversation),
    (1, Endpoint::Any),
];

const FORBIDDEN: &str = r#"{"type":"error.list","errors":[{"code":"forbidden","message":"m"}]}"#;
const UNAUTHORIZED: &str = r#"{"type":"error.list","errors":[{"code":"unauthorized","message":"m"}]}"#;

fn refusal(status: u16, body: &str) -> Fault {
    Fault::Status { status, body: body.to_owned() }
}

impl World {
    /// Contacts, teammates and a bot: one of them does something, somewhere.
    pub(crate) fn somebody_acts(&mut self) {
        // Three of ten deeds fall into the second of the one before.
        if !self.dice.chance(30) {
            let time = self.dice.between(1, 3);
            self.clock.advance(SignedDuration::from_millis(time * 700));
        }
        let act = *self.dice.weighed(&ACTS);
        if matches!(act, Act::Asks) || self.talks.is_empty() {
            if self.talks.len() < 12 {
                self.somebody_asks();
            }
            return;
        }
        let id = self.talks[self.dice.below(self.talks.len())].0.clone();
        self.tell(format!("{act:?} in {id}"));
        self.acts(act, &id);
        self.collect_mail();
    }

    pub(crate) fn somebody_asks(&mut self) {
        let channel = *self.dice.weighed(&[(6, "conversation"), (2, "email"), (1, "sms")]);
        let id = self.fake.contact_starts_on(channel, "How do I export my data?");
        self.tell(format!("a contact starts {id} by {channel}"));
        self.talks.push((id, Opening { at: self.clock.now(), who: Who::Contact }));
        self.collect_mail();
    }

    fn acts(&mut self, act: Act, id: &ConversationId) {
        let teammate = self.fake.by(if self.dice.chance(50) { "1001" } else { "1002" });
        let fake = &self.fake;
        match act {
            Act::Asks => {}
            Act::Answers => {
                teammate.teammate_replies(id, "Under Settings.");
            }
            Act::Replies => {
                fake.contact_replies(id, "One more thing.");
            }
            Act::Snoozes => {
                let time = *self.dice.pick(&[hours(1), hours(30), hours(5), hours(100), hours(240), minutes(2)]);
                teammate.teammate_snoozes(id, self.clock.now() + time);
            }
            Act::Closes => {
                teammate.teammate_closes(id, self.dice.chance(50).then_some("Bye."));
            }
            Act::Opens => {
                teammate.teammate_opens(id);
            }
            Act::Notes => {
                teammate.teammate_notes(id, "A difficult one.");
            }
            Act::Bot => {
                fake.bot_replies(id, "Have you seen our help pages?");
            }
            Act::Holds => {
                fake.tag(id, "autoclose-hold");
            }
            Act::Frees => {
                fake.untag(id, "autoclose-hold");
            }
            Act::Vip => {
                fake.tag(id, "vip");
            }
            Act::NoVip => {
                fake.untag(id, "vip");
            }
            Act::Assigns => {
                teammate.teammate_assigns(id, self.dice.chance(50).then_some("1002"), None);
            }
            Act::Team => {
                teammate.teammate_assigns_team(id, self.dice.chance(50).then_some("2002"));
            }
            Act::Rates => {
                fake.rate(id, 3);
            }
            Act::Ticket => {
                if fake.becomes_ticket(id) {
                    self.tickets.insert(id.clone());
                }
            }
            Act::Merges => {
                let other = self.talks[0].0.clone();
                if other != *id {
                    self.fake.merge(id, &other);
                }
            }
            Act::Deletes => {
                fake.delete(id);
                self.talks.retain(|(known, _)| known != id);
            }
        }
    }

    /// What happened is notified: never, at once, late, or two times.
    pub(crate) fn collect_mail(&mut self) {
        for letter in self.fake.keep_notifications() {
            if self.dice.chance(self.lost_mail) {
                continue;
            }
            let late = *self.dice.weighed(&[(7, 0), (2, 120), (1, 20_000)]);
            let late = if late == 0 { 0 } else { self.dice.between(1, late) };
            let due = self.clock.now() + seconds(late);
            if self.dice.chance(20) {
                self.mail.push((due + seconds(self.dice.between(0, 90)), letter.clone()));
            }
            let place = self.dice.below(self.mail.len() + 1);
            self.mail.insert(place, (due, letter));
        }
    }

    /// Brings what is to arrive by now, in no order.
    pub(crate) async fn bring_mail(&mut self) {
        self.collect_mail();
        let now = self.clock.now();
        let (due, later): (Vec<_>, Vec<_>) = self.mail.drain(..).partition(|(at, _)| *at <= now);
        self.mail = later;
        if self.daemon.is_none() {
            return;
        }
        for (_, letter) in due {
            self.fake.resend(&letter);
        }
        self.fake.settle().await;
    }

    /// Brings what is on its way, however late it would be.
    pub(crate) async fn bring_all_mail(&mut self) {
        self.collect_mail();
        let now = self.clock.now();
        self.mail.iter_mut().for_each(|(due, _)| *due = now);
        self.bring_mail().await;
    }

    /// A call that is still to come will go wrong.
    pub(crate) fn something_breaks(&mut self) {
        let on = *self.dice.weighed(&FAULTY);
        let faults = [
            (4, Fault::ApplyThenDrop),
            (3, Fault::Drop),
            (2, Fault::ApplyThenStatus(500)),
            (2, Fault::Html502),
            (1, Fault::Garbage200),
            (1, Fault::Truncated),
            (1, Fault::WrongId),
            (1, Fault::WrongState),
            (2, Fault::HideContactTime),
            (2, Fault::RateLimited { reset: RateReset::InSeconds(7) }),
            (1, Fault::RateLimited { reset: RateReset::Missing }),
            (1, refusal(403, FORBIDDEN)),
            (1, refusal(401, UNAUTHORIZED)),
            (1, refusal(404, "{}")),
        ];
        let mut fault = self.dice.weighed(&faults);
        // A look that is told a lie cannot know it: what it believes stands until the conversation changes.
        let lies = matches!(fault, Fault::Status { status: 404, .. } | Fault::WrongState);
        if lies && matches!(on, Endpoint::Any | Endpoint::Conversation) {
            fault = &Fault::Drop;
        }
        self.tell(format!("{fault:?} waits for {on:?}"));
        self.fake.fault(on, fault.clone());
    }

    /// An operator's word.
    pub(crate) async fn operator_speaks(&mut self) -> Result<(), Broken> {
        let now = self.clock.now();
        let Some(daemon) = &self.daemon else { return Ok(()) };
        let store = daemon.store().clone();
        let app_id = autoclosed::fake_intercom::Workspace::default().app_id;
        let one = (!self.talks.is_empty()).then(|| self.talks[self.dice.below(self.talks.len())].0.clone());
        match (self.dice.below(6), one) {
            (0, Some(id)) => {
                let met = store.hold(&app_id, &id, None, now).await.unwrap();
                // What the daemon has never heard of, nobody can hold.
                if met != Met::Unknown {
                    self.held.insert(id);
                }
            }
            (1 | 2, Some(id)) => {
                store.release(&app_id, &id, now).await.unwrap();
                self.held.remove(&id);
            }
            (3, _) => {
                store.pause(None, now).await.unwrap();
                self.paused = true;
            }
            (4, _) => self.resume().await,
            _ => {
                self.again = !self.again;
                self.reload().await?;
            }
        }
        self.tell(format!("operator: held {:?}, paused {}, renamed {}", self.held, self.paused, self.again));
        Ok(())
    }

    /// An operator lets everything go on.
    pub(crate) async fn resume(&mut self) {
        let Some(daemon) = &self.daemon else { return };
        daemon.store().resume(None, self.clock.now()).await.unwrap();
        self.paused = false;
    }

    /// The daemon's wall clock goes wrong, or right.
    pub(crate) fn clock_is_moved(&mut self) {
        let wrong = *self.dice.pick(&[
            SignedDuration::ZERO,
            SignedDuration::ZERO,
            hours(1),
            hours(-1),
            hours(24),
            hours(-24),
            seconds(200),
            seconds(-200),
            hours(24 * 365 * 74),
            hours(-24 * 365 * 56),
        ]);
        self.wrong_by = wrong;
        self.wall.set_wrong_by(wrong);
        self.tell(format!("the daemon's clock is wrong by {wrong:?}"));
    }
}
