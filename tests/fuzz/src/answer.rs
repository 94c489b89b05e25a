//! What Intercom answers to every call that the daemon makes, from its status on.

use std::fmt::Debug;
use std::time::Duration;

use autoclosed::clock::{Clock, ManualClock};
use autoclosed::engine::ConversationId;
use autoclosed::intercom::client::{Assignee, Update};
use autoclosed::intercom::lens::Lens;
use autoclosed::intercom::text::TextKey;
use autoclosed::intercom::{Class, ClientSettings, Intercom, IntercomError, ReadConversation, Search};
use autoclosed::sabotage::answering;
use axum::http::{HeaderMap, HeaderValue, Response};
use jiff::Timestamp;
use secrecy::SecretString;

use super::seen;

/// The conversation that is asked about, and whoever acts.
const ID: &str = "4711";
const ADMIN: &str = "814860";

/// A line with the call and the status of its answer, such as `close 200`; then the body.
pub fn target(data: &[u8]) {
    let (line, body) = super::halves(data, b"\n");
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_whitespace();
    let call = words.next().unwrap_or_default();
    let status = words.next().and_then(|word| word.parse().ok()).unwrap_or(200).clamp(200, 999);
    let told = run(ask(call, status, body));
    assert_eq!(run(ask(call, status, body)), told, "the same answer says the same");
}

/// A client whose calls go nowhere, and its clock.
pub(crate) fn client(own: Option<u32>) -> (Intercom, ManualClock) {
    let settings = ClientSettings {
        base_url: "http://127.0.0.1:9".parse().expect("an address"),
        api_version: "2.16".to_owned(),
        timeout: Duration::from_secs(10),
        requests_per_10s: own,
    };
    let clock = ManualClock::at(noon());
    clock.let_waits_pass();
    let token = SecretString::from("only in tests".to_owned());
    let lens = Lens::new(TextKey::new(&[7; 32]));
    lens.watch(["plan".to_owned()].into());
    (Intercom::new(settings, token, lens, Clock::from(clock.clone())).expect("a client"), clock)
}

pub(crate) fn noon() -> Timestamp {
    Timestamp::from_second(1_767_268_800).expect("a date")
}

/// An answer as the network would bring it.
pub(crate) fn answer(status: u16, headers: HeaderMap, body: &[u8]) -> reqwest::Response {
    let mut answer = Response::new(body.to_vec());
    *answer.status_mut() = status.try_into().expect("a status");
    *answer.headers_mut() = headers;
    answer.into()
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

pub(crate) fn id() -> ConversationId {
    ConversationId::try_from(ID).expect("an id")
}

/// Makes the call, holds what it gives against what was answered, and tells it.
async fn ask(call: &str, status: u16, body: &[u8]) -> String {
    let (intercom, _clock) = client(None);
    let bytes = body.to_vec();
    let date = HeaderMap::from_iter([("date", "Thu, 01 Jan 2026 12:00:00 GMT")].map(|(name, value)| {
        (name.parse::<axum::http::HeaderName>().expect("a name"), HeaderValue::from_static(value))
    }));
    let _in_place = answering(move || answer(status, date.clone(), &bytes));
    let (id, asked) = (id(), Asked { status, body });
    let to = Assignee::Teammate(Some(ADMIN));
    let until = noon() + Duration::from_hours(24);
    match call {
        "close" => asked.deed(&intercom.close(&id, ADMIN, Some("Bye")).await, Some("closed")),
        "open" => asked.deed(&intercom.open(&id, ADMIN).await, Some("open")),
        "snooze" => asked.deed(&intercom.snooze(&id, ADMIN, until).await, Some("snoozed")),
        "reply" => asked.deed(&intercom.reply(&id, ADMIN, "Hello?").await, None),
        "note" => asked.deed(&intercom.note(&id, ADMIN, "Hello?").await, None),
        "assign" => asked.deed(&intercom.assign(&id, ADMIN, to).await, None),
        "update" => {
            let update = Update { read: Some(true), ..Update::default() };
            asked.deed(&intercom.update(&id, &update).await, None)
        }
        "tag" => asked.told(&intercom.tag(&id, ADMIN, "12").await.map(|answer| answer.value)),
        "untag" => asked.told(&intercom.untag(&id, ADMIN, "12").await.map(|answer| answer.value)),
        "search" => asked.page(&intercom.search(&search(), Some("cursor")).await),
        "me" => {
            let me = intercom.me().await;
            assert!(me.as_ref().map_or(true, |me| seen::is_number(&me.admin_id)), "{me:?}");
            assert!(me.as_ref().map_or(true, |me| is_id_code(me.app_id.as_deref())), "{me:?}");
            asked.told(&me)
        }
        "contact" => asked.told(&intercom.contact("abc").await),
        "create_tag" => {
            asked.list(&intercom.create_tag("vip").await.map(|tag| vec![tag.value]), |tag| (&tag.id, Some(&tag.name)))
        }
        "admins" => asked.list(&intercom.admins().await, |one| (&one.id, one.name.as_ref())),
        "teams" => asked.list(&intercom.teams().await, |one| (&one.id, Some(&one.name))),
        "tags" => asked.list(&intercom.tags().await, |one| (&one.id, Some(&one.name))),
        "attributes" => asked.told(&intercom.attributes().await),
        _ => asked.look(&intercom.conversation(&id).await),
    }
}

fn is_id_code(app_id: Option<&str>) -> bool {
    app_id.is_none_or(|id| seen::is_word(id, 64))
}

fn search() -> Search {
    Search { states: Some(vec!["open"]), updated_since: None, per_page: 50 }
}

/// What was answered, to hold against it what was made of it.
struct Asked<'a> {
    status: u16,
    body: &'a [u8],
}

