//! Every call of the client, in every form that its arguments give it, against the fake.

use std::collections::BTreeSet;
use std::time::Duration;

use autoclosed::clock::{Clock, ManualClock};
use autoclosed::engine::{AttributeValue, ConversationId};
use autoclosed::fake_intercom::{FakeIntercom, Workspace};
use autoclosed::intercom::lens::Lens;
use autoclosed::intercom::text::TextKey;
use autoclosed::intercom::{Assignee, ClientSettings, Intercom, IntercomError, Search, Update};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::recorder::{Exchange, Recorder};
use crate::harness::{days, minutes, monday};

/// One call, and what passed over the wire.
pub(super) struct Case {
    /// The call's name in the client.
    pub(super) method: &'static str,
    pub(super) what: String,
    pub(super) exchange: Exchange,
}

pub(super) struct Script {
    pub(super) client: Intercom,
    clock: ManualClock,
    fake: FakeIntercom,
    recorder: Recorder,
    cases: Vec<Case>,
}

impl Script {
    /// All cases, by a client that asks for that version.
    pub(super) async fn played(version: &str) -> Vec<Case> {
        let mut script = Script::new(version).await;
        script.reads().await;
        script.lists().await;
        script.shuts_and_opens().await;
        script.says_and_assigns().await;
        script.labels().await;
        script.cases
    }

    async fn new(version: &str) -> Script {
        let clock = ManualClock::at(monday());
        let workspace = Workspace { rate_limit: 10_000, ..Workspace::default() };
        let fake = FakeIntercom::start(clock.clone().into(), workspace).await.unwrap();
        let (recorder, url) = Recorder::before(fake.url()).await;
        let client = client(&url, version, clock.clone().into());
        Script { client, clock, fake, recorder, cases: Vec::new() }
    }

    /// Makes one call, which has to succeed with one request.
    async fn does<T>(
        &mut self,
        method: &'static str,
        what: &str,
        call: impl AsyncFnOnce(&Intercom) -> Result<T, IntercomError>,
    ) -> T {
        let answer = call(&self.client).await.unwrap_or_else(|error| panic!("{method} {what}: {error}"));
        let mut exchanges = self.recorder.take();
        let exchange = exchanges.pop().unwrap();
        assert!(exchanges.is_empty(), "{method} {what}: one call, one request");
        self.cases.push(Case { method, what: format!("{method} {what}"), exchange });
        self.clock.advance(minutes(1));
        answer
    }

    async fn reads(&mut self) {
        self.does("me", "", async |it| it.me().await).await;
        let plain = self.fake.contact_starts("It does not start.");
        for (what, id) in [("just begun", plain), ("full", self.full())] {
            let read = self.does("conversation", what, async |it| it.conversation(&id).await).await;
            let contact = read.value.contact_id.unwrap();
            self.does("contact", what, async |it| it.contact(&contact).await).await;
        }
        for (what, id) in self.begun_otherwise() {
            self.does("conversation", what, async |it| it.conversation(&id).await).await;
        }
    }

    /// A conversation in which everything has happened that the fake knows.
    fn full(&self) -> ConversationId {
        let fake = &self.fake;
        let id = fake.contact_starts("It does not start.");
        let passes = |_: Option<u64>| self.clock.advance(minutes(1));
        passes(fake.bot_replies(&id, "Did you try to turn it off and on again?"));
        passes(fake.contact_replies(&id, "Twice."));
        passes(fake.teammate_assigns(&id, Some("1001"), None));
        passes(fake.teammate_assigns_team(&id, Some("2001")));
        passes(fake.teammate_replies(&id, "Is it plugged in?"));
        passes(fake.teammate_notes(&id, "It never is."));
        passes(fake.teammate_snoozes(&id, self.clock.now() + days(1)));
        passes(fake.teammate_opens(&id));
        passes(fake.teammate_closes(&id, Some("Bye.")));
        passes(fake.contact_replies(&id, "Wait!"));
        passes(fake.rate(&id, 4));
        passes(fake.teammate_prioritizes(&id, "high"));
        // Of the objects people set nothing: only through the API has the fake them as Intercom does.
        for (name, value) in attributes().into_iter().filter(|(name, _)| *name != "orders") {
            passes(fake.set_attribute(&id, name, value));
        }
        assert!(fake.tag(&id, "vip") && fake.fin_ends(&id, "confirmed_resolution"));
        passes(fake.teammate_snoozes(&id, self.clock.now() + days(1)));
        id
    }

