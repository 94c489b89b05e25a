//! Two daemons: on one database one acts and the other stands by; on two databases of one workspace each is told of the
//! other.

mod rivals;
mod rounds;

use autoclosed::clock::ManualClock;
use autoclosed::config;
use autoclosed::daemon::{Daemon, StartError, Sweeping};
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::Endpoint;
use autoclosed::safety::Blocked;
use autoclosed::tenure::Lock;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};

use crate::harness::{CLIENT_SECRET, House, QUIET_A_DAY, days, minutes, seconds, secrets};

/// A house with a second daemon on the same database. All clocks go alike until one of them is stopped.
pub(crate) struct Pair {
    pub(crate) house: House,
    pub(crate) first_clock: ManualClock,
    pub(crate) second: Daemon,
    second_clock: ManualClock,
}

impl Pair {
    pub(crate) async fn with(rules: &str) -> Pair {
        let mut house = House::without_daemon(rules).await;
        let first_clock = house.give_the_daemon_a_clock();
        house.start().await;
        house.look().await;
        let second_clock = ManualClock::at(house.clock.now());
        let second = Daemon::start(&house.config(), &secrets(), second_clock.clone().into()).await.unwrap();
        Pair { house, first_clock, second, second_clock }
    }

    /// As [`House::answered`], for all clocks.
    pub(crate) async fn answered(&self) -> ConversationId {
        let id = self.house.answered().await;
        self.first_clock.set(self.house.clock.now());
        self.second_clock.set(self.house.clock.now());
        id
    }

    /// Time passes, for the first one's machine too.
    pub(crate) fn pass(&self, time: jiff::SignedDuration) {
        self.first_clock.advance(time);
        self.pass_without_the_first(time);
    }

    /// Time passes, and the machine of the first one stands still.
    pub(crate) fn pass_without_the_first(&self, time: jiff::SignedDuration) {
        self.house.clock.advance(time);
        self.second_clock.advance(time);
    }

    /// The first one's machine finds out what time it is.
    pub(crate) fn catch_up(&self) {
        self.first_clock.set(self.house.clock.now());
    }

    /// The first gives a sign of life, and the second sees it.
    pub(crate) async fn both_tick(&self) {
        self.house.daemon().tick().await;
        self.second.tick().await;
    }

    /// The second one is woken every half a minute, so often.
    pub(crate) async fn wake_the_second(&self, times: u32, pass: impl Fn(&Pair, jiff::SignedDuration)) {
        for _ in 0..times {
            self.second.tick().await;
            self.house.intercom.settle().await;
            pass(self, seconds(31));
        }
    }

    /// A check of the second one.
    async fn check(&self, name: &str) -> String {
        let report = self.second.health().await;
        let check = report.checks.iter().find(|check| check.name == name).unwrap();
        format!("{}: {}", if check.ok { "ok" } else { "bad" }, check.detail)
    }
}

#[tokio::test]
async fn the_second_stands_by_and_says_so() {
    let pair = Pair::with(QUIET_A_DAY).await;
    let id = pair.answered().await;
    pair.house.daemon().tick().await;
    let asked = pair.house.intercom.calls().len();
    pair.second.tick().await;
    pair.second.tick().await;
    assert_eq!(pair.second.sweep().await, Sweeping::Blocked(Blocked::StandsBy));
    assert!(pair.second.reconcile().await.unwrap_err().starts_with("standing by: "));
    let calls = pair.house.intercom.calls().split_off(asked);
    assert!(calls.iter().all(|call| call.endpoint == Endpoint::Me) && calls.len() == 1, "{calls:?}");
    insta::assert_snapshot!(pair.check("sweep").await, @"ok: standing by: another autoclosed acts on this database; this one records, and takes over when that one ends, 0 seconds ago");
    insta::assert_snapshot!(pair.check("reconcile").await, @"ok: left to the autoclosed that acts on this database");
    assert_eq!(pair.second.health().await.status, "ok");
    pair.pass(days(1));
    pair.house.sweep().await;
    assert_eq!(pair.house.state(&id), "closed", "and the first one acts as ever");
    assert!(!pair.house.daemon().stands_by());
}

#[tokio::test]
async fn what_is_notified_to_the_one_that_stands_by_is_recorded() {
    let pair = Pair::with(QUIET_A_DAY).await;
    let webhook = format!("http://{}/webhooks/intercom", pair.second.public_address());
    pair.house.intercom.send_notifications_to(&webhook, CLIENT_SECRET);
    let id = pair.answered().await;
    pair.pass(days(1));
    pair.house.sweep().await;
    assert_eq!(pair.house.state(&id), "closed", "the first one knows it from the database");
}

