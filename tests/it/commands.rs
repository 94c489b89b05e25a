//! The operator's commands: of the real program, and what they come to in a daemon that runs beside them.

use std::process::{Command, Output, Stdio};

use autoclosed::fake_intercom::Workspace;

use crate::harness::{CLIENT_SECRET, House};

mod backup;
mod explain;
mod forget;
mod history;
mod holds;
mod online;
mod pauses;
mod reconcile;
mod status;

/// What the program answered.
pub(crate) struct Answer {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl House {
    /// The program's answer to a command line.
    pub(crate) fn says(&self, words: &[&str]) -> Answer {
        Answer::of(program(self, words).output().unwrap())
    }

    /// Each command line with what the program answers and its exit status, as on a terminal.
    pub(crate) fn talk(&self, lines: &[&[&str]]) -> String {
        let said = |line: &&[&str]| {
            let Answer { status, out, err } = self.says(line);
            format!("$ autoclosed {}\n{out}{err}[{}]\n", line.join(" "), status.unwrap())
        };
        lines.iter().map(said).collect()
    }
}

impl Answer {
    fn of(output: Output) -> Answer {
        let told = |bytes| String::from_utf8(bytes).unwrap();
        Answer { status: output.status.code(), out: told(output.stdout), err: told(output.stderr) }
    }
}

/// The program with both secrets and the house's configuration, in an environment of its own.
fn program(house: &House, words: &[&str]) -> Command {
    let mut program = crate::campaigns::starting(env!("CARGO_BIN_EXE_autoclosed"));
    program
        .args(words)
        .arg("--config")
        .arg(house.file())
        .current_dir(house.folder())
        .env_clear()
        .env("RUST_LOG", "trace")
        .env("INTERCOM_ACCESS_TOKEN", Workspace::default().token)
        .env("INTERCOM_CLIENT_SECRET", CLIENT_SECRET)
        .stdin(Stdio::null());
    program
}

/// Runs it while everything else goes on.
async fn run(mut program: Command) -> Answer {
    Answer::of(tokio::task::spawn_blocking(move || program.output().unwrap()).await.unwrap())
}

async fn said(house: &House, words: &[&str]) -> Answer {
    run(program(house, words)).await
}

/// What it said, without the folder that it was run in.
pub(crate) async fn told(house: &House, words: &[&str]) -> String {
    let Answer { status, out, err } = said(house, words).await;
    format!("{}{out}{err}", status.unwrap()).replace(&format!("{}/", house.folder().display()), "")
}
