//! The checks on what runs by the schedule: the sweep and the look at the workspace.

use std::time::Duration;

use super::{Check, Health, said};
use crate::board::Run;

/// A job is overdue after so many of its longest gaps, but never sooner than a moment that any machine may take.
const GAPS: u32 = 3;
const SHORTEST_OVERDUE: Duration = Duration::from_mins(5);
/// A look that has made no progress for so long is stuck.
const STUCK: Duration = Duration::from_mins(10);

impl Health {
    pub(super) fn sweep(&self) -> Check {
        self.run("sweep", self.board.sweep(), self.gaps.0)
    }

    pub(super) fn reconcile(&self) -> Check {
        if self.board.stands_by() {
            let detail = "left to the autoclosed that acts on this database".into();
            return Check { name: "reconcile", ok: true, detail };
        }
        if !self.board.looked() {
            let detail = match (self.board.to_read(), self.board.reconcile()) {
                (Some((left, _)), _) => format!("first look at the workspace: {left} conversations left to read"),
                (None, Some(Run { result: Err(why), .. })) => format!("first look at the workspace failed: {why}"),
                _ => "first look at the workspace not done yet".into(),
            };
            return Check { name: "reconcile", ok: false, detail };
        }
        if let Some((left, since)) = self.board.to_read() {
            let still = self.standpoint.clock().elapsed().saturating_sub(since);
            let detail =
                format!("looking at the workspace: {left} conversations left to read, told {} ago", said(still));
            return Check { name: "reconcile", ok: still < STUCK, detail };
        }
        self.run("reconcile", self.board.reconcile(), self.gaps.1)
    }

    fn run(&self, name: &'static str, run: Option<Run>, gap: Duration) -> Check {
        let overdue = overdue(gap);
        let Some(run) = run else { return Check { name, ok: false, detail: "has not run since the start".into() } };
        let ago = self.standpoint.clock().elapsed().saturating_sub(run.elapsed);
        match run.result {
            Ok(did) if ago <= overdue => Check { name, ok: true, detail: format!("{did}, {} ago", said(ago)) },
            Ok(did) => {
                Check { name, ok: false, detail: format!("none has ended for {}; the last one: {did}", said(ago)) }
            }
            Err(why) => Check { name, ok: false, detail: format!("{why}, {} ago", said(ago)) },
        }
    }
}

/// When a job whose schedule has gaps of up to `gap` is overdue.
pub(crate) fn overdue(gap: Duration) -> Duration {
    gap.saturating_mul(GAPS).max(SHORTEST_OVERDUE)
}
