//! A server in a process of its own: started in an empty folder, asked, weighed, stopped.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use autoclosed::fake_intercom::{Named, Workspace};
use tokio::time::Instant;

use crate::people::{CLIENT_SECRET, People};
use crate::sender::{exchange, requests};

/// Longer than anything here takes to start or to stop.
const PATIENCE: Duration = Duration::from_mins(2);
/// Length of a clock tick in `/proc/PID/stat`, in microseconds.
const TICK: f64 = 10_000.0;

/// Ten rules, each with a condition of its own, so that each notification is decided on.
pub(crate) fn rules(days: u32) -> String {
    use std::fmt::Write;
    (0..10).fold(String::new(), |mut rules, rule| {
        // Writing to a string cannot fail.
        let _ = write!(
            rules,
            "[[rule]]\nname = \"area-{rule}\"\nmatch.state = [\"open\", \"snoozed\", \"woken\"]\nmatch.tags = [\"area-{}\"]\n\
             step = [{{ after = \"{} days\", do = \"close\", body = \"Closing this for now.\" }}]\n",
            100 + rule,
            days + rule
        );
        rules
    })
}

/// A workspace that has the tags which the rules name.
pub(crate) fn workspace() -> Workspace {
    let mut workspace = Workspace::default();
    workspace
        .tags
        .extend((0..10).map(|rule| Named { id: format!("{}", 4000 + rule), name: format!("area-{}", 100 + rule) }));
    workspace
}

/// How a server is to be started.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) program: PathBuf,
    /// Where Intercom is.
    pub(crate) intercom: String,
    /// What stands before the sections.
    pub(crate) head: &'static str,
    pub(crate) keep_bodies: &'static str,
    /// Requests in ten seconds that it allows itself.
    pub(crate) allowed: u32,
    /// Further sections and rules.
    pub(crate) rest: String,
    /// Each sync of a file takes so much longer.
    pub(crate) slower: Option<(PathBuf, Duration)>,
}

/// A server that runs. It goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    folder: PathBuf,
    pub(crate) webhook: SocketAddr,
    /// When it was started.
    pub(crate) began: Instant,
    /// From its start until the first notification was answered with 200.
    pub(crate) first: Duration,
}

impl Recipe {
    fn configuration(&self, folder: &Path, [webhook, admin]: [SocketAddr; 2]) -> String {
        let Recipe { intercom, head, keep_bodies, allowed, rest, .. } = self;
        format!(
            "{head}\n[intercom]\nbase_url = \"{intercom}\"\nrequests_per_10s = {allowed}\n[server]\nlisten = \"{webhook}\"\n[admin]\nlisten = \"{admin}\"\n\
             [database]\nurl = \"sqlite:{}/autoclosed.db\"\nkeep_bodies = \"{keep_bodies}\"\n{rest}",
            folder.display()
        )
    }

    /// Starts the daemon and waits for its first durable 200. The folder may hold a database.
    pub(crate) fn start(&self, folder: &Path) -> Result<Running> {
        let addresses = [free_port()?, free_port()?];
        let file = folder.join("autoclosed.toml");
        std::fs::write(&file, self.configuration(folder, addresses))?;
        let mut command = Command::new(&self.program);
        command.arg("run").arg("--config").arg(&file);
        command.env("INTERCOM_ACCESS_TOKEN", Workspace::default().token).env("INTERCOM_CLIENT_SECRET", CLIENT_SECRET);
        if let Some((library, by)) = &self.slower {
            command.env("LD_PRELOAD", library).env("SLOWER_BY_US", by.as_micros().to_string());
        }
        run(command, folder, addresses[0])
    }
}

/// The ceiling: this program itself, with nothing behind the signature.
pub(crate) fn start_bare(folder: &Path) -> Result<Running> {
    let address = free_port()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("bare").arg(address.to_string());
    run(command, folder, address)
}

fn run(mut command: Command, folder: &Path, webhook: SocketAddr) -> Result<Running> {
    let log = std::fs::File::create(folder.join("log"))?;
    command.current_dir(folder).env("RUST_LOG", "info").stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log);
    let seed = u64::try_from(folder.as_os_str().len()).unwrap_or(0) ^ u64::from(webhook.port()) << 20;
    let request = requests(people(1_000_000, seed), 1).swap_remove(0);
    let began = Instant::now();
    let child = command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let mut running = Running { child, folder: folder.to_owned(), webhook, began, first: Duration::ZERO };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    while !runtime.block_on(is_answered(webhook, &request)) {
        if running.child.try_wait()?.is_some() || began.elapsed() > PATIENCE {
            bail!("it did not start: {}", std::fs::read_to_string(folder.join("log"))?);
        }
        sleep(Duration::from_millis(1));
    }
    running.first = began.elapsed();
    Ok(running)
}

pub(crate) fn people(conversations: u64, seed: u64) -> People {
    let now = autoclosed::clock::Clock::System.now().as_second() - 5;
    People { app_id: Workspace::default().app_id, conversations, seed, now }
}

async fn is_answered(at: SocketAddr, request: &[u8]) -> bool {
    let asked = async {
        let mut stream = tokio::net::TcpStream::connect(at).await?;
        exchange(&mut stream, request).await
    };
    matches!(asked.await, Ok(200))
}

fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

impl Running {
    fn proc(&self, file: &str) -> Result<String> {
        Ok(std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id()))?)
    }

    /// Time on a processor so far, in microseconds.
    pub(crate) fn cpu_us(&self) -> Result<f64> {
        let stat = self.proc("stat")?;
        let after = stat.rsplit_once(") ").context("no name in /proc/PID/stat")?.1;
        let ticks: Result<Vec<f64>, _> = after.split(' ').skip(11).take(2).map(str::parse).collect();
        Ok(ticks?.iter().sum::<f64>() * TICK)
    }

    /// Memory that it holds now, or at most has held, in MB.
    pub(crate) fn rss_mb(&self, most: bool) -> Result<f64> {
        let (status, name) = (self.proc("status")?, if most { "VmHWM:" } else { "VmRSS:" });
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no memory in /proc/PID/status")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024.0 / 1e6)
    }

    /// Commits so far, as `SQLite` itself counts them in the index of its log; `None` where there is no database.
    pub(crate) fn commits(&self) -> Option<u32> {
        let mut count = [0; 4];
        let index = std::fs::File::open(self.folder.join("autoclosed.db-shm")).ok()?;
        index.read_exact_at(&mut count, 8).ok()?;
        Some(u32::from_ne_bytes(count))
    }

    pub(crate) fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.folder.join("log"))?)
    }

    pub(crate) fn stop(mut self) -> Result<()> {
        ensure!(Command::new("kill").arg(self.child.id().to_string()).status()?.success(), "it has ended by itself");
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success() || !self.folder.join("autoclosed.toml").exists(), "it ended with {status}");
                return Ok(());
            }
            sleep(Duration::from_millis(5));
        }
        bail!("it did not stop within {PATIENCE:?}")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already unless something went wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
