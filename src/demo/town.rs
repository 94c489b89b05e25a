//! The people's side of the story: the workspace, who has begun a conversation in it, and the clock.
//!
//! Owns: turning scenes into what people do, and telling what has happened since. Refuses: knowing the daemon.

use std::io::{self, Write};

use anyhow::Context as _;
use jiff::Timestamp;

use super::page::{Page, Tone};
use super::script::{self, What};
use super::teller::{Name, Told};
use crate::clock::ManualClock;
use crate::engine::ConversationId;
use crate::fake_intercom::{Delivered, Endpoint, FakeIntercom, Fault, Workspace};
use crate::store::JournalEntry;

/// Workspace, clock, and what is told of them.
pub(super) struct Town<'a, W> {
    pub(super) page: Page<'a, W>,
    pub(super) clock: ManualClock,
    pub(super) intercom: FakeIntercom,
    pub(super) workspace: Workspace,
    pub(super) cast: Vec<Member>,
}

/// A conversation that has begun.
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) id: ConversationId,
    /// When a step was planned that a reply of the contact has kept from being done.
    pub(super) spared: Option<Timestamp>,
    opening: Option<&'static str>,
    told: Told,
}

impl<'a, W: Write> Town<'a, W> {
    pub(super) async fn at(now: Timestamp, page: Page<'a, W>) -> anyhow::Result<Town<'a, W>> {
        let clock = ManualClock::at(now);
        let workspace = script::workspace();
        let intercom = FakeIntercom::start(clock.clone().into(), workspace.clone()).await?;
        Ok(Town { page, clock, intercom, workspace, cast: Vec::new() })
    }

    /// Somebody does something.
    pub(super) fn act(&mut self, name: &'static str, what: &'static What) -> anyhow::Result<()> {
        if let What::Asks(text) = what {
            let id = self.intercom.contact_starts(text);
            self.cast.push(Member { name, id, spared: None, opening: Some(text), told: Told::default() });
            return Ok(());
        }
        let id = self.member(name)?.id.clone();
        let intercom = &self.intercom;
        let left = match what {
            What::Writes(text) => intercom.contact_replies(&id, text),
            What::Answers(teammate, text) => intercom.by(teammate).teammate_replies(&id, text),
            What::Snoozes(teammate, until) => intercom.by(teammate).teammate_snoozes(&id, moment(until)?),
            What::Tags(teammate, tag) => intercom.by(teammate).tag(&id, tag).then_some(0),
            What::WillWriteDuringTheClose(text) => {
                let during = move |intercom: &FakeIntercom| _ = intercom.contact_replies(&id, text);
                intercom.before_answer(Endpoint::Close, during);
                self.note(&format!("({name} is about to write, at the very moment when the close is on its way)"))?;
                Some(0)
            }
            What::WillLoseTheAnswer => {
                intercom.fault(Endpoint::Close, Fault::ApplyThenDrop);
                self.note("(the next close will be done, but the connection will break before its answer)")?;
                Some(0)
            }
            What::Asks(_) | What::IsForged | What::IsRepeated => Some(0),
        };
        left.map(drop).with_context(|| format!("{name}'s conversation is gone"))
    }

    /// The first notification about a conversation.
    pub(super) fn notification_about(&self, id: &ConversationId) -> anyhow::Result<Delivered> {
        let mut sent = self.intercom.notifications().into_iter();
        let found = sent.find(|one| String::from_utf8_lossy(&one.body).contains(id.as_str()));
        found.with_context(|| format!("nothing was notified about conversation {id}"))
    }

    pub(super) fn member(&self, name: &str) -> anyhow::Result<&Member> {
        let found = self.cast.iter().find(|member| member.name == name);
        found.with_context(|| format!("{name} has not begun a conversation yet"))
    }

    /// Notes when a step was planned that the contact is about to keep from being done.
    pub(super) fn spare(&mut self, name: &str, until: Timestamp) {
        let members = self.cast.iter_mut().filter(|member| member.name == name);
        members.for_each(|member| member.spared = Some(until));
    }

    /// Something that is said beside the story.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        self.page.line(self.clock.now(), "", text, Tone::Aside)
    }

    /// Tells what is new; `true` if anything is.
    pub(super) fn tell(&mut self, journal: &[JournalEntry]) -> io::Result<bool> {
        let now = self.clock.now();
        let workspace = &self.workspace;
        let teammate: Name<'_> = &|id| workspace.admin(id).map_or("somebody".to_owned(), |admin| admin.name.clone());
        let mut told = false;
        for member in &mut self.cast {
            let Some(seen) = self.intercom.conversation(&member.id) else { continue };
            let own: Vec<_> = journal.iter().filter(|entry| entry.conversation == member.id.as_str()).collect();
            let asks = member.opening.take().map(|text| (Tone::Plain, format!("asks: \"{text}\"")));
            let news = member.told.news(&seen, &own, teammate);
            for (index, (tone, words)) in asks.into_iter().chain(news).enumerate() {
                match tone {
                    Tone::Aside if index > 0 => self.page.under(&words)?,
                    _ => self.page.line(now, member.name, &words, tone)?,
                }
                told = true;
            }
        }
        self.page.flush()?;
        Ok(told)
    }
}

/// A moment of the script.
pub(super) fn moment(text: &str) -> anyhow::Result<Timestamp> {
    text.parse().with_context(|| format!("{text} is no moment"))
}
