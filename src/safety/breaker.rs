//! When a rule stops by itself: contacts have reopened too much of what it closed.
//!
//! Owns: how many closes are judged, and what is too much. Refuses: knowing how reopenings are found.

use std::fmt;

use jiff::SignedDuration;

/// So many of a rule's last closes are judged.
pub const JUDGED_CLOSES: u32 = 40;
/// With fewer than these, nothing is said of the rule.
const JUDGED_FROM: u32 = 20;
/// What a contact reopens later than this may be about something else.
pub const REOPENED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// A part of a whole: from 0, which is none of it, to 1, which is all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(f64);

// Being between 0 and 1, it is a number.
impl Eq for Share {}

impl Share {
    /// One in four.
    pub const QUARTER: Share = Share(0.25);

    /// `None` if it is less than 0, more than 1 or no number.
    pub fn new(share: f64) -> Option<Share> {
        (0.0..=1.0).contains(&share).then_some(Share(share))
    }

    /// Whether it is nothing at all.
    pub fn is_none(self) -> bool {
        self.0 <= 0.0
    }

    /// Whether `some` of `all` are at least this share.
    fn is_reached(self, some: u32, all: u32) -> bool {
        // 0.07 of 100 are seven, and no fraction more.
        const ROUNDING: f64 = 1e-9;
        f64::from(some) + ROUNDING >= self.0 * f64::from(all)
    }
}

/// What became of a rule's last closes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reopenings {
    /// How many are judged.
    pub closes: u32,
    /// How many of them contacts have reopened.
    pub reopened: u32,
}

impl Reopenings {
    /// Whether that is too much. Where nothing was reopened it never is.
    pub fn trips(self, rate: Share) -> bool {
        self.closes >= JUDGED_FROM && self.reopened > 0 && rate.is_reached(self.reopened, self.closes)
    }
}

impl fmt::Display for Reopenings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reopenings { closes, reopened } = self;
        write!(f, "contacts reopened {reopened} of its last {closes} closes within 24 hours")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_trips_from_its_twentieth_close_on_when_the_share_is_reached() {
        for (reopened, closes, rate, trips) in [
            (19, 19, 0.25, false),
            (4, 20, 0.25, false),
            (5, 20, 0.25, true),
            (9, 40, 0.25, false),
            (10, 40, 0.25, true),
            (7, 25, 0.28, true),
            (39, 40, 1.0, false),
            (40, 40, 1.0, true),
            (0, 40, 0.0, false),
            (1, 40, 0.0, true),
        ] {
            let found = Reopenings { closes, reopened };
            assert_eq!(found.trips(Share::new(rate).unwrap()), trips, "{found}, {rate}");
        }
    }

    #[test]
    fn a_share_lies_between_nothing_and_all() {
        for (share, is) in [(0.0, true), (1.0, true), (0.25, true), (-0.1, false), (1.01, false), (f64::NAN, false)] {
            assert_eq!(Share::new(share).is_some(), is, "{share}");
        }
    }

    #[test]
    fn a_share_of_nothing_is_none_and_what_was_reopened_is_told_in_words() {
        for (share, none) in [(0.0, true), (0.01, false), (1.0, false)] {
            assert_eq!(Share::new(share).unwrap().is_none(), none, "{share}");
        }
        let found = Reopenings { closes: 40, reopened: 11 };
        assert_eq!(found.to_string(), "contacts reopened 11 of its last 40 closes within 24 hours");
    }
}
