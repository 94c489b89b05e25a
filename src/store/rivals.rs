//! Closes by the teammate that we act as, of what was due here, which are not ours: another autoclosed acts in the
//! workspace, by another database, or somebody works as that teammate.
//!
//! Owns: how such a close is told from one of ours. Refuses: knowing who it was; nobody can. It is remembered for as long
//! as the program runs.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::Store;
use crate::engine::conversation::{Class, ConversationId, Part, Sighting};
use crate::engine::history::{Deed, History, Phase};

/// What is due by the same rules elsewhere is done at the same time, give or take a sweep.
const NEAR: SignedDuration = SignedDuration::from_mins(2);
/// What is older when it is seen says nothing of the present.
const RECENT: SignedDuration = SignedDuration::from_hours(1);
/// What we sent so shortly before may be it, whatever became of the answer.
const MAY_BE_OURS: SignedDuration = SignedDuration::from_mins(15);
/// Intercom counts in seconds.
const SAME_MOMENT: SignedDuration = SignedDuration::from_secs(2);

/// A close that is not ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// Of which conversation.
    pub conversation: ConversationId,
    /// When.
    pub at: Timestamp,
}

/// The latest; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Rivals(Arc<Mutex<Option<Rival>>>);

impl Rivals {
    pub(super) fn note(&self, found: Vec<Rival>) {
        for rival in found {
            tracing::warn!(
                conversation.id = %rival.conversation,
                "conversation {} was closed when it was due, by the teammate that this autoclosed acts as, and not by \
                 this autoclosed; see the check `admin`",
                rival.conversation
            );
            let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if latest.as_ref().is_none_or(|latest| latest.at <= rival.at) {
                *latest = Some(rival);
            }
        }
    }
}

impl Store {
    /// The latest close within the last hour that is not ours.
    pub fn rival(&self, now: Timestamp) -> Option<Rival> {
        let latest = self.rivals.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        latest.filter(|rival| now.duration_since(rival.at) < RECENT)
    }
}

/// Whether what is seen of a conversation that was to be looked at from `due_at` on shows such a close.
pub(super) fn rival(
    seen: &Sighting,
    admin_id: Option<&str>,
    due_at: Option<Timestamp>,
    history: Option<&History>,
    now: Timestamp,
) -> Option<Rival> {
    let due_at = due_at?;
    let closes = seen.parts.iter().filter(|part| part.classes.contains(&Class::Closed));
    let by_our_admin = closes.filter(|part| part.admin_id.is_some() && part.admin_id.as_deref() == admin_id);
    let near = by_our_admin.filter(|part| due_at <= part.at + NEAR && now.duration_since(part.at) < RECENT);
    let not_ours = near.filter(|part| !history.is_some_and(|history| may_be_ours(part, history)));
    let at = not_ours.map(|part| part.at).max()?;
    Some(Rival { conversation: seen.id.clone(), at })
}

fn may_be_ours(part: &Part, history: &History) -> bool {
    let made = |deed: &Deed| deed.part == part.id || deed.at.duration_since(part.at).abs() <= SAME_MOMENT;
    let sent_before = |sent: Timestamp| (-SAME_MOMENT..=MAY_BE_OURS).contains(&part.at.duration_since(sent));
    history.attempts.iter().any(|attempt| {
        matches!(attempt.phase, Phase::Unclear { .. })
            || attempt.deeds.iter().any(made)
            || attempt.sent_at.is_some_and(sent_before)
    })
}
