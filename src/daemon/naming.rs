//! The names in the configuration and the teammate that acts, looked up in the workspace while everything runs.

use super::jobs::Jobs;
use super::reload::unsettle;
use crate::identity;
use crate::intercom::client::Admin;
use crate::names::Looked;
use crate::rulebook::Edition;
use crate::store::StoreError;
use crate::sweep::Sweeper;

impl Jobs {
    /// Finds out what the rules' names mean, and puts the rules in force with their ids. What means nothing stops all
    /// acting. Due dates that follow from other ids are to be computed again.
    pub(super) async fn look_up_names(&self) -> Result<(), StoreError> {
        let Sweeper { intercom, store, standpoint, board, .. } = &self.sweeper;
        loop {
            let rules = standpoint.rulebook().current();
            let somebody_acts = standpoint.identity().admin_id.is_some();
            let looked = standpoint.names().look_up(rules.rules(), somebody_acts, intercom, store);
            let Looked { unclear, admins } = looked.await?;
            self.put_ids().await?;
            // A reload meanwhile has brought other names, about which this says nothing.
            if standpoint.rulebook().current().rules().names() != rules.rules().names() {
                continue;
            }
            if let Some(unclear) = &unclear
                && board.unclear_names().as_ref() != Some(unclear)
            {
                tracing::error!(
                    "nothing is done, as a name in the configuration means nothing in the workspace; see the check `config` of /health"
                );
            }
            board.set_unclear_names(unclear);
            if let Some(admins) = admins {
                self.judge_who_acts(&admins);
            }
            return Ok(());
        }
    }

    /// A teammate who has left, or may not work in the inbox, cannot act. What Intercom does not tell is no reason.
    fn judge_who_acts(&self, admins: &[Admin]) {
        let Sweeper { standpoint, board, .. } = &self.sweeper;
        let Some(admin_id) = standpoint.identity().admin_id else { return };
        let unfit = identity::unfit(&admin_id, admins);
        if unfit.is_some() && board.unfit() != unfit {
            tracing::error!("nothing is done, as the teammate that acts cannot; see the check `admin` of /health");
        }
        board.set_unfit(unfit);
    }

    async fn put_ids(&self) -> Result<(), StoreError> {
        let Sweeper { store, standpoint, .. } = &self.sweeper;
        let _deciding = self.deciding.lock().await;
        let current = standpoint.rulebook().current();
        let rules = current.rules().clone().with_ids(|called| standpoint.names().id_of(called));
        if rules != *current.rules() {
            let edition = Edition::new(rules, current.dry_run());
            unsettle(store, &edition).await?;
            standpoint.rulebook().replace(edition);
        }
        Ok(())
    }
}
