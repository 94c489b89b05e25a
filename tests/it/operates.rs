//! The program itself, as an operator runs it: exit statuses, what it prints, signals, and one close from end to end.

mod activated;
mod beside;
mod confined;
mod files;
mod heeds;
mod leaks;
mod refusals;
mod service;
mod two;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use autoclosed::clock::Clock;
use autoclosed::fake_intercom::{FakeIntercom, Workspace};
use autoclosed::intercom::client::install_tls;
use autoclosed::intercom::signature::sign;
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::time::{Instant, sleep};

const CLIENT_SECRET: &str = "s3cret-of-the-client";
/// Longer than anything here takes, so that what never comes fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with a configuration, and the program.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(configuration: &str) -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        std::fs::write(place.file("a.toml"), configuration).unwrap();
        place
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with both secrets, in a folder and an environment of its own.
    fn program(&self, command: &str) -> Command {
        let mut program = crate::campaigns::starting(env!("CARGO_BIN_EXE_autoclosed"));
        program
            .args([command, "--config", "a.toml"])
            .current_dir(self.folder.path())
            .env_clear()
            .env("RUST_LOG", "trace")
            .env("INTERCOM_ACCESS_TOKEN", Workspace::default().token)
            .env("INTERCOM_CLIENT_SECRET", CLIENT_SECRET)
            .stdin(Stdio::null());
        program
    }

    fn output(&self, command: &str) -> Output {
        self.program(command).output().unwrap()
    }
}

fn told(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Listens anywhere, and asks an Intercom that is not there.
fn lonely(more: &str) -> String {
    configuration("http://127.0.0.1:1", more)
}

fn configuration(intercom: &str, more: &str) -> String {
    format!(
        "mode = \"live\"\n[intercom]\nbase_url = \"{intercom}\"\n[server]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         [database]\nurl = \"sqlite:a.db\"\n{more}"
    )
}

const RULE: &str = r#"
[schedule]
sweep = "* * * * * *"

[[rule]]
name = "snoozed"
match.state = ["snoozed", "woken"]
match.waiting_on = "anyone"
step = [{ after = "2 seconds", do = "close", silent = true }]
"#;

/// Nothing in it is warned of.
const CALM: &str = r#"
[[rule]]
name = "snoozed"
match.state = ["snoozed", "woken"]
step = [{ after = "7 days", do = "close", silent = true }]
"#;

#[test]
fn a_good_configuration_is_told_with_status_0() {
    let done = Place::new(&lonely(RULE)).output("check");
    assert_eq!(done.status.code(), Some(0), "{}", told(&done.stderr));
    assert!(told(&done.stdout).starts_with("a.toml is in order."), "{}", told(&done.stdout));
}

#[test]
fn a_bad_configuration_is_refused_alike_by_check_and_run_before_anything_is_made() {
    let place = Place::new("mode = \"life\"\n[server]\nlisten = 8080\n");
    let (check, run) = (place.output("check"), place.output("run"));
    assert_eq!((check.status.code(), run.status.code()), (Some(2), Some(2)));
    assert_eq!(told(&check.stderr), told(&run.stderr));
    let first = told(&check.stderr).lines().next().unwrap().to_owned();
    assert!(first.starts_with("a.toml:1:8: "), "{first}");
    assert!(told(&check.stderr).contains("\na.toml:3:10: "), "all mistakes in one run: {}", told(&check.stderr));
    assert!(!place.file("autoclosed.db").exists());
}

#[test]
fn bad_arguments_have_status_2() {
    let place = Place::new("");
    let mut program = crate::campaigns::starting(env!("CARGO_BIN_EXE_autoclosed"));
    program.current_dir(place.folder.path());
    assert_eq!(program.arg("run").arg("--confg").output().unwrap().status.code(), Some(2));
    assert_eq!(place.program("close").output().unwrap().status.code(), Some(2));
}

#[test]
fn a_missing_secret_is_named_with_status_2() {
    let place = Place::new(&lonely(""));
    for variable in ["INTERCOM_ACCESS_TOKEN", "INTERCOM_CLIENT_SECRET"] {
        for value in [None, Some(" ")] {
            let mut program = place.program("run");
            match value {
                None => program.env_remove(variable),
                Some(value) => program.env(variable, value),
            };
            let done = program.output().unwrap();
            assert_eq!(done.status.code(), Some(2), "{variable} {value:?}");
            assert!(told(&done.stderr).contains(variable), "{}", told(&done.stderr));
        }
    }
    assert!(!place.file("a.db").exists());
}

#[test]
fn a_database_that_is_not_ours_is_refused_with_status_3_and_left_as_it_was() {
    let place = Place::new(&lonely(CALM));
    let text = "notes of somebody else's, long enough to be looked into as a database would be";
    std::fs::write(place.file("a.db"), text).unwrap();
    let before = std::fs::metadata(place.file("a.db")).unwrap().modified().unwrap();
    let done = place.output("run");
    assert_eq!(done.status.code(), Some(3));
    insta::assert_snapshot!(told(&done.stderr), @"autoclosed: a.db is not an autoclosed database; name another file in [database] url");
    assert_eq!(std::fs::read_to_string(place.file("a.db")).unwrap(), text);
    assert_eq!(std::fs::metadata(place.file("a.db")).unwrap().modified().unwrap(), before);
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 2, "nothing was made beside it");
}

