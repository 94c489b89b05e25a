//! `autoclosed check --online`: what Intercom says of the configuration, the token and the clock.
//!
//! Owns: what is asked and in which order, and what each finding comes to. Refuses: any request that changes something.

use std::io::{self, Write};

use secrecy::SecretString;
use serde::Serialize;

use self::failure::{Read, Reads};
use self::names::Lists;
use super::Finding as Place;
use crate::clock::Clock;
use crate::command::layout::wrapped;
use crate::config::{Config, Diagnostic, Loaded, Mentioned, Secrets};
use crate::daemon;
use crate::engine::RuleSet;
use crate::engine::rule::{Act, Called, Setting};
use crate::intercom::client::{Admin, Me, SetupError};
use crate::intercom::lens::Lens;
use crate::intercom::text::TextKey;
use crate::intercom::{Intercom, IntercomError, Search};
use crate::message;

mod attributes;
mod failure;
mod names;
mod past;
mod whose;

/// What is found wrong has this exit status.
const WRONG: u8 = 2;
/// That Intercom did not answer has this one.
const UNANSWERED: u8 = 1;

/// Where what has no place in the file comes from.
const ENVIRONMENT: &str = "environment";

/// Where the sentence about a check begins.
const INDENT: usize = 22;

/// What one look showed.
#[derive(Debug)]
pub(super) struct Finding {
    check: &'static str,
    mark: Mark,
    told: Told,
}

/// Good news is a sentence; everything else has a place and a next step.
#[derive(Debug)]
enum Told {
    Well(String),
    Not(Diagnostic),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Ok,
    Doubt,
    Wrong,
    /// Not known, as Intercom did not answer.
    Unanswered,
}

/// What was found, as one line of the answer in JSON.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    check: &'a str,
    ok: bool,
    mark: &'static str,
    detail: &'a str,
}

impl Finding {
    fn ok(check: &'static str, detail: impl Into<String>) -> Finding {
        Finding { check, mark: Mark::Ok, told: Told::Well(detail.into()) }
    }

    fn doubt(check: &'static str, told: Diagnostic) -> Finding {
        Finding { check, mark: Mark::Doubt, told: Told::Not(told) }
    }

    fn wrong(check: &'static str, told: Diagnostic) -> Finding {
        Finding { check, mark: Mark::Wrong, told: Told::Not(told) }
    }

    fn unanswered(check: &'static str, told: Diagnostic) -> Finding {
        Finding { check, mark: Mark::Unanswered, told: Told::Not(told) }
    }

    fn is_bad(&self) -> bool {
        matches!(self.mark, Mark::Wrong | Mark::Unanswered)
    }

    fn detail(&self) -> &str {
        match &self.told {
            Told::Well(detail) => detail,
            Told::Not(diagnostic) => &diagnostic.message,
        }
    }

    pub(super) fn line(&self) -> Line<'_> {
        Line { check: self.check, ok: !self.is_bad(), mark: self.mark.word(), detail: self.detail() }
    }

    fn diagnostic(&self) -> Option<&Diagnostic> {
        match &self.told {
            Told::Well(_) => None,
            Told::Not(diagnostic) => Some(diagnostic),
        }
    }
}

impl Mark {
    fn word(self) -> &'static str {
        match self {
            Mark::Ok => "ok",
            Mark::Doubt => "doubt",
            Mark::Wrong | Mark::Unanswered => "wrong",
        }
    }

    /// The colour of the word on a terminal: green, yellow, red.
    fn colour(self) -> &'static str {
        match self {
            Mark::Ok => "\u{1b}[32m",
            Mark::Doubt => "\u{1b}[33m",
            Mark::Wrong | Mark::Unanswered => "\u{1b}[1;31m",
        }
    }
}

/// The exit status: what is wrong counts more than what is not known.
pub(super) fn status(found: &[Finding]) -> u8 {
    let has = |mark| found.iter().any(|finding| finding.mark == mark);
    if has(Mark::Wrong) {
        WRONG
    } else if has(Mark::Unanswered) {
        UNANSWERED
    } else {
        super::GOOD
    }
}

