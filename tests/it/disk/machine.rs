//! A machine with a disk of its own, on which the program runs as an operator starts it.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use autoclosed::fake_intercom::Workspace;
use autoclosed::intercom::client::install_tls;
use autoclosed::intercom::signature::sign;
use reqwest::StatusCode;
use secrecy::SecretString;
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::time::Instant;

use super::journal::{Image, Lost, after_power_cut, whole};
use super::{Fault, shim};
use crate::campaigns::{binary, starting};
use crate::harness::CLIENT_SECRET;
use crate::simulation::dice::Dice;

/// Longer than anything here takes, so that what never comes fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Names that a disk does not keep.
const PASSING: [&str; 2] = ["-shm", ".lock"];

pub(crate) struct Machine {
    folder: tempfile::TempDir,
    planted: Option<&'static str>,
    /// What the disk held when the program was started.
    before: Image,
}

/// The program, ready.
pub(crate) struct Up {
    child: Child,
    lines: Receiver<String>,
    pub(crate) client: reqwest::Client,
    pub(crate) webhook: String,
    admin: String,
    pub(crate) took: Duration,
    /// What it said until then.
    pub(crate) said: Vec<String>,
}

/// The program, over.
#[derive(Debug)]
pub(crate) struct Over {
    pub(crate) status: ExitStatus,
    pub(crate) said: Vec<String>,
}

impl Machine {
    /// `more` is added to the configuration.
    pub(crate) fn new(intercom: &str, more: &str) -> Machine {
        install_tls();
        let machine = Machine { folder: tempfile::tempdir().unwrap(), planted: None, before: Image::new() };
        std::fs::create_dir(machine.disk()).unwrap();
        let text = format!(
            "mode = \"live\"\n[intercom]\nbase_url = \"{intercom}\"\n[server]\nlisten = \"127.0.0.1:0\"\n\
             [admin]\nlisten = \"127.0.0.1:0\"\n[database]\nurl = \"sqlite:disk/a.db\"\nkeep_bodies = \"all\"\n{more}"
        );
        std::fs::write(machine.file("a.toml"), text).unwrap();
        machine
    }

