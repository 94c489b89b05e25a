//! The commands that work beside a running daemon or without one: the program itself, on the harness's database.

mod backup;
mod forget;
mod reconcile;

use std::process::{Command, Stdio};

use autoclosed::fake_intercom::Workspace;

use crate::harness::{CLIENT_SECRET, House};

/// What the program said.
struct Said {
    status: Option<i32>,
    out: String,
    err: String,
}

/// The program with both secrets, in an environment of its own.
fn program(house: &House, words: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_autoclosed"));
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
async fn run(mut program: Command) -> Said {
    let output = tokio::task::spawn_blocking(move || program.output().unwrap()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

async fn said(house: &House, words: &[&str]) -> Said {
    run(program(house, words)).await
}

/// What it said, without the folder that it was run in.
async fn told(house: &House, words: &[&str]) -> String {
    let Said { status, out, err } = said(house, words).await;
    format!("{}{out}{err}", status.unwrap()).replace(&format!("{}/", house.folder().display()), "")
}
