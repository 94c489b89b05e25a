//! Request bodies: bounded in time by the server, and in size by whoever reads them.
//!
//! Owns: the body's deadline, the size cap. Refuses: what the bytes mean.

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
            BodyError::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// The whole body, at most `max` bytes. A larger declared length is refused before anything is read.
pub async fn read_body(request: Request, max: usize) -> Result<Bytes, BodyError> {
    let body = request.into_body();
    if body.size_hint().lower() > u64::try_from(max).unwrap_or(u64::MAX) {
        return Err(BodyError::TooLarge { max });
    }
    match Limited::new(body, max).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(failed) if caused_by::<LengthLimitError>(failed.as_ref()) => Err(BodyError::TooLarge { max }),
        Err(failed) if caused_by::<Late>(failed.as_ref()) => Err(BodyError::TooSlow),
        Err(failed) => Err(BodyError::Broken(failed)),
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
