//! The end: what became of every conversation and why, what was counted, and whether it is what was promised.
//!
//! Owns: the table. Refuses: figures of its own; everything is counted in the workspace, the journal and the daemon.

use std::io::Write;

use anyhow::{Context as _, bail};

use super::page::{Tone, day_and_clock};
use super::script::{CAST, Promise};
use super::stage::Stage;
use super::teller::{is_ours, line};
use super::town::Member;
use crate::engine::Decision;
use crate::fake_intercom::{Seen, SeenPart};
use crate::store::JournalEntry;

const NAME: usize = 14;
const STATE: usize = 9;

const HEADER: &str = "What happened, and why in the words of journal and decision";
const NEXT: &str = "Next: copy config/autoclosed.toml, write your rules, run `autoclosed check --config <copy>`.";

/// What one conversation came to.
struct Came {
    name: &'static str,
    fate: &'static str,
    seen: Seen,
    why: Vec<String>,
    unkept: Vec<String>,
}

impl<W: Write> Stage<'_, W> {
    /// Tells the end. An error says what did not come out as promised.
    pub(super) async fn finish(&mut self) -> anyhow::Result<()> {
        let fates = self.fates().await?;
        let figures = self.figures(&fates);
        let health = self.health().await?;
        self.table(&fates)?;
        let page = &mut self.town.page;
        page.paragraph("")?;
        page.heading("Counted")?;
        page.figures(&figures)?;
        page.hanging("        ", &format!("GET /health on the admin listener: {health}"), Tone::Plain)?;
        page.paragraph("")?;
        let mut unkept: Vec<_> = fates.iter().flat_map(|fate| fate.unkept.iter().cloned()).collect();
        unkept.extend((health != "ok").then(|| format!("health is {health}, not ok")));
        unkept.extend(self.unkept_answers());
        if !unkept.is_empty() {
            bail!("the demo did not come out as promised\n  {}", unkept.join("\n  "));
        }
        self.town.page.paragraph(NEXT)?;
        Ok(self.town.page.flush()?)
    }

    async fn fates(&self) -> anyhow::Result<Vec<Came>> {
        let journal = self.journal().await?;
        let mut fates = Vec::new();
        for role in &CAST {
            let member = self.town.cast.iter().find(|member| member.name == role.name);
            let member = member.with_context(|| format!("{} never wrote", role.name))?;
            let seen = self.town.intercom.conversation(&member.id).context("a conversation has vanished")?;
            let own: Vec<_> = journal.iter().filter(|entry| entry.conversation == member.id.as_str()).collect();
            let why = match self.decision(&member.id).await? {
                _ if !own.is_empty() => own.iter().map(|entry| line(entry)).collect(),
                Decision::Leave { why } => vec![format!("leave: {why}")],
                Decision::Wait { why, .. } => vec![format!("wait: {why}")],
                Decision::Act { why, .. } => vec![format!("act: {why}")],
            };
            let unkept = unkept(member, &role.promise, &seen, &own);
            fates.push(Came { name: role.name, fate: role.promise.fate, seen, why, unkept });
        }
        Ok(fates)
    }

    fn table(&mut self, fates: &[Came]) -> std::io::Result<()> {
        let page = &mut self.town.page;
        page.paragraph("")?;
        page.heading(&format!("{:<NAME$}{:<STATE$}{HEADER}", "Conversation", "Now"))?;
        for Came { name, fate, seen, why, .. } in fates {
            page.hanging(&format!("{name:<NAME$}{:<STATE$}", seen.state), fate, Tone::Deed)?;
            for why in why {
                page.hanging(&" ".repeat(NAME + STATE), why, Tone::Aside)?;
            }
        }
        Ok(())
    }

    fn figures(&self, fates: &[Came]) -> Vec<(usize, String)> {
        let parts = || fates.iter().flat_map(|fate| fate.seen.parts.iter()).filter(|part| is_ours(part));
        let of = |kind: &str| parts().filter(|part| part.kind == kind).count();
        let sent = self.town.intercom.notifications();
        let answered = |status: u16| sent.iter().filter(|one| one.status == Some(status)).count();
        let repeated = sent.iter().enumerate().filter(|(at, one)| {
            one.status == Some(200)
                && sent[..*at].iter().any(|before| before.id == one.id && before.status == one.status)
        });
        let messages = parts().filter(|part| part.body.is_some()).count();
        let (reminders, repeated) = (of("comment"), repeated.count());
        let changing = self.town.intercom.mutating_calls().len();
        let closing = messages - reminders;
        vec![
            (
                answered(200),
                format!("notifications received and their signatures verified, {repeated} of them a repeat"),
            ),
            (answered(401), "forged, and refused".to_owned()),
            (messages, format!("messages to contacts: {reminders} to remind, {closing} to close")),
            (of("close"), "closed".to_owned()),
            (of("open"), "opened again at once".to_owned()),
            (self.town.intercom.calls().len(), format!("calls to Intercom, {changing} of which changed something")),
            (self.sweeps, "sweeps".to_owned()),
        ]
    }

    /// What the daemon itself says on its private listener.
    async fn health(&self) -> anyhow::Result<String> {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
        let url = format!("http://{}/health", self.daemon.admin_address());
        let report: serde_json::Value = client.get(url).send().await?.json().await?;
        Ok(report["status"].as_str().unwrap_or("silent").to_owned())
    }

    /// Every notification is answered 200, but for the forged one.
    fn unkept_answers(&self) -> Option<String> {
        let sent = self.town.intercom.notifications();
        let mut others = sent.iter().filter_map(|one| one.status).filter(|status| *status != 200);
        let forged_only = others.next() == Some(401) && others.next().is_none();
        let all_answered = sent.iter().all(|one| one.status.is_some());
        (!forged_only || !all_answered).then(|| "notifications: not all answered as they should be".to_owned())
    }
}

/// Where a conversation differs from what was promised.
fn unkept(member: &Member, promise: &Promise, seen: &Seen, journal: &[&JournalEntry]) -> Vec<String> {
    let deeds: Vec<_> = seen.parts.iter().filter(|part| is_ours(part)).map(deed).collect();
    let written: Vec<_> = journal.iter().map(|entry| format!("{} {}", entry.outcome, entry.step)).collect();
    let compared = [
        ("it is", seen.state.to_owned(), promise.state.to_owned()),
        ("autoclosed did", deeds.join(", "), promise.deeds.join(", ")),
        ("the journal has", written.join(", "), promise.journal.join(", ")),
        ("spared", member.spared.map(day_and_clock).unwrap_or_default(), promise.spared.unwrap_or_default().to_owned()),
    ];
    let differ = compared.into_iter().filter(|(_, found, promised)| found != promised);
    differ.map(|(what, found, promised)| format!("{}: {what} \"{found}\", not \"{promised}\"", member.name)).collect()
}

fn deed(part: &SeenPart) -> String {
    format!("{} {}", day_and_clock(part.at), part.kind)
}
