//! That the simulation would notice: each safeguard is taken away in turn, and some world breaks a promise by it. The
//! same worlds keep every promise with it.

use autoclosed::sabotage::Bug;

use super::races;
use super::run::{Course, many};

/// A world in which everything goes wrong often.
pub(super) const ROUGH: Course = Course { faults: 20, deaths: 12, clocks: 0, operators: 3, ..Course::ALL };
const CROWD: Course = Course { crowd: 9, ..Course::ALL };
const CLOCKS: Course = Course { clocks: 40, faults: 0, deaths: 0, operators: 0, ..Course::ALL };

/// Runs worlds with the bug until one of them breaks a promise, which must be one of those.
fn caught(bug: Bug, seeds: u64, course: &Course, promise: &str) {
    let total = many(0..seeds, course, Some(bug));
    let (_, broken) = total.broken.first().expect("it was not noticed");
    assert!(broken.law.starts_with(promise), "{bug:?} broke another promise: {broken:?}");
}

#[test]
fn with_every_safeguard_the_same_worlds_keep_every_promise() {
    for (seeds, course) in [(60, ROUGH), (20, CROWD), (20, CLOCKS)] {
        let total = many(0..seeds, &course, None);
        assert!(total.broken.is_empty(), "{}", total.told());
    }
}

macro_rules! teeth {
    ($($name:ident: $bug:ident, $seeds:literal, $course:ident, $promise:literal;)*) => {
        $(#[test]
        fn $name() {
            caught(Bug::$bug, $seeds, &$course, $promise);
        })*
    };
}

teeth! {
    whoever_decides_on_what_is_stored_is_caught: DecidesOnWhatIsStored, 60, ROUGH, "P";
    whoever_sends_again_blindly_is_caught: SendsAgainBlindly, 60, ROUGH, "P";
    whoever_goes_by_the_local_clock_is_caught: GoesByTheLocalClock, 20, CLOCKS, "P";
    whoever_asks_the_operator_once_is_caught: AsksTheOperatorOnce, 60, ROUGH, "P5";
    whoever_takes_his_own_parts_for_somebody_else_s_is_caught: OwnPartsCount, 60, ROUGH, "P";
    whoever_forgets_the_budget_is_caught: BudgetIsForgotten, 20, CROWD, "P8";
    whoever_writes_down_late_is_caught: WritesDownLate, 60, ROUGH, "I15";
    whoever_loses_a_wake_up_is_caught: LosesWakeUps, 60, ROUGH, "I16";
    whoever_forgets_what_follows_is_caught: ForgetsWhatFollows, 60, ROUGH, "I16";
    whoever_never_looks_into_lost_answers_is_caught: NeverLooksIntoLostAnswers, 60, ROUGH, "I16";
}

/// The same closes as in the races; some stands closed over what a contact wrote.
fn caught_in_a_race(bug: Bug) {
    let (_, broken) = races::many(400, Some(bug)).expect_err("it was not noticed");
    assert!(broken.law.starts_with("I22"), "{bug:?} broke another promise: {broken:?}");
}

#[test]
fn whoever_never_takes_back_is_caught() {
    caught_in_a_race(Bug::NeverTakesBack);
}

#[test]
fn whoever_counts_a_tie_as_later_is_caught() {
    caught_in_a_race(Bug::TieCountsAsLater);
}
