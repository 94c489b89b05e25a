//! The whole daemon on one example: a workspace that has all that its rules name, and a clock that goes from one due
//! moment to the next, so that everything is done when the page says.

use std::path::Path;
use std::sync::Arc;

use autoclosed::clock::ManualClock;
use autoclosed::config::{self, Config, Diagnostics, Loaded, Mode, Secrets};
use autoclosed::daemon::{Daemon, Sweeping};
use autoclosed::engine::rule::{Called, RuleSet};
use autoclosed::engine::{AttributeValue, ConversationId, Decision};
use autoclosed::fake_intercom::{
    Admin, Attribute, AttributeKind, Call, FakeIntercom, Named, WebhookVersion, Workspace,
};
use autoclosed::rulebook::{Edition, Rulebook};
use autoclosed::store::{Context, JournalEntry, KeepBodies};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::story::Event;
use crate::harness::{CLIENT_SECRET, minutes, monday};

/// What an example may name in `holidays_file`.
const HOLIDAYS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//EN\r\nBEGIN:VEVENT\r\nUID:1@example.com\r\n\
    DTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20260310\r\nSUMMARY:Closed\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// A text of rules as the daemon reads it from a file, with whatever files it names.
pub(crate) fn load(text: &str) -> Result<Loaded, Diagnostics> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("holidays.ics"), HOLIDAYS).unwrap();
    std::fs::write(folder.path().join("autoclosed.toml"), text).unwrap();
    config::load(&folder.path().join("autoclosed.toml"))
}

