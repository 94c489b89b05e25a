//! Stopping a rule of which contacts reopen too much: before anything is done, by what is known by then.

use super::Sweeper;
use crate::engine::rule::Rule;
use crate::sabotage::{Bug, planted};
use crate::safety::Acting;
use crate::store::StoreError;

impl Sweeper {
    /// Judges each rule that closes and has not stopped. Dry-run closes nothing, so it judges nothing.
    pub(super) async fn judge_rules(&self, acting: &Acting) -> Result<(), StoreError> {
        if self.settings.dry_run || planted(Bug::JudgesNoRule) {
            return Ok(());
        }
        let tripped = self.store.pauses().await?.tripped;
        let edition = self.standpoint.rulebook().current();
        let closing =
            edition.rules().rules.iter().filter(|rule| rule.close().is_some() && !tripped.contains_key(&rule.name));
        for Rule { name, .. } in closing {
            let rate = self.settings.trip_reopen_rate;
            let Some(found) = self.store.trip(&acting.app_id, name, rate, self.standpoint.now()).await? else {
                continue;
            };
            tracing::error!(
                rule = %name, why = %found,
                "rule `{name}` has tripped and does nothing until `autoclosed resume --rule NAME`"
            );
        }
        Ok(())
    }
}
