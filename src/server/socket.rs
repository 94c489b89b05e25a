//! A TCP stream that tells the connection's progress what it sees.
//!
//! Owns: noticing first bytes, blocked writes, the goodbye to a peer that is still sending, and how much the system keeps
//! for a peer. Refuses: deadlines.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;

use super::progress::Progress;

/// Most bytes we read only to throw them away, after having answered a request before its end.
const FAREWELL_BYTES: usize = 8 * 1024 * 1024;

/// What the system keeps of our answers until their peer takes them, in bytes; it doubles this for its own use. Left to
/// itself it grows to 4 MiB for each peer that asks and never reads.
const UNTAKEN_BYTES: u32 = 64 * 1024;
/// Peers that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Listens there. What is accepted inherits the bound on what the system keeps for it.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // The port of a daemon that has just ended is ours at once.
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(UNTAKEN_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Listens on a socket that somebody else has opened, and keeps when we end. What is accepted is bound as with ours.
pub fn adopt(socket: &std::net::TcpListener) -> io::Result<TcpListener> {
    let socket = socket.try_clone()?;
    socket.set_nonblocking(true)?;
    set_socket_send_buffer_size(&socket, UNTAKEN_BYTES as usize)?;
    TcpListener::from_std(socket)
}

pub(super) struct Socket {
    stream: TcpStream,
    progress: Arc<Progress>,
    goodbye: Goodbye,
}

enum Goodbye {
    NotYet,
    Discarding { left: usize },
    Over,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, progress: Arc<Progress>) -> Socket {
        Socket { stream, progress, goodbye: Goodbye::NotYet }
    }

    fn noted<T>(&self, written: Poll<T>) -> Poll<T> {
        if written.is_pending() {
            self.progress.write_blocked(Instant::now());
        }
        written
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        if into.filled().len() > before {
            self.progress.bytes_came(Instant::now());
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called by hyper when it has handed over all it had, so a peer that takes a byte now and then gains no time.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.progress.write_flowed();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.goodbye, Goodbye::NotYet) {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            let unread = self.progress.said_goodbye(Instant::now());
            self.goodbye = if unread { Goodbye::Discarding { left: FAREWELL_BYTES } } else { Goodbye::Over };
        }
        let mut space = [0; 8192];
        while let Goodbye::Discarding { left } = self.goodbye {
            let mut waste = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut waste))?;
            let came = waste.filled().len();
            self.goodbye = match left.checked_sub(came) {
                Some(left) if came > 0 => Goodbye::Discarding { left },
                _ => Goodbye::Over,
            };
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn for_a_peer_that_takes_no_answer_the_system_keeps_little() {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        keeps_little(bind(anywhere).unwrap()).await;
        keeps_little(adopt(&std::net::TcpListener::bind(anywhere).unwrap()).unwrap()).await;
    }

    async fn keeps_little(listener: TcpListener) {
        let (peer, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), async {
            listener.accept().await.unwrap().0
        });
        let (_peer, mut kept) = (peer.unwrap(), 0);
        accepted.writable().await.unwrap();
        while let Ok(count) = accepted.try_write(&[b'x'; 1024]) {
            kept += count;
        }
        // Its own side of it, which is the peer's, takes some too.
        assert!((1024..1024 * 1024).contains(&kept), "{kept} bytes");
    }
}
