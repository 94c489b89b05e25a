//! What the database of every schema tells of: nine days in which something of everything has happened.

use std::collections::BTreeSet;

use autoclosed::command::undo::{Asked, undo};
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Call, Endpoint, Fault, Named, Workspace};
use autoclosed::intercom::client::install_tls;
use autoclosed::intercom::signature::sign;
use secrecy::SecretString;

use super::fixture::Fixture;
use crate::harness::{CLIENT_SECRET, House, days, hours, minutes, monday};

/// The rules of the story; each conversation is one's by its tag.
const RULES: &str = r#"
mode = "live"
[safety]
max_lateness = "3 days"

[[rule]]
name = "vip"
match.tags = ["vip"]
leave = true

[[rule]]
name = "slow"
match.tags = ["slow"]
step = [{ after = "1 day", do = "close", silent = true }]

[[rule]]
name = "hasty"
match.tags = ["hasty"]
step = [{ after = "1 day", do = "close", silent = true }]

[[rule]]
name = "ladder"
match_all = true
[[rule.step]]
after = "3 days"
do = "reply"
body = "Hi {{ contact.first_name | default('there') }}, did that solve it?"
[[rule.step]]
after = "7 days"
do = "close"
body = "Closing this for now."
tags = ["auto-closed"]
"#;

/// What the conversations of the story are for, in the order in which they begin.
pub(super) const CAST: [&str; 10] =
    ["closed", "late", "undone", "reminded", "snoozed", "vip", "held", "unanswered", "forgotten", "lost"];

/// The workspace and the daemon of the story, and its conversations.
pub(super) struct Story {
    pub(super) house: House,
    ids: Vec<ConversationId>,
}

impl Story {
    /// All that Intercom and the daemon do, until the daemon is cut off in the middle of a deed.
    pub(super) async fn told() -> Story {
        let mut house = House::configured(RULES, workspace()).await;
        house.start().await;
        house.look().await;
        let mut story = Story { house, ids: Vec::new() };
        story.the_first_three_days().await;
        story.the_next_three_days().await;
        story.the_last_three_days().await;
        story.house.stop().await;
        story
    }

    /// Puts a database of an earlier version in the place of the daemon's.
    pub(super) async fn put(&self, fixture: &Fixture) {
        for suffix in ["", "-wal", "-shm"] {
            // Where the last one to close it has taken its log away, none is there.
            let _ = std::fs::remove_file(format!("{}{suffix}", self.house.database().display()));
        }
        fixture.put(&self.house.database()).await;
    }

    /// Ten days of the daemon on the database that is there.
    pub(super) async fn goes_on(&mut self) {
        self.house.start().await;
        self.house.look().await;
        for _ in 0..20 {
            self.house.after(hours(12)).await;
        }
    }

    /// What stands more than once in one conversation, in the words of the teammate that acts. Nobody has answered it.
    pub(super) fn said_twice(&self) -> BTreeSet<String> {
        let mut twice = BTreeSet::new();
        for id in &self.ids {
            let parts = self.house.intercom.conversation(id).unwrap().parts;
            let ours = parts.iter().filter(|part| part.author_id == Workspace::default().token_admin);
            let mut said = BTreeSet::new();
            for text in ours.filter_map(|part| part.body.clone()) {
                if !said.insert(text.clone()) {
                    twice.insert(format!("{}: {text}", self.name(id.as_str())));
                }
            }
        }
        twice
    }