type Read = Result<autoclosed::intercom::Answer<ReadConversation>, IntercomError>;

impl Asked<'_> {
    fn look(&self, read: &Read) -> String {
        if let Ok(read) = read {
            assert_eq!(read.value.sighting.id, id(), "another conversation than was asked for");
            assert!(read.value.sighting.snapshot.as_ref().is_none_or(|snapshot| snapshot.version.fetched));
            seen::check(&read.value.sighting);
            seen::check_fold(std::slice::from_ref(&read.value.sighting));
        }
        self.told(read)
    }

    /// A deed counts as done only where the answer shows it.
    fn deed(&self, read: &Read, state: Option<&str>) -> String {
        if let Ok(read) = read {
            assert!(state.is_none() || read.value.state.as_deref() == state, "{:?}", read.value.state);
            assert!(!read.value.sighting.whole, "an answer to a deed shows one part");
        }
        self.look(read)
    }

    fn page(&self, page: &Result<autoclosed::intercom::Page, IntercomError>) -> String {
        if let Ok(page) = page {
            for one in &page.conversations {
                assert!(seen::is_id(&one.id) && one.updated_at.is_none_or(is_about_possible), "{one:?}");
            }
            assert_ne!(page.next.as_deref(), Some("cursor"), "it leads back to itself");
        }
        self.told(page)
    }

    fn list<T: Debug>(
        &self,
        list: &Result<Vec<T>, IntercomError>,
        named: impl Fn(&T) -> (&String, Option<&String>),
    ) -> String {
        for one in list.iter().flatten() {
            let (id, name) = named(one);
            assert!(seen::is_number(id) && name.is_none_or(|name| !name.trim().is_empty()), "{one:?}");
        }
        self.told(list)
    }

    /// Whatever was asked: an error says what may follow, and quotes nothing.
    fn told<T: Debug>(&self, told: &Result<T, IntercomError>) -> String {
        let error = match told {
            Ok(told) => {
                assert!((200..300).contains(&self.status), "HTTP {} passed for a success", self.status);
                return format!("{told:?}");
            }
            Err(error) => error,
        };
        let (class, text) = (error.class(), error.to_string());
        let fits = match self.status {
            401 => class == Class::AuthDead,
            200..300 | 408 | 500.. => class == Class::Ambiguous,
            429 => class == Class::RateLimited,
            _ => matches!(class, Class::Gone | Class::AuthDead | Class::Refused | Class::Ambiguous),
        };
        assert!(fits, "HTTP {} is {class:?}: {text}", self.status);
        assert!(super::is_plain(&text) && text.len() < 600, "{text:?}");
        self.quotes_nothing(&text);
        format!("{class:?} {text}")
    }

    /// No words that somebody wrote: none of the body with a space in it, and no code that is none.
    fn quotes_nothing(&self, text: &str) {
        let body = String::from_utf8_lossy(self.body);
        let spoken = body.split(['"', '\n', '\\']).filter(|piece| piece.trim().contains(' ') && piece.len() >= 16);
        for piece in spoken {
            assert!(!text.contains(piece), "{text:?} quotes {piece:?}");
        }
    }
}

fn is_about_possible(at: Timestamp) -> bool {
    (946_684_800..4_102_444_800).contains(&at.as_second())
}
