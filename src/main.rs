//! The command line: one subcommand, one function call, one exit status.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use autoclosed::clock::Clock;
use autoclosed::command::desk::{CommandError, Desk};
use autoclosed::command::line::{Command, CommandLine, Common, File, Filters, OfBacklog};
use autoclosed::command::run::RunError;
use autoclosed::command::{
    self, Told, backlog, backup, explain, forget, history, hold, manual, pause, reconcile, status, undo,
};
use autoclosed::engine::ConversationId;
use autoclosed::systemd::sockets::Sockets;
use autoclosed::{config, intercom, telemetry};
use clap::Parser;
use jiff::tz::TimeZone;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn main() -> ExitCode {
    intercom::client::install_tls();
    let status = match CommandLine::parse().command {
        Command::Run { file } => run(file),
        Command::Check { online, common } => check(common, online),
        Command::Explain { id, common } => {
            at_desk(common, async |desk| explain::explain(desk, &id, &mut anstream::stderr()).await)
        }
        Command::History { id, filters, common } => history(common, id.as_ref(), &filters),
        Command::Hold { id, until, common } => {
            at_once(common, async |desk| hold::hold(desk, &id, until.as_deref()).await)
        }
        Command::Release { id, common } => at_desk(common, async |desk| hold::release(desk, &id).await),
        Command::Pause { rule, common } => at_once(common, async |desk| pause::pause(desk, rule.as_deref()).await),
        Command::Backlog { what } => with_the_backlog(what),
        Command::Reconcile { common } => {
            answer(common, async |path| Box::pin(reconcile::reconcile(path, variable, Clock::System)).await)
        }
        Command::Undo { rule, since, dry_run, common } => {
            let asked = undo::Asked { rule, since, dry_run };
            answer(common, async |path| Box::pin(undo::undo(path, variable, Clock::System, &asked)).await)
        }
        Command::Backup { target, common } => copy(common, target.named()),
        Command::Forget { id, common } => {
            at_desk(common, async |desk| forget::forget(desk, &id, forget::PATIENCE).await)
        }
        Command::Resume { rule, common } => at_desk(common, async |desk| pause::resume(desk, rule.as_deref()).await),
        Command::Status { common } => at_desk(common, async |desk| status::status(desk).await),
        Command::Demo => demo(),
        Command::Completions { shell } => print(&manual::completions(shell)),
        Command::Man => print(manual::page().as_bytes()),
    };
    status.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

fn copy(common: Common, target: backup::Target) -> anyhow::Result<ExitCode> {
    answer(common, async |path| match target {
        backup::Target::File(file) => backup::backup(path, &file).await,
        backup::Target::Folder(folder, keep) => backup::backup_into(path, &folder, keep, Clock::System.now()).await,
    })
}

fn with_the_backlog(what: OfBacklog) -> anyhow::Result<ExitCode> {
    match what {
        OfBacklog::List { common } => at_desk(common, backlog::list),
        OfBacklog::Release { max, per_hour, common } => {
            at_desk(common, async |desk| backlog::release(desk, max, per_hour).await)
        }
        OfBacklog::Discard { id, rule, common } => {
            at_once(common, async |desk| backlog::discard(desk, id.as_ref(), rule.as_deref()).await)
        }
    }
}

/// Has a command done beside a daemon that may be running, and prints what it found.
fn at_desk<T: Told>(
    common: Common,
    work: impl AsyncFnOnce(&Desk) -> Result<T, CommandError>,
) -> anyhow::Result<ExitCode> {
    answer(common, async |path| {
        let desk = Desk::open(path, Clock::System).await?;
        work_at(desk, work).await
    })
}

/// The same for what stops the daemon: mistakes in the configuration are told, and do not stand in its way.
fn at_once<T: Told>(
    common: Common,
    work: impl AsyncFnOnce(&Desk) -> Result<T, CommandError>,
) -> anyhow::Result<ExitCode> {
    answer(common, async |path| {
        let (desk, found) = Desk::open_to_stop(path, Clock::System).await?;
        if desk.mistaken {
            anstream::stderr().write_all(found.render(io::stderr().is_terminal()).as_bytes())?;
        }
        work_at(desk, work).await
    })
}

async fn work_at<T>(
    desk: Desk,
    work: impl AsyncFnOnce(&Desk) -> Result<T, CommandError>,
) -> Result<(T, TimeZone), CommandError> {
    let told = work(&desk).await?;
    desk.store.close().await;
    Ok((told, desk.config.timezone))
}

/// Has a command done that needs the configuration alone, and prints what it found, with times in the operator's zone.
fn answer<T: Told>(
    Common { file, json }: Common,
    work: impl AsyncFnOnce(&Path) -> Result<(T, TimeZone), CommandError>,
) -> anyhow::Result<ExitCode> {
    concluded(async {
        let (told, zone) = work(&file.path()).await?;
        command::print(&told, json, &mut anstream::stdout(), &zone)?;
        Ok(told.exit_status())
    })
}

/// The journal may be long: it is printed while it is read.
fn history(Common { file, json }: Common, id: Option<&ConversationId>, filters: &Filters) -> anyhow::Result<ExitCode> {
    concluded(async {
        let desk = Desk::open(&file.path(), Clock::System).await?;
        let mut out = io::BufWriter::new(anstream::stdout());
        history::write(&desk, id, filters, json, &mut out).await?;
        out.flush()?;
        desk.store.close().await;
        Ok(0)
    })
}

fn concluded(done: impl Future<Output = Result<u8, CommandError>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(done) {
        Ok(status) => Ok(ExitCode::from(status)),
        // Whoever read it has seen enough.
        Err(CommandError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
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
    let passed = Sockets::take(variable);
    telemetry::set_up(Clock::System)?;
    quiet_panics();
    // One thread; the database has its own. Waking each other costs more than a second one gains (docs/performance.md).
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(command::run::run(&file.path(), variable, passed)) {
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

/// Prints a file as it is.
fn print(file: &[u8]) -> anyhow::Result<ExitCode> {
    match io::stdout().write_all(file) {
        // Whoever read it has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
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
