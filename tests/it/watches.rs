//! When nothing may be done, what is said about it, and that it ends.

use autoclosed::daemon::Sweeping;
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};
use autoclosed::safety::Blocked;
use tokio::sync::oneshot;

use crate::harness::{House, QUIET_A_DAY, days, minutes, seconds};

#[tokio::test]
async fn a_second_sweep_is_refused_while_one_hangs() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(days(1));
    let (reached, held) = oneshot::channel();
    house.intercom.fault(Endpoint::Conversation, Fault::Hang);
    house.intercom.before_answer(Endpoint::Conversation, move |_| reached.send(()).unwrap());
    {
        let hanging = house.daemon().sweep();
        tokio::select! {
            swept = hanging => unreachable!("it does not hang: {swept:?}"),
            asked = async {
                held.await.unwrap();
                house.daemon().sweep().await
            } => assert_eq!(asked, Sweeping::Busy),
        }
    }
    assert!(matches!(house.sweep().await, Sweeping::Ran(_)), "it ended, and the next one may run");
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn a_second_look_is_refused_while_one_hangs() {
    let house = House::with(QUIET_A_DAY).await;
    let (reached, held) = oneshot::channel();
    house.intercom.fault(Endpoint::Search, Fault::Hang);
    house.intercom.before_answer(Endpoint::Search, move |_| reached.send(()).unwrap());
    {
        let hanging = house.daemon().reconcile();
        tokio::select! {
            looked = hanging => unreachable!("it does not hang: {looked:?}"),
            second = async {
                held.await.unwrap();
                house.daemon().reconcile().await
            } => assert_eq!(second.unwrap_err(), "a look at the workspace is going on already"),
        }
    }
    house.look().await;
}

