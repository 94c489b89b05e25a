//! The whole daemon against the fake Intercom, over real HTTP, on a clock that is moved by hand.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use autoclosed::clock::{Clock, ManualClock};
use autoclosed::command::desk::Desk;
use autoclosed::config::{self, Secrets};
use autoclosed::daemon::{Daemon, Sweeping};
use autoclosed::engine::ConversationId;
use autoclosed::engine::conversation::Conversation;
use autoclosed::fake_intercom::{Endpoint, FakeIntercom, Workspace};
use autoclosed::rulebook::{Edition, Rulebook};
use autoclosed::store::{Context, KeepBodies};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::Value;

/// The key that the fake signs with.
pub(crate) const CLIENT_SECRET: &str = "client-secret-of-the-tests";

/// Where the daemon tells its health: any port of this machine.
const ANYWHERE: &str = "127.0.0.2:0";

/// A rule that reminds after five days and closes after seven, of what is snoozed or was.
pub(crate) const SNOOZED_A_WEEK: &str = r#"
[[rule]]
name = "snoozed-a-week"
match.state = ["snoozed", "woken"]
counts_from = ["contact_reply", "teammate_reply"]
[[rule.step]]
after = "5 days"
do = "reply"
body = "Hi {{ contact.first_name | default('there') }}, did that solve it?"
[[rule.step]]
after = "7 days"
do = "close"
body = "Closing this for now."
"#;

/// A rule that closes anything quiet for a day, with a word.
pub(crate) const QUIET_A_DAY: &str = r#"
[[rule]]
name = "quiet-a-day"
match_all = true
step = [{ after = "1 day", do = "close", body = "Closing this for now." }]
"#;

/// A workspace, a daemon, and the time that both live in.
pub(crate) struct House {
    pub(crate) clock: ManualClock,
    pub(crate) intercom: FakeIntercom,
    pub(crate) daemon: Option<Daemon>,
    /// What the daemon goes by: the same clock, unless it was given one of its own.
    daemon_clock: ManualClock,
    configuration: String,
    retention: &'static str,
    keep_bodies: &'static str,
    /// Where the daemon told its health last.
    admin: Option<SocketAddr>,
    folder: tempfile::TempDir,
}

pub(crate) struct Recipe {
    config: config::Config,
    clock: Clock,
    intercom: FakeIntercom,
}

impl Recipe {
    pub(crate) async fn start(self) -> Daemon {
        let daemon = Daemon::start(&self.config, &secrets(), self.clock).await.unwrap();
        let webhook = format!("http://{}/webhooks/intercom", daemon.public_address());
        self.intercom.send_notifications_to(&webhook, CLIENT_SECRET);
        daemon
    }
}

/// The secrets that a daemon starts with.
pub(crate) fn secrets() -> Secrets {
    Secrets {
        access_token: SecretString::from(Workspace::default().token),
        client_secrets: vec![SecretString::from(CLIENT_SECRET)],
    }
}

/// Monday, 2 March 2026, 9 in the morning.
pub(crate) fn monday() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

pub(crate) fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

pub(crate) fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

pub(crate) fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

pub(crate) fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

/// Waits until the daemon has got where a test holds it. One that never gets there fails the test, and does not hold it
/// up for ever.
pub(crate) async fn arrived(held: tokio::sync::oneshot::Receiver<()>) {
    tokio::time::timeout(std::time::Duration::from_mins(1), held).await.expect("it never got there").unwrap();
}

impl House {
    /// A daemon in live mode with these rules, that has looked at the workspace once.
    pub(crate) async fn with(rules: &str) -> House {
        let mut house = House::without_daemon(rules).await;
        house.start().await;
        house.look().await;
        house
    }

    /// The workspace alone; `start` brings the daemon.
    pub(crate) async fn without_daemon(rules: &str) -> House {
        House::configured(&format!("mode = \"live\"\n{rules}"), Workspace::default()).await
    }

    /// `extra` stands at the top of the configuration.
    pub(crate) async fn configured(extra: &str, workspace: Workspace) -> House {
        let clock = ManualClock::at(monday());
        let intercom = FakeIntercom::start(clock.clone().into(), workspace).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let daemon_clock = clock.clone();
        House {
            clock,
            intercom,
            daemon: None,
            daemon_clock,
            configuration: extra.to_owned(),
            retention: "30 days",
            keep_bodies: "odd",
            admin: None,
            folder,
        }
    }

