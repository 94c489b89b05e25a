//! The checks on the other side: whether Intercom answers, who we are to it, and whether the clocks agree.
//!
//! Owns: their sentences. Refuses: asking Intercom; what its last answers told must do.

use jiff::SignedDuration;

use super::{Check, Health, said};
use crate::engine::why::{self, span};
use crate::intercom::Trouble;
use crate::intercom::error::Class;
use crate::safety;
use crate::store::Rival;

/// A snooze to restore, a conversation to open again, a tag to put on may wait for so long.
const UNFINISHED: SignedDuration = SignedDuration::from_hours(1);

/// What an error that concerns every call comes to, in words.
fn trouble(class: Class) -> &'static str {
    match class {
        Class::NotSent => "Intercom cannot be reached; check the network and the address under [intercom]",
        Class::AuthDead => "Intercom refuses the access token, the plan or the teammate that acts",
        _ => "answers are lost or make no sense; it goes on by itself once Intercom answers well again",
    }
}

/// Nobody can tell who it was: each of them is named, with what to do.
fn told_of(Rival { conversation, at }: &Rival) -> String {
    format!(
        "conversation {conversation} was closed at {} when it was due here, by the teammate that this autoclosed acts as, \
         and not by this autoclosed: another one may act in this workspace by another database (stop one of them), or \
         somebody may work as that teammate (give autoclosed one of its own). Told for an hour",
        why::at(*at)
    )
}

impl Health {
    pub(super) async fn intercom(&self) -> Check {
        let name = "intercom";
        let oldest = self.store.oldest_follow_up().await.ok().flatten();
        let waiting = oldest.map(|done| self.standpoint.now().duration_since(done)).filter(|since| *since > UNFINISHED);
        if let Some(since) = waiting {
            let detail =
                format!("for {} something that follows a deed could not be done; see the journal", span(since));
            return Check { name, ok: false, detail };
        }
        if let Some(why) = self.board.refused().or_else(|| self.board.refused_deed()) {
            return Check { name, ok: false, detail: why };
        }
        if let Some(why) = self.board.withheld() {
            let detail = format!(
                "refuses to show conversations ({why}), so none of them is closed; give the app the permission to read \
                 conversations in the Developer Hub"
            );
            return Check { name, ok: false, detail };
        }
        if let Some(trouble) = self.intercom.trouble() {
            return Check { name, ok: false, detail: self.in_trouble(trouble) };
        }
        let standing = self.intercom.standing();
        let unrestored = self.board.unrestored();
        let failing = standing.last_error.filter(|(at, class)| {
            let general = matches!(class, Class::AuthDead | Class::NotSent | Class::Ambiguous);
            general && standing.last_success.is_none_or(|success| success < *at)
        });
        match (standing.last_success, failing) {
            (None, Some((_, class))) => {
                Check { name, ok: false, detail: format!("no good answer since the start: {}", trouble(class)) }
            }
            (None, None) => Check { name, ok: false, detail: "not asked yet since the start".into() },
            (Some(_), Some((_, class))) => {
                Check { name, ok: false, detail: format!("the last call failed: {}", trouble(class)) }
            }
            (Some(_), None) if unrestored > 0 => Check {
                name,
                ok: false,
                detail: format!("{unrestored} conversations could not be put back as they were; see the journal"),
            },
            (Some(at), None) => {
                let ago = self.standpoint.clock().elapsed().saturating_sub(at);
                Check { name, ok: true, detail: format!("last answer {} ago", said(ago)) }
            }
        }
    }

    /// Since when nothing is sent, and when it is tried again.
    fn in_trouble(&self, trouble: Trouble) -> String {
        let now = self.standpoint.clock().elapsed();
        let standing = self.intercom.standing();
        let class = standing.last_error.map_or(Class::Ambiguous, |(_, class)| class);
        let (since, next) = (now.saturating_sub(trouble.since), trouble.next.saturating_sub(now));
        let next = if next.is_zero() { "with the next sweep".to_owned() } else { format!("in {}", said(next)) };
        format!(
            "in trouble for {}, so nothing is sent but one request now and then, the next {next}: {}",
            said(since),
            self::trouble(class)
        )
    }

    pub(super) fn workspace(&self) -> Check {
        let name = "workspace";
        if let Some(mismatch) = self.board.mismatch() {
            return Check { name, ok: false, detail: mismatch };
        }
        match self.standpoint.identity().app_id {
            Some(app_id) if self.board.identified() => Check { name, ok: true, detail: format!("workspace {app_id}") },
            Some(app_id) => {
                let detail = format!("workspace {app_id}, but Intercom has not confirmed it since the start");
                Check { name, ok: false, detail }
            }
            None => Check { name, ok: false, detail: "not known yet: Intercom has not said whose token it is".into() },
        }
    }

    pub(super) fn admin(&self) -> Check {
        let name = "admin";
        if let Some(unfit) = self.board.unfit() {
            return Check { name, ok: false, detail: format!("nothing is done: {unfit}") };
        }
        if let Some(rival) = self.store.rival(self.standpoint.now()) {
            return Check { name, ok: false, detail: told_of(&rival) };
        }
        match self.standpoint.identity().admin_id {
            Some(admin_id) if self.board.identified() => {
                Check { name, ok: true, detail: format!("acts as teammate {admin_id}") }
            }
            Some(admin_id) => {
                let detail =
                    format!("acts as teammate {admin_id}, but Intercom has not answered for it since the start");
                Check { name, ok: false, detail }
            }
            None => Check { name, ok: false, detail: "not known yet: Intercom has not said whose token it is".into() },
        }
    }

    pub(super) fn clock(&self) -> Check {
        let name = "clock";
        let Some(intercom_now) = self.intercom.intercom_now() else {
            return Check { name, ok: false, detail: "Intercom's clock is not known yet".into() };
        };
        let skew = self.standpoint.clock().now().duration_since(intercom_now).abs();
        let ok = skew <= safety::LARGEST_SKEW;
        let then = if ok { "" } else { "; set this machine's clock right" };
        Check { name, ok, detail: format!("{} from Intercom's{then}", span(skew)) }
    }
}
