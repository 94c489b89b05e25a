//! How a look goes on: at half of the pace that we allow ourselves, told in health and log, and past a refusal.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use autoclosed::fake_intercom::{Call, Endpoint, Fault, RateReset, Workspace};
use tokio::task::yield_now;

use crate::harness::{House, QUIET_A_DAY, seconds};

/// A workspace with so many conversations, in front of a daemon that has not looked yet.
async fn before_a_look(count: usize, rate_limit: u32) -> House {
    let workspace = Workspace { rate_limit, ..Workspace::default() };
    let mut house = House::configured(&format!("mode = \"live\"\n{QUIET_A_DAY}"), workspace).await;
    for _ in 0..count {
        house.intercom.contact_starts("Hello?");
    }
    house.clock.advance(seconds(2));
    house.start().await;
    house
}

fn reads(house: &House) -> Vec<Call> {
    house.intercom.calls().into_iter().filter(|call| call.endpoint == Endpoint::Conversation).collect()
}

/// Waits for something that happens at once, unless it never does.
async fn until(happens: impl Fn() -> bool) {
    let waiting = async {
        while !happens() {
            yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap();
}

/// So many were read, and no more of them are, although there is time for it; what health says then.
async fn rests_after(house: &House, count: usize) -> String {
    until(|| reads(house).len() >= count).await;
    let mut told = String::new();
    for _ in 0..5 {
        told = house.check("reconcile").await;
    }
    assert_eq!(reads(house).len(), count);
    told.split(": ").last().unwrap().to_owned()
}

#[tokio::test]
async fn a_look_reads_at_half_of_our_cap_and_health_tells_how_far_it_is() {
    // Our cap is half of what Intercom allows: 20 in ten seconds.
    let house = before_a_look(25, 40).await;
    let clock = house.clock.clone();
    house.intercom.before_answer(Endpoint::Conversation, |_| {});
    house.intercom.before_answer(Endpoint::Conversation, move |_| clock.advance(seconds(9)));
    let mut told = Vec::new();
    let (looked, ()) = tokio::join!(house.daemon().reconcile(), async {
        // The first was answered nine seconds before the nine others.
        for (pass, count) in [(0, 10), (1, 11), (8, 11), (1, 20)] {
            house.clock.advance(seconds(pass));
            told.push(rests_after(&house, count).await);
        }
        house.clock.advance(seconds(10));
    });
    assert_eq!((looked.unwrap().changed, reads(&house).len()), (25, 25));
    assert_eq!(told, [15, 14, 14, 5].map(|left| format!("{left} conversations left to read")));
    let at: Vec<_> = reads(&house).iter().map(|call| call.at).collect();
    let within = |from| at.iter().filter(|at| (from..from + seconds(10)).contains(*at)).count();
    assert!(at.iter().all(|from| within(*from) <= 11), "one more may be on its way: {at:?}");
    house.sweep().await;
    assert_eq!(house.bad().await, Vec::<String>::new());
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_long_look_leaves_a_line_for_each_fifty_that_were_read() {
    // As long as there is only one, a line that another thread logs first is off for ours too.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let written = Written::default();
    let lines = written.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(move || lines.clone());
    let _logging = tracing::subscriber::set_default(subscriber.finish());
    let house = before_a_look(120, 1666).await;
    house.look().await;
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("reading conversations")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    INFO autoclosed::reconcile: reading conversations read=50 left=70
    INFO autoclosed::reconcile: reading conversations read=100 left=20
    ");
}

#[tokio::test]
async fn a_look_waits_when_intercom_asks_for_it_and_leaves_nothing_out() {
    let house = before_a_look(12, 1666).await;
    for _ in 0..2 {
        house.intercom.fault(Endpoint::Conversation, Fault::RateLimited { reset: RateReset::InSeconds(10) });
    }
    let refused = || reads(&house).iter().filter(|call| call.status == Some(429)).count();
    let (looked, ()) = tokio::join!(house.daemon().reconcile(), async {
        for count in [1, 2] {
            until(|| refused() >= count).await;
            rests_after(&house, count).await;
            house.clock.advance(seconds(10));
        }
    });
    let looked = looked.unwrap();
    assert_eq!((looked.listed, looked.changed, reads(&house).len()), (12, 12, 14));
    house.sweep().await;
    assert_eq!(house.bad().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_look_that_is_refused_again_and_again_ends_and_goes_on_later() {
    let house = before_a_look(12, 1666).await;
    house.intercom.fault_always(Endpoint::Conversation, Fault::RateLimited { reset: RateReset::InSeconds(10) });
    let (looked, ()) = tokio::join!(house.daemon().reconcile(), async {
        for count in 1..6 {
            rests_after(&house, count).await;
            house.clock.advance(seconds(10));
        }
    });
    assert!(looked.is_err());
    assert_eq!(reads(&house).len(), 6);
    assert!(house.check("reconcile").await.starts_with("bad: first look at the workspace failed"));
    house.intercom.clear_faults();
    house.clock.advance(seconds(10));
    house.look().await;
    assert_eq!(reads(&house).len(), 18);
}