    /// From its next start on the daemon has a clock of its own.
    pub(crate) fn give_the_daemon_a_clock(&mut self) -> ManualClock {
        self.daemon_clock = ManualClock::at(self.clock.now());
        self.daemon_clock.clone()
    }

    /// How long the next start keeps what it has seen.
    pub(crate) fn keep_for(&mut self, retention: &'static str) {
        self.retention = retention;
    }

    /// What the daemon goes by.
    pub(crate) fn daemon_clock(&self) -> &ManualClock {
        &self.daemon_clock
    }

    /// From now on the program asks there for health.
    pub(crate) fn ask_health_of(&mut self, address: SocketAddr) {
        self.admin = Some(address);
    }

    /// Where the daemon tells its health, or did when it last ran.
    pub(crate) fn daemon_address(&self) -> SocketAddr {
        self.admin.unwrap()
    }

    /// What the next start reads.
    pub(crate) fn configure(&mut self, configuration: &str) {
        configuration.clone_into(&mut self.configuration);
    }

    /// From its next start on the daemon keeps every raw body.
    pub(crate) fn keep_all_bodies(&mut self) {
        self.keep_bodies = "all";
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("autoclosed.db")
    }

    /// The rules as the daemon reads them.
    pub(crate) fn rules(&self) -> autoclosed::engine::RuleSet {
        self.config().rules
    }

    /// The same, for whoever wants to decide by them.
    pub(crate) fn rulebook(&self) -> Rulebook {
        Rulebook::new(Edition::new(self.rules(), false))
    }

    /// What is configured, as the next start and a reload read it.
    pub(crate) fn config(&self) -> config::Config {
        config::parse("test.toml", self.text().as_bytes()).unwrap().config
    }

    /// The same as a file, for the program's commands: with the address at which the daemon tells its health.
    pub(crate) fn file(&self) -> PathBuf {
        let file = self.folder().join("a.toml");
        let admin = self.admin.map_or_else(|| ANYWHERE.to_owned(), |address| address.to_string());
        std::fs::write(&file, self.text().replace(ANYWHERE, &admin)).unwrap();
        file
    }

    /// What a command finds beside the daemon, at the daemon's time.
    pub(crate) async fn desk(&self) -> Desk {
        Desk::open(&self.file(), self.daemon_clock.clone().into()).await.unwrap()
    }