    /// Takes a safeguard away from the program (`src/sabotage.rs`).
    pub(crate) fn plant(mut self, bug: &'static str) -> Machine {
        self.planted = Some(bug);
        self
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn disk(&self) -> PathBuf {
        self.file("disk")
    }

    /// From now on the fault is there.
    pub(crate) fn arm(&self) {
        std::fs::write(self.file("armed"), "").unwrap();
    }

    /// Whatever was wrong is right again.
    pub(crate) fn mend(&self) {
        let _ = std::fs::remove_file(self.file("armed"));
    }

    /// How many operations have failed.
    pub(crate) fn failed(&self) -> u64 {
        std::fs::metadata(self.file("met")).map_or(0, |file| file.len())
    }

    /// When the database file itself was written to last; commits go to the log first.
    pub(crate) fn moved_at(&self) -> (i64, i64) {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(self.disk().join("a.db")).map_or((0, 0), |file| (file.mtime(), file.mtime_nsec()))
    }

    /// Bytes of the write-ahead log.
    pub(crate) fn log(&self) -> u64 {
        std::fs::metadata(self.disk().join("a.db-wal")).map_or(0, |file| file.len())
    }

    fn program(&self, fault: Option<&Fault>) -> Command {
        let mut program = starting(binary());
        program
            .args(["run", "--config", "a.toml"])
            .current_dir(self.folder.path())
            .env_clear()
            .env("RUST_LOG", "info")
            .env("INTERCOM_ACCESS_TOKEN", Workspace::default().token)
            .env("INTERCOM_CLIENT_SECRET", CLIENT_SECRET)
            .env("LD_PRELOAD", shim())
            .env("DISK_FOLDER", self.disk())
            .env("DISK_JOURNAL", self.file("journal"))
            .env("DISK_ARMED", self.file("armed"))
            .env("DISK_MET", self.file("met"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        program.envs(self.planted.map(|bug| ("AUTOCLOSED_PLANTED", bug)));
        program.envs(fault.map(|fault| ("DISK_FAULT", fault.told())));
        program
    }

    /// Starts it and waits until it is ready, or over. Once it says that it waits for its disk, the disk is mended.
    pub(crate) fn start(&mut self, fault: Option<&Fault>) -> Result<Up, Over> {
        self.goes_on();
        let began = Instant::now();
        let mut child = self.program(fault).spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut said = Vec::new();
        loop {
            let Ok(line) = lines.recv_timeout(PATIENCE) else { return Err(over(child, said)) };
            let told: Value = serde_json::from_str(&line).unwrap_or_default();
            if line.contains("trying again") {
                self.mend();
            }
            said.push(line);
            if let (Some(webhook), Some(health)) = (told["webhook"].as_str(), told["health"].as_str()) {
                let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
                let admin = health.strip_suffix("/health").unwrap().to_owned();
                let (webhook, took) = (webhook.to_owned(), began.elapsed());
                return Ok(Up { child, lines, client, webhook, admin, took, said });
            }
        }
    }

    /// A disk remembers what was not synced from one start to the next, until the power goes.
    fn goes_on(&mut self) {
        let file = self.file("journal");
        match std::fs::read(&file) {
            Ok(journal) => std::fs::write(&file, whole(&journal)).unwrap(),
            Err(_) => self.before = self.image(),
        }
    }

    /// As [`Machine::power_cut`], and the machine is switched on again.
    pub(crate) fn loses_power(&mut self, dice: &mut Dice) -> Lost {
        let lost = self.power_cut(dice);
        std::fs::remove_file(self.file("journal")).unwrap();
        lost
    }

    fn image(&self) -> Image {
        let mut image = Image::new();
        for file in std::fs::read_dir(self.disk()).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if !PASSING.iter().any(|end| name.ends_with(end)) {
                image.insert(name, std::fs::read(&path).unwrap());
            }
        }
        image
    }

    /// The program was killed; now the power goes, too: what was not synced is lost, or not, piece by piece.
    pub(crate) fn power_cut(&self, dice: &mut Dice) -> Lost {
        let journal = std::fs::read(self.file("journal")).unwrap();
        let (image, lost) = after_power_cut(self.before.clone(), &journal, dice);
        std::fs::remove_dir_all(self.disk()).unwrap();
        std::fs::create_dir(self.disk()).unwrap();
        for (name, bytes) in image {
            std::fs::write(self.disk().join(name), bytes).unwrap();
        }
        lost
    }

    /// Somebody else at the database. Close it: left to itself it goes later, and takes the log with it by its name, whatever
    /// disk lies there by then.
    pub(crate) async fn stranger(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.disk().join("a.db")).connect().await.unwrap()
    }

    /// What is wrong with the database, in words.
    pub(crate) async fn damage(&self) -> Option<String> {
        let mut stranger = self.stranger().await;
        let check: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut stranger).await.unwrap();
        let strays = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut stranger).await.unwrap();
        stranger.close().await.unwrap();
        (check != ["ok"] || !strays.is_empty()).then(|| format!("{check:?}, and {} stray rows", strays.len()))
    }

    /// Which of these notifications are not in the database: all of them, if there is not even a table for them.
    pub(crate) async fn missing(&self, acknowledged: &[String]) -> Vec<String> {
        let ids = sqlx::query_scalar("SELECT id FROM seen_notifications");
        let mut stranger = self.stranger().await;
        let ids: Vec<String> = ids.fetch_all(&mut stranger).await.unwrap_or_default();
        stranger.close().await.unwrap();
        let there: HashSet<String> = ids.into_iter().collect();
        acknowledged.iter().filter(|id| !there.contains(*id)).cloned().collect()
    }
}

impl Up {
    /// What becomes of a notification; `None` if it was not answered.
    pub(crate) async fn post(&self, body: Vec<u8>) -> Option<StatusCode> {
        let signature = sign(&SecretString::from(CLIENT_SECRET), &body);
        let request = self.client.post(&self.webhook).header("X-Hub-Signature", signature).body(body);
        request.send().await.ok().map(|answer| answer.status())
    }

    pub(crate) async fn is_ready(&self) -> bool {
        let asked = self.client.get(format!("{}/ready", self.admin)).send().await;
        asked.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    /// One check of health: whether it is well, and what it says.
    pub(crate) async fn check(&self, name: &str) -> (bool, String) {
        let report = self.client.get(format!("{}/health", self.admin)).send().await.unwrap();
        let report: Value = report.json().await.unwrap();
        let check = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap().clone();
        (check["ok"] == true, check["detail"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let page = self.client.get(format!("{}/metrics", self.admin)).send().await.unwrap().text().await.unwrap();
        let line = page.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().parse().unwrap()
    }

    /// Whether it has ended by itself.
    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn send(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", signal, &pid]).status().unwrap().success());
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn ends(mut self, signal: &str) -> Over {
        self.send(signal);
        let status = self.child.wait().unwrap();
        let mut said: Vec<String> = self.lines.iter().collect();
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        said.extend(stderr.lines().map(str::to_owned));
        Over { status, said }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It has ended already unless its test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn over(mut child: Child, mut said: Vec<String>) -> Over {
    let _ = child.kill();
    let status = child.wait().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    said.extend(stderr.lines().map(str::to_owned));
    Over { status, said }
}
