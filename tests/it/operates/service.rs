//! What systemd hears of the program, on a socket of the test's own.

use std::os::unix::net::UnixDatagram;

use super::*;

/// What came in on the socket, in order.
struct Systemd {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Systemd {
    fn new(place: &Place) -> Systemd {
        let socket = UnixDatagram::bind(place.file("notify")).unwrap();
        Systemd { socket, heard: Vec::new() }
    }

    /// The program as systemd starts it, with a watchdog of one second.
    fn starts(place: &Place) -> Running {
        let mut program = place.program("run");
        Running::of(program.env("NOTIFY_SOCKET", place.file("notify")).env("WATCHDOG_USEC", "1000000"))
    }

    /// The next message, if one comes in time.
    fn next(&mut self, patience: Duration) -> Option<String> {
        let mut message = [0; 4096];
        self.socket.set_read_timeout(Some(patience)).unwrap();
        let length = self.socket.recv(&mut message).ok()?;
        let message = told(&message[..length]);
        self.heard.push(message.clone());
        Some(message)
    }

    /// The next message with these words in it.
    fn hears(&mut self, words: &str) -> String {
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < PATIENCE, "never heard: {words}\n{:#?}", self.heard);
            if let Some(message) = self.next(PATIENCE).filter(|message| message.contains(words)) {
                return message;
            }
        }
    }
}

async fn healthy() -> (FakeIntercom, Place) {
    let fake = FakeIntercom::start(Clock::System, Workspace::default()).await.unwrap();
    let place = Place::new(&configuration(&fake.url(), RULE));
    (fake, place)
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_hears_when_it_is_ready_how_it_does_and_that_it_stops() {
    let (_fake, place) = healthy().await;
    let mut systemd = Systemd::new(&place);
    let running = Systemd::starts(&place);
    systemd.hears("READY=1");
    insta::assert_snapshot!(systemd.heard[0], @r"
    READY=1
    STATUS=looking at the workspace for the first time; nothing is done before
    ");
    insta::assert_snapshot!(systemd.hears("STATUS=well"), @"STATUS=well (1 rule, live)");
    systemd.hears("WATCHDOG=1");
    systemd.hears("WATCHDOG=1");
    let after = systemd.heard.len();
    running.send("TERM");
    insta::assert_snapshot!(systemd.hears("STOPPING=1"), @r"
    STOPPING=1
    STATUS=stopping: finishing what was begun
    ");
    let (status, _, lines) = running.ended();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert!(!systemd.heard[after..].iter().any(|heard| heard.contains("STATUS=well")), "told again without a change");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_is_told_from_its_beginning_to_its_end_and_a_refused_one_shows_in_the_status() {
    let (fake, place) = healthy().await;
    let mut systemd = Systemd::new(&place);
    let running = Systemd::starts(&place);
    systemd.hears("STATUS=well");
    for (configured, status) in [
        (configuration(&fake.url(), "nonsense"), "STATUS=bad: config; see /health"),
        (configuration(&fake.url(), RULE), "STATUS=well (1 rule, live)"),
    ] {
        std::fs::write(place.file("a.toml"), configured).unwrap();
        running.send("HUP");
        let reloading = systemd.hears("RELOADING=1");
        let at = reloading.trim_end().strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        assert!(at.parse::<u64>().unwrap() > 0, "{reloading}");
        assert_eq!(systemd.hears("READY=1"), "READY=1\n");
        systemd.hears(status);
    }
}

/// Six seconds of real time show that nothing comes: the next commit is tried, and fails, within five.
#[tokio::test(flavor = "multi_thread")]
async fn the_watchdog_hears_nothing_while_no_commit_goes_through() {
    let (_fake, place) = healthy().await;
    let mut systemd = Systemd::new(&place);
    let mut running = Systemd::starts(&place);
    systemd.hears("WATCHDOG=1");
    let mut lock = stranger(&place).await;
    sqlx::query("PRAGMA busy_timeout = 10000").execute(&mut lock).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut lock).await.unwrap();
    let told = running.wait_for("systemd's watchdog is not told");
    // It fails or takes too long, by how many wait for the lock before it.
    let why = told["why"].as_str().unwrap();
    assert!(why.starts_with("no commit went through: the database "), "{why}");
    while systemd.next(Duration::from_millis(1)).is_some() {}
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(6) {
        let heard = systemd.next(Duration::from_secs(1));
        assert!(!heard.is_some_and(|heard| heard.contains("WATCHDOG")), "{:#?}", systemd.heard);
    }
    sqlx::query("ROLLBACK").execute(&mut lock).await.unwrap();
    systemd.hears("WATCHDOG=1");
    running.wait_for("things go on again");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_watchdog_none_is_fed() {
    let (_fake, place) = healthy().await;
    let mut systemd = Systemd::new(&place);
    let running = Running::of(place.program("run").env("NOTIFY_SOCKET", place.file("notify")));
    systemd.hears("READY=1");
    systemd.hears("STATUS=well");
    running.send("TERM");
    systemd.hears("STOPPING=1");
    assert!(!systemd.heard.iter().any(|heard| heard.contains("WATCHDOG")), "{:#?}", systemd.heard);
}

/// The first one waits for a request that waits for a lock; the second one waits for nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let place = Place::new(&lonely(CALM));
    let mut running = Running::start(&place);
    let ready = running.wait_for("is ready");
    let mut lock = stranger(&place).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut lock).await.unwrap();
    let answer = tokio::spawn(snoozed(ready["webhook"].as_str().unwrap()).send());
    sleep(Duration::from_millis(250)).await;
    running.send("TERM");
    running.wait_for("stopping");
    let (status, took, lines) = running.signal("TERM");
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(lines.last().unwrap().contains("stopped at once, on a second signal"), "{lines:#?}");
    assert!(answer.await.unwrap().is_err(), "it was cut off");
}
