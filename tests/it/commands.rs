//! The operator's commands: of the real program, and what they come to in a daemon that runs beside them.

use std::process::{Command, Output, Stdio};

use autoclosed::fake_intercom::Workspace;

use crate::harness::{CLIENT_SECRET, House};

mod holds;
mod online;
mod pauses;

/// What the program answered.
pub(crate) struct Answer {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl House {
    /// The program's answer to a command line, with both secrets in its environment and the house's configuration.
    pub(crate) fn says(&self, arguments: &[&str]) -> Answer {
        let mut program = Command::new(env!("CARGO_BIN_EXE_autoclosed"));
        program
            .args(arguments)
            .args(["--config", self.file().to_str().unwrap()])
            .env_clear()
            .env("INTERCOM_ACCESS_TOKEN", Workspace::default().token)
            .env("INTERCOM_CLIENT_SECRET", CLIENT_SECRET)
            .stdin(Stdio::null());
        Answer::of(&program.output().unwrap())
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
    fn of(output: &Output) -> Answer {
        let told = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: output.status.code(), out: told(&output.stdout), err: told(&output.stderr) }
    }
}
