//! The check on webhooks: whether they come, and how many did not.

use super::{Check, Health};
use crate::store::{Missed, Recorded};

impl Health {
    pub(super) async fn notifications(&self) -> Check {
        let name = "notifications";
        let counts = Recorded::NAMES.map(|(result, name)| format!("{} {name}", self.tally.notifications(result)));
        let counts = format!("since the start: {}", counts.join(", "));
        let Some(app_id) = self.standpoint.identity().app_id else {
            let detail = format!("whether any are missed cannot be told before the workspace is known; {counts}");
            return Check { name, ok: false, detail };
        };
        let tolerance = self.board.tolerance();
        match self.store.missed(&app_id, self.standpoint.now(), tolerance.grace).await {
            Ok(missed) => {
                let ok = missed.count <= i64::from(tolerance.most) && !missed.none_arrived;
                Check { name, ok, detail: told(missed, tolerance.most, &counts) }
            }
            Err(error) => Check { name, ok: false, detail: error.to_string() },
        }
    }
}

fn told(missed: Missed, most: u32, counts: &str) -> String {
    let Missed { count, none_arrived } = missed;
    let look = "check the webhook's address and topics in the Developer Hub";
    if none_arrived {
        let changes = if count == 1 { "one change" } else { &format!("{count} changes") };
        format!("no webhook arrives, though others made {changes} in the last hour; {look}; {counts}")
    } else if count > i64::from(most) {
        format!(
            "webhooks told nothing of {count} changes by others in the last hour, more than {most}; {look}; {counts}"
        )
    } else if count > 0 {
        format!("{counts}; {count} missed in the last hour, of {most} allowed")
    } else {
        counts.to_owned()
    }
}
