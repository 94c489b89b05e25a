//! A TCP stream that tells the connection's progress what it sees.
//!
//! Owns: noticing first bytes, blocked writes, and the goodbye to a peer that is still sending. Refuses: deadlines.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::progress::Progress;

/// Most bytes we read only to throw them away, after having answered a request before its end.
const FAREWELL_BYTES: usize = 8 * 1024 * 1024;

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
