//! No secret and nothing that anybody wrote is in any output, with everything logged that can be.

use autoclosed::fake_intercom::{Endpoint, Fault};

use super::*;

/// In all that must stay hidden, and in nothing else.
const CANARY: &str = "canary";
const TOKEN: &str = "canary-token-5f1d";
const SECRET: &str = "canary-client-secret-8a02";

const RULES: &str = r#"
[schedule]
sweep = "* * * * * *"
reconcile = "*/2 * * * * *"

[safety]
unclear_quiet = "1 second"

[[rule]]
name = "quiet"
match.state = ["open", "snoozed", "woken"]
match.waiting_on = "anyone"
[[rule.step]]
after = "1 second"
do = "note"
body = "Canary of a note on {{ conversation.title | default('nothing') }}."
[[rule.step]]
after = "2 seconds"
do = "reply"
body = "Canary of a reminder to {{ contact.first_name | default('there') }}."
[[rule.step]]
after = "3 seconds"
do = "close"
body = "Canary of a goodbye to {{ contact.name | default('you') }}, until {{ closes_at | date }}."
tags = ["auto-closed"]
set.auto_closed_by = "Canary of an attribute, {{ rule }}"
"#;

fn workspace() -> Workspace {
    let mut workspace = Workspace { token: TOKEN.into(), ..Workspace::default() };
    for contact in &mut workspace.contacts {
        contact.name = Some("Canary".into());
        contact.email = Some("canary@example.com".into());
    }
    workspace
}

/// The program with its secrets as systemd hands them out: in files.
fn program(place: &Place, command: &str) -> Command {
    let credentials = place.file("credentials");
    std::fs::create_dir_all(&credentials).unwrap();
    std::fs::write(credentials.join("intercom-access-token"), TOKEN).unwrap();
    std::fs::write(credentials.join("intercom-client-secret"), SECRET).unwrap();
    let mut program = place.program(command);
    program.env_remove("INTERCOM_ACCESS_TOKEN").env_remove("INTERCOM_CLIENT_SECRET");
    program.env("CREDENTIALS_DIRECTORY", credentials).env("RUST_BACKTRACE", "full");
    program
}

/// All that was said, by where.
#[derive(Default)]
struct Outputs(Vec<(String, String)>);

impl Outputs {
    fn add(&mut self, whence: &str, text: impl Into<String>) {
        self.0.push((whence.to_owned(), text.into()));
    }

    /// Every place in which the canary sings, or a header shows that bore a secret.
    fn hits(&self) -> Vec<String> {
        let lines = self.0.iter().flat_map(|(whence, text)| text.lines().map(move |line| (whence, line)));
        lines.filter(|(whence, line)| sings(whence, line)).map(|(whence, line)| format!("{whence}: {line}")).collect()
    }

    async fn add_answer(&mut self, whence: &str, request: reqwest::RequestBuilder) {
        let answer = request.send().await.unwrap();
        let head = format!("{} {:?}", answer.status(), answer.headers());
        self.add(whence, format!("{head}\n{}", answer.text().await.unwrap()));
    }

    fn add_command(&mut self, place: &Place, arguments: &[&str]) {
        let done = program(place, arguments[0]).args(&arguments[1..]).output().unwrap();
        self.add(&arguments.join(" "), format!("{}\n{}", super::told(&done.stdout), super::told(&done.stderr)));
    }
}

/// `check` shows the operator his own messages, as customers would get them; but no secret either.
fn sings(whence: &str, line: &str) -> bool {
    let line = line.to_lowercase();
    let signature = line.split("sha1=").skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit()));
    let canary = if whence.starts_with("check") { "canary-" } else { CANARY };
    signature || line.contains("bearer ") || line.contains(canary)
}

fn client() -> reqwest::Client {
    install_tls();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

/// What one could send there, with a good signature and with none.
async fn notify(outputs: &mut Outputs, webhook: &str) {
    let told =
        serde_json::from_slice::<Value>(include_bytes!("../payloads/v2.conversation.user.replied.json")).unwrap();
    let mut ours = told;
    ours["app_id"] = json!(workspace().app_id);
    ours["data"]["item"]["source"]["subject"] = json!("Canary of a subject");
    ours["data"]["item"]["source"]["body"] = json!("<p>Canary of a question</p>");
    ours["data"]["item"]["custom_attributes"] = json!({"plan": "canary of an attribute"});
    let mut odd = ours.clone();
    odd["data"]["item"] = json!(["canary of an odd shape"]);
    odd["id"] = json!("notif_odd");
    let bodies = [ours.to_string(), odd.to_string(), "canary, and no JSON".into(), "{\"topic\": \"canary".into()];
    for body in bodies {
        let good = sign(&SecretString::from(SECRET), body.as_bytes());
        for signature in [good.as_str(), "sha1=canary", &good.replace("sha1", "canary")] {
            let request = client().post(webhook).header("X-Hub-Signature", signature).body(body.clone());
            outputs.add_answer("webhook", request).await;
        }
    }
    let elsewhere = client().get(format!("{webhook}/canary?canary=1")).header("Authorization", "canary");
    let answer = elsewhere.send().await.unwrap();
    outputs.add("elsewhere", answer.text().await.unwrap());
}

/// What others on the machine can read of the process, and of the children that it has.
fn add_process(outputs: &mut Outputs, pid: u32) {
    for file in ["cmdline", "environ"] {
        let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap();
        outputs.add(file, String::from_utf8_lossy(&bytes).replace('\0', "\n"));
    }
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let children = std::fs::read_to_string(thread.unwrap().path().join("children")).unwrap();
        assert_eq!(children, "", "it has no children, so nobody inherits anything");
    }
}

