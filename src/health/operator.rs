//! The checks on what is up to the operator: what is paused, what waits for him, how much may be done, and the
//! configuration.
//!
//! Most of it is told and never bad: it is as he wants it. A rule that has stopped by itself is not.

use super::{Check, Health};
use crate::engine::rule::RuleName;
use crate::engine::why::at;
use crate::store::{BUDGET_WINDOW, Trip};

impl Health {
    /// Whether everything is paused, and what is told of it. An operator's word is told, and is not bad; a rule that has
    /// stopped by itself is, until he has said something.
    pub(super) async fn paused(&self) -> (bool, Check) {
        let name = "paused";
        let pauses = match self.store.pauses().await {
            Ok(pauses) => pauses,
            Err(error) => return (false, Check { name, ok: false, detail: error.to_string() }),
        };
        let mut detail = match (pauses.all, named(pauses.rules.keys()).as_slice()) {
            (Some(since), _) => format!("since {}; `autoclosed resume` ends it", at(since)),
            (None, []) if pauses.tripped.is_empty() => "nothing is paused".into(),
            (None, []) => String::new(),
            (None, [rule]) => format!("rule {rule} is paused"),
            (None, rules) => format!("rules {} are paused", rules.join(", ")),
        };
        let trips = pauses.tripped.iter().map(|(rule, trip)| {
            let Trip { at: then, reopenings } = trip;
            format!(
                "rule `{rule}` has tripped at {} and does nothing: {reopenings}; see why, then \
                 `autoclosed resume --rule NAME`",
                at(*then)
            )
        });
        let told: Vec<_> = Some(detail).filter(|detail| !detail.is_empty()).into_iter().chain(trips).collect();
        detail = told.join("; ");
        let edition = self.standpoint.rulebook().current();
        let known = |name: &RuleName| edition.rules().rules.iter().any(|rule| rule.name == *name);
        let vain = named(pauses.rules.keys().chain(pauses.tripped.keys()).filter(|name| !known(name)));
        if !vain.is_empty() {
            let vain = vain.join(", ");
            detail =
                format!("{detail}; no rule is called {vain} any more: if one was renamed, pause it by its new name");
        }
        // What stopped by itself must not pass for quiet. Whoever pauses it by its name has seen it.
        let ok = !pauses.unanswered_trips().any(|(rule, _)| known(rule));
        (pauses.all.is_some(), Check { name, ok, detail })
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

    /// What waits for the operator. It keeps its word, and is not bad.
    pub(super) async fn backlog(&self) -> Check {
        let name = "backlog";
        let backlog = match self.store.count_backlog().await {
            Ok(backlog) => backlog,
            Err(error) => return Check { name, ok: false, detail: error.to_string() },
        };
        let mut detail = match backlog.waiting {
            1 => "1 step waits for an operator".to_owned(),
            waiting => format!("{waiting} steps wait for an operator"),
        };
        if backlog.waiting > 0 {
            detail.push_str("; `autoclosed backlog list` shows them");
        }
        if backlog.released > 0 {
            detail = format!("{detail}; let go and not done yet: {}", backlog.released);
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

fn named<'a>(rules: impl Iterator<Item = &'a RuleName>) -> Vec<String> {
    rules.map(|rule| format!("`{rule}`")).collect()
}
