//! Under the filter of the unit, by `tests/confined`, if the tests are told to start the program by that.

use super::*;

/// Else a run under a wrapper that does nothing would prove nothing.
#[test]
fn a_program_that_is_started_by_a_wrapper_has_a_filter_on_its_calls_and_gains_nothing() {
    let place = Place::new(&lonely(CALM));
    let mut running = Running::start(&place);
    running.wait_for("is ready");
    let id = running.child.id();
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let is = |line: &str| status.lines().any(|found| found == line);
    let wrapped = crate::campaigns::wrapper().is_some();
    // A container may have one of its own already.
    assert!(!wrapped || (is("Seccomp:\t2") && is("NoNewPrivs:\t1")), "{status}");
    let program = std::fs::read_link(format!("/proc/{id}/exe")).unwrap();
    assert!(program.ends_with("autoclosed"), "{}", program.display());
}
