//! What the database tells of the past: whose it is, when the newest notification came, and which topics were seen.
//!
//! Owns: opening it beside a daemon, if it is there. Refuses: making it.

use jiff::SignedDuration;

use super::{Desk, ENVIRONMENT, Finding};
use crate::config::Diagnostic;
use crate::engine::why::span;
use crate::intercom::topic;
use crate::store::{Store, StoreError};

/// Topics seen longer ago are not seen lately.
const LATELY: SignedDuration = SignedDuration::from_hours(7 * 24);

const WEBHOOKS: &str =
    "check address and topics under Webhooks in the Developer Hub, and that its requests reach autoclosed";

/// The workspace that the database is of, if it says.
pub(super) async fn workspace(desk: &Desk<'_>) -> Option<String> {
    let store = open(desk).await.ok()??;
    let app_id = store.setting("app_id").await.ok().flatten();
    store.close().await;
    app_id
}

/// `None` if there is none yet.
async fn open(desk: &Desk<'_>) -> Result<Option<Store>, StoreError> {
    let path = &desk.config().database.path;
    let empty = std::fs::metadata(path).map_or(true, |file| file.len() == 0);
    if empty { Ok(None) } else { Store::open_beside(path).await.map(Some) }
}

/// What it tells of notifications.
pub(super) async fn findings(desk: &Desk<'_>) -> Vec<Finding> {
    let store = match open(desk).await {
        Ok(None) => return vec![Finding::ok("notifications", "none yet: there is no database before the first start")],
        Ok(Some(store)) => store,
        Err(error) => return vec![not_opened(&error)],
    };
    let found = told(desk, &store).await;
    store.close().await;
    found.unwrap_or_else(|error| vec![not_opened(&error)])
}

fn not_opened(error: &StoreError) -> Finding {
    let text = error.to_string();
    let (message, help) =
        text.split_once("; ").unwrap_or((&text, "keep the file, and see the log of `autoclosed run`"));
    let told = Diagnostic::about(ENVIRONMENT, message, help);
    if matches!(error, StoreError::Older { .. }) {
        Finding::doubt("database", told)
    } else {
        Finding::wrong("database", told)
    }
}

async fn told(desk: &Desk<'_>, store: &Store) -> Result<Vec<Finding>, StoreError> {
    let now = desk.clock.now();
    let lately = LATELY.min(desk.config().database.retention);
    let Some(app_id) = store.setting("app_id").await?.or_else(|| desk.config().intercom.app_id.clone()) else {
        return Ok(vec![none()]);
    };
    let Some(newest) = store.newest_notification(&app_id).await? else { return Ok(vec![none()]) };
    let seen = store.topics_since(&app_id, now - lately).await?;
    let newest = format!("the newest came {} ago", span(now.duration_since(newest).max(SignedDuration::ZERO)));
    Ok(vec![Finding::ok("notifications", newest), topics(&seen, lately)])
}

fn none() -> Finding {
    Finding::doubt("notifications", Diagnostic::about(ENVIRONMENT, "none has come yet", WEBHOOKS))
}

/// What has been seen of what is wanted. That what hardly ever happens was not seen is no reason for doubt.
fn topics(seen: &[String], lately: SignedDuration) -> Finding {
    let is_seen = |topic: &&str| seen.iter().any(|seen| seen == topic);
    let missing: Vec<_> = topic::WANTED.into_iter().filter(|topic| !is_seen(topic)).collect();
    let count = topic::WANTED.len() - missing.len();
    let all = topic::WANTED.len();
    let mut told = format!("{count} of {all} seen in the last {}", span(lately));
    if !missing.is_empty() {
        told = format!("{told}; not {}", missing.join(", "));
    }
    if topic::COMMON.iter().all(is_seen) {
        return Finding::ok("topics", told);
    }
    Finding::doubt("topics", Diagnostic::about(ENVIRONMENT, told, WEBHOOKS))
}