/// What is wrong, as the errors of `check` are told.
pub(super) fn errors(found: &[Finding]) -> impl Iterator<Item = Place<'_>> {
    found.iter().filter(|finding| finding.is_bad()).filter_map(Finding::diagnostic).map(Place::from)
}

/// What is doubtful, as its warnings are told.
pub(super) fn warnings(found: &[Finding]) -> impl Iterator<Item = Place<'_>> {
    found.iter().filter(|finding| finding.mark == Mark::Doubt).filter_map(Finding::diagnostic).map(Place::from)
}

/// Tells it to people: a line for each finding, and the next step below what is not well.
pub(super) fn tell(found: &[Finding], out: &mut dyn Write, colour: bool) -> io::Result<()> {
    writeln!(out, "\nIntercom and this machine; nothing was changed by asking:\n")?;
    for finding in found {
        let (word, check) = (finding.mark.word(), finding.check);
        let (on, off) = if colour { (finding.mark.colour(), "\u{1b}[0m") } else { ("", "") };
        let place = finding.diagnostic().filter(|told| told.span != (0..0));
        let place = place.map(|at| format!("{}:{}:{}: ", at.file, at.line, at.column)).unwrap_or_default();
        write!(out, "{on}{word:<5}{off}")?;
        // What the colour takes is no room on the line.
        let mut rest = Vec::new();
        wrapped(&mut rest, &format!("{:5}  {check:<13}  ", ""), INDENT, &format!("{place}{}", finding.detail()))?;
        out.write_all(rest.get(5..).unwrap_or_default())?;
        if let Some(told) = finding.diagnostic() {
            wrapped(out, &format!("{:INDENT$}", ""), INDENT, &format!("help: {}", told.help))?;
        }
    }
    let count = |bad: &dyn Fn(&Finding) -> bool| found.iter().filter(|finding| bad(finding)).count();
    let wrong = count(&Finding::is_bad);
    let doubts = match count(&|finding| finding.mark == Mark::Doubt) {
        0 => String::new(),
        1 => ", 1 doubt".to_owned(),
        doubts => format!(", {doubts} doubts"),
    };
    match wrong {
        0 => writeln!(out, "\nNothing is wrong{doubts}."),
        wrong => writeln!(out, "\n{wrong} wrong{doubts}."),
    }
}

/// What the findings are made of.
struct Desk<'a> {
    loaded: &'a Loaded,
    file: &'a str,
    intercom: Intercom,
    clock: Clock,
}

/// Asks Intercom, and the database if there is one.
pub(super) async fn ask(loaded: &Loaded, file: &str, secrets: &Secrets, clock: Clock) -> Vec<Finding> {
    let intercom = match client(&loaded.config, secrets.access_token.clone(), clock.clone()) {
        Ok(intercom) => intercom,
        Err(error) => {
            let (text, standard) = (error.to_string(), "run autoclosed on another machine");
            let (message, help) = text.split_once("; ").unwrap_or((&text, standard));
            return vec![Finding::unanswered("intercom", Diagnostic::about(ENVIRONMENT, message, help))];
        }
    };
    let desk = Desk { loaded, file, intercom, clock };
    let mut found = Vec::new();
    match patiently(async || desk.intercom.me().await).await {
        Ok(me) => desk.ask_as(&me, &mut found).await,
        Err(error) => found.push(desk.not_let_in(&error)),
    }
    found.extend(past::findings(&desk).await);
    found
}

fn client(config: &Config, token: SecretString, clock: Clock) -> Result<Intercom, SetupError> {
    // Nothing is kept of any text, so it does not matter by which key it would be known again.
    let lens = Lens::new(TextKey::new(&[0; 32]));
    Intercom::new(daemon::client_settings(config), token, lens, clock)
}

/// Asks, and once more if Intercom wants us to slow down: the client waits as long as it wants.
async fn patiently<T>(ask: impl AsyncFn() -> Result<T, IntercomError>) -> Result<T, IntercomError> {
    match ask().await {
        Err(IntercomError::RateLimited { .. }) => ask().await,
        answer => answer,
    }
}

