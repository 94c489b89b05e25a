//! Whoever looks and acts, put together and not yet woken: the same for a daemon and for a command.

use std::sync::Arc;

use super::parts::{client_settings, configured, edition, expected, keep_bodies, limits, settings, tolerance};
use super::{StartError, reload};
use crate::board::Board;
use crate::clock::Clock;
use crate::config::{Config, Secrets};
use crate::identity;
use crate::intercom::Intercom;
use crate::intercom::lens::Lens;
use crate::intercom::text::TextKey;
use crate::names::Names;
use crate::rulebook::Rulebook;
use crate::standpoint::Standpoint;
use crate::store::Store;
use crate::sweep::Sweeper;
use crate::tally::Tally;

/// Somebody who goes by this configuration and by what the database remembers.
pub(super) async fn sweeper(
    config: &Config,
    secrets: &Secrets,
    store: Store,
    clock: Clock,
) -> Result<Sweeper, StartError> {
    let lens = Lens::new(TextKey::new(&store.text_key().await?));
    lens.go_by(&config.rules);
    let intercom = Intercom::new(client_settings(config), secrets.access_token.clone(), lens, clock.clone())?;
    let names = Names::remembered(&store).await?;
    let edition = edition(config, &names);
    // Before anything is decided on by them.
    reload::unsettle(&store, &edition).await?;
    let identity = identity::remembered(&store, &expected(config)).await?;
    let standpoint =
        Standpoint::new(clock, intercom.clone(), Rulebook::new(edition), keep_bodies(config), identity, names);
    let board = Board::default();
    board.set_configured(configured(config));
    board.set_tolerance(tolerance(config));
    board.set_limits(limits(config));
    let (board, tally) = (Arc::new(board), Arc::new(Tally::default()));
    Ok(Sweeper { store, intercom, standpoint, board, tally, settings: settings(config), tenure: None })
}
