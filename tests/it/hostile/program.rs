//! The program itself, as strangers see it from outside, and what the system says of it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use autoclosed::fake_intercom::Workspace;
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};

use crate::campaigns::{binary, starting};
use crate::harness::CLIENT_SECRET;

/// Longer than anything takes that it says.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Program {
    child: Child,
    folder: tempfile::TempDir,
    lines: Receiver<String>,
    seen: Vec<String>,
    pub(crate) webhook: SocketAddr,
}

impl Program {
    /// Starts it in a folder of its own, with an Intercom at that address, and waits until it is ready.
    pub(crate) fn start(intercom: &str, level: &str, more: &str) -> Program {
        let folder = tempfile::tempdir().unwrap();
        let configuration = format!(
            "mode = \"live\"\n[intercom]\nbase_url = \"{intercom}\"\napp_id = \"{}\"\n[server]\nlisten = \"127.0.0.1:0\"\n\
             [admin]\nlisten = \"127.0.0.1:0\"\n[database]\nurl = \"sqlite:a.db\"\n{more}",
            Workspace::default().app_id
        );
        std::fs::write(folder.path().join("a.toml"), configuration).unwrap();
        let mut child = starting(binary())
            .args(["run", "--config", "a.toml"])
            .current_dir(folder.path())
            .env_clear()
            .env("RUST_LOG", level)
            .env("INTERCOM_ACCESS_TOKEN", Workspace::default().token)
            .env("INTERCOM_CLIENT_SECRET", CLIENT_SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let webhook = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut program = Program { child, folder, lines, seen: Vec::new(), webhook };
        let ready: Value = serde_json::from_str(&program.hears("is ready")).unwrap();
        let webhook = ready["webhook"].as_str().unwrap();
        program.webhook = webhook.trim_start_matches("http://").trim_end_matches("/webhooks/intercom").parse().unwrap();
        program
    }

    /// The line that says so, from now on or before.
    pub(crate) fn hears(&mut self, words: &str) -> String {
        loop {
            if let Some(line) = self.seen.iter().find(|line| line.contains(words)) {
                return line.clone();
            }
            let line = self.lines.recv_timeout(PATIENCE);
            assert!(line.is_ok(), "never said: {words}\n{:#?}", self.seen);
            self.seen.extend(line);
        }
    }

    /// Ends it, and gives all that it has said.
    pub(crate) fn ended(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.seen.extend(self.lines.iter());
        std::mem::take(&mut self.seen)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("a.db")
    }

    /// What a question to its database gives.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        let mut stranger = SqliteConnectOptions::new().filename(self.database()).connect().await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut stranger).await.unwrap()
    }

    /// Its memory, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most that it ever was, in KiB.
    pub(crate) fn most_resident(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, which: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(which)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Files and sockets that it has open.
    pub(crate) fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already unless its test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
