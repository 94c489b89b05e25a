//! How much memory work takes at its height, and that it is no more when ten times as many conversations are tracked.
//!
//! Counted is what the whole process allocates, `SQLite`'s own memory excepted: that is C's, and its page cache bounds it.
//! Where much is tracked and where little is, the same buffers are full, so that only what grows makes a difference.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::future::Future;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use autoclosed::board::Board;
use autoclosed::clock::{Clock, ManualClock};
use autoclosed::config;
use autoclosed::engine::conversation::{Facts, Snapshot, Version};
use autoclosed::engine::{Actor, Class, ConversationId, Part, PartId, Sighting, State};
use autoclosed::intercom::lens::Lens;
use autoclosed::intercom::text::TextKey;
use autoclosed::intercom::{ClientSettings, Intercom};
use autoclosed::names::Names;
use autoclosed::reconcile::{Extent, reconcile};
use autoclosed::rulebook::{Edition, Rulebook};
use autoclosed::safety::{Acting, Limits, Share};
use autoclosed::standpoint::{Identity, Standpoint};
use autoclosed::store::{Context, KeepBodies, Record, Store};
use autoclosed::sweep::{Settings, Sweeper, Swept};
use autoclosed::tally::Tally;
use jiff::{SignedDuration, Timestamp};
use peak_alloc::PeakAlloc;
use secrecy::SecretString;
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Held by the test that measures: it is the whole process that is measured.
static ALONE: Mutex<()> = Mutex::new(());

/// A conversation as Intercom answers it.
const CONVERSATION: &str = include_str!("it/payloads/rest-2.16.conversation.json");

const RULES: &str = r#"
[[rule]]
name = "quiet"
match_all = true
step = [{ after = "1 day", do = "close", body = "Closing this for now." }]
"#;

fn noon() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

fn in_days(days: i64) -> Timestamp {
    noon() + SignedDuration::from_hours(24 * days)
}

fn acting() -> Acting {
    Acting { app_id: "ours".into(), admin_id: "9".into() }
}

fn context() -> Context {
    Context {
        app_id: Some("ours".into()),
        admin_id: Some("9".into()),
        rulebook: Rulebook::new(Edition::new(config::parse("a.toml", RULES.as_bytes()).unwrap().config.rules, false)),
        keep_bodies: KeepBodies::Odd,
        now: noon(),
        received_at: noon(),
    }
}

/// An open conversation that a teammate answered at noon, as it is read.
fn answered(number: usize) -> Record {
    let part = |id, hour, actor, class| Part {
        id: Some(PartId::Part(id)),
        at: noon() - SignedDuration::from_hours(hour),
        actor,
        admin_id: (actor == Actor::Teammate).then(|| "7".to_owned()),
        classes: [class].into(),
        digest: None,
        reads_as: [].into(),
    };
    let version = Version { updated_at: noon(), fetched: true, created_at: in_days(1), notification_id: String::new() };
    let facts = Facts {
        state: Some(State::Open),
        tags: Some(Vec::new()),
        admin_assignee_id: Some(None),
        team_assignee_id: Some(None),
        priority: Some("none".to_owned()),
        ai_resolution: None,
        attributes: [].into(),
    };
    Record::Fetched(Box::new(Sighting {
        created_at: Some(noon() - SignedDuration::from_hours(1)),
        snapshot: Some(Snapshot { version, facts }),
        parts: vec![part(1, 1, Actor::Contact, Class::ContactReply), part(2, 0, Actor::Teammate, Class::TeammateReply)],
        whole: true,
        ..Sighting::of(ConversationId::try_from((100_000 + number).to_string().as_str()).unwrap())
    }))
}

/// A database in which so many conversations are tracked, all of them due in a day.
struct Shelf {
    runtime: Runtime,
    store: Store,
    _folder: tempfile::TempDir,
}

impl Shelf {
    fn with(count: usize) -> Shelf {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = runtime.block_on(async {
            let store = Store::open(&folder.path().join("a.db")).await.unwrap();
            let records: Vec<_> = (0..count).map(answered).collect();
            for batch in records.chunks(500) {
                store.record(batch, &context()).await.unwrap();
            }
            store
        });
        Shelf { runtime, store, _folder: folder }
    }

    /// The height of what `work` takes when done for the second time: connections are open then, statements prepared.
    fn height<T, F: Future<Output = T>>(&self, work: impl Fn() -> F, is_right: impl Fn(T) -> bool) -> usize {
        assert!(is_right(self.runtime.block_on(work())));
        let (height, done) = height(|| self.runtime.block_on(work()));
        assert!(is_right(done));
        height
    }
}

/// How many bytes more than before were allocated at the height of it.
fn height<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let done = work();
    (MEMORY.peak_usage().saturating_sub(before), done)
}