#[tokio::test]
async fn what_the_one_that_stands_by_records_is_done_by_the_rules_of_the_one_that_acts() {
    let other_rules = ["", &QUIET_A_DAY.replace("1 day", "30 days"), &QUIET_A_DAY.replace("1 day", "1 hour")];
    for rules in other_rules {
        let mut pair = Pair::with(QUIET_A_DAY).await;
        let mut config = pair.house.config();
        config.rules =
            config::parse("other.toml", format!("mode = \"live\"\n{rules}").as_bytes()).unwrap().config.rules;
        let clock = pair.second_clock.clone();
        pair.second.stop().await;
        pair.second = Daemon::start(&config, &secrets(), clock.into()).await.unwrap();
        pair.both_tick().await;
        let webhook = format!("http://{}/webhooks/intercom", pair.second.public_address());
        pair.house.intercom.send_notifications_to(&webhook, CLIENT_SECRET);
        let id = pair.answered().await;
        pair.house.sweep().await;
        pair.pass(days(1));
        pair.house.sweep().await;
        assert_eq!((pair.house.state(&id), pair.house.ours(&id, "close")), ("closed", 1), "{rules}");
    }
}

#[tokio::test]
async fn when_the_first_has_ended_the_second_acts_at_once_and_looks_before() {
    for killed in [false, true] {
        let mut pair = Pair::with(QUIET_A_DAY).await;
        let id = pair.answered().await;
        pair.both_tick().await;
        if killed {
            drop(pair.house.daemon.take());
        } else {
            pair.house.stop().await;
        }
        pair.pass_without_the_first(days(1));
        assert_eq!(pair.second.sweep().await, Sweeping::Blocked(Blocked::NotLookedYet), "killed: {killed}");
        assert!(!pair.second.stands_by());
        pair.second.tick().await;
        assert_eq!((pair.house.state(&id), pair.house.ours(&id, "close")), ("closed", 1), "killed: {killed}");
        pair.house.start().await;
        assert!(pair.house.daemon().stands_by(), "and whoever comes back stands by");
        assert_eq!(pair.second.health().await.status, "ok");
    }
}

#[tokio::test]
async fn a_first_that_gives_no_sign_is_taken_over_after_half_a_minute_and_stands_by_when_it_goes_on() {
    let pair = Pair::with(QUIET_A_DAY).await;
    let id = pair.answered().await;
    pair.both_tick().await;
    pair.pass(seconds(29));
    pair.second.tick().await;
    assert!(pair.second.stands_by());
    pair.house.sweep().await;
    pair.second.tick().await;
    pair.pass(seconds(29));
    pair.second.tick().await;
    assert!(pair.second.stands_by(), "the first has given a sign since");
    pair.pass(seconds(1));
    pair.second.tick().await;
    assert!(!pair.second.stands_by());
    pair.pass(days(1));
    assert_eq!(pair.house.daemon().sweep().await, Sweeping::Blocked(Blocked::StandsBy));
    pair.second.tick().await;
    assert_eq!((pair.house.state(&id), pair.house.ours(&id, "close")), ("closed", 1));
}

#[tokio::test]
async fn no_clock_of_the_first_makes_the_second_hasten() {
    for leap in [days(-2), days(2), days(20_000)] {
        let pair = Pair::with(QUIET_A_DAY).await;
        pair.second.tick().await;
        pair.first_clock.set(pair.first_clock.now() + leap);
        pair.house.daemon().tick().await;
        pair.pass_without_the_first(seconds(20));
        pair.second.tick().await;
        assert!(pair.second.stands_by(), "{leap}");
    }
}

#[tokio::test]
async fn a_newer_version_does_not_change_the_schema_under_an_older_one_that_runs() {
    let mut house = House::with(QUIET_A_DAY).await;
    house.stop().await;
    let mut lock = Lock::beside(&house.database());
    lock.take();
    let mut stranger = SqliteConnectOptions::new().filename(house.database()).connect().await.unwrap();
    for sql in ["DROP TABLE lease", "DELETE FROM _sqlx_migrations WHERE version >= 13"] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut stranger).await.unwrap();
    }
    let refused = Daemon::start(&house.config(), &secrets(), house.clock.clone().into()).await.unwrap_err();
    assert!(matches!(refused, StartError::OlderRuns(_)), "{refused:?}");
    insta::assert_snapshot!(refused, @"another autoclosed runs on this database, and it is an older version; stop that one first, then start this one again: it brings the database up to date");
    drop(lock);
    house.start().await;
    assert!(!house.daemon().stands_by());
}

#[tokio::test]
async fn a_database_that_comes_from_another_machine_is_acted_on_after_half_a_minute() {
    let mut house = House::with(QUIET_A_DAY).await;
    drop(house.daemon.take());
    let mut stranger = SqliteConnectOptions::new().filename(house.database()).connect().await.unwrap();
    sqlx::query("UPDATE lease SET proof = 'of another machine'").execute(&mut stranger).await.unwrap();
    house.start().await;
    assert!(house.daemon().stands_by(), "its holder may live there");
    house.clock.advance(minutes(1));
    house.look().await;
    assert!(!house.daemon().stands_by());
}
