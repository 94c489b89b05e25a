//! Serves HTTP/1 on a listener, with a deadline for everything that a peer can keep us waiting for.
//!
//! Owns: the accept loop, the limits, the drain at shutdown. Refuses: knowing what is served (that is the router's),
//! TLS, HTTP/2 and protocol upgrades: a reverse proxy in front does those.

mod body;
mod connection;
mod progress;
mod roll_call;
mod socket;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONNECTION;
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet, yield_now};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

pub use self::body::{Bodies, BodyError};
use self::progress::{Expendable, Progress};
pub use self::roll_call::{Called, RollCall, roll_call};
pub use self::socket::{adopt, bind};

/// Connections that are told that there is no room, at the same time. More than these are closed without a word.
const TOLD: usize = 64;
/// How long the next one waits until one of these has been told.
const TOLD_WITHIN: Duration = Duration::from_millis(20);
/// So often all others get their turn before one is closed that has just come: its request may lie there unread.
const TURNS: u32 = 3;
/// How long we rest after an accept failed for lack of something (file descriptors, memory).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a peer may keep us waiting, and how many peers there may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// For the head of a request: from the connection's start for the first one, from its first byte for later ones.
    pub header: Duration,
    /// For head and body of a request together, counted from the same instant. Bytes that trickle in do not extend it.
    pub body: Duration,
    /// For the next request on a connection that was kept open.
    pub idle: Duration,
    /// For the peer to take what we have to write.
    pub write: Duration,
    /// For a connection as a whole; past it, the connection closes after the request it is busy with.
    pub connection: Duration,
    /// Open connections at the same time.
    pub connections: usize,
    /// For running requests to end after shutdown began.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            header: Duration::from_secs(5),
            body: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            write: Duration::from_secs(10),
            connection: Duration::from_mins(2),
            connections: 512,
            drain: Duration::from_secs(10),
        }
    }
}

/// What became of the connections, told when the server has stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    /// Connections still busy when the drain ended; their requests were dropped.
    pub cut: usize,
    /// Connections closed, while we waited for their peer, to make room for a new one.
    pub evicted: usize,
    /// Connections told 503, or closed, because all others were busy with a request.
    pub refused: usize,
    /// Failed accepts. The loop goes on after each of them.
    pub accept_errors: usize,
}

/// Serves `router` on `listener` until `shutdown`, then lets running requests finish within `limits.drain`. Answers
/// `called` while it accepts.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
    mut called: Called,
) -> Served {
    let mut server = Server::new(router, limits, shutdown.clone());
    loop {
        let accepted = select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(ended) = server.tasks.join_next_with_id() => {
                server.forget(ended);
                continue;
            }
            accepted = listener.accept() => accepted,
            // Last: while accepting fails, nobody is answered.
            Some(asker) = called.next() => {
                let _ = asker.send(());
                continue;
            }
        };
        match accepted {
            Ok((stream, _)) => {
                server.take(stream).await;
                called.answer();
            }
            Err(error) => server.accept_failed(&error).await,
        }
    }
    drop(listener);
    server.drain().await
}

/// The open connections. Only the accept loop touches it, so nothing here is locked.
struct Server {
    router: Router,
    limits: Arc<Limits>,
    shutdown: CancellationToken,
    tasks: JoinSet<()>,
    open: HashMap<Id, (Arc<Progress>, AbortHandle)>,
    /// Those that come while all others are busy, and what each of them is answered.
    turned_away: JoinSet<()>,
    full: Router,
    served: Served,
}

impl Server {
    fn new(router: Router, limits: Limits, shutdown: CancellationToken) -> Server {
        let full = Router::new().fallback(|| async { (StatusCode::SERVICE_UNAVAILABLE, [(CONNECTION, "close")]) });
        Server {
            router,
            limits: Arc::new(limits),
            shutdown,
            tasks: JoinSet::new(),
            open: HashMap::new(),
            turned_away: JoinSet::new(),
            full,
            served: Served::default(),
        }
    }

    /// Serves one more connection, if there is room or room can be made.
    async fn take(&mut self, stream: TcpStream) {
        let mut turns = 0..TURNS;
        while self.tasks.len() >= self.limits.connections {
            if let Some(ended) = self.tasks.try_join_next_with_id() {
                self.forget(ended);
            } else if self.longest().is_some_and(|(longest, _)| longest.is_fresh()) && turns.next().is_some() {
                yield_now().await;
            } else if self.evict() {
                // Waiting for the end keeps the number of open sockets at the limit, however fast new ones come.
                if let Some(ended) = self.tasks.join_next_with_id().await {
                    self.forget(ended);
                }
            } else {
                self.turn_away(stream).await;
                return;
            }
        }
        let progress = Arc::new(Progress::new(Instant::now()));
        let task = self.driven(stream, self.router.clone(), Arc::clone(&progress));
        let handle = self.tasks.spawn(task);
        self.open.insert(handle.id(), (progress, handle));
    }

    fn driven(
        &self,
        stream: TcpStream,
        router: Router,
        progress: Arc<Progress>,
    ) -> impl Future<Output = ()> + Send + use<> {
        connection::drive(stream, router, Arc::clone(&self.limits), progress, self.shutdown.clone())
    }

