//! `autoclosed man` and `autoclosed completions`: what the command line says of itself, for `man` and for shells.
//!
//! Owns: the words of the manual page that no command has. Refuses: a second list of commands: both come from
//! [`line`](super::line), so that neither can lag behind.

use clap::{Arg, Command, CommandFactory};
use clap_complete::Shell;
use roff::{Inline, Roff, bold, italic, roman};

use super::line::CommandLine;

const DESCRIPTION: [&str; 2] = [
    "A daemon that listens to Intercom's webhooks, knows for every conversation who spoke last and when, and reminds or \
     closes through Intercom's API when a rule of yours says so. Without a rule, and in dry-run, nothing is sent that \
     changes anything.",
    "The other commands work beside a running daemon, on the same database, and without one. Where systemd runs it, they \
     need root, as nobody else may enter the folder of the database.",
];

const FILES: [(&str, &str); 5] = [
    (
        "/etc/autoclosed/autoclosed.toml",
        "The configuration: every key, commented, with its default. There are no secrets in it.",
    ),
    (
        "/etc/autoclosed/intercom-access-token",
        "The access token, readable by root alone. The unit hands it to the daemon as a credential.",
    ),
    (
        "/etc/autoclosed/intercom-client-secret",
        "The client secret, in the same way. Of several lines each is accepted, so that it can be changed for another.",
    ),
    ("/var/lib/autoclosed/autoclosed.db", "The database. Nothing else holds state."),
    ("/usr/share/doc/autoclosed", "How to set it up, to write rules and to run it; rules to start from, in examples."),
];

const ENVIRONMENT: [(&str, &str); 5] = [
    ("AUTOCLOSED_CONFIG", "The configuration, where --config names none."),
    ("INTERCOM_ACCESS_TOKEN", "The access token, where there is no credential."),
    ("INTERCOM_CLIENT_SECRET", "The client secret, where there is no credential."),
    (
        "CREDENTIALS_DIRECTORY",
        "A folder with the files intercom-access-token and intercom-client-secret. systemd sets it for the daemon; for a \
         command that asks Intercom, set it to /etc/autoclosed.",
    ),
    ("RUST_LOG", "How much is logged: error, warn, info (the default), debug or trace. No level has secrets or texts."),
];

const SIGNALS: [(&str, &str); 2] = [
    ("SIGHUP", "The daemon reads configuration and secrets again. A file with a mistake changes nothing."),
    (
        "SIGTERM, SIGINT",
        "The daemon finishes what it has begun, within ten seconds, and ends. A second one ends it at once.",
    ),
];

const STATUS: [(&str, &str); 4] = [
    ("0", "Done."),
    ("1", "Failed; for status, something is wrong."),
    ("2", "The command line, the configuration or a secret is wrong."),
    ("3", "The database is refused: it is another program's, damaged, or newer than this version."),
];

/// These stand once, under OPTIONS.
const EVERYWHERE: [&str; 4] = ["config", "json", "help", "version"];

/// The manual page autoclosed(1), for `man`.
pub fn page() -> String {
    let mut line = CommandLine::command().disable_help_subcommand(true);
    line.build();
    let mut page = Roff::new();
    page.control("TH", ["AUTOCLOSED", "1", " ", concat!("autoclosed ", env!("CARGO_PKG_VERSION")), "User Commands"]);
    page.control("SH", ["NAME"]);
    page.text([roman("autoclosed - close Intercom conversations that have gone quiet, by your rules")]);
    page.control("SH", ["SYNOPSIS"]);
    page.text([bold("autoclosed"), roman(" "), italic("COMMAND"), roman(" ["), italic("OPTION"), roman("]...")]);
    page.control("SH", ["DESCRIPTION"]);
    for paragraph in DESCRIPTION {
        page.control("PP", []);
        page.text([roman(paragraph)]);
    }
    page.control("SH", ["COMMANDS"]);
    for command in line.get_subcommands() {
        describe(&mut page, command, "autoclosed");
    }
    page.control("SH", ["OPTIONS"]);
    options(&mut page, &line);
    for (title, terms) in
        [("FILES", FILES.as_slice()), ("ENVIRONMENT", &ENVIRONMENT), ("SIGNALS", &SIGNALS), ("EXIT STATUS", &STATUS)]
    {
        page.control("SH", [title]);
        for (term, meaning) in terms {
            entry(&mut page, [bold(*term)], meaning);
        }
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([roman("The folder /usr/share/doc/autoclosed, and systemctl(1), journalctl(1), systemd.exec(5).")]);
    page.to_roff()
}

/// What makes this shell complete the commands and their options.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "autoclosed", &mut script);
    script
}

