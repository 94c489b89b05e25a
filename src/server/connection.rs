//! One connection, from its first byte to its last.
//!
//! Owns: driving hyper, acting on the deadlines of `progress`, turning a handler's panic into a 500. Refuses: choosing
//! which connections may live; that is the accept loop's.

use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use futures_util::FutureExt;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use super::Limits;
use super::body::Timed;
use super::progress::{Due, Progress};
use super::socket::Socket;

/// Most bytes of a request's head; also the most that is read ahead of a handler.
const BUFFER_BYTES: usize = 32 * 1024;

/// Serves requests on `stream` until the peer, a deadline or `shutdown` ends it.
pub(super) async fn drive(
    stream: TcpStream,
    router: Router,
    limits: Arc<Limits>,
    progress: Arc<Progress>,
    shutdown: CancellationToken,
) {
    if let Err(failed) = stream.set_nodelay(true) {
        debug!(error = %failed, "a connection was gone before it was served");
        return;
    }
    let socket = Socket::new(stream, Arc::clone(&progress));
    let answering = Answering { router, limits: Arc::clone(&limits), progress: Arc::clone(&progress) };
    let mut protocol = http1::Builder::new();
    // hyper's own deadline for heads also cuts kept connections that rest; ours tells the two apart.
    // With half_close, a handler that has its request runs to the end even if the peer is gone.
    protocol.header_read_timeout(None).half_close(true).max_buf_size(BUFFER_BYTES);
    let connection = pin!(protocol.serve_connection(TokioIo::new(socket), answering));
    supervise(connection, &limits, &progress, &shutdown).await;
}

async fn supervise(
    mut connection: Pin<&mut http1::Connection<TokioIo<Socket>, Answering>>,
    limits: &Limits,
    progress: &Progress,
    shutdown: &CancellationToken,
) {
    let mut shutdown = pin!(shutdown.cancelled().fuse());
    let mut timer = pin!(sleep_until(Instant::now() + limits.header));
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                if let Err(failed) = ended {
                    debug!(error = %failed, "a connection ended early");
                }
                return Poll::Ready(());
            }
            // hyper closes a connection that waits for its next request at once, and drops what is on its way to us.
            if shutdown.as_mut().poll(cx).is_ready() {
                progress.part(Instant::now());
            }
            let Some(due) = progress.due(limits) else { return Poll::Pending };
            if timer.deadline() != due.at() {
                timer.as_mut().reset(due.at());
            }
            ready!(timer.as_mut().poll(cx));
            if matches!(due, Due::Cut(_)) {
                return Poll::Ready(());
            }
            progress.finish();
            connection.as_mut().graceful_shutdown();
        }
    })
    .await;
}

/// The router as hyper wants it, with our deadlines round it.
struct Answering {
    router: Router,
    limits: Arc<Limits>,
    progress: Arc<Progress>,
}

impl Service<Request<Incoming>> for Answering {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Answer>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let deadline = self.progress.request_began(Instant::now(), &self.limits);
        let request = request.map(|body| Timed::new(body, Arc::clone(&self.progress), deadline));
        Box::pin(answer(self.router.clone(), request, Arc::clone(&self.progress)).map(Ok))
    }
}

async fn answer(router: Router, request: Request<Timed>, progress: Arc<Progress>) -> Response<Answer> {
    let handled = async { TowerToHyperService::new(router).call(request).await };
    let mut response = match AssertUnwindSafe(handled).catch_unwind().await {
        Ok(Ok(response)) => response,
        Err(_panic) => {
            error!("a request ended in a panic and was answered with 500; the server goes on");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here. The log says more.\n")
        }
    };
    if progress.is_body_late() {
        response = plain(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time. Send it again.\n");
    }
    if progress.is_body_left() || progress.is_ending() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(|body| Answer { body, progress })
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
}

/// An answer's body. hyper drops it when all of it is on its way: then the connection rests.
struct Answer {
    body: Body,
    progress: Arc<Progress>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.progress.answered(Instant::now());
    }
}
