//! Who we are to Intercom: asks `GET /me`, compares it with the configuration, and remembers it.
//!
//! Owns: the workspace and the admin that acts. Refuses: acting as anybody that was not confirmed.

use std::sync::Arc;

use crate::board::Board;
use crate::intercom::Intercom;
use crate::intercom::client::{Admin, Me};
use crate::intercom::error::{Class, IntercomError};
use crate::standpoint::{Identity, Standpoint};
use crate::store::{Store, StoreError};

/// What the configuration says about us; `None` leaves it to Intercom.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The workspace.
    pub app_id: Option<String>,
    /// The admin that acts.
    pub admin_id: Option<String>,
    /// The region, in Intercom's spelling, if one was configured.
    pub region: Option<&'static str>,
}

/// Why we do not know who we are.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Intercom did not say.
    #[error(transparent)]
    Intercom(#[from] IntercomError),
    /// It could not be remembered.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was configured, or remembered from an earlier start.
pub async fn remembered(store: &Store, expected: &Expected) -> Result<Identity, StoreError> {
    let app_id = match &expected.app_id {
        Some(app_id) => Some(app_id.clone()),
        None => store.setting("app_id").await?,
    };
    let admin_id = match &expected.admin_id {
        Some(admin_id) => Some(admin_id.clone()),
        None => store.setting("admin_id").await?,
    };
    Ok(Identity { app_id: app_id.map(Arc::from), admin_id: admin_id.map(Arc::from) })
}

/// Asks Intercom, with the token of `asked`. Whatever it says goes onto the board; a mismatch with the configuration
/// stops acting. Only a token that proves to be ours is the one that `intercom` goes on with.
pub async fn ask(
    asked: &Intercom,
    intercom: &Intercom,
    store: &Store,
    standpoint: &Standpoint,
    board: &Board,
    expected: &Expected,
) -> Result<(), IdentityError> {
    let me = match asked.me().await {
        Ok(me) => me,
        Err(error) => {
            if error.class() == Class::AuthDead {
                board.set_refused(Some(error.to_string()));
            }
            return Err(error.into());
        }
    };
    let known = standpoint.identity();
    let mismatch = mismatch(&me, expected, &known);
    if mismatch.is_some() {
        board.set_mismatch(mismatch);
        board.set_refused(None);
        return Ok(());
    }
    let app_id = me.app_id.as_deref().map(Arc::from).or(known.app_id);
    let admin_id = expected.admin_id.as_deref().map(Arc::from).or_else(|| Some(Arc::from(me.admin_id.as_str())));
    for (key, value) in [("app_id", &app_id), ("admin_id", &admin_id)] {
        if let Some(value) = value {
            store.set_setting(key, value).await?;
        }
    }
    standpoint.learn(Identity { app_id, admin_id });
    intercom.take_token_of(asked);
    board.set_identified();
    board.set_mismatch(None);
    board.set_refused(None);
    Ok(())
}

fn mismatch(me: &Me, expected: &Expected, known: &Identity) -> Option<String> {
    let workspace = expected.app_id.as_deref().or(known.app_id.as_deref());
    other_workspace(me, workspace).or_else(|| other_region(me, expected.region))
}

/// Whether the token is of another workspace than ours.
pub(crate) fn other_workspace(me: &Me, ours: Option<&str>) -> Option<String> {
    let (ours, theirs) = (ours?, me.app_id.as_deref()?);
    (ours != theirs).then(|| {
        format!(
            "the access token belongs to workspace {theirs}, not to {ours}; use that workspace's token, or another database"
        )
    })
}

/// Whether the workspace is in another region than the one that is asked.
pub(crate) fn other_region(me: &Me, ours: Option<&str>) -> Option<String> {
    let (ours, theirs) = (ours?, me.region.as_deref()?);
    (!ours.eq_ignore_ascii_case(theirs))
        .then(|| format!("the workspace is in region {theirs}; set [intercom] region to it"))
}

/// Why the teammate of that id cannot act, with what to do. What Intercom does not tell is no reason.
pub(crate) fn unfit(admin_id: &str, admins: &[Admin]) -> Option<String> {
    let Some(admin) = admins.iter().find(|admin| admin.id == admin_id) else {
        return Some(format!(
            "the workspace has no teammate {admin_id}, who is to act; set [intercom] admin_id to one that it has"
        ));
    };
    (admin.has_inbox_seat == Some(false)).then(|| {
        format!(
            "teammate {admin_id}, who is to act, has no inbox seat; give them one in Intercom, or set [intercom] \
             admin_id to a teammate who has one"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(app_id: Option<&str>, region: Option<&str>) -> Me {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Me { admin_id: "1009".into(), name: None, app_id: owned(app_id), region: owned(region), timezone: None }
    }

    #[test]
    fn an_address_is_held_against_the_region_that_the_workspace_tells() {
        let regions = ["US", "EU", "AU"];
        for (ours, theirs) in regions.iter().flat_map(|ours| regions.iter().map(move |theirs| (*ours, *theirs))) {
            let expected = Expected { region: Some(ours), ..Expected::default() };
            for theirs in [theirs.to_owned(), theirs.to_lowercase()] {
                let found = mismatch(&told(None, Some(&theirs)), &expected, &Identity::default());
                let want = (!ours.eq_ignore_ascii_case(&theirs))
                    .then(|| format!("the workspace is in region {theirs}; set [intercom] region to it"));
                assert_eq!(found, want, "{ours} {theirs}");
            }
        }
    }

    #[test]
    fn what_intercom_does_not_tell_contradicts_nothing() {
        let expected = Expected { app_id: Some("ab1".into()), region: Some("EU"), ..Expected::default() };
        let known = Identity { app_id: Some(Arc::from("ab1")), admin_id: None };
        for (me, expected, known, contradicts) in [
            (told(None, None), &expected, &known, false),
            (told(Some("ab1"), Some("EU")), &expected, &known, false),
            (told(Some("cd2"), Some("EU")), &expected, &Identity::default(), true),
            (told(Some("cd2"), None), &Expected::default(), &known, true),
            (told(Some("cd2"), Some("AU")), &Expected::default(), &Identity::default(), false),
        ] {
            assert_eq!(mismatch(&me, expected, known).is_some(), contradicts, "{me:?} {expected:?}");
        }
    }
}