fn describe(page: &mut Roff, command: &Command, before: &str) {
    let name = format!("{before} {}", command.get_name());
    let deeper: Vec<_> = command.get_subcommands().collect();
    if deeper.is_empty() {
        let own: Vec<_> = command.get_arguments().filter(|argument| !EVERYWHERE.contains(&long(argument))).collect();
        let mut heading = vec![bold(name.as_str())];
        heading.extend(own.iter().flat_map(|argument| usage(argument)));
        page.control("TP", []);
        page.text(heading);
        page.text([roman(sentence(command.get_about()))]);
        if !own.is_empty() {
            page.control("RS", []);
            for argument in own {
                described(page, argument);
            }
            page.control("RE", []);
        }
    }
    for command in deeper {
        describe(page, command, &name);
    }
}

/// Those that stand with no single command.
fn options(page: &mut Roff, line: &Command) {
    let with_all = line.get_subcommands().find(|command| command.get_arguments().any(|option| long(option) == "json"));
    let of_commands = with_all.into_iter().flat_map(Command::get_arguments);
    for option in of_commands.filter(|option| ["config", "json"].contains(&long(option))).chain(line.get_arguments()) {
        described(page, option);
    }
}

fn described(page: &mut Roff, argument: &Arg) {
    let mut meaning = sentence(argument.get_help());
    let values = argument.get_possible_values();
    if argument.get_action().takes_values() && !values.is_empty() {
        let names: Vec<_> = values.iter().map(clap::builder::PossibleValue::get_name).collect();
        meaning = format!("{meaning} One of {}.", names.join(", "));
    }
    entry(page, named(argument), &meaning);
}

fn entry(page: &mut Roff, term: impl IntoIterator<Item = Inline>, meaning: &str) {
    page.control("TP", []);
    page.text(term.into_iter().collect::<Vec<_>>());
    page.text([roman(meaning)]);
}

/// As it stands in the line of its command.
fn usage(argument: &Arg) -> Vec<Inline> {
    let optional = !argument.is_required_set();
    let mut parts = vec![roman(if optional { " [" } else { " " })];
    parts.extend(named(argument));
    if optional {
        parts.push(roman("]"));
    }
    parts
}

fn named(argument: &Arg) -> Vec<Inline> {
    let mut parts = Vec::new();
    if let Some(short) = argument.get_short() {
        parts.extend([bold(format!("-{short}")), roman(", ")]);
    }
    if !argument.is_positional() {
        parts.push(bold(format!("--{}", long(argument))));
    }
    if argument.get_action().takes_values() {
        if !argument.is_positional() {
            parts.push(roman(" "));
        }
        let names = argument.get_value_names().unwrap_or_default();
        parts.push(italic(names.join(" ")));
    }
    parts
}

fn long(argument: &Arg) -> &str {
    argument.get_long().unwrap_or_default()
}

fn sentence(words: Option<&impl ToString>) -> String {
    let words = words.map(ToString::to_string).unwrap_or_default();
    if words.ends_with(['.', ']']) { words } else { format!("{words}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command with its words and its options, those for all included.
    fn commands(command: &Command, before: &str) -> Vec<(String, Vec<String>)> {
        let name = format!("{before} {}", command.get_name()).trim_start().to_owned();
        let mut options: Vec<_> = command.get_arguments().map(|option| long(option).to_owned()).collect();
        options.retain(|option| !option.is_empty());
        let mut found = vec![(name.clone(), options)];
        found.extend(command.get_subcommands().flat_map(|command| commands(command, &name)));
        found
    }

    fn all() -> Vec<(String, Vec<String>)> {
        let mut line = CommandLine::command().disable_help_subcommand(true);
        line.build();
        let found = commands(&line, "");
        assert!(found.len() > 18, "{found:?}");
        found
    }

    #[test]
    fn the_manual_page_has_every_command_and_every_option() {
        let page = page();
        let plain = page.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "");
        for (name, options) in all() {
            // What only leads to others has no line of its own.
            assert!(plain.lines().any(|line| line.starts_with(&name)), "{name}");
            for option in options {
                assert!(plain.contains(&format!("--{option}")), "{name} --{option}");
            }
        }
    }

    #[test]
    fn every_shell_completes_every_command_and_every_option() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = String::from_utf8(completions(shell)).unwrap();
            for (name, options) in all() {
                let word = name.rsplit(' ').next().unwrap();
                assert!(script.contains(word), "{shell}: {name}");
                for option in options {
                    let spelt = if shell == Shell::Fish { format!("-l {option}") } else { format!("--{option}") };
                    assert!(script.contains(&spelt), "{shell}: {name} {spelt}");
                }
            }
        }
    }
}
