//! The program in a process of its own, as a supervisor runs it: started, asked whether it is ready, killed, stopped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use autoclosed::fake_intercom::Workspace;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::{binary, starting};
use crate::harness::{CLIENT_SECRET, House};

/// Longer than anything here takes, so that what never comes fails instead of hanging.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where it listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) webhook: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// A program that runs. It goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    began: Instant,
    listens: Option<oneshot::Receiver<Addresses>>,
    errors: Arc<Mutex<Vec<String>>>,
}

/// The program with a command, in the environment of a supervisor. A planted bug is handed on.
pub(crate) fn command(house: &House, words: &[&str]) -> Command {
    let mut command = starting(binary());
    command.args(words).arg("--config").arg(house.file());
    command.current_dir(house.folder()).env_clear().env("RUST_LOG", "info");
    command.env("INTERCOM_ACCESS_TOKEN", Workspace::default().token).env("INTERCOM_CLIENT_SECRET", CLIENT_SECRET);
    command.envs(std::env::vars().filter(|(name, _)| name == "AUTOCLOSED_PLANTED"));
    command.stdin(Stdio::null());
    command
}

/// The same command as systemd starts it when it keeps the socket: as file descriptor 3, with its name.
pub(crate) fn activated(wanted: &Command, name: &str, socket: &std::net::TcpListener) -> Command {
    let mut shell = Command::new("/bin/sh");
    let passing = "exec 3<&0 0</dev/null; LISTEN_PID=$$ exec \"$0\" \"$@\"";
    shell.arg("-c").arg(passing).arg(wanted.get_program()).args(wanted.get_args()).env_clear();
    shell.envs(wanted.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(wanted.get_current_dir().unwrap_or(Path::new(".")));
    shell.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", name);
    shell.stdin(OwnedFd::from(socket.try_clone().unwrap()));
    shell
}

impl Program {
    pub(crate) fn start(house: &House, pid: &Path) -> Program {
        Program::of(command(house, &["run"]), pid)
    }

    /// Starts it in a process group of its own, and writes down in `pid` which one it is; beside it lies what it says on
    /// standard error.
    pub(crate) fn of(mut command: Command, pid: &Path) -> Program {
        let began = Instant::now();
        let stderr = std::fs::File::create(pid.with_file_name("stderr")).unwrap();
        let mut child = command.process_group(0).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        std::fs::write(pid, child.id().to_string()).unwrap();
        let (listens, told) = oneshot::channel();
        let errors = Arc::<Mutex<Vec<String>>>::default();
        let (stdout, kept) = (BufReader::new(child.stdout.take().unwrap()), Arc::clone(&errors));
        std::thread::spawn(move || listen(stdout, listens, &kept));
        Program { child, began, listens: Some(told), errors }
    }

    /// Waits until it says that it is able to record, and tells where it listens and how long that took.
    pub(crate) async fn ready(&mut self) -> Result<(Addresses, Duration), String> {
        let listens = self.listens.take().ok_or("it was ready before")?;
        let never = |_| format!("it was not ready within {PATIENCE:?}: {:?}", self.child.id());
        let listens = timeout(PATIENCE, listens).await.map_err(never)?;
        let addresses = listens.map_err(|_| format!("it ended before it was ready: {:?}", self.errors()))?;
        while self.began.elapsed() < PATIENCE {
            if matches!(get(addresses.admin, "/ready").await, Ok((200, _))) {
                return Ok((addresses, self.began.elapsed()));
            }
            sleep(Duration::from_millis(5)).await;
        }
        Err("it listens, and never says that it is ready".to_owned())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged as an error.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.errors.lock().unwrap().clone()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn send(&self, signal: &str) {
        send(self.child.id(), signal);
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<(ExitStatus, Duration), String> {
        self.send("TERM");
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Ok((status, began.elapsed()));
            }
            sleep(Duration::from_millis(5)).await;
        }
        Err(format!("it did not stop within {PATIENCE:?}"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already unless something went wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(stdout: impl BufRead, listens: oneshot::Sender<Addresses>, errors: &Mutex<Vec<String>>) {
    let mut listens = Some(listens);
    for line in stdout.lines().map_while(Result::ok) {
        if line.contains("is ready") {
            let told: Value = serde_json::from_str(&line).unwrap();
            let address = |url: &Value| {
                url.as_str().and_then(|url| url.split('/').nth(2)?.parse().ok()).expect("an address in the line")
            };
            let told = Addresses { webhook: address(&told["webhook"]), admin: address(&told["health"]) };
            let _ = listens.take().map(|listens| listens.send(told));
        } else if line.contains("\"level\":\"ERROR\"") {
            errors.lock().unwrap().push(line);
        }
    }
}

fn send(pid: u32, signal: &str) {
    let kill = ["-c", "kill -s \"$0\" \"$1\"", signal, &pid.to_string()];
    assert!(Command::new("sh").args(kill).status().unwrap().success());
}

/// What a campaign that was broken off has left running: it would hold nothing up, and would run for ever.
pub(crate) fn end_what_was_left(pid: &Path) {
    let Some(left) = std::fs::read_to_string(pid).ok().and_then(|text| text.parse::<u32>().ok()) else { return };
    let runs = std::fs::read_link(format!("/proc/{left}/exe")).ok();
    let ours: PathBuf = binary().canonicalize().unwrap();
    if runs == Some(ours) {
        send(left, "KILL");
    }
    std::fs::remove_file(pid).unwrap();
}

/// The status and the text of an answer.
pub(crate) async fn get(address: SocketAddr, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await??;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.map(|status| (status, answer)).ok_or_else(|| std::io::ErrorKind::InvalidData.into())
}