#[test]
fn an_occupied_port_is_named_with_status_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for section in ["server", "admin"] {
        let free = format!("[{section}]\nlisten = \"127.0.0.1:0\"");
        let place = Place::new(&lonely("").replace(&free, &format!("[{section}]\nlisten = \"{address}\"")));
        let done = place.output("run");
        assert_eq!(done.status.code(), Some(1));
        let why = told(&done.stderr);
        assert!(why.contains(&address.to_string()) && why.contains(&format!("[{section}]")), "{why}");
        assert!(!place.file("a.db").exists());
    }
}

/// A daemon that runs, and all that it has printed.
struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    fn start(place: &Place) -> Running {
        Running::of(&mut place.program("run"))
    }

    fn of(program: &mut Command) -> Running {
        let mut child = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Running { child, lines, seen: Vec::new() }
    }

    /// The line that says so, now or earlier.
    fn wait_for(&mut self, words: &str) -> Value {
        self.wait_within(PATIENCE, words)
    }

    fn wait_within(&mut self, patience: Duration, words: &str) -> Value {
        if let Some(line) = self.seen.iter().find(|line| line.contains(words)) {
            return serde_json::from_str(line).unwrap();
        }
        loop {
            let line = self.lines.recv_timeout(patience);
            let line = line.unwrap_or_else(|_| format!("never said: {words}\n{:#?}", self.seen));
            assert!(!line.starts_with("never"), "{line}");
            self.seen.push(line.clone());
            if line.contains(words) {
                return serde_json::from_str(&line).unwrap();
            }
        }
    }

    /// How many lines say so by now.
    fn count(&mut self, words: &str) -> usize {
        self.seen.extend(self.lines.try_iter());
        self.seen.iter().filter(|line| line.contains(words)).count()
    }

    /// Sends a signal as an operator does.
    fn send(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &pid]).status().unwrap().success());
    }

    /// Sends a signal and waits for the end.
    fn signal(self, name: &str) -> (ExitStatus, Duration, Vec<String>) {
        self.send(name);
        self.ended()
    }

    /// Waits for the end: with which status, after how long, and all that was printed.
    fn ended(mut self) -> (ExitStatus, Duration, Vec<String>) {
        let began = Instant::now();
        let status = self.child.wait().unwrap();
        let took = began.elapsed();
        self.seen.extend(self.lines.iter());
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        self.seen.extend(stderr.lines().map(str::to_owned));
        (status, took, std::mem::take(&mut self.seen))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already unless its test failed.
        let _ = self.child.kill();
    }
}

#[test]
fn a_signal_ends_it_with_status_0_within_two_seconds() {
    for signal in ["TERM", "INT"] {
        let place = Place::new(&lonely(CALM));
        let mut running = Running::start(&place);
        running.wait_for("is ready");
        let (status, took, lines) = running.signal(signal);
        assert_eq!(status.code(), Some(0), "{signal}: {lines:#?}");
        assert!(took < Duration::from_secs(2), "{signal}: {took:?}");
        assert!(lines.last().unwrap().contains("\"stopped\""), "{lines:#?}");
    }
}