    /// What a conversation is for in the story.
    pub(super) fn name(&self, id: &str) -> &'static str {
        let place = self.ids.iter().position(|known| known.as_str() == id);
        place.map_or("another", |place| CAST[place])
    }

    /// What Intercom was asked to change: when, in which conversation, and to what.
    pub(super) fn told_of(&self, call: &Call) -> String {
        let conversation = call.path.split('/').nth(2).map_or("", |id| self.name(id));
        let body = call.body.clone().unwrap_or_default();
        let what = ["message_type", "name", "id"].iter().find_map(|key| body[key].as_str()).unwrap_or("-").to_owned();
        let text = body["body"].as_str().unwrap_or_default();
        format!("{} {} {conversation}: {what} {text}", call.at, call.method).trim_end().to_owned()
    }

    pub(super) fn id(&self, name: &str) -> &ConversationId {
        &self.ids[CAST.iter().position(|known| *known == name).unwrap()]
    }

    async fn begins(&mut self, tag: Option<&str>) -> ConversationId {
        let id = self.house.answered().await;
        if let Some(tag) = tag {
            self.house.intercom.tag(&id, tag);
            self.house.intercom.settle().await;
        }
        self.ids.push(id.clone());
        id
    }

    async fn the_first_three_days(&mut self) {
        let now = self.house.clock.now();
        for rule in ["slow", "another", "ladder of old"] {
            self.house.daemon().store().pause(Some(rule), now).await.unwrap();
        }
        for tag in [None, Some("slow"), Some("hasty")] {
            self.begins(tag).await;
        }
        for _ in 0..4 {
            self.house.after(hours(18)).await;
        }
    }

    async fn the_next_three_days(&mut self) {
        self.begins(None).await;
        let snoozed = self.begins(None).await;
        self.begins(Some("vip")).await;
        let held = self.begins(None).await;
        let (store, now) = (self.house.daemon().store(), self.house.clock.now());
        let app_id = Workspace::default().app_id;
        store.hold(&app_id, &held, None, now).await.unwrap();
        self.house.intercom.teammate_snoozes(&snoozed, now + days(14));
        self.ids.push(self.house.intercom.contact_starts("Where is the invoice?"));
        let forgotten = self.begins(None).await;
        self.house.intercom.settle().await;
        self.house.daemon().store().forget(&app_id, &forgotten, now).await.unwrap();
        self.take_back().await;
        for _ in 0..4 {
            self.house.after(hours(18) + minutes(5)).await;
        }
    }

    /// An operator opens again what the rule "hasty" has closed.
    async fn take_back(&self) {
        let asked = Asked { rule: "hasty".into(), since: monday().to_string(), dry_run: false };
        let clock = self.house.daemon_clock().clone().into();
        Box::pin(undo(&self.house.file(), environment, clock, &asked)).await.unwrap();
    }

    async fn the_last_three_days(&mut self) {
        let now = self.house.clock.now();
        self.house.daemon().store().resume(Some("slow"), now).await.unwrap();
        self.begins(Some("hasty")).await;
        self.house.after(hours(23)).await;
        self.what_no_webhook_tells().await;
        self.what_cannot_be_understood().await;
        self.house.after(minutes(40)).await;
        self.house.intercom.fault(Endpoint::Close, Fault::ApplyThenDrop);
        self.house.after(minutes(20)).await;
        // After such a while what it makes due is counted first, which is still to be done.
        self.house.daemon().store().resume(Some("another"), self.house.clock.now()).await.unwrap();
    }

    async fn what_no_webhook_tells(&self) {
        self.house.intercom.drop_notifications(true);
        self.house.intercom.teammate_notes(self.id("vip"), "Call them on Monday.");
        self.house.intercom.contact_replies(self.id("vip"), "Any news?");
        self.house.intercom.settle().await;
        self.house.intercom.drop_notifications(false);
        self.house.clock.advance(minutes(5));
        self.house.look().await;
    }

    async fn what_cannot_be_understood(&self) {
        install_tls();
        let app_id = Workspace::default().app_id;
        let odd = format!(
            r#"{{"type":"notification_event","app_id":"{app_id}","id":"notif_odd","topic":"conversation.user.replied",
"created_at":{},"data":{{"item":{{"type":"conversation","id":"{}","conversation_parts":"two"}}}}}}"#,
            self.house.clock.now().as_second(),
            self.id("vip")
        );
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let webhook = format!("http://{}/webhooks/intercom", self.house.daemon().public_address());
        let signature = sign(&SecretString::from(CLIENT_SECRET), odd.as_bytes());
        let sent = client.post(webhook).header("X-Hub-Signature", signature).body(odd).send().await.unwrap();
        assert_eq!(sent.status(), 200);
    }
}

/// A rule on a tag that the workspace does not have keeps everything from being done.
fn workspace() -> Workspace {
    let mut workspace = Workspace::default();
    for (id, name) in [("3010", "slow"), ("3011", "hasty")] {
        workspace.tags.push(Named { id: id.to_owned(), name: name.to_owned() });
    }
    workspace
}

fn environment(name: &str) -> Option<String> {
    match name {
        "INTERCOM_ACCESS_TOKEN" => Some(Workspace::default().token),
        "INTERCOM_CLIENT_SECRET" => Some(CLIENT_SECRET.to_owned()),
        _ => None,
    }
}
