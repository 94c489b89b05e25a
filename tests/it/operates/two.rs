//! Two programs in one place, as an operator may start them.

use super::*;

/// Sweeps every second, on ports of its own.
fn place(intercom: &FakeIntercom) -> Place {
    Place::new(&configuration(&intercom.url(), RULE))
}

async fn intercom() -> FakeIntercom {
    install_tls();
    FakeIntercom::start(Clock::System, Workspace::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_stands_by_until_the_first_is_killed() {
    let intercom = intercom().await;
    let place = place(&intercom);
    let first = Running::start(&place);
    let mut first = first;
    first.wait_for("is ready");
    let mut second = Running::start(&place);
    let said = second.wait_for("standing by: another autoclosed acts on this database");
    assert_eq!(said["level"], "INFO");
    second.wait_for("is ready");
    let began = Instant::now();
    first.send("KILL");
    second.wait_for("taking over");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let (status, _, lines) = second.signal("TERM");
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_that_was_stopped_for_long_stands_by_when_it_goes_on() {
    let intercom = intercom().await;
    let place = place(&intercom);
    let mut first = Running::start(&place);
    first.wait_for("is ready");
    let mut second = Running::start(&place);
    second.wait_for("standing by");
    first.send("STOP");
    second.wait_within(Duration::from_mins(1), "taking over");
    first.send("CONT");
    first.wait_for("another autoclosed has taken over this database while this one was held up");
    // Who has ended in good order leaves nothing to wait for.
    let (status, _, lines) = second.signal("TERM");
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    first.wait_for("taking over");
    assert_eq!(first.signal("TERM").0.code(), Some(0));
}