#[test]
fn logs_are_one_json_object_on_a_line_each() {
    let place = Place::new(&lonely(CALM));
    let mut running = Running::start(&place);
    let ready = running.wait_for("is ready");
    assert!(ready["webhook"].as_str().unwrap().ends_with("/webhooks/intercom"), "{ready}");
    running.wait_for("the look at the workspace failed");
    let (_, _, lines) = running.signal("TERM");
    assert!(lines.len() > 3);
    for line in lines {
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for field in ["timestamp", "level", "message"] {
            assert!(line[field].is_string(), "{line}");
        }
    }
}

fn snoozed(webhook: &str) -> reqwest::RequestBuilder {
    install_tls();
    let body = include_bytes!("payloads/v2.conversation.admin.snoozed.json");
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let signature = sign(&SecretString::from(CLIENT_SECRET), body);
    client.post(webhook).header("X-Hub-Signature", signature).body(body.as_slice())
}

async fn stranger(place: &Place) -> SqliteConnection {
    SqliteConnectOptions::new().filename(place.file("a.db")).connect().await.unwrap()
}

async fn recorded(place: &Place) -> Vec<String> {
    let topics = sqlx::query_scalar("SELECT topic FROM notification");
    topics.fetch_all(&mut stranger(place).await).await.unwrap()
}

#[tokio::test]
async fn what_was_answered_200_is_there_after_a_kill() {
    let place = Place::new(&lonely(""));
    let mut running = Running::start(&place);
    let ready = running.wait_for("is ready");
    let answer = snoozed(ready["webhook"].as_str().unwrap()).send().await.unwrap();
    running.send("KILL");
    assert_eq!(answer.status(), 200);
    let (status, _, _) = running.ended();
    assert_eq!(status.code(), None, "killed");
    assert_eq!(recorded(&place).await, ["conversation.admin.snoozed"]);
}

/// Half a second of real time shows that the request is on its way, and that the signal does not cut it off.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_runs_when_it_is_told_to_stop_is_answered_first() {
    let place = Place::new(&lonely(""));
    let mut running = Running::start(&place);
    let ready = running.wait_for("is ready");
    let mut lock = stranger(&place).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut lock).await.unwrap();
    let answer = tokio::spawn(snoozed(ready["webhook"].as_str().unwrap()).send());
    sleep(Duration::from_millis(250)).await;
    running.send("TERM");
    running.wait_for("stopping");
    sleep(Duration::from_millis(250)).await;
    assert!(!answer.is_finished());
    sqlx::query("ROLLBACK").execute(&mut lock).await.unwrap();
    assert_eq!(answer.await.unwrap().unwrap().status(), 200);
    let (status, took, lines) = running.ended();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(recorded(&place).await, ["conversation.admin.snoozed"]);
}

/// Waits until something is so. The program keeps its own time here, so the test must wait in real time.
async fn until(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "it never came about");
        sleep(Duration::from_millis(20)).await;
    }
}

