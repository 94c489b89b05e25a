//! Request bodies: bounded in time by the server, and in size by whoever reads them.
//!
//! Owns: the body's deadline, the size cap, the room that all of them share. Refuses: what the bytes mean.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use axum::extract::Request;
use axum::http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, Sleep, sleep_until};

use super::progress::Progress;

/// Why a request's body could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is, or says it will be, larger than allowed.
    #[error("the body is larger than {max} bytes; raise `max_body` if it is meant to be")]
    TooLarge {
        /// What was allowed, in bytes.
        max: usize,
    },
    /// It was not complete by its deadline.
    #[error("the body did not arrive in time; send it again")]
    TooSlow,
    /// Those that are being read fill all the room there is.
    #[error("too many large bodies are being read at once; send it again")]
    NoRoom,
    /// The peer went away, or sent what is not HTTP.
    #[error("the body ended early or was malformed; send it again")]
    Broken(#[source] BoxError),
}

impl BodyError {
    /// The HTTP status that tells the peer.
    pub fn status(&self) -> StatusCode {
        match self {
            BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
            BodyError::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
            BodyError::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// What of every body there is room for: more than almost any notification has.
const ALWAYS: usize = 64 * 1024;
/// Room that all bodies share for what is beyond that. Who signed a body is known only when all of it is there, so
/// without this bound anybody could fill the memory.
const SHARED: usize = 64 * 1024 * 1024;
/// Room is given in these, rounded up.
const PIECE: usize = 1024;

/// Reads whole bodies, within a size for each of them and one for all. Clones share the room.
#[derive(Debug, Clone)]
pub struct Bodies {
    max: usize,
    room: Arc<Semaphore>,
}

impl Bodies {
    /// Bodies of at most `max` bytes each.
    pub fn up_to(max: usize) -> Bodies {
        Bodies { max, room: Arc::new(Semaphore::new(SHARED.max(max).div_ceil(PIECE))) }
    }

    /// The whole body. A larger declared length is refused before anything is read.
    pub async fn read(&self, request: Request) -> Result<Bytes, BodyError> {
        let body = request.into_body();
        if body.size_hint().lower() > u64::try_from(self.max).unwrap_or(u64::MAX) {
            return Err(BodyError::TooLarge { max: self.max });
        }
        let mut body = Limited::new(body, self.max);
        let mut whole = Whole { bytes: Vec::new(), held: None, bodies: self };
        while let Some(frame) = body.frame().await {
            let data = frame.map_err(|failed| self.failed(failed))?.into_data();
            // Trailers are no part of it.
            whole.add(&data.unwrap_or_default())?;
        }
        Ok(whole.bytes.into())
    }

    fn failed(&self, failed: BoxError) -> BodyError {
        if caused_by::<LengthLimitError>(failed.as_ref()) {
            BodyError::TooLarge { max: self.max }
        } else if caused_by::<Late>(failed.as_ref()) {
            BodyError::TooSlow
        } else {
            BodyError::Broken(failed)
        }
    }
}

/// What has come of a body, in one piece: a list of what came would take many times the room where it came in crumbs.
struct Whole<'a> {
    bytes: Vec<u8>,
    held: Option<SemaphorePermit<'a>>,
    bodies: &'a Bodies,
}

impl Whole<'_> {
    fn add(&mut self, more: &[u8]) -> Result<(), BodyError> {
        let (length, capacity) = (self.bytes.len() + more.len(), self.bytes.capacity());
        if length > capacity {
            let capacity = length.max((2 * capacity).min(self.bodies.max));
            self.hold(capacity.saturating_sub(ALWAYS).div_ceil(PIECE))?;
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    fn hold(&mut self, pieces: usize) -> Result<(), BodyError> {
        let held = self.held.as_ref().map_or(0, SemaphorePermit::num_permits);
        let more = u32::try_from(pieces.saturating_sub(held)).map_err(|_| BodyError::NoRoom)?;
        let more = self.bodies.room.try_acquire_many(more).map_err(|_| BodyError::NoRoom)?;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }
}

fn caused_by<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    error.is::<E>() || error.source().is_some_and(caused_by::<E>)
}

/// The body's deadline has passed.
#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
struct Late;

/// A body that fails at its deadline, however steadily it trickles.
pub(super) struct Timed {
    body: Incoming,
    progress: Arc<Progress>,
    deadline: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

impl Timed {
    pub(super) fn new(body: Incoming, progress: Arc<Progress>, deadline: Instant) -> Timed {
        let ended = body.is_end_stream();
        if ended {
            progress.body_ended();
        }
        Timed { body, progress, deadline, timer: None, ended }
    }

    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let deadline = self.deadline;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timer.as_mut().poll(cx).is_ready()
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        let ended = matches!(frame, Poll::Ready(None)) || (frame.is_ready() && self.body.is_end_stream());
        if ended && !self.ended {
            self.ended = true;
            self.progress.body_ended();
        }
        if !self.ended && self.is_late(cx) {
            self.progress.body_late();
            return Poll::Ready(Some(Err(Late.into())));
        }
        frame.map_err(BoxError::from)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        if !self.ended {
            self.progress.body_left();
        }
    }
}