/// Journal and attempts, as one line for each row.
async fn add_journal(outputs: &mut Outputs, place: &Place) -> usize {
    let rows = "SELECT json_array(rule, step, do, outcome, why, inputs) FROM journal
        UNION ALL SELECT json_array(rule, step, outcome, why, template, digest, deeds) FROM attempt";
    let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(&mut stranger(place).await).await.unwrap();
    outputs.add("journal", rows.join("\n"));
    rows.len()
}

/// Intercom's errors that repeat what they were sent.
fn arrange_echoes(fake: &FakeIntercom) {
    let echo = json!({
        "type": "error.list", "request_id": "canary of an id",
        "errors": [{"code": "Canary of a code", "message": format!("canary {TOKEN}"), "field": "canary"}],
    });
    let refused = |status: u16| Fault::Status { status, body: echo.to_string() };
    fake.fault(Endpoint::Note, refused(422));
    fake.fault(Endpoint::Reply, refused(500));
    fake.fault(Endpoint::Conversation, Fault::Status { status: 200, body: "\"canary of garbage\"".into() });
    fake.fault(Endpoint::Contact, Fault::Redirect("http://127.0.0.1:1/canary".into()));
    fake.fault(Endpoint::Tag, refused(400));
    fake.fault(Endpoint::Update, refused(404));
}

/// Mistakes near what somebody took for the place of a secret.
const MISTAKES: [&str; 4] = [
    "[intercom]\naccess_token = \"canary-token-5f1d\"",
    "client_secret = \"canary-client-secret-8a02",
    "[intercom]\nbase_url = \"https://canary:canary-token-5f1d@api.example.com\"",
    "mode = 1 # INTERCOM_ACCESS_TOKEN=canary-token-5f1d",
];

async fn mislead(outputs: &mut Outputs, place: &Place, running: &mut Running) {
    let good = std::fs::read_to_string(place.file("a.toml")).unwrap();
    for mistake in MISTAKES {
        std::fs::write(place.file("a.toml"), mistake).unwrap();
        for command in ["check", "run", "pause"] {
            outputs.add_command(place, &[command]);
        }
        let reloads = running.count("not reloaded");
        running.send("HUP");
        until(|| running.count("not reloaded") > reloads).await;
    }
    std::fs::write(place.file("a.toml"), good).unwrap();
    running.send("HUP");
    running.wait_for("reloaded the configuration");
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_secrets_nor_anybody_s_words_are_in_any_output() {
    let fake = FakeIntercom::start(Clock::System, workspace()).await.unwrap();
    let place = Place::new(&configuration(&fake.url(), RULES));
    let mut outputs = Outputs::default();
    let mut running = Running::of(&mut program(&place, "run"));
    let ready = running.wait_for("is ready");
    let (webhook, health) = (ready["webhook"].as_str().unwrap(), ready["health"].as_str().unwrap());
    fake.send_notifications_to(webhook, SECRET);
    arrange_echoes(&fake);
    let ids = ["Canary of a question", "Canary of another", "Canary of a third"].map(|text| fake.contact_starts(text));
    for id in &ids {
        fake.teammate_notes(id, "Canary of a note");
        fake.set_attribute(id, "plan", "canary of an attribute");
        fake.teammate_replies(id, "Canary of an answer");
    }
    notify(&mut outputs, webhook).await;
    mislead(&mut outputs, &place, &mut running).await;
    until(|| fake.mutating_calls().iter().any(|call| call.endpoint == Endpoint::Update)).await;
    add_process(&mut outputs, running.child.id());
    for path in ["/health", "/ready", "/metrics"] {
        let inside = health.replace("/health", path);
        outputs.add_answer(path, client().get(&inside)).await;
    }
    outputs.add_answer("public /health", client().get(webhook.replace("/webhooks/intercom", "/health"))).await;
    let id = ids[0].as_str();
    for arguments in [&["check"][..], &["check", "--json"], &["hold", id], &["release", id], &["pause"], &["resume"]] {
        outputs.add_command(&place, arguments);
    }
    let journalled = add_journal(&mut outputs, &place).await;
    let (status, _, lines) = running.signal("TERM");
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    outputs.add("log", lines.join("\n"));
    assert_eq!(outputs.hits(), Vec::<String>::new());

    assert!(journalled > 6, "something was done: {journalled}");
    for done in ["a call to Intercom failed", "refused a notification", "recorded a notification", "not reloaded"] {
        assert!(lines.iter().any(|line| line.contains(done)), "{done}");
    }
    assert_the_canary_sings_where_it_may(&fake);
}

/// Else nothing was found because nothing was there to be found.
fn assert_the_canary_sings_where_it_may(fake: &FakeIntercom) {
    let mut outputs = Outputs::default();
    for call in fake.mutating_calls() {
        outputs.add("call", call.body.map(|body| body.to_string()).unwrap_or_default());
    }
    for sent in fake.notifications() {
        outputs.add("notification", super::told(&sent.body));
    }
    let hits = outputs.hits().join("\n");
    for words in [
        "Canary of a note on",
        "Canary of a reminder to Canary",
        "Canary of a goodbye to Canary, until",
        "Canary of an attribute, quiet",
        "Canary of a question",
        "Canary of an answer",
        "canary@example.com",
    ] {
        assert!(hits.contains(words), "{words} is nowhere");
    }
}
