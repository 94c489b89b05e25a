//! Each gate by itself: shut by what it guards against, and by nothing else.

use std::time::Duration;

use secrecy::SecretString;

use super::*;
use crate::clock::{Clock, ManualClock};
use crate::fake_intercom::{FakeIntercom, Workspace};
use crate::intercom::client::ClientSettings;
use crate::intercom::text::TextKey;
use crate::names::Names;
use crate::rulebook::{Edition, Rulebook};
use crate::standpoint::Identity;
use crate::store::KeepBodies;

fn at(minutes: i64) -> Timestamp {
    let noon: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
    noon + SignedDuration::from_mins(minutes)
}

struct Stand {
    clock: ManualClock,
    board: Board,
    intercom: Intercom,
    standpoint: Standpoint,
    _fake: FakeIntercom,
}

impl Stand {
    /// One that may act: Intercom has answered, we are known, the workspace was looked at.
    async fn new() -> Stand {
        let clock = ManualClock::at(at(0));
        let fake = FakeIntercom::start(clock.on_another_wall().into(), Workspace::default()).await.unwrap();
        let settings = ClientSettings {
            base_url: fake.url().parse().unwrap(),
            api_version: "2.16".to_owned(),
            timeout: Duration::from_secs(5),
            requests_per_10s: None,
        };
        let token = SecretString::from(Workspace::default().token);
        let intercom =
            Intercom::new(settings, token, TextKey::new(&[7; 32]).into(), Clock::from(clock.clone())).unwrap();
        let rules = crate::config::parse("a.toml", b"").unwrap().config.rules;
        let identity = Identity { app_id: Some("ours".into()), admin_id: Some("9".into()) };
        let (rulebook, bodies) = (Rulebook::new(Edition::new(rules, true)), KeepBodies::Odd);
        let standpoint =
            Standpoint::new(clock.clone().into(), intercom.clone(), rulebook, bodies, identity, Names::default());
        let board = Board::default();
        board.set_looked();
        Stand { clock, board, intercom, standpoint, _fake: fake }
    }

    fn may_act(&self) -> Result<(), Blocked> {
        may_act(&self.board, &self.standpoint, &self.intercom).map(drop)
    }
}

#[tokio::test]
async fn nothing_is_done_before_intercom_has_answered_and_each_gate_shuts_by_itself() {
    crate::intercom::client::install_tls();
    let stand = Stand::new().await;
    assert_eq!(stand.may_act(), Err(Blocked::NoAnswerYet));
    stand.intercom.me().await.unwrap();
    assert_eq!(stand.may_act(), Ok(()));
    let why = || Some("why".to_owned());
    stand.board.set_refused(why());
    assert_eq!(stand.may_act(), Err(Blocked::Refused));
    stand.board.set_refused(None);
    stand.board.set_mismatch(why());
    assert_eq!(stand.may_act(), Err(Blocked::Identity("why".into())));
    stand.board.set_mismatch(None);
    stand.board.set_unfit(why());
    assert_eq!(stand.may_act(), Err(Blocked::Admin("why".into())));
    stand.board.set_unfit(None);
    stand.board.set_unclear_names(why());
    assert_eq!(stand.may_act(), Err(Blocked::Names("why".into())));
    stand.board.set_unclear_names(None);
    assert_eq!(stand.may_act(), Ok(()));
    stand.board.must_look_again();
    assert_eq!(stand.may_act(), Err(Blocked::NotLookedYet));
}

#[tokio::test]
async fn clocks_five_minutes_apart_are_taken_and_nothing_more_either_way() {
    crate::intercom::client::install_tls();
    let stand = Stand::new().await;
    stand.intercom.me().await.unwrap();
    for (milliseconds, taken) in
        [(299_000, true), (300_000, true), (300_001, false), (-300_000, true), (-300_001, false)]
    {
        stand.clock.set_wrong_by(SignedDuration::from_millis(milliseconds));
        let found = stand.may_act();
        assert_eq!(found.is_ok(), taken, "{milliseconds} ms: {found:?}");
        assert!(taken || matches!(found, Err(Blocked::Skew(_))), "{milliseconds} ms: {found:?}");
    }
}

