//! What happens at Intercom, held against the promises; and what the daemon has written down about it.

use std::sync::Arc;

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, Workspace};
use autoclosed::rulebook::{Edition, Rulebook};
use autoclosed::store::{Context, KeepBodies};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Row};

use super::laws::{self, Arrival, Spent};
use super::truth::{Who, is_ours, last_of, said};
use super::world::{Broken, World};

impl World {
    /// Judges a call that changes something, before it does.
    pub(super) async fn arrives(&mut self, id: &ConversationId, endpoint: Endpoint) {
        let rows = self.attempts(id).await;
        let kind = kind_of(endpoint);
        let main = rows.iter().find(|row| row.phase == "unclear" && row.step.starts_with(kind));
        let follows = rows.iter().any(|row| row.follow_up.is_some() || row.phase == "unclear");
        self.tell(format!("{endpoint:?} arrives for {id}"));
        let Some(row) = main else {
            if !follows {
                self.breaks("I15: it is written down before it is asked for", format!("{endpoint:?} on {id}"));
            }
            return;
        };
        let Some(spec) = self.plan.spec(&row.rule) else { return };
        let Some((_, opening)) = self.talks.iter().find(|(known, _)| known == id) else { return };
        let Some(shown) = self.shown.get(id) else {
            return self
                .breaks("P2: decided on what was read within two seconds before", format!("{id} was never read"));
        };
        let arrival = Arrival {
            now: self.clock.now(),
            endpoint,
            spec,
            step: &row.step,
            anchor: row.anchor,
            opening: *opening,
            shown: &shown.seen,
            age: self.written_at.duration_since(shown.at),
            ticket: shown.ticket,
            forbidden: self.forbidden,
            wall_wrong_by: self.wrong_by,
            dry_run: self.dry_run,
            looked: self.looked,
        };
        let wrong = laws::ON_ARRIVAL.iter().find_map(|(law, is)| is(&arrival).map(|how| (*law, how)));
        if let Some((law, how)) = wrong {
            self.breaks(law, format!("`{}` of `{}` on {id}: {how}", row.step, row.rule));
        }
    }

    pub(super) fn is_done(&mut self, id: &ConversationId, endpoint: Endpoint, with_text: bool) {
        self.deeds += 1;
        let Some(seen) = self.fake.conversation(id) else { return };
        let Some((_, opening)) = self.talks.iter().find(|(known, _)| known == id).cloned() else { return };
        let close = endpoint == Endpoint::Close;
        if close {
            let part =
                seen.parts.iter().rev().find(|part| part.kind == "close" && is_ours(part)).map_or(0, |part| part.id);
            let known = self.shown.get(id).and_then(|shown| last_of(&said(opening, &shown.seen), &[Who::Contact]));
            self.closes.entry(id.clone()).or_default().push((part, known.map_or(0, |said| said.part)));
        }
        let message = endpoint == Endpoint::Reply || (close && with_text);
        if close || message {
            self.spent.push(Spent { at: self.clock.now(), close, message });
        }
        if let Some(how) = laws::within_budgets(&self.spent).filter(|_| !self.generous) {
            self.breaks("P8: budgets of every sliding hour", how);
        }
        if let Some(how) = laws::said_once(opening, &seen) {
            self.breaks("P3: every message once in a silence", format!("{id}: {how}"));
        }
    }

    pub(crate) fn breaks(&mut self, law: &'static str, how: String) {
        self.broken.get_or_insert(Broken { law, how });
    }

    pub(crate) fn quiet(&mut self) -> Result<(), Broken> {
        self.broken.take().map_or(Ok(()), Err)
    }

    /// Closes that Intercom has done.
    pub(crate) fn count_closes(&self) -> usize {
        self.closes.values().map(Vec::len).sum()
    }

    /// I22, for whoever knows that everything has been put right by now.
    pub(crate) fn nothing_is_closed_over(&mut self) -> Result<(), Broken> {
        for (id, opening) in &self.talks {
            let closes = self.closes.get(id).map_or(&[][..], Vec::as_slice);
            let wrong = self.fake.conversation(id).and_then(|seen| laws::not_closed_over(*opening, &seen, closes));
            if let Some(how) = wrong {
                return Err(Broken { law: "I22: what slips in is reopened", how: format!("{id}: {how}") });
            }
        }
        Ok(())
    }

    async fn peek(&mut self) -> &mut SqliteConnection {
        if self.peek.is_none() {
            let options = SqliteConnectOptions::new().filename(self.database()).read_only(true);
            self.peek = Some(options.connect().await.unwrap());
        }
        self.peek.as_mut().unwrap()
    }

    /// Everything that is written down about it.
    pub(crate) async fn attempts(&mut self, id: &ConversationId) -> Vec<Attempt> {
        let sql = "SELECT rule, step, anchor_at / 1000, phase, follow_up, outcome, why FROM attempt WHERE conversation_id = $1 ORDER BY id DESC";
        let rows = sqlx::query(sql).bind(id.as_str()).fetch_all(self.peek().await).await.unwrap();
        let row = |row: &sqlx::sqlite::SqliteRow| Attempt {
            rule: row.get(0),
            step: row.get(1),
            anchor: row.get(2),
            phase: row.get(3),
            follow_up: row.get(4),
            outcome: row.get(5),
            why: row.get(6),
        };
        rows.iter().map(row).collect()
    }

    /// What the daemon would say of it now.
    pub(crate) async fn reasons(&self, id: &ConversationId) -> String {
        let Some(daemon) = &self.daemon else { return String::new() };
        let context = Context {
            app_id: Some(Arc::from(Workspace::default().app_id)),
            admin_id: Some(Arc::from(Workspace::default().token_admin)),
            rulebook: Rulebook::new(Edition::new(self.config().rules, false)),
            keep_bodies: KeepBodies::Odd,
            now: self.clock.now(),
            received_at: self.clock.now(),
        };
        let decided = daemon.store().decided(id, &context).await.unwrap();
        decided.map_or_else(|| "nothing is known of it".to_owned(), |decided| decided.decision.why().to_string())
    }

    /// Rows that this query finds, as text.
    pub(crate) async fn ask(&mut self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(self.peek().await).await.unwrap()
    }
}

/// An attempt as the database has it.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) rule: String,
    pub(crate) step: String,
    anchor: i64,
    pub(crate) phase: String,
    pub(crate) follow_up: Option<String>,
    pub(crate) outcome: String,
    pub(crate) why: String,
}

fn kind_of(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Close => "close",
        Endpoint::Reply => "reply",
        Endpoint::Note => "note",
        Endpoint::Snooze => "snooze",
        Endpoint::Open => "open",
        Endpoint::Assign => "assign",
        Endpoint::Tag => "tag",
        Endpoint::Untag => "untag",
        Endpoint::Update => "update",
        _ => "-",
    }
}