    fn begun_otherwise(&self) -> [(&'static str, ConversationId); 4] {
        let ticket = self.fake.contact_starts("My order is late.");
        assert!(self.fake.becomes_ticket(&ticket));
        [
            ("by a teammate", self.fake.teammate_starts("How was it?")),
            ("by a machine", self.fake.bot_starts("automated", "Welcome!")),
            ("by e-mail", self.fake.contact_starts_on("email", "Hello.")),
            ("a ticket", ticket),
        ]
    }

    async fn lists(&mut self) {
        self.does("admins", "", async |it| it.admins().await).await;
        self.does("teams", "", async |it| it.teams().await).await;
        self.does("tags", "", async |it| it.tags().await).await;
        self.does("attributes", "", async |it| it.attributes().await).await;
        // All of its fields, so that a new one is a case too.
        let all = Search { states: None, updated_since: None, per_page: 150 };
        let some = |states: &[&'static str]| Some(states.to_vec());
        for (what, query) in [
            ("for all", all.clone()),
            ("by one state", Search { states: some(&["closed"]), ..all.clone() }),
            ("by states", Search { states: some(&["open", "snoozed"]), ..all.clone() }),
            ("by time", Search { updated_since: Some(monday()), ..all.clone() }),
            ("by both", Search { states: some(&["open"]), updated_since: Some(monday()), ..all.clone() }),
        ] {
            self.does("search", what, async |it| it.search(&query, None).await).await;
        }
        let one = Search { per_page: 1, ..all };
        let page = self.does("search", "one by one", async |it| it.search(&one, None).await).await;
        let next = page.next.unwrap();
        self.does("search", "with a cursor", async |it| it.search(&one, Some(&next)).await).await;
    }

    async fn shuts_and_opens(&mut self) {
        let id = self.fake.contact_starts("It does not start.");
        let until = self.clock.now() + days(7);
        self.does("snooze", "", async |it| it.snooze(&id, "1009", until).await).await;
        self.does("open", "out of a snooze", async |it| it.open(&id, "1009").await).await;
        self.does("close", "without a word", async |it| it.close(&id, "1009", None).await).await;
        self.does("open", "out of a close", async |it| it.open(&id, "1009").await).await;
        self.does("close", "with a word", async |it| it.close(&id, "1009", Some("<p>Bye.</p>")).await).await;
    }

    async fn says_and_assigns(&mut self) {
        let id = self.fake.contact_starts("It does not start.");
        self.does("reply", "", async |it| it.reply(&id, "1009", "Still there?").await).await;
        self.does("note", "", async |it| it.note(&id, "1009", "Silent.").await).await;
        for (what, to) in [
            ("to a teammate", Assignee::Teammate(Some("1001"))),
            ("to a team", Assignee::Team(Some("2001"))),
            ("to no teammate", Assignee::Teammate(None)),
            ("to no team", Assignee::Team(None)),
        ] {
            self.does("assign", what, async |it| it.assign(&id, "1009", to).await).await;
        }
    }

    async fn labels(&mut self) {
        let id = self.fake.contact_starts("It does not start.");
        let tag = self.does("create_tag", "new", async |it| it.create_tag("auto-closed").await).await.value;
        self.does("create_tag", "known", async |it| it.create_tag("auto-closed").await).await;
        self.does("tag", "", async |it| it.tag(&id, "1009", &tag.id).await).await;
        self.does("untag", "", async |it| it.untag(&id, "1009", &tag.id).await).await;
        let nothing = || Update { read: None, custom_attributes: serde_json::Map::new() };
        for read in [true, false] {
            let update = Update { read: Some(read), ..nothing() };
            self.does("update", &format!("read {read}"), async |it| it.update(&id, &update).await).await;
        }
        for (name, value) in attributes() {
            let update = Update { custom_attributes: [(name.to_owned(), value)].into_iter().collect(), ..nothing() };
            self.does("update", name, async |it| it.update(&id, &update).await).await;
        }
    }
}

/// A value for each attribute of the fake workspace; together they are of all types that a rule can set.
fn attributes() -> Vec<(&'static str, Value)> {
    let all = vec![
        ("auto_closed_by", json!("snoozed-a-week")),
        ("order_number", json!(4711)),
        ("refund", json!(12.5)),
        ("escalated", json!(true)),
        ("renewal", json!(1_767_225_600)),
        ("topic", json!("Bug")),
        ("orders", json!(["o-1", "o-2"])),
    ];
    let known = Workspace::default().conversation_attributes;
    assert!(all.iter().map(|(name, _)| *name).eq(known.iter().map(|it| it.name.as_str())));
    let kinds: BTreeSet<&str> = all.iter().map(|(_, value)| kind(value)).collect();
    assert_eq!(kinds, BTreeSet::from(["boolean", "list", "number", "text"]));
    all
}

/// The names of what a rule can set; a new kind of value has to be given one here.
fn kind(value: &Value) -> &'static str {
    let value = match value {
        Value::Bool(is) => AttributeValue::Boolean(*is),
        Value::Number(number) => AttributeValue::Number(number.to_string()),
        Value::String(text) => AttributeValue::Text(text.clone()),
        Value::Array(_) => AttributeValue::List(Vec::new()),
        _ => AttributeValue::Other,
    };
    match value {
        AttributeValue::Text(_) => "text",
        AttributeValue::Number(_) => "number",
        AttributeValue::Boolean(_) => "boolean",
        AttributeValue::List(_) => "list",
        AttributeValue::Other => "nothing that a rule can set",
    }
}

/// A client of that version's, which asks as fast as it likes.
pub(crate) fn client(url: &str, version: &str, clock: Clock) -> Intercom {
    let settings = ClientSettings {
        base_url: url.parse().unwrap(),
        api_version: version.to_owned(),
        timeout: Duration::from_secs(30),
        requests_per_10s: Some(10_000),
    };
    let token = SecretString::from(Workspace::default().token);
    Intercom::new(settings, token, Lens::new(TextKey::new(&[7; 32])), clock).unwrap()
}