#[tokio::test]
async fn a_clock_that_differs_by_more_than_five_minutes_stops_acting_until_it_is_right() {
    for (name, ahead) in [("ahead", true), ("behind", false)] {
        let mut house = House::without_daemon(QUIET_A_DAY).await;
        let clock = house.give_the_daemon_a_clock();
        let theirs = house.clock.clone();
        let (wrong, right) = if ahead { (&clock, &theirs) } else { (&theirs, &clock) };
        wrong.advance(minutes(5));
        house.start().await;
        house.look().await;
        assert!(matches!(house.sweep().await, Sweeping::Ran(_)), "{name}");
        assert!(house.check("clock").await.starts_with("ok: "), "{name}");
        wrong.advance(seconds(1));
        house.look().await;
        assert!(matches!(house.sweep().await, Sweeping::Blocked(Blocked::Skew(_))), "{name}");
        assert!(house.check("clock").await.starts_with("bad: "), "{name}");
        assert_eq!(house.bad().await, ["clock", "sweep"], "{name}");
        right.advance(minutes(5) + seconds(1));
        house.look().await;
        assert!(matches!(house.sweep().await, Sweeping::Ran(_)), "{name}");
        assert_eq!(house.bad().await, Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn neither_clock_hastens_anything() {
    for (name, ahead) in [("the daemon's clock is ahead", true), ("Intercom's clock is ahead", false)] {
        let mut house = House::without_daemon(QUIET_A_DAY).await;
        let clock = house.give_the_daemon_a_clock();
        let id = house.answered().await;
        clock.advance(minutes(1));
        if ahead { &clock } else { &house.clock }.advance(minutes(4));
        house.start().await;
        house.look().await;
        let pass = |time| {
            clock.advance(time);
            house.clock.advance(time);
        };
        // Until a day has passed on the clock that is behind.
        pass(days(1) - if ahead { seconds(1) } else { minutes(4) + seconds(1) });
        house.look().await;
        house.sweep().await;
        assert_eq!(house.deeds(), Vec::<String>::new(), "{name}");
        pass(if ahead { seconds(1) } else { minutes(4) + seconds(1) });
        house.look().await;
        house.sweep().await;
        assert_eq!(house.state(&id), "closed", "{name}");
    }
}

#[tokio::test]
async fn the_token_of_another_workspace_stops_acting_until_it_is_ours_again() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.stop().await;
    house.clock.advance(days(1));
    house.intercom.change_workspace(|workspace| workspace.app_id = "zz99zz99".into());
    house.start().await;
    let before = house.intercom.calls().len();
    for _ in 0..18 {
        house.daemon().tick().await;
        assert!(matches!(house.sweep().await, Sweeping::Blocked(Blocked::Identity(_))));
        house.clock.advance(seconds(10));
    }
    assert_eq!(house.intercom.calls()[before..].len(), 3, "asked once a minute");
    let told = house.check("workspace").await;
    assert!(told.starts_with("bad: the access token belongs to workspace zz99zz99, not to ab12cd34"), "{told}");
    assert_eq!(house.deeds(), Vec::<String>::new());
    let touched = house.intercom.calls().iter().filter(|call| call.endpoint == Endpoint::Conversation).count();
    let ours = Workspace::default().app_id;
    house.intercom.change_workspace(|workspace| workspace.app_id = ours);
    house.clock.advance(minutes(1));
    house.daemon().tick().await;
    assert_eq!((house.state(&id), house.bad().await), ("closed", vec![]));
    assert!(touched <= 1, "a strange workspace was read");
}

#[tokio::test]
async fn a_teammate_that_is_gone_stops_acting_after_three_calls() {
    let house = House::with(QUIET_A_DAY).await;
    let ids = [house.answered().await, house.answered().await, house.answered().await, house.answered().await];
    let gone = r#"{"type":"error.list","errors":[{"code":"admin_not_found","message":"Admin not found"}]}"#;
    house.intercom.fault_always(Endpoint::Close, Fault::Status { status: 404, body: gone.into() });
    house.clock.advance(days(1));
    for _ in 0..360 {
        house.daemon().tick().await;
        assert!(house.bad().await.contains(&"intercom".to_owned()), "a sweep has met it");
        house.clock.advance(seconds(10));
    }
    house.look().await;
    house.daemon().tick().await;
    assert!((1..=3).contains(&house.deeds().len()), "{:?}", house.deeds());
    assert!(ids.iter().all(|id| house.state(id) == "open"));
    house.intercom.clear_faults();
    house.clock.advance(days(1));
    house.look().await;
    house.sweep().await;
    house.sweep().await;
    assert!(ids.iter().all(|id| house.state(id) == "closed"), "it is tried again after a day");
    assert_eq!(house.bad().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_refused_reopening_stops_acting_after_three_calls() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let gone = r#"{"type":"error.list","errors":[{"code":"admin_not_found","message":"Admin not found"}]}"#;
    house.intercom.fault_always(Endpoint::Open, Fault::Status { status: 404, body: gone.into() });
    let slipping = id.clone();
    house.intercom.before_answer(Endpoint::Close, move |intercom| {
        intercom.contact_replies(&slipping, "Wait!");
    });
    house.clock.advance(days(1));
    for _ in 0..60 {
        house.daemon().tick().await;
        house.clock.advance(minutes(1));
    }
    assert_eq!(house.deeds(), ["close 200", "open 404", "open 404", "open 404"]);
    assert!(house.bad().await.contains(&"intercom".to_owned()));
    house.intercom.clear_faults();
    house.clock.advance(days(1));
    house.look().await;
    house.sweep().await;
    assert_eq!(house.state(&id), "open");
}

#[tokio::test]
async fn a_dead_token_costs_three_calls_and_is_tried_every_minute() {
    let house = House::with(QUIET_A_DAY).await;
    let ids = [house.answered().await, house.answered().await, house.answered().await, house.answered().await];
    house.clock.advance(days(1));
    house.look().await;
    house.intercom.change_workspace(|workspace| workspace.token = "another".into());
    let before = house.intercom.calls().len();
    house.daemon().tick().await;
    assert!(house.bad().await.contains(&"intercom".to_owned()));
    let first = house.intercom.calls()[before..].len();
    assert!((1..=3).contains(&first), "{first}");
    let probes = |from: usize| {
        let calls = house.intercom.calls();
        assert!(calls[from..].iter().all(|call| call.endpoint == Endpoint::Me), "{calls:?}");
        calls[from..].len()
    };
    let after = before + first;
    for _ in 0..30 {
        house.clock.advance(seconds(10));
        house.daemon().tick().await;
    }
    assert!((5..=6).contains(&probes(after)), "{}", probes(after));
    house.intercom.change_workspace(|workspace| workspace.token = Workspace::default().token);
    house.clock.advance(seconds(60));
    house.daemon().tick().await;
    house.daemon().tick().await;
    assert!(ids.iter().all(|id| house.state(id) == "closed"), "{:?}", house.deeds());
    assert_eq!(house.bad().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_daemon_that_begins_with_a_dead_token_asks_every_minute_and_recovers() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(days(1));
    house.intercom.change_workspace(|workspace| workspace.token = "another".into());
    house.start().await;
    for _ in 0..30 {
        house.daemon().tick().await;
        house.clock.advance(seconds(10));
    }
    let asked = house.intercom.calls().len();
    assert!((4..=8).contains(&asked), "{asked}");
    assert!(house.bad().await.contains(&"intercom".to_owned()));
    house.intercom.change_workspace(|workspace| workspace.token = Workspace::default().token);
    house.clock.advance(seconds(60));
    house.daemon().tick().await;
    assert_eq!((house.state(&id), house.bad().await), ("closed", vec![]));
}

#[tokio::test]
async fn health_turns_bad_when_no_sweep_ends() {
    let house = House::with(QUIET_A_DAY).await;
    assert_eq!(house.check("sweep").await, "bad: has not run since the start");
    house.sweep().await;
    assert_eq!(house.bad().await, Vec::<String>::new());
    house.clock.advance(minutes(5));
    assert_eq!(house.bad().await, Vec::<String>::new());
    house.clock.advance(seconds(1));
    assert_eq!(house.bad().await, ["sweep"]);
    house.sweep().await;
    assert_eq!(house.bad().await, Vec::<String>::new());
}

#[tokio::test]
async fn health_turns_bad_when_a_look_fails_or_none_was_done_for_long() {
    let house = House::with(QUIET_A_DAY).await;
    house.sweep().await;
    assert_eq!(house.bad().await, Vec::<String>::new());
    let refusal = Fault::Status { status: 400, body: "{}".into() };
    house.intercom.fault(Endpoint::Search, refusal);
    assert!(house.daemon().reconcile().await.is_err());
    assert_eq!(house.bad().await, ["reconcile"]);
    house.look().await;
    assert_eq!(house.bad().await, Vec::<String>::new());
    // Three times the ten minutes between two looks.
    house.clock.advance(minutes(30));
    house.sweep().await;
    assert_eq!(house.bad().await, Vec::<String>::new());
    house.clock.advance(seconds(1));
    house.sweep().await;
    assert_eq!(house.bad().await, ["reconcile"]);
}
