//! Deeds that Intercom does late: long after whoever asked for them has given up.
//!
//! Owns: what waits for its time. Refuses: doing anything before somebody looks at the clock: whoever calls, and who
//! waits for notifications.

use jiff::{SignedDuration, Timestamp};

use super::FakeIntercom;
use super::api::{self, Asked};
use super::faults::Endpoint;

/// A request whose time will come.
#[derive(Debug)]
pub(super) struct Late {
    at: Timestamp,
    asked: Asked,
    endpoint: Endpoint,
}

impl FakeIntercom {
    /// Puts a request aside until the clock has moved on by so much.
    pub(super) fn put_aside(&self, by: SignedDuration, asked: Asked, endpoint: Endpoint) {
        let at = self.inner.clock.now() + by;
        self.desk().late.push(Late { at, asked, endpoint });
    }

    /// Does what was put aside and is due by now, at the times at which it was due.
    pub(super) fn do_what_is_late(&self) {
        let now = self.inner.clock.now();
        let due: Vec<Late> = self.desk().late.extract_if(.., |late| late.at <= now).collect();
        for Late { at, asked, endpoint } in due {
            let notices = {
                let mut world = self.world();
                // What is refused by then is refused unheard.
                drop(api::answer(&mut world, &asked, endpoint, at.as_second()));
                world.take_notices()
            };
            self.publish(&notices);
        }
    }
}