    /// Where its files lie.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn text(&self) -> String {
        let (head, rules) = match self.configuration.find("[[") {
            Some(at) => self.configuration.split_at(at),
            None => (self.configuration.as_str(), ""),
        };
        // Most tests let weeks pass in one leap, and are about something else than that.
        let patient = "[safety]\nmax_lateness = \"500 weeks\"\n";
        let head = match (head.contains("max_lateness"), head.contains("[safety]\n")) {
            (true, _) => head.to_owned(),
            (false, true) => head.replace("[safety]\n", patient),
            (false, false) => format!("{head}\n{patient}"),
        };
        format!(
            "{head}\n[intercom]\nbase_url = \"{}\"\n[server]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"{ANYWHERE}\"\n\
             [database]\nurl = \"sqlite:{}\"\nretention = \"{}\"\nkeep_bodies = \"{}\"\n{rules}",
            self.intercom.url(),
            self.database().display(),
            self.retention,
            self.keep_bodies
        )
    }

    pub(crate) async fn start(&mut self) {
        let daemon = self.recipe().start().await;
        self.admin = Some(daemon.admin_address());
        self.daemon = Some(daemon);
    }

    /// What it takes to start a daemon, wherever that is.
    pub(crate) fn recipe(&self) -> Recipe {
        Recipe { config: self.config(), clock: self.daemon_clock.clone().into(), intercom: self.intercom.clone() }
    }

    /// Stops the daemon and starts it again on the same database.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
        self.look().await;
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.stop().await;
        }
    }

    pub(crate) fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().unwrap()
    }

    pub(crate) async fn look(&self) {
        self.daemon().reconcile().await.unwrap();
    }

    /// Lets time pass; what became due meanwhile is done in one sweep at the end of it.
    pub(crate) async fn after(&self, time: SignedDuration) -> Sweeping {
        self.intercom.settle().await;
        self.clock.advance(time);
        self.sweep().await
    }

    pub(crate) async fn sweep(&self) -> Sweeping {
        self.intercom.settle().await;
        // Intercom's clock is known from its last answer; ask it anew after a leap of the clock.
        let swept = self.daemon().sweep().await;
        self.intercom.settle().await;
        swept
    }

    pub(crate) fn state(&self, id: &ConversationId) -> &'static str {
        self.intercom.conversation(id).unwrap().state
    }

    /// Calls that changed something, as `METHOD path word-of-the-deed`.
    pub(crate) fn deeds(&self) -> Vec<String> {
        let calls = self.intercom.mutating_calls();
        calls
            .iter()
            .map(|call| {
                let body = call.body.as_ref();
                let word = body.and_then(|body| body["message_type"].as_str()).unwrap_or("-").to_owned();
                format!("{word} {}", call.status.map_or("unanswered".to_owned(), |status| status.to_string()))
            })
            .collect()
    }

    /// The journal as `outcome step: why`.
    pub(crate) async fn journal(&self, id: &ConversationId) -> Vec<String> {
        let lines = self.daemon().store().journal(Some(id)).await.unwrap();
        lines.iter().map(|line| format!("{} {}: {}", line.outcome, line.step, line.why)).collect()
    }

    /// A conversation in which the contact asked and a teammate answered a minute later.
    pub(crate) async fn answered(&self) -> ConversationId {
        let id = self.intercom.contact_starts("How do I export my data?");
        self.clock.advance(minutes(1));
        self.intercom.teammate_replies(&id, "Under Settings, then Export.");
        self.intercom.settle().await;
        id
    }

    /// A check of the health report, as `ok: detail` or `bad: detail`.
    pub(crate) async fn check(&self, name: &str) -> String {
        let report = self.health().await;
        let checks = report["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == name).unwrap();
        let word = if check["ok"].as_bool().unwrap() { "ok" } else { "bad" };
        format!("{word}: {}", check["detail"].as_str().unwrap())
    }

    /// Names of the checks that are bad.
    pub(crate) async fn bad(&self) -> Vec<String> {
        let report = self.health().await;
        let checks = report["checks"].as_array().unwrap();
        let bad = checks.iter().filter(|check| check["ok"] == false);
        bad.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The whole report; its status code says the same as its words.
    pub(crate) async fn health(&self) -> Value {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let answer = client.get(format!("http://{}/health", self.daemon().admin_address())).send().await.unwrap();
        let status = answer.status().as_u16();
        let report: Value = answer.json().await.unwrap();
        assert_eq!(status != 200, report["status"] == "bad", "{report}");
        report
    }

    /// What the daemon's database says of a conversation; `None` if nothing.
    pub(crate) async fn known(&self, id: &ConversationId) -> Option<Conversation> {
        let known = self.daemon().store().decided(id, &self.context()).await.unwrap();
        known.map(|known| known.conversation)
    }

    /// What decisions depend on, as the daemon knows it.
    pub(crate) fn context(&self) -> Context {
        Context {
            app_id: Some(Arc::from(Workspace::default().app_id)),
            admin_id: Some(Arc::from(Workspace::default().token_admin)),
            rulebook: self.rulebook(),
            keep_bodies: KeepBodies::Odd,
            now: self.clock.now(),
            received_at: self.clock.now(),
        }
    }

    /// How often the conversation was read from Intercom.
    pub(crate) fn reads(&self, id: &ConversationId) -> usize {
        let calls = self.intercom.calls();
        calls.iter().filter(|call| call.endpoint == Endpoint::Conversation && call.path.contains(id.as_str())).count()
    }

    /// Parts of this kind that the daemon made.
    pub(crate) fn ours(&self, id: &ConversationId, kind: &str) -> usize {
        let parts = self.intercom.conversation(id).unwrap().parts;
        parts.iter().filter(|part| part.kind == kind && part.author_id == Workspace::default().token_admin).count()
    }
}