fn sweeper(store: &Store, url: &str, clock: Clock) -> Sweeper {
    let settings = ClientSettings {
        base_url: url.parse().unwrap(),
        api_version: "2.16".to_owned(),
        timeout: std::time::Duration::from_mins(1),
        requests_per_10s: None,
    };
    autoclosed::intercom::client::install_tls();
    let lens = Lens::new(TextKey::new(&[7; 32]));
    let intercom = Intercom::new(settings, SecretString::from("token"), lens, clock.clone()).unwrap();
    let identity = Identity { app_id: Some("ours".into()), admin_id: Some("9".into()) };
    let rulebook = context().rulebook;
    let names = Names::default();
    let standpoint = Standpoint::new(clock, intercom.clone(), rulebook, KeepBodies::Odd, identity, names);
    let settings = Settings {
        dry_run: false,
        limits: Limits {
            actions_per_sweep: 30,
            closes_per_hour: 100,
            messages_per_hour: 100,
            lateness: SignedDuration::from_hours(24),
            due_at_once: 50,
        },
        trip_reopen_rate: Share::QUARTER,
        unclear_quiet: SignedDuration::from_mins(10),
        gap: SignedDuration::from_mins(1),
        timezone: jiff::tz::TimeZone::UTC,
    };
    let (board, tally) = (Arc::new(Board::default()), Arc::new(Tally::default()));
    Sweeper { store: store.clone(), intercom, standpoint, board, tally, settings, tenure: None }
}

/// A fifth is left to the order in which threads get on, and for each conversation more eight bytes: less than it takes
/// to name it.
#[track_caller]
fn assert_no_growth(what: &str, (few, taken_by_few): (usize, usize), (many, taken_by_many): (usize, usize)) {
    let allowed = taken_by_few * 12 / 10 + (many - few) * 8;
    assert!(
        taken_by_many <= allowed,
        "{what}: {taken_by_many} bytes at its height with {many} conversations; allowed are {allowed}, as it takes {taken_by_few} with {few}"
    );
}

#[test]
fn what_is_tracked_and_not_due_takes_no_memory() {
    const FEW: usize = 500;
    const MANY: usize = 5_000;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (few, many) = (Shelf::with(FEW), Shelf::with(MANY));

    let sweep = |shelf: &Shelf| {
        let (sweeper, acting) = (sweeper(&shelf.store, "http://127.0.0.1:9", ManualClock::at(noon()).into()), acting());
        shelf.height(|| sweeper.sweep(&acting), |swept| swept.unwrap() == Swept::default())
    };
    assert_no_growth("a sweep that finds nothing due", (FEW, sweep(&few)), (MANY, sweep(&many)));

    let due =
        |shelf: &Shelf| shelf.height(|| shelf.store.due("ours", in_days(1), 120), |ids| ids.unwrap().len() == 120);
    assert_no_growth("a page of what is due", (FEW, due(&few)), (MANY, due(&many)));

    let context = context();
    let decide = |shelf: &Shelf, count: usize| {
        shelf.height(|| shelf.store.reschedule_all(&context, || ()), |done| done.unwrap() == count as u64)
    };
    assert_no_growth("deciding on all of them again", (FEW, decide(&few, FEW)), (MANY, decide(&many, MANY)));
}

/// A workspace of so many conversations that remembers nothing itself. Each request lets a moment pass, so that none has to
/// wait for the pace.
fn workspace(count: usize, clock: ManualClock) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let clock = clock.clone();
            std::thread::spawn(move || while answer(stream.as_ref().unwrap(), count, &clock).is_some() {});
        }
    });
    url
}

/// Answers one request; `None` once nobody asks any more.
fn answer(mut stream: &TcpStream, count: usize, clock: &ManualClock) -> Option<()> {
    let mut request = BufReader::new(stream);
    let (mut path, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        request.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        length = line.strip_prefix("content-length: ").map_or(length, |length| length.parse().unwrap());
        path = path.or_else(|| line.split([' ', '?']).nth(1).map(str::to_owned));
    }
    let mut body = vec![0; length];
    request.read_exact(&mut body).ok()?;
    clock.advance(SignedDuration::from_millis(100));
    let told = match path?.strip_prefix("/conversations/")? {
        "search" => page(&body, count),
        id => CONVERSATION.replacen("5403", id, 1),
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-RateLimit-Limit: 1666";
    // In one piece: the second of two would wait until the first is acknowledged.
    let whole = format!("{head}\r\nContent-Length: {}\r\n\r\n{told}", told.len());
    stream.write_all(whole.as_bytes()).ok()
}

/// The cursor is the number of the first conversation on the page.
fn page(asked: &[u8], count: usize) -> String {
    let asked: serde_json::Value = serde_json::from_slice(asked).unwrap();
    let first: usize = asked["pagination"]["starting_after"].as_str().map_or(0, |cursor| cursor.parse().unwrap());
    let next = first + 150;
    let id = |number: usize| serde_json::json!({ "id": (100_000 + number).to_string(), "updated_at": 1_735_733_400 });
    let listed: Vec<_> = (first..next.min(count)).map(id).collect();
    let next = (next < count).then(|| serde_json::json!({ "starting_after": next.to_string() }));
    serde_json::json!({ "conversations": listed, "pages": { "next": next } }).to_string()
}

fn first_look(count: usize) -> usize {
    let clock = ManualClock::at(noon());
    let shelf = Shelf::with(0);
    let sweeper = sweeper(&shelf.store, &workspace(count, clock.clone()), clock.into());
    let (height, found) = height(|| shelf.runtime.block_on(reconcile(&sweeper, &acting(), Extent::Everything)));
    let found = found.unwrap();
    assert_eq!((found.listed, found.changed), (count, count as u64));
    height
}

#[test]
fn the_first_look_takes_no_more_memory_where_there_is_more_to_see() {
    const FEW: usize = 300;
    const MANY: usize = 3_000;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (few, many) = (first_look(FEW), first_look(MANY));
    assert_no_growth("a first look", (FEW, few), (MANY, many));
}
