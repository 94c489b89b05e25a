//! The command line: one subcommand, one function call, one exit status.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use autoclosed::clock::Clock;
use autoclosed::command;
use autoclosed::command::run::RunError;
use autoclosed::{config, intercom, telemetry};
use clap::{Parser, Subcommand};

const FILE_HELP: &str =
    "Configuration file [default: $AUTOCLOSED_CONFIG, /etc/autoclosed/autoclosed.toml, config/autoclosed.toml]";

/// Closes Intercom conversations that have gone quiet, by your rules.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the daemon
    Run {
        #[command(flatten)]
        file: File,
    },
    /// Check the configuration; nothing is sent and nothing is changed
    Check {
        #[command(flatten)]
        file: File,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Watch a week in about ten seconds, against an Intercom of its own
    Demo,
}

#[derive(clap::Args)]
struct File {
    #[arg(long = "config", value_name = "FILE", help = FILE_HELP)]
    path: Option<PathBuf>,
}

impl File {
    fn path(self) -> PathBuf {
        config::default_path(self.path, variable, std::path::Path::exists)
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn main() -> ExitCode {
    intercom::client::install_tls();
    let status = match CommandLine::parse().command {
        Command::Run { file } => run(file),
        Command::Check { file, json } => check(file, json),
        Command::Demo => demo(),
    };
    status.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

fn run(file: File) -> anyhow::Result<ExitCode> {
    telemetry::set_up(Clock::System)?;
    quiet_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match runtime.block_on(command::run::run(&file.path(), variable)) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(RunError::Configuration(diagnostics)) => {
            let text = diagnostics.render(io::stderr().is_terminal());
            anstream::stderr().write_all(text.as_bytes())?;
            Ok(ExitCode::from(2))
        }
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

fn check(file: File, json: bool) -> anyhow::Result<ExitCode> {
    let colour = io::stderr().is_terminal();
    let now = Clock::System.now();
    let (mut out, mut err) = (anstream::stdout(), anstream::stderr());
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