#[tokio::test]
async fn whoever_is_not_known_does_nothing() {
    crate::intercom::client::install_tls();
    let stand = Stand::new().await;
    stand.intercom.me().await.unwrap();
    for (app_id, admin_id) in [(None, Some("9")), (Some("ours"), None), (None, None)] {
        stand.standpoint.learn(Identity { app_id: app_id.map(Into::into), admin_id: admin_id.map(Into::into) });
        assert!(matches!(stand.may_act(), Err(Blocked::Identity(_))), "{app_id:?}, {admin_id:?}");
    }
}

#[test]
fn a_step_is_late_once_it_waited_longer_than_allowed_within_opening_hours_and_reach() {
    let minutes = SignedDuration::from_mins;
    // minutes: due at 0; within reach up to; hours closed; now; allowed; and how late
    for (able_until, closed, now, allowed, late) in [
        (None, 0, 60, 60, None),
        (None, 0, 61, 60, Some(61)),
        (None, 1, 61, 60, None),
        (None, 1, 62, 60, Some(61)),
        (Some(30), 0, 90, 60, None),
        (Some(30), 0, 91, 60, Some(61)),
        (Some(-30), 0, 61, 60, Some(61)),
        (Some(30), 0, 45, 1, None),
        (Some(30), 0, 46, 1, Some(16)),
        (None, 0, 2, 1, Some(2)),
    ] {
        let found = lateness(at(0), able_until.map(at), |_| minutes(closed), at(now), minutes(allowed));
        assert_eq!(found, late.map(minutes), "{able_until:?}, {closed}, {now}, {allowed}");
    }
    assert_eq!(said_late(minutes(120), minutes(60)), "2 hours late; [safety] max_lateness allows 1 hour");
}

fn budget(actions: u32, closes: u32, messages: u32, released: Option<u32>) -> Budget {
    Budget { actions, closes, messages, grows_at: Some(at(10)), released, waiting: 0 }
}

#[test]
fn a_budget_that_is_used_up_stops_what_it_is_for_and_nothing_else() {
    let (close, reply) = (StepKind::Close, StepKind::Reply);
    for (left, kind, speaks, allowed) in [
        (budget(0, 9, 9, None), reply, false, Err(Spent::Sweep)),
        (budget(9, 0, 9, None), close, false, Err(Spent::Closes)),
        (budget(9, 0, 9, None), reply, true, Ok(())),
        (budget(9, 9, 0, None), reply, true, Err(Spent::Messages)),
        (budget(9, 9, 0, None), close, true, Err(Spent::Messages)),
        (budget(9, 9, 0, None), close, false, Ok(())),
        (budget(1, 1, 1, None), close, true, Ok(())),
    ] {
        assert_eq!(left.allows(kind, speaks), allowed, "{left:?}, {kind:?}, {speaks}");
    }
}

#[test]
fn what_is_done_is_taken_off_each_budget_that_it_is_for() {
    for (kind, speaks, left) in [
        (StepKind::Close, true, [8, 8, 8]),
        (StepKind::Close, false, [8, 8, 9]),
        (StepKind::Reply, true, [8, 9, 8]),
        (StepKind::Tag, false, [8, 9, 9]),
    ] {
        let mut budget = budget(9, 9, 9, None);
        budget.spend(kind, speaks);
        assert_eq!([budget.actions, budget.closes, budget.messages], left, "{kind:?}, {speaks}");
    }
}

#[test]
fn those_let_go_are_counted_apart() {
    for (left, released, allowed) in
        [(Some(0), true, Err(Spent::Released)), (Some(0), false, Ok(())), (Some(1), true, Ok(())), (None, true, Ok(()))]
    {
        assert_eq!(budget(9, 9, 9, left).lets_go(released), allowed, "{left:?}, {released}");
    }
    for (released, left) in [(true, Some(1)), (false, Some(2))] {
        let mut budget = budget(9, 9, 9, Some(2));
        budget.let_go(released);
        assert_eq!(budget.released, left);
    }
}

#[test]
fn whoever_must_wait_for_an_hourly_budget_comes_back_in_turn_once_it_grows() {
    let mut growing = budget(9, 0, 9, None);
    let after = |from: Timestamp, milliseconds| from + SignedDuration::from_millis(milliseconds);
    assert_eq!([growing.come_back(at(5)), growing.come_back(at(5))], [after(at(10), 1), after(at(10), 2)]);
    assert_eq!(growing.come_back(at(20)), after(at(20), 3));
    let mut empty = Budget { grows_at: None, ..budget(9, 0, 9, None) };
    assert_eq!(empty.come_back(at(5)), after(at(5), 1));
}
