//! The command line: one subcommand, one function call, one exit status.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use autoclosed::clock::Clock;
use autoclosed::command::desk::{CommandError, Desk};
use autoclosed::command::line::{Command, CommandLine, Common, File};
use autoclosed::command::run::RunError;
use autoclosed::command::{self, Told, hold, pause};
use autoclosed::{config, intercom, telemetry};
use clap::Parser;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn main() -> ExitCode {
    intercom::client::install_tls();
    let status = match CommandLine::parse().command {
        Command::Run { file } => run(file),
        Command::Check { online, common } => check(common, online),
        Command::Hold { id, until, common } => {
            at_once(common, async |desk| hold::hold(desk, &id, until.as_deref()).await)
        }
        Command::Release { id, common } => at_desk(common, async |desk| hold::release(desk, &id).await),
        Command::Pause { rule, common } => at_once(common, async |desk| pause::pause(desk, rule.as_deref()).await),
        Command::Resume { rule, common } => at_desk(common, async |desk| pause::resume(desk, rule.as_deref()).await),
        Command::Demo => demo(),
    };
    status.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

/// Has a command done beside a daemon that may be running, and prints what it found.
fn at_desk<T: Told>(
    Common { file, json }: Common,
    work: impl AsyncFnOnce(&Desk) -> Result<T, CommandError>,
) -> anyhow::Result<ExitCode> {
    concluded(async {
        let desk = Desk::open(&file.path(), Clock::System).await?;
        work_at(desk, json, work).await
    })
}

/// The same for what stops the daemon: mistakes in the configuration are told, and do not stand in its way.
fn at_once<T: Told>(
    Common { file, json }: Common,
    work: impl AsyncFnOnce(&Desk) -> Result<T, CommandError>,
) -> anyhow::Result<ExitCode> {
    concluded(async {
        let (desk, found) = Desk::open_to_stop(&file.path(), Clock::System).await?;
        if desk.mistaken {
            anstream::stderr().write_all(found.render(io::stderr().is_terminal()).as_bytes())?;
        }
        work_at(desk, json, work).await
    })
}

async fn work_at<T: Told>(
    desk: Desk,
    json: bool,
    work: impl AsyncFnOnce(&Desk) -> Result<T, CommandError>,
) -> Result<(), CommandError> {
    let told = work(&desk).await?;
    command::print(&told, json, &mut anstream::stdout(), &desk.config.timezone)?;
    desk.store.close().await;
    Ok(())
}

fn concluded(done: impl Future<Output = Result<(), CommandError>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(done) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(CommandError::Configuration(diagnostics)) => refuse(&diagnostics),
        Err(error) => {
            let status = error.exit_status();
            complain(&error.into());
            Ok(ExitCode::from(status))
        }
    }
}

fn refuse(mistakes: &config::Diagnostics) -> anyhow::Result<ExitCode> {
    anstream::stderr().write_all(mistakes.render(io::stderr().is_terminal()).as_bytes())?;
    Ok(ExitCode::from(2))
}

fn run(file: File) -> anyhow::Result<ExitCode> {
    telemetry::set_up(Clock::System)?;
    quiet_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match runtime.block_on(command::run::run(&file.path(), variable)) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(RunError::Configuration(diagnostics)) => refuse(&diagnostics),
        Err(error) => {
            let status = error.exit_status();
            complain(&error.into());
            Ok(ExitCode::from(status))
        }
    }
}

/// A panic's own message could hold what a customer wrote: the log gets its place alone.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(place, "a part of the program panicked; please report this");
    }));
}

fn check(Common { file, json }: Common, online: bool) -> anyhow::Result<ExitCode> {
    let colour = io::stderr().is_terminal();
    let now = Clock::System.now();
    let (mut out, mut err) = (anstream::stdout(), anstream::stderr());
    if online {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let path = file.path();
        let status = command::check::run_online(&path, Clock::System, json, &mut out, &mut err, colour);
        return Ok(ExitCode::from(runtime.block_on(status)?));
    }
    let status = command::check::run(&file.path(), now, json, &mut out, &mut err, colour)?;
    Ok(ExitCode::from(status))
}

fn demo() -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(autoclosed::demo::run(&mut anstream::stdout()))?;
    Ok(ExitCode::SUCCESS)
}

/// The whole chain of reasons, on one line each.
fn complain(error: &anyhow::Error) {
    use std::fmt::Write as _;
    let mut text = format!("autoclosed: {error}\n");
    for cause in error.chain().skip(1) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  because: {cause}");
    }
    // There is nowhere left to tell that standard error is closed.
    let _ = anstream::stderr().write_all(text.as_bytes());
}
