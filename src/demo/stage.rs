//! The week as it passes: the daemon beside the people, on one clock.
//!
//! Owns: the order of a step. People act, their notifications arrive, the daemon sweeps, and what came of it is told.

use std::io::Write;
use std::iter::Peekable;
use std::slice;
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use url::Url;

use super::folder::Folder;
use super::page::{Page, Tone, clock};
use super::script::{ENDS, SCENES, STARTS, Scene, What};
use super::town::{Town, moment};
use crate::clock::Clock;
use crate::config::{self, Config, Secrets};
use crate::daemon::{Daemon, Sweeping};
use crate::engine::{ConversationId, Decision};
use crate::rulebook::{Edition, Rulebook};
use crate::store::{Context, JournalEntry, KeepBodies};

const CLIENT_SECRET: &str = "client-secret-of-the-demo";
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// After something has happened the daemon is woken again so soon; in daily use that is every ten seconds.
const SOON: SignedDuration = SignedDuration::from_mins(1);

const OPENING: &str = "\
The daemon runs as it would for you, in live mode, against an Intercom that lives inside this process: real HTTP, \
real signatures, a real database, and a clock that runs fast. Nothing leaves this machine.";

const RULES: [(&str, &str); 3] = [
    ("remind-first", "tagged so, the contact silent: reminded after 5 days, closed after 7"),
    ("snoozed-a-week", "snoozed, or just woken, and nobody has spoken for 7 days: closed"),
    ("answered-3-days", "open, answered, and the contact silent for 3 days: closed"),
];

/// The daemon among the people.
pub(super) struct Stage<'a, W> {
    pub(super) town: Town<'a, W>,
    pub(super) daemon: Daemon,
    pub(super) sweeps: usize,
    config: Config,
    webhook: String,
    scenes: Peekable<slice::Iter<'static, Scene>>,
    _folder: Folder,
}

