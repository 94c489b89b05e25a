//! What one connection is waiting for, since when, and what happens if it waits too long.
//!
//! Owns: the phases of a connection and their deadlines. Refuses: sockets and timers; the time is an argument.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Limits;

/// How long a peer may take to notice that we said goodbye before reading all it sent. Closing at once would reset the
/// connection, and with it the answer that says why.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a peer may still send when we have begun to stop: what it sent before it could know is answered, and told that
/// the connection closes. Others are closed then.
const PARTING: Duration = Duration::from_millis(500);

/// What the connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The head of a request.
    Head,
    /// The rest of a request's body; `since` still counts from the head.
    Body,
    /// Our own handler, or its answer.
    Answer,
    /// The next request.
    Idle,
    /// The peer's end of the connection, after ours is closed.
    Farewell,
}

/// Whoever came less than this ago, or was answered then, has not kept us waiting yet.
const FRESH: Duration = Duration::from_millis(500);

/// How dispensable a connection is: the smallest goes first. Whoever has just come goes last: where the places are full of
/// peers that are slow with their bodies, a good one would else be gone before its request is read. Before that, peers that
/// are in the middle of a body come after all others, and the longest wait comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Expendable {
    fresh: bool,
    sending: bool,
    since: Instant,
}

impl Expendable {
    pub(super) fn is_fresh(self) -> bool {
        self.fresh
    }
}

/// The next deadline of a connection, and what to do when it has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Drop the connection.
    Cut(Instant),
    /// Close it after the request it is busy with.
    Finish(Instant),
}

impl Due {
    pub(super) fn at(self) -> Instant {
        match self {
            Due::Cut(at) | Due::Finish(at) => at,
        }
    }
}

/// Shared by the parts that make up one connection.
#[derive(Debug)]
pub(super) struct Progress(Mutex<State>);

#[derive(Debug)]
struct State {
    began: Instant,
    phase: Phase,
    since: Instant,
    write_blocked_since: Option<Instant>,
    body_left: bool,
    body_late: bool,
    parting_since: Option<Instant>,
    finishing: bool,
}

impl Progress {
    pub(super) fn new(now: Instant) -> Progress {
        Progress(Mutex::new(State {
            began: now,
            phase: Phase::Head,
            since: now,
            write_blocked_since: None,
            body_left: false,
            body_late: false,
            parting_since: None,
            finishing: false,
        }))
    }

    pub(super) fn bytes_came(&self, now: Instant) {
        let mut state = self.state();
        if state.phase == Phase::Idle {
            (state.phase, state.since) = (Phase::Head, now);
        }
    }

    /// A head is complete. Gives the instant by which the body must be.
    pub(super) fn request_began(&self, now: Instant, limits: &Limits) -> Instant {
        let mut state = self.state();
        if state.phase == Phase::Idle {
            state.since = now;
        }
        (state.phase, state.body_left, state.body_late) = (Phase::Body, false, false);
        state.since + limits.body
    }

    pub(super) fn body_ended(&self) {
        let mut state = self.state();
        if state.phase == Phase::Body {
            state.phase = Phase::Answer;
        }
    }

    /// The handler wants no more of the body.
    pub(super) fn body_left(&self) {
        self.state().body_left = true;
        self.body_ended();
    }

    pub(super) fn body_late(&self) {
        self.state().body_late = true;
    }

    pub(super) fn is_body_left(&self) -> bool {
        self.state().body_left
    }

    pub(super) fn is_body_late(&self) -> bool {
        self.state().body_late
    }

    pub(super) fn answered(&self, now: Instant) {
        let mut state = self.state();
        (state.phase, state.since) = (Phase::Idle, now);
    }

    pub(super) fn write_blocked(&self, now: Instant) {
        self.state().write_blocked_since.get_or_insert(now);
    }

    /// All that was to be written is.
    pub(super) fn write_flowed(&self) {
        self.state().write_blocked_since = None;
    }

    /// Our side closes. True if the peer may still be sending and needs a moment to notice.
    pub(super) fn said_goodbye(&self, now: Instant) -> bool {
        let mut state = self.state();
        let unread = state.body_left || state.phase == Phase::Head;
        if unread {
            (state.phase, state.since) = (Phase::Farewell, now);
        }
        unread
    }

    /// Everything stops: the next answer is the last.
    pub(super) fn part(&self, now: Instant) {
        self.state().parting_since.get_or_insert(now);
    }

    pub(super) fn finish(&self) {
        self.state().finishing = true;
    }

    /// Whether the answer that comes next is the last.
    pub(super) fn is_ending(&self) -> bool {
        let state = self.state();
        state.finishing || state.parting_since.is_some()
    }

    /// How dispensable the connection is; `None` while it is busy with a request.
    pub(super) fn expendable(&self, now: Instant) -> Option<Expendable> {
        let state = self.state();
        let sending = match state.phase {
            Phase::Head | Phase::Idle | Phase::Farewell => false,
            Phase::Body => true,
            Phase::Answer => return None,
        };
        let fresh = now.saturating_duration_since(state.since) < FRESH;
        Some(Expendable { fresh, sending, since: state.since })
    }

