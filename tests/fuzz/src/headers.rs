//! What the heads of Intercom's answers say of its limits and its clock, one after the other.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use autoclosed::intercom::IntercomError;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::SignedDuration;

use super::answer::{answer, client, id, run};

/// Our own cap in these calls.
const OWN: u32 = 7;
/// Calls made at most.
const CALLS: usize = 60;
/// A wait is never longer: a minute that Intercom may ask for, and ten seconds of our own cap.
const LONGEST: Duration = Duration::from_secs(71);
const SPAN: Duration = Duration::from_secs(10);

/// Answers, with an empty line between them. The first line of each has its status, how often it comes, and perhaps how
/// many seconds pass before the first: `200 3 +5`. The others are headers.
pub fn target(data: &[u8]) {
    run(calls(&super::pieces(data, b"\n\n")));
}

/// One answer, so many times, after so long.
struct Block {
    status: u16,
    times: usize,
    after: i64,
    headers: HeaderMap,
}

fn block(text: &[u8]) -> Block {
    let mut lines = text.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let mut words = first.split_whitespace();
    let mut number = || words.next().and_then(|word| word.trim_start_matches('+').parse::<u16>().ok());
    let (status, times, after) = (number(), number(), number());
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = super::halves(line, b":");
        let value = HeaderValue::from_bytes(value.trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.trim_ascii()), value) {
            headers.append(name, value);
        }
    }
    Block {
        status: status.unwrap_or(200).clamp(200, 599),
        times: usize::from(times.unwrap_or(1).min(20)),
        after: i64::from(after.unwrap_or_default()),
        headers,
    }
}

async fn calls(blocks: &[&[u8]]) {
    let (intercom, clock) = client(Some(OWN));
    let left: Rc<RefCell<Vec<Duration>>> = Rc::default();
    let mut not_before = Duration::ZERO;
    for block in blocks.iter().map(|text| block(text)) {
        clock.advance(SignedDuration::from_secs(block.after));
        for _ in 0..block.times {
            if left.borrow().len() >= CALLS {
                return;
            }
            let (headers, moments, moment) = (block.headers.clone(), Rc::clone(&left), clock.clone());
            let status = block.status;
            let in_place = autoclosed::sabotage::answering(move || {
                moments.borrow_mut().push(autoclosed::clock::Clock::from(moment.clone()).elapsed());
                answer(status, headers.clone(), b"{}")
            });
            let asked = autoclosed::clock::Clock::from(clock.clone()).elapsed();
            let before = left.borrow().len();
            let told = intercom.conversation(&id()).await;
            drop(in_place);
            if let Some(at) = left.borrow().get(before) {
                assert!(*at >= not_before, "asked at {at:?}, before {not_before:?}");
                assert!(at.saturating_sub(asked) <= LONGEST, "it was waited from {asked:?} until {at:?}");
            }
            let now = autoclosed::clock::Clock::from(clock.clone()).elapsed();
            match told {
                Err(IntercomError::RateLimited { until }) => {
                    assert!(
                        until > now && until.saturating_sub(now) <= Duration::from_mins(1),
                        "{now:?} until {until:?}"
                    );
                    not_before = until;
                }
                Err(IntercomError::Resting { until }) => {
                    let rest = until.saturating_sub(now) + Duration::from_millis(1);
                    assert!(rest <= LONGEST, "nothing is sent for {rest:?}");
                    clock.advance(SignedDuration::try_from(rest).expect("a short time"));
                }
                told => assert_ne!((block.status, told.is_ok()), (429, true)),
            }
            assert!((1..=OWN).contains(&intercom.cap()), "a cap of {}", intercom.cap());
            let date = intercom.intercom_now().map(jiff::Timestamp::as_second);
            assert!(date.is_none_or(|second| (946_684_800..4_102_444_800 + 1_000_000).contains(&second)), "{date:?}");
        }
    }
    assert_no_crowd(&left.borrow());
}

/// In any ten seconds no more calls left than our cap.
fn assert_no_crowd(left: &[Duration]) {
    let most = usize::try_from(OWN).unwrap_or(usize::MAX);
    for crowd in left.windows(most + 1) {
        assert!(crowd[most].saturating_sub(crowd[0]) >= SPAN, "{crowd:?}");
    }
}