impl<'a, W: Write> Stage<'a, W> {
    /// Tells what this is and what happened before, and starts the daemon.
    pub(super) async fn set(out: &'a mut W) -> anyhow::Result<Stage<'a, W>> {
        let folder = temporary_folder()?;
        let mut page = Page::new(out);
        introduce(&mut page)?;
        let mut scenes = SCENES.iter().peekable();
        let mut town = Town::at(moment(SCENES[0].at)?, page).await?;
        let starts = moment(STARTS)?;
        while let Some(scene) = scenes.next_if(|scene| moment(scene.at).is_ok_and(|at| at < starts)) {
            town.clock.set(moment(scene.at)?);
            town.act(scene.name, &scene.what)?;
            town.tell(&[])?;
        }
        town.clock.set(starts);
        let mut config = config::parse("demo.toml", include_bytes!("demo.toml"))?.config;
        config.intercom.base_url = Url::parse(&town.intercom.url())?;
        config.database.path = folder.path().join("autoclosed.db");
        let secrets = Secrets {
            access_token: SecretString::from(town.workspace.token.clone()),
            client_secrets: vec![SecretString::from(CLIENT_SECRET)],
        };
        let daemon = Daemon::start(&config, &secrets, Clock::from(town.clock.clone())).await?;
        let webhook = format!("http://{}{}", daemon.public_address(), config.server.webhook_path);
        town.intercom.send_notifications_to(&webhook, CLIENT_SECRET);
        Ok(Stage { town, daemon, sweeps: 0, config, webhook, scenes, _folder: folder })
    }

    /// The week. `pause` is real time between two simulated hours.
    pub(super) async fn play(&mut self, pause: Duration) -> anyhow::Result<()> {
        let ends = moment(ENDS)?;
        self.first_look().await?;
        let mut eventful = false;
        while self.town.clock.now() < ends {
            let next = self.next_moment(eventful)?;
            eventful = self.step(next).await?;
            rest(if eventful { pause * 3 } else { pause }).await;
        }
        // Health is asked about at the end, and wants a look that is not old.
        self.daemon.reconcile().await.map_err(anyhow::Error::msg)?;
        self.finish().await
    }

    /// Stops the daemon; the database goes with the folder.
    pub(super) async fn strike(self) {
        self.daemon.stop().await;
        self.town.intercom.stop();
    }

    async fn first_look(&mut self) -> anyhow::Result<()> {
        let found = self.daemon.reconcile().await.map_err(anyhow::Error::msg)?;
        let now = self.town.clock.now();
        let text = format!("autoclosed starts and looks at the whole workspace: {} to read", found.changed);
        self.town.page.line(now, "", &text, Tone::Deed)?;
        Ok(())
    }

    /// The next full hour, or what comes before it: a scene, or another sweep where something has just happened.
    fn next_moment(&mut self, eventful: bool) -> anyhow::Result<Timestamp> {
        let now = self.town.clock.now();
        let mut next = Timestamp::from_second((now.as_second().div_euclid(HOUR) + 1) * HOUR)?;
        if let Some(scene) = self.scenes.peek() {
            next = next.min(moment(scene.at)?);
        }
        Ok(if eventful { next.min(now + SOON) } else { next })
    }

    /// Everything of one moment; `true` if there was something to tell.
    async fn step(&mut self, at: Timestamp) -> anyhow::Result<bool> {
        let town = &mut self.town;
        town.clock.set(at);
        town.page.turn_to(at)?;
        // Timers ring by themselves; the fake looks at them when it is asked.
        town.intercom.wake_due_snoozes();
        while let Some(scene) = self.scenes.next_if(|scene| moment(scene.at).is_ok_and(|due| due <= at)) {
            self.prepare(scene).await?;
            self.town.act(scene.name, &scene.what)?;
            let journal = self.journal().await?;
            self.town.tell(&journal)?;
        }
        self.town.intercom.settle().await;
        self.sweep().await?;
        if at.as_second().rem_euclid(DAY) == 0 {
            self.daemon.reconcile().await.map_err(anyhow::Error::msg)?;
        }
        self.town.intercom.settle().await;
        let journal = self.journal().await?;
        Ok(self.town.tell(&journal)?)
    }

    async fn sweep(&mut self) -> anyhow::Result<()> {
        self.sweeps += 1;
        match self.daemon.sweep().await {
            Sweeping::Ran(_) => Ok(()),
            Sweeping::Blocked(why) => bail!("the daemon may not act: {why}"),
            Sweeping::Failed(why) => bail!("a sweep failed: {why}"),
            Sweeping::Busy => bail!("a sweep was still running"),
        }
    }

    /// What must be seen or done with the daemon at hand, before the scene.
    async fn prepare(&mut self, scene: &'static Scene) -> anyhow::Result<()> {
        let name = scene.name;
        match scene.what {
            What::Writes(_) => {
                let id = self.town.member(name)?.id.clone();
                if let Decision::Wait { until, next: Some(_), .. } = self.decision(&id).await? {
                    self.town.spare(name, until);
                    self.town.note(&format!("({name}'s conversation would be closed at {})", clock(until)))?;
                }
            }
            What::IsForged => self.forge(name).await?,
            What::IsRepeated => self.repeat(name).await?,
            _ => {}
        }
        Ok(())
    }

    /// Sends what Intercom once sent, signed with another key.
    async fn forge(&mut self, name: &str) -> anyhow::Result<()> {
        let sent = self.town.notification_about(&self.town.member(name)?.id)?;
        let intercom = &self.town.intercom;
        intercom.send_notifications_to(&self.webhook, "somebody else's key");
        intercom.resend(&sent);
        intercom.settle().await;
        intercom.send_notifications_to(&self.webhook, CLIENT_SECRET);
        let answer = self.last_answer();
        self.town.note(&format!("(somebody forges a notification about {name}: it is answered {answer})"))?;
        Ok(())
    }

    /// Sends once more what Intercom once sent.
    async fn repeat(&mut self, name: &str) -> anyhow::Result<()> {
        let id = self.town.member(name)?.id.clone();
        let before = self.decision(&id).await?;
        self.town.intercom.resend(&self.town.notification_about(&id)?);
        self.town.intercom.settle().await;
        let changes = if self.decision(&id).await? == before { "changes nothing" } else { "changes something" };
        let answer = self.last_answer();
        self.town.note(&format!(
            "(Intercom sends a notification about {name} a second time: it is answered {answer} and {changes})"
        ))?;
        Ok(())
    }

    fn last_answer(&self) -> String {
        let status = self.town.intercom.notifications().last().and_then(|last| last.status);
        status.map_or("not at all".to_owned(), |status| status.to_string())
    }

    /// The whole journal, oldest first.
    pub(super) async fn journal(&self) -> anyhow::Result<Vec<JournalEntry>> {
        Ok(self.daemon.store().journal(None).await?)
    }

    /// What the daemon thinks of a conversation, now.
    pub(super) async fn decision(&self, id: &ConversationId) -> anyhow::Result<Decision> {
        let context = Context {
            app_id: Some(self.town.workspace.app_id.as_str().into()),
            admin_id: Some(self.town.workspace.token_admin.as_str().into()),
            rulebook: Rulebook::new(Edition::new(self.config.rules.clone(), false)),
            keep_bodies: KeepBodies::Odd,
            now: self.town.clock.now(),
            received_at: self.town.clock.now(),
        };
        let known = self.daemon.store().decided(id, &context).await?;
        Ok(known.with_context(|| format!("the daemon does not know conversation {id}"))?.decision)
    }
}

fn temporary_folder() -> anyhow::Result<Folder> {
    let place = std::env::temp_dir();
    let made = Folder::new_in(&place);
    made.with_context(|| format!("no folder can be made in {}; set TMPDIR to a place where one can", place.display()))
}

fn introduce(page: &mut Page<'_, impl Write>) -> std::io::Result<()> {
    page.heading("autoclosed demo: a week in about ten seconds")?;
    page.paragraph("")?;
    page.paragraph(OPENING)?;
    page.paragraph("")?;
    page.paragraph("Its rules:")?;
    for (name, what) in RULES {
        page.hanging(&format!("  {name:<17}"), what, Tone::Plain)?;
    }
    Ok(())
}

/// Real time, for the reader.
async fn rest(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