/// A workspace, a daemon with these rules, and the time that both live in.
pub(crate) struct Stage {
    pub(crate) clock: ManualClock,
    pub(crate) intercom: FakeIntercom,
    pub(crate) config: Config,
    workspace: Workspace,
    daemon: Daemon,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// `text` is live unless it says otherwise.
    pub(crate) async fn with(text: &str) -> Stage {
        let clock = ManualClock::at(monday());
        let rules = load(text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}")).config.rules;
        let workspace = workspace_for(&rules);
        let intercom = FakeIntercom::start(clock.clone().into(), workspace.clone()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let text = whole(text, &intercom.url(), folder.path());
        let mut config = load(&text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}")).config;
        config.rules = config.rules.with_ids(|called| id_of(&workspace, called));
        let secrets = Secrets {
            access_token: SecretString::from(workspace.token.clone()),
            client_secrets: vec![SecretString::from(CLIENT_SECRET)],
        };
        let daemon = Daemon::start(&config, &secrets, clock.clone().into()).await.unwrap();
        let webhook = format!("http://{}/webhooks/intercom", daemon.public_address());
        intercom.send_notifications_to(&webhook, CLIENT_SECRET);
        daemon.reconcile().await.unwrap();
        Stage { clock, intercom, config, workspace, daemon, _folder: folder }
    }

    /// Somebody begins a conversation.
    pub(crate) async fn begin(&self, event: &Event) -> ConversationId {
        let id = match event {
            Event::ContactBegins { channel } => self.intercom.contact_starts_on(channel, "How do I export my data?"),
            Event::TeammateBegins => self.intercom.teammate_starts("Here is what is new."),
            Event::CampaignBegins => self.intercom.bot_starts("campaigns_initiated", "Here is what is new."),
            other => panic!("no conversation begins with {other:?}"),
        };
        self.intercom.settle().await;
        id
    }

    /// Something happens in it, and the daemon hears of it: by a notification, or at its next look.
    pub(crate) async fn happen(&self, id: &ConversationId, event: &Event) {
        let intercom = &self.intercom;
        let now = self.clock.now();
        match event {
            Event::ContactBegins { .. } | Event::TeammateBegins | Event::CampaignBegins => panic!("it has begun"),
            Event::Nothing | Event::Stopped { .. } => {}
            Event::ContactWrites => drop(intercom.contact_replies(id, "One more thing.")),
            Event::TeammateReplies => drop(intercom.teammate_replies(id, "Under Settings, then Export.")),
            Event::BotAnswers => drop(intercom.bot_replies(id, "Perhaps this article helps.")),
            Event::Snoozed { length } => drop(intercom.teammate_snoozes(id, now + *length)),
            Event::Noted => drop(intercom.teammate_notes(id, "Looking into it.")),
            Event::ToTeam(name) => drop(intercom.teammate_assigns_team(id, Some(&self.team(name)))),
            Event::ToTeammate(name) => drop(intercom.teammate_assigns(id, Some(&self.teammate(name)), None)),
            Event::ToNobody => drop(intercom.teammate_assigns(id, None, None)),
            Event::Tagged(tag) => drop(intercom.tag(id, tag)),
            Event::Untagged(tag) => drop(intercom.untag(id, tag)),
            Event::Closed => drop(intercom.teammate_closes(id, None)),
            Event::Opened => drop(intercom.teammate_opens(id)),
            Event::Rated => drop(intercom.rate(id, 5)),
            Event::Priority(priority) => drop(intercom.teammate_prioritizes(id, priority)),
            Event::Set { name, value } => drop(intercom.set_attribute(id, name, value.clone())),
            Event::FinEnds(resolution) => drop(intercom.fin_ends(id, resolution)),
            Event::Ticket => drop(intercom.becomes_ticket(id)),
        }
        intercom.settle().await;
        if event.is_untold() {
            self.daemon.reconcile().await.unwrap();
        }
    }

    fn team(&self, name: &str) -> String {
        id_of(&self.workspace, &Called::Team(name.to_owned())).unwrap_or_else(|| panic!("no team {name}"))
    }

    fn teammate(&self, name: &str) -> String {
        id_of(&self.workspace, &Called::Teammate(name.to_owned())).unwrap_or_else(|| panic!("no teammate {name}"))
    }

    /// What the team or teammate of that id is called.
    pub(crate) fn name_of(&self, id: &str) -> String {
        let team = self.workspace.teams.iter().find(|team| team.id == id).map(|team| format!("the team {}", team.name));
        let teammate = || self.workspace.admins.iter().find(|admin| admin.id == id).map(|admin| admin.email.clone());
        team.or_else(teammate).unwrap_or_else(|| "nobody".to_owned())
    }

    /// What the tag of that id is called, one that was made meanwhile too.
    pub(crate) fn tag_named(&self, id: &str) -> String {
        let mut name = None;
        self.intercom.change_workspace(|workspace| {
            name = workspace.tags.iter().find(|tag| tag.id == id).map(|tag| tag.name.clone());
        });
        name.unwrap_or_else(|| panic!("no tag {id}"))
    }

    /// Lets time pass until `end`. There is a sweep at once and whenever one of these is due, and `after_each` is told
    /// of what each has done.
    pub(crate) async fn pass(&self, end: Timestamp, ids: &[ConversationId], mut after_each: impl FnMut(Vec<Call>)) {
        let mut told = self.intercom.mutating_calls().len();
        for _ in 0..3_000 {
            let swept = Box::pin(self.daemon.sweep()).await;
            assert!(matches!(swept, Sweeping::Ran(_)), "{swept:?}");
            self.intercom.settle().await;
            let calls = self.intercom.mutating_calls();
            after_each(calls[told..].to_vec());
            told = calls.len();
            let due = self.next_due(ids).await;
            // Budgets and rests are not told by the decision.
            let next = due.map(|due| due.max(self.clock.now() + minutes(1)));
            let Some(next) = next.filter(|next| *next < end) else {
                self.clock.set(end.max(self.clock.now()));
                return;
            };
            self.clock.set(next);
        }
        panic!("it never comes to rest");
    }

    async fn next_due(&self, ids: &[ConversationId]) -> Option<Timestamp> {
        let mut next = None;
        for id in ids {
            next = next.into_iter().chain(self.decision(id).await.due_at()).min();
        }
        next
    }

    /// The journal of a conversation.
    pub(crate) async fn journal(&self, id: &ConversationId) -> Vec<JournalEntry> {
        self.daemon.store().journal(Some(id)).await.unwrap()
    }

    /// What is decided on a conversation now.
    pub(crate) async fn decision(&self, id: &ConversationId) -> Decision {
        let context = Context {
            app_id: Some(Arc::from(&*self.workspace.app_id)),
            admin_id: Some(Arc::from(&*self.workspace.token_admin)),
            rulebook: Rulebook::new(Edition::new(self.config.rules.clone(), self.config.mode == Mode::DryRun)),
            keep_bodies: KeepBodies::Odd,
            now: self.clock.now(),
            received_at: self.clock.now(),
        };
        self.daemon.store().decided(id, &context).await.unwrap().unwrap().decision
    }

    /// A daemon that stands still until then, as after a crash: what became due meanwhile waits.
    pub(crate) fn stand_still(&self, length: SignedDuration) {
        self.clock.advance(length);
    }
}

/// The example with what stands in no example: where Intercom is, and where the daemon listens.
fn whole(text: &str, intercom: &str, folder: &Path) -> String {
    let live = if text.lines().any(|line| line.starts_with("mode ")) { "" } else { "mode = \"live\"\n" };
    format!(
        "{live}{text}\n[intercom]\nbase_url = \"{intercom}\"\n[server]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.2:0\"\n\
         [database]\nurl = \"sqlite:{}\"\n",
        folder.join("autoclosed.db").display()
    )
}

/// The usual workspace, and in it whatever the rules name. Every conversation is with the same contact.
fn workspace_for(rules: &RuleSet) -> Workspace {
    let mut workspace = Workspace { webhook_version: WebhookVersion::V2b, ..Workspace::default() };
    workspace.contacts.truncate(1);
    for called in rules.names() {
        match called {
            Called::Team(name) if workspace.teams.iter().all(|team| team.name != name) => {
                workspace.teams.push(Named { id: (2_100 + workspace.teams.len()).to_string(), name });
            }
            Called::Teammate(email) if id_of(&workspace, &Called::Teammate(email.clone())).is_none() => {
                let id = if email.contains('@') { (1_100 + workspace.admins.len()).to_string() } else { email.clone() };
                workspace.admins.push(Admin { id, name: "Robin".to_owned(), email, has_inbox_seat: true });
            }
            Called::Tag(name) if workspace.tags.iter().all(|tag| tag.name != name) => {
                workspace.tags.push(Named { id: (3_100 + workspace.tags.len()).to_string(), name });
            }
            _ => {}
        }
    }
    for name in rules.attributes() {
        if workspace.conversation_attributes.iter().all(|known| known.name != name) {
            let kind = kind_of(rules, &name);
            workspace.conversation_attributes.push(Attribute { name, kind });
        }
    }
    workspace
}

/// What the attribute must take for what the rules set it to.
fn kind_of(rules: &RuleSet, name: &str) -> AttributeKind {
    use autoclosed::engine::rule::{Act, Setting};
    let steps = rules.rules.iter().flat_map(|rule| &rule.steps);
    let mut settings = steps.filter_map(|step| match &step.act {
        Act::Label(labels) | Act::Close { labels, .. } => labels.set.get(name),
        _ => None,
    });
    match settings.next_back() {
        Some(Setting::Value(AttributeValue::Number(_))) => AttributeKind::Float,
        Some(Setting::Value(AttributeValue::Boolean(_))) => AttributeKind::Boolean,
        Some(Setting::Value(AttributeValue::List(_))) => AttributeKind::Objects("thing".to_owned()),
        _ => AttributeKind::Text,
    }
}

fn id_of(workspace: &Workspace, called: &Called) -> Option<String> {
    match called {
        Called::Team(name) => workspace.teams.iter().find(|team| team.name == *name).map(|team| team.id.clone()),
        Called::Teammate(name) => {
            let is = |admin: &&Admin| admin.id == *name || admin.email == *name;
            workspace.admins.iter().find(is).map(|admin| admin.id.clone())
        }
        Called::Tag(name) => workspace.tags.iter().find(|tag| tag.name == *name).map(|tag| tag.id.clone()),
    }
}