impl Desk<'_> {
    fn config(&self) -> &Config {
        &self.loaded.config
    }

    /// What is to be said about a key of `[intercom]`; what is not in the file has its default.
    fn about(&self, key: &str, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        let is = |what: &Mentioned| matches!(what, Mentioned::Intercom(known) if known == key);
        match self.loaded.mentions.iter().find(|mention| is(&mention.what)) {
            Some(mention) => mention.saying(message, help),
            None => Diagnostic::about(self.file, message, help),
        }
    }

    fn names(&self, is: impl Fn(&Mentioned) -> bool) -> bool {
        self.loaded.mentions.iter().any(|mention| is(&mention.what))
    }

    /// Everything that can be asked once it is known who asks.
    async fn ask_as(&self, me: &Me, found: &mut Vec<Finding>) {
        found.extend(whose::findings(self, me).await);
        let mut reads = Reads::new();
        let admins = self.read(Read::Admins, &mut reads, async || self.intercom.admins().await).await;
        found.push(whose::admin(self, me, admins.as_deref()));
        found.extend(names::findings(self, self.lists(admins, &mut reads).await));
        if self.names(|what| matches!(what, Mentioned::Matched(_) | Mentioned::Set(_))) {
            let listed = self.read(Read::Attributes, &mut reads, async || self.intercom.attributes().await).await;
            found.extend(listed.map(|listed| attributes::findings(self, &listed)).unwrap_or_default());
        }
        self.ask_for_conversations(&mut reads).await;
        found.push(failure::permissions(self, &reads));
        found.extend(reads.into_iter().filter_map(|(_, failed)| failed));
    }

    /// The lists in which the named things stand.
    async fn lists(&self, admins: Option<Vec<Admin>>, reads: &mut Reads) -> Lists {
        let mut lists = Lists { admins, teams: None, tags: None };
        if self.names(|what| matches!(what, Mentioned::Needed(Called::Team(_)))) {
            lists.teams = self.read(Read::Teams, reads, async || self.intercom.teams().await).await;
        }
        if !self.config().rules.hold_tags.is_empty() || self.names(names::is_tag) {
            lists.tags = self.read(Read::Tags, reads, async || self.intercom.tags().await).await;
        }
        lists
    }

    /// Whether conversations may be read, and who they are with if a text speaks of that.
    async fn ask_for_conversations(&self, reads: &mut Reads) {
        let query = Search { states: Some(vec!["open", "snoozed"]), updated_since: None, per_page: 1 };
        let search = async || self.intercom.search(&query, None).await;
        let Some(page) = self.read(Read::Conversations, reads, search).await else { return };
        let Some(listed) = page.conversations.first().filter(|_| speaks_of_contacts(&self.config().rules)) else {
            return;
        };
        // One that is gone by now shows nothing.
        let Ok(read) = patiently(async || self.intercom.conversation(&listed.id).await).await else { return };
        if let Some(contact) = &read.value.contact_id {
            self.read(Read::Contacts, reads, async || self.intercom.contact(contact).await).await;
        }
    }

    async fn read<T>(
        &self,
        what: Read,
        reads: &mut Reads,
        ask: impl AsyncFn() -> Result<T, IntercomError>,
    ) -> Option<T> {
        match patiently(ask).await {
            Ok(answer) => {
                reads.push((what, None));
                Some(answer)
            }
            Err(error) => {
                reads.push((what, Some(self.not_read(what, &error))));
                None
            }
        }
    }
}

/// Whether a text speaks of the contact by name.
fn speaks_of_contacts(rules: &RuleSet) -> bool {
    let steps = rules.rules.iter().flat_map(|rule| &rule.steps);
    let mut templates = steps.flat_map(|step| {
        let labels = match &step.act {
            Act::Label(labels) | Act::Close { labels, .. } => Some(labels),
            _ => None,
        };
        let settings = labels.into_iter().flat_map(|labels| labels.set.values());
        let settings = settings.filter_map(|setting| match setting {
            Setting::Template(template) => Some(template),
            Setting::Value(_) => None,
        });
        step.act.body().into_iter().chain(settings)
    });
    templates.any(|template| message::check(template).is_ok_and(|uses| uses.contact))
}