    /// Whoever is closed without a word may take that for a fault of the network; 503 says to come again.
    async fn turn_away(&mut self, stream: TcpStream) {
        self.served.refused += 1;
        while self.turned_away.try_join_next().is_some() {}
        if self.turned_away.len() >= TOLD {
            // Nobody else could be served in that time either.
            let _ended = timeout(TOLD_WITHIN, self.turned_away.join_next()).await.is_ok();
        }
        if self.turned_away.is_empty() {
            warn!(connections = self.limits.connections, "every connection is busy; whoever comes is told 503");
        }
        if self.turned_away.len() < TOLD {
            let task = self.driven(stream, self.full.clone(), Arc::new(Progress::new(Instant::now())));
            self.turned_away.spawn(task);
        }
    }

    /// Closes the connection that has kept us waiting longest; false if all are busy with a request.
    fn evict(&mut self) -> bool {
        let Some((_, longest)) = self.longest() else { return false };
        if let Some((_, task)) = self.open.remove(&longest) {
            task.abort();
            self.served.evicted += 1;
        }
        true
    }

    fn longest(&self) -> Option<(Expendable, Id)> {
        let now = Instant::now();
        let waiting = self.open.iter().filter_map(|(id, (progress, _))| Some((progress.expendable(now)?, *id)));
        waiting.min_by_key(|(expendable, _)| *expendable)
    }

    fn forget(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(failed) => {
                if failed.is_panic() {
                    error!("a connection ended in a panic; the others go on");
                }
                failed.id()
            }
        };
        self.open.remove(&id);
    }

    async fn accept_failed(&mut self, failed: &io::Error) {
        self.served.accept_errors += 1;
        if is_about_the_peer(failed) {
            debug!(error = %failed, "a peer was gone before it was accepted");
            return;
        }
        let total = self.served.accept_errors;
        warn!(error = %failed, total, "cannot accept a connection; trying again shortly");
        if matches!(Errno::from_io_error(failed), Some(Errno::MFILE | Errno::NFILE)) {
            self.evict();
        }
        select! {
            () = self.shutdown.cancelled() => {}
            () = sleep(ACCEPT_PAUSE) => {}
        }
    }

    async fn drain(mut self) -> Served {
        let deadline = Instant::now() + self.limits.drain;
        while let Ok(Some(ended)) = timeout_at(deadline, self.tasks.join_next_with_id()).await {
            self.forget(ended);
        }
        self.served.cut = self.tasks.len();
        self.tasks.shutdown().await;
        if self.served.cut > 0 {
            warn!(connections = self.served.cut, "cut connections that were still busy when the time to stop was up");
        }
        self.served
    }
}

fn is_about_the_peer(failed: &io::Error) -> bool {
    matches!(failed.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        Server::new(Router::new(), Limits::default(), CancellationToken::new())
    }

    async fn connected(server: &mut Server) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        server.take(listener.accept().await.unwrap().0).await;
        client
    }

    #[tokio::test(start_paused = true)]
    async fn running_out_of_descriptors_frees_one_and_rests_before_the_next_accept() {
        let mut server = server();
        let _waiting = connected(&mut server).await;
        let before = Instant::now();
        server.accept_failed(&io::Error::from(Errno::MFILE)).await;
        assert_eq!(server.served, Served { evicted: 1, accept_errors: 1, ..Served::default() });
        assert!(before.elapsed() >= ACCEPT_PAUSE);
    }

    /// A socket that always has something to accept, and never accepts it.
    fn broken() -> TcpListener {
        let (socket, other) = std::os::unix::net::UnixDatagram::pair().unwrap();
        other.send(b"x").unwrap();
        let listener = std::net::TcpListener::from(std::os::fd::OwnedFd::from(socket));
        listener.set_nonblocking(true).unwrap();
        TcpListener::from_std(listener).unwrap()
    }

    #[tokio::test]
    async fn a_loop_answers_while_it_accepts_and_only_then() {
        let patience = ACCEPT_PAUSE * 10;
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for (listener, want) in [(good, Ok(true)), (broken(), Err(()))] {
            let ((call, called), shutdown) = (roll_call(), CancellationToken::new());
            let serving = tokio::spawn(serve(listener, Router::new(), Limits::default(), shutdown.clone(), called));
            for _ in 0..2 {
                let answered = tokio::time::timeout(patience, call.answered()).await;
                assert_eq!(answered.map_err(drop), want);
            }
            shutdown.cancel();
            let failed = serving.await.unwrap().accept_errors;
            assert_eq!(failed > 0, want.is_err());
            assert!(!call.answered().await, "it has ended");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_gone_before_it_was_accepted_costs_no_rest() {
        let mut server = server();
        let before = Instant::now();
        server.accept_failed(&io::Error::from(Errno::CONNABORTED)).await;
        assert_eq!(server.served, Served { accept_errors: 1, ..Served::default() });
        assert_eq!(before.elapsed(), Duration::ZERO);
    }
}