/// The one test on the real clock from end to end: two seconds of silence, and a few more in which a second close
/// could follow. Everything else about time is tested on a clock that is moved by hand.
#[tokio::test(flavor = "multi_thread")]
async fn a_snoozed_conversation_is_closed_once_by_the_running_program() {
    let fake = FakeIntercom::start(Clock::System, Workspace::default()).await.unwrap();
    let place = Place::new(&configuration(&fake.url(), RULE));
    let mut running = Running::start(&place);
    let ready = running.wait_for("is ready");
    fake.send_notifications_to(ready["webhook"].as_str().unwrap(), CLIENT_SECRET);
    let id = fake.contact_starts("How do I export my data?");
    fake.teammate_replies(&id, "Under Settings, then Export.");
    let snoozed_at = Clock::System.now();
    fake.teammate_snoozes(&id, snoozed_at + SignedDuration::from_hours(24));
    fake.settle().await;
    let answers: Vec<_> = fake.notifications().iter().map(|sent| (sent.topic.clone(), sent.status)).collect();
    assert_eq!(answers.last().unwrap(), &("conversation.admin.snoozed".to_owned(), Some(200)), "{answers:?}");

    until(|| !fake.mutating_calls().is_empty()).await;
    sleep(Duration::from_secs(3)).await;
    let calls = fake.mutating_calls();
    let [close] = calls.as_slice() else { panic!("one call and no more: {calls:#?}") };
    let id = id.as_str();
    assert_eq!(
        (close.method.as_str(), &close.path, close.status),
        ("POST", &format!("/conversations/{id}/parts"), Some(200))
    );
    let admin = Workspace::default().token_admin;
    assert_eq!(close.body, Some(json!({"message_type": "close", "type": "admin", "admin_id": admin})));
    // Intercom's times are whole seconds.
    let waited = close.at.duration_since(snoozed_at);
    assert!((SignedDuration::from_millis(1000)..SignedDuration::from_secs(8)).contains(&waited), "{waited:?}");

    let (status, _, lines) = running.signal("TERM");
    assert_eq!(status.code(), Some(0));
    let token = Workspace::default().token;
    for hidden in [token.as_str(), CLIENT_SECRET, "export my data", "Under Settings", "Bearer", "sha1="] {
        let shown: Vec<_> = lines.iter().filter(|line| line.contains(hidden)).collect();
        assert!(shown.is_empty(), "{hidden}: {shown:#?}");
    }
    let journal = journal(&place.file("a.db")).await;
    assert_eq!(journal, ["done close"]);
}

/// The check `config` of a running program, as its listener for operators tells it.
async fn config_check(ready: &Value) -> Value {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let report = client.get(ready["health"].as_str().unwrap()).send().await.unwrap();
    let report: Value = report.json().await.unwrap();
    report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "config").unwrap().clone()
}

/// Nobody can say when a signal has been taken, so that the second one may come at any moment of the first reload.
#[tokio::test(flavor = "multi_thread")]
async fn sighup_reads_the_configuration_again_and_a_bad_one_changes_nothing() {
    let fake = FakeIntercom::start(Clock::System, Workspace::default()).await.unwrap();
    let (schedule, rules) = RULE.split_once("[[rule]]").unwrap();
    let place = Place::new(&configuration(&fake.url(), schedule));
    let mut running = Running::start(&place);
    let ready = running.wait_for("is ready");
    fake.send_notifications_to(ready["webhook"].as_str().unwrap(), CLIENT_SECRET);
    let id = fake.contact_starts("How do I export my data?");
    fake.teammate_replies(&id, "Under Settings, then Export.");
    fake.teammate_snoozes(&id, Clock::System.now() + SignedDuration::from_hours(24));
    fake.settle().await;

    let bad = configuration(&fake.url(), "access_token = \"hunter2\"\n").replace("\"live\"", "\"life\"");
    std::fs::write(place.file("a.toml"), bad).unwrap();
    running.send("HUP");
    let told = running.wait_for("not reloaded; the old rules still hold");
    let why = told["why"].as_str().unwrap();
    assert!(why.starts_with("a.toml:1:8: ") && why.ends_with(" (and 1 more)"), "{why}");
    let check = config_check(&ready).await;
    assert_eq!(
        check,
        json!({"name": "config", "ok": false, "detail": format!("{why}; not reloaded, the old rules still hold")})
    );

    let good = configuration(&fake.url(), &format!("{schedule}[[rule]]{rules}"));
    std::fs::write(place.file("a.toml"), good).unwrap();
    running.send("HUP");
    running.send("HUP");
    running.wait_for("reloaded the configuration (live)");
    until(|| fake.conversation(&id).unwrap().state == "closed").await;
    let check = config_check(&ready).await;
    assert_eq!(check, json!({"name": "config", "ok": true, "detail": "1 rule, live"}));

    let (status, _, lines) = running.signal("TERM");
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("a.toml:1:8: ")), "all mistakes on standard error: {lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("hunter2")), "{lines:#?}");
}

async fn journal(database: &Path) -> Vec<String> {
    let store = autoclosed::store::Store::open(database).await.unwrap();
    let lines = store.journal(None).await.unwrap();
    lines.iter().map(|line| format!("{} {}", line.outcome, line.step)).collect()
}