    /// The earliest deadline. The body's own is kept where the body is read, so that the answer can say 408.
    pub(super) fn due(&self, limits: &Limits) -> Option<Due> {
        let state = self.state();
        let old = state.began + limits.connection;
        let end = state.parting_since.map_or(old, |since| old.min(since + PARTING));
        let whole = (!state.finishing).then_some(Due::Finish(end));
        let write = state.write_blocked_since.map(|since| Due::Cut(since + limits.write));
        let phase = match state.phase {
            Phase::Head => Some(Due::Cut(state.since + limits.header)),
            Phase::Idle if state.finishing => Some(Due::Cut(state.since + limits.idle)),
            Phase::Idle => Some(Due::Finish(state.since + limits.idle)),
            Phase::Farewell => Some(Due::Cut(state.since + FAREWELL)),
            Phase::Body | Phase::Answer => None,
        };
        [whole, write, phase].into_iter().flatten().min_by_key(|due| due.at())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    type Happened = fn(&Progress, Instant);
    type Case<'a> = (&'a str, &'a [Happened], Option<(fn(Instant) -> Due, u32)>);

    fn after(start: Instant, happened: &[Happened]) -> Progress {
        let progress = Progress::new(start);
        for (second, step) in (1u32..).zip(happened) {
            step(&progress, start + second * SECOND);
        }
        progress
    }

    #[tokio::test(start_paused = true)]
    async fn every_phase_has_the_deadline_of_what_it_waits_for() {
        let start = Instant::now();
        let began: Happened = |p, now| assert_eq!(p.request_began(now, &Limits::default()), now + 9 * SECOND);
        let read: Happened = |p, _| p.body_ended();
        let answered: Happened = |p, now| p.answered(now);
        let bytes: Happened = |p, now| p.bytes_came(now);
        let blocked: Happened = |p, now| p.write_blocked(now);
        let flowed: Happened = |p, _| p.write_flowed();
        let left: Happened = |p, _| p.body_left();
        let finish: Happened = |p, _| p.finish();
        let part: Happened = |p, now| p.part(now);
        let goodbye: Happened = |p, now| assert!(p.said_goodbye(now));
        let (cut, closed) = (Due::Cut as fn(Instant) -> Due, Due::Finish as fn(Instant) -> Due);
        let cases: &[Case<'_>] = &[
            ("nothing came", &[], Some((cut, 5))),
            ("half a head does not extend the first deadline", &[bytes, bytes], Some((cut, 5))),
            ("a body is bounded where it is read", &[began], Some((closed, 120))),
            ("a handler may take its time", &[began, read], Some((closed, 120))),
            ("a kept connection may rest", &[began, read, answered], Some((closed, 33))),
            ("the next head counts from its first byte", &[began, read, answered, bytes, bytes], Some((cut, 9))),
            ("an answer must be taken", &[began, read, blocked, blocked], Some((cut, 13))),
            ("a taken answer is forgotten", &[began, read, blocked, flowed], Some((closed, 120))),
            ("what is finishing waits for its handler", &[began, read, finish], None),
            ("what is finishing does not rest twice", &[began, read, answered, finish], Some((cut, 33))),
            ("a goodbye is short", &[began, left, goodbye], Some((cut, 4))),
        ];
        for (name, happened, want) in cases {
            let want = want.map(|(due, seconds)| due(start + seconds * SECOND));
            assert_eq!(after(start, happened).due(&Limits::default()), want, "{name}");
        }
        // Half a second after the stop began, however often it is said.
        for (name, happened, end) in [
            ("who has not asked yet may do so for a moment", &[part, part][..], 1),
            ("who rests may too", &[began, read, answered, part], 4),
            ("and no longer for asking slowly", &[began, read, answered, part, bytes], 4),
        ] {
            let end = start + end * SECOND + PARTING;
            assert_eq!(after(start, happened).due(&Limits::default()), Some(Due::Finish(end)), "{name}");
        }
        assert_eq!(after(start, &[began, read, part, finish]).due(&Limits::default()), None, "a running request ends");
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_wait_goes_first_who_has_just_come_last_and_a_running_request_never() {
        let start = Instant::now();
        let limits = Limits::default();
        let silent = Progress::new(start + SECOND);
        let idle = Progress::new(start);
        idle.request_began(start, &limits);
        idle.answered(start + 2 * SECOND);
        let sending = Progress::new(start);
        sending.request_began(start, &limits);
        let busy = Progress::new(start);
        busy.request_began(start, &limits);
        busy.body_ended();
        let new = Progress::new(start + 9 * SECOND);
        let now = start + 9 * SECOND + FRESH - Duration::from_millis(1);
        let order = [&silent, &idle, &sending, &new].map(|progress| progress.expendable(now));
        assert!(order.is_sorted() && order.iter().all(Option::is_some), "{order:?}");
        assert_eq!(busy.expendable(now), None);
        let old = new.expendable(now + Duration::from_millis(1));
        assert!(old < sending.expendable(now), "half a second is enough for a head");
    }
}
