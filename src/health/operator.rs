//! The checks on what is up to the operator: what is paused, what waits for him, how much may be done, and the
//! configuration.
//!
//! Most of it is told and never bad: it is as he wants it.

use super::{Check, Health};
use crate::engine::rule::RuleName;
use crate::engine::why::at;
use crate::store::BUDGET_WINDOW;

impl Health {
    /// Whether everything is paused, and what is told of it. An operator's word is told, and is not bad.
    pub(super) async fn paused(&self) -> (bool, Check) {
        let name = "paused";
        let pauses = match self.store.pauses().await {
            Ok(pauses) => pauses,
            Err(error) => return (false, Check { name, ok: false, detail: error.to_string() }),
        };
        let rules: Vec<_> = pauses.rules.keys().map(|rule| format!("`{rule}`")).collect();
        let mut detail = match (pauses.all, rules.as_slice()) {
            (Some(since), _) => format!("since {}; `autoclosed resume` ends it", at(since)),
            (None, []) => "nothing is paused".into(),
            (None, [rule]) => format!("rule {rule} is paused"),
            (None, rules) => format!("rules {} are paused", rules.join(", ")),
        };
        let edition = self.standpoint.rulebook().current();
        let known = |name: &RuleName| edition.rules().rules.iter().any(|rule| rule.name == *name);
        let vain: Vec<_> = pauses.rules.keys().filter(|name| !known(name)).map(|name| format!("`{name}`")).collect();
        if !vain.is_empty() {
            let vain = vain.join(", ");
            detail =
                format!("{detail}; no rule is called {vain} any more: if one was renamed, pause it by its new name");
        }
        (pauses.all.is_some(), Check { name, ok: true, detail })
    }

    /// What left in the last hour, of what may. A budget that is used up keeps its word, and is not bad.
    pub(super) async fn budget(&self) -> Check {
        let name = "budget";
        let Some(limits) = self.board.limits() else {
            return Check { name, ok: false, detail: "the limits are not known yet".into() };
        };
        let since = self.standpoint.now() - BUDGET_WINDOW;
        let (sent, oldest) = match (self.store.sent_since(since).await, self.store.oldest_sent_since(since).await) {
            (Ok(sent), Ok(oldest)) => (sent, oldest),
            (Err(error), _) | (_, Err(error)) => return Check { name, ok: false, detail: error.to_string() },
        };
        let ((closes, messages), (most_closes, most_messages)) =
            (sent, (limits.closes_per_hour, limits.messages_per_hour));
        let mut detail =
            format!("{closes} of {most_closes} closes and {messages} of {most_messages} messages in the last hour");
        if let Some(oldest) = oldest.filter(|_| closes >= most_closes || messages >= most_messages) {
            detail = format!("{detail}; used up, what is due waits until {}", at(oldest + BUDGET_WINDOW));
        }
        Check { name, ok: true, detail }
    }

    pub(super) fn config(&self) -> Check {
        let unresolved = || !self.board.stands_by() && !self.standpoint.rulebook().current().rules().is_resolved();
        let configured = match (self.board.configured(), self.board.unclear_names()) {
            (Ok(_), Some(unclear)) => Err(format!("nothing is done: {unclear}")),
            (Ok(_), None) if unresolved() => Err("what the rules name was not looked up in Intercom yet".into()),
            (configured, _) => configured,
        };
        Check { name: "config", ok: configured.is_ok(), detail: configured.unwrap_or_else(|why| why) }
    }
}

/// What waits for the operator. Nothing is put aside for him yet.
pub(super) fn backlog() -> Check {
    Check { name: "backlog", ok: true, detail: "0 steps wait for an operator".into() }
}
